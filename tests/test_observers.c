/* Observed attention belongs to series: the same rows whatever the batch, the backend and the call, under every
 * pattern, in one pass, beside the null future and in rollouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "random.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { SERIES = 4, MOST_ROWS = 3, LONGEST = 90, HORIZON = 27, MOST_TOKENS = 40 };

static uint32_t seed;

/* Series of unequal length with gaps: with several targets, with covariates, with neither. */
typedef struct input {
  chronos2_series series[SERIES];
  chronos2_covariate covariate[SERIES][2];
  double row[SERIES][MOST_ROWS][LONGEST], future[SERIES][LONGEST];
} input;

static void fill(input *in) {
  static const size_t lengths[SERIES] = {83, 30, LONGEST, 1};
  static const size_t targets[SERIES] = {1, 2, 1, 1};
  static const size_t covariates[SERIES] = {2, 1, 0, 1};
  seed = 3;
  for (size_t i = 0; i < SERIES; i++) {
    for (size_t r = 0; r < MOST_ROWS; r++) {
      for (size_t t = 0; t < LONGEST; t++) {
        bool gap = t / 16 % 3 == r && t + 20 < lengths[i];
        in->row[i][r][t] = gap ? (double)NAN : (double)(float)(sin(0.4 * (double)t) + random_unit(&seed));
      }
    }
    /* Targets lie `length` apart. */
    for (size_t r = 1; r < targets[i]; r++) {
      memmove(in->row[i][0] + r * lengths[i], in->row[i][r], lengths[i] * sizeof(double));
    }
    for (size_t t = 0; t < LONGEST; t++) in->future[i][t] = random_unit(&seed);
    in->covariate[i][0] = (chronos2_covariate){.name = "known", .past = in->row[i][2], .future = in->future[i]};
    in->covariate[i][1] = (chronos2_covariate){.name = "past", .past = in->row[i][1]};
    in->series[i] = (chronos2_series){.length = lengths[i],
                                      .targets = targets[i],
                                      .target = in->row[i][0],
                                      .covariates = covariates[i],
                                      .covariate = in->covariate[i]};
  }
}

static const double *row_values(const input *in, size_t series, size_t row) {
  const chronos2_series *s = &in->series[series];
  return row < s->targets ? s->target + row * s->length : s->covariate[row - s->targets].past;
}

/* ---- What was told ---------------------------------------------------------------------------- */

typedef struct told {
  bool there, masked;
  size_t tokens, context;
  float weights[MOST_TOKENS];
  bool live[MOST_TOKENS];
} told;

typedef struct record {
  size_t layers, heads, passes; /* passes: rows of a rollout's later passes */
  told *row;                    /* [SERIES][MOST_ROWS][layers][heads][MOST_TOKENS] of first passes */
} record;

static told *row_of(const record *r, size_t series, size_t row, size_t layer, size_t head, size_t query) {
  return &r->row[(((series * MOST_ROWS + row) * r->layers + layer) * r->heads + head) * MOST_TOKENS + query];
}

static void observe(void *user, const chronos2_attention_row *a) {
  record *r = user;
  assert_true(a->series < SERIES && a->row < MOST_ROWS && a->tokens <= MOST_TOKENS && a->query < a->tokens);
  assert_true(a->path == 0 && a->step == 0);
  told *t = row_of(r, a->series, a->row, a->layer, a->head, a->query);
  assert_false(t->there);
  *t = (told){.there = true, .masked = a->masked, .tokens = a->tokens, .context = a->context};
  memcpy(t->weights, a->weights, a->tokens * sizeof *a->weights);
  memcpy(t->live, a->live, a->tokens * sizeof *a->live);
}

static record record_open(const chronos2_model *model) {
  const chronos2_config *c = chronos2_model_config(model);
  record r = {.layers = c->layers, .heads = c->heads};
  r.row = calloc(SERIES * MOST_ROWS * r.layers * r.heads * MOST_TOKENS, sizeof *r.row);
  assert_non_null(r.row);
  return r;
}

static chronos2_session *open_session(const chronos2_model *model, chronos2_pattern pattern, chronos2_backend backend) {
  chronos2_session *session = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT,
                                      .device = test_device(backend), .attention = pattern.attention,
                                      .radius = pattern.radius, .reg_global = pattern.reg_global,
                                      .backend = backend, .threads = 2};
  if (chronos2_session_open(model, &options, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return session;
}

static record watch(const chronos2_model *model, chronos2_pattern pattern, chronos2_backend backend, const input *in,
                    size_t batch_size) {
  record r = record_open(model);
  chronos2_forecast *f = NULL;
  chronos2_session *session = open_session(model, pattern, backend);
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .batch_size = batch_size};
  chronos2_session_on_attention(session, observe, &r);
  if (chronos2_predict(session, in->series, SERIES, &o, &f) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  chronos2_forecast_free(&f);
  chronos2_session_close(&session);
  return r;
}

/* ---- Every pattern ---------------------------------------------------------------------------- */

/* Whether a token of a row holds an observation, or is REG or future. */
static bool is_live(const input *in, size_t series, size_t row, size_t context, size_t token, size_t patch) {
  const double *values = row_values(in, series, row);
  size_t length = in->series[series].length;
  if (token + 1 >= context) return true;
  for (size_t i = 0; i < patch; i++) {
    size_t from_end = (context - 1 - token) * patch - i;
    if (from_end <= length && !isnan(values[length - from_end])) return true;
  }
  return false;
}

static void check_row(const input *in, const told *t, size_t series, size_t row, size_t query,
                      chronos2_pattern pattern, size_t patch) {
  double sum = 0;
  for (size_t k = 0; k < t->tokens; k++) {
    assert_true(t->live[k] == is_live(in, series, row, t->context, k, patch));
    bool visible = t->live[k] && chronos2_pattern_allows(pattern, t->context, query, k);
    if (!t->masked && !visible && t->weights[k] != 0) {
      fail_msg("%s, radius %g: series %zu, row %zu: query %zu sees key %zu",
               chronos2_attention_name(pattern.attention), pattern.radius, series, row, query, k);
    }
    if (!t->masked && visible) assert_true(t->weights[k] > 0);
    sum += (double)t->weights[k];
  }
  if (!(fabs(sum - 1) < 1e-5)) fail_msg("weights sum to %g", sum);
}

/* Every live query of every row once. */
static size_t check_all(const chronos2_model *model, const record *r, const input *in, chronos2_pattern pattern) {
  const chronos2_config *c = chronos2_model_config(model);
  size_t rows = 0;
  for (size_t i = 0; i < SERIES; i++) {
    size_t context = (in->series[i].length + c->patch - 1) / c->patch + 1;
    size_t tokens = context + (HORIZON + c->patch - 1) / c->patch;
    for (size_t m = 0; m < in->series[i].targets + in->series[i].covariates; m++) {
      for (size_t at = 0; at < r->layers * r->heads * tokens; at++) {
        size_t query = at % tokens;
        const told *t = row_of(r, i, m, at / tokens / r->heads, at / tokens % r->heads, query);
        if (!t->there && is_live(in, i, m, context, query, c->patch)) {
          fail_msg("%s: series %zu, row %zu, query %zu isn't told of", chronos2_attention_name(pattern.attention), i, m,
                   query);
        }
        if (!t->there) continue;
        assert_true(t->context == context && t->tokens == tokens);
        assert_true(t->masked == !is_live(in, i, m, context, query, c->patch));
        check_row(in, t, i, m, query, pattern, c->patch);
        rows++;
      }
    }
  }
  return rows;
}

/* A tolerance of 0 is for the same bytes. */
static void compare(const told *fused, const told *reference, size_t count, double tolerance) {
  if (tolerance == 0) assert_memory_equal(fused, reference, count * sizeof *fused);
  for (size_t i = 0; i < count && tolerance > 0; i++) {
    const told *a = &fused[i];
    const told *b = &reference[i];
    assert_true(a->there == (b->there && !b->masked));
    for (size_t k = 0; a->there && k < a->tokens; k++) {
      if (!(fabs((double)a->weights[k] - (double)b->weights[k]) < tolerance)) {
        fail_msg("key %zu: %g, the reference has %g", k, (double)a->weights[k], (double)b->weights[k]);
      }
    }
  }
}

static void test_patterns(void **state) {
  (void)state;
  static const double radii[] = {0, 2, INFINITY};
  chronos2_model *model = NULL;
  input *in = malloc(sizeof *in);
  assert_non_null(in);
  fill(in);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  size_t count = SERIES * MOST_ROWS * chronos2_model_config(model)->layers * chronos2_model_config(model)->heads *
                 MOST_TOKENS;
  for (int a = CHRONOS2_FULL; a <= CHRONOS2_WINDOWED_FUTURE_NULL; a++) {
    for (size_t k = 0; k < (a == CHRONOS2_FULL ? 1 : 3); k++) {
      chronos2_pattern pattern = {(chronos2_attention)a, radii[k], k == 1};
      record fused = watch(model, pattern, CHRONOS2_FUSED, in, 0);
      record single = watch(model, pattern, CHRONOS2_FUSED, in, 1);
      record reference = watch(model, pattern, CHRONOS2_REFERENCE, in, 0);
      assert_true(check_all(model, &fused, in, pattern) > 250);
      assert_true(check_all(model, &reference, in, pattern) > 300);
      compare(fused.row, single.row, count, test_tolerance(0, 1e-3));
      compare(fused.row, reference.row, count, test_tolerance(1e-5, 1e-3));
      free(fused.row);
      free(single.row);
      free(reference.row);
    }
  }
  chronos2_model_close(&model);
  free(in);
}

/* A raw pass of the same numbers tells the same. */
static void test_forward(void **state) {
  (void)state;
  chronos2_model *model = NULL;
  input *in = malloc(sizeof *in);
  assert_non_null(in);
  fill(in);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  const chronos2_config *c = chronos2_model_config(model);
  chronos2_pattern pattern = {CHRONOS2_WINDOWED_FUTURE_VISIBLE, 1, false};
  record predicted = watch(model, pattern, CHRONOS2_FUSED, in, 0);
  record raw = record_open(model);
  chronos2_session *session = open_session(model, pattern, CHRONOS2_FUSED);
  float context[LONGEST];
  for (size_t t = 0; t < LONGEST; t++) context[t] = (float)in->series[2].target[t];
  chronos2_batch batch = {
      .rows = 1, .length = LONGEST, .context = context, .output_patches = (HORIZON + c->patch - 1) / c->patch};
  float *out = malloc(c->quantiles * c->patch * batch.output_patches * sizeof *out);
  chronos2_session_on_attention(session, observe, &raw);
  assert_int_equal(chronos2_forward(session, &batch, out, NULL, NULL, NULL), CHRONOS2_OK);
  size_t row = c->layers * c->heads * MOST_TOKENS;
  compare(raw.row, predicted.row + 2 * MOST_ROWS * row, row, test_tolerance(0, 1e-3));
  free(out);
  free(raw.row);
  free(predicted.row);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  free(in);
}

/* ---- Rollouts and embeddings ------------------------------------------------------------------ */

enum { STEPS = 96, PATHS = 3 };

typedef struct steps {
  size_t first[STEPS], paths[STEPS][PATHS]; /* rows told of by step, and by path in later passes */
} steps;

static void count(void *user, const chronos2_attention_row *a) {
  steps *s = user;
  double sum = 0;
  for (size_t k = 0; k < a->tokens; k++) sum += (double)a->weights[k];
  if (!(fabs(sum - 1) < 1e-5) || a->series != 0 || a->row != 0 || a->step >= STEPS || a->path >= PATHS) abort();
  if (a->layer + a->head > 0) return;
  s->first[a->step]++;
  s->paths[a->step][a->path]++;
}

/* 2 patches a pass and 5 patches in all: passes begin at steps 0, 2 and 4 patches. */
static void test_rollout(void **state) {
  (void)state;
  const double levels[PATHS] = {0.1, 0.5, 0.9};
  chronos2_model *model = NULL;
  chronos2_forecast *f = NULL;
  input *in = malloc(sizeof *in);
  steps *s = calloc(1, sizeof *s);
  assert_true(in && s);
  fill(in);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  size_t patch = chronos2_model_config(model)->patch;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT,
                                      .device = test_device(CHRONOS2_FUSED), .threads = 1};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 5 * patch, .max_output_patches = 2,
                                .unrolled_quantiles = levels, .unrolled_count = PATHS};
  chronos2_session *session = NULL;
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
  chronos2_session_on_attention(session, count, s);
  assert_int_equal(chronos2_predict(session, &in->series[2], 1, &o, &f), CHRONOS2_OK);
  for (size_t step = 0; step < STEPS; step++) {
    bool begins = step == 0 || step == 2 * patch || step == 4 * patch;
    assert_true((s->first[step] > 0) == begins);
    for (size_t path = 0; path < PATHS; path++) {
      assert_true((s->paths[step][path] > 0) == (begins && (step > 0 || path == 0)));
    }
  }
  chronos2_forecast_free(&f);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  free(in);
  free(s);
}

static void count_series(void *user, const chronos2_attention_row *a) {
  size_t *seen = user;
  if (a->layer + a->head + a->query == 0 || a->query + 1 == a->context) seen[a->series]++;
}

/* Embeddings pad series to the longest of a pass; rows are told of without the padding. */
static void test_embed(void **state) {
  (void)state;
  size_t seen[SERIES] = {0};
  chronos2_model *model = NULL;
  chronos2_embedding *e = NULL;
  input *in = malloc(sizeof *in);
  assert_non_null(in);
  fill(in);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT,
                                      .device = test_device(CHRONOS2_FUSED), .threads = 1};
  chronos2_session *session = NULL;
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
  chronos2_session_on_attention(session, count_series, seen);
  assert_int_equal(chronos2_embed(session, in->series, SERIES, NULL, &e), CHRONOS2_OK);
  for (size_t i = 0; i < SERIES; i++) assert_true(seen[i] > 0);
  chronos2_embedding_free(&e);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  free(in);
}

static void add_up(void *user, const chronos2_attention_row *a) {
  size_t *masked = user;
  double sum = 0;
  for (size_t k = 0; k < a->tokens; k++) sum += (double)a->weights[k];
  if (!(fabs(sum - 1) < 1e-5)) fail_msg("layer %zu, query %zu: weights sum to %g", a->layer, a->query, sum);
  *masked += a->masked;
}

/* Masked queries of a blind head that see nothing look at all tokens alike; of two futures one is told of. */
static void test_blind(void **state) {
  (void)state;
  size_t masked = 0;
  const chronos2_head blind = {0, 0};
  chronos2_model *model = NULL;
  chronos2_forecast *f = NULL;
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  input *in = malloc(sizeof *in);
  assert_non_null(in);
  fill(in);
  assert_int_equal(chronos2_model_open(MODEL, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(model, (chronos2_pattern){CHRONOS2_WINDOWED_FUTURE_NULL, 0, false},
                                           CHRONOS2_REFERENCE);
  assert_int_equal(chronos2_session_set_blind_heads(session, &blind, 1), CHRONOS2_OK);
  chronos2_session_on_attention(session, add_up, &masked);
  if (chronos2_predict(session, in->series, SERIES, &o, &f) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  assert_true(masked > 0);
  chronos2_forecast_free(&f);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  free(in);
}

/* The rule at its edges, and what is no pattern. */
static void test_rule(void **state) {
  (void)state;
  chronos2_pattern p = {CHRONOS2_WINDOWED_FUTURE_GLOBAL, 2, false};
  assert_true(chronos2_pattern_allows(p, 10, 5, 7) && chronos2_pattern_allows(p, 10, 5, 3));
  assert_false(chronos2_pattern_allows(p, 10, 5, 8) || chronos2_pattern_allows(p, 10, 5, 2));
  assert_false(chronos2_pattern_allows(p, 10, 9, 10));
  assert_true(chronos2_pattern_allows(p, 10, 10, 0) && chronos2_pattern_allows(p, 10, 10, 11));
  assert_false(chronos2_pattern_allows(p, 10, 9, 0));
  p.reg_global = true;
  assert_true(chronos2_pattern_allows(p, 10, 9, 0));
  p.attention = CHRONOS2_WINDOWED_FUTURE_VISIBLE;
  assert_true(chronos2_pattern_allows(p, 10, 0, 10));
  p.radius = 1.5;
  assert_false(chronos2_pattern_allows(p, 10, 0, 0));
  p.attention = CHRONOS2_FULL;
  assert_true(chronos2_pattern_allows(p, 10, 0, 9));
  assert_false(chronos2_pattern_allows(p, 0, 0, 0));
  p = (chronos2_pattern){CHRONOS2_WINDOWED_FUTURE_GLOBAL, 2, false}; /* tokens as far as they go are of the future */
  assert_true(chronos2_pattern_allows(p, 10, SIZE_MAX, 0) && chronos2_pattern_allows(p, 10, SIZE_MAX / 2 + 20, 0));
  assert_false(chronos2_pattern_allows(p, 10, 9, SIZE_MAX) || chronos2_pattern_allows(p, 10, 9, SIZE_MAX / 2 + 20));
  assert_false(chronos2_pattern_allows(p, SIZE_MAX, 0, 0)); /* no such context */
  assert_true(chronos2_pattern_allows(p, SIZE_MAX / 2, SIZE_MAX / 2 - 1, SIZE_MAX / 2 - 3));
  assert_false(chronos2_pattern_allows(p, SIZE_MAX / 2, SIZE_MAX / 2 - 1, 0));
  p.attention = CHRONOS2_AUTO;
  assert_false(chronos2_pattern_allows(p, 10, 0, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns), cmocka_unit_test(test_forward),
                                     cmocka_unit_test(test_rollout), cmocka_unit_test(test_embed),
                                     cmocka_unit_test(test_blind), cmocka_unit_test(test_rule)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
