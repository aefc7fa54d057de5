/* Values at the ends of what a double holds, and rollouts of any length: forecasts are finite and right, or an error
 * that names the series; memory stays that of a pass; progress counts series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "series/normalize.h"
#include "series/quantiles.h"
#include "small.h"

enum { LENGTH = 64, HORIZON = 56, LEVELS = 21 };

static const char weights[] = SOURCE_DIR "/tests/golden/model-smooth/weights";

static void open_smooth(chronos2_model **model, chronos2_session **session) {
  assert_int_equal(chronos2_model_open(weights, NULL, model), CHRONOS2_OK);
  assert_int_equal(chronos2_session_open(*model, NULL, session), CHRONOS2_OK);
}

/* Few layers, as sanitizers run this too; `narrow` ones as well, where memory isn't what is measured. */
static chronos2_model *open_random(size_t patches, bool narrow) {
  chronos2_config config;
  chronos2_model *model = NULL;
  assert_int_equal(chronos2_config_named("micro", &config), CHRONOS2_OK);
  config.layers = narrow ? 2 : 1;
  config.d_model = narrow ? 48 : config.d_model;
  config.heads = narrow ? 2 : config.heads;
  config.d_ff = narrow ? 128 : config.d_ff;
  config.max_output_patches = patches;
  assert_int_equal(chronos2_model_random(&config, 5, NULL, &model), CHRONOS2_OK);
  return model;
}

/* ---- Normalisation --------------------------------------------------------------------------- */

static c2_scaler fit(const double *pair, size_t count, double *worst) {
  double values[LENGTH];
  for (size_t i = 0; i < LENGTH; i++) values[i] = pair[i % count];
  c2_scaler s = c2_scaler_fit(values, LENGTH, true);
  assert_true(isfinite(s.loc) && isfinite(s.scale) && s.scale > 0);
  *worst = 0;
  for (size_t i = 0; i < LENGTH; i++) {
    double x = c2_scaler_apply(&s, values[i]);
    assert_true(isfinite(x));
    double back = c2_scaler_invert(&s, x);
    *worst = fmax(*worst, fabs(back / 2 - values[i] / 2) / (s.scale / 2 > 0 ? s.scale / 2 : s.scale));
  }
  return s;
}

static void test_scaler(void **state) {
  (void)state;
  static const double pairs[][2] = {{0, 5e-324},      {-5e-324, 5e-324},   {1e-310, 3e-310},         {1e300, -1e300},
                                    {1e308, -1e308},  {DBL_MAX, -DBL_MAX}, {DBL_MAX, DBL_MAX / 2},   {0, DBL_MAX},
                                    {-DBL_MAX, 1e-9}, {1e15, 1e15 + 2},    {DBL_MIN, 2 * DBL_MIN}};
  double worst = 0;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    c2_scaler s = fit(pairs[i], 2, &worst);
    if (!(worst < 1e-6)) fail_msg("%g, %g: %g scales off", pairs[i][0], pairs[i][1], worst);
    double half = fabs(pairs[i][0] / 2 - pairs[i][1] / 2); /* the deviation of two values, each half of the time */
    if (half > 1e-300) assert_true(fabs(s.scale / half - 1) < 1e-6);
  }
  double rare[LENGTH]; /* one value so far from the others that its distance to their mean is no double */
  for (size_t i = 0; i < LENGTH; i++) rare[i] = i == 7 ? DBL_MAX : -DBL_MAX;
  c2_scaler s = fit(rare, LENGTH, &worst);
  assert_true(fabs(s.scale / DBL_MAX - 2 * sqrt(63.0) / 64) < 1e-6);
  s = (c2_scaler){.loc = 0, .scale = 1e-300, .arcsinh = true};
  assert_true(fabs(c2_scaler_apply(&s, 1e20) - (log(2.0) + 320 * log(10.0))) < 1e-9);
  assert_true(c2_scaler_apply(&s, -1e20) == -c2_scaler_apply(&s, 1e20));
}

/* ---- Forecasts ------------------------------------------------------------------------------- */

static const double *forecast(chronos2_session *session, const chronos2_series *series, chronos2_forecast **f) {
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  if (chronos2_predict(session, series, 1, &options, f) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return chronos2_forecast_quantiles(*f, 0, 0);
}

/* Two forecasts are one in their own units. Sizes are powers of two: nothing is rounded in another way. */
static void compare_sizes(chronos2_session *session, chronos2_series *series, double *target, const double *shape,
                          const double *sizes, size_t count) {
  chronos2_forecast *first = NULL;
  memcpy(target, shape, LENGTH * sizeof *target);
  const double *expected = forecast(session, series, &first);
  for (size_t n = 0; n < count; n++) {
    chronos2_forecast *f = NULL;
    for (size_t i = 0; i < LENGTH; i++) target[i] = shape[i] * sizes[n];
    const double *found = forecast(session, series, &f);
    for (size_t i = 0; i < LEVELS * HORIZON; i++) {
      if (fabs(found[i] / sizes[n] - expected[i]) < 1e-4 * (1 + fabs(expected[i]))) continue;
      fail_msg("size %g, value %zu: %g, expected %g", sizes[n], i, found[i] / sizes[n], expected[i]);
    }
    chronos2_forecast_free(&f);
  }
  chronos2_forecast_free(&first);
}

/* Beyond the range of float32 a series is forecast as one of ordinary size, over several passes and with a categorical
 * covariate, which is encoded by means of the target. */
static void test_sizes(void **state) {
  (void)state;
  static const double sizes[] = {0x1p-990, 0x1p-140, 0x1p130, 0x1p900, 0x1p1019};
  double shape[LENGTH];
  double target[LENGTH];
  const char *past[LENGTH];
  const char *future[HORIZON];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  open_smooth(&model, &session);
  const chronos2_config *c = chronos2_model_config(model);
  assert_true(HORIZON > c->max_output_patches * c->patch); /* it rolls out */
  for (size_t i = 0; i < LENGTH; i++) {
    past[i] = i % 3 ? "low" : "high";
    shape[i] = (i % 3 ? 3 : 7) + sin((double)i);
  }
  for (size_t i = 0; i < HORIZON; i++) future[i] = i % 2 ? "low" : "high";
  chronos2_covariate covariate = {.name = "c", .past_text = past, .future_text = future};
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = target};
  compare_sizes(session, &series, target, shape, sizes, sizeof sizes / sizeof sizes[0]);
  series.covariates = 1;
  series.covariate = &covariate;
  compare_sizes(session, &series, target, shape, sizes, sizeof sizes / sizeof sizes[0]);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* The smallest numbers there are, and a future far beyond the past: a finite forecast. */
static void test_finite(void **state) {
  (void)state;
  double target[LENGTH];
  double future[HORIZON];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  open_smooth(&model, &session);
  chronos2_covariate covariate = {.past = target, .future = future};
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = target};
  for (size_t i = 0; i < HORIZON; i++) future[i] = i % 2 ? 1e300 : -1e300;
  for (size_t i = 0; i < LENGTH; i++) target[i] = i % 2 ? 5e-324 : 0;
  for (series.covariates = 0; series.covariates < 2; series.covariates++) {
    chronos2_forecast *f = NULL;
    series.covariate = series.covariates ? &covariate : NULL;
    const double *values = forecast(session, &series, &f);
    for (size_t i = 0; i < LEVELS * HORIZON; i++) assert_true(isfinite(values[i]));
    chronos2_forecast_free(&f);
  }
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* A forecast that no double holds is an error that names its series; so is what a float32 can't hold in a raw pass. */
static void test_overflow(void **state) {
  (void)state;
  double calm[LENGTH];
  double wild[LENGTH];
  float raw[2 * LENGTH];
  static float quantiles[2 * LEVELS * 16];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *f = NULL;
  model = open_random(2, true); /* untrained: its forecasts lie many scales off */
  assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
  for (size_t i = 0; i < LENGTH; i++) {
    calm[i] = sin((double)i);
    wild[i] = i % 2 ? DBL_MAX : -DBL_MAX;
    raw[i] = (float)calm[i];
    raw[LENGTH + i] = i % 2 ? FLT_MAX : -FLT_MAX;
  }
  chronos2_series series[3] = {{.length = LENGTH, .targets = 1, .target = calm},
                               {.length = LENGTH, .targets = 1, .target = wild},
                               {.length = LENGTH, .targets = 1, .target = calm}};
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .batch_size = 2};
  assert_int_equal(chronos2_predict(session, series, 3, &options, &f), CHRONOS2_ERROR_MODEL);
  assert_null(f);
  assert_string_equal(chronos2_last_error(), "the forecast of series 1 is not finite");
  chronos2_batch batch = {.rows = 2, .length = LENGTH, .context = raw, .output_patches = 1};
  const chronos2_config *c = chronos2_model_config(model);
  assert_true(c->quantiles * c->patch <= LEVELS * 16);
  assert_int_equal(chronos2_forward(session, &batch, quantiles, NULL, NULL, NULL), CHRONOS2_ERROR_MODEL);
  assert_string_equal(chronos2_last_error(), "the forecast of row 1 is not finite");
  batch.rows = 1;
  assert_int_equal(chronos2_forward(session, &batch, quantiles, NULL, NULL, NULL), CHRONOS2_OK);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* ---- Memory and progress --------------------------------------------------------------------- */

enum { MANY = 64, LONG = 256 };

static void make_many(double *values, chronos2_series *series) {
  for (size_t i = 0; i < MANY * LONG; i++) values[i] = sin(0.7 * (double)i) + (double)(i % 5);
  for (size_t i = 0; i < MANY; i++) {
    series[i] = (chronos2_series){.length = LONG, .targets = 1, .target = values + i * LONG};
  }
}

/* Between two values whose difference overflows; at one's own level it is that one. */
static void test_between(void **state) {
  (void)state;
  static const double levels[] = {0.25, 0.5, 0.75};
  static const double ends[] = {-1.5e308, 1.5e308, 1.7e308};
  static const double asked[] = {0.25, 0.375, 0.4375, 0.5, 0.75};
  static const double expected[] = {-1.5e308, 0, 0.75e308, 1.5e308, 1.7e308};
  for (size_t i = 0; i < 5; i++) {
    double found = c2_quantile_at(levels, ends, 1, 3, asked[i]);
    if (!(fabs(found - expected[i]) <= 1e293)) fail_msg("%g: %g, not %g", asked[i], found, expected[i]);
  }
  c2_sample samples[2] = {{.value = 1.5e308, .weight = 0.5}, {.value = -1.5e308, .weight = 0.5}};
  const double level[] = {0.5, 0.75};
  double out[2];
  double scratch[4];
  c2_weighted_quantiles(samples, 2, level, 2, out, scratch);
  assert_true(out[0] == -1.5e308 && out[1] == 0);
}

/* A group of four long rows, whose paths don't fit a pass of its own, has the same bits beside so many others that they
 * do: a rollout doesn't depend on where it is cut, under any pattern, with a covariate whose future is known. */
static void test_cuts(void **state) {
  (void)state;
  enum { TARGETS = 3, PAST = 1024, STEPS = 90, OTHERS = 40 };
  static double values[TARGETS * PAST];
  static double past[PAST];
  static double known[STEPS];
  chronos2_model *model = open_random(2, true);
  chronos2_series series[1 + OTHERS];
  for (size_t i = 0; i < TARGETS * PAST; i++) values[i] = sin(0.3 * (double)i) + (double)(i % 7);
  for (size_t i = 0; i < PAST; i++) past[i] = (double)(i % 11);
  for (size_t i = 0; i < STEPS; i++) known[i] = (double)((PAST + i) % 11);
  chronos2_covariate covariate = {.past = past, .future = known};
  series[0] = (chronos2_series){
      .length = PAST, .targets = TARGETS, .target = values, .covariates = 1, .covariate = &covariate};
  for (size_t i = 1; i <= OTHERS; i++) series[i] = (chronos2_series){.length = PAST, .targets = 1, .target = past};
  bool small = small_leaves_out("all patterns but one");
  int first = small ? CHRONOS2_WINDOWED_FUTURE_NULL : CHRONOS2_FULL;
  for (int attention = first; attention <= CHRONOS2_WINDOWED_FUTURE_NULL; attention++) {
    chronos2_session *session = NULL;
    chronos2_forecast *alone = NULL;
    chronos2_forecast *among = NULL;
    chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = STEPS};
    chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = (chronos2_attention)attention,
                                        .radius = 3, .threads = 2};
    assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
    assert_int_equal(chronos2_predict(session, series, 1, &how, &alone), CHRONOS2_OK);
    assert_int_equal(chronos2_predict(session, series, 1 + OTHERS, &how, &among), CHRONOS2_OK);
    for (size_t t = 0; t < TARGETS; t++) {
      assert_memory_equal(chronos2_forecast_quantiles(alone, 0, t), chronos2_forecast_quantiles(among, 0, t),
                          LEVELS * STEPS * sizeof(double));
    }
    chronos2_forecast_free(&alone);
    chronos2_forecast_free(&among);
    chronos2_session_close(&session);
  }
  chronos2_model_close(&model);
}

/* What the calls of a session take beside the model. */
static double peak_of(const chronos2_model *model, const chronos2_session *session) {
  return (double)(chronos2_session_peak_bytes(session) - chronos2_model_bytes(model));
}

/* One step more than a pass forecasts takes hardly more memory than the pass, alone and in one group. */
static void test_rollout_memory(void **state) {
  (void)state;
  static double values[MANY * LONG];
  chronos2_series series[MANY];
  chronos2_model *model = open_random(16, false);
  const chronos2_config *c = chronos2_model_config(model);
  make_many(values, series);
  if (small_leaves_out("memory of rollouts")) {
    chronos2_model_close(&model);
    return;
  }
  for (int cross = 0; cross < 2; cross++) {
    double peak[2];
    for (size_t more = 0; more < 2; more++) {
      chronos2_session *session = NULL;
      chronos2_forecast *f = NULL;
      chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT,
                                          .horizon = c->max_output_patches * c->patch + more, .cross_learning = cross};
      assert_int_equal(chronos2_session_open(model, &(chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT,
                                                                                .threads = 2}, &session), CHRONOS2_OK);
      assert_int_equal(chronos2_predict(session, series, MANY, &options, &f), CHRONOS2_OK);
      peak[more] = peak_of(model, session);
      assert_true(peak[more] > (double)(2 * MANY * LEVELS * options.horizon * sizeof(double)));
      chronos2_forecast_free(&f);
      chronos2_session_close(&session);
    }
    if (!(peak[1] <= 1.3 * peak[0])) fail_msg("%.0f bytes for a pass, %.0f with a step more", peak[0], peak[1]);
  }
  chronos2_model_close(&model);
}

/* The mark covers what embeddings and contexts hold; it begins anew when it is reset. */
static void test_peak(void **state) {
  (void)state;
  static double values[MANY * LONG];
  chronos2_series series[MANY];
  chronos2_model *model = open_random(2, true);
  chronos2_session *session = NULL;
  chronos2_embedding *e = NULL;
  chronos2_context *x = NULL;
  chronos2_forecast *f = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                      .radius = 2, .threads = 1};
  make_many(values, series);
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
  assert_true(peak_of(model, session) == 0);
  assert_int_equal(chronos2_embed(session, series, MANY, NULL, &e), CHRONOS2_OK);
  size_t hidden = MANY * (LONG / 16 + 2) * chronos2_model_config(model)->d_model * sizeof(float);
  assert_true(peak_of(model, session) > (double)(2 * hidden)); /* of the pass, and what is returned */
  chronos2_embedding_free(&e);
  chronos2_session_reset_peak(session);
  assert_true(peak_of(model, session) == 0);
  assert_int_equal(chronos2_context_open(session, series, MANY, NULL, &x), CHRONOS2_OK);
  assert_true(peak_of(model, session) > (double)chronos2_context_bytes(x));
  chronos2_session_reset_peak(session);
  assert_int_equal(chronos2_context_predict(session, x, series, MANY,
                                            &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 3},
                                            &f),
                   CHRONOS2_OK);
  assert_true(peak_of(model, session) > (double)chronos2_context_bytes(x));
  chronos2_forecast_free(&f);
  chronos2_context_close(&x);
  chronos2_session_reset_peak(session);
  assert_true(peak_of(model, session) == 0);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

typedef struct reports {
  size_t calls, done, total;
} reports;

static int report(void *user, size_t done, size_t total) {
  reports *r = user;
  assert_true(done > r->done && (r->calls == 0 || total == r->total));
  *r = (reports){r->calls + 1, done, total};
  return r->calls == 3 && r->total == 5; /* the last of the calls below is stopped */
}

/* Series of two rows, two of them a pass: every call reports after every pass, in series. */
static void test_progress(void **state) {
  (void)state;
  double values[2 * LENGTH];
  chronos2_series series[5];
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 3, .batch_size = 4};
  chronos2_model *model = open_random(2, true);
  chronos2_session *session = NULL;
  chronos2_embedding *e = NULL;
  chronos2_context *x = NULL;
  chronos2_forecast *f = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                      .radius = 2, .threads = 1};
  for (size_t i = 0; i < 2 * LENGTH; i++) values[i] = cos((double)i);
  for (size_t i = 0; i < 5; i++) series[i] = (chronos2_series){.length = LENGTH, .targets = 2, .target = values};
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
  for (int call = 0; call < 4; call++) {
    reports r = {0};
    chronos2_session_on_progress(session, report, &r);
    chronos2_status status = call == 0   ? chronos2_predict(session, series, 4, &how, &f)
                             : call == 1 ? chronos2_embed(session, series, 4, &how, &e)
                             : call == 2 ? chronos2_context_open(session, series, 4, &how, &x)
                                         : chronos2_context_predict(session, x, series, 4, &how, &f);
    assert_int_equal(status, CHRONOS2_OK);
    assert_int_equal(r.calls, 2);
    assert_int_equal(r.done, 4);
    assert_int_equal(r.total, 4);
    chronos2_forecast_free(&f);
  }
  chronos2_embedding_free(&e);
  chronos2_context_close(&x);
  reports r = {0};
  chronos2_session_on_progress(session, report, &r);
  assert_int_equal(chronos2_embed(session, series, 5, &how, &e), CHRONOS2_ERROR_CANCELLED);
  assert_null(e);
  assert_int_equal(r.calls, 3);
  chronos2_session_on_progress(session, NULL, NULL);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_scaler),   cmocka_unit_test(test_sizes),
                                     cmocka_unit_test(test_finite),   cmocka_unit_test(test_overflow),
                                     cmocka_unit_test(test_between),
                                     cmocka_unit_test(test_peak),     cmocka_unit_test(test_rollout_memory),
                                     cmocka_unit_test(test_progress), cmocka_unit_test(test_cuts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
