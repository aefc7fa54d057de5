/* What a study found, as plain rows, and what follows from them. It makes no difference whether the rows were measured,
 * read from CSV files or kept by an interrupted run. */
#ifndef C2_STUDY_RESULTS_H
#define C2_STUDY_RESULTS_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "base/status.h"
#include "study/measure/comparison.h"
#include "study/measure/probe.h"
#include "study/measure/trained.h"
#include "study/results/journal.h"
#include "study/measure/plan.h"
#include "study/statistics/inference.h"
#include "study/statistics/statistics.h"
#include "study/tasks/checksum.h"
#include "study/tasks/tasks.h"

/* ---- Results ---------------------------------------------------------------------------------- */

/* One window of a task at one radius of the probe. */
typedef struct c2_mass_row {
  size_t window, context_used;
  double radius;
  c2_share share;
  size_t tokens, context_tokens, query_positions;
  double queries; /* over rows */
  size_t series, rows_per_series;
} c2_mass_row;

/* One head at one radius, over the probed windows of a task. */
typedef struct c2_head_row {
  size_t layer, head;
  double radius;
  c2_share share;
} c2_head_row;

/* What was found on one task. The arrays are NULL where nothing of the kind was measured or read. */
typedef struct c2_task_result {
  const c2_task *task;
  const char *id_column;           /* as used; with perf */
  char checksum[C2_SHA_ROOM]; /* of the data file */
  size_t num_forecasts;
  c2_mass_row *mass; /* [mass_count]: window by window, radius by radius */
  size_t mass_count;
  c2_head_row *head; /* [layers * heads * radii], likewise; head_count 0: not known */
  size_t head_count;
  c2_perf *perf;            /* [arms]; NULL for the probe alone */
  double *redrawn;          /* [arms][compared][C2_REDRAWS], see c2_evaluation_redraw; NULL: series aren't known */
  double naive[C2_METRICS]; /* scores of the seasonal-naive forecast */
  double observed;          /* steps whose truth is known, */
  double left_out[C2_METRICS]; /* the most of them at which an arm has no error: [compared], */
  double beyond[C2_METRICS];   /* and an infinite one */
  c2_example example;       /* with perf */
  const char **warning;     /* [warnings] of its data and of what it asks of the models; the texts are the journal's */
  size_t warnings;
  bool finished;
} c2_task_result;

enum { C2_TRAINED_FOR_ROOM = 1200 };

typedef struct c2_results {
  const char *model_name, *backend; /* in tables */
  size_t chunk_size;                /* likewise */
  c2_metric_list compared;          /* what arms are compared by: the first leads; MASE and WQL are among them */
  c2_radii radii, perf_radii;       /* those of the plan, or those that were found in files */
  size_t verdict;                   /* index into perf_radii: what is looked at closely */
  c2_arm *arm;                      /* [arms] full; windowed_future_global by perf radius; then the rest */
  size_t arms;                      /* none: the probe alone */
  chronos2_head *head;              /* those that blind arms point to; NULL without such arms */
  size_t layers, heads;             /* of the model that is probed */
  c2_task_list tasks;
  c2_task_result *task; /* [tasks.count] */
  size_t done;          /* tasks that are finished */
  c2_look look[2];                       /* at the model and the sparse model */
  char trained[C2_TRAINED_FOR_ROOM];     /* what the weights were trained for; empty if that isn't known */
  char sparse_trained[C2_TRAINED_FOR_ROOM]; /* the sparse model's, likewise */
  char model_checksum[C2_SHA_ROOM]; /* over those of its files */
  char adapter_checksum[C2_SHA_ROOM];
  char sparse_checksum[C2_SHA_ROOM];
  char sparse_adapter_checksum[C2_SHA_ROOM];
  char tasks_checksum[C2_SHA_ROOM]; /* of the task file */
  char isa[16];
  size_t threads;
} c2_results;

void c2_results_free(c2_results *results);

/* Makes room for the results of each task of the list. */
c2_status c2_results_open_tasks(c2_results *results, c2_error *err);

/* Makes room for what one task has under `arms` arms. c2_task_result_free frees all that a task has, and keeps the task
 * and its checksum. */
c2_status c2_task_result_open_perf(c2_task_result *task, size_t arms, size_t metrics, c2_error *err);
void c2_task_result_free(c2_task_result *task);

/* Chooses the metrics by which arms are compared: those of the plan, MASE and WQL, and if the plan names none, those of
 * the tasks too. */
void c2_choose_metrics(const c2_plan *plan, c2_results *results);

/* The number of windows of a task that the probe sees. */
size_t c2_probed_windows(const c2_plan *plan, const c2_task *task);

/* Makes the arms that a plan compares (arms.c). Radii, layers and heads of the results are set before. */
c2_status c2_choose_arms(const c2_plan *plan, c2_results *results, c2_error *err);

/* ---- What follows from them ------------------------------------------------------------------- */

typedef struct c2_mass_summary_row {
  double radius;
  size_t count[3]; /* all windows; S < split; S >= split */
  c2_share mean[3];
  double deviation[3]; /* of kept mass */
} c2_mass_summary_row;

/* Tests of the differences sparse - full over tasks, at one radius. */
typedef struct c2_test_row {
  double radius;
  c2_ttest test[C2_METRICS]; /* [compared] */
  double median_delta, most_delta, mean_full, mean_sparse; /* of the leading metric */
  double mean_speedup, median_speedup, mean_alloc, mean_reserved;
  double median_bound;       /* of the speed-ups by floating-point operations */
  size_t timed, sized;       /* tasks whose times and memory are known, over which these means and medians are */
  size_t intervals, differ;  /* tasks whose speed-up has an interval, and those whose interval leaves 1 out */
} c2_test_row;

/* Tests of an arm's scores over those of full attention, as logarithms, over the tasks where both are above 0. */
typedef struct c2_equivalence_row {
  const c2_arm *arm;
  c2_metric metric;
  size_t left_out; /* tasks without a ratio */
  double margin;
  c2_equivalence test;
  c2_wilcoxon wilcoxon;
  double p_holm, p_equivalent_holm, wilcoxon_holm; /* over the radii of the arm's pattern and model, or the heads */
  c2_interval tasks;                               /* bootstrap at 95%, tasks redrawn */
  c2_interval series;                              /* ... and series within them; NaN where these are not known */
} c2_equivalence_row;

/* How much of its attention a head's context queries give to future tokens, REG and the first token: means of `tasks`
 * tasks. */
typedef struct c2_sink_row {
  size_t layer, head, tasks;
  size_t rank; /* among the ranked, from 1 */
  double future, reg, first;
  const c2_equivalence_row *change; /* [compared] where the head alone is blind; NULL: not tried */
} c2_sink_row;

typedef struct c2_summary {
  c2_mass_summary_row *mass;       /* [radii] */
  c2_test_row *test;               /* [perf_radii] */
  c2_equivalence_row *equivalence; /* [arms][metrics]; those of arm 0 are trivial */
  size_t metrics;                  /* that are compared */
  c2_sink_row *sink;               /* [layers * heads]; NULL: not known, as from CSV files */
  c2_sink_row *ranked;             /* likewise, by loss; NULL without find_sinks */
  size_t uniform;                  /* tasks whose kept mass shows uniform attention */
  c2_pool pool;                    /* of these arrays */
} c2_summary;

/* Sums up the results (summary.c) and warns of what is wrong with them. Free the summary also after a failure. */
c2_status c2_summarise(const c2_plan *plan, const c2_results *results, c2_journal *journal, c2_summary *summary,
                       c2_error *err);
void c2_summary_free(c2_summary *summary);

/* The part of c2_summarise that compares arms (equivalence.c). */
c2_status c2_sum_equivalence(const c2_plan *plan, const c2_results *results, c2_summary *summary, c2_error *err);

/* The row of an arm and of a metric, which is given by its place among those compared. */
const c2_equivalence_row *c2_change_of(const c2_summary *summary, size_t arm, size_t metric);

/* What a change amounts to, as a sentence without its end. */
const char *c2_outcome(const c2_equivalence_row *row);

/* Writes what a row says in a line. `name` is what the line calls the arm. */
void c2_equivalence_say(const c2_equivalence_row *row, const char *name, char *out, size_t room);

/* A p of so many digits; "-" where there is none, as of differences that are all 0. Gives `out`. */
enum { C2_P_ROOM = 32 };
const char *c2_p_text(double p, int digits, char out[C2_P_ROOM]);

/* The change in percent that a logarithm of a ratio stands for: 100 (e^x - 1). */
double c2_percent(double log_ratio);

/* The part of c2_summarise that looks at heads (sinks.c). It comes after c2_sum_equivalence. */
c2_status c2_sum_sinks(const c2_plan *plan, const c2_results *results, c2_summary *summary, c2_error *err);

/* Warns of conclusions that a t-test, memory counters and a probe of others can't carry (suspect.c). */
c2_status c2_suspect(const c2_results *results, const c2_summary *summary, c2_journal *journal, c2_error *err);

/* Says why no task's speed-up has an interval; NULL where one has. */
const char *c2_no_interval(const c2_results *results, const c2_test_row *row);

/* Writes the study in a few lines (verdict.c). A line that has nothing to say is empty. */
enum { C2_VERDICT_LINES = 5, C2_VERDICT_ROOM = 512 };
void c2_verdict(const c2_results *results, const c2_summary *summary, char line[C2_VERDICT_LINES][C2_VERDICT_ROOM]);

#endif
