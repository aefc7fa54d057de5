/* JSON Lines to series: one object a line, with "target" and, as far as known, "item_id", "start", "freq",
 * "past_covariates", "future_covariates". Knows the data set and jansson, no other format. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/series.h"

/* One line while it is read. */
typedef struct source {
  c2_dataset *set;
  const c2_read_options *options;
  const char *path;
  size_t line;
  c2_item *item;
} source;

static const char *type_name(const json_t *value) {
  switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: return "null";
  }
  return "something else";
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* A number, or NaN for null; `what` and `index` say where for the message. */
static c2_status read_number(const source *s, const json_t *value, const char *what, size_t index, double *out,
                             c2_error *err) {
  *out = (double)NAN;
  if (json_is_null(value)) return C2_OK;
  if (json_is_number(value)) {
    *out = json_number_value(value); /* jansson refuses numbers beyond a double's range */
    return C2_OK;
  }
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"%.60s\"[%zu]: expected a number or null, found %s", s->path, s->line, what,
          index, type_name(value));
}

static c2_status expect_array(const source *s, const json_t *value, const char *what, c2_error *err) {
  if (json_is_array(value)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"%.60s\": expected an array, found %s", s->path, s->line, what,
          type_name(value));
}

static c2_status expect_object(const source *s, const json_t *value, const char *what, c2_error *err) {
  if (json_is_object(value)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"%.60s\": expected an object, found %s", s->path, s->line, what,
          type_name(value));
}

static c2_status read_numbers(const source *s, const json_t *array, const char *what, double *out, c2_error *err) {
  for (size_t i = 0; i < json_array_size(array); i++) {
    C2_TRY(read_number(s, json_array_get(array, i), what, i, &out[i], err));
  }
  return C2_OK;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static c2_status read_id(const source *s, const json_t *value, char *number, size_t room, const char **id,
                         c2_error *err) {
  *id = NULL;
  if (!value || json_is_null(value)) return C2_OK;
  if (json_is_string(value)) {
    *id = json_string_value(value);
    if (**id) return C2_OK;
  }
  if (json_is_number(value)) {
    (void)snprintf(number, room, "%.15g", json_number_value(value));
    *id = number;
    return C2_OK;
  }
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"item_id\": expected a name or a number, found %s", s->path, s->line,
          json_is_string(value) ? "an empty string" : type_name(value));
}

static c2_status read_text(const source *s, const json_t *value, const char *what, const char **out, c2_error *err) {
  *out = NULL;
  if (!value || json_is_null(value)) return C2_OK;
  *out = json_string_value(value);
  if (*out) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"%s\": expected a string, found %s", s->path, s->line, what, type_name(value));
}

/* Start and frequency. A start between two points moves to the next one, as pandas.date_range does. */
static c2_status read_calendar(source *s, const json_t *object, c2_error *err) {
  c2_item *item = s->item;
  c2_error why;
  const char *start = NULL;
  const char *freq = NULL;
  C2_TRY(read_text(s, json_object_get(object, "start"), "start", &start, err));
  C2_TRY(read_text(s, json_object_get(object, "freq"), "freq", &freq, err));
  c2_zone zone = {false, 0};
  if (start && c2_time_parse(start, &item->start, &zone, &why) != C2_OK) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"start\": %s", s->path, s->line, why.text);
  }
  if (freq && c2_freq_parse(freq, &item->freq, &why) != C2_OK) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"freq\": %s", s->path, s->line, why.text);
  }
  if (s->options->freq) item->freq = *s->options->freq;
  item->has_start = start != NULL;
  item->has_freq = freq || s->options->freq;
  if (item->has_start && item->has_freq &&
      c2_freq_roll_forward(&item->freq, item->start, &item->start, &why) != C2_OK) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"start\": %s", s->path, s->line, why.text);
  }
  return C2_OK;
}

static c2_status name_targets(source *s, c2_error *err) {
  const c2_read_options *o = s->options;
  c2_item *item = s->item;
  const char **names = NULL;
  if (o->target_count > 0 && o->target_count != item->targets) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s:%zu: \"target\": expected %zu rows, as many as there are names of targets, found "
            "%zu",
            s->path, s->line, o->target_count, item->targets);
  }
  C2_TRY(c2_dataset_alloc(s->set, item->targets, sizeof *names, &names, err));
  for (size_t i = 0; i < item->targets; i++) {
    char name[40] = "target";
    if (item->targets > 1) (void)snprintf(name, sizeof name, "target_%zu", i);
    C2_TRY(c2_dataset_text(s->set, o->target_count ? o->targets[i] : name, &names[i], err));
  }
  item->target_names = names;
  return C2_OK;
}

static c2_status read_target(source *s, const json_t *target, c2_error *err) {
  c2_item *item = s->item;
  size_t values = 0;
  if (!target) C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: expected \"target\"", s->path, s->line);
  C2_TRY(expect_array(s, target, "target", err));
  bool nested = json_is_array(json_array_get(target, 0));
  item->targets = nested ? json_array_size(target) : 1;
  item->length = json_array_size(nested ? json_array_get(target, 0) : target);
  for (size_t i = 0; nested && i < item->targets; i++) {
    const json_t *series = json_array_get(target, i);
    C2_TRY(expect_array(s, series, "target", err));
    if (json_array_size(series) != item->length) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"target\": row %zu has %zu values, expected %zu as in row 0", s->path,
              s->line, i, json_array_size(series), item->length);
    }
  }
  if (!c2_mul(item->targets, item->length, &values)) C2_FAIL(err, C2_ERR_MEMORY, "%s: too many values", s->path);
  C2_TRY(c2_dataset_alloc(s->set, values, sizeof *item->target, &item->target, err));
  for (size_t i = 0; i < item->targets; i++) {
    const json_t *series = nested ? json_array_get(target, i) : target;
    C2_TRY(read_numbers(s, series, "target", item->target + i * item->length, err));
  }
  return name_targets(s, err);
}

/* ---- Covariates ------------------------------------------------------------------------------ */

static bool holds_text(const json_t *array) {
  for (size_t i = 0; i < json_array_size(array); i++) {
    const json_t *value = json_array_get(array, i);
    if (json_is_string(value) || json_is_boolean(value)) return true;
  }
  return false;
}

/* Categories: strings, booleans (as Python prints them), numbers among strings. */
static c2_status read_categories(const source *s, const json_t *array, const char *what, const char **out,
                                 c2_error *err) {
  for (size_t i = 0; i < json_array_size(array); i++) {
    const json_t *value = json_array_get(array, i);
    char number[40];
    const char *text = number;
    if (json_is_null(value)) continue;
    if (json_is_string(value)) {
      text = json_string_value(value);
    } else if (json_is_boolean(value)) {
      text = json_is_true(value) ? "True" : "False";
    } else if (json_is_number(value)) {
      (void)snprintf(number, sizeof number, "%.15g", json_number_value(value));
    } else {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: \"%.60s\"[%zu]: expected a string, a boolean, a number or null, found %s",
              s->path, s->line, what, i, type_name(value));
    }
    C2_TRY(c2_dataset_text(s->set, text, &out[i], err));
  }
  return C2_OK;
}

static c2_status read_covariate(const source *s, const char *name, const json_t *past, const json_t *future,
                                c2_covariate *out, c2_error *err) {
  size_t length = json_array_size(past);
  if (length != s->item->length) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: past covariate \"%.60s\" has %zu values, expected %zu as the target", s->path,
            s->line, name, length, s->item->length);
  }
  C2_TRY(c2_dataset_text(s->set, name, &out->name, err));
  out->future_length = json_array_size(future);
  out->is_text = holds_text(past) || holds_text(future);
  if (out->is_text) {
    C2_TRY(c2_dataset_alloc(s->set, length, sizeof *out->past_text, &out->past_text, err));
    C2_TRY(c2_dataset_alloc(s->set, out->future_length, sizeof *out->future_text, &out->future_text, err));
    C2_TRY(read_categories(s, past, name, out->past_text, err));
    return read_categories(s, future, name, out->future_text, err);
  }
  C2_TRY(c2_dataset_alloc(s->set, length, sizeof *out->past, &out->past, err));
  C2_TRY(c2_dataset_alloc(s->set, out->future_length, sizeof *out->future, &out->future, err));
  C2_TRY(read_numbers(s, past, name, out->past, err));
  return read_numbers(s, future, name, out->future, err);
}

static c2_status read_covariates(source *s, json_t *object, c2_error *err) {
  c2_item *item = s->item;
  json_t *past = json_object_get(object, "past_covariates");
  json_t *future = json_object_get(object, "future_covariates");
  const char *name = NULL;
  json_t *value = NULL;
  if (json_is_null(past)) past = NULL;
  if (json_is_null(future)) future = NULL;
  if (past) C2_TRY(expect_object(s, past, "past_covariates", err));
  if (future) C2_TRY(expect_object(s, future, "future_covariates", err));
  json_object_foreach(future, name, value) {
    C2_TRY(expect_array(s, value, name, err));
    if (json_object_get(past, name)) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: future covariate \"%.60s\" is missing in \"past_covariates\"", s->path,
            s->line, name);
  }
  C2_TRY(c2_dataset_alloc(s->set, json_object_size(past), sizeof *item->covariate, &item->covariate, err));
  json_object_foreach(past, name, value) {
    C2_TRY(expect_array(s, value, name, err));
    const json_t *known = json_object_get(future, name);
    if (known && json_array_size(known) == 0) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: future covariate \"%.60s\" has no values", s->path, s->line, name);
    }
    C2_TRY(read_covariate(s, name, value, known, &item->covariate[item->covariates++], err));
  }
  return C2_OK;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static c2_status refuse_other_keys(const source *s, json_t *object, c2_error *err) {
  static const char *const keys[] = {"item_id", "start", "freq", "target", "past_covariates", "future_covariates"};
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(object, key, value) {
    bool known = false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) known = known || strcmp(key, keys[i]) == 0;
    if (!known) {
      C2_FAIL(err, C2_ERR_FORMAT,
              "%s:%zu: unknown key \"%.60s\"; expected item_id, start, freq, target, "
              "past_covariates, future_covariates",
              s->path, s->line, key);
    }
  }
  return C2_OK;
}

static c2_status read_object(source *s, json_t *object, c2_error *err) {
  char number[40];
  const char *id = NULL;
  C2_TRY(expect_object(s, object, "", err));
  C2_TRY(refuse_other_keys(s, object, err));
  C2_TRY(read_id(s, json_object_get(object, "item_id"), number, sizeof number, &id, err));
  C2_TRY(c2_dataset_add(s->set, id, s->path, s->line, &s->item, err));
  C2_TRY(read_calendar(s, object, err));
  C2_TRY(read_target(s, json_object_get(object, "target"), err));
  s->set->rows += s->item->length;
  return read_covariates(s, object, err);
}

static c2_status read_line(source *s, const char *line, size_t size, c2_error *err) {
  json_error_t why;
  json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
  if (!object) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu:%d: expected one JSON object a line: %.200s", s->path, s->line, why.column,
            why.text);
  }
  c2_status status = read_object(s, object, err);
  json_decref(object);
  return status;
}

static bool is_blank(const char *line, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
  }
  return true;
}

c2_status c2_read_json_series(c2_dataset *set, const char *path, const char *text, size_t size,
                              const c2_read_options *options, c2_error *err) {
  source s = {set, options, path, 0, NULL};
  size_t before = set->count;
  size_t at = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  while (at < size) {
    const char *end = memchr(text + at, '\n', size - at);
    size_t length = end ? (size_t)(end - text) - at : size - at;
    s.line++;
    if (!is_blank(text + at, length)) C2_TRY(read_line(&s, text + at, length, err));
    at += length + 1;
  }
  if (set->count == before) C2_FAIL(err, C2_ERR_FORMAT, "%s: empty; expected one JSON object a line", path);
  return C2_OK;
}
