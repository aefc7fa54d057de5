/* Statistics of a handful of numbers: location, spread, the paired t-test and Student's distribution.
 *
 * Sums run in the order of NumPy's pairwise summation. So results equal NumPy's and SciPy's bit for bit where the
 * formula is the same. A result is NaN if one of the numbers is, or if there are too few of them. */
#ifndef C2_STUDY_STATISTICS_H
#define C2_STUDY_STATISTICS_H

#include <stddef.h>

#include "base/status.h"

/* Sorts ascending. */
void c2_sort(double *x, size_t n);

/* The variance is that of a sample: the squares are divided by n - 1. So it needs two numbers, the others one. */
double c2_mean(const double *x, size_t n);
double c2_variance(const double *x, size_t n);
double c2_standard_deviation(const double *x, size_t n);
c2_status c2_median(const double *x, size_t n, double *out, c2_error *err);

/* A t-test of paired differences, which equals scipy.stats.ttest_rel. */
typedef struct c2_ttest {
  size_t n;
  double mean, deviation; /* of the differences */
  double t, p;            /* two-sided */
  double low, high;       /* 95% confidence interval of the mean difference */
} c2_ttest;

/* Tests n differences x. */
void c2_ttest_of(const double *x, size_t n, c2_ttest *out);

/* P(|T| >= |t|) for Student's T with df > 0 degrees of freedom. It is NaN for other df. */
double c2_student_two_sided(double t, double df);

/* P(T >= t). */
double c2_student_upper(double t, double df);

/* The t for which c2_student_two_sided(t, df) = p, p in (0, 1). */
double c2_student_quantile(double p, double df);

#endif
