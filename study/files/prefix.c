/* What lies beside the files that a study writes. */
#include "study/files/prefix.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/pool.h"
#include "study/files/schema.h"

c2_status c2_prefix_walk(const char *prefix, c2_prefix_fn each, void *user, c2_error *err) {
  const char *slash = strrchr(prefix, '/');
  size_t folder = slash ? (size_t)(slash - prefix) + 1 : 0;
  size_t length = strlen(prefix + folder);
  char *place = folder ? c2_strndup(prefix, folder) : c2_strdup(".");
  DIR *dir = place ? opendir(place) : NULL;
  c2_status status = place ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (place && !dir && errno == ENOMEM) status = c2_fail(err, C2_ERR_MEMORY, "%s: cannot allocate a folder", place);
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && status == C2_OK; entry = readdir(dir)) {
    char *path = NULL;
    if (strncmp(entry->d_name, prefix + folder, length) != 0 || strncmp(entry->d_name + length, "__", 2) != 0) continue;
    status = c2_path_join(&path, place, entry->d_name, err);
    if (status == C2_OK) status = each(user, path, entry->d_name + length, err);
    free(path);
  }
  if (dir) (void)closedir(dir);
  free(place);
  return status;
}

/* ---- Files of an earlier study --------------------------------------------------------------- */

typedef struct stale {
  const c2_lookup *written;
  c2_lookup ending;
  c2_pool pool; /* of the endings */
} stale;

/* Whether a study writes files of this name, "__perf_sparse_r8.csv". */
static bool is_name(const char *ending) {
  static const char mark[] = "_r";
  if (strcmp(ending, "__report.html") == 0) return true;
  for (int k = 0; k < C2_TABLES; k++) {
    char own[C2_PATH_ROOM];
    size_t n = 2 + strlen(c2_schemas[k].name);
    const char *end = ending;
    double radius = 0;
    if (k == C2_TABLE_OPTIONS || strlen(ending) < n) continue;
    if (c2_schemas[k].by_radius) {
      if (strncmp(ending + n, mark, 2) != 0 || !c2_radius_read(ending + n + 2, &radius, &end)) continue;
    }
    c2_study_table_path("", (c2_study_table)k, radius, own);
    if (strcmp(ending, own) == 0) return true;
  }
  return false;
}

static c2_status add_stale(void *user, const char *path, const char *ending, c2_error *err) {
  stale *s = user;
  struct stat info;
  size_t at = 0;
  if (!is_name(ending) || c2_lookup_find(s->written, ending, &at)) return C2_OK;
  if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) return C2_OK;
  return c2_lookup_keep(&s->ending, &s->pool, ending, &at, err);
}

c2_status c2_prefix_settle(const char *prefix, const c2_lookup *written, bool remove, c2_journal *journal,
                           c2_error *err) {
  stale s = {.written = written};
  size_t removed = 0;
  const char *left = NULL; /* the first in order, as is `gone`; a folder's own order is any */
  const char *gone = NULL;
  c2_status status = c2_prefix_walk(prefix, add_stale, &s, err);
  for (size_t i = 0; status == C2_OK && i < s.ending.count; i++) {
    char path[C2_PATH_ROOM];
    const char *ending = s.ending.text[i];
    c2_path_of(prefix, ending, path);
    bool is_gone = remove && unlink(path) == 0;
    const char **first = is_gone ? &gone : &left;
    if (!*first || strcmp(ending, *first) < 0) *first = ending;
    removed += is_gone;
  }
  if (gone) {
    c2_journal_say(journal, "%zu file%s of an earlier study under this prefix %s removed, as %s%s", removed,
                   removed == 1 ? "" : "s", removed == 1 ? "is" : "are", prefix, gone);
  }
  if (status == C2_OK && left) {
    size_t count = s.ending.count - removed;
    status = c2_journal_warn(journal, err,
                             "%zu file%s of an earlier study stand%s beside these, as %s%s: they are not of this run",
                             count, count == 1 ? "" : "s", count == 1 ? "s" : "", prefix, left);
  }
  c2_lookup_free(&s.ending);
  c2_pool_free(&s.pool);
  return status;
}
