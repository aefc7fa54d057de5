/* chronos2_predict_bytes: no request takes more than it says, and it doesn't say far more than is taken. */
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

#include "base/platform.h"
#include "series/categories.h"

enum { MOST_SERIES = 300, LONGEST = 700, MOST_HORIZON = 900 };

static double past[LONGEST * 2], future[MOST_HORIZON], gaps[LONGEST * 2];
static float narrow[LONGEST];
static const char *label[LONGEST], *next_label[MOST_HORIZON];

/* A request: `count` series, of lengths from `shortest` on in equal steps up to `longest`. */
typedef struct shape {
  const char *name;
  size_t count, shortest, longest, targets, covariates, horizon;
  enum { PLAIN, KNOWN, FLOATS, LABELS, GAPS } kind;
  chronos2_predict_options options;
} shape;

static chronos2_model *model;

static int open_all(void **state) {
  (void)state;
  chronos2_config config;
  for (size_t t = 0; t < 2 * LONGEST; t++) past[t] = sin(0.1 * (double)t) + (double)(t % 7);
  for (size_t t = 0; t < 2 * LONGEST; t++) gaps[t] = t / 32 % 3 ? (double)NAN : past[t];
  for (size_t t = 0; t < MOST_HORIZON; t++) future[t] = (double)(t % 5);
  for (size_t t = 0; t < LONGEST; t++) narrow[t] = (float)past[t];
  for (size_t t = 0; t < LONGEST; t++) label[t] = t % 3 ? "a" : "b";
  for (size_t t = 0; t < MOST_HORIZON; t++) next_label[t] = t % 2 ? "a" : "b";
  if (chronos2_config_named("micro", &config) != CHRONOS2_OK) return 1;
  config.layers = 1; /* small, so that it runs under sanitizers too */
  config.d_model = 48;
  config.heads = 2;
  config.d_ff = 96;
  config.max_output_patches = 4;
  return chronos2_model_random(&config, 5, NULL, &model) != CHRONOS2_OK;
}

static int close_all(void **state) {
  (void)state;
  chronos2_model_close(&model);
  return 0;
}

typedef struct request {
  chronos2_series series[MOST_SERIES];
  chronos2_covariate covariate[4];
  chronos2_column column[2];
} request;

static void fill(request *r, const shape *s) {
  memset(r, 0, sizeof *r);
  for (size_t k = 0; k < 2; k++) r->column[k] = (chronos2_column){.values = narrow, .type = CHRONOS2_FLOAT32};
  for (size_t k = 0; k < s->covariates; k++) {
    chronos2_covariate *c = &r->covariate[k];
    if (s->kind == LABELS) {
      *c = (chronos2_covariate){.name = "l", .past_text = label, .future_text = next_label};
    } else if (s->kind == FLOATS) {
      *c = (chronos2_covariate){.name = "f", .past_column = &r->column[0]};
    } else {
      *c = (chronos2_covariate){.name = "n", .past = past, .future = s->kind == KNOWN ? future : NULL};
    }
  }
  for (size_t i = 0; i < s->count; i++) {
    size_t length = s->shortest + (s->longest - s->shortest) * i / (s->count > 1 ? s->count - 1 : 1);
    r->series[i] = (chronos2_series){.length = length,
                                     .targets = s->targets,
                                     .target = s->kind == FLOATS ? NULL : s->kind == GAPS ? gaps : past,
                                     .target_column = s->kind == FLOATS ? r->column : NULL,
                                     .covariates = s->covariates,
                                     .covariate = s->covariates ? r->covariate : NULL};
  }
}

/* Runs the request; *bound is what it was said to take. Returns what it took. */
static size_t run(chronos2_session *session, const request *r, const shape *s, size_t *bound) {
  chronos2_forecast *f = NULL;
  chronos2_predict_options o = s->options;
  o.size = sizeof o;
  o.horizon = s->horizon;
  chronos2_session_reset_peak(session);
  assert_int_equal(chronos2_predict_bytes(session, r->series, s->count, &o, bound), CHRONOS2_OK);
  assert_int_equal(chronos2_session_peak_bytes(session), chronos2_model_bytes(model)); /* nothing is kept of it */
  if (chronos2_predict(session, r->series, s->count, &o, &f) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  chronos2_forecast_free(&f);
  return chronos2_session_peak_bytes(session) - chronos2_model_bytes(model);
}

static const shape shapes[] = {
    {"one", 1, 300, 300, 1, 0, 24, PLAIN, {0}},
    {"tiny", 1, 1, 1, 1, 0, 1, PLAIN, {0}},
    {"empty", 2, 0, 0, 1, 0, 5, PLAIN, {0}},
    {"many", 300, 20, 120, 1, 0, 24, PLAIN, {0}},
    {"ragged groups", 40, 1, 300, 2, 2, 30, PLAIN, {0}},
    {"known", 40, 50, 250, 1, 2, 30, KNOWN, {0}},
    {"floats", 30, 200, 300, 2, 1, 30, FLOATS, {0}},
    {"labels", 20, 50, 300, 1, 3, 40, LABELS, {0}},
    {"gaps", 30, 50, 300, 1, 1, 40, GAPS, {0}},
    {"cross learning", 50, 50, 150, 1, 0, 24, PLAIN, {.cross_learning = true}},
    {"small passes", 50, 50, 150, 1, 0, 24, PLAIN, {.batch_size = 3}},
    {"short contexts", 50, 500, 700, 1, 0, 24, PLAIN, {.context_length = 64}},
    {"rollout", 15, 20, 200, 1, 0, 200, PLAIN, {0}},
    {"rollout of one", 1, 30, 30, 1, 0, 500, PLAIN, {0}},
    {"rollout of groups", 8, 50, 200, 2, 2, 150, KNOWN, {0}},
    {"rollout of a cross", 10, 50, 100, 1, 0, 150, PLAIN, {.cross_learning = true}},
    {"rollout, short passes", 5, 100, 200, 1, 1, 200, KNOWN, {.max_output_patches = 1}},
    {"rollout, labels", 5, 100, 200, 1, 1, 200, LABELS, {0}},
    {"skips", 40, 50, 150, 1, 1, 30, KNOWN, {.on_error = CHRONOS2_ON_ERROR_SKIP}},
};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void check(const chronos2_session_options *options, double most) {
  chronos2_session *session = NULL;
  request *r = malloc(sizeof *r);
  assert_non_null(r);
  if (chronos2_session_open(model, options, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  for (size_t i = 0; i < SHAPES; i++) {
    size_t bound = 0;
    fill(r, &shapes[i]);
    size_t took = run(session, r, &shapes[i], &bound);
    double far = shapes[i].kind == GAPS ? 3 * most : most; /* what holds no observation is never computed */
    if (took > bound || (double)bound > far * (double)took + 65536) {
      fail_msg("%s, %s, %d threads: %zu bytes, said to be at most %zu",
               chronos2_attention_name(options->attention), shapes[i].name, options->threads, took, bound);
    }
  }
  chronos2_session_close(&session);
  free(r);
}

static void test_bounds(void **state) {
  (void)state;
  for (int a = CHRONOS2_FULL; a <= CHRONOS2_WINDOWED_FUTURE_NULL; a++) {
    for (int threads = 1; threads <= 3; threads += 2) {
      chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = (chronos2_attention)a,
                                          .radius = 2, .threads = threads};
      /* Groups that know their future are forecast some at a time; whether they know it depends on its values. */
      check(&options, a == CHRONOS2_WINDOWED_FUTURE_NULL ? 6 : 1.5);
    }
  }
}

/* The reference reads the weights of a packed model again, for each session. */
static void test_own_weights(void **state) {
  (void)state;
  chronos2_model *packed = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  size_t bound = 0;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .backend = CHRONOS2_REFERENCE, .threads = 1};
  chronos2_series series = {.length = 100, .targets = 1, .target = past};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 8};
  assert_int_equal(chronos2_model_open(SOURCE_DIR "/tests/golden/model-smooth/weights", NULL, &packed), CHRONOS2_OK);
  size_t weights = chronos2_model_parameters(packed) * sizeof(float);
  assert_int_equal(chronos2_session_open(packed, &options, &session), CHRONOS2_OK);
  for (int again = 0; again < 2; again++) { /* the second call finds the weights in memory */
    assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bound), CHRONOS2_OK);
    assert_int_equal(chronos2_predict(session, &series, 1, &o, &forecast), CHRONOS2_OK);
    size_t took = chronos2_session_peak_bytes(session) - chronos2_model_bytes(packed);
    if (took > bound || took < weights) fail_msg("%zu bytes, at most %zu; weights %zu", took, bound, weights);
    chronos2_forecast_free(&forecast);
  }
  chronos2_session_reset_peak(session);
  assert_int_equal(chronos2_session_peak_bytes(session), chronos2_model_bytes(packed));
  chronos2_session_close(&session);
  chronos2_model_close(&packed);
}

/* A pass that holds much beside a small workspace comes after one with a large workspace, which is still there. */
static void test_unlike_passes(void **state) {
  (void)state;
  for (size_t rolled = 0; rolled < 2; rolled++) {
    for (size_t length = 100; length <= LONGEST; length += 100) {
      chronos2_session *session = NULL;
      chronos2_forecast *forecast = NULL;
      size_t bound = 0;
      chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = CHRONOS2_WINDOWED_FUTURE_NULL,
                                          .radius = (double)INFINITY, .threads = 1};
      chronos2_covariate covariate = {.past = past, .future = future};
      chronos2_series series[2] = {
          {.length = 2 * LONGEST, .targets = 1, .target = past},
          {.length = length, .targets = 1, .target = past, .covariates = 1, .covariate = &covariate}};
      chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = rolled ? 100 : 8, .batch_size = 1};
      assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
      assert_int_equal(chronos2_predict_bytes(session, series, 2, &o, &bound), CHRONOS2_OK);
      assert_int_equal(chronos2_predict(session, series, 2, &o, &forecast), CHRONOS2_OK);
      size_t took = chronos2_session_peak_bytes(session) - chronos2_model_bytes(model);
      if (took > bound) fail_msg("%zu steps: %zu bytes, said to be at most %zu", length, took, bound);
      chronos2_forecast_free(&forecast);
      chronos2_session_close(&session);
    }
  }
}

/* Labels take memory by how many differ, not by how many steps have one. */
static void test_labels(void **state) {
  (void)state;
  enum { STEPS = 2 << 20, SLACK = 24 << 20 };
  static float values[STEPS];
  static const char *texts[STEPS];
  static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  for (size_t t = 0; t < STEPS; t++) texts[t] = names[t % 7];
  for (size_t t = 0; t < STEPS; t++) values[t] = (float)(t % 5);
  for (size_t targets = 1; targets <= 2; targets++) {
    c2_encoded encoded;
    chronos2_column column[2] = {{.values = values, .type = CHRONOS2_FLOAT32},
                                 {.values = values, .type = CHRONOS2_FLOAT32}};
    chronos2_covariate covariate = {.name = "day", .past_text = texts};
    chronos2_series series = {
        .length = STEPS, .targets = targets, .target_column = column, .covariates = 1, .covariate = &covariate};
    c2_reset_peak_resident();
    size_t before = c2_peak_resident_bytes();
    assert_int_equal(c2_encode_categories(&series, 1, 8, &encoded, NULL), C2_OK);
    size_t took = c2_peak_resident_bytes() - before;
    if (took > encoded.bytes + SLACK) fail_msg("%zu bytes, of which %zu are counted", took, encoded.bytes);
    c2_encoded_free(&encoded);
  }
}

/* As many labels as steps, in no order: each has its rank or its mean, the missing one comes last. */
static void test_many_labels(void **state) {
  (void)state;
  enum { STEPS = 5003, ROOM = 8 };
  static char name[STEPS][ROOM];
  static double target[2 * STEPS];
  const char *texts[STEPS];
  for (size_t t = 0; t < STEPS; t++) {
    size_t rank = t * 1009 % STEPS;
    (void)snprintf(name[t], ROOM, "%05zu", rank);
    texts[t] = rank + 1 < STEPS ? name[t] : NULL;
    target[t] = target[STEPS + t] = (double)rank;
  }
  for (size_t targets = 1; targets <= 2; targets++) {
    c2_encoded encoded;
    const double mean = (double)(STEPS - 1) / 2;
    chronos2_covariate covariate = {.name = "k", .past_text = texts};
    chronos2_series series = {
        .length = STEPS, .targets = targets, .target = target, .covariates = 1, .covariate = &covariate};
    assert_int_equal(c2_encode_categories(&series, 1, 8, &encoded, NULL), C2_OK);
    for (size_t t = 0; t < STEPS; t++) {
      double expected = targets == 1 ? (double)(float)((mean + target[t]) / 2) : target[t];
      if (encoded.values[t] != expected) fail_msg("step %zu: %.9g, not %.9g", t, encoded.values[t], expected);
    }
    c2_encoded_free(&encoded);
  }
}

/* The reference backend, on what it can do in a moment. */
static void test_reference(void **state) {
  (void)state;
  static const shape few[] = {{"few", 3, 20, 60, 1, 1, 20, KNOWN, {0}}, {"rolled", 1, 20, 20, 1, 0, 80, PLAIN, {0}}};
  request *r = malloc(sizeof *r);
  assert_non_null(r);
  for (int a = CHRONOS2_FULL; a <= CHRONOS2_WINDOWED_FUTURE_NULL; a++) {
    chronos2_session *session = NULL;
    chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = (chronos2_attention)a, .radius = 2,
                                        .backend = CHRONOS2_REFERENCE, .threads = 1};
    assert_int_equal(chronos2_session_open(model, &options, &session), CHRONOS2_OK);
    for (size_t i = 0; i < 2; i++) {
      size_t bound = 0;
      fill(r, &few[i]);
      size_t took = run(session, r, &few[i], &bound);
      assert_true(took <= bound && bound < took * 3 / 2 + 65536);
    }
    chronos2_session_close(&session);
  }
  free(r);
}

/* Shapes alone: no array is read, covariates need not be described, and what can't be is refused. */
static void test_shapes(void **state) {
  (void)state;
  chronos2_session *session = NULL;
  size_t plain = 0;
  size_t any = 0;
  size_t bytes = 7;
  chronos2_series series = {.length = 500, .targets = 1, .target = (const double *)(uintptr_t)8, .covariates = 2};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 24};
  chronos2_covariate covariates[2] = {{.past = (const double *)(uintptr_t)8}, {.past = (const double *)(uintptr_t)8}};
  assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &any), CHRONOS2_OK);
  series.covariate = covariates;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &plain), CHRONOS2_OK);
  assert_true(any == plain + 2 * (500 + 24) * sizeof(double));
  assert_int_equal(chronos2_predict_bytes(session, NULL, 0, &o, &bytes), CHRONOS2_OK);
  assert_int_equal(bytes, 0);
  series.length = SIZE_MAX / 16;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes), CHRONOS2_OK); /* cut to the model's */
  series.targets = 17; /* more values than can be counted */
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes), CHRONOS2_ERROR_ARGUMENT);
  series.targets = 1;
  o.extend_context = true;
  o.context_length = SIZE_MAX;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes), CHRONOS2_ERROR_MEMORY);
  o.horizon = 0;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes), CHRONOS2_ERROR_ARGUMENT);
  o.horizon = 24;
  series.targets = 0;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_predict_bytes(NULL, &series, 1, &o, &bytes), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_predict_bytes(session, NULL, 1, &o, &bytes), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, NULL, &bytes), CHRONOS2_ERROR_ARGUMENT);
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, NULL), CHRONOS2_ERROR_ARGUMENT);
  chronos2_session_close(&session);
}

/* Of columns the struct is read and no value: what has to be copied counts whether or not its values are there yet. */
static void test_columns(void **state) {
  (void)state;
  enum { STEPS = 500, FUTURE = 24 };
  chronos2_session *session = NULL;
  chronos2_column plain = {.values = NULL};
  chronos2_column strided = {.values = NULL, .stride = 2};
  chronos2_covariate array = {.past = past, .future = future};
  chronos2_covariate columns = {.past_column = &strided, .future_column = &strided};
  chronos2_series series = {
      .length = STEPS, .targets = 1, .target_column = &plain, .covariates = 1, .covariate = &array};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = FUTURE};
  size_t bytes[4];
  assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes[0]), CHRONOS2_OK);
  series.target_column = &strided;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes[1]), CHRONOS2_OK);
  assert_true(bytes[1] == bytes[0] + STEPS * sizeof(double));
  series.covariate = &columns;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes[2]), CHRONOS2_OK);
  assert_true(bytes[2] == bytes[1] + (STEPS + FUTURE) * sizeof(double));
  strided.values = &past;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes[3]), CHRONOS2_OK);
  assert_true(bytes[3] == bytes[2]);
  plain.type = (chronos2_type)9;
  series.target_column = &plain;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes[3]), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), "series 0: target: unknown type 9");
  series.target_column = &strided;
  columns.future_column = &plain;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes[3]), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), "series 0: covariate: unknown type 9");
  columns.future_column = &strided;
  series.target = past;
  assert_int_equal(chronos2_predict_bytes(session, &series, 1, &o, &bytes[3]), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), "series 0: expected an array of targets or columns, not both");
  chronos2_session_close(&session);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounds), cmocka_unit_test(test_unlike_passes),
                                     cmocka_unit_test(test_labels), cmocka_unit_test(test_many_labels),
                                     cmocka_unit_test(test_reference), cmocka_unit_test(test_own_weights),
                                     cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_columns)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}
