/* chronos2 evaluate: windows, scores and coverage of forecasts that are known, and the same numbers as a study's. */
#include "evaluate.h"

#include <time.h>

/* Forecasts of all windows that lie `by` above the truth, and by `growth` more at each step, with the levels 0.1, 0.5
 * and 0.9 at `spread` around them. */
static void write_theirs(const char *path, bool with_cutoff, double by, double growth, double spread, int windows,
                         int stride) {
  char text[32768];
  (void)snprintf(text, sizeof text, "item_id,timestamp,target_name,%spredictions,0.1,0.5,0.9\n",
                 with_cutoff ? "cutoff," : "");
  for (int i = 0; i < SERIES; i++) {
    for (int w = 0; w < windows; w++) {
      int first = STEPS - HORIZON - (windows - 1 - w) * stride;
      for (int h = 0; h < HORIZON; h++) {
        double point = value_at(i, first + h) + by + growth * h;
        char cutoff[16] = "";
        if (with_cutoff) (void)snprintf(cutoff, sizeof cutoff, "%d,", first - 1);
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "s%d,%d,target,%s%.17g,%.17g,%.17g,%.17g\n", i,
                       first + h, cutoff, point, point - spread, point, point + spread);
      }
    }
  }
  program_write_file(path, text, strlen(text));
}

/* Forecasts that are half a unit too high have that as their error. Bands of 0.4 around them never hold the truth,
 * those of 0.6 always do, and those of 0.5 end with it. */
static void test_against(void **state) {
  const files *f = *state;
  static const double spreads[] = {0.4, 0.6, 0.5};
  for (int k = 0; k < 3; k++) {
    double spread = spreads[k];
    write_theirs(f->theirs, true, 0.5, 0, spread, WINDOWS, STRIDE);
    program_result r = EVALUATE(f, "--windows", "3", "--stride", "3", "--against", f->theirs, "-o", f->scores,
                                "--calibration", f->bands);
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    program_free(&r);
    char *scores = program_read_file(f->scores);
    char *bands = program_read_file(f->bands);
    assert_true(cell(scores, ",,against,", FORECASTS) == SERIES * WINDOWS);
    assert_true(fabs(cell(scores, ",,against,", MAE) - 0.5) < 1e-12);
    assert_true(fabs(cell(scores, "s1,target,against,", MAE) - 0.5) < 1e-12);
    /* pinball losses, doubled, mean of the levels: 0.9 of what lies below 0.1's quantile, half, 0.1 */
    double low = 0.5 - spread;
    double mql = 2 * (fabs(low) * (low >= 0 ? 0.9 : 0.1) + 0.5 * 0.5 + (0.5 + spread) * 0.1) / 3;
    assert_true(fabs(cell(scores, ",,against,", MQL) - mql) < 1e-12);
    assert_true(cell(bands, "against,0.1,0.9,,", 5) == (k > 0));
    assert_true(cell(bands, "against,0.1,0.9,4,", 5) == (k > 0) && cell(bands, "against,0.1,0.9,4,", 4) == 6);
    assert_true(cell(bands, "against,,0.1,,", 5) == (k != 1));
    assert_true(cell(bands, "against,,0.5,,", 5) == 1);
    free(scores);
    free(bands);
  }
}

/* The signs of one file for those of the other. */
static void respell(const char *path) {
  char *text = program_read_file(path);
  for (char *c = text; *c; c++) *c = *c == ',' ? ';' : *c == '.' ? ',' : *c;
  program_write_file(path, text, strlen(text));
  free(text);
}

/* How the file of --against is spelled is found, and said, whatever the options say of the series. */
static void test_spelling_of_against(void **state) {
  const files *f = *state;
  write_theirs(f->theirs, true, 0.5, 0, 0.25, WINDOWS, STRIDE);
  for (int k = 0; k < 2; k++) { /* theirs, then the series */
    respell(k == 0 ? f->theirs : f->input);
    program_result r =
        k == 0 ? EVALUATE(f, "--windows", "3", "--stride", "3", "--against", f->theirs, "-o", f->scores)
               : EVALUATE(f, "--windows", "3", "--stride", "3", "--against", f->theirs, "-o", f->scores, "--decimal",
                          ",", "--delimiter", ";");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    bool is_told = strstr(r.err, "theirs.csv: read with a semicolon between fields\n") &&
                   strstr(r.err, "theirs.csv: read with a decimal comma\n");
    if (is_told != (k == 0)) fail_msg("%s", r.err);
    program_free(&r);
    char *scores = program_read_file(f->scores);
    assert_true(fabs(cell(scores, ",,against,", MAE) - 0.5) < 1e-12);
    free(scores);
    if (k == 0) write_theirs(f->theirs, true, 0.5, 0, 0.25, WINDOWS, STRIDE);
  }
  write_series(f->input);
}

/* A sign of the series that was presumed is settled by --decimal, though theirs is found. */
static void test_presumed_sign(void **state) {
  const files *f = *state;
  static const char theirs[] = "timestamp;predictions\n2024-01-05;1,5\n";
  char text[256] = "timestamp,target\n";
  for (int t = 1; t <= 9; t++) (void)snprintf(text + strlen(text), 32, "2024-01-0%d,1.23%d\n", t, t);
  program_write_file(f->input, text, strlen(text));
  program_write_file(f->theirs, theirs, strlen(theirs));
  for (int k = 0; k < 2; k++) {
    program_result r =
        k == 0 ? PROGRAM_RUN("evaluate", f->input, "-n1", "--against", f->theirs, "-o", f->scores)
               : PROGRAM_RUN("evaluate", f->input, "-n1", "--against", f->theirs, "-o", f->scores, "--decimal", ".");
    assert_int_equal(r.status, 1); /* theirs lacks windows, too */
    const char *said = k == 0 ? "beside a file with a decimal comma: write them alike; give --decimal\n"
                              : "theirs.csv: expected a forecast of series";
    if (!strstr(r.err, said)) fail_msg("%s", r.err);
    program_free(&r);
  }
  write_series(f->input);
}

/* ---- Time stamps of --against ---- */

/* Steps have an hour each, and clocks change before step CHANGE, within the windows. */
enum { CHANGE = 54 };
static const long long autumn = 1729990800; /* in Berlin, seconds since 1970 */
static const long long spring = 1711846800;

/* How a file spells its time stamps: hours with an offset, in minutes, before and from the change; without one; years,
 * months, days, seconds or milliseconds as whole numbers. */
typedef struct spelling {
  enum { OFFSET, WALL, YEAR, MONTH, DAY, SECOND, MILLISECOND } kind;
  long long change;
  int before, after;
} spelling;

static void spell(char out[40], const spelling *s, int step) {
  int minutes = step < CHANGE ? s->before : s->after;
  time_t second = (time_t)(s->change + 3600LL * (step - CHANGE) + (s->kind <= WALL ? 60LL * minutes : 0));
  time_t midnight = (time_t)(spring - 3600 + 86400LL * step);
  char zone[16] = "";
  switch (s->kind) {
    case OFFSET:
      (void)snprintf(zone, sizeof zone, "%c%02d:%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60, abs(minutes) % 60);
      /* fall through */
    case WALL:
      (void)strftime(out, 40, "%Y-%m-%dT%H:%M:%S", gmtime(&second));
      (void)strcat(out, zone);
      break;
    case YEAR: (void)snprintf(out, 40, "%d", 1950 + step); break;
    case MONTH: (void)snprintf(out, 40, "%d", (2000 + step / 12) * 100 + 1 + step % 12); break;
    case DAY: (void)strftime(out, 40, "%Y%m%d", gmtime(&midnight)); break;
    case SECOND: (void)snprintf(out, 40, "%lld", (long long)second); break;
    case MILLISECOND: (void)snprintf(out, 40, "%lld", (long long)second * 1000); break;
  }
}

/* The series, and forecasts of the windows that are the truth. */
static void write_spelt(const files *f, const spelling *ours, const spelling *theirs) {
  char text[32768] = "item_id,timestamp,target\n";
  char stamp[40];
  char cutoff[40];
  for (int i = 0; i < SERIES; i++) {
    for (int t = 0; t < STEPS; t++) {
      spell(stamp, ours, t);
      (void)snprintf(text + strlen(text), sizeof text - strlen(text), "s%d,%s,%g\n", i, stamp, value_at(i, t));
    }
  }
  program_write_file(f->input, text, strlen(text));
  (void)snprintf(text, sizeof text, "item_id,timestamp,cutoff,predictions,0.1,0.5,0.9\n");
  for (int k = 0; k < SERIES * WINDOWS * HORIZON; k++) {
    int first = STEPS - HORIZON - k / HORIZON % WINDOWS * STRIDE;
    double value = value_at(k / (HORIZON * WINDOWS), first + k % HORIZON);
    spell(stamp, theirs, first + k % HORIZON);
    spell(cutoff, theirs, first - 1);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "s%d,%s,%s,%g,%g,%g,%g\n",
                   k / (HORIZON * WINDOWS), stamp, cutoff, value, value, value, value);
  }
  program_write_file(f->theirs, text, strlen(text));
}

/* Forecasts are found by instant, and by whole numbers as the series' file has them; an offset that one file lacks is
 * refused. */
static void test_stamps(void **state) {
  const files *f = *state;
  const struct {
    spelling ours, theirs;
    const char *error; /* NULL: the truth is found */
  } cases[] = {{{OFFSET, spring, -240, -240}, {OFFSET, spring, -240, -240}, NULL},
               {{OFFSET, spring, -240, -240}, {OFFSET, spring, 0, 0}, NULL},
               {{OFFSET, spring, 60, 120}, {OFFSET, spring, 60, 120}, NULL},
               {{OFFSET, autumn, 120, 60}, {OFFSET, autumn, 120, 60}, NULL},
               {{OFFSET, autumn, 120, 60}, {OFFSET, autumn, 330, 330}, NULL},
               {{WALL, spring, 0, 0}, {WALL, spring, 0, 0}, NULL},
               {{OFFSET, spring, -240, -240},
                {WALL, spring, -240, -240},
                "theirs.csv:2: column 'timestamp': expected an offset from UTC, as in the past, found 2024-"},
               {{WALL, spring, 0, 0},
                {OFFSET, spring, 0, 0},
                "theirs.csv:2: column 'timestamp': expected no offset from UTC, as in the past, found 2024-"},
               {{OFFSET, spring, 60, 120},
                {SECOND, spring, 0, 0},
                "theirs.csv:2: column 'timestamp': expected an offset from UTC, as in the past, found 17118"},
               {{YEAR, 0, 0, 0}, {YEAR, 0, 0, 0}, NULL},
               {{MONTH, 0, 0, 0}, {MONTH, 0, 0, 0}, NULL},
               {{DAY, 0, 0, 0}, {DAY, 0, 0, 0}, NULL},
               {{SECOND, spring, 0, 0}, {SECOND, spring, 0, 0}, NULL},
               {{MILLISECOND, spring, 0, 0}, {MILLISECOND, spring, 0, 0}, NULL},
               {{MILLISECOND, spring, 0, 0}, {WALL, spring, 0, 0}, NULL},
               {{WALL, spring, 0, 0}, {SECOND, spring, 0, 0}, NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    write_spelt(f, &cases[i].ours, &cases[i].theirs);
    program_result r = EVALUATE(f, "--windows", "3", "--stride", "3", "--against", f->theirs, "-o", f->scores);
    if (cases[i].error ? r.status != 1 || !strstr(r.err, cases[i].error) : r.status != 0) {
      fail_msg("case %zu: status %d: %s", i, r.status, r.err);
    }
    bool is_told = strstr(r.err, "theirs.csv: read with whole numbers as "); /* unless it was of the series */
    bool is_other = cases[i].theirs.kind >= YEAR && cases[i].theirs.kind != cases[i].ours.kind;
    if (!cases[i].error && is_told != is_other) fail_msg("case %zu: %s", i, r.err);
    program_free(&r);
    if (cases[i].error) continue;
    char *scores = program_read_file(f->scores);
    if (cell(scores, ",,against,", MAE) != 0 || cell(scores, ",,against,", WQL) != 0) fail_msg("case %zu", i);
    free(scores);
  }
  write_series(f->input);
}

/* Errors that grow with the step leave the band in the second half of the horizon. */
static void test_steps(void **state) {
  const files *f = *state;
  write_theirs(f->theirs, true, 0, 0.5, 0.6, WINDOWS, STRIDE);
  program_result r =
      EVALUATE(f, "--windows", "3", "--stride", "3", "--against", f->theirs, "--calibration", f->bands);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  char *bands = program_read_file(f->bands);
  assert_true(cell(bands, "against,0.1,0.9,,", 5) == 0.5);
  for (int h = 0; h < HORIZON; h++) {
    char head[40];
    (void)snprintf(head, sizeof head, "against,0.1,0.9,%d,", h + 1);
    assert_true(cell(bands, head, 5) == (h < 2) && cell(bands, head, 4) == 6);
  }
  double share[3] = {0, 0, 0};
  const char *printed = strstr(r.out, "against: truth within");
  assert_non_null(printed);
  assert_int_equal(sscanf(strstr(printed, "80% band") + 8, "%lf%% %lf%% %lf%%", &share[0], &share[1], &share[2]), 3);
  assert_true(share[0] == 50 && share[1] == 100 && share[2] == 0);
  program_free(&r);
  free(bands);
}

/* Seasonal naive, and the windows: computed here. */
static void test_naive_and_windows(void **state) {
  const files *f = *state;
  program_result r = EVALUATE(f, "--windows", "3", "--stride", "3", "-o", f->scores);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_non_null(strstr(r.err, "3 windows of 4 steps, 3 apart; season of 7 steps\n"));
  program_free(&r);
  double mae = 0;
  double mase = 0;
  for (int w = 0; w < WINDOWS; w++) {
    int first = STEPS - HORIZON - (WINDOWS - 1 - w) * STRIDE;
    double scaled = 0;
    for (int i = 0; i < SERIES; i++) {
      double scale = 0;
      for (int t = SEASON; t < first; t++) scale += fabs(value_at(i, t) - value_at(i, t - SEASON)) / (first - SEASON);
      for (int h = 0; h < HORIZON; h++) {
        double error = fabs(value_at(i, first + h) - value_at(i, first + h - SEASON));
        mae += error / (SERIES * HORIZON * WINDOWS);
        scaled += error / scale / (SERIES * HORIZON);
      }
    }
    mase += scaled / WINDOWS;
  }
  char *scores = program_read_file(f->scores);
  assert_true(fabs(cell(scores, ",,seasonal_naive,", MAE) - mae) < 1e-12);
  assert_true(fabs(cell(scores, ",,seasonal_naive,", MASE) - mase) < 1e-12);
  free(scores);
}

/* A page shows the end of a long series, and says which forecasts lie before it. */
static void test_long_report(void **state) {
  const files *f = *state;
  char *path = program_path(f->folder, "long.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("timestamp,target\n", out);
  for (int t = 0; t < 3000; t++) (void)fprintf(out, "%d,%d\n", t, t % 7);
  assert_int_equal(fclose(out), 0);
  for (int k = 0; k < 2; k++) {
    program_result r = PROGRAM_RUN("evaluate", path, "-n1", "--windows", "12", "--stride", k ? "200" : "10", "--report",
                                   f->report, "--context-length", "32");
    assert_int_equal(r.status, 0);
    char *page = program_read_file(f->report);
    static const char said[] =
        "draws the last 2000 steps of a series: 2 of the forecasts begin before them; it has the scores of all";
    assert_true((strstr(r.err, said) != NULL) == (k == 1) && (strstr(page, said) != NULL) == (k == 1));
    free(page);
    program_free(&r);
  }
  assert_int_equal(unlink(path), 0);
  free(path);
}

/* What it writes as forecasts scores as the model did. */
static void test_round_trip(void **state) {
  const files *f = *state;
  program_result r = EVALUATE(f, "--windows", "3", "--stride", "2", "--forecasts", f->forecasts);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  program_free(&r);
  r = EVALUATE(f, "--windows", "3", "--stride", "2", "--against", f->forecasts, "-o", f->scores, "--report", f->report);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  program_free(&r);
  char *scores = program_read_file(f->scores);
  for (int column = FORECASTS; column < 4 + METRICS; column++) {
    double model = cell(scores, ",,model,", column);
    assert_true(model == cell(scores, ",,against,", column) && model > 0);
    assert_true(cell(scores, "s0,target,model,", column) == cell(scores, "s0,target,against,", column));
  }
  char *page = program_read_file(f->report);
  assert_non_null(page);
  assert_int_equal(strcmp(page + strlen(page) - 8, "</html>\n"), 0);
  free(page);
  free(scores);
}

/* The same windows in a task file give the same scores, to the last bit. */
static void test_as_study(void **state) {
  const files *f = *state;
  static const char tasks[] =
      "tasks:\n- {dataset_path: in.csv, dataset_config: t, horizon: 4, seasonality: 7, num_windows: 3,\n"
      "   initial_cutoff: -10, window_step_size: 3, quantile_levels: [0.25]}\n";
  char *path = program_path(f->folder, "tasks.yaml");
  char *prefix = program_path(f->folder, "p");
  char *full = program_path(f->folder, "p__perf_full.csv");
  program_write_file(path, tasks, strlen(tasks));
  program_result r = PROGRAM_RUN("study", "--tasks", path, "--radii", "1", "--perf-repeats", "1", "--arms", "none",
                                 "--threads", "1", "--local-radius", "1", "--out-prefix", prefix);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  program_free(&r);
  r = EVALUATE(f, "--windows", "3", "--stride", "3", "--quantile-levels", "0.25", "-o", f->scores);
  assert_int_equal(r.status, 0);
  program_free(&r);
  char *study = program_read_file(full);
  char *scores = program_read_file(f->scores);
  int found = 0;
  int column = 0;
  const char *end = strchr(study, '\n');
  for (const char *at = study; at && at < end; column++) { /* names of the columns */
    const char *next = strpbrk(at, ",\n");
    for (int m = 0; m < METRICS; m++) {
      const char *ours = strstr(scores, ",forecasts,") + strlen(",forecasts,");
      for (int k = 0; k < m; k++) ours = strchr(ours, ',') + 1;
      size_t size = strcspn(ours, ",\n");
      if ((size_t)(next - at) != size || strncmp(at, ours, size) != 0) continue;
      assert_true(cell(study, "chronos2-micro__full,", column) == cell(scores, ",,model,", 4 + m));
      found++;
    }
    at = next + 1;
  }
  assert_int_equal(found, METRICS);
  free(study);
  free(scores);
  free(full);
  free(prefix);
  free(path);
}

/* The season that a frequency has, and the windows where nothing is said of them. */
static void test_plan(void **state) {
  const files *f = *state;
  static const struct {
    const char *freq;
    size_t season;
  } cases[] = {{"s", 3600}, {"min", 1440}, {"15min", 96}, {"h", 24}, {"7h", 1}, {"D", 7}, {"B", 5},
               {"W", 1},    {"MS", 12},    {"2MS", 6},    {"QS", 4}, {"YS", 1}};
  char *path = program_path(f->folder, "plan.jsonl");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[300];
    char part[80];
    (void)snprintf(text, sizeof text,
                   "{\"start\":\"2024-01-01\",\"freq\":\"%s\",\"target\":[1,2,3,4,5,6,7,8,9,1,2,3,4,5]}\n",
                   cases[i].freq);
    program_write_file(path, text, strlen(text));
    program_result r = PROGRAM_RUN("evaluate", path, "-n", "2");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    (void)snprintf(part, sizeof part, "3 windows of 2 steps, 2 apart; season of %zu step%s, as data", cases[i].season,
                   cases[i].season == 1 ? "" : "s");
    if (!strstr(r.err, part)) fail_msg("%s: expected %s in %s", cases[i].freq, part, r.err);
    program_free(&r);
  }
  free(path);
}

/* Two series of two targets and two covariates as JSON Lines, up to a step; the future of `x` where it is known. */
static void write_joint(const char *path, int length, bool known) {
  char text[8192] = "";
  char *at = text;
  for (int i = 0; i < SERIES; i++) {
    at += sprintf(at, "{\"item_id\":\"s%d\",\"start\":\"2024-01-01\",\"freq\":\"D\",\"target\":[", i);
    for (int row = 0; row < 4; row++) {
      static const char *const before[] = {"[", ",[", "],\"past_covariates\":{\"x\":[", ",\"y\":["};
      at += sprintf(at, "%s", before[row]);
      for (int t = 0; t < length; t++) at += sprintf(at, "%s%g", t ? "," : "", value_at(i + row, t * (row + 1)));
      at += sprintf(at, "]");
    }
    at += sprintf(at, known ? "},\"future_covariates\":{\"x\":[" : "}}\n");
    for (int t = length; known && t < length + HORIZON; t++) {
      at += sprintf(at, "%s%g", t > length ? "," : "", value_at(i + 2, t * 3));
    }
    if (known) at += sprintf(at, "]}}\n");
  }
  program_write_file(path, text, strlen(text));
}

/* Forecasts of a window are those of its past, with the future of what is known; a target's score is that of its own
 * errors. */
static void test_known(void **state) {
  const files *f = *state;
  char *path = program_path(f->folder, "joint.jsonl");
  for (int known = 0; known < 2; known++) {
    write_joint(path, STEPS, false);
    program_result r = PROGRAM_RUN("evaluate", path, "-n", "4", "--windows", "1", "--forecasts", f->forecasts, "-o",
                                   f->scores, known ? "--known" : "--stride", known ? "x" : "4");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    program_free(&r);
    write_joint(path, STEPS - HORIZON, known);
    r = PROGRAM_RUN("forecast", path, "--horizon", "4");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    char *scores = program_read_file(f->scores);
    char *forecasts = program_read_file(f->forecasts);
    for (int i = 0; i < SERIES; i++) {
      for (int target = 0; target < 2; target++) {
        char head[60];
        double mae = 0;
        for (int h = 0; h < HORIZON; h++) {
          (void)snprintf(head, sizeof head, "s%d,2024-02-%02d,target_%d,", i, STEPS - HORIZON + h - 30, target);
          double expected = cell(r.out, head, 3);
          double given = cell(forecasts, head, 4);
          if (!(fabs(given - expected) <= 1e-6 * fabs(expected))) fail_msg("%s %g, expected %g", head, given, expected);
          mae += fabs(given - value_at(i + target, (STEPS - HORIZON + h) * (target + 1))) / HORIZON;
        }
        (void)snprintf(head, sizeof head, "s%d,target_%d,model,", i, target);
        assert_true(fabs(cell(scores, head, MAE) - mae) < 1e-9);
      }
    }
    free(scores);
    free(forecasts);
    program_free(&r);
  }
  free(path);
}

#define REFUSED(status, part, ...)                 \
  do {                                             \
    program_result refused = EVALUATE(__VA_ARGS__); \
    check_refused(&refused, status, part);         \
  } while (0)

/* One error line that holds `part`; notes may come before it. */
static void check_refused(program_result *r, int status, const char *part) {
  if (r->status != status || r->out_size != 0 || program_count(r->err, "chronos2: error: ") != 1 ||
      !strstr(r->err, part)) {
    fail_msg("expected status %d and '%s'; status %d, '%s', '%s'", status, part, r->status, r->out, r->err);
  }
  program_free(r);
}

/* Standard output has CSV or the table, never both. */
static void test_standard_output(void **state) {
  const files *f = *state;
  static const char *const runs[][2] = {{"--output=-", "item_id,target_name,forecaster,"},
                                        {"--output=/dev/stdout", "item_id,target_name,forecaster,"},
                                        {"--forecasts=-", "item_id,timestamp,target_name,cutoff,"},
                                        {"--calibration=/dev/fd/1", "forecaster,lower,"}};
  for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
    program_result r = EVALUATE(f, runs[i][0]);
    if (r.status != 0 || strncmp(r.out, runs[i][1], strlen(runs[i][1])) != 0) fail_msg("%s: %s", r.err, r.out);
    assert_null(strstr(r.out, "seasonal naive"));
    assert_non_null(strstr(r.err, "\nmetric          model seasonal naive      ratio\n"));
    program_free(&r);
  }
  REFUSED(2, "--forecasts: /dev/stdout is the place of --output", f, "--forecasts", "/dev/stdout", "-o", "-");
}

static void test_refused(void **state) {
  const files *f = *state;
  REFUSED(2, "--windows: the longest series has 60 steps, which is enough for 14", f, "--windows", "15");
  REFUSED(1, "expected more than the horizon's", f, "--horizon", "60");
  REFUSED(2, "--known: expected covariates that were read", f, "--known", "price");
  REFUSED(2, "--quantile-levels: expected levels between 0 and 1", f, "--quantile-levels", "0.5,1");
  REFUSED(2, "each once, found 0.5", f, "--quantile-levels", "0.5,0.25,0.50");
  REFUSED(1, "would overwrite the input", f, "-o", f->input);
  REFUSED(2, "/x is the place of --forecasts", f, "--forecasts", "/tmp/x", "--report", "/tmp/x");
  write_theirs(f->theirs, false, 0, 0, 1, 3, 3);
  REFUSED(1, "expected a column 'cutoff'", f, "--windows", "3", "--stride", "3", "--against", f->theirs);
  REFUSED(1, "theirs.csv:6: the same series, time stamp and cutoff as in line 5", f, "--against", f->theirs);
  write_theirs(f->theirs, true, 0, 0, (double)NAN, 3, 3);
  REFUSED(1, "theirs.csv:2: column '0.1': expected a number, found none", f, "--stride", "3", "--against", f->theirs);
  write_theirs(f->theirs, true, 0, 0, 1, 3, 3);
  char *rows = program_read_file(f->theirs);
  size_t last = (size_t)(strrchr(rows, ',') + 1 - rows);
  program_write_file(f->theirs, rows, last); /* the last cell is empty */
  REFUSED(1, "theirs.csv:25: column '0.9': expected a number, found none", f, "--stride", "3", "--against", f->theirs);
  memcpy(strstr(rows, ",0.5,"), ",.10,", 5);
  program_write_file(f->theirs, rows, strlen(rows));
  REFUSED(1, "theirs.csv: the columns '0.1' and '.10' are both of the quantile level 0.1", f, "--stride", "3",
          "--against", f->theirs);
  free(rows);
  write_theirs(f->theirs, false, 0, 0, 1, 2, 4);
  REFUSED(1, "theirs.csv: expected a forecast of series 's0', target, at 48", f, "--against", f->theirs);
  program_result r = EVALUATE(f, "--windows", "1", "--against", f->theirs);
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "8 of 16 rows are no step of a window"));
  program_free(&r);
  r = EVALUATE(f, "--windows", "2", "--against", f->theirs, "--quantile-levels", "0.25", "-o", f->scores);
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "theirs.csv has no column for the quantile level 0.25"));
  char *unknown = program_read_file(f->scores);
  assert_true(isnan(cell(unknown, ",,against,", WQL)) && isnan(cell(unknown, "s0,target,against,", WQL))); /* not 0 */
  assert_true(isfinite(cell(unknown, "s0,target,against,", MASE)));
  free(unknown);
  program_free(&r);
  rows = program_read_file(f->theirs);
  memcpy(strstr(rows, ",0.5,"), ",nan,", 5); /* is of no level */
  program_write_file(f->theirs, rows, strlen(rows));
  free(rows);
  r = EVALUATE(f, "--windows", "2", "--against", f->theirs, "--quantile-levels", "0.5");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "theirs.csv has no column for the quantile level 0.5"));
  program_free(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_against), cmocka_unit_test(test_spelling_of_against),
                                     cmocka_unit_test(test_presumed_sign),
                                     cmocka_unit_test(test_steps),
                                     cmocka_unit_test(test_stamps), cmocka_unit_test(test_naive_and_windows),
                                     cmocka_unit_test(test_long_report), cmocka_unit_test(test_round_trip),
                                     cmocka_unit_test(test_as_study), cmocka_unit_test(test_plan),
                                     cmocka_unit_test(test_known), cmocka_unit_test(test_standard_output),
                                     cmocka_unit_test(test_refused)};
  return cmocka_run_group_tests_name("evaluate", tests, set_up, tear_down);
}
