/* What the cells of a text file say of how they are spelled. Knows no format of files. */
#include "data/dialect.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "data/cell.h"

/* ---- Numbers --------------------------------------------------------------------------------- */

/* The first cells that speak for each reading, or for both. */
typedef struct evidence {
  const char *point, *comma, *either;
  size_t point_line, comma_line, either_line;
  const char *either_column;
} evidence;

/* 1,234; and 1.234 too where a related file has a decimal comma, or fields are parted as people do who write one. */
static bool has_two_readings(const c2_dialect *dialect, c2_number_shape shape) {
  return shape == C2_SHAPE_EITHER_COMMA ||
         (shape == C2_SHAPE_EITHER_POINT && (dialect->delimiter == ';' || dialect->is_beside_comma));
}

/* Whether open cells are read as those of a related file. A decimal comma beside fields that are parted otherwise says
 * little of a file with commas between its fields: another program wrote that. */
static bool is_written_alike(const c2_dialect *dialect, const c2_dialect *expected) {
  if (expected->decimals_differ) return false;
  return expected->decimal != ',' || dialect->delimiter != ',' || expected->delimiter == ',';
}

/* Adds what one column says; nothing if it holds texts. */
static void weigh(const c2_dialect *dialect, evidence *sum, const c2_dialect_sample *s) {
  evidence e = *sum;
  for (size_t i = 0; i < s->count; i++) {
    const char *cell = s->cell[i];
    bool is_silent = c2_is_missing_text(cell) || c2_boolean_text(cell); /* booleans may stand among numbers */
    c2_number_shape shape = is_silent ? C2_SHAPE_PLAIN : c2_number_shape_of(cell);
    if (shape == C2_SHAPE_NONE && !s->are_numbers) return;
    if (shape == C2_SHAPE_POINT && !e.point) {
      e.point = cell;
      e.point_line = s->line[i];
    } else if (shape == C2_SHAPE_COMMA && !e.comma) {
      e.comma = cell;
      e.comma_line = s->line[i];
    } else if (has_two_readings(dialect, shape) && !e.either) {
      e.either = cell;
      e.either_line = s->line[i];
      e.either_column = s->column;
    }
  }
  *sum = e;
}

c2_status c2_dialect_find_decimal(c2_dialect *dialect, const c2_dialect_sample *samples, size_t count,
                                  const c2_dialect *expected, c2_error *err) {
  evidence e = {.point = NULL};
  if (dialect->decimal) return C2_OK;
  dialect->is_beside_comma = expected && c2_dialect_has_comma(expected);
  for (size_t i = 0; i < count; i++) weigh(dialect, &e, &samples[i]);
  if (e.point && e.comma) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s:%zu: the number '%.40s' has a decimal comma, but line %zu has '%.40s': expected one decimal sign",
            samples[0].file, e.comma_line, e.comma, e.point_line, e.point);
  }
  if (e.either && !e.point && !e.comma) {
    if (expected && is_written_alike(dialect, expected)) dialect->decimal = expected->decimal;
    dialect->takes_decimal = dialect->decimal;
    if (dialect->decimal) return C2_OK;
    size_t n = strcspn(e.either, ".,");
    const char *rest = e.either + n + 1;
    char sign = e.either[n];
    return c2_remedy(err, "decimal",
                     c2_fail(err, C2_ERR_FORMAT,
                             "%s:%zu: column '%.60s': '%.40s' may be %.*s.%.20s (decimal %c) or %.*s%.20s (decimal %c)",
                             samples[0].file, e.either_line, e.either_column, e.either, (int)n, e.either, rest, sign,
                             (int)n, e.either, rest, sign == ',' ? '.' : ','));
  }
  if (e.comma) dialect->decimal = ',';
  if (e.point) dialect->decimal = '.';
  return C2_OK;
}

bool c2_dialect_number(c2_dialect *dialect, const char *cell, double *out) {
  bool unsettled = !dialect->decimal && !dialect->presumes_point && strchr(cell, '.');
  if (unsettled && c2_number_shape_of(cell) == C2_SHAPE_EITHER_POINT) {
    if (has_two_readings(dialect, C2_SHAPE_EITHER_POINT)) return false;
    dialect->presumes_point = true;
  }
  if (dialect->decimal != ',' && c2_parse_number(cell, out)) return true;
  if (dialect->decimal == ',' && c2_is_missing_text(cell)) {
    *out = (double)NAN;
    return true;
  }
  if (!dialect->decimal && strchr(cell, ',')) return false;
  return c2_number_read_grouped(cell, dialect->decimal ? dialect->decimal : '.', out, &dialect->is_grouped);
}

/* ---- Time stamps ----------------------------------------------------------------------------- */

/* A whole number of at most 15 digits. */
static bool read_whole(const char *text, int64_t *out) {
  int64_t value = 0;
  while (*text == ' ') text++;
  bool minus = *text == '-';
  text += minus;
  size_t digits = 0;
  for (; digits < 16 && c2_is_digit(text[digits]); digits++) value = value * 10 + (text[digits] - '0');
  if (digits == 0 || digits > 15) return false;
  *out = minus ? -value : value;
  for (text += digits; *text == ' '; text++) continue;
  return *text == '\0';
}

enum { ZONED_ROOM = 64 }; /* of a time stamp before the name of its zone */

/* Bytes of a time stamp before "[Area/City]" or a bare "Area/City" or "CET"; 0 if no such name ends the cell. */
static size_t zone_name_at(const char *cell) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/_";
  size_t end = strlen(cell);
  bool bracket = end > 0 && cell[end - 1] == ']';
  size_t begin = end - bracket;
  while (begin > 0 && strchr(bracket ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/_0123456789+-" : letters,
                             cell[begin - 1])) {
    begin--;
  }
  if (end - bracket - begin < 3 || begin == 0 || (bracket && cell[--begin] != '[')) return 0;
  return begin < ZONED_ROOM ? begin : 0;
}

/* What stands before a zone's name. */
static bool read_before(const char *cell, size_t size, c2_time *out, c2_zone *zone) {
  c2_error why;
  char text[ZONED_ROOM];
  memcpy(text, cell, size);
  text[size] = '\0';
  return c2_time_parse(text, out, zone, &why) == C2_OK;
}

static c2_status refuse_readings(const char *file, size_t line, const char *column, const char *cell,
                                 const char *const format[2], c2_error *err) {
  char reading[2][C2_TIME_ROOM];
  for (size_t i = 0; i < 2; i++) {
    c2_time time = 0;
    c2_zone zone;
    (void)c2_stamp_read(format[i], cell, &time, &zone);
    c2_time_format(time, false, (c2_zone){false, 0}, reading[i]);
  }
  return c2_remedy(err, "time-format",
                   c2_fail(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': '%.40s' may be %s ('%s') or %s ('%s')", file,
                           line, column, cell, reading[0], format[0], reading[1], format[1]));
}

c2_status c2_dialect_check_stamp(const c2_dialect *dialect, const char *file, size_t line, const char *column,
                                 const char *cell, c2_error *err) {
  const char *const formats[2] = {dialect->time_format, dialect->twin_format};
  c2_time times[2];
  c2_zone zones[2];
  if (*formats[1] && c2_stamp_read(formats[0], cell, &times[0], &zones[0]) &&
      c2_stamp_read(formats[1], cell, &times[1], &zones[1])) {
    return refuse_readings(file, line, column, cell, formats, err);
  }
  if (*formats[0]) return C2_OK;
  c2_time time = 0;
  c2_zone zone = {false, 0};
  size_t size = zone_name_at(cell);
  if (size == 0 || !read_before(cell, size, &time, &zone) || zone.given) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s:%zu: column '%.60s': expected an offset from UTC, as in 2024-10-27T02:30:00+01:00[Europe/Berlin], "
          "found '%.60s': a time zone's name doesn't say which instant it is where clocks are set back",
          file, line, column, cell);
}

/* With an offset and then the name of a zone. */
static bool read_named(c2_dialect *dialect, const char *cell, c2_time *out, c2_zone *zone) {
  size_t size = zone_name_at(cell);
  if (size == 0 || cell[size] != '[' || !read_before(cell, size, out, zone) || !zone->given) return false;
  return dialect->has_zone_names = true;
}

bool c2_dialect_time(c2_dialect *dialect, const char *cell, c2_time *out, c2_zone *zone, bool *is_whole) {
  c2_error why;
  *zone = (c2_zone){false, 0};
  *is_whole = false;
  if (dialect->time_format[0]) {
    c2_time other = 0;
    c2_zone other_zone;
    char *twin = dialect->twin_format;
    if (!c2_stamp_read(dialect->time_format, cell, out, zone)) return false;
    if (!*twin) return true;
    if (c2_stamp_read(twin, cell, &other, &other_zone)) return other == *out;
    *twin = '\0'; /* all before read alike, and this settles what follows */
    return true;
  }
  *is_whole = read_whole(cell, out);
  return *is_whole || c2_time_parse(cell, out, zone, &why) == C2_OK || read_named(dialect, cell, out, zone);
}

bool c2_dialect_is_stamp(c2_dialect *dialect, const char *cell) {
  c2_time time = 0;
  c2_zone zone;
  bool whole = false;
  c2_stamp_guess guess;
  if (c2_dialect_time(dialect, cell, &time, &zone, &whole)) return !whole;
  c2_stamp_find(&cell, 1, &guess);
  return guess.format[0] != '\0';
}

static bool reads_all(c2_dialect *dialect, const c2_dialect_sample *s) {
  c2_time time = 0;
  c2_zone zone;
  bool whole = false;
  for (size_t i = 0; i < s->count; i++) {
    if (!c2_dialect_time(dialect, s->cell[i], &time, &zone, &whole)) return false;
  }
  return true;
}

c2_status c2_dialect_find_time_format(c2_dialect *dialect, const c2_dialect_sample *s, const c2_dialect *expected,
                                      c2_error *err) {
  c2_stamp_guess guess;
  if (dialect->time_format[0] || reads_all(dialect, s)) return C2_OK;
  c2_dialect other = expected && !expected->formats_differ ? *expected : *dialect;
  c2_stamp_find(s->cell, s->count, &guess);
  if (other.time_format[0] && reads_all(&other, s)) {
    memcpy(dialect->time_format, other.time_format, sizeof dialect->time_format);
    dialect->takes_format = guess.other[0];
    if (guess.other[0]) memcpy(dialect->twin_format, other.twin_format, sizeof dialect->twin_format);
    return C2_OK;
  }
  if (guess.other[0] && guess.differ < s->count) {
    const char *const formats[2] = {guess.format, guess.other};
    return refuse_readings(s->file, s->line[guess.differ], s->column, s->cell[guess.differ], formats, err);
  }
  memcpy(dialect->twin_format, guess.other, sizeof dialect->twin_format);
  memcpy(dialect->time_format, guess.format, sizeof dialect->time_format);
  return C2_OK;
}

/* ---- Several files --------------------------------------------------------------------------- */

bool c2_dialect_has_comma(const c2_dialect *all) {
  return all->decimal == ',' || all->decimals_differ;
}

void c2_dialect_agree(c2_dialect *all, const c2_dialect *one) {
  if (one->decimal && all->decimal && one->decimal != all->decimal) all->decimals_differ = true;
  if (one->time_format[0] && all->time_format[0] && strcmp(one->time_format, all->time_format) != 0) {
    all->formats_differ = true;
  }
  all->has_time_texts = all->has_time_texts || one->has_time_texts;
  if (one->decimal) {
    all->decimal = one->decimal;
    all->delimiter = one->delimiter;
  }
  if (!one->time_format[0]) return;
  memcpy(all->time_format, one->time_format, sizeof all->time_format);
  memcpy(all->twin_format, one->twin_format, sizeof all->twin_format);
}
