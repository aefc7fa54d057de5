/* Copies [out][in] matrices into panels: one layout for every instruction set. */
#include "engine/cpu/pack.h"

#include <stdlib.h>
#include <string.h>

#include "engine/cpu/cache.h"
#include "model/reading.h"

/* What fills a matrix or a vector, once all are carved, from tensors of the file. */
typedef struct job {
  c2_matrix to;
  size_t column; /* that the first row of `from` becomes */
  float *vector; /* instead of a matrix */
  size_t skip;   /* elements of `from` before the vector's first */
  c2_expected *from;
  c2_expected *with;  /* NULL, or: the vector is from + with, the matrix is from with (W_o W_v) */
  uint64_t digest[2]; /* of from and with, once they have been read */
} job;

typedef struct packing {
  chronos2_model *model;
  c2_packed *to;
  const c2_kernels *kernels; /* for W_o W_v */
  c2_arena *arena;
  bool filled;     /* what is carved holds its values already */
  uint64_t layout; /* of what was carved, and where */
  job *jobs;       /* [jobs_count]; NULL while planning */
  size_t job_count;
  float *scratch;      /* a worker's [band_room + values_size + product_size] */
  size_t band_room;    /* rows of one tensor */
  size_t values_size;  /* W_v in panels: [D rounded up to whole panels][I] */
  size_t product_size; /* rows of W_o W_v: as many as a band of W_o has, [D rounded up] each */
} packing;

static c2_type type_of(const chronos2_model *model) {
  return (c2_type)model->dtype;
}

/* Carves, and zeroes what alignment leaves behind the elements: the bytes go into a file. */
static void *place(packing *p, size_t count, size_t size) {
  uint64_t piece[4] = {p->layout, p->arena->used, count, size};
  size_t bytes = 0;
  p->layout = c2_hash_of(piece, sizeof piece);
  bool write = p->arena->base && !p->filled && c2_mul(count, size, &bytes) && bytes > 0;
  size_t rounded = c2_round_up(bytes, C2_ALIGN);
  if (write && p->arena->size - p->arena->used >= rounded) {
    memset(p->arena->base + p->arena->used + rounded - C2_ALIGN, 0, C2_ALIGN);
  }
  return c2_arena_carve(p->arena, count, size);
}

/* An empty matrix; its panels are NULL while planning. */
static c2_matrix carve(packing *p, c2_type type, size_t columns, size_t depth) {
  size_t padded = c2_round_up(columns, C2_PANEL);
  size_t stride = c2_panel_words(type, depth);
  size_t words = padded / C2_PANEL * stride;
  size_t scales = type == C2_TYPE_INT8 ? padded : 0;
  uint32_t *panels = place(p, words, sizeof *panels);
  c2_matrix m = {.panels = {.type = type, .stride = stride}, .depth = depth, .columns = columns};
  m.panels.scale = place(p, scales, sizeof *m.panels.scale);
  m.panels.shift = place(p, scales, sizeof *m.panels.shift);
  if (!p->arena->base || p->arena->failed) return m;
  m.panels.data = panels;
  if (p->filled) return m;
  bool whole = padded == columns && depth % c2_word_terms(type) == 0; /* every word will be written */
  if (!whole) memset(panels, 0, words * sizeof *panels);
  memset(m.panels.scale, 0, scales * sizeof *m.panels.scale);
  memset(m.panels.shift, 0, scales * sizeof *m.panels.shift);
  return m;
}

static void add_job(packing *p, job j) {
  if (p->jobs) p->jobs[p->job_count] = j;
  p->job_count++;
}

/* Jobs settle what they read in the list of tensors, which the model's own references don't let them change. */
static c2_expected *listed(const packing *p, const c2_expected *e) {
  return e ? &p->model->expected[e->index] : NULL;
}

/* Up to three matrices side by side, of one shape. */
static c2_matrix pack_matrix(packing *p, c2_type type, const c2_expected *const *parts, size_t count) {
  size_t rows = parts[0]->shape[0];
  c2_matrix m = carve(p, type, count * rows, parts[0]->shape[1]);
  for (size_t part = 0; part < count; part++) {
    add_job(p, (job){.to = m, .column = part * rows, .from = listed(p, parts[part])});
  }
  return m;
}

static c2_matrix pack_product(packing *p, const c2_attention_weights *w) {
  size_t d = w->o->shape[0];
  c2_matrix m = carve(p, type_of(p->model), d, d);
  add_job(p, (job){.to = m, .from = listed(p, w->o), .with = listed(p, w->v)});
  return m;
}

/* Elements [skip, skip + n) of a, with b's added if it isn't NULL. */
static const float *pack_vector(packing *p, const c2_expected *a, const c2_expected *b, size_t skip, size_t n) {
  size_t padded = c2_round_up(n, C2_PANEL);
  float *vector = place(p, padded, sizeof *vector);
  if (p->arena->base && vector && !p->filled) memset(vector, 0, padded * sizeof *vector);
  add_job(p, (job){.vector = vector, .skip = skip, .from = listed(p, a), .with = listed(p, b)});
  return vector;
}

/* Always in float32: a fortieth of the work, and where a narrow type would cost most of the accuracy. */
static c2_packed_residual pack_residual(packing *p, const c2_residual_weights *r) {
  c2_packed_residual packed;
  packed.hidden = pack_matrix(p, C2_TYPE_FP32, &r->hidden, 1);
  packed.output = pack_matrix(p, C2_TYPE_FP32, &r->output, 1);
  packed.residual = pack_matrix(p, C2_TYPE_FP32, &r->residual, 1);
  packed.hidden.bias = pack_vector(p, r->hidden_bias, NULL, 0, r->hidden_bias->shape[0]);
  packed.residual.bias = pack_vector(p, r->output_bias, r->residual_bias, 0, r->output_bias->shape[0]);
  return packed;
}

static c2_packed_layer pack_layer(packing *p, const c2_layer_weights *l) {
  c2_type type = type_of(p->model);
  size_t d = p->model->config.d_model;
  const c2_expected *time[] = {l->time.q, l->time.k, l->time.v};
  const c2_expected *group[] = {l->group.q, l->group.k, l->group.v};
  c2_packed_layer packed;
  packed.time_qkv = pack_matrix(p, type, time, 3);
  packed.time_o = pack_matrix(p, type, &l->time.o, 1);
  packed.group_ov = pack_product(p, &l->group);
  packed.group_qkv = pack_matrix(p, type, group, 3);
  packed.group_o = pack_matrix(p, type, &l->group.o, 1);
  packed.wi = pack_matrix(p, type, &l->wi, 1);
  packed.wo = pack_matrix(p, type, &l->wo, 1);
  packed.time_norm = pack_vector(p, l->time.norm, NULL, 0, d);
  packed.group_norm = pack_vector(p, l->group.norm, NULL, 0, d);
  packed.ffn_norm = pack_vector(p, l->ffn_norm, NULL, 0, d);
  return packed;
}

static void pack_all(packing *p) {
  const c2_weights *w = &p->model->weights;
  c2_packed *to = p->to;
  size_t d = p->model->config.d_model;
  p->job_count = 0;
  p->layout = 0;
  for (size_t i = 0; i < p->model->config.layers; i++) to->layer[i] = pack_layer(p, &w->layer[i]);
  to->embed = pack_residual(p, &w->embed);
  to->head = pack_residual(p, &w->head);
  to->reg = pack_vector(p, w->shared, NULL, d, d);
  to->final_norm = pack_vector(p, w->final_norm, NULL, 0, d);
}

/* ---- Filling ---------------------------------------------------------------------------------- */

/* to [n] = elements from `skip` on, or += where `more`. */
static c2_status fill_vector(const packing *p, const c2_expected *e, float *to, size_t skip, bool more, float *band,
                             uint64_t *digest, c2_error *err) {
  c2_reading r;
  size_t columns = e->shape[1];
  c2_reading_begin(&r, p->model, e, band, p->band_room);
  for (;;) {
    C2_TRY(c2_reading_next(&r, err));
    if (r.rows == 0) break;
    size_t first = r.first * columns;
    for (size_t i = 0; i < r.rows * columns; i++) {
      if (first + i >= skip) to[first + i - skip] = (more ? to[first + i - skip] : 0.0f) + band[i];
    }
  }
  *digest = c2_hash_end(&r.hash);
  return C2_OK;
}

static c2_status fill_matrix(const packing *p, job *j, float *band, c2_error *err) {
  c2_reading r;
  c2_reading_begin(&r, p->model, j->from, band, p->band_room);
  for (;;) {
    C2_TRY(c2_reading_next(&r, err));
    if (r.rows == 0) break;
    for (size_t i = 0; i < r.rows; i++) {
      c2_put_column(&j->to.panels, j->column + r.first + i, band + i * j->to.depth, j->to.depth);
    }
  }
  j->digest[0] = c2_hash_end(&r.hash);
  return C2_OK;
}

/* W_v, as the right operand of W_o W_v. */
static c2_status fill_values(const packing *p, job *j, float *band, const c2_operand *values, c2_error *err) {
  c2_reading r;
  size_t d = j->with->shape[1];
  c2_reading_begin(&r, p->model, j->with, band, p->band_room);
  for (;;) {
    C2_TRY(c2_reading_next(&r, err));
    if (r.rows == 0) break;
    for (size_t i = 0; i < r.rows; i++) c2_put_row(values, r.first + i, band + i * d, d);
  }
  j->digest[1] = c2_hash_end(&r.hash);
  return C2_OK;
}

/* W_o W_v. In float32: its rounding is of the size of that which two products one after the other have. */
static c2_status fill_product(const packing *p, job *j, float *band, float *values, float *product, c2_error *err) {
  c2_reading r;
  size_t inner = j->from->shape[1];
  size_t stride = c2_round_up(j->from->shape[0], C2_PANEL);
  c2_operand right = {.data = values, .stride = inner * C2_PANEL};
  C2_TRY(fill_values(p, j, band, &right, err));
  c2_reading_begin(&r, p->model, j->from, band, p->band_room);
  for (;;) {
    C2_TRY(c2_reading_next(&r, err));
    if (r.rows == 0) break;
    c2_gemm g = {
        .a = {.data = band, .stride = inner}, .b = right, .depth = inner, .c = product, .c_stride = stride};
    p->kernels->gemm(&g, r.rows, 0, stride / C2_PANEL);
    for (size_t i = 0; i < r.rows; i++) c2_put_column(&j->to.panels, r.first + i, product + i * stride, j->to.depth);
  }
  j->digest[0] = c2_hash_end(&r.hash);
  return C2_OK;
}

static c2_status run_job(void *context, size_t task, size_t worker, c2_error *err) {
  const packing *p = context;
  job *j = &p->jobs[task];
  float *band = p->scratch + worker * (p->band_room + p->values_size + p->product_size);
  float *values = band + p->band_room;
  if (j->vector) {
    C2_TRY(fill_vector(p, j->from, j->vector, j->skip, false, band, &j->digest[0], err));
    return j->with ? fill_vector(p, j->with, j->vector, 0, true, band, &j->digest[1], err) : C2_OK;
  }
  return j->with ? fill_product(p, j, band, values, values + p->values_size, err) : fill_matrix(p, j, band, err);
}

static c2_status fill(packing *p, c2_pool *pool, c2_error *err) {
  c2_status status = C2_OK;
  size_t scratch = (p->band_room + p->values_size + p->product_size) * sizeof *p->scratch;
  C2_GOTO(c2_alloc_array(c2_pool_threads(pool), scratch, &p->scratch, err));
  C2_GOTO(c2_alloc_array(p->job_count, sizeof *p->jobs, &p->jobs, err));
  pack_all(p);
  C2_GOTO(c2_run_fallible(pool, p->job_count, run_job, p, err));
  for (size_t i = 0; i < p->job_count && !p->model->raw.values; i++) {
    C2_GOTO(c2_reading_settle(p->jobs[i].from, p->jobs[i].digest[0], err));
    if (p->jobs[i].with) C2_GOTO(c2_reading_settle(p->jobs[i].with, p->jobs[i].digest[1], err));
  }
fail:
  free(p->scratch);
  free(p->jobs);
  return status;
}

/* ---- Packing a model -------------------------------------------------------------------------- */

static c2_status check_dtype(const chronos2_model *model, c2_error *err) {
  const chronos2_config *c = &model->config;
  size_t depth = c2_max_size(c2_max_size(c->d_model, c->d_ff), c2_max_size(c->heads * c->d_kv, 3 * c->patch));
  if (model->dtype == CHRONOS2_INT8 && depth > C2_INT8_DEPTH) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "dtype: int8 sums of %zu terms may overflow; expected at most %d", depth,
            C2_INT8_DEPTH);
  }
  return C2_OK;
}

/* Matrices that the cache holds: only where they lie is set. */
static void take_cached(packing *p, size_t size) {
  c2_arena arena = {.base = (unsigned char *)(uintptr_t)p->to->cache.data + C2_CACHE_HEADER, .size = size};
  p->arena = &arena;
  p->filled = true;
  pack_all(p);
}

static c2_status pack_into(packing *p, size_t size, c2_pool *pool, c2_error *err) {
  c2_block *block = &p->to->block;
  C2_TRY(c2_block_open(block, size, err));
  c2_arena arena = {.base = block->base, .size = block->size};
  p->arena = &arena;
  return fill(p, pool, err);
}

static void close_packed(void *weights) {
  c2_packed *packed = weights;
  c2_block_free(&packed->block);
  c2_arena_open_gaps((void *)(uintptr_t)packed->cache.data, packed->cache.size);
  c2_unmap(&packed->cache);
  free(packed->layer);
  free(packed);
}

static c2_status pack(packing *p, c2_pool *pool, const char *cache, c2_error *err) {
  c2_arena plan = {0};
  c2_cache_key key;
  p->arena = &plan;
  pack_all(p);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the packed weights' size overflows");
  if (!cache) return pack_into(p, plan.used, pool, err);
  C2_TRY(c2_model_digest(p->model, pool, err));
  c2_cache_describe(p->model, p->kernels->name, p->layout, plan.used, &key);
  if (c2_cache_find(p->model, &p->to->cache, cache, &key, pool)) {
    take_cached(p, plan.used);
    return C2_OK;
  }
  C2_TRY(pack_into(p, plan.used, pool, err));
  c2_cache_write(p->model, p->to->block.base, cache, &key, pool);
  return C2_OK;
}

c2_status c2_model_pack(chronos2_model *model, c2_pool *pool, const c2_kernels *kernels, const char *cache,
                        c2_error *err) {
  C2_TRY(check_dtype(model, err));
  const chronos2_config *c = &model->config;
  size_t stride = c2_round_up(c->d_model, C2_PANEL);
  size_t inner = c->heads * c->d_kv;
  c2_packed *packed = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *packed, &packed, err));
  model->prepared = (c2_prepared){.weights = packed, .close = close_packed};
  C2_TRY(c2_alloc_array(c->layers, sizeof *packed->layer, &packed->layer, err));
  packing p = {.model = model,
               .to = packed,
               .kernels = kernels,
               .band_room = c2_band_room(model),
               .values_size = stride * inner};
  p.product_size = c2_min_size(p.band_room / inner, c->d_model) * stride;
  C2_TRY(pack(&p, pool, cache, err));
  model->prepared.bytes = packed->block.size + packed->cache.size;
  return C2_OK;
}
