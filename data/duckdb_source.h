/* What DuckDB reads: paths and queries. The reader of the rows is in reader.h. */
#ifndef C2_DATA_DUCKDB_SOURCE_H
#define C2_DATA_DUCKDB_SOURCE_H

#include "data/read.h"

/* Patterns of the names that Parquet files have in a folder. */
enum { C2_PARQUET_NAMES = 2 };
extern const char *const c2_parquet_names[C2_PARQUET_NAMES];

/* Fails where a file that isn't here yet has a name that DuckDB reads, and the library isn't here either. */
c2_status c2_duckdb_check_name(const char *path, c2_error *err);

/* Functions of the reader (see c2_reader): the first two are for a path. */
bool c2_duckdb_sniff(const c2_input *input);
c2_status c2_duckdb_open_path(c2_input *input, c2_error *err);
void c2_duckdb_close_input(c2_input *input);

/* Opens the result of an SQL query as c2_input_open_sql does. */
c2_status c2_duckdb_open_sql(c2_input *input, const char *sql, const char *database, c2_error *err);

#endif
