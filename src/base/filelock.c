/* flock: it belongs to the open file, so that a killed process leaves no lock behind, only an unlocked file. */
#include "base/filelock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* False if the holder before us removed the file between our open and our lock: then nobody else meets this lock. */
static bool is_in_place(int file, const char *path) {
  struct stat held;
  struct stat named;
  return fstat(file, &held) == 0 && stat(path, &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

int c2_file_lock(const char *path, unsigned mode, bool wait) {
  for (;;) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
    if (file < 0) return -1;
    int locked = flock(file, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
    int reason = errno;
    if (locked == 0 && is_in_place(file, path)) return file;
    (void)close(file);
    errno = reason;
    if (locked != 0 && reason != EINTR) return -1;
  }
}
