/* Time stamps by a format. Knows the calendar, no files. */
#include "data/stamp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* What the directives of a format have read so far. */
typedef struct parts {
  int64_t year, seconds; /* seconds: since 1970, of %s */
  int month, day, of_year, hour, minute, second, micros;
  bool has_year, has_seconds, is_afternoon, has_half;
  c2_zone zone;
} parts;

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* A whole number of `least` to `most` digits. */
static bool read_number(const char **at, int least, int most, int64_t *out) {
  int64_t value = 0;
  int digits = 0;
  for (; digits < most && c2_is_digit(**at); digits++) value = value * 10 + (*(*at)++ - '0');
  *out = value;
  return digits >= least;
}

/* A number of one or two digits. */
static bool read_small(const char **at, int low, int high, int *out) {
  int64_t value = 0;
  if (!read_number(at, 1, 2, &value) || value < low || value > high) return false;
  *out = (int)value;
  return true;
}

/* A name, whole or by its first three letters; its index. */
static bool read_name(const char **at, const char *const *names, int count, int *out) {
  for (int i = 0; i < count; i++) {
    size_t n = strlen(names[i]);
    if (strncasecmp(*at, names[i], 3) != 0) continue;
    *at += strncasecmp(*at, names[i], n) == 0 ? n : 3;
    *out = i;
    return true;
  }
  return false;
}

/* +hh, +hhmm, +hh:mm or Z. */
static bool read_offset(const char **at, c2_zone *zone) {
  int64_t hour = 0;
  int64_t minute = 0;
  int sign = **at == '-' ? -1 : 1;
  zone->given = true;
  zone->minutes = 0;
  if (**at == 'Z') {
    (*at)++;
    return true;
  }
  if (**at != '+' && **at != '-') return false;
  (*at)++;
  if (!read_number(at, 2, 2, &hour)) return false;
  if (**at == ':') (*at)++;
  if (c2_is_digit(**at) && !read_number(at, 2, 2, &minute)) return false;
  zone->minutes = sign * (int)(hour * 60 + minute);
  return hour <= 23 && minute <= 59;
}

static bool read_zone_name(const char **at, c2_zone *zone) {
  static const char *const names[] = {"UTC", "GMT", "Z"};
  for (size_t i = 0; i < 3; i++) {
    if (strncmp(*at, names[i], strlen(names[i])) != 0) continue;
    *at += strlen(names[i]);
    *zone = (c2_zone){true, 0};
    return true;
  }
  return false;
}

static bool read_half(const char **at, parts *p) {
  p->has_half = true;
  p->is_afternoon = strncasecmp(*at, "pm", 2) == 0;
  if (!p->is_afternoon && strncasecmp(*at, "am", 2) != 0) return false;
  *at += 2;
  return true;
}

static bool read_second(const char **at, parts *p, char next) {
  if (!read_small(at, 0, 59, &p->second)) return false;
  if (**at != '.' || next == '.' || !c2_is_digit((*at)[1])) return true;
  (*at)++;
  return c2_read_fraction(at, &p->micros);
}

static bool read_epoch(const char **at, parts *p) {
  bool minus = **at == '-';
  *at += minus;
  if (!read_number(at, 1, 12, &p->seconds)) return false;
  if (minus) p->seconds = -p->seconds;
  return p->has_seconds = true;
}

/* ---- Formats --------------------------------------------------------------------------------- */

static const char *expansion(char directive) {
  switch (directive) {
    case 'F': return "%Y-%m-%d";
    case 'T': return "%H:%M:%S";
    case 'R': return "%H:%M";
    case 'D': return "%m/%d/%y";
    default: return NULL;
  }
}

/* One directive; `next` is what follows it in the format. */
static bool read_directive(char directive, char next, const char **at, parts *p) {
  int number = 0;
  switch (directive) {
    case 'Y': return p->has_year = read_number(at, 4, 4, &p->year);
    case 'y':
      p->has_year = read_number(at, 2, 2, &p->year);
      p->year += p->year < 69 ? 2000 : 1900;
      return p->has_year;
    case 'm': return read_small(at, 1, 12, &p->month);
    case 'd':
    case 'e': *at += **at == ' '; return read_small(at, 1, 31, &p->day);
    case 'j': {
      int64_t day = 0;
      bool read = read_number(at, 1, 3, &day) && day >= 1;
      p->of_year = (int)day;
      return read;
    }
    case 'b':
    case 'B':
    case 'h':
      if (!read_name(at, months, 12, &number)) return false;
      p->month = number + 1;
      return true;
    case 'a':
    case 'A': return read_name(at, weekdays, 7, &number);
    case 'q':
      if (!c2_is_digit(**at) || !read_number(at, 1, 1, &p->seconds) || p->seconds < 1 || p->seconds > 4) return false;
      p->month = 3 * (int)p->seconds - 2;
      return true;
    case 'H': return read_small(at, 0, 23, &p->hour);
    case 'I': return read_small(at, 1, 12, &p->hour);
    case 'M': return read_small(at, 0, 59, &p->minute);
    case 'S': return read_second(at, p, next);
    case 'f': return c2_read_fraction(at, &p->micros);
    case 'p': return read_half(at, p);
    case 'z': return read_offset(at, &p->zone);
    case 'Z': return read_zone_name(at, &p->zone);
    case 's': return read_epoch(at, p);
    case '%': return *(*at)++ == '%';
    default: return false;
  }
}

static bool read_parts(const char *format, const char **at, parts *p) {
  for (; *format; format++) {
    bool blank = *format == ' ' || (format[0] == '%' && (format[1] == 'n' || format[1] == 't'));
    if (blank) {
      format += *format == '%';
      if (**at != ' ' && **at != '\t') return false;
      while (**at == ' ' || **at == '\t') (*at)++;
    } else if (*format != '%') {
      if (*(*at) != *format) return false;
      (*at)++;
    } else {
      const char *whole = expansion(*++format);
      if (whole ? !read_parts(whole, at, p) : !read_directive(*format, format[1], at, p)) return false;
    }
  }
  return true;
}

bool c2_stamp_read(const char *format, const char *cell, c2_time *out, c2_zone *zone) {
  parts p = {.month = 1, .day = 1};
  while (*cell == ' ') cell++;
  if (!read_parts(format, &cell, &p)) return false;
  while (*cell == ' ') cell++;
  if (*cell) return false;
  *zone = p.zone;
  if (p.has_half) p.hour = p.hour % 12 + (p.is_afternoon ? 12 : 0);
  if (p.has_seconds) {
    int64_t day = c2_floor_div(p.seconds, 86400);
    if (day < C2_FIRST_DAY || day >= C2_END_DAY) return false;
    *out = p.seconds * 1000000 + p.micros;
    return true;
  }
  if (p.year < 1 || p.day > c2_month_length(p.year, p.month)) return false;
  int64_t day = c2_day_of(p.year, p.month, p.day);
  if (p.of_year > 0) day = c2_day_of(p.year, 1, 1) + p.of_year - 1;
  if (p.of_year > 0 && day >= c2_day_of(p.year + 1, 1, 1)) return false;
  *out = day * C2_DAY_US + (((int64_t)p.hour * 60 + p.minute) * 60 + p.second) * 1000000 + p.micros;
  return true;
}

c2_status c2_stamp_check(const char *format, c2_error *err) {
  bool has_day = false;
  bool has_hour = false; /* of 24 */
  bool has_half_day = false;
  bool has_half = false; /* which of the two */
  if (strlen(format) >= C2_STAMP_ROOM) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "expected a format of at most %d characters", C2_STAMP_ROOM - 1);
  }
  for (const char *c = format; *c; c++) {
    if (*c != '%') continue;
    if (!*++c || !strchr("YymdejbBhaAHIMSpfzZsqFTRDnt%", *c)) {
      C2_FAIL(err, C2_ERR_ARGUMENT,
              "'%s': %%%c is none of %%Y %%y %%m %%d %%e %%j %%b %%B %%a %%A %%H %%I %%M %%S %%f %%p %%z %%Z %%s %%q "
              "%%F %%T %%R %%D",
              format, *c ? *c : ' ');
    }
    has_day = has_day || strchr("YysFD", *c);
    has_hour = has_hour || strchr("HTR", *c);
    has_half_day = has_half_day || *c == 'I';
    has_half = has_half || *c == 'p';
  }
  if (has_half_day != has_half || (has_half && has_hour)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "'%s': expected %%I and %%p together, or %%H with neither", format);
  }
  if (has_day) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "'%s': expected a format with a year, such as %%d.%%m.%%Y %%H:%%M, or %%s", format);
}

/* ---- Formats that are found ------------------------------------------------------------------ */

/* Those that take days for months stand next to each other. */
static const char *const dates[] = {"%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m.%d.%Y", "%d/%m/%Y",
                                    "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y-%m-%d", "%YQ%q",
                                    "%Y-Q%q",   "Q%q %Y",   "%d %b %Y", "%b %d, %Y"};
static const char *const clocks[] = {"",       " %H:%M",     " %H:%M:%S", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p",
                                     " %I %p", ", %H:%M:%S", ", %H:%M"};
static const char *const zones[] = {"", "%z", " %z"};
enum { DATES = sizeof dates / sizeof dates[0], CLOCKS = sizeof clocks / sizeof clocks[0] };

static bool reads_all(const char *format, const char *const *cells, size_t count) {
  c2_time time = 0;
  c2_zone zone;
  for (size_t i = 0; i < count; i++) {
    if (!c2_stamp_read(format, cells[i], &time, &zone)) return false;
  }
  return count > 0;
}

static size_t first_difference(const c2_stamp_guess *g, const char *const *cells, size_t count) {
  for (size_t i = 0; i < count; i++) {
    c2_time time[2] = {0, 0};
    c2_zone zone;
    (void)c2_stamp_read(g->format, cells[i], &time[0], &zone);
    (void)c2_stamp_read(g->other, cells[i], &time[1], &zone);
    if (time[0] != time[1]) return i;
  }
  return count;
}

void c2_stamp_find(const char *const *cells, size_t count, c2_stamp_guess *out) {
  *out = (c2_stamp_guess){.differ = 0};
  for (size_t i = 0; i < (size_t)DATES * CLOCKS * 3; i++) {
    char format[C2_STAMP_ROOM];
    (void)snprintf(format, sizeof format, "%s%s%s", dates[i % DATES], clocks[i / DATES % CLOCKS],
                   zones[i / DATES / CLOCKS]);
    if (!reads_all(format, cells, count)) continue;
    memcpy(out->format[0] ? out->other : out->format, format, sizeof format);
    if (out->other[0]) break;
  }
  if (out->other[0]) out->differ = first_difference(out, cells, count);
}
