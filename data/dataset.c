/* The data set as a container: items, the table of their ids, the memory they share. Knows no file. */
#include "data/dataset.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/cell.h"

/* ---- Shared memory --------------------------------------------------------------------------- */

c2_status c2_dataset_alloc(c2_dataset *set, size_t count, size_t size, void *out, c2_error *err) {
  return c2_pool_alloc(&set->pool, count, size, out, err);
}

c2_status c2_dataset_text(c2_dataset *set, const char *text, const char **out, c2_error *err) {
  return c2_pool_text(&set->pool, text, out, err);
}

c2_status c2_dataset_note(c2_dataset *set, c2_error *err, const char *format, ...) {
  char text[501];
  const char *kept = NULL;
  va_list arguments;
  va_start(arguments, format);
  c2_text_format(text, sizeof text, format, arguments);
  va_end(arguments);
  C2_TRY(c2_dataset_text(set, text, &kept, err));
  C2_TRY(c2_grow_array(&set->note, &set->note_capacity, set->notes + 1, sizeof *set->note, err));
  set->note[set->notes++] = kept;
  return C2_OK;
}

c2_status c2_dataset_put_found(c2_dataset *set, const char *text, c2_error *err) {
  size_t at = 0;
  return c2_lookup_keep(&set->found, &set->pool, text, &at, err);
}

size_t c2_dataset_freqs(const c2_dataset *set, c2_freq *commonest) {
  c2_freq kind[C2_FREQ_KINDS];
  size_t items[C2_FREQ_KINDS] = {0};
  size_t kinds = 0;
  size_t best = 0;
  for (size_t i = 0; i < set->count; i++) {
    if (!set->item[i].has_freq) continue;
    size_t k = 0;
    while (k < kinds && !c2_freq_equal(&kind[k], &set->item[i].freq)) k++;
    if (k == C2_FREQ_KINDS) continue;
    if (k == kinds) kind[kinds++] = set->item[i].freq;
    items[k]++;
  }
  for (size_t k = 1; k < kinds; k++) {
    if (items[k] > items[best] || (items[k] == items[best] && c2_freq_is_finer(&kind[k], &kind[best]))) best = k;
  }
  if (kinds > 0) *commonest = kind[best];
  return kinds;
}

c2_status c2_dataset_count_steps(c2_dataset *set, c2_error *err) {
  size_t counted = 0;
  for (size_t i = 0; i < set->count; i++) {
    c2_item *item = &set->item[i];
    if (item->has_start || (item->has_freq && item->freq.unit != C2_FREQ_COUNT)) continue;
    if (!item->has_freq) item->freq = (c2_freq){C2_FREQ_COUNT, C2_PLACE_START, 0, 1};
    item->start = 1;
    item->has_start = item->has_freq = true;
    counted++;
  }
  if (counted == 0) return C2_OK;
  return c2_dataset_note(set, err, "%zu series ha%s no start: the steps count from 1 on", counted,
                         counted == 1 ? "s" : "ve");
}

c2_status c2_dataset_note_calendars(c2_dataset *set, c2_error *err) {
  size_t kept = set->kept;
  size_t moved = set->moved;
  set->kept = set->moved = 0;
  if (kept > 0) {
    C2_TRY(c2_dataset_note(set, err,
                           "%zu series, '%.80s' the first, keep%s the frequency that the file gives, not the one that "
                           "was asked for",
                           kept, set->first_kept, kept == 1 ? "s" : ""));
  }
  if (moved == 0) return C2_OK;
  return c2_dataset_note(set, err,
                         "%zu series, '%.80s' the first, ha%s a start between two points of the frequency: it moves to "
                         "the next one",
                         moved, set->first_moved, moved == 1 ? "s" : "ve");
}

c2_status c2_dataset_note_utc_days(c2_dataset *set, c2_error *err) {
  const char *what = set->utc_days;
  set->utc_days = NULL;
  if (!what) return C2_OK;
  return c2_dataset_note(set, err,
                         "%s and are counted in UTC, so days, weeks and months are UTC's; convert them to local time "
                         "without a zone to count local ones",
                         what);
}

c2_status c2_dataset_note_truths(c2_dataset *set, c2_error *err) {
  char line[C2_CAVEAT_ROOM];
  for (size_t i = 0; i < set->truths.count; i++) {
    c2_caveat_truths(set->truths.text[i], line);
    C2_TRY(c2_dataset_note(set, err, "%s", line));
  }
  c2_lookup_free(&set->truths);
  return C2_OK;
}

c2_status c2_dataset_put_mixed(c2_dataset *set, const char *name, const char *line, c2_error *err) {
  size_t at = 0;
  if (c2_lookup_find(&set->mixed, name, &at)) return C2_OK;
  C2_TRY(c2_dataset_text(set, line, &line, err));
  C2_TRY(c2_lookup_keep(&set->mixed, &set->pool, name, &at, err));
  return c2_lookup_add(&set->mixed_at, line, &at, err);
}

c2_status c2_dataset_note_mixed(c2_dataset *set, c2_error *err) {
  for (size_t i = 0; i < set->mixed_at.count; i++) {
    C2_TRY(c2_dataset_note(set, err, "%s", set->mixed_at.text[i]));
  }
  c2_lookup_free(&set->mixed);
  c2_lookup_free(&set->mixed_at);
  return C2_OK;
}

#define SECOND_US INT64_C(1000000)
#define MINUTE_US INT64_C(60000000)

static void write_stamp(const c2_item *item, c2_time time, c2_zone zone, char out[C2_TIME_ROOM]) {
  if (item->freq.unit == C2_FREQ_COUNT) {
    (void)snprintf(out, C2_TIME_ROOM, "%lld", (long long)time);
    return;
  }
  bool clock = c2_freq_has_clock(&item->freq) || c2_time_has_clock(item->start) || c2_time_has_clock(time);
  c2_time_format(time, clock, zone, out);
  bool has_parts = item->start % SECOND_US != 0 || c2_freq_length(&item->freq) % SECOND_US != 0;
  if (!has_parts || time % SECOND_US != 0) return;
  char *end = strchr(out, ' ') + sizeof ":hh:mm:ss" - 1; /* as many digits in all rows of a series */
  memmove(end + sizeof ".000000" - 1, end, strlen(end) + 1);
  memcpy(end, ".000000", sizeof ".000000" - 1);
}

void c2_item_stamp(const c2_item *item, c2_time time, char out[C2_TIME_ROOM]) {
  if (!item->wall) {
    write_stamp(item, time, item->zone, out);
    return;
  }
  c2_time utc = c2_item_utc(item, time);
  int64_t minutes = c2_clock_offset(&item->wall->clock, utc) / MINUTE_US; /* seconds of old ones aren't written */
  write_stamp(item, utc + minutes * MINUTE_US, (c2_zone){true, (int)minutes}, out);
}

c2_time c2_item_utc(const c2_item *item, c2_time time) {
  if (!item->wall) return time - item->zone.minutes * MINUTE_US;
  return c2_freq_counts_instants(&item->freq) ? time : c2_clock_utc(&item->wall->clock, time);
}

const char *c2_dataset_zone(const c2_dataset *set) {
  const c2_wall *first = set->count > 0 ? set->item[0].wall : NULL;
  for (size_t i = 1; i < set->count && first; i++) {
    const c2_wall *wall = set->item[i].wall;
    if (!wall || strcmp(wall->zone, first->zone) != 0) return NULL;
  }
  return first ? first->zone : NULL;
}

c2_stamps c2_dataset_stamps(const c2_dataset *set) {
  size_t counted = 0;
  size_t zoned = 0;
  for (size_t i = 0; i < set->count; i++) {
    counted += set->item[i].freq.unit == C2_FREQ_COUNT;
    zoned += set->item[i].zone.given;
  }
  if (c2_dataset_zone(set)) return C2_STAMPS_ZONED;
  return counted == set->count ? C2_STAMPS_COUNT : counted + zoned == 0 ? C2_STAMPS_TIME : C2_STAMPS_TEXT;
}

c2_status c2_item_stamp_step(const c2_item *item, int64_t step, char out[C2_TIME_ROOM], c2_time *time, c2_error *err) {
  c2_time at = 0;
  C2_TRY(c2_freq_add(&item->freq, item->start, step, &at, err));
  if (item->minutes && step >= 0 && (size_t)step < item->length) {
    write_stamp(item, at, (c2_zone){true, item->minutes[step]}, out);
  } else {
    c2_item_stamp(item, at, out);
  }
  if (time) *time = at;
  return C2_OK;
}

c2_status c2_item_unclear(const c2_item *item, size_t steps, char out[C2_CAVEAT_ROOM], c2_error *err) {
  out[0] = '\0';
  if (!item->wall || c2_freq_counts_instants(&item->freq)) return C2_OK;
  for (size_t s = 0; s < steps; s++) {
    char stamp[C2_TIME_ROOM];
    c2_time at = 0;
    C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)(item->length + s), &at, err));
    if (c2_clock_is_plain(&item->wall->clock, at)) continue;
    c2_item_stamp(item, at, stamp);
    c2_caveat_unclear(item->id, item->wall->zone, stamp, out);
    return C2_OK;
  }
  return C2_OK;
}

void c2_dataset_free(c2_dataset *set) {
  for (c2_wall *wall = set->walls; wall; wall = wall->next) c2_clock_close(&wall->clock);
  c2_pool_free(&set->pool);
  free(set->item);
  c2_lookup_free(&set->ids);
  c2_lookup_free(&set->ignored);
  c2_lookup_free(&set->taken);
  c2_lookup_free(&set->found);
  c2_lookup_free(&set->truths);
  c2_lookup_free(&set->mixed);
  c2_lookup_free(&set->mixed_at);
  free(set->note);
  memset(set, 0, sizeof *set);
}

c2_status c2_dataset_open_wall(c2_dataset *set, const char *zone, const c2_wall **out, c2_error *err) {
  c2_wall *wall = NULL;
  C2_TRY(c2_dataset_alloc(set, 1, sizeof *wall, &wall, err));
  *wall = (c2_wall){.next = set->walls};
  set->walls = wall; /* it is closed also after a failure */
  C2_TRY(c2_dataset_text(set, zone, &wall->zone, err));
  C2_TRY(c2_clock_open(&wall->clock, zone, err));
  *out = wall;
  return C2_OK;
}

/* ---- Ids ------------------------------------------------------------------------------------- */

bool c2_dataset_find(const c2_dataset *set, const char *id, size_t *index) {
  return c2_lookup_find(&set->ids, id, index);
}

c2_status c2_dataset_add(c2_dataset *set, const char *id, const char *file, size_t line, c2_item **item,
                         c2_error *err) {
  char number[32];
  (void)snprintf(number, sizeof number, "%zu", set->count);
  size_t first = 0;
  C2_TRY(c2_grow_array(&set->item, &set->capacity, set->count + 1, sizeof *set->item, err));
  if (!id) id = number;
  if (!set->twins && c2_dataset_find(set, id, &first)) {
    const c2_item *twin = &set->item[first];
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: item '%.80s' is already at %s:%zu", file, line, id, twin->file, twin->line);
  }
  c2_item *fresh = &set->item[set->count];
  memset(fresh, 0, sizeof *fresh);
  C2_TRY(c2_dataset_text(set, id, &fresh->id, err));
  C2_TRY(c2_lookup_add(&set->ids, fresh->id, &first, err));
  const c2_item *before = set->count ? &set->item[set->count - 1] : NULL;
  if (before && strcmp(before->file, file) == 0) {
    fresh->file = before->file;
  } else {
    C2_TRY(c2_dataset_text(set, file, &fresh->file, err));
  }
  fresh->line = line;
  set->count++;
  *item = fresh;
  return C2_OK;
}

/* ---- Kinds of covariates --------------------------------------------------------------------- */

static bool observes_numbers(const c2_covariate *c, size_t length) {
  for (size_t i = 0; !c->is_text && i < length; i++) {
    if (!isnan(c->past[i])) return true;
  }
  return false;
}

/* Whether a covariate holds nothing but booleans, in its known future too. */
static bool holds_booleans(const c2_covariate *c) {
  for (size_t i = 0; c->is_boolean && i < c->future_length; i++) {
    if (c->future_text[i] && !c2_boolean_text(c->future_text[i])) return false;
  }
  return c->is_boolean;
}

static c2_status make_numbers(c2_dataset *set, const char **text, size_t count, double **out, c2_error *err) {
  C2_TRY(c2_dataset_alloc(set, count, sizeof **out, out, err));
  for (size_t i = 0; i < count; i++) (*out)[i] = c2_boolean_number(text[i]);
  return C2_OK;
}

static c2_status join_item(c2_dataset *set, c2_item *item, const c2_lookup *names, const bool *numbers, c2_error *err) {
  for (size_t k = 0; k < item->covariates; k++) {
    c2_covariate *c = &item->covariate[k];
    size_t at = 0;
    if (!holds_booleans(c) || !c2_lookup_find(names, c->name, &at) || !numbers[at]) continue;
    C2_TRY(make_numbers(set, c->past_text, item->length, &c->past, err));
    if (c->future_text) C2_TRY(make_numbers(set, c->future_text, c->future_length, &c->future, err));
    c->past_text = c->future_text = NULL;
    c->is_text = c->is_boolean = false;
  }
  return C2_OK;
}

c2_status c2_dataset_join_kinds(c2_dataset *set, c2_error *err) {
  c2_lookup names = {0};
  bool *numbers = NULL; /* whether items hold numbers under the name */
  c2_status status = C2_OK;
  size_t at = 0;
  for (size_t i = 0; i < set->count; i++) { /* names of those that hold booleans */
    for (size_t k = 0; k < set->item[i].covariates; k++) {
      const c2_covariate *c = &set->item[i].covariate[k];
      if (holds_booleans(c)) C2_GOTO(c2_lookup_put(&names, c->name, &at, err));
    }
  }
  C2_GOTO(c2_alloc_array(names.count, sizeof *numbers, &numbers, err));
  for (size_t i = 0; i < set->count && names.count > 0; i++) {
    for (size_t k = 0; k < set->item[i].covariates; k++) {
      const c2_covariate *c = &set->item[i].covariate[k];
      if (!c2_lookup_find(&names, c->name, &at) || numbers[at]) continue;
      numbers[at] = observes_numbers(c, set->item[i].length);
    }
  }
  for (size_t i = 0; i < set->count && names.count > 0; i++) {
    C2_GOTO(join_item(set, &set->item[i], &names, numbers, err));
  }
  for (size_t n = 0; n < names.count; n++) {
    if (!numbers[n]) continue;
    C2_GOTO(c2_dataset_note(set, err,
                            "column '%.60s': numbers in some items, booleans in others: True counts as 1, False as 0",
                            names.text[n]));
  }
  status = c2_dataset_note_mixed(set, err);
fail:
  c2_lookup_free(&names);
  free(numbers);
  return status;
}
