/* The mass probe: sums over one row of attention at a time, and the dense passes that yield the rows. */
#include "study/probe.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "series/categories.h"

/* ---- Sums ------------------------------------------------------------------------------------ */

c2_status c2_probe_open(c2_probe *probe, const c2_probe_options *options, size_t layers, size_t rows, size_t heads,
                        c2_error *err) {
  size_t cells = 0;
  size_t n = options->radius_count;
  memset(probe, 0, sizeof *probe);
  probe->options = *options;
  probe->layers = layers;
  probe->rows = rows;
  probe->heads = heads;
  if (!c2_mul(layers * heads, rows, &cells) || !c2_mul(cells, n + 1, &cells)) {
    C2_FAIL(err, C2_ERR_MEMORY, "the probe's size overflows");
  }
  c2_status status = C2_OK;
  C2_GOTO(c2_alloc_array(cells, sizeof *probe->cell, &probe->cell, err));
  C2_GOTO(c2_alloc_array(n, sizeof *probe->kept, &probe->kept, err));
  C2_GOTO(c2_alloc_array(n, sizeof *probe->edges, &probe->edges, err));
  C2_GOTO(c2_alloc_array(n, sizeof *probe->even, &probe->even, err));
  return C2_OK;
fail:
  c2_probe_close(probe);
  return status;
}

void c2_probe_close(c2_probe *probe) {
  free(probe->cell);
  free(probe->kept);
  free(probe->edges);
  free(probe->even);
  memset(probe, 0, sizeof *probe);
}

void c2_probe_observe(void *user, const chronos2_attention_row *row) {
  c2_probe *p = user;
  const c2_probe_options *o = &p->options;
  size_t q = row->query;
  size_t context = row->context;
  if (q >= context || row->row >= p->rows || (row->masked && !o->include_padded)) return;
  bool reg = q + 1 == context;
  if (reg && o->exclude_reg) return;
  double *cell = p->cell + ((row->layer * p->rows + row->row) * p->heads + row->head) * (o->radius_count + 1);
  const float *w = row->weights;
  size_t reach = q > context - 1 - q ? q : context - 1 - q;
  size_t distance = 0;
  double sum = (double)w[q];
  for (size_t i = 0; i < o->radius_count; i++) {
    bool all = (reg && o->reg_global) || !(o->radii[i] < (double)reach);
    size_t limit = all ? reach : (size_t)o->radii[i];
    while (distance < limit) {
      distance++;
      if (q >= distance) sum += (double)w[q - distance];
      if (q + distance < context) sum += (double)w[q + distance];
    }
    cell[i] += sum;
  }
  while (distance < reach) {
    distance++;
    if (q >= distance) sum += (double)w[q - distance];
    if (q + distance < context) sum += (double)w[q + distance];
  }
  for (size_t k = context; k < row->tokens; k++) sum += (double)w[k];
  cell[o->radius_count] += sum;
}

/* Pairs of one row of the batch. */
static void count_pairs(c2_probe *p, const float *mask, size_t tokens, size_t context) {
  const c2_probe_options *o = &p->options;
  size_t all = 0;
  for (size_t k = 0; k < tokens; k++) all += mask[k] > 0;
  for (size_t i = 0; i < o->radius_count; i++) {
    size_t first = 0; /* keys [first, next) are allowed to q; `live` of them are no padding */
    size_t next = 0;
    size_t live = 0;
    for (size_t q = 0; q < context; q++) {
      bool reg = q + 1 == context;
      bool wide = (reg && o->reg_global) || !(o->radii[i] < (double)context);
      size_t from = wide || (double)q <= o->radii[i] ? 0 : q - (size_t)o->radii[i];
      size_t until = wide ? context : c2_min_size(q + (size_t)o->radii[i] + 1, context);
      while (next < until) live += mask[next++] > 0;
      while (first < from) live -= mask[first++] > 0;
      while (first > from) live += mask[--first] > 0; /* only before a global REG */
      if ((reg && o->exclude_reg) || (!(mask[q] > 0) && !o->include_padded)) continue;
      p->edges[i] += (double)(until - from);
      p->even[i] += (double)live / (double)all;
    }
  }
}

void c2_probe_end_batch(c2_probe *probe, const float *token_mask, size_t rows, size_t tokens, size_t context) {
  const c2_probe_options *o = &probe->options;
  size_t width = o->radius_count + 1;
  probe->tokens = tokens;
  probe->context = context;
  for (size_t b = 0; b < rows; b++) {
    const float *mask = token_mask + b * tokens;
    count_pairs(probe, mask, tokens, context);
    for (size_t q = 0; q < context; q++) {
      bool reg = q + 1 == context;
      if ((reg && o->exclude_reg) || (!(mask[q] > 0) && !o->include_padded)) continue;
      probe->queries += 1;
      probe->pairs += (double)tokens;
    }
  }
  for (size_t c = 0; c < probe->layers * probe->rows * probe->heads; c++) {
    double *cell = probe->cell + c * width;
    for (size_t i = 0; i < o->radius_count; i++) probe->kept[i] += cell[i];
    probe->total += cell[o->radius_count];
    memset(cell, 0, width * sizeof *cell);
  }
}

c2_probe_share c2_probe_result(const c2_probe *probe, size_t radius_index) {
  return (c2_probe_share){probe->kept[radius_index] / probe->total, probe->edges[radius_index] / probe->pairs,
                          probe->even[radius_index] / probe->queries};
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
  p->length = c2_max_size(1, c2_min_size(window->longest, c2_min_size(limit, c->context_length)));
  p->patches = c2_min_size((window->horizon + c->patch - 1) / c->patch, c->max_output_patches);
  p->future = c2_min_size(window->horizon, p->patches * c->patch);
  bool known = false;
  for (size_t k = 0; k < window->series[0].covariates; k++) {
    const chronos2_covariate *covariate = &window->series[0].covariate[k];
    known = known || covariate->future || covariate->future_text;
  }
  chronos2_batch batch = {.rows = p->rows, .length = p->length, .output_patches = p->patches};
  p->tokens = chronos2_batch_tokens(model, &batch);
  p->context_tokens = p->tokens - p->patches;
  C2_TRY(c2_alloc_array(p->rows * p->length, sizeof *p->context, &p->context, err));
  if (known) C2_TRY(c2_alloc_array(p->rows * p->future, sizeof *p->covariates, &p->covariates, err));
  C2_TRY(c2_alloc_array(p->rows, sizeof *p->groups, &p->groups, err));
  C2_TRY(c2_alloc_array(p->rows * p->tokens, sizeof *p->mask, &p->mask, err));
  return c2_alloc_array(p->rows * c->quantiles * c->patch * p->patches, sizeof *p->quantiles, &p->quantiles, err);
}

/* One row, padded on the left with missing values. */
static void fill_row(pass *p, size_t row, const double *past, size_t length, const double *future) {
  float *out = p->context + row * p->length;
  size_t used = c2_min_size(length, p->length);
  for (size_t i = 0; i < p->length - used; i++) out[i] = NAN;
  for (size_t i = 0; i < used; i++) out[p->length - used + i] = (float)past[length - used + i];
  for (size_t i = 0; p->covariates && i < p->future; i++) {
    p->covariates[row * p->future + i] = future ? (float)future[i] : NAN;
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

/* splitmix64 (Steele, Lea, Flood 2014), as a number below n. */
static size_t draw(uint64_t *state, size_t n) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return (size_t)((z ^ (z >> 31)) % n);
}

/* The next series of a draw without replacement that keeps the order (Knuth, algorithm S): *left of those
 * from `i` on are still to be taken. */
static size_t next_drawn(size_t i, size_t count, size_t *left, uint64_t *state) {
  while (*left < count - i && draw(state, count - i) >= *left) i++;
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
                            .output_patches = p.patches};
    if (chronos2_forward(session, &batch, p.quantiles, NULL, NULL, p.mask) != CHRONOS2_OK) {
      status = c2_fail(err, C2_ERR_ARGUMENT, "%s", chronos2_last_error());
    } else {
      c2_probe_end_batch(probe, p.mask, rows, p.tokens, p.context_tokens);
    }
  }
  chronos2_session_on_attention(session, NULL, NULL);
  c2_encoded_free(&encoded);
  pass_free(&p);
  return status;
}
