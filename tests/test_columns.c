/* The same series in every form that a column can have: the same bits come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { LENGTH = 90, HORIZON = 9, TARGETS = 2, ROWS = 4, LEVELS = 21, STRIDE = 3, OFFSET = 13, MOST_EMBEDDED = 4096 };

static uint32_t seed = 7;

/* Two targets, a covariate with a future and one without; missing values are NaN, all are exact in float32. */
typedef struct plain {
  double row[ROWS][LENGTH], future[HORIZON];
  const char *label[LENGTH], *next_label[HORIZON];
} plain;

static double value(void) {
  return random_bits(&seed) % 8 == 0 ? (double)NAN : (double)((float)(random_bits(&seed) % 10000) / 64 - 70);
}

static void fill(plain *p) {
  static const char *const labels[] = {"a", "b", NULL, "c"};
  for (size_t r = 0; r < ROWS; r++) {
    for (size_t t = 0; t < LENGTH; t++) p->row[r][t] = value();
  }
  for (size_t t = 0; t < HORIZON; t++) p->future[t] = value();
  for (size_t t = 0; t < LENGTH; t++) p->label[t] = labels[random_bits(&seed) % 4];
  for (size_t t = 0; t < HORIZON; t++) p->next_label[t] = labels[random_bits(&seed) % 4];
}

/* How a column lies in memory. Under `bits`, missing values are other numbers, or NaN, beside a bitmap. */
typedef struct form {
  chronos2_type type;
  ptrdiff_t stride;
  int bits; /* 0: NaN alone; 1: a bitmap alone; 2: some this way, some that */
} form;

/* One column that owns its memory. */
typedef struct stored {
  chronos2_column column;
  void *memory;
  uint8_t *bitmap;
} stored;

static stored store(const double *values, size_t count, form f) {
  size_t step = (size_t)(f.stride < 0 ? -f.stride : f.stride ? f.stride : 1);
  size_t width = f.type == CHRONOS2_FLOAT32 ? sizeof(float) : sizeof(double);
  stored s = {.memory = malloc(count * step * width), .bitmap = malloc((OFFSET + count) / 8 + 1)};
  assert_true(s.memory && s.bitmap);
  memset(s.memory, 0x7f, count * step * width);               /* what lies between is large */
  memset(s.bitmap, 0xa5, (OFFSET + count) / 8 + 1);
  size_t first = f.stride < 0 ? (count - 1) * step : 0;
  for (size_t i = 0; i < count; i++) {
    size_t at = f.stride < 0 ? first - i * step : i * step;
    bool missing = isnan(values[i]);
    bool masked = missing && (f.bits == 1 || (f.bits == 2 && i % 2));
    double written = masked ? (i % 3 ? -1e6 : (double)INFINITY) : values[i]; /* what doesn't count may be anything */
    size_t bit = OFFSET + i;
    s.bitmap[bit / 8] = (uint8_t)((s.bitmap[bit / 8] & ~(1u << bit % 8)) | (masked ? 0u : 1u << bit % 8));
    if (f.type == CHRONOS2_FLOAT32) {
      ((float *)s.memory)[at] = (float)written;
    } else {
      ((double *)s.memory)[at] = written;
    }
  }
  s.column = (chronos2_column){.values = (char *)s.memory + first * width,
                               .stride = f.stride,
                               .validity = f.bits ? s.bitmap : NULL,
                               .validity_offset = f.bits ? OFFSET : 0,
                               .type = f.type};
  return s;
}

static void drop(stored *s) {
  free(s->memory);
  free(s->bitmap);
}

/* ---- Comparison ------------------------------------------------------------------------------- */

typedef struct outcome {
  double quantiles[TARGETS][LEVELS * HORIZON];
  float embedding[MOST_EMBEDDED];
} outcome;

static size_t d_model;

static void run(chronos2_session *session, const chronos2_series *series, bool encode, outcome *out) {
  chronos2_forecast *f = NULL;
  chronos2_context *x = NULL;
  chronos2_embedding *e = NULL;
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .context_length = 70};
  memset(out, 0, sizeof *out);
  if (encode) {
    assert_int_equal(chronos2_context_open(session, series, 1, &o, &x), CHRONOS2_OK);
    assert_int_equal(chronos2_context_predict(session, x, series, 1, &o, &f), CHRONOS2_OK);
  } else if (chronos2_predict(session, series, 1, &o, &f) != CHRONOS2_OK) {
    fail_msg("%s", chronos2_last_error());
  }
  for (size_t t = 0; t < series->targets; t++) {
    memcpy(out->quantiles[t], chronos2_forecast_quantiles(f, 0, t), sizeof out->quantiles[t]);
  }
  if (!encode) {
    assert_int_equal(chronos2_embed(session, series, 1, &o, &e), CHRONOS2_OK);
    size_t values = series->targets * chronos2_embedding_tokens(e, 0) * d_model;
    assert_in_range(values, 1, MOST_EMBEDDED);
    memcpy(out->embedding, chronos2_embedding_values(e, 0), values * sizeof(float));
  }
  chronos2_embedding_free(&e);
  chronos2_forecast_free(&f);
  chronos2_context_close(&x);
}

static chronos2_session *open_session(const chronos2_model *model, chronos2_attention attention) {
  chronos2_session *session = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = attention, .radius = 2, .threads = 2};
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
  return session;
}

/* Every form of every operand, against plain doubles with NaN. */
static void test_forms(void **state) {
  (void)state;
  chronos2_model *model = NULL;
  plain *p = malloc(sizeof *p);
  outcome *expected = malloc(sizeof *expected);
  outcome *found = malloc(sizeof *found);
  assert_true(p && expected && found);
  fill(p);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  d_model = chronos2_model_config(model)->d_model;
  chronos2_covariate plain_covariates[2] = {{.name = "known", .past = p->row[2], .future = p->future},
                                            {.name = "past", .past = p->row[3]}};
  chronos2_series plain_series = {
      .length = LENGTH, .targets = TARGETS, .target = p->row[0], .covariates = 2, .covariate = plain_covariates};
  for (int a = CHRONOS2_FULL; a <= CHRONOS2_WINDOWED_FUTURE_NULL; a++) {
    bool encode = a == CHRONOS2_WINDOWED_FUTURE_GLOBAL;
    chronos2_session *session = open_session(model, (chronos2_attention)a);
    run(session, &plain_series, encode, expected);
    for (int k = 0; k < 24; k++) {
      const ptrdiff_t strides[] = {0, 1, STRIDE, -2};
      const form f = {k % 2 ? CHRONOS2_FLOAT32 : CHRONOS2_FLOAT64, strides[k / 2 % 4], k / 8};
      stored s[ROWS + 1];
      for (size_t r = 0; r < ROWS; r++) s[r] = store(p->row[r], LENGTH, f);
      s[ROWS] = store(p->future, HORIZON, f);
      chronos2_column targets[TARGETS] = {s[0].column, s[1].column};
      chronos2_covariate covariates[2] = {
          {.name = "known", .past_column = &s[2].column, .future_column = &s[ROWS].column},
          {.name = "past", .past_column = &s[3].column}};
      chronos2_series series = {
          .length = LENGTH, .targets = TARGETS, .target_column = targets, .covariates = 2, .covariate = covariates};
      run(session, &series, encode, found);
      if (memcmp(expected, found, sizeof *found) != 0) {
        fail_msg("%s: type %d, stride %d, bitmap %d differ", chronos2_attention_name((chronos2_attention)a),
                 (int)f.type, (int)f.stride, f.bits);
      }
      for (size_t r = 0; r <= ROWS; r++) drop(&s[r]);
    }
    chronos2_session_close(&session);
  }
  chronos2_model_close(&model);
  free(p);
  free(expected);
  free(found);
}

/* Categories are encoded by their target's values, whatever their form; a plain past beside a column's future. */
static void test_categories(void **state) {
  (void)state;
  chronos2_model *model = NULL;
  plain *p = malloc(sizeof *p);
  outcome *expected = malloc(sizeof *expected);
  outcome *found = malloc(sizeof *found);
  assert_true(p && expected && found);
  fill(p);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(model, CHRONOS2_FULL);
  stored target = store(p->row[0], LENGTH, (form){CHRONOS2_FLOAT32, STRIDE, 2});
  stored future = store(p->future, HORIZON, (form){CHRONOS2_FLOAT64, -1, 1});
  chronos2_covariate covariates[2] = {{.name = "kind", .past_text = p->label, .future_text = p->next_label},
                                      {.name = "known", .past = p->row[2], .future = p->future}};
  chronos2_series series = {
      .length = LENGTH, .targets = 1, .target = p->row[0], .covariates = 2, .covariate = covariates};
  run(session, &series, false, expected);
  series.target = NULL;
  series.target_column = &target.column;
  covariates[1].future = NULL;
  covariates[1].future_column = &future.column;
  run(session, &series, false, found);
  assert_memory_equal(expected, found, sizeof *found);
  drop(&target);
  drop(&future);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  free(p);
  free(expected);
  free(found);
}

/* Codes of categories beside several targets are ranks among the labels of all such series of the call: there alone a
 * forecast depends on its company. */
static void test_ranks(void **state) {
  (void)state;
  static const char *const other[] = {"aa", "zz", "aa", "zz"};
  chronos2_model *model = NULL;
  plain *p = malloc(sizeof *p);
  assert_non_null(p);
  fill(p);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(model, CHRONOS2_FULL);
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  for (size_t targets = 1; targets <= TARGETS; targets++) {
    for (size_t theirs = 1; theirs <= TARGETS; theirs++) {
      chronos2_covariate kind = {.name = "kind", .past_text = p->label, .future_text = p->next_label};
      chronos2_covariate odd = {.name = "kind", .past_text = other};
      const chronos2_series series[] = {
          {.length = LENGTH, .targets = targets, .target = p->row[0], .covariates = 1, .covariate = &kind},
          {.length = 4, .targets = theirs, .target = p->row[2], .covariates = 1, .covariate = &odd}};
      chronos2_forecast *alone = NULL;
      chronos2_forecast *beside = NULL;
      assert_int_equal(chronos2_predict(session, series, 1, &o, &alone), CHRONOS2_OK);
      assert_int_equal(chronos2_predict(session, series, 2, &o, &beside), CHRONOS2_OK);
      bool same = memcmp(chronos2_forecast_quantiles(alone, 0, 0), chronos2_forecast_quantiles(beside, 0, 0),
                         LEVELS * HORIZON * sizeof(double)) == 0;
      assert_int_equal(same, targets == 1 || theirs == 1);
      chronos2_forecast_free(&alone);
      chronos2_forecast_free(&beside);
    }
  }
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  free(p);
}

static void expect_error(chronos2_session *session, const chronos2_series *series, const char *says) {
  chronos2_forecast *f = NULL;
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  assert_int_equal(chronos2_predict(session, series, 1, &o, &f), CHRONOS2_ERROR_ARGUMENT);
  if (!strstr(chronos2_last_error(), says)) fail_msg("'%s' doesn't say '%s'", chronos2_last_error(), says);
}

static void test_errors(void **state) {
  (void)state;
  chronos2_model *model = NULL;
  double numbers[3 * HORIZON] = {0};
  float small[HORIZON] = {0};
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(model, CHRONOS2_FULL);
  chronos2_column columns[2] = {{.values = numbers}, {.values = numbers, .stride = 2}};
  chronos2_column future = {.values = small, .type = CHRONOS2_FLOAT32};
  chronos2_covariate covariate = {.name = "c", .past_column = &columns[0], .future_column = &future};
  chronos2_series series = {
      .length = HORIZON, .targets = 2, .target_column = columns, .covariates = 1, .covariate = &covariate};
  numbers[4] = (double)INFINITY;
  expect_error(session, &series, "series 0: target 0: value 4 is infinite");
  numbers[4] = 0;
  numbers[12] = -(double)INFINITY;
  expect_error(session, &series, "series 0: target 1: value 6 is infinite");
  numbers[12] = 0;
  small[5] = (float)INFINITY;
  expect_error(session, &series, "series 0: c: value 5 is infinite");
  small[5] = 0;
  columns[1].values = NULL;
  expect_error(session, &series, "series 0: target 1: expected 9 values, found NULL");
  columns[1].values = numbers;
  columns[1].type = (chronos2_type)2;
  expect_error(session, &series, "series 0: target 1: unknown type 2");
  columns[1].type = CHRONOS2_FLOAT64;
  covariate.past = numbers;
  expect_error(session, &series, "series 0: c: expected an array or a column, not both");
  covariate.past = NULL;
  series.target = numbers;
  expect_error(session, &series, "series 0: expected an array of targets or columns, not both");
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_categories),
                                     cmocka_unit_test(test_ranks), cmocka_unit_test(test_errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
