/* Known covariates: a table whose rows continue the items of a data set, once or for each of several scenarios. Its
 * rows are sorted by scenario, item and time. */
#include "data/future.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/axis.h"
#include "data/cell.h"
#include "data/jsonl.h"
#include "data/read.h"

struct c2_futures {
  c2_input input;
  c2_table table; /* groups: scenario * items + item; without ids the scenario */
  c2_dataset *set;
  size_t horizon;
  const c2_column *scenario; /* NULL: one future */
  c2_lookup columns;         /* of the covariates, as in the table */
  const c2_table_row **at;         /* row of each step of an item: [horizon] */
  bool *used;                /* rows that a forecast takes, in a file without ids: [table.count] */
  bool *found;               /* columns that are covariates of an item: [covariates] */
};

/* ---- Columns --------------------------------------------------------------------------------- */

/* Names that the items have. Neighbours mostly share theirs. */
typedef struct names {
  c2_lookup covariates, texts, targets; /* texts: covariates that hold categories in some item */
} names;

static c2_status collect_names(names *n, const c2_dataset *set, c2_error *err) {
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    size_t index = 0;
    for (size_t k = 0; k < item->covariates; k++) {
      const c2_covariate *c = &item->covariate[k];
      C2_TRY(c2_lookup_put(&n->covariates, c->name, &index, err));
      if (c->is_text) C2_TRY(c2_lookup_put(&n->texts, c->name, &index, err));
    }
    if (i > 0 && item->target_names == set->item[i - 1].target_names) continue;
    for (size_t k = 0; k < item->targets; k++) {
      C2_TRY(c2_lookup_put(&n->targets, item->target_names[k], &index, err));
    }
  }
  return C2_OK;
}

/* Takes the column if it is a covariate; passes over it if it has no name, if the past's files have it too and nothing
 * asked for it, or if the covariates are named and it is none of them. */
static c2_status take_column(c2_futures *f, c2_roles *roles, size_t column, const names *n,
                             const c2_read_options *options, c2_error *err) {
  const c2_header *header = f->input.header;
  const char *name = header->names.text[column];
  size_t index = 0;
  if (c2_lookup_find(&n->covariates, name, &index)) {
    C2_TRY(c2_header_find(header, name, &index, err)); /* refuses a name used twice */
    bool is_text = c2_lookup_find(&n->texts, name, &index);
    c2_roles_add(roles, column, is_text ? C2_WANT_TEXT : C2_WANT_ANY, NULL);
    roles->covariates++;
    return c2_lookup_add(&f->columns, name, &index, err);
  }
  if (c2_lookup_find(&n->targets, name, &index) || (options->wide && c2_dataset_find(f->set, name, &index))) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s' is what is forecast: expected known covariates alone",
            f->input.name, name);
  }
  if (options->covariate_count > 0 || !*name) return c2_lookup_keep(&f->set->ignored, &f->set->pool, name, &index, err);
  if (c2_lookup_find(&f->set->ignored, name, &index)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': the past has no such column", f->input.name, name);
}

static c2_status find_roles(c2_futures *f, c2_roles *roles, const c2_read_options *options, bool scenarios,
                            c2_error *err) {
  const c2_header *header = f->input.header;
  names n = {.covariates = {0}};
  c2_status status = C2_OK;
  size_t key[3] = {SIZE_MAX, SIZE_MAX, SIZE_MAX}; /* scenario, id, time stamp */
  C2_TRY(c2_alloc_array(header->names.count + 3, sizeof *roles->want, &roles->want, err));
  roles->wants = scenarios; /* its own place is in front */
  C2_TRY(c2_roles_find_keys(roles, header, options, &key[1], &key[2], err));
  if (scenarios) C2_TRY(c2_header_find(header, "scenario", &key[0], err));
  if (scenarios) roles->want[0] = (c2_want){key[0], C2_WANT_NAME, "a name"};
  C2_GOTO(collect_names(&n, f->set, err));
  for (size_t i = 0; i < header->names.count; i++) {
    if (i == key[0] || i == key[1] || i == key[2]) continue;
    C2_GOTO(take_column(f, roles, i, &n, options, err));
  }
  if (roles->covariates == 0 && options->covariate_count > 0) { /* says what is there */
    C2_GOTO(c2_header_find(header, options->covariates[0], &key[0], err));
  }
  if (roles->covariates == 0) {
    status = c2_remedy(err, "covariates",
                       c2_fail(err, C2_ERR_FORMAT,
                               "%s: expected a column that is a covariate of the past, found none",
                               f->input.name));
  }
fail:
  c2_lookup_free(&n.covariates);
  c2_lookup_free(&n.texts);
  c2_lookup_free(&n.targets);
  return status;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The item of each id of the file: [words]. */
static c2_status find_items(const c2_futures *f, size_t *item, c2_error *err) {
  const c2_table *t = &f->table;
  for (size_t i = 0, known = 0; i < t->count && known < t->id->words; i++) {
    if (t->id->code[i] < known) continue;
    const char *id = t->id->word[known];
    if (!c2_dataset_find(f->set, id, &item[known++])) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: expected one of the items that are forecast, found '%.80s'", t->name,
              c2_table_line(t, &t->rows[i]), id);
    }
  }
  return C2_OK;
}

static c2_status group_rows(c2_futures *f, c2_error *err) {
  c2_table *t = &f->table;
  size_t *item = NULL;
  size_t groups = 0;
  if (!c2_mul(c2_futures_count(f), f->set->count, &groups)) {
    C2_FAIL(err, C2_ERR_MEMORY, "%s: too many scenarios", t->name);
  }
  C2_TRY(c2_alloc_array(t->id ? t->id->words : 0, sizeof *item, &item, err));
  c2_status status = t->id ? find_items(f, item, err) : C2_OK;
  for (size_t i = 0; i < t->count && status == C2_OK; i++) {
    size_t scenario = f->scenario ? f->scenario->code[i] : 0;
    t->rows[i].group = t->id ? scenario * f->set->count + item[t->id->code[i]] : scenario;
  }
  free(item);
  return status;
}

/* "scenario 'high': item 'a': ": whose rows a message is about. */
enum { WHOSE_ROOM = 256 };
static void say_whose(const c2_futures *f, size_t scenario, const c2_item *item, char out[WHOSE_ROOM]) {
  out[0] = '\0';
  if (f->scenario) (void)snprintf(out, WHOSE_ROOM, "scenario '%.80s': ", c2_futures_name(f, scenario));
  size_t used = strlen(out);
  if (item) (void)snprintf(out + used, WHOSE_ROOM - used, "item '%.80s': ", item->id);
}

static c2_status refuse_repeated_rows(const c2_futures *f, c2_error *err) {
  const c2_table *t = &f->table;
  for (size_t i = 1; i < t->count; i++) {
    const c2_table_row *a = &t->rows[i - 1];
    const c2_table_row *b = &t->rows[i];
    if (a->group != b->group || a->time != b->time) continue;
    char stamp[C2_TIME_ROOM];
    char whose[WHOSE_ROOM];
    size_t items = t->id ? f->set->count : 1;
    c2_axis_stamp(t, b, &f->set->item[t->id ? b->group % items : 0], stamp);
    say_whose(f, b->group / items, t->id ? &f->set->item[b->group % items] : NULL, whose);
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: %sthere is a row for %s already, at line %zu", t->name, c2_table_line(t, b),
            whose, stamp, c2_table_line(t, a));
  }
  return C2_OK;
}

/* First sorted row that isn't before the group and the time. */
static size_t lower_bound(const c2_table *t, size_t group, c2_time time) {
  size_t low = 0;
  size_t high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const c2_table_row *r = &t->rows[middle];
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
  size_t group = t->id ? scenario * f->set->count + index : scenario;
  size_t begin = lower_bound(t, group, INT64_MIN);
  const c2_table_row *odd = NULL; /* a row that is no step */
  char stamp[C2_TIME_ROOM];
  char whose[WHOSE_ROOM];
  say_whose(f, scenario, item, whose);
  for (size_t s = 0; s < f->horizon && !odd; s++) {
    c2_time expected = 0;
    C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)(item->length + s), &expected, err));
    size_t at = t->id ? begin + s : lower_bound(t, group, expected);
    const c2_table_row *r = at < t->count && t->rows[at].group == group ? &t->rows[at] : NULL;
    f->at[s] = r;
    if (r && r->time == expected) continue;
    if (t->id && r && r->time < expected) {
      odd = r;
      continue;
    }
    c2_item_stamp(item, expected, stamp);
    C2_FAIL(err, C2_ERR_FORMAT, "%s: %sexpected a row for %s, as for each of the %zu steps that are forecast", t->name,
            whose, stamp, f->horizon);
  }
  size_t end = begin + f->horizon;
  if (!odd && t->id && end < t->count && t->rows[end].group == group) odd = &t->rows[end];
  if (!odd) return C2_OK;
  c2_axis_stamp(t, odd, item, stamp);
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: %s%s is none of the %zu steps that are forecast", t->name, c2_table_line(t, odd),
          whose, stamp, f->horizon);
}

/* A value of a covariate whose past holds numbers. */
static c2_status read_number(c2_futures *f, const c2_table_row *row, size_t index, double *out, bool *is_truth,
                             c2_error *err) {
  const c2_table *t = &f->table;
  const c2_column *column = &t->covariate[index];
  if (column->type != C2_COLUMN_TEXT) {
    *out = c2_column_number(column, row->at);
    return C2_OK;
  }
  const char *text = c2_table_text(t, row, index);
  const char *truth = text ? c2_boolean_text(text) : NULL;
  if (!text || truth) {
    *is_truth = *is_truth || truth;
    *out = c2_boolean_number(truth);
    return C2_OK;
  }
  if (c2_dialect_number(&f->input.dialect, text, out)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s:%zu: column '%.60s': expected a finite number or nothing, as in its past, found '%.40s'", t->name,
          c2_table_line(t, row), column->name, text);
}

static c2_status fill_covariate(c2_futures *f, c2_covariate *covariate, size_t index, c2_error *err) {
  const c2_table *t = &f->table;
  covariate->future_length = f->horizon;
  if (!covariate->is_text) {
    C2_TRY(c2_dataset_alloc(f->set, f->horizon, sizeof *covariate->future, &covariate->future, err));
    bool is_truth = false;
    size_t at = 0;
    for (size_t s = 0; s < f->horizon; s++) {
      C2_TRY(read_number(f, f->at[s], index, &covariate->future[s], &is_truth, err));
    }
    return is_truth ? c2_lookup_put(&f->set->truths, covariate->name, &at, err) : C2_OK;
  }
  C2_TRY(c2_dataset_alloc(f->set, f->horizon, sizeof *covariate->future_text, &covariate->future_text, err));
  for (size_t s = 0; s < f->horizon; s++) {
    const char *text = c2_table_text(t, f->at[s], index);
    const char *truth = text && covariate->is_boolean ? c2_boolean_text(text) : NULL;
    covariate->future_text[s] = truth ? truth : text;
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
      C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': item '%.80s' has known values of it already, at %s:%zu", t->name,
              covariate->name, item->id, item->file, item->line);
    }
    C2_TRY(fill_covariate(f, covariate, index, err));
    f->found[index] = true;
    filled++;
  }
  if (filled == t->covariates) return C2_OK;
  size_t missing = 0;
  while (f->found[missing]) missing++;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': item '%.80s' has no covariate of that name in its past", t->name,
          f->columns.text[missing], item->id);
}

c2_status c2_futures_note_shared(c2_dataset *set, const char *name, size_t items, const bool *used, size_t rows,
                                 c2_error *err) {
  size_t outside = 0;
  char shared[96] = "";
  for (size_t i = 0; i < rows; i++) outside += !used[i];
  if (items == 1 && outside == 0) return C2_OK;
  if (items > 1) {
    (void)snprintf(shared, sizeof shared, ": no column of ids: its rows hold for all %zu items", items);
  }
  if (outside == 0) return c2_dataset_note(set, err, "%.200s%s", name, shared);
  return c2_dataset_note(set, err, "%.200s%s; %zu of its %zu rows are no step of a forecast", name, shared, outside,
                         rows);
}

c2_status c2_futures_note(const c2_futures *f, c2_error *err) {
  if (!f->table.id) {
    C2_TRY(c2_futures_note_shared(f->set, f->table.name, f->set->count, f->used, f->table.count, err));
  }
  return c2_dataset_note_truths(f->set, err);
}

const bool *c2_futures_used(const c2_futures *f, size_t *rows) {
  *rows = f->table.count;
  return f->used;
}

c2_status c2_futures_fill(c2_futures *f, size_t scenario, c2_error *err) {
  for (size_t i = 0; i < f->set->count; i++) {
    C2_TRY(find_steps(f, scenario, i, err));
    C2_TRY(fill_item(f, scenario, &f->set->item[i], err));
    c2_item *item = &f->set->item[i];
    for (size_t s = 0; s < f->horizon && !item->is_foreign; s++) {
      item->is_foreign = c2_axis_is_foreign(&f->table, f->at[s], item);
    }
    for (size_t s = 0; !f->table.id && s < f->horizon; s++) f->used[f->at[s]->at] = true;
  }
  return C2_OK;
}

/* ---- All ------------------------------------------------------------------------------------- */

static c2_status read_table(c2_futures *f, const c2_read_options *options, bool scenarios, c2_error *err) {
  c2_roles roles = {.wants = 0};
  const c2_dialect past = f->set->dialect;
  f->input.expected = &past;
  f->table.is_future = true;
  c2_status status = find_roles(f, &roles, options, scenarios, err);
  if (status == C2_OK) status = c2_table_read(&f->table, &f->input, &roles, scenarios, options, f->set, err);
  if (status == C2_OK && scenarios) f->scenario = f->table.frame.column;
  f->input.expected = NULL;
  free(roles.want);
  return status;
}

static c2_status read_input(c2_futures *f, const c2_read_options *options, bool scenarios, c2_error *err) {
  C2_TRY(read_table(f, options, scenarios, err));
  C2_TRY(group_rows(f, err));
  C2_TRY(c2_axis_settle_future(&f->table, f->set, err));
  c2_table_sort(&f->table);
  C2_TRY(refuse_repeated_rows(f, err));
  C2_TRY(c2_alloc_array(f->horizon, sizeof(c2_table_row *), &f->at, err));
  C2_TRY(c2_alloc_array(f->table.count, sizeof *f->used, &f->used, err));
  return c2_alloc_array(f->table.covariates, sizeof *f->found, &f->found, err);
}

c2_status c2_futures_open(c2_futures **out, c2_dataset *set, const char *path, const c2_read_options *options,
                          size_t horizon, bool scenarios, c2_error *err) {
  c2_futures *f = NULL;
  *out = NULL;
  if (c2_path_is_json(path)) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: expected a table, found JSON Lines: there what is known stands in \"future_covariates\" of the series "
            "themselves",
            path);
  }
  C2_TRY(c2_alloc_array(1, sizeof *f, &f, err));
  f->set = set;
  f->horizon = horizon;
  c2_status status = c2_input_open(&f->input, path, true, options->dialect, err);
  if (status == C2_OK) status = read_input(f, options, scenarios, err);
  if (status != C2_OK) c2_futures_close(&f);
  *out = f;
  return status;
}

c2_status c2_futures_open_input(c2_futures **out, c2_dataset *set, const c2_input *input,
                                const c2_read_options *options, size_t horizon, const char **read_as, c2_error *err) {
  c2_futures *f = NULL;
  *out = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *f, &f, err));
  f->set = set;
  f->horizon = horizon;
  f->input = *input;
  f->table.read_as = *read_as;
  c2_status status = read_input(f, options, false, err);
  *read_as = f->table.read_as;
  if (status != C2_OK) c2_futures_close(&f);
  *out = f;
  return status;
}

size_t c2_futures_count(const c2_futures *f) {
  return f->scenario ? f->scenario->words : 1;
}

const char *c2_futures_name(const c2_futures *f, size_t scenario) {
  return f->scenario ? f->scenario->word[scenario] : NULL;
}

void c2_futures_close(c2_futures **futures) {
  c2_futures *f = *futures;
  if (!f) return;
  c2_table_close(&f->table);
  c2_input_close(&f->input);
  c2_lookup_free(&f->columns);
  free(f->at);
  free(f->used);
  free(f->found);
  free(f);
  *futures = NULL;
}
