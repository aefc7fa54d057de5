/* Frequencies: their spelling, and their points as counted on the line of days. Knows no files. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "time/calendar.h"

/* ---- Frequencies as text --------------------------------------------------------------------- */

static const char *const weekdays[] = {"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", NULL};
static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                     "AUG", "SEP", "OCT", "NOV", "DEC", NULL};

typedef struct spelling {
  const char *name;
  c2_freq_unit unit;
  c2_freq_place place;
  int anchor; /* default */
} spelling;

enum { LAST_WEEK = 4, NO_ANCHOR = -1 /* has to be given */ };

/* The first spelling of a unit and place is the one that is printed. */
static const spelling spellings[] = {
    {"", C2_FREQ_COUNT, C2_PLACE_START, 0},
    {"us", C2_FREQ_MICROSECOND, C2_PLACE_START, 0},
    {"U", C2_FREQ_MICROSECOND, C2_PLACE_START, 0},
    {"ms", C2_FREQ_MILLISECOND, C2_PLACE_START, 0},
    {"L", C2_FREQ_MILLISECOND, C2_PLACE_START, 0},
    {"s", C2_FREQ_SECOND, C2_PLACE_START, 0},
    {"S", C2_FREQ_SECOND, C2_PLACE_START, 0},
    {"min", C2_FREQ_MINUTE, C2_PLACE_START, 0},
    {"T", C2_FREQ_MINUTE, C2_PLACE_START, 0},
    {"h", C2_FREQ_HOUR, C2_PLACE_START, 0},
    {"H", C2_FREQ_HOUR, C2_PLACE_START, 0},
    {"D", C2_FREQ_DAY, C2_PLACE_START, 0},
    {"d", C2_FREQ_DAY, C2_PLACE_START, 0},
    {"bh", C2_FREQ_BUSINESS_HOUR, C2_PLACE_START, 0},
    {"BH", C2_FREQ_BUSINESS_HOUR, C2_PLACE_START, 0},
    {"B", C2_FREQ_BUSINESS_DAY, C2_PLACE_START, 0},
    {"W", C2_FREQ_WEEK, C2_PLACE_START, 6},
    {"WOM", C2_FREQ_WEEK_OF_MONTH, C2_PLACE_START, NO_ANCHOR},
    {"LWOM", C2_FREQ_WEEK_OF_MONTH, C2_PLACE_START, NO_ANCHOR},
    {"SME", C2_FREQ_SEMI_MONTH, C2_PLACE_END, 15},
    {"SM", C2_FREQ_SEMI_MONTH, C2_PLACE_END, 15},
    {"SMS", C2_FREQ_SEMI_MONTH, C2_PLACE_START, 15},
    {"ME", C2_FREQ_MONTH, C2_PLACE_END, 0},
    {"M", C2_FREQ_MONTH, C2_PLACE_END, 0},
    {"MS", C2_FREQ_MONTH, C2_PLACE_START, 0},
    {"BME", C2_FREQ_MONTH, C2_PLACE_BUSINESS_END, 0},
    {"BM", C2_FREQ_MONTH, C2_PLACE_BUSINESS_END, 0},
    {"BMS", C2_FREQ_MONTH, C2_PLACE_BUSINESS_START, 0},
    {"QE", C2_FREQ_QUARTER, C2_PLACE_END, 12},
    {"Q", C2_FREQ_QUARTER, C2_PLACE_END, 12},
    {"QS", C2_FREQ_QUARTER, C2_PLACE_START, 1},
    {"BQE", C2_FREQ_QUARTER, C2_PLACE_BUSINESS_END, 12},
    {"BQ", C2_FREQ_QUARTER, C2_PLACE_BUSINESS_END, 12},
    {"BQS", C2_FREQ_QUARTER, C2_PLACE_BUSINESS_START, 1},
    {"HYE", C2_FREQ_HALF_YEAR, C2_PLACE_END, 12},
    {"HYS", C2_FREQ_HALF_YEAR, C2_PLACE_START, 1},
    {"BHYE", C2_FREQ_HALF_YEAR, C2_PLACE_BUSINESS_END, 12},
    {"BHYS", C2_FREQ_HALF_YEAR, C2_PLACE_BUSINESS_START, 1},
    {"YE", C2_FREQ_YEAR, C2_PLACE_END, 12},
    {"Y", C2_FREQ_YEAR, C2_PLACE_END, 12},
    {"A", C2_FREQ_YEAR, C2_PLACE_END, 12},
    {"YS", C2_FREQ_YEAR, C2_PLACE_START, 1},
    {"AS", C2_FREQ_YEAR, C2_PLACE_START, 1},
    {"BYE", C2_FREQ_YEAR, C2_PLACE_BUSINESS_END, 12},
    {"BY", C2_FREQ_YEAR, C2_PLACE_BUSINESS_END, 12},
    {"BA", C2_FREQ_YEAR, C2_PLACE_BUSINESS_END, 12},
    {"BYS", C2_FREQ_YEAR, C2_PLACE_BUSINESS_START, 1},
    {"BAS", C2_FREQ_YEAR, C2_PLACE_BUSINESS_START, 1},
};
enum { SPELLINGS = sizeof spellings / sizeof spellings[0] };

static bool find_name(const char *const *names, const char *text, int *index) {
  for (int i = 0; names[i]; i++) {
    if (strcmp(names[i], text) == 0) {
      *index = i;
      return true;
    }
  }
  return false;
}

/* 3FRI, or FRI for the last week. */
static bool read_week_of_month(const char *text, bool last, int *anchor) {
  int week = last ? LAST_WEEK : *text++ - '1';
  int day = 0;
  if (week < 0 || week > LAST_WEEK - !last || !find_name(weekdays, text, &day)) return false;
  *anchor = 7 * week + day;
  return true;
}

static bool read_day_of_month(const char *text, c2_freq_place place, int *day) {
  *day = 0;
  for (; c2_is_digit(*text) && *day < 100; text++) *day = *day * 10 + (*text - '0');
  return !*text && *day >= (place == C2_PLACE_START ? 2 : 1) && *day <= 27;
}

static bool read_anchor(const spelling *s, const char *text, int *anchor) {
  switch (s->unit) {
    case C2_FREQ_WEEK: return find_name(weekdays, text, anchor);
    case C2_FREQ_WEEK_OF_MONTH: return read_week_of_month(text, s->name[0] == 'L', anchor);
    case C2_FREQ_SEMI_MONTH: return read_day_of_month(text, s->place, anchor);
    case C2_FREQ_QUARTER:
    case C2_FREQ_HALF_YEAR:
    case C2_FREQ_YEAR:
      if (!find_name(months, text, anchor)) return false;
      *anchor += 1;
      return true;
    default: return false;
  }
}

/* Largest multiple that is read: as long as all years, and 1e9 for the rest. */
static int64_t most_multiple(c2_freq_unit unit) {
  if (unit == C2_FREQ_COUNT) return 2 * C2_COUNT_END; /* from one end of the axis to the other */
  int64_t length = c2_fixed_unit(unit);
  return length > 0 ? (C2_END_DAY - C2_FIRST_DAY) * C2_DAY_US / length : 1000000000;
}

static bool read_freq(const char *text, c2_freq *out) {
  int64_t multiple = 0;
  const char *at = text;
  for (; c2_is_digit(*at); at++) {
    if (multiple > INT64_MAX / 10 - 1) return false;
    multiple = multiple * 10 + (*at - '0');
  }
  if (at == text) {
    if (!*text) return false;
    multiple = 1;
  }
  size_t n = strcspn(at, "-");
  for (size_t i = 0; i < SPELLINGS; i++) {
    const spelling *s = &spellings[i];
    if (strlen(s->name) != n || strncmp(s->name, at, n) != 0) continue;
    *out = (c2_freq){s->unit, s->place, s->anchor, multiple};
    if (at[n] ? !read_anchor(s, at + n + 1, &out->anchor) : s->anchor == NO_ANCHOR) return false;
    return multiple >= 1 && multiple <= most_multiple(s->unit);
  }
  return false;
}

c2_status c2_freq_parse(const char *text, c2_freq *out, c2_error *err) {
  if (read_freq(text, out)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT,
          "expected a frequency as pandas spells it, found '%.40s'; known are us, ms, s, min, h, bh, D, B, W-SUN, "
          "WOM-3FRI, LWOM-FRI, SMS, SME, MS, ME, BMS, BME, QS, QE, BQS, BQE, HYS, HYE, BHYS, BHYE, YS, YE, BYS, BYE, a "
          "multiple of one (15min), and a whole number for a column of whole numbers",
          text);
}

void c2_freq_format(const c2_freq *freq, char out[C2_FREQ_ROOM]) {
  const char *name = "";
  char anchor[16] = "";
  int week = freq->anchor / 7;
  for (size_t i = SPELLINGS; i-- > 0;) {
    if (spellings[i].unit == freq->unit && spellings[i].place == freq->place) name = spellings[i].name;
  }
  if (freq->unit == C2_FREQ_WEEK) (void)snprintf(anchor, sizeof anchor, "-%s", weekdays[freq->anchor]);
  if (freq->unit == C2_FREQ_SEMI_MONTH) (void)snprintf(anchor, sizeof anchor, "-%d", freq->anchor);
  if (freq->unit >= C2_FREQ_QUARTER) (void)snprintf(anchor, sizeof anchor, "-%s", months[freq->anchor - 1]);
  if (freq->unit == C2_FREQ_WEEK_OF_MONTH && week == LAST_WEEK) {
    name = "LWOM";
    (void)snprintf(anchor, sizeof anchor, "-%s", weekdays[freq->anchor % 7]);
  } else if (freq->unit == C2_FREQ_WEEK_OF_MONTH) {
    (void)snprintf(anchor, sizeof anchor, "-%d%s", week + 1, weekdays[freq->anchor % 7]);
  }
  int n = 0;
  out[0] = '\0';
  if (freq->multiple != 1 || freq->unit == C2_FREQ_COUNT) {
    n = snprintf(out, C2_FREQ_ROOM, "%lld", (long long)freq->multiple);
  }
  (void)snprintf(out + n, C2_FREQ_ROOM - (size_t)n, "%s%s", name, anchor);
}

bool c2_freq_equal(const c2_freq *a, const c2_freq *b) {
  int cycle = a->unit == C2_FREQ_QUARTER ? 3 : a->unit == C2_FREQ_HALF_YEAR ? 6 : 0;
  bool same_points = cycle ? a->anchor % cycle == b->anchor % cycle : a->anchor == b->anchor; /* QS-JAN is QS-OCT */
  return a->unit == b->unit && a->place == b->place && a->multiple == b->multiple && same_points;
}

size_t c2_freq_season(const c2_freq *freq) {
  int64_t whole = 1;
  switch (freq->unit) {
    case C2_FREQ_SECOND: whole = 3600; break;
    case C2_FREQ_MINUTE: whole = 1440; break;
    case C2_FREQ_HOUR: whole = 24; break;
    case C2_FREQ_BUSINESS_HOUR: whole = 8; break;
    case C2_FREQ_DAY: whole = 7; break;
    case C2_FREQ_BUSINESS_DAY: whole = 5; break;
    case C2_FREQ_MONTH: whole = 12; break;
    case C2_FREQ_QUARTER: whole = 4; break;
    case C2_FREQ_HALF_YEAR: whole = 2; break;
    default: break;
  }
  return whole % freq->multiple == 0 ? (size_t)(whole / freq->multiple) : 1;
}

bool c2_freq_is_finer(const c2_freq *a, const c2_freq *b) {
  if (a->unit != b->unit) return a->unit < b->unit;
  if (a->multiple != b->multiple) return a->multiple < b->multiple;
  return a->place != b->place ? a->place < b->place : a->anchor < b->anchor;
}

/* ---- Frequencies as counted points ----------------------------------------------------------- */

int c2_place_in_month(c2_freq_place place, int64_t year, int month) {
  int length = c2_month_length(year, month);
  int first = c2_weekday(c2_day_of(year, month, 1));
  int last = c2_weekday(c2_day_of(year, month, length));
  switch (place) {
    case C2_PLACE_START: return 1;
    case C2_PLACE_END: return length;
    case C2_PLACE_BUSINESS_START: return first < 5 ? 1 : 8 - first;
    case C2_PLACE_BUSINESS_END: return last < 5 ? length : length - (last - 4);
  }
  return 1;
}

int64_t c2_fixed_unit(c2_freq_unit unit) {
  switch (unit) {
    case C2_FREQ_COUNT:
    case C2_FREQ_MICROSECOND: return 1;
    case C2_FREQ_MILLISECOND: return 1000;
    case C2_FREQ_SECOND: return 1000000;
    case C2_FREQ_MINUTE: return 60 * INT64_C(1000000);
    case C2_FREQ_HOUR: return 3600 * INT64_C(1000000);
    case C2_FREQ_DAY: return C2_DAY_US;
    default: return 0;
  }
}

int64_t c2_freq_length(const c2_freq *freq) {
  int64_t length = 0;
  return __builtin_mul_overflow(c2_fixed_unit(freq->unit), freq->multiple, &length) ? 0 : length;
}

static int unit_months(c2_freq_unit unit) {
  switch (unit) {
    case C2_FREQ_QUARTER: return 3;
    case C2_FREQ_HALF_YEAR: return 6;
    case C2_FREQ_YEAR: return 12;
    default: return 1;
  }
}

bool c2_freq_has_clock(const c2_freq *freq) {
  if (freq->unit == C2_FREQ_COUNT || freq->unit == C2_FREQ_DAY) return false;
  int64_t unit = c2_fixed_unit(freq->unit);
  return freq->unit == C2_FREQ_BUSINESS_HOUR || (unit > 0 && freq->multiple % (C2_DAY_US / unit) != 0);
}

/* Day of the month of a week's day. */
static int day_of_week_of_month(int anchor, int64_t year, int month) {
  int length = c2_month_length(year, month);
  if (anchor / 7 == LAST_WEEK) return length - (c2_weekday(c2_day_of(year, month, length)) - anchor % 7 + 7) % 7;
  return anchor / 7 * 7 + 1 + (anchor % 7 - c2_weekday(c2_day_of(year, month, 1)) + 7) % 7;
}

/* Points of a calendar unit (multiple 1) are counted by whole numbers: this is the day of point p. */
static int64_t point_day(const c2_freq *freq, int64_t p) {
  if (freq->unit == C2_FREQ_BUSINESS_DAY) return c2_floor_div(p, 5) * 7 + c2_floor_mod(p, 5) - 3;
  if (freq->unit == C2_FREQ_WEEK) return p * 7 + freq->anchor - 3;
  bool half = freq->unit == C2_FREQ_SEMI_MONTH;
  int64_t month = half ? c2_floor_div(p, 2) : p * unit_months(freq->unit);
  if (freq->unit >= C2_FREQ_QUARTER) month += freq->anchor - 1;
  int64_t year = c2_floor_div(month, 12);
  int of_year = (int)c2_floor_mod(month, 12) + 1;
  int day = c2_place_in_month(freq->place, year, of_year);
  if (freq->unit == C2_FREQ_WEEK_OF_MONTH) day = day_of_week_of_month(freq->anchor, year, of_year);
  if (half && (c2_floor_mod(p, 2) == 0) == (freq->place == C2_PLACE_END)) day = freq->anchor;
  return c2_day_of(year, of_year, day);
}

/* The last point at or before a day. */
static int64_t point_before(const c2_freq *freq, int64_t day) {
  if (freq->unit == C2_FREQ_BUSINESS_DAY) {
    int of_week = c2_weekday(day);
    return c2_floor_div(day + 3, 7) * 5 + (of_week < 4 ? of_week : 4);
  }
  if (freq->unit == C2_FREQ_WEEK) return c2_floor_div(day + 3 - freq->anchor, 7);
  c2_date date = c2_date_of(day);
  int64_t month = date.year * 12 + date.month - 1;
  if (freq->unit >= C2_FREQ_QUARTER) month -= freq->anchor - 1;
  int64_t p = freq->unit == C2_FREQ_SEMI_MONTH ? 2 * month + 1 : c2_floor_div(month, unit_months(freq->unit));
  while (point_day(freq, p) > day) p--;
  return p;
}

/* Microseconds of business since an origin; a time outside the hours counts as the next opening. */
#define OPENS (9 * INT64_C(3600000000))
#define OPEN_US (8 * INT64_C(3600000000))

static int64_t business_time(c2_time time) {
  int64_t day = c2_floor_div(time, C2_DAY_US);
  int64_t since = c2_floor_mod(time, C2_DAY_US) - OPENS;
  if (c2_weekday(day) >= 5 || since >= OPEN_US) {
    day += c2_weekday(day) >= 4 ? 7 - c2_weekday(day) : 1;
    since = 0;
  }
  return (c2_floor_div(day + 3, 7) * 5 + c2_weekday(day)) * OPEN_US + (since > 0 ? since : 0);
}

static c2_time time_of_business(int64_t business) {
  int64_t p = c2_floor_div(business, OPEN_US);
  int64_t day = c2_floor_div(p, 5) * 7 + c2_floor_mod(p, 5) - 3;
  return day * C2_DAY_US + OPENS + c2_floor_mod(business, OPEN_US);
}

static c2_status out_of_years(c2_error *err) {
  C2_FAIL(err, C2_ERR_ARGUMENT, "a time stamp lies outside the years 1 to 9999");
}

/* start + n units. */
static bool add_units(const c2_freq *freq, c2_time start, int64_t n, c2_time *out) {
  int64_t unit = c2_fixed_unit(freq->unit);
  if (unit > 0) return !__builtin_mul_overflow(n, unit, &n) && !__builtin_add_overflow(start, n, out);
  if (n > (C2_END_DAY - C2_FIRST_DAY) * INT64_C(8)) return false; /* a unit is at least an hour of business */
  if (freq->unit == C2_FREQ_BUSINESS_HOUR) {
    *out = time_of_business(business_time(start) + n * INT64_C(3600000000));
    return true;
  }
  int64_t day = point_day(freq, point_before(freq, c2_floor_div(start, C2_DAY_US)) + n);
  if (day >= C2_END_DAY) return false;
  *out = day * C2_DAY_US + c2_floor_mod(start, C2_DAY_US);
  return true;
}

c2_status c2_freq_add(const c2_freq *freq, c2_time start, int64_t periods, c2_time *out, c2_error *err) {
  int64_t n = 0;
  *out = start;
  if (periods == 0) return C2_OK;
  if (__builtin_mul_overflow(periods, freq->multiple, &n) || !add_units(freq, start, n, out)) return out_of_years(err);
  if (freq->unit == C2_FREQ_COUNT) {
    if (*out < C2_COUNT_END) return C2_OK;
    C2_FAIL(err, C2_ERR_ARGUMENT, "a step has more than 15 digits");
  }
  if (*out >= C2_END_DAY * C2_DAY_US || *out < C2_FIRST_DAY * C2_DAY_US) return out_of_years(err);
  return C2_OK;
}

bool c2_freq_is_point(const c2_freq *freq, c2_time stamp) {
  if (c2_fixed_unit(freq->unit) > 0) return true;
  if (freq->unit == C2_FREQ_BUSINESS_HOUR) return time_of_business(business_time(stamp)) == stamp;
  int64_t day = c2_floor_div(stamp, C2_DAY_US);
  return point_day(freq, point_before(freq, day)) == day;
}

c2_status c2_freq_roll_forward(const c2_freq *freq, c2_time time, c2_time *out, c2_error *err) {
  *out = time;
  if (c2_freq_is_point(freq, time)) return C2_OK;
  if (freq->unit == C2_FREQ_BUSINESS_HOUR) {
    *out = time_of_business(business_time(time));
    return C2_OK;
  }
  c2_freq single = *freq;
  single.multiple = 1;
  return c2_freq_add(&single, time, 1, out, err);
}

bool c2_freq_between(const c2_freq *freq, c2_time start, c2_time stamp, int64_t *periods) {
  int64_t unit = c2_fixed_unit(freq->unit);
  int64_t n = stamp - start; /* both within 10000 years, or of 15 digits: fits */
  if (freq->unit == C2_FREQ_BUSINESS_HOUR) {
    unit = INT64_C(3600000000);
    n = business_time(stamp) - business_time(start);
  }
  if (unit > 0) {
    if (n % unit != 0) return false;
    n /= unit;
  } else {
    n = point_before(freq, c2_floor_div(stamp, C2_DAY_US)) - point_before(freq, c2_floor_div(start, C2_DAY_US));
  }
  *periods = n / freq->multiple;
  return n % freq->multiple == 0;
}
