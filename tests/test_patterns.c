/* The patterns of time attention: ranges against the rule on pairs, fused against reference, and the operations that a
 * session counts against sums written down here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <chronos2.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/window.h"

static uint64_t state = 1;

static double uniform(void) {
  state = state * 6364136223846793005U + 1442695040888963407U;
  return (double)(state >> 11) / 9007199254740992.0;
}

static size_t below(size_t n) {
  return (size_t)(uniform() * (double)n);
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static bool in_range(const c2_range *r, uint32_t key) {
  return (key >= r->first && key < r->last) || (key >= r->first2 && key < r->last2);
}

/* Live tokens at random positions: every pair is in the range exactly if the rule allows it, for queries that are live
 * and for those that are masked. */
static void test_ranges(void **unused) {
  (void)unused;
  enum { MOST = 40 };
  size_t allowed = 0;
  for (size_t round = 0; round < 2000; round++) {
    int32_t position[MOST];
    int32_t masked[MOST];
    c2_range range[MOST];
    size_t tokens = 0;
    size_t others = 0;
    for (int32_t p = -(int32_t)below(20); p < 0; p++) {
      if (below(4) > 0) position[tokens++] = p;
      else masked[others++] = p;
    }
    int32_t future = (int32_t)below(8);
    for (int32_t p = 0; p <= future; p++) position[tokens++] = p;
    c2_pattern pattern = {.attention = (chronos2_attention)(CHRONOS2_FULL + below(3)),
                          .radius = below(5) == 0 ? SIZE_MAX : below(24),
                          .reg_global = below(2) == 0};
    for (int live = 0; live < 2; live++) {
      const int32_t *query = live ? position : masked;
      size_t queries = live ? tokens : others;
      c2_window_ranges(&pattern, position, tokens, query, queries, range);
      for (uint32_t q = 0; q < queries; q++) {
        for (uint32_t k = 0; k < tokens; k++) {
          bool rule = c2_window_allows(&pattern, query[q], position[k]);
          assert_int_equal(in_range(&range[q], k), rule);
          allowed += rule;
        }
      }
    }
  }
  assert_true(allowed > 100000);
}

/* The rule, in words: who sees the future, and who sees how far. */
static void test_rule(void **unused) {
  (void)unused;
  c2_pattern visible = {CHRONOS2_WINDOWED_FUTURE_VISIBLE, 2, false};
  c2_pattern blind = {CHRONOS2_WINDOWED_FUTURE_GLOBAL, SIZE_MAX, false};
  assert_true(c2_window_allows(&visible, -9, 1) && c2_window_allows(&visible, 0, 7));
  assert_true(c2_window_allows(&visible, -9, -7) && !c2_window_allows(&visible, -9, -6));
  assert_true(c2_window_allows(&visible, 1, -9) && !c2_window_allows(&visible, 0, -3));
  assert_true(c2_window_allows(&blind, -9, 0) && !c2_window_allows(&blind, -9, 1));
  visible.reg_global = true;
  assert_true(c2_window_allows(&visible, 0, -9) && !c2_window_allows(&visible, -1, -9));
}

/* ---- Backends -------------------------------------------------------------------------------- */

enum { ROWS = 5, LENGTH = 900, PATCHES = 3 };

static chronos2_model *make_model(void) {
  chronos2_model *model = NULL;
  chronos2_config config;
  assert_int_equal(chronos2_config_named("micro", &config), CHRONOS2_OK);
  config.layers = 2; /* small: sanitizers run this too */
  config.heads = 2;
  config.d_model = 48;
  config.d_ff = 96;
  assert_int_equal(chronos2_model_random(&config, 3, NULL, &model), CHRONOS2_OK);
  return model;
}

/* Rows of unequal length with gaps, two of them in a group, one with a known future. */
static chronos2_batch make_batch(void) {
  static float context[ROWS * LENGTH];
  static float future[ROWS * 16 * PATCHES];
  static const int64_t groups[ROWS] = {0, 7, 7, 1, 2};
  for (size_t i = 0; i < ROWS * LENGTH; i++) {
    size_t row = i / LENGTH;
    size_t t = i % LENGTH;
    bool missing = t < 40 * row || (row == 1 && t >= 96 && t < 144);
    context[i] = missing ? NAN : (float)(10 * sin(0.3 * (double)t) + 3 * uniform());
  }
  for (size_t i = 0; i < ROWS * 16 * PATCHES; i++) future[i] = i / (16 * PATCHES) == 2 ? (float)uniform() : NAN;
  return (chronos2_batch){.rows = ROWS,
                          .length = LENGTH,
                          .context = context,
                          .group_ids = groups,
                          .future_length = 16 * PATCHES,
                          .future_covariates = future,
                          .output_patches = PATCHES};
}

static float *run(const chronos2_model *model, const chronos2_session_options *options, const chronos2_batch *batch) {
  chronos2_session *session = NULL;
  const chronos2_config *c = chronos2_model_config(model);
  float *out = malloc(batch->rows * c->quantiles * c->patch * batch->output_patches * sizeof *out);
  assert_non_null(out);
  assert_int_equal(chronos2_session_open(model, options, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_forward(session, batch, out, NULL, NULL, NULL), CHRONOS2_OK);
  chronos2_session_close(&session);
  return out;
}

/* Largest difference over the largest value. */
static double furthest(const float *a, const float *b, size_t n) {
  double most = 0;
  double size = 0;
  for (size_t i = 0; i < n; i++) {
    most = fmax(most, fabs((double)a[i] - (double)b[i]));
    size = fmax(size, fabs((double)b[i]));
  }
  return most / size;
}

static void test_backends(void **unused) {
  (void)unused;
  chronos2_model *model = make_model();
  chronos2_batch batch = make_batch();
  const chronos2_config *c = chronos2_model_config(model);
  size_t n = ROWS * c->quantiles * c->patch * PATCHES;
  const double radii[] = {0, 1, 4, INFINITY};
  float *full = run(model, &(chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT, .threads = 2}, &batch);
  for (int attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL; attention <= CHRONOS2_WINDOWED_FUTURE_VISIBLE; attention++) {
    for (size_t i = 0; i < 8; i++) {
      chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = (chronos2_attention)attention,
                                          .radius = radii[i / 2], .reg_global = i % 2, .threads = 2};
      float *fused = run(model, &options, &batch);
      options.backend = CHRONOS2_REFERENCE;
      float *reference = run(model, &options, &batch);
      double between = furthest(fused, reference, n);
      double from_full = furthest(fused, full, n);
      bool whole = attention == CHRONOS2_WINDOWED_FUTURE_VISIBLE && isinf(radii[i / 2]);
      if (!(between < 2e-5) || (whole ? !(from_full < 2e-5) : !(from_full > 1e-3))) {
        fail_msg("pattern %d, radius %g: %g between backends, %g from full", attention, radii[i / 2], between,
                 from_full);
      }
      free(fused);
      free(reference);
    }
  }
  free(full);
  chronos2_model_close(&model);
}

/* ---- Observed attention ---------------------------------------------------------------------- */

enum { TOKENS = (LENGTH + 15) / 16 + 1 + PATCHES };

/* Weights of every row of attention, and which were reported. */
typedef struct observed {
  size_t layers, heads;
  float *weights; /* [layers][ROWS][heads][TOKENS][TOKENS] */
  bool *there;    /* [layers][ROWS][heads][TOKENS] */
  bool *masked;   /* likewise */
} observed;

static void keep(void *user, const chronos2_attention_row *row) {
  observed *o = user;
  size_t at = ((row->layer * ROWS + row->row) * o->heads + row->head) * TOKENS + row->query;
  assert_int_equal(row->tokens, TOKENS);
  assert_int_equal(row->context, TOKENS - PATCHES);
  assert_false(o->there[at]);
  o->there[at] = true;
  o->masked[at] = row->masked;
  memcpy(o->weights + at * TOKENS, row->weights, TOKENS * sizeof *o->weights);
}

static observed observe(const chronos2_model *model, const chronos2_session_options *options,
                        const chronos2_batch *batch) {
  const chronos2_config *c = chronos2_model_config(model);
  chronos2_session *session = NULL;
  size_t queries = c->layers * ROWS * c->heads * TOKENS;
  observed o = {c->layers, c->heads, calloc(queries * TOKENS, sizeof *o.weights), calloc(queries, sizeof *o.there),
                calloc(queries, sizeof *o.masked)};
  float *out = malloc(batch->rows * c->quantiles * c->patch * batch->output_patches * sizeof *out);
  assert_true(out && o.weights && o.there && o.masked);
  assert_int_equal(chronos2_session_open(model, options, &session), CHRONOS2_OK);
  chronos2_session_on_attention(session, keep, &o);
  assert_int_equal(chronos2_forward(session, batch, out, NULL, NULL, NULL), CHRONOS2_OK);
  chronos2_session_close(&session);
  free(out);
  return o;
}

static void observed_free(observed *o) {
  free(o->weights);
  free(o->there);
  free(o->masked);
}

/* A live query's weights sum to 1, are 0 where the pattern hides the key, and are the reference's. */
static void compare_observed(const observed *fused, const observed *reference, const c2_pattern *pattern) {
  size_t compared = 0;
  for (size_t i = 0; i < fused->layers * ROWS * fused->heads * TOKENS; i++) {
    int64_t query = (int64_t)(i % TOKENS) - (TOKENS - PATCHES - 1);
    assert_true(reference->there[i]);
    assert_true(fused->there[i] == !reference->masked[i]);
    if (!fused->there[i]) continue;
    double sum = 0;
    for (size_t k = 0; k < TOKENS; k++) {
      double weight = (double)fused->weights[i * TOKENS + k];
      bool allowed = c2_window_allows(pattern, query, (int64_t)k - (TOKENS - PATCHES - 1));
      if (!allowed) assert_true(weight == 0);
      if (!(fabs(weight - (double)reference->weights[i * TOKENS + k]) < 1e-5)) {
        fail_msg("pattern %d, radius %zu, query %d, key %zu: %g, expected %g", (int)pattern->attention, pattern->radius,
                 (int)query, k, weight, (double)reference->weights[i * TOKENS + k]);
      }
      sum += weight;
    }
    assert_true(fabs(sum - 1) < 1e-5);
    compared++;
  }
  assert_true(compared > 100);
}

/* Ragged rows with gaps, every pattern: the fused backend reports what the reference does. */
static void test_observer(void **unused) {
  (void)unused;
  chronos2_model *model = make_model();
  chronos2_batch batch = make_batch();
  const double radii[] = {0, 1, 2, 5, INFINITY};
  for (int attention = CHRONOS2_FULL; attention <= CHRONOS2_WINDOWED_FUTURE_VISIBLE; attention++) {
    for (size_t i = 0; i < (attention == CHRONOS2_FULL ? 1 : 10); i++) {
      double radius = radii[i / 2];
      chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = (chronos2_attention)attention,
                                          .radius = radius, .reg_global = i % 2, .threads = 2};
      c2_pattern pattern = {options.attention, isinf(radius) ? SIZE_MAX : (size_t)radius, options.reg_global};
      observed fused = observe(model, &options, &batch);
      options.backend = CHRONOS2_REFERENCE;
      observed reference = observe(model, &options, &batch);
      compare_observed(&fused, &reference, &pattern);
      observed_free(&fused);
      observed_free(&reference);
    }
  }
  chronos2_model_close(&model);
}

static void count_call(void *user, const chronos2_attention_row *row) {
  (void)row;
  ++*(size_t *)user;
}

/* Contexts that are encoded apart have no whole rows to report: refused, whichever of both calls is observed. */
static void test_observed_contexts(void **unused) {
  (void)unused;
  double values[64];
  size_t calls = 0;
  chronos2_model *model = make_model();
  chronos2_session *session = NULL;
  chronos2_context *context = NULL;
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 5};
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                      .radius = 2, .threads = 1};
  for (size_t i = 0; i < 64; i++) values[i] = sin((double)i);
  chronos2_series series = {.length = 64, .targets = 1, .target = values};
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
  chronos2_session_on_attention(session, count_call, &calls);
  assert_int_equal(chronos2_context_open(session, &series, 1, NULL, &context), CHRONOS2_ERROR_UNSUPPORTED);
  assert_non_null(strstr(chronos2_last_error(), "can't be observed"));
  chronos2_session_on_attention(session, NULL, NULL);
  assert_int_equal(chronos2_context_open(session, &series, 1, NULL, &context), CHRONOS2_OK);
  chronos2_session_on_attention(session, count_call, &calls);
  assert_int_equal(chronos2_context_predict(session, context, &series, 1, &how, &forecast),
                   CHRONOS2_ERROR_UNSUPPORTED);
  assert_non_null(strstr(chronos2_last_error(), "can't be observed"));
  assert_int_equal(calls, 0);
  chronos2_context_close(&context);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static chronos2_work work_of(const chronos2_model *model, chronos2_attention attention, double radius,
                             const chronos2_batch *batch) {
  chronos2_session *session = NULL;
  const chronos2_config *c = chronos2_model_config(model);
  float *out = malloc(batch->rows * c->quantiles * c->patch * batch->output_patches * sizeof *out);
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = attention, .radius = radius,
                                      .threads = 1};
  assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_forward(session, batch, out, NULL, NULL, NULL), CHRONOS2_OK);
  chronos2_session_reset_work(session);
  assert_int_equal(chronos2_forward(session, batch, out, NULL, NULL, NULL), CHRONOS2_OK);
  chronos2_work work = chronos2_session_work(session);
  chronos2_session_close(&session);
  free(out);
  return work;
}

/* Two rows without gaps, alone or in one group: N context patches, REG, F future ones each. */
static void test_work(void **unused) {
  (void)unused;
  enum { N = 10, F = 2, S = N + 1 + F, B = 2 };
  static float context[B * N * 16];
  static const int64_t alone[B] = {0, 1};
  static const int64_t together[B] = {4, 4};
  chronos2_model *model = make_model();
  const chronos2_config *c = chronos2_model_config(model);
  double d = (double)c->d_model;
  double inner = (double)(c->heads * c->d_kv);
  double f = (double)c->d_ff;
  double out = (double)(c->quantiles * c->patch);
  chronos2_batch batch = {.rows = B, .length = N * 16, .context = context, .group_ids = alone, .output_patches = F};
  for (size_t i = 0; i < B * N * 16; i++) context[i] = (float)uniform();
  chronos2_work full = work_of(model, CHRONOS2_FULL, 0, &batch);
  assert_true(full.embed == B * (S - 1) * 2 * (48 * f + f * d + 48 * d));
  assert_true(full.time_projection == B * (S * 8 * d * inner + (S * 4 + F * 4) * d * inner)); /* two layers */
  assert_true(full.time_attention == B * (S * S + F * S) * 4 * inner);
  assert_true(full.group_attention == B * (S + F) * 2 * d * d);
  assert_true(full.feed_forward == B * (S + F) * 4 * d * f);
  assert_true(full.head == B * F * 2 * (d * f + f * out + d * out));
  chronos2_work narrow = work_of(model, CHRONOS2_WINDOWED_FUTURE_GLOBAL, 1, &batch);
  assert_true(narrow.time_attention == B * ((3 * (N + 1) - 2) + 2 * F * S) * 4 * inner);
  assert_true(narrow.time_projection == full.time_projection && narrow.feed_forward == full.feed_forward);
  chronos2_work visible = work_of(model, CHRONOS2_WINDOWED_FUTURE_VISIBLE, 1, &batch);
  assert_true(visible.time_attention == B * ((3 * (N + 1) - 2) + (N + 1) * F + 2 * F * S) * 4 * inner);
  batch.group_ids = together;
  chronos2_work group = work_of(model, CHRONOS2_FULL, 0, &batch);
  assert_true(group.group_attention == (S + F) * (B * 8 * d * inner + B * B * 4 * inner));
  chronos2_model_close(&model);
}

/* An embedding has no head, and its last layer goes on with all tokens; a blind head there saves something, too. */
static void test_work_of_embeddings(void **unused) {
  (void)unused;
  enum { LONG = 160, N = LONG / 16 };
  double target[LONG];
  chronos2_model *model = make_model();
  const chronos2_config *c = chronos2_model_config(model);
  const chronos2_head head = {c->layers - 1, 1};
  chronos2_series series = {.length = LONG, .targets = 1, .target = target};
  double d = (double)c->d_model;
  double inner = (double)(c->heads * c->d_kv);
  double f = (double)c->d_ff;
  double layers = (double)c->layers;
  chronos2_session *session = NULL;
  chronos2_work work[2];
  double tokens = 0;
  for (size_t i = 0; i < LONG; i++) target[i] = uniform();
  assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
  for (size_t i = 0; i < 2; i++) {
    chronos2_embedding *e = NULL;
    chronos2_session_reset_work(session);
    assert_int_equal(chronos2_session_set_blind_heads(session, &head, i), CHRONOS2_OK);
    assert_int_equal(chronos2_embed(session, &series, 1, NULL, &e), CHRONOS2_OK);
    work[i] = chronos2_session_work(session);
    tokens = (double)chronos2_embedding_tokens(e, 0);
    chronos2_embedding_free(&e);
  }
  assert_true(work[0].embed == (tokens - 1) * 2 * (48 * f + f * d + 48 * d));
  assert_true(work[0].time_projection == layers * tokens * 8 * d * inner);
  assert_true(work[0].time_attention == layers * tokens * tokens * 4 * inner);
  assert_true(work[0].group_attention == layers * tokens * 2 * d * d);
  assert_true(work[0].feed_forward == layers * tokens * 4 * d * f);
  assert_true(work[0].head == 0);
  assert_true(work[0].time_attention - work[1].time_attention ==
              (N + 1) * (tokens - N - 1) * 4 * (double)c->d_kv);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges), cmocka_unit_test(test_rule),
                                     cmocka_unit_test(test_backends), cmocka_unit_test(test_work),
                                     cmocka_unit_test(test_work_of_embeddings),
                                     cmocka_unit_test(test_observer), cmocka_unit_test(test_observed_contexts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
