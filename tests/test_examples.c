/* The example programs run, and say what a reader expects of them. */
#include "program.h"

#include <math.h>

/* With its own model, which it looks for below the folder that it runs in: main goes there. */
static program_result run_example(const char *name) {
  char path[512];
  (void)snprintf(path, sizeof path, BINARY_DIR "/example_%s", name);
  program_result r = program_run((const char *const[]){path, NULL}, NULL);
  if (r.status != 0) fail_msg("%s: status %d, %s", name, r.status, r.err);
  return r;
}

static void test_univariate(void **state) {
  (void)state;
  program_result r = run_example("univariate");
  assert_int_equal(program_count(r.out, "\n"), 7);
  int step = 0;
  double low = 0;
  double middle = 0;
  double high = 0;
  assert_int_equal(sscanf(strchr(r.out, '\n'), "%d %lf %lf %lf", &step, &low, &middle, &high), 4);
  assert_true(step == 1 && low <= middle && middle <= high && low > 15 && high < 40);
  program_free(&r);
}

static void test_covariates(void **state) {
  (void)state;
  program_result r = run_example("covariates");
  assert_int_equal(program_count(r.out, "workday "), 5);
  assert_int_equal(program_count(r.out, "weekend "), 2);
  program_free(&r);
}

static void test_multivariate(void **state) {
  (void)state;
  program_result r = run_example("multivariate");
  assert_true(strncmp(r.out, "load ", 5) == 0);
  assert_int_equal(program_count(r.out, "\ntemperature "), 1);
  program_free(&r);
}

/* Each day sells 40, and 25 more under promotion: the forecasts are near that. */
static void test_scenarios(void **state) {
  (void)state;
  program_result r = run_example("scenarios");
  double sold[3];
  assert_int_equal(
      sscanf(r.out, "0 days of promotion: %lf sold 2 days of promotion: %lf sold 5 days of promotion: %lf sold",
             &sold[0], &sold[1], &sold[2]),
      3);
  const double truth[3] = {200, 250, 325};
  for (size_t i = 0; i < 3; i++) {
    if (fabs(sold[i] / truth[i] - 1) > 0.15) fail_msg("%s", r.out);
  }
  program_free(&r);
}

/* Weights trained for full attention can't encode a context once: the example says so. */
static void test_scenarios_of_dense_weights(void **state) {
  (void)state;
  program_result r = program_run(
      (const char *const[]){BINARY_DIR "/example_scenarios", SOURCE_DIR "/models/chronos2-micro", NULL}, NULL);
  assert_int_equal(r.status, 1);
  assert_string_equal(r.err, "scenarios need windowed_future_global or windowed_future_null attention on the fused "
                             "backend, found full: elsewhere a context sees the known future\n");
  program_free(&r);
}

static void test_no_model(void **state) {
  (void)state;
  program_result r = program_run((const char *const[]){BINARY_DIR "/example_univariate", "/nonexistent", NULL}, NULL);
  assert_int_equal(r.status, 1);
  assert_non_null(strstr(r.err, "/nonexistent"));
  program_free(&r);
}

int main(void) {
  if (chdir(SOURCE_DIR) != 0) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_univariate), cmocka_unit_test(test_covariates),
                                     cmocka_unit_test(test_multivariate), cmocka_unit_test(test_scenarios),
                                     cmocka_unit_test(test_scenarios_of_dense_weights),
                                     cmocka_unit_test(test_no_model)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
