/* Masked tokens, which are computed where all hidden states are wanted. Upstream adds the lowest float to the score of
 * each key that may not be seen: where none may be, all of them weigh the same. Those are, in time attention, all
 * tokens of the padded row, and in group attention the tokens of all rows of the pass at the position.
 *
 * A mean of values is the value of a mean, so such a token of group attention, an orphan, goes through the layer as a
 * token that sees itself alone, with the mean of all rows' norms in place of its own. */
#include <string.h>

#include "engine/cpu/encoder.h"

/* Time attention of a row and head, after it has run: queries that saw nothing get the mean of the row's values. */
void c2_spread_evenly(const c2_encoder *e, const c2_attend *a, size_t row) {
  uint32_t first = e->layout.row_first[row];
  size_t tokens = e->layout.row_first[row + 1] - first;
  for (size_t q = e->layout.live[row]; q < a->queries; q++) {
    const c2_range *range = &a->range[q];
    if (range->last > range->first || range->last2 > range->first2) continue;
    float *out = a->out + a->q_row[q] * a->out_stride;
    for (size_t j = 0; j < a->head; j++) {
      double sum = 0;
      for (size_t t = 0; t < tokens; t++) sum += (double)a->v[(first + t) * a->kv_stride + j];
      out[j] = (float)(sum / (double)tokens);
    }
  }
}

/* The mean over all rows of rms(x) at a context patch that has an orphan. */
static void mean_task(void *context, size_t patch, size_t worker) {
  const c2_encoder *e = context;
  const c2_layout *l = &e->layout;
  size_t d = e->config->d_model;
  float *mean = e->mean.at + patch * e->mean.stride;
  float *normed = e->worker[worker].normed.at;
  bool wanted = false;
  for (size_t r = 0; r < l->rows; r++) wanted = wanted || l->orphan[l->token_at[r * l->deepest + patch]];
  if (!wanted) return;
  memset(mean, 0, d * sizeof *mean);
  for (size_t r = 0; r < l->rows; r++) {
    const float *x = e->all.x.at + l->token_at[r * l->deepest + patch] * e->all.x.stride;
    e->kernels->rms_norm(normed, e->all.x.stride, x, e->all.x.stride, e->w->layer[e->layer].group_norm, d, 1,
                         (float)e->config->layer_norm_epsilon);
    for (size_t j = 0; j < d; j++) mean[j] += normed[j];
  }
  for (size_t j = 0; j < d; j++) mean[j] /= (float)l->rows;
}

void c2_run_means(c2_encoder *e) {
  c2_pool_run(e->pool, e->layout.deepest, mean_task, e);
}

/* Puts the means in the place of the norms of a span's orphans. */
void c2_take_means(const c2_span *s) {
  const c2_encoder *e = s->e;
  for (size_t i = 0; i < s->rows; i++) {
    if (!e->layout.orphan[s->first + i]) continue;
    size_t patch = (size_t)((int64_t)e->layout.deepest + e->layout.position[s->first + i]);
    memcpy(s->normed.at + i * s->normed.stride, e->mean.at + patch * e->mean.stride,
           e->config->d_model * sizeof(float));
  }
}
