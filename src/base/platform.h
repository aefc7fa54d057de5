/* What the operating system provides: clock, memory, processors, files. platform.c holds what is the same everywhere;
 * of the files platform_*.c the one for the system is built. Where a system lacks something, the function says so or
 * does nothing, as its comment tells. */
#ifndef C2_BASE_PLATFORM_H
#define C2_BASE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "chronos2 reads and writes files, packed weights and hashes as little-endian processors hold them"
#endif

/* Reads a number as strtod does, with a decimal point in every locale. NaN if the system can't. */
double c2_strtod(const char *text);

double c2_clock_seconds(void);       /* monotonic */
size_t c2_peak_resident_bytes(void); /* of this process, so far; 0 if unknown */
void c2_reset_peak_resident(void);   /* starts the peak anew, where the system allows it */

/* Asks for large pages in [base, base + size). The system may refuse. */
void c2_advise_huge_pages(void *base, size_t size);

/* The number of processors that this process may use, at least 1. It counts those that the process may run on, limited
 * to the share of processor time that a control group (cgroup) allows, rounded up. */
int c2_processor_count(void);

/* The number of processors that cgroup v1 or v2 allows, rounded up; 0 if there is no limit or the system has no control
 * groups. `root` is put before every path that is read; it is "" except in tests. */
int c2_processor_quota(const char *root);

/* Writes the processor's name, cut off where the room ends, or "unknown" if the system doesn't say. */
void c2_processor_name(char *out, size_t room);

/* The set of processors that a thread may use. */
typedef struct c2_affinity {
  uint64_t set[16];
  bool known;
} c2_affinity;

/* Binds the calling thread to one of the processors that it may use now: the one of this index, modulo their number.
 * *before (may be NULL) receives the old set, for c2_unpin_thread. Does nothing where the system can't. */
void c2_pin_thread(size_t index, c2_affinity *before);
void c2_unpin_thread(const c2_affinity *before);

/* Sets *out to "folder/name". Free it with free(). */
c2_status c2_path_join(char **out, const char *folder, const char *name, c2_error *err);

/* Makes a folder and its parents. A folder that is there already is no failure. */
c2_status c2_make_folder(const char *path, c2_error *err);
bool c2_is_directory(const char *path);

/* Whether two paths lead to one file or folder, which exists. */
bool c2_same_file(const char *a, const char *b);

/* The folder that `name` in a file of `folder` means: as seen from here, from within `folder`, or from beside it. *out
 * is NULL where it is none of them; free() it. */
c2_status c2_find_folder(char **out, const char *folder, const char *name, c2_error *err);
bool c2_is_link(const char *path);
bool c2_file_exists(const char *path);

/* The time of the last change to a file's contents: seconds and nanoseconds. */
struct stat;
void c2_modified_time(const struct stat *info, int64_t time[2]);

/* Writes at most 256 random bytes that nobody can guess; false if the system can't. */
bool c2_random_bytes(void *out, size_t size);

/* The path of the running program; false if the system doesn't tell or the room is too small. */
bool c2_executable_path(char *out, size_t room);

/* The folder whose entries are this process's descriptors. It need not exist. */
const char *c2_descriptor_folder(void);

/* The receiver of a stream's bytes. `write` returns how many it took; fewer than `size` is an error of the stream. */
typedef struct c2_sink {
  size_t (*write)(struct c2_sink *sink, const char *bytes, size_t size);
} c2_sink;

/* A stream that writes to the sink, which must live as long as the stream; NULL if memory is out. */
FILE *c2_sink_open(c2_sink *sink);

#endif
