/* A CSV file as a whole. */
#include "data/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/infile.h"
#include "base/memory.h"
#include "base/number.h"

static c2_status read_rows(c2_sheet *s, c2_error *err) {
  size_t cells = 0;
  size_t lines = 0;
  for (bool more = true;;) {
    C2_TRY(c2_csv_next(&s->csv, &more, err));
    if (!more) return C2_OK;
    size_t at = s->rows * s->csv.columns;
    C2_TRY(c2_grow_array(&s->cell, &cells, at + s->csv.columns, sizeof *s->cell, err));
    C2_TRY(c2_grow_array(&s->line, &lines, s->rows + 1, sizeof *s->line, err));
    memcpy(s->cell + at, s->csv.field, s->csv.columns * sizeof *s->cell);
    s->line[s->rows++] = s->csv.line;
  }
}

c2_status c2_sheet_open(c2_sheet *sheet, const char *path, c2_error *err) {
  size_t size = 0;
  memset(sheet, 0, sizeof *sheet);
  sheet->path = c2_strdup(path);
  if (!sheet->path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  C2_TRY(c2_read_file(path, &sheet->text, &size, err));
  C2_TRY(c2_csv_open(&sheet->csv, sheet->path, sheet->text, size, ',', err));
  C2_TRY(read_rows(sheet, err));
  if (sheet->rows == 0) C2_FAIL(err, C2_ERR_FORMAT, "%s: expected rows below the header", path);
  return C2_OK;
}

void c2_sheet_close(c2_sheet *sheet) {
  c2_csv_close(&sheet->csv);
  free(sheet->cell);
  free(sheet->line);
  free(sheet->text);
  free(sheet->path);
  memset(sheet, 0, sizeof *sheet);
}

const char *c2_sheet_text(const c2_sheet *sheet, size_t row, size_t column) {
  return sheet->cell[row * sheet->csv.columns + column];
}

c2_status c2_sheet_cell(const c2_sheet *sheet, size_t row, const char *name, const char **out, c2_error *err) {
  size_t column = 0;
  C2_TRY(c2_header_find(&sheet->csv.names, name, &column, err));
  *out = c2_sheet_text(sheet, row, column);
  return C2_OK;
}

c2_status c2_sheet_number(const c2_sheet *sheet, size_t row, const char *name, double *out, c2_error *err) {
  const char *text = NULL;
  *out = (double)NAN;
  C2_TRY(c2_sheet_cell(sheet, row, name, &text, err));
  if (text[0] == '\0') return C2_OK;
  const char *size = text + (text[0] == '-');
  bool is_infinite = strcmp(size, "inf") == 0;
  if (is_infinite) *out = size > text ? -(double)INFINITY : (double)INFINITY;
  if (!is_infinite && !c2_number_read_text(text, out)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a number, found '%.60s'", sheet->path,
            sheet->line[row], name, text);
  }
  return C2_OK;
}
