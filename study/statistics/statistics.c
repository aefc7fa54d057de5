/* Statistics of a handful of numbers. Knows nothing of tasks and tables. */
#include "study/statistics/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The order of NumPy's add.reduce: eight running sums in blocks of up to 128, halves above. */
static double pairwise_sum(const double *x, size_t n) {
  if (n < 8) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum;
  }
  if (n <= 128) {
    double r[8];
    memcpy(r, x, sizeof r);
    size_t i = 8;
    for (; i < n - n % 8; i += 8) {
      for (size_t j = 0; j < 8; j++) r[j] += x[i + j];
    }
    double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++) sum += x[i];
    return sum;
  }
  size_t half = n / 2;
  half -= half % 8;
  return pairwise_sum(x, half) + pairwise_sum(x + half, n - half);
}

double c2_mean(const double *x, size_t n) {
  return n > 0 ? pairwise_sum(x, n) / (double)n : (double)NAN;
}

/* Sum of squared deviations, in the same order of summation but without a copy of x. */
static double square_sum(const double *x, size_t n, double mean) {
  if (n > 128) {
    size_t half = n / 2;
    half -= half % 8;
    return square_sum(x, half, mean) + square_sum(x + half, n - half, mean);
  }
  double squares[128];
  for (size_t i = 0; i < n; i++) squares[i] = (x[i] - mean) * (x[i] - mean);
  return pairwise_sum(squares, n);
}

double c2_variance(const double *x, size_t n) {
  if (n < 2) return (double)NAN;
  return square_sum(x, n, c2_mean(x, n)) / (double)(n - 1);
}

double c2_standard_deviation(const double *x, size_t n) {
  return sqrt(c2_variance(x, n));
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

void c2_sort(double *x, size_t n) {
  if (n > 1) qsort(x, n, sizeof *x, by_value);
}

c2_status c2_median(const double *x, size_t n, double *out, c2_error *err) {
  *out = (double)NAN;
  if (n == 0) return C2_OK;
  for (size_t i = 0; i < n; i++) {
    if (isnan(x[i])) return C2_OK;
  }
  double *sorted = NULL;
  C2_TRY(c2_alloc_array(n, sizeof *sorted, &sorted, err));
  memcpy(sorted, x, n * sizeof *sorted);
  c2_sort(sorted, n);
  *out = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  free(sorted);
  return C2_OK;
}

/* Continued fraction of the incomplete beta function (DLMF 8.17.22) by the modified Lentz method. */
static long double beta_fraction(long double a, long double b, long double x) {
  const long double tiny = 1e-300L;
  long double c = 1;
  long double d = 1 - (a + b) * x / (a + 1);
  if (fabsl(d) < tiny) d = tiny;
  d = 1 / d;
  long double f = d;
  for (int m = 1; m < 100000; m++) {
    long double m2 = 2.0L * m;
    long double step = m * (b - m) * x / ((a + m2 - 1) * (a + m2));
    d = 1 + step * d;
    c = 1 + step / c;
    if (fabsl(d) < tiny) d = tiny;
    if (fabsl(c) < tiny) c = tiny;
    d = 1 / d;
    f *= d * c;
    step = -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1));
    d = 1 + step * d;
    c = 1 + step / c;
    if (fabsl(d) < tiny) d = tiny;
    if (fabsl(c) < tiny) c = tiny;
    d = 1 / d;
    long double change = d * c;
    f *= change;
    if (fabsl(change - 1) < 1e-18L) break;
  }
  return f;
}

static long double log_gamma(long double x) {
#ifdef __GLIBC__
  int sign = 0; /* lgammal would write a global */
  return lgammal_r(x, &sign);
#else
  return lgammal(x);
#endif
}

static long double log_of(long double x, long double rest) {
  return x < 0.5L ? logl(x) : log1pl(-rest);
}

/* The regularised incomplete beta function I_x(a, b) for a, b > 0. `rest` is 1 - x; it is given beside x so that no end
 * loses digits. */
static long double incomplete_beta(long double a, long double b, long double x, long double rest) {
  if (x <= 0) return 0;
  if (rest <= 0) return 1;
  bool swap = x > (a + 1) / (a + b + 2); /* the fraction converges fast below this point only */
  if (swap) {
    long double t = a;
    a = b;
    b = t;
    t = x;
    x = rest;
    rest = t;
  }
  long double log_front = a * log_of(x, rest) + b * log_of(rest, x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b);
  long double value = expl(log_front) * beta_fraction(a, b, x) / a;
  return swap ? 1 - value : value;
}

double c2_student_two_sided(double t, double df) {
  if (isnan(t) || !(df > 0)) return (double)NAN;
  if (isinf(t)) return 0;
  long double square = (long double)t * (long double)t;
  long double all = (long double)df + square;
  return (double)incomplete_beta((long double)(df / 2), 0.5L, (long double)df / all, square / all);
}

double c2_student_upper(double t, double df) {
  double half = c2_student_two_sided(t, df) / 2;
  return t > 0 ? half : 1 - half;
}

double c2_student_quantile(double p, double df) {
  if (!(p > 0 && p < 1) || !(df > 0)) return (double)NAN;
  double low = 0;
  double high = 1;
  while (c2_student_two_sided(high, df) > p && high < 1e300) {
    low = high;
    high *= 2;
  }
  for (int i = 0; i < 200; i++) {
    double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (c2_student_two_sided(middle, df) > p) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low + (high - low) / 2;
}

void c2_ttest_of(const double *x, size_t n, c2_ttest *out) {
  const double nan = (double)NAN;
  *out = (c2_ttest){n, c2_mean(x, n), c2_standard_deviation(x, n), nan, nan, nan, nan};
  if (n < 2) return;
  double df = (double)(n - 1);
  double error = sqrt(c2_variance(x, n) / (double)n);
  double half = c2_student_quantile(1 - 0.95, df) * error;
  out->t = out->mean / error;
  out->p = c2_student_two_sided(out->t, df);
  out->low = out->mean - half;
  out->high = out->mean + half;
}
