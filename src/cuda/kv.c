/* The KV cache on a device. */
#include <stdlib.h>

#include "cuda/session.h"
#include "engine/layout.h"

size_t c2_cuda_kv_row_bytes(const c2_engine *engine, size_t tokens) {
  const c2_cuda_weights *w = c2_cuda_of(engine)->weights;
  size_t bytes = 0;
  c2_sum_up(&bytes, tokens, engine->model->config.layers * 2 * w->sizes.inner * c2_gpu_size(w->type));
  return bytes;
}

c2_status c2_cuda_kv_open(c2_engine *engine, const c2_batch *batch, c2_cuda_kv **out, c2_error *err) {
  const chronos2_config *c = &engine->model->config;
  c2_cuda_link *link = c2_cuda_of(engine)->link;
  c2_cuda_kv *kv = NULL;
  size_t tokens = 0;
  C2_TRY(c2_alloc_array(1, sizeof *kv, &kv, err));
  *out = kv;
  kv->link = link;
  atomic_fetch_add(&link->users, 1);
  kv->rows = c2_batch_slots(batch);
  C2_TRY(c2_alloc_array(kv->rows, sizeof *kv->first, &kv->first, err));
  C2_TRY(c2_alloc_array(kv->rows, sizeof *kv->count, &kv->count, err));
  C2_TRY(c2_alloc_array(kv->rows, sizeof *kv->scaler, &kv->scaler, err));
  for (size_t r = 0; r < batch->rows; r++) {
    size_t slot = batch->row[r].slot;
    kv->first[slot] = (uint32_t)tokens;
    kv->count[slot] = (uint32_t)c2_context_tokens(&batch->row[r], c, batch);
    tokens += kv->count[slot];
  }
  kv->layer_bytes = c2_cuda_kv_row_bytes(engine, tokens) / c->layers;
  if (!c2_mul(kv->layer_bytes, c->layers, &kv->base.bytes) || tokens > UINT32_MAX) {
    C2_FAIL(err, C2_ERR_MEMORY, "the keys and values of %zu tokens overflow", tokens);
  }
  C2_TRY(link->table->allocate(link->device, kv->base.bytes, (void **)&kv->memory, err));
  atomic_fetch_add(&link->kept, kv->base.bytes);
  c2_cuda_count(engine, 0);
  return C2_OK;
}

void c2_cuda_kv_free(c2_kv_cache *cache) {
  c2_cuda_kv *kv = (c2_cuda_kv *)cache;
  if (kv->memory) {
    kv->link->table->release(kv->link->device, kv->memory);
    atomic_fetch_sub(&kv->link->kept, kv->base.bytes);
  }
  c2_cuda_link_close(kv->link);
  free(kv->first);
  free(kv->count);
  free(kv->scaler);
  free(kv);
}
