/* What a study prints: a table by radius, its arms, its sinks, its verdict; and the table of --baselines. */
#include <math.h>

#include "study/results/published.h"
#include "study/study.h"

/* ---- Radii ----------------------------------------------------------------------------------- */

static const char *plural(size_t n) {
  return n == 1 ? "" : "s";
}

/* What stands for an interval over `tasks` that is none. */
static const char *no_interval(size_t tasks) {
  return tasks < 2 ? "needs two tasks" : "-";
}

/* " 0.1234", or a dash where there is no number. */
static void print_cell(FILE *out, int width, const char *unit, int decimals, double value) {
  char text[C2_RADIUS_ROOM] = "-";
  if (isfinite(value)) (void)snprintf(text, sizeof text, "%.*f%s", decimals, value, unit);
  (void)fprintf(out, " %*s", width, text);
}

static void print_table(const c2_study *s, FILE *out) {
  const c2_results *r = &s->results;
  (void)fprintf(out, "%6s %10s %10s %10s", "radius", "kept mass", "edges", "uniform");
  if (r->perf_radii.count) {
    const char *lead = c2_metric_name(r->compared.at[0]);
    (void)fprintf(out, " %9s %9s %21s %9s %9s %8s", lead, "delta", "95% CI of delta", "p", "speed-up", "bound");
  }
  (void)fputc('\n', out);
  for (size_t i = 0; i < r->radii.count; i++) {
    const c2_mass_summary_row *m = &s->summary.mass[i];
    char radius[C2_RADIUS_ROOM];
    char p[C2_P_ROOM];
    c2_radius_text(m->radius, radius);
    (void)fprintf(out, "%6s", radius);
    print_cell(out, 10, "", 4, m->mean[0].mass);
    print_cell(out, 10, "", 4, m->mean[0].edges);
    print_cell(out, 10, "", 4, m->mean[0].uniform);
    for (size_t k = 0; k < r->perf_radii.count; k++) {
      const c2_test_row *t = &s->summary.test[k];
      const c2_ttest *x = &t->test[0];
      if (t->radius != m->radius) continue;
      print_cell(out, 9, "", 4, t->mean_sparse);
      if (isfinite(x->mean)) {
        (void)fprintf(out, " %+9.4f", x->mean);
      } else {
        (void)fprintf(out, " %9s", "-");
      }
      if (isnan(x->low)) {
        (void)fprintf(out, " %21s %9s", no_interval(x->n), "-");
      } else {
        (void)fprintf(out, " [%+9.4f,%+9.4f] %9s", x->low, x->high, c2_p_text(x->p, 3, p));
      }
      print_cell(out, 9, "x", 3, t->median_speedup);
      print_cell(out, 8, "x", 3, t->median_bound);
    }
    (void)fputc('\n', out);
  }
}

/* ---- Arms ------------------------------------------------------------------------------------ */

/* A change and its interval; whether there is one. */
static bool print_change(FILE *out, const c2_equivalence *t) {
  if (isnan(t->mean)) {
    (void)fprintf(out, " %9s %23s", "-", "");
  } else if (isnan(t->low_95)) {
    (void)fprintf(out, " %+8.3g%% %23s", c2_percent(t->mean), no_interval(t->n));
  } else {
    (void)fprintf(out, " %+8.3g%% [%+9.3g%%, %+9.3g%%]", c2_percent(t->mean), c2_percent(t->low_95),
                  c2_percent(t->high_95));
  }
  return !isnan(t->low_95);
}

static void print_arms(const c2_study *s, FILE *out) {
  const c2_results *r = &s->results;
  if (r->arms == 0) return;
  (void)fprintf(out, "%-18s", "arm, against full");
  for (size_t m = 0; m < r->compared.count; m++) {
    (void)fprintf(out, " %9s %23s", c2_metric_name(r->compared.at[m]), "95% CI");
    if (m == 0) (void)fprintf(out, " %9s %8s", "p equiv", "margin");
  }
  (void)fputc('\n', out);
  for (size_t k = 1; k < r->arms; k++) {
    if (r->arm[k].blindness == C2_BLIND_ONE) continue; /* ranked elsewhere */
    char name[C2_ARM_ROOM];
    c2_arm_name(&r->arm[k], name);
    (void)fprintf(out, "%-18s", name);
    for (size_t m = 0; m < r->compared.count; m++) {
      const c2_equivalence *t = &c2_change_of(&s->summary, k, m)->test;
      bool known = print_change(out, t);
      char p[C2_P_ROOM];
      if (m == 0 && known) {
        (void)fprintf(out, " %9s %7.3g%%", c2_p_text(t->p_equivalent, 2, p), c2_percent(t->smallest_margin));
      }
      if (m == 0 && !known) (void)fprintf(out, " %9s %8s", "-", "-");
    }
    (void)fputc('\n', out);
  }
  (void)fprintf(out, "p equiv: for %s to be equivalent within %.3g%%; margin: the smallest that the data support\n",
                c2_metric_name(r->compared.at[0]), 100 * s->plan.margin);
}

/* ---- Sinks ----------------------------------------------------------------------------------- */

enum { SHOWN = 3, RANKED = 5 };

static double most(const c2_sink_row *row) {
  return fmax(row->future, fmax(row->reg, row->first));
}

static void print_shares(FILE *out, const char *name, double future, double reg, double first) {
  (void)fprintf(out, "%-30s", name);
  print_cell(out, 10, "%", 1, 100 * future);
  print_cell(out, 10, "%", 1, 100 * reg);
  print_cell(out, 12, "%", 1, 100 * first);
  (void)fputc('\n', out);
}

/* The heads that rest most of their attention on one thing. */
static void print_sinks(const c2_study *s, FILE *out) {
  size_t heads = s->results.layers * s->results.heads;
  double sum[3] = {0, 0, 0};
  const c2_sink_row *last = NULL;
  (void)fprintf(out, "%-30s %10s %10s %12s\n", "context's attention on", "future", "REG", "first token");
  for (size_t i = 0; i < heads; i++) {
    sum[0] += s->summary.sink[i].future / (double)heads;
    sum[1] += s->summary.sink[i].reg / (double)heads;
    sum[2] += s->summary.sink[i].first / (double)heads;
  }
  print_shares(out, "mean of heads", sum[0], sum[1], sum[2]);
  for (size_t n = 0; n < SHOWN && n < heads; n++) {
    const c2_sink_row *best = NULL; /* after `last` */
    for (const c2_sink_row *row = s->summary.sink; row < s->summary.sink + heads; row++) {
      bool after = !last || most(row) < most(last) || (most(row) == most(last) && row > last);
      if (after && (!best || most(row) > most(best))) best = row;
    }
    if (!best) break; /* shares that are no numbers */
    char name[2 * C2_HEAD_ROOM];
    (void)snprintf(name, sizeof name, "layer %zu, head %zu", best->layer, best->head);
    print_shares(out, name, best->future, best->reg, best->first);
    last = best;
  }
}

static void print_ranked(const c2_study *s, FILE *out) {
  size_t heads = s->results.layers * s->results.heads;
  (void)fprintf(out, "%-30s %9s %23s %10s\n", "blind alone, against full",
                c2_metric_name(s->results.compared.at[0]), "95% CI", "p (Holm)");
  for (size_t i = 0; i < RANKED && i < heads; i++) {
    const c2_sink_row *row = &s->summary.ranked[i];
    const c2_equivalence *t = &row->change->test;
    char name[2 * C2_HEAD_ROOM];
    (void)snprintf(name, sizeof name, "layer %zu, head %zu", row->layer, row->head);
    (void)fprintf(out, "%-30s", name);
    char p[C2_P_ROOM];
    (void)print_change(out, t);
    (void)fprintf(out, " %10s\n", c2_p_text(row->change->p_holm, 2, p)); /* there is none without an interval either */
  }
  if (heads <= RANKED) return;
  const c2_sink_row *ranked = s->summary.ranked;
  size_t last = heads - 1; /* those without a change are the last ones */
  while (last > RANKED && isnan(ranked[last].change->test.mean)) last--;
  (void)fprintf(out, "%zu further heads change it by ", heads - RANKED);
  if (isnan(ranked[RANKED].change->test.mean)) {
    (void)fputs("what is not known\n", out);
  } else {
    (void)fprintf(out, "%+.3g%% to %+.3g%%\n", c2_percent(ranked[last].change->test.mean),
                  c2_percent(ranked[RANKED].change->test.mean));
  }
}

/* ---- All of it ------------------------------------------------------------------------------- */

void c2_study_print(const c2_study *study, FILE *out) {
  const c2_results *r = &study->results;
  char line[C2_VERDICT_LINES][C2_VERDICT_ROOM];
  (void)fprintf(out, "%zu task%s, model %s\n", r->done, plural(r->done), r->model_name);
  if (r->trained[0]) (void)fprintf(out, "the weights were trained for %s\n", r->trained);
  if (r->sparse_trained[0]) {
    (void)fprintf(out, "those of the sparse arms, %s, for %s\n", study->plan.sparse_model_name, r->sparse_trained);
  }
  if (r->perf_radii.count && r->done) {
    const char *lead = c2_metric_name(r->compared.at[0]);
    (void)fprintf(out, "full attention: mean %s", lead);
    print_cell(out, 0, "", 4, study->summary.test[0].mean_full);
    (void)fputc('\n', out);
  }
  print_table(study, out);
  print_arms(study, out);
  if (study->summary.sink) print_sinks(study, out);
  if (study->summary.ranked) print_ranked(study, out);
  if (study->reproduced[0]) (void)fprintf(out, "%s\n", study->reproduced);
  const char *prefix = study->plan.prefix;
  (void)fprintf(out, "results: %s__*.csv, %s__run.json\n", prefix, prefix);
  if (r->perf_radii.count) (void)fprintf(out, "report: %s__report.html\n", prefix);
  c2_verdict(r, &study->summary, line);
  for (size_t i = 0; i < C2_VERDICT_LINES; i++) {
    if (line[i][0]) (void)fprintf(out, "%s\n", line[i]);
  }
}

/* ---- Baselines ------------------------------------------------------------------------------- */

enum { OURS = 2, COLUMNS = OURS + C2_PUBLISHED_MODELS - 1 }; /* full, sparse, then the published models but naive */

static void ratios(const c2_results *r, size_t task, c2_metric m, double *ratio) {
  const c2_task_result *t = &r->task[task];
  const c2_published *p = c2_published_for(t->task, t->naive);
  ratio[0] = t->perf[0].score[m] / t->naive[m];
  ratio[1] = t->perf[1 + r->verdict].score[m] / t->naive[m];
  for (size_t k = OURS; k < COLUMNS; k++) {
    ratio[k] = p ? c2_published_score(p, k - OURS + 1, m) / c2_published_score(p, 0, m) : (double)NAN;
  }
}

static void print_row(FILE *out, const char *name, double naive, const double *ratio) {
  (void)fprintf(out, "%-34.34s", name);
  if (isfinite(naive)) {
    (void)fprintf(out, " %9.4f", naive);
  } else {
    (void)fprintf(out, " %9s", "");
  }
  for (size_t k = 0; k < COLUMNS; k++) print_cell(out, 9, "", 3, ratio[k]);
  (void)fputc('\n', out);
}

/* Geometric means over the tasks, or over those that have published results; a column that lacks a task has none. */
static void print_means(const c2_results *r, c2_metric metric, bool published, size_t count, FILE *out) {
  double sum[COLUMNS] = {0};
  double ratio[COLUMNS];
  char name[48];
  for (size_t i = 0; i < r->done; i++) {
    if (published && !c2_published_for(r->task[i].task, r->task[i].naive)) continue;
    ratios(r, i, metric, ratio);
    for (size_t k = 0; k < COLUMNS; k++) sum[k] += log(ratio[k]);
  }
  for (size_t k = 0; k < COLUMNS; k++) ratio[k] = exp(sum[k] / (double)count);
  const char *kind = published ? "published " : "";
  (void)snprintf(name, sizeof name, "geometric mean, %zu %stask%s", count, kind, plural(count));
  print_row(out, name, (double)NAN, ratio);
}

static void print_metric(const c2_results *r, c2_metric metric, size_t published, FILE *out) {
  double ratio[COLUMNS];
  char radius[C2_RADIUS_ROOM];
  char sparse[C2_RADIUS_ROOM + 8];
  c2_radius_text(r->perf_radii.at[r->verdict], radius);
  (void)snprintf(sparse, sizeof sparse, "r = %s", radius);
  (void)fprintf(out, "%-34s %9s %9s %9s", c2_metric_name(metric), "naive", "full", sparse);
  for (size_t k = 1; k < C2_PUBLISHED_MODELS; k++) (void)fprintf(out, " %9s", c2_published_model[k]);
  (void)fputc('\n', out);
  for (size_t i = 0; i < r->done; i++) {
    ratios(r, i, metric, ratio);
    print_row(out, r->task[i].task->name, r->task[i].naive[metric], ratio);
  }
  print_means(r, metric, false, r->done, out);
  if (published > 0 && published < r->done) print_means(r, metric, true, published, out);
}

void c2_print_baselines(const c2_results *r, FILE *out) {
  size_t published = 0;
  for (size_t i = 0; i < r->done; i++) published += c2_published_for(r->task[i].task, r->task[i].naive) != NULL;
  (void)fprintf(out,
                "baselines: seasonal naive's score, and the others divided by it; published results, not measured "
                "here, for %zu of %zu task%s\n",
                published, r->done, plural(r->done));
  for (size_t m = 0; m < r->compared.count; m++) print_metric(r, r->compared.at[m], published, out);
}
