/* Files to read: what isn't a plain file neither hangs nor fills the memory; what changes is an error, no fault. */
#include "program.h"

#include <chronos2.h>
#include <signal.h>

#include "base/hash.h"
#include "base/infile.h"
#include "base/platform.h"
#include "base/safetensors.h"
#include "model/reading.h"

#define WEIGHTS SOURCE_DIR "/tests/golden/model-smooth/weights"
#define NILE SOURCE_DIR "/datasets/nile_yearly.csv"

typedef struct model_copy {
  char *folder, *config, *weights;
} model_copy;

static model_copy copy_model(void) {
  model_copy m = {.folder = program_make_folder()};
  m.config = program_path(m.folder, "config.json");
  m.weights = program_path(m.folder, "model.safetensors");
  program_copy_file(WEIGHTS "/config.json", m.config);
  program_copy_file(WEIGHTS "/model.safetensors", m.weights);
  return m;
}

static void remove_model(model_copy *m) {
  program_remove_folder(m->folder);
  free(m->config);
  free(m->weights);
}

static uint64_t hash_text(const char *text, size_t piece) {
  c2_hash h;
  size_t size = strlen(text);
  c2_hash_begin(&h);
  for (size_t at = 0; at < size; at += piece) c2_hash_add(&h, text + at, size - at < piece ? size - at : piece);
  return c2_hash_end(&h);
}

/* Values of the reference implementation. */
static void test_hash(void **state) {
  (void)state;
  static const char text[] = "Nobody inspects the spammish repetition";
  assert_true(c2_hash_of("", 0) == 0xef46db3751d8e999u);
  assert_true(c2_hash_of("a", 1) == 0xd24ec4f1a98c6e5bu);
  assert_true(c2_hash_of("abc", 3) == 0x44bc2cf5ad770999u);
  for (size_t piece = 1; piece < sizeof text; piece++) assert_true(hash_text(text, piece) == 0xfbcea83c8a378bf1u);
}

/* A FIFO without a writer, a device without an end, a folder, a file too large: where a model's file is expected. */
static void test_not_files(void **state) {
  (void)state;
  for (int k = 0; k < 8; k++) {
    model_copy m = copy_model();
    char *path = k % 2 ? m.weights : m.config;
    assert_int_equal(unlink(path), 0);
    if (k / 2 == 0) assert_int_equal(mkfifo(path, 0600), 0);
    if (k / 2 == 1) assert_int_equal(symlink("/dev/zero", path), 0);
    if (k / 2 == 2) assert_int_equal(symlink("/tmp", path), 0);
    if (k / 2 == 3) {
      program_write_file(path, "{", 1);
      assert_int_equal(truncate(path, 70 * 1000 * 1000), 0);
    }
    program_result r = PROGRAM_RUN("inspect", m.folder);
    const char *const parts[] = {"not a regular file", "not a regular file", "not a regular file", "not a regular file",
                                 "it is a directory",  "not a regular file", "larger than 64 MB",  "the header is not"};
    program_assert_error(&r, 1, parts[k]);
    remove_model(&m);
  }
  program_result tasks = PROGRAM_RUN("probe", "--tasks", "/dev/zero");
  program_assert_error(&tasks, 1, "not a regular file");
  program_result series = PROGRAM_RUN("forecast", "/dev/zero", "--horizon", "2");
  program_assert_error(&series, 1, "it is a device");
}

/* A FIFO as input waits for its writer and reads to its end. */
static void test_fifo_input(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "series");
  assert_int_equal(mkfifo(path, 0600), 0);
  (void)fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    char *text = program_read_file(NILE);
    int out = -1;
    while ((out = open(path, O_WRONLY | O_NONBLOCK)) < 0 && errno == ENXIO) (void)usleep(1000); /* until it is read */
    (void)fcntl(out, F_SETFL, 0);
    (void)usleep(20000);
    size_t half = strlen(text) / 2;
    bool done = write(out, text, half) == (ssize_t)half && usleep(20000) == 0 &&
                write(out, text + half, strlen(text) - half) == (ssize_t)(strlen(text) - half);
    _exit(done ? 0 : 1);
  }
  program_result piped = PROGRAM_RUN("forecast", path, "--horizon", "3");
  program_result plain = PROGRAM_RUN("forecast", NILE, "--horizon", "3");
  const char *const argv[] = {PROGRAM_PATH, "forecast", "/dev/stdin", "--horizon", "3", NULL};
  program_result standard = program_run(argv, NILE);
  const char *pipe_text = "cat \"$1\" | \"$0\" forecast - --horizon 3";
  const char *const shell[] = {"/bin/sh", "-c", pipe_text, PROGRAM_PATH, NILE, NULL};
  program_result pipeline = program_run(shell, NULL);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_int_equal(plain.status, 0);
  assert_string_equal(plain.out, piped.out);
  assert_string_equal(plain.out, standard.out);
  assert_string_equal(plain.out, pipeline.out);
  program_free(&piped);
  program_free(&plain);
  program_free(&standard);
  program_free(&pipeline);
  program_remove_folder(folder);
  free(path);
}

static void forecast(chronos2_session *session, double out[21 * 8]) {
  double target[64];
  chronos2_forecast *f = NULL;
  for (size_t i = 0; i < 64; i++) target[i] = (double)(i * i % 11);
  chronos2_series series = {.length = 64, .targets = 1, .target = target};
  if (chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 8},
                       &f) != CHRONOS2_OK) {
    fail_msg("%s", chronos2_last_error());
  }
  memcpy(out, chronos2_forecast_quantiles(f, 0, 0), 21 * 8 * sizeof *out);
  chronos2_forecast_free(&f);
}

/* Whatever happens to an open model's file: forecasts stay, bit for bit, and what would read the file again fails. */
static void test_model_changes(void **state) {
  (void)state;
  for (int k = 0; k < 3; k++) {
    model_copy m = copy_model();
    double before[21 * 8];
    double after[21 * 8];
    chronos2_model *model = NULL;
    chronos2_session *session = NULL;
    chronos2_session *reference = NULL;
    chronos2_tensor_info info;
    assert_int_equal(chronos2_model_open(m.folder, NULL, &model), CHRONOS2_OK);
    assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
    assert_int_equal(chronos2_model_tensor(model, 0, &info), CHRONOS2_OK);
    forecast(session, before);
    struct stat was;
    assert_int_equal(stat(m.weights, &was), 0);
    if (k == 0) assert_int_equal(truncate(m.weights, 0), 0);
    if (k == 1) {
      assert_int_equal(truncate(m.weights, 0), 0);
      assert_int_equal(truncate(m.weights, was.st_size), 0); /* as long, but zeros */
    }
    if (k == 2) assert_int_equal(unlink(m.weights), 0); /* as a replacement by rename does: the old file lives on */
    forecast(session, after);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(chronos2_model_tensor(model, 0, &info), k == 2 ? CHRONOS2_OK : CHRONOS2_ERROR_IO);
    if (k < 2) assert_non_null(strstr(chronos2_last_error(), k == 0 ? "became shorter" : "was written to"));
    chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .backend = CHRONOS2_REFERENCE, .threads = 1};
    assert_int_equal(chronos2_session_open(model, &options, &reference), CHRONOS2_OK);
    if (k == 2) {
      forecast(reference, after);
    } else {
      double target[4] = {1, 2, 3, 4};
      chronos2_series series = {.length = 4, .targets = 1, .target = target};
      chronos2_forecast *f = NULL;
      assert_int_equal(chronos2_predict(reference, &series, 1,
                                        &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 2}, &f),
                       CHRONOS2_ERROR_IO);
    }
    chronos2_session_close(&reference);
    chronos2_session_close(&session);
    chronos2_model_close(&model);
    remove_model(&m);
  }
}

/* Bytes that are read twice while a model is opened, and differ though the file's times don't. */
static void test_second_reading(void **state) {
  (void)state;
  c2_error err;
  model_copy m = copy_model();
  chronos2_model *model = NULL;
  c2_pool *pool = NULL;
  struct stat was;
  assert_int_equal(chronos2_model_open(m.folder, NULL, &model), CHRONOS2_OK);
  assert_int_equal(c2_pool_open(&pool, 2, false, &err), C2_OK);
  assert_int_equal(c2_model_digest(model, pool, &err), C2_OK);
  assert_int_equal(stat(m.weights, &was), 0);
  FILE *file = fopen(m.weights, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, -1, SEEK_END), 0);
  int last = fgetc(file);
  assert_int_equal(fseek(file, -1, SEEK_END), 0);
  assert_int_equal(fputc(last ^ 1, file), last ^ 1);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(utimensat(AT_FDCWD, m.weights, (const struct timespec[2]){was.st_atim, was.st_mtim}, 0), 0);
  assert_int_equal(c2_model_digest(model, pool, &err), C2_ERR_IO);
  assert_non_null(strstr(err.text, "was written to"));
  c2_pool_close(&pool);
  chronos2_model_close(&model);
  remove_model(&m);
}

/* A file that becomes shorter, or is written to, between its header and its data. */
static void test_file_changes_while_read(void **state) {
  (void)state;
  c2_error err;
  c2_safetensors file;
  model_copy m = copy_model();
  assert_int_equal(c2_safetensors_open_header(&file, m.weights, &err), C2_OK);
  const c2_tensor *t = &file.tensors[0];
  unsigned char *raw = malloc(t->bytes);
  assert_non_null(raw);
  assert_int_equal(c2_safetensors_read(&file, t, 0, t->elements, raw, &err), C2_OK);
  assert_int_equal(c2_infile_check(&file.file, &err), C2_OK);
  assert_int_equal(truncate(m.weights, (off_t)(t->offset + t->bytes - 1)), 0);
  assert_int_equal(c2_infile_check(&file.file, &err), C2_ERR_IO);
  assert_int_equal(c2_safetensors_read(&file, t, 0, t->elements, raw, &err), C2_ERR_IO);
  assert_non_null(strstr(err.text, "became shorter"));
  free(raw);
  c2_safetensors_close(&file);
  remove_model(&m);
}

/* What is read while somebody writes is neither the old file nor the new one. */
static void test_whole_file_changes_while_read(void **state) {
  (void)state;
  enum { SIZE = 64 << 20, TRIES = 50 };
  c2_error err = {.code = C2_OK};
  char *folder = program_make_folder();
  char *path = program_path(folder, "series.csv");
  char *text = NULL;
  size_t size = 0;
  program_write_file(path, "x", 1);
  assert_int_equal(truncate(path, SIZE), 0);
  assert_int_equal(c2_read_file(path, &text, &size, &err), C2_OK);
  assert_int_equal(size, SIZE);
  free(text);
  (void)fflush(NULL);
  pid_t writer = fork();
  assert_true(writer >= 0);
  if (writer == 0) {
    int out = open(path, O_WRONLY);
    while (pwrite(out, "y", 1, SIZE / 2) == 1) (void)usleep(100);
    _exit(1);
  }
  c2_status status = C2_OK;
  for (int i = 0; i < TRIES && status == C2_OK; i++) { /* the writer may not run at once */
    status = c2_read_file(path, &text, &size, &err);
    free(text);
  }
  assert_int_equal(kill(writer, SIGKILL), 0);
  assert_int_equal(waitpid(writer, NULL, 0), writer);
  assert_int_equal(status, C2_ERR_IO);
  assert_null(text);
  assert_non_null(strstr(err.text, "series.csv: was written to while it was read"));
  program_remove_folder(folder);
  free(path);
}

static void put_text(const char *root, const char *name, const char *text) {
  char path[1200];
  (void)snprintf(path, sizeof path, "%s/%s", root, name);
  char *slash = strrchr(path, '/');
  *slash = '\0';
  assert_int_equal(c2_make_folder(path, NULL), C2_OK);
  *slash = '/';
  program_write_file(path, text, strlen(text));
}

static void remove_tree(char *folder) {
  const char *const argv[] = {"/bin/rm", "-r", folder, NULL};
  program_result r = program_run(argv, NULL);
  assert_int_equal(r.status, 0);
  program_free(&r);
  free(folder);
}

/* Shares of processor time as both versions of control groups tell them, in files as the system has them. */
static void test_quota(void **state) {
  (void)state;
  char *root = program_make_folder();
  assert_int_equal(c2_processor_quota(root), 0); /* no /proc at all */
  put_text(root, "proc/self/cgroup", "0::/user/job\n");
  put_text(root, "proc/self/mountinfo",
           "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
           "30 23 0:5 / /dev rw - tmpfs none rw\n");
  put_text(root, "sys/fs/cgroup/user/job/cpu.max", "max 100000\n");
  assert_int_equal(c2_processor_quota(root), 0);
  put_text(root, "sys/fs/cgroup/user/cpu.max", "250000 100000\n"); /* a parent's share bounds its children */
  assert_int_equal(c2_processor_quota(root), 3);
  put_text(root, "sys/fs/cgroup/user/job/cpu.max", "800000 100000\n");
  assert_int_equal(c2_processor_quota(root), 3);
  put_text(root, "sys/fs/cgroup/user/job/cpu.max", "50000 100000\n");
  assert_int_equal(c2_processor_quota(root), 1);
  put_text(root, "sys/fs/cgroup/user/job/cpu.max", "200000 100000\n");
  assert_int_equal(c2_processor_quota(root), 2);
  put_text(root, "proc/self/cgroup", "0::/\n"); /* a container that sees its own group as the root */
  put_text(root, "sys/fs/cgroup/cpu.max", "400000 100000\n");
  assert_int_equal(c2_processor_quota(root), 4);
  put_text(root, "proc/self/cgroup", "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n");
  put_text(root, "proc/self/mountinfo",
           "33 24 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
           "34 24 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  put_text(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  put_text(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  assert_int_equal(c2_processor_quota(root), 0);
  put_text(root, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
  assert_int_equal(c2_processor_quota(root), 2);
  assert_true(c2_processor_count() >= 1);
  remove_tree(root);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_hash),          cmocka_unit_test(test_not_files),
      cmocka_unit_test(test_fifo_input),    cmocka_unit_test(test_model_changes),
      cmocka_unit_test(test_quota),         cmocka_unit_test(test_file_changes_while_read),
      cmocka_unit_test(test_second_reading), cmocka_unit_test(test_whole_file_changes_while_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
