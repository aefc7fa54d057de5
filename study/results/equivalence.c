/* Every arm beside full attention: log ratios of scores over the tasks, and whether they are close enough to 0.
 * Log ratios, so that a task with large scores does not dominate and a half weighs as much as a double. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "study/results/results.h"

const c2_equivalence_row *c2_change_of(const c2_summary *summary, size_t arm, size_t metric) {
  return &summary->equivalence[summary->metrics * arm + metric];
}

static double log_ratio(const c2_task_result *t, size_t arm, c2_metric metric) {
  double ratio = t->perf[arm].score[metric] / t->perf[0].score[metric];
  return ratio > 0 && isfinite(ratio) ? log(ratio) : (double)NAN;
}

/* The interval over tasks and series, where all tasks have series. */
static c2_status redraw(const c2_plan *plan, const c2_results *r, size_t arm, size_t metric, size_t n, c2_interval *out,
                        c2_error *err) {
  double *x = NULL; /* [n][C2_REDRAWS] */
  *out = (c2_interval){(double)NAN, (double)NAN};
  for (size_t i = 0; i < r->done; i++) {
    if (!r->task[i].redrawn) return C2_OK;
  }
  C2_TRY(c2_alloc_array(n * C2_REDRAWS, sizeof *x, &x, err));
  n = 0;
  for (size_t i = 0; i < r->done; i++) {
    const double *redrawn = r->task[i].redrawn + (r->compared.count * arm + metric) * C2_REDRAWS;
    if (isnan(log_ratio(&r->task[i], arm, r->compared.at[metric]))) continue;
    memcpy(x + n++ * C2_REDRAWS, redrawn, C2_REDRAWS * sizeof *x);
  }
  c2_status status = c2_bootstrap(x, n, C2_REDRAWS, plan->draws, 0.95, plan->seed, out, err);
  free(x);
  return status;
}

/* `x` has room for a number a task. */
static c2_status sum_arm(const c2_plan *plan, const c2_results *r, size_t arm, size_t metric, double *x,
                         c2_equivalence_row *row, c2_error *err) {
  size_t n = 0;
  row->arm = &r->arm[arm];
  row->metric = r->compared.at[metric];
  row->margin = log1p(plan->margin);
  for (size_t i = 0; i < r->done; i++) {
    x[n] = log_ratio(&r->task[i], arm, r->compared.at[metric]);
    if (!isnan(x[n])) n++;
  }
  row->left_out = r->done - n;
  c2_equivalence_test(x, n, row->margin, &row->test);
  C2_TRY(c2_wilcoxon_test(x, n, &row->wilcoxon, err));
  C2_TRY(redraw(plan, r, arm, metric, n, &row->series, err));
  return c2_bootstrap(x, n, 1, plan->draws, 0.95, plan->seed, &row->tasks, err);
}

static bool same_family(const c2_arm *a, const c2_arm *b) {
  return a->sparse_model == b->sparse_model && a->attention == b->attention && a->blindness == b->blindness;
}

/* Holm's corrections over a family of n arms: the rows of one metric, `step` apart. x has room for 2 n. */
static void correct(c2_equivalence_row *first, size_t n, size_t step, double *x) {
  static const size_t place[][2] = {
      {offsetof(c2_equivalence_row, test.p), offsetof(c2_equivalence_row, p_holm)},
      {offsetof(c2_equivalence_row, test.p_equivalent), offsetof(c2_equivalence_row, p_equivalent_holm)},
      {offsetof(c2_equivalence_row, wilcoxon.p), offsetof(c2_equivalence_row, wilcoxon_holm)}};
  for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
    for (size_t k = 0; k < n; k++) memcpy(&x[k], (const char *)&first[step * k] + place[i][0], sizeof *x);
    c2_holm(x, n, x + n);
    for (size_t k = 0; k < n; k++) memcpy((char *)&first[step * k] + place[i][1], &x[n + k], sizeof *x);
  }
}

c2_status c2_sum_equivalence(const c2_plan *plan, const c2_results *r, c2_summary *summary, c2_error *err) {
  double *room = NULL;
  size_t metrics = r->compared.count;
  summary->metrics = metrics;
  C2_TRY(c2_pool_alloc(&summary->pool, metrics * r->arms, sizeof *summary->equivalence, &summary->equivalence, err));
  C2_TRY(c2_pool_alloc(&summary->pool, c2_max_size(r->done, 2 * r->arms), sizeof *room, &room, err));
  for (size_t i = 0; i < metrics * r->arms; i++) {
    C2_TRY(sum_arm(plan, r, i / metrics, i % metrics, room, &summary->equivalence[i], err));
  }
  for (size_t first = 0, end = 1; first < r->arms; first = end) {
    for (end = first + 1; end < r->arms && same_family(&r->arm[first], &r->arm[end]);) end++;
    for (size_t m = 0; m < metrics; m++) {
      correct(&summary->equivalence[metrics * first + m], end - first, metrics, room);
    }
  }
  return C2_OK;
}

/* ---- Text ------------------------------------------------------------------------------------ */

double c2_percent(double log_ratio_of) {
  return 100 * expm1(log_ratio_of);
}

const char *c2_p_text(double p, int digits, char out[C2_P_ROOM]) {
  (void)snprintf(out, C2_P_ROOM, isnan(p) ? "-" : "%.*g", digits, p);
  return out;
}

const char *c2_outcome(const c2_equivalence_row *row) {
  bool loss = row->test.mean > 0;
  if (row->test.p < 0.05 && row->test.p_equivalent < 0.05) {
    return loss ? "a loss is shown, within the margin" : "a gain is shown, within the margin";
  }
  if (row->test.p < 0.05) return loss ? "a loss is shown" : "a gain is shown";
  if (row->test.p_equivalent < 0.05) return "equality within the margin is shown";
  return "neither a loss nor equality is shown";
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
  char p[2][C2_P_ROOM];
  (void)snprintf(out, room,
                 "equivalence: %s: %s changes by %+.3g%%, 90%% interval [%+.3g%%, %+.3g%%] (geometric mean of %zu "
                 "tasks); %s within %.3g%% (p = %s); the data support no margin below %.3g%%; %s (p = %s)%s",
                 name, metric, c2_percent(t->mean), c2_percent(t->low_90), c2_percent(t->high_90), t->n,
                 equivalent ? "equivalent" : "not shown to be equivalent", c2_percent(row->margin),
                 c2_p_text(t->p_equivalent, 2, p[0]), c2_percent(t->smallest_margin),
                 different    ? "a difference is shown"
                 : equivalent ? "a difference is not shown"
                              : "a difference is not shown either",
                 c2_p_text(t->p, 2, p[1]), different || equivalent ? "" : ", which is not equality");
}
