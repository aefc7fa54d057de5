/* What the operating system gives: clock, memory use, processors, folders. */
#ifndef C2_BASE_PLATFORM_H
#define C2_BASE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* strtod, with a point whatever locale the program has set. NaN if the system can't. */
double c2_strtod(const char *text);

double c2_clock_seconds(void);       /* monotonic */
size_t c2_peak_resident_bytes(void); /* of this process, so far; 0 if unknown */
void c2_reset_peak_resident(void);   /* begins a new peak where the system allows it */

/* Processors that this process may use, at least 1: those that it may run on, and no more than its control group's
 * share of processor time allows, rounded up. */
int c2_processor_count(void);

/* The share alone, 0 if it is unlimited, under cgroup v1 or v2. `root` stands before every path that is read: "". */
int c2_processor_quota(const char *root);

/* Processors that a thread may use. */
typedef struct c2_affinity {
  uint64_t set[16];
  bool known;
} c2_affinity;

/* Binds the calling thread to the index-th (modulo their number) of the processors that it may use now; *before
 * (may be NULL) gets them, for c2_unpin_thread. Does nothing where the system can't. */
void c2_pin_thread(size_t index, c2_affinity *before);
void c2_unpin_thread(const c2_affinity *before);

c2_status c2_path_join(char **out, const char *folder, const char *name, c2_error *err); /* free with free() */
c2_status c2_make_folder(const char *path, c2_error *err);                               /* with its parents */
bool c2_is_directory(const char *path);
bool c2_file_exists(const char *path);

#endif
