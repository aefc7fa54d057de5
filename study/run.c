/* A study that is measured: task by task the probe, then dense and sparse passes in turn. */
#include <math.h>
#include <string.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/series.h"
#include "data/summary.h"
#include "study/files/partial.h"
#include "study/files/record.h"
#include "study/measure/accuracy.h"
#include "study/measure/caveats.h"
#include "study/measure/comparison.h"
#include "study/measure/probe.h"
#include "study/study.h"

/* The models of a run and a session for each: [1] is that of the sparse model, if there is one. */
typedef struct runner {
  const chronos2_model *model[2];
  chronos2_session *session[2];
  c2_pace pace;
  double windows; /* of the task under way */
} runner;

/* ---- The probe ------------------------------------------------------------------------------- */

static c2_status probe_window(runner *engines, c2_probe *probe, const c2_evaluation *e, size_t index, c2_mass_row *rows,
                              c2_error *err) {
  size_t series = 0;
  size_t context = 0;
  C2_TRY(c2_probe_window(probe, engines->session[0], engines->model[0], &e->window[index], &series, &context, err));
  for (size_t k = 0; k < probe->plan->radii.count; k++) {
    rows[k] = (c2_mass_row){.window = index,
                            .context_used = context,
                            .radius = probe->plan->radii.at[k],
                            .share = c2_probe_result(probe, &probe->window, k, SIZE_MAX, 0),
                            .tokens = probe->tokens,
                            .context_tokens = probe->context,
                            .query_positions = probe->context - (probe->plan->exclude_reg ? 1 : 0),
                            .queries = probe->window.queries,
                            .series = series,
                            .rows_per_series = e->window[index].rows};
  }
  c2_probe_next_window(probe);
  c2_pace_pass(&engines->pace, 1);
  return C2_OK;
}

static c2_status sum_heads(const c2_probe *probe, c2_task_result *result, c2_error *err) {
  size_t radii = probe->plan->radii.count;
  size_t count = probe->layers * probe->heads * radii;
  C2_TRY(c2_alloc_array(count, sizeof(c2_head_row), &result->head, err));
  result->head_count = count;
  for (size_t i = 0; i < count; i++) {
    size_t k = i % radii;
    size_t head = i / radii % probe->heads;
    size_t layer = i / radii / probe->heads;
    result->head[i] = (c2_head_row){.layer = layer,
                                    .head = head,
                                    .radius = probe->plan->radii.at[k],
                                    .share = c2_probe_result(probe, &probe->task, k, layer, head)};
  }
  return C2_OK;
}

static c2_status probe_task(const c2_study *s, runner *engines, const c2_evaluation *e, c2_task_result *result,
                            c2_error *err) {
  static const c2_arm dense = {.attention = CHRONOS2_FULL};
  size_t radii = s->plan.radii.count;
  size_t windows = c2_probed_windows(&s->plan, e->task);
  size_t rows = c2_probe_rows(&s->plan, e->window[0].rows);
  c2_probe probe;
  C2_TRY(c2_alloc_array(windows * radii, sizeof(c2_mass_row), &result->mass, err));
  C2_TRY(c2_arm_apply(&dense, s->plan.session.reg_global, engines->session[0], err));
  C2_TRY(c2_probe_open(&probe, &s->plan, s->results.layers, rows, s->results.heads, err));
  c2_status status = C2_OK;
  for (size_t i = 0; status == C2_OK && i < windows; i++) {
    status = probe_window(engines, &probe, e, i, result->mass + i * radii, err);
  }
  result->mass_count = windows * radii;
  if (status == C2_OK) status = sum_heads(&probe, result, err);
  c2_probe_close(&probe);
  return status;
}

/* ---- Tasks ----------------------------------------------------------------------------------- */

static void pass_done(void *user) {
  runner *engines = user;
  c2_pace_pass(&engines->pace, engines->windows);
}

/* Of the pass under way. */
static int report_rows(void *user, size_t done, size_t total) {
  runner *engines = user;
  if (total > 0) c2_pace_within(&engines->pace, (double)done / (double)total);
  return 0;
}

static c2_status compare_task(const c2_study *s, runner *engines, c2_evaluation *e, c2_task_result *result,
                              c2_error *err) {
  const c2_plan *plan = &s->plan;
  const c2_results *r = &s->results;
  c2_comparison comparison = {.plan = plan,
                              .arm = r->arm,
                              .arms = r->arms,
                              .timed = r->perf_radii.count + 1,
                              .metrics = &r->compared,
                              .session = {engines->session[0], engines->session[1]},
                              .example_arm = 1 + r->verdict,
                              .seed = plan->seed ^ (uint64_t)e->task->line << 32,
                              .passed = pass_done,
                              .user = engines,
                              .left_out = result->left_out,
                              .beyond = result->beyond};
  for (size_t i = 0; i < 2 && engines->model[i]; i++) {
    size_t limit = chronos2_model_config(engines->model[i])->context_length;
    comparison.most_context[i] = plan->context_length ? plan->context_length : limit;
  }
  result->id_column = e->data.id_column;
  C2_TRY(c2_task_result_open_perf(result, r->arms, r->compared.count, err));
  for (size_t i = 0; i < 2; i++) chronos2_session_on_progress(engines->session[i], report_rows, engines);
  return c2_compare_task(&comparison, e, result->perf, result->redrawn, &result->example, err);
}

/* What a task asks of the models beyond what they were made for; two that are alike are told of once. */
static c2_status warn_of_models(c2_study *s, const runner *engines, const c2_task *task, c2_error *err) {
  char before[2][C2_CAVEAT_ROOM] = {"", ""};
  char line[2][C2_CAVEAT_ROOM];
  const chronos2_config *probed = chronos2_model_config(engines->model[0]);
  c2_caveat_horizon(task->horizon, probed->max_output_patches * probed->patch, "the probe sees those alone", line[0]);
  if (line[0][0]) C2_TRY(c2_journal_warn(&s->journal, err, "%.120s: %s", task->name, line[0]));
  for (size_t i = 0; i < 2 && s->results.arms; i++) {
    if (!engines->model[i]) continue;
    const chronos2_config *config = chronos2_model_config(engines->model[i]);
    c2_caveat_horizon(task->horizon, config->max_output_patches * config->patch, "the rest is rolled out", line[0]);
    c2_caveat_levels(task->levels, task->level_count, config->quantile_levels, config->quantiles, line[1]);
    for (size_t k = 0; k < 2; k++) {
      if (!line[k][0] || strcmp(line[k], before[k]) == 0) continue;
      C2_TRY(c2_journal_warn(&s->journal, err, "%.120s: %s", task->name, line[k]));
    }
    memcpy(before, line, sizeof before);
  }
  return C2_OK;
}

/* What the data of a task lack, and how they were read. */
static c2_status warn_of_data(c2_study *s, const c2_evaluation *e, const double *naive, c2_error *err) {
  char line[2][C2_CAVEAT_ROOM];
  char reading[C2_SUMMARY_ROOM];
  c2_dataset_reading(&e->data.set, reading);
  if (reading[0]) C2_TRY(c2_journal_warn(&s->journal, err, "%.120s: %s", e->task->name, reading));
  for (size_t i = 0; i < e->data.set.notes; i++) {
    C2_TRY(c2_journal_warn(&s->journal, err, "%.120s: %s", e->task->name, e->data.set.note[i]));
  }
  c2_caveat_short(e, line[0]);
  c2_caveat_missing(e, naive, line[1]);
  for (size_t k = 0; k < 2; k++) {
    if (line[k][0]) C2_TRY(c2_journal_warn(&s->journal, err, "%.120s: %s", e->task->name, line[k]));
  }
  return C2_OK;
}

/* The task's own warnings, which are the last ones of the journal. */
static c2_status keep_warnings(c2_study *s, size_t first, c2_task_result *result, c2_error *err) {
  size_t count = s->journal.warnings - first;
  C2_TRY(c2_alloc_array(count, sizeof *result->warning, &result->warning, err));
  for (; result->warnings < count; result->warnings++) {
    result->warning[result->warnings] = s->journal.warning[first + result->warnings];
  }
  return C2_OK;
}

static c2_status run_task(c2_study *s, runner *engines, c2_task_result *result, c2_error *err) {
  c2_evaluation e;
  size_t first = s->journal.warnings;
  c2_status status = c2_evaluation_open(&e, result->task, s->plan.as_univariate, err);
  if (status == C2_OK) status = c2_evaluation_score(&e, C2_BY_NAIVE, result->naive, err);
  if (status == C2_OK) status = warn_of_data(s, &e, result->naive, err);
  if (status == C2_OK) status = warn_of_models(s, engines, result->task, err);
  if (status == C2_OK) status = keep_warnings(s, first, result, err);
  result->num_forecasts = e.num_forecasts;
  if (status == C2_OK) result->observed = (double)c2_evaluation_observed(&e);
  engines->windows = (double)e.windows;
  if (status == C2_OK) status = probe_task(s, engines, &e, result, err);
  if (status == C2_OK && s->results.arms) status = compare_task(s, engines, &e, result, err);
  c2_evaluation_free(&e);
  return status;
}

static const char *put_number(double x, int decimals, char out[32]) {
  (void)snprintf(out, 32, "-");
  if (isfinite(x)) (void)snprintf(out, 32, fabs(x) < 1e12 ? "%.*f" : "%.*e", decimals, x);
  return out;
}

/* `left`: seconds to the end. */
static void say_task(const c2_study *s, size_t i, bool resumed, double left) {
  const c2_task_result *t = &s->results.task[i];
  const c2_mass_row *m = t->mass;
  c2_metric lead = s->results.compared.at[0];
  size_t count = s->results.tasks.count;
  char sparse[200] = "";
  char text[3][32];
  char radius[C2_RADIUS_ROOM];
  char rest[C2_DURATION_ROOM + 16] = "";
  char duration[C2_DURATION_ROOM];
  if (t->perf) {
    c2_radius_text(s->results.perf_radii.at[0], radius);
    (void)snprintf(sparse, sizeof sparse, "; %s %s full, %s radius %s, %s seasonal naive", c2_metric_name(lead),
                   put_number(t->perf[0].score[lead], 4, text[0]), put_number(t->perf[1].score[lead], 4, text[1]),
                   radius, put_number(t->naive[lead], 4, text[2]));
  }
  c2_radius_text(m->radius, radius);
  c2_duration(left, duration);
  if (!resumed && i + 1 < count) (void)snprintf(rest, sizeof rest, "; %s left", duration);
  c2_journal_say(&s->journal, "task %zu/%zu %s%s: S=%zu, radius %s keeps mass %s on edges %s%s%s", i + 1, count,
                 t->task->name, resumed ? " (done before)" : "", m->tokens, radius,
                 put_number(m->share.mass, 3, text[0]), put_number(m->share.edges, 3, text[1]), sparse, rest);
}

/* A mistake in a later task is found before the first one has cost its time. The first is next anyway. */
static c2_status check_tasks(const c2_results *r, c2_error *err) {
  bool is_next = true;
  for (size_t i = 0; i < r->tasks.count; i++) {
    if (r->task[i].finished) continue;
    if (!is_next) C2_TRY(c2_windows_check(r->task[i].task, err));
    is_next = false;
  }
  return C2_OK;
}

static c2_status run_tasks(c2_study *s, runner *engines, c2_error *err) {
  c2_results *r = &s->results;
  for (size_t i = 0; i < r->tasks.count; i++) {
    C2_TRY(c2_sha256_files(r->tasks.task[i].data.name, r->tasks.task[i].data.count, r->task[i].checksum, err));
  }
  C2_TRY(c2_partial_begin(&s->plan, r, &s->journal, err));
  C2_TRY(check_tasks(r, err));
  engines->pace = (c2_pace){.plan = &s->plan, .results = r, .report = s->progress};
  c2_pace_open(&engines->pace);
  for (size_t i = 0; i < r->tasks.count; i++) {
    bool before = r->task[i].finished;
    if (!before) {
      c2_pace_task(&engines->pace, i);
      C2_TRY(run_task(s, engines, &r->task[i], err));
      c2_pace_end_task(&engines->pace);
      r->task[i].finished = true;
      C2_TRY(c2_partial_write(&s->plan, r, err));
    }
    for (size_t k = 0; before && k < r->task[i].warnings; k++) {
      C2_TRY(c2_journal_warn(&s->journal, err, "%s", r->task[i].warning[k]));
    }
    r->done++;
    say_task(s, i, before, c2_pace_left(&engines->pace));
  }
  return C2_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static c2_status keep_trained(const chronos2_model *model, char out[C2_TRAINED_FOR_ROOM], c2_error *err) {
  int length = snprintf(out, C2_TRAINED_FOR_ROOM, "%s", chronos2_model_trained_text(model));
  return length < C2_TRAINED_FOR_ROOM ? C2_OK : c2_fail(err, C2_ERR_UNSUPPORTED, "the model has too many patterns");
}

/* What the results say of the models and the machine. */
static c2_status describe(c2_study *s, const runner *e, c2_error *err) {
  const c2_plan *plan = &s->plan;
  c2_results *r = &s->results;
  C2_TRY(c2_sha256_file(r->tasks.task[0].file, r->tasks_checksum, err));
  C2_TRY(c2_sha256_folder(plan->model_folder, r->model_checksum, err));
  if (plan->adapter_folder) C2_TRY(c2_sha256_folder(plan->adapter_folder, r->adapter_checksum, err));
  if (plan->sparse_model_folder) C2_TRY(c2_sha256_folder(plan->sparse_model_folder, r->sparse_checksum, err));
  if (plan->sparse_adapter_folder) {
    C2_TRY(c2_sha256_folder(plan->sparse_adapter_folder, r->sparse_adapter_checksum, err));
  }
  r->model_name = plan->model_name;
  r->backend = chronos2_backend_name(plan->session.backend);
  r->chunk_size = plan->chunk_size;
  r->radii = plan->radii;
  r->perf_radii = plan->perf_radii;
  r->layers = chronos2_model_config(e->model[0])->layers;
  r->heads = chronos2_model_config(e->model[0])->heads;
  (void)snprintf(r->isa, sizeof r->isa, "%s", chronos2_session_isa(e->session[0]));
  r->threads = (size_t)chronos2_session_threads(e->session[0]);
  C2_TRY(keep_trained(e->model[0], r->trained, err));
  return e->model[1] ? keep_trained(e->model[1], r->sparse_trained, err) : C2_OK;
}

static c2_status look_at_weights(c2_study *s, const runner *e, c2_error *err) {
  static const char *const whose[] = {"the weights look", "the weights of --sparse-model look"};
  for (size_t i = 0; i < 2; i++) {
    c2_look *look = &s->results.look[i];
    if (!e->model[i]) continue;
    C2_TRY(c2_look_trained(e->model[i], look, err));
    if (look->uniform) {
      C2_TRY(c2_journal_warn(&s->journal, err,
                             "%s UNTRAINED: attention has %.3f of the entropy of uniform attention", whose[i],
                             look->mean_entropy));
    } else if (!look->trained) {
      C2_TRY(c2_journal_warn(&s->journal, err, "%s UNTRAINED: the query and key weights are those of a random start",
                             whose[i]));
    }
  }
  return C2_OK;
}

static c2_status warn_of_context(c2_study *s, const runner *e, c2_error *err) {
  char before[C2_CAVEAT_ROOM] = "";
  char line[C2_CAVEAT_ROOM];
  for (size_t i = 0; i < 2; i++) {
    if (!e->model[i]) continue;
    c2_caveat_context(s->plan.context_length, chronos2_model_config(e->model[i])->context_length, false, line);
    if (line[0] && strcmp(line, before) != 0) C2_TRY(c2_journal_warn(&s->journal, err, "%s", line));
    memcpy(before, line, sizeof before);
  }
  return C2_OK;
}

static c2_status begin(c2_study *s, const runner *e, c2_error *err) {
  c2_results *r = &s->results;
  r->tasks.source = s->plan.source;
  C2_TRY(c2_tasks_read(&r->tasks, s->plan.tasks, err));
  C2_TRY(c2_tasks_select(&r->tasks, s->plan.exclude_regex, 0, err));
  c2_choose_metrics(&s->plan, r); /* not by --max-tasks, which may differ where a run goes on */
  C2_TRY(c2_tasks_select(&r->tasks, NULL, s->plan.most_tasks, err));
  C2_TRY(c2_tasks_find_data(&r->tasks, err));
  C2_TRY(c2_results_open_tasks(r, err));
  C2_TRY(describe(s, e, err));
  C2_TRY(c2_choose_arms(&s->plan, r, err));
  if (r->perf_radii.count > 0) s->plan.verdict_radius = r->perf_radii.at[r->verdict]; /* the one that is recorded */
  C2_TRY(c2_record_begin(&s->plan, r, &s->journal, &s->lock, err));
  C2_TRY(look_at_weights(s, e, err));
  C2_TRY(warn_of_context(s, e, err));
  c2_journal_say(&s->journal, "%zu task%s, model %s, %s, %s, %zu thread%s", r->tasks.count,
                 r->tasks.count == 1 ? "" : "s", r->model_name, r->backend, r->isa, r->threads,
                 r->threads == 1 ? "" : "s");
  return C2_OK;
}

static c2_status open_engines(const c2_plan *plan, runner *e, c2_error *err) {
  chronos2_session_options options = plan->session;
  options.attention = CHRONOS2_FULL;
  for (size_t i = 0; i < 2; i++) {
    if (e->model[i]) C2_TRY(c2_api(chronos2_session_open(e->model[i], &options, &e->session[i]), err));
  }
  return C2_OK;
}

c2_status c2_study_run(c2_study *study, const chronos2_model *model, const chronos2_model *sparse_model,
                       c2_error *err) {
  runner e = {.model = {model, sparse_model}};
  c2_status status = open_engines(&study->plan, &e, err);
  if (status == C2_OK) status = begin(study, &e, err);
  if (status == C2_OK) status = run_tasks(study, &e, err);
  chronos2_session_close(&e.session[0]);
  chronos2_session_close(&e.session[1]);
  return status == C2_OK ? c2_study_finish(study, NULL, err) : status;
}
