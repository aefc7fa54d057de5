/* Output files, POSIX side: where a path leads, temporary files, their locks. */
#include "base/outfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/temporary.h"

enum { MAX_LINKS = 40, RANDOM_DIGITS = 16, ABANDONED_SECONDS = 60 };

static const char mark[] = ".tmp-"; /* between a target's name and the random digits */

static c2_status refused(const char *path, int reason, c2_error *err) {
  C2_FAIL(err, C2_ERR_IO, "%s: cannot write: %s", path, strerror(reason));
}

/* ---- Where a path leads ----------------------------------------------------------------------- */

/* "folder/" of a path, "" for a plain name; NULL if memory is out. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return c2_strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* What a link at `path` names, as a path of its own; NULL with errno set. */
static char *read_link(const char *path) {
  char text[4096];
  ssize_t length = readlink(path, text, sizeof text);
  if (length < 0 || length == (ssize_t)sizeof text) {
    if (length > 0) errno = ENAMETOOLONG;
    return NULL;
  }
  char *folder = text[0] == '/' ? c2_strdup("") : folder_of(path);
  size_t room = folder ? strlen(folder) + (size_t)length + 1 : 0;
  char *next = folder ? malloc(room) : NULL;
  if (next) (void)snprintf(next, room, "%s%.*s", folder, (int)length, text);
  free(folder);
  if (!next) errno = ENOMEM;
  return next;
}

/* The number of the open descriptor that the path names (/dev/fd/3, or the end of /dev/stdout's link), or -1. */
static int descriptor_of(const char *path) {
  struct stat folder;
  struct stat own;
  const char *slash = strrchr(path, '/');
  char *end = NULL;
  long number = slash && slash[1] >= '0' && slash[1] <= '9' ? strtol(slash + 1, &end, 10) : -1;
  if (number < 0 || number > 1 << 20 || *end || stat(c2_descriptor_folder(), &own) != 0) return -1;
  char *parent = folder_of(path);
  bool same = parent && stat(parent, &folder) == 0 && folder.st_dev == own.st_dev && folder.st_ino == own.st_ino;
  free(parent);
  return same ? (int)number : -1;
}

/* Follows links, also one whose end doesn't exist. *descriptor is that of a path that names one, or -1; *target
 * (free with free()) is the end of the links otherwise. */
static c2_status follow(const char *path, char **target, int *descriptor, c2_error *err) {
  char *at = c2_strdup(path);
  *target = NULL;
  if (!at) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  for (int links = 0; links <= MAX_LINKS; links++) {
    struct stat info;
    *descriptor = descriptor_of(at);
    if (*descriptor >= 0 || lstat(at, &info) != 0 || !S_ISLNK(info.st_mode)) {
      if (*descriptor < 0) {
        *target = at;
      } else {
        free(at);
      }
      return C2_OK;
    }
    char *next = read_link(at);
    int reason = errno;
    free(at);
    if (!next) return refused(path, reason, err);
    at = next;
  }
  free(at);
  return refused(path, ELOOP, err);
}

/* ---- Streams ---------------------------------------------------------------------------------- */

/* A stream of our own keeps the reason of a write that failed, which stdio forgets before it is asked. */
static size_t write_bytes(c2_sink *sink, const char *bytes, size_t size) {
  c2_outfile *file = (c2_outfile *)sink; /* its first member */
  size_t done = 0;
  while (done < size) {
    ssize_t n = write(file->descriptor, bytes + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (!file->reason) file->reason = errno;
      break;
    }
    done += (size_t)n;
  }
  return done;
}

static c2_status open_stream(c2_outfile *file, c2_error *err) {
  file->sink.write = write_bytes;
  file->stream = c2_sink_open(&file->sink);
  if (!file->stream) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a stream");
  return C2_OK;
}

/* ---- Opening ---------------------------------------------------------------------------------- */

/* Creates file->temporary, which this process alone knows and which is locked as long as it lives. */
static c2_status create(c2_outfile *file, mode_t mode, c2_error *err) {
  size_t room = strlen(file->target) + sizeof mark + RANDOM_DIGITS;
  file->temporary = malloc(room);
  if (!file->temporary) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", room);
  do {
    uint64_t random = 0;
    if (!c2_random_bytes(&random, sizeof random)) break;
    (void)snprintf(file->temporary, room, "%s%s%016llx", file->target, mark, (unsigned long long)random);
    c2_temporary_drop(file->kept); /* a name that was there already */
    file->kept = c2_temporary_keep(file->temporary);
    file->descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  } while (file->descriptor < 0 && errno == EEXIST);
  if (file->descriptor >= 0) {
    (void)flock(file->descriptor, LOCK_EX | LOCK_NB); /* where there are no locks, no sweep can take one either */
    return C2_OK;
  }
  int reason = errno;
  c2_temporary_drop(file->kept);
  free(file->temporary);
  file->temporary = NULL;
  return refused(file->path, reason, err);
}

/* A file that takes the place of an old one: nobody may read it who couldn't read the old one. */
static c2_status replace(c2_outfile *file, const struct stat *old, c2_error *err) {
  struct stat info;
  C2_TRY(create(file, 0600, err));
  if (fstat(file->descriptor, &info) != 0) return refused(file->path, errno, err);
  bool other = info.st_uid != old->st_uid || info.st_gid != old->st_gid;
  mode_t mode = old->st_mode & 07777;
  if (other && fchown(file->descriptor, old->st_uid, old->st_gid) != 0) mode &= 0777; /* only root may give away */
  if (fchmod(file->descriptor, mode) != 0 && errno != EPERM) return refused(file->path, errno, err);
  return C2_OK;
}

static c2_status open_target(c2_outfile *file, c2_error *err) {
  struct stat old;
  if (stat(file->target, &old) != 0) {
    if (errno != ENOENT) return refused(file->path, errno, err);
    return create(file, 0666, err);
  }
  if (S_ISDIR(old.st_mode)) C2_FAIL(err, C2_ERR_IO, "%s: cannot write: it is a directory", file->path);
  if (S_ISREG(old.st_mode)) {
    if (faccessat(AT_FDCWD, file->target, W_OK, AT_EACCESS) != 0) return refused(file->path, errno, err);
    return replace(file, &old, err);
  }
  file->descriptor = open(file->target, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (file->descriptor < 0) return refused(file->path, errno, err);
  free(file->target);
  file->target = NULL;
  return C2_OK;
}

/* A descriptor of this process's as one of our own; -1: there is none, or it can't be written to. */
static int duplicate(int descriptor) {
  (void)fflush(stdout); /* what was printed comes first, should it be standard output */
  int flags = fcntl(descriptor, F_GETFL);
  if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) return fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  if (flags >= 0) errno = EBADF;
  return -1;
}

static c2_status open_path(c2_outfile *file, const char *path, c2_error *err) {
  int descriptor = -1;
  file->path = c2_strdup(path);
  if (!file->path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  if (!*path) C2_FAIL(err, C2_ERR_IO, "cannot write: the output's path is empty");
  C2_TRY(follow(path, &file->target, &descriptor, err));
  if (descriptor < 0) return open_target(file, err);
  file->descriptor = duplicate(descriptor);
  return file->descriptor < 0 ? refused(path, errno, err) : C2_OK;
}

c2_status c2_outfile_open(c2_outfile *file, const char *path, c2_error *err) {
  memset(file, 0, sizeof *file);
  file->descriptor = -1;
  c2_status status = C2_OK;
  if (!path || strcmp(path, "-") == 0) {
    file->descriptor = duplicate(STDOUT_FILENO);
    if (file->descriptor < 0) status = refused("standard output", errno, err);
  } else {
    status = open_path(file, path, err);
  }
  if (status == C2_OK) status = open_stream(file, err);
  if (status != C2_OK) c2_outfile_discard(file);
  return status;
}

/* ---- Closing ---------------------------------------------------------------------------------- */

/* Puts the new name on the disk. A file system without that notion is no failure. */
static c2_status sync_folder(const c2_outfile *file, const char *folder, c2_error *err) {
  int descriptor = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return C2_OK; /* a folder that may be written to but not read */
  bool failed = fsync(descriptor) != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT);
  int reason = errno;
  (void)close(descriptor);
  return failed ? refused(file->path, reason, err) : C2_OK;
}

c2_status c2_outfile_flush(c2_outfile *file, c2_error *err) {
  const char *name = file->path ? file->path : "standard output";
  if (fflush(file->stream) != 0 || ferror(file->stream) || file->reason) {
    return refused(name, file->reason ? file->reason : EIO, err);
  }
  if (file->target && fsync(file->descriptor) != 0 && errno != EINVAL && errno != EROFS) {
    return refused(name, errno, err);
  }
  return C2_OK;
}

static c2_status commit(c2_outfile *file, const char *folder, c2_error *err) {
  const char *name = file->path ? file->path : "standard output";
  C2_TRY(c2_outfile_flush(file, err));
  /* The lock goes with the descriptor, so the file has its name before it is closed. */
  if (file->target && rename(file->temporary, file->target) != 0) return refused(name, errno, err);
  if (file->target) c2_temporary_drop(file->kept);
  free(file->temporary);
  file->temporary = NULL;
  int descriptor = file->descriptor;
  file->descriptor = -1;
  if (close(descriptor) != 0 && errno != EINTR) return refused(name, errno, err);
  return file->target ? sync_folder(file, folder, err) : C2_OK;
}

static void sweep(const char *prefix, bool is_whole, int idle);

c2_status c2_outfile_commit(c2_outfile *file, c2_error *err) {
  char *folder = file->target ? folder_of(file->target) : NULL; /* once the file is there, no memory may be wanting */
  if (file->target && !folder) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  c2_status status = commit(file, folder, err);
  free(folder);
  if (status == C2_OK && file->target) sweep(file->target, true, ABANDONED_SECONDS);
  return status;
}

void c2_outfile_discard(c2_outfile *file) {
  int keep = file->descriptor;
  file->descriptor = -1; /* what is still buffered goes nowhere */
  if (file->stream) (void)fclose(file->stream);
  if (file->temporary) {
    (void)unlink(file->temporary);
    c2_temporary_drop(file->kept);
    free(file->temporary);
  }
  if (keep >= 0) (void)close(keep);
  free(file->path);
  free(file->target);
  memset(file, 0, sizeof *file);
  file->descriptor = -1;
}

/* ---- Places ------------------------------------------------------------------------------------ */

/* Where an output goes: what is there by now, if anything is, and the path of a file that is put there by its name. */
typedef struct place {
  char *target;    /* end of the links; NULL: a descriptor */
  struct stat at;
  bool exists;
} place;

static bool find_place(place *p, const char *path) {
  c2_error err;
  int descriptor = STDOUT_FILENO;
  *p = (place){.target = NULL};
  if (path && strcmp(path, "-") != 0 && follow(path, &p->target, &descriptor, &err) != C2_OK) return false;
  p->exists = (p->target ? stat(p->target, &p->at) : fstat(descriptor, &p->at)) == 0;
  return true;
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether a file of this name is put there, rather than written to as it is. */
static bool is_replaced(const place *p) {
  return p->target && (!p->exists || S_ISREG(p->at.st_mode));
}

static bool is_same_name(const char *a, const char *b) {
  struct stat in[2];
  const char *const path[2] = {a, b};
  const char *name[2];
  for (size_t i = 0; i < 2; i++) {
    const char *slash = strrchr(path[i], '/');
    char *folder = slash ? folder_of(path[i]) : c2_strdup(".");
    bool found = folder && stat(folder, &in[i]) == 0;
    name[i] = slash ? slash + 1 : path[i];
    free(folder);
    if (!found) return false;
  }
  return is_same_file(&in[0], &in[1]) && strcmp(name[0], name[1]) == 0;
}

static bool takes_all(const place *p) {
  struct stat null;
  return p->exists && S_ISCHR(p->at.st_mode) && stat("/dev/null", &null) == 0 && p->at.st_rdev == null.st_rdev;
}

bool c2_outfile_same(const char *a, const char *b) {
  place one = {.target = NULL};
  place other = {.target = NULL};
  bool same = find_place(&one, a) && find_place(&other, b) && !takes_all(&one);
  if (same) {
    same = is_replaced(&one) && is_replaced(&other) ? is_same_name(one.target, other.target)
                                                    : one.exists && other.exists && is_same_file(&one.at, &other.at);
  }
  free(one.target);
  free(other.target);
  return same;
}

c2_status c2_outfile_target(const char *path, char **target, c2_error *err) {
  int descriptor = -1;
  *target = NULL;
  return !path || strcmp(path, "-") == 0 ? C2_OK : follow(path, target, &descriptor, err);
}

/* ---- Inputs and left-overs -------------------------------------------------------------------- */

c2_status c2_outfile_keep_input(const char *output, const char *input, c2_error *err) {
  struct stat out;
  struct stat in;
  bool to_stdout = !output || strcmp(output, "-") == 0;
  bool from_stdin = strcmp(input, "-") == 0;
  if ((to_stdout ? fstat(STDOUT_FILENO, &out) : stat(output, &out)) != 0) return C2_OK;
  if ((from_stdin ? fstat(STDIN_FILENO, &in) : stat(input, &in)) != 0) return C2_OK;
  if (!S_ISREG(out.st_mode) || !is_same_file(&out, &in)) return C2_OK;
  C2_FAIL(err, C2_ERR_IO, "%s: the output would overwrite the input %s", to_stdout ? "standard output" : output,
          from_stdin ? "on standard input" : input);
}

/* True for "PREFIX....tmp-0123456789abcdef"; if `is_whole`, nothing may stand between the prefix and the mark. */
static bool is_temporary(const char *name, const char *prefix, bool is_whole) {
  size_t length = strlen(name);
  size_t end = sizeof mark - 1 + RANDOM_DIGITS;
  if (length < end || strncmp(name, prefix, strlen(prefix)) != 0) return false;
  if (is_whole && length != strlen(prefix) + end) return false;
  const char *digits = name + length - RANDOM_DIGITS;
  return strncmp(name + length - end, mark, sizeof mark - 1) == 0 &&
         strspn(digits, "0123456789abcdef") == RANDOM_DIGITS;
}

static void remove_if_abandoned(int folder, const char *name, int idle) {
  struct stat held;
  struct stat named;
  int file = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file < 0) return;
  bool locked = flock(file, LOCK_EX | LOCK_NB) == 0 && fstat(file, &held) == 0 && S_ISREG(held.st_mode);
  if (locked && time(NULL) - held.st_mtime >= idle &&
      fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == held.st_dev &&
      named.st_ino == held.st_ino) {
    (void)unlinkat(folder, name, 0);
  }
  (void)close(file);
}

static void sweep(const char *prefix, bool is_whole, int idle) {
  const char *slash = strrchr(prefix, '/');
  char *folder = slash ? folder_of(prefix) : c2_strdup(".");
  DIR *dir = folder ? opendir(folder) : NULL;
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
    if (!is_temporary(entry->d_name, slash ? slash + 1 : prefix, is_whole)) continue;
    remove_if_abandoned(dirfd(dir), entry->d_name, idle);
  }
  if (dir) (void)closedir(dir);
  free(folder);
}

void c2_outfile_sweep(const char *prefix, int idle) {
  sweep(prefix, false, idle);
}
