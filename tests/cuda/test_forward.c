/* The CUDA backend on the emulated device: golden cases, ragged batches, rollouts, encoded contexts, and what it says
 * where it can't run. Compared as in test_parity.c, in normalised units, asinh((y - loc) / scale).
 *
 * ctest gives the emulated device in CHRONOS2_CUDA_LIBRARY. With the library for GPUs there, and CHRONOS2_ON_GPU set,
 * the same tests run on a GPU (tools/gpu/check.sh). CHRONOS2_GOLDEN_STEP=1 takes every case of ../shared/golden, or of
 * CHRONOS2_SHARED_GOLDEN, not every fifth one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "golden.h"
#include "program.h"

/* Sanitizers make the emulator thirty times slower: a ninth of the cases is taken there. */
#if defined(__SANITIZE_ADDRESS__)
enum { LESS = 9 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { LESS = 9 };
#else
enum { LESS = 1 };
#endif
#else
enum { LESS = 1 };
#endif

typedef struct run {
  chronos2_dtype dtype;
  const char *device;
  size_t step, seen; /* every step-th case is taken */
  double worst;      /* of smooth models under float32, else of all */
  double sum;        /* of errors, and how many */
  size_t count, failures;
} run;

static void check_values(run *r, const golden_case *g, const float *ours, size_t per_row) {
  golden_error e = golden_compare(g, ours, per_row);
  if (r->dtype == CHRONOS2_FP32 && !e.within) {
    fprintf(stderr, "%s: worst %.3g, %zu of %zu values beyond 2e-4\n", g->name, e.worst, e.beyond, e.count);
    r->failures++;
  }
  if (r->dtype != CHRONOS2_FP32 || e.smooth) r->worst = fmax(r->worst, e.worst);
  r->sum += e.sum;
  r->count += e.count;
}

/* The model and a session on it; the program ends where they don't open. */
static void open_both(const char *folder, const run *r, chronos2_session_options options, chronos2_model **model,
                      chronos2_session **session) {
  chronos2_model_options how = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = r->dtype, .threads = 1};
  options.device = r->device;
  options.threads = 1;
  if (chronos2_model_open(folder, &how, model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  if (chronos2_session_open(*model, &options, session) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
}

static void one_case(void *user, const char *folder, golden_case *g) {
  run *r = user;
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  if (r->seen++ % r->step != 0) return;
  open_both(folder, r, g->options, &model, &session);
  const chronos2_config *c = chronos2_model_config(model);
  size_t per_row = c->quantiles * c->patch * g->batch.output_patches;
  float *quantiles = malloc(g->batch.rows * per_row * sizeof *quantiles);
  if (chronos2_forward(session, &g->batch, quantiles, NULL, NULL, NULL) != CHRONOS2_OK) {
    fail_msg("%s: %s", g->name, chronos2_last_error());
  }
  check_values(r, g, quantiles, per_row);
  free(quantiles);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

static size_t taken(const run *r) {
  return (r->seen + r->step - 1) / r->step;
}

static void test_goldens(void **state) {
  (void)state;
  const char *step = getenv("CHRONOS2_GOLDEN_STEP");
  run own = {.device = "cuda", .step = LESS};
  run shared = {.device = "cuda", .step = step ? strtoul(step, NULL, 10) : 5 * LESS};
  assert_int_equal(golden_each(SOURCE_DIR "/tests/golden", one_case, &own), GOLDEN_CASES);
  const char *root = getenv("CHRONOS2_SHARED_GOLDEN");
  golden_each(root ? root : SOURCE_DIR "/../shared/golden", one_case, &shared);
  print_message("own: %zu cases, worst of smooth models %.3g; shared: %zu, %.3g\n", taken(&own), own.worst,
                taken(&shared), shared.worst);
  assert_int_equal(own.failures + shared.failures, 0);
}

/* bf16 is as far from PyTorch's float32 as the CPU's bf16 is, by and large: on the device q, k, v, the softmax weights
 * and attention's output are rounded as well. */
static void test_bf16(void **state) {
  (void)state;
  run cpu = {.dtype = CHRONOS2_BF16, .device = "cpu", .step = 4 * LESS};
  run cuda = {.dtype = CHRONOS2_BF16, .device = "cuda", .step = 4 * LESS};
  golden_each(SOURCE_DIR "/tests/golden", one_case, &cpu);
  golden_each(SOURCE_DIR "/tests/golden", one_case, &cuda);
  assert_int_equal(cpu.count, cuda.count);
  print_message("bf16, normalised units: mean error %.3g, worst %.3g; on the CPU %.3g, %.3g\n",
                cuda.sum / (double)cuda.count, cuda.worst, cpu.sum / (double)cpu.count, cpu.worst);
  assert_true(cuda.sum <= 2 * cpu.sum && cuda.sum > 0.5 * cpu.sum);
}

/* Every tensor of two files that predict wrote: equal within 2e-4 of the tensor's spread. */
static void compare_files(const char *name, const char *one, const char *other) {
  c2_safetensors a;
  c2_safetensors b;
  c2_error err;
  if (c2_safetensors_open(&a, one, &err) != C2_OK || c2_safetensors_open(&b, other, &err) != C2_OK) {
    fail_msg("%s", err.text);
  }
  assert_int_equal(a.count, b.count);
  assert_true(a.count > 0);
  for (size_t t = 0; t < a.count; t++) {
    float *x = golden_floats(&a, a.tensors[t].name);
    float *y = golden_floats(&b, a.tensors[t].name);
    assert_non_null(y);
    double low = INFINITY;
    double high = -INFINITY;
    for (size_t i = 0; i < a.tensors[t].elements; i++) {
      low = fmin(low, (double)x[i]);
      high = fmax(high, (double)x[i]);
    }
    for (size_t i = 0; i < a.tensors[t].elements; i++) {
      if (fabs((double)x[i] - (double)y[i]) <= 2e-4 * (high - low)) continue;
      fail_msg("%s %s: element %zu is %g on the cpu, %g on the device", name, a.tensors[t].name, i, (double)x[i],
               (double)y[i]);
    }
    free(x);
    free(y);
  }
  c2_safetensors_close(&a);
  c2_safetensors_close(&b);
}

/* Whole requests by the program: rollouts beyond the model's patches, covariates, cross-learning, embeddings. */
static void predict_both(const char *name, const char *attention) {
  char input[512];
  char folder[] = "/tmp/chronos2_cuda_XXXXXX";
  char cpu[64];
  char cuda[64];
  assert_non_null(mkdtemp(folder));
  snprintf(input, sizeof input, "%s/tests/golden/model-smooth/predict/%s.json", SOURCE_DIR, name);
  snprintf(cpu, sizeof cpu, "%s/cpu.safetensors", folder);
  snprintf(cuda, sizeof cuda, "%s/cuda.safetensors", folder);
  for (size_t i = 0; i < 2; i++) {
    program_result result =
        PROGRAM_RUN("predict", input, "-m", SOURCE_DIR "/tests/golden/model-smooth/weights", "--attention", attention,
                    "--radius", "2", "--device", i ? "cuda" : "cpu", "-o", i ? cuda : cpu);
    if (result.status != 0) fail_msg("%s: %s", name, result.err);
    program_free(&result);
  }
  compare_files(name, cpu, cuda);
  unlink(cpu);
  unlink(cuda);
  rmdir(folder);
}

static void test_requests(void **state) {
  (void)state;
  predict_both("long_horizon_covariates", "windowed_future_null");
  if (LESS > 1) return;
  predict_both("long_horizon", "windowed_future_visible");
  predict_both("cross_learning", "windowed_future_global");
  predict_both("covariates_multi_target", "windowed_future_null");
}

/* ---- Encoded contexts, embeddings, ragged batches ------------------------------------------------ */

enum { SERIES = 3, LENGTH = 90, HORIZON = 20 };

/* Series of unequal length with gaps, some with a covariate that is known ahead. */
typedef struct input {
  double target[SERIES][LENGTH], past[SERIES][LENGTH], future[SERIES][HORIZON];
  chronos2_covariate covariate[SERIES];
  chronos2_series series[SERIES];
} input;

static void fill(input *in, bool even) {
  memset(in, 0, sizeof *in);
  for (size_t i = 0; i < SERIES; i++) {
    for (size_t t = 0; t < LENGTH; t++) {
      in->target[i][t] = !even && (t + i) % 11 == 0 ? (double)NAN : sin(0.3 * (double)(t * (i + 1)));
      in->past[i][t] = cos(0.2 * (double)t);
    }
    for (size_t t = 0; t < HORIZON; t++) in->future[i][t] = cos(0.2 * (double)(LENGTH + t * (i + 1)));
    in->covariate[i] = (chronos2_covariate){.name = "known", .past = in->past[i], .future = in->future[i]};
    in->series[i] = (chronos2_series){.length = even ? LENGTH : 20 + 30 * i,
                                      .targets = 1,
                                      .target = in->target[i],
                                      .covariates = even || i % 2 ? 0 : 1,
                                      .covariate = &in->covariate[i]};
  }
}

/* Quantiles of all series, one behind the other: predicted at once, or from an encoded context. */
static double *forecast(const char *device, chronos2_dtype dtype, chronos2_attention attention,
                        const chronos2_series *series, size_t count, bool encoded, size_t *values) {
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .attention = attention, .radius = 2};
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  run r = {.device = device, .dtype = dtype};
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_context *context = NULL;
  chronos2_forecast *out = NULL;
  open_both(SOURCE_DIR "/tests/golden/model-odd/weights", &r, options, &model, &session);
  if (encoded && chronos2_context_open(session, series, count, &how, &context) != CHRONOS2_OK) {
    fail_msg("%s", chronos2_last_error());
  }
  chronos2_status status = encoded ? chronos2_context_predict(session, context, series, count, &how, &out)
                                   : chronos2_predict(session, series, count, &how, &out);
  if (status != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  size_t per_series = chronos2_model_config(model)->quantiles * HORIZON;
  double *all = malloc(count * per_series * sizeof *all);
  for (size_t i = 0; i < count; i++) {
    memcpy(all + i * per_series, chronos2_forecast_quantiles(out, i, 0), per_series * sizeof *all);
  }
  *values = count * per_series;
  chronos2_forecast_free(&out);
  chronos2_session_close(&session); /* before the context, which keeps its keys on the device */
  chronos2_context_close(&context);
  chronos2_model_close(&model);
  return all;
}

static void assert_close(const double *ours, const double *theirs, size_t count, double tolerance, const char *what) {
  for (size_t i = 0; i < count; i++) {
    if (!(fabs(ours[i] - theirs[i]) <= tolerance)) {
      fail_msg("%s: element %zu is %.9g, expected %.9g", what, i, ours[i], theirs[i]);
    }
  }
}

/* To the last bit what is forecast at once; on a GPU cuBLAS may choose another algorithm for another number of rows. */
static void test_encoded_contexts(void **state) {
  (void)state;
  static const chronos2_attention patterns[] = {CHRONOS2_WINDOWED_FUTURE_GLOBAL, CHRONOS2_WINDOWED_FUTURE_NULL};
  input *in = malloc(sizeof *in);
  fill(in, false);
  for (size_t p = 0; p < 4; p++) {
    size_t count = 0;
    chronos2_dtype dtype = p < 2 ? CHRONOS2_FP32 : CHRONOS2_BF16;
    double *cpu = forecast("cpu", dtype, patterns[p % 2], in->series, SERIES, false, &count);
    double *at_once = forecast("cuda", dtype, patterns[p % 2], in->series, SERIES, false, &count);
    double *encoded = forecast("cuda", dtype, patterns[p % 2], in->series, SERIES, true, &count);
    /* In units of the series: model-odd amplifies rounding. */
    double tolerance = dtype == CHRONOS2_FP32 ? 2e-3 : 0.5;
    assert_close(at_once, cpu, count, tolerance, "at once");
    assert_close(encoded, at_once, count, getenv("CHRONOS2_ON_GPU") ? tolerance : 0, "from an encoded context");
    free(cpu);
    free(at_once);
    free(encoded);
  }
  free(in);
}

/* Quantiles of one series from a model of random weights, as forecast() gives them. */
static double *forecast_random(const chronos2_config *config, chronos2_dtype dtype, const char *device,
                               chronos2_attention attention, const chronos2_series *series, bool encoded) {
  chronos2_model_options how = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = dtype, .threads = 1};
  chronos2_session_options options = {
      CHRONOS2_SESSION_OPTIONS_INIT, .device = device, .attention = attention, .radius = 8, .threads = 1};
  chronos2_predict_options asked = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_context *context = NULL;
  chronos2_forecast *out = NULL;
  chronos2_status status = chronos2_model_random(config, 1, &how, &model);
  if (status == CHRONOS2_OK) status = chronos2_session_open(model, &options, &session);
  if (status == CHRONOS2_OK && encoded) status = chronos2_context_open(session, series, 1, &asked, &context);
  if (status == CHRONOS2_OK) {
    status = encoded ? chronos2_context_predict(session, context, series, 1, &asked, &out)
                     : chronos2_predict(session, series, 1, &asked, &out);
  }
  if (status != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  double *all = malloc(config->quantiles * HORIZON * sizeof *all);
  memcpy(all, chronos2_forecast_quantiles(out, 0, 0), config->quantiles * HORIZON * sizeof *all);
  chronos2_forecast_free(&out);
  chronos2_context_close(&context);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return all;
}

/* A context of several blocks of keys: REG's window begins in one and ends in the next. */
static void test_encoded_long_contexts(void **state) {
  (void)state;
  static const size_t patches[] = {36, 70};
  double values[70 * 16];
  chronos2_config config;
  assert_int_equal(chronos2_config_named("micro", &config), CHRONOS2_OK);
  config.d_kv = 64;
  config.heads = config.layers = 2;
  for (size_t t = 0; t < 70 * 16; t++) values[t] = sin(0.3 * (double)t) + cos(0.01 * (double)(t * t % 997));
  for (size_t i = 0; i < 4; i++) {
    chronos2_series series = {.length = patches[i % 2] * config.patch, .targets = 1, .target = values};
    chronos2_dtype dtype = i < 2 ? CHRONOS2_FP32 : CHRONOS2_BF16;
    double *found[2];
    for (size_t k = 0; k < 2; k++) {
      found[k] = forecast_random(&config, dtype, "cuda", CHRONOS2_WINDOWED_FUTURE_GLOBAL, &series, k == 1);
    }
    assert_close(found[1], found[0], config.quantiles * HORIZON, getenv("CHRONOS2_ON_GPU") ? 0.05 : 0, "encoded");
    free(found[0]);
    free(found[1]);
  }
}

/* Models whose widest size is d_model, and whose tokens are wider than anything but d_model. */
static void test_widths(void **state) {
  (void)state;
  input *in = malloc(sizeof *in);
  chronos2_config wide;
  fill(in, true);
  assert_int_equal(chronos2_config_named("micro", &wide), CHRONOS2_OK);
  wide.d_model = 512;
  wide.d_kv = 64;
  wide.heads = 2;
  wide.d_ff = 384;
  wide.layers = 1;
  chronos2_config tokens = wide;
  tokens.d_model = 128;
  tokens.d_kv = 32;
  tokens.heads = 1;
  tokens.d_ff = 64;
  tokens.patch = 64;
  tokens.quantiles = 1;
  tokens.quantile_levels[0] = 0.5;
  for (size_t i = 0; i < 4; i++) {
    const chronos2_config *c = i % 2 ? &tokens : &wide;
    chronos2_dtype dtype = i < 2 ? CHRONOS2_FP32 : CHRONOS2_BF16;
    double *cpu = forecast_random(c, dtype, "cpu", CHRONOS2_FULL, in->series, false);
    double *cuda = forecast_random(c, dtype, "cuda", CHRONOS2_FULL, in->series, false);
    for (size_t k = 0; k < c->quantiles * HORIZON; k++) { /* of a series whose loc is about 0, and its scale 1 */
      cpu[k] = asinh(cpu[k]);
      cuda[k] = asinh(cuda[k]);
    }
    assert_close(cuda, cpu, c->quantiles * HORIZON, dtype == CHRONOS2_FP32 ? 1e-4 : 0.05, "a wide model");
    free(cpu);
    free(cuda);
  }
  free(in);
}

/* A row's forecast doesn't depend on what else is in the batch: to the last bit on the emulated device, whose products
 * add up in one order. cuBLAS may choose another algorithm for another number of rows. */
static void test_ragged_batches(void **state) {
  (void)state;
  input *in = malloc(sizeof *in);
  size_t count = 0;
  fill(in, false);
  double *together = forecast("cuda", CHRONOS2_FP32, CHRONOS2_FULL, in->series, SERIES, false, &count);
  for (size_t i = 0; i < SERIES; i++) {
    size_t one = 0;
    double *alone = forecast("cuda", CHRONOS2_FP32, CHRONOS2_FULL, &in->series[i], 1, false, &one);
    assert_close(alone, together + i * one, one, getenv("CHRONOS2_ON_GPU") ? 2e-3 : 0, "alone");
    free(alone);
  }
  free(together);
  free(in);
}

/* Rollouts of several horizons, whose paths stay on the device: with and without a future that is known in part, alone
 * and with other series, from other levels than the usual ones. In units of the series. */
static void test_rollouts(void **state) {
  (void)state;
  static const double levels[] = {0.1, 0.5, 0.8};
  static const size_t horizons[] = {49, 64, 130};
  input *in = malloc(sizeof *in);
  fill(in, false);
  for (size_t i = 0; i < (LESS > 1 ? 2 : 12); i++) {
    chronos2_session_options options = {
        CHRONOS2_SESSION_OPTIONS_INIT, .attention = (chronos2_attention)(CHRONOS2_FULL + i % 4), .radius = 2};
    chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = horizons[i % 3], .cross_learning = i % 2};
    if (i >= 6) {
      how.unrolled_quantiles = levels;
      how.unrolled_count = 3;
    }
    chronos2_forecast *out[2] = {NULL, NULL};
    chronos2_series series[SERIES];
    double future[SERIES][130];
    chronos2_covariate covariate[SERIES];
    for (size_t s = 0; s < SERIES; s++) {
      for (size_t t = 0; t < 130; t++) future[s][t] = t % 9 == 4 ? (double)NAN : cos(0.2 * (double)(LENGTH + t));
      covariate[s] = (chronos2_covariate){.name = "known", .past = in->past[s], .future = future[s]};
      series[s] = in->series[s];
      series[s].covariate = &covariate[s];
    }
    for (size_t d = 0; d < 2; d++) {
      run r = {.device = d ? "cuda" : "cpu"};
      chronos2_model *model = NULL;
      chronos2_session *session = NULL;
      open_both(SOURCE_DIR "/tests/golden/model-smooth/weights", &r, options, &model, &session);
      chronos2_status status = chronos2_predict(session, series, SERIES, &how, &out[d]);
      if (status != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
      chronos2_session_close(&session);
      chronos2_model_close(&model);
    }
    for (size_t s = 0; s < SERIES; s++) {
      assert_close(chronos2_forecast_quantiles(out[1], s, 0), chronos2_forecast_quantiles(out[0], s, 0),
                   21 * how.horizon, 2e-4, "a rollout");
    }
    chronos2_forecast_free(&out[0]);
    chronos2_forecast_free(&out[1]);
  }
  free(in);
}

/* A deviation that underflows, and values near the largest double: forecast as on the CPU. */
static void test_extremes(void **state) {
  (void)state;
  double values[2][LENGTH];
  chronos2_series series[2] = {{.length = LENGTH, .targets = 1, .target = values[0]},
                               {.length = LENGTH, .targets = 1, .target = values[1]}};
  size_t count = 0;
  for (size_t t = 0; t < LENGTH; t++) values[0][t] = t % 7 == 0 ? 4.9406564584124654e-324 : 0;
  for (size_t t = 0; t < LENGTH; t++) values[1][t] = sin(0.4 * (double)t) * 1e300;
  double *cpu = forecast("cpu", CHRONOS2_FP32, CHRONOS2_FULL, series, 2, false, &count);
  double *cuda = forecast("cuda", CHRONOS2_FP32, CHRONOS2_FULL, series, 2, false, &count);
  assert_close(cuda, cpu, count / 2, 2e-8, "a deviation of 0"); /* which counts as 1e-5 */
  assert_close(cuda + count / 2, cpu + count / 2, count / 2, 2e297, "large values");
  free(cpu);
  free(cuda);
}

/* Of series of equal length, and of others: masked tokens are computed too (test_cuda_masked has all patterns). */
static void test_embeddings(void **state) {
  (void)state;
  chronos2_predict_options how = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT};
  chronos2_embedding *embedding[2][2] = {{NULL, NULL}, {NULL, NULL}};
  input *in = malloc(sizeof *in);
  size_t d = 0;
  for (size_t i = 0; i < 2; i++) {
    run r = {.device = i ? "cuda" : "cpu"};
    chronos2_model *model = NULL;
    chronos2_session *session = NULL;
    open_both(SOURCE_DIR "/tests/golden/model-smooth/weights", &r, options, &model, &session);
    d = chronos2_model_config(model)->d_model;
    for (size_t even = 0; even < 2; even++) {
      fill(in, even);
      if (chronos2_embed(session, in->series, SERIES, &how, &embedding[i][even]) != CHRONOS2_OK) {
        fail_msg("%s", chronos2_last_error());
      }
    }
    chronos2_session_close(&session);
    chronos2_model_close(&model);
  }
  for (size_t i = 0; i < 2 * SERIES; i++) {
    const float *ours = chronos2_embedding_values(embedding[1][i / SERIES], i % SERIES);
    const float *theirs = chronos2_embedding_values(embedding[0][i / SERIES], i % SERIES);
    for (size_t j = 0; j < chronos2_embedding_tokens(embedding[0][i / SERIES], i % SERIES) * d; j++) {
      if (!(fabs((double)ours[j] - (double)theirs[j]) <= 2e-4)) fail_msg("series %zu, element %zu", i, j);
    }
  }
  for (size_t i = 0; i < 4; i++) chronos2_embedding_free(&embedding[i / 2][i % 2]);
  free(in);
}

/* ---- The mass probe ----------------------------------------------------------------------------- */

static char *read_all(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s is not there", path);
  char *text = calloc(1 << 20, 1);
  assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
  fclose(file);
  return text;
}

/* Two CSV files: the same texts, and numbers as near as rounding leaves them. */
static void compare_tables(const char *one, const char *other, double tolerance) {
  char *a = read_all(one);
  char *b = read_all(other);
  char *a_rest = a;
  char *b_rest = b;
  size_t numbers = 0;
  for (char *x = strtok_r(a, ",\n", &a_rest), *y = strtok_r(b, ",\n", &b_rest); x || y;
       x = strtok_r(NULL, ",\n", &a_rest), y = strtok_r(NULL, ",\n", &b_rest)) {
    assert_non_null(x);
    assert_non_null(y);
    char *end = NULL;
    double left = strtod(x, &end);
    if (strcmp(x, y) == 0) continue;
    if (*end != '\0' || fabs(left - strtod(y, NULL)) > tolerance) fail_msg("%s: '%s' on the CPU, '%s' here", one, x, y);
    numbers++;
  }
  assert_true(numbers > 0); /* rounding differs somewhere */
  free(a);
  free(b);
}

static void test_probe(void **state) {
  (void)state;
  char folder[] = "/tmp/chronos2_cuda_XXXXXX";
  char prefix[2][64];
  char table[2][100];
  assert_non_null(mkdtemp(folder));
  for (size_t i = 0; i < 2; i++) {
    snprintf(prefix[i], sizeof prefix[i], "%s/%s", folder, i ? "cuda" : "cpu");
    snprintf(table[i], sizeof table[i], "%s__mass_per_window.csv", prefix[i]);
    program_result result = PROGRAM_RUN(
        "probe", "-m", SOURCE_DIR "/tests/golden/model-smooth/weights", "--tasks", SOURCE_DIR "/datasets/tasks.yaml",
        "--device", i ? "cuda" : "cpu", "--out-prefix", prefix[i], "--radii", "1,2,4", "--max-tasks", "1",
        "--max-series-per-window", "2", "--context-length", "64");
    if (result.status != 0) fail_msg("%s", result.err);
    program_free(&result);
  }
  compare_tables(table[0], table[1], 1e-5);
  char command[100];
  snprintf(command, sizeof command, "rm -r %s", folder);
  assert_int_equal(system(command), 0);
}

/* ---- What can't be ------------------------------------------------------------------------------ */

static void refused(chronos2_dtype dtype, chronos2_session_options options, chronos2_status status,
                    const char *text) {
  chronos2_model_options how = {CHRONOS2_MODEL_OPTIONS_INIT, .dtype = dtype, .threads = 1};
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  if (chronos2_model_open(SOURCE_DIR "/tests/golden/model-odd/weights", &how, &model) != CHRONOS2_OK) {
    fail_msg("%s", chronos2_last_error());
  }
  assert_int_equal(chronos2_session_open(model, &options, &session), status);
  if (!strstr(chronos2_last_error(), text)) fail_msg("'%s' lacks '%s'", chronos2_last_error(), text);
  chronos2_model_close(&model);
}

static void test_refusals(void **state) {
  (void)state;
#define ON(name) {CHRONOS2_SESSION_OPTIONS_INIT, .device = (name)}
  chronos2_session_options reference = ON("cuda");
  reference.backend = CHRONOS2_REFERENCE;
  refused(CHRONOS2_FP32, (chronos2_session_options)ON("tpu"), CHRONOS2_ERROR_ARGUMENT, "found 'tpu'");
  refused(CHRONOS2_FP32, (chronos2_session_options)ON("cuda:"), CHRONOS2_ERROR_ARGUMENT, "behind 'cuda:'");
  refused(CHRONOS2_FP32, (chronos2_session_options)ON("cuda:1x"), CHRONOS2_ERROR_ARGUMENT, "found 'cuda:1x'");
  refused(CHRONOS2_FP32, (chronos2_session_options)ON("cuda:999"), CHRONOS2_ERROR_UNSUPPORTED, "cuda:999");
  refused(CHRONOS2_INT8, (chronos2_session_options)ON("cuda"), CHRONOS2_ERROR_UNSUPPORTED, "int8 runs on the CPU");
  refused(CHRONOS2_FP32, reference, CHRONOS2_ERROR_ARGUMENT, "reference");
  setenv("CHRONOS2_EMULATOR_CAPABILITY", "7.5", 1);
  if (!getenv("CHRONOS2_ON_GPU")) {
    refused(CHRONOS2_FP32, (chronos2_session_options)ON("cuda"), CHRONOS2_ERROR_UNSUPPORTED, "7.5; expected at least");
  }
  setenv("CHRONOS2_EMULATOR_CAPABILITY", "8.0", 1);
  char *library = strdup(getenv("CHRONOS2_CUDA_LIBRARY"));
  setenv("CHRONOS2_CUDA_LIBRARY", "/nowhere/library.so", 1);
  refused(CHRONOS2_FP32, (chronos2_session_options)ON("cuda"), CHRONOS2_ERROR_UNSUPPORTED, "/nowhere/library.so");
  setenv("CHRONOS2_CUDA_LIBRARY", library, 1);
  free(library);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_goldens),        cmocka_unit_test(test_bf16),       cmocka_unit_test(test_requests),
      cmocka_unit_test(test_encoded_contexts), cmocka_unit_test(test_encoded_long_contexts),
      cmocka_unit_test(test_widths),         cmocka_unit_test(test_ragged_batches), cmocka_unit_test(test_rollouts),
      cmocka_unit_test(test_extremes),       cmocka_unit_test(test_embeddings),
      cmocka_unit_test(test_probe),          cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
