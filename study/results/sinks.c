/* Attention sinks: heads whose context queries rest their attention on future tokens, on REG or on the first token, and
 * what forecasts lose when a head can't see the future. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/run.h"

enum { SHOWN = 3, RANKED = 5 };

/* ---- Sums ------------------------------------------------------------------------------------ */

/* Means over the tasks that have the shares; those don't depend on the radius, so each head's first row is read. */
static c2_sink_row sum_head(const c2_study *s, size_t head) {
  double sum[3] = {0, 0, 0};
  size_t n = 0;
  for (size_t t = 0; t < s->done; t++) {
    const c2_share *share = &s->result[t].head[head * s->options.radius_count].share;
    if (!isfinite(share->future)) continue;
    sum[0] += share->future;
    sum[1] += share->reg;
    sum[2] += share->first;
    n++;
  }
  return (c2_sink_row){.layer = head / s->heads,
                       .head = head % s->heads,
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

c2_status c2_study_sum_sinks(c2_study *s, c2_error *err) {
  size_t heads = s->layers * s->heads;
  if (s->done == 0 || s->result[0].head_count == 0) return C2_OK; /* others' probes don't tell of heads */
  C2_TRY(c2_alloc_array(heads, sizeof *s->sink, &s->sink, err));
  for (size_t i = 0; i < heads; i++) s->sink[i] = sum_head(s, i);
  for (size_t k = 0; k < s->arms; k++) {
    if (s->arm[k].blindness != C2_BLIND_ONE) continue;
    chronos2_head head = *s->arm[k].blind;
    s->sink[head.layer * s->heads + head.head].change = c2_study_equivalence(s, k, C2_MASE);
  }
  if (!s->options.find_sinks || s->arms == 0) return C2_OK;
  C2_TRY(c2_alloc_array(heads, sizeof *s->ranked, &s->ranked, err));
  memcpy(s->ranked, s->sink, heads * sizeof *s->sink);
  qsort(s->ranked, heads, sizeof *s->ranked, by_loss);
  return C2_OK;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static double most(const c2_sink_row *row) {
  return fmax(row->future, fmax(row->reg, row->first));
}

static void print_shares(FILE *out, const char *name, double future, double reg, double first) {
  (void)fprintf(out, "%-30s %9.1f%% %9.1f%% %11.1f%%\n", name, 100 * future, 100 * reg, 100 * first);
}

/* The heads that rest most of their attention on one thing. */
static void print_sinks(const c2_study *s, FILE *out) {
  size_t heads = s->layers * s->heads;
  double sum[3] = {0, 0, 0};
  const c2_sink_row *last = NULL;
  (void)fprintf(out, "%-30s %10s %10s %12s\n", "context's attention on", "future", "REG", "first token");
  for (size_t i = 0; i < heads; i++) {
    sum[0] += s->sink[i].future / (double)heads;
    sum[1] += s->sink[i].reg / (double)heads;
    sum[2] += s->sink[i].first / (double)heads;
  }
  print_shares(out, "mean of heads", sum[0], sum[1], sum[2]);
  for (size_t n = 0; n < SHOWN && n < heads; n++) {
    const c2_sink_row *best = NULL; /* after `last` */
    for (const c2_sink_row *row = s->sink; row < s->sink + heads; row++) {
      bool after = !last || most(row) < most(last) || (most(row) == most(last) && row > last);
      if (after && (!best || most(row) > most(best))) best = row;
    }
    if (!best) break; /* shares that are no numbers */
    char name[2 * C2_HEAD_ROOM];
    (void)snprintf(name, sizeof name, "layer %zu, head %zu", best->layer, best->head);
    print_shares(out, name, best->future, best->reg, best->first);
    last = best;
  }
}

static void print_ranked(const c2_study *s, FILE *out) {
  size_t heads = s->layers * s->heads;
  (void)fprintf(out, "%-30s %10s %23s %10s\n", "blind alone, against full", "MASE", "95% CI", "p (Holm)");
  for (size_t i = 0; i < RANKED && i < heads; i++) {
    const c2_sink_row *row = &s->ranked[i];
    const c2_equivalence *t = &row->change->test;
    char name[2 * C2_HEAD_ROOM];
    (void)snprintf(name, sizeof name, "layer %zu, head %zu", row->layer, row->head);
    (void)fprintf(out, "%-30s %+9.3g%% [%+9.3g%%, %+9.3g%%] %10.2g\n", name, c2_percent(t->mean), c2_percent(t->low_95),
                  c2_percent(t->high_95), row->change->p_holm);
  }
  if (heads > RANKED) {
    (void)fprintf(out, "%zu further heads change it by %+.3g%% at most\n", heads - RANKED,
                  c2_percent(s->ranked[RANKED].change->test.mean));
  }
}

void c2_study_print_sinks(const c2_study *s, FILE *out) {
  if (s->sink) print_sinks(s, out);
  if (s->ranked) print_ranked(s, out);
}
