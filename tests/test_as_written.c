/* Tables as other programs write them: Excel's CSV, pandas' index, cells that stand for nothing. */
#include "tables.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

static program_result forecast(const files *f, const char *option, const char *value, const char *future) {
  const char *argv[] = {PROGRAM_PATH, "forecast", f->past, "-m", MODEL, "-n2", NULL, NULL, NULL, NULL, NULL};
  size_t count = 6;
  if (option) argv[count++] = option;
  if (value) argv[count++] = value;
  if (future) argv[count++] = future, argv[count++] = f->future;
  return program_run(argv, NULL);
}

static void assert_said(program_result r, const char *said) {
  assert_int_equal(r.status, 0);
  assert_string_equal(r.err, said);
  program_free(&r);
}

/* ---- Numbers beside other texts --------------------------------------------------------------- */

#define ONE "chronos2: 1 item, 4 rows, daily (D), covariate: temp\n"
#define MIXED(cell, place) \
  ONE "chronos2: warning: column 'temp' is read as categories: '" cell "'" place " is no number\n"

static void test_mixed(void **state) {
  (void)state;
  static const struct {
    const char *cells[4], *said;
  } cases[] = {{{"1.5", "-", "2", "?"}, MIXED("-", " at line 3")},
               {{"n.a.", "7", "A12", ""}, MIXED("n.a.", " at line 2")},
               {{"1", "2", "3", "12 C"}, MIXED("12 C", " at line 5")},
               {{"1", "0", "True", ""}, MIXED("True", " at line 4")},
               {{"1", "NA", "", "2"}, ONE},
               {{"A1", "-", "NA", ""}, ONE}};
  files f = open_files("past.csv");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[400];
    const char *const *c = cases[i].cells;
    (void)snprintf(text, sizeof text,
                   "timestamp,target,temp\n2024-01-01,1,%s\n2024-01-02,2,%s\n2024-01-03,3,%s\n2024-01-04,5,%s\n", c[0],
                   c[1], c[2], c[3]);
    write_text(f.past, text);
    assert_said(forecast(&f, "--all-covariates", NULL, NULL), cases[i].said);
  }
  static const struct {
    const char *text, *odd; /* the decimal sign is open, or another one comes late */
  } open[] = {{"timestamp;target;temp\n2024-01-01;1;1.234\n2024-01-02;2;-\n2024-01-03;3;1.300\n2024-01-04;5;1.301\n",
               "'-' at line 3"},
              {"timestamp,target,temp\n2024-01-01,1,1.5\n2024-01-02,2,\"2,5\"\n2024-01-03,3,-\n2024-01-04,5,2\n",
               "'-' at line 4"}};
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
    char said[200];
    write_text(f.past, open[i].text);
    (void)snprintf(said, sizeof said,
                   "chronos2: 1 item, 4 rows, daily (D), %scovariate: temp\n"
                   "chronos2: warning: column 'temp' is read as categories: %s is no number\n",
                   i == 0 ? "read with a semicolon between fields, " : "", open[i].odd);
    assert_said(forecast(&f, "--all-covariates", NULL, NULL), said);
  }
  close_files(&f);
  f = open_files("past.jsonl");
  write_text(f.past, "{\"item_id\":\"a\",\"start\":\"2024-01-01\",\"freq\":\"D\",\"target\":[1,2,4],"
                     "\"past_covariates\":{\"p\":[1,\"x\",3],\"q\":[\"1\",\"x\",null]}}\n");
  assert_said(forecast(&f, NULL, NULL, NULL),
              "chronos2: 1 item, 3 rows, daily (D)\n"
              "chronos2: warning: column 'p' is read as categories: 'x' in item 'a' is no number\n");
  close_files(&f);
}

/* A table that is read in parts says it once; where its rows are sorted, it names no line: the
 * first such row by item needn't be the first in the file. */
static void test_mixed_parts(void **state) {
  (void)state;
  enum { ITEMS = 8000, ROWS = 20 };
  static const char *const place[2] = {" at line 3", ""};
  for (int apart = 0; apart < 2; apart++) {
    files f = open_files("past.csv");
    FILE *out = fopen(f.past, "w");
    assert_non_null(out);
    (void)fprintf(out, "item_id,timestamp,target,temp,%040d\n", 0); /* a large file */
    for (int row = 0; row < ITEMS * ROWS; row++) {
      int i = apart ? row % ITEMS : row / ROWS;
      int t = apart ? row / ITEMS : row % ROWS;
      (void)fprintf(out, "%d,2024-01-%02d,%d,%s,%040d\n", i, t + 1, (i + t) % 7,
                    i % 1000 == apart && t == 1 - apart ? "-" : t % 2 ? "3" : "4", 0);
    }
    assert_int_equal(fclose(out), 0);
    char expected[300];
    program_result r = forecast(&f, "--covariates", "temp", NULL);
    (void)snprintf(expected, sizeof expected,
                   "chronos2: 8000 items, 160000 rows, daily (D), ignored column: %040d\n"
                   "chronos2: warning: column 'temp' is read as categories: '-'%s is no number\n", 0, place[apart]);
    assert_int_equal(r.status, 0);
    assert_int_equal(strstr(r.err, "sorted in a temporary file") != NULL, apart);
    if (!strstr(r.err, expected)) fail_msg("%s", r.err);
    program_free(&r);
    close_files(&f);
  }
}

/* ---- Columns ---------------------------------------------------------------------------------- */

/* pandas writes its index as a column without a name. */
static void test_index(void **state) {
  (void)state;
  files f = open_files("past.csv");
  write_text(f.past, "timestamp,target,price\n2024-01-01,1,3\n2024-01-02,2,4\n2024-01-03,4,3\n");
  write_text(f.future, "timestamp,price\n2024-01-04,3\n2024-01-05,4\n");
  program_result plain = forecast(&f, "--all-covariates", NULL, "--future");
  assert_int_equal(plain.status, 0);
  write_text(f.past, ",timestamp,target,price\n0,2024-01-01,1,3\n1,2024-01-02,2,4\n2,2024-01-03,4,3\n");
  write_text(f.future, ",timestamp,price\n3,2024-01-04,3\n4,2024-01-05,4\n");
  program_result index = forecast(&f, "--all-covariates", NULL, "--future");
  assert_string_equal(index.out, plain.out);
  assert_said(index, "chronos2: 1 item, 3 rows, daily (D), covariate: price, ignored column: ''\n");
  program_free(&plain);
  close_files(&f);
}

/* Columns of a future that no named covariate is are ignored, as the past's are. */
static void test_further_columns(void **state) {
  (void)state;
  files f = open_files("past.csv");
  write_text(f.past, "timestamp,target,price,sale price\n2024-01-01,1,3,3\n2024-01-02,2,4,4\n2024-01-03,4,3,3\n");
  write_text(f.future, "timestamp,price,promo,weather\n2024-01-04,3,1,1\n2024-01-05,4,0,1\n");
  assert_said(forecast(&f, "--covariates", "price", "--future"),
              "chronos2: 1 item, 3 rows, daily (D), ignored columns: 'sale price', promo, weather\n");
  program_result all = forecast(&f, "--all-covariates", NULL, "--future");
  program_assert_error(&all, 1, "future.csv: column 'promo': the past has no such column");
  close_files(&f);
}

/* ---- Excel's CSV ------------------------------------------------------------------------------ */

static void test_excel(void **state) {
  (void)state;
  static const struct {
    const char *text, *said;
  } cases[] = {{"sep=;\r\ntimestamp;target\r\n2024-01-01;1\r\n;\r\n2024-01-02;2\r\n2024-01-03;4\r\n;\r\n;\r\n",
                "chronos2: 1 item, 3 rows, daily (D), read with a semicolon between fields\n"},
               {"\xef\xbb\xbfsep=^\n\ntimestamp^target\n2024-01-01^1\n2024-01-02^2\n2024-01-03^4\n",
                "chronos2: 1 item, 3 rows, daily (D), read with '^' between fields\n"},
               {"timestamp,target\n,\n2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n,\n",
                "chronos2: 1 item, 3 rows, daily (D)\n"},
               {"x,target\n,\n3,1\n,\n3,4\n", /* steps may have no value at all */
                "chronos2: 1 item, 4 rows, frequency 1, ignored column: x\n"}};
  files f = open_files("past.csv");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    write_text(f.past, cases[i].text);
    program_result r = forecast(&f, NULL, NULL, NULL);
    if (r.status != 0 || strncmp(r.err, cases[i].said, strlen(cases[i].said)) != 0) fail_msg("case %zu: %s", i, r.err);
    program_free(&r);
  }
  write_text(f.past, "sep=;\ntimestamp;target\n;\n2024-01-01;1\n2024-01-02;no\n");
  program_result r = forecast(&f, NULL, NULL, NULL);
  program_assert_error(&r, 1, "past.csv:5: column 'target'"); /* the file's lines */
  write_text(f.past, "item_id,target\na,1\n,\na,3\n"); /* a step without a value, or none */
  r = forecast(&f, NULL, NULL, NULL);
  program_assert_error(&r, 1, "past.csv:3: column 'item_id': expected the name of an item, found ''");
  write_text(f.past, "sep=;\ntimestamp,target\n2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n");
  assert_said(forecast(&f, "--delimiter", ",", NULL), "chronos2: 1 item, 3 rows, daily (D)\n");
  close_files(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_mixed), cmocka_unit_test(test_mixed_parts),
                                     cmocka_unit_test(test_index), cmocka_unit_test(test_further_columns),
                                     cmocka_unit_test(test_excel)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
