/* KServe's time series protocol, POST /v1/timeseries/forecast:
 *
 *   {"model", "inputs": [{"type", "name", "series", "frequency", "start_timestamp"}], "options": {"horizon",
 * "quantiles"}}
 *   {"id", "created_at", "status", "error", "model", "outputs": [{"type", "id", "status", "content": [...], "error"}],
 *    "usage"}
 *
 * https://github.com/kserve/kserve, python/kserve/kserve/protocol/rest/timeseries/types.py. Where the protocol lets
 * clients add members, an input may have covariates and the options what SageMaker's parameters have. A multivariate
 * series is an array for each variable. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/platform.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "serve/protocol.h"

/* ---- Time stamps ----------------------------------------------------------------------------- */

/* A step of a frequency: months, or microseconds. */
typedef struct frequency {
  const char *name, *letter;
  int64_t months, microseconds;
} frequency;

#define SECOND INT64_C(1000000)

static const frequency frequencies[] = {
    {"second", "S", 0, SECOND},      {"minute", "T", 0, 60 * SECOND},
    {"hour", "H", 0, 3600 * SECOND}, {"day", "D", 0, C2_DAY_US},
    {"week", "W", 0, 7 * C2_DAY_US}, {"month", "M", 1, 0},
    {"quarter", "Q", 3, 0},          {"year", "Y", 12, 0},
};

static const frequency *find_frequency(const char *text) {
  for (size_t i = 0; i < sizeof frequencies / sizeof frequencies[0]; i++) {
    if (strcmp(text, frequencies[i].name) == 0 || strcmp(text, frequencies[i].letter) == 0) return &frequencies[i];
  }
  return NULL;
}

/* A time so many steps later; months keep the day, or take their last one. */
static c2_time advance(const frequency *f, c2_time start, size_t steps) {
  if (f->months == 0) return start + f->microseconds * (int64_t)steps;
  c2_date date = c2_date_of(c2_floor_div(start, C2_DAY_US));
  int64_t month = date.year * 12 + date.month - 1 + f->months * (int64_t)steps;
  int64_t year = c2_floor_div(month, 12);
  date.month = (int)c2_floor_mod(month, 12) + 1;
  int last = c2_month_length(year, date.month);
  if (date.day > last) date.day = last;
  return c2_day_of(year, date.month, date.day) * C2_DAY_US + c2_floor_mod(start, C2_DAY_US);
}

/* "2025-06-05T13:10:00Z" */
static void print_time(c2_time time, c2_zone zone, char out[C2_TIME_ROOM]) {
  c2_time_format(time, true, zone, out);
  char *blank = strchr(out, ' ');
  if (blank) *blank = 'T';
  if (zone.given && zone.minutes == 0) memcpy(out + strlen(out) - strlen("+00:00"), "Z", 2);
}

/* The time stamp of the first step that is forecast; "" where the client gives none. */
static c2_status read_calendar(c2_call *call, size_t index, const c2_json_document *doc, const c2_json *input,
                               c2_error *err) {
  const c2_json *name = c2_json_get(input, "frequency");
  const c2_json *start = c2_json_get(input, "start_timestamp");
  const char *text = c2_json_string(name);
  const frequency *f = text ? find_frequency(text) : NULL;
  size_t length = call->set.item[index].length;
  c2_given *given = &call->given[index];
  c2_time time = 0;
  c2_zone zone;
  c2_error why;
  char out[C2_TIME_ROOM] = "";
  if (!f) {
    return c2_json_fail(doc, name ? name : input, err,
                        "\"frequency\": expected second, minute, hour, day, week, month, quarter, year or one of S, T, "
                        "H, D, W, M, Q, Y, found %.40s",
                        text ? text : c2_json_type_name(name));
  }
  C2_TRY(c2_dataset_text(&call->set, text, &given->frequency, err));
  if (start && start->type != C2_JSON_NULL) {
    text = c2_json_string(start);
    if (!text) return c2_json_fail(doc, start, err, "expected a time stamp, found %s", c2_json_type_name(start));
    if (c2_time_parse(text, &time, &zone, &why) != C2_OK) return c2_json_fail(doc, start, err, "%s", why.text);
    /* A body has fewer than 2^32 values, and 2^32 years are far below what 64 bits count in months. */
    double years = f->months ? (double)f->months * (double)length / 12
                             : (double)f->microseconds * (double)length / (366.0 * (double)C2_DAY_US);
    if (years < 10000) time = advance(f, time, length);
    if (years >= 10000 || time >= C2_END_DAY * C2_DAY_US) {
      return c2_json_fail(doc, start, err, "the forecast would begin after the year 9999");
    }
    print_time(time, zone, out);
  }
  return c2_dataset_text(&call->set, out, &given->start, err);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static c2_status read_input(c2_call *call, size_t index, const c2_json_document *doc, const c2_json *input,
                            c2_error *err) {
  static const c2_json_names names = {.id = "name", .target = "series", .others = true};
  const c2_read_options options = {.id_column = NULL};
  const c2_json *type = c2_json_get(input, "type");
  const c2_json *id = c2_json_get(input, "name");
  const char *text = c2_json_string(type);
  bool nested = c2_json_is(c2_json_first(c2_json_get(input, "series")), C2_JSON_ARRAY);
  bool multivariate = text && strcmp(text, "multivariate_time_series") == 0;
  C2_TRY(c2_call_check_series(call, doc, input, "series", err));
  C2_TRY(c2_read_json_item(&call->set, doc, input, &names, &options, err));
  if (!c2_json_is(id, C2_JSON_STRING)) {
    return c2_json_fail(doc, id ? id : input, err, "\"name\": expected a string, found %s", c2_json_type_name(id));
  }
  if (!multivariate && !(text && strcmp(text, "univariate_time_series") == 0)) {
    return c2_json_fail(doc, type ? type : input, err,
                        "\"type\": expected univariate_time_series or multivariate_time_series, found %.40s",
                        text ? text : c2_json_type_name(type));
  }
  if (multivariate != nested) {
    return c2_json_fail(doc, c2_json_get(input, "series"), err, "expected %s, as \"type\" has it",
                        multivariate ? "an array for each variable" : "an array of numbers");
  }
  call->given[index].is_nested = nested;
  return read_calendar(call, index, doc, input, err);
}

/* ---- Members that mean nothing here ---- */

/* Keeps the names of an object's members that aren't known. Null says nothing. */
static c2_status find_others(c2_call *call, const c2_json *object, const char *where, const char *const *known,
                             c2_error *err) {
  C2_JSON_EACH (key, object) {
    char name[100];
    size_t i = 0;
    while (known[i] && strcmp(key->text, known[i]) != 0) i++;
    if (known[i] || c2_json_is(key + 1, C2_JSON_NULL)) continue;
    (void)snprintf(name, sizeof name, "%s%.60s", where, key->text);
    C2_TRY(c2_lookup_keep(&call->set.ignored, &call->set.pool, name, &i, err));
  }
  return C2_OK;
}

static c2_status note_others(c2_call *call, const c2_json *root, c2_error *err) {
  static const char *const top[] = {"model", "inputs", "options", NULL};
  static const char *const series[] = {"type", "name", "series", "frequency", "start_timestamp",
                                       "past_covariates", "future_covariates", NULL};
  static const char *const options[] = {"horizon", "quantiles", "batch_size", "predict_batches_jointly",
                                        "cross_learning", "attention", "radius", "context_length", NULL};
  enum { NAMED = 4 };
  char names[NAMED * 102 + 40] = "";
  const c2_lookup *found = &call->set.ignored;
  C2_TRY(find_others(call, root, "", top, err));
  C2_TRY(find_others(call, c2_json_get(root, "options"), "options.", options, err));
  C2_JSON_EACH (input, c2_json_get(root, "inputs")) C2_TRY(find_others(call, input, "inputs[].", series, err));
  if (found->count == 0) return C2_OK;
  for (size_t i = 0; i < found->count && i < NAMED; i++) {
    size_t used = strlen(names);
    (void)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", found->text[i]);
  }
  size_t used = strlen(names);
  if (found->count > NAMED) (void)snprintf(names + used, sizeof names - used, " and %zu more", found->count - NAMED);
  return c2_dataset_note(&call->set, err, "members that mean nothing to this server are ignored: %s", names);
}

static c2_status read_options(c2_call *call, const c2_json_document *doc, const c2_call_limits *limits, c2_error *err) {
  const c2_json *object = c2_json_get(doc->node, "options");
  if (!c2_json_is(object, C2_JSON_OBJECT)) {
    return c2_json_fail(doc, object ? object : doc->node, err, "\"options\": expected an object, found %s",
                        c2_json_type_name(object));
  }
  C2_TRY(c2_call_read_horizon(call, doc, object, "horizon", true, limits, err));
  C2_TRY(c2_call_read_levels(call, doc, object, "quantiles", err));
  return c2_call_read_pass(call, doc, object, limits, err);
}

static c2_status read_call(c2_call *call, const c2_json_document *doc, const c2_call_limits *limits,
                           const chronos2_config *config, c2_error *err) {
  const c2_json *root = doc->node;
  const c2_json *inputs = c2_json_get(root, "inputs");
  const c2_json *model = c2_json_get(root, "model");
  const char *name = c2_json_string(model);
  size_t i = 0;
  if (!name || strcmp(name, limits->model) != 0) {
    return c2_json_fail(doc, model ? model : root, err, "\"model\": expected \"%s\", found %.80s", limits->model,
                        name ? name : c2_json_type_name(model));
  }
  C2_TRY(read_options(call, doc, limits, err));
  if (!c2_json_is(inputs, C2_JSON_ARRAY) || inputs->size < 1 || inputs->size > limits->series) {
    return c2_json_fail(doc, inputs ? inputs : root, err, "\"inputs\": expected an array of 1 to %zu series",
                        limits->series);
  }
  call->set.twins = true;
  C2_TRY(c2_dataset_alloc(&call->set, inputs->size, sizeof *call->given, &call->given, err));
  C2_TRY(c2_dataset_text(&call->set, name, &call->model, err));
  C2_JSON_EACH (input, inputs) C2_TRY(read_input(call, i++, doc, input, err));
  C2_TRY(note_others(call, root, err));
  return c2_call_complete(call, doc, inputs, limits, config, err);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* A random UUID (RFC 9562, version 4). */
static void put_id(c2_json_writer *json) {
  unsigned char b[16] = {0};
  char text[37];
  (void)c2_random_bytes(b, sizeof b);
  b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
  b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
  (void)snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  c2_json_put_text(json, "id", text);
}

static void put_output(const c2_call *call, size_t i, c2_json_writer *json) {
  const c2_given *given = &call->given[i];
  char level[C2_FLOAT_ROOM];
  c2_json_begin_object(json, NULL);
  c2_json_put_text(json, "type", "time_series_forecast");
  put_id(json);
  c2_json_put_text(json, "status", "completed");
  c2_json_begin_array(json, "content");
  c2_json_begin_object(json, NULL);
  c2_json_put_text(json, "type", given->is_nested ? "multivariate_time_series" : "univariate_time_series");
  c2_json_put_text(json, "name", call->set.item[i].id);
  c2_protocol_put_values(call, i, given->is_nested, C2_PROTOCOL_MEDIAN, "mean_forecast", json);
  c2_json_put_text(json, "frequency", given->frequency);
  c2_json_put_text(json, "start_timestamp", given->start);
  if (call->levels_given) {
    c2_json_begin_object(json, "quantiles");
    for (size_t q = 0; q < call->level_count; q++) {
      c2_double_text(level, call->levels[q], C2_PROTOCOL_DIGITS);
      c2_protocol_put_values(call, i, given->is_nested, q, level, json);
    }
    c2_json_end_object(json);
  } else {
    c2_json_put_null(json, "quantiles");
  }
  c2_json_end_object(json);
  c2_json_end_array(json);
  c2_json_put_null(json, "error");
  c2_json_end_object(json);
}

static c2_status write_call(const c2_call *call, const chronos2_config *config, c2_json_writer *json, c2_error *err) {
  size_t past = 0;
  size_t future = 0;
  (void)err;
  for (size_t i = 0; i < call->set.count; i++) {
    size_t rows = call->series[i].targets + call->series[i].covariates;
    past += rows * c2_call_patches(call, i, config);
    future += rows * ((call->pass.horizon + config->patch - 1) / config->patch);
  }
  c2_json_begin_object(json, NULL);
  put_id(json);
  c2_json_put_whole(json, "created_at", (uint64_t)time(NULL));
  c2_json_put_text(json, "status", "completed");
  c2_json_put_null(json, "error");
  c2_json_put_text(json, "model", call->model);
  c2_json_begin_array(json, "outputs");
  for (size_t i = 0; i < call->set.count; i++) put_output(call, i, json);
  c2_json_end_array(json);
  c2_json_begin_object(json, "usage");
  c2_json_put_whole(json, "prompt_tokens", past);
  c2_json_put_whole(json, "completion_tokens", future);
  c2_json_put_whole(json, "total_tokens", past + future);
  c2_json_end_object(json);
  c2_protocol_put_warnings(call, json);
  c2_json_end_object(json);
  return C2_OK;
}

const c2_protocol c2_kserve = {"kserve", read_call, write_call};
