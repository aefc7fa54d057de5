/* The study's course: task by task the probe, then dense and sparse passes in turn, then the files. */
#include "study/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "study/measure/accuracy.h"
#include "study/measure/probe.h"
#include "study/statistics/random.h"
#include "study/files/report.h"
#include "study/statistics/statistics.h"

static const double bytes_per_mb = 1024.0 * 1024.0;

void c2_study_say(const c2_study *s, const char *format, ...) {
  char line[512];
  va_list args;
  if (!s->say) return;
  va_start(args, format);
  c2_text_format(line, sizeof line, format, args);
  va_end(args);
  s->say(line);
}

/* The models of a run and a session for each: [1] is that of the sparse model, if there is one. */
typedef struct runner {
  const chronos2_model *model[2];
  chronos2_session *session[2];
  c2_pace pace;
} runner;

static const c2_arm dense_arm = {.attention = CHRONOS2_FULL};

/* The session of an arm, set to its attention and its blind heads. */
static c2_status session_of(const c2_study *s, runner *e, const c2_arm *arm, chronos2_session **session,
                            c2_error *err) {
  *session = e->session[arm->sparse_model];
  double radius = arm->attention == CHRONOS2_FULL ? 0 : arm->radius;
  chronos2_status status =
      chronos2_session_set_attention(*session, arm->attention, radius, s->options.session.reg_global);
  if (status == CHRONOS2_OK) status = chronos2_session_set_blind_heads(*session, arm->blind, arm->blind_count);
  if (status != CHRONOS2_OK) C2_FAIL(err, (c2_status)status, "%s", chronos2_last_error());
  return C2_OK;
}

/* ---- The probe ------------------------------------------------------------------------------- */

static c2_probe_options probe_options(const c2_study_options *o) {
  return (c2_probe_options){.radii = o->radii,
                            .radius_count = o->radius_count,
                            .reg_global = o->session.reg_global,
                            .exclude_reg = o->exclude_reg,
                            .include_padded = o->include_padded,
                            .batch_size = o->probe_batch,
                            .context_length = o->context_length,
                            .most_series = o->probe_series,
                            .seed = o->seed};
}

static c2_status probe_window(const c2_study *s, runner *engines, c2_probe *probe, const c2_evaluation *e, size_t index,
                              c2_mass_row *rows, c2_error *err) {
  const c2_study_options *o = &s->options;
  chronos2_session *session = NULL;
  size_t series = 0;
  size_t context = 0;
  C2_TRY(session_of(s, engines, &dense_arm, &session, err));
  C2_TRY(c2_probe_window(probe, session, engines->model[0], &e->window[index], &series, &context, err));
  for (size_t k = 0; k < o->radius_count; k++) {
    rows[k] = (c2_mass_row){.task_name = e->task->name,
                            .window = index,
                            .context_used = context,
                            .horizon = e->task->horizon,
                            .radius = o->radii[k],
                            .share = c2_probe_result(probe, &probe->window, k, SIZE_MAX, 0),
                            .tokens = probe->tokens,
                            .context_tokens = probe->context,
                            .query_positions = probe->context - (o->exclude_reg ? 1 : 0),
                            .queries = probe->window.queries,
                            .series = series,
                            .rows_per_series = e->window[index].rows};
  }
  c2_probe_next_window(probe);
  c2_pace_pass(&engines->pace, 1);
  return C2_OK;
}

static c2_status sum_heads(const c2_probe *probe, c2_task_result *result, c2_error *err) {
  size_t radii = probe->options.radius_count;
  size_t count = probe->layers * probe->heads * radii;
  C2_TRY(c2_alloc_array(count, sizeof(c2_head_row), &result->head, err));
  result->head_count = count;
  for (size_t i = 0; i < count; i++) {
    size_t k = i % radii;
    size_t head = i / radii % probe->heads;
    size_t layer = i / radii / probe->heads;
    result->head[i] = (c2_head_row){.layer = layer,
                                    .head = head,
                                    .radius = probe->options.radii[k],
                                    .share = c2_probe_result(probe, &probe->task, k, layer, head)};
  }
  return C2_OK;
}

static c2_status probe_task(const c2_study *s, runner *engines, const c2_evaluation *e, c2_task_result *result,
                            c2_error *err) {
  const chronos2_config *c = chronos2_model_config(engines->model[0]);
  c2_probe_options options = probe_options(&s->options);
  size_t radii = s->options.radius_count;
  size_t windows = e->windows;
  c2_probe probe;
  if (s->options.probe_windows) windows = c2_min_size(windows, s->options.probe_windows);
  C2_TRY(c2_alloc_array(windows * radii, sizeof(c2_mass_row), &result->mass, err));
  C2_TRY(c2_probe_open(&probe, &options, c->layers, c2_probe_rows(&options, e->window[0].rows), c->heads, err));
  c2_status status = C2_OK;
  for (size_t i = 0; status == C2_OK && i < windows; i++) {
    status = probe_window(s, engines, &probe, e, i, result->mass + i * radii, err);
  }
  result->mass_count = windows * radii;
  if (status == C2_OK) status = sum_heads(&probe, result, err);
  c2_probe_close(&probe);
  return status;
}

/* ---- Accuracy, time, memory ------------------------------------------------------------------ */

static c2_status measure(const c2_study *s, runner *engines, const c2_arm *arm, c2_evaluation *e, double *seconds,
                         c2_error *err) {
  chronos2_session *session = NULL;
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = e->task->horizon,
                                      .context_length = s->options.context_length,
                                      .batch_size = s->options.perf_batch,
                                      .extend_context = true};
  C2_TRY(session_of(s, engines, arm, &session, err));
  C2_TRY(c2_evaluation_forecast(e, session, &options, seconds, err));
  c2_pace_pass(&engines->pace, (double)e->windows);
  return C2_OK;
}

/* The pass that isn't timed: it gives the scores and the memory. */
static c2_status first_pass(const c2_study *s, runner *engines, const c2_arm *arm, c2_evaluation *e, c2_perf_row *row,
                            c2_error *err) {
  chronos2_session *session = engines->session[arm->sparse_model];
  chronos2_session_reset_peak(session);
  chronos2_session_reset_work(session);
  c2_reset_peak_resident();
  C2_TRY(measure(s, engines, arm, e, &row->pass_s, err));
  row->work = chronos2_session_work(session);
  row->alloc_median_mb = row->alloc_max_mb = (double)chronos2_session_peak_bytes(session) / bytes_per_mb;
  row->reserved_median_mb = row->reserved_max_mb = (double)c2_peak_resident_bytes() / bytes_per_mb;
  return c2_evaluation_score(e, row->score, err);
}

/* The timed arms, which come first, take turns in an order that the seed draws anew for each repeat: a drift of the
 * machine hits all alike, and none always follows the same other one. */
static c2_status time_arms(const c2_study *s, runner *engines, c2_evaluation *e, size_t timed, double *seconds,
                           c2_error *err) {
  size_t *order = NULL;
  uint64_t state = s->options.seed ^ (uint64_t)e->task->line << 32;
  C2_TRY(c2_alloc_array(timed, sizeof *order, &order, err));
  for (size_t k = 0; k < timed; k++) order[k] = k;
  c2_status status = C2_OK;
  for (size_t r = 0; r < s->options.repeats; r++) {
    for (size_t k = timed; k > 0; k--) { /* Fisher and Yates */
      size_t other = c2_random_below(&state, k);
      size_t arm = order[other];
      order[other] = order[k - 1];
      order[k - 1] = arm;
    }
    for (size_t k = 0; status == C2_OK && k < timed; k++) {
      size_t arm = order[k];
      status = measure(s, engines, &s->arm[arm], e, &seconds[arm * s->options.repeats + r], err);
    }
  }
  free(order);
  return status;
}

static double least(const double *x, size_t n) {
  double value = (double)INFINITY;
  for (size_t i = 0; i < n; i++) value = fmin(value, x[i]);
  return value;
}

/* seconds and full_seconds [repeats]; the speed-up is paired by repeat. */
static c2_status sum_times(c2_perf_row *row, const double *full_seconds, const double *seconds, size_t repeats,
                           c2_error *err) {
  double *logs = NULL;
  c2_ttest test;
  row->repeats = repeats;
  row->mean_s = c2_mean(seconds, repeats);
  row->deviation_s = c2_standard_deviation(seconds, repeats);
  row->least_s = least(seconds, repeats);
  C2_TRY(c2_median(seconds, repeats, &row->median_s, err));
  C2_TRY(c2_alloc_array(2 * repeats, sizeof *logs, &logs, err));
  for (size_t i = 0; i < repeats; i++) {
    logs[i] = log(full_seconds[i]);
    logs[repeats + i] = log(seconds[i]);
  }
  c2_status status = c2_ttest_paired(logs, logs + repeats, repeats, 0.95, &test, err);
  free(logs);
  if (status != C2_OK) return status;
  row->speedup = exp(test.mean);
  row->speedup_low = exp(test.low);
  row->speedup_high = exp(test.high);
  return C2_OK;
}

static c2_status redraw(const c2_study *s, const c2_evaluation *e, const c2_series_sums *sums, c2_task_result *result,
                        c2_error *err) {
  C2_TRY(c2_alloc_array(2 * C2_REDRAWS * s->arms, sizeof *result->redrawn, &result->redrawn, err));
  uint64_t seed = s->options.seed ^ (uint64_t)e->task->line << 32;
  return c2_evaluation_redraw(e, sums, s->arms, C2_REDRAWS, seed, result->redrawn, err);
}

static c2_status compare_task(const c2_study *s, runner *engines, c2_evaluation *e, c2_task_result *result,
                              c2_error *err) {
  size_t timed = s->options.perf_radius_count + 1;
  size_t repeats = s->options.repeats;
  size_t limit = chronos2_model_config(engines->model[0])->context_length;
  double *seconds = NULL;      /* [timed][repeats] */
  c2_series_sums *sums = NULL; /* [arms][num_forecasts] */
  c2_status status = C2_OK;
  if (s->options.context_length) limit = s->options.context_length;
  C2_TRY(c2_alloc_array(s->arms, sizeof(c2_perf_row), &result->perf, err));
  C2_GOTO(c2_alloc_array(timed * repeats, sizeof *seconds, &seconds, err));
  C2_GOTO(c2_alloc_array(s->arms * e->num_forecasts, sizeof *sums, &sums, err));
  C2_GOTO(c2_example_open(&result->example, e, err));
  for (size_t k = 0; k < s->arms; k++) {
    c2_perf_row *row = &result->perf[k];
    row->task = e->task;
    row->id_column = e->data.id_column;
    row->num_forecasts = e->num_forecasts;
    row->context_used = c2_min_size(e->longest, limit);
    row->mean_s = row->median_s = row->deviation_s = row->least_s = (double)NAN;
    row->speedup = row->speedup_low = row->speedup_high = (double)NAN;
    (void)snprintf(row->fingerprint, sizeof row->fingerprint, "%.16s", result->checksum);
    C2_GOTO(first_pass(s, engines, &s->arm[k], e, row, err));
    C2_GOTO(c2_evaluation_series(e, sums + k * e->num_forecasts, err));
    if (k == 0) C2_GOTO(c2_example_take(&result->example, e, 0, err));
    if (k == 1 + c2_study_verdict_radius(s)) C2_GOTO(c2_example_take(&result->example, e, 1, err));
  }
  C2_GOTO(redraw(s, e, sums, result, err));
  C2_GOTO(time_arms(s, engines, e, timed, seconds, err));
  for (size_t k = 0; k < timed; k++) {
    C2_GOTO(sum_times(&result->perf[k], seconds, seconds + k * repeats, repeats, err));
  }
  result->naive.mase_full = result->perf[0].score[C2_MASE];
fail:
  free(seconds);
  free(sums);
  return status;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static c2_status run_task(c2_study *s, runner *engines, const c2_task *task, c2_task_result *result, c2_error *err) {
  c2_evaluation e;
  c2_status status = c2_evaluation_open(&e, task, s->options.as_univariate, err);
  for (size_t i = 0; i < e.data.set.notes && status == C2_OK; i++) {
    status = c2_study_warn(s, err, "%.120s: %s", task->name, e.data.set.note[i]);
  }
  if (status == C2_OK) status = c2_evaluation_naive(&e, result->naive.score, err);
  result->naive.num_forecasts = e.num_forecasts;
  result->naive.mase_full = (double)NAN;
  if (status == C2_OK) status = probe_task(s, engines, &e, result, err);
  if (status == C2_OK && s->arms) status = compare_task(s, engines, &e, result, err);
  c2_evaluation_free(&e);
  return status;
}

/* `left`: seconds to the end. */
static void say_task(const c2_study *s, size_t i, bool resumed, double left) {
  const c2_task_result *r = &s->result[i];
  const c2_mass_row *m = r->mass;
  char sparse[160] = "";
  char radius[C2_REPR_ROOM];
  char rest[C2_DURATION_ROOM + 16] = "";
  char duration[C2_DURATION_ROOM];
  if (r->perf) {
    c2_radius_text(s->options.perf_radii[0], radius);
    (void)snprintf(sparse, sizeof sparse, "; MASE %.4f full, %.4f radius %s, %.4f seasonal naive",
                   r->perf[0].score[C2_MASE], r->perf[1].score[C2_MASE], radius, r->naive.score[C2_MASE]);
  }
  c2_radius_text(m->radius, radius);
  c2_duration(left, duration);
  if (!resumed && i + 1 < s->tasks.count) (void)snprintf(rest, sizeof rest, "; %s left", duration);
  c2_study_say(s, "task %zu/%zu %s%s: S=%zu, radius %s keeps mass %.3f on edges %.3f%s%s", i + 1, s->tasks.count,
      s->tasks.task[i].name, resumed ? " (done before)" : "", m->tokens, radius, m->share.mass, m->share.edges, sparse,
      rest);
}

/* Of the pass under way. */
static int report_rows(void *user, size_t done, size_t total) {
  runner *engines = user;
  if (total > 0) c2_pace_within(&engines->pace, (double)done / (double)total);
  return 0;
}

/* Checksums of the data, and what an earlier run finished. */
static c2_status find_results(c2_study *s, c2_error *err) {
  for (size_t i = 0; i < s->tasks.count; i++) {
    s->result[i].naive.task = &s->tasks.task[i];
    C2_TRY(c2_sha256_file(s->tasks.task[i].data_file, s->result[i].checksum, err));
  }
  return c2_partial_begin(s, err);
}

static c2_status run_tasks(c2_study *s, runner *engines, c2_error *err) {
  C2_TRY(find_results(s, err));
  c2_pace_open(&engines->pace, s);
  for (size_t i = 0; i < 2; i++) {
    if (engines->session[i]) chronos2_session_on_progress(engines->session[i], report_rows, engines);
  }
  for (size_t i = 0; i < s->tasks.count; i++) {
    const c2_task *task = &s->tasks.task[i];
    c2_task_result *result = &s->result[i];
    bool before = result->finished;
    if (!before) {
      c2_pace_task(&engines->pace, i);
      C2_TRY(run_task(s, engines, task, result, err));
      c2_pace_end_task(&engines->pace);
      result->finished = true;
      C2_TRY(c2_partial_write(s, err));
    }
    s->done++;
    say_task(s, i, before, c2_pace_left(&engines->pace));
  }
  return C2_OK;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static c2_status write_heads(const c2_study *s, c2_error *err) {
  c2_head_rows *tasks = NULL;
  C2_TRY(c2_alloc_array(s->done, sizeof *tasks, &tasks, err));
  for (size_t i = 0; i < s->done; i++) {
    tasks[i] = (c2_head_rows){s->tasks.task[i].name, s->result[i].head, s->result[i].head_count};
  }
  c2_status status = c2_write_heads(&s->table, tasks, s->done, err);
  free(tasks);
  return status;
}

static c2_status write_mass(const c2_study *s, c2_error *err) {
  size_t count = 0;
  c2_mass_row *rows = NULL;
  for (size_t i = 0; i < s->done; i++) count += s->result[i].mass_count;
  C2_TRY(c2_alloc_array(count, sizeof *rows, &rows, err));
  size_t at = 0;
  for (size_t i = 0; i < s->done; i++) {
    memcpy(rows + at, s->result[i].mass, s->result[i].mass_count * sizeof *rows);
    at += s->result[i].mass_count;
  }
  c2_status status = c2_write_mass(&s->table, rows, count, err);
  free(rows);
  if (status == C2_OK) status = c2_write_mass_summary(&s->table, s->mass, s->options.radius_count, err);
  if (status == C2_OK) status = write_heads(s, err);
  size_t heads = s->layers * s->heads;
  if (status == C2_OK && s->sink) status = c2_write_sinks(&s->table, s->sink, heads, err);
  if (status == C2_OK && s->ranked) status = c2_write_find_sinks(&s->table, s->ranked, heads, err);
  return status;
}

/* Rows by arm, as the tables want them. */
static c2_status write_comparison(const c2_study *s, const c2_perf_row *rows, const c2_baseline_row *naive,
                                  c2_error *err) {
  const double *radii = s->options.perf_radii;
  size_t n = s->done;
  size_t count = s->options.perf_radius_count;
  C2_TRY(c2_write_perf(&s->table, (double)NAN, rows, n, err));
  for (size_t k = 0; k < count; k++) {
    const c2_perf_row *sparse = rows + (k + 1) * n;
    C2_TRY(c2_write_perf(&s->table, radii[k], sparse, n, err));
    C2_TRY(c2_write_compare(&s->table, &radii[k], 1, rows, sparse, naive, n, false, err));
    C2_TRY(c2_write_ttest(&s->table, &s->test[k], err));
  }
  C2_TRY(c2_write_compare(&s->table, radii, count, rows, rows + n, naive, n, true, err));
  C2_TRY(c2_write_arms(&s->table, s->arm, s->arms, rows, n, err));
  C2_TRY(c2_write_equivalence(&s->table, s->arm, s->arms, s->equivalence, err));
  C2_TRY(c2_write_sweep(&s->table, s->test, count, err));
  return c2_write_summary(&s->table, s->test, count, err);
}

static c2_status write_files(const c2_study *s, c2_error *err) {
  c2_perf_row *rows = NULL; /* [arms][done] */
  c2_baseline_row *naive = NULL;
  c2_status status = C2_OK;
  C2_TRY(write_mass(s, err));
  C2_TRY(c2_alloc_array(s->done, sizeof *naive, &naive, err));
  C2_GOTO(c2_alloc_array(s->arms * s->done, sizeof *rows, &rows, err));
  for (size_t i = 0; i < s->done; i++) {
    naive[i] = s->result[i].naive;
    for (size_t k = 0; k < s->arms; k++) rows[k * s->done + i] = s->result[i].perf[k];
  }
  C2_GOTO(c2_write_baselines(&s->table, naive, s->done, err));
  if (s->arms) C2_GOTO(write_comparison(s, rows, naive, err));
  if (s->arms) C2_GOTO(c2_report_write(s, err));
  C2_GOTO(c2_record_write(s, err));
fail:
  free(rows);
  free(naive);
  return status;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static c2_status begin(c2_study *s, const runner *e, c2_error *err) {
  const c2_study_options *o = &s->options;
  C2_TRY(c2_tasks_read(&s->tasks, o->tasks, err));
  C2_TRY(c2_tasks_select(&s->tasks, o->exclude_regex, o->most_tasks, err));
  C2_TRY(c2_alloc_array(s->tasks.count, sizeof *s->result, &s->result, err));
  C2_TRY(c2_sha256_file(s->tasks.task[0].file, s->tasks_checksum, err));
  C2_TRY(c2_sha256_folder(o->model_folder, s->model_checksum, err));
  if (o->adapter_folder) C2_TRY(c2_sha256_folder(o->adapter_folder, s->adapter_checksum, err));
  if (o->sparse_model_folder) C2_TRY(c2_sha256_folder(o->sparse_model_folder, s->sparse_checksum, err));
  s->layers = chronos2_model_config(e->model[0])->layers;
  s->heads = chronos2_model_config(e->model[0])->heads;
  C2_TRY(c2_study_choose_arms(s, err));
  (void)snprintf(s->isa, sizeof s->isa, "%s", chronos2_session_isa(e->session[0]));
  s->threads = chronos2_session_threads(e->session[0]);
  s->table = (c2_table_context){.prefix = o->prefix,
                                .model = o->model_name,
                                .sparse_model = o->sparse_model_name,
                                .backend = o->session.backend == CHRONOS2_REFERENCE ? "reference" : "fused",
                                .pattern = chronos2_attention_name(CHRONOS2_WINDOWED_FUTURE_GLOBAL),
                                .chunk_size = o->chunk_size,
                                .split = o->split,
                                .exclude_reg = o->exclude_reg,
                                .reg_global = o->session.reg_global,
                                .include_padded = o->include_padded};
  C2_TRY(c2_record_begin(s, err));
  C2_TRY(c2_look_trained(e->model[0], &s->look, err));
  if (!s->look.trained) {
    C2_TRY(s->look.uniform
               ? c2_study_warn(s, err,
                               "the weights look UNTRAINED: attention has %.3f of the entropy of uniform attention",
                               s->look.mean_entropy)
               : c2_study_warn(s, err,
                               "the weights look UNTRAINED: the query and key weights are those of a random start"));
  }
  c2_trained_text(e->model[0], s->trained);
  if (e->model[1]) c2_trained_text(e->model[1], s->sparse_trained);
  c2_study_say(s, "%zu tasks, model %s, %s, %s, %d threads", s->tasks.count, o->model_name, s->table.backend, s->isa,
               s->threads);
  return C2_OK;
}

static c2_status open_engines(const c2_study *s, runner *e, c2_error *err) {
  chronos2_session_options options = s->options.session;
  options.attention = CHRONOS2_FULL;
  for (size_t i = 0; i < 2; i++) {
    if (!e->model[i]) continue;
    chronos2_status status = chronos2_session_open(e->model[i], &options, &e->session[i]);
    if (status != CHRONOS2_OK) C2_FAIL(err, (c2_status)status, "%s", chronos2_last_error());
  }
  return C2_OK;
}

c2_status c2_study_run(c2_study *study, const chronos2_model *model, const chronos2_model *sparse_model,
                       c2_error *err) {
  runner e = {.model = {model, sparse_model}};
  c2_status status = open_engines(study, &e, err);
  if (status == C2_OK) status = begin(study, &e, err);
  if (status == C2_OK) status = run_tasks(study, &e, err);
  chronos2_session_close(&e.session[0]);
  chronos2_session_close(&e.session[1]);
  C2_TRY(status);
  C2_TRY(c2_study_sum(study, err));
  return write_files(study, err);
}

void c2_study_free(c2_study *study) {
  for (size_t i = 0; study->result && i < study->tasks.count; i++) {
    free(study->result[i].mass);
    free(study->result[i].head);
    free(study->result[i].perf);
    free(study->result[i].redrawn);
    c2_example_free(&study->result[i].example);
  }
  free(study->result);
  free(study->arm);
  free(study->head);
  free(study->equivalence);
  free(study->mass);
  free(study->test);
  free(study->sink);
  free(study->ranked);
  for (size_t i = 0; i < study->warnings; i++) free(study->warning[i]);
  free(study->warning);
  c2_tasks_free(&study->tasks);
  c2_lock_close(&study->lock);
  memset(study, 0, sizeof *study);
}
