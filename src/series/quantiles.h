/* Quantiles between and beyond the trained levels, and of weighted samples. */
#ifndef C2_SERIES_QUANTILES_H
#define C2_SERIES_QUANTILES_H

#include <stddef.h>

/* The value at `level` of a quantile function given at rising levels in [0, 1]: linear between them,
 * constant beyond. values[i * stride] belongs to levels[i]. */
double c2_quantile_at(const double *levels, const double *values, size_t stride, size_t count, double level);

/* Sorts the values of one step over its rising levels, in place: values[i * stride]. Rearranged quantiles
 * don't cross, and are no further from the truth (Chernozhukov, Fernandez-Val, Galichon 2010). */
void c2_rearrange_quantiles(double *values, size_t stride, size_t count);

/* One sample of an empirical distribution. Its index is set when samples are sorted. */
typedef struct c2_sample {
  double value, weight;
  size_t index;
} c2_sample;

/* Quantiles of weighted samples: their cumulated weights are the levels of the sorted values. Computes in float32, as
 * upstream's weighted_quantile does: a rollout goes on from the result, and where a row hardly varies the next pass
 * scales its last bit up. Sorts and rounds `samples`, of which equal ones keep their order; out [level_count].
 * scratch [2 * count]. */
void c2_weighted_quantiles(c2_sample *samples, size_t count, const double *levels, size_t level_count, double *out,
                           double *scratch);

/* weights [paths][levels], normalised, of the samples of paths that go on with levels of their own. A level's mass is
 * half the distance between its neighbours. In float32, as upstream. scratch [level_count + path_count]. */
void c2_sample_weights(const double *paths, size_t path_count, const double *levels, size_t level_count,
                       double *weights, double *scratch);

#endif
