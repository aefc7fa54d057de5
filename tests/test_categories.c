/* Categories as numbers, beside several targets: ranks, and how many comparisons they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "series/categories.h"

static size_t comparisons;

int __real_strcmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b);

/* All texts are compared here: the program is linked with --wrap. */
int __wrap_strcmp(const char *a, const char *b) {
  comparisons++;
  return __real_strcmp(a, b);
}

/* A missing label of the future is the category after the last label, also where no past has a missing one; a name
 * without a label in any past has none before it. */
static void test_ranks(void **state) {
  (void)state;
  enum { LENGTH = 3, HORIZON = 4, COVARIATES = 3 };
  static const double target[2 * LENGTH] = {1, 2, 3, 4, 5, 6};
  static const char *const ab[] = {"b", "a", "b"};
  static const char *const pqr[] = {"r", "q", "p"};
  static const char *const holes[] = {NULL, "x", NULL};
  static const char *const next[] = {NULL, "r", "unheard", "b"};
  static const double expected[COVARIATES][HORIZON] = {{2, NAN, NAN, 1}, {3, 2, NAN, NAN}, {1, NAN, NAN, NAN}};
  const chronos2_covariate covariates[] = {{.name = "first", .past_text = ab, .future_text = next},
                                           {.name = "second", .past_text = pqr, .future_text = next},
                                           {.name = "third", .past_text = holes, .future_text = next}};
  const chronos2_covariate unknown = {.name = "unknown", .future_text = next};
  const chronos2_series series[] = {
      {.length = LENGTH, .targets = 2, .target = target, .covariates = COVARIATES, .covariate = covariates},
      {.targets = 2, .covariates = 1, .covariate = &unknown}};
  c2_encoded encoded;
  c2_error err;
  assert_int_equal(c2_encode_categories(series, 2, HORIZON, &encoded, &err), C2_OK);
  for (size_t k = 0; k < COVARIATES; k++) {
    for (size_t t = 0; t < HORIZON; t++) {
      double found = encoded.series[0].covariate[k].future[t];
      if (isnan(expected[k][t]) ? !isnan(found) : found != expected[k][t]) fail_msg("%zu, %zu: %g", k, t, found);
    }
  }
  assert_true(encoded.series[1].covariate[0].future[0] == 0);
  c2_encoded_free(&encoded);
}

/* As categories.h promises: a look-up doesn't walk through all labels, those of other covariates among them. */
static void test_comparisons(void **state) {
  (void)state;
  enum { STEPS = 4096, MOST = STEPS * 400 };
  static char text[STEPS][8];
  static const char *label[STEPS];
  static const char *missing[STEPS];
  static double target[2 * STEPS];
  const chronos2_covariate covariates[] = {{.name = "many", .past_text = label, .future_text = label},
                                           {.name = "missing", .past_text = label, .future_text = missing}};
  const chronos2_series series = {
      .length = STEPS, .targets = 2, .target = target, .covariates = 2, .covariate = covariates};
  c2_encoded encoded;
  c2_error err;
  for (size_t i = 0; i < STEPS; i++) {
    (void)snprintf(text[i], sizeof text[i], "%zu", i);
    label[i] = text[i];
  }
  comparisons = 0;
  assert_int_equal(c2_encode_categories(&series, 1, STEPS, &encoded, &err), C2_OK);
  print_message("%zu comparisons\n", comparisons);
  assert_in_range(comparisons, STEPS, MOST);
  assert_true(encoded.series[0].covariate[1].future[STEPS - 1] == STEPS);
  c2_encoded_free(&encoded);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranks), cmocka_unit_test(test_comparisons)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
