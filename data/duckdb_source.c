/* What DuckDB reads for a path: Parquet and Excel files, folders and patterns of Parquet files; and SQL in the place of
 * a path. */
#include "data/duckdb_source.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "data/book.h"
#include "data/duckdb_query.h"
#include "data/duckdb_schema.h"

/* ---- Paths ------------------------------------------------------------------------------------ */

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
    if (c2_text_ends(path, *ends)) return true;
  }
  return false;
}

static bool is_named(const char *path) {
  static const char *const ends[] = {".parquet", ".pq", ".xlsx", NULL};
  return is_one_of(path, ends);
}

bool c2_duckdb_sniff(const c2_input *input) {
  return is_named(input->path) || (strcmp(input->path, "-") != 0 && c2_is_directory(input->path));
}

c2_status c2_duckdb_check_name(const char *path, c2_error *err) {
  return is_named(path) ? c2_duckdb_check(err) : C2_OK;
}

/* ---- Opening ---------------------------------------------------------------------------------- */

const char *const c2_parquet_names[C2_PARQUET_NAMES] = {"*.[pP][aA][rR][qQ][uU][eE][tT]", "*.[pP][qQ]"};

/* The number of folders in a path's first bytes that are named key=value. */
static size_t count_keys(const char *path, size_t size) {
  size_t keys = 0;
  for (size_t i = 0; i < size; i += strcspn(path + i, "/") + 1) keys += c2_is_key(path + i, size - i);
  return keys;
}

/* Whether a file's folders give columns, beyond those that lead to where the user has pointed: [above] of them. */
static bool has_keys_below(const char *file, size_t above) {
  const char *slash = strrchr(file, '/');
  return slash && count_keys(file, (size_t)(slash - file)) > above;
}

/* The Parquet files below a folder, as a list of SQL. */
typedef struct listing {
  FILE *out;
  size_t files, hidden; /* hidden: those and folders that were passed over */
  size_t above;         /* keys in the path of the folder itself */
  bool has_keys;
} listing;

static bool is_parquet(const char *name) {
  bool is_it = false;
  for (size_t k = 0; k < C2_PARQUET_NAMES; k++) is_it = is_it || fnmatch(c2_parquet_names[k], name, 0) == 0;
  return is_it;
}

/* As Spark and pyarrow have it: such files are not done yet, or no data. */
static bool is_hidden(const char *name) {
  return *name == '.' || (*name == '_' && !strchr(name, '='));
}

static c2_status list_folder(listing *l, const char *folder, c2_error *err);

/* Folders behind links are left out: they may lead in circles. */
static c2_status list_entry(listing *l, const char *folder, const char *name, c2_error *err) {
  char *path = NULL;
  char *literal = NULL;
  c2_status status = C2_OK;
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return C2_OK;
  C2_TRY(c2_path_join(&path, folder, name, err));
  bool is_folder = c2_is_directory(path);
  bool is_wanted = is_folder ? !c2_is_link(path) : is_parquet(name);
  if (is_wanted && is_hidden(name)) {
    l->hidden++;
  } else if (is_wanted && is_folder) {
    status = list_folder(l, path, err);
  } else if (is_wanted && (literal = literal_pattern(path)) != NULL) {
    (void)fputs(l->files++ ? ", " : "", l->out);
    c2_sql_quote(l->out, literal, '\'');
    l->has_keys = l->has_keys || has_keys_below(path, l->above);
  } else if (is_wanted) {
    status = c2_fail(err, C2_ERR_MEMORY, "cannot allocate a query");
  }
  free(literal);
  free(path);
  return status;
}

static c2_status list_folder(listing *l, const char *folder, c2_error *err) {
  struct dirent **entry = NULL;
  c2_status status = C2_OK;
  int count = scandir(folder, &entry, NULL, alphasort);
  if (count < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot read: %s", folder, strerror(errno));
  for (int i = 0; i < count; i++) {
    if (status == C2_OK) status = list_entry(l, folder, entry[i]->d_name, err);
    free(entry[i]);
  }
  free(entry);
  return status;
}

static c2_status write_folder(FILE *out, c2_input *input, c2_error *err) {
  listing l = {.out = out, .above = count_keys(input->path, strlen(input->path))};
  (void)fputc('[', out);
  C2_TRY(list_folder(&l, input->path, err));
  (void)fputc(']', out);
  input->query->has_keys = l.has_keys;
  input->hidden = l.hidden;
  if (l.files > 0) return C2_OK;
  C2_FAIL(err, C2_ERR_IO, "%s: cannot read: it is a directory without Parquet files%s", input->name,
          l.hidden > 0 ? ", names with . or _ in front being passed over" : "");
}

static c2_status write_files(struct c2_query *q, c2_input *input, c2_error *err) {
  size_t size = 0;
  c2_status status = C2_OK;
  char *literal = is_pattern(input->path) ? c2_strdup(input->path) : literal_pattern(input->path);
  FILE *out = literal ? open_memstream(&q->files, &size) : NULL;
  if (out && c2_is_directory(input->path)) {
    status = write_folder(out, input, err);
  } else if (out) {
    c2_sql_quote(out, literal, '\'');
  }
  free(literal);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  c2_error why;
  c2_status finished = c2_sql_finish(out, &q->files, &why);
  return status != C2_OK || finished == C2_OK ? status : c2_fail(err, finished, "%s", why.text);
}

/* Whether folders of the files that a pattern finds give columns. Those before its first sign don't count. */
static c2_status find_keys(struct c2_query *q, const c2_input *input, c2_error *err) {
  struct c2_query s = {.duck = q->duck};
  char *sql = NULL;
  size_t size = 0;
  size_t fixed = strcspn(input->path, "*?[");
  while (fixed > 0 && input->path[fixed - 1] != '/') fixed--;
  FILE *out = open_memstream(&sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fprintf(out, "SELECT file FROM glob(%s)", q->files);
  c2_status status = c2_sql_finish(out, &sql, err);
  if (status == C2_OK) status = c2_query_start(&s, input->name, sql, err);
  while (status == C2_OK && (status = c2_query_fetch(&s, input->name, err)) == C2_OK && s.chunk) {
    for (size_t i = 0; i < s.rows; i++) {
      char file[4096];
      c2_query_copy_text(&s, 0, i, file, sizeof file);
      q->has_keys = q->has_keys || has_keys_below(file, count_keys(input->path, fixed));
    }
  }
  c2_query_stop(&s);
  free(sql);
  return status;
}

static c2_status find_files(struct c2_query *q, c2_input *input, c2_error *err) {
  const char *path = input->path;
  q->are_several = c2_is_directory(path) || is_pattern(path);
  q->is_book = c2_text_ends(path, ".xlsx") && !c2_is_directory(path);
  if (strstr(path, "://")) C2_FAIL(err, C2_ERR_IO, "%s: expected a local file", input->name);
  if (!q->are_several && !c2_file_exists(path)) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot open: no such file", input->name);
  }
  if (q->is_book && q->are_several) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "%s: expected the names of files: of a pattern DuckDB reads the first Excel file and no other",
            input->name);
  }
  if (q->is_book) C2_TRY(c2_book_sheets(path, &input->sheets, err));
  return write_files(q, input, err);
}

/* "read_parquet('sales.parquet')". DuckDB itself would take keys from all of a path, and prefer them to the file's own
 * columns; it would change their texts ("2024-1-2"), and end a sheet of Excel at its first empty row. */
static c2_status write_source(struct c2_query *q, const c2_input *input, c2_error *err) {
  size_t size = 0;
  if (is_pattern(input->path)) C2_TRY(find_keys(q, input, err));
  FILE *out = open_memstream(&q->from, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  if (q->is_book) {
    (void)fprintf(out, "read_xlsx(%s, stop_at_empty = false)", q->files);
  } else {
    (void)fprintf(out, "read_parquet(%s%s, hive_partitioning = %s)", q->files,
                  q->are_several ? ", union_by_name = true" : "",
                  q->has_keys ? "true, hive_types_autocast = false" : "false");
  }
  return c2_sql_finish(out, &q->from, err);
}

/* An extension that isn't part of the library is loaded where it is installed, and named where it isn't. */
static c2_status load_extension(const struct c2_query *q, const c2_input *input, c2_error *err) {
  c2_error why;
  if (!q->is_book || c2_duckdb_run(&q->duck, input->name, "LOAD excel", &why) == C2_OK) {
    return C2_OK;
  }
  C2_FAIL(err, C2_ERR_UNSUPPORTED,
          "%s: DuckDB reads this format by its extension 'excel', which is not installed: 'INSTALL excel' in a DuckDB "
          "of this library's version brings it; or save the table as CSV or Parquet",
          input->name);
}

static c2_status open_names(c2_input *input, c2_error *err) {
  struct c2_query *q = input->query;
  C2_TRY(c2_query_describe(q, input->name, q->from, true, err));
  q->header.file = input->name;
  C2_TRY(c2_header_fill(&q->header, q->name, q->columns, err));
  input->header = &q->header;
  return C2_OK;
}

/* DuckDB keeps some pages of each column that it reads. Nothing of the configuration may be set any more. */
static c2_status allow_memory(c2_input *input, c2_error *err) {
  char sql[160];
  enum { MEGABYTES = 200, COLUMNS = 10 /* of a megabyte */ };
  (void)snprintf(sql, sizeof sql, "SET memory_limit = '%zuMB'; SET lock_configuration = true",
                 MEGABYTES + input->query->columns / COLUMNS);
  return c2_duckdb_run(&input->query->duck, input->name, sql, err);
}

c2_status c2_duckdb_open_path(c2_input *input, c2_error *err) {
  c2_error why;
  C2_TRY(c2_alloc_array(1, sizeof *input->query, &input->query, err));
  C2_TRY(find_files(input->query, input, err));
  if (c2_duckdb_open(&input->query->duck, NULL, true, &why) != C2_OK) {
    C2_FAIL(err, why.code, "%s: %s", input->name, why.text);
  }
  C2_TRY(write_source(input->query, input, err));
  C2_TRY(load_extension(input->query, input, err));
  C2_TRY(c2_duckdb_check_files(input, NULL, 0, NULL, err)); /* before names that DuckDB makes up stand in a message */
  C2_TRY(open_names(input, err));
  return allow_memory(input, err);
}

/* Of a query between brackets DuckDB renames the columns whose names come again; described, it has its own names. */
static c2_status check_sql_names(const struct c2_query *q, const char *name, c2_error *err) {
  struct c2_query s = {.duck = q->duck};
  c2_lookup names = {.count = 0};
  c2_status status = C2_OK;
  char *sql = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fprintf(out, "SELECT column_name FROM (DESCRIBE %s)", q->from);
  C2_GOTO(c2_sql_finish(out, &sql, err));
  C2_GOTO(c2_query_start(&s, name, sql, err));
  for (;;) {
    C2_GOTO(c2_query_fetch(&s, name, err));
    if (!s.chunk) break;
    for (size_t i = 0; i < s.rows; i++) {
      char column[C2_DUCKDB_NAME_ROOM];
      c2_query_copy_text(&s, 0, i, column, sizeof column);
      C2_GOTO(c2_duckdb_take_name(&names, &s.pool, name, column, err));
    }
  }
fail:
  c2_lookup_free(&names);
  c2_query_stop(&s);
  c2_pool_free(&s.pool);
  free(sql);
  return status;
}

c2_status c2_duckdb_open_sql(c2_input *input, const char *sql, const char *database, c2_error *err) {
  void *statement = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *input->query, &input->query, err));
  struct c2_query *q = input->query;
  c2_error why;
  if (database && !c2_file_exists(database)) C2_FAIL(err, C2_ERR_IO, "%s: cannot open: no such file", database);
  if (c2_duckdb_open(&q->duck, database, false, &why) != C2_OK) C2_FAIL(err, why.code, "%s: %s", input->name, why.text);
  c2_status status = C2_OK;
  if (q->duck.prepare(q->duck.connection, sql, &statement) != 0) {
    status = c2_duckdb_fail(input->name, q->duck.prepare_error(statement), err);
  } else if (q->duck.prepared_statement_type(statement) != C2_DUCKDB_SELECT) {
    status = c2_fail(err, C2_ERR_ARGUMENT, "%s: expected one SELECT, which only reads", input->name);
  }
  q->duck.destroy_prepare(&statement);
  C2_TRY(status);
  size_t n = strlen(sql);
  size_t size = 0;
  while (n > 0 && strchr("; \t\r\n", sql[n - 1])) n--;
  FILE *out = open_memstream(&q->from, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fputc('(', out);
  (void)fwrite(sql, 1, n, out);
  (void)fputs("\n)", out);
  C2_TRY(c2_sql_finish(out, &q->from, err));
  C2_TRY(check_sql_names(q, input->name, err));
  return open_names(input, err);
}

void c2_duckdb_close_input(c2_input *input) {
  if (input->query) c2_query_free(input->query);
  free(input->query);
  input->query = NULL;
}
