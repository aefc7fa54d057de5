/* A rollout's paths on the device: nothing of them is here but the lengths of their contexts, until the horizon is
 * reached. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/session.h"
#include "series/quantiles.h"

/* What the device is given once, in one piece. */
typedef struct opening {
  double *context;    /* [rows][room] */
  double *known;      /* [rows][horizon] */
  double *quantiles;  /* [rows][levels][horizon] */
  double *level;      /* [levels] */
  double *path;       /* [paths] */
  double *weight;     /* [paths][levels] */
  uint64_t *length;   /* [rows] */
  uint32_t *from_row; /* [rows][paths] */
  size_t room, bytes;
} opening;

static size_t length_of(const c2_rollout_shape *s, size_t row) {
  return c2_min_size(s->row[row].length, s->context_limit);
}

static void carve(opening *o, c2_arena *arena, const c2_rollout_shape *s, size_t levels, size_t patch) {
  size_t longest = 0;
  for (size_t r = 0; r < s->rows; r++) longest = c2_max_size(longest, length_of(s, r));
  o->room = c2_round_up(longest + c2_round_up(s->horizon, patch), 2); /* rows are copied by 16 bytes */
  o->context = c2_arena_carve(arena, s->rows, o->room * sizeof *o->context);
  o->known = c2_arena_carve(arena, s->rows, s->horizon * sizeof *o->known);
  o->quantiles = c2_arena_carve(arena, s->rows * levels, s->horizon * sizeof *o->quantiles);
  o->level = C2_CARVE(arena, double, levels);
  o->path = C2_CARVE(arena, double, s->paths);
  o->weight = C2_CARVE(arena, double, s->paths * levels);
  o->length = C2_CARVE(arena, uint64_t, s->rows);
  o->from_row = C2_CARVE(arena, uint32_t, s->rows * s->paths);
  o->bytes = arena->used;
}

static void fill(const opening *o, const c2_rollout_shape *s, const chronos2_config *c) {
  double scratch[2 * sizeof c->quantile_levels / sizeof(double)]; /* paths and levels, each at most */
  c2_sample_weights(s->levels, s->paths, c->quantile_levels, c->quantiles, o->weight, scratch);
  memcpy(o->path, s->levels, s->paths * sizeof *o->path);
  memcpy(o->level, c->quantile_levels, c->quantiles * sizeof *o->level);
  for (size_t i = 0; i < s->rows * s->paths; i++) o->from_row[i] = (uint32_t)(i / s->paths);
  for (size_t r = 0; r < s->rows; r++) {
    const c2_row *row = &s->row[r];
    size_t length = length_of(s, r);
    double *context = o->context + r * o->room;
    o->length[r] = length;
    if (length > 0) memcpy(context, row->context + (row->length - length), length * sizeof *context);
    for (size_t i = length; i < o->room; i++) context[i] = (double)NAN; /* until it is forecast */
    for (size_t i = 0; i < s->horizon; i++) {
      o->known[r * s->horizon + i] = row->future && i < row->future_length ? row->future[i] : (double)NAN;
    }
    for (size_t i = 0; i < c->quantiles * s->horizon; i++) {
      o->quantiles[r * c->quantiles * s->horizon + i] = i % s->horizon < s->done ? row->quantiles[i] : 0;
    }
  }
}

/* Bytes on the device: what is given, the paths' contexts and their quantiles. */
static size_t device_bytes(const opening *o, const c2_rollout_shape *s, size_t levels) {
  size_t bytes = o->bytes;
  c2_sum_up(&bytes, s->rows * s->paths, o->room * sizeof(double));
  c2_sum_up(&bytes, s->rows * s->paths * levels, s->steps * sizeof(double));
  return bytes;
}

static size_t bytes_of(const c2_engine *engine, const c2_rollout_shape *s) {
  const chronos2_config *c = &engine->model->config;
  opening o;
  c2_arena arena = {0};
  carve(&o, &arena, s, c->quantiles, c->patch);
  size_t bytes = device_bytes(&o, s, c->quantiles);
  c2_sum_up(&bytes, c2_block_size(o.bytes), 1);
  return arena.failed ? SIZE_MAX : bytes;
}

/* ---- On the device ------------------------------------------------------------------------------ */

static c2_status extend(c2_cuda_paths *p, size_t steps, c2_error *err) {
  p->extend.first = p->done;
  p->extend.steps = steps;
  C2_TRY(p->link->table->extend(p->link->device, &p->extend, err));
  p->done += steps;
  return C2_OK;
}

/* Where an array of the opening lies on the device. */
static void *there(const c2_cuda_paths *p, const void *array) {
  return (unsigned char *)p->memory + ((const unsigned char *)array - p->opening.base);
}

static void set_arguments(c2_cuda_paths *p, const opening *o, const c2_rollout_shape *s, size_t levels) {
  p->context = (double *)((unsigned char *)p->memory + o->bytes);
  p->out = p->context + s->rows * s->paths * o->room;
  p->length = o->length;
  p->quantiles = o->quantiles;
  p->extend = (c2_gpu_extend){.context = p->context,
                              .length = there(p, o->length),
                              .known = there(p, o->known),
                              .quantiles = there(p, o->quantiles),
                              .level = there(p, o->level),
                              .path = there(p, o->path),
                              .rows = s->rows,
                              .paths = s->paths,
                              .levels = levels,
                              .room = o->room,
                              .horizon = s->horizon};
  p->reduce = (c2_gpu_reduce){.from = p->out,
                              .weight = there(p, o->weight),
                              .level = there(p, o->level),
                              .quantiles = there(p, o->quantiles),
                              .rows = s->rows,
                              .paths = s->paths,
                              .levels = levels,
                              .horizon = s->horizon};
}

static c2_status begin(c2_engine *engine, c2_cuda_paths *p, const c2_rollout_shape *s, c2_error *err) {
  const chronos2_config *c = &engine->model->config;
  const c2_device_table *table = p->link->table;
  opening o;
  c2_arena arena = {0};
  carve(&o, &arena, s, c->quantiles, c->patch);
  size_t bytes = device_bytes(&o, s, c->quantiles);
  if (arena.failed || bytes == SIZE_MAX) C2_FAIL(err, C2_ERR_MEMORY, "the paths of %zu rows overflow", s->rows);
  C2_TRY(c2_block_open(&p->opening, o.bytes, err));
  arena = (c2_arena){.base = p->opening.base, .size = p->opening.size};
  carve(&o, &arena, s, c->quantiles, c->patch);
  fill(&o, s, c);
  C2_TRY(table->allocate(p->link->device, bytes, &p->memory, err));
  p->bytes = bytes;
  atomic_fetch_add(&p->link->kept, bytes);
  c2_engine_hold(engine, bytes + p->opening.size);
  c2_cuda_count(engine, 0);
  set_arguments(p, &o, s, c->quantiles);
  c2_arena_open_gaps(p->opening.base, o.bytes);
  C2_TRY(table->upload(p->link->device, p->memory, p->opening.base, o.bytes, err));
  c2_gpu_copy copies = {.from = there(p, o.context),
                        .to = p->context,
                        .from_row = there(p, o.from_row),
                        .from_stride = o.room * sizeof(double),
                        .to_stride = o.room * sizeof(double),
                        .bytes = o.room * sizeof(double),
                        .rows = s->rows * s->paths};
  C2_TRY(table->copy(p->link->device, &copies, err));
  return extend(p, s->done, err);
}

static void close_paths(c2_paths *paths) {
  c2_cuda_paths *p = (c2_cuda_paths *)paths;
  if (p->memory) {
    p->link->table->release(p->link->device, p->memory);
    atomic_fetch_sub(&p->link->kept, p->bytes);
  }
  c2_block_free(&p->opening);
  free(p);
}

static c2_status open_paths(c2_engine *engine, const c2_rollout_shape *s, c2_paths **paths, c2_error *err) {
  c2_cuda_paths *p = NULL;
  *paths = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *p, &p, err));
  *paths = &p->base;
  p->link = c2_cuda_of(engine)->link;
  return begin(engine, p, s, err);
}

static c2_status next(c2_engine *engine, c2_paths *paths, size_t steps, c2_error *err) {
  c2_cuda_paths *p = (c2_cuda_paths *)paths;
  (void)engine;
  p->reduce.first = p->done;
  p->reduce.steps = steps;
  C2_TRY(p->link->table->reduce(p->link->device, &p->reduce, err));
  return extend(p, steps, err);
}

static c2_status take(c2_engine *engine, c2_paths *paths, const c2_rollout_shape *s, c2_error *err) {
  c2_cuda_paths *p = (c2_cuda_paths *)paths;
  size_t row = engine->model->config.quantiles * s->horizon;
  const c2_cuda_link *link = p->link;
  C2_TRY(link->table->download(link->device, p->quantiles, p->reduce.quantiles, s->rows * row * sizeof(double), err));
  for (size_t r = 0; r < s->rows; r++) memcpy(s->row[r].quantiles, p->quantiles + r * row, row * sizeof(double));
  return C2_OK;
}

const c2_paths_ops c2_cuda_paths_ops = {
    .most = C2_MOST_SAMPLES, .bytes = bytes_of, .open = open_paths, .next = next, .take = take, .close = close_paths};
