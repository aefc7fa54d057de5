/* Text files as people have them: delimiters, decimal signs, spellings of time stamps, wide tables, encodings. What can
 * be read in two ways is refused, with both readings. */
#include "program.h"

#include <math.h>

#include "base/number.h"
#include "chronos2.h"
#include "data/read.h"

/* ---- Reading --------------------------------------------------------------------------------- */

typedef struct reading {
  c2_dataset set;
  c2_error err;
  c2_status status;
} reading;

static reading read_text(const char *text, size_t size, const c2_read_options *options) {
  reading r = {.err = {.code = C2_OK}};
  c2_input input;
  char *copy = malloc(size + 1);
  assert_non_null(copy);
  memcpy(copy, text, size);
  copy[size] = '\0';
  r.status = c2_input_start(&input, "in.csv", copy, size, false, options->dialect, &r.err);
  if (r.status == C2_OK) r.status = c2_input_read(&input, &r.set, options, &r.err);
  c2_input_close(&input);
  free(copy);
  return r;
}

static reading read_with(const char *text, char delimiter, char decimal, const char *time_format) {
  c2_dialect dialect = {.delimiter = delimiter, .decimal = decimal};
  (void)snprintf(dialect.time_format, sizeof dialect.time_format, "%s", time_format);
  return read_text(text, strlen(text), &(c2_read_options){.dialect = &dialect});
}

/* An error's text, and in brackets the setting that helps. */
static const char *said(const c2_error *err) {
  static char line[sizeof err->text + 40];
  (void)snprintf(line, sizeof line, err->remedy ? "%s [%s]" : "%s", err->text, err->remedy);
  return line;
}

static void assert_refused(const char *text, const char *part) {
  reading r = read_with(text, 0, 0, "");
  if (r.status == C2_OK || !strstr(said(&r.err), part)) {
    fail_msg("expected an error with '%s', found '%s'", part, r.status == C2_OK ? "none" : said(&r.err));
  }
  c2_dataset_free(&r.set);
}

/* The one item has this start, these three values, and what was found is this. Frees the reading. */
static void assert_read(reading *r, const char *start, const double *values, const char *found) {
  char stamp[C2_TIME_ROOM];
  if (r->status != C2_OK) fail_msg("%s", r->err.text);
  const c2_item *item = &r->set.item[0];
  c2_item_stamp(item, item->start, stamp);
  assert_string_equal(stamp, start);
  assert_int_equal(item->length, 3);
  for (size_t i = 0; i < 3; i++) {
    if (item->target[i] != values[i]) fail_msg("value %zu: expected %g, found %g", i, values[i], item->target[i]);
  }
  char all[300] = "";
  for (size_t i = 0; i < r->set.found.count; i++) {
    (void)sprintf(all + strlen(all), "%s%s", i ? ", " : "", r->set.found.text[i]);
  }
  assert_string_equal(all, found);
  c2_dataset_free(&r->set);
}

static const double one_two_three[] = {1.5, 2.5, 3.5};
#define COMMAS "item_id,timestamp,target\n"
#define SEMICOLONS "item_id;timestamp;target\n"

/* ---- Numbers --------------------------------------------------------------------------------- */

static void assert_like_strtod(const char *text) {
  double expected = strtod(text, NULL);
  double found = 0;
  bool read = c2_number_read(text, strlen(text), &found);
  if (read != (bool)isfinite(expected)) fail_msg("'%s' is%s read", text, read ? "" : " not");
  if (read && memcmp(&expected, &found, sizeof found) != 0) fail_msg("'%s': %a for %a", text, found, expected);
}

/* Texts of every length and size, among them those in the middle between two doubles. */
static void test_numbers_equal_strtod(void **state) {
  (void)state;
  uint64_t random = 88172645463325252U;
  char text[80];
  for (int i = 0; i < 400000; i++) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    double value = 0;
    memcpy(&value, &random, sizeof value);
    int digits = 1 + (int)(random % 19);
    if (isfinite(value)) {
      (void)snprintf(text, sizeof text, "%.*e", digits, value);
      assert_like_strtod(text);
    }
    (void)snprintf(text, sizeof text, "%s%llu.%0*llu", random & 1 ? "-" : "", (unsigned long long)(random >> 40),
                   digits, (unsigned long long)(random % 1000003));
    assert_like_strtod(text);
    uint64_t whole = (UINT64_C(1) << 53) + (random >> 12); /* beyond what a double counts */
    (void)snprintf(text, sizeof text, "%llu.5", (unsigned long long)whole);
    assert_like_strtod(text);
    (void)snprintf(text, sizeof text, "0.%019llu", (unsigned long long)(random % UINT64_C(10000000000000000000)));
    assert_like_strtod(text);
  }
  static const char *const texts[] = {"0",
                                      "-0",
                                      "-0.0",
                                      "1e308",
                                      "1e309",
                                      "5e-324",
                                      "2e-324",
                                      ".5",
                                      "5.",
                                      "+7",
                                      "1e22",
                                      "1e23",
                                      "1E+05",
                                      "0e999",
                                      "1e-400",
                                      "9007199254740993",
                                      "9007199254740992.5",
                                      "9007199254740993.00000000000000000000001",
                                      "0.000000000000000000000000000000000000000001",
                                      "179769313486231580793e289"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_like_strtod(texts[i]);
  static const char *const none[] = {"",     ".",   "-",   "e5",  "1e",  "1e+", "1.2.3",
                                     "0x10", "inf", "nan", "1 2", "--1", "1,5"};
  double value = 0;
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    if (c2_number_read(none[i], strlen(none[i]), &value)) fail_msg("'%s' is read", none[i]);
    if (c2_number_read_text(none[i], &value)) fail_msg("'%s' is read", none[i]);
  }
  assert_true(c2_number_read_text(" 0.5", &value) && value == 0.5);
}

static void test_decimal_signs(void **state) {
  (void)state;
  reading r = read_with(SEMICOLONS "a;2024-01-01;1,5\na;2024-01-02;2,5\na;2024-01-03;3,5\n", 0, 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "a semicolon between fields, a decimal comma");
  r = read_with(SEMICOLONS "a;2024-01-01;1.234\na;2024-01-02;2.234,5\na;2024-01-03;3\n", 0, 0, "");
  assert_read(&r, "2024-01-01", (const double[]){1234, 2234.5, 3},
              "a semicolon between fields, a decimal comma and digits in groups");
  r = read_with(COMMAS "a,2024-01-01,\"1,234.5\"\na,2024-01-02,\"-2,345\"\na,2024-01-03,3\n", 0, 0, "");
  assert_read(&r, "2024-01-01", (const double[]){1234.5, -2345, 3}, "digits in groups");
  r = read_with(COMMAS "a,2024-01-01,\"1,234,567\"\na,2024-01-02,1\na,2024-01-03,3\n", 0, 0, "");
  assert_read(&r, "2024-01-01", (const double[]){1234567, 1, 3}, "digits in groups");
  r = read_with(COMMAS
                "a,2024-01-01,1 234 567.5\na,2024-01-02,1'234\na,2024-01-03,1\xc2\xa0"
                "000\n",
                0, 0, "");
  assert_read(&r, "2024-01-01", (const double[]){1234567.5, 1234, 1000}, "digits in groups");
  r = read_with(COMMAS "a,2024-01-01,1.234\na,2024-01-02,2.345\na,2024-01-03,3.456\n", 0, 0, ""); /* as ever */
  assert_read(&r, "2024-01-01", (const double[]){1.234, 2.345, 3.456}, "");
  r = read_with(SEMICOLONS "a;2024-01-01;1.234\na;2024-01-02;2.345\na;2024-01-03;3.456\n", ';', ',', "");
  assert_read(&r, "2024-01-01", (const double[]){1234, 2345, 3456}, "digits in groups");
  r = read_with(SEMICOLONS "a;2024-01-01;1,234\na;2024-01-02;2,345\na;2024-01-03;3,456\n", ';', '.', "");
  assert_read(&r, "2024-01-01", (const double[]){1234, 2345, 3456}, "digits in groups");
  r = read_with(SEMICOLONS "a;2024-01-01;1,234\na;2024-01-02;2,345\na;2024-01-03;\n", ';', ',', "");
  assert_int_equal(r.status, C2_OK);
  assert_true(r.set.item[0].target[0] == 1.234 && isnan(r.set.item[0].target[2]));
  c2_dataset_free(&r.set);
  assert_refused(SEMICOLONS "a;2024-01-01;1\na;2024-01-02;1,234\n",
                 "in.csv:3: column 'target': '1,234' may be 1.234 (decimal ,) or 1234 (decimal .) [decimal]");
  assert_refused(SEMICOLONS "a;2024-01-01;987\na;2024-01-02;1.234\n",
                 "in.csv:3: column 'target': '1.234' may be 1.234 (decimal .) or 1234 (decimal ,) [decimal]");
  r = read_with(SEMICOLONS "a;2024-01-01;0.500\na;2024-01-02;1.234\na;2024-01-03;2\n", 0, 0, "");
  assert_read(&r, "2024-01-01", (const double[]){0.5, 1.234, 2}, "a semicolon between fields");
  assert_refused(SEMICOLONS "a;2024-01-01;1,5\na;2024-01-02;2.5\n",
                 "in.csv:2: the number '1,5' has a decimal comma, but line 3 has '2.5'");
  assert_refused(SEMICOLONS "a;2024-01-01;1,5\na;2024-01-02;12.34.567\n", "found '12.34.567'");
  assert_refused(COMMAS "a,2024-01-01,2.5\na,2024-01-02,\"12,34\"\n", "has a decimal comma");
  assert_refused(COMMAS "a,2024-01-01,2.5\na,2024-01-02,1 23\n", "expected a finite number or nothing, found '1 23'");
  r = read_with(COMMAS "a,2024-01-01,2.5\na,2024-01-02,1e400\n", 0, 0, ""); /* no decimal sign helps */
  assert_int_equal(r.status, C2_ERR_FORMAT);
  assert_non_null(strstr(r.err.text, "in.csv:3: column 'target': expected a finite number or nothing, found '1e400'"));
  assert_null(r.err.remedy);
  c2_dataset_free(&r.set);
}

/* Versions, dates and addresses are no numbers in groups, so they say nothing of the decimal sign. */
static void test_texts_with_points(void **state) {
  (void)state;
  static const char *const texts[] = {"1.2.3", "28.01.2024", "10.0.0.1", "1.2.3,4", "1.23.456", "1234.567.890",
                                      "1.234.5"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    for (size_t swap = 0; swap < 2; swap++) {
      char cell[32];
      char text[300];
      for (size_t k = 0; k <= strlen(texts[i]); k++) {
        char c = texts[i][k];
        cell[k] = swap && c == '.' ? ',' : swap && c == ',' ? '.' : c;
      }
      assert_int_equal(c2_number_shape_of(cell), C2_SHAPE_NONE);
      (void)snprintf(text, sizeof text,
                     "timestamp,target,note\n2024-01-01,1.459,\"%s\"\n2024-01-02,10.500,\"%s\"\n"
                     "2024-01-03,1.463,\"%s\"\n",
                     cell, cell, cell);
      reading r = read_text(text, strlen(text), &(c2_read_options){.all_covariates = true});
      if (r.status == C2_OK) assert_non_null(r.set.item[0].covariate[0].past_text);
      assert_read(&r, "2024-01-01", (const double[]){1.459, 10.5, 1.463}, "");
    }
  }
  assert_int_equal(c2_number_shape_of("1.234.567"), C2_SHAPE_COMMA);
  assert_int_equal(c2_number_shape_of("1.234.567,8"), C2_SHAPE_COMMA);
  assert_int_equal(c2_number_shape_of("1.234e5"), C2_SHAPE_POINT);
  assert_int_equal(c2_number_shape_of("1 234.567"), C2_SHAPE_POINT);
  assert_int_equal(c2_number_shape_of("1 234"), C2_SHAPE_PLAIN);
  assert_true(chronos2_text_is_number("1,5") && chronos2_text_is_number("1.234,5") && chronos2_text_is_number("1 234"));
  assert_false(chronos2_text_is_number("1.2.3") || chronos2_text_is_number("1\t") || chronos2_text_is_number(""));
  assert_refused(SEMICOLONS "a;2024-01-01;1,5\na;2024-01-02;1.2.3\n", "found '1.2.3'");
}

static char *with_late_number(const char *first, const char *late) {
  enum { ROWS = 70000 };
  char *text = malloc(ROWS * 16 + 100);
  assert_non_null(text);
  int n = sprintf(text, "timestamp;target\n");
  for (int i = 0; i < ROWS; i++) n += sprintf(text + n, "%d;%s\n", i, i == 69000 ? late : i == 0 ? first : "5");
  return text;
}

/* What the first 65,536 rows leave open is no reason to guess later on. */
static void test_late_commas(void **state) {
  (void)state;
  char *text = with_late_number("5", "1,234");
  assert_refused(text, "in.csv:69002: column 'target': expected a finite number or nothing, found '1,234' [decimal]");
  *strchr(text, ',') = '.';
  assert_refused(text, "in.csv:69002: column 'target': expected a finite number or nothing, found '1.234' [decimal]");
  free(text);
  text = with_late_number("1,5", "0.500"); /* no group begins with 0 */
  assert_refused(text, "in.csv:69002: column 'target': expected a finite number or nothing, found '0.500'");
  free(text);
}

/* ---- Delimiters ------------------------------------------------------------------------------ */

static void test_delimiters(void **state) {
  (void)state;
  reading r =
      read_with("item_id\ttimestamp\ttarget\na\t2024-01-01\t1.5\na\t2024-01-02\t2.5\na\t2024-01-03\t3.5\n", 0, 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "a tab between fields");
  r = read_with("item_id|timestamp|target\na|2024-01-01|1.5\na|2024-01-02|2.5\na|2024-01-03|3.5\n", 0, 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "a vertical bar between fields");
  r = read_with("timestamp:target\n2024-01-01:1.5\n2024-01-02:2.5\n2024-01-03:3.5\n", ':', 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "");
  /* a comma in a name, and one in every cell that is quoted */
  r = read_with("timestamp;\"kg, dry\";target\n2024-01-01;\"1, x\";1,5\n2024-01-02;2;2,5\n2024-01-03;3;3,5\n", 0, 0,
                "");
  assert_read(&r, "2024-01-01", one_two_three, "a semicolon between fields, a decimal comma");
  r = read_with("timestamp;kg, dry;target\n2024-01-01;2;1,5\n2024-01-02;2;2,5\n2024-01-03;3;3,5\n", 0, 0, "");
  assert_int_equal(r.status, C2_ERR_FORMAT); /* both signs fit */
  assert_non_null(strstr(r.err.text, "in.csv:1: more than one of comma, semicolon"));
  c2_dataset_free(&r.set);
  r = read_with("timestamp;kg, dry;target\n2024-01-01;2;1,5\n2024-01-02;2;2,5\n2024-01-03;3;3,5\n", ';', 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "a decimal comma");
  r = read_with("timestamp,a;b,target\n2024-01-01,2,1.5\n2024-01-02,2,2.5\n2024-01-03,3,3.5\n", 0, 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "");
}

/* ---- Time stamps ----------------------------------------------------------------------------- */

static reading read_stamps(const char *a, const char *b, const char *c, const char *format) {
  char text[400];
  (void)snprintf(text, sizeof text, SEMICOLONS "x;%s;1.5\nx;%s;2.5\nx;%s;3.5\n", a, b, c);
  return read_with(text, ';', 0, format);
}

static void test_time_formats_found(void **state) {
  (void)state;
  static const struct {
    const char *stamp[3], *start, *found;
  } cases[] = {
      {{"28.01.2024", "29.01.2024", "30.01.2024"}, "2024-01-28", "time stamps as %d.%m.%Y"},
      {{"1.2.2024", "2.2.2024", "3.2.2024 "}, NULL,
       "'1.2.2024' may be 2024-02-01 ('%d.%m.%Y') or 2024-01-02 ('%m.%d.%Y') [time-format]"},
      {{"28.01.2024 00:00", "28.01.2024 01:00", "28.01.2024 02:00"},
       "2024-01-28 00:00:00",
       "time stamps as %d.%m.%Y %H:%M"},
      {{"01/28/2024", "01/29/2024", "01/30/2024"}, "2024-01-28", "time stamps as %m/%d/%Y"},
      {{"1/28/2024 1:00:00 PM", "1/28/2024 2:00:00 PM", "1/28/2024 3:00:00 PM"},
       "2024-01-28 13:00:00",
       "time stamps as %m/%d/%Y %I:%M:%S %p"},
      {{"2024/01/28", "2024/01/29", "2024/01/30"}, "2024-01-28", "time stamps as %Y/%m/%d"},
      {{"2024-01-28 12:00:00 AM", "2024-01-28 01:00:00 AM", "2024-01-28 02:00:00 AM"},
       "2024-01-28 00:00:00",
       "time stamps as %Y-%m-%d %I:%M:%S %p"},
      {{"2024Q1", "2024Q2", "2024Q3"}, "2024-01-01", "time stamps as %YQ%q"},
      {{"2024-Q1", "2024-Q2", "2024-Q3"}, "2024-01-01", "time stamps as %Y-Q%q"},
      {{"5 Jan 2024", "6 Jan 2024", "7 January 2024"}, "2024-01-05", "time stamps as %d %b %Y"},
      {{"28.01.2024 00:00+02:00", "28.01.2024 01:00+02:00", "28.01.2024 02:00+02:00"},
       "2024-01-28 00:00:00+02:00",
       "time stamps as %d.%m.%Y %H:%M%z"},
      {{"28-01-2024", "29-01-2024", "30-01-2024"}, "2024-01-28", "time stamps as %d-%m-%Y"},
      {{"03/04/2024", "04/04/2024", "05/04/2024"}, NULL,
       "may be 2024-04-03 ('%d/%m/%Y') or 2024-03-04 ('%m/%d/%Y') [time-format]"},
      {{"30/02/2024", "29/02/2024", "28/02/2024"}, NULL, "expected a time stamp such as 2020-01-31"},
      {{"28.01.24", "29.01.24", "30.01.24"}, NULL, "found '28.01.24' [time-format]"},
      {{"28.01.2024", "2024-01-29", "30.01.2024"}, NULL, "found '28.01.2024'"},
      {{"2024Q5", "2024Q2", "2024Q3"}, NULL, "found '2024Q5'"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    reading r = read_stamps(cases[i].stamp[0], cases[i].stamp[1], cases[i].stamp[2], "");
    if (cases[i].start) {
      assert_read(&r, cases[i].start, one_two_three, cases[i].found);
      continue;
    }
    if (r.status != C2_ERR_FORMAT || !strstr(said(&r.err), cases[i].found)) {
      fail_msg("case %zu: expected '%s', found '%s'", i, cases[i].found, said(&r.err));
    }
    c2_dataset_free(&r.set);
  }
}

/* The first of January has one reading; a later cell may have two. */
static void test_times_alike(void **state) {
  (void)state;
  static const struct {
    const char *stamp[3], *found;
  } cases[] = {{{"01.01.2020", "01.01.2021", "01.01.2022"}, "time stamps as %d.%m.%Y"},
               {{"1/1/2020", "1/1/2021", "1/1/2022"}, "time stamps as %d/%m/%Y"},
               {{"01-01-2020", "01-01-2021", "01-01-2022"}, "time stamps as %d-%m-%Y"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    reading r = read_stamps(cases[i].stamp[0], cases[i].stamp[1], cases[i].stamp[2], "");
    assert_read(&r, "2020-01-01", one_two_three, cases[i].found);
  }
  char *text = malloc(70000 * 32);
  assert_non_null(text);
  int n = sprintf(text, "item_id,timestamp,target\n");
  for (int i = 0; i < 69999; i++) n += sprintf(text + n, "%d,01.01.%d,1\n", i / 3, 2020 + i % 3);
  (void)sprintf(text + n, "0,02.01.2023,1\n");
  assert_refused(text, "in.csv:70001: column 'timestamp': '02.01.2023' may be 2023-01-02 ('%d.%m.%Y') or 2023-02-01 "
                       "('%m.%d.%Y') [time-format]");
  memcpy(strstr(text + n, "02."), "01.", 3);
  reading r = read_with(text, 0, 0, "");
  assert_int_equal(r.status, C2_OK);
  assert_int_equal(r.set.rows, 70000);
  c2_dataset_free(&r.set);
  (void)sprintf(text + n, "x,31.01.2023,1\nx,01.02.2023,1\nx,02.02.2023,1\n"); /* the first settles the second */
  r = read_with(text, 0, 0, "");
  assert_int_equal(r.status, C2_OK);
  assert_int_equal(r.set.rows, 70002);
  c2_dataset_free(&r.set);
  free(text);
}

static void test_time_formats_given(void **state) {
  (void)state;
  static const struct {
    const char *format, *stamp[3], *start;
  } cases[] = {
      {"%d.%m.%Y", {"1.2.2024", "2.2.2024", "3.2.2024"}, "2024-02-01"},
      {"%m/%d/%y", {"1/2/24", "1/3/24", "1/4/24"}, "2024-01-02"},
      {"%y%m%d", {"690102", "690103", "690104"}, "1969-01-02"},
      {"%Y%m%d", {"20240228", "20240229", "20240301"}, "2024-02-28"},
      {"%Y%m%dT%H%M", {"20240228T0000", "20240228T0100", "20240228T0200"}, "2024-02-28 00:00:00"},
      {"%s", {"-3600", "0", "3600"}, "1969-12-31 23:00:00"},
      {"%d %B %Y %T", {"01 May 2024 00:00:00", "01 may 2024 00:00:01", "01 MAY 2024 00:00:02"}, "2024-05-01 00:00:00"},
      {"%a, %d %b %Y %H:%M:%S %Z",
       {"Wed, 01 May 2024 00:00:00 GMT", "Wed, 01 May 2024 01:00:00 GMT", "Wed, 01 May 2024 02:00:00 GMT"},
       "2024-05-01 00:00:00+00:00"},
      {"%Y-%j", {"2024-366", "2025-001", "2025-002"}, "2024-12-31"},
      {"%F %H.%M", {"2024-01-01 00.00", "2024-01-01 00.15", "2024-01-01 00.30"}, "2024-01-01 00:00:00"},
      {"%Y-%m-%d %H:%M:%S",
       {"2024-01-01 00:00:00", "2024-01-01 00:00:00.25", "2024-01-01 00:00:00.5"},
       "2024-01-01 00:00:00.000000"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    reading r = read_stamps(cases[i].stamp[0], cases[i].stamp[1], cases[i].stamp[2], cases[i].format);
    assert_read(&r, cases[i].start, one_two_three, "");
  }
  reading r = read_stamps("1.2.2024", "31.2.2024", "3.3.2024", "%d.%m.%Y");
  assert_non_null(
      strstr(r.err.text, "in.csv:3: column 'timestamp': expected a time stamp as %d.%m.%Y, found '31.2.2024'"));
  c2_dataset_free(&r.set);
  static const char *const bad[] = {"%d.%m",       "%Y-%E",       "%",           "%Y%",
                                    "%Y-%m-%d %I", "%F %H:%M %p", "%F %T %p %I", "%F %p"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (c2_stamp_check(bad[i], &r.err) != C2_ERR_ARGUMENT) fail_msg("'%s' is taken", bad[i]);
  }
}

/* ---- Wide tables, encodings ------------------------------------------------------------------ */

static void test_wide(void **state) {
  (void)state;
  const char *text =
      "timestamp,north,south,holiday\n2024-01-01,1,10,0\n2024-01-02,2,,1\n2024-01-03,3,30,0\n2024-01-05,4,40,0\n";
  static const char *const holiday = "holiday";
  c2_read_options options = {.wide = true, .covariates = &holiday, .covariate_count = 1};
  reading r = read_text(text, strlen(text), &options);
  if (r.status != C2_OK) fail_msg("%s", r.err.text);
  assert_int_equal(r.set.count, 2);
  static const char *const ids[] = {"north", "south"};
  static const double values[2][5] = {{1, 2, 3, (double)NAN, 4}, {10, (double)NAN, 30, (double)NAN, 40}};
  for (size_t k = 0; k < 2; k++) {
    const c2_item *item = &r.set.item[k];
    size_t found = 0;
    assert_string_equal(item->id, ids[k]);
    assert_true(c2_dataset_find(&r.set, ids[k], &found) && found == k);
    assert_string_equal(item->target_names[0], "target");
    assert_int_equal(item->targets, 1);
    assert_int_equal(item->length, 5);
    assert_int_equal(item->covariates, 1);
    assert_true(item->covariate[0].past[1] == 1);
    for (size_t i = 0; i < 5; i++) {
      assert_true(isnan(values[k][i]) ? isnan(item->target[i]) : item->target[i] == values[k][i]);
    }
  }
  c2_dataset_free(&r.set);
  static const char *const nameless = "timestamp,north,\n2024-01-01,1,\n2024-01-02,2,\n2024-01-03,3,\n";
  r = read_text(nameless, strlen(nameless), &(c2_read_options){.wide = true});
  assert_int_equal(r.status, C2_ERR_FORMAT);
  assert_non_null(strstr(r.err.text, "column 3 has no name, which would be its series'"));
  c2_dataset_free(&r.set);
  static const char *const south = "south";
  r = read_text(text, strlen(text), &(c2_read_options){.wide = true, .targets = &south, .target_count = 1});
  assert_int_equal(r.set.count, 1);
  assert_string_equal(r.set.item[0].id, "south");
  assert_int_equal(r.set.ignored.count, 2);
  c2_dataset_free(&r.set);
  r = read_text(COMMAS "a,2024-01-01,1\n", 39, &(c2_read_options){.wide = true});
  assert_non_null(strstr(r.err.text, "in.csv: its column 'item_id' names the series: expected a column for each"));
  c2_dataset_free(&r.set);
  r = read_text("timestamp\n2024-01-01\n", 21, &(c2_read_options){.wide = true});
  assert_non_null(strstr(r.err.text, "expected a column for each series"));
  c2_dataset_free(&r.set);
  r = read_text("timestamp,a,a\n2024-01-01,1,2\n", 29, &(c2_read_options){.wide = true});
  assert_non_null(strstr(r.err.text, "several columns are named 'a'"));
  c2_dataset_free(&r.set);
}

/* In a single column they may be missing values, below it they are not. */
static void test_empty_lines(void **state) {
  (void)state;
  reading r = read_with("\n" COMMAS "a,2024-01-01,1.5\n\na,2024-01-02,2.5\na,2024-01-03,3.5\n\n", 0, 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "");
  r = read_with("\ntarget\n1.5\n2.5\n3.5\n\n\n", 0, 0, "");
  assert_read(&r, "1", one_two_three, "");
  assert_refused("target\n1.5\n\n3.5\n", "in.csv:3: an empty line in a table of one column");
  assert_refused("target\r\n\r\n3.5\r\n", "in.csv:2: an empty line in a table of one column");
}

static void test_encodings(void **state) {
  (void)state;
  reading r = read_with("\xef\xbb\xbf" COMMAS "a,2024-01-01,1.5\na,2024-01-02,2.5\na,2024-01-03,3.5\n", 0, 0, "");
  assert_read(&r, "2024-01-01", one_two_three, "");
  assert_refused(
      COMMAS "a,2024-01-01,1\nM\xfcnchen,2024-01-02,1\n",
      "in.csv:3: byte 0xfc is not UTF-8: expected text in UTF-8; if it is in Latin-1 or Windows-1252, 'iconv");
  static const struct {
    const char *bytes, *part;
    size_t size;
  } odd[] = {{"BZh61AY&SY\xe2\x7f", "it holds bzip2, which is not read: expected CSV", 12},
              {"\xfd" "7zXZ\0\0\4", "it holds xz, which is not read", 8},
              {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it holds a workbook of old Excel (.xls), which is not read", 8},
              {"\x1f\x8b\x08", "it holds gzip, which is read where a file's name says so", 3},
              {"\xff\xfei\0t\0e\0", "'iconv -f UTF-16 -t UTF-8'", 8},
              {"\xfe\xff\0i\0t\0e", "'iconv -f UTF-16 -t UTF-8'", 8},
              {"i\0t\0e\0", "'iconv -f UTF-16LE -t UTF-8'", 6},
              {"\0i\0t\0e", "'iconv -f UTF-16BE -t UTF-8'", 6}};
  for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
    r = read_text(odd[i].bytes, odd[i].size, &(c2_read_options){.id_column = NULL});
    if (!strstr(r.err.text, odd[i].part)) fail_msg("case %zu: '%s'", i, r.err.text);
    c2_dataset_free(&r.set);
  }
}

/* ---- The program ----------------------------------------------------------------------------- */

static program_result forecast(const char *folder, const char *past, const char *future, const char *option) {
  char *in = program_path(folder, "past.csv");
  char *known = program_path(folder, "future.csv");
  program_write_file(in, past, strlen(past));
  if (future) program_write_file(known, future, strlen(future));
  const char *argv[16] = {PROGRAM_PATH, "forecast", in, "--horizon=3", "--quantile-levels=0.5"};
  size_t n = 5;
  if (future) {
    argv[n++] = "--covariates=promo";
    argv[n++] = "--future";
    argv[n++] = known;
  }
  if (option) argv[n++] = option;
  program_result r = program_run(argv, NULL);
  free(in);
  free(known);
  return r;
}

/* A German table and one as the program writes it give the same forecast; the future file, which alone leaves day and
 * month open, is read as the past is. */
static void test_forecast_of_a_dialect(void **state) {
  (void)state;
  char *folder = program_make_folder();
  program_result german = forecast(folder,
                                   "item_id;timestamp;target;promo\na;29.01.2024;1,5;0\na;30.01.2024;2,25;1,5\n"
                                   "a;31.01.2024;3,5;0\n",
                                   "item_id;timestamp;promo\na;01.02.2024;0,5\na;02.02.2024;1\na;03.02.2024;0\n", NULL);
  program_result plain = forecast(folder,
                                  "item_id,timestamp,target,promo\na,2024-01-29,1.5,0\na,2024-01-30,2.25,1.5\n"
                                  "a,2024-01-31,3.5,0\n",
                                  "item_id,timestamp,promo\na,2024-02-01,0.5\na,2024-02-02,1\na,2024-02-03,0\n", NULL);
  assert_int_equal(german.status, 0);
  assert_int_equal(plain.status, 0);
  assert_string_equal(german.out, plain.out);
  assert_string_equal(german.err,
                      "chronos2: 1 item, 3 rows, daily (D), read with a semicolon between fields, a decimal "
                      "comma, time stamps as %d.%m.%Y\n");
  assert_string_equal(plain.err, "chronos2: 1 item, 3 rows, daily (D)\n");
  program_free(&german);
  program_free(&plain);
  program_result r =
      forecast(folder, "item_id,timestamp,target\na,3/4/2024,1\na,4/4/2024,2\na,5/4/2024,3\n", NULL, NULL);
  program_assert_error(&r, 1,
                       "may be 2024-04-03 ('%d/%m/%Y') or 2024-03-04 ('%m/%d/%Y'); give --time-format");
  r = forecast(folder, "item_id,timestamp,target\na,3/4/2024,1\na,4/4/2024,2\na,5/4/2024,3\n", NULL,
               "--time-format=%d/%m/%Y");
  assert_non_null(strstr(r.out, "\na,2024-04-06,target,"));
  program_free(&r);
  r = forecast(folder, "timestamp,north,south\n2024-01-01,1,4\n2024-01-02,2,5\n2024-01-03,3,6\n", NULL, "--wide");
  assert_non_null(strstr(r.out, "\nsouth,2024-01-04,target,"));
  assert_int_equal(program_count(r.out, "\n"), 7);
  program_free(&r);
  r = forecast(folder, "day,target\n28.01.2024,1\n29.01.2024,2\n30.01.2024,3\n", NULL, NULL);
  program_assert_error(&r, 1, "but column 'day' holds time stamps; give --timestamp-column");
  program_remove_folder(folder);
}

/* A missing cell is one with blanks around it too, and a boolean in a future's column leaves its numbers their sign. */
static void test_cells_beside_commas(void **state) {
  (void)state;
  static const struct {
    const char *cell[3], *plain[3]; /* of the past's second row and the future's first two */
  } cases[] = {{{" ", "0,5", "1"}, {"", "0.5", "1"}},
               {{" NA", "0,5", " null "}, {"", "0.5", ""}},
               {{"1,5", "True", "2,5"}, {"1.5", "1", "2.5"}},
               {{"1,5", "True", "1.250"}, {"1.5", "1", "1250"}}};
  char *folder = program_make_folder();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char past[300];
    char future[300];
    (void)snprintf(past, sizeof past, "item_id;timestamp;target;promo\na;2024-01-29;1;0,5\na;2024-01-30;2;%s\n"
                   "a;2024-01-31;3;2,5\n",
                   cases[i].cell[0]);
    (void)snprintf(future, sizeof future, "timestamp;promo\n2024-02-01;%s\n2024-02-02;%s\n2024-02-03;0\n",
                   cases[i].cell[1], cases[i].cell[2]);
    program_result found = forecast(folder, past, future, NULL);
    (void)snprintf(past, sizeof past, "item_id,timestamp,target,promo\na,2024-01-29,1,0.5\na,2024-01-30,2,%s\n"
                   "a,2024-01-31,3,2.5\n",
                   cases[i].plain[0]);
    (void)snprintf(future, sizeof future, "timestamp,promo\n2024-02-01,%s\n2024-02-02,%s\n2024-02-03,0\n",
                   cases[i].plain[1], cases[i].plain[2]);
    program_result plain = forecast(folder, past, future, NULL);
    if (found.status != 0 || plain.status != 0) fail_msg("case %zu: %s%s", i, found.err, plain.err);
    assert_string_equal(found.out, plain.out);
    program_free(&found);
    program_free(&plain);
  }
  program_remove_folder(folder);
}

/* Beside a decimal comma 1.234 has two readings in late rows too, which no longer settle the sign. */
static void test_late_points_beside_commas(void **state) {
  (void)state;
  enum { FIRST = 3, ROWS = 70000, LATE = 69000 };
  char *folder = program_make_folder();
  char *text = malloc(ROWS * 16 + 100);
  assert_non_null(text);
  int n = sprintf(text, "timestamp\tpromo\n");
  for (int i = 0; i < ROWS; i++) n += sprintf(text + n, "%d\t%s\n", FIRST + i, i == LATE ? "1.234" : "5");
  program_result r = forecast(folder, "timestamp\ttarget\tpromo\n0\t1\t0,5\n1\t2\t1,5\n2\t3\t2,5\n", text, NULL);
  program_assert_error(&r, 1, "future.csv:69002: column 'promo': expected a finite number or nothing");
  free(text);
  program_remove_folder(folder);
}

/* What needs DuckDB says how to get it, before anything is computed or written. */
static void test_without_duckdb(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *plain = program_path(folder, "in.csv");
  char *parquet = program_path(folder, "in.parquet");
  char *out = program_path(folder, "out.parquet");
  const char *text = "timestamp,target\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n";
  const char *part =
      "this needs DuckDB, and its library is not there (/dev/null/libduckdb.so): 'scripts/setup.sh duckdb'";
  program_write_file(plain, text, strlen(text));
  program_write_file(parquet, "PAR1", 4);
  assert_int_equal(setenv("CHRONOS2_DUCKDB", "/dev/null/libduckdb.so", 1), 0);
  program_result r = PROGRAM_RUN("forecast", parquet, "-n1");
  program_assert_error(&r, 1, part);
  r = PROGRAM_RUN("forecast", folder, "-n1");
  program_assert_error(&r, 1, part);
  r = PROGRAM_RUN("forecast", "--sql", "SELECT 1", "-n1");
  program_assert_error(&r, 1, part);
  r = PROGRAM_RUN("forecast", plain, "-n1", "-o", out);
  assert_int_equal(r.status, 1);
  assert_non_null(strstr(r.err, part));
  assert_int_equal(access(out, F_OK), -1);
  program_free(&r);
  r = PROGRAM_RUN("forecast", "/dev/null/none.parquet", "-n1");
  program_assert_error(&r, 1, "none.parquet: cannot open: no such file");
  r = PROGRAM_RUN("forecast", "-n1");
  program_assert_error(&r, 2, "forecast needs INPUT... or --sql");
  (void)unsetenv("CHRONOS2_DUCKDB");
  free(plain);
  free(parquet);
  free(out);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers_equal_strtod),
                                     cmocka_unit_test(test_decimal_signs),
                                     cmocka_unit_test(test_texts_with_points),
                                     cmocka_unit_test(test_late_commas),
                                     cmocka_unit_test(test_delimiters),
                                     cmocka_unit_test(test_time_formats_found),
                                     cmocka_unit_test(test_times_alike),
                                     cmocka_unit_test(test_time_formats_given),
                                     cmocka_unit_test(test_wide),
                                     cmocka_unit_test(test_empty_lines), cmocka_unit_test(test_encodings),
                                     cmocka_unit_test(test_forecast_of_a_dialect),
                                     cmocka_unit_test(test_cells_beside_commas),
                                     cmocka_unit_test(test_late_points_beside_commas),
                                     cmocka_unit_test(test_without_duckdb)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
