/* The names that the kernels are written in, as CUDA has them. tests/cuda/emulator.h gives them a meaning on the host,
 * where every access is checked: so the kernels touch memory through global<T> and shared<T> alone. */
#ifndef C2_CUDA_DIALECT_CUH
#define C2_CUDA_DIALECT_CUH

#include <cuda_bf16.h>
#include <stdint.h>

#include <cmath>

#define C2_SHUFFLE(value, source) __shfl_sync(0xffffffffu, (value), (int)(source))
#define C2_ANY(value) (__any_sync(0xffffffffu, (value)) != 0)
#define C2_SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define C2_UNROLL _Pragma("unroll")
#define C2_UNROLL_FOUR _Pragma("unroll 4") /* where more would spill registers */
#define C2_FAST_EXP2(x) exp2_approximated(x)
#define C2_INFINITY __int_as_float(0x7f800000)

__device__ __forceinline__ float exp2_approximated(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

template <class T> using global = T *;
template <class T> using shared = T *;

struct bf16 {
  uint16_t bits;
};

__device__ __forceinline__ float to_float(float x) { return x; }

__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float((uint32_t)x.bits << 16); }

template <class T> __device__ T from_float(float x);

template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }

template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) {
  return bf16{__bfloat16_as_ushort(__float2bfloat16_rn(x))};
}

__device__ __forceinline__ uint32_t pack(float low, float high) {
  __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return (uint32_t)__bfloat16_as_ushort(pair.x) | (uint32_t)__bfloat16_as_ushort(pair.y) << 16;
}

__device__ __forceinline__ float4 load4(const float *from, size_t i) {
  return *reinterpret_cast<const float4 *>(from + i);
}

__device__ __forceinline__ void store4(float *to, size_t i, float4 value) {
  *reinterpret_cast<float4 *>(to + i) = value;
}

/* Sixteen bytes, as float32. */
__device__ __forceinline__ void load16(float *to, const float *from, size_t i) {
  float4 x = load4(from, i);
  to[0] = x.x;
  to[1] = x.y;
  to[2] = x.z;
  to[3] = x.w;
}

__device__ __forceinline__ void load16(float *to, const bf16 *from, size_t i) {
  uint4 x = *reinterpret_cast<const uint4 *>(from + i);
  const uint32_t pair[4] = {x.x, x.y, x.z, x.w};
  C2_UNROLL
  for (int n = 0; n < 4; n++) {
    to[2 * n] = __uint_as_float(pair[n] << 16);
    to[2 * n + 1] = __uint_as_float(pair[n] & 0xffff0000u);
  }
}

/* Sixteen bytes on their way into shared memory, zeros unless `there`. They have come when this thread has waited
 * for its copies; other threads see them after a barrier. */
template <class T> __device__ __forceinline__ void copy16_async(T *to, size_t i, const T *from, size_t j, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
               :
               : "r"((uint32_t)__cvta_generic_to_shared(to + i)), "l"(__cvta_generic_to_global(from + j)),
                 "r"(there ? 16 : 0)
               : "memory");
}

__device__ __forceinline__ void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

/* Two neighbours as one word. */
__device__ __forceinline__ uint32_t load_pair(const bf16 *from, size_t i) {
  return *reinterpret_cast<const uint32_t *>(from + i);
}

__device__ __forceinline__ void store_pair(bf16 *to, size_t i, float low, float high) {
  *reinterpret_cast<uint32_t *>(to + i) = pack(low, high);
}

/* Four 8 x 8 matrices; lane i brings row i % 8 of matrix i / 8. */
__device__ __forceinline__ void load_matrices(uint32_t *r, const bf16 *from, size_t i) {
  uint32_t at = (uint32_t)__cvta_generic_to_shared(from + i);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(uint32_t *r, const bf16 *from, size_t i) {
  uint32_t at = (uint32_t)__cvta_generic_to_shared(from + i);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}

/* C += A B, 16 x 8 x 16; sums are float32. */
__device__ __forceinline__ void mma_bf16(float *c, const uint32_t *a, const uint32_t *b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#endif
