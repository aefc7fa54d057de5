/* A request becomes a forecast, pass by pass: each pass writes its quantiles where the forecast keeps them. */
#include "forecast/forecast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "forecast/request.h"
#include "forecast/rollout.h"
#include "model/config.h"
#include "series/quantiles.h"

typedef struct job {
  chronos2_session *session;
  const chronos2_context *context; /* NULL: none */
  const c2_request *request;
  chronos2_forecast *forecast;
  size_t done; /* series forecast so far */
} job;

/* ---- A pass ----------------------------------------------------------------------------------- */

static double *values_of(const chronos2_forecast *f, size_t row) {
  return f->values + row * f->quantiles * f->horizon;
}

/* Where each row's quantiles go: a target's into the forecast, a covariate's nowhere. */
static void direct_rows(const job *j, const c2_pass *p, c2_row *row) {
  size_t at = 0;
  for (size_t k = 0; k < p->times; k++) {
    for (size_t i = p->from + k * p->stride; i < p->to + k * p->stride; i++) {
      for (size_t t = 0; t < j->forecast->targets[i]; t++) {
        row[at + t].quantiles = values_of(j->forecast, j->forecast->first[i] + t);
      }
      at += c2_rows_of(&j->request->series[i]);
    }
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

static c2_status run_pass(job *j, const c2_pass *p, const c2_kv_cache *cache, c2_error *err) {
  c2_engine *engine = &j->session->engine;
  size_t before = engine->held;
  c2_row *row = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_engine_alloc(engine, p->times * p->rows, sizeof *row, &row, err));
  c2_pass_rows(j->request, p, row);
  direct_rows(j, p, row);
  c2_batch batch = {.row = row, .rows = p->times * p->rows, .context_limit = j->request->context_limit};
  C2_GOTO(c2_rollout(j->session, cache, &batch, j->forecast->horizon, err));
  for (size_t k = 0; k < p->times; k++) {
    for (size_t i = p->from + k * p->stride; i < p->to + k * p->stride; i++) {
      C2_GOTO(check_finite(j->forecast, i, err));
    }
  }
  j->done += p->times * (p->to - p->from);
  C2_GOTO(c2_session_progress(j->session, j->done, j->request->count, err));
fail:
  free(row);
  engine->held = before;
  return status;
}

static c2_status run_series(job *j, c2_error *err) {
  for (size_t from = 0; from < j->request->count;) {
    c2_pass p = c2_request_pass(j->request, from, j->forecast->horizon, C2_PASS_TOKENS);
    C2_TRY(run_pass(j, &p, NULL, err));
    from = p.to;
  }
  return C2_OK;
}

/* ---- Futures of encoded contexts -------------------------------------------------------------- */

/* Futures of a pass that are forecast together: what keeps the workspace small. A rollout holds whole contexts. */
static size_t futures_together(const chronos2_config *c, size_t rows, size_t horizon) {
  size_t patches = (horizon + c->patch - 1) / c->patch;
  if (patches > c->max_output_patches || rows == 0) return 1;
  return c2_max_size(1, C2_PASS_TOKENS / (rows * patches));
}

/* The request's series are the encoded ones, once or several times over. */
static c2_status run_futures(job *j, c2_error *err) {
  const chronos2_context *x = j->context;
  size_t futures = x->count ? j->request->count / x->count : 0;
  size_t from = 0;
  for (size_t pass = 0; pass < x->passes; pass++) {
    c2_pass p = c2_request_pass_to(j->request, from, x->pass[pass].end);
    size_t together = futures_together(j->request->config, p.rows, j->forecast->horizon);
    p.stride = x->count;
    for (size_t k = 0; k < futures; k += together) {
      p.from = k * x->count + from;
      p.to = k * x->count + x->pass[pass].end;
      p.times = c2_min_size(together, futures - k);
      for (size_t i = 0; i < p.times; i++) {
        if (c2_request_pass_to(j->request, p.from + i * x->count, p.to + i * x->count).rows == p.rows) continue;
        C2_FAIL(err, C2_ERR_ARGUMENT, "the contexts are not those that were encoded");
      }
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
  f->count = r->count;
  f->horizon = r->horizon;
  f->quantiles = c->quantiles;
  f->median = c2_config_median(c);
  memcpy(f->levels, c->quantile_levels, sizeof f->levels);
  C2_TRY(c2_engine_alloc(engine, f->count, sizeof *f->targets, &f->targets, err));
  C2_TRY(c2_engine_alloc(engine, f->count, sizeof *f->first, &f->first, err));
  for (size_t i = 0; i < f->count; i++) {
    f->targets[i] = r->series[i].targets;
    f->first[i] = f->rows;
    f->rows += f->targets[i];
  }
  if (!c2_mul(c->quantiles, f->horizon, &total) || !c2_mul(f->rows, total, &total)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the forecast's size overflows");
  }
  return c2_engine_alloc(engine, total, sizeof *f->values, &f->values, err);
}

c2_status c2_forecast_run(chronos2_forecast *f, chronos2_session *session, const chronos2_context *context,
                          const chronos2_series *series, size_t count, const chronos2_predict_options *options,
                          c2_error *err) {
  c2_request request = {0};
  job j = {.session = session, .context = context, .request = &request, .forecast = f};
  c2_status status = C2_OK;
  if (options->horizon < 1 || options->horizon > 1 << 20) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "horizon: expected 1 to 2^20 steps, found %zu", options->horizon);
  }
  C2_GOTO(c2_request_open(&request, session, series, count, options, options->horizon, err));
  C2_GOTO(open_forecast(f, &session->engine, &request, err));
  if (context) c2_engine_hold(&session->engine, c2_context_bytes(context));
  C2_GOTO(context ? run_futures(&j, err) : run_series(&j, err));
  for (size_t i = 0; options->monotone && i < f->rows; i++) {
    for (size_t t = 0; t < f->horizon; t++) c2_rearrange_quantiles(values_of(f, i) + t, f->horizon, f->quantiles);
  }
fail:
  c2_request_close(&request);
  session->engine.held = 0;
  return status;
}

void c2_forecast_free(chronos2_forecast *f) {
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
      C2_FAIL(err, C2_ERR_ARGUMENT, "level %g: expected 0 to 1", levels[i]);
    }
    for (size_t t = 0; t < f->horizon; t++) {
      out[t * count + i] = c2_quantile_at(f->levels, values + t, f->horizon, f->quantiles, levels[i]);
    }
  }
  return C2_OK;
}
