/* The public interface: models, sessions, raw forward passes. Only api*.c define chronos2_* symbols; they check
 * arguments, own the handles and keep the thread's last error; everything else is below. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api_internal.h"
#include "base/memory.h"
#include "base/platform.h"
#include "model/config.h"
#include "model/level.h"
#include "model/patterns.h"
#include "model/reading.h"
#include "version.h"

/* ---- Errors ----------------------------------------------------------------------------------- */

static _Thread_local c2_error last_error;

const char *chronos2_last_error(void) {
  return last_error.text;
}

c2_error *c2_api_begin(void) {
  last_error.code = C2_OK;
  last_error.text[0] = '\0';
  return &last_error;
}

/* ---- Version ---------------------------------------------------------------------------------- */

const char *chronos2_version(void) {
  return C2_VERSION;
}

const char *chronos2_isa(void) {
  return c2_kernels_find(NULL)->name;
}

const char *chronos2_gemm(void) {
  return "built-in";
}

/* ---- Model ------------------------------------------------------------------------------------ */

chronos2_status chronos2_model_open(const char *folder, const chronos2_model_options *options, chronos2_model **model) {
  c2_error *err = c2_api_begin();
  REQUIRE(model, "model: expected a place for the handle");
  *model = NULL;
  REQUIRE(folder, "folder: expected a path");
  chronos2_model_options defaults = {.dtype = CHRONOS2_FP32};
  return status_of(c2_model_open(folder, options ? options : &defaults, model, err));
}

chronos2_status chronos2_model_random(const chronos2_config *config, uint64_t seed,
                                      const chronos2_model_options *options, chronos2_model **model) {
  c2_error *err = c2_api_begin();
  REQUIRE(model && config, "config and model: expected not NULL");
  chronos2_model_options defaults = {.dtype = CHRONOS2_FP32};
  return status_of(c2_model_random(config, seed, options ? options : &defaults, model, err));
}

chronos2_status chronos2_config_named(const char *name, chronos2_config *config) {
  c2_error *err = c2_api_begin();
  REQUIRE(name && config, "name and config: expected not NULL");
  return status_of(c2_config_named(name, config, err));
}

void chronos2_model_close(chronos2_model **model) {
  if (model) c2_model_close(model);
}

const chronos2_config *chronos2_model_config(const chronos2_model *model) {
  return model ? &model->config : NULL;
}

chronos2_dtype chronos2_model_dtype(const chronos2_model *model) {
  return model ? model->dtype : CHRONOS2_FP32;
}

const char *chronos2_model_warning(const chronos2_model *model) {
  return model && model->warning[0] ? model->warning : NULL;
}

size_t chronos2_model_parameters(const chronos2_model *model) {
  return model ? model->parameters : 0;
}

size_t chronos2_model_bytes(const chronos2_model *model) {
  return model ? model->packed.block.size + model->packed.cache.size + model->raw.block.size : 0;
}

size_t chronos2_model_tensors(const chronos2_model *model) {
  return model ? model->expected_count : 0;
}

chronos2_status chronos2_model_tensor(const chronos2_model *model, size_t index, chronos2_tensor_info *info) {
  c2_error *err = c2_api_begin();
  REQUIRE(model && info, "model and info: expected not NULL");
  REQUIRE(index < model->expected_count, "tensor %zu of %zu", index, model->expected_count);
  const c2_expected *e = &model->expected[index];
  size_t n = e->shape[0] * e->shape[1];
  float *values = NULL;
  c2_status status = c2_alloc_array(n, sizeof *values, &values, err);
  if (status == C2_OK) status = c2_tensor_values(model, e, values, err);
  if (status != C2_OK) {
    free(values);
    return status_of(status);
  }
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)values[i];
  double mean = sum / (double)n;
  double squares = 0;
  for (size_t i = 0; i < n; i++) squares += ((double)values[i] - mean) * ((double)values[i] - mean);
  free(values);
  *info = (chronos2_tensor_info){.name = e->name,
                                 .dtype = e->tensor ? c2_dtype_name(e->tensor->dtype) : "F32",
                                 .dims = e->dims,
                                 .shape = {e->shape[0], e->shape[1]},
                                 .mean = mean,
                                 .deviation = sqrt(squares / (double)n),
                                 .initial_deviation = e->initial_deviation};
  return CHRONOS2_OK;
}

/* ---- What weights were trained for ------------------------------------------------------------ */

const char *chronos2_attention_name(chronos2_attention attention) {
  return c2_attention_name(attention);
}

chronos2_status chronos2_attention_named(const char *name, chronos2_attention *attention) {
  c2_error *err = c2_api_begin();
  REQUIRE(name && attention, "name and attention: expected not NULL");
  return status_of(c2_attention_named(name, "attention", attention, err));
}

size_t chronos2_model_patterns(const chronos2_model *model) {
  return model ? model->trained.patterns : 0;
}

chronos2_pattern chronos2_model_pattern(const chronos2_model *model, size_t index) {
  return index < chronos2_model_patterns(model) ? model->trained.pattern[index] : (chronos2_pattern){.radius = 0};
}

bool chronos2_model_trained_for(const chronos2_model *model, chronos2_pattern pattern) {
  if (model && pattern.attention == CHRONOS2_AUTO) return true;
  for (size_t i = 0; i < chronos2_model_patterns(model); i++) {
    if (c2_pattern_equal(model->trained.pattern[i], pattern)) return true;
  }
  return false;
}

bool chronos2_model_measured(const chronos2_model *model, chronos2_pattern pattern, double *mase_change,
                             size_t *tasks) {
  for (size_t i = 0; model && i < model->trained.measurements; i++) {
    const c2_measured *m = &model->trained.measured[i];
    if (!c2_pattern_equal(m->pattern, pattern)) continue;
    if (mase_change) *mase_change = m->mase_change;
    if (tasks) *tasks = m->tasks;
    return true;
  }
  return false;
}

chronos2_training chronos2_model_training(const chronos2_model *model) {
  return model ? model->training : (chronos2_training){.trained = false};
}

/* ---- Session ---------------------------------------------------------------------------------- */

void chronos2_session_options_init(chronos2_session_options *options) {
  if (options) *options = (chronos2_session_options){.attention = CHRONOS2_AUTO};
}

static c2_status pattern_of(const chronos2_model *model, chronos2_attention attention, double radius, bool reg_global,
                            c2_pattern *out, c2_error *err) {
  if (!c2_attention_name(attention)) C2_FAIL(err, C2_ERR_ARGUMENT, "attention: unknown pattern %d", (int)attention);
  if (attention == CHRONOS2_AUTO) {
    const chronos2_pattern *trained = &model->trained.pattern[0];
    attention = trained->attention;
    radius = trained->radius;
    reg_global = reg_global || trained->reg_global;
  }
  if (!(radius >= 0) || (!isinf(radius) && (radius != floor(radius) || radius > 1e9))) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "radius: expected a whole number of tokens >= 0, or infinity, found %g", radius);
  }
  *out = (c2_pattern){attention, isinf(radius) ? SIZE_MAX : (size_t)radius, reg_global};
  return C2_OK;
}

static c2_status open_session(chronos2_session *s, c2_error *err) {
  const chronos2_session_options *o = &s->options;
  C2_TRY(pattern_of(s->model, o->attention, o->radius, o->reg_global, &s->engine.pattern, err));
  if (o->backend != CHRONOS2_FUSED && o->backend != CHRONOS2_REFERENCE) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "backend: unknown %d", (int)o->backend);
  }
  if (o->backend == CHRONOS2_REFERENCE && s->model->dtype != CHRONOS2_FP32) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "backend: the reference computes in fp32 only; open the model with that dtype");
  }
  if (o->threads < 0 || o->threads > 1024)
    C2_FAIL(err, C2_ERR_ARGUMENT, "threads: expected 0 to 1024, found %d", o->threads);
  C2_TRY(c2_isa_choose(o->isa, &s->engine.kernels, err));
  s->engine.model = s->model;
  size_t threads = o->threads > 0 ? (size_t)o->threads : (size_t)c2_processor_count();
  return c2_pool_open(&s->engine.pool, threads, o->pin, err);
}

chronos2_status chronos2_session_open(const chronos2_model *model, const chronos2_session_options *options,
                                      chronos2_session **session) {
  c2_error *err = c2_api_begin();
  REQUIRE(session, "session: expected a place for the handle");
  *session = NULL;
  REQUIRE(model, "model: expected a model");
  chronos2_session *s = NULL;
  c2_status status = c2_alloc_array(1, sizeof *s, &s, err);
  if (status != C2_OK) return status_of(status);
  s->model = model;
  if (options) s->options = *options;
  status = open_session(s, err);
  if (status != C2_OK) {
    chronos2_session_close(&s);
    return status_of(status);
  }
  *session = s;
  return CHRONOS2_OK;
}

void chronos2_session_close(chronos2_session **session) {
  if (!session || !*session) return;
  c2_pool_close(&(*session)->engine.pool);
  c2_block_free(&(*session)->engine.workspace);
  c2_raw_free(&(*session)->engine.raw);
  free((*session)->blind);
  free(*session);
  *session = NULL;
}

chronos2_status chronos2_session_set_attention(chronos2_session *session, chronos2_attention attention, double radius,
                                               bool reg_global) {
  c2_error *err = c2_api_begin();
  REQUIRE(session, "session: expected a session");
  return status_of(pattern_of(session->model, attention, radius, reg_global, &session->engine.pattern, err));
}

chronos2_status chronos2_session_set_blind_heads(chronos2_session *session, const chronos2_head *heads, size_t count) {
  c2_error *err = c2_api_begin();
  REQUIRE(session, "session: expected a session");
  REQUIRE(heads || count == 0, "heads: expected %zu heads, found NULL", count);
  const chronos2_config *c = &session->model->config;
  bool *blind = NULL;
  for (size_t i = 0; i < count; i++) {
    REQUIRE(heads[i].layer < c->layers && heads[i].head < c->heads,
            "heads: expected a layer below %zu and a head below %zu, found %zu:%zu", c->layers, c->heads,
            heads[i].layer, heads[i].head);
  }
  if (count > 0) {
    c2_status status = c2_alloc_array(c->layers * c->heads, sizeof *blind, &blind, err);
    if (status != C2_OK) return status_of(status);
  }
  for (size_t i = 0; i < count; i++) blind[heads[i].layer * c->heads + heads[i].head] = true;
  free(session->blind);
  session->engine.blind = session->blind = blind;
  return CHRONOS2_OK;
}

chronos2_pattern chronos2_session_pattern(const chronos2_session *session) {
  if (!session) return (chronos2_pattern){.radius = 0};
  const c2_pattern *p = &session->engine.pattern;
  if (p->attention == CHRONOS2_FULL) return (chronos2_pattern){.attention = CHRONOS2_FULL};
  return (chronos2_pattern){p->attention, p->radius == SIZE_MAX ? (double)INFINITY : (double)p->radius, p->reg_global};
}

const char *chronos2_session_isa(const chronos2_session *session) {
  return session ? session->engine.kernels->name : NULL;
}

int chronos2_session_threads(const chronos2_session *session) {
  return session ? (int)c2_pool_threads(session->engine.pool) : 0;
}

size_t chronos2_session_peak_bytes(const chronos2_session *session) {
  return session ? chronos2_model_bytes(session->model) + session->engine.peak : 0;
}

/* The workspace is given back, so that the next mark is of what the next calls need. */
void chronos2_session_reset_peak(chronos2_session *session) {
  if (!session) return;
  c2_block_free(&session->engine.workspace);
  session->engine.peak = session->engine.held;
}

chronos2_work chronos2_session_work(const chronos2_session *session) {
  return session ? session->engine.work : (chronos2_work){0};
}

void chronos2_session_reset_work(chronos2_session *session) {
  if (session) session->engine.work = (chronos2_work){0};
}

void chronos2_session_on_progress(chronos2_session *session, chronos2_progress_fn progress, void *user) {
  if (!session) return;
  session->progress = progress;
  session->progress_user = user;
}

void chronos2_session_on_attention(chronos2_session *session, chronos2_attention_fn observer, void *user) {
  if (!session) return;
  session->engine.observer = observer;
  session->engine.observer_user = user;
}

/* ---- One forward pass ------------------------------------------------------------------------- */

static size_t context_limit(const chronos2_model *model, const chronos2_batch *batch) {
  return batch->extend_context ? SIZE_MAX : model->config.context_length;
}

static size_t context_patches(const chronos2_model *model, const chronos2_batch *batch) {
  c2_row row = {.length = batch->length};
  return c2_row_patches(&row, model->config.patch, context_limit(model, batch));
}

size_t chronos2_batch_tokens(const chronos2_model *model, const chronos2_batch *batch) {
  size_t tokens = 0;
  bool known = model && batch && c2_add(context_patches(model, batch) + 1, batch->output_patches, &tokens);
  return known ? tokens : 0;
}

static c2_status widen(double *out, const float *in, size_t count, const char *what, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (isinf(in[i])) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: element %zu is infinite; a missing value is NaN", what, i);
    out[i] = (double)in[i];
  }
  return C2_OK;
}

static void fill_mask(const chronos2_model *model, const chronos2_batch *batch, float *token_mask) {
  size_t patches = context_patches(model, batch);
  size_t tokens = chronos2_batch_tokens(model, batch);
  size_t patch = model->config.patch;
  for (size_t b = 0; b < batch->rows; b++) {
    for (size_t t = 0; t < tokens; t++) {
      float observed = t >= patches;
      for (size_t i = 0; i < patch && t < patches; i++) {
        size_t from_end = (patches - t) * patch - i; /* 1 = the last value */
        if (from_end <= batch->length && !isnan(batch->context[(b + 1) * batch->length - from_end])) observed = 1;
      }
      token_mask[b * tokens + t] = observed;
    }
  }
}

/* What a batch's arrays must be, whatever is done with it. */
static c2_status check_batch(const chronos2_model *model, const chronos2_batch *batch, c2_error *err) {
  const chronos2_config *c = &model->config;
  size_t values = 0;
  if (batch->rows < 1) C2_FAIL(err, C2_ERR_ARGUMENT, "batch: expected at least one row");
  if (!batch->context && batch->length > 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "context: expected %zu x %zu values, found NULL", batch->rows, batch->length);
  }
  if (batch->output_patches < 1 || batch->output_patches > 1 << 20) {
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
  return C2_OK;
}

chronos2_status chronos2_batch_mask(const chronos2_model *model, const chronos2_batch *batch, float *token_mask) {
  c2_error *err = c2_api_begin();
  REQUIRE(model && batch && token_mask, "model, batch and token_mask: expected not NULL");
  c2_status status = check_batch(model, batch, err);
  if (status == C2_OK) fill_mask(model, batch, token_mask);
  return status_of(status);
}

typedef struct forward_memory {
  double *context, *future, *quantiles, *loc, *scale;
  c2_row *row;
} forward_memory;

static c2_status forward(chronos2_session *s, const chronos2_batch *in, forward_memory *m, size_t outputs,
                         c2_error *err) {
  c2_engine *e = &s->engine;
  size_t future = in->future_covariates ? in->future_length : 0;
  C2_TRY(c2_engine_alloc(e, in->rows, in->length * sizeof(double), &m->context, err));
  C2_TRY(c2_engine_alloc(e, in->rows, future * sizeof(double), &m->future, err));
  C2_TRY(c2_engine_alloc(e, outputs, sizeof(double), &m->quantiles, err));
  C2_TRY(c2_engine_alloc(e, in->rows, sizeof(double), &m->loc, err));
  C2_TRY(c2_engine_alloc(e, in->rows, sizeof(double), &m->scale, err));
  C2_TRY(c2_engine_alloc(e, in->rows, sizeof *m->row, &m->row, err));
  C2_TRY(widen(m->context, in->context, in->rows * in->length, "context", err));
  C2_TRY(widen(m->future, in->future_covariates, in->rows * future, "future_covariates", err));
  for (size_t b = 0; b < in->rows; b++) {
    m->row[b] = (c2_row){.context = m->context + b * in->length,
                         .length = in->length,
                         .future = in->future_covariates ? m->future + b * future : NULL,
                         .future_length = future,
                         .group = in->group_ids ? in->group_ids[b] : (int64_t)b,
                         .slot = b};
  }
  c2_batch batch = {.row = m->row,
                    .rows = in->rows,
                    .output_patches = in->output_patches,
                    .context_limit = context_limit(s->model, in)};
  c2_batch_sort(&batch);
  c2_result result = {.quantiles = m->quantiles, .loc = m->loc, .scale = m->scale};
  return s->options.backend == CHRONOS2_REFERENCE ? c2_reference_forward(e, &batch, &result, err)
                                                  : c2_fused_forward(e, &batch, &result, err);
}

/* Results as float32. */
static c2_status give(const chronos2_batch *batch, const forward_memory *m, size_t outputs, float *quantiles,
                      float *loc, float *scale, c2_error *err) {
  for (size_t i = 0; i < outputs; i++) {
    quantiles[i] = (float)m->quantiles[i];
    if (!isfinite(quantiles[i])) {
      C2_FAIL(err, C2_ERR_MODEL, "the forecast of row %zu is not finite", i / (outputs / batch->rows));
    }
  }
  for (size_t b = 0; loc && b < batch->rows; b++) loc[b] = (float)m->loc[b];
  for (size_t b = 0; scale && b < batch->rows; b++) scale[b] = (float)m->scale[b];
  return C2_OK;
}

chronos2_status chronos2_forward(chronos2_session *session, const chronos2_batch *batch, float *quantiles, float *loc,
                                 float *scale, float *token_mask) {
  c2_error *err = c2_api_begin();
  REQUIRE(session && batch && quantiles, "session, batch and quantiles: expected not NULL");
  c2_status status = check_batch(session->model, batch, err);
  if (status != C2_OK) return status_of(status);
  const chronos2_config *c = &session->model->config;
  size_t outputs = batch->rows * c->quantiles * c->patch * batch->output_patches;
  forward_memory m = {0};
  status = forward(session, batch, &m, outputs, err);
  if (status == C2_OK) status = give(batch, &m, outputs, quantiles, loc, scale, err);
  if (status == C2_OK && token_mask) fill_mask(session->model, batch, token_mask);
  free(m.context);
  free(m.future);
  free(m.quantiles);
  free(m.loc);
  free(m.scale);
  free(m.row);
  session->engine.held = 0;
  return status_of(status);
}
