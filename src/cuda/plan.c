/* Makes a pass's tables. */
#include "cuda/plan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
  FEW = 32, /* members up to which a group's attention runs by seats */
};

static_assert(sizeof(c2_gpu_visible) == sizeof(c2_range), "ranges are copied as they are");

static size_t known_values(const c2_batch *batch, const c2_row *row, size_t patch) {
  return batch->null_future ? 0 : c2_min_size(row->future_length, batch->output_patches * patch);
}

static void carve_group(c2_cuda_group *group, c2_arena *arena, size_t members) {
  group->seat = C2_CARVE(arena, c2_gpu_seat, members);
  group->tile = C2_CARVE(arena, c2_gpu_tile, members / FEW * 2 + 1);
}

static void carve(c2_cuda_plan_tables *p, c2_arena *arena, const c2_engine *engine) {
  c2_layout *l = &p->layout;
  const chronos2_config *c = &engine->model->config;
  c2_layout_carve(l, arena);
  p->value = C2_CARVE(arena, double, p->values);
  p->row = C2_CARVE(arena, c2_gpu_series_span, l->rows);
  p->cosine = C2_CARVE(arena, float, p->positions * (c->d_kv / 2));
  p->sine = C2_CARVE(arena, float, p->positions * (c->d_kv / 2));
  p->reg = C2_CARVE(arena, uint32_t, l->rows);
  p->future = C2_CARVE(arena, uint32_t, l->future_tokens);
  p->future_rotation = C2_CARVE(arena, int32_t, l->future_tokens);
  p->context = C2_CARVE(arena, uint32_t, l->tokens);
  p->blind = C2_CARVE(arena, uint8_t, engine->blind ? c->layers * c->heads : 0);
  p->time_tile = C2_CARVE(arena, c2_gpu_tile, l->tokens / C2_TILE_QUERIES + 2 * l->rows);
  p->future_tile = C2_CARVE(arena, c2_gpu_tile, l->future_tokens / C2_TILE_QUERIES + l->rows);
  carve_group(&p->all, arena, l->grouped_tokens);
  carve_group(&p->last, arena, l->grouped_future);
}

/* Angles in float32, as upstream has them: the numbers of c2_rope_fill. */
static void fill_rope(c2_cuda_plan_tables *p, const chronos2_config *c) {
  size_t half = c->d_kv / 2;
  for (size_t j = 0; j < half; j++) {
    float frequency = 1.0f / powf((float)c->rope_theta, (float)(2 * j) / (float)c->d_kv);
    for (size_t position = 0; position < p->positions; position++) {
      double angle = (double)((float)position * frequency);
      p->cosine[position * half + j] = (float)cos(angle);
      p->sine[position * half + j] = (float)sin(angle);
    }
  }
}

static void fill_series(c2_cuda_plan_tables *p, const c2_batch *batch, size_t patch) {
  size_t at = 0;
  for (size_t r = 0; r < batch->rows; r++) {
    const c2_row *row = &batch->row[r];
    size_t length = p->layout.future_only ? 0 : c2_min_size(row->length, batch->context_limit);
    size_t known = known_values(batch, row, patch);
    const c2_scaler *scaler = &p->layout.scaler[r];
    p->row[r] = (c2_gpu_series_span){at, length, at + length, known, scaler->loc, scaler->scale};
    if (length > 0) memcpy(p->value + at, row->context + (row->length - length), length * sizeof(double));
    if (known > 0) memcpy(p->value + at + length, row->future, known * sizeof(double));
    at += length + known;
  }
}

static void fill_tokens(c2_cuda_plan_tables *p, const c2_batch *batch) {
  const c2_layout *l = &p->layout;
  size_t patches = batch->output_patches;
  p->contexts = 0;
  for (size_t r = 0; r < l->rows; r++) {
    uint32_t end = l->row_first[r + 1] - (uint32_t)patches;
    if (!l->future_only) p->reg[r] = end - 1;
    for (uint32_t t = l->row_first[r]; t < end; t++) p->context[p->contexts++] = t;
    for (size_t i = 0; i < patches; i++) {
      p->future[r * patches + i] = end + (uint32_t)i;
      p->future_rotation[r * patches + i] = l->rotation[end + i];
    }
  }
}

/* ---- Tiles -------------------------------------------------------------------------------------- */

static void widen(uint32_t *first, uint32_t *last, uint32_t from, uint32_t to) {
  if (from >= to) return;
  *first = *first >= *last ? from : (uint32_t)c2_min_size(*first, from);
  *last = (uint32_t)c2_max_size(*last, to);
}

/* The tile of tokens [from, to) of a row. */
static c2_gpu_tile tile_of(const c2_layout *l, size_t row, uint32_t from, uint32_t to) {
  c2_gpu_tile t = {.query = from, .queries = to - from, .limit = from, .key = l->row_first[row]};
  for (uint32_t i = from; i < to; i++) {
    widen(&t.span.first, &t.span.last, l->range[i].first, l->range[i].last);
    widen(&t.span.first2, &t.span.last2, l->range[i].first2, l->range[i].last2);
  }
  return t;
}

/* Where the tile that begins at token t ends: a context query's keys are near, those of REG and the future are not. */
static uint32_t tile_end(const c2_layout *l, uint32_t t, uint32_t end) {
  uint32_t to = t;
  while (to < end && to - t < C2_TILE_QUERIES && (l->position[to] < 0) == (l->position[t] < 0)) to++;
  return to;
}

static void fill_tiles(c2_cuda_plan_tables *p, const c2_batch *batch, const c2_cuda_kv *cache) {
  const c2_layout *l = &p->layout;
  uint32_t patches = (uint32_t)batch->output_patches;
  p->time_tiles = p->future_tiles = 0;
  for (size_t r = 0; r < l->rows; r++) {
    uint32_t end = l->row_first[r + 1];
    for (uint32_t t = l->row_first[r]; t < end;) {
      uint32_t to = tile_end(l, t, end);
      c2_gpu_tile *tile = &p->time_tile[p->time_tiles++];
      *tile = tile_of(l, r, t, to);
      t = to;
      if (!cache) continue;
      size_t slot = batch->row[r].slot % cache->rows;
      tile->past = cache->first[slot];
      tile->past_count = cache->count[slot];
    }
    for (uint32_t t = end - patches; t < end;) {
      uint32_t to = tile_end(l, t, end);
      c2_gpu_tile *tile = &p->future_tile[p->future_tiles++];
      *tile = tile_of(l, r, t, to);
      tile->query = (uint32_t)r * patches + (t - (end - patches));
      t = to;
    }
  }
}

static void fill_group(c2_cuda_group *group, const c2_cells *cells) {
  group->seats = group->tiles = 0;
  for (size_t cell = 0; cell < cells->count; cell++) {
    uint32_t first = cells->first[cell];
    uint32_t count = cells->first[cell + 1] - first;
    for (uint32_t i = 0; count <= FEW && i < count; i++) {
      group->seat[group->seats++] = (c2_gpu_seat){cells->member[first + i], first, count};
    }
    for (uint32_t i = 0; count > FEW && i < count; i += C2_TILE_QUERIES) {
      uint32_t queries = (uint32_t)c2_min_size(C2_TILE_QUERIES, count - i);
      group->tile[group->tiles++] =
          (c2_gpu_tile){.query = first + i, .queries = queries, .key = first, .span = {0, count, 0, 0}};
    }
  }
}

/* ---- The plan ----------------------------------------------------------------------------------- */

static void fill(c2_cuda_plan_tables *p, const c2_engine *engine, const c2_batch *batch, const c2_cuda_kv *cache) {
  const chronos2_config *c = &engine->model->config;
  c2_layout_fill(&p->layout, c, batch, &engine->pattern);
  fill_rope(p, c);
  fill_series(p, batch, c->patch);
  fill_tokens(p, batch);
  fill_tiles(p, batch, cache);
  fill_group(&p->all, &p->layout.all);
  fill_group(&p->last, &p->layout.future);
  for (size_t i = 0; engine->blind && i < c->layers * c->heads; i++) p->blind[i] = engine->blind[i];
}

c2_status c2_cuda_plan_open(c2_cuda_plan_tables *p, c2_engine *engine, const c2_batch *batch, const c2_cuda_kv *cache,
                            c2_error *err) {
  const chronos2_config *c = &engine->model->config;
  c2_cuda *cuda = c2_cuda_of(engine);
  memset(p, 0, sizeof *p);
  C2_TRY(c2_layout_count(&p->layout, c, batch, cache ? C2_FUTURE_TOKENS : C2_LIVE_TOKENS, err));
  p->layout.blinded = engine->blind != NULL;
  p->positions = p->layout.deepest + batch->output_patches + 1;
  for (size_t r = 0; r < batch->rows; r++) {
    if (!p->layout.future_only) p->values += c2_min_size(batch->row[r].length, batch->context_limit);
    p->values += known_values(batch, &batch->row[r], c->patch);
  }
  c2_arena arena = {0};
  carve(p, &arena, engine);
  if (arena.failed) C2_FAIL(err, C2_ERR_MEMORY, "the tables of %zu tokens overflow", p->layout.tokens);
  p->bytes = arena.used;
  C2_TRY(c2_engine_reserve(engine, &cuda->tables, p->bytes, err));
  arena = (c2_arena){.base = cuda->tables.base, .size = cuda->tables.size};
  carve(p, &arena, engine);
  fill(p, engine, batch, cache);
  return C2_OK;
}
