/* LoRA adapters in PEFT's format. */
#include "model/adapter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/platform.h"

static const char prefix[] = "base_model.model.";
static const char suffix_a[] = ".lora_A.weight";
static const char suffix_b[] = ".lora_B.weight";

c2_status c2_is_adapter(const char *folder, bool *found, c2_error *err) {
  char *path = NULL;
  C2_TRY(c2_path_join(&path, folder, "adapter_config.json", err));
  *found = c2_file_exists(path);
  free(path);
  return C2_OK;
}

/* ---- adapter_config.json --------------------------------------------------------------------- */

/* doc->path is to be freed too. */
static c2_status read_config(const char *folder, c2_json_document *doc, char **path, c2_error *err) {
  memset(doc, 0, sizeof *doc);
  C2_TRY(c2_path_join(path, folder, "adapter_config.json", err));
  doc->path = *path;
  doc->failure = C2_ERR_MODEL;
  doc->config = true;
  return c2_json_load(doc, err);
}

static c2_status find_base(const char *folder, const c2_json_document *doc, char **base, c2_error *err) {
  static const char key[] = "base_model_name_or_path";
  const c2_json *value = c2_json_get(doc->node, key);
  const char *name = c2_json_string(value);
  if (!name) {
    return c2_json_fail(doc, value ? value : doc->node, err, "'%s': expected a text, found %s", key,
                        c2_json_type_name(value));
  }
  if (!*name) {
    return c2_json_fail(doc, value, err, "'%s': expected the name of the base model, found an empty text", key);
  }
  C2_TRY(c2_find_folder(base, folder, name, err));
  if (*base) return C2_OK;
  return c2_json_fail(doc, value, err,
                      "the base model '%.200s' is no folder here; open the base model, with this folder as its adapter",
                      name);
}

c2_status c2_adapter_base(const char *folder, char **base, c2_error *err) {
  c2_json_document doc;
  char *path = NULL;
  *base = NULL;
  c2_status status = read_config(folder, &doc, &path, err);
  if (status == C2_OK) status = find_base(folder, &doc, base, err);
  c2_json_free(&doc);
  free(path);
  return status;
}

/* True for null, false, "", "none", [] and {}. */
static bool is_unset(const c2_json *value) {
  const char *text = c2_json_string(value);
  if (text) return *text == '\0' || strcmp(text, "none") == 0;
  if (c2_json_is(value, C2_JSON_ARRAY) || c2_json_is(value, C2_JSON_OBJECT)) return value->size == 0;
  return !value || value->type == C2_JSON_NULL || value->type == C2_JSON_FALSE;
}

/* True where training began with the base's own weights: the other ways (PiSSA, CorDA, OLoRA, LoftQ, LoRA-GA) change
 * the base as well, which then isn't the model that is here. */
static bool keeps_base(const c2_json *init) {
  static const char *const kept[] = {"gaussian", "eva", "orthogonal", "mica"};
  const char *text = c2_json_string(init);
  if (!text) return true;
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    if (strcmp(text, kept[i]) == 0) return true;
  }
  return false;
}

static c2_status not_plain(const c2_json_document *doc, const c2_json *value, const char *key, c2_error *err) {
  (void)c2_json_fail(doc, value, err, "'%s': only plain LoRA can be merged", key);
  if (err) err->code = C2_ERR_UNSUPPORTED;
  return C2_ERR_UNSUPPORTED;
}

static c2_status parse(c2_adapter *adapter, const c2_json_document *doc, c2_error *err) {
  static const char *const others[] = {"use_dora",     "fan_in_fan_out",    "bias",       "modules_to_save",
                                       "rank_pattern", "alpha_pattern",     "lora_bias",  "layer_replication",
                                       "use_qalora",   "exclude_modules",   "use_bdlora", "alora_invocation_tokens",
                                       "arrow_config", "monteclora_config", "kasa_config"};
  const c2_json *root = doc->node;
  const c2_json *type = c2_json_get(root, "peft_type");
  const c2_json *alpha = c2_json_get(root, "lora_alpha");
  const char *name = c2_json_string(type);
  double scale = 0;
  bool rslora = false;
  if (!name || strcmp(name, "LORA") != 0) {
    return c2_json_fail(doc, type ? type : root, err, "'peft_type': expected \"LORA\"");
  }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    const c2_json *other = c2_json_get(root, others[i]);
    if (!is_unset(other)) return not_plain(doc, other, others[i], err);
  }
  const c2_json *init = c2_json_get(root, "init_lora_weights");
  if (!keeps_base(init)) return not_plain(doc, init, "init_lora_weights", err);
  C2_TRY(c2_json_get_size(doc, root, "r", 1, 1 << 20, &adapter->rank, err));
  if (!c2_json_number(alpha, &scale)) {
    return c2_json_fail(doc, alpha ? alpha : root, err, "'lora_alpha': expected a number, found %s",
                        c2_json_type_name(alpha));
  }
  C2_TRY(c2_json_get_bool(doc, root, "use_rslora", &rslora, err));
  double r = (double)adapter->rank;
  adapter->scale = scale / (rslora ? sqrt(r) : r);
  return C2_OK;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

/* "encoder.x.weight" as the adapter names its A or B; NULL if there is none. */
static const c2_tensor *part(const c2_adapter *adapter, const c2_expected *tensor, const char *suffix) {
  char name[sizeof prefix + sizeof tensor->name + sizeof suffix_a];
  size_t stem = strlen(tensor->name);
  if (tensor->dims != 2 || stem < 7 || strcmp(tensor->name + stem - 7, ".weight") != 0) return NULL;
  (void)snprintf(name, sizeof name, "%s%.*s%s", prefix, (int)(stem - 7), tensor->name, suffix);
  return c2_safetensors_find(&adapter->file, name);
}

bool c2_adapter_changes(const c2_adapter *adapter, const c2_expected *tensor) {
  return adapter->rank > 0 && part(adapter, tensor, suffix_a) != NULL;
}

static c2_status check_part(const c2_adapter *adapter, const c2_tensor *t, size_t rows, size_t columns, c2_error *err) {
  if (t->dims != 2 || t->shape[0] != rows || t->shape[1] != columns) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s': expected shape [%zu, %zu]", adapter->file.path, t->name, rows,
            columns);
  }
  if (t->dtype != C2_F32 && t->dtype != C2_F16 && t->dtype != C2_BF16 && t->dtype != C2_F64) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s': expected F32, F16, BF16 or F64, found %s", adapter->file.path, t->name,
            c2_dtype_name(t->dtype));
  }
  return C2_OK;
}

static c2_status match(const c2_adapter *adapter, const chronos2_model *model, c2_error *err) {
  size_t used = 0;
  for (size_t i = 0; i < model->expected_count; i++) {
    const c2_expected *e = &model->expected[i];
    const c2_tensor *a = part(adapter, e, suffix_a);
    const c2_tensor *b = part(adapter, e, suffix_b);
    if (!a && !b) continue;
    if (!a || !b) {
      C2_FAIL(err, C2_ERR_MODEL, "%s: tensor '%s' has no partner", adapter->file.path, a ? a->name : b->name);
    }
    C2_TRY(check_part(adapter, a, adapter->rank, e->shape[1], err));
    C2_TRY(check_part(adapter, b, e->shape[0], adapter->rank, err));
    used += 2;
  }
  if (used == 0 || used != adapter->file.count) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: %zu of %zu tensors belong to matrices of this model", adapter->file.path, used,
            adapter->file.count);
  }
  return C2_OK;
}

c2_status c2_adapter_open(c2_adapter *adapter, const char *folder, const chronos2_model *model, c2_error *err) {
  c2_json_document doc;
  char *path = NULL;
  char *weights = NULL;
  memset(adapter, 0, sizeof *adapter);
  c2_status status = read_config(folder, &doc, &path, err);
  if (status == C2_OK) status = parse(adapter, &doc, err);
  if (status == C2_OK) status = c2_path_join(&weights, folder, "adapter_model.safetensors", err);
  if (status == C2_OK) status = c2_safetensors_open(&adapter->file, weights, err);
  if (status == C2_OK) status = match(adapter, model, err);
  c2_json_free(&doc);
  free(path);
  free(weights);
  return status;
}

void c2_adapter_close(c2_adapter *adapter) {
  c2_safetensors_close(&adapter->file);
  memset(adapter, 0, sizeof *adapter);
}

uint64_t c2_adapter_digest(const c2_adapter *adapter) {
  c2_hash h;
  c2_hash_begin(&h);
  c2_hash_add(&h, &adapter->scale, sizeof adapter->scale);
  c2_hash_add(&h, &adapter->rank, sizeof adapter->rank);
  for (size_t i = 0; i < adapter->file.count; i++) {
    const c2_tensor *t = &adapter->file.tensors[i];
    const uint64_t type = (uint64_t)t->dtype;
    c2_hash_add(&h, t->name, strlen(t->name) + 1);
    c2_hash_add(&h, &type, sizeof type);
    c2_hash_add(&h, t->data, t->bytes);
  }
  return c2_hash_end(&h);
}

c2_status c2_adapter_add(const c2_adapter *adapter, const c2_expected *tensor, size_t first, size_t rows, float *values,
                         c2_error *err) {
  const c2_tensor *a = part(adapter, tensor, suffix_a);
  const c2_tensor *b = part(adapter, tensor, suffix_b);
  size_t in = tensor->shape[1];
  size_t rank = adapter->rank;
  float *left = NULL;
  float *right = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(a->elements, sizeof *right, &right, err));
  C2_GOTO(c2_alloc_array(b->elements, sizeof *left, &left, err));
  c2_tensor_to_float(a, right);
  c2_tensor_to_float(b, left);
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < in; j++) {
      double sum = 0;
      for (size_t k = 0; k < rank; k++) sum += (double)left[(first + i) * rank + k] * (double)right[k * in + j];
      values[i * in + j] = (float)((double)values[i * in + j] + adapter->scale * sum);
    }
  }
fail:
  free(left);
  free(right);
  return status;
}
