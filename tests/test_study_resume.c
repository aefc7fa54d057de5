/* A study that is killed at any moment goes on: what was finished stays, byte for byte, and the outcome is that of a
 * run that nobody killed, times and resident memory aside. */
#include "program.h"

#include <dirent.h>
#include <jansson.h>
#include <signal.h>
#include <time.h>

#include "base/platform.h"

#define DATASETS SOURCE_DIR "/datasets"
#define SPARSE SOURCE_DIR "/models/chronos2-micro-r8"

static pid_t start(const char *prefix, const char *log) {
  const char *argv[] = {
      PROGRAM_PATH,     "study", "--tasks",      DATASETS, "--exclude-regex", "hourly|daily|weekly|employ",
      "--sparse-model", SPARSE,  "--radii",      "2,8",    "--perf-repeats",  "1",
      "--threads",      "1",     "--out-prefix", prefix,   "--resume",        NULL};
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int err = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(null >= 0 && err >= 0);
  (void)fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) program_become(argv, null, null, err);
  close(null);
  close(err);
  return child;
}

/* Exit status, or 128 + the signal. */
static int finish(pid_t child) {
  int state = 0;
  while (waitpid(child, &state, 0) < 0) assert_int_equal(errno, EINTR);
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

static void pause_for(double seconds) {
  struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  while (nanosleep(&t, &t) != 0) assert_int_equal(errno, EINTR);
}

/* Until a file is there whose modification time is not `before`; or the child has ended. */
static void wait_for_file(pid_t child, const char *path, const struct timespec *before) {
  for (;;) {
    struct stat info;
    siginfo_t ended = {.si_pid = 0};
    if (stat(path, &info) == 0 && (info.st_mtim.tv_sec != before->tv_sec || info.st_mtim.tv_nsec != before->tv_nsec)) {
      return;
    }
    if (waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == child) return;
    pause_for(1e-4);
  }
}

/* ---- Comparison ------------------------------------------------------------------------------ */

/* What another run measures anew. */
static bool varies(const char *column) {
  if (strstr(column, "flop")) return false;
  return strstr(column, "time_s") || strstr(column, "speedup") || strstr(column, "peak_reserved");
}

/* One field of a line; the quotes stay. Returns what follows the comma, or NULL at the end of the line. */
static char *cut(char *field) {
  bool quoted = false;
  for (; *field && (quoted || *field != ','); field++) quoted ^= *field == '"';
  if (!*field) return NULL;
  *field = '\0';
  return field + 1;
}

static void same_line(const char *name, char *header, char *a, char *b) {
  while (header && a && b) {
    char *next_header = cut(header);
    char *next_a = cut(a);
    char *next_b = cut(b);
    if (!varies(header) && strcmp(a, b) != 0) fail_msg("%s, %s: %s and %s", name, header, a, b);
    header = next_header;
    a = next_a;
    b = next_b;
  }
  assert_true(!header && !a && !b);
}

static void same_table(const char *name, const char *path_a, const char *path_b) {
  char *a = program_read_file(path_a);
  char *b = program_read_file(path_b);
  if (!a || !b) fail_msg("%s is missing", a ? path_b : path_a);
  char *rest_a = NULL;
  char *rest_b = NULL;
  char *line_a = strtok_r(a, "\n", &rest_a);
  char *line_b = strtok_r(b, "\n", &rest_b);
  char *header = strdup(line_a);
  size_t lines = 0;
  for (; line_a && line_b; lines++) {
    char *columns = strdup(header);
    same_line(name, columns, line_a, line_b);
    free(columns);
    line_a = strtok_r(NULL, "\n", &rest_a);
    line_b = strtok_r(NULL, "\n", &rest_b);
  }
  assert_true(!line_a && !line_b && lines > 1);
  free(header);
  free(a);
  free(b);
}

static json_t *read_json(const char *path) {
  return json_load_file(path, 0, NULL);
}

/* Command and verdict tell of names and times. */
static void same_record(const char *path_a, const char *path_b) {
  json_t *a = read_json(path_a);
  json_t *b = read_json(path_b);
  static const char *const keys[] = {"warnings", "options", "sha256", "versions", "machine"};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    assert_non_null(json_object_get(a, keys[i]));
    if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i]))) fail_msg("%s differs", keys[i]);
  }
  json_decref(a);
  json_decref(b);
}

/* Every file of the uninterrupted run "a" is there as "b", and nothing else. */
static void same_outcome(const char *folder) {
  DIR *dir = opendir(folder);
  size_t tables = 0;
  size_t files[2] = {0, 0};
  assert_non_null(dir);
  struct dirent *entry = NULL;
  while ((entry = readdir(dir))) {
    if (strstr(entry->d_name, ".tmp-") || strstr(entry->d_name, "partial")) fail_msg("%s is left", entry->d_name);
    if (strncmp(entry->d_name, "b__", 3) == 0) files[1]++;
    if (strncmp(entry->d_name, "a__", 3) != 0) continue;
    files[0]++;
    char *a = program_path(folder, entry->d_name);
    char *b = strdup(a);
    b[strlen(folder) + 1] = 'b';
    if (strstr(entry->d_name, ".csv")) {
      same_table(entry->d_name, a, b);
      tables++;
    } else if (strstr(entry->d_name, "run.json")) {
      same_record(a, b);
    }
    free(a);
    free(b);
  }
  closedir(dir);
  assert_int_equal(files[0], files[1]);
  assert_true(tables >= 14);
}

/* The tasks that an earlier partial result holds are in a later one, number by number; takes over `earlier`. */
static json_t *kept(json_t *earlier, const char *path) {
  json_t *later = access(path, F_OK) == 0 ? read_json(path) : NULL;
  if (!earlier) return later;
  const json_t *old = json_object_get(earlier, "tasks");
  const json_t *new = json_object_get(later, "tasks");
  assert_true(json_array_size(new) >= json_array_size(old));
  for (size_t i = 0; i < json_array_size(old); i++) {
    assert_true(json_equal(json_array_get(old, i), json_array_get(new, i)));
  }
  json_decref(earlier);
  return later;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* A study is killed until it is complete, at most `most` times: at random moments of a run's length, just after a task
 * was stored, and while the files are written. Then its files are those of the run "a". Returns the kills. */
static size_t kill_until_complete(const char *folder, double whole, size_t most, uint64_t *random) {
  char *b = program_path(folder, "b");
  char *log = program_path(folder, "log");
  char *partial = program_path(folder, "b__partial.json");
  char *table = program_path(folder, "b__mass_summary.csv");
  json_t *stored = NULL;
  size_t killed = 0;
  bool complete = false;
  for (size_t i = 0; i < most && !complete; i++) {
    struct stat info = {.st_size = 0};
    bool all = json_array_size(json_object_get(stored, "tasks")) == 4;
    const char *file = i % 3 == 2 ? (all || i + 1 == most ? table : partial) : NULL;
    if (file) (void)stat(file, &info);
    *random = *random * 6364136223846793005U + 1442695040888963407U;
    pid_t child = start(b, log);
    if (file) {
      wait_for_file(child, file, &info.st_mtim);
    } else {
      pause_for(whole / 3 * (double)(*random >> 40) / (double)(1 << 24));
    }
    (void)kill(child, SIGKILL);
    int status = finish(child);
    killed += status == 128 + SIGKILL;
    assert_true(status == 128 + SIGKILL || status == 0);
    complete = status == 0 || (stored && access(partial, F_OK) != 0); /* it was faster: all files are there */
    if (!complete) stored = kept(stored, partial);
  }
  size_t before = json_array_size(json_object_get(stored, "tasks"));
  json_decref(stored);
  if (!complete) assert_int_equal(finish(start(b, log)), 0);
  char *said = program_read_file(log);
  assert_true(program_count(said, "done before") == before);
  print_message("%zu kills; %zu of 4 tasks were done before the last run\n", killed, before);
  same_outcome(folder);
  free(said);
  free(b);
  free(log);
  free(partial);
  free(table);
  return killed;
}

/* Removes the files of the run "b". */
static void forget_b(const char *folder) {
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
    if (strncmp(entry->d_name, "b__", 3) == 0) assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
  }
  (void)closedir(dir);
}

/* CHRONOS2_TEST_KILLS asks for more kills than one study takes: it is run anew until there were so many. */
static void test_kill(void **state) {
  (void)state;
  enum { MOST = 9 };
  const char *asked = getenv("CHRONOS2_TEST_KILLS");
  const size_t kills = asked ? strtoul(asked, NULL, 10) : 2;
  char *folder = program_make_folder();
  char *a = program_path(folder, "a");
  char *log = program_path(folder, "log");
  double begin = c2_clock_seconds();
  assert_int_equal(finish(start(a, log)), 0);
  double whole = c2_clock_seconds() - begin;
  uint64_t random = (uint64_t)time(NULL);
  print_message("seed %llu, a run takes %.2f s\n", (unsigned long long)random, whole);
  for (size_t killed = 0; killed < kills; forget_b(folder)) {
    killed += kill_until_complete(folder, whole, MOST, &random);
  }
  free(a);
  free(log);
  program_remove_folder(folder);
}

/* Ctrl-C: one line that says how to go on, the signal as status, and a state to go on from. */
static void test_interrupt(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *b = program_path(folder, "b");
  char *log = program_path(folder, "log");
  char *partial = program_path(folder, "b__partial.json");
  (void)signal(SIGINT, SIG_DFL);
  pid_t child = start(b, log);
  wait_for_file(child, partial, &(struct timespec){0, 0});
  for (bool told = false; !told; pause_for(1e-3)) { /* of the first task, just after its state is written */
    char *so_far = program_read_file(log);
    told = strstr(so_far, " left\n") != NULL;
    free(so_far);
    if (kill(child, 0) != 0) fail_msg("the study is gone");
  }
  assert_int_equal(kill(child, SIGINT), 0);
  assert_int_equal(finish(child), 128 + SIGINT);
  char *said = program_read_file(log);
  assert_int_equal(program_count(said, "chronos2: error: "), 1);
  assert_non_null(strstr(said, "--resume"));
  assert_non_null(strstr(said, " left\n")); /* of the time, after the first task */
  free(said);
  assert_int_equal(finish(start(b, log)), 0);
  said = program_read_file(log);
  assert_true(program_count(said, "done before") >= 1);
  assert_true(access(partial, F_OK) != 0);
  free(said);
  free(b);
  free(log);
  free(partial);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill), cmocka_unit_test(test_interrupt)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
