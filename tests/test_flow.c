/* Tables that are read in parts: the same series as from whole tables, whatever stands where a part ends, and a reason
 * wherever a table isn't in order. */
#include "program.h"
#include "small.h"

#include <sys/resource.h>

#include "data/flow.h"
#include "data/ipc.h"

enum { ITEMS = 700, STEPS = 300 }; /* 5 MB: several windows and parts */

typedef struct fixture {
  char *folder, *path;
} fixture;

/* Rows of ITEMS items of different length, each with ends of lines within quotes. `apart`: one row of the first item
 * comes last. */
static fixture write_table(const char *name, bool apart, const char *odd) {
  fixture f = {program_make_folder(), NULL};
  f.path = program_path(f.folder, name);
  FILE *out = fopen(f.path, "w");
  assert_non_null(out);
  (void)fprintf(out, "note,item_id,timestamp,target\n");
  for (int i = 0; i < ITEMS; i++) {
    int steps = STEPS - i % 7 * 20 - (apart && i == 0);
    for (int s = 0; s < steps; s++) {
      (void)fprintf(out, "\"a \"\"quoted\"\"\n\n%s\",item %d,2024-%02d-%02d %02d:00:00,%d.%d\n", i % 3 ? "line" : "", i,
                    1 + s / 24 / 28, 1 + s / 24 % 28, s % 24, i, s);
    }
  }
  if (apart) (void)fprintf(out, "x,item 0,2024-01-13 11:00:00,5\n");
  if (odd) (void)fputs(odd, out);
  assert_int_equal(fclose(out), 0);
  assert_true(c2_flow_is_large(f.path) && c2_input_has_parts(f.path));
  return f;
}

static void remove_table(fixture *f) {
  free(f->path);
  program_remove_folder(f->folder);
}

static void assert_same_item(const c2_item *a, const c2_item *b) {
  assert_string_equal(a->id, b->id);
  assert_int_equal(a->line, b->line);
  assert_true(a->start == b->start && c2_freq_equal(&a->freq, &b->freq));
  assert_int_equal(a->length, b->length);
  assert_memory_equal(a->target, b->target, a->length * sizeof *a->target);
}

static void test_parts_are_the_whole(void **state) {
  (void)state;
  fixture f = write_table("in.csv", false, NULL);
  c2_read_options options = {0};
  c2_dataset whole = {0};
  c2_flow flow;
  c2_error err;
  size_t next = 0;
  size_t parts = 0;
  assert_int_equal(c2_dataset_read(&whole, f.path, &options, &err), C2_OK);
  assert_int_equal(c2_flow_open(&flow, f.path, &options, false, &err), C2_OK);
  for (; !c2_flow_ended(&flow); parts++) {
    c2_dataset set = {0};
    if (c2_flow_next(&flow, &set, &err) != C2_OK) fail_msg("%s", err.text);
    for (size_t i = 0; i < set.count; i++) assert_same_item(&set.item[i], &whole.item[next++]);
    c2_dataset_free(&set);
  }
  assert_string_equal(flow.reason, "");
  assert_int_equal(next, ITEMS);
  assert_int_equal(flow.total.items, ITEMS);
  assert_int_equal(flow.total.rows, whole.rows);
  assert_int_equal(flow.total.words.ignored.count, 1);
  assert_true(c2_freq_equal(&flow.total.freq, &whole.item[0].freq));
  assert_true(parts > 1);
  c2_flow_close(&flow);
  c2_dataset_free(&whole);
  remove_table(&f);
}

/* Reads all parts, and says why the table isn't in order or can't be read. */
static void assert_refused(bool apart, const char *odd, c2_status expected, const char *part) {
  fixture f = write_table("in.csv", apart, odd);
  c2_flow flow;
  c2_error err = {.code = C2_OK};
  c2_status status = c2_flow_open(&flow, f.path, &(c2_read_options){0}, false, &err);
  while (status == C2_OK && !c2_flow_ended(&flow)) {
    c2_dataset set = {0};
    status = c2_flow_next(&flow, &set, &err);
    c2_dataset_free(&set);
  }
  assert_int_equal(status, expected);
  const char *found = status == C2_OK ? flow.reason : err.text;
  if (!strstr(found, part)) fail_msg("expected '%s', found '%s'", part, found);
  c2_flow_close(&flow);
  remove_table(&f);
}

static void test_tables_out_of_order(void **state) {
  (void)state;
  assert_refused(true, NULL, C2_OK, "the rows of item 'item 0' come apart");
  assert_refused(false, "x,odd,2024-01-01,1\nx,odd,2024-01-02,2\nx,odd,2024-01-02,3\n", C2_OK, "already has a row");
  assert_refused(false, "x,odd,2024-01-01,1\nx,odd,2024-01-02,2\nx,odd,2024-01-03,3\n", C2_OK,
                 "has too few or too uneven rows");
  assert_refused(false, "x,odd,2024-01-01,one\n", C2_ERR_FORMAT, "found 'one'");
  assert_refused(false, "x,odd,2024-01-01\n", C2_ERR_FORMAT, "expected 4 fields");
  assert_refused(false, "x,odd,2024-01-01,\xff\n", C2_ERR_FORMAT, "is not UTF-8");
  assert_refused(false, "\"x,odd", C2_ERR_FORMAT, "is never closed");
}

/* So many rows of 120 bytes, of which the last one has another value. */
static void write_long(const char *path, int rows, const char *last) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fprintf(out, "note;item_id;timestamp;target\n");
  for (int i = 0; i < rows; i++) {
    (void)fprintf(out, "%0100d;item %d;%d-01-01;%s\n", 0, i / 100, 1900 + i % 100, i == rows - 1 ? last : "1");
  }
  assert_int_equal(fclose(out), 0);
}

/* A line's number counts from the file's beginning, not from that of a part. */
static void test_late_byte(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  c2_flow flow;
  c2_error err;
  write_long(path, 80000, "\xe9");
  c2_status status = c2_flow_open(&flow, path, &(c2_read_options){0}, false, &err);
  while (status == C2_OK && !c2_flow_ended(&flow)) {
    c2_dataset set = {0};
    status = c2_flow_next(&flow, &set, &err);
    c2_dataset_free(&set);
  }
  assert_int_equal(status, C2_ERR_FORMAT);
  if (!strstr(err.text, "in.csv:80001: byte 0xe9 is not UTF-8")) fail_msg("%s", err.text);
  c2_flow_close(&flow);
  free(path);
  program_remove_folder(folder);
}

/* The decimal sign is found in the first 65,536 rows, however many bytes these are. */
static void test_late_sign(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  write_long(path, 60000, "1,5");
  c2_flow flow;
  c2_error err;
  double last = 0;
  assert_int_equal(c2_flow_open(&flow, path, &(c2_read_options){0}, false, &err), C2_OK);
  while (!c2_flow_ended(&flow)) {
    c2_dataset set = {0};
    if (c2_flow_next(&flow, &set, &err) != C2_OK) fail_msg("%s", err.text);
    if (set.count > 0) last = set.item[set.count - 1].target[99];
    c2_dataset_free(&set);
  }
  assert_string_equal(flow.reason, "");
  assert_true(last == 1.5);
  c2_flow_close(&flow);
  free(path);
  program_remove_folder(folder);
}

/* Empty lines are passed over, however many there are. */
static void test_empty_windows(void **state) {
  (void)state;
  enum { EMPTY = 9 << 20 }; /* more than two windows hold */
  for (int begins = 0; begins < 2; begins++) {
    char *folder = program_make_folder();
    char *path = program_path(folder, "in.csv");
    c2_flow flow;
    c2_error err;
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fprintf(out, "item_id;timestamp;target\n");
    for (int i = 0; i < 90; i++) {
      for (int k = 0; i == (begins ? 0 : 45) && k < EMPTY; k++) (void)fputc('\n', out);
      (void)fprintf(out, "item %d;2024-01-%02d;1,5\n", i / 30, 1 + i % 30);
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(c2_flow_open(&flow, path, &(c2_read_options){0}, false, &err), C2_OK);
    while (!c2_flow_ended(&flow)) {
      c2_dataset set = {0};
      if (c2_flow_next(&flow, &set, &err) != C2_OK) fail_msg("%s", err.text);
      for (size_t i = 0; i < set.count; i++) assert_true(set.item[i].length == 30 && set.item[i].target[29] == 1.5);
      c2_dataset_free(&set);
    }
    assert_string_equal(flow.reason, "");
    assert_int_equal(flow.total.rows, 90);
    assert_int_equal(flow.input.csv.next_line, 92 + EMPTY);
    c2_flow_close(&flow);
    free(path);
    program_remove_folder(folder);
  }
}

/* Rows by group come in the order in which they were added, from one run or from many. */
static void test_spill(void **state) {
  (void)state;
  enum { ROWS = 5000, GROUPS = 37 };
  for (size_t most = 7; most <= 7000; most *= 10) {
    c2_spill spill = {.width = sizeof(int), .most = most};
    c2_error err;
    size_t next[GROUPS] = {0};
    uint32_t group = 0;
    uint32_t before = 0;
    size_t rows = 0;
    for (int i = 0; i < ROWS; i++) {
      assert_int_equal(c2_spill_add(&spill, (uint32_t)(i * 7919 % GROUPS), &i, &err), C2_OK);
    }
    assert_int_equal(c2_spill_sort(&spill, &err), C2_OK);
    for (; c2_spill_head(&spill, &group); rows++) {
      int row = 0;
      memcpy(&row, c2_spill_row(&spill), sizeof row);
      assert_true(group >= before && row * 7919 % GROUPS == (int)group);
      assert_true(next[group] == 0 || (size_t)row > next[group]);
      next[group] = (size_t)row;
      before = group;
      assert_int_equal(c2_spill_take(&spill, &err), C2_OK);
    }
    assert_int_equal(rows, ROWS);
    c2_spill_close(&spill);
  }
  assert_int_equal(setenv("TMPDIR", "/nowhere", 1), 0);
  c2_spill spill = {.width = 1};
  c2_error err;
  assert_int_equal(c2_spill_add(&spill, 0, "", &err), C2_OK);
  assert_int_equal(c2_spill_sort(&spill, &err), C2_ERR_IO);
  assert_true(spill.has_failed && strstr(err.text, "/nowhere: cannot create a temporary file"));
  c2_spill_close(&spill);
  assert_int_equal(unsetenv("TMPDIR"), 0);
}

/* The program's forecasts are those of a table in memory, as one is that comes by standard input: on standard output,
 * for which a table is read before it is forecast, and in a file, for which it is read once. `said` is what it says
 * beside what it says of the table in memory. */
static void assert_program(bool apart, const char *said) {
  fixture f = write_table("in.csv", apart, NULL);
  char *path = program_path(f.folder, "out.csv");
  program_result whole = program_run(
      (const char *const[]){PROGRAM_PATH, "forecast", "-", "-n1", "--context-length=16", "--quantile-levels=0.5", NULL},
      f.path);
  program_result parts = PROGRAM_RUN("forecast", f.path, "-n1", "--context-length=16", "--quantile-levels=0.5");
  program_result once =
      PROGRAM_RUN("forecast", f.path, "-n1", "--context-length=16", "--quantile-levels=0.5", "-o", path);
  assert_int_equal(whole.status, 0);
  assert_int_equal(parts.status, 0);
  assert_int_equal(once.status, 0);
  assert_string_equal(parts.out, whole.out);
  assert_string_equal(parts.err, once.err);
  size_t more = strlen(parts.err) - strlen(whole.err);
  assert_string_equal(parts.err + more, whole.err);
  parts.err[more] = '\0';
  if (*said ? !strstr(parts.err, said) : more > 0) fail_msg("expected '%s', found '%s'", said, parts.err);
  assert_int_equal(program_count(parts.out, "\n"), ITEMS + 1);
  char *text = program_read_file(path);
  assert_string_equal(text, whole.out);
  free(text);
  free(path);
  program_free(&once);
  program_free(&parts);
  program_free(&whole);
  remove_table(&f);
}

static void test_program(void **state) {
  (void)state;
  assert_program(false, "");
  if (!small_leaves_out("a forecast of a table that isn't in order")) {
    assert_program(true, "its rows are sorted in a temporary file: the rows of item 'item 0' come apart at line");
  }
  static const char *const odd[][2] = {{"x,item 0,2024-03-01 00:00:00,five\n", "found 'five'\n"},
                                       {"x,item 0,2024-03-01 00:00:00,\"1,5\"\n", "found '1,5'; give --decimal\n"}};
  for (size_t i = 0; i < 2; i++) {
    fixture f = write_table("in.csv", false, odd[i][0]);
    char *path = program_path(f.folder, "out.csv");
    program_result r = PROGRAM_RUN("forecast", f.path, "-n", "1", "-o", path);
    assert_non_null(strstr(r.err, "column 'target': expected a finite number or nothing, found "));
    program_assert_error(&r, 1, odd[i][1]);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
    remove_table(&f);
  }
}

/* Nothing more is read or forecast once the output can't be written: the last row would be an error. */
static void test_full_output(void **state) {
  (void)state;
  enum { MANY = 400000 }; /* more than are read ahead */
  static const char *const names[] = {"out.csv", "out.arrow"};
  fixture f = {program_make_folder(), NULL};
  f.path = program_path(f.folder, "in.csv");
  FILE *table = fopen(f.path, "w");
  assert_non_null(table);
  (void)fprintf(table, "note,item_id,timestamp,target\n");
  for (int i = 0; i < MANY; i++) {
    (void)fprintf(table, "x,item %d,2024-01-%02d,%s\n", i / 25, 1 + i % 25, i == MANY - 1 ? "five" : "5");
  }
  assert_int_equal(fclose(table), 0);
  assert_true(c2_flow_is_large(f.path) && c2_input_has_parts(f.path));
  const char *how = NULL;
  for (size_t i = 0; i < (c2_ipc_available(&how) ? 2 : 1); i++) {
    char *path = program_path(f.folder, names[i]);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit few = {4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    program_result r = PROGRAM_RUN("forecast", f.path, "-n", "3", "--context-length=16", "-o", path);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    program_assert_error(&r, 1, i == 0 ? "out.csv: cannot write: File too large" : ": cannot write");
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
  }
  remove_table(&f);
}

enum { SERIES = 112, LENGTH = 24 * 31, ROWS = SERIES * LENGTH }; /* the last rows aren't read first */

/* A table of few long series with covariates: numbers; texts, of which `late` is the last one; booleans. Row i of the
 * file is row i * step of the table, modulo its size. */
static void write_covariates(const char *path, int step, const char *two, const char *late) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fprintf(out, "x,item_id,kind,timestamp,open,target,same\n");
  const char *one = strcmp(two, "2") == 0 ? "1" : "one";
  for (int i = 0; i < ROWS; i++) {
    int row = (int)((int64_t)i * step % ROWS);
    int s = row % LENGTH;
    (void)fprintf(out, "%d,item %d,%s,2024-01-%02d %02d:00:00,%s,%d.%d,%060d\n", s % 7, row / LENGTH,
                  row == ROWS - 1 ? late : s % 9 == 0 ? "" : s % 3 ? one : two, 1 + s / 24, s % 24,
                  row % 2 ? "True" : "FALSE", row * 31 % 50 + 3 * (s % 7), row % 10, 0);
  }
  assert_int_equal(fclose(out), 0);
  assert_true(c2_flow_is_large(path) && c2_input_has_parts(path));
}

static program_result forecast_covariates(const char *path, const char *input) {
  return program_run((const char *const[]){PROGRAM_PATH, "forecast", path, "-n1", "--context-length=32",
                                           "--quantile-levels=0.5", "--all-covariates", NULL},
                     input);
}

/* Covariates hold texts or numbers by what the whole table has. */
static void test_covariates(void **state) {
  (void)state;
  static const struct {
    int step;
    const char *late, *said;
  } cases[] = {{1, "2", ""},
               {1, "closed", "sorted in a temporary file: column 'kind' isn't numbers alone from about line"},
               {7919, "2", "sorted in a temporary file: the rows of item"},
               {7919, "closed", "sorted in a temporary file: the rows of item"},
               {1, "1,5", ""}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  size_t count = small_leaves_out("all cases of covariates but two") ? 2 : sizeof cases / sizeof *cases;
  for (size_t i = 0; i < count; i++) {
    write_covariates(path, cases[i].step, "2", cases[i].late);
    program_result whole = forecast_covariates("-", path);
    program_result parts = forecast_covariates(path, NULL);
    if (whole.status != parts.status) fail_msg("%s%s", whole.err, parts.err);
    assert_string_equal(parts.out, whole.out);
    if (*cases[i].said ? !strstr(parts.err, cases[i].said) : whole.status == 0 && strstr(parts.err, "temporary")) {
      fail_msg("expected '%s', found '%s'", cases[i].said, parts.err);
    }
    program_free(&parts);
    program_free(&whole);
  }
  free(path);
  program_remove_folder(folder);
}

/* A number with another sign than those before it, in row `odd`, is a category where a text stands anywhere in its
 * column, in whatever part; else it is an error. */
static void test_late_categories(void **state) {
  (void)state;
  enum { LONG = 300000, IN_FIRST = 80000, IN_SECOND = 150000 }; /* of three windows */
  static const struct {
    int odd;
    const char *last;
  } cases[] = {{IN_SECOND, "XL"}, {IN_SECOND, "2"}, {IN_FIRST, "XL"}, {IN_FIRST, "2"}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  size_t count = small_leaves_out("all cases of late categories but two") ? 2 : sizeof cases / sizeof *cases;
  for (size_t k = 0; k < count; k++) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fprintf(out, "item_id,timestamp,target,size\n");
    for (int i = 0; i < LONG; i++) {
      int s = i % 600;
      const char *size = i == cases[k].odd ? "\"2,5\"" : i == LONG - 1 ? cases[k].last : s % 3 ? "1.5" : "3";
      (void)fprintf(out, "item %03d,2024-01-%02d %02d:00:00,%d.5,%s\n", i / 600, 1 + s / 24, s % 24, s % 50, size);
    }
    assert_int_equal(fclose(out), 0);
    assert_true(c2_flow_is_large(path) && c2_input_has_parts(path));
    program_result whole = forecast_covariates("-", path);
    program_result parts = forecast_covariates(path, NULL);
    bool is_text = strcmp(cases[k].last, "XL") == 0;
    const char *said = is_text ? "is read as categories: 'XL'" : "found '2,5'; give --decimal\n";
    if (!strstr(whole.err, said) || !strstr(parts.err, said)) fail_msg("%s%s", whole.err, parts.err);
    assert_int_equal(whole.status, !is_text);
    assert_int_equal(parts.status, whole.status);
    assert_string_equal(parts.out, whole.out);
    program_free(&parts);
    program_free(&whole);
  }
  free(path);
  program_remove_folder(folder);
}

/* Known futures of those items for two steps. Without `step` one of an item's rows that hold for all. */
static void write_future(const char *path, int step, const char *kind, const char *more) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fprintf(out, "timestamp,%skind,x,open\n", step ? "item_id," : "");
  for (int i = 0; i < 2 * (step ? SERIES : 1); i++) {
    int row = i * step % (2 * SERIES);
    (void)fprintf(out, "2024-02-01 %02d:00:00,", (step ? row : i) % 2);
    if (step) (void)fprintf(out, "item %d,", row / 2);
    char x[16] = "true"; /* in all rows or in none */
    if (strcmp(kind, "True") != 0) (void)snprintf(x, sizeof x, "%d.5", row % 11);
    (void)fprintf(out, "%s,%s,%s\n", row % 5 == 4 ? kind : "one", x, row % 3 ? "true" : "0");
  }
  (void)fputs(more, out);
  assert_int_equal(fclose(out), 0);
}

static program_result forecast_future(const char *path, const char *future, const char *input) {
  return program_run(
      (const char *const[]){PROGRAM_PATH, "forecast", path, "-n2", "--context-length=32", "--quantile-levels=0.5",
                            "--covariates=x,kind,open", "--future", future, NULL},
      input);
}

static void test_futures(void **state) {
  (void)state;
  static const struct {
    int step, future;
    const char *kind, *more, *said; /* a warning, or the error */
    bool is_error;
  } cases[] = {
      {1, 1, "two", "", "", false},
      {1, 1, "", "", "", false},
      {1, 1, "new", "", "never had 'new' in its past", false},
      {1, 331, "new", "", "future.csv may come in another order", false},
      {7919, 331, "new", "", "never had 'new' in its past", false},
      {7919, 0, "two", "2025-01-01,1,0,True\n", "its rows hold for all 112 items; 1 of its 3 rows are no step", false},
      {1, 0, "two", "", "its rows hold for all 112 items", false},
      {1, 1, "True", "", "column 'x': numbers in the past, booleans in the known future: True counts as 1", false},
      {1, 1, "two", "2024-02-01 00:00:00,item 112,1,1,1\n", "found 'item 112'", true},
      {1, 1, "two", "2024-02-01 02:00:00,item 0,1,1,1\n", "is none of the 2 steps", true},
      {1, 1, "two", "2024-02-01 01:00:00,item 0,1,1,1\n", "there is a row for 2024-02-01 01:00:00 already", true},
      {1, 0, "two", "today,1,1,True\n", "found 'today'", true},
      {7919, 1, "two", "2024-02-01,item 5,1,5,1\n", "already, at line", true},
      {1, 331, "two", "today,item 5,1,1,1\n", "found 'today'", true},
  };
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *future = program_path(folder, "future.csv");
  size_t count = small_leaves_out("all cases of known futures but one") ? 1 : sizeof cases / sizeof *cases;
  for (size_t i = 0; i < count; i++) {
    if (i == 0 || cases[i].step != cases[i - 1].step) write_covariates(path, cases[i].step, "two", "two");
    write_future(future, cases[i].future, cases[i].kind, cases[i].more);
    program_result whole = forecast_future("-", future, path);
    program_result parts = forecast_future(path, future, NULL);
    if (whole.status != cases[i].is_error || parts.status != whole.status) fail_msg("%s%s", whole.err, parts.err);
    assert_string_equal(parts.out, whole.out);
    if (!strstr(parts.err, cases[i].said)) fail_msg("expected '%s', found '%s'", cases[i].said, parts.err);
    if (strstr(parts.err, "kept in memory")) fail_msg("case %zu: %s", i, parts.err);
    if (cases[i].is_error && program_count(parts.err, cases[i].said) != 1) fail_msg("case %zu: %s", i, parts.err);
    const char *same = strstr(parts.err, "chronos2: 112 items");
    if (!cases[i].is_error) assert_string_equal(same, whole.err);
    program_free(&parts);
    program_free(&whole);
  }
  free(future);
  free(path);
  program_remove_folder(folder);
}

/* Whole numbers of known futures are of one kind, also where they are read for different parts. */
static void test_futures_of_whole_numbers(void **state) {
  (void)state;
  enum { MANY = 2200 }; /* more than a part has */
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *future = program_path(folder, "future.csv");
  for (int k = 0; k < 2; k++) {
    const char *last = k == 1 ? "202402" : "20240201"; /* the same day */
    FILE *past = fopen(path, "w");
    FILE *next = fopen(future, "w");
    assert_true(past && next);
    (void)fputs("item_id,timestamp,target,x,same\n", past);
    (void)fputs("item_id,timestamp,x\n", next);
    for (int i = 0; i < MANY; i++) {
      for (int t = 29; t <= 31; t++) (void)fprintf(past, "%d,2024-01-%d,%d,1,%0700d\n", i, t, t * i % 7, 0);
      (void)fprintf(next, "%d,%s,1\n", i, i == 0 ? "20240201" : i == MANY - 1 ? last : "2024-02-01");
    }
    assert_true(fclose(past) == 0 && fclose(next) == 0 && c2_flow_is_large(path));
    program_result r = PROGRAM_RUN("forecast", path, "-n1", "--covariates", "x", "--future", future);
    const char *said = k == 0 ? "read with whole numbers as days such as 20240131"
                              : "future.csv:2201: column 'timestamp': expected days such as 20240131, as in other rows";
    if (r.status != k || !strstr(r.err, said)) fail_msg("status %d: %s", r.status, r.err);
    program_free(&r);
  }
  free(future);
  free(path);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts_are_the_whole),
                                     cmocka_unit_test(test_tables_out_of_order),
                                     cmocka_unit_test(test_late_sign), cmocka_unit_test(test_late_byte),
                                     cmocka_unit_test(test_empty_windows),
                                     cmocka_unit_test(test_spill),
                                     cmocka_unit_test(test_program), cmocka_unit_test(test_full_output),
                                     cmocka_unit_test(test_covariates), cmocka_unit_test(test_late_categories),
                                     cmocka_unit_test(test_futures),
                                     cmocka_unit_test(test_futures_of_whole_numbers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
