/* Tables that are no text: Parquet by DuckDB, Arrow by nanoarrow. Rows are written as CSV, and converted at the end.
 *
 *     C2_TRY(c2_table_file_open(&file, "forecast.parquet", err));
 *     ... write CSV with a header to file.csv ...
 *     C2_GOTO(c2_table_file_write(&file, types, 3, out, err));
 *   fail:
 *     c2_table_file_close(&file);
 */
#ifndef C2_DATA_TABLE_WRITE_H
#define C2_DATA_TABLE_WRITE_H

#include <stdio.h>

#include "data/duckdb.h"

typedef struct c2_table_file {
  FILE *csv;       /* for the rows; NULL if it isn't open */
  bool is_arrow;   /* else Parquet */
  bool is_stream;  /* of Arrow */
  char folder[512];   /* of the temporary files */
  size_t kept[3];     /* of the folder and its files, for c2_temporary_drop */
  c2_duckdb duck;
} c2_table_file;

/* Whether a path's end asks for such a file, and for Parquet, where DuckDB ignores the case of columns' names. */
bool c2_table_file_asked(const char *path);
bool c2_table_file_is_parquet(const char *path);

/* Finds the library, so that nothing is computed where it is missing, and opens a temporary file. Zeroed at first. */
c2_status c2_table_file_open(c2_table_file *file, const char *path, c2_error *err);

/* Converts the rows, which may be written until then, and copies the result to a stream. Columns have these SQL types,
 * VARCHAR, TIMESTAMP, TIMESTAMPTZ, BIGINT, FLOAT or DOUBLE, those beyond the last one that type: [count]. TIMESTAMPTZ
 * is of this zone in Arrow; in Parquet, which would lose the zone, it is text with offsets. */
c2_status c2_table_file_write(c2_table_file *file, const char *const *types, size_t count, const char *zone, FILE *out,
                              c2_error *err);
void c2_table_file_close(c2_table_file *file);

#endif
