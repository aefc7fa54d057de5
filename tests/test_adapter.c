/* LoRA adapters: merging one equals changing the weights by hand; what isn't a plain adapter is refused. */
#include "program.h"

#include <chronos2.h>

#include <jansson.h>

#include "base/safetensors.h"
#include "golden.h"
#include "model/weights.h"

#define BASE SOURCE_DIR "/tests/golden/model-smooth/weights"
#define MATRIX "encoder.block.0.layer.0.self_attention.q"

enum { RANK = 2, HORIZON = 16, LENGTH = 96, LEVELS = 21, WIDE = 800 /* d_ff of a base that is read in bands */ };

typedef double quantiles[LEVELS * HORIZON];

typedef struct shape {
  size_t rows, columns;
} shape;

static c2_safetensors open_weights(const char *folder) {
  c2_safetensors file;
  char *path = program_path(folder, "model.safetensors");
  assert_int_equal(c2_safetensors_open(&file, path, NULL), C2_OK);
  free(path);
  return file;
}

static shape shape_of(const char *base, const char *weight) {
  c2_safetensors file = open_weights(base);
  const c2_tensor *t = c2_safetensors_find(&file, weight);
  assert_non_null(t);
  shape s = {t->shape[0], t->shape[1]};
  c2_safetensors_close(&file);
  return s;
}

static shape shape_of_matrix(void) {
  return shape_of(BASE, MATRIX ".weight");
}

static float small(size_t i) {
  return (float)((i * 37) % 11) / 16.0f - 0.3f;
}

/* A of [RANK][columns] and B of [rows][RANK]. */
static void make_parts(shape s, float **a, float **b) {
  *a = malloc(RANK * s.columns * sizeof **a);
  *b = malloc(RANK * s.rows * sizeof **b);
  for (size_t i = 0; i < RANK * s.columns; i++) (*a)[i] = small(i);
  for (size_t i = 0; i < RANK * s.rows; i++) (*b)[i] = small(i + 5);
}

static void write_text(const char *folder, const char *name, const char *text) {
  char *path = program_path(folder, name);
  program_write_file(path, text, strlen(text));
  free(path);
}

static void write_parts(const char *folder, const c2_tensor_out *tensors, size_t count) {
  char *path = program_path(folder, "adapter_model.safetensors");
  assert_int_equal(c2_safetensors_write(path, tensors, count, NULL), C2_OK);
  free(path);
}

static void forecast_by(chronos2_backend backend, const char *model_folder, const char *adapter, quantiles out) {
  double values[LENGTH];
  for (size_t i = 0; i < LENGTH; i++) values[i] = sin((double)i * 0.4) + 0.01 * (double)i;
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *f = NULL;
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .adapter = adapter};
  chronos2_session_options how = {CHRONOS2_SESSION_OPTIONS_INIT, .backend = backend};
  if (chronos2_model_open(model_folder, &options, &model) != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  assert_int_equal(chronos2_session_open(model, &how, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                                     .horizon = HORIZON}, &f),
                   CHRONOS2_OK);
  memcpy(out, chronos2_forecast_quantiles(f, 0, 0), sizeof(quantiles));
  chronos2_forecast_free(&f);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

static void forecast_with(const char *model_folder, const char *adapter, quantiles out) {
  forecast_by(CHRONOS2_FUSED, model_folder, adapter, out);
}

static void copy_config(const char *base, const char *folder) {
  char *path = program_path(base, "config.json");
  char *text = program_read_file(path);
  write_text(folder, "config.json", text);
  free(text);
  free(path);
}

/* `base` with a weight W replaced by W + scale B A. */
static char *make_changed(const char *base, const char *weight, shape s, const float *a, const float *b, double scale) {
  char *folder = program_make_folder();
  copy_config(base, folder);
  c2_safetensors file = open_weights(base);
  c2_tensor_out *out = calloc(file.count, sizeof *out);
  float *changed = NULL;
  for (size_t i = 0; i < file.count; i++) {
    const c2_tensor *t = &file.tensors[i];
    out[i] = (c2_tensor_out){.name = t->name, .dtype = C2_F32, .dims = t->dims};
    memcpy(out[i].shape, t->shape, sizeof t->shape);
    float *values = golden_floats(&file, t->name);
    if (strcmp(t->name, weight) == 0) {
      changed = values;
      for (size_t r = 0; r < s.rows; r++) {
        for (size_t c = 0; c < s.columns; c++) {
          double sum = 0;
          for (size_t k = 0; k < RANK; k++) sum += (double)b[r * RANK + k] * (double)a[k * s.columns + c];
          values[r * s.columns + c] = (float)((double)values[r * s.columns + c] + scale * sum);
        }
      }
    }
    out[i].data = values;
  }
  assert_non_null(changed);
  char *path = program_path(folder, "model.safetensors");
  assert_int_equal(c2_safetensors_write(path, out, file.count, NULL), C2_OK);
  for (size_t i = 0; i < file.count; i++) free((void *)(uintptr_t)out[i].data);
  free(path);
  free(out);
  c2_safetensors_close(&file);
  return folder;
}

static char *make_changed_model(shape s, const float *a, const float *b, double scale) {
  return make_changed(BASE, MATRIX ".weight", s, a, b, scale);
}

static void test_merge(void **state) {
  (void)state;
  static const struct {
    const char *config;
    double scale;
  } variants[] = {
      {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"bias\": \"none\", \"base_model_name_or_path\": \"" BASE
       "\"}",
       1.5},
      {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"use_rslora\": true, \"base_model_name_or_path\": "
       "\"" BASE "\"}",
       3 / 1.4142135623730951}};
  shape s = shape_of_matrix();
  float *a = NULL;
  float *b = NULL;
  make_parts(s, &a, &b);
  char *adapter = program_make_folder();
  const c2_tensor_out parts[] = {{"base_model.model." MATRIX ".lora_A.weight", C2_F32, 2, {RANK, s.columns}, a},
                                 {"base_model.model." MATRIX ".lora_B.weight", C2_F32, 2, {s.rows, RANK}, b}};
  write_parts(adapter, parts, 2);
  quantiles plain;
  forecast_with(BASE, NULL, plain);
  for (size_t i = 0; i < 2; i++) {
    quantiles merged;
    quantiles named;
    quantiles expected;
    write_text(adapter, "adapter_config.json", variants[i].config);
    char *changed = make_changed_model(s, a, b, variants[i].scale);
    forecast_with(BASE, adapter, merged);
    forecast_with(adapter, NULL, named); /* the base model is found by its name */
    forecast_with(changed, NULL, expected);
    assert_memory_equal(merged, expected, sizeof merged);
    assert_memory_equal(named, expected, sizeof named);
    assert_true(fabs(merged[3] - plain[3]) > 1e-4);
    program_remove_folder(changed);
  }
  program_remove_folder(adapter);
  free(a);
  free(b);
}

/* BASE with a d_ff of WIDE, of random weights: its output layer has more elements than are read at once. */
static char *make_wide_base(void) {
  chronos2_model *model = NULL;
  c2_tensor_out out[64];
  char *folder = program_make_folder();
  char *text = program_read_file(BASE "/config.json");
  char *at = strstr(text, "\"d_ff\": 32,");
  assert_non_null(at);
  memcpy(at, "\"d_ff\":800,", strlen("\"d_ff\":800,"));
  write_text(folder, "config.json", text);
  free(text);
  assert_int_equal(chronos2_model_open(BASE, NULL, &model), CHRONOS2_OK);
  chronos2_config config = *chronos2_model_config(model);
  chronos2_model_close(&model);
  config.d_ff = WIDE;
  assert_int_equal(chronos2_model_random(&config, 3, NULL, &model), CHRONOS2_OK);
  assert_true(model->expected_count <= sizeof out / sizeof out[0]);
  for (size_t i = 0; i < model->expected_count; i++) {
    const c2_expected *e = &model->expected[i];
    out[i] = (c2_tensor_out){e->name, C2_F32, e->dims, {e->shape[0], e->shape[1]}, model->raw.values[i]};
  }
  char *path = program_path(folder, "model.safetensors");
  assert_int_equal(c2_safetensors_write(path, out, model->expected_count, NULL), C2_OK);
  free(path);
  chronos2_model_close(&model);
  return folder;
}

/* A matrix that is read in several bands has the adapter's rows of each band added. */
static void test_bands(void **state) {
  (void)state;
  static const char layer[] = "output_patch_embedding.output_layer.weight";
  char *base = make_wide_base();
  char *adapter = program_make_folder();
  shape s = shape_of(base, layer);
  float *a = NULL;
  float *b = NULL;
  quantiles merged, reference, expected;
  assert_true(s.rows * s.columns > 1 << 18);
  make_parts(s, &a, &b);
  const c2_tensor_out parts[] = {
      {"base_model.model.output_patch_embedding.output_layer.lora_A.weight", C2_F32, 2, {RANK, s.columns}, a},
      {"base_model.model.output_patch_embedding.output_layer.lora_B.weight", C2_F32, 2, {s.rows, RANK}, b}};
  write_text(adapter, "adapter_config.json", "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3}");
  write_parts(adapter, parts, 2);
  char *changed = make_changed(base, layer, s, a, b, 1.5);
  forecast_with(base, adapter, merged);
  forecast_with(changed, NULL, expected);
  forecast_by(CHRONOS2_REFERENCE, base, adapter, reference);
  assert_memory_equal(merged, expected, sizeof merged);
  for (size_t i = 0; i < LEVELS * HORIZON; i++) {
    assert_true(fabs(merged[i] - reference[i]) <= 1e-4 * (1 + fabs(reference[i])));
  }
  program_remove_folder(changed);
  program_remove_folder(adapter);
  program_remove_folder(base);
  free(a);
  free(b);
}

/* An adapter of one matrix. */
static void write_adapter(const char *folder, const char *base) {
  char config[160];
  shape s = shape_of_matrix();
  float *a = NULL;
  float *b = NULL;
  make_parts(s, &a, &b);
  const c2_tensor_out parts[] = {{"base_model.model." MATRIX ".lora_A.weight", C2_F32, 2, {RANK, s.columns}, a},
                                 {"base_model.model." MATRIX ".lora_B.weight", C2_F32, 2, {s.rows, RANK}, b}};
  (void)snprintf(config, sizeof config,
                 "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"base_model_name_or_path\": \"%s\"}", base);
  write_text(folder, "adapter_config.json", config);
  write_parts(folder, parts, 2);
  free(a);
  free(b);
}

/* A base that is no folder from here lies in the adapter's folder, or beside it. */
static void test_where_the_base_is(void **state) {
  (void)state;
  static const char *const places[] = {"outer/adapter/base", "outer/base"};
  char *folder = program_make_folder();
  char *outer = program_path(folder, "outer");
  char *adapter = program_path(folder, "outer/adapter");
  assert_int_equal(mkdir(outer, 0700), 0);
  assert_int_equal(mkdir(adapter, 0700), 0);
  write_adapter(adapter, "base");
  quantiles expected;
  forecast_with(BASE, adapter, expected);
  for (size_t i = 0; i < 2; i++) {
    quantiles found;
    char *base = program_path(folder, places[i]);
    assert_int_equal(symlink(BASE, base), 0);
    forecast_with(adapter, NULL, found);
    assert_memory_equal(found, expected, sizeof found);
    assert_int_equal(unlink(base), 0);
    free(base);
  }
  program_remove_folder(adapter);
  assert_int_equal(rmdir(outer), 0);
  free(outer);
  program_remove_folder(folder);
}

/* A study's record has the checksums of both models and of their adapters, whose base lies in a hub's cache. */
static void test_record(void **state) {
  (void)state;
  static const char *const parts_of[] = {"model", "adapter", "sparse_model", "sparse_adapter"};
  char *adapter = program_make_folder();
  write_adapter(adapter, "o/base");
  char *cache = program_make_folder();
  char *prefix = program_path(adapter, "p");
  char *path = program_path(adapter, "p__run.json");
  static const char *const folders[] = {"models--o--base", "models--o--base/refs", "models--o--base/snapshots"};
  for (size_t i = 0; i < 3; i++) {
    char *folder = program_path(cache, folders[i]);
    assert_int_equal(mkdir(folder, 0700), 0);
    free(folder);
  }
  write_text(cache, "models--o--base/refs/main", "0123456789012345678901234567890123456789");
  char *snapshot = program_path(cache, "models--o--base/snapshots/0123456789012345678901234567890123456789");
  assert_int_equal(symlink(BASE, snapshot), 0);
  assert_int_equal(setenv("HF_HUB_CACHE", cache, 1), 0);
  program_result r = PROGRAM_RUN("study", "--offline", "-m", adapter, "--sparse-model", adapter, "--tasks",
                                 SOURCE_DIR "/datasets", "--max-tasks", "1", "--radii", "2", "--arms", "none",
                                 "--perf-repeats", "1", "--out-prefix", prefix);
  assert_int_equal(unsetenv("HF_HUB_CACHE"), 0);
  if (r.status != 0) fail_msg("%s", r.err);
  program_free(&r);
  json_t *record = json_load_file(path, 0, NULL);
  const json_t *sums = json_object_get(record, "sha256");
  for (size_t i = 0; i < 4; i++) {
    const char *sum = json_string_value(json_object_get(sums, parts_of[i]));
    if (!sum) fail_msg("no checksum of %s", parts_of[i]);
    assert_string_equal(sum, json_string_value(json_object_get(sums, parts_of[i % 2])));
  }
  assert_string_not_equal(json_string_value(json_object_get(sums, "model")),
                          json_string_value(json_object_get(sums, "adapter")));
  assert_string_equal(json_string_value(json_object_get(json_object_get(record, "options"), "device")), "cpu");
  json_decref(record);
  assert_int_equal(unlink(snapshot), 0);
  free(snapshot);
  for (size_t i = 3; i-- > 0;) {
    char *folder = program_path(cache, folders[i]);
    program_remove_folder(folder);
  }
  program_remove_folder(cache);
  free(path);
  free(prefix);
  program_remove_folder(adapter);
}

/* The adapter decides, as upstream, where a model lies beside it. A base may hold no adapter of its own. */
static void test_model_beside(void **state) {
  (void)state;
  static const char config[] =
      "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"base_model_name_or_path\": \"" BASE "\"}";
  shape s = shape_of_matrix();
  float *a = NULL;
  float *b = NULL;
  make_parts(s, &a, &b);
  char *adapter = program_make_folder();
  char *beside = make_changed_model(s, a, b, -4);
  const c2_tensor_out parts[] = {{"base_model.model." MATRIX ".lora_A.weight", C2_F32, 2, {RANK, s.columns}, a},
                                 {"base_model.model." MATRIX ".lora_B.weight", C2_F32, 2, {s.rows, RANK}, b}};
  quantiles expected;
  quantiles found;
  write_text(adapter, "adapter_config.json", config);
  write_parts(adapter, parts, 2);
  forecast_with(BASE, adapter, expected);
  write_text(beside, "adapter_config.json", config);
  write_parts(beside, parts, 2);
  forecast_with(beside, NULL, found);
  assert_memory_equal(found, expected, sizeof expected);
  const char *file = SOURCE_DIR "/datasets/nile_yearly.csv";
  program_result r = PROGRAM_RUN("forecast", file, "--horizon", "2", "-m", beside);
  assert_int_equal(r.status, 0);
  assert_int_equal(program_count(r.err, ": its adapter is merged into " BASE ", not into the model beside it"), 1);
  program_free(&r);
  r = PROGRAM_RUN("forecast", file, "--horizon", "2", "-m", adapter);
  assert_int_equal(program_count(r.err, "model beside it"), 0);
  program_free(&r);
  r = PROGRAM_RUN("forecast", file, "--horizon", "2", "-m", beside, "--adapter", adapter);
  program_assert_error(&r, 1, "holds an adapter of its own, and only one can be merged");
  program_remove_folder(beside);
  program_remove_folder(adapter);
  free(a);
  free(b);
}

/* An empty name would be that of the adapter's own folder. */
static void test_empty_base_name(void **state) {
  (void)state;
  static const char config[] =
      "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"base_model_name_or_path\": \"\"}";
  shape s = shape_of_matrix();
  float *a = NULL;
  float *b = NULL;
  make_parts(s, &a, &b);
  char *beside = make_changed_model(s, a, b, -4);
  const c2_tensor_out parts[] = {{"base_model.model." MATRIX ".lora_A.weight", C2_F32, 2, {RANK, s.columns}, a},
                                 {"base_model.model." MATRIX ".lora_B.weight", C2_F32, 2, {s.rows, RANK}, b}};
  write_text(beside, "adapter_config.json", config);
  write_parts(beside, parts, 2);
  program_result r = PROGRAM_RUN("forecast", SOURCE_DIR "/datasets/nile_yearly.csv", "--horizon", "2", "-m", beside);
  program_assert_error(&r, 1, "'base_model_name_or_path': expected the name of the base model, found an empty text");
  program_remove_folder(beside);
  free(a);
  free(b);
}

static void test_refusals(void **state) {
  (void)state;
  static const char good[] = "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3}";
  shape s = shape_of_matrix();
  float *a = NULL;
  float *b = NULL;
  make_parts(s, &a, &b);
  const c2_tensor_out fit[] = {{"base_model.model." MATRIX ".lora_A.weight", C2_F32, 2, {RANK, s.columns}, a},
                               {"base_model.model." MATRIX ".lora_B.weight", C2_F32, 2, {s.rows, RANK}, b},
                               {"base_model.model.stranger.lora_A.weight", C2_F32, 2, {RANK, s.columns}, a}};
  const c2_tensor_out wide[] = {{"base_model.model." MATRIX ".lora_A.weight", C2_F32, 2, {1, RANK * s.columns}, a},
                                fit[1]};
  const struct {
    const char *config;
    const c2_tensor_out *tensors;
    size_t count;
    const char *part;
  } cases[] = {{"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3", fit, 2, "adapter_config.json:1"},
               {"{\"peft_type\": \"IA3\", \"r\": 2, \"lora_alpha\": 3}", fit, 2, "'peft_type'"},
               {"{\"peft_type\": \"LORA\", \"r\": 0, \"lora_alpha\": 3}", fit, 2, "'r'"},
               {"{\"peft_type\": \"LORA\", \"r\": 2}", fit, 2, "'lora_alpha'"},
               {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"use_dora\": true}", fit, 2, "'use_dora'"},
               {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"init_lora_weights\": \"pissa_niter_4\"}",
                fit, 2, "'init_lora_weights': only plain LoRA can be merged"},
               {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"alora_invocation_tokens\": [1]}", fit, 2,
                "'alora_invocation_tokens'"},
               {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 1e300}", fit, 2,
                "adapter_model.safetensors: tensor '" MATRIX ".weight' with what is added to it: element "},
               {"{\"peft_type\": \"LORA\", \"r\": 3, \"lora_alpha\": 3}", fit, 2, "expected shape [3, "},
               {good, wide, 2, "expected shape [2, "},
               {good, fit, 1, "has no partner"},
               {good, fit, 3, "2 of 3 tensors"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *adapter = program_make_folder();
    write_text(adapter, "adapter_config.json", cases[i].config);
    write_parts(adapter, cases[i].tensors, cases[i].count);
    program_result r = PROGRAM_RUN("forecast", SOURCE_DIR "/datasets/nile_yearly.csv", "--horizon", "2", "-m", BASE,
                                   "--adapter", adapter);
    program_assert_error(&r, 1, cases[i].part);
    program_remove_folder(adapter);
  }
  free(a);
  free(b);
}

/* Whatever else PEFT's LoRA can do is refused by its name. */
static void test_not_plain(void **state) {
  (void)state;
  static const char *const set[][2] = {{"use_dora", "true"},
                                       {"fan_in_fan_out", "true"},
                                       {"bias", "\"all\""},
                                       {"modules_to_save", "[\"output_patch_embedding\"]"},
                                       {"rank_pattern", "{\"q\": 4}"},
                                       {"alpha_pattern", "{\"q\": 4}"},
                                       {"lora_bias", "true"},
                                       {"layer_replication", "[[0, 1]]"},
                                       {"use_qalora", "true"},
                                       {"exclude_modules", "\"k\""},
                                       {"use_bdlora", "{\"nblocks\": 2}"},
                                       {"alora_invocation_tokens", "[1]"},
                                       {"arrow_config", "{\"top_k\": 3}"},
                                       {"monteclora_config", "{\"n\": 1}"},
                                       {"kasa_config", "{\"n\": 1}"}};
  char *adapter = program_make_folder();
  for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) {
    char text[200];
    chronos2_model *model = NULL;
    (void)snprintf(text, sizeof text, "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"%s\": %s}",
                   set[i][0], set[i][1]);
    write_text(adapter, "adapter_config.json", text);
    chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .adapter = adapter};
    assert_int_equal(chronos2_model_open(BASE, &options, &model), CHRONOS2_ERROR_UNSUPPORTED);
    (void)snprintf(text, sizeof text, "'%s': only plain LoRA can be merged", set[i][0]);
    if (!strstr(chronos2_last_error(), text)) fail_msg("expected \"%s\" in %s", text, chronos2_last_error());
  }
  program_remove_folder(adapter);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_merge), cmocka_unit_test(test_bands),
                                     cmocka_unit_test(test_where_the_base_is), cmocka_unit_test(test_record),
                                     cmocka_unit_test(test_model_beside), cmocka_unit_test(test_empty_base_name),
                                     cmocka_unit_test(test_refusals), cmocka_unit_test(test_not_plain)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
