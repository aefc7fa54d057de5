/* What the operating system gives: clock, memory, processors, files. One of the files platform_*.c is built, by
 * system. Where a system lacks something, the function says so or does nothing, as its comment tells. */
#ifndef C2_BASE_PLATFORM_H
#define C2_BASE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* strtod, with a point whatever locale the program has set. NaN if the system can't. */
double c2_strtod(const char *text);

double c2_clock_seconds(void);       /* monotonic */
size_t c2_peak_resident_bytes(void); /* of this process, so far; 0 if unknown */
void c2_reset_peak_resident(void);   /* begins a new peak where the system allows it */

/* Asks for large pages in [base, base + size). The system may refuse. */
void c2_advise_huge_pages(void *base, size_t size);

/* Processors that this process may use, at least 1: those that it may run on, and no more than its control group's
 * share of processor time allows, rounded up. */
int c2_processor_count(void);

/* The share alone under cgroup v1 or v2, 0 if it is unlimited or the system has no groups. `root` stands before every
 * path that is read: "". */
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

/* When a file was last written to: seconds and nanoseconds. */
struct stat;
void c2_modified_time(const struct stat *info, int64_t time[2]);

bool c2_random_bytes(void *out, size_t size); /* at most 256, that nobody can guess; false if the system can't */

/* The path of the running program; false if the system doesn't tell or the room is too small. */
bool c2_executable_path(char *out, size_t room);

/* The folder whose entries are this process's descriptors; it need not exist. */
const char *c2_descriptor_folder(void);

/* Where a stream's bytes go. `write` returns how many it took; fewer than `size` is an error of the stream. */
typedef struct c2_sink {
  size_t (*write)(struct c2_sink *sink, const char *bytes, size_t size);
} c2_sink;

/* A stream that writes to the sink, which must live as long as the stream; NULL if memory is out. */
FILE *c2_sink_open(c2_sink *sink);

#endif
