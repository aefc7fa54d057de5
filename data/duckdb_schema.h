/* What Parquet files say of their columns, and DuckDB would read as something else without a word. */
#ifndef C2_DATA_DUCKDB_SCHEMA_H
#define C2_DATA_DUCKDB_SCHEMA_H

#include "data/reader.h"

/* Refuses files with two columns whose names differ in nothing but case. Refuses wanted columns whose decimals have
 * more digits than DuckDB reads; and of a folder or a pattern those that a file lacks, or has twice, in itself and as a
 * folder of its path, and those of several types unless their union, in query->type, holds the values of each.
 * is_key[wants] receives whether folders give the column. */
c2_status c2_duckdb_check_files(c2_input *input, const c2_want *want, size_t wants, bool *is_key, c2_error *err);

#endif
