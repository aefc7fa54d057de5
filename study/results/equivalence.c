/* Every arm beside full attention: log ratios of scores over the tasks, and whether they are close enough to 0.
 * Log ratios, so that a task with large scores does not dominate and a half weighs as much as a double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/run.h"

const c2_equivalence_row *c2_study_equivalence(const c2_study *s, size_t arm, c2_metric metric) {
  return &s->equivalence[2 * arm + (metric == C2_WQL)];
}

static double log_ratio(const c2_task_result *r, size_t arm, c2_metric metric) {
  double ratio = r->perf[arm].score[metric] / r->perf[0].score[metric];
  return ratio > 0 && isfinite(ratio) ? log(ratio) : (double)NAN;
}

/* The interval over tasks and series, where all tasks have series. */
static c2_status redraw(const c2_study *s, size_t arm, size_t metric, size_t n, c2_interval *out, c2_error *err) {
  double *x = NULL; /* [n][C2_REDRAWS] */
  *out = (c2_interval){(double)NAN, (double)NAN};
  for (size_t i = 0; i < s->done; i++) {
    if (!s->result[i].redrawn) return C2_OK;
  }
  C2_TRY(c2_alloc_array(n * C2_REDRAWS, sizeof *x, &x, err));
  n = 0;
  for (size_t i = 0; i < s->done; i++) {
    if (isnan(log_ratio(&s->result[i], arm, metric ? C2_WQL : C2_MASE))) continue;
    memcpy(x + n++ * C2_REDRAWS, s->result[i].redrawn + (2 * arm + metric) * C2_REDRAWS, C2_REDRAWS * sizeof *x);
  }
  c2_status status = c2_bootstrap(x, n, C2_REDRAWS, s->options.draws, 0.95, s->options.seed, out, err);
  free(x);
  return status;
}

/* `x` has room for a number a task. */
static c2_status sum_arm(const c2_study *s, size_t arm, c2_metric metric, double *x, c2_equivalence_row *row,
                         c2_error *err) {
  size_t n = 0;
  row->arm = arm;
  row->metric = metric;
  row->margin = log1p(s->options.margin);
  for (size_t i = 0; i < s->done; i++) {
    x[n] = log_ratio(&s->result[i], arm, metric);
    if (!isnan(x[n])) n++;
  }
  row->left_out = s->done - n;
  c2_equivalence_test(x, n, row->margin, &row->test);
  C2_TRY(c2_wilcoxon_test(x, n, &row->wilcoxon, err));
  C2_TRY(redraw(s, arm, metric == C2_WQL, n, &row->series, err));
  return c2_bootstrap(x, n, 1, s->options.draws, 0.95, s->options.seed, &row->tasks, err);
}

static bool same_family(const c2_arm *a, const c2_arm *b) {
  return a->sparse_model == b->sparse_model && a->attention == b->attention && a->blindness == b->blindness;
}

/* Holm's correction over the radii [first, end) of one pattern; x has room for 2 numbers an arm. */
static void correct(c2_study *s, size_t first, size_t end, size_t metric, double *x) {
  size_t n = end - first;
  double *adjusted = x + n;
  for (size_t which = 0; which < 3; which++) {
    for (size_t k = 0; k < n; k++) {
      const c2_equivalence_row *r = &s->equivalence[2 * (first + k) + metric];
      x[k] = which == 0 ? r->test.p : which == 1 ? r->test.p_equivalent : r->wilcoxon.p;
    }
    c2_holm(x, n, adjusted);
    for (size_t k = 0; k < n; k++) {
      c2_equivalence_row *r = &s->equivalence[2 * (first + k) + metric];
      *(which == 0 ? &r->p_holm : which == 1 ? &r->p_equivalent_holm : &r->wilcoxon_holm) = adjusted[k];
    }
  }
}

c2_status c2_study_sum_equivalence(c2_study *s, c2_error *err) {
  double *room = NULL;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(2 * s->arms, sizeof *s->equivalence, &s->equivalence, err));
  C2_TRY(c2_alloc_array(c2_max_size(s->done, 2 * s->arms), sizeof *room, &room, err));
  for (size_t i = 0; status == C2_OK && i < 2 * s->arms; i++) {
    status = sum_arm(s, i / 2, i % 2 ? C2_WQL : C2_MASE, room, &s->equivalence[i], err);
  }
  for (size_t first = 0, end = 1; status == C2_OK && first < s->arms; first = end) {
    for (end = first + 1; end < s->arms && same_family(&s->arm[first], &s->arm[end]);) end++;
    for (size_t metric = 0; metric < 2; metric++) correct(s, first, end, metric, room);
  }
  free(room);
  return status;
}

/* ---- Text ------------------------------------------------------------------------------------ */

double c2_percent(double log_ratio_of) {
  return 100 * expm1(log_ratio_of);
}

void c2_equivalence_say(const c2_equivalence_row *row, const char *name, char *out, size_t room) {
  const c2_equivalence *t = &row->test;
  const char *metric = c2_metric_name(row->metric);
  if (t->n < 2 || isnan(t->smallest_margin)) {
    (void)snprintf(out, room, "equivalence: %s: too few tasks with a %s to tell (%zu)", name, metric, t->n);
    return;
  }
  bool equivalent = t->p_equivalent < 0.05;
  bool different = t->p < 0.05;
  (void)snprintf(out, room,
                 "equivalence: %s: %s changes by %+.3g%%, 90%% interval [%+.3g%%, %+.3g%%] (geometric mean of %zu "
                 "tasks); %s within %.3g%% (p = %.2g); the data support no margin below %.3g%%; %s (p = %.2g)%s",
                 name, metric, c2_percent(t->mean), c2_percent(t->low_90), c2_percent(t->high_90), t->n,
                 equivalent ? "equivalent" : "not shown to be equivalent", c2_percent(row->margin), t->p_equivalent,
                 c2_percent(t->smallest_margin),
                 different    ? "a difference is shown"
                 : equivalent ? "a difference is not shown"
                              : "a difference is not shown either",
                 t->p, different || equivalent ? "" : ", which is not equality");
}
