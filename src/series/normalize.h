/* Between a row's numbers and the model's: location and scale, arcsinh, patch features, and the way back. */
#ifndef C2_SERIES_NORMALIZE_H
#define C2_SERIES_NORMALIZE_H

#include <chronos2.h>
#include <stdbool.h>

typedef struct c2_scaler {
  double loc;
  double scale; /* > 0, finite */
  bool arcsinh;
} c2_scaler;

/* Upstream's InstanceNorm: the mean and the population standard deviation of the observed values, in double precision.
 * A scale of 0 becomes 1e-5. A row with nothing observed has loc 0 and scale 1. Both are finite for any finite values,
 * and so is the result of c2_scaler_apply on a finite value under arcsinh. */
c2_scaler c2_scaler_fit(const double *values, size_t length, bool arcsinh);

/* Rounds to float32 where the result is a normal number or 0; else returns `value` itself. */
double c2_round_to_float(double value);

double c2_scaler_apply(const c2_scaler *scaler, double value);
double c2_scaler_invert(const c2_scaler *scaler, double value);

/* True if any of `length` values is observed. */
bool c2_any_observed(const double *values, size_t length);

/* Writes the features [3 * patch] of one patch: time, value, mask. The patch holds values[first ... first + patch - 1];
 * those before `begin` (left padding) and from `end` on count as missing. `first_step` is the time of its first value,
 * counted from the first future step, which is 0. `values` may be NULL: nothing is observed. */
void c2_patch_features(float *features, const c2_scaler *scaler, const double *values, ptrdiff_t begin, ptrdiff_t end,
                       ptrdiff_t first, size_t patch, double first_step, double time_scale);

#endif
