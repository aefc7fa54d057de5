/* Statistics against SciPy (tests/study/statistics.json), and against the published study's own t-test files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/infile.h"
#include "base/platform.h"
#include "data/csv.h"
#include "study/fixture.h"
#include "study/statistics/statistics.h"

static json_t *fixture;

static int load(void **state) {
  (void)state;
  fixture = json_load_file(SOURCE_DIR "/tests/study/statistics.json", 0, NULL);
  return fixture ? 0 : -1;
}

static int unload(void **state) {
  (void)state;
  json_decref(fixture);
  return 0;
}

static size_t compare(const json_t *row, size_t index, const char *name, double found, double relative) {
  double expected = fixture_get(row, name);
  if (fixture_near(found, expected, relative)) return 0;
  fprintf(stderr, "case %zu: %s is %.17g, expected %.17g\n", index, name, found, expected);
  return 1;
}

static void test_paired(void **state) {
  (void)state;
  size_t failures = 0;
  size_t index = 0;
  json_t *row = NULL;
  const json_t *rows = json_object_get(fixture, "paired");
  assert_true(json_array_size(rows) > 300);
  json_array_foreach(rows, index, row) {
    size_t n = 0;
    double *a = fixture_array(json_object_get(row, "a"), &n);
    double *b = fixture_array(json_object_get(row, "b"), &n);
    c2_ttest t;
    double median = 0;
    for (size_t i = 0; i < n; i++) a[i] -= b[i];
    c2_ttest_of(a, n, &t);
    assert_int_equal(c2_median(a, n, &median, NULL), C2_OK);
    assert_int_equal(t.n, n);
    failures += compare(row, index, "mean", t.mean, 1e-15);
    failures += compare(row, index, "deviation", t.deviation, 1e-14);
    failures += compare(row, index, "median", median, 0);
    failures += compare(row, index, "t", t.t, 1e-12);
    failures += compare(row, index, "p", t.p, 1e-12);
    failures += compare(row, index, "low", t.low, 1e-9); /* may lie near 0 */
    failures += compare(row, index, "high", t.high, 1e-9);
    free(a);
    free(b);
  }
  assert_int_equal(failures, 0);
}

static void test_student(void **state) {
  (void)state;
  size_t failures = 0;
  size_t index = 0;
  json_t *row = NULL;
  json_array_foreach(json_object_get(fixture, "student"), index, row) {
    failures += compare(row, index, "p", c2_student_two_sided(fixture_get(row, "t"), fixture_get(row, "df")), 1e-12);
  }
  json_array_foreach(json_object_get(fixture, "quantile"), index, row) {
    failures += compare(row, index, "t", c2_student_quantile(fixture_get(row, "p"), fixture_get(row, "df")), 1e-12);
  }
  assert_int_equal(failures, 0);
  assert_true(isnan(c2_student_two_sided(1, 0)));
  assert_true(isnan(c2_student_quantile(0, 5)));
  assert_true(c2_student_two_sided(INFINITY, 3) == 0);
  /* One degree of freedom is Cauchy's distribution; SciPy has 8 right digits here. */
  assert_true(fixture_near(c2_student_two_sided(1e-8, 1), 1 - 2e-8 / 3.14159265358979324, 1e-15));
}

/* ---- The published files --------------------------------------------------------------------- */

typedef struct column {
  double *value;
  size_t count;
} column;

static column read_column(const char *path, const char *name) {
  char *text = NULL;
  size_t size = 0;
  size_t at = 0;
  bool more = true;
  c2_csv csv = {0};
  column out = {calloc(64, sizeof(double)), 0};
  assert_non_null(out.value);
  assert_int_equal(c2_read_file(path, &text, &size, NULL), C2_OK);
  assert_int_equal(c2_csv_open(&csv, path, text, size, ',', NULL), C2_OK);
  assert_int_equal(c2_header_find(&csv.names, name, &at, NULL), C2_OK);
  while (c2_csv_next(&csv, &more, NULL) == C2_OK && more && out.count < 64) {
    out.value[out.count++] = strtod(csv.field[at], NULL);
  }
  c2_csv_close(&csv);
  free(text);
  return out;
}

static double read_value(const char *path, const char *name) {
  column c = read_column(path, name);
  assert_int_equal(c.count, 1);
  double value = c.value[0];
  free(c.value);
  return value;
}

static void test_published(void **state) {
  (void)state;
  const char *folder = SOURCE_DIR "/../shared/reference/seed-results";
  if (!c2_is_directory(folder)) {
    print_message("SKIPPED: the published t-tests: %s is not there\n", folder);
    skip();
  }
  const int radii[] = {8, 16, 32, 64, 128};
  for (size_t i = 0; i < 5; i++) {
    char compared[512];
    char tested[512];
    (void)snprintf(compared, sizeof compared, "%s/cbii_ctxQ4__perf_compare_r%d.csv", folder, radii[i]);
    (void)snprintf(tested, sizeof tested, "%s/cbii_ctxQ4__perf_ttest_r%d.csv", folder, radii[i]);
    column full = read_column(compared, "MASE_full");
    column sparse = read_column(compared, "MASE_sparse");
    column speedup = read_column(compared, "speedup");
    column alloc = read_column(compared, "delta_peak_alloc_mb");
    c2_ttest t;
    double median = 0;
    assert_int_equal(full.count, 27);
    for (size_t k = 0; k < full.count; k++) sparse.value[k] -= full.value[k];
    c2_ttest_of(sparse.value, full.count, &t);
    assert_int_equal(c2_median(speedup.value, speedup.count, &median, NULL), C2_OK);
    assert_true(fixture_near(t.mean, read_value(tested, "mean_delta"), 1e-15));
    assert_true(fixture_near(t.deviation, read_value(tested, "sd_delta"), 1e-15));
    assert_true(fixture_near(t.t, read_value(tested, "t"), 1e-12));
    assert_true(fixture_near(t.p, read_value(tested, "p"), 1e-12));
    assert_true(fixture_near(c2_mean(speedup.value, 27), read_value(tested, "mean_speedup"), 1e-15));
    assert_true(fixture_near(median, read_value(tested, "median_speedup"), 0));
    assert_true(fixture_near(c2_mean(alloc.value, 27), read_value(tested, "mean_delta_peak_alloc_mb"), 1e-15));
    free(full.value);
    free(sparse.value);
    free(speedup.value);
    free(alloc.value);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_paired), cmocka_unit_test(test_student),
                                     cmocka_unit_test(test_published)};
  return cmocka_run_group_tests(tests, load, unload);
}
