/* The CPU backend's KV cache: keys and values of time attention, in panels. A prefill fills it. */
#ifndef C2_ENGINE_CPU_KV_CACHE_H
#define C2_ENGINE_CPU_KV_CACHE_H

#include "engine/backend.h"
#include "engine/cpu/attention.h"
#include "engine/layout.h"

typedef struct c2_cpu_kv {
  c2_kv_cache base;
  c2_block block;
  c2_type type;   /* of attention */
  size_t head;    /* K */
  size_t rows;    /* the highest slot plus one */
  size_t *tokens; /* [rows] by slot */
  size_t *offset; /* [rows] by slot: a row's panels within a layer, in words */
  size_t layer;   /* words of a layer */
  uint32_t *panels; /* [layers][layer]: of each row and head keys, then values */
} c2_cpu_kv;

/* Makes room for the context tokens of a filled layout. */
c2_status c2_kv_open(c2_cpu_kv **kv, const c2_layout *layout, const chronos2_config *config, c2_type type,
                     const c2_batch *batch, c2_error *err);

/* The bytes that a row with so many context tokens takes. */
size_t c2_kv_row_bytes(const chronos2_config *config, c2_type type, size_t tokens);
void c2_kv_free(c2_kv_cache *cache);

/* The place of a head's keys and values of a row. */
c2_panels c2_kv_at(const c2_cpu_kv *kv, size_t layer, size_t slot, size_t head);

#endif
