/* A study beside published results: which tasks match, and the geometric means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/files/schema.h"
#include "study/results/published.h"
#include "study/study.h"

/* Seasonal naive's published MASE and WQL. */
static const struct {
  const char *name;
  size_t horizon;
  double mase, wql;
} seven[] = {{"ETTh", 24, 0.9316203197158572, 0.1220896593925999},
             {"exchange_rate", 30, 1.740179, 0.0129841},
             {"monash_hospital", 12, 0.920528, 0.0726263},
             {"monash_m1_monthly", 18, 1.314463, 0.191463},
             {"monash_m1_quarterly", 8, 2.077537, 0.149502},
             {"monash_m1_yearly", 6, 4.894322, 0.209296},
             {"nn5", 56, 1.291731, 0.424621}};
enum { SEVEN = 7 };

static c2_task task_of(size_t i) {
  return (c2_task){.name = seven[i].name, .horizon = seven[i].horizon, .num_windows = 1};
}

/* Scores of the seasonal-naive forecast. */
static void naive_of(size_t i, double naive[C2_METRICS]) {
  memset(naive, 0, C2_METRICS * sizeof *naive);
  naive[C2_MASE] = seven[i].mase;
  naive[C2_WQL] = seven[i].wql;
}

static void test_matches(void **state) {
  (void)state;
  for (size_t i = 0; i < SEVEN; i++) {
    c2_task task = task_of(i);
    double naive[C2_METRICS];
    naive_of(i, naive);
    assert_non_null(c2_published_for(&task, naive));
    task.horizon++;
    assert_null(c2_published_for(&task, naive)); /* another horizon */
    task = task_of(i);
    task.num_windows = 2;
    assert_null(c2_published_for(&task, naive)); /* more windows */
    task = task_of(i);
    task.name = "sales";
    assert_null(c2_published_for(&task, naive)); /* another task */
    task = task_of(i);
    naive[C2_MASE] *= 1.002;
    assert_null(c2_published_for(&task, naive)); /* other data of the same name */
    naive_of(i, naive);
    naive[C2_WQL] = (double)NAN;
    assert_null(c2_published_for(&task, naive));
  }
}

/* What the study prints: full scores half of seasonal naive, radius 8 three quarters; `own` more tasks have no
 * published results. */
static char *table_of(size_t own) {
  static const double radii[] = {2, 8};
  c2_task task[SEVEN + 1];
  c2_task_result result[SEVEN + 1] = {0};
  c2_perf perf[SEVEN + 1][3] = {0};
  c2_results results = {.task = result, .done = SEVEN + own, .perf_radii = {radii, 2}, .verdict = 1,
                        .compared = {{C2_MASE, C2_WQL}, 2}};
  for (size_t i = 0; i < results.done; i++) {
    task[i] = task_of(i % SEVEN);
    result[i].task = &task[i];
    naive_of(i % SEVEN, result[i].naive);
    if (i >= SEVEN) task[i].name = "sales";
    for (size_t k = 0; k < 3; k++) {
      const double share[] = {0.5, 0.6, 0.75};
      perf[i][k].score[C2_MASE] = share[k] * result[i].naive[C2_MASE];
      perf[i][k].score[C2_WQL] = share[k] * result[i].naive[C2_WQL];
    }
    result[i].perf = perf[i];
  }
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  c2_print_baselines(&results, out);
  assert_int_equal(fclose(out), 0);
  return text;
}

/* The numbers of the n-th line (from 0) that begins so; a dash is NaN. */
static void read_line(const char *text, const char *start, size_t n, double *value, size_t count) {
  const char *line = text;
  for (size_t seen = 0;; line = strchr(line, '\n') + 1) {
    if (!*line) fail_msg("line %zu that begins with '%s' is missing:\n%s", n, start, text);
    if (strncmp(line, start, strlen(start)) == 0 && seen++ == n) break;
  }
  line += strlen(start);
  for (size_t i = 0; i < count; i++) {
    char *end = NULL;
    value[i] = strtod(line, &end);
    if (end == line) {
      value[i] = (double)NAN;
      end = strchr(line, '-');
      assert_non_null(end);
      end++;
    }
    line = end;
  }
}

static void expect(const double *value, const double *expected, size_t count) {
  for (size_t i = 0; i < count; i++) assert_true(fabs(value[i] - expected[i]) < 6e-4);
}

static void test_geometric_means(void **state) {
  (void)state;
  /* The published columns, computed from the files of the source. */
  const double mase[] = {0.5, 0.75, 0.858, 0.791, 0.798, 0.882, 0.845};
  const double wql[] = {0.5, 0.75, 0.678, 0.656, 0.665, 0.747, 0.746};
  double value[8];
  char *text = table_of(0);
  read_line(text, "geometric mean, 7 tasks", 0, value, 7);
  expect(value, mase, 7);
  read_line(text, "geometric mean, 7 tasks", 1, value, 7);
  expect(value, wql, 7);
  read_line(text, "nn5", 0, value, 8);
  expect(value, (const double[]){1.2917, 0.5, 0.75, 0.560, 0.446, 0.424, 0.804, 0.809}, 8);
  free(text);
}

static void test_tasks_without_published_results(void **state) {
  (void)state;
  double value[8];
  char *text = table_of(1);
  read_line(text, "geometric mean, 8 tasks", 0, value, 7);
  expect(value, (const double[]){0.5, 0.75}, 2);
  for (size_t i = 2; i < 7; i++) assert_true(isnan(value[i]));
  read_line(text, "geometric mean, 7 published tasks", 0, value, 7);
  expect(value, (const double[]){0.5, 0.75, 0.858}, 3);
  read_line(text, "sales", 0, value, 8);
  for (size_t i = 3; i < 8; i++) assert_true(isnan(value[i]));
  free(text);
}

static double column_of(const char *name, const c2_study_row *row) {
  const c2_schema *schema = &c2_schemas[C2_TABLE_BASELINES];
  for (size_t i = 0; i < schema->count; i++) {
    if (strcmp(schema->column[i].name, name) == 0) return c2_study_field_number(&schema->column[i], row);
  }
  fail_msg("no column '%s'", name);
  return 0;
}

/* P__baselines.csv holds what others published: of nn5, shares of seasonal naive's MASE as the source's files have
 * them; nothing of a task that they didn't have. */
static void test_columns(void **state) {
  (void)state;
  static const char *const name[] = {"MASE_chronos_bolt_tiny", "MASE_chronos_bolt_base", "MASE_tirex", "MASE_auto_ets",
                                     "MASE_auto_theta"};
  static const double share[] = {0.560, 0.446, 0.424, 0.804, 0.809};
  c2_task task = task_of(6);
  c2_task_result result = {.task = &task};
  c2_study_row row = {.part = {[C2_PART_TASK] = &task, [C2_PART_RESULT] = &result}};
  naive_of(6, result.naive);
  for (size_t i = 0; i < 5; i++) {
    assert_true(fabs(column_of(name[i], &row) / result.naive[C2_MASE] - share[i]) < 6e-4);
  }
  double wql = column_of("WQL_tirex", &row); /* and WQL under its own name */
  assert_true(fabs(wql / result.naive[C2_WQL] - 0.336) < 6e-4);
  task.name = "sales";
  for (size_t i = 0; i < 5; i++) assert_true(isnan(column_of(name[i], &row)));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_matches), cmocka_unit_test(test_geometric_means),
                                     cmocka_unit_test(test_tasks_without_published_results),
                                     cmocka_unit_test(test_columns)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
