/* The study in a few lines. */
#include <math.h>
#include <string.h>

#include "study/results/results.h"

/* The summary of a radius; NULL if the probe didn't have it. */
static const c2_mass_summary_row *mass_at(const c2_results *r, const c2_summary *summary, double radius) {
  for (size_t i = 0; i < r->radii.count; i++) {
    if (summary->mass[i].radius == radius) return &summary->mass[i];
  }
  return NULL;
}

enum { WEIGHTS = 120 };

/* "weights trained for full attention"; `otherwise` stands for what isn't known. */
static void weights_text(const c2_look *look, const char *trained, const char *otherwise, char out[WEIGHTS]) {
  (void)snprintf(out, WEIGHTS, "untrained weights");
  if (!look->trained) return;
  if (!trained[0]) trained = otherwise;
  (void)snprintf(out, WEIGHTS, "weights trained for %s", strlen(trained) > 80 ? "several patterns" : trained);
}

/* Both truths: what the radius costs these weights, and what it costs those that were trained for it. */
static void say_weights(const c2_results *r, const c2_summary *summary, const char *radius, char *out) {
  const c2_equivalence_row *own = c2_change_of(summary, 1 + r->verdict, 0);
  char weights[2][WEIGHTS];
  weights_text(&r->look[0], r->trained, "full attention", weights[0]);
  weights_text(&r->look[1], r->sparse_trained, "it", weights[1]);
  for (size_t k = 1; k < r->arms; k++) {
    const c2_arm *arm = &r->arm[k];
    const c2_equivalence_row *fit = c2_change_of(summary, k, 0);
    if (!arm->sparse_model || arm->attention != CHRONOS2_WINDOWED_FUTURE_GLOBAL) continue;
    if (arm->radius != r->perf_radii.at[r->verdict] || own->test.n < 2 || fit->test.n < 2) continue;
    (void)snprintf(out, C2_VERDICT_ROOM,
                   "in short: radius %s changes the %s of %s by %+.3g%% (90%% interval %+.3g%% to %+.3g%%): %s; with "
                   "%s it differs from full attention of the first by %+.3g%% (%+.3g%% to %+.3g%%): %s",
                   radius, c2_metric_name(own->metric), weights[0], c2_percent(own->test.mean),
                   c2_percent(own->test.low_90), c2_percent(own->test.high_90), c2_outcome(own), weights[1],
                   c2_percent(fit->test.mean), c2_percent(fit->test.low_90), c2_percent(fit->test.high_90),
                   c2_outcome(fit));
  }
}

const char *c2_no_interval(const c2_results *r, const c2_test_row *row) {
  if (row->intervals) return NULL;
  return r->task[0].perf[1].repeats == 1 ? "one repeat gives no interval" : "its intervals are not known";
}

/* The ratio of times, whether tasks show it, what arithmetic allows, and memory. */
static void say_speed(const c2_results *r, const c2_test_row *row, const char *radius, char *out) {
  const char *missing = c2_no_interval(r, row);
  char shown[96];
  char bound[64] = "";
  char memory[48] = "";
  if (missing) {
    (void)snprintf(shown, sizeof shown, "; %s", missing);
  } else {
    (void)snprintf(shown, sizeof shown, "; %zu of %zu task%s show%s a difference (95%% intervals of repeats)",
                   row->differ, row->intervals, row->intervals == 1 ? "" : "s", row->intervals == 1 ? "s" : "");
  }
  if (isfinite(row->median_bound)) {
    (void)snprintf(bound, sizeof bound, "; the bound by operations is %.3fx", row->median_bound);
  }
  if (row->sized) (void)snprintf(memory, sizeof memory, "; memory %+.2f MB", row->mean_alloc);
  if (row->timed == 0) {
    (void)snprintf(out, C2_VERDICT_ROOM, "speed: these files have no times%s%s", bound, memory);
    return;
  }
  (void)snprintf(out, C2_VERDICT_ROOM,
                 "speed: radius %s runs at %.3fx the speed of full attention (median of tasks; mean %.3fx)%s%s%s",
                 radius, row->median_speedup, row->mean_speedup, shown, bound, memory);
}

void c2_verdict(const c2_results *results, const c2_summary *summary, char line[C2_VERDICT_LINES][C2_VERDICT_ROOM]) {
  const c2_test_row *row = results->perf_radii.count ? &summary->test[results->verdict] : NULL;
  const c2_mass_summary_row *mass = row ? mass_at(results, summary, row->radius) : &summary->mass[0];
  char radius[C2_RADIUS_ROOM];
  memset(line, 0, (size_t)C2_VERDICT_LINES * C2_VERDICT_ROOM);
  if (mass && mass->count[0]) {
    c2_radius_text(mass->radius, radius);
    char uniform[64] = ""; /* not known of others' probes */
    if (isfinite(mass->mean[0].uniform)) {
      (void)snprintf(uniform, sizeof uniform, "; uniform attention would keep %.1f%%", 100 * mass->mean[0].uniform);
    }
    (void)snprintf(line[0], C2_VERDICT_ROOM,
                   "attention: radius %s keeps %.1f%% of the mass on %.1f%% of the edges%s (mean of %zu window%s)",
                   radius, 100 * mass->mean[0].mass, 100 * mass->mean[0].edges, uniform, mass->count[0],
                   mass->count[0] == 1 ? "" : "s");
  } else {
    (void)snprintf(line[0], C2_VERDICT_ROOM, "attention: the probe was not run at the verdict's radius");
  }
  if (!row) return;
  const c2_ttest *test = &row->test[0];
  c2_radius_text(row->radius, radius);
  char interval[96] = "no interval";
  if (test->n < 2) {
    (void)snprintf(interval, sizeof interval, "an interval needs two tasks");
  } else if (isfinite(test->low)) {
    char p[C2_P_ROOM];
    (void)snprintf(interval, sizeof interval, "95%% CI [%+.4f, %+.4f], p = %s", test->low, test->high,
                   c2_p_text(test->p, 3, p));
  }
  const char *metric = c2_metric_name(results->compared.at[0]);
  if (test->n == 0) {
    (void)snprintf(line[1], C2_VERDICT_ROOM, "accuracy: no task has a %s", metric);
  } else {
    (void)snprintf(line[1], C2_VERDICT_ROOM, "accuracy: %s %.4f full, %.4f radius %s: %+.4f, %s (mean of %zu task%s)",
                   metric, row->mean_full, row->mean_sparse, radius, test->mean, interval, test->n,
                   test->n == 1 ? "" : "s");
  }
  char name[C2_RADIUS_ROOM + 8];
  (void)snprintf(name, sizeof name, "radius %s", radius);
  c2_equivalence_say(c2_change_of(summary, 1 + results->verdict, 0), name, line[2], C2_VERDICT_ROOM);
  say_speed(results, row, radius, line[3]);
  say_weights(results, summary, radius, line[4]);
}
