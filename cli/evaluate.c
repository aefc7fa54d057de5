/* `chronos2 evaluate`: forecasts the ends of one's own series, which are known, and scores the forecasts. */
#include "cli/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/outputs.h"
#include "data/unseen.h"
#include "study/measure/caveats.h"
#include "study/statistics/statistics.h"

enum { MOST_WINDOWS = 100000, USUAL_WINDOWS = 3 };

/* ---- Options ---------------------------------------------------------------------------------- */

/* Files of forecasts have the ids and time stamps under the names that the user gave. */
static c2_status check_names(const evaluate_request *r, c2_error *err) {
  static const char *const names[] = {"target_name", "cutoff", "predictions"};
  static const char *const of_scores[] = {"target_name", "forecaster", "forecasts"};
  const cli_input ids = {.id_column = r->in.id_column}; /* scores have no time stamps */
  if (r->output) C2_TRY(cli_input_check_names(&ids, of_scores, sizeof of_scores / sizeof of_scores[0], err));
  for (int m = 0; r->output && m < C2_METRICS; m++) {
    const char *name = c2_metric_name((c2_metric)m);
    C2_TRY(cli_input_check_names(&ids, &name, 1, err));
  }
  if (!r->forecasts && !r->against) return C2_OK;
  C2_TRY(cli_input_check_keys(&r->in, err));
  C2_TRY(cli_input_check_names(&r->in, names, sizeof names / sizeof names[0], err));
  return cli_input_check_levels(&r->in, r->levels, r->level_count, err);
}

static c2_status check_options(void *request, c2_error *err) {
  evaluate_request *r = request;
  if (r->horizon < 1) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "evaluate needs --horizon N; see 'chronos2 evaluate --help'");
  }
  if (r->horizon > CHRONOS2_MOST_STEPS) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--horizon: expected at most %d steps, found %zu", CHRONOS2_MOST_STEPS, r->horizon);
  }
  if (r->stride > CHRONOS2_MOST_STEPS || r->windows > MOST_WINDOWS) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--%s: the number is too large",
            r->stride > CHRONOS2_MOST_STEPS ? "stride" : "windows");
  }
  C2_TRY(cli_read_levels(r->levels_text, false, &r->levels, &r->level_count, err));
  c2_sort(r->levels, r->level_count);
  C2_TRY(check_names(r, err));
  return cli_input_check(&r->in, err);
}

/* ---- The task --------------------------------------------------------------------------------- */

/* As many windows as were asked for, or the usual number, where the longest series has room for them. */
static c2_status choose_windows(evaluate_request *r, c2_error *err) {
  size_t longest = 0;
  for (size_t i = 0; i < r->in.set.count; i++) longest = c2_max_size(longest, r->in.set.item[i].length);
  if (longest <= r->horizon) {
    C2_FAIL(err, C2_ERR_FORMAT, "the longest series has %zu steps, expected more than the horizon's %zu", longest,
            r->horizon);
  }
  size_t most = (longest - 1 - r->horizon) / r->stride + 1;
  if (r->windows > most) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--windows: the longest series has %zu steps, which is enough for %zu, found %zu",
            longest, most, r->windows);
  }
  if (r->windows == 0) r->windows = c2_min_size(USUAL_WINDOWS, most);
  return C2_OK;
}

/* A file that knows a covariate's future doesn't say that windows know it too. */
static void warn_of_future(const evaluate_request *r, size_t covariate) {
  for (size_t i = 0; i < r->in.set.count; i++) {
    const c2_item *item = &r->in.set.item[i];
    if (item->covariates <= covariate || item->covariate[covariate].future_length == 0) continue;
    const char *name = item->covariate[covariate].name;
    cli_warn("covariate '%.60s' has a known future, but windows don't know it ahead; --known %.60s says that they do",
             name, name);
    return;
  }
}

static bool has_covariate(const c2_item *item, const char *name) {
  size_t c = 0;
  while (c < item->covariates && strcmp(item->covariate[c].name, name) != 0) c++;
  return c < item->covariates;
}

/* That all series have the covariates of the first one. */
static c2_status check_covariates(const c2_dataset *set, c2_error *err) {
  for (size_t i = 1; i < set->count; i++) {
    const c2_item *with[2] = {&set->item[i], &set->item[0]};
    for (size_t k = 0; k < 2; k++) {
      for (size_t c = 0; c < with[k]->covariates; c++) {
        const char *name = with[k]->covariate[c].name;
        if (has_covariate(with[1 - k], name)) continue;
        C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: series '%.80s' %s a covariate '%.60s': expected those of the first series",
                with[0]->file, with[0]->line, with[0]->id, k == 0 ? "has" : "lacks", name);
      }
    }
  }
  return C2_OK;
}

/* Names of the covariates, which all items have: those of --known are known ahead. */
static c2_status name_covariates(evaluate_request *r, c2_error *err) {
  const c2_item *item = &r->in.set.item[0];
  char **known = NULL;
  size_t count = 0;
  size_t found = 0;
  c2_error why;
  if (r->known_text && cli_split(r->known_text, &known, &count, &why) != C2_OK) {
    C2_FAIL(err, why.code, "--known: %s", why.text);
  }
  c2_status status = c2_pool_alloc(&r->pool, item->covariates, sizeof(char *), &r->task.known.name, err);
  if (status == C2_OK) {
    status = c2_pool_alloc(&r->pool, item->covariates, sizeof(char *), &r->task.past.name, err);
  }
  for (size_t c = 0; status == C2_OK && c < item->covariates; c++) {
    bool is_known = false;
    for (size_t k = 0; k < count; k++) is_known = is_known || strcmp(known[k], item->covariate[c].name) == 0;
    c2_names *names = is_known ? &r->task.known : &r->task.past;
    names->name[names->count++] = item->covariate[c].name;
    found += is_known;
    if (!is_known) warn_of_future(r, c);
  }
  if (status == C2_OK && found != count) {
    status = c2_fail(err, C2_ERR_ARGUMENT,
                     "--known: expected covariates that were read (--covariates), each once, found '%s'",
                     r->known_text);
  }
  free(known);
  return status;
}

static c2_status make_task(evaluate_request *r, const char *file, c2_error *err) {
  const c2_item *first = &r->in.set.item[0];
  size_t span = r->horizon + (r->windows - 1) * r->stride;
  r->task = (c2_task){.file = file,
                      .line = 1,
                      .name = "evaluate",
                      .horizon = r->horizon,
                      .num_windows = r->windows,
                      .seasonality = r->seasonality,
                      .initial_cutoff = -(int64_t)span,
                      .step = r->stride,
                      .min_context = 1,
                      .levels = r->levels,
                      .level_count = r->level_count,
                      .target = {.count = first->targets}};
  for (size_t i = 1; i < r->in.set.count; i++) {
    const c2_item *item = &r->in.set.item[i];
    if (item->targets == first->targets) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: series '%.80s' has %zu targets, expected the first series' %zu", item->file,
            item->line, item->id, item->targets, first->targets);
  }
  C2_TRY(check_covariates(&r->in.set, err));
  C2_TRY(name_covariates(r, err));
  r->data.set = r->in.set;
  memset(&r->in.set, 0, sizeof r->in.set);
  C2_TRY(c2_task_data_settle(&r->data, &r->task, err));
  return c2_evaluation_of(&r->e, &r->task, &r->data, false, err);
}

/* What was chosen for the user. */
static void tell_plan(evaluate_request *r, const c2_freq *freq, bool seasonality_given) {
  char why[160] = "";
  char name[64];
  c2_freq_name(freq, name, sizeof name);
  if (!seasonality_given) {
    (void)snprintf(why, sizeof why, ", as data of this frequency have it, %s (--seasonality changes it)", name);
  }
  (void)snprintf(r->plan, sizeof r->plan, "%zu window%s of %zu step%s, %zu apart; season of %zu step%s%s", r->windows,
                 r->windows == 1 ? "" : "s", r->horizon, r->horizon == 1 ? "" : "s", r->stride, r->seasonality,
                 r->seasonality == 1 ? "" : "s", why);
  cli_note("%s", r->plan);
  char line[C2_CAVEAT_ROOM];
  c2_caveat_short(&r->e, line);
  if (line[0]) cli_warn("%s", line);
}

/* The pasts of a window's items with the futures of their known covariates, as views of the data. `out` has room for
 * all items, and `covariate` for those covariates. */
static void view_window(const evaluate_request *r, const c2_window *w, c2_dataset *out, c2_covariate *covariate) {
  size_t known = r->e.data.known;
  out->count = w->count;
  for (size_t i = 0; i < w->count; i++, covariate += known) {
    out->item[i] = *r->e.data.unit[w->unit[i]].item;
    c2_item *item = &out->item[i];
    memcpy(covariate, item->covariate, known * sizeof *covariate);
    for (size_t k = 0; k < known; k++) {
      if (covariate[k].is_text) covariate[k].future_text = covariate[k].past_text + w->length[i];
      covariate[k].future_length = r->horizon;
    }
    item->covariate = covariate;
    item->covariates = known;
    item->length = w->length[i];
  }
}

/* Says of the categories that are known ahead and that a window's past never had. */
static c2_status tell_unseen(evaluate_request *r, c2_error *err) {
  size_t units = r->e.data.units;
  c2_dataset *set = &r->e.data.set;
  c2_dataset view = {.count = 0};
  c2_covariate *covariate = NULL;
  c2_unseen all = {0};
  c2_unseen one = {0};
  size_t told = set->notes;
  c2_status status = C2_OK;
  if (r->e.data.known == 0) return C2_OK;
  C2_GOTO(c2_alloc_array(units, sizeof *view.item, &view.item, err));
  C2_GOTO(c2_alloc_array(units, r->e.data.known * sizeof *covariate, &covariate, err));
  for (size_t i = 0; i < r->e.windows; i++) {
    view_window(r, &r->e.window[i], &view, covariate);
    C2_GOTO(c2_unseen_count(&one, &view, err));
    C2_GOTO(c2_unseen_add(&all, &one, set, err));
    c2_unseen_free(&one);
  }
  C2_GOTO(c2_unseen_note(&all, set, err));
  for (; told < set->notes; told++) cli_warn("%s", set->note[told]);
fail:
  c2_unseen_free(&one);
  c2_unseen_free(&all);
  free(view.item);
  free(covariate);
  return status;
}

/* ---- Scores ----------------------------------------------------------------------------------- */

/* Each row's scores by a forecaster: means over its windows that have one. */
static c2_status score_rows(evaluate_request *r, c2_forecaster who, c2_error *err) {
  c2_metric_list all = {.count = C2_METRICS};
  c2_sums *sums = NULL;
  size_t cells = r->rows * C2_METRICS;
  c2_status status = C2_OK;
  for (size_t m = 0; m < C2_METRICS; m++) all.at[m] = (c2_metric)m;
  C2_GOTO(c2_alloc_array(r->e.num_forecasts * C2_METRICS, sizeof *sums, &sums, err));
  C2_GOTO(c2_pool_alloc(&r->pool, cells, sizeof(double), &r->row_score[who], err));
  C2_GOTO(c2_pool_alloc(&r->pool, cells, sizeof(size_t), &r->defined[who], err));
  C2_GOTO(c2_evaluation_series(&r->e, who, &all, sums, err));
  const c2_sums *next = sums;
  for (size_t i = 0; i < r->e.windows; i++) {
    const c2_window *w = &r->e.window[i];
    for (size_t k = 0; k < w->targets * w->count; k++) { /* [targets][series] */
      size_t row = w->unit[k % w->count] * w->targets + k / w->count;
      if (who == C2_BY_NAIVE) r->count[row]++;
      for (size_t m = 0; m < C2_METRICS; m++, next++) {
        double value = c2_metric_value((c2_metric)m, next);
        r->gaps[who][m] += next->gaps;
        r->beyond[who][m] += next->beyond;
        if (isnan(value) || (isinf(value) && isfinite(next->error))) continue; /* divided by 0 */
        r->row_score[who][row * C2_METRICS + m] += value;
        r->defined[who][row * C2_METRICS + m]++;
      }
    }
  }
  for (size_t c = 0; c < cells; c++) {
    double *value = &r->row_score[who][c];
    *value = r->defined[who][c] ? *value / (double)r->defined[who][c] : (double)NAN;
  }
fail:
  free(sums);
  return status;
}

/* Says which forecasts have no score by a metric: the truths and the past decide that for all forecasters alike. */
static void tell_unscored(const evaluate_request *r, c2_metric metric, const char *names, const char *why,
                          const char *effect) {
  size_t all = 0;
  size_t without = 0;
  size_t series = 0;
  size_t first = 0;
  for (size_t row = 0; row < r->rows; row++) {
    const size_t *defined = r->defined[C2_BY_NAIVE] + row * C2_METRICS;
    all += defined[C2_MAE];
    without += defined[C2_MAE] - defined[metric];
    if (defined[C2_MAE] > defined[metric] && series++ == 0) first = row;
  }
  if (without == 0) return;
  const c2_item *item = r->e.data.unit[first / r->e.data.targets].item;
  const size_t *defined = r->defined[C2_BY_NAIVE] + first * C2_METRICS;
  char others[64] = "";
  if (series > 1) (void)snprintf(others, sizeof others, ", and %zu more series", series - 1);
  if (!isfinite(r->overall[C2_BY_NAIVE][metric])) effect = "there is none of all series, as a window has none";
  cli_warn("%zu of %zu forecasts ha%s no %s: %s (%zu of series '%.80s', %.60s%s); %s", without, all,
           without == 1 ? "s" : "ve", names, why, defined[C2_MAE] - defined[metric], item->id,
           item->target_names[first % r->e.data.targets], others, effect);
}

/* Steps by each forecaster, as "1 (model), 3 (seasonal_naive)"; false if there are none. */
static bool put_counts(const evaluate_request *r, double steps[C2_FORECASTERS][C2_METRICS], c2_metric metric,
                       char out[160]) {
  bool any = false;
  size_t used = 0;
  for (int who = 0; who < C2_FORECASTERS; who++) {
    if (!r->scored[who]) continue;
    double count = c2_whole_steps(steps[who][metric]);
    used += (size_t)snprintf(out + used, 160 - used, "%s%.0f (%s)", used ? ", " : "", count,
                             evaluate_forecaster((c2_forecaster)who));
    any = any || count > 0;
  }
  return any;
}

/* Says at how many observed steps a metric has no error, by each forecaster, and who has no score of all series. */
static void tell_left_out(evaluate_request *r, c2_metric metric, size_t observed) {
  char counts[160];
  char none[160] = "";
  size_t used = 0;
  if (!put_counts(r, r->gaps, metric, counts)) return;
  for (int who = 0; who < C2_FORECASTERS; who++) {
    if (!r->scored[who] || !isnan(r->overall[who][metric])) continue;
    used += (size_t)snprintf(none + used, sizeof none - used, "%s%s", used ? ", " : "",
                             evaluate_forecaster((c2_forecaster)who));
  }
  cli_warn("steps are left out of %s where %s: %s of %zu%s%s%s", c2_metric_name(metric), c2_metric_gap(metric), counts,
           observed, used ? "; there is none of all series, as a window has none (" : "", none, used ? ")" : "");
}

/* Says at how many observed steps metrics have an infinite error: those of a reason in one line, by each forecaster of
 * the first one. */
static void tell_beyond(evaluate_request *r, size_t observed) {
  bool told[C2_METRICS] = {false};
  for (int m = 0; m < C2_METRICS; m++) {
    const char *why = c2_metric_beyond((c2_metric)m);
    char counts[160];
    char other[160];
    char names[160];
    if (told[m] || !put_counts(r, r->beyond, (c2_metric)m, counts)) continue;
    size_t used = (size_t)snprintf(names, sizeof names, "%s", c2_metric_name((c2_metric)m));
    for (int k = m + 1; k < C2_METRICS; k++) {
      if (strcmp(c2_metric_beyond((c2_metric)k), why) != 0 || !put_counts(r, r->beyond, (c2_metric)k, other)) continue;
      if (strcmp(other, counts) != 0) continue;
      told[k] = true;
      used += (size_t)snprintf(names + used, sizeof names - used, ", %s", c2_metric_name((c2_metric)k));
    }
    cli_warn("errors of %s are infinite where %s: at %s of %zu steps", names, why, counts, observed);
  }
}

/* Says why scores are missing, or are means over a part. */
static void tell_gaps(evaluate_request *r) {
  size_t observed = c2_evaluation_observed(&r->e);
  char line[C2_CAVEAT_ROOM];
  c2_caveat_missing(&r->e, r->overall[C2_BY_NAIVE], line);
  if (line[0]) cli_warn("%s", line);
  tell_unscored(r, C2_MASE, "MASE, RMSSE or SQL", c2_metric_gap(C2_MASE), "scores are means of the others");
  tell_unscored(r, C2_WAPE, "WAPE, WAPEB or WQL of their own", "the truth is 0 throughout",
                "scores of a series are means of the others");
  tell_left_out(r, C2_RMSLE, observed);
  tell_left_out(r, C2_MAPE, observed);
  tell_left_out(r, C2_SMAPE, observed);
  tell_beyond(r, observed);
}

static c2_status score(evaluate_request *r, c2_error *err) {
  r->rows = r->e.data.units * r->e.data.targets;
  C2_TRY(c2_pool_alloc(&r->pool, r->rows, sizeof *r->count, &r->count, err));
  r->scored[C2_BY_MODEL] = r->scored[C2_BY_NAIVE] = true;
  r->scored[C2_BY_OTHER] = r->against != NULL;
  for (int who = 0; who < C2_FORECASTERS; who++) {
    if (!r->scored[who]) continue;
    C2_TRY(c2_evaluation_score(&r->e, (c2_forecaster)who, r->overall[who], err));
    C2_TRY(score_rows(r, (c2_forecaster)who, err));
    if (who != C2_BY_NAIVE) C2_TRY(c2_coverage_of(&r->e, (c2_forecaster)who, &r->coverage[who], err));
  }
  tell_gaps(r);
  return C2_OK;
}

/* Says which forecasts have nothing to go by: as with fev, they are scored like the others. */
static void tell_groundless(const evaluate_request *r, size_t context) {
  size_t without = 0;
  const c2_item *first = NULL;
  for (size_t i = 0; i < r->e.windows; i++) {
    const c2_window *w = &r->e.window[i];
    for (size_t k = 0; k < w->count * w->targets; k++) {
      size_t length = w->length[k / w->targets];
      const double *past = w->past[k / w->targets] + k % w->targets * length;
      size_t step = length > context ? length - context : 0;
      while (step < length && isnan(past[step])) step++;
      if (step == length && without++ == 0) first = r->e.data.unit[w->unit[k / w->targets]].item;
    }
  }
  if (without == 0) return;
  cli_warn("%zu of %zu forecasts, of series '%.80s' the first, ha%s a past without an observed value: %s scored like "
           "the others",
           without, r->e.num_forecasts, first->id, without == 1 ? "s" : "ve", without == 1 ? "it is" : "they are");
}

static c2_status evaluate(void *request, const chronos2_model *model, chronos2_session *session, c2_error *err) {
  evaluate_request *r = request;
  const char *const paths[] = {r->output, r->calibration, r->forecasts, r->report};
  c2_outfile file[4];
  FILE *table = cli_outputs_take_stdout(paths, 4) ? stderr : stdout;
  double seconds = 0;
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT,
                                      .horizon = r->horizon,
                                      .context_length = r->engine.context_length,
                                      .batch_size = r->engine.batch_size,
                                      .extend_context = true};
  c2_status status = cli_outputs_open(file, paths, 4, err);
  if (status != C2_OK) goto fail;
  cli_warn_lengths(chronos2_model_config(model), r->horizon, r->engine.context_length);
  cli_warn_levels(chronos2_model_config(model), r->levels, r->level_count);
  tell_groundless(r, r->engine.context_length ? r->engine.context_length
                                              : chronos2_model_config(model)->context_length);
  chronos2_session_on_progress(session, cli_on_progress, NULL);
  C2_GOTO(c2_evaluation_forecast(&r->e, session, &options, &seconds, err));
  C2_GOTO(score(r, err));
  if (r->output) C2_GOTO(evaluate_write_scores(r, file[0].stream, err));
  if (r->calibration) C2_GOTO(evaluate_write_calibration(r, file[1].stream, err));
  if (r->forecasts) C2_GOTO(evaluate_write_forecasts(r, file[2].stream, err));
  if (r->report) C2_GOTO(evaluate_draw(r, file[3].stream, err));
  C2_GOTO(cli_outputs_commit(file, 4, err));
  evaluate_print(r, table);
fail:
  cli_outputs_discard(file, 4);
  return status;
}

/* ---- The command ------------------------------------------------------------------------------- */

static c2_status read_series(void *request, char **paths, size_t count, c2_error *err) {
  evaluate_request *r = request;
  c2_freq freq = {.unit = C2_FREQ_COUNT, .multiple = 1};
  C2_TRY(cli_input_read(&r->in, paths, count, err));
  if (r->in.set.count == 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a series, found none", count ? paths[0] : "--sql");
  }
  C2_TRY(cli_input_check_steps(&r->in.set, 0, err));
  bool names = r->against || r->forecasts; /* these files have such columns */
  C2_TRY(cli_input_check_use(&r->in, &r->in.set, names || r->output, names, err));
  C2_TRY(cli_input_tell(&r->in.set, r->summary, err));
  size_t kinds = c2_dataset_freqs(&r->in.set, &freq);
  bool given = r->seasonality > 0;
  if (kinds > 1) cli_warn("series differ in frequency; one season is taken for all of them");
  if (!given) r->seasonality = c2_freq_season(&freq);
  if (r->stride == 0) r->stride = r->horizon;
  C2_TRY(choose_windows(r, err));
  C2_TRY(make_task(r, count ? paths[0] : "--sql", err));
  tell_plan(r, &freq, given);
  C2_TRY(tell_unseen(r, err));
  return r->against ? evaluate_read_against(r, err) : C2_OK;
}

static size_t list_options(evaluate_request *r, cli_option *out) {
  const cli_option table[] = {
      {"horizon", 'n', "N", "Number of steps to forecast in each window. It is required.", CLI_COUNT, &r->horizon,
       NULL},
      {"windows", 0, "N", "Number of windows, the last of which ends with the series. [3, where series have room]",
       CLI_COUNT, &r->windows, NULL},
      {"stride", 0, "N", "Number of steps from one window to the next. [the horizon]", CLI_COUNT, &r->stride, NULL},
      {"seasonality", 0, "N",
       "Steps of a season, for seasonal naive and the metrics that are scaled by it. [by the frequency]", CLI_COUNT,
       &r->seasonality, NULL},
      {"quantile-levels", 0, "LIST", "Quantile levels that are scored. [0.1,0.2,...,0.9]", CLI_TEXT, &r->levels_text,
       NULL},
      {"known", 0, "LIST",
       "Those of the covariates that are known ahead: forecasts see their values in the steps that are scored.",
       CLI_TEXT, &r->known_text, NULL},
      {"against", 0, "FILE",
       "Also score these forecasts: CSV as chronos2 forecast writes it, with a further column, cutoff, the last time "
       "stamp that was known, where windows overlap. How its cells are spelled is found by itself: --delimiter, "
       "--decimal and --time-format tell of the series.",
       CLI_TEXT, &r->against, NULL},
      {"output", 'o', "FILE",
       "Write the scores of each series as CSV. The first lines are those of all series. If a file is standard output "
       "(-), the table is printed on standard error.",
       CLI_TEXT, &r->output, NULL},
      {"calibration", 0, "FILE",
       "Write as CSV how often the truth lay at or below each quantile and within each band, overall and by step.",
       CLI_TEXT, &r->calibration, NULL},
      {"forecasts", 0, "FILE", "Write the forecasts of all windows as CSV, which --against reads.", CLI_TEXT,
       &r->forecasts, NULL},
      {"report", 0, "FILE", "Also draw scores, coverage and forecasts as a page (HTML) that needs no network.",
       CLI_TEXT, &r->report, NULL}};
  memcpy(out, table, sizeof table);
  return sizeof table / sizeof *table;
}

static const cli_usage usage = {
    .command = "evaluate",
    .arguments = "INPUT...",
    .summary =
        "Judges forecasts on series of your own: their last steps are forecast from what came before, in several "
        "windows, and scored by the metrics of fev beside seasonal naive. It also counts how often the truth lies "
        "within the bands.",
    .examples = "Score forecasts of 28 days over the last 3 times 28 days:\n"
                "chronos2 evaluate sales.csv --horizon 28\n"
                "Begin a window each week, and write the scores of each series and a page:\n"
                "chronos2 evaluate sales.csv -n 28 --windows 8 --stride 7 -o scores.csv --report scores.html\n"
                "Compare with the forecasts of another program:\n"
                "chronos2 evaluate sales.csv -n 28 --against theirs.csv\n",
    .min_arguments = 0,
    .max_arguments = SIZE_MAX};

int cli_evaluate(int argc, char **argv) {
  evaluate_request r = {.levels_text = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"};
  cli_option options[CLI_MOST_OPTIONS] = {{.name = NULL}};
  size_t listed = list_options(&r, options);
  (void)cli_input_options(&r.in, options + listed);
  cli_engine_init(&r.engine);
  cli_series_command command = {.usage = &usage,
                                .options = options,
                                .engine = &r.engine,
                                .in = &r.in,
                                .model_name = &r.model_name,
                                .output = {{"output", &r.output, CLI_ROWS},
                                           {"forecasts", &r.forecasts, CLI_ROWS},
                                           {"calibration", &r.calibration, CLI_ROWS},
                                           {"report", &r.report, CLI_PAGE}},
                                .outputs = 4,
                                .yields = true,
                                .further = {&r.against},
                                .request = &r,
                                .check = check_options,
                                .read = read_series,
                                .work = evaluate};
  int status = cli_series_run(&command, argc, argv);
  for (int who = 0; who < C2_FORECASTERS; who++) c2_coverage_free(&r.coverage[who]);
  c2_evaluation_free(&r.e);
  c2_task_data_free(&r.data);
  cli_input_free(&r.in);
  c2_pool_free(&r.pool);
  free(r.levels);
  return status;
}
