/* The CSV files of a study, for tests of the program. */
#ifndef STUDY_CSV_H
#define STUDY_CSV_H

#include "program.h"

/* Fields in place: rows of `columns` fields each, the header first. */
typedef struct csv {
  char *text;
  char **field;
  size_t columns, rows;
} csv;

/* Splits at commas and line ends outside quotes; quotes stay. */
static inline csv csv_open(const char *prefix, const char *name) {
  char path[512];
  (void)snprintf(path, sizeof path, "%s__%s.csv", prefix, name);
  csv c = {.text = program_read_file(path)};
  if (!c.text) fail_msg("%s is missing", path);
  c.field = calloc(strlen(c.text) + 1, sizeof *c.field);
  assert_non_null(c.field);
  size_t fields = 0;
  bool quoted = false;
  char *start = c.text;
  for (char *at = c.text; *at; at++) {
    if (*at == '"') quoted = !quoted;
    if (quoted || (*at != ',' && *at != '\n')) continue;
    c.field[fields++] = start;
    if (*at == '\n' && c.columns == 0) c.columns = fields;
    *at = '\0';
    start = at + 1;
  }
  assert_true(c.columns > 0);
  assert_int_equal(fields % c.columns, 0);
  c.rows = fields / c.columns - 1;
  return c;
}

static inline void csv_close(csv *c) {
  free(c->field);
  free(c->text);
}

static inline const char *csv_text(const csv *c, size_t row, const char *column) {
  for (size_t k = 0; k < c->columns; k++) {
    if (strcmp(c->field[k], column) == 0) return c->field[(row + 1) * c->columns + k];
  }
  fail_msg("no column %s", column);
  return NULL;
}

static inline double csv_number(const csv *c, size_t row, const char *column) {
  const char *text = csv_text(c, row, column);
  char *end = NULL;
  double value = strtod(text, &end);
  if (end == text || *end) fail_msg("row %zu, %s: '%s' is no number", row, column, text);
  return value;
}

#endif
