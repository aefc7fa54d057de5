/* chronos2 forecast --report, --plot, --min and --round, and the pages of other commands: pages and pictures hold the
 * numbers that are written, whatever the series are called. */
#include "page.h"

#include <math.h>

#define HOSTILE "</script><img src=x onerror=\"a\">&<!--"
#define QUOTED "\"</script><img src=x onerror=\"\"a\"\">&<!--\""

enum { STEPS = 40, HORIZON = 3, LEVELS = 3 };

/* Two series: a wave around zero, and another one with a gap. */
static void write_series(const char *path) {
  char text[8192] = "item_id,timestamp,target,price\n";
  for (int i = 0; i < 2; i++) {
    for (int t = 0; t < STEPS; t++) {
      char value[32] = "";
      if (i == 0 || t != 5) (void)snprintf(value, sizeof value, "%.3f", 2 * sin(t * 0.9) + 0.01 * (t * 7 % 5));
      (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s,%d,%s,%d\n", i ? "b" : QUOTED, 1900 + t,
                     value, t % 4);
    }
  }
  program_write_file(path, text, strlen(text));
}

static int meter_at(int step) {
  return 202410030 + step + step * 7 % 3;
}

static void free_page(char *page, json_t *data, program_result *r) {
  json_decref(data);
  free(page);
  program_free(r);
}

/* Numbers of the forecast's lines: [2 * HORIZON][1 + LEVELS]. */
static void read_numbers(const char *csv, double out[2 * HORIZON][1 + LEVELS]) {
  const char *line = csv;
  for (int i = 0; i < 2 * HORIZON; i++) {
    line = strchr(line, '\n') + 1;
    const char *at = strstr(line, ",target,");
    assert_non_null(at);
    at += strlen(",target,");
    for (int k = 0; k < 1 + LEVELS; k++) {
      char *end = NULL;
      out[i][k] = strtod(at, &end);
      assert_true(end > at && (*end == ',' || *end == '\n'));
      at = end + 1;
    }
  }
}

#define FORECAST(folder, ...)                                                                     \
  PROGRAM_RUN("forecast", folder, "-n", "3", "--quantile-levels", "0.1,0.5,0.9", "--threads", "1", \
              "--covariates", "price", __VA_ARGS__)

static void check_item(const json_t *item, const char *id, double numbers[HORIZON][1 + LEVELS]) {
  const json_t *target = json_array_get(json_object_get(item, "targets"), 0);
  const json_t *fan = json_array_get(json_object_get(target, "fans"), 0);
  const json_t *quantiles = json_object_get(fan, "quantiles");
  assert_string_equal(json_string_value(json_object_get(item, "id")), id);
  assert_int_equal(json_array_size(json_object_get(target, "past")), STEPS);
  for (size_t s = 0; s < HORIZON; s++) {
    double median = json_number_value(json_array_get(json_object_get(fan, "median"), s));
    assert_true(fabs(median - numbers[s][0]) <= 1e-6 * fabs(median) + 1e-9);
    for (size_t q = 0; q < LEVELS; q++) {
      double value = json_number_value(json_array_get(json_array_get(quantiles, q), s));
      assert_true(fabs(value - numbers[s][1 + q]) <= 1e-6 * fabs(value) + 1e-9);
    }
  }
  const json_t *covariate = json_array_get(json_object_get(item, "covariates"), 0);
  assert_int_equal(json_array_size(json_object_get(covariate, "past")), STEPS);
  assert_int_equal(json_array_size(json_object_get(covariate, "futures")), 0);
}

static void test_page(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.csv");
  char *report = program_path(folder, "r.html");
  char *plot = program_path(folder, "p.svg");
  double numbers[2 * HORIZON][1 + LEVELS];
  write_series(input);
  program_result r = FORECAST(input, "--report", report, "--plot", plot);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  read_numbers(r.out, numbers);
  char *page = program_read_file(report);
  assert_non_null(page);
  assert_int_equal(strcmp(page + strlen(page) - 8, "</html>\n"), 0);
  assert_null(strstr(page, "<img"));
  assert_int_equal(program_count(page, "<!--"), 1); /* the licence */
  json_t *data = page_data(page);
  const json_t *items = json_object_get(data, "items");
  assert_int_equal(json_array_size(items), 2);
  check_item(json_array_get(items, 0), HOSTILE, numbers);
  check_item(json_array_get(items, 1), "b", numbers + HORIZON);
  assert_string_equal(json_string_value(json_array_get(json_object_get(json_array_get(items, 0), "stamps"), 0)),
                      "1900-01-01");
  assert_null(json_object_get(json_array_get(items, 1), "stamps")); /* those of the item before */
  assert_true(json_is_null(json_array_get(
      json_object_get(json_array_get(json_object_get(json_array_get(items, 1), "targets"), 0), "past"), 5)));
  json_decref(data);
  free(page);
  char *picture = program_read_file(plot);
  assert_non_null(picture);
  assert_int_equal(strcmp(picture + strlen(picture) - 7, "</svg>\n"), 0);
  assert_null(strstr(picture, "<img"));
  assert_non_null(strstr(picture, "&lt;/script&gt;&lt;img src=x onerror=&quot;a&quot;&gt;&amp;&lt;!--"));
  assert_int_equal(program_count(picture, "class=\"band"), 2);
  free(picture);
  program_free(&r);
  free(plot);
  free(report);
  free(input);
  program_remove_folder(folder);
}

/* A picture has the same bands in whatever order its levels come. */
static void test_falling_levels(void **state) {
  static const char *const levels[] = {"0.05,0.1,0.5,0.9,0.95", "0.95,0.9,0.5,0.1,0.05"};
  char *pictures[2];
  (void)state;
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.csv");
  char *plot = program_path(folder, "p.svg");
  write_series(input);
  for (int i = 0; i < 2; i++) {
    program_result r = PROGRAM_RUN("forecast", input, "--horizon", "5", "--quantile-levels", levels[i], "--plot", plot);
    assert_int_equal(r.status, 0);
    program_free(&r);
    pictures[i] = program_read_file(plot);
  }
  assert_int_equal(program_count(pictures[0], "class=\"band"), 4);
  assert_string_equal(pictures[0], pictures[1]);
  for (int i = 0; i < 2; i++) free(pictures[i]);
  free(plot);
  free(input);
  program_remove_folder(folder);
}

/* The picture of a forecast that succeeds, of a file of this text. */
static char *draw_text(const char *text, const char *horizon, const char *levels) {
  char *folder = program_make_folder();
  char *input = program_path(folder, text[0] == '{' ? "in.jsonl" : "in.csv");
  char *plot = program_path(folder, "p.svg");
  program_write_file(input, text, strlen(text));
  program_result r =
      PROGRAM_RUN("forecast", input, "--horizon", horizon, "--quantile-levels", levels, "--plot", plot);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  char *picture = program_read_file(plot);
  assert_non_null(picture);
  program_free(&r);
  free(plot);
  free(input);
  program_remove_folder(folder);
  return picture;
}

/* Series a wave around a level, every `apart`-th value observed. */
static void write_wave(char *text, size_t room, double level, double height, int apart) {
  (void)snprintf(text, room, "timestamp,target\n");
  for (int t = 0; t < STEPS; t++) {
    char value[40] = "";
    if (t % apart == 0) (void)snprintf(value, sizeof value, "%.17g", level + height * sin(t));
    (void)snprintf(text + strlen(text), room - strlen(text), "%d,%s\n", 1900 + t, value);
  }
}

/* Least and greatest number of a path's kind: of all those at even places (x) or at odd ones (y). */
static void find_extent(const char *picture, const char *class, int odd, double *low, double *high) {
  *low = (double)INFINITY;
  *high = -(double)INFINITY;
  for (const char *at = picture; (at = strstr(at, class));) {
    const char *end = strchr(at, '>');
    at = strstr(at, " d=\"") + 4;
    for (int i = 0; at < end && *at; i++) {
      char *next = NULL;
      at += strcspn(at, "0123456789-\"");
      if (*at == '"') break;
      double value = strtod(at, &next);
      at = next;
      if (i % 2 != odd) continue;
      *low = fmin(*low, value);
      *high = fmax(*high, value);
    }
  }
}

/* One step has a band with a width, to the right of the history and within the picture. */
static void test_one_step(void **state) {
  char text[4096];
  double low = 0;
  double high = 0;
  (void)state;
  write_wave(text, sizeof text, 10, 2, 1);
  char *picture = draw_text(text, "1", "0.1,0.5,0.9");
  find_extent(picture, "class=\"band", 0, &low, &high);
  assert_true(low > 700 && high > low + 10 && high <= 760 - 14);
  find_extent(picture, "class=\"line past", 0, &low, &high);
  assert_true(high < 740);
  free(picture);
  picture = draw_text("{\"target\": []}\n", "1", "0.1,0.5,0.9"); /* no history */
  find_extent(picture, "class=\"band", 0, &low, &high);
  assert_true(low >= 84 && high <= 760 - 14);
  free(picture);
}

/* A value between two missing ones is a dot, wider than the line; a line of neighbours has none. */
static void test_dots(void **state) {
  char text[4096];
  (void)state;
  write_wave(text, sizeof text, 10, 2, 2);
  char *picture = draw_text(text, "3", "0.5");
  assert_int_equal(program_count(picture, "class=\"line past dot\""), STEPS / 2);
  free(picture);
  write_wave(text, sizeof text, 10, 2, 1);
  picture = draw_text(text, "3", "0.5");
  assert_int_equal(program_count(picture, " dot\""), 0);
  free(picture);
}

/* A level without a partner is a line. */
static void test_lone_levels(void **state) {
  char text[4096];
  (void)state;
  write_wave(text, sizeof text, 10, 2, 1);
  char *picture = draw_text(text, "3", "0.9,0.5,0.2,0.3,0.1");
  assert_int_equal(program_count(picture, "class=\"band"), 1);
  assert_int_equal(program_count(picture, "class=\"line l0 level\""), 2);
  assert_int_equal(program_count(picture, "class=\"line l0\""), 1);
  free(picture);
}

/* Whatever the range, all is drawn between the title and the stamps below, and its labels differ and are whole. */
static void test_ranges(void **state) {
  static const double cases[][2] = {{0, 1e300},  {0, 3e307},      {1.5e300, 1e300}, {2e11, 0}, {2e11, 1e-4},
                                    {0, 1e-30}, {0, 0}, {-1.05e8, 2e6},   {5, 0}};
  static const char *const classes[] = {"class=\"band", "class=\"line past", "class=\"line l0"};
  char text[4096];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    double low = 0;
    double high = 0;
    write_wave(text, sizeof text, cases[i][0], cases[i][1], 1);
    char *picture = draw_text(text, "3", "0.1,0.5,0.9");
    assert_null(strstr(picture, "nan"));
    assert_null(strstr(picture, "inf"));
    for (size_t c = 0; c < 3; c++) {
      find_extent(picture, classes[c], 1, &low, &high);
      if (!(low >= 64 && high <= 230)) fail_msg("%s of case %zu reaches from %g to %g", classes[c], i, low, high);
    }
    double before = (double)INFINITY;
    size_t lines = 0;
    for (const char *at = picture; (at = strstr(at, "class=\"grid\" d=\"M84 ")); lines++) {
      at += sizeof "class=\"grid\" d=\"M84";
      double y = strtod(at, NULL);
      if (!(y >= 64 && y <= 230 && y < before - 10)) fail_msg("case %zu: a line at %g after %g", i, y, before);
      before = y;
      at = strchr(strstr(at, "<text"), '>') + 1;
      size_t size = strcspn(at, "<"); /* 0.64 em each, of nine in the usual size */
      assert_true(size <= 9 || strstr(at - 20, "font-size=") < at);
    }
    if (lines < 3) fail_msg("case %zu has %zu lines", i, lines);
    free(picture);
  }
}

/* There are colours for five scenarios: more are said, on standard error and in the picture. */
static void test_many_scenarios(void **state) {
  (void)state;
  char plans[2048] = "scenario,item_id,timestamp,price\n";
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.csv");
  char *future = program_path(folder, "plans.csv");
  char *plot = program_path(folder, "p.svg");
  write_series(input);
  for (int k = 0; k < 7; k++) {
    for (int row = 0; row < 2 * HORIZON; row++) {
      (void)snprintf(plans + strlen(plans), sizeof plans - strlen(plans), "plan %d,%s,%d,%d\n", k,
                     row < HORIZON ? QUOTED : "b", 1900 + STEPS + row % HORIZON, k);
    }
  }
  program_write_file(future, plans, strlen(plans));
  program_result r = FORECAST(input, "--scenarios", future, "--plot", plot);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  assert_non_null(strstr(r.err, "p.svg shows the first 5 of 7 scenarios; --report shows all\n"));
  char *picture = program_read_file(plot);
  assert_int_equal(program_count(picture, "; the first 5 of 7 scenarios"), 2);
  assert_int_equal(program_count(picture, "class=\"band"), 2 * 5);
  assert_int_equal(program_count(picture, ">plan 4<"), 2);
  assert_null(strstr(picture, ">plan 5<"));
  free(picture);
  free(plot);
  free(future);
  free(input);
  program_free(&r);
  program_remove_folder(folder);
}

/* Names are cut between characters, and hold what XML has. */
static void test_titles(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.csv");
  char *plot = program_path(folder, "p.svg");
  FILE *out = fopen(input, "w");
  assert_non_null(out);
  (void)fputs("item_id,timestamp,target\n", out);
  for (int t = 0; t < 9; t++) {
    (void)fputs("\xef\xbf\xbf", out);
    for (int i = 0; i < 100; i++) (void)fputs("\xe6\xbc\xa2", out);
    (void)fprintf(out, ",2024-01-0%d,%d\n", t + 1, t % 3);
  }
  assert_int_equal(fclose(out), 0);
  program_result r = PROGRAM_RUN("forecast", input, "--horizon", "2", "--plot", plot);
  assert_int_equal(r.status, 0);
  program_free(&r);
  char *picture = program_read_file(plot);
  assert_null(strstr(picture, "\xef\xbf\xbf"));
  assert_non_null(strstr(picture, ">\xef\xbf\xbd\xe6\xbc\xa2"));
  assert_non_null(strstr(picture, "\xe6\xbc\xa2\xe2\x80\xa6</text>"));
  assert_int_equal(program_count(picture, "\xe6\xbc\xa2"), 100 + 34); /* all, to be read out; what fits */
  free(picture);
  free(plot);
  free(input);
  program_remove_folder(folder);
}

/* A picture has a panel for each target, and says of which it has none. */
static void test_panels(void **state) {
  (void)state;
  static const struct {
    int series, targets;
    const char *said;
  } cases[] = {{13, 1, "p.svg shows the first 12 of 13 series\n"},
               {7, 2, "p.svg shows the first 12 of 14 targets of series\n"},
               {6, 2, NULL}};
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.jsonl");
  char *plot = program_path(folder, "p.svg");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    FILE *out = fopen(input, "w");
    assert_non_null(out);
    for (int k = 0; k < cases[i].series; k++) {
      (void)fprintf(out, "{\"target\": %s}\n", cases[i].targets == 1 ? "[1, 2, 3]" : "[[1, 2, 3], [4, 5, 6]]");
    }
    assert_int_equal(fclose(out), 0);
    program_result r = PROGRAM_RUN("forecast", input, "--horizon", "2", "--plot", plot);
    assert_int_equal(r.status, 0);
    assert_int_equal(program_count(r.err, "p.svg shows the first"), cases[i].said ? 1 : 0);
    if (cases[i].said && !strstr(r.err, cases[i].said)) fail_msg("expected '%s' in %s", cases[i].said, r.err);
    program_free(&r);
  }
  free(plot);
  free(input);
  program_remove_folder(folder);
}

/* They change what is written alone, in the page too, and are said. */
static void test_min_and_round(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.csv");
  char *report = program_path(folder, "r.html");
  double plain[2 * HORIZON][1 + LEVELS];
  double changed[2 * HORIZON][1 + LEVELS];
  char said[80];
  size_t raised = 0;
  write_series(input);
  program_result r = FORECAST(input, "--digits", "17");
  read_numbers(r.out, plain);
  program_free(&r);
  r = FORECAST(input, "--min", "0", "--round", "--report", report);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  read_numbers(r.out, changed);
  for (int i = 0; i < 2 * HORIZON; i++) {
    for (int k = 0; k < 1 + LEVELS; k++) {
      raised += plain[i][k] < 0;
      assert_true(changed[i][k] == round(fmax(0, plain[i][k])));
    }
  }
  assert_true(raised > 0 && raised < 2 * HORIZON * (1 + LEVELS));
  assert_null(strstr(r.out, ",-0,"));
  (void)snprintf(said, sizeof said, "--min 0: %zu numbers lay below and are written as that\n", raised);
  assert_non_null(strstr(r.err, said));
  assert_non_null(strstr(r.err, "--round: "));
  char *page = program_read_file(report);
  json_t *data = page_data(page);
  check_item(json_array_get(json_object_get(data, "items"), 0), HOSTILE, changed);
  free_page(page, data, &r);
  r = FORECAST(input, "--min", "0.5", "--round");
  program_assert_error(&r, 2, "--min: expected a whole number");
  r = FORECAST(input, "--min", "12345.678", "--digits", "3");
  program_assert_error(&r, 2,
                       "--min: 12345.678 would be written as 1.23e+04; expected a number that so many digits hold");
  r = FORECAST(input, "--min", "16777217");
  program_assert_error(&r, 2, "--min: 16777217 would be written as 16777216; expected a number that float32 holds");
  r = FORECAST(input, "--min", "16777217", "--digits", "9");
  assert_int_equal(r.status, 0);
  program_free(&r);
  r = FORECAST(input, "--min", "0.7");
  assert_int_equal(r.status, 0);
  program_free(&r);
  r = FORECAST(input, "--min", "1234567.25"); /* is a float32, though 1234567.2 tells it from all others */
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.out, ",1234567.25,"));
  assert_null(strstr(r.out, ",1234567.2,"));
  program_free(&r);
  r = FORECAST(input, "--min", "0.7", "-o", "floats.arrow"); /* 0.7 in float32 lies below it */
  program_assert_error(&r, 2, "--min: 0.7 would be written as 0.699999988; expected a number that float32 holds");
  r = FORECAST(input, "--digits", "2", "--round");
  program_assert_error(&r, 2, "--digits and --round: expected one of them");
  free(report);
  free(input);
  program_remove_folder(folder);
}

static void write_coarse(const char *path, double level) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("timestamp,target\n", out);
  for (int t = 0; t < 60; t++) (void)fprintf(out, "%d,%.17g\n", t, level + t * 37 % 100);
  assert_int_equal(fclose(out), 0);
}

/* A series that varies little around a large level: float32 rounds its bands, which is said; --digits 17 has them, but
 * beyond one pass, where the forecast goes on from what was rounded. */
static void test_coarse(void **state) {
  static const struct {
    double level;
    const char *horizon, *option, *value, *by; /* NULL: nothing is said */
  } cases[] = {{1234567890, "1", "--threads", "1", "float32"},
               {1234567890, "1", "--digits", "17", NULL},
               {1234567890, "1", "--digits", "9", NULL},
               {1234567890, "1", "--digits", "5", "--digits 5"},
               {1234567890, "257", "--digits", "17", "float32"},
               {1234, "257", "--digits", "2", "--digits 2"},
               {1234, "257", "--threads", "1", NULL},
               {1234567890, "1", "--context-length", "1", NULL}}; /* a context that can't vary */
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "past.csv");
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    write_coarse(path, cases[k].level);
    program_result r = PROGRAM_RUN("forecast", path, "-n", cases[k].horizon, "--quantile-levels", "0.1,0.9",
                                   cases[k].option, cases[k].value);
    assert_int_equal(r.status, 0);
    char said[120];
    (void)snprintf(said, sizeof said, "1 series, '0' the first, varies so little around its level that %s rounds the ",
                   cases[k].by ? cases[k].by : "");
    if ((strstr(r.err, said) != NULL) != (cases[k].by != NULL) || (!cases[k].by && strstr(r.err, "rounds the bands"))) {
      fail_msg("%zu: %s", k, r.err);
    }
    double low = 0;
    double high = 0;
    assert_int_equal(sscanf(strstr(r.out, ",target,"), ",target,%*[^,],%lf,%lf", &low, &high), 2);
    assert_true(cases[k].by || k == 7 || (high - low > 10 && high - low < 120));
    program_free(&r);
  }
  write_coarse(path, 1234567890);
  char *arrow = program_path(folder, "out.arrow");
  program_result r = PROGRAM_RUN("forecast", path, "-n1", "--digits", "9", "-o", arrow);
  assert_int_equal(r.status, 0);
  assert_non_null(strstr(r.err, "that float32 rounds the bands; --digits 17 writes float64"));
  program_free(&r);
  free(arrow);
  free(path);
  program_remove_folder(folder);
}

/* One level alone says nothing of a band: the model's own does. What lies before the context makes no constant vary. */
static void test_coarse_point(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "past.csv");
  for (int k = 0; k < 3; k++) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fputs("timestamp,target\n", out);
    for (int t = 0; t < (k < 2 ? 60 : 2100); t++) { /* the bundled checkpoint sees 2,048 */
      (void)fprintf(out, "%d,%.17g\n", t, (k == 1 ? 100 : 1e9) + (k < 2 || t < 50 ? 0.01 * (t * 37 % 100) : 0));
    }
    assert_int_equal(fclose(out), 0);
    program_result r = PROGRAM_RUN("forecast", path, "-n", "2", "--quantile-levels", "0.5");
    assert_int_equal(r.status, 0);
    assert_true((strstr(r.err, "float32 rounds the bands") != NULL) == (k == 0));
    program_free(&r);
  }
  free(path);
  program_remove_folder(folder);
}

/* What can't be written leaves nothing, and no output takes another file's place. */
static void test_places(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *input = program_path(folder, "in.csv");
  char *out = program_path(folder, "out.csv");
  char *nowhere = program_path(folder, "none/r.html");
  write_series(input);
  program_result r = FORECAST(input, "-o", out, "--report", nowhere);
  assert_int_equal(r.status, 1);
  assert_non_null(strstr(r.err, "none/r.html"));
  program_free(&r);
  assert_int_equal(access(out, F_OK), -1);
  r = FORECAST(input, "--plot", input);
  program_assert_error(&r, 1, "would overwrite the input");
  r = FORECAST(input, "-o", out, "--report", out);
  program_assert_error(&r, 2, "--report: ");
  r = FORECAST(input, "--report", out, "--plot", out);
  program_assert_error(&r, 2, "--plot: ");
  r = PROGRAM_RUN("forecast", input, "--embed", "--report", out);
  program_assert_error(&r, 2, "--report: --embed");
  free(nowhere);
  free(out);
  free(input);
  program_remove_folder(folder);
}

/* A meter of nine digits that rises by about one a step: seven digits would show it as steps of a hundred. */
static void write_meter(const char *path) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  (void)fputs("timestamp,target\n", out);
  for (int t = 0; t < 80; t++) (void)fprintf(out, "%d,%d\n", t, meter_at(t));
  assert_int_equal(fclose(out), 0);
}

static const json_t *first_of(const json_t *data, const char *list) {
  const json_t *one = json_array_get(json_object_get(data, list), 0);
  assert_non_null(one);
  return one;
}

/* The past as it is drawn, the last value that of step `last`. */
static void check_past(const json_t *holder, int last) {
  const json_t *past = json_object_get(holder, "past");
  size_t count = json_array_size(past);
  assert_true(count > 40);
  for (size_t i = 0; i < count; i++) {
    double value = json_number_value(json_array_get(past, i));
    if (value != meter_at(last - (int)(count - 1 - i))) fail_msg("%.17g at %zu of %zu", value, i, count);
  }
}

static double number_at(const json_t *list, size_t row, size_t at) {
  return json_number_value(json_array_get(json_array_get(list, row), at));
}

/* Numbers that differ in the file differ on the page and in the picture, too; and a page lists every warning. */
static void test_large_level(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *in = program_path(folder, "in.csv");
  char *report = program_path(folder, "r.html");
  char *plot = program_path(folder, "p.svg");
  write_meter(in);
  program_result r = PROGRAM_RUN("forecast", in, "-n", "3", "--quantile-levels", "0.1,0.5,0.9", "--report", report,
                                 "--plot", plot);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  char *page = program_read_file(report);
  json_t *data = page_data(page);
  const json_t *target = first_of(first_of(data, "items"), "targets");
  check_past(target, 79);
  const json_t *quantiles = json_object_get(first_of(target, "fans"), "quantiles");
  for (size_t s = 0; s < 3; s++) assert_true(number_at(quantiles, 0, s) < number_at(quantiles, 2, s));
  assert_non_null(strstr(r.err, "float32 rounds the bands"));
  const json_t *warnings = json_object_get(data, "warnings");
  assert_int_equal(json_array_size(warnings), program_count(r.err, "chronos2: warning: "));
  for (size_t i = 0; i < json_array_size(warnings); i++) {
    assert_non_null(strstr(r.err, json_string_value(json_array_get(warnings, i))));
  }
  free_page(page, data, &r);
  char *picture = program_read_file(plot);
  double before = 0;
  size_t labels = 0;
  for (const char *at = picture; (at = strstr(at, " text-anchor=\"end\"")); labels++) {
    char *end = NULL;
    at = strchr(at, '>') + 1;
    double value = strtod(at, &end);
    if (*end != '<' || value < 1e8) break; /* of the steps */
    if (!(value > before)) fail_msg("%.17g after %.17g", value, before);
    before = value;
  }
  assert_true(labels >= 3);
  free(picture);
  free(in);
  free(report);
  free(plot);
  program_remove_folder(folder);
}

/* Stamps are those of the item before only where offsets are the same in each row. */
static void test_offsets(void **state) {
  (void)state;
  static const char *const first[] = {"2024-03-01 00:00:00+02:00", "2024-03-01 00:00:00+01:00",
                                      "2024-03-01 00:00:00+02:00"};
  char *folder = program_make_folder();
  char *in = program_path(folder, "in.csv");
  char *report = program_path(folder, "r.html");
  char text[8192] = "item_id,timestamp,target\n";
  for (int i = 0; i < 3; i++) {
    for (int t = 0; t < 50; t++) {
      (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d,2024-%02d-%02dT00:00:00+0%d:00,%d\n", i,
                     3 + t / 31, 1 + t % 31, i == 1 && t < 31 ? 1 : 2, t % 7);
    }
  }
  program_write_file(in, text, strlen(text));
  program_result r = PROGRAM_RUN("forecast", in, "-n", "1", "--report", report);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  char *page = program_read_file(report);
  json_t *data = page_data(page);
  for (size_t i = 0; i < 3; i++) {
    const json_t *stamps = json_object_get(json_array_get(json_object_get(data, "items"), i), "stamps");
    assert_int_equal(json_array_size(stamps), 51);
    assert_string_equal(json_string_value(json_array_get(stamps, 0)), first[i]);
  }
  free_page(page, data, &r);
  free(in);
  free(report);
  program_remove_folder(folder);
}

static void test_large_level_of_others(void **state) {
  (void)state;
  char *folder = program_make_folder();
  char *in = program_path(folder, "in.csv");
  char *report = program_path(folder, "r.html");
  write_meter(in);
  program_result r = PROGRAM_RUN("detect", in, "--coverage", "0.5", "--report", report);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  char *page = program_read_file(report);
  json_t *data = page_data(page);
  check_past(first_of(data, "series"), 79);
  const json_t *flags = json_object_get(first_of(data, "series"), "flags");
  assert_true(json_array_size(flags) > 0);
  for (size_t i = 0; i < json_array_size(flags); i++) {
    const json_t *flag = json_array_get(flags, i);
    double value = json_number_value(json_object_get(flag, "value"));
    double lower = json_number_value(json_object_get(flag, "lower"));
    double upper = json_number_value(json_object_get(flag, "upper"));
    if (!(lower < upper && (value < lower || value > upper))) fail_msg("%.17g, %.17g, %.17g", value, lower, upper);
  }
  free_page(page, data, &r);

  r = PROGRAM_RUN("evaluate", in, "-n", "4", "--report", report);
  if (r.status != 0) fail_msg("status %d: %s", r.status, r.err);
  page = program_read_file(report);
  data = page_data(page);
  check_past(first_of(data, "series"), 79);
  const json_t *quantiles = json_object_get(first_of(first_of(data, "series"), "fans"), "quantiles");
  assert_true(number_at(quantiles, 0, 0) < number_at(quantiles, 8, 0));
  free_page(page, data, &r);
  free(in);
  free(report);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_page), cmocka_unit_test(test_panels),
                                     cmocka_unit_test(test_min_and_round),
                                     cmocka_unit_test(test_coarse), cmocka_unit_test(test_coarse_point),
                                     cmocka_unit_test(test_titles), cmocka_unit_test(test_one_step),
                                     cmocka_unit_test(test_dots), cmocka_unit_test(test_lone_levels),
                                     cmocka_unit_test(test_ranges), cmocka_unit_test(test_many_scenarios),
                                     cmocka_unit_test(test_falling_levels), cmocka_unit_test(test_places),
                                     cmocka_unit_test(test_large_level), cmocka_unit_test(test_offsets),
                                     cmocka_unit_test(test_large_level_of_others)};
  return cmocka_run_group_tests_name("forecast_draw", tests, NULL, NULL);
}
