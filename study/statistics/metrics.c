/* fev's metrics. Sums are long double: the order of series and steps doesn't show in the result. */
#include "study/statistics/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"

static const char *const names[C2_METRICS] = {"MASE", "WQL",   "MAE",   "WAPE", "MSE",   "RMSE", "RMSSE",
                                              "MAEB", "WAPEB", "RMSLE", "MAPE", "SMAPE", "MQL",  "SQL"};

const char *c2_metric_name(c2_metric metric) {
  return names[metric];
}

bool c2_metric_find(const char *name, c2_metric *out) {
  for (int i = 0; i < C2_METRICS; i++) {
    if (strcasecmp(name, names[i]) == 0) {
      *out = (c2_metric)i;
      return true;
    }
  }
  return false;
}

bool c2_metric_needs_quantiles(c2_metric metric) {
  return metric == C2_WQL || metric == C2_MQL || metric == C2_SQL;
}

/* A mean under construction. */
typedef struct average {
  long double sum;
  size_t count;
} average;

static void add(average *a, double value) {
  if (isnan(value)) return;
  a->sum += (long double)value;
  a->count++;
}

static void add_finite(average *a, double value) {
  if (isfinite(value)) add(a, value);
}

static double mean_of(average a) {
  return a.count ? (double)(a.sum / (long double)a.count) : (double)NAN;
}

double c2_seasonal_error(const double *past, size_t length, size_t seasonality, bool squared) {
  average error = {0, 0};
  for (size_t t = seasonality; t < length; t++) {
    double difference = past[t] - past[t - seasonality];
    add(&error, squared ? difference * difference : fabs(difference));
  }
  return mean_of(error);
}

void c2_seasonal_naive(const double *past, size_t length, size_t seasonality, size_t horizon, double *out) {
  size_t period = length >= seasonality ? seasonality : 1;
  for (size_t h = 0; h < horizon; h++) {
    out[h] = 0;
    if (length == 0) continue;
    for (size_t t = length - period + h % period + 1; t > 0; t--) {
      if (isnan(past[t - 1])) continue;
      out[h] = past[t - 1];
      break;
    }
  }
}

enum { POINT_SUMS = 9 };

/* Running means of one dimension. Order of the point sums: |e|, e, e^2, |y|, |e|/s, e^2/s2, log, |e/y|, smape. */
typedef struct dimension {
  average point[POINT_SUMS];
  average *loss;   /* [Q] */
  average *scaled; /* [Q] */
} dimension;

static void add_point(dimension *d, double y, double forecast, double scale, double square_scale) {
  double error = forecast - y;
  double logs = log1p(y) - log1p(forecast);
  add(&d->point[0], fabs(error));
  add(&d->point[1], error);
  add(&d->point[2], error * error);
  add(&d->point[3], fabs(y));
  add_finite(&d->point[4], fabs(error) / scale);
  add_finite(&d->point[5], error * error / square_scale);
  add(&d->point[6], logs * logs);
  add_finite(&d->point[7], fabs(error) / fabs(y));
  add_finite(&d->point[8], 2 * fabs(error) / (fabs(y) + fabs(forecast)));
}

/* Twice the pinball loss. */
static double pinball(double y, double forecast, double level) {
  return 2 * fabs((y - forecast) * ((y <= forecast ? 1.0 : 0.0) - level));
}

static void add_quantiles(dimension *d, const c2_scoring *s, double y, const double *forecast, double scale) {
  for (size_t q = 0; q < s->level_count; q++) {
    double loss = pinball(y, forecast[q], s->levels[q]);
    add(&d->loss[q], loss);
    add_finite(&d->scaled[q], loss / scale);
  }
}

static void add_series(dimension *d, const c2_scoring *s, const c2_scored *x, size_t target) {
  const double *past = x->past + target * x->length;
  double scale = c2_seasonal_error(past, x->length, s->seasonality, false);
  double square_scale = c2_seasonal_error(past, x->length, s->seasonality, true);
  for (size_t h = 0; h < s->horizon; h++) {
    size_t at = target * s->horizon + h;
    add_point(d, x->truth[at], x->point[at], scale, square_scale);
    if (s->level_count) add_quantiles(d, s, x->truth[at], x->quantiles + at * s->level_count, scale);
  }
}

/* Metrics of one dimension, added to out / D. */
static void finish(const dimension *d, const c2_scoring *s, double *out) {
  double value[C2_METRICS];
  double error = mean_of(d->point[0]);
  double bias = fabs(mean_of(d->point[1]));
  double size = mean_of(d->point[3]);
  value[C2_MAE] = error;
  value[C2_MAEB] = error + bias;
  value[C2_MSE] = mean_of(d->point[2]);
  value[C2_RMSE] = sqrt(value[C2_MSE]);
  value[C2_WAPE] = error / size;
  value[C2_WAPEB] = (error + bias) / size;
  value[C2_MASE] = mean_of(d->point[4]);
  value[C2_RMSSE] = sqrt(mean_of(d->point[5]));
  value[C2_RMSLE] = sqrt(mean_of(d->point[6]));
  value[C2_MAPE] = mean_of(d->point[7]);
  value[C2_SMAPE] = mean_of(d->point[8]);
  value[C2_WQL] = value[C2_MQL] = value[C2_SQL] = s->level_count ? 0 : (double)NAN;
  for (size_t q = 0; q < s->level_count; q++) {
    double loss = mean_of(d->loss[q]);
    value[C2_MQL] += loss / (double)s->level_count;
    value[C2_WQL] += loss / size / (double)s->level_count;
    value[C2_SQL] += mean_of(d->scaled[q]) / (double)s->level_count;
  }
  for (int m = 0; m < C2_METRICS; m++) out[m] += value[m] / (double)s->targets;
}

c2_status c2_score(const c2_scoring *scoring, const c2_scored *series, size_t count, double *out, c2_error *err) {
  average *sums = NULL;
  for (int m = 0; m < C2_METRICS; m++) out[m] = 0;
  for (size_t t = 0; t < scoring->targets; t++) {
    C2_TRY(c2_alloc_array(2 * scoring->level_count, sizeof *sums, &sums, err));
    dimension d = {.loss = sums, .scaled = sums ? sums + scoring->level_count : NULL};
    for (size_t i = 0; i < count; i++) add_series(&d, scoring, &series[i], t);
    finish(&d, scoring, out);
    free(sums);
  }
  return C2_OK;
}

const c2_metric c2_compared[C2_COMPARED] = {C2_MASE, C2_WQL};

static void add_ratio(c2_ratio *ratio, double top, double bottom) {
  if (!isfinite(top)) return;
  ratio->top += top;
  ratio->bottom += bottom;
}

/* One step of a series, whose truth is y. */
static void add_step(c2_metric metric, const c2_scoring *s, double y, double point, const double *quantiles,
                     double scale, c2_ratio *ratio) {
  double error = fabs(point - y);
  switch (metric) {
    case C2_MASE: add_ratio(ratio, error / scale, 1); break;
    case C2_MAE: add_ratio(ratio, error, 1); break;
    case C2_WAPE: add_ratio(ratio, error, fabs(y)); break;
    case C2_MSE: add_ratio(ratio, error * error, 1); break;
    case C2_MAPE: add_ratio(ratio, error / fabs(y), 1); break;
    case C2_SMAPE: add_ratio(ratio, 2 * error / (fabs(y) + fabs(point)), 1); break;
    case C2_WQL: ratio->bottom += fabs(y); /* FALLTHROUGH */
    case C2_MQL:
    case C2_SQL:
      for (size_t q = 0; q < s->level_count; q++) {
        double loss = pinball(y, quantiles[q], s->levels[q]) / (metric == C2_SQL ? scale : 1);
        double levels = (double)s->level_count;
        add_ratio(ratio, loss / levels, metric == C2_WQL ? 0 : 1 / levels);
      }
      break;
    default: ratio->top = (double)NAN; /* no ratio of sums */
  }
}

c2_ratio c2_series_ratio(const c2_scoring *scoring, const c2_scored *series, size_t target, c2_metric metric) {
  const double *past = series->past + target * series->length;
  double scale = c2_seasonal_error(past, series->length, scoring->seasonality, false);
  c2_ratio ratio = {0, 0};
  for (size_t h = 0; h < scoring->horizon; h++) {
    size_t at = target * scoring->horizon + h;
    const double *quantiles = scoring->level_count ? series->quantiles + at * scoring->level_count : NULL;
    if (isnan(series->truth[at])) continue;
    add_step(metric, scoring, series->truth[at], series->point[at], quantiles, scale, &ratio);
  }
  return ratio;
}
