/* How a batch under windowed_future_null becomes passes: groups of which nothing of the future is known in one, where
 * their own future is the null future; the others prefilled beside it and then decoded. */
#ifndef C2_ENGINE_NULL_FUTURE_H
#define C2_ENGINE_NULL_FUTURE_H

#include "engine/backend.h"

typedef c2_status (*c2_pass_fn)(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* By the backend's prefill and decode, and by `pass`. Keys and values of about `tokens` tokens are cached at once; rows
 * don't depend on what else is in a pass. */
c2_status c2_forward_null(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_pass_fn pass,
                          size_t tokens, c2_error *err);

/* Tokens of rows [from, to) of a batch, missing patches included. */
size_t c2_padded_tokens(const c2_engine *engine, const c2_batch *batch, size_t from, size_t to);

#endif
