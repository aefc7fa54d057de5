/* Forecasts of a task's evaluation windows, and their scores. */
#ifndef C2_STUDY_ACCURACY_H
#define C2_STUDY_ACCURACY_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "study/statistics/metrics.h"
#include "study/tasks/windows.h"

/* Whose forecasts are scored. */
typedef enum c2_forecaster {
  C2_BY_MODEL, /* those of the last c2_evaluation_forecast */
  C2_BY_NAIVE, /* the last season repeated */
  C2_BY_OTHER, /* those that somebody else made */
  C2_FORECASTERS
} c2_forecaster;

/* A task's data, all its windows, and the last forecasts of them. */
typedef struct c2_evaluation {
  const c2_task *task;
  c2_task_data data;
  c2_window *window; /* [windows] */
  size_t windows;
  size_t num_forecasts; /* series times targets, over the windows */
  size_t longest;       /* past of all */
  bool as_univariate;
  chronos2_forecast **forecast; /* [windows], of the last c2_evaluation_forecast */
  double *const *other;         /* [windows] of somebody else, each [series][targets * horizon * (1 + levels)]: points,
                                   then quantiles as c2_scored has them; borrowed */
} c2_evaluation;

/* Reads the data and cuts the windows. Free the evaluation also after a failure. */
c2_status c2_evaluation_open(c2_evaluation *e, const c2_task *task, bool as_univariate, c2_error *err);

/* The same of series that were read by others: `data` is settled (c2_task_data_settle) and becomes the evaluation's. */
c2_status c2_evaluation_of(c2_evaluation *e, const c2_task *task, c2_task_data *data, bool as_univariate,
                           c2_error *err);
void c2_evaluation_free(c2_evaluation *e);

/* Forecasts every window. *seconds receives the time from raw series to quantiles. */
c2_status c2_evaluation_forecast(c2_evaluation *e, chronos2_session *session, const chronos2_predict_options *options,
                                 double *seconds, c2_error *err);

/* Scores forecasts: score[C2_METRICS] receives means over the windows. */
c2_status c2_evaluation_score(const c2_evaluation *e, c2_forecaster who, double *score, c2_error *err);

/* What each series adds to the metrics of forecasts: out[num_forecasts][metrics]. The forecasts stand window by window,
 * and within a window by target and series. */
c2_status c2_evaluation_series(const c2_evaluation *e, c2_forecaster who, const c2_metric_list *metrics, c2_sums *out,
                               c2_error *err);

/* The steps of all windows whose truth is known. */
size_t c2_evaluation_observed(const c2_evaluation *e);

/* Collects truth and forecasts of a window's series in a pool, as c2_score takes them. */
c2_status c2_evaluation_collect(const c2_evaluation *e, size_t window, c2_forecaster who, c2_pool *pool,
                                c2_scored **scored, c2_error *err);

/* Redraws the series of the task, the same ones for every arm and window: a bootstrap within the task. `sums` is
 * [arms][num_forecasts][metrics]. out [arms][metrics][draws] receives the logarithms of an arm's metrics over those of
 * arm 0; they are NaN where a metric has no ratio. */
c2_status c2_evaluation_redraw(const c2_evaluation *e, const c2_metric_list *metrics, const c2_sums *sums, size_t arms,
                               size_t draws, uint64_t seed, double *out, c2_error *err);

#endif
