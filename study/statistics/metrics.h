/* The accuracy of forecasts as the Python package fev (0.10) defines it, and the seasonal-naive forecast.
 *
 * Shapes are written with N series, D targets of a series, H steps and Q quantile levels. A metric is computed for each
 * target over all series and steps, and then averaged over the targets. Steps without a truth (NaN) are left out. */
#ifndef C2_STUDY_METRICS_H
#define C2_STUDY_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef enum c2_metric {
  C2_MASE,
  C2_WQL,
  C2_MAE,
  C2_WAPE,
  C2_MSE,
  C2_RMSE,
  C2_RMSSE,
  C2_MAEB,
  C2_WAPEB,
  C2_RMSLE,
  C2_MAPE,
  C2_SMAPE,
  C2_MQL,
  C2_SQL,
  C2_METRICS /* their number */
} c2_metric;

const char *c2_metric_name(c2_metric metric);
bool c2_metric_needs_quantiles(c2_metric metric);

/* Where a metric has no error, as words after "where"; NULL: it always has one. */
const char *c2_metric_gap(c2_metric metric);

/* Where a metric's error is infinite, likewise. Such a step is left out of a metric that divides the error of a step;
 * the others are infinite with it. */
const char *c2_metric_beyond(c2_metric metric);
bool c2_metric_divides(c2_metric metric);

/* Whether the errors are divided by the truths' mean size, so that there is no metric where all truths are 0. */
bool c2_metric_is_weighed(c2_metric metric);

/* Finds a metric by its name in any case, as fev does. The failure lists the names; `where` begins its message. */
c2_status c2_metric_find(const char *name, const char *where, c2_metric *out, c2_error *err);

/* Metrics in an order that matters, each once. */
typedef struct c2_metric_list {
  c2_metric at[C2_METRICS]; /* [count] */
  size_t count;
} c2_metric_list;

/* The place of a metric; the list's count if it is not there. */
size_t c2_metric_place(const c2_metric_list *list, c2_metric metric);

/* Adds a metric at the end; false if it is there already. */
bool c2_metric_add(c2_metric_list *list, c2_metric metric);

/* One series' past, truth and forecast. */
typedef struct c2_scored {
  size_t length;           /* of the past */
  const double *past;      /* [D][length] */
  const double *truth;     /* [D][H] */
  const double *point;     /* [D][H] */
  const double *quantiles; /* [D][H][Q]; NULL when Q is 0 */
} c2_scored;

typedef struct c2_scoring {
  size_t targets, horizon, seasonality; /* D, H, at least 1 each */
  const double *levels;                 /* [Q] */
  size_t level_count;
} c2_scoring;

/* Computes every metric over `count` series: out[C2_METRICS]. A metric is NaN where it is undefined: one of quantiles
 * without levels, and all of them where nothing is observed. */
c2_status c2_score(const c2_scoring *scoring, const c2_scored *series, size_t count, double *out, c2_error *err);

/* A metric is computed from these sums. Those of several series are added up field by field, as often as a series
 * counts. */
typedef struct c2_sums {
  double error, bias; /* over steps: errors as the metric takes them, and signed ones */
  double size;        /* |truth| */
  double count;       /* steps that have an error */
  double gaps;        /* steps that are left out as c2_metric_gap says */
  double beyond;      /* steps whose error is infinite, as c2_metric_beyond says */
} c2_sums;

/* Steps of such sums as a number to tell: each quantile level has a share of a step. */
double c2_whole_steps(double steps);

/* The sums of one target of one series. */
c2_sums c2_series_sums(const c2_scoring *scoring, const c2_scored *series, size_t target, c2_metric metric);

/* The metric that sums give; NaN where it is undefined. */
double c2_metric_value(c2_metric metric, const c2_sums *sums);

/* The seasonal-naive forecast of a past [length]: out[horizon] repeats the last season. A missing value is replaced by
 * the last one before it, or by 0. A past that is shorter than a season repeats its last value; an empty one gives
 * 0. */
void c2_seasonal_naive(const double *past, size_t length, size_t seasonality, size_t horizon, double *out);

#endif
