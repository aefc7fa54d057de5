/* Rows of attention as an observer gets them. */
#include "engine/observe.h"

#include <string.h>

/* Puts the weight of the next of the live keys where its token stands. */
static void place(const c2_observed *o, size_t token, const float **weights) {
  o->weights[token] = *(*weights)++;
  o->live[token] = true;
}

void c2_observe(const c2_observed *o, size_t query, const float *weights, size_t keys) {
  chronos2_attention_fn observer = o->engine->observer;
  const c2_row *r = &o->batch->row[o->row];
  size_t patch = o->engine->model->config.patch;
  const int32_t *position = o->layout->position + o->layout->row_first[o->row];
  size_t context = c2_row_patches(r, patch, o->batch->context_limit);
  size_t tokens = context + 1 + o->batch->output_patches;
  const float *next = weights;
  const c2_range *range = &o->range[query];
  bool blank = range->first == range->last && range->first2 == range->last2; /* sees no token, so all of them alike */
  bool padding = (int64_t)context + position[query] < 0;
  if (!observer || padding || (o->prefill && position[query] > 0)) return;
  memset(o->weights, 0, tokens * sizeof(float));
  memset(o->live, 0, tokens * sizeof(bool));
  for (size_t i = 0; o->decode && i <= context; i++) {
    if (i == context || c2_live_patch(r, patch, o->batch->context_limit, i)) place(o, i, &next);
  }
  for (size_t i = 0; next < weights + keys; i++) place(o, (size_t)((int64_t)context + position[i]), &next);
  for (size_t i = 0; blank && i < tokens; i++) o->weights[i] = 1.0f / (float)tokens;
  chronos2_attention_row row = {.series = o->engine->first_series + r->series,
                                .row = r->member,
                                .path = r->path,
                                .step = o->batch->first_step,
                                .layer = o->layer,
                                .head = o->head,
                                .query = (size_t)((int64_t)context + position[query]),
                                .tokens = tokens,
                                .context = context + 1,
                                .masked = query >= o->layout->live[o->row],
                                .weights = o->weights,
                                .live = o->live};
  observer(o->engine->observer_user, &row);
}
