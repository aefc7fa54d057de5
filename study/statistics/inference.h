/* The question "does sparse attention cost accuracy?" needs more than a t-test: a test of equivalence by two one-sided
 * tests, Wilcoxon's signed-rank test, Holm's correction and bootstrap intervals.
 *
 * A t-test that finds no difference has not shown that there is none. A test of equivalence turns the burden of proof
 * round: its null hypothesis is a difference of at least the margin. */
#ifndef C2_STUDY_INFERENCE_H
#define C2_STUDY_INFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A test of n paired differences, by Student's t. In a study they are log ratios. All fields but n are NaN if n < 2 or
 * if a difference is NaN. */
typedef struct c2_equivalence {
  size_t n;
  double mean, deviation;
  double t, p;            /* of a difference from 0, two-sided */
  double low_90, high_90; /* the interval that goes with the equivalence test at 5% */
  double low_95, high_95;
  double p_equivalent;    /* the larger p of two one-sided tests: mean > -margin, mean < margin */
  double smallest_margin; /* for which p_equivalent would be 0.05 */
} c2_equivalence;

/* Tests x[n]. The margin is at least 0 and has the unit of x. */
void c2_equivalence_test(const double *x, size_t n, double margin, c2_equivalence *out);

/* A two-sided test of n differences, which equals scipy.stats.wilcoxon (1.17) with its defaults. Zeros are left out,
 * and ties share a rank. The test is exact if n <= 13, and if n <= 50 and there are neither zeros nor ties. Else it is
 * the normal approximation, which is corrected for ties but not for continuity. */
typedef struct c2_wilcoxon {
  size_t n;         /* differences that are not 0 */
  double statistic; /* the smaller of the two sums of ranks */
  double p;         /* NaN where a difference is NaN, without any, or without any but zeros above n = 13 */
  bool exact;
} c2_wilcoxon;

c2_status c2_wilcoxon_test(const double *x, size_t n, c2_wilcoxon *out, c2_error *err);

/* Adjusts the p values of m tests by Holm's step-down method. A NaN stays one and doesn't count as a test. */
void c2_holm(const double *p, size_t m, double *adjusted);

/* The percentile interval of a mean of n units, over `draws` redraws of the units. x is [n][inner]. A unit has `inner`
 * values, which it takes when what is within it is redrawn; whenever it is drawn, one of them is drawn too. With inner
 * = 1 the units alone are redrawn. The interval is NaN if n < 2 or if a number isn't finite. With few units such
 * intervals are too narrow: by a fifth with eight. */
typedef struct c2_interval {
  double low, high;
} c2_interval;

c2_status c2_bootstrap(const double *x, size_t n, size_t inner, size_t draws, double confidence, uint64_t seed,
                       c2_interval *out, c2_error *err);

#endif
