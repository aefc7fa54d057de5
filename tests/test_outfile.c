/* Output files: whole or not at all, through links, into devices and pipes, never over an input. */
#include "program.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <utime.h>

#include "base/outfile.h"
#include "base/platform.h"

#define NILE SOURCE_DIR "/datasets/nile_yearly.csv"

static c2_status put(const char *path, const char *text, c2_error *err) {
  c2_outfile file;
  c2_status status = c2_outfile_open(&file, path, err);
  if (status == C2_OK) {
    (void)fputs(text, file.stream);
    status = c2_outfile_commit(&file, err);
  }
  c2_outfile_discard(&file);
  return status;
}

static void assert_holds(const char *path, const char *text) {
  char *found = program_read_file(path);
  assert_non_null(found);
  assert_string_equal(found, text);
  free(found);
}

static mode_t mode_of(const char *path) {
  struct stat info;
  assert_int_equal(lstat(path, &info), 0);
  return info.st_mode;
}

static size_t count_files(const char *folder) {
  size_t count = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  while (readdir(dir)) count++;
  (void)closedir(dir);
  return count - 2;
}

static void test_regular(void **state) {
  (void)state;
  c2_error err;
  c2_outfile file;
  char *folder = program_make_folder();
  char *path = program_path(folder, "out");
  mode_t mask = umask(027);
  assert_int_equal(put(path, "one", &err), C2_OK);
  (void)umask(mask);
  assert_int_equal(mode_of(path) & 07777, 0640); /* as any new file */
  assert_holds(path, "one");
  assert_int_equal(chmod(path, 0604), 0);
  assert_int_equal(put(path, "two", &err), C2_OK);
  assert_int_equal(mode_of(path) & 07777, 0604); /* kept */
  assert_holds(path, "two");
  assert_int_equal(c2_outfile_open(&file, path, &err), C2_OK);
  (void)fputs("three", file.stream);
  (void)fflush(file.stream);
  assert_holds(path, "two"); /* until the commit */
  assert_int_equal(count_files(folder), 2);
  c2_outfile_discard(&file);
  assert_holds(path, "two");
  assert_int_equal(count_files(folder), 1);
  assert_int_equal(put("", "x", &err), C2_ERR_IO);
  assert_int_equal(put(folder, "x", &err), C2_ERR_IO);
  assert_non_null(strstr(err.text, "it is a directory"));
  if (geteuid() != 0) {
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(put(path, "x", &err), C2_ERR_IO);
    assert_holds(path, "two");
  }
  program_remove_folder(folder);
  free(path);
}

static void test_links(void **state) {
  (void)state;
  c2_error err;
  char *folder = program_make_folder();
  char *inner = program_path(folder, "inner");
  char *target = program_path(folder, "inner/target");
  char *link_to_it = program_path(folder, "link");
  char *chain = program_path(folder, "chain");
  char *loop = program_path(folder, "loop");
  assert_int_equal(mkdir(inner, 0755), 0);
  assert_int_equal(symlink("inner/target", link_to_it), 0);
  assert_int_equal(symlink(link_to_it, chain), 0);
  assert_int_equal(symlink("loop", loop), 0);
  assert_int_equal(put(chain, "new", &err), C2_OK); /* the end doesn't exist yet */
  assert_holds(target, "new");
  assert_int_equal(put(chain, "newer", &err), C2_OK);
  assert_holds(target, "newer");
  assert_true(S_ISLNK(mode_of(chain)) && S_ISLNK(mode_of(link_to_it)));
  assert_int_equal(count_files(inner), 1);
  assert_int_equal(count_files(folder), 4);
  assert_int_equal(put(loop, "x", &err), C2_ERR_IO);
  assert_int_equal(unlink(target), 0);
  assert_int_equal(rmdir(inner), 0);
  program_remove_folder(folder);
  free(inner);
  free(target);
  free(link_to_it);
  free(chain);
  free(loop);
}

/* The temporary name can't be planted: whatever lies in the folder under names like it is left alone. */
static void test_planted_names(void **state) {
  (void)state;
  c2_error err;
  char *folder = program_make_folder();
  char *victim = program_path(folder, "victim");
  char *path = program_path(folder, "out");
  char planted[600];
  program_write_file(victim, "mine", 4);
  (void)snprintf(planted, sizeof planted, "%s.tmp-%ld", path, (long)getpid());
  assert_int_equal(symlink("victim", planted), 0);
  assert_int_equal(put(path, "x", &err), C2_OK);
  assert_holds(victim, "mine");
  assert_holds(path, "x");
  program_remove_folder(folder);
  free(victim);
  free(path);
}

static void test_fifo(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "fifo");
  assert_int_equal(mkfifo(path, 0600), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    c2_error err;
    _exit(put(path, "through", &err) == C2_OK ? 0 : 1);
  }
  char text[16] = "";
  int in = open(path, O_RDONLY);
  assert_true(in >= 0);
  size_t used = 0;
  ssize_t n = 1;
  for (; n > 0 && used < sizeof text - 1; used += (size_t)n) n = read(in, text + used, sizeof text - 1 - used);
  (void)close(in);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_string_equal(text, "through");
  assert_true(S_ISFIFO(mode_of(path)));
  program_remove_folder(folder);
  free(path);
}

static void test_socket(void **state) {
  (void)state;
  c2_error err;
  char *folder = program_make_folder();
  char *path = program_path(folder, "s");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  if (strlen(path) >= sizeof address.sun_path) {
    print_message("[ NOT RUN ] the build folder's path is too long for a socket\n");
  } else {
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(s, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(put(path, "x", &err), C2_ERR_IO);
    assert_non_null(strstr(err.text, "cannot write"));
    assert_true(S_ISSOCK(mode_of(path)));
  }
  (void)close(s);
  program_remove_folder(folder);
  free(path);
}

/* Device nodes of our own, so that a mistake harms no machine. */
static void test_devices(void **state) {
  (void)state;
  c2_error err;
  char *folder = program_make_folder();
  char *null = program_path(folder, "null");
  char *full = program_path(folder, "full");
  if (mknod(null, S_IFCHR | 0666, makedev(1, 3)) != 0 || mknod(full, S_IFCHR | 0666, makedev(1, 7)) != 0 ||
      access(null, W_OK) != 0) {
    print_message("[ NOT RUN ] device nodes: only root may make them\n");
  } else {
    int opened = open(null, O_WRONLY);
    if (opened < 0) {
      print_message("[ NOT RUN ] device nodes: this file system has none\n");
    } else {
      (void)close(opened);
      assert_int_equal(put(null, "x", &err), C2_OK);
      assert_true(S_ISCHR(mode_of(null)));
      assert_int_equal(put(full, "x", &err), C2_ERR_IO);
      assert_non_null(strstr(err.text, strerror(ENOSPC)));
      assert_true(S_ISCHR(mode_of(full)));
      program_result r = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-o", null);
      assert_int_equal(r.status, 0);
      assert_int_equal(r.out_size, 0);
      assert_true(S_ISCHR(mode_of(null)));
      program_free(&r);
    }
  }
  (void)unlink(null);
  (void)unlink(full);
  program_remove_folder(folder);
  free(null);
  free(full);
}

/* A descriptor is written to where it stands, though it leads to a regular file. */
static void test_descriptors(void **state) {
  (void)state;
  c2_error err;
  char *folder = program_make_folder();
  char *path = program_path(folder, "log");
  char *link_to_it = program_path(folder, "link");
  char name[64];
  int out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(out >= 0);
  assert_int_equal(write(out, "before,", 7), 7);
  (void)snprintf(name, sizeof name, "/dev/fd/%d", out);
  assert_int_equal(put(name, "first,", &err), C2_OK);
  (void)snprintf(name, sizeof name, "/proc/self/fd/%d", out);
  assert_int_equal(symlink(name, link_to_it), 0);
  assert_int_equal(put(link_to_it, "second,", &err), C2_OK);
  assert_int_equal(write(out, "after", 5), 5);
  (void)close(out);
  assert_holds(path, "before,first,second,after");
  assert_int_equal(count_files(folder), 2);
  program_remove_folder(folder);
  free(path);
  free(link_to_it);
  program_result plain = PROGRAM_RUN("forecast", NILE, "--horizon", "3");
  program_result named = PROGRAM_RUN("forecast", NILE, "--horizon", "3", "-o", "/dev/stdout");
  assert_int_equal(plain.status, 0);
  assert_int_equal(named.status, 0);
  assert_string_equal(plain.out, named.out);
  assert_true(plain.out_size > 0);
  program_free(&plain);
  program_free(&named);
}

static void refuse(const char *path, const char *const *argv) {
  char *before = program_read_file(path);
  program_result r = program_run(argv, NULL);
  program_assert_error(&r, 1, "the output would overwrite the input");
  char *after = program_read_file(path);
  assert_string_equal(before, after);
  free(before);
  free(after);
}

static void test_inputs_are_kept(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *data = program_path(folder, "study__data.csv");
  char *alias = program_path(folder, "alias.csv");
  char *tasks = program_path(folder, "tasks.yaml");
  char *prefix = program_path(folder, "study");
  char *config = program_path(folder, "config.json");
  char *weights = program_path(folder, "model.safetensors");
  program_copy_file(NILE, data);
  program_copy_file(SOURCE_DIR "/tests/golden/model-smooth/weights/config.json", config);
  program_copy_file(SOURCE_DIR "/tests/golden/model-smooth/weights/model.safetensors", weights);
  assert_int_equal(symlink("study__data.csv", alias), 0);
  static const char yaml[] = "tasks:\n- dataset_path: study__data.csv\n  horizon: 2\n";
  program_write_file(tasks, yaml, sizeof yaml - 1);
  const char *const runs[][10] = {
      {PROGRAM_PATH, "forecast", data, "--horizon", "2", "-o", data},
      {PROGRAM_PATH, "forecast", data, "--horizon", "2", "-o", alias},
      {PROGRAM_PATH, "forecast", NILE, "--horizon", "2", "--future", data, "-o", alias},
      {PROGRAM_PATH, "forecast", NILE, "--horizon", "2", "--scenarios", data, "-o", data},
      {PROGRAM_PATH, "forecast", NILE, "--horizon", "2", "-m", folder, "-o", config},
      {PROGRAM_PATH, "forecast", NILE, "--horizon", "2", "-m", folder, "-o", weights},
      {PROGRAM_PATH, "forward", weights, "-o", weights},
      {PROGRAM_PATH, "predict", config, "-o", config},
      {PROGRAM_PATH, "probe", "--tasks", tasks, "--out-prefix", prefix}};
  const char *const kept[] = {data, data, data, data, config, weights, weights, config, data};
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) refuse(kept[i], runs[i]);
  program_remove_folder(folder);
  free(data);
  free(alias);
  free(tasks);
  free(prefix);
  free(config);
  free(weights);
}

/* Runs `argv` in the folder: paths, also those in a query, are its own. */
static program_result run_in(const char *folder, const char *const *argv) {
  int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(before >= 0);
  assert_int_equal(chdir(folder), 0);
  program_result r = program_run(argv, NULL);
  assert_int_equal(fchdir(before), 0);
  (void)close(before);
  return r;
}

/* A file beside the inputs that nobody reads, and a query with patterns of texts, not of files. */
static void check_not_kept(const char *folder) {
  static const char sql[] =
      "--sql=SELECT * FROM 'x.csv' WHERE item_id GLOB 's*' OR regexp_matches(item_id, '[a-z].*')";
  program_result r = run_in(folder, (const char *const[]){PROGRAM_PATH, "evaluate", "pq", "--horizon", "2", "--report",
                                                          "report.html", "--output", "pq/scores.csv", NULL});
  assert_null(strstr(r.err, "the output would "));
  program_free(&r);
  r = run_in(folder, (const char *const[]){PROGRAM_PATH, "forecast", sql, "--horizon", "2", "-o", "sales.csv", NULL});
  assert_null(strstr(r.err, "the output would "));
  program_free(&r);
}

/* So are all files that a folder, a pattern or a query stands for, and no new one is put among them: this is found
 * before anything is read. */
static void test_many_inputs_are_kept(void **state) {
  (void)state;
  static const char *const kept[] = {"pq/a.parquet", "pq/deep/b.parquet", "x.csv", "a file.csv"};
  static const struct {
    const char *input, *output;
  } runs[] = {{"pq", "pq/a.parquet"},
              {"pq", "pq/deep/b.parquet"},
              {"pq/", "./pq/deep/../a.parquet"},
              {"pq", "alias/a.parquet"},
              {"alias", "pq/new.parquet"},
              {"pq", "link.parquet"},
              {"pq/*.parquet", "pq/a.parquet"},
              {"pq/*.parquet", "pq/new.parquet"},
              {"p?/**/[a-c].parquet", "pq/a.parquet"},
              {"pq/**/*.parquet", "pq/deep/b.parquet"},
              {"alias/*/*.parquet", "pq/deep/b.parquet"},
              {"*.parquet", "pq/a.parquet"}, /* by link.parquet */
              {"--sql=SELECT * FROM 'x.csv'", "x.csv"},
              {"--sql=SELECT * FROM x.csv WHERE item_id = 'it''s'", "./x.csv"},
              {"--sql=SELECT * FROM \"a file.csv\"", "a file.csv"},
              {"--sql=-- don't\nSELECT * FROM read_csv($n$a file.csv$n$)", "a file.csv"},
              {"--sql=SELECT * FROM /* isn't */ 'file:x.csv', 'a file.csv'", "a file.csv"},
              {"--sql=SELECT * FROM read_parquet(['pq/*.parquet'])", "pq/a.parquet"}};
  char *folder = program_make_folder();
  char *path[4];
  char *pq = program_path(folder, "pq");
  char *deep = program_path(folder, "pq/deep");
  char *alias = program_path(folder, "alias");
  char *link_to_it = program_path(folder, "link.parquet");
  assert_int_equal(mkdir(pq, 0755), 0);
  assert_int_equal(mkdir(deep, 0755), 0);
  assert_int_equal(symlink("pq", alias), 0);
  assert_int_equal(symlink("pq/a.parquet", link_to_it), 0);
  for (size_t i = 0; i < 4; i++) {
    path[i] = program_path(folder, kept[i]);
    program_write_file(path[i], kept[i], strlen(kept[i]));
  }
  for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
    program_result r = run_in(folder, (const char *const[]){PROGRAM_PATH, "forecast", runs[i].input, "--horizon", "2",
                                                            "-o", runs[i].output, NULL});
    if (!strstr(r.err, "the output would ")) fail_msg("%s, %s: %s", runs[i].input, runs[i].output, r.err);
    program_assert_error(&r, 1, runs[i].output);
  }
  check_not_kept(folder);
  for (size_t i = 0; i < 4; i++) {
    assert_holds(path[i], kept[i]);
    assert_int_equal(unlink(path[i]), 0);
    free(path[i]);
  }
  assert_int_equal(rmdir(deep), 0);
  assert_int_equal(rmdir(pq), 0);
  program_remove_folder(folder);
  free(pq);
  free(deep);
  free(alias);
  free(link_to_it);
}

/* Two outputs of a command have two places, however they are spelt. */
static void test_places(void **state) {
  (void)state;
  static const struct {
    const char *one, *other;
    bool same;
  } pairs[] = {{"out", "out", true},        {"out", "./out", true},        {"out", "folder/../out", true},
               {"new", "link", true},       {"out", "alias", true},        {"folder/x", "way/x", true},
               {"out", "new", false},       {"out", "folder/out", false},  {"-", "out", false},
               {NULL, "out", false},        {"none/x", "none/y", false},   {"/dev/null", "/dev/null", false}};
  char *folder = program_make_folder();
  char *file = program_path(folder, "out");
  char *inner = program_path(folder, "folder");
  program_write_file(file, "x", 1);
  int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_int_equal(mkdir(inner, 0755), 0);
  assert_int_equal(chdir(folder), 0);
  assert_int_equal(symlink("new", "link"), 0);
  assert_int_equal(symlink("folder/../out", "alias"), 0);
  assert_int_equal(symlink("folder", "way"), 0);
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    if (c2_outfile_same(pairs[i].one, pairs[i].other) != pairs[i].same ||
        c2_outfile_same(pairs[i].other, pairs[i].one) != pairs[i].same) {
      fail_msg("'%s' and '%s'", pairs[i].one ? pairs[i].one : "", pairs[i].other);
    }
  }
  assert_int_equal(fchdir(before), 0);
  (void)close(before);
  const char *const same[][2] = {
      {"-oout", "--plot=./out"}, {"-olink", "--report=new"}, {"--round", "--report=/dev/stdout"}};
  for (size_t i = 0; i < 3; i++) {
    program_result r = run_in(folder, (const char *const[]){PROGRAM_PATH, "forecast", NILE, "--horizon", "2",
                                                            same[i][0], same[i][1], NULL});
    program_assert_error(&r, 2, "is the place of --output");
  }
  assert_holds(file, "x");
  assert_int_equal(rmdir(inner), 0);
  program_remove_folder(folder);
  free(file);
  free(inner);
}

/* A temporary file is swept when nobody holds its lock, not by what its name says. */
static void test_sweep(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *prefix = program_path(folder, "out");
  char *dead = program_path(folder, "out.csv.tmp-0123456789abcdef");
  char *fresh = program_path(folder, "out.csv.tmp-1123456789abcdef");
  char *living = program_path(folder, "out.csv.tmp-2123456789abcdef");
  char *other = program_path(folder, "other.csv.tmp-3123456789abcdef");
  char *named = program_path(folder, "out.csv.tmp-notes");
  const char *const all[] = {dead, fresh, living, other, named};
  for (size_t i = 0; i < 5; i++) {
    const struct utimbuf old = {time(NULL) - 3600, time(NULL) - 3600};
    program_write_file(all[i], "x", 1);
    if (i != 1) assert_int_equal(utime(all[i], &old), 0);
  }
  int held = open(living, O_RDONLY | O_CLOEXEC);
  assert_int_equal(flock(held, LOCK_EX), 0);
  c2_outfile_sweep(prefix, 60);
  for (size_t i = 0; i < 5; i++) assert_int_equal(access(all[i], F_OK) == 0, i != 0);
  (void)close(held);
  c2_outfile_sweep(prefix, 60);
  assert_int_not_equal(access(living, F_OK), 0);
  c2_outfile file; /* and a writer does hold it */
  c2_error err;
  assert_int_equal(c2_outfile_open(&file, prefix, &err), C2_OK);
  held = open(file.temporary, O_RDONLY | O_CLOEXEC);
  assert_int_equal(flock(held, LOCK_EX | LOCK_NB), -1);
  (void)close(held);
  c2_outfile_discard(&file);
  program_remove_folder(folder);
  free(prefix);
  for (size_t i = 0; i < 5; i++) free((void *)(uintptr_t)all[i]);
}

/* A commit removes what was left of its own output alone. */
static void test_sweep_of_a_commit(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "out");
  char *own = program_path(folder, "out.tmp-0123456789abcdef");
  char *other = program_path(folder, "out.csv.tmp-1123456789abcdef");
  char *longer = program_path(folder, "output.tmp-2123456789abcdef");
  const char *const all[] = {own, other, longer};
  c2_outfile file;
  c2_error err;
  for (size_t i = 0; i < 3; i++) {
    const struct utimbuf old = {time(NULL) - 3600, time(NULL) - 3600};
    program_write_file(all[i], "x", 1);
    assert_int_equal(utime(all[i], &old), 0);
  }
  assert_int_equal(c2_outfile_open(&file, path, &err), C2_OK);
  assert_int_equal(c2_outfile_commit(&file, &err), C2_OK);
  c2_outfile_discard(&file);
  for (size_t i = 0; i < 3; i++) assert_int_equal(access(all[i], F_OK) == 0, i != 0);
  program_remove_folder(folder);
  free(path);
  for (size_t i = 0; i < 3; i++) free((void *)(uintptr_t)all[i]);
}

static void need_full_device(void) {
  if (access("/dev/full", W_OK) == 0) return;
  print_message("NOT RUN: there is no /dev/full\n");
  skip();
}

/* Standard output that can't be written to is a failure of every command. */
static void test_full_output(void **state) {
  (void)state;
  need_full_device();
  const char *const runs[][8] = {{PROGRAM_PATH, "--version"},
                                 {PROGRAM_PATH, "--help"},
                                 {PROGRAM_PATH, "forecast", "--help"},
                                 {PROGRAM_PATH, "inspect"},
                                 {PROGRAM_PATH, "forecast", NILE, "--horizon", "3"},
                                 {PROGRAM_PATH, "bench", "--random", "micro", "--repeats", "1"}};
  for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
    const char *argv[16] = {"/bin/sh", "-c", "exec \"$0\" \"$@\" > /dev/full"};
    for (size_t k = 0; k < 8; k++) argv[3 + k] = runs[i][k];
    program_result r = program_run(argv, NULL);
    assert_int_equal(r.status, 1);
    assert_int_equal(program_count(r.err, "chronos2: error: standard output: cannot write: No space left on device\n"),
                     1);
    assert_int_equal(program_count(r.err, "error"), 1);
    program_free(&r);
  }
}

/* A file never gets the number of a standard stream that is closed, so that nothing else is written into it; what needs
 * that stream fails. */
static void test_closed_streams(void **state) {
  (void)state;
  static const struct {
    const char *how, *input, *err; /* err: the end of what is said; NULL: it can't be */
    int status;
  } runs[] = {{"exec \"$0\" \"$@\" >&- 2>&-", NILE, NULL, 0},
              {"exec \"$0\" \"$@\" <&- >&- 2>&-", NILE, NULL, 0},
              {"exec \"$0\" \"$@\" <&-", NILE, "yearly (YS-JAN)\n", 0},
              {"exec \"$0\" \"$@\" <&-", "-", "error: standard input: cannot read: Bad file descriptor\n", 1}};
  char *folder = program_make_folder();
  char *out = program_path(folder, "out.csv");
  for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
    (void)unlink(out);
    program_result r = program_run((const char *const[]){"/bin/sh", "-c", runs[i].how, PROGRAM_PATH, "forecast",
                                                         runs[i].input, "--horizon", "1", "-o", out, NULL}, NULL);
    size_t size = strlen(r.err);
    size_t expected = runs[i].err ? strlen(runs[i].err) : 0;
    char *text = program_read_file(out);
    if (r.status != runs[i].status) fail_msg("%s: status %d: %s", runs[i].how, r.status, r.err);
    if (runs[i].err && (size < expected || strcmp(r.err + size - expected, runs[i].err) != 0)) fail_msg("%s", r.err);
    assert_string_equal(r.out, "");
    assert_int_equal(text != NULL, r.status == 0);
    if (text && strncmp(text, "item_id,", 8) != 0) fail_msg("%s: %s", runs[i].how, text);
    free(text);
    program_free(&r);
  }
  static const char *const outputs[] = {"-", "/dev/stdout"};
  for (size_t i = 0; i < 2; i++) {
    program_result r = program_run((const char *const[]){"/bin/sh", "-c", "exec \"$0\" \"$@\" >&-", PROGRAM_PATH,
                                                         "forecast", NILE, "--horizon", "1", "-o", outputs[i], NULL},
                                   NULL);
    assert_int_equal(r.status, 1);
    assert_non_null(strstr(r.err, "cannot write: Bad file descriptor\n"));
    program_free(&r);
  }
  free(out);
  program_remove_folder(folder);
}

/* So is a page that can't be written to, wherever in it that is noticed. */
static void test_full_page(void **state) {
  (void)state;
  need_full_device();
  static const char *const commands[] = {"forecast", "evaluate", "detect"};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    bool takes_horizon = strcmp(commands[i], "detect") != 0;
    program_result r = PROGRAM_RUN(commands[i], NILE, "--report", "/dev/full", takes_horizon ? "--horizon=3" : NULL);
    assert_int_equal(r.status, 1);
    if (program_count(r.err, "chronos2: error: /dev/full: cannot write: No space left on device\n") != 1) {
      fail_msg("%s: %s", commands[i], r.err);
    }
    program_free(&r);
  }
}

/* Where one output can't be written to, none appears: neither those before it, nor anything on standard output. */
static void test_all_or_none(void **state) {
  (void)state;
  static const char *const commands[][3] = {{"forecast", "--horizon=3", "--plot"},
                                            {"evaluate", "--horizon=3", "--forecasts"},
                                            {"evaluate", "--horizon=3", "--calibration"},
                                            {"detect", "--coverage=0.6", NULL}};
  char *folder = program_make_folder();
  char *out = program_path(folder, "out.csv");
  char *more = program_path(folder, "more");
  char *none = program_path(folder, "none/report.html");
  bool has_full = access("/dev/full", W_OK) == 0;
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    for (size_t k = 0; k < 3; k++) {
      const char *report = k == 2 ? "/dev/full" : none;
      if (k == 2 && !has_full) continue;
      const char *argv[12] = {PROGRAM_PATH, commands[i][0], NILE, commands[i][1], "--report", report};
      size_t n = 6;
      if (k > 0) argv[n++] = "--output", argv[n++] = out;
      if (k > 0 && commands[i][2]) argv[n++] = commands[i][2], argv[n++] = more;
      program_result r = program_run(argv, NULL);
      bool is_said = strstr(r.err, k == 2 ? "/dev/full: cannot write" : "report.html: cannot write") != NULL;
      if (r.status != 1 || r.out_size != 0 || count_files(folder) != 0 || !is_said) {
        fail_msg("%s, %zu: status %d, %zu files, '%s', '%s'", commands[i][0], k, r.status, count_files(folder), r.out,
                 r.err);
      }
      program_free(&r);
    }
  }
  program_remove_folder(folder);
  free(out);
  free(more);
  free(none);
}

/* What is written under another format's name, or in columns of one name, misleads whoever reads it. */
static void test_misleading_names(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.csv");
  const char *text = "predictions,timestamp,target\na,2024-01-01,1\na,2024-01-02,2\na,2024-01-03,3\n";
  program_write_file(input, text, strlen(text));
  static const struct {
    const char *command, *option, *name, *part;
  } wrong[] = {{"forecast", "--output", "x.json", "a format that is not written; expected .csv, .parquet, .pq, .arrow"},
               {"forecast", "--output", "x.csv.GZ", "not written; expected .csv, .parquet"},
               {"forecast", "--plot", "x.png", "not written; expected .svg\n"},
               {"forecast", "--report", "x.svg", "not written; expected .html\n"},
               {"evaluate", "--output", "x.parquet", "not written; expected .csv\n"},
               {"evaluate", "--forecasts", "x.xlsx", "not written; expected .csv\n"},
               {"detect", "--output", "x.arrow", "not written; expected .csv\n"}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    char *path = program_path(folder, wrong[i].name);
    program_result r = PROGRAM_RUN(wrong[i].command, input, "--horizon", "1", wrong[i].option, path);
    program_assert_error(&r, 2, wrong[i].part);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
  }
  static const char *const own[][3] = {{"forecast", "--id-column", "predictions"},
                                       {"forecast", "--timestamp-column", "target_name"},
                                       {"forecast", "--id-column", "0.3"},
                                       {"detect", "--id-column", "score"}};
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    program_result r = PROGRAM_RUN(own[i][0], input, "--horizon", "1", own[i][1], own[i][2]);
    program_assert_error(&r, 2, "the output has a column");
  }
  free(input);
  program_remove_folder(folder);
}

/* A folder that can't be made is refused for the system's own reason. */
static void test_refused_folder(void **state) {
  (void)state;
  static const char path[] = "/sys/chronos2-none"; /* there not even root may */
  c2_error err = {.code = C2_OK};
  if (!c2_is_directory("/sys") || mkdir(path, 0777) == 0 || errno == ENOENT) {
    (void)rmdir(path);
    skip();
  }
  char *reason = strdup(strerror(errno));
  assert_int_equal(c2_make_folder(path, &err), C2_ERR_IO);
  if (!strstr(err.text, reason)) fail_msg("expected '%s', found '%s'", reason, err.text);
  free(reason);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_regular),       cmocka_unit_test(test_links),
      cmocka_unit_test(test_planted_names), cmocka_unit_test(test_fifo),
      cmocka_unit_test(test_socket),        cmocka_unit_test(test_devices),
      cmocka_unit_test(test_descriptors),   cmocka_unit_test(test_inputs_are_kept),
      cmocka_unit_test(test_many_inputs_are_kept), cmocka_unit_test(test_places),
      cmocka_unit_test(test_sweep),         cmocka_unit_test(test_full_output),
      cmocka_unit_test(test_sweep_of_a_commit),
      cmocka_unit_test(test_closed_streams), cmocka_unit_test(test_full_page),
      cmocka_unit_test(test_all_or_none),   cmocka_unit_test(test_refused_folder),
      cmocka_unit_test(test_misleading_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
