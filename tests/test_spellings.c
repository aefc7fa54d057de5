/* Files as people have them: what can be read in one way is forecast as from a plain file, what can't be right is
 * refused with a line that says what was expected. */
#include "program.h"

typedef struct spelling {
  const char *name, *text; /* of the file */
  const char *options[4];
  const char *like;    /* a plain file of the same series; NULL: it is refused */
  const char *expects; /* in what is said, or in the error */
} spelling;

#define DAYS \
  "item_id,timestamp,target\na,2024-01-28,1020.5\na,2024-01-29,998\na,2024-01-30,1004.25\na,2024-01-31,1010\n"
#define ZONED(zone) \
  "timestamp,target\n2024-01-01 00:00:00" zone ",1\n2024-01-01 01:00:00" zone ",2\n2024-01-01 02:00:00" zone ",3\n"
#define QUARTERS "item_id,timestamp,target\na,2023-07-01,1\na,2023-10-01,2\na,2024-01-01,4\na,2024-04-01,3\n"

static const spelling spellings[] = {
    /* offsets and zones */
    {"x.csv", ZONED("+01:00"), {NULL}, ZONED("+0100"), "hourly (h)"},
    {"x.csv", ZONED("Z"), {NULL}, ZONED(" UTC"), "hourly (h)"},
    {"x.csv", ZONED("+01:00[Europe/Berlin]"), {NULL}, ZONED("+01:00"), "offsets of named time zones, not their names"},
    {"x.csv", ZONED(" Europe/Berlin"), {NULL}, NULL, "expected an offset from UTC"},
    {"x.csv", ZONED("[Europe/Berlin]"), {NULL}, NULL, "which instant it is where clocks are set back"},
    {"x.csv", ZONED(" CET"), {NULL}, NULL, "expected an offset from UTC"},
    {"x.csv", ZONED("+25:00"), {NULL}, NULL, "expected a time stamp"},
    /* NaN in JSON */
    {"x.jsonl",
     "{\"item_id\": \"a\", \"start\": \"2024-01-01\", \"freq\": \"D\", \"target\": [1, NaN, 3, 2]}\n",
     {NULL},
     "item_id,timestamp,target\na,2024-01-01,1\na,2024-01-02,\na,2024-01-03,3\na,2024-01-04,2\n",
     "1 item, 4 rows, daily (D)"},
    {"x",
     "\xef\xbb\xbf{\"item_id\": \"a\", \"start\": \"2024-01-28\", \"freq\": \"D\", "
     "\"target\": [1020.5, 998, 1004.25, 1010]}\n",
     {NULL}, DAYS, "1 item, 4 rows, daily (D)"},
    {"x.jsonl", "{\"target\": [1, Infinity]}\n", {NULL}, NULL, "x.jsonl:1:"},
    /* delimiters, decimal signs, dates */
    {"x.csv", "item_id;timestamp;target\na;28.01.2024;1.020,5\na;29.01.2024;998\na;30.01.2024;1.004,25\n"
              "a;31.01.2024;1010\n",
     {NULL}, DAYS, "a semicolon between fields, a decimal comma and digits in groups, time stamps as %d.%m.%Y"},
    {"x.csv", "item_id\ttimestamp\ttarget\na\t2024/01/28\t1020.5\na\t2024/01/29\t998\na\t2024/01/30\t1004.25\n"
              "a\t2024/01/31\t1010\n",
     {NULL}, DAYS, "a tab between fields"},
    {"x.csv", "item_id,timestamp,target\na,20240128,1020.5\na,20240129,998\na,20240130,1004.25\na,20240131,1010\n",
     {NULL}, DAYS, "days such as 20240131"},
    {"x.csv", "item_id,timestamp,target\na,1706400000,1020.5\na,1706486400,998\na,1706572800,1004.25\n"
              "a,1706659200,1010\n",
     {NULL}, DAYS, "seconds since 1970 in UTC"},
    {"x.csv", "item_id,timestamp,target\na,2024012800,1020.5\na,2024012900,998\n", {NULL}, NULL,
     "2024012800 may be 2024-01-28 00:00:00 ('%Y%m%d%H') or 2034-02-20 01:46:40 ('%s'); give --time-format"},
    {"x.csv", "item_id,timestamp,target\na,2024012800,1020.5\na,2024012900,998\na,2024013000,1004.25\n"
              "a,2024013100,1010\n",
     {"--time-format", "%Y%m%d%H"}, DAYS, "daily (D)"},
    {"x.csv", "item_id,timestamp,target\na,2023Q3,1\na,2023Q4,2\na,2024Q1,4\na,2024Q2,3\n", {NULL}, QUARTERS, "%YQ%q"},
    {"x.csv", "item_id,timestamp,target\na,03/04/2024,1\na,04/04/2024,2\na,05/04/2024,2\n", {NULL}, NULL,
     "'03/04/2024' may be 2024-04-03 ('%d/%m/%Y') or 2024-03-04 ('%m/%d/%Y'); give --time-format"},
    {"x.csv", "item_id,timestamp,target\na,2024-01-28,\"1,020\"\na,2024-01-29,\"2,030\"\n", {NULL}, NULL,
     "'1,020' may be 1.020 (decimal ,) or 1020 (decimal .); give --decimal"},
    {"x.csv", "item_id|timestamp|target\na|01/28/24|1020.5\na|01/29/24|998\na|01/30/24|1004.25\na|01/31/24|1010\n",
     {"--time-format", "%m/%d/%y"}, DAYS, "a vertical bar between fields"},
    {"x.csv", "item_id:timestamp:target\na:2024-01-28:1020,5\na:2024-01-29:998\na:2024-01-30:1004,25\n"
              "a:2024-01-31:1010\n",
     {"--delimiter", ":"}, DAYS, "a decimal comma"},
    {"x.csv", "item_id;timestamp;target\na;2024-01-28;1,020\na;2024-01-29;2,030\na;2024-01-30;1,5\n",
     {"--decimal", ","}, "item_id,timestamp,target\na,2024-01-28,1.02\na,2024-01-29,2.03\na,2024-01-30,1.5\n",
     "daily (D)"},
    {"x.csv", "item_id,timestamp,target\na,2024-01-28,\"1,020\"\na,2024-01-29,\"2,030\"\na,2024-01-30,7\n",
     {"--decimal", "."}, "item_id,timestamp,target\na,2024-01-28,1020\na,2024-01-29,2030\na,2024-01-30,7\n",
     "digits in groups"},
    /* a wide file */
    {"x.csv", "timestamp,a,b\n2024-01-01,1,5\n2024-01-02,2,6\n2024-01-03,3,7\n", {"--wide"},
     "item_id,timestamp,target\na,2024-01-01,1\na,2024-01-02,2\na,2024-01-03,3\nb,2024-01-01,5\nb,2024-01-02,6\n"
     "b,2024-01-03,7\n",
     "2 items, "},
    {"x.csv", "item_id,timestamp,a\nx,2024-01-01,1\n", {"--wide"}, NULL, "names the series: expected"},
};

static void check(const char *folder, const spelling *s) {
  char *path = program_path(folder, s->name);
  char *plain = program_path(folder, "plain.csv");
  program_write_file(path, s->text, strlen(s->text));
  program_result r = PROGRAM_RUN("forecast", path, "-n2", s->options[0], s->options[1]);
  if (!s->like) {
    program_assert_error(&r, 1, s->expects);
  } else {
    program_write_file(plain, s->like, strlen(s->like));
    program_result like = PROGRAM_RUN("forecast", plain, "-n2");
    if (r.status != 0 || like.status != 0) fail_msg("%s%s%s", s->text, r.err, like.err);
    assert_string_equal(r.out, like.out);
    if (!strstr(r.err, s->expects)) fail_msg("expected '%s', found '%s'", s->expects, r.err);
    program_free(&like);
    program_free(&r);
  }
  free(plain);
  free(path);
}

static void test_spellings(void **state) {
  (void)state;
  char *folder = program_make_folder();
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) check(folder, &spellings[i]);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spellings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
