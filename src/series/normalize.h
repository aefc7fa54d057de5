/* A row's numbers into the model's: location and scale, arcsinh, patch features; and back. */
#ifndef C2_SERIES_NORMALIZE_H
#define C2_SERIES_NORMALIZE_H

#include <chronos2.h>
#include <stdbool.h>

typedef struct c2_scaler {
  double loc;
  double scale; /* > 0, finite */
  bool arcsinh;
} c2_scaler;

/* Mean and population standard deviation of the observed values, in double precision; a scale of 0
 * becomes 1e-5, a row with nothing observed has loc 0 and scale 1. Upstream's InstanceNorm. Both are finite for any
 * finite values, and so is what c2_scaler_apply makes of a finite value under arcsinh. */
c2_scaler c2_scaler_fit(const double *values, size_t length, bool arcsinh);

/* `value` as float32 holds it, where that is a normal number or 0; else `value` itself. */
double c2_round_to_float(double value);

double c2_scaler_apply(const c2_scaler *scaler, double value);
double c2_scaler_invert(const c2_scaler *scaler, double value);

/* True if any of `length` values is observed. */
bool c2_any_observed(const double *values, size_t length);

/* Features [3 * patch] = time, value, mask of one patch that ends at values + patch_end, where time
 * step 0 is the first future step and the patch begins at `first_step`. Values before `begin` (left
 * padding) and beyond `end` are unobserved. `values` may be NULL: nothing is observed. */
void c2_patch_features(float *features, const c2_scaler *scaler, const double *values, ptrdiff_t begin, ptrdiff_t end,
                       ptrdiff_t first, size_t patch, double first_step, double time_scale);

#endif
