/* The mass probe: sums over one row of attention at a time, and the dense passes that yield the rows. */
#include "study/measure/probe.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/series.h"
#include "study/measure/arm.h"

const size_t c2_fixed_keys[C2_FIXED_KEYS] = {1, 4, 16, 64};

/* ---- Sums ------------------------------------------------------------------------------------ */

/* A cell: kept mass by radius, best mass by radius, then these. */
enum { ALL, FUTURE, REG, FIRST, DISTANCE, ENTROPY, KEYS_90, KEYS_99, FIXED, SUMS = FIXED + C2_FIXED_KEYS };

/* Cells of all heads, then edges and even mass by radius. */
static size_t sums_length(const c2_probe *p) {
  return p->layers * p->heads * p->width + 2 * p->plan->radii.count;
}

static c2_status open_sums(c2_probe *p, c2_probe_sums *sums, c2_error *err) {
  C2_TRY(c2_pool_alloc(&p->memory, sums_length(p), sizeof(double), &sums->head, err));
  sums->even = sums->head + sums_length(p) - p->plan->radii.count;
  sums->edges = sums->even - p->plan->radii.count;
  return C2_OK;
}

c2_status c2_probe_open(c2_probe *probe, const c2_plan *plan, size_t layers, size_t rows, size_t heads, c2_error *err) {
  size_t cells = 0;
  memset(probe, 0, sizeof *probe);
  probe->plan = plan;
  probe->layers = layers;
  probe->rows = rows;
  probe->heads = heads;
  probe->width = 2 * plan->radii.count + SUMS;
  if (!c2_mul(layers * heads, rows, &cells) || !c2_mul(cells, probe->width, &cells)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the probe's size overflows");
  }
  c2_status status = C2_OK;
  C2_GOTO(c2_pool_alloc(&probe->memory, cells, sizeof *probe->cell, &probe->cell, err));
  C2_GOTO(open_sums(probe, &probe->window, err));
  C2_GOTO(open_sums(probe, &probe->task, err));
  return C2_OK;
fail:
  c2_probe_close(probe);
  return status;
}

void c2_probe_close(c2_probe *probe) {
  c2_pool_free(&probe->batch);
  c2_pool_free(&probe->memory);
  memset(probe, 0, sizeof *probe);
}

/* Keys [first, last) that the window of each radius allows to each context query. */
static void find_windows(c2_probe *p) {
  const c2_radii *radii = &p->plan->radii;
  for (size_t i = 0; i < radii->count; i++) {
    chronos2_pattern pattern = {CHRONOS2_WINDOWED_FUTURE_GLOBAL, radii->at[i], p->plan->session.reg_global};
    for (size_t q = 0; q < p->context; q++) {
      c2_key_range *range = &p->range[i * p->context + q];
      *range = (c2_key_range){q, q + 1};
      while (range->first > 0 && chronos2_pattern_allows(pattern, p->context, q, range->first - 1)) range->first--;
      while (chronos2_pattern_allows(pattern, p->context, q, range->last)) range->last++;
    }
  }
}

c2_status c2_probe_begin_batch(c2_probe *p, size_t tokens, size_t context, c2_error *err) {
  size_t cells = 0;
  size_t ranges = 0;
  if (!c2_mul(p->rows * p->heads, tokens + 1, &cells) || cells > SIZE_MAX / 16 ||
      !c2_mul(p->plan->radii.count, context, &ranges)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the probe's size overflows");
  }
  if (tokens == p->tokens && context == p->context) return C2_OK;
  p->tokens = p->context = 0;
  c2_pool_free(&p->batch);
  C2_TRY(c2_pool_alloc(&p->batch, p->rows * tokens, sizeof *p->live, &p->live, err));
  C2_TRY(c2_pool_alloc(&p->batch, cells, sizeof *p->before, &p->before, err));
  C2_TRY(c2_pool_alloc(&p->batch, 2 * cells, sizeof *p->sorted, &p->sorted, err));
  C2_TRY(c2_pool_alloc(&p->batch, cells, sizeof *p->cumulative, &p->cumulative, err));
  C2_TRY(c2_pool_alloc(&p->batch, ranges, sizeof *p->range, &p->range, err));
  p->tokens = tokens;
  p->context = context;
  find_windows(p);
  return C2_OK;
}

/* before[k]: how many keys before k are no padding. */
static void count_live(const bool *live, size_t tokens, uint32_t *before) {
  before[0] = 0;
  for (size_t k = 0; k < tokens; k++) before[k + 1] = before[k] + (live[k] ? 1 : 0);
}

static bool selected(const c2_probe *p, size_t query, bool masked) {
  if (query >= p->context || (masked && !p->plan->include_padded)) return false;
  return !(query + 1 == p->context && p->plan->exclude_reg);
}

/* Ascending by the bits of floats >= 0, which order as they do; `other` is scratch. The result is in `keys`. */
static void radix_sort(uint32_t *keys, uint32_t *other, size_t n) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    size_t place[257] = {0};
    for (size_t i = 0; i < n; i++) place[(keys[i] >> shift & 255) + 1]++;
    for (size_t i = 0; i < 256; i++) place[i + 1] += place[i];
    for (size_t i = 0; i < n; i++) other[place[keys[i] >> shift & 255]++] = keys[i];
    uint32_t *swap = keys; /* four rounds: they end where they began */
    keys = other;
    other = swap;
  }
}

/* Fewest keys whose mass reaches `share` of all. */
static size_t keys_for(const double *cumulative, size_t n, double share) {
  size_t low = 1;
  size_t high = n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (cumulative[middle] >= share * cumulative[n]) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/* A row of weights as the probe counts: all rows are as long as the longest, with padding on the left. */
typedef struct view {
  const chronos2_attention_row *row;
  size_t slot;            /* of the batch */
  size_t padding;         /* tokens */
  size_t place;           /* of the scratch of this slot and head */
  const uint32_t *before; /* [row->tokens + 1] keys before one that are no padding */
} view;

/* The window of a radius within the row. */
static c2_key_range window_of(const c2_probe *p, const view *v, size_t radius) {
  c2_key_range range = p->range[radius * p->context + v->padding + v->row->query];
  return (c2_key_range){c2_max_size(range.first, v->padding) - v->padding, range.last - v->padding};
}

/* What the heaviest keys hold. */
static void add_best(const c2_probe *p, double *cell, const view *v) {
  size_t n = v->row->tokens;
  uint32_t *sorted = p->sorted + 2 * v->place;
  double *cumulative = p->cumulative + v->place; /* [k]: of the k heaviest */
  memcpy(sorted, v->row->weights, n * sizeof *sorted);
  radix_sort(sorted, sorted + n, n);
  cumulative[0] = 0;
  for (size_t k = 0; k < n; k++) {
    float weight = 0;
    memcpy(&weight, &sorted[n - 1 - k], sizeof weight);
    cumulative[k + 1] = cumulative[k] + (double)weight;
  }
  size_t radii = p->plan->radii.count;
  for (size_t i = 0; i < radii; i++) {
    c2_key_range range = window_of(p, v, i);
    cell[radii + i] += cumulative[v->before[range.last] - v->before[range.first]];
  }
  double *sums = cell + 2 * radii;
  sums[KEYS_90] += (double)keys_for(cumulative, n, 0.90);
  sums[KEYS_99] += (double)keys_for(cumulative, n, 0.99);
  for (size_t i = 0; i < C2_FIXED_KEYS; i++) sums[FIXED + i] += cumulative[c2_min_size(c2_fixed_keys[i], n)];
}

/* Where the weights lie: kept mass by radius, and what depends on no radius. */
static void add_row(const c2_probe *p, double *cell, const view *v) {
  const chronos2_attention_row *row = v->row;
  size_t radii = p->plan->radii.count;
  double *sums = cell + 2 * radii;
  const float *w = row->weights;
  size_t q = row->query;
  size_t first = q; /* keys [first, last) are in `kept`, which grows outwards from the query */
  size_t last = q + 1;
  double kept = (double)w[q];
  double entropy = 0;
  double future = 0;
  for (size_t i = 0; i <= radii; i++) {
    c2_key_range range = i < radii ? window_of(p, v, i) : (c2_key_range){0, row->context};
    while (first > range.first) {
      first--;
      kept += (double)w[first];
      sums[DISTANCE] += (double)w[first] * (double)(q - first);
    }
    for (; last < range.last; last++) {
      kept += (double)w[last];
      sums[DISTANCE] += (double)w[last] * (double)(last - q);
    }
    if (i < radii) cell[i] += kept;
  }
  for (size_t k = row->context; k < row->tokens; k++) future += (double)w[k];
  for (size_t k = 0; k < row->tokens; k++) {
    double weight = (double)w[k];
    if (weight > 0) entropy -= weight * log(weight);
  }
  size_t oldest = 0; /* a row without observations has REG alone */
  while (oldest + 1 < row->context && !row->live[oldest]) oldest++;
  sums[ALL] += kept + future;
  sums[FUTURE] += future;
  sums[REG] += (double)w[row->context - 1];
  sums[FIRST] += (double)w[oldest];
  sums[ENTROPY] += entropy / log((double)v->before[row->tokens]); /* at least REG and a future token */
}

void c2_probe_observe(void *user, const chronos2_attention_row *row) {
  c2_probe *p = user;
  size_t slot = (row->series - p->first_series) * p->rows_per_series + row->row;
  if (slot >= p->rows || row->step > 0 || row->tokens > p->tokens) return;
  view v = {.row = row,
            .slot = slot,
            .padding = p->tokens - row->tokens,
            .place = (slot * p->heads + row->head) * (p->tokens + 1)};
  if (row->layer == 0 && row->head == 0 && row->query + 1 == row->context) {
    memcpy(p->live + slot * p->tokens + v.padding, row->live, row->tokens * sizeof *row->live);
  }
  if (!selected(p, v.padding + row->query, row->masked)) return;
  count_live(row->live, row->tokens, p->before + v.place);
  v.before = p->before + v.place;
  double *cell = p->cell + ((row->layer * p->rows + slot) * p->heads + row->head) * p->width;
  add_row(p, cell, &v);
  add_best(p, cell, &v);
}

/* What would be kept of a row without any weights: by the number of pairs, and by spreading evenly. */
static void add_pairs(const c2_probe *p, c2_probe_sums *sums, const bool *live, uint32_t *before) {
  count_live(live, p->tokens, before);
  for (size_t q = 0; q < p->context; q++) {
    if (!selected(p, q, !live[q])) continue;
    sums->queries += 1;
    sums->pairs += (double)p->tokens;
    for (size_t i = 0; i < p->plan->radii.count; i++) {
      c2_key_range range = p->range[i * p->context + q];
      sums->edges[i] += (double)(range.last - range.first);
      sums->even[i] += (double)(before[range.last] - before[range.first]) / (double)before[p->tokens];
    }
  }
}

void c2_probe_end_batch(c2_probe *p, size_t rows) {
  c2_probe_sums *sums = &p->window;
  for (size_t b = 0; b < rows; b++) add_pairs(p, sums, p->live + b * p->tokens, p->before);
  memset(p->live, 0, p->rows * p->tokens * sizeof *p->live);
  size_t per_row = p->heads * p->width;
  for (size_t layer = 0; layer < p->layers; layer++) {
    for (size_t b = 0; b < p->rows; b++) {
      double *cell = p->cell + (layer * p->rows + b) * per_row;
      for (size_t i = 0; i < per_row; i++) sums->head[layer * per_row + i] += cell[i];
      memset(cell, 0, per_row * sizeof *cell);
    }
  }
}

void c2_probe_next_window(c2_probe *p) {
  c2_probe_sums *from = &p->window;
  c2_probe_sums *to = &p->task;
  for (size_t i = 0; i < sums_length(p); i++) to->head[i] += from->head[i];
  to->queries += from->queries;
  to->pairs += from->pairs;
  from->queries = from->pairs = 0;
  memset(from->head, 0, sums_length(p) * sizeof *from->head);
}

c2_share c2_probe_result(const c2_probe *p, const c2_probe_sums *sums, size_t radius_index, size_t layer, size_t head) {
  size_t radii = p->plan->radii.count;
  double kept = 0;
  double best = 0;
  double sum[SUMS] = {0};
  for (size_t cell = 0; cell < p->layers * p->heads; cell++) {
    if (layer != SIZE_MAX && cell != layer * p->heads + head) continue;
    const double *x = sums->head + cell * p->width;
    kept += x[radius_index];
    best += x[radii + radius_index];
    for (size_t i = 0; i < SUMS; i++) sum[i] += x[2 * radii + i];
  }
  double rows = sums->queries * (layer == SIZE_MAX ? (double)(p->layers * p->heads) : 1); /* of weights */
  c2_share share = {.mass = kept / sum[ALL],
                    .edges = sums->edges[radius_index] / sums->pairs,
                    .uniform = sums->even[radius_index] / sums->queries,
                    .best = best / sum[ALL],
                    .future = sum[FUTURE] / sum[ALL],
                    .distance = sum[DISTANCE] / (sum[ALL] - sum[FUTURE]),
                    .entropy = sum[ENTROPY] / rows,
                    .keys_90 = sum[KEYS_90] / rows,
                    .keys_99 = sum[KEYS_99] / rows,
                    .reg = sum[REG] / sum[ALL],
                    .first = sum[FIRST] / sum[ALL]};
  for (size_t i = 0; i < C2_FIXED_KEYS; i++) share.fixed[i] = sum[FIXED + i] / sum[ALL];
  return share;
}

/* ---- Dense passes ---------------------------------------------------------------------------- */

size_t c2_probe_rows(const c2_plan *plan, size_t rows_per_series) {
  size_t series = plan->probe_batch / rows_per_series;
  return (series ? series : 1) * rows_per_series;
}

/* The series of a window that are probed. With include_padded they are padded to the longest. */
typedef struct probed {
  c2_pool pool;
  chronos2_series *series; /* [count] */
  size_t count;
} probed;

/* `padding` missing values, then a row's past; *to moves on. */
static const double *pad_row(const double *past, size_t length, size_t padding, double **to) {
  const double *copy = *to;
  for (size_t i = 0; i < padding; i++) *(*to)++ = (double)NAN;
  if (length) memcpy(*to, past, length * sizeof *past);
  *to += length;
  return copy;
}

/* Pads a series to `length`. */
static c2_status pad_series(chronos2_series *s, size_t length, chronos2_covariate *covariate, double **values,
                            c2_error *err) {
  chronos2_series from = *s;
  if (from.length >= length) return C2_OK;
  size_t padding = length - from.length;
  s->length = length;
  s->target = *values;
  s->covariate = covariate;
  for (size_t t = 0; t < from.targets; t++) {
    (void)pad_row(from.target + t * from.length, from.length, padding, values);
  }
  for (size_t k = 0; k < from.covariates; k++) {
    covariate[k] = from.covariate[k];
    if (covariate[k].past_text) {
      C2_FAIL(
          err, C2_ERR_UNSUPPORTED,
          "--include-padded-queries: expected series of one length, or numeric covariates alone: text has no padding");
    }
    if (covariate[k].past) covariate[k].past = pad_row(covariate[k].past, from.length, padding, values);
  }
  return C2_OK;
}

/* A draw without replacement that keeps the order (Knuth, algorithm S): of `left` series of the window. */
static c2_status draw(const c2_probe *p, const c2_window *w, size_t left, size_t length, probed *out, c2_error *err) {
  size_t values = 0;
  size_t covariates = p->plan->include_padded ? w->series[0].covariates : 0;
  uint64_t seed = p->plan->seed;
  if (!c2_mul(w->rows, length, &values) || !c2_mul(values, p->plan->include_padded ? left : 0, &values)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the probe's size overflows");
  }
  chronos2_covariate *covariate = NULL;
  double *next = NULL;
  C2_TRY(c2_pool_alloc(&out->pool, left, sizeof *out->series, &out->series, err));
  C2_TRY(c2_pool_alloc(&out->pool, left * covariates, sizeof *covariate, &covariate, err));
  C2_TRY(c2_pool_alloc(&out->pool, values, sizeof *next, &next, err));
  for (size_t i = 0; left > 0; i++) {
    if (left < w->model_count - i && c2_random_below(&seed, w->model_count - i) >= left) continue;
    out->series[out->count] = w->series[i];
    if (p->plan->include_padded) C2_TRY(pad_series(&out->series[out->count], length, covariate, &next, err));
    covariate += covariates;
    out->count++;
    left--;
  }
  return C2_OK;
}

/* After a pass: its rows are those of the series since the last one. */
static int pass_done(void *user, size_t done, size_t total) {
  c2_probe *p = user;
  (void)total;
  c2_probe_end_batch(p, (done - p->first_series) * p->rows_per_series);
  p->first_series = done;
  return 0;
}

c2_status c2_probe_window(c2_probe *p, chronos2_session *session, const chronos2_model *model, const c2_window *window,
                          size_t *series_used, size_t *context_used, c2_error *err) {
  const chronos2_config *c = chronos2_model_config(model);
  size_t limit = p->plan->context_length ? p->plan->context_length : c->context_length;
  size_t length = c2_max_size(1, c2_min_size(window->longest, limit));
  size_t patches = c2_min_size((window->horizon + c->patch - 1) / c->patch, c->max_output_patches);
  size_t tokens = (length + c->patch - 1) / c->patch + 1 + patches;
  size_t count = window->model_count;
  if (p->plan->probe_series) count = c2_min_size(count, p->plan->probe_series);
  chronos2_predict_options options = {
      CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = c2_min_size(window->horizon, patches * c->patch), /* one pass */
      .context_length = limit, .batch_size = c2_probe_rows(p->plan, window->rows), .extend_context = true};
  chronos2_forecast *forecast = NULL;
  probed some = {.count = 0};
  *series_used = count;
  *context_used = length;
  p->first_series = 0;
  p->rows_per_series = window->rows;
  c2_status status = c2_probe_begin_batch(p, tokens, tokens - patches, err);
  if (status == C2_OK) status = draw(p, window, count, length, &some, err);
  if (status == C2_OK) {
    chronos2_session_on_attention(session, c2_probe_observe, p);
    chronos2_session_on_progress(session, pass_done, p);
    status = c2_api(chronos2_predict(session, some.series, some.count, &options, &forecast), err);
    chronos2_session_on_progress(session, NULL, NULL);
    chronos2_session_on_attention(session, NULL, NULL);
  }
  chronos2_forecast_free(&forecast);
  c2_pool_free(&some.pool);
  return status;
}
