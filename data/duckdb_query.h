/* A query of DuckDB: what writes its text, runs it and takes its result chunk by chunk. */
#ifndef C2_DATA_DUCKDB_QUERY_H
#define C2_DATA_DUCKDB_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/pool.h"
#include "base/status.h"
#include "data/duckdb.h"
#include "data/frame.h"

/* Zeroed at first. */
struct c2_query {
  c2_duckdb duck;
  char *from;        /* what stands behind FROM */
  char *files;       /* the argument of its function that reads files; NULL: there is none */
  bool are_several;  /* `files` is a pattern or a list */
  bool has_keys;     /* folders named key=value are columns */
  bool is_book;      /* `files` is a file of Excel */
  const char **name; /* [columns] */
  int *type;         /* [columns] */
  size_t columns;
  c2_header header;
  c2_pool pool; /* names and words */
  void *statement;
  c2_duckdb_result result;
  void *chunk;
  size_t rows; /* of the chunk */
  bool has_ended;
};

/* Whether the folder that a path begins with is key=value to DuckDB: it has one '=', and not in front. `size` may end
 * it. */
static inline bool c2_is_key(const char *path, size_t size) {
  size_t n = strcspn(path, "/");
  size_t at = strcspn(path, "=/");
  if (n > size) n = size;
  return at > 0 && at < n && at + 1 + strcspn(path + at + 1, "=/") >= n;
}

/* ---- Its text --------------------------------------------------------------------------------- */

/* Writes a text in the quotes of SQL, within which they are doubled. */
void c2_sql_quote(FILE *out, const char *text, char quote);

/* Closes a stream of open_memstream. It is an error if *text doesn't hold all that was written. */
c2_status c2_sql_finish(FILE *out, char **text, c2_error *err);

/* ---- Its result. `name` begins the message of a failure --------------------------------------- */

/* Finds number and types of the columns of `from`, and with `names` their names too. */
c2_status c2_query_describe(struct c2_query *query, const char *name, const char *from, bool names, c2_error *err);

/* Begins a query. */
c2_status c2_query_start(struct c2_query *query, const char *name, const char *sql, c2_error *err);

/* Fetches the next chunk. It has rows; `chunk` is NULL at the end. */
c2_status c2_query_fetch(struct c2_query *query, const char *name, c2_error *err);

/* Ends what c2_query_start has begun. */
void c2_query_stop(struct c2_query *query);

/* Frees what the query holds, but not the struct. */
void c2_query_free(struct c2_query *query);

/* Whether a row of a vector has a value. `validity` may be NULL: then all rows have. */
static inline bool c2_chunk_has(const uint64_t *validity, size_t row) {
  return !validity || (validity[row / 64] >> row % 64 & 1);
}

/* The bytes of a text in a vector's data, which no zero ends. */
const char *c2_chunk_text(const void *data, size_t row, size_t *size);

/* Copies a text of the chunk, as much of it as there is room for. */
void c2_query_copy_text(const struct c2_query *query, size_t column, size_t row, char *out, size_t room);

#endif
