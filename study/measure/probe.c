/* The mass probe: sums over one row of attention at a time, and the dense passes that yield the rows. */
#include "study/measure/probe.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "series/categories.h"
#include "study/measure/arm.h"
#include "study/statistics/random.h"

const size_t c2_fixed_keys[C2_FIXED_KEYS] = {1, 4, 16, 64};

/* ---- Sums ------------------------------------------------------------------------------------ */

/* A cell: kept mass by radius, best mass by radius, then these. */
enum { ALL, FUTURE, REG, FIRST, DISTANCE, ENTROPY, KEYS_90, KEYS_99, FIXED, SUMS = FIXED + C2_FIXED_KEYS };

static c2_status open_sums(const c2_probe *p, c2_probe_sums *sums, c2_error *err) {
  size_t n = p->options.radius_count;
  C2_TRY(c2_alloc_array(p->layers * p->heads * p->width, sizeof(double), &sums->head, err));
  C2_TRY(c2_alloc_array(n, sizeof(double), &sums->edges, err));
  return c2_alloc_array(n, sizeof(double), &sums->even, err);
}

static void close_sums(c2_probe_sums *sums) {
  free(sums->head);
  free(sums->edges);
  free(sums->even);
}

c2_status c2_probe_open(c2_probe *probe, const c2_probe_options *options, size_t layers, size_t rows, size_t heads,
                        c2_error *err) {
  size_t cells = 0;
  memset(probe, 0, sizeof *probe);
  probe->options = *options;
  probe->layers = layers;
  probe->rows = rows;
  probe->heads = heads;
  probe->width = 2 * options->radius_count + SUMS;
  if (!c2_mul(layers * heads, rows, &cells) || !c2_mul(cells, probe->width, &cells)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the probe's size overflows");
  }
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(cells, sizeof *probe->cell, &probe->cell, err));
  C2_GOTO(open_sums(probe, &probe->window, err));
  C2_GOTO(open_sums(probe, &probe->task, err));
  return C2_OK;
fail:
  c2_probe_close(probe);
  return status;
}

static void free_batch(c2_probe *probe) {
  free(probe->live);
  free(probe->sorted);
  free(probe->cumulative);
  probe->live = NULL;
  probe->sorted = NULL;
  probe->cumulative = NULL;
  probe->room = 0;
}

void c2_probe_close(c2_probe *probe) {
  free_batch(probe);
  free(probe->cell);
  close_sums(&probe->window);
  close_sums(&probe->task);
  memset(probe, 0, sizeof *probe);
}

c2_status c2_probe_begin_batch(c2_probe *probe, const float *token_mask, size_t rows, size_t tokens, size_t context,
                               c2_error *err) {
  size_t cells = 0;
  if (!c2_mul(probe->rows * probe->heads, tokens + 1, &cells) || cells > SIZE_MAX / 16) {
    C2_FAIL(err, C2_ERR_MEMORY, "the probe's size overflows");
  }
  if (tokens > probe->room) {
    free_batch(probe);
    C2_TRY(c2_alloc_array(probe->rows * (tokens + 1), sizeof(uint32_t), &probe->live, err));
    C2_TRY(c2_alloc_array(2 * cells, sizeof(uint32_t), &probe->sorted, err));
    C2_TRY(c2_alloc_array(cells, sizeof(double), &probe->cumulative, err));
    probe->room = tokens;
  }
  probe->mask = token_mask;
  probe->tokens = tokens;
  probe->context = context;
  for (size_t b = 0; b < rows; b++) {
    uint32_t *live = probe->live + b * (tokens + 1);
    live[0] = 0;
    for (size_t k = 0; k < tokens; k++) live[k + 1] = live[k] + (token_mask[b * tokens + k] > 0);
  }
  return C2_OK;
}

static bool selected(const c2_probe *p, size_t query, bool masked) {
  if (query >= p->context || (masked && !p->options.include_padded)) return false;
  return !(query + 1 == p->context && p->options.exclude_reg);
}

/* Keys [first, last) that the window of a radius allows to a context query. */
static void window_of(const c2_probe *p, size_t query, size_t radius, size_t *first, size_t *last) {
  const c2_probe_options *o = &p->options;
  double r = o->radii[radius];
  bool all = (query + 1 == p->context && o->reg_global) || !(r < (double)p->context);
  *first = all || (double)query <= r ? 0 : query - (size_t)r;
  *last = all ? p->context : c2_min_size(query + (size_t)r + 1, p->context);
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

/* What the heaviest keys hold. */
static void add_best(const c2_probe *p, double *cell, const chronos2_attention_row *row) {
  size_t n = row->tokens;
  size_t place = row->row * p->heads + row->head;
  uint32_t *sorted = p->sorted + 2 * place * (p->room + 1);
  double *cumulative = p->cumulative + place * (p->room + 1); /* [k]: of the k heaviest */
  const uint32_t *live = p->live + row->row * (n + 1);
  memcpy(sorted, row->weights, n * sizeof *sorted);
  radix_sort(sorted, sorted + n, n);
  cumulative[0] = 0;
  for (size_t k = 0; k < n; k++) {
    float weight = 0;
    memcpy(&weight, &sorted[n - 1 - k], sizeof weight);
    cumulative[k + 1] = cumulative[k] + (double)weight;
  }
  size_t radii = p->options.radius_count;
  for (size_t i = 0; i < radii; i++) {
    size_t first = 0;
    size_t last = 0;
    window_of(p, row->query, i, &first, &last);
    cell[radii + i] += cumulative[live[last] - live[first]];
  }
  double *sums = cell + 2 * radii;
  sums[KEYS_90] += (double)keys_for(cumulative, n, 0.90);
  sums[KEYS_99] += (double)keys_for(cumulative, n, 0.99);
  for (size_t i = 0; i < C2_FIXED_KEYS; i++) sums[FIXED + i] += cumulative[c2_min_size(c2_fixed_keys[i], n)];
}

/* Where the weights lie: kept mass by radius, and what depends on no radius. */
static void add_row(const c2_probe *p, double *cell, const chronos2_attention_row *row) {
  size_t radii = p->options.radius_count;
  double *sums = cell + 2 * radii;
  const float *w = row->weights;
  size_t q = row->query;
  size_t first = q; /* keys [first, last) are in `kept`, which grows outwards from the query */
  size_t last = q + 1;
  double kept = (double)w[q];
  double entropy = 0;
  double future = 0;
  for (size_t i = 0; i <= radii; i++) {
    size_t from = 0;
    size_t until = row->context;
    if (i < radii) window_of(p, q, i, &from, &until);
    while (first > from) {
      first--;
      kept += (double)w[first];
      sums[DISTANCE] += (double)w[first] * (double)(q - first);
    }
    for (; last < until; last++) {
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
  const uint32_t *live = p->live + row->row * (row->tokens + 1);
  size_t oldest = 0; /* a row without observations has REG alone */
  while (oldest + 1 < row->context && live[oldest + 1] == 0) oldest++;
  sums[ALL] += kept + future;
  sums[FUTURE] += future;
  sums[REG] += (double)w[row->context - 1];
  sums[FIRST] += (double)w[oldest];
  sums[ENTROPY] += entropy / log((double)live[row->tokens]); /* at least REG and a future token */
}

void c2_probe_observe(void *user, const chronos2_attention_row *row) {
  const c2_probe *p = user;
  if (row->row >= p->rows || !selected(p, row->query, row->masked)) return;
  double *cell = p->cell + ((row->layer * p->rows + row->row) * p->heads + row->head) * p->width;
  add_row(p, cell, row);
  add_best(p, cell, row);
}

void c2_probe_end_batch(c2_probe *p, size_t rows) {
  c2_probe_sums *sums = &p->window;
  for (size_t b = 0; b < rows; b++) {
    const uint32_t *live = p->live + b * (p->tokens + 1);
    for (size_t q = 0; q < p->context; q++) {
      if (!selected(p, q, !(p->mask[b * p->tokens + q] > 0))) continue;
      sums->queries += 1;
      sums->pairs += (double)p->tokens;
      for (size_t i = 0; i < p->options.radius_count; i++) {
        size_t first = 0;
        size_t last = 0;
        window_of(p, q, i, &first, &last);
        sums->edges[i] += (double)(last - first);
        sums->even[i] += (double)(live[last] - live[first]) / (double)live[p->tokens];
      }
    }
  }
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
  size_t cells = p->layers * p->heads * p->width;
  for (size_t i = 0; i < cells; i++) to->head[i] += from->head[i];
  for (size_t i = 0; i < p->options.radius_count; i++) {
    to->edges[i] += from->edges[i];
    to->even[i] += from->even[i];
    from->edges[i] = from->even[i] = 0;
  }
  to->queries += from->queries;
  to->pairs += from->pairs;
  from->queries = from->pairs = 0;
  memset(from->head, 0, cells * sizeof *from->head);
}

c2_share c2_probe_result(const c2_probe *p, const c2_probe_sums *sums, size_t radius_index, size_t layer, size_t head) {
  size_t radii = p->options.radius_count;
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

typedef struct pass {
  size_t rows, length, patches, future, tokens, context_tokens;
  float *context;    /* [rows][length] */
  float *covariates; /* [rows][future]; NULL: no covariate's future is known */
  int64_t *groups;   /* [rows] */
  float *mask;       /* [rows][tokens] */
  float *quantiles;  /* [rows][Q][patch * patches] */
} pass;

static void pass_free(pass *p) {
  free(p->context);
  free(p->covariates);
  free(p->groups);
  free(p->mask);
  free(p->quantiles);
}

size_t c2_probe_rows(const c2_probe_options *options, size_t rows_per_series) {
  size_t series = options->batch_size / rows_per_series;
  return (series ? series : 1) * rows_per_series;
}

static c2_status pass_open(pass *p, const c2_probe *probe, const chronos2_model *model, const c2_window *window,
                           c2_error *err) {
  const chronos2_config *c = chronos2_model_config(model);
  size_t limit = probe->options.context_length ? probe->options.context_length : c->context_length;
  memset(p, 0, sizeof *p);
  p->rows = probe->rows;
  p->length = c2_max_size(1, c2_min_size(window->longest, limit));
  p->patches = c2_min_size((window->horizon + c->patch - 1) / c->patch, c->max_output_patches);
  p->future = c2_min_size(window->horizon, p->patches * c->patch);
  bool known = false;
  for (size_t k = 0; k < window->series[0].covariates; k++) {
    const chronos2_covariate *covariate = &window->series[0].covariate[k];
    known = known || covariate->future || covariate->future_text;
  }
  chronos2_batch batch = {.rows = p->rows, .length = p->length, .output_patches = p->patches, .extend_context = true};
  p->tokens = chronos2_batch_tokens(model, &batch);
  p->context_tokens = p->tokens - p->patches;
  C2_TRY(c2_alloc_array(p->rows * p->length, sizeof *p->context, &p->context, err));
  if (known) C2_TRY(c2_alloc_array(p->rows * p->future, sizeof *p->covariates, &p->covariates, err));
  C2_TRY(c2_alloc_array(p->rows, sizeof *p->groups, &p->groups, err));
  C2_TRY(c2_alloc_array(p->rows * p->tokens, sizeof *p->mask, &p->mask, err));
  return c2_alloc_array(p->rows * c->quantiles * c->patch * p->patches, sizeof *p->quantiles, &p->quantiles, err);
}

/* How a row goes into float32. A pass takes no wider numbers, but it normalises a row by its own mean and deviation:
 * its attention does not change when the row is shifted and multiplied by a power of two. */
typedef struct narrowing {
  double middle;
  int exponent;
} narrowing;

/* The row as it is where float32 holds its variation; else shifted, and scaled if its variation is out of range. */
static narrowing narrowing_of(const double *past, size_t length) {
  double low = INFINITY;
  double high = -INFINITY;
  double error = 0; /* the largest of a plain conversion; infinite where float32 ends */
  narrowing n = {0, 0};
  for (size_t i = 0; i < length; i++) {
    if (isnan(past[i])) continue;
    low = fmin(low, past[i]);
    high = fmax(high, past[i]);
    error = fmax(error, fabs(past[i] - (double)(float)past[i]));
  }
  double span = high / 2 - low / 2;
  if (!(error > span / 2048)) return n;
  n.middle = low / 2 + high / 2;
  if (span > 0 && !(span > 0x1p-60 && span < 0x1p60)) (void)frexp(span, &n.exponent); /* a constant's scale is fixed */
  return n;
}

static float narrow(narrowing n, double value) {
  return (float)ldexp(value - n.middle, -n.exponent);
}

/* One row, padded on the left with missing values. */
static void fill_row(pass *p, size_t row, const double *past, size_t length, const double *future) {
  float *out = p->context + row * p->length;
  size_t used = c2_min_size(length, p->length);
  narrowing n = narrowing_of(past + length - used, used);
  for (size_t i = 0; i < p->length - used; i++) out[i] = NAN;
  for (size_t i = 0; i < used; i++) out[p->length - used + i] = narrow(n, past[length - used + i]);
  for (size_t i = 0; p->covariates && i < p->future; i++) {
    p->covariates[row * p->future + i] = future ? narrow(n, future[i]) : NAN;
  }
}

static size_t fill_series(pass *p, size_t row, const chronos2_series *s, int64_t group) {
  size_t first = row;
  for (size_t t = 0; t < s->targets; t++) fill_row(p, row++, s->target + t * s->length, s->length, NULL);
  for (size_t k = 0; k < s->covariates; k++) {
    fill_row(p, row++, s->covariate[k].past, s->length, s->covariate[k].future);
  }
  for (size_t r = first; r < row; r++) p->groups[r] = group;
  return row;
}

/* The next series of a draw without replacement that keeps the order (Knuth, algorithm S): *left of those
 * from `i` on are still to be taken. */
static size_t next_drawn(size_t i, size_t count, size_t *left, uint64_t *state) {
  while (*left < count - i && c2_random_below(state, count - i) >= *left) i++;
  (*left)--;
  return i;
}

c2_status c2_probe_window(c2_probe *probe, chronos2_session *session, const chronos2_model *model,
                          const c2_window *window, size_t *series_used, size_t *context_used, c2_error *err) {
  pass p;
  c2_encoded encoded = {0};
  size_t left = window->model_count;
  uint64_t state = probe->options.seed;
  if (probe->options.most_series) left = c2_min_size(left, probe->options.most_series);
  *series_used = left;
  c2_status status = pass_open(&p, probe, model, window, err);
  *context_used = p.length;
  if (status == C2_OK) {
    status = c2_encode_categories(window->series, window->model_count, window->horizon, &encoded, err);
  }
  chronos2_session_on_attention(session, c2_probe_observe, probe);
  for (size_t i = 0; status == C2_OK && left > 0;) {
    size_t rows = 0;
    for (; left > 0 && rows + window->rows <= p.rows; i++) {
      i = next_drawn(i, window->model_count, &left, &state);
      rows = fill_series(&p, rows, &encoded.series[i], (int64_t)i);
    }
    chronos2_batch batch = {.rows = rows,
                            .length = p.length,
                            .context = p.context,
                            .group_ids = p.groups,
                            .future_length = p.covariates ? p.future : 0,
                            .future_covariates = p.covariates,
                            .output_patches = p.patches,
                            .extend_context = true};
    chronos2_batch_mask(model, &batch, p.mask);
    status = c2_probe_begin_batch(probe, p.mask, rows, p.tokens, p.context_tokens, err);
    if (status != C2_OK) break;
    status = c2_api(chronos2_forward(session, &batch, p.quantiles, NULL, NULL, NULL), err);
    if (status == C2_OK) c2_probe_end_batch(probe, rows);
  }
  chronos2_session_on_attention(session, NULL, NULL);
  c2_encoded_free(&encoded);
  pass_free(&p);
  return status;
}
