/* Tables of text for the wrapper: CSV, by the reader of data/, as series that it takes back. */
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "base/memory.h"
#include "base/number.h"
#include "data/assemble.h"
#include "data/cell.h"
#include "data/summary.h"

/* The table's name in messages. */
#define NAME "CSV"

/* ---- Options ---------------------------------------------------------------------------------- */

static c2_status read_text(const c2_json_document *doc, const c2_json *value, c2_dataset *set, const char **out,
                           c2_error *err) {
  const char *text = c2_json_string(value);
  if (!value) return C2_OK;
  if (!text) return c2_json_fail(doc, value, err, "expected a text, found %s", c2_json_type_name(value));
  return c2_dataset_text(set, text, out, err);
}

/* A text, or an array of texts. */
static c2_status read_names(const c2_json_document *doc, const c2_json *value, c2_dataset *set,
                            const char *const **names, size_t *count, c2_error *err) {
  const char **out = NULL;
  bool several = c2_json_is(value, C2_JSON_ARRAY);
  if (!value) return C2_OK;
  C2_TRY(c2_dataset_alloc(set, c2_max_size(c2_json_size(value), 1), sizeof *out, &out, err));
  *names = out;
  *count = several ? value->size : 1;
  if (!several) return read_text(doc, value, set, out, err);
  C2_JSON_EACH (name, value) C2_TRY(read_text(doc, name, set, out++, err));
  return C2_OK;
}

/* One of `signs`; 0 where there is no such member. */
static c2_status read_sign(const c2_json_document *doc, const c2_json *value, const char *signs, char *out,
                           c2_error *err) {
  const char *text = c2_json_string(value);
  if (!value) return C2_OK;
  if (!text || strlen(text) != 1 || !strchr(signs, *text)) {
    return c2_json_fail(doc, value, err, "expected one of the signs '%s'", strcmp(signs, ".,") == 0 ? signs : ",;|\\t");
  }
  *out = *text;
  return C2_OK;
}

static c2_status read_dialect(const c2_json_document *doc, const c2_json *object, c2_dataset *set, c2_dialect *out,
                              c2_error *err) {
  const c2_json *format = c2_json_get(object, "time_format");
  const char *text = NULL;
  c2_error why;
  C2_TRY(read_sign(doc, c2_json_get(object, "delimiter"), ",;|\t", &out->delimiter, err));
  C2_TRY(read_sign(doc, c2_json_get(object, "decimal"), ".,", &out->decimal, err));
  C2_TRY(read_text(doc, format, set, &text, err));
  if (!text) return C2_OK;
  if (c2_stamp_check(text, &why) != C2_OK) return c2_json_fail(doc, format, err, "%s", why.text);
  memcpy(out->time_format, text, strlen(text) + 1);
  return C2_OK;
}

/* How a table is read; texts lie in the set. */
typedef struct reading {
  c2_read_options options;
  c2_dialect dialect;
  c2_freq freq;
} reading;

static c2_status read_members(const c2_json_document *doc, c2_dataset *set, reading *r, c2_error *err) {
  static const char *const known[] = {"id_column", "timestamp_column", "target",      "covariates", "wide",
                                      "freq",      "delimiter",        "decimal",     "time_format", NULL};
  const c2_json *o = doc->node;
  const c2_json *freq = c2_json_get(o, "freq");
  const char *text = NULL;
  c2_error why;
  C2_TRY(c2_answer_options(doc, o, known, err));
  C2_TRY(read_text(doc, c2_json_get(o, "id_column"), set, &r->options.id_column, err));
  C2_TRY(read_text(doc, c2_json_get(o, "timestamp_column"), set, &r->options.timestamp_column, err));
  C2_TRY(read_names(doc, c2_json_get(o, "target"), set, &r->options.targets, &r->options.target_count, err));
  C2_TRY(read_names(doc, c2_json_get(o, "covariates"), set, &r->options.covariates, &r->options.covariate_count, err));
  C2_TRY(c2_json_get_bool(doc, o, "wide", &r->options.wide, err));
  C2_TRY(read_dialect(doc, o, set, &r->dialect, err));
  r->options.dialect = &r->dialect;
  C2_TRY(read_text(doc, freq, set, &text, err));
  if (!text) return C2_OK;
  if (c2_freq_parse(text, &r->freq, &why) != C2_OK) return c2_json_fail(doc, freq, err, "%s", why.text);
  r->options.freq = &r->freq;
  return C2_OK;
}

static c2_status read_options(const char *function, char *text, size_t size, c2_dataset *set, reading *r,
                              c2_error *err) {
  char where[C2_JSON_WHERE_ROOM];
  c2_json_document doc = {.path = function, .failure = C2_ERR_ARGUMENT, .where = where};
  c2_status status = c2_json_parse(&doc, text, size, err);
  if (status == C2_OK) status = read_members(&doc, set, r, err);
  c2_json_free(&doc);
  return status;
}

/* ---- Columns ---------------------------------------------------------------------------------- */

static bool is_empty(const c2_csv *csv) {
  size_t k = 0;
  while (k < csv->fields && !*csv->field[k]) k++;
  return k == csv->fields;
}

/* What a column holds, by a cell. */
static const char *kind_of(c2_dialect *dialect, const char *cell) {
  if (c2_dialect_is_stamp(dialect, cell)) return "times";
  return c2_number_shape_of(cell) != C2_SHAPE_NONE || c2_is_missing_text(cell) ? "numbers" : "texts";
}

static c2_status put_columns(c2_json_writer *json, c2_csv *csv, c2_dialect dialect, c2_error *err) {
  bool more = false;
  dialect.delimiter = csv->delimiter;
  C2_TRY(c2_csv_next(csv, &more, err));
  if (!more) C2_FAIL(err, C2_ERR_FORMAT, "%s: a header but no rows", csv->name);
  while (more && is_empty(csv)) C2_TRY(c2_csv_next(csv, &more, err));
  c2_json_begin_array(json, "columns");
  for (size_t i = 0; i < csv->columns; i++) {
    c2_json_begin_object(json, NULL);
    c2_json_put_text(json, "name", csv->header[i]);
    c2_json_put_text(json, "holds", kind_of(&dialect, csv->field[i]));
    c2_json_end_object(json);
  }
  c2_json_end_array(json);
  return C2_OK;
}

static c2_status answer_columns(answer *a, reading *r, char *csv, size_t csv_size, c2_error *err) {
  c2_csv table;
  c2_answer_writer w;
  C2_TRY(c2_answer_open(&w, err));
  c2_status status = c2_csv_open(&table, NAME, csv, csv_size, r->dialect.delimiter, err);
  if (status == C2_OK) status = put_columns(&w.json, &table, r->dialect, err);
  c2_csv_close(&table);
  return c2_answer_close(&w, a, status, err);
}

/* ---- Series ----------------------------------------------------------------------------------- */

static void put_category(c2_json_writer *json, const c2_covariate *c, const char *text) {
  if (text && c->is_boolean) {
    c2_json_put_bool(json, NULL, *text == 'T');
  } else {
    c2_json_put_text(json, NULL, text);
  }
}

static void put_covariates(c2_json_writer *json, const c2_item *item) {
  if (item->covariates == 0) return;
  c2_json_begin_object(json, "past_covariates");
  for (size_t k = 0; k < item->covariates; k++) {
    const c2_covariate *c = &item->covariate[k];
    c2_json_begin_array(json, c->name);
    for (size_t i = 0; i < item->length; i++) {
      if (c->is_text) {
        put_category(json, c, c->past_text[i]);
      } else {
        c2_json_put_number(json, NULL, c->past[i]);
      }
    }
    c2_json_end_array(json);
  }
  c2_json_end_object(json);
}

static void put_target(c2_json_writer *json, const c2_item *item) {
  if (item->targets > 1) c2_json_begin_array(json, "target");
  for (size_t k = 0; k < item->targets; k++) {
    c2_json_put_numbers(json, item->targets > 1 ? NULL : "target", item->target + k * item->length, item->length);
  }
  if (item->targets > 1) c2_json_end_array(json);
}

/* As a line of JSON Lines has it. */
static void put_item(c2_json_writer *json, const c2_item *item) {
  char freq[C2_FREQ_ROOM];
  char start[C2_TIME_ROOM];
  c2_freq_format(&item->freq, freq);
  c2_item_stamp(item, item->start, start);
  c2_json_begin_object(json, NULL);
  c2_json_put_text(json, "item_id", item->id);
  if (item->freq.unit == C2_FREQ_COUNT) {
    c2_json_put_number(json, "start", (double)item->start); /* of at most 15 digits */
  } else {
    c2_json_put_text(json, "start", start);
  }
  c2_json_put_text(json, "freq", freq);
  put_target(json, item);
  put_covariates(json, item);
  c2_json_end_object(json);
}

static c2_status put_series(c2_json_writer *json, const c2_dataset *set, c2_error *err) {
  char summary[C2_SUMMARY_ROOM];
  c2_dataset_summarise(set, summary);
  c2_json_put_text(json, "summary", summary);
  c2_json_begin_array(json, "series");
  for (size_t i = 0; i < set->count; i++) put_item(json, &set->item[i]);
  c2_json_end_array(json);
  c2_json_begin_array(json, "timestamps");
  for (size_t i = 0; i < set->count; i++) {
    C2_TRY(c2_answer_stamps(json, NULL, &set->item[i], 0, set->item[i].length, err));
  }
  c2_json_end_array(json);
  return C2_OK;
}

static c2_status answer_series(answer *a, reading *r, char *csv, size_t csv_size, c2_error *err) {
  c2_input input = {.path = NAME, .name = NAME, .text = csv, .size = csv_size, .dialect = r->dialect};
  c2_answer_writer w;
  c2_status status = c2_csv_reader.open(&input, err);
  input.reader = &c2_csv_reader;
  if (status == C2_OK) status = c2_assemble_long(&input, &a->set, &r->options, err);
  c2_csv_close(&input.csv);
  C2_TRY(status);
  C2_TRY(c2_dataset_note_mixed(&a->set, err));
  C2_TRY(c2_answer_open(&w, err));
  return c2_answer_close(&w, a, put_series(&w.json, &a->set, err), err);
}

/* ---- For the wrapper -------------------------------------------------------------------------- */

typedef c2_status (*answering)(answer *a, reading *r, char *csv, size_t csv_size, c2_error *err);

/* `function` is the wrapper's, which messages name. */
static answer *answer_table(const char *function, answering how, char *options, size_t size, char *csv, size_t csv_size,
                            c2_error *err) {
  answer *a = NULL;
  reading r = {.freq = {.unit = C2_FREQ_COUNT}};
  if (c2_alloc_array(1, sizeof *a, &a, err) != C2_OK) return NULL;
  c2_status status = read_options(function, options, size, &a->set, &r, err);
  if (status == C2_OK) status = how(a, &r, csv, csv_size, err);
  if (status == C2_OK) return a;
  module_answer_free(a);
  return NULL;
}

/* {"columns": [{"name": "day", "holds": "times", "numbers" or "texts"}, ...], "warnings": []}, by the first row
 * that is not empty. */
EXPORT("module_columns") answer *module_columns(char *options, size_t size, char *csv, size_t csv_size);
answer *module_columns(char *options, size_t size, char *csv, size_t csv_size) {
  return answer_table("columns", answer_columns, options, size, csv, csv_size, c2_answer_failure());
}

/* {"summary": "...", "series": [...], "timestamps": [[...], ...], "warnings": [...]}: series as in JSON Lines, with the
 * time stamps of their past beside them. */
EXPORT("module_table") answer *module_table(char *options, size_t size, char *csv, size_t csv_size);
answer *module_table(char *options, size_t size, char *csv, size_t csv_size) {
  return answer_table("readTable", answer_series, options, size, csv, csv_size, c2_answer_failure());
}
