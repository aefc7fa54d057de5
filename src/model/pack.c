/* Copies [out][in] matrices into panels (kernels/kernels.h): one layout for every instruction set. */
#include "model/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "model/cache.h"

/* What fills a matrix, once all are carved: rows of `from`, or the product W_o W_v. */
typedef struct job {
  c2_matrix to;
  size_t column;     /* that the first row becomes */
  const float *from; /* [rows][depth] */
  size_t rows;
  const c2_attention_weights *product; /* NULL: a matrix of the file */
} job;

typedef struct packing {
  const chronos2_model *model;
  c2_arena *arena;
  bool filled; /* what is carved holds its values already */
  job *jobs;   /* [jobs_count]; NULL while planning */
  size_t job_count;
  float *scratch;      /* a worker's [values_size + product_size] */
  size_t values_size;  /* W_v in panels: [D rounded up to whole panels][I] */
  size_t product_size; /* [D][D rounded up] */
} packing;

static uint16_t to_bf16(float x) {
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* to the nearest, ties to the even one */
}

/* w [depth] becomes a column. Terms that share a word lie side by side. */
static void fill_column(const c2_matrix *m, size_t column, const float *w) {
  uint32_t *word = (uint32_t *)m->panels + column / C2_PANEL * m->stride + column % C2_PANEL;
  if (m->dtype == CHRONOS2_FP32) {
    float *to = (float *)(void *)word;
    for (size_t k = 0; k < m->depth; k++) to[k * C2_PANEL] = w[k];
  } else if (m->dtype == CHRONOS2_BF16) {
    uint16_t *to = (uint16_t *)(void *)word;
    for (size_t k = 0; k < m->depth; k++) to[k / 2 * 2 * C2_PANEL + k % 2] = to_bf16(w[k]);
  } else {
    int8_t *to = (int8_t *)(void *)word;
    float top = 0.0f;
    int32_t sum = 0;
    for (size_t k = 0; k < m->depth; k++) top = fmaxf(top, fabsf(w[k]));
    float inverse = top > C2_QUANTIZE_LEAST ? 127.0f / top : 0.0f;
    for (size_t k = 0; k < m->depth; k++) {
      int8_t q = (int8_t)lrintf(w[k] * inverse);
      to[k / 4 * 4 * C2_PANEL + k % 4] = q;
      sum += q;
    }
    m->scale[column] = top / 127.0f;
    m->shift[column] = 128 * sum;
  }
}

/* An empty matrix; its panels are NULL while planning. */
static c2_matrix carve(const packing *p, chronos2_dtype dtype, size_t columns, size_t depth) {
  size_t terms = dtype == CHRONOS2_FP32 ? 1 : dtype == CHRONOS2_BF16 ? 2 : 4;
  c2_matrix m = {.dtype = dtype, .depth = depth, .stride = (depth + terms - 1) / terms * C2_PANEL};
  size_t padded = c2_round_up(columns, C2_PANEL);
  size_t words = padded / C2_PANEL * m.stride;
  size_t scales = dtype == CHRONOS2_INT8 ? padded : 0;
  uint32_t *panels = C2_CARVE(p->arena, uint32_t, words);
  m.scale = C2_CARVE(p->arena, float, scales);
  m.shift = C2_CARVE(p->arena, int32_t, scales);
  if (!p->arena->base || p->arena->failed) return m;
  m.panels = panels;
  if (p->filled) return m;
  if (padded != columns || depth % terms != 0) memset(panels, 0, words * sizeof *panels); /* else all is filled */
  memset(m.scale, 0, scales * sizeof *m.scale);
  memset(m.shift, 0, scales * sizeof *m.shift);
  return m;
}

static void add_job(packing *p, job j) {
  if (p->jobs) p->jobs[p->job_count] = j;
  p->job_count++;
}

/* Up to three matrices side by side, all [rows][depth]. */
static c2_matrix pack(packing *p, chronos2_dtype dtype, const float *const *parts, size_t count, size_t rows,
                      size_t depth) {
  c2_matrix m = carve(p, dtype, count * rows, depth);
  for (size_t part = 0; part < count; part++) {
    add_job(p, (job){.to = m, .column = part * rows, .from = parts[part], .rows = rows});
  }
  return m;
}

static c2_matrix pack_product(packing *p, const c2_attention_weights *w, size_t d) {
  c2_matrix m = carve(p, p->model->dtype, d, d);
  add_job(p, (job){.to = m, .rows = d, .product = w});
  return m;
}

/* W_o W_v. In float32: its rounding is of the size of that which two products one after the other have. */
static void fill_product(const packing *p, const job *j, float *values, float *product) {
  const chronos2_config *c = &p->model->config;
  size_t d = c->d_model;
  size_t inner = c->heads * c->d_kv;
  size_t stride = c2_round_up(d, C2_PANEL);
  memset(values, 0, p->values_size * sizeof *values);
  for (size_t i = 0; i < inner; i++) {
    for (size_t k = 0; k < d; k++) {
      values[k / C2_PANEL * C2_PANEL * inner + i * C2_PANEL + k % C2_PANEL] = j->product->v[i * d + k];
    }
  }
  c2_gemm g = {.a = j->product->o,
               .a_stride = inner,
               .b = values,
               .b_stride = inner * C2_PANEL,
               .depth = inner,
               .c = product,
               .c_stride = stride};
  c2_kernels_of(c2_isa_detect())->gemm(&g, d, 0, stride / C2_PANEL);
  for (size_t i = 0; i < d; i++) fill_column(&j->to, i, product + i * stride);
}

static void run_job(void *context, size_t task, size_t worker) {
  const packing *p = context;
  const job *j = &p->jobs[task];
  float *values = p->scratch + worker * (p->values_size + p->product_size);
  if (j->product) {
    fill_product(p, j, values, values + p->values_size);
    return;
  }
  for (size_t i = 0; i < j->rows; i++) fill_column(&j->to, j->column + i, j->from + i * j->to.depth);
  c2_weights_forget(p->model, j->from, j->rows * j->to.depth);
}

static const float *pack_bias(const packing *p, const float *a, const float *b, size_t n) {
  size_t padded = c2_round_up(n, C2_PANEL);
  float *bias = C2_CARVE(p->arena, float, padded);
  if (!p->arena->base || !bias || p->filled) return bias;
  memset(bias, 0, padded * sizeof *bias);
  for (size_t i = 0; i < n; i++) bias[i] = a[i] + (b ? b[i] : 0.0f);
  return bias;
}

/* Always in float32: a fortieth of the work, and where a narrow type would cost most of the accuracy. */
static c2_packed_residual pack_residual(packing *p, const c2_residual_weights *r, size_t in, size_t hidden,
                                        size_t out) {
  c2_packed_residual packed;
  packed.hidden = pack(p, CHRONOS2_FP32, &r->hidden, 1, hidden, in);
  packed.output = pack(p, CHRONOS2_FP32, &r->output, 1, out, hidden);
  packed.residual = pack(p, CHRONOS2_FP32, &r->residual, 1, out, in);
  packed.hidden_bias = pack_bias(p, r->hidden_bias, NULL, hidden);
  packed.bias = pack_bias(p, r->output_bias, r->residual_bias, out);
  return packed;
}

static c2_packed_layer pack_layer(packing *p, const c2_layer_weights *l) {
  const chronos2_config *c = &p->model->config;
  chronos2_dtype dtype = p->model->dtype;
  size_t inner = c->heads * c->d_kv;
  const float *time[] = {l->time.q, l->time.k, l->time.v};
  const float *group[] = {l->group.q, l->group.k, l->group.v};
  c2_packed_layer packed;
  packed.time_qkv = pack(p, dtype, time, 3, inner, c->d_model);
  packed.time_o = pack(p, dtype, &l->time.o, 1, c->d_model, inner);
  packed.group_ov = pack_product(p, &l->group, c->d_model);
  packed.group_qkv = pack(p, dtype, group, 3, inner, c->d_model);
  packed.group_o = pack(p, dtype, &l->group.o, 1, c->d_model, inner);
  packed.wi = pack(p, dtype, &l->wi, 1, c->d_ff, c->d_model);
  packed.wo = pack(p, dtype, &l->wo, 1, c->d_model, c->d_ff);
  return packed;
}

static void pack_all(chronos2_model *model, packing *p) {
  const chronos2_config *c = &model->config;
  c2_weights *w = &model->weights;
  w->packed_layer = C2_CARVE(p->arena, c2_packed_layer, c->layers);
  for (size_t i = 0; i < c->layers; i++) {
    c2_packed_layer packed = pack_layer(p, &w->layer[i]);
    if (p->arena->base && !p->arena->failed) w->packed_layer[i] = packed;
  }
  w->packed_embed = pack_residual(p, &w->embed, 3 * c->patch, c->d_ff, c->d_model);
  w->packed_head = pack_residual(p, &w->head, c->d_model, c->d_ff, c->quantiles * c->patch);
}

static c2_status check_dtype(const chronos2_model *model, c2_error *err) {
  const chronos2_config *c = &model->config;
  size_t depth = c2_max_size(c2_max_size(c->d_model, c->d_ff), c2_max_size(c->heads * c->d_kv, 3 * c->patch));
  if (model->dtype < CHRONOS2_FP32 || model->dtype > CHRONOS2_INT8) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "dtype: unknown %d", (int)model->dtype);
  }
  if (model->dtype == CHRONOS2_INT8 && depth > C2_INT8_DEPTH) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "dtype: int8 sums of %zu terms may overflow; expected at most %d", depth,
            C2_INT8_DEPTH);
  }
  return C2_OK;
}

/* Matrices that the cache holds: only where they lie is set. */
static c2_status take_cached(chronos2_model *model, packing *p, size_t size, c2_error *err) {
  if (model->cache.size - C2_CACHE_HEADER != size) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: its packed weights in the cache have %zu bytes, expected %zu; delete them",
            model->files[0].path, model->cache.size - C2_CACHE_HEADER, size);
  }
  c2_arena arena = {.base = (unsigned char *)(size_t)model->cache.data + C2_CACHE_HEADER, .size = size};
  p->arena = &arena;
  p->filled = true;
  pack_all(model, p);
  return C2_OK;
}

c2_status c2_model_pack(chronos2_model *model, c2_pool *pool, c2_error *err) {
  C2_TRY(check_dtype(model, err));
  size_t stride = c2_round_up(model->config.d_model, C2_PANEL);
  c2_arena plan = {0};
  packing p = {.model = model,
               .arena = &plan,
               .values_size = stride * model->config.heads * model->config.d_kv,
               .product_size = stride * model->config.d_model};
  c2_status status = C2_OK;
  pack_all(model, &p);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the packed weights' size overflows");
  if (model->cache.data) return take_cached(model, &p, plan.used, err);
  C2_TRY(c2_block_open(&model->packed, plan.used, err));
  model->packed_bytes = plan.used;
  c2_arena arena = {.base = model->packed.base, .size = model->packed.size};
  p.arena = &arena;
  size_t scratch = (p.values_size + p.product_size) * sizeof(float);
  C2_GOTO(c2_alloc_array(c2_pool_threads(pool), scratch, &p.scratch, err));
  C2_GOTO(c2_alloc_array(p.job_count, sizeof *p.jobs, &p.jobs, err));
  p.job_count = 0;
  pack_all(model, &p);
  c2_pool_run(pool, p.job_count, run_job, &p);
fail:
  free(p.scratch);
  free(p.jobs);
  return status;
}
