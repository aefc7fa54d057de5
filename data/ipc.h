/* Arrow's IPC format, streams and files, as C streams. ipc_nanoarrow*.c are the only files that know nanoarrow;
 * ipc_none.c stands for them where the library is missing. */
#ifndef C2_DATA_IPC_H
#define C2_DATA_IPC_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "data/frame.h"

/* Whether the program reads and writes Arrow; if not, how it is made to. */
bool c2_ipc_available(const char **how);

/* Whether bytes begin as a file or a stream of Arrow does. */
bool c2_ipc_recognised(const void *bytes, size_t size);

typedef struct c2_ipc_options {
  bool is_bounded;    /* buffers may not be compressed: what they hold may be a thousand times larger */
  size_t most_values; /* rows times columns at most, and two for each row; 0: any number. Beyond it get_next is EFBIG */
} c2_ipc_options;

/* Opens the record batches of a file or a stream from a stranger. Every array is checked in full before it is given
 * out, so that whoever reads it stays within its buffers; it doesn't refer to the bytes. They, aligned to 8, must
 * outlive the stream. What is cut off, has a rest behind its end, or can't be read is an error of get_next, EINVAL,
 * ENOTSUP or ENOMEM, with a text. */
c2_status c2_ipc_open(struct ArrowArrayStream *out, const void *bytes, size_t size, const c2_ipc_options *options,
                      c2_error *err);

/* The format of time stamps of a zone; NULL: of none. */
enum { C2_ZONED_ROOM = 64 };
void c2_ipc_zoned(const char *zone, char out[C2_ZONED_ROOM]);

/* Writes frames as a file or a stream, a record batch each. Columns have these names and Arrow formats, "u", "f", "g",
 * "l" or a time stamp: [columns]. Times with an offset are written as instants. Close it also after a failure; without
 * finish the output is not whole. */
typedef struct c2_ipc_writer c2_ipc_writer;
c2_status c2_ipc_writer_open(c2_ipc_writer **writer, const char *const *names, const char *const *formats,
                             size_t columns, bool is_file, FILE *out, c2_error *err);
c2_status c2_ipc_writer_put(c2_ipc_writer *writer, const c2_frame *frame, c2_error *err);
c2_status c2_ipc_writer_finish(c2_ipc_writer *writer, c2_error *err);
void c2_ipc_writer_close(c2_ipc_writer **writer);

/* The status that an errno value of a C stream stands for. */
c2_status c2_ipc_status(int code);

#endif
