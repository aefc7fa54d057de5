/* Time stamps of files: frequencies of panels, whole numbers, years, offsets from UTC, steps that are filled in.
 * A step's value is the number of its row, so that a row in the wrong place is seen. */
#include "program.h"

#include <math.h>

#include "data/read.h"

/* ---- Reading a text as a file ---------------------------------------------------------------- */

typedef struct reading {
  c2_dataset set;
  c2_error err;
  c2_status status;
} reading;

static reading read_as(const char *name, const char *text, const char *freq) {
  reading r = {.err = {.code = C2_OK}};
  c2_read_options options = {0};
  c2_freq given;
  char *folder = program_make_folder();
  char *path = program_path(folder, name);
  program_write_file(path, text, strlen(text));
  if (freq) {
    assert_int_equal(c2_freq_parse(freq, &given, &r.err), C2_OK);
    options.freq = &given;
  }
  r.status = c2_dataset_read(&r.set, path, &options, &r.err);
  if (r.status == C2_OK) r.status = c2_dataset_count_steps(&r.set, &r.err);
  free(path);
  program_remove_folder(folder);
  return r;
}

static void assert_refused(const char *text, const char *freq, const char *part) {
  reading r = read_as("in.csv", text, freq);
  if (r.status == C2_OK || !strstr(r.err.text, part)) {
    fail_msg("expected an error with '%s', found '%s'", part, r.status == C2_OK ? "none" : r.err.text);
  }
  c2_dataset_free(&r.set);
}

/* Item `index` has this frequency and length, and its stamp after the last step is `next`. */
static void assert_item(const reading *r, size_t index, const char *freq, size_t length, const char *next) {
  char text[C2_FREQ_ROOM];
  char stamp[C2_TIME_ROOM];
  c2_time time = 0;
  c2_error err;
  if (r->status != C2_OK) fail_msg("%s", r->err.text);
  assert_true(index < r->set.count);
  const c2_item *item = &r->set.item[index];
  assert_true(item->has_start && item->has_freq);
  c2_freq_format(&item->freq, text);
  assert_int_equal(c2_freq_add(&item->freq, item->start, (int64_t)item->length, &time, &err), C2_OK);
  c2_item_stamp(item, time, stamp);
  if (strcmp(text, freq) != 0 || item->length != length || strcmp(stamp, next) != 0) {
    fail_msg("item '%s': expected %s, %zu, %s, found %s, %zu, %s", item->id, freq, length, next, text, item->length,
             stamp);
  }
}

static void assert_values(const reading *r, size_t index, const double *expected) { /* NaN: missing */
  const c2_item *item = &r->set.item[index];
  for (size_t i = 0; i < item->length; i++) {
    bool same = isnan(expected[i]) ? isnan(item->target[i]) : item->target[i] == expected[i];
    if (!same) fail_msg("item '%s', step %zu: expected %g, found %g", item->id, i, expected[i], item->target[i]);
  }
}

static void assert_note(const reading *r, const char *part) {
  for (size_t i = 0; i < r->set.notes; i++) {
    if (strstr(r->set.note[i], part)) return;
  }
  fail_msg("no note says '%s'; the first of %zu is '%s'", part, r->set.notes, r->set.notes ? r->set.note[0] : "");
}

/* "item,stamp,value" for n steps of a frequency. */
static void append_rows(char *out, const char *item, const char *start, const char *freq, int count) {
  c2_freq f;
  c2_time time = 0;
  c2_zone zone;
  c2_error err;
  assert_int_equal(c2_freq_parse(freq, &f, &err), C2_OK);
  assert_int_equal(c2_time_parse(start, &time, &zone, &err), C2_OK);
  for (int i = 0; i < count; i++) {
    char stamp[C2_TIME_ROOM];
    c2_time at = 0;
    assert_int_equal(c2_freq_add(&f, time, i, &at, &err), C2_OK);
    c2_time_format(at, c2_time_has_clock(at), zone, stamp);
    (void)sprintf(out + strlen(out), "%s,%s,%d\n", item, stamp, i);
  }
}

#define HEADER "item_id,timestamp,target\n"

/* ---- One item -------------------------------------------------------------------------------- */

static void test_odd_rows(void **state) {
  (void)state;
  char text[4096] = HEADER;
  append_rows(text, "a", "2024-01-01", "D", 60);
  strcat(text, "a,2024-01-10 12:00:00,1\n");
  assert_refused(text, NULL, "in.csv:62: item 'a': 2024-01-10 12:00:00 (after 2024-01-10, before 2024-01-11)");
  assert_refused(text, "D", "in.csv:62: item 'a': 2024-01-10 12:00:00 is no whole number of steps of D");

  strcpy(text, HEADER);
  append_rows(text, "a", "2024-01-01", "2h", 50);
  strcat(text, "a,2024-01-02 05:00:00,1\n");
  assert_refused(text, NULL, "in.csv:52: item 'a': 2024-01-02 05:00:00 (after 2024-01-02 04:00:00, before");

  strcpy(text, HEADER);
  append_rows(text, "a", "2024-01-01", "MS", 15);
  assert_refused(text, "D", "no two of its 15 rows are one step of D apart");
  reading r = read_as("in.csv", text, NULL);
  assert_item(&r, 0, "MS", 15, "2025-04-01");
  assert_int_equal(r.set.filled, 0);
  c2_dataset_free(&r.set);
}

static void test_filled_steps(void **state) {
  (void)state;
  reading r = read_as("in.csv", HEADER "a,2024-01-01,1\na,2024-01-02,2\na,2024-01-05,3\na,2024-01-06,4\n", NULL);
  assert_item(&r, 0, "D", 6, "2024-01-07");
  assert_values(&r, 0, (const double[]){1, 2, (double)NAN, (double)NAN, 3, 4});
  assert_int_equal(r.set.rows, 4);
  assert_int_equal(r.set.filled, 2);
  assert_int_equal(r.set.notes, 0);
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,2024-01-01,1\na,2024-01-02,2\na,2024-01-31,3\n", "D");
  assert_item(&r, 0, "D", 31, "2024-02-01");
  assert_note(&r, "28 of 31 steps (90%) have no row");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,2024-01-15,1\na,2024-02-15,2\n", "MS");
  assert_item(&r, 0, "MS", 2, "2024-03-01");
  assert_note(&r, "in.csv:2: 2 rows lie between the points of MS");
  c2_dataset_free(&r.set);
}

static void test_business_hours(void **state) {
  (void)state;
  char text[4096] = HEADER;
  append_rows(text, "a", "2024-01-01 09:00:00", "bh", 60);
  append_rows(text, "b", "2024-01-19", "WOM-3FRI", 5);
  reading r = read_as("in.csv", text, NULL);
  assert_item(&r, 0, "bh", 60, "2024-01-10 13:00:00");
  assert_item(&r, 1, "WOM-3FRI", 5, "2024-06-21");
  assert_note(&r, "items differ in frequency: the usual one is bh, but 'b' at line 62 has WOM-3FRI");
  c2_dataset_free(&r.set);
}

/* ---- Panels ---------------------------------------------------------------------------------- */

static void test_sparse_panel(void **state) {
  (void)state;
  char text[8192] = HEADER;
  append_rows(text, "dense", "2024-01-01", "D", 60);
  append_rows(text, "saturdays", "2024-01-06", "7D", 3);
  append_rows(text, "firsts", "2024-01-01", "MS", 3);
  strcat(text, "rare,2024-01-03,1\nrare,2024-01-04,2\nrare,2024-02-25,3\ntwo,2024-02-01,1\ntwo,2024-02-28,2\n");
  strcat(text, "one,2024-02-01,7\n");
  reading r = read_as("in.csv", text, NULL);
  assert_item(&r, 0, "D", 60, "2024-03-01");
  assert_item(&r, 1, "D", 15, "2024-01-21");
  assert_item(&r, 2, "D", 61, "2024-03-02");
  assert_item(&r, 3, "D", 54, "2024-02-26");
  assert_item(&r, 4, "D", 28, "2024-02-29");
  assert_item(&r, 5, "D", 1, "2024-02-02");
  assert_int_equal(r.set.filled, 12 + 58 + 51 + 26);
  assert_int_equal(r.set.rows, 72);
  assert_note(&r, "3 items, as 'saturdays' at line 62, have too few or too uneven rows");
  double saturdays[15];
  for (int i = 0; i < 15; i++) saturdays[i] = i % 7 == 0 ? i / 7 : (double)NAN;
  assert_values(&r, 1, saturdays);
  c2_dataset_free(&r.set);
}

/* One long hourly item doesn't outvote ten daily ones; an item that fits no other frequency keeps its own. */
static void test_majority(void **state) {
  (void)state;
  char text[32768] = HEADER;
  append_rows(text, "hourly", "2024-01-01", "h", 500);
  for (int i = 0; i < 10; i++) append_rows(text, (const char[]){(char)('a' + i), '\0'}, "2024-01-01", "D", 20);
  reading r = read_as("in.csv", text, NULL);
  assert_item(&r, 0, "h", 500, "2024-01-21 20:00:00");
  assert_item(&r, 1, "D", 20, "2024-01-21");
  assert_item(&r, 10, "D", 20, "2024-01-21");
  assert_int_equal(r.set.filled, 0);
  assert_note(&r, "items differ in frequency: the usual one is D, but 'hourly' at line 2 has h");
  c2_dataset_free(&r.set);
  strcpy(text, HEADER);
  append_rows(text, "mondays", "2024-01-01", "W-MON", 20);
  append_rows(text, "sundays", "2024-01-07", "W-SUN", 10);
  append_rows(text, "weekdays", "2024-01-01", "B", 4);
  r = read_as("in.csv", text, NULL);
  assert_item(&r, 1, "W-SUN", 10, "2024-03-17");
  assert_item(&r, 2, "D", 4, "2024-01-05");
  assert_note(&r, "items differ in frequency: the usual one is W-MON, but 'sundays'");
  c2_dataset_free(&r.set);
  strcpy(text, HEADER);
  append_rows(text, "weekdays", "2024-01-01", "B", 20);
  append_rows(text, "few", "2024-01-01", "B", 4);
  r = read_as("in.csv", text, NULL);
  assert_item(&r, 1, "B", 4, "2024-01-05");
  c2_dataset_free(&r.set);
}

/* Which frequency an item has is told by its rows, in whatever order the items come. */
static void test_order_of_items(void **state) {
  (void)state;
  static const char *const freqs[] = {"D", "W-MON"};
  for (size_t first = 0; first < 2; first++) {
    char text[16384] = HEADER;
    append_rows(text, "few", "2024-01-01", "14D", 4);
    append_rows(text, freqs[first], "2024-01-01", freqs[first], 60);
    append_rows(text, freqs[!first], "2024-01-01", freqs[!first], 60);
    reading r = read_as("in.csv", text, NULL);
    assert_item(&r, 0, "D", 43, "2024-02-13");
    assert_item(&r, 1 + first, "D", 60, "2024-03-01");
    assert_item(&r, 2 - first, "W-MON", 60, "2025-02-24");
    assert_int_equal(r.set.filled, 39);
    assert_note(&r, "items differ in frequency: the usual one is D, but 'W-MON' at line ");
    assert_note(&r, "1 item, as 'few' at line 2, has too few or too uneven rows for a frequency of its own: with "
                    "the table's usual one, D, steps without");
    c2_dataset_free(&r.set);
  }
}

/* Five days from Monday on are business days where those are usual. */
static void test_business_week(void **state) {
  (void)state;
  char text[4096] = HEADER;
  append_rows(text, "b", "2024-01-01", "B", 40);
  append_rows(text, "week", "2024-01-01", "D", 5);
  reading r = read_as("in.csv", text, NULL);
  assert_item(&r, 1, "B", 5, "2024-01-08");
  c2_dataset_free(&r.set);
}

/* A few rows of seconds and many pairs of rows days apart: each alone would be small enough. */
static void test_budget(void **state) {
  (void)state;
  char text[32768] = HEADER "x,2020-01-01 00:00:00,1\nx,2020-01-01 00:00:01,1\nx,2020-01-01 00:00:02,1\n";
  for (int i = 0; i < 400; i++) {
    (void)sprintf(text + strlen(text), "i%d,2020-01-01,1\ni%d,2020-01-11,1\n", i, i);
  }
  assert_refused(text, NULL,
                 "item 'i1': with it the file's 803 rows leave out 1727998 steps of s, more than are filled in "
                 "(1080300)");
}

/* ---- Whole numbers --------------------------------------------------------------------------- */

static void test_whole_numbers(void **state) {
  (void)state;
  const char *thousand = HEADER "a,1000,1\na,1001,2\na,1002,3\na,1004,4\n";
  reading r = read_as("in.csv", thousand, NULL);
  assert_item(&r, 0, "1", 5, "1005");
  assert_values(&r, 0, (const double[]){1, 2, 3, (double)NAN, 4});
  assert_note(&r, "column 'timestamp' is read as whole numbers");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,-10,1\na,-5,2\na,0,3\na,5,4\n", NULL);
  assert_item(&r, 0, "5", 4, "10");
  c2_dataset_free(&r.set);
  const char *seconds = HEADER "a,1700000000,1\na,1700003600,2\na,1700007200,3\n";
  r = read_as("in.csv", seconds, NULL);
  assert_item(&r, 0, "h", 3, "2023-11-15 01:13:20");
  assert_note(&r, "column 'timestamp' is read as seconds since 1970 in UTC (a frequency of 1 reads whole numbers)");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", seconds, "3600");
  assert_item(&r, 0, "3600", 3, "1700010800");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,1700000000000,1\na,1700003600000,2\na,1700007200000,3\n", NULL);
  assert_item(&r, 0, "h", 3, "2023-11-15 01:13:20");
  assert_note(&r, "as milliseconds since 1970 in UTC");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,20240130,1\na,20240131,2\na,20240201,3\n", NULL);
  assert_item(&r, 0, "D", 3, "2024-02-02");
  assert_note(&r, "as days such as 20240131 (a frequency of 1");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,202411,1\na,202412,2\na,202501,3\n", NULL);
  assert_item(&r, 0, "MS", 3, "2025-02-01");
  assert_note(&r, "as months such as 202401");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,20240130,1\na,20240131,2\n", "D");
  assert_item(&r, 0, "D", 2, "2024-02-01");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,20240130,1\na,20240132,2\na,20240134,3\n", NULL); /* no days */
  assert_item(&r, 0, "2", 3, "20240136");
  c2_dataset_free(&r.set);
  const char *years = HEADER "a,2004,1\na,2005,2\na,2006,3\n";
  r = read_as("in.csv", years, NULL);
  assert_item(&r, 0, "YS-JAN", 3, "2007-01-01");
  assert_note(&r, "column 'timestamp' is read as years");
  c2_dataset_free(&r.set);
  r = read_as("in.csv", years, "1");
  assert_item(&r, 0, "1", 3, "2007");
  assert_int_equal(r.set.notes, 0);
  c2_dataset_free(&r.set);
  r = read_as("in.csv", HEADER "a,1500,1\na,1530,2\na,1560,3\n", NULL); /* as minutes, not years */
  assert_item(&r, 0, "30", 3, "1590");
  c2_dataset_free(&r.set);
  assert_refused(thousand, "D", "no two of its 4 rows are one step of D apart");
  assert_refused(HEADER "a,123456789,1\na,20240131,2\n", "D", "a time stamp such as 2020-01-31, found 123456789");
  assert_refused(HEADER "a,2024-01-01,1\na,17,2\n", NULL, "in.csv:3: column 'timestamp': expected a time stamp");
  assert_refused(HEADER "a,2024-01-01,1\na,17,2\n", "1", "in.csv:2: column 'timestamp': expected a whole number");
  assert_refused(HEADER "a,1,1\na,2,2\na,3,2\na,3,3\n", NULL, "in.csv:5: item 'a' already has a row for 3, at line 4");
}

static void assert_found(reading *r, const char *expected) {
  if (r->status != C2_OK) fail_msg("%s", r->err.text);
  const char *found = r->set.found.count > 0 ? r->set.found.text[0] : "";
  assert_string_equal(found, expected);
  c2_dataset_free(&r->set);
}

/* What whole numbers are read as is said also beside time stamps, of a known frequency, and of the future. A column
 * holds one kind of them. */
static void test_numbers_are_told(void **state) {
  (void)state;
  reading r = read_as("in.csv", HEADER "a,20240130,1\na,20240131,2\n", "D");
  assert_found(&r, "whole numbers as days such as 20240131");
  r = read_as("in.csv", HEADER "a,1704067200,1\na,1704070800,2\n", "h");
  assert_found(&r, "whole numbers as seconds since 1970 in UTC");
  r = read_as("in.csv", HEADER "a,2024-01-30,1\na,20240131,2\na,2024-02-01,3\n", NULL);
  assert_found(&r, "whole numbers as days such as 20240131");
  r = read_as("in.csv", HEADER "a,2023-01-01,1\na,2024,2\na,2025,3\n", NULL);
  assert_found(&r, "whole numbers as years");
  r = read_as("in.csv", HEADER "a,2023-01-01,1\na,2024-01-01,2\na,2025-01-01,3\n", NULL);
  assert_found(&r, "");
  assert_refused(HEADER "a,2024-01-01,1\na,202402,2\na,20240301,3\n", NULL,
                 "in.csv:4: column 'timestamp': expected months such as 202401, as in other rows, found 20240301");
  assert_refused(HEADER "a,20240101,1\na,202402,2\na,20240301,3\n", "MS",
                 "in.csv:3: column 'timestamp': expected days such as 20240131, as in other rows, found 202402");
  char *folder = program_make_folder();
  char *past = program_path(folder, "past.csv");
  char *future = program_path(folder, "future.csv");
  const char *rows = "timestamp,target,x\n2024-01-29,1,1\n2024-01-30,2,2\n2024-01-31,3,1\n";
  program_write_file(past, rows, strlen(rows));
  const char *futures[2] = {"timestamp,x\n20240201,1\n20240202,2\n", "timestamp,x\n20240201,1\n2024,1\n20240202,2\n"};
  for (int i = 0; i < 2; i++) {
    program_write_file(future, futures[i], strlen(futures[i]));
    program_result p = PROGRAM_RUN("forecast", past, "-n2", "--covariates", "x", "--future", future);
    if (i == 1) {
      program_assert_error(&p, 1, "future.csv:3: column 'timestamp': expected days such as 20240131, as in other rows");
      continue;
    }
    assert_string_equal(p.err,
                        "chronos2: 1 item, 3 rows, daily (D), read with whole numbers as days such as 20240131\n");
    program_free(&p);
  }
  free(past);
  free(future);
  program_remove_folder(folder);
}

/* Digits of a date and a clock, which may be seconds since 1970 or whole numbers too. */
static void test_digits_of_clocks(void **state) {
  (void)state;
  const char *hours = HEADER "a,2024011322,1\na,2024011323,2\na,2024011400,3\na,2024011401,4\n";
  const char *either = "in.csv:2: column 'timestamp': 2024011322 may be 2024-01-13 22:00:00 ('%Y%m%d%H') or 2034-02-20 "
                       "01:22:02 ('%s')";
  assert_refused(hours, NULL, either);
  assert_refused(hours, "h", either);
  assert_refused(HEADER "a,202401132230,1\na,202401132231,2\na,202401132232,3\n", NULL,
                 "202401132230 may be 2024-01-13 22:30:00 ('%Y%m%d%H%M') or a whole number (a frequency of 1)");
  assert_refused(HEADER "a,20240113223015,1\na,20240113223016,2\n", NULL,
                 "22:30:15 ('%Y%m%d%H%M%S') or a whole number");
  reading r = read_as("in.csv", hours, "1");
  assert_int_equal(r.set.item[0].freq.unit, C2_FREQ_COUNT);
  c2_dataset_free(&r.set);
  static const char *const others[] = {"2024011322,1\na,2024011323,2\na,2024011324", /* no hour */
                                       "1800010100,1\na,1800010101,2\na,1800010102", /* long ago */
                                       "202401132259,1\na,202401132260,2\na,202401132261"};
  static const char *const next[] = {"2034-02-20 01:22:05", "2027-01-15 10:48:23", "202401132262"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    char text[200];
    (void)snprintf(text, sizeof text, HEADER "a,%s,3\n", others[i]);
    r = read_as("in.csv", text, NULL);
    assert_item(&r, 0, i < 2 ? "s" : "1", 3, next[i]);
    c2_dataset_free(&r.set);
  }
}

static void test_rows_are_counted(void **state) {
  (void)state;
  reading r = read_as("in.csv", "item_id,target\na,1\nb,10\na,2\na,3\n", NULL);
  assert_item(&r, 0, "1", 3, "4");
  assert_item(&r, 1, "1", 1, "2");
  assert_values(&r, 0, (const double[]){1, 2, 3});
  assert_note(&r, "no column 'timestamp': the rows of an item count as steps 1, 2, ...");
  c2_dataset_free(&r.set);
  assert_refused("date,target\n2024-01-01,1\n", NULL, "column 'date' holds time stamps");
  assert_refused("target\n1\n2\n3\n", "D", "'timestamp'");
  r = read_as("in.jsonl", "{\"target\": [1, 2, 3]}\n{\"target\": [4], \"start\": 7, \"freq\": \"2\"}\n", NULL);
  assert_item(&r, 0, "1", 3, "4");
  assert_item(&r, 1, "2", 1, "9");
  assert_note(&r, "1 series has no start: the steps count from 1 on");
  c2_dataset_free(&r.set);
}

/* ---- Offsets from UTC ------------------------------------------------------------------------ */

static void test_offsets(void **state) {
  (void)state;
  reading r = read_as("in.csv",
                      HEADER "a,2024-01-28 22:00:00+01:00,1\na,2024-01-28T23:00+0100,2\na,2024-01-29 00:00:00+01,3\n"
                             "b,2024-01-28T00:00:00Z,1\nb,2024-01-28T01:00:00Z,2\nb,2024-01-28T02:00:00Z,3\n"
                             "c,2024-01-28 00:00:00-03:30,1\nc,2024-01-28 01:00:00-03:30,1\n",
                      NULL);
  assert_item(&r, 0, "h", 3, "2024-01-29 01:00:00+01:00");
  assert_item(&r, 1, "h", 3, "2024-01-28 03:00:00+00:00");
  assert_item(&r, 2, "h", 2, "2024-01-28 02:00:00-03:30");
  assert_int_equal(r.set.notes, 0);
  c2_dataset_free(&r.set);
  /* summer begins: an hour of the clock is left out, none of the instants; the day stays a day */
  r = read_as("in.csv",
              HEADER "h,2024-03-31 00:00:00+01:00,1\nh,2024-03-31 01:00:00+01:00,2\nh,2024-03-31 03:00:00+02:00,3\n"
                     "h,2024-03-31 04:00:00+02:00,4\n",
              NULL);
  assert_item(&r, 0, "h", 4, "2024-03-31 05:00:00+02:00");
  assert_values(&r, 0, (const double[]){1, 2, 3, 4});
  assert_note(&r, "item 'h' has several offsets from UTC: its forecast has that of the last row");
  c2_dataset_free(&r.set);
  r = read_as("in.csv",
              HEADER "d,2024-03-30 00:00:00+01:00,1\nd,2024-03-31 00:00:00+01:00,2\nd,2024-04-01 00:00:00+02:00,3\n",
              NULL);
  assert_item(&r, 0, "D", 3, "2024-04-02 00:00:00+02:00");
  c2_dataset_free(&r.set);
  /* a row keeps its own offset; a step without a row has that of the row before it */
  static const char *const stamps[] = {"2024-03-28 00:00:00+01:00", "2024-03-29 00:00:00+01:00",
                                       "2024-03-30 00:00:00+01:00", "2024-03-31 00:00:00+01:00",
                                       "2024-04-01 00:00:00+02:00", "2024-04-02 00:00:00+02:00"};
  r = read_as("in.csv",
              HEADER "d,2024-04-01 00:00:00+02:00,4\nd,2024-03-28 00:00:00+01:00,1\nd,2024-03-29 00:00:00+01:00,2\n"
                     "d,2024-03-30 00:00:00+01:00,3\n"
                     "e,2024-04-01 00:00Z,4\ne,2024-04-02 00:00Z,5\n",
              NULL);
  assert_item(&r, 0, "D", 5, stamps[5]);
  for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
    char stamp[C2_TIME_ROOM];
    c2_time time = 0;
    assert_int_equal(c2_item_stamp_step(&r.set.item[0], (int64_t)i, stamp, &time, NULL), C2_OK);
    assert_string_equal(stamp, stamps[i]);
    assert_true(time == r.set.item[0].start + (int64_t)i * C2_DAY_US);
  }
  assert_null(r.set.item[1].minutes);
  c2_dataset_free(&r.set);
  /* autumn: one hour of the clock comes twice */
  r = read_as("in.csv",
              HEADER "h,2024-10-27 01:00:00+02:00,1\nh,2024-10-27 02:00:00+02:00,2\nh,2024-10-27 02:00:00+01:00,3\n"
                     "h,2024-10-27 03:00:00+01:00,4\n",
              NULL);
  assert_item(&r, 0, "h", 4, "2024-10-27 04:00:00+01:00");
  assert_values(&r, 0, (const double[]){1, 2, 3, 4});
  c2_dataset_free(&r.set);
  assert_refused(HEADER "a,2024-01-01 00:00+01:00,1\na,2024-01-02 00:00,1\n", NULL,
                 "in.csv:3: column 'timestamp': expected an offset from UTC, as in other rows of its item");
  r = read_as("in.jsonl", "{\"target\": [1, 2], \"start\": \"2024-01-28 00:00:00+09:00\", \"freq\": \"6h\"}\n", NULL);
  assert_item(&r, 0, "6h", 2, "2024-01-28 12:00:00+09:00");
  c2_dataset_free(&r.set);
}

/* ---- The program ----------------------------------------------------------------------------- */

/* Known covariates lie on the axis of the past: in its offset, as its numbers, or in the order of their rows. */
static void test_known_covariates(void **state) {
  (void)state;
  static const struct {
    const char *past, *future, *error; /* NULL: a forecast */
    const char *next;
  } cases[] = {
      {"timestamp,target,x\n1000,1,0\n1001,2,1\n1002,1,0\n", "timestamp,x\n1004,1\n1003,0\n", NULL, "0,1004,"},
      {"timestamp,target,x\n1000,1,0\n1001,2,1\n1002,1,0\n", "timestamp,x\n1003,1\n1005,0\n",
       "expected a row for 1004", ""},
      {"timestamp,target,x\n1000,1,0\n1001,2,1\n1002,1,0\n", "timestamp,x\n2024-01-01,1\n2024-01-02,0\n",
       "expected a whole number, as in the past", ""},
      {"target,x\n1,0\n2,1\n1,0\n", "x\n1\n0\n", NULL, "0,5,"},
      {"target,x\n1,0\n2,1\n1,0\n", "x\n1\n", "expected a row for 5", ""},
      {"timestamp,target,x\n2024-01-01 00:00+01:00,1,0\n2024-01-01 01:00+01:00,2,1\n2024-01-01 02:00+01:00,1,0\n",
       "timestamp,x\n2024-01-01 02:00Z,1\n2024-01-01 05:00+02:00,0\n", NULL, "0,2024-01-01 04:00:00+01:00,"},
      {"timestamp,target,x\n2024-01-01 00:00+01:00,1,0\n2024-01-01 01:00+01:00,2,1\n2024-01-01 02:00+01:00,1,0\n",
       "timestamp,x\n2024-01-01 03:00,1\n2024-01-01 04:00,0\n", "expected an offset from UTC, as in the past", ""},
      {"timestamp,target,x\n2024-01-01 00:00+01:00,1,0\n2024-01-01 01:00+01:00,2,1\n2024-01-01 02:00+01:00,1,0\n",
       "timestamp,x\n1704074400,1\n1704078000,0\n", "expected an offset from UTC, as in the past, found 1704074400",
       ""},
      {"timestamp,target,x\n2024-03-28 00:00+01:00,1,0\n2024-03-29 00:00+01:00,2,1\n2024-03-30 00:00+01:00,1,0\n",
       "timestamp,x\n2024-03-31 00:00+01:00,1\n2024-04-01 00:00+02:00,0\n", NULL, "0,2024-04-01 00:00:00+01:00,"},
      {"timestamp,target,x\n2024-01-01,1,0\n2024-01-02,2,1\n2024-01-03,1,0\n", "x\n1\n0\n",
       "no column of time stamps, which the past has", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *folder = program_make_folder();
    char *past = program_path(folder, "past.csv");
    char *future = program_path(folder, "future.csv");
    program_write_file(past, cases[i].past, strlen(cases[i].past));
    program_write_file(future, cases[i].future, strlen(cases[i].future));
    program_result result =
        PROGRAM_RUN("forecast", past, "--horizon", "2", "--past-covariates", "x", "--future", future);
    if (cases[i].error) {
      program_assert_error(&result, 1, cases[i].error);
    } else {
      if (result.status != 0 || !strstr(result.out, cases[i].next)) {
        fail_msg("case %zu: expected '%s', found '%s' '%s'", i, cases[i].next, result.out, result.err);
      }
      program_free(&result);
    }
    free(past);
    free(future);
    program_remove_folder(folder);
  }
}

/* Parts of a second stand in every stamp of a series that has any, as pandas expects it. */
static void test_parts_of_seconds(void **state) {
  static const struct {
    const char *zone, *freq, *part[3], *next[2]; /* of two steps behind the last row */
  } cases[] = {
      {"", "500ms", {"00.000", "00.500", "01.000"}, {"01.500000", "02.000000"}},
      {"+01:00", "250ms", {"00.250", "00.500", "00.750"}, {"01.000000+01:00", "01.250000+01:00"}},
      {"", "s", {"00.250", "01.250", "02.250"}, {"03.250000", "04.250000"}},
      {"", "s", {"00.000", "01.000", "02.000"}, {"03", "04"}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[300] = "timestamp,target\n";
    char stamp[C2_TIME_ROOM];
    c2_error err;
    for (size_t k = 0; k < 3; k++) {
      size_t n = strlen(text);
      (void)snprintf(text + n, sizeof text - n, "2025-01-01 00:00:%s%s,%zu\n", cases[i].part[k], cases[i].zone, k);
    }
    reading r = read_as("in.csv", text, NULL);
    for (size_t s = 0; s < 2; s++) {
      char next[C2_TIME_ROOM];
      (void)snprintf(next, sizeof next, "2025-01-01 00:00:%s", cases[i].next[s]);
      if (s == 0) assert_item(&r, 0, cases[i].freq, 3, next);
      assert_int_equal(c2_item_stamp_step(&r.set.item[0], (int64_t)(3 + s), stamp, NULL, &err), C2_OK);
      assert_string_equal(stamp, next);
    }
    c2_dataset_free(&r.set);
  }
}

/* A history may end on the last day that there is; only what lies behind it is refused. */
static void test_last_day(void **state) {
  (void)state;
  char text[4096] = "timestamp,target\n";
  for (int day = 2; day <= 31; day++) (void)sprintf(text + strlen(text), "9999-12-%02d,%d\n", day, day % 7);
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  program_write_file(path, text, strlen(text));
  program_result r = PROGRAM_RUN("detect", path, "--warmup", "5");
  assert_int_equal(r.status, 0);
  program_free(&r);
  r = PROGRAM_RUN("evaluate", path, "-n", "1");
  assert_int_equal(r.status, 0);
  program_free(&r);
  r = PROGRAM_RUN("forecast", path, "-n", "1");
  program_assert_error(&r, 1, "its forecast would end too late");
  *strstr(text, "9999-12-31") = '\0';
  program_write_file(path, text, strlen(text));
  r = PROGRAM_RUN("forecast", path, "-n", "1");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.out, "0,9999-12-31,target,"));
  program_free(&r);
  r = PROGRAM_RUN("forecast", path, "-n", "2");
  program_assert_error(&r, 1, "its forecast would end too late");
  free(path);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_odd_rows),         cmocka_unit_test(test_filled_steps),
      cmocka_unit_test(test_business_hours),   cmocka_unit_test(test_sparse_panel),
      cmocka_unit_test(test_majority),         cmocka_unit_test(test_order_of_items),
      cmocka_unit_test(test_business_week),    cmocka_unit_test(test_budget),
      cmocka_unit_test(test_last_day),
      cmocka_unit_test(test_whole_numbers),    cmocka_unit_test(test_numbers_are_told),
      cmocka_unit_test(test_digits_of_clocks),
      cmocka_unit_test(test_rows_are_counted),
      cmocka_unit_test(test_parts_of_seconds),
      cmocka_unit_test(test_offsets),          cmocka_unit_test(test_known_covariates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
