/* Passes under windowed_future_null. */
#include "engine/null_future.h"

#include <math.h>

static bool knows_future(const c2_row *row) {
  for (size_t i = 0; row->future && i < row->future_length; i++) {
    if (!isnan(row->future[i])) return true;
  }
  return false;
}

/* The row behind the group that begins at `from`, and whether the group knows something of its future. */
static size_t next_group(const c2_batch *batch, size_t from, bool *knows) {
  size_t end = c2_batch_group_end(batch, from);
  *knows = false;
  for (size_t r = from; r < end && !*knows; r++) *knows = knows_future(&batch->row[r]);
  return end;
}

/* Tokens of rows [from, to), missing patches included. */
static size_t padded_tokens(const c2_engine *engine, const c2_batch *batch, size_t from, size_t to) {
  size_t tokens = 0;
  for (size_t r = from; r < to; r++) {
    tokens += c2_row_patches(&batch->row[r], engine->model->config.patch, batch->context_limit);
    tokens += 1 + batch->output_patches;
  }
  return tokens;
}

/* Consecutive groups of a batch: without a known future as many as there are, with one as many as fit. */
static size_t next_groups(const c2_engine *engine, const c2_batch *batch, size_t from, size_t most, c2_batch *groups,
                          bool *knows) {
  bool next = false;
  size_t end = next_group(batch, from, knows);
  size_t tokens = padded_tokens(engine, batch, from, end);
  while (end < batch->rows && (!*knows || tokens < most)) {
    size_t to = next_group(batch, end, &next);
    if (next != *knows) break;
    tokens += padded_tokens(engine, batch, end, to);
    end = to;
  }
  *groups = *batch;
  groups->row = batch->row + from;
  groups->rows = end - from;
  groups->grouped = c2_min_size(batch->grouped > from ? batch->grouped - from : 0, groups->rows);
  return end;
}

/* Groups that know something of their future: prefilled beside the null future, then decoded. */
static c2_status forward_known(c2_engine *engine, const c2_batch *groups, const c2_result *result, c2_error *err) {
  c2_kv_cache *cache = NULL;
  size_t before = engine->held;
  c2_status status = engine->backend->prefill(engine, groups, &cache, err);
  if (cache) c2_engine_hold(engine, cache->bytes);
  if (status == C2_OK) status = engine->backend->decode(engine, groups, cache, result, err);
  if (cache) engine->backend->free_cache(cache);
  engine->held = before;
  return status;
}

c2_status c2_forward_null(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_pass_fn pass,
                          size_t tokens, c2_error *err) {
  for (size_t from = 0; from < batch->rows;) {
    c2_batch groups;
    bool knows = false;
    from = next_groups(engine, batch, from, tokens, &groups, &knows);
    C2_TRY(knows ? forward_known(engine, &groups, result, err) : pass(engine, &groups, result, err));
  }
  return C2_OK;
}

/* ---- What it takes ------------------------------------------------------------------------------ */

typedef struct caches {
  const c2_engine *engine;
  const c2_batch *batch;
  size_t (*row_bytes)(const c2_engine *engine, size_t tokens);
} caches;

/* The group's tokens, and the bytes of its cache; none of either if it knows nothing of its future. */
static size_t group_cache(const caches *x, size_t from, size_t to, size_t *bytes) {
  size_t patch = x->engine->model->config.patch;
  bool knows = false;
  *bytes = 0;
  for (size_t r = from; r < to; r++) {
    const c2_row *row = &x->batch->row[r];
    knows = knows || row->future_length > 0;
    c2_sum_up(bytes, x->row_bytes(x->engine, c2_row_patches(row, patch, x->batch->context_limit) + 1), 1);
  }
  if (!knows) *bytes = 0;
  return knows ? padded_tokens(x->engine, x->batch, from, to) : 0;
}

/* Consecutive groups can be cached together, wherever the first one begins. */
size_t c2_null_future_bytes(const c2_engine *engine, const c2_batch *batch, size_t most,
                            size_t (*row_bytes)(const c2_engine *engine, size_t tokens)) {
  const caches x = {engine, batch, row_bytes};
  size_t largest = 0;
  size_t sum = 0;
  size_t tokens = 0;
  size_t bytes = 0;
  for (size_t from = 0, to = 0; from < batch->rows;) {
    while (to < batch->rows && (to == from || tokens < most)) {
      size_t next = c2_batch_group_end(batch, to);
      tokens += group_cache(&x, to, next, &bytes);
      c2_sum_up(&sum, bytes, 1);
      to = next;
    }
    largest = c2_max_size(largest, sum);
    size_t next = c2_batch_group_end(batch, from);
    tokens -= group_cache(&x, from, next, &bytes);
    sum -= bytes;
    from = next;
  }
  return largest;
}
