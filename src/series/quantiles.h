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

/* One sample of an empirical distribution. */
typedef struct c2_sample {
  double value, weight;
} c2_sample;

/* Quantiles of weighted samples: their cumulated, normalised weights are the levels of the sorted
 * values. Sorts `samples`; out [levels]. scratch [2 * count]. Upstream's weighted_quantile. */
void c2_weighted_quantiles(c2_sample *samples, size_t count, const double *levels, size_t level_count, double *out,
                           double *scratch);

/* mass[i] = half the distance between the neighbours of levels[i] (0 and 1 at the ends), normalised. */
void c2_level_mass(const double *levels, size_t count, double *mass);

#endif
