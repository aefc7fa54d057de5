/* What DuckDB reads for a path: Parquet and Excel files, folders and patterns of Parquet files; and SQL in the place of
 * a path. */
#include "data/duckdb_source.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "data/duckdb_query.h"

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

bool c2_duckdb_sniff(const c2_input *input) {
  static const char *const ends[] = {".parquet", ".pq", ".xlsx", NULL};
  return is_one_of(input->path, ends) || c2_is_directory(input->path);
}

/* ---- Opening ---------------------------------------------------------------------------------- */

static const char *function_of(const char *path) {
  return c2_text_ends(path, ".xlsx") ? "read_xlsx" : "read_parquet";
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
  char *every = NULL;
  c2_status status = literal ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a query");
  if (status == C2_OK && folder) status = c2_path_join(&every, literal, "**/*.parquet", err);
  FILE *out = status == C2_OK ? open_memstream(&q->from, &size) : NULL;
  if (status == C2_OK && !out) status = c2_fail(err, C2_ERR_MEMORY, "cannot allocate a query");
  if (out) {
    (void)fprintf(out, "%s(", function_of(path));
    c2_sql_quote(out, folder ? every : literal, '\'');
    (void)fputs(folder ? ", hive_partitioning = true)" : ")", out);
    status = c2_sql_finish(out, &q->from, err);
  }
  free(every);
  free(literal);
  return status;
}

/* An extension that isn't part of the library is loaded where it is installed, and named where it isn't. */
static c2_status load_extension(const struct c2_query *q, const c2_input *input, c2_error *err) {
  c2_error why;
  if (strncmp(q->from, "read_xlsx", 9) != 0 || c2_duckdb_run(&q->duck, input->name, "LOAD excel", &why) == C2_OK) {
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

static bool is_link(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

/* Whether a file below the folder is called *.parquet. Folders behind links are left out: they may lead in circles. */
static bool holds_parquet(const char *folder, int depth) {
  DIR *directory = opendir(folder);
  const struct dirent *entry = NULL;
  bool found = false;
  while (directory && !found && (entry = readdir(directory))) {
    char path[4096];
    if (entry->d_name[0] == '.') continue;
    int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (n < 0 || (size_t)n >= sizeof path) continue;
    found = c2_is_directory(path) ? depth > 0 && !is_link(path) && holds_parquet(path, depth - 1)
                                  : c2_text_ends(path, ".parquet");
  }
  if (directory) (void)closedir(directory);
  return found;
}

c2_status c2_duckdb_open_path(c2_input *input, c2_error *err) {
  enum { DEEPEST = 32 };
  if (c2_is_directory(input->path) && !holds_parquet(input->path, DEEPEST)) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot read: it is a directory without Parquet files", input->name);
  }
  return open_source(input, err);
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
  while (n > 0 && strchr("; \t\n", sql[n - 1])) n--;
  FILE *out = open_memstream(&q->from, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fputc('(', out);
  (void)fwrite(sql, 1, n, out);
  (void)fputs("\n)", out);
  C2_TRY(c2_sql_finish(out, &q->from, err));
  return open_names(input, err);
}

void c2_duckdb_close_input(c2_input *input) {
  if (input->query) c2_query_free(input->query);
  free(input->query);
  input->query = NULL;
}
