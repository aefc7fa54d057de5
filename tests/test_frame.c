/* Typed columns: what the reader of CSV makes of cells, what the assembler makes of columns that belong to somebody
 * else, and which reader a file is for. */
#include "program.h"

#include <math.h>

#include "base/memory.h"
#include "data/read.h"

/* ---- Cells to columns ------------------------------------------------------------------------ */

/* The columns of a text of at most 500 bytes. */
static c2_frame read_csv(c2_input *input, const char *csv, const c2_want *want, size_t wants) {
  static char text[501];
  c2_frame frame;
  c2_error err;
  (void)snprintf(text, sizeof text, "%s", csv);
  if (c2_input_start(input, "t.csv", text, strlen(text), true, NULL, &err) != C2_OK) fail_msg("%s", err.text);
  if (input->reader->read_columns(input, want, wants, &frame, &err) != C2_OK) fail_msg("%s", err.text);
  assert_int_equal(frame.columns, wants);
  return frame;
}

static void test_types(void **state) {
  (void)state;
  static const c2_want want[] = {{0, C2_WANT_NAME, "a name"}, {1, C2_WANT_TIME, NULL},   {2, C2_WANT_NUMBER, NULL},
                                 {3, C2_WANT_ANY, NULL},      {4, C2_WANT_ANY, NULL},    {3, C2_WANT_TEXT, NULL},
                                 {5, C2_WANT_TIME, NULL},     {6, C2_WANT_TIME, NULL}};
  c2_input input;
  c2_frame f = read_csv(&input,
                        "id,at,y,price,promo,year,any,note\n\nNA,2024-01-01 00:00:01,1,1.50,sale,2020,2024-01-01,\n"
                        "b,2024-01-02,NaN,,none,2021,17,\"two\nlines\"\n"
                        "NA,2024-01-03,-2e3, 7 ,,2022,2024-01-01T00:00Z,\n"
                        "c,2024-01-04,4,NA,sale,2023,2024-01-01T00:00-01:30,\n",
                        want, 8);
  static const size_t lines[] = {3, 4, 6, 7};
  static const char *const names[] = {"id", "at", "y", "price", "promo", "price", "year", "any"};
  static const c2_column_type types[] = {C2_COLUMN_TEXT, C2_COLUMN_TIME, C2_COLUMN_NUMBER,  C2_COLUMN_NUMBER,
                                         C2_COLUMN_TEXT, C2_COLUMN_TEXT, C2_COLUMN_INTEGER, C2_COLUMN_TIME};
  static const double prices[] = {1.5, (double)NAN, 7, (double)NAN};
  static const uint32_t ids[] = {0, 1, 0, 2};
  static const int16_t zones[] = {C2_NO_ZONE, C2_WHOLE_NUMBER, 0, -90};
  assert_int_equal(f.rows, 4);
  for (size_t k = 0; k < 8; k++) {
    assert_string_equal(f.column[k].name, names[k]);
    assert_int_equal(f.column[k].type, types[k]);
  }
  for (size_t i = 0; i < 4; i++) {
    double price = f.column[3].number[i];
    assert_int_equal(f.line[i], lines[i]);
    assert_int_equal(f.column[0].code[i], ids[i]);
    assert_true(isnan(prices[i]) ? isnan(price) : price == prices[i]);
    assert_int_equal(c2_column_has(&f.column[4], i), i != 2);
    assert_int_equal(c2_column_has(&f.column[5], i), i % 2 == 0);
    assert_int_equal(f.column[6].integer[i], 2020 + (int)i);
    assert_int_equal(f.column[7].zone[i], zones[i]);
  }
  assert_int_equal(f.column[0].words, 3);
  assert_string_equal(f.column[0].word[0], "NA"); /* as a name it is none that is missing */
  assert_null(f.column[0].valid);
  assert_null(f.column[1].zone);
  assert_true(f.column[1].time[0] % 86400000000 == 1000000);
  assert_true(isnan(f.column[2].number[1]) && f.column[2].number[2] == -2000);
  assert_int_equal(f.column[4].words, 2);
  assert_string_equal(f.column[4].word[f.column[4].code[1]], "none");
  assert_string_equal(f.column[5].word[f.column[5].code[0]], "1.50"); /* as it is spelt */
  assert_int_equal(f.column[7].time[1], 17);
  c2_frame_free(&f);
  c2_input_close(&input);
}

/* ---- Columns of somebody else ---------------------------------------------------------------- */

enum { ROWS = 6 };

static const uint32_t codes[ROWS] = {0, 1, 0, 1, 0, 0};
static const char *const words[] = {"a", "b"};
static const int64_t steps[ROWS] = {3, 7, 1, 8, 2, 5};
static const double values[ROWS] = {30, 70, 10, 80, 20, 50};
static const unsigned char valid[] = {0xff, 0xbd}; /* of rows that begin at bit 5: not row 4 */
static const uint32_t labels[ROWS] = {1, 0, 0, 1, 1, 0};
static const unsigned char labelled[] = {0x3e}; /* not row 0 */
static const int64_t counts[ROWS] = {9, 8, 7, 6, 5, 4};

static bool never(const c2_input *input) {
  (void)input;
  return false;
}

static c2_status attach(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  (void)input;
  const c2_column all[] = {
      {"item_id", C2_COLUMN_TEXT, true, {.code = codes}, NULL, NULL, 0, words, 2},
      {"timestamp", C2_COLUMN_INTEGER, true, {.integer = steps}, NULL, NULL, 0, NULL, 0},
      {"target", C2_COLUMN_NUMBER, true, {.number = values}, NULL, valid, 5, NULL, 0},
      {"count", C2_COLUMN_INTEGER, true, {.integer = counts}, NULL, valid, 5, NULL, 0},
      {"promo", C2_COLUMN_TEXT, true, {.code = labels}, NULL, labelled, 0, words, 2}};
  *frame = (c2_frame){.columns = wants, .rows = ROWS};
  if (c2_alloc_array(wants, sizeof *frame->column, &frame->column, err) != C2_OK) return err->code;
  for (size_t k = 0; k < wants; k++) frame->column[k] = all[want[k].column];
  return C2_OK;
}

/* A format of its own needs a reader alone: its arrays are read where they are. */
static void test_borrowed(void **state) {
  (void)state;
  static const c2_reader reader = {"attached", never, NULL, attach, NULL, NULL, NULL};
  static const char *const names[] = {"item_id", "timestamp", "target", "count", "promo"};
  static const double first[] = {10, (double)NAN, 30, (double)NAN, 50};
  static const double count[] = {7, (double)NAN, 9, (double)NAN, 4};
  static const char *const promo[] = {"a", "b", NULL, NULL, "a"};
  c2_header header = {.file = "memory"};
  c2_dataset set = {0};
  c2_error err;
  assert_int_equal(c2_header_fill(&header, names, 5, &err), C2_OK);
  c2_input input = {.name = "memory", .reader = &reader, .header = &header};
  if (c2_input_read(&input, &set, &(c2_read_options){.all_covariates = true}, &err) != C2_OK) fail_msg("%s", err.text);
  assert_int_equal(set.count, 2);
  assert_int_equal(set.filled, 1);
  assert_string_equal(set.item[1].id, "b");
  assert_int_equal(set.item[1].line, 2);
  assert_int_equal(set.item[0].start, 1);
  assert_int_equal(set.item[0].length, 5);
  for (size_t i = 0; i < 5; i++) {
    double found = set.item[0].target[i];
    double counted = set.item[0].covariate[0].past[i];
    const char *text = set.item[0].covariate[1].past_text[i];
    assert_true(isnan(count[i]) ? isnan(counted) : counted == count[i]);
    if (!(isnan(first[i]) ? isnan(found) : found == first[i])) fail_msg("step %zu: %g", i, found);
    assert_true(promo[i] ? text && strcmp(text, promo[i]) == 0 : !text);
  }
  c2_dataset_free(&set);
  c2_header_free(&header);
}

/* ---- Readers --------------------------------------------------------------------------------- */

static void test_sniffing(void **state) {
  (void)state;
  static const struct {
    const char *path, *text;
    bool as_table;
    const char *reader;
  } cases[] = {{"x.csv", "{\"target\"\n1\n", false, "CSV"},   {"x.jsonl", "a,b\n", false, "JSON Lines"},
               {"x.ndjson", "", false, "JSON Lines"},         {"x.txt", "\r\n {\"target\": [1]}", false, "JSON Lines"},
               {"-", "{\"target\": [1]}", false, "JSON Lines"}, {"-", "a,b\n1,2\n", false, "CSV"},
               {"x.json", "a,b\n1,2\n", true, "JSON Lines"},    {"-", "{\"target\": [1]}", true, "JSON Lines"},
               {"x.tsv", "a\tb\n1\t2\n", true, "CSV"},         {".csv", "{}", false, "JSON Lines"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[64];
    c2_input input;
    c2_error err = {.code = C2_OK};
    (void)snprintf(text, sizeof text, "%s", cases[i].text);
    c2_status status = c2_input_start(&input, cases[i].path, text, strlen(text), cases[i].as_table, NULL, &err);
    assert_string_equal(input.reader->name, cases[i].reader);
    assert_int_equal(c2_input_is_table(&input), strcmp(cases[i].reader, "CSV") == 0);
    if (cases[i].as_table) assert_int_equal(status != C2_OK, !c2_input_is_table(&input));
    if (cases[i].as_table && status != C2_OK) {
      assert_string_equal(strstr(err.text, ": "), ": expected a table, found JSON Lines");
    }
    c2_input_close(&input);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_types), cmocka_unit_test(test_borrowed),
                                     cmocka_unit_test(test_sniffing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
