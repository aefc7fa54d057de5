/* Opening a model folder: which files, which tensors, checked one by one. */
#include "model/open.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/platform.h"
#include "base/random.h"
#include "base/text.h"
#include "base/threads.h"
#include "model/adapter.h"
#include "model/config.h"
#include "model/expected.h"
#include "model/reading.h"
#include "model/training.h"

static c2_status open_file(chronos2_model *model, const char *folder, const char *name, c2_error *err) {
  char *path = NULL;
  C2_TRY(c2_path_join(&path, folder, name, err));
  c2_status status = c2_safetensors_open_header(&model->files[model->file_count], path, err);
  if (status == C2_OK) model->file_count++;
  free(path);
  return status;
}

/* Opens each file that the index's weight_map names, once, and checks that it holds what the map says. */
static c2_status open_shards(chronos2_model *model, const char *folder, const c2_json_document *doc, const c2_json *map,
                             c2_error *err) {
  C2_TRY(c2_alloc_array(c2_json_size(map) + 1, sizeof *model->files, &model->files, err));
  const char **names = NULL;
  C2_TRY(c2_alloc_array(c2_json_size(map) + 1, sizeof *names, &names, err));
  c2_status status = C2_OK;
  C2_JSON_EACH (tensor, map) {
    const char *name = c2_json_string(tensor + 1);
    if (!name || !*name || strchr(name, '/') || name[0] == '.') {
      C2_GOTO(c2_json_fail(doc, tensor + 1, err, "tensor '%.200s': expected the name of a file in the same folder",
                           tensor->text));
    }
    size_t i = 0;
    while (i < model->file_count && strcmp(names[i], name) != 0) i++;
    if (i == model->file_count) {
      C2_GOTO(open_file(model, folder, name, err));
      names[i] = name;
    }
    if (!c2_safetensors_find(&model->files[i], tensor->text)) {
      C2_GOTO(c2_json_fail(doc, tensor, err, "tensor '%.200s' is not in %s", tensor->text, model->files[i].path));
    }
  }
fail:
  free(names);
  return status;
}

static c2_status open_index(chronos2_model *model, const char *folder, const char *path, c2_error *err) {
  c2_json_document doc = {.path = path, .failure = C2_ERR_MODEL, .config = true};
  c2_status status = c2_json_load(&doc, err);
  const c2_json *map = status == C2_OK ? c2_json_get(doc.node, "weight_map") : NULL;
  if (status == C2_OK && !c2_json_is(map, C2_JSON_OBJECT)) {
    status = c2_json_fail(&doc, map ? map : doc.node, err, "'weight_map': expected an object, found %s",
                          c2_json_type_name(map));
  }
  if (status == C2_OK) status = open_shards(model, folder, &doc, map, err);
  c2_json_free(&doc);
  return status;
}

/* Takes out what PyTorch's wrappers put into a name: "_orig_mod." (torch.compile) wherever a part of the name begins,
 * "module." (DataParallel) in front. */
static void unwrap(char *name) {
  static const char compiled[] = "_orig_mod.";
  static const char parallel[] = "module.";
  enum { COMPILED = sizeof compiled - 1, PARALLEL = sizeof parallel - 1 };
  char *to = name;
  for (const char *at = name; *at;) {
    if (strncmp(at, compiled, COMPILED) == 0) {
      at += COMPILED;
    } else if (to == name && strncmp(at, parallel, PARALLEL) == 0) {
      at += PARALLEL;
    } else {
      size_t part = strcspn(at, ".");
      part += at[part] == '.';
      memmove(to, at, part);
      to += part;
      at += part;
    }
  }
  *to = '\0';
}

static c2_status unwrap_all(chronos2_model *model, c2_error *err) {
  for (size_t f = 0; f < model->file_count; f++) {
    for (size_t i = 0; i < model->files[f].count; i++) unwrap(model->files[f].tensors[i].name);
    C2_TRY(c2_safetensors_sort(&model->files[f], err));
  }
  return C2_OK;
}

/* Names weights of another format for what they are, where there are no safetensors. */
static c2_status refuse_pickle(const char *folder, c2_error *err) {
  static const char *const names[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char *path = NULL;
    C2_TRY(c2_path_join(&path, folder, names[i], err));
    bool found = c2_file_exists(path);
    free(path);
    if (!found) continue;
    C2_FAIL(err, C2_ERR_MODEL,
            "%s: holds its weights as %s, which is not read; expected model.safetensors: load the model in Python and "
            "write it with save_pretrained(folder, safe_serialization=True)",
            folder, names[i]);
  }
  return C2_OK;
}

static c2_status open_files(chronos2_model *model, const char *folder, c2_error *err) {
  char *single = NULL;
  char *index = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_path_join(&single, folder, "model.safetensors", err));
  C2_GOTO(c2_path_join(&index, folder, "model.safetensors.index.json", err));
  if (!c2_file_exists(single) && c2_file_exists(index)) {
    C2_GOTO(open_index(model, folder, index, err));
  } else {
    if (!c2_file_exists(single)) C2_GOTO(refuse_pickle(folder, err));
    C2_GOTO(c2_alloc_array(1, sizeof *model->files, &model->files, err));
    C2_GOTO(open_file(model, folder, "model.safetensors", err));
  }
  C2_GOTO(unwrap_all(model, err));
fail:
  free(single);
  free(index);
  return status;
}

static void print_shape(char *out, size_t room, size_t dims, const size_t *shape) {
  size_t n = (size_t)snprintf(out, room, "[");
  for (size_t d = 0; d < dims; d++) n += (size_t)snprintf(out + n, room - n, "%s%zu", d ? ", " : "", shape[d]);
  (void)snprintf(out + n, room - n, "]");
}

static c2_status check_tensor(const c2_expected *e, const c2_safetensors *file, const c2_tensor *t, c2_error *err) {
  bool same = t->dims == e->dims && t->shape[0] == e->shape[0] && (e->dims < 2 || t->shape[1] == e->shape[1]);
  if (!same) {
    char expected[C2_MAX_DIMS * 24 + 3];
    char found[C2_MAX_DIMS * 24 + 3];
    print_shape(expected, sizeof expected, e->dims, e->shape);
    print_shape(found, sizeof found, t->dims, t->shape);
    C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s': expected shape %s, found %s", file->path, e->name, expected, found);
  }
  if (t->dtype != C2_F32 && t->dtype != C2_F16 && t->dtype != C2_BF16 && t->dtype != C2_F64) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s': expected F32, F16, BF16 or F64, found %s", file->path, e->name,
            c2_dtype_name(t->dtype));
  }
  return C2_OK;
}

static bool is_expected(const chronos2_model *model, const char *name) {
  for (size_t i = 0; i < model->expected_count; i++) {
    if (strcmp(model->expected[i].name, name) == 0) return true;
  }
  return false;
}

/* Every expected tensor once, with its shape, and no other. */
static c2_status match(chronos2_model *model, const char *folder, c2_error *err) {
  for (size_t i = 0; i < model->expected_count; i++) {
    c2_expected *e = &model->expected[i];
    for (size_t f = 0; f < model->file_count; f++) {
      const c2_tensor *t = c2_safetensors_find(&model->files[f], e->name);
      if (!t) continue;
      if (e->file) C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s' is there twice", model->files[f].path, e->name);
      C2_TRY(check_tensor(e, &model->files[f], t, err));
      e->file = &model->files[f];
      e->tensor = t;
    }
    if (!e->file) C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s' is missing", folder, e->name);
  }
  for (size_t f = 0; f < model->file_count; f++) {
    for (size_t i = 0; i < model->files[f].count; i++) {
      const char *name = model->files[f].tensors[i].name;
      if (!is_expected(model, name)) {
        C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s' does not belong to this model", model->files[f].path, name);
      }
    }
  }
  return C2_OK;
}

static c2_status open_copies(chronos2_model *model, c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof *model->copies, &model->copies, err));
  return c2_mutex_open(&model->copies->mutex, err);
}

/* Warns of a model beside the adapter, which isn't its base. Refuses a base that holds another adapter. */
static c2_status check_adapter(chronos2_model *model, const char *base, const char *folder, c2_error *err) {
  char *path = NULL;
  bool found = false;
  if (c2_same_file(folder, base)) return C2_OK;
  C2_TRY(c2_path_join(&path, folder, "config.json", err));
  if (c2_file_exists(path)) {
    c2_model_warn(model, "%s: its adapter is merged into %s, not into the model beside it", folder, base);
  }
  free(path);
  C2_TRY(c2_is_adapter(base, &found, err));
  if (found) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: holds an adapter of its own, and only one can be merged; not also %s", base,
            folder);
  }
  return C2_OK;
}

static c2_status open_adapter(chronos2_model *model, const char *folder, c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof *model->adapter, &model->adapter, err));
  return c2_adapter_open(model->adapter, folder, model, err);
}

static c2_status open_model(const char *folder, const char *adapter_folder, const chronos2_model_options *options,
                            chronos2_model **out, c2_error *err) {
  c2_status status = C2_OK;
  chronos2_model *model = NULL;
  C2_GOTO(c2_alloc_array(1, sizeof *model, &model, err));
  C2_GOTO(open_copies(model, err));
  if (adapter_folder) C2_GOTO(check_adapter(model, folder, adapter_folder, err));
  model->dtype = options->dtype;
  C2_GOTO(c2_config_read(folder, &model->config, &model->trained, err));
  C2_GOTO(open_files(model, folder, err));
  C2_GOTO(c2_expected_list(model, err));
  C2_GOTO(match(model, folder, err));
  C2_GOTO(c2_expected_bind(model, err));
  if (adapter_folder) C2_GOTO(open_adapter(model, adapter_folder, err));
  *out = model;
  model = NULL;
fail:
  c2_model_close(&model);
  return status;
}

c2_status c2_model_open(const char *folder, const chronos2_model_options *options, chronos2_model **out,
                        c2_error *err) {
  char *base = NULL;
  const char *adapter = options->adapter;
  *out = NULL;
  if (!c2_is_directory(folder)) C2_FAIL(err, C2_ERR_IO, "%s: expected a model folder", folder);
  bool is_adapter = false;
  if (!adapter) C2_TRY(c2_is_adapter(folder, &is_adapter, err));
  if (is_adapter) {
    C2_TRY(c2_adapter_base(folder, &base, err));
    adapter = folder;
  }
  c2_status status = open_model(base ? base : folder, adapter, options, out, err);
  free(base);
  return status;
}

c2_status c2_model_random(const chronos2_config *config, uint64_t seed, const chronos2_model_options *options,
                          chronos2_model **out, c2_error *err) {
  c2_status status = C2_OK;
  chronos2_model *model = NULL;
  float **values = NULL;
  *out = NULL;
  C2_TRY(c2_config_check(config, "configuration", err));
  C2_GOTO(c2_alloc_array(1, sizeof *model, &model, err));
  C2_GOTO(open_copies(model, err));
  model->config = *config;
  C2_GOTO(c2_trained_read(NULL, &model->trained, err)); /* full attention */
  model->dtype = options->dtype;
  model->config.initializer_factor = 1; /* visible attention; the spread does not matter for speed */
  C2_GOTO(c2_expected_list(model, err));
  C2_GOTO(c2_raw_open(model, &model->raw, &values, err));
  for (size_t i = 0; i < model->expected_count; i++) {
    const c2_expected *e = &model->expected[i];
    size_t n = e->shape[0] * e->shape[1];
    bool norm = strstr(e->name, "norm") != NULL;
    for (size_t j = 0; j < n; j++) { /* uniform with the initial deviation */
      double u = (double)(c2_random_next(&seed) >> 11) * 0x1p-53;
      values[i][j] = norm ? 1.0f : (float)((u - 0.5) * sqrt(12) * e->initial_deviation);
    }
  }
  model->raw.values = (const float **)values;
  values = NULL;
  C2_GOTO(c2_expected_bind(model, err));
  *out = model;
  model = NULL;
fail:
  free(values);
  c2_model_close(&model);
  return status;
}

void c2_model_warn(chronos2_model *model, const char *format, ...) {
  char line[(C2_WARNING_ROOM - 12) / 3]; /* more than three are never said */
  size_t used = strlen(model->warning);
  va_list args;
  va_start(args, format);
  c2_text_format(line, sizeof line, format, args);
  va_end(args);
  (void)snprintf(model->warning + used, sizeof model->warning - used, "%s%s", used > 0 ? "; " : "", line);
}

c2_status c2_model_settle(chronos2_model *model, c2_error *err) {
  C2_TRY(c2_training_of(model, &model->training, err));
  for (size_t f = 0; f < model->file_count; f++) C2_TRY(c2_infile_check(&model->files[f].file, err));
  return C2_OK;
}

void c2_model_close(chronos2_model **out) {
  chronos2_model *model = *out;
  *out = NULL;
  if (!model) return;
  for (size_t i = 0; i < model->file_count; i++) c2_safetensors_close(&model->files[i]);
  free(model->files);
  free(model->expected);
  free(model->weights.layer);
  if (model->adapter) c2_adapter_close(model->adapter);
  free(model->adapter);
  c2_raw_free(&model->raw);
  if (model->prepared.weights) model->prepared.close(model->prepared.weights);
  if (model->copies) c2_mutex_close(&model->copies->mutex);
  free(model->copies);
  free(model);
}
