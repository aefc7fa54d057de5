/* Scores in order, and the one of a rank. */
#include "study/statistics/conformal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/statistics/statistics.h"

c2_status c2_conformal_add(c2_conformal *c, double score, c2_error *err) {
  C2_TRY(c2_grow_array(&c->score, &c->capacity, c->count + 1, sizeof *c->score, err));
  c->score[c->count++] = score;
  return C2_OK;
}

c2_status c2_conformal_order(c2_conformal *c, c2_error *err) {
  size_t old = c->ordered;
  size_t added = c->count - old;
  double *fresh = NULL;
  if (added == 0) return C2_OK;
  c2_sort(c->score + old, added);
  c->ordered = c->count;
  if (old == 0) return C2_OK;
  C2_TRY(c2_alloc_array(added, sizeof *fresh, &fresh, err));
  memcpy(fresh, c->score + old, added * sizeof *fresh);
  for (size_t to = c->count; added > 0;) { /* from the largest on, in place */
    c->score[--to] = old > 0 && c->score[old - 1] > fresh[added - 1] ? c->score[--old] : fresh[--added];
  }
  free(fresh);
  return C2_OK;
}

/* The smallest rank k with k / (n + 1) >= coverage. A product such as 0.99 * 100 counts as the whole number that it
 * would be without rounding. */
static double rank_of(double coverage, size_t count) {
  return ceil(coverage * (double)(count + 1) - 1e-9);
}

size_t c2_conformal_least(double coverage) {
  return (size_t)fmax(1, ceil(coverage / (1 - coverage) - 1e-6));
}

double c2_conformal_threshold(const c2_conformal *c, double coverage) {
  double rank = rank_of(coverage, c->count);
  return rank <= (double)c->count && rank >= 1 ? c->score[(size_t)rank - 1] : (double)NAN;
}

double c2_conformal_threshold_of_others(const c2_conformal *c, double score, double coverage) {
  double others = (double)c->count - 1;
  double rank = c->count > 0 ? rank_of(coverage, c->count - 1) : (double)INFINITY;
  if (!(rank <= others && rank >= 1)) return (double)NAN;
  size_t at = (size_t)rank - 1;
  return c->score[c->score[at] < score ? at : at + 1]; /* those behind the score move up by one */
}

void c2_conformal_free(c2_conformal *c) {
  free(c->score);
  memset(c, 0, sizeof *c);
}
