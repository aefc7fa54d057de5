/* What a callback may do with the session whose call it comes from: remove itself, and read. All else is refused, and
 * changes no number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "device.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { SERIES = 3, LENGTH = 70, HORIZON = 27 };

static chronos2_model *model;
static chronos2_session *session;
static double values[LENGTH], future[HORIZON];
static chronos2_covariate covariate = {.name = "x", .past = values, .future = future};
static chronos2_series series[SERIES];
static const chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .batch_size = 1};

static int open_all(void **state) {
  (void)state;
  for (size_t t = 0; t < LENGTH; t++) values[t] = sin(0.3 * (double)t) + (double)(t % 7);
  for (size_t t = 0; t < HORIZON; t++) future[t] = 9;
  for (size_t i = 0; i < SERIES; i++) {
    series[i] = (chronos2_series){
        .length = LENGTH - i, .targets = 1, .target = values, .covariates = 1, .covariate = &covariate};
  }
  return chronos2_model_open(MODEL, NULL, &model) != CHRONOS2_OK;
}

static int close_all(void **state) {
  (void)state;
  chronos2_model_close(&model);
  return 0;
}

static void open_session(chronos2_backend backend, int threads) {
  chronos2_session_options o = {CHRONOS2_SESSION_OPTIONS_INIT, .backend = backend, .threads = threads,
                                .device = test_device(backend)};
  if (chronos2_session_open(model, &o, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
}

static chronos2_forecast *predict(void) {
  chronos2_forecast *f = NULL;
  if (chronos2_predict(session, series, SERIES, &options, &f) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return f;
}

static void expect_equal(chronos2_forecast **found, const chronos2_forecast *expected) {
  size_t bytes = chronos2_model_config(model)->quantiles * HORIZON * sizeof(double);
  for (size_t i = 0; i < SERIES; i++) {
    assert_memory_equal(chronos2_forecast_quantiles(*found, i, 0), chronos2_forecast_quantiles(expected, i, 0), bytes);
  }
  chronos2_forecast_free(found);
}

/* ---- Removed from within ----------------------------------------------------------------------- */

static atomic_size_t calls;

static void remove_observer(void *user, const chronos2_attention_row *row) {
  (void)user;
  (void)row;
  atomic_fetch_add(&calls, 1);
  chronos2_session_on_attention(session, NULL, NULL);
}

static void test_observer_removes_itself(void **state) {
  (void)state;
  for (int backend = CHRONOS2_FUSED; backend <= CHRONOS2_REFERENCE; backend++) {
    for (int threads = 1; threads <= 3; threads++) {
      open_session((chronos2_backend)backend, threads);
      chronos2_forecast *expected = predict();
      atomic_store(&calls, 0);
      chronos2_session_on_attention(session, remove_observer, NULL);
      chronos2_forecast *found = predict();
      assert_in_range(atomic_load(&calls), 1, threads); /* others may have been running */
      expect_equal(&found, expected);
      atomic_store(&calls, 0);
      found = predict();
      assert_int_equal(atomic_load(&calls), 0);
      expect_equal(&found, expected);
      chronos2_forecast_free(&expected);
      chronos2_session_close(&session);
    }
  }
}

static int second(void *user, size_t done, size_t total) {
  (void)total;
  *(size_t *)user += 100 * done;
  return 0;
}

/* The first pass is told to this function, later ones to another or to none. */
static int hand_on(void *user, size_t done, size_t total) {
  size_t *heard = user;
  (void)total;
  assert_int_equal(done, 1);
  chronos2_session_on_progress(session, heard[1] ? second : NULL, user);
  heard[0]++;
  return 0;
}

static void test_progress_changes_itself(void **state) {
  (void)state;
  open_session(CHRONOS2_FUSED, 1);
  for (size_t replaced = 0; replaced < 2; replaced++) {
    size_t heard[2] = {0, replaced};
    chronos2_session_on_progress(session, hand_on, heard);
    chronos2_forecast *f = predict();
    assert_int_equal(heard[0], replaced ? 1 + 100 * (2 + 3) : 1);
    chronos2_forecast_free(&f);
  }
  chronos2_session_close(&session);
}

/* ---- Between the passes of a rollout ------------------------------------------------------------ */

enum { PASS = 32, PASSES = 5 };

static const chronos2_predict_options rolled = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = (PASSES - 1) * PASS + 1};
static const chronos2_series long_one = {.length = LENGTH, .targets = 1, .target = values};

typedef struct account {
  size_t reports, stop_at; /* the report that stops the call; 0: none does */
} account;

static int keep_account(void *user, size_t done, size_t total) {
  account *a = user;
  a->reports++;
  assert_int_equal(total, 1);
  assert_int_equal(done, a->reports == PASSES);
  return a->reports == a->stop_at;
}

static chronos2_status roll_out(const chronos2_context *context, chronos2_forecast **f) {
  return context ? chronos2_context_predict(session, context, &long_one, 1, &rolled, f)
                 : chronos2_predict(session, &long_one, 1, &rolled, f);
}

/* Every pass is reported, and each report may stop the call. */
static void expect_reports(const chronos2_context *context) {
  size_t bytes = chronos2_model_config(model)->quantiles * rolled.horizon * sizeof(double);
  account all = {.stop_at = 0};
  chronos2_forecast *expected = NULL;
  chronos2_forecast *f = NULL;
  chronos2_session_on_progress(session, keep_account, &all);
  if (roll_out(context, &expected) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  assert_int_equal(all.reports, PASSES);
  for (size_t stop = 1; stop <= PASSES; stop++) {
    account a = {.stop_at = stop};
    chronos2_session_on_progress(session, keep_account, &a);
    assert_int_equal(roll_out(context, &f), CHRONOS2_ERROR_CANCELLED);
    assert_null(f);
    assert_int_equal(a.reports, stop);
    assert_string_equal(chronos2_last_error(), stop < PASSES ? "stopped on request after 0 of 1 series"
                                                             : "stopped on request after 1 of 1 series");
  }
  chronos2_session_on_progress(session, NULL, NULL);
  assert_int_equal(roll_out(context, &f), CHRONOS2_OK);
  assert_memory_equal(chronos2_forecast_quantiles(f, 0, 0), chronos2_forecast_quantiles(expected, 0, 0), bytes);
  chronos2_forecast_free(&f);
  chronos2_forecast_free(&expected);
}

static void test_passes_of_a_rollout(void **state) {
  (void)state;
  chronos2_context *context = NULL;
  assert_int_equal(chronos2_model_config(model)->max_output_patches * chronos2_model_config(model)->patch, PASS);
  for (int backend = CHRONOS2_FUSED; backend <= CHRONOS2_REFERENCE; backend++) {
    open_session((chronos2_backend)backend, 1);
    expect_reports(NULL);
    if (backend == CHRONOS2_FUSED) {
      assert_int_equal(chronos2_context_open(session, &long_one, 1, &rolled, &context), CHRONOS2_OK);
      expect_reports(context);
      chronos2_context_close(&context);
    }
    chronos2_session_close(&session);
  }
}

/* ---- Refused from within ----------------------------------------------------------------------- */

static const chronos2_context *encoded; /* NULL: none */
static size_t refused;

static void expect_refused(chronos2_status status) {
  assert_int_equal(status, CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "the session is in a call"));
  refused++;
}

static void release(struct ArrowArrayStream *self) {
  self->release = NULL;
}

/* Everything that computes with the session or changes it. */
static void try_all(void) {
  chronos2_forecast *f = NULL;
  chronos2_embedding *e = NULL;
  chronos2_context *x = NULL;
  const chronos2_head head = {0, 0};
  const float context[1] = {1};
  float out[64 * 64];
  size_t bytes = 0;
  chronos2_batch batch = {.rows = 1, .length = 1, .context = context, .output_patches = 1};
  struct ArrowArrayStream df = {.release = release};
  struct ArrowArrayStream stream;
  chronos2_session *same = session;
  expect_refused(chronos2_predict(session, series, 1, &options, &f));
  expect_refused(chronos2_predict_bytes(session, series, 1, &options, &bytes));
  expect_refused(chronos2_embed(session, series, 1, NULL, &e));
  expect_refused(chronos2_context_open(session, series, 1, &options, &x));
  if (encoded) expect_refused(chronos2_context_predict(session, encoded, series, SERIES, &options, &f));
  expect_refused(chronos2_forward(session, &batch, out, NULL, NULL, NULL));
  expect_refused(chronos2_predict_stream(session, &df, NULL, NULL, &stream));
  assert_null(df.release);
  expect_refused(chronos2_session_set_attention(session, CHRONOS2_WINDOWED_FUTURE_GLOBAL, 0, false));
  expect_refused(chronos2_session_set_blind_heads(session, &head, 1));
  size_t peak = chronos2_session_peak_bytes(session);
  chronos2_session_reset_peak(session);
  assert_int_equal(chronos2_session_peak_bytes(session), peak);
  chronos2_session_close(&same);
  assert_ptr_equal(same, session);
  assert_true(!f && !e && !x);
  assert_int_equal(chronos2_session_pattern(session).attention, CHRONOS2_FULL); /* the session's, not the encoding's */
}

static int try_in_progress(void *user, size_t done, size_t total) {
  (void)user;
  (void)done;
  (void)total;
  try_all();
  chronos2_session_on_attention(session, remove_observer, NULL); /* does nothing */
  return 0;
}

static void try_in_observer(void *user, const chronos2_attention_row *row) {
  (void)user;
  try_all();
  if (row->series == 0) chronos2_session_on_attention(session, remove_observer, NULL); /* does nothing */
}

static void test_calls_from_within(void **state) {
  (void)state;
  chronos2_context *context = NULL;
  chronos2_predict_options whole = options;
  for (int backend = CHRONOS2_FUSED; backend <= CHRONOS2_REFERENCE; backend++) {
    open_session((chronos2_backend)backend, 1);
    chronos2_forecast *expected = predict();
    refused = 0;
    atomic_store(&calls, 0);
    chronos2_session_on_progress(session, try_in_progress, NULL);
    chronos2_forecast *found = predict();
    expect_equal(&found, expected);
    assert_true(refused >= 3 * 8);
    refused = 0;
    chronos2_session_on_progress(session, NULL, NULL);
    chronos2_session_on_attention(session, try_in_observer, NULL);
    found = predict();
    expect_equal(&found, expected);
    assert_true(refused > 100);
    chronos2_session_on_attention(session, NULL, NULL);
    found = predict();
    expect_equal(&found, expected);
    assert_int_equal(atomic_load(&calls), 0);
    chronos2_forecast_free(&expected);
    if (backend == CHRONOS2_REFERENCE) break;
    assert_int_equal(chronos2_context_open(session, series, SERIES, &whole, &context), CHRONOS2_OK);
    assert_int_equal(chronos2_context_predict(session, context, series, SERIES, &options, &expected), CHRONOS2_OK);
    chronos2_session_on_progress(session, try_in_progress, NULL);
    encoded = context;
    assert_int_equal(chronos2_context_predict(session, context, series, SERIES, &options, &found), CHRONOS2_OK);
    encoded = NULL;
    expect_equal(&found, expected);
    chronos2_forecast_free(&expected);
    chronos2_context_close(&context);
    chronos2_session_close(&session);
  }
  chronos2_session_close(&session);
}

static int stop(void *user, size_t done, size_t total) {
  (void)user;
  (void)done;
  (void)total;
  return 1;
}

/* A call that has failed is over. */
static void test_failures_end_the_call(void **state) {
  (void)state;
  chronos2_forecast *f = NULL;
  chronos2_embedding *e = NULL;
  chronos2_context *x = NULL;
  float out[64 * 64];
  size_t bytes = 0;
  chronos2_series bad = {.length = 1, .targets = 0};
  chronos2_predict_options none = {CHRONOS2_PREDICT_OPTIONS_INIT};
  chronos2_batch batch = {.rows = 0};
  open_session(CHRONOS2_FUSED, 1);
  chronos2_forecast *expected = predict();
  chronos2_session_on_progress(session, stop, NULL);
  assert_int_equal(chronos2_predict(session, series, 1, &options, &f), CHRONOS2_ERROR_CANCELLED);
  assert_int_equal(chronos2_embed(session, series, 1, NULL, &e), CHRONOS2_ERROR_CANCELLED);
  assert_int_equal(chronos2_context_open(session, series, 1, &options, &x), CHRONOS2_ERROR_CANCELLED);
  chronos2_session_on_progress(session, NULL, NULL);
  assert_int_equal(chronos2_predict(session, &bad, 1, &options, &f), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_predict(session, series, 1, &none, &f), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_predict_bytes(session, &bad, 1, &options, &bytes), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_embed(session, &bad, 1, NULL, &e), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_context_open(session, &bad, 1, &options, &x), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_forward(session, &batch, out, NULL, NULL, NULL), CHRONOS2_ERROR_ARGUMENT);
  chronos2_forecast *found = predict();
  expect_equal(&found, expected);
  chronos2_forecast_free(&expected);
  chronos2_session_close(&session);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_observer_removes_itself), cmocka_unit_test(test_progress_changes_itself),
      cmocka_unit_test(test_passes_of_a_rollout),
      cmocka_unit_test(test_calls_from_within), cmocka_unit_test(test_failures_end_the_call)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}
