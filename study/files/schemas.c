/* Names and columns of the CSV files of a study. */
#include "study/files/schemas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERF_PUBLISHED                                                                                              \
  "model_name", "dataset_path", "dataset_config", "horizon", "num_windows", "initial_cutoff", "window_step_size",   \
      "min_context_length", "max_context_length", "seasonality", "eval_metric", "extra_metrics", "quantile_levels", \
      "id_column", "timestamp_column", "target", "generate_univariate_targets_from", "known_dynamic_columns",       \
      "past_dynamic_columns", "static_columns", "task_name", "test_error", "training_time_s", "inference_time_s",   \
      "num_forecasts", "dataset_fingerprint", "trained_on_this_dataset", "fev_version", "MASE", "WQL", "ctx_used",  \
      "inference_time_s_median", "inference_time_s_mean", "inference_time_s_std", "perf_repeats",                   \
      "peak_alloc_mb_median", "peak_alloc_mb_max", "peak_reserved_mb_median", "peak_reserved_mb_max"
#define OTHER_METRICS "MAE", "WAPE", "MSE", "RMSE", "RMSSE", "MAEB", "WAPEB", "RMSLE", "MAPE", "SMAPE", "MQL", "SQL"
#define WORK                                                                                        \
  "flops", "flops_embed", "flops_time_projection", "flops_time_attention", "flops_group_attention", \
      "flops_feed_forward", "flops_head"
#define PERF_MORE OTHER_METRICS, "attention", "radius", "reg_is_global", "inference_time_s_min", WORK
#define COMPARE_PUBLISHED                                                                                             \
  "task_name", "radius", "MASE_full", "inference_time_s_median_full", "peak_alloc_mb_median_full",                    \
      "peak_reserved_mb_median_full", "MASE_sparse", "inference_time_s_median_sparse", "peak_alloc_mb_median_sparse", \
      "peak_reserved_mb_median_sparse", "delta_metric", "speedup", "delta_peak_alloc_mb", "delta_peak_reserved_mb"
#define COMPARE_MORE                                                                                 \
  "WQL_full", "WQL_sparse", "delta_WQL", "MASE_seasonal_naive", "speedup_geomean", "speedup_low_95", \
      "speedup_high_95", "speedup_flop_bound"
#define TEST_MORE "delta_low_95", "delta_high_95", "mean_delta_WQL", "p_WQL"

#define FIXED_MASS "best_1_mass_frac", "best_4_mass_frac", "best_16_mass_frac", "best_64_mass_frac"
#define MASS_MORE                                                                                                    \
  "best_mass_frac_ctxQ", "future_mass_frac_ctxQ", "mean_distance_ctxQ", "relative_entropy_ctxQ", "keys_for_90_ctxQ", \
      "keys_for_99_ctxQ", FIXED_MASS, "reg_mass_frac_ctxQ", "first_mass_frac_ctxQ"

static const char *const mass_columns[] = {"task_name",
                                           "window_index",
                                           "ctx_used",
                                           "horizon",
                                           "radius",
                                           "kept_mass_frac_ctxQ",
                                           "dropped_mass_frac_ctxQ",
                                           "kept_edges_frac_ctxQ",
                                           "S_tokens",
                                           "ctx_tokens",
                                           "future_tokens",
                                           "q_sel_ctx_queries",
                                           "exclude_reg_query",
                                           "probe_weight_sum",
                                           "uniform_mass_frac_ctxQ",
                                           "time_reg_is_global",
                                           "include_padded_queries",
                                           "series",
                                           "rows",
                                           MASS_MORE};
static const char *const mass_summary_columns[] = {"radius",
                                                   "kept_mass_mean_ctxQ_all",
                                                   "kept_mass_std_ctxQ_all",
                                                   "n_all",
                                                   "kept_mass_mean_ctxQ_S<#",
                                                   "kept_mass_std_ctxQ_S<#",
                                                   "n_small",
                                                   "kept_mass_mean_ctxQ_S>=#",
                                                   "kept_mass_std_ctxQ_S>=#",
                                                   "n_large",
                                                   "kept_edges_mean_ctxQ_all",
                                                   "uniform_mass_mean_ctxQ_all",
                                                   "kept_edges_mean_ctxQ_S<#",
                                                   "uniform_mass_mean_ctxQ_S<#",
                                                   "kept_edges_mean_ctxQ_S>=#",
                                                   "uniform_mass_mean_ctxQ_S>=#",
                                                   "best_mass_mean_ctxQ_all",
                                                   "future_mass_mean_ctxQ_all",
                                                   "mean_distance_mean_ctxQ_all",
                                                   "relative_entropy_mean_ctxQ_all",
                                                   "best_mass_mean_ctxQ_S<#",
                                                   "future_mass_mean_ctxQ_S<#",
                                                   "mean_distance_mean_ctxQ_S<#",
                                                   "relative_entropy_mean_ctxQ_S<#",
                                                   "best_mass_mean_ctxQ_S>=#",
                                                   "future_mass_mean_ctxQ_S>=#",
                                                   "mean_distance_mean_ctxQ_S>=#",
                                                   "relative_entropy_mean_ctxQ_S>=#"};
static const char *const head_columns[] = {
    "task_name",   "layer",       "head",          "radius",           "kept_mass",   "kept_edges",  "uniform_mass",
    "best_k_mass", "future_mass", "mean_distance", "relative_entropy", "keys_for_90", "keys_for_99", FIXED_MASS,
    "reg_mass",    "first_mass"};
static const char *const sink_columns[] = {"layer", "head", "n_tasks", "future_mass", "reg_mass", "first_mass"};
#define CHANGE(metric) \
  metric "_change_percent", metric "_low_95_percent", metric "_high_95_percent", metric "_p", metric "_p_holm"
static const char *const find_sinks_columns[] = {
    "rank", "layer", "head", "n_tasks", CHANGE("MASE"), CHANGE("WQL"), "future_mass", "reg_mass", "first_mass"};
static const char *const arm_columns[] = {
    "arm",         "model_name",     "attention",     "radius",           "task_name",    "MASE",         "WQL",
    OTHER_METRICS, "MASE_over_full", "WQL_over_full", "inference_time_s", "perf_repeats", "peak_alloc_mb",
    "blind_heads"};
#define BOOTSTRAP                                                                             \
  "bootstrap_low_95_percent", "bootstrap_high_95_percent", "bootstrap_series_low_95_percent", \
      "bootstrap_series_high_95_percent"
static const char *const equivalence_columns[] = {"arm",
                                                  "attention",
                                                  "radius",
                                                  "metric",
                                                  "n",
                                                  "mean_log_ratio",
                                                  "sd_log_ratio",
                                                  "change_percent",
                                                  "low_90_percent",
                                                  "high_90_percent",
                                                  "low_95_percent",
                                                  "high_95_percent",
                                                  "margin_percent",
                                                  "p_equivalence",
                                                  "p_equivalence_holm",
                                                  "equivalent",
                                                  "equivalent_holm",
                                                  "smallest_margin_percent",
                                                  "t",
                                                  "p_difference",
                                                  "p_difference_holm",
                                                  "wilcoxon",
                                                  "p_wilcoxon",
                                                  "p_wilcoxon_holm",
                                                  "wilcoxon_exact",
                                                  BOOTSTRAP,
                                                  "tasks_left_out",
                                                  "blind_heads"};
static const char *const perf_columns[] = {PERF_PUBLISHED, PERF_MORE};
static const char *const compare_columns[] = {COMPARE_PUBLISHED, COMPARE_MORE};
static const char *const ttest_columns[] = {"metric_col",
                                            "radius",
                                            "chunk_size",
                                            "backend",
                                            "n",
                                            "mean_delta",
                                            "sd_delta",
                                            "t",
                                            "p",
                                            "test",
                                            "mean_speedup",
                                            "median_speedup",
                                            "mean_delta_peak_alloc_mb",
                                            "mean_delta_peak_reserved_mb",
                                            TEST_MORE};
static const char *const sweep_columns[] = {"radius",
                                            "metric_col",
                                            "chunk_size",
                                            "backend",
                                            "n",
                                            "mean_delta",
                                            "sd_delta",
                                            "t",
                                            "p",
                                            "test",
                                            "mean_speedup",
                                            "median_speedup",
                                            "mean_delta_peak_alloc_mb",
                                            "mean_delta_peak_reserved_mb",
                                            TEST_MORE};
static const char *const summary_columns[] = {"radius",
                                              "n_tasks",
                                              "metric",
                                              "mean_delta_metric",
                                              "median_delta_metric",
                                              "max_abs_delta_metric",
                                              "mean_speedup",
                                              "median_speedup",
                                              "metric_full_mean",
                                              "metric_sparse_mean",
                                              "p_value",
                                              "mean_delta_WQL",
                                              "p_value_WQL"};
static const char *const baseline_columns[] = {
    "task_name", "model_name", "horizon",     "num_windows", "seasonality",         "num_forecasts",
    "MASE",      "WQL",        OTHER_METRICS, "MASE_full",   "MASE_full_over_naive"};

#define COLUMNS(array) array, sizeof array / sizeof array[0]

const c2_schema c2_schemas[C2_TABLES] = {
    [C2_TABLE_MASS_PER_WINDOW] = {"mass_per_window", false, COLUMNS(mass_columns), 14},
    [C2_TABLE_MASS_SUMMARY] = {"mass_summary", false, COLUMNS(mass_summary_columns), 10},
    [C2_TABLE_PERF_FULL] = {"perf_full", false, COLUMNS(perf_columns), 39},
    [C2_TABLE_PERF_SPARSE] = {"perf_sparse", true, COLUMNS(perf_columns), 39},
    [C2_TABLE_COMPARE] = {"perf_compare", true, COLUMNS(compare_columns), 14},
    [C2_TABLE_TTEST] = {"perf_ttest", true, COLUMNS(ttest_columns), 14},
    [C2_TABLE_SWEEP] = {"perf_radius_sweep_summary", false, COLUMNS(sweep_columns), 14},
    [C2_TABLE_COMPARE_ALL] = {"perf_compare_all_radii", false, COLUMNS(compare_columns), 14},
    [C2_TABLE_SUMMARY] = {"perf_summary_by_radius", false, COLUMNS(summary_columns), 11},
    [C2_TABLE_BASELINES] = {"baselines", false, COLUMNS(baseline_columns), 0},
    [C2_TABLE_MASS_BY_HEAD] = {"mass_by_head", false, COLUMNS(head_columns), 0},
    [C2_TABLE_ARMS] = {"arms", false, COLUMNS(arm_columns), 0},
    [C2_TABLE_EQUIVALENCE] = {"equivalence", false, COLUMNS(equivalence_columns), 0},
    [C2_TABLE_SINKS] = {"sinks", false, COLUMNS(sink_columns), 0},
    [C2_TABLE_FIND_SINKS] = {"find_sinks", false, COLUMNS(find_sinks_columns), 0}};

size_t c2_table_columns(c2_table table, size_t *published) {
  *published = c2_schemas[table].published;
  return c2_schemas[table].count;
}

void c2_table_column(c2_table table, size_t column, size_t split, char out[C2_COLUMN_ROOM]) {
  const char *name = c2_schemas[table].column[column];
  const char *mark = strchr(name, '#');
  if (mark) {
    (void)snprintf(out, C2_COLUMN_ROOM, "%.*s%zu", (int)(mark - name), name, split);
  } else {
    (void)snprintf(out, C2_COLUMN_ROOM, "%s", name);
  }
}

char *c2_table_path(const char *prefix, c2_table table, double radius) {
  const c2_schema *s = &c2_schemas[table];
  size_t size = strlen(prefix) + strlen(s->name) + 64;
  char *path = malloc(size);
  char suffix[C2_REPR_ROOM + 2] = "";
  char number[C2_REPR_ROOM];
  c2_radius_text(radius, number);
  if (s->by_radius) (void)snprintf(suffix, sizeof suffix, "_r%s", number);
  if (path) (void)snprintf(path, size, "%s__%s%s.csv", prefix, s->name, suffix);
  return path;
}
