/* Builds the token plan of a batch. */
#include "engine/layout.h"

#include <string.h>

/* The row's context after truncation. */
static const double *context_of(const c2_row *row, size_t limit, size_t *length) {
  *length = c2_min_size(row->length, limit);
  return row->context ? row->context + (row->length - *length) : NULL;
}

/* True if patch p, of n patches that end where the context ends, holds an observation. */
static bool live_patch(const double *context, size_t length, size_t patch, size_t n, size_t p) {
  size_t end = length - (n - 1 - p) * patch;
  size_t begin = end > patch ? end - patch : 0;
  return c2_any_observed(context + begin, end - begin);
}

bool c2_live_patch(const c2_row *row, size_t patch, size_t context_limit, size_t index) {
  size_t length = 0;
  const double *context = context_of(row, context_limit, &length);
  return live_patch(context, length, patch, c2_row_patches(row, patch, context_limit), index);
}

size_t c2_context_tokens(const c2_row *row, const chronos2_config *config, const c2_batch *batch) {
  size_t length = 0;
  const double *context = context_of(row, batch->context_limit, &length);
  size_t n = c2_row_patches(row, config->patch, batch->context_limit);
  size_t live = 1;
  if (!context) return n + 1;
  for (size_t p = 0; p < n; p++) live += live_patch(context, length, config->patch, n, p);
  return live;
}

bool c2_batch_masks(const c2_batch *batch, size_t patch) {
  size_t deepest = 0;
  for (size_t r = 0; r < batch->rows; r++) {
    deepest = c2_max_size(deepest, c2_row_patches(&batch->row[r], patch, batch->context_limit));
  }
  for (size_t r = 0; r < batch->rows; r++) {
    size_t length = 0;
    const double *context = context_of(&batch->row[r], batch->context_limit, &length);
    if (c2_row_patches(&batch->row[r], patch, batch->context_limit) < deepest) return true;
    for (size_t p = 0; p < deepest; p++) {
      if (!live_patch(context, length, patch, deepest, p)) return true;
    }
  }
  return false;
}

c2_status c2_layout_count(c2_layout *l, const chronos2_config *config, const c2_batch *batch, bool future_only,
                          c2_error *err) {
  memset(l, 0, sizeof *l);
  l->rows = batch->rows;
  l->future_only = future_only;
  for (size_t r = 0; r < batch->rows; r++) {
    size_t tokens = batch->output_patches + (future_only ? 0 : c2_context_tokens(&batch->row[r], config, batch));
    l->tokens += tokens;
    if (r < batch->grouped) {
      l->grouped_tokens += tokens;
      l->grouped_future += batch->output_patches;
    }
    l->longest = c2_max_size(l->longest, tokens);
    l->deepest = c2_max_size(l->deepest, c2_row_patches(&batch->row[r], config->patch, batch->context_limit));
    if (l->tokens > INT32_MAX / 2 || tokens > INT32_MAX / 2) {
      C2_FAIL(err, C2_ERR_MEMORY, "%zu tokens are too many for one pass", c2_max_size(l->tokens, tokens));
    }
  }
  l->future_tokens = batch->rows * batch->output_patches;
  l->cell_bound = l->grouped_tokens;
  return C2_OK;
}

void c2_layout_carve(c2_layout *l, c2_arena *arena) {
  l->row_first = C2_CARVE(arena, uint32_t, l->rows + 1);
  l->row_of = C2_CARVE(arena, uint32_t, l->tokens);
  l->position = C2_CARVE(arena, int32_t, l->tokens);
  l->rotation = C2_CARVE(arena, int32_t, l->tokens);
  l->range = C2_CARVE(arena, c2_range, l->tokens);
  l->blind_range = C2_CARVE(arena, c2_range, l->blinded ? l->tokens : 0);
  l->identity = C2_CARVE(arena, uint32_t, c2_max_size(l->tokens, l->future_tokens));
  l->scaler = C2_CARVE(arena, c2_scaler, l->rows);
  l->all.first = C2_CARVE(arena, uint32_t, l->cell_bound + 1);
  l->all.member = C2_CARVE(arena, uint32_t, l->cell_bound);
  l->future.first = C2_CARVE(arena, uint32_t, l->grouped_future + 1);
  l->future.member = C2_CARVE(arena, uint32_t, l->grouped_future);
}

/* Cells of one group's rows [begin, end), position by position; cursor [rows] is scratch. */
static void fill_group(c2_layout *l, size_t begin, size_t end, size_t patches, uint32_t *cursor) {
  for (size_t r = begin; r < end; r++) cursor[r] = l->row_first[r];
  c2_cells *cells = &l->all;
  for (;;) {
    int32_t lowest = INT32_MAX;
    for (size_t r = begin; r < end; r++) {
      if (cursor[r] < l->row_first[r + 1] && l->position[cursor[r]] < lowest) lowest = l->position[cursor[r]];
    }
    if (lowest == INT32_MAX) break;
    uint32_t at = cells->first[cells->count];
    for (size_t r = begin; r < end; r++) {
      if (cursor[r] < l->row_first[r + 1] && l->position[cursor[r]] == lowest) cells->member[at++] = cursor[r]++;
    }
    cells->first[++cells->count] = at;
  }
  for (size_t p = 0; p < patches; p++) {
    uint32_t at = l->future.first[l->future.count];
    for (size_t r = begin; r < end; r++) l->future.member[at++] = (uint32_t)(r * patches + p);
    l->future.first[++l->future.count] = at;
  }
}

static void fill_cells(c2_layout *l, const c2_batch *batch) {
  l->all.count = l->future.count = 0;
  l->all.first[0] = l->future.first[0] = 0;
  uint32_t *cursor = l->row_of; /* not filled yet, and at least as long as the rows are many */
  for (size_t begin = 0; begin < batch->grouped;) {
    size_t end = begin + 1;
    while (end < batch->grouped && batch->row[end].group == batch->row[begin].group) end++;
    fill_group(l, begin, end, batch->output_patches, cursor);
    begin = end;
  }
}

void c2_layout_fill(c2_layout *l, const chronos2_config *config, const c2_batch *batch, const c2_pattern *pattern) {
  uint32_t at = 0;
  c2_pattern blind = c2_pattern_blinded(pattern);
  for (size_t r = 0; r < batch->rows; r++) {
    const c2_row *row = &batch->row[r];
    size_t length = 0;
    const double *context = context_of(row, batch->context_limit, &length);
    size_t n = c2_row_patches(row, config->patch, batch->context_limit);
    l->row_first[r] = at;
    l->scaler[r] = c2_scaler_fit(context, length, config->use_arcsinh);
    for (size_t p = 0; p < n && !l->future_only; p++) {
      if (live_patch(context, length, config->patch, n, p)) l->position[at++] = (int32_t)p - (int32_t)n;
    }
    for (size_t p = l->future_only; p <= batch->output_patches; p++) l->position[at++] = (int32_t)p;
    for (uint32_t t = l->row_first[r]; t < at; t++) l->rotation[t] = l->position[t] + (int32_t)n;
    uint32_t first = l->row_first[r];
    c2_window_ranges(pattern, l->position + first, at - first, l->range + first);
    if (l->blinded) c2_window_ranges(&blind, l->position + first, at - first, l->blind_range + first);
  }
  l->row_first[batch->rows] = at;
  fill_cells(l, batch);
  for (size_t r = 0; r < batch->rows; r++) {
    for (uint32_t t = l->row_first[r]; t < l->row_first[r + 1]; t++) l->row_of[t] = (uint32_t)r;
  }
  for (size_t t = 0; t < c2_max_size(l->tokens, l->future_tokens); t++) l->identity[t] = (uint32_t)t;
}
