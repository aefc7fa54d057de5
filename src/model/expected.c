/* Tensor names, shapes and initial spreads of Chronos-2, in one place. Listing and binding walk the same
 * code, so a tensor can't be expected and forgotten. */
#include "model/expected.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

typedef struct walker {
  chronos2_model *model;
  bool binding;
  size_t count;
  const char *prefix;
} walker;

static void visit(walker *w, const c2_expected **slot, const char *name, size_t rows, size_t columns,
                  double deviation) {
  size_t at = w->count++;
  if (w->binding) {
    *slot = &w->model->expected[at];
  } else if (w->model->expected) {
    c2_expected *e = &w->model->expected[at];
    (void)snprintf(e->name, sizeof e->name, "%s%s", w->prefix, name);
    e->index = at;
    e->dims = columns ? 2 : 1;
    e->shape[0] = rows;
    e->shape[1] = columns ? columns : 1;
    e->initial_deviation = deviation * w->model->config.initializer_factor;
  }
}

static void visit_attention(walker *w, c2_attention_weights *a, const char *block) {
  const chronos2_config *c = &w->model->config;
  char prefix[64];
  size_t inner = c->heads * c->d_kv;
  double d = (double)c->d_model;
  (void)snprintf(prefix, sizeof prefix, "%s", block);
  w->prefix = prefix;
  visit(w, &a->norm, "layer_norm.weight", c->d_model, 0, 0);
  visit(w, &a->q, "self_attention.q.weight", inner, c->d_model, 1 / sqrt(d * (double)c->d_kv));
  visit(w, &a->k, "self_attention.k.weight", inner, c->d_model, 1 / sqrt(d));
  visit(w, &a->v, "self_attention.v.weight", inner, c->d_model, 1 / sqrt(d));
  visit(w, &a->o, "self_attention.o.weight", c->d_model, inner, 1 / sqrt((double)inner));
}

static void visit_residual(walker *w, c2_residual_weights *r, const char *prefix, size_t in, size_t out) {
  size_t hidden = w->model->config.d_ff;
  double spread_in = 1 / sqrt((double)in);
  w->prefix = prefix;
  visit(w, &r->hidden, "hidden_layer.weight", hidden, in, spread_in);
  visit(w, &r->hidden_bias, "hidden_layer.bias", hidden, 0, 0);
  visit(w, &r->output, "output_layer.weight", out, hidden, 1 / sqrt((double)hidden));
  visit(w, &r->output_bias, "output_layer.bias", out, 0, 0);
  visit(w, &r->residual, "residual_layer.weight", out, in, spread_in);
  visit(w, &r->residual_bias, "residual_layer.bias", out, 0, 0);
}

static void walk(walker *w) {
  const chronos2_config *c = &w->model->config;
  c2_weights *t = &w->model->weights;
  char prefix[64];
  w->prefix = "";
  w->count = 0;
  visit(w, &t->shared, "shared.weight", 2, c->d_model, 1);
  visit_residual(w, &t->embed, "input_patch_embedding.", 3 * c->patch, c->d_model);
  for (size_t i = 0; i < c->layers; i++) {
    c2_layer_weights *layer = w->binding ? &t->layer[i] : &(c2_layer_weights){0};
    (void)snprintf(prefix, sizeof prefix, "encoder.block.%zu.layer.0.", i);
    visit_attention(w, &layer->time, prefix);
    (void)snprintf(prefix, sizeof prefix, "encoder.block.%zu.layer.1.", i);
    visit_attention(w, &layer->group, prefix);
    (void)snprintf(prefix, sizeof prefix, "encoder.block.%zu.layer.2.", i);
    w->prefix = prefix;
    visit(w, &layer->ffn_norm, "layer_norm.weight", c->d_model, 0, 0);
    visit(w, &layer->wi, "mlp.wi.weight", c->d_ff, c->d_model, 1 / sqrt((double)c->d_model));
    visit(w, &layer->wo, "mlp.wo.weight", c->d_model, c->d_ff, 1 / sqrt((double)c->d_ff));
  }
  w->prefix = "encoder.";
  visit(w, &t->final_norm, "final_layer_norm.weight", c->d_model, 0, 0);
  visit_residual(w, &t->head, "output_patch_embedding.", c->d_model, c->quantiles * c->patch);
}

c2_status c2_expected_list(chronos2_model *model, c2_error *err) {
  walker w = {.model = model};
  model->expected = NULL;
  walk(&w); /* counts */
  C2_TRY(c2_alloc_array(w.count, sizeof *model->expected, &model->expected, err));
  model->expected_count = w.count;
  walk(&w);
  model->parameters = 0;
  for (size_t i = 0; i < model->expected_count; i++) {
    c2_sum_up(&model->parameters, model->expected[i].shape[0], model->expected[i].shape[1]);
  }
  if (model->parameters > SIZE_MAX / sizeof(float)) C2_FAIL(err, C2_ERR_MEMORY, "the weights' size overflows");
  return C2_OK;
}

c2_status c2_expected_bind(chronos2_model *model, c2_error *err) {
  walker w = {.model = model, .binding = true};
  C2_TRY(c2_alloc_array(model->config.layers, sizeof *model->weights.layer, &model->weights.layer, err));
  walk(&w);
  assert(w.count == model->expected_count);
  return C2_OK;
}
