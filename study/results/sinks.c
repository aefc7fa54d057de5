/* Attention sinks: heads whose context queries rest their attention on future tokens, on REG or on the first token, and
 * what forecasts lose when a head can't see the future. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/results/results.h"

/* Means over the tasks that have the shares; those don't depend on the radius, so each head's first row is read. */
static c2_sink_row sum_head(const c2_results *r, size_t head) {
  double sum[3] = {0, 0, 0};
  size_t n = 0;
  for (size_t t = 0; t < r->done; t++) {
    const c2_share *share = &r->task[t].head[head * r->radii.count].share;
    if (!isfinite(share->future)) continue;
    sum[0] += share->future;
    sum[1] += share->reg;
    sum[2] += share->first;
    n++;
  }
  return (c2_sink_row){.layer = head / r->heads,
                       .head = head % r->heads,
                       .tasks = n,
                       .future = sum[0] / (double)n,
                       .reg = sum[1] / (double)n,
                       .first = sum[2] / (double)n};
}

static double loss(const c2_sink_row *row) {
  return isnan(row->change->test.mean) ? -(double)INFINITY : row->change->test.mean;
}

/* The costliest head first. */
static int by_loss(const void *a, const void *b) {
  const c2_sink_row *x = a;
  const c2_sink_row *y = b;
  if (loss(x) != loss(y)) return loss(x) < loss(y) ? 1 : -1;
  if (x->layer != y->layer) return x->layer > y->layer ? 1 : -1;
  return (x->head > y->head) - (x->head < y->head);
}

c2_status c2_sum_sinks(const c2_plan *plan, const c2_results *r, c2_summary *summary, c2_error *err) {
  size_t heads = r->layers * r->heads;
  if (r->done == 0 || r->task[0].head_count == 0) return C2_OK; /* others' probes don't tell of heads */
  C2_TRY(c2_pool_alloc(&summary->pool, heads, sizeof *summary->sink, &summary->sink, err));
  for (size_t i = 0; i < heads; i++) summary->sink[i] = sum_head(r, i);
  for (size_t k = 0; k < r->arms; k++) {
    if (r->arm[k].blindness != C2_BLIND_ONE) continue;
    chronos2_head head = *r->arm[k].blind.at;
    summary->sink[head.layer * r->heads + head.head].change = c2_change_of(summary, k, 0);
  }
  if (!plan->find_sinks || r->arms == 0) return C2_OK;
  C2_TRY(c2_pool_alloc(&summary->pool, heads, sizeof *summary->ranked, &summary->ranked, err));
  memcpy(summary->ranked, summary->sink, heads * sizeof *summary->sink);
  qsort(summary->ranked, heads, sizeof *summary->ranked, by_loss);
  for (size_t i = 0; i < heads; i++) summary->ranked[i].rank = i + 1;
  return C2_OK;
}
