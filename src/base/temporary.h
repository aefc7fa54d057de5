/* The names of temporary files and folders that this process has now, so that a program which a signal ends can remove
 * them: nothing else runs then. */
#ifndef C2_BASE_TEMPORARY_H
#define C2_BASE_TEMPORARY_H

#include <stddef.h>

/* Where such belong: the folder that the environment names, or /tmp. */
const char *c2_temporary_folder(void);

/* Keeps the name of a file or a folder, which may not exist yet. Returns what c2_temporary_drop takes; 0: there is no
 * room for it, and it isn't kept. */
size_t c2_temporary_keep(const char *path);
void c2_temporary_drop(size_t kept);

/* Removes the files, then the folders. A signal handler may call it. */
void c2_temporary_remove(void);

#endif
