/* Kernels for masked tokens, which are computed where all hidden states are wanted; see engine/cpu/masked.c. */
#ifndef C2_CUDA_MASKED_CUH
#define C2_CUDA_MASKED_CUH

#include "cuda/attention.cuh"

/* A warp a seat and a head. */
template <class T> __global__ void __launch_bounds__(ROW_THREADS) spread_kernel(c2_gpu_spread a) {
  size_t number = thread_number() / 32;
  if (number >= a.seats * a.heads) return;
  size_t head = number % a.heads;
  c2_gpu_seat seat = global<const c2_gpu_seat>(a.seat)[number / a.heads];
  uint32_t blind = 0;
  if (a.blind) blind = global<const uint8_t>(a.blind)[head] != 0;
  if (blind != a.only) return;
  global<const T> v = global<const T>((const T *)a.v) + head * a.head;
  global<T> out = global<T>((T *)a.out) + seat.token * a.out_stride + head * a.head;
  for (size_t column = threadIdx.x % 32; column < a.head; column += 32) {
    double sum = 0;
    for (uint32_t t = seat.first; t < seat.first + seat.count; t++) sum += to_float((T)v[t * a.v_stride + column]);
    out[column] = from_float<T>((float)(sum / seat.count));
  }
}

/* A block a context patch, a thread every so many columns. */
template <class T> __global__ void __launch_bounds__(ROW_THREADS) means_kernel(c2_gpu_means a) {
  global<const uint32_t> token_at = global<const uint32_t>(a.token_at) + blockIdx.x;
  global<const uint8_t> orphan = a.orphan;
  global<T> x = global<T>((T *)a.x);
  for (size_t column = threadIdx.x; column < a.columns; column += ROW_THREADS) {
    float sum = 0;
    for (size_t r = 0; r < a.rows; r++) sum += to_float((T)x[token_at[r * a.patches] * a.stride + column]);
    for (size_t r = 0; r < a.rows; r++) {
      uint32_t token = token_at[r * a.patches];
      if (orphan[token]) x[token * a.stride + column] = from_float<T>(sum / (float)a.rows);
    }
  }
}

#endif
