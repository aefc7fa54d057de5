/* The arms of a study: what is compared with dense attention, and by how much it changes the scores. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "study/run.h"
#include "study/statistics.h"

static void add(c2_study *s, bool sparse_model, chronos2_attention attention, double radius, bool timed) {
  s->arm[s->arms++] = (c2_arm){sparse_model, attention, radius, timed};
}

static bool has_infinite_radius(const c2_study_options *o) {
  return isinf(o->perf_radii[o->perf_radius_count - 1]); /* ascending */
}

c2_status c2_study_choose_arms(c2_study *s, c2_error *err) {
  const c2_study_options *o = &s->options;
  size_t n = o->perf_radius_count;
  if (n == 0) return C2_OK;
  C2_TRY(c2_alloc_array(3 * n + 4, sizeof *s->arm, &s->arm, err));
  add(s, false, CHRONOS2_FULL, (double)NAN, true);
  for (size_t i = 0; i < n; i++) add(s, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, o->perf_radii[i], true);
  bool blind = o->blind_arm && !has_infinite_radius(o);
  if (blind) add(s, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, (double)INFINITY, false);
  for (size_t i = 0; o->visible_arms && i < n; i++) {
    add(s, false, CHRONOS2_WINDOWED_FUTURE_VISIBLE, o->perf_radii[i], false);
  }
  if (o->visible_arms && !has_infinite_radius(o)) {
    add(s, false, CHRONOS2_WINDOWED_FUTURE_VISIBLE, (double)INFINITY, false);
  }
  if (!o->sparse_model_folder) return C2_OK;
  add(s, true, CHRONOS2_FULL, (double)NAN, false);
  for (size_t i = 0; i < n; i++) add(s, true, CHRONOS2_WINDOWED_FUTURE_GLOBAL, o->perf_radii[i], false);
  return C2_OK;
}

/* Geometric mean of score / full over the tasks where both are finite and above 0, with its 95% interval; x has
 * room for 2 numbers a task. */
static c2_status change(const c2_study *s, size_t arm, c2_metric metric, double *x, c2_arm_change *out, c2_error *err) {
  double *logs = x;
  double *zeros = x + s->done;
  size_t n = 0;
  c2_ttest test;
  for (size_t i = 0; i < s->done; i++) {
    double ratio = s->result[i].perf[arm].score[metric] / s->result[i].perf[0].score[metric];
    if (!(ratio > 0) || isinf(ratio)) continue;
    zeros[n] = 0;
    logs[n++] = log(ratio);
  }
  C2_TRY(c2_ttest_paired(logs, zeros, n, 0.95, &test, err));
  *out = (c2_arm_change){n, exp(test.mean), exp(test.low), exp(test.high)};
  return C2_OK;
}

c2_status c2_study_sum_arms(c2_study *s, c2_error *err) {
  double *room = NULL;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(s->arms, sizeof *s->arm_mase, &s->arm_mase, err));
  C2_TRY(c2_alloc_array(s->arms, sizeof *s->arm_wql, &s->arm_wql, err));
  C2_TRY(c2_alloc_array(2 * s->done, sizeof *room, &room, err));
  for (size_t k = 0; status == C2_OK && k < s->arms; k++) {
    status = change(s, k, C2_MASE, room, &s->arm_mase[k], err);
    if (status == C2_OK) status = change(s, k, C2_WQL, room, &s->arm_wql[k], err);
  }
  free(room);
  return status;
}

void c2_study_print_arms(const c2_study *s, FILE *out) {
  if (s->arms == 0) return;
  (void)fprintf(out, "%-22s %10s %21s %10s %21s\n", "arm, against full", "MASE", "95% CI", "WQL", "95% CI");
  for (size_t k = 1; k < s->arms; k++) {
    const c2_arm_change *m = &s->arm_mase[k];
    const c2_arm_change *w = &s->arm_wql[k];
    char name[C2_REPR_ROOM];
    c2_arm_name(&s->arm[k], name);
    (void)fprintf(out, "%-22s %+9.2f%% [%+8.2f%%, %+8.2f%%] %+9.2f%% [%+8.2f%%, %+8.2f%%]\n", name,
                  100 * (m->ratio - 1), 100 * (m->low - 1), 100 * (m->high - 1), 100 * (w->ratio - 1),
                  100 * (w->low - 1), 100 * (w->high - 1));
  }
}
