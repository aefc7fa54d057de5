/* Reading tensors as float32, an adapter's change included, in bands that fit a processor's cache.
 *
 * Whoever reads a tensor twice gets the same bytes or an error: the digest of the first reading is kept. */
#ifndef C2_MODEL_READING_H
#define C2_MODEL_READING_H

#include "base/hash.h"
#include "base/threads.h"
#include "model/weights.h"

/* Floats of a band: one row at least, of any of the model's matrices. */
size_t c2_band_room(const chronos2_model *model);

/* Walks the rows of a tensor. */
typedef struct c2_reading {
  const chronos2_model *model;
  const c2_expected *tensor;
  float *band;        /* [room] the caller's; rows [first, first + rows) after c2_reading_next */
  size_t room;
  size_t first, rows; /* a vector's elements are its rows */
  c2_hash hash;       /* of the stored bytes so far */
} c2_reading;

void c2_reading_begin(c2_reading *reading, const chronos2_model *model, const c2_expected *tensor, float *band,
                      size_t room);

/* The next band; rows is 0 behind the last. A value that is not finite is C2_ERR_MODEL. */
c2_status c2_reading_next(c2_reading *reading, c2_error *err);

/* Keeps the digest of a tensor that has been read to its end, or compares it with the one that is kept. Not for
 * several threads at once. */
c2_status c2_reading_settle(c2_expected *tensor, uint64_t digest, c2_error *err);

/* A whole tensor of an open model, of which nothing is kept; threads may read at once. `out` [elements]. */
c2_status c2_tensor_values(const chronos2_model *model, const c2_expected *tensor, float *out, c2_error *err);

/* Rows [first, first + rows) of a tensor, whatever was read before. */
c2_status c2_tensor_rows(const chronos2_model *model, const c2_expected *tensor, size_t first, size_t rows, float *out,
                         c2_error *err);

/* Of every tensor, without its values. */
c2_status c2_model_digest(chronos2_model *model, c2_pool *pool, c2_error *err);

/* All values in memory. Free also after a failure. */
c2_status c2_raw_load(const chronos2_model *model, c2_pool *pool, c2_raw *raw, c2_error *err);
void c2_raw_free(c2_raw *raw);

/* Runs `task` (index and worker, as c2_task_fn) for 0 .. tasks-1 by the pool; of the failures the one with the lowest
 * index is returned. */
typedef c2_status (*c2_fallible_fn)(void *context, size_t task, size_t worker, c2_error *err);
c2_status c2_run_fallible(c2_pool *pool, size_t tasks, c2_fallible_fn task, void *context, c2_error *err);

#endif
