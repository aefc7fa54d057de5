/* Files to read.
 *
 * A path may name anything, such as a FIFO that nobody writes to, or an endless device. Where a regular file is
 * expected, none of these may hang the program or fill its memory. A file that changes while it is open is an error,
 * never a fault. */
#ifndef C2_BASE_INFILE_H
#define C2_BASE_INFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha.h"
#include "base/status.h"

/* A regular file, read by offset. Threads may share it. */
typedef struct c2_infile {
  char *path;
  int descriptor; /* -1 if it is closed */
  size_t size;
  int64_t modified[2]; /* seconds, nanoseconds */
} c2_infile;

/* Call c2_infile_close also after a failure. */
c2_status c2_infile_open(c2_infile *file, const char *path, c2_error *err);
void c2_infile_close(c2_infile *file);

/* Reads the bytes [offset, offset + size). A file that has become shorter is an error. */
c2_status c2_infile_read(const c2_infile *file, size_t offset, size_t size, void *out, c2_error *err);

/* Adds the whole file to a digest. */
c2_status c2_infile_digest(const c2_infile *file, c2_sha *sha, c2_error *err);

/* The SHA-256 of a regular file. `out` is undefined after a failure. */
c2_status c2_sha256_file(const char *path, char out[C2_SHA_ROOM], c2_error *err);

/* Fails if the file was written to since it was opened. */
c2_status c2_infile_check(const c2_infile *file, c2_error *err);

/* A file mapped into memory, read-only and shared with other processes. Nobody may shorten the file meanwhile. An
 * empty file has size 0 and data NULL. */
typedef struct c2_mapping {
  const unsigned char *data;
  size_t size;
} c2_mapping;

c2_status c2_infile_map(const c2_infile *file, c2_mapping *out, c2_error *err);
void c2_unmap(c2_mapping *mapping);

/* Whether a path is standard input: "-", or another name of the pipe that it is, as /dev/stdin. A pipe is read once. */
bool c2_is_standard_input(const char *path);

/* Reads the whole content of a file, a pipe or a terminal, or of standard input for "-". text[size] is a zero byte. It
 * waits for a FIFO's writer. Free the text with free(). */
c2_status c2_read_file(const char *path, char **text, size_t *size, c2_error *err);

/* The same for a configuration: a regular file of at most 64 MB, without its byte order mark. */
c2_status c2_read_config(const char *path, char **text, size_t *size, c2_error *err);

#endif
