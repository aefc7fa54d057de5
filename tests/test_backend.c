/* The backends' table: what each has, what it says about the rest, and that its plans hold. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/backend.h"
#include "model/open.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { ROWS = 6, LENGTH = 300, PATCHES = 2, STEPS = 64 };

typedef struct input {
  chronos2_model *model;
  double context[ROWS * LENGTH], future[STEPS];
  double *quantiles; /* [ROWS][Q][STEPS] */
  c2_row row[ROWS];
  c2_batch batch;
  c2_result result;
} input;

/* A group with a covariate whose future is known, one without, and rows of their own, one of them short. */
static int open_input(void **state) {
  static const int64_t groups[ROWS] = {1, 1, 2, 2, 3, 4};
  static input in;
  c2_error err = {.code = C2_OK};
  chronos2_model_options options = {.dtype = CHRONOS2_FP32};
  if (c2_load_model(MODEL, &options, &in.model, &err) != C2_OK) fail_msg("%s", err.text);
  const chronos2_config *c = &in.model->config;
  in.quantiles = calloc(ROWS * c->quantiles * STEPS, sizeof *in.quantiles);
  assert_non_null(in.quantiles);
  for (size_t i = 0; i < ROWS * LENGTH; i++) in.context[i] = sin(0.7 * (double)i) + (double)(i % 13);
  for (size_t i = 0; i < STEPS; i++) in.future[i] = cos((double)i);
  for (size_t r = 0; r < ROWS; r++) {
    in.row[r] = (c2_row){.context = in.context + r * LENGTH,
                         .length = r == 5 ? 20 : LENGTH,
                         .group = groups[r],
                         .slot = r,
                         .quantiles = in.quantiles + r * c->quantiles * STEPS};
  }
  in.row[1].future = in.future;
  in.row[1].future_length = PATCHES * c->patch;
  assert_true(PATCHES * c->patch <= STEPS);
  in.batch = (c2_batch){.row = in.row, .rows = ROWS, .output_patches = PATCHES, .context_limit = c->context_length};
  in.result = (c2_result){.steps = PATCHES * c->patch, .stride = STEPS};
  c2_batch_sort(&in.batch);
  *state = &in;
  return 0;
}

static int close_input(void **state) {
  input *in = *state;
  free(in->quantiles);
  c2_model_close(&in->model);
  return 0;
}

static c2_engine open_engine(const input *in, const c2_backend *backend, chronos2_attention attention, int threads) {
  c2_engine engine = {.backend = backend, .model = in->model, .pattern = {attention, 3, false}};
  c2_error err = {.code = C2_OK};
  chronos2_session_options options = {.threads = threads};
  if (c2_engine_open(&engine, &options, &err) != C2_OK) fail_msg("%s", err.text);
  return engine;
}

static void test_find(void **state) {
  const c2_backend *found = NULL;
  c2_error err = {.code = C2_OK};
  (void)state;
  assert_int_equal(c2_backend_find(NULL, CHRONOS2_FUSED, &found, &err), C2_OK);
  assert_string_equal(found->name, "fused");
  assert_int_equal(c2_backend_find(NULL, CHRONOS2_REFERENCE, &found, &err), C2_OK);
  assert_int_equal(c2_backend_find("cuda:1", CHRONOS2_FUSED, &found, &err), C2_OK);
  assert_ptr_equal(found, &c2_cuda_backend);
  assert_int_equal(c2_backend_find("cpu", CHRONOS2_REFERENCE, &found, &err), C2_OK);
  assert_string_equal(found->name, "reference");
  assert_int_equal(c2_backend_find(NULL, (chronos2_backend)99, &found, &err), C2_ERR_ARGUMENT);
  assert_string_equal(err.text, "backend: unknown 99");
}

/* A pass takes no more than the plan says, and not much less. */
static void plans_hold(const input *in, const c2_backend *backend, chronos2_attention attention, int threads) {
  c2_error err = {.code = C2_OK};
  c2_need need = {0};
  c2_engine engine = open_engine(in, backend, attention, threads);
  if (c2_plan(&engine, &in->batch, &in->result, &need, &err) != C2_OK) fail_msg("%s", err.text);
  size_t bytes = need.workspace + need.tables + need.held;
  assert_int_equal(engine.workspace, 0);
  if (c2_forward(&engine, &in->batch, &in->result, &err) != C2_OK) fail_msg("%s", err.text);
  assert_int_equal(engine.held, 0);
  assert_in_range(engine.peak, bytes / 2, bytes);
  if (backend == &c2_reference_backend) { /* it reads weights of its own from the file of a packed model */
    assert_true(engine.peak > in->model->parameters * sizeof(float));
  }
  c2_engine_trim(&engine);
  assert_int_equal(engine.workspace, 0);
  assert_int_equal(engine.peak, 0);
  c2_engine_close(&engine);
}

static void test_plans(void **state) {
  const input *in = *state;
  for (chronos2_attention a = CHRONOS2_FULL; a <= CHRONOS2_WINDOWED_FUTURE_NULL; a++) {
    plans_hold(in, &c2_cpu_backend, a, 1);
    plans_hold(in, &c2_cpu_backend, a, 3);
    plans_hold(in, &c2_reference_backend, a, 1);
  }
}

/* Slots may leave gaps, as a pass over the last paths of a rollout does. */
static void test_far_slots(void **state) {
  const input *in = *state;
  enum { APART = 200000 };
  c2_row row[ROWS];
  c2_error err = {.code = C2_OK};
  c2_need need = {0};
  c2_batch batch = in->batch;
  c2_engine engine = open_engine(in, &c2_cpu_backend, CHRONOS2_WINDOWED_FUTURE_NULL, 1);
  memcpy(row, in->batch.row, sizeof row);
  for (size_t r = 0; r < ROWS; r++) row[r].slot *= APART;
  batch.row = row;
  assert_int_equal(c2_plan(&engine, &batch, &in->result, &need, &err), C2_OK);
  assert_int_equal(c2_forward(&engine, &batch, &in->result, &err), C2_OK);
  assert_true(engine.peak <= need.workspace + need.tables + need.held);
  c2_engine_close(&engine);
}

/* What a backend lacks is refused, by its name. */
static void test_lacks(void **state) {
  const input *in = *state;
  c2_error err = {.code = C2_OK};
  c2_kv_cache none = {.bytes = 0};
  c2_kv_cache *cache = &none;
  c2_need need = {0};
  c2_engine engine = open_engine(in, &c2_reference_backend, CHRONOS2_WINDOWED_FUTURE_GLOBAL, 1);
  assert_int_equal(c2_prefill(&engine, &in->batch, &cache, &err), C2_ERR_UNSUPPORTED);
  assert_null(cache);
  assert_string_equal(err.text, "the reference backend can't encode a context once for several futures");
  assert_int_equal(c2_decode(&engine, &in->batch, &none, &in->result, &err), C2_ERR_UNSUPPORTED);
  assert_string_equal(err.text, "the reference backend can't continue an encoded context");
  c2_backend bare = *engine.backend;
  const c2_backend *whole = engine.backend;
  bare.plan = NULL;
  engine.backend = &bare;
  assert_int_equal(c2_plan(&engine, &in->batch, &in->result, &need, &err), C2_ERR_UNSUPPORTED);
  engine.backend = whole;
  c2_engine_close(&engine);
}

/* Prefill and decode give the bits of a whole pass; another backend's cache is refused. */
static void test_decode(void **state) {
  const input *in = *state;
  size_t values = ROWS * in->model->config.quantiles * STEPS;
  double *whole = malloc(values * sizeof *whole);
  c2_error err = {.code = C2_OK};
  c2_kv_cache *cache = NULL;
  assert_non_null(whole);
  c2_engine engine = open_engine(in, &c2_cpu_backend, CHRONOS2_WINDOWED_FUTURE_GLOBAL, 2);
  assert_int_equal(c2_forward(&engine, &in->batch, &in->result, &err), C2_OK);
  memcpy(whole, in->quantiles, values * sizeof *whole);
  memset(in->quantiles, 0, values * sizeof *whole);
  assert_int_equal(c2_prefill(&engine, &in->batch, &cache, &err), C2_OK);
  assert_true(cache->backend == &c2_cpu_backend && cache->bytes > 0);
  assert_int_equal(c2_decode(&engine, &in->batch, cache, &in->result, &err), C2_OK);
  assert_memory_equal(whole, in->quantiles, values * sizeof *whole);
  c2_kv_cache other = {.backend = &c2_reference_backend};
  assert_int_equal(c2_decode(&engine, &in->batch, &other, &in->result, &err), C2_ERR_ARGUMENT);
  c2_kv_cache_free(&cache);
  c2_engine_close(&engine);
  free(whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_plans),
                                     cmocka_unit_test(test_far_slots),
                                     cmocka_unit_test(test_lacks), cmocka_unit_test(test_decode)};
  return cmocka_run_group_tests(tests, open_input, close_input);
}
