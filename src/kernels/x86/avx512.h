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

static inline ivec i_zero(void) {
  return (ivec)_mm512_setzero_si512();
}
static inline ivec i_load(const void *p) {
  return (ivec)_mm512_loadu_si512(p);
}
static inline ivec i_word(const void *p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return (ivec)_mm512_set1_epi32(word);
}
static inline vec i_to_float(ivec x) {
  return _mm512_cvtepi32_ps((__m512i)x);
}
static inline ivec i_sub(ivec a, ivec b) {
  return a - b;
}

#ifdef NATIVE_BF16
static inline vec v_dot_bf16(vec c, ivec x, ivec y) {
  return _mm512_dpbf16_ps(c, (__m512bh)x, (__m512bh)y);
}
static inline void v_store_bf16(uint16_t *p, vec x) {
  _mm256_storeu_si256((__m256i *)(void *)p, (__m256i)_mm512_cvtneps_pbh(x));
}
#else
static inline vec v_low(ivec x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32((__m512i)x, 16));
}
static inline vec v_high(ivec x) {
  return _mm512_castsi512_ps(_mm512_and_si512((__m512i)x, _mm512_set1_epi32((int)0xffff0000u)));
}
/* to the nearest, ties to the even one */
static inline vec v_round_bf16(vec x) {
  __m512i bits = _mm512_castps_si512(x);
  __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  bits = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  return v_high((ivec)bits);
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
static inline ivec i_even(ivec x) {
  return (ivec)_mm512_srai_epi16(_mm512_slli_epi16((__m512i)x, 8), 8);
}
static inline ivec i_odd(ivec x) {
  return (ivec)_mm512_srai_epi16((__m512i)x, 8);
}
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
