/* Tests of difference and equivalence, Holm's correction and redraws against SciPy and statsmodels
 * (tests/study/inference.json). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/fixture.h"
#include "study/statistics/inference.h"
#include "base/random.h"
#include "study/results/results.h"
#include "study/statistics/statistics.h"

static json_t *fixture;

static int load(void **state) {
  (void)state;
  fixture = json_load_file(SOURCE_DIR "/tests/study/inference.json", 0, NULL);
  return fixture ? 0 : -1;
}

static int unload(void **state) {
  (void)state;
  json_decref(fixture);
  return 0;
}

/* ---- A thousand cases ------------------------------------------------------------------------ */

enum { MOST = 256 };

typedef struct made_up {
  double a[MOST], b[MOST], margin;
  size_t n;
} made_up;

/* As made_up in make_fixtures.py. */
static void make_case(uint64_t seed, made_up *out) {
  uint64_t state = seed;
  out->n = c2_random_below(&state, 20) == 0 ? c2_random_below(&state, 3)
                                            : 2 + c2_random_below(&state, seed % 10 == 0 ? 200 : 30);
  int exponent = (int)c2_random_below(&state, 41) - 20;
  const size_t spans[] = {1, 3, 20, 2001, (size_t)1 << 30};
  size_t span = spans[c2_random_below(&state, 5)];
  const size_t shifts[] = {0, 0, 1, span / 3, 10 * span, 1000 * span};
  size_t shift = shifts[c2_random_below(&state, 6)];
  for (size_t i = 0; i < out->n; i++) out->b[i] = ldexp((double)c2_random_below(&state, span), exponent);
  for (size_t i = 0; i < out->n; i++) {
    double step = (double)c2_random_below(&state, span) - (double)(span / 2) + (double)shift;
    out->a[i] = out->b[i] + ldexp(step, exponent);
  }
  out->margin = ldexp((double)c2_random_below(&state, 2 * span), exponent);
  if (out->n == 0 || c2_random_below(&state, 25) != 0) return;
  const double odd[] = {INFINITY, -INFINITY, NAN};
  size_t at = c2_random_below(&state, out->n);
  out->a[at] = odd[c2_random_below(&state, 3)];
}

/* `unit` is what an absolute error is measured by. */
static size_t differs(size_t index, const char *name, double found, double expected, double unit) {
  if (fixture_near(found, expected, 1e-12) || fabs(found - expected) <= 1e-12 * unit) return 0;
  fprintf(stderr, "case %zu: %s is %.17g, expected %.17g\n", index, name, found, expected);
  return 1;
}

static void test_cases(void **state) {
  (void)state;
  const json_t *rows = json_object_get(fixture, "cases");
  size_t failures = 0;
  size_t exact = 0;
  size_t equivalent = 0;
  assert_int_equal(json_array_size(rows), 1000);
  for (size_t i = 0; i < 1000; i++) {
    static made_up c;
    double x[MOST];
    size_t width = 0;
    c2_ttest t;
    c2_equivalence e;
    c2_wilcoxon w;
    make_case(i, &c);
    double *expected = fixture_array(json_array_get(rows, i), &width);
    assert_int_equal(width, 9);
    assert_int_equal(c.n, (size_t)expected[0]);
    for (size_t k = 0; k < c.n; k++) x[k] = c.a[k] - c.b[k];
    c2_ttest_of(x, c.n, &t);
    c2_equivalence_test(x, c.n, c.margin, &e);
    assert_int_equal(c2_wilcoxon_test(x, c.n, &w, NULL), C2_OK);
    double unit = e.smallest_margin;
    failures += differs(i, "t", t.t, expected[1], 0) + differs(i, "p", t.p, expected[2], 0);
    failures += differs(i, "t", e.t, expected[1], 0) + differs(i, "p", e.p, expected[2], 0);
    failures += differs(i, "low 95", t.low, expected[3], unit) + differs(i, "low 95", e.low_95, expected[3], unit);
    failures += differs(i, "p of equivalence", e.p_equivalent, expected[4], 0);
    failures += differs(i, "low 90", e.low_90, expected[5], unit);
    failures += differs(i, "high 95", t.high, 2 * t.mean - expected[3], unit);
    failures += differs(i, "high 95", e.high_95, 2 * e.mean - expected[3], unit);
    failures += differs(i, "high 90", e.high_90, 2 * e.mean - expected[5], unit);
    failures += differs(i, "smallest margin", e.smallest_margin, expected[6], 0);
    failures += differs(i, "Wilcoxon's statistic", w.statistic, expected[7], 0);
    failures += differs(i, "Wilcoxon's p", w.p, expected[8], 0);
    exact += w.exact;
    equivalent += e.p_equivalent < 0.05;
    free(expected);
  }
  assert_int_equal(failures, 0);
  assert_true(exact > 200 && exact < 900);
  assert_true(equivalent > 200 && equivalent < 900);
}

/* The smallest margin is the one at which the p of equivalence is 5%. */
static void test_smallest_margin(void **state) {
  (void)state;
  for (uint64_t i = 0; i < 1000; i++) {
    static made_up c;
    c2_equivalence e;
    make_case(i, &c);
    for (size_t k = 0; k < c.n; k++) c.a[k] -= c.b[k];
    c2_equivalence_test(c.a, c.n, 0, &e);
    if (!(e.deviation > 0)) continue;
    double smallest = e.smallest_margin;
    c2_equivalence_test(c.a, c.n, smallest, &e);
    if (smallest < 1e3 * e.deviation) assert_true(fabs(e.p_equivalent - 0.05) < 1e-9);
    c2_equivalence_test(c.a, c.n, smallest * 1.01, &e);
    assert_true(e.p_equivalent < 0.05);
    c2_equivalence_test(c.a, c.n, smallest * 0.99, &e);
    assert_true(e.p_equivalent > 0.05);
  }
}

/* ---- Holm ------------------------------------------------------------------------------------ */

static void test_holm(void **state) {
  (void)state;
  size_t index = 0;
  json_t *row = NULL;
  const json_t *rows = json_object_get(fixture, "holm");
  assert_int_equal(json_array_size(rows), 40);
  json_array_foreach(rows, index, row) {
    size_t n = 0;
    double *p = fixture_array(json_object_get(row, "p"), &n);
    double *expected = fixture_array(json_object_get(row, "adjusted"), &n);
    double adjusted[16];
    c2_holm(p, n, adjusted);
    for (size_t i = 0; i < n; i++) assert_true(fixture_near(adjusted[i], expected[i], 1e-15));
    free(p);
    free(expected);
  }
}

/* ---- Redraws --------------------------------------------------------------------------------- */

static void test_bootstrap(void **state) {
  (void)state;
  size_t index = 0;
  json_t *row = NULL;
  c2_interval found;
  size_t count = 0;
  json_array_foreach(json_object_get(fixture, "drawn"), index, row) {
    double *x = fixture_array(json_object_get(row, "x"), &count);
    size_t n = (size_t)fixture_get(row, "n");
    assert_int_equal(c2_bootstrap(x, n, count / n, (size_t)fixture_get(row, "draws"), fixture_get(row, "confidence"), n,
                                  &found, NULL),
                     C2_OK);
    assert_true(fixture_near(found.low, fixture_get(row, "low"), 1e-12));
    assert_true(fixture_near(found.high, fixture_get(row, "high"), 1e-12));
    free(x);
  }
  /* SciPy draws otherwise: equal up to the noise of the draws, about 1% of the interval's width */
  row = json_object_get(fixture, "bootstrap");
  double *x = fixture_array(json_object_get(row, "x"), &count);
  assert_int_equal(c2_bootstrap(x, count, 1, 200000, 0.95, 1, &found, NULL), C2_OK);
  double low = fixture_get(row, "low");
  double high = fixture_get(row, "high");
  assert_true(fabs(found.low - low) < 0.01 * (high - low) && fabs(found.high - high) < 0.01 * (high - low));
  /* the same seed, the same interval; another seed, another one; too little or infinite: none */
  c2_interval other;
  assert_int_equal(c2_bootstrap(x, count, 1, 100, 0.95, 1, &found, NULL), C2_OK);
  assert_int_equal(c2_bootstrap(x, count, 1, 100, 0.95, 1, &other, NULL), C2_OK);
  assert_true(found.low == other.low && found.high == other.high);
  assert_int_equal(c2_bootstrap(x, count, 1, 100, 0.95, 2, &other, NULL), C2_OK);
  assert_true(found.low != other.low);
  assert_int_equal(c2_bootstrap(x, 1, 1, 100, 0.95, 1, &other, NULL), C2_OK);
  assert_true(isnan(other.low) && isnan(other.high));
  x[3] = INFINITY;
  assert_int_equal(c2_bootstrap(x, count, 1, 100, 0.95, 1, &other, NULL), C2_OK);
  assert_true(isnan(other.low) && isnan(other.high));
  free(x);
}

/* The 95% intervals of an arm's change, over tasks and over series within them, leave out a task without a ratio. */
static void test_redrawn_change(void **state) {
  (void)state;
  enum { TASKS = 6, NONE = 2, ARMS = 2 };
  const c2_plan plan = {.margin = 0.01, .draws = 500, .seed = 7};
  c2_arm arm[ARMS] = {{.attention = CHRONOS2_FULL}, {.attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL, .radius = 8}};
  c2_task_result task[TASKS] = {{.task = NULL}};
  c2_perf perf[TASKS][ARMS] = {{{0}}};
  static double redrawn[TASKS][ARMS * C2_REDRAWS];
  static double kept[(TASKS - 1) * C2_REDRAWS];
  double logs[TASKS];
  size_t n = 0;
  uint64_t random = 1;
  for (size_t i = 0; i < TASKS; i++) {
    perf[i][0].score[C2_MASE] = 1 + 0.1 * (double)i;
    perf[i][1].score[C2_MASE] = i == NONE ? 0 : 1 + 0.01 * (double)(i * i);
    for (size_t k = 0; k < (size_t)ARMS * C2_REDRAWS; k++) {
      redrawn[i][k] = (double)c2_random_below(&random, 1000) / 1e4 - 0.03 * (double)i;
    }
    task[i] = (c2_task_result){.perf = perf[i], .redrawn = redrawn[i]};
    if (i == NONE) continue;
    memcpy(kept + n * C2_REDRAWS, redrawn[i] + C2_REDRAWS, C2_REDRAWS * sizeof *kept);
    logs[n++] = log(perf[i][1].score[C2_MASE] / perf[i][0].score[C2_MASE]);
  }
  c2_results r = {.compared = {{C2_MASE}, 1}, .arm = arm, .arms = ARMS, .task = task, .done = TASKS};
  c2_summary summary = {.metrics = 0};
  c2_interval tasks, series;
  assert_int_equal(c2_sum_equivalence(&plan, &r, &summary, NULL), C2_OK);
  assert_int_equal(c2_bootstrap(logs, n, 1, plan.draws, 0.95, plan.seed, &tasks, NULL), C2_OK);
  assert_int_equal(c2_bootstrap(kept, n, C2_REDRAWS, plan.draws, 0.95, plan.seed, &series, NULL), C2_OK);
  const c2_equivalence_row *row = c2_change_of(&summary, 1, 0);
  assert_int_equal(row->left_out, 1);
  assert_true(row->tasks.low == tasks.low && row->tasks.high == tasks.high && tasks.low < tasks.high);
  assert_true(row->series.low == series.low && row->series.high == series.high && series.low < series.high);
  c2_summary_free(&summary);
}

/* ---- Words ----------------------------------------------------------------------------------- */

static void say(const double *percent, size_t n, char out[512]) {
  double x[8];
  c2_equivalence_row row = {.metric = C2_MASE, .margin = log1p(0.01)};
  for (size_t i = 0; i < n; i++) x[i] = log1p(percent[i] / 100);
  c2_equivalence_test(x, n, row.margin, &row.test);
  c2_equivalence_say(&row, "radius 8", out, 512);
}

/* What is not significant is never called equal. */
static void test_words(void **state) {
  (void)state;
  char text[512];
  say((const double[]){4, -2, 9, 5}, 4, text);
  assert_non_null(strstr(text, "equivalence: radius 8: MASE changes by +3.92%, 90% interval ["));
  assert_non_null(strstr(text, "; not shown to be equivalent within 1% (p = "));
  assert_non_null(strstr(text, "; a difference is not shown either (p = "));
  assert_non_null(strstr(text, "), which is not equality"));
  say((const double[]){0.1, -0.2, 0.1, 0.05}, 4, text);
  assert_non_null(strstr(text, "; equivalent within 1% (p = "));
  assert_non_null(strstr(text, "; a difference is not shown (p = "));
  assert_non_null(strstr(text, "the data support no margin below 0.1"));
  say((const double[]){0.1, 0.2, 0.15, 0.12}, 4, text);
  assert_non_null(strstr(text, "; equivalent within 1% (p = "));
  assert_non_null(strstr(text, "; a difference is shown (p = "));
  say((const double[]){4, 5, 6, 5.5}, 4, text);
  assert_non_null(strstr(text, "; not shown to be equivalent within 1% (p = "));
  assert_non_null(strstr(text, "; a difference is shown (p = "));
  say((const double[]){4}, 1, text);
  assert_non_null(strstr(text, "too few tasks"));
  say(NULL, 0, text);
  assert_non_null(strstr(text, "too few tasks"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_smallest_margin),
                                     cmocka_unit_test(test_holm), cmocka_unit_test(test_bootstrap),
                                     cmocka_unit_test(test_redrawn_change), cmocka_unit_test(test_words)};
  return cmocka_run_group_tests(tests, load, unload);
}
