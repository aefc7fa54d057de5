/* Tiled attention with the online softmax: for each tile of queries, for each block of keys: scores,
 * softmax step, values. softmax(q k) has no 1 / sqrt(K): Chronos-2 folds it into the weights. */
#include "engine/cpu/attention.h"

#include <math.h>
#include <string.h>

enum { KEY_BLOCK = 256 };

void c2_rope_carve(c2_rope *rope, c2_arena *arena, size_t head, int32_t lowest, int32_t highest) {
  size_t positions = (size_t)((int64_t)highest - lowest + 1);
  rope->half = head / 2;
  rope->lowest = lowest;
  rope->cosine = C2_CARVE(arena, float, positions * rope->half);
  rope->sine = C2_CARVE(arena, float, positions * rope->half);
}

void c2_rope_fill(c2_rope *rope, double theta, size_t head, int32_t lowest, int32_t highest) {
  float *cosine = (float *)(size_t)rope->cosine;
  float *sine = (float *)(size_t)rope->sine;
  for (size_t j = 0; j < rope->half; j++) {
    float frequency = 1.0f / powf((float)theta, (float)(2 * j) / (float)head); /* float32, as upstream has it */
    for (int64_t p = lowest; p <= highest; p++) {
      float angle = (float)p * frequency;
      cosine[(size_t)(p - lowest) * rope->half + j] = (float)cos((double)angle);
      sine[(size_t)(p - lowest) * rope->half + j] = (float)sin((double)angle);
    }
  }
}

void c2_attend_carve(c2_attend_scratch *s, c2_arena *arena, size_t keys, size_t head, bool whole_rows) {
  size_t padded = c2_round_up(keys, C2_PANEL);
  size_t columns = c2_round_up(head, C2_PANEL);
  s->block = whole_rows ? padded : c2_min_size(padded, KEY_BLOCK);
  s->scores_stride = s->block + 16; /* not a multiple of a page: rows would share cache sets */
  s->key_panels = C2_CARVE(arena, float, padded *head);
  s->value_panels = C2_CARVE(arena, float, padded *columns);
  s->query = C2_CARVE(arena, float, C2_MAX_TILE *head);
  s->scores = C2_CARVE(arena, float, C2_MAX_TILE * s->scores_stride);
  s->output = C2_CARVE(arena, float, C2_MAX_TILE *columns);
  s->weights = C2_CARVE(arena, float, whole_rows ? C2_MAX_TILE * s->scores_stride : 0);
}

/* out[j * stride] = the j-th of K values of x, rotated (Su et al. 2021; halves, not pairs). */
static void rotate(float *out, size_t stride, const float *x, const c2_rope *rope, int32_t position, size_t head) {
  if (!rope) {
    for (size_t j = 0; j < head; j++) out[j * stride] = x[j];
    return;
  }
  size_t half = rope->half;
  const float *cosine = rope->cosine + (size_t)(position - rope->lowest) * half;
  const float *sine = rope->sine + (size_t)(position - rope->lowest) * half;
  for (size_t j = 0; j < half; j++) {
    out[j * stride] = x[j] * cosine[j] - x[j + half] * sine[j];
    out[(j + half) * stride] = x[j + half] * cosine[j] + x[j] * sine[j];
  }
}

/* Own keys from place `at` of the panels on; the rest of the last panel is zeroed. */
static void put_keys(const c2_attend *a, float *panels, size_t at) {
  size_t padded = c2_round_up(at + a->keys, C2_PANEL);
  for (size_t i = 0; at + i < padded; i++) {
    float *panel = panels + (at + i) / C2_PANEL * C2_PANEL * a->head + (at + i) % C2_PANEL;
    if (i < a->keys) {
      rotate(panel, C2_PANEL, a->k + a->k_row[i] * a->kv_stride, a->rope, a->rope ? a->k_position[i] : 0, a->head);
    } else {
      for (size_t j = 0; j < a->head; j++) panel[j * C2_PANEL] = 0.0f;
    }
  }
}

/* Own values from place `at` on, in panels of `rows` rows. */
static void put_values(const c2_attend *a, float *panels, size_t rows, size_t at) {
  for (size_t c = 0; c < a->head; c += C2_PANEL) {
    float *panel = panels + c * rows + at * C2_PANEL;
    size_t width = c2_min_size(C2_PANEL, a->head - c);
    for (size_t i = 0; i < a->keys; i++) {
      memcpy(panel + i * C2_PANEL, a->v + a->k_row[i] * a->kv_stride + c, width * sizeof(float));
      memset(panel + i * C2_PANEL + width, 0, (C2_PANEL - width) * sizeof(float));
    }
  }
}

void c2_attend_pack(const c2_attend *a, float *keys, float *values) {
  put_keys(a, keys, 0);
  put_values(a, values, a->keys, 0);
}

/* Keys of the prefix that are read where they lie: whole blocks. The others go into the scratch, own keys behind. */
static size_t prefix_blocks(const c2_attend *a) {
  return a->prefix.count / KEY_BLOCK * KEY_BLOCK;
}

/* Rows of a value panel in the scratch. */
static size_t scratch_rows(const c2_attend *a) {
  return c2_round_up(a->prefix.count - prefix_blocks(a) + a->keys, C2_PANEL);
}

static void fill_scratch(const c2_attend *a, const c2_attend_scratch *s) {
  size_t whole = prefix_blocks(a);
  size_t held = a->prefix.count - whole;
  size_t rows = scratch_rows(a);
  if (held > 0) {
    memcpy(s->key_panels, a->prefix.keys + whole * a->head, c2_round_up(held, C2_PANEL) * a->head * sizeof(float));
    for (size_t c = 0; c < a->head; c += C2_PANEL) {
      memcpy(s->value_panels + c * rows, a->prefix.values + c * a->prefix.count + whole * C2_PANEL,
             held * C2_PANEL * sizeof(float));
    }
  }
  put_keys(a, s->key_panels, held);
  put_values(a, s->value_panels, rows, held);
}

/* A tile in progress: `rows` queries from query `first` on. */
typedef struct tile_state {
  size_t first, rows;
  float maximum[C2_MAX_TILE], sum[C2_MAX_TILE], correction[C2_MAX_TILE];
  bool fresh; /* nothing accumulated yet */
} tile_state;

/* Puts a step's weights beside those of the steps before it, which the new maximum corrects. */
static void keep_weights(const c2_attend *a, const c2_attend_scratch *s, const tile_state *t, size_t begin,
                         const uint32_t *first, const uint32_t *last) {
  for (size_t i = 0; i < t->rows; i++) {
    float *weights = s->weights + i * s->scores_stride;
    for (size_t j = 0; !t->fresh && j < a->keys; j++) weights[j] *= t->correction[i];
    memcpy(weights + begin + first[i], s->scores + i * s->scores_stride + first[i],
           (last[i] - first[i]) * sizeof *weights);
  }
}

/* One block of keys [begin, end), begin a multiple of the panel; low and high [rows] bound each query. */
static void step(const c2_attend *a, const c2_attend_scratch *s, tile_state *t, size_t begin, size_t end,
                 const uint32_t *low, const uint32_t *high) {
  size_t columns = c2_round_up(end - begin, C2_PANEL);
  size_t whole = prefix_blocks(a);
  bool kept = begin < whole;
  uint32_t first[C2_MAX_TILE];
  uint32_t last[C2_MAX_TILE];
  size_t from = end;
  size_t to = begin;
  for (size_t i = 0; i < t->rows; i++) {
    size_t l = c2_min_size(c2_max_size(low[i], begin), end);
    size_t h = c2_max_size(c2_min_size(high[i], end), l);
    first[i] = (uint32_t)(l - begin);
    last[i] = (uint32_t)(h - begin);
    if (h > l) {
      from = c2_min_size(from, l);
      to = c2_max_size(to, h);
    }
  }
  if (from >= to) return;
  c2_gemm scores = {.a = s->query,
                    .a_stride = a->head,
                    .b = kept ? a->prefix.keys + begin * a->head : s->key_panels + (begin - whole) * a->head,
                    .b_stride = C2_PANEL * a->head,
                    .depth = a->head,
                    .c = s->scores,
                    .c_stride = s->scores_stride};
  a->kernels->gemm(&scores, t->rows, 0, columns / C2_PANEL);
  c2_softmax softmax = {.scores = s->scores,
                        .stride = s->scores_stride,
                        .rows = t->rows,
                        .columns = columns,
                        .first = first,
                        .last = last,
                        .maximum = t->maximum,
                        .sum = t->sum,
                        .correction = t->correction};
  a->kernels->softmax(&softmax);
  if (a->observe) keep_weights(a, s, t, begin, first, last);
  size_t width = c2_round_up(a->head, C2_PANEL);
  for (size_t i = 0; !t->fresh && i < t->rows; i++) {
    if (t->correction[i] == 1.0f) continue;
    for (size_t j = 0; j < width; j++) s->output[i * width + j] *= t->correction[i];
  }
  c2_gemm values = {.a = s->scores + (from - begin),
                    .a_stride = s->scores_stride,
                    .b = kept ? a->prefix.values + from * C2_PANEL : s->value_panels + (from - whole) * C2_PANEL,
                    .b_stride = C2_PANEL * (kept ? a->prefix.count : scratch_rows(a)),
                    .depth = to - from,
                    .c = s->output,
                    .c_stride = width,
                    .accumulate = !t->fresh};
  a->kernels->gemm(&values, t->rows, 0, width / C2_PANEL);
  t->fresh = false;
}

/* Steps end at multiples of the block, not so far from the tile's first key: where a query's sum is cut must not depend
 * on which queries share its tile. */
static void walk(const c2_attend *a, const c2_attend_scratch *s, tile_state *t, const uint32_t *low,
                 const uint32_t *high) {
  size_t begin = SIZE_MAX;
  size_t end = 0;
  for (size_t i = 0; i < t->rows; i++) {
    if (low[i] >= high[i]) continue;
    begin = c2_min_size(begin, low[i]);
    end = c2_max_size(end, high[i]);
  }
  if (end == 0) return;
  for (size_t at = begin / C2_PANEL * C2_PANEL; at < end;) {
    size_t next = c2_min_size(end, (at / s->block + 1) * s->block);
    step(a, s, t, at, next, low, high);
    at = next;
  }
}

static void finish(const c2_attend *a, const c2_attend_scratch *s, const tile_state *t) {
  size_t width = c2_round_up(a->head, C2_PANEL);
  for (size_t i = 0; i < t->rows; i++) {
    float *out = a->out + a->q_row[t->first + i] * a->out_stride;
    const float *sums = s->output + i * width;
    for (size_t j = 0; j < a->head; j++) out[j] = sums[j] / t->sum[i];
    if (a->observe) {
      float *weights = s->weights + i * s->scores_stride;
      for (size_t j = 0; j < a->keys; j++) weights[j] /= t->sum[i];
      a->observe(a->user, t->first + i, weights, a->keys);
    }
  }
}

void c2_attend_run(const c2_attend *a, c2_attend_scratch *s) {
  uint32_t low[C2_MAX_TILE];
  uint32_t high[C2_MAX_TILE];
  size_t keys = a->prefix.count + a->keys;
  fill_scratch(a, s);
  for (size_t q = 0; q < a->queries; q += a->kernels->tile) {
    tile_state t = {.first = q, .rows = c2_min_size(a->kernels->tile, a->queries - q), .fresh = true};
    for (size_t i = 0; i < t.rows; i++) {
      rotate(s->query + i * a->head, 1, a->q + a->q_row[q + i] * a->q_stride, a->rope,
             a->rope ? a->q_position[q + i] : 0, a->head);
      t.maximum[i] = -INFINITY;
      t.sum[i] = 0.0f;
      low[i] = a->range ? a->range[q + i].first : 0;
      high[i] = a->range ? a->range[q + i].last : (uint32_t)keys;
    }
    if (a->observe) memset(s->weights, 0, t.rows * s->scores_stride * sizeof *s->weights);
    walk(a, s, &t, low, high);
    if (a->range) {
      for (size_t i = 0; i < t.rows; i++) {
        low[i] = a->range[q + i].first2;
        high[i] = a->range[q + i].last2;
      }
      walk(a, s, &t, low, high);
    }
    finish(a, s, &t);
  }
}
