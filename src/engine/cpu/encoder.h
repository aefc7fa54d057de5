/* What the stages of a forward pass share. MODEL.md is computed over packed live tokens: between two barriers
 * everything is local to a token, so one task carries a span of tokens through several layers of arithmetic in its
 * worker's scratch; only time attention (a row and a head a task) and group attention mix tokens.
 *
 * Shapes: T tokens, D d_model, I heads * d_kv, F d_ff, P patch, Q quantiles. */
#ifndef C2_ENGINE_CPU_ENCODER_H
#define C2_ENGINE_CPU_ENCODER_H

#include "engine/cpu/attention.h"
#include "engine/cpu/kv_cache.h"
#include "engine/cpu/pack.h"
#include "engine/cpu/session.h"
#include "engine/layout.h"

/* Rows of float32. */
typedef struct c2_rows {
  float *at;
  size_t stride;
} c2_rows;

/* A set of tokens that goes through a layer. Those of rows with company in their group come first. */
typedef struct c2_tokens {
  c2_rows x;     /* [count][D] hidden states */
  c2_rows qkv;   /* [count][3I] */
  c2_rows mixed; /* [count][I] attention's output */
  size_t count, grouped;
  const c2_cells *cells; /* of the grouped tokens */
} c2_tokens;

/* The scratch of one worker. A span's rows begin at row 0. */
typedef struct c2_worker {
  c2_rows normed; /* [span][D] */
  c2_rows hidden; /* [span][F] */
  c2_rows wide;   /* [span][max(3P, QP)] */
  c2_operand left; /* [span][max(D, I, F)] rounded to the matrices' type */
  c2_attend_scratch attend;
  float *weights; /* [S] one observed row of attention */
  bool *live;     /* [S] its keys that are there */
} c2_worker;

typedef struct c2_encoder {
  c2_engine *engine;
  const c2_kernels *kernels;
  c2_pool *pool;
  const chronos2_config *config;
  const c2_packed *w;
  const c2_batch *batch;
  const c2_result *result;
  c2_layout layout;
  c2_rope rope;
  size_t inner;            /* I */
  c2_tokens all;           /* of the layout */
  c2_tokens future;        /* future ones, after the last layer's time attention; decode: those of `all` */
  c2_rows mean;            /* [context patches][D] see masked.c; with layout.padded */
  c2_worker *worker;       /* [threads] */
  size_t span;             /* tokens of a task */
  size_t layer;            /* that runs */
  const c2_tokens *tail;   /* those that go on after its time attention */
  bool narrow;             /* last layer: queries of future tokens only, unless all are observed */
  size_t cells_of_a_task;
  c2_cpu_kv *fill;         /* prefill: gets keys and values */
  const c2_cpu_kv *past;   /* decode: gives them; only future tokens are computed */
} c2_encoder;

/* Tokens [first, first + rows) in a worker's hands. */
typedef struct c2_span {
  const c2_encoder *e;
  const c2_packed_layer *w; /* of the layer that runs */
  size_t first, rows;
  c2_rows x, qkv, mixed;        /* the span's own */
  c2_rows normed, hidden, wide; /* the worker's */
  c2_operand left;
} c2_span;

/* ---- encoder_span.c: spans, and arithmetic on them ---------------------------------------------- */

/* The number of tasks that `count` tokens make. */
size_t c2_spans(const c2_encoder *e, size_t count);

/* The span of a task that goes through all tokens of a set, or through those of the layer's tail: there no span
 * holds both grouped tokens and others. */
c2_span c2_span_of(const c2_encoder *e, const c2_tokens *tokens, size_t task, size_t worker);
c2_span c2_tail_span(const c2_encoder *e, size_t task, size_t worker);

typedef enum c2_how { C2_SET, C2_RELU, C2_ADD } c2_how;

/* Computes from W + bias for the span's rows. It goes to `to` as it is, or after relu, or it is added there. */
void c2_linear(const c2_span *s, c2_rows to, c2_rows from, const c2_matrix *w, c2_how how);

/* Does the same for columns [first, last) of W and of `to`. Whole panels are written. */
void c2_linear_columns(const c2_span *s, c2_rows to, c2_rows from, const c2_matrix *w, size_t first, size_t last,
                       c2_how how);

/* to = W_output relu(W_hidden from + b_hidden) + b_output + W_residual from + b_residual. `from` is not s->hidden. */
void c2_residual_block(const c2_span *s, c2_rows to, c2_rows from, const c2_packed_residual *w);

/* s->normed = weight * x / rms(x). */
void c2_norm(const c2_span *s, c2_rows x, const float *weight);

/* ---- The stages --------------------------------------------------------------------------------- */

void c2_run_embedding(c2_encoder *e);       /* ends.c: x of all tokens */
void c2_run_time_attention(c2_encoder *e);  /* time_attention.c: q, k, v and mixed of all tokens; sets e->tail */
void c2_run_group_attention(c2_encoder *e); /* group_attention.c: mixed of the tail's grouped tokens */
void c2_run_head(c2_encoder *e);            /* ends.c: quantiles */

/* Computes what masked tokens see where they see no live one (masked.c). */
void c2_spread_evenly(const c2_encoder *e, const c2_attend *a, size_t row);
void c2_run_means(c2_encoder *e);
void c2_take_means(const c2_span *s);

/* ---- encoder_plan.c: memory ---------------------------------------------------------------------- */

c2_encoder c2_encoder_of(c2_engine *engine, const c2_batch *batch, const c2_result *result);

/* Sets *bytes to the workspace that the pass takes; with `at_most` to the most that it, or a pass of some of its rows,
 * can take. */
c2_status c2_encoder_measure(c2_encoder *e, bool at_most, size_t *bytes, c2_error *err);

/* Makes the workspace and the token plan. */
c2_status c2_encoder_begin(c2_encoder *e, c2_error *err);

#endif
