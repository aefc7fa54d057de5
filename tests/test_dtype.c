/* bf16 and int8 through whole forward passes: how far they lie from PyTorch's float32 on the golden cases of the smooth
 * model, at every instruction set this machine has. Bounds are about twice what was measured (docs/parity.md has
 * float32's): a wrong scale or a swapped term is off by far more. bench/dtype_error.py compares with PyTorch's own
 * bfloat16. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "golden.h"
#include "small.h"

typedef struct tally {
  chronos2_dtype dtype;
  const char *isa;
  double most;  /* error of a case */
  double worst; /* of all cases */
  double squares;
  size_t values;
} tally;

static double normalised(float y, float loc, float scale) {
  return asinh(((double)y - (double)loc) / (double)scale);
}

static void one_case(void *user, const char *folder, golden_case *g) {
  tally *t = user;
  if (!strstr(g->name, "model-smooth/") || strstr(g->name, "degenerate")) return;
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = t->dtype};
  g->options.isa = t->isa;
  assert_int_equal(chronos2_model_open(folder, &options, &model), CHRONOS2_OK);
  assert_int_equal(chronos2_model_dtype(model), t->dtype);
  assert_int_equal(chronos2_session_open(model, &g->options, &session), CHRONOS2_OK);
  const chronos2_config *c = chronos2_model_config(model);
  size_t per_row = c->quantiles * c->patch * g->batch.output_patches;
  float *ours = malloc(g->batch.rows * per_row * sizeof *ours);
  float *theirs = golden_floats(&g->file, "out.quantiles");
  float *loc = golden_floats(&g->file, "out.loc");
  float *scale = golden_floats(&g->file, "out.scale");
  assert_int_equal(chronos2_forward(session, &g->batch, ours, NULL, NULL, NULL), CHRONOS2_OK);
  double squares = 0;
  for (size_t i = 0; i < g->batch.rows * per_row; i++) {
    size_t b = i / per_row;
    double error = normalised(ours[i], loc[b], scale[b]) - normalised(theirs[i], loc[b], scale[b]);
    squares += error * error;
  }
  double error = sqrt(squares / (double)(g->batch.rows * per_row));
  if (!(error <= t->most)) fail_msg("%s: error %.3g, at most %.3g", g->name, error, t->most);
  if (error > t->worst) t->worst = error;
  t->squares += squares;
  t->values += g->batch.rows * per_row;
  free(ours);
  free(theirs);
  free(loc);
  free(scale);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

/* `most`: error over all cases; `most_case`: of any one. */
static void check(chronos2_dtype dtype, double most, double most_case) {
  for (size_t i = 0; chronos2_isa_name(i); i++) {
    tally t = {.dtype = dtype, .isa = chronos2_isa_name(i), .most = most_case};
    golden_each(SOURCE_DIR "/tests/golden", one_case, &t);
    double error = sqrt(t.squares / (double)t.values);
    print_message("%s: %zu values, error %.3g, of the worst case %.3g\n", t.isa, t.values, error, t.worst);
    assert_true(t.values > 10000);
    assert_true(error <= most);
    assert_true(error > 1e-4); /* float32 is nearer: this isn't it */
  }
}

static void test_bf16(void **state) {
  (void)state;
  check(CHRONOS2_BF16, 4e-3, 1.2e-2);
}

static void test_int8(void **state) {
  (void)state;
  check(CHRONOS2_INT8, 1.2e-2, 3e-2);
}

/* About half and a quarter of the memory, the ends aside; and what the options refuse. */
static void test_options(void **state) {
  (void)state;
  static const char folder[] = SOURCE_DIR "/models/chronos2-micro";
  size_t bytes[3];
  if (small_leaves_out("memory and options of a large model")) return;
  for (int d = CHRONOS2_FP32; d <= CHRONOS2_INT8; d++) {
    chronos2_config config;
    chronos2_model *model = NULL;
    chronos2_model *none = NULL;
    chronos2_session *session = NULL;
    chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = (chronos2_dtype)d};
    chronos2_model_options unpacked = {CHRONOS2_MODEL_OPTIONS_INIT, .skip_packing = true};
    assert_int_equal(chronos2_config_named("small", &config), CHRONOS2_OK);
    assert_int_equal(chronos2_model_random(&config, 1, &options, &model), CHRONOS2_OK);
    assert_int_equal(chronos2_model_random(&config, 1, &unpacked, &none), CHRONOS2_OK);
    bytes[d] = chronos2_model_bytes(model) - chronos2_model_bytes(none);
    chronos2_status reference =
        chronos2_session_open(model, &(chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT,
                                                                 .backend = CHRONOS2_REFERENCE}, &session);
    assert_int_equal(reference, d == CHRONOS2_FP32 ? CHRONOS2_OK : CHRONOS2_ERROR_UNSUPPORTED);
    chronos2_session_close(&session);
    assert_int_equal(chronos2_session_open(none, NULL, &session), CHRONOS2_ERROR_ARGUMENT); /* at once */
    assert_non_null(strstr(chronos2_last_error(), "the model was opened without packing"));
    chronos2_model_close(&model);
    chronos2_model_close(&none);
  }
  assert_true((double)bytes[1] < 0.6 * (double)bytes[0]);
  assert_true((double)bytes[2] < 0.4 * (double)bytes[0]);
  chronos2_model *model = NULL;
  chronos2_model_options unknown = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = (chronos2_dtype)7};
  assert_int_equal(chronos2_model_open(folder, &unknown, &model), CHRONOS2_ERROR_ARGUMENT);
  assert_null(model);
  unknown.skip_packing = true;
  assert_int_equal(chronos2_model_open(folder, &unknown, &model), CHRONOS2_ERROR_ARGUMENT);
  assert_string_equal(chronos2_last_error(), "dtype: unknown 7");
  assert_null(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_bf16), cmocka_unit_test(test_int8),
                                     cmocka_unit_test(test_options)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
