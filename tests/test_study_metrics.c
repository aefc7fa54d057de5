/* Metrics against fev (tests/study/metrics.json), the seasonal-naive forecast, and scores of series drawn anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/measure/accuracy.h"
#include "study/fixture.h"
#include "study/statistics/metrics.h"
#include "study/statistics/random.h"
#include "study/statistics/statistics.h"

enum { MOST_SERIES = 8 };

/* MASE and WQL are ratios of the series' sums. */
static size_t check_series(const c2_scoring *scoring, const c2_scored *series, size_t n, const double *scores) {
  static const c2_metric ratios[] = {C2_MASE, C2_WQL, C2_MAE, C2_WAPE, C2_MSE, C2_MAPE, C2_SMAPE, C2_MQL, C2_SQL};
  size_t failures = 0;
  for (size_t m = 0; m < sizeof ratios / sizeof ratios[0]; m++) {
    double score = 0;
    for (size_t d = 0; d < scoring->targets; d++) {
      c2_ratio sum = {0, 0};
      for (size_t i = 0; i < n; i++) {
        c2_ratio one = c2_series_ratio(scoring, &series[i], d, ratios[m]);
        sum.top += one.top;
        sum.bottom += one.bottom;
      }
      score += sum.top / sum.bottom / (double)scoring->targets;
    }
    if (scoring->level_count == 0 && c2_metric_needs_quantiles(ratios[m])) score = (double)NAN;
    if (fixture_near(score, scores[ratios[m]], 1e-12)) continue;
    fprintf(stderr, "%s from its series is %.17g, expected %.17g\n", c2_metric_name(ratios[m]), score,
            scores[ratios[m]]);
    failures++;
  }
  return failures;
}

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
  failures += check_series(&scoring, series, n, scores);
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

/* ---- Series drawn anew ----------------------------------------------------------------------- */

enum { UNITS = 40, DRAWS = 4000 };

/* Two windows of all units but one; arm 1 is arm 0 with other errors, arm 2 is twice arm 0. */
static void make_sums(c2_series_sums sums[3][2 * UNITS]) {
  uint64_t state = 5;
  for (size_t i = 0; i < UNITS; i++) {
    double full = 1 + (double)c2_random_below(&state, 100) / 100;
    double other = full * (0.8 + (double)c2_random_below(&state, 100) / 200);
    double size = 2 + (double)(i % 3);
    for (size_t w = 0; w < 2; w++) {
      sums[0][w * UNITS + i] = (c2_series_sums){{{full, size}, {full, 1}}};
      sums[1][w * UNITS + i] = (c2_series_sums){{{other, size}, {other, 1}}};
      sums[2][w * UNITS + i] = (c2_series_sums){{{2 * full, size}, {2 * full, 1}}};
    }
  }
}

/* The mean and spread of the redraws are those of a ratio of sums by the delta method; a series that is drawn is
 * drawn in both windows, else the spread were smaller by the root of 2. */
static void test_redraw(void **state) {
  (void)state;
  static c2_series_sums sums[3][2 * UNITS];
  static double out[3][2][DRAWS];
  static double again[3][2][DRAWS];
  size_t unit[UNITS];
  c2_window window[2] = {{.count = UNITS, .targets = 1, .unit = unit}, {.count = UNITS, .targets = 1, .unit = unit}};
  c2_evaluation e = {.window = window, .windows = 2, .num_forecasts = 2 * UNITS, .data = {.units = UNITS + 1}};
  for (size_t i = 0; i < UNITS; i++) unit[i] = i + 1;
  make_sums(sums);
  assert_int_equal(c2_evaluation_redraw(&e, &sums[0][0], 3, DRAWS, 3, &out[0][0][0], NULL), C2_OK);
  for (size_t m = 0; m < 2; m++) {
    double total[2] = {0, 0};
    double spread = 0;
    for (size_t i = 0; i < UNITS; i++) {
      total[0] += sums[0][i].of[0].top;
      total[1] += sums[1][i].of[0].top;
    }
    for (size_t i = 0; i < UNITS; i++) {
      double pull = sums[1][i].of[0].top / total[1] - sums[0][i].of[0].top / total[0];
      spread += pull * pull;
    }
    assert_true(fabs(c2_mean(out[1][m], DRAWS) - log(total[1] / total[0])) < 0.05 * sqrt(spread));
    assert_true(fabs(c2_standard_deviation(out[1][m], DRAWS) / sqrt(spread) - 1) < 0.05);
    for (size_t b = 0; b < DRAWS; b++) assert_true(out[0][m][b] == 0 && fabs(out[2][m][b] - log(2)) < 1e-12);
  }
  assert_int_equal(c2_evaluation_redraw(&e, &sums[0][0], 3, DRAWS, 3, &again[0][0][0], NULL), C2_OK);
  assert_memory_equal(out, again, sizeof out);
  assert_int_equal(c2_evaluation_redraw(&e, &sums[0][0], 3, DRAWS, 4, &again[0][0][0], NULL), C2_OK);
  assert_true(out[1][0][0] != again[1][0][0]);
}

/* Draws in which no series has a MASE give way to others; without a single one that has, there is none. */
static void test_redraw_gaps(void **state) {
  (void)state;
  c2_series_sums sums[2][2] = {{{{{3, 2}, {1, 1}}}, {{{0, 0}, {1, 1}}}}, {{{{6, 2}, {3, 1}}}, {{{0, 0}, {1, 1}}}}};
  double out[2][2][64];
  size_t unit[2] = {0, 1};
  c2_window window = {.count = 2, .targets = 1, .unit = unit};
  c2_evaluation e = {.window = &window, .windows = 1, .num_forecasts = 2, .data = {.units = 2}};
  assert_int_equal(c2_evaluation_redraw(&e, &sums[0][0], 2, 64, 1, &out[0][0][0], NULL), C2_OK);
  for (size_t b = 0; b < 64; b++) assert_true(out[1][0][b] == log(2) && isfinite(out[1][1][b]));
  sums[0][0].of[0].bottom = sums[1][0].of[0].bottom = 0;
  assert_int_equal(c2_evaluation_redraw(&e, &sums[0][0], 2, 64, 1, &out[0][0][0], NULL), C2_OK);
  for (size_t b = 0; b < 64; b++) assert_true(isnan(out[1][0][b]) && isfinite(out[1][1][b]));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fev), cmocka_unit_test(test_seasonal_naive),
                                     cmocka_unit_test(test_names), cmocka_unit_test(test_redraw),
                                     cmocka_unit_test(test_redraw_gaps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
