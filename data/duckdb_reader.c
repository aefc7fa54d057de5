/* The reader of what DuckDB reads. Rows come in chunks, as columns of three kinds: texts, float64 and whole numbers. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/duckdb_query.h"
#include "data/duckdb_source.h"

/* A column of the query's result. */
typedef struct fetched {
  const char *name;
  c2_want_type type;
  const char *what;
  int source;           /* type of the table's column */
  bool is_text;         /* fetched as text, else as float64 or, of times, int64 */
  double *number;       /* [room] */
  int64_t *time;        /* [room] */
  int16_t *zone;        /* [room]; NULL: no offsets */
  uint32_t *code;       /* [room] */
  unsigned char *valid; /* a bit a row; of texts */
  c2_lookup words;
  size_t last; /* word of the row before */
} fetched;

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

/* How a column is fetched: the expression of $1, or NULL if its type doesn't serve. */
static const char *expression(fetched *f) {
  int type = f->source;
  f->is_text = false;
  if (f->type == C2_WANT_TIME) {
    if (type == C2_DUCKDB_TIMESTAMP_TZ) return "epoch_us(%s)";
    if (is_time(type)) return "epoch_us(CAST(%s AS TIMESTAMP))";
    if (is_whole(type)) return "CAST(%s AS BIGINT)";
    f->is_text = true;
    return type == C2_DUCKDB_VARCHAR ? "%s" : NULL;
  }
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
  (void)fputc(')', out);
  return c2_sql_finish(out, sql, err);
}

static c2_status write_query(const char *name, fetched *f, size_t wants, const char *from, char **sql, c2_error *err) {
  size_t size = 0;
  FILE *out = open_memstream(sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  c2_status status = C2_OK;
  (void)fputs("SELECT ", out);
  for (size_t k = 0; k < wants && status == C2_OK; k++) {
    char column[32];
    const char *format = expression(&f[k]);
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

/* ---- Columns --------------------------------------------------------------------------------- */

/* The text's code; texts that are new are copied. */
static c2_status code_of(struct c2_query *q, const char *name, fetched *f, size_t row, const char *bytes, size_t size,
                         uint32_t *code, c2_error *err) {
  char room[256];
  char *text = size < sizeof room ? room : malloc(size + 1);
  size_t at = 0;
  c2_status status = C2_OK;
  if (!text) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", size);
  memcpy(text, bytes, size);
  text[size] = '\0';
  if (f->words.count > 0 && strcmp(f->words.text[f->last], text) == 0) { /* neighbours are often the same */
    at = f->last;
  } else if (!c2_lookup_find(&f->words, text, &at)) {
    const char *kept = NULL;
    if (!c2_text_plain(bytes, size) || (size == 0 && f->type == C2_WANT_NAME)) {
      C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected %s, found %s'%.80s'", name, row, f->name,
                      f->what ? f->what : "a text", size ? "a control character in " : "", text));
    }
    C2_GOTO(c2_pool_text(&q->pool, text, &kept, err));
    C2_GOTO(c2_lookup_add(&f->words, kept, &at, err));
  }
  if (at >= UINT32_MAX) C2_GOTO(c2_fail(err, C2_ERR_MEMORY, "%s: too many texts", name));
  f->last = at;
  *code = (uint32_t)at;
fail:
  if (text != room) free(text);
  return status;
}

static c2_status take_texts(struct c2_query *q, c2_input *input, fetched *f, const void *data, const uint64_t *validity,
                            size_t rows, size_t n, c2_error *err) {
  for (size_t i = 0; i < n; i++) {
    size_t size = 0;
    size_t row = rows + i;
    if (!c2_chunk_has(validity, i)) {
      if (f->type == C2_WANT_NAME || f->type == C2_WANT_TIME) {
        C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected %s, found nothing", input->name, row + 1, f->name,
                f->what ? f->what : "a time stamp");
      }
      continue;
    }
    const char *bytes = c2_chunk_text(data, i, &size);
    if (f->type == C2_WANT_TIME) {
      char cell[80];
      c2_zone zone;
      bool whole = false;
      (void)snprintf(cell, sizeof cell, "%.*s", (int)c2_min_size(size, sizeof cell - 1), bytes);
      if (size >= sizeof cell || !c2_dialect_time(&input->dialect, cell, &f->time[row], &zone, &whole)) {
        C2_FAIL(err, C2_ERR_FORMAT,
                "%s:%zu: column '%.60s': expected a time stamp, found '%.40s'; --time-format says "
                "how it is written",
                input->name, row + 1, f->name, cell);
      }
      f->zone[row] = (int16_t)(whole ? C2_WHOLE_NUMBER : zone.given ? zone.minutes : C2_NO_ZONE);
      continue;
    }
    C2_TRY(code_of(q, input->name, f, row + 1, bytes, size, &f->code[row], err));
    f->valid[row / 8] |= (unsigned char)(1 << row % 8);
  }
  return C2_OK;
}

static c2_status take_numbers(const c2_input *input, fetched *f, const void *data, const uint64_t *validity,
                              size_t rows, size_t n, c2_error *err) {
  for (size_t i = 0; i < n; i++) {
    bool valid = c2_chunk_has(validity, i);
    if (f->type == C2_WANT_TIME) {
      f->time[rows + i] = ((const int64_t *)data)[i];
      if (valid && f->time[rows + i] > -C2_COUNT_END * 1000 && f->time[rows + i] < C2_COUNT_END * 1000) continue;
      C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a time stamp or a number of at most 15 digits",
              input->name, rows + i + 1, f->name);
    }
    double value = valid ? ((const double *)data)[i] : (double)NAN;
    f->number[rows + i] = value;
    if (!isinf(value)) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a finite number or nothing, found %g", input->name,
            rows + i + 1, f->name, value);
  }
  return C2_OK;
}

static c2_status grow(fetched *f, size_t *room, size_t wants, size_t need, c2_error *err) {
  size_t most = *room;
  if (need <= most) return C2_OK;
  most = c2_max_size(need, most + most / 2 + 65536);
  for (size_t k = 0; k < wants; k++) {
    size_t before = *room;
    size_t capacity = *room;
    if (f[k].type == C2_WANT_TIME) {
      C2_TRY(c2_grow_array(&f[k].time, &capacity, most, sizeof *f[k].time, err));
      capacity = before;
      C2_TRY(c2_grow_array(&f[k].zone, &capacity, most, sizeof *f[k].zone, err));
    } else if (f[k].is_text) {
      C2_TRY(c2_grow_array(&f[k].code, &capacity, most, sizeof *f[k].code, err));
      capacity = before ? before / 8 + 1 : 0;
      size_t had = capacity;
      C2_TRY(c2_grow_array(&f[k].valid, &capacity, most / 8 + 1, 1, err));
      memset(f[k].valid + had, 0, capacity - had);
    } else {
      C2_TRY(c2_grow_array(&f[k].number, &capacity, most, sizeof *f[k].number, err));
    }
  }
  *room = most;
  return C2_OK;
}

/* Takes chunks until there are `most` rows, or all. */
static c2_status take_chunks(c2_input *input, fetched *f, size_t wants, size_t most, size_t *rows, c2_error *err) {
  struct c2_query *q = input->query;
  c2_duckdb *d = &q->duck;
  size_t room = 0;
  while (*rows < most && !q->has_ended) {
    C2_TRY(c2_query_fetch(q, input->name, err));
    q->has_ended = !q->chunk;
    if (q->has_ended) break;
    C2_TRY(grow(f, &room, wants, *rows + q->rows, err));
    for (size_t k = 0; k < wants; k++) {
      void *vector = d->data_chunk_get_vector(q->chunk, k);
      const void *data = d->vector_get_data(vector);
      const uint64_t *validity = d->vector_get_validity(vector);
      C2_TRY(f[k].is_text ? take_texts(q, input, &f[k], data, validity, *rows, q->rows, err)
                          : take_numbers(input, &f[k], data, validity, *rows, q->rows, err));
      for (size_t i = 0; f[k].type == C2_WANT_TIME && !f[k].is_text && i < q->rows; i++) f[k].zone[*rows + i] = 0;
    }
    *rows += q->rows;
  }
  return C2_OK;
}

static void finish_column(fetched *f, size_t rows, c2_column *out) {
  if (f->type == C2_WANT_TIME) {
    bool whole = f->is_text ? true : is_whole(f->source);
    bool zoned = f->source == C2_DUCKDB_TIMESTAMP_TZ;
    for (size_t i = 0; f->is_text && i < rows; i++) {
      whole = whole && f->zone[i] == C2_WHOLE_NUMBER;
      zoned = zoned || f->zone[i] != C2_NO_ZONE;
    }
    *out = (c2_column){.type = whole ? C2_COLUMN_INTEGER : C2_COLUMN_TIME, .time = f->time};
    if (zoned && !whole) {
      out->zone = f->zone;
    } else {
      free(f->zone);
    }
  } else if (f->is_text) {
    *out = (c2_column){
        .type = C2_COLUMN_TEXT, .code = f->code, .valid = f->valid, .word = f->words.text, .words = f->words.count};
    f->words.text = NULL;
  } else {
    *out = (c2_column){.type = C2_COLUMN_NUMBER, .number = f->number};
  }
  c2_lookup_free(&f->words);
  out->name = f->name;
  *f = (fetched){.name = NULL};
}

/* Begins the query of the wanted columns, whose types are then those of the result. */
static c2_status begin(c2_input *input, const c2_want *want, size_t wants, fetched *f, c2_error *err) {
  struct c2_query *q = input->query;
  char *from = NULL;
  char *sql = NULL;
  c2_status status = C2_OK;
  C2_GOTO(write_columns(q, want, wants, &from, err));
  C2_GOTO(c2_query_describe(q, input->name, from, false, err));
  for (size_t k = 0; k < wants; k++) f[k].source = q->type[k];
  C2_GOTO(write_query(input->name, f, wants, from, &sql, err));
  status = c2_query_start(q, input->name, sql, err);
fail:
  free(from);
  free(sql);
  return status;
}

static c2_status next_rows(c2_input *input, const c2_want *want, size_t wants, size_t most, c2_frame *frame,
                           c2_error *err) {
  struct c2_query *q = input->query;
  fetched *f = NULL;
  size_t rows = 0;
  c2_status status = C2_OK;
  *frame = (c2_frame){.columns = 0};
  C2_GOTO(c2_alloc_array(wants, sizeof *f, &f, err));
  for (size_t k = 0; k < wants; k++) {
    f[k] = (fetched){.name = q->name[want[k].column], .type = want[k].type, .what = want[k].what};
  }
  if (!q->statement) C2_GOTO(begin(input, want, wants, f, err));
  for (size_t k = 0; k < wants; k++) {
    f[k].source = q->type[k];
    (void)expression(&f[k]);
  }
  C2_GOTO(take_chunks(input, f, wants, most, &rows, err));
  C2_GOTO(c2_alloc_array(wants, sizeof *frame->column, &frame->column, err));
  frame->rows = rows;
  for (; frame->columns < wants; frame->columns++) {
    finish_column(&f[frame->columns], rows, &frame->column[frame->columns]);
  }
fail:
  for (size_t k = 0; f && k < wants; k++) {
    free(f[k].number);
    free(f[k].time);
    free(f[k].zone);
    free(f[k].code);
    free(f[k].valid);
    c2_lookup_free(&f[k].words);
  }
  free(f);
  return status;
}

static c2_status read_typed(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  C2_TRY(next_rows(input, want, wants, SIZE_MAX, frame, err));
  if (frame->rows > 0) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: no rows", input->name);
}

const c2_reader c2_duckdb_reader = {
    "DuckDB", c2_duckdb_sniff, c2_duckdb_open_path, read_typed, NULL, c2_duckdb_close_input, next_rows};
