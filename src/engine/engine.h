/* The forward pass: a batch of rows in, quantiles out. These are the inputs and outputs of every backend (backend.h),
 * and the state that all backends share. */
#ifndef C2_ENGINE_ENGINE_H
#define C2_ENGINE_ENGINE_H

#include <chronos2.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/status.h"
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
  size_t series, member, path; /* which row of which series, and path of a rollout, an observer is told */
} c2_row;

typedef struct c2_batch {
  c2_row *row; /* [rows], sorted by c2_batch_sort */
  size_t rows;
  size_t grouped;        /* the first `grouped` rows are in groups of two or more; set by c2_batch_sort */
  size_t output_patches; /* at least 1 */
  size_t context_limit;  /* longer contexts are cut off on the left */
  size_t first_step;     /* of the future, for an observer: steps that were forecast before */
  bool null_future;      /* no future value is known, whatever the rows say */
  const struct c2_paths *paths; /* a rollout's paths that the backend keeps (backend.h): the rows, by their slots, whose
                                 * contexts here only say what is observed; NULL: the rows are none */
} c2_batch;

/* Sorts the rows: those of a group stand together, ordered by slot, and groups of one row come last. */
void c2_batch_sort(c2_batch *batch);

/* The row behind the group that begins at row `first`, where the rows of a group stand together. */
size_t c2_batch_group_end(const c2_batch *batch, size_t first);

/* The pattern of time attention: which keys a query sees. */
typedef struct c2_pattern {
  chronos2_attention attention;
  size_t radius; /* SIZE_MAX = unbounded */
  bool reg_global;
} c2_pattern;

/* Where results go. Quantiles go where each row says, the others to the row's slot. Any pointer may be NULL. */
typedef struct c2_result {
  size_t steps;  /* number of first steps of the forecast that are written to the rows' quantiles; 0: none */
  size_t stride; /* doubles from the first step of one quantile to the first step of the next */
  double *loc;   /* [rows] */
  double *scale; /* [rows] */
  float *hidden; /* [rows][S][D] after the last norm, of the padded batch, masked tokens too */
} c2_result;

struct c2_backend;

/* The engine of a session: what its passes compute, by which backend, and how much they have taken. */
typedef struct c2_engine {
  const struct c2_backend *backend;
  void *state; /* the backend's own */
  const chronos2_model *model;
  const char *isa; /* as --isa spells it */
  size_t threads;
  c2_pattern pattern;
  const bool *blind;  /* [layers][heads] heads of time attention whose context sees no future; NULL: none */
  size_t workspace;   /* bytes that the backend keeps between passes */
  size_t held;        /* bytes that the running call holds beside them */
  size_t peak;        /* high-water mark of both together */
  size_t device_allocated, device_reserved; /* high-water marks of a GPU's memory; 0 on the CPU */
  chronos2_work work; /* of fused passes, until it is reset */
  _Atomic(chronos2_attention_fn) observer; /* which may be removed while several threads call it */
  void *observer_user;
  bool observing;      /* the running call has begun with an observer */
  size_t first_series; /* number of the call's first series, for an observer */
} c2_engine;

/* Makes a backend's workspace in this machine's memory hold at least `size` bytes; the content is lost. */
c2_status c2_engine_reserve(c2_engine *engine, c2_block *workspace, size_t size, c2_error *err);

/* Counts `bytes` as held by the running call. The caller sets engine->held back to its old value when it frees them. */
void c2_engine_hold(c2_engine *engine, size_t bytes);

/* Allocates as c2_alloc_array does, and counts the memory as held by the running call. */
c2_status c2_engine_alloc(c2_engine *engine, size_t count, size_t size, void *out, c2_error *err);

/* The highest slot of the rows, and one: the length of a table by slot. */
size_t c2_batch_slots(const c2_batch *batch);

/* True if a padded batch has masked tokens: rows of unequal length, or patches without an observation. */
bool c2_batch_masks(const c2_batch *batch, size_t patch);

/* Context patches of a row after truncation, missing ones included. */
size_t c2_row_patches(const c2_row *row, size_t patch, size_t context_limit);

#endif
