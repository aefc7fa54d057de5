/* Weights as people have them: PyTorch's wrappers in the names, float64, files that were never fetched, pickles. */
#include <math.h>

#include "base/safetensors.h"
#include "program.h"

#include <chronos2.h>

enum { LENGTH = 100, HORIZON = 8 };

static const char source[] = SOURCE_DIR "/tests/golden/model-odd/weights";

/* A folder with the model's configuration. */
static char *make_model_folder(void) {
  char *folder = program_make_folder();
  char *text = NULL;
  size_t size = 0;
  char *path = program_path(folder, "config.json");
  assert_int_equal(c2_read_file(SOURCE_DIR "/tests/golden/model-odd/weights/config.json", &text, &size, NULL), C2_OK);
  program_write_file(path, text, size);
  free(text);
  free(path);
  return folder;
}

/* A safetensors file by hand: the library writes no float64, and sorts no names. */
static void write_weights(const char *path, const c2_safetensors *from, const char *(*name_of)(size_t, const char *),
                          bool wide) {
  char *header = calloc(1, 1 << 20);
  size_t at = 8;
  size_t data = 0;
  FILE *file = fopen(path, "wb");
  assert_non_null(header);
  assert_non_null(file);
  size_t width = wide ? 8 : 4;
  at += (size_t)sprintf(header + at, "{");
  for (size_t i = 0; i < from->count; i++) {
    const c2_tensor *t = &from->tensors[i];
    at += (size_t)sprintf(header + at, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "", name_of(i, t->name),
                          wide ? "F64" : "F32");
    for (size_t d = 0; d < t->dims; d++) at += (size_t)sprintf(header + at, "%s%zu", d ? "," : "", t->shape[d]);
    at += (size_t)sprintf(header + at, "],\"data_offsets\":[%zu,%zu]}", data, data + width * t->elements);
    data += width * t->elements;
  }
  at += (size_t)sprintf(header + at, "}");
  for (size_t i = 0; i < 8; i++) header[i] = (char)((at - 8) >> (8 * i) & 0xff);
  assert_int_equal(fwrite(header, 1, at, file), at);
  for (size_t i = 0; i < from->count; i++) {
    const c2_tensor *t = &from->tensors[i];
    float *values = calloc(t->elements, sizeof *values);
    c2_tensor_to_float(t, values);
    for (size_t j = 0; j < t->elements; j++) {
      double value = (double)values[j];
      if (wide) assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
      if (!wide) assert_int_equal(fwrite(&values[j], sizeof values[j], 1, file), 1);
    }
    free(values);
  }
  assert_int_equal(fclose(file), 0);
  free(header);
}

static const char *join(const char *before, const char *name) {
  static char text[256];
  (void)snprintf(text, sizeof text, "%s%s", before, name);
  return text;
}

static const char *plain(size_t i, const char *name) {
  (void)i;
  return name;
}

static const char *compiled(size_t i, const char *name) {
  (void)i;
  return join("_orig_mod.", name);
}

static const char *parallel(size_t i, const char *name) {
  (void)i;
  return join("module._orig_mod.", name);
}

/* torch.compile of one part of a model. */
static const char *compiled_part(size_t i, const char *name) {
  (void)i;
  return strncmp(name, "encoder.", 8) == 0 ? join("encoder._orig_mod.", name + 8) : name;
}

/* The second tensor, wrapped, by the name of the first. */
static const char *twice(size_t i, const char *name) {
  return i == 1 ? "module.encoder.block.0.layer.0.layer_norm.weight" : name;
}

static void forecast(const char *folder, double *out) {
  double values[LENGTH];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *f = NULL;
  for (size_t i = 0; i < LENGTH; i++) values[i] = 5 + sin((double)i);
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = values};
  chronos2_status status = chronos2_model_open(folder, NULL, &model);
  if (status != CHRONOS2_OK) fail_msg("%s", chronos2_last_error());
  assert_int_equal(chronos2_session_open(model, NULL, &session), CHRONOS2_OK);
  assert_int_equal(chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                                     .horizon = HORIZON}, &f),
                   CHRONOS2_OK);
  memcpy(out, chronos2_forecast_median(f, 0, 0), HORIZON * sizeof *out);
  chronos2_forecast_free(&f);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

static void test_names(void **state) {
  (void)state;
  static const char *(*const names[])(size_t, const char *) = {plain, compiled, parallel, compiled_part};
  double expected[HORIZON];
  double found[HORIZON];
  c2_safetensors from;
  char *folder = make_model_folder();
  char *path = program_path(folder, "model.safetensors");
  assert_int_equal(c2_safetensors_open(&from, SOURCE_DIR "/tests/golden/model-odd/weights/model.safetensors", NULL),
                   C2_OK);
  forecast(source, expected);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    for (int wide = 0; wide < 2; wide++) {
      write_weights(path, &from, names[i], wide);
      forecast(folder, found);
      assert_memory_equal(found, expected, sizeof found);
    }
  }
  free(path);
  c2_safetensors_close(&from);
  program_remove_folder(folder);
}

static void expect_refusal(const char *folder, chronos2_status status, const char *text) {
  chronos2_model *model = NULL;
  assert_int_equal(chronos2_model_open(folder, NULL, &model), status);
  assert_null(model);
  if (!strstr(chronos2_last_error(), text)) fail_msg("expected '%s' in: %s", text, chronos2_last_error());
}

static void test_refusals(void **state) {
  (void)state;
  static const char pointer[] =
      "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 4300000\n";
  c2_safetensors from;
  char *folder = make_model_folder();
  char *path = program_path(folder, "model.safetensors");
  char *pickle = program_path(folder, "pytorch_model.bin");
  expect_refusal(folder, CHRONOS2_ERROR_IO, "model.safetensors: cannot open");
  program_write_file(pickle, "PK", 2);
  expect_refusal(folder, CHRONOS2_ERROR_MODEL, "holds its weights as pytorch_model.bin, which is not read");
  program_write_file(path, pointer, sizeof pointer - 1);
  expect_refusal(folder, CHRONOS2_ERROR_FORMAT,
                 "model.safetensors: is a git-lfs pointer: fetch the file with git lfs pull");
  assert_int_equal(c2_safetensors_open(&from, SOURCE_DIR "/tests/golden/model-odd/weights/model.safetensors", NULL),
                   C2_OK);
  assert_string_equal(from.tensors[0].name, "encoder.block.0.layer.0.layer_norm.weight");
  write_weights(path, &from, twice, false);
  expect_refusal(folder, CHRONOS2_ERROR_FORMAT, "is there twice");
  c2_safetensors_close(&from);
  free(path);
  free(pickle);
  program_remove_folder(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
