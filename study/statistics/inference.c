/* Equivalence, ranks, corrections, redraws. Knows nothing of tasks and tables. */
#include "study/statistics/inference.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "study/statistics/statistics.h"

/* ---- Equivalence ----------------------------------------------------------------------------- */

void c2_equivalence_test(const double *x, size_t n, double margin, c2_equivalence *out) {
  const double nan = (double)NAN;
  *out = (c2_equivalence){n, c2_mean(x, n), c2_standard_deviation(x, n), nan, nan, nan, nan, nan, nan, nan, nan};
  if (n < 2) return;
  double df = (double)(n - 1);
  double error = sqrt(c2_variance(x, n) / (double)n);
  double half_90 = c2_student_quantile(0.1, df) * error;
  double half_95 = c2_student_quantile(0.05, df) * error;
  out->t = out->mean / error;
  out->p = c2_student_two_sided(out->t, df);
  out->low_90 = out->mean - half_90;
  out->high_90 = out->mean + half_90;
  out->low_95 = out->mean - half_95;
  out->high_95 = out->mean + half_95;
  double below = c2_student_upper((out->mean + margin) / error, df);
  double above = c2_student_upper(-(out->mean - margin) / error, df);
  out->p_equivalent = isnan(below) || isnan(above) ? nan : fmax(below, above);
  out->smallest_margin = fabs(out->mean) + half_90;
}

/* ---- Wilcoxon -------------------------------------------------------------------------------- */

typedef struct signed_rank {
  double size;
  bool positive;
  size_t twice; /* the rank, doubled: whole even where ties share one */
} signed_rank;

static int by_size(const void *a, const void *b) {
  double x = ((const signed_rank *)a)->size;
  double y = ((const signed_rank *)b)->size;
  return (x > y) - (x < y);
}

/* Ranks a sorted array; the sum of t^3 - t over ties of t. */
static double rank_all(signed_rank *r, size_t n) {
  double ties = 0;
  for (size_t i = 0; i < n;) {
    size_t end = i + 1;
    while (end < n && r[end].size == r[i].size) end++;
    double t = (double)(end - i);
    ties += t * t * t - t;
    for (size_t k = i; k < end; k++) r[k].twice = i + end + 1;
    i = end;
  }
  return ties;
}

/* Two-sided p of the doubled sum of positive ranks, from the number of ways to sign the ranks for each sum. */
static c2_status exact_p(const signed_rank *r, size_t n, size_t sum, double *p, c2_error *err) {
  size_t most = n * (n + 1); /* the doubled sum of all ranks */
  double *ways = NULL;
  double below = 0;
  double above = 0;
  double all = ldexp(1, (int)n);
  C2_TRY(c2_alloc_array(most + 1, sizeof *ways, &ways, err));
  ways[0] = 1;
  for (size_t i = 0; i < n; i++) {
    for (size_t s = most; s >= r[i].twice; s--) ways[s] += ways[s - r[i].twice];
  }
  for (size_t s = 0; s <= most; s++) {
    if (s <= sum) below += ways[s];
    if (s >= sum) above += ways[s];
  }
  *p = fmin(1, 2 * fmin(below, above) / all);
  free(ways);
  return C2_OK;
}

c2_status c2_wilcoxon_test(const double *x, size_t n, c2_wilcoxon *out, c2_error *err) {
  signed_rank *r = NULL;
  size_t sum = 0;
  *out = (c2_wilcoxon){0, (double)NAN, (double)NAN, false};
  for (size_t i = 0; i < n; i++) {
    if (isnan(x[i])) return C2_OK;
  }
  if (n == 0) return C2_OK;
  C2_TRY(c2_alloc_array(n, sizeof *r, &r, err));
  for (size_t i = 0; i < n; i++) {
    if (x[i] != 0) r[out->n++] = (signed_rank){fabs(x[i]), x[i] > 0, 0};
  }
  qsort(r, out->n, sizeof *r, by_size);
  double ties = rank_all(r, out->n);
  for (size_t i = 0; i < out->n; i++) sum += r[i].positive ? r[i].twice : 0;
  double count = (double)out->n;
  double all = count * (count + 1);
  double plus = (double)sum / 2;
  c2_status status = C2_OK;
  out->statistic = fmin(plus, all / 2 - plus);
  out->exact = n <= 13 || (n <= 50 && ties == 0 && out->n == n);
  if (out->exact) {
    status = exact_p(r, out->n, sum, &out->p, err);
  } else {
    double error = sqrt((all * (2 * count + 1) - ties / 2) / 24);
    out->p = erfc(fabs(plus - all / 4) / error / sqrt(2));
  }
  free(r);
  return status;
}

/* ---- Holm ------------------------------------------------------------------------------------ */

void c2_holm(const double *p, size_t m, double *adjusted) {
  size_t left = 0;
  double largest = 0;
  for (size_t i = 0; i < m; i++) {
    adjusted[i] = (double)NAN; /* not yet taken */
    left += isnan(p[i]) ? 0 : 1;
  }
  for (; left > 0; left--) {
    size_t next = m;
    for (size_t i = 0; i < m; i++) {
      if (isnan(p[i]) || !isnan(adjusted[i])) continue;
      if (next == m || p[i] < p[next]) next = i;
    }
    largest = fmax(largest, fmin(1, (double)left * p[next]));
    adjusted[next] = largest;
  }
}

/* ---- Bootstrap ------------------------------------------------------------------------------- */

/* Of a sorted array, interpolated linearly between order statistics, as numpy.quantile. */
static double quantile_of(const double *sorted, size_t n, double level) {
  double at = level * (double)(n - 1);
  size_t below = (size_t)at;
  if (below + 1 >= n) return sorted[n - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

c2_status c2_bootstrap(const double *x, size_t n, size_t inner, size_t draws, double confidence, uint64_t seed,
                       c2_interval *out, c2_error *err) {
  double *mean = NULL;
  uint64_t state = seed;
  *out = (c2_interval){(double)NAN, (double)NAN};
  if (n < 2 || inner == 0 || draws == 0) return C2_OK;
  for (size_t i = 0; i < n * inner; i++) {
    if (!isfinite(x[i])) return C2_OK;
  }
  C2_TRY(c2_alloc_array(draws, sizeof *mean, &mean, err));
  for (size_t b = 0; b < draws; b++) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
      size_t unit = c2_random_below(&state, n);
      sum += x[unit * inner + (inner > 1 ? c2_random_below(&state, inner) : 0)];
    }
    mean[b] = sum / (double)n;
  }
  c2_sort(mean, draws);
  out->low = quantile_of(mean, draws, (1 - confidence) / 2);
  out->high = quantile_of(mean, draws, (1 + confidence) / 2);
  free(mean);
  return C2_OK;
}
