/* Encodes contexts, and checks that a forecast fits an encoding. */
#include "forecast/context.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "forecast/request.h"
#include "forecast/rollout.h"
#include "model/patterns.h"
#include "series/column.h"

/* ---- Pasts ------------------------------------------------------------------------------------ */

static chronos2_column past_of(const chronos2_series *s, size_t row) {
  return row < s->targets ? c2_target_column(s, row) : c2_past_column(&s->covariate[row - s->targets]);
}

/* Adds values as the model tells them apart: whatever their type and place, and all missing ones alike. */
static void add_values(c2_hash *h, const chronos2_column *column, size_t first, size_t end) {
  double value[256];
  for (size_t count = 0; first < end; first += count) {
    count = c2_min_size(end - first, sizeof value / sizeof *value);
    c2_column_read(column, first, count, value);
    for (size_t i = 0; i < count; i++) value[i] = isnan(value[i]) ? (double)NAN : value[i] + 0; /* -0 is 0 */
    c2_hash_add(h, value, count * sizeof *value);
  }
}

/* The digest of what is encoded of a series. */
static uint64_t digest_of(const c2_request *r, const chronos2_series *s) {
  size_t length = c2_min_size(s->length, r->context_limit);
  const uint64_t shape[] = {s->targets, s->covariates, length};
  c2_hash h;
  c2_hash_begin(&h);
  c2_hash_add(&h, shape, sizeof shape);
  for (size_t i = 0; i < c2_rows_of(s); i++) {
    chronos2_column column = past_of(s, i);
    add_values(&h, &column, s->length - length, s->length);
  }
  return c2_hash_end(&h);
}

/* Whether two series have one past in one place, as those of several futures mostly have. */
static bool same_place(const chronos2_series *a, const chronos2_series *b) {
  if (a->length != b->length || a->targets != b->targets || a->covariates != b->covariates) return false;
  for (size_t i = 0; i < c2_rows_of(a); i++) {
    chronos2_column x = past_of(a, i);
    chronos2_column y = past_of(b, i);
    if (x.values != y.values || x.stride != y.stride || x.validity != y.validity ||
        x.validity_offset != y.validity_offset || x.type != y.type) {
      return false;
    }
  }
  return true;
}

c2_status c2_context_check(const chronos2_context *x, const c2_request *r, c2_error *err) {
  for (size_t i = 0; i < r->count; i++) {
    if (i >= x->count && same_place(&r->series[i - x->count], &r->series[i])) continue;
    if (digest_of(r, &r->series[i]) == x->past[i % x->count]) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: its past is not the one that was encoded", c2_request_index(r, i));
  }
  return C2_OK;
}

/* ---- Encoding --------------------------------------------------------------------------------- */

static c2_status encode_pass(chronos2_session *s, const c2_request *request, const c2_pass *p, size_t horizon,
                             c2_kv_cache **cache, c2_error *err) {
  const c2_rollout how = {.max_output_patches = request->max_output_patches};
  c2_pass_rows rows = {0};
  size_t before = s->engine.held;
  c2_status status = c2_pass_rows_open(&rows, &s->engine, request, p, err);
  if (status == C2_OK) {
    c2_batch batch = {.row = rows.row,
                      .rows = p->rows,
                      .context_limit = request->context_limit,
                      .output_patches = c2_rollout_patches(&how, request->config, horizon)};
    c2_batch_sort(&batch);
    status = c2_prefill(&s->engine, &batch, cache, err);
  }
  c2_pass_rows_close(&rows);
  s->engine.held = before;
  if (*cache) c2_engine_hold(&s->engine, (*cache)->bytes);
  return status;
}

static c2_status encode_all(chronos2_context *x, chronos2_session *s, const c2_request *request, c2_error *err) {
  size_t left_out = request->asked - request->count;
  C2_TRY(c2_alloc_array(request->count, sizeof *x->past, &x->past, err));
  for (size_t i = 0; i < request->count; i++) x->past[i] = digest_of(request, &request->series[i]);
  if (left_out > 0) C2_TRY(c2_session_progress(s, left_out, request->asked, err));
  for (size_t from = 0; from < request->count;) {
    c2_pass p = c2_request_pass(request, from, 1, C2_PASS_TOKENS); /* the cut must not depend on the horizon */
    C2_TRY(c2_grow_array(&x->pass, &x->room, x->passes + 1, sizeof *x->pass, err));
    c2_encoded_pass *pass = &x->pass[x->passes++];
    *pass = (c2_encoded_pass){.end = p.to};
    C2_TRY(encode_pass(s, request, &p, c2_min_size(x->horizon, CHRONOS2_MOST_STEPS), &pass->cache, err));
    from = p.to;
    C2_TRY(c2_session_progress(s, left_out + from, request->asked, err));
  }
  return C2_OK;
}

bool c2_context_pattern(c2_pattern asked, bool automatic, c2_pattern *out) {
  bool full = asked.attention == CHRONOS2_FULL;
  bool sees = full || asked.attention == CHRONOS2_WINDOWED_FUTURE_VISIBLE;
  *out = asked;
  if (sees && automatic) {
    *out = (c2_pattern){CHRONOS2_WINDOWED_FUTURE_NULL, full ? SIZE_MAX : asked.radius, asked.reg_global};
  }
  return !sees || automatic;
}

static c2_status choose_pattern(chronos2_context *x, const chronos2_session *s,
                                const chronos2_predict_options *options, c2_error *err) {
  bool able = s->engine.backend->prefill != NULL;
  if (!c2_context_pattern(s->pattern, s->automatic, &x->pattern) || !able) {
    C2_FAIL(err, C2_ERR_ARGUMENT,
            "scenarios need windowed_future_global or windowed_future_null attention on the fused backend, found %s: "
            "elsewhere a context sees the known future",
            able ? c2_attention_name(x->pattern.attention) : "the reference backend");
  }
  bool null = x->pattern.attention == CHRONOS2_WINDOWED_FUTURE_NULL;
  if (null && (options->horizon < 1 || options->horizon > CHRONOS2_MOST_STEPS)) {
    C2_FAIL(err, C2_ERR_ARGUMENT,
            "horizon: windowed_future_null needs the longest one that will be asked for, 1 to 2^20 steps");
  }
  return C2_OK;
}

static c2_status keep_blind(chronos2_context *x, const chronos2_session *s, c2_error *err) {
  size_t heads = s->model->config.layers * s->model->config.heads;
  if (!s->blind) return C2_OK;
  C2_TRY(c2_alloc_array(heads, sizeof *x->blind, &x->blind, err));
  memcpy(x->blind, s->blind, heads * sizeof *x->blind);
  return C2_OK;
}

c2_status c2_context_encode(chronos2_context *x, chronos2_session *s, const chronos2_series *series, size_t count,
                            const chronos2_predict_options *options, c2_error *err) {
  c2_request request = {0};
  C2_TRY(choose_pattern(x, s, options, err));
  x->model = s->model;
  x->isa = s->engine.isa;
  x->encoding.asked = count;
  x->options = *options;
  x->options.unrolled_quantiles = NULL; /* the caller's; each forecast brings its own */
  x->options.limit_prediction_length = false;
  x->horizon = x->pattern.attention == CHRONOS2_WINDOWED_FUTURE_NULL ? options->horizon : SIZE_MAX;
  C2_TRY(keep_blind(x, s, err));
  if (options->on_error == CHRONOS2_ON_ERROR_SKIP) {
    C2_TRY(c2_alloc_array(count, sizeof *x->encoding.fault, &x->encoding.fault, err));
  }
  s->engine.pattern = x->pattern;
  c2_status status = c2_request_open(&request, s, series, count, &x->options, 0, NULL, x->encoding.fault, err);
  x->count = request.count;
  if (status == C2_OK) status = encode_all(x, s, &request, err);
  c2_request_close(&request);
  s->engine.held = 0;
  return status;
}

void c2_context_free(chronos2_context *x) {
  for (size_t i = 0; i < x->passes; i++) c2_kv_cache_free(&x->pass[i].cache);
  free(x->pass);
  free(x->past);
  free(x->blind);
  c2_faults_free(x->encoding.fault, x->encoding.asked);
  memset(x, 0, sizeof *x);
}

/* ---- Use -------------------------------------------------------------------------------------- */

size_t c2_context_bytes(const chronos2_context *x) {
  size_t bytes = 0;
  for (size_t i = 0; i < x->passes; i++) bytes += x->pass[i].cache->bytes;
  return bytes;
}

c2_status c2_context_options(const chronos2_context *x, const chronos2_session *s, size_t count,
                             const chronos2_predict_options *asked, chronos2_predict_options *options, c2_error *err) {
  c2_pattern p;
  (void)c2_context_pattern(s->pattern, s->automatic, &p);
  if (s->model != x->model || strcmp(s->engine.isa, x->isa) != 0 || !s->engine.backend->decode ||
      p.attention != x->pattern.attention || p.radius != x->pattern.radius || p.reg_global != x->pattern.reg_global) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "session: expected the model, instruction set, attention and radius of the encoding");
  }
  size_t asked_for = x->encoding.asked;
  if (asked_for == 0 ? count != 0 : count == 0 || count % asked_for != 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series: %zu were encoded, found %zu: expected them once or several times over",
            asked_for, count);
  }
  if (asked->horizon > x->horizon) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "horizon: the context was encoded for at most %zu steps, found %zu", x->horizon,
            asked->horizon);
  }
  *options = *asked;
  options->context_length = x->options.context_length;
  options->extend_context = x->options.extend_context;
  options->max_output_patches = x->options.max_output_patches;
  options->cross_learning = x->options.cross_learning;
  return C2_OK;
}
