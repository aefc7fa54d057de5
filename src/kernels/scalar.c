/* Plain C: the definition of correct for the other levels, and what runs on a machine without them. */
#include <math.h>

#include "kernels/kernels.h"

static void gemm_row(const c2_gemm *g, size_t i, size_t p) {
  const float *a = g->a + i * g->a_stride;
  const float *panel = g->b + p * g->b_stride;
  float *c = g->c + i * g->c_stride + p * C2_PANEL;
  float sum[C2_PANEL] = {0};
  for (size_t k = 0; k < g->depth;) {
    float acc[C2_PANEL] = {0};
    size_t end = g->depth - k > C2_DEPTH_BLOCK ? k + C2_DEPTH_BLOCK : g->depth;
    for (; k < end; k++) {
      for (size_t j = 0; j < C2_PANEL; j++) acc[j] += a[k] * panel[k * C2_PANEL + j];
    }
    for (size_t j = 0; j < C2_PANEL; j++) sum[j] += acc[j];
  }
  for (size_t j = 0; j < C2_PANEL; j++) {
    float value = sum[j] + (g->bias ? g->bias[p * C2_PANEL + j] : 0.0f);
    if (g->accumulate) value += c[j];
    c[j] = g->relu && value < 0.0f ? 0.0f : value;
  }
}

static void gemm(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  for (size_t p = first_panel; p < last_panel; p++) {
    for (size_t i = 0; i < rows; i++) gemm_row(g, i, p);
  }
}

static void softmax(const c2_softmax *s) {
  for (size_t i = 0; i < s->rows; i++) {
    float *row = s->scores + i * s->stride;
    float top = s->maximum[i];
    for (size_t j = s->first[i]; j < s->last[i]; j++) top = row[j] > top ? row[j] : top;
    s->correction[i] = top == s->maximum[i] ? 1.0f : expf(s->maximum[i] - top);
    s->maximum[i] = top;
    float sum = 0.0f;
    for (size_t j = 0; j < s->columns; j++) {
      row[j] = j >= s->first[i] && j < s->last[i] ? expf(row[j] - top) : 0.0f;
      sum += row[j];
    }
    s->sum[i] = s->sum[i] * s->correction[i] + sum;
  }
}

static void rms_norm(float *out, size_t out_stride, const float *x, size_t x_stride, const float *weight, size_t n,
                     size_t rows, float epsilon) {
  for (size_t i = 0; i < rows; i++, out += out_stride, x += x_stride) {
    float sum = 0.0f;
    for (size_t j = 0; j < n; j++) sum += x[j] * x[j];
    float scale = 1.0f / sqrtf(sum / (float)n + epsilon);
    for (size_t j = 0; j < n; j++) out[j] = weight[j] * (x[j] * scale);
  }
}

const c2_kernels c2_kernels_scalar = {
    .name = "scalar", .tile = 8, .gemm = gemm, .softmax = softmax, .rms_norm = rms_norm};
