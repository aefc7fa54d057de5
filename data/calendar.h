/* Time stamps and frequencies: parse, print, step, count, infer.
 *
 * A time is a number of microseconds since 1970-01-01 00:00:00 in the proleptic Gregorian calendar, years
 * 0001 to 9999, without a time zone. A frequency is what pandas calls one, with pandas' spelling and
 * arithmetic: `stamp + n` goes to the n-th later point of the frequency, and the time of day stays. */
#ifndef C2_DATA_CALENDAR_H
#define C2_DATA_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef int64_t c2_time;

typedef enum c2_freq_unit {
  C2_FREQ_MICROSECOND,
  C2_FREQ_MILLISECOND,
  C2_FREQ_SECOND,
  C2_FREQ_MINUTE,
  C2_FREQ_HOUR,
  C2_FREQ_DAY, /* up to here a period has a fixed length */
  C2_FREQ_BUSINESS_DAY,
  C2_FREQ_WEEK,
  C2_FREQ_MONTH,
  C2_FREQ_QUARTER,
  C2_FREQ_YEAR
} c2_freq_unit;

/* Where in its month a point of a monthly, quarterly or yearly frequency lies. */
typedef enum c2_freq_place {
  C2_PLACE_START,
  C2_PLACE_END,
  C2_PLACE_BUSINESS_START, /* first day of Monday to Friday */
  C2_PLACE_BUSINESS_END
} c2_freq_place;

typedef struct c2_freq {
  c2_freq_unit unit;
  c2_freq_place place; /* months, quarters, years; else C2_PLACE_START */
  int anchor;          /* weeks: 0 = Monday ... 6 = Sunday; quarters, years: a month 1 ... 12; else 0 */
  int64_t multiple;    /* at least 1 */
} c2_freq;

enum { C2_TIME_ROOM = 32, C2_FREQ_ROOM = 32 };

/* Reads ISO 8601: YYYY, YYYY-MM, YYYY-MM-DD, then after a blank or T hh:mm, hh:mm:ss or hh:mm:ss.ffffff;
 * a final Z or +00:00 is allowed, other zones are refused. The error says what was expected and found. */
c2_status c2_time_parse(const char *text, c2_time *out, c2_error *err);

/* "2020-01-01", or with `clock` "2020-01-01 05:00:00[.000001]". */
void c2_time_format(c2_time time, bool clock, char out[C2_TIME_ROOM]);

/* Whether a time lies within a day. */
bool c2_time_has_clock(c2_time time);

/* us, ms, s, min, h, D, B, W[-SUN], ME, MS, BME, BMS, QE[-DEC], QS[-JAN], BQE, BQS, YE[-DEC], YS[-JAN], BYE, BYS
 * with a multiple in front ("15min"), and the older spellings S, T, H, M, Q, Y, A, AS, BM, BQ, BA, BY. */
c2_status c2_freq_parse(const char *text, c2_freq *out, c2_error *err);

/* As pandas' freqstr: anchors are spelled out, a multiple of 1 is not. c2_freq_parse reads it back. */
void c2_freq_format(const c2_freq *freq, char out[C2_FREQ_ROOM]);

bool c2_freq_equal(const c2_freq *a, const c2_freq *b);

/* Whether a period is shorter than a day, or not a whole number of days. */
bool c2_freq_has_clock(const c2_freq *freq);

/* *out = start + periods (at least 0). From a start between two points, one period leads to the next
 * point. Fails beyond the year 9999. */
c2_status c2_freq_add(const c2_freq *freq, c2_time start, int64_t periods, c2_time *out, c2_error *err);

/* The first point of the frequency at or after a time, as pandas.date_range begins. */
c2_status c2_freq_roll_forward(const c2_freq *freq, c2_time time, c2_time *out, c2_error *err);

/* Number of whole periods from start to a stamp that is not before it. For calendar units both count as
 * the point at or before them, so that stamps within a period are placed by their period; false if the
 * stamp then lies between two points. */
bool c2_freq_between(const c2_freq *freq, c2_time start, c2_time stamp, int64_t *periods);

/* The coarsest frequency that has every one of these ascending, distinct stamps as a point, steps left out
 * included; as pandas.infer_freq where nothing is left out. False for fewer than three stamps, and when
 * more than half of the steps would be empty: then the stamps follow no regular frequency. */
bool c2_freq_infer(const c2_time *stamps, size_t count, c2_freq *out);

#endif
