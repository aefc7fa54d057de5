/* Clocks of time zones: what one on the wall shows at an instant. Zones other than UTC and fixed offsets are read from
 * the system's files ($TZDIR, else /usr/share/zoneinfo). */
#ifndef C2_TIME_CLOCK_H
#define C2_TIME_CLOCK_H

#include "time/calendar.h"

/* When an offset changes in a year: on a weekday in a week (5: the last) of a month, at a second of that day. */
typedef struct c2_clock_rule {
  int month, week, weekday; /* weekday: 0 = Sunday */
  int64_t second;
} c2_clock_rule;

/* A zeroed clock shows UTC. */
typedef struct c2_clock {
  bool is_missing;  /* the system has no such zone: the clock shows UTC */
  size_t changes;   /* that the file lists */
  int64_t *instant; /* seconds since 1970 in UTC: [changes] */
  int32_t *offset;  /* in seconds from there on: [changes] */
  int32_t first;    /* before the first change */
  bool has_rules;   /* after the last change: two a year */
  int32_t standard, summer;
  c2_clock_rule begin, end; /* of summer, on the wall */
} c2_clock;

/* Whether a zone's name is one of UTC. */
bool c2_zone_is_utc(const char *zone);

/* Opens the clock of a zone: "" or "UTC", "+02:00", or a name such as "Europe/Berlin". Close it also after a
 * failure. */
c2_status c2_clock_open(c2_clock *clock, const char *zone, c2_error *err);
void c2_clock_close(c2_clock *clock);

/* Microseconds that the wall's clock is ahead of UTC at an instant. */
int64_t c2_clock_offset(const c2_clock *clock, c2_time utc);

/* The instant at which the wall shows a time: the first one where there are two; where summer's beginning leaves it
 * out, as far behind that beginning. */
c2_time c2_clock_utc(const c2_clock *clock, c2_time wall);

/* Whether the wall shows a time at one instant: neither never nor at two. */
bool c2_clock_is_plain(const c2_clock *clock, c2_time wall);

#endif
