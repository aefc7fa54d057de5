/* Every kernel of every level this machine has against plain arithmetic in double, on odd shapes, with
 * guard bands around the outputs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"
#include "amx_emulation.h"
#include "kernels/x86/amx_body.h"
#include "random.h"

enum { GUARD = 64 };
static const float MARK = 12345.5f;

static float *filled(size_t n, uint32_t seed) {
  float *values = malloc((n + 2 * GUARD) * sizeof *values);
  for (size_t i = 0; i < n + 2 * GUARD; i++) values[i] = i < GUARD || i >= n + GUARD ? MARK : random_signed(&seed);
  return values + GUARD;
}

static void release(float *values, size_t n) {
  for (size_t i = 0; i < GUARD; i++) {
    assert_true(values[-1 - (ptrdiff_t)i] == MARK);
    assert_true(values[n + i] == MARK);
  }
  free(values - GUARD);
}

static void one_gemm(const c2_kernels *k, size_t rows, size_t depth, size_t panels, int mode) {
  size_t stride = panels * C2_PANEL;
  size_t c_size = rows * stride;
  float *a = filled(rows * depth, 1);
  float *b = filled(panels * depth * C2_PANEL, 2);
  float *bias = filled(stride, 3);
  float *c = filled(c_size, 4);
  float *before = filled(c_size, 4);
  c2_gemm g = {.a = {.data = a, .stride = depth},
               .b = {.data = b, .stride = depth * C2_PANEL},
               .depth = depth,
               .c = c,
               .c_stride = stride,
               .bias = mode & 1 ? bias : NULL,
               .relu = mode & 2,
               .accumulate = mode & 4};
  k->gemm(&g, rows, 0, panels);
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < stride; j++) {
      double sum = 0;
      double size = 1;
      for (size_t d = 0; d < depth; d++) {
        double term = (double)a[i * depth + d] * (double)b[(j / C2_PANEL * depth + d) * C2_PANEL + j % C2_PANEL];
        sum += term;
        size += fabs(term);
      }
      if (mode & 1) sum += (double)bias[j];
      if (mode & 4) sum += (double)before[i * stride + j];
      if (mode & 2) sum = sum > 0 ? sum : 0;
      assert_true(fabs(sum - (double)c[i * stride + j]) <= 2e-7 * size * (4 + sqrt((double)depth)));
    }
  }
  release(a, rows * depth);
  release(b, panels * depth * C2_PANEL);
  release(bias, stride);
  release(c, c_size);
  release(before, c_size);
}

/* ---- bf16 and int8 ---------------------------------------------------------------------------- */

typedef struct product {
  c2_type type; /* bf16 or int8 */
  size_t rows, depth, panels, stride; /* stride: of A, the depth in whole panels */
  float *x;                           /* [rows][stride] */
  float *left;                        /* [rows][stride] A as the level has it: at most four bytes an element */
  float *words;                       /* B's panels */
  float *a_scale, *b_scale, *bias;
  int32_t *b_shift;
  float *c;
} product;

static float to_bf16(float x) {
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  uint32_t below = bits & 0xffffu;
  bits -= below;
  if (below > 0x8000u || (below == 0x8000u && (bits & 0x10000u))) bits += 0x10000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Term k of column j of B, from its place in the panels. */
static double right_term(const product *p, size_t k, size_t j) {
  size_t terms = p->type == C2_TYPE_BF16 ? 2 : 4;
  size_t words = (p->depth + terms - 1) / terms;
  const float *word = p->words + (j / C2_PANEL * words + k / terms) * C2_PANEL + j % C2_PANEL;
  if (p->type == C2_TYPE_INT8) return (double)((const int8_t *)(const void *)word)[k % terms];
  uint32_t bits = (uint32_t)((const uint16_t *)(const void *)word)[k % terms] << 16;
  float value = 0;
  memcpy(&value, &bits, sizeof value);
  return (double)value;
}

static product product_open(c2_type type, size_t rows, size_t depth, size_t panels) {
  size_t terms = type == C2_TYPE_BF16 ? 2 : 4;
  size_t words = (depth + terms - 1) / terms * panels * C2_PANEL;
  size_t columns = panels * C2_PANEL;
  size_t stride = (depth + C2_PANEL - 1) / C2_PANEL * C2_PANEL;
  product p = {.type = type, .rows = rows, .depth = depth, .panels = panels, .stride = stride};
  p.x = filled(rows * stride, 20);
  p.left = filled(rows * stride, 21);
  p.words = filled(words, 22);
  p.a_scale = filled(rows, 23);
  p.b_scale = filled(columns, 24);
  p.bias = filled(columns, 25);
  p.c = filled(rows * columns, 26);
  p.b_shift = calloc(columns, sizeof *p.b_shift);
  for (size_t i = 0; i < rows * stride; i += 7) p.x[i] *= 100;
  for (size_t j = 0; j < columns; j++) {
    for (size_t k = 0; k < (depth + terms - 1) / terms * terms; k++) {
      float *word = p.words + (j / C2_PANEL * (words / columns) + k / terms) * C2_PANEL + j % C2_PANEL;
      float value = k < depth ? to_bf16(p.x[(k * 31 + j * 17) % (rows * stride)]) : 0.0f;
      uint32_t bits = 0;
      memcpy(&bits, &value, sizeof bits);
      if (type == C2_TYPE_BF16) ((uint16_t *)(void *)word)[k % terms] = (uint16_t)(bits >> 16);
      int8_t whole = k < depth ? (int8_t)((long)((k * 31 + j * 17) % 255) - 127) : 0;
      if (type == C2_TYPE_INT8) ((int8_t *)(void *)word)[k % terms] = whole;
      if (type == C2_TYPE_INT8) p.b_shift[j] += 128 * whole;
    }
  }
  return p;
}

static void product_run(const product *p, const c2_kernels *k, int mode) {
  c2_gemm g = {.a = {p->type, p->left, p->stride, p->a_scale, NULL},
               .b = {p->type, p->words, c2_panel_words(p->type, p->depth), p->b_scale, p->b_shift},
               .depth = p->depth,
               .c = p->c,
               .c_stride = p->panels * C2_PANEL,
               .bias = mode & 1 ? p->bias : NULL,
               .relu = mode & 2,
               .accumulate = mode & 4};
  k->round(&g.a, p->x, p->stride, p->depth, p->rows);
  k->gemm(&g, p->rows, 0, p->panels);
}

static void product_close(product *p) {
  size_t columns = p->panels * C2_PANEL;
  size_t terms = p->type == C2_TYPE_BF16 ? 2 : 4;
  release(p->x, p->rows * p->stride);
  release(p->left, p->rows * p->stride);
  release(p->words, (p->depth + terms - 1) / terms * columns);
  release(p->a_scale, p->rows);
  release(p->b_scale, columns);
  release(p->bias, columns);
  release(p->c, p->rows * columns);
  free(p->b_shift);
}

/* What one element should be, and in *size how large the terms are that it is made of. */
static double product_element(const product *p, size_t i, size_t j, double *size) {
  const float *x = p->x + i * p->stride;
  double top = 0;
  double sum = 0;
  *size = 1;
  for (size_t k = 0; k < p->depth; k++) top = fmax(top, fabs((double)x[k]));
  for (size_t k = 0; k < p->depth; k++) {
    double q = top > 0 ? rint((double)(x[k] * (127.0f / (float)top))) : 0;
    double term = right_term(p, k, j) * (p->type == C2_TYPE_BF16 ? (double)to_bf16(x[k]) : q);
    sum += term;
    *size += fabs(term);
  }
  double unit = p->type == C2_TYPE_BF16 ? 1 : top / 127 * (double)p->b_scale[j];
  *size *= fabs(unit);
  return sum * unit;
}

/* True if the level adds up products of bf16 in an order, or with a rounding, of its own. */
static bool own_bf16(const c2_kernels *k) {
  return strcmp(k->name, "amx") == 0 || strcmp(k->name, "neon-bf16") == 0;
}

/* Against plain arithmetic, and bit for bit against the scalar level where both add up alike. */
static void one_product(const c2_kernels *k, c2_type type, size_t rows, size_t depth, size_t panels, int mode) {
  product p = product_open(type, rows, depth, panels);
  product plain = product_open(type, rows, depth, panels);
  float *before = filled(rows * panels * C2_PANEL, 26);
  product_run(&p, k, mode);
  product_run(&plain, &c2_kernels_scalar, mode);
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < panels * C2_PANEL; j++) {
      size_t at = i * panels * C2_PANEL + j;
      double size = 0;
      double sum = product_element(&p, i, j, &size);
      if (mode & 1) sum += (double)p.bias[j];
      if (mode & 4) sum += (double)before[at];
      if (mode & 2) sum = sum > 0 ? sum : 0;
      if (!(fabs(sum - (double)p.c[at]) <= 2e-7 * (1 + size) * (4 + sqrt((double)depth)))) {
        fail_msg("%s, type %d, %zu x %zu, mode %d: %.9g, expected %.9g", k->name, (int)type, rows, depth, mode,
                 (double)p.c[at], sum);
      }
      if (p.c[at] != plain.c[at] && !(type == C2_TYPE_BF16 && own_bf16(k))) {
        fail_msg("%s, type %d, %zu x %zu, mode %d: %.9g, scalar %.9g", k->name, (int)type, rows, depth, mode,
                 (double)p.c[at], (double)plain.c[at]);
      }
    }
  }
  product_close(&p);
  product_close(&plain);
  release(before, rows * panels * C2_PANEL);
}

/* A row of zeros, one too small to divide by, ties between two bf16 numbers. */
static void edges(const c2_kernels *k) {
  product p = product_open(C2_TYPE_INT8, 3, 33, 1);
  for (size_t i = 0; i < p.stride; i++) {
    p.x[i] = 0.0f;
    p.x[p.stride + i] = 1e-40f;
  }
  product_run(&p, k, 0);
  for (size_t j = 0; j < 2 * C2_PANEL; j++) assert_true(fabsf(p.c[j]) <= 1e-38f);
  product_close(&p);
  p = product_open(C2_TYPE_BF16, 2, 2, 1);
  p.x[0] = 1.00390625f; /* half way from 1 to its neighbour: 1 */
  p.x[1] = 0;
  p.x[p.stride] = 1.01171875f; /* half way between the next two: the upper one */
  p.x[p.stride + 1] = 0;
  product_run(&p, k, 0);
  for (size_t j = 0; j < C2_PANEL; j++) {
    assert_true((double)p.c[j] == right_term(&p, 0, j));
    assert_true(fabs((double)p.c[C2_PANEL + j] - 1.015625 * right_term(&p, 0, j)) <= 1e-6 * fabs((double)p.c[j]));
  }
  product_close(&p);
}

/* A row's result must not depend on the rows beside it. */
static void same_narrow_bits(const c2_kernels *k, c2_type type) {
  enum { ROWS = 31, DEPTH = 77 };
  product all = product_open(type, ROWS, DEPTH, 1);
  product_run(&all, k, 0);
  for (size_t i = 0; i < ROWS; i++) {
    product one = all;
    one.rows = 1;
    one.x = all.x + i * all.stride;
    one.left = filled(all.stride, 1);
    one.c = filled(C2_PANEL, 1);
    one.a_scale = filled(1, 1);
    product_run(&one, k, 0);
    assert_memory_equal(one.c, all.c + i * C2_PANEL, C2_PANEL * sizeof *one.c);
    release(one.left, all.stride);
    release(one.c, C2_PANEL);
    release(one.a_scale, 1);
  }
  product_close(&all);
}

/* ---- float32 ---------------------------------------------------------------------------------- */

static void same_bits(const c2_kernels *k) {
  enum { ROWS = 31, DEPTH = 77 };
  float *a = filled(ROWS * DEPTH, 5);
  float *b = filled(DEPTH * C2_PANEL, 6);
  float *all = filled(ROWS * C2_PANEL, 7);
  float *one = filled(C2_PANEL, 8);
  c2_gemm g = {.a = {.data = a, .stride = DEPTH},
               .b = {.data = b, .stride = DEPTH * C2_PANEL},
               .depth = DEPTH,
               .c = all,
               .c_stride = C2_PANEL};
  k->gemm(&g, ROWS, 0, 1);
  for (size_t i = 0; i < ROWS; i++) {
    g.a.data = a + i * DEPTH;
    g.c = one;
    k->gemm(&g, 1, 0, 1);
    assert_memory_equal(one, all + i * C2_PANEL, C2_PANEL * sizeof *one);
  }
  release(a, ROWS * DEPTH);
  release(b, DEPTH * C2_PANEL);
  release(all, ROWS * C2_PANEL);
  release(one, C2_PANEL);
}

static void one_softmax(const c2_kernels *k, size_t columns, uint32_t first, uint32_t last, float spread) {
  float *scores = filled(columns, 9);
  float *before = filled(columns, 9);
  for (size_t i = 0; i < columns; i++) scores[i] = before[i] = before[i] * spread;
  float maximum = -INFINITY;
  float sum = 0;
  float correction = 0;
  c2_softmax s = {.scores = scores,
                  .stride = columns,
                  .rows = 1,
                  .columns = columns,
                  .first = &first,
                  .last = &last,
                  .maximum = &maximum,
                  .sum = &sum,
                  .correction = &correction};
  k->softmax(&s);
  double top = -INFINITY;
  for (size_t i = first; i < last; i++) top = fmax(top, (double)before[i]);
  double total = 0;
  for (size_t i = 0; i < columns; i++) {
    double expected = i >= first && i < last ? exp((double)(before[i] - (float)top)) : 0;
    total += expected;
    assert_true(fabs(expected - (double)scores[i]) <= 1e-30 + 3e-7 * expected + (expected < 1.3e-38 ? 1.3e-38 : 0));
  }
  assert_true(fabs(total - (double)sum) <= 1e-6 * total);
  if (last > first) assert_true((double)maximum == top);
  release(scores, columns);
  release(before, columns);
}

/* Weights in bf16: the level's own, rounded once, and their sum. */
static void narrow_softmax(const c2_kernels *k, size_t columns, uint32_t first, uint32_t last) {
  float *wide = filled(columns, 9);
  float *scores = filled(columns, 9);
  uint16_t *halves = calloc(columns, sizeof *halves);
  float maximum[2] = {-INFINITY, -INFINITY};
  float sum[2] = {0, 0};
  float correction = 0;
  for (size_t i = 0; i < columns; i++) scores[i] = wide[i] = wide[i] * 5;
  c2_softmax s = {.scores = wide, .stride = columns, .rows = 1, .columns = columns, .first = &first, .last = &last,
                  .maximum = maximum, .sum = sum, .correction = &correction};
  k->softmax(&s);
  s.scores = scores;
  s.maximum = maximum + 1;
  s.sum = sum + 1;
  s.bf16 = halves;
  k->softmax(&s);
  double total = 0;
  for (size_t i = 0; i < columns; i++) {
    uint32_t bits = (uint32_t)halves[i] << 16;
    float half = 0;
    memcpy(&half, &bits, sizeof half);
    assert_true(half == to_bf16(wide[i]) && scores[i] == half);
    total += (double)half;
  }
  assert_true(maximum[0] == maximum[1] && fabs(total - (double)sum[1]) <= 1e-6 * total);
  release(wide, columns);
  release(scores, columns);
  free(halves);
}

/* Attention's products in int16: exact sums, of rows whose length leaves no room for more; a row of zeros; a row on its
 * own gives the same bits. */
static void int16_scores(const c2_kernels *k, size_t rows, size_t depth) {
  enum { COLUMNS = 2 * C2_PANEL };
  size_t stride = (depth + C2_PANEL - 1) / C2_PANEL * C2_PANEL;
  float *x = filled((rows + COLUMNS) * stride, 30);
  float *c = filled((rows + 1) * COLUMNS, 31);
  int16_t *left = calloc((rows + COLUMNS) * stride, sizeof *left);
  float *scale = calloc(rows + COLUMNS, sizeof *scale);
  uint32_t *panels = calloc(COLUMNS * (depth + 1), sizeof *panels);
  for (size_t i = 0; i < depth; i++) { /* one large term, and the same row for a column; nothing */
    x[i] = x[rows * stride + i] = i == 1 ? -1e4f : 0.01f;
    x[(rows + 1) * stride + i] = 0.0f;
  }
  c2_operand both = {.type = C2_TYPE_INT16, .data = left, .stride = stride, .scale = scale};
  c2_operand words = {.type = C2_TYPE_INT16, .data = panels, .stride = c2_panel_words(C2_TYPE_INT16, depth),
                      .scale = scale + rows};
  k->round(&both, x, stride, depth, rows + COLUMNS);
  for (size_t j = 0; j < COLUMNS; j++) {
    for (size_t d = 0; d < depth; d++) {
      uint32_t term = (uint16_t)left[(rows + j) * stride + d];
      panels[j / C2_PANEL * words.stride + d / 2 * C2_PANEL + j % C2_PANEL] |= term << (d % 2 * 16);
    }
  }
  c2_gemm g = {.a = both, .b = words, .depth = depth, .c = c, .c_stride = COLUMNS};
  k->gemm(&g, rows, 0, 2);
  for (size_t i = 0; i < rows; i++) {
    for (size_t j = 0; j < COLUMNS; j++) {
      double sum = 0;
      double exact = 0;
      for (size_t d = 0; d < depth; d++) {
        sum += (double)left[i * stride + d] * (double)left[(rows + j) * stride + d];
        exact += (double)x[i * stride + d] * (double)x[(rows + j) * stride + d];
      }
      double unit = (double)scale[i] * (double)scale[rows + j];
      double lengths = unit * (double)C2_INT16_LENGTH * (double)C2_INT16_LENGTH;
      assert_true(fabs(sum) < 2147483648.0);
      assert_true(fabs(sum * unit - (double)c[i * COLUMNS + j]) <= 3e-7 * fabs(sum * unit));
      assert_true(fabs(exact - (double)c[i * COLUMNS + j]) <= 1e-4 * lengths);
    }
    g.a.data = left + i * stride;
    g.a.scale = scale + i;
    g.c = c + rows * COLUMNS;
    k->gemm(&g, 1, 0, 2);
    assert_memory_equal(g.c, c + i * COLUMNS, COLUMNS * sizeof *c);
  }
  release(x, (rows + COLUMNS) * stride);
  release(c, (rows + 1) * COLUMNS);
  free(left);
  free(scale);
  free(panels);
}

static void narrow_attention(const c2_kernels *k) {
  static const size_t rows[] = {1, 13, 14, 15, 32};
  static const size_t depths[] = {2, 31, 32, 33, 40, 64, 257};
  for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
    for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++) int16_scores(k, rows[r], depths[d]);
  }
  for (uint32_t columns = 32; columns <= 96; columns += 32) narrow_softmax(k, columns, 3, columns - 5);
}

static void one_norm(const c2_kernels *k, size_t n, float size) {
  float *x = filled(n, 10);
  float *w = filled(n, 11);
  float *out = filled(n, 12);
  for (size_t i = 0; i < n; i++) x[i] *= size;
  k->rms_norm(out, n, x, n, w, n, 1, 1e-6f);
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
  double scale = 1 / sqrt(sum / (double)n + 1e-6);
  for (size_t i = 0; i < n; i++) {
    double expected = (double)w[i] * (double)x[i] * scale;
    assert_true(fabs(expected - (double)out[i]) <= 1e-6 * fabs(expected) + 1e-12);
  }
  release(x, n);
  release(w, n);
  release(out, n);
}

/* The left operand of AMX, as its level's round_bf16 and round_int8 write it. */
static void plain_round(const c2_operand *to, const float *x, size_t x_stride, size_t n, size_t rows) {
  for (size_t i = 0; i < rows; i++) {
    float top = 0;
    for (size_t j = 0; j < n; j++) top = fmaxf(top, fabsf(x[i * x_stride + j]));
    float inverse = top > C2_QUANTIZE_LEAST ? 127.0f / top : 0.0f;
    if (to->type == C2_TYPE_INT8) to->scale[i] = top / 127.0f;
    for (size_t j = 0; j < (n + 3) / 4 * 4; j++) {
      float value = j < n ? x[i * x_stride + j] : 0.0f;
      if (to->type == C2_TYPE_INT8) {
        ((uint8_t *)to->data)[i * to->stride + j] = (uint8_t)(rintf(value * inverse) + AMX_INT8_ZERO);
      } else {
        uint32_t bits = 0;
        value = to_bf16(value);
        memcpy(&bits, &value, sizeof bits);
        ((uint16_t *)to->data)[i * to->stride + j] = (uint16_t)(bits >> 16);
      }
    }
  }
}

/* One level's products by tiles. */
static void tile_products(const c2_kernels *k) {
  static const size_t rows[] = {1, 15, 16, 17, 31, 32, 33, 48, 112};
  static const size_t depths[] = {1, 2, 3, 31, 32, 33, 63, 64, 65, 257};
  for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
    for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++) {
      one_product(k, C2_TYPE_BF16, rows[r], depths[d], 1 + r % 2, (int)(r + d) % 8);
      one_product(k, C2_TYPE_INT8, rows[r], depths[d], 1 + r % 2, (int)(r + d) % 8);
    }
  }
  same_narrow_bits(k, C2_TYPE_BF16);
  same_narrow_bits(k, C2_TYPE_INT8);
}

static void test_amx(void **state) {
  (void)state;
  c2_kernels emulated = c2_kernels_scalar;
  emulated.name = "amx";
  emulated.round = plain_round;
  emulated.gemm = amx_gemm;
  tile_products(&emulated);
  assert_int_equal(amx_state.palette, 0); /* released */
  const c2_kernels *real = c2_kernels_find("amx", C2_TYPE_BF16);
  if (real) {
    tile_products(real);
  } else {
    print_message("NOT RUN: AMX itself, which this machine lacks\n");
  }
}

static void test_levels(void **state) {
  (void)state;
  static const size_t rows[] = {1, 2, 5, 6, 7, 8, 13, 14, 15, 27, 28, 29};
  static const size_t depths[] = {0, 1, 3, 31, 64, 256, 600};
  for (const c2_level *l = c2_levels; l->kernels; l++) {
    const c2_kernels *k = l->kernels;
    if (!c2_level_runs(l)) {
      print_message("NOT RUN: a level %s, which this machine lacks\n", k->name);
      continue;
    }
    for (size_t t = 0; t < C2_TYPES; t++) assert_in_range(k->tile[t], 1, C2_MAX_TILE);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
      for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++)
        one_gemm(k, rows[r], depths[d], 1 + r % 2, (int)(r + d) % 8);
      for (size_t d = 1; d < sizeof depths / sizeof depths[0]; d++) {
        one_product(k, C2_TYPE_BF16, rows[r], depths[d], 1 + r % 2, (int)(r + d) % 8);
        one_product(k, C2_TYPE_INT8, rows[r], depths[d], 1 + r % 2, (int)(r + d) % 8);
      }
    }
    same_bits(k);
    same_narrow_bits(k, C2_TYPE_BF16);
    same_narrow_bits(k, C2_TYPE_INT8);
    edges(k);
    if (k->narrow_attention) narrow_attention(k);
    for (uint32_t columns = 32; columns <= 96; columns += 32) {
      one_softmax(k, columns, 0, columns, 5);
      one_softmax(k, columns, 3, columns - 5, 200);
      one_softmax(k, columns, columns - 1, columns, 1e6f);
      one_softmax(k, columns, 7, 7, 1);
    }
    for (size_t n = 1; n < 70; n += 3) {
      one_norm(k, n, 1);
      one_norm(k, n, 1e6f);
    }
  }
}

static bool present(void) {
  return true;
}

static bool absent(void) {
  return false;
}

static bool for_bf16(c2_type type) {
  return type == C2_TYPE_BF16;
}

static bool not_for_bf16(c2_type type) {
  return type != C2_TYPE_BF16;
}

/* The highest level that is taken for the type; one that isn't only where its name leaves no other. */
static void test_choice(void **state) {
  (void)state;
  static const c2_kernels low = {.name = "low"};
  static const c2_kernels high = {.name = "high"};
  static const c2_kernels higher = {.name = "high"};
  static const c2_kernels tiles = {.name = "tiles"};
  static const c2_kernels lacking = {.name = "lacking"};
  static const c2_level levels[] = {{&low, present, NULL, {0}},         {&high, present, NULL, {0}},
                                    {&higher, present, not_for_bf16, {0}}, {&tiles, present, for_bf16, {0}},
                                    {&lacking, absent, NULL, {0}},      {NULL, NULL, NULL, {0}}};
  assert_ptr_equal(c2_level_choose(levels, NULL, C2_TYPE_FP32)->kernels, &higher);
  assert_ptr_equal(c2_level_choose(levels, NULL, C2_TYPE_BF16)->kernels, &tiles);
  assert_ptr_equal(c2_level_choose(levels, NULL, C2_TYPE_INT8)->kernels, &higher);
  assert_ptr_equal(c2_level_choose(levels, "high", C2_TYPE_FP32)->kernels, &higher);
  assert_ptr_equal(c2_level_choose(levels, "high", C2_TYPE_BF16)->kernels, &high);
  assert_ptr_equal(c2_level_choose(levels, "tiles", C2_TYPE_FP32)->kernels, &tiles);
  assert_ptr_equal(c2_level_choose(levels, "low", C2_TYPE_BF16)->kernels, &low);
  assert_null(c2_level_choose(levels, "lacking", C2_TYPE_FP32));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice), cmocka_unit_test(test_levels),
                                     cmocka_unit_test(test_amx)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
