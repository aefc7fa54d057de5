/* Makes a pass's tables. */
#include "cuda/plan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  FEW = 32,           /* keys up to which a group's attention runs by seats */
  WATCHED = 64 << 20, /* bytes of attention weights that exist at once where it is observed */
};

static_assert(sizeof(c2_gpu_visible) == sizeof(c2_range), "ranges are copied as they are");

static size_t known_values(const c2_batch *batch, const c2_row *row, size_t patch) {
  return batch->null_future ? 0 : c2_min_size(row->future_length, batch->output_patches * patch);
}

static void carve_group(c2_cuda_group *group, c2_arena *arena, size_t members) {
  group->seat = C2_CARVE(arena, c2_gpu_seat, members);
  group->tile = C2_CARVE(arena, c2_gpu_tile, members / FEW * 2 + 1);
}

static void carve_tables(c2_cuda_plan_tables *p, c2_arena *arena, const c2_engine *engine) {
  c2_layout *l = &p->layout;
  const chronos2_config *c = &engine->model->config;
  size_t masked = l->padded ? l->tokens : 0;
  c2_layout_carve(l, arena);
  p->value = C2_CARVE(arena, double, p->values);
  p->row = C2_CARVE(arena, c2_gpu_series_span, l->rows);
  p->cosine = C2_CARVE(arena, float, p->positions * (c->d_kv / 2));
  p->sine = C2_CARVE(arena, float, p->positions * (c->d_kv / 2));
  p->place = C2_CARVE(arena, uint32_t, p->carried ? l->rows : 0);
  p->reg = C2_CARVE(arena, uint32_t, l->rows);
  p->future = C2_CARVE(arena, uint32_t, l->future_tokens);
  p->future_rotation = C2_CARVE(arena, int32_t, l->future_tokens);
  p->context = C2_CARVE(arena, uint32_t, l->tokens);
  p->blind = C2_CARVE(arena, uint8_t, engine->blind ? c->layers * c->heads : 0);
  /* A row has four kinds of tokens, each with a last tile that isn't full: of the context, REG, future, masked. */
  p->time_tile = C2_CARVE(arena, c2_gpu_tile, l->tokens / C2_TILE_QUERIES + 4 * l->rows);
  p->future_tile = C2_CARVE(arena, c2_gpu_tile, l->future_tokens / C2_TILE_QUERIES + l->rows);
  p->blank = C2_CARVE(arena, c2_gpu_seat, masked);
  p->blind_blank = C2_CARVE(arena, c2_gpu_seat, masked);
  carve_group(&p->all, arena, l->grouped_tokens);
  carve_group(&p->last, arena, l->grouped_future);
}

static void carve(c2_cuda_plan_tables *p, c2_arena *arena, const c2_engine *engine, const c2_cuda_asked *asked) {
  const chronos2_config *c = &engine->model->config;
  const c2_cuda *cuda = c2_cuda_of(engine);
  bool hidden = asked->result && asked->result->hidden;
  bool quantiles = asked->result && !hidden && asked->result->steps > 0 && !p->carried;
  size_t watched = p->watched_queries > 0 ? c2_pool_threads(cuda->pool) * p->observed_tokens : 0;
  carve_tables(p, arena, engine);
  p->bytes = arena->used;
  p->quantiles = C2_CARVE(arena, double, quantiles ? p->layout.future_tokens * c->quantiles * c->patch : 0);
  p->hidden = C2_CARVE(arena, float, hidden ? p->layout.tokens * cuda->weights->sizes.model : 0);
  p->weights = C2_CARVE(arena, float, p->watched_queries * c->heads * p->watched_keys);
  p->observed = C2_CARVE(arena, float, watched);
  p->observed_live = C2_CARVE(arena, bool, watched);
  p->total = arena->used;
}

/* ---- Series and tokens -------------------------------------------------------------------------- */

/* Angles in float32, as upstream has them: the numbers of c2_rope_fill. */
static c2_status know_angles(c2_cuda *cuda, const chronos2_config *c, size_t positions, c2_error *err) {
  size_t half = c->d_kv / 2;
  size_t room = 0;
  float *angle = NULL;
  if (positions <= cuda->angles) return C2_OK;
  if (!c2_mul(2 * half, positions, &room)) C2_FAIL(err, C2_ERR_MEMORY, "%zu positions overflow", positions);
  C2_TRY(c2_alloc_array(room, sizeof *angle, &angle, err));
  for (size_t j = 0; j < half; j++) {
    float frequency = 1.0f / powf((float)c->rope_theta, (float)(2 * j) / (float)c->d_kv);
    for (size_t position = 0; position < positions; position++) {
      double at = (double)((float)position * frequency);
      angle[position * half + j] = (float)cos(at);
      angle[(positions + position) * half + j] = (float)sin(at);
    }
  }
  free(cuda->angle);
  cuda->angle = angle;
  cuda->angles = positions;
  return C2_OK;
}

static c2_status fill_rope(c2_cuda_plan_tables *p, c2_cuda *cuda, const chronos2_config *c, c2_error *err) {
  size_t half = c->d_kv / 2;
  C2_TRY(know_angles(cuda, c, p->positions, err));
  memcpy(p->cosine, cuda->angle, p->positions * half * sizeof(float));
  memcpy(p->sine, cuda->angle + cuda->angles * half, p->positions * half * sizeof(float));
  return C2_OK;
}

static void fill_series(c2_cuda_plan_tables *p, const c2_cuda_asked *asked, size_t patch) {
  const c2_batch *batch = asked->batch;
  const c2_cuda_paths *paths = (const c2_cuda_paths *)batch->paths;
  size_t at = 0;
  for (size_t r = 0; r < batch->rows; r++) {
    const c2_row *row = &batch->row[r];
    size_t length = p->layout.future_only ? 0 : c2_min_size(row->length, batch->context_limit);
    size_t known = known_values(batch, row, patch);
    size_t copied = paths ? 0 : length;
    p->row[r] = (c2_gpu_series_span){at, length, at + copied, known, 0, 1};
    if (paths) {
      p->row[r].context = c2_cuda_paths_end(paths, row->slot) - length;
      p->place[r] = (uint32_t)row->slot;
    }
    if (asked->recall) {
      const c2_gpu_series_span *kept = &asked->recall->scaler[row->slot % asked->recall->rows];
      p->row[r].loc = kept->loc;
      p->row[r].scale = kept->scale;
    }
    if (copied > 0) memcpy(p->value + at, row->context + (row->length - length), length * sizeof(double));
    if (known > 0) memcpy(p->value + at + copied, row->future, known * sizeof(double));
    at += copied + known;
  }
}

static void fill_tokens(c2_cuda_plan_tables *p, const c2_batch *batch) {
  const c2_layout *l = &p->layout;
  size_t patches = batch->output_patches;
  p->contexts = 0;
  for (size_t r = 0; r < l->rows; r++) {
    uint32_t end = l->row_first[r] + l->live[r] - (uint32_t)patches;
    if (!l->future_only) p->reg[r] = end - 1;
    for (uint32_t t = l->row_first[r]; t < end; t++) p->context[p->contexts++] = t;
    for (size_t i = 0; i < patches; i++) {
      p->future[r * patches + i] = end + (uint32_t)i;
      p->future_rotation[r * patches + i] = l->rotation[end + i];
    }
  }
}

/* Cuts the keys of future tokens where the context ends, so that attention adds them up in the same order as it does in
 * a decode, where those of the context come from a cache. */
static void cut_ranges(const c2_layout *l, size_t patches, c2_range *range) {
  for (size_t r = 0; r < l->rows && !l->future_only; r++) {
    uint32_t live = l->live[r];
    for (uint32_t t = live - (uint32_t)patches; t < live; t++) {
      range[l->row_first[r] + t] = (c2_range){0, live - (uint32_t)patches, live - (uint32_t)patches, live};
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

/* Tokens of one kind may share a tile. A context query's keys are near, those of the future are not. Under a window
 * REG is alone, as it is where the context is encoded apart: its keys come in the same blocks, for the same bits. */
static int kind_of(const c2_layout *l, uint32_t t, bool windowed) {
  return l->position[t] < 0 ? -1 : l->position[t] > 0 || !windowed;
}

/* Where the tile that begins at token t ends. */
static uint32_t tile_end(const c2_layout *l, uint32_t t, uint32_t end, bool windowed) {
  uint32_t to = t;
  while (to < end && to - t < C2_TILE_QUERIES && kind_of(l, to, windowed) == kind_of(l, t, windowed)) to++;
  return to;
}

static void fill_tiles(c2_cuda_plan_tables *p, const c2_cuda_asked *asked, bool windowed) {
  const c2_batch *batch = asked->batch;
  const c2_cuda_kv *cache = asked->recall;
  const c2_layout *l = &p->layout;
  uint32_t patches = (uint32_t)batch->output_patches;
  p->time_tiles = p->future_tiles = 0;
  for (size_t r = 0; r < l->rows; r++) {
    uint32_t end = l->row_first[r + 1];
    for (uint32_t t = l->row_first[r]; t < end;) {
      uint32_t to = tile_end(l, t, end, windowed);
      c2_gpu_tile *tile = &p->time_tile[p->time_tiles++];
      *tile = tile_of(l, r, t, to);
      t = to;
      if (!cache) continue;
      size_t slot = batch->row[r].slot % cache->rows;
      tile->past = cache->first[slot];
      tile->past_count = cache->count[slot];
    }
    uint32_t live = l->row_first[r] + l->live[r];
    for (uint32_t t = live - patches; t < live;) {
      uint32_t to = tile_end(l, t, live, windowed);
      c2_gpu_tile *tile = &p->future_tile[p->future_tiles++];
      *tile = tile_of(l, r, t, to);
      tile->query = (uint32_t)r * patches + (t - (live - patches));
      t = to;
    }
  }
}

static void fill_group(c2_cuda_group *group, const c2_cells *cells) {
  group->seats = group->tiles = 0;
  for (size_t cell = 0; cell < cells->count; cell++) {
    uint32_t first = cells->first[cell];
    uint32_t count = cells->first[cell + 1] - first;
    uint32_t keys = cells->keys ? cells->keys[cell] : count;
    for (uint32_t i = 0; keys <= FEW && i < count; i++) {
      group->seat[group->seats++] = (c2_gpu_seat){cells->member[first + i], first, keys};
    }
    for (uint32_t i = 0; keys > FEW && i < count; i += C2_TILE_QUERIES) {
      uint32_t queries = (uint32_t)c2_min_size(C2_TILE_QUERIES, count - i);
      group->tile[group->tiles++] =
          (c2_gpu_tile){.query = first + i, .queries = queries, .key = first, .span = {0, keys, 0, 0}};
    }
  }
}

/* Masked tokens that see no key get the mean of their row. */
static size_t fill_blanks(const c2_layout *l, const c2_range *range, c2_gpu_seat *blank) {
  size_t blanks = 0;
  for (size_t r = 0; l->padded && r < l->rows; r++) {
    uint32_t first = l->row_first[r];
    uint32_t count = l->row_first[r + 1] - first;
    for (uint32_t t = first + l->live[r]; t < first + count; t++) {
      if (range[t].first == range[t].last && range[t].first2 == range[t].last2) {
        blank[blanks++] = (c2_gpu_seat){t, first, count};
      }
    }
  }
  return blanks;
}

/* ---- The plan ----------------------------------------------------------------------------------- */

/* How many queries are observed at once: at least a tile of them. */
static void measure_watched(c2_cuda_plan_tables *p, const c2_engine *engine, const c2_cuda_asked *asked) {
  const c2_layout *l = &p->layout;
  size_t past = 0;
  size_t bytes = 0;
  if (!engine->observing) return;
  for (size_t r = 0; asked->recall && r < asked->recall->rows; r++) past = c2_max_size(past, asked->recall->count[r]);
  p->watched_keys = l->longest + past;
  p->observed_tokens = l->deepest + 1 + asked->batch->output_patches;
  c2_sum_up(&bytes, p->watched_keys, engine->model->config.heads * sizeof(float));
  p->watched_queries = c2_min_size(l->tokens, c2_max_size(C2_TILE_QUERIES, WATCHED / bytes));
}

c2_status c2_cuda_plan_measure(c2_cuda_plan_tables *p, const c2_engine *engine, const c2_cuda_asked *asked,
                               c2_error *err) {
  const chronos2_config *c = &engine->model->config;
  const c2_batch *batch = asked->batch;
  bool hidden = asked->result && asked->result->hidden;
  bool masks = hidden && (asked->at_most || c2_batch_masks(batch, c->patch));
  c2_token_choice choice = asked->recall ? C2_FUTURE_TOKENS : masks ? C2_ALL_TOKENS : C2_LIVE_TOKENS;
  memset(p, 0, sizeof *p);
  C2_TRY(c2_layout_count(&p->layout, c, batch, choice, err));
  p->layout.blinded = engine->blind != NULL;
  p->layout.unscaled = true;
  p->carried = batch->paths != NULL;
  p->positions = p->layout.deepest + batch->output_patches + 1;
  for (size_t r = 0; r < batch->rows; r++) {
    if (!p->layout.future_only && !p->carried) p->values += c2_min_size(batch->row[r].length, batch->context_limit);
    p->values += known_values(batch, &batch->row[r], c->patch);
  }
  measure_watched(p, engine, asked);
  c2_arena arena = {0};
  carve(p, &arena, engine, asked);
  if (arena.failed) C2_FAIL(err, C2_ERR_MEMORY, "the tables of %zu tokens overflow", p->layout.tokens);
  return C2_OK;
}

c2_status c2_cuda_plan_fill(c2_cuda_plan_tables *p, c2_engine *engine, const c2_cuda_asked *asked, c2_error *err) {
  const chronos2_config *c = &engine->model->config;
  c2_cuda *cuda = c2_cuda_of(engine);
  c2_layout *l = &p->layout;
  C2_TRY(c2_engine_reserve(engine, &cuda->tables, p->total, err));
  c2_arena arena = {.base = cuda->tables.base, .size = cuda->tables.size};
  carve(p, &arena, engine, asked);
  c2_layout_fill(l, c, asked->batch, &engine->pattern);
  cut_ranges(l, asked->batch->output_patches, l->range);
  if (l->blinded) cut_ranges(l, asked->batch->output_patches, l->blind_range);
  C2_TRY(fill_rope(p, cuda, c, err));
  fill_series(p, asked, c->patch);
  fill_tokens(p, asked->batch);
  fill_tiles(p, asked, engine->pattern.attention != CHRONOS2_FULL);
  fill_group(&p->all, &l->all);
  fill_group(&p->last, &l->future);
  p->blanks = fill_blanks(l, l->range, p->blank);
  p->blind_blanks = l->blinded ? fill_blanks(l, l->blind_range, p->blind_blank) : 0;
  for (size_t i = 0; engine->blind && i < c->layers * c->heads; i++) p->blind[i] = engine->blind[i];
  return C2_OK;
}
