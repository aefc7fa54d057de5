/* Time stamps and frequencies: parse, print, step, count, infer.
 *
 * A time is a number of microseconds since 1970-01-01 00:00:00 in the proleptic Gregorian calendar, years
 * 0001 to 9999, as a clock on the wall shows it; a zone says how far that clock is from UTC. A frequency is what
 * pandas calls one, with pandas' spelling and arithmetic: `stamp + n` goes to the n-th later point of the
 * frequency, and the time of day stays. On an axis of integers (C2_FREQ_COUNT) a time is the integer itself. */
#ifndef C2_TIME_CALENDAR_H
#define C2_TIME_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef int64_t c2_time;

typedef struct c2_zone {
  bool given;
  int minutes; /* ahead of UTC: less than a day, negative to the west */
} c2_zone;

typedef enum c2_freq_unit {
  C2_FREQ_COUNT, /* of an integer axis */
  C2_FREQ_MICROSECOND,
  C2_FREQ_MILLISECOND,
  C2_FREQ_SECOND,
  C2_FREQ_MINUTE,
  C2_FREQ_HOUR,
  C2_FREQ_DAY,           /* up to here a period has a fixed length */
  C2_FREQ_BUSINESS_HOUR, /* 09:00 to 17:00, Monday to Friday */
  C2_FREQ_BUSINESS_DAY,
  C2_FREQ_WEEK,
  C2_FREQ_WEEK_OF_MONTH,
  C2_FREQ_SEMI_MONTH,
  C2_FREQ_MONTH,
  C2_FREQ_QUARTER, /* from here on a month anchors the points */
  C2_FREQ_HALF_YEAR,
  C2_FREQ_YEAR
} c2_freq_unit;

/* Where in its month a point of a monthly, quarterly, half-yearly or yearly frequency lies. Semi-months: the day of the
 * anchor, and the month's first or last one. */
typedef enum c2_freq_place {
  C2_PLACE_START,
  C2_PLACE_END,
  C2_PLACE_BUSINESS_START, /* first day of Monday to Friday */
  C2_PLACE_BUSINESS_END
} c2_freq_place;

typedef struct c2_freq {
  c2_freq_unit unit;
  c2_freq_place place; /* semi-months to years; else C2_PLACE_START */
  int anchor; /* weeks: 0 = Monday ... 6 = Sunday; weeks of a month: 7 * (the week, 0 ... 3, or 4 = the last one) + the
                 day; semi-months: a day 1 ... 27; quarters, half-years, years: a month 1 ... 12; else 0 */
  int64_t multiple; /* at least 1 */
} c2_freq;

enum { C2_TIME_ROOM = 48, C2_FREQ_ROOM = 40 };

/* Reads ISO 8601: YYYY, YYYY-MM, YYYY-MM-DD, then after a blank or T hh:mm, hh:mm:ss or hh:mm:ss.ffffff, and then
 * Z, UTC, +hh, +hhmm or +hh:mm. The time is the clock's; `zone` is what followed it. The error says what was expected
 * and found. */
c2_status c2_time_parse(const char *text, c2_time *out, c2_zone *zone, c2_error *err);

/* Writes "2020-01-01", or with `clock` "2020-01-01 05:00:00[.000001]". With a zone it always writes
 * "2020-01-01 05:00:00+01:00". */
void c2_time_format(c2_time time, bool clock, c2_zone zone, char out[C2_TIME_ROOM]);

/* Whether a time lies within a day. */
bool c2_time_has_clock(c2_time time);

/* us, ms, s, min, h, bh, D, B, W[-SUN], WOM-3FRI, LWOM-FRI, SMS[-15], SME[-15], ME, MS, BME, BMS, QE[-DEC], QS[-JAN],
 * BQE, BQS, HYE[-DEC], HYS[-JAN], BHYE, BHYS, YE[-DEC], YS[-JAN], BYE, BYS with a multiple in front ("15min"); a number
 * alone for an integer axis; and the older spellings S, T, H, M, Q, Y, A, AS, BM, BQ, BA, BY, BH, SM. A multiple of a
 * fixed period is at most as long as all years together. */
c2_status c2_freq_parse(const char *text, c2_freq *out, c2_error *err);

/* Writes a frequency as pandas' freqstr does: it spells out anchors, but not a multiple of 1. c2_freq_parse reads it
 * back. */
void c2_freq_format(const c2_freq *freq, char out[C2_FREQ_ROOM]);

bool c2_freq_equal(const c2_freq *a, const c2_freq *b);

/* Steps of a season, as the field has them by frequency; 1 where none is in common use, or where a season is no whole
 * number of steps. */
size_t c2_freq_season(const c2_freq *freq);

/* Whether a frequency comes before another one where both are as common, whatever the order of the rows is. */
bool c2_freq_is_finer(const c2_freq *a, const c2_freq *b);

/* Whether a period is shorter than a day, or not a whole number of days. */
bool c2_freq_has_clock(const c2_freq *freq);

/* Whether a frequency counts time as it passes; else days as the wall shows them. */
static inline bool c2_freq_counts_instants(const c2_freq *freq) {
  return freq->unit < C2_FREQ_DAY;
}

/* Returns the microseconds of a period of fixed length, or what an integer axis counts on by; else 0. */
int64_t c2_freq_length(const c2_freq *freq);

/* Sets *out = start + periods, of which there are at least 0. From a start between two points, one period leads to the
 * next point. It is an error to go beyond the year 9999, or beyond 15 digits on an integer axis. */
c2_status c2_freq_add(const c2_freq *freq, c2_time start, int64_t periods, c2_time *out, c2_error *err);

/* The first point of the frequency at or after a time, as pandas.date_range begins. */
c2_status c2_freq_roll_forward(const c2_freq *freq, c2_time time, c2_time *out, c2_error *err);

/* Number of whole periods from start to a stamp that is not before it. For calendar units both count as
 * the point at or before them (business hours: at or after), so that stamps within a period are placed by their
 * period; false if the stamp then lies between two points. */
bool c2_freq_between(const c2_freq *freq, c2_time start, c2_time stamp, int64_t *periods);

/* Whether a stamp is a point of the frequency; with units of fixed length every stamp is. */
bool c2_freq_is_point(const c2_freq *freq, c2_time stamp);

/* The frequency of ascending, distinct stamps: the coarsest one that has each of them as a point, if more than half of
 * the neighbours are one step apart and at most half of the steps are left out; as pandas.infer_freq where none is.
 * `count_axis`: the stamps are integers. False for fewer than three stamps and where there is none; *odd is then the
 * index of a stamp that disturbs what most neighbours follow, or SIZE_MAX if they follow nothing. */
bool c2_freq_infer(const c2_time *stamps, size_t count, bool count_axis, c2_freq *out, size_t *odd);

/* The same of stamps of a zone, as the wall shows them and in UTC, as pandas looks for it: on the wall if the smallest
 * step there is a number of days, and for business hours; else in instants, which have no longer steps than hours.
 * *stamps receives those of the two that follow it. */
bool c2_freq_infer_zoned(const c2_time *wall, const c2_time *utc, size_t count, const c2_time **stamps, c2_freq *out,
                         size_t *odd);

/* Number of neighbours among ascending stamps that are exactly one step apart. */
size_t c2_freq_count_steps(const c2_freq *freq, const c2_time *stamps, size_t count);

/* Whether stamps show their own frequency in enough steps to keep it beside that of other items, by which they would
 * have more gaps. */
bool c2_freq_outdoes(const c2_freq *own, const c2_freq *other, const c2_time *stamps, size_t count);

/* ---- Within time/ and data/ ------------------------------------------------------------------ */

#define C2_DAY_US INT64_C(86400000000)

/* 0001-01-01 and 10000-01-01, in days since 1970-01-01. */
enum { C2_FIRST_DAY = -719162, C2_END_DAY = 2932897 };

/* Bound of an integer axis: 15 digits. */
#define C2_COUNT_END INT64_C(1000000000000000)

typedef struct c2_date {
  int64_t year;
  int month, day; /* from 1 */
} c2_date;

static inline int64_t c2_floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static inline int64_t c2_floor_mod(int64_t a, int64_t b) {
  return a - c2_floor_div(a, b) * b;
}

/* Reads the fraction of a second behind its point: up to nine digits, those beyond the sixth zero. */
bool c2_read_fraction(const char **at, int *micros);

int64_t c2_day_of(int64_t year, int month, int day);
c2_date c2_date_of(int64_t day);
int c2_weekday(int64_t day); /* 0 = Monday */
int c2_month_length(int64_t year, int month);

/* Day of the month at which a place lies. */
int c2_place_in_month(c2_freq_place place, int64_t year, int month);

/* Microseconds of a unit of fixed length, 1 for integers, else 0. */
int64_t c2_fixed_unit(c2_freq_unit unit);

#endif
