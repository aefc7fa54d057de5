/* The encoder's layers. */
#include "cuda/pass.h"

/* ---- Time attention ----------------------------------------------------------------------------- */

/* Rotates `heads` heads of rows that begin at `x`. */
static c2_status rotate(const c2_cuda_run *r, void *x, size_t rows, size_t heads, const int32_t *position,
                        c2_error *err) {
  c2_gpu_rotate a = {.x = x,
                     .type = r->w->type,
                     .head = (uint32_t)r->w->sizes.head,
                     .stride = 3 * r->w->sizes.inner,
                     .rows = rows,
                     .heads = heads,
                     .half = r->config->d_kv / 2,
                     .position = c2_cuda_mirrored(r, position),
                     .cosine = c2_cuda_mirrored(r, r->plan.cosine),
                     .sine = c2_cuda_mirrored(r, r->plan.sine)};
  return C2_CUDA_EMIT(&r->cuda->program, rotate, &a, err);
}

/* Tiles of queries in `q` over keys and values in `kv`, both [rows][3I]. */
static c2_gpu_attend attention_of(const c2_cuda_run *r, void *q, void *kv, void *out, const c2_gpu_tile *tile,
                                  size_t tiles) {
  size_t inner = r->w->sizes.inner;
  return (c2_gpu_attend){.type = r->w->type,
                         .head = (uint32_t)r->w->sizes.head,
                         .q = q,
                         .k = c2_cuda_at(r, kv, inner),
                         .v = c2_cuda_at(r, kv, 2 * inner),
                         .out = out,
                         .q_stride = 3 * inner,
                         .kv_stride = 3 * inner,
                         .out_stride = inner,
                         .heads = r->config->heads,
                         .tile = c2_cuda_mirrored(r, tile),
                         .tiles = tiles};
}

/* The layer's blind heads; NULL: none. */
static const uint8_t *blind_heads(const c2_cuda_run *r) {
  return r->plan.layout.blinded ? c2_cuda_mirrored(r, r->plan.blind + r->layer * r->config->heads) : NULL;
}

/* Over all tokens, or over those of the future alone, whose queries lie apart. */
static c2_gpu_attend time_attention(const c2_cuda_run *r, bool future) {
  const c2_cuda_plan_tables *plan = &r->plan;
  c2_gpu_attend a = future ? attention_of(r, r->qf, r->qkv, r->mixedf, plan->future_tile, plan->future_tiles)
                           : attention_of(r, r->qkv, r->qkv, r->mixed, plan->time_tile, plan->time_tiles);
  a.visible = c2_cuda_mirrored(r, plan->layout.range);
  a.blind = blind_heads(r);
  if (a.blind) a.blind_visible = c2_cuda_mirrored(r, plan->layout.blind_range);
  if (r->recall) {
    size_t inner = r->w->sizes.inner;
    unsigned char *layer = r->recall->memory + r->layer * r->recall->layer_bytes;
    a.past_k = layer;
    a.past_v = c2_cuda_at(r, layer, inner);
    a.past_stride = 2 * inner;
  }
  return a;
}

/* What masked queries get that see no key. */
static c2_status spread(const c2_cuda_run *r, c2_error *err) {
  size_t inner = r->w->sizes.inner;
  c2_gpu_spread s = {.type = r->w->type,
                     .v = c2_cuda_at(r, r->qkv, 2 * inner),
                     .out = r->mixed,
                     .v_stride = 3 * inner,
                     .out_stride = inner,
                     .heads = r->config->heads,
                     .head = r->w->sizes.head,
                     .seat = c2_cuda_mirrored(r, r->plan.blank),
                     .seats = r->plan.blanks,
                     .blind = blind_heads(r)};
  c2_gpu_spread blind = s;
  blind.only = 1;
  blind.seat = c2_cuda_mirrored(r, r->plan.blind_blank);
  blind.seats = r->plan.blind_blanks;
  if (s.seats > 0) C2_TRY(C2_CUDA_EMIT(&r->cuda->program, spread, &s, err));
  return blind.seats > 0 ? C2_CUDA_EMIT(&r->cuda->program, spread, &blind, err) : C2_OK;
}

/* Keys and values of the context, behind each other, into the cache. */
static c2_status keep(const c2_cuda_run *r, c2_error *err) {
  size_t inner = r->w->sizes.inner;
  size_t size = c2_gpu_size(r->w->type);
  c2_gpu_copy c = {.from = c2_cuda_at(r, r->qkv, inner),
                   .to = r->keep->memory + r->layer * r->keep->layer_bytes,
                   .from_row = c2_cuda_mirrored(r, r->plan.context),
                   .from_stride = 3 * inner * size,
                   .to_stride = 2 * inner * size,
                   .bytes = 2 * inner * size,
                   .rows = r->plan.contexts};
  return C2_CUDA_EMIT(&r->cuda->program, copy, &c, err);
}

/* ---- Group attention ---------------------------------------------------------------------------- */

static c2_status group_attention(const c2_cuda_run *r, const c2_cuda_group *group, const c2_cells *cells, void *qkv,
                                 void *mixed, c2_error *err) {
  const c2_gpu_attend a = attention_of(r, qkv, qkv, mixed, group->tile, group->tiles);
  c2_gpu_attend tiles = a;
  tiles.q_row = tiles.k_row = c2_cuda_mirrored(r, cells->member);
  c2_gpu_attend_seats seats = {.type = a.type,
                               .head = a.head,
                               .q = a.q,
                               .k = a.k,
                               .v = a.v,
                               .out = a.out,
                               .stride = a.q_stride,
                               .out_stride = a.out_stride,
                               .heads = a.heads,
                               .seat = c2_cuda_mirrored(r, group->seat),
                               .member = c2_cuda_mirrored(r, cells->member),
                               .seats = group->seats};
  if (tiles.tiles > 0) C2_TRY(C2_CUDA_EMIT(&r->cuda->program, attend, &tiles, err));
  return seats.seats > 0 ? C2_CUDA_EMIT(&r->cuda->program, attend_seats, &seats, err) : C2_OK;
}

/* Masked tokens whose group has none at their position. */
static c2_status take_means(const c2_cuda_run *r, c2_error *err) {
  const c2_layout *l = &r->plan.layout;
  c2_gpu_means m = {.x = r->normed,
                    .type = r->w->type,
                    .columns = (uint32_t)r->w->sizes.model,
                    .stride = r->w->sizes.model,
                    .rows = l->rows,
                    .patches = l->deepest};
  if (!l->padded || m.patches == 0) return C2_OK;
  m.token_at = c2_cuda_mirrored(r, l->token_at);
  m.orphan = c2_cuda_mirrored(r, l->orphan);
  return C2_CUDA_EMIT(&r->cuda->program, means, &m, err);
}

/* ---- A layer ------------------------------------------------------------------------------------ */

/* Tokens that go on after time attention, of which the first `grouped` have company. */
typedef struct going {
  float *x;
  void *qkv, *mixed;
  size_t rows, grouped;
  const c2_cuda_group *group;
  const c2_cells *cells;
} going;

/* The layer's rest. */
static c2_status tail(const c2_cuda_run *r, const going *g, c2_error *err) {
  const c2_cuda_layer *w = &r->w->layer[r->layer];
  size_t d = r->w->sizes.model;
  size_t inner = r->w->sizes.inner;
  c2_cuda_product time_o = {.a = g->mixed, .w = w->time_o, .c = g->x, .a_stride = inner, .depth = inner,
                            .c_stride = d, .rows = g->rows, .columns = d, .add = true};
  c2_cuda_product qkv = {.a = r->normed, .w = w->group_qkv, .c = g->qkv, .a_stride = d, .depth = d,
                         .c_stride = 3 * inner, .rows = g->grouped, .columns = 3 * inner};
  c2_cuda_product group_o = time_o;
  group_o.w = w->group_o;
  group_o.rows = g->grouped;
  c2_cuda_product alone = {.a = c2_cuda_at(r, r->normed, g->grouped * d), .w = w->group_ov, .c = g->x + g->grouped * d,
                           .a_stride = d, .depth = d, .c_stride = d, .rows = g->rows - g->grouped, .columns = d,
                           .add = true};
  C2_TRY(c2_cuda_multiply(r, &time_o, err));
  C2_TRY(c2_cuda_norm(r, r->normed, r->w->type, g->x, w->group_norm, g->rows, err));
  C2_TRY(take_means(r, err));
  if (g->grouped > 0) {
    C2_TRY(c2_cuda_multiply(r, &qkv, err));
    C2_TRY(group_attention(r, g->group, g->cells, g->qkv, g->mixed, err));
    C2_TRY(c2_cuda_multiply(r, &group_o, err));
  }
  C2_TRY(c2_cuda_multiply(r, &alone, err));
  return c2_cuda_feed_forward(r, g->x, g->rows, err);
}

/* Rows of future tokens, `bytes` each, into an array of their own. */
static c2_status gather(const c2_cuda_run *r, const void *from, void *to, size_t bytes, c2_error *err) {
  c2_gpu_copy c = {.from = from,
                   .to = to,
                   .from_row = c2_cuda_mirrored(r, r->plan.future),
                   .from_stride = bytes,
                   .to_stride = bytes,
                   .bytes = bytes,
                   .rows = r->plan.layout.future_tokens};
  return C2_CUDA_EMIT(&r->cuda->program, copy, &c, err);
}

/* The last layer: keys and values of all tokens, queries of future ones. */
static c2_status narrow_attention(const c2_cuda_run *r, c2_error *err) {
  const c2_layout *l = &r->plan.layout;
  const c2_cuda_layer *w = &r->w->layer[r->layer];
  size_t d = r->w->sizes.model;
  size_t inner = r->w->sizes.inner;
  c2_cuda_product kv = {.a = r->normed, .w = c2_cuda_at(r, w->time_qkv, inner * d), .c = c2_cuda_at(r, r->qkv, inner),
                        .a_stride = d, .depth = d, .c_stride = 3 * inner, .rows = l->tokens, .columns = 2 * inner};
  c2_cuda_product q = {.a = r->normed, .w = w->time_qkv, .c = r->qf, .a_stride = d, .depth = d,
                       .c_stride = 3 * inner, .rows = l->future_tokens, .columns = inner};
  c2_gpu_attend a = time_attention(r, true);
  C2_TRY(c2_cuda_norm(r, r->normed, r->w->type, r->x, w->time_norm, l->tokens, err));
  C2_TRY(c2_cuda_multiply(r, &kv, err));
  C2_TRY(rotate(r, kv.c, l->tokens, r->config->heads, l->rotation, err));
  if (r->keep) return keep(r, err);
  C2_TRY(gather(r, r->x, r->xf, d * sizeof(float), err));
  C2_TRY(c2_cuda_norm(r, r->normed, r->w->type, r->xf, w->time_norm, l->future_tokens, err));
  C2_TRY(c2_cuda_multiply(r, &q, err));
  C2_TRY(rotate(r, r->qf, l->future_tokens, r->config->heads, r->plan.future_rotation, err));
  return C2_CUDA_EMIT(&r->cuda->program, attend, &a, err);
}

static c2_status wide_attention(const c2_cuda_run *r, c2_error *err) {
  const c2_layout *l = &r->plan.layout;
  const c2_cuda_layer *w = &r->w->layer[r->layer];
  size_t d = r->w->sizes.model;
  size_t inner = r->w->sizes.inner;
  c2_cuda_product qkv = {.a = r->normed, .w = w->time_qkv, .c = r->qkv, .a_stride = d, .depth = d,
                         .c_stride = 3 * inner, .rows = l->tokens, .columns = 3 * inner};
  c2_gpu_attend a = time_attention(r, false);
  C2_TRY(c2_cuda_norm(r, r->normed, r->w->type, r->x, w->time_norm, l->tokens, err));
  C2_TRY(c2_cuda_multiply(r, &qkv, err));
  C2_TRY(rotate(r, r->qkv, l->tokens, 2 * r->config->heads, l->rotation, err));
  if (r->keep) C2_TRY(keep(r, err));
  if (r->engine->observing) C2_TRY(c2_cuda_observe(r, &a, err));
  C2_TRY(C2_CUDA_EMIT(&r->cuda->program, attend, &a, err));
  return spread(r, err);
}

c2_status c2_cuda_layer_step(const c2_cuda_run *r, c2_error *err) {
  const c2_layout *l = &r->plan.layout;
  bool hidden = r->result && r->result->hidden;
  bool last = r->layer + 1 == r->config->layers && !hidden && !r->recall;
  bool narrow = last && !r->engine->observing;
  going all = {r->x, r->qkv, r->mixed, l->tokens, l->grouped_tokens, &r->plan.all, &l->all};
  going future = {r->xf, r->qf, r->mixedf, l->future_tokens, l->grouped_future, &r->plan.last, &l->future};
  C2_TRY(narrow ? narrow_attention(r, err) : wide_attention(r, err));
  if (last && r->keep) return C2_OK;
  if (last && !narrow) {
    C2_TRY(gather(r, r->x, r->xf, r->w->sizes.model * sizeof(float), err));
    C2_TRY(gather(r, r->mixed, r->mixedf, r->w->sizes.inner * c2_gpu_size(r->w->type), err));
  }
  return tail(r, last ? &future : &all, err);
}
