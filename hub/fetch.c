/* A file's way: its facts, its lock, its bytes under a name that says they are incomplete, their digest, their name. */
#include "hub/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/infile.h"
#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"

enum { PIECE = 1 << 20 };

static const uint64_t UNSAID_LIMIT = 64 * 1000 * 1000; /* bytes of a file whose size the hub does not say */

void c2_hub_say(const c2_hub *hub, const char *format, ...) {
  char line[1024];
  va_list args;
  va_start(args, format);
  c2_text_format(line, sizeof line, format, args);
  va_end(args);
  if (hub->say) hub->say(line);
}

/* "478.1 MB" */
enum { AMOUNT_ROOM = 24 };

static void put_amount(uint64_t bytes, char out[AMOUNT_ROOM]) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
  double amount = (double)bytes;
  size_t unit = 0;
  for (; amount >= 1000; unit++) amount /= 1000;
  (void)snprintf(out, AMOUNT_ROOM, unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

/* ---- What the hub says of a file ---------------------------------------------------------------- */

/* An etag becomes the name of a file. */
static bool is_etag(const char *text) {
  static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  size_t n = strlen(text);
  return n > 0 && n < C2_ETAG_ROOM - 1 && text[0] != '.' && strspn(text, good) == n && !strstr(text, ".incomplete");
}

static bool has_digest(const c2_file_facts *facts) {
  return c2_hub_is_digest(facts->etag, 64) || c2_hub_is_digest(facts->etag, 40);
}

static c2_status url_of(const c2_fetch *f, const char *file, char **url, c2_error *err) {
  char *revision = NULL;
  char *path = NULL;
  c2_status status = C2_OK;
  *url = NULL;
  C2_GOTO(c2_hub_escape(f->commit[0] ? f->commit : f->repo->revision, false, &revision, err));
  C2_GOTO(c2_hub_escape(file, true, &path, err));
  const char *kind = f->repo->is_dataset ? "datasets/" : "";
  size_t room = strlen(f->hub->endpoint) + strlen(kind) + strlen(f->repo->name) + strlen(revision) + strlen(path) + 16;
  C2_GOTO(c2_alloc_array(room, 1, url, err));
  (void)snprintf(*url, room, "%s/%s%s/resolve/%s/%s", f->hub->endpoint, kind, f->repo->name, revision, path);
fail:
  free(revision);
  free(path);
  return status;
}

static c2_status check_facts(c2_fetch *f, const char *file, const c2_file_facts *facts, c2_error *err) {
  const char *name = f->repo->name;
  if (!facts->commit[0]) {
    C2_FAIL(err, C2_ERR_FORMAT,
            "%s: %s names no commit (header X-Repo-Commit), so it is no hub, or something between here and there "
            "changes its answers",
            name, f->hub->shown);
  }
  if (!c2_hub_is_digest(facts->commit, C2_COMMIT_ROOM - 1)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: %s: expected a commit of 40 hexadecimal digits from the hub, found '%.60s'", name,
            file, facts->commit);
  }
  if (f->commit[0] && strcmp(f->commit, facts->commit) != 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: %s: expected a file of commit %s, the hub's is of %s", name, file, f->commit,
            facts->commit);
  }
  if (!is_etag(facts->etag)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: %s: expected an ETag of letters and digits from the hub, found '%.60s'", name,
            file, facts->etag);
  }
  if (!facts->has_size && !has_digest(facts)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: %s: the hub tells neither its size nor its digest, so no download can be checked",
            name, file);
  }
  (void)strcpy(f->commit, facts->commit);
  return C2_OK;
}

/* ---- Bytes -------------------------------------------------------------------------------------- */

typedef struct partial {
  c2_receiver receiver;
  const c2_hub *hub;
  const char *name; /* of the file, for people */
  char *path; /* of the incomplete blob */
  int file;
  uint64_t limit; /* bytes that may come */
  uint64_t total; /* 0: not known */
} partial;

static c2_status cannot_write(const char *path, c2_error *err) {
  C2_FAIL(err, C2_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

static c2_status restart(c2_receiver *receiver, c2_error *err) {
  partial *p = (partial *)receiver; /* its first member */
  if (ftruncate(p->file, 0) != 0) return cannot_write(p->path, err);
  receiver->size = 0;
  return C2_OK;
}

static c2_status add(c2_receiver *receiver, const char *bytes, size_t size, c2_error *err) {
  partial *p = (partial *)receiver;
  uint64_t at = receiver->size;
  if (size > p->limit - at) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: the hub sends more than the %llu bytes that it %s", p->name,
            (unsigned long long)p->limit, p->total ? "has told of" : "may without telling their number");
  }
  for (size_t done = 0; done < size;) {
    ssize_t n = pwrite(p->file, bytes + done, size - done, (off_t)(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot_write(p->path, err);
    done += (size_t)n;
  }
  if (p->hub->progress && p->total && ((at + size) / PIECE > at / PIECE || at + size == p->total)) {
    p->hub->progress(p->name, at + size, p->total);
  }
  return C2_OK;
}

/* Opens what an earlier try has left, or a new file. The lock is held. */
static c2_status open_partial(partial *p, c2_error *err) {
  struct stat info;
  p->file = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (p->file < 0 || fstat(p->file, &info) != 0) return cannot_write(p->path, err);
  if (!S_ISREG(info.st_mode)) C2_FAIL(err, C2_ERR_IO, "%s: not a regular file", p->path);
  p->receiver.size = (uint64_t)info.st_size;
  return p->receiver.size > p->limit ? restart(&p->receiver, err) : C2_OK;
}

static c2_status check_space(const partial *p, c2_error *err) {
  struct statvfs info;
  char needed[AMOUNT_ROOM];
  char there[AMOUNT_ROOM];
  if (!p->total || fstatvfs(p->file, &info) != 0) return C2_OK;
  uint64_t room = (uint64_t)info.f_bavail * info.f_frsize;
  uint64_t missing = p->total - p->receiver.size;
  if (missing <= room) return C2_OK;
  put_amount(missing, needed);
  put_amount(room, there);
  C2_FAIL(err, C2_ERR_IO, "%s: needs %s of space in %s, which has %s left", p->name, needed, p->hub->cache, there);
}

/* The digest of the whole file: SHA-256 of its bytes, or what git calls it by. */
static c2_status digest(const partial *p, c2_sha_kind kind, char out[C2_SHA_ROOM], c2_error *err) {
  c2_infile file = {.path = p->path, .descriptor = p->file, .size = (size_t)p->receiver.size};
  c2_sha sha;
  char head[32];
  c2_sha_begin(&sha, kind);
  int n = snprintf(head, sizeof head, "blob %llu", (unsigned long long)p->receiver.size);
  if (kind == C2_SHA1) c2_sha_add(&sha, head, (size_t)n + 1); /* with its zero */
  C2_TRY(c2_infile_digest(&file, &sha, err));
  c2_sha_end(&sha, out);
  return C2_OK;
}

/* ---- Whole and right? ----------------------------------------------------------------------------- */

/* *why tells what is wrong: "" if nothing is. */
static c2_status verify(const partial *p, const c2_file_facts *facts, char why[256], c2_error *err) {
  char sum[C2_SHA_ROOM];
  bool is_sha256 = c2_hub_is_digest(facts->etag, 64);
  why[0] = '\0';
  if (facts->has_size && p->receiver.size != facts->size) {
    (void)snprintf(why, 256, "it has %llu bytes, the hub told of %llu", (unsigned long long)p->receiver.size,
                   (unsigned long long)facts->size);
    return C2_OK;
  }
  if (!has_digest(facts)) {
    char line[256];
    (void)snprintf(line, sizeof line, "%.100s: the hub gives no digest of it, so only its size was checked", p->name);
    if (p->hub->warn) p->hub->warn(line);
    return C2_OK;
  }
  C2_TRY(digest(p, is_sha256 ? C2_SHA256 : C2_SHA1, sum, err));
  if (strcmp(sum, facts->etag) != 0) {
    (void)snprintf(why, 256, "its digest is %s, the hub told of %s", sum, facts->etag);
  }
  return C2_OK;
}

/* Gets the bytes that are missing. What an interrupted process has left may be wrong: then all, once more. */
static c2_status get_verified(const c2_fetch *f, partial *p, const char *url, const c2_file_facts *facts,
                              c2_error *err) {
  char why[256];
  const c2_question question = {f->repo, p->name, true, url, &p->receiver};
  for (;;) {
    bool resumed = p->receiver.size > 0;
    bool found = true;
    if (!facts->has_size || p->receiver.size < facts->size || facts->size == 0) {
      C2_TRY(c2_hub_ask(f->hub, &question, NULL, &found, err));
    }
    if (!found) C2_FAIL(err, C2_ERR_IO, "%s: %s: the hub had it, and has it no more", f->repo->name, p->name);
    C2_TRY(verify(p, facts, why, err));
    if (!why[0]) break;
    C2_TRY(restart(&p->receiver, err));
    if (!resumed) C2_FAIL(err, C2_ERR_FORMAT, "%s: %s: not what it should be: %s", f->repo->name, p->name, why);
    c2_hub_say(f->hub, "%s: what an earlier download has left is damaged (%s); starting anew", p->name, why);
  }
  if (fsync(p->file) != 0) return cannot_write(p->path, err);
  return C2_OK;
}

/* ---- A file ---------------------------------------------------------------------------------------- */

/* The lock is held. */
static c2_status download(c2_fetch *f, const char *file, const char *url, const char *blob, const c2_file_facts *facts,
                          c2_error *err) {
  char amount[AMOUNT_ROOM] = "unknown size";
  size_t room = strlen(blob) + sizeof ".incomplete";
  char *path = malloc(room);
  if (!path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  (void)snprintf(path, room, "%s.incomplete", blob);
  partial p = {.receiver = {.restart = restart, .add = add},
               .hub = f->hub,
               .name = file,
               .path = path,
               .file = -1,
               .limit = facts->has_size ? facts->size : UNSAID_LIMIT,
               .total = facts->has_size ? facts->size : 0};
  c2_status status = C2_OK;
  C2_GOTO(open_partial(&p, err));
  C2_GOTO(check_space(&p, err));
  if (facts->has_size) put_amount(facts->size, amount);
  c2_hub_say(f->hub, "downloading %s of %s, %s%s", file, f->repo->name, amount,
             p.receiver.size ? " (going on where an earlier download ended)" : "");
  C2_GOTO(get_verified(f, &p, url, facts, err));
  if (rename(path, blob) != 0) C2_GOTO(c2_fail(err, C2_ERR_IO, "%s: cannot rename: %s", path, strerror(errno)));
  f->downloaded++;
fail:
  if (p.file >= 0) (void)close(p.file);
  if (status != C2_OK && p.file >= 0 && p.receiver.size == 0) (void)unlink(path);
  free(path);
  return status;
}

/* Whether the contents are there: a file that is, and has the size that the hub tells of. */
static bool is_whole(const c2_fetch *f, const char *path, const char *file, const c2_file_facts *facts) {
  struct stat info;
  if (stat(path, &info) != 0) return false;
  if (!facts->has_size || (uint64_t)info.st_size == facts->size) return true;
  c2_hub_say(f->hub, "%s: %s has %llu bytes, the hub tells of %llu; downloading it again", file, path,
             (unsigned long long)info.st_size, (unsigned long long)facts->size);
  return false;
}

/* Whether the snapshot has what the hub tells of: a link to the blob, or, in a cache without links, a file of its own,
 * which no name vouches for. */
static c2_status is_there(const c2_fetch *f, const char *file, const char *blob, const c2_file_facts *facts,
                          bool *there, c2_error *err) {
  c2_infile own = {.descriptor = -1};
  char *path = NULL;
  struct stat info;
  char why[256];
  *there = false;
  C2_TRY(c2_store_path(f->hub, f->repo, &path, err, "snapshots/%s/%s", f->commit, file));
  c2_status status = C2_OK;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) goto fail;
  if (c2_same_file(path, blob)) {
    *there = !facts->has_size || (uint64_t)info.st_size == facts->size;
    goto fail;
  }
  C2_GOTO(c2_infile_open(&own, path, err));
  const partial p = {
      .receiver = {.size = own.size}, .hub = f->hub, .name = file, .path = own.path, .file = own.descriptor};
  C2_GOTO(verify(&p, facts, why, err));
  *there = !why[0];
  if (!*there) c2_hub_say(f->hub, "%s: %s is not what it should be: %s; it is replaced", file, path, why);
fail:
  c2_infile_close(&own);
  free(path);
  return status;
}

static c2_status store(c2_fetch *f, const char *file, const char *url, const c2_file_facts *facts, c2_error *err) {
  char *blob = NULL;
  char *folder = NULL;
  int lock = -1;
  bool there = false;
  c2_status status = C2_OK;
  C2_GOTO(c2_store_path(f->hub, f->repo, &folder, err, "blobs"));
  C2_GOTO(c2_store_path(f->hub, f->repo, &blob, err, "blobs/%s", facts->etag));
  C2_GOTO(is_there(f, file, blob, facts, &there, err));
  if (there) goto fail; /* nothing is written, not even a lock: the cache may be read-only */
  C2_GOTO(c2_make_folder(folder, err));
  C2_GOTO(c2_store_lock(f->hub, f->repo, facts->etag, &lock, err));
  if (!is_whole(f, blob, file, facts)) C2_GOTO(download(f, file, url, blob, facts, err));
  C2_GOTO(c2_store_link(f->hub, f->repo, f->commit, file, facts->etag, err));
fail:
  c2_store_unlock(&lock);
  free(folder);
  free(blob);
  return status;
}

c2_status c2_hub_fetch(c2_fetch *f, const char *file, bool *found, c2_error *err) {
  c2_file_facts facts;
  char *url = NULL;
  *found = false;
  if (f->commit[0]) C2_TRY(c2_store_has(f->hub, f->repo, f->commit, file, found, err));
  if (*found && !f->hub->update) return C2_OK;
  C2_TRY(url_of(f, file, &url, err));
  const c2_question question = {f->repo, file, f->commit[0] != '\0', url, NULL};
  c2_status status = C2_OK;
  C2_GOTO(c2_hub_ask(f->hub, &question, &facts, found, err));
  if (!*found) goto fail;
  C2_GOTO(check_facts(f, file, &facts, err));
  free(url);
  C2_GOTO(url_of(f, file, &url, err)); /* of the commit, which does not change */
  C2_GOTO(store(f, file, url, &facts, err));
fail:
  free(url);
  return status;
}
