/* SIMD128 of WebAssembly: 4 x 2 registers of accumulators; a panel is walked in four parts. It has no fused
 * multiply-add, so int8, whose scaling is fused elsewhere, may differ there in the last bit. */
#include <math.h>
#include <wasm_simd128.h>

#include "kernels/kernels.h"

#ifndef __wasm_simd128__
#error "compile this file with -msimd128"
#endif

typedef float vec __attribute__((vector_size(16)));
typedef v128_t ivec;
enum { WIDTH = 4, SPAN = 2 };
#define TILE 4

static inline vec v_set1(float x) {
  return wasm_f32x4_splat(x);
}
/* one instruction of the processor, which wasm_f32x4_max isn't */
static inline vec v_max(vec a, vec b) {
  return wasm_f32x4_pmax(a, b);
}
static inline vec v_fma(vec a, vec b, vec c) {
  return wasm_f32x4_add(wasm_f32x4_mul(a, b), c);
}
static inline float v_sum(vec x) {
  vec h = wasm_f32x4_add(x, wasm_i32x4_shuffle(x, x, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(h, 0) + wasm_f32x4_extract_lane(h, 1);
}
static inline float v_top(vec x) {
  vec h = wasm_f32x4_pmax(x, wasm_i32x4_shuffle(x, x, 2, 3, 0, 1));
  return wasm_f32x4_extract_lane(wasm_f32x4_pmax(h, wasm_i32x4_shuffle(h, h, 1, 0, 3, 2)), 0);
}
static inline vec v_round(vec x) {
  return wasm_f32x4_nearest(x);
}
/* n within [-126, 127]: below, the caller drops the result */
static inline vec v_scale2(vec x, vec n) {
  vec exponent = wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127));
  return wasm_f32x4_mul(x, wasm_i32x4_shl(exponent, 23));
}
static inline vec v_keep_above(vec x, float limit, vec y) {
  return wasm_v128_and(wasm_f32x4_ge(x, wasm_f32x4_splat(limit)), y);
}

static inline vec i_to_float(ivec x) {
  return wasm_f32x4_convert_i32x4(x);
}
static inline ivec i_madd(ivec c, ivec x, ivec y) {
  return wasm_i32x4_add(c, wasm_i32x4_dot_i16x8(x, y));
}
/* of each four: 0, 2, 1, 3 */
static inline void v_store_pairs(int16_t *p, vec x) {
  ivec q = wasm_i32x4_trunc_sat_f32x4(x);
  ivec packed = wasm_i16x8_narrow_i32x4(q, q);
  wasm_v128_store64_lane(p, wasm_i16x8_shuffle(packed, packed, 0, 2, 1, 3, 0, 2, 1, 3), 0);
}

#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_simd128, "simd128", TILE, TILE, TILE);
