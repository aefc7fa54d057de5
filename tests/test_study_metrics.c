/* Metrics against fev (tests/study/metrics.json), and the seasonal-naive forecast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/fixture.h"
#include "study/metrics.h"

enum { MOST_SERIES = 8 };

static size_t check_window(const json_t *w, size_t index) {
  c2_scored series[MOST_SERIES];
  double *owned[4 * MOST_SERIES];
  double scores[C2_METRICS];
  size_t n = json_array_size(json_object_get(w, "past"));
  size_t values = 0;
  size_t failures = 0;
  c2_scoring scoring = {.targets = (size_t)fixture_get(w, "targets"),
                        .horizon = (size_t)fixture_get(w, "horizon"),
                        .seasonality = (size_t)fixture_get(w, "seasonality")};
  double *levels = fixture_array(json_object_get(w, "levels"), &scoring.level_count);
  scoring.levels = levels;
  assert_true(n <= MOST_SERIES);
  for (size_t i = 0; i < n; i++) {
    const char *const parts[] = {"truth", "point", "quantiles", "past"};
    for (size_t p = 0; p < 4; p++) {
      owned[4 * i + p] = fixture_array(json_array_get(json_object_get(w, parts[p]), i), &values);
    }
    series[i] =
        (c2_scored){values / scoring.targets, owned[4 * i + 3], owned[4 * i], owned[4 * i + 1], owned[4 * i + 2]};
  }
  assert_int_equal(c2_score(&scoring, series, n, scores, NULL), C2_OK);
  for (int m = 0; m < C2_METRICS; m++) {
    const json_t *expected = json_object_get(json_object_get(w, "scores"), c2_metric_name((c2_metric)m));
    double value = expected ? fixture_number(expected) : (double)NAN;
    if (fixture_near(scores[m], value, 1e-12)) continue;
    fprintf(stderr, "window %zu: %s is %.17g, expected %.17g\n", index, c2_metric_name((c2_metric)m), scores[m], value);
    failures++;
  }
  for (size_t i = 0; i < 4 * n; i++) free(owned[i]);
  free(levels);
  return failures;
}

static void test_fev(void **state) {
  (void)state;
  json_t *windows = json_load_file(SOURCE_DIR "/tests/study/metrics.json", 0, NULL);
  json_t *w = NULL;
  size_t index = 0;
  size_t failures = 0;
  assert_true(json_array_size(windows) >= 10);
  json_array_foreach(windows, index, w) failures += check_window(w, index);
  assert_int_equal(failures, 0);
  json_decref(windows);
}

static void expect_naive(const double *past, size_t length, size_t seasonality, const double *expected) {
  double out[5];
  c2_seasonal_naive(past, length, seasonality, 5, out);
  for (size_t h = 0; h < 5; h++) assert_true(out[h] == expected[h]);
}

static void test_seasonal_naive(void **state) {
  (void)state;
  const double nan = (double)NAN;
  expect_naive((const double[]){1, 2, 3, 4, 5}, 5, 3, (const double[]){3, 4, 5, 3, 4});
  expect_naive((const double[]){1, 2, 3, 4, 5}, 5, 1, (const double[]){5, 5, 5, 5, 5});
  expect_naive((const double[]){1, 2, nan, nan, 5}, 5, 3, (const double[]){2, 2, 5, 2, 2}); /* forward fill */
  expect_naive((const double[]){nan, nan, 7}, 3, 3, (const double[]){0, 0, 7, 0, 0});       /* then 0 */
  expect_naive((const double[]){4, 6}, 2, 3, (const double[]){6, 6, 6, 6, 6});              /* no whole season */
  expect_naive(NULL, 0, 3, (const double[]){0, 0, 0, 0, 0});
}

static void test_names(void **state) {
  (void)state;
  c2_metric metric;
  assert_true(c2_metric_find("mase", &metric));
  assert_int_equal(metric, C2_MASE);
  assert_true(c2_metric_find("WQL", &metric) && c2_metric_needs_quantiles(metric));
  assert_false(c2_metric_find("MASEE", &metric));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fev), cmocka_unit_test(test_seasonal_naive),
                                     cmocka_unit_test(test_names)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
