/* The CUDA backend: sessions, and which passes a batch becomes. Its kernels and everything
 * here are tested on an emulated device (tests/cuda). */
#include <stdlib.h>
#include <string.h>

#include "cuda/session.h"
#include "engine/cpu/level.h"
#include "engine/null_future.h"

/* Tokens whose keys and values are cached at once under windowed_future_null. */
enum { NULL_TOKENS = 65536 };

static c2_status plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need, c2_error *err) {
  C2_TRY(c2_cuda_plan(engine, batch, result, need, err));
  if (engine->pattern.attention != CHRONOS2_WINDOWED_FUTURE_NULL) return C2_OK;
  need->held = c2_null_future_bytes(engine, batch, NULL_TOKENS, c2_cuda_kv_row_bytes);
  return C2_OK;
}

static c2_status forward(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err) {
  if (engine->pattern.attention != CHRONOS2_WINDOWED_FUTURE_NULL) return c2_cuda_pass(engine, batch, result, err);
  return c2_forward_null(engine, batch, result, c2_cuda_pass, NULL_TOKENS, err);
}

/* The number in "cuda:N"; 0 without one. */
static c2_status index_of(const char *device, size_t *index, c2_error *err) {
  const char *digits = device + strlen("cuda");
  *index = 0;
  if (!*digits) return C2_OK;
  digits++;
  for (const char *d = digits; *d >= '0' && *d <= '9' && d - digits < 4; d++) *index = *index * 10 + (size_t)(*d - '0');
  if (*digits && strlen(digits) < 4 && digits[strspn(digits, "0123456789")] == '\0') return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "device: expected a number behind 'cuda:', found '%s'", device);
}

static c2_status open_session(c2_engine *engine, const chronos2_session_options *options, c2_error *err) {
  size_t index = 0;
  c2_cuda *cuda = NULL;
  const char *graphs = getenv("CHRONOS2_CUDA_GRAPHS");
  C2_TRY(index_of(options->device, &index, err));
  C2_TRY(c2_alloc_array(1, sizeof *cuda, &cuda, err));
  engine->state = cuda;
  engine->isa = "cuda";
  engine->threads = 1;
  cuda->program.no_graphs = graphs && strcmp(graphs, "0") == 0;
  C2_TRY(c2_pool_choose(options->threads, options->pin, &cuda->pool, err));
  C2_TRY(c2_cuda_link_open(index, &cuda->link, err));
  return c2_cuda_weights_take(cuda->link, engine->model, &cuda->weights, err);
}

/* Graphs point into the workspace, so they go with it. */
static void release_workspace(c2_cuda *cuda) {
  if (cuda->link) c2_cuda_program_close(&cuda->program, cuda->link);
  if (cuda->workspace) cuda->link->table->release(cuda->link->device, cuda->workspace);
  cuda->workspace = NULL;
  cuda->workspace_bytes = 0;
  c2_block_free(&cuda->tables);
}

static void trim(c2_engine *engine) {
  release_workspace(c2_cuda_of(engine));
  c2_cuda_count(engine, 0);
}

static void close_session(c2_engine *engine) {
  c2_cuda *cuda = c2_cuda_of(engine);
  release_workspace(cuda);
  c2_cuda_weights_give(cuda->link, engine->model, cuda->weights);
  c2_cuda_link_close(cuda->link);
  c2_pool_close(&cuda->pool);
  free(cuda->angle);
  free(cuda);
}

const c2_backend c2_cuda_backend = {.name = "cuda",
                                    .open = open_session,
                                    .close = close_session,
                                    .plan = plan,
                                    .forward = forward,
                                    .prefill = c2_cuda_prefill,
                                    .decode = c2_cuda_decode,
                                    .free_cache = c2_cuda_kv_free,
                                    .paths = &c2_cuda_paths_ops,
                                    .trim = trim};
