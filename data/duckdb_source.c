/* What DuckDB reads for a path: Parquet and Excel files, folders and patterns of Parquet files; and SQL in the place of
 * a path. */
#include "data/duckdb_source.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

const char *const c2_parquet_names[C2_PARQUET_NAMES] = {"*.[pP][aA][rR][qQ][uU][eE][tT]", "*.[pP][qQ]"};

/* Which of the patterns find a file below the folder. Folders behind links are left out: they may lead in circles. */
static void find_parquet(const char *folder, int depth, bool found[C2_PARQUET_NAMES]) {
  DIR *directory = opendir(folder);
  const struct dirent *entry = NULL;
  while (directory && (entry = readdir(directory))) {
    char path[4096];
    if (entry->d_name[0] == '.') continue;
    int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (n < 0 || (size_t)n >= sizeof path) continue;
    if (!c2_is_directory(path)) {
      for (size_t k = 0; k < C2_PARQUET_NAMES; k++) {
        found[k] = found[k] || fnmatch(c2_parquet_names[k], entry->d_name, 0) == 0;
      }
    } else if (depth > 0 && !c2_is_link(path)) {
      find_parquet(path, depth - 1, found);
    }
  }
  if (directory) (void)closedir(directory);
}

/* Writes the list of a folder's patterns, each of which must find a file. */
static c2_status write_folder(FILE *out, const c2_input *input, const char *literal, c2_error *err) {
  enum { DEEPEST = 32 };
  bool found[C2_PARQUET_NAMES] = {false};
  const char *before = "[";
  find_parquet(input->path, DEEPEST, found);
  for (size_t k = 0; k < C2_PARQUET_NAMES; k++) {
    char pattern[64];
    char *every = NULL;
    if (!found[k]) continue;
    (void)snprintf(pattern, sizeof pattern, "**/%s", c2_parquet_names[k]);
    C2_TRY(c2_path_join(&every, literal, pattern, err));
    (void)fputs(before, out);
    c2_sql_quote(out, every, '\'');
    free(every);
    before = ", ";
  }
  (void)fputc(']', out);
  if (*before == ',') return C2_OK;
  C2_FAIL(err, C2_ERR_IO, "%s: cannot read: it is a directory without Parquet files", input->name);
}

static c2_status write_files(struct c2_query *q, const c2_input *input, c2_error *err) {
  size_t size = 0;
  c2_status status = C2_OK;
  char *literal = is_pattern(input->path) ? c2_strdup(input->path) : literal_pattern(input->path);
  FILE *out = literal ? open_memstream(&q->files, &size) : NULL;
  if (out && c2_is_directory(input->path)) {
    status = write_folder(out, input, literal, err);
  } else if (out) {
    c2_sql_quote(out, literal, '\'');
  }
  free(literal);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  c2_error why;
  c2_status finished = c2_sql_finish(out, &q->files, &why);
  return status != C2_OK || finished == C2_OK ? status : c2_fail(err, finished, "%s", why.text);
}

/* "read_parquet('sales.parquet')". */
static c2_status write_source(struct c2_query *q, const c2_input *input, c2_error *err) {
  const char *path = input->path;
  size_t size = 0;
  bool folder = c2_is_directory(path);
  bool is_book = c2_text_ends(path, ".xlsx");
  q->are_several = folder || is_pattern(path);
  if (strstr(path, "://")) C2_FAIL(err, C2_ERR_IO, "%s: expected a local file", input->name);
  if (!q->are_several && !c2_file_exists(path)) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot open: no such file", input->name);
  }
  C2_TRY(write_files(q, input, err));
  FILE *out = open_memstream(&q->from, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fprintf(out, "read_%s(%s%s%s)", is_book ? "xlsx" : "parquet", q->files,
                q->are_several && !is_book ? ", union_by_name = true" : "", folder ? ", hive_partitioning = true" : "");
  return c2_sql_finish(out, &q->from, err);
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

c2_status c2_duckdb_open_path(c2_input *input, c2_error *err) {
  c2_error why;
  C2_TRY(c2_alloc_array(1, sizeof *input->query, &input->query, err));
  C2_TRY(write_source(input->query, input, err));
  if (c2_duckdb_open(&input->query->duck, NULL, true, &why) != C2_OK) {
    C2_FAIL(err, why.code, "%s: %s", input->name, why.text);
  }
  C2_TRY(load_extension(input->query, input, err));
  return open_names(input, err);
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
