/* CSV to Parquet by DuckDB, and to Arrow. */
#include "data/table_write.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/temporary.h"
#include "base/text.h"
#include "data/duckdb_query.h"
#include "data/ipc.h"
#include "data/read.h"

bool c2_table_file_is_parquet(const char *path) {
  return path && (c2_text_ends(path, ".parquet") || c2_text_ends(path, ".pq"));
}

bool c2_table_file_asked(const char *path) {
  static const char *const ends[] = {".arrow", ".arrows", ".feather", ".ipc"};
  for (size_t i = 0; path && i < sizeof ends / sizeof ends[0]; i++) {
    if (c2_text_ends(path, ends[i])) return true;
  }
  return c2_table_file_is_parquet(path);
}

static const char *const names[] = {"rows.csv", "table"}; /* in the folder */

static void name_file(const c2_table_file *file, const char *name, char out[600]) {
  (void)snprintf(out, 600, "%s/%s", file->folder, name);
}

static c2_status make_folder(c2_table_file *file, const char *path, c2_error *err) {
  if (!c2_temporary_make_folder(file->folder, sizeof file->folder, &file->kept[0])) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot make a folder for temporary files", path);
  }
  for (size_t i = 0; i < 2; i++) {
    char name[600];
    name_file(file, names[i], name);
    file->kept[1 + i] = c2_temporary_keep(name);
  }
  return C2_OK;
}

c2_status c2_table_file_open(c2_table_file *file, const char *path, c2_error *err) {
  char csv[600];
  c2_error why;
  const char *how = NULL;
  file->is_arrow = !c2_table_file_is_parquet(path);
  file->is_stream = c2_text_ends(path, ".arrows");
  if (file->is_arrow && !c2_ipc_available(&how)) C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: %s", path, how);
  if (!file->is_arrow && c2_duckdb_open(&file->duck, NULL, true, &why) != C2_OK) {
    C2_FAIL(err, why.code, "%s: %s", path, why.text);
  }
  if (!file->is_arrow) C2_TRY(c2_duckdb_run(&file->duck, path, "SET lock_configuration = true", err));
  C2_TRY(make_folder(file, path, err));
  name_file(file, names[0], csv);
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
  name_file(file, names[0], csv);
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
    const char *type = types[i < count ? i : count - 1];
    (void)fprintf(out, " AS %s) AS ", strcmp(type, "TIMESTAMPTZ") == 0 ? "VARCHAR" : type);
    c2_sql_quote(out, name, '"');
  }
  (void)fprintf(out, " FROM %s) TO ", source);
  c2_sql_quote(out, to, '\'');
  (void)fputs(" (FORMAT parquet)", out);
  d->destroy_result(&result);
  c2_error why;
  if (c2_sql_finish(out, sql, &why) != C2_OK && status == C2_OK) status = c2_fail(err, why.code, "%s", why.text);
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

static c2_status write_parquet(c2_table_file *file, const char *const *types, size_t count, FILE *out, c2_error *err) {
  char to[600];
  char *sql = NULL;
  name_file(file, names[1], to);
  c2_status status = write_query(file, types, count, to, &sql, err);
  if (status == C2_OK) status = c2_duckdb_run(&file->duck, "output", sql, err);
  if (status == C2_OK) status = copy_bytes(to, out, err);
  free(sql);
  return status;
}

/* ---- Arrow ----------------------------------------------------------------------------------- */

/* What is wanted of the rows' columns, and Arrow's formats for them. */
static void choose_formats(const char *const *types, size_t count, size_t columns, const char *zoned, c2_want *want,
                           const char **format) {
  for (size_t i = 0; i < columns; i++) {
    const char *type = types[i < count ? i : count - 1];
    bool is_text = strcmp(type, "VARCHAR") == 0;
    bool is_whole = strcmp(type, "BIGINT") == 0; /* as text: ids have more digits than time stamps */
    bool is_zoned = strcmp(type, "TIMESTAMPTZ") == 0;
    bool is_time = is_zoned || strcmp(type, "TIMESTAMP") == 0;
    want[i] = (c2_want){i, is_text || is_whole ? C2_WANT_NAME : is_time ? C2_WANT_TIME : C2_WANT_NUMBER, NULL};
    format[i] = is_text ? "u" : is_whole ? "l" : is_zoned ? zoned : is_time ? "tsu:" : type[0] == 'F' ? "f" : "g";
  }
}

/* The rows in parts, a record batch each. */
static c2_status write_batches(c2_input *rows, const c2_want *want, c2_ipc_writer *writer, c2_error *err) {
  enum { BATCH_ROWS = 1 << 16 };
  for (bool more = true; more;) {
    c2_frame frame = {.columns = 0};
    C2_TRY(rows->reader->next(rows, want, rows->header->names.count, BATCH_ROWS, &frame, err));
    more = frame.rows > 0;
    c2_status status = more ? c2_ipc_writer_put(writer, &frame, err) : c2_ipc_writer_finish(writer, err);
    c2_frame_free(&frame);
    C2_TRY(status);
  }
  return C2_OK;
}

static c2_status write_arrow(const c2_table_file *file, const char *const *types, size_t count, const char *zone,
                             FILE *out, c2_error *err) {
  static const c2_dialect ours = {.delimiter = ',', .decimal = '.'};
  char path[600];
  char zoned[C2_ZONED_ROOM];
  c2_input rows = {.path = NULL};
  c2_ipc_writer *writer = NULL;
  c2_want *want = NULL;
  const char **format = NULL;
  c2_status status = C2_OK;
  name_file(file, names[0], path);
  C2_GOTO(c2_input_open_parts(&rows, path, &ours, err));
  size_t columns = rows.header->names.count;
  C2_GOTO(c2_alloc_array(columns, sizeof *want, &want, err));
  C2_GOTO(c2_alloc_array(columns, sizeof *format, &format, err));
  c2_ipc_zoned(zone, zoned);
  choose_formats(types, count, columns, zoned, want, format);
  C2_GOTO(c2_ipc_writer_open(&writer, rows.header->names.text, format, columns, !file->is_stream, out, err));
  status = write_batches(&rows, want, writer, err);
fail:
  c2_ipc_writer_close(&writer);
  c2_input_close(&rows);
  free(want);
  free(format);
  return status;
}

/* ---- Both ------------------------------------------------------------------------------------ */

c2_status c2_table_file_write(c2_table_file *file, const char *const *types, size_t count, const char *zone, FILE *out,
                              c2_error *err) {
  bool failed = ferror(file->csv) != 0;
  failed = fclose(file->csv) != 0 || failed;
  file->csv = NULL;
  if (failed) C2_FAIL(err, C2_ERR_IO, "%s: cannot write", file->folder);
  if (file->is_arrow) return write_arrow(file, types, count, zone, out, err);
  return write_parquet(file, types, count, out, err);
}

void c2_table_file_close(c2_table_file *file) {
  if (file->csv) (void)fclose(file->csv);
  for (size_t i = 0; file->folder[0] && i < 2; i++) {
    char path[600];
    name_file(file, names[i], path);
    (void)unlink(path);
  }
  if (file->folder[0]) (void)rmdir(file->folder);
  for (size_t i = 0; i < 3; i++) c2_temporary_drop(file->kept[i]);
  c2_duckdb_close(&file->duck);
  memset(file, 0, sizeof *file);
}
