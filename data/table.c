/* Long-format CSV to series: rows in any order become items with regular steps. Knows the data set and the
 * CSV reader, no other format. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/axis.h"

void c2_table_close(c2_table *t) {
  c2_csv_close(&t->csv);
  free(t->target);
  free(t->covariate);
  free(t->rows);
  free(t->values);
  free(t->cells);
  free(t->is_text);
  free(t->is_boolean);
  free(t->order);
  c2_lookup_free(&t->ids);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static const char *id_name(const c2_read_options *options) {
  return options->id_column ? options->id_column : "item_id";
}

c2_status c2_table_find_keys(c2_table *t, const c2_read_options *options, c2_error *err) {
  C2_TRY(c2_axis_find(t, options, err));
  t->has_id = options->id_column || c2_csv_has_column(&t->csv, id_name(options));
  if (t->has_id) C2_TRY(c2_csv_column(&t->csv, id_name(options), &t->id, err));
  return C2_OK;
}

static c2_status find_columns(const c2_table *t, const char *const *names, size_t count, size_t **columns,
                              c2_error *err) {
  C2_TRY(c2_alloc_array(count, sizeof **columns, columns, err));
  for (size_t i = 0; i < count; i++) C2_TRY(c2_csv_column(&t->csv, names[i], &(*columns)[i], err));
  return C2_OK;
}

c2_status c2_table_alloc_kinds(c2_table *t, c2_error *err) {
  C2_TRY(c2_alloc_array(t->covariates, sizeof *t->is_text, &t->is_text, err));
  C2_TRY(c2_alloc_array(t->covariates, sizeof *t->is_boolean, &t->is_boolean, err));
  for (size_t i = 0; i < t->covariates; i++) t->is_boolean[i] = true;
  return C2_OK;
}

/* The columns that nothing names: covariates if all are to be, else ignored. */
static c2_status take_others(c2_table *t, c2_dataset *set, bool *taken, bool all, c2_error *err) {
  if (t->has_stamp) taken[t->stamp] = true;
  if (t->has_id) taken[t->id] = true;
  for (size_t i = 0; i < t->targets; i++) taken[t->target[i]] = true;
  for (size_t i = 0; i < t->covariates; i++) taken[t->covariate[i]] = true;
  for (size_t i = 0; i < t->csv.columns; i++) {
    size_t self = 0;
    const char *name = t->csv.header[i];
    if (taken[i]) continue;
    if (all) {
      C2_TRY(c2_csv_column(&t->csv, name, &self, err)); /* refuses a name used twice */
      t->covariate[t->covariates++] = i;
    } else if (!c2_lookup_find(&set->ignored, name, &self)) {
      C2_TRY(c2_dataset_text(set, name, &name, err));
      C2_TRY(c2_lookup_add(&set->ignored, name, &self, err));
    }
  }
  return C2_OK;
}

static c2_status find_series_columns(c2_table *t, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  static const char *const usual[] = {"target"};
  bool named = options->target_count > 0;
  bool all = options->all_covariates;
  bool *taken = NULL;
  C2_TRY(c2_table_find_keys(t, options, err));
  t->targets = named ? options->target_count : 1;
  t->covariates = all ? 0 : options->covariate_count;
  C2_TRY(find_columns(t, named ? options->targets : usual, t->targets, &t->target, err));
  if (all) {
    C2_TRY(c2_alloc_array(t->csv.columns, sizeof *t->covariate, &t->covariate, err));
  } else {
    C2_TRY(find_columns(t, options->covariates, t->covariates, &t->covariate, err));
  }
  C2_TRY(c2_alloc_array(t->csv.columns, sizeof *taken, &taken, err));
  c2_status status = take_others(t, set, taken, all, err);
  free(taken);
  return status == C2_OK ? c2_table_alloc_kinds(t, err) : status;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static c2_status read_target(const c2_table *t, size_t column, double *out, c2_error *err) {
  const char *cell = t->csv.field[column];
  if (c2_parse_number(cell, out)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a finite number or nothing, found '%.40s'", t->csv.name,
          t->csv.line, t->csv.header[column], cell);
}

c2_status c2_table_id(const c2_table *t, const char **id, c2_error *err) {
  *id = t->has_id ? t->csv.field[t->id] : NULL;
  if (!*id) return C2_OK;
  if (**id && c2_text_plain(*id, strlen(*id))) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected the name of an item, found %s'%.80s'", t->csv.name,
          t->csv.line, t->csv.header[t->id], **id ? "a control character in " : "", *id);
}

/* What the cell of a covariate says of its column. */
static c2_status note_kind(c2_table *t, size_t index, const char *cell, c2_error *err) {
  double number = 0;
  bool is_number = c2_parse_number(cell, &number);
  if (!is_number && !c2_text_plain(cell, strlen(cell))) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': a control character in the category '%.80s'", t->csv.name,
            t->csv.line, t->csv.header[t->covariate[index]], cell);
  }
  if (!is_number) t->is_text[index] = true;
  if (!c2_boolean_text(cell) && !c2_is_missing_text(cell)) t->is_boolean[index] = false;
  return C2_OK;
}

c2_status c2_table_add_row(c2_table *t, size_t group, c2_error *err) {
  size_t need = t->count + 1;
  C2_TRY(c2_grow_array(&t->rows, &t->capacity, need, sizeof *t->rows, err));
  C2_TRY(c2_grow_array(&t->values, &t->value_capacity, need * t->targets, sizeof *t->values, err));
  C2_TRY(c2_grow_array(&t->cells, &t->cell_capacity, need * t->covariates, sizeof *t->cells, err));
  c2_row *r = &t->rows[t->count];
  r->group = group;
  r->line = t->csv.line;
  C2_TRY(c2_axis_read(t, r, err));
  for (size_t i = 0; i < t->targets; i++) {
    C2_TRY(read_target(t, t->target[i], &t->values[t->count * t->targets + i], err));
  }
  for (size_t i = 0; i < t->covariates; i++) {
    const char *cell = t->csv.field[t->covariate[i]];
    t->cells[t->count * t->covariates + i] = cell;
    C2_TRY(note_kind(t, i, cell, err));
  }
  t->count++;
  return C2_OK;
}

/* Reads all rows. Each id of the file is an item that is added to the set, in order of first appearance. */
static c2_status read_series_rows(c2_table *t, c2_dataset *set, c2_error *err) {
  size_t base = set->count;
  for (;;) {
    bool more = false;
    const char *id = NULL;
    c2_item *item = NULL;
    size_t index = 0;
    C2_TRY(c2_csv_next(&t->csv, &more, err));
    if (!more) break;
    C2_TRY(c2_table_id(t, &id, err));
    bool known = id ? c2_lookup_find(&t->ids, id, &index) : set->count > base;
    if (!known) {
      C2_TRY(c2_dataset_add(set, id, t->csv.name, t->csv.line, &item, err));
      C2_TRY(c2_lookup_add(&t->ids, item->id, &index, err));
    }
    C2_TRY(c2_table_add_row(t, base + index, err));
  }
  if (t->count == 0) C2_FAIL(err, C2_ERR_FORMAT, "%s: a header but no rows", t->csv.name);
  return C2_OK;
}

static int compare_keys(const void *left, const void *right) {
  const c2_row *a = left;
  const c2_row *b = right;
  if (a->group != b->group) return a->group < b->group ? -1 : 1;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  return a->line < b->line ? -1 : a->line > b->line;
}

/* Sorts the rows by item and time; `order` keeps where each one's values are. */
c2_status c2_table_sort(c2_table *t, c2_error *err) {
  typedef struct keyed {
    c2_row key; /* first, for compare_keys */
    size_t index;
  } keyed;
  keyed *all = NULL;
  C2_TRY(c2_alloc_array(t->count, sizeof *t->order, &t->order, err));
  C2_TRY(c2_alloc_array(t->count, sizeof *all, &all, err));
  for (size_t i = 0; i < t->count; i++) all[i] = (keyed){t->rows[i], i};
  if (t->count > 0) qsort(all, t->count, sizeof *all, compare_keys);
  for (size_t i = 0; i < t->count; i++) {
    t->rows[i] = all[i].key;
    t->order[i] = all[i].index;
  }
  free(all);
  return C2_OK;
}

/* ---- Items ----------------------------------------------------------------------------------- */

static c2_status refuse_duplicates(const c2_table *t, const c2_dataset *set, c2_error *err) {
  for (size_t i = 1; i < t->count; i++) {
    const c2_row *a = &t->rows[i - 1];
    const c2_row *b = &t->rows[i];
    if (a->group != b->group || a->time != b->time) continue;
    char stamp[C2_TIME_ROOM];
    c2_item_stamp(&set->item[b->group], b->time, stamp);
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s' already has a row for %s, at line %zu", t->csv.name, b->line,
            set->item[b->group].id, stamp, a->line);
  }
  return C2_OK;
}

/* Number of rows of the item that begins at `begin`. */
size_t c2_table_group_rows(const c2_table *t, size_t begin) {
  size_t end = begin;
  while (end < t->count && t->rows[end].group == t->rows[begin].group) end++;
  return end - begin;
}

static c2_status fill_covariate(const c2_table *t, c2_dataset *set, const c2_item *item, size_t index, size_t begin,
                                size_t n, const int64_t *steps, c2_error *err) {
  c2_covariate *covariate = &item->covariate[index];
  covariate->is_text = t->is_text[index];
  covariate->is_boolean = t->is_text[index] && t->is_boolean[index];
  if (covariate->is_text) {
    C2_TRY(c2_dataset_alloc(set, item->length, sizeof *covariate->past_text, &covariate->past_text, err));
  } else {
    C2_TRY(c2_dataset_alloc(set, item->length, sizeof *covariate->past, &covariate->past, err));
    for (size_t i = 0; i < item->length; i++) covariate->past[i] = (double)NAN;
  }
  for (size_t i = 0; i < n; i++) {
    const char *cell = c2_table_cell(t, begin + i, index);
    if (!covariate->is_text) {
      (void)c2_parse_number(cell, &covariate->past[steps[i]]);
    } else if (covariate->is_boolean) {
      covariate->past_text[steps[i]] = c2_boolean_text(cell);
    } else if (!c2_is_missing_text(cell)) {
      C2_TRY(c2_dataset_text(set, cell, &covariate->past_text[steps[i]], err));
    }
  }
  return C2_OK;
}

static c2_status fill_item(c2_table *t, c2_dataset *set, c2_item *item, size_t begin, size_t n,
                           const char *const *target_names, const char *const *covariate_names, int64_t *steps,
                           c2_error *err) {
  size_t values = 0;
  item->targets = t->targets;
  item->target_names = target_names;
  item->covariates = t->covariates;
  C2_TRY(c2_axis_place(t, item, begin, n, steps, err));
  if (!c2_mul(item->length, t->targets, &values)) C2_FAIL(err, C2_ERR_MEMORY, "%s: too many steps", t->csv.name);
  C2_TRY(c2_dataset_alloc(set, values, sizeof *item->target, &item->target, err));
  for (size_t i = 0; i < values; i++) item->target[i] = (double)NAN;
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < t->targets; k++) {
      item->target[k * item->length + (size_t)steps[i]] = t->values[t->order[begin + i] * t->targets + k];
    }
  }
  C2_TRY(c2_dataset_alloc(set, t->covariates, sizeof *item->covariate, &item->covariate, err));
  for (size_t k = 0; k < t->covariates; k++) {
    item->covariate[k].name = covariate_names[k];
    C2_TRY(fill_covariate(t, set, item, k, begin, n, steps, err));
  }
  return C2_OK;
}

static c2_status keep_names(c2_dataset *set, const c2_table *t, const size_t *columns, size_t count, const char ***out,
                            c2_error *err) {
  C2_TRY(c2_dataset_alloc(set, count, sizeof **out, out, err));
  for (size_t i = 0; i < count; i++) C2_TRY(c2_dataset_text(set, t->csv.header[columns[i]], &(*out)[i], err));
  return C2_OK;
}

c2_status c2_read_csv_series(c2_dataset *set, const char *path, char *text, size_t size, const c2_read_options *options,
                             c2_error *err) {
  c2_table t = {.count = 0};
  const char **targets = NULL;
  const char **covariates = NULL;
  int64_t *steps = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_csv_open(&t.csv, path, text, size, err));
  C2_GOTO(find_series_columns(&t, set, options, err));
  C2_GOTO(read_series_rows(&t, set, err));
  C2_GOTO(c2_axis_settle(&t, set, options, err));
  C2_GOTO(c2_table_sort(&t, err));
  C2_GOTO(refuse_duplicates(&t, set, err));
  C2_GOTO(c2_axis_infer(&t, set, options, err));
  C2_GOTO(keep_names(set, &t, t.target, t.targets, &targets, err));
  C2_GOTO(keep_names(set, &t, t.covariate, t.covariates, &covariates, err));
  C2_GOTO(c2_alloc_array(t.count, sizeof *steps, &steps, err));
  for (size_t begin = 0, n = 0; begin < t.count; begin += n) {
    n = c2_table_group_rows(&t, begin);
    C2_GOTO(fill_item(&t, set, &set->item[t.rows[begin].group], begin, n, targets, covariates, steps, err));
  }
  status = c2_axis_report(&t, set, err);
fail:
  free(steps);
  c2_table_close(&t);
  return status;
}
