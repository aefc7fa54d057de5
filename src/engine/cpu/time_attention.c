/* Time attention of a layer: a row and a head a task. */
#include <string.h>

#include "engine/cpu/encoder.h"
#include "engine/observe.h"

/* q, k and v; of a narrow layer only k and v. */
static void project_task(void *context, size_t task, size_t worker) {
  const c2_encoder *e = context;
  c2_span s = c2_span_of(e, &e->all, task, worker);
  c2_norm(&s, s.x, s.w->time_norm);
  c2_linear_columns(&s, s.qkv, s.normed, &s.w->time_qkv, e->narrow ? e->inner : 0, 3 * e->inner, C2_SET);
}

/* Token of the i-th future token. */
static size_t future_token(const c2_encoder *e, size_t i) {
  size_t patches = e->batch->output_patches;
  return e->layout.row_first[i / patches + 1] - patches + i % patches;
}

/* Last layer: gathers the future tokens' hidden states, and computes their queries (narrow) or gathers what attention
 * made of them (not narrow). */
static void gather_task(void *context, size_t task, size_t worker) {
  const c2_encoder *e = context;
  c2_span s = c2_span_of(e, &e->future, task, worker);
  for (size_t i = 0; i < s.rows; i++) {
    size_t token = future_token(e, s.first + i);
    memcpy(s.x.at + i * s.x.stride, e->all.x.at + token * e->all.x.stride, e->config->d_model * sizeof(float));
    if (e->narrow) continue;
    memcpy(s.mixed.at + i * s.mixed.stride, e->all.mixed.at + token * e->all.mixed.stride, e->inner * sizeof(float));
  }
  if (!e->narrow) return;
  c2_norm(&s, s.x, s.w->time_norm);
  c2_linear_columns(&s, s.qkv, s.normed, &s.w->time_qkv, 0, e->inner, C2_SET);
}

/* What time attention of a row and head works on. */
static c2_attend attention_of(const c2_encoder *e, size_t row, size_t head) {
  const c2_layout *l = &e->layout;
  uint32_t first = l->row_first[row];
  uint32_t end = l->row_first[row + 1];
  size_t patches = e->batch->output_patches;
  size_t at = head * e->config->d_kv;
  size_t query = e->narrow ? end - patches : first; /* the first one */
  bool blind = l->blinded && e->engine->blind[e->layer * e->config->heads + head];
  const c2_tokens *queries = e->narrow ? &e->future : &e->all;
  return (c2_attend){.kernels = e->kernels,
                     .head = e->config->d_kv,
                     .q = queries->qkv.at + at,
                     .k = e->all.qkv.at + e->inner + at,
                     .v = e->all.qkv.at + 2 * e->inner + at,
                     .out = queries->mixed.at + at,
                     .q_stride = queries->qkv.stride,
                     .kv_stride = e->all.qkv.stride,
                     .out_stride = queries->mixed.stride,
                     .q_row = l->identity + (e->narrow ? row * patches : first),
                     .k_row = l->identity + first,
                     .queries = end - query,
                     .keys = l->live[row],
                     .range = (blind ? l->blind_range : l->range) + query,
                     .rope = &e->rope,
                     .q_position = l->rotation + query,
                     .k_position = l->rotation + first};
}

/* Prefill: keys and values for later. */
static void fill_task(void *context, size_t task, size_t worker) {
  const c2_encoder *e = context;
  size_t row = task / e->config->heads;
  size_t head = task % e->config->heads;
  size_t slot = e->batch->row[row].slot;
  c2_panels to = c2_kv_at(e->fill, e->layer, slot, head);
  c2_attend a = attention_of(e, row, head);
  a.keys = to.count; /* without the null future, which comes last */
  c2_attend_pack(&a, &to, &e->worker[worker].attend);
}

/* ---- Observed --------------------------------------------------------------------------------- */

static void observe(void *user, size_t query, const float *weights, size_t keys) {
  c2_observe(user, query, weights, keys);
}

static void attend_task(void *context, size_t task, size_t worker) {
  const c2_encoder *e = context;
  size_t row = task / e->config->heads;
  size_t head = task % e->config->heads;
  c2_attend a = attention_of(e, row, head);
  c2_observed o = {.engine = e->engine,
                   .batch = e->batch,
                   .layout = &e->layout,
                   .range = a.range,
                   .row = row,
                   .layer = e->layer,
                   .head = head,
                   .prefill = e->fill != NULL,
                   .decode = e->past != NULL,
                   .weights = e->worker[worker].weights,
                   .live = e->worker[worker].live};
  if (e->engine->observing) {
    a.observe = observe;
    a.user = &o;
  }
  if (e->past) { /* future queries: they see everything */
    a.prefix = c2_kv_at(e->past, e->layer, e->batch->row[row].slot % e->past->rows, head);
    a.range = NULL;
  }
  c2_attend_run(&a, &e->worker[worker].attend);
  if (e->layout.padded) c2_spread_evenly(e, &a, row);
}

/* After the last layer's time attention only future tokens go on, unless everyone's hidden states are wanted. */
void c2_run_time_attention(c2_encoder *e) {
  size_t heads = e->layout.rows * e->config->heads;
  bool last = e->layer + 1 == e->config->layers && !(e->result && e->result->hidden) && !e->past;
  size_t gathers = last ? c2_spans(e, e->future.count) : 0;
  e->tail = last ? &e->future : &e->all;
  e->narrow = last && !e->engine->observing;
  c2_pool_run(e->pool, c2_spans(e, e->all.count), project_task, e);
  if (e->fill) c2_pool_run(e->pool, heads, fill_task, e);
  if (e->fill && last && !e->engine->observing) return;
  if (e->narrow) c2_pool_run(e->pool, gathers, gather_task, e);
  c2_pool_run(e->pool, heads, attend_task, e);
  if (e->fill && last) return;
  if (!e->narrow) c2_pool_run(e->pool, gathers, gather_task, e);
}
