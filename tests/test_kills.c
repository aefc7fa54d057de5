/* Processes that are killed while they write, and processes that share a cache from containers of their own: nothing is
 * lost, nothing is half-written. CHRONOS2_KILLS=N kills N of each kind instead of 10. */
#include "program.h"

#include <signal.h>
#include <time.h>
#include <utime.h>

#include "base/platform.h"

#define NILE SOURCE_DIR "/datasets/nile_yearly.csv"

/* Kills a fresh process after a random part of `whole` seconds; true if it had not ended by then. */
static bool run_and_kill(const char *const *argv, double whole) {
  pid_t child = program_start(argv);
  double wait = whole * (double)rand() / RAND_MAX;
  struct timespec t = {(time_t)wait, (long)(1e9 * (wait - (double)(time_t)wait))};
  while (nanosleep(&t, &t) != 0) assert_int_equal(errno, EINTR);
  int state = 0;
  assert_int_equal(kill(child, SIGKILL), 0);
  while (waitpid(child, &state, 0) < 0) assert_int_equal(errno, EINTR);
  return WIFSIGNALED(state);
}

static size_t kills(void) {
  const char *text = getenv("CHRONOS2_KILLS");
  return text ? strtoul(text, NULL, 10) : 10;
}

/* Names in the folder that contain `part`. Where `age`, they look as if nobody had written to them for long. */
static size_t count_names(const char *folder, const char *part, bool age) {
  size_t count = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    if (!strstr(e->d_name, part)) continue;
    char *path = program_path(folder, e->d_name);
    if (age) assert_int_equal(utime(path, &(struct utimbuf){1000000000, 1000000000}), 0);
    free(path);
    count++;
  }
  (void)closedir(dir);
  return count;
}

/* Those that end in `ending`. */
static void remove_names(const char *folder, const char *ending) {
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    size_t length = strlen(e->d_name);
    bool ends = length >= strlen(ending) && strcmp(e->d_name + length - strlen(ending), ending) == 0;
    if (ends) assert_int_equal(unlinkat(dirfd(dir), e->d_name, 0), 0);
  }
  (void)closedir(dir);
}

static double seconds_of(const char *const *argv) {
  double begin = c2_clock_seconds();
  program_result r = program_run(argv, NULL);
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  return c2_clock_seconds() - begin;
}

static void test_cache(void **state) {
  (void)state;
  char *cache = program_make_folder();
  const char *const argv[] = {PROGRAM_PATH, "forecast", NILE, "--horizon", "2", "--cache", cache, NULL};
  program_result plain = PROGRAM_RUN("forecast", NILE, "--horizon", "2");
  double whole = 1.2 * seconds_of(argv);
  size_t killed = 0;
  size_t orphans = 0;
  for (size_t k = 0; k < kills(); k++) {
    if (k % 4) remove_names(cache, ".packed");
    killed += run_and_kill(argv, whole);
    orphans = count_names(cache, ".tmp-", false);
    program_result after = program_run(argv, NULL);
    assert_int_equal(after.status, 0);
    assert_string_equal(after.out, plain.out);
    if (strstr(after.err, "cache:")) fail_msg("%s", after.err);
    program_free(&after);
  }
  print_message("caches: %zu of %zu were killed before their end, %zu temporary files were left\n", killed, kills(),
                orphans);
  (void)count_names(cache, ".tmp-", true);
  remove_names(cache, ".packed");
  (void)seconds_of(argv); /* writes anew and sweeps */
  assert_int_equal(count_names(cache, ".tmp-", false), 0);
  assert_int_equal(count_names(cache, ".packed", false), 1);
  program_free(&plain);
  program_remove_folder(cache);
}

/* A forecast of many rows over an older one: afterwards it is the one or the other, whole. */
static void test_output(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *output = program_path(folder, "out.csv");
  const char *const old_argv[] = {PROGRAM_PATH, "forecast", NILE, "--horizon", "250", "-o", output, NULL};
  const char *const new_argv[] = {PROGRAM_PATH, "forecast", NILE, "--horizon", "255", "-o", output, NULL};
  double whole = 1.2 * seconds_of(new_argv);
  char *after = program_read_file(output);
  (void)seconds_of(old_argv);
  char *before = program_read_file(output);
  assert_true(strcmp(before, after) != 0);
  size_t killed = 0;
  size_t replaced = 0;
  for (size_t k = 0; k < kills(); k++) {
    killed += run_and_kill(new_argv, whole);
    char *found = program_read_file(output);
    assert_non_null(found);
    if (strcmp(found, before) != 0) {
      assert_string_equal(found, after);
      program_write_file(output, before, strlen(before));
      replaced++;
    }
    free(found);
  }
  size_t orphans = count_names(folder, ".tmp-", true);
  print_message("outputs: %zu of %zu were killed before their end, %zu were replaced, %zu temporary files were left\n",
                killed, kills(), replaced, orphans);
  (void)seconds_of(new_argv);
  assert_int_equal(count_names(folder, "", false), 3); /* ".", ".." and the output */
  free(before);
  free(after);
  free(output);
  program_remove_folder(folder);
}

/* Starts a forecast, and sends the signal once it has made a temporary file. Returns how it ended. */
static int signal_writer(const char *const *argv, const char *folder, int number) {
  int state = 0;
  const struct timespec tick = {.tv_nsec = 500000};
  pid_t child = program_start(argv);
  while (count_names(folder, ".tmp-", false) == 0) {
    if (waitpid(child, &state, WNOHANG) == child) return state;
    (void)nanosleep(&tick, NULL);
  }
  assert_int_equal(kill(child, number), 0);
  while (waitpid(child, &state, 0) < 0) assert_int_equal(errno, EINTR);
  return state;
}

/* A signal that may be handled ends the program, which leaves no temporary file, beside an output or elsewhere. One
 * that is ignored, as nohup has it, changes nothing. */
static void test_signals(void **state) {
  (void)state;
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  char *folder = program_make_folder();
  char *temporary = program_make_folder();
  char *before = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
  char *table = program_path(folder, "out.arrow");
  char *text = program_path(folder, "out.csv");
  program_result r = PROGRAM_RUN("forecast", NILE, "--horizon", "1", "-o", table);
  const char *output = r.status == 0 ? table : text; /* a build may be without Arrow */
  program_free(&r);
  (void)unlink(table);
  assert_int_equal(setenv("TMPDIR", temporary, 1), 0);
  const char *const argv[] = {PROGRAM_PATH, "forecast", NILE, "--horizon", "5000", "-o", output, NULL};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    int ended = signal_writer(argv, folder, numbers[i]);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(WTERMSIG(ended), numbers[i]);
    assert_int_equal(count_names(folder, "", false), 2); /* "." and ".." */
    assert_int_equal(count_names(temporary, "", false), 2);
  }
  assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR);
  int ended = signal_writer(argv, folder, SIGHUP);
  assert_true(signal(SIGHUP, SIG_DFL) != SIG_ERR);
  assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
  assert_int_equal(access(output, F_OK), 0);
  assert_int_equal(before ? setenv("TMPDIR", before, 1) : unsetenv("TMPDIR"), 0);
  free(before);
  free(table);
  free(text);
  program_remove_folder(temporary);
  program_remove_folder(folder);
}

/* Two processes with the same number, as in two containers, that make one cache at once. */
static void test_containers(void **state) {
  (void)state;
  const char *const attempt[] = {"/usr/bin/unshare", "-pf", "/bin/true", NULL};
  program_result r = program_run(attempt, NULL);
  bool may = r.status == 0;
  program_free(&r);
  if (!may) {
    print_message("[ NOT RUN ] process namespaces: 'unshare -pf' is not permitted or not there\n");
    return;
  }
  char *cache = program_make_folder();
  const char *const argv[] = {"/usr/bin/unshare", "-pf", PROGRAM_PATH, "forecast", NILE,
                              "--horizon",        "2",   "--cache",    cache,      NULL};
  for (int round = 0; round < 5; round++) {
    pid_t child[2] = {program_start(argv), program_start(argv)};
    for (int i = 0; i < 2; i++) {
      int status = 0;
      assert_int_equal(waitpid(child[i], &status, 0), child[i]);
      assert_int_equal(status, 0);
    }
    program_result third = program_run(argv, NULL);
    assert_int_equal(third.status, 0);
    if (strstr(third.err, "cache:")) fail_msg("%s", third.err);
    program_free(&third);
    assert_int_equal(count_names(cache, "", false), 3);
    remove_names(cache, ".packed");
  }
  program_remove_folder(cache);
}

int main(void) {
  unsigned seed = (unsigned)time(NULL);
  srand(seed);
  print_message("seed %u\n", seed);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cache), cmocka_unit_test(test_output),
                                     cmocka_unit_test(test_signals),
                                     cmocka_unit_test(test_containers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
