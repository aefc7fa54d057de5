/* What the JavaScript wrapper calls: functions of numbers and pointers. Series are read from JSON by the reader of JSON
 * Lines, so that they mean what they mean in a file and are refused as there. What is said of a forecast is JSON, too;
 * its numbers are arrays in the memory. */
#include <stdlib.h>

#include "answer.h"
#include "base/caveats.h"
#include "base/json.h"
#include "base/memory.h"
#include "data/jsonl.h"
#include "data/missing.h"
#include "data/series.h"

typedef struct module {
  chronos2_model *model;
  chronos2_session *session;
  bool trained; /* the weights look so */
} module;

/* Options of a forecast. */
enum { MOST_ROWS = INT32_MAX };

/* ---- Model ------------------------------------------------------------------------------------ */

EXPORT("module_close") void module_close(module *m);
void module_close(module *m) {
  if (!m) return;
  chronos2_session_close(&m->session);
  chronos2_model_close(&m->model);
  free(m);
}

static c2_status open_model(module *m, const char *folder, const char *dtype, const char *isa, c2_error *err) {
  chronos2_model_options how = {CHRONOS2_MODEL_OPTIONS_INIT, .isa = isa};
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .isa = isa};
  C2_TRY(c2_api(chronos2_dtype_named(dtype, &how.dtype), err));
  C2_TRY(c2_api(chronos2_model_open(folder, &how, &m->model), err));
  m->trained = chronos2_model_training(m->model).trained;
  return c2_api(chronos2_session_open(m->model, &options, &m->session), err);
}

/* dtype and isa by name; NULL after a failure. */
EXPORT("module_open") module *module_open(const char *folder, const char *dtype, const char *isa);
module *module_open(const char *folder, const char *dtype, const char *isa) {
  c2_error *err = c2_answer_failure();
  module *m = NULL;
  if (c2_alloc_array(1, sizeof *m, &m, err) != C2_OK) return NULL;
  if (open_model(m, folder, dtype, isa, err) == C2_OK) return m;
  module_close(m);
  return NULL;
}

EXPORT("module_isa") const char *module_isa(const module *m);
const char *module_isa(const module *m) {
  return chronos2_session_isa(m->session);
}

EXPORT("module_quantiles") size_t module_quantiles(const module *m);
size_t module_quantiles(const module *m) {
  return chronos2_model_config(m->model)->quantiles;
}

EXPORT("module_quantile_levels") const double *module_quantile_levels(const module *m);
const double *module_quantile_levels(const module *m) {
  return chronos2_model_config(m->model)->quantile_levels;
}

/* ---- Forecasts -------------------------------------------------------------------------------- */

static c2_status read_options(const c2_json_document *doc, const c2_json *object, chronos2_predict_options *out,
                              c2_error *err) {
  static const char *const known[] = {"horizon", "context_length", "batch_size", "cross_learning", NULL};
  C2_TRY(c2_answer_options(doc, object, known, err));
  C2_TRY(c2_json_get_size(doc, object, "horizon", 1, CHRONOS2_MOST_STEPS, &out->horizon, err));
  if (c2_json_get(object, "context_length")) {
    C2_TRY(c2_json_get_size(doc, object, "context_length", 0, MOST_ROWS, &out->context_length, err));
  }
  if (c2_json_get(object, "batch_size")) {
    C2_TRY(c2_json_get_size(doc, object, "batch_size", 0, MOST_ROWS, &out->batch_size, err));
  }
  return c2_json_get_bool(doc, object, "cross_learning", &out->cross_learning, err);
}

static c2_status read_series(const c2_json_document *doc, const c2_json *list, c2_dataset *set, c2_error *err) {
  if (!c2_json_is(list, C2_JSON_ARRAY)) {
    return c2_json_fail(doc, list, err, "expected an array of series, found %s", c2_json_type_name(list));
  }
  C2_JSON_EACH (object, list) {
    C2_TRY(c2_read_json_item(set, doc, object, &c2_json_lines_names, &(c2_read_options){0}, err));
  }
  return C2_OK;
}

/* {"options": {...}, "series": [...]} */
static c2_status read_request(char *text, size_t size, c2_dataset *set, chronos2_predict_options *options,
                              c2_error *err) {
  char where[C2_JSON_WHERE_ROOM];
  c2_json_document doc = {.path = "predict", .failure = C2_ERR_ARGUMENT, .where = where};
  c2_status status = c2_json_parse(&doc, text, size, err);
  if (status == C2_OK) status = read_options(&doc, c2_json_get(doc.node, "options"), options, err);
  if (status == C2_OK) status = read_series(&doc, c2_json_get(doc.node, "series"), set, err);
  c2_json_free(&doc);
  return status;
}

static c2_status check_futures(const c2_dataset *set, size_t horizon, c2_error *err) {
  size_t item = 0;
  const c2_covariate *odd = c2_series_odd_future(set, horizon, &item);
  if (!odd) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "series[%zu].future_covariates.%.60s: %zu values, expected the horizon's %zu", item,
          odd->name, odd->future_length, horizon);
}

/* Half a calendar gives no time stamps. */
static c2_status note_calendars(c2_dataset *set, c2_error *err) {
  size_t half = 0;
  const char *first = NULL;
  for (size_t i = 0; i < set->count; i++) {
    if (set->item[i].has_start != set->item[i].has_freq && half++ == 0) first = set->item[i].id;
  }
  C2_TRY(c2_dataset_note_calendars(set, err));
  if (half == 0) return C2_OK;
  return c2_dataset_note(set, err, "%zu series, '%.80s' the first, ha%s one of start and freq alone: no time stamps",
                         half, first, half == 1 ? "s" : "ve");
}

/* A line, unless it has nothing to say. */
static c2_status note(c2_dataset *set, const char *line, c2_error *err) {
  return line[0] ? c2_dataset_note(set, err, "%s", line) : C2_OK;
}

/* What the forecasts are told to be worth less for. */
static c2_status note_all(const module *m, c2_dataset *set, const chronos2_predict_options *o, c2_error *err) {
  const chronos2_config *config = chronos2_model_config(m->model);
  char line[C2_CAVEAT_ROOM];
  if (!m->trained) C2_TRY(c2_dataset_note(set, err, C2_UNTRAINED));
  c2_caveat_horizon(o->horizon, config->max_output_patches * config->patch, "the rest is rolled out", line);
  C2_TRY(note(set, line, err));
  c2_caveat_context(o->context_length, config->context_length, true, line);
  C2_TRY(note(set, line, err));
  if (o->cross_learning) {
    c2_passes passes = c2_series_passes(set, o->batch_size);
    c2_caveat_passes(&passes, "batch_size", line);
    C2_TRY(note(set, line, err));
  }
  C2_TRY(note_calendars(set, err));
  C2_TRY(c2_dataset_join_kinds(set, err));
  C2_TRY(c2_dataset_note_truths(set, err));
  return c2_dataset_note_lacks(set, NULL, err);
}

static c2_status note_coarse(const module *m, answer *a, const chronos2_series *series,
                             const chronos2_predict_options *o, c2_error *err) {
  const chronos2_config *config = chronos2_model_config(m->model);
  size_t context = c2_context_limit(o->context_length, config->context_length, false);
  c2_caveat_of coarse = {.noun = "series"};
  char line[C2_CAVEAT_ROOM];
  for (size_t i = 0; i < a->set.count; i++) {
    bool is_coarse = c2_series_is_coarse(&series[i], context, a->forecast, i, config->quantiles);
    if (is_coarse && coarse.count++ == 0) coarse.first = a->set.item[i].id;
  }
  c2_caveat_coarse(coarse, "float32", C2_RESCALE, line);
  return note(&a->set, line, err);
}

static c2_status forecast(const module *m, answer *a, const chronos2_predict_options *options, c2_error *err) {
  chronos2_series *series = NULL;
  chronos2_covariate *covariate = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_series_make(&a->set, &series, &covariate, err));
  status = c2_api(chronos2_predict(m->session, series, a->set.count, options, &a->forecast), err);
  if (status == C2_OK) status = note_coarse(m, a, series, options, err);
fail:
  free(series);
  free(covariate);
  return status;
}

/* The request is changed. NULL after a failure. */
EXPORT("module_predict") answer *module_predict(const module *m, char *request, size_t size);
answer *module_predict(const module *m, char *request, size_t size) {
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT};
  answer *a = NULL;
  c2_error *err = c2_answer_failure();
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(1, sizeof *a, &a, err));
  C2_GOTO(read_request(request, size, &a->set, &options, err));
  C2_GOTO(check_futures(&a->set, options.horizon, err));
  C2_GOTO(note_all(m, &a->set, &options, err));
  C2_GOTO(forecast(m, a, &options, err));
  C2_GOTO(c2_answer_forecast(a, options.horizon, err));
  return a;
fail:
  module_answer_free(a);
  return NULL;
}
