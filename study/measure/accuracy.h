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

/* A task's data and all its windows, each cut once. */
typedef struct c2_evaluation {
  const c2_task *task;
  c2_task_data data;
  c2_window *window; /* [windows] */
  size_t windows;
  size_t num_forecasts; /* series times targets, over the windows */
  size_t longest;       /* past of all */
  bool as_univariate;
  chronos2_forecast **forecast; /* [windows], of the last c2_evaluation_forecast */
} c2_evaluation;

/* Free also after a failure. */
c2_status c2_evaluation_open(c2_evaluation *e, const c2_task *task, bool as_univariate, c2_error *err);
void c2_evaluation_free(c2_evaluation *e);

/* Forecasts every window; *seconds gets the time from raw series to quantiles. */
c2_status c2_evaluation_forecast(c2_evaluation *e, chronos2_session *session, const chronos2_predict_options *options,
                                 double *seconds, c2_error *err);

/* score[C2_METRICS]: means over the windows, of the last forecasts or of the seasonal-naive ones. */
c2_status c2_evaluation_score(const c2_evaluation *e, bool naive, double *score, c2_error *err);

/* What each series adds to the metrics of the last forecasts: out[num_forecasts][metrics], window by window, each
 * [targets][series]. */
c2_status c2_evaluation_series(const c2_evaluation *e, const c2_metric_list *metrics, c2_sums *out, c2_error *err);

/* Bootstrap within the task: its series are drawn anew, the same ones for every arm and window. sums
 * [arms][num_forecasts][metrics]; out [arms][metrics][draws] gets logarithms of an arm's metrics over those of arm 0,
 * NaN where a metric has none. */
c2_status c2_evaluation_redraw(const c2_evaluation *e, const c2_metric_list *metrics, const c2_sums *sums, size_t arms,
                               size_t draws, uint64_t seed, double *out, c2_error *err);

#endif
