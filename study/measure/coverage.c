/* Counts of truths below quantiles and within bands. */
#include "study/measure/coverage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The bands between levels [count], which rise: out [count / 2] the widest first; returns their number. */
static size_t find_bands(const double *levels, size_t count, c2_band *out) {
  size_t bands = 0;
  for (size_t low = 0; low < count && levels[low] < 0.5; low++) {
    for (size_t high = count; high-- > low + 1;) {
      if (fabs(levels[low] + levels[high] - 1) > 1e-9) continue;
      out[bands++] = (c2_band){low, high, levels[high] - levels[low]};
      break;
    }
  }
  return bands;
}

static void count_step(c2_coverage *c, const double *quantile, double truth, size_t step) {
  c->observed[step]++;
  for (size_t q = 0; q < c->levels; q++) c->at_most[q * c->horizon + step] += truth <= quantile[q];
  for (size_t b = 0; b < c->bands; b++) {
    bool within = truth >= quantile[c->band[b].low] && truth <= quantile[c->band[b].high];
    c->within[b * c->horizon + step] += within;
  }
}

static c2_status count_window(const c2_evaluation *e, size_t window, c2_forecaster who, c2_coverage *out,
                              c2_error *err) {
  const c2_window *w = &e->window[window];
  c2_pool pool = {.chunk = NULL};
  c2_scored *scored = NULL;
  c2_status status = c2_evaluation_collect(e, window, who, &pool, &scored, err);
  for (size_t i = 0; status == C2_OK && i < w->count; i++) {
    for (size_t k = 0; k < w->targets * w->horizon; k++) {
      double truth = scored[i].truth[k];
      const double *quantile = scored[i].quantiles + k * out->levels;
      if (!isnan(truth) && !isnan(quantile[0])) count_step(out, quantile, truth, k % w->horizon);
    }
  }
  c2_pool_free(&pool);
  return status;
}

c2_status c2_coverage_of(const c2_evaluation *e, c2_forecaster who, c2_coverage *out, c2_error *err) {
  const c2_task *task = e->task;
  *out = (c2_coverage){.levels = task->level_count, .horizon = task->horizon};
  C2_TRY(c2_alloc_array(task->level_count / 2 + 1, sizeof *out->band, &out->band, err));
  out->bands = find_bands(task->levels, task->level_count, out->band);
  C2_TRY(c2_alloc_array(out->horizon, sizeof *out->observed, &out->observed, err));
  C2_TRY(c2_alloc_array(out->levels, out->horizon * sizeof *out->at_most, &out->at_most, err));
  C2_TRY(c2_alloc_array(out->bands, out->horizon * sizeof *out->within, &out->within, err));
  for (size_t i = 0; out->levels > 0 && i < e->windows; i++) C2_TRY(count_window(e, i, who, out, err));
  return C2_OK;
}

void c2_coverage_free(c2_coverage *coverage) {
  free(coverage->band);
  free(coverage->observed);
  free(coverage->at_most);
  free(coverage->within);
  memset(coverage, 0, sizeof *coverage);
}

double c2_coverage_share(const c2_coverage *coverage, const size_t *counts, size_t from, size_t to) {
  size_t part = 0;
  size_t all = 0;
  for (size_t s = from; s < to; s++) {
    part += counts[s];
    all += coverage->observed[s];
  }
  return all ? (double)part / (double)all : (double)NAN;
}
