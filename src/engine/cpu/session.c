/* The CPU backend: sessions, and how a batch under windowed_future_null becomes passes. */
#include "engine/cpu/session.h"

#include <stdlib.h>

#include "engine/cpu/kv_cache.h"
#include "engine/cpu/level.h"
#include "engine/cpu/pack.h"
#include "engine/null_future.h"

/* ---- The null future -------------------------------------------------------------------------- */

/* Tokens whose keys and values are cached at once. Rows don't depend on what else is in a pass. */
enum { NULL_TOKENS = 2048 };

static size_t row_bytes(const c2_engine *engine, size_t tokens) {
  return c2_kv_row_bytes(&engine->model->config, c2_cpu_attention_type(engine), tokens);
}

static c2_status plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need, c2_error *err) {
  C2_TRY(c2_cpu_plan(engine, batch, result, &need->workspace, err));
  need->workspace = c2_block_size(need->workspace);
  bool null = engine->pattern.attention == CHRONOS2_WINDOWED_FUTURE_NULL;
  size_t cached = null ? c2_null_future_bytes(engine, batch, NULL_TOKENS, row_bytes) : 0;
  if (cached == 0) return C2_OK;
  c2_sum_up(&cached, c2_batch_slots(batch), 2 * sizeof(size_t)); /* tables by slot */
  c2_sum_up(&cached, 4, C2_ALIGN);                     /* between what a cache holds */
  need->held = c2_block_size(cached);
  return C2_OK;
}

static c2_status forward(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  if (engine->pattern.attention != CHRONOS2_WINDOWED_FUTURE_NULL) return c2_cpu_pass(engine, batch, result, err);
  return c2_forward_null(engine, batch, result, c2_cpu_pass, NULL_TOKENS, err);
}

/* ---- The backend ------------------------------------------------------------------------------- */

static c2_status load(chronos2_model *model, const chronos2_model_options *options, c2_error *err) {
  const c2_kernels *kernels = NULL;
  c2_pool *pool = NULL;
  C2_TRY(c2_isa_choose(options->isa, model->dtype, &kernels, err));
  C2_TRY(c2_pool_choose(options->threads, false, &pool, err));
  c2_status status = c2_model_pack(model, pool, kernels, model->file_count ? options->cache : NULL, err);
  c2_pool_close(&pool);
  return status;
}

static c2_status open_session(c2_engine *engine, const chronos2_session_options *options, c2_error *err) {
  c2_cpu *cpu = NULL;
  if (!engine->model->prepared.weights) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "backend: the model was opened without packing (skip_packing), which fused needs");
  }
  C2_TRY(c2_alloc_array(1, sizeof *cpu, &cpu, err));
  engine->state = cpu;
  C2_TRY(c2_isa_choose(options->isa, engine->model->dtype, &cpu->kernels, err));
  C2_TRY(c2_pool_choose(options->threads, options->pin, &cpu->pool, err));
  engine->isa = cpu->kernels->name;
  engine->threads = c2_pool_threads(cpu->pool);
  return C2_OK;
}

static void trim(c2_engine *engine) {
  c2_block_free(&c2_cpu_of(engine)->workspace);
}

static void close_session(c2_engine *engine) {
  c2_cpu *cpu = c2_cpu_of(engine);
  c2_pool_close(&cpu->pool);
  c2_block_free(&cpu->workspace);
  free(cpu);
}

const c2_backend c2_cpu_backend = {.name = "fused",
                                   .small_passes = true,
                                   .load = load,
                                   .open = open_session,
                                   .close = close_session,
                                   .plan = plan,
                                   .forward = forward,
                                   .prefill = c2_cpu_prefill,
                                   .decode = c2_cpu_decode,
                                   .free_cache = c2_kv_free,
                                   .trim = trim};
