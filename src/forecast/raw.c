/* Raw rows: widened to what the engine takes, and its results as float32. */
#include "forecast/raw.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "model/config.h"

static size_t context_limit(const chronos2_model *model, const chronos2_batch *batch) {
  return batch->extend_context ? SIZE_MAX : model->config.context_length;
}

static size_t context_patches(const chronos2_model *model, const chronos2_batch *batch) {
  c2_row row = {.length = batch->length};
  return c2_row_patches(&row, model->config.patch, context_limit(model, batch));
}

bool c2_raw_tokens(const chronos2_model *model, const chronos2_batch *batch, size_t *tokens) {
  return c2_add(context_patches(model, batch) + 1, batch->output_patches, tokens);
}

void c2_raw_mask(const chronos2_model *model, const chronos2_batch *batch, float *token_mask) {
  size_t patches = context_patches(model, batch);
  size_t tokens = patches + 1 + batch->output_patches;
  size_t patch = model->config.patch;
  size_t used = c2_min_size(batch->length, context_limit(model, batch));
  for (size_t b = 0; b < batch->rows; b++) {
    for (size_t t = 0; t < tokens; t++) {
      float observed = t >= patches;
      for (size_t i = 0; i < patch && t < patches; i++) {
        size_t from_end = (patches - t) * patch - i; /* 1 = the last value */
        if (from_end <= used && !isnan(batch->context[(b + 1) * batch->length - from_end])) observed = 1;
      }
      token_mask[b * tokens + t] = observed;
    }
  }
}

static c2_status check_values(const float *value, size_t count, const char *what, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (isinf(value[i])) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: element %zu is infinite; a missing value is NaN", what, i);
  }
  return C2_OK;
}

c2_status c2_raw_check(const chronos2_model *model, const chronos2_batch *batch, c2_error *err) {
  const chronos2_config *c = &model->config;
  size_t values = 0;
  if (batch->rows < 1) C2_FAIL(err, C2_ERR_ARGUMENT, "batch: expected at least one row");
  if (!batch->context && batch->length > 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "context: expected %zu x %zu values, found NULL", batch->rows, batch->length);
  }
  if (batch->output_patches < 1 || batch->output_patches > C2_MOST_OUTPUT_PATCHES) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "output_patches: expected 1 to 2^20, found %zu", batch->output_patches);
  }
  if (batch->future_covariates && batch->future_length > c->patch * batch->output_patches) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "future_length: %zu steps are more than %zu output patches hold",
            batch->future_length, batch->output_patches);
  }
  size_t per_row = c2_max_size(batch->length, c->quantiles * c->patch * batch->output_patches);
  if (!c2_mul(batch->rows, per_row, &values) || values > SIZE_MAX / 64) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "batch: the size overflows");
  }
  C2_TRY(check_values(batch->context, batch->rows * batch->length, "context", err));
  return check_values(batch->future_covariates, batch->future_covariates ? batch->rows * batch->future_length : 0,
                      "future_covariates", err);
}

static void widen(double *out, const float *in, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = (double)in[i];
}

typedef struct memory {
  double *context, *future, *quantiles, *loc, *scale;
  c2_row *row;
} memory;

static c2_status forward(chronos2_session *s, const chronos2_batch *in, memory *m, size_t per_row, c2_error *err) {
  const chronos2_config *c = &s->model->config;
  c2_engine *e = &s->engine;
  size_t future = in->future_covariates ? in->future_length : 0;
  C2_TRY(c2_engine_alloc(e, in->rows, in->length * sizeof(double), &m->context, err));
  C2_TRY(c2_engine_alloc(e, in->rows, future * sizeof(double), &m->future, err));
  C2_TRY(c2_engine_alloc(e, in->rows, per_row * sizeof(double), &m->quantiles, err));
  C2_TRY(c2_engine_alloc(e, in->rows, sizeof(double), &m->loc, err));
  C2_TRY(c2_engine_alloc(e, in->rows, sizeof(double), &m->scale, err));
  C2_TRY(c2_engine_alloc(e, in->rows, sizeof *m->row, &m->row, err));
  widen(m->context, in->context, in->rows * in->length);
  widen(m->future, in->future_covariates, in->rows * future);
  for (size_t b = 0; b < in->rows; b++) {
    m->row[b] = (c2_row){.context = m->context + b * in->length,
                         .length = in->length,
                         .future = in->future_covariates ? m->future + b * future : NULL,
                         .future_length = future,
                         .group = in->group_ids ? in->group_ids[b] : (int64_t)b,
                         .slot = b,
                         .member = b,
                         .quantiles = m->quantiles + b * per_row};
  }
  c2_batch batch = {.row = m->row,
                    .rows = in->rows,
                    .output_patches = in->output_patches,
                    .context_limit = context_limit(s->model, in)};
  c2_batch_sort(&batch);
  size_t steps = c->patch * in->output_patches;
  c2_result result = {.steps = steps, .stride = steps, .loc = m->loc, .scale = m->scale};
  return c2_forward(&s->engine, &batch, &result, err);
}

/* Results as float32. */
static c2_status give(const chronos2_batch *batch, const memory *m, size_t per_row, float *quantiles, float *loc,
                      float *scale, c2_error *err) {
  for (size_t i = 0; i < batch->rows * per_row; i++) {
    quantiles[i] = (float)m->quantiles[i];
    if (!isfinite(quantiles[i])) {
      C2_FAIL(err, C2_ERR_MODEL, "the forecast of row %zu is not finite", i / per_row);
    }
  }
  for (size_t b = 0; loc && b < batch->rows; b++) loc[b] = (float)m->loc[b];
  for (size_t b = 0; scale && b < batch->rows; b++) scale[b] = (float)m->scale[b];
  return C2_OK;
}

c2_status c2_raw_forward(chronos2_session *s, const chronos2_batch *batch, float *quantiles, float *loc, float *scale,
                         c2_error *err) {
  const chronos2_config *c = &s->model->config;
  size_t per_row = c->quantiles * c->patch * batch->output_patches;
  memory m = {0};
  c2_status status = forward(s, batch, &m, per_row, err);
  if (status == C2_OK) status = give(batch, &m, per_row, quantiles, loc, scale, err);
  free(m.context);
  free(m.future);
  free(m.quantiles);
  free(m.loc);
  free(m.scale);
  free(m.row);
  s->engine.held = 0;
  return status;
}
