/* The cache's folders, links and locks. */
#include "hub/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/filelock.h"
#include "base/infile.h"
#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "base/text.h"

/* ---- Paths ------------------------------------------------------------------------------------- */

static c2_status no_path(c2_error *err) {
  C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
}

/* "models--OWNER--NAME" */
static void folder_name(const c2_repo *repo, char out[C2_REPO_NAME + 16]) {
  size_t owner = strcspn(repo->name, "/");
  (void)snprintf(out, C2_REPO_NAME + 16, "%s--%.*s--%s", repo->is_dataset ? "datasets" : "models", (int)owner,
                 repo->name, repo->name + owner + 1);
}

c2_status c2_store_path(const c2_hub *hub, const c2_repo *repo, char **out, c2_error *err, const char *format, ...) {
  char folder[C2_REPO_NAME + 16];
  char *text = NULL;
  size_t size = 0;
  va_list args;
  *out = NULL;
  folder_name(repo, folder);
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return no_path(err);
  bool good = fprintf(stream, "%s/%s/", hub->cache, folder) > 0;
  va_start(args, format);
  good = vfprintf(stream, format, args) >= 0 && good;
  va_end(args);
  good = c2_text_close(stream, &text) && good;
  if (good) {
    *out = text;
    return C2_OK;
  }
  free(text);
  return no_path(err);
}

/* Makes the folder that the path is in. */
static c2_status make_parent(const char *path, c2_error *err) {
  const char *slash = strrchr(path, '/');
  char *folder = c2_strndup(path, slash ? (size_t)(slash - path) : 0);
  if (!folder) return no_path(err);
  c2_status status = c2_make_folder(folder, err);
  free(folder);
  return status;
}

/* ---- Revisions --------------------------------------------------------------------------------- */

/* Fails with C2_ERR_FORMAT where the note holds no commit: a process that ended too early may leave it empty. */
static c2_status read_commit(const c2_hub *hub, const c2_repo *repo, char commit[C2_COMMIT_ROOM], c2_error *err) {
  char *path = NULL;
  char *text = NULL;
  size_t size = 0;
  commit[0] = '\0';
  if (c2_hub_is_digest(repo->revision, C2_COMMIT_ROOM - 1)) {
    (void)strcpy(commit, repo->revision);
    return C2_OK;
  }
  C2_TRY(c2_store_path(hub, repo, &path, err, "refs/%s", repo->revision));
  c2_status status = C2_OK;
  if (c2_file_exists(path) && !c2_is_directory(path)) {
    C2_GOTO(c2_read_config(path, &text, &size, err));
    text[strcspn(text, "\r\n")] = '\0';
    if (!c2_hub_is_digest(text, C2_COMMIT_ROOM - 1)) {
      C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s: expected a commit of 40 hexadecimal digits", path));
    }
    (void)strcpy(commit, text);
  }
fail:
  free(text);
  free(path);
  return status;
}

c2_status c2_store_commit(const c2_hub *hub, const c2_repo *repo, char commit[C2_COMMIT_ROOM], c2_error *err) {
  c2_error why = {.code = C2_OK};
  char line[sizeof why.text + 32];
  c2_status status = read_commit(hub, repo, commit, &why);
  if (status == C2_OK) return C2_OK;
  if (status != C2_ERR_FORMAT || hub->offline) return c2_fail(err, status, "%s", why.text);
  (void)snprintf(line, sizeof line, "%s; it is not used", why.text);
  if (hub->warn) hub->warn(line);
  return C2_OK;
}

c2_status c2_store_set_commit(const c2_hub *hub, const c2_repo *repo, const char *commit, c2_error *err) {
  char known[C2_COMMIT_ROOM];
  char *path = NULL;
  c2_outfile file = {.path = NULL};
  if (c2_hub_is_digest(repo->revision, C2_COMMIT_ROOM - 1)) return C2_OK;
  if (read_commit(hub, repo, known, NULL) == C2_OK && strcmp(known, commit) == 0) return C2_OK;
  C2_TRY(c2_store_path(hub, repo, &path, err, "refs/%s", repo->revision));
  c2_status status = C2_OK;
  C2_GOTO(make_parent(path, err));
  C2_GOTO(c2_outfile_open(&file, path, err));
  (void)fputs(commit, file.stream);
  C2_GOTO(c2_outfile_commit(&file, err));
fail:
  c2_outfile_discard(&file);
  free(path);
  return status;
}

/* ---- Files of a snapshot ----------------------------------------------------------------------- */

c2_status c2_store_has(const c2_hub *hub, const c2_repo *repo, const char *commit, const char *file, bool *has,
                       c2_error *err) {
  char *path = NULL;
  C2_TRY(c2_store_path(hub, repo, &path, err, "snapshots/%s/%s", commit, file));
  *has = c2_file_exists(path); /* a link without its blob is none */
  free(path);
  return C2_OK;
}

/* Puts a link to the blob at `path`, in one step where something else stands there. */
static c2_status put_link(const char *target, const char *blob, const char *path, c2_error *err) {
  if (symlink(target, path) == 0) return C2_OK;
  int reason = errno;
  if (reason == EEXIST && c2_same_file(path, blob)) return C2_OK;
  if (reason == EEXIST) {
    size_t room = strlen(path) + 32;
    char *other = malloc(room);
    if (!other) return no_path(err);
    (void)snprintf(other, room, "%s.tmp-%ld", path, (long)getpid());
    bool done = symlink(target, other) == 0 && rename(other, path) == 0;
    reason = errno;
    if (!done) (void)unlink(other);
    free(other);
    if (done) return C2_OK;
  }
  C2_FAIL(err, C2_ERR_IO, "%s: cannot create the link: %s", path, strerror(reason));
}

c2_status c2_store_link(const c2_hub *hub, const c2_repo *repo, const char *commit, const char *file, const char *etag,
                        c2_error *err) {
  char *path = NULL;
  char *blob = NULL;
  char *target = NULL; /* the blob as seen from the link, so that the cache can be moved */
  size_t up = 2;
  for (const char *c = file; *c; c++) up += *c == '/';
  size_t room = 3 * up + strlen(etag) + sizeof "blobs/";
  C2_TRY(c2_store_path(hub, repo, &path, err, "snapshots/%s/%s", commit, file));
  c2_status status = C2_OK;
  C2_GOTO(c2_store_path(hub, repo, &blob, err, "blobs/%s", etag));
  C2_GOTO(make_parent(path, err));
  C2_GOTO(c2_alloc_array(room, 1, &target, err));
  char *to = target;
  for (size_t i = 0; i < up; i++) to = stpcpy(to, "../");
  to = stpcpy(to, "blobs/");
  (void)strcpy(to, etag);
  C2_GOTO(put_link(target, blob, path, err));
fail:
  free(blob);
  free(target);
  free(path);
  return status;
}

/* ---- Locks ------------------------------------------------------------------------------------- */

c2_status c2_store_lock(const c2_hub *hub, const c2_repo *repo, const char *etag, int *lock, c2_error *err) {
  char folder[C2_REPO_NAME + 16];
  folder_name(repo, folder);
  size_t room = strlen(hub->cache) + sizeof folder + strlen(etag) + 32;
  char *path = malloc(room);
  if (!path) return no_path(err);
  (void)snprintf(path, room, "%s/.locks/%s/%s.lock", hub->cache, folder, etag);
  c2_status status = make_parent(path, err);
  if (status == C2_OK) {
    *lock = c2_file_lock(path, 0664, false);
    if (*lock < 0 && errno == EWOULDBLOCK) {
      if (hub->say) hub->say("another process downloads the same file; waiting for it");
      *lock = c2_file_lock(path, 0664, true);
    }
    if (*lock < 0) status = c2_fail(err, C2_ERR_IO, "%s: cannot lock: %s", path, strerror(errno));
  }
  free(path);
  return status;
}

void c2_store_unlock(int *lock) {
  if (*lock >= 0) (void)close(*lock);
  *lock = -1;
}
