/* Frequencies of items, by pandas' rules. Knows no covariates and no forecasts. */
#include "table/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Values that are filled in for a few rows; beyond it a table needs as many rows as a hundredth of them. */
enum { FREE_STEPS = 1000000, STEPS_PER_ROW = 100 };

/* ---- Time stamps ----------------------------------------------------------------------------- */

/* Microseconds of a unit; 0 for nanoseconds. */
static int64_t unit_of(char unit) {
  switch (unit) {
    case 'D': return C2_DAY_US;
    case 's': return 1000000;
    case 'u': return 1;
    case 'n': return 0;
    default: return 1000; /* ms of times and of dates */
  }
}

/* A time stamp in microseconds; false outside the years 1 to 9999, and between two microseconds. */
static bool to_utc(const c2_field *field, int64_t stamp, c2_time *out) {
  int64_t unit = unit_of(field->unit);
  if (unit == 0 && stamp % 1000 != 0) return false;
  if (unit == 0) *out = stamp / 1000;
  if (unit > 0 && __builtin_mul_overflow(stamp, unit, out)) return false;
  return *out >= C2_FIRST_DAY * C2_DAY_US && *out < C2_END_DAY * C2_DAY_US;
}

static bool from_utc(const c2_timeline *axis, c2_time utc, int64_t *out) {
  int64_t unit = unit_of(axis->field->unit);
  if (unit == 0) return !__builtin_mul_overflow(utc, INT64_C(1000), out);
  *out = c2_floor_div(utc, unit);
  return utc % unit == 0;
}

static c2_time to_wall(const c2_timeline *axis, c2_time utc) {
  return utc + c2_clock_offset(&axis->clock, utc);
}

void c2_timeline_format(const c2_timeline *axis, int64_t stamp, char out[C2_TIME_ROOM]) {
  c2_time utc = 0;
  if (!to_utc(axis->field, stamp, &utc)) {
    (void)snprintf(out, C2_TIME_ROOM, "%lld", (long long)stamp);
    return;
  }
  int64_t offset = c2_clock_offset(&axis->clock, utc);
  c2_zone zone = {axis->field->zone[0] != '\0', (int)(offset / 60000000)};
  c2_time_format(utc + offset, c2_time_has_clock(utc + offset), zone, out);
}

static c2_status convert(const c2_timeline *axis, const c2_source *source, const c2_entry *entry, int64_t stamp,
                         c2_time *out, c2_error *err) {
  char id[C2_ID_ROOM];
  char type[C2_TYPE_ROOM];
  if (to_utc(axis->field, stamp, out)) return C2_OK;
  c2_source_id(source, entry->key, id);
  c2_field_type(axis->field, type);
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s: item '%s': expected time stamps of whole microseconds in the years 1 to 9999, found %lld as %s",
          source->name, id, (long long)stamp, type);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static int by_time(const void *left, const void *right) {
  const c2_spot *a = left;
  const c2_spot *b = right;
  if (a->stamp != b->stamp) return a->stamp < b->stamp ? -1 : 1;
  return a->at < b->at ? -1 : a->at > b->at;
}

c2_status c2_timeline_load(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err) {
  bool sorted = true;
  C2_TRY(c2_grow_array(&axis->spot, &axis->room, entry->rows, sizeof *axis->spot, err));
  for (size_t k = 0, at = 0; k < entry->runs; k++) {
    const c2_run *run = &entry->run[k];
    const c2_view *view = &run->chunk->cells[C2_ROLE_TIME].values;
    for (size_t i = run->first; i < run->first + run->count; i++, at++) {
      if (!c2_view_has(view, i)) {
        C2_FAIL(err, C2_ERR_FORMAT, "%s has a missing value in column '%.60s'", source->name,
                source->field[source->role[C2_ROLE_TIME].place].name);
      }
      axis->spot[at] = (c2_spot){c2_view_integer(view, i), run->chunk, i, at};
      sorted = sorted && (at == 0 || axis->spot[at - 1].stamp <= axis->spot[at].stamp);
    }
  }
  if (!sorted && !axis->is_trusted) qsort(axis->spot, entry->rows, sizeof *axis->spot, by_time);
  return C2_OK;
}

/* Time stamps of the loaded rows, in microseconds. */
static c2_status convert_all(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err) {
  C2_TRY(c2_grow_array(&axis->utc, &axis->utc_room, entry->rows, sizeof *axis->utc, err));
  C2_TRY(c2_grow_array(&axis->wall, &axis->wall_room, entry->rows, sizeof *axis->wall, err));
  for (size_t i = 0; i < entry->rows; i++) {
    C2_TRY(convert(axis, source, entry, axis->spot[i].stamp, &axis->utc[i], err));
    axis->wall[i] = to_wall(axis, axis->utc[i]);
  }
  return C2_OK;
}

/* ---- Inference ------------------------------------------------------------------------------- */

/* The step between all neighbours, if it is the same and at most a day; else 0. */
static int64_t even_step(const c2_timeline *axis, size_t rows) {
  int64_t step = axis->utc[1] - axis->utc[0];
  for (size_t i = 2; i < rows; i++) {
    if (axis->utc[i] - axis->utc[i - 1] != step) return 0;
  }
  return step > 0 && step <= C2_DAY_US && axis->clock.changes == 0 ? step : 0;
}

static c2_status not_inferred(const c2_timeline *axis, const c2_source *source, const c2_entry *entry, size_t odd,
                              c2_error *err) {
  char id[C2_ID_ROOM];
  char stamp[C2_TIME_ROOM];
  c2_source_id(source, entry->key, id);
  if (axis->clock.is_missing) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "Could not infer frequency for series %s: this system has no time zone '%.60s'; TZDIR may name its folder",
            id, axis->field->zone);
  }
  if (odd >= entry->rows) C2_FAIL(err, C2_ERR_FORMAT, "Could not infer frequency for series %s", id);
  c2_timeline_format(axis, axis->spot[odd].stamp, stamp);
  C2_FAIL(err, C2_ERR_FORMAT, "Could not infer frequency for series %s: %s is out of step with its neighbours", id,
          stamp);
}

static c2_status not_the_same(const c2_timeline *axis, const c2_source *source, const c2_entry *entry,
                              const c2_freq *own, c2_error *err) {
  char id[C2_ID_ROOM];
  char name[2][C2_FREQ_ROOM];
  c2_freq_format(own, name[0]);
  c2_freq_format(&axis->freq, name[1]);
  c2_source_id(source, entry->key, id);
  bool first = strcmp(name[0], name[1]) < 0;
  C2_FAIL(err, C2_ERR_FORMAT, "All time series must have the same frequency, found ['%s', '%s'] (series %s has %s)",
          name[!first], name[first], id, name[0]);
}

/* The first row that doesn't follow the one before it by a step; SIZE_MAX if all do. */
static size_t first_gap(const c2_freq *freq, const c2_time *stamps, size_t rows) {
  for (size_t i = 1; i < rows; i++) {
    int64_t periods = 0;
    if (!c2_freq_between(freq, stamps[i - 1], stamps[i], &periods) || periods != 1) return i;
  }
  return SIZE_MAX;
}

/* The frequency of an item that has three rows or more. */
static c2_status infer(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err) {
  c2_freq own = {.unit = C2_FREQ_DAY};
  size_t odd = SIZE_MAX;
  C2_TRY(convert_all(axis, source, entry, err));
  int64_t even = even_step(axis, entry->rows);
  if (even > 0 && even == axis->even_step) return C2_OK;
  if (axis->is_own) axis->is_known = false;
  const c2_time *stamps = NULL;
  bool found = c2_freq_infer_zoned(axis->wall, axis->utc, entry->rows, &stamps, &own, &odd);
  if (found && !axis->fills) {
    odd = first_gap(&own, stamps, entry->rows);
    found = odd == SIZE_MAX;
  }
  if (axis->fills && !axis->is_own && (axis->is_known || !found)) {
    bool differs = axis->is_known && found && !c2_freq_equal(&own, &axis->freq) &&
                   c2_freq_outdoes(&own, &axis->freq, stamps, entry->rows);
    return differs ? not_the_same(axis, source, entry, &own, err) : C2_OK; /* c2_timeline_place checks */
  }
  if (!found) return not_inferred(axis, source, entry, odd, err);
  if (axis->is_known && !c2_freq_equal(&own, &axis->freq)) return not_the_same(axis, source, entry, &own, err);
  if (axis->clock.is_missing && !c2_freq_counts_instants(&own)) return not_inferred(axis, source, entry, odd, err);
  if (!axis->is_known) axis->freq = own;
  axis->is_known = true;
  if (even > 0 || axis->is_own) axis->even_step = even;
  return C2_OK;
}

static c2_status infer_own(c2_timeline *axis, const c2_source *source, c2_entry *entry, c2_error *err) {
  char id[C2_ID_ROOM];
  if (entry->rows >= 3) {
    c2_status status = infer(axis, source, entry, err);
    axis->is_known = true; /* as far as readers of the table are concerned */
    entry->freq = axis->freq;
    return status;
  }
  c2_source_id(source, entry->key, id);
  C2_FAIL(err, C2_ERR_FORMAT,
          "Could not infer frequency for series %s: it has fewer than 3 rows. Please provide an explicit `freq`.", id);
}

static const c2_freq *freq_of(const c2_timeline *axis, const c2_entry *entry) {
  return axis->is_own ? &entry->freq : &axis->freq;
}

/* Counts an item whose rows aren't points of the frequency, each one step after the one before it. */
static c2_status look_at_steps(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err) {
  C2_TRY(convert_all(axis, source, entry, err));
  const c2_time *stamps = c2_freq_counts_instants(&axis->freq) ? axis->utc : axis->wall;
  bool fits = first_gap(&axis->freq, stamps, entry->rows) == SIZE_MAX;
  for (size_t i = 0; i < entry->rows && fits; i++) fits = c2_freq_is_point(&axis->freq, stamps[i]);
  if (!fits && axis->loose++ == 0) axis->loose_key = entry->key;
  return C2_OK;
}

c2_status c2_timeline_infer(c2_timeline *axis, const c2_source *source, c2_entry *entry, c2_error *err) {
  C2_TRY(c2_timeline_load(axis, source, entry, err));
  entry->first = axis->spot[0].stamp;
  entry->last = axis->spot[entry->rows - 1].stamp;
  entry->steps = entry->rows;
  for (size_t i = 0; i < entry->rows; i++) entry->is_unsorted = entry->is_unsorted || axis->spot[i].at != i;
  if (axis->is_given) return axis->fills || axis->is_trusted ? C2_OK : look_at_steps(axis, source, entry, err);
  if (axis->is_own) return infer_own(axis, source, entry, err);
  return entry->rows >= 3 ? infer(axis, source, entry, err) : C2_OK;
}

c2_status c2_timeline_check(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err) {
  if (axis->is_given || axis->is_own || axis->fills || axis->is_trusted || entry->rows >= 3) return C2_OK;
  C2_TRY(c2_timeline_load(axis, source, entry, err));
  return look_at_steps(axis, source, entry, err);
}

c2_status c2_timeline_unknown(c2_error *err) {
  C2_FAIL(err, C2_ERR_FORMAT,
          "Could not infer frequency: no time series has at least 3 regularly-spaced observations. Please provide an "
          "explicit `freq`.");
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Counts the steps of an item, and refuses more than a table of its size may ask for. */
static c2_status count_steps(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err) {
  char id[C2_ID_ROOM];
  char freq[C2_FREQ_ROOM];
  size_t rows = axis->steps - axis->filled + entry->rows;
  size_t filled = axis->filled + entry->steps - entry->rows;
  if (filled / STEPS_PER_ROW <= rows + FREE_STEPS / STEPS_PER_ROW) return C2_OK;
  c2_source_id(source, entry->key, id);
  c2_freq_format(freq_of(axis, entry), freq);
  C2_FAIL(err, C2_ERR_FORMAT, "%s: item '%s': with it %zu rows leave out %zu steps of %s, more than are filled in",
          source->name, id, rows, filled, freq);
}

c2_status c2_timeline_place(c2_timeline *axis, const c2_source *source, c2_entry *entry, size_t *steps, c2_error *err) {
  char id[C2_ID_ROOM];
  char stamp[C2_TIME_ROOM];
  char freq[C2_FREQ_ROOM];
  C2_TRY(convert_all(axis, source, entry, err));
  const c2_freq *every = freq_of(axis, entry);
  const c2_time *stamps = c2_freq_counts_instants(every) ? axis->utc : axis->wall;
  size_t between = 0;
  for (size_t i = 0; i < entry->rows; i++) {
    int64_t step = 0;
    between += !c2_freq_is_point(every, stamps[i]);
    bool whole = c2_freq_between(every, stamps[0], stamps[i], &step);
    steps[i] = step < 0 ? 0 : (size_t)step; /* below 0 where the rows' order was promised, and isn't kept */
    if (whole && step >= 0 && (i == 0 || steps[i] > steps[i - 1])) continue;
    c2_source_id(source, entry->key, id);
    c2_timeline_format(axis, axis->spot[i].stamp, stamp);
    c2_freq_format(every, freq);
    C2_FAIL(err, C2_ERR_FORMAT, "%s: item '%s': %s is %s", source->name, id, stamp,
            whole ? "in the step of another row or before it" : "no whole number of steps after its first row");
  }
  entry->steps = entry->rows > 0 ? steps[entry->rows - 1] + 1 : 0;
  C2_TRY(count_steps(axis, source, entry, err));
  axis->steps += entry->steps;
  axis->filled += entry->steps - entry->rows;
  if (between > 0 && axis->between == 0) {
    axis->between_key = entry->key;
    axis->between_freq = *every;
  }
  axis->between += between;
  return C2_OK;
}

c2_status c2_timeline_continue(c2_timeline *axis, const c2_source *source, const c2_entry *entry, size_t count,
                           int64_t *stamps, c2_error *err) {
  c2_time last = 0;
  const c2_freq *every = freq_of(axis, entry);
  bool instants = c2_freq_counts_instants(every);
  C2_TRY(convert(axis, source, entry, entry->last, &last, err));
  if (!instants) last = to_wall(axis, last);
  for (size_t i = 0; i < count; i++) {
    c2_time next = 0;
    char freq[C2_FREQ_ROOM];
    C2_TRY(c2_freq_add(every, last, (int64_t)i + 1, &next, err));
    bool is_plain = instants || c2_clock_is_plain(&axis->clock, next);
    if (!instants) next = c2_clock_utc(&axis->clock, next);
    bool is_held = from_utc(axis, next, &stamps[i]);
    if (!is_plain && !axis->has_unclear) {
      axis->has_unclear = true;
      axis->unclear_key = entry->key;
      axis->unclear_stamp = stamps[i];
    }
    if (is_held) continue;
    c2_freq_format(every, freq);
    C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s': the Arrow type %s can't hold steps of %s", source->name,
            axis->field->name, axis->field->format, freq);
  }
  return C2_OK;
}

bool c2_timeline_equal(const c2_timeline *axis, int64_t stamp, const c2_field *field, int64_t other) {
  c2_time a = 0;
  c2_time b = 0;
  return to_utc(axis->field, stamp, &a) && to_utc(field, other, &b) && a == b;
}

/* ---- All ------------------------------------------------------------------------------------- */

c2_status c2_timeline_open(c2_timeline *axis, const c2_field *field, const char *freq, bool is_own, c2_error *err) {
  axis->field = field;
  C2_TRY(c2_clock_open(&axis->clock, field->zone, err));
  axis->is_known = axis->is_own = is_own && !freq;
  if (!freq) return C2_OK;
  C2_TRY(c2_freq_parse(freq, &axis->freq, err));
  if (axis->freq.unit == C2_FREQ_COUNT) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "freq: expected a frequency of time stamps such as 15min, h, D or MS, found '%.40s'",
            freq);
  }
  if (axis->clock.is_missing && !c2_freq_counts_instants(&axis->freq)) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "this system has no time zone '%.60s'; TZDIR may name its folder", field->zone);
  }
  axis->is_known = axis->is_given = true;
  return C2_OK;
}

void c2_timeline_close(c2_timeline *axis) {
  c2_clock_close(&axis->clock);
  free(axis->spot);
  free(axis->wall);
  free(axis->utc);
  memset(axis, 0, sizeof *axis);
}
