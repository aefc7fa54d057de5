/* Forecasts of a task's evaluation windows, and their scores. */
#include "study/measure/accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/random.h"
#include "base/text.h"
#include "data/series.h"
#include "study/measure/arm.h"
#include "study/statistics/statistics.h"

static c2_status cut_windows(c2_evaluation *e, c2_error *err) {
  const c2_task *task = e->task;
  C2_TRY(c2_alloc_array(task->num_windows, sizeof(c2_window), &e->window, err));
  C2_TRY(c2_alloc_array(task->num_windows, sizeof(chronos2_forecast *), &e->forecast, err));
  for (; e->windows < task->num_windows; e->windows++) {
    c2_window *w = &e->window[e->windows];
    c2_status status = c2_window_cut(w, &e->data, task, e->windows, e->as_univariate, err);
    if (status != C2_OK) {
      c2_window_free(w);
      return status;
    }
    e->num_forecasts += w->count * w->targets;
    e->longest = c2_max_size(e->longest, w->longest);
  }
  return C2_OK;
}

c2_status c2_evaluation_open(c2_evaluation *e, const c2_task *task, bool as_univariate, c2_error *err) {
  *e = (c2_evaluation){.task = task, .as_univariate = as_univariate};
  C2_TRY(c2_task_data_open(&e->data, task, err));
  return cut_windows(e, err);
}

c2_status c2_evaluation_of(c2_evaluation *e, const c2_task *task, c2_task_data *data, bool as_univariate,
                           c2_error *err) {
  *e = (c2_evaluation){.task = task, .data = *data, .as_univariate = as_univariate};
  memset(data, 0, sizeof *data);
  return cut_windows(e, err);
}

static void free_forecasts(c2_evaluation *e) {
  for (size_t i = 0; e->forecast && i < e->windows; i++) chronos2_forecast_free(&e->forecast[i]);
}

void c2_evaluation_free(c2_evaluation *e) {
  free_forecasts(e);
  free(e->forecast);
  for (size_t i = 0; i < e->windows; i++) c2_window_free(&e->window[i]);
  free(e->window);
  c2_task_data_free(&e->data);
  memset(e, 0, sizeof *e);
}

c2_status c2_evaluation_forecast(c2_evaluation *e, chronos2_session *session, const chronos2_predict_options *options,
                                 double *seconds, c2_error *err) {
  free_forecasts(e);
  double start = c2_clock_seconds();
  for (size_t i = 0; i < e->windows; i++) {
    const c2_window *w = &e->window[i];
    chronos2_status status = chronos2_predict(session, w->series, w->model_count, options, &e->forecast[i]);
    if (status != CHRONOS2_OK) {
      c2_error why;
      size_t series = c2_series_number(chronos2_last_error());
      size_t at = series / (e->as_univariate ? w->targets : 1);
      const char *id = series < w->model_count ? e->data.unit[w->unit[at]].item->id : NULL;
      (void)c2_series_fail(&why, (c2_status)status, chronos2_last_error(), id);
      C2_FAIL(err, (c2_status)status, "task '%.80s', window %zu: %.800s", e->task->name, i, why.text);
    }
  }
  *seconds = c2_clock_seconds() - start;
  return C2_OK;
}

/* ---- Scores ---------------------------------------------------------------------------------- */

/* Point [D][H] and quantiles [D][H][Q] of series i of a window. */
static c2_status fill(const c2_evaluation *e, size_t window, c2_forecaster who, size_t i, double *point,
                      double *quantiles, c2_error *err) {
  const c2_window *w = &e->window[window];
  const chronos2_forecast *forecast = e->forecast[window];
  size_t h = w->horizon;
  size_t levels = e->task->level_count;
  if (who == C2_BY_OTHER) {
    size_t count = w->targets * h * (1 + levels);
    memcpy(point, e->other[window] + i * count, count * sizeof *point); /* the quantiles follow the points */
    return C2_OK;
  }
  for (size_t d = 0; d < w->targets; d++, point += h, quantiles += h * levels) {
    if (who == C2_BY_NAIVE) {
      c2_seasonal_naive(w->past[i] + d * w->length[i], w->length[i], e->task->seasonality, h, point);
      for (size_t k = 0; k < h * levels; k++) quantiles[k] = point[k / levels];
      continue;
    }
    size_t series = e->as_univariate ? i * w->targets + d : i;
    size_t target = e->as_univariate ? 0 : d;
    memcpy(point, chronos2_forecast_median(forecast, series, target), h * sizeof *point);
    if (levels == 0) continue;
    C2_TRY(c2_api(chronos2_forecast_at_levels(forecast, series, target, e->task->levels, levels, quantiles), err));
  }
  return C2_OK;
}

c2_status c2_evaluation_collect(const c2_evaluation *e, size_t window, c2_forecaster who, c2_pool *pool,
                                c2_scored **scored, c2_error *err) {
  const c2_window *w = &e->window[window];
  double *block = NULL;
  size_t levels = e->task->level_count;
  size_t cells = w->targets * w->horizon; /* the windows hold as many values already */
  size_t values = 0;
  if (!c2_mul(cells, levels + 1, &values) || !c2_mul(values, w->count, &values)) {
    C2_FAIL(err, C2_ERR_MEMORY, "task '%.80s': the forecasts' size overflows", e->task->name);
  }
  C2_TRY(c2_pool_alloc(pool, w->count, sizeof **scored, scored, err));
  C2_TRY(c2_pool_alloc(pool, values, sizeof *block, &block, err));
  for (size_t i = 0; i < w->count; i++) {
    double *point = block + i * cells * (levels + 1);
    double *quantiles = point + cells;
    (*scored)[i] = (c2_scored){w->length[i], w->past[i], w->truth[i], point, levels ? quantiles : NULL};
    C2_TRY(fill(e, window, who, i, point, quantiles, err));
  }
  return C2_OK;
}

static c2_scoring scoring_of(const c2_evaluation *e, const c2_window *w) {
  return (c2_scoring){w->targets, w->horizon, e->task->seasonality, e->task->levels, e->task->level_count};
}

static c2_status score_window(const c2_evaluation *e, size_t window, c2_forecaster who, double *score, c2_error *err) {
  const c2_window *w = &e->window[window];
  c2_pool pool = {.chunk = NULL};
  c2_scored *scored = NULL;
  c2_scoring scoring = scoring_of(e, w);
  c2_status status = c2_evaluation_collect(e, window, who, &pool, &scored, err);
  if (status == C2_OK) status = c2_score(&scoring, scored, w->count, score, err);
  c2_pool_free(&pool);
  return status;
}

c2_status c2_evaluation_score(const c2_evaluation *e, c2_forecaster who, double *score, c2_error *err) {
  double *all = NULL; /* [C2_METRICS][windows] */
  double one[C2_METRICS];
  c2_status status = c2_alloc_array(C2_METRICS * e->windows, sizeof *all, &all, err);
  for (size_t i = 0; status == C2_OK && i < e->windows; i++) {
    status = score_window(e, i, who, one, err);
    for (size_t m = 0; status == C2_OK && m < C2_METRICS; m++) all[m * e->windows + i] = one[m];
  }
  for (size_t m = 0; status == C2_OK && m < C2_METRICS; m++) score[m] = c2_mean(all + m * e->windows, e->windows);
  free(all);
  return status;
}

/* ---- Series ---------------------------------------------------------------------------------- */

c2_status c2_evaluation_series(const c2_evaluation *e, c2_forecaster who, const c2_metric_list *metrics, c2_sums *out,
                               c2_error *err) {
  for (size_t i = 0; i < e->windows; i++) {
    const c2_window *w = &e->window[i];
    c2_pool pool = {.chunk = NULL};
    c2_scored *scored = NULL;
    c2_scoring scoring = scoring_of(e, w);
    c2_status status = c2_evaluation_collect(e, i, who, &pool, &scored, err);
    for (size_t k = 0; status == C2_OK && k < w->targets * w->count; k++) {
      for (size_t m = 0; m < metrics->count; m++) {
        *out++ = c2_series_sums(&scoring, &scored[k % w->count], k / w->count, metrics->at[m]);
      }
    }
    c2_pool_free(&pool);
    C2_TRY(status);
  }
  return C2_OK;
}

size_t c2_evaluation_observed(const c2_evaluation *e) {
  size_t observed = 0;
  for (size_t i = 0; i < e->windows; i++) {
    const c2_window *w = &e->window[i];
    size_t steps = w->targets * w->horizon;
    for (size_t k = 0; k < w->count * steps; k++) {
      bool is_there = !isnan(w->truth[k / steps][k % steps]);
      observed += is_there;
    }
  }
  return observed;
}

/* The metrics of a task whose series count times[unit] each. Windows without any of them are left out. */
static void score_drawn(const c2_evaluation *e, const c2_metric_list *metrics, const c2_sums *sums, const size_t *times,
                        double score[C2_METRICS]) {
  size_t windows = 0;
  memset(score, 0, C2_METRICS * sizeof *score);
  for (size_t i = 0; i < e->windows; i++) {
    const c2_window *w = &e->window[i];
    double mean[C2_METRICS] = {0};
    size_t drawn = 0;
    for (size_t d = 0; d < w->targets; d++) {
      c2_sums sum[C2_METRICS] = {{.count = 0}};
      for (size_t k = 0; k < w->count; k++) {
        double n = (double)times[w->unit[k]];
        for (size_t m = 0; m < metrics->count; m++, sums++) {
          sum[m].error += n * sums->error;
          sum[m].bias += n * sums->bias;
          sum[m].size += n * sums->size;
          sum[m].count += n * sums->count;
        }
        drawn += times[w->unit[k]];
      }
      for (size_t m = 0; m < metrics->count; m++) {
        mean[m] += c2_metric_value(metrics->at[m], &sum[m]) / (double)w->targets;
      }
    }
    if (drawn == 0) continue;
    windows++;
    for (size_t m = 0; m < metrics->count; m++) score[m] += mean[m];
  }
  for (size_t m = 0; m < metrics->count; m++) score[m] /= (double)windows;
}

/* Draws without a score give way to those that have one. */
static void fill_gaps(double *x, size_t n) {
  for (size_t i = 0, from = 0; i < n; i++) {
    if (!isnan(x[i])) continue;
    if (from == n) from = 0; /* as often as need be; x[0] is filled by then, if any is */
    while (from < n && isnan(x[from])) from++;
    if (from == n) return;
    x[i] = x[from++];
  }
}

c2_status c2_evaluation_redraw(const c2_evaluation *e, const c2_metric_list *metrics, const c2_sums *sums, size_t arms,
                               size_t draws, uint64_t seed, double *out, c2_error *err) {
  size_t *pool = NULL; /* units that a window has, then how often each unit is drawn */
  size_t count = 0;
  C2_TRY(c2_alloc_array(2 * e->data.units, sizeof *pool, &pool, err));
  size_t *times = pool + e->data.units;
  for (size_t i = 0; i < e->windows; i++) {
    for (size_t k = 0; k < e->window[i].count; k++) times[e->window[i].unit[k]] = 1;
  }
  for (size_t u = 0; u < e->data.units; u++) {
    if (times[u]) pool[count++] = u;
  }
  for (size_t b = 0; b < draws; b++) {
    double full[C2_METRICS];
    memset(times, 0, e->data.units * sizeof *times);
    for (size_t i = 0; i < count; i++) times[pool[c2_random_below(&seed, count)]]++;
    for (size_t k = 0; k < arms; k++) {
      double score[C2_METRICS];
      score_drawn(e, metrics, sums + k * e->num_forecasts * metrics->count, times, k ? score : full);
      for (size_t m = 0; m < metrics->count; m++) {
        double ratio = k ? score[m] / full[m] : 1;
        out[(metrics->count * k + m) * draws + b] = ratio > 0 && isfinite(ratio) ? log(ratio) : (double)NAN;
      }
    }
  }
  for (size_t i = 0; i < metrics->count * arms; i++) fill_gaps(out + i * draws, draws);
  free(pool);
  return C2_OK;
}
