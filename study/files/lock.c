/* flock: it belongs to the open file, so that a killed process leaves no lock behind, only an unlocked file. */
#include "study/files/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* False if the holder before us removed the file between our open and our lock: then nobody else meets this lock. */
static bool is_in_place(int file, const char *path) {
  struct stat held;
  struct stat named;
  return fstat(file, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

c2_status c2_lock_open(c2_lock *lock, const char *path, c2_error *err) {
  memset(lock, 0, sizeof *lock);
  for (;;) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (file < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    int locked = flock(file, LOCK_EX | LOCK_NB);
    if (locked == 0 && is_in_place(file, path)) {
      lock->file = file;
      break;
    }
    int reason = errno;
    (void)close(file);
    if (locked == 0) continue;
    if (reason == EINTR) continue;
    if (reason == EWOULDBLOCK) {
      C2_FAIL(err, C2_ERR_IO, "%s: another run writes the files of this prefix; wait for it, or choose another prefix",
              path);
    }
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: cannot lock: %s", path, strerror(reason));
  }
  lock->path = c2_strdup(path);
  if (lock->path) return C2_OK;
  (void)unlink(path);
  (void)close(lock->file);
  C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
}

void c2_lock_close(c2_lock *lock) {
  if (!lock->path) return;
  (void)unlink(lock->path); /* while it is still locked: see is_in_place */
  (void)close(lock->file);
  free(lock->path);
  memset(lock, 0, sizeof *lock);
}
