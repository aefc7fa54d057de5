/* Sums over tasks, and warnings of what is wrong with the results. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "study/results/results.h"

/* ---- Warnings -------------------------------------------------------------------------------- */

/* Kept mass is near what uniform attention keeps. Where that is little, so is a difference that tells of a trained
 * model. */
static bool is_near(double mass, double uniform) {
  return fabs(mass - uniform) <= fmin(0.005, 0.05 * fmin(uniform, 1 - uniform));
}

/* Kept mass equals what uniform attention keeps, at every radius that leaves something out, and where the probe knows
 * the entropy, that is as good as uniform attention's. */
static bool is_uniform(const c2_mass_row *rows, size_t count) {
  size_t telling = 0;
  for (size_t i = 0; i < count; i++) {
    const c2_share *r = &rows[i].share;
    if (!(fmin(r->uniform, r->edges) < 0.98)) continue; /* fmin passes over a NaN: others don't know uniform mass */
    telling++;
    if (!is_near(r->mass, r->uniform) && !is_near(r->mass, r->edges)) return false;
    if (r->entropy < C2_UNIFORM_ENTROPY) return false; /* NaN: not known */
  }
  return telling > 0;
}

static double over_naive(const c2_results *r, size_t task) {
  const c2_task_result *t = &r->task[task];
  c2_metric metric = r->compared.at[0];
  return t->perf ? t->perf[0].score[metric] / t->naive[metric] : (double)NAN;
}

enum { FEW = 3 }; /* tasks that are named each */

static c2_status warn_of_uniform(const c2_results *r, c2_journal *journal, size_t *uniform, c2_error *err) {
  for (size_t i = 0; i < r->done; i++) *uniform += is_uniform(r->task[i].mass, r->task[i].mass_count) ? 1 : 0;
  if (*uniform > FEW) {
    return c2_journal_warn(journal, err,
                           "kept mass lies within 0.005 of kept edges, or of what uniform attention keeps, on %zu of "
                           "%zu tasks: attention is uniform, as in a model that "
                           "has not been trained; that it loses nothing by a window says nothing of a trained one",
                           *uniform, r->done);
  }
  for (size_t i = 0; i < r->done; i++) {
    if (!is_uniform(r->task[i].mass, r->task[i].mass_count)) continue;
    C2_TRY(
        c2_journal_warn(journal, err,
                        "task '%.80s': kept mass lies within 0.005 of kept edges, or of what uniform attention keeps: "
                        "attention is uniform, as in a model that has not "
                        "been trained",
                        r->tasks.task[i].name));
  }
  return C2_OK;
}

static c2_status warn_of_naive(const c2_results *r, c2_journal *journal, c2_error *err) {
  c2_metric metric = r->compared.at[0];
  size_t count = 0;
  size_t worst = 0;
  double logs = 0;
  for (size_t i = 0; i < r->done; i++) {
    double ratio = over_naive(r, i);
    if (!(ratio > 1)) continue;
    if (count == 0 || ratio > over_naive(r, worst)) worst = i;
    count++;
    logs += log(ratio);
  }
  if (count > FEW) {
    return c2_journal_warn(journal, err,
                           "the model's %s is worse than seasonal naive's on %zu of %zu tasks, there by a factor of "
                           "%.2f (geometric mean), at most of %.1f ('%.80s')",
                           c2_metric_name(metric), count, r->done, exp(logs / (double)count), over_naive(r, worst),
                           r->tasks.task[worst].name);
  }
  for (size_t i = 0; i < r->done; i++) {
    const c2_task_result *t = &r->task[i];
    if (!(over_naive(r, i) > 1)) continue;
    C2_TRY(c2_journal_warn(journal, err, "task '%.80s': the model's %s %.4f is worse than seasonal naive's %.4f",
                           t->task->name, c2_metric_name(metric), t->perf[0].score[metric], t->naive[metric]));
  }
  return C2_OK;
}

/* ---- Sums ------------------------------------------------------------------------------------ */

enum { SHARES = sizeof(c2_share) / sizeof(double) }; /* the first is kept mass */

/* A share of all windows at a radius, given by its index in c2_share, of one side of the split (0: both, 1: below, 2:
 * from it on). */
static size_t collect(const c2_plan *plan, const c2_results *r, size_t radius, size_t side, size_t index, double *out) {
  size_t n = 0;
  for (size_t i = 0; i < r->done; i++) {
    for (size_t k = radius; k < r->task[i].mass_count; k += r->radii.count) {
      const c2_mass_row *row = &r->task[i].mass[k];
      bool large = row->tokens >= plan->split;
      if (side != 0 && large != (side == 2)) continue;
      double share[SHARES];
      memcpy(share, &row->share, sizeof share);
      if (isfinite(share[index])) out[n++] = share[index];
    }
  }
  return n;
}

static c2_status sum_mass(const c2_plan *plan, const c2_results *r, c2_summary *summary, c2_error *err) {
  double *values = NULL;
  size_t most = 0;
  for (size_t i = 0; i < r->done; i++) most += r->task[i].mass_count;
  C2_TRY(c2_pool_alloc(&summary->pool, r->radii.count, sizeof *summary->mass, &summary->mass, err));
  C2_TRY(c2_pool_alloc(&summary->pool, most, sizeof *values, &values, err));
  for (size_t k = 0; k < r->radii.count; k++) {
    c2_mass_summary_row *row = &summary->mass[k];
    row->radius = r->radii.at[k];
    for (size_t side = 0; side < 3; side++) {
      double mean[SHARES];
      for (size_t i = 0; i < SHARES; i++) {
        size_t n = collect(plan, r, k, side, i, values);
        mean[i] = c2_mean(values, n);
        if (i > 0) continue;
        row->count[side] = n;
        row->deviation[side] = c2_standard_deviation(values, n);
      }
      memcpy(&row->mean[side], mean, sizeof mean);
    }
  }
  return C2_OK;
}

/* Moves the finite numbers of x [n] to its front and returns how many there are. */
static size_t keep_finite(double *x, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if (isfinite(x[i])) x[kept++] = x[i];
  }
  return kept;
}

/* Means and medians of what an arm does to time and memory, over the tasks of which that is known; x has room for 4
 * numbers a task. */
static c2_status sum_speed(const c2_results *r, size_t arm, double *x, c2_test_row *row, c2_error *err) {
  size_t n = r->done;
  for (size_t i = 0; i < n; i++) {
    const c2_perf *full = &r->task[i].perf[0];
    const c2_perf *sparse = &r->task[i].perf[arm];
    x[i] = full->median_s / sparse->median_s;
    x[n + i] = c2_total_work(full) / c2_total_work(sparse);
    x[2 * n + i] = sparse->alloc_median_mb - full->alloc_median_mb;
    x[3 * n + i] = sparse->reserved_median_mb - full->reserved_median_mb;
    row->intervals += isfinite(sparse->speedup_low) ? 1 : 0;
    row->differ += sparse->speedup_low > 1 || sparse->speedup_high < 1 ? 1 : 0;
  }
  row->timed = keep_finite(x, n);
  row->sized = keep_finite(x + 2 * n, n);
  row->mean_speedup = c2_mean(x, row->timed);
  row->mean_alloc = c2_mean(x + 2 * n, row->sized);
  row->mean_reserved = c2_mean(x + 3 * n, keep_finite(x + 3 * n, n));
  C2_TRY(c2_median(x, row->timed, &row->median_speedup, err));
  return c2_median(x + n, keep_finite(x + n, n), &row->median_bound, err);
}

/* Paired tests of one metric under an arm; x has room for 3 numbers a task. Tasks without a finite score are left
 * out. */
static c2_status test_metric(const c2_results *r, size_t arm, size_t metric, double *x, c2_test_row *row,
                             c2_error *err) {
  double *full = x;
  double *sparse = x + r->done;
  double *delta = x + 2 * r->done;
  size_t n = 0;
  double most = 0;
  for (size_t i = 0; i < r->done; i++) {
    double a = r->task[i].perf[arm].score[r->compared.at[metric]];
    double b = r->task[i].perf[0].score[r->compared.at[metric]];
    if (!isfinite(a) || !isfinite(b)) continue;
    sparse[n] = a;
    full[n] = b;
    delta[n] = a - b;
    most = fmax(most, fabs(delta[n++]));
  }
  c2_ttest_of(delta, n, &row->test[metric]);
  if (metric > 0) return C2_OK;
  row->most_delta = most;
  row->mean_full = c2_mean(full, n);
  row->mean_sparse = c2_mean(sparse, n);
  return c2_median(delta, n, &row->median_delta, err);
}

static c2_status test_radius(const c2_results *r, size_t radius, double *x, c2_test_row *row, c2_error *err) {
  size_t arm = radius + 1;
  row->radius = r->perf_radii.at[radius];
  for (size_t m = 0; m < r->compared.count; m++) C2_TRY(test_metric(r, arm, m, x, row, err));
  return sum_speed(r, arm, x, row, err);
}

/* A score that means and tests pass over. */
static bool is_missing(double score) {
  return !isfinite(score);
}

/* A score whose ratios tests of equivalence pass over. */
static bool is_zero(double score) {
  return score == 0;
}

/* The tasks on which an arm's score by a metric is of a kind; the first of them and its first arm. */
static size_t count_scores(const c2_results *r, c2_metric metric, bool (*kind)(double score), size_t *task,
                           size_t *arm) {
  size_t count = 0;
  for (size_t t = r->done; t-- > 0;) {
    bool found = false;
    for (size_t k = r->arms; k-- > 0;) {
      if (!kind(r->task[t].perf[k].score[metric])) continue;
      found = true;
      *task = t;
      *arm = k;
    }
    count += found;
  }
  return count;
}

/* Tasks without quantile levels have no WQL, and nobody asked for it. */
static bool is_unknown(const c2_results *r, c2_metric metric) {
  for (size_t i = 0; i < r->done * r->arms; i++) {
    if (!isnan(r->task[i / r->arms].perf[i % r->arms].score[metric])) return false;
  }
  return c2_metric_needs_quantiles(metric);
}

/* Why a task has no score by a compared metric; empty where that isn't known, as from CSV files, or is told by
 * warn_of_steps. */
static const char *why_missing(const c2_plan *plan, const c2_results *r, size_t m, size_t task, size_t arm) {
  const c2_task_result *t = &r->task[task];
  c2_metric metric = r->compared.at[m];
  if (plan->from_csv || t->beyond[m] > 0) return "";
  if (c2_metric_needs_quantiles(metric) && t->task->level_count == 0) return ", which names no quantile levels";
  if (c2_metric_is_weighed(metric)) return ", where the truth of a window is 0 or missing throughout";
  return isnan(t->perf[arm].score[metric]) ? ", where a window has no step to score" : "";
}

/* Warns of the tasks that means and tests pass over. */
static c2_status warn_of_gaps(const c2_plan *plan, const c2_results *r, c2_journal *journal, c2_error *err) {
  size_t asked = c2_max_size(plan->metrics.count, 1);
  for (size_t m = 0; m < r->compared.count && r->arms; m++) {
    c2_metric metric = r->compared.at[m];
    size_t task = 0;
    size_t arm = 0;
    char name[C2_ARM_ROOM];
    if (m >= asked && is_unknown(r, metric)) continue;
    size_t missing = count_scores(r, metric, is_missing, &task, &arm);
    if (missing > 0) {
      c2_arm_name(&r->arm[arm], name);
      C2_TRY(c2_journal_warn(
          journal, err, "no %s on %zu of %zu task%s, as of arm '%s' on '%.80s'%s: means and tests leave them out",
          c2_metric_name(metric), missing, r->done, r->done == 1 ? "" : "s", name, r->tasks.task[task].name,
          why_missing(plan, r, m, task, arm)));
    }
    size_t zeros = count_scores(r, metric, is_zero, &task, &arm);
    if (zeros == 0) continue;
    c2_arm_name(&r->arm[arm], name);
    C2_TRY(c2_journal_warn(journal, err,
                           "%s is 0 on %zu of %zu task%s, as of arm '%s' on '%.80s': tests of equivalence leave them "
                           "out",
                           c2_metric_name(metric), zeros, r->done, r->done == 1 ? "" : "s", name,
                           r->tasks.task[task].name));
  }
  return C2_OK;
}

/* Warns of the tasks whose times or memory files don't have, at the first radius where there are any. */
static c2_status warn_of_times(const c2_results *r, const c2_summary *summary, c2_journal *journal, c2_error *err) {
  for (size_t k = 0; k < r->perf_radii.count; k++) {
    const c2_test_row *row = &summary->test[k];
    char radius[C2_RADIUS_ROOM];
    if (row->timed == r->done && row->sized == r->done) continue;
    c2_radius_text(row->radius, radius);
    return c2_journal_warn(journal, err,
                           "radius %s: of %zu task%s, %zu with times and %zu with memory: means and medians are of "
                           "these",
                           radius, r->done, r->done == 1 ? "" : "s", row->timed, row->sized);
  }
  return C2_OK;
}

/* Files of others don't tell of their data. */
static bool are_twins(const c2_task_result *a, const c2_task_result *b) {
  return a->checksum[0] && strcmp(a->checksum, b->checksum) == 0 && c2_tasks_overlap(a->task, b->task);
}

/* Warns of tasks that intervals and tests take as independent and that are not. */
static c2_status warn_of_twins(const c2_results *r, c2_journal *journal, c2_error *err) {
  const char *first = NULL;
  const char *second = NULL;
  size_t count = 0; /* tasks whose series an earlier one has */
  for (size_t i = 1; i < r->done; i++) {
    size_t k = 0;
    while (k < i && !are_twins(&r->task[k], &r->task[i])) k++;
    if (k == i || count++ > 0) continue;
    first = r->task[k].task->name;
    second = r->task[i].task->name;
  }
  if (count == 0) return C2_OK;
  return c2_journal_warn(journal, err,
                         "%zu of %zu tasks forecast%s series of an earlier one, as '%.80s' those of '%.80s': intervals "
                         "and tests take tasks as independent, so they are too sure",
                         count, r->done, count == 1 ? "s" : "", second, first);
}

/* Warns where the sparse model's context is not that of the model beside which it stands. */
static c2_status warn_of_contexts(const c2_results *r, c2_journal *journal, c2_error *err) {
  const c2_task_result *first = NULL;
  size_t tasks = 0;
  size_t k = 0;
  while (k < r->arms && !r->arm[k].sparse_model) k++;
  for (size_t i = 0; i < r->done && k < r->arms; i++) {
    const c2_task_result *t = &r->task[i];
    if (t->perf[k].context_used != t->perf[0].context_used && tasks++ == 0) first = t;
  }
  if (!first) return C2_OK;
  return c2_journal_warn(journal, err,
                         "the model and that of --sparse-model see pasts of different lengths on %zu of %zu tasks, as "
                         "%zu and %zu steps on '%.80s': the differences hold that too; --context-length gives both the "
                         "same",
                         tasks, r->done, first->perf[0].context_used, first->perf[k].context_used, first->task->name);
}

/* Warns of the steps at which a compared metric has no error, or an infinite one, with the first task as an example. */
static c2_status warn_of_steps(const c2_results *r, size_t m, bool beyond, c2_journal *journal, c2_error *err) {
  c2_metric metric = r->compared.at[m];
  const c2_task_result *first = NULL;
  size_t tasks = 0;
  for (size_t i = 0; i < r->done; i++) {
    const c2_task_result *t = &r->task[i];
    if ((beyond ? t->beyond[m] : t->left_out[m]) > 0 && tasks++ == 0) first = t;
  }
  if (!first) return C2_OK;
  const char *name = c2_metric_name(metric);
  bool infinite = beyond && !c2_metric_divides(metric);
  return c2_journal_warn(journal, err, "%s%s where %s, on %zu of %zu tasks: %.0f of %.0f%s on task '%.80s'",
                         infinite ? name : "steps are left out of ", infinite ? " is infinite" : name,
                         beyond ? c2_metric_beyond(metric) : c2_metric_gap(metric), tasks, r->done,
                         beyond ? first->beyond[m] : first->left_out[m], first->observed, infinite ? " steps" : "",
                         first->task->name);
}

c2_status c2_summarise(const c2_plan *plan, const c2_results *r, c2_journal *journal, c2_summary *summary,
                       c2_error *err) {
  double *room = NULL;
  if (r->arms) C2_TRY(warn_of_twins(r, journal, err));
  C2_TRY(warn_of_contexts(r, journal, err));
  C2_TRY(warn_of_gaps(plan, r, journal, err));
  for (size_t m = 0; m < r->compared.count; m++) {
    C2_TRY(warn_of_steps(r, m, false, journal, err));
    C2_TRY(warn_of_steps(r, m, true, journal, err));
  }
  C2_TRY(warn_of_uniform(r, journal, &summary->uniform, err));
  C2_TRY(warn_of_naive(r, journal, err));
  C2_TRY(sum_mass(plan, r, summary, err));
  C2_TRY(c2_pool_alloc(&summary->pool, r->perf_radii.count, sizeof *summary->test, &summary->test, err));
  C2_TRY(c2_pool_alloc(&summary->pool, 4 * r->done, sizeof *room, &room, err));
  for (size_t k = 0; k < r->perf_radii.count; k++) C2_TRY(test_radius(r, k, room, &summary->test[k], err));
  C2_TRY(warn_of_times(r, summary, journal, err));
  C2_TRY(c2_sum_equivalence(plan, r, summary, err));
  return c2_sum_sinks(plan, r, summary, err);
}

void c2_summary_free(c2_summary *summary) {
  c2_pool_free(&summary->pool);
  memset(summary, 0, sizeof *summary);
}
