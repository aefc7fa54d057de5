/* Golden cases: safetensors files of inputs and PyTorch's outputs, found in tests/golden and, where it
 * is there, in ../shared/golden (same format). */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <chronos2.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/safetensors.h"

typedef struct golden_case {
  char path[512];
  char name[256]; /* model/case */
  c2_safetensors file;
  json_t *meta;
  chronos2_batch batch;
  float *context, *future;
  int64_t *groups;
  chronos2_session_options options;
} golden_case;

static inline float *golden_floats(const c2_safetensors *file, const char *name) {
  const c2_tensor *t = c2_safetensors_find(file, name);
  if (!t) return NULL;
  float *values = malloc((t->elements + 1) * sizeof *values);
  c2_tensor_to_float(t, values);
  return values;
}

/* How far quantiles lie from out.quantiles, in normalised units, asinh((y - loc) / scale). */
typedef struct golden_error {
  double worst, sum;
  size_t count, beyond; /* values compared, and those further off than 2e-4 */
  bool smooth;          /* of a model that doesn't amplify rounding */
  bool within;          /* the bounds of float32, which test_parity.c explains */
} golden_error;

/* True if float32 can hold a row's location to a thousandth of its scale. */
static inline bool golden_float32_holds(float loc, float scale) {
  return (double)(nextafterf(fabsf(loc), INFINITY) - fabsf(loc)) <= 1e-3 * (double)scale || scale < 1.1e-5f;
}

/* `ours` [rows][per_row]; rows that float32 can't hold are left out. */
static inline golden_error golden_compare(const golden_case *g, const float *ours, size_t per_row) {
  golden_error e = {.smooth = strstr(g->name, "model-s/") || strstr(g->name, "model-smooth/")};
  float *theirs = golden_floats(&g->file, "out.quantiles");
  float *loc = golden_floats(&g->file, "out.loc");
  float *scale = golden_floats(&g->file, "out.scale");
  for (size_t i = 0; i < g->batch.rows * per_row; i++) {
    double l = (double)loc[i / per_row];
    double s = (double)scale[i / per_row];
    if (!golden_float32_holds(loc[i / per_row], scale[i / per_row])) continue;
    double error = fabs(asinh(((double)ours[i] - l) / s) - asinh(((double)theirs[i] - l) / s));
    float step = nextafterf(fabsf(theirs[i]), INFINITY) - fabsf(theirs[i]);
    if (fabs((double)ours[i] - (double)theirs[i]) <= 1.5 * (double)step) error = 0; /* the output's own float32 grid */
    if (!(error <= 2e-4)) e.beyond++;
    if (error > e.worst) e.worst = error; /* a value that is no number stays in the sum */
    e.sum += error;
    e.count++;
  }
  e.within = isfinite(e.sum) && e.worst <= (e.smooth ? 2e-4 : 4e-3) && e.beyond * 5 <= g->batch.rows * per_row;
  free(theirs);
  free(loc);
  free(scale);
  return e;
}

static inline void golden_close(golden_case *g) {
  free(g->context);
  free(g->future);
  free(g->groups);
  json_decref(g->meta);
  c2_safetensors_close(&g->file);
}

static inline bool golden_open(golden_case *g, const char *path) {
  memset(g, 0, sizeof *g);
  c2_error err;
  if (c2_safetensors_open(&g->file, path, &err) != C2_OK) {
    fprintf(stderr, "%s\n", err.text);
    return false;
  }
  const c2_tensor *context = c2_safetensors_find(&g->file, "in.context");
  const c2_tensor *future = c2_safetensors_find(&g->file, "in.future_covariates");
  const c2_tensor *groups = c2_safetensors_find(&g->file, "in.group_ids");
  g->meta = json_loads(c2_safetensors_metadata(&g->file, "case"), 0, NULL);
  g->context = golden_floats(&g->file, "in.context");
  g->future = golden_floats(&g->file, "in.future_covariates");
  g->batch = (chronos2_batch){.rows = context->shape[0],
                              .length = context->shape[1],
                              .context = g->context,
                              .future_length = future ? future->shape[1] : 0,
                              .future_covariates = g->future};
  g->batch.output_patches = (size_t)json_integer_value(json_object_get(g->meta, "num_output_patches"));
  if (groups) {
    g->groups = malloc(groups->bytes);
    memcpy(g->groups, groups->data, groups->bytes);
    g->batch.group_ids = g->groups;
  }
  const char *attention = json_string_value(json_object_get(g->meta, "attention"));
  chronos2_session_options_init(&g->options);
  if (attention) {
    g->options.attention = strcmp(attention, "windowed_future_null") == 0      ? CHRONOS2_WINDOWED_FUTURE_NULL
                           : strcmp(attention, "windowed_future_visible") == 0 ? CHRONOS2_WINDOWED_FUTURE_VISIBLE
                                                                               : CHRONOS2_WINDOWED_FUTURE_GLOBAL;
    g->options.radius = json_number_value(json_object_get(g->meta, "radius"));
    g->options.reg_global = json_is_true(json_object_get(g->meta, "reg_is_global"));
  }
  return true;
}

typedef void (*golden_fn)(void *user, const char *model_folder, golden_case *g);

enum { GOLDEN_CASES = 98 }; /* forward cases in tests/golden */

static inline int golden_by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static inline void golden_run(const char *root, const char *model, const char *name, golden_fn fn, void *user) {
  golden_case g;
  char path[800];
  char weights[512];
  snprintf(path, sizeof path, "%.200s/%.60s/forward/%.200s", root, model, name);
  snprintf(weights, sizeof weights, "%.200s/%.60s/weights", root, model);
  if (!golden_open(&g, path)) fail_msg("%s: a golden case that does not open", path);
  snprintf(g.name, sizeof g.name, "%.60s/%.150s", model, name);
  fn(user, weights, &g);
  golden_close(&g);
}

/* Calls fn for every forward case under root (model-X/forward/NAME.safetensors), by name; returns how many. One that
 * does not open fails the test. */
static inline size_t golden_each(const char *root, golden_fn fn, void *user) {
  size_t count = 0;
  struct dirent **model = NULL;
  int models = scandir(root, &model, NULL, golden_by_name);
  for (int m = 0; m < models; m++) {
    char folder[512];
    struct dirent **entry = NULL;
    snprintf(folder, sizeof folder, "%.200s/%.60s/forward", root, model[m]->d_name);
    int entries = strncmp(model[m]->d_name, "model-", 6) == 0 ? scandir(folder, &entry, NULL, golden_by_name) : 0;
    for (int i = 0; i < entries; i++) {
      if (strstr(entry[i]->d_name, ".safetensors")) {
        golden_run(root, model[m]->d_name, entry[i]->d_name, fn, user);
        count++;
      }
      free(entry[i]);
    }
    free(entry);
    free(model[m]);
  }
  free(model);
  return count;
}

#endif
