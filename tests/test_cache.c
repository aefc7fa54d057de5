/* Packed weights in a file: the same forecast, made once, and no other model's weights. */
#include "program.h"

#include <chronos2.h>

#include <dirent.h>

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
  assert_int_equal(chronos2_predict(session, &series, 1, &(chronos2_predict_options){.horizon = HORIZON}, &f),
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
    chronos2_model_options options = {.dtype = (chronos2_dtype)dtype};
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

/* A mapped file is what is used: changed weights in it change the forecast; a damaged one is refused. */
static void test_file_is_used(void **state) {
  (void)state;
  double plain[21 * HORIZON];
  double other[21 * HORIZON];
  char *folder = program_make_folder();
  char *file = NULL;
  chronos2_model *model = NULL;
  chronos2_model_options options = {.cache = folder};
  forecast(MODEL, &options, plain);
  assert_int_equal(count_files(folder, &file), 1);
  FILE *f = fopen(file, "r+b");
  assert_non_null(f);
  static const float loud[64] = {3, -3, 3, -3};
  assert_int_equal(fseek(f, -4096, SEEK_END), 0);
  assert_int_equal(fwrite(loud, sizeof loud, 1, f), 1);
  assert_int_equal(fclose(f), 0);
  forecast(MODEL, &options, other);
  assert_memory_not_equal(plain, other, sizeof plain);
  assert_int_equal(truncate(file, 5000), 0);
  assert_int_equal(chronos2_model_open(MODEL, &options, &model), CHRONOS2_ERROR_MODEL);
  assert_non_null(strstr(chronos2_last_error(), "delete"));
  assert_int_equal(truncate(file, 10), 0);
  assert_int_equal(chronos2_model_open(MODEL, &options, &model), CHRONOS2_ERROR_MODEL);
  assert_null(model);
  assert_int_equal(unlink(file), 0);
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(chronos2_model_open(MODEL, &options, &model), CHRONOS2_ERROR_IO); /* no such folder */
  free(file);
  free(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits), cmocka_unit_test(test_file_is_used)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
