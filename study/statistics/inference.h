/* What the question "does sparse attention cost accuracy?" needs beyond a t-test: equivalence by two one-sided
 * tests, Wilcoxon's signed-rank test, Holm's correction, bootstrap intervals.
 *
 * A t-test that finds no difference has not shown that there is none. An equivalence test turns the burden of
 * proof round: its null hypothesis is a difference of at least the margin. */
#ifndef C2_STUDY_INFERENCE_H
#define C2_STUDY_INFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Of paired differences x[n] (log ratios, in a study), by Student's t. All but n are NaN for n < 2, or where a
 * number is NaN. */
typedef struct c2_equivalence {
  size_t n;
  double mean, deviation;
  double t, p;            /* of a difference from 0, two-sided */
  double low_90, high_90; /* the interval that goes with the equivalence test at 5% */
  double low_95, high_95;
  double p_equivalent;    /* the larger p of two one-sided tests: mean > -margin, mean < margin */
  double smallest_margin; /* for which p_equivalent would be 0.05 */
} c2_equivalence;

/* `margin` >= 0, in the unit of x. */
void c2_equivalence_test(const double *x, size_t n, double margin, c2_equivalence *out);

/* Of differences x[n], two-sided, as scipy.stats.wilcoxon (1.17) with its defaults: zeros are left out, ties
 * share a rank. Exact where n <= 50 without zeros and ties, or n <= 13; else by the normal approximation with
 * correction for ties and without correction for continuity. */
typedef struct c2_wilcoxon {
  size_t n;         /* differences that are not 0 */
  double statistic; /* the smaller of the two sums of ranks */
  double p;         /* NaN where a difference is NaN, without any, or without any but zeros above n = 13 */
  bool exact;
} c2_wilcoxon;

c2_status c2_wilcoxon_test(const double *x, size_t n, c2_wilcoxon *out, c2_error *err);

/* p values adjusted for m tests by Holm's step-down method; a NaN stays one and does not count. */
void c2_holm(const double *p, size_t m, double *adjusted);

/* Percentile interval of the mean of n units over `draws` redraws of the units. x is [n][inner]: values that
 * a unit takes when what is within it is redrawn, one of them drawn for each unit drawn; inner = 1: the units
 * alone. NaN for n < 2, or where a number isn't finite. With few units such intervals are too narrow: by a
 * fifth with eight. */
typedef struct c2_interval {
  double low, high;
} c2_interval;

c2_status c2_bootstrap(const double *x, size_t n, size_t inner, size_t draws, double confidence, uint64_t seed,
                       c2_interval *out, c2_error *err);

#endif
