/* Packed weights kept in a file. The first process that opens a model with these options writes it; later ones map it,
 * so that they need not pack, and share its pages.
 *
 * A description of everything that the file's bytes depend on stands in the file, and its digest is the file's name:
 * dtype, instruction set, shapes, layout in memory, and the contents of the model's tensors and of an adapter, but
 * never a name or a time of a file. The file also holds a digest of its own bytes. Both are checked before it is used.
 * A file that fails a check is replaced. A fault of the cache never makes the opening of a model fail; it is told in
 * model->warning.
 *
 * Files appear whole, by rename, so processes and threads may share a folder. Nobody may write into a file. */
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

/* Writes the key. `kernels` names the instruction set that packed, `layout` is a digest of where everything lies in the
 * packed `bytes`. The tensors' digests must be known. */
void c2_cache_describe(const chronos2_model *model, const char *kernels, uint64_t layout, size_t bytes,
                       c2_cache_key *key);

/* Maps the file of that key. It returns false if there is none or it fails a check. */
bool c2_cache_find(chronos2_model *model, c2_mapping *map, const char *folder, const c2_cache_key *key, c2_pool *pool);

/* Writes the packed weights, key->bytes bytes at `base`. It makes the folder if there is none. */
void c2_cache_write(chronos2_model *model, const unsigned char *base, const char *folder, const c2_cache_key *key,
                    c2_pool *pool);

#endif
