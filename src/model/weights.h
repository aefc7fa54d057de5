/* The weights of one model: names of the file into a struct, each with its shape.
 *
 * The fused engine multiplies by packed copies (kernels/kernels.h), made once when the model is opened, and reads
 * nothing else: what happens to the file afterwards can't reach it. The reference backend wants the raw values, and
 * holds them only where it runs.
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

/* One tensor: what is known of it before any file is read, then where it lies. */
typedef struct c2_expected {
  char name[96];
  size_t index; /* in the model's list */
  size_t dims;
  size_t shape[2];             /* a vector's second is 1 */
  double initial_deviation;    /* upstream's initialisation; 0 for constants */
  const c2_safetensors *file;  /* NULL: random weights */
  const c2_tensor *tensor;     /* of that file */
  uint64_t digest;             /* of its stored bytes, once they have been read */
  bool digested;
} c2_expected;

typedef struct c2_attention_weights {
  const c2_expected *norm; /* [D] */
  const c2_expected *q;    /* [I][D] */
  const c2_expected *k;    /* [I][D] */
  const c2_expected *v;    /* [I][D] */
  const c2_expected *o;    /* [D][I] */
} c2_attention_weights;

typedef struct c2_layer_weights {
  c2_attention_weights time;
  c2_attention_weights group;
  const c2_expected *ffn_norm; /* [D] */
  const c2_expected *wi;       /* [F][D] */
  const c2_expected *wo;       /* [D][F] */
} c2_layer_weights;

/* x -> W_out relu(W_hidden x + b_hidden) + b_out + W_residual x + b_residual. */
typedef struct c2_residual_weights {
  const c2_expected *hidden;        /* [F][in] */
  const c2_expected *hidden_bias;   /* [F] */
  const c2_expected *output;        /* [out][F] */
  const c2_expected *output_bias;   /* [out] */
  const c2_expected *residual;      /* [out][in] */
  const c2_expected *residual_bias; /* [out] */
} c2_residual_weights;

typedef struct c2_weights {
  const c2_expected *shared; /* [2][D]: embedding 1 is the REG token; 0 is padding that nobody reads */
  c2_residual_weights embed; /* 3P -> D */
  c2_layer_weights *layer;   /* [layers] */
  const c2_expected *final_norm; /* [D] */
  c2_residual_weights head;  /* D -> Q P */
} c2_weights;

/* The tensors' values in memory, for the reference backend. */
typedef struct c2_raw {
  const float **values; /* [expected_count], by c2_expected.index; NULL: not in memory */
  c2_block block;
} c2_raw;

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
  const float *time_norm, *group_norm, *ffn_norm; /* [D rounded up to whole panels] */
} c2_packed_layer;

typedef struct c2_packed_residual {
  c2_matrix hidden, output, residual;
  const float *hidden_bias; /* [F rounded up to whole panels] */
  const float *bias;        /* output_bias + residual_bias, likewise */
} c2_packed_residual;

/* All that the fused engine reads. */
typedef struct c2_packed {
  c2_packed_layer *layer; /* [layers]; NULL if the model is not packed */
  c2_packed_residual embed, head;
  const float *reg, *final_norm; /* [D rounded up to whole panels] */
  c2_block block;   /* that holds all this; empty if it is in the cache's file */
  c2_mapping cache; /* see cache.h */
} c2_packed;

struct c2_adapter;

enum { C2_WARNING_ROOM = 512 };

struct chronos2_model {
  chronos2_config config;
  c2_trained trained;
  c2_weights weights;
  size_t expected_count;
  c2_expected *expected;
  chronos2_dtype dtype;  /* as packed */
  c2_safetensors *files; /* [file_count], open */
  size_t file_count;
  struct c2_adapter *adapter; /* NULL: none */
  c2_raw raw;                 /* random weights, and what is opened without packing */
  c2_packed packed;
  size_t parameters;
  chronos2_training training;
  char warning[C2_WARNING_ROOM]; /* empty: none */
};

/* A folder that is itself an adapter names its base model. */
c2_status c2_model_open(const char *folder, const chronos2_model_options *options, chronos2_model **model,
                        c2_error *err);
c2_status c2_model_random(const chronos2_config *config, uint64_t seed, const chronos2_model_options *options,
                          chronos2_model **model, c2_error *err);
void c2_model_close(chronos2_model **model);

#endif
