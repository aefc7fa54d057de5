/* What the cells of text files spell. */
#include "data/cell.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/number.h"

/* A text without the blanks around it: its bytes. */
static size_t trim(const char **text) {
  *text += strspn(*text, " ");
  size_t n = strlen(*text);
  while (n > 0 && (*text)[n - 1] == ' ') n--;
  return n;
}

bool c2_is_missing_text(const char *text) {
  static const char *const spellings[] = {"",     "NaN",  "nan",  "NA",   "N/A",  "n/a", "<NA>",
                                          "null", "NULL", "None", "#N/A", "-NaN", "-nan"};
  size_t n = trim(&text);
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
    if (strlen(spellings[i]) == n && memcmp(text, spellings[i], n) == 0) return true;
  }
  return false;
}

const char *c2_boolean_text(const char *text) {
  static const char *const spellings[2][3] = {{"False", "FALSE", "false"}, {"True", "TRUE", "true"}};
  for (size_t i = 0; i < 6; i++) {
    if (strcmp(text, spellings[i / 3][i % 3]) == 0) return spellings[i / 3][0];
  }
  return NULL;
}

double c2_boolean_number(const char *boolean) {
  return boolean ? *boolean == 'T' : (double)NAN;
}

bool c2_parse_number(const char *text, double *out) {
  size_t n = trim(&text);
  if (c2_number_read(text, n, out)) return true;
  *out = (double)NAN;
  return c2_is_missing_text(text);
}
