/* Heads that are blind to the future: fused against reference, none of them against a session that never heard of them,
 * all of them against windowed_future_global, and what an observer sees of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "random.h"
#include "small.h"

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { ROWS = 3, LENGTH = 150, PATCHES = 2, MOST = 128 };

typedef struct input {
  chronos2_batch batch;
  float context[ROWS * LENGTH], future[ROWS * PATCHES * 64];
  int64_t groups[ROWS];
} input;

/* A row on its own, and a target with a covariate whose future is known; one is shorter and has gaps. */
static void fill(input *in, const chronos2_config *c) {
  uint32_t seed = 9;
  size_t future = PATCHES * c->patch;
  for (size_t i = 0; i < ROWS * LENGTH; i++) {
    float noise = (float)random_unit(&seed);
    bool missing = i % LENGTH < 40 && i / LENGTH == 1;
    in->context[i] = missing ? NAN : (float)sin(0.3 * (double)i) + noise;
  }
  for (size_t i = 0; i < ROWS * future; i++) in->future[i] = i / future == 2 ? (float)cos(0.5 * (double)i) : NAN;
  memcpy(in->groups, (int64_t[ROWS]){7, 4, 4}, sizeof in->groups);
  in->batch = (chronos2_batch){.rows = ROWS,
                               .length = LENGTH,
                               .context = in->context,
                               .group_ids = in->groups,
                               .future_length = future,
                               .future_covariates = in->future,
                               .output_patches = PATCHES};
}

typedef struct fixture {
  chronos2_model *model;
  const chronos2_config *config;
  input in;
  size_t outputs;
  chronos2_head all[MOST];
  size_t heads;
} fixture;

static int open_fixture(void **state) {
  static fixture f;
  if (chronos2_model_open(MODEL, NULL, &f.model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  f.config = chronos2_model_config(f.model);
  fill(&f.in, f.config);
  f.outputs = ROWS * f.config->quantiles * f.config->patch * PATCHES;
  f.heads = f.config->layers * f.config->heads;
  assert_true(f.config->layers >= 2 && f.config->heads >= 2 && f.heads <= MOST);
  for (size_t i = 0; i < f.heads; i++) f.all[i] = (chronos2_head){i / f.config->heads, i % f.config->heads};
  *state = &f;
  return 0;
}

static int close_fixture(void **state) {
  fixture *f = *state;
  chronos2_model_close(&f->model);
  return 0;
}

static chronos2_session *open_session(const fixture *f, chronos2_attention attention, double radius,
                                      chronos2_backend backend) {
  chronos2_session *session = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT,
                                      .device = test_device(backend), .attention = attention, .radius = radius,
                                      .backend = backend, .threads = 2};
  if (chronos2_session_open(f->model, &options, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return session;
}

/* Quantiles [outputs]; free() them. */
static float *forward(const fixture *f, chronos2_session *session, const chronos2_head *heads, size_t count) {
  float *out = malloc(f->outputs * sizeof *out);
  assert_non_null(out);
  assert_int_equal(chronos2_session_set_blind_heads(session, heads, count), CHRONOS2_OK);
  chronos2_status status = chronos2_forward(session, &f->in.batch, out, NULL, NULL, NULL);
  if (status != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  return out;
}

static double distance(const fixture *f, const float *a, const float *b) {
  double most = 0;
  for (size_t i = 0; i < f->outputs; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
  return most;
}

/* Every how many patterns are taken: an emulated device under sanitizers is slow. */
static size_t pattern_step(void) {
  return getenv("CHRONOS2_TEST_DEVICE") && small_leaves_out("global and visible futures") ? 3 : 1;
}

static const chronos2_attention patterns[] = {CHRONOS2_FULL, CHRONOS2_WINDOWED_FUTURE_GLOBAL,
                                              CHRONOS2_WINDOWED_FUTURE_VISIBLE, CHRONOS2_WINDOWED_FUTURE_NULL};

/* Each head alone, under every pattern: the backends agree, and the head makes a difference where its context saw the
 * future. The last layer's doesn't: nothing reads its context. */
static void test_backends(void **state) {
  const fixture *f = *state;
  size_t step = small_leaves_out("the heads between the first and the last") ? f->heads - 1 : 1;
  size_t next = pattern_step();
  for (size_t k = 0; k < 4; k += next) {
    chronos2_session *fused = open_session(f, patterns[k], 3, CHRONOS2_FUSED);
    chronos2_session *reference = open_session(f, patterns[k], 3, CHRONOS2_REFERENCE);
    float *seeing = forward(f, fused, NULL, 0);
    for (size_t i = 0; i < f->heads; i += step) {
      float *a = forward(f, fused, &f->all[i], 1);
      float *b = forward(f, reference, &f->all[i], 1);
      assert_true(distance(f, a, b) < test_tolerance(1e-4, 2e-3));
      bool matters = patterns[k] != CHRONOS2_WINDOWED_FUTURE_GLOBAL && f->all[i].layer + 1 < f->config->layers;
      assert_int_equal(distance(f, a, seeing) > 0, matters);
      free(a);
      free(b);
    }
    free(seeing);
    chronos2_session_close(&fused);
    chronos2_session_close(&reference);
  }
}

/* All heads blind is windowed_future_global, bit for bit; on a GPU products over other numbers of rows may differ in
 * their last bits. None after all is as before any. */
static void test_all_and_none(void **state) {
  const fixture *f = *state;
  size_t next = pattern_step();
  for (size_t k = 0; k < 4; k += next) {
    double radius = k == 0 ? (double)INFINITY : 3;
    for (int backend = CHRONOS2_FUSED; backend <= CHRONOS2_REFERENCE; backend++) {
      chronos2_session *global =
          open_session(f, CHRONOS2_WINDOWED_FUTURE_GLOBAL, radius, (chronos2_backend)backend);
      chronos2_session *session = open_session(f, patterns[k], k == 0 ? 0 : radius, (chronos2_backend)backend);
      float *expected = forward(f, global, NULL, 0);
      float *before = forward(f, session, NULL, 0);
      float *blind = forward(f, session, f->all, f->heads);
      float *after = forward(f, session, NULL, 0);
      assert_true(distance(f, blind, expected) <= test_tolerance(0, 2e-3));
      assert_memory_equal(after, before, f->outputs * sizeof *after);
      free(expected);
      free(before);
      free(blind);
      free(after);
      chronos2_session_close(&global);
      chronos2_session_close(&session);
    }
  }
}

/* ---- Observed -------------------------------------------------------------------------------- */

typedef struct seen {
  double future[MOST]; /* by layer and head: what its context queries put on the future */
  size_t heads;
} seen;

static void add_future(void *user, const chronos2_attention_row *row) {
  seen *s = user;
  if (row->query >= row->context) return;
  double *sum = &s->future[row->layer * s->heads + row->head];
  for (size_t k = row->context; k < row->tokens; k++) *sum += (double)row->weights[k];
}

static void test_observed(void **state) {
  const fixture *f = *state;
  size_t blind = f->config->heads + 1; /* the second head of the second layer */
  for (int backend = CHRONOS2_FUSED; backend <= CHRONOS2_REFERENCE; backend++) {
    seen s = {.heads = f->config->heads};
    chronos2_session *session = open_session(f, CHRONOS2_FULL, 0, (chronos2_backend)backend);
    chronos2_session_on_attention(session, add_future, &s);
    free(forward(f, session, &f->all[blind], 1));
    for (size_t i = 0; i < f->heads; i++) assert_int_equal(s.future[i] > 0, i != blind);
    chronos2_session_close(&session);
  }
}

/* A context forecasts with the blind heads of its encoding, whatever the session has since, rolled out too. */
static void test_contexts(void **state) {
  const fixture *f = *state;
  enum { STEPS = 100, HORIZON = 24 };
  double target[STEPS];
  double plan[STEPS];
  for (size_t t = 0; t < STEPS; t++) {
    target[t] = sin(0.7 * (double)t) + (double)(t % 5);
    plan[t] = (double)(t % 3);
  }
  chronos2_covariate covariate = {.past = plan, .future = plan};
  chronos2_series series = {
      .length = STEPS, .targets = 1, .target = target, .covariates = 1, .covariate = &covariate};
  chronos2_predict_options options = {
      CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .max_output_patches = 1};
  assert_true(HORIZON > f->config->patch);
  chronos2_session *session = open_session(f, CHRONOS2_WINDOWED_FUTURE_NULL, 3, CHRONOS2_FUSED);
  size_t bytes = f->config->quantiles * HORIZON * sizeof(double);
  for (size_t blind = 0; blind < 2; blind++) { /* heads blind when encoding, and afterwards the other way round */
    chronos2_context *context = NULL;
    chronos2_forecast *expected = NULL;
    chronos2_forecast *other = NULL;
    chronos2_forecast *forecast = NULL;
    assert_int_equal(chronos2_session_set_blind_heads(session, f->all, blind), CHRONOS2_OK);
    assert_int_equal(chronos2_context_open(session, &series, 1, &options, &context), CHRONOS2_OK);
    assert_int_equal(chronos2_predict(session, &series, 1, &options, &expected), CHRONOS2_OK);
    assert_int_equal(chronos2_session_set_blind_heads(session, f->all, 1 - blind), CHRONOS2_OK);
    assert_int_equal(chronos2_context_predict(session, context, &series, 1, &options, &forecast), CHRONOS2_OK);
    assert_memory_equal(chronos2_forecast_quantiles(forecast, 0, 0), chronos2_forecast_quantiles(expected, 0, 0),
                        bytes);
    chronos2_forecast_free(&forecast);
    assert_int_equal(chronos2_predict(session, &series, 1, &options, &other), CHRONOS2_OK);
    assert_memory_not_equal(chronos2_forecast_quantiles(other, 0, 0), chronos2_forecast_quantiles(expected, 0, 0),
                            bytes); /* the session has its own heads again */
    chronos2_forecast_free(&other);
    chronos2_forecast_free(&expected);
    chronos2_context_close(&context);
  }
  chronos2_session_close(&session);
}

/* A blind head below the last layer saves what its context queries did with the future. */
static void test_work(void **state) {
  const fixture *f = *state;
  const chronos2_head heads[] = {{0, 1}, {f->config->layers - 1, 0}};
  chronos2_session *session = open_session(f, CHRONOS2_FULL, 0, CHRONOS2_FUSED);
  chronos2_work work[2];
  for (size_t i = 0; i < 2; i++) {
    chronos2_session_reset_work(session);
    free(forward(f, session, heads, i ? 2 : 0));
    work[i] = chronos2_session_work(session);
  }
  size_t context = 0;
  for (size_t r = 0; r < ROWS; r++) {
    size_t length = r == 1 ? LENGTH - 40 : LENGTH; /* the gap ends within a patch, which stays */
    context += (length + f->config->patch - 1) / f->config->patch + 1;
  }
  assert_true(work[0].time_attention - work[1].time_attention ==
              (double)(context * PATCHES) * 4 * (double)f->config->d_kv);
  assert_true(work[0].time_projection == work[1].time_projection);
  chronos2_session_close(&session);
}

static void test_refusals(void **state) {
  const fixture *f = *state;
  chronos2_session *session = open_session(f, CHRONOS2_FULL, 0, CHRONOS2_FUSED);
  float *one = forward(f, session, &f->all[1], 1);
  const chronos2_head wrong[] = {{0, 0}, {f->config->layers, 0}, {0, f->config->heads}};
  char text[128];
  (void)snprintf(text, sizeof text, "a layer below %zu and a head below %zu, found %zu:0", f->config->layers,
                 f->config->heads, f->config->layers);
  assert_int_equal(chronos2_session_set_blind_heads(session, wrong, 2), CHRONOS2_ERROR_ARGUMENT);
  assert_non_null(strstr(chronos2_last_error(), text));
  assert_int_equal(chronos2_session_set_blind_heads(session, &wrong[2], 1), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_session_set_blind_heads(session, NULL, 1), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_session_set_blind_heads(NULL, NULL, 0), CHRONOS2_ERROR_ARGUMENT);
  float *again = malloc(f->outputs * sizeof *again); /* what was set before stays */
  assert_int_equal(chronos2_forward(session, &f->in.batch, again, NULL, NULL, NULL), CHRONOS2_OK);
  assert_memory_equal(again, one, f->outputs * sizeof *again);
  free(one);
  free(again);
  chronos2_session_close(&session);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_backends), cmocka_unit_test(test_all_and_none),
                                     cmocka_unit_test(test_observed), cmocka_unit_test(test_contexts),
                                     cmocka_unit_test(test_work),
                                     cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
