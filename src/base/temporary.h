/* The names of temporary files and folders that this process has now, so that a program which a signal ends can remove
 * them: nothing else runs then. */
#ifndef C2_BASE_TEMPORARY_H
#define C2_BASE_TEMPORARY_H

#include <stdbool.h>
#include <stddef.h>

/* Where such belong: the folder that the environment names, or /tmp. */
const char *c2_temporary_folder(void);

/* Keeps the name of a file or a folder, which may not exist yet. Returns what c2_temporary_drop takes; 0: there is no
 * room for it, and it isn't kept. */
size_t c2_temporary_keep(const char *path);
void c2_temporary_drop(size_t kept);

/* Makes a folder there that nobody else may read or guess, and keeps its name. False: there is none; `out` is "". */
bool c2_temporary_make_folder(char *out, size_t room, size_t *kept);

/* Removes the files, then the folders. A signal handler may call it. */
void c2_temporary_remove(void);

#endif
