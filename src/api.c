/* The public interface: models, sessions, raw forward passes. Only api*.c define chronos2_* symbols; they check
 * arguments, own the handles and keep the thread's last error; everything else is below. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/memory.h"
#include "base/radius.h"
#include "base/text.h"
#include "engine/backend.h"
#include "engine/window.h"
#include "forecast/context.h"
#include "forecast/raw.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "model/names.h"
#include "model/open.h"
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

/* ---- Version, options, names ------------------------------------------------------------------- */

int chronos2_abi_version(void) {
  return CHRONOS2_ABI_VERSION;
}

const char *chronos2_version(void) {
  return C2_VERSION;
}

const char *chronos2_isa_name(size_t index) {
  return c2_kernels_name(index);
}

const char *chronos2_isa_chosen(chronos2_dtype dtype, const char **product) {
  if (product) *product = NULL;
  c2_error *err = c2_api_begin();
  const char *name = NULL;
  if (!chronos2_dtype_name(dtype) || c2_isa_of_auto(dtype, &name, err) != C2_OK) return NULL;
  if (product) *product = c2_level_find(name, (c2_type)dtype)->product[dtype];
  return name;
}

c2_status c2_options_read(void *own, size_t size, const void *given, const char *name, c2_error *err) {
  enum { MOST = 4096 }; /* what lies there is no size */
  size_t found = size;
  memset(own, 0, size);
  if (given) memcpy(&found, given, sizeof found);
  if (found < sizeof found || found > MOST) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "options: their size is %zu: begin them with %s", found, name);
  }
  if (given) memcpy(own, given, c2_min_size(size, found));
  memcpy(own, &size, sizeof size);
  if (found > size && !c2_all_zero((const unsigned char *)given + size, found - size)) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "options: this library knows the first %zu of %zu bytes, and what lies beyond is not 0: it is older than "
            "the program",
            size, found);
  }
  return C2_OK;
}

static const char *const status_names[] = {"ok",    "argument",    "memory",   "io", "format",
                                           "model", "unsupported", "cancelled"};
static const char *const dtype_names[] = {"fp32", "bf16", "int8"};
static const char *const backend_names[] = {"fused", "reference"};

#define COUNT(names) (sizeof(names) / sizeof(names)[0])

/* Defines chronos2_KIND_name and chronos2_KIND_named. */
#define DEFINE_NAMES(kind, names)                                                          \
  const char *chronos2_##kind##_name(chronos2_##kind kind) {                               \
    return (size_t)kind < COUNT(names) ? names[kind] : NULL;                               \
  }                                                                                        \
  chronos2_status chronos2_##kind##_named(const char *name, chronos2_##kind *kind) {       \
    c2_error *err = c2_api_begin();                                                        \
    size_t index = 0;                                                                      \
    REQUIRE(name && kind, "name and " #kind ": expected not NULL");                        \
    c2_status found = c2_name_find(names, 0, COUNT(names), name, #kind, &index, err);      \
    if (found == C2_OK) *kind = (chronos2_##kind)index;                                    \
    return status_of(found);                                                               \
  }

DEFINE_NAMES(status, status_names)
DEFINE_NAMES(dtype, dtype_names)
DEFINE_NAMES(backend, backend_names)

const char *chronos2_attention_name(chronos2_attention attention) {
  return c2_attention_name(attention);
}

chronos2_status chronos2_attention_named(const char *name, chronos2_attention *attention) {
  c2_error *err = c2_api_begin();
  REQUIRE(name && attention, "name and attention: expected not NULL");
  return status_of(c2_attention_named(name, "attention", attention, err));
}

/* ---- Model ------------------------------------------------------------------------------------ */

DEFINE_OPTIONS_INIT(chronos2_model_options, reserved)

static c2_status read_model_options(const chronos2_model_options *given, chronos2_model_options *own, c2_error *err) {
  C2_TRY(c2_options_read(own, sizeof *own, given, "CHRONOS2_MODEL_OPTIONS_INIT", err));
  if (!chronos2_dtype_name(own->dtype)) C2_FAIL(err, C2_ERR_ARGUMENT, "dtype: unknown %d", (int)own->dtype);
  return c2_reserved_check(own->reserved, sizeof own->reserved, "options", err);
}

chronos2_status chronos2_model_open(const char *folder, const chronos2_model_options *options, chronos2_model **model) {
  c2_error *err = c2_api_begin();
  chronos2_model_options own;
  REQUIRE(model, "model: expected a place for the handle");
  *model = NULL;
  REQUIRE(folder, "folder: expected a path");
  c2_status status = read_model_options(options, &own, err);
  return status_of(status == C2_OK ? c2_load_model(folder, &own, model, err) : status);
}

chronos2_status chronos2_model_random(const chronos2_config *config, uint64_t seed,
                                      const chronos2_model_options *options, chronos2_model **model) {
  c2_error *err = c2_api_begin();
  chronos2_model_options own;
  REQUIRE(model, "model: expected a place for the handle");
  *model = NULL;
  REQUIRE(config, "config: expected not NULL");
  c2_status status = read_model_options(options, &own, err);
  return status_of(status == C2_OK ? c2_load_random(config, seed, &own, model, err) : status);
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
  return model ? model->prepared.bytes + model->raw.block.size : 0;
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

size_t chronos2_model_patterns(const chronos2_model *model) {
  return model ? model->trained.patterns : 0;
}

chronos2_pattern chronos2_model_pattern(const chronos2_model *model, size_t index) {
  return index < chronos2_model_patterns(model) ? model->trained.pattern[index] : (chronos2_pattern){.radius = 0};
}

bool chronos2_model_trained_for(const chronos2_model *model, chronos2_pattern pattern) {
  return model && (pattern.attention == CHRONOS2_AUTO || c2_trained_for(&model->trained, pattern));
}

const char *chronos2_model_trained_text(const chronos2_model *model) {
  return model ? model->trained.text : NULL;
}

bool chronos2_model_measured(const chronos2_model *model, chronos2_pattern pattern, double *mase_change,
                             size_t *tasks) {
  const c2_measured *m = model ? c2_trained_measured(&model->trained, pattern) : NULL;
  if (m && mase_change) *mase_change = m->mase_change;
  if (m && tasks) *tasks = m->tasks;
  return m != NULL;
}

chronos2_training chronos2_model_training(const chronos2_model *model) {
  return model ? model->training : (chronos2_training){.trained = false};
}

/* ---- Session ---------------------------------------------------------------------------------- */

DEFINE_OPTIONS_INIT(chronos2_session_options, device)

/* A radius as the engine counts it; false if it cannot be one. */
static bool radius_of(double radius, size_t *out) {
  if (!c2_radius_is(radius)) return false;
  *out = isinf(radius) ? SIZE_MAX : (size_t)radius;
  return true;
}

static c2_status pattern_of(const chronos2_model *model, chronos2_attention attention, double radius, bool reg_global,
                            c2_pattern *out, c2_error *err) {
  size_t tokens = 0;
  if (!c2_attention_name(attention)) C2_FAIL(err, C2_ERR_ARGUMENT, "attention: unknown pattern %d", (int)attention);
  if (attention == CHRONOS2_AUTO) {
    const chronos2_pattern *trained = &model->trained.pattern[0];
    attention = trained->attention;
    radius = trained->radius;
    reg_global = reg_global || trained->reg_global;
  }
  if (attention != CHRONOS2_FULL && !radius_of(radius, &tokens)) {
    char found[C2_FLOAT_ROOM];
    c2_double_text(found, radius, C2_USUAL_DIGITS);
    C2_FAIL(err, C2_ERR_ARGUMENT, "radius: expected a whole number of at most 1e9 tokens, or infinity, found %s",
            found);
  }
  *out = (c2_pattern){attention, tokens, reg_global};
  return C2_OK;
}

/* A pattern as callers have it. */
static chronos2_pattern pattern_from(const c2_pattern *p) {
  if (p->attention == CHRONOS2_FULL) return (chronos2_pattern){.attention = CHRONOS2_FULL};
  return (chronos2_pattern){p->attention, p->radius == SIZE_MAX ? (double)INFINITY : (double)p->radius, p->reg_global};
}

const char *chronos2_model_caveat(const chronos2_model *model, chronos2_pattern asked) {
  static _Thread_local char text[C2_PATTERN_CAVEAT_ROOM];
  c2_pattern p = {.attention = CHRONOS2_AUTO};
  if (!model || pattern_of(model, asked.attention, asked.radius, asked.reg_global, &p, NULL) != C2_OK) return NULL;
  c2_trained_caveat(&model->trained, pattern_from(&p), text);
  return text[0] ? text : NULL;
}

chronos2_pattern chronos2_model_context_pattern(const chronos2_model *model, chronos2_pattern asked) {
  c2_pattern p = {.attention = CHRONOS2_AUTO};
  bool is_possible =
      model && pattern_of(model, asked.attention, asked.radius, asked.reg_global, &p, NULL) == C2_OK &&
      c2_context_pattern(p, asked.attention == CHRONOS2_AUTO, &p);
  return is_possible ? pattern_from(&p) : (chronos2_pattern){.attention = CHRONOS2_AUTO};
}

/* Where a token lies as c2_window_allows counts: all of the future as its first. */
static int64_t place_of(size_t token, size_t context) {
  return token < context ? (int64_t)token - ((int64_t)context - 1) : 1;
}

bool chronos2_pattern_allows(chronos2_pattern pattern, size_t context, size_t query, size_t key) {
  c2_pattern p = {pattern.attention, 0, pattern.reg_global};
  bool known = pattern.attention != CHRONOS2_AUTO && c2_attention_name(pattern.attention);
  bool windowed = pattern.attention != CHRONOS2_FULL;
  bool possible = context >= 1 && context <= PTRDIFF_MAX;
  if (!known || !possible || (windowed && !radius_of(pattern.radius, &p.radius))) return false;
  return c2_window_allows(&p, place_of(query, context), place_of(key, context));
}

static c2_status open_session(chronos2_session *s, const chronos2_session_options *options, c2_error *err) {
  chronos2_session_options own;
  const chronos2_session_options *o = &own;
  C2_TRY(c2_options_read(&own, sizeof own, options, "CHRONOS2_SESSION_OPTIONS_INIT", err));
  C2_TRY(c2_reserved_check(own.reserved, sizeof own.reserved, "options", err));
  C2_TRY(pattern_of(s->model, o->attention, o->radius, o->reg_global, &s->pattern, err));
  s->automatic = o->attention == CHRONOS2_AUTO;
  C2_TRY(c2_backend_find(o->device, o->backend, &s->engine.backend, err));
  s->engine.model = s->model;
  return c2_engine_open(&s->engine, o, err);
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
  status = open_session(s, options, err);
  if (status != C2_OK) {
    chronos2_session_close(&s);
    return status_of(status);
  }
  *session = s;
  return CHRONOS2_OK;
}

void chronos2_session_close(chronos2_session **session) {
  if (!session || !*session || (*session)->busy) return;
  c2_engine_close(&(*session)->engine);
  free((*session)->blind);
  free(*session);
  *session = NULL;
}

chronos2_status chronos2_session_set_attention(chronos2_session *session, chronos2_attention attention, double radius,
                                               bool reg_global) {
  c2_error *err = c2_api_begin();
  REQUIRE(session, "session: expected a session");
  c2_status status = c2_session_check(session, err);
  if (status == C2_OK) status = pattern_of(session->model, attention, radius, reg_global, &session->pattern, err);
  if (status == C2_OK) session->automatic = attention == CHRONOS2_AUTO;
  return status_of(status);
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
  c2_status status = c2_session_check(session, err);
  if (status == C2_OK && count > 0) status = c2_alloc_array(c->layers * c->heads, sizeof *blind, &blind, err);
  if (status != C2_OK) return status_of(status);
  for (size_t i = 0; i < count; i++) blind[heads[i].layer * c->heads + heads[i].head] = true;
  free(session->blind);
  session->blind = blind;
  return CHRONOS2_OK;
}

chronos2_pattern chronos2_session_pattern(const chronos2_session *session) {
  if (!session) return (chronos2_pattern){.radius = 0};
  return pattern_from(&session->pattern);
}

const char *chronos2_session_isa(const chronos2_session *session) {
  return session ? session->engine.isa : NULL;
}

int chronos2_session_threads(const chronos2_session *session) {
  return session ? (int)session->engine.threads : 0;
}

size_t chronos2_session_peak_bytes(const chronos2_session *session) {
  return session ? chronos2_model_bytes(session->model) + session->engine.peak : 0;
}

chronos2_device_memory chronos2_session_device_memory(const chronos2_session *session) {
  if (!session) return (chronos2_device_memory){0, 0};
  return (chronos2_device_memory){session->engine.device_allocated, session->engine.device_reserved};
}

/* The workspace is given back, so that the next mark is of what the next calls need. */
void chronos2_session_reset_peak(chronos2_session *session) {
  if (session && !session->busy) c2_engine_trim(&session->engine);
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
  if (!session || (observer && session->busy)) return;
  session->engine.observer = observer;
  if (observer) session->engine.observer_user = user;
}

/* ---- One forward pass ------------------------------------------------------------------------- */

size_t chronos2_batch_tokens(const chronos2_model *model, const chronos2_batch *batch) {
  size_t tokens = 0;
  return model && batch && c2_raw_tokens(model, batch, &tokens) ? tokens : 0;
}

chronos2_status chronos2_batch_mask(const chronos2_model *model, const chronos2_batch *batch, float *token_mask) {
  c2_error *err = c2_api_begin();
  REQUIRE(model && batch && token_mask, "model, batch and token_mask: expected not NULL");
  c2_status status = c2_raw_check(model, batch, err);
  if (status == C2_OK) c2_raw_mask(model, batch, token_mask);
  return status_of(status);
}

chronos2_status chronos2_forward(chronos2_session *session, const chronos2_batch *batch, float *quantiles, float *loc,
                                 float *scale, float *token_mask) {
  c2_error *err = c2_api_begin();
  REQUIRE(session && batch && quantiles, "session, batch and quantiles: expected not NULL");
  c2_status status = c2_raw_check(session->model, batch, err);
  if (status == C2_OK) status = c2_session_enter(session, err);
  if (status != C2_OK) return status_of(status);
  status = c2_raw_forward(session, batch, quantiles, loc, scale, err);
  if (status == C2_OK && token_mask) c2_raw_mask(session->model, batch, token_mask);
  c2_session_leave(session);
  return status_of(status);
}
