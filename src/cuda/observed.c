/* Attention for an observer: weights are computed for some tiles of queries, copied here, and handed over. */
#include "cuda/pass.h"
#include "engine/observe.h"

/* Queries [from, to) whose weights lie in plan->weights. */
typedef struct piece {
  const c2_cuda_run *run;
  uint32_t from, to;
  size_t first_row;
} piece;

/* A row and a head. */
static void hand_over(void *context, size_t task, size_t worker) {
  const piece *p = context;
  const c2_cuda_run *r = p->run;
  const c2_cuda_plan_tables *plan = &r->plan;
  const c2_layout *l = &plan->layout;
  size_t row = p->first_row + task / r->config->heads;
  size_t head = task % r->config->heads;
  size_t slot = r->batch->row[row].slot;
  size_t keys = l->live[row] + (r->recall ? r->recall->count[slot % r->recall->rows] : 0);
  bool blind = l->blinded && r->engine->blind[r->layer * r->config->heads + head];
  c2_observed o = {.engine = r->engine,
                   .batch = r->batch,
                   .layout = l,
                   .range = (blind ? l->blind_range : l->range) + l->row_first[row],
                   .row = row,
                   .layer = r->layer,
                   .head = head,
                   .prefill = r->keep != NULL,
                   .decode = r->recall != NULL,
                   .weights = plan->observed + worker * plan->observed_tokens,
                   .live = plan->observed_live + worker * plan->observed_tokens};
  uint32_t to = (uint32_t)c2_min_size(p->to, l->row_first[row + 1]);
  for (uint32_t t = (uint32_t)c2_max_size(p->from, l->row_first[row]); t < to; t++) {
    size_t at = (t - p->from) * r->config->heads + head;
    c2_observe(&o, t - l->row_first[row], plan->weights + at * plan->watched_keys, keys);
  }
}

/* Tiles [from, to), whose queries follow one another. */
static c2_status observe_tiles(const c2_cuda_run *r, const c2_gpu_attend *attention, size_t from, size_t to,
                               c2_error *err) {
  const c2_cuda_plan_tables *plan = &r->plan;
  const c2_layout *l = &plan->layout;
  const c2_cuda_link *link = r->cuda->link;
  const c2_gpu_tile *last = &plan->time_tile[to - 1];
  piece p = {.run = r, .from = plan->time_tile[from].query, .to = last->query + last->queries};
  c2_gpu_weights w = {.of = *attention, .out = r->weights, .stride = plan->watched_keys};
  w.of.tile = c2_cuda_mirrored(r, &plan->time_tile[from]);
  w.of.tiles = to - from;
  C2_TRY(link->table->weights(link->device, &w, err));
  size_t bytes = (p.to - p.from) * r->config->heads * plan->watched_keys * sizeof(float);
  C2_TRY(link->table->download(link->device, plan->weights, r->weights, bytes, err));
  p.first_row = l->row_of[p.from];
  c2_pool_run(r->cuda->pool, (l->row_of[p.to - 1] - p.first_row + 1) * r->config->heads, hand_over, &p);
  return C2_OK;
}

c2_status c2_cuda_observe(const c2_cuda_run *r, const c2_gpu_attend *attention, c2_error *err) {
  const c2_cuda_plan_tables *plan = &r->plan;
  C2_TRY(c2_cuda_program_run(&r->cuda->program, r->cuda->link, false, err));
  for (size_t from = 0; from < plan->time_tiles;) {
    size_t to = from;
    size_t queries = 0;
    while (to < plan->time_tiles && queries + plan->time_tile[to].queries <= plan->watched_queries) {
      queries += plan->time_tile[to++].queries;
    }
    C2_TRY(observe_tiles(r, attention, from, to, err));
    from = to;
  }
  return C2_OK;
}
