/* The table of backends, and what asking for an operation means. */
#include "engine/backend.h"

#include <string.h>

#include "engine/cpu/level.h"
#include "model/open.h"

static const struct {
  chronos2_backend name;
  const c2_backend *backend;
} backends[] = {{CHRONOS2_FUSED, &c2_cpu_backend}, {CHRONOS2_REFERENCE, &c2_reference_backend}};

c2_status c2_backend_find(const char *device, chronos2_backend asked, const c2_backend **out, c2_error *err) {
  if (device && strcmp(device, "cpu") != 0) {
    if (strcmp(device, "cuda") != 0 && strncmp(device, "cuda:", 5) != 0) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "device: expected cpu, cuda or cuda:N, found '%s'", device);
    }
    if (asked != CHRONOS2_FUSED) C2_FAIL(err, C2_ERR_ARGUMENT, "device: the reference backend runs on the cpu alone");
    *out = &c2_cuda_backend;
    return C2_OK;
  }
  for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
    if (backends[i].name != asked) continue;
    *out = backends[i].backend;
    return C2_OK;
  }
  C2_FAIL(err, C2_ERR_ARGUMENT, "backend: unknown %d", (int)asked);
}

c2_status c2_isa_of_auto(chronos2_dtype dtype, const char **name, c2_error *err) {
  const c2_kernels *kernels = NULL;
  C2_TRY(c2_isa_choose(NULL, dtype, &kernels, err));
  *name = kernels->name;
  return C2_OK;
}

/* ---- Models ------------------------------------------------------------------------------------ */

static c2_status prepare(chronos2_model *model, const chronos2_model_options *options, c2_error *err) {
  const c2_backend *backend = options->skip_packing ? &c2_reference_backend : &c2_cpu_backend;
  C2_TRY(backend->load(model, options, err));
  return c2_model_settle(model, err);
}

c2_status c2_load_model(const char *folder, const chronos2_model_options *options, chronos2_model **model,
                        c2_error *err) {
  C2_TRY(c2_model_open(folder, options, model, err));
  c2_status status = prepare(*model, options, err);
  if (status != C2_OK) c2_model_close(model);
  return status;
}

c2_status c2_load_random(const chronos2_config *config, uint64_t seed, const chronos2_model_options *options,
                         chronos2_model **model, c2_error *err) {
  if (options->adapter || options->cache) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "%s: a model of random weights takes none", options->adapter ? "adapter" : "cache");
  }
  C2_TRY(c2_model_random(config, seed, options, model, err));
  c2_status status = prepare(*model, options, err);
  if (status != C2_OK) c2_model_close(model);
  return status;
}

/* ---- Sessions ---------------------------------------------------------------------------------- */

c2_status c2_engine_open(c2_engine *engine, const chronos2_session_options *options, c2_error *err) {
  return engine->backend->open(engine, options, err);
}

void c2_engine_close(c2_engine *engine) {
  if (engine->state) engine->backend->close(engine);
  engine->state = NULL;
}

void c2_engine_trim(c2_engine *engine) {
  engine->device_allocated = engine->device_reserved = engine->workspace = 0;
  engine->backend->trim(engine);
  engine->peak = engine->held + engine->workspace;
}

/* ---- Passes ------------------------------------------------------------------------------------ */

static c2_status lacks(const c2_engine *engine, const char *what, c2_error *err) {
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "the %s backend can't %s", engine->backend->name, what);
}

void c2_need_join(c2_need *need, const c2_need *other) {
  need->workspace = c2_max_size(need->workspace, other->workspace);
  need->tables = c2_max_size(need->tables, other->tables);
  need->held = c2_max_size(need->held, other->held);
}

c2_status c2_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need, c2_error *err) {
  *need = (c2_need){.workspace = 0};
  if (!engine->backend->plan) return lacks(engine, "tell beforehand what memory a pass takes", err);
  return engine->backend->plan(engine, batch, result, need, err);
}

c2_status c2_forward(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  return engine->backend->forward(engine, batch, result, err);
}

/* An encoded context doesn't know the futures that it will be seen beside, nor how many tokens they have. */
static c2_status refuse_observer(const c2_engine *engine, c2_error *err) {
  if (engine->observing) C2_FAIL(err, C2_ERR_UNSUPPORTED, "attention over an encoded context can't be observed");
  return C2_OK;
}

c2_status c2_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err) {
  *cache = NULL;
  if (!engine->backend->prefill) return lacks(engine, "encode a context once for several futures", err);
  C2_TRY(refuse_observer(engine, err));
  c2_status status = engine->backend->prefill(engine, batch, cache, err);
  if (*cache) (*cache)->backend = engine->backend;
  if (status != C2_OK) c2_kv_cache_free(cache);
  return status;
}

void c2_kv_cache_free(c2_kv_cache **cache) {
  if (*cache) (*cache)->backend->free_cache(*cache);
  *cache = NULL;
}

c2_status c2_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                    c2_error *err) {
  if (!engine->backend->decode) return lacks(engine, "continue an encoded context", err);
  C2_TRY(refuse_observer(engine, err));
  if (cache->backend != engine->backend) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "the context was encoded by the %s backend", cache->backend->name);
  }
  return engine->backend->decode(engine, batch, cache, result, err);
}
