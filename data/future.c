/* Known covariates: a CSV file whose rows continue the items of a data set, once or for each of several scenarios.
 * The file is read once; its rows are sorted by scenario, item and time. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/infile.h"
#include "base/text.h"
#include "data/axis.h"

struct c2_futures {
  c2_table table; /* groups: scenario * items + item; without ids the scenario */
  char *text;
  c2_dataset *set;
  size_t horizon;
  bool scenarios;
  size_t scenario;  /* column */
  c2_lookup names;   /* of the scenarios */
  c2_lookup columns; /* of the covariates, as in the table */
  size_t *at;       /* sorted row of each step of an item: [horizon] */
  bool *used;       /* sorted rows that a forecast takes, in a file without ids: [table.count] */
  bool *found;      /* columns that are covariates of an item: [covariates] */
};

/* ---- Columns --------------------------------------------------------------------------------- */

/* Names of all items' covariates and targets. Neighbours mostly share theirs. */
static c2_status collect_names(const c2_dataset *set, c2_lookup *covariates, c2_lookup *targets, c2_error *err) {
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    size_t index = 0;
    for (size_t k = 0; k < item->covariates; k++) {
      C2_TRY(c2_lookup_put(covariates, item->covariate[k].name, &index, err));
    }
    if (i > 0 && item->target_names == set->item[i - 1].target_names) continue;
    for (size_t k = 0; k < item->targets; k++) C2_TRY(c2_lookup_put(targets, item->target_names[k], &index, err));
  }
  return C2_OK;
}

/* Takes the column if it is a covariate; passes over it if the past's files have it too and nothing asked for it. */
static c2_status take_column(c2_futures *f, size_t column, const c2_lookup *covariates, const c2_lookup *targets,
                             c2_error *err) {
  c2_table *t = &f->table;
  const char *name = t->csv.header[column];
  size_t index = 0;
  if (c2_lookup_find(covariates, name, &index)) {
    C2_TRY(c2_csv_column(&t->csv, name, &index, err)); /* refuses a name used twice */
    t->covariate[t->covariates++] = column;
    return c2_lookup_add(&f->columns, name, &index, err);
  }
  if (c2_lookup_find(targets, name, &index)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s' is what is forecast: expected known covariates alone", t->csv.name,
            name);
  }
  if (c2_lookup_find(&f->set->ignored, name, &index)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': the past has no such column", t->csv.name, name);
}

static c2_status find_covariates(c2_futures *f, c2_error *err) {
  c2_table *t = &f->table;
  c2_lookup covariates = {0};
  c2_lookup targets = {0};
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(t->csv.columns, sizeof *t->covariate, &t->covariate, err));
  C2_GOTO(collect_names(f->set, &covariates, &targets, err));
  for (size_t i = 0; i < t->csv.columns; i++) {
    if (i == t->stamp || (t->has_id && i == t->id) || (f->scenarios && i == f->scenario)) continue;
    C2_GOTO(take_column(f, i, &covariates, &targets, err));
  }
  if (t->covariates == 0) {
    C2_GOTO(c2_fail(err, C2_ERR_FORMAT,
                    "%s: expected a column that is a covariate; --covariates names those of the past's columns that "
                    "are, or --all-covariates takes all",
                    t->csv.name));
  }
  C2_GOTO(c2_alloc_array(t->covariates, sizeof *f->found, &f->found, err));
  status = c2_table_alloc_kinds(t, err);
fail:
  c2_lookup_free(&covariates);
  c2_lookup_free(&targets);
  return status;
}

c2_status c2_csv_covariate_names(const char *path, const c2_read_options *options, char ***names, size_t *count,
                                 c2_error *err) {
  c2_table t = {.count = 0};
  char *text = NULL;
  size_t size = 0;
  size_t bytes = 0;
  *names = NULL;
  *count = 0;
  c2_status status = c2_read_file(path, &text, &size, err);
  if (status != C2_OK) return status;
  C2_GOTO(c2_csv_open(&t.csv, path, text, size, err));
  C2_GOTO(c2_table_find_keys(&t, options, err));
  for (size_t i = 0; i < t.csv.columns; i++) bytes += sizeof(char *) + strlen(t.csv.header[i]) + 1;
  C2_GOTO(c2_alloc_array(bytes, 1, names, err));
  char *at = (char *)(*names + t.csv.columns);
  for (size_t i = 0; i < t.csv.columns; i++) {
    size_t self = 0;
    if (i == t.stamp || (t.has_id && i == t.id)) continue;
    C2_GOTO(c2_csv_column(&t.csv, t.csv.header[i], &self, err)); /* refuses a name used twice */
    (*names)[(*count)++] = at;
    at = stpcpy(at, t.csv.header[i]) + 1;
  }
  if (*count == 0) status = c2_fail(err, C2_ERR_FORMAT, "%s: expected columns beside id and time stamp", path);
fail:
  if (status != C2_OK) {
    free(*names);
    *names = NULL;
  }
  free(text);
  c2_table_close(&t);
  return status;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static c2_status read_scenario(c2_futures *f, size_t *index, c2_error *err) {
  const c2_csv *csv = &f->table.csv;
  *index = 0;
  if (!f->scenarios) return C2_OK;
  const char *name = csv->field[f->scenario];
  if (*name && c2_text_plain(name, strlen(name))) return c2_lookup_put(&f->names, name, index, err);
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column 'scenario': expected a name, found %s'%.80s'", csv->name, csv->line,
          *name ? "a control character in " : "", name);
}

static c2_status read_rows(c2_futures *f, c2_error *err) {
  c2_table *t = &f->table;
  for (;;) {
    bool more = false;
    const char *id = NULL;
    size_t group = 0;
    size_t item = 0;
    C2_TRY(c2_csv_next(&t->csv, &more, err));
    if (!more) break;
    C2_TRY(read_scenario(f, &group, err));
    C2_TRY(c2_table_id(t, &id, err));
    if (id) {
      if (!c2_dataset_find(f->set, id, &item)) {
        C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: expected one of the items that are forecast, found '%.80s'", t->csv.name,
                t->csv.line, id);
      }
      if (!c2_mul(group, f->set->count, &group) || !c2_add(group, item, &group)) {
        C2_FAIL(err, C2_ERR_MEMORY, "%s: too many scenarios", t->csv.name);
      }
    }
    C2_TRY(c2_table_add_row(t, group, err));
  }
  if (t->count > 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: a header but no rows", t->csv.name);
}

/* "scenario 'high': item 'a': ": whose rows a message is about. */
enum { WHOSE_ROOM = 256 };
static void say_whose(const c2_futures *f, size_t scenario, const c2_item *item, char out[WHOSE_ROOM]) {
  out[0] = '\0';
  if (f->scenarios) (void)snprintf(out, WHOSE_ROOM, "scenario '%.80s': ", f->names.text[scenario]);
  size_t used = strlen(out);
  if (item) (void)snprintf(out + used, WHOSE_ROOM - used, "item '%.80s': ", item->id);
}

static c2_status refuse_repeated_rows(const c2_futures *f, c2_error *err) {
  const c2_table *t = &f->table;
  for (size_t i = 1; i < t->count; i++) {
    const c2_row *a = &t->rows[i - 1];
    const c2_row *b = &t->rows[i];
    if (a->group != b->group || a->time != b->time) continue;
    char stamp[C2_TIME_ROOM];
    char whose[WHOSE_ROOM];
    size_t items = t->has_id ? f->set->count : 1;
    c2_item_stamp(&f->set->item[t->has_id ? b->group % items : 0], b->time, stamp);
    say_whose(f, b->group / items, t->has_id ? &f->set->item[b->group % items] : NULL, whose);
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: %sthere is a row for %s already, at line %zu", t->csv.name, b->line, whose,
            stamp, a->line);
  }
  return C2_OK;
}

/* First sorted row that isn't before the group and the time. */
static size_t lower_bound(const c2_table *t, size_t group, c2_time time) {
  size_t low = 0;
  size_t high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const c2_row *r = &t->rows[middle];
    if (r->group < group || (r->group == group && r->time < time)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* Finds the row of each step that is forecast. With ids, the item's rows are these alone. */
static c2_status find_steps(c2_futures *f, size_t scenario, size_t index, c2_error *err) {
  const c2_table *t = &f->table;
  const c2_item *item = &f->set->item[index];
  size_t group = t->has_id ? scenario * f->set->count + index : scenario;
  size_t begin = lower_bound(t, group, INT64_MIN);
  char stamp[C2_TIME_ROOM];
  char whose[WHOSE_ROOM];
  say_whose(f, scenario, item, whose);
  for (size_t s = 0; s < f->horizon; s++) {
    c2_time expected = 0;
    C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)(item->length + s), &expected, err));
    size_t at = f->at[s] = t->has_id ? begin + s : lower_bound(t, group, expected);
    const c2_row *r = at < t->count && t->rows[at].group == group ? &t->rows[at] : NULL;
    if (r && r->time == expected) continue;
    if (t->has_id && r && r->time < expected) {
      c2_item_stamp(item, r->time, stamp);
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: %s%s is none of the %zu steps that are forecast", t->csv.name, r->line,
              whose, stamp, f->horizon);
    }
    c2_item_stamp(item, expected, stamp);
    C2_FAIL(err, C2_ERR_FORMAT, "%s: %sexpected a row for %s, as for each of the %zu steps that are forecast",
            t->csv.name, whose, stamp, f->horizon);
  }
  size_t end = begin + f->horizon;
  if (!t->has_id || end >= t->count || t->rows[end].group != group) return C2_OK;
  c2_item_stamp(item, t->rows[end].time, stamp);
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: %s%s is none of the %zu steps that are forecast", t->csv.name,
          t->rows[end].line, whose, stamp, f->horizon);
}

static c2_status fill_covariate(c2_futures *f, c2_covariate *covariate, size_t index, c2_error *err) {
  const c2_table *t = &f->table;
  covariate->future_length = f->horizon;
  if (covariate->is_text) {
    C2_TRY(c2_dataset_alloc(f->set, f->horizon, sizeof *covariate->future_text, &covariate->future_text, err));
  } else {
    C2_TRY(c2_dataset_alloc(f->set, f->horizon, sizeof *covariate->future, &covariate->future, err));
  }
  for (size_t s = 0; s < f->horizon; s++) {
    const char *cell = c2_table_cell(t, f->at[s], index);
    const char *truth = covariate->is_boolean ? c2_boolean_text(cell) : NULL;
    if (truth) {
      covariate->future_text[s] = truth;
    } else if (covariate->is_text) {
      if (!c2_is_missing_text(cell)) C2_TRY(c2_dataset_text(f->set, cell, &covariate->future_text[s], err));
    } else if (!c2_parse_number(cell, &covariate->future[s])) {
      C2_FAIL(err, C2_ERR_FORMAT,
              "%s:%zu: column '%.60s': expected a finite number or nothing, as in its past, found '%.40s'", t->csv.name,
              t->rows[f->at[s]].line, covariate->name, cell);
    }
  }
  return C2_OK;
}

static c2_status fill_item(c2_futures *f, size_t scenario, c2_item *item, c2_error *err) {
  const c2_table *t = &f->table;
  size_t filled = 0;
  memset(f->found, 0, t->covariates * sizeof *f->found);
  for (size_t k = 0; k < item->covariates; k++) {
    c2_covariate *covariate = &item->covariate[k];
    size_t index = 0;
    if (!c2_lookup_find(&f->columns, covariate->name, &index)) continue;
    if (scenario == 0 && covariate->future_length > 0) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': item '%.80s' has known values of it already, at %s:%zu",
              t->csv.name, covariate->name, item->id, item->file, item->line);
    }
    C2_TRY(fill_covariate(f, covariate, index, err));
    f->found[index] = true;
    filled++;
  }
  if (filled == t->covariates) return C2_OK;
  size_t missing = 0;
  while (f->found[missing]) missing++;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': item '%.80s' has no covariate of that name in its past", t->csv.name,
          f->columns.text[missing], item->id);
}

/* Says of a file without ids that its rows were shared, and how many were of no use. */
static c2_status note_shared(c2_futures *f, c2_error *err) {
  const c2_table *t = &f->table;
  size_t outside = 0;
  char shared[96] = "";
  for (size_t i = 0; i < t->count; i++) outside += !f->used[i];
  if (f->set->count == 1 && outside == 0) return C2_OK;
  if (f->set->count > 1) {
    (void)snprintf(shared, sizeof shared, ": no column of ids: its rows hold for all %zu items", f->set->count);
  }
  if (outside == 0) return c2_dataset_note(f->set, err, "%.200s%s", t->csv.name, shared);
  return c2_dataset_note(f->set, err, "%.200s%s; %zu of its %zu rows are no step of a forecast", t->csv.name, shared,
                         outside, t->count);
}

c2_status c2_futures_fill(c2_futures *f, size_t scenario, c2_error *err) {
  for (size_t i = 0; i < f->set->count; i++) {
    C2_TRY(find_steps(f, scenario, i, err));
    C2_TRY(fill_item(f, scenario, &f->set->item[i], err));
    for (size_t s = 0; !f->table.has_id && s < f->horizon; s++) f->used[f->at[s]] = true;
  }
  bool last = scenario + 1 == c2_futures_count(f);
  return last && !f->table.has_id ? note_shared(f, err) : C2_OK;
}

/* ---- All ------------------------------------------------------------------------------------- */

c2_status c2_futures_open(c2_futures **out, c2_dataset *set, const char *path, const c2_read_options *options,
                          size_t horizon, bool scenarios, c2_error *err) {
  c2_futures *f = NULL;
  size_t size = 0;
  *out = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *f, &f, err));
  c2_status status = C2_OK;
  f->set = set;
  f->horizon = horizon;
  f->scenarios = scenarios;
  C2_GOTO(c2_read_file(path, &f->text, &size, err));
  C2_GOTO(c2_csv_open(&f->table.csv, strcmp(path, "-") == 0 ? "standard input" : path, f->text, size, err));
  C2_GOTO(c2_table_find_keys(&f->table, options, err));
  if (scenarios) C2_GOTO(c2_csv_column(&f->table.csv, "scenario", &f->scenario, err));
  C2_GOTO(find_covariates(f, err));
  C2_GOTO(read_rows(f, err));
  C2_GOTO(c2_axis_settle_future(&f->table, set, err));
  C2_GOTO(c2_table_sort(&f->table, err));
  C2_GOTO(refuse_repeated_rows(f, err));
  C2_GOTO(c2_alloc_array(horizon, sizeof *f->at, &f->at, err));
  C2_GOTO(c2_alloc_array(f->table.count, sizeof *f->used, &f->used, err));
  *out = f;
  return C2_OK;
fail:
  c2_futures_close(&f);
  return status;
}

size_t c2_futures_count(const c2_futures *f) {
  return f->scenarios ? f->names.count : 1;
}

const char *c2_futures_name(const c2_futures *f, size_t scenario) {
  return f->scenarios ? f->names.text[scenario] : NULL;
}

void c2_futures_close(c2_futures **futures) {
  c2_futures *f = *futures;
  if (!f) return;
  c2_table_close(&f->table);
  c2_lookup_free(&f->names);
  c2_lookup_free(&f->columns);
  free(f->text);
  free(f->at);
  free(f->used);
  free(f->found);
  free(f);
  *futures = NULL;
}
