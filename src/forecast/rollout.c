/* The long-horizon rollout. Rows of a group forecast on together and know no other group, so a few groups at a time are
 * taken to the end of the horizon: the paths of all rows never exist at once. */
#include "forecast/rollout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "series/normalize.h"
#include "series/quantiles.h"

enum { LEAST_TOKENS = 2048 }; /* a pass of paths that is worth reading the weights for */
const double c2_usual_levels[C2_USUAL_LEVELS] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

/* Whole groups that are forecast on together. */
typedef struct rollout {
  const c2_rollout *how;
  const double *levels; /* [paths] */
  size_t paths;
  c2_engine *engine;
  chronos2_session *session;
  const chronos2_config *c;
  const c2_row *row; /* [rows]; quantiles [Q][horizon], of which `done` steps are there */
  size_t rows;
  size_t horizon, done; /* done: steps forecast so far */
  size_t keep;          /* context steps of a path */
  size_t first_limit;   /* context_limit of the first pass */
  size_t limit;         /* of the paths: they may grow */
  size_t tokens;        /* of a pass, about; SIZE_MAX: all paths in one */
  bool kept;            /* the backend keeps the paths, and contexts here say what is observed */
  size_t copies;        /* of a row's context here: `paths`, or one where the backend keeps the paths */
  c2_paths *device;     /* those that the backend keeps */
  double *context;      /* [rows * copies][keep] */
  size_t *length;       /* [rows] valid steps at the end of a path's context */
  c2_row *path;         /* [paths * rows] of one pass: path by path */
  double *paths_out;    /* [rows * paths][Q][steps]: slots are row * paths + path */
} rollout;

size_t c2_rollout_patches(const c2_rollout *how, const chronos2_config *c, size_t steps) {
  return c2_min_size((steps + c->patch - 1) / c->patch, how->max_output_patches);
}

c2_status c2_rollout_check(const c2_rollout *how, const chronos2_config *c, c2_error *err) {
  if (how->paths > 0 && !how->levels) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "unrolled_quantiles: expected %zu levels, found NULL", how->paths);
  }
  if (how->levels && how->paths == 0) C2_FAIL(err, C2_ERR_ARGUMENT, "unrolled_quantiles: expected at least one level");
  size_t pass = c2_rollout_patches(how, c, how->horizon) * c->patch;
  if (!how->levels && how->horizon <= pass) return C2_OK; /* there is no path */
  const double *levels = how->levels ? how->levels : c2_usual_levels;
  size_t paths = how->levels ? how->paths : C2_USUAL_LEVELS;
  for (size_t p = 0, i = 0; p < paths; p++, i++) {
    while (i < c->quantiles && c->quantile_levels[i] != levels[p]) i++;
    if (i < c->quantiles) continue;
    char found[C2_FLOAT_ROOM];
    char remedy[120] = "";
    c2_double_text(found, levels[p], C2_USUAL_DIGITS);
    if (!how->levels) {
      (void)snprintf(remedy, sizeof remedy,
                     " by default; name levels that it has, or forecast at most the %zu steps of one pass", pass);
    }
    C2_FAIL(err, C2_ERR_ARGUMENT, "unrolled_quantiles: expected levels of the model, rising, found %s%s", found,
            remedy);
  }
  return C2_OK;
}

/* Appends the last `steps` forecast to each path's context: the path's quantile, or the known covariate. Where the
 * backend keeps the paths, any value says that there is one. */
static void extend(rollout *r, size_t steps) {
  const chronos2_config *c = r->c;
  for (size_t b = 0; b < r->rows; b++) {
    const c2_row *row = &r->row[b];
    for (size_t p = 0; p < r->copies; p++) {
      double *context = r->context + (b * r->copies + p) * r->keep;
      size_t shift = c2_min_size(steps, r->keep);
      memmove(context, context + shift, (r->keep - shift) * sizeof *context);
      for (size_t i = steps - shift; i < steps; i++) {
        size_t at = r->done - steps + i; /* step of the forecast */
        bool known = row->future && at < row->future_length && !isnan(row->future[at]);
        /* Forecasts are float32 upstream. It matters where a row hardly varies: a constant covariate is forecast as its
         * value plus some 1e-5, which float32 drops; kept, the next pass would scale it up to a signal. */
        context[r->keep + i - steps] =
            known     ? row->future[at]
            : r->kept ? 0
                      : c2_round_to_float(c2_quantile_at(c->quantile_levels, row->quantiles + at, r->horizon,
                                                     c->quantiles, r->levels[p]));
      }
    }
    r->length[b] = c2_min_size(r->keep, r->length[b] + steps);
  }
}

/* Rows of paths [first, end), each path's in groups of their own. */
static void set_paths(rollout *r, size_t first, size_t end, size_t steps) {
  for (size_t p = first, n = 0; p < end; p++) {
    for (size_t b = 0; b < r->rows; b++, n++) {
      const c2_row *row = &r->row[b];
      size_t slot = b * r->paths + p;
      size_t used = c2_min_size(r->done, row->future_length);
      size_t copy = r->kept ? b : slot;
      r->path[n] = (c2_row){.context = r->context + (copy + 1) * r->keep - r->length[b],
                            .length = r->length[b],
                            .future = row->future ? row->future + used : NULL,
                            .future_length = row->future ? row->future_length - used : 0,
                            .group = row->group * (int64_t)r->paths + (int64_t)p,
                            .slot = slot,
                            .quantiles = r->kept ? NULL : r->paths_out + slot * r->c->quantiles * steps,
                            .series = row->series,
                            .member = row->member,
                            .path = p};
    }
  }
}

/* The paths' quantiles from paths_out, step by step, into those of the rows: as many of `steps` as the horizon has. */
static c2_status reduce(const rollout *r, size_t steps, c2_error *err) {
  size_t q = r->c->quantiles;
  double out[sizeof r->c->quantile_levels / sizeof(double)];
  size_t before = r->engine->held;
  c2_sample *samples = NULL;
  double *weight = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_engine_alloc(r->engine, r->paths * q, sizeof *samples, &samples, err));
  C2_GOTO(c2_engine_alloc(r->engine, 3 * r->paths * q, sizeof *weight, &weight, err));
  double *scratch = weight + r->paths * q;
  c2_sample_weights(r->levels, r->paths, r->c->quantile_levels, q, weight, scratch);
  for (size_t b = 0; b < r->rows; b++) {
    for (size_t t = 0; t < steps && r->done + t < r->horizon; t++) {
      for (size_t i = 0; i < r->paths * q; i++) {
        samples[i].value = r->paths_out[(b * r->paths * q + i) * steps + t];
        samples[i].weight = weight[i];
      }
      c2_weighted_quantiles(samples, r->paths * q, r->c->quantile_levels, q, out, scratch);
      for (size_t i = 0; i < q; i++) r->row[b].quantiles[i * r->horizon + r->done + t] = out[i];
    }
  }
fail:
  free(samples);
  free(weight);
  r->engine->held = before;
  return status;
}

/* Steps that a path's context may grow to. */
static size_t room_of(const rollout *r, const c2_row *row) {
  return c2_min_size(r->limit, c2_min_size(row->length, r->first_limit) + c2_round_up(r->horizon, r->c->patch));
}

/* Tokens of a path of this row at most. */
static size_t path_tokens(const rollout *r, const c2_row *row) {
  size_t context = (room_of(r, row) + r->c->patch - 1) / r->c->patch;
  return context + 1 + c2_rollout_patches(r->how, r->c, r->horizon - r->done);
}

static c2_rollout_shape shape_of(const rollout *r) {
  return (c2_rollout_shape){.row = r->row,
                            .rows = r->rows,
                            .levels = r->levels,
                            .paths = r->paths,
                            .horizon = r->horizon,
                            .done = r->done,
                            .context_limit = r->first_limit,
                            .steps = c2_rollout_patches(r->how, r->c, r->horizon - r->done) * r->c->patch};
}

static c2_status start_paths(rollout *r, c2_error *err) {
  size_t steps = c2_rollout_patches(r->how, r->c, r->horizon - r->done) * r->c->patch;
  size_t paths = r->rows * r->paths;
  r->keep = 0;
  for (size_t b = 0; b < r->rows; b++) r->keep = c2_max_size(r->keep, room_of(r, &r->row[b]));
  C2_TRY(c2_engine_alloc(r->engine, r->rows * r->copies, r->keep * sizeof *r->context, &r->context, err));
  C2_TRY(c2_engine_alloc(r->engine, r->rows, sizeof *r->length, &r->length, err));
  C2_TRY(c2_engine_alloc(r->engine, paths, sizeof *r->path, &r->path, err));
  if (!r->kept) {
    C2_TRY(c2_engine_alloc(r->engine, paths * r->c->quantiles, steps * sizeof *r->paths_out, &r->paths_out, err));
  }
  for (size_t b = 0; b < r->rows; b++) {
    const c2_row *row = &r->row[b];
    r->length[b] = c2_min_size(row->length, r->first_limit);
    for (size_t p = 0; p < r->copies && r->length[b] > 0; p++) {
      memcpy(r->context + (b * r->copies + p + 1) * r->keep - r->length[b], row->context + (row->length - r->length[b]),
             r->length[b] * sizeof *r->context);
    }
  }
  return C2_OK;
}

/* Paths that fill a pass together. */
static size_t paths_together(const rollout *r) {
  size_t tokens = 0;
  for (size_t b = 0; b < r->rows; b++) tokens += path_tokens(r, &r->row[b]);
  return c2_min_size(r->paths, c2_max_size(1, r->tokens / tokens));
}

static c2_status forecast_paths(rollout *r, size_t patches, c2_error *err) {
  c2_result result = {.steps = patches * r->c->patch, .stride = patches * r->c->patch};
  size_t together = paths_together(r);
  for (size_t first = 0; first < r->paths; first += together) {
    size_t end = c2_min_size(r->paths, first + together);
    set_paths(r, first, end, result.steps);
    c2_batch batch = {
        .row = r->path, .rows = (end - first) * r->rows, .context_limit = r->limit, .output_patches = patches,
        .first_step = r->done, .paths = r->device};
    c2_batch_sort(&batch);
    C2_TRY(c2_session_progress(r->session, r->how->done, r->how->total, err)); /* of the pass before this one */
    C2_TRY(c2_forward(r->engine, &batch, &result, err));
  }
  return C2_OK;
}

/* Forecasts these rows on, from `done` to the horizon. */
static c2_status go_on(rollout *r, c2_error *err) {
  size_t before = r->engine->held;
  size_t first = r->done;
  size_t block = r->done;
  c2_status status = C2_OK;
  const c2_paths_ops *kept = r->kept ? r->engine->backend->paths : NULL;
  c2_rollout_shape shape = shape_of(r);
  C2_GOTO(start_paths(r, err));
  if (kept) C2_GOTO(kept->open(r->engine, &shape, &r->device, err));
  while (r->done < r->horizon) {
    size_t patches = c2_rollout_patches(r->how, r->c, r->horizon - r->done);
    extend(r, block);
    C2_GOTO(forecast_paths(r, patches, err));
    block = patches * r->c->patch;
    C2_GOTO(kept ? kept->next(r->engine, r->device, block, err) : reduce(r, block, err));
    r->done += block;
  }
  if (kept) C2_GOTO(kept->take(r->engine, r->device, &shape, err));
fail:
  if (r->device) kept->close(r->device);
  r->device = NULL;
  free(r->context);
  free(r->length);
  free(r->path);
  free(r->paths_out);
  r->context = r->paths_out = NULL;
  r->length = NULL;
  r->path = NULL;
  r->done = first;
  r->engine->held = before;
  return status;
}

/* Takes the next rows to be forecast on: as many groups as fill a pass with their paths, at least one. Returns the row
 * behind them. */
static size_t next_rows(rollout *r, const c2_batch *batch, size_t first) {
  size_t end = first;
  size_t tokens = 0;
  while (end < batch->rows) {
    size_t next = c2_batch_group_end(batch, end);
    for (size_t b = end; b < next; b++) tokens += r->paths * path_tokens(r, &batch->row[b]);
    if (end > first && tokens > r->tokens) break;
    end = next;
  }
  r->row = batch->row + first;
  r->rows = end - first;
  return end;
}

/* Gives the rows whose quantiles nobody wants a place for them: the paths go on from there. */
static c2_status give_places(c2_engine *engine, const c2_batch *batch, size_t values, double **places, c2_error *err) {
  size_t rows = 0;
  for (size_t b = 0; b < batch->rows; b++) rows += batch->row[b].quantiles == NULL;
  C2_TRY(c2_engine_alloc(engine, rows, values * sizeof **places, places, err));
  double *next = *places;
  for (size_t b = 0; b < batch->rows; b++) {
    if (batch->row[b].quantiles) continue;
    batch->row[b].quantiles = next;
    next += values;
  }
  return C2_OK;
}

/* The first pass, up to max_output_patches. */
static c2_status start(rollout *r, const c2_kv_cache *cache, const c2_batch *batch, c2_error *err) {
  r->done = c2_min_size(batch->output_patches * r->c->patch, r->horizon);
  c2_result result = {.steps = r->done, .stride = r->horizon};
  return cache ? c2_decode(r->engine, batch, cache, &result, err) : c2_forward(r->engine, batch, &result, err);
}

/* Tokens of a pass of paths: about as many as the first pass has. */
static size_t pass_tokens(const chronos2_session *s, const c2_batch *batch, const chronos2_config *c) {
  size_t tokens = 0;
  if (s->engine.backend->pads) return SIZE_MAX; /* padded to the longest: all together */
  for (size_t b = 0; b < batch->rows; b++) {
    tokens += c2_row_patches(&batch->row[b], c->patch, batch->context_limit) + 1 + batch->output_patches;
  }
  return c2_max_size(tokens, LEAST_TOKENS);
}

static rollout rollout_of(const c2_rollout *how, chronos2_session *session, const c2_batch *batch) {
  const chronos2_config *c = &session->model->config;
  const c2_paths_ops *ops = session->engine.backend->paths;
  size_t paths = how->levels ? how->paths : C2_USUAL_LEVELS;
  bool kept = ops && paths * c->quantiles <= ops->most;
  return (rollout){.how = how,
                   .levels = how->levels ? how->levels : c2_usual_levels,
                   .paths = paths,
                   .kept = kept,
                   .copies = kept ? 1 : paths,
                   .engine = &session->engine,
                   .session = session,
                   .c = c,
                   .horizon = how->horizon,
                   .first_limit = batch->context_limit,
                   .limit = c2_max_size(batch->context_limit, c->context_length)};
}

c2_status c2_rollout_run(const c2_rollout *how, chronos2_session *session, const c2_kv_cache *cache, c2_batch *batch,
                         c2_error *err) {
  rollout r = rollout_of(how, session, batch);
  double *places = NULL;
  size_t before = session->engine.held;
  c2_status status = C2_OK;
  batch->output_patches = c2_rollout_patches(how, r.c, r.horizon);
  c2_batch_sort(batch);
  if (batch->output_patches * r.c->patch >= r.horizon) return start(&r, cache, batch, err);
  C2_GOTO(give_places(r.engine, batch, r.c->quantiles * r.horizon, &places, err));
  C2_GOTO(start(&r, cache, batch, err));
  r.tokens = pass_tokens(session, batch, r.c);
  for (size_t first = 0; first < batch->rows;) {
    first = next_rows(&r, batch, first);
    C2_GOTO(go_on(&r, err));
  }
fail:
  free(places);
  session->engine.held = before;
  return status;
}

/* ---- What it takes ---------------------------------------------------------------------------- */

/* What the paths' passes from `done` on take at most: *need becomes enough for them. */
static c2_status plan_pass(const rollout *r, c2_need *need, c2_error *err) {
  size_t together = paths_together(r);
  size_t patches = c2_rollout_patches(r->how, r->c, r->horizon - r->done);
  c2_need own;
  c2_result result = {.steps = patches * r->c->patch, .stride = patches * r->c->patch};
  const c2_paths some = {.backend = r->engine->backend}; /* of which a plan reads that they are there */
  c2_batch batch = {.rows = together * r->rows, .context_limit = r->limit, .output_patches = patches};
  if (r->kept) batch.paths = &some;
  C2_TRY(c2_alloc_array(batch.rows, sizeof *batch.row, &batch.row, err));
  for (size_t p = 0, n = 0; p < together; p++) {
    for (size_t b = 0; b < r->rows; b++, n++) {
      batch.row[n] = (c2_row){.length = room_of(r, &r->row[b]),
                              .future_length = r->row[b].future_length,
                              .group = r->row[b].group * (int64_t)r->paths + (int64_t)p,
                              .slot = b * r->paths + r->paths - together + p};
    }
  }
  c2_batch_sort(&batch);
  c2_status status = c2_plan(r->engine, &batch, &result, &own, err);
  c2_need_join(need, &own);
  free(batch.row);
  return status;
}

/* What go_on allocates. */
static size_t path_bytes(const rollout *r) {
  size_t steps = c2_rollout_patches(r->how, r->c, r->horizon - r->done) * r->c->patch;
  size_t keep = 0;
  size_t bytes = 0;
  for (size_t b = 0; b < r->rows; b++) keep = c2_max_size(keep, room_of(r, &r->row[b]));
  c2_sum_up(&bytes, r->rows * r->copies, keep * sizeof *r->context);
  c2_sum_up(&bytes, r->rows, sizeof *r->length);
  c2_sum_up(&bytes, r->rows * r->paths, sizeof *r->path);
  if (r->kept) {
    c2_rollout_shape shape = shape_of(r);
    c2_sum_up(&bytes, r->engine->backend->paths->bytes(r->engine, &shape), 1);
    return bytes;
  }
  c2_sum_up(&bytes, r->rows * r->paths * r->c->quantiles, steps * sizeof *r->paths_out);
  c2_sum_up(&bytes, r->paths * r->c->quantiles, sizeof(c2_sample) + 3 * sizeof(double));
  return bytes;
}

c2_status c2_rollout_plan(const c2_rollout *how, chronos2_session *session, c2_batch *batch, c2_need *need,
                          c2_error *err) {
  rollout r = rollout_of(how, session, batch);
  c2_result result = {.steps = r.horizon, .stride = r.horizon};
  size_t places = 0;
  size_t most = 0;
  batch->output_patches = c2_rollout_patches(how, r.c, r.horizon);
  c2_batch_sort(batch);
  C2_TRY(c2_plan(r.engine, batch, &result, need, err));
  size_t block = batch->output_patches * r.c->patch;
  if (block >= r.horizon) return C2_OK;
  for (size_t b = 0; b < batch->rows; b++) {
    if (!batch->row[b].quantiles) c2_sum_up(&places, r.c->quantiles * r.horizon, sizeof(double));
  }
  r.tokens = pass_tokens(session, batch, r.c);
  for (size_t first = 0; first < batch->rows;) {
    r.done = block;
    first = next_rows(&r, batch, first);
    most = c2_max_size(most, path_bytes(&r));
    C2_TRY(plan_pass(&r, need, err));
    r.done = (r.horizon - 1) / block * block; /* the last pass may be shorter, and then has more paths */
    C2_TRY(plan_pass(&r, need, err));
  }
  c2_sum_up(&need->held, places, 1);
  c2_sum_up(&need->held, most, 1);
  return C2_OK;
}
