/* Programs and libraries of different age: sized options, reserved fields, versions; and names of everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MODEL SOURCE_DIR "/tests/golden/model-odd/weights"

enum { LENGTH = 50, HORIZON = 7 };

static chronos2_model *model;
static chronos2_session *session;
static double values[LENGTH];

static int open_all(void **state) {
  (void)state;
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1};
  for (size_t t = 0; t < LENGTH; t++) values[t] = sin(0.3 * (double)t);
  return chronos2_model_open(MODEL, NULL, &model) != CHRONOS2_OK ||
         chronos2_session_open(model, &options, &session) != CHRONOS2_OK;
}

static int close_all(void **state) {
  (void)state;
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return 0;
}

static void expect(chronos2_status found, chronos2_status expected, const char *says) {
  if (found != expected) fail_msg("status %d, expected %d: %s", (int)found, (int)expected, chronos2_last_error());
  if (!strstr(chronos2_last_error(), says)) fail_msg("'%s' doesn't say '%s'", chronos2_last_error(), says);
}

/* ---- Options of another size ------------------------------------------------------------------ */

/* The options as an older and as a newer header may have them. */
typedef struct older {
  size_t size, horizon;
} older;

typedef struct newer {
  chronos2_predict_options known;
  size_t more[3];
} newer;

static chronos2_status predict(const void *options, chronos2_forecast **forecast) {
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  return chronos2_predict(session, &series, 1, options, forecast);
}

static void test_other_sizes(void **state) {
  (void)state;
  chronos2_forecast *f[3] = {NULL, NULL, NULL};
  chronos2_predict_options today = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  older old = {sizeof old, HORIZON};
  newer new = {.known = {.size = sizeof new, .horizon = HORIZON}};
  expect(predict(&today, &f[0]), CHRONOS2_OK, "");
  expect(predict(&old, &f[1]), CHRONOS2_OK, "");
  expect(predict(&new, &f[2]), CHRONOS2_OK, "");
  size_t bytes = chronos2_model_config(model)->quantiles * HORIZON * sizeof(double);
  for (size_t i = 1; i < 3; i++) {
    assert_memory_equal(chronos2_forecast_quantiles(f[0], 0, 0), chronos2_forecast_quantiles(f[i], 0, 0), bytes);
  }
  for (size_t i = 0; i < 3; i++) chronos2_forecast_free(&f[i]);
  new.more[2] = 1;
  expect(predict(&new, &f[0]), CHRONOS2_ERROR_UNSUPPORTED, "what lies beyond is not 0");
  assert_null(f[0]);
  older tight[2] = {{sizeof old, HORIZON}, {SIZE_MAX, SIZE_MAX}}; /* nothing behind the size may be read */
  expect(predict(&tight[0], &f[0]), CHRONOS2_OK, "");
  chronos2_forecast_free(&f[0]);
}

static void test_no_size(void **state) {
  (void)state;
  const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 1000000, SIZE_MAX};
  chronos2_model *m = NULL;
  chronos2_session *s = NULL;
  chronos2_forecast *f = NULL;
  chronos2_embedding *e = NULL;
  chronos2_context *x = NULL;
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    chronos2_predict_options o = {.size = sizes[i], .horizon = HORIZON};
    chronos2_model_options mo = {.size = sizes[i]};
    chronos2_session_options so = {.size = sizes[i]};
    expect(predict(&o, &f), CHRONOS2_ERROR_ARGUMENT, "CHRONOS2_PREDICT_OPTIONS_INIT");
    expect(chronos2_embed(session, &series, 1, &o, &e), CHRONOS2_ERROR_ARGUMENT, "CHRONOS2_PREDICT_OPTIONS_INIT");
    expect(chronos2_context_open(session, &series, 1, &o, &x), CHRONOS2_ERROR_ARGUMENT,
           "CHRONOS2_PREDICT_OPTIONS_INIT");
    expect(chronos2_model_open(MODEL, &mo, &m), CHRONOS2_ERROR_ARGUMENT, "CHRONOS2_MODEL_OPTIONS_INIT");
    expect(chronos2_model_random(chronos2_model_config(model), 1, &mo, &m), CHRONOS2_ERROR_ARGUMENT,
           "CHRONOS2_MODEL_OPTIONS_INIT");
    expect(chronos2_session_open(model, &so, &s), CHRONOS2_ERROR_ARGUMENT, "CHRONOS2_SESSION_OPTIONS_INIT");
  }
}

/* A struct of options that only has its size: all else is default. */
static void test_only_size(void **state) {
  (void)state;
  const size_t size = sizeof size;
  chronos2_session *s = NULL;
  expect(chronos2_session_open(model, (const void *)&size, &s), CHRONOS2_OK, "");
  assert_true(chronos2_session_pattern(s).attention == CHRONOS2_FULL);
  chronos2_session_close(&s);
}

/* The function writes what the initialiser does, and nothing behind the struct. */
#define CHECK_INIT(kind, initialiser)                            \
  do {                                                           \
    chronos2_##kind##_options expected = {initialiser};          \
    chronos2_##kind##_options o[2];                              \
    unsigned char behind[sizeof expected];                       \
    memset(behind, 1, sizeof behind);                            \
    memset(o, 1, sizeof o);                                      \
    chronos2_##kind##_options_init(&o[0]);                       \
    assert_memory_equal(&o[0], &expected, sizeof expected);      \
    assert_memory_equal(&o[1], behind, sizeof behind);           \
    chronos2_##kind##_options_init(NULL);                        \
  } while (0)

static void test_init(void **state) {
  (void)state;
  CHECK_INIT(model, CHRONOS2_MODEL_OPTIONS_INIT);
  CHECK_INIT(session, CHRONOS2_SESSION_OPTIONS_INIT);
  CHECK_INIT(predict, CHRONOS2_PREDICT_OPTIONS_INIT);
  CHECK_INIT(stream, CHRONOS2_STREAM_OPTIONS_INIT);
}

static void test_reserved(void **state) {
  (void)state;
  chronos2_model *m = NULL;
  chronos2_session *s = NULL;
  chronos2_forecast *f = NULL;
  chronos2_model_options mo = {CHRONOS2_MODEL_OPTIONS_INIT, .reserved = {[6] = true}};
  chronos2_session_options so = {CHRONOS2_SESSION_OPTIONS_INIT, .reserved = {[1] = true}};
  chronos2_predict_options o = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  expect(chronos2_model_open(MODEL, &mo, &m), CHRONOS2_ERROR_UNSUPPORTED, "reserved");
  expect(chronos2_session_open(model, &so, &s), CHRONOS2_ERROR_UNSUPPORTED, "reserved");
  chronos2_column column = {.values = values};
  chronos2_covariate covariate = {.name = "c", .past_column = &column};
  chronos2_series series = {
      .length = LENGTH, .targets = 1, .target_column = &column, .covariates = 1, .covariate = &covariate};
  expect(chronos2_predict(session, &series, 1, &o, &f), CHRONOS2_OK, "");
  chronos2_forecast_free(&f);
  series.reserved[1] = values;
  expect(chronos2_predict(session, &series, 1, &o, &f), CHRONOS2_ERROR_UNSUPPORTED, "series 0: expected reserved");
  series.reserved[1] = NULL;
  covariate.reserved[0] = values;
  expect(chronos2_predict(session, &series, 1, &o, &f), CHRONOS2_ERROR_UNSUPPORTED, "c: expected reserved");
  covariate.reserved[0] = NULL;
  column.reserved[2] = 1;
  expect(chronos2_predict(session, &series, 1, &o, &f), CHRONOS2_ERROR_UNSUPPORTED, "target: expected reserved");
}

/* Fields lie where a program that was built today expects them for ever. */
static void test_layout(void **state) {
  (void)state;
  assert_int_equal(chronos2_abi_version(), CHRONOS2_ABI_VERSION);
  assert_int_equal(CHRONOS2_ABI_VERSION, 1);
  if (sizeof(size_t) != 8) return; /* the numbers below are those of 64 bits */
  assert_int_equal(sizeof(chronos2_model_options), 48);
  assert_int_equal(sizeof(chronos2_session_options), 48);
  assert_int_equal(offsetof(chronos2_session_options, device), 40);
  assert_int_equal(sizeof(chronos2_predict_options), 64);
  assert_int_equal(offsetof(chronos2_predict_options, limit_prediction_length) + 1, 64);
  assert_int_equal(sizeof(chronos2_series), 64);
  assert_int_equal(sizeof(chronos2_covariate), 72);
  assert_int_equal(sizeof(chronos2_column), 48);
  assert_int_equal(sizeof(chronos2_attention_row), 96);
}

/* ---- Names ------------------------------------------------------------------------------------ */

#define CHECK_NAMES(kind, count)                                                                     \
  do {                                                                                               \
    chronos2_##kind found = (chronos2_##kind)0;                                                      \
    for (int i = 0; i < (count); i++) {                                                              \
      const char *name = chronos2_##kind##_name((chronos2_##kind)i);                                 \
      assert_non_null(name);                                                                         \
      expect(chronos2_##kind##_named(name, &found), CHRONOS2_OK, "");                                \
      assert_int_equal((int)found, i);                                                               \
    }                                                                                                \
    assert_null(chronos2_##kind##_name((chronos2_##kind)(count)));                                   \
    expect(chronos2_##kind##_named("nonsense", &found), CHRONOS2_ERROR_ARGUMENT, "'nonsense'");      \
    expect(chronos2_##kind##_named("", &found), CHRONOS2_ERROR_ARGUMENT, #kind ": expected one of"); \
    expect(chronos2_##kind##_named(NULL, &found), CHRONOS2_ERROR_ARGUMENT, "NULL");                  \
    expect(chronos2_##kind##_named("x", NULL), CHRONOS2_ERROR_ARGUMENT, "NULL");                     \
  } while (0)

static void test_names(void **state) {
  (void)state;
  CHECK_NAMES(status, CHRONOS2_ERROR_CANCELLED + 1);
  CHECK_NAMES(dtype, CHRONOS2_INT8 + 1);
  CHECK_NAMES(backend, CHRONOS2_REFERENCE + 1);
  CHECK_NAMES(attention, CHRONOS2_WINDOWED_FUTURE_NULL + 1);
  assert_string_equal(chronos2_status_name(CHRONOS2_ERROR_UNSUPPORTED), "unsupported");
  assert_string_equal(chronos2_dtype_name(CHRONOS2_BF16), "bf16");
  assert_string_equal(chronos2_backend_name(CHRONOS2_REFERENCE), "reference");
}

static void test_isa(void **state) {
  (void)state;
  bool scalar = false;
  size_t count = 0;
  chronos2_session *s = NULL;
  for (; chronos2_isa_name(count); count++) {
    const char *name = chronos2_isa_name(count);
    for (size_t i = 0; i < count; i++) assert_string_not_equal(name, chronos2_isa_name(i));
    chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .isa = name, .threads = 1};
    expect(chronos2_session_open(model, &options, &s), CHRONOS2_OK, "");
    assert_string_equal(chronos2_session_isa(s), name);
    chronos2_session_close(&s);
    scalar = scalar || strcmp(name, "scalar") == 0;
  }
  assert_true(scalar);
  assert_null(chronos2_isa_name(SIZE_MAX));
  for (int d = CHRONOS2_FP32; d <= CHRONOS2_INT8; d++) {
    const char *product = NULL;
    bool known = false;
    const char *chosen = chronos2_isa_chosen((chronos2_dtype)d, &product);
    assert_non_null(product);
    for (size_t i = 0; i < count; i++) known = known || strcmp(chronos2_isa_name(i), chosen) == 0;
    assert_true(known);
    assert_string_equal(chosen, chronos2_isa_chosen((chronos2_dtype)d, NULL));
  }
  assert_string_equal(chronos2_isa_chosen(CHRONOS2_FP32, NULL), chronos2_isa_name(0));
  assert_null(chronos2_isa_chosen((chronos2_dtype)9, NULL));
  if (!getenv("CHRONOS2_ISA")) assert_string_equal(chronos2_session_isa(session), chronos2_isa_name(0));
  const char *given = getenv("CHRONOS2_ISA");
  char *before = given ? strdup(given) : NULL;
  assert_int_equal(setenv("CHRONOS2_ISA", "scalar", 1), 0); /* is what auto takes */
  for (int d = CHRONOS2_FP32; d <= CHRONOS2_INT8; d++) {
    const char *product = NULL;
    assert_string_equal(chronos2_isa_chosen((chronos2_dtype)d, &product), "scalar");
    assert_string_equal(product, "plain C");
  }
  assert_int_equal(setenv("CHRONOS2_ISA", "sse9", 1), 0);
  assert_null(chronos2_isa_chosen(CHRONOS2_FP32, NULL));
  assert_non_null(strstr(chronos2_last_error(), "CHRONOS2_ISA: expected one of auto, scalar"));
  assert_int_equal(before ? setenv("CHRONOS2_ISA", before, 1) : unsetenv("CHRONOS2_ISA"), 0);
  free(before);
  chronos2_session_options unknown = {CHRONOS2_SESSION_OPTIONS_INIT, .isa = "sse9"};
  expect(chronos2_session_open(model, &unknown, &s), CHRONOS2_ERROR_ARGUMENT, "isa: expected one of auto, scalar");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_other_sizes), cmocka_unit_test(test_no_size),
                                     cmocka_unit_test(test_only_size),   cmocka_unit_test(test_init),
                                     cmocka_unit_test(test_reserved),    cmocka_unit_test(test_layout),
                                     cmocka_unit_test(test_names),       cmocka_unit_test(test_isa)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}
