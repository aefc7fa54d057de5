/* Metrics against fev (tests/study/metrics.json), the seasonal-naive forecast, and scores of series drawn anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/measure/accuracy.h"
#include "study/fixture.h"
#include "study/statistics/metrics.h"
#include "base/random.h"
#include "study/statistics/statistics.h"

enum { MOST_SERIES = 8 };

/* Every metric of a window is had from what its series add. */
static size_t check_series(const c2_scoring *scoring, const c2_scored *series, size_t n, const double *scores) {
  size_t failures = 0;
  for (int m = 0; m < C2_METRICS; m++) {
    double score = 0;
    for (size_t d = 0; d < scoring->targets; d++) {
      c2_sums sum = {.count = 0};
      for (size_t i = 0; i < n; i++) {
        c2_sums one = c2_series_sums(scoring, &series[i], d, (c2_metric)m);
        sum.error += one.error;
        sum.bias += one.bias;
        sum.size += one.size;
        sum.count += one.count;
      }
      score += c2_metric_value((c2_metric)m, &sum) / (double)scoring->targets;
    }
    if (scoring->level_count == 0 && c2_metric_needs_quantiles((c2_metric)m)) score = (double)NAN;
    if (fixture_near(score, scores[m], 1e-12)) continue;
    fprintf(stderr, "%s from its series is %.17g, expected %.17g\n", c2_metric_name((c2_metric)m), score, scores[m]);
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
  c2_metric metric = C2_METRICS;
  c2_error err = {.code = C2_OK};
  c2_metric_list list = {.count = 0};
  assert_int_equal(c2_metric_find("mase", "here", &metric, &err), C2_OK);
  assert_int_equal(metric, C2_MASE);
  assert_int_equal(c2_metric_find("WQL", "here", &metric, &err), C2_OK);
  assert_true(c2_metric_needs_quantiles(metric) && !c2_metric_needs_quantiles(C2_RMSSE));
  assert_int_equal(c2_metric_find("MASEE", "here", &metric, &err), C2_ERR_ARGUMENT);
  assert_string_equal(err.text,
                      "here: expected the name of a metric (MASE, WQL, MAE, WAPE, MSE, RMSE, RMSSE, MAEB, WAPEB, "
                      "RMSLE, MAPE, SMAPE, MQL, SQL), found 'MASEE'");
  assert_true(c2_metric_add(&list, C2_SQL) && c2_metric_add(&list, C2_MAE) && !c2_metric_add(&list, C2_SQL));
  assert_int_equal(list.count, 2);
  assert_true(c2_metric_place(&list, C2_MAE) == 1 && c2_metric_place(&list, C2_MASE) == 2);
}

/* Squares beyond a double: MSE and RMSE are infinite, and RMSSE has no step, also where the past alone is that large
 * (it isn't 0 then). Other metrics are as ever. */
static void test_beyond(void **state) {
  (void)state;
  const double past[] = {0, 1e200, -1e200};
  const double truth[2][2] = {{1e199, 2e199}, {1, 2}};
  const double point[2][2] = {{2e199, 2e199}, {2, 2}};
  const double steps[2][2] = {{1, 2}, {0, 2}}; /* beyond a double: of MSE and RMSE, of RMSSE */
  c2_scoring scoring = {.targets = 1, .horizon = 2, .seasonality = 1};
  for (size_t i = 0; i < 2; i++) {
    c2_scored series = {3, past, truth[i], point[i], NULL};
    double score[C2_METRICS];
    assert_int_equal(c2_score(&scoring, &series, 1, score, NULL), C2_OK);
    assert_true(isnan(score[C2_RMSSE]) && score[C2_MASE] > 0);
    assert_true(i == 0 ? isinf(score[C2_MSE]) && isinf(score[C2_RMSE]) : score[C2_MSE] == 0.5);
    assert_true(c2_series_sums(&scoring, &series, 0, C2_RMSE).beyond == steps[i][0]);
    c2_sums scaled = c2_series_sums(&scoring, &series, 0, C2_RMSSE);
    assert_true(scaled.beyond == steps[i][1] && scaled.gaps == 0 && scaled.count == 0);
    c2_sums small = c2_series_sums(&scoring, &series, 0, C2_MASE);
    assert_true(small.beyond == 0 && small.gaps == 0 && small.count == 2);
  }
  c2_scored flat = {2, (const double[]){1, 1}, truth[1], point[1], NULL};
  c2_sums none = c2_series_sums(&scoring, &flat, 0, C2_RMSSE);
  assert_true(none.gaps == 2 && none.beyond == 0);
  assert_string_equal(c2_metric_beyond(C2_RMSSE), "squares are beyond the range of floating-point numbers");
}

/* ---- Series drawn anew ----------------------------------------------------------------------- */

enum { UNITS = 40, DRAWS = 4000 };

/* One divides by the number of steps, the other by their size. */
static const c2_metric_list two = {{C2_MASE, C2_WQL}, 2};

static c2_sums sums_of(double error, double bottom) {
  return (c2_sums){.error = error, .size = bottom, .count = bottom};
}

/* Two windows of all units but one; arm 1 is arm 0 with other errors, arm 2 is twice arm 0. */
static void make_sums(c2_sums sums[3][2 * UNITS][2]) {
  uint64_t state = 5;
  for (size_t i = 0; i < UNITS; i++) {
    double full = 1 + (double)c2_random_below(&state, 100) / 100;
    double other = full * (0.8 + (double)c2_random_below(&state, 100) / 200);
    double size = 2 + (double)(i % 3);
    for (size_t w = 0; w < 2; w++) {
      const double errors[] = {full, other, 2 * full};
      for (size_t k = 0; k < 3; k++) {
        sums[k][w * UNITS + i][0] = sums_of(errors[k], size);
        sums[k][w * UNITS + i][1] = sums_of(errors[k], 1);
      }
    }
  }
}

/* The mean and spread of the redraws are those of a ratio of sums by the delta method; a series that is drawn is
 * drawn in both windows, else the spread were smaller by the root of 2. */
static void test_redraw(void **state) {
  (void)state;
  static c2_sums sums[3][2 * UNITS][2];
  static double out[3][2][DRAWS];
  static double again[3][2][DRAWS];
  size_t unit[UNITS];
  c2_window window[2] = {{.count = UNITS, .targets = 1, .unit = unit}, {.count = UNITS, .targets = 1, .unit = unit}};
  c2_evaluation e = {.window = window, .windows = 2, .num_forecasts = 2 * UNITS, .data = {.units = UNITS + 1}};
  for (size_t i = 0; i < UNITS; i++) unit[i] = i + 1;
  make_sums(sums);
  assert_int_equal(c2_evaluation_redraw(&e, &two, &sums[0][0][0], 3, DRAWS, 3, &out[0][0][0], NULL), C2_OK);
  for (size_t m = 0; m < 2; m++) {
    double total[2] = {0, 0};
    double spread = 0;
    for (size_t i = 0; i < UNITS; i++) {
      total[0] += sums[0][i][0].error;
      total[1] += sums[1][i][0].error;
    }
    for (size_t i = 0; i < UNITS; i++) {
      double pull = sums[1][i][0].error / total[1] - sums[0][i][0].error / total[0];
      spread += pull * pull;
    }
    assert_true(fabs(c2_mean(out[1][m], DRAWS) - log(total[1] / total[0])) < 0.05 * sqrt(spread));
    assert_true(fabs(c2_standard_deviation(out[1][m], DRAWS) / sqrt(spread) - 1) < 0.05);
    for (size_t b = 0; b < DRAWS; b++) assert_true(out[0][m][b] == 0 && fabs(out[2][m][b] - log(2)) < 1e-12);
  }
  assert_int_equal(c2_evaluation_redraw(&e, &two, &sums[0][0][0], 3, DRAWS, 3, &again[0][0][0], NULL), C2_OK);
  assert_memory_equal(out, again, sizeof out);
  assert_int_equal(c2_evaluation_redraw(&e, &two, &sums[0][0][0], 3, DRAWS, 4, &again[0][0][0], NULL), C2_OK);
  assert_true(out[1][0][0] != again[1][0][0]);
}

/* Draws in which no series has a MASE give way to others; without a single one that has, there is none. */
static void test_redraw_gaps(void **state) {
  (void)state;
  c2_sums sums[2][2][2] = {{{sums_of(3, 2), sums_of(1, 1)}, {sums_of(0, 0), sums_of(1, 1)}},
                           {{sums_of(6, 2), sums_of(3, 1)}, {sums_of(0, 0), sums_of(1, 1)}}};
  double out[2][2][64];
  size_t unit[2] = {0, 1};
  c2_window window = {.count = 2, .targets = 1, .unit = unit};
  c2_evaluation e = {.window = &window, .windows = 1, .num_forecasts = 2, .data = {.units = 2}};
  assert_int_equal(c2_evaluation_redraw(&e, &two, &sums[0][0][0], 2, 64, 1, &out[0][0][0], NULL), C2_OK);
  for (size_t b = 0; b < 64; b++) assert_true(out[1][0][b] == log(2) && isfinite(out[1][1][b]));
  sums[0][0][0].count = sums[1][0][0].count = 0;
  assert_int_equal(c2_evaluation_redraw(&e, &two, &sums[0][0][0], 2, 64, 1, &out[0][0][0], NULL), C2_OK);
  for (size_t b = 0; b < 64; b++) assert_true(isnan(out[1][0][b]) && isfinite(out[1][1][b]));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fev), cmocka_unit_test(test_seasonal_naive),
                                     cmocka_unit_test(test_names), cmocka_unit_test(test_beyond),
                                     cmocka_unit_test(test_redraw),
                                     cmocka_unit_test(test_redraw_gaps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
