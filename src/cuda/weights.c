/* Copies the model's weights, padded, to the device's memory. */
#include "cuda/weights.h"

#include <stdlib.h>
#include <string.h>

#include "model/reading.h"

enum { PIECE = 256, LARGEST_HEAD = 128 };

void *c2_cuda_carve(c2_cuda_arena *arena, size_t count, size_t size) {
  size_t bytes = 0;
  size_t used = 0;
  if (!c2_mul(count, size, &bytes) || !c2_add(arena->used, bytes, &used) || used > SIZE_MAX - PIECE) {
    arena->failed = true;
    return NULL;
  }
  void *piece = arena->base ? arena->base + arena->used : NULL;
  arena->used = c2_round_up(used, PIECE);
  return piece;
}

/* Columns or rows in blocks of `own`, each of which takes `padded` on the device. */
typedef struct blocks {
  size_t own, padded;
} blocks;

static size_t place_of(blocks b, size_t i) {
  return i / b.own * b.padded + i % b.own;
}

typedef struct filling {
  const c2_cuda_link *link;
  c2_cuda_weights *to;
  const chronos2_model *model;
  float *values; /* of a tensor */
  float *padded; /* the same with its padding */
  float *product[3]; /* device: W_o, W_v transposed, their product */
  c2_cuda_arena *arena;
  bool filled; /* false while planning */
  size_t largest; /* elements of the largest tensor or matrix; known after planning */
} filling;

/* Takes a matrix's place in the device's memory. */
static void *carve(filling *f, size_t rows, size_t columns, size_t size) {
  size_t count = 0;
  if (!c2_mul(rows, columns, &count)) f->arena->failed = true;
  f->largest = c2_max_size(f->largest, count);
  return c2_cuda_carve(f->arena, count, size);
}

/* A part of a matrix: rows of a tensor go to rows from `first` on. */
static c2_status put_rows(filling *f, const c2_expected *e, float *to, size_t first, size_t depth, blocks rows,
                          blocks columns, c2_error *err) {
  C2_TRY(c2_tensor_values(f->model, e, f->values, err));
  for (size_t i = 0; i < e->shape[0]; i++) {
    float *row = to + (first + place_of(rows, i)) * depth;
    for (size_t j = 0; j < e->shape[1]; j++) row[place_of(columns, j)] = f->values[i * e->shape[1] + j];
  }
  return C2_OK;
}

static c2_status upload(filling *f, void *to, const float *values, size_t count, c2_gpu_element type, c2_error *err) {
  const c2_device_table *d = f->link->table;
  c2_device *device = f->link->device;
  if (type == C2_GPU_FLOAT) return d->upload(device, to, values, count * sizeof *values, err);
  C2_TRY(d->upload(device, f->product[2], values, count * sizeof *values, err));
  c2_gpu_round round = {.from = f->product[2], .to = to, .count = count};
  return d->round(device, &round, err);
}

/* Up to three matrices of one shape, one below the other. */
static c2_status put_matrix(filling *f, void **out, c2_gpu_element type, const c2_expected *const *parts, size_t count,
                            blocks rows, blocks columns, size_t depth, c2_error *err) {
  size_t height = c2_round_up(place_of(rows, parts[0]->shape[0] - 1) + 1, rows.padded == rows.own ? 8 : rows.padded);
  *out = carve(f, count * height, depth, c2_gpu_size(type));
  if (!f->filled) return C2_OK;
  memset(f->padded, 0, count * height * depth * sizeof *f->padded);
  for (size_t i = 0; i < count; i++) {
    C2_TRY(put_rows(f, parts[i], f->padded, i * height, depth, rows, columns, err));
  }
  return upload(f, *out, f->padded, count * height * depth, type, err);
}

/* W_o W_v, multiplied on the device in float32. Neither factor is larger than put_matrix has W_o. */
static c2_status put_product(filling *f, void **out, const c2_attention_weights *w, c2_error *err) {
  const c2_device_table *d = f->link->table;
  c2_device *device = f->link->device;
  c2_gpu_element type = f->to->type;
  size_t model = f->to->sizes.model;
  size_t inner = w->o->shape[1];
  size_t depth = c2_round_up(inner, 8);
  *out = carve(f, model, model, c2_gpu_size(type));
  if (!f->filled) return C2_OK;
  memset(f->padded, 0, model * depth * sizeof *f->padded);
  C2_TRY(put_rows(f, w->o, f->padded, 0, depth, (blocks){SIZE_MAX, SIZE_MAX}, (blocks){SIZE_MAX, SIZE_MAX}, err));
  C2_TRY(d->upload(device, f->product[0], f->padded, model * depth * sizeof(float), err));
  memset(f->padded, 0, model * depth * sizeof *f->padded);
  C2_TRY(c2_tensor_values(f->model, w->v, f->values, err));
  for (size_t i = 0; i < inner; i++) {
    for (size_t j = 0; j < w->v->shape[1]; j++) f->padded[j * depth + i] = f->values[i * w->v->shape[1] + j];
  }
  C2_TRY(d->upload(device, f->product[1], f->padded, model * depth * sizeof(float), err));
  c2_gpu_product p = {.a = f->product[0],
                      .w = f->product[1],
                      .c = type == C2_GPU_FLOAT ? *out : f->product[2],
                      .a_stride = depth,
                      .c_stride = model,
                      .rows = model,
                      .columns = model,
                      .depth = depth};
  C2_TRY(d->product(device, &p, err));
  if (type == C2_GPU_FLOAT) return C2_OK;
  c2_gpu_round round = {.from = f->product[2], .to = *out, .count = model * model};
  return d->round(device, &round, err);
}

/* Elements [skip, skip + n) of a, with those of b added if it isn't NULL. */
static c2_status put_vector(filling *f, float **out, const c2_expected *a, const c2_expected *b, size_t skip, size_t n,
                            c2_error *err) {
  size_t padded = c2_round_up(n, 8);
  *out = carve(f, 1, padded, sizeof **out);
  f->largest = c2_max_size(f->largest, a->shape[0] * a->shape[1]);
  if (!f->filled) return C2_OK;
  memset(f->padded, 0, padded * sizeof *f->padded);
  C2_TRY(c2_tensor_values(f->model, a, f->values, err));
  memcpy(f->padded, f->values + skip, n * sizeof *f->padded);
  if (b) {
    C2_TRY(c2_tensor_values(f->model, b, f->values, err));
    for (size_t i = 0; i < n; i++) f->padded[i] += f->values[i];
  }
  return upload(f, *out, f->padded, padded, C2_GPU_FLOAT, err);
}

static c2_status put_residual(filling *f, c2_cuda_residual *out, const c2_residual_weights *w, c2_error *err) {
  blocks whole = {SIZE_MAX, SIZE_MAX};
  size_t in = c2_round_up(w->hidden->shape[1], 8);
  size_t ff = f->to->sizes.ff;
  C2_TRY(put_matrix(f, (void **)&out->hidden, C2_GPU_FLOAT, &w->hidden, 1, whole, whole, in, err));
  C2_TRY(put_matrix(f, (void **)&out->output, C2_GPU_FLOAT, &w->output, 1, whole, whole, ff, err));
  C2_TRY(put_matrix(f, (void **)&out->residual, C2_GPU_FLOAT, &w->residual, 1, whole, whole, in, err));
  C2_TRY(put_vector(f, &out->hidden_bias, w->hidden_bias, NULL, 0, w->hidden_bias->shape[0], err));
  return put_vector(f, &out->bias, w->output_bias, w->residual_bias, 0, w->output_bias->shape[0], err);
}

static c2_status put_layer(filling *f, c2_cuda_layer *out, const c2_layer_weights *w, c2_error *err) {
  const c2_cuda_sizes *s = &f->to->sizes;
  blocks whole = {SIZE_MAX, SIZE_MAX};
  blocks heads = {f->model->config.d_kv, s->head};
  const c2_expected *time[] = {w->time.q, w->time.k, w->time.v};
  const c2_expected *group[] = {w->group.q, w->group.k, w->group.v};
  c2_gpu_element type = f->to->type;
  size_t d = f->model->config.d_model;
  C2_TRY(put_matrix(f, &out->time_qkv, type, time, 3, heads, whole, s->model, err));
  C2_TRY(put_matrix(f, &out->time_o, type, &w->time.o, 1, whole, heads, s->inner, err));
  C2_TRY(put_matrix(f, &out->group_qkv, type, group, 3, heads, whole, s->model, err));
  C2_TRY(put_matrix(f, &out->group_o, type, &w->group.o, 1, whole, heads, s->inner, err));
  C2_TRY(put_product(f, &out->group_ov, &w->group, err));
  C2_TRY(put_matrix(f, &out->wi, type, &w->wi, 1, whole, whole, s->model, err));
  C2_TRY(put_matrix(f, &out->wo, type, &w->wo, 1, whole, whole, s->ff, err));
  C2_TRY(put_vector(f, &out->time_norm, w->time.norm, NULL, 0, d, err));
  C2_TRY(put_vector(f, &out->group_norm, w->group.norm, NULL, 0, d, err));
  return put_vector(f, &out->ffn_norm, w->ffn_norm, NULL, 0, d, err);
}

static c2_status put_all(filling *f, c2_error *err) {
  c2_cuda_weights *to = f->to;
  const c2_weights *w = &f->model->weights;
  size_t d = f->model->config.d_model;
  for (size_t i = 0; i < f->model->config.layers; i++) C2_TRY(put_layer(f, &to->layer[i], &w->layer[i], err));
  C2_TRY(put_residual(f, &to->embed, &w->embed, err));
  C2_TRY(put_residual(f, &to->head, &w->head, err));
  C2_TRY(put_vector(f, &to->reg, w->shared, NULL, d, d, err));
  return put_vector(f, &to->final_norm, w->final_norm, NULL, 0, d, err);
}

static c2_status choose_sizes(c2_cuda_weights *to, const chronos2_model *model, c2_error *err) {
  const chronos2_config *c = &model->config;
  if (model->dtype == CHRONOS2_INT8) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "dtype: int8 runs on the CPU; expected fp32 or bf16 with device cuda");
  }
  if (c->d_kv > LARGEST_HEAD || c->d_kv % 2 != 0) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "d_kv is %zu; expected an even number up to %d with device cuda", c->d_kv,
            LARGEST_HEAD);
  }
  to->type = model->dtype == CHRONOS2_BF16 ? C2_GPU_BF16 : C2_GPU_FLOAT;
  c2_cuda_sizes *s = &to->sizes;
  s->head = c->d_kv <= 32 ? 32 : c->d_kv <= 64 ? 64 : 128;
  s->inner = c->heads * s->head;
  s->model = c2_round_up(c->d_model, 8);
  s->ff = c2_round_up(c->d_ff, 8);
  s->in = c2_round_up(3 * c->patch, 8);
  s->out = c2_round_up(c->quantiles * c->patch, 8);
  return C2_OK;
}

static c2_status fill(filling *f, c2_error *err) {
  const c2_cuda_link *link = f->link;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(f->largest, sizeof *f->values, &f->values, err));
  C2_GOTO(c2_alloc_array(f->largest, sizeof *f->padded, &f->padded, err));
  for (size_t i = 0; i < 3; i++) {
    C2_GOTO(link->table->allocate(link->device, f->largest * sizeof(float), (void **)&f->product[i], err));
  }
  C2_GOTO(put_all(f, err));
  C2_GOTO(link->table->wait(link->device, err)); /* other sessions have streams of their own */
fail:
  for (size_t i = 0; i < 3; i++) {
    if (f->product[i]) link->table->release(link->device, f->product[i]);
  }
  free(f->values);
  free(f->padded);
  return status;
}

static c2_status make(const c2_cuda_link *link, const chronos2_model *model, c2_cuda_weights *to, c2_error *err) {
  c2_cuda_arena arena = {0};
  filling f = {.link = link, .to = to, .model = model, .arena = &arena};
  C2_TRY(choose_sizes(to, model, err));
  C2_TRY(c2_alloc_array(model->config.layers, sizeof *to->layer, &to->layer, err));
  C2_TRY(put_all(&f, err));
  if (arena.failed) C2_FAIL(err, C2_ERR_MEMORY, "the weights' size overflows");
  to->bytes = arena.used;
  C2_TRY(link->table->allocate(link->device, arena.used, &to->memory, err));
  arena = (c2_cuda_arena){.base = to->memory};
  f.filled = true;
  return fill(&f, err);
}

static void unmake(const c2_cuda_link *link, c2_cuda_weights *w) {
  if (w->memory) link->table->release(link->device, w->memory);
  free(w->layer);
  free(w);
}

/* ---- One copy for all sessions ------------------------------------------------------------------ */

static c2_status take(const c2_cuda_link *link, const chronos2_model *model, c2_cuda_weights **first,
                      const c2_cuda_weights **weights, c2_error *err) {
  for (c2_cuda_weights *w = *first; w; w = w->next) {
    if (w->index != link->index) continue;
    w->users++;
    *weights = w;
    return C2_OK;
  }
  c2_cuda_weights *made = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *made, &made, err));
  c2_status status = make(link, model, made, err);
  if (status != C2_OK) {
    unmake(link, made);
    return status;
  }
  made->index = link->index;
  made->users = 1;
  made->next = *first;
  *weights = *first = made;
  return C2_OK;
}

c2_status c2_cuda_weights_take(const c2_cuda_link *link, const chronos2_model *model, const c2_cuda_weights **weights,
                               c2_error *err) {
  c2_mutex_take(model->copies->mutex);
  c2_status status = take(link, model, (c2_cuda_weights **)&model->copies->first, weights, err);
  c2_mutex_give(model->copies->mutex);
  return status;
}

void c2_cuda_weights_give(const c2_cuda_link *link, const chronos2_model *model, const c2_cuda_weights *weights) {
  if (!weights) return;
  c2_mutex_take(model->copies->mutex);
  c2_cuda_weights **at = (c2_cuda_weights **)&model->copies->first;
  while (*at != weights) at = &(*at)->next;
  c2_cuda_weights *w = *at;
  if (--w->users == 0) {
    *at = w->next;
    unmake(link, w);
  }
  c2_mutex_give(model->copies->mutex);
}
