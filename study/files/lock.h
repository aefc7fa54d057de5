/* One writer for a prefix: a lock file that the system gives back when the process ends, however it ends. */
#ifndef C2_STUDY_LOCK_H
#define C2_STUDY_LOCK_H

#include "base/status.h"

/* A zeroed lock is not held. */
typedef struct c2_lock {
  char *path; /* NULL: not held */
  int file;
} c2_lock;

/* Creates the file at `path` and locks it. C2_ERR_IO if another process holds the lock, or if the file can't be
 * created; C2_ERR_UNSUPPORTED if the file system has no locks. */
c2_status c2_lock_open(c2_lock *lock, const char *path, c2_error *err);

/* Removes the file and gives the lock back; does nothing if it isn't held. */
void c2_lock_close(c2_lock *lock);

#endif
