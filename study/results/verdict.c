/* What a study says: sums over tasks, warnings, a table by radius and a few lines. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "study/run.h"
#include "study/statistics/statistics.h"

/* ---- Warnings -------------------------------------------------------------------------------- */

c2_status c2_study_warn(c2_study *study, c2_error *err, const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  c2_text_format(line, sizeof line, format, args);
  va_end(args);
  C2_TRY(c2_grow_array(&study->warning, &study->warning_room, study->warnings + 1, sizeof(char *), err));
  char *copy = c2_strdup(line);
  if (!copy) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a warning");
  study->warning[study->warnings++] = copy;
  if (study->warn) study->warn(line);
  return C2_OK;
}

/* Kept mass equals what uniform attention keeps, at every radius that leaves something out. */
static bool is_uniform(const c2_mass_row *rows, size_t count) {
  size_t telling = 0;
  for (size_t i = 0; i < count; i++) {
    const c2_share *r = &rows[i].share;
    if (!(fmin(r->uniform, r->edges) < 0.98)) continue; /* fmin passes over a NaN: others don't know uniform mass */
    telling++;
    if (!(fabs(r->mass - r->uniform) <= 0.005) && !(fabs(r->mass - r->edges) <= 0.005)) return false;
  }
  return telling > 0;
}

static double over_naive(const c2_task_result *r) {
  return r->perf ? r->perf[0].score[C2_MASE] / r->naive.score[C2_MASE] : (double)NAN;
}

enum { FEW = 3 }; /* tasks that are named each */

static c2_status warn_of_uniform(c2_study *s, c2_error *err) {
  for (size_t i = 0; i < s->done; i++) s->uniform += is_uniform(s->result[i].mass, s->result[i].mass_count) ? 1 : 0;
  if (s->uniform > FEW) {
    return c2_study_warn(s, err,
                         "kept mass equals kept edges on %zu of %zu tasks: attention is uniform, as in a model that "
                         "has not been trained; that it loses nothing by a window says nothing of a trained one",
                         s->uniform, s->done);
  }
  for (size_t i = 0; i < s->done; i++) {
    if (!is_uniform(s->result[i].mass, s->result[i].mass_count)) continue;
    C2_TRY(c2_study_warn(s, err,
                         "task '%.80s': kept mass equals kept edges: attention is uniform, as in a model that has not "
                         "been trained",
                         s->tasks.task[i].name));
  }
  return C2_OK;
}

static c2_status warn_of_naive(c2_study *s, c2_error *err) {
  size_t count = 0;
  size_t worst = 0;
  double logs = 0;
  for (size_t i = 0; i < s->done; i++) {
    double ratio = over_naive(&s->result[i]);
    if (!(ratio > 1)) continue;
    if (count == 0 || ratio > over_naive(&s->result[worst])) worst = i;
    count++;
    logs += log(ratio);
  }
  if (count > FEW) {
    return c2_study_warn(s, err,
                         "the model's MASE is worse than seasonal naive's on %zu of %zu tasks, there by a factor of "
                         "%.2f (geometric mean), at most of %.1f ('%.80s')",
                         count, s->done, exp(logs / (double)count), over_naive(&s->result[worst]),
                         s->tasks.task[worst].name);
  }
  for (size_t i = 0; i < s->done; i++) {
    const c2_task_result *r = &s->result[i];
    if (!(over_naive(r) > 1)) continue;
    C2_TRY(c2_study_warn(s, err, "task '%.80s': the model's MASE %.4f is worse than seasonal naive's %.4f",
                         s->tasks.task[i].name, r->perf[0].score[C2_MASE], r->naive.score[C2_MASE]));
  }
  return C2_OK;
}

/* ---- Sums ------------------------------------------------------------------------------------ */

/* A share of all windows at a radius, given by its place in c2_share, of one side of the split (0: both, 1: below, 2:
 * from it on). */
static size_t collect(const c2_study *s, size_t radius, size_t side, size_t place, double *out) {
  size_t n = 0;
  for (size_t i = 0; i < s->done; i++) {
    for (size_t k = radius; k < s->result[i].mass_count; k += s->options.radius_count) {
      const c2_mass_row *row = &s->result[i].mass[k];
      bool large = row->tokens >= s->options.split;
      if (side != 0 && large != (side == 2)) continue;
      double value = 0;
      memcpy(&value, (const char *)&row->share + place, sizeof value);
      if (isfinite(value)) out[n++] = value;
    }
  }
  return n;
}

static double mean_share(const c2_study *s, size_t radius, size_t side, size_t place, double *room) {
  return c2_mean(room, collect(s, radius, side, place, room));
}

static c2_status sum_mass(c2_study *s, c2_error *err) {
  double *values = NULL;
  size_t most = 0;
  for (size_t i = 0; i < s->done; i++) most += s->result[i].mass_count;
  C2_TRY(c2_alloc_array(s->options.radius_count, sizeof *s->mass, &s->mass, err));
  C2_TRY(c2_alloc_array(most, sizeof *values, &values, err));
  for (size_t r = 0; r < s->options.radius_count; r++) {
    c2_mass_summary_row *row = &s->mass[r];
    row->radius = s->options.radii[r];
    for (size_t side = 0; side < 3; side++) {
      size_t n = row->count[side] = collect(s, r, side, offsetof(c2_share, mass), values);
      row->mean[side] = c2_mean(values, n);
      row->deviation[side] = c2_standard_deviation(values, n);
      row->edges[side] = mean_share(s, r, side, offsetof(c2_share, edges), values);
      row->uniform[side] = mean_share(s, r, side, offsetof(c2_share, uniform), values);
      row->best[side] = mean_share(s, r, side, offsetof(c2_share, best), values);
      row->future[side] = mean_share(s, r, side, offsetof(c2_share, future), values);
      row->distance[side] = mean_share(s, r, side, offsetof(c2_share, distance), values);
      row->entropy[side] = mean_share(s, r, side, offsetof(c2_share, entropy), values);
    }
  }
  free(values);
  return C2_OK;
}

/* Paired tests of one radius; x has room for 4 numbers a task. Tasks without a finite score are left out. */
static c2_status test_radius(const c2_study *s, size_t radius, double *x, c2_test_row *row, c2_error *err) {
  double *full = x;
  double *sparse = x + s->done;
  double *delta = x + 2 * s->done;
  double *speedup = x + 3 * s->done;
  c2_ttest test;
  size_t n = 0;
  double most = 0;
  row->radius = s->options.perf_radii[radius];
  for (c2_metric metric = C2_WQL;; metric = C2_MASE) {
    n = 0;
    for (size_t i = 0; i < s->done; i++) {
      const c2_perf_row *perf = s->result[i].perf;
      double a = perf[radius + 1].score[metric];
      double b = perf[0].score[metric];
      if (!isfinite(a) || !isfinite(b)) continue;
      sparse[n] = a;
      full[n] = b;
      delta[n] = a - b;
      most = metric == C2_MASE ? fmax(most, fabs(delta[n])) : 0;
      n++;
    }
    C2_TRY(c2_ttest_paired(sparse, full, n, 0.95, &test, err));
    if (metric == C2_MASE) break;
    row->wql_mean_delta = test.mean;
    row->wql_p = test.p;
  }
  row->n = n;
  row->mean_delta = test.mean;
  row->sd_delta = test.deviation;
  row->t = test.t;
  row->p = test.p;
  row->low = test.low;
  row->high = test.high;
  row->most_delta = most;
  row->mean_full = c2_mean(full, n);
  row->mean_sparse = c2_mean(sparse, n);
  C2_TRY(c2_median(delta, n, &row->median_delta, err));
  double *alloc = full; /* the scores are used up */
  double *reserved = sparse;
  for (size_t i = 0; i < s->done; i++) {
    const c2_perf_row *perf = s->result[i].perf;
    speedup[i] = perf[0].median_s / perf[radius + 1].median_s;
    alloc[i] = perf[radius + 1].alloc_median_mb - perf[0].alloc_median_mb;
    reserved[i] = perf[radius + 1].reserved_median_mb - perf[0].reserved_median_mb;
  }
  row->mean_speedup = c2_mean(speedup, s->done);
  C2_TRY(c2_median(speedup, s->done, &row->median_speedup, err));
  row->mean_alloc = c2_mean(alloc, s->done);
  row->mean_reserved = c2_mean(reserved, s->done);
  for (size_t i = 0; i < s->done; i++) { /* the measured ones are used up */
    const c2_perf_row *perf = s->result[i].perf;
    speedup[i] = c2_total_work(&perf[0].work) / c2_total_work(&perf[radius + 1].work);
  }
  return c2_median(speedup, s->done, &row->median_bound, err);
}

/* Means and tests are over the other tasks. */
static c2_status warn_of_gaps(c2_study *s, c2_error *err) {
  for (size_t k = 0; k < s->arms; k++) {
    size_t missing = 0;
    char name[C2_REPR_ROOM];
    for (size_t i = 0; i < s->done; i++) missing += isfinite(s->result[i].perf[k].score[C2_MASE]) ? 0 : 1;
    if (missing == 0) continue;
    c2_arm_name(&s->arm[k], name);
    C2_TRY(c2_study_warn(s, err, "arm '%s' has no MASE on %zu of %zu tasks: means and tests leave them out", name,
                         missing, s->done));
  }
  return C2_OK;
}

c2_status c2_study_sum(c2_study *study, c2_error *err) {
  size_t radii = study->options.perf_radius_count;
  double *room = NULL;
  C2_TRY(warn_of_gaps(study, err));
  C2_TRY(warn_of_uniform(study, err));
  C2_TRY(warn_of_naive(study, err));
  C2_TRY(sum_mass(study, err));
  C2_TRY(c2_alloc_array(radii, sizeof *study->test, &study->test, err));
  C2_TRY(c2_alloc_array(4 * study->done, sizeof *room, &room, err));
  c2_status status = C2_OK;
  for (size_t r = 0; status == C2_OK && r < radii; r++) status = test_radius(study, r, room, &study->test[r], err);
  free(room);
  if (status == C2_OK) status = c2_study_sum_equivalence(study, err);
  return status == C2_OK ? c2_study_sum_sinks(study, err) : status;
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* The summary of a radius; NULL if the probe didn't have it. */
static const c2_mass_summary_row *mass_at(const c2_study *s, double radius) {
  for (size_t i = 0; i < s->options.radius_count; i++) {
    if (s->mass[i].radius == radius) return &s->mass[i];
  }
  return NULL;
}

size_t c2_study_verdict_radius(const c2_study *study) {
  for (size_t i = 0; i < study->options.perf_radius_count; i++) {
    if (study->options.perf_radii[i] == study->options.verdict_radius) return i;
  }
  return 0;
}

void c2_study_verdict(const c2_study *study, char line[C2_VERDICT_LINES][C2_VERDICT_ROOM]) {
  const c2_test_row *test = study->options.perf_radius_count ? &study->test[c2_study_verdict_radius(study)] : NULL;
  const c2_mass_summary_row *mass = test ? mass_at(study, test->radius) : &study->mass[0];
  char radius[C2_REPR_ROOM];
  memset(line, 0, (size_t)C2_VERDICT_LINES * C2_VERDICT_ROOM);
  if (mass && mass->count[0]) {
    c2_radius_text(mass->radius, radius);
    char uniform[64] = ""; /* not known of others' probes */
    if (isfinite(mass->uniform[0])) {
      (void)snprintf(uniform, sizeof uniform, "; uniform attention would keep %.1f%%", 100 * mass->uniform[0]);
    }
    (void)snprintf(line[0], C2_VERDICT_ROOM,
                   "attention: radius %s keeps %.1f%% of the mass on %.1f%% of the edges%s (mean of %zu window%s)",
                   radius, 100 * mass->mean[0], 100 * mass->edges[0], uniform, mass->count[0],
                   mass->count[0] == 1 ? "" : "s");
  } else {
    (void)snprintf(line[0], C2_VERDICT_ROOM, "attention: the probe was not run at the verdict's radius");
  }
  if (!test) return;
  c2_radius_text(test->radius, radius);
  char interval[96] = "no interval";
  if (isfinite(test->low)) {
    (void)snprintf(interval, sizeof interval, "95%% CI [%+.4f, %+.4f], p = %.3g", test->low, test->high, test->p);
  }
  (void)snprintf(line[1], C2_VERDICT_ROOM, "accuracy: MASE %.4f full, %.4f radius %s: %+.4f, %s (mean of %zu task%s)",
                 test->mean_full, test->mean_sparse, radius, test->mean_delta, interval, test->n,
                 test->n == 1 ? "" : "s");
  char name[C2_REPR_ROOM + 8];
  (void)snprintf(name, sizeof name, "radius %s", radius);
  size_t arm = 1 + (size_t)(test - study->test);
  c2_equivalence_say(c2_study_equivalence(study, arm, C2_MASE), name, line[2], C2_VERDICT_ROOM);
  (void)snprintf(line[3], C2_VERDICT_ROOM,
                 "speed: radius %s runs at %.3fx the speed of full attention (median of tasks; mean %.3fx), memory "
                 "%+.2f MB",
                 radius, test->median_speedup, test->mean_speedup, test->mean_alloc);
}

/* " 0.1234", or a dash where there is no number. */
static void print_cell(FILE *out, int width, const char *unit, int decimals, double value) {
  char text[C2_REPR_ROOM] = "-";
  if (!isnan(value)) (void)snprintf(text, sizeof text, "%.*f%s", decimals, value, unit);
  (void)fprintf(out, " %*s", width, text);
}

static void print_table(const c2_study *s, FILE *out) {
  (void)fprintf(out, "%6s %10s %10s %10s", "radius", "kept mass", "edges", "uniform");
  if (s->options.perf_radius_count) {
    (void)fprintf(out, " %9s %9s %21s %9s %9s %8s", "MASE", "delta", "95% CI of delta", "p", "speed-up", "bound");
  }
  (void)fputc('\n', out);
  for (size_t i = 0; i < s->options.radius_count; i++) {
    const c2_mass_summary_row *m = &s->mass[i];
    char radius[C2_REPR_ROOM];
    c2_radius_text(m->radius, radius);
    (void)fprintf(out, "%6s", radius);
    print_cell(out, 10, "", 4, m->mean[0]);
    print_cell(out, 10, "", 4, m->edges[0]);
    print_cell(out, 10, "", 4, m->uniform[0]);
    for (size_t k = 0; k < s->options.perf_radius_count; k++) {
      const c2_test_row *t = &s->test[k];
      if (t->radius != m->radius) continue;
      (void)fprintf(out, " %9.4f %+9.4f [%+9.4f,%+9.4f] %9.3g", t->mean_sparse, t->mean_delta, t->low, t->high, t->p);
      print_cell(out, 9, "x", 3, t->median_speedup);
      print_cell(out, 8, "x", 3, t->median_bound);
    }
    (void)fputc('\n', out);
  }
}

void c2_study_print(const c2_study *study, FILE *out) {
  char line[C2_VERDICT_LINES][C2_VERDICT_ROOM];
  (void)fprintf(out, "%zu tasks, model %s\n", study->done, study->options.model_name);
  if (study->trained[0]) (void)fprintf(out, "the weights were trained for %s\n", study->trained);
  if (study->sparse_trained[0]) {
    (void)fprintf(out, "those of the sparse arms, %s, for %s\n", study->options.sparse_model_name,
                  study->sparse_trained);
  }
  if (study->options.perf_radius_count && study->done) {
    (void)fprintf(out, "full attention: mean MASE %.4f\n", study->test[0].mean_full);
  }
  print_table(study, out);
  c2_study_print_arms(study, out);
  c2_study_print_sinks(study, out);
  if (study->reproduced[0]) (void)fprintf(out, "%s\n", study->reproduced);
  const char *prefix = study->options.prefix;
  (void)fprintf(out, "results: %s__*.csv, %s__run.json\n", prefix, prefix);
  if (study->options.perf_radius_count) (void)fprintf(out, "report: %s__report.html\n", prefix);
  c2_study_verdict(study, line);
  for (size_t i = 0; i < C2_VERDICT_LINES; i++) {
    if (line[i][0]) (void)fprintf(out, "%s\n", line[i]);
  }
}
