/* Checks of what a caller asks for, and its cut into passes. */
#include "forecast/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/passes.h"
#include "model/config.h"
#include "series/column.h"

static const size_t MOST_ROWS = (size_t)1 << 31; /* of one series */

/* ---- Checks ----------------------------------------------------------------------------------- */

/* What checks look at: structs, and their values unless only the shapes are there. */
typedef struct look {
  size_t index; /* of the series */
  size_t horizon;
  bool values;
} look;

static c2_status check_column(const look *at, const chronos2_column *c, size_t count, const char *name, c2_error *err) {
  return at->values ? c2_column_check(c, count, at->index, name, err) : c2_column_check_form(c, at->index, name, err);
}

static c2_status check_covariate(const look *at, const chronos2_covariate *c, size_t length, c2_error *err) {
  size_t index = at->index;
  const char *name = c->name ? c->name : "covariate";
  bool past = c->past || c->past_column;
  bool future = c->future || c->future_column;
  bool text = c->past_text || c->future_text;
  if ((past || future) && text) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: expected numbers or texts, not both", index, name);
  }
  if ((c->past && c->past_column) || (c->future && c->future_column)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: expected an array or a column, not both", index, name);
  }
  if (!c2_all_zero(c->reserved, sizeof c->reserved)) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "series %zu: %s: expected reserved fields to be 0", index, name);
  }
  if (!past && !c->past_text && length > 0 && at->values) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %s: expected its past", index, name);
  }
  if (text) return C2_OK;
  chronos2_column column = c2_past_column(c);
  C2_TRY(check_column(at, &column, length, name, err));
  if (!future) return C2_OK;
  column = c2_future_column(c);
  return check_column(at, &column, at->horizon, name, err);
}

static c2_status check_targets(const look *at, const chronos2_series *s, c2_error *err) {
  size_t index = at->index;
  size_t count = 0;
  char name[40] = "target";
  if (s->target && s->target_column) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: expected an array of targets or columns, not both", index);
  }
  bool given = s->target_column || (s->target && at->values);
  if (!c2_mul(s->targets, s->length, &count) || (at->values && count > 0 && !given)) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: expected %zu x %zu target values", index, s->targets, s->length);
  }
  for (size_t t = 0; given && t < s->targets; t++) {
    chronos2_column column = c2_target_column(s, t);
    if (s->targets > 1) (void)snprintf(name, sizeof name, "target %zu", t);
    C2_TRY(check_column(at, &column, s->length, name, err));
  }
  return C2_OK;
}

static c2_status check_shape(const chronos2_series *s, size_t index, c2_error *err) {
  if (s->targets < 1) C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: expected at least one target", index);
  if (s->targets > MOST_ROWS || s->covariates > MOST_ROWS - s->targets) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: %zu targets and %zu covariates: expected at most 2^31 together", index,
            s->targets, s->covariates);
  }
  return C2_OK;
}

static c2_status check_series(const look *at, const chronos2_series *s, c2_error *err) {
  size_t index = at->index;
  C2_TRY(check_shape(s, index, err));
  if (s->covariates > 0 && !s->covariate && at->values) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "series %zu: expected %zu covariates, found NULL", index, s->covariates);
  }
  if (!c2_all_zero(s->reserved, sizeof s->reserved)) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "series %zu: expected reserved fields to be 0", index);
  }
  C2_TRY(check_targets(at, s, err));
  for (size_t i = 0; s->covariate && i < s->covariates; i++) {
    C2_TRY(check_covariate(at, &s->covariate[i], s->length, err));
  }
  return C2_OK;
}

/* *copy: a series without its known future, which must be a good one then. */
static c2_status forget_future(c2_request *r, const chronos2_series *series, size_t index, chronos2_series *copy,
                               c2_error *err) {
  chronos2_covariate *past = NULL;
  *copy = *series;
  C2_TRY(check_shape(series, index, err));
  if (series->covariate) {
    C2_TRY(c2_pool_alloc(&r->pool, series->covariates, sizeof *past, &past, err));
    c2_sum_up(&r->pool_bytes, series->covariates, sizeof *past);
    for (size_t k = 0; k < series->covariates; k++) {
      past[k] = series->covariate[k];
      past[k].future = NULL;
      past[k].future_text = NULL;
      past[k].future_column = NULL;
    }
    copy->covariate = past;
  }
  return check_series(&(look){index, 0, true}, copy, err);
}

/* Checks series i, and tells of it in *fault where it is bad and may be. *takes_part: it is in the passes, as *copy. */
static c2_status check_one(c2_request *r, const chronos2_series *series, size_t i, const c2_encoding *encoding,
                           c2_fault *fault, chronos2_series *copy, bool *takes_part, c2_error *err) {
  const c2_fault *before = encoding && encoding->fault ? &encoding->fault[i % encoding->asked] : NULL;
  c2_error why;
  *copy = *series;
  *takes_part = !before || before->status == C2_OK;
  if (!*takes_part) {
    *fault = (c2_fault){before->status, before->text ? c2_strdup(before->text) : NULL};
    return C2_OK;
  }
  c2_status status = check_series(&(look){i, r->horizon, true}, series, r->skip ? &why : err);
  if (status == C2_OK || !r->skip) return status;
  *fault = (c2_fault){status, c2_strdup(why.text)};
  *takes_part = encoding != NULL;
  return *takes_part ? forget_future(r, series, i, copy, err) : C2_OK;
}

/* Checks all series before any pass is cut: no later sum of their rows can wrap. Those that take part go into r->good
 * where some may be bad. */
static c2_status check_all(c2_request *r, const chronos2_series *series, const c2_encoding *encoding, c2_fault *fault,
                           c2_error *err) {
  size_t rows = 0;
  for (size_t i = 0; i < r->asked; i++) {
    chronos2_series copy;
    bool takes_part = true;
    C2_TRY(check_one(r, &series[i], i, encoding, fault ? &fault[i] : NULL, &copy, &takes_part, err));
    if (!takes_part) continue;
    if (!c2_add(rows, c2_rows_of(&copy), &rows)) C2_FAIL(err, C2_ERR_MEMORY, "the number of rows overflows");
    if (r->index) r->index[r->count] = i;
    if (r->good) r->good[r->count] = copy;
    r->count++;
  }
  return C2_OK;
}

void c2_faults_free(c2_fault *fault, size_t count) {
  for (size_t i = 0; fault && i < count; i++) free(fault[i].text);
  free(fault);
}

static c2_status check_options(const c2_request *r, const chronos2_predict_options *o, c2_error *err) {
  const chronos2_config *c = r->config;
  if (r->max_output_patches > C2_MOST_OUTPUT_PATCHES) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "max_output_patches: expected at most 2^20, found %zu", r->max_output_patches);
  }
  if (o->limit_prediction_length && r->horizon > c->max_output_patches * c->patch) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "horizon: expected at most the %zu steps that the model forecasts at once, found %zu",
            c->max_output_patches * c->patch, r->horizon);
  }
  if (o->on_error != CHRONOS2_ON_ERROR_FAIL && o->on_error != CHRONOS2_ON_ERROR_SKIP) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "on_error: unknown %d", (int)o->on_error);
  }
  return C2_OK;
}

c2_status c2_request_settle(c2_request *r, const chronos2_config *c, size_t count, const chronos2_predict_options *o,
                            size_t horizon, c2_error *err) {
  *r = (c2_request){.config = c,
                    .asked = count,
                    .horizon = horizon,
                    .batch_rows = o->batch_size > 0 ? o->batch_size : C2_USUAL_ROWS,
                    .context_limit = c2_context_limit(o->context_length, c->context_length, o->extend_context),
                    .max_output_patches = o->max_output_patches > 0 ? o->max_output_patches : c->max_output_patches,
                    .cross_learning = o->cross_learning,
                    .skip = o->on_error == CHRONOS2_ON_ERROR_SKIP};
  return check_options(r, o, err);
}

c2_status c2_request_open(c2_request *r, chronos2_session *session, const chronos2_series *series, size_t count,
                          const chronos2_predict_options *o, size_t horizon, const c2_encoding *encoding,
                          c2_fault *fault, c2_error *err) {
  C2_TRY(c2_request_settle(r, &session->model->config, count, o, horizon, err));
  if (fault) {
    C2_TRY(c2_engine_alloc(&session->engine, count, sizeof *r->index, &r->index, err));
    C2_TRY(c2_engine_alloc(&session->engine, count, sizeof *r->good, &r->good, err));
  }
  C2_TRY(check_all(r, series, encoding, fault, err));
  C2_TRY(c2_encode_categories(r->good ? r->good : series, r->count, horizon, &r->encoded, err));
  c2_engine_hold(&session->engine, r->encoded.bytes + r->pool_bytes);
  r->series = r->encoded.series;
  return C2_OK;
}

c2_status c2_request_plan(c2_request *r, chronos2_session *session, const chronos2_series *series, size_t count,
                          const chronos2_predict_options *o, c2_error *err) {
  size_t rows = 0;
  C2_TRY(c2_request_settle(r, &session->model->config, count, o, o->horizon, err));
  for (size_t i = 0; i < count; i++) {
    C2_TRY(check_series(&(look){i, r->horizon, false}, &series[i], err));
    c2_sum_up(&rows, c2_rows_of(&series[i]), 1);
  }
  if (rows == SIZE_MAX) C2_FAIL(err, C2_ERR_MEMORY, "the number of rows overflows");
  r->series = series;
  r->count = count;
  return C2_OK;
}

void c2_request_close(c2_request *r) {
  c2_encoded_free(&r->encoded);
  c2_pool_free(&r->pool);
  free(r->index);
  free(r->good);
}

/* ---- Passes ----------------------------------------------------------------------------------- */

c2_pass c2_request_pass(const c2_request *r, size_t from, size_t horizon, size_t most_tokens) {
  const chronos2_config *c = r->config;
  size_t patches = c2_min_size((horizon + c->patch - 1) / c->patch, r->max_output_patches);
  size_t tokens = 0;
  c2_pass p = {.from = from, .to = from, .times = 1};
  while (p.to < r->count && !c2_pass_is_full(p.rows, r->batch_rows) &&
         (r->cross_learning || tokens < most_tokens)) {
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

/* ---- Rows ------------------------------------------------------------------------------------- */

/* `count` values of a column from `first` on, as doubles: in place, or at *copy, which moves on. */
static const double *values_of(const chronos2_column *c, size_t first, size_t count, double **copy) {
  const double *values = c2_column_doubles(c);
  if (values) return values + first;
  values = *copy;
  c2_column_read(c, first, count, *copy);
  *copy += count;
  return values;
}

/* Row `index` of a series without its values, and where those are. */
static c2_row shape_of(const c2_request *r, const chronos2_series *s, size_t index, chronos2_column *past,
                       chronos2_column *future) {
  const chronos2_covariate *c = index < s->targets ? NULL : &s->covariate[index - s->targets];
  *past = c ? c2_past_column(c) : c2_target_column(s, index);
  bool known = c && (c->future || c->future_column); /* its values may be NULL in a plan */
  *future = known && r->horizon > 0 ? c2_future_column(c) : (chronos2_column){.values = NULL};
  return (c2_row){.length = c2_min_size(s->length, r->context_limit), .future_length = known ? r->horizon : 0};
}

/* Makes one row, of a series and its index there. */
typedef void (*row_fn)(void *user, const chronos2_series *series, size_t index, c2_row *row);

/* Makes all rows of a pass, and says which they are. */
static void each_row(const c2_request *r, const c2_pass *p, c2_row *row, row_fn one, void *user) {
  size_t at = 0;
  for (size_t k = 0; k < p->times; k++) {
    for (size_t i = p->from + k * p->stride; i < p->to + k * p->stride; i++) {
      for (size_t t = 0; t < c2_rows_of(&r->series[i]); t++, at++) {
        one(user, &r->series[i], t, &row[at]);
        row[at].group = (int64_t)(r->cross_learning ? k : i);
        row[at].slot = at;
        row[at].series = c2_request_index(r, i);
        row[at].member = t;
      }
    }
  }
}

typedef struct filling {
  const c2_request *request;
  size_t copies; /* values that can't be used in place */
  double *copy;  /* where the next of them goes */
} filling;

static void fill_shape(void *user, const chronos2_series *s, size_t index, c2_row *row) {
  filling *f = user;
  chronos2_column past;
  chronos2_column future;
  const chronos2_covariate *c = index < s->targets || !s->covariate ? NULL : &s->covariate[index - s->targets];
  if (!c && index >= s->targets) {
    *row = (c2_row){.length = c2_min_size(s->length, f->request->context_limit), .future_length = f->request->horizon};
    c2_sum_up(&f->copies, row->length, 1);
    c2_sum_up(&f->copies, row->future_length, 1);
    return;
  }
  *row = shape_of(f->request, s, index, &past, &future);
  if (!c2_column_is_plain(&past)) c2_sum_up(&f->copies, row->length, 1);
  if (!c2_column_is_plain(&future)) c2_sum_up(&f->copies, row->future_length, 1);
  if (c && c->future_text) row->future_length = f->request->horizon; /* of a plan, where categories are texts still */
}

static void fill_values(void *user, const chronos2_series *s, size_t index, c2_row *row) {
  filling *f = user;
  chronos2_column past;
  chronos2_column future;
  *row = shape_of(f->request, s, index, &past, &future);
  if (row->length > 0) row->context = values_of(&past, s->length - row->length, row->length, &f->copy);
  if (row->future_length > 0) row->future = values_of(&future, 0, row->future_length, &f->copy);
}

c2_status c2_pass_rows_open(c2_pass_rows *rows, c2_engine *engine, const c2_request *r, const c2_pass *p,
                            c2_error *err) {
  filling f = {.request = r};
  *rows = (c2_pass_rows){NULL, NULL};
  C2_TRY(c2_engine_alloc(engine, p->times * p->rows, sizeof *rows->row, &rows->row, err));
  each_row(r, p, rows->row, fill_shape, &f);
  C2_TRY(c2_engine_alloc(engine, f.copies, sizeof *rows->copy, &rows->copy, err));
  f.copy = rows->copy;
  each_row(r, p, rows->row, fill_values, &f);
  return C2_OK;
}

c2_status c2_pass_rows_plan(c2_pass_rows *rows, const c2_request *r, const c2_pass *p, size_t *bytes, c2_error *err) {
  filling f = {.request = r};
  *rows = (c2_pass_rows){NULL, NULL};
  *bytes = 0;
  C2_TRY(c2_alloc_array(p->rows, sizeof *rows->row, &rows->row, err));
  each_row(r, p, rows->row, fill_shape, &f);
  c2_sum_up(bytes, p->rows, sizeof *rows->row);
  c2_sum_up(bytes, f.copies, sizeof *rows->copy);
  return C2_OK;
}

void c2_pass_rows_close(c2_pass_rows *rows) {
  free(rows->row);
  free(rows->copy);
}
