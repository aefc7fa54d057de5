/* Text files that are compressed: gzip by zlib, Zstandard by its own library, each where the build found it. */
#ifndef C2_DATA_COMPRESSED_H
#define C2_DATA_COMPRESSED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Whether the path's end says that the file is compressed, as .gz or .zst. */
bool c2_is_compressed(const char *path);

/* Reads the text of such a file; text[size] is a zero byte. Free it with free(). A file that is cut off, that is
 * damaged as far as its checksums tell, or that has other bytes behind its end is an error. */
c2_status c2_read_compressed(const char *path, char **text, size_t *size, c2_error *err);

#endif
