/* A session of the CUDA backend: the device, the weights in its memory, the workspace there and the tables here. */
#ifndef C2_CUDA_SESSION_H
#define C2_CUDA_SESSION_H

#include "base/threads.h"
#include "cuda/program.h"
#include "cuda/weights.h"
#include "engine/backend.h"

typedef struct c2_cuda {
  c2_cuda_link *link;
  const c2_cuda_weights *weights;
  void *workspace; /* device */
  size_t workspace_bytes;
  c2_block tables; /* of a pass, to be copied to the workspace; and where its quantiles arrive */
  float *angle; /* [2][angles][K / 2] cosines and sines of the rotary embedding, by position */
  size_t angles;
  c2_cuda_program program;
  c2_pool *pool; /* hands attention to an observer */
} c2_cuda;

static inline c2_cuda *c2_cuda_of(const c2_engine *engine) {
  return (c2_cuda *)engine->state;
}

/* Counts the workspace, and the device's memory, towards the engine's high-water marks: `used` bytes of the workspace
 * are in use. */
static inline void c2_cuda_count(c2_engine *engine, size_t used) {
  const c2_cuda *cuda = c2_cuda_of(engine);
  size_t kept = cuda->weights->bytes + atomic_load(&cuda->link->kept);
  size_t reserved = kept + cuda->workspace_bytes + cuda->link->table->overhead(cuda->link->device);
  engine->workspace = cuda->workspace_bytes + cuda->tables.size;
  c2_engine_hold(engine, 0);
  engine->device_allocated = c2_max_size(engine->device_allocated, kept + used);
  engine->device_reserved = c2_max_size(engine->device_reserved, reserved);
}

/* A prefill leaves these: for each layer a row for each context token, which holds its keys, then its values. */
typedef struct c2_cuda_kv {
  c2_kv_cache base;
  c2_cuda_link *link;
  unsigned char *memory; /* device [layers][tokens][2 I] */
  size_t layer_bytes;
  size_t rows;                /* the highest slot and one */
  uint32_t *first;            /* [rows] by slot: a row's first token */
  uint32_t *count;            /* [rows] by slot */
  c2_gpu_series_span *scaler; /* [rows] by slot: loc and scale */
} c2_cuda_kv;

/* A rollout's paths (rollout.c). Arrays are as c2_gpu_extend and c2_gpu_reduce have them. */
typedef struct c2_cuda_paths {
  c2_paths base;
  c2_cuda_link *link;
  c2_block opening; /* what the device is given, and where its quantiles arrive */
  void *memory;     /* device: the same, and the following */
  size_t bytes;     /* of it */
  double *context; /* [rows][paths][room] */
  double *out;     /* [rows][paths][levels][steps] */
  c2_gpu_extend extend;
  c2_gpu_reduce reduce;
  uint64_t *length;  /* [rows] here: steps of a context before the forecast */
  double *quantiles; /* [rows][levels][horizon] here */
  size_t done;       /* steps that the contexts have been extended by */
} c2_cuda_paths;

/* Returns the place behind the context of a path. */
static inline size_t c2_cuda_paths_end(const c2_cuda_paths *paths, size_t slot) {
  return slot * paths->extend.room + paths->length[slot / paths->extend.paths] + paths->done;
}

extern const c2_paths_ops c2_cuda_paths_ops;

/* Makes room for the context tokens of a batch. Free it also after a failure, unless it is NULL. */
c2_status c2_cuda_kv_open(c2_engine *engine, const c2_batch *batch, c2_cuda_kv **kv, c2_error *err);
void c2_cuda_kv_free(c2_kv_cache *cache);

/* Returns the bytes of the keys and values of a row of `tokens` context tokens. */
size_t c2_cuda_kv_row_bytes(const c2_engine *engine, size_t tokens);

/* Runs one pass over all rows. Under windowed_future_null their own future is the null future. */
c2_status c2_cuda_pass(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* Computes what c2_cuda_pass takes at most: the bytes of the tables here and of the workspace on the device. */
c2_status c2_cuda_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need, c2_error *err);

/* These do what c2_prefill and c2_decode do (engine/backend.h). */
c2_status c2_cuda_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err);
c2_status c2_cuda_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                         c2_error *err);

#endif
