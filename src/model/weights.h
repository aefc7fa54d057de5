/* The weights of one model: names of the file into a struct, each with its shape.
 *
 * Where the file holds aligned float32 a tensor is a view into the mapping; else it is converted once.
 * The fused engine multiplies by packed copies (kernels/kernels.h), made once when the model is opened;
 * the file's pages are then given back to the system.
 *
 * Shapes: D d_model, I heads * d_kv, F d_ff, P patch, Q quantiles. Matrices are [out][in], as stored. */
#ifndef C2_MODEL_WEIGHTS_H
#define C2_MODEL_WEIGHTS_H

#include <chronos2.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/safetensors.h"
#include "base/status.h"
#include "model/patterns.h"

typedef struct c2_attention_weights {
  const float *norm; /* [D] */
  const float *q;    /* [I][D] */
  const float *k;    /* [I][D] */
  const float *v;    /* [I][D] */
  const float *o;    /* [D][I] */
} c2_attention_weights;

typedef struct c2_layer_weights {
  c2_attention_weights time;
  c2_attention_weights group;
  const float *ffn_norm; /* [D] */
  const float *wi;       /* [F][D] */
  const float *wo;       /* [D][F] */
} c2_layer_weights;

/* x -> W_out relu(W_hidden x + b_hidden) + b_out + W_residual x + b_residual. */
typedef struct c2_residual_weights {
  const float *hidden;        /* [F][in] */
  const float *hidden_bias;   /* [F] */
  const float *output;        /* [out][F] */
  const float *output_bias;   /* [out] */
  const float *residual;      /* [out][in] */
  const float *residual_bias; /* [out] */
} c2_residual_weights;

/* A matrix [depth] -> [columns], transposed into panels as kernels.h defines them. int8: w = q scale, a scale for
 * each column. */
typedef struct c2_matrix {
  chronos2_dtype dtype;
  size_t depth;
  size_t stride; /* words from one panel to the next */
  void *panels;
  float *scale;   /* int8: [columns rounded up to whole panels] */
  int32_t *shift; /* int8: likewise, 128 times the sum of a column's q */
} c2_matrix;

typedef struct c2_packed_layer {
  c2_matrix time_qkv, time_o;   /* [D] -> [3I], [I] -> [D] */
  c2_matrix group_qkv, group_o; /* the same */
  c2_matrix group_ov;           /* [D] -> [D]: W_o W_v, all that group attention is in a group of one */
  c2_matrix wi, wo;             /* [D] -> [F], [F] -> [D] */
} c2_packed_layer;

typedef struct c2_packed_residual {
  c2_matrix hidden, output, residual;
  const float *hidden_bias; /* [F rounded up to whole panels] */
  const float *bias;        /* output_bias + residual_bias, likewise */
} c2_packed_residual;

typedef struct c2_weights {
  const float *reg;              /* [D]: embedding 1 */
  c2_residual_weights embed;     /* 3P -> D */
  c2_layer_weights *layer;       /* [layers] */
  const float *final_norm;       /* [D] */
  c2_residual_weights head;      /* D -> Q P */
  c2_packed_layer *packed_layer; /* [layers]; NULL if not packed */
  c2_packed_residual packed_embed, packed_head;
} c2_weights;

/* What is known of one tensor before any file is read. */
typedef struct c2_expected {
  char name[96];
  size_t dims;
  size_t shape[2];
  double initial_deviation; /* upstream's initialisation; 0 for constants */
  const float *values;      /* [shape], set once loaded */
} c2_expected;

struct chronos2_model {
  chronos2_config config;
  c2_trained trained;
  c2_weights weights;
  size_t expected_count;
  c2_expected *expected;
  const char **dtypes;   /* [expected_count] as stored */
  chronos2_dtype dtype;  /* as packed */
  c2_safetensors *files; /* [file_count] */
  size_t file_count;
  c2_block converted;  /* tensors that could not be mapped */
  c2_block packed;     /* empty if the cache is mapped */
  size_t packed_bytes; /* of the block, which may be larger */
  c2_mapping cache;    /* see cache.h; private */
  size_t parameters;
};

/* Gives the pages of a tensor that is a view back to the system, so that opening a model never holds the whole file
 * beside its packed copy. They are read again when touched. */
void c2_weights_forget(const chronos2_model *model, const float *values, size_t count);

/* A folder that is itself an adapter names its base model. */
c2_status c2_model_open(const char *folder, const chronos2_model_options *options, chronos2_model **model,
                        c2_error *err);
c2_status c2_model_random(const chronos2_config *config, uint64_t seed, const chronos2_model_options *options,
                          chronos2_model **model, c2_error *err);
void c2_model_close(chronos2_model **model);

#endif
