/* CSV to Parquet or Arrow, by DuckDB. */
#include "data/duckdb_write.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/duckdb_query.h"

static bool ends_with(const char *path, const char *end) {
  size_t n = strlen(path);
  size_t m = strlen(end);
  return n > m && strcmp(path + n - m, end) == 0;
}

bool c2_table_file_asked(const char *path) {
  static const char *const ends[] = {".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc"};
  for (size_t i = 0; path && i < sizeof ends / sizeof ends[0]; i++) {
    if (ends_with(path, ends[i])) return true;
  }
  return false;
}

static void name_file(const c2_table_file *file, const char *name, char out[600]) {
  (void)snprintf(out, 600, "%s/%s", file->folder, name);
}

c2_status c2_table_file_open(c2_table_file *file, const char *path, c2_error *err) {
  const char *temporary = getenv("TMPDIR");
  char csv[600];
  c2_error why;
  file->format = ends_with(path, ".parquet") || ends_with(path, ".pq") ? "parquet" : "arrow";
  if (c2_duckdb_open(&file->duck, NULL, true, &why) != C2_OK) C2_FAIL(err, why.code, "%s: %s", path, why.text);
  if (strcmp(file->format, "arrow") == 0 && c2_duckdb_run(&file->duck, path, "LOAD nanoarrow", &why) != C2_OK) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "%s: DuckDB writes Arrow by its extension 'nanoarrow', which is not installed (INSTALL nanoarrow FROM "
            "community); or write Parquet",
            path);
  }
  (void)snprintf(file->folder, sizeof file->folder, "%.400s/chronos2-XXXXXX",
                 temporary && *temporary ? temporary : "/tmp");
  if (!mkdtemp(file->folder)) {
    file->folder[0] = '\0';
    C2_FAIL(err, C2_ERR_IO, "%s: cannot make a folder for temporary files", path);
  }
  name_file(file, "rows.csv", csv);
  file->csv = fopen(csv, "w");
  if (!file->csv) C2_FAIL(err, C2_ERR_IO, "%s: cannot write", csv);
  return C2_OK;
}

/* COPY (SELECT CAST("item_id" AS VARCHAR) AS "item_id", ... FROM read_csv(...)) TO ... */
static c2_status write_query(const c2_table_file *file, const char *const *types, size_t count, const char *to,
                             char **sql, c2_error *err) {
  char csv[600];
  char quoted[1300]; /* a path of 600 bytes and its quotes, all doubled */
  char source[1500];
  char from[1600];
  c2_duckdb_result result = {.data = NULL};
  c2_status status = C2_OK;
  size_t size = 0;
  const c2_duckdb *d = &file->duck;
  name_file(file, "rows.csv", csv);
  FILE *path = fmemopen(quoted, sizeof quoted, "w");
  if (!path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  c2_sql_quote(path, csv, '\'');
  (void)fclose(path);
  (void)snprintf(source, sizeof source,
                 "read_csv(%s, header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')", quoted);
  (void)snprintf(from, sizeof from, "SELECT * FROM %s LIMIT 0", source);
  FILE *out = open_memstream(sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  if (d->query(d->connection, from, &result) != 0) {
    status = c2_duckdb_fail("output", d->result_error(&result), err);
  }
  size_t columns = status == C2_OK ? (size_t)d->column_count(&result) : 0;
  (void)fputs("COPY (SELECT ", out);
  for (size_t i = 0; i < columns; i++) {
    const char *name = d->column_name(&result, i);
    (void)fputs(i ? ", CAST(" : "CAST(", out);
    c2_sql_quote(out, name, '"');
    (void)fprintf(out, " AS %s) AS ", types[i < count ? i : count - 1]);
    c2_sql_quote(out, name, '"');
  }
  (void)fprintf(out, " FROM %s) TO ", source);
  c2_sql_quote(out, to, '\'');
  (void)fprintf(out, " (FORMAT %s)", file->format);
  d->destroy_result(&result);
  if (fclose(out) != 0 && status == C2_OK) status = c2_fail(err, C2_ERR_MEMORY, "cannot allocate a query");
  return status;
}

static c2_status copy_bytes(const char *path, FILE *out, c2_error *err) {
  char bytes[65536];
  FILE *in = fopen(path, "rb");
  if (!in) C2_FAIL(err, C2_ERR_IO, "%s: cannot open", path);
  for (size_t n = 0; (n = fread(bytes, 1, sizeof bytes, in)) > 0;) (void)fwrite(bytes, 1, n, out);
  bool failed = ferror(in) != 0;
  (void)fclose(in);
  if (failed) C2_FAIL(err, C2_ERR_IO, "%s: cannot read", path);
  return C2_OK;
}

c2_status c2_table_file_write(c2_table_file *file, const char *const *types, size_t count, FILE *out, c2_error *err) {
  char to[600];
  char *sql = NULL;
  bool failed = ferror(file->csv) != 0;
  failed = fclose(file->csv) != 0 || failed;
  file->csv = NULL;
  if (failed) C2_FAIL(err, C2_ERR_IO, "%s: cannot write", file->folder);
  name_file(file, "table", to);
  c2_status status = write_query(file, types, count, to, &sql, err);
  if (status == C2_OK) status = c2_duckdb_run(&file->duck, "output", sql, err);
  if (status == C2_OK) status = copy_bytes(to, out, err);
  free(sql);
  return status;
}

void c2_table_file_close(c2_table_file *file) {
  static const char *const names[] = {"rows.csv", "table"};
  if (file->csv) (void)fclose(file->csv);
  for (size_t i = 0; file->folder[0] && i < 2; i++) {
    char path[600];
    name_file(file, names[i], path);
    (void)unlink(path);
  }
  if (file->folder[0]) (void)rmdir(file->folder);
  c2_duckdb_close(&file->duck);
  memset(file, 0, sizeof *file);
}
