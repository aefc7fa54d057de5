/* The weights of time attention, for an observer: rows of a few tiles' queries, which are copied away before the next
 * tiles' are made. */
#ifndef C2_CUDA_OBSERVED_CUH
#define C2_CUDA_OBSERVED_CUH

#include "cuda/attention.cuh"

/* The keys of a query in the order of its row of weights: the past, then the tokens of its row. */
template <class T> struct watched_keys {
  global<const T> past, own;
  size_t past_stride, own_stride;
  uint32_t past_count, low, high, low2, high2; /* of the row's tokens it sees [low, high) and [low2, high2) */
};

template <class T>
__device__ watched_keys<T> watched_of(const c2_gpu_attend &a, const c2_gpu_tile &t, size_t column, bool blind,
                                      uint32_t query) {
  watched_keys<T> w;
  w.past = global<const T>((const T *)a.past_k);
  if (a.past_k) w.past = w.past + (t.past * a.past_stride + column);
  w.own = global<const T>((const T *)a.k) + (t.key * a.kv_stride + column);
  w.past_stride = a.past_stride;
  w.own_stride = a.kv_stride;
  w.past_count = t.past_count;
  limits_of(a, t, blind, query, 1, &w.low, &w.high);
  limits_of(a, t, blind, query, 2, &w.low2, &w.high2);
  return w;
}

template <class T> __device__ bool sees(const watched_keys<T> &w, uint32_t i) {
  uint32_t key = i - w.past_count;
  return i < w.past_count || (key >= w.low && key < w.high) || (key >= w.low2 && key < w.high2);
}

template <class T, int HEAD> __device__ float score_of(const watched_keys<T> &w, global<const T> q, uint32_t i) {
  bool past = i < w.past_count;
  global<const T> k = past ? w.past + i * w.past_stride : w.own + (i - w.past_count) * w.own_stride;
  float score = 0.0f;
  C2_UNROLL_FOUR
  for (int d = 0; d < HEAD; d += 16 / (int)sizeof(T)) {
    float left[16 / sizeof(T)];
    float right[16 / sizeof(T)];
    load16(left, q, (size_t)d);
    load16(right, k, (size_t)d);
    C2_UNROLL
    for (int n = 0; n < 16 / (int)sizeof(T); n++) score += left[n] * right[n];
  }
  return score;
}

/* A block a tile and a head, a warp every fourth query, a lane every 32nd key. */
template <class T, int HEAD> __global__ void __launch_bounds__(ATTEND_THREADS, 1) weights_kernel(c2_gpu_weights w) {
  const c2_gpu_attend &a = w.of;
  c2_gpu_tile first = global<const c2_gpu_tile>(a.tile)[0];
  c2_gpu_tile t = global<const c2_gpu_tile>(a.tile)[blockIdx.x];
  size_t column = (size_t)blockIdx.y * HEAD;
  bool blind = is_blind(a, blockIdx.y);
  unsigned lane = threadIdx.x % 32;
  for (uint32_t query = threadIdx.x / 32; query < t.queries; query += ATTEND_THREADS / 32) {
    global<float> out = global<float>(w.out) + ((t.query + query - first.query) * a.heads + blockIdx.y) * w.stride;
    global<const T> q = global<const T>((const T *)a.q) + ((t.query + query) * a.q_stride + column);
    watched_keys<T> keys = watched_of<T>(a, t, column, blind, query);
    float maximum = -C2_INFINITY;
    for (uint32_t i = lane; i < w.stride; i += 32) {
      float score = -C2_INFINITY;
      if (sees(keys, i)) score = score_of<T, HEAD>(keys, q, i);
      out[i] = score;
      maximum = fmaxf(maximum, score);
    }
    maximum = largest_of(maximum, 32);
    float sum = 0;
    for (uint32_t i = lane; i < w.stride; i += 32) {
      float score = out[i];
      float weight = score == -C2_INFINITY ? 0.0f : expf(score - maximum);
      out[i] = weight;
      sum += weight;
    }
    sum = sum_over(sum, 32);
    for (uint32_t i = lane; i < w.stride && sum > 0; i += 32) {
      float weight = out[i];
      out[i] = weight / sum;
    }
  }
}

#endif
