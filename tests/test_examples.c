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

enum { PLANS = 3 };

/* Lines of one model: what is sold with the past encoded once, and anew. Each day sells 40, and 25 more under
 * promotion. */
static void read_plans(const char *text, const char *model, double *once, double *anew) {
  static const int days[PLANS] = {0, 2, 5};
  char start[96];
  const char *at = strstr(text, model);
  assert_non_null(at);
  for (size_t i = 0; i < PLANS; i++) {
    int truth = 0;
    (void)snprintf(start, sizeof start, "\n%d days of promotion: ", days[i]);
    at = strstr(at, start);
    if (!at) fail_msg("%s", text);
    int read = sscanf(at + strlen(start), "%lf sold (past encoded anew: %lf; truth: %d)", &once[i], &anew[i], &truth);
    assert_int_equal(read, 3);
    assert_int_equal(truth, 200 + 25 * days[i]);
  }
}

/* Weights that were trained for it lose nothing where the past is encoded once. Those trained with full attention see
 * the null future, and hardly follow the plan; encoded anew, they do. */
static void test_scenarios(void **state) {
  (void)state;
  static const double truth[PLANS] = {200, 250, 325};
  double once[PLANS];
  double anew[PLANS];
  program_result r = run_example("scenarios");
  read_plans(r.out, "chronos2-micro-r8, trained for windowed_future_global", once, anew);
  for (size_t i = 0; i < PLANS; i++) {
    if (fabs(once[i] / truth[i] - 1) > 0.15 || once[i] != anew[i]) fail_msg("%s", r.out);
  }
  read_plans(r.out, "chronos2-micro, trained for full", once, anew);
  for (size_t i = 0; i < PLANS; i++) assert_true(fabs(anew[i] / truth[i] - 1) < 0.15);
  if (!(once[2] - once[0] < 0.5 * (anew[2] - anew[0]) && once[2] > once[1] && once[1] > once[0])) fail_msg("%s", r.out);
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
                                     cmocka_unit_test(test_no_model)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
