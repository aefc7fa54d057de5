/* Scenarios of kept contexts. */
#include "serve/scenarios.h"

#include <string.h>

#include "base/memory.h"
#include "data/jsonl.h"
#include "data/missing.h"
#include "data/unseen.h"
#include "serve/protocol.h"

bool c2_scenarios_encode(c2_call *call, const chronos2_model *model, c2_answer *answer) {
  chronos2_pattern asked = call->pass.pattern;
  call->pass.pattern = chronos2_model_context_pattern(model, asked);
  if (call->pass.pattern.attention != CHRONOS2_AUTO) return true;
  c2_answer_refuse(answer, C2_HTTP_BAD_REQUEST, "parameters.attention",
                   "parameters.attention: the past sees the future under %s, so it can't be encoded once; expected "
                   "auto, windowed_future_global or windowed_future_null",
                   chronos2_attention_name(asked.attention));
  return false;
}

void c2_scenarios_put_kept(const c2_kept *kept, c2_answer *answer) {
  c2_answer_stream stream;
  if (!c2_answer_begin(&stream, answer)) return;
  const c2_call_pass *pass = &kept->call.pass;
  c2_json_begin_object(&stream.json, NULL);
  c2_json_put_text(&stream.json, "id", kept->id);
  c2_json_put_whole(&stream.json, "bytes", kept->bytes);
  c2_json_put_whole(&stream.json, "series", kept->call.count);
  c2_json_put_whole(&stream.json, "prediction_length", pass->horizon);
  c2_json_put_text(&stream.json, "attention", chronos2_attention_name(pass->pattern.attention));
  c2_json_put_number(&stream.json, "radius", pass->pattern.radius);
  c2_protocol_put_warnings(&kept->call, &stream.json);
  c2_json_end_object(&stream.json);
  c2_answer_close(&stream, C2_HTTP_CREATED, answer);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* One scenario's futures of one item, as series `index`, and as an item of its own. */
static c2_status read_item(c2_call *call, const c2_kept *kept, const c2_json_document *doc, const c2_json *object,
                           size_t item, size_t index, chronos2_covariate *out, c2_item *seen, c2_error *err) {
  const c2_item *from = &kept->call.set.item[item];
  c2_covariate *covariate = NULL;
  if (object && object->type != C2_JSON_OBJECT && object->type != C2_JSON_NULL) {
    return c2_json_fail(doc, object, err, "expected an object or null, found %s", c2_json_type_name(object));
  }
  C2_TRY(c2_dataset_alloc(&call->set, from->covariates, sizeof *covariate, &covariate, err));
  C2_TRY(c2_read_json_futures(&call->set, doc, object, from, call->pass.horizon, covariate, err));
  *seen = *from;
  seen->covariate = covariate;
  call->series[index] = kept->call.series[item];
  call->series[index].covariate = out;
  for (size_t c = 0; c < from->covariates; c++) {
    out[c] = kept->call.series[item].covariate[c];
    out[c].future = covariate[c].future;
    out[c].future_text = covariate[c].future_text;
  }
  return C2_OK;
}

static c2_status read_scenario(c2_call *call, const c2_kept *kept, const c2_json_document *doc, const c2_json *object,
                               size_t scenario, chronos2_covariate **next, c2_unseen *unseen, c2_missing *missing,
                               c2_error *err) {
  static const char *const known[] = {"name", "future_covariates", NULL};
  size_t items = kept->call.count;
  const c2_json *name = c2_json_get(object, "name");
  const c2_json *futures = c2_json_get(object, "future_covariates");
  if (object->type != C2_JSON_OBJECT) {
    return c2_json_fail(doc, object, err, "expected an object, found %s", c2_json_type_name(object));
  }
  C2_TRY(c2_json_refuse_others(doc, object, known, err));
  if (name && !c2_json_string(name)) {
    return c2_json_fail(doc, name, err, "expected a string, found %s", c2_json_type_name(name));
  }
  if (name) C2_TRY(c2_dataset_text(&call->set, name->text, &call->scenario[scenario], err));
  if (futures && (futures->type != C2_JSON_ARRAY || futures->size != items)) {
    return c2_json_fail(doc, futures, err, "expected an array of %zu objects, one for each series", items);
  }
  const c2_json *future = c2_json_first(futures);
  c2_dataset seen = {.count = items};
  C2_TRY(c2_dataset_alloc(&call->set, items, sizeof *seen.item, &seen.item, err));
  for (size_t i = 0; i < items; i++) {
    C2_TRY(read_item(call, kept, doc, future, i, scenario * items + i, *next, &seen.item[i], err));
    *next += kept->call.series[i].covariates;
    if (future) future += future->span;
  }
  C2_TRY(c2_missing_count_futures(missing, &seen, &call->set, err));
  return c2_unseen_count(unseen, &seen, err);
}

static c2_status read_scenarios(c2_call *call, const c2_kept *kept, const c2_json_document *doc,
                                const c2_call_limits *limits, const chronos2_config *config, c2_error *err) {
  static const char *const known[] = {"scenarios", "quantile_levels", NULL};
  const c2_json *root = doc->node;
  const c2_json *list = c2_json_get(root, "scenarios");
  size_t items = kept->call.count;
  size_t rows = 0;
  size_t covariates = 0;
  size_t i = 0;
  chronos2_covariate *next = NULL;
  if (root->type != C2_JSON_OBJECT) {
    return c2_json_fail(doc, root, err, "expected an object, found %s", c2_json_type_name(root));
  }
  C2_TRY(c2_json_refuse_others(doc, root, known, err));
  C2_TRY(c2_call_read_levels(call, doc, root, "quantile_levels", err));
  C2_TRY(c2_call_note_caveats(call, &kept->call.set, config, err));
  for (size_t k = 0; k < items; k++) covariates += kept->call.series[k].covariates;
  for (size_t k = 0; k < items; k++) rows += kept->call.series[k].covariates + kept->call.series[k].targets;
  size_t most = c2_min_size(limits->series / items, C2_CALL_MEAN * limits->series / rows);
  most = c2_max_size(most, 1);
  if (!c2_json_is(list, C2_JSON_ARRAY) || list->size < 1 || list->size > most) {
    return c2_json_fail(doc, list ? list : root, err, "\"scenarios\": expected an array of 1 to %zu scenarios", most);
  }
  call->scenarios = list->size;
  call->count = list->size * items;
  C2_TRY(c2_alloc_array(call->count, sizeof *call->series, &call->series, err));
  C2_TRY(c2_alloc_array(list->size * covariates, sizeof *call->covariate, &call->covariate, err));
  C2_TRY(c2_dataset_alloc(&call->set, list->size, sizeof *call->scenario, &call->scenario, err));
  next = call->covariate;
  c2_unseen unseen = {0};
  c2_missing missing = {.hint = NULL};
  c2_status status = C2_OK;
  C2_JSON_EACH (object, list) C2_GOTO(read_scenario(call, kept, doc, object, i++, &next, &unseen, &missing, err));
  C2_GOTO(c2_dataset_note_truths(&call->set, err));
  C2_GOTO(c2_unseen_note(&unseen, &call->set, err));
  C2_GOTO(c2_missing_count(&missing, &kept->call.set, &call->set, err));
  C2_GOTO(c2_missing_note(&missing, &call->set, err));
  status = c2_call_lay_out(call, err);
fail:
  c2_unseen_free(&unseen);
  return status;
}

bool c2_scenarios_read(const c2_kept *kept, char *text, size_t size, const c2_call_limits *limits,
                       const chronos2_config *config, c2_call *call, c2_answer *answer) {
  char where[C2_JSON_WHERE_ROOM] = "";
  c2_json_document doc = {.path = "the body", .failure = C2_ERR_FORMAT, .allow_nan = true, .where = where};
  c2_error err;
  call->pass = kept->call.pass;
  memcpy(call->levels, kept->call.levels, sizeof call->levels);
  call->level_count = kept->call.level_count;
  c2_status status = c2_json_parse(&doc, text, size, &err);
  if (status == C2_OK) status = read_scenarios(call, kept, &doc, limits, config, &err);
  c2_json_free(&doc);
  if (status != C2_OK) c2_answer_refuse_error(answer, where, &err);
  return status == C2_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

void c2_scenarios_write(const c2_kept *kept, const c2_call *call, c2_answer *answer) {
  c2_answer_stream stream;
  c2_error err;
  c2_status status = C2_OK;
  if (!c2_answer_begin(&stream, answer)) return;
  c2_json_writer *json = &stream.json;
  c2_json_begin_object(json, NULL);
  c2_json_begin_array(json, "scenarios");
  for (size_t k = 0; k < call->scenarios && status == C2_OK; k++) {
    c2_json_begin_object(json, NULL);
    c2_json_put_text(json, "name", call->scenario[k] ? call->scenario[k] : "");
    status = c2_sagemaker_put_predictions(&kept->call, call, k * kept->call.count, json, &err);
    c2_json_end_object(json);
  }
  c2_json_end_array(json);
  c2_protocol_put_warnings(call, json);
  c2_json_end_object(json);
  c2_answer_close(&stream, C2_HTTP_OK, answer);
  if (status != C2_OK) c2_answer_refuse_error(answer, NULL, &err);
}
