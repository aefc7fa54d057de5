/* The vector type of NEON (Advanced SIMD), for the levels that differ in their narrow products: 6 x 4 registers of
 * accumulators, of 32; a panel is walked in two halves. */
#ifndef C2_NEON_H
#define C2_NEON_H

#include <arm_neon.h>
#include <math.h>

#include "kernels/kernels.h"

typedef float32x4_t vec;
typedef int32x4_t ivec;
enum { WIDTH = 4, SPAN = 4 };
#define TILE 6

static inline vec v_set1(float x) {
  return vdupq_n_f32(x);
}
static inline vec v_max(vec a, vec b) {
  return vmaxq_f32(a, b);
}
static inline vec v_fma(vec a, vec b, vec c) {
  return vfmaq_f32(c, a, b);
}
static inline float v_sum(vec x) {
  return vaddvq_f32(x);
}
static inline float v_top(vec x) {
  return vmaxvq_f32(x);
}
static inline vec v_round(vec x) {
  return vrndnq_f32(x);
}
/* n within [-126, 127]: below, the caller drops the result */
static inline vec v_scale2(vec x, vec n) {
  int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
  return vmulq_f32(x, vreinterpretq_f32_s32(exponent));
}
static inline vec v_keep_above(vec x, float limit, vec y) {
  return vreinterpretq_f32_u32(vandq_u32(vcgeq_f32(x, vdupq_n_f32(limit)), vreinterpretq_u32_f32(y)));
}

static inline vec i_to_float(ivec x) {
  return vcvtq_f32_s32(x);
}

#ifdef NATIVE_BF16
static inline vec v_dot_bf16(vec c, ivec x, ivec y) {
  return vbfdotq_f32(c, vreinterpretq_bf16_s32(x), vreinterpretq_bf16_s32(y));
}
static inline void v_store_bf16(uint16_t *p, vec x) {
  vst1_u16(p, vreinterpret_u16_bf16(vcvt_bf16_f32(x)));
}
#endif

#ifdef NATIVE_INT8
#define INT8_ZERO 0 /* SDOT and SMMLA take signed bytes */
static inline ivec i_dot(ivec c, ivec x, ivec y) {
  return vdotq_s32(c, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(y));
}
static inline void v_store_bytes(uint8_t *p, vec x) {
  int16x4_t q = vmovn_s32(vcvtnq_s32_f32(x));
  int32x2_t word = vreinterpret_s32_s8(vmovn_s16(vcombine_s16(q, q)));
  int32_t bytes = vget_lane_s32(word, 0);
  __builtin_memcpy(p, &bytes, sizeof bytes);
}
#else
static inline ivec i_madd(ivec c, ivec x, ivec y) {
  int16x8_t a = vreinterpretq_s16_s32(x);
  int16x8_t b = vreinterpretq_s16_s32(y);
  int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
  return vaddq_s32(c, vpaddq_s32(low, vmull_high_s16(a, b)));
}
/* of each four: 0, 2, 1, 3 */
static inline void v_store_pairs(int16_t *p, vec x) {
  int16x4_t q = vmovn_s32(vcvtnq_s32_f32(x));
  int32x2_t even = vreinterpret_s32_s16(vuzp1_s16(q, q));
  int32x2_t odd = vreinterpret_s32_s16(vuzp2_s16(q, q));
  vst1_s16(p, vreinterpret_s16_s32(vzip1_s32(even, odd)));
}
#endif

#endif
