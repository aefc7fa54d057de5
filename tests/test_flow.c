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
  c2_flow_total total;
  c2_flow flow;
  c2_error err;
  char reason[500];
  bool in_order = false;
  size_t next = 0;
  size_t parts = 0;
  assert_int_equal(c2_dataset_read(&whole, f.path, &options, &err), C2_OK);
  assert_int_equal(c2_flow_check(f.path, &options, &total, &in_order, reason, &err), C2_OK);
  if (!in_order) fail_msg("%s", reason);
  assert_int_equal(total.items, ITEMS);
  assert_int_equal(total.rows, whole.rows);
  assert_int_equal(total.words.ignored.count, 1);
  assert_true(c2_freq_equal(&total.freq, &whole.item[0].freq));
  assert_int_equal(c2_flow_open(&flow, f.path, &options, &total.freq, &err), C2_OK);
  for (; !c2_flow_ended(&flow); parts++) {
    c2_dataset set = {0};
    if (c2_flow_next(&flow, &set, &err) != C2_OK) fail_msg("%s", err.text);
    for (size_t i = 0; i < set.count; i++) assert_same_item(&set.item[i], &whole.item[next++]);
    c2_dataset_free(&set);
  }
  assert_int_equal(next, ITEMS);
  assert_true(parts > 1);
  c2_flow_close(&flow);
  c2_dataset_free(&total.words);
  c2_dataset_free(&whole);
  remove_table(&f);
}

static void assert_reason(bool apart, const char *odd, const char *part) {
  fixture f = write_table("in.csv", apart, odd);
  c2_flow_total total;
  c2_error err;
  char reason[500];
  bool in_order = true;
  assert_int_equal(c2_flow_check(f.path, &(c2_read_options){0}, &total, &in_order, reason, &err), C2_OK);
  if (in_order || !strstr(reason, part)) fail_msg("expected '%s', found '%s'", part, reason);
  c2_dataset_free(&total.words);
  remove_table(&f);
}

static void test_tables_out_of_order(void **state) {
  (void)state;
  assert_reason(true, NULL, "the rows of item 'item 0' come apart");
  assert_reason(false, "x,odd,2024-01-01,1\nx,odd,2024-01-02,2\nx,odd,2024-01-02,3\n", "already has a row");
  assert_reason(false, "x,odd,2024-01-01,1\nx,odd,2024-01-02,2\nx,odd,2024-01-03,3\n", "too few rows for h");
  assert_reason(false, "x,odd,2024-01-01,one\n", "found 'one'");
  assert_reason(false, "x,odd,2024-01-01\n", "expected 4 fields");
  assert_reason(false, "x,odd,2024-01-01,\xff\n", "is not UTF-8");
  assert_reason(false, "\"x,odd", "is never closed");
}

/* The program's forecasts are those of a table in memory, as one is that comes by standard input. */
static void test_program(void **state) {
  (void)state;
  fixture f = write_table("in.csv", false, NULL);
  fixture apart = write_table("in.csv", true, NULL);
  program_result parts = PROGRAM_RUN("forecast", f.path, "-n1", "--context-length=16", "--quantile-levels=0.5");
  program_result whole = program_run(
      (const char *const[]){PROGRAM_PATH, "forecast", "-", "-n1", "--context-length=16", "--quantile-levels=0.5", NULL},
      f.path);
  assert_int_equal(parts.status, 0);
  assert_int_equal(whole.status, 0);
  assert_string_equal(parts.out, whole.out);
  assert_string_equal(parts.err, whole.err);
  assert_int_equal(program_count(parts.out, "\n"), ITEMS + 1);
  program_free(&parts);
  program_free(&whole);
  program_result r = PROGRAM_RUN("forecast", apart.path, "-n", "1", "--context-length", "16");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "all rows are kept in memory: the rows of item 'item 0' come apart at line"));
  assert_int_equal(program_count(r.out, "\n"), ITEMS + 1);
  program_free(&r);
  remove_table(&apart);
  apart = write_table("in.csv", false, "x,item 0,2024-03-01 00:00:00,five\n");
  r = PROGRAM_RUN("forecast", apart.path, "-n", "1");
  program_assert_error(&r, 1, "column 'target': expected a finite number or nothing, found 'five'");
  remove_table(&apart);
  remove_table(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts_are_the_whole),
                                     cmocka_unit_test(test_tables_out_of_order), cmocka_unit_test(test_program)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
