/* Long tables: their columns by what they are for, their rows in order. Knows no format, and no item. */
#include "data/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/cell.h"
#include "data/read.h"

/* ---- Columns --------------------------------------------------------------------------------- */

void c2_roles_add(c2_roles *roles, size_t column, c2_want_type type, const char *what) {
  roles->want[roles->wants++] = (c2_want){column, type, what};
}

/* A column of that name; SIZE_MAX if there is none and nobody asked for it. */
static c2_status find_key(const c2_header *header, bool is_asked, const char *name, size_t *out, c2_error *err) {
  *out = SIZE_MAX;
  return is_asked || c2_header_has(header, name) ? c2_header_find(header, name, out, err) : C2_OK;
}

c2_status c2_roles_find_keys(c2_roles *roles, const c2_header *header, const c2_read_options *options, size_t *id,
                             size_t *stamp, c2_error *err) {
  const char *name = options->id_column;
  const char *stamp_name = options->timestamp_column;
  C2_TRY(find_key(header, stamp_name, c2_stamp_name(stamp_name), stamp, err));
  C2_TRY(find_key(header, name, c2_id_name(name), id, err));
  roles->has_id = *id != SIZE_MAX;
  roles->has_stamp = *stamp != SIZE_MAX;
  if (roles->has_id && *id == *stamp) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s' can't hold the ids and the time stamps: expected a column for each",
            header->file, c2_id_name(name));
  }
  if (roles->has_id) c2_roles_add(roles, *id, C2_WANT_NAME, "the name of an item");
  if (roles->has_stamp) c2_roles_add(roles, *stamp, C2_WANT_TIME, NULL);
  return C2_OK;
}

/* Copies a covariate's name and words to where they outlive the file. */
static c2_status keep_column(c2_dataset *set, const c2_column *column, c2_kept *out, c2_error *err) {
  C2_TRY(c2_dataset_text(set, column->name, &out->name, err));
  if (column->type != C2_COLUMN_TEXT) return C2_OK;
  out->is_boolean = true;
  C2_TRY(c2_dataset_alloc(set, column->words, sizeof *out->word, &out->word, err));
  for (size_t i = 0; i < column->words; i++) {
    out->is_boolean = out->is_boolean && c2_boolean_text(column->word[i]);
    C2_TRY(c2_dataset_text(set, column->word[i], &out->word[i], err));
  }
  return C2_OK;
}

/* Opens the clock of time stamps that are instants of one zone, as far as the files tell it. */
static c2_status find_wall(c2_table *t, c2_dataset *set, const c2_input *input, c2_error *err) {
  const c2_dialect *first = input->parts > 0 ? &input->part[0]->dialect : &input->dialect;
  bool is_one = first->is_instant && first->zone_name[0];
  for (size_t k = 1; k < input->parts && is_one; k++) {
    const c2_dialect *d = &input->part[k]->dialect;
    is_one = d->is_instant && strcmp(d->zone_name, first->zone_name) == 0;
  }
  if (!is_one) return C2_OK;
  c2_error why;
  c2_status status = c2_dataset_open_wall(set, first->zone_name, &t->wall, &why);
  return status == C2_OK ? C2_OK : c2_fail(err, status, "%s: %s", t->name, why.text);
}

/* Adds a file's dialect to that of all. What was presumed of a file must not differ from what another one shows. */
static c2_status join_dialect(c2_dataset *set, const c2_input *input, c2_error *err) {
  c2_dialect_agree(&set->dialect, &input->dialect);
  if (input->dialect.presumes_point && !set->presumed) {
    C2_TRY(c2_dataset_text(set, input->name, &set->presumed, err));
    set->is_presumed_of_commas = input->dialect.delimiter == ',';
  }
  if (!set->presumed || !c2_dialect_has_comma(&set->dialect)) return C2_OK;
  return c2_remedy(err, set->is_presumed_of_commas ? NULL : "decimal", /* which holds for all files */
                   c2_fail(err, C2_ERR_FORMAT,
                           "%s: numbers such as 1.234 may be read in two ways beside a file with a decimal comma: "
                           "write them alike",
                           set->presumed));
}

c2_status c2_input_note(c2_dataset *set, const c2_input *input, bool in_utc, const c2_dialect *asked, c2_error *err) {
  const c2_dialect *d = &input->dialect;
  char text[7][C2_STAMP_ROOM + 40] = {"", "", "", "", "", "", ""};
  bool was_asked = asked && asked->delimiter;
  if (d->delimiter && d->delimiter != ',' && !was_asked) {
    char room[C2_DELIMITER_ROOM];
    (void)snprintf(text[0], sizeof text[0], "%s between fields", c2_csv_delimiter_name(d->delimiter, room));
  }
  bool comma = d->decimal == ',' && !(asked && asked->decimal);
  if (comma || d->is_grouped) {
    (void)snprintf(text[1], sizeof text[1], "%s%s%s", comma ? "a decimal comma" : "",
                   comma && d->is_grouped ? " and " : "", d->is_grouped ? "digits in groups" : "");
  }
  if (d->time_format[0] && !(asked && asked->time_format[0])) {
    (void)snprintf(text[2], sizeof text[2], "time stamps as %s", d->time_format);
  }
  if (d->has_zone_names) (void)snprintf(text[3], sizeof text[3], "the offsets of named time zones, not their names");
  if (in_utc) (void)snprintf(text[4], sizeof text[4], "time stamps with a zone as instants in UTC");
  if (input->hidden > 0) {
    (void)snprintf(text[5], sizeof text[5], "%zu hidden name%s (. or _ in front) passed over", input->hidden,
                   input->hidden == 1 ? "" : "s");
  }
  if (input->sheets == SIZE_MAX) (void)snprintf(text[6], sizeof text[6], "the first sheet alone");
  if (input->sheets > 1 && input->sheets < SIZE_MAX) {
    (void)snprintf(text[6], sizeof text[6], "the first of %zu sheets alone", input->sheets);
  }
  for (size_t i = 0; i < 7; i++) {
    if (text[i][0]) C2_TRY(c2_dataset_put_found(set, text[i], err));
  }
  return join_dialect(set, input, err);
}

/* Notes in the table and the set what was found in the file. */
static c2_status note_dialect(c2_table *t, c2_dataset *set, const c2_input *input, const c2_dialect *asked,
                              c2_error *err) {
  const c2_dialect *d = &input->dialect;
  bool is_zoned = d->is_instant && !c2_zone_is_utc(d->zone_name);
  if (is_zoned && !t->wall) {
    char zone[sizeof t->zone];
    (void)snprintf(zone, sizeof zone, d->zone_name[0] ? "the zone %s" : "a zone", d->zone_name);
    bool differs = t->zone[0] && strcmp(t->zone, zone) != 0;
    (void)snprintf(t->zone, sizeof t->zone, "%s", differs ? "several zones" : zone);
  }
  return c2_input_note(set, input, is_zoned && !t->is_future && (!t->wall || t->wall->clock.is_missing), asked, err);
}

void c2_table_place(const c2_table *t, const char *file, size_t line, char out[C2_PLACE_ROOM]) {
  if (t->frame.part) {
    (void)snprintf(out, C2_PLACE_ROOM, "%.160s:%zu", file, line);
  } else {
    (void)snprintf(out, C2_PLACE_ROOM, "line %zu", line);
  }
}

c2_status c2_table_read(c2_table *t, c2_input *input, const c2_roles *roles, size_t first,
                        const c2_read_options *options, c2_dataset *set, c2_error *err) {
  t->name = input->name;
  t->header = input->header;
  t->bounds = &input->bounds;
  t->stamp_name = c2_stamp_name(options->timestamp_column);
  set->has_table = true;
  set->has_csv = set->has_csv || input->reader == &c2_csv_reader;
  for (size_t k = 0; k < input->parts; k++) set->has_csv = set->has_csv || input->part[k]->reader == &c2_csv_reader;
  C2_TRY(input->reader->read_columns(input, roles->want, roles->wants, &t->frame, err));
  C2_TRY(find_wall(t, set, input, err));
  if (input->parts == 0) C2_TRY(note_dialect(t, set, input, options->dialect, err));
  for (size_t k = 0; k < input->parts; k++) C2_TRY(note_dialect(t, set, input->part[k], options->dialect, err));
  const c2_column *next = t->frame.column + first;
  if (roles->has_id) t->id = next++;
  if (roles->has_stamp) t->stamp = next++;
  t->target = next;
  t->targets = roles->targets;
  t->covariate = next + roles->targets;
  t->covariates = roles->covariates;
  t->count = t->frame.rows;
  C2_TRY(c2_alloc_array(t->covariates, sizeof *t->kept, &t->kept, err));
  for (size_t k = 0; k < t->covariates; k++) C2_TRY(keep_column(set, &t->covariate[k], &t->kept[k], err));
  C2_TRY(c2_alloc_array(t->count, sizeof *t->rows, &t->rows, err));
  for (size_t i = 0; i < t->count; i++) t->rows[i] = (c2_table_row){0, t->stamp ? t->stamp->time[i] : 0, i};
  return C2_OK;
}

void c2_table_close(c2_table *t) {
  c2_frame_free(&t->frame);
  free(t->kept);
  free(t->rows);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static int compare_rows(const void *left, const void *right) {
  const c2_table_row *a = left;
  const c2_table_row *b = right;
  if (a->group != b->group) return a->group < b->group ? -1 : 1;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  return a->at < b->at ? -1 : a->at > b->at;
}

void c2_table_sort(c2_table *t) {
  size_t sorted = 1;
  while (sorted < t->count && compare_rows(&t->rows[sorted - 1], &t->rows[sorted]) < 0) sorted++;
  if (sorted < t->count) qsort(t->rows, t->count, sizeof *t->rows, compare_rows);
}

size_t c2_table_group_rows(const c2_table *t, size_t begin) {
  size_t end = begin;
  while (end < t->count && t->rows[end].group == t->rows[begin].group) end++;
  return end - begin;
}
