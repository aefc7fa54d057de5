/* Outputs that would take the place of what is read. */
#include "data/keep.h"

#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "base/text.h"
#include "data/duckdb_source.h"

enum { PATH_ROOM = 4096, DEEPEST = 32 };

/* ---- Patterns --------------------------------------------------------------------------------- */

/* The files below a folder whose paths from there match, as DuckDB finds them. */
typedef struct pattern {
  const char *output, *input;
  char folder[PATH_ROOM]; /* "" or ending in a slash */
  char rest[PATH_ROOM];   /* of the pattern; of "**" and what follows it this is wider: a "*" that takes slashes */
  bool is_deep;           /* it has one */
  int depth;              /* of folders below `folder` */
} pattern;

static bool matches(const pattern *p, const char *path) {
  return fnmatch(p->rest, path, FNM_NOESCAPE | (p->is_deep ? 0 : FNM_PATHNAME)) == 0;
}

/* `folder` as p->folder. "**" follows no links, which may lead in circles. */
static c2_status keep_below(const pattern *p, const char *folder, int depth, c2_error *err) {
  DIR *directory = opendir(*folder ? folder : ".");
  c2_status status = C2_OK;
  for (struct dirent *entry = directory ? readdir(directory) : NULL; entry && status == C2_OK;
       entry = readdir(directory)) {
    char path[PATH_ROOM];
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    int n = snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
    if (n < 0 || (size_t)n + 1 >= sizeof path) continue;
    if (!c2_is_directory(path)) {
      if (matches(p, path + strlen(p->folder))) status = c2_outfile_keep_input(p->output, path, err);
    } else if (depth > 0 && !(p->is_deep && c2_is_link(path))) {
      path[n] = '/';
      path[n + 1] = '\0';
      status = keep_below(p, path, depth - 1, err);
    }
  }
  if (directory) (void)closedir(directory);
  return status;
}

/* Whether the output's own place, where there may be no file yet, is below the folder and matches. */
static bool is_among(const pattern *p) {
  c2_error err;
  char *target = NULL;
  if (c2_outfile_target(p->output, &target, &err) != C2_OK || !target) return false;
  char *slash = strrchr(target, '/');
  const char *name = slash ? slash + 1 : target;
  char *last = c2_strdup(name);
  if (slash) slash[1] = '\0';
  char *from = realpath(slash ? target : ".", NULL);
  char *folder = realpath(*p->folder ? p->folder : ".", NULL);
  char path[PATH_ROOM];
  size_t size = folder ? strlen(folder) : 0;
  while (size > 0 && folder[size - 1] == '/') size--; /* "/" itself */
  int n = last && from ? snprintf(path, sizeof path, "%s/%s", strcmp(from, "/") == 0 ? "" : from, last) : -1;
  bool found = folder && n >= 0 && (size_t)n < sizeof path && strncmp(path, folder, size) == 0 && path[size] == '/' &&
               matches(p, path + size + 1);
  free(last);
  free(from);
  free(folder);
  free(target);
  return found;
}

static c2_status keep_pattern(pattern *p, c2_error *err) {
  p->is_deep = strstr(p->rest, "**") != NULL;
  for (char *at = p->rest; (at = strstr(at, "**/"));) memmove(at + 1, at + 3, strlen(at + 3) + 1);
  for (const char *c = p->rest; *c; c++) p->depth += *c == '/';
  if (p->is_deep) p->depth = DEEPEST;
  C2_TRY(keep_below(p, p->folder, p->depth, err));
  if (!is_among(p)) return C2_OK;
  C2_FAIL(err, C2_ERR_IO, "%s: the output would be one of the files of the input %s", p->output, p->input);
}

/* Splits "data/x*.parquet" at the last slash before its first sign of a pattern. */
static c2_status keep_matching(const char *output, const char *path, c2_error *err) {
  pattern p = {.output = output, .input = path};
  size_t size = strcspn(path, "*?[");
  while (size > 0 && path[size - 1] != '/') size--;
  if (strlen(path) >= PATH_ROOM) return C2_OK; /* no file has such a name */
  memcpy(p.folder, path, size);
  memcpy(p.rest, path + size, strlen(path + size) + 1);
  return keep_pattern(&p, err);
}

static c2_status keep_folder(const char *output, const char *path, c2_error *err) {
  for (size_t k = 0; k < C2_PARQUET_NAMES; k++) {
    pattern p = {.output = output, .input = path};
    int n = snprintf(p.folder, sizeof p.folder, "%s/", path);
    if (n < 0 || (size_t)n >= sizeof p.folder) return C2_OK;
    (void)snprintf(p.rest, sizeof p.rest, "**/%s", c2_parquet_names[k]);
    C2_TRY(keep_pattern(&p, err));
  }
  return C2_OK;
}

c2_status c2_keep_input(const char *output, const char *path, c2_error *err) {
  if (strcmp(path, "-") != 0 && c2_is_directory(path)) return keep_folder(output, path, err);
  if (!strpbrk(path, "*?[") || c2_file_exists(path)) return c2_outfile_keep_input(output, path, err);
  return keep_matching(output, path, err);
}

/* ---- SQL -------------------------------------------------------------------------------------- */

/* Whether a text with signs of a pattern is one of files: a query has patterns of texts, too. */
static bool names_files(const char *text) {
  static const char *const ends[] = {".csv", ".tsv", ".txt", ".parquet", ".pq", ".json", ".jsonl", ".ndjson", ".xlsx",
                                     ".arrow", ".arrows", ".gz", ".zst"};
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    if (c2_text_ends(text, ends[i])) return true;
  }
  return false;
}

/* What may be the name of a file; of a folder DuckDB reads nothing. */
static c2_status keep_name(const char *output, const char *name, c2_error *err) {
  char path[PATH_ROOM];
  const char *home = strncmp(name, "~/", 2) == 0 ? getenv("HOME") : NULL;
  if (strncmp(name, "file:", 5) == 0) name += strncmp(name, "file://", 7) == 0 ? 7 : 5;
  int n = snprintf(path, sizeof path, "%s%s", home ? home : "", home ? name + 1 : name);
  if (n <= 0 || (size_t)n >= sizeof path || strcmp(path, "-") == 0 || c2_is_directory(path)) return C2_OK;
  if (strpbrk(path, "*?[") && !names_files(path)) return C2_OK;
  return c2_keep_input(output, path, err);
}

/* Copies what stands in quotes, within which they are doubled. Returns what follows. */
static const char *take_quoted(const char *at, char *name) {
  char quote = *at++;
  for (; *at && (*at != quote || at[1] == quote); at++) {
    if (*at == quote) at++;
    *name++ = *at;
  }
  *name = '\0';
  return *at ? at + 1 : at;
}

/* Copies what stands between two times "$tag$", or nothing where there is no such pair. */
static const char *take_dollars(const char *at, char *name) {
  size_t tag = 1;
  while (isalnum((unsigned char)at[tag]) || at[tag] == '_') tag++;
  *name = '\0';
  if (at[tag++] != '$') return at + 1;
  const char *from = at + tag;
  const char *to = from;
  while (*to && strncmp(to, at, tag) != 0) to++;
  memcpy(name, from, (size_t)(to - from));
  name[to - from] = '\0';
  return *to ? to + tag : to;
}

/* Copies a word, which may be a table's name: DuckDB takes x.csv for a file. */
static const char *take_word(const char *at, char *name) {
  while (isalnum((unsigned char)*at) || *at == '_' || *at == '.' || (unsigned char)*at >= 128) *name++ = *at++;
  *name = '\0';
  return at;
}

static const char *skip_comment(const char *at) {
  const char *end = *at == '-' ? strchr(at, '\n') : strstr(at + 2, "*/");
  return !end ? at + strlen(at) : *at == '-' ? end : end + 2;
}

c2_status c2_keep_query(const char *output, const char *sql, c2_error *err) {
  c2_status status = C2_OK;
  char *name = malloc(strlen(sql) + 1);
  if (!name) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  for (const char *at = sql; *at && status == C2_OK;) {
    *name = '\0';
    if (strncmp(at, "--", 2) == 0 || strncmp(at, "/*", 2) == 0) {
      at = skip_comment(at);
    } else if (*at == '\'' || *at == '"') {
      at = take_quoted(at, name);
    } else if (*at == '$') {
      at = take_dollars(at, name);
    } else {
      const char *end = take_word(at, name);
      at = end > at ? end : at + 1;
    }
    if (*name) status = keep_name(output, name, err);
  }
  free(name);
  return status;
}
