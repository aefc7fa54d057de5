/* The calendar: days, times, frequencies as counted points on the line of days. Knows no files. */
#include "data/calendar.h"

#include <stdio.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

/* 0001-01-01 and 10000-01-01, in days since 1970-01-01. */
enum { FIRST_DAY = -719162, END_DAY = 2932897 };

static int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}
static int64_t floor_mod(int64_t a, int64_t b) {
  return a - floor_div(a, b) * b;
}

/* ---- Days ------------------------------------------------------------------------------------ */

typedef struct civil {
  int64_t year;
  int month, day; /* from 1 */
} civil;

/* Years are counted from March, so that the leap day comes last; 400 years are 146097 days. */
static int64_t days_from_civil(int64_t year, int month, int day) {
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = floor_div(y, 400);
  int64_t of_era = y - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static civil civil_from_days(int64_t days) {
  int64_t z = days + 719468;
  int64_t era = floor_div(z, 146097);
  int64_t of_era = z - era * 146097;
  int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
  int64_t shifted = (5 * of_year + 2) / 153;
  int month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
  return (civil){years + era * 400 + (month <= 2), month, (int)(of_year - (153 * shifted + 2) / 5 + 1)};
}

static int weekday(int64_t days) {
  return (int)floor_mod(days + 3, 7);
} /* 0 = Monday */

static int month_length(int64_t year, int month) {
  int64_t next = month == 12 ? days_from_civil(year + 1, 1, 1) : days_from_civil(year, month + 1, 1);
  return (int)(next - days_from_civil(year, month, 1));
}

/* Day of the month at which the points of a frequency lie. */
static int place_in_month(c2_freq_place place, int64_t year, int month) {
  int length = month_length(year, month);
  int first = weekday(days_from_civil(year, month, 1));
  int last = weekday(days_from_civil(year, month, length));
  switch (place) {
    case C2_PLACE_START: return 1;
    case C2_PLACE_END: return length;
    case C2_PLACE_BUSINESS_START: return first < 5 ? 1 : 8 - first;
    case C2_PLACE_BUSINESS_END: return last < 5 ? length : length - (last - 4);
  }
  return 1;
}

/* ---- Times ----------------------------------------------------------------------------------- */

/* Reads exactly `digits` digits. */
static bool read_digits(const char **at, int digits, int *out) {
  int value = 0;
  for (int i = 0; i < digits; i++) {
    char c = (*at)[i];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  *at += digits;
  *out = value;
  return true;
}

/* Fraction of a second after its point: up to nine digits, those beyond the sixth zero. */
static bool read_fraction(const char **at, int *micros) {
  int value = 0;
  int digits = 0;
  for (; **at >= '0' && **at <= '9'; (*at)++, digits++) {
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
      if (!read_fraction(at, &fraction)) return false;
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  *micros = (((int64_t)hour * 60 + minute) * 60 + second) * 1000000 + fraction;
  return true;
}

static bool read_time(const char *at, c2_time *out) {
  int year = 0;
  int month = 1;
  int day = 1;
  int64_t micros = 0;
  bool whole_day = false;
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
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_length(year, month)) return false;
  if (whole_day && (*at == 'T' || (*at == ' ' && at[1] >= '0' && at[1] <= '9'))) {
    at++;
    if (!read_clock(&at, &micros)) return false;
    if (*at == 'Z') {
      at++;
    } else if (strncmp(at, "+00:00", 6) == 0) {
      at += 6;
    }
  }
  while (*at == ' ') at++;
  if (*at) return false;
  *out = days_from_civil(year, month, day) * DAY_US + micros;
  return true;
}

c2_status c2_time_parse(const char *text, c2_time *out, c2_error *err) {
  if (read_time(text, out)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "expected a time stamp such as 2020-01-31 or 2020-01-31 05:00:00, found '%.40s'", text);
}

bool c2_time_has_clock(c2_time time) {
  return floor_mod(time, DAY_US) != 0;
}

void c2_time_format(c2_time time, bool clock, char out[C2_TIME_ROOM]) {
  civil date = civil_from_days(floor_div(time, DAY_US));
  int64_t micros = floor_mod(time, DAY_US);
  int second = (int)(micros / 1000000);
  int fraction = (int)(micros % 1000000);
  int n = snprintf(out, C2_TIME_ROOM, "%04d-%02d-%02d", (int)(date.year % 100000), date.month % 100, date.day % 100);
  if (!clock) return;
  n +=
      snprintf(out + n, C2_TIME_ROOM - (size_t)n, " %02d:%02d:%02d", second / 3600 % 24, second / 60 % 60, second % 60);
  if (fraction) (void)snprintf(out + n, C2_TIME_ROOM - (size_t)n, ".%06d", fraction);
}

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

/* The first spelling of a unit and place is the one that is printed. */
static const spelling spellings[] = {
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
    {"B", C2_FREQ_BUSINESS_DAY, C2_PLACE_START, 0},
    {"W", C2_FREQ_WEEK, C2_PLACE_START, 6},
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

static bool read_freq(const char *text, c2_freq *out) {
  int64_t multiple = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9'; at++) {
    multiple = multiple * 10 + (*at - '0');
    if (multiple > 1000000000) return false;
  }
  if (at == text) multiple = 1;
  size_t n = strcspn(at, "-");
  for (size_t i = 0; i < SPELLINGS; i++) {
    const spelling *s = &spellings[i];
    if (strlen(s->name) != n || strncmp(s->name, at, n) != 0) continue;
    *out = (c2_freq){s->unit, s->place, s->anchor, multiple};
    if (!at[n]) return multiple >= 1;
    bool found = s->unit == C2_FREQ_WEEK && find_name(weekdays, at + n + 1, &out->anchor);
    if (s->unit >= C2_FREQ_QUARTER && find_name(months, at + n + 1, &out->anchor)) {
      out->anchor++;
      found = true;
    }
    return found && multiple >= 1;
  }
  return false;
}

c2_status c2_freq_parse(const char *text, c2_freq *out, c2_error *err) {
  if (read_freq(text, out)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "expected a frequency such as 15min, h, D, B, W-SUN, MS, ME, QS or YS, found '%.40s'",
          text);
}

void c2_freq_format(const c2_freq *freq, char out[C2_FREQ_ROOM]) {
  const char *name = "";
  for (size_t i = SPELLINGS; i-- > 0;) {
    if (spellings[i].unit == freq->unit && spellings[i].place == freq->place) name = spellings[i].name;
  }
  const char *anchor = NULL;
  if (freq->unit == C2_FREQ_WEEK) anchor = weekdays[freq->anchor];
  if (freq->unit >= C2_FREQ_QUARTER) anchor = months[freq->anchor - 1];
  int n = 0;
  out[0] = '\0';
  if (freq->multiple != 1) n = snprintf(out, C2_FREQ_ROOM, "%lld", (long long)freq->multiple);
  (void)snprintf(out + n, C2_FREQ_ROOM - (size_t)n, "%s%s%s", name, anchor ? "-" : "", anchor ? anchor : "");
}

bool c2_freq_equal(const c2_freq *a, const c2_freq *b) {
  int cycle = a->unit == C2_FREQ_QUARTER ? 3 : 12; /* QS-JAN and QS-OCT have the same points */
  return a->unit == b->unit && a->place == b->place && a->multiple == b->multiple &&
         a->anchor % cycle == b->anchor % cycle;
}

/* ---- Frequencies as counted points ----------------------------------------------------------- */

/* Microseconds of a unit of fixed length, else 0. */
static int64_t fixed_unit(c2_freq_unit unit) {
  switch (unit) {
    case C2_FREQ_MICROSECOND: return 1;
    case C2_FREQ_MILLISECOND: return 1000;
    case C2_FREQ_SECOND: return 1000000;
    case C2_FREQ_MINUTE: return 60 * INT64_C(1000000);
    case C2_FREQ_HOUR: return 3600 * INT64_C(1000000);
    case C2_FREQ_DAY: return DAY_US;
    default: return 0;
  }
}

static int unit_months(c2_freq_unit unit) {
  return unit == C2_FREQ_MONTH ? 1 : unit == C2_FREQ_QUARTER ? 3 : 12;
}

bool c2_freq_has_clock(const c2_freq *freq) {
  int64_t unit = fixed_unit(freq->unit);
  return unit > 0 && unit * freq->multiple % DAY_US != 0; /* a multiple is at most 1e9 days: fits */
}

/* Points of a calendar unit (multiple 1) are counted by whole numbers: this is the day of point p. */
static int64_t point_day(const c2_freq *freq, int64_t p) {
  if (freq->unit == C2_FREQ_BUSINESS_DAY) return floor_div(p, 5) * 7 + floor_mod(p, 5) - 3;
  if (freq->unit == C2_FREQ_WEEK) return p * 7 + freq->anchor - 3;
  int64_t month = p * unit_months(freq->unit) + (freq->anchor ? freq->anchor - 1 : 0);
  int64_t year = floor_div(month, 12);
  int of_year = (int)floor_mod(month, 12) + 1;
  return days_from_civil(year, of_year, place_in_month(freq->place, year, of_year));
}

/* The last point at or before a day. */
static int64_t point_before(const c2_freq *freq, int64_t day) {
  if (freq->unit == C2_FREQ_BUSINESS_DAY) {
    int of_week = weekday(day);
    return floor_div(day + 3, 7) * 5 + (of_week < 4 ? of_week : 4);
  }
  if (freq->unit == C2_FREQ_WEEK) return floor_div(day + 3 - freq->anchor, 7);
  civil date = civil_from_days(day);
  int64_t month = date.year * 12 + date.month - 1 - (freq->anchor ? freq->anchor - 1 : 0);
  int64_t p = floor_div(month, unit_months(freq->unit));
  return point_day(freq, p) > day ? p - 1 : p;
}

static c2_status out_of_years(c2_error *err) {
  C2_FAIL(err, C2_ERR_ARGUMENT, "a time stamp lies outside the years 1 to 9999");
}

c2_status c2_freq_add(const c2_freq *freq, c2_time start, int64_t periods, c2_time *out, c2_error *err) {
  int64_t unit = fixed_unit(freq->unit);
  int64_t n = 0;
  *out = start;
  if (periods == 0) return C2_OK;
  if (__builtin_mul_overflow(periods, freq->multiple, &n)) return out_of_years(err);
  if (unit > 0) {
    if (__builtin_mul_overflow(n, unit, &n) || __builtin_add_overflow(start, n, out)) return out_of_years(err);
  } else {
    if (n > END_DAY) return out_of_years(err); /* a point is at least a day */
    int64_t day = point_day(freq, point_before(freq, floor_div(start, DAY_US)) + n);
    if (day >= END_DAY) return out_of_years(err);
    *out = day * DAY_US + floor_mod(start, DAY_US);
  }
  if (*out >= END_DAY * DAY_US || *out < FIRST_DAY * DAY_US) return out_of_years(err);
  return C2_OK;
}

c2_status c2_freq_roll_forward(const c2_freq *freq, c2_time time, c2_time *out, c2_error *err) {
  *out = time;
  if (fixed_unit(freq->unit) > 0) return C2_OK;
  int64_t day = floor_div(time, DAY_US);
  int64_t p = point_before(freq, day);
  if (point_day(freq, p) == day) return C2_OK;
  c2_freq single = *freq;
  single.multiple = 1;
  return c2_freq_add(&single, time, 1, out, err);
}

bool c2_freq_between(const c2_freq *freq, c2_time start, c2_time stamp, int64_t *periods) {
  int64_t unit = fixed_unit(freq->unit);
  int64_t n = stamp - start; /* both within 10000 years: fits */
  if (unit > 0) {
    if (n % unit != 0) return false;
    n /= unit;
  } else {
    n = point_before(freq, floor_div(stamp, DAY_US)) - point_before(freq, floor_div(start, DAY_US));
  }
  *periods = n / freq->multiple;
  return n % freq->multiple == 0;
}

/* ---- Inference ------------------------------------------------------------------------------- */

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Months (or years) whose days all lie at `place`. */
static bool infer_months(const c2_time *stamps, size_t count, c2_freq_place place, c2_freq *out) {
  int64_t step = 0;
  int64_t first = 0;
  for (size_t i = 0; i < count; i++) {
    civil date = civil_from_days(floor_div(stamps[i], DAY_US));
    if (date.day != place_in_month(place, date.year, date.month)) return false;
    int64_t month = date.year * 12 + date.month - 1;
    if (i == 0) first = month;
    step = gcd(month - first, step);
  }
  if (step == 0) return false;
  int of_year = (int)floor_mod(first, 12);
  bool ends = place == C2_PLACE_END || place == C2_PLACE_BUSINESS_END;
  if (step % 12 == 0) {
    *out = (c2_freq){C2_FREQ_YEAR, place, of_year + 1, step / 12};
  } else if (step % 3 == 0) { /* named by the quarter that ends or begins the year */
    *out = (c2_freq){C2_FREQ_QUARTER, place, of_year % 3 + (ends ? 10 : 1), step / 3};
  } else {
    *out = (c2_freq){C2_FREQ_MONTH, place, 0, step};
  }
  return true;
}

/* Days, business days or weeks, from the greatest common divisor of the distances. */
static void infer_days(const c2_time *stamps, size_t count, int64_t step, c2_freq *out) {
  int64_t first = floor_div(stamps[0], DAY_US);
  int64_t last = floor_div(stamps[count - 1], DAY_US);
  if (step % 7 == 0) {
    *out = (c2_freq){C2_FREQ_WEEK, C2_PLACE_START, weekday(first), step / 7};
    return;
  }
  bool weekend_left_out = weekday(first) + (last - first) >= 7; /* one lies between them */
  for (size_t i = 0; i < count && weekend_left_out; i++) {
    if (weekday(floor_div(stamps[i], DAY_US)) >= 5) weekend_left_out = false;
  }
  c2_freq_unit unit = step == 1 && weekend_left_out ? C2_FREQ_BUSINESS_DAY : C2_FREQ_DAY;
  *out = (c2_freq){unit, C2_PLACE_START, 0, step};
}

static void infer_clock(int64_t step, c2_freq *out) {
  c2_freq_unit unit = C2_FREQ_HOUR;
  while (step % fixed_unit(unit) != 0) unit--;
  *out = (c2_freq){unit, C2_PLACE_START, 0, step / fixed_unit(unit)};
}

bool c2_freq_infer(const c2_time *stamps, size_t count, c2_freq *out) {
  if (count < 3) return false;
  int64_t step = 0;
  for (size_t i = 1; i < count; i++) step = gcd(stamps[i] - stamps[i - 1], step);
  if (step <= 0) return false;
  if (step % DAY_US != 0) {
    infer_clock(step, out);
  } else {
    static const c2_freq_place places[] = {C2_PLACE_START, C2_PLACE_END, C2_PLACE_BUSINESS_START,
                                           C2_PLACE_BUSINESS_END};
    bool found = false;
    for (size_t i = 0; i < 4 && !found; i++) found = infer_months(stamps, count, places[i], out);
    if (!found) infer_days(stamps, count, step / DAY_US, out);
  }
  int64_t periods = 0;
  if (!c2_freq_between(out, stamps[0], stamps[count - 1], &periods)) return false;
  return periods + 1 <= 2 * (int64_t)count;
}
