/* fev's metrics. Sums are long double: the order of series and steps doesn't show in the result. */
#include "study/statistics/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* ---- What a metric is ------------------------------------------------------------------------- */

typedef enum error_kind { ABSOLUTE, SQUARED, LOGARITHMIC, PINBALL } error_kind;
typedef enum unit { NONE, SEASONAL, TRUTH, BOTH } unit;

typedef struct definition {
  const char *name;
  error_kind error; /* of a step */
  unit unit;        /* what an error is divided by: the seasonal error of the past, |truth|, or the mean of that and
                       |forecast|. A step where the ratio is not finite is left out. */
  bool weighed;     /* the mean error is divided by the mean |truth| */
  bool biased;      /* the absolute mean of the signed errors is added */
  bool rooted;      /* the square root of the mean is taken */
} definition;

static const definition definitions[C2_METRICS] = {[C2_MASE] = {"MASE", ABSOLUTE, .unit = SEASONAL},
                                                   [C2_WQL] = {"WQL", PINBALL, .weighed = true},
                                                   [C2_MAE] = {"MAE", ABSOLUTE, .unit = NONE},
                                                   [C2_WAPE] = {"WAPE", ABSOLUTE, .weighed = true},
                                                   [C2_MSE] = {"MSE", SQUARED, .unit = NONE},
                                                   [C2_RMSE] = {"RMSE", SQUARED, .rooted = true},
                                                   [C2_RMSSE] = {"RMSSE", SQUARED, .unit = SEASONAL, .rooted = true},
                                                   [C2_MAEB] = {"MAEB", ABSOLUTE, .biased = true},
                                                   [C2_WAPEB] = {"WAPEB", ABSOLUTE, .weighed = true, .biased = true},
                                                   [C2_RMSLE] = {"RMSLE", LOGARITHMIC, .rooted = true},
                                                   [C2_MAPE] = {"MAPE", ABSOLUTE, .unit = TRUTH},
                                                   [C2_SMAPE] = {"SMAPE", ABSOLUTE, .unit = BOTH},
                                                   [C2_MQL] = {"MQL", PINBALL, .unit = NONE},
                                                   [C2_SQL] = {"SQL", PINBALL, .unit = SEASONAL}};

const char *c2_metric_name(c2_metric metric) {
  return definitions[metric].name;
}

bool c2_metric_needs_quantiles(c2_metric metric) {
  return definitions[metric].error == PINBALL;
}

const char *c2_metric_gap(c2_metric metric) {
  const definition *m = &definitions[metric];
  if (m->error == LOGARITHMIC) return "truth or forecast is below -1";
  switch (m->unit) {
    case NONE: return NULL;
    case SEASONAL: return "the past never differs from a season before, or is shorter than that";
    case TRUTH: return "the truth is 0";
    case BOTH: return "truth and forecast are 0";
  }
  return NULL;
}

const char *c2_metric_beyond(c2_metric metric) {
  switch (definitions[metric].error) {
    case LOGARITHMIC: return "truth or forecast is -1";
    case SQUARED: return "squares are beyond the range of floating-point numbers";
    default: return "differences are beyond the range of floating-point numbers";
  }
}

bool c2_metric_divides(c2_metric metric) {
  return definitions[metric].unit != NONE;
}

bool c2_metric_is_weighed(c2_metric metric) {
  return definitions[metric].weighed;
}

c2_status c2_metric_find(const char *name, const char *where, c2_metric *out, c2_error *err) {
  char known[160] = "";
  for (int i = 0; i < C2_METRICS; i++) {
    size_t used = strlen(known);
    *out = (c2_metric)i;
    if (strcasecmp(name, definitions[i].name) == 0) return C2_OK;
    (void)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", definitions[i].name);
  }
  C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected the name of a metric (%s), found '%.40s'", where, known, name);
}

size_t c2_metric_place(const c2_metric_list *list, c2_metric metric) {
  size_t i = 0;
  while (i < list->count && list->at[i] != metric) i++;
  return i;
}

bool c2_metric_add(c2_metric_list *list, c2_metric metric) {
  if (c2_metric_place(list, metric) < list->count) return false;
  list->at[list->count++] = metric;
  return true;
}

double c2_metric_value(c2_metric metric, const c2_sums *sums) {
  const definition *m = &definitions[metric];
  if (!(sums->count > 0)) return (double)NAN; /* an empty sum over the truths' size would be a perfect score */
  double error = sums->error + (m->biased ? fabs(sums->bias) : 0);
  double value = error / (m->weighed ? sums->size : sums->count);
  return m->rooted ? sqrt(value) : value;
}

/* ---- Seasons ---------------------------------------------------------------------------------- */

static double mean_of(long double sum, size_t count) {
  return count ? (double)(sum / (long double)count) : (double)NAN;
}

/* Mean |y_t - y_(t-m)| (or its square) of a past [length] over the pairs that are observed; NaN if none is. */
static double seasonal_error(const double *past, size_t length, size_t seasonality, bool squared) {
  long double sum = 0;
  size_t count = 0;
  for (size_t t = seasonality; t < length; t++) {
    double difference = past[t] - past[t - seasonality];
    if (isnan(difference)) continue;
    sum += (long double)(squared ? difference * difference : fabs(difference));
    count++;
  }
  return mean_of(sum, count);
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

/* ---- Errors ----------------------------------------------------------------------------------- */

/* The scales of a series' errors: the seasonal error of its past, of differences and of their squares. */
typedef struct scales {
  double absolute, squared;
} scales;

static scales scales_of(const c2_scoring *s, const c2_scored *x, size_t target) {
  const double *past = x->past + target * x->length;
  return (scales){seasonal_error(past, x->length, s->seasonality, false),
                  seasonal_error(past, x->length, s->seasonality, true)};
}

/* The error of a forecast, at a quantile level if the metric is of quantiles; NaN: there is none, as c2_metric_gap
 * says; infinite: as c2_metric_beyond says. */
static double error_of(const definition *m, double y, double forecast, double level, scales scale) {
  double error = 0;
  switch (m->error) {
    case ABSOLUTE: error = fabs(forecast - y); break;
    case SQUARED: error = (forecast - y) * (forecast - y); break;
    case LOGARITHMIC: error = (log1p(y) - log1p(forecast)) * (log1p(y) - log1p(forecast)); break;
    case PINBALL: error = 2 * fabs((y - forecast) * ((y <= forecast ? 1.0 : 0.0) - level)); break;
  }
  double divisor = 1;
  switch (m->unit) {
    case NONE: return error;
    case SEASONAL: divisor = m->error == SQUARED ? scale.squared : scale.absolute; break;
    case TRUTH: divisor = fabs(y); break;
    case BOTH: divisor = (fabs(y) + fabs(forecast)) / 2; break;
  }
  if (!(divisor > 0)) return (double)NAN;
  return isinf(divisor) ? (double)INFINITY : error / divisor;
}

/* Whether the step of such an error is left out. */
static bool is_left_out(const definition *m, double error) {
  return isnan(error) || (isinf(error) && m->unit != NONE);
}

/* The forecast of a step: a quantile of a level, given by its index, or the point. */
static double forecast_of(const definition *m, const c2_scoring *s, const c2_scored *x, size_t step, size_t level) {
  return m->error == PINBALL ? x->quantiles[step * s->level_count + level] : x->point[step];
}

static size_t levels_of(const definition *m, const c2_scoring *s) {
  return m->error == PINBALL ? s->level_count : 1;
}

double c2_whole_steps(double steps) {
  return floor(steps + 1 - 1e-6);
}

c2_sums c2_series_sums(const c2_scoring *s, const c2_scored *series, size_t target, c2_metric metric) {
  const definition *m = &definitions[metric];
  scales scale = m->unit == SEASONAL ? scales_of(s, series, target) : (scales){0, 0};
  size_t count = levels_of(m, s);
  double levels = (double)count;
  c2_sums sums = {.count = 0};
  for (size_t step = target * s->horizon; step < (target + 1) * s->horizon; step++) {
    double y = series->truth[step];
    if (isnan(y)) continue;
    sums.size += fabs(y);
    for (size_t q = 0; q < count; q++) {
      double forecast = forecast_of(m, s, series, step, q);
      double error = error_of(m, y, forecast, s->level_count ? s->levels[q] : 0, scale);
      sums.gaps += isnan(error) ? 1 / levels : 0;
      sums.beyond += isinf(error) ? 1 / levels : 0;
      if (is_left_out(m, error)) continue;
      sums.error += error / levels;
      sums.bias += (forecast - y) / levels;
      sums.count += 1 / levels;
    }
  }
  return sums;
}

/* ---- Scores ----------------------------------------------------------------------------------- */

/* A metric of one target over all series, at one quantile level if it is one of quantiles. */
static double score_level(c2_metric metric, const c2_scoring *s, const c2_scored *series, const scales *scale,
                          size_t count, size_t target, size_t level) {
  const definition *m = &definitions[metric];
  long double error = 0;
  long double bias = 0;
  long double size = 0;
  size_t errors = 0;
  size_t sizes = 0;
  for (size_t i = 0; i < count; i++) {
    for (size_t step = target * s->horizon; step < (target + 1) * s->horizon; step++) {
      double y = series[i].truth[step];
      if (isnan(y)) continue;
      double forecast = forecast_of(m, s, &series[i], step, level);
      double one = error_of(m, y, forecast, s->level_count ? s->levels[level] : 0, scale[i]);
      size += (long double)fabs(y);
      sizes++;
      if (is_left_out(m, one)) continue;
      error += (long double)one;
      bias += (long double)(forecast - y);
      errors++;
    }
  }
  c2_sums means = {
      .error = mean_of(error, errors), .bias = mean_of(bias, errors), .size = mean_of(size, sizes), .count = 1};
  return c2_metric_value(metric, &means);
}

c2_status c2_score(const c2_scoring *s, const c2_scored *series, size_t count, double *out, c2_error *err) {
  scales *scale = NULL;
  C2_TRY(c2_alloc_array(count, sizeof *scale, &scale, err));
  for (int m = 0; m < C2_METRICS; m++) out[m] = 0;
  for (size_t target = 0; target < s->targets; target++) {
    for (size_t i = 0; i < count; i++) scale[i] = scales_of(s, &series[i], target);
    for (int m = 0; m < C2_METRICS; m++) {
      size_t levels = levels_of(&definitions[m], s);
      double sum = levels ? 0 : (double)NAN;
      for (size_t q = 0; q < levels; q++) {
        sum += score_level((c2_metric)m, s, series, scale, count, target, q) / (double)levels;
      }
      out[m] += sum / (double)s->targets;
    }
  }
  free(scale);
  return C2_OK;
}
