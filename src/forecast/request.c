/* Checks of what a caller asks for, and its cut into passes. */
#include "forecast/request.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { DEFAULT_BATCH = 256 };
static const size_t MOST_ROWS = (size_t)1 << 31; /* of one series */

c2_status c2_session_progress(chronos2_session *s, size_t done, size_t total, c2_error *err) {
  if (s->progress && s->progress(s->progress_user, done, total) != 0) {
    C2_FAIL(err, C2_ERR_CANCELLED, "stopped on request after %zu of %zu series", done, total);
  }
  return C2_OK;
}

/* ---- Checks ----------------------------------------------------------------------------------- */

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
    if (!c2_add(rows, c2_rows_of(&series[i]), &rows)) C2_FAIL(err, C2_ERR_MEMORY, "the number of rows overflows");
  }
  return C2_OK;
}

c2_status c2_request_open(c2_request *r, chronos2_session *session, const chronos2_series *series, size_t count,
                          const chronos2_predict_options *o, size_t horizon, c2_error *err) {
  const chronos2_config *c = &session->model->config;
  size_t limit = o->context_length > 0 ? o->context_length : c->context_length;
  *r = (c2_request){.config = c,
                    .count = count,
                    .horizon = horizon,
                    .batch_rows = o->batch_size > 0 ? o->batch_size : DEFAULT_BATCH,
                    .context_limit = o->extend_context ? limit : c2_min_size(limit, c->context_length),
                    .cross_learning = o->cross_learning};
  C2_TRY(check_all(series, count, horizon, err));
  C2_TRY(c2_encode_categories(series, count, horizon, &r->encoded, err));
  c2_engine_hold(&session->engine, r->encoded.bytes);
  r->series = r->encoded.series;
  return C2_OK;
}

void c2_request_close(c2_request *r) {
  c2_encoded_free(&r->encoded);
}

/* ---- Passes ----------------------------------------------------------------------------------- */

c2_pass c2_request_pass(const c2_request *r, size_t from, size_t horizon, size_t most_tokens) {
  const chronos2_config *c = r->config;
  size_t patches = c2_min_size((horizon + c->patch - 1) / c->patch, c->max_output_patches);
  size_t tokens = 0;
  c2_pass p = {.from = from, .to = from, .times = 1};
  while (p.to < r->count && p.rows < r->batch_rows && (r->cross_learning || tokens < most_tokens)) {
    const chronos2_series *s = &r->series[p.to++];
    size_t more = 0;
    p.rows += c2_rows_of(s);
    if (!c2_mul(c2_rows_of(s), c2_min_size(s->length, r->context_limit) / c->patch + 2 + patches, &more) ||
        !c2_add(tokens, more, &tokens)) {
      tokens = SIZE_MAX;
    }
  }
  return p;
}

c2_pass c2_request_pass_to(const c2_request *r, size_t from, size_t to) {
  c2_pass p = {.from = from, .to = to, .times = 1};
  for (size_t i = from; i < to; i++) p.rows += c2_rows_of(&r->series[i]);
  return p;
}

static c2_row row_of(const c2_request *r, const chronos2_series *s, size_t index) {
  const chronos2_covariate *c = index < s->targets ? NULL : &s->covariate[index - s->targets];
  bool future = c && c->future && r->horizon > 0;
  return (c2_row){.context = c ? c->past : s->length > 0 ? s->target + index * s->length : NULL,
                  .length = s->length,
                  .future = future ? c->future : NULL,
                  .future_length = future ? r->horizon : 0};
}

void c2_pass_rows(const c2_request *r, const c2_pass *p, c2_row *row) {
  size_t at = 0;
  for (size_t k = 0; k < p->times; k++) {
    for (size_t i = p->from + k * p->stride; i < p->to + k * p->stride; i++) {
      const chronos2_series *s = &r->series[i];
      for (size_t t = 0; t < c2_rows_of(s); t++, at++) {
        row[at] = row_of(r, s, t);
        row[at].group = (int64_t)(r->cross_learning ? k : i);
        row[at].slot = at;
      }
    }
  }
}
