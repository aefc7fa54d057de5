/* Packed weights in a file: the same forecast, made once, and no other model's weights. */
#include "program.h"

#include <chronos2.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio_ext.h>

#include "golden.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"
#define LARGER SOURCE_DIR "/models/chronos2-micro" /* its block is rounded up to whole large pages */

enum { HORIZON = 20, LENGTH = 100 };

static void forecast(const char *folder, const chronos2_model_options *options, double out[21 * HORIZON]) {
  double target[LENGTH];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *f = NULL;
  for (size_t i = 0; i < LENGTH; i++) target[i] = (double)(i * i % 17);
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = target};
  if (chronos2_model_open(folder, options, &model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                                     .horizon = HORIZON}, &f),
                   CHRONOS2_OK);
  memcpy(out, chronos2_forecast_quantiles(f, 0, 0), 21 * HORIZON * sizeof *out);
  chronos2_forecast_free(&f);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* Names in a folder, "." and ".." aside; *only gets the path of the last one. */
static size_t count_files(const char *folder, char **only) {
  size_t count = 0;
  DIR *d = opendir(folder);
  assert_non_null(d);
  for (struct dirent *e = readdir(d); e; e = readdir(d)) {
    if (e->d_name[0] == '.') continue;
    count++;
    free(*only);
    *only = program_path(folder, e->d_name);
  }
  (void)closedir(d);
  return count;
}

static void test_same_bits(void **state) {
  (void)state;
  for (int k = 0; k < 6; k++) {
    int dtype = k / 2;
    const char *weights = k % 2 ? LARGER : MODEL;
    double plain[21 * HORIZON];
    double made[21 * HORIZON];
    double mapped[21 * HORIZON];
    char *folder = program_make_folder();
    char *file = NULL;
    chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = (chronos2_dtype)dtype};
    forecast(weights, &options, plain);
    options.cache = folder;
    forecast(weights, &options, made);
    assert_int_equal(count_files(folder, &file), 1);
    forecast(weights, &options, mapped);
    assert_int_equal(count_files(folder, &file), 1);
    assert_memory_equal(plain, made, sizeof plain);
    assert_memory_equal(plain, mapped, sizeof plain);
    options.dtype = dtype == CHRONOS2_FP32 ? CHRONOS2_BF16 : CHRONOS2_FP32;
    forecast(weights, &options, mapped); /* another dtype is another file */
    assert_int_equal(count_files(folder, &file), 2);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(count_files(folder, &file), 1);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(folder), 0);
    free(file);
    free(folder);
  }
}

/* Weights that are mapped count as those that are packed do, but for the whole pages of those. */
static void test_bytes(void **state) {
  (void)state;
  enum { HUGE_PAGE = 1 << 21 };
  size_t bytes[3]; /* without a cache, with one that is written, with one that is mapped */
  char *folder = program_make_folder();
  char *file = NULL;
  for (size_t i = 0; i < 3; i++) {
    chronos2_model *model = NULL;
    chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = i > 0 ? folder : NULL};
    if (chronos2_model_open(LARGER, &options, &model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
    bytes[i] = chronos2_model_bytes(model);
    assert_true(bytes[i] > chronos2_model_parameters(model) * sizeof(float));
    chronos2_model_close(&model);
  }
  assert_true(bytes[0] == bytes[1] && bytes[2] < bytes[0] + HUGE_PAGE && bytes[0] < bytes[2] + HUGE_PAGE);
  assert_int_equal(count_files(folder, &file), 1);
  assert_int_equal(unlink(file), 0);
  assert_int_equal(rmdir(folder), 0);
  free(file);
  free(folder);
}

static chronos2_model *open_cached(const char *model_folder, const char *cache) {
  chronos2_model *model = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = cache};
  if (chronos2_model_open(model_folder, &options, &model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return model;
}

/* The warning of one opening, "" if there is none; the caller's to free. */
static char *warning_of(const char *model_folder, const char *cache) {
  chronos2_model *model = open_cached(model_folder, cache);
  char *text = strdup(chronos2_model_warning(model) ? chronos2_model_warning(model) : "");
  chronos2_model_close(&model);
  return text;
}

static void assert_warning(const char *model_folder, const char *cache, const char *part) {
  char *text = warning_of(model_folder, cache);
  if (*part ? !strstr(text, part) : *text != '\0') fail_msg("expected '%s', found '%s'", part, text);
  free(text);
}

static ino_t inode_of(const char *path) {
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  return info.st_ino;
}

static void put_byte(const char *path, long at, int whence, int byte) {
  FILE *f = fopen(path, "r+b");
  assert_non_null(f);
  assert_int_equal(fseek(f, at, whence), 0);
  assert_int_equal(fputc(byte, f), byte);
  assert_int_equal(fclose(f), 0);
}

/* A good file is used as it is; a damaged one is told of, replaced, and never believed. */
static void test_damage(void **state) {
  (void)state;
  double plain[21 * HORIZON];
  double other[21 * HORIZON];
  char *parent = program_make_folder();
  char *folder = program_path(parent, "a"); /* both are made */
  char *deep = program_path(folder, "b");
  char *file = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = deep};
  forecast(MODEL, &options, plain);
  assert_int_equal(count_files(deep, &file), 1);
  ino_t first = inode_of(file);
  assert_warning(MODEL, deep, "");
  assert_int_equal(inode_of(file), first); /* used, not made again */
  for (int k = 0; k < 5; k++) {
    if (k == 0) put_byte(file, -4096, SEEK_END, 0x7f);
    if (k == 1) put_byte(file, 3, SEEK_SET, 0x7f);
    if (k == 2) assert_int_equal(truncate(file, 5000), 0);
    if (k == 3) assert_int_equal(truncate(file, 0), 0);
    if (k == 4) {
      assert_int_equal(unlink(file), 0);
      assert_int_equal(mkfifo(file, 0600), 0);
    }
    assert_warning(MODEL, deep, k == 4 ? "not a regular file" : "packed anew");
    forecast(MODEL, &options, other);
    assert_memory_equal(plain, other, sizeof plain);
    assert_warning(MODEL, deep, k == 4 ? "not a regular file" : ""); /* a FIFO is left where it is */
    if (k == 4) break;
    assert_int_equal(count_files(deep, &file), 1);
  }
  program_remove_folder(deep);
  assert_int_equal(rmdir(folder), 0);
  program_remove_folder(parent);
  free(folder);
  free(file);
}

/* A folder that can't be made or written to is a warning, also of the program; the forecast is there. */
static void test_no_folder(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *plain = program_path(folder, "plain");
  char *below = program_path(plain, "cache");
  program_write_file(plain, "x", 1);
  assert_warning(MODEL, below, "cannot create the folder");
  assert_warning(MODEL, plain, "not a folder");
  char *lines = program_path(plain, "two\nlines");
  assert_warning(MODEL, lines, "/plain/two\\x0alines: "); /* a warning is one */
  free(lines);
  const char *nile = SOURCE_DIR "/datasets/nile_yearly.csv";
  program_result r = PROGRAM_RUN("forecast", nile, "--horizon", "2", "--cache", below);
  assert_int_equal(r.status, 0);
  assert_true(r.out_size > 0);
  assert_int_equal(program_count(r.err, "chronos2: warning: cache: "), 1);
  program_free(&r);
  chronos2_model *model = NULL;
  chronos2_model_options reference = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = folder, .skip_packing = true};
  assert_int_equal(chronos2_model_open(MODEL, &reference, &model), CHRONOS2_OK);
  assert_non_null(strstr(chronos2_model_warning(model), "nothing is packed"));
  chronos2_model_close(&model);
  if (geteuid() != 0) {
    assert_int_equal(chmod(folder, 0500), 0);
    assert_warning(MODEL, folder, "Permission denied");
    assert_int_equal(chmod(folder, 0700), 0);
  }
  program_remove_folder(folder);
  free(plain);
  free(below);
}

/* Contents decide: other weights of the same size, with the old times put back, in the same file. */
static void test_contents_decide(void **state) {
  (void)state;
  double before[21 * HORIZON];
  double after[21 * HORIZON];
  double cached[21 * HORIZON];
  char *folder = program_make_folder();
  char *cache = program_make_folder();
  char *weights = program_path(folder, "model.safetensors");
  char *config = program_path(folder, "config.json");
  char *file = NULL;
  struct stat info;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = cache};
  program_copy_file(MODEL "/config.json", config);
  program_copy_file(MODEL "/model.safetensors", weights);
  forecast(folder, &options, before);
  assert_int_equal(stat(weights, &info), 0);
  c2_safetensors header;
  assert_int_equal(c2_safetensors_open_header(&header, weights, NULL), C2_OK);
  const c2_tensor *bias = c2_safetensors_find(&header, "output_patch_embedding.output_layer.bias");
  put_byte(weights, (long)(bias->offset + bias->bytes / bias->elements - 1), SEEK_SET, 0x40); /* 2 and more */
  c2_safetensors_close(&header);
  const struct timespec times[2] = {info.st_atim, info.st_mtim};
  assert_int_equal(utimensat(AT_FDCWD, weights, times, 0), 0);
  forecast(folder, NULL, after);
  forecast(folder, &options, cached);
  assert_memory_not_equal(before, after, sizeof before);
  assert_memory_equal(after, cached, sizeof after);
  assert_int_equal(count_files(cache, &file), 2);
  program_copy_file(MODEL "/model.safetensors", weights); /* the first again, at another time: its file still fits */
  forecast(folder, &options, cached);
  assert_memory_equal(before, cached, sizeof before);
  assert_int_equal(count_files(cache, &file), 2);
  program_remove_folder(folder);
  program_remove_folder(cache);
  free(weights);
  free(config);
  free(file);
}

/* Which level multiplied the weights is part of what a file is. */
static void test_levels(void **state) {
  (void)state;
  char *cache = program_make_folder();
  char *file = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = cache, .isa = "scalar"};
  double scalar[21 * HORIZON];
  double best[21 * HORIZON];
  bool lowest = strcmp(chronos2_isa_name(0), "scalar") == 0;
  forecast(MODEL, &options, scalar);
  options.isa = NULL;
  forecast(MODEL, &options, best);
  assert_int_equal(count_files(cache, &file), lowest ? 1 : 2);
  if (!lowest) assert_memory_not_equal(scalar, best, sizeof best); /* sessions of one level over either's products */
  free(file);
  program_remove_folder(cache);
}

typedef struct opener {
  pthread_t thread;
  pthread_barrier_t *together;
  const char *cache;
  char warning[512], error[512];
} opener;

static void *open_once(void *context) {
  opener *o = context;
  chronos2_model *model = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = o->cache, .threads = 1};
  (void)pthread_barrier_wait(o->together);
  if (chronos2_model_open(LARGER, &options, &model) != CHRONOS2_OK) {
    (void)snprintf(o->error, sizeof o->error, "%s", chronos2_last_error());
  } else if (chronos2_model_warning(model)) {
    (void)snprintf(o->warning, sizeof o->warning, "%s", chronos2_model_warning(model));
  }
  chronos2_model_close(&model);
  return NULL;
}

/* Eight threads of one process open one model with one empty cache. */
static void test_threads(void **state) {
  (void)state;
  enum { THREADS = 8, ROUNDS = 5 };
  for (int round = 0; round < ROUNDS; round++) {
    char *cache = program_make_folder();
    char *file = NULL;
    pthread_barrier_t together;
    opener openers[THREADS];
    memset(openers, 0, sizeof openers);
    assert_int_equal(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
      openers[i].together = &together;
      openers[i].cache = cache;
      assert_int_equal(pthread_create(&openers[i].thread, NULL, open_once, &openers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
      assert_int_equal(pthread_join(openers[i].thread, NULL), 0);
      assert_string_equal(openers[i].error, "");
      assert_string_equal(openers[i].warning, "");
    }
    (void)pthread_barrier_destroy(&together);
    assert_int_equal(count_files(cache, &file), 1);
    assert_warning(LARGER, cache, "");
    program_remove_folder(cache);
    free(file);
  }
}

/* What the caller has printed stays in its buffer: whether and when it goes out is the caller's to say. */
static void test_stdout_of_the_caller(void **state) {
  (void)state;
  chronos2_model *model = NULL;
  char *folder = program_make_folder();
  char *file = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .cache = folder};
  (void)fflush(stdout);
  (void)fputs("printed before the cache is written ", stdout);
  size_t before = __fpending(stdout);
  chronos2_status status = chronos2_model_open(MODEL, &options, &model);
  size_t after = __fpending(stdout);
  (void)puts("and not flushed");
  assert_int_equal(status, CHRONOS2_OK);
  assert_true(before > 0);
  assert_int_equal(after, before);
  chronos2_model_close(&model);
  assert_int_equal(count_files(folder, &file), 1);
  free(file);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits), cmocka_unit_test(test_bytes),
                                     cmocka_unit_test(test_damage),    cmocka_unit_test(test_no_folder),
                                     cmocka_unit_test(test_contents_decide), cmocka_unit_test(test_levels),
                                     cmocka_unit_test(test_threads), cmocka_unit_test(test_stdout_of_the_caller)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
