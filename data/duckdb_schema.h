/* What Parquet files say of their columns, and DuckDB would read as something else without a word. */
#ifndef C2_DATA_DUCKDB_SCHEMA_H
#define C2_DATA_DUCKDB_SCHEMA_H

#include "base/pool.h"
#include "data/reader.h"

enum { C2_DUCKDB_NAME_ROOM = 256 }; /* of a column's name, as far as names are compared */

/* Adds a column's name to those of a table. One that comes again, where case doesn't count, is refused: DuckDB makes up
 * another name for it. */
c2_status c2_duckdb_take_name(c2_lookup *names, c2_pool *pool, const char *file, const char *name, c2_error *err);

/* Refuses files with two columns whose names differ in nothing but case. Refuses wanted columns whose decimals have
 * more digits than DuckDB reads, and those that Arrow wrote as durations, if the program reads Arrow; and of a folder
 * or a pattern those that a file lacks, or has twice, in itself and as a folder of its path, and those of several types
 * unless their union, in query->type, holds the values of each. is_key[wants] receives whether folders give the
 * column, input->dialect.zone_name the time stamps' zone where Arrow's schemas in all files name it. */
c2_status c2_duckdb_check_files(c2_input *input, const c2_want *want, size_t wants, bool *is_key, c2_error *err);

#endif
