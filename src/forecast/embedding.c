/* Embeds series, pass by pass. */
#include "forecast/embedding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

typedef struct memory {
  c2_pass_rows rows;
  float *hidden; /* [rows][S][D] */
  double *loc, *scale;
} memory;

static c2_status take(c2_engine *engine, c2_embedded *e, const chronos2_series *s, const memory *m, size_t row,
                      size_t tokens, c2_error *err) {
  size_t values = tokens * engine->model->config.d_model; /* a block of rows of them exists already */
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

static c2_status forward(chronos2_session *s, const c2_request *request, const c2_pass *p, memory *m, size_t *tokens,
                         c2_error *err) {
  const chronos2_config *c = request->config;
  size_t lines = 0;
  C2_TRY(c2_pass_rows_open(&m->rows, &s->engine, request, p, err));
  C2_TRY(c2_engine_alloc(&s->engine, p->rows, sizeof *m->loc, &m->loc, err));
  C2_TRY(c2_engine_alloc(&s->engine, p->rows, sizeof *m->scale, &m->scale, err));
  c2_batch batch = {
      .row = m->rows.row, .rows = p->rows, .context_limit = request->context_limit, .output_patches = 1};
  for (size_t r = 0; r < p->rows; r++) {
    *tokens = c2_max_size(*tokens, c2_row_patches(&batch.row[r], c->patch, batch.context_limit) + 2);
  }
  if (!c2_mul(p->rows, *tokens, &lines)) C2_FAIL(err, C2_ERR_MEMORY, "the embeddings' size overflows");
  C2_TRY(c2_engine_alloc(&s->engine, lines, c->d_model * sizeof *m->hidden, &m->hidden, err));
  c2_result result = {.loc = m->loc, .scale = m->scale, .hidden = m->hidden};
  c2_batch_sort(&batch);
  return c2_forward(&s->engine, &batch, &result, err);
}

static c2_status embed_pass(chronos2_embedding *x, chronos2_session *s, const c2_request *request, const c2_pass *p,
                            c2_error *err) {
  memory m = {0};
  size_t tokens = 0;
  size_t row = 0;
  size_t before = s->engine.held;
  c2_status status = C2_OK;
  C2_GOTO(forward(s, request, p, &m, &tokens, err));
  for (size_t i = p->from; i < p->to; i++) {
    const chronos2_series *series = &request->series[i];
    const float *hidden = m.hidden + row * tokens * request->config->d_model;
    size_t index = c2_request_index(request, i);
    size_t held = s->engine.held;
    c2_error why;
    row += c2_rows_of(series);
    status = check_hidden(hidden, series->targets * tokens * request->config->d_model, index, x->fault ? &why : err);
    if (status != C2_OK && x->fault) {
      x->fault[index] = (c2_fault){status, c2_strdup(why.text)};
      status = C2_OK;
      continue;
    }
    if (status != C2_OK) goto fail;
    C2_GOTO(take(&s->engine, &x->item[index], series, &m, row - c2_rows_of(series), tokens, err));
    before += s->engine.held - held; /* what stays */
  }
fail:
  c2_pass_rows_close(&m.rows);
  free(m.hidden);
  free(m.loc);
  free(m.scale);
  s->engine.held = before;
  return status;
}

c2_status c2_embedding_run(chronos2_embedding *x, chronos2_session *s, const chronos2_series *series, size_t count,
                           const chronos2_predict_options *options, c2_error *err) {
  c2_request request = {0};
  c2_status status = C2_OK;
  const chronos2_predict_options own = {.size = sizeof own, /* what an embedding doesn't depend on isn't checked */
                                        .context_length = options->context_length,
                                        .extend_context = options->extend_context,
                                        .batch_size = options->batch_size,
                                        .on_error = options->on_error};
  x->count = count;
  C2_GOTO(c2_engine_alloc(&s->engine, count, sizeof *x->item, &x->item, err));
  if (options->on_error == CHRONOS2_ON_ERROR_SKIP) {
    C2_GOTO(c2_engine_alloc(&s->engine, count, sizeof *x->fault, &x->fault, err));
  }
  C2_GOTO(c2_request_open(&request, s, series, count, &own, 0, NULL, x->fault, err)); /* no future, as upstream */
  size_t left_out = count - request.count;
  if (left_out > 0) C2_GOTO(c2_session_progress(s, left_out, count, err));
  for (size_t from = 0; from < request.count;) {
    c2_pass p = c2_request_pass(&request, from, 1, SIZE_MAX); /* by rows alone: padding depends on the pass */
    C2_GOTO(embed_pass(x, s, &request, &p, err));
    from = p.to;
    C2_GOTO(c2_session_progress(s, left_out + from, count, err));
  }
fail:
  c2_request_close(&request);
  s->engine.held = 0;
  return status;
}

void c2_embedding_free(chronos2_embedding *x) {
  for (size_t i = 0; x->item && i < x->count; i++) {
    free(x->item[i].values);
    free(x->item[i].loc);
    free(x->item[i].scale);
  }
  c2_faults_free(x->fault, x->count);
  free(x->item);
  memset(x, 0, sizeof *x);
}
