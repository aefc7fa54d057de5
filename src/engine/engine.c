/* What backends share: the order of rows, and the account of memory. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

static int by_group(const void *a, const void *b) {
  const c2_row *x = a;
  const c2_row *y = b;
  if (x->group != y->group) return x->group < y->group ? -1 : 1;
  return (x->slot > y->slot) - (x->slot < y->slot);
}

static bool alone(const c2_batch *batch, size_t i) {
  bool before = i > 0 && batch->row[i - 1].group == batch->row[i].group;
  bool after = i + 1 < batch->rows && batch->row[i + 1].group == batch->row[i].group;
  return !before && !after;
}

size_t c2_batch_group_end(const c2_batch *batch, size_t first) {
  size_t end = first + 1;
  while (end < batch->rows && batch->row[end].group == batch->row[first].group) end++;
  return end;
}

void c2_batch_sort(c2_batch *batch) {
  if (batch->rows == 0) return;
  qsort(batch->row, batch->rows, sizeof *batch->row, by_group);
  /* Groups of one need no order among themselves: swap them to the end. */
  size_t kept = 0;
  for (size_t i = 0; i < batch->rows; i++) {
    if (alone(batch, i)) continue;
    size_t end = c2_batch_group_end(batch, i);
    for (size_t j = i; j < end; j++, kept++) {
      c2_row companion = batch->row[j];
      batch->row[j] = batch->row[kept];
      batch->row[kept] = companion;
    }
    i = end - 1;
  }
  batch->grouped = kept;
}

size_t c2_batch_slots(const c2_batch *batch) {
  size_t slots = 0;
  for (size_t r = 0; r < batch->rows; r++) slots = c2_max_size(slots, batch->row[r].slot + 1);
  return slots;
}

c2_status c2_engine_reserve(c2_engine *engine, c2_block *workspace, size_t size, c2_error *err) {
  if (size > workspace->size) {
    c2_block_free(workspace);
    engine->workspace = 0;
    C2_TRY(c2_block_open(workspace, size, err));
    engine->workspace = workspace->size;
  }
  c2_engine_hold(engine, 0);
  return C2_OK;
}

void c2_engine_hold(c2_engine *engine, size_t bytes) {
  engine->held += bytes;
  engine->peak = c2_max_size(engine->peak, engine->held + engine->workspace);
}

c2_status c2_engine_alloc(c2_engine *engine, size_t count, size_t size, void *out, c2_error *err) {
  C2_TRY(c2_alloc_array(count, size, out, err));
  c2_engine_hold(engine, count * size);
  return C2_OK;
}

size_t c2_row_patches(const c2_row *row, size_t patch, size_t context_limit) {
  size_t length = c2_min_size(row->length, context_limit);
  return length / patch + (length % patch > 0);
}
