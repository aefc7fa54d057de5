/* The weights of one model: names of the file into a struct, each with its shape. Tensors are read from the model's
 * files (reading.h); a backend makes a copy of its own of them, in the form that it computes with.
 *
 * Shapes: D d_model, I heads * d_kv, F d_ff, P patch, Q quantiles. Matrices are [out][in], as stored. */
#ifndef C2_MODEL_WEIGHTS_H
#define C2_MODEL_WEIGHTS_H

#include <chronos2.h>

#include "base/memory.h"
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

/* The tensors' values in memory: of random weights, and what the reference backend reads. */
typedef struct c2_raw {
  const float **values; /* [expected_count], by c2_expected.index; NULL: not in memory */
  c2_block block;
} c2_raw;

/* A backend's copy of the weights, which its sessions share. */
typedef struct c2_prepared {
  void *weights; /* NULL: no backend has made one */
  size_t bytes;
  void (*close)(void *weights);
} c2_prepared;

/* Copies of the weights in the memory of devices, which sessions make and share: `first` is a backend's own list. */
typedef struct c2_copies {
  struct c2_mutex *mutex; /* held by who looks at the list */
  void *first;
} c2_copies;

struct c2_adapter;

enum { C2_WARNING_ROOM = 1548 };

struct chronos2_model {
  chronos2_config config;
  c2_trained trained;
  c2_weights weights;
  size_t expected_count;
  c2_expected *expected;
  chronos2_dtype dtype;  /* that the encoder's products are asked in */
  c2_safetensors *files; /* [file_count], open */
  size_t file_count;
  struct c2_adapter *adapter; /* NULL: none */
  c2_raw raw;                 /* random weights, and what is opened without packing */
  c2_prepared prepared;
  c2_copies *copies;
  size_t parameters;
  chronos2_training training;
  char warning[C2_WARNING_ROOM]; /* empty: none */
};

#endif
