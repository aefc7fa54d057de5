/* Text from files. Knows no format and no stream. */
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t c2_utf8_decode(const char *text, size_t size, uint32_t *code) {
  const unsigned char *c = (const unsigned char *)text;
  if (size == 0) return 0;
  uint32_t value = c[0];
  size_t length = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
  if (length > size) return 0;
  if (length > 1) {
    if (c[0] < 0xc2 || c[0] > 0xf4) return 0;
    value = c[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
      if ((c[i] & 0xc0) != 0x80) return 0;
      value = value << 6 | (c[i] & 0x3f);
    }
    bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (overlong || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff) return 0;
  }
  if (code) *code = value;
  return length;
}

static bool is_control(uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  bool separator = code == 0x2028 || code == 0x2029;
  bool turns = code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
               (code >= 0x2066 && code <= 0x2069);
  return separator || turns;
}

const char *c2_text_fault(const char *text, size_t size) {
  for (size_t at = 0; at < size;) {
    uint32_t code = 0;
    size_t length = c2_utf8_decode(text + at, size - at, &code);
    if (length == 0) return "bytes that are not UTF-8";
    if (is_control(code)) return "a control character";
    at += length;
  }
  return NULL;
}

bool c2_text_plain(const char *text, size_t size) {
  return !c2_text_fault(text, size);
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* The beginning and the end of a text that is longer than the room. */
static void shorten(char *out, size_t room, const char *text, size_t size) {
  static const char gap[] = "...";
  size_t left = room - sizeof gap;
  size_t head = left / 2;
  size_t tail = left - head;
  while (head > 0 && ((unsigned char)text[head] & 0xc0) == 0x80) head--;
  while (tail > 0 && ((unsigned char)text[size - tail] & 0xc0) == 0x80) tail--;
  memcpy(out, text, head);
  memcpy(out + head, gap, sizeof gap - 1);
  memcpy(out + head + sizeof gap - 1, text + size - tail, tail);
  out[head + sizeof gap - 1 + tail] = '\0';
}

/* Bytes at `text` that begin a character which is cut off before a quote or the end: what a precision leaves. */
static size_t cut_character(const char *text) {
  const unsigned char *c = (const unsigned char *)text;
  if (c[0] < 0xc2 || c[0] > 0xf4) return 0;
  size_t length = 1;
  while ((c[length] & 0xc0) == 0x80) length++;
  return c[length] == '\0' || c[length] == '\'' || c[length] == '"' ? length : 0;
}

/* Makes a text UTF-8: cut characters go, other bytes become question marks. So do control characters if `all`. */
static void repair(char *text, bool all) {
  char *to = text;
  size_t size = strlen(text);
  for (size_t at = 0; at < size;) {
    uint32_t code = 0;
    size_t length = c2_utf8_decode(text + at, size - at, &code);
    size_t cut = length ? 0 : cut_character(text + at);
    if (length > 0 && !(all && is_control(code))) {
      memmove(to, text + at, length);
      to += length;
    } else if (cut == 0) {
      *to++ = '?';
    }
    at += length ? length : cut ? cut : 1;
  }
  *to = '\0';
}

bool c2_text_close(FILE *stream, char *const *text) {
  bool is_written = ferror(stream) == 0;
  return fclose(stream) == 0 && is_written && *text;
}

bool c2_text_ends(const char *text, const char *end) {
  size_t n = strlen(text);
  size_t m = strlen(end);
  if (n <= m) return false;
  for (size_t i = 0; i < m; i++) {
    char c = text[n - m + i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != end[i]) return false;
  }
  return true;
}

void c2_text_escape(char *out, size_t room, const char *text) {
  size_t size = strlen(text);
  size_t used = 0;
  for (size_t at = 0; at < size;) {
    uint32_t code = (unsigned char)text[at];
    size_t length = c2_utf8_decode(text + at, size - at, &code);
    bool plain = length > 0 && !is_control(code);
    char written[8];
    (void)snprintf(written, sizeof written, length < 2 ? "\\x%02x" : "\\u%04x", (unsigned)code & 0xffff);
    if (length == 0) length = 1;
    size_t need = plain ? length : strlen(written);
    if (used + need + 1 > room) break;
    memcpy(out + used, plain ? text + at : written, need);
    used += need;
    at += length;
  }
  out[used] = '\0';
}

/* Writes a text of `size` bytes that is too long for the room, or holds what a message can't. */
C2_PRINTF(4, 0)
static void format_anew(char *out, size_t room, size_t size, const char *format, va_list args) {
  enum { LONGEST = 4 }; /* what a byte becomes when it is escaped */
  char *whole = malloc(size + 1);
  char *line = malloc(LONGEST * size + 16);
  if (whole && line) {
    (void)vsnprintf(whole, size + 1, format, args);
    repair(whole, false);
    c2_text_escape(line, LONGEST * size + 16, whole);
    size = strlen(line);
    if (size < room) {
      memcpy(out, line, size + 1);
    } else {
      shorten(out, room, line, size);
    }
  } else { /* the beginning stays */
    repair(out, true);
  }
  free(whole);
  free(line);
}

void c2_text_format(char *out, size_t room, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int size = vsnprintf(out, room, format, args);
  if (size < 0) out[0] = '\0';
  bool fits = size <= 0 || ((size_t)size < room && c2_text_plain(out, (size_t)size));
  if (!fits) format_anew(out, room, (size_t)size, format, again);
  va_end(again);
}

const char *c2_float32_loss(double value) {
  if (fabs(value) > (double)FLT_MAX) return "beyond";
  return value != 0 && (float)value == 0 ? "below" : NULL;
}

int c2_digits_apart(double low, double high, int least) {
  enum { OF_DISTANCE = 3 };
  double level = fmax(fabs(low), fabs(high));
  if (!(high > low) || !isfinite(level)) return least;
  double digits = OF_DISTANCE + ceil(log10(level / (high - low)));
  return (int)fmax(least, fmin(digits, DBL_DECIMAL_DIG));
}

/* Where the digits of a series' number begin in a message; NULL: it has none. */
static const char *find_number(const char *message) {
  static const char before[] = "series ";
  const char *at = message;
  while ((at = strstr(at, before))) {
    bool is_word = at == message || at[-1] == ' ';
    at += sizeof before - 1;
    if (is_word && *at >= '0' && *at <= '9') break;
  }
  return at;
}

size_t c2_series_number(const char *message) {
  const char *at = find_number(message);
  return at ? (size_t)strtoull(at, NULL, 10) : SIZE_MAX;
}

c2_status c2_series_fail(c2_error *err, c2_status status, const char *message, const char *id) {
  const char *at = id ? find_number(message) : NULL;
  if (!at) return c2_fail(err, status, "%s", message);
  return c2_fail(err, status, "%.*s'%.80s'%s", (int)(at - message), message, id, at + strspn(at, "0123456789"));
}

void c2_text_point(char *number) {
  char *to = number;
  for (char *c = number; *c; to++) {
    size_t sign = strcspn(c, "0123456789+-e"); /* its bytes */
    *to = sign ? '.' : *c;
    c += sign ? sign : 1;
  }
  *to = '\0';
}

void c2_double_text(char out[C2_FLOAT_ROOM], double value, int digits) {
  for (; digits <= DBL_DECIMAL_DIG; digits++) {
    (void)snprintf(out, C2_FLOAT_ROOM, "%.*g", digits, value);
    if (!isfinite(value) || strtod(out, NULL) == value) break;
  }
  if (isfinite(value)) c2_text_point(out);
}

void c2_float_text(char out[C2_FLOAT_ROOM], double value) {
  double size = fabs(value);
  bool in_range = size == 0 || (size >= (double)FLT_MIN && size <= (double)FLT_MAX);
  float rounded = in_range ? (float)value : 0;
  for (int digits = in_range ? 6 : 9; digits <= 9; digits++) {
    (void)snprintf(out, C2_FLOAT_ROOM, "%.*g", digits, in_range ? (double)rounded : value);
    if (in_range && strtof(out, NULL) == rounded) break;
  }
  c2_text_point(out);
}

c2_status c2_fail(c2_error *err, c2_status code, const char *format, ...) {
  if (err) {
    va_list args;
    va_start(args, format);
    err->code = code;
    err->remedy = NULL;
    c2_text_format(err->text, sizeof err->text, format, args);
    va_end(args);
  }
  return code;
}

void c2_duration(double seconds, char out[C2_DURATION_ROOM]) {
  if (!(seconds >= 0 && seconds < 1e9)) {
    (void)snprintf(out, C2_DURATION_ROOM, "?");
    return;
  }
  unsigned long s = (unsigned long)(seconds + 0.5);
  if (s >= 3600) {
    (void)snprintf(out, C2_DURATION_ROOM, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
  } else {
    (void)snprintf(out, C2_DURATION_ROOM, "%lu:%02lu", s / 60, s % 60);
  }
}
