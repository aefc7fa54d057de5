/* The CSV files of a study. Knows how they look, not how their numbers come about. */
#include "study/files/tables.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "study/files/schemas.h"

/* ---- Numbers --------------------------------------------------------------------------------- */

void c2_repr(double value, char out[C2_REPR_ROOM]) {
  char text[C2_REPR_ROOM];
  if (isnan(value) || isinf(value)) {
    (void)snprintf(out, C2_REPR_ROOM, "%s", isnan(value) ? "" : value > 0 ? "inf" : "-inf");
    return;
  }
  int digits = 1;
  for (; digits <= 17; digits++) {
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
    if (strtod(text, NULL) == value) break;
  }
  int exponent = atoi(strchr(text, 'e') + 1);
  if (exponent >= 16 || exponent < -4) { /* Python's limits of plain notation */
    (void)snprintf(out, C2_REPR_ROOM, "%s", text);
    return;
  }
  int decimals = digits - 1 - exponent;
  (void)snprintf(out, C2_REPR_ROOM, "%.*f", decimals > 0 ? decimals : 1, value);
}

void c2_radius_text(double radius, char out[C2_REPR_ROOM]) {
  if (isfinite(radius)) {
    (void)snprintf(out, C2_REPR_ROOM, "%.0f", radius);
  } else {
    (void)snprintf(out, C2_REPR_ROOM, "inf");
  }
}

void c2_head_text(chronos2_head head, char out[C2_HEAD_ROOM]) {
  (void)snprintf(out, C2_HEAD_ROOM, "%zu:%zu", head.layer, head.head);
}

char *c2_heads_text(const chronos2_head *heads, size_t count, char separator) {
  size_t room = 1;
  size_t used = 0;
  char one[C2_HEAD_ROOM];
  for (size_t i = 0; i < count; i++) {
    c2_head_text(heads[i], one);
    room += strlen(one) + 1;
  }
  char *text = calloc(room, 1);
  for (size_t i = 0; text && i < count; i++) {
    c2_head_text(heads[i], one);
    if (i > 0) text[used++] = separator;
    memcpy(text + used, one, strlen(one));
    used += strlen(one);
  }
  return text;
}

/* ---- Writing --------------------------------------------------------------------------------- */

typedef struct writer {
  c2_outfile file;
  const c2_schema *schema;
  size_t column; /* of the next cell */
  bool failed;   /* memory was out for a cell */
} writer;

static void put_text(writer *w, const char *text) {
  FILE *out = w->file.stream;
  if (w->column++ > 0) (void)fputc(',', out);
  if (!strpbrk(text, ",\"\r\n")) {
    (void)fputs(text, out);
    return;
  }
  (void)fputc('"', out);
  for (; *text; text++) {
    if (*text == '"') (void)fputc('"', out);
    (void)fputc(*text, out);
  }
  (void)fputc('"', out);
}

static void put_real(writer *w, double value) {
  char text[C2_REPR_ROOM];
  c2_repr(value, text);
  put_text(w, text);
}

static void put_whole(writer *w, size_t value) {
  char text[C2_REPR_ROOM];
  (void)snprintf(text, sizeof text, "%zu", value);
  put_text(w, text);
}

static void put_radius(writer *w, double radius) {
  char text[C2_REPR_ROOM];
  c2_radius_text(radius, text);
  put_text(w, text);
}

static void put_heads(writer *w, const c2_arm *arm) {
  char *text = c2_heads_text(arm->blind, arm->blind_count, ' ');
  w->failed = w->failed || !text;
  put_text(w, text ? text : "");
  free(text);
}

static void put_bool(writer *w, bool value) {
  put_text(w, value ? "True" : "False");
}

static void end_row(writer *w) {
  assert(w->column == w->schema->count);
  (void)fputc('\n', w->file.stream);
  w->column = 0;
}

static c2_status open_table(writer *w, const c2_table_context *context, c2_table table, double radius, c2_error *err) {
  char *path = c2_table_path(context->prefix, table, radius);
  memset(w, 0, sizeof *w);
  if (!path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  w->schema = &c2_schemas[table];
  c2_status status = c2_outfile_open(&w->file, path, err);
  free(path);
  for (size_t i = 0; status == C2_OK && i < w->schema->count; i++) {
    char name[C2_COLUMN_ROOM];
    c2_table_column(table, i, context->split, name);
    put_text(w, name);
  }
  if (status == C2_OK) end_row(w);
  return status;
}

static c2_status close_table(writer *w, c2_error *err) {
  c2_status status = w->failed ? c2_fail(err, C2_ERR_MEMORY, "cannot allocate a cell") : C2_OK;
  if (status == C2_OK) status = c2_outfile_commit(&w->file, err);
  c2_outfile_discard(&w->file);
  return status;
}

const char *c2_arm_pattern(const c2_arm *arm) {
  const char *name = chronos2_attention_name(arm->attention);
  const char *last = strrchr(name, '_'); /* windowed_future_... */
  return last ? last + 1 : name;
}

void c2_arm_name(const c2_arm *arm, char out[C2_REPR_ROOM]) {
  const char *model = arm->sparse_model ? "sparse_" : "";
  char radius[C2_REPR_ROOM];
  c2_radius_text(arm->radius, radius);
  if (arm->blindness == C2_BLIND_ONE) {
    (void)snprintf(out, C2_REPR_ROOM, "blind_%zu:%zu", arm->blind->layer % 100000, arm->blind->head % 100000);
  } else if (arm->blindness != C2_BLIND_NONE) {
    (void)snprintf(out, C2_REPR_ROOM, "ablated%s", arm->blindness == C2_BLIND_OTHERS ? "_others" : "");
  } else if (arm->attention == CHRONOS2_FULL) {
    (void)snprintf(out, C2_REPR_ROOM, "%sfull", model);
  } else {
    (void)snprintf(out, C2_REPR_ROOM, "%s%.8s_r%.12s", model, c2_arm_pattern(arm), radius);
  }
}

/* ---- Mass ------------------------------------------------------------------------------------ */

/* What lies beyond kept mass, edges and uniform mass. */
static void put_share(writer *w, const c2_share *s) {
  put_real(w, s->best);
  put_real(w, s->future);
  put_real(w, s->distance);
  put_real(w, s->entropy);
  put_real(w, s->keys_90);
  put_real(w, s->keys_99);
  for (size_t i = 0; i < C2_FIXED_KEYS; i++) put_real(w, s->fixed[i]);
  put_real(w, s->reg);
  put_real(w, s->first);
}

c2_status c2_write_mass(const c2_table_context *context, const c2_mass_row *rows, size_t count, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_MASS_PER_WINDOW, 0, err));
  for (size_t i = 0; i < count; i++) {
    const c2_mass_row *r = &rows[i];
    put_text(&w, r->task_name);
    put_whole(&w, r->window);
    put_whole(&w, r->context_used);
    put_whole(&w, r->horizon);
    put_radius(&w, r->radius);
    put_real(&w, r->share.mass);
    put_real(&w, 1 - r->share.mass);
    put_real(&w, r->share.edges);
    put_whole(&w, r->tokens);
    put_whole(&w, r->context_tokens);
    put_whole(&w, r->tokens - r->context_tokens);
    put_whole(&w, r->query_positions);
    put_bool(&w, context->exclude_reg);
    put_real(&w, r->queries);
    put_real(&w, r->share.uniform);
    put_bool(&w, context->reg_global);
    put_bool(&w, context->include_padded);
    put_whole(&w, r->series);
    put_whole(&w, r->series * r->rows_per_series);
    put_share(&w, &r->share);
    end_row(&w);
  }
  return close_table(&w, err);
}

c2_status c2_write_mass_summary(const c2_table_context *context, const c2_mass_summary_row *rows, size_t count,
                                c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_MASS_SUMMARY, 0, err));
  for (size_t i = 0; i < count; i++) {
    put_radius(&w, rows[i].radius);
    for (size_t k = 0; k < 3; k++) {
      put_real(&w, rows[i].mean[k]);
      put_real(&w, rows[i].deviation[k]);
      put_whole(&w, rows[i].count[k]);
    }
    for (size_t k = 0; k < 3; k++) {
      put_real(&w, rows[i].edges[k]);
      put_real(&w, rows[i].uniform[k]);
    }
    for (size_t k = 0; k < 3; k++) {
      put_real(&w, rows[i].best[k]);
      put_real(&w, rows[i].future[k]);
      put_real(&w, rows[i].distance[k]);
      put_real(&w, rows[i].entropy[k]);
    }
    end_row(&w);
  }
  return close_table(&w, err);
}

c2_status c2_write_heads(const c2_table_context *context, const c2_head_rows *tasks, size_t count, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_MASS_BY_HEAD, 0, err));
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < tasks[i].count; k++) {
      const c2_head_row *r = &tasks[i].row[k];
      put_text(&w, tasks[i].task_name);
      put_whole(&w, r->layer);
      put_whole(&w, r->head);
      put_radius(&w, r->radius);
      put_real(&w, r->share.mass);
      put_real(&w, r->share.edges);
      put_real(&w, r->share.uniform);
      put_share(&w, &r->share);
      end_row(&w);
    }
  }
  return close_table(&w, err);
}

/* ---- Accuracy and time ----------------------------------------------------------------------- */

/* A Python list as one cell; `put` writes an item of it. */
static void put_list(writer *w, const void *list, size_t count, void (*put)(FILE *out, const void *list, size_t i)) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out) (void)fputc('[', out);
  for (size_t i = 0; out && i < count; i++) {
    if (i > 0) (void)fputs(", ", out);
    put(out, list, i);
  }
  if (out) (void)fputc(']', out);
  bool written = out && fclose(out) == 0 && text; /* the C library closes well where it could not give the text */
  w->failed = w->failed || !written;
  put_text(w, written ? text : "");
  free(text);
}

static void put_quoted(FILE *out, const char *text) {
  (void)fputc('\'', out);
  for (; *text; text++) {
    if (*text == '\'' || *text == '\\') (void)fputc('\\', out);
    (void)fputc(*text, out);
  }
  (void)fputc('\'', out);
}

static void put_name(FILE *out, const void *list, size_t i) {
  const char *const *name = list;
  put_quoted(out, name[i]);
}

static void put_metric(FILE *out, const void *list, size_t i) {
  const c2_metric *metric = list;
  put_quoted(out, c2_metric_name(metric[i]));
}

static void put_level(FILE *out, const void *list, size_t i) {
  const double *level = list;
  char text[C2_REPR_ROOM];
  c2_repr(level[i], text);
  (void)fputs(text, out);
}

static void put_names(writer *w, const c2_names *names) {
  put_list(w, names->name, names->count, put_name);
}

/* The columns that repeat the task's definition. */
static void put_task(writer *w, const c2_perf_row *r) {
  const c2_task *t = r->task;
  char number[C2_REPR_ROOM];
  put_text(w, t->dataset_path);
  put_text(w, t->dataset_config ? t->dataset_config : "");
  put_whole(w, t->horizon);
  put_whole(w, t->num_windows);
  (void)snprintf(number, sizeof number, "%lld", (long long)t->initial_cutoff);
  put_text(w, t->cutoff_is_time ? t->cutoff_text : number);
  if (t->step_text) {
    put_text(w, t->step_text);
  } else {
    put_whole(w, t->step);
  }
  put_whole(w, t->min_context);
  if (t->max_context) {
    put_whole(w, t->max_context);
  } else {
    put_text(w, "");
  }
  put_whole(w, t->seasonality);
  put_text(w, c2_metric_name(t->eval_metric));
  put_list(w, t->extra, t->extra_count, put_metric);
  put_list(w, t->levels, t->level_count, put_level);
  put_text(w, r->id_column);
  put_text(w, t->timestamp_column ? t->timestamp_column : "timestamp");
  if (t->target_is_list) {
    put_names(w, &t->target);
  } else {
    put_text(w, t->target.name[0]);
  }
  if (t->univariate.count) {
    put_names(w, &t->univariate);
  } else {
    put_text(w, t->univariate_all ? "__ALL__" : "");
  }
  put_names(w, &t->known);
  put_names(w, &t->past);
  put_names(w, &t->statics);
}

static void put_scores(writer *w, const double *score) {
  for (int m = C2_WQL + 1; m < C2_METRICS; m++) put_real(w, score[m]);
}

double c2_total_work(const chronos2_work *w) {
  return w->embed + w->time_projection + w->time_attention + w->group_attention + w->feed_forward + w->head;
}

static void put_work(writer *w, const chronos2_work *work) {
  double total = c2_total_work(work);
  const double parts[] = {
      total,     work->embed, work->time_projection, work->time_attention, work->group_attention, work->feed_forward,
      work->head};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) put_real(w, total > 0 ? parts[i] : (double)NAN);
}

c2_status c2_write_perf(const c2_table_context *context, double radius, const c2_perf_row *rows, size_t count,
                        c2_error *err) {
  writer w;
  bool full = isnan(radius);
  char model[512];
  char number[C2_REPR_ROOM];
  c2_radius_text(radius, number);
  if (full) {
    (void)snprintf(model, sizeof model, "%.400s__full", context->model);
  } else {
    (void)snprintf(model, sizeof model, "%.400s__sparse_r%s_c%zu", context->model, number, context->chunk_size);
  }
  C2_TRY(open_table(&w, context, full ? C2_TABLE_PERF_FULL : C2_TABLE_PERF_SPARSE, radius, err));
  for (size_t i = 0; i < count; i++) {
    const c2_perf_row *r = &rows[i];
    put_text(&w, model);
    put_task(&w, r);
    put_text(&w, r->task->name);
    put_real(&w, r->score[r->task->eval_metric]);
    put_text(&w, ""); /* nothing is trained */
    put_text(&w, ""); /* the repeats' times follow */
    put_whole(&w, r->num_forecasts);
    put_text(&w, r->fingerprint);
    put_bool(&w, false);
    put_text(&w, ""); /* fev's definitions, but not fev */
    put_real(&w, r->score[C2_MASE]);
    put_real(&w, r->score[C2_WQL]);
    put_whole(&w, r->context_used);
    put_real(&w, r->median_s);
    put_real(&w, r->mean_s);
    put_real(&w, r->deviation_s);
    put_whole(&w, r->repeats);
    put_real(&w, r->alloc_median_mb);
    put_real(&w, r->alloc_max_mb);
    put_real(&w, r->reserved_median_mb);
    put_real(&w, r->reserved_max_mb);
    put_scores(&w, r->score);
    put_text(&w, full ? chronos2_attention_name(CHRONOS2_FULL) : context->pattern);
    put_text(&w, full ? "" : number);
    put_bool(&w, !full && context->reg_global);
    put_real(&w, r->least_s);
    put_work(&w, &r->work);
    end_row(&w);
  }
  return close_table(&w, err);
}

static void put_comparison(writer *w, double radius, const c2_perf_row *full, const c2_perf_row *sparse,
                           const c2_baseline_row *naive) {
  put_text(w, full->task->name);
  put_radius(w, radius);
  for (size_t i = 0; i < 2; i++) {
    const c2_perf_row *r = i ? sparse : full;
    put_real(w, r->score[C2_MASE]);
    put_real(w, r->median_s);
    put_real(w, r->alloc_median_mb);
    put_real(w, r->reserved_median_mb);
  }
  put_real(w, sparse->score[C2_MASE] - full->score[C2_MASE]);
  put_real(w, full->median_s / sparse->median_s);
  put_real(w, sparse->alloc_median_mb - full->alloc_median_mb);
  put_real(w, sparse->reserved_median_mb - full->reserved_median_mb);
  put_real(w, full->score[C2_WQL]);
  put_real(w, sparse->score[C2_WQL]);
  put_real(w, sparse->score[C2_WQL] - full->score[C2_WQL]);
  put_real(w, naive->score[C2_MASE]);
  put_real(w, sparse->speedup);
  put_real(w, sparse->speedup_low);
  put_real(w, sparse->speedup_high);
  put_real(w, c2_total_work(&full->work) / c2_total_work(&sparse->work));
  end_row(w);
}

c2_status c2_write_compare(const c2_table_context *context, const double *radii, size_t radius_count,
                           const c2_perf_row *full, const c2_perf_row *sparse, const c2_baseline_row *naive,
                           size_t count, bool all, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, all ? C2_TABLE_COMPARE_ALL : C2_TABLE_COMPARE, radii[0], err));
  for (size_t k = 0; k < radius_count; k++) {
    for (size_t i = 0; i < count; i++) put_comparison(&w, radii[k], &full[i], &sparse[k * count + i], &naive[i]);
  }
  return close_table(&w, err);
}

c2_status c2_write_arms(const c2_table_context *context, const c2_arm *arms, size_t arm_count, const c2_perf_row *rows,
                        size_t count, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_ARMS, 0, err));
  for (size_t k = 0; k < arm_count * count; k++) {
    const c2_arm *arm = &arms[k / count];
    const c2_perf_row *r = &rows[k];
    const c2_perf_row *full = &rows[k % count];
    char text[C2_REPR_ROOM];
    c2_arm_name(arm, text);
    put_text(&w, text);
    put_text(&w, arm->sparse_model ? context->sparse_model : context->model);
    put_text(&w, chronos2_attention_name(arm->attention));
    if (arm->attention == CHRONOS2_FULL) {
      put_text(&w, "");
    } else {
      put_radius(&w, arm->radius);
    }
    put_text(&w, r->task->name);
    put_real(&w, r->score[C2_MASE]);
    put_real(&w, r->score[C2_WQL]);
    put_scores(&w, r->score);
    put_real(&w, r->score[C2_MASE] / full->score[C2_MASE]);
    put_real(&w, r->score[C2_WQL] / full->score[C2_WQL]);
    put_real(&w, arm->timed ? r->median_s : r->pass_s);
    put_whole(&w, r->repeats);
    put_real(&w, r->alloc_max_mb);
    put_heads(&w, arm);
    end_row(&w);
  }
  return close_table(&w, err);
}

/* ---- Tests and summaries --------------------------------------------------------------------- */

/* The columns that perf_ttest and the sweep share, after the first two. */
static void put_test(writer *w, const c2_table_context *context, const c2_test_row *r) {
  put_whole(w, context->chunk_size);
  put_text(w, context->backend);
  put_whole(w, r->n);
  put_real(w, r->mean_delta);
  put_real(w, r->sd_delta);
  put_real(w, r->t);
  put_real(w, r->p);
  put_text(w, "ttest_rel");
  put_real(w, r->mean_speedup);
  put_real(w, r->median_speedup);
  put_real(w, r->mean_alloc);
  put_real(w, r->mean_reserved);
  put_real(w, r->low);
  put_real(w, r->high);
  put_real(w, r->wql_mean_delta);
  put_real(w, r->wql_p);
  end_row(w);
}

c2_status c2_write_ttest(const c2_table_context *context, const c2_test_row *row, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_TTEST, row->radius, err));
  put_text(&w, "MASE");
  put_radius(&w, row->radius);
  put_test(&w, context, row);
  return close_table(&w, err);
}

c2_status c2_write_sweep(const c2_table_context *context, const c2_test_row *rows, size_t count, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_SWEEP, 0, err));
  for (size_t i = 0; i < count; i++) {
    put_radius(&w, rows[i].radius);
    put_text(&w, "MASE");
    put_test(&w, context, &rows[i]);
  }
  return close_table(&w, err);
}

c2_status c2_write_summary(const c2_table_context *context, const c2_test_row *rows, size_t count, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_SUMMARY, 0, err));
  for (size_t i = 0; i < count; i++) {
    const c2_test_row *r = &rows[i];
    put_radius(&w, r->radius);
    put_whole(&w, r->n);
    put_text(&w, "MASE");
    put_real(&w, r->mean_delta);
    put_real(&w, r->median_delta);
    put_real(&w, r->most_delta); /* the published files hold the mean |delta| under this name */
    put_real(&w, r->mean_speedup);
    put_real(&w, r->median_speedup);
    put_real(&w, r->mean_full);
    put_real(&w, r->mean_sparse);
    put_real(&w, r->p);
    put_real(&w, r->wql_mean_delta);
    put_real(&w, r->wql_p);
    end_row(&w);
  }
  return close_table(&w, err);
}

static void put_verdict(writer *w, double p) {
  if (isnan(p)) {
    put_text(w, "");
  } else {
    put_bool(w, p < 0.05);
  }
}

static void put_equivalence(writer *w, const c2_arm *arm, const c2_equivalence_row *r) {
  const c2_equivalence *t = &r->test;
  put_text(w, c2_metric_name(r->metric));
  put_whole(w, t->n);
  put_real(w, t->mean);
  put_real(w, t->deviation);
  const double percents[] = {t->mean, t->low_90, t->high_90, t->low_95, t->high_95, r->margin};
  for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) put_real(w, c2_percent(percents[i]));
  put_real(w, t->p_equivalent);
  put_real(w, r->p_equivalent_holm);
  put_verdict(w, t->p_equivalent);
  put_verdict(w, r->p_equivalent_holm);
  put_real(w, c2_percent(t->smallest_margin));
  put_real(w, t->t);
  put_real(w, t->p);
  put_real(w, r->p_holm);
  put_real(w, r->wilcoxon.statistic);
  put_real(w, r->wilcoxon.p);
  put_real(w, r->wilcoxon_holm);
  put_bool(w, r->wilcoxon.exact);
  const double bounds[] = {r->tasks.low, r->tasks.high, r->series.low, r->series.high};
  for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) put_real(w, c2_percent(bounds[i]));
  put_whole(w, r->left_out);
  put_heads(w, arm);
  end_row(w);
}

c2_status c2_write_equivalence(const c2_table_context *context, const c2_arm *arms, size_t arm_count,
                               const c2_equivalence_row *rows, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_EQUIVALENCE, 0, err));
  for (size_t i = 2; i < 2 * arm_count; i++) {
    const c2_arm *arm = &arms[rows[i].arm];
    char name[C2_REPR_ROOM];
    c2_arm_name(arm, name);
    put_text(&w, name);
    put_text(&w, chronos2_attention_name(arm->attention));
    if (isnan(arm->radius)) {
      put_text(&w, "");
    } else {
      put_radius(&w, arm->radius);
    }
    put_equivalence(&w, arm, &rows[i]);
  }
  return close_table(&w, err);
}

/* ---- Sinks ----------------------------------------------------------------------------------- */

static void put_sink(writer *w, const c2_sink_row *r) {
  put_real(w, r->future);
  put_real(w, r->reg);
  put_real(w, r->first);
  end_row(w);
}

c2_status c2_write_sinks(const c2_table_context *context, const c2_sink_row *rows, size_t count, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_SINKS, 0, err));
  for (size_t i = 0; i < count; i++) {
    put_whole(&w, rows[i].layer);
    put_whole(&w, rows[i].head);
    put_whole(&w, rows[i].tasks);
    put_sink(&w, &rows[i]);
  }
  return close_table(&w, err);
}

c2_status c2_write_find_sinks(const c2_table_context *context, const c2_sink_row *rows, size_t count, c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_FIND_SINKS, 0, err));
  for (size_t i = 0; i < count; i++) {
    put_whole(&w, i + 1);
    put_whole(&w, rows[i].layer);
    put_whole(&w, rows[i].head);
    put_whole(&w, rows[i].change->test.n);
    for (size_t m = 0; m < 2; m++) {
      const c2_equivalence_row *r = &rows[i].change[m];
      put_real(&w, c2_percent(r->test.mean));
      put_real(&w, c2_percent(r->test.low_95));
      put_real(&w, c2_percent(r->test.high_95));
      put_real(&w, r->test.p);
      put_real(&w, r->p_holm);
    }
    put_sink(&w, &rows[i]);
  }
  return close_table(&w, err);
}

c2_status c2_write_baselines(const c2_table_context *context, const c2_baseline_row *rows, size_t count,
                             c2_error *err) {
  writer w;
  C2_TRY(open_table(&w, context, C2_TABLE_BASELINES, 0, err));
  for (size_t i = 0; i < count; i++) {
    const c2_baseline_row *r = &rows[i];
    put_text(&w, r->task->name);
    put_text(&w, "seasonal_naive");
    put_whole(&w, r->task->horizon);
    put_whole(&w, r->task->num_windows);
    put_whole(&w, r->task->seasonality);
    put_whole(&w, r->num_forecasts);
    put_real(&w, r->score[C2_MASE]);
    put_real(&w, r->score[C2_WQL]);
    put_scores(&w, r->score);
    put_real(&w, r->mase_full);
    put_real(&w, r->mase_full / r->score[C2_MASE]);
    end_row(&w);
  }
  return close_table(&w, err);
}
