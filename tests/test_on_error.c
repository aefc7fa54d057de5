/* A bad series fails alone: it has its own status and text, and the others are forecast as in a call without it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { SERIES = 8, LENGTH = 40, LEVELS = 21, LONG = 75 };

typedef struct input {
  chronos2_series series[SERIES];
  chronos2_covariate covariate[SERIES];
  double target[SERIES][2 * LENGTH];
  const char *label[SERIES][LENGTH];
} input;

/* Series of two targets and a category, whose codes all of them decide together; 1, 4, 6 and 7 are bad. */
static void fill(input *in) {
  static const char *const labels[] = {"b", "d", "f"};
  for (size_t i = 0; i < SERIES; i++) {
    for (size_t t = 0; t < 2 * LENGTH; t++) in->target[i][t] = sin(0.3 * (double)(t + 5 * i)) * (double)(i + 1);
    for (size_t t = 0; t < LENGTH; t++) in->label[i][t] = labels[(t + i) % 3];
    in->covariate[i] = (chronos2_covariate){.name = "kind", .past_text = in->label[i]};
    in->series[i] = (chronos2_series){.length = LENGTH - i,
                                      .targets = 2,
                                      .target = in->target[i],
                                      .covariates = 1,
                                      .covariate = &in->covariate[i]};
  }
  in->target[1][7] = (double)INFINITY;
  in->label[1][3] = "a"; /* it would be the first of all */
  in->series[4].targets = 0;
  in->series[6].covariate = NULL;
  in->series[7].target = NULL;
}

static const size_t bad[] = {1, 4, 6, 7};
static const char *const texts[] = {"series 1: target 0: value 7 is infinite; a missing value is NaN",
                                    "series 4: expected at least one target",
                                    "series 6: expected 1 covariates, found NULL",
                                    "series 7: expected 2 x 33 target values"};

enum { BAD = sizeof bad / sizeof bad[0] };

static bool is_bad(size_t series) {
  for (size_t i = 0; i < BAD; i++) {
    if (bad[i] == series) return true;
  }
  return false;
}

static chronos2_model *model;
static chronos2_session *session;

static int open_all(void **state) {
  (void)state;
  return chronos2_model_open(MODEL, NULL, &model) != CHRONOS2_OK ||
         chronos2_session_open(model, NULL, &session) != CHRONOS2_OK;
}

static int close_all(void **state) {
  (void)state;
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return 0;
}

static void check_bad(const chronos2_forecast *f) {
  double out[LONG];
  const double level = 0.5;
  for (size_t i = 0; i < BAD; i++) {
    assert_int_equal(chronos2_forecast_status(f, bad[i]), CHRONOS2_ERROR_ARGUMENT);
    assert_string_equal(chronos2_forecast_error(f, bad[i]), texts[i]);
    assert_int_equal(chronos2_forecast_targets(f, bad[i]), 0);
    assert_null(chronos2_forecast_quantiles(f, bad[i], 0));
    assert_null(chronos2_forecast_median(f, bad[i], 0));
    assert_int_equal(chronos2_forecast_at_levels(f, bad[i], 0, &level, 1, out), CHRONOS2_ERROR_ARGUMENT);
  }
}

/* The others against a call that has only them: passes of any size, rollouts, with and without cross learning. */
static void test_skip(void **state) {
  (void)state;
  input in;
  fill(&in);
  chronos2_series good[SERIES];
  size_t count = 0;
  for (size_t i = 0; i < SERIES; i++) {
    if (!is_bad(i)) good[count++] = in.series[i];
  }
  for (size_t k = 0; k < 16; k++) {
    chronos2_forecast *some = NULL;
    chronos2_forecast *all = NULL;
    chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = k % 2 ? LONG : 5,
                                  .cross_learning = k / 2 % 2, .monotone = k / 4 % 2, .batch_size = k / 8 ? 7 : 0};
    assert_int_equal(chronos2_predict(session, good, count, &o, &some), CHRONOS2_OK);
    o.on_error = CHRONOS2_ON_ERROR_SKIP;
    assert_int_equal(chronos2_predict(session, in.series, SERIES, &o, &all), CHRONOS2_OK);
    assert_int_equal(chronos2_forecast_count(all), SERIES);
    check_bad(all);
    for (size_t i = 0, g = 0; i < SERIES; i++) {
      if (is_bad(i)) continue;
      assert_int_equal(chronos2_forecast_status(all, i), CHRONOS2_OK);
      assert_string_equal(chronos2_forecast_error(all, i), "");
      assert_int_equal(chronos2_forecast_targets(all, i), 2);
      for (size_t t = 0; t < 2; t++) {
        assert_memory_equal(chronos2_forecast_quantiles(all, i, t), chronos2_forecast_quantiles(some, g, t),
                            LEVELS * o.horizon * sizeof(double));
      }
      g++;
    }
    chronos2_forecast_free(&some);
    chronos2_forecast_free(&all);
  }
}

/* Embeddings likewise. */
static void test_embed(void **state) {
  (void)state;
  input in;
  fill(&in);
  chronos2_series good[SERIES];
  size_t count = 0;
  for (size_t i = 0; i < SERIES; i++) {
    if (!is_bad(i)) good[count++] = in.series[i];
  }
  size_t d_model = chronos2_model_config(model)->d_model;
  for (size_t batch = 0; batch < 8; batch += 7) {
    chronos2_embedding *some = NULL;
    chronos2_embedding *all = NULL;
    chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .batch_size = batch};
    assert_int_equal(chronos2_embed(session, in.series, SERIES, &o, &all), CHRONOS2_ERROR_ARGUMENT);
    assert_int_equal(chronos2_embed(session, good, count, &o, &some), CHRONOS2_OK);
    assert_int_equal(chronos2_embedding_status(some, 0), CHRONOS2_OK);
    o.on_error = CHRONOS2_ON_ERROR_SKIP;
    assert_int_equal(chronos2_embed(session, in.series, SERIES, &o, &all), CHRONOS2_OK);
    for (size_t i = 0; i < BAD; i++) {
      assert_int_equal(chronos2_embedding_status(all, bad[i]), CHRONOS2_ERROR_ARGUMENT);
      assert_string_equal(chronos2_embedding_error(all, bad[i]), texts[i]);
      assert_null(chronos2_embedding_values(all, bad[i]));
      assert_int_equal(chronos2_embedding_tokens(all, bad[i]), 0);
    }
    for (size_t i = 0, g = 0; i < SERIES; i++) {
      if (is_bad(i)) continue;
      size_t tokens = chronos2_embedding_tokens(all, i);
      assert_true(tokens > 2 && tokens == chronos2_embedding_tokens(some, g));
      assert_string_equal(chronos2_embedding_error(all, i), "");
      assert_memory_equal(chronos2_embedding_values(all, i), chronos2_embedding_values(some, g),
                          2 * tokens * d_model * sizeof(float));
      g++;
    }
    assert_null(chronos2_embedding_error(all, SERIES));
    chronos2_embedding_free(&some);
    chronos2_embedding_free(&all);
  }
}

/* By default the first bad series fails the call, by the same text. */
static void test_fail(void **state) {
  (void)state;
  input in;
  fill(&in);
  chronos2_forecast *f = NULL;
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 5};
  assert_int_equal(chronos2_predict(session, in.series, SERIES, &o, &f), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), texts[0]);
  assert_null(f);
  o.on_error = (chronos2_on_error)2;
  assert_int_equal(chronos2_predict(session, in.series, 1, &o, &f), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_predict(session, in.series, 1, &o, &f), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), "on_error: unknown 2"));
}

/* What concerns the whole call fails it still. */
static void test_whole(void **state) {
  (void)state;
  input in;
  fill(&in);
  chronos2_forecast *f = NULL;
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .on_error = CHRONOS2_ON_ERROR_SKIP};
  assert_int_equal(chronos2_predict(session, in.series, SERIES, &o, &f), CHRONOS2_ERROR_ARGUMENT); /* no horizon */
  assert_int_equal(chronos2_forecast_status(NULL, 0), CHRONOS2_ERROR_ARGUMENT);
  assert_null(chronos2_forecast_error(NULL, 0));
}

/* ---- Encoded contexts ------------------------------------------------------------------------- */

enum { ENCODED = 4, FUTURES = 2, GOOD = ENCODED - 1 };

typedef struct plans {
  chronos2_series series[ENCODED * FUTURES];
  chronos2_covariate covariate[ENCODED * FUTURES];
  double target[ENCODED][LENGTH], past[ENCODED][LENGTH], future[ENCODED * FUTURES][LONG];
} plans;

/* Series with two futures each. The past of series 1 is bad, and the second future of series 3 (number 7). */
static void fill_plans(plans *p) {
  for (size_t i = 0; i < ENCODED * FUTURES; i++) {
    size_t s = i % ENCODED;
    for (size_t t = 0; t < LENGTH; t++) p->target[s][t] = sin(0.3 * (double)(t + 5 * s)) * (double)(s + 1);
    for (size_t t = 0; t < LENGTH; t++) p->past[s][t] = cos(0.7 * (double)(t + s));
    for (size_t t = 0; t < LONG; t++) p->future[i][t] = cos(0.7 * (double)(t * (1 + i / ENCODED) + s));
    p->covariate[i] = (chronos2_covariate){.name = "plan", .past = p->past[s], .future = p->future[i]};
    p->series[i] = (chronos2_series){
        .length = LENGTH - s, .targets = 1, .target = p->target[s], .covariates = 1, .covariate = &p->covariate[i]};
  }
  p->target[1][7] = (double)INFINITY;
  p->future[7][2] = (double)INFINITY;
}

static const char *const past_text = "series 1: target: value 7 is infinite; a missing value is NaN";
static const char *const future_text = "series 7: plan: value 2 is infinite; a missing value is NaN";

static void check_left_out(const chronos2_forecast *f, size_t series, const char *text) {
  assert_int_equal(chronos2_forecast_status(f, series), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_forecast_error(f, series), text);
  assert_int_equal(chronos2_forecast_targets(f, series), 0);
  assert_null(chronos2_forecast_quantiles(f, series, 0));
}

/* Forecasts of the good series alone, whose futures are all good: what the others must be. */
static chronos2_forecast *forecast_good(chronos2_session *s, const plans *p, chronos2_predict_options o) {
  chronos2_series good[GOOD * FUTURES];
  chronos2_covariate unknown = p->covariate[7];
  chronos2_context *x = NULL;
  chronos2_forecast *f = NULL;
  size_t n = 0;
  for (size_t i = 0; i < ENCODED * FUTURES; i++) {
    if (i % ENCODED != 1) good[n++] = p->series[i];
  }
  unknown.future = NULL;
  good[GOOD * FUTURES - 1].covariate = &unknown;
  o.on_error = CHRONOS2_ON_ERROR_FAIL;
  assert_int_equal(chronos2_context_open(s, good, GOOD, &o, &x), CHRONOS2_OK);
  assert_int_equal(chronos2_context_predict(s, x, good, GOOD * FUTURES, &o, &f), CHRONOS2_OK);
  chronos2_context_close(&x);
  return f;
}

static void check_plans(chronos2_session *s, const plans *p, const chronos2_predict_options *o) {
  chronos2_forecast *good = forecast_good(s, p, *o);
  chronos2_forecast *all = NULL;
  chronos2_context *x = NULL;
  assert_int_equal(chronos2_context_open(s, p->series, ENCODED, o, &x), CHRONOS2_OK);
  assert_int_equal(chronos2_context_predict(s, x, p->series, ENCODED * FUTURES, o, &all), CHRONOS2_OK);
  assert_int_equal(chronos2_forecast_count(all), ENCODED * FUTURES);
  check_left_out(all, 1, past_text);
  check_left_out(all, 5, past_text);
  check_left_out(all, 7, future_text);
  for (size_t i = 0, g = 0; i < ENCODED * FUTURES; i++) {
    if (i % ENCODED == 1) continue;
    const double *expected = chronos2_forecast_quantiles(good, g++, 0);
    if (i == 7) continue;
    assert_int_equal(chronos2_forecast_status(all, i), CHRONOS2_OK);
    assert_string_equal(chronos2_forecast_error(all, i), "");
    assert_memory_equal(chronos2_forecast_quantiles(all, i, 0), expected, LEVELS * o->horizon * sizeof(double));
  }
  chronos2_forecast_free(&all);
  chronos2_forecast_free(&good);
  chronos2_context_close(&x);
}

/* A bad past is left out of the encoding, a bad future out of its forecast; the others are as without either. */
static void test_contexts(void **state) {
  (void)state;
  plans p;
  fill_plans(&p);
  for (size_t k = 0; k < 16; k++) {
    chronos2_session *s = NULL;
    chronos2_session_options options = {
        CHRONOS2_SESSION_OPTIONS_INIT,
        .attention = k % 2 ? CHRONOS2_WINDOWED_FUTURE_NULL : CHRONOS2_WINDOWED_FUTURE_GLOBAL, .radius = 2};
    chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = k / 2 % 2 ? LONG : 5,
                                  .cross_learning = k / 4 % 2, .batch_size = k / 8 ? 3 : 0,
                                  .on_error = CHRONOS2_ON_ERROR_SKIP};
    assert_int_equal(chronos2_session_open(model, &options, &s), CHRONOS2_OK);
    check_plans(s, &p, &o);
    chronos2_session_close(&s);
  }
}

/* Each call decides for itself: an encoding that has left out a series serves calls that leave out none. */
static void test_contexts_fail(void **state) {
  (void)state;
  plans p;
  fill_plans(&p);
  chronos2_session *s = NULL;
  chronos2_context *x = NULL;
  chronos2_forecast *f = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL};
  chronos2_predict_options skip = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 5, .on_error = CHRONOS2_ON_ERROR_SKIP};
  chronos2_predict_options fail = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 5};
  assert_int_equal(chronos2_session_open(model, &options, &s), CHRONOS2_OK);
  assert_int_equal(chronos2_context_open(s, p.series, ENCODED, &fail, &x), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), past_text);
  assert_int_equal(chronos2_context_open(s, p.series, ENCODED, &skip, &x), CHRONOS2_OK);
  assert_int_equal(chronos2_context_predict(s, x, p.series, ENCODED * FUTURES, &fail, &f), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), future_text);
  p.series[1] = (chronos2_series){.length = 0}; /* whatever it is now */
  assert_int_equal(chronos2_context_predict(s, x, p.series, ENCODED, &fail, &f), CHRONOS2_OK);
  check_left_out(f, 1, past_text);
  assert_int_equal(chronos2_forecast_status(f, 3), CHRONOS2_OK);
  chronos2_forecast_free(&f);
  assert_int_equal(chronos2_context_predict(s, x, p.series, GOOD, &skip, &f), CHRONOS2_ERROR_ARGUMENT);
  p.target[2][0] = (double)INFINITY; /* no longer what was encoded */
  assert_int_equal(chronos2_context_predict(s, x, p.series, ENCODED, &skip, &f), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), "series 2: target: value 0 is infinite; a missing value is NaN");
  chronos2_context_close(&x);
  assert_int_equal(chronos2_context_open(s, &p.series[2], 1, &skip, &x), CHRONOS2_OK); /* nothing is left */
  assert_int_equal(chronos2_context_predict(s, x, &p.series[2], 1, &skip, &f), CHRONOS2_OK);
  check_left_out(f, 0, "series 0: target: value 0 is infinite; a missing value is NaN");
  chronos2_forecast_free(&f);
  chronos2_context_close(&x);
  chronos2_session_close(&s);
}

/* ---- Progress --------------------------------------------------------------------------------- */

static int report(void *user, size_t done, size_t total) {
  size_t *last = user;
  if (total != last[1] || done < last[0]) return 1;
  last[0] = done;
  last[2]++;
  return 0;
}

/* Progress counts the series of the call, bad ones too, and ends at their number. */
static void test_progress(void **state) {
  (void)state;
  input in;
  fill(&in);
  chronos2_forecast *f = NULL;
  chronos2_predict_options o = {
      CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 5, .batch_size = 1, .on_error = CHRONOS2_ON_ERROR_SKIP};
  size_t last[3] = {0, SERIES, 0};
  chronos2_session_on_progress(session, report, last);
  assert_int_equal(chronos2_predict(session, in.series, SERIES, &o, &f), CHRONOS2_OK);
  assert_true(last[0] == SERIES && last[2] == 1 + SERIES - BAD);
  chronos2_forecast_free(&f);
  size_t alone[3] = {0, 1, 0};
  chronos2_session_on_progress(session, report, alone);
  assert_int_equal(chronos2_predict(session, &in.series[4], 1, &o, &f), CHRONOS2_OK);
  assert_true(alone[0] == 1 && alone[2] == 1);
  assert_string_equal(chronos2_forecast_error(f, 0), "series 0: expected at least one target");
  chronos2_forecast_free(&f);
  chronos2_embedding *e = NULL;
  memcpy(alone, (size_t[3]){0, 1, 0}, sizeof alone);
  assert_int_equal(chronos2_embed(session, &in.series[4], 1, &o, &e), CHRONOS2_OK);
  assert_true(alone[0] == 1 && alone[2] == 1);
  chronos2_embedding_free(&e);
  assert_int_equal(chronos2_predict(session, NULL, 0, &o, &f), CHRONOS2_OK);
  assert_int_equal(chronos2_forecast_count(f), 0);
  chronos2_forecast_free(&f);
  chronos2_session_on_progress(session, NULL, NULL);
}

/* A forecast that isn't finite fails its series alone too; the weights are untrained, so that it lies far off. */
static void test_not_finite(void **state) {
  (void)state;
  chronos2_config config;
  chronos2_model *untrained = NULL;
  chronos2_session *s = NULL;
  chronos2_forecast *f = NULL;
  chronos2_forecast *calm_only = NULL;
  double calm[LENGTH];
  double wild[LENGTH];
  assert_int_equal(chronos2_config_named("micro", &config), CHRONOS2_OK);
  assert_int_equal(chronos2_model_random(&config, 1, NULL, &untrained), CHRONOS2_OK);
  assert_int_equal(chronos2_session_open(untrained, NULL, &s), CHRONOS2_OK);
  for (size_t i = 0; i < LENGTH; i++) {
    calm[i] = sin((double)i);
    wild[i] = i % 2 ? DBL_MAX : -DBL_MAX;
  }
  chronos2_series series[3] = {{.length = LENGTH, .targets = 1, .target = calm},
                               {.length = LENGTH, .targets = 1, .target = wild},
                               {.length = LENGTH, .targets = 1, .target = calm}};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 16, .on_error = CHRONOS2_ON_ERROR_SKIP};
  assert_int_equal(chronos2_predict(s, series, 1, &o, &calm_only), CHRONOS2_OK);
  assert_int_equal(chronos2_predict(s, series, 3, &o, &f), CHRONOS2_OK);
  assert_int_equal(chronos2_forecast_status(f, 1), CHRONOS2_ERROR_MODEL);
  assert_string_equal(chronos2_forecast_error(f, 1), "the forecast of series 1 is not finite");
  assert_null(chronos2_forecast_quantiles(f, 1, 0));
  for (size_t i = 0; i < 3; i += 2) {
    assert_int_equal(chronos2_forecast_status(f, i), CHRONOS2_OK);
    assert_memory_equal(chronos2_forecast_quantiles(f, i, 0), chronos2_forecast_quantiles(calm_only, 0, 0),
                        LEVELS * 16 * sizeof(double));
  }
  chronos2_forecast_free(&f);
  chronos2_forecast_free(&calm_only);
  chronos2_session_close(&s);
  chronos2_model_close(&untrained);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_skip),          cmocka_unit_test(test_embed),
                                     cmocka_unit_test(test_fail),          cmocka_unit_test(test_whole),
                                     cmocka_unit_test(test_contexts),      cmocka_unit_test(test_contexts_fail),
                                     cmocka_unit_test(test_progress),      cmocka_unit_test(test_not_finite)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}
