/* What the operating system gives: files to read, clock, memory use, processors. */
#ifndef C2_BASE_PLATFORM_H
#define C2_BASE_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A file mapped read-only. An empty file has size 0 and data NULL. */
typedef struct c2_mapping {
  const unsigned char *data;
  size_t size;
} c2_mapping;

c2_status c2_map_file(const char *path, c2_mapping *out, c2_error *err);

/* The same, but what is written through (unsigned char *)data stays this process's own and never reaches the file. */
c2_status c2_map_private(const char *path, c2_mapping *out, c2_error *err);
void c2_unmap_file(c2_mapping *mapping);

/* A text that tells a file from its other versions: absolute path, size, inode and time of change. */
enum { C2_STAMP_ROOM = 1024 };
c2_status c2_file_stamp(const char *path, char out[C2_STAMP_ROOM], c2_error *err);

/* Drops resident pages wholly within [data, data + size) of a mapping; they are read again when touched. */
void c2_mapping_forget(const void *data, size_t size);

/* Whole content of a file, or of standard input for "-", with a terminating zero beyond size.
 * Free with free(). */
c2_status c2_read_file(const char *path, char **text, size_t *size, c2_error *err);

/* strtod, with a point whatever locale the program has set. NaN if the system can't. */
double c2_strtod(const char *text);

double c2_clock_seconds(void);       /* monotonic */
size_t c2_peak_resident_bytes(void); /* of this process, so far; 0 if unknown */
void c2_reset_peak_resident(void);   /* begins a new peak where the system allows it */
int c2_processor_count(void);        /* that this process may run on, at least 1 */

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
bool c2_is_directory(const char *path);
bool c2_file_exists(const char *path);

#endif
