/* What a column of time stamps holds: time stamps, years, or whole numbers; rows without such a column; and the clock
 * of each item. Frequencies are in panel.c. */
#include "data/axis.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/read.h"

/* Whole numbers between these are taken for years where nothing says otherwise. */
enum { FIRST_YEAR = 1500, LAST_YEAR = 2200, YEARS_APART = 10 };

/* ---- Cells ----------------------------------------------------------------------------------- */

static bool is_whole(const c2_table *t, const c2_table_row *row) {
  return !t->stamp || t->stamp->type == C2_COLUMN_INTEGER ||
         (t->stamp->zone && t->stamp->zone[row->at] == C2_WHOLE_NUMBER);
}

static c2_zone zone_of(const c2_table *t, const c2_table_row *row) {
  int minutes = t->stamp && t->stamp->zone ? t->stamp->zone[row->at] : C2_NO_ZONE;
  bool given = minutes != C2_NO_ZONE && minutes != C2_WHOLE_NUMBER;
  return (c2_zone){given, given ? minutes : 0};
}

static c2_status refuse_cell(const c2_table *t, const c2_table_row *row, bool whole, const char *expected,
                             c2_error *err) {
  char found[C2_TIME_ROOM];
  if (whole) {
    (void)snprintf(found, sizeof found, "%lld", (long long)row->time);
  } else {
    c2_time_format(row->time, true, zone_of(t, row), found);
  }
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected %s, found %s", c2_table_file(t, row),
          c2_table_line(t, row), t->stamp->name, expected, found);
}

/* ---- Whole numbers --------------------------------------------------------------------------- */

/* What whole numbers may spell. Their digits tell them apart. */
typedef enum whole_kind {
  KIND_COUNT,
  KIND_YEAR,
  KIND_MONTH,
  KIND_DAY,
  KIND_SECOND,
  KIND_MILLISECOND,
  KINDS
} whole_kind;

/* Seconds since 1970 count as such from 2001-09-09 to 2100: ten digits. */
#define FIRST_SECOND INT64_C(1000000000)
#define END_SECOND INT64_C(4102444800)

static bool is_month(int64_t number) {
  return number / 100 >= FIRST_YEAR && number / 100 <= LAST_YEAR && number % 100 >= 1 && number % 100 <= 12;
}

static whole_kind kind_of(int64_t number) {
  if (number >= 1000 && number <= 9999) return KIND_YEAR;
  if (is_month(number)) return KIND_MONTH;
  if (is_month(number / 100) && number % 100 >= 1 &&
      number % 100 <= c2_month_length(number / 10000, (int)(number / 100 % 100))) {
    return KIND_DAY;
  }
  if (number >= FIRST_SECOND && number < END_SECOND) return KIND_SECOND;
  if (number >= FIRST_SECOND * 1000 && number < END_SECOND * 1000) return KIND_MILLISECOND;
  return KIND_COUNT;
}

static const char *const kind_words[KINDS] = {"whole numbers, which the forecast continues",
                                              "years",
                                              "months such as 202401",
                                              "days such as 20240131",
                                              "seconds since 1970 in UTC",
                                              "milliseconds since 1970 in UTC"};

/* 2024, 202401 or 20240131 as the time stamp of its first day; seconds or milliseconds since 1970. A table has one of
 * these. */
static c2_status make_time(c2_table *t, c2_table_row *row, c2_error *err) {
  int64_t n = row->time;
  whole_kind kind = kind_of(n);
  if (kind != KIND_COUNT && t->read_as && t->read_as != kind_words[kind]) {
    char expected[80];
    (void)snprintf(expected, sizeof expected, "%s, as in other rows", t->read_as);
    return refuse_cell(t, row, true, expected, err);
  }
  if (kind != KIND_COUNT) t->read_as = kind_words[kind];
  switch (kind) {
    case KIND_YEAR: row->time = c2_day_of(n, 1, 1) * C2_DAY_US; return C2_OK;
    case KIND_MONTH: row->time = c2_day_of(n / 100, (int)(n % 100), 1) * C2_DAY_US; return C2_OK;
    case KIND_DAY: row->time = c2_day_of(n / 10000, (int)(n / 100 % 100), (int)(n % 100)) * C2_DAY_US; return C2_OK;
    case KIND_SECOND: row->time = n * 1000000; return C2_OK;
    case KIND_MILLISECOND: row->time = n * 1000; return C2_OK;
    default: return refuse_cell(t, row, true, "a time stamp such as 2020-01-31", err);
  }
}

/* What the whole numbers of a column are: what all of them may spell, or steps. */
static whole_kind common_kind(const c2_table *t) {
  whole_kind kind = t->count > 0 ? kind_of(t->rows[0].time) : KIND_COUNT;
  int64_t low = INT64_MAX;
  int64_t high = INT64_MIN;
  for (size_t i = 0; i < t->count; i++) {
    int64_t number = t->rows[i].time;
    low = number < low ? number : low;
    high = number > high ? number : high;
    if (kind_of(number) != kind) return KIND_COUNT;
  }
  bool near = low >= FIRST_YEAR && high <= LAST_YEAR && (size_t)(high - low) <= YEARS_APART * t->count;
  return kind == KIND_YEAR && !near ? KIND_COUNT : kind;
}

/* The format in which a number spells a date and a clock, as 2024013105 does, of a plausible year; or NULL. */
static const char *clock_format(int64_t number, c2_time *out) {
  static const char *const formats[] = {"%Y%m%d%H", "%Y%m%d%H%M", "%Y%m%d%H%M%S"};
  char text[24];
  c2_zone zone;
  int digits = snprintf(text, sizeof text, "%lld", (long long)number);
  if (digits < 10 || digits > 14 || digits % 2 != 0) return NULL;
  if (strncmp(text, "1900", 4) < 0 || strncmp(text, "2100", 4) > 0) return NULL;
  const char *format = formats[(digits - 10) / 2];
  return c2_stamp_read(format, text, out, &zone) ? format : NULL;
}

/* Such a column may hold something else, too. */
static c2_status refuse_clocks(const c2_table *t, c2_error *err) {
  const char *format = NULL;
  c2_time time = 0;
  for (size_t i = t->count; i-- > 0;) {
    const char *its = clock_format(t->rows[i].time, &time);
    if (!its || (format && its != format)) return C2_OK;
    format = its;
  }
  if (!format) return C2_OK;
  const c2_table_row *row = t->rows;
  char reading[2][C2_TIME_ROOM];
  bool is_second = kind_of(row->time) == KIND_SECOND;
  c2_time_format(time, true, (c2_zone){false, 0}, reading[0]);
  if (is_second) c2_time_format(row->time * 1000000, true, (c2_zone){false, 0}, reading[1]);
  return c2_remedy(
      err, "time-format",
      c2_fail(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': %lld may be %s ('%s') or %s (%s)", c2_table_file(t, row),
              c2_table_line(t, row), t->stamp->name, (long long)row->time, reading[0], format,
              is_second ? reading[1] : "a whole number", is_second ? "'%s'" : "a frequency of 1"));
}

/* Decides what a column of whole numbers is. */
static c2_status choose_axis(c2_table *t, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  whole_kind kind = options->freq && options->freq->unit != C2_FREQ_COUNT ? KIND_YEAR : KIND_COUNT;
  if (!options->freq || kind != KIND_COUNT) C2_TRY(refuse_clocks(t, err));
  if (!options->freq) {
    kind = common_kind(t);
    C2_TRY(c2_dataset_note(set, err, "%s: column '%.60s' is read as %s%s", t->name, t->stamp->name, kind_words[kind],
                           kind == KIND_COUNT ? "" : " (a frequency of 1 reads whole numbers)"));
    set->warned_of = kind_words[kind];
  }
  t->is_count = kind == KIND_COUNT;
  return C2_OK;
}

c2_status c2_note_whole_numbers(c2_dataset *set, const char *read_as, c2_error *err) {
  char text[80];
  if (!read_as || read_as == set->warned_of) return C2_OK;
  (void)snprintf(text, sizeof text, "whole numbers as %s", read_as);
  return c2_dataset_put_found(set, text, err);
}

/* Numbers the rows of each group in the order of the file, from 1 on. */
static c2_status count_rows(c2_table *t, size_t groups, c2_error *err) {
  int64_t *rows = NULL;
  C2_TRY(c2_alloc_array(groups, sizeof *rows, &rows, err));
  for (size_t i = 0; i < t->count; i++) {
    t->rows[i].time = ++rows[t->rows[i].group];
  }
  free(rows);
  return C2_OK;
}

/* ---- Clocks ---------------------------------------------------------------------------------- */

/* What the rows of an item say of its clock. */
typedef struct clock_face {
  size_t rows, zoned;
  bool several;     /* offsets */
  int least, most;  /* of them */
  bool same_time;   /* of day, in every row */
  size_t first;     /* row */
  c2_time last;     /* in UTC */
  c2_zone zone;     /* of the last row */
  c2_time of_first; /* time of day */
} clock_face;

static c2_time in_utc(const c2_table_row *row, c2_zone zone) {
  return row->time - zone.minutes * INT64_C(60000000);
}

static void look_at_clock(clock_face *face, const c2_table_row *row, c2_zone zone, size_t index) {
  c2_time of_day = c2_floor_mod(row->time, C2_DAY_US);
  if (face->rows++ == 0) {
    *face = (clock_face){1, 0, false, zone.minutes, zone.minutes, true, index, in_utc(row, zone), zone, of_day};
  }
  face->zoned += zone.given;
  face->several = face->several || zone.minutes != face->zone.minutes;
  face->least = zone.minutes < face->least ? zone.minutes : face->least;
  face->most = zone.minutes > face->most ? zone.minutes : face->most;
  face->same_time = face->same_time && of_day == face->of_first;
  if (in_utc(row, zone) < face->last) return;
  face->last = in_utc(row, zone);
  face->zone = zone;
}

/* Rows of a zone are instants until their frequencies are known. */
static void settle_zone(const c2_table *t, c2_dataset *set) {
  for (size_t i = 0; i < t->count; i++) {
    c2_item *item = &set->item[t->rows[i].group];
    item->wall = t->wall;
    item->zone = (c2_zone){true, 0};
  }
}

/* Gives the rows of each item one offset from UTC, that of its last row. Where offsets differ, as they do when summer
 * begins, rows at one time of day stay at it; others keep their instants. */
static c2_status settle_clocks(c2_table *t, c2_dataset *set, c2_error *err) {
  clock_face *faces = NULL;
  c2_status status = C2_OK;
  size_t several = 0;
  size_t example = 0;
  C2_TRY(c2_alloc_array(set->count, sizeof *faces, &faces, err));
  for (size_t i = 0; i < t->count; i++) {
    look_at_clock(&faces[t->rows[i].group], &t->rows[i], zone_of(t, &t->rows[i]), i);
  }
  for (size_t i = 0; i < t->count; i++) {
    c2_table_row *row = &t->rows[i];
    c2_item *item = &set->item[row->group];
    const clock_face *face = &faces[row->group];
    if (face->zoned > 0 && !zone_of(t, row).given) {
      C2_GOTO(refuse_cell(t, row, false, "an offset from UTC, as in other rows of its item", err));
    }
    item->zone = face->zone;
    item->behind = face->zone.minutes - face->least;
    item->ahead = face->most - face->zone.minutes;
    item->has_offsets = face->several && face->same_time;
    if (!face->several) continue;
    if (i == face->first && several++ == 0) example = row->group;
    if (!face->same_time) row->time = in_utc(row, zone_of(t, row)) + face->zone.minutes * INT64_C(60000000);
  }
  if (several > 0) {
    const clock_face *face = &faces[example];
    char last[C2_TIME_ROOM];
    c2_time_format(face->last + face->zone.minutes * INT64_C(60000000), true, face->zone, last);
    C2_GOTO(c2_dataset_note(set, err,
                            "%s: item '%.80s' has several offsets from UTC%s: its forecast has that of the last row, "
                            "%s",
                            t->name, set->item[example].id, several > 1 ? ", as have others" : "", last));
  }
fail:
  free(faces);
  return status;
}

/* ---- All ------------------------------------------------------------------------------------- */

c2_status c2_axis_settle(c2_table *t, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  size_t whole = 0;
  bool asked = options->freq && options->freq->unit == C2_FREQ_COUNT;
  if (!t->stamp) {
    size_t none = 0;
    if (options->freq && !asked) return c2_header_find(t->header, t->stamp_name, &none, err);
    t->is_count = true;
    C2_TRY(count_rows(t, set->count, err));
    C2_TRY(c2_dataset_note(set, err, "%s: no column '%s': the rows of an item count as steps 1, 2, ... as they come",
                           t->name, t->stamp_name));
  } else {
    for (size_t i = 0; i < t->count; i++) whole += is_whole(t, &t->rows[i]);
    if (whole == t->count) C2_TRY(choose_axis(t, set, options, err));
    if (options->part) t->read_as = options->part->read_as;
    for (size_t i = 0; i < t->count && !t->is_count; i++) {
      bool is_number = is_whole(t, &t->rows[i]);
      if (asked) return refuse_cell(t, &t->rows[i], is_number, "a whole number, as the frequency has it", err);
      if (is_number) C2_TRY(make_time(t, &t->rows[i], err));
    }
    if (options->part) options->part->read_as = t->read_as;
  }
  C2_TRY(c2_note_whole_numbers(set, t->read_as, err));
  if (t->wall) settle_zone(t, set);
  if (!t->is_count && !t->wall) C2_TRY(settle_clocks(t, set, err));
  c2_freq_unit unit = t->is_count ? C2_FREQ_COUNT : t->wall ? C2_FREQ_HOUR : C2_FREQ_DAY;
  c2_freq provisional = {unit, C2_PLACE_START, 0, 1};
  for (size_t i = 0; i < t->count; i++) set->item[t->rows[i].group].freq = provisional;
  return C2_OK;
}

/* Whether a time is a step of an item, or of what follows on it. */
static bool is_step(const c2_item *item, c2_time time) {
  int64_t step = 0;
  c2_time at = 0;
  c2_error why;
  return time >= item->start && c2_freq_between(&item->freq, item->start, time, &step) &&
         c2_freq_add(&item->freq, item->start, step, &at, &why) == C2_OK && at == time;
}

/* A row that belongs to an item that was read before, on the axis and the clock of that item. Where steps are days, an
 * instant that is none of them counts for the day on the wall. */
static c2_status settle_row(c2_table *t, c2_table_row *row, const c2_item *item, c2_error *err) {
  bool whole = is_whole(t, row);
  if (item->freq.unit == C2_FREQ_COUNT) {
    return whole ? C2_OK : refuse_cell(t, row, false, "a whole number, as in the past", err);
  }
  c2_zone zone = zone_of(t, row);
  if (zone.given != item->zone.given) {
    return refuse_cell(t, row, whole,
                       item->zone.given ? "an offset from UTC, as in the past" : "no offset from UTC, as in the past",
                       err);
  }
  if (whole) return make_time(t, row, err);
  if (item->wall) {
    row->time = in_utc(row, zone);
    if (!c2_freq_counts_instants(&item->freq)) row->time += c2_clock_offset(&item->wall->clock, row->time);
    return C2_OK;
  }
  c2_time instant = row->time + (item->zone.minutes - zone.minutes) * INT64_C(60000000);
  if (c2_freq_has_clock(&item->freq) || is_step(item, instant)) row->time = instant;
  return C2_OK;
}

bool c2_axis_is_foreign(const c2_table *t, const c2_table_row *row, const c2_item *item) {
  c2_zone zone = zone_of(t, row);
  int further = zone.minutes - item->zone.minutes;
  if (item->wall || (t->stamp && row->time != t->stamp->time[row->at])) return false; /* an instant */
  return zone.given && !c2_freq_has_clock(&item->freq) && (further < -item->behind || further > item->ahead);
}

void c2_axis_stamp(const c2_table *t, const c2_table_row *row, const c2_item *item, char out[C2_TIME_ROOM]) {
  c2_zone zone = zone_of(t, row);
  if (zone.given) {
    c2_time_format(t->stamp->time[row->at], true, zone, out);
  } else {
    c2_item_stamp(item, row->time, out);
  }
}

c2_status c2_item_time(const c2_item *item, const char *file, const c2_frame *frame, const c2_column *stamp, size_t at,
                       c2_time *out, const char **read_as, c2_error *err) {
  c2_table cells = {.name = file, .frame = *frame, .stamp = stamp, .read_as = *read_as};
  c2_table_row row = {.time = stamp->time[at], .at = at};
  C2_TRY(settle_row(&cells, &row, item, err));
  *out = row.time;
  *read_as = cells.read_as;
  return C2_OK;
}

/* Rows without time stamps are the next steps, in the order of the file. */
static c2_status continue_rows(c2_table *t, const c2_dataset *set, size_t groups, c2_error *err) {
  C2_TRY(count_rows(t, groups, err));
  for (size_t i = 0; i < t->count; i++) {
    c2_table_row *row = &t->rows[i];
    const c2_item *item = &set->item[t->id ? row->group % set->count : 0];
    if (item->freq.unit != C2_FREQ_COUNT) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: no column of time stamps, which the past has", t->name);
    }
    C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)item->length + row->time - 1, &row->time, err));
  }
  return C2_OK;
}

/* What keeps a time stamp from having the same place on the axes of two items; NULL: nothing. */
static const char *axes_differ(const c2_item *a, const c2_item *b) {
  if (!a->wall != !b->wall || a->zone.minutes != b->zone.minutes) return "offset from UTC";
  if (!a->wall) return NULL;
  if (strcmp(a->wall->zone, b->wall->zone) != 0) return "time zone";
  return c2_freq_counts_instants(&a->freq) != c2_freq_counts_instants(&b->freq) ? "frequency" : NULL;
}

c2_status c2_axis_check_shared(const char *file, const c2_item *a, const c2_item *b, bool has_stamps, c2_error *err) {
  c2_time end[2] = {0, 0};
  const char *what = axes_differ(a, b);
  if (what) C2_FAIL(err, C2_ERR_FORMAT, "%s: items differ in their %s: expected a column of ids", file, what);
  if (has_stamps || a->freq.unit != C2_FREQ_COUNT) return C2_OK;
  C2_TRY(c2_freq_add(&a->freq, a->start, (int64_t)a->length, &end[0], err));
  C2_TRY(c2_freq_add(&b->freq, b->start, (int64_t)b->length, &end[1], err));
  if (c2_freq_equal(&a->freq, &b->freq) && end[0] == end[1]) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s: items '%.80s' and '%.80s' go on at different steps: expected a column of ids or of time stamps", file,
          a->id, b->id);
}

c2_status c2_axis_settle_future(c2_table *t, c2_dataset *set, c2_error *err) {
  size_t groups = 0;
  if (set->count == 0) return C2_OK;
  for (size_t i = 1; i < set->count && !t->id; i++) {
    C2_TRY(c2_axis_check_shared(t->name, &set->item[0], &set->item[i], t->stamp != NULL, err));
  }
  for (size_t i = 0; i < t->count; i++) {
    c2_table_row *row = &t->rows[i];
    groups = c2_max_size(groups, row->group + 1);
    if (t->stamp) C2_TRY(settle_row(t, row, &set->item[t->id ? row->group % set->count : 0], err));
  }
  return t->stamp ? c2_note_whole_numbers(set, t->read_as, err) : continue_rows(t, set, groups, err);
}
