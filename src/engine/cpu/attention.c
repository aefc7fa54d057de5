/* Tiled attention with the online softmax: for each tile of queries, for each block of keys: scores,
 * softmax step, values. softmax(q k) has no 1 / sqrt(K): Chronos-2 folds it into the weights. */
#include "engine/cpu/attention.h"

#include <math.h>
#include <string.h>

enum { KEY_BLOCK = 256 };

void c2_rope_carve(c2_rope *rope, c2_arena *arena, size_t head, int32_t highest) {
  size_t positions = (size_t)highest + 1;
  rope->half = head / 2;
  rope->cosine = C2_CARVE(arena, float, positions * rope->half);
  rope->sine = C2_CARVE(arena, float, positions * rope->half);
}

void c2_rope_fill(c2_rope *rope, double theta, size_t head, int32_t highest) {
  float *cosine = (float *)(size_t)rope->cosine;
  float *sine = (float *)(size_t)rope->sine;
  for (size_t j = 0; j < rope->half; j++) {
    float frequency = 1.0f / powf((float)theta, (float)(2 * j) / (float)head); /* float32, as upstream has it */
    for (int64_t p = 0; p <= highest; p++) {
      float angle = (float)p * frequency;
      cosine[(size_t)p * rope->half + j] = (float)cos((double)angle);
      sine[(size_t)p * rope->half + j] = (float)sin((double)angle);
    }
  }
}

/* Of queries and keys. */
static c2_type key_type(c2_type type) {
  return type == C2_TYPE_FP32 ? C2_TYPE_FP32 : C2_TYPE_INT16;
}

static size_t key_words(c2_type type, size_t count, size_t head) {
  return c2_round_up(count, C2_PANEL) / C2_PANEL * c2_panel_words(key_type(type), head);
}

/* Scales of the panels' keys. */
static size_t key_scales(c2_type type, size_t count) {
  return type == C2_TYPE_FP32 ? 0 : c2_round_up(count, C2_PANEL);
}

c2_panels c2_panels_at(c2_type type, uint32_t *words, size_t count, size_t head) {
  uint32_t *scales = words + key_words(type, count, head);
  return (c2_panels){.keys = {.type = key_type(type),
                              .data = words,
                              .stride = c2_panel_words(key_type(type), head),
                              .scale = (float *)(void *)scales},
                     .values = {.type = type,
                                .data = scales + key_scales(type, count),
                                .stride = c2_panel_words(type, count)},
                     .count = count};
}

size_t c2_panels_words(c2_type type, size_t count, size_t head) {
  return key_words(type, count, head) + key_scales(type, count) +
         c2_round_up(head, C2_PANEL) / C2_PANEL * c2_panel_words(type, count);
}

void c2_attend_carve(c2_attend_scratch *s, c2_arena *arena, const c2_kernels *kernels, c2_type type, size_t keys,
                     size_t head, bool whole_rows) {
  size_t padded = c2_round_up(keys, C2_PANEL);
  size_t columns = c2_round_up(head, C2_PANEL);
  size_t tile = kernels->tile[type];
  bool narrow = type != C2_TYPE_FP32; /* float32 is multiplied where it lies */
  size_t rows = narrow ? c2_max_size(tile, C2_PANEL) : tile;
  s->block = whole_rows ? padded : c2_min_size(padded, KEY_BLOCK);
  s->scores_stride = s->block + 16; /* not a multiple of a page: rows would share cache sets */
  s->panels.keys = (c2_operand){.type = key_type(type), .stride = c2_panel_words(key_type(type), head)};
  s->panels.values = (c2_operand){.type = type};
  s->panels.keys.data = C2_CARVE(arena, uint32_t, key_words(type, padded, head));
  s->panels.keys.scale = C2_CARVE(arena, float, key_scales(type, padded));
  s->panels.values.data = C2_CARVE(arena, uint32_t, columns / C2_PANEL * c2_panel_words(type, padded));
  s->query = C2_CARVE(arena, float, rows *head);
  s->scores = C2_CARVE(arena, float, tile * s->scores_stride);
  s->output = C2_CARVE(arena, float, tile *columns);
  s->weights = C2_CARVE(arena, float, whole_rows ? tile * s->scores_stride : 0);
  s->left_query = (c2_operand){.type = key_type(type), .stride = columns};
  s->left_query.data = C2_CARVE(arena, uint16_t, narrow ? rows *columns : 0);
  s->left_query.scale = C2_CARVE(arena, float, narrow ? rows : 0);
  s->left = (c2_operand){.type = type, .stride = s->scores_stride};
  s->left.data = C2_CARVE(arena, uint16_t, narrow ? tile * s->scores_stride : 0);
}

/* out [K] = x, rotated (Su et al. 2021; halves, not pairs). */
static void rotate(float *restrict out, const float *restrict x, const c2_rope *rope, int32_t position, size_t head) {
  if (!rope) {
    memcpy(out, x, head * sizeof *out);
    return;
  }
  size_t half = rope->half;
  const float *restrict cosine = rope->cosine + (size_t)position * half;
  const float *restrict sine = rope->sine + (size_t)position * half;
  for (size_t j = 0; j < half; j++) {
    out[j] = x[j] * cosine[j] - x[j + half] * sine[j];
    out[j + half] = x[j + half] * cosine[j] + x[j] * sine[j];
  }
}

/* Zeroes the panel of `count` keys that isn't full, if there is one. */
static void clear_rest(const c2_operand *keys, size_t count) {
  uint32_t *panel = (uint32_t *)keys->data + count / C2_PANEL * keys->stride;
  if (count % C2_PANEL > 0) memset(panel, 0, keys->stride * sizeof *panel);
}

/* An int16 panel's columns from `column` on are the rows of A that left_query holds: words of both are alike. */
static void put_words(const c2_operand *to, size_t column, const c2_operand *left, size_t rows) {
  uint32_t *panel = (uint32_t *)to->data + column / C2_PANEL * to->stride + column % C2_PANEL;
  const uint32_t *words = left->data;
  for (size_t w = 0; w < to->stride / C2_PANEL; w++) {
    for (size_t j = 0; j < rows; j++) panel[w * C2_PANEL + j] = words[j * left->stride / 2 + w];
  }
  memcpy(to->scale + column, left->scale, rows * sizeof *to->scale);
}

/* Own keys from place `at` of the panels on, as many at a time as go into one panel. */
static void put_keys(const c2_attend *a, const c2_operand *to, size_t at, const c2_attend_scratch *s) {
  bool narrow = to->type != C2_TYPE_FP32;
  for (size_t i = 0, count = 0; i < a->keys; i += count) {
    count = narrow ? c2_min_size(a->keys - i, C2_PANEL - (at + i) % C2_PANEL) : 1;
    for (size_t j = 0; j < count; j++) {
      const float *key = a->k + a->k_row[i + j] * a->kv_stride;
      rotate(s->query + j * a->head, key, a->rope, a->rope ? a->k_position[i + j] : 0, a->head);
    }
    if (narrow) {
      a->kernels->round(&s->left_query, s->query, a->head, a->head, count);
      put_words(to, at + i, &s->left_query, count);
    } else {
      c2_put_column(to, at + i, s->query, a->head);
    }
  }
}

/* A value becomes the given term of bf16 panels. A word's first term clears the second. */
static void put_narrow_value(const c2_attend *a, const c2_operand *to, size_t term, const float *value,
                             const c2_attend_scratch *s) {
  c2_operand rounded = {.type = C2_TYPE_BF16, .data = s->left_query.data, .stride = s->left_query.stride};
  const uint16_t *row = rounded.data;
  a->kernels->round(&rounded, value, a->head, a->head, 1);
  for (size_t first = 0; first < a->head; first += C2_PANEL, row += C2_PANEL) {
    uint32_t *words = (uint32_t *)to->data + first / C2_PANEL * to->stride + term / 2 * C2_PANEL;
    size_t width = c2_min_size(C2_PANEL, a->head - first);
    if (term % 2 == 0) {
      for (size_t j = 0; j < width; j++) words[j] = row[j];
      memset(words + width, 0, (C2_PANEL - width) * sizeof *words);
    } else {
      for (size_t j = 0; j < width; j++) words[j] |= (uint32_t)row[j] << 16;
    }
  }
}

/* Own values from place `at` on. */
static void put_values(const c2_attend *a, const c2_operand *to, size_t at, const c2_attend_scratch *s) {
  for (size_t i = 0; i < a->keys; i++) {
    const float *value = a->v + a->k_row[i] * a->kv_stride;
    if (to->type == C2_TYPE_FP32) {
      c2_put_row(to, at + i, value, a->head);
    } else {
      put_narrow_value(a, to, at + i, value, s);
    }
  }
}

void c2_attend_pack(const c2_attend *a, const c2_panels *to, c2_attend_scratch *s) {
  clear_rest(&to->keys, a->keys);
  put_keys(a, &to->keys, 0, s);
  put_values(a, &to->values, 0, s);
}

/* The panels from the key at place `at` on, which begins a word; of keys it begins a panel. */
static c2_operand keys_from(c2_operand keys, size_t at) {
  keys.data = (uint32_t *)keys.data + at / C2_PANEL * keys.stride;
  if (keys.type != C2_TYPE_FP32) keys.scale += at;
  return keys;
}

static c2_operand values_from(c2_operand values, size_t at) {
  values.data = (uint32_t *)values.data + at / c2_word_terms(values.type) * C2_PANEL;
  return values;
}

/* Keys of the prefix that are read where they lie: whole blocks. The others go into the scratch, own keys behind. */
static size_t prefix_blocks(const c2_attend *a) {
  return a->prefix.count / KEY_BLOCK * KEY_BLOCK;
}

static void fill_scratch(const c2_attend *a, c2_attend_scratch *s) {
  size_t whole = prefix_blocks(a);
  size_t held = a->prefix.count - whole;
  c2_operand *values = &s->panels.values;
  values->stride = c2_panel_words(values->type, c2_round_up(held + a->keys, C2_PANEL));
  clear_rest(&s->panels.keys, held + a->keys);
  if (held > 0) {
    c2_operand from = values_from(a->prefix.values, whole);
    c2_operand keys = keys_from(a->prefix.keys, whole);
    memcpy(s->panels.keys.data, keys.data, key_words(values->type, held, a->head) * sizeof(uint32_t));
    memcpy(s->panels.keys.scale, keys.scale, key_scales(values->type, held) * sizeof(float));
    for (size_t panel = 0; panel * C2_PANEL < a->head; panel++) {
      memcpy((uint32_t *)values->data + panel * values->stride, (uint32_t *)from.data + panel * from.stride,
             c2_panel_words(values->type, held) * sizeof(uint32_t));
    }
  }
  put_keys(a, &s->panels.keys, held, s);
  put_values(a, values, held, s);
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
    for (size_t j = 0; !t->fresh && j < a->prefix.count + a->keys; j++) weights[j] *= t->correction[i];
    memcpy(weights + begin + first[i], s->scores + i * s->scores_stride + first[i],
           (last[i] - first[i]) * sizeof *weights);
  }
}

/* One block of keys [begin, end), begin a multiple of the panel; low and high [rows] bound each query. */
static void step(const c2_attend *a, const c2_attend_scratch *s, tile_state *t, size_t begin, size_t end,
                 const uint32_t *low, const uint32_t *high) {
  size_t columns = c2_round_up(end - begin, C2_PANEL);
  size_t whole = prefix_blocks(a);
  bool narrow = s->left.type != C2_TYPE_FP32;
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
  c2_gemm scores = {.a = s->left_query,
                    .b = kept ? keys_from(a->prefix.keys, begin) : keys_from(s->panels.keys, begin - whole),
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
                        .correction = t->correction,
                        .bf16 = narrow ? s->left.data : NULL};
  a->kernels->softmax(&softmax);
  if (a->observe) keep_weights(a, s, t, begin, first, last);
  size_t width = c2_round_up(a->head, C2_PANEL);
  for (size_t i = 0; !t->fresh && i < t->rows; i++) {
    if (t->correction[i] == 1.0f) continue;
    for (size_t j = 0; j < width; j++) s->output[i * width + j] *= t->correction[i];
  }
  if (narrow) from -= from % C2_PANEL; /* weights before the first one are 0; AMX adds up 32 terms at a time */
  c2_gemm values = {.a = s->left,
                    .b = kept ? values_from(a->prefix.values, from) : values_from(s->panels.values, from - whole),
                    .depth = to - from,
                    .c = s->output,
                    .c_stride = width,
                    .accumulate = !t->fresh};
  if (narrow) {
    values.a.data = (uint16_t *)s->left.data + (from - begin);
  } else {
    values.a.data = s->scores + (from - begin);
  }
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
  size_t block = a->prefix.count > 0 ? c2_min_size(s->block, KEY_BLOCK) : s->block; /* the prefix ends with a block */
  for (size_t at = begin / C2_PANEL * C2_PANEL; at < end;) {
    size_t next = c2_min_size(end, (at / block + 1) * block);
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
      size_t keys = a->prefix.count + a->keys;
      for (size_t j = 0; j < keys; j++) weights[j] /= t->sum[i];
      a->observe(a->user, t->first + i, weights, keys);
    }
  }
}

void c2_attend_run(const c2_attend *a, c2_attend_scratch *s) {
  uint32_t low[C2_MAX_TILE];
  uint32_t high[C2_MAX_TILE];
  size_t keys = a->prefix.count + a->keys;
  size_t tile = a->kernels->tile[s->left.type];
  fill_scratch(a, s);
  for (size_t q = 0; q < a->queries; q += tile) {
    tile_state t = {.first = q, .rows = c2_min_size(tile, a->queries - q), .fresh = true};
    for (size_t i = 0; i < t.rows; i++) {
      rotate(s->query + i * a->head, a->q + a->q_row[q + i] * a->q_stride, a->rope,
             a->rope ? a->q_position[q + i] : 0, a->head);
      t.maximum[i] = -INFINITY;
      t.sum[i] = 0.0f;
      low[i] = a->range ? a->range[q + i].first : 0;
      high[i] = a->range ? a->range[q + i].last : (uint32_t)keys;
    }
    if (s->left.type == C2_TYPE_FP32) {
      s->left_query = (c2_operand){.data = s->query, .stride = a->head};
    } else {
      a->kernels->round(&s->left_query, s->query, a->head, a->head, t.rows);
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
