/* AVX-512 (F, BW, DQ, VL): 14 x 2 registers of accumulators, of 32. */
#include <immintrin.h>
#include <math.h>

#include "kernels/kernels.h"

#ifndef __AVX512F__
#error "compile this file with -mavx512f"
#endif

typedef __m512 vec;
enum { WIDTH = 16, SPAN = 2 };
#define TILE 14

static inline vec v_load(const float *p) {
  return _mm512_loadu_ps(p);
}
static inline void v_store(float *p, vec x) {
  _mm512_storeu_ps(p, x);
}
static inline vec v_set1(float x) {
  return _mm512_set1_ps(x);
}
static inline vec v_add(vec a, vec b) {
  return _mm512_add_ps(a, b);
}
static inline vec v_sub(vec a, vec b) {
  return _mm512_sub_ps(a, b);
}
static inline vec v_mul(vec a, vec b) {
  return _mm512_mul_ps(a, b);
}
static inline vec v_max(vec a, vec b) {
  return _mm512_max_ps(a, b);
}
static inline vec v_fma(vec a, vec b, vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
static inline float v_sum(vec x) {
  return _mm512_reduce_add_ps(x);
}
static inline float v_top(vec x) {
  return _mm512_reduce_max_ps(x);
}
static inline vec v_round(vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vec v_scale2(vec x, vec n) {
  return _mm512_scalef_ps(x, n);
}
static inline vec v_keep_above(vec x, float limit, vec y) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(limit), _CMP_GE_OQ), y);
}

#include "kernels/simd_body.h"

const c2_kernels c2_kernels_avx512 = {
    .name = "avx512", .tile = TILE, .gemm = gemm, .softmax = softmax, .rms_norm = rms_norm};
