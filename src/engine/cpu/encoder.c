/* The forward pass, as MODEL.md has it. */
#include "engine/cpu/encoder.h"

/* x += W_o relu(W_i rms(x)) */
static void feed_forward(const c2_span *s) {
  c2_norm(s, s->x, s->w->ffn_norm);
  c2_linear(s, s->hidden, s->normed, &s->w->wi, C2_RELU);
  c2_linear(s, s->x, s->hidden, &s->w->wo, C2_ADD);
}

/* x += W_o mixed */
static void project_back_task(void *context, size_t task, size_t worker) {
  c2_span s = c2_tail_span(context, task, worker);
  c2_linear(&s, s.x, s.mixed, &s.w->time_o, C2_ADD);
}

/* What follows time attention. In a group of one, group attention is a softmax over one key: W_o W_v rms(x), and the
 * layer ends here. For the others q, k and v of group attention. */
static void after_time_task(void *context, size_t task, size_t worker) {
  c2_span s = c2_tail_span(context, task, worker);
  if (!s.e->layout.padded) c2_linear(&s, s.x, s.mixed, &s.w->time_o, C2_ADD);
  c2_norm(&s, s.x, s.w->group_norm);
  if (s.e->layout.padded) c2_take_means(&s);
  if (s.first < s.e->tail->grouped) {
    c2_linear(&s, s.qkv, s.normed, &s.w->group_qkv, C2_SET);
    return;
  }
  c2_linear(&s, s.x, s.normed, &s.w->group_ov, C2_ADD);
  feed_forward(&s);
}

static void after_group_task(void *context, size_t task, size_t worker) {
  c2_span s = c2_tail_span(context, task, worker);
  c2_linear(&s, s.x, s.mixed, &s.w->group_o, C2_ADD);
  feed_forward(&s);
}

static void run_layer(c2_encoder *e) {
  c2_run_time_attention(e);
  if (e->fill && e->layer + 1 == e->config->layers) return; /* its keys and values were all that was wanted */
  size_t grouped = c2_spans(e, e->tail->grouped);
  size_t alone = c2_spans(e, e->tail->count - e->tail->grouped);
  if (e->layout.padded) { /* masked tokens may see other rows before those go on */
    c2_pool_run(e->pool, grouped + alone, project_back_task, e);
    c2_run_means(e);
  }
  c2_pool_run(e->pool, grouped + alone, after_time_task, e);
  if (grouped == 0) return;
  c2_run_group_attention(e);
  c2_pool_run(e->pool, grouped, after_group_task, e);
}

static void run(c2_encoder *e) {
  c2_run_embedding(e);
  for (e->layer = 0; e->layer < e->config->layers; e->layer++) run_layer(e);
}

/* Each token at its place in the padded row. */
static void write_hidden(const c2_encoder *e) {
  const chronos2_config *c = e->config;
  const c2_layout *l = &e->layout;
  size_t tokens = l->deepest + 1 + e->batch->output_patches;
  for (size_t t = 0; t < l->tokens; t++) {
    size_t place = (size_t)((int64_t)l->deepest + l->position[t]);
    float *to = e->result->hidden + (e->batch->row[l->row_of[t]].slot * tokens + place) * c->d_model;
    e->kernels->rms_norm(to, c->d_model, e->all.x.at + t * e->all.x.stride, e->all.x.stride, e->w->final_norm,
                         c->d_model, 1, (float)c->layer_norm_epsilon);
  }
}

static void finish(c2_encoder *e) {
  const c2_result *result = e->result;
  if (result->hidden) {
    write_hidden(e);
  } else if (result->steps > 0) {
    c2_run_head(e);
  }
  for (size_t r = 0; r < e->batch->rows; r++) {
    if (result->loc) result->loc[e->batch->row[r].slot] = e->layout.scaler[r].loc;
    if (result->scale) result->scale[e->batch->row[r].slot] = e->layout.scaler[r].scale;
  }
}

c2_status c2_cpu_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, size_t *bytes,
                      c2_error *err) {
  c2_encoder e = c2_encoder_of(engine, batch, result);
  return c2_encoder_measure(&e, true, bytes, err);
}

c2_status c2_cpu_pass(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  c2_encoder e = c2_encoder_of(engine, batch, result);
  C2_TRY(c2_encoder_begin(&e, err));
  c2_layout_work(&e.layout, e.config, batch->output_patches, engine->blind, result->hidden, &engine->work);
  run(&e);
  finish(&e);
  return C2_OK;
}

/* ---- Prefill and decode ------------------------------------------------------------------------ */

c2_status c2_cpu_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err) {
  c2_batch contexts = *batch;
  contexts.null_future = true;
  if (engine->pattern.attention == CHRONOS2_WINDOWED_FUTURE_GLOBAL) contexts.output_patches = 0; /* nobody sees them */
  c2_encoder e = c2_encoder_of(engine, &contexts, NULL);
  C2_TRY(c2_encoder_begin(&e, err));
  c2_status status = c2_kv_open(&e.fill, &e.layout, e.config, c2_cpu_attention_type(engine), &contexts, err);
  if (e.fill) *cache = &e.fill->base;
  if (status == C2_OK) run(&e);
  return status;
}

c2_status c2_cpu_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                        c2_error *err) {
  c2_encoder e = c2_encoder_of(engine, batch, result);
  e.past = (const c2_cpu_kv *)cache;
  for (size_t r = 0; r < batch->rows; r++) {
    if (e.past->tokens[batch->row[r].slot % e.past->rows] != c2_context_tokens(&batch->row[r], e.config, batch)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "the contexts are not those that were encoded");
    }
  }
  C2_TRY(c2_encoder_begin(&e, err));
  run(&e);
  finish(&e);
  return C2_OK;
}
