/* The CSV files of a study: names, columns and spelling in one place.
 *
 * Columns are those of the published study in their order, further ones to the right of them. Numbers are
 * spelled as Python does, the shortest text that reads back to the same double; a missing one is empty; truth
 * values are True and False; lists are Python's. Files appear whole or not at all. */
#ifndef C2_STUDY_TABLES_H
#define C2_STUDY_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "study/statistics/inference.h"
#include "study/statistics/metrics.h"
#include "study/measure/probe.h"
#include "study/tasks/tasks.h"

typedef enum c2_table {
  C2_TABLE_MASS_PER_WINDOW,
  C2_TABLE_MASS_SUMMARY,
  C2_TABLE_PERF_FULL,
  C2_TABLE_PERF_SPARSE, /* by radius */
  C2_TABLE_COMPARE,     /* by radius */
  C2_TABLE_TTEST,       /* by radius */
  C2_TABLE_SWEEP,
  C2_TABLE_COMPARE_ALL,
  C2_TABLE_SUMMARY,
  C2_TABLE_BASELINES,
  C2_TABLE_MASS_BY_HEAD,
  C2_TABLE_ARMS,
  C2_TABLE_EQUIVALENCE,
  C2_TABLE_SINKS,
  C2_TABLE_FIND_SINKS,
  C2_TABLES /* their number */
} c2_table;

enum { C2_REPR_ROOM = 32, C2_COLUMN_ROOM = 64, C2_HEAD_ROOM = 48 };

/* Python's repr of a float: "0.1", "1e-05", "3.0", "inf"; NaN is "". */
void c2_repr(double value, char out[C2_REPR_ROOM]);

/* A radius: "8" or "inf". */
void c2_radius_text(double radius, char out[C2_REPR_ROOM]);

/* A head: "0:3"; several with a separator, NULL if memory is out, free with free(). */
void c2_head_text(chronos2_head head, char out[C2_HEAD_ROOM]);
char *c2_heads_text(const chronos2_head *heads, size_t count, char separator);

/* Path of a table: PREFIX__name.csv; NULL if memory is out. Free with free(). `radius` for tables by radius. */
char *c2_table_path(const char *prefix, c2_table table, double radius);

/* Number of columns, of them published; the text of one (those of the mass summary name the split of S). */
size_t c2_table_columns(c2_table table, size_t *published);
void c2_table_column(c2_table table, size_t column, size_t split, char out[C2_COLUMN_ROOM]);

/* ---- Rows ------------------------------------------------------------------------------------ */

typedef struct c2_mass_row {
  const char *task_name;
  size_t window, context_used, horizon;
  double radius;
  c2_share share;
  size_t tokens, context_tokens, query_positions;
  double queries; /* over rows */
  size_t series, rows_per_series;
} c2_mass_row;

typedef struct c2_mass_summary_row {
  double radius;
  double mean[3], deviation[3]; /* all windows; S < split; S >= split */
  size_t count[3];
  double edges[3], uniform[3]; /* means */
  double best[3], future[3], distance[3], entropy[3];
} c2_mass_summary_row;

/* One head at one radius, over the probed windows of a task. */
typedef struct c2_head_row {
  size_t layer, head;
  double radius;
  c2_share share;
} c2_head_row;

/* Which heads of an arm are blind to the future: none, those of --ablate, all others, or one, of --find-sinks. */
typedef enum c2_blindness { C2_BLIND_NONE, C2_BLIND_CHOSEN, C2_BLIND_OTHERS, C2_BLIND_ONE } c2_blindness;

/* What a forecast is measured under. The two effects of windowed_future_global, a narrow context and a context that
 * is blind to the future, are told apart by arms that have one of them: blind at radius inf, narrow under
 * windowed_future_visible. Under windowed_future_null the context is narrow and sees a future that it doesn't know. */
typedef struct c2_arm {
  bool sparse_model; /* weights: those of --sparse-model */
  chronos2_attention attention;
  double radius; /* NAN under full attention */
  bool timed;    /* takes turns in the timed passes; the others run once */
  c2_blindness blindness;
  const chronos2_head *blind; /* [blind_count] blind heads, of the study */
  size_t blind_count;
} c2_arm;

/* "full", "global", "visible", "null". */
const char *c2_arm_pattern(const c2_arm *arm);

/* "full", "global_r8", "visible_rinf", "sparse_full" ..., "ablated", "ablated_others", "blind_0:3". */
void c2_arm_name(const c2_arm *arm, char out[C2_REPR_ROOM]);

/* One task under one arm. */
typedef struct c2_perf_row {
  const c2_task *task;
  const char *id_column;
  size_t num_forecasts, context_used;
  char fingerprint[17];
  double score[C2_METRICS];
  double pass_s;                                 /* of the pass that gave the scores */
  double median_s, mean_s, deviation_s, least_s; /* of the timed ones */
  double speedup, speedup_low, speedup_high; /* time of full over this one's: geometric mean of repeats, 95% interval */
  chronos2_work work;                        /* floating-point operations; 0 where the backend doesn't count */
  size_t repeats;
  double alloc_median_mb, alloc_max_mb, reserved_median_mb, reserved_max_mb;
} c2_perf_row;

double c2_total_work(const chronos2_work *work);

/* Tests of sparse - full over tasks at one radius. */
typedef struct c2_test_row {
  double radius;
  size_t n;
  double mean_delta, sd_delta, t, p, low, high;
  double median_delta, most_delta, mean_full, mean_sparse;
  double mean_speedup, median_speedup, mean_alloc, mean_reserved;
  double median_bound; /* of the speed-ups by floating-point operations */
  double wql_mean_delta, wql_p;
} c2_test_row;

/* An arm's scores over those of full attention, in logarithms, over the tasks where both are above 0. */
typedef struct c2_equivalence_row {
  size_t arm;       /* index */
  c2_metric metric; /* C2_MASE or C2_WQL */
  size_t left_out;  /* tasks without a ratio */
  double margin;
  c2_equivalence test;
  c2_wilcoxon wilcoxon;
  double p_holm, p_equivalent_holm, wilcoxon_holm; /* over the radii of the arm's pattern and model, or the heads */
  c2_interval tasks;                               /* bootstrap at 95%, tasks redrawn */
  c2_interval series;                              /* ... and series within them; NaN where these are not known */
} c2_equivalence_row;

/* Where a head's context queries look beyond the context's own tokens: shares of their attention, means of `tasks`. */
typedef struct c2_sink_row {
  size_t layer, head, tasks;
  double future, reg, first;
  const c2_equivalence_row *change; /* [2] of MASE and WQL where the head alone is blind; NULL: not tried */
} c2_sink_row;

double c2_percent(double log_ratio); /* 100 (e^x - 1) */

typedef struct c2_baseline_row {
  const c2_task *task;
  size_t num_forecasts;
  double score[C2_METRICS];
  double mase_full; /* of the dense model */
} c2_baseline_row;

/* What the rows of a run have in common. */
typedef struct c2_table_context {
  const char *prefix;
  const char *model, *sparse_model; /* names; the second may be NULL */
  const char *backend, *pattern;
  size_t chunk_size, split;
  bool exclude_reg, reg_global, include_padded;
} c2_table_context;

c2_status c2_write_mass(const c2_table_context *context, const c2_mass_row *rows, size_t count, c2_error *err);
c2_status c2_write_mass_summary(const c2_table_context *context, const c2_mass_summary_row *rows, size_t count,
                                c2_error *err);
/* `radius` NAN: perf_full. */
c2_status c2_write_perf(const c2_table_context *context, double radius, const c2_perf_row *rows, size_t count,
                        c2_error *err);
/* Full and sparse rows of the same tasks; `sparse` is [radius_count][count], naive [count]. One radius goes
 * to its own file, all of them to perf_compare_all_radii. */
c2_status c2_write_compare(const c2_table_context *context, const double *radii, size_t radius_count,
                           const c2_perf_row *full, const c2_perf_row *sparse, const c2_baseline_row *naive,
                           size_t count, bool all, c2_error *err);
c2_status c2_write_ttest(const c2_table_context *context, const c2_test_row *row, c2_error *err);
c2_status c2_write_sweep(const c2_table_context *context, const c2_test_row *rows, size_t count, c2_error *err);
c2_status c2_write_summary(const c2_table_context *context, const c2_test_row *rows, size_t count, c2_error *err);
/* Rows [layers * heads * radii] of one task each. */
typedef struct c2_head_rows {
  const char *task_name;
  const c2_head_row *row;
  size_t count;
} c2_head_rows;

c2_status c2_write_heads(const c2_table_context *context, const c2_head_rows *tasks, size_t count, c2_error *err);
/* `rows` is [arm_count][count], `full` the row of arm 0. */
c2_status c2_write_arms(const c2_table_context *context, const c2_arm *arms, size_t arm_count, const c2_perf_row *rows,
                        size_t count, c2_error *err);
/* `rows` is [2 * arm_count]; those of arm 0 are passed over. */
c2_status c2_write_equivalence(const c2_table_context *context, const c2_arm *arms, size_t arm_count,
                               const c2_equivalence_row *rows, c2_error *err);
c2_status c2_write_sinks(const c2_table_context *context, const c2_sink_row *rows, size_t count, c2_error *err);
/* Rows with a change, in order of their ranks. */
c2_status c2_write_find_sinks(const c2_table_context *context, const c2_sink_row *rows, size_t count, c2_error *err);
c2_status c2_write_baselines(const c2_table_context *context, const c2_baseline_row *rows, size_t count, c2_error *err);

#endif
