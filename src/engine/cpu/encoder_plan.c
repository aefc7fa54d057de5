/* Sizes and workspace of a forward pass: one function lays it out, once to count and once to carve. */
#include "engine/cpu/encoder.h"

/* Tokens of a task: a few tiles, scratch in the second-level cache; at least what reading a matrix is worth. */
enum { SPAN = 112, LEAST_SPAN = 8 };

/* A stride of at least n columns in whole panels that does not map rows to few cache sets. */
static size_t stride_of(size_t n) {
  size_t stride = c2_round_up(n, C2_PANEL);
  return stride % 128 == 0 ? stride + 16 : stride;
}

static c2_rows carve_rows(c2_arena *arena, size_t rows, size_t columns) {
  size_t stride = stride_of(columns);
  return (c2_rows){C2_CARVE(arena, float, rows *stride), stride};
}

static c2_tokens carve_tokens(const c2_encoder *e, c2_arena *arena, size_t count) {
  c2_tokens t = {.count = count};
  t.x = carve_rows(arena, count, e->config->d_model);
  t.qkv = carve_rows(arena, count, 3 * e->inner);
  t.mixed = carve_rows(arena, count, e->inner);
  return t;
}

static c2_worker carve_worker(const c2_encoder *e, c2_arena *arena) {
  const chronos2_config *c = e->config;
  const c2_layout *l = &e->layout;
  size_t tokens = l->deepest + 1 + e->batch->output_patches; /* of a padded row */
  size_t keys = c2_max_size(e->past ? tokens : l->longest, e->batch->grouped);
  bool observing = e->engine->observing;
  c2_type type = (c2_type)e->engine->model->dtype;
  c2_worker w = {0};
  w.normed = carve_rows(arena, e->span, c->d_model);
  w.hidden = carve_rows(arena, e->span, c->d_ff);
  w.wide = carve_rows(arena, e->span, c2_max_size(3, c->quantiles) * c->patch);
  c2_rows left = carve_rows(arena, type == C2_TYPE_FP32 ? 0 : e->span,
                            c2_max_size(c2_max_size(c->d_model, e->inner), c->d_ff));
  w.left = (c2_operand){.type = type, .data = left.at, .stride = left.stride};
  w.left.scale = C2_CARVE(arena, float, e->span);
  w.weights = C2_CARVE(arena, float, observing ? tokens : 0);
  w.live = C2_CARVE(arena, bool, observing ? tokens : 0);
  c2_attend_carve(&w.attend, arena, e->kernels, c2_cpu_attention_type(e->engine), keys, c->d_kv, observing);
  return w;
}

static void carve(c2_encoder *e, c2_arena *arena) {
  c2_layout *l = &e->layout;
  c2_layout_carve(l, arena);
  c2_rope_carve(&e->rope, arena, e->config->d_kv, (int32_t)(l->deepest + e->batch->output_patches));
  e->all = carve_tokens(e, arena, l->tokens);
  e->all.grouped = l->grouped_tokens;
  e->all.cells = &l->all;
  e->future = e->past ? e->all : carve_tokens(e, arena, l->future_tokens);
  e->future.grouped = l->grouped_future;
  e->future.cells = &l->future;
  if (l->padded) e->mean = carve_rows(arena, l->deepest, e->config->d_model);
  e->worker = C2_CARVE(arena, c2_worker, c2_pool_threads(e->pool));
  for (size_t i = 0; i < c2_pool_threads(e->pool); i++) {
    c2_worker w = carve_worker(e, arena);
    if (arena->base && !arena->failed) e->worker[i] = w;
  }
}

/* Spans as large as the cache takes, equal, and as many as every thread gets the same number of. */
static size_t span_of(size_t tokens, size_t threads) {
  size_t spans = c2_round_up((tokens + SPAN - 1) / SPAN, threads);
  return c2_max_size(LEAST_SPAN, (tokens + spans - 1) / spans);
}

c2_encoder c2_encoder_of(c2_engine *engine, const c2_batch *batch, const c2_result *result) {
  const c2_cpu *cpu = c2_cpu_of(engine);
  const chronos2_config *c = &engine->model->config;
  return (c2_encoder){.engine = engine,
                      .kernels = cpu->kernels,
                      .pool = cpu->pool,
                      .config = c,
                      .w = engine->model->prepared.weights,
                      .batch = batch,
                      .result = result,
                      .inner = c->heads * c->d_kv};
}

c2_status c2_encoder_measure(c2_encoder *e, bool at_most, size_t *bytes, c2_error *err) {
  c2_arena plan = {0};
  bool hidden = e->result && e->result->hidden;
  bool masks = hidden && (at_most || c2_batch_masks(e->batch, e->config->patch));
  c2_token_choice choice = e->past ? C2_FUTURE_TOKENS : masks ? C2_ALL_TOKENS : C2_LIVE_TOKENS;
  C2_TRY(c2_layout_count(&e->layout, e->config, e->batch, choice, err));
  e->layout.blinded = e->engine->blind != NULL;
  size_t threads = c2_pool_threads(e->pool);
  bool rising = e->layout.tokens <= SPAN * threads; /* up to there, more tokens never have shorter spans */
  e->span = at_most && !rising ? SPAN : span_of(e->layout.tokens, threads);
  carve(e, &plan);
  if (plan.failed) C2_FAIL(err, C2_ERR_MEMORY, "the workspace of %zu tokens overflows", e->layout.tokens);
  *bytes = plan.used;
  return C2_OK;
}

c2_status c2_encoder_begin(c2_encoder *e, c2_error *err) {
  const chronos2_config *c = e->config;
  c2_block *workspace = &c2_cpu_of(e->engine)->workspace;
  size_t bytes = 0;
  C2_TRY(c2_encoder_measure(e, false, &bytes, err));
  C2_TRY(c2_engine_reserve(e->engine, workspace, bytes, err));
  c2_arena arena = {.base = workspace->base, .size = workspace->size};
  carve(e, &arena);
  c2_layout_fill(&e->layout, c, e->batch, &e->engine->pattern);
  c2_rope_fill(&e->rope, c->rope_theta, c->d_kv, (int32_t)(e->layout.deepest + e->batch->output_patches));
  return C2_OK;
}
