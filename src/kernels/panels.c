/* Writes right operands of float32: panels of words that hold one term of a column; columns of bf16 and int8 too, which
 * hold two and four. */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

static uint16_t to_bf16(float x) {
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* to the nearest, ties to the even one */
}

static void put_int8(const c2_operand *to, size_t column, int8_t *panel, const float *x, size_t depth) {
  float top = 0.0f;
  int32_t sum = 0;
  for (size_t k = 0; k < depth; k++) top = fmaxf(top, fabsf(x[k]));
  float inverse = top > C2_QUANTIZE_LEAST ? 127.0f / top : 0.0f;
  for (size_t k = 0; k < depth; k++) {
    int8_t q = (int8_t)lrintf(x[k] * inverse);
    panel[k / 4 * 4 * C2_PANEL + k % 4] = q;
    sum += q;
  }
  to->scale[column] = top / 127.0f;
  to->shift[column] = 128 * sum;
}

void c2_put_column(const c2_operand *to, size_t column, const float *x, size_t depth) {
  uint32_t *word = (uint32_t *)to->data + column / C2_PANEL * to->stride + column % C2_PANEL;
  if (to->type == C2_TYPE_FP32) {
    float *panel = (float *)(void *)word;
    for (size_t k = 0; k < depth; k++) panel[k * C2_PANEL] = x[k];
  } else if (to->type == C2_TYPE_BF16) {
    uint16_t *panel = (uint16_t *)(void *)word;
    for (size_t k = 0; k < depth; k++) panel[k / 2 * 2 * C2_PANEL + k % 2] = to_bf16(x[k]);
  } else {
    put_int8(to, column, (int8_t *)(void *)word, x, depth);
  }
}

void c2_put_row(const c2_operand *to, size_t term, const float *x, size_t columns) {
  for (size_t first = 0; first < columns; first += C2_PANEL) {
    float *panel = (float *)to->data + first / C2_PANEL * to->stride + term * C2_PANEL;
    size_t width = columns - first < C2_PANEL ? columns - first : C2_PANEL;
    memcpy(panel, x + first, width * sizeof *x);
    memset(panel + width, 0, (C2_PANEL - width) * sizeof *panel);
  }
}
