/* The protocol of Chronos-2 endpoints on SageMaker:
 *
 *   {"inputs": [{"target", "item_id", "start", "past_covariates", "future_covariates"}], "parameters": {...}}
 *   {"predictions": [{"mean", "0.1", "0.5", "0.9", "item_id", "start"}]}
 *
 * https://github.com/amazon-science/chronos-forecasting, notebooks/deploy-chronos-to-amazon-sagemaker.ipynb. Beyond it,
 * a target may be an array of arrays, and the pattern of attention may be chosen. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/jsonl.h"
#include "serve/protocol.h"

c2_status c2_sagemaker_read_parameters(c2_call *call, const c2_json_document *doc, const c2_json *object,
                                       const c2_call_limits *limits, c2_freq *freq, bool *has_freq, c2_error *err) {
  static const char *const known[] = {
      "prediction_length", "quantile_levels", "freq",   "batch_size",     "predict_batches_jointly",
      "cross_learning",    "attention",       "radius", "context_length", NULL};
  static const double usual[] = {0.1, 0.5, 0.9};
  const c2_json *text = c2_json_get(object, "freq");
  c2_error why;
  memcpy(call->levels, usual, sizeof usual);
  call->level_count = 3;
  if (object && object->type != C2_JSON_OBJECT) {
    return c2_json_fail(doc, object, err, "expected an object, found %s", c2_json_type_name(object));
  }
  C2_TRY(c2_json_refuse_others(doc, object, known, err));
  C2_TRY(c2_call_read_horizon(call, doc, object, "prediction_length", false, limits, err));
  C2_TRY(c2_call_read_levels(call, doc, object, "quantile_levels", err));
  C2_TRY(c2_call_read_pass(call, doc, object, limits, err));
  if (!text || text->type == C2_JSON_NULL) return C2_OK;
  if (text->type != C2_JSON_STRING) {
    return c2_json_fail(doc, text, err, "expected a string, found %s", c2_json_type_name(text));
  }
  if (c2_freq_parse(text->text, freq, &why) != C2_OK) return c2_json_fail(doc, text, err, "%s", why.text);
  *has_freq = true;
  return C2_OK;
}

/* The first step that is forecast. */
static c2_status find_start(const c2_item *item, c2_time *out, c2_error *err) {
  return c2_freq_add(&item->freq, item->start, (int64_t)item->length, out, err);
}

/* That start and frequency come together, and that the forecast has time stamps. */
static c2_status check_calendar(const c2_call *call, const c2_item *item, const c2_json_document *doc,
                                const c2_json *object, c2_error *err) {
  c2_time last;
  c2_error why;
  if (item->has_start && !item->has_freq) {
    return c2_json_fail(doc, c2_json_get(object, "start"), err, "expected \"freq\" in \"parameters\" beside it");
  }
  if (item->has_freq && !item->has_start) {
    return c2_json_fail(doc, object, err, "expected \"start\", because there is a frequency");
  }
  if (!item->has_start) return C2_OK;
  if (c2_freq_add(&item->freq, item->start, (int64_t)(item->length + call->pass.horizon), &last, &why) == C2_OK) {
    return C2_OK;
  }
  return c2_json_fail(doc, c2_json_get(object, "start"), err, "the forecast would end too late: %s", why.text);
}

/* A series of its own frequency must not be given another one by the parameters. */
static c2_status check_freq(const c2_json_document *doc, const c2_json *input, const c2_freq *freq, c2_error *err) {
  const c2_json *value = c2_json_get(input, "freq");
  const char *text = c2_json_string(value);
  c2_freq own;
  c2_error why;
  if (!text || c2_freq_parse(text, &own, &why) != C2_OK || c2_freq_equal(&own, freq)) return C2_OK;
  return c2_json_fail(doc, value, err, "\"freq\" in \"parameters\" says otherwise; leave one of them out");
}

/* Reads series i. Those without a name are called by their place, so that no other one has it, too. */
static c2_status read_input(c2_call *call, size_t i, const c2_json_document *doc, const c2_json *input,
                            const c2_freq *freq, c2_lookup *names, c2_error *err) {
  static const c2_json_names members = {"item_id", "target", "start", "freq", false, "inputs"};
  const c2_read_options options = {.freq = freq};
  const c2_json *id = c2_json_get(input, "item_id");
  size_t at = 0;
  if (freq) C2_TRY(check_freq(doc, input, freq, err));
  C2_TRY(c2_call_check_series(call, doc, input, "target", err));
  C2_TRY(c2_read_json_item(&call->set, doc, input, &members, &options, err));
  C2_TRY(check_calendar(call, &call->set.item[i], doc, input, err));
  call->given[i].is_nested = c2_json_is(c2_json_first(c2_json_get(input, "target")), C2_JSON_ARRAY);
  call->given[i].has_id = id && id->type != C2_JSON_NULL;
  if (!call->given[i].has_id) return C2_OK;
  const char *name = call->set.item[i].id;
  if (c2_lookup_find(names, name, &at)) {
    return c2_json_fail(doc, id, err, "another series before it has the item_id '%.80s'", name);
  }
  return c2_lookup_add(names, name, &at, err);
}

static c2_status read_inputs(c2_call *call, const c2_json_document *doc, const c2_json *inputs, const c2_freq *freq,
                             c2_error *err) {
  c2_lookup names = {0};
  c2_status status = C2_OK;
  size_t i = 0;
  call->set.twins = true;
  C2_TRY(c2_dataset_alloc(&call->set, inputs->size, sizeof *call->given, &call->given, err));
  C2_JSON_EACH (input, inputs) C2_GOTO(read_input(call, i++, doc, input, freq, &names, err));
fail:
  c2_lookup_free(&names);
  return status;
}

static c2_status read_call(c2_call *call, const c2_json_document *doc, const c2_call_limits *limits,
                           const chronos2_config *config, c2_error *err) {
  static const char *const known[] = {"inputs", "parameters", NULL};
  const c2_json *root = doc->node;
  const c2_json *inputs = c2_json_get(root, "inputs");
  c2_freq freq;
  bool has_freq = false;
  C2_TRY(c2_json_refuse_others(doc, root, known, err));
  C2_TRY(c2_sagemaker_read_parameters(call, doc, c2_json_get(root, "parameters"), limits, &freq, &has_freq, err));
  if (!c2_json_is(inputs, C2_JSON_ARRAY) || inputs->size < 1 || inputs->size > limits->series) {
    return c2_json_fail(doc, inputs ? inputs : root, err, "\"inputs\": expected an array of 1 to %zu series",
                        limits->series);
  }
  C2_TRY(read_inputs(call, doc, inputs, has_freq ? &freq : NULL, err));
  return c2_call_complete(call, doc, inputs, limits, config, err);
}

/* ISO 8601, with a T and always with a clock; a whole number on an axis of those. */
static c2_status put_start(const c2_item *item, c2_json_writer *json, c2_error *err) {
  char text[C2_TIME_ROOM];
  c2_time start;
  C2_TRY(find_start(item, &start, err));
  if (item->freq.unit == C2_FREQ_COUNT) {
    c2_item_stamp(item, start, text);
  } else {
    c2_time_format(start, true, item->zone, text);
    char *blank = strchr(text, ' ');
    if (blank) *blank = 'T';
  }
  c2_json_put_text(json, "start", text);
  return C2_OK;
}

c2_status c2_sagemaker_put_predictions(const c2_call *call, const c2_call *result, size_t first, c2_json_writer *json,
                                       c2_error *err) {
  c2_json_begin_array(json, "predictions");
  for (size_t i = 0; i < call->count; i++) {
    const c2_item *item = &call->set.item[i];
    const c2_given *given = &call->given[i];
    char level[C2_FLOAT_ROOM];
    c2_json_begin_object(json, NULL);
    c2_protocol_put_values(result, first + i, given->is_nested, C2_PROTOCOL_MEDIAN, "mean", json);
    for (size_t q = 0; q < result->level_count; q++) {
      c2_double_text(level, result->levels[q], C2_PROTOCOL_DIGITS);
      c2_protocol_put_values(result, first + i, given->is_nested, q, level, json);
    }
    if (given->has_id) c2_json_put_text(json, "item_id", item->id);
    if (item->has_start) C2_TRY(put_start(item, json, err));
    c2_json_end_object(json);
  }
  c2_json_end_array(json);
  return C2_OK;
}

static c2_status write_call(const c2_call *call, const chronos2_config *config, c2_json_writer *json, c2_error *err) {
  (void)config;
  c2_json_begin_object(json, NULL);
  C2_TRY(c2_sagemaker_put_predictions(call, call, 0, json, err));
  c2_protocol_put_warnings(call, json);
  c2_json_end_object(json);
  return C2_OK;
}

const c2_protocol c2_sagemaker = {"sagemaker", read_call, write_call};
