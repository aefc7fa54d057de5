/* The model's weights in a device's memory: one copy for all sessions that share model and device.
 *
 * On the device all rows are padded with zeros: every size of the model to a multiple of 8, a head to 32, 64 or 128.
 * Weights are padded as well, so what stands behind a row stays 0 in every product. */
#ifndef C2_CUDA_WEIGHTS_H
#define C2_CUDA_WEIGHTS_H

#include "cuda/link.h"
#include "model/weights.h"

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

/* The residual blocks are in float32, as on the CPU. */
typedef struct c2_cuda_residual {
  float *hidden, *output, *residual; /* [F][in], [out][F], [out][in] */
  float *hidden_bias, *bias;         /* [F], [out] */
} c2_cuda_residual;

typedef struct c2_cuda_weights {
  c2_cuda_sizes sizes;
  c2_gpu_element type;  /* of the encoder's products and of attention */
  c2_cuda_layer *layer; /* [layers] */
  c2_cuda_residual embed, head;
  float *reg, *final_norm; /* [D] */
  void *memory;            /* device: all of the above */
  size_t bytes;
  size_t index, users; /* the device, and sessions that compute with it */
  struct c2_cuda_weights *next;
} c2_cuda_weights;

/* Gets the model's copy on the link's device, which is made if there is none. The model's lock is held meanwhile, so
 * two threads may open sessions at once. */
c2_status c2_cuda_weights_take(const c2_cuda_link *link, const chronos2_model *model, const c2_cuda_weights **weights,
                               c2_error *err);

/* Gives a copy back; the last session to do so frees it. NULL is allowed and does nothing. */
void c2_cuda_weights_give(const c2_cuda_link *link, const chronos2_model *model, const c2_cuda_weights *weights);

#endif
