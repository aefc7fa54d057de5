/* windowed_future_null: the context is encoded beside a future of which nothing is known, and the real future then sees
 * that context. Goldens by PyTorch in two passes are in tests/golden (@n). Here: it is dense attention where it must
 * be, and forecasts don't depend on what else is in the batch or on where the context comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <string.h>

#include "random.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { SERIES = 6, LONGEST = 260, HORIZON = 70, LEVELS = 21 };

static uint32_t seed;

/* Series of unequal length with gaps; the odd ones have a covariate, known in `futures` ways. */
typedef struct input {
  chronos2_series series[2 * SERIES]; /* all with their first future, then with their second */
  chronos2_covariate covariate[2 * SERIES];
  double target[SERIES][LONGEST], past[SERIES][LONGEST], future[2][SERIES][HORIZON];
} input;

static void fill(input *in) {
  seed = 5;
  for (size_t i = 0; i < SERIES; i++) {
    size_t length = 20 + 47 * i;
    for (size_t t = 0; t < length; t++) {
      in->target[i][t] = random_unit(&seed) < 0.1 ? (double)NAN : 10 + 3 * sin(0.4 * (double)t) + random_unit(&seed);
      in->past[i][t] = random_unit(&seed);
    }
    for (size_t f = 0; f < 2; f++) {
      for (size_t t = 0; t < HORIZON; t++) {
        in->future[f][i][t] = random_unit(&seed) < 0.1 ? (double)NAN : random_unit(&seed);
      }
      in->covariate[f * SERIES + i] =
          (chronos2_covariate){.name = "known", .past = in->past[i], .future = in->future[f][i]};
      in->series[f * SERIES + i] = (chronos2_series){.length = length,
                                                     .targets = 1,
                                                     .target = in->target[i],
                                                     .covariates = i % 2,
                                                     .covariate = &in->covariate[f * SERIES + i]};
    }
  }
}

static chronos2_model *open_model(chronos2_dtype dtype) {
  chronos2_model *model = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = dtype};
  if (chronos2_model_open(MODEL, &options, &model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return model;
}

static chronos2_session *open_session(const chronos2_model *model, chronos2_attention attention, double radius,
                                      chronos2_backend backend) {
  chronos2_session *session = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = attention, .radius = radius,
                                      .backend = backend, .threads = 2};
  if (chronos2_session_open(model, &options, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return session;
}

static chronos2_forecast *predict(chronos2_session *session, const chronos2_series *series, size_t count,
                                  size_t horizon) {
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = horizon};
  if (chronos2_predict(session, series, count, &how, &forecast) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return forecast;
}

static bool same(const chronos2_forecast *a, size_t i, const chronos2_forecast *b, size_t k) {
  return memcmp(chronos2_forecast_quantiles(a, i, 0), chronos2_forecast_quantiles(b, k, 0),
                LEVELS * chronos2_forecast_horizon(a) * sizeof(double)) == 0;
}

/* At an unlimited radius a series that knows nothing of its future is forecast as by dense attention, bit for bit; one
 * that does is not. */
static void test_dense(void **state) {
  (void)state;
  static input in;
  fill(&in);
  chronos2_model *model = open_model(CHRONOS2_FP32);
  for (int backend = CHRONOS2_FUSED; backend <= CHRONOS2_REFERENCE; backend++) {
    chronos2_session *full = open_session(model, CHRONOS2_FULL, 0, (chronos2_backend)backend);
    chronos2_session *null =
        open_session(model, CHRONOS2_WINDOWED_FUTURE_NULL, (double)INFINITY, (chronos2_backend)backend);
    size_t horizon = backend == CHRONOS2_FUSED ? HORIZON : 20; /* the first one is rolled out */
    chronos2_forecast *a = predict(full, in.series, SERIES, horizon);
    chronos2_forecast *b = predict(null, in.series, SERIES, horizon);
    for (size_t i = 0; i < SERIES; i++) assert_int_equal(same(a, i, b, i), i % 2 == 0);
    chronos2_forecast_free(&a);
    chronos2_forecast_free(&b);
    chronos2_session_close(&full);
    chronos2_session_close(&null);
  }
  chronos2_model_close(&model);
}

/* Alone, among others, and from a context that was encoded once for two futures: the same bits. */
static void test_same_bits(void **state) {
  (void)state;
  static input in;
  static const double radii[] = {0, 2, (double)INFINITY};
  static const size_t horizons[] = {16, 27, HORIZON}; /* one patch, two, and a rollout */
  fill(&in);
  for (int dtype = CHRONOS2_FP32; dtype <= CHRONOS2_INT8; dtype++) {
    chronos2_model *model = open_model((chronos2_dtype)dtype);
    for (size_t k = 0; k < 9; k++) {
      chronos2_session *session =
          open_session(model, CHRONOS2_WINDOWED_FUTURE_NULL, radii[k % 3], CHRONOS2_FUSED);
      chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = horizons[k / 3]};
      chronos2_context *context = NULL;
      chronos2_forecast *decoded = NULL;
      chronos2_forecast *together = predict(session, in.series, 2 * SERIES, how.horizon);
      assert_int_equal(chronos2_context_open(session, in.series, SERIES, &how, &context), CHRONOS2_OK);
      assert_int_equal(chronos2_context_predict(session, context, in.series, 2 * SERIES, &how, &decoded), CHRONOS2_OK);
      for (size_t i = 0; i < 2 * SERIES; i++) {
        chronos2_forecast *alone = predict(session, &in.series[i], 1, horizons[k / 3]);
        assert_true(same(together, i, alone, 0));
        for (size_t q = 0; q < LEVELS; q++) {
          assert_memory_equal(chronos2_forecast_quantiles(decoded, i, 0) + q * how.horizon,
                              chronos2_forecast_quantiles(alone, 0, 0) + q * horizons[k / 3],
                              how.horizon * sizeof(double));
        }
        chronos2_forecast_free(&alone);
      }
      for (size_t i = 0; i < SERIES; i++) assert_int_equal(same(together, i, together, SERIES + i), i % 2 == 0);
      chronos2_forecast_free(&together);
      chronos2_forecast_free(&decoded);
      chronos2_context_close(&context);
      chronos2_session_close(&session);
    }
    chronos2_model_close(&model);
  }
}

/* Forecasts `horizon` steps of series [count] from their context, which is encoded for `longest` steps. */
static chronos2_forecast *recall(chronos2_session *session, const chronos2_series *series, size_t count, size_t longest,
                                 size_t horizon) {
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = longest};
  chronos2_context *context = NULL;
  chronos2_forecast *forecast = NULL;
  assert_int_equal(chronos2_context_open(session, series, count, &how, &context), CHRONOS2_OK);
  how.horizon = horizon;
  assert_int_equal(chronos2_context_predict(session, context, series, count, &how, &forecast), CHRONOS2_OK);
  chronos2_context_close(&context);
  return forecast;
}

/* A context that was encoded beside two patches of the null future forecasts one patch: as any context of as many
 * patches does, alone or among others, and as a pass of one patch does where no head sees the null future. */
static void test_shorter(void **state) {
  (void)state;
  static input in;
  enum { HEADS = 2 * 3 };
  chronos2_head all[HEADS];
  fill(&in);
  chronos2_model *model = open_model(CHRONOS2_FP32);
  chronos2_session *session = open_session(model, CHRONOS2_WINDOWED_FUTURE_NULL, 2, CHRONOS2_FUSED);
  chronos2_forecast *direct[2]; /* heads see the null future; they are blind */
  chronos2_forecast *recalled[2];
  for (size_t h = 0; h < HEADS; h++) all[h] = (chronos2_head){.layer = h / 3, .head = h % 3};
  for (size_t blind = 0; blind < 2; blind++) {
    assert_int_equal(chronos2_session_set_blind_heads(session, all, blind ? HEADS : 0), CHRONOS2_OK);
    direct[blind] = predict(session, in.series, SERIES, 8);
    recalled[blind] = recall(session, in.series, SERIES, 32, 8);
    chronos2_forecast *other = recall(session, in.series, SERIES, 17, 8);
    for (size_t i = 0; i < SERIES; i++) {
      chronos2_forecast *alone = recall(session, &in.series[i], 1, 32, 8);
      assert_true(same(recalled[blind], i, other, i));
      assert_true(same(recalled[blind], i, alone, 0));
      assert_int_equal(same(recalled[blind], i, direct[blind], i), blind);
      chronos2_forecast_free(&alone);
    }
    chronos2_forecast_free(&other);
  }
  for (size_t i = 0; i < SERIES; i++) assert_false(same(recalled[0], i, recalled[1], i));
  for (size_t blind = 0; blind < 2; blind++) {
    chronos2_forecast_free(&direct[blind]);
    chronos2_forecast_free(&recalled[blind]);
  }
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

static void test_refusals(void **state) {
  (void)state;
  static input in;
  fill(&in);
  chronos2_model *model = open_model(CHRONOS2_FP32);
  chronos2_session *session = open_session(model, CHRONOS2_WINDOWED_FUTURE_NULL, 4, CHRONOS2_FUSED);
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 20};
  chronos2_context *context = NULL;
  chronos2_forecast *forecast = NULL;
  assert_int_equal(chronos2_context_open(session, in.series, SERIES, NULL, &context), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "longest"));
  assert_int_equal(chronos2_context_open(session, in.series, SERIES, &how, &context), CHRONOS2_OK);
  how.horizon = 21;
  assert_int_equal(chronos2_context_predict(session, context, in.series, SERIES, &how, &forecast),
                   CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "at most 20 steps"));
  assert_null(forecast);
  chronos2_context_close(&context);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dense), cmocka_unit_test(test_same_bits),
                                     cmocka_unit_test(test_shorter), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
