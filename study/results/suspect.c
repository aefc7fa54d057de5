/* What the numbers of a study of others can't carry, in a line each. */
#include <math.h>
#include <stdlib.h>

#include "study/results/results.h"

typedef struct range {
  double low, high;
} range;

static const range nothing = {INFINITY, -INFINITY};

static void widen(range *r, double value) {
  r->low = fmin(r->low, value);
  r->high = fmax(r->high, value);
}

/* ---- The probe ------------------------------------------------------------------------------- */

/* Kept mass over kept edges, if it is the same at every radius, below 1, and a whole number of series over all of
 * them: then those series have uniform attention and the others add nothing. Else 0. */
static double counted_series(const c2_task_result *r, double *series) {
  range ratio = nothing;
  for (size_t k = 0; k < r->mass_count; k++) widen(&ratio, r->mass[k].share.mass / r->mass[k].share.edges);
  if (r->mass_count == 0 || r->mass[0].query_positions == 0) return 0;
  if (!(ratio.high - ratio.low < 1e-5) || !(ratio.high < 0.995)) return 0;
  *series = r->mass[0].queries / (double)r->mass[0].query_positions;
  double counted = ratio.low * *series;
  return fabs(counted - round(counted)) < 1e-3 && round(*series) == *series ? round(counted) : 0;
}

static c2_status suspect_probe(const c2_results *r, c2_journal *journal, c2_error *err) {
  size_t count = 0;
  double least = INFINITY;
  double counted = 0;
  double all = 0;
  const char *name = "";
  for (size_t i = 0; i < r->done; i++) {
    double series = 0;
    double here = counted_series(&r->task[i], &series);
    if (here == 0) continue;
    count++;
    if (here / series >= least) continue;
    least = here / series;
    counted = here;
    all = series;
    name = r->tasks.task[i].name;
  }
  if (count == 0) return C2_OK;
  return c2_journal_warn(journal, err,
                         "kept mass is kept edges times one factor, whatever the radius, on %zu tasks, and the factor "
                         "is a share of the series (%.0f of %.0f, '%.80s'): attention is uniform there too, and the "
                         "other series add nothing to kept mass",
                         count, counted, all, name);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* The same difference to full attention from few tokens to many. */
static c2_status suspect_memory(const c2_results *r, c2_journal *journal, c2_error *err) {
  range delta = nothing;
  range tokens = nothing;
  for (size_t i = 0; i < r->done; i++) {
    const c2_task_result *t = &r->task[i];
    for (size_t k = 1; k < r->arms; k++) widen(&delta, t->perf[k].alloc_median_mb - t->perf[0].alloc_median_mb);
    for (size_t k = 0; k < t->mass_count; k++) widen(&tokens, (double)t->mass[k].tokens);
  }
  if (!(delta.low <= delta.high)) return C2_OK; /* the files have no memory */
  double size = fmax(fabs(delta.low), fabs(delta.high));
  if (!(size >= 1) || !(tokens.high >= 10 * tokens.low) || !(delta.high - delta.low <= 0.05 * size)) return C2_OK;
  return c2_journal_warn(
      journal, err,
      "memory: the sparse pattern's peak differs from full attention's by %+.1f to %+.1f MB on every "
      "task at every radius, from %.0f tokens to %.0f: a fixed buffer, not attention",
      delta.low, delta.high, tokens.low, tokens.high);
}

/* ---- The t-test ------------------------------------------------------------------------------ */

/* The largest share that one task has in an arm's sum of squared differences; NaN where that is 0. */
static double largest_share(const c2_results *r, size_t arm, size_t *task) {
  double sum = 0;
  double most = 0;
  for (size_t i = 0; i < r->done; i++) {
    double delta = r->task[i].perf[arm].score[r->compared.at[0]] - r->task[i].perf[0].score[r->compared.at[0]];
    if (!isfinite(delta)) continue;
    sum += delta * delta;
    if (delta * delta > most) *task = i;
    most = fmax(most, delta * delta);
  }
  return most / sum;
}

/* Another task at each radius, maybe. */
static c2_status suspect_shares(const c2_results *r, c2_journal *journal, c2_error *err) {
  const char *lead = c2_metric_name(r->compared.at[0]);
  range shares = nothing;
  size_t task = 0; /* that has the largest of all shares, */
  size_t arm = 0;  /* and where */
  for (size_t k = 1; k < r->arms && k <= r->perf_radii.count; k++) { /* those of the test: others come behind */
    size_t heaviest = 0;
    double share = largest_share(r, k, &heaviest);
    if (share > shares.high) {
      task = heaviest;
      arm = k;
    }
    widen(&shares, share);
  }
  if (!(shares.high > 0.4) || r->done < 10) return C2_OK;
  char radius[C2_RADIUS_ROOM];
  c2_radius_text(r->arm[arm].radius, radius);
  return c2_journal_warn(journal, err,
                         "t-test: at each radius one task of %zu makes %.0f%% to %.0f%% of the squared differences, at "
                         "most '%.80s' (%s %.4g) at radius %s: raw %s differences weigh tasks by their scale; log "
                         "ratios, as below, do not",
                         r->done, 100 * shares.low, 100 * shares.high, r->tasks.task[task].name, lead,
                         r->task[task].perf[0].score[r->compared.at[0]], radius, lead);
}

static c2_status suspect_test(const c2_results *r, const c2_summary *summary, c2_journal *journal, c2_error *err) {
  range p = nothing;
  for (size_t k = 0; k < r->perf_radii.count; k++) widen(&p, summary->test[k].test[0].p);
  if (p.low > 0.05 && p.low <= 1) {
    C2_TRY(
        c2_journal_warn(journal, err,
                        "t-test: p from %.2g to %.2g means that %zu tasks do not show a difference, not that there is "
                        "none: only a test of equivalence, as below, could show that",
                        p.low, p.high, summary->test[0].test[0].n));
  }
  return suspect_shares(r, journal, err);
}

c2_status c2_suspect(const c2_results *r, const c2_summary *summary, c2_journal *journal, c2_error *err) {
  size_t known = 0;
  for (size_t i = 0; i < r->done; i++) known += isfinite(r->task[i].naive[r->compared.at[0]]) ? 1 : 0;
  if (known < r->done) {
    C2_TRY(c2_journal_warn(journal, err,
                           "no %s of seasonal naive for %zu of %zu tasks: whether the model beats it is unknown",
                           c2_metric_name(r->compared.at[0]), r->done - known, r->done));
  }
  C2_TRY(suspect_probe(r, journal, err));
  C2_TRY(suspect_memory(r, journal, err));
  return suspect_test(r, summary, journal, err);
}
