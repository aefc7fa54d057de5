/* The columns of a study's files. */
#include "study/files/schema.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "study/results/published.h"

/* ---- What a row is put together from ---------------------------------------------------------- */

typedef c2_plan PLAN;
typedef c2_results RESULTS;
typedef c2_task TASK;
typedef c2_task_result RESULT;
typedef c2_mass_row MASS;
typedef c2_head_row HEAD;
typedef c2_arm ARM;
typedef c2_perf FULL;
typedef c2_perf PERF;
typedef c2_mass_summary_row SHARES;
typedef c2_test_row TEST;
typedef c2_equivalence_row CHANGE;
typedef c2_sink_row SINK;

#define OF(PART) ((const PART *)row->part[C2_PART_##PART])

/* ---- Numbers that follow from parts ----------------------------------------------------------- */

/* `of`: a metric, or what else the column says. */
#define FOLLOWS(name, expression)                          \
  static double name(const c2_study_row *row, size_t of) { \
    (void)of;                                              \
    return (expression);                                   \
  }

/* What others published for the task; missing where their data aren't ours. */
static double published(const c2_study_row *row, size_t of) {
  const c2_published *p = c2_published_for(OF(TASK), OF(RESULT)->naive);
  return p ? c2_published_score(p, of / C2_METRICS, (c2_metric)(of % C2_METRICS)) : (double)NAN;
}

static const c2_ttest *test_of(const c2_study_row *row, size_t metric) {
  return &OF(TEST)->test[c2_metric_place(&OF(RESULTS)->compared, (c2_metric)metric)];
}

/* Of a metric, where a head alone is blind. */
static const c2_equivalence_row *blind_change(const c2_study_row *row, size_t metric) {
  return &OF(SINK)->change[c2_metric_place(&OF(RESULTS)->compared, (c2_metric)metric)];
}

FOLLOWS(dropped_mass, 1 - OF(MASS)->share.mass)
FOLLOWS(future_tokens, (double)(OF(MASS)->tokens - OF(MASS)->context_tokens))
FOLLOWS(all_rows, (double)(OF(MASS)->series * OF(MASS)->rows_per_series))
FOLLOWS(test_error, OF(PERF)->score[OF(TASK)->eval_metric])
FOLLOWS(all_work, c2_total_work(OF(PERF)))
FOLLOWS(reg_is_global, OF(ARM)->attention != CHRONOS2_FULL && OF(PLAN)->session.reg_global)
FOLLOWS(full_score, OF(FULL)->score[of])
FOLLOWS(sparse_score, OF(PERF)->score[of])
FOLLOWS(delta_score, OF(PERF)->score[of] - OF(FULL)->score[of])
FOLLOWS(score_over_full, OF(PERF)->score[of] / OF(FULL)->score[of])
FOLLOWS(tested_delta, test_of(row, of)->mean)
FOLLOWS(tested_p, test_of(row, of)->p)
FOLLOWS(delta_alloc, OF(PERF)->alloc_median_mb - OF(FULL)->alloc_median_mb)
FOLLOWS(delta_reserved, OF(PERF)->reserved_median_mb - OF(FULL)->reserved_median_mb)
FOLLOWS(speedup, OF(FULL)->median_s / OF(PERF)->median_s)
FOLLOWS(speedup_bound, c2_total_work(OF(FULL)) / c2_total_work(OF(PERF)))
FOLLOWS(arm_seconds, OF(ARM)->timed ? OF(PERF)->median_s : OF(PERF)->pass_s)
FOLLOWS(mase_full, OF(RESULT)->perf ? OF(RESULT)->perf[0].score[C2_MASE] : (double)NAN)
FOLLOWS(full_over_naive, mase_full(row, of) / OF(RESULT)->naive[C2_MASE])

static double below_5_percent(double p) {
  return isnan(p) ? p : p < 0.05;
}

FOLLOWS(blind_mean, blind_change(row, of)->test.mean)
FOLLOWS(blind_low, blind_change(row, of)->test.low_95)
FOLLOWS(blind_high, blind_change(row, of)->test.high_95)
FOLLOWS(blind_p, blind_change(row, of)->test.p)
FOLLOWS(blind_p_holm, blind_change(row, of)->p_holm)
FOLLOWS(is_equivalent, below_5_percent(OF(CHANGE)->test.p_equivalent))
FOLLOWS(is_equivalent_holm, below_5_percent(OF(CHANGE)->p_equivalent_holm))

/* ---- Texts that follow from parts ------------------------------------------------------------- */

#define SAYS(name, ...)                                  \
  static void name(const c2_study_row *row, FILE *out) { \
    (void)row, (void)fprintf(out, __VA_ARGS__);          \
  }

SAYS(put_nothing, "%s", "")
SAYS(put_never, "False")
SAYS(put_test, "ttest_rel")
SAYS(put_naive, "seasonal_naive")
SAYS(put_metric, "%s", c2_metric_name(OF(RESULTS)->compared.at[0]))
SAYS(put_attention, "%s", chronos2_attention_name(OF(ARM)->attention))
SAYS(put_arm_model, "%s", OF(ARM)->sparse_model ? OF(PLAN)->sparse_model_name : OF(RESULTS)->model_name)
SAYS(put_fingerprint, "%.16s", OF(RESULT)->checksum)
SAYS(put_timestamp, "%s", c2_stamp_name(OF(TASK)->timestamp_column))

static void put_arm(const c2_study_row *row, FILE *out) {
  char name[C2_ARM_ROOM];
  c2_arm_name(OF(ARM), name);
  (void)fputs(name, out);
}

/* "NAME__full", "NAME__sparse_r8_c256" */
static void put_perf_model(const c2_study_row *row, FILE *out) {
  char radius[C2_RADIUS_ROOM];
  c2_radius_text(OF(ARM)->radius, radius);
  (void)fprintf(out, "%.400s__", OF(RESULTS)->model_name);
  if (OF(ARM)->attention == CHRONOS2_FULL) {
    (void)fputs("full", out);
  } else {
    (void)fprintf(out, "sparse_r%s_c%zu", radius, OF(RESULTS)->chunk_size);
  }
}

/* A number, or what stands for it. */
static void put_either(FILE *out, const char *text, long long number) {
  if (text) {
    (void)fputs(text, out);
  } else {
    (void)fprintf(out, "%lld", number);
  }
}

static void put_cutoff(const c2_study_row *row, FILE *out) {
  put_either(out, OF(TASK)->cutoff_is_time ? OF(TASK)->cutoff_text : NULL, (long long)OF(TASK)->initial_cutoff);
}

static void put_step(const c2_study_row *row, FILE *out) {
  put_either(out, OF(TASK)->step_text, (long long)OF(TASK)->step);
}

static void put_max_context(const c2_study_row *row, FILE *out) {
  put_either(out, OF(TASK)->max_context ? NULL : "", (long long)OF(TASK)->max_context);
}

/* ---- Python's lists --------------------------------------------------------------------------- */

static void put_target(const c2_study_row *row, FILE *out) {
  if (OF(TASK)->target_is_list) {
    c2_names_put(&OF(TASK)->target, out);
  } else {
    (void)fputs(OF(TASK)->target.name[0], out);
  }
}

static void put_univariate(const c2_study_row *row, FILE *out) {
  if (OF(TASK)->univariate.count) {
    c2_names_put(&OF(TASK)->univariate, out);
  } else if (OF(TASK)->univariate_all) {
    (void)fputs("__ALL__", out);
  }
}

static void put_extra(const c2_study_row *row, FILE *out) {
  const char *name[C2_METRICS];
  const c2_metric_list *extra = &OF(TASK)->extra;
  for (size_t i = 0; i < extra->count; i++) name[i] = c2_metric_name(extra->at[i]);
  c2_names_put(&(c2_names){name, extra->count}, out);
}

static void put_levels(const c2_study_row *row, FILE *out) {
  char text[C2_NUMBER_ROOM];
  for (size_t i = 0; i < OF(TASK)->level_count; i++) {
    c2_number_put(OF(TASK)->levels[i], text);
    (void)fprintf(out, "%s%s", i ? ", " : "[", text);
  }
  (void)fputs(OF(TASK)->level_count ? "]" : "[]", out);
}

/* ---- Columns ---------------------------------------------------------------------------------- */

static const c2_study_limits score = {0, DBL_MAX, "a finite number >= 0"};
static const c2_study_limits ratio = {0, INFINITY, "a number >= 0"}; /* over a sum of values, which may be 0 */
static const c2_study_limits duration = {DBL_MIN, DBL_MAX, "a finite number > 0"};
static const c2_study_limits share = {0, 1.001, "a share from 0 to 1"}; /* of float32 sums */

/* A column's kind follows from the type of its field, where that tells. */
#define KIND_OF(x) \
  _Generic((x), const char *: C2_TEXT, char *: C2_CHARS, size_t: C2_WHOLE, double: C2_REAL, \
           bool: C2_FLAG, c2_metric: C2_METRIC, chronos2_dtype: C2_DTYPE, c2_metric_list: C2_LIST, \
           c2_radii: C2_RADII, c2_heads: C2_HEADS, c2_names: C2_NAMES)
#define AT(PART, field) .part = C2_PART_##PART, .offset = offsetof(PART, field)

/* F: a field of a part. K: likewise, of a kind that its type doesn't tell. IN: likewise, and read. O: an option that
 * results depend on. N: a number that follows. M: likewise, of a metric. E: of each further one. T: a text that
 * follows. */
#define F(text, PART, field) \
  { .name = text, .kind = KIND_OF(((PART *)0)->field), AT(PART, field) }
#define K(text, KIND, PART, field) \
  { .name = text, .kind = C2_##KIND, AT(PART, field) }
#define IN(text, PART, field, HOW, limits) \
  { .name = text, .kind = KIND_OF(((PART *)0)->field), AT(PART, field), .reading = C2_##HOW, .within = limits }
#define O(text, PART, field) \
  { .name = text, .kind = KIND_OF(((PART *)0)->field), AT(PART, field), .setting = true }
#define N(text, KIND, function) \
  { .name = text, .kind = C2_##KIND, .number = function }
#define M(text, function, metric) \
  { .name = text, .kind = C2_REAL, .number = function, .of = metric }
#define E(text, function) \
  { .name = text, .kind = C2_REAL, .number = function, .each = true }
#define T(text, function) \
  { .name = text, .kind = C2_TEXT, .put = function }

#define TASK_NAME F("task_name", TASK, name)

#define SCORE(text, PART, field) IN(text, PART, field, OPTIONAL, &ratio)
#define OTHER_SCORES(PART, of)                                                                     \
  SCORE("MAE", PART, of[C2_MAE]), SCORE("WAPE", PART, of[C2_WAPE]), SCORE("MSE", PART, of[C2_MSE]), \
      SCORE("RMSE", PART, of[C2_RMSE]), SCORE("RMSSE", PART, of[C2_RMSSE]),                         \
      SCORE("MAEB", PART, of[C2_MAEB]), SCORE("WAPEB", PART, of[C2_WAPEB]),                         \
      SCORE("RMSLE", PART, of[C2_RMSLE]), SCORE("MAPE", PART, of[C2_MAPE]),                         \
      SCORE("SMAPE", PART, of[C2_SMAPE]), SCORE("MQL", PART, of[C2_MQL]), SCORE("SQL", PART, of[C2_SQL])

/* Where attention goes, beyond kept mass; the files call it with different endings. */
#define LOOKS(PART, frac, mean)                                                      \
  IN("future_mass" frac, PART, share.future, OPTIONAL, &share),                      \
      IN("mean_distance" mean, PART, share.distance, OPTIONAL, &score),              \
      IN("relative_entropy" mean, PART, share.entropy, OPTIONAL, &score),            \
      IN("keys_for_90" mean, PART, share.keys_90, OPTIONAL, &score),                 \
      IN("keys_for_99" mean, PART, share.keys_99, OPTIONAL, &score),                 \
      IN("best_1_mass_frac", PART, share.fixed[0], OPTIONAL, &share),                \
      IN("best_4_mass_frac", PART, share.fixed[1], OPTIONAL, &share),                \
      IN("best_16_mass_frac", PART, share.fixed[2], OPTIONAL, &share),               \
      IN("best_64_mass_frac", PART, share.fixed[3], OPTIONAL, &share),               \
      IN("reg_mass" frac, PART, share.reg, OPTIONAL, &share),                        \
      IN("first_mass" frac, PART, share.first, OPTIONAL, &share)

static const c2_study_field mass_columns[] = {TASK_NAME,
                                        IN("window_index", MASS, window, REQUIRED, NULL),
                                        F("ctx_used", MASS, context_used),
                                        F("horizon", TASK, horizon),
                                        {.name = "radius", .kind = C2_RADIUS, AT(MASS, radius), .reading = C2_REQUIRED},
                                        IN("kept_mass_frac_ctxQ", MASS, share.mass, REQUIRED, &share),
                                        N("dropped_mass_frac_ctxQ", REAL, dropped_mass),
                                        IN("kept_edges_frac_ctxQ", MASS, share.edges, REQUIRED, &share),
                                        IN("S_tokens", MASS, tokens, REQUIRED, NULL),
                                        IN("ctx_tokens", MASS, context_tokens, REQUIRED, NULL),
                                        N("future_tokens", WHOLE, future_tokens),
                                        IN("q_sel_ctx_queries", MASS, query_positions, REQUIRED, NULL),
                                        F("exclude_reg_query", PLAN, exclude_reg),
                                        IN("probe_weight_sum", MASS, queries, REQUIRED, &score),
                                        IN("uniform_mass_frac_ctxQ", MASS, share.uniform, OPTIONAL, &share),
                                        F("time_reg_is_global", PLAN, session.reg_global),
                                        F("include_padded_queries", PLAN, include_padded),
                                        F("series", MASS, series),
                                        N("rows", WHOLE, all_rows),
                                        IN("best_mass_frac_ctxQ", MASS, share.best, OPTIONAL, &share),
                                        LOOKS(MASS, "_frac_ctxQ", "_ctxQ"),
                                        F("rows_per_series", MASS, rows_per_series)};

static const c2_study_field head_columns[] = {TASK_NAME,
                                        F("layer", HEAD, layer),
                                        F("head", HEAD, head),
                                        K("radius", RADIUS, HEAD, radius),
                                        F("kept_mass", HEAD, share.mass),
                                        F("kept_edges", HEAD, share.edges),
                                        F("uniform_mass", HEAD, share.uniform),
                                        F("best_k_mass", HEAD, share.best),
                                        LOOKS(HEAD, "", "")};

#define KEPT(side, small, i)                                                                                 \
  F("kept_mass_mean_ctxQ_" side, SHARES, mean[i].mass), F("kept_mass_std_ctxQ_" side, SHARES, deviation[i]), \
      F("n_" small, SHARES, count[i])
#define EVEN(side, i) \
  F("kept_edges_mean_ctxQ_" side, SHARES, mean[i].edges), F("uniform_mass_mean_ctxQ_" side, SHARES, mean[i].uniform)
#define LOOK(side, i)                                                                                             \
  F("best_mass_mean_ctxQ_" side, SHARES, mean[i].best), F("future_mass_mean_ctxQ_" side, SHARES, mean[i].future), \
      F("mean_distance_mean_ctxQ_" side, SHARES, mean[i].distance),                                               \
      F("relative_entropy_mean_ctxQ_" side, SHARES, mean[i].entropy)

static const c2_study_field mass_summary_columns[] = {K("radius", RADIUS, SHARES, radius),
                                                KEPT("all", "all", 0),
                                                KEPT("S<#", "small", 1),
                                                KEPT("S>=#", "large", 2),
                                                EVEN("all", 0),
                                                EVEN("S<#", 1),
                                                EVEN("S>=#", 2),
                                                LOOK("all", 0),
                                                LOOK("S<#", 1),
                                                LOOK("S>=#", 2)};

#define COUNT(text, field) \
  { .name = text, .kind = C2_COUNTED, AT(PERF, field), .reading = C2_OPTIONAL, .within = &score }

static const c2_study_field perf_columns[] = {T("model_name", put_perf_model),
                                        F("dataset_path", TASK, dataset_path),
                                        F("dataset_config", TASK, dataset_config),
                                        IN("horizon", TASK, horizon, OPTIONAL, NULL),
                                        IN("num_windows", TASK, num_windows, OPTIONAL, NULL),
                                        T("initial_cutoff", put_cutoff),
                                        T("window_step_size", put_step),
                                        F("min_context_length", TASK, min_context),
                                        T("max_context_length", put_max_context),
                                        IN("seasonality", TASK, seasonality, OPTIONAL, NULL),
                                        F("eval_metric", TASK, eval_metric),
                                        T("extra_metrics", put_extra),
                                        T("quantile_levels", put_levels),
                                        F("id_column", RESULT, id_column),
                                        T("timestamp_column", put_timestamp),
                                        T("target", put_target),
                                        T("generate_univariate_targets_from", put_univariate),
                                        F("known_dynamic_columns", TASK, known),
                                        F("past_dynamic_columns", TASK, past),
                                        F("static_columns", TASK, statics),
                                        TASK_NAME,
                                        N("test_error", REAL, test_error),
                                        T("training_time_s", put_nothing),  /* nothing is trained */
                                        T("inference_time_s", put_nothing), /* the repeats' times follow */
                                        IN("num_forecasts", PERF, num_forecasts, OPTIONAL, NULL),
                                        T("dataset_fingerprint", put_fingerprint),
                                        T("trained_on_this_dataset", put_never),
                                        T("fev_version", put_nothing), /* fev's definitions, but not fev */
                                        IN("MASE", PERF, score[C2_MASE], REQUIRED, &score),
                                        IN("WQL", PERF, score[C2_WQL], OPTIONAL, &ratio),
                                        F("ctx_used", PERF, context_used),
                                        IN("inference_time_s_median", PERF, median_s, REQUIRED, &duration),
                                        IN("inference_time_s_mean", PERF, mean_s, OPTIONAL, &duration),
                                        IN("inference_time_s_std", PERF, deviation_s, OPTIONAL, &score),
                                        F("perf_repeats", PERF, repeats),
                                        IN("peak_alloc_mb_median", PERF, alloc_median_mb, REQUIRED, &score),
                                        IN("peak_alloc_mb_max", PERF, alloc_max_mb, OPTIONAL, &score),
                                        IN("peak_reserved_mb_median", PERF, reserved_median_mb, REQUIRED, &score),
                                        IN("peak_reserved_mb_max", PERF, reserved_max_mb, OPTIONAL, &score),
                                        OTHER_SCORES(PERF, score),
                                        T("attention", put_attention),
                                        K("radius", RADIUS, ARM, radius),
                                        N("reg_is_global", FLAG, reg_is_global),
                                        F("inference_time_s_min", PERF, least_s),
                                        N("flops", COUNTED, all_work),
                                        COUNT("flops_embed", work.embed),
                                        COUNT("flops_time_projection", work.time_projection),
                                        COUNT("flops_time_attention", work.time_attention),
                                        COUNT("flops_group_attention", work.group_attention),
                                        COUNT("flops_feed_forward", work.feed_forward),
                                        COUNT("flops_head", work.head),
                                        F("pass_s", PERF, pass_s),
                                        F("speedup", PERF, speedup),
                                        F("speedup_low", PERF, speedup_low),
                                        F("speedup_high", PERF, speedup_high)};

#define MEASURED(side, PART)                                                     \
  IN("MASE_" side, PART, score[C2_MASE], REQUIRED, &score),                      \
      IN("inference_time_s_median_" side, PART, median_s, REQUIRED, &duration),  \
      IN("peak_alloc_mb_median_" side, PART, alloc_median_mb, REQUIRED, &score), \
      IN("peak_reserved_mb_median_" side, PART, reserved_median_mb, REQUIRED, &score)

static const c2_study_field compare_columns[] = {TASK_NAME,
                                           K("radius", RADIUS, ARM, radius),
                                           MEASURED("full", FULL),
                                           MEASURED("sparse", PERF),
                                           M("delta_metric", delta_score, C2_MASE),
                                           N("speedup", REAL, speedup),
                                           N("delta_peak_alloc_mb", REAL, delta_alloc),
                                           N("delta_peak_reserved_mb", REAL, delta_reserved),
                                           IN("WQL_full", FULL, score[C2_WQL], OPTIONAL, &ratio),
                                           IN("WQL_sparse", PERF, score[C2_WQL], OPTIONAL, &ratio),
                                           M("delta_WQL", delta_score, C2_WQL),
                                           F("MASE_seasonal_naive", RESULT, naive[C2_MASE]),
                                           F("speedup_geomean", PERF, speedup),
                                           F("speedup_low_95", PERF, speedup_low),
                                           F("speedup_high_95", PERF, speedup_high),
                                           N("speedup_flop_bound", REAL, speedup_bound),
                                           E("*_full", full_score),
                                           E("*_sparse", sparse_score),
                                           E("delta_*", delta_score)};

#define TESTED                                                                                                    \
  IN("chunk_size", RESULTS, chunk_size, OPTIONAL, NULL), F("backend", RESULTS, backend), F("n", TEST, test[0].n), \
      F("mean_delta", TEST, test[0].mean), F("sd_delta", TEST, test[0].deviation), F("t", TEST, test[0].t),       \
      F("p", TEST, test[0].p), T("test", put_test), F("mean_speedup", TEST, mean_speedup),                        \
      F("median_speedup", TEST, median_speedup), F("mean_delta_peak_alloc_mb", TEST, mean_alloc),                 \
      F("mean_delta_peak_reserved_mb", TEST, mean_reserved), F("delta_low_95", TEST, test[0].low),                \
      F("delta_high_95", TEST, test[0].high), M("mean_delta_WQL", tested_delta, C2_WQL), M("p_WQL", tested_p, C2_WQL), \
      E("mean_delta_*", tested_delta), E("p_*", tested_p)

static const c2_study_field ttest_columns[] = {T("metric_col", put_metric), K("radius", RADIUS, TEST, radius), TESTED};
static const c2_study_field sweep_columns[] = {K("radius", RADIUS, TEST, radius), T("metric_col", put_metric), TESTED};

static const c2_study_field summary_columns[] = {
    K("radius", RADIUS, TEST, radius),
    F("n_tasks", TEST, test[0].n),
    T("metric", put_metric),
    F("mean_delta_metric", TEST, test[0].mean),
    F("median_delta_metric", TEST, median_delta),
    F("max_abs_delta_metric", TEST, most_delta), /* the published files hold the mean |delta| under this name */
    F("mean_speedup", TEST, mean_speedup),
    F("median_speedup", TEST, median_speedup),
    F("metric_full_mean", TEST, mean_full),
    F("metric_sparse_mean", TEST, mean_sparse),
    F("p_value", TEST, test[0].p),
    M("mean_delta_WQL", tested_delta, C2_WQL),
    M("p_value_WQL", tested_p, C2_WQL),
    E("mean_delta_*", tested_delta),
    E("p_value_*", tested_p)};

#define OTHERS(model, index)                                             \
  M("MASE_" model, published, (index) * C2_METRICS + (size_t)C2_MASE), \
      M("WQL_" model, published, (index) * C2_METRICS + (size_t)C2_WQL)

static const c2_study_field baseline_columns[] = {TASK_NAME,
                                            T("model_name", put_naive),
                                            F("horizon", TASK, horizon),
                                            F("num_windows", TASK, num_windows),
                                            F("seasonality", TASK, seasonality),
                                            F("num_forecasts", RESULT, num_forecasts),
                                            IN("MASE", RESULT, naive[C2_MASE], REQUIRED, &score),
                                            IN("WQL", RESULT, naive[C2_WQL], OPTIONAL, &ratio),
                                            OTHER_SCORES(RESULT, naive),
                                            N("MASE_full", REAL, mase_full),
                                            N("MASE_full_over_naive", REAL, full_over_naive),
                                            OTHERS("chronos_bolt_tiny", 1),
                                            OTHERS("chronos_bolt_base", 2),
                                            OTHERS("tirex", 3),
                                            OTHERS("auto_ets", 4),
                                            OTHERS("auto_theta", 5)};

static const c2_study_field arm_columns[] = {T("arm", put_arm),
                                       T("model_name", put_arm_model),
                                       T("attention", put_attention),
                                       K("radius", RADIUS, ARM, radius),
                                       TASK_NAME,
                                       F("MASE", PERF, score[C2_MASE]),
                                       F("WQL", PERF, score[C2_WQL]),
                                       OTHER_SCORES(PERF, score),
                                       M("MASE_over_full", score_over_full, C2_MASE),
                                       M("WQL_over_full", score_over_full, C2_WQL),
                                       N("inference_time_s", REAL, arm_seconds),
                                       F("perf_repeats", PERF, repeats),
                                       F("peak_alloc_mb", PERF, alloc_max_mb),
                                       F("blind_heads", ARM, blind),
                                       E("*_over_full", score_over_full)};

static const c2_study_field equivalence_columns[] = {T("arm", put_arm),
                                               T("attention", put_attention),
                                               K("radius", RADIUS, ARM, radius),
                                               F("metric", CHANGE, metric),
                                               F("n", CHANGE, test.n),
                                               F("mean_log_ratio", CHANGE, test.mean),
                                               F("sd_log_ratio", CHANGE, test.deviation),
                                               K("change_percent", PERCENT, CHANGE, test.mean),
                                               K("low_90_percent", PERCENT, CHANGE, test.low_90),
                                               K("high_90_percent", PERCENT, CHANGE, test.high_90),
                                               K("low_95_percent", PERCENT, CHANGE, test.low_95),
                                               K("high_95_percent", PERCENT, CHANGE, test.high_95),
                                               K("margin_percent", PERCENT, CHANGE, margin),
                                               F("p_equivalence", CHANGE, test.p_equivalent),
                                               F("p_equivalence_holm", CHANGE, p_equivalent_holm),
                                               N("equivalent", FLAG, is_equivalent),
                                               N("equivalent_holm", FLAG, is_equivalent_holm),
                                               K("smallest_margin_percent", PERCENT, CHANGE, test.smallest_margin),
                                               F("t", CHANGE, test.t),
                                               F("p_difference", CHANGE, test.p),
                                               F("p_difference_holm", CHANGE, p_holm),
                                               F("wilcoxon", CHANGE, wilcoxon.statistic),
                                               F("p_wilcoxon", CHANGE, wilcoxon.p),
                                               F("p_wilcoxon_holm", CHANGE, wilcoxon_holm),
                                               F("wilcoxon_exact", CHANGE, wilcoxon.exact),
                                               K("bootstrap_low_95_percent", PERCENT, CHANGE, tasks.low),
                                               K("bootstrap_high_95_percent", PERCENT, CHANGE, tasks.high),
                                               K("bootstrap_series_low_95_percent", PERCENT, CHANGE, series.low),
                                               K("bootstrap_series_high_95_percent", PERCENT, CHANGE, series.high),
                                               F("tasks_left_out", CHANGE, left_out),
                                               F("blind_heads", ARM, blind)};

#define SINKS F("future_mass", SINK, future), F("reg_mass", SINK, reg), F("first_mass", SINK, first)
#define BLIND(text, KIND, function, which) \
  { .name = text, .kind = C2_##KIND, .number = function, which }
#define CHANGED(metric, which)                                                                            \
  BLIND(metric "_change_percent", PERCENT, blind_mean, which),                                            \
      BLIND(metric "_low_95_percent", PERCENT, blind_low, which),                                         \
      BLIND(metric "_high_95_percent", PERCENT, blind_high, which), BLIND(metric "_p", REAL, blind_p, which), \
      BLIND(metric "_p_holm", REAL, blind_p_holm, which)

static const c2_study_field sink_columns[] = {F("layer", SINK, layer), F("head", SINK, head), F("n_tasks", SINK, tasks),
                                        SINKS};
static const c2_study_field find_sinks_columns[] = {F("rank", SINK, rank),
                                              F("layer", SINK, layer),
                                              F("head", SINK, head),
                                              F("n_tasks", CHANGE, test.n),
                                              CHANGED("MASE", .of = C2_MASE),
                                              CHANGED("WQL", .of = C2_WQL),
                                              SINKS,
                                              CHANGED("*", .each = true)};

/* As --options are called, with underscores. */
static const c2_study_field option_columns[] = {
    F("model", PLAN, model_folder),
    F("tasks", PLAN, tasks),
    F("from_csv", PLAN, from_csv),
    F("exclude_regex", PLAN, exclude_regex),
    F("max_tasks", PLAN, most_tasks),
    O("metrics", RESULTS, compared),
    O("radii", RESULTS, radii),
    O("perf_radii", RESULTS, perf_radii),
    {.name = "local_radius", .kind = C2_RADIUS, AT(PLAN, verdict_radius), .setting = true},
    O("max_windows_per_task", PLAN, probe_windows),
    O("max_series_per_window", PLAN, probe_series),
    O("probe_batch_size", PLAN, probe_batch),
    O("perf_batch_size", PLAN, perf_batch),
    O("perf_repeats", PLAN, repeats),
    F("S_split", PLAN, split),
    F("chunk_size", PLAN, chunk_size),
    F("margin", PLAN, margin),
    O("seed", PLAN, seed),
    O("context_length", PLAN, context_length),
    O("exclude_reg_query", PLAN, exclude_reg),
    O("time_reg_is_global", PLAN, session.reg_global),
    O("include_padded_queries", PLAN, include_padded),
    O("as_univariate", PLAN, as_univariate),
    F("blind_arm", PLAN, blind_arm),
    F("visible_arms", PLAN, visible_arms),
    F("null_arms", PLAN, null_arms),
    O("ablate", PLAN, ablate),
    O("find_sinks", PLAN, find_sinks),
    F("adapter", PLAN, adapter_folder),
    F("sparse_model", PLAN, sparse_model_folder),
    F("sparse_adapter", PLAN, sparse_adapter_folder),
    O("dtype", PLAN, dtype),
    O("backend", RESULTS, backend),
    O("isa", RESULTS, isa),
    F("device", PLAN, session.device),
    F("threads", RESULTS, threads)};

#define TABLE(name, by_radius, array, published, kept) \
  { name, by_radius, array, sizeof array / sizeof array[0] - (kept), published, sizeof array / sizeof array[0] }

const c2_schema c2_schemas[C2_TABLES] = {
    [C2_TABLE_MASS_PER_WINDOW] = TABLE("mass_per_window", false, mass_columns, 14, 1),
    [C2_TABLE_MASS_SUMMARY] = TABLE("mass_summary", false, mass_summary_columns, 10, 0),
    [C2_TABLE_PERF_FULL] = TABLE("perf_full", false, perf_columns, 39, 4),
    [C2_TABLE_PERF_SPARSE] = TABLE("perf_sparse", true, perf_columns, 39, 4),
    [C2_TABLE_COMPARE] = TABLE("perf_compare", true, compare_columns, 14, 0),
    [C2_TABLE_TTEST] = TABLE("perf_ttest", true, ttest_columns, 14, 0),
    [C2_TABLE_SWEEP] = TABLE("perf_radius_sweep_summary", false, sweep_columns, 14, 0),
    [C2_TABLE_COMPARE_ALL] = TABLE("perf_compare_all_radii", false, compare_columns, 14, 0),
    [C2_TABLE_SUMMARY] = TABLE("perf_summary_by_radius", false, summary_columns, 11, 0),
    [C2_TABLE_BASELINES] = TABLE("baselines", false, baseline_columns, 0, 0),
    [C2_TABLE_MASS_BY_HEAD] = TABLE("mass_by_head", false, head_columns, 0, 0),
    [C2_TABLE_ARMS] = TABLE("arms", false, arm_columns, 0, 0),
    [C2_TABLE_EQUIVALENCE] = TABLE("equivalence", false, equivalence_columns, 0, 0),
    [C2_TABLE_SINKS] = TABLE("sinks", false, sink_columns, 0, 0),
    [C2_TABLE_FIND_SINKS] = TABLE("find_sinks", false, find_sinks_columns, 0, 0),
    [C2_TABLE_OPTIONS] = TABLE("options", false, option_columns, 0, 0)};

/* ---- Tables ----------------------------------------------------------------------------------- */

void c2_column_name(const c2_study_field *column, size_t split, c2_metric metric, char out[C2_COLUMN_ROOM]) {
  const char *mark = strpbrk(column->name, "#*");
  if (!mark) {
    (void)snprintf(out, C2_COLUMN_ROOM, "%s", column->name);
  } else if (*mark == '*') {
    (void)snprintf(out, C2_COLUMN_ROOM, "%.*s%s%s", (int)(mark - column->name), column->name, c2_metric_name(metric),
                   mark + 1);
  } else {
    (void)snprintf(out, C2_COLUMN_ROOM, "%.*s%zu", (int)(mark - column->name), column->name, split);
  }
}

bool c2_study_field_stands_for(const c2_study_field *column, const c2_metric_list *compared, c2_metric metric) {
  bool tests = column->number == tested_delta || column->number == tested_p;
  return metric != C2_WQL && metric != (tests ? compared->at[0] : C2_MASE);
}

void c2_study_table_path(const char *prefix, c2_study_table table, double radius, char out[C2_PATH_ROOM]) {
  const c2_schema *s = &c2_schemas[table];
  char name[C2_COLUMN_ROOM + C2_RADIUS_ROOM];
  char number[C2_RADIUS_ROOM];
  c2_radius_text(radius, number);
  (void)snprintf(name, sizeof name, "__%s%s%s.csv", s->name, s->by_radius ? "_r" : "", s->by_radius ? number : "");
  c2_path_of(prefix, name, out);
}

void c2_fields_clear(c2_study_table table, c2_part part, void *out) {
  const c2_schema *schema = &c2_schemas[table];
  for (size_t i = 0; i < schema->all; i++) {
    const c2_study_field *c = &schema->column[i];
    if (c->part == part && c->kind == C2_REAL && !c->number) *(double *)((char *)out + c->offset) = (double)NAN;
  }
}

c2_status c2_fields_read(c2_study_table table, c2_part part, const c2_sheet *sheet, size_t row, void *out,
                         c2_error *err) {
  const c2_schema *schema = &c2_schemas[table];
  for (size_t i = 0; i < schema->count; i++) {
    const c2_study_field *column = &schema->column[i];
    double value = 0;
    if (column->part != part || column->reading == C2_UNREAD) continue;
    if (column->reading == C2_OPTIONAL && !c2_header_has(&sheet->csv.names, column->name)) continue;
    C2_TRY(c2_sheet_number(sheet, row, column->name, &value, err));
    if (c2_study_field_take(column, out, value)) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%s': expected %s, found %.6g", sheet->path, sheet->line[row],
            column->name, c2_study_field_expected(column), value);
  }
  return C2_OK;
}
