/* Tables that are read in parts: the same series as from whole tables, whatever stands where a part ends, and a reason
 * wherever a table isn't in order. */
#include "program.h"

#include "data/flow.h"

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
  assert_true(c2_flow_serves(f.path));
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
  assert_int_equal(c2_flow_open(&flow, f.path, &options, &err), C2_OK);
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
  c2_error err = {C2_OK, ""};
  c2_status status = c2_flow_open(&flow, f.path, &(c2_read_options){0}, &err);
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
  assert_refused(false, "x,odd,2024-01-01,1\nx,odd,2024-01-02,2\nx,odd,2024-01-03,3\n", C2_OK, "too few rows for h");
  assert_refused(false, "x,odd,2024-01-01,one\n", C2_ERR_FORMAT, "found 'one'");
  assert_refused(false, "x,odd,2024-01-01\n", C2_ERR_FORMAT, "expected 4 fields");
  assert_refused(false, "x,odd,2024-01-01,\xff\n", C2_ERR_FORMAT, "is not UTF-8");
  assert_refused(false, "\"x,odd", C2_ERR_FORMAT, "is never closed");
}

/* The decimal sign is found in the first 65,536 rows, however many bytes these are. */
static void test_late_sign(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fprintf(out, "note;item_id;timestamp;target\n");
  for (int i = 0; i < 60000; i++) {
    (void)fprintf(out, "%0100d;item %d;%d-01-01;%s\n", 0, i / 100, 1900 + i % 100, i == 59999 ? "1,5" : "1");
  }
  assert_int_equal(fclose(out), 0);
  c2_flow flow;
  c2_error err;
  double last = 0;
  assert_int_equal(c2_flow_open(&flow, path, &(c2_read_options){0}, &err), C2_OK);
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
  assert_program(true, "all rows are kept in memory: the rows of item 'item 0' come apart at line");
  fixture f = write_table("in.csv", false, "x,item 0,2024-03-01 00:00:00,five\n");
  char *path = program_path(f.folder, "out.csv");
  program_result r = PROGRAM_RUN("forecast", f.path, "-n", "1", "-o", path);
  program_assert_error(&r, 1, "column 'target': expected a finite number or nothing, found 'five'");
  assert_int_not_equal(access(path, F_OK), 0);
  free(path);
  remove_table(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts_are_the_whole),
                                     cmocka_unit_test(test_tables_out_of_order),
                                     cmocka_unit_test(test_late_sign), cmocka_unit_test(test_program)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
