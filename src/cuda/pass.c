/* Passes: their memory, their beginning and their end. */
#include "cuda/pass.h"

#include <string.h>

/* Tokens up to which a pass may be a graph. Longer ones keep the device busy while the next operation is started. */
enum { GRAPH_TOKENS = 32768 };

/* ---- Memory ------------------------------------------------------------------------------------- */

static void carve(c2_cuda_run *r, c2_cuda_arena *arena) {
  const c2_cuda_sizes *s = &r->w->sizes;
  const c2_cuda_plan_tables *p = &r->plan;
  const c2_layout *l = &p->layout;
  size_t size = c2_gpu_size(r->w->type);
  size_t chunk = c2_min_size(C2_CUDA_CHUNK, c2_max_size(l->tokens, l->future_tokens));
  bool hidden = r->result && r->result->hidden;
  size_t future = r->recall || r->keep ? 0 : l->future_tokens;
  r->tables = c2_cuda_carve(arena, p->bytes, 1);
  r->x = c2_cuda_carve(arena, l->tokens * s->model, sizeof(float));
  r->normed = c2_cuda_carve(arena, l->tokens * s->model, size);
  r->qkv = c2_cuda_carve(arena, l->tokens * 3 * s->inner, size);
  r->mixed = c2_cuda_carve(arena, l->tokens * s->inner, size);
  r->hidden = c2_cuda_carve(arena, chunk * s->ff, sizeof(float));
  r->features = c2_cuda_carve(arena, chunk * s->in, sizeof(float));
  r->xf = r->recall ? r->x : c2_cuda_carve(arena, future * s->model, sizeof(float));
  r->qf = c2_cuda_carve(arena, future * 3 * s->inner, size);
  r->mixedf = c2_cuda_carve(arena, future * s->inner, size);
  r->weights = c2_cuda_carve(arena, p->watched_queries * r->config->heads * p->watched_keys, sizeof(float));
  if (r->keep) return;
  r->normedf = c2_cuda_carve(arena, (hidden ? l->tokens : l->future_tokens) * s->model, sizeof(float));
  r->z = c2_cuda_carve(arena, l->future_tokens * s->out, sizeof(float));
  r->quantiles = p->carried ? NULL : c2_cuda_carve(arena, l->future_tokens * r->config->quantiles * r->config->patch,
                                                   sizeof(double));
}

static c2_status reserve(const c2_cuda_run *r, size_t bytes, c2_error *err) {
  c2_cuda *cuda = r->cuda;
  const c2_cuda_link *link = cuda->link;
  if (bytes > cuda->workspace_bytes) {
    if (cuda->workspace) link->table->release(link->device, cuda->workspace);
    cuda->workspace = NULL;
    cuda->workspace_bytes = 0;
    C2_TRY(link->table->allocate(link->device, bytes, &cuda->workspace, err));
    cuda->workspace_bytes = bytes;
  }
  c2_cuda_count(r->engine, bytes);
  return C2_OK;
}

/* Sizes: the tables here (r->plan.total), the workspace on the device. */
static c2_status measure(c2_cuda_run *r, size_t *bytes, c2_error *err) {
  c2_cuda_arena arena = {0};
  C2_TRY(c2_cuda_plan_measure(&r->plan, r->engine, &r->asked, err));
  carve(r, &arena);
  if (arena.failed) C2_FAIL(err, C2_ERR_MEMORY, "the workspace of %zu tokens overflows", r->plan.layout.tokens);
  *bytes = arena.used;
  return C2_OK;
}

/* ---- Results ------------------------------------------------------------------------------------ */

static c2_status invert(const c2_cuda_run *r, c2_error *err) {
  const c2_layout *l = &r->plan.layout;
  const c2_cuda_sizes *s = &r->w->sizes;
  const c2_cuda_paths *paths = (const c2_cuda_paths *)r->batch->paths;
  c2_gpu_invert i = {.z = r->z,
                     .row = c2_cuda_mirrored(r, r->plan.row),
                     .out = paths ? paths->out : r->quantiles,
                     .place = paths ? c2_cuda_mirrored(r, r->plan.place) : NULL,
                     .rows = l->rows,
                     .patches = r->batch->output_patches,
                     .patch = r->config->patch,
                     .quantiles = r->config->quantiles,
                     .stride = s->out,
                     .arcsinh = r->config->use_arcsinh};
  C2_TRY(c2_cuda_norm(r, r->normedf, C2_GPU_FLOAT, r->xf, r->w->final_norm, l->future_tokens, err));
  C2_TRY(c2_cuda_residual_block(r, &r->w->head, r->normedf, s->model, r->z, s->out, l->future_tokens, err));
  return C2_CUDA_EMIT(&r->cuda->program, invert, &i, err);
}

static c2_status take_quantiles(const c2_cuda_run *r, c2_error *err) {
  const c2_cuda_link *link = r->cuda->link;
  size_t horizon = r->batch->output_patches * r->config->patch;
  size_t per_row = r->config->quantiles * horizon;
  size_t steps = c2_min_size(r->result->steps, horizon);
  C2_TRY(link->table->download(link->device, r->plan.quantiles, r->quantiles,
                               r->batch->rows * per_row * sizeof(double), err));
  for (size_t i = 0; i < r->batch->rows; i++) {
    double *to = r->batch->row[i].quantiles;
    const double *from = r->plan.quantiles + i * per_row;
    for (size_t q = 0; to && q < r->config->quantiles; q++) {
      memcpy(to + q * r->result->stride, from + q * horizon, steps * sizeof *to);
    }
  }
  return C2_OK;
}

static c2_status take_hidden(const c2_cuda_run *r, c2_error *err) {
  const c2_cuda_link *link = r->cuda->link;
  const c2_layout *l = &r->plan.layout;
  size_t d = r->config->d_model;
  size_t stride = r->w->sizes.model;
  size_t tokens = l->deepest + 1 + r->batch->output_patches; /* of a padded row */
  C2_TRY(link->table->download(link->device, r->plan.hidden, r->normedf, l->tokens * stride * sizeof(float), err));
  for (size_t t = 0; t < l->tokens; t++) {
    size_t place = (size_t)((int64_t)l->deepest + l->position[t]);
    size_t to = r->batch->row[l->row_of[t]].slot * tokens + place;
    memcpy(r->result->hidden + to * d, r->plan.hidden + t * stride, d * sizeof(float));
  }
  return C2_OK;
}

/* Locations and scales, into the rows here. */
static c2_status take_scalers(const c2_cuda_run *r, c2_error *err) {
  const c2_cuda_link *link = r->cuda->link;
  size_t bytes = r->batch->rows * sizeof *r->plan.row;
  return link->table->download(link->device, r->plan.row, c2_cuda_mirrored(r, r->plan.row), bytes, err);
}

static c2_status take_results(const c2_cuda_run *r, c2_error *err) {
  const c2_result *result = r->result;
  if (result->hidden) {
    C2_TRY(take_hidden(r, err));
  } else if (result->steps > 0 && !r->batch->paths) {
    C2_TRY(take_quantiles(r, err));
  }
  if (result->loc || result->scale) C2_TRY(take_scalers(r, err));
  for (size_t i = 0; i < r->batch->rows; i++) {
    if (result->loc) result->loc[r->batch->row[i].slot] = r->plan.row[i].loc;
    if (result->scale) result->scale[r->batch->row[i].slot] = r->plan.row[i].scale;
  }
  return C2_OK;
}

/* ---- The pass ----------------------------------------------------------------------------------- */

static c2_cuda_run run_of(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_cuda_kv *keep,
                          const c2_cuda_kv *recall) {
  c2_cuda *cuda = c2_cuda_of(engine);
  return (c2_cuda_run){.engine = engine,
                       .cuda = cuda,
                       .w = cuda->weights,
                       .config = &engine->model->config,
                       .batch = batch,
                       .result = result,
                       .asked = {.batch = batch, .result = result, .recall = recall},
                       .keep = keep,
                       .recall = recall};
}

static c2_status write_program(c2_cuda_run *r, c2_error *err) {
  const c2_layout *l = &r->plan.layout;
  C2_TRY(c2_cuda_embed(r, err));
  for (r->layer = 0; r->layer < r->config->layers; r->layer++) C2_TRY(c2_cuda_layer_step(r, err));
  if (!r->result) return C2_OK;
  if (!r->result->hidden) return r->result->steps > 0 ? invert(r, err) : C2_OK;
  return c2_cuda_norm(r, r->normedf, C2_GPU_FLOAT, r->x, r->w->final_norm, l->tokens, err);
}

static c2_status start(c2_cuda_run *r, c2_error *err) {
  c2_cuda *cuda = r->cuda;
  const c2_cuda_link *link = cuda->link;
  size_t bytes = 0;
  C2_TRY(measure(r, &bytes, err));
  C2_TRY(c2_cuda_plan_fill(&r->plan, r->engine, &r->asked, err));
  C2_TRY(reserve(r, bytes, err));
  c2_cuda_arena arena = {.base = cuda->workspace};
  carve(r, &arena);
  c2_arena_open_gaps(cuda->tables.base, r->plan.bytes);
  C2_TRY(link->table->upload(link->device, r->tables, cuda->tables.base, r->plan.bytes, err));
  cuda->program.count = 0; /* what a failed pass may have left */
  C2_TRY(write_program(r, err));
  bool again = !r->keep && !r->engine->observing && r->plan.layout.tokens <= GRAPH_TOKENS;
  return c2_cuda_program_run(&cuda->program, link, again, err);
}

c2_status c2_cuda_pass(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  c2_cuda_run r = run_of(engine, batch, result, NULL, NULL);
  C2_TRY(start(&r, err));
  c2_layout_work(&r.plan.layout, r.config, batch->output_patches, engine->blind, result->hidden, &engine->work);
  return take_results(&r, err);
}

c2_status c2_cuda_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need,
                       c2_error *err) {
  c2_cuda_run r = run_of(engine, batch, result, NULL, NULL);
  r.asked.at_most = true;
  C2_TRY(measure(&r, &need->workspace, err));
  need->tables = c2_block_size(r.plan.total);
  return C2_OK;
}

/* ---- Prefill and decode ------------------------------------------------------------------------- */

c2_status c2_cuda_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err) {
  c2_batch contexts = *batch;
  c2_cuda_kv *kv = NULL;
  contexts.null_future = true;
  if (engine->pattern.attention == CHRONOS2_WINDOWED_FUTURE_GLOBAL) contexts.output_patches = 0; /* nobody sees them */
  c2_status status = c2_cuda_kv_open(engine, &contexts, &kv, err);
  *cache = kv ? &kv->base : NULL;
  C2_TRY(status);
  c2_cuda_run r = run_of(engine, &contexts, NULL, kv, NULL);
  C2_TRY(start(&r, err));
  C2_TRY(take_scalers(&r, err)); /* which waits: another session may decode */
  for (size_t i = 0; i < contexts.rows; i++) kv->scaler[contexts.row[i].slot] = r.plan.row[i];
  return C2_OK;
}

c2_status c2_cuda_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                         c2_error *err) {
  const c2_cuda_kv *kv = (const c2_cuda_kv *)cache;
  c2_cuda_run r = run_of(engine, batch, result, NULL, kv);
  if (kv->link->index != r.cuda->link->index) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "device: expected cuda:%zu, where the contexts were encoded, found cuda:%zu",
            kv->link->index, r.cuda->link->index);
  }
  for (size_t i = 0; i < batch->rows; i++) {
    if (kv->count[batch->row[i].slot % kv->rows] != c2_context_tokens(&batch->row[i], r.config, batch)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "the contexts are not those that were encoded");
    }
  }
  C2_TRY(start(&r, err));
  return take_results(&r, err);
}
