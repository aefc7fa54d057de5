/* The forward pass: MODEL.md over packed live tokens. Between two barriers everything is local to
 * a token, so one task carries a block of tokens through several layers of arithmetic in its own
 * scratch; only time attention (a row and a head a task) and group attention mix tokens.
 *
 * Shapes: T tokens, D d_model, I heads * d_kv, F d_ff, P patch, Q quantiles. */
#include <math.h>
#include <string.h>

#include "engine/cpu/attention.h"
#include "engine/cpu/session.h"
#include "engine/cpu/kv_cache.h"
#include "engine/cpu/pack.h"
#include "engine/layout.h"

/* Tokens a task carries: a few tiles, scratch in the second-level cache; at least what reading a matrix is worth. */
enum { BLOCK = 112, LEAST_BLOCK = 8 };

typedef struct worker_scratch {
  float *normed;  /* [BLOCK][D] */
  float *hidden;  /* [BLOCK][F] */
  float *wide;    /* [BLOCK][max(3P, QP)] */
  float *operand; /* [BLOCK][max(D, I, F)] left operand of a bf16 or int8 product; at most four bytes an element */
  float *scale;   /* [BLOCK] its scales */
  c2_attend_scratch attend;
  float *weights; /* [S] one observed row of attention */
  bool *live;     /* [S] its keys that are there */
} worker_scratch;

typedef struct pass {
  c2_engine *engine;
  const c2_kernels *kernels;
  c2_pool *pool;
  const chronos2_config *config;
  const c2_packed *w;
  const c2_batch *batch;
  const c2_result *result;
  c2_layout layout;
  c2_rope rope;
  size_t inner;                                                /* I */
  size_t s_model, s_qkv, s_inner, s_hidden, s_wide, s_operand; /* strides */
  float *x;                                                    /* [T][D] hidden states */
  float *qkv;                                                  /* [T][3I] */
  float *mixed;                                                /* [T][I] attention's output */
  float *xf;     /* [Tf][D] hidden states of future tokens, after the last time attention; decode: x */
  float *qf;     /* [Tf][3I] */
  float *mixedf; /* [Tf][I] */
  worker_scratch *worker;
  size_t block; /* tokens of a task */
  size_t layer;
  bool narrow;             /* last layer: queries of future tokens only, unless all are observed */
  c2_cpu_kv *fill;         /* prefill: gets keys and values */
  const c2_cpu_kv *past;   /* decode: gives them; only future tokens are computed */
  /* the token set that the layer's tail runs on */
  float *tail_x, *tail_qkv, *tail_mixed;
  size_t tail_tokens, tail_grouped;
  const c2_cells *tail_cells;
  size_t cell_chunk;
} pass;

/* A stride of at least n columns in whole panels that does not map rows to few cache sets. */
static size_t stride_of(size_t n) {
  size_t stride = c2_round_up(n, C2_PANEL);
  return stride % 128 == 0 ? stride + 16 : stride;
}

/* Rows a [rows][matrix's depth] by columns first.. of a matrix. `columns` counts from its first one. */
static void multiply(const pass *p, const worker_scratch *s, const float *a, size_t a_stride, const c2_matrix *matrix,
                     float *c, size_t c_stride, size_t rows, size_t first, size_t columns, const float *bias, bool relu,
                     bool accumulate) {
  const c2_kernels *k = p->kernels;
  c2_gemm g = {.a = matrix->dtype == CHRONOS2_FP32 ? a : s->operand,
               .a_stride = matrix->dtype == CHRONOS2_FP32 ? a_stride : p->s_operand,
               .b = matrix->panels,
               .b_stride = matrix->stride,
               .depth = matrix->depth,
               .c = c,
               .c_stride = c_stride,
               .bias = bias,
               .relu = relu,
               .accumulate = accumulate,
               .a_scale = s->scale,
               .b_scale = matrix->scale,
               .b_shift = matrix->shift};
  size_t first_panel = first / C2_PANEL;
  size_t last_panel = (columns + C2_PANEL - 1) / C2_PANEL;
  switch (matrix->dtype) {
    case CHRONOS2_FP32: k->gemm(&g, rows, first_panel, last_panel); break;
    case CHRONOS2_BF16:
      k->round_bf16(s->operand, p->s_operand, a, a_stride, matrix->depth, rows);
      k->gemm_bf16(&g, rows, first_panel, last_panel);
      break;
    case CHRONOS2_INT8:
      k->quantize(s->operand, p->s_operand, s->scale, a, a_stride, matrix->depth, rows);
      k->gemm_int8(&g, rows, first_panel, last_panel);
      break;
  }
}

static void norm(const pass *p, float *out, const float *x, const float *weight, size_t rows) {
  p->kernels->rms_norm(out, p->s_model, x, p->s_model, weight, p->config->d_model, rows,
                               (float)p->config->layer_norm_epsilon);
}

/* ---- Embedding -------------------------------------------------------------------------------- */

static void features_of(const pass *p, uint32_t token, float *features) {
  const chronos2_config *c = p->config;
  uint32_t r = p->layout.row_of[token];
  const c2_row *row = &p->batch->row[r];
  int32_t position = p->layout.position[token];
  ptrdiff_t patch = (ptrdiff_t)c->patch;
  if (position < 0) {
    ptrdiff_t length = (ptrdiff_t)row->length;
    ptrdiff_t begin = length - (ptrdiff_t)c2_min_size(row->length, p->batch->context_limit);
    c2_patch_features(features, &p->layout.scaler[r], row->context, begin, length, length + position * patch, c->patch,
                      (double)(position * patch), c->time_encoding_scale);
  } else {
    ptrdiff_t first = (position - 1) * patch;
    size_t known = p->batch->null_future ? 0 : row->future_length;
    c2_patch_features(features, &p->layout.scaler[r], row->future, 0, (ptrdiff_t)known, first, c->patch, (double)first,
                      c->time_encoding_scale);
  }
}

/* Token of the i-th future token. */
static size_t future_token(const pass *p, size_t i) {
  size_t patches = p->batch->output_patches;
  return p->layout.row_first[i / patches + 1] - patches + i % patches;
}

static void embed_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  const chronos2_config *c = p->config;
  worker_scratch *s = &p->worker[worker];
  size_t first = task * p->block;
  size_t rows = c2_min_size(p->block, p->layout.tokens - first);
  const c2_packed_residual *e = &p->w->embed;
  size_t in = 3 * c->patch;
  float *x = p->x + first * p->s_model;
  for (size_t i = 0; i < rows; i++) {
    if (p->layout.position[first + i] == 0) {
      memset(s->wide + i * p->s_wide, 0, in * sizeof(float)); /* REG, set below */
    } else {
      features_of(p, (uint32_t)(first + i), s->wide + i * p->s_wide);
    }
  }
  multiply(p, s, s->wide, p->s_wide, &e->hidden, s->hidden, p->s_hidden, rows, 0, c->d_ff, e->hidden_bias, true, false);
  multiply(p, s, s->wide, p->s_wide, &e->residual, x, p->s_model, rows, 0, c->d_model, e->bias, false, false);
  multiply(p, s, s->hidden, p->s_hidden, &e->output, x, p->s_model, rows, 0, c->d_model, NULL, false, true);
  for (size_t i = 0; i < rows; i++) {
    if (p->layout.position[first + i] == 0) memcpy(x + i * p->s_model, p->w->reg, c->d_model * sizeof(float));
  }
}

/* ---- Time attention --------------------------------------------------------------------------- */

static void project_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  worker_scratch *s = &p->worker[worker];
  size_t first = task * p->block;
  size_t rows = c2_min_size(p->block, p->layout.tokens - first);
  norm(p, s->normed, p->x + first * p->s_model, p->w->layer[p->layer].time_norm, rows);
  multiply(p, s, s->normed, p->s_model, &p->w->layer[p->layer].time_qkv, p->qkv + first * p->s_qkv, p->s_qkv,
           rows, p->narrow ? p->inner : 0, 3 * p->inner, NULL, false, false);
}

/* Last layer: gathers the future tokens' hidden states, and computes their queries (narrow) or gathers
 * what attention made of them (not narrow). */
static void gather_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  worker_scratch *s = &p->worker[worker];
  size_t first = task * p->block;
  size_t rows = c2_min_size(p->block, p->layout.future_tokens - first);
  for (size_t i = 0; i < rows; i++) {
    size_t token = future_token(p, first + i);
    memcpy(p->xf + (first + i) * p->s_model, p->x + token * p->s_model, p->config->d_model * sizeof(float));
    if (!p->narrow)
      memcpy(p->mixedf + (first + i) * p->s_inner, p->mixed + token * p->s_inner, p->inner * sizeof(float));
  }
  if (!p->narrow) return;
  norm(p, s->normed, p->xf + first * p->s_model, p->w->layer[p->layer].time_norm, rows);
  multiply(p, s, s->normed, p->s_model, &p->w->layer[p->layer].time_qkv, p->qf + first * p->s_qkv, p->s_qkv,
           rows, 0, p->inner, NULL, false, false);
}

/* What time attention of a row and head works on. */
static c2_attend attention_of(const pass *p, size_t row, size_t head) {
  const c2_layout *l = &p->layout;
  uint32_t first = l->row_first[row];
  uint32_t end = l->row_first[row + 1];
  size_t patches = p->batch->output_patches;
  bool last = p->narrow;
  size_t at = head * p->config->d_kv;
  bool blind = l->blinded && p->engine->blind[p->layer * p->config->heads + head];
  return (c2_attend){.kernels = p->kernels,
                     .head = p->config->d_kv,
                     .q = (last ? p->qf : p->qkv) + at,
                     .k = p->qkv + p->inner + at,
                     .v = p->qkv + 2 * p->inner + at,
                     .out = (last ? p->mixedf : p->mixed) + at,
                     .q_stride = p->s_qkv,
                     .kv_stride = p->s_qkv,
                     .out_stride = p->s_inner,
                     .q_row = l->identity + (last ? row * patches : first),
                     .k_row = l->identity + first,
                     .queries = last ? patches : end - first,
                     .keys = end - first,
                     .range = (blind ? l->blind_range : l->range) + (last ? end - patches : first),
                     .rope = &p->rope,
                     .q_position = l->rotation + (last ? end - patches : first),
                     .k_position = l->rotation + first};
}

static void fill_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  size_t row = task / p->config->heads;
  size_t head = task % p->config->heads;
  size_t slot = p->batch->row[row].slot;
  c2_attend a = attention_of(p, row, head);
  a.keys = p->fill->tokens[slot]; /* without the null future, which comes last */
  (void)worker;
  c2_panels to = c2_kv_at(p->fill, p->layer, slot, head);
  c2_attend_pack(&a, (float *)(uintptr_t)to.keys, (float *)(uintptr_t)to.values);
}

/* ---- Time attention, observed ----------------------------------------------------------------- */

typedef struct observed {
  const pass *pass;
  worker_scratch *scratch;
  size_t row, head;
} observed;

/* Hands one row of weights over live keys to the observer, spread over all tokens of the row. */
static void observe(void *user, size_t query, const float *weights, size_t keys) {
  const observed *o = user;
  const pass *p = o->pass;
  const c2_row *r = &p->batch->row[o->row];
  const int32_t *position = p->layout.position + p->layout.row_first[o->row];
  size_t context = c2_row_patches(r, p->config->patch, p->batch->context_limit);
  size_t tokens = context + 1 + p->batch->output_patches;
  memset(o->scratch->weights, 0, tokens * sizeof(float));
  memset(o->scratch->live, 0, tokens * sizeof(bool));
  for (size_t i = 0; i < keys; i++) {
    size_t token = (size_t)((int64_t)context + position[i]);
    o->scratch->weights[token] = weights[i];
    o->scratch->live[token] = true;
  }
  chronos2_attention_row row = {.series = r->series,
                                .row = r->member,
                                .path = r->path,
                                .step = p->batch->first_step,
                                .layer = p->layer,
                                .head = o->head,
                                .query = (size_t)((int64_t)context + position[query]),
                                .tokens = tokens,
                                .context = context + 1,
                                .masked = false,
                                .weights = o->scratch->weights,
                                .live = o->scratch->live};
  p->engine->observer(p->engine->observer_user, &row);
}

static void time_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  size_t row = task / p->config->heads;
  size_t head = task % p->config->heads;
  observed o = {p, &p->worker[worker], row, head};
  c2_attend a = attention_of(p, row, head);
  if (p->engine->observer) {
    a.observe = observe;
    a.user = &o;
  }
  if (p->past) { /* future queries: they see everything */
    a.prefix = c2_kv_at(p->past, p->layer, p->batch->row[row].slot % p->past->rows, head);
    a.range = NULL;
  }
  c2_attend_run(&a, &p->worker[worker].attend);
}

/* ---- The layer's tail: output projection, group attention, feed-forward ------------------------- */

/* Rows [first, first + rows) of the tail's tokens for a task; blocks don't straddle `tail_grouped`. */
static size_t tail_blocks(const pass *p, size_t tokens) {
  return (tokens + p->block - 1) / p->block;
}

static void tail_block(const pass *p, size_t task, size_t *first, size_t *rows) {
  size_t grouped = tail_blocks(p, p->tail_grouped);
  *first = task < grouped ? task * p->block : p->tail_grouped + (task - grouped) * p->block;
  size_t end = task < grouped ? p->tail_grouped : p->tail_tokens;
  *rows = c2_min_size(p->block, end - *first);
}

static void feed_forward(const pass *p, worker_scratch *s, float *x, size_t rows) {
  const chronos2_config *c = p->config;
  const c2_packed_layer *w = &p->w->layer[p->layer];
  norm(p, s->normed, x, p->w->layer[p->layer].ffn_norm, rows);
  multiply(p, s, s->normed, p->s_model, &w->wi, s->hidden, p->s_hidden, rows, 0, c->d_ff, NULL, true, false);
  multiply(p, s, s->hidden, p->s_hidden, &w->wo, x, p->s_model, rows, 0, c->d_model, NULL, false, true);
}

/* x += W_o mixed; then for groups of one the whole rest of the layer: their group attention is
 * softmax over one key, so W_o W_v norm(x), one matrix. For the others q, k and v of group attention. */
static void tail_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  worker_scratch *s = &p->worker[worker];
  const c2_packed_layer *w = &p->w->layer[p->layer];
  size_t d = p->config->d_model;
  size_t first = 0;
  size_t rows = 0;
  tail_block(p, task, &first, &rows);
  float *x = p->tail_x + first * p->s_model;
  multiply(p, s, p->tail_mixed + first * p->s_inner, p->s_inner, &w->time_o, x, p->s_model, rows, 0, d, NULL, false,
           true);
  norm(p, s->normed, x, p->w->layer[p->layer].group_norm, rows);
  if (first < p->tail_grouped) {
    multiply(p, s, s->normed, p->s_model, &w->group_qkv, p->tail_qkv + first * p->s_qkv, p->s_qkv, rows, 0,
             3 * p->inner, NULL, false, false);
    return;
  }
  multiply(p, s, s->normed, p->s_model, &w->group_ov, x, p->s_model, rows, 0, d, NULL, false, true);
  feed_forward(p, s, x, rows);
}

static void group_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  const c2_cells *cells = p->tail_cells;
  size_t end = c2_min_size(cells->count, (task + 1) * p->cell_chunk);
  for (size_t cell = task * p->cell_chunk; cell < end; cell++) {
    size_t members = cells->first[cell + 1] - cells->first[cell];
    const uint32_t *member = cells->member + cells->first[cell];
    for (size_t h = 0; h < p->config->heads; h++) {
      size_t at = h * p->config->d_kv;
      c2_attend a = {.kernels = p->kernels,
                     .head = p->config->d_kv,
                     .q = p->tail_qkv + at,
                     .k = p->tail_qkv + p->inner + at,
                     .v = p->tail_qkv + 2 * p->inner + at,
                     .out = p->tail_mixed + at,
                     .q_stride = p->s_qkv,
                     .kv_stride = p->s_qkv,
                     .out_stride = p->s_inner,
                     .q_row = member,
                     .k_row = member,
                     .queries = members,
                     .keys = members};
      c2_attend_run(&a, &p->worker[worker].attend);
    }
  }
}

static void group_tail_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  worker_scratch *s = &p->worker[worker];
  size_t first = 0;
  size_t rows = 0;
  tail_block(p, task, &first, &rows);
  float *x = p->tail_x + first * p->s_model;
  multiply(p, s, p->tail_mixed + first * p->s_inner, p->s_inner, &p->w->layer[p->layer].group_o, x, p->s_model,
           rows, 0, p->config->d_model, NULL, false, true);
  feed_forward(p, s, x, rows);
}

static void run_tail(pass *p) {
  c2_pool *pool = p->pool;
  size_t grouped = tail_blocks(p, p->tail_grouped);
  c2_pool_run(pool, grouped + tail_blocks(p, p->tail_tokens - p->tail_grouped), tail_task, p);
  if (grouped == 0) return;
  p->cell_chunk = 1 + p->tail_cells->count / (8 * c2_pool_threads(pool));
  c2_pool_run(pool, (p->tail_cells->count + p->cell_chunk - 1) / p->cell_chunk, group_task, p);
  c2_pool_run(pool, grouped, group_tail_task, p);
}

/* ---- Output ----------------------------------------------------------------------------------- */

static void head_task(void *context, size_t task, size_t worker) {
  pass *p = context;
  const chronos2_config *c = p->config;
  worker_scratch *s = &p->worker[worker];
  const c2_packed_residual *h = &p->w->head;
  size_t first = task * p->block;
  size_t rows = c2_min_size(p->block, p->layout.future_tokens - first);
  size_t out = c->quantiles * c->patch;
  size_t patches = p->batch->output_patches;
  norm(p, s->normed, p->xf + first * p->s_model, p->w->final_norm, rows);
  multiply(p, s, s->normed, p->s_model, &h->hidden, s->hidden, p->s_hidden, rows, 0, c->d_ff, h->hidden_bias, true,
           false);
  multiply(p, s, s->normed, p->s_model, &h->residual, s->wide, p->s_wide, rows, 0, out, h->bias, false, false);
  multiply(p, s, s->hidden, p->s_hidden, &h->output, s->wide, p->s_wide, rows, 0, out, NULL, false, true);
  for (size_t i = 0; i < rows; i++) {
    size_t r = (first + i) / patches;
    size_t step = (first + i) % patches * c->patch;
    double *to = p->batch->row[r].quantiles;
    const float *from = s->wide + i * p->s_wide;
    for (size_t q = 0; to && q < c->quantiles; q++) {
      for (size_t j = 0; j < c->patch && step + j < p->result->steps; j++) {
        to[q * p->result->stride + step + j] = c2_scaler_invert(&p->layout.scaler[r], (double)from[q * c->patch + j]);
      }
    }
  }
}

/* ---- The pass --------------------------------------------------------------------------------- */

static void carve(pass *p, c2_arena *arena) {
  const chronos2_config *c = p->config;
  c2_layout *l = &p->layout;
  size_t threads = c2_pool_threads(p->pool);
  bool observing = p->engine->observer != NULL;
  size_t longest = p->past ? l->deepest + 1 + p->batch->output_patches : l->longest;
  size_t keys = c2_max_size(longest, p->batch->grouped);
  c2_layout_carve(l, arena);
  c2_rope_carve(&p->rope, arena, c->d_kv, 0, (int32_t)(l->deepest + p->batch->output_patches));
  p->x = C2_CARVE(arena, float, l->tokens * p->s_model);
  p->qkv = C2_CARVE(arena, float, l->tokens * p->s_qkv);
  p->mixed = C2_CARVE(arena, float, l->tokens * p->s_inner);
  size_t future = p->past ? 0 : l->future_tokens; /* decoding, they are all there is */
  p->xf = p->past ? p->x : C2_CARVE(arena, float, future * p->s_model);
  p->qf = C2_CARVE(arena, float, future * p->s_qkv);
  p->mixedf = C2_CARVE(arena, float, future * p->s_inner);
  p->worker = C2_CARVE(arena, worker_scratch, threads);
  for (size_t i = 0; i < threads; i++) {
    worker_scratch s = {0};
    s.normed = C2_CARVE(arena, float, p->block * p->s_model);
    s.hidden = C2_CARVE(arena, float, p->block * p->s_hidden);
    s.wide = C2_CARVE(arena, float, p->block * p->s_wide);
    s.operand = C2_CARVE(arena, float, p->engine->model->dtype == CHRONOS2_FP32 ? 0 : p->block * p->s_operand);
    s.scale = C2_CARVE(arena, float, p->block);
    s.weights = C2_CARVE(arena, float, observing ? l->deepest + 1 + p->batch->output_patches : 0);
    s.live = C2_CARVE(arena, bool, observing ? l->deepest + 1 + p->batch->output_patches : 0);
    c2_attend_carve(&s.attend, arena, keys, c->d_kv, observing);
    if (arena->base && !arena->failed) p->worker[i] = s;
  }
}

/* Blocks as large as the cache takes, equal, and as many as every thread gets the same number of. */
static size_t block_of(size_t tokens, size_t threads) {
  size_t blocks = c2_round_up((tokens + BLOCK - 1) / BLOCK, threads);
  return c2_max_size(LEAST_BLOCK, (tokens + blocks - 1) / blocks);
}

static void run_future_tail(pass *p) {
  p->tail_x = p->xf;
  p->tail_qkv = p->qf;
  p->tail_mixed = p->mixedf;
  p->tail_tokens = p->layout.future_tokens;
  p->tail_grouped = p->layout.grouped_future;
  p->tail_cells = &p->layout.future;
  run_tail(p);
}

static void run_layer(pass *p) {
  c2_pool *pool = p->pool;
  const c2_layout *l = &p->layout;
  bool last = p->layer + 1 == p->config->layers && !(p->result && p->result->hidden) && !p->past;
  p->narrow = last && !p->engine->observer;
  c2_pool_run(pool, (l->tokens + p->block - 1) / p->block, project_task, p);
  if (p->fill) c2_pool_run(pool, l->rows * p->config->heads, fill_task, p);
  if (p->fill && last) return;
  size_t gathers = last ? (l->future_tokens + p->block - 1) / p->block : 0;
  if (p->narrow) c2_pool_run(pool, gathers, gather_task, p);
  c2_pool_run(pool, l->rows * p->config->heads, time_task, p);
  if (!p->narrow) c2_pool_run(pool, gathers, gather_task, p);
  if (last) {
    run_future_tail(p);
    return;
  }
  p->tail_x = p->x;
  p->tail_qkv = p->qkv;
  p->tail_mixed = p->mixed;
  p->tail_tokens = l->tokens;
  p->tail_grouped = l->grouped_tokens;
  p->tail_cells = &l->all;
  run_tail(p);
}

/* Sizes. */
static c2_status measure(pass *p, size_t *bytes, c2_error *err) {
  const chronos2_config *c = p->config;
  c2_arena plan = {0};
  if (!p->w) C2_FAIL(err, C2_ERR_ARGUMENT, "the model was opened without packing");
  p->inner = c->heads * c->d_kv;
  p->s_model = stride_of(c->d_model);
  p->s_qkv = stride_of(3 * p->inner);
  p->s_inner = stride_of(p->inner);
  p->s_hidden = stride_of(c->d_ff);
  p->s_wide = stride_of(c2_max_size(3 * c->patch, c->quantiles * c->patch));
  p->s_operand = stride_of(c2_max_size(c2_max_size(c->d_model, p->inner), c->d_ff));
  C2_TRY(c2_layout_count(&p->layout, c, p->batch, p->past != NULL, err));
  p->layout.blinded = p->engine->blind != NULL;
  p->block = block_of(p->layout.tokens, c2_pool_threads(p->pool));
  carve(p, &plan);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the workspace of %zu tokens overflows", p->layout.tokens);
  *bytes = plan.used;
  return C2_OK;
}

/* Workspace and token plan. */
static c2_status begin(pass *p, c2_error *err) {
  const chronos2_config *c = p->config;
  c2_block *workspace = &c2_cpu_of(p->engine)->workspace;
  size_t bytes = 0;
  C2_TRY(measure(p, &bytes, err));
  C2_TRY(c2_engine_reserve(p->engine, workspace, bytes, err));
  c2_arena arena = {.base = workspace->base, .size = workspace->size};
  carve(p, &arena);
  c2_layout_fill(&p->layout, c, p->batch, &p->engine->pattern);
  c2_rope_fill(&p->rope, c->rope_theta, c->d_kv, 0, (int32_t)(p->layout.deepest + p->batch->output_patches));
  return C2_OK;
}

/* Every token is live: a row's tokens are those of the padded row. */
static void write_hidden(const pass *p) {
  const chronos2_config *c = p->config;
  const c2_layout *l = &p->layout;
  size_t tokens = l->deepest + 1 + p->batch->output_patches;
  for (size_t r = 0; r < l->rows; r++) {
    float *to = p->result->hidden + p->batch->row[r].slot * tokens * c->d_model;
    p->kernels->rms_norm(to, c->d_model, p->x + l->row_first[r] * p->s_model, p->s_model, p->w->final_norm,
                                 c->d_model, tokens, (float)c->layer_norm_epsilon);
  }
}

static void finish(pass *p) {
  const c2_result *result = p->result;
  if (result->hidden) {
    write_hidden(p);
  } else if (result->steps > 0) {
    c2_pool_run(p->pool, (p->layout.future_tokens + p->block - 1) / p->block, head_task, p);
  }
  for (size_t r = 0; r < p->batch->rows; r++) {
    if (result->loc) result->loc[p->batch->row[r].slot] = p->layout.scaler[r].loc;
    if (result->scale) result->scale[p->batch->row[r].slot] = p->layout.scaler[r].scale;
  }
}

static pass pass_of(c2_engine *engine, const c2_batch *batch, const c2_result *result) {
  const c2_cpu *cpu = c2_cpu_of(engine);
  return (pass){.engine = engine,
                .kernels = cpu->kernels,
                .pool = cpu->pool,
                .config = &engine->model->config,
                .w = engine->model->prepared.weights,
                .batch = batch,
                .result = result};
}

static void run(pass *p) {
  c2_pool_run(p->pool, (p->layout.tokens + p->block - 1) / p->block, embed_task, p);
  for (p->layer = 0; p->layer < p->config->layers; p->layer++) run_layer(p);
}

c2_status c2_cpu_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, size_t *bytes,
                      c2_error *err) {
  pass p = pass_of(engine, batch, result);
  return measure(&p, bytes, err);
}

c2_status c2_cpu_pass(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  pass p = pass_of(engine, batch, result);
  C2_TRY(begin(&p, err));
  c2_layout_work(&p.layout, p.config, batch->output_patches, engine->blind, &engine->work);
  run(&p);
  finish(&p);
  return C2_OK;
}

/* ---- Prefill and decode ------------------------------------------------------------------------ */

static c2_status refuse_observer(const c2_engine *engine, c2_error *err) {
  if (engine->observer) C2_FAIL(err, C2_ERR_UNSUPPORTED, "attention over an encoded context can't be observed");
  return C2_OK;
}

c2_status c2_cpu_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err) {
  c2_batch contexts = *batch;
  contexts.null_future = true;
  if (engine->pattern.attention == CHRONOS2_WINDOWED_FUTURE_GLOBAL) contexts.output_patches = 0; /* nobody sees them */
  pass p = pass_of(engine, &contexts, NULL);
  C2_TRY(refuse_observer(engine, err));
  C2_TRY(begin(&p, err));
  C2_TRY(c2_kv_open(&p.fill, &p.layout, p.config, &contexts, err));
  *cache = &p.fill->base;
  run(&p);
  return C2_OK;
}

c2_status c2_cpu_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                        c2_error *err) {
  pass p = pass_of(engine, batch, result);
  p.past = (const c2_cpu_kv *)cache;
  C2_TRY(refuse_observer(engine, err));
  for (size_t r = 0; r < batch->rows; r++) {
    if (p.past->tokens[batch->row[r].slot % p.past->rows] != c2_context_tokens(&batch->row[r], p.config, batch)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "the contexts are not those that were encoded");
    }
  }
  C2_TRY(begin(&p, err));
  run(&p);
  finish(&p);
  return C2_OK;
}
