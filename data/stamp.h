/* Time stamps in other spellings than ISO 8601: by a format as strptime has it, and which format some cells have. */
#ifndef C2_DATA_STAMP_H
#define C2_DATA_STAMP_H

#include "time/calendar.h"

enum { C2_STAMP_ROOM = 64 }; /* of a format */

/* Fails unless the format is one that c2_stamp_read knows and that says which day it is, and of 12 hours which half of
 * it. Directives: %Y %y %m %d %e %j %b %B %h %a %A %H %I %M %S %p %f %z %Z %s %q (a quarter, 1 to 4) %F %T %R %D %n %t
 * %%. */
c2_status c2_stamp_check(const char *format, c2_error *err);

/* Reads a whole cell, blanks around it aside. %m, %d, %H and the like take one or two digits, %Y takes four. %S takes
 * a fraction too, where the format has no point behind it. Names are the English ones. */
bool c2_stamp_read(const char *format, const char *cell, c2_time *out, c2_zone *zone);

/* What c2_stamp_find found. */
typedef struct c2_stamp_guess {
  char format[C2_STAMP_ROOM]; /* "": none reads every cell */
  char other[C2_STAMP_ROOM];  /* a second one, which takes days for months; "": there is none */
  size_t differ;              /* the first cell that they read differently, or the number of cells */
} c2_stamp_guess;

/* Looks for a format that reads every cell: with a year of four digits, the order year, month, day or day, month, year
 * or month, day, year between slashes, points or hyphens, a quarter (2024Q1), and a clock of 12 or 24 hours. */
void c2_stamp_find(const char *const *cells, size_t count, c2_stamp_guess *out);

#endif
