/* Reading and checking config.json. Unknown keys are ignored: folders carry keys of their writers. */
#include "model/config.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"

enum { MAX_QUANTILES = sizeof(((chronos2_config *)0)->quantile_levels) / sizeof(double) };

typedef struct reader {
  const char *path;
  c2_error *err;
} reader;

static c2_status read_size(const reader *r, const json_t *object, const char *key, size_t *out) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > 1 << 24) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': expected a whole number from 1 to 2^24%s", r->path, key,
            value ? "" : ", found nothing");
  }
  *out = (size_t)json_integer_value(value);
  return C2_OK;
}

static c2_status read_number(const reader *r, const json_t *object, const char *key, double standard, double *out) {
  const json_t *value = json_object_get(object, key);
  *out = value ? json_number_value(value) : standard;
  if (value && (!json_is_number(value) || !isfinite(*out))) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': expected a number", r->path, key);
  }
  return C2_OK;
}

static c2_status read_bool(const reader *r, const json_t *object, const char *key, bool standard, bool *out) {
  const json_t *value = json_object_get(object, key);
  if (value && !json_is_boolean(value)) C2_FAIL(r->err, C2_ERR_MODEL, "%s: '%s': expected true or false", r->path, key);
  *out = value ? json_is_true(value) : standard;
  return C2_OK;
}

static c2_status read_quantiles(const reader *r, const json_t *chronos, chronos2_config *config) {
  const json_t *levels = json_object_get(chronos, "quantiles");
  if (!json_is_array(levels) || json_array_size(levels) < 1 || json_array_size(levels) > MAX_QUANTILES) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: 'quantiles': expected a list of 1 to %d levels", r->path, MAX_QUANTILES);
  }
  config->quantiles = json_array_size(levels);
  for (size_t i = 0; i < config->quantiles; i++) {
    const json_t *level = json_array_get(levels, i);
    config->quantile_levels[i] = json_number_value(level);
    double before = i > 0 ? config->quantile_levels[i - 1] : 0;
    if (!json_is_number(level) || config->quantile_levels[i] <= before || config->quantile_levels[i] >= 1) {
      C2_FAIL(r->err, C2_ERR_MODEL, "%s: 'quantiles': expected rising levels between 0 and 1", r->path);
    }
  }
  return C2_OK;
}

/* The name of the class: "Chronos2Model" as upstream writes it now, or "Chronos2ForecastingModel"-like
 * spellings of earlier conversions; a missing list is accepted, another model's name is not. */
static c2_status check_architecture(const reader *r, const json_t *root) {
  const json_t *names = json_object_get(root, "architectures");
  if (!names || json_is_null(names)) return C2_OK;
  const char *name = json_string_value(json_array_get(names, 0));
  if (!name || json_array_size(names) != 1) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: 'architectures': expected a list of one name", r->path);
  }
  if (strncmp(name, "Chronos2", 8) != 0) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: 'architectures': expected Chronos2Model, found '%s'", r->path, name);
  }
  return C2_OK;
}

static c2_status read_chronos(const reader *r, const json_t *chronos, chronos2_config *c) {
  size_t stride = 0;
  size_t output_patch = 0;
  if (!json_is_object(chronos)) C2_FAIL(r->err, C2_ERR_MODEL, "%s: 'chronos_config': expected an object", r->path);
  C2_TRY(read_size(r, chronos, "context_length", &c->context_length));
  C2_TRY(read_size(r, chronos, "input_patch_size", &c->patch));
  C2_TRY(read_size(r, chronos, "input_patch_stride", &stride));
  C2_TRY(read_size(r, chronos, "output_patch_size", &output_patch));
  if (stride != c->patch || output_patch != c->patch) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: expected input_patch_size, input_patch_stride and output_patch_size to be equal",
            r->path);
  }
  c->max_output_patches = 1;
  if (json_object_get(chronos, "max_output_patches")) {
    C2_TRY(read_size(r, chronos, "max_output_patches", &c->max_output_patches));
  }
  C2_TRY(read_quantiles(r, chronos, c));
  C2_TRY(read_bool(r, chronos, "use_arcsinh", false, &c->use_arcsinh));
  C2_TRY(read_bool(r, chronos, "use_reg_token", false, &c->use_reg_token));
  const json_t *scale = json_object_get(chronos, "time_encoding_scale");
  c->time_encoding_scale = (double)c->context_length;
  if (scale && !json_is_null(scale)) {
    C2_TRY(read_number(r, chronos, "time_encoding_scale", 0, &c->time_encoding_scale));
  }
  return C2_OK;
}

static c2_status read_root(const reader *r, const json_t *root, chronos2_config *c) {
  if (!json_is_object(root)) C2_FAIL(r->err, C2_ERR_MODEL, "%s: expected a JSON object", r->path);
  C2_TRY(check_architecture(r, root));
  C2_TRY(read_size(r, root, "d_model", &c->d_model));
  C2_TRY(read_size(r, root, "d_kv", &c->d_kv));
  C2_TRY(read_size(r, root, "d_ff", &c->d_ff));
  C2_TRY(read_size(r, root, "num_layers", &c->layers));
  C2_TRY(read_size(r, root, "num_heads", &c->heads));
  C2_TRY(read_number(r, root, "layer_norm_epsilon", 1e-6, &c->layer_norm_epsilon));
  C2_TRY(read_number(r, root, "rope_theta", 10000, &c->rope_theta));
  C2_TRY(read_number(r, root, "initializer_factor", 0.05, &c->initializer_factor));
  const json_t *activation = json_object_get(root, "feed_forward_proj");
  if (activation && (!json_is_string(activation) || strcmp(json_string_value(activation), "relu") != 0)) {
    C2_FAIL(r->err, C2_ERR_MODEL, "%s: 'feed_forward_proj': expected \"relu\"", r->path);
  }
  C2_TRY(read_chronos(r, json_object_get(root, "chronos_config"), c));
  return c2_config_check(c, r->path, r->err);
}

c2_status c2_config_check(const chronos2_config *c, const char *where, c2_error *err) {
  const size_t limit = 1 << 16;
  if (c->d_model < 1 || c->d_model > limit || c->d_kv < 1 || c->d_kv > 1024 || c->d_ff < 1 || c->d_ff > limit ||
      c->layers < 1 || c->layers > 1024 || c->heads < 1 || c->heads > 1024 || c->heads * c->d_kv > limit) {
    C2_FAIL(err, C2_ERR_MODEL,
            "%s: d_model %zu, d_kv %zu, d_ff %zu, %zu layers, %zu heads: beyond what this engine takes", where,
            c->d_model, c->d_kv, c->d_ff, c->layers, c->heads);
  }
  if (c->d_kv % 2 != 0) C2_FAIL(err, C2_ERR_MODEL, "%s: d_kv %zu: rotary embedding needs an even size", where, c->d_kv);
  if (c->patch < 1 || c->patch > 1024)
    C2_FAIL(err, C2_ERR_MODEL, "%s: input_patch_size %zu: expected 1 to 1024", where, c->patch);
  if (c->context_length < 1 || c->context_length > 1 << 24 || c->max_output_patches < 1) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: context_length and max_output_patches must be at least 1", where);
  }
  if (!(c->time_encoding_scale > 0) || !(c->rope_theta > 0) || !(c->layer_norm_epsilon >= 0)) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: time_encoding_scale, rope_theta and layer_norm_epsilon must be positive", where);
  }
  if (!c->use_reg_token)
    C2_FAIL(err, C2_ERR_MODEL, "%s: 'use_reg_token': models without the REG token are not supported", where);
  if (c->quantiles < 1 || c->quantiles > MAX_QUANTILES || c2_config_median(c) == c->quantiles) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: 'quantiles': expected the level 0.5 among them", where);
  }
  return C2_OK;
}

size_t c2_config_median(const chronos2_config *config) {
  size_t i = 0;
  while (i < config->quantiles && config->quantile_levels[i] != 0.5) i++;
  return i;
}

c2_status c2_config_read(const char *folder, chronos2_config *config, c2_trained *trained, c2_error *err) {
  c2_status status = C2_OK;
  char *text = NULL;
  json_t *root = NULL;
  size_t size = 0;
  size_t room = strlen(folder) + sizeof "/config.json";
  char *path = NULL;
  memset(config, 0, sizeof *config);
  C2_TRY(c2_alloc_array(room, 1, &path, err));
  (void)snprintf(path, room, "%s/config.json", folder);
  C2_GOTO(c2_read_file(path, &text, &size, err));
  json_error_t where;
  root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
  if (!root) {
    C2_GOTO(c2_fail(err, C2_ERR_MODEL, "%s:%d:%d: %s", path, where.line, where.column, where.text));
  }
  C2_GOTO(read_root(&(reader){path, err}, root, config));
  C2_GOTO(c2_trained_read(root, path, trained, err));
fail:
  json_decref(root);
  free(text);
  free(path);
  return status;
}

c2_status c2_config_named(const char *name, chronos2_config *config, c2_error *err) {
  static const struct {
    const char *name;
    size_t d_model, d_kv, d_ff, layers, heads, context, patches;
  } shapes[] = {{"base", 768, 64, 3072, 12, 12, 8192, 64},
                {"small", 512, 64, 2048, 6, 8, 8192, 64},
                {"micro", 160, 32, 640, 4, 5, 2048, 16}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    if (strcmp(name, shapes[i].name) != 0) continue;
    *config = (chronos2_config){.d_model = shapes[i].d_model,
                                .d_kv = shapes[i].d_kv,
                                .d_ff = shapes[i].d_ff,
                                .layers = shapes[i].layers,
                                .heads = shapes[i].heads,
                                .patch = 16,
                                .context_length = shapes[i].context,
                                .max_output_patches = shapes[i].patches,
                                .quantiles = 21,
                                .time_encoding_scale = (double)shapes[i].context,
                                .layer_norm_epsilon = 1e-6,
                                .rope_theta = 10000,
                                .initializer_factor = 0.05,
                                .use_arcsinh = true,
                                .use_reg_token = true};
    config->quantile_levels[0] = 0.01;
    for (size_t q = 1; q < 20; q++) config->quantile_levels[q] = (double)(5 * q) / 100;
    config->quantile_levels[20] = 0.99;
    return C2_OK;
  }
  C2_FAIL(err, C2_ERR_ARGUMENT, "unknown shape '%s': expected base, small or micro", name);
}
