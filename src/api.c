/* The public interface: the only definer of chronos2_* symbols. Checks arguments, owns the handles and
 * keeps the thread's last error; everything else is below. */
#include <chronos2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "engine/engine.h"
#include "engine/rollout.h"
#include "model/config.h"
#include "series/categories.h"
#include "series/quantiles.h"
#include "version.h"

enum { DEFAULT_BATCH = 256, PASS_TOKENS = 16384 };

struct chronos2_session {
  const chronos2_model *model;
  chronos2_session_options options;
  c2_engine engine;
  size_t peak_call; /* bytes of a call beside the workspace, high-water mark */
  chronos2_progress_fn progress;
  void *progress_user;
};

struct chronos2_forecast {
  size_t count, rows, horizon, quantiles, median;
  double levels[64];
  size_t *targets; /* [count] */
  size_t *first;   /* [count] rows before this series */
  double *values;  /* [rows][Q][horizon] */
};

/* ---- Errors ----------------------------------------------------------------------------------- */

static _Thread_local c2_error last_error;

const char *chronos2_last_error(void) {
  return last_error.text;
}

static c2_error *begin(void) {
  last_error.code = C2_OK;
  last_error.text[0] = '\0';
  return &last_error;
}

static chronos2_status status_of(c2_status status) {
  return (chronos2_status)status;
}

#define REQUIRE(condition, ...)                                                             \
  do {                                                                                      \
    if (!(condition)) return status_of(c2_fail(&last_error, C2_ERR_ARGUMENT, __VA_ARGS__)); \
  } while (0)

/* ---- Version ---------------------------------------------------------------------------------- */

const char *chronos2_version(void) {
  return C2_VERSION;
}

const char *chronos2_isa(void) {
  return c2_kernels_of(c2_isa_detect())->name;
}

const char *chronos2_gemm(void) {
  return "built-in";
}

/* ---- Model ------------------------------------------------------------------------------------ */

chronos2_status chronos2_model_open(const char *folder, const chronos2_model_options *options, chronos2_model **model) {
  c2_error *err = begin();
  REQUIRE(model, "model: expected a place for the handle");
  *model = NULL;
  REQUIRE(folder, "folder: expected a path");
  return status_of(
      c2_model_open(folder, options ? options->adapter : NULL, !options || !options->skip_packing, model, err));
}

chronos2_status chronos2_model_random(const chronos2_config *config, uint64_t seed, chronos2_model **model) {
  c2_error *err = begin();
  REQUIRE(model && config, "config and model: expected not NULL");
  return status_of(c2_model_random(config, seed, model, err));
}

chronos2_status chronos2_config_named(const char *name, chronos2_config *config) {
  c2_error *err = begin();
  REQUIRE(name && config, "name and config: expected not NULL");
  return status_of(c2_config_named(name, config, err));
}

void chronos2_model_close(chronos2_model **model) {
  if (model) c2_model_close(model);
}

const chronos2_config *chronos2_model_config(const chronos2_model *model) {
  return &model->config;
}

size_t chronos2_model_parameters(const chronos2_model *model) {
  return model->parameters;
}

size_t chronos2_model_bytes(const chronos2_model *model) {
  return model->packed.size + model->converted.size;
}

size_t chronos2_model_tensors(const chronos2_model *model) {
  return model->expected_count;
}

chronos2_status chronos2_model_tensor(const chronos2_model *model, size_t index, chronos2_tensor_info *info) {
  begin();
  REQUIRE(model && info, "model and info: expected not NULL");
  REQUIRE(index < model->expected_count, "tensor %zu of %zu", index, model->expected_count);
  const c2_expected *e = &model->expected[index];
  size_t n = e->shape[0] * e->shape[1];
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)e->values[i];
  double mean = sum / (double)n;
  double squares = 0;
  for (size_t i = 0; i < n; i++) squares += ((double)e->values[i] - mean) * ((double)e->values[i] - mean);
  *info = (chronos2_tensor_info){.name = e->name,
                                 .dtype = model->dtypes[index],
                                 .dims = e->dims,
                                 .shape = {e->shape[0], e->shape[1]},
                                 .mean = mean,
                                 .deviation = sqrt(squares / (double)n),
                                 .initial_deviation = e->initial_deviation};
  return CHRONOS2_OK;
}

/* ---- Session ---------------------------------------------------------------------------------- */

void chronos2_session_options_init(chronos2_session_options *options) {
  *options = (chronos2_session_options){.attention = CHRONOS2_FULL};
}

static c2_status pattern_of(chronos2_attention attention, double radius, bool reg_global, c2_pattern *out,
                            c2_error *err) {
  if (attention < CHRONOS2_FULL || attention > CHRONOS2_WINDOWED_FUTURE_VISIBLE) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "attention: unknown pattern %d", (int)attention);
  }
  if (!(radius >= 0) || (!isinf(radius) && (radius != floor(radius) || radius > 1e9))) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "radius: expected a whole number of tokens >= 0, or infinity, found %g", radius);
  }
  *out = (c2_pattern){attention, isinf(radius) ? SIZE_MAX : (size_t)radius, reg_global};
  return C2_OK;
}

/* The level asked for, never above the machine's; CHRONOS2_ISA in the environment lowers it too. */
static c2_status isa_of(chronos2_isa_level asked, c2_isa *out, c2_error *err) {
  static const char *const names[] = {"auto", "scalar", "avx2", "avx512", "amx"};
  c2_isa machine = c2_isa_detect();
  const char *environment = getenv("CHRONOS2_ISA");
  if (asked == CHRONOS2_ISA_AUTO && environment && *environment) {
    size_t i = 0;
    while (i < 5 && strcmp(environment, names[i]) != 0) i++;
    if (i == 5)
      C2_FAIL(err, C2_ERR_ARGUMENT, "CHRONOS2_ISA: expected auto, scalar, avx2, avx512 or amx, found '%s'",
              environment);
    asked = (chronos2_isa_level)i;
  }
  if (asked < CHRONOS2_ISA_AUTO || asked > CHRONOS2_ISA_AMX)
    C2_FAIL(err, C2_ERR_ARGUMENT, "isa: unknown level %d", (int)asked);
  if (asked == CHRONOS2_ISA_AMX) C2_FAIL(err, C2_ERR_UNSUPPORTED, "isa: amx has no kernels in this version");
  if ((int)asked > (int)machine) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "isa: this machine has no %s", names[asked]);
  }
  *out = asked == CHRONOS2_ISA_AUTO ? machine : (c2_isa)asked;
  return C2_OK;
}

static c2_status open_session(chronos2_session *s, c2_error *err) {
  c2_isa isa = C2_ISA_SCALAR;
  const chronos2_session_options *o = &s->options;
  C2_TRY(pattern_of(o->attention, o->radius, o->reg_global, &s->engine.pattern, err));
  if (o->dtype != CHRONOS2_FP32) C2_FAIL(err, C2_ERR_UNSUPPORTED, "dtype: this version computes in fp32 only");
  if (o->backend != CHRONOS2_FUSED && o->backend != CHRONOS2_REFERENCE) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "backend: unknown %d", (int)o->backend);
  }
  if (o->threads < 0 || o->threads > 1024)
    C2_FAIL(err, C2_ERR_ARGUMENT, "threads: expected 0 to 1024, found %d", o->threads);
  C2_TRY(isa_of(o->isa, &isa, err));
  s->engine.model = s->model;
  s->engine.kernels = c2_kernels_of(isa);
  size_t threads = o->threads > 0 ? (size_t)o->threads : (size_t)c2_processor_count();
  return c2_pool_open(&s->engine.pool, threads, err);
}

chronos2_status chronos2_session_open(const chronos2_model *model, const chronos2_session_options *options,
                                      chronos2_session **session) {
  c2_error *err = begin();
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
  free(*session);
  *session = NULL;
}

chronos2_status chronos2_session_set_attention(chronos2_session *session, chronos2_attention attention, double radius,
                                               bool reg_global) {
  c2_error *err = begin();
  REQUIRE(session, "session: expected a session");
  return status_of(pattern_of(attention, radius, reg_global, &session->engine.pattern, err));
}

const char *chronos2_session_isa(const chronos2_session *session) {
  return session->engine.kernels->name;
}

int chronos2_session_threads(const chronos2_session *session) {
  return (int)c2_pool_threads(session->engine.pool);
}

size_t chronos2_session_peak_bytes(const chronos2_session *session) {
  return chronos2_model_bytes(session->model) + session->engine.peak + session->peak_call;
}

/* The workspace is given back, so that the next mark is of what the next calls need. */
void chronos2_session_reset_peak(chronos2_session *session) {
  c2_block_free(&session->engine.workspace);
  session->engine.peak = 0;
  session->peak_call = 0;
}

void chronos2_session_on_progress(chronos2_session *session, chronos2_progress_fn progress, void *user) {
  session->progress = progress;
  session->progress_user = user;
}

void chronos2_session_on_attention(chronos2_session *session, chronos2_attention_fn observer, void *user) {
  session->engine.observer = observer;
  session->engine.observer_user = user;
}

/* ---- One forward pass ------------------------------------------------------------------------- */

static size_t context_patches(const chronos2_model *model, const chronos2_batch *batch) {
  c2_row row = {.length = batch->length};
  return c2_row_patches(&row, model->config.patch, model->config.context_length);
}

size_t chronos2_batch_tokens(const chronos2_model *model, const chronos2_batch *batch) {
  return context_patches(model, batch) + 1 + batch->output_patches;
}

static c2_status widen(double *out, const float *in, size_t count, const char *what, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (isinf(in[i])) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: element %zu is infinite; a missing value is NaN", what, i);
    out[i] = (double)in[i];
  }
  return C2_OK;
}

static void fill_mask(const chronos2_model *model, const chronos2_batch *batch, float *mask) {
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
      mask[b * tokens + t] = observed;
    }
  }
}

typedef struct forward_memory {
  double *context, *future, *quantiles, *loc, *scale;
  c2_row *row;
} forward_memory;

static c2_status forward(chronos2_session *s, const chronos2_batch *in, forward_memory *m, size_t outputs,
                         c2_error *err) {
  C2_TRY(c2_alloc_array(in->rows, in->length * sizeof(double), &m->context, err));
  C2_TRY(c2_alloc_array(in->rows, in->future_length * sizeof(double), &m->future, err));
  C2_TRY(c2_alloc_array(outputs, sizeof(double), &m->quantiles, err));
  C2_TRY(c2_alloc_array(in->rows, sizeof(double), &m->loc, err));
  C2_TRY(c2_alloc_array(in->rows, sizeof(double), &m->scale, err));
  C2_TRY(c2_alloc_array(in->rows, sizeof *m->row, &m->row, err));
  C2_TRY(widen(m->context, in->context, in->rows * in->length, "context", err));
  if (in->future_covariates) {
    C2_TRY(widen(m->future, in->future_covariates, in->rows * in->future_length, "future_covariates", err));
  }
  for (size_t b = 0; b < in->rows; b++) {
    m->row[b] = (c2_row){.context = m->context + b * in->length,
                         .length = in->length,
                         .future = in->future_covariates ? m->future + b * in->future_length : NULL,
                         .future_length = in->future_covariates ? in->future_length : 0,
                         .group = in->group_ids ? in->group_ids[b] : (int64_t)b,
                         .slot = b};
  }
  c2_batch batch = {.row = m->row,
                    .rows = in->rows,
                    .output_patches = in->output_patches,
                    .context_limit = s->model->config.context_length};
  c2_batch_sort(&batch);
  c2_result result = {.quantiles = m->quantiles, .loc = m->loc, .scale = m->scale};
  return s->options.backend == CHRONOS2_REFERENCE ? c2_reference_forward(&s->engine, &batch, &result, err)
                                                  : c2_fused_forward(&s->engine, &batch, &result, err);
}

chronos2_status chronos2_forward(chronos2_session *session, const chronos2_batch *batch, float *quantiles, float *loc,
                                 float *scale, float *token_mask) {
  c2_error *err = begin();
  REQUIRE(session && batch && quantiles, "session, batch and quantiles: expected not NULL");
  REQUIRE(batch->rows > 0 && (batch->context || batch->length == 0), "batch: expected at least one row");
  const chronos2_config *c = &session->model->config;
  REQUIRE(batch->output_patches >= 1 && batch->output_patches <= 1 << 20,
          "output_patches: expected at least 1, found %zu", batch->output_patches);
  REQUIRE(!batch->future_covariates || batch->future_length <= c->patch * batch->output_patches,
          "future_length: %zu steps are more than %zu output patches hold", batch->future_length,
          batch->output_patches);
  size_t per_row = c->quantiles * c->patch * batch->output_patches;
  size_t outputs = 0;
  size_t inputs = 0;
  REQUIRE(c2_mul(batch->rows, per_row, &outputs) && c2_mul(batch->rows, batch->length, &inputs) &&
              inputs < SIZE_MAX / 64 && outputs < SIZE_MAX / 64,
          "batch: the size overflows");
  forward_memory m = {0};
  c2_status status = forward(session, batch, &m, outputs, err);
  if (status == C2_OK) {
    for (size_t i = 0; i < outputs; i++) quantiles[i] = (float)m.quantiles[i];
    for (size_t b = 0; loc && b < batch->rows; b++) loc[b] = (float)m.loc[b];
    for (size_t b = 0; scale && b < batch->rows; b++) scale[b] = (float)m.scale[b];
    if (token_mask) fill_mask(session->model, batch, token_mask);
  }
  free(m.context);
  free(m.future);
  free(m.quantiles);
  free(m.loc);
  free(m.scale);
  free(m.row);
  return status_of(status);
}

/* ---- Forecasting ------------------------------------------------------------------------------ */

static c2_status check_values(const double *values, size_t count, size_t series, const char *what, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (isinf(values[i]))
      C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: value %zu is infinite; a missing value is NaN", series, what, i);
  }
  return C2_OK;
}

static c2_status check_series(const chronos2_series *s, size_t index, size_t horizon, c2_error *err) {
  size_t count = 0;
  if (s->targets < 1) C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: expected at least one target", index);
  if (!c2_mul(s->targets, s->length, &count) || (count > 0 && !s->target)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: expected %zu x %zu target values", index, s->targets, s->length);
  }
  C2_TRY(check_values(s->target, count, index, "target", err));
  for (size_t i = 0; i < s->covariates; i++) {
    const chronos2_covariate *c = &s->covariate[i];
    const char *name = c->name ? c->name : "covariate";
    if ((c->past && c->past_text) || (c->future && c->past_text) || (c->future_text && !c->past_text)) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: expected numbers or texts, not both", index, name);
    }
    if (c->past_text) continue;
    if (!c->past && s->length > 0) C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: expected its past", index, name);
    C2_TRY(check_values(c->past, s->length, index, name, err));
    if (c->future) C2_TRY(check_values(c->future, horizon, index, name, err));
  }
  return C2_OK;
}

/* Rows of series [from, to): targets first, then covariates, one group a series. */
static void make_rows(const chronos2_series *series, size_t from, size_t to, const chronos2_predict_options *o,
                      c2_row *row) {
  size_t at = 0;
  for (size_t i = from; i < to; i++) {
    const chronos2_series *s = &series[i];
    for (size_t t = 0; t < s->targets + s->covariates; t++, at++) {
      const chronos2_covariate *c = t < s->targets ? NULL : &s->covariate[t - s->targets];
      row[at] = (c2_row){.context = c ? c->past : s->target + t * s->length,
                         .length = s->length,
                         .future = c ? c->future : NULL,
                         .future_length = c && c->future ? o->horizon : 0,
                         .group = o->cross_learning ? 0 : (int64_t)i,
                         .slot = at};
    }
  }
}

/* First series behind the pass that begins at `from`: as many as fit the asked batch size, which only
 * under cross learning decides the groups; else also as few as keep the workspace small. */
static size_t pass_end(const chronos2_series *series, size_t count, size_t from, const chronos2_predict_options *o,
                       const chronos2_config *c, size_t limit, size_t *rows) {
  size_t batch = o->batch_size > 0 ? o->batch_size : DEFAULT_BATCH;
  size_t patches = c2_min_size((o->horizon + c->patch - 1) / c->patch, c->max_output_patches);
  size_t tokens = 0;
  size_t i = from;
  *rows = 0;
  while (i < count && *rows < batch && (o->cross_learning || tokens < PASS_TOKENS)) {
    size_t own = series[i].targets + series[i].covariates;
    *rows += own;
    tokens += own * (c2_min_size(series[i].length, limit) / c->patch + 2 + patches);
    i++;
  }
  return i;
}

static c2_status predict_pass(chronos2_session *s, const c2_memory *memory, const chronos2_series *series, size_t from,
                              size_t to, size_t rows, const chronos2_predict_options *o, size_t limit,
                              chronos2_forecast *f, c2_error *err) {
  size_t per_row = f->quantiles * o->horizon;
  c2_row *row = NULL;
  double *values = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(rows, sizeof *row, &row, err));
  C2_GOTO(c2_alloc_array(rows, per_row * sizeof *values, &values, err));
  make_rows(series, from, to, o, row);
  c2_batch batch = {.row = row, .rows = rows, .context_limit = limit};
  s->peak_call = c2_max_size(s->peak_call, rows * (sizeof *row + per_row * sizeof *values));
  C2_GOTO(c2_rollout(&s->engine, s->options.backend == CHRONOS2_REFERENCE, memory, &batch, o->horizon, values, err));
  size_t at = 0;
  for (size_t i = from; i < to; i++) {
    memcpy(f->values + f->first[i] * per_row, values + at * per_row, f->targets[i] * per_row * sizeof *values);
    at += series[i].targets + series[i].covariates;
  }
fail:
  free(row);
  free(values);
  return status;
}

static c2_status open_forecast(const chronos2_series *series, size_t count, const chronos2_predict_options *o,
                               const chronos2_config *c, chronos2_forecast *f, c2_error *err) {
  size_t rows = 0;
  size_t per_row = 0;
  size_t total = 0;
  f->count = count;
  f->horizon = o->horizon;
  f->quantiles = c->quantiles;
  f->median = c2_config_median(c);
  memcpy(f->levels, c->quantile_levels, sizeof f->levels);
  C2_TRY(c2_alloc_array(count, sizeof *f->targets, &f->targets, err));
  C2_TRY(c2_alloc_array(count, sizeof *f->first, &f->first, err));
  for (size_t i = 0; i < count; i++) {
    C2_TRY(check_series(&series[i], i, o->horizon, err));
    f->targets[i] = series[i].targets;
    f->first[i] = rows;
    rows += series[i].targets;
  }
  f->rows = rows;
  if (!c2_mul(c->quantiles, o->horizon, &per_row) || !c2_mul(rows, per_row, &total)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the forecast's size overflows");
  }
  return c2_alloc_array(total, sizeof *f->values, &f->values, err);
}

static size_t limit_of(const chronos2_config *c, const chronos2_predict_options *o) {
  size_t limit = o->context_length > 0 ? o->context_length : c->context_length;
  return o->extend_context ? limit : c2_min_size(limit, c->context_length);
}

/* Rows of series [from, to). */
static size_t rows_of(const chronos2_series *series, size_t from, size_t to) {
  size_t rows = 0;
  for (size_t i = from; i < to; i++) rows += series[i].targets + series[i].covariates;
  return rows;
}

/* One encoded pass of a context. */
typedef struct encoded_pass {
  size_t end; /* the series behind it */
  c2_memory memory;
} encoded_pass;

struct chronos2_context {
  const chronos2_model *model;
  const c2_kernels *kernels;
  c2_pattern pattern;
  chronos2_predict_options options;
  size_t count, passes, room;
  encoded_pass *pass;
};

static c2_status predict(chronos2_session *s, const chronos2_context *context, const chronos2_series *series,
                         size_t count, const chronos2_predict_options *o, chronos2_forecast *f, c2_error *err) {
  const chronos2_config *c = &s->model->config;
  c2_encoded encoded = {0};
  c2_status status = C2_OK;
  C2_TRY(open_forecast(series, count, o, c, f, err));
  C2_GOTO(c2_encode_categories(series, count, o->horizon, &encoded, err));
  for (size_t from = 0, pass = 0; from < count; pass++) {
    size_t rows = 0;
    size_t to = context ? context->pass[pass].end : pass_end(encoded.series, count, from, o, c, limit_of(c, o), &rows);
    const c2_memory *memory = context ? &context->pass[pass].memory : NULL;
    rows = rows_of(series, from, to);
    C2_GOTO(predict_pass(s, memory, encoded.series, from, to, rows, o, limit_of(c, o), f, err));
    from = to;
    if (s->progress && s->progress(s->progress_user, from, count) != 0) {
      C2_GOTO(c2_fail(err, C2_ERR_CANCELLED, "stopped on request after %zu of %zu series", from, count));
    }
  }
  for (size_t i = 0; o->monotone && i < f->rows; i++) {
    double *row = f->values + i * f->quantiles * f->horizon;
    for (size_t t = 0; t < f->horizon; t++) c2_rearrange_quantiles(row + t, f->horizon, f->quantiles);
  }
fail:
  c2_encoded_free(&encoded);
  return status;
}

static chronos2_status predict_any(chronos2_session *session, const chronos2_context *context,
                                   const chronos2_series *series, size_t count, const chronos2_predict_options *options,
                                   chronos2_forecast **forecast, c2_error *err) {
  REQUIRE(options->horizon >= 1 && options->horizon <= 1 << 20, "horizon: expected 1 to 2^20 steps, found %zu",
          options->horizon);
  chronos2_forecast *f = NULL;
  c2_status status = c2_alloc_array(1, sizeof *f, &f, err);
  if (status == C2_OK) status = predict(session, context, series, count, options, f, err);
  if (status != C2_OK) {
    chronos2_forecast_free(&f);
    return status_of(status);
  }
  *forecast = f;
  return CHRONOS2_OK;
}

chronos2_status chronos2_predict(chronos2_session *session, const chronos2_series *series, size_t count,
                                 const chronos2_predict_options *options, chronos2_forecast **forecast) {
  c2_error *err = begin();
  REQUIRE(forecast, "forecast: expected a place for the handle");
  *forecast = NULL;
  REQUIRE(session && options && (series || count == 0), "session, series and options: expected not NULL");
  return predict_any(session, NULL, series, count, options, forecast, err);
}

/* ---- Scenarios -------------------------------------------------------------------------------- */

static c2_status encode_pass(chronos2_session *s, const chronos2_series *series, size_t from, size_t to, size_t rows,
                             const chronos2_predict_options *o, c2_memory *memory, c2_error *err) {
  c2_row *row = NULL;
  C2_TRY(c2_alloc_array(rows, sizeof *row, &row, err));
  make_rows(series, from, to, o, row);
  c2_batch batch = {.row = row, .rows = rows, .context_limit = limit_of(&s->model->config, o)};
  c2_batch_sort(&batch);
  c2_status status = c2_fused_encode(&s->engine, &batch, memory, err);
  free(row);
  return status;
}

static c2_status encode_context(chronos2_session *s, const chronos2_series *series, size_t count, chronos2_context *x,
                                c2_error *err) {
  const chronos2_config *c = &s->model->config;
  c2_encoded encoded = {0};
  c2_status status = C2_OK;
  for (size_t i = 0; i < count; i++) C2_TRY(check_series(&series[i], i, 0, err));
  C2_GOTO(c2_encode_categories(series, count, 0, &encoded, err));
  for (size_t from = 0; from < count;) {
    size_t rows = 0;
    size_t to = pass_end(encoded.series, count, from, &x->options, c, limit_of(c, &x->options), &rows);
    C2_GOTO(c2_grow_array(&x->pass, &x->room, x->passes + 1, sizeof *x->pass, err));
    encoded_pass *pass = &x->pass[x->passes++];
    *pass = (encoded_pass){.end = to};
    C2_GOTO(encode_pass(s, encoded.series, from, to, rows, &x->options, &pass->memory, err));
    from = to;
  }
fail:
  c2_encoded_free(&encoded);
  return status;
}

chronos2_status chronos2_context_open(chronos2_session *session, const chronos2_series *series, size_t count,
                                      const chronos2_predict_options *options, chronos2_context **context) {
  c2_error *err = begin();
  REQUIRE(context, "context: expected a place for the handle");
  *context = NULL;
  REQUIRE(session && (series || count == 0), "session and series: expected not NULL");
  REQUIRE(session->engine.pattern.attention == CHRONOS2_WINDOWED_FUTURE_GLOBAL &&
              session->options.backend == CHRONOS2_FUSED,
          "scenarios need windowed_future_global attention on the fused backend: elsewhere a context sees the future");
  chronos2_context *x = NULL;
  c2_status status = c2_alloc_array(1, sizeof *x, &x, err);
  if (status == C2_OK) {
    x->model = session->model;
    x->kernels = session->engine.kernels;
    x->pattern = session->engine.pattern;
    x->count = count;
    if (options) x->options = *options;
    x->options.horizon = 1; /* how passes are cut must not depend on it */
    status = encode_context(session, series, count, x, err);
  }
  if (status != C2_OK) {
    chronos2_context_close(&x);
    return status_of(status);
  }
  *context = x;
  return CHRONOS2_OK;
}

void chronos2_context_close(chronos2_context **context) {
  if (!context || !*context) return;
  for (size_t i = 0; i < (*context)->passes; i++) c2_memory_free(&(*context)->pass[i].memory);
  free((*context)->pass);
  free(*context);
  *context = NULL;
}

size_t chronos2_context_bytes(const chronos2_context *context) {
  size_t bytes = 0;
  for (size_t i = 0; i < context->passes; i++) bytes += context->pass[i].memory.block.size;
  return bytes;
}

chronos2_status chronos2_context_predict(chronos2_session *session, const chronos2_context *context,
                                         const chronos2_series *series, size_t count,
                                         const chronos2_predict_options *options, chronos2_forecast **forecast) {
  c2_error *err = begin();
  REQUIRE(forecast, "forecast: expected a place for the handle");
  *forecast = NULL;
  REQUIRE(session && context && options && (series || count == 0),
          "session, context, series and options: expected not NULL");
  const c2_pattern *p = &session->engine.pattern;
  REQUIRE(session->model == context->model && session->engine.kernels == context->kernels &&
              session->options.backend == CHRONOS2_FUSED && p->attention == context->pattern.attention &&
              p->radius == context->pattern.radius && p->reg_global == context->pattern.reg_global,
          "session: expected the model, instruction set, attention and radius of the encoding");
  REQUIRE(count == context->count, "series: %zu were encoded, found %zu", context->count, count);
  chronos2_predict_options all = context->options;
  all.horizon = options->horizon;
  all.monotone = options->monotone;
  return predict_any(session, context, series, count, &all, forecast, err);
}

/* ---- Embeddings ------------------------------------------------------------------------------- */

typedef struct embedded {
  size_t targets, tokens;
  float *values;       /* [targets][tokens][D] */
  double *loc, *scale; /* [targets] */
} embedded;

struct chronos2_embedding {
  size_t count;
  embedded *item; /* [count] */
};

typedef struct embed_memory {
  c2_row *row;
  float *hidden; /* [rows][S][D] */
  double *loc, *scale;
} embed_memory;

static c2_status take_embedding(embedded *e, const chronos2_series *s, const embed_memory *m, size_t row, size_t tokens,
                                size_t d_model, c2_error *err) {
  size_t values = tokens * d_model; /* a block of rows of them exists already */
  e->targets = s->targets;
  e->tokens = tokens;
  C2_TRY(c2_alloc_array(s->targets, values * sizeof(float), &e->values, err));
  C2_TRY(c2_alloc_array(s->targets, sizeof(double), &e->loc, err));
  C2_TRY(c2_alloc_array(s->targets, sizeof(double), &e->scale, err));
  memcpy(e->values, m->hidden + row * values, s->targets * values * sizeof(float));
  memcpy(e->loc, m->loc + row, s->targets * sizeof(double));
  memcpy(e->scale, m->scale + row, s->targets * sizeof(double));
  return C2_OK;
}

static c2_status embed_pass(chronos2_session *s, const chronos2_series *series, size_t from, size_t to, size_t rows,
                            const chronos2_predict_options *o, chronos2_embedding *x, c2_error *err) {
  const chronos2_config *c = &s->model->config;
  embed_memory m = {0};
  size_t tokens = 0;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(rows, sizeof *m.row, &m.row, err));
  C2_GOTO(c2_alloc_array(rows, sizeof *m.loc, &m.loc, err));
  C2_GOTO(c2_alloc_array(rows, sizeof *m.scale, &m.scale, err));
  make_rows(series, from, to, o, m.row);
  c2_batch batch = {.row = m.row, .rows = rows, .context_limit = limit_of(c, o), .output_patches = 1};
  for (size_t r = 0; r < rows; r++) {
    m.row[r].future = NULL; /* as upstream, which embeds without a horizon */
    m.row[r].future_length = 0;
    tokens = c2_max_size(tokens, c2_row_patches(&m.row[r], c->patch, batch.context_limit) + 2);
  }
  C2_GOTO(c2_alloc_array(rows * tokens, c->d_model * sizeof *m.hidden, &m.hidden, err));
  bool reference = s->options.backend == CHRONOS2_REFERENCE || c2_batch_masks(&batch, c->patch);
  c2_result result = {.loc = m.loc, .scale = m.scale, .hidden = m.hidden};
  c2_batch_sort(&batch);
  C2_GOTO(reference ? c2_reference_forward(&s->engine, &batch, &result, err)
                    : c2_fused_forward(&s->engine, &batch, &result, err));
  for (size_t i = from, row = 0; i < to; i++) {
    C2_GOTO(take_embedding(&x->item[i], &series[i], &m, row, tokens, c->d_model, err));
    row += series[i].targets + series[i].covariates;
  }
fail:
  free(m.row);
  free(m.hidden);
  free(m.loc);
  free(m.scale);
  return status;
}

static c2_status embed(chronos2_session *s, const chronos2_series *series, size_t count,
                       const chronos2_predict_options *o, chronos2_embedding *x, c2_error *err) {
  c2_encoded encoded = {0};
  c2_status status = C2_OK;
  chronos2_predict_options whole = *o; /* passes are cut by rows alone: padding depends on them */
  whole.horizon = 1;
  whole.cross_learning = true;
  x->count = count;
  C2_TRY(c2_alloc_array(count, sizeof *x->item, &x->item, err));
  for (size_t i = 0; i < count; i++) C2_TRY(check_series(&series[i], i, 0, err));
  C2_GOTO(c2_encode_categories(series, count, 0, &encoded, err));
  for (size_t from = 0; from < count;) {
    size_t rows = 0;
    size_t to = pass_end(encoded.series, count, from, &whole, &s->model->config, 0, &rows);
    C2_GOTO(embed_pass(s, encoded.series, from, to, rows, o, x, err));
    from = to;
  }
fail:
  c2_encoded_free(&encoded);
  return status;
}

chronos2_status chronos2_embed(chronos2_session *session, const chronos2_series *series, size_t count,
                               const chronos2_predict_options *options, chronos2_embedding **embedding) {
  c2_error *err = begin();
  REQUIRE(embedding, "embedding: expected a place for the handle");
  *embedding = NULL;
  REQUIRE(session && (series || count == 0), "session and series: expected not NULL");
  chronos2_predict_options o = options ? *options : (chronos2_predict_options){0};
  chronos2_embedding *x = NULL;
  o.cross_learning = false;
  c2_status status = c2_alloc_array(1, sizeof *x, &x, err);
  if (status == C2_OK) status = embed(session, series, count, &o, x, err);
  if (status != C2_OK) {
    chronos2_embedding_free(&x);
    return status_of(status);
  }
  *embedding = x;
  return CHRONOS2_OK;
}

void chronos2_embedding_free(chronos2_embedding **embedding) {
  if (!embedding || !*embedding) return;
  for (size_t i = 0; (*embedding)->item && i < (*embedding)->count; i++) {
    free((*embedding)->item[i].values);
    free((*embedding)->item[i].loc);
    free((*embedding)->item[i].scale);
  }
  free((*embedding)->item);
  free(*embedding);
  *embedding = NULL;
}

size_t chronos2_embedding_tokens(const chronos2_embedding *embedding, size_t series) {
  return series < embedding->count ? embedding->item[series].tokens : 0;
}

const float *chronos2_embedding_values(const chronos2_embedding *embedding, size_t series) {
  return series < embedding->count ? embedding->item[series].values : NULL;
}

chronos2_status chronos2_embedding_scale(const chronos2_embedding *embedding, size_t series, size_t target, double *loc,
                                         double *scale) {
  begin();
  REQUIRE(embedding && loc && scale, "embedding, loc and scale: expected not NULL");
  REQUIRE(series < embedding->count && target < embedding->item[series].targets,
          "series %zu, target %zu: not in this embedding", series, target);
  *loc = embedding->item[series].loc[target];
  *scale = embedding->item[series].scale[target];
  return CHRONOS2_OK;
}

/* ---- What a forecast holds -------------------------------------------------------------------- */

void chronos2_forecast_free(chronos2_forecast **forecast) {
  if (!forecast || !*forecast) return;
  free((*forecast)->targets);
  free((*forecast)->first);
  free((*forecast)->values);
  free(*forecast);
  *forecast = NULL;
}

size_t chronos2_forecast_count(const chronos2_forecast *forecast) {
  return forecast->count;
}

size_t chronos2_forecast_targets(const chronos2_forecast *forecast, size_t series) {
  return series < forecast->count ? forecast->targets[series] : 0;
}

size_t chronos2_forecast_horizon(const chronos2_forecast *forecast) {
  return forecast->horizon;
}

const double *chronos2_forecast_quantiles(const chronos2_forecast *f, size_t series, size_t target) {
  if (series >= f->count || target >= f->targets[series]) return NULL;
  return f->values + (f->first[series] + target) * f->quantiles * f->horizon;
}

const double *chronos2_forecast_median(const chronos2_forecast *f, size_t series, size_t target) {
  const double *values = chronos2_forecast_quantiles(f, series, target);
  return values ? values + f->median * f->horizon : NULL;
}

chronos2_status chronos2_forecast_at_levels(const chronos2_forecast *f, size_t series, size_t target,
                                            const double *levels, size_t count, double *out) {
  begin();
  REQUIRE(f && levels && out, "forecast, levels and out: expected not NULL");
  const double *values = chronos2_forecast_quantiles(f, series, target);
  REQUIRE(values, "series %zu, target %zu: not in this forecast", series, target);
  for (size_t i = 0; i < count; i++) {
    REQUIRE(levels[i] >= 0 && levels[i] <= 1, "level %g: expected 0 to 1", levels[i]);
    for (size_t t = 0; t < f->horizon; t++) {
      out[t * count + i] = c2_quantile_at(f->levels, values + t, f->horizon, f->quantiles, levels[i]);
    }
  }
  return CHRONOS2_OK;
}
