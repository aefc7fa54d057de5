/* Copies [out][in] matrices into panels (kernels/kernels.h): one layout for every instruction set. */
#include "model/pack.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

typedef struct packing {
  const chronos2_model *model;
  c2_arena *arena;
  float *values;  /* [C2_PANEL * ceil(D / C2_PANEL)][I] in panels: W_v while W_o W_v is computed */
  float *product; /* [D][D rounded up to whole panels] */
} packing;

/* Rows [0, rows) of w [rows][depth], `stride` apart, become columns first.. of the panels. */
static void fill_panels(float *panels, size_t first, const float *w, size_t stride, size_t rows, size_t depth) {
  for (size_t i = 0; i < rows; i++) {
    size_t column = first + i;
    float *panel = panels + column / C2_PANEL * C2_PANEL * depth + column % C2_PANEL;
    for (size_t k = 0; k < depth; k++) panel[k * C2_PANEL] = w[i * stride + k];
  }
}

/* Zeroed panels of `columns` columns; NULL while planning. */
static float *carve_panels(const packing *p, size_t columns, size_t depth) {
  size_t count = c2_round_up(columns, C2_PANEL) * depth;
  float *panels = C2_CARVE(p->arena, float, count);
  if (!p->arena->base || !panels) return NULL;
  memset(panels, 0, count * sizeof *panels);
  return panels;
}

/* Panels of up to three matrices side by side, all [rows][depth]. */
static const float *pack(const packing *p, const float *const *parts, size_t count, size_t rows, size_t depth) {
  float *panels = carve_panels(p, count * rows, depth);
  for (size_t i = 0; panels && i < count; i++) {
    fill_panels(panels, i * rows, parts[i], depth, rows, depth);
    c2_weights_forget(p->model, parts[i], rows * depth);
  }
  return panels;
}

/* Panels of W_o W_v. In float32: its rounding is of the size of that which two products one after the other have. */
static const float *pack_product(const packing *p, const c2_attention_weights *w, size_t d, size_t inner) {
  float *panels = carve_panels(p, d, d);
  size_t stride = c2_round_up(d, C2_PANEL);
  if (!panels) return NULL;
  memset(p->values, 0, stride * inner * sizeof *p->values);
  for (size_t i = 0; i < inner; i++) {
    for (size_t k = 0; k < d; k++) {
      p->values[k / C2_PANEL * C2_PANEL * inner + i * C2_PANEL + k % C2_PANEL] = w->v[i * d + k];
    }
  }
  c2_gemm g = {.a = w->o,
               .a_stride = inner,
               .b = p->values,
               .b_stride = inner * C2_PANEL,
               .depth = inner,
               .c = p->product,
               .c_stride = stride};
  c2_kernels_of(c2_isa_detect())->gemm(&g, d, 0, stride / C2_PANEL);
  fill_panels(panels, 0, p->product, stride, d, d);
  return panels;
}

static const float *pack_bias(const packing *p, const float *a, const float *b, size_t n) {
  size_t padded = c2_round_up(n, C2_PANEL);
  float *bias = C2_CARVE(p->arena, float, padded);
  if (!p->arena->base || !bias) return NULL;
  memset(bias, 0, padded * sizeof *bias);
  for (size_t i = 0; i < n; i++) bias[i] = a[i] + (b ? b[i] : 0.0f);
  return bias;
}

static c2_packed_residual pack_residual(const packing *p, const c2_residual_weights *r, size_t in, size_t hidden,
                                        size_t out) {
  c2_packed_residual packed;
  packed.hidden = pack(p, &r->hidden, 1, hidden, in);
  packed.output = pack(p, &r->output, 1, out, hidden);
  packed.residual = pack(p, &r->residual, 1, out, in);
  packed.hidden_bias = pack_bias(p, r->hidden_bias, NULL, hidden);
  packed.bias = pack_bias(p, r->output_bias, r->residual_bias, out);
  return packed;
}

static c2_packed_layer pack_layer(const packing *p, const c2_layer_weights *l) {
  const chronos2_config *c = &p->model->config;
  size_t inner = c->heads * c->d_kv;
  const float *time[] = {l->time.q, l->time.k, l->time.v};
  const float *group[] = {l->group.q, l->group.k, l->group.v};
  c2_packed_layer packed;
  packed.time_qkv = pack(p, time, 3, inner, c->d_model);
  packed.time_o = pack(p, &l->time.o, 1, c->d_model, inner);
  packed.group_ov = pack_product(p, &l->group, c->d_model, inner);
  packed.group_qkv = pack(p, group, 3, inner, c->d_model);
  packed.group_o = pack(p, &l->group.o, 1, c->d_model, inner);
  packed.wi = pack(p, &l->wi, 1, c->d_ff, c->d_model);
  packed.wo = pack(p, &l->wo, 1, c->d_model, c->d_ff);
  return packed;
}

static void pack_all(chronos2_model *model, const packing *p) {
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

c2_status c2_model_pack(chronos2_model *model, c2_error *err) {
  size_t stride = c2_round_up(model->config.d_model, C2_PANEL);
  c2_arena plan = {0};
  packing p = {.model = model, .arena = &plan};
  c2_status status = C2_OK;
  pack_all(model, &p);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the packed weights' size overflows");
  C2_TRY(c2_block_open(&model->packed, plan.used, err));
  c2_arena arena = {.base = model->packed.base, .size = model->packed.size};
  p.arena = &arena;
  C2_GOTO(c2_alloc_array(stride * model->config.heads * model->config.d_kv, sizeof(float), &p.values, err));
  C2_GOTO(c2_alloc_array(stride * model->config.d_model, sizeof(float), &p.product, err));
  pack_all(model, &p);
fail:
  free(p.values);
  free(p.product);
  return status;
}
