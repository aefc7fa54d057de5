/* Runs queries of DuckDB. Knows neither files nor what columns are for. */
#include "data/duckdb_query.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* ---- Its text --------------------------------------------------------------------------------- */

void c2_sql_quote(FILE *out, const char *text, char quote) {
  (void)fputc(quote, out);
  for (; *text; text++) {
    if (*text == quote) (void)fputc(quote, out);
    (void)fputc(*text, out);
  }
  (void)fputc(quote, out);
}

c2_status c2_sql_finish(FILE *out, char **text, c2_error *err) {
  if (c2_text_close(out, text)) return C2_OK;
  C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
}

/* ---- Its result ------------------------------------------------------------------------------- */

c2_status c2_query_describe(struct c2_query *q, const char *name, const char *from, bool names, c2_error *err) {
  c2_duckdb *d = &q->duck;
  c2_duckdb_result result = {.data = NULL};
  c2_status status = C2_OK;
  char *sql = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fprintf(out, "SELECT * FROM %s LIMIT 0", from);
  C2_GOTO(c2_sql_finish(out, &sql, err));
  if (d->query(d->connection, sql, &result) != 0) {
    C2_GOTO(c2_duckdb_fail(name, d->result_error(&result), err));
  }
  q->columns = (size_t)d->column_count(&result);
  C2_GOTO(c2_pool_alloc(&q->pool, q->columns, sizeof *q->type, &q->type, err));
  if (names) C2_GOTO(c2_pool_alloc(&q->pool, q->columns, sizeof *q->name, &q->name, err));
  for (size_t i = 0; i < q->columns; i++) {
    const char *column = d->column_name(&result, i);
    q->type[i] = d->column_type(&result, i);
    if (!names) continue;
    if (!c2_text_plain(column, strlen(column))) {
      C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s: column %zu: a control character in its name", name, i + 1));
    }
    C2_GOTO(c2_pool_text(&q->pool, column, &q->name[i], err));
  }
fail:
  d->destroy_result(&result);
  free(sql);
  return status;
}

c2_status c2_query_start(struct c2_query *q, const char *name, const char *sql, c2_error *err) {
  c2_duckdb *d = &q->duck;
  if (d->prepare(d->connection, sql, &q->statement) != 0) {
    return c2_duckdb_fail(name, d->prepare_error(q->statement), err);
  }
  if (d->execute_prepared_streaming(q->statement, &q->result) != 0) {
    return c2_duckdb_fail(name, d->result_error(&q->result), err);
  }
  return C2_OK;
}

c2_status c2_query_fetch(struct c2_query *q, const char *name, c2_error *err) {
  c2_duckdb *d = &q->duck;
  do {
    if (q->chunk) d->destroy_data_chunk(&q->chunk);
    q->rows = 0;
    q->chunk = d->fetch_chunk(q->result);
    const char *message = d->result_error(&q->result);
    if (!q->chunk && message && *message) return c2_duckdb_fail(name, message, err);
    if (q->chunk) q->rows = (size_t)d->data_chunk_get_size(q->chunk);
  } while (q->chunk && q->rows == 0);
  return C2_OK;
}

void c2_query_stop(struct c2_query *q) {
  if (q->chunk) q->duck.destroy_data_chunk(&q->chunk);
  if (q->result.data) q->duck.destroy_result(&q->result);
  if (q->statement) q->duck.destroy_prepare(&q->statement);
}

void c2_query_free(struct c2_query *q) {
  c2_query_stop(q);
  c2_duckdb_close(&q->duck);
  c2_header_free(&q->header);
  c2_pool_free(&q->pool);
  free(q->from);
  free(q->files);
}

/* Of a duckdb_string_t: short texts stand in it. */
const char *c2_chunk_text(const void *data, size_t row, size_t *size) {
  const unsigned char *s = (const unsigned char *)data + 16 * row;
  uint32_t length = 0;
  const char *pointer = NULL;
  memcpy(&length, s, sizeof length);
  memcpy(&pointer, s + 8, sizeof pointer);
  *size = length;
  return length <= 12 ? (const char *)s + 4 : pointer;
}

void c2_query_copy_text(const struct c2_query *q, size_t column, size_t row, char *out, size_t room) {
  size_t size = 0;
  const void *data = q->duck.vector_get_data(q->duck.data_chunk_get_vector(q->chunk, column));
  const char *text = c2_chunk_text(data, row, &size);
  (void)snprintf(out, room, "%.*s", (int)size, text);
}
