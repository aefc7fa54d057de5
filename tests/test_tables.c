/* Series tables through the program: booleans, categories, covariates, calendars, names, digits; and the work that
 * many names cost. */
#include "tables.h"

#include <math.h>

#include <chronos2.h>

#include "data/future.h"
#include "data/read.h"
#include "data/unseen.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

/* ---- Files ----------------------------------------------------------------------------------- */

enum { PAST = 30, STEPS = 4 };

static double target_at(int t) {
  return 10 + sin(0.9 * t) + (t % 3 == 0 ? 4 : 0);
}

/* Days of January and, from step 31 on, February 2024. */
static void print_day(FILE *out, int t) {
  (void)fprintf(out, "2024-%02d-%02d", 1 + t / 31, 1 + t % 31);
}

/* One item 'a', with a column of categories: name[k] at every third step, from k on. */
static void write_categories(const files *f, const char *const past[3], const char *const future[3]) {
  FILE *out = fopen(f->past, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target,promo\n", out);
  for (int t = 0; t < PAST; t++) {
    (void)fputs("a,", out);
    print_day(out, t);
    (void)fprintf(out, ",%.17g,%s\n", target_at(t), past[t % 3]);
  }
  assert_int_equal(fclose(out), 0);
  out = fopen(f->future, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,promo\n", out);
  for (int t = PAST; t < PAST + STEPS; t++) {
    (void)fputs("a,", out);
    print_day(out, t);
    (void)fprintf(out, ",%s\n", future[t % 3]);
  }
  assert_int_equal(fclose(out), 0);
}

static program_result forecast(const files *f) {
  program_result r = PROGRAM_RUN("forecast", f->past, "-m", MODEL, "--horizon", "4", "--covariates", "promo",
                                 "--future", f->future);
  if (r.status != 0) fail_msg("%s", r.err);
  return r;
}

/* What the program says of such categories on standard error, and the same forecast as those of `same` (both or
 * neither NULL: another one). */
static void assert_categories(const files *f, const char *const past[3], const char *const future[3],
                              const char *const like_past[3], const char *const like_future[3], bool equal,
                              const char *said) {
  write_categories(f, past, future);
  program_result r = forecast(f);
  write_categories(f, like_past, like_future);
  program_result like = forecast(f);
  if ((strcmp(r.out, like.out) == 0) != equal) fail_msg("%s, %s: %s", past[0], future[0], equal ? "differs" : "equal");
  char expected[512];
  (void)snprintf(expected, sizeof expected, "chronos2: 1 item, 30 rows, daily (D)\n%s", said);
  assert_string_equal(r.err, expected);
  program_free(&r);
  program_free(&like);
}

#define THREE(a, b, c) ((const char *const[3]){a, b, c})

#define MIXED(text, line) \
  "chronos2: warning: column 'promo' is read as categories: '" text "' at line " line " is no number\n"

static void test_booleans(void **state) {
  (void)state;
  static const char *const spelt[3][2] = {{"False", "True"}, {"FALSE", "TRUE"}, {"false", "true"}};
  files f = open_files("past.csv");
  for (size_t p = 0; p < 3; p++) {
    for (size_t q = 0; q < 3; q++) {
      assert_categories(&f, THREE(spelt[p][1], spelt[p][0], spelt[q][0]), THREE(spelt[q][1], spelt[p][0], spelt[q][0]),
                        THREE("yes", "no", "no"), THREE("yes", "no", "no"), true, "");
    }
  }
  /* missing ones are a category of their own beside them */
  assert_categories(&f, THREE("True", "", "FALSE"), THREE("TRUE", "", "False"), THREE("yes", "", "no"),
                    THREE("yes", "", "no"), true, "");
  /* in a column that holds anything else, spellings differ, as pandas has it */
  assert_categories(&f, THREE("True", "TRUE", "maybe"), THREE("True", "TRUE", "maybe"), THREE("x", "y", "z"),
                    THREE("x", "y", "z"), true, "");
  assert_categories(&f, THREE("True", "TRUE", "1"), THREE("True", "TRUE", "1"), THREE("x", "y", "z"),
                    THREE("x", "y", "z"), true, MIXED("True", "2"));
  assert_categories(&f, THREE("True", "TRUE", "maybe"), THREE("True", "TRUE", "maybe"), THREE("x", "x", "z"),
                    THREE("x", "x", "z"), false, "");
  close_files(&f);
}

#define NEVER(item, text, count)                                                                                    \
  "chronos2: warning: column 'promo': item '" item "' never had '" text "' in its past, so its effect is unknown; " \
  "future values of such categories: " count "\n"

#define MISSING(values, item, are, s)                                                                             \
  "chronos2: warning: " values " of known futures, the first in column 'promo' of '" item "', " are " missing and " \
  "count" s " as unknown\n"

static void test_unseen_categories(void **state) {
  (void)state;
  files f = open_files("past.csv");
  /* steps 30 to 33 take the names 0, 1, 2, 0 */
  assert_categories(&f, THREE("sale", "none ", "x"), THREE("sale", "none", "x"), THREE("a", "b", "c"),
                    THREE("a", "d", "c"), true, NEVER("a", "none", "1"));
  assert_categories(&f, THREE("True", "False", "True"), THREE("yes", "False", "1"), THREE("a", "b", "a"),
                    THREE("d", "b", "e"), true, NEVER("a", "yes", "3"));
  assert_categories(&f, THREE("maybe", "false", "true"), THREE("TRUE", "FALSE", "true"), THREE("m", "f", "t"),
                    THREE("d", "e", "t"), true, NEVER("a", "TRUE", "3"));
  /* numbers among categories are as they are spelt, also where the known future holds nothing else */
  assert_categories(&f, THREE("1", "2", "x"), THREE("1", "2", "1.0"), THREE("a", "b", "c"), THREE("a", "b", "d"), true,
                    MIXED("x", "4") NEVER("a", "1.0", "1"));
  /* a missing one is no such category */
  assert_categories(&f, THREE("sale", "none", "x"), THREE("sale", "", "NaN"), THREE("a", "b", "c"),
                    THREE("a", "", ""), true, MISSING("2 values", "a", "are", ""));
  /* JSON Lines carries its own futures */
  char *lines = program_path(f.folder, "past.jsonl");
  write_text(lines, "{\"item_id\": \"a\", \"start\": \"2024-01-01\", \"freq\": \"D\", \"target\": [1, 2, 3], "
                     "\"past_covariates\": {\"promo\": [\"p\", \"q\", \"p\"]}, "
                     "\"future_covariates\": {\"promo\": [\"q\", \"Q\"]}}\n");
  program_result r = PROGRAM_RUN("forecast", f.past, "-n2", "--all-covariates", "--future", lines);
  program_assert_error(&r, 1, "past.jsonl: expected a table, found JSON Lines: there what is known stands in");
  r = PROGRAM_RUN("forecast", lines, "-m", MODEL, "--horizon", "2");
  write_text(lines, "{\"item_id\": \"a\", \"start\": \"2024-01-01\", \"freq\": \"D\", \"target\": [1, 2, 3], "
                    "\"past_covariates\": {\"promo\": [true, false, true]}}\n");
  write_text(f.future, "item_id,timestamp,promo\na,2024-01-04,TRUE\na,2024-01-05,false\n");
  program_result booleans =
      PROGRAM_RUN("forecast", lines, "-m", MODEL, "--horizon", "2", "--future", f.future);
  assert_string_equal(booleans.err, "chronos2: 1 item, 3 rows, daily (D)\n"); /* TRUE is true */
  program_free(&booleans);
  free(lines);
  assert_string_equal(r.err, "chronos2: 1 item, 3 rows, daily (D)\n" NEVER("a", "Q", "1"));
  program_free(&r);
  close_files(&f);
}

/* ---- Booleans beside numbers ----------------------------------------------------------------- */

/* A forecast of the files `past` (at most two) with the known future `future` (or NULL); what is said, and whether it
 * is the same as that of `like_past` and `like_future`. */
static void assert_numbers(const files *f, const char *const past[2], const char *future,
                           const char *const like_past[2], const char *like_future, const char *name,
                           const char *said) {
  program_result r[2];
  char *second = program_path(f->folder, "second.csv");
  char *first = program_path(f->folder, name);
  for (size_t k = 0; k < 2; k++) {
    const char *const *texts = k ? like_past : past;
    const char *known = k ? like_future : future;
    const char *argv[] = {PROGRAM_PATH, "forecast", first,     "-m",  MODEL, "--horizon", "2", NULL,
                          NULL,         NULL,       NULL,      NULL};
    size_t count = 7;
    if (texts[1] || !strstr(name, ".jsonl")) argv[count++] = "--all-covariates"; /* of tables */
    write_text(first, texts[0]);
    if (texts[1]) write_text(second, texts[1]);
    if (texts[1]) argv[count++] = second;
    if (known) write_text(f->future, known);
    if (known) argv[count++] = "--future", argv[count++] = f->future;
    r[k] = program_run(argv, NULL);
    if (r[k].status != 0) fail_msg("%s", r[k].err);
  }
  assert_string_equal(r[0].out, r[1].out);
  assert_string_equal(r[0].err, said);
  program_free(&r[0]);
  program_free(&r[1]);
  free(first);
  free(second);
}

#define TWO(a, b) ((const char *const[2]){a, b})
#define JOINED(what)                                                                                                 \
  "chronos2: warning: column 'promo': numbers in some " what ", booleans in others: True counts as 1, False as 0\n"

/* They count as 1 and 0, as pandas and NumPy have it. */
static void test_boolean_numbers(void **state) {
  (void)state;
  static const char numbers[] = "item_id,timestamp,target,promo\na,2024-01-01,1,1\na,2024-01-02,3,0\na,2024-01-03,2,\n"
                                "a,2024-01-04,4,2.5\n";
  static const char other[] = "item_id,timestamp,target,promo\nb,2024-01-01,7,1\nb,2024-01-02,5,0\nb,2024-01-03,6,\n";
  static const char booleans[] =
      "item_id,timestamp,target,promo\nb,2024-01-01,7,True\nb,2024-01-02,5,false\nb,2024-01-03,6,\n";
  static const char known[] = "item_id,timestamp,promo\na,2024-01-05,1\na,2024-01-06,0\n";
  static const char truths[] = "item_id,timestamp,promo\na,2024-01-05,TRUE\na,2024-01-06,False\n";
  static const char mixed[] = "item_id,timestamp,promo\na,2024-01-05,true\na,2024-01-06,0\n";
  files f = open_files("past.csv");
  const char *one = "chronos2: 1 item, 4 rows, daily (D), covariate: promo\n";
#define AHEAD                                                                                                   \
  "chronos2: warning: column 'promo': numbers in the past, booleans in the known future: True counts as 1, False as " \
  "0\n"
  const char *said = "chronos2: 1 item, 4 rows, daily (D), covariate: promo\n" AHEAD;
  assert_numbers(&f, TWO(numbers, NULL), truths, TWO(numbers, NULL), known, "past.csv", said);
  assert_numbers(&f, TWO(numbers, NULL), mixed, TWO(numbers, NULL), known, "past.csv", said);
  assert_numbers(&f, TWO(numbers, NULL), known, TWO(numbers, NULL), known, "past.csv", one);
  assert_numbers(&f, TWO(numbers, booleans), NULL, TWO(numbers, other), NULL, "past.csv",
                 "chronos2: 2 items, 7 rows, daily (D), covariate: promo\n" JOINED("files"));
  assert_numbers(&f, TWO(booleans, numbers), NULL, TWO(other, numbers), NULL, "past.csv",
                 "chronos2: 2 items, 7 rows, daily (D), covariate: promo\n" JOINED("files"));
#define SERIES(id, past, future)                                                                             \
  "{\"item_id\": \"" id "\", \"start\": \"2024-01-01\", \"freq\": \"D\", \"target\": [1, 2, 5], \"past_covariates\": " \
  "{\"promo\": " past "}, \"future_covariates\": {\"promo\": " future "}}\n"
  const char *like = SERIES("a", "[1, 0, 3]", "[1, 0]");
  said = "chronos2: 1 item, 3 rows, daily (D)\n" AHEAD;
  assert_numbers(&f, TWO(SERIES("a", "[1, 0, 3]", "[true, false]"), NULL), NULL, TWO(like, NULL), NULL, "x.jsonl",
                 said);
  assert_numbers(&f, TWO(SERIES("a", "[true, 0, 3]", "[1, false]"), NULL), NULL, TWO(like, NULL), NULL, "x.jsonl",
                 said);
  assert_numbers(&f, TWO(SERIES("a", "[1, 0, 3]", "[1, 0]") SERIES("b", "[true, null, false]", "[true, null]"), NULL),
                 NULL, TWO(SERIES("a", "[1, 0, 3]", "[1, 0]") SERIES("b", "[1, null, 0]", "[1, null]"), NULL), NULL,
                 "x.jsonl",
                 "chronos2: 2 items, 6 rows, daily (D)\n" JOINED("items") MISSING("1 value", "b", "is", "s"));
  /* a missing value is no number, and text is no boolean */
  const char *apart = SERIES("a", "[null, null, null]", "[null, 0]") SERIES("b", "[true, null, false]", "[true, null]");
  assert_numbers(&f, TWO(apart, NULL), NULL, TWO(apart, NULL), NULL, "x.jsonl",
                 "chronos2: 2 items, 6 rows, daily (D)\n"
                 "chronos2: warning: 1 series, 'a' the first, has a covariate without an observed value in the past, "
                 "'promo' the first: its effect is unknown\n" MISSING("1 value", "a", "is", "s"));
  write_text(f.past, numbers);
  write_text(f.future, "item_id,timestamp,promo\na,2024-01-05,true\na,2024-01-06,yes\n");
  program_result r = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--all-covariates", "--future",
                                 f.future);
  program_assert_error(&r, 1, "future.csv:3: column 'promo': expected a finite number or nothing, as in its past, "
                              "found 'yes'");
  close_files(&f);
}

/* Ids and time stamps are nothing else as well. */
static void test_keys_in_other_roles(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"--covariates", "timestamp", "past.csv: column 'timestamp' is named twice: it holds the time stamps"},
      {"--covariates", "item_id", "column 'item_id' is named twice: it holds the ids"},
      {"--target", "timestamp", "it holds the time stamps"}};
  files f = open_files("past.csv");
  write_text(f.past, "item_id,timestamp,target\na,2024-01-01,1\na,2024-01-02,3\na,2024-01-03,3\n");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result r = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", cases[i][0], cases[i][1]);
    program_assert_error(&r, 1, cases[i][2]);
  }
  close_files(&f);
}

/* With one target an item's own past counts, with several those of all items: that is how categories are encoded. */
static void test_whose_past(void **state) {
  (void)state;
  static const char *const options[] = {"target", "target,second"};
  files f = open_files("past.csv");
  write_text(f.past, "item_id,timestamp,target,second,promo\na,2024-01-01,1,2,p\na,2024-01-02,3,1,q\n"
                     "a,2024-01-03,3,4,p\nb,2024-01-01,1,2,p\nb,2024-01-02,3,1,p\nb,2024-01-03,3,4,r\n");
  write_text(f.future, "item_id,timestamp,promo\na,2024-01-04,q\na,2024-01-05,r\nb,2024-01-04,q\nb,2024-01-05,s\n");
  for (size_t i = 0; i < 2; i++) {
    program_result r = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--target", options[i],
                                   "--covariates", "promo", "--future", f.future);
    assert_string_equal(
        r.err, i ? "chronos2: 2 items, 6 rows, daily (D)\n" NEVER("b", "s", "1")
                 : "chronos2: 2 items, 6 rows, daily (D), ignored column: second\n" NEVER("a", "r", "3"));
    assert_int_equal(r.status, 0);
    program_free(&r);
  }
  close_files(&f);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static const char wide_past[] =
    "store,item_id,timestamp,target,price,promo\n"
    "x,a,2024-01-01,1,5,p\nx,a,2024-01-02,2,4,q\nx,a,2024-01-03,4,6,p\nx,a,2024-01-05,3,5,q\n"
    "y,b,2024-01-01,7,5,p\ny,b,2024-01-02,5,4,p\ny,b,2024-01-03,4,6,q\n";

static void test_columns(void **state) {
  (void)state;
  static const struct {
    const char *option, *value, *said;
  } cases[] = {
      {"--covariates", "price",
       "chronos2: 2 items, 7 rows, daily (D), 1 step filled in, ignored columns: store, promo\n"},
      {"--past-covariates", "price",
       "chronos2: 2 items, 7 rows, daily (D), 1 step filled in, ignored columns: store, promo\n"},
      {"--covariates", "store,price,promo", "chronos2: 2 items, 7 rows, daily (D), 1 step filled in\n"},
      {"--all-covariates", NULL,
       "chronos2: 2 items, 7 rows, daily (D), 1 step filled in, covariates: store, price, promo\n"},
      {NULL, NULL, "chronos2: 2 items, 7 rows, daily (D), 1 step filled in, ignored columns: store, price, promo\n"}};
  files f = open_files("past.csv");
  program_result r[5];
  write_text(f.past, wide_past);
  for (size_t i = 0; i < 5; i++) {
    r[i] = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", cases[i].option, cases[i].value);
    assert_int_equal(r[i].status, 0);
    assert_string_equal(r[i].err, cases[i].said);
  }
  assert_string_equal(r[0].out, r[1].out);
  assert_string_not_equal(r[0].out, r[2].out);
  assert_string_equal(r[2].out, r[3].out);
  assert_string_not_equal(r[0].out, r[4].out);
  for (size_t i = 0; i < 5; i++) program_free(&r[i]);
  program_result both = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--all-covariates",
                                    "--covariates", "price");
  program_assert_error(&both, 2, "--covariates or --all-covariates, not both");
  write_text(f.past, "item_id,timestamp,target,p,p\na,2024-01-01,1,5,1\na,2024-01-02,2,4,2\na,2024-01-03,2,4,2\n");
  both = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--all-covariates");
  program_assert_error(&both, 1, "past.csv: several columns are named 'p'");
  close_files(&f);
}

/* A column of --future is a covariate, is ignored as in the past, or is refused for what it is. */
static void test_future_columns(void **state) {
  (void)state;
  static const struct {
    const char *option, *value, *header, *error;
  } cases[] = {
      {"--covariates", "price", "price,promo", NULL},
      {"--covariates", "price,promo", "promo,price", NULL},
      {"--all-covariates", NULL, "price,promo", NULL},
      {"--covariates", "price", "price,weather", NULL},
      {"--all-covariates", NULL, "price,weather", "future.csv: column 'weather': the past has no such column"},
      {"--covariates", "price", "price,target", "future.csv: column 'target' is what is forecast"},
      {"--covariates", "promo", "price,store", "expected a column 'promo', found item_id, timestamp, price, store"},
      {NULL, NULL, "price,promo", "expected a column that is a covariate of the past, found none; give"},
      {"--covariates", "price", "price,price", "future.csv: several columns are named 'price'"}};
  files f = open_files("past.csv");
  write_text(f.past, wide_past);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[256];
    const char *p = strncmp(cases[i].header, "promo", 5) == 0 ? "p,6" : "6,p";
    (void)snprintf(text, sizeof text, "item_id,timestamp,%s\na,2024-01-06,%s\na,2024-01-07,%s\nb,2024-01-04,%s\n"
                   "b,2024-01-05,%s\n", cases[i].header, p, p, p, p);
    write_text(f.future, text);
    program_result r = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--future", f.future,
                                   cases[i].option, cases[i].value);
    if (cases[i].error) {
      program_assert_error(&r, 1, cases[i].error);
    } else {
      if (r.status != 0) fail_msg("%s", r.err);
      program_free(&r);
    }
  }
  close_files(&f);
}

/* Rows without ids are each item's own, by their day. */
static void test_calendar(void **state) {
  (void)state;
  static const char *const calendars[2] = {
      "timestamp,price\n2024-01-07,3\n2024-01-05,7\n2024-01-04,6\n2024-01-06,9\n",
      "timestamp,price\n2024-01-07,3\n2024-01-05,7\n2023-12-31,1\n2024-01-04,6\n2024-01-06,9\n2024-01-08,2\n"};
  static const char *const said[2] = {": no column of ids: its rows hold for all 2 items\n",
                                      ": no column of ids: its rows hold for all 2 items; 2 of its 6 rows are no step "
                                      "of a forecast\n"};
  files f = open_files("past.csv");
  write_text(f.past, wide_past);
  write_text(f.future, "item_id,timestamp,price\nb,2024-01-04,6\nb,2024-01-05,7\na,2024-01-06,9\na,2024-01-07,3\n");
  const char *const argv[] = {PROGRAM_PATH, "forecast", f.past, "-m", MODEL, "--horizon", "2", "--covariates", "price",
                              "--future", f.future, NULL};
  program_result own = program_run(argv, NULL);
  assert_int_equal(own.status, 0);
  assert_int_equal(program_count(own.err, "\n"), 1);
  for (size_t i = 0; i < 2; i++) {
    write_text(f.future, calendars[i]);
    program_result r = program_run(argv, NULL);
    assert_string_equal(r.out, own.out);
    assert_int_equal(program_count(r.err, "\n"), 2);
    assert_non_null(strstr(r.err, said[i]));
    program_free(&r);
  }
  program_free(&own);
  write_text(f.future, "timestamp,price\n2024-01-07,3\n2024-01-04,6\n2024-01-06,9\n");
  program_result r = program_run(argv, NULL);
  program_assert_error(&r, 1, "future.csv: item 'b': expected a row for 2024-01-05");
  write_text(f.future, "timestamp,price\n2024-01-07,3\n2024-01-05,7\n2024-01-05,7\n2024-01-04,6\n2024-01-06,9\n");
  r = program_run(argv, NULL);
  program_assert_error(&r, 1, "future.csv:4: there is a row for 2024-01-05 already, at line 3");
  write_text(f.future, "item_id,timestamp,price\nb,2024-01-04,6\nb,2024-01-05,7\nb,2024-01-05,7\n");
  r = program_run(argv, NULL);
  program_assert_error(&r, 1, "future.csv:4: item 'b': there is a row for 2024-01-05 already, at line 3");
  write_text(f.past, "item_id,timestamp,target,price\na,2024-01-01T08:00Z,1,1\na,2024-01-02T08:00Z,2,1\n"
                     "a,2024-01-03T08:00Z,3,2\n");
  write_text(f.future, "item_id,timestamp,price\na,2024-01-04T01:00-08:00,1\na,2024-01-05T00:00-08:00,1\n");
  r = program_run(argv, NULL); /* stamps stand in messages as in the file */
  program_assert_error(&r, 1, "future.csv:2: item 'a': 2024-01-04 01:00:00-08:00 is none of the 2 steps");
  write_text(f.future, "item_id,timestamp,price\na,2024-01-04T08:00Z,1\na,2024-01-04T00:00-08:00,1\n");
  r = program_run(argv, NULL);
  program_assert_error(&r, 1, "future.csv:3: item 'a': there is a row for 2024-01-04 00:00:00-08:00 already, at line");
  close_files(&f);
}

/* Without time stamps a row is the same step of all items, or refused; so in a table that is read in parts. */
static void test_steps_for_all(void **state) {
  (void)state;
  enum { PART_ITEMS = 2048, ITEMS = PART_ITEMS + 50, ROWS = 60 };
  static const char refused[] = "future.csv: items 'a' and 'b' go on at different steps: expected a column of ids";
  files f = open_files("past.csv");
  write_text(f.future, "price\n6\n7\n9\n3\n");
  write_text(f.past, "item_id,target,price\na,1,1\na,2,2\na,3,3\nb,1,1\nb,4,2\nb,9,1\nb,7,3\nb,2,2\n");
  const char *argv[] = {PROGRAM_PATH,   "forecast", f.past,     "-m",     MODEL,      "--horizon", "2",
                        "--covariates", "price",    "--future", f.future, "--freq=1", NULL};
  program_result r = program_run(argv, NULL);
  program_assert_error(&r, 1, refused);
  write_text(f.past, "item_id,target,price\na,1,1\na,2,2\na,3,3\nb,1,1\nb,4,2\nb,9,1\n");
  program_result shared = program_run(argv, NULL);
  if (shared.status != 0) fail_msg("%s", shared.err);
  write_text(f.future, "item_id,price\na,6\nb,6\na,7\nb,7\n");
  program_result own = program_run(argv, NULL);
  assert_string_equal(shared.out, own.out);
  program_free(&shared);
  program_free(&own);
  write_text(f.future, "price\n6\n7\n9\n3\n");
  FILE *out = fopen(f.past, "w");
  assert_non_null(out);
  (void)fprintf(out, "item_id,timestamp,target,price\n");
  for (int i = 0; i < ITEMS; i++) {
    bool is_late = i >= PART_ITEMS;
    for (int row = 0; row < ROWS; row++) {
      (void)fprintf(out, "%s item %040d,%d,%d,1\n", is_late ? "late" : "early", i, row + is_late, i * row % 7);
    }
  }
  assert_int_equal(fclose(out), 0);
  r = program_run(argv, NULL);
  program_assert_error(&r, 1, "future.csv: items 'early item 0");
  close_files(&f);
}

/* A file of scenarios is read once: standard input can't be read twice. Scenarios of a calendar hold for all items. */
static void test_scenarios_once(void **state) {
  (void)state;
  files f = open_files("past.csv");
  write_text(f.past, wide_past);
  write_text(f.future, "timestamp,price,scenario\n2024-01-04,6,low\n"
                       "2024-01-05,7,low\n2024-01-06,9,low\n2024-01-07,3,low\n"
                       "2024-01-07,13,high\n2024-01-06,8,high\n2024-01-05,17,high\n2024-01-04,16,high\n");
  program_result named = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--covariates", "price",
                                     "--scenarios", f.future);
  program_result piped = program_run((const char *const[]){PROGRAM_PATH, "forecast", f.past, "-m", MODEL, "--horizon",
                                                           "2", "--covariates", "price", "--scenarios", "-", NULL},
                                     f.future);
  if (named.status != 0) fail_msg("%s", named.err);
  if (piped.status != 0) fail_msg("%s", piped.err);
  assert_string_equal(named.out, piped.out);
  assert_int_equal(program_count(named.out, "\nlow,a,"), 2);
  assert_int_equal(program_count(named.out, "\nhigh,b,"), 2);
  assert_true(strstr(named.out, "\nlow,") < strstr(named.out, "\nhigh,"));
  program_free(&named);
  program_free(&piped);
  close_files(&f);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* Refused where they are read; cells that nothing reads may hold anything. */
static void test_control_characters(void **state) {
  (void)state;
  static const struct {
    const char *raw, *shown;
  } controls[] = {{"\x1b[31m", "\\x1b[31m"}, {"\xc2\x9b\x33", "\\u009b3"}, {"\xe2\x80\xae", "\\u202e"},
                  {"\t", "\\x09"}};
  static const struct {
    const char *text, *error;
  } cases[] = {
      {"item_id,timestamp,target,c,n%s\na,2024-01-01,1,x,\n",
       "past.csv:1: column 5: a control character in its name 'n%s'"},
      {"item_id,timestamp,target,c,n\na,2024-01-01,1,x,\nb%s,2024-01-01,1,x,\n",
       "past.csv:3: column 'item_id': expected the name of an item, found a control character in 'b%s'"},
      {"item_id,timestamp,target,c,n\na,2024-01-01,1,x%s,\n",
       "past.csv:2: column 'c': a control character in the category 'x%s'"},
      {"item_id,timestamp,target,c,n\na,2024-01-01,1,x,%s\na,2024-01-02,1,x,\na,2024-01-03,1,x,\n", NULL}};
  files f = open_files("past.csv");
  for (size_t i = 0; i < 16; i++) {
    char text[256];
    char error[256];
    const char *part = cases[i / 4].error;
    int n = snprintf(text, sizeof text, cases[i / 4].text, controls[i % 4].raw);
    program_write_file(f.past, text, (size_t)n);
    program_result r = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--covariates", "c");
    assert_null(strstr(r.err, controls[i % 4].raw));
    if (part) {
      (void)snprintf(error, sizeof error, part, controls[i % 4].shown);
      program_assert_error(&r, 1, error);
    } else {
      assert_int_equal(r.status, 0);
      program_free(&r);
    }
  }
  write_text(f.past, wide_past);
  write_text(f.future, "item_id,timestamp,price,scenario\na,2024-01-06,1,hi\x1b\n");
  program_result r = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "2", "--covariates", "price",
                                 "--scenarios", f.future);
  program_assert_error(&r, 1,
                       "future.csv:2: column 'scenario': expected a name, found a control character in 'hi\\x1b'");
  close_files(&f);
}

/* Notes are UTF-8, whatever they cut. */
static void test_notes(void **state) {
  (void)state;
  static char name[2001];
  c2_dataset set = {0};
  for (size_t i = 0; i < 2000; i += 2) memcpy(name + i, "\xc3\xbc", 2);
  assert_int_equal(c2_dataset_note(&set, NULL, "column '%.5s' is odd", name), C2_OK);
  assert_string_equal(set.note[0], "column '\xc3\xbc\xc3\xbc' is odd");
  assert_int_equal(c2_dataset_note(&set, NULL, "column '%s' is odd", name), C2_OK);
  assert_int_equal(strncmp(set.note[1], "column '\xc3\xbc", 10), 0);
  assert_string_equal(set.note[1] + strlen(set.note[1]) - 10, "\xc3\xbc' is odd");
  c2_dataset_free(&set);
}

/* The same file twice, where ids may come again: its items again, with the same rows. */
static void test_twins(void **state) {
  (void)state;
  files f = open_files("past.csv");
  write_text(f.past, "item_id,timestamp,target\na,2024-01-01,1\nb,2024-01-01,5\na,2024-01-02,2\na,2024-01-03,4\n"
                     "b,2024-01-02,5\nb,2024-01-03,7\nb,2024-01-04,8\n");
  c2_dataset set = {.twins = true};
  c2_error err;
  for (size_t k = 0; k < 3; k++) assert_int_equal(c2_dataset_read(&set, f.past, &(c2_read_options){0}, &err), C2_OK);
  assert_int_equal(set.count, 6);
  for (size_t i = 0; i < 6; i++) {
    static const double values[2][4] = {{1, 2, 4}, {5, 5, 7, 8}};
    assert_string_equal(set.item[i].id, i % 2 ? "b" : "a");
    assert_int_equal(set.item[i].length, 3 + i % 2);
    assert_memory_equal(set.item[i].target, values[i % 2], set.item[i].length * sizeof(double));
  }
  c2_dataset_free(&set);
  set = (c2_dataset){.twins = false};
  assert_int_equal(c2_dataset_read(&set, f.past, &(c2_read_options){0}, &err), C2_OK);
  assert_int_equal(c2_dataset_read(&set, f.past, &(c2_read_options){0}, &err), C2_ERR_FORMAT);
  assert_non_null(strstr(err.text, "past.csv:2: item 'a' is already at"));
  c2_dataset_free(&set);
  program_result r = PROGRAM_RUN("bench", f.past, f.past, "-m", MODEL, "--horizon", "2", "--repeats", "1", "--json");
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  close_files(&f);
}

/* ---- Digits ---------------------------------------------------------------------------------- */

static int digits_of(const char *text, size_t size) {
  int digits = 0;
  for (size_t i = 0; i < size && text[i] != 'e'; i++) {
    digits += text[i] >= (digits ? '0' : '1') && text[i] <= '9';
  }
  return digits;
}

/* Every number of the forecast of one series: what the library says, to float32, with no digit too many; with
 * --digits 17 the same double. */
static void check_digits(const files *f, const double *target, bool in_range) {
  const char *const argv[] = {PROGRAM_PATH, "forecast", f->past, "-m", MODEL, "--horizon", "4", "--quantile-levels",
                              "0.1,0.5,0.33", "--digits", "17", NULL};
  const char *short_argv[] = {PROGRAM_PATH, "forecast", f->past, "-m", MODEL, "--horizon", "4", "--quantile-levels",
                              "0.1,0.5,0.33", NULL};
  const double levels[3] = {0.1, 0.5, 0.33};
  double values[STEPS * 3];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  chronos2_series series = {.length = PAST, .targets = 1, .target = target};
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
  assert_int_equal(
      chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                        .horizon = STEPS}, &forecast), CHRONOS2_OK);
  assert_int_equal(chronos2_forecast_at_levels(forecast, 0, 0, levels, 3, values), CHRONOS2_OK);
  for (int full = 0; full < 2; full++) {
    program_result r = program_run(full ? argv : short_argv, NULL);
    if (r.status != 0) fail_msg("%s", r.err);
    char *at = strchr(r.out, '\n');
    for (size_t s = 0; s < STEPS; s++) {
      assert_non_null(at = strstr(at, ",target,") + 7);
      for (size_t q = 0; q < 4; q++) {
        double expected = q ? values[s * 3 + q - 1] : chronos2_forecast_median(forecast, 0, 0)[s];
        char *end = NULL;
        const char *number = ++at;
        double found = strtod(number, &end);
        int digits = digits_of(number, (size_t)(end - number));
        if (full) {
          assert_true(found == expected);
        } else if (in_range) {
          char shorter[400];
          assert_true(strtof(number, NULL) == (float)expected);
          assert_in_range(digits, 1, 9);
          (void)snprintf(shorter, sizeof shorter, "%.*g", digits - 1, expected);
          assert_true(digits == 1 || strtof(shorter, NULL) != (float)expected);
        } else {
          assert_true(fabs(found - expected) <= 5e-9 * fabs(expected));
          assert_in_range(digits, 1, 9);
        }
        at = end;
      }
    }
    program_free(&r);
  }
  chronos2_forecast_free(&forecast);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* Series that are too many for one pass inform each other within a pass only, which is said. */
static void test_passes(void **state) {
  (void)state;
  static const struct {
    const char *batch, *said;
  } cases[] = {
      {"4", "10 rows are more than --batch-size 4: series inform each other within 3 passes only\n"},
      {"1", "10 rows are more than --batch-size 1: series inform each other within 10 passes only, of one series each"},
      {"9", "10 rows are more than --batch-size 9: series inform each other within 2 passes only\n"},
      {"10", NULL}};
  files f = open_files("past.csv");
  FILE *out = fopen(f.past, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target\n", out);
  for (int t = 0; t < 200; t++) (void)fprintf(out, "s%d,%d,%d\n", t / 20, t % 20, t * 7 % 5);
  assert_int_equal(fclose(out), 0);
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    program_result r = PROGRAM_RUN("forecast", f.past, "-n", "2", "--cross-learning", "--batch-size", cases[k].batch);
    assert_int_equal(r.status, 0);
    if (cases[k].said ? !strstr(r.err, cases[k].said) : strstr(r.err, "passes") != NULL) fail_msg("%s", r.err);
    program_free(&r);
  }
  close_files(&f);
}

/* Embeddings are of the past: a known future is left out, which is said, and their columns have names of their own. */
static void test_embed(void **state) {
  (void)state;
  static const char *const taken[] = {"target_name", "token", "loc", "scale", "0", "31"};
  files f = open_files("past.csv");
  char *lines = program_path(f.folder, "in.jsonl");
  char *embedding[2] = {NULL, NULL};
  for (int k = 0; k < 2; k++) {
    char text[400];
    (void)snprintf(text, sizeof text, "{\"target\":[1,2,3,1,2,4],\"past_covariates\":{\"p\":[1,2,1,2,1,2]}%s}\n",
                   k ? ",\"future_covariates\":{\"p\":[9,8]}" : "");
    write_text(lines, text);
    program_result r = PROGRAM_RUN("forecast", lines, "--embed");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    assert_true((strstr(r.err, "known futures are ignored, those of 1 covariate\n") != NULL) == k);
    embedding[k] = strdup(r.out);
    program_free(&r);
  }
  assert_string_equal(embedding[0], embedding[1]);
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
    char text[100];
    (void)snprintf(text, sizeof text, "%s,timestamp,target\na,2024-01-01,1\na,2024-01-02,2\na,2024-01-03,4\n",
                   taken[i]);
    write_text(f.past, text);
    program_result r = PROGRAM_RUN("forecast", f.past, "--embed", "--id-column", taken[i]);
    assert_int_equal(r.status, 2);
    assert_non_null(strstr(r.err, "--id-column: the output has a column '"));
    assert_int_equal(r.out_size, 0);
    program_free(&r);
  }
  free(embedding[0]);
  free(embedding[1]);
  free(lines);
  close_files(&f);
}

static void test_digits(void **state) {
  (void)state;
  static const double scales[] = {1, 1e-6, 12345678, 1e-300, 1e300};
  files f = open_files("past.csv");
  for (size_t k = 0; k < 5; k++) {
    double target[PAST];
    FILE *out = fopen(f.past, "w");
    assert_non_null(out);
    (void)fputs("item_id,timestamp,target\n", out);
    for (int t = 0; t < PAST; t++) {
      target[t] = scales[k] * target_at(t);
      (void)fputs("a,", out);
      print_day(out, t);
      (void)fprintf(out, ",%.17g\n", target[t]);
    }
    assert_int_equal(fclose(out), 0);
    check_digits(&f, target, k < 3);
  }
  write_text(f.past, "item_id,timestamp,target\na,2024-01-01,1024\na,2024-01-02,1024\na,2024-01-03,1024\n");
  program_result r = PROGRAM_RUN("forecast", f.past, "-m", MODEL, "--horizon", "1", "--digits", "2");
  char *at = strstr(r.out, "a,2024-01-04,target,");
  assert_non_null(at);
  for (at += 19; *at == ','; at = strpbrk(at + 1, ",\n")) {
    assert_in_range(digits_of(at + 1, strcspn(at + 1, ",\n")), 0, 2);
  }
  program_free(&r);
  close_files(&f);
}

/* ---- Work ------------------------------------------------------------------------------------ */

static size_t compared; /* texts */

/* In this program it takes the place of the C library's, also for data/. */
int strcmp(const char *a, const char *b) {
  compared++;
  while (*a && *a == *b) a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}

/* Texts compared while a past and a futures file of so many columns and scenarios are read. */
static size_t work_of(const files *f, size_t columns, size_t scenarios, bool all) {
  FILE *out = fopen(f->past, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target", out);
  for (size_t i = 0; i < columns; i++) (void)fprintf(out, ",c%zu", i);
  for (int t = 0; t < 3; t++) {
    (void)fprintf(out, "\na,2024-01-0%d,%d", t + 1, t);
    for (size_t i = 0; i < columns; i++) (void)fprintf(out, ",%c", i % 2 ? 'x' : '1');
  }
  (void)fputc('\n', out);
  assert_int_equal(fclose(out), 0);
  out = fopen(f->future, "w");
  assert_non_null(out);
  (void)fputs("item_id,scenario,timestamp", out);
  for (size_t i = columns; i > 0; i--) (void)fprintf(out, ",c%zu", i - 1);
  for (size_t k = 0; k < scenarios; k++) {
    (void)fprintf(out, "\na,s%zu,2024-01-04", k);
    for (size_t i = columns; i > 0; i--) (void)fprintf(out, ",%c", i % 2 ? '1' : 'y');
  }
  (void)fputc('\n', out);
  assert_int_equal(fclose(out), 0);
  const char *const first = "c0";
  c2_read_options options = {.all_covariates = all, .covariates = &first, .covariate_count = all ? 0 : 1};
  c2_dataset set = {0};
  c2_futures *futures = NULL;
  c2_unseen unseen = {0};
  compared = 0;
  assert_int_equal(c2_dataset_read(&set, f->past, &options, NULL), C2_OK);
  assert_int_equal(set.ignored.count, all ? 0 : columns - 1);
  assert_int_equal(c2_futures_open(&futures, &set, f->future, &options, 1, true, NULL), C2_OK);
  assert_int_equal(c2_futures_count(futures), scenarios);
  for (size_t k = 0; k < scenarios; k++) {
    assert_int_equal(c2_futures_fill(futures, k, NULL), C2_OK);
    assert_int_equal(c2_unseen_count(&unseen, &set, NULL), C2_OK);
  }
  size_t work = compared;
  assert_true(work > columns + scenarios); /* it does count */
  c2_unseen_free(&unseen);
  c2_futures_close(&futures);
  c2_dataset_free(&set);
  return work;
}

/* Twice as many columns or scenarios are about twice the work. */
static void test_work(void **state) {
  (void)state;
  files f = open_files("past.csv");
  for (int all = 0; all < 2; all++) {
    size_t columns[2] = {work_of(&f, 1000, 2, all), work_of(&f, 2000, 2, all)};
    size_t scenarios[2] = {work_of(&f, 2, 1000, all), work_of(&f, 2, 2000, all)};
    if (columns[1] > 3 * columns[0]) fail_msg("%zu comparisons, then %zu", columns[0], columns[1]);
    if (scenarios[1] > 3 * scenarios[0]) fail_msg("%zu comparisons, then %zu", scenarios[0], scenarios[1]);
  }
  close_files(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_booleans),       cmocka_unit_test(test_unseen_categories),
                                     cmocka_unit_test(test_keys_in_other_roles),
                                     cmocka_unit_test(test_whose_past),     cmocka_unit_test(test_columns),
                                     cmocka_unit_test(test_future_columns), cmocka_unit_test(test_calendar),
                                     cmocka_unit_test(test_steps_for_all),
                                     cmocka_unit_test(test_scenarios_once), cmocka_unit_test(test_control_characters),
                                     cmocka_unit_test(test_twins),          cmocka_unit_test(test_digits),
                                     cmocka_unit_test(test_work),           cmocka_unit_test(test_notes),
                                     cmocka_unit_test(test_boolean_numbers), cmocka_unit_test(test_passes),
                                     cmocka_unit_test(test_embed)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
