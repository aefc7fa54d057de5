/* Every function of the interface with every pointer NULL, and sizes that no memory has: a status, never a crash. */
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

enum { LENGTH = 40, HORIZON = 5, PATCH = 16, QUANTILES = 21 };

static chronos2_model *model;
static chronos2_session *session;
static chronos2_session *windowed;
static double values[2 * LENGTH];
static const char *labels[LENGTH];
static double known[HORIZON];
static const char *known_labels[HORIZON];

static int open_all(void **state) {
  (void)state;
  chronos2_config config;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                      .radius = 2, .threads = 1};
  for (size_t i = 0; i < 2 * LENGTH; i++) values[i] = sin((double)i);
  for (size_t i = 0; i < LENGTH; i++) labels[i] = i % 3 ? "a" : NULL; /* a missing label is allowed */
  for (size_t i = 0; i < HORIZON; i++) known_labels[i] = i % 2 ? "b" : NULL;
  return chronos2_config_named("micro", &config) || chronos2_model_random(&config, 1, NULL, &model) ||
         chronos2_session_open(model, NULL, &session) || chronos2_session_open(model, &options, &windowed);
}

static int close_all(void **state) {
  (void)state;
  chronos2_session_close(&session);
  chronos2_session_close(&windowed);
  chronos2_model_close(&model);
  return 0;
}

static void expect(chronos2_status found, chronos2_status expected) {
  if (found != expected) fail_msg("status %d, expected %d: %s", (int)found, (int)expected, chronos2_last_error());
  assert_true((found == CHRONOS2_OK) == (chronos2_last_error()[0] == '\0'));
}

#define EXPECT_ARGUMENT(call) expect((call), CHRONOS2_ERROR_ARGUMENT)

/* ---- Handles --------------------------------------------------------------------------------- */

static void test_model(void **state) {
  (void)state;
  chronos2_config config;
  chronos2_model *m = NULL;
  chronos2_tensor_info info;
  assert_int_equal(chronos2_config_named("micro", &config), CHRONOS2_OK);
  EXPECT_ARGUMENT(chronos2_config_named(NULL, &config));
  EXPECT_ARGUMENT(chronos2_config_named("micro", NULL));
  EXPECT_ARGUMENT(chronos2_model_open(NULL, NULL, &m));
  EXPECT_ARGUMENT(chronos2_model_open("folder", NULL, NULL));
  EXPECT_ARGUMENT(chronos2_model_random(NULL, 1, NULL, &m));
  EXPECT_ARGUMENT(chronos2_model_random(&config, 1, NULL, NULL));
  EXPECT_ARGUMENT(chronos2_model_tensor(NULL, 0, &info));
  EXPECT_ARGUMENT(chronos2_model_tensor(model, 0, NULL));
  EXPECT_ARGUMENT(chronos2_model_tensor(model, chronos2_model_tensors(model), &info));
  assert_null(m);
  assert_null(chronos2_model_config(NULL));
  assert_int_equal(chronos2_model_dtype(NULL), CHRONOS2_FP32);
  assert_int_equal(chronos2_model_parameters(NULL), 0);
  assert_int_equal(chronos2_model_bytes(NULL), 0);
  assert_int_equal(chronos2_model_tensors(NULL), 0);
  assert_int_equal(chronos2_model_patterns(NULL), 0);
  assert_true(chronos2_model_pattern(NULL, 0).radius == 0);
  assert_false(chronos2_model_trained_for(NULL, (chronos2_pattern){.attention = CHRONOS2_AUTO}));
  assert_false(chronos2_model_measured(NULL, (chronos2_pattern){.attention = CHRONOS2_FULL}, NULL, NULL));
  assert_false(chronos2_model_training(NULL).trained);
  assert_null(chronos2_model_trained_text(NULL));
  assert_null(chronos2_model_caveat(NULL, (chronos2_pattern){.attention = CHRONOS2_FULL}));
  assert_int_equal(chronos2_model_context_pattern(NULL, (chronos2_pattern){.radius = 0}).attention, CHRONOS2_AUTO);
  chronos2_attention attention = CHRONOS2_FULL;
  EXPECT_ARGUMENT(chronos2_attention_named(NULL, &attention));
  EXPECT_ARGUMENT(chronos2_attention_named("full", NULL));
  size_t season = 0;
  EXPECT_ARGUMENT(chronos2_frequency_season(NULL, &season));
  EXPECT_ARGUMENT(chronos2_frequency_season("h", NULL));
  assert_false(chronos2_text_is_number(NULL));
  chronos2_model_close(&m);
  chronos2_model_close(NULL);
}

static void test_session(void **state) {
  (void)state;
  chronos2_session *s = NULL;
  EXPECT_ARGUMENT(chronos2_session_open(NULL, NULL, &s));
  EXPECT_ARGUMENT(chronos2_session_open(model, NULL, NULL));
  EXPECT_ARGUMENT(chronos2_session_set_attention(NULL, CHRONOS2_FULL, 0, false));
  assert_null(s);
  chronos2_session_options_init(NULL);
  chronos2_session_close(&s);
  chronos2_session_close(NULL);
  assert_null(chronos2_session_isa(NULL));
  assert_int_equal(chronos2_session_pattern(NULL).attention, CHRONOS2_AUTO);
  assert_int_equal(chronos2_session_threads(NULL), 0);
  assert_int_equal(chronos2_session_peak_bytes(NULL), 0);
  chronos2_session_reset_peak(NULL);
  assert_true(chronos2_session_work(NULL).embed == 0);
  chronos2_session_reset_work(NULL);
  chronos2_session_on_progress(NULL, NULL, NULL);
  chronos2_session_on_attention(NULL, NULL, NULL);
}

/* A radius means nothing under full attention and auto. Elsewhere a wrong one is shown with the digits that tell. */
static void test_radius(void **state) {
  (void)state;
  static const double odd[] = {NAN, -1, 2.0000001, 2e9};
  static const char *const shown[] = {"nan", "-1", "2.0000001", "2e+09"};
  chronos2_session *s = NULL;
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    char text[80];
    chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_FULL, .radius = odd[i],
                                        .threads = 1};
    expect(chronos2_session_open(model, &options, &s), CHRONOS2_OK);
    expect(chronos2_session_set_attention(s, CHRONOS2_AUTO, odd[i], false), CHRONOS2_OK);
    EXPECT_ARGUMENT(chronos2_session_set_attention(s, CHRONOS2_WINDOWED_FUTURE_NULL, odd[i], false));
    (void)snprintf(text, sizeof text, "a whole number of at most 1e9 tokens, or infinity, found %s", shown[i]);
    assert_non_null(strstr(chronos2_last_error(), text));
    assert_int_equal(chronos2_session_pattern(s).attention, CHRONOS2_FULL);
    expect(chronos2_session_set_attention(s, CHRONOS2_WINDOWED_FUTURE_NULL, 1e9, false), CHRONOS2_OK);
    assert_true(chronos2_session_pattern(s).radius == 1e9);
    chronos2_session_close(&s);
  }
}

static void test_results(void **state) {
  (void)state;
  chronos2_forecast *f = NULL;
  chronos2_embedding *e = NULL;
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  double level = 0.5;
  double out[HORIZON];
  double loc = 0;
  expect(chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                           .horizon = HORIZON}, &f), CHRONOS2_OK);
  expect(chronos2_embed(session, &series, 1, NULL, &e), CHRONOS2_OK);
  EXPECT_ARGUMENT(chronos2_forecast_at_levels(NULL, 0, 0, &level, 1, out));
  EXPECT_ARGUMENT(chronos2_forecast_at_levels(f, 0, 0, NULL, 1, out));
  EXPECT_ARGUMENT(chronos2_forecast_at_levels(f, 0, 0, &level, 1, NULL));
  EXPECT_ARGUMENT(chronos2_forecast_at_levels(f, 1, 0, &level, 1, out));
  EXPECT_ARGUMENT(chronos2_forecast_at_levels(f, 0, 1, &level, 1, out));
  EXPECT_ARGUMENT(chronos2_forecast_at_levels(f, 0, 0, &(double){NAN}, 1, out));
  EXPECT_ARGUMENT(chronos2_forecast_at_levels(f, 0, 0, &(double){1.0000001}, 1, out));
  assert_string_equal(chronos2_last_error(), "level 1.0000001: expected 0 to 1");
  EXPECT_ARGUMENT(chronos2_embedding_scale(NULL, 0, 0, &loc, &loc));
  EXPECT_ARGUMENT(chronos2_embedding_scale(e, 0, 0, NULL, &loc));
  EXPECT_ARGUMENT(chronos2_embedding_scale(e, 0, 0, &loc, NULL));
  EXPECT_ARGUMENT(chronos2_embedding_scale(e, 0, 1, &loc, &loc));
  assert_int_equal(chronos2_forecast_count(NULL), 0);
  assert_int_equal(chronos2_forecast_targets(NULL, 0), 0);
  assert_int_equal(chronos2_forecast_horizon(NULL), 0);
  assert_null(chronos2_forecast_quantiles(NULL, 0, 0));
  assert_null(chronos2_forecast_median(NULL, 0, 0));
  assert_null(chronos2_forecast_median(f, 0, 1));
  assert_int_equal(chronos2_embedding_tokens(NULL, 0), 0);
  assert_null(chronos2_embedding_values(NULL, 0));
  assert_int_equal(chronos2_context_bytes(NULL), 0);
  chronos2_forecast_free(&f);
  chronos2_forecast_free(&f);
  chronos2_forecast_free(NULL);
  chronos2_embedding_free(&e);
  chronos2_embedding_free(&e);
  chronos2_embedding_free(NULL);
  chronos2_context_close(NULL);
}

/* ---- Series ---------------------------------------------------------------------------------- */

/* All that takes series, with these. */
static void run_series(const chronos2_series *series, size_t count, chronos2_status expected) {
  chronos2_forecast *f = NULL;
  chronos2_embedding *e = NULL;
  chronos2_context *c = NULL;
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  expect(chronos2_predict(session, series, count, &options, &f), expected);
  assert_true((f != NULL) == (expected == CHRONOS2_OK));
  expect(chronos2_embed(session, series, count, NULL, &e), expected);
  assert_true((e != NULL) == (expected == CHRONOS2_OK));
  expect(chronos2_context_open(windowed, series, count, NULL, &c), expected);
  assert_true((c != NULL) == (expected == CHRONOS2_OK));
  if (c) {
    chronos2_forecast_free(&f);
    expect(chronos2_context_predict(windowed, c, series, count, &options, &f), expected);
  }
  chronos2_forecast_free(&f);
  chronos2_embedding_free(&e);
  chronos2_context_close(&c);
}

static void test_calls(void **state) {
  (void)state;
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_forecast *f = NULL;
  chronos2_embedding *e = NULL;
  chronos2_context *c = NULL;
  EXPECT_ARGUMENT(chronos2_predict(NULL, &series, 1, &options, &f));
  EXPECT_ARGUMENT(chronos2_predict(session, NULL, 1, &options, &f));
  EXPECT_ARGUMENT(chronos2_predict(session, &series, 1, NULL, &f));
  EXPECT_ARGUMENT(chronos2_predict(session, &series, 1, &options, NULL));
  EXPECT_ARGUMENT(chronos2_embed(NULL, &series, 1, NULL, &e));
  EXPECT_ARGUMENT(chronos2_embed(session, NULL, 1, NULL, &e));
  EXPECT_ARGUMENT(chronos2_embed(session, &series, 1, NULL, NULL));
  EXPECT_ARGUMENT(chronos2_context_open(NULL, &series, 1, NULL, &c));
  EXPECT_ARGUMENT(chronos2_context_open(windowed, NULL, 1, NULL, &c));
  EXPECT_ARGUMENT(chronos2_context_open(windowed, &series, 1, NULL, NULL));
  expect(chronos2_context_open(windowed, &series, 1, NULL, &c), CHRONOS2_OK);
  EXPECT_ARGUMENT(chronos2_context_predict(NULL, c, &series, 1, &options, &f));
  EXPECT_ARGUMENT(chronos2_context_predict(windowed, NULL, &series, 1, &options, &f));
  EXPECT_ARGUMENT(chronos2_context_predict(windowed, c, NULL, 1, &options, &f));
  EXPECT_ARGUMENT(chronos2_context_predict(windowed, c, &series, 1, NULL, &f));
  EXPECT_ARGUMENT(chronos2_context_predict(windowed, c, &series, 1, &options, NULL));
  chronos2_context_close(&c);
  run_series(NULL, 0, CHRONOS2_OK);
}

static void test_fields(void **state) {
  (void)state;
  const chronos2_series good = {.length = LENGTH, .targets = 2, .target = values};
  chronos2_series s = good;
  run_series(&s, 1, CHRONOS2_OK);
  s.target = NULL;
  run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
  s.length = 0; /* no history needs no values */
  run_series(&s, 1, CHRONOS2_OK);
  s = good;
  s.covariates = 1;
  run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
  chronos2_covariate covariate = {.name = NULL, .past = values};
  s.covariate = &covariate;
  run_series(&s, 1, CHRONOS2_OK);
  covariate.future = known;
  run_series(&s, 1, CHRONOS2_OK);
  covariate.past = NULL;
  run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
  s.length = 0;
  run_series(&s, 1, CHRONOS2_OK);
  s.length = LENGTH;
  for (size_t targets = 1; targets <= 2; targets++) { /* each encodes categories in its own way */
    s.targets = targets;
    covariate = (chronos2_covariate){.past_text = labels};
    run_series(&s, 1, CHRONOS2_OK);
    covariate.future_text = known_labels;
    run_series(&s, 1, CHRONOS2_OK);
    covariate.past_text = NULL;
    run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
    covariate = (chronos2_covariate){.future_text = known_labels, .past = values};
    run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
    covariate = (chronos2_covariate){.future_text = known_labels, .future = known};
    run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
    covariate = (chronos2_covariate){.past = values, .past_text = labels};
    run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
    covariate = (chronos2_covariate){.past_text = labels, .future = known};
    run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
  }
  s = good;
  s.targets = 0;
  run_series(&s, 1, CHRONOS2_ERROR_ARGUMENT);
}

static void forecast_one(const chronos2_covariate *covariate, size_t targets, double *out) {
  const chronos2_series series = {.targets = targets, .covariates = 1, .covariate = covariate};
  const chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_forecast *f = NULL;
  size_t bytes = 0;
  expect(chronos2_predict_bytes(session, &series, 1, &options, &bytes), CHRONOS2_OK);
  chronos2_session_reset_peak(session);
  expect(chronos2_predict(session, &series, 1, &options, &f), CHRONOS2_OK);
  assert_true(chronos2_session_peak_bytes(session) - chronos2_model_bytes(model) <= bytes);
  memcpy(out, chronos2_forecast_quantiles(f, 0, 0), QUANTILES * HORIZON * sizeof *out);
  chronos2_forecast_free(&f);
}

/* Without a history a category needs no past, as numbers don't. It is what its codes are: the mean of no target, or the
 * rank among no labels, which is missing but for the missing label. */
static void test_empty_history(void **state) {
  (void)state;
  chronos2_covariate category = {.name = "k", .future_text = known_labels};
  double found[QUANTILES * HORIZON];
  double expected[QUANTILES * HORIZON];
  double codes[HORIZON];
  for (size_t targets = 1; targets <= 2; targets++) {
    const chronos2_series series = {.targets = targets, .covariates = 1, .covariate = &category};
    run_series(&series, 1, CHRONOS2_OK);
    for (size_t t = 0; t < HORIZON; t++) codes[t] = targets == 2 && known_labels[t] ? (double)NAN : 0;
    forecast_one(&category, targets, found);
    forecast_one(&(chronos2_covariate){.future = codes}, targets, expected);
    assert_memory_equal(found, expected, sizeof found);
  }
  const chronos2_series longer = {.length = LENGTH, .targets = 1, .target = values, .covariates = 1,
                                  .covariate = &category};
  run_series(&longer, 1, CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), "series 0: k: expected its past");
}

/* Numbers of rows whose sum wraps, or that no memory has, are refused before anything is made for them. */
static void test_many_rows(void **state) {
  (void)state;
  const size_t half = (size_t)1 << 63;
  static const chronos2_covariate covariate = {.name = "c"};
  chronos2_series wraps[2] = {{.targets = half}, {.targets = half + 5}};
  chronos2_forecast *f = NULL;
  chronos2_embedding *e = NULL;
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 1, .batch_size = SIZE_MAX,
                                      .cross_learning = true};
  EXPECT_ARGUMENT(chronos2_predict(session, wraps, 2, &options, &f));
  assert_non_null(strstr(chronos2_last_error(), "series 0: 9223372036854775808 targets"));
  EXPECT_ARGUMENT(chronos2_embed(session, wraps, 2, &options, &e));
  run_series(wraps, 2, CHRONOS2_ERROR_ARGUMENT);
  chronos2_series one = {.targets = 1, .covariates = SIZE_MAX, .covariate = &covariate};
  run_series(&one, 1, CHRONOS2_ERROR_ARGUMENT);
  one = (chronos2_series){.targets = ((size_t)1 << 31) + 1};
  run_series(&one, 1, CHRONOS2_ERROR_ARGUMENT);
  one = (chronos2_series){.targets = 2, .length = SIZE_MAX / 2 + 1, .target = values};
  run_series(&one, 1, CHRONOS2_ERROR_ARGUMENT);
}

/* What an embedding doesn't depend on may be anything. */
static void test_options_of_embeddings(void **state) {
  (void)state;
  chronos2_embedding *e = NULL;
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = SIZE_MAX, .max_output_patches = SIZE_MAX,
                                .unrolled_count = 3, .cross_learning = true, .monotone = true,
                                .limit_prediction_length = true};
  expect(chronos2_embed(session, &series, 1, &o, &e), CHRONOS2_OK);
  chronos2_embedding_free(&e);
  o.on_error = (chronos2_on_error)7;
  EXPECT_ARGUMENT(chronos2_embed(session, &series, 1, &o, &e));
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void test_batch(void **state) {
  (void)state;
  static float context[2 * LENGTH];
  static float future[2 * PATCH];
  static float quantiles[2 * 21 * PATCH];
  float mask[16];
  const chronos2_batch good = {.rows = 2, .length = LENGTH, .context = context, .output_patches = 1};
  chronos2_batch b = good;
  for (size_t i = 0; i < 2 * LENGTH; i++) context[i] = (float)(i % 7);
  assert_int_equal(chronos2_batch_tokens(model, &b), 3 + 1 + 1);
  assert_int_equal(chronos2_batch_tokens(NULL, &b), 0);
  assert_int_equal(chronos2_batch_tokens(model, NULL), 0);
  expect(chronos2_batch_mask(model, &b, mask), CHRONOS2_OK);
  EXPECT_ARGUMENT(chronos2_batch_mask(NULL, &b, mask));
  EXPECT_ARGUMENT(chronos2_batch_mask(model, NULL, mask));
  EXPECT_ARGUMENT(chronos2_batch_mask(model, &b, NULL));
  expect(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL), CHRONOS2_OK);
  EXPECT_ARGUMENT(chronos2_forward(NULL, &b, quantiles, NULL, NULL, NULL));
  EXPECT_ARGUMENT(chronos2_forward(session, NULL, quantiles, NULL, NULL, NULL));
  EXPECT_ARGUMENT(chronos2_forward(session, &b, NULL, NULL, NULL, NULL));
  b.future_length = (size_t)1 << 50; /* of no covariates */
  expect(chronos2_forward(session, &b, quantiles, NULL, NULL, mask), CHRONOS2_OK);
  b.future_covariates = future;
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  b.future_length = PATCH;
  expect(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL), CHRONOS2_OK);
  future[PATCH + 3] = -INFINITY;
  EXPECT_ARGUMENT(chronos2_batch_mask(model, &b, mask));
  assert_string_equal(chronos2_last_error(), "future_covariates: element 19 is infinite; a missing value is NaN");
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  context[5] = INFINITY;
  EXPECT_ARGUMENT(chronos2_batch_mask(model, &b, mask));
  assert_string_equal(chronos2_last_error(), "context: element 5 is infinite; a missing value is NaN");
  context[5] = future[PATCH + 3] = 0;
  b.context = NULL;
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  EXPECT_ARGUMENT(chronos2_batch_mask(model, &b, mask));
  b.length = 0;
  expect(chronos2_forward(session, &b, quantiles, NULL, NULL, mask), CHRONOS2_OK);
  b = good;
  b.rows = 0;
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  b = good;
  b.output_patches = 0;
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  b.output_patches = SIZE_MAX;
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  b = good;
  b.rows = SIZE_MAX / 8;
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  EXPECT_ARGUMENT(chronos2_batch_mask(model, &b, mask));
  b = good;
  b.length = SIZE_MAX;
  b.extend_context = true;
  EXPECT_ARGUMENT(chronos2_forward(session, &b, quantiles, NULL, NULL, NULL));
  assert_int_equal(chronos2_batch_tokens(model, &b), SIZE_MAX / PATCH + 1 + 1 + 1);
}

/* What context_length cuts off is no observation, although it lies in the patch of the oldest one that stays. */
static void test_mask_of_a_cut_patch(void **state) {
  (void)state;
  chronos2_config config = *chronos2_model_config(model);
  chronos2_model *m = NULL;
  float context[5 * PATCH];
  float mask[16];
  config.context_length = 2 * PATCH + 4;
  expect(chronos2_model_random(&config, 1, NULL, &m), CHRONOS2_OK);
  chronos2_batch b = {.rows = 1, .length = 5 * PATCH, .context = context, .output_patches = 1};
  for (size_t i = 0; i < b.length; i++) {
    size_t from_end = b.length - i;
    context[i] = from_end > 2 * PATCH && from_end <= config.context_length ? NAN : (float)i;
  }
  assert_int_equal(chronos2_batch_tokens(m, &b), 3 + 1 + 1);
  expect(chronos2_batch_mask(m, &b, mask), CHRONOS2_OK);
  for (size_t t = 0; t < 5; t++) assert_true(mask[t] == (t == 0 ? 0.0f : 1.0f));
  context[b.length - config.context_length] = 1;
  expect(chronos2_batch_mask(m, &b, mask), CHRONOS2_OK);
  assert_true(mask[0] == 1.0f);
  b.extend_context = true;
  expect(chronos2_batch_mask(m, &b, mask), CHRONOS2_OK);
  for (size_t t = 0; t < 7; t++) assert_true(mask[t] == 1.0f);
  chronos2_model_close(&m);
}

/* ---- Random weights ---------------------------------------------------------------------------- */

static void test_random_options(void **state) {
  (void)state;
  chronos2_model *m = NULL;
  const chronos2_config *config = chronos2_model_config(model);
  chronos2_model_options o = {CHRONOS2_MODEL_OPTIONS_INIT, .adapter = "folder"};
  EXPECT_ARGUMENT(chronos2_model_random(config, 1, &o, &m));
  assert_string_equal(chronos2_last_error(), "adapter: a model of random weights takes none");
  o = (chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT, .cache = "folder"};
  EXPECT_ARGUMENT(chronos2_model_random(config, 1, &o, &m));
  assert_string_equal(chronos2_last_error(), "cache: a model of random weights takes none");
  o = (chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT, .isa = "sse9"};
  EXPECT_ARGUMENT(chronos2_model_random(config, 1, &o, &m));
  assert_null(m);
}

/* ---- Configurations -------------------------------------------------------------------------- */

static void refuse(const chronos2_config *config, const char *key) {
  chronos2_model *m = NULL;
  expect(chronos2_model_random(config, 1, NULL, &m), CHRONOS2_ERROR_MODEL);
  assert_null(m);
  if (!strstr(chronos2_last_error(), key)) fail_msg("expected '%s' in: %s", key, chronos2_last_error());
}

static void test_config(void **state) {
  (void)state;
  static const double bad[] = {NAN, INFINITY, -1, 1e-320, 1e300};
  chronos2_config good;
  assert_int_equal(chronos2_config_named("micro", &good), CHRONOS2_OK);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    chronos2_config c = good;
    c.time_encoding_scale = bad[i];
    refuse(&c, "time_encoding_scale");
    c = good;
    c.rope_theta = bad[i];
    refuse(&c, "rope_theta");
    c = good;
    c.layer_norm_epsilon = bad[i];
    if (i != 3) refuse(&c, "layer_norm_epsilon"); /* as good as 0 */
    c = good;
    c.quantile_levels[0] = bad[i];
    if (i != 3) refuse(&c, "rising levels");
    c = good;
    c.quantile_levels[11] = bad[i];
    refuse(&c, "rising levels");
  }
  chronos2_config c = good;
  c.max_output_patches = SIZE_MAX;
  refuse(&c, "max_output_patches");
  c.max_output_patches = (1 << 20) + 1; /* which no pass may have */
  refuse(&c, "max_output_patches 1048577: expected 1 to 2^20");
  c = good;
  c.quantiles = 65;
  refuse(&c, "quantiles");
  c = good;
  c.quantiles = 5;
  refuse(&c, "0.5");
}

/* A rollout goes on with levels of the model, the default ones too. */
static void test_levels_of_a_rollout(void **state) {
  (void)state;
  static const double three[] = {0.25, 0.5, 0.75};
  static const double nine[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
  chronos2_config c;
  chronos2_model *m = NULL;
  chronos2_session *s = NULL;
  chronos2_forecast *f = NULL;
  size_t bytes = 0;
  const chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 2 * PATCH, .max_output_patches = 2};
  assert_int_equal(chronos2_config_named("micro", &c), CHRONOS2_OK);
  c.quantiles = 3;
  memcpy(c.quantile_levels, three, sizeof three);
  expect(chronos2_model_random(&c, 1, NULL, &m), CHRONOS2_OK);
  expect(chronos2_session_open(m, NULL, &s), CHRONOS2_OK);
  expect(chronos2_predict(s, &series, 1, &o, &f), CHRONOS2_OK);
  chronos2_forecast_free(&f);
  o.horizon++;
  EXPECT_ARGUMENT(chronos2_predict(s, &series, 1, &o, &f));
  assert_string_equal(chronos2_last_error(),
                      "unrolled_quantiles: expected levels of the model, rising, found 0.1 by default; name levels "
                      "that it has, or forecast at most the 32 steps of one pass");
  EXPECT_ARGUMENT(chronos2_predict_bytes(s, &series, 1, &o, &bytes));
  o.unrolled_quantiles = nine;
  o.unrolled_count = 9;
  EXPECT_ARGUMENT(chronos2_predict(s, &series, 1, &o, &f));
  assert_string_equal(chronos2_last_error(), "unrolled_quantiles: expected levels of the model, rising, found 0.1");
  o.unrolled_quantiles = three;
  o.unrolled_count = 3;
  expect(chronos2_predict(s, &series, 1, &o, &f), CHRONOS2_OK);
  chronos2_forecast_free(&f);
  chronos2_session_close(&s);
  chronos2_model_close(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_model),   cmocka_unit_test(test_session), cmocka_unit_test(test_radius),
      cmocka_unit_test(test_results), cmocka_unit_test(test_calls),   cmocka_unit_test(test_fields),
      cmocka_unit_test(test_many_rows), cmocka_unit_test(test_batch), cmocka_unit_test(test_config),
      cmocka_unit_test(test_empty_history), cmocka_unit_test(test_levels_of_a_rollout),
      cmocka_unit_test(test_options_of_embeddings), cmocka_unit_test(test_mask_of_a_cut_patch),
      cmocka_unit_test(test_random_options)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}
