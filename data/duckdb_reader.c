/* The reader of what DuckDB reads. Rows come in chunks, as columns of three kinds: texts, float64 and whole numbers. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/cell.h"
#include "data/duckdb_query.h"
#include "data/duckdb_schema.h"
#include "data/duckdb_source.h"
#include "data/fetched.h"

enum { NUMBER_KEY = -1 }; /* beside DuckDB's types: texts of folders named key=value, each of which spells a number */

/* ---- Queries --------------------------------------------------------------------------------- */

static bool is_number(int type) {
  return (type >= C2_DUCKDB_TINYINT && type <= C2_DUCKDB_DOUBLE) || type == C2_DUCKDB_HUGEINT ||
         type == C2_DUCKDB_DECIMAL || type == C2_DUCKDB_UHUGEINT;
}

static bool is_whole(int type) {
  return type >= C2_DUCKDB_TINYINT && type <= C2_DUCKDB_UBIGINT;
}

static bool is_text(int type) {
  return type == C2_DUCKDB_VARCHAR || type == C2_DUCKDB_ENUM || type == C2_DUCKDB_UUID || type == C2_DUCKDB_BOOLEAN;
}

static bool is_time(int type) {
  return type == C2_DUCKDB_TIMESTAMP || type == C2_DUCKDB_DATE || type == C2_DUCKDB_TIMESTAMP_TZ ||
         (type >= C2_DUCKDB_TIMESTAMP_S && type <= C2_DUCKDB_TIMESTAMP_NS);
}

/* How a column is fetched: the expression of $1, or NULL if its type doesn't serve. Excel knows no whole numbers: its
 * 7.0 as a name or a time stamp is the text 7, as in CSV. */
static const char *expression(const struct c2_query *q, c2_fetched *f) {
  int type = f->source;
  bool is_label = f->type != C2_WANT_NUMBER && f->type != C2_WANT_ANY;
  f->is_text = q->is_book && type == C2_DUCKDB_DOUBLE && is_label;
  if (f->is_text) return "regexp_replace(CAST(%s AS VARCHAR), '\\.0$', '')";
  if (f->type == C2_WANT_TIME) {
    if (type == C2_DUCKDB_TIMESTAMP_TZ) return "epoch_us(%s)";
    if (type == C2_DUCKDB_TIMESTAMP_NS) return "epoch_ns(%s)"; /* a cast would cut it */
    if (is_time(type)) return "epoch_us(CAST(%s AS TIMESTAMP))";
    if (is_whole(type) && !f->has_format) return "CAST(%s AS BIGINT)";
    f->is_text = true;
    if (is_whole(type)) return "CAST(%s AS VARCHAR)";
    return type == C2_DUCKDB_VARCHAR ? "%s" : NULL;
  }
  if (type == NUMBER_KEY) return "%s";
  bool number = f->type == C2_WANT_NUMBER || (f->type == C2_WANT_ANY && is_number(type));
  if (number) return is_number(type) || type == C2_DUCKDB_BOOLEAN ? "CAST(%s AS DOUBLE)" : NULL;
  f->is_text = true;
  return is_text(type) || is_number(type) || is_time(type) ? "CAST(%s AS VARCHAR)" : NULL;
}

/* unnest() drops a row whose lists are empty and fills up shorter lists with NULL: both are refused. */
static void write_checks(const struct c2_query *q, const c2_want *want, size_t wants, FILE *out) {
  const char *first = NULL;
  for (size_t k = 0; k < wants; k++) {
    const char *name = q->name[want[k].column];
    if (q->type[want[k].column] != C2_DUCKDB_LIST) continue;
    (void)fputs(first ? " WHEN coalesce(len(" : " WHERE CASE WHEN coalesce(len(", out);
    c2_sql_quote(out, name, '"');
    (void)fputs(first ? "), 0) <> len(" : "), 0) = 0", out);
    if (first) c2_sql_quote(out, first, '"');
    (void)fprintf(out, "%s THEN error('column ' || ", first ? ")" : "");
    c2_sql_quote(out, name, '\'');
    (void)fprintf(out, " || ': expected %s')",
                  first ? "as many elements as the other lists of its row" : "lists with elements, found an empty one");
    if (!first) first = name;
  }
  if (first) (void)fputs(" ELSE true END", out);
}

/* Leaves out the empty rows of a sheet: those below the others, where Excel keeps some, and where rows have time stamps
 * all of them; else one between others may be a step whose values are missing. */
static void write_rows_of_book(const struct c2_query *q, const c2_want *want, size_t wants, FILE *out) {
  static const char *const has_cells = "concat(*COLUMNS(*)) <> ''";
  bool has_times = false;
  for (size_t k = 0; k < wants; k++) has_times = has_times || want[k].type == C2_WANT_TIME;
  if (has_times) {
    (void)fprintf(out, " WHERE %s", has_cells);
  } else {
    (void)fprintf(out,
                  " LIMIT (SELECT coalesce(max(n), 0) FROM (SELECT row_number() OVER () AS n, %s AS kept FROM %s) "
                  "WHERE kept)",
                  has_cells, q->from);
  }
}

/* The wanted columns, c0, c1, ...; those that are lists as a row for each element. */
static c2_status write_columns(const struct c2_query *q, const c2_want *want, size_t wants, char **sql, c2_error *err) {
  size_t size = 0;
  FILE *out = open_memstream(sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fputs("(SELECT ", out);
  for (size_t k = 0; k < wants; k++) {
    bool list = q->type[want[k].column] == C2_DUCKDB_LIST;
    (void)fprintf(out, "%s%s", k ? ", " : "", list ? "unnest(" : "");
    c2_sql_quote(out, q->name[want[k].column], '"');
    (void)fprintf(out, "%s AS c%zu", list ? ")" : "", k);
  }
  (void)fprintf(out, " FROM %s", q->from);
  write_checks(q, want, wants, out);
  if (q->is_book) write_rows_of_book(q, want, wants, out);
  (void)fputc(')', out);
  return c2_sql_finish(out, sql, err);
}

static c2_status write_query(const struct c2_query *q, const char *name, c2_fetched *f, size_t wants, const char *from,
                             char **sql, c2_error *err) {
  size_t size = 0;
  FILE *out = open_memstream(sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  c2_status status = C2_OK;
  (void)fputs("SELECT ", out);
  for (size_t k = 0; k < wants && status == C2_OK; k++) {
    char column[32];
    const char *format = expression(q, &f[k]);
    (void)snprintf(column, sizeof column, "c%zu", k);
    (void)fputs(k ? ", " : "", out);
    if (!format) {
      status = c2_fail(err, C2_ERR_FORMAT, "%s: column '%.60s': expected %s, found another type", name, f[k].name,
                       f[k].type == C2_WANT_TIME     ? "time stamps or whole numbers"
                       : f[k].type == C2_WANT_NUMBER ? "numbers"
                                                     : "numbers or texts");
      break;
    }
    const char *at = strstr(format, "%s");
    (void)fprintf(out, "%.*s%s%s", (int)(at - format), format, column, at + 2);
  }
  (void)fprintf(out, " FROM %s", from);
  c2_status finished = c2_sql_finish(out, sql, err);
  return status == C2_OK ? finished : status;
}

/* Reads a text of a chunk as a number, or as a missing value. It returns false for anything else. */
static bool read_number(const void *data, size_t row, double *out) {
  char text[400]; /* no number is longer */
  size_t size = 0;
  const char *bytes = c2_chunk_text(data, row, &size);
  (void)snprintf(text, sizeof text, "%.*s", (int)c2_min_size(size, sizeof text), bytes);
  return strlen(text) == size && c2_parse_number(text, out);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static c2_status take_texts(const struct c2_query *q, c2_input *input, c2_fetched *f, const void *data,
                            const uint64_t *validity, size_t rows, c2_error *err) {
  for (size_t i = 0; i < q->rows; i++) {
    size_t size = 0;
    const char *bytes = c2_chunk_has(validity, i) ? c2_chunk_text(data, i, &size) : NULL;
    C2_TRY(c2_fetched_put_text(f, input, rows + i, bytes, size, err));
  }
  return C2_OK;
}

static c2_status take_nanoseconds(c2_fetched *f, const c2_input *input, size_t row, bool valid, int64_t value,
                                  c2_error *err) {
  C2_TRY(c2_fetched_put_time(f, input, row, valid, value / 1000, err));
  return value % 1000 == 0 ? C2_OK : c2_fetched_refuse_part(f, input, row, err);
}

static c2_status take_numbers(const struct c2_query *q, const c2_input *input, c2_fetched *f, const void *data,
                              const uint64_t *validity, size_t rows, c2_error *err) {
  for (size_t i = 0; i < q->rows; i++) {
    bool valid = c2_chunk_has(validity, i);
    if (f->type == C2_WANT_TIME && f->source == C2_DUCKDB_TIMESTAMP_NS) {
      C2_TRY(take_nanoseconds(f, input, rows + i, valid, ((const int64_t *)data)[i], err));
    } else if (f->type == C2_WANT_TIME) {
      C2_TRY(c2_fetched_put_time(f, input, rows + i, valid, ((const int64_t *)data)[i], err));
    } else {
      double value = (double)NAN;
      if (valid && f->source == NUMBER_KEY) (void)read_number(data, i, &value); /* all of them are numbers */
      if (valid && f->source != NUMBER_KEY) value = ((const double *)data)[i];
      C2_TRY(c2_fetched_put_number(f, input, rows + i, value, err));
    }
  }
  return C2_OK;
}

/* Takes chunks until there are `most` rows, or all. */
static c2_status take_chunks(c2_input *input, c2_fetched *f, size_t wants, size_t most, size_t *rows, c2_error *err) {
  struct c2_query *q = input->query;
  c2_duckdb *d = &q->duck;
  size_t room = 0;
  while (*rows < most && !q->has_ended) {
    C2_TRY(c2_query_fetch(q, input->name, err));
    q->has_ended = !q->chunk;
    if (q->has_ended) break;
    C2_TRY(c2_fetched_grow(f, wants, &room, *rows + q->rows, err));
    for (size_t k = 0; k < wants; k++) {
      void *vector = d->data_chunk_get_vector(q->chunk, k);
      const void *data = d->vector_get_data(vector);
      const uint64_t *validity = d->vector_get_validity(vector);
      C2_TRY(f[k].is_text ? take_texts(q, input, &f[k], data, validity, *rows, err)
                          : take_numbers(q, input, &f[k], data, validity, *rows, err));
    }
    *rows += q->rows;
  }
  return C2_OK;
}

/* Whether a folder's key spells numbers throughout, or missing values, as cells of CSV do. */
static c2_status find_number_key(c2_input *input, const char *column, bool *all, c2_error *err) {
  struct c2_query s = {.duck = input->query->duck};
  char *sql = NULL;
  size_t size = 0;
  c2_status status = C2_OK;
  FILE *out = open_memstream(&sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fputs("SELECT DISTINCT ", out);
  c2_sql_quote(out, column, '"');
  (void)fprintf(out, " FROM %s", input->query->from);
  C2_GOTO(c2_sql_finish(out, &sql, err));
  C2_GOTO(c2_query_start(&s, input->name, sql, err));
  for (*all = true;;) {
    C2_GOTO(c2_query_fetch(&s, input->name, err));
    if (!s.chunk) break;
    void *vector = s.duck.data_chunk_get_vector(s.chunk, 0);
    const uint64_t *validity = s.duck.vector_get_validity(vector);
    for (size_t i = 0; i < s.rows; i++) {
      double number = 0;
      *all = *all && (!c2_chunk_has(validity, i) || read_number(s.duck.vector_get_data(vector), i, &number));
    }
  }
fail:
  c2_query_stop(&s);
  free(sql);
  return status;
}

/* Begins the query of the wanted columns, whose types are then those of the result. */
static c2_status begin(c2_input *input, const c2_want *want, size_t wants, c2_fetched *f, c2_error *err) {
  struct c2_query *q = input->query;
  char *from = NULL;
  char *sql = NULL;
  bool *is_key = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(wants, sizeof *is_key, &is_key, err));
  C2_GOTO(write_columns(q, want, wants, &from, err));
  C2_GOTO(c2_query_describe(q, input->name, from, false, err));
  C2_GOTO(c2_duckdb_check_files(input, want, wants, is_key, err));
  for (size_t k = 0; k < wants; k++) {
    bool may_be_number = is_key[k] && (want[k].type == C2_WANT_ANY || want[k].type == C2_WANT_NUMBER);
    if (may_be_number) C2_GOTO(find_number_key(input, q->name[want[k].column], &may_be_number, err));
    if (may_be_number) q->type[k] = NUMBER_KEY;
    f[k].source = q->type[k];
    if (want[k].type == C2_WANT_TIME) input->dialect.is_instant = q->type[k] == C2_DUCKDB_TIMESTAMP_TZ;
  }
  C2_GOTO(write_query(q, input->name, f, wants, from, &sql, err));
  status = c2_query_start(q, input->name, sql, err);
fail:
  free(is_key);
  free(from);
  free(sql);
  return status;
}

static c2_status next_rows(c2_input *input, const c2_want *want, size_t wants, size_t most, c2_frame *frame,
                           c2_error *err) {
  struct c2_query *q = input->query;
  c2_fetched *f = NULL;
  size_t rows = 0;
  c2_status status = C2_OK;
  *frame = (c2_frame){.columns = 0};
  C2_GOTO(c2_alloc_array(wants, sizeof *f, &f, err));
  for (size_t k = 0; k < wants; k++) {
    f[k] = (c2_fetched){
        .name = q->name[want[k].column], .type = want[k].type, .what = want[k].what, .pool = &q->pool};
    f[k].has_format = input->dialect.time_format[0] != '\0';
  }
  if (!q->statement) C2_GOTO(begin(input, want, wants, f, err));
  for (size_t k = 0; k < wants; k++) {
    f[k].source = q->type[k];
    (void)expression(q, &f[k]);
    f[k].is_whole = is_whole(f[k].source);
    f[k].is_zoned = f[k].source == C2_DUCKDB_TIMESTAMP_TZ;
    if (want[k].type == C2_WANT_TIME) input->dialect.has_time_texts = f[k].is_text;
    if (want[k].type == C2_WANT_NAME) {
      input->dialect.has_whole_ids = is_whole(f[k].source) && f[k].source != C2_DUCKDB_UBIGINT;
    }
  }
  C2_GOTO(take_chunks(input, f, wants, most, &rows, err));
  status = c2_fetched_finish(f, wants, rows, frame, err);
fail:
  c2_fetched_free(f, wants);
  return status;
}

static c2_status read_typed(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  C2_TRY(next_rows(input, want, wants, SIZE_MAX, frame, err));
  if (frame->rows > 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: no rows", input->name);
}

const c2_reader c2_duckdb_reader = {
    "DuckDB", c2_duckdb_sniff, c2_duckdb_open_path, read_typed, NULL, c2_duckdb_close_input, next_rows};
