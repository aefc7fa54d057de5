/* Scenarios of `chronos2 serve`: contexts that are kept, forecast from, and dropped. */
#include "serving.h"

#include "serve/contexts.h"
#include "serve/web.h"
#include "small.h"

#define PASTS                                                                                                      \
  "{\"item_id\":\"a\",\"target\":[1,2,3,2,1,2,3,2,1,2,3,2,1,2,3,2,1,2,3],\"past_covariates\":{\"price\":"          \
  "[3,2,1,3,2,1,3,2,1,3,2,1,3,2,1,3,2,1,3],\"kind\":[\"x\",\"y\",\"x\",\"y\",\"x\",\"y\",\"x\",\"y\",\"x\",\"y\"," \
  "\"x\","                                                                                                         \
  "\"y\",\"x\",\"y\",\"x\",\"y\",\"x\",\"y\",\"x\"]}"
#define SECOND "{\"target\":[[5,6,7,8,9],[1,0,1,0,1]]}"

/* The id of a new context of two series, of which the first knows its price unless a scenario says otherwise. */
static void keep_context(const serving *s, char id[33]) {
  reply r = serving_post(s, "/v1/contexts",
                         "{\"inputs\":[" PASTS ",\"future_covariates\":{\"price\":[2,2]}}," SECOND
                         "],\"parameters\":{\"prediction_length\":2,\"quantile_levels\":[0.2]}}");
  assert_int_equal(r.status, 201);
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
  assert_int_equal(strlen(id), 32);
  serving_assert(&r, 201, "\"attention\":\"windowed_future_null\",\"radius\":\"inf\"");
}

static reply ask_context(const serving *s, const char *id, const char *body) {
  char path[80];
  (void)snprintf(path, sizeof path, "/v1/contexts/%.32s/forecast", id);
  return serving_post(s, path, body);
}

/* The number behind a line of /metrics. */
static double measure(const serving *s, const char *name) {
  reply r = serving_request(s, "GET", "/metrics", "", NULL);
  const char *at = r.body ? strstr(r.body, name) : NULL;
  double value = at ? strtod(at + strlen(name), NULL) : -1;
  serving_assert(&r, 200, name);
  return value;
}

/* What a past lacks is said with every forecast from it, what its scenarios lack with theirs. */
static void test_missing(void **state) {
  char id[33];
  reply r = serving_post(*state, "/v1/contexts",
                         "{\"inputs\":[{\"target\":[1,2,3,null],\"past_covariates\":{\"x\":[1,2,1,2]}}],"
                         "\"parameters\":{\"prediction_length\":2}}");
  assert_int_equal(r.status, 201);
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
  serving_assert(&r, 201, "\"warnings\":[\"1 series, 'inputs[0]' the first, ends in missing targets, for 1 step: ");
  r = ask_context(*state, id,
                  "{\"scenarios\":[{\"future_covariates\":[{\"x\":[1,null]}]},"
                  "{\"future_covariates\":[{\"x\":[null,null]}]}]}");
  serving_assert(&r, 200, "\"warnings\":[\"1 series, 'inputs[0]' the first, ends in missing targets, for 1 step: the "
                          "forecast begins after the last row, not after the last observation\",\"3 values of known "
                          "futures, the first in column 'x' of 'inputs[0]', are missing and count as unknown\",\"the "
                          "weights were trained for full attention, not for windowed_future_null");
}

/* A scenario has the numbers of a forecast of its own under the same pattern. */
static void test_contexts(void **state) {
  static const char *const futures[] = {",\"future_covariates\":{\"price\":[2,2]}}",
                                        ",\"future_covariates\":{\"price\":[9,1],\"kind\":[\"y\",\"x\"]}}", "}"};
  char id[33];
  keep_context(*state, id);
  reply r = ask_context(*state, id,
                        "{\"scenarios\":[{},{\"name\":\"dear\",\"future_covariates\":[{\"price\":[9,1],\"kind\":"
                        "[\"y\",\"x\"]},null]},{\"future_covariates\":[{\"price\":null},{}]}]}");
  assert_int_equal(r.status, 200);
  const char *at = r.body;
  for (size_t k = 0; k < 3; k++) {
    char body[2048];
    (void)snprintf(body, sizeof body,
                   "{\"inputs\":[%s%s,%s],\"parameters\":{\"prediction_length\":2,\"quantile_levels\":[0.2],"
                   "\"attention\":\"windowed_future_null\",\"radius\":\"inf\"}}",
                   PASTS, futures[k], SECOND);
    reply alone = serving_post(*state, "/invocations", body);
    assert_int_equal(alone.status, 200);
    *strstr(alone.body, ",\"warnings\"") = '\0'; /* they stand behind all scenarios */
    const char *found = strstr(at, alone.body + 1);
    if (!found) fail_msg("scenario %zu: expected %s in %s", k, alone.body + 1, r.body);
    at = found + 1;
    free(alone.body);
  }
  serving_assert(&r, 200, "{\"name\":\"dear\",\"predictions\":");
  char path[80];
  (void)snprintf(path, sizeof path, "/v1/contexts/%.32s", id);
  r = serving_request(*state, "DELETE", path, "", NULL);
  serving_assert(&r, 204, NULL);
  r = serving_request(*state, "DELETE", path, "", NULL);
  serving_assert(&r, 404, "there is no such context");
  r = ask_context(*state, id, "{\"scenarios\":[{}]}");
  serving_assert(&r, 404, "there is no such context");
  r = ask_context(*state, "0", "{\"scenarios\":[{}]}");
  serving_assert(&r, 404, "there is nothing at");
}

#define PATTERN_ALONE \
  "\"warnings\":[\"the weights were trained for full attention, not for windowed_future_null at radius inf\"]"

/* What there is to say of the pasts is said of each forecast from them. */
static void test_context_warnings(void **state) {
  char id[33];
  reply r = serving_post(
      *state, "/v1/contexts",
      "{\"inputs\":[" SECOND "],\"parameters\":{\"prediction_length\":2,\"quantile_levels\":[0.999]}}");
  assert_int_equal(r.status, 201);
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
  free(r.body);
  r = ask_context(*state, id, "{\"scenarios\":[{}]}");
  serving_assert(&r, 200, "\"warnings\":[\"quantile levels outside the trained ones");
  r = ask_context(*state, id, "{\"scenarios\":[{}],\"quantile_levels\":[0.5]}");
  serving_assert(&r, 200, PATTERN_ALONE);
  r = serving_post(*state, "/v1/contexts",
                   "{\"inputs\":[{\"target\":[1,2,3,4],\"past_covariates\":{\"c\":[\"a\",\"b\",\"a\",\"b\"]},"
                   "\"future_covariates\":{\"c\":[\"z\"]}}]}");
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
  serving_assert(&r, 201, "\"warnings\":[\"column 'c': item 'inputs[0]' never had 'z' in its past");
  r = ask_context(*state, id, "{\"scenarios\":[{\"future_covariates\":[{\"c\":[\"a\"]}]}]}");
  serving_assert(&r, 200, PATTERN_ALONE);
  r = ask_context(
      *state, id,
      "{\"scenarios\":[{},{\"future_covariates\":[{\"c\":[\"q\"]}]},{\"future_covariates\":[null]}]}");
  serving_assert(&r, 200, "'z' in its past, so its effect is unknown; future values of such categories: 3\",\"");
  keep_context(*state, id);
  r = ask_context(*state, id, "{\"scenarios\":[{}]}");
  serving_assert(&r, 200, PATTERN_ALONE);
  r = serving_post(*state, "/v1/contexts",
                   "{\"inputs\":[{\"target\":[1,2,3,4],\"past_covariates\":{\"x\":[1,2,1,2]}}],"
                   "\"parameters\":{\"prediction_length\":1}}");
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
  free(r.body);
  r = ask_context(*state, id, "{\"scenarios\":[{\"future_covariates\":[{\"x\":[true]}]}]}");
  serving_assert(&r, 200, "\"column 'x': numbers in the past, booleans in the known future: True counts as 1");
}

static void test_context_refusals(void **state) {
  static const struct {
    const char *body, *param, *part;
  } cases[] = {
      {"[]", "", "expected an object, found an array"},
      {"{}", "", "array of 1 to 500 scenarios"},
      {"{\"scenarios\":[]}", "scenarios", "array of 1 to 500 scenarios"},
      {"{\"scenarios\":[1]}", "scenarios[0]", "expected an object"},
      {"{\"scenarios\":[{\"names\":1}]}", "scenarios[0].names", "unknown key"},
      {"{\"scenarios\":[{\"name\":1}]}", "scenarios[0].name", "expected a string"},
      {"{\"scenarios\":[{\"future_covariates\":[{}]}]}", "scenarios[0].future_covariates", "array of 2 objects"},
      {"{\"scenarios\":[{\"future_covariates\":[{},1]}]}", "scenarios[0].future_covariates[1]", "found a number"},
      {"{\"scenarios\":[{\"future_covariates\":[{\"cost\":[1,2]},{}]}]}", "scenarios[0].future_covariates[0].cost",
       "no past covariate"},
      {"{\"scenarios\":[{\"future_covariates\":[{\"price\":[1]},{}]}]}", "scenarios[0].future_covariates[0].price",
       "expected 2 values"},
      {"{\"scenarios\":[{\"future_covariates\":[{\"price\":[1,\"x\"]},{}]}]}",
       "scenarios[0].future_covariates[0].price[1]", "expected a number"},
      {"{\"scenarios\":[{}],\"quantile_levels\":[2]}", "quantile_levels[0]", "between 0 and 1"},
  };
  char id[33];
  keep_context(*state, id);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char param[120];
    reply r = ask_context(*state, id, cases[i].body);
    (void)snprintf(param, sizeof param, "\"param\":\"%s\"", cases[i].param);
    if (!r.body || !strstr(r.body, param)) fail_msg("%s: expected %s in %s", cases[i].body, param, r.body);
    serving_assert(&r, 400, cases[i].part);
  }
  reply r = serving_post(*state, "/v1/contexts", ONE "}],\"parameters\":{\"attention\":\"full\"}}");
  assert_non_null(strstr(r.body, "\"param\":\"parameters.attention\""));
  serving_assert(&r, 400, "can't be encoded once");
}

/* A context that is deleted while a forecast from it waits is there until that one is over. */
static void test_context_in_use(void **state) {
  size_t series = small_leaves_out("16 of 20 series that hold the worker") ? 4 : 20;
  char *body = serving_make_body(series, 30, 5, "\"prediction_length\":1024,\"cross_learning\":true,\"batch_size\":1");
  char path[80];
  char id[33];
  (void)state;
  serving s = serving_start(NULL);
  keep_context(&s, id);
  double bytes = measure(&s, "\nchronos2_contexts_bytes ");
  assert_true(bytes > 0);
  reply alone = ask_context(&s, id, "{\"scenarios\":[{}]}");
  int long_one = serving_connect(&s);
  int waiting = serving_connect(&s);
  assert_true(serving_ask(long_one, "POST", "/invocations", "", body));
  serving_wait(&s, "\nchronos2_workers_busy 1\n");
  (void)snprintf(path, sizeof path, "/v1/contexts/%.32s/forecast", id);
  assert_true(serving_ask(waiting, "POST", path, "", "{\"scenarios\":[{}]}"));
  serving_wait(&s, "\nchronos2_queue_requests 1\n");
  (void)snprintf(path, sizeof path, "/v1/contexts/%.32s", id);
  reply r = serving_request(&s, "DELETE", path, "", NULL);
  serving_assert(&r, 204, NULL);
  assert_true(measure(&s, "\nchronos2_contexts ") == 0);
  assert_true(measure(&s, "\nchronos2_contexts_bytes ") == bytes); /* as long as it is there */
  assert_true(measure(&s, "\nchronos2_queue_requests ") == 1);
  r = serving_read(waiting);
  serving_assert(&r, 200, alone.body);
  assert_true(measure(&s, "\nchronos2_contexts_bytes ") == 0);
  r = serving_read(long_one);
  serving_assert(&r, 200, "predictions");
  close(waiting);
  close(long_one);
  free(alone.body);
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* Beyond the budget the context that was used least lately goes; what is beyond it alone is refused. */
static void test_context_memory(void **state) {
  enum { KEPT = 12, BUDGET = 1 << 20 };
  char id[KEPT][33];
  (void)state;
  serving s = serving_start((const char *const[]){"--context-memory", "1", NULL});
  char *body = serving_make_body(1, 500, 1, "");
  size_t alive = 0;
  size_t bytes = 0; /* of each */
  for (size_t i = 0; i < KEPT; i++) {
    reply r = serving_post(&s, "/v1/contexts", body);
    assert_int_equal(r.status, 201);
    assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\",\"bytes\":%zu", id[i], &bytes), 2);
    free(r.body);
    r = ask_context(&s, id[0], "{\"scenarios\":[{}]}"); /* the first one stays in use */
    serving_assert(&r, 200, "predictions");
  }
  for (size_t i = 0; i < KEPT; i++) {
    reply r = ask_context(&s, id[i], "{\"scenarios\":[{}]}");
    assert_true(r.status == 200 || r.status == 404);
    if (i == 0 || i == KEPT - 1) assert_int_equal(r.status, 200);
    alive += r.status == 200;
    free(r.body);
  }
  assert_int_equal(alive, BUDGET / bytes);
  assert_true(alive > 2 && alive < KEPT);
  assert_true(measure(&s, "\nchronos2_contexts_bytes ") == (double)(alive * bytes));
  char line[60];
  (void)snprintf(line, sizeof line, "\nchronos2_contexts %zu\n", alive);
  reply r = serving_request(&s, "GET", "/metrics", "", NULL);
  serving_assert(&r, 200, line);
  free(body);
  double batches = measure(&s, "\nchronos2_batches_total ");
  body = serving_make_body(20, 2000, 1, "");
  r = serving_post(&s, "/v1/contexts", body);
  serving_assert(&r, 413, "expected at most 1048576");
  assert_true(measure(&s, "\nchronos2_batches_total ") == batches); /* before anything is encoded */
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* Where contexts that others forecast from leave no room, a new one is refused for now; later it takes their place. */
static void test_context_no_room(void **state) {
  enum { SCENARIOS = 12, BUDGET = 1 << 20 };
  char scenarios[100] = "{\"scenarios\":[{}";
  char path[80];
  char id[33];
  size_t bytes = 0;
  (void)state;
  serving s = serving_start((const char *const[]){"--context-memory", "1", "--batch-tokens", "1", NULL});
  char *body = serving_make_body(2, 1000, 1, "\"prediction_length\":1024,\"quantile_levels\":[0.5]");
  reply r = serving_post(&s, "/v1/contexts", body);
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\",\"bytes\":%zu", id, &bytes), 2);
  serving_assert(&r, 201, "");
  assert_true(bytes > BUDGET / 2 && bytes < BUDGET);
  for (size_t i = 1; i < SCENARIOS; i++) strcat(scenarios, ",{}");
  strcat(scenarios, "]}");
  (void)snprintf(path, sizeof path, "/v1/contexts/%.32s/forecast", id);
  int fd = serving_connect(&s);
  assert_true(fd >= 0 && serving_ask(fd, "POST", path, "", scenarios));
  serving_wait(&s, "\nchronos2_workers_busy 1\n");
  r = serving_post(&s, "/v1/contexts", body); /* has its turn between two scenarios */
  assert_non_null(strstr(r.head, "\r\nRetry-After: 1\r\n"));
  serving_assert(&r, 503, "contexts that other requests use hold the memory that there is for them");
  r = serving_read(fd);
  serving_assert(&r, 200, "predictions");
  close(fd);
  r = serving_post(&s, "/v1/contexts", body);
  serving_assert(&r, 201, "");
  r = ask_context(&s, id, "{\"scenarios\":[{}]}");
  serving_assert(&r, 404, "others took its place");
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* All quantiles of a scenario's series are there at once, whatever the levels that are asked for. */
static void test_scenario_quantiles(void **state) {
  (void)state;
  serving s = serving_start((const char *const[]){"--max-body", "1", "--max-memory", "1", NULL});
  for (size_t series = 1; series <= 5; series += 4) {
    char id[33];
    char *body = serving_make_body(series, 3, 1, "\"prediction_length\":1024,\"quantile_levels\":[0.5]");
    reply r = serving_post(&s, "/v1/contexts", body);
    assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
    serving_assert(&r, 201, "");
    r = ask_context(&s, id, "{\"scenarios\":[{}]}");
    serving_assert(&r, series == 1 ? 200 : 413, series == 1 ? "predictions" : "series and results would take");
    free(body);
  }
  assert_int_equal(serving_stop(&s), 0);
}

static c2_status add_empty(c2_contexts *contexts, c2_kept **kept, c2_error *err) {
  c2_call call = {.count = 0};
  chronos2_context *context = NULL;
  return c2_contexts_add(contexts, &call, &context, kept, err);
}

/* A context in use holds its memory, dropped or not, and no other takes its place. */
static void test_context_memory_in_use(void **state) {
  c2_contexts *c = NULL;
  c2_kept *kept[4];
  c2_error err;
  char id[2][C2_CONTEXT_ID_ROOM];
  size_t one = 0;
  size_t bytes = 0;
  (void)state;
  assert_int_equal(c2_contexts_open(&c, SIZE_MAX, &err), C2_OK);
  assert_int_equal(add_empty(c, &kept[0], &err), C2_OK);
  assert_int_equal(c2_contexts_count(c, &one), 1);
  c2_contexts_give(c, &kept[0]);
  c2_contexts_close(&c);
  assert_int_equal(c2_contexts_open(&c, 2 * one + one / 2, &err), C2_OK);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(add_empty(c, &kept[i], &err), C2_OK);
    memcpy(id[i], kept[i]->id, sizeof id[i]);
  }
  c2_contexts_give(c, &kept[1]);
  assert_int_equal(add_empty(c, &kept[2], &err), C2_OK);
  assert_null(c2_contexts_take(c, id[1]));
  assert_int_equal(add_empty(c, &kept[3], &err), C2_ERR_MEMORY);
  assert_non_null(strstr(err.text, "contexts that other requests use hold the memory"));
  assert_true(c2_contexts_drop(c, id[0]));
  assert_int_equal(c2_contexts_count(c, &bytes), 1);
  assert_int_equal(bytes, 2 * one);
  assert_int_equal(add_empty(c, &kept[3], &err), C2_ERR_MEMORY);
  c2_contexts_give(c, &kept[0]);
  assert_int_equal(c2_contexts_count(c, &bytes), 1);
  assert_int_equal(bytes, one);
  assert_int_equal(add_empty(c, &kept[3], &err), C2_OK);
  c2_contexts_give(c, &kept[2]);
  c2_contexts_give(c, &kept[3]);
  c2_contexts_close(&c);
}

/* Texts count as what they take, and covariates of many scenarios as rows. */
static void test_context_room(void **state) {
  enum { ID = 300000, COVARIATES = 20, ROOM = 2 * ID };
  char id[33];
  size_t bytes = 0;
  char *body = calloc(1, ROOM);
  assert_non_null(body);
  (void)snprintf(body, ROOM, "{\"inputs\":[{\"target\":[1,2,3,4],\"item_id\":\"%0*d\"}]}", (int)ID, 7);
  reply r = serving_post(*state, "/v1/contexts", body);
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\",\"bytes\":%zu", id, &bytes), 2);
  serving_assert(&r, 201, "");
  assert_true(bytes > ID);
  int n = sprintf(body, "{\"inputs\":[{\"target\":[1],\"past_covariates\":{");
  for (int i = 0; i < COVARIATES; i++) n += sprintf(body + n, "%s\"c%d\":[1]", i ? "," : "", i);
  (void)sprintf(body + n, "}}]}");
  r = serving_post(*state, "/v1/contexts", body);
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
  serving_assert(&r, 201, "");
  n = sprintf(body, "{\"scenarios\":[{}");
  for (int i = 1; i < 477; i++) n += sprintf(body + n, ",{}");
  (void)sprintf(body + n, "]}");
  r = ask_context(*state, id, body);
  serving_assert(&r, 400, "array of 1 to 476 scenarios"); /* 10,000 rows are all that a request may have */
  free(body);
}

/* Of scenarios, too, the series is named, and counts once. */
static void test_context_coarse(void **state) {
  char body[2048] = "{\"inputs\":[{\"item_id\":\"1\",\"target\":[1,2,3]},{\"item_id\":\"0\",\"target\":[";
  char id[33];
  for (int t = 0; t < 40; t++) {
    (void)snprintf(body + strlen(body), sizeof body - strlen(body), "%s%.17g", t ? "," : "",
                   1e6 + 1e-5 * (t * 37 % 100));
  }
  strcat(body, "]},{\"item_id\":\"2\",\"target\":[1,2,3]}]}");
  reply r = serving_post(*state, "/v1/contexts", body);
  assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
  serving_assert(&r, 201, "");
  r = ask_context(*state, id, "{\"scenarios\":[{},{}]}");
  serving_assert(&r, 200, "\"1 series, '0' the first, varies so little");
}

/* Scenarios go into as many batches as the budget asks for, and their numbers are the same; under cross_learning and
 * with categories of several targets, too, since they don't depend on each other. */
static void test_context_turns(void **state) {
  static const char scenarios[] = "{\"scenarios\":[{},{\"future_covariates\":[{\"price\":[9,1],\"kind\":[\"y\",\"x\"]}"
                                  ",null]},{\"future_covariates\":[{\"price\":null},{}]}]}";
  static const char batches[] = "\nchronos2_batches_total ";
  static const char *const bodies[] = {
      "{\"inputs\":[" PASTS "}," SECOND "],\"parameters\":{\"prediction_length\":2}}",
      "{\"inputs\":[" PASTS "}," SECOND "],\"parameters\":{\"prediction_length\":2,\"cross_learning\":true}}",
      "{\"inputs\":[" PASTS "},{\"target\":[[5,6,7],[1,0,1]],\"past_covariates\":{\"kind\":[\"b\",\"a\",\"b\"]}}],"
      "\"parameters\":{\"prediction_length\":2}}"};
  serving s = serving_start((const char *const[]){"--batch-tokens", "1", NULL});
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    const serving *both[2] = {*state, &s};
    char *answer[2];
    for (size_t k = 0; k < 2; k++) {
      char id[33];
      reply r = serving_post(both[k], "/v1/contexts", bodies[i]);
      if (r.status != 201) fail_msg("%s", r.body);
      assert_int_equal(sscanf(r.body, "{\"id\":\"%32[0-9a-f]\"", id), 1);
      free(r.body);
      double before = measure(both[k], batches);
      r = ask_context(both[k], id, scenarios);
      assert_int_equal(r.status, 200);
      answer[k] = r.body;
      assert_true(measure(both[k], batches) - before == (k ? 3 : 1));
    }
    assert_string_equal(answer[0], answer[1]);
    free(answer[0]);
    free(answer[1]);
  }
  assert_int_equal(serving_stop(&s), 0);
}

int main(void) {
  const char *how = NULL;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_contexts), cmocka_unit_test(test_missing),
                                     cmocka_unit_test(test_context_warnings),
                                     cmocka_unit_test(test_context_refusals), cmocka_unit_test(test_context_room),
                                     cmocka_unit_test(test_context_coarse), cmocka_unit_test(test_context_turns),
                                     cmocka_unit_test(test_context_in_use),
                                     cmocka_unit_test(test_context_memory),
                                     cmocka_unit_test(test_context_no_room),
                                     cmocka_unit_test(test_scenario_quantiles),
                                     cmocka_unit_test(test_context_memory_in_use)};
  if (!c2_web_available(&how)) return 0; /* test_serve says so */
  return cmocka_run_group_tests(tests, serving_start_shared, serving_stop_shared);
}
