/* Spans of tokens: how they are cut, and the arithmetic that is local to a token. */
#include "engine/cpu/encoder.h"

size_t c2_spans(const c2_encoder *e, size_t count) {
  return (count + e->span - 1) / e->span;
}

static c2_rows from_row(c2_rows rows, size_t first) {
  rows.at += first * rows.stride;
  return rows;
}

static c2_span span_at(const c2_encoder *e, const c2_tokens *tokens, size_t first, size_t end, size_t worker) {
  const c2_worker *own = &e->worker[worker];
  return (c2_span){.e = e,
                   .w = &e->w->layer[e->layer],
                   .first = first,
                   .rows = c2_min_size(e->span, end - first),
                   .x = from_row(tokens->x, first),
                   .qkv = from_row(tokens->qkv, first),
                   .mixed = from_row(tokens->mixed, first),
                   .normed = own->normed,
                   .hidden = own->hidden,
                   .wide = own->wide,
                   .left = own->left};
}

c2_span c2_span_of(const c2_encoder *e, const c2_tokens *tokens, size_t task, size_t worker) {
  return span_at(e, tokens, task * e->span, tokens->count, worker);
}

c2_span c2_tail_span(const c2_encoder *e, size_t task, size_t worker) {
  const c2_tokens *tokens = e->tail;
  size_t grouped = c2_spans(e, tokens->grouped);
  if (task < grouped) return span_at(e, tokens, task * e->span, tokens->grouped, worker);
  return span_at(e, tokens, tokens->grouped + (task - grouped) * e->span, tokens->count, worker);
}

void c2_linear_columns(const c2_span *s, c2_rows to, c2_rows from, const c2_matrix *w, size_t first, size_t last,
                       c2_how how) {
  const c2_kernels *k = s->e->kernels;
  c2_gemm g = {.a = {.data = from.at, .stride = from.stride},
               .b = w->panels,
               .depth = w->depth,
               .c = to.at,
               .c_stride = to.stride,
               .bias = w->bias,
               .relu = how == C2_RELU,
               .accumulate = how == C2_ADD};
  if (w->panels.type != C2_TYPE_FP32) {
    g.a = s->left;
    k->round(&g.a, from.at, from.stride, w->depth, s->rows);
  }
  k->gemm(&g, s->rows, first / C2_PANEL, (last + C2_PANEL - 1) / C2_PANEL);
}

void c2_linear(const c2_span *s, c2_rows to, c2_rows from, const c2_matrix *w, c2_how how) {
  c2_linear_columns(s, to, from, w, 0, w->columns, how);
}

void c2_residual_block(const c2_span *s, c2_rows to, c2_rows from, const c2_packed_residual *w) {
  c2_linear(s, s->hidden, from, &w->hidden, C2_RELU);
  c2_linear(s, to, from, &w->residual, C2_SET);
  c2_linear(s, to, s->hidden, &w->output, C2_ADD);
}

void c2_norm(const c2_span *s, c2_rows x, const float *weight) {
  const chronos2_config *c = s->e->config;
  s->e->kernels->rms_norm(s->normed.at, s->normed.stride, x.at, x.stride, weight, c->d_model, s->rows,
                          (float)c->layer_norm_epsilon);
}
