/* Instance normalisation and patch features. */
#include "series/normalize.h"

#include <float.h>
#include <math.h>
#include <string.h>

double c2_round_to_float(double value) {
  double size = fabs(value);
  return size >= (double)FLT_MIN && size <= (double)FLT_MAX ? (double)(float)value : value;
}

/* The model was trained on float32 locations and scales: take theirs, unless that would shift the row
 * visibly (a small variation on a large offset) or leave float32's range. */
static void round_scaler(c2_scaler *s) {
  double loc = (double)(float)s->loc;
  double scale = (double)(float)s->scale;
  if (fabs(loc - s->loc) > 1e-4 * s->scale || !isfinite(scale) || scale < 1e-30) return;
  s->loc = loc;
  s->scale = scale;
}

/* (value - loc) / unit. A difference of two numbers near the largest overflows, their halves' doesn't. */
static double deviations(const c2_scaler *s, double value, double unit) {
  double x = (value - s->loc) / unit;
  return isinf(x) ? (value / 2 - s->loc / 2) / (unit / 2) : x;
}

c2_scaler c2_scaler_fit(const double *values, size_t length, bool arcsinh) {
  c2_scaler s = {.loc = 0, .scale = 1, .arcsinh = arcsinh};
  size_t count = 0;
  double low = INFINITY;
  double high = -INFINITY;
  for (size_t i = 0; i < length; i++) {
    if (isnan(values[i])) continue;
    count++;
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  if (count == 0) return s;
  if (low == high) { /* exactly constant, whatever a rounded mean would say */
    s.loc = low;
    s.scale = 1e-5;
    return s;
  }
  double n = (double)count;
  double middle = low / 2 + high / 2; /* sums of differences to it can't overflow before the data do */
  double sum = 0;
  for (size_t i = 0; i < length; i++) {
    if (!isnan(values[i])) sum += (values[i] - middle) / n;
  }
  s.loc = middle + sum;
  double span = high / 2 - low / 2; /* squares of values near 1e200 would overflow */
  if (span == 0) span = high - low; /* the smallest subnormal number has no half */
  double squares = 0;
  for (size_t i = 0; i < length; i++) {
    if (isnan(values[i])) continue;
    double d = deviations(&s, values[i], span);
    squares += d * d;
  }
  s.scale = span * sqrt(squares / n);
  if (s.scale == 0) s.scale = 1e-5;
  round_scaler(&s);
  return s;
}

double c2_scaler_apply(const c2_scaler *s, double value) {
  double x = deviations(s, value, s->scale);
  if (!s->arcsinh) return x;
  if (!isinf(x)) return asinh(x);
  double half = value / 2 - s->loc / 2; /* asinh(x) = log(2x) for large x, though the quotient itself overflows */
  return copysign(log(fabs(half)) - log(s->scale) + 2 * log(2.0), half);
}

double c2_scaler_invert(const c2_scaler *s, double value) {
  return (s->arcsinh ? sinh(value) : value) * s->scale + s->loc;
}

bool c2_any_observed(const double *values, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (!isnan(values[i])) return true;
  }
  return false;
}

void c2_patch_features(float *features, const c2_scaler *scaler, const double *values, ptrdiff_t begin, ptrdiff_t end,
                       ptrdiff_t first, size_t patch, double first_step, double time_scale) {
  float *time = features;
  float *value = features + patch;
  float *mask = features + 2 * patch;
  for (size_t i = 0; i < patch; i++) {
    ptrdiff_t at = first + (ptrdiff_t)i;
    bool observed = values && at >= begin && at < end && !isnan(values[at]);
    time[i] = (float)((first_step + (double)i) / time_scale);
    value[i] = observed ? (float)c2_scaler_apply(scaler, values[at]) : 0.0f;
    mask[i] = observed ? 1.0f : 0.0f;
  }
}
