/* Time zones: fixed offsets, and the files of the zone database (RFC 8536). Knows no frequencies. */
#include "time/clock.h"

#include <stdlib.h>
#include <string.h>

#include "base/infile.h"
#include "base/memory.h"
#include "base/text.h"

enum { HEADER = 44, MOST_FILE = 1 << 20, MOST_SECONDS = 93600 /* of an offset, as RFC 8536 has it */ };

/* ---- The file -------------------------------------------------------------------------------- */

static int64_t read_number(const unsigned char *at, size_t bytes) {
  uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | at[i];
  return (int64_t)value;
}

/* One of the two blocks of a file: where its parts begin. */
typedef struct block {
  const unsigned char *times, *types, *infos;
  size_t changes, kinds, size; /* size: with the header */
} block;

static bool read_block(const unsigned char *at, size_t left, size_t time_bytes, block *out) {
  if (left < HEADER || memcmp(at, "TZif", 4) != 0) return false;
  int64_t count[6];
  for (size_t i = 0; i < 6; i++) {
    count[i] = read_number(at + 20 + 4 * i, 4);
    if (count[i] < 0 || count[i] > MOST_FILE) return false;
  }
  size_t changes = (size_t)count[3];
  size_t kinds = (size_t)count[4];
  size_t rest = (size_t)count[5] + (size_t)count[2] * (time_bytes + 4) + (size_t)count[1] + (size_t)count[0];
  *out = (block){at + HEADER,
                 at + HEADER + changes * time_bytes,
                 at + HEADER + changes * (time_bytes + 1),
                 changes,
                 kinds,
                 HEADER + changes * (time_bytes + 1) + kinds * 6 + rest};
  return kinds > 0 && out->size <= left;
}

static bool read_changes(c2_clock *clock, const block *b) {
  for (size_t i = 0; i < b->kinds; i++) {
    int64_t offset = read_number(b->infos + 6 * i, 4);
    if (offset < -MOST_SECONDS || offset > MOST_SECONDS) return false;
  }
  clock->first = (int32_t)read_number(b->infos, 4);
  for (size_t i = 0; i < b->changes; i++) {
    if (b->types[i] >= b->kinds) return false;
    clock->instant[i] = read_number(b->times + 8 * i, 8);
    clock->offset[i] = (int32_t)read_number(b->infos + 6 * b->types[i], 4);
    if (i > 0 && clock->instant[i] <= clock->instant[i - 1]) return false;
  }
  clock->changes = b->changes;
  return true;
}

/* ---- Its last line: CET-1CEST,M3.5.0,M10.5.0/3 ------------------------------------------------ */

static bool read_digits(const char **at, int64_t most, int64_t *out) {
  *out = 0;
  if (**at < '0' || **at > '9') return false;
  for (; c2_is_digit(**at) && *out <= most; (*at)++) *out = *out * 10 + (**at - '0');
  return *out <= most;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool read_seconds(const char **at, int64_t *out) {
  int64_t part = 0;
  bool minus = **at == '-';
  if (**at == '-' || **at == '+') (*at)++;
  if (!read_digits(at, 167, out)) return false;
  *out *= 3600;
  for (int64_t unit = 60; **at == ':' && unit > 0; unit /= 60) {
    (*at)++;
    if (!read_digits(at, 59, &part)) return false;
    *out += part * unit;
  }
  if (minus) *out = -*out;
  return true;
}

static bool skip_name(const char **at) {
  const char *begin = *at;
  if (**at == '<') {
    *at += strcspn(*at, ">");
    if (**at != '>') return false;
    (*at)++;
    return true;
  }
  while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) (*at)++;
  return *at > begin;
}

static bool read_rule(const char **at, c2_clock_rule *rule) {
  int64_t part[3] = {0, 0, 0};
  static const int64_t most[3] = {12, 5, 6};
  if ((*at)[0] != ',' || (*at)[1] != 'M') return false;
  (*at)++;
  for (size_t i = 0; i < 3; i++) {
    (*at)++; /* M and dots */
    if (!read_digits(at, most[i], &part[i]) || (i < 2 && (**at != '.' || part[i] < 1))) return false;
  }
  *rule = (c2_clock_rule){(int)part[0], (int)part[1], (int)part[2], 7200};
  if (**at != '/') return true;
  (*at)++;
  return read_seconds(at, &rule->second);
}

static void read_rules(c2_clock *clock, const char *at) {
  int64_t west = 0;
  if (!skip_name(&at) || !read_seconds(&at, &west)) return;
  clock->standard = clock->summer = (int32_t)-west;
  if (!*at || *at == '\n') return;
  west -= 3600;
  if (!skip_name(&at) || (*at != ',' && !read_seconds(&at, &west))) return;
  clock->summer = (int32_t)-west;
  clock->has_rules = read_rule(&at, &clock->begin) && read_rule(&at, &clock->end);
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* A name of the database leads to nothing outside it. */
static bool is_name(const char *zone) {
  if (!*zone || *zone == '/' || *zone == '.' || strstr(zone, "..") || strlen(zone) > 100) return false;
  return zone[strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/")] == '\0';
}

static c2_status read_file(c2_clock *clock, const char *path, const unsigned char *bytes, size_t size, c2_error *err) {
  block old;
  block b;
  if (!read_block(bytes, size, 4, &old) || bytes[4] < '2' || !read_block(bytes + old.size, size - old.size, 8, &b)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a file of the zone database in its second version", path);
  }
  C2_TRY(c2_alloc_array(b.changes, sizeof *clock->instant, &clock->instant, err));
  C2_TRY(c2_alloc_array(b.changes, sizeof *clock->offset, &clock->offset, err));
  if (!read_changes(clock, &b)) C2_FAIL(err, C2_ERR_FORMAT, "%s: the file's offsets are damaged", path);
  char line[128] = "";
  const unsigned char *end = bytes + old.size + b.size;
  size_t left = size - old.size - b.size;
  if (left > 1 && left < sizeof line && *end == '\n') memcpy(line, end + 1, left - 1);
  clock->standard = clock->changes > 0 ? clock->offset[clock->changes - 1] : clock->first;
  read_rules(clock, line);
  return C2_OK;
}

bool c2_zone_is_utc(const char *zone) {
  static const char *const names[] = {"UTC", "utc", "Etc/UTC", "Z", "+00:00"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(zone, names[i]) == 0) return true;
  }
  return false;
}

static bool read_fixed(c2_clock *clock, const char *zone) {
  int64_t seconds = 0;
  if (*zone == '+' || *zone == '-') {
    const char *at = zone;
    if (strlen(zone) == 5) { /* +hhmm */
      char spelled[8] = {zone[0], zone[1], zone[2], ':', zone[3], zone[4], 0, 0};
      return read_fixed(clock, spelled);
    }
    if (!read_seconds(&at, &seconds) || *at || seconds >= 86400 || seconds <= -86400) return false;
  } else if (*zone && !c2_zone_is_utc(zone)) {
    return false;
  }
  clock->first = clock->standard = (int32_t)seconds;
  return true;
}

c2_status c2_clock_open(c2_clock *clock, const char *zone, c2_error *err) {
  char path[256];
  c2_infile file = {0};
  *clock = (c2_clock){.is_missing = false};
  if (read_fixed(clock, zone)) return C2_OK;
  if (!is_name(zone)) {
    C2_FAIL(err, C2_ERR_FORMAT, "expected a time zone such as UTC, +02:00 or Europe/Berlin, found '%.60s'", zone);
  }
  const char *folder = getenv("TZDIR");
  (void)snprintf(path, sizeof path, "%.140s/%s", folder && *folder ? folder : "/usr/share/zoneinfo", zone);
  unsigned char *bytes = NULL;
  c2_status status = c2_infile_open(&file, path, err);
  clock->is_missing = status == C2_ERR_IO;
  if (clock->is_missing) status = C2_OK;
  if (clock->is_missing || status != C2_OK) goto fail;
  if (file.size > MOST_FILE) C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s: too large for a time zone", path));
  C2_GOTO(c2_alloc_array(file.size + 1, 1, &bytes, err));
  C2_GOTO(c2_infile_read(&file, 0, file.size, bytes, err));
  status = read_file(clock, path, bytes, file.size, err);
fail:
  free(bytes);
  c2_infile_close(&file);
  return status;
}

void c2_clock_close(c2_clock *clock) {
  free(clock->instant);
  free(clock->offset);
  *clock = (c2_clock){.is_missing = false};
}

/* ---- Offsets --------------------------------------------------------------------------------- */

/* Second since 1970 on the wall at which a rule of a year applies. */
static int64_t rule_second(const c2_clock_rule *rule, int64_t year) {
  int64_t first = c2_day_of(year, rule->month, 1);
  int weekday = (c2_weekday(first) + 1) % 7; /* 0 = Sunday */
  int day = (rule->weekday - weekday + 7) % 7 + 7 * (rule->week - 1);
  while (day >= c2_month_length(year, rule->month)) day -= 7;
  return (first + day) * 86400 + rule->second;
}

/* In seconds. */
static int64_t offset_at(const c2_clock *clock, int64_t second) {
  size_t low = 0;
  size_t high = clock->changes;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (clock->instant[middle] <= second) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low < clock->changes || !clock->has_rules) {
    if (low == clock->changes && clock->changes > 0) return clock->offset[low - 1];
    return low > 0 ? clock->offset[low - 1] : clock->first;
  }
  int64_t year = c2_date_of(c2_floor_div(second + clock->standard, 86400)).year;
  int64_t begin = rule_second(&clock->begin, year) - clock->standard;
  int64_t end = rule_second(&clock->end, year) - clock->summer;
  bool summer = begin < end ? second >= begin && second < end : !(second >= end && second < begin);
  return summer ? clock->summer : clock->standard;
}

int64_t c2_clock_offset(const c2_clock *clock, c2_time utc) {
  return offset_at(clock, c2_floor_div(utc, 1000000)) * 1000000;
}

c2_time c2_clock_utc(const c2_clock *clock, c2_time wall) {
  int64_t before = c2_clock_offset(clock, wall - C2_DAY_US);
  int64_t after = c2_clock_offset(clock, wall + C2_DAY_US);
  if (c2_clock_offset(clock, wall - before) == before) return wall - before;
  if (c2_clock_offset(clock, wall - after) == after) return wall - after;
  return wall - before; /* left out: as if the clock hadn't been changed yet */
}

bool c2_clock_is_plain(const c2_clock *clock, c2_time wall) {
  int64_t before = c2_clock_offset(clock, wall - C2_DAY_US);
  int64_t after = c2_clock_offset(clock, wall + C2_DAY_US);
  if (before == after) return true;
  return (c2_clock_offset(clock, wall - before) == before) != (c2_clock_offset(clock, wall - after) == after);
}
