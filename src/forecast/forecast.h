/* Forecasts: what one holds, and how a request becomes one. */
#ifndef C2_FORECAST_FORECAST_H
#define C2_FORECAST_FORECAST_H

#include "forecast/context.h"
#include "forecast/request.h"
#include "forecast/session.h"

struct chronos2_forecast {
  size_t count, horizon, quantiles, median;
  double levels[64];
  size_t *targets; /* [count] 0: no forecast */
  size_t *first;   /* [count] rows before this series */
  c2_fault *fault; /* [count]; NULL: every series has its forecast */
  size_t rows;
  double *values; /* [rows][Q][horizon] */
};

/* Fails for options that no forecast can have, whatever the series are. */
c2_status c2_forecast_check(const chronos2_predict_options *options, const chronos2_config *config, c2_error *err);

/* Forecasts `count` series, from `context` unless it is NULL. Free the forecast also after a failure. */
c2_status c2_forecast_run(chronos2_forecast *forecast, chronos2_session *session, const chronos2_context *context,
                          const chronos2_series *series, size_t count, const chronos2_predict_options *options,
                          c2_error *err);
/* What c2_forecast_run takes at most, with the forecast, but without the model and what the session holds already. */
c2_status c2_forecast_plan(chronos2_session *session, const chronos2_series *series, size_t count,
                           const chronos2_predict_options *options, size_t *bytes, c2_error *err);
void c2_forecast_free(chronos2_forecast *forecast);

/* The quantiles of a target, [Q][horizon], or NULL if it is out of range. */
const double *c2_forecast_quantiles(const chronos2_forecast *forecast, size_t series, size_t target);

/* Interpolates quantiles at other levels: out [horizon][count]. */
c2_status c2_forecast_at_levels(const chronos2_forecast *forecast, size_t series, size_t target, const double *levels,
                                size_t count, double *out, c2_error *err);

#endif
