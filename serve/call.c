/* Calls: what all protocols ask for. */
#include "serve/call.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "base/radius.h"
#include "data/missing.h"
#include "data/series.h"

/* ---- Members --------------------------------------------------------------------------------- */

/* A whole number from 1 to `most`; *out stays where there is no such member. */
static c2_status read_count(const c2_json_document *doc, const c2_json *object, const char *key, size_t most,
                            size_t *out, c2_error *err) {
  if (!c2_json_get(object, key)) return C2_OK;
  return c2_json_get_size(doc, object, key, 1, most, out, err);
}

c2_status c2_call_read_horizon(c2_call *call, const c2_json_document *doc, const c2_json *object, const char *key,
                               bool required, const c2_call_limits *limits, c2_error *err) {
  call->pass.horizon = 1;
  if (required) return c2_json_get_size(doc, object, key, 1, limits->horizon, &call->pass.horizon, err);
  return read_count(doc, object, key, limits->horizon, &call->pass.horizon, err);
}

c2_status c2_call_read_levels(c2_call *call, const c2_json_document *doc, const c2_json *object, const char *key,
                              c2_error *err) {
  const c2_json *list = c2_json_get(object, key);
  if (!list || list->type == C2_JSON_NULL) return C2_OK;
  if (list->type != C2_JSON_ARRAY) {
    return c2_json_fail(doc, list, err, "expected an array of levels, found %s", c2_json_type_name(list));
  }
  if (list->size > C2_CALL_LEVELS) {
    return c2_json_fail(doc, list, err, "expected at most %d levels, found %zu", C2_CALL_LEVELS, (size_t)list->size);
  }
  call->level_count = 0;
  call->levels_given = true;
  C2_JSON_EACH (level, list) {
    double value = 0;
    if (!c2_json_number(level, &value) || !(value > 0 && value < 1)) {
      return c2_json_fail(doc, level, err, "expected a level between 0 and 1, found %.40s",
                          level->type == C2_JSON_NUMBER ? level->text : c2_json_type_name(level));
    }
    for (size_t i = 0; i < call->level_count; i++) {
      if (call->levels[i] == value) {
        return c2_json_fail(doc, level, err, "expected each level once, found %.40s again", level->text);
      }
    }
    call->levels[call->level_count++] = value;
  }
  return C2_OK;
}

static bool is_windowed(chronos2_pattern pattern) {
  return pattern.attention != CHRONOS2_AUTO && pattern.attention != CHRONOS2_FULL;
}

/* A pattern that is asked for has the server's radius where it gives none, and its global REG. */
static c2_status read_pattern(chronos2_pattern *pattern, const c2_json_document *doc, const c2_json *object,
                              c2_error *err) {
  const c2_json *name = c2_json_get(object, "attention");
  const c2_json *radius = c2_json_get(object, "radius");
  if (name) {
    bool has_radius = is_windowed(*pattern); /* which may be 0 */
    const char *text = c2_json_string(name);
    if (!text || chronos2_attention_named(text, &pattern->attention) != CHRONOS2_OK) {
      return c2_json_fail(doc, name, err,
                          "expected auto, full, windowed_future_global, windowed_future_visible or "
                          "windowed_future_null, found %.40s",
                          text ? text : c2_json_type_name(name));
    }
    if (!has_radius) pattern->radius = CHRONOS2_STANDARD_RADIUS;
  }
  bool windowed = is_windowed(*pattern);
  if (!windowed) pattern->radius = 0;
  if (!radius) return C2_OK;
  if (!windowed) {
    return c2_json_fail(doc, radius, err, "a radius has no meaning under %s attention",
                        chronos2_attention_name(pattern->attention));
  }
  if (c2_radius_of_json(radius, &pattern->radius)) return C2_OK;
  return c2_json_fail(doc, radius, err, "expected a whole number of at most 1e9 tokens, or \"inf\", found %.40s",
                      radius->type == C2_JSON_NUMBER ? radius->text : c2_json_type_name(radius));
}

c2_status c2_call_read_pass(c2_call *call, const c2_json_document *doc, const c2_json *object,
                            const c2_call_limits *limits, c2_error *err) {
  c2_call_pass *p = &call->pass;
  const c2_json *both[2];
  p->context_length = limits->context_length;
  p->batch_size = limits->batch_size;
  p->pattern = limits->pattern;
  C2_TRY(read_count(doc, object, "context_length", limits->context_length, &p->context_length, err));
  C2_TRY(read_count(doc, object, "batch_size", limits->series, &p->batch_size, err));
  both[0] = c2_json_get(object, "cross_learning");
  both[1] = c2_json_get(object, "predict_batches_jointly");
  if (both[0] && both[1]) {
    return c2_json_fail(doc, both[1], err, "\"cross_learning\" says the same; leave one out");
  }
  C2_TRY(c2_json_get_bool(doc, object, "cross_learning", &p->cross_learning, err));
  C2_TRY(c2_json_get_bool(doc, object, "predict_batches_jointly", &p->cross_learning, err));
  return read_pattern(&p->pattern, doc, object, err);
}

/* ---- Series ---------------------------------------------------------------------------------- */

c2_status c2_call_check_series(const c2_call *call, const c2_json_document *doc, const c2_json *object,
                               const char *target, c2_error *err) {
  const c2_json *rows = c2_json_get(object, target);
  const c2_json *past = c2_json_get(object, "past_covariates");
  const c2_json *future = c2_json_get(object, "future_covariates");
  bool nested = c2_json_is(c2_json_first(rows), C2_JSON_ARRAY);
  size_t targets = nested ? rows->size : 1;
  const c2_json *row = nested ? c2_json_first(rows) : rows;
  if (c2_json_is(row, C2_JSON_ARRAY) && row->size == 0) {
    return c2_json_fail(doc, row, err, "expected at least one observation");
  }
  if (targets > C2_CALL_ROWS || c2_json_size(past) > C2_CALL_ROWS - targets) {
    return c2_json_fail(doc, object, err, "expected at most %d targets and covariates together", C2_CALL_ROWS);
  }
  if (!c2_json_is(future, C2_JSON_OBJECT)) return C2_OK;
  C2_JSON_EACH (key, future) {
    if (!c2_json_is(key + 1, C2_JSON_ARRAY) || c2_json_size(key + 1) == call->pass.horizon) continue;
    return c2_json_fail(doc, key + 1, err, "expected %zu values, as many as steps are forecast, found %zu",
                        call->pass.horizon, c2_json_size(key + 1));
  }
  return C2_OK;
}

static c2_status note(c2_call *call, const char *line, c2_error *err) {
  return line[0] ? c2_dataset_note(&call->set, err, "%s", line) : C2_OK;
}

c2_status c2_call_note_caveats(c2_call *call, const c2_dataset *pasts, const chronos2_config *config, c2_error *err) {
  char line[C2_CAVEAT_ROOM];
  size_t longest = 0;
  for (size_t i = 0; i < pasts->count; i++) longest = c2_max_size(longest, pasts->item[i].length);
  c2_caveat_levels(call->levels, call->level_count, config->quantile_levels, config->quantiles, line);
  C2_TRY(note(call, line, err));
  c2_caveat_horizon(call->pass.horizon, config->max_output_patches * config->patch, "the rest is rolled out", line);
  C2_TRY(note(call, line, err));
  if (call->pass.cross_learning) {
    c2_passes passes = c2_series_passes(pasts, call->pass.batch_size);
    c2_caveat_passes(&passes, "batch_size", line);
    C2_TRY(note(call, line, err));
  }
  if (longest <= config->context_length) return C2_OK; /* no series uses more */
  c2_caveat_context(call->pass.context_length, config->context_length, false, line);
  return note(call, line, err);
}

c2_status c2_call_note_pattern(c2_call *call, const chronos2_model *model, c2_error *err) {
  const char *caveat = chronos2_model_caveat(model, call->pass.pattern);
  return caveat ? note(call, caveat, err) : C2_OK;
}

c2_status c2_call_complete(c2_call *call, const c2_json_document *doc, const c2_json *inputs,
                           const c2_call_limits *limits, const chronos2_config *config, c2_error *err) {
  static const char table_hint[] = "; covariates of such rows are past ones, since Arrow bodies take no known future";
  size_t rows = 0;
  bool is_ranked = false;
  for (size_t i = 0; i < call->set.count; i++) {
    rows += call->set.item[i].covariates + call->set.item[i].targets;
    is_ranked = is_ranked || c2_series_is_ranked(&call->set.item[i]);
  }
  if (rows > C2_CALL_MEAN * limits->series) {
    (void)c2_fail(err, C2_ERR_FORMAT, "expected at most %zu targets and covariates in all, found %zu",
                  C2_CALL_MEAN * limits->series, rows);
    c2_error why = *err;
    return doc ? c2_json_fail(doc, inputs, err, "%s", why.text) : C2_ERR_FORMAT;
  }
  C2_TRY(c2_dataset_note_calendars(&call->set, err));
  C2_TRY(c2_dataset_join_kinds(&call->set, err));
  C2_TRY(c2_dataset_note_truths(&call->set, err));
  C2_TRY(c2_call_note_caveats(call, &call->set, config, err));
  C2_TRY(c2_dataset_note_lacks(&call->set, doc ? NULL : table_hint, err));
  C2_TRY(c2_series_make(&call->set, &call->series, &call->covariate, err));
  call->count = call->set.count;
  call->is_whole = call->pass.cross_learning || is_ranked;
  return c2_call_lay_out(call, err);
}

size_t c2_call_patches(const c2_call *call, size_t series, const chronos2_config *config) {
  size_t length = c2_min_size(call->series[series].length, call->pass.context_length);
  return (length + config->patch - 1) / config->patch;
}

size_t c2_call_tokens(const c2_call *call, size_t series, const chronos2_config *config) {
  enum { PATHS = 9 }; /* of a rollout beyond its first pass */
  const chronos2_series *s = &call->series[series];
  size_t past = c2_call_patches(call, series, config) + 1; /* REG */
  size_t future = (call->pass.horizon + config->patch - 1) / config->patch;
  size_t more = (future - 1) / config->max_output_patches;
  if (call->scenarios > 0 && more == 0) past = 0; /* it is encoded */
  return (s->targets + s->covariates) * (past + c2_min_size(future, config->max_output_patches)) * (1 + PATHS * more);
}

size_t c2_call_encoded(const c2_call *call, const chronos2_config *c, size_t value) {
  size_t bytes = 0;
  for (size_t i = 0; i < call->count; i++) {
    const chronos2_series *s = &call->series[i];
    c2_sum_up(&bytes, (s->targets + s->covariates) * (c2_call_patches(call, i, c) + 1),
              2 * c->layers * c->heads * c->d_kv * value);
  }
  return bytes;
}

size_t c2_call_quantiles(const c2_call *call, const chronos2_config *config) {
  size_t together = call->is_whole ? call->count : call->scenarios > 0 ? call->count / call->scenarios : 1;
  size_t targets = 0;
  size_t most = 0;
  for (size_t i = 0; i < call->count; i++) {
    targets = (i % together ? targets : 0) + call->series[i].targets;
    most = c2_max_size(most, targets);
  }
  size_t bytes = 0;
  c2_sum_up(&bytes, most * call->pass.horizon, config->quantiles * sizeof *call->values);
  return bytes;
}

c2_status c2_call_lay_out(c2_call *call, c2_error *err) {
  size_t total = 0;
  C2_TRY(c2_alloc_array(call->count + 1, sizeof *call->first, &call->first, err));
  C2_TRY(c2_alloc_array(call->count, sizeof *call->coarse, &call->coarse, err));
  for (size_t i = 0; i < call->count; i++) {
    call->first[i] = total;
    c2_sum_up(&total, call->series[i].targets, call->pass.horizon * (1 + call->level_count));
  }
  call->first[call->count] = total;
  if (total > SIZE_MAX / 64) C2_FAIL(err, C2_ERR_MEMORY, "the result is too large");
  return C2_OK;
}

size_t c2_call_held(const c2_call *call) {
  size_t bytes = call->set.pool.bytes;
  c2_sum_up(&bytes, call->set.count, sizeof *call->set.item);
  c2_sum_up(&bytes, call->count, sizeof *call->series + sizeof *call->first + sizeof *call->coarse);
  for (size_t i = 0; i < call->count; i++) c2_sum_up(&bytes, call->series[i].covariates, sizeof *call->covariate);
  return bytes;
}

size_t c2_call_bytes(const c2_call *call) {
  return call->first[call->count] * sizeof *call->values;
}

c2_status c2_call_make_room(c2_call *call, c2_error *err) {
  return c2_alloc_array(call->first[call->count], sizeof *call->values, &call->values, err);
}

/* ---- The result ------------------------------------------------------------------------------ */

c2_status c2_call_take(c2_call *call, size_t series, const chronos2_forecast *forecast, size_t at,
                       const chronos2_config *config, c2_error *err) {
  const chronos2_series *from = &call->series[series];
  size_t horizon = call->pass.horizon;
  double *out = call->values + call->first[series];
  for (size_t t = 0; t < from->targets; t++) {
    const double *median = chronos2_forecast_median(forecast, at, t);
    if (!median) C2_FAIL(err, C2_ERR_MODEL, "%s", chronos2_forecast_error(forecast, at));
    memcpy(out, median, horizon * sizeof *out);
    out += horizon;
    C2_TRY(c2_api(chronos2_forecast_at_levels(forecast, at, t, call->levels, call->level_count, out), err));
    out += horizon * call->level_count;
  }
  call->coarse[series] = c2_series_is_coarse(from, call->pass.context_length, forecast, at, config->quantiles);
  return C2_OK;
}

const double *c2_call_values(const c2_call *call, size_t series, size_t target) {
  return call->values + call->first[series] + target * call->pass.horizon * (1 + call->level_count);
}

c2_status c2_call_note_coarse(c2_call *call, const c2_dataset *pasts, c2_error *err) {
  c2_caveat_of coarse = {.noun = "series"};
  for (size_t i = 0; i < pasts->count; i++) {
    size_t k = i;
    while (k < call->count && !call->coarse[k]) k += pasts->count;
    if (k < call->count && coarse.count++ == 0) coarse.first = pasts->item[i].id;
  }
  char line[C2_CAVEAT_ROOM];
  c2_caveat_coarse(coarse, "float32", C2_RESCALE, line);
  return note(call, line, err);
}

void c2_call_free(c2_call *call) {
  c2_dataset_free(&call->set);
  free(call->series);
  free(call->covariate);
  free(call->first);
  free(call->coarse);
  free(call->values);
  memset(call, 0, sizeof *call);
}
