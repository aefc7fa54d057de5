/* Text to numbers and back. Knows no files. */
#include "base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"
#include "base/text.h"

/* ---- The nearest double ---------------------------------------------------------------------- */

enum { EXACT_POWER = 22, MOST_DIGITS = 19, QUOTIENT_POWER = 19 };

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* A decimal number: digits * 10^power. */
typedef struct written {
  uint64_t digits;
  int power;
  bool minus, is_cut; /* is_cut: it has more digits than these */
} written;

static void add_digit(written *d, char c, int *significant) {
  if (*significant < MOST_DIGITS) {
    d->digits = d->digits * 10 + (uint64_t)(c - '0');
    if (d->digits > 0) (*significant)++;
  } else {
    d->is_cut = true;
  }
}

/* false if the text isn't digits [. digits] [e digits]. */
static bool read_decimal(const char *at, const char *end, written *d) {
  int significant = 0;
  int power = 0;
  *d = (written){.digits = 0};
  if (at < end && (*at == '-' || *at == '+')) d->minus = *at++ == '-';
  const char *begin = at;
  for (; at < end && c2_is_digit(*at); at++) add_digit(d, *at, &significant);
  ptrdiff_t digits = at - begin;
  if (at < end && *at == '.') {
    const char *point = ++at;
    for (; at < end && c2_is_digit(*at); at++) add_digit(d, *at, &significant);
    digits += at - point;
    if (at - point > 10000) d->is_cut = true;
    d->power = d->is_cut ? 0 : -(int)(at - point);
  }
  if (digits == 0) return false;
  if (at == end) return true;
  if (*at != 'e' && *at != 'E') return false;
  bool minus = ++at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (at == end) return false;
  for (; at < end && c2_is_digit(*at); at++) power = power < 100000 ? power * 10 + (*at - '0') : power;
  d->power += minus ? -power : power;
  return at == end;
}

__extension__ typedef unsigned __int128 wide;

/* digits / 10^k, rounded to the nearest double, ties to even: a quotient of more than 53 bits, whose lowest bit also
 * stands for the remainder, is rounded once, by the conversion. */
static double divide(uint64_t digits, int k) {
  uint64_t power = 1;
  for (int i = 0; i < k; i++) power *= 10;
  int shift = __builtin_clzll(digits);
  wide numerator = (wide)(digits << shift) << 62;
  wide quotient = numerator / power;
  bool rest = quotient * power != numerator;
  int low = 0; /* bits beyond 64 */
  while (quotient >> 64) {
    rest = rest || (quotient & 0xff) != 0;
    quotient >>= 8;
    low += 8;
  }
  return ldexp((double)((uint64_t)quotient | rest), low - 62 - shift);
}

/* Most numbers: digits with or without a point, so few that they and the power of ten are exact. */
static bool read_short(const char *text, size_t size, double *out) {
  uint64_t digits = 0;
  bool minus = size > 0 && *text == '-';
  const char *end = text + size;
  const char *point = NULL;
  const char *at = text + minus;
  for (; at < end; at++) {
    if (c2_is_digit(*at)) {
      digits = digits * 10 + (uint64_t)(*at - '0');
    } else if (*at == '.' && !point) {
      point = at + 1;
    } else {
      return false;
    }
  }
  size_t count = (size_t)(end - text) - minus - (point != NULL);
  if (count == 0 || count > 15) return false;
  double value = point ? (double)digits / powers[end - point] : (double)digits;
  *out = minus ? -value : value;
  return true;
}

bool c2_number_read(const char *text, size_t size, double *out) {
  written d;
  if (size <= 17 && read_short(text, size, out)) return true;
  if (!read_decimal(text, text + size, &d)) return false;
  double value = 0;
  if (!d.is_cut && d.digits <= UINT64_C(1) << 53 && d.power >= -EXACT_POWER && d.power <= EXACT_POWER) {
    value = d.power < 0 ? (double)d.digits / powers[-d.power] : (double)d.digits * powers[d.power];
  } else if (!d.is_cut && d.digits > 0 && d.power < 0 && d.power >= -QUOTIENT_POWER) {
    value = divide(d.digits, -d.power);
  } else {
    char copy[1100]; /* longer numbers have no place in a table */
    if (size >= sizeof copy) return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    *out = c2_strtod(copy);
    return isfinite(*out);
  }
  *out = d.minus ? -value : value;
  return true;
}

bool c2_number_read_text(const char *text, double *out) {
  text += strspn(text, " ");
  return c2_number_read(text, strlen(text), out);
}

/* ---- Other spellings ------------------------------------------------------------------------- */

/* Bytes of a blank or an apostrophe between groups of digits; 0 if there is none. */
static size_t group_sign(const char *at) {
  static const char *const signs[] = {" ", "'", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89", "\xe2\x80\x99"};
  for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
    size_t n = strlen(signs[i]);
    if (strncmp(at, signs[i], n) == 0) return n;
  }
  return 0;
}

/* Number of digits from here on. */
static size_t run_of_digits(const char *at) {
  return strspn(at, "0123456789");
}

bool c2_number_read_grouped(const char *cell, char decimal, double *out, bool *grouped) {
  char plain[64];
  size_t used = 0;
  size_t group = 0; /* bytes of the sign that parts groups; 0: there are none yet */
  const char *sign = NULL;
  while (*cell == ' ') cell++;
  if (*cell == '-' || *cell == '+') plain[used++] = *cell++;
  for (;;) {
    size_t digits = run_of_digits(cell);
    if (used + digits + 2 > sizeof plain) return false;
    memcpy(plain + used, cell, digits);
    used += digits;
    cell += digits;
    if (group > 0 && digits != 3) return false;
    bool other = *cell == (decimal == '.' ? ',' : '.');
    size_t next = other ? 1 : c2_is_digit(cell[group_sign(cell)]) ? group_sign(cell) : 0;
    if (next == 0) break;
    bool first = group == 0;
    if (first && (digits < 1 || digits > 3 || (digits == 1 && plain[used - 1] == '0'))) return false;
    if (!first && (next != group || memcmp(cell, sign, next) != 0)) return false;
    group = next;
    sign = cell;
    cell += next;
  }
  if (*cell == decimal) {
    plain[used++] = '.';
    cell++;
  }
  if (group > 0 && strpbrk(cell, "eE")) return false; /* nobody groups beside an exponent */
  size_t rest = strlen(cell);
  while (rest > 0 && cell[rest - 1] == ' ') rest--;
  if (used + rest > sizeof plain || memchr(cell, '.', rest)) return false;
  memcpy(plain + used, cell, rest);
  if (!c2_number_read(plain, used + rest, out)) return false;
  *grouped = *grouped || group > 0;
  return true;
}

c2_number_shape c2_number_shape_of(const char *cell) {
  double by_point = 0;
  double by_comma = 0;
  bool grouped = false;
  bool is_point = c2_number_read_grouped(cell, '.', &by_point, &grouped);
  bool is_comma = c2_number_read_grouped(cell, ',', &by_comma, &grouped);
  if (!is_point || !is_comma) return is_point ? C2_SHAPE_POINT : is_comma ? C2_SHAPE_COMMA : C2_SHAPE_NONE;
  if (by_point == by_comma) return C2_SHAPE_PLAIN;
  return strchr(cell, '.') ? C2_SHAPE_EITHER_POINT : C2_SHAPE_EITHER_COMMA;
}

/* ---- Writing ---------------------------------------------------------------------------------- */

void c2_number_put(double value, char out[C2_NUMBER_ROOM]) {
  char text[C2_NUMBER_ROOM];
  if (isnan(value) || isinf(value)) {
    (void)snprintf(out, C2_NUMBER_ROOM, "%s", isnan(value) ? "" : value > 0 ? "inf" : "-inf");
    return;
  }
  int digits = 1;
  for (; digits <= 17; digits++) {
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
    if (strtod(text, NULL) == value) break;
  }
  int exponent = atoi(strchr(text, 'e') + 1);
  if (exponent >= 16 || exponent < -4) { /* Python's limits of plain notation */
    (void)snprintf(out, C2_NUMBER_ROOM, "%s", text);
    return;
  }
  int decimals = digits - 1 - exponent;
  (void)snprintf(out, C2_NUMBER_ROOM, "%.*f", decimals > 0 ? decimals : 1, value);
}
