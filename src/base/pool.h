/* Memory that is freed together: arrays and texts of many small sizes. */
#ifndef C2_BASE_POOL_H
#define C2_BASE_POOL_H

#include <stddef.h>

#include "base/status.h"

typedef struct c2_pool_chunk c2_pool_chunk;

/* An empty pool is zeroed. */
typedef struct c2_pool {
  c2_pool_chunk *chunk;
  size_t bytes; /* that it takes */
} c2_pool;

/* Allocates zeroed memory that is aligned for any type. *out is not NULL even if the count is 0. */
c2_status c2_pool_alloc(c2_pool *pool, size_t count, size_t size, void *out, c2_error *err);
c2_status c2_pool_text(c2_pool *pool, const char *text, const char **out, c2_error *err);
void c2_pool_free(c2_pool *pool);

#endif
