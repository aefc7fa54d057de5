/* Scores in order, and the one of a rank. */
#include "study/statistics/conformal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

c2_status c2_conformal_add(c2_conformal *c, double score, c2_error *err) {
  size_t low = 0;
  C2_TRY(c2_grow_array(&c->score, &c->capacity, c->count + 1, sizeof *c->score, err));
  for (size_t high = c->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    if (c->score[middle] <= score) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  memmove(c->score + low + 1, c->score + low, (c->count - low) * sizeof *c->score);
  c->score[low] = score;
  c->count++;
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

void c2_conformal_free(c2_conformal *c) {
  free(c->score);
  memset(c, 0, sizeof *c);
}
