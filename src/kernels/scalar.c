/* Plain C: the definition of correct for the other levels, and what runs on a machine without them. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

static void gemm_fp32_row(const c2_gemm *g, size_t i, size_t p) {
  const float *a = (const float *)g->a.data + i * g->a.stride;
  const float *panel = (const float *)g->b.data + p * g->b.stride;
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

static float bf16_to_float(uint16_t half) {
  uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* In the order of the other levels: the odd term before the even one, block by block; A is float32. */
static void gemm_bf16_row(const c2_gemm *g, size_t i, size_t p) {
  const float *a = (const float *)g->a.data + i * g->a.stride;
  const uint16_t *panel = (const uint16_t *)g->b.data + 2 * p * g->b.stride;
  float *c = g->c + i * g->c_stride + p * C2_PANEL;
  size_t k = 0;
  do {
    float acc[C2_PANEL] = {0};
    size_t end = g->depth - k > C2_DEPTH_BLOCK ? k + C2_DEPTH_BLOCK : g->depth;
    bool fresh = k == 0 && !g->accumulate;
    bool last = end == g->depth;
    for (; k < end; k += 2) {
      const uint16_t *pair = panel + k * C2_PANEL;
      for (size_t j = 0; j < C2_PANEL; j++) acc[j] += a[k + 1] * bf16_to_float(pair[2 * j + 1]);
      for (size_t j = 0; j < C2_PANEL; j++) acc[j] += a[k] * bf16_to_float(pair[2 * j]);
    }
    for (size_t j = 0; j < C2_PANEL; j++) {
      float value = last && g->bias ? acc[j] + g->bias[p * C2_PANEL + j] : acc[j];
      if (!fresh) value = c[j] + value;
      c[j] = last && g->relu && value < 0.0f ? 0.0f : value;
    }
  } while (k < g->depth);
}

static void gemm_int8_row(const c2_gemm *g, size_t i, size_t p) {
  const int16_t *a = (const int16_t *)g->a.data + i * g->a.stride;
  const int8_t *panel = (const int8_t *)g->b.data + 4 * p * g->b.stride;
  float *c = g->c + i * g->c_stride + p * C2_PANEL;
  int32_t sum[C2_PANEL] = {0};
  for (size_t k = 0; k < g->depth; k += 4) {
    for (size_t j = 0; j < C2_PANEL; j++) {
      const int8_t *b = panel + k * C2_PANEL + 4 * j;
      sum[j] += a[k] * b[0] + a[k + 1] * b[1] + a[k + 2] * b[2] + a[k + 3] * b[3];
    }
  }
  for (size_t j = 0; j < C2_PANEL; j++) {
    size_t column = p * C2_PANEL + j;
    float value = fmaf((float)sum[j] * g->b.scale[column], g->a.scale[i], g->bias ? g->bias[column] : 0.0f);
    if (g->accumulate) value += c[j];
    c[j] = g->relu && value < 0.0f ? 0.0f : value;
  }
}

static void gemm(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  for (size_t p = first_panel; p < last_panel; p++) {
    for (size_t i = 0; i < rows; i++) {
      if (g->b.type == C2_TYPE_FP32) gemm_fp32_row(g, i, p);
      if (g->b.type == C2_TYPE_BF16) gemm_bf16_row(g, i, p);
      if (g->b.type == C2_TYPE_INT8) gemm_int8_row(g, i, p);
    }
  }
}

/* Elements of a row that a panel rounds n up to. */
static size_t padded(size_t n) {
  return (n + C2_PANEL - 1) / C2_PANEL * C2_PANEL;
}

static void round_bf16(const c2_operand *out, const float *x, size_t x_stride, size_t n, size_t rows) {
  float *to = out->data;
  for (size_t i = 0; i < rows; i++, to += out->stride, x += x_stride) {
    for (size_t j = 0; j < padded(n); j++) {
      uint32_t bits = 0;
      if (j < n) memcpy(&bits, x + j, sizeof bits);
      bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u; /* to the nearest, ties to the even one */
      memcpy(to + j, &bits, sizeof bits);
    }
  }
}

static void round_int8(const c2_operand *out, const float *x, size_t x_stride, size_t n, size_t rows) {
  int16_t *to = out->data;
  for (size_t i = 0; i < rows; i++, to += out->stride, x += x_stride) {
    float top = 0.0f;
    for (size_t j = 0; j < n; j++) top = fabsf(x[j]) > top || isnan(x[j]) ? fabsf(x[j]) : top; /* NaN stays */
    out->scale[i] = top / 127.0f;
    float inverse = top > C2_QUANTIZE_LEAST ? 127.0f / top : 0.0f;
    for (size_t j = 0; j < padded(n); j++) {
      float q = j < n ? rintf(x[j] * inverse) : 0.0f;
      to[j] = q >= -127.0f && q <= 127.0f ? (int16_t)q : 0;
    }
  }
}

static void round_rows(const c2_operand *to, const float *x, size_t x_stride, size_t n, size_t rows) {
  if (to->type == C2_TYPE_BF16) round_bf16(to, x, x_stride, n, rows);
  if (to->type == C2_TYPE_INT8) round_int8(to, x, x_stride, n, rows);
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
    float scale = isinf(sum) ? NAN : 1.0f / sqrtf(sum / (float)n + epsilon); /* not 0, or the row would be finite */
    for (size_t j = 0; j < n; j++) out[j] = weight[j] * (x[j] * scale);
  }
}

#define NARROW_ATTENTION 0
C2_KERNELS(c2_kernels_scalar, "scalar", 8, 8, 8);
