/* chronos2 detect: as many false alarms on clean data as its bands leave, planted ones found, and the thresholds of
 * conformal prediction. */
#include "program.h"
#include "small.h"

#include <math.h>

#include "study/statistics/conformal.h"
#include "base/random.h"

enum { SERIES = 6, STEPS = 200, WARMUP = 32, SPIKES = 150 /* the first step that may have one */ };

/* ---- Thresholds --------------------------------------------------------------------------------- */

static void test_thresholds(void **state) {
  (void)state;
  c2_conformal c = {.count = 0};
  assert_int_equal(c2_conformal_least(0.99), 99);
  assert_int_equal(c2_conformal_least(0.9), 9);
  assert_int_equal(c2_conformal_least(0.5), 1);
  for (int i = 0; i < 98; i++) {
    assert_int_equal(c2_conformal_add(&c, (i * 37) % 98, NULL), C2_OK);
    if (i % 10 == 3) assert_int_equal(c2_conformal_order(&c, NULL), C2_OK);
  }
  assert_int_equal(c2_conformal_order(&c, NULL), C2_OK);
  for (int i = 0; i < 98; i++) assert_true(c.score[i] == i);
  assert_true(isnan(c2_conformal_threshold(&c, 0.99)));
  assert_int_equal(c2_conformal_add(&c, (double)INFINITY, NULL), C2_OK);
  assert_int_equal(c2_conformal_order(&c, NULL), C2_OK);
  assert_true(isinf(c2_conformal_threshold(&c, 0.99))); /* the 99th of 99 */
  assert_true(c2_conformal_threshold(&c, 0.98) == 97);  /* the 98th: of 0, 1, ... 97 */
  assert_true(c2_conformal_threshold(&c, 0.5) == 49);   /* the 50th */
  assert_true(isnan(c2_conformal_threshold_of_others(&c, 5, 0.99)));
  assert_int_equal(c2_conformal_add(&c, 200, NULL), C2_OK); /* 0, 1, ... 97, 200, infinite */
  assert_int_equal(c2_conformal_order(&c, NULL), C2_OK);
  assert_true(c2_conformal_threshold_of_others(&c, (double)INFINITY, 0.99) == 200); /* the 99th of the 99 others */
  assert_true(isinf(c2_conformal_threshold_of_others(&c, 200, 0.99)));
  assert_true(c2_conformal_threshold_of_others(&c, 48, 0.5) == 50); /* the 50th of the others */
  assert_true(c2_conformal_threshold_of_others(&c, 49, 0.5) == 50);
  assert_true(c2_conformal_threshold_of_others(&c, 50, 0.5) == 49);
  c2_conformal_free(&c);
}

/* ---- Data ------------------------------------------------------------------------------------------ */

/* About normal, with mean 0 and deviation 1. */
static double noise(uint64_t *state) {
  double sum = 0;
  for (int i = 0; i < 12; i++) sum += (double)c2_random_below(state, 1000001) / 1e6;
  return sum - 6;
}

/* Noise that depends on the step before, half of the series with a season; spikes of 12 deviations where `spiked`. */
static void write_series(const char *path, bool spiked) {
  FILE *out = fopen(path, "w");
  uint64_t state = 5;
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target\n", out);
  for (int i = 0; i < SERIES; i++) {
    double before = 0;
    for (int t = 0; t < STEPS; t++) {
      before = 0.5 * before + noise(&state);
      double spike = spiked && t >= SPIKES && t % 23 == i ? 12 : 0;
      (void)fprintf(out, "s%d,%d,%.6f\n", i, t, 50 + 8 * sin(t * M_PI / 6) * (i % 2) + before + spike);
    }
  }
  assert_int_equal(fclose(out), 0);
}

/* ---- False alarms ------------------------------------------------------------------------------------ */

/* How many of how many, from the line on stderr. */
static void read_found(const char *err, size_t *flags, size_t *judged) {
  const char *at = strstr(err, " observations lie outside");
  assert_non_null(at);
  while (at > err && at[-1] != '\n') at--;
  assert_int_equal(sscanf(at, "chronos2: %zu of %zu observations", flags, judged), 2);
}

/* A judged step with n earlier ones of its series is flagged with the probability 1 - k / (n + 1), k the rank of the
 * threshold, if their scores are exchangeable, and then each step independently of the others. With fewer than there
 * must be, all other scores of all series give the threshold, and the probability is about 1 - coverage. So the number
 * of flags is a sum of independent choices: its mean and variance follow, and beyond four deviations lie 6 in 100,000
 * sums. The model's own bands need not be right for that, but its errors must be alike from step to step. */
static void bounds_of(double coverage, double *low, double *high) {
  double mean = 0;
  double variance = 0;
  size_t least = c2_conformal_least(coverage);
  for (size_t n = 0; n < STEPS - WARMUP; n++) {
    double p = n < least ? 1 - coverage : 1 - ceil(coverage * (double)(n + 1) - 1e-9) / (double)(n + 1);
    mean += SERIES * p;
    variance += SERIES * p * (1 - p);
  }
  *low = mean - 4 * sqrt(variance);
  *high = mean + 4 * sqrt(variance);
}

/* A band has a lower and an upper end, with what was expected between them, where the model's quantiles cross, too. */
static void test_order(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "seldom.csv");
  FILE *out = fopen(path, "w");
  uint64_t seed = 3;
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target\n", out);
  for (int t = 0; t < 600; t++) {
    double value = (double)c2_random_below(&seed, 1000) / 1000;
    (void)fprintf(out, "s,%d,%g\n", t, c2_random_below(&seed, 10) == 0 ? value : 0);
  }
  assert_int_equal(fclose(out), 0);
  program_result r = PROGRAM_RUN("detect", path, "--all", "--context-length", "64");
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  size_t rows = 0;
  char *save = NULL;
  for (char *line = strtok_r(strchr(r.out, '\n'), "\n", &save); line; line = strtok_r(NULL, "\n", &save), rows++) {
    double value = 0, expected = 0, lower = 0, upper = 0, score = 0;
    const char *at = strchr(strchr(strchr(line, ',') + 1, ',') + 1, ',');
    if (sscanf(at, ",%lf,%lf,%lf,%lf,%lf", &value, &expected, &lower, &upper, &score) != 5) fail_msg("%s", line);
    if (!(lower <= expected && expected <= upper) || (score != 0 && (score < 0) != (value < expected))) {
      fail_msg("%s", line);
    }
    assert_null(strstr(line, "-0,"));
  }
  assert_true(rows > 300);
  program_free(&r);
  free(path);
  program_remove_folder(folder);
}

static void test_false_alarms(void **state) {
  (void)state;
  if (small_leaves_out("false alarms in a thousand forecasts")) return;
  size_t flags = 0;
  size_t judged = 0;
  double low = 0;
  double high = 0;
  char *folder = program_make_folder();
  char *path = program_path(folder, "clean.csv");
  write_series(path, false);
  program_result r = PROGRAM_RUN("detect", path, "--coverage", "0.9", "--context-length", "32");
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  read_found(r.err, &flags, &judged);
  assert_int_equal(judged, SERIES * (STEPS - WARMUP));
  assert_int_equal(program_count(r.out, ",1\n"), flags);
  assert_int_equal(program_count(r.out, "\n"), flags + 1);
  bounds_of(0.9, &low, &high);
  print_message("%zu of %zu flagged (%.2f%%), expected %.1f to %.1f\n", flags, judged,
                100 * (double)flags / (double)judged, low, high);
  assert_true((double)flags >= low && (double)flags <= high);
  program_free(&r);
  free(path);
  program_remove_folder(folder);
}

/* ---- Alarms -------------------------------------------------------------------------------------------- */

static void test_spikes(void **state) {
  (void)state;
  if (small_leaves_out("spikes among a thousand forecasts")) return;
  char *folder = program_make_folder();
  char *path = program_path(folder, "spiked.csv");
  char *report = program_path(folder, "r.html");
  write_series(path, true);
  program_result r = PROGRAM_RUN("detect", path, "--last", "50", "--all", "--report", report, "--context-length", "32",
                                 "--coverage", "0.95");
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_int_equal(program_count(r.out, "\n"), 1 + SERIES * 50);
  size_t planted = 0;
  for (int i = 0; i < SERIES; i++) {
    for (int t = SPIKES; t < STEPS; t++) {
      char name[48];
      double value = 0;
      double expected = 0;
      double lower = 0;
      double upper = 0;
      double score = 0;
      int flag = 0;
      (void)snprintf(name, sizeof name, "\ns%d,%d,target,", i, t);
      const char *line = strstr(r.out, name);
      assert_non_null(line);
      assert_int_equal(sscanf(line + strlen(name), "%lf,%lf,%lf,%lf,%lf,%d", &value, &expected, &lower, &upper, &score,
                              &flag), 6);
      assert_true(lower <= expected && expected <= upper);
      assert_int_equal(flag, value < lower || value > upper);
      assert_int_equal(flag, fabs(score) > 1);
      double half = value > expected ? upper - expected : expected - lower;
      assert_true(fabs(score * half - (value - expected)) < 1e-4 * fmax(1, fabs(value)));
      if (t % 23 != i) continue;
      planted++;
      if (flag != 1 || score < 1) fail_msg("series %d, step %d: a spike with the score %g", i, t, score);
    }
  }
  assert_true(planted >= 2 * SERIES);
  char *page = program_read_file(report);
  assert_non_null(page);
  assert_int_equal(strcmp(page + strlen(page) - 8, "</html>\n"), 0);
  free(page);
  program_free(&r);
  free(report);
  free(path);
  program_remove_folder(folder);
}

/* Where few earlier observations make all of them the yardstick, one is measured by the others: the worst one does not
 * widen its own band, and those beside it keep theirs. */
static void test_worst(void **state) {
  (void)state;
  static const int lengths[] = {131, 132, 160, 200, 230}; /* 99 are judged, of which 98 others are too few; 100; ... */
  char *folder = program_make_folder();
  char *path = program_path(folder, "worst.csv");
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    FILE *out = fopen(path, "w");
    uint64_t seed = 2;
    assert_non_null(out);
    (void)fputs("timestamp,target\n", out);
    for (int t = 0; t < lengths[i]; t++) {
      (void)fprintf(out, "%d,%g\n", t, t == 100 ? 9000 : 10 + 3 * sin(t) + noise(&seed) / 2);
    }
    assert_int_equal(fclose(out), 0);
    program_result r = PROGRAM_RUN("detect", path, "--context-length", "64");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    if (!strstr(r.out, ",100,target,9000,")) fail_msg("%d steps: %s%s", lengths[i], r.err, r.out);
    assert_true((strstr(r.err, "the model's own band") != NULL) == (i == 0));
    program_free(&r);
  }
  free(path);
  program_remove_folder(folder);
}

/* `series` of them, with so many steps. */
static void write_noise(const char *path, int series, int steps) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target\n", out);
  for (int i = 0; i < series; i++) {
    uint64_t seed = (uint64_t)i + 2;
    for (int t = 0; t < steps; t++) (void)fprintf(out, "s%d,%d,%g\n", i, t, 10 + 3 * sin(t) + noise(&seed));
  }
  assert_int_equal(fclose(out), 0);
}

/* What comes later, and another series, change nothing that is said of a step with enough earlier ones. */
static void test_earlier(void **state) {
  (void)state;
  enum { SHORT = 60, LONG = 80 };
  char *folder = program_make_folder();
  char *path = program_path(folder, "noise.csv");
  program_result r[2];
  for (int i = 0; i < 2; i++) {
    write_noise(path, 1 + i, i ? LONG : SHORT);
    r[i] = PROGRAM_RUN("detect", path, "--all", "--coverage", "0.9", "--context-length", "32");
    if (r[i].status != 0) fail_msg("status %d: %s", r[i].status, r[i].err);
  }
  for (int t = WARMUP + 9; t < SHORT; t++) {
    char name[32];
    (void)snprintf(name, sizeof name, "\ns0,%d,target,", t);
    const char *line[2] = {strstr(r[0].out, name), strstr(r[1].out, name)};
    assert_non_null(line[0]);
    assert_non_null(line[1]);
    size_t size = strcspn(line[0] + 1, "\n") + 2;
    if (strncmp(line[0], line[1], size) != 0) fail_msg("step %d: %.*s, then %.120s", t, (int)size, line[0], line[1]);
  }
  program_free(&r[0]);
  program_free(&r[1]);
  free(path);
  program_remove_folder(folder);
}

/* However little a series varies around its level, the numbers that are written agree with the flags. */
static void test_large_level(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "large.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("timestamp,target\n", out);
  for (int t = 0; t < 120; t++) (void)fprintf(out, "%d,%d\n", t, 1234567890 + t * 37 % 100 * (t * 11 % 7));
  assert_int_equal(fclose(out), 0);
  program_result r = PROGRAM_RUN("detect", path, "--coverage", "0.8", "--all", "--context-length", "64");
  assert_int_equal(r.status, 0);
  size_t flags = 0;
  size_t rows = 0;
  for (const char *at = r.out; (at = strstr(at, ",target,")) != NULL; at++, rows++) {
    double n[5];
    int flag = 0;
    assert_int_equal(sscanf(at, ",target,%lf,%lf,%lf,%lf,%lf,%d", &n[0], &n[1], &n[2], &n[3], &n[4], &flag), 6);
    assert_true(n[2] < n[3]);
    assert_int_equal(flag, n[0] < n[2] || n[0] > n[3]);
    flags += flag == 1;
  }
  assert_true(flags > 0 && flags < rows);
  program_free(&r);
  free(path);
  program_remove_folder(folder);
}

/* ---- What was expected ----------------------------------------------------------------------------------- */

enum { LENGTH = 44, AHEAD = 5 };

/* Three series as JSON Lines: their first steps and, unless that is 0, covariates of `ahead` further ones, missing from
 * step LENGTH on. Later steps have categories whose names lie between those of the first. */
static void write_items(const char *path, size_t length, size_t ahead) {
  static const char *const kinds[] = {"b", "d", "e", "a", "c"};
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  for (int i = 0; i < 3; i++) {
    (void)fprintf(out, "{\"item_id\":\"s%d\",\"start\":\"2024-01-01\",\"freq\":\"D\",\"target\":", i);
    for (int target = 0; target < (i == 2 ? 2 : 1); target++) {
      (void)fputs(i < 2 ? "[" : target ? ",[" : "[[", out);
      for (size_t t = 0; t < length; t++) (void)fprintf(out, "%s%d", t ? "," : "", (int)(t * t + 3 * t) % 11 + target);
      (void)fputs(target ? "]]" : "]", out);
    }
    for (int future = 0; i > 0 && future < 2; future++) {
      if (future && ahead == 0) continue;
      (void)fprintf(out, ",\"%s_covariates\":{\"x\":[", future ? "future" : "past");
      for (size_t t = future ? length : 0, first = t; t < (future ? length + ahead : length); t++) {
        if (t > first) (void)fputc(',', out);
        if (t >= LENGTH) {
          (void)fputs("null", out);
        } else if (i == 1) {
          (void)fprintf(out, "%d", (int)(t * t + 3 * t + 5) % 11);
        } else {
          (void)fprintf(out, "\"%s\"", kinds[t < 36 ? t * 7 % 3 : 3 + t % 2]);
        }
      }
      (void)fputs("]}", out);
    }
    (void)fputs("}\n", out);
  }
  assert_int_equal(fclose(out), 0);
}

/* The number in column `column` of the line that begins so. */
static double number_at(const char *csv, const char *begin, int column) {
  const char *at = strstr(csv, begin);
  if (!at) fail_msg("expected %s in %s", begin, csv);
  for (int k = 0; at && k < column; k++) at = strchr(at, ',') + 1;
  return strtod(at, NULL);
}

/* Each step has the forecast that its past alone gives, with the covariates that follow: also categories, whose ranks
 * depend on what else is forecast, and the last steps, of which fewer are left than are forecast at a time. The
 * model's own band holds where 48 observations are too few to calibrate one of 98%. */
static void test_expected(void **state) {
  (void)state;
  static const char *const names[3][2] = {{"target", NULL}, {"target", NULL}, {"target_0", "target_1"}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.jsonl");
  write_items(path, LENGTH, 0);
  program_result found = PROGRAM_RUN("detect", path, "--all", "-n", "5", "--coverage", "0.98");
  if (found.status != 0) fail_msg("status %d: %s", found.status, found.err);
  assert_int_equal(program_count(found.out, "\n"), 1 + 4 * (LENGTH - WARMUP));
  for (size_t origin = WARMUP; origin < LENGTH; origin += AHEAD) {
    size_t ahead = origin + AHEAD <= LENGTH ? AHEAD : LENGTH - origin;
    write_items(path, origin, AHEAD);
    program_result r = PROGRAM_RUN("forecast", path, "--horizon", "5", "--quantile-levels", "0.01,0.99");
    if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
    for (size_t k = 0; k < 4 * ahead; k++) {
      char begin[60];
      size_t i = k % 4 < 2 ? k % 4 : 2;
      unsigned day = (unsigned)(origin + k / 4);
      (void)snprintf(begin, sizeof begin, "\ns%zu,2024-%02u-%02u,%s,", i, 1 + day / 31, 1 + day % 31,
                     names[i][k % 4 == 3]);
      for (int column = 3; column < 6; column++) { /* predictions, the lower and the upper quantile */
        double expected = number_at(r.out, begin, column);
        double given = number_at(found.out, begin, column + 1);
        if (!(fabs(given - expected) <= 1e-6 * fabs(expected))) {
          fail_msg("%s: %.9g, expected %.9g", begin, given, expected);
        }
      }
    }
    program_free(&r);
  }
  program_free(&found);
  free(path);
  program_remove_folder(folder);
}

/* Covariates, several targets and gaps; a series that is too short is told of. */
static void test_input(void **state) {
  (void)state;
  static const char series[] =
      "{\"item_id\": \"two\", \"start\": \"2024-01-01\", \"freq\": \"D\", \"target\": [[%s],[%s]],"
      " \"past_covariates\": {\"x\": [%s]}}\n{\"item_id\": \"short\", \"start\": \"2024-01-01\", \"freq\": \"D\","
      " \"target\": [1,2,3]}\n";
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.jsonl");
  char values[2][600] = {"", ""};
  char text[4096];
  for (int t = 0; t < 50; t++) {
    for (int k = 0; k < 2; k++) {
      size_t used = strlen(values[k]);
      bool missing = k == 1 && t == 40;
      (void)snprintf(values[k] + used, sizeof values[k] - used, missing ? "%snull" : "%s%d", t ? "," : "",
                     (t * 7 + k) % 5);
    }
  }
  (void)snprintf(text, sizeof text, series, values[0], values[1], values[0]);
  program_write_file(path, text, strlen(text));
  program_result r = PROGRAM_RUN("detect", path, "--all", "-n", "7", "--coverage", "0.8");
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_int_equal(program_count(r.out, "\n"), 1 + 18 + 17); /* a step of the second target is missing */
  assert_null(strstr(r.out, "2024-02-10,target_1"));
  assert_non_null(strstr(r.out, "2024-02-10,target_0"));
  assert_non_null(strstr(r.err, "1 target has no step behind the first 32 observations (--warmup)"));
  char *known = strstr(text, "}}\n"); /* what is known beyond the end is no observation */
  char *rest = strdup(known + 1);
  assert_non_null(rest);
  (void)sprintf(known, "}, \"future_covariates\": {\"x\": [1,2,3]}%s", rest);
  program_write_file(path, text, strlen(text));
  program_result ahead = PROGRAM_RUN("detect", path, "--all", "-n", "7", "--coverage", "0.8");
  assert_string_equal(ahead.out, r.out);
  assert_non_null(strstr(ahead.err, "detect judges the past alone: known futures are ignored, those of 1 covariate\n"));
  assert_null(strstr(r.err, "known futures"));
  free(rest);
  program_free(&ahead);
  program_free(&r);
  r = PROGRAM_RUN("detect", path, "--coverage", "0.999");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "35 observations have the model's own band"));
  assert_null(strstr(r.err, "to judge"));
  program_free(&r);
  char *at = text + sprintf(text, "{\"target\":[[");
  for (int t = 0; t < 80; t++) at += sprintf(at, t >= 72 ? ",null" : t == 40 ? "],[1" : t % 40 ? ",%d" : "%d", t % 3);
  (void)sprintf(at, "]]}\n"); /* the second target is observed in the first 32 steps alone */
  program_write_file(path, text, strlen(text));
  r = PROGRAM_RUN("detect", path);
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "1 target has no observation to judge\n"));
  program_free(&r);
  r = PROGRAM_RUN("detect", path, "--last", "3");
  assert_non_null(strstr(r.err, "1 target has no observation to judge among the last steps\n"));
  program_free(&r);
  free(path);
  program_remove_folder(folder);
}

/* Writes a wave of `length` steps without those of [from, to). */
static void write_gap(const char *path, int length, int from, int to) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target\n", out);
  for (int t = 0; t < length; t++) {
    (void)fprintf(out, "s,%d,", t);
    if (t < from || t >= to) (void)fprintf(out, "%d", 10 + t * 7 % 5);
    (void)fputc('\n', out);
  }
  assert_int_equal(fclose(out), 0);
}

/* What nothing was known of before it is no reason for an alarm, and doesn't calibrate: a warmup counts observations,
 * each target's own, and a context may hold none. */
static void test_unobserved_past(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  char *joint = program_path(folder, "in.jsonl");
  write_gap(path, 80, 0, 40);
  program_result r = PROGRAM_RUN("detect", path, "--all", "--coverage", "0.8");
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_int_equal(program_count(r.out, "\n"), 1 + 8);
  assert_non_null(strstr(r.out, "score,flag\ns,72,"));
  program_free(&r);
  write_gap(path, 80, 0, 60);
  r = PROGRAM_RUN("detect", path, "--all");
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.out, "\n"), 1);
  assert_non_null(strstr(r.err, "1 target has no step behind the first 32 observations (--warmup)"));
  program_free(&r);
  write_gap(path, 80, 40, 70);
  r = PROGRAM_RUN("detect", path, "--all", "--context-length", "16", "-n", "2", "--coverage", "0.8");
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.out, "\n"), 1 + 8 + 8);
  assert_null(strstr(r.out, "\ns,71,"));
  assert_non_null(strstr(r.out, "\ns,72,"));
  assert_non_null(strstr(r.err, "2 observations follow on a context without an observed value (16 steps)"));
  program_free(&r);
  char text[1000];
  char *at = text + sprintf(text, "{\"item_id\":\"s\",\"target\":[[");
  for (int t = 0; t < 80; t++) at += sprintf(at, t ? ",%d" : "%d", t * 7 % 5);
  at += sprintf(at, "],[");
  for (int t = 0; t < 80; t++) at += sprintf(at, t < 10 ? "null," : t < 79 ? "%d," : "%d]]}\n", t * 5 % 7);
  program_write_file(joint, text, strlen(text));
  r = PROGRAM_RUN("detect", joint, "--all", "-n", "7");
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_int_equal(program_count(r.out, ",target_0,"), 80 - 32);
  assert_int_equal(program_count(r.out, ",target_1,"), 80 - 42); /* which lies within a forecast */
  assert_null(strstr(r.err, "--warmup"));
  program_free(&r);
  free(path);
  free(joint);
  program_remove_folder(folder);
}

/* Categories that no step before a forecast had, among the steps that are told of. */
static void test_unseen(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "in.csv");
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("timestamp,target,kind\n", out);
  for (int t = 0; t < 60; t++) (void)fprintf(out, "%d,%d,%s\n", t, t % 7, t > 57 ? "z" : t == 40 ? "y" : "a");
  assert_int_equal(fclose(out), 0);
  static const char said[] = "column 'kind': item '0' never had '%s' in its past, so its effect is unknown; "
                             "future values of such categories: %d\n";
  static const struct {
    const char *option, *value, *text; /* NULL: nothing is said */
    int values;
  } cases[] = {
      {"--last", "3", "z", 1}, {"--last", "1", NULL, 0}, {"--horizon", "1", "y", 2}, {"--horizon", "28", "y", 3}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    char expected[200];
    program_result r = PROGRAM_RUN("detect", path, "--covariates", "kind", cases[k].option, cases[k].value);
    assert_int_equal(r.status, 0);
    (void)snprintf(expected, sizeof expected, said, cases[k].text ? cases[k].text : "", cases[k].values);
    if (cases[k].text ? !strstr(r.err, expected) : strstr(r.err, "never had") != NULL) fail_msg("%zu: %s", k, r.err);
    program_free(&r);
  }
  program_result r = PROGRAM_RUN("bench", path, "--repeats", "1");
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "what is no target, as 'kind', is left out"));
  program_free(&r);
  free(path);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_thresholds), cmocka_unit_test(test_order),
                                     cmocka_unit_test(test_false_alarms),
                                     cmocka_unit_test(test_spikes), cmocka_unit_test(test_worst),
                                     cmocka_unit_test(test_earlier),
                                     cmocka_unit_test(test_large_level),
                                     cmocka_unit_test(test_expected),
                                     cmocka_unit_test(test_input), cmocka_unit_test(test_unseen),
                                     cmocka_unit_test(test_unobserved_past)};
  return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
