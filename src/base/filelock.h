/* A lock on a file between processes. The system releases it when its holder ends, however it ends. */
#ifndef C2_BASE_FILELOCK_H
#define C2_BASE_FILELOCK_H

#include <stdbool.h>

/* Locks the file that stands at `path`, and creates it with `mode` where it is missing. Returns its descriptor, whose
 * closing gives the lock back; or -1 and errno, which is EWOULDBLOCK if another holds the lock and `wait` is false. */
int c2_file_lock(const char *path, unsigned mode, bool wait);

#endif
