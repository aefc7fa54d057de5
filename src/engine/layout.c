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

c2_status c2_layout_count(c2_layout *l, const chronos2_config *config, const c2_batch *batch, c2_token_choice choice,
                          c2_error *err) {
  memset(l, 0, sizeof *l);
  l->rows = batch->rows;
  l->future_only = choice == C2_FUTURE_TOKENS;
  l->padded = choice == C2_ALL_TOKENS;
  for (size_t r = 0; r < batch->rows; r++) {
    l->deepest = c2_max_size(l->deepest, c2_row_patches(&batch->row[r], config->patch, batch->context_limit));
  }
  for (size_t r = 0; r < batch->rows; r++) {
    size_t tokens = batch->output_patches;
    if (choice == C2_LIVE_TOKENS) tokens += c2_context_tokens(&batch->row[r], config, batch);
    if (choice == C2_ALL_TOKENS) tokens += l->deepest + 1;
    l->tokens += tokens;
    if (r < batch->grouped) {
      l->grouped_tokens += tokens;
      l->grouped_future += batch->output_patches;
    }
    l->longest = c2_max_size(l->longest, tokens);
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
  l->live = C2_CARVE(arena, uint32_t, l->rows);
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
  if (!l->padded) return;
  l->token_at = c2_arena_carve(arena, l->deepest, l->rows * sizeof *l->token_at);
  l->orphan = C2_CARVE(arena, bool, l->tokens);
  l->all.keys = C2_CARVE(arena, uint32_t, l->cell_bound);
}

/* ---- Cells ------------------------------------------------------------------------------------ */

/* Cells of one group's rows [begin, end), position by position; cursor [rows] is scratch. */
static void fill_group(c2_layout *l, size_t begin, size_t end, uint32_t *cursor) {
  for (size_t r = begin; r < end; r++) cursor[r] = l->row_first[r];
  c2_cells *cells = &l->all;
  for (;;) {
    int32_t lowest = INT32_MAX;
    for (size_t r = begin; r < end; r++) {
      if (cursor[r] < l->row_first[r] + l->live[r] && l->position[cursor[r]] < lowest) lowest = l->position[cursor[r]];
    }
    if (lowest == INT32_MAX) break;
    uint32_t at = cells->first[cells->count];
    for (size_t r = begin; r < end; r++) {
      if (cursor[r] < l->row_first[r] + l->live[r] && l->position[cursor[r]] == lowest) {
        cells->member[at++] = cursor[r]++;
      }
    }
    uint32_t keys = at - cells->first[cells->count];
    for (size_t r = begin; l->padded && r < end && lowest < 0; r++) {
      uint32_t token = l->token_at[r * l->deepest + (size_t)((int32_t)l->deepest + lowest)];
      if (token < l->row_first[r] + l->live[r]) continue;
      cells->member[at++] = token;
      l->orphan[token] = false;
    }
    if (l->padded) cells->keys[cells->count] = keys;
    cells->first[++cells->count] = at;
  }
}

/* An orphan is all that it attends to. */
static void fill_orphans(c2_layout *l, size_t end) {
  c2_cells *cells = &l->all;
  for (uint32_t t = 0; t < l->row_first[end]; t++) {
    if (!l->orphan[t]) continue;
    uint32_t at = cells->first[cells->count];
    cells->member[at] = t;
    cells->keys[cells->count] = 1;
    cells->first[++cells->count] = at + 1;
  }
}

static void fill_cells(c2_layout *l, const c2_batch *batch) {
  size_t patches = batch->output_patches;
  l->all.count = l->future.count = 0;
  l->all.first[0] = l->future.first[0] = 0;
  uint32_t *cursor = l->row_of; /* not filled yet, and at least as long as the rows are many */
  for (size_t begin = 0; begin < batch->grouped;) {
    size_t end = c2_batch_group_end(batch, begin);
    fill_group(l, begin, end, cursor);
    for (size_t p = 0; p < patches; p++) {
      uint32_t at = l->future.first[l->future.count];
      for (size_t r = begin; r < end; r++) l->future.member[at++] = (uint32_t)(r * patches + p);
      l->future.first[++l->future.count] = at;
    }
    begin = end;
  }
  if (l->padded) fill_orphans(l, batch->grouped);
}

/* ---- Tokens ----------------------------------------------------------------------------------- */

/* Positions of a row's tokens from `at` on, the live ones first. Returns the token behind them. */
static uint32_t fill_positions(c2_layout *l, const chronos2_config *config, const c2_batch *batch, size_t r,
                               uint32_t at) {
  const c2_row *row = &batch->row[r];
  uint32_t first = at;
  size_t length = 0;
  const double *context = context_of(row, batch->context_limit, &length);
  size_t n = c2_row_patches(row, config->patch, batch->context_limit);
  if (!l->unscaled) l->scaler[r] = c2_scaler_fit(context, length, config->use_arcsinh);
  for (size_t p = 0; p < n && !l->future_only; p++) {
    if (live_patch(context, length, config->patch, n, p)) l->position[at++] = (int32_t)p - (int32_t)n;
  }
  for (size_t p = l->future_only; p <= batch->output_patches; p++) l->position[at++] = (int32_t)p;
  l->live[r] = at - first;
  if (l->padded) memset(l->orphan + first, 0, l->live[r] * sizeof *l->orphan);
  for (size_t p = 0, live = first; l->padded && p < l->deepest; p++) {
    int32_t position = (int32_t)p - (int32_t)l->deepest;
    bool masked = l->position[live] != position; /* REG, which is live, ends the context's */
    uint32_t token = masked ? at++ : (uint32_t)live++;
    l->token_at[r * l->deepest + p] = token;
    if (!masked) continue;
    l->position[token] = position;
    l->orphan[token] = true; /* until a token of its group is found live */
  }
  int32_t origin = (int32_t)(l->padded ? l->deepest : n);
  for (uint32_t t = first; t < at; t++) l->rotation[t] = l->position[t] + origin;
  return at;
}

static void fill_ranges(const c2_layout *l, size_t r, const c2_pattern *pattern, c2_range *range) {
  uint32_t first = l->row_first[r];
  uint32_t live = first + l->live[r];
  const int32_t *keys = l->position + first;
  c2_window_ranges(pattern, keys, l->live[r], keys, l->live[r], range + first);
  c2_window_ranges(pattern, keys, l->live[r], l->position + live, l->row_first[r + 1] - live, range + live);
}

void c2_layout_fill(c2_layout *l, const chronos2_config *config, const c2_batch *batch, const c2_pattern *pattern) {
  c2_pattern blind = c2_pattern_blinded(pattern);
  l->row_first[0] = 0;
  for (size_t r = 0; r < batch->rows; r++) {
    l->row_first[r + 1] = fill_positions(l, config, batch, r, l->row_first[r]);
    fill_ranges(l, r, pattern, l->range);
    if (l->blinded) fill_ranges(l, r, &blind, l->blind_range);
  }
  fill_cells(l, batch);
  for (size_t r = 0; r < batch->rows; r++) {
    for (uint32_t t = l->row_first[r]; t < l->row_first[r + 1]; t++) l->row_of[t] = (uint32_t)r;
  }
  for (size_t t = 0; t < c2_max_size(l->tokens, l->future_tokens); t++) l->identity[t] = (uint32_t)t;
}
