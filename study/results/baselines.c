/* The table of `chronos2 study --baselines`: ratios to seasonal naive, ours to our own, published to published. */
#include "study/results/baselines.h"

#include <math.h>

enum { OURS = 2, COLUMNS = OURS + C2_PUBLISHED_MODELS - 1 }; /* full, sparse, then the published models but naive */

static const c2_metric metrics[2] = {C2_MASE, C2_WQL};

/* Copies of the data differ in the last digits: some were rounded at their source. */
static const double same_data = 1e-3;

const c2_published *c2_published_for(const c2_baseline_row *naive) {
  const c2_published *p = c2_published_find(naive->task->name, naive->task->horizon);
  if (!p || naive->task->num_windows != 1) return NULL;
  for (size_t m = 0; m < 2; m++) {
    if (!(fabs(naive->score[metrics[m]] / p->score[0][m] - 1) <= same_data)) return NULL;
  }
  return p;
}

/* The sparse pattern that the verdict speaks of. */
static size_t sparse_pattern(const c2_study_options *o) {
  for (size_t i = 0; i < o->perf_radius_count; i++) {
    if (o->perf_radii[i] == o->verdict_radius) return i + 1;
  }
  return 1;
}

static void ratios(const c2_study *s, size_t task, size_t metric, double *ratio) {
  const c2_task_result *r = &s->result[task];
  const c2_published *p = c2_published_for(&r->naive);
  double naive = r->naive.score[metrics[metric]];
  ratio[0] = r->perf[0].score[metrics[metric]] / naive;
  ratio[1] = r->perf[sparse_pattern(&s->options)].score[metrics[metric]] / naive;
  for (size_t k = OURS; k < COLUMNS; k++) {
    ratio[k] = p ? p->score[k - OURS + 1][metric] / p->score[0][metric] : (double)NAN;
  }
}

static void print_row(FILE *out, const char *name, double naive, const double *ratio) {
  (void)fprintf(out, "%-34.34s", name);
  if (isfinite(naive)) {
    (void)fprintf(out, " %9.4f", naive);
  } else {
    (void)fprintf(out, " %9s", "");
  }
  for (size_t k = 0; k < COLUMNS; k++) {
    if (isfinite(ratio[k])) {
      (void)fprintf(out, " %9.3f", ratio[k]);
    } else {
      (void)fprintf(out, " %9s", "-");
    }
  }
  (void)fputc('\n', out);
}

/* Geometric means over the tasks, or over those that have published results; a column that lacks a task has none. */
static void print_means(const c2_study *s, size_t metric, bool published, size_t count, FILE *out) {
  double sum[COLUMNS] = {0};
  double ratio[COLUMNS];
  char name[48];
  for (size_t i = 0; i < s->done; i++) {
    if (published && !c2_published_for(&s->result[i].naive)) continue;
    ratios(s, i, metric, ratio);
    for (size_t k = 0; k < COLUMNS; k++) sum[k] += log(ratio[k]);
  }
  for (size_t k = 0; k < COLUMNS; k++) ratio[k] = exp(sum[k] / (double)count);
  (void)snprintf(name, sizeof name, "geometric mean, %zu %stasks", count, published ? "published " : "");
  print_row(out, name, (double)NAN, ratio);
}

static void print_metric(const c2_study *s, size_t metric, size_t published, FILE *out) {
  const c2_study_options *o = &s->options;
  double ratio[COLUMNS];
  char radius[C2_REPR_ROOM];
  char sparse[C2_REPR_ROOM + 8];
  c2_radius_text(o->perf_radii[sparse_pattern(o) - 1], radius);
  (void)snprintf(sparse, sizeof sparse, "r = %s", radius);
  (void)fprintf(out, "%-34s %9s %9s %9s", c2_metric_name(metrics[metric]), "naive", "full", sparse);
  for (size_t k = 1; k < C2_PUBLISHED_MODELS; k++) (void)fprintf(out, " %9s", c2_published_model[k]);
  (void)fputc('\n', out);
  for (size_t i = 0; i < s->done; i++) {
    const c2_task_result *r = &s->result[i];
    ratios(s, i, metric, ratio);
    print_row(out, r->naive.task->name, r->naive.score[metrics[metric]], ratio);
  }
  print_means(s, metric, false, s->done, out);
  if (published > 0 && published < s->done) print_means(s, metric, true, published, out);
}

void c2_baselines_print(const c2_study *study, FILE *out) {
  size_t published = 0;
  for (size_t i = 0; i < study->done; i++) published += c2_published_for(&study->result[i].naive) != NULL;
  (void)fprintf(out,
                "baselines: seasonal naive's score, and the others divided by it; published results, not measured "
                "here, for %zu of %zu tasks\n",
                published, study->done);
  for (size_t m = 0; m < 2; m++) print_metric(study, m, published, out);
}
