/* Interpolation of quantile functions. */
#include "series/quantiles.h"

#include <stdlib.h>

double c2_quantile_at(const double *levels, const double *values, size_t stride, size_t count, double level) {
  if (level < levels[0]) return values[0];
  size_t low = 0; /* last index with levels[low] <= level */
  size_t high = count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (levels[middle] <= level) {
      low = middle;
    } else {
      high = middle;
    }
  }
  if (low + 1 == count) return values[low * stride];
  double weight = (level - levels[low]) / (levels[low + 1] - levels[low]);
  return values[low * stride] + weight * (values[(low + 1) * stride] - values[low * stride]);
}

void c2_rearrange_quantiles(double *values, size_t stride, size_t count) {
  for (size_t i = 1; i < count; i++) { /* nearly sorted already */
    double value = values[i * stride];
    size_t at = i;
    for (; at > 0 && values[(at - 1) * stride] > value; at--) values[at * stride] = values[(at - 1) * stride];
    values[at * stride] = value;
  }
}

static int by_value(const void *a, const void *b) {
  double x = ((const c2_sample *)a)->value;
  double y = ((const c2_sample *)b)->value;
  return (x > y) - (x < y);
}

void c2_weighted_quantiles(c2_sample *samples, size_t count, const double *levels, size_t level_count, double *out,
                           double *scratch) {
  double *cumulated = scratch;
  double *values = scratch + count;
  double total = 0;
  qsort(samples, count, sizeof *samples, by_value);
  for (size_t i = 0; i < count; i++) total += samples[i].weight;
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += samples[i].weight / total;
    cumulated[i] = sum < 1 ? sum : 1;
    values[i] = samples[i].value;
  }
  for (size_t i = 0; i < level_count; i++) out[i] = c2_quantile_at(cumulated, values, 1, count, levels[i]);
}

void c2_level_mass(const double *levels, size_t count, double *mass) {
  double total = 0;
  for (size_t i = 0; i < count; i++) {
    double before = i > 0 ? levels[i - 1] : 0;
    double after = i + 1 < count ? levels[i + 1] : 1;
    mass[i] = (after - before) / 2;
    total += mass[i];
  }
  for (size_t i = 0; i < count; i++) mass[i] /= total;
}
