/* Packed weights kept in a file: made by the first process that opens a model with these options, mapped by later
 * ones, which then don't pack and share the pages.
 *
 * A file is named by a digest of all that its bytes depend on, and holds that text too: dtype, level, shapes, layout in
 * memory, and the contents of the model's tensors and of an adapter; never a file's name or times. Its own bytes are
 * digested likewise. Both are checked before it is used. A file that fails a check is replaced: nothing about a cache
 * makes the opening of a model fail, but it is told in model->warning.
 *
 * Files appear whole by rename, so processes and threads may share a folder. Nobody may write into one. */
#ifndef C2_ENGINE_CPU_CACHE_H
#define C2_ENGINE_CPU_CACHE_H

#include "base/infile.h"
#include "base/threads.h"
#include "model/weights.h"

enum { C2_CACHE_HEADER = 4096 }; /* bytes before the packed weights */

typedef struct c2_cache_key {
  char text[512];
  size_t bytes; /* of the packed weights */
} c2_cache_key;

/* `kernels` names the level that multiplied, `layout` tells where everything lies in the packed `bytes`. The tensors'
 * digests are known. */
void c2_cache_describe(const chronos2_model *model, const char *kernels, uint64_t layout, size_t bytes,
                       c2_cache_key *key);

/* Maps the file of that key; false if there is no good one. */
bool c2_cache_find(chronos2_model *model, c2_mapping *map, const char *folder, const c2_cache_key *key, c2_pool *pool);

/* Writes the packed weights, key->bytes at `base`; makes the folder. */
void c2_cache_write(chronos2_model *model, const unsigned char *base, const char *folder, const c2_cache_key *key,
                    c2_pool *pool);

#endif
