/* The long-horizon rollout. */
#include "engine/rollout.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "series/quantiles.h"

enum { PATHS = 9 };
static const double PATH_LEVELS[PATHS] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

typedef struct rollout {
  c2_engine *engine;
  bool use_reference;
  const chronos2_config *c;
  size_t rows, keep; /* keep: context steps of a path */
  c2_row *row;       /* [rows] by slot, as the caller gave them */
  double *context;   /* [rows * PATHS][keep] */
  size_t *length;    /* [rows] valid steps at the end of a path's context */
  c2_row *path;      /* [rows * PATHS] */
  double *step;      /* [rows][Q][steps]: the last block, reduced */
  double *paths_out; /* [rows * PATHS][Q][steps] */
  size_t done;       /* steps forecast so far */
} rollout;

static c2_status pass(const rollout *r, const c2_batch *batch, double *out, c2_error *err) {
  c2_result result = {.quantiles = out};
  return r->use_reference ? c2_reference_forward(r->engine, batch, &result, err)
                          : c2_fused_forward(r->engine, batch, &result, err);
}

size_t c2_rollout_patches(const chronos2_config *c, size_t steps) {
  return c2_min_size((steps + c->patch - 1) / c->patch, c->max_output_patches);
}

static void copy_block(const rollout *r, const double *block, size_t steps, double *quantiles, size_t horizon) {
  size_t n = c2_min_size(steps, horizon - r->done);
  for (size_t i = 0; i < r->rows * r->c->quantiles; i++) {
    memcpy(quantiles + i * horizon + r->done, block + i * steps, n * sizeof *block);
  }
}

/* Forecasts are float32 upstream. It matters where a row hardly varies: a constant covariate is forecast as its value
 * plus some 1e-5, which float32 drops; kept, the next pass would scale it up to a signal. */
static double round_to_float(double value) {
  return fabs(value) <= (double)FLT_MAX ? (double)(float)value : value;
}

/* Appends `steps` values of each path to its context: the path's quantile, or the known covariate. */
static void extend(rollout *r, size_t steps) {
  const chronos2_config *c = r->c;
  for (size_t b = 0; b < r->rows; b++) {
    const c2_row *row = &r->row[b];
    for (size_t p = 0; p < PATHS; p++) {
      double *context = r->context + (b * PATHS + p) * r->keep;
      size_t shift = c2_min_size(steps, r->keep);
      memmove(context, context + shift, (r->keep - shift) * sizeof *context);
      for (size_t i = steps - shift; i < steps; i++) {
        size_t at = r->done - steps + i; /* step of the forecast */
        bool known = row->future && at < row->future_length && !isnan(row->future[at]);
        context[r->keep + i - steps] =
            known ? row->future[at]
                  : round_to_float(c2_quantile_at(c->quantile_levels, r->step + b * c->quantiles * steps + i, steps,
                                                  c->quantiles, PATH_LEVELS[p]));
      }
    }
    r->length[b] = c2_min_size(r->keep, r->length[b] + steps);
  }
}

static void set_paths(rollout *r) {
  for (size_t i = 0; i < r->rows * PATHS; i++) {
    const c2_row *row = &r->row[i / PATHS];
    size_t length = r->length[i / PATHS];
    size_t used = c2_min_size(r->done, row->future_length);
    r->path[i] = (c2_row){.context = r->context + (i + 1) * r->keep - length,
                          .length = length,
                          .future = row->future ? row->future + used : NULL,
                          .future_length = row->future ? row->future_length - used : 0,
                          .group = row->group * PATHS + (int64_t)(i % PATHS),
                          .slot = i};
  }
}

/* step [rows][Q][steps] from paths_out, step by step. */
static c2_status reduce(rollout *r, size_t steps, c2_error *err) {
  size_t q = r->c->quantiles;
  double mass[sizeof r->c->quantile_levels / sizeof(double)];
  double path_mass[PATHS];
  double out[sizeof mass / sizeof mass[0]];
  c2_sample *samples = NULL;
  double *scratch = NULL;
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(PATHS * q, sizeof *samples, &samples, err));
  C2_GOTO(c2_alloc_array(2 * PATHS * q, sizeof *scratch, &scratch, err));
  c2_level_mass(r->c->quantile_levels, q, mass);
  c2_level_mass(PATH_LEVELS, PATHS, path_mass);
  for (size_t b = 0; b < r->rows; b++) {
    for (size_t t = 0; t < steps; t++) {
      for (size_t i = 0; i < PATHS * q; i++) {
        samples[i].value = r->paths_out[(b * PATHS * q + i) * steps + t];
        samples[i].weight = path_mass[i / q] * mass[i % q];
      }
      c2_weighted_quantiles(samples, PATHS * q, r->c->quantile_levels, q, out, scratch);
      for (size_t i = 0; i < q; i++) r->step[(b * q + i) * steps + t] = out[i];
    }
  }
fail:
  free(samples);
  free(scratch);
  return status;
}

static c2_status start_paths(rollout *r, const c2_batch *batch, size_t horizon, c2_error *err) {
  size_t limit = c2_max_size(batch->context_limit, r->c->context_length);
  for (size_t b = 0; b < r->rows; b++)
    r->keep = c2_max_size(r->keep, c2_min_size(r->row[b].length, batch->context_limit));
  r->keep = c2_min_size(limit, r->keep + c2_round_up(horizon, r->c->patch)); /* room to grow into */
  size_t steps = r->c->max_output_patches * r->c->patch;
  size_t cells = 0;
  if (!c2_mul(r->rows * PATHS, r->keep, &cells)) C2_FAIL(err, C2_ERR_MEMORY, "the rollout's size overflows");
  C2_TRY(c2_alloc_array(cells, sizeof *r->context, &r->context, err));
  C2_TRY(c2_alloc_array(r->rows, sizeof *r->length, &r->length, err));
  C2_TRY(c2_alloc_array(r->rows * PATHS, sizeof *r->path, &r->path, err));
  C2_TRY(c2_alloc_array(r->rows * PATHS * r->c->quantiles, steps * sizeof *r->paths_out, &r->paths_out, err));
  for (size_t b = 0; b < r->rows; b++) {
    const c2_row *row = &r->row[b];
    r->length[b] = c2_min_size(row->length, c2_min_size(batch->context_limit, r->keep));
    for (size_t p = 0; p < PATHS; p++) {
      double *end = r->context + (b * PATHS + p + 1) * r->keep;
      if (r->length[b] > 0) {
        memcpy(end - r->length[b], row->context + (row->length - r->length[b]), r->length[b] * sizeof *end);
      }
    }
  }
  return C2_OK;
}

static c2_status go_on(rollout *r, const c2_batch *batch, size_t steps, size_t horizon, double *quantiles,
                       c2_error *err) {
  size_t limit = c2_max_size(batch->context_limit, r->c->context_length);
  size_t block = steps;
  C2_TRY(start_paths(r, batch, horizon, err));
  while (r->done < horizon) {
    extend(r, block);
    set_paths(r);
    c2_batch paths = {.row = r->path,
                      .rows = r->rows * PATHS,
                      .context_limit = limit,
                      .output_patches = c2_rollout_patches(r->c, horizon - r->done)};
    c2_batch_sort(&paths);
    C2_TRY(pass(r, &paths, r->paths_out, err));
    block = paths.output_patches * r->c->patch;
    C2_TRY(reduce(r, block, err));
    copy_block(r, r->step, block, quantiles, horizon);
    r->done += block;
  }
  return C2_OK;
}

c2_status c2_rollout(c2_engine *engine, bool use_reference, const c2_memory *memory, c2_batch *batch, size_t horizon,
                     double *quantiles, c2_error *err) {
  c2_status status = C2_OK;
  rollout r = {.engine = engine, .use_reference = use_reference, .c = &engine->model->config, .rows = batch->rows};
  batch->output_patches = c2_rollout_patches(r.c, horizon);
  size_t steps = batch->output_patches * r.c->patch;
  C2_GOTO(c2_alloc_array(r.rows * r.c->quantiles, steps * sizeof *r.step, &r.step, err));
  C2_GOTO(c2_alloc_array(r.rows, sizeof *r.row, &r.row, err));
  for (size_t i = 0; i < batch->rows; i++) r.row[batch->row[i].slot] = batch->row[i];
  c2_batch_sort(batch);
  if (memory) {
    c2_result result = {.quantiles = r.step};
    C2_GOTO(c2_fused_recall(engine, batch, memory, &result, err));
  } else {
    C2_GOTO(pass(&r, batch, r.step, err));
  }
  copy_block(&r, r.step, steps, quantiles, horizon);
  r.done = steps;
  if (r.done < horizon) C2_GOTO(go_on(&r, batch, steps, horizon, quantiles, err));
fail:
  free(r.step);
  free(r.row);
  free(r.context);
  free(r.length);
  free(r.path);
  free(r.paths_out);
  return status;
}
