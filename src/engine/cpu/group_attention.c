/* Group attention of a layer: tokens of a group at one position attend to each other. */
#include "engine/cpu/encoder.h"

static void attend(const c2_encoder *e, const uint32_t *member, size_t members, size_t keys, size_t head,
                   size_t worker) {
  const c2_tokens *t = e->tail;
  size_t at = head * e->config->d_kv;
  c2_attend a = {.kernels = e->kernels,
                 .head = e->config->d_kv,
                 .q = t->qkv.at + at,
                 .k = t->qkv.at + e->inner + at,
                 .v = t->qkv.at + 2 * e->inner + at,
                 .out = t->mixed.at + at,
                 .q_stride = t->qkv.stride,
                 .kv_stride = t->qkv.stride,
                 .out_stride = t->mixed.stride,
                 .q_row = member,
                 .k_row = member,
                 .queries = members,
                 .keys = keys};
  c2_attend_run(&a, &e->worker[worker].attend);
}

static void cells_task(void *context, size_t task, size_t worker) {
  const c2_encoder *e = context;
  const c2_cells *cells = e->tail->cells;
  size_t end = c2_min_size(cells->count, (task + 1) * e->cells_of_a_task);
  for (size_t cell = task * e->cells_of_a_task; cell < end; cell++) {
    const uint32_t *member = cells->member + cells->first[cell];
    size_t members = cells->first[cell + 1] - cells->first[cell];
    size_t keys = cells->keys ? cells->keys[cell] : members;
    for (size_t h = 0; h < e->config->heads; h++) attend(e, member, members, keys, h, worker);
  }
}

void c2_run_group_attention(c2_encoder *e) {
  size_t cells = e->tail->cells->count;
  e->cells_of_a_task = 1 + cells / (8 * c2_pool_threads(e->pool));
  c2_pool_run(e->pool, (cells + e->cells_of_a_task - 1) / e->cells_of_a_task, cells_task, e);
}
