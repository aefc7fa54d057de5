/* Pieces of larger chunks, which live as long as their pool. */
#include "base/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CHUNK_BYTES = 65536, POOL_ALIGN = 16 };

struct c2_pool_chunk {
  c2_pool_chunk *next;
  size_t used, size; /* of the bytes behind this head */
};

enum { HEAD_BYTES = (sizeof(c2_pool_chunk) + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN };

c2_status c2_pool_alloc(c2_pool *pool, size_t count, size_t size, void *out, c2_error *err) {
  size_t bytes = 0;
  size_t block = 0;
  if (!c2_mul(count, size, &bytes) || bytes > PTRDIFF_MAX - 2 * (size_t)CHUNK_BYTES) {
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu elements of %zu bytes: the size overflows", count, size);
  }
  bytes = c2_round_up(bytes, POOL_ALIGN);
  c2_pool_chunk *chunk = pool->chunk;
  if (!chunk || chunk->size - chunk->used < bytes) {
    block = c2_max_size(bytes, CHUNK_BYTES);
    c2_pool_chunk *fresh = calloc(1, HEAD_BYTES + block);
    if (!fresh) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", block);
    fresh->size = block;
    pool->bytes += HEAD_BYTES + block;
    /* a block of its own goes behind the open chunk, whose rest is still good */
    if (chunk && bytes > CHUNK_BYTES / 4) {
      fresh->next = chunk->next;
      chunk->next = fresh;
    } else {
      fresh->next = chunk;
      pool->chunk = fresh;
    }
    chunk = fresh;
  }
  void *result = (unsigned char *)chunk + HEAD_BYTES + chunk->used;
  chunk->used += bytes;
  memcpy(out, &result, sizeof result);
  return C2_OK;
}

c2_status c2_pool_text(c2_pool *pool, const char *text, const char **out, c2_error *err) {
  size_t bytes = strlen(text) + 1;
  char *copy = NULL;
  C2_TRY(c2_pool_alloc(pool, bytes, 1, &copy, err));
  memcpy(copy, text, bytes);
  *out = copy;
  return C2_OK;
}

void c2_pool_free(c2_pool *pool) {
  while (pool->chunk) {
    c2_pool_chunk *next = pool->chunk->next;
    free(pool->chunk);
    pool->chunk = next;
  }
  pool->bytes = 0;
}
