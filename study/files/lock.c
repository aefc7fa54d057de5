/* The lock of a prefix. */
#include "study/files/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/filelock.h"
#include "base/memory.h"

c2_status c2_lock_open(c2_lock *lock, const char *path, c2_error *err) {
  memset(lock, 0, sizeof *lock);
  lock->file = c2_file_lock(path, 0666, false);
  if (lock->file < 0 && errno == EWOULDBLOCK) {
    C2_FAIL(err, C2_ERR_IO, "%s: another run writes the files of this prefix; wait for it, or choose another prefix",
            path);
  }
  if (lock->file < 0 && (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: cannot lock: %s", path, strerror(errno));
  }
  if (lock->file < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot create: %s", path, strerror(errno));
  lock->path = c2_strdup(path);
  if (lock->path) return C2_OK;
  (void)unlink(path);
  (void)close(lock->file);
  C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
}

void c2_lock_close(c2_lock *lock) {
  if (!lock->path) return;
  (void)unlink(lock->path); /* while it is still locked: nobody may take a removed one */
  (void)close(lock->file);
  free(lock->path);
  memset(lock, 0, sizeof *lock);
}
