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

enum { GUARD = 64 };
static const float MARK = 12345.5f;

static float noise(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return (float)((double)(*state >> 8) / (1 << 23) - 1);
}

static float *filled(size_t n, uint32_t seed) {
  float *values = malloc((n + 2 * GUARD) * sizeof *values);
  for (size_t i = 0; i < n + 2 * GUARD; i++) values[i] = i < GUARD || i >= n + GUARD ? MARK : noise(&seed);
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
  c2_gemm g = {.a = a,
               .a_stride = depth,
               .b = b,
               .b_stride = depth * C2_PANEL,
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

/* A row's result must not depend on the rows beside it. */
static void same_bits(const c2_kernels *k) {
  enum { ROWS = 31, DEPTH = 77 };
  float *a = filled(ROWS * DEPTH, 5);
  float *b = filled(DEPTH * C2_PANEL, 6);
  float *all = filled(ROWS * C2_PANEL, 7);
  float *one = filled(C2_PANEL, 8);
  c2_gemm g = {
      .a = a, .a_stride = DEPTH, .b = b, .b_stride = DEPTH * C2_PANEL, .depth = DEPTH, .c = all, .c_stride = C2_PANEL};
  k->gemm(&g, ROWS, 0, 1);
  for (size_t i = 0; i < ROWS; i++) {
    g.a = a + i * DEPTH;
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

static void test_levels(void **state) {
  (void)state;
  static const size_t rows[] = {1, 2, 5, 6, 7, 8, 13, 14, 15, 27, 28, 29};
  static const size_t depths[] = {0, 1, 3, 31, 64, 256, 600};
  for (int isa = C2_ISA_SCALAR; isa <= C2_ISA_AVX512; isa++) {
    if (isa > (int)c2_isa_detect()) {
      print_message("NOT RUN: level %d, which this machine lacks\n", isa);
      continue;
    }
    const c2_kernels *k = c2_kernels_of((c2_isa)isa);
    assert_true(k->tile <= C2_MAX_TILE);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
      for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++)
        one_gemm(k, rows[r], depths[d], 1 + r % 2, (int)(r + d) % 8);
    }
    same_bits(k);
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
