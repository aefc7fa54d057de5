/* The forward pass on a device: MODEL.md over packed live tokens, as the CPU's encoder has it. Everything between two
 * attentions is local to a token; after the last layer's time attention only future tokens go on. The functions here
 * write operations into the session's program (program.h), which pass.c starts.
 *
 * Shapes: T tokens, Tf future tokens, D d_model, I heads * head, F d_ff, all padded (weights.h). */
#ifndef C2_CUDA_PASS_H
#define C2_CUDA_PASS_H

#include "cuda/plan.h"

/* The inner layer (F wide) of so many tokens exists at once. */
enum { C2_CUDA_CHUNK = 32768 };

typedef struct c2_cuda_run {
  c2_engine *engine;
  c2_cuda *cuda;
  const c2_cuda_weights *w;
  const chronos2_config *config;
  const c2_batch *batch;
  const c2_result *result;
  c2_cuda_asked asked;
  c2_cuda_plan_tables plan;
  unsigned char *tables; /* device: the mirror of the plan's tables */
  float *x;              /* [T][D] hidden states */
  void *normed;          /* [T][D] */
  void *qkv;             /* [T][3I] */
  void *mixed;           /* [T][I] attention's output */
  void *hidden;          /* [CHUNK][F] */
  float *features;       /* [CHUNK][3P] */
  float *xf;             /* [Tf][D] as x, for future tokens after the last time attention; decode: x */
  void *qf, *mixedf;     /* [Tf][3I], [Tf][I] */
  float *normedf;        /* [max(T, Tf)][D] after the last norm, in float32 */
  float *z;              /* [Tf][Q P] */
  double *quantiles;     /* [rows][Q][P patches] */
  float *weights;        /* [watched queries][H][watched keys] attention that is observed */
  size_t layer;
  c2_cuda_kv *keep;         /* prefill: gets keys and values */
  const c2_cuda_kv *recall; /* decode: gives them; only future tokens are computed */
} c2_cuda_run;

/* Returns a table's place on the device. */
static inline const void *c2_cuda_mirrored(const c2_cuda_run *run, const void *table) {
  return run->tables + ((const unsigned char *)table - run->cuda->tables.base);
}

/* Returns the array that the rows' contexts are places in. */
static inline const double *c2_cuda_contexts(const c2_cuda_run *run) {
  const c2_cuda_paths *paths = (const c2_cuda_paths *)run->batch->paths;
  return paths ? paths->context : c2_cuda_mirrored(run, run->plan.value);
}

/* Returns the place of element `i` of a device array of the session's type. */
static inline void *c2_cuda_at(const c2_cuda_run *run, void *array, size_t i) {
  return (unsigned char *)array + i * c2_gpu_size(run->w->type);
}

/* ---- Steps (steps.c) ---------------------------------------------------------------------------- */

/* A product of the encoder multiplies rows of `a`, of the session's type, by a weight matrix. */
typedef struct c2_cuda_product {
  const void *a, *w;
  void *c;
  size_t a_stride, depth, c_stride, rows, columns;
  bool relu, add; /* add: to c, which is float32 */
} c2_cuda_product;
c2_status c2_cuda_multiply(const c2_cuda_run *run, const c2_cuda_product *product, c2_error *err);

c2_status c2_cuda_norm(const c2_cuda_run *run, void *out, c2_gpu_element type, const float *x, const float *weight,
                       size_t rows, c2_error *err);

/* Computes out = W_out relu(W_hidden x + b) + W_res x + b' in float32. */
c2_status c2_cuda_residual_block(const c2_cuda_run *run, const c2_cuda_residual *w, const float *x, size_t in,
                                 float *out, size_t columns, size_t rows, c2_error *err);

/* Turns the values of the series into the hidden states x. */
c2_status c2_cuda_embed(const c2_cuda_run *run, c2_error *err);

/* Adds the layer's feed-forward network to x. */
c2_status c2_cuda_feed_forward(const c2_cuda_run *run, float *x, size_t rows, c2_error *err);

/* ---- Layers (layers.c, observed.c) -------------------------------------------------------------- */

/* Computes layer run->layer: both attentions and the feed-forward network. */
c2_status c2_cuda_layer_step(const c2_cuda_run *run, c2_error *err);

/* Starts what was written so far, and hands the weights of `attention`, the layer's time attention over all tokens, to
 * the engine's observer, piece by piece: no more than run->weights exist at once. */
c2_status c2_cuda_observe(const c2_cuda_run *run, const c2_gpu_attend *attention, c2_error *err);

#endif
