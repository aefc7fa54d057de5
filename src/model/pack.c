/* Copies [out][in] matrices into panels (kernels/kernels.h): one layout for every instruction set. */
#include "model/pack.h"

#include <string.h>

#include "kernels/kernels.h"

/* Rows [0, rows) of w [rows][depth] become columns first.. of the panels. */
static void fill_panels(float *panels, size_t first, const float *w, size_t rows, size_t depth) {
  for (size_t i = 0; i < rows; i++) {
    size_t column = first + i;
    float *panel = panels + column / C2_PANEL * C2_PANEL * depth + column % C2_PANEL;
    for (size_t k = 0; k < depth; k++) panel[k * C2_PANEL] = w[i * depth + k];
  }
}

/* Panels of up to three matrices side by side, all [rows][depth]. */
static const float *pack(c2_arena *arena, const float *const *parts, size_t count, size_t rows, size_t depth) {
  size_t columns = c2_round_up(count * rows, C2_PANEL);
  float *panels = C2_CARVE(arena, float, columns *depth);
  if (!arena->base || !panels) return NULL;
  memset(panels, 0, columns * depth * sizeof *panels);
  for (size_t i = 0; i < count; i++) fill_panels(panels, i * rows, parts[i], rows, depth);
  return panels;
}

static const float *pack_bias(c2_arena *arena, const float *a, const float *b, size_t n) {
  size_t padded = c2_round_up(n, C2_PANEL);
  float *bias = C2_CARVE(arena, float, padded);
  if (!arena->base || !bias) return NULL;
  memset(bias, 0, padded * sizeof *bias);
  for (size_t i = 0; i < n; i++) bias[i] = a[i] + (b ? b[i] : 0.0f);
  return bias;
}

static c2_packed_residual pack_residual(c2_arena *arena, const c2_residual_weights *r, size_t in, size_t hidden,
                                        size_t out) {
  c2_packed_residual p;
  p.hidden = pack(arena, &r->hidden, 1, hidden, in);
  p.output = pack(arena, &r->output, 1, out, hidden);
  p.residual = pack(arena, &r->residual, 1, out, in);
  p.hidden_bias = pack_bias(arena, r->hidden_bias, NULL, hidden);
  p.bias = pack_bias(arena, r->output_bias, r->residual_bias, out);
  return p;
}

static void pack_all(chronos2_model *model, c2_arena *arena) {
  const chronos2_config *c = &model->config;
  c2_weights *w = &model->weights;
  size_t inner = c->heads * c->d_kv;
  w->packed_layer = C2_CARVE(arena, c2_packed_layer, c->layers);
  for (size_t i = 0; i < c->layers; i++) {
    const c2_layer_weights *l = &w->layer[i];
    const float *time[] = {l->time.q, l->time.k, l->time.v};
    const float *group[] = {l->group.q, l->group.k, l->group.v};
    c2_packed_layer p;
    p.time_qkv = pack(arena, time, 3, inner, c->d_model);
    p.time_o = pack(arena, &l->time.o, 1, c->d_model, inner);
    p.group_qkv = pack(arena, group, 3, inner, c->d_model);
    p.group_o = pack(arena, &l->group.o, 1, c->d_model, inner);
    p.wi = pack(arena, &l->wi, 1, c->d_ff, c->d_model);
    p.wo = pack(arena, &l->wo, 1, c->d_model, c->d_ff);
    if (arena->base && !arena->failed) w->packed_layer[i] = p;
  }
  w->packed_embed = pack_residual(arena, &w->embed, 3 * c->patch, c->d_ff, c->d_model);
  w->packed_head = pack_residual(arena, &w->head, c->d_model, c->d_ff, c->quantiles * c->patch);
}

c2_status c2_model_pack(chronos2_model *model, c2_error *err) {
  c2_arena plan = {0};
  pack_all(model, &plan);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the packed weights' size overflows");
  C2_TRY(c2_block_open(&model->packed, plan.used, err));
  c2_arena arena = {.base = model->packed.base, .size = model->packed.size};
  pack_all(model, &arena);
  for (size_t i = 0; i < model->file_count; i++) c2_mapping_forget(&model->files[i].mapping);
  return C2_OK;
}
