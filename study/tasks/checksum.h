/* SHA-256 of files. A study records from which files it was computed. */
#ifndef C2_STUDY_CHECKSUM_H
#define C2_STUDY_CHECKSUM_H

#include <stddef.h>

#include "base/infile.h"
#include "base/status.h"

/* The digest of one file; where there are several, that of their digests, a line each. `out` is undefined after a
 * failure. */
c2_status c2_sha256_files(const char *const *paths, size_t count, char out[C2_SHA_ROOM], c2_error *err);

/* The digest of a model's or an adapter's folder is that of the text which
 * `sha256sum adapter_config.json config.json *.safetensors*` prints there. Files that are missing are left out. */
c2_status c2_sha256_folder(const char *folder, char out[C2_SHA_ROOM], c2_error *err);

#endif
