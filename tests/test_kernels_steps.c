/* Kernels as attention and the encoder call them: the online softmax over several blocks of keys, strides wider than
 * the rows, panels from the middle of a matrix, gaps between output rows, and numbers at the ends of the range. Each
 * level against arithmetic in double, and where it is exact against the scalar level. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/kernels.h"
#include "random.h"

static float *filled(size_t n, uint32_t seed) {
  float *values = malloc((n + 1) * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < n; i++) values[i] = random_signed(&seed);
  return values;
}

static void near(double found, double expected, double error, const char *what, const char *level) {
  if (!(fabs(found - expected) <= error)) fail_msg("%s, %s: %.9g, expected %.9g", level, what, found, expected);
}

/* ---- Softmax ------------------------------------------------------------------------------------- */

enum { ROWS = 7, BLOCK = 64, STRIDE = 96, BLOCKS = 3, KEYS = BLOCK * BLOCKS };

/* Keys that row i may see: all, none in the first block, a few around a border, the last, none at all. */
static void range_of(size_t i, size_t *low, size_t *high) {
  static const size_t ranges[ROWS][2] = {{0, KEYS},        {BLOCK + 3, KEYS}, {BLOCK - 2, BLOCK + 2}, {KEYS - 1, KEYS},
                                         {0, BLOCK},       {5, 2 * BLOCK},    {9, 9}};
  *low = ranges[i][0];
  *high = ranges[i][1];
}

typedef struct walk {
  float scores[ROWS * STRIDE];
  float maximum[ROWS], sum[ROWS], correction[ROWS];
  double weight[ROWS][KEYS]; /* corrected as outputs are */
} walk;

static void one_block(const c2_kernels *k, walk *w, const float *scores, size_t block) {
  uint32_t first[ROWS];
  uint32_t last[ROWS];
  for (size_t i = 0; i < ROWS; i++) {
    size_t low = 0;
    size_t high = 0;
    size_t begin = block * BLOCK;
    range_of(i, &low, &high);
    low = low < begin ? begin : low > begin + BLOCK ? begin + BLOCK : low;
    high = high > begin + BLOCK ? begin + BLOCK : high < low ? low : high;
    first[i] = (uint32_t)(low - begin);
    last[i] = (uint32_t)(high - begin);
    for (size_t j = 0; j < STRIDE; j++) w->scores[i * STRIDE + j] = j < BLOCK ? scores[i * KEYS + begin + j] : 777;
  }
  c2_softmax s = {.scores = w->scores,
                  .stride = STRIDE,
                  .rows = ROWS,
                  .columns = BLOCK,
                  .first = first,
                  .last = last,
                  .maximum = w->maximum,
                  .sum = w->sum,
                  .correction = w->correction};
  k->softmax(&s);
  for (size_t i = 0; i < ROWS; i++) {
    for (size_t j = 0; j < block * BLOCK; j++) w->weight[i][j] *= (double)w->correction[i];
    for (size_t j = 0; j < BLOCK; j++) w->weight[i][block * BLOCK + j] = (double)w->scores[i * STRIDE + j];
    for (size_t j = BLOCK; j < STRIDE; j++) assert_true(w->scores[i * STRIDE + j] == 777);
  }
}

/* After the last block the weights are those of a softmax over all keys, whatever grew or shrank on the way. */
static void online(const c2_kernels *k, const float *scores) {
  walk *w = calloc(1, sizeof *w);
  assert_non_null(w);
  for (size_t i = 0; i < ROWS; i++) w->maximum[i] = -INFINITY;
  for (size_t block = 0; block < BLOCKS; block++) one_block(k, w, scores, block);
  for (size_t i = 0; i < ROWS; i++) {
    size_t low = 0;
    size_t high = 0;
    double top = -INFINITY;
    double total = 0;
    range_of(i, &low, &high);
    for (size_t j = low; j < high; j++) top = fmax(top, (double)scores[i * KEYS + j]);
    for (size_t j = low; j < high; j++) total += exp((double)scores[i * KEYS + j] - top);
    for (size_t j = 0; j < KEYS; j++) {
      bool seen = j >= low && j < high;
      double expected = seen ? exp((double)scores[i * KEYS + j] - top) / total : 0;
      double found = high > low ? w->weight[i][j] / (double)w->sum[i] : w->weight[i][j];
      near(found, expected, 2e-6 * expected + 1e-37, "weight", k->name);
    }
    if (high > low) {
      assert_true((double)w->maximum[i] == top);
      near((double)w->sum[i], total, 2e-6 * total, "sum", k->name);
    } else {
      assert_true(w->sum[i] == 0);
    }
  }
  free(w);
}

static void softmax_cases(const c2_kernels *k) {
  for (int kind = 0; kind < 4; kind++) {
    float *scores = filled(ROWS * KEYS, 31 + (uint32_t)kind);
    for (size_t i = 0; i < ROWS * KEYS; i++) {
      float block = (float)(i % KEYS / BLOCK);
      if (kind == 1) scores[i] += 10 * block;    /* the maximum rises with each block */
      if (kind == 2) scores[i] -= 10 * block;    /* it is in the first one: no correction */
      if (kind == 3) scores[i] *= 200;           /* most weights vanish */
    }
    online(k, scores);
    free(scores);
  }
}

/* ---- Products ------------------------------------------------------------------------------------- */

static float to_bf16(float x) {
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* x [depth] as an operand of that type holds it, in units of the result. */
static double *held(c2_type type, const float *x, size_t depth, double *unit) {
  double *values = malloc((depth + 1) * sizeof *values);
  float top = 0;
  assert_non_null(values);
  for (size_t d = 0; d < depth; d++) top = fmaxf(top, fabsf(x[d]));
  for (size_t d = 0; d < depth; d++) {
    float value = type == C2_TYPE_INT8 ? rintf(x[d] * (127.0f / top)) : type == C2_TYPE_BF16 ? to_bf16(x[d]) : x[d];
    values[d] = (double)value;
  }
  *unit = type == C2_TYPE_INT8 ? (double)(top / 127.0f) : 1;
  return values;
}

enum { PANELS = 4, FIRST = 1, LAST = 3, C_GAP = 5, SPARE = 3 * C2_PANEL };

typedef struct strided {
  size_t rows, depth;
  c2_operand a, b;
  float *x; /* [rows][depth + 9] */
  float *w; /* [PANELS * C2_PANEL][depth], B's columns */
  float *bias, *c, *before;
} strided;

/* Words of B and elements of A that belong to nobody are NaN, in every type that has one. */
static strided strided_open(const c2_kernels *k, c2_type type, size_t rows, size_t depth) {
  size_t columns = PANELS * C2_PANEL;
  size_t words = c2_panel_words(type, depth);
  size_t left = (depth + C2_PANEL - 1) / C2_PANEL * C2_PANEL + 9;
  strided s = {.rows = rows, .depth = depth};
  s.x = filled(rows * (depth + 9), 41);
  s.w = filled(columns * depth, 42);
  s.bias = filled(columns, 43);
  s.c = filled(rows * (columns + C_GAP), 44);
  s.before = filled(rows * (columns + C_GAP), 44);
  s.a = (c2_operand){type, malloc(rows * left * sizeof(float)), left, filled(rows, 45), NULL};
  s.b = (c2_operand){type, malloc(PANELS * (words + SPARE) * sizeof(float)), words + SPARE, filled(columns, 46),
                     calloc(columns, sizeof(int32_t))};
  assert_true(s.a.data && s.b.data && s.b.shift);
  memset(s.a.data, 0xff, rows * left * sizeof(float));
  for (size_t p = 0; p < PANELS; p++) {
    memset((float *)s.b.data + p * s.b.stride, 0, words * sizeof(float));
    memset((float *)s.b.data + p * s.b.stride + words, 0xff, SPARE * sizeof(float));
  }
  for (size_t j = 0; j < columns; j++) c2_put_column(&s.b, j, s.w + j * depth, depth);
  if (type == C2_TYPE_FP32) {
    for (size_t i = 0; i < rows; i++) {
      memcpy((float *)s.a.data + i * left, s.x + i * (depth + 9), depth * sizeof *s.x);
    }
  } else {
    k->round(&s.a, s.x, depth + 9, depth, rows);
  }
  return s;
}

static void strided_close(strided *s) {
  free(s->a.data);
  free(s->a.scale);
  free(s->b.data);
  free(s->b.scale);
  free(s->b.shift);
  free(s->x);
  free(s->w);
  free(s->bias);
  free(s->c);
  free(s->before);
}

/* Rows of A wider than its depth, panels of B further apart than they are long, output rows with gaps, panels from the
 * middle. */
static void strided_product(const c2_kernels *k, c2_type type, size_t rows, size_t depth) {
  strided s = strided_open(k, type, rows, depth);
  size_t c_stride = PANELS * C2_PANEL + C_GAP;
  c2_gemm g = {.a = s.a,
               .b = s.b,
               .depth = depth,
               .c = s.c,
               .c_stride = c_stride,
               .bias = s.bias,
               .accumulate = rows % 2 == 0};
  k->gemm(&g, rows, FIRST, LAST);
  for (size_t i = 0; i < rows; i++) {
    double a_unit = 0;
    double *a = held(type, s.x + i * (depth + 9), depth, &a_unit);
    for (size_t j = 0; j < c_stride; j++) {
      double found = (double)s.c[i * c_stride + j];
      double sum = (double)s.before[i * c_stride + j];
      if (j < FIRST * C2_PANEL || j >= LAST * C2_PANEL) {
        assert_true(found == sum); /* not touched */
        continue;
      }
      double b_unit = 0;
      double *b = held(type, s.w + j * depth, depth, &b_unit);
      double size = 1;
      sum = (double)s.bias[j] + (g.accumulate ? sum : 0);
      for (size_t d = 0; d < depth; d++) {
        double term = a[d] * b[d] * a_unit * b_unit;
        sum += term;
        size += fabs(term);
      }
      near(found, sum, 2e-7 * size * (4 + sqrt((double)depth)), "strided product", k->name);
      free(b);
    }
    free(a);
  }
  strided_close(&s);
}

/* One element of A is odd: its row of C is what IEEE arithmetic says, the other rows are as without it. */
static void odd_number(const c2_kernels *k, float odd) {
  enum { M = 9, DEPTH = 70, AT = 4, WHERE = 33 };
  float *a = filled(M * DEPTH, 51);
  float *b = filled(DEPTH * C2_PANEL, 52);
  float c[M * C2_PANEL];
  float clean[M * C2_PANEL];
  c2_gemm g = {.a = {.data = a, .stride = DEPTH},
               .b = {.data = b, .stride = DEPTH * C2_PANEL},
               .depth = DEPTH,
               .c = clean,
               .c_stride = C2_PANEL};
  b[WHERE * C2_PANEL + 7] = 0; /* infinity times zero */
  k->gemm(&g, M, 0, 1);
  a[AT * DEPTH + WHERE] = odd;
  g.c = c;
  k->gemm(&g, M, 0, 1);
  for (size_t i = 0; i < M; i++) {
    if (i != AT) {
      assert_memory_equal(c + i * C2_PANEL, clean + i * C2_PANEL, C2_PANEL * sizeof *c);
      continue;
    }
    for (size_t j = 0; j < C2_PANEL; j++) {
      double sum = 0;
      float found = c[i * C2_PANEL + j];
      for (size_t d = 0; d < DEPTH; d++) sum += (double)a[i * DEPTH + d] * (double)b[d * C2_PANEL + j];
      if (isnan(sum)) {
        assert_true(isnan(found));
      } else if (isinf(sum)) {
        assert_true((double)found == sum);
      } else {
        near((double)found, sum, 2e-5 * (1 + fabs(sum)), "product with an odd number", k->name);
      }
    }
  }
  free(a);
  free(b);
}

/* ---- Norms --------------------------------------------------------------------------------------- */

static void strided_norm(const c2_kernels *k, size_t n, float size) {
  enum { M = 3, GAP = 6 };
  float *x = filled(M * (n + GAP), 61);
  float *weight = filled(n, 62);
  float *out = filled(M * (n + 2 * GAP), 63);
  float *before = filled(M * (n + 2 * GAP), 63);
  for (size_t i = 0; i < M * (n + GAP); i++) x[i] *= size;
  k->rms_norm(out, n + 2 * GAP, x, n + GAP, weight, n, M, 1e-6f);
  for (size_t i = 0; i < M; i++) {
    double squares = 0;
    for (size_t j = 0; j < n; j++) squares += (double)x[i * (n + GAP) + j] * (double)x[i * (n + GAP) + j];
    double scale = 1 / sqrt(squares / (double)n + 1e-6);
    for (size_t j = 0; j < n + 2 * GAP; j++) {
      double found = (double)out[i * (n + 2 * GAP) + j];
      double expected = j < n ? (double)weight[j] * (double)x[i * (n + GAP) + j] * scale
                              : (double)before[i * (n + 2 * GAP) + j];
      near(found, expected, j < n ? 1e-6 * fabs(expected) + 1e-12 : 0, "norm", k->name);
    }
  }
  free(x);
  free(weight);
  free(out);
  free(before);
}

/* Neither what is not a number nor a sum of squares that float32 can't hold leaves a finite row. */
static void norm_of_bad(const c2_kernels *k, float bad) {
  enum { N = 37 };
  float *x = filled(2 * N, 71);
  float *weight = filled(N, 72);
  float out[2 * N];
  float clean[2 * N];
  k->rms_norm(clean, N, x, N, weight, N, 2, 1e-6f);
  x[5] = bad;
  k->rms_norm(out, N, x, N, weight, N, 2, 1e-6f);
  for (size_t j = 0; j < N; j++) assert_true(isnan(out[j]));
  assert_memory_equal(out + N, clean + N, N * sizeof *out);
  free(x);
  free(weight);
}

/* Wherever not a number is, the scale of its row isn't one either, and the next row's is as without it. */
static void rounding_of_nan(const c2_kernels *k) {
  enum { N = 70 };
  float *x = filled(2 * N, 73);
  float scale[2];
  float clean[2];
  c2_operand to = {C2_TYPE_INT8, malloc(2 * STRIDE * sizeof(float)), STRIDE, clean, NULL};
  assert_non_null(to.data);
  k->round(&to, x, N, N, 2);
  to.scale = scale;
  for (size_t at = 0; at < N; at++) {
    float before = x[at];
    x[at] = at % 2 ? NAN : -NAN;
    k->round(&to, x, N, N, 2);
    if (!isnan(scale[0])) fail_msg("%s: NaN at %zu leaves a scale of %g", k->name, at, (double)scale[0]);
    assert_memory_equal(&scale[1], &clean[1], sizeof *scale);
    x[at] = before;
  }
  free(to.data);
  free(x);
}

static void test_levels(void **state) {
  static const size_t depths[] = {1, 33, 64, 300};
  static const float odd[] = {NAN, INFINITY, -INFINITY, 1e-40f, 3e38f, -0.0f};
  (void)state;
  for (const c2_level *l = c2_levels; l->kernels; l++) {
    const c2_kernels *k = l->kernels;
    if (!c2_level_runs(l)) {
      print_message("NOT RUN: a level %s, which this machine lacks\n", k->name);
      continue;
    }
    softmax_cases(k);
    for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++) {
      for (size_t rows = 1; rows <= 29; rows += 4) {
        for (c2_type type = C2_TYPE_FP32; type < C2_TYPES; type++) {
          strided_product(k, type, rows, depths[d]);
          strided_product(k, type, rows + 1, depths[d]);
        }
      }
    }
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) odd_number(k, odd[i]);
    for (size_t n = 1; n < 100; n += 7) {
      strided_norm(k, n, 1);
      strided_norm(k, n, 1e-20f); /* squares that are subnormal or zero */
    }
    norm_of_bad(k, NAN);
    norm_of_bad(k, 3e19f);
    rounding_of_nan(k);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
