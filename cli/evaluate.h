/* What the files of `chronos2 evaluate` share: the request, its results, and how they are read, written and drawn. */
#ifndef C2_CLI_EVALUATE_H
#define C2_CLI_EVALUATE_H

#include "base/pool.h"
#include "cli/input.h"
#include "study/measure/coverage.h"

typedef struct evaluate_request {
  cli_engine engine;
  cli_input in;
  size_t horizon, windows, stride, seasonality;
  const char *levels_text, *known_text, *against, *output, *forecasts, *calibration, *report, *model_name;
  double *levels;
  size_t level_count;
  c2_task task;
  c2_task_data data;
  c2_evaluation e;
  bool scored[C2_FORECASTERS]; /* whose forecasts there are */
  double overall[C2_FORECASTERS][C2_METRICS];
  size_t rows;      /* series times targets */
  size_t *count;    /* [rows] windows that a row has */
  double *row_score[C2_FORECASTERS]; /* [rows][C2_METRICS] */
  size_t *defined[C2_FORECASTERS];   /* [rows][C2_METRICS] windows whose mean that is */
  double gaps[C2_FORECASTERS][C2_METRICS]; /* steps at which a metric has no error, over all windows, */
  double beyond[C2_FORECASTERS][C2_METRICS]; /* and an infinite one */
  c2_coverage coverage[C2_FORECASTERS];
  c2_pool pool; /* of the task and of forecasts that were read */
  char summary[C2_SUMMARY_ROOM], plan[400];
} evaluate_request;

/* As files name it. */
static inline const char *evaluate_forecaster(c2_forecaster who) {
  return who == C2_BY_MODEL ? "model" : who == C2_BY_NAIVE ? "seasonal_naive" : "against";
}

/* Time stamp of a step of a window's series: 0 is the first that is forecast, -1 the last that is known. */
static inline c2_status evaluate_stamp(const evaluate_request *r, const c2_window *w, size_t i, int64_t step,
                                       char out[C2_TIME_ROOM], c2_time *time, c2_error *err) {
  const c2_item *item = r->e.data.unit[w->unit[i]].item;
  return c2_item_stamp_step(item, (int64_t)w->length[i] + step, out, time, err);
}

/* ---- evaluate_against.c ---- */

/* Reads the forecasts of --against for every window into e.other. */
c2_status evaluate_read_against(evaluate_request *r, c2_error *err);

/* ---- evaluate_write.c ---- */

void evaluate_print(const evaluate_request *r, FILE *out);
c2_status evaluate_write_scores(const evaluate_request *r, FILE *out, c2_error *err);
c2_status evaluate_write_calibration(const evaluate_request *r, FILE *out, c2_error *err);
c2_status evaluate_write_forecasts(const evaluate_request *r, FILE *out, c2_error *err);

/* ---- evaluate_draw.c ---- */

c2_status evaluate_draw(const evaluate_request *r, FILE *out, c2_error *err);

#endif
