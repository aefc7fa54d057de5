/* The forward pass on a device: MODEL.md over packed live tokens, as the CPU's encoder has it. Everything between two
 * attentions is local to a token; after the last layer's time attention only future tokens go on.
 *
 * Shapes: T tokens, Tf future tokens, D d_model, I heads * head, F d_ff, all padded (session.h). */
#include <stdlib.h>
#include <string.h>

#include "cuda/plan.h"

/* Tokens whose inner layer (F wide) exists at once. */
enum { CHUNK = 32768 };

typedef struct pass {
  c2_engine *engine;
  c2_cuda *cuda;
  const chronos2_config *config;
  const c2_batch *batch;
  const c2_result *result;
  c2_cuda_plan_tables plan;
  unsigned char *tables;    /* device: what c2_cuda_plan_open filled */
  float *x;                 /* [T][D] hidden states */
  void *normed;             /* [T][D] */
  void *qkv;                /* [T][3I] */
  void *mixed;              /* [T][I] attention's output */
  void *hidden;             /* [CHUNK][F] */
  float *features;          /* [CHUNK][3P] */
  float *xf;                /* [Tf][D] as x, for future tokens after the last time attention; decode: x */
  void *qf, *mixedf;        /* [Tf][3I], [Tf][I] */
  float *normedf;           /* [max(T, Tf)][D] after the last norm, in float32 */
  float *z;                 /* [Tf][Q P] */
  double *quantiles;        /* [rows][Q][P patches] */
  size_t layer;
  c2_cuda_kv *keep;         /* prefill: gets keys and values */
  const c2_cuda_kv *recall; /* decode: gives them; only future tokens are computed */
} pass;

/* A table's place on the device. */
static const void *mirrored(const pass *p, const void *table) {
  return p->tables + ((const unsigned char *)table - p->cuda->tables.base);
}

static const c2_device_table *ops(const pass *p) {
  return p->cuda->link->table;
}

static c2_device *device(const pass *p) {
  return p->cuda->link->device;
}

/* ---- Steps -------------------------------------------------------------------------------------- */

/* Products of the encoder: rows of `a`, of the session's type, by a weight matrix. */
static c2_status multiply(const pass *p, const void *a, size_t a_stride, const void *w, size_t depth, void *c,
                          size_t c_stride, size_t rows, size_t columns, bool relu, bool accumulate, c2_error *err) {
  if (rows == 0) return C2_OK;
  c2_gpu_product product = {.a = a,
                            .w = w,
                            .c = c,
                            .a_stride = a_stride,
                            .c_stride = c_stride,
                            .rows = rows,
                            .columns = columns,
                            .depth = depth,
                            .type = p->cuda->type,
                            .c_type = accumulate ? C2_GPU_FLOAT : p->cuda->type,
                            .relu = relu,
                            .accumulate = accumulate};
  return ops(p)->product(device(p), &product, err);
}

static c2_status norm(const pass *p, void *out, c2_gpu_element type, const float *x, const float *weight, size_t rows,
                      c2_error *err) {
  c2_gpu_norm n = {.x = x,
                   .weight = weight,
                   .out = out,
                   .type = type,
                   .x_stride = p->cuda->sizes.model,
                   .out_stride = p->cuda->sizes.model,
                   .rows = rows,
                   .columns = p->config->d_model,
                   .padded = p->cuda->sizes.model,
                   .epsilon = (float)p->config->layer_norm_epsilon};
  return ops(p)->norm(device(p), &n, err);
}

/* Element `i` of an array of the session's type. */
static void *at(const pass *p, void *array, size_t i) {
  return (unsigned char *)array + i * c2_gpu_size(p->cuda->type);
}

/* A residual block of float32: out = W_out relu(W_hidden x + b) + W_res x + b', rows by chunks that fit p->hidden. */
static c2_status residual_block(const pass *p, const c2_cuda_residual *w, const float *x, size_t in, float *out,
                                size_t columns, size_t rows, c2_error *err) {
  size_t ff = p->cuda->sizes.ff;
  for (size_t first = 0; first < rows; first += CHUNK) {
    c2_gpu_product hidden = {.a = x + first * in,
                             .w = w->hidden,
                             .c = p->hidden,
                             .a_stride = in,
                             .c_stride = ff,
                             .rows = c2_min_size(CHUNK, rows - first),
                             .columns = ff,
                             .depth = in,
                             .bias = w->hidden_bias,
                             .relu = true};
    c2_gpu_product residual = hidden;
    residual.w = w->residual;
    residual.c = out + first * columns;
    residual.c_stride = residual.columns = columns;
    residual.bias = w->bias;
    residual.relu = false;
    c2_gpu_product output = residual;
    output.a = p->hidden;
    output.w = w->output;
    output.a_stride = output.depth = ff;
    output.bias = NULL;
    output.accumulate = true;
    C2_TRY(ops(p)->product(device(p), &hidden, err));
    C2_TRY(ops(p)->product(device(p), &residual, err));
    C2_TRY(ops(p)->product(device(p), &output, err));
  }
  return C2_OK;
}

static c2_status embed(const pass *p, c2_error *err) {
  const c2_layout *l = &p->plan.layout;
  const c2_cuda_sizes *s = &p->cuda->sizes;
  for (size_t first = 0; first < l->tokens; first += CHUNK) {
    c2_gpu_features f = {.values = mirrored(p, p->plan.value),
                         .row = mirrored(p, p->plan.row),
                         .row_of = mirrored(p, l->row_of + first),
                         .position = mirrored(p, l->position + first),
                         .out = p->features,
                         .tokens = c2_min_size(CHUNK, l->tokens - first),
                         .patch = p->config->patch,
                         .stride = s->in,
                         .time_scale = p->config->time_encoding_scale,
                         .arcsinh = p->config->use_arcsinh};
    C2_TRY(ops(p)->features(device(p), &f, err));
    C2_TRY(residual_block(p, &p->cuda->embed, p->features, s->in, p->x + first * s->model, s->model, f.tokens, err));
  }
  if (p->recall) return C2_OK;
  c2_gpu_copy reg = {.from = p->cuda->reg,
                     .to = p->x,
                     .to_row = mirrored(p, p->plan.reg),
                     .to_stride = s->model * sizeof(float),
                     .bytes = s->model * sizeof(float),
                     .rows = l->rows};
  return ops(p)->copy(device(p), &reg, err);
}

static c2_status feed_forward(const pass *p, float *x, size_t rows, c2_error *err) {
  const c2_cuda_layer *w = &p->cuda->layer[p->layer];
  size_t d = p->cuda->sizes.model;
  size_t ff = p->cuda->sizes.ff;
  C2_TRY(norm(p, p->normed, p->cuda->type, x, w->ffn_norm, rows, err));
  for (size_t first = 0; first < rows; first += CHUNK) {
    size_t n = c2_min_size(CHUNK, rows - first);
    C2_TRY(multiply(p, at(p, p->normed, first * d), d, w->wi, d, p->hidden, ff, n, ff, true, false, err));
    C2_TRY(multiply(p, p->hidden, ff, w->wo, ff, x + first * d, d, n, d, false, true, err));
  }
  return C2_OK;
}

/* ---- Attention ---------------------------------------------------------------------------------- */

/* Rotates `heads` heads of rows that begin at `x`. */
static c2_status rotate(const pass *p, void *x, size_t rows, size_t heads, const int32_t *position, c2_error *err) {
  c2_gpu_rotate r = {.x = x,
                     .type = p->cuda->type,
                     .stride = 3 * p->cuda->sizes.inner,
                     .rows = rows,
                     .heads = heads,
                     .head = p->cuda->sizes.head,
                     .half = p->config->d_kv / 2,
                     .position = mirrored(p, position),
                     .cosine = mirrored(p, p->plan.cosine),
                     .sine = mirrored(p, p->plan.sine)};
  return ops(p)->rotate(device(p), &r, err);
}

/* Tiles of queries in `q` over keys and values in `kv`, both [rows][3I]. */
static c2_gpu_attend attention_of(const pass *p, void *q, void *kv, void *out, const c2_gpu_tile *tile, size_t tiles) {
  size_t inner = p->cuda->sizes.inner;
  return (c2_gpu_attend){.type = p->cuda->type,
                         .q = q,
                         .k = at(p, kv, inner),
                         .v = at(p, kv, 2 * inner),
                         .out = out,
                         .q_stride = 3 * inner,
                         .kv_stride = 3 * inner,
                         .out_stride = inner,
                         .heads = p->config->heads,
                         .head = p->cuda->sizes.head,
                         .tile = mirrored(p, tile),
                         .tiles = tiles};
}

static c2_status time_attention(const pass *p, bool future, c2_error *err) {
  const c2_cuda_plan_tables *plan = &p->plan;
  c2_gpu_attend a = future ? attention_of(p, p->qf, p->qkv, p->mixedf, plan->future_tile, plan->future_tiles)
                           : attention_of(p, p->qkv, p->qkv, p->mixed, plan->time_tile, plan->time_tiles);
  a.visible = mirrored(p, plan->layout.range);
  if (plan->layout.blinded) {
    a.blind_visible = mirrored(p, plan->layout.blind_range);
    a.blind = mirrored(p, plan->blind + p->layer * p->config->heads);
  }
  if (p->recall) {
    size_t inner = p->cuda->sizes.inner;
    unsigned char *layer = p->recall->memory + p->layer * p->recall->layer_bytes;
    a.past_k = layer;
    a.past_v = at(p, layer, inner);
    a.past_stride = 2 * inner;
  }
  return ops(p)->attend(device(p), &a, err);
}

static c2_status group_attention(const pass *p, const c2_cuda_group *group, const c2_cells *cells, void *qkv,
                                 void *mixed, c2_error *err) {
  const c2_gpu_attend a = attention_of(p, qkv, qkv, mixed, group->tile, group->tiles);
  c2_gpu_attend tiles = a;
  tiles.q_row = tiles.k_row = mirrored(p, cells->member);
  c2_gpu_attend_seats seats = {.type = a.type,
                               .q = a.q,
                               .k = a.k,
                               .v = a.v,
                               .out = a.out,
                               .stride = a.q_stride,
                               .out_stride = a.out_stride,
                               .heads = a.heads,
                               .head = a.head,
                               .seat = mirrored(p, group->seat),
                               .member = mirrored(p, cells->member),
                               .seats = group->seats};
  C2_TRY(ops(p)->attend(device(p), &tiles, err));
  return ops(p)->attend_seats(device(p), &seats, err);
}

/* Keys and values of the context, behind each other, into the cache. */
static c2_status keep(const pass *p, c2_error *err) {
  size_t inner = p->cuda->sizes.inner;
  size_t size = c2_gpu_size(p->cuda->type);
  c2_gpu_copy c = {.from = at(p, p->qkv, inner),
                   .to = p->keep->memory + p->layer * p->keep->layer_bytes,
                   .from_row = mirrored(p, p->plan.context),
                   .from_stride = 3 * inner * size,
                   .to_stride = 2 * inner * size,
                   .bytes = 2 * inner * size,
                   .rows = p->plan.contexts};
  return ops(p)->copy(device(p), &c, err);
}

/* ---- Layers ------------------------------------------------------------------------------------- */

/* The layer's rest for `rows` tokens, of which the first `grouped` have company. */
static c2_status tail(const pass *p, float *x, void *qkv, void *mixed, size_t rows, size_t grouped,
                      const c2_cuda_group *group, const c2_cells *cells, c2_error *err) {
  const c2_cuda_layer *w = &p->cuda->layer[p->layer];
  size_t d = p->cuda->sizes.model;
  size_t inner = p->cuda->sizes.inner;
  C2_TRY(multiply(p, mixed, inner, w->time_o, inner, x, d, rows, d, false, true, err));
  C2_TRY(norm(p, p->normed, p->cuda->type, x, w->group_norm, rows, err));
  if (grouped > 0) {
    C2_TRY(multiply(p, p->normed, d, w->group_qkv, d, qkv, 3 * inner, grouped, 3 * inner, false, false, err));
    C2_TRY(group_attention(p, group, cells, qkv, mixed, err));
    C2_TRY(multiply(p, mixed, inner, w->group_o, inner, x, d, grouped, d, false, true, err));
  }
  C2_TRY(multiply(p, at(p, p->normed, grouped * d), d, w->group_ov, d, x + grouped * d, d, rows - grouped, d, false,
                  true, err));
  return feed_forward(p, x, rows, err);
}

/* The last layer: keys and values of all tokens, everything else of future ones. */
static c2_status last_layer(const pass *p, c2_error *err) {
  const c2_layout *l = &p->plan.layout;
  const c2_cuda_layer *w = &p->cuda->layer[p->layer];
  size_t d = p->cuda->sizes.model;
  size_t inner = p->cuda->sizes.inner;
  unsigned char *kv = (unsigned char *)w->time_qkv + inner * d * c2_gpu_size(p->cuda->type);
  c2_gpu_copy gather = {.from = p->x,
                        .to = p->xf,
                        .from_row = mirrored(p, p->plan.future),
                        .from_stride = d * sizeof(float),
                        .to_stride = d * sizeof(float),
                        .bytes = d * sizeof(float),
                        .rows = l->future_tokens};
  C2_TRY(norm(p, p->normed, p->cuda->type, p->x, w->time_norm, l->tokens, err));
  C2_TRY(multiply(p, p->normed, d, kv, d, at(p, p->qkv, inner), 3 * inner, l->tokens, 2 * inner, false, false, err));
  C2_TRY(rotate(p, at(p, p->qkv, inner), l->tokens, p->config->heads, l->rotation, err));
  if (p->keep) return keep(p, err);
  C2_TRY(ops(p)->copy(device(p), &gather, err));
  C2_TRY(norm(p, p->normed, p->cuda->type, p->xf, w->time_norm, l->future_tokens, err));
  C2_TRY(multiply(p, p->normed, d, w->time_qkv, d, p->qf, 3 * inner, l->future_tokens, inner, false, false, err));
  C2_TRY(rotate(p, p->qf, l->future_tokens, p->config->heads, p->plan.future_rotation, err));
  C2_TRY(time_attention(p, true, err));
  return tail(p, p->xf, p->qf, p->mixedf, l->future_tokens, l->grouped_future, &p->plan.last, &l->future, err);
}

static c2_status run_layer(const pass *p, c2_error *err) {
  const c2_layout *l = &p->plan.layout;
  const c2_cuda_layer *w = &p->cuda->layer[p->layer];
  size_t d = p->cuda->sizes.model;
  size_t inner = p->cuda->sizes.inner;
  bool hidden = p->result && p->result->hidden;
  if (p->layer + 1 == p->config->layers && !hidden && !p->recall) return last_layer(p, err);
  C2_TRY(norm(p, p->normed, p->cuda->type, p->x, w->time_norm, l->tokens, err));
  C2_TRY(multiply(p, p->normed, d, w->time_qkv, d, p->qkv, 3 * inner, l->tokens, 3 * inner, false, false, err));
  C2_TRY(rotate(p, p->qkv, l->tokens, 2 * p->config->heads, l->rotation, err));
  if (p->keep) C2_TRY(keep(p, err));
  C2_TRY(time_attention(p, false, err));
  return tail(p, p->x, p->qkv, p->mixed, l->tokens, l->grouped_tokens, &p->plan.all, &l->all, err);
}

/* ---- Output ------------------------------------------------------------------------------------- */

static c2_status write_quantiles(const pass *p, c2_error *err) {
  const chronos2_config *c = p->config;
  const c2_layout *l = &p->plan.layout;
  size_t per_row = c->quantiles * c->patch * p->batch->output_patches;
  double *here = NULL;
  c2_gpu_invert invert = {.z = p->z,
                          .row = mirrored(p, p->plan.row),
                          .out = p->quantiles,
                          .rows = l->rows,
                          .patches = p->batch->output_patches,
                          .patch = c->patch,
                          .quantiles = c->quantiles,
                          .stride = p->cuda->sizes.out,
                          .arcsinh = c->use_arcsinh};
  C2_TRY(norm(p, p->normedf, C2_GPU_FLOAT, p->xf, p->cuda->final_norm, l->future_tokens, err));
  C2_TRY(residual_block(p, &p->cuda->head, p->normedf, p->cuda->sizes.model, p->z, p->cuda->sizes.out,
                        l->future_tokens, err));
  C2_TRY(ops(p)->invert(device(p), &invert, err));
  C2_TRY(c2_alloc_array(l->rows, per_row * sizeof *here, &here, err));
  c2_status status = ops(p)->download(device(p), here, p->quantiles, l->rows * per_row * sizeof *here, err);
  size_t horizon = p->batch->output_patches * c->patch;
  size_t steps = c2_min_size(p->result->steps, horizon);
  for (size_t r = 0; status == C2_OK && r < l->rows; r++) {
    double *to = p->batch->row[r].quantiles;
    for (size_t q = 0; to && q < c->quantiles; q++) {
      memcpy(to + q * p->result->stride, here + r * per_row + q * horizon, steps * sizeof *here);
    }
  }
  free(here);
  return status;
}

/* Every token is live: a row's tokens are those of the padded row. */
static c2_status write_hidden(const pass *p, c2_error *err) {
  const c2_layout *l = &p->plan.layout;
  size_t d = p->config->d_model;
  size_t stride = p->cuda->sizes.model;
  size_t tokens = l->deepest + 1 + p->batch->output_patches;
  float *here = NULL;
  C2_TRY(norm(p, p->normedf, C2_GPU_FLOAT, p->x, p->cuda->final_norm, l->tokens, err));
  C2_TRY(c2_alloc_array(l->tokens, stride * sizeof *here, &here, err));
  c2_status status = ops(p)->download(device(p), here, p->normedf, l->tokens * stride * sizeof *here, err);
  for (size_t t = 0; status == C2_OK && t < l->tokens; t++) {
    size_t row = l->row_of[t];
    size_t to = p->batch->row[row].slot * tokens + (t - l->row_first[row]);
    memcpy(p->result->hidden + to * d, here + t * stride, d * sizeof *here);
  }
  free(here);
  return status;
}

static c2_status finish(const pass *p, c2_error *err) {
  const c2_result *result = p->result;
  if (result->hidden) {
    C2_TRY(write_hidden(p, err));
  } else if (result->steps > 0) {
    C2_TRY(write_quantiles(p, err));
  }
  for (size_t r = 0; r < p->batch->rows; r++) {
    if (result->loc) result->loc[p->batch->row[r].slot] = p->plan.layout.scaler[r].loc;
    if (result->scale) result->scale[p->batch->row[r].slot] = p->plan.layout.scaler[r].scale;
  }
  return C2_OK;
}

/* ---- The pass ----------------------------------------------------------------------------------- */

static void carve(pass *p, c2_cuda_arena *arena) {
  const c2_cuda_sizes *s = &p->cuda->sizes;
  const c2_layout *l = &p->plan.layout;
  size_t size = c2_gpu_size(p->cuda->type);
  size_t chunk = c2_min_size(CHUNK, c2_max_size(l->tokens, l->future_tokens));
  bool hidden = p->result && p->result->hidden;
  size_t future = p->recall || p->keep ? 0 : l->future_tokens;
  p->tables = c2_cuda_carve(arena, p->plan.bytes, 1);
  p->x = c2_cuda_carve(arena, l->tokens * s->model, sizeof(float));
  p->normed = c2_cuda_carve(arena, l->tokens * s->model, size);
  p->qkv = c2_cuda_carve(arena, l->tokens * 3 * s->inner, size);
  p->mixed = c2_cuda_carve(arena, l->tokens * s->inner, size);
  p->hidden = c2_cuda_carve(arena, chunk * s->ff, sizeof(float));
  p->features = c2_cuda_carve(arena, chunk * s->in, sizeof(float));
  p->xf = p->recall ? p->x : c2_cuda_carve(arena, future * s->model, sizeof(float));
  p->qf = c2_cuda_carve(arena, future * 3 * s->inner, size);
  p->mixedf = c2_cuda_carve(arena, future * s->inner, size);
  if (p->keep) return;
  p->normedf = c2_cuda_carve(arena, (hidden ? l->tokens : l->future_tokens) * s->model, sizeof(float));
  p->z = c2_cuda_carve(arena, l->future_tokens * s->out, sizeof(float));
  p->quantiles = c2_cuda_carve(arena, l->future_tokens * p->config->quantiles * p->config->patch, sizeof(double));
}

static c2_status reserve(const pass *p, size_t bytes, c2_error *err) {
  c2_cuda *cuda = p->cuda;
  if (bytes > cuda->workspace_bytes) {
    if (cuda->workspace) ops(p)->release(device(p), cuda->workspace);
    cuda->workspace = NULL;
    cuda->workspace_bytes = 0;
    C2_TRY(ops(p)->allocate(device(p), bytes, &cuda->workspace, err));
    cuda->workspace_bytes = bytes;
  }
  p->engine->workspace = cuda->workspace_bytes + cuda->tables.size;
  c2_engine_hold(p->engine, 0);
  return C2_OK;
}

/* Sizes: the tables here, the workspace on the device. */
static c2_status plan(pass *p, size_t *bytes, c2_error *err) {
  c2_cuda_arena arena = {0};
  C2_TRY(c2_cuda_plan_open(&p->plan, p->engine, p->batch, p->recall, err));
  carve(p, &arena);
  if (arena.failed) C2_FAIL(err, C2_ERR_MEMORY, "the workspace of %zu tokens overflows", p->plan.layout.tokens);
  *bytes = arena.used;
  return C2_OK;
}

static c2_status run(pass *p, c2_error *err) {
  size_t bytes = 0;
  C2_TRY(plan(p, &bytes, err));
  C2_TRY(reserve(p, bytes, err));
  c2_cuda_arena arena = {.base = p->cuda->workspace};
  carve(p, &arena);
  c2_arena_open_gaps(p->cuda->tables.base, p->plan.bytes);
  C2_TRY(ops(p)->upload(device(p), p->tables, p->cuda->tables.base, p->plan.bytes, err));
  C2_TRY(embed(p, err));
  for (p->layer = 0; p->layer < p->config->layers; p->layer++) C2_TRY(run_layer(p, err));
  return C2_OK;
}

static pass pass_of(c2_engine *engine, const c2_batch *batch, const c2_result *result) {
  return (pass){.engine = engine,
                .cuda = c2_cuda_of(engine),
                .config = &engine->model->config,
                .batch = batch,
                .result = result};
}

static c2_status refuse_observer(const c2_engine *engine, c2_error *err) {
  if (engine->observer) C2_FAIL(err, C2_ERR_UNSUPPORTED, "attention can't be observed on a GPU; use the device cpu");
  return C2_OK;
}

c2_status c2_cuda_pass(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  pass p = pass_of(engine, batch, result);
  C2_TRY(refuse_observer(engine, err));
  C2_TRY(run(&p, err));
  c2_layout_work(&p.plan.layout, p.config, batch->output_patches, engine->blind, &engine->work);
  return finish(&p, err);
}

/* ---- Prefill and decode ------------------------------------------------------------------------- */

static c2_status open_cache(pass *p, c2_cuda_kv **cache, c2_error *err) {
  const c2_batch *batch = p->batch;
  c2_cuda_kv *kv = NULL;
  size_t tokens = 0;
  C2_TRY(c2_alloc_array(1, sizeof *kv, &kv, err));
  *cache = kv;
  kv->link = p->cuda->link;
  kv->link->users++;
  for (size_t r = 0; r < batch->rows; r++) kv->rows = c2_max_size(kv->rows, batch->row[r].slot + 1);
  C2_TRY(c2_alloc_array(kv->rows, sizeof *kv->first, &kv->first, err));
  C2_TRY(c2_alloc_array(kv->rows, sizeof *kv->count, &kv->count, err));
  for (size_t r = 0; r < batch->rows; r++) {
    size_t slot = batch->row[r].slot;
    kv->first[slot] = (uint32_t)tokens;
    kv->count[slot] = (uint32_t)c2_context_tokens(&batch->row[r], p->config, batch);
    tokens += kv->count[slot];
  }
  size_t row = 2 * p->cuda->sizes.inner * c2_gpu_size(p->cuda->type);
  if (!c2_mul(tokens, row, &kv->layer_bytes) || !c2_mul(kv->layer_bytes, p->config->layers, &kv->base.bytes)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the keys and values of %zu tokens overflow", tokens);
  }
  return ops(p)->allocate(device(p), kv->base.bytes, (void **)&kv->memory, err);
}

c2_status c2_cuda_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err) {
  c2_batch contexts = *batch;
  contexts.null_future = true;
  if (engine->pattern.attention == CHRONOS2_WINDOWED_FUTURE_GLOBAL) contexts.output_patches = 0; /* nobody sees them */
  pass p = pass_of(engine, &contexts, NULL);
  C2_TRY(refuse_observer(engine, err));
  c2_status status = open_cache(&p, &p.keep, err);
  *cache = p.keep ? &p.keep->base : NULL;
  C2_TRY(status);
  return run(&p, err);
}

c2_status c2_cuda_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                         c2_error *err) {
  pass p = pass_of(engine, batch, result);
  p.recall = (const c2_cuda_kv *)cache;
  C2_TRY(refuse_observer(engine, err));
  for (size_t r = 0; r < batch->rows; r++) {
    size_t slot = batch->row[r].slot % p.recall->rows;
    if (p.recall->count[slot] != c2_context_tokens(&batch->row[r], p.config, batch)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "the contexts are not those that were encoded");
    }
  }
  C2_TRY(run(&p, err));
  return finish(&p, err);
}

void c2_cuda_kv_free(c2_kv_cache *cache) {
  c2_cuda_kv *kv = (c2_cuda_kv *)cache;
  if (kv->memory) kv->link->table->release(kv->link->device, kv->memory);
  c2_cuda_link_close(kv->link);
  free(kv->first);
  free(kv->count);
  free(kv);
}
