/* Long-format CSV to series: rows in any order become items with regular steps. Knows the data set and the
 * CSV reader, no other format. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "data/csv.h"
#include "data/series.h"

/* Steps that may be filled in for a few rows; beyond it a file needs as many rows as a hundredth of them. */
enum { FREE_STEPS = 1000000, STEPS_PER_ROW = 100 };

typedef struct row {
  size_t item; /* index in the data set */
  size_t line;
  c2_time time;
} row;

/* Rows of a file as read: cells of covariates stay text until the whole column was seen. */
typedef struct table {
  c2_csv csv;
  bool has_id;
  size_t id, stamp, scenario; /* the last one if a scenario is asked for */
  size_t *target, targets;    /* columns */
  size_t *covariate, covariates;
  row *rows;
  size_t count, capacity;
  double *values; /* [count][targets] */
  size_t value_capacity;
  const char **cells; /* [count][covariates], inside the file's text */
  size_t cell_capacity;
  bool *is_text; /* [covariates] */
  size_t *order; /* rows by item and time: [count] */
} table;

static void table_close(table *t) {
  c2_csv_close(&t->csv);
  free(t->target);
  free(t->covariate);
  free(t->rows);
  free(t->values);
  free(t->cells);
  free(t->is_text);
  free(t->order);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static const char *stamp_name(const c2_read_options *options) {
  return options->timestamp_column ? options->timestamp_column : "timestamp";
}

static const char *id_name(const c2_read_options *options) {
  return options->id_column ? options->id_column : "item_id";
}

static c2_status find_keys(table *t, const c2_read_options *options, c2_error *err) {
  C2_TRY(c2_csv_column(&t->csv, stamp_name(options), &t->stamp, err));
  t->has_id = options->id_column || c2_csv_has_column(&t->csv, id_name(options));
  if (t->has_id) C2_TRY(c2_csv_column(&t->csv, id_name(options), &t->id, err));
  return C2_OK;
}

static c2_status find_columns(const table *t, const char *const *names, size_t count, size_t **columns, c2_error *err) {
  C2_TRY(c2_alloc_array(count, sizeof **columns, columns, err));
  for (size_t i = 0; i < count; i++) C2_TRY(c2_csv_column(&t->csv, names[i], &(*columns)[i], err));
  return C2_OK;
}

static c2_status find_series_columns(table *t, const c2_read_options *options, c2_error *err) {
  static const char *const usual[] = {"target"};
  bool named = options->target_count > 0;
  C2_TRY(find_keys(t, options, err));
  t->targets = named ? options->target_count : 1;
  t->covariates = options->covariate_count;
  C2_TRY(find_columns(t, named ? options->targets : usual, t->targets, &t->target, err));
  C2_TRY(find_columns(t, options->covariates, t->covariates, &t->covariate, err));
  return c2_alloc_array(t->covariates, sizeof *t->is_text, &t->is_text, err);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static c2_status read_stamp(const table *t, c2_time *out, c2_error *err) {
  c2_error why;
  c2_zone zone;
  if (c2_time_parse(t->csv.field[t->stamp], out, &zone, &why) == C2_OK && zone.minutes == 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': %s", t->csv.name, t->csv.line, t->csv.header[t->stamp],
          why.text);
}

static c2_status read_target(const table *t, size_t column, double *out, c2_error *err) {
  const char *cell = t->csv.field[column];
  if (c2_parse_number(cell, out)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a finite number or nothing, found '%.40s'", t->csv.name,
          t->csv.line, t->csv.header[column], cell);
}

static c2_status read_id(const table *t, const char **id, c2_error *err) {
  *id = t->has_id ? t->csv.field[t->id] : NULL;
  if (!*id || **id) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected the name of an item, found nothing", t->csv.name,
          t->csv.line, t->csv.header[t->id]);
}

/* Makes room for one more row and puts its item, line, time and cells there. */
static c2_status add_row(table *t, size_t item, c2_error *err) {
  size_t need = t->count + 1;
  C2_TRY(c2_grow_array(&t->rows, &t->capacity, need, sizeof *t->rows, err));
  C2_TRY(c2_grow_array(&t->values, &t->value_capacity, need * t->targets, sizeof *t->values, err));
  C2_TRY(c2_grow_array(&t->cells, &t->cell_capacity, need * t->covariates, sizeof *t->cells, err));
  row *r = &t->rows[t->count];
  r->item = item;
  r->line = t->csv.line;
  C2_TRY(read_stamp(t, &r->time, err));
  for (size_t i = 0; i < t->targets; i++) {
    C2_TRY(read_target(t, t->target[i], &t->values[t->count * t->targets + i], err));
  }
  for (size_t i = 0; i < t->covariates; i++) {
    const char *cell = t->csv.field[t->covariate[i]];
    double number = 0;
    t->cells[t->count * t->covariates + i] = cell;
    if (!t->is_text[i] && !c2_parse_number(cell, &number)) t->is_text[i] = true;
  }
  t->count++;
  return C2_OK;
}

/* Reads all rows; items not yet in the set from `first` on are added. */
static c2_status read_series_rows(table *t, c2_dataset *set, size_t first, c2_error *err) {
  size_t single = SIZE_MAX;
  for (;;) {
    bool more = false;
    const char *id = NULL;
    c2_item *item = NULL;
    size_t index = 0;
    C2_TRY(c2_csv_next(&t->csv, &more, err));
    if (!more) break;
    C2_TRY(read_id(t, &id, err));
    bool known = id ? c2_dataset_find(set, id, &index) && index >= first : single != SIZE_MAX;
    if (!known) {
      C2_TRY(c2_dataset_add(set, id, t->csv.name, t->csv.line, &item, err));
      index = set->count - 1;
      if (!id) single = index;
    }
    C2_TRY(add_row(t, id ? index : single, err));
  }
  if (t->count == 0) C2_FAIL(err, C2_ERR_FORMAT, "%s: a header but no rows", t->csv.name);
  return C2_OK;
}

static int compare_keys(const void *left, const void *right) {
  const row *a = left;
  const row *b = right;
  if (a->item != b->item) return a->item < b->item ? -1 : 1;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  return a->line < b->line ? -1 : a->line > b->line;
}

/* Sorts the rows by item and time; `order` keeps where each one's values are. */
static c2_status sort_rows(table *t, c2_error *err) {
  typedef struct keyed {
    row key; /* first, for compare_keys */
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

static c2_status refuse_duplicates(const table *t, const c2_dataset *set, c2_error *err) {
  for (size_t i = 1; i < t->count; i++) {
    const row *a = &t->rows[i - 1];
    const row *b = &t->rows[i];
    if (a->item != b->item || a->time != b->time) continue;
    char stamp[C2_TIME_ROOM];
    c2_time_format(b->time, c2_time_has_clock(b->time), stamp);
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s' already has a row for %s, at line %zu", t->csv.name, b->line,
            set->item[b->item].id, stamp, a->line);
  }
  return C2_OK;
}

/* Number of rows of the item that begins at `begin`. */
static size_t item_rows(const table *t, size_t begin) {
  size_t end = begin;
  while (end < t->count && t->rows[end].item == t->rows[begin].item) end++;
  return end - begin;
}

/* Says which row disturbs the steps that most of an item's rows follow. */
static c2_status no_frequency(const table *t, const c2_item *item, size_t begin, size_t n, size_t odd, c2_error *err) {
  char before[C2_TIME_ROOM] = "";
  char stamp[C2_TIME_ROOM];
  char after[C2_TIME_ROOM] = "";
  const row *rows = t->rows + begin;
  if (odd == SIZE_MAX) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': its %zu time stamps follow no regular frequency; give --freq",
            t->csv.name, rows[0].line, item->id, n);
  }
  bool clock = false;
  for (size_t i = 0; i < n && !clock; i++) clock = c2_time_has_clock(rows[i].time);
  if (odd > 0) c2_time_format(rows[odd - 1].time, clock, before);
  if (odd + 1 < n) c2_time_format(rows[odd + 1].time, clock, after);
  c2_time_format(rows[odd].time, clock, stamp);
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s:%zu: item '%.80s': %s (%s%s%s%s%s) is out of step with its neighbours; mend the row, or give --freq",
          t->csv.name, rows[odd].line, item->id, stamp, odd > 0 ? "after " : "", before,
          odd > 0 && odd + 1 < n ? ", " : "", odd + 1 < n ? "before " : "", after);
}

/* The frequency of every item: as given, or from its own stamps; items of one or two rows take that of the
 * others where these agree. */
static c2_status infer_freqs(const table *t, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  c2_freq shared = {C2_FREQ_DAY, C2_PLACE_START, 0, 1};
  size_t found = 0;
  size_t differ = 0;
  c2_time *stamps = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(t->count, sizeof *stamps, &stamps, err));
  for (size_t i = 0; i < t->count; i++) stamps[i] = t->rows[i].time;
  for (size_t begin = 0, n = 0; begin < t->count; begin += n) {
    c2_item *item = &set->item[t->rows[begin].item];
    n = item_rows(t, begin);
    item->has_freq = options->freq != NULL;
    if (options->freq) {
      item->freq = *options->freq;
    } else if (n >= 3) {
      size_t odd = 0;
      if (!c2_freq_infer(stamps + begin, n, false, &item->freq, &odd)) {
        C2_GOTO(no_frequency(t, item, begin, n, odd, err));
      }
      item->has_freq = true;
      if (found++ == 0) shared = item->freq;
      if (!c2_freq_equal(&shared, &item->freq)) differ++;
    }
  }
  for (size_t i = 0; i < t->count; i++) {
    c2_item *item = &set->item[t->rows[i].item];
    if (item->has_freq) continue;
    if (found == 0 || differ > 0) {
      status = c2_fail(err, C2_ERR_FORMAT,
                       "%s:%zu: item '%.80s': a frequency needs at least three time stamps; "
                       "give --freq",
                       t->csv.name, item->line, item->id);
      goto fail;
    }
    item->freq = shared;
    item->has_freq = true;
  }
fail:
  free(stamps);
  return status;
}

/* Step of each row of an item, and with them its length. */
static c2_status place_rows(const table *t, c2_item *item, size_t begin, size_t n, int64_t *steps, c2_error *err) {
  char freq[C2_FREQ_ROOM];
  c2_freq_format(&item->freq, freq);
  for (size_t i = 0; i < n; i++) {
    const row *r = &t->rows[begin + i];
    char stamp[C2_TIME_ROOM];
    c2_time_format(r->time, c2_time_has_clock(r->time), stamp);
    if (!c2_freq_between(&item->freq, item->start, r->time, &steps[i])) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': %s is no whole number of steps of %s after the first row",
              t->csv.name, r->line, item->id, stamp, freq);
    }
    if (i > 0 && steps[i] == steps[i - 1]) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': %s lies in the same step of %s as line %zu", t->csv.name,
              r->line, item->id, stamp, freq, t->rows[begin + i - 1].line);
    }
  }
  int64_t length = steps[n - 1] + 1;
  if (length > FREE_STEPS && (uint64_t)length / STEPS_PER_ROW > n) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s:%zu: item '%.80s': its %zu rows span %lld steps of %s; expected a frequency that "
            "fits them",
            t->csv.name, t->rows[begin].line, item->id, n, (long long)length, freq);
  }
  item->length = (size_t)length;
  return C2_OK;
}

static c2_status fill_covariate(const table *t, c2_dataset *set, const c2_item *item, size_t index, size_t begin,
                                size_t n, const int64_t *steps, c2_error *err) {
  c2_covariate *covariate = &item->covariate[index];
  covariate->is_text = t->is_text[index];
  if (covariate->is_text) {
    C2_TRY(c2_dataset_alloc(set, item->length, sizeof *covariate->past_text, &covariate->past_text, err));
  } else {
    C2_TRY(c2_dataset_alloc(set, item->length, sizeof *covariate->past, &covariate->past, err));
    for (size_t i = 0; i < item->length; i++) covariate->past[i] = (double)NAN;
  }
  for (size_t i = 0; i < n; i++) {
    const char *cell = t->cells[t->order[begin + i] * t->covariates + index];
    if (!covariate->is_text) {
      (void)c2_parse_number(cell, &covariate->past[steps[i]]);
    } else if (!c2_is_missing_text(cell)) {
      C2_TRY(c2_dataset_text(set, cell, &covariate->past_text[steps[i]], err));
    }
  }
  return C2_OK;
}

static c2_status fill_item(const table *t, c2_dataset *set, c2_item *item, size_t begin, size_t n,
                           const char *const *target_names, const char *const *covariate_names, int64_t *steps,
                           c2_error *err) {
  size_t values = 0;
  item->has_start = true;
  item->start = t->rows[begin].time;
  item->targets = t->targets;
  item->target_names = target_names;
  item->covariates = t->covariates;
  C2_TRY(place_rows(t, item, begin, n, steps, err));
  set->rows += n;
  set->filled += item->length - n;
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

static c2_status keep_names(c2_dataset *set, const table *t, const size_t *columns, size_t count, const char ***out,
                            c2_error *err) {
  C2_TRY(c2_dataset_alloc(set, count, sizeof **out, out, err));
  for (size_t i = 0; i < count; i++) C2_TRY(c2_dataset_text(set, t->csv.header[columns[i]], &(*out)[i], err));
  return C2_OK;
}

c2_status c2_read_csv_series(c2_dataset *set, const char *path, char *text, size_t size, const c2_read_options *options,
                             c2_error *err) {
  table t = {.count = 0};
  const char **targets = NULL;
  const char **covariates = NULL;
  int64_t *steps = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_csv_open(&t.csv, path, text, size, err));
  C2_GOTO(find_series_columns(&t, options, err));
  C2_GOTO(read_series_rows(&t, set, set->count, err));
  C2_GOTO(sort_rows(&t, err));
  C2_GOTO(refuse_duplicates(&t, set, err));
  C2_GOTO(infer_freqs(&t, set, options, err));
  C2_GOTO(keep_names(set, &t, t.target, t.targets, &targets, err));
  C2_GOTO(keep_names(set, &t, t.covariate, t.covariates, &covariates, err));
  C2_GOTO(c2_alloc_array(t.count, sizeof *steps, &steps, err));
  for (size_t begin = 0, n = 0; begin < t.count; begin += n) {
    n = item_rows(&t, begin);
    C2_GOTO(fill_item(&t, set, &set->item[t.rows[begin].item], begin, n, targets, covariates, steps, err));
  }
fail:
  free(steps);
  table_close(&t);
  return status;
}

/* ---- Known covariates ------------------------------------------------------------------------ */

/* Columns that are neither id nor time stamp. */
static c2_status find_other_columns(table *t, const c2_read_options *options, c2_error *err) {
  C2_TRY(find_keys(t, options, err));
  if (options->scenario) C2_TRY(c2_csv_column(&t->csv, "scenario", &t->scenario, err));
  C2_TRY(c2_alloc_array(t->csv.columns, sizeof *t->covariate, &t->covariate, err));
  C2_TRY(c2_alloc_array(t->csv.columns, sizeof *t->is_text, &t->is_text, err));
  for (size_t i = 0; i < t->csv.columns; i++) {
    if (i == t->stamp || (t->has_id && i == t->id) || (options->scenario && i == t->scenario)) continue;
    size_t self = 0;
    C2_TRY(c2_csv_column(&t->csv, t->csv.header[i], &self, err)); /* refuses a name used twice */
    t->covariate[t->covariates++] = i;
  }
  if (t->covariates > 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: expected columns with known covariates", t->csv.name);
}

c2_status c2_csv_covariate_names(const char *path, const c2_read_options *options, char ***names, size_t *count,
                                 c2_error *err) {
  table t = {.count = 0};
  char *text = NULL;
  size_t size = 0;
  size_t bytes = 0;
  *names = NULL;
  c2_status status = c2_read_file(path, &text, &size, err);
  if (status != C2_OK) return status;
  C2_GOTO(c2_csv_open(&t.csv, path, text, size, err));
  C2_GOTO(find_other_columns(&t, options, err));
  for (size_t i = 0; i < t.covariates; i++) bytes += sizeof(char *) + strlen(t.csv.header[t.covariate[i]]) + 1;
  C2_GOTO(c2_alloc_array(bytes, 1, names, err));
  char *at = (char *)(*names + t.covariates);
  for (size_t i = 0; i < t.covariates; i++) {
    (*names)[i] = at;
    at = stpcpy(at, t.csv.header[t.covariate[i]]) + 1;
  }
  *count = t.covariates;
fail:
  free(text);
  table_close(&t);
  return status;
}

static c2_status read_future_rows(table *t, const c2_dataset *set, const char *scenario, c2_error *err) {
  for (;;) {
    bool more = false;
    const char *id = NULL;
    size_t index = 0;
    C2_TRY(c2_csv_next(&t->csv, &more, err));
    if (!more) return C2_OK;
    if (scenario && strcmp(t->csv.field[t->scenario], scenario) != 0) continue;
    C2_TRY(read_id(t, &id, err));
    if (id ? !c2_dataset_find(set, id, &index) : set->count != 1) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: expected one of the items that are forecast, found '%.80s'", t->csv.name,
              t->csv.line, id ? id : "");
    }
    C2_TRY(add_row(t, index, err));
  }
}

/* Checks that the rows from `begin` on are exactly the item's next `horizon` steps. */
static c2_status check_future_steps(const table *t, const c2_item *item, size_t begin, size_t n, size_t horizon,
                                    c2_error *err) {
  for (size_t i = 0; i < horizon || i < n; i++) {
    char stamp[C2_TIME_ROOM];
    c2_time expected = 0;
    if (i < horizon) C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)(item->length + i), &expected, err));
    if (i < horizon && i < n && t->rows[begin + i].time == expected) continue;
    if (i >= horizon || (i < n && t->rows[begin + i].time < expected)) {
      const row *r = &t->rows[begin + i];
      c2_time_format(r->time, c2_time_has_clock(r->time), stamp);
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': %s is none of the %zu steps that are forecast", t->csv.name,
              r->line, item->id, stamp, horizon);
    }
    c2_time_format(expected, c2_time_has_clock(expected), stamp);
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: item '%.80s': expected a row for %s, as for each of the %zu steps that are forecast", t->csv.name,
            item->id, stamp, horizon);
  }
  return C2_OK;
}

static c2_covariate *find_covariate(const c2_item *item, const char *name) {
  for (size_t i = 0; i < item->covariates; i++) {
    if (strcmp(item->covariate[i].name, name) == 0) return &item->covariate[i];
  }
  return NULL;
}

static c2_status fill_future(const table *t, c2_dataset *set, const c2_item *item, size_t index, size_t begin,
                             size_t horizon, c2_error *err) {
  const char *name = t->csv.header[t->covariate[index]];
  c2_covariate *covariate = find_covariate(item, name);
  if (!covariate) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': item '%.80s' has no covariate of that name in its past",
            t->csv.name, name, item->id);
  }
  covariate->future_length = horizon;
  if (covariate->is_text) {
    C2_TRY(c2_dataset_alloc(set, horizon, sizeof *covariate->future_text, &covariate->future_text, err));
  } else {
    C2_TRY(c2_dataset_alloc(set, horizon, sizeof *covariate->future, &covariate->future, err));
  }
  for (size_t i = 0; i < horizon; i++) {
    const char *cell = t->cells[t->order[begin + i] * t->covariates + index];
    if (covariate->is_text) {
      if (!c2_is_missing_text(cell)) C2_TRY(c2_dataset_text(set, cell, &covariate->future_text[i], err));
    } else if (!c2_parse_number(cell, &covariate->future[i])) {
      C2_FAIL(err, C2_ERR_FORMAT,
              "%s:%zu: column '%.60s': expected a finite number or nothing, as in its past, found "
              "'%.40s'",
              t->csv.name, t->rows[begin + i].line, name, cell);
    }
  }
  return C2_OK;
}

static c2_status fill_all_futures(const table *t, c2_dataset *set, size_t horizon, c2_error *err) {
  size_t begin = 0;
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    size_t n = begin < t->count && t->rows[begin].item == i ? item_rows(t, begin) : 0;
    C2_TRY(check_future_steps(t, item, begin, n, horizon, err));
    for (size_t k = 0; k < t->covariates; k++) C2_TRY(fill_future(t, set, item, k, begin, horizon, err));
    begin += n;
  }
  return C2_OK;
}

c2_status c2_dataset_read_future(c2_dataset *set, const char *path, const c2_read_options *options, size_t horizon,
                                 c2_error *err) {
  table t = {.count = 0};
  char *text = NULL;
  size_t size = 0;
  c2_status status = c2_read_file(path, &text, &size, err);
  if (status != C2_OK) return status;
  C2_GOTO(c2_csv_open(&t.csv, path, text, size, err));
  C2_GOTO(find_other_columns(&t, options, err));
  C2_GOTO(read_future_rows(&t, set, options->scenario, err));
  C2_GOTO(sort_rows(&t, err));
  C2_GOTO(refuse_duplicates(&t, set, err));
  C2_GOTO(fill_all_futures(&t, set, horizon, err));
fail:
  free(text);
  table_close(&t);
  return status;
}

/* ---- Scenarios ------------------------------------------------------------------------------- */

/* Texts of a column that aren't among the first `count` names yet are added; they lie in the file's text. */
static c2_status collect_scenarios(c2_csv *csv, const char ***names, size_t *count, c2_error *err) {
  size_t column = 0;
  size_t room = 0;
  C2_TRY(c2_csv_column(csv, "scenario", &column, err));
  for (;;) {
    bool more = false;
    C2_TRY(c2_csv_next(csv, &more, err));
    if (!more) break;
    size_t i = 0;
    while (i < *count && strcmp((*names)[*count - 1 - i], csv->field[column]) != 0) i++; /* mostly the last one */
    if (i < *count) continue;
    if (!*csv->field[column]) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column 'scenario': expected a name", csv->name, csv->line);
    }
    C2_TRY(c2_grow_array(names, &room, *count + 1, sizeof **names, err));
    (*names)[(*count)++] = csv->field[column];
  }
  if (*count > 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: expected rows", csv->name);
}

c2_status c2_scenario_names(const char *path, char ***names, size_t *count, c2_error *err) {
  c2_csv csv = {.name = path};
  char *text = NULL;
  const char **found = NULL;
  size_t size = 0;
  size_t bytes = 0;
  *names = NULL;
  *count = 0;
  c2_status status = c2_read_file(path, &text, &size, err);
  if (status != C2_OK) return status;
  C2_GOTO(c2_csv_open(&csv, path, text, size, err));
  C2_GOTO(collect_scenarios(&csv, &found, count, err));
  for (size_t i = 0; i < *count; i++) bytes += sizeof(char *) + strlen(found[i]) + 1;
  C2_GOTO(c2_alloc_array(bytes, 1, names, err));
  char *at = (char *)(*names + *count);
  for (size_t i = 0; i < *count; i++) {
    (*names)[i] = at;
    at = stpcpy(at, found[i]) + 1;
  }
fail:
  free(found);
  free(text);
  c2_csv_close(&csv);
  return status;
}
