/* A session of the CUDA backend: the device, the weights in its memory, the workspace there and the tables here.
 *
 * On the device all rows are padded with zeros: every size of the model to a multiple of 8, a head to 32, 64 or 128.
 * Weights are padded as well, so what stands behind a row stays 0 in every product. */
#ifndef C2_CUDA_SESSION_H
#define C2_CUDA_SESSION_H

#include "cuda/device.h"
#include "engine/backend.h"

/* The device and its library; sessions and KV caches share it. */
typedef struct c2_cuda_link {
  const c2_device_table *table;
  c2_device *device;
  size_t users; /* closed with the last one */
} c2_cuda_link;

/* Opens device `index` by the library that loader.c finds. */
c2_status c2_cuda_link_open(size_t index, c2_cuda_link **link, c2_error *err);
void c2_cuda_link_close(c2_cuda_link *link);

/* Padded sizes, in elements. */
typedef struct c2_cuda_sizes {
  size_t model, head, inner, ff; /* D, K, H K, F */
  size_t in, out;                /* 3P, Q P */
} c2_cuda_sizes;

typedef struct c2_cuda_layer {
  void *time_qkv, *time_o;   /* [3I][D], [D][I] */
  void *group_qkv, *group_o; /* the same */
  void *group_ov;            /* [D][D]: W_o W_v, all that group attention is in a group of one */
  void *wi, *wo;             /* [F][D], [D][F] */
  float *time_norm, *group_norm, *ffn_norm; /* [D] */
} c2_cuda_layer;

/* In float32, as on the CPU. */
typedef struct c2_cuda_residual {
  float *hidden, *output, *residual; /* [F][in], [out][F], [out][in] */
  float *hidden_bias, *bias;         /* [F], [out] */
} c2_cuda_residual;

typedef struct c2_cuda {
  c2_cuda_link *link;
  c2_cuda_sizes sizes;
  c2_gpu_element type; /* of the encoder's products and of attention */
  c2_cuda_layer *layer;
  c2_cuda_residual embed, head;
  float *reg, *final_norm; /* [D] */
  void *weights;           /* device: all of the above */
  size_t weights_bytes;
  void *workspace; /* device */
  size_t workspace_bytes;
  c2_block tables; /* of a pass, to be copied to the workspace */
} c2_cuda;

static inline c2_cuda *c2_cuda_of(const c2_engine *engine) {
  return (c2_cuda *)engine->state;
}

static inline size_t c2_gpu_size(c2_gpu_element type) {
  return type == C2_GPU_BF16 ? 2 : 4;
}

/* Pieces of device memory, at multiples of 256 bytes: planned with base NULL, then handed out. */
typedef struct c2_cuda_arena {
  unsigned char *base;
  size_t used;
  bool failed;
} c2_cuda_arena;

void *c2_cuda_carve(c2_cuda_arena *arena, size_t count, size_t size);

/* Copies the model's weights to the device. */
c2_status c2_cuda_weights_open(c2_cuda *cuda, const chronos2_model *model, c2_error *err);

/* What a prefill leaves: a row a context token, keys then values, layer by layer. */
typedef struct c2_cuda_kv {
  c2_kv_cache base;
  c2_cuda_link *link;
  unsigned char *memory; /* device [layers][tokens][2 I] */
  size_t layer_bytes;
  size_t rows;     /* the highest slot and one */
  uint32_t *first; /* [rows] by slot: a row's first token */
  uint32_t *count; /* [rows] by slot */
} c2_cuda_kv;

/* One pass over all rows. Under windowed_future_null their own future is the null future. */
c2_status c2_cuda_pass(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* As c2_prefill and c2_decode. */
c2_status c2_cuda_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err);
c2_status c2_cuda_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                         c2_error *err);
void c2_cuda_kv_free(c2_kv_cache *cache);

#endif
