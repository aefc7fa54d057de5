/* Forecasts that somebody else made, as CSV: each row is found by series, target, time stamp and, where windows
 * overlap, the last time stamp that was known. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "cli/evaluate.h"

enum { ROLES = 4, KEY_ROOM = 64 };

typedef struct theirs {
  const char *path;
  c2_input input;
  c2_frame frame;
  const c2_column *id, *stamp, *target, *cutoff, *point; /* of the frame; id, target and cutoff may be NULL */
  const c2_column *level;                                /* [level_count]; NULL: there are none */
  c2_lookup keys;                                        /* of the rows, in order */
  c2_pool pool;
  const char *read_as; /* what whole numbers in the place of time stamps are; NULL: there are none */
  size_t used;
} theirs;

/* The column of a level, "0.1" or as else the header spells it; SIZE_MAX: there is none. */
static c2_status find_level(const c2_header *header, double level, size_t *at, c2_error *err) {
  *at = SIZE_MAX;
  for (size_t i = 0; i < header->names.count; i++) {
    const char *name = header->names.text[i];
    double value = 0;
    if (!c2_number_read_text(name, &value) || fabs(value - level) > 1e-9) continue;
    if (*at != SIZE_MAX) {
      char text[C2_FLOAT_ROOM];
      c2_double_text(text, level, C2_USUAL_DIGITS);
      C2_FAIL(err, C2_ERR_FORMAT, "%s: the columns '%.60s' and '%.60s' are both of the quantile level %s", header->file,
              header->names.text[*at], name, text);
    }
    *at = i;
  }
  return C2_OK;
}

/* Which columns there are: want [wants]. */
static c2_status choose_columns(const evaluate_request *r, theirs *t, c2_want *want, size_t *wants, c2_error *err) {
  const c2_header *header = t->input.header;
  const char *id = c2_id_name(r->in.id_column);
  const char *stamp = c2_stamp_name(r->in.timestamp_column);
  size_t at = 0;
  size_t levels = 0;
  bool has_id = c2_header_has(header, id);
  bool has_target = c2_header_has(header, "target_name");
  bool has_cutoff = c2_header_has(header, "cutoff");
  if (!has_id && r->e.data.units > 1) C2_TRY(c2_header_find(header, id, &at, err)); /* says that it is missing */
  if (!has_target && r->e.data.targets > 1) C2_TRY(c2_header_find(header, "target_name", &at, err));
  if (!has_cutoff && r->windows > 1 && r->stride < r->horizon) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a column 'cutoff', the last time stamp that was known: windows overlap",
            t->path);
  }
  const struct {
    const char *name;
    c2_want_type type;
    bool there;
  } roles[ROLES] = {{id, C2_WANT_NAME, has_id},
                    {"target_name", C2_WANT_NAME, has_target},
                    {stamp, C2_WANT_TIME, true},
                    {"cutoff", C2_WANT_TIME, has_cutoff}};
  for (size_t i = 0; i < ROLES; i++) {
    if (!roles[i].there) continue;
    C2_TRY(c2_header_find(header, roles[i].name, &at, err));
    want[(*wants)++] = (c2_want){at, roles[i].type, "a name"};
  }
  C2_TRY(c2_header_find(header, "predictions", &at, err));
  want[(*wants)++] = (c2_want){at, C2_WANT_NUMBER, NULL};
  for (; levels < r->level_count; levels++) {
    C2_TRY(find_level(header, r->levels[levels], &at, err));
    if (at == SIZE_MAX) break;
    want[*wants + levels] = (c2_want){at, C2_WANT_NUMBER, NULL};
  }
  if (levels < r->level_count) {
    char level[C2_FLOAT_ROOM];
    c2_double_text(level, r->levels[levels], C2_USUAL_DIGITS);
    cli_warn("%s has no column for the quantile level %s: its quantiles are not scored", t->path, level);
    levels = 0;
  }
  *wants += levels;
  C2_TRY(t->input.reader->read_columns(&t->input, want, *wants, &t->frame, err));
  const c2_column *next = t->frame.column;
  t->id = has_id ? next++ : NULL;
  t->target = has_target ? next++ : NULL;
  t->stamp = next++;
  t->cutoff = has_cutoff ? next++ : NULL;
  t->point = next++;
  t->level = levels ? next : NULL;
  return C2_OK;
}

/* Names end where the unit separator stands, which no name holds. */
static c2_status make_key(c2_pool *pool, const char *id, const char *target, c2_time stamp, const c2_time *cutoff,
                          const char **out, c2_error *err) {
  size_t room = strlen(id) + strlen(target) + KEY_ROOM;
  char *text = NULL;
  C2_TRY(c2_pool_alloc(pool, room, 1, &text, err));
  int n = snprintf(text, room, "%s\x1f%s\x1f%" PRId64, id, target, stamp);
  if (cutoff) (void)snprintf(text + n, room - (size_t)n, "\x1f%" PRId64, *cutoff);
  *out = text;
  return C2_OK;
}

static size_t line_of(const theirs *t, size_t row) {
  return t->frame.line ? t->frame.line[row] : row + 1;
}

/* Time stamp and cutoff of a row, on the clock of its series. */
static c2_status read_times(theirs *t, const c2_item *item, size_t row, c2_time *stamp, c2_time *cutoff,
                            c2_error *err) {
  C2_TRY(c2_item_time(item, t->path, &t->frame, t->stamp, row, stamp, &t->read_as, err));
  return t->cutoff ? c2_item_time(item, t->path, &t->frame, t->cutoff, row, cutoff, &t->read_as, err)
                   : C2_OK;
}

static c2_status index_rows(const evaluate_request *r, theirs *t, c2_error *err) {
  const c2_dataset *set = &r->e.data.set;
  for (size_t row = 0; row < t->frame.rows; row++) {
    const char *id = t->id ? t->id->word[t->id->code[row]] : "";
    const char *target = t->target ? t->target->word[t->target->code[row]] : "";
    const char *key = NULL;
    const c2_item *item = t->id ? NULL : r->e.data.unit[0].item;
    size_t first = 0;
    c2_time stamp = (c2_time)row; /* of a series that isn't scored: no two rows are alike */
    c2_time cutoff = 0;
    if (t->id && c2_dataset_find(set, id, &first)) item = &set->item[first];
    if (item) C2_TRY(read_times(t, item, row, &stamp, &cutoff, err));
    C2_TRY(make_key(&t->pool, id, target, stamp, t->cutoff ? &cutoff : NULL, &key, err));
    C2_TRY(c2_lookup_add(&t->keys, key, &first, err));
    if (first < row) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: the same series, time stamp and cutoff as in line %zu", t->path,
              line_of(t, row), line_of(t, first));
    }
  }
  return C2_OK;
}

static c2_status take_number(const theirs *t, const c2_column *column, size_t row, double *out, c2_error *err) {
  *out = c2_column_number(column, row);
  if (!isnan(*out)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a number, found none", t->path, line_of(t, row),
          column->name);
}

/* Points and quantiles of series i of a window; each step must be there. */
static c2_status take_series(const evaluate_request *r, theirs *t, const c2_window *w, size_t i, double *out,
                             c2_error *err) {
  const c2_item *item = r->e.data.unit[w->unit[i]].item;
  size_t steps = w->targets * w->horizon;
  char text[C2_TIME_ROOM];
  c2_time cutoff = 0;
  c2_time stamp = 0;
  C2_TRY(evaluate_stamp(r, w, i, -1, text, &cutoff, err));
  for (size_t k = 0; k < steps; k++) {
    const char *target = item->target_names[k / w->horizon];
    const char *key = NULL;
    size_t row = 0;
    c2_pool pool = {.chunk = NULL};
    C2_TRY(evaluate_stamp(r, w, i, (int64_t)(k % w->horizon), text, &stamp, err));
    c2_status status = make_key(&pool, t->id ? item->id : "", t->target ? target : "", stamp,
                                t->cutoff ? &cutoff : NULL, &key, err);
    bool found = status == C2_OK && c2_lookup_find(&t->keys, key, &row);
    c2_pool_free(&pool);
    C2_TRY(status);
    if (!found) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a forecast of series '%.80s', %.80s, at %s", t->path, item->id, target,
              text);
    }
    C2_TRY(take_number(t, t->point, row, &out[k], err));
    for (size_t q = 0; q < r->level_count; q++) {
      double *quantile = &out[steps + k * r->level_count + q];
      *quantile = (double)NAN;
      if (t->level) C2_TRY(take_number(t, &t->level[q], row, quantile, err));
    }
    t->used++;
  }
  return C2_OK;
}

static c2_status take_all(evaluate_request *r, theirs *t, c2_error *err) {
  double **other = NULL;
  C2_TRY(c2_pool_alloc(&r->pool, r->e.windows, sizeof(double *), &other, err));
  for (size_t i = 0; i < r->e.windows; i++) {
    const c2_window *w = &r->e.window[i];
    size_t values = w->targets * w->horizon * (1 + r->level_count);
    C2_TRY(c2_pool_alloc(&r->pool, w->count, values * sizeof(double), &other[i], err));
    for (size_t k = 0; k < w->count; k++) C2_TRY(take_series(r, t, w, k, other[i] + k * values, err));
  }
  r->e.other = other;
  if (t->used < t->frame.rows) {
    cli_warn("%s: %zu of %zu rows are no step of a window: they are not scored", t->path, t->frame.rows - t->used,
             t->frame.rows);
  }
  return C2_OK;
}

/* Says how the file is spelled, as far as that wasn't said of the series. It fails where the decimal signs of both may
 * differ, which --decimal settles if that of the series was presumed. */
static c2_status tell_spelling(const theirs *t, c2_dataset *set, c2_error *err) {
  size_t said = set->found.count;
  bool is_of_series = set->presumed;
  c2_status status = c2_input_note(set, &t->input, false, NULL, err);
  if (status != C2_OK) return c2_remedy(err, status == C2_ERR_FORMAT && is_of_series ? "decimal" : NULL, status);
  C2_TRY(c2_note_whole_numbers(set, t->read_as, err));
  for (; said < set->found.count; said++) cli_note("%s: read with %s", t->path, set->found.text[said]);
  return C2_OK;
}

c2_status evaluate_read_against(evaluate_request *r, c2_error *err) {
  theirs t = {.path = r->against};
  c2_want *want = NULL;
  size_t wants = 0;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(ROLES + 1 + r->level_count, sizeof *want, &want, err));
  status = c2_input_open(&t.input, r->against, true, NULL, err);
  const c2_dialect expected = r->e.data.set.dialect;
  t.input.expected = &expected;
  if (status == C2_OK) status = choose_columns(r, &t, want, &wants, err);
  if (status == C2_OK) status = index_rows(r, &t, err);
  if (status != C2_OK) err->remedy = NULL; /* the options are about the series */
  if (status == C2_OK) status = tell_spelling(&t, &r->e.data.set, err);
  if (status == C2_OK) status = take_all(r, &t, err);
  c2_lookup_free(&t.keys);
  c2_pool_free(&t.pool);
  c2_frame_free(&t.frame);
  c2_input_close(&t.input);
  free(want);
  return status;
}
