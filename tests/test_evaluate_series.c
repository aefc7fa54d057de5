/* chronos2 evaluate: series that are short, odd or without a past, and scores that are infinite or have many digits. */
#include "evaluate.h"

/* What scores lack is said, with the reason; what isn't used as it was given, too. */
static void test_odd_series(void **state) {
  const files *f = *state;
#define X "\"past_covariates\":{\"x\":[1,2,3,4,5,6,7,8,9,10,11,12]}"
#define FLAT "{\"target\":[5,5,5,5,5,5,5,5,5,6,5,5]"
#define GOOD "{\"target\":[1,2,1,3,1,2,1,4,1,2,1,3]"
  static const struct {
    const char *lines;
    int status;
    const char *said, *unsaid;
  } cases[] = {
      {GOOD "}", 0, "3 forecasts of 1 series", "not scored"},
      {"{\"target\":[1,2,1,3,1,2,null,null,null,null,null,null]}", 0,
       "6 of 6 values in the windows are missing: they are not scored", "no MASE"},
      {"{\"target\":[1,2,1,3,1,2,1,2,null,4,1,2]}", 0, "1 of 6 values in the windows are missing", "no MASE"},
      {"{\"target\":[1,2,1,3,1,2,0,0,0,0,0,0]}", 0,
       "3 of 3 forecasts have no WAPE, WAPEB or WQL of their own: the truth is 0 throughout (3 of series '0', target); "
       "there is none of all series, as a window has none\n",
       "values in the windows"},
      {GOOD "}\n{\"target\":[1,2,1,3,1,2,0,0,1,2,1,2]}", 0,
       "1 of 6 forecasts has no WAPE, WAPEB or WQL of their own: the truth is 0 throughout (1 of series '1', target); "
       "scores of a series are means of the others\n",
       "no MASE"},
      {"{\"target\":[5,5,5,5,5,5,5,5,5,5,5,5]}", 0,
       "3 of 3 forecasts have no MASE, RMSSE or SQL: the past never differs from a season before, or is shorter than "
       "that (3 of series '0', target); there is none of all series, as a window has none\n",
       "left out"},
      {GOOD "}\n" FLAT "}\n" FLAT "}", 0,
       "4 of 9 forecasts have no MASE, RMSSE or SQL: the past never differs from a season before, or is shorter than "
       "that (2 of series '1', target, and 1 more series); scores are means of the others\n",
       "there is none"},
      {FLAT "}", 0, "(2 of series '0', target); there is none of all series, as a window has none\n", "others"},
      {"{\"target\":[1,2,1,3,1,2,1,-2,0,3,1,2]}", 0,
       "steps are left out of RMSLE where truth or forecast is below -1: 1 (model), 3 (seasonal_naive) of 6; "
       "there is none of all series, as a window has none (seasonal_naive)\n",
       "SMAPE"},
      {"{\"target\":[1,2,1,3,1,2,1,-2,0,3,1,2]}", 0,
       "steps are left out of MAPE where the truth is 0: 1 (model), 1 (seasonal_naive) of 6\n", "SMAPE"},
      {"{\"target\":[1,2,1,3,1,2,0,0,1,2,1,2]}", 0,
       "(seasonal_naive) of 6; there is none of all series, as a window has none (model, seasonal_naive)\n", "no MASE"},
      {"{\"target\":[1,2,1,3,1,0,0,2,1,3,1,2]}", 0,
       "steps are left out of SMAPE where truth and forecast are 0: 0 (model), 1 (seasonal_naive) of 6\n", "RMSLE"},
      {GOOD "," X ",\"future_covariates\":{\"x\":[1,2]}}", 0,
       "covariate 'x' has a known future, but windows don't know it ahead; --known x says that they do", "missing"},
      {GOOD "," X "}\n" GOOD "}", 1,
       "odd.jsonl:2: series '1' lacks a covariate 'x': expected those of the first series", "metric"},
      {GOOD "}\n" GOOD "," X "}", 1,
       "odd.jsonl:2: series '1' has a covariate 'x': expected those of the first series", "metric"}};
  char *path = program_path(f->folder, "odd.jsonl");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_write_file(path, cases[i].lines, strlen(cases[i].lines));
    program_result r = PROGRAM_RUN("evaluate", path, "-n", "2");
    bool said = strstr(r.err, cases[i].said) || strstr(r.out, cases[i].said);
    if (r.status != cases[i].status || !said || strstr(r.err, cases[i].unsaid)) {
      fail_msg("case %zu: status %d, expected '%s', not '%s', in %s", i, r.status, cases[i].said, cases[i].unsaid,
               r.err);
    }
    program_free(&r);
  }
  free(path);
}

/* Why there is no MSE, RMSE, RMSSE or RMSLE. */
static void test_infinite_errors(void **state) {
  const files *f = *state;
  static const struct {
    const char *line, *said;
  } cases[] = {
      {"{\"target\":[1e200,2e200,1e200,3e200,1e200,2e200,1e200,3e200,1e200,2e200,1e200,3e200]}",
       "errors of MSE, RMSE, RMSSE are infinite where squares are beyond the range of floating-point numbers: at "},
      {"{\"target\":[1,2,1,3,1,2,1,2,-1,3,1,2]}", "errors of RMSLE are infinite where truth or forecast is -1: at 1 "}};
  char *path = program_path(f->folder, "infinite.jsonl");
  for (size_t i = 0; i < 2; i++) {
    program_write_file(path, cases[i].line, strlen(cases[i].line));
    program_result r = PROGRAM_RUN("evaluate", path, "-n", "2");
    if (r.status != 0 || program_count(r.err, cases[i].said) != 1) fail_msg("no '%s' in %s", cases[i].said, r.err);
    assert_int_equal(program_count(r.err, "errors of"), 1);
    program_free(&r);
  }
  free(path);
}

/* A category that a window's past never had is said, once for all windows, where it is known ahead. */
static void test_unseen(void **state) {
  const files *f = *state;
  char text[1024] = "timestamp,target,kind\n";
  char *path = program_path(f->folder, "kinds.csv");
  for (int t = 0, at = (int)strlen(text); t < 24; t++) {
    at += sprintf(text + at, "%d,%d,%s\n", t, t % 5, t == 19 || t == 23 ? "odd" : t == 22 ? "new" : "usual");
  }
  program_write_file(path, text, strlen(text));
  program_result r = PROGRAM_RUN("evaluate", path, "-n", "4", "--windows", "3", "--covariates", "kind");
  assert_int_equal(r.status, 0);
  assert_null(strstr(r.err, "never had"));
  program_free(&r);
  r = PROGRAM_RUN("evaluate", path, "-n", "4", "--windows", "3", "--covariates", "kind", "--known", "kind");
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.err, "never had"), 1);
  assert_non_null(strstr(r.err,
                         "warning: column 'kind': item '0' never had 'odd' in its past, so its effect is unknown; "
                         "future values of such categories: 2\n"));
  program_free(&r);
  free(path);
}

/* Numbers that would have hundreds of digits are printed with an exponent. */
static void test_long_numbers(void **state) {
  const files *f = *state;
  char text[2048] = "timestamp,target\n";
  char *path = program_path(f->folder, "long.csv");
  for (int t = 0, at = (int)strlen(text); t < 24; t++) at += sprintf(text + at, "%d,%de300\n", t, t % 5 + 1);
  program_write_file(path, text, strlen(text));
  program_result r = PROGRAM_RUN("evaluate", path, "-n", "4", "--windows", "1", "--seasonality", "4");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.out, "e+300"));
  for (const char *line = r.out, *end = NULL; (end = strchr(line, '\n')); line = end + 1) {
    assert_true(end - line < 120);
  }
  program_free(&r);
  free(path);
}

/* Numbers that are not 0 don't look like it. */
static void test_short_numbers(void **state) {
  const files *f = *state;
  char text[2048] = "timestamp,target\n";
  char *path = program_path(f->folder, "short.csv");
  for (int t = 0, at = (int)strlen(text); t < 24; t++) at += sprintf(text + at, "%d,%de-9\n", t, t % 5 + 1);
  program_write_file(path, text, strlen(text));
  program_result r = PROGRAM_RUN("evaluate", path, "-n", "4", "--windows", "1", "--seasonality", "4");
  assert_int_equal(r.status, 0);
  const char *mae = strstr(r.out, "\nMAE ");
  double model = 0;
  double naive = 0;
  assert_non_null(mae);
  assert_int_equal(sscanf(mae, "\nMAE %lf %lf", &model, &naive), 2);
  assert_true(model > 1e-11 && naive > 1e-11);
  assert_null(strstr(r.out, "0.00000000"));
  program_free(&r);
  free(path);
}

/* Forecasts whose past holds nothing are scored as with fev, which is said; a context may be shorter than the past. */
static void test_unobserved_past(void **state) {
  const files *f = *state;
  static const char said[] =
      "2 of 8 forecasts, of series 'x' the first, have a past without an observed value: they are scored like the "
      "others\n";
  char *path = program_path(f->folder, "lead.csv");
  for (int k = 0; k < 3; k++) {
    char text[4096] = "item_id,timestamp,target\n";
    for (int t = 0, at = (int)strlen(text); t < 48; t++) {
      bool observed = t >= 34 || (k > 0 && t == 20);
      at += sprintf(text + at, observed ? "x,%d,%d\n" : "x,%d,\n", t, t * 7 % 5);
    }
    program_write_file(path, text, strlen(text));
    program_result r = PROGRAM_RUN("evaluate", path, "-n", "2", "--windows", "8", "--context-length",
                                   k == 1 ? "1" : "99");
    assert_int_equal(r.status, 0);
    if ((strstr(r.err, said) != NULL) != (k < 2)) fail_msg("%d: %s", k, r.err);
    program_free(&r);
  }
  free(path);
}

/* Files of forecasts have the names of --id-column and --timestamp-column, and are spelled as the series are where
 * their cells may mean two things: 9 to 12 March, and 1,234. */
static void test_as_series(void **state) {
  const files *f = *state;
  char text[4096] = "sensor;when;target\n";
  char *path = program_path(f->folder, "days.csv");
  char *at = text + strlen(text);
  for (int t = 0; t < 60; t++) {
    static const int days[] = {31, 29, 31};
    int month = 1;
    int day = 13 + t;
    for (; day > days[month - 1]; day -= days[month++ - 1]) continue;
    at += sprintf(at, "a;%02d/%02d/2024;%d,5\n", day, month, t % 7);
  }
  program_write_file(path, text, strlen(text));
#define COLUMNS "--id-column", "sensor", "--timestamp-column", "when"
  program_result r = PROGRAM_RUN("evaluate", path, "-n", "4", COLUMNS, "--forecasts", f->forecasts);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  program_free(&r);
  r = PROGRAM_RUN("evaluate", path, "-n", "4", COLUMNS, "--against", f->forecasts, "-o", f->scores);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  char *scores = program_read_file(f->scores);
  assert_true(cell(scores, ",,model,", MAE) == cell(scores, ",,against,", MAE));
  free(scores);
  program_free(&r);
  at = text + sprintf(text, "sensor;when;target_name;predictions\n");
  for (int day = 9; day < 13; day++) at += sprintf(at, "a;%02d/03/2024;target;1,234\n", day);
  program_write_file(f->theirs, text, strlen(text));
  r = PROGRAM_RUN("evaluate", path, "-n", "4", COLUMNS, "--windows", "1", "--against", f->theirs, "-o", f->scores);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  program_free(&r);
  scores = program_read_file(f->scores);
  double mae = 0;
  for (int t = 56; t < 60; t++) mae += fabs(t % 7 + 0.5 - 1.234) / 4;
  assert_true(fabs(cell(scores, ",,against,", MAE) - mae) < 1e-12);
  free(scores);
  static const char *const taken[] = {"target_name", "cutoff", "predictions", "0.1"};
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
    r = PROGRAM_RUN("evaluate", path, "-n", "4", "--id-column", taken[i], "--forecasts", f->forecasts);
    program_assert_error(&r, 2, "--id-column: the output has a column '");
    r = PROGRAM_RUN("evaluate", path, "-n", "4", "--timestamp-column", taken[i], "--against", f->forecasts);
    program_assert_error(&r, 2, "--timestamp-column: the output has a column '");
  }
  free(path);
}

/* A series that is too short for the first windows has the scores of its last one, and the others keep theirs. */
static void test_short_series(void **state) {
  const files *f = *state;
  static const int lengths[] = {8, 40, 36};
  char *path = program_path(f->folder, "lengths.csv");
  char *scores[4]; /* of each series alone, then of all */
  for (int k = 0; k < 4; k++) {
    char text[4096] = "item_id,timestamp,target\n";
    for (int i = k % 3; i < (k < 3 ? k + 1 : 3); i++) {
      for (int t = 0; t < lengths[i]; t++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "s%d,%d,%g\n", i, t, value_at(i, t));
      }
    }
    program_write_file(path, text, strlen(text));
    program_result r = PROGRAM_RUN("evaluate", path, "-n", "4", "--windows", k == 0 ? "1" : "3", "-o", f->scores);
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    assert_int_equal(program_count(r.err, "2 of 9 forecasts are left out: those series are too short for all windows"),
                     k == 3);
    program_free(&r);
    scores[k] = program_read_file(f->scores);
  }
  for (int k = 0; k < 6; k++) {
    char head[40];
    (void)snprintf(head, sizeof head, "\ns%d,target,%s,", k / 2, k % 2 ? "seasonal_naive" : "model");
    const char *alone = strstr(scores[k / 2], head);
    const char *among = strstr(scores[3], head);
    assert_non_null(alone);
    assert_non_null(among);
    assert_int_equal(atoi(alone + strlen(head)), k < 2 ? 1 : 3);
    size_t size = strcspn(alone + 1, "\n") + 2;
    if (strncmp(alone, among, size) != 0) fail_msg("%.*s, then %.*s", (int)size, alone, (int)size, among);
  }
  for (int k = 0; k < 4; k++) free(scores[k]);
  free(path);
}

/* A forecast beyond the range of numbers: the message has the series' id, whoever asks for it. */
static void test_infinite_forecast(void **state) {
  const files *f = *state;
  char text[8192] = "item_id,timestamp,target\n";
  char *at = text + strlen(text);
  char *path = program_path(f->folder, "wild.csv");
  for (int i = 0; i < 3; i++) {
    for (int t = 0; t < 36; t++) {
      at += sprintf(at, "%s,%d,", i == 2 ? "wild" : i == 1 ? "calm" : "still", t);
      at += sprintf(at, i == 2 ? "%d.7e308\n" : "%d\n", i < 2 ? t % 5 : t % 2 ? -1 : 1);
    }
  }
  program_write_file(path, text, strlen(text));
  for (int k = 0; k < 3; k++) {
    program_result r = k == 0   ? PROGRAM_RUN("forecast", path, "-n", "2")
                       : k == 1 ? PROGRAM_RUN("evaluate", path, "-n", "2")
                                : PROGRAM_RUN("detect", path);
    assert_int_equal(r.status, 1);
    if (!strstr(r.err, "the forecast of series 'wild' is not finite\n")) fail_msg("%d: %s", k, r.err);
    program_free(&r);
  }
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_odd_series), cmocka_unit_test(test_infinite_errors),
                                     cmocka_unit_test(test_unseen), cmocka_unit_test(test_long_numbers),
                                     cmocka_unit_test(test_short_numbers), cmocka_unit_test(test_unobserved_past),
                                     cmocka_unit_test(test_as_series), cmocka_unit_test(test_short_series),
                                     cmocka_unit_test(test_infinite_forecast)};
  return cmocka_run_group_tests_name("evaluate", tests, set_up, tear_down);
}
