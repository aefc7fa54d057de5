/* Scores, times and memory of a task under the arms of a study. */
#include "study/measure/comparison.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/random.h"
#include "study/statistics/statistics.h"

static const double bytes_per_mb = 1024.0 * 1024.0;

double c2_total_work(const c2_perf *perf) {
  const chronos2_work *w = &perf->work;
  return w->embed + w->time_projection + w->time_attention + w->group_attention + w->feed_forward + w->head;
}

static c2_status measure(const c2_comparison *c, const c2_arm *arm, c2_evaluation *e, double *seconds, c2_error *err) {
  chronos2_session *session = c->session[arm->sparse_model];
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT,
                                      .horizon = e->task->horizon,
                                      .context_length = c->plan->context_length,
                                      .batch_size = c->plan->perf_batch,
                                      .extend_context = true};
  C2_TRY(c2_arm_apply(arm, c->plan->session.reg_global, session, err));
  C2_TRY(c2_evaluation_forecast(e, session, &options, seconds, err));
  if (c->passed) c->passed(c->user);
  return C2_OK;
}

/* The pass that isn't timed: it gives the scores and the memory. */
static c2_status first_pass(const c2_comparison *c, const c2_arm *arm, c2_evaluation *e, c2_perf *perf, c2_error *err) {
  const double nan = (double)NAN;
  chronos2_session *session = c->session[arm->sparse_model];
  *perf = (c2_perf){.num_forecasts = e->num_forecasts,
                    .context_used = c2_min_size(e->longest, c->most_context[arm->sparse_model]),
                    .mean_s = nan,
                    .median_s = nan,
                    .deviation_s = nan,
                    .least_s = nan,
                    .speedup = nan,
                    .speedup_low = nan,
                    .speedup_high = nan};
  chronos2_session_reset_peak(session);
  chronos2_session_reset_work(session);
  c2_reset_peak_resident();
  C2_TRY(measure(c, arm, e, &perf->pass_s, err));
  perf->work = chronos2_session_work(session);
  chronos2_device_memory gpu = chronos2_session_device_memory(session);
  size_t allocated = gpu.reserved ? gpu.allocated : chronos2_session_peak_bytes(session);
  size_t reserved = gpu.reserved ? gpu.reserved : c2_peak_resident_bytes();
  perf->alloc_median_mb = perf->alloc_max_mb = (double)allocated / bytes_per_mb;
  perf->reserved_median_mb = perf->reserved_max_mb = (double)reserved / bytes_per_mb;
  return c2_evaluation_score(e, C2_BY_MODEL, perf->score, err);
}

/* The timed arms take turns in an order that the seed draws anew for each repeat: a drift of the machine hits all
 * alike, and none always follows the same other one. */
static c2_status time_arms(const c2_comparison *c, c2_evaluation *e, double *seconds, c2_error *err) {
  size_t *order = NULL;
  uint64_t state = c->seed;
  C2_TRY(c2_alloc_array(c->timed, sizeof *order, &order, err));
  for (size_t k = 0; k < c->timed; k++) order[k] = k;
  c2_status status = C2_OK;
  size_t untimed = c2_untimed_turns(c->plan);
  for (size_t turn = 0; turn < untimed + c->plan->repeats; turn++) {
    size_t r = turn > untimed ? turn - untimed : 0; /* the first one takes the place of what isn't timed */
    for (size_t k = c->timed; k > 0; k--) { /* Fisher and Yates */
      size_t other = c2_random_below(&state, k);
      size_t arm = order[other];
      order[other] = order[k - 1];
      order[k - 1] = arm;
    }
    for (size_t k = 0; status == C2_OK && k < c->timed; k++) {
      status = measure(c, &c->arm[order[k]], e, &seconds[order[k] * c->plan->repeats + r], err);
    }
  }
  free(order);
  return status;
}

/* seconds and full_seconds [repeats]; the speed-up is paired by repeat. */
static c2_status sum_times(c2_perf *perf, const double *full_seconds, const double *seconds, size_t repeats,
                           c2_error *err) {
  double *logs = NULL;
  c2_ttest test;
  perf->repeats = repeats;
  perf->mean_s = c2_mean(seconds, repeats);
  perf->deviation_s = c2_standard_deviation(seconds, repeats);
  perf->least_s = (double)INFINITY;
  for (size_t i = 0; i < repeats; i++) perf->least_s = fmin(perf->least_s, seconds[i]);
  C2_TRY(c2_median(seconds, repeats, &perf->median_s, err));
  C2_TRY(c2_alloc_array(repeats, sizeof *logs, &logs, err));
  for (size_t i = 0; i < repeats; i++) logs[i] = log(full_seconds[i]) - log(seconds[i]);
  c2_ttest_of(logs, repeats, &test);
  free(logs);
  perf->speedup = exp(test.mean);
  perf->speedup_low = exp(test.low);
  perf->speedup_high = exp(test.high);
  return C2_OK;
}

/* `sums` [num_forecasts][metrics] are of one arm. */
static void count_left_out(const c2_comparison *c, const c2_evaluation *e, const c2_sums *sums) {
  for (size_t m = 0; m < c->metrics->count; m++) {
    double gaps = 0;
    double beyond = 0;
    for (size_t i = 0; i < e->num_forecasts; i++) {
      gaps += sums[i * c->metrics->count + m].gaps;
      beyond += sums[i * c->metrics->count + m].beyond;
    }
    c->left_out[m] = fmax(c->left_out[m], c2_whole_steps(gaps));
    c->beyond[m] = fmax(c->beyond[m], c2_whole_steps(beyond));
  }
}

c2_status c2_compare_task(const c2_comparison *c, c2_evaluation *e, c2_perf *perf, double *redrawn, c2_example *example,
                          c2_error *err) {
  double *seconds = NULL; /* [timed][repeats] */
  c2_sums *sums = NULL;   /* [arms][num_forecasts][metrics] */
  size_t of_arm = e->num_forecasts * c->metrics->count;
  c2_status status = C2_OK;
  C2_GOTO(c2_example_open(example, e, err));
  C2_GOTO(c2_alloc_array(c->timed * c->plan->repeats, sizeof *seconds, &seconds, err));
  C2_GOTO(c2_alloc_array(c->arms * of_arm, sizeof *sums, &sums, err));
  for (size_t k = 0; k < c->arms; k++) {
    C2_GOTO(first_pass(c, &c->arm[k], e, &perf[k], err));
    C2_GOTO(c2_evaluation_series(e, C2_BY_MODEL, c->metrics, sums + k * of_arm, err));
    count_left_out(c, e, sums + k * of_arm);
    if (k == 0) C2_GOTO(c2_example_take(example, e, 0, err));
    if (k == c->example_arm) C2_GOTO(c2_example_take(example, e, 1, err));
  }
  C2_GOTO(c2_evaluation_redraw(e, c->metrics, sums, c->arms, C2_REDRAWS, c->seed, redrawn, err));
  C2_GOTO(time_arms(c, e, seconds, err));
  for (size_t k = 0; k < c->timed; k++) {
    C2_GOTO(sum_times(&perf[k], seconds, seconds + k * c->plan->repeats, c->plan->repeats, err));
  }
fail:
  free(seconds);
  free(sums);
  return status;
}
