/* Files to read, POSIX side. */
#include "base/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"

static const size_t CONFIG_LIMIT = 64 * 1000 * 1000;

/* Opens without waiting for a FIFO's other end, and without taking a terminal as the process's own. */
static c2_status open_now(const char *path, int *descriptor, struct stat *info, c2_error *err) {
  *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (*descriptor < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
  if (fstat(*descriptor, info) == 0) return C2_OK;
  int reason = errno;
  (void)close(*descriptor);
  *descriptor = -1;
  C2_FAIL(err, C2_ERR_IO, "%s: cannot open: %s", path, strerror(reason));
}

/* ---- Regular files ---------------------------------------------------------------------------- */

c2_status c2_infile_open(c2_infile *file, const char *path, c2_error *err) {
  struct stat info;
  memset(file, 0, sizeof *file);
  file->descriptor = -1;
  file->path = c2_strdup(path);
  if (!file->path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  C2_TRY(open_now(path, &file->descriptor, &info, err));
  if (!S_ISREG(info.st_mode)) C2_FAIL(err, C2_ERR_IO, "%s: not a regular file", path);
  file->size = (size_t)info.st_size;
  if ((uintmax_t)file->size != (uintmax_t)info.st_size) {
    C2_FAIL(err, C2_ERR_MEMORY, "%s: is larger than an address of %zu bits", path, 8 * sizeof file->size);
  }
  c2_modified_time(&info, file->modified);
  return C2_OK;
}

void c2_infile_close(c2_infile *file) {
  if (file->path && file->descriptor >= 0) (void)close(file->descriptor);
  free(file->path);
  memset(file, 0, sizeof *file);
  file->descriptor = -1;
}

c2_status c2_infile_read(const c2_infile *file, size_t offset, size_t size, void *out, c2_error *err) {
  for (size_t done = 0; done < size;) {
    ssize_t n = pread(file->descriptor, (char *)out + done, size - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot read: %s", file->path, strerror(errno));
    if (n == 0) C2_FAIL(err, C2_ERR_IO, "%s: became shorter while it was read", file->path);
    done += (size_t)n;
  }
  return C2_OK;
}

c2_status c2_infile_digest(const c2_infile *file, c2_sha *sha, c2_error *err) {
  enum { PIECE = 1 << 20 };
  unsigned char *piece = NULL;
  C2_TRY(c2_alloc_array(PIECE, 1, &piece, err));
  c2_status status = C2_OK;
  for (size_t at = 0; status == C2_OK && at < file->size; at += PIECE) {
    size_t size = c2_min_size(PIECE, file->size - at);
    status = c2_infile_read(file, at, size, piece, err);
    if (status == C2_OK) c2_sha_add(sha, piece, size);
  }
  free(piece);
  return status;
}

static c2_status check_unchanged(const char *name, int descriptor, size_t size, const int64_t was[2], c2_error *err) {
  struct stat info;
  if (fstat(descriptor, &info) != 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot read: %s", name, strerror(errno));
  int64_t modified[2];
  c2_modified_time(&info, modified);
  if ((size_t)info.st_size != size || memcmp(modified, was, sizeof modified) != 0) {
    C2_FAIL(err, C2_ERR_IO, "%s: was written to while it was read", name);
  }
  return C2_OK;
}

c2_status c2_infile_check(const c2_infile *file, c2_error *err) {
  return check_unchanged(file->path, file->descriptor, file->size, file->modified, err);
}

c2_status c2_sha256_file(const char *path, char out[C2_SHA_ROOM], c2_error *err) {
  c2_infile file;
  c2_sha s;
  c2_sha_begin(&s, C2_SHA256);
  c2_status status = c2_infile_open(&file, path, err);
  if (status == C2_OK) status = c2_infile_digest(&file, &s, err);
  if (status == C2_OK) status = c2_infile_check(&file, err);
  if (status == C2_OK) c2_sha_end(&s, out);
  c2_infile_close(&file);
  return status;
}

c2_status c2_infile_map(const c2_infile *file, c2_mapping *out, c2_error *err) {
  *out = (c2_mapping){0};
  if (file->size == 0) return C2_OK;
  void *data = mmap(NULL, file->size, PROT_READ, MAP_SHARED, file->descriptor, 0);
  if (data == MAP_FAILED) {
    C2_FAIL(err, errno == ENOMEM ? C2_ERR_MEMORY : C2_ERR_IO, "%s: cannot map: %s", file->path, strerror(errno));
  }
  *out = (c2_mapping){data, file->size};
  return C2_OK;
}

void c2_unmap(c2_mapping *mapping) {
  if (mapping->data) (void)munmap((void *)(uintptr_t)mapping->data, mapping->size);
  *mapping = (c2_mapping){0};
}

/* ---- Whole files ------------------------------------------------------------------------------ */

/* Makes reads wait: first for the writer of a FIFO, which a read without one would take for an empty file. */
static c2_status wait_for_data(const char *name, int descriptor, const struct stat *info, c2_error *err) {
  struct pollfd ready = {.fd = descriptor, .events = POLLIN};
  while (S_ISFIFO(info->st_mode) && poll(&ready, 1, -1) < 0) {
    if (errno != EINTR) C2_FAIL(err, C2_ERR_IO, "%s: cannot read: %s", name, strerror(errno));
  }
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) != 0) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot read: %s", name, strerror(errno));
  }
  return C2_OK;
}

static c2_status check_kind(const char *name, int descriptor, const struct stat *info, bool config, c2_error *err) {
  mode_t mode = info->st_mode;
  if (S_ISDIR(mode)) C2_FAIL(err, C2_ERR_IO, "%s: cannot read: it is a directory", name);
  if ((fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_WRONLY) { /* as standard input is where it was closed */
    C2_FAIL(err, C2_ERR_IO, "%s: cannot read: %s", name, strerror(EBADF));
  }
  if (config && !S_ISREG(mode)) C2_FAIL(err, C2_ERR_IO, "%s: not a regular file", name);
  if (S_ISBLK(mode) || (S_ISCHR(mode) && !isatty(descriptor))) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot read: it is a device, which has no end", name);
  }
  return C2_OK;
}

static c2_status read_all(const char *name, int descriptor, size_t limit, char **text, size_t *size, c2_error *err) {
  char *buffer = NULL;
  size_t capacity = 0;
  size_t used = 0;
  c2_status status = C2_OK;
  for (;;) {
    C2_GOTO(c2_grow_array(&buffer, &capacity, used + 65536, 1, err));
    ssize_t n = read(descriptor, buffer + used, capacity - used - 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) C2_GOTO(c2_fail(err, C2_ERR_IO, "%s: cannot read: %s", name, strerror(errno)));
    if (n == 0) break;
    used += (size_t)n;
    if (used > limit) C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s: is larger than %zu MB", name, limit / 1000 / 1000));
  }
  buffer[used] = '\0';
  *text = buffer;
  *size = used;
  return C2_OK;
fail:
  free(buffer);
  return status;
}

bool c2_is_standard_input(const char *path) {
  struct stat input;
  struct stat info;
  if (strcmp(path, "-") == 0) return true;
  return fstat(STDIN_FILENO, &input) == 0 && S_ISFIFO(input.st_mode) && stat(path, &info) == 0 &&
         info.st_dev == input.st_dev && info.st_ino == input.st_ino;
}

static c2_status read_path(const char *path, bool config, char **text, size_t *size, c2_error *err) {
  bool standard = !config && (!path || strcmp(path, "-") == 0);
  const char *name = standard ? "standard input" : path;
  int descriptor = STDIN_FILENO;
  struct stat info;
  int64_t modified[2];
  *text = NULL;
  *size = 0;
  if (!standard) {
    C2_TRY(open_now(path, &descriptor, &info, err));
  } else if (fstat(descriptor, &info) != 0) {
    C2_FAIL(err, C2_ERR_IO, "%s: cannot read: %s", name, strerror(errno));
  }
  c2_status status = check_kind(name, descriptor, &info, config, err);
  if (status == C2_OK && !standard) status = wait_for_data(name, descriptor, &info, err);
  if (status == C2_OK) status = read_all(name, descriptor, config ? CONFIG_LIMIT : SIZE_MAX, text, size, err);
  if (status == C2_OK && S_ISREG(info.st_mode)) {
    c2_modified_time(&info, modified);
    status = check_unchanged(name, descriptor, (size_t)info.st_size, modified, err);
    if (status != C2_OK) {
      free(*text);
      *text = NULL;
    }
  }
  if (!standard) (void)close(descriptor);
  return status;
}

c2_status c2_read_file(const char *path, char **text, size_t *size, c2_error *err) {
  return read_path(path, false, text, size, err);
}

c2_status c2_read_config(const char *path, char **text, size_t *size, c2_error *err) {
  C2_TRY(read_path(path, true, text, size, err));
  if (strncmp(*text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark, as editors on Windows write one */
    *size -= 3;
    memmove(*text, *text + 3, *size + 1);
  }
  return C2_OK;
}
