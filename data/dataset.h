/* The data set: series in memory. Readers fill it (read.h); forecasts and studies use it.
 *
 * A missing number is NaN and a missing text is NULL. A data set holds no infinite numbers. It owns everything that it
 * points to. Steps are regular: rows that a file leaves out are filled in as missing values. */
#ifndef C2_DATA_DATASET_H
#define C2_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/caveats.h"
#include "base/pool.h"
#include "base/status.h"
#include "data/dialect.h"
#include "data/lookup.h"
#include "time/clock.h"

/* The clock on the wall of a time zone. */
typedef struct c2_wall {
  const char *zone; /* its name */
  c2_clock clock;
  struct c2_wall *next; /* of the set */
} c2_wall;

/* A covariate of one item: numbers, or categories when `is_text`. */
typedef struct c2_covariate {
  const char *name;
  bool is_text;
  bool is_boolean;          /* categories True and False alone */
  double *past;             /* [length] */
  double *future;           /* [future_length]; NULL: only the past is known */
  const char **past_text;   /* [length] */
  const char **future_text; /* [future_length] */
  size_t future_length;     /* 0: only the past is known */
} c2_covariate;

typedef struct c2_item {
  const char *id;
  const char *file;         /* where it was read, for messages */
  size_t line;              /* its line, or the line of its first row; from 1 */
  bool has_start, has_freq; /* CSV: always; JSON Lines: as given */
  c2_time start;            /* of the first step */
  const c2_wall *wall;      /* of time stamps of a named zone; else NULL. Times are then those of this clock, or in UTC
                               where c2_freq_counts_instants */
  c2_zone zone;             /* of the clock that the time stamps are read from; with a wall: UTC */
  bool has_offsets;         /* rows at one time of day have several offsets from UTC: */
  int16_t *minutes;         /* [length] theirs; else NULL */
  int behind, ahead;        /* minutes by which other rows' offsets from UTC lie below and above the zone's */
  bool is_foreign;          /* its known future counts days by the clock on the wall, at an offset beyond these */
  c2_freq freq;
  size_t length;                   /* may be 0 (JSON Lines) */
  size_t targets;                  /* at least 1 */
  const char *const *target_names; /* [targets] */
  double *target;                  /* [targets][length] */
  size_t covariates;
  c2_covariate *covariate; /* [covariates], in the file's or the options' order */
} c2_item;

typedef struct c2_dataset {
  c2_item *item; /* in order of first appearance */
  size_t count, capacity;
  c2_lookup ids;      /* of the items, in the same order */
  c2_lookup ignored;  /* columns of CSV files that nothing asked for */
  c2_lookup taken;    /* columns that are covariates as all were asked for */
  c2_lookup found;    /* what was found of how files spell their cells, in words */
  c2_lookup truths;   /* covariates of numbers whose known future holds booleans; until it is noted */
  c2_lookup mixed;    /* covariates whose pasts hold numbers and other texts, */
  c2_lookup mixed_at; /* and what is said of each, in the same order; until it is noted */
  c2_dialect dialect; /* of all tables: their decimal sign and format of time stamps, as far as they agree */
  const char *presumed; /* the first file in which 1.234 was read with a decimal point as nothing spoke against it */
  bool is_presumed_of_commas; /* its fields are parted by commas */
  const char *warned_of; /* what whole numbers are that stand for time stamps, as "years", of which a note warns */
  size_t whole_ids;   /* items whose ids came as whole numbers, of 64 bits with a sign */
  bool has_past_table, has_table, has_csv; /* what was read into it: tables of series, any tables, any CSV */
  c2_wall *walls;     /* of its items */
  size_t rows;        /* read from the files; a JSON Lines series has one for each step */
  size_t filled;      /* steps that no row is for: filled in as missing */
  size_t moved;       /* series whose start moved to the next point of its frequency, */
  const char *first_moved; /* and the first of them; until it is noted */
  size_t kept;             /* series that have a frequency of their own beside another one that was asked for, */
  const char *first_kept;  /* and the first of them; until it is noted */
  const char *utc_days; /* "FILE: time stamps have the zone Z", whose days are counted in UTC; until it is noted */
  const char **note;  /* what a reader guessed, filled in or ignored, a line each for the user: [notes] */
  size_t notes, note_capacity;
  bool twins;   /* set it before reading: an id may come again, for a series of its own, as in some benchmarks */
  c2_pool pool; /* texts and arrays, freed together */
} c2_dataset;

/* Index of an item; false if there is none. */
bool c2_dataset_find(const c2_dataset *set, const char *id, size_t *index);

/* The number of different frequencies among the items, of which at most C2_FREQ_KINDS are told apart, and the frequency
 * that most items have. It is 0 if no item has one. */
enum { C2_FREQ_KINDS = 16 };
size_t c2_dataset_freqs(const c2_dataset *set, c2_freq *commonest);

/* Counts the steps of items that have neither a start nor a time frequency, from 1 on, and notes it. */
c2_status c2_dataset_count_steps(c2_dataset *set, c2_error *err);

/* Notes starts that were moved and frequencies that were kept since the last call. */
c2_status c2_dataset_note_calendars(c2_dataset *set, c2_error *err);

/* Notes booleans in the known futures of numbers since the last call. */
c2_status c2_dataset_note_truths(c2_dataset *set, c2_error *err);

/* Notes covariates of numbers and other texts since the last call. */
c2_status c2_dataset_note_mixed(c2_dataset *set, c2_error *err);

/* Notes the zone of time stamps whose days are counted in UTC since the last call. */
c2_status c2_dataset_note_utc_days(c2_dataset *set, c2_error *err);

/* Looks for covariates that hold booleans in some items and numbers in others, makes them numbers in all (1 for True, 0
 * for False), and notes it, and which hold numbers beside other texts. The set must be complete but for its futures. */
c2_status c2_dataset_join_kinds(c2_dataset *set, c2_error *err);

/* The instant of a time on an item's axis; without an offset or a zone the time itself. */
c2_time c2_item_utc(const c2_item *item, c2_time time);

/* A time stamp on an item's axis, as it is written to files: a whole number, a date, or a date and time, with the
 * item's offset from UTC if it has one. */
void c2_item_stamp(const c2_item *item, c2_time time, char out[C2_TIME_ROOM]);

/* What is to be said of the steps behind an item's last one whose times its zone's clock leaves out or shows twice; or
 * "". */
c2_status c2_item_unclear(const c2_item *item, size_t steps, char out[C2_CAVEAT_ROOM], c2_error *err);

/* What a typed column of all items' time stamps holds: texts where there are whole numbers beside dates, offsets, or
 * several zones. */
typedef enum c2_stamps { C2_STAMPS_TEXT, C2_STAMPS_TIME, C2_STAMPS_COUNT, C2_STAMPS_ZONED } c2_stamps;

c2_stamps c2_dataset_stamps(const c2_dataset *set);

/* Whether the ids of all items came as whole numbers. */
static inline bool c2_dataset_has_whole_ids(const c2_dataset *set) {
  return set->count > 0 && set->whole_ids == set->count;
}

/* The zone that the time stamps of all items have; NULL if there is none. */
const char *c2_dataset_zone(const c2_dataset *set);

/* The time stamp of a step, from 0, with the offset of its row where that has one of its own; *time (may be NULL)
 * receives its place on the axis. Steps may lie behind the last one. */
c2_status c2_item_stamp_step(const c2_item *item, int64_t step, char out[C2_TIME_ROOM], c2_time *time, c2_error *err);

void c2_dataset_free(c2_dataset *set);

/* ---- For the readers of data/ ----------------------------------------------------------------- */

/* Adds an empty item. It is an error if the id is taken; if it is NULL, the item's index becomes its id. The pointer is
 * good until the next call. */
c2_status c2_dataset_add(c2_dataset *set, const char *id, const char *file, size_t line, c2_item **item, c2_error *err);

/* Zeroed memory (not NULL even for a count of 0) and copies of text, which live as long as the set. */
c2_status c2_dataset_alloc(c2_dataset *set, size_t count, size_t size, void *out, c2_error *err);
c2_status c2_dataset_text(c2_dataset *set, const char *text, const char **out, c2_error *err);

/* Opens a zone's clock, which the set owns. */
c2_status c2_dataset_open_wall(c2_dataset *set, const char *zone, const c2_wall **out, c2_error *err);

/* Adds to what was found, in words, unless it is there. */
c2_status c2_dataset_put_found(c2_dataset *set, const char *text, c2_error *err);

/* Keeps what is to be noted of a covariate of numbers and other texts; the first line of each name counts. */
c2_status c2_dataset_put_mixed(c2_dataset *set, const char *name, const char *line, c2_error *err);

/* Adds a note, formatted as by c2_text_format in 500 bytes. */
C2_PRINTF(3, 4) c2_status c2_dataset_note(c2_dataset *set, c2_error *err, const char *format, ...);

#endif
