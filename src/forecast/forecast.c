/* A request becomes a forecast, pass by pass: each pass writes its quantiles where the forecast keeps them. */
#include "forecast/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "forecast/rollout.h"
#include "model/config.h"
#include "series/quantiles.h"

typedef struct job {
  chronos2_session *session;
  const chronos2_context *context; /* NULL: none */
  const c2_request *request;
  chronos2_forecast *forecast;
  c2_rollout how; /* its `done`: series that need no more */
} job;

/* ---- A pass ----------------------------------------------------------------------------------- */

static double *values_of(const chronos2_forecast *f, size_t row) {
  return f->values + row * f->quantiles * f->horizon;
}

/* Where each row's quantiles go: a target's into the forecast, a covariate's nowhere. */
static void direct_rows(const chronos2_forecast *f, c2_row *row, size_t rows) {
  for (size_t i = 0; i < rows; i++) {
    size_t series = row[i].series;
    if (row[i].member < f->targets[series]) row[i].quantiles = values_of(f, f->first[series] + row[i].member);
  }
}

/* A value that is NaN or infinite, where there should be none: weights or values near the end of float32's range. */
static c2_status check_finite(const chronos2_forecast *f, size_t series, c2_error *err) {
  const double *values = values_of(f, f->first[series]);
  for (size_t i = 0; i < f->targets[series] * f->quantiles * f->horizon; i++) {
    if (!isfinite(values[i])) C2_FAIL(err, C2_ERR_MODEL, "the forecast of series %zu is not finite", series);
  }
  return C2_OK;
}

/* Checks the forecasts of series [from, to). A bad one is an error, or a fault where it may be left out. */
static c2_status check_series(const job *j, size_t from, size_t to, c2_error *err) {
  chronos2_forecast *f = j->forecast;
  c2_error why;
  for (size_t i = from; i < to; i++) {
    size_t series = c2_request_index(j->request, i);
    c2_status status = check_finite(f, series, j->request->skip ? &why : err);
    if (status == C2_OK) continue;
    if (!j->request->skip) return status;
    f->fault[series] = (c2_fault){status, c2_strdup(why.text)};
    f->targets[series] = 0;
  }
  return C2_OK;
}

static c2_status run_pass(job *j, const c2_pass *p, const c2_kv_cache *cache, c2_error *err) {
  c2_engine *engine = &j->session->engine;
  size_t before = engine->held;
  c2_pass_rows rows = {0};
  c2_status status = C2_OK;
  C2_GOTO(c2_pass_rows_open(&rows, engine, j->request, p, err));
  direct_rows(j->forecast, rows.row, p->times * p->rows);
  c2_batch batch = {.row = rows.row, .rows = p->times * p->rows, .context_limit = j->request->context_limit};
  C2_GOTO(c2_rollout_run(&j->how, j->session, cache, &batch, err));
  for (size_t k = 0; k < p->times; k++) {
    C2_GOTO(check_series(j, p->from + k * p->stride, p->to + k * p->stride, err));
  }
  j->how.done += p->times * (p->to - p->from);
  C2_GOTO(c2_session_progress(j->session, j->how.done, j->how.total, err));
fail:
  c2_pass_rows_close(&rows);
  engine->held = before;
  return status;
}

/* Tokens of a pass: as few as keep the threads busy, where the cut into passes doesn't show in the results. */
static size_t pass_tokens(const c2_engine *engine) {
  enum { LEAST = 2048, PER_THREAD = 1024 };
  if (!engine->backend->small_passes) return C2_PASS_TOKENS;
  return c2_min_size(c2_max_size(PER_THREAD * engine->threads, LEAST), C2_PASS_TOKENS);
}

static c2_status run_series(job *j, c2_error *err) {
  for (size_t from = 0; from < j->request->count;) {
    c2_pass p = c2_request_pass(j->request, from, j->forecast->horizon, pass_tokens(&j->session->engine));
    C2_TRY(run_pass(j, &p, NULL, err));
    from = p.to;
  }
  return C2_OK;
}

/* ---- Futures of encoded contexts -------------------------------------------------------------- */

/* Futures of a pass that are forecast together: what keeps the workspace small. A rollout holds whole contexts. */
static size_t futures_together(const c2_request *r, size_t rows) {
  size_t patches = (r->horizon + r->config->patch - 1) / r->config->patch;
  if (patches > r->max_output_patches || rows == 0) return 1;
  return c2_max_size(1, C2_PASS_TOKENS / (rows * patches));
}

/* The request's series are the encoded ones, once or several times over. */
static c2_status run_futures(job *j, c2_error *err) {
  const chronos2_context *x = j->context;
  size_t futures = x->count ? j->request->count / x->count : 0;
  size_t from = 0;
  for (size_t pass = 0; pass < x->passes; pass++) {
    c2_pass p = c2_request_pass_to(j->request, from, x->pass[pass].end);
    size_t together = futures_together(j->request, p.rows);
    p.stride = x->count;
    for (size_t k = 0; k < futures; k += together) {
      p.from = k * x->count + from;
      p.to = k * x->count + x->pass[pass].end;
      p.times = c2_min_size(together, futures - k);
      C2_TRY(run_pass(j, &p, x->pass[pass].cache, err));
    }
    from = x->pass[pass].end;
  }
  return C2_OK;
}

/* ---- A forecast ------------------------------------------------------------------------------- */

static c2_status open_forecast(chronos2_forecast *f, c2_engine *engine, const c2_request *r, c2_error *err) {
  const chronos2_config *c = r->config;
  size_t total = 0;
  f->horizon = r->horizon;
  f->quantiles = c->quantiles;
  f->median = c2_config_median(c);
  memcpy(f->levels, c->quantile_levels, sizeof f->levels);
  C2_TRY(c2_engine_alloc(engine, f->count, sizeof *f->targets, &f->targets, err));
  C2_TRY(c2_engine_alloc(engine, f->count, sizeof *f->first, &f->first, err));
  for (size_t i = 0; i < r->count; i++) {
    size_t series = c2_request_index(r, i);
    f->first[series] = f->rows;
    if (f->fault && f->fault[series].status != C2_OK) continue; /* in its pass for the sake of the encoding alone */
    f->targets[series] = r->series[i].targets;
    f->rows += r->series[i].targets;
  }
  if (!c2_mul(c->quantiles, f->horizon, &total) || !c2_mul(f->rows, total, &total)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the forecast's size overflows");
  }
  return c2_engine_alloc(engine, total, sizeof *f->values, &f->values, err);
}

static c2_status check_horizon(const chronos2_predict_options *options, c2_error *err) {
  if (options->horizon >= 1 && options->horizon <= CHRONOS2_MOST_STEPS) return C2_OK;
  C2_FAIL(err, C2_ERR_ARGUMENT, "horizon: expected 1 to 2^20 steps, found %zu", options->horizon);
}

static c2_rollout rollout_of(const c2_request *r, const chronos2_predict_options *options) {
  return (c2_rollout){.horizon = r->horizon,
                      .max_output_patches = r->max_output_patches,
                      .levels = options->unrolled_quantiles,
                      .paths = options->unrolled_count,
                      .done = r->asked - r->count,
                      .total = r->asked};
}

c2_status c2_forecast_check(const chronos2_predict_options *options, const chronos2_config *config, c2_error *err) {
  c2_request r;
  C2_TRY(check_horizon(options, err));
  C2_TRY(c2_request_settle(&r, config, 0, options, options->horizon, err));
  c2_rollout how = rollout_of(&r, options);
  return c2_rollout_check(&how, config, err);
}

static c2_status run(job *j, c2_request *request, const chronos2_series *series,
                     const chronos2_predict_options *options, c2_error *err) {
  chronos2_forecast *f = j->forecast;
  c2_engine *engine = &j->session->engine;
  C2_TRY(c2_forecast_check(options, &j->session->model->config, err));
  const c2_encoding *encoding = j->context ? &j->context->encoding : NULL;
  if (options->on_error == CHRONOS2_ON_ERROR_SKIP || (encoding && encoding->fault)) {
    C2_TRY(c2_engine_alloc(engine, f->count, sizeof *f->fault, &f->fault, err));
  }
  C2_TRY(c2_request_open(request, j->session, series, f->count, options, options->horizon, encoding, f->fault, err));
  if (j->context) C2_TRY(c2_context_check(j->context, request, err));
  j->how = rollout_of(request, options);
  C2_TRY(open_forecast(f, engine, request, err));
  if (j->context) c2_engine_hold(engine, c2_context_bytes(j->context));
  if (j->how.done > 0) C2_TRY(c2_session_progress(j->session, j->how.done, j->how.total, err));
  return j->context ? run_futures(j, err) : run_series(j, err);
}

c2_status c2_forecast_run(chronos2_forecast *f, chronos2_session *session, const chronos2_context *context,
                          const chronos2_series *series, size_t count, const chronos2_predict_options *options,
                          c2_error *err) {
  c2_request request = {0};
  job j = {.session = session, .context = context, .request = &request, .forecast = f};
  f->count = count;
  c2_status status = run(&j, &request, series, options, err);
  for (size_t i = 0; status == C2_OK && options->monotone && i < f->rows; i++) {
    for (size_t t = 0; t < f->horizon; t++) c2_rearrange_quantiles(values_of(f, i) + t, f->horizon, f->quantiles);
  }
  c2_request_close(&request);
  session->engine.held = 0;
  return status;
}

/* ---- What it takes ---------------------------------------------------------------------------- */

/* Adds what the passes take at most to *bytes. */
static c2_status plan_passes(chronos2_session *session, const c2_request *r, const c2_rollout *how, size_t *bytes,
                             c2_error *err) {
  c2_need all = {.workspace = 0};
  double somewhere = 0; /* quantiles of targets have their place in the forecast */
  for (size_t from = 0; from < r->count;) {
    c2_pass p = c2_request_pass(r, from, r->horizon, pass_tokens(&session->engine));
    c2_pass_rows rows = {0};
    c2_need need = {.workspace = 0};
    size_t copies = 0;
    c2_status status = c2_pass_rows_plan(&rows, r, &p, &copies, err);
    if (status == C2_OK) {
      for (size_t i = 0; i < p.rows; i++) {
        if (rows.row[i].member < r->series[rows.row[i].series].targets) rows.row[i].quantiles = &somewhere;
      }
      c2_batch batch = {.row = rows.row, .rows = p.rows, .context_limit = r->context_limit};
      status = c2_rollout_plan(how, session, &batch, &need, err);
    }
    c2_pass_rows_close(&rows);
    if (status != C2_OK) return status;
    c2_sum_up(&need.held, copies, 1);
    c2_need_join(&all, &need);
    from = p.to;
  }
  c2_sum_up(bytes, all.workspace, 1);
  c2_sum_up(bytes, all.tables, 1);
  c2_sum_up(bytes, all.held, 1);
  return C2_OK;
}

c2_status c2_forecast_plan(chronos2_session *session, const chronos2_series *series, size_t count,
                           const chronos2_predict_options *options, size_t *bytes, c2_error *err) {
  c2_request r = {0};
  size_t targets = 0;
  C2_TRY(c2_forecast_check(options, &session->model->config, err));
  C2_TRY(c2_request_plan(&r, session, series, count, options, err));
  c2_rollout how = rollout_of(&r, options);
  for (size_t i = 0; i < count; i++) targets += series[i].targets;
  *bytes = c2_encoded_bytes(series, count, r.horizon);
  c2_sum_up(bytes, count, 2 * sizeof(size_t));
  if (options->on_error == CHRONOS2_ON_ERROR_SKIP) {
    c2_sum_up(bytes, count, sizeof(c2_fault) + sizeof(size_t) + sizeof(chronos2_series));
  }
  c2_sum_up(bytes, targets, r.config->quantiles * r.horizon * sizeof(double));
  C2_TRY(plan_passes(session, &r, &how, bytes, err));
  if (*bytes == SIZE_MAX) C2_FAIL(err, C2_ERR_MEMORY, "the request's size overflows");
  return C2_OK;
}

/* ---- What a forecast holds -------------------------------------------------------------------- */

void c2_forecast_free(chronos2_forecast *f) {
  c2_faults_free(f->fault, f->count);
  free(f->targets);
  free(f->first);
  free(f->values);
  memset(f, 0, sizeof *f);
}

const double *c2_forecast_quantiles(const chronos2_forecast *f, size_t series, size_t target) {
  if (series >= f->count || target >= f->targets[series]) return NULL;
  return values_of(f, f->first[series] + target);
}

c2_status c2_forecast_at_levels(const chronos2_forecast *f, size_t series, size_t target, const double *levels,
                                size_t count, double *out, c2_error *err) {
  const double *values = c2_forecast_quantiles(f, series, target);
  if (!values) C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu, target %zu: not in this forecast", series, target);
  for (size_t i = 0; i < count; i++) {
    if (!(levels[i] >= 0 && levels[i] <= 1)) {
      char found[C2_FLOAT_ROOM];
      c2_double_text(found, levels[i], C2_USUAL_DIGITS);
      C2_FAIL(err, C2_ERR_ARGUMENT, "level %s: expected 0 to 1", found);
    }
    for (size_t t = 0; t < f->horizon; t++) {
      out[t * count + i] = c2_quantile_at(f->levels, values + t, f->horizon, f->quantiles, levels[i]);
    }
  }
  return C2_OK;
}
