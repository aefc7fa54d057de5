/* A session of the CPU backend, and what opening one takes. */
#ifndef C2_ENGINE_CPU_SESSION_H
#define C2_ENGINE_CPU_SESSION_H

#include "base/threads.h"
#include "engine/backend.h"
#include "kernels/kernels.h"

typedef struct c2_cpu {
  const c2_kernels *kernels;
  c2_pool *pool;
  c2_block workspace; /* grows to what the largest batch needed */
} c2_cpu;

static inline c2_cpu *c2_cpu_of(const c2_engine *engine) {
  return engine->state;
}

/* The type of attention (see attention.h). */
static inline c2_type c2_cpu_attention_type(const c2_engine *engine) {
  bool narrow = engine->model->dtype == CHRONOS2_BF16 && c2_cpu_of(engine)->kernels->narrow_attention;
  return narrow ? C2_TYPE_BF16 : C2_TYPE_FP32;
}

/* Computes the workspace that c2_cpu_pass takes at most. */
c2_status c2_cpu_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, size_t *bytes, c2_error *err);

/* Runs one pass over all rows. Under windowed_future_null their own future is the null future. */
c2_status c2_cpu_pass(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* The backend's c2_prefill and c2_decode. */
c2_status c2_cpu_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err);
c2_status c2_cpu_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                        c2_error *err);

#endif
