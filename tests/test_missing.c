/* What is said of what series lack: observations, values of known futures, the offsets and the frequency that they have
 * in common. It is a line for each kind, however many series there are, and none where nothing is missing. */
#include "program.h"

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

#define LINE(id, x, future)                                                                                       \
  "{\"item_id\":\"" id "\",\"start\":\"2024-01-01\",\"freq\":\"D\",\"target\":[1,2,4],\"past_covariates\":{\"x\":" x \
  "}" future "}\n"

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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_frequencies)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
