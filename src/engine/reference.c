/* The forward pass as MODEL.md has it: padded rows, masks, plain loops, sums in double. Slow on
 * purpose; every fast path is compared with it.
 *
 * Shapes: B rows, S tokens, D d_model, I heads * d_kv, F d_ff, P patch, Q quantiles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/backend.h"
#include "engine/cpu/level.h"
#include "engine/window.h"
#include "model/open.h"
#include "model/reading.h"
#include "series/normalize.h"

typedef struct session {
  c2_pool *pool;      /* that reads the tensors */
  c2_raw raw;         /* loaded when it first runs, unless the model holds it */
  c2_block workspace; /* grows to what the largest batch needed */
} session;

typedef struct pass {
  c2_engine *engine;
  const chronos2_config *c;
  const c2_weights *w;
  const float *const *values;    /* by tensor */
  const c2_batch *batch;
  size_t b, s, context, patches; /* B, S, context patches, output patches; REG is token `context` */
  size_t null;                   /* tokens of the null future, which stand before the future: `patches` or 0 */
  const c2_row **row;            /* [B] by slot */
  c2_scaler *scaler;             /* [B] */
  float *mask;                   /* [B][S] 1 = live */
  float *x;                      /* [B][S][D] */
  float *normed;                 /* [B][S][D] */
  float *q, *k, *v, *mixed;      /* [B][S][I] */
  float *hidden;                 /* [F] */
  float *wide;                   /* [max(3P, QP)] */
  float *wide_out;               /* [max(D, QP)] */
  double *weights;               /* [max(B, S)] */
  float *observed;               /* [S] */
  bool *live;                    /* [S] with observed: the key token holds an observation */
} pass;

static const float *of(const pass *p, const c2_expected *tensor) {
  return p->values[tensor->index];
}

/* y = W x + b, W [out][in]; y may not alias x. */
static void linear(float *y, const float *w, const float *bias, const float *x, size_t in, size_t out) {
  for (size_t i = 0; i < out; i++) {
    double sum = bias ? (double)bias[i] : 0;
    for (size_t j = 0; j < in; j++) sum += (double)w[i * in + j] * (double)x[j];
    y[i] = (float)sum;
  }
}

static void rms_norm(const pass *p, float *out, const float *x, const float *weight) {
  double sum = 0;
  for (size_t j = 0; j < p->c->d_model; j++) sum += (double)x[j] * (double)x[j];
  double scale = 1 / sqrt(sum / (double)p->c->d_model + p->c->layer_norm_epsilon);
  for (size_t j = 0; j < p->c->d_model; j++) out[j] = (float)((double)weight[j] * (double)x[j] * scale);
}

/* y = W_out relu(W_hidden x + b) + b_out + W_res x + b_res. */
static void residual_block(const pass *p, float *y, const c2_residual_weights *r, const float *x, size_t in,
                           size_t out) {
  linear(p->hidden, of(p, r->hidden), of(p, r->hidden_bias), x, in, p->c->d_ff);
  for (size_t j = 0; j < p->c->d_ff; j++) p->hidden[j] = p->hidden[j] > 0 ? p->hidden[j] : 0;
  linear(y, of(p, r->output), of(p, r->output_bias), p->hidden, p->c->d_ff, out);
  linear(p->wide_out, of(p, r->residual), of(p, r->residual_bias), x, in, out);
  for (size_t j = 0; j < out; j++) y[j] += p->wide_out[j];
}

/* ---- Tokens ----------------------------------------------------------------------------------- */

/* Where a token stands along the row: the future begins where the null future does. */
static size_t place_of(const pass *p, size_t token) {
  return token > p->context + p->null ? token - p->null : token;
}

/* Whether a query of time attention may see a key: the pattern's rule, in which the context's future is the null one,
 * and each of the two futures sees itself and the context. */
static bool sees(const pass *p, const c2_pattern *pattern, size_t query, size_t key) {
  if (p->null > 0) {
    bool real = key > p->context + p->null;
    bool future = query > p->context;
    if (real && query <= p->context + p->null) return false;
    if (future && key > p->context && real != (query > p->context + p->null)) return false;
  }
  return c2_window_allows(pattern, (int64_t)place_of(p, query) - (int64_t)p->context,
                          (int64_t)place_of(p, key) - (int64_t)p->context);
}

static void embed_row(pass *p, size_t b) {
  const chronos2_config *c = p->c;
  const c2_row *row = p->row[b];
  size_t length = c2_min_size(row->length, p->batch->context_limit);
  size_t patch = c->patch;
  p->scaler[b] = c2_scaler_fit(row->context ? row->context + (row->length - length) : NULL, length, c->use_arcsinh);
  for (size_t t = 0; t < p->s; t++) {
    float *x = p->x + (b * p->s + t) * c->d_model;
    float *mask = &p->mask[b * p->s + t];
    *mask = 1;
    if (t == p->context) {
      memcpy(x, of(p, p->w->shared) + c->d_model, c->d_model * sizeof *x);
      continue;
    }
    bool unknown = t > p->context && t <= p->context + p->null;
    ptrdiff_t step = ((ptrdiff_t)place_of(p, t) - (ptrdiff_t)p->context - (t > p->context)) * (ptrdiff_t)patch;
    ptrdiff_t end = (ptrdiff_t)row->length;
    if (t < p->context) {
      c2_patch_features(p->wide, &p->scaler[b], row->context, end - (ptrdiff_t)length, end, end + step, patch,
                        (double)step, c->time_encoding_scale);
      float observed = 0;
      for (size_t i = 0; i < patch; i++) observed += p->wide[2 * patch + i];
      *mask = observed > 0 ? 1 : 0;
    } else {
      c2_patch_features(p->wide, &p->scaler[b], row->future, 0, unknown ? 0 : (ptrdiff_t)row->future_length, step,
                        patch, (double)step, c->time_encoding_scale);
    }
    residual_block(p, x, &p->w->embed, p->wide, 3 * patch, c->d_model);
  }
}

/* ---- Attention -------------------------------------------------------------------------------- */

static void rotate(const pass *p, float *x, size_t token) {
  size_t half = p->c->d_kv / 2;
  for (size_t h = 0; h < p->c->heads; h++, x += p->c->d_kv) {
    for (size_t j = 0; j < half; j++) {
      float frequency = 1.0f / powf((float)p->c->rope_theta, (float)(2 * j) / (float)p->c->d_kv);
      double angle = (double)((float)token * frequency); /* rounded as upstream's */
      double a = (double)x[j];
      double b = (double)x[j + half];
      x[j] = (float)(a * cos(angle) - b * sin(angle));
      x[j + half] = (float)(b * cos(angle) + a * sin(angle));
    }
  }
}

static void project(pass *p, const c2_attention_weights *a, bool rope) {
  size_t d = p->c->d_model;
  size_t inner = p->c->heads * p->c->d_kv;
  for (size_t t = 0; t < p->b * p->s; t++) {
    float *normed = p->normed + t * d;
    rms_norm(p, normed, p->x + t * d, of(p, a->norm));
    linear(p->q + t * inner, of(p, a->q), NULL, normed, d, inner);
    linear(p->k + t * inner, of(p, a->k), NULL, normed, d, inner);
    linear(p->v + t * inner, of(p, a->v), NULL, normed, d, inner);
    if (rope) rotate(p, p->q + t * inner, place_of(p, t % p->s));
    if (rope) rotate(p, p->k + t * inner, place_of(p, t % p->s));
  }
}

static void project_back(pass *p, const c2_attention_weights *a) {
  size_t d = p->c->d_model;
  for (size_t t = 0; t < p->b * p->s; t++) {
    linear(p->normed + t * d, of(p, a->o), NULL, p->mixed + t * p->c->heads * p->c->d_kv, p->c->heads * p->c->d_kv, d);
    for (size_t j = 0; j < d; j++) p->x[t * d + j] += p->normed[t * d + j];
  }
}

/* softmax over scores where allowed (a score of -infinity is not); uniform if nothing is, as adding
 * the lowest float to every score makes it upstream. */
static void softmax(double *scores, size_t n) {
  double top = -INFINITY;
  for (size_t i = 0; i < n; i++) top = scores[i] > top ? scores[i] : top;
  double sum = 0;
  for (size_t i = 0; i < n; i++) {
    scores[i] = top == -INFINITY ? 1 : exp(scores[i] - top);
    sum += scores[i];
  }
  for (size_t i = 0; i < n; i++) scores[i] /= sum;
}

static double dot(const float *a, const float *b, size_t n) {
  double sum = 0;
  for (size_t j = 0; j < n; j++) sum += (double)a[j] * (double)b[j];
  return sum;
}

/* mixed[query] = sum over n keys of weights * v, keys `stride` tokens apart from `first`. */
static void mix(pass *p, size_t query, size_t head, size_t first, size_t stride, size_t n) {
  size_t inner = p->c->heads * p->c->d_kv;
  for (size_t j = head * p->c->d_kv; j < (head + 1) * p->c->d_kv; j++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += p->weights[i] * (double)p->v[(first + i * stride) * inner + j];
    p->mixed[query * inner + j] = (float)sum;
  }
}

/* A row over the tokens of its own series, without padding to the longest, and over one future, the one that the query
 * sees; the null future's own rows aren't told of. A masked query may see nothing, and then all keys alike. */
static void observe(pass *p, size_t layer, size_t b, size_t head, size_t query) {
  chronos2_attention_fn observer = p->engine->observer;
  const c2_row *r = p->row[b];
  size_t context = c2_row_patches(r, p->c->patch, p->batch->context_limit);
  size_t padding = p->context - context;
  bool real = query > p->context + p->null;
  if (!observer || (!real && query > p->context) || query < padding) return;
  size_t tokens = context + 1 + p->patches;
  size_t other = p->context + 1 + (real ? 0 : p->null); /* the first token of the future that isn't told of */
  double outside = 0;
  for (size_t i = 0; i < padding; i++) outside += p->weights[i];
  for (size_t i = 0; i < p->null; i++) outside += p->weights[other + i];
  for (size_t i = 0; i < tokens; i++) {
    size_t key = padding + i + (real && i > context ? p->null : 0);
    p->observed[i] = (float)(outside > 0 ? p->weights[key] / (1 - outside) : p->weights[key]);
    p->live[i] = p->mask[b * p->s + key] > 0;
  }
  chronos2_attention_row row = {.series = p->engine->first_series + r->series,
                                .row = r->member,
                                .path = r->path,
                                .step = p->batch->first_step,
                                .layer = layer,
                                .head = head,
                                .query = place_of(p, query) - padding,
                                .tokens = tokens,
                                .context = context + 1,
                                .masked = p->mask[b * p->s + query] == 0,
                                .weights = p->observed,
                                .live = p->live};
  observer(p->engine->observer_user, &row);
}

static void time_attention(pass *p, size_t layer) {
  size_t inner = p->c->heads * p->c->d_kv;
  project(p, &p->w->layer[layer].time, true);
  for (size_t b = 0; b < p->b; b++) {
    for (size_t h = 0; h < p->c->heads; h++) {
      bool blind = p->engine->blind && p->engine->blind[layer * p->c->heads + h];
      c2_pattern pattern = blind ? c2_pattern_blinded(&p->engine->pattern) : p->engine->pattern;
      for (size_t q = 0; q < p->s; q++) {
        size_t at = h * p->c->d_kv;
        const float *query = p->q + (b * p->s + q) * inner + at;
        for (size_t k = 0; k < p->s; k++) {
          bool allowed = p->mask[b * p->s + k] > 0 && sees(p, &pattern, q, k);
          p->weights[k] = allowed ? dot(query, p->k + (b * p->s + k) * inner + at, p->c->d_kv) : -INFINITY;
        }
        softmax(p->weights, p->s);
        if (p->engine->observing) observe(p, layer, b, h, q);
        mix(p, b * p->s + q, h, b * p->s, 1, p->s);
      }
    }
  }
  project_back(p, &p->w->layer[layer].time);
}

static void group_attention(pass *p, size_t layer) {
  size_t inner = p->c->heads * p->c->d_kv;
  project(p, &p->w->layer[layer].group, false);
  for (size_t t = 0; t < p->s; t++) {
    for (size_t h = 0; h < p->c->heads; h++) {
      for (size_t q = 0; q < p->b; q++) {
        size_t at = h * p->c->d_kv;
        for (size_t k = 0; k < p->b; k++) {
          bool allowed = p->mask[k * p->s + t] > 0 && p->row[k]->group == p->row[q]->group;
          p->weights[k] = allowed
                              ? dot(p->q + (q * p->s + t) * inner + at, p->k + (k * p->s + t) * inner + at, p->c->d_kv)
                              : -INFINITY;
        }
        softmax(p->weights, p->b);
        mix(p, q * p->s + t, h, t, p->s, p->b);
      }
    }
  }
  project_back(p, &p->w->layer[layer].group);
}

static void feed_forward(pass *p, size_t layer) {
  const c2_layer_weights *w = &p->w->layer[layer];
  size_t d = p->c->d_model;
  for (size_t t = 0; t < p->b * p->s; t++) {
    float *normed = p->normed + t * d;
    rms_norm(p, normed, p->x + t * d, of(p, w->ffn_norm));
    linear(p->hidden, of(p, w->wi), NULL, normed, d, p->c->d_ff);
    for (size_t j = 0; j < p->c->d_ff; j++) p->hidden[j] = p->hidden[j] > 0 ? p->hidden[j] : 0;
    linear(normed, of(p, w->wo), NULL, p->hidden, p->c->d_ff, d);
    for (size_t j = 0; j < d; j++) p->x[t * d + j] += normed[j];
  }
}

/* ---- The pass --------------------------------------------------------------------------------- */

static void head(pass *p, size_t b, const c2_result *result) {
  const chronos2_config *c = p->c;
  double *to = p->row[b]->quantiles;
  for (size_t t = 0; to && t * c->patch < result->steps; t++) {
    const float *x = p->x + (b * p->s + p->context + 1 + p->null + t) * c->d_model;
    rms_norm(p, p->normed, x, of(p, p->w->final_norm));
    residual_block(p, p->wide, &p->w->head, p->normed, c->d_model, c->quantiles * c->patch);
    for (size_t q = 0; q < c->quantiles; q++) {
      for (size_t j = 0; j < c->patch && t * c->patch + j < result->steps; j++) {
        to[q * result->stride + t * c->patch + j] = c2_scaler_invert(&p->scaler[b], (double)p->wide[q * c->patch + j]);
      }
    }
  }
  for (size_t t = 0; result->hidden && t < p->s; t++) {
    size_t at = (b * p->s + t) * c->d_model;
    rms_norm(p, result->hidden + at, p->x + at, of(p, p->w->final_norm));
  }
  if (result->loc) result->loc[b] = p->scaler[b].loc;
  if (result->scale) result->scale[b] = p->scaler[b].scale;
}

static void carve(pass *p, c2_arena *arena) {
  size_t tokens = p->b * p->s;
  size_t d = p->c->d_model;
  size_t inner = p->c->heads * p->c->d_kv;
  size_t wide = c2_max_size(3 * p->c->patch, p->c->quantiles * p->c->patch);
  p->row = C2_CARVE(arena, const c2_row *, p->b);
  p->scaler = C2_CARVE(arena, c2_scaler, p->b);
  p->mask = C2_CARVE(arena, float, tokens);
  p->x = C2_CARVE(arena, float, tokens *d);
  p->normed = C2_CARVE(arena, float, tokens *d);
  p->q = C2_CARVE(arena, float, tokens *inner);
  p->k = C2_CARVE(arena, float, tokens *inner);
  p->v = C2_CARVE(arena, float, tokens *inner);
  p->mixed = C2_CARVE(arena, float, tokens *inner);
  p->hidden = C2_CARVE(arena, float, p->c->d_ff);
  p->wide = C2_CARVE(arena, float, wide);
  p->wide_out = C2_CARVE(arena, float, c2_max_size(wide, d));
  p->weights = C2_CARVE(arena, double, c2_max_size(p->b, p->s));
  p->observed = C2_CARVE(arena, float, p->s);
  p->live = C2_CARVE(arena, bool, p->s);
}

/* Sizes of a pass. */
static pass pass_of(c2_engine *engine, const c2_batch *batch, const c2_result *result) {
  pass p = {.engine = engine,
            .c = &engine->model->config,
            .w = &engine->model->weights,
            .batch = batch,
            .b = batch->rows,
            .patches = batch->output_patches};
  for (size_t r = 0; r < batch->rows; r++) {
    p.context = c2_max_size(p.context, c2_row_patches(&batch->row[r], p.c->patch, batch->context_limit));
  }
  bool beside = engine->pattern.attention == CHRONOS2_WINDOWED_FUTURE_NULL && !result->hidden;
  p.null = beside ? p.patches : 0;
  p.s = p.context + 1 + p.null + p.patches;
  return p;
}

static c2_status measure(pass *p, size_t *bytes, c2_error *err) {
  c2_arena plan = {0};
  carve(p, &plan);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the workspace of %zu rows of %zu tokens overflows", p->b, p->s);
  *bytes = plan.used;
  return C2_OK;
}

static c2_status reference_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need,
                                c2_error *err) {
  pass p = pass_of(engine, batch, result);
  C2_TRY(measure(&p, &need->workspace, err));
  need->workspace = c2_block_size(need->workspace);
  if (!engine->model->raw.values) c2_sum_up(&need->workspace, c2_raw_bytes(engine->model), 1);
  return C2_OK;
}

static c2_status reference_forward(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  session *reference = engine->state;
  const c2_raw *raw = engine->model->raw.values ? &engine->model->raw : &reference->raw;
  if (!raw->values) C2_TRY(c2_raw_load(engine->model, reference->pool, &reference->raw, err));
  pass p = pass_of(engine, batch, result);
  size_t bytes = 0;
  p.values = raw->values;
  C2_TRY(measure(&p, &bytes, err));
  C2_TRY(c2_engine_reserve(engine, &reference->workspace, bytes, err));
  engine->workspace = reference->workspace.size + reference->raw.block.size;
  c2_engine_hold(engine, 0);
  c2_arena arena = {.base = reference->workspace.base, .size = reference->workspace.size};
  carve(&p, &arena);
  for (size_t r = 0; r < batch->rows; r++) p.row[batch->row[r].slot] = &batch->row[r];
  for (size_t b = 0; b < p.b; b++) embed_row(&p, b);
  for (size_t layer = 0; layer < p.c->layers; layer++) {
    time_attention(&p, layer);
    group_attention(&p, layer);
    feed_forward(&p, layer);
  }
  for (size_t b = 0; b < p.b; b++) head(&p, b, result);
  return C2_OK;
}

/* ---- The backend ------------------------------------------------------------------------------- */

static c2_status reference_load(chronos2_model *model, const chronos2_model_options *options, c2_error *err) {
  const c2_kernels *kernels = NULL;
  c2_pool *pool = NULL;
  C2_TRY(c2_isa_choose(options->isa, CHRONOS2_FP32, &kernels, err));
  C2_TRY(c2_pool_choose(options->threads, false, &pool, err));
  c2_status status = model->raw.values ? C2_OK : c2_raw_load(model, pool, &model->raw, err);
  c2_pool_close(&pool);
  if (options->cache) c2_model_warn(model, "cache: nothing is packed, so the folder isn't used");
  return status;
}

static c2_status reference_open(c2_engine *engine, const chronos2_session_options *options, c2_error *err) {
  const c2_kernels *kernels = NULL;
  session *r = NULL;
  if (engine->model->dtype != CHRONOS2_FP32) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "backend: the reference computes in fp32 only; open the model with that dtype");
  }
  C2_TRY(c2_isa_choose(options->isa, CHRONOS2_FP32, &kernels, err));
  C2_TRY(c2_alloc_array(1, sizeof *r, &r, err));
  engine->state = r;
  C2_TRY(c2_pool_choose(options->threads, options->pin, &r->pool, err));
  engine->isa = kernels->name;
  engine->threads = c2_pool_threads(r->pool);
  return C2_OK;
}

static void reference_trim(c2_engine *engine) {
  session *r = engine->state;
  c2_block_free(&r->workspace);
  c2_raw_free(&r->raw);
}

static void reference_close(c2_engine *engine) {
  session *r = engine->state;
  reference_trim(engine);
  c2_pool_close(&r->pool);
  free(r);
}

const c2_backend c2_reference_backend = {.name = "reference",
                                         .pads = true,
                                         .load = reference_load,
                                         .open = reference_open,
                                         .close = reference_close,
                                         .plan = reference_plan,
                                         .forward = reference_forward,
                                         .trim = reference_trim};
