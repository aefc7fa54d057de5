/* A lock file, so that a prefix has one writer. The system releases the lock when the process ends, however it ends. */
#ifndef C2_STUDY_LOCK_H
#define C2_STUDY_LOCK_H

#include "base/status.h"

/* A zeroed lock is not held. */
typedef struct c2_lock {
  char *path; /* NULL: not held */
  int file;
} c2_lock;

/* Creates the file at `path` and locks it. It copies the path. The failure is C2_ERR_IO if another process holds the
 * lock or the file cannot be created, and C2_ERR_UNSUPPORTED if the file system has no locks. */
c2_status c2_lock_open(c2_lock *lock, const char *path, c2_error *err);

/* Removes the file and releases the lock. It does nothing if the lock is not held. */
void c2_lock_close(c2_lock *lock);

#endif
