/* The two ends of a pass: from values to hidden states, and from hidden states to quantiles. */
#include <string.h>

#include "engine/cpu/encoder.h"
#include "series/normalize.h"

/* ---- Embedding -------------------------------------------------------------------------------- */

static void features_of(const c2_encoder *e, uint32_t token, float *features) {
  const chronos2_config *c = e->config;
  uint32_t r = e->layout.row_of[token];
  const c2_row *row = &e->batch->row[r];
  int32_t position = e->layout.position[token];
  ptrdiff_t patch = (ptrdiff_t)c->patch;
  if (position < 0) {
    ptrdiff_t length = (ptrdiff_t)row->length;
    ptrdiff_t begin = length - (ptrdiff_t)c2_min_size(row->length, e->batch->context_limit);
    c2_patch_features(features, &e->layout.scaler[r], row->context, begin, length, length + position * patch, c->patch,
                      (double)(position * patch), c->time_encoding_scale);
  } else {
    ptrdiff_t first = (position - 1) * patch;
    size_t known = e->batch->null_future ? 0 : row->future_length;
    c2_patch_features(features, &e->layout.scaler[r], row->future, 0, (ptrdiff_t)known, first, c->patch, (double)first,
                      c->time_encoding_scale);
  }
}

static bool is_reg(const c2_encoder *e, size_t token) {
  return e->layout.position[token] == 0;
}

static void embed_task(void *context, size_t task, size_t worker) {
  const c2_encoder *e = context;
  c2_span s = c2_span_of(e, &e->all, task, worker);
  for (size_t i = 0; i < s.rows; i++) {
    float *features = s.wide.at + i * s.wide.stride;
    if (is_reg(e, s.first + i)) {
      memset(features, 0, 3 * e->config->patch * sizeof *features); /* set below */
    } else {
      features_of(e, (uint32_t)(s.first + i), features);
    }
  }
  c2_residual_block(&s, s.x, s.wide, &e->w->embed);
  for (size_t i = 0; i < s.rows; i++) {
    if (is_reg(e, s.first + i)) memcpy(s.x.at + i * s.x.stride, e->w->reg, e->config->d_model * sizeof(float));
  }
}

void c2_run_embedding(c2_encoder *e) {
  c2_pool_run(e->pool, c2_spans(e, e->all.count), embed_task, e);
}

/* ---- Quantiles -------------------------------------------------------------------------------- */

/* One future token's, from values [Q][P], as far as the forecast goes. */
static void write_quantiles(const c2_encoder *e, size_t token, const float *values) {
  const chronos2_config *c = e->config;
  size_t r = token / e->batch->output_patches;
  size_t step = token % e->batch->output_patches * c->patch;
  double *to = e->batch->row[r].quantiles;
  if (!to || step >= e->result->steps) return;
  size_t steps = c2_min_size(c->patch, e->result->steps - step);
  for (size_t q = 0; q < c->quantiles; q++) {
    for (size_t j = 0; j < steps; j++) {
      to[q * e->result->stride + step + j] =
          c2_scaler_invert(&e->layout.scaler[r], (double)values[q * c->patch + j]);
    }
  }
}

static void head_task(void *context, size_t task, size_t worker) {
  const c2_encoder *e = context;
  c2_span s = c2_span_of(e, &e->future, task, worker);
  c2_norm(&s, s.x, e->w->final_norm);
  c2_residual_block(&s, s.wide, s.normed, &e->w->head);
  for (size_t i = 0; i < s.rows; i++) write_quantiles(e, s.first + i, s.wide.at + i * s.wide.stride);
}

void c2_run_head(c2_encoder *e) {
  c2_pool_run(e->pool, c2_spans(e, e->future.count), head_task, e);
}
