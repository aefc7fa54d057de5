/* The CPU backend's copy of the weights: matrices in panels (kernels/kernels.h), made once when the model is opened.
 * Passes read nothing else, so later changes of the files can't affect them. */
#ifndef C2_ENGINE_CPU_PACK_H
#define C2_ENGINE_CPU_PACK_H

#include "base/infile.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "model/weights.h"

/* A matrix [depth] -> [columns], transposed into panels, with what is added to its product. */
typedef struct c2_matrix {
  c2_operand panels;
  size_t depth, columns;
  const float *bias; /* [columns rounded up to whole panels]; NULL: none */
} c2_matrix;

typedef struct c2_packed_layer {
  c2_matrix time_qkv, time_o;   /* [D] -> [3I], [I] -> [D] */
  c2_matrix group_qkv, group_o; /* the same */
  c2_matrix group_ov;           /* [D] -> [D]: W_o W_v, all that group attention is in a group of one */
  c2_matrix wi, wo;             /* [D] -> [F], [F] -> [D] */
  const float *time_norm, *group_norm, *ffn_norm; /* [D rounded up to whole panels] */
} c2_packed_layer;

typedef struct c2_packed_residual {
  c2_matrix hidden;   /* with its bias */
  c2_matrix output;   /* without */
  c2_matrix residual; /* with output_bias + residual_bias */
} c2_packed_residual;

/* All that a pass reads of a model. */
typedef struct c2_packed {
  c2_packed_layer *layer; /* [layers] */
  c2_packed_residual embed, head;
  const float *reg, *final_norm; /* [D rounded up to whole panels] */
  c2_block block;   /* that holds all this; empty if it is in the cache's file */
  c2_mapping cache; /* see cache.h */
} c2_packed;

/* Packs the weights and sets model->prepared. The pool's threads share the work; the result doesn't depend on their
 * number. `kernels` multiply W_o W_v. `cache` is a folder where packed weights are kept, or NULL. A fault of the cache
 * becomes the model's warning, never a failure. */
c2_status c2_model_pack(chronos2_model *model, c2_pool *pool, const c2_kernels *kernels, const char *cache,
                        c2_error *err);

#endif
