/* The public interface: forecasts, embeddings, scenarios. The work is done in src/forecast/. */
#include <stdlib.h>

#include "api.h"
#include "base/memory.h"
#include "forecast/context.h"
#include "forecast/embedding.h"
#include "forecast/forecast.h"

/* ---- Forecasting ------------------------------------------------------------------------------ */

DEFINE_OPTIONS_INIT(chronos2_predict_options, limit_prediction_length)

static c2_status read_options(const chronos2_predict_options *given, chronos2_predict_options *own, c2_error *err) {
  return c2_options_read(own, sizeof *own, given, "CHRONOS2_PREDICT_OPTIONS_INIT", err);
}

static chronos2_status predict(chronos2_session *session, const chronos2_context *context,
                               const chronos2_series *series, size_t count, const chronos2_predict_options *options,
                               chronos2_forecast **forecast, c2_error *err) {
  chronos2_forecast *f = NULL;
  c2_status status = c2_session_enter(session, err);
  if (status != C2_OK) return status_of(status);
  if (context) {
    session->engine.pattern = context->pattern;
    session->engine.blind = context->blind;
  }
  status = c2_alloc_array(1, sizeof *f, &f, err);
  if (status == C2_OK) status = c2_forecast_run(f, session, context, series, count, options, err);
  if (status != C2_OK) chronos2_forecast_free(&f);
  c2_session_leave(session);
  *forecast = f;
  return status_of(status);
}

chronos2_status chronos2_predict(chronos2_session *session, const chronos2_series *series, size_t count,
                                 const chronos2_predict_options *options, chronos2_forecast **forecast) {
  c2_error *err = c2_api_begin();
  REQUIRE(forecast, "forecast: expected a place for the handle");
  *forecast = NULL;
  REQUIRE(session && options && (series || count == 0), "session, series and options: expected not NULL");
  chronos2_predict_options own;
  c2_status status = read_options(options, &own, err);
  return status == C2_OK ? predict(session, NULL, series, count, &own, forecast, err) : status_of(status);
}

chronos2_status chronos2_predict_bytes(chronos2_session *session, const chronos2_series *series, size_t count,
                                       const chronos2_predict_options *options, size_t *bytes) {
  c2_error *err = c2_api_begin();
  REQUIRE(session && options && bytes && (series || count == 0),
          "session, series, options and bytes: expected not NULL");
  chronos2_predict_options own;
  c2_status status = read_options(options, &own, err);
  if (status == C2_OK) status = c2_session_enter(session, err);
  if (status != C2_OK) return status_of(status);
  status = c2_forecast_plan(session, series, count, &own, bytes, err);
  c2_session_leave(session);
  return status_of(status);
}

void chronos2_forecast_free(chronos2_forecast **forecast) {
  if (!forecast || !*forecast) return;
  c2_forecast_free(*forecast);
  free(*forecast);
  *forecast = NULL;
}

size_t chronos2_forecast_count(const chronos2_forecast *forecast) {
  return forecast ? forecast->count : 0;
}

size_t chronos2_forecast_targets(const chronos2_forecast *forecast, size_t series) {
  return forecast && series < forecast->count ? forecast->targets[series] : 0;
}

/* Of a call's faults [count], which are NULL unless bad series were left out. */
static chronos2_status fault_status(const c2_fault *fault, size_t count, size_t series) {
  if (series >= count) return CHRONOS2_ERROR_ARGUMENT;
  return fault ? status_of(fault[series].status) : CHRONOS2_OK;
}

static const char *fault_text(const c2_fault *fault, size_t count, size_t series) {
  if (series >= count) return NULL;
  if (!fault || fault[series].status == C2_OK) return "";
  return fault[series].text ? fault[series].text : "out of memory";
}

chronos2_status chronos2_forecast_status(const chronos2_forecast *forecast, size_t series) {
  return forecast ? fault_status(forecast->fault, forecast->count, series) : CHRONOS2_ERROR_ARGUMENT;
}

const char *chronos2_forecast_error(const chronos2_forecast *forecast, size_t series) {
  return forecast ? fault_text(forecast->fault, forecast->count, series) : NULL;
}

size_t chronos2_forecast_horizon(const chronos2_forecast *forecast) {
  return forecast ? forecast->horizon : 0;
}

const double *chronos2_forecast_quantiles(const chronos2_forecast *forecast, size_t series, size_t target) {
  return forecast ? c2_forecast_quantiles(forecast, series, target) : NULL;
}

const double *chronos2_forecast_median(const chronos2_forecast *forecast, size_t series, size_t target) {
  const double *values = chronos2_forecast_quantiles(forecast, series, target);
  return values ? values + forecast->median * forecast->horizon : NULL;
}

chronos2_status chronos2_forecast_at_levels(const chronos2_forecast *forecast, size_t series, size_t target,
                                            const double *levels, size_t count, double *out) {
  c2_error *err = c2_api_begin();
  REQUIRE(forecast && levels && out, "forecast, levels and out: expected not NULL");
  return status_of(c2_forecast_at_levels(forecast, series, target, levels, count, out, err));
}

/* ---- Scenarios -------------------------------------------------------------------------------- */

chronos2_status chronos2_context_open(chronos2_session *session, const chronos2_series *series, size_t count,
                                      const chronos2_predict_options *options, chronos2_context **context) {
  c2_error *err = c2_api_begin();
  REQUIRE(context, "context: expected a place for the handle");
  *context = NULL;
  REQUIRE(session && (series || count == 0), "session and series: expected not NULL");
  chronos2_context *x = NULL;
  chronos2_predict_options own;
  c2_status status = read_options(options, &own, err);
  if (status == C2_OK) status = c2_session_enter(session, err);
  if (status != C2_OK) return status_of(status);
  status = c2_alloc_array(1, sizeof *x, &x, err);
  if (status == C2_OK) status = c2_context_encode(x, session, series, count, &own, err);
  if (status != C2_OK) chronos2_context_close(&x);
  c2_session_leave(session);
  *context = x;
  return status_of(status);
}

void chronos2_context_close(chronos2_context **context) {
  if (!context || !*context) return;
  c2_context_free(*context);
  free(*context);
  *context = NULL;
}

size_t chronos2_context_bytes(const chronos2_context *context) {
  return context ? c2_context_bytes(context) : 0;
}

chronos2_status chronos2_context_predict(chronos2_session *session, const chronos2_context *context,
                                         const chronos2_series *series, size_t count,
                                         const chronos2_predict_options *options, chronos2_forecast **forecast) {
  c2_error *err = c2_api_begin();
  REQUIRE(forecast, "forecast: expected a place for the handle");
  *forecast = NULL;
  REQUIRE(session && context && options && (series || count == 0),
          "session, context, series and options: expected not NULL");
  chronos2_predict_options own;
  chronos2_predict_options all;
  c2_status status = read_options(options, &own, err);
  if (status == C2_OK) status = c2_context_options(context, session, count, &own, &all, err);
  return status == C2_OK ? predict(session, context, series, count, &all, forecast, err) : status_of(status);
}

/* ---- Embeddings ------------------------------------------------------------------------------- */

chronos2_status chronos2_embed(chronos2_session *session, const chronos2_series *series, size_t count,
                               const chronos2_predict_options *options, chronos2_embedding **embedding) {
  c2_error *err = c2_api_begin();
  REQUIRE(embedding, "embedding: expected a place for the handle");
  *embedding = NULL;
  REQUIRE(session && (series || count == 0), "session and series: expected not NULL");
  chronos2_embedding *x = NULL;
  chronos2_predict_options own;
  c2_status status = read_options(options, &own, err);
  if (status == C2_OK) status = c2_session_enter(session, err);
  if (status != C2_OK) return status_of(status);
  status = c2_alloc_array(1, sizeof *x, &x, err);
  if (status == C2_OK) status = c2_embedding_run(x, session, series, count, &own, err);
  if (status != C2_OK) chronos2_embedding_free(&x);
  c2_session_leave(session);
  *embedding = x;
  return status_of(status);
}

void chronos2_embedding_free(chronos2_embedding **embedding) {
  if (!embedding || !*embedding) return;
  c2_embedding_free(*embedding);
  free(*embedding);
  *embedding = NULL;
}

chronos2_status chronos2_embedding_status(const chronos2_embedding *embedding, size_t series) {
  return embedding ? fault_status(embedding->fault, embedding->count, series) : CHRONOS2_ERROR_ARGUMENT;
}

const char *chronos2_embedding_error(const chronos2_embedding *embedding, size_t series) {
  return embedding ? fault_text(embedding->fault, embedding->count, series) : NULL;
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
