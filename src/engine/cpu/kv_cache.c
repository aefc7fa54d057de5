/* Lays out the KV cache. */
#include "engine/cpu/kv_cache.h"

#include <stdlib.h>

/* Tokens of a row without its future. */
static size_t context_of(const c2_layout *l, const c2_batch *batch, size_t row) {
  return l->row_first[row + 1] - l->row_first[row] - batch->output_patches;
}

static void carve(c2_cpu_kv *kv, c2_arena *arena, size_t layers) {
  kv->tokens = C2_CARVE(arena, size_t, kv->rows);
  kv->offset = C2_CARVE(arena, size_t, kv->rows);
  kv->panels = c2_arena_carve(arena, kv->layer, layers * sizeof(uint32_t));
}

c2_status c2_kv_open(c2_cpu_kv **out, const c2_layout *l, const chronos2_config *c, c2_type type,
                     const c2_batch *batch, c2_error *err) {
  c2_arena plan = {0};
  size_t offset = 0;
  c2_cpu_kv *kv = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *kv, &kv, err));
  *out = kv;
  kv->type = type;
  kv->head = c->d_kv;
  kv->rows = c2_batch_slots(batch);
  for (size_t r = 0; r < batch->rows; r++) {
    kv->layer += c->heads * c2_panels_words(kv->type, context_of(l, batch, r), c->d_kv);
  }
  carve(kv, &plan, c->layers);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the memory of %zu tokens overflows", l->tokens);
  C2_TRY(c2_block_open(&kv->block, plan.used, err));
  kv->base.bytes = kv->block.size;
  c2_arena arena = {.base = kv->block.base, .size = kv->block.size};
  carve(kv, &arena, c->layers);
  for (size_t r = 0; r < batch->rows; r++) {
    size_t slot = batch->row[r].slot;
    kv->tokens[slot] = context_of(l, batch, r);
    kv->offset[slot] = offset;
    offset += c->heads * c2_panels_words(kv->type, kv->tokens[slot], c->d_kv);
  }
  return C2_OK;
}

size_t c2_kv_row_bytes(const chronos2_config *c, c2_type type, size_t tokens) {
  return c->layers * c->heads * c2_panels_words(type, tokens, c->d_kv) * sizeof(uint32_t);
}

void c2_kv_free(c2_kv_cache *cache) {
  c2_cpu_kv *kv = (c2_cpu_kv *)cache;
  c2_block_free(&kv->block);
  free(kv);
}

c2_panels c2_kv_at(const c2_cpu_kv *kv, size_t layer, size_t slot, size_t head) {
  size_t tokens = kv->tokens[slot];
  size_t at = layer * kv->layer + kv->offset[slot] + head * c2_panels_words(kv->type, tokens, kv->head);
  return c2_panels_at(kv->type, kv->panels + at, tokens, kv->head);
}
