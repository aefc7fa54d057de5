/* The reader of what DuckDB reads: Parquet, compressed CSV, Excel, globs and folders, and SQL queries. Their rows come
 * in chunks, as columns of three kinds: texts, float64 and whole numbers. */
#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/pool.h"
#include "base/text.h"
#include "data/duckdb.h"
#include "data/duckdb_reader.h"

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

struct c2_query {
  c2_duckdb duck;
  char *from;        /* what stands behind FROM */
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

/* ---- SQL ------------------------------------------------------------------------------------- */

void c2_sql_quote(FILE *out, const char *text, char quote) {
  (void)fputc(quote, out);
  for (; *text; text++) {
    if (*text == quote) (void)fputc(quote, out);
    (void)fputc(*text, out);
  }
  (void)fputc(quote, out);
}

static c2_status finish_text(FILE *out, char **text, c2_error *err) {
  bool failed = ferror(out) != 0;
  if (fclose(out) == 0 && !failed && *text) return C2_OK;
  C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
}

static bool ends_with(const char *path, const char *end) {
  size_t n = strlen(path);
  size_t m = strlen(end);
  if (n <= m) return false;
  for (size_t i = 0; i < m; i++) {
    if (tolower((unsigned char)path[n - m + i]) != end[i]) return false;
  }
  return true;
}

/* The path as DuckDB takes it: of a file that is there, signs of a pattern stand for themselves. */
static char *literal_pattern(const char *path) {
  char *out = malloc(3 * strlen(path) + 1);
  char *to = out;
  for (; out && *path; path++) {
    bool special = strchr("*?[", *path) != NULL;
    if (special) *to++ = '[';
    *to++ = *path;
    if (special) *to++ = ']';
  }
  if (out) *to = '\0';
  return out;
}

static bool is_pattern(const char *path) {
  return strpbrk(path, "*?[") && !c2_file_exists(path);
}

static bool is_one_of(const char *path, const char *const *ends) {
  for (; *ends; ends++) {
    if (ends_with(path, *ends)) return true;
  }
  return false;
}

static bool sniff(const c2_input *input) {
  static const char *const ends[] = {".parquet", ".pq", ".xlsx", ".arrow", ".arrows", ".feather", ".ipc", NULL};
  return is_one_of(input->path, ends) || c2_is_directory(input->path);
}

bool c2_is_compressed(const char *path) {
  static const char *const ends[] = {".gz", ".zst", NULL};
  return is_one_of(path, ends);
}

static const char *function_of(const char *path) {
  if (ends_with(path, ".xlsx")) return "read_xlsx";
  return ends_with(path, ".parquet") || ends_with(path, ".pq") || c2_is_directory(path) ? "read_parquet" : "read_arrow";
}

/* "read_parquet('sales.parquet')". */
static c2_status write_source(struct c2_query *q, const c2_input *input, c2_error *err) {
  const char *path = input->path;
  size_t size = 0;
  bool folder = c2_is_directory(path);
  if (strstr(path, "://")) C2_FAIL(err, C2_ERR_IO, "%s: expected a local file", input->name);
  if (!folder && !is_pattern(path) && !c2_file_exists(path)) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot open: no such file", input->name);
  }
  char *literal = is_pattern(path) ? c2_strdup(path) : literal_pattern(path);
  FILE *out = literal ? open_memstream(&q->from, &size) : NULL;
  if (!out) {
    free(literal);
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  }
  (void)fprintf(out, "%s(", function_of(path));
  if (folder) {
    size_t n = strlen(literal);
    char every[4096];
    if (n + sizeof "/**/*.parquet" > sizeof every) n = 0;
    (void)snprintf(every, sizeof every, "%.*s/**/*.parquet", (int)n, literal);
    c2_sql_quote(out, every, '\'');
    (void)fputs(", hive_partitioning = true", out);
  } else {
    c2_sql_quote(out, literal, '\'');
  }
  (void)fputc(')', out);
  free(literal);
  return finish_text(out, &q->from, err);
}

/* ---- Names and types ------------------------------------------------------------------------- */

/* Names and types of what stands behind FROM. */
static c2_status describe(struct c2_query *q, const char *name, const char *from, bool names, c2_error *err) {
  c2_duckdb *d = &q->duck;
  c2_duckdb_result result = {.data = NULL};
  c2_status status = C2_OK;
  char *sql = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fprintf(out, "SELECT * FROM %s LIMIT 0", from);
  C2_GOTO(finish_text(out, &sql, err));
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

/* Extensions that aren't part of the library are loaded where they are installed, and named where they aren't. */
static c2_status load_extension(const struct c2_query *q, const c2_input *input, c2_error *err) {
  c2_error why;
  const char *name = NULL;
  if (strncmp(q->from, "read_xlsx", 9) == 0) name = "excel";
  if (strncmp(q->from, "read_arrow", 10) == 0) name = "nanoarrow";
  if (!name) return C2_OK;
  char sql[64];
  (void)snprintf(sql, sizeof sql, "LOAD %s", name);
  if (c2_duckdb_run(&q->duck, input->name, sql, &why) == C2_OK) return C2_OK;
  C2_FAIL(
      err, C2_ERR_UNSUPPORTED,
      "%s: DuckDB reads this format by its extension '%s', which is not installed (INSTALL %s%s); or save the table "
      "as CSV or Parquet",
      input->name, name, name, strcmp(name, "nanoarrow") == 0 ? " FROM community" : "");
}

static c2_status open_names(c2_input *input, c2_error *err) {
  struct c2_query *q = input->query;
  C2_TRY(describe(q, input->name, q->from, true, err));
  q->header.file = input->name;
  C2_TRY(c2_header_fill(&q->header, q->name, q->columns, err));
  input->header = &q->header;
  return C2_OK;
}

static c2_status open_source(c2_input *input, c2_error *err) {
  c2_error why;
  C2_TRY(c2_alloc_array(1, sizeof *input->query, &input->query, err));
  C2_TRY(write_source(input->query, input, err));
  if (c2_duckdb_open(&input->query->duck, NULL, true, &why) != C2_OK) {
    C2_FAIL(err, why.code, "%s: %s", input->name, why.text);
  }
  C2_TRY(load_extension(input->query, input, err));
  return open_names(input, err);
}

/* Whether a file below the folder is called *.parquet. */
static bool holds_parquet(const char *folder, int depth) {
  DIR *directory = opendir(folder);
  const struct dirent *entry = NULL;
  bool found = false;
  while (directory && !found && (entry = readdir(directory))) {
    char path[4096];
    if (entry->d_name[0] == '.') continue;
    int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (n < 0 || (size_t)n >= sizeof path) continue;
    found = c2_is_directory(path) ? depth > 0 && holds_parquet(path, depth - 1) : ends_with(path, ".parquet");
  }
  if (directory) (void)closedir(directory);
  return found;
}

static c2_status open_query(c2_input *input, c2_error *err) {
  enum { DEEPEST = 32 }; /* links may lead in circles */
  if (c2_is_directory(input->path) && !holds_parquet(input->path, DEEPEST)) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot read: it is a directory without Parquet files", input->name);
  }
  return open_source(input, err);
}

c2_status c2_input_open_sql(c2_input *input, const char *sql, const char *database, c2_error *err) {
  void *statement = NULL;
  *input = (c2_input){.path = "--sql", .name = "--sql", .reader = &c2_duckdb_reader};
  C2_TRY(c2_alloc_array(1, sizeof *input->query, &input->query, err));
  struct c2_query *q = input->query;
  c2_error why;
  if (database && !c2_file_exists(database)) C2_FAIL(err, C2_ERR_IO, "%s: cannot open: no such file", database);
  if (c2_duckdb_open(&q->duck, database, false, &why) != C2_OK) C2_FAIL(err, why.code, "--sql: %s", why.text);
  c2_status status = C2_OK;
  if (q->duck.prepare(q->duck.connection, sql, &statement) != 0) {
    status = c2_duckdb_fail("--sql", q->duck.prepare_error(statement), err);
  } else if (q->duck.prepared_statement_type(statement) != C2_DUCKDB_SELECT) {
    status = c2_fail(err, C2_ERR_ARGUMENT, "--sql: expected one SELECT, which only reads");
  }
  q->duck.destroy_prepare(&statement);
  C2_TRY(status);
  size_t n = strlen(sql);
  size_t size = 0;
  while (n > 0 && strchr("; \t\n", sql[n - 1])) n--;
  FILE *out = open_memstream(&q->from, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fputc('(', out);
  (void)fwrite(sql, 1, n, out);
  (void)fputs("\n)", out);
  C2_TRY(finish_text(out, &q->from, err));
  return open_names(input, err);
}

static void close_parts(struct c2_query *q) {
  if (q->chunk) q->duck.destroy_data_chunk(&q->chunk);
  if (q->result.data) q->duck.destroy_result(&q->result);
  if (q->statement) q->duck.destroy_prepare(&q->statement);
  c2_duckdb_close(&q->duck);
  c2_header_free(&q->header);
  c2_pool_free(&q->pool);
  free(q->from);
}

static void close_query(c2_input *input) {
  if (input->query) close_parts(input->query);
  free(input->query);
  input->query = NULL;
}

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
  return finish_text(out, sql, err);
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
  c2_status finished = finish_text(out, sql, err);
  return status == C2_OK ? finished : status;
}

static c2_status start(struct c2_query *q, const char *name, const char *sql, c2_error *err) {
  c2_duckdb *d = &q->duck;
  if (d->prepare(d->connection, sql, &q->statement) != 0) {
    return c2_duckdb_fail(name, d->prepare_error(q->statement), err);
  }
  if (d->execute_prepared_streaming(q->statement, &q->result) != 0) {
    return c2_duckdb_fail(name, d->result_error(&q->result), err);
  }
  return C2_OK;
}

/* The next chunk, which has rows unless it is the end. */
static c2_status fetch(struct c2_query *q, const char *name, c2_error *err) {
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

/* ---- Columns --------------------------------------------------------------------------------- */

static bool is_valid(const uint64_t *validity, size_t row) {
  return !validity || (validity[row / 64] >> row % 64 & 1);
}

/* Bytes of a duckdb_string_t: short ones stand in it. */
static const char *string_bytes(const void *data, size_t row, size_t *size) {
  const unsigned char *s = (const unsigned char *)data + 16 * row;
  uint32_t length = 0;
  const char *pointer = NULL;
  memcpy(&length, s, sizeof length);
  memcpy(&pointer, s + 8, sizeof pointer);
  *size = length;
  return length <= 12 ? (const char *)s + 4 : pointer;
}

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
    if (!is_valid(validity, i)) {
      if (f->type == C2_WANT_NAME || f->type == C2_WANT_TIME) {
        C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected %s, found nothing", input->name, row + 1, f->name,
                f->what ? f->what : "a time stamp");
      }
      continue;
    }
    const char *bytes = string_bytes(data, i, &size);
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
    bool valid = is_valid(validity, i);
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
    C2_TRY(fetch(q, input->name, err));
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
  C2_GOTO(describe(q, input->name, from, false, err));
  for (size_t k = 0; k < wants; k++) f[k].source = q->type[k];
  C2_GOTO(write_query(input->name, f, wants, from, &sql, err));
  status = start(q, input->name, sql, err);
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

const c2_reader c2_duckdb_reader = {"DuckDB", sniff, open_query, read_typed, NULL, close_query, next_rows};

/* ---- Compressed text ------------------------------------------------------------------------- */

typedef struct lines {
  char *text;
  size_t size, room;
} lines;

static c2_status add_lines(struct c2_query *q, lines *l, c2_error *err) {
  void *vector = q->duck.data_chunk_get_vector(q->chunk, 0);
  const void *data = q->duck.vector_get_data(vector);
  const uint64_t *validity = q->duck.vector_get_validity(vector);
  for (size_t i = 0; i < q->rows; i++) {
    size_t size = 0;
    const char *bytes = is_valid(validity, i) ? string_bytes(data, i, &size) : "";
    if (l->size + size + 2 > l->room) {
      C2_TRY(c2_grow_array(&l->text, &l->room, l->size + size + 2, 1, err));
    }
    memcpy(l->text + l->size, bytes, size);
    l->size += size;
    l->text[l->size++] = '\n';
  }
  return C2_OK;
}

/* Each line is a record of one field: nothing parts fields, and nothing quotes them. */
static c2_status write_line_query(const char *path, char **sql, c2_error *err) {
  size_t size = 0;
  char *literal = literal_pattern(path);
  FILE *out = literal ? open_memstream(sql, &size) : NULL;
  if (!out) {
    free(literal);
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  }
  (void)fputs("SELECT line FROM read_csv(", out);
  c2_sql_quote(out, literal, '\'');
  (void)fputs(
      ", auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', columns = {line: 'VARCHAR'}, "
      "max_line_size = 2097152)",
      out);
  free(literal);
  return finish_text(out, sql, err);
}

c2_status c2_duckdb_read_text(const char *path, char **text, size_t *size, c2_error *err) {
  struct c2_query q = {.from = NULL};
  lines l = {NULL, 0, 0};
  char *sql = NULL;
  c2_error why;
  c2_status status = C2_OK;
  if (!c2_file_exists(path)) C2_FAIL(err, C2_ERR_IO, "%s: cannot open: no such file", path);
  if (c2_duckdb_open(&q.duck, NULL, true, &why) != C2_OK) C2_GOTO(c2_fail(err, why.code, "%s: %s", path, why.text));
  C2_GOTO(write_line_query(path, &sql, err));
  C2_GOTO(start(&q, path, sql, err));
  for (;;) {
    C2_GOTO(fetch(&q, path, err));
    if (!q.chunk) break;
    C2_GOTO(add_lines(&q, &l, err));
  }
  C2_GOTO(c2_grow_array(&l.text, &l.room, l.size + 1, 1, err));
  l.text[l.size] = '\0';
  *text = l.text;
  *size = l.size;
  l.text = NULL;
fail:
  close_parts(&q);
  free(l.text);
  free(sql);
  return status;
}
