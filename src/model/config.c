/* Reading and checking config.json. Unknown keys of its root are ignored: folders carry keys of their writers. */
#include "model/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/platform.h"
#include "base/text.h"

enum { MAX_QUANTILES = sizeof(((chronos2_config *)0)->quantile_levels) / sizeof(double) };

/* A config.json while it is read. */
typedef struct reader {
  const c2_json_document *doc;
  c2_error *err;
} reader;

static c2_status read_size(const reader *r, const c2_json *object, const char *key, size_t *out) {
  return c2_json_get_size(r->doc, object, key, 1, 1 << 24, out, r->err);
}

static c2_status read_quantiles(const reader *r, const c2_json *chronos, chronos2_config *config) {
  const c2_json *levels = c2_json_get(chronos, "quantiles");
  if (!c2_json_is(levels, C2_JSON_ARRAY) || levels->size < 1 || levels->size > MAX_QUANTILES) {
    return c2_json_fail(r->doc, levels ? levels : chronos, r->err, "'quantiles': expected a list of 1 to %d levels",
                        MAX_QUANTILES);
  }
  double before = 0;
  config->quantiles = 0;
  C2_JSON_EACH (level, levels) {
    double value = 0;
    if (!c2_json_number(level, &value) || value <= before || value >= 1) {
      return c2_json_fail(r->doc, level, r->err, "'quantiles': expected rising levels between 0 and 1");
    }
    config->quantile_levels[config->quantiles++] = before = value;
  }
  return C2_OK;
}

/* The name of the class: "Chronos2Model" as upstream writes it now, or "Chronos2ForecastingModel"-like
 * spellings of earlier conversions; a missing list is accepted, another model's name is not. */
static c2_status check_architecture(const reader *r, const c2_json *root) {
  const c2_json *names = c2_json_get(root, "architectures");
  if (!names || names->type == C2_JSON_NULL) return C2_OK;
  const char *name = c2_json_is(names, C2_JSON_ARRAY) ? c2_json_string(c2_json_first(names)) : NULL;
  if (!name || names->size != 1) {
    return c2_json_fail(r->doc, names, r->err, "'architectures': expected a list of one name");
  }
  if (strncmp(name, "Chronos2", 8) != 0) {
    return c2_json_fail(r->doc, names, r->err, "'architectures': expected Chronos2Model, found '%.80s'", name);
  }
  return C2_OK;
}

static c2_status read_chronos(const reader *r, const c2_json *chronos, chronos2_config *c) {
  static const char *const known[] = {
      "context_length", "input_patch_size",   "input_patch_stride",  "output_patch_size", "quantiles", "use_reg_token",
      "use_arcsinh",    "max_output_patches", "time_encoding_scale", NULL};
  size_t stride = 0;
  size_t output_patch = 0;
  C2_TRY(c2_json_refuse_others(r->doc, chronos, known, r->err));
  C2_TRY(read_size(r, chronos, "context_length", &c->context_length));
  C2_TRY(read_size(r, chronos, "input_patch_size", &c->patch));
  C2_TRY(read_size(r, chronos, "input_patch_stride", &stride));
  C2_TRY(read_size(r, chronos, "output_patch_size", &output_patch));
  if (stride != c->patch || output_patch != c->patch) {
    return c2_json_fail(r->doc, chronos, r->err,
                        "expected input_patch_size, input_patch_stride and output_patch_size to be equal");
  }
  c->max_output_patches = 1;
  if (c2_json_get(chronos, "max_output_patches")) {
    C2_TRY(read_size(r, chronos, "max_output_patches", &c->max_output_patches));
  }
  C2_TRY(read_quantiles(r, chronos, c));
  C2_TRY(c2_json_get_bool(r->doc, chronos, "use_arcsinh", &c->use_arcsinh, r->err));
  C2_TRY(c2_json_get_bool(r->doc, chronos, "use_reg_token", &c->use_reg_token, r->err));
  c->time_encoding_scale = (double)c->context_length;
  if (!c2_json_is(c2_json_get(chronos, "time_encoding_scale"), C2_JSON_NULL)) {
    C2_TRY(c2_json_get_number(r->doc, chronos, "time_encoding_scale", &c->time_encoding_scale, r->err));
  }
  return C2_OK;
}

/* Upstream takes the function from dense_act_fn where it is there. */
static c2_status check_activation(const reader *r, const c2_json *root) {
  static const char *const keys[] = {"feed_forward_proj", "dense_act_fn"};
  bool gated = false;
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    const c2_json *activation = c2_json_get(root, keys[i]);
    const char *name = c2_json_string(activation);
    if (activation && (!name || strcmp(name, "relu") != 0)) {
      return c2_json_fail(r->doc, activation, r->err, "'%s': expected \"relu\"", keys[i]);
    }
  }
  C2_TRY(c2_json_get_bool(r->doc, root, "is_gated_act", &gated, r->err));
  if (!gated) return C2_OK;
  return c2_json_fail(r->doc, c2_json_get(root, "is_gated_act"), r->err, "'is_gated_act': expected false");
}

/* Other names of sizes, which win upstream: they must say the same. */
static c2_status check_aliases(const reader *r, const c2_json *root, const chronos2_config *c) {
  const struct {
    const char *alias, *key;
    size_t value;
  } sizes[] = {{"hidden_size", "d_model", c->d_model},
               {"head_dim", "d_kv", c->d_kv},
               {"num_hidden_layers", "num_layers", c->layers},
               {"num_attention_heads", "num_heads", c->heads}};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    const c2_json *other = c2_json_get(root, sizes[i].alias);
    int64_t value = 0;
    if (!other || (c2_json_integer(other, &value) && value == (int64_t)sizes[i].value)) continue;
    return c2_json_fail(r->doc, other, r->err, "'%s': expected %zu, as '%s' says", sizes[i].alias, sizes[i].value,
                        sizes[i].key);
  }
  return C2_OK;
}

static c2_status read_root(const reader *r, const c2_json *root, chronos2_config *c) {
  if (root->type != C2_JSON_OBJECT) return c2_json_fail(r->doc, root, r->err, "expected a JSON object");
  C2_TRY(check_architecture(r, root));
  C2_TRY(read_size(r, root, "d_model", &c->d_model));
  C2_TRY(read_size(r, root, "d_kv", &c->d_kv));
  C2_TRY(read_size(r, root, "d_ff", &c->d_ff));
  C2_TRY(read_size(r, root, "num_layers", &c->layers));
  C2_TRY(read_size(r, root, "num_heads", &c->heads));
  C2_TRY(check_aliases(r, root, c));
  C2_TRY(check_activation(r, root));
  c->layer_norm_epsilon = 1e-6;
  c->rope_theta = 10000;
  c->initializer_factor = 0.05;
  C2_TRY(c2_json_get_number(r->doc, root, "layer_norm_epsilon", &c->layer_norm_epsilon, r->err));
  C2_TRY(c2_json_get_number(r->doc, root, "rope_theta", &c->rope_theta, r->err));
  C2_TRY(c2_json_get_number(r->doc, root, "initializer_factor", &c->initializer_factor, r->err));
  const c2_json *chronos = c2_json_get(root, "chronos_config");
  if (!c2_json_is(chronos, C2_JSON_OBJECT)) {
    return c2_json_fail(r->doc, chronos ? chronos : root, r->err, "'chronos_config': expected an object, found %s",
                        c2_json_type_name(chronos));
  }
  C2_TRY(read_chronos(r, chronos, c));
  return c2_config_check(c, r->doc->path, r->err);
}

/* Numbers beyond these make results that are not finite, or mean nothing. NaN is beyond any. */
static c2_status check_range(const char *where, const char *key, double value, double low, double high,
                             c2_error *err) {
  if (value >= low && value <= high) return C2_OK;
  char text[3][C2_FLOAT_ROOM];
  c2_double_text(text[0], low, C2_USUAL_DIGITS);
  c2_double_text(text[1], high, C2_USUAL_DIGITS);
  c2_double_text(text[2], value, C2_USUAL_DIGITS);
  C2_FAIL(err, C2_ERR_MODEL, "%s: '%s': expected %s to %s, found %s", where, key, text[0], text[1], text[2]);
}

static c2_status check_levels(const chronos2_config *c, const char *where, c2_error *err) {
  if (c->quantiles < 1 || c->quantiles > MAX_QUANTILES) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: 'quantiles': expected a list of 1 to %d levels", where, MAX_QUANTILES);
  }
  for (size_t i = 0; i < c->quantiles; i++) {
    double before = i > 0 ? c->quantile_levels[i - 1] : 0;
    if (c->quantile_levels[i] > before && c->quantile_levels[i] < 1) continue;
    C2_FAIL(err, C2_ERR_MODEL, "%s: 'quantiles': expected rising levels between 0 and 1", where);
  }
  if (c2_config_median(c) == c->quantiles) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: 'quantiles': expected the level 0.5 among them", where);
  }
  return C2_OK;
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
  if (c->context_length < 1 || c->context_length > 1 << 24)
    C2_FAIL(err, C2_ERR_MODEL, "%s: context_length %zu: expected 1 to 2^24", where, c->context_length);
  if (c->max_output_patches < 1 || c->max_output_patches > C2_MOST_OUTPUT_PATCHES)
    C2_FAIL(err, C2_ERR_MODEL, "%s: max_output_patches %zu: expected 1 to 2^20", where, c->max_output_patches);
  C2_TRY(check_range(where, "time_encoding_scale", c->time_encoding_scale, 1e-3, 1e9, err));
  C2_TRY(check_range(where, "rope_theta", c->rope_theta, 1e-3, 1e12, err));
  C2_TRY(check_range(where, "layer_norm_epsilon", c->layer_norm_epsilon, 0, 1, err));
  C2_TRY(check_range(where, "initializer_factor", c->initializer_factor, 0, 1e6, err));
  if (!c->use_reg_token)
    C2_FAIL(err, C2_ERR_MODEL, "%s: 'use_reg_token': models without the REG token are not supported", where);
  return check_levels(c, where, err);
}

size_t c2_config_median(const chronos2_config *config) {
  size_t i = 0;
  while (i < config->quantiles && config->quantile_levels[i] != 0.5) i++;
  return i;
}

c2_status c2_config_read(const char *folder, chronos2_config *config, c2_trained *trained, c2_error *err) {
  char *path = NULL;
  memset(config, 0, sizeof *config);
  C2_TRY(c2_path_join(&path, folder, "config.json", err));
  c2_json_document doc = {.path = path, .failure = C2_ERR_MODEL, .config = true};
  c2_status status = c2_json_load(&doc, err);
  if (status == C2_OK) status = read_root(&(reader){&doc, err}, doc.node, config);
  if (status == C2_OK) status = c2_trained_read(&doc, trained, err);
  c2_json_free(&doc);
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
