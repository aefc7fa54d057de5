/* Several files for the series of one table: sorted and joined, and an overlap names both places. */
#include "program.h"

typedef struct fixture {
  char *folder, *path[4]; /* a.csv to d.csv */
} fixture;

static const char *const names[4] = {"a.csv", "b.csv", "c.csv", "d.csv"};

static void write_text(const char *path, const char *text) {
  program_write_file(path, text, strlen(text));
}

static fixture write_files(const char *const texts[4]) {
  fixture f = {program_make_folder(), {NULL}};
  for (size_t k = 0; k < 4; k++) {
    f.path[k] = program_path(f.folder, names[k]);
    if (texts[k]) write_text(f.path[k], texts[k]);
  }
  return f;
}

static void remove_files(fixture *f) {
  for (size_t k = 0; k < 4; k++) free(f->path[k]);
  program_remove_folder(f->folder);
}

/* One row a file, columns in other orders, another dialect, an item that comes late: as from one file. */
static void test_joined_as_one(void **state) {
  (void)state;
  const char *const texts[4] = {
      "item_id,timestamp,target\nb,2024-01-01,1\na,2024-01-01,5\nb,2024-01-03,3\n",
      "timestamp,target,item_id,note\n2024-01-02,2,b,x\n2024-01-02,6,a,y\n2024-01-03,7,a,\n2024-01-04,4,b,\n",
      "item_id;timestamp;target\nb;05.01.2024;5,5\na;04.01.2024;8\nc;31.01.2024;1\n",
      ("item_id,timestamp,target\nb,2024-01-01,1\na,2024-01-01,5\nb,2024-01-03,3\nb,2024-01-02,2\na,2024-01-02,6\n"
       "a,2024-01-03,7\nb,2024-01-04,4\nb,2024-01-05,5.5\na,2024-01-04,8\nc,2024-01-31,1\n")};
  fixture f = write_files(texts);
  program_result joined = PROGRAM_RUN("forecast", f.path[0], f.path[1], f.path[2], "-n1");
  program_result one = PROGRAM_RUN("forecast", f.path[3], "-n1");
  assert_int_equal(one.status, 0);
  assert_int_equal(joined.status, 0);
  assert_string_equal(joined.out, one.out);
  assert_non_null(strstr(joined.err, "3 items, 10 rows, daily (D)"));
  assert_non_null(strstr(joined.err, "ignored column: note"));
  program_free(&joined);
  program_free(&one);
  remove_files(&f);
}

/* Categories, of which a file has none in a column, and covariates of numbers. */
static void test_covariates(void **state) {
  (void)state;
  const char *const texts[4] = {
      "item_id,timestamp,target,kind,price\na,2024-01-01,1,,1\na,2024-01-02,2,,2\n",
      "item_id,timestamp,price,kind,target\na,2024-01-03,3,red,3\na,2024-01-04,1,blue,5\nb,2024-01-01,1,red,1\n", NULL,
      "item_id,timestamp,target,kind,price\na,2024-01-01,1,,1\na,2024-01-02,2,,2\na,2024-01-03,3,red,3\n"
      "a,2024-01-04,5,blue,1\nb,2024-01-01,1,red,1\n"};
  fixture f = write_files(texts);
  program_result joined = PROGRAM_RUN("forecast", f.path[0], f.path[1], "-n1", "--all-covariates");
  program_result one = PROGRAM_RUN("forecast", f.path[3], "-n1", "--all-covariates");
  assert_int_equal(one.status, 0);
  assert_int_equal(joined.status, 0);
  assert_string_equal(joined.out, one.out);
  program_free(&joined);
  program_free(&one);
  write_text(f.path[2], "item_id,timestamp,target,kind,price\na,2024-01-05,1,7,1\n");
  program_result r = PROGRAM_RUN("forecast", f.path[1], f.path[2], "-n1", "--all-covariates");
  program_assert_error(&r, 1, "b.csv: column 'kind' holds texts, but numbers in ");
  write_text(f.path[2], "item_id,timestamp,target,kind,price,more\na,2024-01-05,1,red,1,2\n");
  r = PROGRAM_RUN("forecast", f.path[1], f.path[2], "-n1", "--all-covariates");
  program_assert_error(&r, 1, "b.csv has no column 'more'");
  r = PROGRAM_RUN("forecast", f.path[2], f.path[1], "-n1", "--all-covariates");
  program_assert_error(&r, 1, "b.csv: expected a column 'more'");
  remove_files(&f);
}

static void test_overlaps(void **state) {
  (void)state;
  const char *const texts[4] = {"item_id,timestamp,target\nb,2024-01-01,1\nb,2024-01-02,2\nb,2024-01-03,3\n",
                                "item_id,timestamp,target\nb,2024-01-04,4\n\nb,2024-01-03,3\n",
                                "item_id,timestamp,target\nb,2024-01-04,4\nb,2024-01-04 12:00,5\n",
                                "timestamp,target\n2024-01-01,1\n2024-01-02,1\n2024-01-03,1\n"};
  fixture f = write_files(texts);
  program_result r = PROGRAM_RUN("forecast", f.path[0], f.path[1], "-n1");
  program_assert_error(&r, 1, "b.csv:4: item 'b' already has a row for 2024-01-03, at ");
  r = PROGRAM_RUN("forecast", f.path[0], f.path[1], "-n1");
  program_assert_error(&r, 1, "a.csv:4");
  r = PROGRAM_RUN("forecast", f.path[0], f.path[2], "-n1");
  program_assert_error(&r, 1, "c.csv:3: item 'b': 2024-01-04 12:00:00 (after 2024-01-04) is out of step");
  r = PROGRAM_RUN("forecast", f.path[3], f.path[3], "-n1"); /* without ids each file is a series */
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.out, "\n"), 3);
  program_free(&r);
  remove_files(&f);
}

/* Time stamps that are whole numbers in all files mean what they do in one. */
static void test_whole_numbers(void **state) {
  (void)state;
  static const long first[] = {1980, 0, 202401, 20240101, 1704067200};
  static const long step[] = {1, 1, 1, 1, 3600};
  static const char *const next[] = {"a,1990-01-01,", "a,10,", "a,2024-11-01,", "a,2024-01-11,",
                                     "a,2024-01-01 10:00:00,"};
  fixture f = write_files((const char *const[4]){NULL});
  for (size_t k = 0; k < sizeof first / sizeof first[0]; k++) {
    FILE *file[3];
    for (size_t i = 0; i < 3; i++) {
      assert_non_null(file[i] = fopen(f.path[i], "w"));
      (void)fputs("item_id,timestamp,target\n", file[i]);
    }
    for (long i = 0; i < 20; i++) {
      const char *item = i < 10 ? "a" : "b";
      (void)fprintf(file[i % 3 == 0], "%s,%ld,%ld\n", item, first[k] + i % 10 * step[k], i * i % 7);
      (void)fprintf(file[2], "%s,%ld,%ld\n", item, first[k] + i % 10 * step[k], i * i % 7);
    }
    for (size_t i = 0; i < 3; i++) assert_int_equal(fclose(file[i]), 0);
    program_result joined = PROGRAM_RUN("forecast", f.path[0], f.path[1], "-n1");
    program_result one = PROGRAM_RUN("forecast", f.path[2], "-n1");
    assert_int_equal(one.status, 0);
    assert_int_equal(joined.status, 0);
    assert_string_equal(joined.out, one.out);
    assert_non_null(strstr(joined.out, next[k]));
    program_free(&joined);
    program_free(&one);
  }
  remove_files(&f);
}

/* What may be read in two ways is read as the past is, if the files of the past agree. */
static void test_files_that_differ(void **state) {
  (void)state;
  const char *const texts[4] = {
      "item_id;timestamp;target;x\nde;2024-01-01;1;1,5\nde;2024-01-02;2;2,5\nde;2024-01-03;1;3,5\n",
      "item_id,timestamp,target,x\nus,2024-01-01,1,1.5\nus,2024-01-02,2,2.5\nus,2024-01-03,1,3.5\n",
      "item_id;timestamp;x\nde;2024-01-04;1.234\nus;2024-01-04;1.234\n",
      "item_id;timestamp;target;x\nxx;2024-01-01;1;1.234\nxx;2024-01-02;2;1.234\nxx;2024-01-03;1;1.235\n"};
  fixture f = write_files(texts);
  for (int k = 0; k < 2; k++) {
    program_result r =
        PROGRAM_RUN("forecast", f.path[k], f.path[!k], "-n1", "--covariates", "x", "--future", f.path[2]);
    program_assert_error(&r, 1, "c.csv:2: column 'x': '1.234' may be 1.234 (decimal .) or 1234 (decimal ,)");
    r = PROGRAM_RUN("forecast", f.path[k], f.path[3], f.path[!k], "-n1", "--covariates", "x");
    program_assert_error(&r, 1, "d.csv: its numbers may be read in two ways, and the other files differ: write them");
    r = PROGRAM_RUN("forecast", f.path[k], f.path[3], "-n1", "--covariates", "x");
    assert_int_equal(r.status, 0);
    program_free(&r);
  }
  static const char *const days[2] = {
      "item_id,timestamp,target,x\nde,13.01.2024,1,1\nde,14.01.2024,2,2\nde,15.01.2024,1,3\n",
      "item_id,timestamp,target,x\nus,01.13.2024,1,1\nus,01.14.2024,2,2\nus,01.15.2024,1,3\n"};
  for (int k = 0; k < 2; k++) write_text(f.path[k], days[k]);
  write_text(f.path[2], "timestamp,x\n02.03.2024,1\n");
  for (int k = 0; k < 2; k++) {
    program_result r =
        PROGRAM_RUN("forecast", f.path[k], f.path[!k], "-n1", "--covariates", "x", "--future", f.path[2]);
    program_assert_error(&r, 1, "c.csv:2: column 'timestamp': '02.03.2024' may be 2024-0");
  }
  remove_files(&f);
}

/* Numbers such as 1.234 beside a decimal comma in another file: read as they are there, or refused, in any order. */
static void test_points_beside_commas(void **state) {
  (void)state;
  static const struct {
    const char *sign, *other; /* between the fields of the two files */
    bool is_read;
  } cases[] = {{"\t", "\t", true}, {"|", "|", true}, {",", ",", true}, {";", "\t", true}, {"\t", ",", false}};
  fixture f = write_files((const char *const[4]){NULL});
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *s = cases[i].sign;
    const char *o = cases[i].other;
    char text[400];
    (void)snprintf(text, sizeof text,
                   "item_id%stimestamp%starget%sx\na%s2024-01-01%s1%s\"1.020,5\"\na%s2024-01-02%s2%s\"998,5\"\n"
                   "a%s2024-01-03%s4%s\"1.000,5\"\n",
                   s, s, s, s, s, s, s, s, s, s, s, s);
    write_text(f.path[0], text);
    (void)snprintf(text, sizeof text, "timestamp%sx\n2024-01-04%s1.250\n2024-01-05%s2.000\n", o, o, o);
    write_text(f.path[1], text);
    program_result r = PROGRAM_RUN("forecast", f.path[0], "-n2", "--covariates", "x", "--future", f.path[1]);
    if (!cases[i].is_read) {
      program_assert_error(&r, 1, "b.csv:2: column 'x': '1.250' may be 1.250 (decimal .) or 1250 (decimal ,)");
      continue;
    }
    (void)snprintf(text, sizeof text, "timestamp%sx\n2024-01-04%s1250\n2024-01-05%s2000\n", o, o, o);
    write_text(f.path[2], text);
    program_result plain = PROGRAM_RUN("forecast", f.path[0], "-n2", "--covariates", "x", "--future", f.path[2]);
    if (r.status != 0) fail_msg("%s", r.err);
    assert_string_equal(r.out, plain.out);
    program_free(&r);
    program_free(&plain);
  }
  remove_files(&f);
}

/* A point that was presumed in one file, and a comma in another: --decimal is named where it may help. */
static void test_presumed_points(void **state) {
  (void)state;
  fixture f = write_files((const char *const[4]){NULL});
  const char *const past[2] = {"item_id\ttimestamp\ttarget\tx\na\t2024-01-01\t1\t1.234\na\t2024-01-02\t2\t1.234\n"
                               "a\t2024-01-03\t2\t1.234\n",
                               "item_id\ttimestamp\ttarget\tx\nb\t2024-01-01\t1\t1,5\nb\t2024-01-02\t2\t2,5\n"
                               "b\t2024-01-03\t2\t3,5\n"};
  static const char refused[] = "a.csv: numbers such as 1.234 may be read in two ways beside a file with a decimal";
  for (int k = 0; k < 2; k++) write_text(f.path[k], past[k]);
  program_result r = PROGRAM_RUN("forecast", f.path[0], f.path[1], "-n1", "--covariates", "x");
  assert_non_null(strstr(r.err, "write them alike; give --decimal\n"));
  program_assert_error(&r, 1, refused);
  r = PROGRAM_RUN("forecast", f.path[1], f.path[0], "-n1", "--covariates", "x"); /* the first file settles it */
  if (r.status != 0) fail_msg("%s", r.err);
  assert_non_null(strstr(r.err, "a decimal comma and digits in groups"));
  program_free(&r);
  write_text(f.path[1], "timestamp\tx\n2024-01-04\t1,5\n");
  r = PROGRAM_RUN("forecast", f.path[0], "-n1", "--covariates", "x", "--future", f.path[1]);
  program_assert_error(&r, 1, refused);
  r = PROGRAM_RUN("forecast", f.path[0], "-n1", "--covariates", "x", "--future", f.path[1], "--decimal", ",");
  assert_int_equal(r.status, 0);
  program_free(&r);
  write_text(f.path[0], "timestamp\ttarget\n2024-01-01\t1.234\n2024-01-02\t1.235\n2024-01-03\t1.236\n");
  write_text(f.path[1], "timestamp\ttarget\n2024-01-01\t1,5\n2024-01-02\t2,5\n2024-01-03\t3,5\n");
  for (int k = 0; k < 2; k++) { /* each a series of its own */
    r = PROGRAM_RUN("forecast", f.path[k], f.path[!k], "-n1");
    program_assert_error(&r, 1, refused);
  }
  write_text(f.path[0], "timestamp,target\n2024-01-01,1.234\n2024-01-02,1.235\n2024-01-03,1.236\n");
  r = PROGRAM_RUN("forecast", f.path[0], f.path[1], "-n1"); /* one sign would read neither file rightly */
  assert_non_null(strstr(r.err, "write them alike\n"));
  program_assert_error(&r, 1, refused);
  remove_files(&f);
}

/* What the past left open, a later file may not. */
static void test_stamps_alike(void **state) {
  (void)state;
  static const struct {
    const char *future, *said; /* NULL: it is read */
  } cases[] = {{"01.01.2024", NULL},
               {"01.02.2024", "c.csv:2: column 'timestamp': '01.02.2024' may be 2024-02-01 ('%d.%m.%Y') or 2024-01-02"},
               {"2024-01-01", NULL}};
  const char *const texts[4] = {
      "item_id,timestamp,target,x\na,01.01.2021,1,1\na,01.01.2022,2,2\na,01.01.2023,1,3\n",
      "item_id,timestamp,target,x\nb,01.02.2021,1,1\nb,01.02.2022,2,2\nb,01.02.2023,1,3\n"};
  fixture f = write_files(texts);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[64];
    (void)snprintf(text, sizeof text, "timestamp,x\n%s,1\n", cases[i].future);
    write_text(f.path[2], text);
    program_result r = PROGRAM_RUN("forecast", f.path[0], "-n1", "--covariates", "x", "--future", f.path[2]);
    if (cases[i].said) {
      program_assert_error(&r, 1, cases[i].said);
      continue;
    }
    if (r.status != 0) fail_msg("%s", r.err);
    assert_non_null(strstr(r.out, "\na,2024-01-01,target,"));
    program_free(&r);
  }
  for (int k = 0; k < 2; k++) {
    program_result r = PROGRAM_RUN("forecast", f.path[k], f.path[!k], "-n1");
    program_assert_error(&r, 1, "b.csv:2: column 'timestamp': '01.02.2021' may be 2021-02-01 ('%d.%m.%Y') or 2021-01");
  }
  write_text(f.path[1], "item_id,timestamp,target\nb,13.01.2021,1\nb,13.01.2022,2\nb,13.01.2023,1\n");
  program_result r = PROGRAM_RUN("forecast", f.path[0], f.path[1], "-n1");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_non_null(strstr(r.out, "\nb,2024-01-13,target,"));
  program_free(&r);
  remove_files(&f);
}

/* A series of its own for each column, whose covariates are those of all. */
static void test_wide_futures(void **state) {
  (void)state;
  const char *const texts[4] = {
      "timestamp,a,b,x\n2024-01-01,1,2,1\n2024-01-02,1,2,2\n2024-01-03,1,5,3\n", "timestamp,x\n2024-01-04,7\n",
      ("item_id,timestamp,target,x\na,2024-01-01,1,1\na,2024-01-02,1,2\na,2024-01-03,1,3\nb,2024-01-01,2,1\n"
       "b,2024-01-02,2,2\nb,2024-01-03,5,3\n"),
      "scenario,timestamp,x\nlow,2024-01-04,1\nhigh,2024-01-04,7\n"};
  fixture f = write_files(texts);
  static const char *const option[] = {"--future", "--scenarios"};
  for (size_t k = 0; k < 2; k++) {
    const char *later = f.path[1 + 2 * k];
    program_result wide = PROGRAM_RUN("forecast", f.path[0], "--wide", "-n1", "--covariates", "x", option[k], later);
    program_result tall = PROGRAM_RUN("forecast", f.path[2], "-n1", "--covariates", "x", option[k], later);
    if (wide.status != 0) fail_msg("%s", wide.err);
    assert_int_equal(tall.status, 0);
    assert_string_equal(wide.out, tall.out);
    program_free(&wide);
    program_free(&tall);
  }
  write_text(f.path[1], "timestamp,x,b\n2024-01-04,7,3\n");
  program_result r = PROGRAM_RUN("forecast", f.path[0], "--wide", "-n1", "--covariates", "x", "--future", f.path[1]);
  program_assert_error(&r, 1, "b.csv: column 'b' is what is forecast: expected known covariates alone");
  remove_files(&f);
}

/* Standard input is read once: a second '-' isn't blamed on the data. */
static void test_standard_input(void **state) {
  static const struct {
    const char *command, *first, *second, *third, *expected;
  } cases[] = {
      {"forecast", "-", "-", NULL, "error: expected one input '-', found 2: standard input is read once"},
      {"forecast", "-", "--future", "-", "error: --future: '-' is an input already: standard input is read once"},
      {"forecast", "-", "--scenarios", "-", "error: --scenarios: '-' is an input already"},
      {"evaluate", "-", "--against", "-", "error: --against: '-' is an input already"},
      {"detect", "-", "-", NULL, "error: expected one input '-', found 2"}};
  (void)state;
  const char *const texts[4] = {"timestamp,target,price\n2024-01-01,1,2\n2024-01-02,2,3\n2024-01-03,1,2\n"};
  fixture f = write_files(texts);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result r = program_run((const char *const[]){PROGRAM_PATH, cases[i].command, "-n1", cases[i].first,
                                                         cases[i].second, cases[i].third, NULL},
                                   f.path[0]);
    program_assert_error(&r, 2, cases[i].expected);
  }
  static const struct {
    const char *arguments, *expected; /* NULL: a forecast */
  } piped[] = {{"forecast - -n1 --future /dev/stdin", "error: --future: '/dev/stdin' is an input already"},
               {"forecast /dev/stdin -n1 --scenarios -", "error: --scenarios: '-' is an input already"},
               {"forecast - /dev/stdin -n1", "error: expected one input '-', found 2"},
               {"forecast /dev/stdin -n1", NULL},
               {"bench - -", "error: expected one input '-', found 2"},
               {"bench --paced -", "error: --paced: it reads standard input, which is an input already"}};
  for (size_t i = 0; i < sizeof piped / sizeof piped[0]; i++) {
    char line[1000];
    (void)snprintf(line, sizeof line, "cat '%s' | '%s' %s", f.path[0], PROGRAM_PATH, piped[i].arguments);
    program_result r = program_run((const char *const[]){"/bin/sh", "-c", line, NULL}, NULL);
    if (piped[i].expected) {
      program_assert_error(&r, 2, piped[i].expected);
      continue;
    }
    if (r.status != 0) fail_msg("%s", r.err);
    program_free(&r);
  }
  remove_files(&f);
}

/* Whatever lies in the working folder, '-' is standard input. */
static void test_files_named_as_standard_input(void **state) {
  (void)state;
  const char *const texts[4] = {"timestamp,target,price\n2024-01-01,1,2\n2024-01-02,2,3\n2024-01-03,1,2\n"};
  fixture f = write_files(texts);
  char *odd = program_path(f.folder, "-");
  char line[1000];
  (void)snprintf(line, sizeof line, "cd '%s' && exec '%s' forecast - -n1 --model=" SOURCE_DIR "/models/chronos2-micro",
                 f.folder, PROGRAM_PATH);
  for (int is_folder = 0; is_folder < 2; is_folder++) {
    program_write_file(odd, "", 0);
    assert_int_equal(truncate(odd, 5 << 20), 0);
    if (is_folder) assert_int_equal(unlink(odd), 0);
    if (is_folder) assert_int_equal(mkdir(odd, 0700), 0);
    program_result r = program_run((const char *const[]){"/bin/sh", "-c", line, NULL}, f.path[0]);
    assert_int_equal(is_folder ? rmdir(odd) : unlink(odd), 0);
    if (r.status != 0) fail_msg("%s", r.err);
    assert_non_null(strstr(r.out, "\n0,2024-01-04,target,"));
    program_free(&r);
  }
  free(odd);
  remove_files(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_joined_as_one), cmocka_unit_test(test_covariates),
                                     cmocka_unit_test(test_overlaps), cmocka_unit_test(test_whole_numbers),
                                     cmocka_unit_test(test_files_that_differ),
                                     cmocka_unit_test(test_points_beside_commas),
                                     cmocka_unit_test(test_presumed_points), cmocka_unit_test(test_stamps_alike),
                                     cmocka_unit_test(test_wide_futures),
                                     cmocka_unit_test(test_standard_input),
                                     cmocka_unit_test(test_files_named_as_standard_input)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
