/* Long tables to series: rows in any order become items with regular steps. Knows the data set, no format. */
#include "data/assemble.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "base/number.h"
#include "data/axis.h"
#include "data/cell.h"

/* ---- Columns --------------------------------------------------------------------------------- */

static c2_status add_named(c2_roles *roles, const c2_header *header, const char *const *names, size_t count,
                           c2_want_type type, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    size_t column = 0;
    C2_TRY(c2_header_find(header, names[i], &column, err));
    c2_roles_add(roles, column, type, NULL);
  }
  return C2_OK;
}

/* Ids and time stamps are no targets or covariates as well, which the roles behind the first `keys` are. */
static c2_status refuse_keys(const c2_roles *roles, const c2_header *header, size_t keys, size_t id, size_t stamp,
                             c2_error *err) {
  for (size_t i = keys; i < roles->wants; i++) {
    size_t column = roles->want[i].column;
    if (column != id && column != stamp) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s' is named twice: it holds the %s", header->file,
            header->names.text[column], column == id ? "ids" : "time stamps");
  }
  return C2_OK;
}

/* The columns that nothing names: covariates if all are to be, else ignored. */
static c2_status add_others(c2_roles *roles, const c2_header *header, c2_dataset *set, bool *taken, bool all,
                            c2_error *err) {
  for (size_t i = 0; i < roles->wants; i++) taken[roles->want[i].column] = true;
  for (size_t i = 0; i < header->names.count; i++) {
    size_t self = 0;
    const char *name = header->names.text[i];
    if (taken[i]) continue;
    if (all && *name) { /* pandas writes its index without a name */
      C2_TRY(add_named(roles, header, &name, 1, C2_WANT_ANY, err)); /* refuses a name used twice */
      roles->covariates++;
      C2_TRY(c2_lookup_keep(&set->taken, &set->pool, name, &self, err));
    } else {
      C2_TRY(c2_lookup_keep(&set->ignored, &set->pool, name, &self, err));
    }
  }
  return C2_OK;
}

/* Every column that is no time stamp and no covariate is a target, which becomes a series of its own. */
static c2_status add_wide_targets(c2_roles *roles, const c2_header *header, size_t stamp,
                                  const c2_read_options *options, c2_error *err) {
  c2_lookup covariates = {0};
  c2_status status = C2_OK;
  size_t at = 0;
  for (size_t i = 0; i < options->covariate_count; i++) {
    C2_GOTO(c2_lookup_put(&covariates, options->covariates[i], &at, err));
  }
  for (size_t i = 0; i < header->names.count; i++) {
    const char *name = header->names.text[i];
    if (i == stamp || c2_lookup_find(&covariates, name, &at)) continue;
    if (!*name) {
      C2_GOTO(c2_remedy(err, "target",
                        c2_fail(err, C2_ERR_FORMAT, "%s: column %zu has no name, which would be its series'",
                                header->file, i + 1)));
    }
    C2_GOTO(add_named(roles, header, &name, 1, C2_WANT_NUMBER, err));
    roles->targets++;
  }
  if (roles->targets > 0) goto fail;
  status = c2_fail(err, C2_ERR_FORMAT, "%s: expected a column for each series beside the time stamps", header->file);
fail:
  c2_lookup_free(&covariates);
  return status;
}

/* Columns of a further file of the table that the first one doesn't have. */
static c2_status check_columns(const c2_input *input, const c2_input *part, c2_dataset *set, bool all, c2_error *err) {
  for (size_t i = 0; i < part->header->names.count; i++) {
    size_t at = 0;
    const char *name = part->header->names.text[i];
    if (c2_header_has(input->header, name)) continue;
    if (all && *name) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: %s has no column '%.60s'", part->name, input->part[0]->name, name);
    }
    C2_TRY(c2_lookup_keep(&set->ignored, &set->pool, name, &at, err));
  }
  return C2_OK;
}

static c2_status find_roles(c2_roles *roles, const c2_input *input, c2_dataset *set, const c2_read_options *options,
                            c2_error *err) {
  const c2_header *header = input->header;
  static const char *const usual[] = {"target"};
  bool named = options->target_count > 0;
  bool all_targets = options->wide && !named;
  bool all = options->all_covariates;
  size_t id = 0;
  size_t stamp = 0;
  size_t most = 2 * header->names.count + options->covariate_count;
  bool *taken = NULL;
  roles->targets = named ? options->target_count : all_targets ? 0 : 1;
  roles->covariates = all ? 0 : options->covariate_count;
  C2_TRY(c2_alloc_array(most + roles->targets + 2, sizeof *roles->want, &roles->want, err));
  C2_TRY(c2_roles_find_keys(roles, header, options, &id, &stamp, err));
  size_t keys = roles->wants;
  if (options->wide && roles->has_id) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: its column '%.60s' names the series: expected a column for each of them",
            header->file, header->names.text[id]);
  }
  if (all_targets) {
    C2_TRY(add_wide_targets(roles, header, stamp, options, err));
  } else {
    C2_TRY(add_named(roles, header, named ? options->targets : usual, roles->targets, C2_WANT_NUMBER, err));
  }
  C2_TRY(add_named(roles, header, options->covariates, roles->covariates, C2_WANT_ANY, err));
  C2_TRY(refuse_keys(roles, header, keys, id, stamp, err));
  for (size_t k = 1; k < input->parts; k++) C2_TRY(check_columns(input, input->part[k], set, all, err));
  C2_TRY(c2_alloc_array(header->names.count, sizeof *taken, &taken, err));
  c2_status status = add_others(roles, header, set, taken, all, err);
  free(taken);
  return status;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* A column that holds nothing but booleans has one spelling of each. */
static void spell_booleans(c2_table *t) {
  for (size_t k = 0; k < t->covariates; k++) {
    for (size_t i = 0; t->kept[k].is_boolean && i < t->covariate[k].words; i++) {
      t->kept[k].word[i] = c2_boolean_text(t->kept[k].word[i]);
    }
  }
}

/* Columns whose words are partly numbers: a cell such as '-' may have made them categories. */
static c2_status put_mixed(const c2_table *t, const c2_column *column, bool is_sorted, c2_dataset *set,
                           c2_error *err) {
  const char *odd = NULL;
  bool any = false;
  char place[C2_PLACE_ROOM + 4] = " at ";
  char line[C2_CAVEAT_ROOM];
  for (size_t i = 0; i < column->words; i++) {
    if (c2_is_missing_text(column->word[i])) continue;
    bool is_number = c2_number_shape_of(column->word[i]) != C2_SHAPE_NONE; /* with either decimal sign */
    any = any || is_number;
    if (!odd && !is_number) odd = column->word[i];
  }
  if (!any || !odd) return C2_OK;
  size_t at = is_sorted ? t->count : 0;
  while (at < t->count && !(c2_column_has(column, at) && column->word[column->code[at]] == odd)) at++;
  if (at < t->count) { /* not so where the cell is in another part of the table */
    const c2_table_row row = {.at = at};
    c2_table_place(t, c2_table_file(t, &row), c2_table_line(t, &row), place + 4);
  }
  c2_caveat_mixed(column->name, odd, at < t->count ? place : "", line);
  return c2_dataset_put_mixed(set, column->name, line, err);
}

/* Each id of the file is an item that is added to the set, in order of first appearance. */
static c2_status add_items(c2_table *t, c2_dataset *set, bool wide, c2_error *err) {
  size_t base = set->count;
  for (size_t i = 0; i < t->count; i++) {
    size_t code = t->id ? t->id->code[i] : 0;
    c2_item *item = NULL;
    t->rows[i].group = base + code;
    if (base + code < set->count) continue;
    const char *id = t->id ? t->id->word[code] : wide ? t->target[0].name : NULL;
    const c2_table_row *row = &t->rows[i];
    C2_TRY(c2_dataset_add(set, id, c2_table_file(t, row), c2_table_line(t, row), &item, err));
  }
  return C2_OK;
}

static c2_status check_series(const c2_table *t, c2_error *err) {
  size_t series = 0;
  c2_sum_up(&series, t->id ? t->id->words : 1, t->targets + t->covariates);
  if (t->bounds->series == 0 || series <= t->bounds->series) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: expected at most %zu targets and covariates in all, found %zu", t->name,
          t->bounds->series, series);
}

/* ---- Items ----------------------------------------------------------------------------------- */

static c2_status refuse_duplicates(const c2_table *t, const c2_dataset *set, c2_error *err) {
  for (size_t i = 1; i < t->count; i++) {
    const c2_table_row *a = &t->rows[i - 1];
    const c2_table_row *b = &t->rows[i];
    if (a->group != b->group || a->time != b->time) continue;
    char stamp[C2_TIME_ROOM];
    char place[C2_PLACE_ROOM];
    c2_item_stamp(&set->item[b->group], b->time, stamp);
    c2_table_place(t, c2_table_file(t, a), c2_table_line(t, a), place);
    return c2_remedy(err, t->id ? NULL : "id-column",
                     c2_fail(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s' already has a row for %s, at %s",
                             c2_table_file(t, b), c2_table_line(t, b), set->item[b->group].id, stamp, place));
  }
  return C2_OK;
}

static c2_status fill_covariate(const c2_table *t, c2_dataset *set, const c2_item *item, size_t index,
                                const c2_table_row *rows, size_t n, const int64_t *steps, c2_error *err) {
  const c2_column *column = &t->covariate[index];
  c2_covariate *covariate = &item->covariate[index];
  covariate->name = t->kept[index].name;
  covariate->is_text = column->type == C2_COLUMN_TEXT;
  covariate->is_boolean = t->kept[index].is_boolean;
  if (covariate->is_text) {
    C2_TRY(c2_dataset_alloc(set, item->length, sizeof *covariate->past_text, &covariate->past_text, err));
    for (size_t i = 0; i < n; i++) covariate->past_text[steps[i]] = c2_table_text(t, &rows[i], index);
    return C2_OK;
  }
  C2_TRY(c2_dataset_alloc(set, item->length, sizeof *covariate->past, &covariate->past, err));
  for (size_t i = 0; i < item->length; i++) covariate->past[i] = (double)NAN;
  for (size_t i = 0; i < n; i++) covariate->past[steps[i]] = c2_column_number(column, rows[i].at);
  return C2_OK;
}

/* Offsets from UTC of the rows; a step without a row has that of the row before it. */
static c2_status fill_offsets(const c2_table *t, c2_dataset *set, c2_item *item, const c2_table_row *rows, size_t n,
                              const int64_t *steps, c2_error *err) {
  if (!item->has_offsets) return C2_OK;
  C2_TRY(c2_dataset_alloc(set, item->length, sizeof *item->minutes, &item->minutes, err));
  for (size_t i = 0; i < n; i++) {
    size_t end = i + 1 < n ? (size_t)steps[i + 1] : item->length;
    for (size_t s = (size_t)steps[i]; s < end; s++) item->minutes[s] = t->stamp->zone[rows[i].at];
  }
  return C2_OK;
}

static c2_status fill_item(c2_table *t, c2_dataset *set, c2_item *item, size_t begin, size_t n,
                           const char *const *target_names, int64_t *steps, c2_error *err) {
  const c2_table_row *rows = t->rows + begin;
  size_t values = 0;
  item->targets = t->targets;
  item->target_names = target_names;
  item->covariates = t->covariates;
  C2_TRY(c2_axis_place(t, item, begin, n, steps, err));
  C2_TRY(fill_offsets(t, set, item, rows, n, steps, err));
  if (!c2_mul(item->length, t->targets, &values)) C2_FAIL(err, C2_ERR_MEMORY, "%s: too many steps", t->name);
  C2_TRY(c2_dataset_alloc(set, values, sizeof *item->target, &item->target, err));
  for (size_t i = 0; i < values; i++) item->target[i] = (double)NAN;
  for (size_t k = 0; k < t->targets; k++) {
    double *target = item->target + k * item->length;
    for (size_t i = 0; i < n; i++) target[steps[i]] = c2_column_number(&t->target[k], rows[i].at);
  }
  C2_TRY(c2_dataset_alloc(set, t->covariates, sizeof *item->covariate, &item->covariate, err));
  for (size_t k = 0; k < t->covariates; k++) C2_TRY(fill_covariate(t, set, item, k, rows, n, steps, err));
  return C2_OK;
}

static c2_status fill_items(c2_table *t, c2_dataset *set, c2_error *err) {
  const char **names = NULL;
  int64_t *steps = NULL;
  c2_status status = C2_OK;
  C2_TRY(c2_dataset_alloc(set, t->targets, sizeof *names, &names, err));
  for (size_t k = 0; k < t->targets; k++) C2_TRY(c2_dataset_text(set, t->target[k].name, &names[k], err));
  C2_TRY(c2_alloc_array(t->count, sizeof *steps, &steps, err));
  for (size_t begin = 0, n = 0; begin < t->count; begin += n) {
    n = c2_table_group_rows(t, begin);
    C2_GOTO(fill_item(t, set, &set->item[t->rows[begin].group], begin, n, names, steps, err));
  }
fail:
  free(steps);
  return status;
}

/* The one item of a wide table becomes an item for each of its targets. */
static c2_status split_targets(const c2_table *t, c2_dataset *set, c2_error *err) {
  const c2_item joint = set->item[set->count - 1];
  const char **names = NULL;
  C2_TRY(c2_dataset_alloc(set, 1, sizeof *names, &names, err));
  names[0] = "target";
  for (size_t k = 0; k < t->targets; k++) {
    c2_item *item = &set->item[set->count - 1];
    if (k > 0) C2_TRY(c2_dataset_add(set, t->target[k].name, t->name, joint.line, &item, err));
    const char *id = item->id;
    *item = joint;
    item->id = id;
    item->targets = 1;
    item->target_names = names;
    item->target = joint.target + k * joint.length;
    if (k == 0) continue;
    C2_TRY(c2_dataset_alloc(set, joint.covariates, sizeof *item->covariate, &item->covariate, err)); /* own futures */
    if (joint.covariates > 0) memcpy(item->covariate, joint.covariate, joint.covariates * sizeof *item->covariate);
  }
  return C2_OK;
}

/* Whether a table's ids came as whole numbers, from all its files. */
static bool has_whole_ids(const c2_input *input) {
  bool is_so = input->parts > 0 || input->dialect.has_whole_ids;
  for (size_t k = 0; k < input->parts; k++) is_so = is_so && input->part[k]->dialect.has_whole_ids;
  return is_so;
}

c2_status c2_assemble_long(c2_input *input, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  c2_table t = {.count = 0};
  c2_roles roles = {.wants = 0};
  c2_status status = C2_OK;
  size_t before = set->count;
  C2_GOTO(find_roles(&roles, input, set, options, err));
  C2_GOTO(c2_table_read(&t, input, &roles, 0, options, set, err));
  set->has_past_table = true;
  C2_GOTO(check_series(&t, err));
  for (size_t k = 0; k < t.covariates; k++) {
    if (t.covariate[k].type == C2_COLUMN_TEXT) C2_GOTO(put_mixed(&t, &t.covariate[k], input->is_sorted, set, err));
  }
  spell_booleans(&t);
  C2_GOTO(add_items(&t, set, options->wide, err));
  C2_GOTO(c2_axis_settle(&t, set, options, err));
  c2_table_sort(&t);
  C2_GOTO(refuse_duplicates(&t, set, err));
  C2_GOTO(c2_axis_infer(&t, set, options, err));
  C2_GOTO(fill_items(&t, set, err));
  if (options->wide) C2_GOTO(split_targets(&t, set, err));
  if (has_whole_ids(input)) set->whole_ids += set->count - before;
  C2_GOTO(c2_axis_report(&t, set, err));
  if (!options->part) status = c2_dataset_note_utc_days(set, err);
fail:
  free(roles.want);
  c2_table_close(&t);
  return status;
}
