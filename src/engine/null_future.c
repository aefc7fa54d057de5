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
static size_t group_end(const c2_batch *batch, size_t from, bool *knows) {
  size_t end = from;
  *knows = false;
  do *knows = knows_future(&batch->row[end++]) || *knows;
  while (end < batch->rows && batch->row[end].group == batch->row[from].group);
  return end;
}

size_t c2_padded_tokens(const c2_engine *engine, const c2_batch *batch, size_t from, size_t to) {
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
  size_t end = group_end(batch, from, knows);
  size_t tokens = c2_padded_tokens(engine, batch, from, end);
  while (end < batch->rows && (!*knows || tokens < most)) {
    size_t to = group_end(batch, end, &next);
    if (next != *knows) break;
    tokens += c2_padded_tokens(engine, batch, end, to);
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
