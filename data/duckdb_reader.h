/* Texts and queries that DuckDB reads. The reader of whole files is in reader.h. */
#ifndef C2_DATA_DUCKDB_READER_H
#define C2_DATA_DUCKDB_READER_H

#include "data/read.h"

/* Writes a text in the quotes of SQL, within which they are doubled. */
void c2_sql_quote(FILE *out, const char *text, char quote);

/* Whether the path's end says that the file is compressed, as .gz or .zst. */
bool c2_is_compressed(const char *path);

/* The text of a compressed file; text[size] is a zero byte. Free it with free(). */
c2_status c2_duckdb_read_text(const char *path, char **text, size_t *size, c2_error *err);

#endif
