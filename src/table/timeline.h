/* The time axis of a table: the one frequency of all items, the steps of their rows, and the time stamps of forecasts,
 * as pandas counts them. */
#ifndef C2_TABLE_TIMELINE_H
#define C2_TABLE_TIMELINE_H

#include "table/source.h"
#include "time/calendar.h"
#include "time/clock.h"

/* A row of an item, where it was sorted. */
typedef struct c2_spot {
  int64_t stamp; /* as the table has it */
  const c2_chunk *chunk;
  size_t row, at; /* of the chunk; of the item, as rows came */
} c2_spot;

typedef struct c2_timeline {
  const c2_field *field; /* of df's time stamps */
  c2_clock clock;
  bool is_known, is_given; /* the frequency; by the caller */
  bool is_own;             /* each item has a frequency of its own, and `freq` is that of the last one */
  bool fills;              /* gaps; else each row is a step */
  bool is_trusted;         /* rows are in order, and nobody checks */
  c2_freq freq;
  c2_time even_step; /* in microseconds: items of this constant step have the frequency; 0: unknown */
  size_t steps, filled;    /* of all items so far */
  size_t loose;            /* items whose rows aren't one step of a frequency apart that is given or that of others */
  size_t loose_key;        /* id of the first of them */
  size_t between;          /* rows of all items so far that lie between the points of their frequency */
  size_t between_key;      /* id of the first of them */
  c2_freq between_freq;    /* its frequency */
  bool has_unclear;        /* a step at a time that the wall's clock leaves out or shows twice */
  size_t unclear_key;      /* id of the first item that has one */
  int64_t unclear_stamp;   /* of its first one */
  c2_spot *spot; /* rows of the item that was loaded last */
  size_t room;
  int64_t *wall, *utc; /* in microseconds: its time stamps */
  size_t wall_room, utc_room;
} c2_timeline;

/* Opens an axis. The frequency is inferred if `freq` is NULL: of all items, or each its own if `is_own`. Close it also
 * after a failure. */
c2_status c2_timeline_open(c2_timeline *axis, const c2_field *field, const char *freq, bool is_own, c2_error *err);
void c2_timeline_close(c2_timeline *axis);

/* Puts an item's rows into axis->spot, by time unless they are trusted. */
c2_status c2_timeline_load(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err);

/* Notes what an item says of the frequency, and its first and last time stamp. */
c2_status c2_timeline_infer(c2_timeline *axis, const c2_source *source, c2_entry *entry, c2_error *err);

/* Looks at an item that had too few rows to tell a frequency, when that of others is known. */
c2_status c2_timeline_check(c2_timeline *axis, const c2_source *source, const c2_entry *entry, c2_error *err);

/* Finds the step of each row of a loaded item, steps [rows], and entry->steps. It is for axes that fill gaps. */
c2_status c2_timeline_place(c2_timeline *axis, const c2_source *source, c2_entry *entry, size_t *steps, c2_error *err);

/* The failure if all items were read and none told the frequency. */
c2_status c2_timeline_unknown(c2_error *err);

/* Writes the time stamps of the `count` steps after the last one, as the table has them. */
c2_status c2_timeline_continue(c2_timeline *axis, const c2_source *source, const c2_entry *entry, size_t count,
                           int64_t *stamps, c2_error *err);

/* Whether a time stamp of this axis is that of a column of times. */
bool c2_timeline_equal(const c2_timeline *axis, int64_t stamp, const c2_field *field, int64_t other);

/* Writes a time stamp for messages. */
void c2_timeline_format(const c2_timeline *axis, int64_t stamp, char out[C2_TIME_ROOM]);

#endif
