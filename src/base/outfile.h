/* Output to whatever a path names.
 *
 * A regular file, or one that does not exist yet, appears whole or not at all: it is written beside its place under a
 * name that nobody can guess, synced and renamed. Links are followed, so the file that a link names is replaced and
 * the link stays. A device, a FIFO or a descriptor of this process (/dev/stdout) is written to as it is. */
#ifndef C2_BASE_OUTFILE_H
#define C2_BASE_OUTFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/platform.h"
#include "base/status.h"

/* Must not be moved between open and discard. */
typedef struct c2_outfile {
  c2_sink sink;    /* of the stream */
  FILE *stream;    /* to write to; write errors are kept and reported by c2_outfile_commit */
  char *path;      /* as the caller gave it; NULL: standard output */
  char *target;    /* the file that is replaced; NULL if `path` is written to as it is */
  char *temporary; /* NULL likewise, and after the commit */
  size_t kept;     /* of `temporary`, for c2_temporary_drop */
  int descriptor;
  int reason; /* errno of the first write that failed */
} c2_outfile;

/* `path` "-" or NULL is standard output. A new file gets the permissions that the umask leaves, a replaced one keeps
 * its own. The opening of a FIFO waits for its reader. Call c2_outfile_discard also after a failure or a commit. */
c2_status c2_outfile_open(c2_outfile *file, const char *path, c2_error *err);

/* Reports any write that failed so far. Several files are flushed before the first of them is committed: then all
 * appear or none. */
c2_status c2_outfile_flush(c2_outfile *file, c2_error *err);

/* Reports any write that failed. The file is there only after this has succeeded. Temporary files that killed processes
 * left beside it are removed then. */
c2_status c2_outfile_commit(c2_outfile *file, c2_error *err);
void c2_outfile_discard(c2_outfile *file);

/* Fails if `output` names the regular file that `input` names; "-" is standard output and standard input. Nothing is
 * opened, and a path that can't be looked up passes. */
c2_status c2_outfile_keep_input(const char *output, const char *input, c2_error *err);

/* Whether two outputs would have one place: the same file under whatever name, one descriptor, FIFO or terminal. "-"
 * and NULL are standard output. /dev/null has room for all. */
bool c2_outfile_same(const char *a, const char *b);

/* The end of the links of an output that is a path, the caller's to free; NULL for a descriptor. */
c2_status c2_outfile_target(const char *path, char **target, c2_error *err);

/* Removes the temporary files that killed processes left beside outputs whose paths begin with `prefix`. A process
 * holds a lock on a temporary file as long as it lives, whichever container it runs in: only a file whose lock can be
 * had, and that has not been written to for `idle` seconds, is removed. 60 leaves time between a file's creation and
 * its lock; 0 is for a caller who knows that nobody else writes beside the prefix. */
void c2_outfile_sweep(const char *prefix, int idle);

#endif
