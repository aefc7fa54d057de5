/* How a batch under windowed_future_null becomes passes: groups of which nothing of the future is known in one, where
 * their own future is the null future; the others prefilled beside it and then decoded. */
#ifndef C2_ENGINE_NULL_FUTURE_H
#define C2_ENGINE_NULL_FUTURE_H

#include "engine/backend.h"

typedef c2_status (*c2_pass_fn)(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* Forecasts such a batch by the backend's prefill and decode, and by `pass`. Keys and values of about `tokens` tokens
 * are cached at once. Rows don't depend on what else is in a pass. */
c2_status c2_forward_null(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_pass_fn pass,
                          size_t tokens, c2_error *err);

/* The largest cache of keys and values that c2_forward_null can hold, whatever the rows' values are. `row_bytes` is
 * what a row of so many context tokens takes. */
size_t c2_null_future_bytes(const c2_engine *engine, const c2_batch *batch, size_t tokens,
                            size_t (*row_bytes)(const c2_engine *engine, size_t tokens));

#endif
