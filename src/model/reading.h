/* Reading tensors as float32, with an adapter's changes merged in. A tensor is read in bands, pieces that fit a
 * processor's cache.
 *
 * A second reading of a tensor gives the same bytes or an error: the digest of the first reading is kept. */
#ifndef C2_MODEL_READING_H
#define C2_MODEL_READING_H

#include "base/hash.h"
#include "base/threads.h"
#include "model/weights.h"

/* The number of floats in a band. It holds at least one row of any of the model's matrices. */
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

/* Reads the next band; `rows` is 0 after the last one. A value that is not finite is C2_ERR_MODEL. */
c2_status c2_reading_next(c2_reading *reading, c2_error *err);

/* Keeps the digest of a tensor that has been read to its end, or compares it with the one that is kept. Only one thread
 * may call it for a tensor. */
c2_status c2_reading_settle(c2_expected *tensor, uint64_t digest, c2_error *err);

/* Reads a whole tensor of an open model into out [elements]. Several threads may read at once. */
c2_status c2_tensor_values(const chronos2_model *model, const c2_expected *tensor, float *out, c2_error *err);

/* Reads the rows [first, first + rows) of a tensor, whatever was read before. */
c2_status c2_tensor_rows(const chronos2_model *model, const c2_expected *tensor, size_t first, size_t rows, float *out,
                         c2_error *err);

/* Computes the digest of every tensor without keeping its values. */
c2_status c2_model_digest(chronos2_model *model, c2_pool *pool, c2_error *err);

/* What `c2_raw_open` allocates for the values; SIZE_MAX if it overflows. */
size_t c2_raw_bytes(const chronos2_model *model);

/* Makes room for all values. *values, NULL before, becomes their table: the caller writes them, and then makes it
 * raw->values or frees it. Free `raw` also after a failure. */
c2_status c2_raw_open(const chronos2_model *model, c2_raw *raw, float ***values, c2_error *err);

/* Reads all values into memory. Free `raw` also after a failure. */
c2_status c2_raw_load(const chronos2_model *model, c2_pool *pool, c2_raw *raw, c2_error *err);
void c2_raw_free(c2_raw *raw);

/* Lets the pool run `task` for the indices 0 to tasks-1. Of several failures it returns the one with the lowest index.
 */
typedef c2_status (*c2_fallible_fn)(void *context, size_t task, size_t worker, c2_error *err);
c2_status c2_run_fallible(c2_pool *pool, size_t tasks, c2_fallible_fn task, void *context, c2_error *err);

#endif
