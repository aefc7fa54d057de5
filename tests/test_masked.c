/* Embeddings of passes with masked tokens, padding and patches without an observation: the fused backend beside the
 * reference under every pattern, the same bits by any number of threads, and what an observer is told. */
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

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { SERIES = 5, LENGTH = 260, MOST_TOKENS = 64 };

typedef struct fixture {
  chronos2_model *model;
  const chronos2_config *config;
  double values[3 * LENGTH * SERIES];
  chronos2_series series[SERIES];
} fixture;

/* Steps that a target of a series lacks. */
static bool missing(size_t series, size_t target, size_t step) {
  if (series == 0 && target == 0) return step >= 60 && step < 170;  /* longer than a window */
  if (series == 0 && target == 1) return step >= 100 && step < 230; /* no target has the patches in between */
  if (series == 2) return step < 90 || (step >= 130 && step < 150);
  return series == 4 && step < 30;
}

/* A group of three with gaps, a short series, one that begins late, an empty one, a short group. */
static int open_fixture(void **state) {
  static fixture f;
  static const size_t lengths[SERIES] = {LENGTH, 45, LENGTH, 0, 70};
  static const size_t targets[SERIES] = {3, 1, 1, 1, 2};
  uint32_t seed = 5;
  if (chronos2_model_open(MODEL, NULL, &f.model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  f.config = chronos2_model_config(f.model);
  double *next = f.values;
  for (size_t s = 0; s < SERIES; s++) {
    f.series[s] = (chronos2_series){.length = lengths[s], .targets = targets[s], .target = next};
    for (size_t i = 0; i < targets[s] * lengths[s]; i++) {
      double noise = random_unit(&seed);
      *next++ = missing(s, i / lengths[s], i % lengths[s]) ? NAN : sin(0.3 * (double)i) + noise;
    }
  }
  *state = &f;
  return 0;
}

static int close_fixture(void **state) {
  fixture *f = *state;
  chronos2_model_close(&f->model);
  return 0;
}

typedef struct setting {
  chronos2_attention attention;
  double radius;
  bool reg_global, blind;
} setting;

static chronos2_session *open_session(const fixture *f, const setting *s, chronos2_backend backend, int threads) {
  chronos2_session *session = NULL;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT,
                                      .device = test_device(backend), .attention = s->attention, .radius = s->radius,
                                      .reg_global = s->reg_global, .backend = backend, .threads = threads};
  if (chronos2_session_open(f->model, &options, &session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  chronos2_head heads[] = {{0, 1}, {f->config->layers - 1, 0}};
  if (s->blind) assert_int_equal(chronos2_session_set_blind_heads(session, heads, 2), CHRONOS2_OK);
  return session;
}

static chronos2_embedding *embed(const fixture *f, const setting *s, chronos2_backend backend, int threads) {
  chronos2_embedding *e = NULL;
  chronos2_session *session = open_session(f, s, backend, threads);
  if (chronos2_embed(session, f->series, SERIES, NULL, &e) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  chronos2_session_close(&session);
  return e;
}

static size_t values_of(const fixture *f, const chronos2_embedding *e, size_t series) {
  return f->series[series].targets * chronos2_embedding_tokens(e, series) * f->config->d_model;
}

static void compare(const fixture *f, const chronos2_embedding *found, const chronos2_embedding *expected,
                    const setting *s) {
  for (size_t i = 0; i < SERIES; i++) {
    assert_int_equal(chronos2_embedding_tokens(found, i), chronos2_embedding_tokens(expected, i));
    const float *a = chronos2_embedding_values(found, i);
    const float *b = chronos2_embedding_values(expected, i);
    size_t d = f->config->d_model;
    for (size_t k = 0; k < values_of(f, found, i); k++) {
      if (!(fabsf(a[k] - b[k]) <= 1e-3f)) {
        fail_msg("pattern %d, radius %g: series %zu, token %zu: %g, expected %g", (int)s->attention, s->radius, i,
                 k / d, (double)a[k], (double)b[k]);
      }
    }
    for (size_t t = 0; t < f->series[i].targets; t++) {
      double at[2][2];
      assert_int_equal(chronos2_embedding_scale(found, i, t, &at[0][0], &at[0][1]), CHRONOS2_OK);
      assert_int_equal(chronos2_embedding_scale(expected, i, t, &at[1][0], &at[1][1]), CHRONOS2_OK);
      for (size_t k = 0; k < 2; k++) {
        if (memcmp(&at[0][k], &at[1][k], sizeof at[0][k]) == 0) continue;
        assert_true(fabs(at[0][k] - at[1][k]) <= test_tolerance(0, 1e-12) * (1 + fabs(at[1][k])));
      }
    }
  }
}

static const setting settings[] = {{CHRONOS2_FULL, 0, false, false},
                                   {CHRONOS2_FULL, 0, false, true},
                                   {CHRONOS2_WINDOWED_FUTURE_GLOBAL, 1, false, false},
                                   {CHRONOS2_WINDOWED_FUTURE_GLOBAL, 0, true, false},
                                   {CHRONOS2_WINDOWED_FUTURE_GLOBAL, (double)INFINITY, false, false},
                                   {CHRONOS2_WINDOWED_FUTURE_VISIBLE, 2, false, true},
                                   {CHRONOS2_WINDOWED_FUTURE_NULL, 1, true, false}};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void test_reference(void **state) {
  const fixture *f = *state;
  for (size_t i = 0; i < SETTINGS; i++) {
    chronos2_embedding *fused = embed(f, &settings[i], CHRONOS2_FUSED, 2);
    chronos2_embedding *reference = embed(f, &settings[i], CHRONOS2_REFERENCE, 1);
    compare(f, fused, reference, &settings[i]);
    chronos2_embedding_free(&fused);
    chronos2_embedding_free(&reference);
  }
}

static void test_threads(void **state) {
  const fixture *f = *state;
  for (size_t i = 0; i < SETTINGS; i++) {
    chronos2_embedding *one = embed(f, &settings[i], CHRONOS2_FUSED, 1);
    for (int threads = 2; threads <= 7; threads += 5) {
      chronos2_embedding *many = embed(f, &settings[i], CHRONOS2_FUSED, threads);
      for (size_t s = 0; s < SERIES; s++) {
        assert_memory_equal(chronos2_embedding_values(many, s), chronos2_embedding_values(one, s),
                            values_of(f, one, s) * sizeof(float));
      }
      chronos2_embedding_free(&many);
    }
    chronos2_embedding_free(&one);
  }
}

/* ---- Observed --------------------------------------------------------------------------------- */

typedef struct observed {
  float *weights; /* by layer, head, series, row, query: [MOST_TOKENS] */
  size_t rows, masked;
  const chronos2_config *config;
} observed;

static void observe(void *user, const chronos2_attention_row *row) {
  observed *o = user;
  size_t at = row->layer * o->config->heads + row->head;
  at = ((at * SERIES + row->series) * 3 + row->row) * MOST_TOKENS + row->query;
  assert_true(row->tokens <= MOST_TOKENS);
  double sum = 0;
  for (size_t i = 0; i < row->tokens; i++) sum += (double)row->weights[i];
  assert_true(fabs(sum - 1) < 1e-4);
  memcpy(o->weights + at * MOST_TOKENS, row->weights, row->tokens * sizeof(float));
  __atomic_fetch_add(&o->rows, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add(&o->masked, row->masked, __ATOMIC_RELAXED);
}

static observed watch(const fixture *f, const setting *s, chronos2_backend backend, size_t values) {
  observed o = {.weights = calloc(values, sizeof(float)), .config = f->config};
  chronos2_embedding *e = NULL;
  assert_non_null(o.weights);
  chronos2_session *session = open_session(f, s, backend, 2);
  chronos2_session_on_attention(session, observe, &o);
  assert_int_equal(chronos2_embed(session, f->series, SERIES, NULL, &e), CHRONOS2_OK);
  chronos2_embedding_free(&e);
  chronos2_session_close(&session);
  return o;
}

static void test_observed(void **state) {
  const fixture *f = *state;
  size_t values = f->config->layers * f->config->heads * SERIES * 3 * MOST_TOKENS * MOST_TOKENS;
  for (size_t i = 0; i < SETTINGS; i++) {
    observed fused = watch(f, &settings[i], CHRONOS2_FUSED, values);
    observed reference = watch(f, &settings[i], CHRONOS2_REFERENCE, values);
    assert_true(fused.masked > 0);
    assert_int_equal(fused.rows, reference.rows);
    assert_int_equal(fused.masked, reference.masked);
    for (size_t k = 0; k < values; k++) {
      if (!(fabsf(fused.weights[k] - reference.weights[k]) <= 1e-3f)) {
        fail_msg("setting %zu: weight %zu: %g, expected %g", i, k, (double)fused.weights[k],
                 (double)reference.weights[k]);
      }
    }
    free(fused.weights);
    free(reference.weights);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_threads),
                                     cmocka_unit_test(test_observed)};
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
