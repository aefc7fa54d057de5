/* The calendar: days, and time stamps as text. Knows no frequencies and no files. */
#include "time/calendar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- Days ------------------------------------------------------------------------------------ */

/* Years are counted from March, so that the leap day comes last; 400 years are 146097 days. */
int64_t c2_day_of(int64_t year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = c2_floor_div(y, 400);
  int64_t of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

c2_date c2_date_of(int64_t days) {
  int64_t z = days + 719468;
  int64_t era = c2_floor_div(z, 146097);
  int64_t of_era = z - era * 146097;
  int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
  int64_t shifted = (5 * of_year + 2) / 153;
  int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
  return (c2_date){years + era * 400 + (month <= 2), month, (int)(of_year - (153 * shifted + 2) / 5 + 1)};
}

int c2_weekday(int64_t day) {
  return (int)c2_floor_mod(day + 3, 7);
}

int c2_month_length(int64_t year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + leap;
}

/* ---- Times ----------------------------------------------------------------------------------- */

/* Reads exactly `digits` digits. */
static bool read_digits(const char **at, int digits, int *out) {
  int value = 0;
  for (int i = 0; i < digits; i++) {
    char c = (*at)[i];
    if (!c2_is_digit(c)) return false;
    value = value * 10 + (c - '0');
  }
  *at += digits;
  *out = value;
  return true;
}

bool c2_read_fraction(const char **at, int *micros) {
  int value = 0;
  int digits = 0;
  for (; c2_is_digit(**at); (*at)++, digits++) {
    if (digits < 6) value = value * 10 + (**at - '0');
    if (digits >= 6 && (**at != '0' || digits >= 9)) return false;
  }
  if (digits == 0) return false;
  for (; digits < 6; digits++) value *= 10;
  *micros = value;
  return true;
}

static bool read_clock(const char **at, int64_t *micros) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int fraction = 0;
  if (!read_digits(at, 2, &hour) || *(*at)++ != ':' || !read_digits(at, 2, &minute)) return false;
  if (**at == ':') {
    (*at)++;
    if (!read_digits(at, 2, &second)) return false;
    if (**at == '.') {
      (*at)++;
      if (!c2_read_fraction(at, &fraction)) return false;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  *micros = (((int64_t)hour * 60 + minute) * 60 + second) * 1000000 + fraction;
  return true;
}

/* Z, UTC, +hh, +hhmm or +hh:mm after a clock, with a blank in front or none. */
static bool read_zone(const char **at, c2_zone *zone) {
  const char *p = *at;
  int hour = 0;
  int minute = 0;
  while (*p == ' ') p++;
  if (*p == 'Z' || strncmp(p, "UTC", 3) == 0) {
    p += *p == 'Z' ? 1 : 3;
  } else if (*p == '+' || *p == '-') {
    int sign = *p++ == '-' ? -1 : 1;
    if (!read_digits(&p, 2, &hour)) return false;
    if (*p == ':') {
      p++;
      if (!read_digits(&p, 2, &minute)) return false;
    } else if (c2_is_digit(*p) && !read_digits(&p, 2, &minute)) {
      return false;
    }
    if (hour > 23 || minute > 59) return false;
    minute = sign * (hour * 60 + minute);
  } else {
    return true; /* no zone */
  }
  *zone = (c2_zone){true, minute};
  *at = p;
  return true;
}

static bool read_time(const char *at, c2_time *out, c2_zone *zone) {
  int year = 0;
  int month = 1;
  int day = 1;
  int64_t micros = 0;
  bool whole_day = false;
  *zone = (c2_zone){false, 0};
  while (*at == ' ') at++;
  if (!read_digits(&at, 4, &year)) return false;
  if (*at == '-') {
    at++;
    if (!read_digits(&at, 2, &month)) return false;
    if (*at == '-') {
      at++;
      if (!read_digits(&at, 2, &day)) return false;
      whole_day = true;
    }
  }
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > c2_month_length(year, month)) return false;
  if (whole_day && (*at == 'T' || (*at == ' ' && c2_is_digit(at[1])))) {
    at++;
    if (!read_clock(&at, &micros) || !read_zone(&at, zone)) return false;
  }
  while (*at == ' ') at++;
  if (*at) return false;
  *out = c2_day_of(year, month, day) * C2_DAY_US + micros;
  return true;
}

c2_status c2_time_parse(const char *text, c2_time *out, c2_zone *zone, c2_error *err) {
  if (read_time(text, out, zone)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT,
          "expected a time stamp such as 2020-01-31, 2020-01-31 05:00:00 or 2020-01-31 05:00:00+01:00, found '%.40s'",
          text);
}

bool c2_time_has_clock(c2_time time) {
  return c2_floor_mod(time, C2_DAY_US) != 0;
}

void c2_time_format(c2_time time, bool clock, c2_zone zone, char out[C2_TIME_ROOM]) {
  c2_date date = c2_date_of(c2_floor_div(time, C2_DAY_US));
  int64_t micros = c2_floor_mod(time, C2_DAY_US);
  int second = (int)(micros / 1000000);
  int fraction = (int)(micros % 1000000);
  int minutes = abs(zone.minutes);
  int n = snprintf(out, C2_TIME_ROOM, "%04d-%02d-%02d", (int)(date.year % 100000), date.month % 100, date.day % 100);
  if (!clock && !zone.given) return;
  n +=
      snprintf(out + n, C2_TIME_ROOM - (size_t)n, " %02d:%02d:%02d", second / 3600 % 24, second / 60 % 60, second % 60);
  if (fraction) n += snprintf(out + n, C2_TIME_ROOM - (size_t)n, ".%06d", fraction);
  if (!zone.given) return;
  (void)snprintf(out + n, C2_TIME_ROOM - (size_t)n, "%c%02d:%02d", zone.minutes < 0 ? '-' : '+', minutes / 60 % 24,
                 minutes % 60);
}
