/* Interpolation of quantile functions. */
#include "series/quantiles.h"

#include <math.h>
#include <stdlib.h>

#include "series/normalize.h"

/* The last index with levels[index] <= level; levels[0] is. */
static size_t last_at_most(const double *levels, size_t count, double level) {
  size_t low = 0;
  size_t high = count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (levels[middle] <= level) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/* Between two values. Their difference overflows where they are near the largest of both signs. */
static double between(double low, double high, double weight) {
  double difference = high - low;
  return isinf(difference) ? (1 - weight) * low + weight * high : low + weight * difference;
}

double c2_quantile_at(const double *levels, const double *values, size_t stride, size_t count, double level) {
  if (level < levels[0]) return values[0];
  size_t low = last_at_most(levels, count, level);
  if (low + 1 == count) return values[low * stride];
  double weight = (level - levels[low]) / (levels[low + 1] - levels[low]);
  return between(values[low * stride], values[(low + 1) * stride], weight);
}

void c2_rearrange_quantiles(double *values, size_t stride, size_t count) {
  for (size_t i = 1; i < count; i++) { /* nearly sorted already */
    double value = values[i * stride];
    size_t at = i;
    for (; at > 0 && values[(at - 1) * stride] > value; at--) values[at * stride] = values[(at - 1) * stride];
    values[at * stride] = value;
  }
}

/* Of equal values the first one's weight says where they begin, so their order must not be the C library's. */
static int by_value(const void *a, const void *b) {
  const c2_sample *x = a;
  const c2_sample *y = b;
  if (x->value != y->value) return (x->value > y->value) - (x->value < y->value);
  return (x->index > y->index) - (x->index < y->index);
}

/* As c2_quantile_at, each operation rounded to float32. */
static double quantile_in_float(const double *levels, const double *values, size_t count, double level) {
  if (level < levels[0]) return values[0];
  size_t low = last_at_most(levels, count, level);
  if (low + 1 == count) return values[low];
  float weight = (float)(level - levels[low]) / (float)(levels[low + 1] - levels[low]);
  if (isinf(values[low + 1] - values[low])) return between(values[low], values[low + 1], (double)weight);
  double step = c2_round_to_float((double)weight * c2_round_to_float(values[low + 1] - values[low]));
  return c2_round_to_float(values[low] + step);
}

void c2_weighted_quantiles(c2_sample *samples, size_t count, const double *levels, size_t level_count, double *out,
                           double *scratch) {
  double *cumulated = scratch;
  double *values = scratch + count;
  double sum = 0; /* PyTorch, too, adds up in double and rounds each sum */
  for (size_t i = 0; i < count; i++) {
    samples[i].value = c2_round_to_float(samples[i].value);
    samples[i].index = i;
  }
  qsort(samples, count, sizeof *samples, by_value);
  for (size_t i = 0; i < count; i++) {
    sum += samples[i].weight;
    cumulated[i] = sum < 1 ? (double)(float)sum : 1;
    values[i] = samples[i].value;
  }
  for (size_t i = 0; i < level_count; i++) {
    out[i] = quantile_in_float(cumulated, values, count, (double)(float)levels[i]);
  }
}

/* Divides by the sum, in float32. */
static void normalise(double *values, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i++) total += values[i];
  for (size_t i = 0; i < count; i++) values[i] = (double)((float)values[i] / (float)total);
}

/* mass[i] = half the distance between the neighbours of levels[i] (0 and 1 at the ends), normalised. */
static void level_mass(const double *levels, size_t count, double *mass) {
  for (size_t i = 0; i < count; i++) {
    float before = i > 0 ? (float)levels[i - 1] : 0;
    float after = i + 1 < count ? (float)levels[i + 1] : 1;
    mass[i] = (double)((after - before) / 2);
  }
  normalise(mass, count);
}

void c2_sample_weights(const double *paths, size_t path_count, const double *levels, size_t level_count,
                       double *weights, double *scratch) {
  double *of_level = scratch;
  double *of_path = scratch + level_count;
  level_mass(levels, level_count, of_level);
  level_mass(paths, path_count, of_path);
  for (size_t i = 0; i < path_count * level_count; i++) {
    weights[i] = (double)((float)of_path[i / level_count] * (float)of_level[i % level_count]);
  }
  normalise(weights, path_count * level_count);
}
