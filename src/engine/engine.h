/* The forward pass: a batch of rows in, quantiles out. Two implementations of one meaning:
 * reference.c, which pads and masks and is read beside MODEL.md, and encoder.c, which is fast. */
#ifndef C2_ENGINE_ENGINE_H
#define C2_ENGINE_ENGINE_H

#include <chronos2.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "model/reading.h"
#include "model/weights.h"

/* One univariate series as the model sees it. */
typedef struct c2_row {
  const double *context; /* [length], NaN = missing */
  size_t length;
  const double *future; /* [future_length] known covariate, NaN = unknown; may be NULL */
  size_t future_length;
  int64_t group;     /* rows of equal group attend to each other */
  size_t slot;       /* where this row's results go */
  double *quantiles; /* [Q][stride] where its forecast goes, steps and stride as c2_result has them; NULL: nowhere */
} c2_row;

typedef struct c2_batch {
  c2_row *row; /* [rows], sorted by c2_batch_sort */
  size_t rows;
  size_t grouped;        /* the first `grouped` rows have company in their group; set by c2_batch_sort */
  size_t output_patches; /* at least 1 */
  size_t context_limit;  /* longer contexts are cut off on the left */
  bool null_future;      /* no future value is known, whatever the rows say */
} c2_batch;

/* Rows of a group side by side, groups of one last. Within a group, by slot. */
void c2_batch_sort(c2_batch *batch);

/* Which keys a query sees. */
typedef struct c2_pattern {
  chronos2_attention attention;
  size_t radius; /* SIZE_MAX = unbounded */
  bool reg_global;
} c2_pattern;

/* Results: quantiles where the rows say, the others by slot; any of these may be NULL. */
typedef struct c2_result {
  size_t steps;  /* first steps of the forecast that the rows' quantiles take; 0: none */
  size_t stride; /* from one quantile's steps to the next's */
  double *loc;   /* [rows] */
  double *scale; /* [rows] */
  float *hidden; /* [rows][S][D] after the last norm, of the padded batch, masked tokens too */
} c2_result;

/* Hidden states after a stage, for tests: the padded batch [rows][S][D] in order of slots. */
typedef void (*c2_tap_fn)(void *user, const char *stage, size_t layer, const float *hidden);

typedef struct c2_engine {
  const chronos2_model *model;
  const c2_kernels *kernels;
  c2_raw raw; /* for the reference, loaded when it first runs, unless the model holds it */
  c2_pool *pool;
  c2_pattern pattern;
  const bool *blind;  /* [layers][heads] heads of time attention whose context sees no future; NULL: none */
  c2_block workspace; /* grows to what the largest batch needed */
  size_t held;        /* bytes that the running call holds beside it */
  size_t peak;        /* high-water mark of both together */
  chronos2_work work; /* of fused passes, until it is reset */
  chronos2_attention_fn observer;
  void *observer_user;
  c2_tap_fn tap; /* reference only */
  void *tap_user;
} c2_engine;

/* With `hidden`, the fused pass needs a batch without masked tokens, which it doesn't compute. Under
 * windowed_future_null, groups that know something of their future can't be observed. */
c2_status c2_fused_forward(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* What a context leaves behind under windowed_future_global and windowed_future_null: keys and values of time attention
 * for every layer and head, of the live context tokens of a batch (REG is one). No known future reaches them. */
typedef struct c2_memory {
  c2_block block;
  size_t rows;    /* the highest slot and one */
  size_t *tokens; /* [rows] by slot */
  size_t *offset; /* [rows] by slot: a row's panels within a layer, in floats */
  size_t layer;   /* floats of a layer */
  float *panels;  /* [layers][layer]: of each row and head keys, then values, as c2_panels has them */
} c2_memory;

/* Encodes the contexts of a sorted batch; its futures are not read. Under windowed_future_null the contexts see
 * `output_patches` tokens of a future of which nothing is known. Free also after a failure. Neither this attention nor
 * that of c2_fused_recall can be observed: no pass holds a whole row of it. */
c2_status c2_fused_encode(c2_engine *engine, const c2_batch *batch, c2_memory *memory, c2_error *err);
void c2_memory_free(c2_memory *memory);

/* As c2_fused_forward, bit for bit, but the contexts come from memory: the same rows in the same groups, with any
 * futures and output patches; or several times the same rows, each time in groups of their own. The row of slot s
 * continues the encoded row of slot s modulo memory->rows. */
c2_status c2_fused_recall(c2_engine *engine, const c2_batch *batch, const c2_memory *memory, const c2_result *result,
                          c2_error *err);

c2_status c2_reference_forward(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* Makes the workspace hold at least `size` bytes; the content is lost. */
c2_status c2_engine_reserve(c2_engine *engine, size_t size, c2_error *err);

/* Counts `bytes` as held. A caller sets engine->held back to what it was when it frees them. */
void c2_engine_hold(c2_engine *engine, size_t bytes);

/* c2_alloc_array of what the running call holds. */
c2_status c2_engine_alloc(c2_engine *engine, size_t count, size_t size, void *out, c2_error *err);

/* True if a padded batch has masked tokens: rows of unequal length, or patches without an observation. */
bool c2_batch_masks(const c2_batch *batch, size_t patch);

/* Context patches of a row after truncation, missing ones included. */
size_t c2_row_patches(const c2_row *row, size_t patch, size_t context_limit);

#endif
