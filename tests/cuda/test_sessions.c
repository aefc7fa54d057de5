/* Sessions on the emulated device: graphs, memory, weights that sessions share, threads. With the library for GPUs in
 * CHRONOS2_CUDA_LIBRARY, and CHRONOS2_ON_GPU set, those tests run that need no counters. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "small.h"

enum { SERIES = 3, LENGTH = 70, HORIZON = 20, LONG = 90, TURNS = 4 };

static size_t (*replays)(void);
static size_t (*allocated)(void);
static chronos2_model *model;
static double target[TURNS][SERIES][LENGTH];

static size_t none(void) {
  return 0;
}

/* Of the emulated device; a GPU counts nothing. */
static size_t (*counter(const char *name))(void) {
  if (getenv("CHRONOS2_ON_GPU")) return none;
  union {
    void *object;
    size_t (*function)(void);
  } symbol = {.object = dlsym(dlopen(getenv("CHRONOS2_CUDA_LIBRARY"), RTLD_NOW), name)};
  assert_non_null(symbol.object);
  return symbol.function;
}

static void assert_replayed(size_t before, size_t expected) {
  if (replays != none) assert_int_equal(replays() - before, expected);
}

static int open_all(void **state) {
  (void)state;
  replays = counter("c2_emulated_replays");
  allocated = counter("c2_emulated_bytes");
  for (size_t k = 0; k < TURNS; k++) {
    for (size_t i = 0; i < SERIES; i++) {
      for (size_t t = 0; t < LENGTH; t++) target[k][i][t] = sin(0.2 * (double)(t * (i + 1)) + (double)k);
    }
  }
  return chronos2_model_open(SOURCE_DIR "/tests/golden/model-odd/weights", NULL, &model) != CHRONOS2_OK;
}

static int close_all(void **state) {
  (void)state;
  chronos2_model_close(&model);
  return 0;
}

static chronos2_session *open_on(const char *device, chronos2_attention attention) {
  chronos2_session_options options = {
      CHRONOS2_SESSION_OPTIONS_INIT, .device = device, .attention = attention, .radius = 2, .threads = 1};
  chronos2_session *session = NULL;
  if (chronos2_session_open(model, &options, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return session;
}

static chronos2_session *open_session(chronos2_attention attention) {
  return open_on("cuda", attention);
}

/* Series of `shift` steps less; with gaps where they are asked for. */
static void fill(chronos2_series *series, size_t turn, size_t shift) {
  for (size_t i = 0; i < SERIES; i++) {
    series[i] = (chronos2_series){.length = LENGTH - shift - 17 * i, .targets = 1, .target = target[turn][i]};
  }
}

static chronos2_forecast *predict(chronos2_session *session, const chronos2_series *series) {
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_forecast *forecast = NULL;
  if (chronos2_predict(session, series, SERIES, &how, &forecast) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return forecast;
}

static void assert_same(const chronos2_forecast *a, const chronos2_forecast *b) {
  for (size_t i = 0; i < SERIES; i++) {
    assert_memory_equal(chronos2_forecast_quantiles(a, i, 0), chronos2_forecast_quantiles(b, i, 0),
                        21 * HORIZON * sizeof(double));
  }
}

/* ---- Graphs ------------------------------------------------------------------------------------- */

/* A shape's second pass makes a graph; the graph forecasts other values as a session without graphs does. */
static void test_graphs(void **state) {
  (void)state;
  static const chronos2_attention patterns[] = {CHRONOS2_FULL, CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                                CHRONOS2_WINDOWED_FUTURE_VISIBLE, CHRONOS2_WINDOWED_FUTURE_NULL};
  size_t step = small_leaves_out("graphs of global and visible futures") ? 3 : 1;
  chronos2_series series[SERIES];
  for (size_t p = 0; p < 4; p += step) {
    chronos2_session *session = open_session(patterns[p]);
    setenv("CHRONOS2_CUDA_GRAPHS", "0", 1);
    chronos2_session *direct = open_session(patterns[p]);
    unsetenv("CHRONOS2_CUDA_GRAPHS");
    for (size_t k = 0; k < TURNS; k++) {
      size_t before = replays();
      fill(series, k, 0);
      chronos2_forecast *ours = predict(session, series);
      assert_replayed(before, k > 0);
      chronos2_forecast *theirs = predict(direct, series);
      assert_replayed(before, k > 0);
      assert_same(ours, theirs);
      chronos2_forecast_free(&ours);
      chronos2_forecast_free(&theirs);
    }
    chronos2_session_close(&session);
    chronos2_session_close(&direct);
  }
}

/* Shapes that take turns keep their graphs; another shape, or missing values, have none at first. */
static void test_shapes(void **state) {
  (void)state;
  chronos2_session *session = open_session(CHRONOS2_FULL);
  chronos2_series series[SERIES];
  double gaps[LENGTH];
  for (size_t turn = 0; turn < 4; turn++) {
    for (size_t shape = 0; shape < 4; shape++) {
      size_t before = replays();
      fill(series, turn, shape < 3 ? 16 * shape : 0);
      for (size_t t = 0; t < LENGTH; t++) gaps[t] = t >= 22 && t < 38 ? (double)NAN : target[turn][0][t]; /* a patch */
      if (shape == 3) series[0].target = gaps;
      chronos2_forecast *f = predict(session, series);
      chronos2_forecast_free(&f);
      assert_replayed(before, turn % 2);
    }
    if (turn == 1) chronos2_session_reset_peak(session); /* the graphs go with the workspace */
  }
  chronos2_session_close(&session);
}

/* A shape that comes again and again keeps its graph, however many others come between. */
static void test_used_last(void **state) {
  (void)state;
  enum { OTHERS = 65 }; /* with it more than a session remembers */
  chronos2_session *session = open_session(CHRONOS2_FULL);
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 1};
  chronos2_series series[OTHERS + 1];
  for (size_t i = 0; i <= OTHERS; i++) {
    series[i] = (chronos2_series){.length = 5, .targets = 1, .target = target[0][0]};
  }
  for (size_t i = 0; i <= 2 * OTHERS; i++) {
    bool other = i % 2 == 1;
    size_t before = replays();
    chronos2_forecast *f = NULL;
    assert_int_equal(chronos2_predict(session, series, other ? i / 2 + 1 : OTHERS + 1, &how, &f), CHRONOS2_OK);
    chronos2_forecast_free(&f);
    assert_replayed(before, i > 0 && !other);
  }
  chronos2_session_close(&session);
}

/* A pass of which no graph can be made runs without one, and so do later ones like it. */
static void test_unfinished_graph(void **state) {
  (void)state;
  chronos2_series series[SERIES];
  chronos2_session *session = open_session(CHRONOS2_FULL);
  chronos2_session *whole = open_session(CHRONOS2_FULL);
  for (size_t k = 0; k < TURNS; k++) {
    fill(series, k, 0);
    chronos2_forecast *theirs = predict(whole, series);
    size_t before = replays();
    if (k == 1) setenv("CHRONOS2_EMULATOR_RECORDED", "3", 1);
    chronos2_forecast *ours = predict(session, series);
    unsetenv("CHRONOS2_EMULATOR_RECORDED");
    assert_replayed(before, 0);
    assert_same(ours, theirs);
    chronos2_forecast_free(&theirs);
    chronos2_forecast_free(&ours);
  }
  chronos2_session_close(&session);
  chronos2_session_close(&whole);
}

/* ---- Two devices -------------------------------------------------------------------------------- */

/* Each forecasts alike, but what one has encoded isn't in the other's memory. */
static void test_devices(void **state) {
  (void)state;
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_session *session[2] = {open_session(CHRONOS2_WINDOWED_FUTURE_GLOBAL),
                                  open_on("cuda:1", CHRONOS2_WINDOWED_FUTURE_GLOBAL)};
  chronos2_series series[SERIES];
  chronos2_context *context = NULL;
  chronos2_forecast *forecast[2];
  chronos2_forecast *none = NULL;
  fill(series, 0, 0);
  for (size_t i = 0; i < 2; i++) forecast[i] = predict(session[i], series);
  assert_same(forecast[0], forecast[1]);
  assert_int_equal(chronos2_context_open(session[0], series, SERIES, &how, &context), CHRONOS2_OK);
  assert_int_equal(chronos2_context_predict(session[1], context, series, SERIES, &how, &none), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "expected cuda:0, where the contexts were encoded, found cuda:1"));
  chronos2_forecast_free(&forecast[1]);
  assert_int_equal(chronos2_context_predict(session[0], context, series, SERIES, &how, &forecast[1]), CHRONOS2_OK);
  assert_same(forecast[0], forecast[1]);
  chronos2_context_close(&context);
  for (size_t i = 0; i < 2; i++) {
    chronos2_forecast_free(&forecast[i]);
    chronos2_session_close(&session[i]);
  }
}

/* ---- Memory ------------------------------------------------------------------------------------- */

/* What is planned is what is taken, here and on the device; a rollout is planned for its longest contexts. */
static void test_planned_bytes(void **state) {
  (void)state;
  chronos2_series series[SERIES];
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  int step = small_leaves_out("the memory of global and visible futures") ? 3 : 1;
  fill(series, 0, 0);
  for (int i = 0; i < 8; i += i % 4 == 3 ? 1 : step) {
    chronos2_session *session = open_session((chronos2_attention)(CHRONOS2_FULL + i % 4));
    how.horizon = i < 4 ? HORIZON : LONG; /* rolled out, by paths that stay on the device */
    size_t weights = allocated();
    size_t planned = 0;
    assert_int_equal(chronos2_predict_bytes(session, series, SERIES, &how, &planned), CHRONOS2_OK);
    assert_int_equal(allocated(), weights);
    chronos2_forecast *f = NULL;
    assert_int_equal(chronos2_predict(session, series, SERIES, &how, &f), CHRONOS2_OK);
    size_t taken = chronos2_session_peak_bytes(session) - chronos2_model_bytes(model);
    assert_true(i < 4 ? taken == planned : taken <= planned && planned < taken + taken / 4);
    chronos2_device_memory gpu = chronos2_session_device_memory(session);
    assert_true(i < 4 ? gpu.allocated == allocated() : gpu.allocated > allocated());
    assert_true(i < 4 ? gpu.reserved == allocated() : gpu.reserved > allocated());
    chronos2_forecast_free(&f);
    chronos2_session_close(&session);
  }
}

/* After a reset the marks are those of the next pass alone, whatever ran before; an encoded context counts. */
static void test_marks(void **state) {
  (void)state;
  chronos2_session *session = open_session(CHRONOS2_WINDOWED_FUTURE_GLOBAL);
  chronos2_series series[SERIES];
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_context *context = NULL;
  fill(series, 0, 0);
  chronos2_forecast *f = predict(session, series);
  chronos2_device_memory first = chronos2_session_device_memory(session);
  assert_int_equal(chronos2_context_open(session, series, SERIES, &how, &context), CHRONOS2_OK);
  chronos2_device_memory second = chronos2_session_device_memory(session);
  assert_true(second.reserved > first.reserved && second.reserved == allocated());
  assert_true(second.allocated < second.reserved); /* the encoding needs less workspace than the forecast */
  chronos2_context_close(&context);
  chronos2_forecast_free(&f);
  chronos2_session_reset_peak(session);
  chronos2_device_memory third = chronos2_session_device_memory(session);
  assert_int_equal(third.reserved, allocated());
  assert_true(third.reserved < first.reserved); /* the workspace is given back */
  assert_true(third.allocated < first.allocated);
  assert_true(chronos2_session_peak_bytes(session) - chronos2_model_bytes(model) >= third.reserved - third.allocated);
  fill(series, 0, 16);
  f = predict(session, series);
  chronos2_forecast_free(&f);
  chronos2_device_memory fourth = chronos2_session_device_memory(session);
  assert_int_equal(fourth.reserved, allocated());
  assert_true(fourth.reserved < first.reserved);
  assert_in_range(fourth.allocated, third.allocated + 1, first.allocated - 1); /* of a smaller pass */
  chronos2_session_close(&session);
  chronos2_session_options cpu = {CHRONOS2_SESSION_OPTIONS_INIT};
  assert_int_equal(chronos2_session_open(model, &cpu, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_session_device_memory(session).reserved, 0);
  chronos2_session_close(&session);
}

/* Memory that is out: an error, and the session goes on once there is some. */
static void test_no_memory(void **state) {
  (void)state;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .device = "cuda"};
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_series series[SERIES];
  char room[32];
  fill(series, 0, 0);
  setenv("CHRONOS2_EMULATOR_MEMORY", "1000", 1);
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_ERROR_MEMORY);
  assert_non_null(strstr(chronos2_last_error(), "bytes left"));
  assert_int_equal(allocated(), 0);
  unsetenv("CHRONOS2_EMULATOR_MEMORY");
  session = open_session(CHRONOS2_FULL);
  (void)snprintf(room, sizeof room, "%zu", allocated() + 100);
  setenv("CHRONOS2_EMULATOR_MEMORY", room, 1);
  assert_int_equal(chronos2_predict(session, series, SERIES, &how, &forecast), CHRONOS2_ERROR_MEMORY);
  unsetenv("CHRONOS2_EMULATOR_MEMORY");
  forecast = predict(session, series);
  chronos2_forecast_free(&forecast);
  chronos2_session_close(&session);
}

/* ---- Shared weights ----------------------------------------------------------------------------- */

static void test_one_copy(void **state) {
  (void)state;
  assert_int_equal(allocated(), 0);
  chronos2_session *one = open_session(CHRONOS2_FULL);
  size_t weights = allocated();
  assert_true(weights > 0);
  chronos2_session *other = open_session(CHRONOS2_FULL);
  assert_int_equal(allocated(), weights);
  chronos2_session_close(&one);
  chronos2_series series[SERIES];
  fill(series, 0, 0);
  chronos2_forecast *f = predict(other, series); /* its weights are still there */
  chronos2_forecast_free(&f);
  chronos2_session_close(&other);
  assert_int_equal(allocated(), 0);
}

static void *work(void *argument) {
  size_t turn = (size_t)(uintptr_t)argument;
  for (size_t i = 0; i < 2; i++) {
    chronos2_session *session = open_session(CHRONOS2_FULL);
    chronos2_series series[SERIES];
    fill(series, turn, 0);
    chronos2_forecast *f = predict(session, series);
    chronos2_session_close(&session);
    if (i == 1) return f;
    chronos2_forecast_free(&f);
  }
  return NULL;
}

static void test_threads(void **state) {
  (void)state;
  pthread_t thread[TURNS];
  size_t count = small_leaves_out("two of four threads") ? 2 : TURNS;
  for (size_t i = 0; i < count; i++) assert_int_equal(pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)i), 0);
  for (size_t i = 0; i < count; i++) {
    void *found = NULL;
    assert_int_equal(pthread_join(thread[i], &found), 0);
    chronos2_forecast *expected = work((void *)(uintptr_t)i);
    chronos2_forecast *f = found;
    assert_same(f, expected);
    chronos2_forecast_free(&f);
    chronos2_forecast_free(&expected);
  }
  assert_int_equal(allocated(), 0);
}

int main(void) {
  const struct CMUnitTest anywhere[] = {cmocka_unit_test(test_graphs), cmocka_unit_test(test_shapes),
                                        cmocka_unit_test(test_used_last), cmocka_unit_test(test_threads)};
  const struct CMUnitTest emulated[] = {cmocka_unit_test(test_unfinished_graph), cmocka_unit_test(test_devices),
                                        cmocka_unit_test(test_planned_bytes),    cmocka_unit_test(test_marks),
                                        cmocka_unit_test(test_no_memory),        cmocka_unit_test(test_one_copy)};
  int failures = cmocka_run_group_tests(anywhere, open_all, close_all);
  if (!getenv("CHRONOS2_ON_GPU")) failures += cmocka_run_group_tests(emulated, open_all, close_all);
  return failures;
}
