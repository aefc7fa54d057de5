/* A CSV file, read as a whole. Cells are found by row and column. Messages name file, line and column. */
#ifndef C2_DATA_SHEET_H
#define C2_DATA_SHEET_H

#include <stddef.h>

#include "base/status.h"
#include "data/csv.h"

typedef struct c2_sheet {
  char *path, *text;
  c2_csv csv; /* names of the columns */
  size_t rows;
  char **cell;  /* [rows][csv.columns] */
  size_t *line; /* [rows] */
} c2_sheet;

/* Reads a file. It copies the path. A file without rows is an error. Close the sheet also after a failure. */
c2_status c2_sheet_open(c2_sheet *sheet, const char *path, c2_error *err);
void c2_sheet_close(c2_sheet *sheet);

/* A cell, as text that lasts as long as the sheet. An unknown column is an error. */
c2_status c2_sheet_cell(const c2_sheet *sheet, size_t row, const char *name, const char **out, c2_error *err);
const char *c2_sheet_text(const c2_sheet *sheet, size_t row, size_t column);

/* Reads a number. It is NaN where the cell is empty. */
c2_status c2_sheet_number(const c2_sheet *sheet, size_t row, const char *name, double *out, c2_error *err);

#endif
