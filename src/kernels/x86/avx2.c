/* AVX2 and FMA: 6 x 2 registers of accumulators, of 16; a panel is walked in two halves. */
#include <immintrin.h>
#include <math.h>

#include "kernels/kernels.h"

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

typedef __m256 vec;
typedef int ivec __attribute__((vector_size(32))); /* not __m256i: conversions would keep arrays of it in memory */
enum { WIDTH = 8, SPAN = 2 };
#define TILE 6
#define AHEAD 1

static inline vec v_set1(float x) {
  return _mm256_set1_ps(x);
}
static inline vec v_max(vec a, vec b) {
  return _mm256_max_ps(a, b);
}
static inline vec v_fma(vec a, vec b, vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
static inline float v_sum(vec x) {
  __m128 h = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  h = _mm_add_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)));
}
static inline float v_top(vec x) {
  __m128 h = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  h = _mm_max_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)));
}
static inline vec v_round(vec x) {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* n within [-126, 127]: below, the caller drops the result */
static inline vec v_scale2(vec x, vec n) {
  __m256i exponent = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_mul_ps(x, _mm256_castsi256_ps(exponent));
}
static inline vec v_keep_above(vec x, float limit, vec y) {
  return _mm256_and_ps(_mm256_cmp_ps(x, _mm256_set1_ps(limit), _CMP_GE_OQ), y);
}

static inline vec i_to_float(ivec x) {
  return _mm256_cvtepi32_ps((__m256i)x);
}
static inline ivec i_madd(ivec c, ivec x, ivec y) {
  return c + (ivec)_mm256_madd_epi16((__m256i)x, (__m256i)y);
}
/* of each four: 0, 2, 1, 3 */
static inline void v_store_pairs(int16_t *p, vec x) {
  __m256i q = _mm256_cvtps_epi32(x);
  __m128i packed = _mm_packs_epi32(_mm256_castsi256_si128(q), _mm256_extracti128_si256(q, 1));
  packed = _mm_shufflehi_epi16(_mm_shufflelo_epi16(packed, _MM_SHUFFLE(3, 1, 2, 0)), _MM_SHUFFLE(3, 1, 2, 0));
  _mm_storeu_si128((__m128i *)(void *)p, packed);
}

#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_avx2, "avx2", TILE, TILE, TILE);
