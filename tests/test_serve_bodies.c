/* Bodies of `chronos2 serve` in JSON: the program's own numbers, refusals that name the place, and warnings. */
#include "serving.h"

#include "serve/web.h"

/* ---- The same numbers as the program's ------------------------------------------------------- */

/* The numbers of a column of CSV, as JSON writes them in an array. */
static void csv_column(const char *csv, const char *id, const char *target, size_t column, char *out, size_t room) {
  size_t used = 1;
  char *copy = strdup(csv);
  char *save = NULL;
  (void)snprintf(out, room, "[");
  for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
    char *cell[16] = {line};
    size_t cells = 1;
    for (char *c = line; *c && cells < 16; c++) {
      if (*c != ',') continue;
      *c = '\0';
      cell[cells++] = c + 1;
    }
    if (strcmp(cell[0], id) != 0 || strcmp(cell[2], target) != 0) continue;
    used += (size_t)snprintf(out + used, room - used, "%s%s", used > 1 ? "," : "", cell[column]);
  }
  (void)snprintf(out + used, room - used, "]");
  free(copy);
}

static const char *const items[] = {
    "{\"item_id\":\"a\",\"start\":\"2024-01-01\",\"target\":[1,2,3,2,0.5,2,null,2,1,4,2.25,3.125,7,1,2,3,5,1]"
    ",\"past_covariates\":{\"price\":[1,2,1,2,1,2,1,2,1,2,1,2,1,2,1,2,1,2],"
    "\"kind\":[\"x\",\"y\",\"x\",\"x\",\"y\",\"x\",\"x\",\"y\",\"x\",\"x\",\"y\",\"x\",\"x\",\"y\",\"x\",\"x\",\"y\","
    "\"x\"]},"
    "\"future_covariates\":{\"price\":[3,1,2]}%s}",
    ("{\"item_id\":\"b\",\"start\":\"2024-01-01\",\"target\":[[1,5,2,6,3,7],[9,8,9,7,9,6]],"
     "\"past_covariates\":{\"kind\":[\"q\",\"r\",\"r\",\"q\",\"q\",\"s\"]}%s}"),
    "{\"item_id\":\"c\",\"start\":\"2024-01-01\",\"target\":[1e10,1.5e10,1.25e10,2e10],"
    "\"past_covariates\":{\"price\":[true,false,true,false]}%s}"};
enum { ITEMS = sizeof items / sizeof items[0] };

/* One request with all items, forecast by the program from a file and by the server. */
static void test_same_numbers(void **state) {
  const serving *s = *state;
  char *folder = program_make_folder();
  char *path = program_path(folder, "x.jsonl");
  char body[4096] =
      "{\"parameters\":{\"prediction_length\":3,\"freq\":\"D\",\"quantile_levels\":[0.05,0.5,0.93]},\"inputs\":[";
  char file[4096] = "";
  for (size_t i = 0; i < ITEMS; i++) {
    size_t used = strlen(file);
    (void)snprintf(file + used, sizeof file - used, items[i], ",\"freq\":\"D\"");
    strcat(file, "\n");
    used = strlen(body);
    strcat(body, i ? "," : "");
    (void)snprintf(body + strlen(body), sizeof body - used - 1, items[i], "");
  }
  strcat(body, "]}");
  program_write_file(path, file, strlen(file));
  program_result csv = PROGRAM_RUN("forecast", path, "--horizon", "3", "--quantile-levels", "0.05,0.5,0.93");
  assert_int_equal(csv.status, 0);
  reply r = serving_post(s, "/invocations", body);
  assert_int_equal(r.status, 200);
  static const char *const names[ITEMS][2] = {{"target", NULL}, {"target_0", "target_1"}, {"target", NULL}};
  static const char *const ids[ITEMS] = {"a", "b", "c"};
  for (size_t i = 0; i < ITEMS; i++) {
    static const char *const keys[] = {"mean", "0.05", "0.5", "0.93"};
    for (size_t k = 0; k < 4; k++) {
      char column[2][300];
      char part[700];
      for (size_t t = 0; t < 2 && names[i][t]; t++) csv_column(csv.out, ids[i], names[i][t], 3 + k, column[t], 300);
      if (names[i][1]) {
        (void)snprintf(part, sizeof part, "\"%s\":[%s,%s]", keys[k], column[0], column[1]);
      } else {
        (void)snprintf(part, sizeof part, "\"%s\":%s", keys[k], column[0]);
      }
      assert_true(strlen(column[0]) > 10);
      if (!strstr(r.body, part)) fail_msg("expected %s in %s", part, r.body);
    }
  }
  serving_assert(&r, 200, "\"item_id\":\"a\",\"start\":\"2024-01-19T00:00:00\"");
  program_free(&csv);
  free(path);
  program_remove_folder(folder);
}

/* What KServe calls by other names has the same numbers. */
static void test_kserve(void **state) {
  const serving *s = *state;
  reply a = serving_post(s, "/invocations",
                         "{\"inputs\":[{\"target\":[33,34,35,36,37]}],\"parameters\":{\"prediction_length\":4,"
                         "\"quantile_levels\":[0.1]}}");
  reply b = serving_post(s, "/v1/timeseries/forecast",
                         "{\"model\":\"chronos2-micro\",\"inputs\":[{\"type\":\"univariate_time_series\",\"name\":"
                         "\"humidity\",\"series\":[33,34,35,36,37],\"frequency\":\"month\",\"start_timestamp\":"
                         "\"2024-09-30T13:10:00Z\",\"note\":1},{\"type\":\"multivariate_time_series\",\"name\":\"m\","
                         "\"series\":[[33,34,35,36,37]],\"frequency\":\"H\"}],\"options\":{\"horizon\":4,"
                         "\"quantiles\":[0.1]}}");
  assert_int_equal(a.status, 200);
  assert_int_equal(b.status, 200);
  char part[2][300];
  const char *mean = strchr(a.body, '[') + 1; /* {"predictions":[{"mean":[...],"0.1":[...]}]} */
  mean = strchr(mean, '[');
  const char *low = strchr(mean + 1, '[');
  (void)snprintf(part[0], 300, "\"mean_forecast\":%.*s", (int)(strchr(mean, ']') + 1 - mean), mean);
  (void)snprintf(part[1], 300, "\"quantiles\":{\"0.1\":%.*s}", (int)(strchr(low, ']') + 1 - low), low);
  assert_non_null(strstr(b.body, part[0]));
  assert_non_null(strstr(b.body, part[1]));
  (void)snprintf(part[0], 300, "\"mean_forecast\":[%.*s]", (int)(strchr(mean, ']') + 1 - mean), mean);
  assert_non_null(strstr(b.body, part[0]));
  assert_non_null(strstr(b.body, "\"start_timestamp\":\"2025-02-28T13:10:00Z\"")); /* February has no 30th */
  assert_non_null(strstr(b.body, "[\"members that mean nothing to this server are ignored: inputs[].note\"]"));
  free(a.body);
  serving_assert(&b, 200, "\"frequency\":\"month\"");
  b = serving_post(s, "/v1/timeseries/forecast",
                   "{\"model\":\"chronos2-micro\",\"id\":null,\"user\":1,\"inputs\":[{\"type\":"
                   "\"univariate_time_series\",\"name\":\"a\",\"series\":[1],\"frequency\":\"D\",\"a\":1,\"b\":1,"
                   "\"c\":1}],\"options\":{\"horizon\":1,\"levels\":[]}}");
  serving_assert(&b, 200, "are ignored: user, options.levels, inputs[].a, inputs[].b and 1 more\"]");
}

/* ---- Refusals and warnings ------------------------------------------------------------------- */

static const struct {
  const char *path, *body, *param, *part;
} refusals[] = {
    {"/invocations", "", "", "empty body"},
    {"/invocations", "{", "", "the body:1:2: expected a key in"},
    {"/invocations", "[1]", "", "expected an object, found an array"},
    {"/invocations", "{\"inputs\":[{\"target\":[1,2,]}]}", "", "the body:1:27: expected a value"},
    {"/invocations", "{\"a\":\"\xff\"}", "", "UTF-8"},
    {"/invocations", "{}", "", "expected an array of 1 to 1000 series"},
    {"/invocations", "{\"inputs\":[]}", "inputs", "expected an array of 1 to 1000 series"},
    {"/invocations", "{\"inputs\":[1]}", "inputs[0]", "expected an object, found a number"},
    {"/invocations", "{\"inputs\":[{}]}", "inputs[0]", "expected \\\"target\\\""},
    {"/invocations", "{\"inputs\":[{\"target\":[]}]}", "inputs[0].target", "at least one observation"},
    {"/invocations", "{\"inputs\":[{\"target\":[1]},{\"target\":[1,\"x\"]}]}", "inputs[1].target[1]", "found a string"},
    {"/invocations", "{\"inputs\":[{\"target\":[[1,2],[1]]}]}", "inputs[0].target[1]", "expected 2 as in row 0"},
    {"/invocations", ONE ",\"targets\":1}]}", "inputs[0].targets", "unknown key"},
    {"/invocations", ONE "}],\"parameters\":{\"horizon\":3}}", "parameters.horizon", "prediction_length"},
    {"/invocations", ONE "}],\"parameters\":[]}", "parameters", "expected an object"},
    {"/invocations", ONE "}],\"parameters\":{\"prediction_length\":0}}", "parameters.prediction_length", "1 to 1024"},
    {"/invocations", ONE "}],\"parameters\":{\"prediction_length\":1025}}", "parameters.prediction_length",
     "1 to 1024"},
    {"/invocations", ONE "}],\"parameters\":{\"prediction_length\":1.5}}", "parameters.prediction_length", "1.5"},
    {"/invocations", ONE "}],\"parameters\":{\"quantile_levels\":[0.5,1]}}", "parameters.quantile_levels[1]",
     "between"},
    {"/invocations", ONE "}],\"parameters\":{\"quantile_levels\":[0.5,0.5]}}", "parameters.quantile_levels[1]", "once"},
    {"/invocations", ONE "}],\"parameters\":{\"freq\":\"fortnight\"}}", "parameters.freq", "as pandas spells it"},
    {"/invocations", ONE "}],\"parameters\":{\"freq\":\"D\"}}", "inputs[0]", "expected \\\"start\\\""},
    {"/invocations", ONE ",\"start\":\"2024-01-01\"}]}", "inputs[0].start", "expected \\\"freq\\\""},
    {"/invocations", ONE ",\"start\":\"soon\"}],\"parameters\":{\"freq\":\"D\"}}", "inputs[0].start", "soon"},
    {"/invocations", ONE ",\"start\":\"9999-12-31\"}],\"parameters\":{\"freq\":\"D\"}}", "inputs[0].start", "too late"},
    {"/invocations", ONE "}],\"parameters\":{\"attention\":\"sparse\"}}", "parameters.attention",
     "windowed_future_null"},
    {"/invocations", ONE "}],\"parameters\":{\"attention\":\"full\",\"radius\":2}}", "parameters.radius", "no meaning"},
    {"/invocations", ONE "}],\"parameters\":{\"attention\":\"windowed_future_global\",\"radius\":0.5}}",
     "parameters.radius", "whole number"},
    {"/invocations", ONE "}],\"parameters\":{\"cross_learning\":true,\"predict_batches_jointly\":true}}",
     "parameters.predict_batches_jointly", "leave one out"},
    {"/invocations", ONE ",\"past_covariates\":{\"a\":[1]}}]}", "inputs[0].past_covariates.a",
     "expected 3 as the target"},
    {"/invocations", ONE ",\"future_covariates\":{\"a\":[1]}}]}", "inputs[0].future_covariates.a", "missing in"},
    {"/invocations", ONE ",\"past_covariates\":{\"a\":[1,2,3]},\"future_covariates\":{\"a\":[1,2]}}]}",
     "inputs[0].future_covariates.a", "expected 1 values"},
    {"/invocations", "{\"inputs\":[{\"target\":[1],\"item_id\":\"a\"},{\"target\":[1],\"item_id\":\"a\"}]}",
     "inputs[1].item_id", "another series before it has the item_id 'a'"},
    {"/invocations", "{\"inputs\":[{\"target\":[[],[]]}]}", "inputs[0].target[0]",
     "at least one observation"},
    {"/invocations", ONE ",\"start\":\"2024-01-01\",\"freq\":\"h\"}],\"parameters\":{\"freq\":\"D\"}}",
     "inputs[0].freq", "says otherwise"},
    {"/invocations", ONE "}],\"parameters\":{\"attention\":\"windowed_future_global\",\"radius\":1e300}}",
     "parameters.radius", "at most 1e9"},
    {"/invocations", ONE ",\"past_covariates\":{\"a\":[1,2,3]},\"future_covariates\":{\"a\":[\"NaN\"]}}]}",
     "inputs[0].future_covariates.a[0]", "found a string"},
    {"/v1/timeseries/forecast",
     "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1},\"inputs\":[{\"name\":5,\"series\":[1]}]}",
     "inputs[0].name", "expected a string, found a number"},
    {"/invocations", "{\"inputs\":[{\"target\":[1],\"item_id\":\"\\u001b\"}]}", "inputs[0].item_id",
     "control character"},
    {"/invocations", "{\"inputs\":[{\"target\":[1.7e308,-1.7e308,1.7e308]}]}", "inputs[0]", "not finite"},
    {"/v1/timeseries/forecast", "{\"model\":\"x\"}", "model", "expected \\\"chronos2-micro\\\""},
    {"/v1/timeseries/forecast", "{\"model\":\"chronos2-micro\"}", "", "\\\"options\\\": expected an object"},
    {"/v1/timeseries/forecast", "{\"model\":\"chronos2-micro\",\"options\":{}}", "options", "'horizon'"},
    {"/v1/timeseries/forecast", "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1025}}", "options.horizon",
     "1 to 1024"},
    {"/v1/timeseries/forecast",
     "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1},\"inputs\":[{\"type\":\"univariate_time_series\","
     "\"name\":"
     "\"a\",\"series\":[[1]],\"frequency\":\"D\"}]}",
     "inputs[0].series", "an array of numbers"},
    {"/v1/timeseries/forecast",
     "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1},\"inputs\":[{\"type\":\"univariate_time_series\","
     "\"name\":"
     "\"a\",\"series\":[1],\"frequency\":\"fortnight\"}]}",
     "inputs[0].frequency", "found fortnight"},
    {"/v1/timeseries/forecast",
     "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1},\"inputs\":[{\"type\":\"univariate_time_series\","
     "\"name\":"
     "\"a\",\"series\":[1,2,3],\"frequency\":\"Y\",\"start_timestamp\":\"9998-01-01T00:00:00Z\"}]}",
     "inputs[0].start_timestamp", "after the year 9999"},
    {"/v1/timeseries/forecast",
     "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1},\"inputs\":[{\"type\":\"other\",\"name\":\"a\","
     "\"series\":"
     "[1],\"frequency\":\"D\"}]}",
     "inputs[0].type", "univariate_time_series"},
};

static void test_refusals(void **state) {
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    char param[120];
    reply r = serving_post(*state, refusals[i].path, refusals[i].body);
    (void)snprintf(param, sizeof param, "\"param\":\"%s\"", refusals[i].param);
    if (!r.body || !strstr(r.body, param)) fail_msg("%s: expected %s in %s", refusals[i].body, param, r.body);
    serving_assert(&r, 400, refusals[i].part);
  }
}

/* What isn't looked at isn't let pass: parameters behind the path, and a body that says it is compressed. */
static void test_heads(void **state) {
  reply r = serving_post(*state, "/invocations?prediction_length=3", ONE "}]}");
  serving_assert(&r, 400, "expected no parameters behind the path");
  r = serving_request(*state, "POST", "/v1/timeseries/forecast", "Content-Encoding: gzip\r\n", "{}");
  serving_assert(&r, 415, "expected a body without Content-Encoding");
  r = serving_request(*state, "POST", "/invocations", "Content-Encoding: identity\r\n", ONE "}]}");
  serving_assert(&r, 200, "predictions");
  r = serving_request(*state, "GET", "/metrics?name=x", "", NULL);
  serving_assert(&r, 200, "chronos2_requests_active");
}

/* Bands that float32 rounds are said, whatever the protocol; a constant series has none to speak of. */
static void test_coarse(void **state) {
  static const struct {
    double level, spread;
    const char *end;
    bool is_said;
  } cases[] = {{1234567890, 1, "]}],\"parameters\":{\"quantile_levels\":[0.5]}}", true}, /* one level is no band */
               {1234567890, 0, "]}]}", false},
               {1234, 1, "]}],\"parameters\":{\"quantile_levels\":[0.5]}}", false},
               {1234567890, 1, "]}],\"parameters\":{\"context_length\":1}}", false}};
  static const char said[] = "\"warnings\":[\"1 series, 'inputs[0]' the first, varies so little around its level "
                             "that float32 rounds the bands: subtract the mean and divide by the standard deviation "
                             "before\"]";
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    char body[1024] = "{\"inputs\":[{\"target\":[";
    for (int t = 0; t < 40; t++) {
      (void)snprintf(body + strlen(body), sizeof body - strlen(body), "%s%.17g", t ? "," : "",
                     cases[k].level + cases[k].spread * (t * 37 % 100));
    }
    strcat(body, cases[k].end);
    reply r = serving_post(*state, "/invocations", body);
    assert_int_equal(r.status, 200);
    if ((strstr(r.body, said) != NULL) != cases[k].is_said) fail_msg("case %zu: %s", k, r.body);
    free(r.body);
  }
}

/* A pattern that the weights were not trained for is said, with what it was measured to change. */
static void test_untrained(void **state) {
  static const char said[] = "\"warnings\":[\"the weights were trained for full attention, not for "
                             "windowed_future_global at radius 8, which changed MASE by +71.1% (15 tasks)\"]";
  reply r = serving_post(*state, "/invocations",
                         ONE "}],\"parameters\":{\"attention\":\"windowed_future_global\",\"radius\":8}}");
  serving_assert(&r, 200, said);
  r = serving_post(*state, "/v1/timeseries/forecast",
                   "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1,\"attention\":"
                   "\"windowed_future_global\"},\"inputs\":[{\"type\":\"univariate_time_series\","
                   "\"name\":\"s\",\"frequency\":\"D\",\"series\":[1,2,3]}]}");
  serving_assert(&r, 200, said);
  r = serving_post(*state, "/v1/contexts", ONE "}]}");
  serving_assert(&r, 201, "trained for full attention, not for windowed_future_null at radius inf");
  r = serving_post(*state, "/invocations", ONE "}],\"parameters\":{\"attention\":\"full\"}}");
  assert_null(strstr(r.body, "warnings"));
  serving_assert(&r, 200, "predictions");
}

/* A global REG of the server holds beside what a request asks for, "auto" and nothing too. */
static void test_global_reg(void **state) {
  static const char untrained[] = "\"warnings\":[\"the weights were trained for windowed_future_global at radius 8, "
                                  "not for windowed_future_global at radius 8 with a global REG\"]";
  static const struct {
    const char *parameters, *said;
  } cases[] = {{"", untrained},
               {"\"attention\":\"auto\"", untrained},
               {"\"attention\":\"windowed_future_global\",\"radius\":8", untrained},
               {"\"attention\":\"windowed_future_global\",\"radius\":\"inf\"",
                "windowed_future_global at radius inf with a global REG\"]"}};
  char body[300];
  (void)state;
  serving s = serving_start((const char *const[]){"-m", SOURCE_DIR "/models/chronos2-micro-r8", "--reg-global", NULL});
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    (void)snprintf(body, sizeof body, ONE "}],\"parameters\":{%s}}", cases[i].parameters);
    reply r = serving_post(&s, "/invocations", body);
    serving_assert(&r, 200, cases[i].said);
    r = serving_post(&s, "/v1/contexts", body);
    serving_assert(&r, 201, cases[i].said);
  }
  reply r = serving_post(&s, "/invocations", ONE "}],\"parameters\":{\"attention\":\"full\"}}");
  assert_null(strstr(r.body, "REG"));
  serving_assert(&r, 200, "not for full attention, which changed MASE by -0.18% (15 tasks)");
  assert_int_equal(serving_stop(&s), 0);
}

/* A pattern that is asked for has the server's radius, 0 as any other. */
static void test_radius(void **state) {
  (void)state;
  serving s = serving_start((const char *const[]){"--attention", "windowed_future_global", "--radius", "0", NULL});
  reply r = serving_post(&s, "/v1/contexts", ONE "}],\"parameters\":{\"attention\":\"windowed_future_null\"}}");
  serving_assert(&r, 201, "\"attention\":\"windowed_future_null\",\"radius\":0,");
  r = serving_post(&s, "/v1/contexts", ONE "}]}");
  serving_assert(&r, 201, "\"attention\":\"windowed_future_global\",\"radius\":0,");
  assert_int_equal(serving_stop(&s), 0);
}

/* KServe's usage counts what is used of a series. */
static void test_usage(void **state) {
  char text[400] = "";
  for (int t = 0; t < 100; t++) (void)strcat(text, t ? ",1" : "1");
  for (int i = 0; i < 2; i++) {
    char body[800];
    (void)snprintf(body, sizeof body,
                   "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1%s},\"inputs\":[{\"type\":"
                   "\"univariate_time_series\",\"name\":\"s\",\"frequency\":\"D\",\"series\":[%s]}]}",
                   i ? ",\"context_length\":32" : "", text);
    reply r = serving_post(*state, "/v1/timeseries/forecast", body);
    serving_assert(&r, 200, i ? "\"prompt_tokens\":2,\"completion_tokens\":1,\"total_tokens\":3"
                              : "\"prompt_tokens\":7,\"completion_tokens\":1,\"total_tokens\":8");
  }
}

/* A context beyond the one that the model was trained for is said where a series is as long. */
static void test_long_context(void **state) {
  static const char behind[] = " is beyond the 2048 steps that the model was trained for\"]";
  char part[120];
  (void)state;
  serving s = serving_start((const char *const[]){"--context-length", "3000", NULL});
  for (size_t i = 0; i < 2; i++) {
    char *body = serving_make_body(1, 4000, 1, i ? "\"context_length\":2500" : "");
    reply r = serving_post(&s, "/invocations", body);
    (void)snprintf(part, sizeof part, "\"warnings\":[\"context length %s%s", i ? "2500" : "3000", behind);
    serving_assert(&r, 200, part);
    free(body);
  }
  char *body = serving_make_body(1, 2048, 1, "");
  reply r = serving_post(&s, "/invocations", body);
  assert_null(strstr(r.body, "warnings"));
  serving_assert(&r, 200, "predictions");
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* More rows than one pass takes don't all inform each other, which is said of all who forecast from them. */
static void test_passes(void **state) {
  static const struct {
    const char *parameters, *said;
  } cases[] = {
      {"\"cross_learning\":true", "\"warnings\":[\"300 rows are more than batch_size 256: series inform each other "
                                  "within 2 passes only\"]"},
      {"\"cross_learning\":true,\"batch_size\":300", NULL},
      {"\"predict_batches_jointly\":true,\"batch_size\":1",
       "300 rows are more than batch_size 1: series inform each other within 300 passes only, of one series each\""},
      {"\"batch_size\":1", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *body = serving_make_body(300, 8, 1, cases[i].parameters);
    reply r = serving_post(*state, "/invocations", body);
    if (!cases[i].said) assert_null(strstr(r.body, "warnings"));
    serving_assert(&r, 200, cases[i].said ? cases[i].said : "predictions");
    free(body);
  }
}

static void test_warnings(void **state) {
  static const struct {
    const char *body, *said;
  } cases[] = {
      {ONE ",\"past_covariates\":{\"a\":[\"x\",\"y\",\"x\"]},\"future_covariates\":{\"a\":[\"z\"]}}]}",
       "column 'a': item 'inputs[0]' never had 'z' in its past"},
      {ONE ",\"past_covariates\":{\"a\":[true,false,true]}},{\"target\":[1],\"past_covariates\":{\"a\":[2]}}]}",
       "column 'a': numbers in some items, booleans in others: True counts as 1, False as 0"},
      {ONE ",\"past_covariates\":{\"a\":[1,\"x\",3]}}]}",
       "column 'a' is read as categories: 'x' in item 'inputs[0]' is no number"},
      {ONE ",\"start\":\"2024-01-15\"}],\"parameters\":{\"freq\":\"MS\"}}",
       "1 series, 'inputs[0]' the first, has a start between two points of the frequency: it moves to the next one"},
      {ONE ",\"past_covariates\":{\"a\":[null,null,null]},\"future_covariates\":{\"a\":[1]}}]}",
       "1 series, 'inputs[0]' the first, has a covariate without an observed value in the past, 'a' the first: its "
       "effect is unknown\""},
      {"{\"inputs\":[{\"target\":[1,2,null,null],\"past_covariates\":{\"a\":[1,2,3,4]}},{\"target\":[1,null]}]}",
       "2 series, 'inputs[0]' the first, end in missing targets, for 2 steps at most: the forecast begins after the "
       "last row, not after the last observation\""},
      {ONE ",\"past_covariates\":{\"a\":[1,2,3]},\"future_covariates\":{\"a\":[null]}}]}",
       "1 value of known futures, the first in column 'a' of 'inputs[0]', is missing and counts as unknown\""},
      {ONE ",\"past_covariates\":{\"a\":[1,2,3]},\"future_covariates\":{\"a\":[true]}}]}",
       "column 'a': numbers in the past, booleans in the known future: True counts as 1, False as 0\""}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char part[300];
    reply said = serving_post(*state, "/invocations", cases[i].body);
    (void)snprintf(part, sizeof part, "\"warnings\":[\"%s", cases[i].said);
    serving_assert(&said, 200, part);
  }
  reply r = serving_post(*state, "/invocations", ONE "}],\"parameters\":{\"quantile_levels\":[0.001,0.5]}}");
  serving_assert(&r, 200, "\"warnings\":[\"quantile levels outside the trained ones");
  r = serving_post(*state, "/invocations", "{\"inputs\":[{\"target\":[1]},{\"target\":[null],\"item_id\":\"gone\"}]}");
  serving_assert(&r, 200, "\"warnings\":[\"1 series, 'gone' the first, holds no observed value\"]");
  r = serving_post(*state, "/invocations", ONE "},{\"target\":[1],\"item_id\":\"0\"},{\"target\":[1]}]}");
  assert_null(strstr(r.body, "warnings")); /* a series without a name has none that another one may not have */
  serving_assert(&r, 200, "\"0.9\":[");
  r = serving_post(*state, "/invocations", ONE ",\"item_id\":\"1\"},{\"target\":[null]}]}");
  serving_assert(&r, 200, "\"warnings\":[\"1 series, 'inputs[1]' the first, holds no observed value\"]");
}

int main(void) {
  const char *how = NULL;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_numbers), cmocka_unit_test(test_kserve),
                                     cmocka_unit_test(test_refusals), cmocka_unit_test(test_warnings),
                                     cmocka_unit_test(test_untrained), cmocka_unit_test(test_coarse),
                                     cmocka_unit_test(test_global_reg), cmocka_unit_test(test_long_context),
                                     cmocka_unit_test(test_passes), cmocka_unit_test(test_radius),
                                     cmocka_unit_test(test_usage),
                                     cmocka_unit_test(test_heads)};
  if (!c2_web_available(&how)) return 0; /* test_serve says so */
  return cmocka_run_group_tests(tests, serving_start_shared, serving_stop_shared);
}
