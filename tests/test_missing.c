/* What is said of what series lack: observations, values of known futures, the offsets and the frequency that they have
 * in common. It is a line for each kind, however many series there are, and none where nothing is missing. */
#include "program.h"

#include "small.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"
#define SAYS "chronos2: warning: "

/* Everything that `chronos2 forecast -n2` says of a file and its known future (or NULL) behind the first line. The
 * file's folder is left out. */
static void assert_said(const char *name, const char *past, const char *future, const char *option, const char *said) {
  char *folder = program_make_folder();
  char *path = program_path(folder, name);
  char *known = program_path(folder, "future.csv");
  const char *argv[] = {PROGRAM_PATH, "forecast", path, "-m", MODEL, "-n2", option, NULL, NULL, NULL};
  program_write_file(path, past, strlen(past));
  if (future) {
    program_write_file(known, future, strlen(future));
    argv[7] = "--future";
    argv[8] = known;
  }
  program_result r = program_run(argv, NULL);
  if (r.status != 0) fail_msg("%s%s", past, r.err);
  char *found = strchr(r.err, '\n') + 1;
  char *place = strstr(found, folder);
  if (place) memmove(place, place + strlen(folder) + 1, strlen(place + strlen(folder)));
  if (strcmp(found, said) != 0) fail_msg("%s%s\nexpected '%s', found '%s'", past, future ? future : "", said, found);
  program_free(&r);
  free(path);
  free(known);
  program_remove_folder(folder);
}

#define HEAD "item_id,timestamp,target,x,kind\n"
#define DAYS(id, c1, c2, c3) id ",2024-01-01,1" c1 "\n" id ",2024-01-02,2" c2 "\n" id ",2024-01-03,4" c3 "\n"
#define WHOLE DAYS("a", ",1,u", ",2,", ",3,v")
#define FUTURE "item_id,timestamp,x,kind\n"
#define LINE(id, x, future)                                                                                       \
  "{\"item_id\":\"" id "\",\"start\":\"2024-01-01\",\"freq\":\"D\",\"target\":[1,2,4],\"past_covariates\":{\"x\":" x \
  "}" future "}\n"
#define UNKNOWN ": its effect is unknown\n"
#define BLANK " a covariate without an observed value in the past, "

static void test_covariates(void **state) {
  (void)state;
  assert_said("in.csv", HEAD WHOLE, NULL, "--covariates=x,kind", "");
  assert_said("in.csv", HEAD DAYS("a", ",,u", ",,u", ",,v"), NULL, "--covariates=kind", "");
  assert_said("in.csv", HEAD DAYS("b", ",1,", ",2,", ",3,") WHOLE DAYS("c", ",,u", ",,u", ",,v"), NULL,
              "--covariates=x,kind", SAYS "2 series, 'b' the first, have" BLANK "'kind' the first" UNKNOWN);
  /* what is known ahead doesn't help */
  assert_said("in.csv", HEAD DAYS("a", ",,u", ",,u", ",,v"), FUTURE "a,2024-01-04,1,u\na,2024-01-05,2,u\n",
              "--covariates=x", SAYS "1 series, 'a' the first, has" BLANK "'x' the first" UNKNOWN);
  assert_said("in.jsonl", LINE("a", "[null,null,null]", "") LINE("b", "[1,null,2]", ""), NULL, NULL,
              SAYS "1 series, 'a' the first, has" BLANK "'x' the first" UNKNOWN);
}

#define BEGINS "the forecast begins after the last row, not after the last observation"
#define BLANK_END(id) id ",2024-01-04,,1,u\n"

static void test_ends(void **state) {
  (void)state;
  assert_said("in.csv", HEAD WHOLE BLANK_END("a"), NULL, NULL,
              SAYS "1 series, 'a' the first, ends in missing targets, for 1 step: " BEGINS "\n");
  assert_said("in.csv", HEAD WHOLE BLANK_END("a") DAYS("b", ",1,u", ",2,v", ",3,v") DAYS("c", ",1,u", ",2,v", ",3,v")
              BLANK_END("c") "c,2024-01-05,,2,v\n", NULL, "--covariates=x",
              SAYS "2 series, 'a' the first, end in missing targets, for 2 steps at most: " BEGINS
                   "; covariates of later steps belong in a file of their own, which --future names\n");
  assert_said("in.csv", HEAD WHOLE BLANK_END("a"), FUTURE "a,2024-01-05,1,u\na,2024-01-06,2,u\n", "--covariates=x",
              SAYS "1 series, 'a' the first, ends in missing targets, for 1 step: " BEGINS "\n");
  for (size_t i = 0; i < 3; i++) { /* JSON Lines says what is known itself */
    static const char *const beside[] = {"", ",\"past_covariates\":{\"x\":[1,2,3]}",
                                         ",\"past_covariates\":{\"x\":[1,2,3]},\"future_covariates\":{\"x\":[1,2]}"};
    char line[200];
    (void)snprintf(line, sizeof line,
                   "{\"item_id\":\"a\",\"start\":\"2024-01-01\",\"freq\":\"D\",\"target\":[1,2,null]%s}\n", beside[i]);
    assert_said("in.jsonl", line, NULL, NULL,
                i == 1 ? SAYS "1 series, 'a' the first, ends in missing targets, for 1 step: " BEGINS
                              "; covariates of later steps belong in \"future_covariates\"\n"
                       : SAYS "1 series, 'a' the first, ends in missing targets, for 1 step: " BEGINS "\n");
  }
  /* one target that is observed is an observation, and a series without one has a line of its own */
  assert_said("in.csv", HEAD WHOLE BLANK_END("a"), NULL, "--target=target,x", "");
  assert_said("in.csv", HEAD WHOLE "b,2024-01-02,,1,u\nb,2024-01-03,,1,v\n" BLANK_END("b"), NULL, NULL,
              SAYS "1 series, 'b' the first, holds no observed value\n");
}

static void test_offsets(void **state) {
  (void)state;
  static const char *const zones[] = {"+02:00", "Z", "-08:00"};
  const char *foreign = SAYS "1 series, 'a' the first, has a known future with offsets from UTC that the past never "
                             "has: its days are those of the clock on the wall, whatever the offset\n";
  for (size_t i = 0; i < 3; i++) {
    char future[200];
    (void)snprintf(future, sizeof future, FUTURE "a,2024-01-04T00:00+02:00,1,u\na,2024-01-05T00:00%s,2,u\n", zones[i]);
    assert_said("in.csv", HEAD "a,2024-01-01T00:00+02:00,1,1,u\na,2024-01-02T00:00+02:00,2,2,v\n"
                               "a,2024-01-03T00:00+02:00,4,3,v\n",
                future, "--covariates=x,kind", i ? foreign : "");
  }
  /* the very instants of the next days, at other offsets, or one of them alone */
  for (size_t i = 0; i < 2; i++) {
    assert_said("in.csv", HEAD "a,2024-01-01T08:00Z,1,1,u\na,2024-01-02T08:00Z,2,2,v\na,2024-01-03T08:00Z,4,3,v\n",
                i ? FUTURE "a,2024-01-04T00:00-08:00,1,u\na,2024-01-05T17:00+09:00,2,u\n"
                  : FUTURE "a,2024-01-05T00:00-08:00,1,u\na,2024-01-04T08:00-08:00,2,u\n",
                "--covariates=x,kind", i ? "" : foreign);
  }
  /* instants say themselves when they are */
  assert_said("in.csv", HEAD "a,2024-01-01T00:00+02:00,1,1,u\na,2024-01-01T01:00+02:00,2,2,v\n"
                             "a,2024-01-01T02:00+02:00,4,3,v\n",
              FUTURE "a,2024-01-01T01:00Z,1,u\na,2024-01-01T02:00Z,1,u\n", "--covariates=x,kind", "");
  /* summer ends in the past */
  assert_said("in.csv", HEAD "a,2024-10-26T00:00+02:00,1,1,u\na,2024-10-27T00:00+02:00,2,2,v\n"
                             "a,2024-10-28T00:00+01:00,4,3,v\n",
              FUTURE "a,2024-10-29T00:00+02:00,1,u\na,2024-10-30T00:00+01:00,2,u\n", "--covariates=x,kind",
              SAYS "in.csv: item 'a' has several offsets from UTC: its forecast has that of the last row, "
                   "2024-10-28 00:00:00+01:00\n");
}

static void test_futures(void **state) {
  (void)state;
  assert_said("in.csv", HEAD WHOLE, FUTURE "a,2024-01-04,,u\na,2024-01-05,2,v\n", "--covariates=x,kind",
              SAYS "1 value of known futures, the first in column 'x' of 'a', is missing and counts as unknown\n");
  assert_said("in.csv", HEAD DAYS("b", ",1,u", ",2,u", ",3,v") WHOLE,
              FUTURE "a,2024-01-04,,u\na,2024-01-05,2,\nb,2024-01-04,,\nb,2024-01-05,,u\n", "--covariates=x,kind",
              SAYS "4 values of known futures, the first in column 'x' of 'b', are missing and count as unknown\n");
  /* a blank category is one of its own where the past has it */
  assert_said("in.csv", HEAD WHOLE, FUTURE "a,2024-01-04,1,\na,2024-01-05,2,\n", "--covariates=x,kind", "");
  assert_said("in.jsonl", LINE("a", "[1,null,2]", ",\"future_covariates\":{\"x\":[3,null]}"), NULL, NULL,
              SAYS "1 value of known futures, the first in column 'x' of 'a', is missing and counts as unknown\n");
}

static void test_scenarios(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *plans = program_path(folder, "plans.csv");
  const char *rows = "scenario,item_id,timestamp,x\nlow,a,2024-01-04,\nlow,a,2024-01-05,1\nhigh,a,2024-01-04,\n"
                     "high,a,2024-01-05,\n";
  program_write_file(path, HEAD WHOLE, strlen(HEAD WHOLE));
  program_write_file(plans, rows, strlen(rows));
  program_result r = PROGRAM_RUN("forecast", path, "-m", MODEL, "-n2", "--covariates=x", "--scenarios", plans,
                                 "--attention=windowed_future_null");
  if (r.status != 0 || program_count(r.err, "known futures") != 1) fail_msg("%s", r.err);
  assert_non_null(strstr(r.err, SAYS "3 values of known futures, the first in column 'x' of 'a', are missing and "));
  program_free(&r);
  free(path);
  free(plans);
  program_remove_folder(folder);
}

/* ---- Frequencies ----------------------------------------------------------------------------- */

#define HOURLY "{\"item_id\":\"h\",\"start\":\"2024-01-01\",\"freq\":\"h\",\"target\":[1,2,4]}\n"
#define NONE "{\"item_id\":\"n\",\"start\":\"2024-01-01\",\"target\":[1,2,4]}\n"

/* A series that has a frequency keeps it, and the season of `evaluate` is that of what is kept. */
static void test_frequencies(void **state) {
  (void)state;
  const char *kept = SAYS "2 series, 'a' the first, keep the frequency that the file gives, not the one that was asked "
                          "for\n";
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.jsonl");
  const char *lines = LINE("a", "[1,2,3]", "") HOURLY NONE LINE("b", "[1,2,3]", "");
  assert_said("in.jsonl", lines, NULL, "--freq=h", kept);
  assert_said("in.jsonl", LINE("a", "[1,2,3]", ""), NULL, "--freq=D", "");
  program_write_file(path, lines, strlen(lines));
  program_result r = PROGRAM_RUN("forecast", path, "-m", MODEL, "-n1", "--freq", "h");
  assert_int_equal(r.status, 0);
  const char *const rows[] = {"\na,2024-01-04,", "\nh,2024-01-01 03:00:00,", "\nn,2024-01-01 03:00:00,",
                              "\nb,2024-01-04,"};
  for (size_t i = 0; i < 4; i++) assert_non_null(strstr(r.out, rows[i]));
  program_free(&r);
  const char *day = LINE("a", "[1,2,3]", "");
  program_write_file(path, day, strlen(day));
  r = PROGRAM_RUN("evaluate", path, "-m", MODEL, "-n1", "--windows=1", "--freq=h");
  if (r.status != 0) fail_msg("%s", r.err);
  assert_non_null(strstr(r.err, SAYS "1 series, 'a' the first, keeps the frequency"));
  assert_non_null(strstr(r.err, "season of 7 steps, as data of this frequency have it, daily (D)"));
  program_free(&r);
  free(path);
  program_remove_folder(folder);
}

/* ---- Tables in parts ------------------------------------------------------------------------- */

enum { ITEMS = 2500, STEPS = 4 };

/* A table that is large enough to be read in parts, with a future; many items lack something. */
static void write_large(const char *path, const char *future) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("pad,item_id,timestamp,target,x\n", out);
  for (int i = 0; i < ITEMS * STEPS; i++) {
    int item = i / STEPS;
    int step = i % STEPS;
    (void)fprintf(out, "%0500d,item %d,2024-01-%02dT00:00+01:00,", 0, item, 1 + step);
    if (item % 50 && (item % 7 || step < 2)) (void)fprintf(out, "%d", step * step % 3);
    if (item % 3) (void)fprintf(out, ",%d\n", step);
    if (item % 3 == 0) (void)fputs(",\n", out);
  }
  assert_int_equal(fclose(out), 0);
  out = fopen(future, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,x\n", out);
  for (int i = 0; i < ITEMS; i++) {
    (void)fprintf(out, "item %d,2024-01-05T00:00%s,%s\n", i, i % 5 ? "+01:00" : "Z", i % 11 ? "1" : "");
  }
  assert_int_equal(fclose(out), 0);
}

static void test_parts(void **state) {
  (void)state;
  if (small_leaves_out("what a table in parts lacks")) return;
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *future = program_path(folder, "future.csv");
  char expected[1000];
  int ends = 0;
  for (int i = 0; i < ITEMS; i++) ends += i % 50 && i % 7 == 0;
  (void)snprintf(expected, sizeof expected,
                 SAYS "50 series, 'item 0' the first, hold no observed value\n" SAYS
                      "%d series, 'item 0' the first, have" BLANK "'x' the first" UNKNOWN SAYS
                      "%d series, 'item 7' the first, end in missing targets, for 2 steps at most: " BEGINS "\n" SAYS
                      "500 series, 'item 0' the first, have a known future with offsets from UTC that the past never "
                      "has: its days are those of the clock on the wall, whatever the offset\n" SAYS
                      "228 values of known futures, the first in column 'x' of 'item 0', are missing and count as "
                      "unknown\n",
                 (ITEMS + 2) / 3, ends);
  write_large(path, future);
  for (int whole = 0; whole < 2; whole++) {
    program_result r = program_run((const char *const[]){PROGRAM_PATH, "forecast", whole ? "-" : path, "-m", MODEL,
                                                         "-n1", "--covariates=x", "--future", future, NULL},
                                   whole ? path : NULL);
    if (r.status != 0) fail_msg("%s", r.err);
    assert_string_equal(strchr(r.err, '\n') + 1, expected);
    program_free(&r);
  }
  free(path);
  free(future);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_covariates),  cmocka_unit_test(test_ends),
                                     cmocka_unit_test(test_offsets),     cmocka_unit_test(test_futures),
                                     cmocka_unit_test(test_scenarios),   cmocka_unit_test(test_frequencies),
                                     cmocka_unit_test(test_parts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
