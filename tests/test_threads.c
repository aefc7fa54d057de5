/* Threads that share a model: each with sessions of its own, of one to three workers, forecasting, being cancelled,
 * refused, embedding, using encoded contexts of their own and a common one, and a common folder of packed weights, all
 * at once. Every forecast has the bits of one that ran alone. The thread sanitizer (preset tsan) watches the same
 * program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { PATTERNS = 4, SERIES = 4, LENGTH = 90, HORIZON = 20, LEVELS = 21, THREADS = 5, ROUNDS = 3 };

typedef double forecast_values[SERIES][LEVELS * HORIZON];

/* The odd ones know a covariate ahead. */
typedef struct input {
  chronos2_series series[SERIES];
  chronos2_covariate covariate[SERIES];
  double target[SERIES][LENGTH], past[LENGTH], future[HORIZON];
} input;

static chronos2_model *shared;
static chronos2_context *encoded[PATTERNS]; /* of all series, by those patterns that encode */
static forecast_values alone[PATTERNS];
static char *cache;
static atomic_int wrong; /* cmocka's assertions belong to the main thread */

#define EXPECT(condition)                                                                       \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      (void)fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, chronos2_last_error()); \
      atomic_fetch_add(&wrong, 1);                                                              \
    }                                                                                           \
  } while (0)

static bool encodes(int pattern) { /* windowed_future_global and _null */
  return pattern % 2 == 1;
}

static void fill(input *in) {
  for (size_t t = 0; t < LENGTH; t++) in->past[t] = (double)(t * 5 % 7);
  for (size_t t = 0; t < HORIZON; t++) in->future[t] = (double)(t * 3 % 7);
  for (size_t i = 0; i < SERIES; i++) {
    size_t length = LENGTH - 17 * i;
    for (size_t t = 0; t < length; t++) in->target[i][t] = t % 11 == 3 ? (double)NAN : (double)((t * (i + 3)) % 13);
    in->covariate[i] = (chronos2_covariate){.name = "known", .past = in->past, .future = in->future};
    in->series[i] = (chronos2_series){.length = length,
                                      .targets = 1,
                                      .target = in->target[i],
                                      .covariates = i % 2,
                                      .covariate = &in->covariate[i]};
  }
}

/* `pattern` counts from full attention. */
static chronos2_session *open_session(const chronos2_model *model, int pattern, int threads) {
  chronos2_session *session = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT,
                                      .attention = (chronos2_attention)(CHRONOS2_FULL + pattern),
                                      .radius = 2, .threads = threads};
  EXPECT(chronos2_session_open(model, &options, &session) == CHRONOS2_OK);
  return session;
}

static void check_bits(const chronos2_forecast *f, int pattern) {
  for (size_t i = 0; i < SERIES; i++) {
    EXPECT(memcmp(chronos2_forecast_quantiles(f, i, 0), alone[pattern][i], sizeof alone[pattern][i]) == 0);
  }
}

static void forecast(chronos2_session *session, int pattern, size_t batch) {
  input in;
  chronos2_forecast *f = NULL;
  fill(&in);
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .batch_size = batch};
  EXPECT(chronos2_predict(session, in.series, SERIES, &options, &f) == CHRONOS2_OK);
  if (f) check_bits(f, pattern);
  chronos2_forecast_free(&f);
}

static int stop_at(void *user, size_t done, size_t total) {
  (void)total;
  return done >= *(size_t *)user;
}

static void cancel(chronos2_session *session, size_t after) {
  input in;
  chronos2_forecast *f = NULL;
  fill(&in);
  chronos2_session_on_progress(session, stop_at, &after);
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .batch_size = 1};
  EXPECT(chronos2_predict(session, in.series, SERIES, &options, &f) == CHRONOS2_ERROR_CANCELLED);
  EXPECT(!f);
  chronos2_session_on_progress(session, NULL, NULL);
}

static void refuse(chronos2_session *session) {
  double values[3] = {1, (double)INFINITY, 2};
  chronos2_series series = {.length = 3, .targets = 1, .target = values};
  chronos2_forecast *f = NULL;
  EXPECT(chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 2},
                          &f) ==
         CHRONOS2_ERROR_ARGUMENT);
  EXPECT(strstr(chronos2_last_error(), "series 0") && !f);
}

static void embed(chronos2_session *session) {
  input in;
  chronos2_embedding *e = NULL;
  fill(&in);
  EXPECT(chronos2_embed(session, in.series, SERIES, NULL, &e) == CHRONOS2_OK);
  EXPECT(chronos2_embedding_tokens(e, 0) > 0);
  chronos2_embedding_free(&e);
}

static void recall(chronos2_session *session, int pattern) {
  input in;
  chronos2_context *context = NULL;
  chronos2_forecast *f = NULL;
  fill(&in);
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  EXPECT(chronos2_context_open(session, in.series, SERIES, &options, &context) == CHRONOS2_OK);
  const chronos2_context *contexts[] = {context, encoded[pattern]};
  for (size_t i = 0; i < 2; i++) {
    EXPECT(chronos2_context_predict(session, contexts[i], in.series, SERIES, &options, &f) == CHRONOS2_OK);
    if (f) check_bits(f, pattern);
    chronos2_forecast_free(&f);
  }
  chronos2_context_close(&context);
}

/* Opens the model through the common cache, which another thread may be writing. */
static void open_cached(int pattern) {
  chronos2_model *model = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .threads = 2, .cache = cache};
  EXPECT(chronos2_model_open(MODEL, &options, &model) == CHRONOS2_OK);
  chronos2_session *session = model ? open_session(model, pattern, 1) : NULL;
  if (session) forecast(session, pattern, 3);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

static void *work(void *argument) {
  size_t number = *(const size_t *)argument;
  for (size_t round = 0; round < ROUNDS; round++) {
    int pattern = (int)((number + round) % PATTERNS);
    chronos2_session *session = open_session(shared, pattern, 1 + (int)(number + 2 * round) % 3);
    forecast(session, pattern, 1 + round);
    cancel(session, 1 + round);
    refuse(session);
    embed(session);
    if (encodes(pattern)) recall(session, pattern);
    open_cached(pattern);
    forecast(session, pattern, 0);
    chronos2_session_close(&session);
  }
  return NULL;
}

static void test_together(void **state) {
  pthread_t thread[THREADS];
  size_t number[THREADS];
  (void)state;
  cache = program_make_folder();
  assert_int_equal(chronos2_model_open(MODEL, &(chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT, .threads = 3},
                                       &shared), CHRONOS2_OK);
  for (int pattern = 0; pattern < PATTERNS; pattern++) {
    input in;
    fill(&in);
    chronos2_session *session = open_session(shared, pattern, 1);
    chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
    for (size_t i = 0; i < SERIES; i++) {
      chronos2_forecast *f = NULL;
      assert_int_equal(chronos2_predict(session, &in.series[i], 1, &options, &f), CHRONOS2_OK);
      memcpy(alone[pattern][i], chronos2_forecast_quantiles(f, 0, 0), sizeof alone[pattern][i]);
      chronos2_forecast_free(&f);
    }
    if (encodes(pattern)) {
      assert_int_equal(chronos2_context_open(session, in.series, SERIES, &options, &encoded[pattern]), CHRONOS2_OK);
    }
    chronos2_session_close(&session);
  }
  for (size_t i = 0; i < THREADS; i++) {
    number[i] = i;
    assert_int_equal(pthread_create(&thread[i], NULL, work, &number[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
  for (int pattern = 0; pattern < PATTERNS; pattern++) chronos2_context_close(&encoded[pattern]);
  chronos2_model_close(&shared);
  program_remove_folder(cache);
  assert_int_equal(atomic_load(&wrong), 0);
}

/* ---- A thread that is cancelled ---------------------------------------------------------------- */

static pthread_t caller;
static atomic_bool working, over, cancelled;

/* Keeps a worker at its task until the caller, which has taken its own, is cancelled while it waits for that. */
static void dawdle(void *user, const chronos2_attention_row *row) {
  (void)user;
  (void)row;
  if (pthread_equal(pthread_self(), caller)) {
    while (!atomic_load(&working)) sched_yield();
  } else {
    atomic_store(&working, true);
    while (!atomic_load(&cancelled)) sched_yield();
  }
}

static void *forecast_slowly(void *session) {
  caller = pthread_self();
  chronos2_session_on_attention(session, dawdle, NULL);
  forecast(session, 0, 0);
  atomic_store(&over, true);
  pthread_testcancel();
  return NULL;
}

/* A call ends before its thread does, and leaves a session that works and closes. */
static void test_cancelled_thread(void **state) {
  (void)state;
  pthread_t thread;
  void *result = NULL;
  chronos2_model *model = NULL;
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(model, 0, 2);
  if (chronos2_session_threads(session) == 2) {
    alarm(60); /* instead of a session that hangs */
    assert_int_equal(pthread_create(&thread, NULL, forecast_slowly, session), 0);
    while (!atomic_load(&working)) sched_yield();
    (void)usleep(100000); /* the caller comes to its wait */
    assert_int_equal(pthread_cancel(thread), 0);
    (void)usleep(100000);
    atomic_store(&cancelled, true);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_true(atomic_load(&over));
    chronos2_session_on_attention(session, NULL, NULL);
    forecast(session, 0, 1);
  }
  chronos2_session_close(&session);
  alarm(0);
  chronos2_model_close(&model);
  assert_int_equal(atomic_load(&wrong), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_together), cmocka_unit_test(test_cancelled_thread)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
