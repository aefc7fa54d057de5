/* The frequency of each item of a table, and the step of each of its rows. */
#include <stdlib.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "data/axis.h"

/* Values that may be filled in for a few rows; beyond it a file needs as many cells as a hundredth of them. */
enum { FREE_VALUES = 1000000, VALUES_PER_CELL = 100 };

/* Steps for which one item's vote on the common frequency counts at most. */
enum { MOST_VOTES = 32 };

#define HOUR_US INT64_C(3600000000)

static void vote(c2_ballot *b, const c2_freq *freq, size_t votes) {
  size_t k = 0;
  while (k < b->kinds && !c2_freq_equal(&b->kind[k], freq)) k++;
  if (k == C2_FREQ_KINDS) return;
  if (k == b->kinds) {
    b->kind[b->kinds] = *freq;
    b->votes[b->kinds++] = 0;
  }
  b->votes[k] += c2_min_size(votes, MOST_VOTES);
}

const c2_freq *c2_ballot_winner(const c2_ballot *b) {
  size_t best = 0;
  for (size_t k = 1; k < b->kinds; k++) {
    bool ties = b->votes[k] == b->votes[best];
    if (b->votes[k] > b->votes[best] || (ties && c2_freq_is_finer(&b->kind[k], &b->kind[best]))) best = k;
  }
  return b->kinds > 0 ? &b->kind[best] : NULL;
}

/* Whether each of an item's stamps is a point of its own on a frequency, at one time of day if it counts days. */
static bool fits(const c2_freq *freq, const c2_time *stamps, size_t n) {
  int64_t before = -1;
  for (size_t i = 0; i < n; i++) {
    int64_t step = 0;
    if (!c2_freq_is_point(freq, stamps[i]) || !c2_freq_between(freq, stamps[0], stamps[i], &step)) return false;
    if (step == before) return false;
    before = step;
    if (!c2_freq_has_clock(freq) && freq->unit != C2_FREQ_COUNT &&
        c2_floor_mod(stamps[i] - stamps[0], C2_DAY_US) != 0) {
      return false;
    }
  }
  return true;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* Whether an item's rows, which are counted in UTC, lie days of their zone apart: whole ones, but for an hour where its
 * clocks change. */
static bool are_days_of_a_zone(const c2_table *t, size_t begin, size_t n) {
  const c2_table_row *rows = t->rows + begin;
  bool has_change = false;
  if (!t->zone[0] || n < 3) return false;
  for (size_t i = 1; i < n; i++) {
    int64_t gap = rows[i].time - rows[i - 1].time;
    int64_t rest = c2_floor_mod(gap, C2_DAY_US);
    if (gap < C2_DAY_US - HOUR_US || (rest > HOUR_US && rest < C2_DAY_US - HOUR_US)) return false;
    has_change = has_change || rest != 0;
  }
  return has_change;
}

static bool lacks_zone(const c2_table *t) {
  return t->wall && t->wall->clock.is_missing;
}

static c2_status no_zone(const c2_table *t, c2_error *err) {
  C2_FAIL(err, C2_ERR_FORMAT, "%s: this system has no time zone '%.60s'; TZDIR may name its folder", t->name,
          t->wall->zone);
}

/* Says of a failure that clocks have changed between such rows, or else that a setting (or NULL) helps. */
static c2_status advise(const c2_table *t, size_t begin, size_t n, const char *setting, c2_status failure,
                        c2_error *err) {
  if (!err || !are_days_of_a_zone(t, begin, n)) return c2_remedy(err, setting, failure);
  const c2_error why = *err;
  C2_FAIL(err, failure, "%s; time stamps have %s and are counted in UTC: convert them to local time without a zone",
          why.text, t->zone);
}

/* Says which row disturbs the steps that most of an item's rows follow. */
static c2_status say_odd_row(const c2_table *t, const c2_item *item, size_t begin, size_t n, size_t odd,
                              c2_error *err) {
  char before[C2_TIME_ROOM] = "";
  char stamp[C2_TIME_ROOM];
  char after[C2_TIME_ROOM] = "";
  const c2_table_row *rows = t->rows + begin;
  if (n < 3) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': a frequency needs at least three time stamps",
            item->file, item->line, item->id);
  }
  if (odd == SIZE_MAX) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': its %zu time stamps follow no regular frequency",
            c2_table_file(t, &rows[0]), c2_table_line(t, &rows[0]), item->id, n);
  }
  if (odd > 0) c2_item_stamp(item, rows[odd - 1].time, before);
  if (odd + 1 < n) c2_item_stamp(item, rows[odd + 1].time, after);
  c2_item_stamp(item, rows[odd].time, stamp);
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': %s (%s%s%s%s%s) is out of step with its neighbours%s",
          c2_table_file(t, &rows[odd]), c2_table_line(t, &rows[odd]), item->id, stamp, odd > 0 ? "after " : "", before,
          odd > 0 && odd + 1 < n ? ", " : "", odd + 1 < n ? "before " : "", after,
          are_days_of_a_zone(t, begin, n) ? "" : ": mend it, or say the frequency");
}

static c2_status no_frequency(const c2_table *t, const c2_item *item, size_t begin, size_t n, size_t odd,
                              c2_error *err) {
  if (lacks_zone(t)) return no_zone(t, err);
  return advise(t, begin, n, "freq", say_odd_row(t, item, begin, n, odd, err), err);
}

/* Items that the common frequency was given to though by themselves they hint at another one or none, and those that
 * keep another one. */
typedef struct odd_items {
  size_t given, kept;
  const c2_item *first_given, *first_kept;
} odd_items;

static c2_status note_odd_items(const c2_table *t, c2_dataset *set, const odd_items *odd, const c2_freq *shared,
                                c2_error *err) {
  char freq[C2_FREQ_ROOM];
  char other[C2_FREQ_ROOM];
  char place[C2_PLACE_ROOM];
  if (!shared) return C2_OK;
  c2_freq_format(shared, freq);
  if (odd->given > 0) {
    c2_table_place(t, odd->first_given->file, odd->first_given->line, place);
    C2_TRY(c2_dataset_note(set, err,
                           "%s: %zu item%s, as '%.80s' at %s, ha%s too few or too uneven rows for a frequency of %s "
                           "own: with the table's usual one, %s, steps without a row are missing values",
                           t->name, odd->given, odd->given == 1 ? "" : "s", odd->first_given->id, place,
                           odd->given == 1 ? "s" : "ve", odd->given == 1 ? "its" : "their", freq));
  }
  if (odd->kept == 0) return C2_OK;
  c2_freq_format(&odd->first_kept->freq, other);
  c2_table_place(t, odd->first_kept->file, odd->first_kept->line, place);
  return c2_dataset_note(set, err,
                         "%s: items differ in frequency: the usual one is %s, but '%.80s' at %s has %s, and a horizon "
                         "counts steps",
                         t->name, freq, odd->first_kept->id, place, other);
}

/* ---- Frequencies ----------------------------------------------------------------------------- */

/* Time stamps of the sorted rows: instants, and what the wall of their zone shows; without a zone they are the same. */
typedef struct row_stamps {
  c2_time *utc, *wall; /* [rows] */
} row_stamps;

static c2_status read_stamps(const c2_table *t, row_stamps *out, c2_error *err) {
  C2_TRY(c2_alloc_array(t->count, sizeof *out->utc, &out->utc, err));
  out->wall = out->utc;
  for (size_t i = 0; i < t->count; i++) out->utc[i] = t->rows[i].time;
  if (!t->wall) return C2_OK;
  out->wall = NULL;
  C2_TRY(c2_alloc_array(t->count, sizeof *out->wall, &out->wall, err));
  for (size_t i = 0; i < t->count; i++) {
    out->wall[i] = out->utc[i] + c2_clock_offset(&t->wall->clock, out->utc[i]);
  }
  return C2_OK;
}

/* Those that a frequency counts in. */
static const c2_time *stamps_of(const row_stamps *stamps, const c2_freq *freq) {
  return c2_freq_counts_instants(freq) ? stamps->utc : stamps->wall;
}

/* The frequency of an item's rows, and the time stamps that it was found in: [n]. */
static bool infer(const c2_table *t, const row_stamps *stamps, size_t begin, size_t n, const c2_time **its,
                  c2_freq *out, size_t *odd) {
  if (t->wall) return c2_freq_infer_zoned(stamps->wall + begin, stamps->utc + begin, n, its, out, odd);
  *its = stamps->utc + begin;
  return c2_freq_infer(*its, n, t->is_count, out, odd);
}

/* Gives all items the frequency that was asked for, which some neighbours at least have to follow. */
static c2_status take_freq(const c2_table *t, c2_dataset *set, const c2_freq *freq, const c2_time *stamps,
                           c2_error *err) {
  size_t pairs = 0;
  size_t steps = 0;
  char text[C2_FREQ_ROOM];
  if (lacks_zone(t) && !c2_freq_counts_instants(freq)) return no_zone(t, err);
  for (size_t begin = 0, n = 0; begin < t->count; begin += n) {
    c2_item *item = &set->item[t->rows[begin].group];
    n = c2_table_group_rows(t, begin);
    item->freq = *freq;
    item->has_freq = true;
    pairs += n - 1;
    steps += c2_freq_count_steps(freq, stamps + begin, n);
    for (size_t i = 1; i < n && steps == 0; i++) { /* those in one step have an error of their own */
      int64_t periods = 0;
      if (!c2_freq_between(freq, stamps[begin], stamps[begin + i], &periods) || periods == 0) return C2_OK;
    }
  }
  if (pairs < 2 || steps > 0) return C2_OK;
  c2_freq_format(freq, text);
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s: no two of its %zu rows are one step of %s apart; expected a frequency that the rows follow", t->name,
          t->count, text);
}

/* The frequency of one item: its own if that is the common one, its rows show it well or don't fit the common one. */
static c2_status settle_item(const c2_table *t, c2_item *item, size_t begin, size_t n, const row_stamps *stamps,
                             const c2_freq *shared, odd_items *seen, c2_error *err) {
  c2_freq own;
  size_t odd = SIZE_MAX;
  const c2_time *its = NULL;
  bool found = infer(t, stamps, begin, n, &its, &own, &odd);
  bool same = found && shared && c2_freq_equal(&own, shared);
  bool keeps = found && shared && c2_freq_outdoes(&own, shared, its, n);
  if (shared && !same && !keeps && (fits(shared, stamps_of(stamps, shared) + begin, n) || n == 1)) {
    if (n >= 3 && seen->given++ == 0) seen->first_given = item;
    own = *shared;
  } else if (!found) {
    return no_frequency(t, item, begin, n, odd, err);
  } else if (!same && seen->kept++ == 0) {
    seen->first_kept = item;
  }
  item->freq = own;
  item->has_freq = true;
  return C2_OK;
}

/* Counts the rows of days and longer steps on the wall, of a zone whose clock has to be there. */
static c2_status take_wall(const c2_table *t, c2_dataset *set, const row_stamps *stamps, c2_error *err) {
  size_t second = 0; /* rows of a time that the clock shows once more */
  for (size_t i = 0; i < t->count; i++) {
    const c2_freq *freq = &set->item[t->rows[i].group].freq;
    bool on_wall = !c2_freq_counts_instants(freq);
    if (lacks_zone(t) && on_wall) return no_zone(t, err);
    t->rows[i].time = stamps_of(stamps, freq)[i];
    if (on_wall && c2_clock_utc(&t->wall->clock, t->rows[i].time) != stamps->utc[i]) second++;
  }
  if (second == 0) return C2_OK;
  return c2_dataset_note(set, err, "%s: %zu time stamp%s at a time that the clock shows twice count%s as the first",
                         t->name, second, second == 1 ? "" : "s", second == 1 ? "s" : "");
}

c2_status c2_axis_infer(const c2_table *t, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  c2_ballot own_ballot = {.kinds = 0};
  c2_table_part *part = options->part;
  c2_ballot *b = part ? &part->votes : &own_ballot;
  odd_items seen = {0};
  row_stamps stamps = {.utc = NULL};
  c2_status status = C2_OK;
  C2_GOTO(read_stamps(t, &stamps, err));
  static const c2_freq counted = {C2_FREQ_COUNT, C2_PLACE_START, 0, 1};
  const c2_freq *given = options->freq || t->stamp ? options->freq : &counted;
  if (given) C2_GOTO(take_freq(t, set, given, stamps_of(&stamps, given), err));
  for (size_t begin = 0, n = 0; begin < t->count && !given; begin += n) {
    c2_freq own;
    size_t odd = 0;
    const c2_time *its = NULL;
    n = c2_table_group_rows(t, begin);
    if (infer(t, &stamps, begin, n, &its, &own, &odd)) vote(b, &own, c2_freq_count_steps(&own, its, n));
  }
  const c2_freq *shared = part && part->is_known ? &part->shared : c2_ballot_winner(b);
  for (size_t begin = 0, n = 0; begin < t->count && !given; begin += n) {
    n = c2_table_group_rows(t, begin);
    C2_GOTO(settle_item(t, &set->item[t->rows[begin].group], begin, n, &stamps, shared, &seen, err));
  }
  if (t->wall) C2_GOTO(take_wall(t, set, &stamps, err));
  status = note_odd_items(t, set, &seen, shared, err);
fail:
  free(stamps.utc);
  if (t->wall) free(stamps.wall);
  return status;
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* That what is filled in is within a stranger's bounds, too. */
static c2_status check_bounds(const c2_table *t, const c2_item *item, c2_error *err) {
  size_t values = 0;
  c2_sum_up(&values, t->count + t->filled, t->targets + t->covariates + 2);
  if (t->bounds->values == 0 || values <= t->bounds->values) return C2_OK;
  return c2_remedy(err, C2_BOUNDS,
                   c2_fail(err, C2_ERR_FORMAT,
                           "%s:%zu: item '%.80s': with it %zu steps are filled in; expected at most %zu values (steps "
                           "times columns, and two for each step)",
                           item->file, item->line, item->id, t->filled, t->bounds->values));
}

/* Counts the steps that an item's rows leave out, and refuses what a whole file may not ask for. */
static c2_status count_filled(c2_table *t, const c2_item *item, size_t filled, c2_error *err) {
  size_t columns = t->targets + t->covariates;
  size_t values = 0;
  size_t most = 0;
  char freq[C2_FREQ_ROOM];
  t->filled += filled;
  if (c2_mul(t->count, columns, &most) && c2_mul(most, VALUES_PER_CELL, &most) && c2_add(most, FREE_VALUES, &most) &&
      c2_mul(t->filled, columns, &values) && values <= most) {
    return check_bounds(t, item, err);
  }
  c2_freq_format(&item->freq, freq);
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s:%zu: item '%.80s': with it the file's %zu rows leave out %zu steps of %s, more than are filled in (%zu); "
          "expected a frequency that fits the rows",
          item->file, item->line, item->id, t->count, t->filled, freq, columns > 0 ? most / columns : most);
}

c2_status c2_axis_place(c2_table *t, c2_item *item, size_t begin, size_t n, int64_t *steps, c2_error *err) {
  char freq[C2_FREQ_ROOM];
  char first[C2_TIME_ROOM];
  item->has_start = true;
  item->start = t->rows[begin].time;
  int64_t length = c2_freq_length(&item->freq);
  c2_freq_format(&item->freq, freq);
  for (size_t i = 0; i < n; i++) {
    const c2_table_row *r = &t->rows[begin + i];
    if (i > 0 && length > 0 && r->time - r[-1].time == length) {
      steps[i] = steps[i - 1] + 1;
      continue;
    }
    char stamp[C2_TIME_ROOM];
    char place[C2_PLACE_ROOM];
    if (!c2_freq_is_point(&item->freq, r->time) && t->between++ == 0) {
      t->between_file = c2_table_file(t, r);
      t->between_line = c2_table_line(t, r);
      t->between_freq = item->freq;
    }
    bool whole = c2_freq_between(&item->freq, item->start, r->time, &steps[i]);
    if (whole && (i == 0 || steps[i] != steps[i - 1])) continue;
    c2_item_stamp(item, r->time, stamp);
    if (!whole) {
      c2_item_stamp(item, item->start, first);
      return advise(t, begin, n, NULL,
                    c2_fail(err, C2_ERR_FORMAT,
                            "%s:%zu: item '%.80s': %s is no whole number of steps of %s after the first row, %s",
                            c2_table_file(t, r), c2_table_line(t, r), item->id, stamp, freq, first),
                    err);
    }
    c2_table_place(t, c2_table_file(t, r - 1), c2_table_line(t, r - 1), place);
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s': %s lies in the same step of %s as %s", c2_table_file(t, r),
            c2_table_line(t, r), item->id, stamp, freq, place);
  }
  item->length = (size_t)steps[n - 1] + 1;
  return count_filled(t, item, item->length - n, err);
}

/* Notes that days are counted in UTC, unless the rows lie at the beginning of its days. */
static c2_status note_utc_days(const c2_table *t, c2_dataset *set, c2_error *err) {
  char what[sizeof t->zone + 400];
  for (size_t i = 0; i < t->count && t->zone[0]; i++) {
    const c2_freq *freq = &set->item[t->rows[i].group].freq;
    if (freq->unit == C2_FREQ_COUNT || c2_freq_has_clock(freq)) continue;
    if (c2_floor_mod(t->rows[i].time, C2_DAY_US) == 0) continue;
    (void)snprintf(what, sizeof what, "%.300s: time stamps have %s", t->name, t->zone);
    return c2_dataset_text(set, what, &set->utc_days, err);
  }
  return C2_OK;
}

c2_status c2_axis_report(const c2_table *t, c2_dataset *set, c2_error *err) {
  set->rows += t->count;
  set->filled += t->filled;
  C2_TRY(note_utc_days(t, set, err));
  if (t->filled > t->count) {
    C2_TRY(c2_dataset_note(set, err, "%s: %zu of %zu steps (%.0f%%) have no row and are missing values", t->name,
                           t->filled, t->filled + t->count,
                           100 * (double)t->filled / ((double)t->filled + (double)t->count)));
  }
  if (t->between == 0) return C2_OK;
  char freq[C2_FREQ_ROOM];
  char line[C2_CAVEAT_ROOM];
  c2_freq_format(&t->between_freq, freq);
  c2_caveat_between(t->between, freq, t->between_freq.unit == C2_FREQ_BUSINESS_HOUR, line);
  return c2_dataset_note(set, err, "%s:%zu: %s", t->between_file, t->between_line, line);
}
