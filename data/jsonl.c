/* The reader of JSON Lines. A line is an object, a nested series: "target" and, as far as known, "item_id", "start",
 * "freq", "past_covariates", "future_covariates". Knows the data set and JSON, no other format. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/platform.h"
#include "base/text.h"
#include "data/jsonl.h"
#include "data/reader.h"

/* One series while it is read. */
typedef struct source {
  c2_dataset *set;
  const c2_read_options *options;
  const c2_json_document *doc;
  const c2_json_names *names;
  c2_item *item;
} source;

const c2_json_names c2_json_lines_names = {"item_id", "target", "start", "freq", false, NULL};

/* ---- Values ---------------------------------------------------------------------------------- */

static bool is_missing(const c2_json *value) {
  return !value || value->type == C2_JSON_NULL || value->type == C2_JSON_NAN;
}

static c2_status expect(const source *s, const c2_json *value, c2_json_type type, const char *what, c2_error *err) {
  if (value->type == type) return C2_OK;
  return c2_json_fail(s->doc, value, err, "\"%.60s\": expected %s, found %s", what,
                      type == C2_JSON_ARRAY ? "an array" : "an object", c2_json_type_name(value));
}

static bool is_boolean(const c2_json *value) {
  return value->type == C2_JSON_TRUE || value->type == C2_JSON_FALSE;
}

/* Numbers, and NaN for a missing one. In covariates booleans count as 1 and 0. */
static c2_status read_numbers(const source *s, const c2_json *array, const char *what, bool booleans, double *out,
                              c2_error *err) {
  size_t i = 0;
  C2_JSON_EACH (value, array) {
    if (is_missing(value)) {
      out[i] = (double)NAN;
    } else if (booleans && is_boolean(value)) {
      out[i] = value->type == C2_JSON_TRUE;
    } else if (!c2_json_number(value, &out[i])) {
      return c2_json_fail(s->doc, value, err, "\"%.60s\"[%zu]: expected a number or null, found %s", what, i,
                          c2_json_type_name(value));
    }
    i++;
  }
  return C2_OK;
}

/* What may be printed: ids, names and categories stand in outputs and messages. */
static c2_status expect_plain(const source *s, const c2_json *value, const char *what, c2_error *err) {
  if (c2_text_plain(value->text, value->size)) return C2_OK;
  return c2_json_fail(s->doc, value, err, "%s holds a control character", what);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* A number keeps its own spelling, so that none of its digits is lost. */
static c2_status read_id(const source *s, const c2_json *value, const char **id, c2_error *err) {
  *id = NULL;
  if (!value || value->type == C2_JSON_NULL) return C2_OK;
  if (value->type == C2_JSON_NUMBER || (value->type == C2_JSON_STRING && value->size > 0)) {
    *id = value->text;
    if (c2_text_plain(value->text, value->size)) return C2_OK;
    return c2_json_fail(s->doc, value, err, "\"%s\" holds a control character", s->names->id);
  }
  return c2_json_fail(s->doc, value, err, "\"%s\": expected a name or a number, found %s", s->names->id,
                      value->type == C2_JSON_STRING ? "an empty string" : c2_json_type_name(value));
}

static c2_status read_text(const source *s, const c2_json *value, const char *what, const char **out, c2_error *err) {
  *out = c2_json_string(value);
  if (*out || !value || value->type == C2_JSON_NULL) return C2_OK;
  return c2_json_fail(s->doc, value, err, "\"%s\": expected a string, found %s", what, c2_json_type_name(value));
}

/* The first step: a time stamp, or on an integer axis a whole number. */
static c2_status read_start(source *s, const c2_json *value, c2_error *err) {
  c2_item *item = s->item;
  c2_error why;
  const char *start = NULL;
  if (item->has_freq && item->freq.unit == C2_FREQ_COUNT && value && value->type != C2_JSON_NULL) {
    item->has_start = c2_json_integer(value, &item->start) && item->start > -C2_COUNT_END && item->start < C2_COUNT_END;
    if (item->has_start) return C2_OK;
    return c2_json_fail(s->doc, value, err,
                        "\"start\": expected a whole number of at most 15 digits, as \"freq\" has it");
  }
  C2_TRY(read_text(s, value, "start", &start, err));
  if (start && c2_time_parse(start, &item->start, &item->zone, &why) != C2_OK) {
    return c2_json_fail(s->doc, value, err, "\"start\": %s", why.text);
  }
  item->has_start = start != NULL;
  return C2_OK;
}

/* Start and frequency. A start between two points moves to the next one, as pandas.date_range does. */
static c2_status read_calendar(source *s, const c2_json *object, c2_error *err) {
  c2_item *item = s->item;
  c2_error why;
  if (!s->names->start) return C2_OK;
  const c2_json *start = c2_json_get(object, s->names->start);
  const c2_json *freq_value = c2_json_get(object, s->names->freq);
  const char *freq = NULL;
  C2_TRY(read_text(s, freq_value, "freq", &freq, err));
  if (freq && c2_freq_parse(freq, &item->freq, &why) != C2_OK) {
    return c2_json_fail(s->doc, freq_value, err, "\"freq\": %s", why.text);
  }
  const c2_freq *asked = s->options->freq;
  if (asked && !freq) item->freq = *asked;
  if (asked && freq && !c2_freq_equal(&item->freq, asked) && s->set->kept++ == 0) s->set->first_kept = item->id;
  item->has_freq = freq || asked;
  C2_TRY(read_start(s, start, err));
  if (!item->has_start || !item->has_freq) return C2_OK;
  c2_time given = item->start;
  if (c2_freq_roll_forward(&item->freq, given, &item->start, &why) != C2_OK) {
    return c2_json_fail(s->doc, start, err, "\"start\": %s", why.text);
  }
  if (item->start != given && s->set->moved++ == 0) s->set->first_moved = item->id;
  return C2_OK;
}

static c2_status name_targets(source *s, const c2_json *target, c2_error *err) {
  const c2_read_options *o = s->options;
  c2_item *item = s->item;
  const char **names = NULL;
  if (o->target_count > 0 && o->target_count != item->targets) {
    return c2_json_fail(s->doc, target, err,
                        "\"target\": expected %zu rows, as many as there are names of targets, found %zu",
                        o->target_count, item->targets);
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

/* An array of numbers, or of equally long arrays. */
static c2_status read_target(source *s, const c2_json *object, c2_error *err) {
  const char *name = s->names->target;
  const c2_json *target = c2_json_get(object, name);
  c2_item *item = s->item;
  size_t values = 0;
  if (!target) return c2_json_fail(s->doc, object, err, "expected \"%s\"", name);
  C2_TRY(expect(s, target, C2_JSON_ARRAY, name, err));
  const c2_json *first = c2_json_first(target);
  bool nested = c2_json_is(first, C2_JSON_ARRAY);
  item->targets = nested ? target->size : 1;
  item->length = nested ? first->size : target->size;
  if (!c2_mul(item->targets, item->length, &values)) C2_FAIL(err, C2_ERR_MEMORY, "%s: too many values", s->doc->path);
  C2_TRY(c2_dataset_alloc(s->set, values, sizeof *item->target, &item->target, err));
  if (!nested) {
    C2_TRY(read_numbers(s, target, name, false, item->target, err));
    return name_targets(s, target, err);
  }
  size_t row = 0;
  C2_JSON_EACH (series, target) {
    C2_TRY(expect(s, series, C2_JSON_ARRAY, name, err));
    if (series->size != item->length) {
      return c2_json_fail(s->doc, series, err, "\"%s\": row %zu has %zu values, expected %zu as in row 0", name, row,
                          (size_t)series->size, item->length);
    }
    C2_TRY(read_numbers(s, series, name, false, item->target + row++ * item->length, err));
  }
  return name_targets(s, target, err);
}

/* ---- Covariates ------------------------------------------------------------------------------ */

static bool holds(const c2_json *array, c2_json_type type) {
  C2_JSON_EACH (value, array) {
    if (value->type == type) return true;
  }
  return false;
}

/* One text for one number, whatever its spelling: 1 and 1.0 are one category, two whole numbers of any length are two.
 */
static const char *number_text(const c2_json *value, char *out, size_t room) {
  if (strspn(value->text, "-0123456789") == value->size) return value->text;
  for (int digits = 15; digits <= 17; digits++) {
    (void)snprintf(out, room, "%.*g", digits, value->number);
    if (c2_strtod(out) == value->number) break;
  }
  return out;
}

/* Whether nothing but true and false is there, and missing values. */
static bool holds_booleans(const c2_json *array) {
  bool any = false;
  C2_JSON_EACH (value, array) {
    if (!is_boolean(value) && !is_missing(value)) return false;
    any = any || is_boolean(value);
  }
  return any;
}

/* Categories: strings, booleans (as Python prints them), numbers among strings. */
static c2_status read_categories(const source *s, const c2_json *array, const char *what, const char **out,
                                 c2_error *err) {
  size_t i = 0;
  C2_JSON_EACH (value, array) {
    char number[40];
    const char *text = NULL;
    if (is_boolean(value)) {
      text = value->type == C2_JSON_TRUE ? "True" : "False";
    } else if (value->type == C2_JSON_NUMBER) {
      text = number_text(value, number, sizeof number);
    } else if (value->type == C2_JSON_STRING) {
      text = value->text;
      C2_TRY(expect_plain(s, value, "a category", err));
    } else if (!is_missing(value)) {
      return c2_json_fail(s->doc, value, err,
                          "\"%.60s\"[%zu]: expected a string, a boolean, a number or null, found %s", what, i,
                          c2_json_type_name(value));
    }
    if (text) C2_TRY(c2_dataset_text(s->set, text, &out[i], err));
    i++;
  }
  return C2_OK;
}

static c2_status read_future_numbers(const source *s, const c2_json *array, c2_covariate *out, c2_error *err) {
  size_t at = 0;
  if (holds(array, C2_JSON_TRUE) || holds(array, C2_JSON_FALSE)) {
    C2_TRY(c2_lookup_put(&s->set->truths, out->name, &at, err));
  }
  return read_numbers(s, array, out->name, true, out->future, err);
}

/* Numbers beside other texts, which make them categories. */
static c2_status put_mixed(const source *s, const c2_json *past, const char *name, c2_error *err) {
  const char *odd = NULL;
  bool any = false;
  char place[100];
  char line[C2_CAVEAT_ROOM];
  C2_JSON_EACH (value, past) {
    any = any || value->type == C2_JSON_NUMBER;
    bool is_text = value->type == C2_JSON_STRING;
    if (is_text && (!odd || c2_number_shape_of(odd) != C2_SHAPE_NONE)) odd = value->text; /* rather no 2 */
  }
  if (!any || !odd) return C2_OK;
  (void)snprintf(place, sizeof place, " in item '%.80s'", s->item->id);
  c2_caveat_mixed(name, odd, place, line);
  return c2_dataset_put_mixed(s->set, name, line, err);
}

static c2_status read_covariate(const source *s, const c2_json *key, const c2_json *future, c2_covariate *out,
                                c2_error *err) {
  const char *name = key->text;
  const c2_json *past = key + 1;
  size_t length = c2_json_size(past);
  C2_TRY(expect(s, past, C2_JSON_ARRAY, name, err));
  C2_TRY(expect_plain(s, key, "a covariate's name", err));
  if (length != s->item->length) {
    return c2_json_fail(s->doc, past, err, "past covariate \"%.60s\" has %zu values, expected %zu as the target", name,
                        length, s->item->length);
  }
  if (future && c2_json_size(future) == 0) {
    return c2_json_fail(s->doc, future, err, "future covariate \"%.60s\" has no values", name);
  }
  C2_TRY(c2_dataset_text(s->set, name, &out->name, err));
  out->future_length = c2_json_size(future);
  out->is_boolean = holds_booleans(past);
  out->is_text = out->is_boolean || holds(past, C2_JSON_STRING) ||
                 (holds(future, C2_JSON_STRING) && !holds(past, C2_JSON_NUMBER));
  if (out->is_text) {
    C2_TRY(c2_dataset_alloc(s->set, length, sizeof *out->past_text, &out->past_text, err));
    if (out->future_length > 0) {
      C2_TRY(c2_dataset_alloc(s->set, out->future_length, sizeof *out->future_text, &out->future_text, err));
    }
    C2_TRY(put_mixed(s, past, name, err));
    C2_TRY(read_categories(s, past, name, out->past_text, err));
    return read_categories(s, future, name, out->future_text, err);
  }
  C2_TRY(c2_dataset_alloc(s->set, length, sizeof *out->past, &out->past, err));
  if (out->future_length > 0) {
    C2_TRY(c2_dataset_alloc(s->set, out->future_length, sizeof *out->future, &out->future, err));
  }
  C2_TRY(read_numbers(s, past, name, true, out->past, err));
  return read_future_numbers(s, future, out, err);
}

/* A member that is an object; NULL if there is none. */
static c2_status find_object(const source *s, const c2_json *object, const char *key, const c2_json **out,
                             c2_error *err) {
  *out = c2_json_get(object, key);
  if (c2_json_is(*out, C2_JSON_NULL)) *out = NULL;
  return *out ? expect(s, *out, C2_JSON_OBJECT, key, err) : C2_OK;
}

static c2_status read_covariates(source *s, const c2_json *object, c2_error *err) {
  c2_item *item = s->item;
  const c2_json *past = NULL;
  const c2_json *future = NULL;
  C2_TRY(find_object(s, object, "past_covariates", &past, err));
  C2_TRY(find_object(s, object, "future_covariates", &future, err));
  C2_JSON_EACH (known, future) {
    C2_TRY(expect(s, known + 1, C2_JSON_ARRAY, known->text, err));
    if (c2_json_get(past, known->text)) continue;
    return c2_json_fail(s->doc, known, err, "future covariate \"%.60s\" is missing in \"past_covariates\"",
                        known->text);
  }
  C2_TRY(c2_dataset_alloc(s->set, c2_json_size(past), sizeof *item->covariate, &item->covariate, err));
  C2_JSON_EACH (key, past) {
    C2_TRY(read_covariate(s, key, c2_json_get(future, key->text), &item->covariate[item->covariates++], err));
  }
  return C2_OK;
}

/* ---- Series ---------------------------------------------------------------------------------- */

static c2_status refuse_other_keys(const source *s, const c2_json *object, c2_error *err) {
  const c2_json_names *n = s->names;
  const char *const all[] = {n->id, n->start, n->freq, n->target, "past_covariates", "future_covariates"};
  const char *known[sizeof all / sizeof all[0] + 1] = {NULL};
  size_t count = 0;
  if (n->others) return C2_OK;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (all[i]) known[count++] = all[i];
  }
  return c2_json_refuse_others(s->doc, object, known, err);
}

c2_status c2_read_json_item(c2_dataset *set, const c2_json_document *doc, const c2_json *object,
                            const c2_json_names *names, const c2_read_options *options, c2_error *err) {
  source s = {set, options, doc, names, NULL};
  const char *id = NULL;
  char place[64];
  if (object->type != C2_JSON_OBJECT) {
    return c2_json_fail(doc, object, err, "expected an object, found %s", c2_json_type_name(object));
  }
  C2_TRY(refuse_other_keys(&s, object, err));
  C2_TRY(read_id(&s, c2_json_get(object, names->id), &id, err));
  if (!id && names->list) {
    (void)snprintf(place, sizeof place, "%s[%zu]", names->list, set->count);
    id = place;
  }
  C2_TRY(c2_dataset_add(set, id, doc->path, doc->lines_before + object->line, &s.item, err));
  C2_TRY(read_calendar(&s, object, err));
  C2_TRY(read_target(&s, object, err));
  set->rows += s.item->length;
  return read_covariates(&s, object, err);
}

static c2_status read_future(const source *s, const c2_json *key, size_t horizon, c2_covariate *out, c2_error *err) {
  const c2_json *future = key + 1;
  out->future = NULL;
  out->future_text = NULL;
  out->future_length = 0;
  if (future->type == C2_JSON_NULL) return C2_OK;
  C2_TRY(expect(s, future, C2_JSON_ARRAY, key->text, err));
  if (future->size != horizon) {
    return c2_json_fail(s->doc, future, err, "expected %zu values, as many as steps are forecast, found %zu", horizon,
                        (size_t)future->size);
  }
  out->future_length = horizon;
  if (out->is_text) {
    C2_TRY(c2_dataset_alloc(s->set, horizon, sizeof *out->future_text, &out->future_text, err));
    return read_categories(s, future, key->text, out->future_text, err);
  }
  C2_TRY(c2_dataset_alloc(s->set, horizon, sizeof *out->future, &out->future, err));
  return read_future_numbers(s, future, out, err);
}

c2_status c2_read_json_futures(c2_dataset *set, const c2_json_document *doc, const c2_json *object, const c2_item *item,
                               size_t horizon, c2_covariate *out, c2_error *err) {
  const source s = {set, NULL, doc, &c2_json_lines_names, NULL};
  for (size_t c = 0; c < item->covariates; c++) out[c] = item->covariate[c];
  C2_JSON_EACH (key, object) {
    size_t c = 0;
    while (c < item->covariates && strcmp(key->text, out[c].name) != 0) c++;
    if (c == item->covariates) return c2_json_fail(doc, key, err, "there is no past covariate \"%.60s\"", key->text);
    C2_TRY(read_future(&s, key, horizon, &out[c], err));
  }
  return C2_OK;
}

/* Bytes of a byte order mark, which may stand in front. */
static size_t size_of_mark(const char *text) {
  return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool is_blank(const char *line, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
  }
  return true;
}

static c2_status parse_line(c2_json_document *doc, char *line, size_t size, c2_error *err) {
  c2_error why;
  c2_status status = c2_json_parse(doc, line, size, &why);
  if (status == doc->failure) C2_FAIL(err, status, "%s; JSON Lines holds one object a line", why.text);
  return status == C2_OK ? C2_OK : c2_fail(err, status, "%s", why.text);
}

static c2_status read_series(c2_input *input, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  c2_json_document doc = {.path = input->name, .failure = C2_ERR_FORMAT, .allow_nan = true};
  c2_status status = C2_OK;
  char *text = input->text;
  size_t size = input->size;
  size_t before = set->count;
  size_t at = size_of_mark(text);
  for (; at < size; doc.lines_before++) {
    const char *end = memchr(text + at, '\n', size - at);
    size_t length = end ? (size_t)(end - text) - at : size - at;
    if (!is_blank(text + at, length)) {
      C2_GOTO(parse_line(&doc, text + at, length, err));
      C2_GOTO(c2_read_json_item(set, &doc, doc.node, &c2_json_lines_names, options, err));
    }
    at += length + 1;
  }
  if (set->count == before) {
    C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s: empty; expected one JSON object a line", input->name));
  }
  status = c2_dataset_note_calendars(set, err);
fail:
  c2_json_free(&doc);
  return status;
}

/* ---- The reader ------------------------------------------------------------------------------ */

bool c2_path_is_json(const char *path) {
  return c2_text_ends(path, ".jsonl") || c2_text_ends(path, ".ndjson") || c2_text_ends(path, ".json");
}

/* By the name's extension, or else by the first character. */
static bool sniff(const c2_input *input) {
  const char *path = input->path;
  if (c2_path_is_json(path)) return true;
  const char *text = input->text + size_of_mark(input->text);
  return !c2_text_ends(path, ".csv") && text[strspn(text, " \t\n\v\f\r")] == '{';
}

const c2_reader c2_json_lines_reader = {"JSON Lines", sniff, NULL, NULL, read_series, NULL, NULL};
