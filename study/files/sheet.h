/* A CSV file as a whole: cells by row and column, and rows through the schema, with messages that name file, line and
 * column. */
#ifndef C2_STUDY_SHEET_H
#define C2_STUDY_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "data/csv.h"
#include "study/files/schema.h"

typedef struct c2_sheet {
  char *path, *text;
  c2_csv csv; /* names of the columns */
  size_t rows;
  char **cell;  /* [rows][csv.columns] */
  size_t *line; /* [rows] */
} c2_sheet;

/* Takes a copy of the path. Close it also after a failure. A file without rows is an error. */
c2_status c2_sheet_open(c2_sheet *sheet, const char *path, c2_error *err);
void c2_sheet_close(c2_sheet *sheet);

/* A cell, as text that lasts as long as the sheet. An unknown column is an error. */
c2_status c2_sheet_cell(const c2_sheet *sheet, size_t row, const char *name, const char **out, c2_error *err);
const char *c2_sheet_text(const c2_sheet *sheet, size_t row, size_t column);

/* A number of the column of that name; NaN where the cell is empty, or where `optional` and there is no such column. */
c2_status c2_sheet_number(const c2_sheet *sheet, size_t row, const char *name, bool optional, double *out,
                          c2_error *err);

/* What the schema of a table reads of a part into `out`, which is the part. */
c2_status c2_sheet_read(const c2_sheet *sheet, size_t row, c2_table table, c2_part part, void *out, c2_error *err);

#endif
