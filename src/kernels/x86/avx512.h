/* The vector type of AVX-512 (F, BW, DQ, VL), for the levels that differ in their narrow products:
 * 14 x 2 registers of accumulators, of 32. */
#ifndef C2_AVX512_H
#define C2_AVX512_H

#include <immintrin.h>
#include <math.h>

#include "kernels/kernels.h"

#ifndef __AVX512F__
#error "compile this file with -mavx512f"
#endif

typedef __m512 vec;
typedef int ivec __attribute__((vector_size(64))); /* not __m512i: conversions would keep arrays of it in memory */
enum { WIDTH = 16, SPAN = 2 };
#define TILE 14

static inline vec v_set1(float x) {
  return _mm512_set1_ps(x);
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

static inline vec i_to_float(ivec x) {
  return _mm512_cvtepi32_ps((__m512i)x);
}

#ifdef NATIVE_BF16
static inline vec v_dot_bf16(vec c, ivec x, ivec y) {
  return _mm512_dpbf16_ps(c, (__m512bh)x, (__m512bh)y);
}
static inline void v_store_bf16(uint16_t *p, vec x) {
  _mm256_storeu_si256((__m256i *)(void *)p, (__m256i)_mm512_cvtneps_pbh(x));
}
#endif

#if defined(NATIVE_BF16) && defined(NATIVE_INT8)
#define NARROW_ATTENTION 1 /* VNNI's VPDPWSSD adds up as many products an instruction as VDPBF16PS */
static inline vec v_put_bf16(uint16_t *p, vec x) {
  __m256i halves = (__m256i)_mm512_cvtneps_pbh(x);
  _mm256_storeu_si256((__m256i *)(void *)p, halves);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
static inline ivec i_dot16(ivec c, ivec x, ivec y) {
  return (ivec)_mm512_dpwssd_epi32((__m512i)c, (__m512i)x, (__m512i)y);
}
/* to the nearest, ties to the even one */
static inline void v_store_int16(int16_t *p, vec x) {
  _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x)));
}
#endif

#ifdef NATIVE_INT8
#define INT8_ZERO 128 /* VPDPBUSD takes unsigned by signed bytes */
static inline ivec i_dot(ivec c, ivec x, ivec y) {
  return (ivec)_mm512_dpbusd_epi32((__m512i)c, (__m512i)x, (__m512i)y);
}
static inline void v_store_bytes(uint8_t *p, vec x) {
  _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
}
#else
static inline ivec i_madd(ivec c, ivec x, ivec y) {
  return c + (ivec)_mm512_madd_epi16((__m512i)x, (__m512i)y);
}
/* of each four: 0, 2, 1, 3 */
static inline void v_store_pairs(int16_t *p, vec x) {
  __m256i q = _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(x));
  q = _mm256_shufflehi_epi16(_mm256_shufflelo_epi16(q, _MM_SHUFFLE(3, 1, 2, 0)), _MM_SHUFFLE(3, 1, 2, 0));
  _mm256_storeu_si256((__m256i *)(void *)p, q);
}
#endif

#endif
