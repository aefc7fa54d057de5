/* The public interface: forecasts, embeddings, scenarios. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api_internal.h"
#include "base/memory.h"
#include "engine/rollout.h"
#include "model/config.h"
#include "series/categories.h"
#include "series/quantiles.h"

enum { DEFAULT_BATCH = 256, PASS_TOKENS = 16384 };
static const size_t MOST_ROWS = (size_t)1 << 31; /* of one series */

struct chronos2_forecast {
  size_t count, rows, horizon, quantiles, median;
  double levels[64];
  size_t *targets; /* [count] */
  size_t *first;   /* [count] rows before this series */
  double *values;  /* [rows][Q][horizon] */
};

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
  if (s->targets > MOST_ROWS || s->covariates > MOST_ROWS - s->targets) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %zu targets and %zu covariates: expected at most 2^31 together", index,
            s->targets, s->covariates);
  }
  if (s->covariates > 0 && !s->covariate) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: expected %zu covariates, found NULL", index, s->covariates);
  }
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

/* Checks all series before any pass is cut: no later sum of their rows can wrap. */
static c2_status check_all(const chronos2_series *series, size_t count, size_t horizon, c2_error *err) {
  size_t rows = 0;
  for (size_t i = 0; i < count; i++) {
    C2_TRY(check_series(&series[i], i, horizon, err));
    if (!c2_add(rows, series[i].targets + series[i].covariates, &rows)) {
      C2_FAIL(err, C2_ERR_MEMORY, "the number of rows overflows");
    }
  }
  return C2_OK;
}

/* Rows of series [from, to): targets first, then covariates, one group a series; under cross learning all are group
 * `whole`. Slots count from `at`. */
static size_t make_rows(const chronos2_series *series, size_t from, size_t to, const chronos2_predict_options *o,
                        int64_t whole, size_t at, c2_row *row) {
  for (size_t i = from; i < to; i++) {
    const chronos2_series *s = &series[i];
    for (size_t t = 0; t < s->targets + s->covariates; t++, at++) {
      const chronos2_covariate *c = t < s->targets ? NULL : &s->covariate[t - s->targets];
      const double *target = s->length > 0 ? s->target + t * s->length : NULL;
      row[at] = (c2_row){.context = c ? c->past : target,
                         .length = s->length,
                         .future = c ? c->future : NULL,
                         .future_length = c && c->future ? o->horizon : 0,
                         .group = o->cross_learning ? whole : (int64_t)i,
                         .slot = at};
    }
  }
  return at;
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
    size_t more = 0;
    *rows += own;
    if (!c2_mul(own, c2_min_size(series[i].length, limit) / c->patch + 2 + patches, &more) ||
        !c2_add(tokens, more, &tokens)) {
      tokens = SIZE_MAX;
    }
    i++;
  }
  return i;
}

/* Series [from, to), and the same again `stride` further on, `times` in all: the futures of an encoded context. */
typedef struct predicted {
  size_t from, to, stride, times;
  size_t rows; /* of one time */
  const c2_memory *memory;
} predicted;

/* A value that is NaN or infinite, where there should be none: weights or values near the end of float32's range. */
static c2_status check_finite(const double *values, size_t count, const char *what, size_t series, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) C2_FAIL(err, C2_ERR_MODEL, "%s of series %zu is not finite", what, series);
  }
  return C2_OK;
}

static c2_status predict_pass(chronos2_session *s, const predicted *p, const chronos2_series *series,
                              const chronos2_predict_options *o, size_t limit, chronos2_forecast *f, c2_error *err) {
  size_t per_row = f->quantiles * o->horizon;
  size_t rows = p->times * p->rows;
  c2_row *row = NULL;
  double *values = NULL;
  size_t at = 0;
  size_t before = s->engine.held;
  c2_status status = C2_OK;
  C2_GOTO(c2_engine_alloc(&s->engine, rows, sizeof *row, &row, err));
  C2_GOTO(c2_engine_alloc(&s->engine, rows, per_row * sizeof *values, &values, err));
  for (size_t k = 0; k < p->times; k++) {
    at = make_rows(series, p->from + k * p->stride, p->to + k * p->stride, o, (int64_t)k, at, row);
  }
  c2_batch batch = {.row = row, .rows = rows, .context_limit = limit};
  C2_GOTO(c2_rollout(&s->engine, s->options.backend == CHRONOS2_REFERENCE, p->memory, &batch, o->horizon, values, err));
  at = 0;
  for (size_t k = 0; k < p->times; k++) {
    for (size_t i = p->from + k * p->stride; i < p->to + k * p->stride; i++) {
      size_t own = f->targets[i] * per_row;
      C2_GOTO(check_finite(values + at * per_row, own, "the forecast", i, err));
      memcpy(f->values + f->first[i] * per_row, values + at * per_row, own * sizeof *values);
      at += series[i].targets + series[i].covariates;
    }
  }
fail:
  free(row);
  free(values);
  s->engine.held = before;
  return status;
}

static c2_status open_forecast(chronos2_session *s, const chronos2_series *series, size_t count,
                               const chronos2_predict_options *o, chronos2_forecast *f, c2_error *err) {
  const chronos2_config *c = &s->model->config;
  size_t rows = 0;
  size_t per_row = 0;
  size_t total = 0;
  f->count = count;
  f->horizon = o->horizon;
  f->quantiles = c->quantiles;
  f->median = c2_config_median(c);
  memcpy(f->levels, c->quantile_levels, sizeof f->levels);
  C2_TRY(check_all(series, count, o->horizon, err));
  C2_TRY(c2_engine_alloc(&s->engine, count, sizeof *f->targets, &f->targets, err));
  C2_TRY(c2_engine_alloc(&s->engine, count, sizeof *f->first, &f->first, err));
  for (size_t i = 0; i < count; i++) {
    f->targets[i] = series[i].targets;
    f->first[i] = rows;
    rows += series[i].targets;
  }
  f->rows = rows;
  if (!c2_mul(c->quantiles, o->horizon, &per_row) || !c2_mul(rows, per_row, &total)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the forecast's size overflows");
  }
  return c2_engine_alloc(&s->engine, total, sizeof *f->values, &f->values, err);
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
  size_t horizon; /* the longest that may be asked for; under windowed_future_null the null future's */
  size_t count, passes, room;
  encoded_pass *pass;
};

static c2_status tell_progress(chronos2_session *s, size_t done, size_t count, c2_error *err) {
  if (s->progress && s->progress(s->progress_user, done, count) != 0) {
    C2_FAIL(err, C2_ERR_CANCELLED, "stopped on request after %zu of %zu series", done, count);
  }
  return C2_OK;
}

static c2_status predict_series(chronos2_session *s, const chronos2_series *series, size_t count,
                                const chronos2_predict_options *o, chronos2_forecast *f, c2_error *err) {
  const chronos2_config *c = &s->model->config;
  size_t limit = limit_of(c, o);
  for (size_t from = 0; from < count;) {
    predicted p = {.from = from, .times = 1};
    p.to = pass_end(series, count, from, o, c, limit, &p.rows);
    C2_TRY(predict_pass(s, &p, series, o, limit, f, err));
    from = p.to;
    C2_TRY(tell_progress(s, from, count, err));
  }
  return C2_OK;
}

/* Futures of a pass that are forecast together: what keeps the workspace small. A rollout holds whole contexts. */
static size_t futures_together(const chronos2_config *c, size_t rows, size_t horizon) {
  size_t patches = (horizon + c->patch - 1) / c->patch;
  if (patches > c->max_output_patches || rows == 0) return 1;
  return c2_max_size(1, PASS_TOKENS / (rows * patches));
}

/* `series` are the encoded ones `futures` times over. */
static c2_status predict_encoded(chronos2_session *s, const chronos2_context *x, const chronos2_series *series,
                                 size_t futures, const chronos2_predict_options *o, chronos2_forecast *f,
                                 c2_error *err) {
  const chronos2_config *c = &s->model->config;
  size_t done = 0;
  for (size_t from = 0, pass = 0; pass < x->passes; from = x->pass[pass++].end) {
    size_t rows = rows_of(series, from, x->pass[pass].end);
    size_t together = futures_together(c, rows, o->horizon);
    for (size_t k = 0; k < futures; k += together) {
      predicted p = {.from = k * x->count + from,
                     .to = k * x->count + x->pass[pass].end,
                     .stride = x->count,
                     .times = c2_min_size(together, futures - k),
                     .rows = rows,
                     .memory = &x->pass[pass].memory};
      for (size_t i = 0; i < p.times; i++) {
        if (rows_of(series, p.from + i * x->count, p.to + i * x->count) == rows) continue;
        C2_FAIL(err, C2_ERR_ARGUMENT, "the contexts are not those that were encoded");
      }
      C2_TRY(predict_pass(s, &p, series, o, limit_of(c, o), f, err));
      done += p.times * (p.to - p.from);
      C2_TRY(tell_progress(s, done, futures * x->count, err));
    }
  }
  return C2_OK;
}

/* Categories as numbers; counts their memory as held. */
static c2_status encode_categories(chronos2_session *s, const chronos2_series *series, size_t count, size_t horizon,
                                   c2_encoded *encoded, c2_error *err) {
  C2_TRY(c2_encode_categories(series, count, horizon, encoded, err));
  c2_engine_hold(&s->engine, encoded->bytes);
  return C2_OK;
}

static c2_status predict(chronos2_session *s, const chronos2_context *context, const chronos2_series *series,
                         size_t count, const chronos2_predict_options *o, chronos2_forecast *f, c2_error *err) {
  c2_encoded encoded = {0};
  c2_status status = C2_OK;
  C2_GOTO(open_forecast(s, series, count, o, f, err));
  C2_GOTO(encode_categories(s, series, count, o->horizon, &encoded, err));
  if (context) c2_engine_hold(&s->engine, chronos2_context_bytes(context));
  C2_GOTO(context ? predict_encoded(s, context, encoded.series, context->count ? count / context->count : 0, o, f, err)
                  : predict_series(s, encoded.series, count, o, f, err));
  for (size_t i = 0; o->monotone && i < f->rows; i++) {
    double *row = f->values + i * f->quantiles * f->horizon;
    for (size_t t = 0; t < f->horizon; t++) c2_rearrange_quantiles(row + t, f->horizon, f->quantiles);
  }
fail:
  c2_encoded_free(&encoded);
  s->engine.held = 0;
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
  c2_error *err = c2_api_begin();
  REQUIRE(forecast, "forecast: expected a place for the handle");
  *forecast = NULL;
  REQUIRE(session && options && (series || count == 0), "session, series and options: expected not NULL");
  return predict_any(session, NULL, series, count, options, forecast, err);
}

/* ---- Scenarios -------------------------------------------------------------------------------- */

static c2_status encode_pass(chronos2_session *s, const chronos2_series *series, size_t from, size_t to, size_t rows,
                             const chronos2_predict_options *o, size_t horizon, c2_memory *memory, c2_error *err) {
  c2_row *row = NULL;
  size_t before = s->engine.held;
  C2_TRY(c2_engine_alloc(&s->engine, rows, sizeof *row, &row, err));
  make_rows(series, from, to, o, 0, 0, row);
  c2_batch batch = {.row = row,
                    .rows = rows,
                    .context_limit = limit_of(&s->model->config, o),
                    .output_patches = c2_rollout_patches(&s->model->config, horizon)};
  c2_batch_sort(&batch);
  c2_status status = c2_fused_encode(&s->engine, &batch, memory, err);
  free(row);
  s->engine.held = before;
  c2_engine_hold(&s->engine, memory->block.size);
  return status;
}

static c2_status encode_context(chronos2_session *s, const chronos2_series *series, size_t count, chronos2_context *x,
                                c2_error *err) {
  const chronos2_config *c = &s->model->config;
  c2_encoded encoded = {0};
  c2_status status = C2_OK;
  C2_GOTO(check_all(series, count, 0, err));
  C2_GOTO(encode_categories(s, series, count, 0, &encoded, err));
  for (size_t from = 0; from < count;) {
    size_t rows = 0;
    size_t to = pass_end(encoded.series, count, from, &x->options, c, limit_of(c, &x->options), &rows);
    C2_GOTO(c2_grow_array(&x->pass, &x->room, x->passes + 1, sizeof *x->pass, err));
    encoded_pass *pass = &x->pass[x->passes++];
    *pass = (encoded_pass){.end = to};
    C2_GOTO(encode_pass(s, encoded.series, from, to, rows, &x->options, c2_min_size(x->horizon, 1 << 20), &pass->memory,
                        err));
    from = to;
    C2_GOTO(tell_progress(s, from, count, err));
  }
fail:
  c2_encoded_free(&encoded);
  s->engine.held = 0;
  return status;
}

chronos2_status chronos2_context_open(chronos2_session *session, const chronos2_series *series, size_t count,
                                      const chronos2_predict_options *options, chronos2_context **context) {
  c2_error *err = c2_api_begin();
  REQUIRE(context, "context: expected a place for the handle");
  *context = NULL;
  REQUIRE(session && (series || count == 0), "session and series: expected not NULL");
  bool null = session->engine.pattern.attention == CHRONOS2_WINDOWED_FUTURE_NULL;
  REQUIRE((session->engine.pattern.attention == CHRONOS2_WINDOWED_FUTURE_GLOBAL || null) &&
              session->options.backend == CHRONOS2_FUSED,
          "scenarios need windowed_future_global or windowed_future_null attention on the fused backend, found %s: "
          "elsewhere a context sees the known future",
          session->options.backend == CHRONOS2_FUSED ? c2_attention_name(session->engine.pattern.attention)
                                                     : "the reference backend");
  REQUIRE(!null || (options && options->horizon >= 1 && options->horizon <= 1 << 20),
          "horizon: windowed_future_null needs the longest one that will be asked for, 1 to 2^20 steps");
  chronos2_context *x = NULL;
  c2_status status = c2_alloc_array(1, sizeof *x, &x, err);
  if (status == C2_OK) {
    x->model = session->model;
    x->kernels = session->engine.kernels;
    x->pattern = session->engine.pattern;
    x->count = count;
    if (options) x->options = *options;
    x->horizon = null ? options->horizon : SIZE_MAX;
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
  for (size_t i = 0; context && i < context->passes; i++) bytes += context->pass[i].memory.block.size;
  return bytes;
}

chronos2_status chronos2_context_predict(chronos2_session *session, const chronos2_context *context,
                                         const chronos2_series *series, size_t count,
                                         const chronos2_predict_options *options, chronos2_forecast **forecast) {
  c2_error *err = c2_api_begin();
  REQUIRE(forecast, "forecast: expected a place for the handle");
  *forecast = NULL;
  REQUIRE(session && context && options && (series || count == 0),
          "session, context, series and options: expected not NULL");
  const c2_pattern *p = &session->engine.pattern;
  REQUIRE(session->model == context->model && session->engine.kernels == context->kernels &&
              session->options.backend == CHRONOS2_FUSED && p->attention == context->pattern.attention &&
              p->radius == context->pattern.radius && p->reg_global == context->pattern.reg_global,
          "session: expected the model, instruction set, attention and radius of the encoding");
  REQUIRE(context->count == 0 ? count == 0 : count % context->count == 0,
          "series: %zu were encoded, found %zu: expected them once or several times over", context->count, count);
  REQUIRE(options->horizon <= context->horizon, "horizon: the context was encoded for at most %zu steps, found %zu",
          context->horizon, options->horizon);
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

static c2_status take_embedding(c2_engine *engine, embedded *e, const chronos2_series *s, const embed_memory *m,
                                size_t row, size_t tokens, c2_error *err) {
  size_t d_model = engine->model->config.d_model;
  size_t values = tokens * d_model; /* a block of rows of them exists already */
  e->targets = s->targets;
  e->tokens = tokens;
  C2_TRY(c2_engine_alloc(engine, s->targets, values * sizeof(float), &e->values, err));
  C2_TRY(c2_engine_alloc(engine, s->targets, sizeof(double), &e->loc, err));
  C2_TRY(c2_engine_alloc(engine, s->targets, sizeof(double), &e->scale, err));
  memcpy(e->values, m->hidden + row * values, s->targets * values * sizeof(float));
  memcpy(e->loc, m->loc + row, s->targets * sizeof(double));
  memcpy(e->scale, m->scale + row, s->targets * sizeof(double));
  return C2_OK;
}

static c2_status check_hidden(const float *values, size_t count, size_t series, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) C2_FAIL(err, C2_ERR_MODEL, "the embedding of series %zu is not finite", series);
  }
  return C2_OK;
}

static c2_status embed_pass(chronos2_session *s, const chronos2_series *series, size_t from, size_t to, size_t rows,
                            const chronos2_predict_options *o, chronos2_embedding *x, c2_error *err) {
  const chronos2_config *c = &s->model->config;
  embed_memory m = {0};
  size_t tokens = 0;
  size_t lines = 0;
  size_t before = s->engine.held;
  c2_status status = C2_OK;
  C2_GOTO(c2_engine_alloc(&s->engine, rows, sizeof *m.row, &m.row, err));
  C2_GOTO(c2_engine_alloc(&s->engine, rows, sizeof *m.loc, &m.loc, err));
  C2_GOTO(c2_engine_alloc(&s->engine, rows, sizeof *m.scale, &m.scale, err));
  make_rows(series, from, to, o, 0, 0, m.row);
  c2_batch batch = {.row = m.row, .rows = rows, .context_limit = limit_of(c, o), .output_patches = 1};
  for (size_t r = 0; r < rows; r++) {
    m.row[r].future = NULL; /* as upstream, which embeds without a horizon */
    m.row[r].future_length = 0;
    tokens = c2_max_size(tokens, c2_row_patches(&m.row[r], c->patch, batch.context_limit) + 2);
  }
  if (!c2_mul(rows, tokens, &lines)) C2_GOTO(c2_fail(err, C2_ERR_MEMORY, "the embeddings' size overflows"));
  C2_GOTO(c2_engine_alloc(&s->engine, lines, c->d_model * sizeof *m.hidden, &m.hidden, err));
  bool reference = s->options.backend == CHRONOS2_REFERENCE || c2_batch_masks(&batch, c->patch);
  c2_result result = {.loc = m.loc, .scale = m.scale, .hidden = m.hidden};
  c2_batch_sort(&batch);
  C2_GOTO(reference ? c2_reference_forward(&s->engine, &batch, &result, err)
                    : c2_fused_forward(&s->engine, &batch, &result, err));
  for (size_t i = from, row = 0; i < to; i++) {
    C2_GOTO(check_hidden(m.hidden + row * tokens * c->d_model, series[i].targets * tokens * c->d_model, i, err));
    size_t held = s->engine.held;
    C2_GOTO(take_embedding(&s->engine, &x->item[i], &series[i], &m, row, tokens, err));
    before += s->engine.held - held; /* what stays */
    row += series[i].targets + series[i].covariates;
  }
fail:
  free(m.row);
  free(m.hidden);
  free(m.loc);
  free(m.scale);
  s->engine.held = before;
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
  C2_GOTO(c2_engine_alloc(&s->engine, count, sizeof *x->item, &x->item, err));
  C2_GOTO(check_all(series, count, 0, err));
  C2_GOTO(encode_categories(s, series, count, 0, &encoded, err));
  for (size_t from = 0; from < count;) {
    size_t rows = 0;
    size_t to = pass_end(encoded.series, count, from, &whole, &s->model->config, 0, &rows);
    C2_GOTO(embed_pass(s, encoded.series, from, to, rows, o, x, err));
    from = to;
    C2_GOTO(tell_progress(s, from, count, err));
  }
fail:
  c2_encoded_free(&encoded);
  s->engine.held = 0;
  return status;
}

chronos2_status chronos2_embed(chronos2_session *session, const chronos2_series *series, size_t count,
                               const chronos2_predict_options *options, chronos2_embedding **embedding) {
  c2_error *err = c2_api_begin();
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
  return embedding && series < embedding->count ? embedding->item[series].tokens : 0;
}

const float *chronos2_embedding_values(const chronos2_embedding *embedding, size_t series) {
  return embedding && series < embedding->count ? embedding->item[series].values : NULL;
}

chronos2_status chronos2_embedding_scale(const chronos2_embedding *embedding, size_t series, size_t target, double *loc,
                                         double *scale) {
  c2_error *err = c2_api_begin();
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
  return forecast ? forecast->count : 0;
}

size_t chronos2_forecast_targets(const chronos2_forecast *forecast, size_t series) {
  return forecast && series < forecast->count ? forecast->targets[series] : 0;
}

size_t chronos2_forecast_horizon(const chronos2_forecast *forecast) {
  return forecast ? forecast->horizon : 0;
}

const double *chronos2_forecast_quantiles(const chronos2_forecast *f, size_t series, size_t target) {
  if (!f || series >= f->count || target >= f->targets[series]) return NULL;
  return f->values + (f->first[series] + target) * f->quantiles * f->horizon;
}

const double *chronos2_forecast_median(const chronos2_forecast *f, size_t series, size_t target) {
  const double *values = chronos2_forecast_quantiles(f, series, target);
  return values ? values + f->median * f->horizon : NULL;
}

chronos2_status chronos2_forecast_at_levels(const chronos2_forecast *f, size_t series, size_t target,
                                            const double *levels, size_t count, double *out) {
  c2_error *err = c2_api_begin();
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
