/* Kernels that work on rows: features, norm, rotary embedding, copies, rounding, the way back to a series' units. */
#ifndef C2_CUDA_ROWS_CUH
#define C2_CUDA_ROWS_CUH

#include "cuda/device.h"

enum { ROW_THREADS = 256 };

__device__ __forceinline__ size_t thread_number() {
  return (size_t)blockIdx.x * blockDim.x + threadIdx.x;
}

/* Sum over the lanes of a warp, in all of them; of groups of `lanes` neighbours if that is less than 32. */
__device__ __forceinline__ float sum_over(float value, unsigned lanes) {
  unsigned lane = threadIdx.x % 32;
  for (unsigned step = lanes / 2; step > 0; step /= 2) value += C2_SHUFFLE(value, lane ^ step);
  return value;
}

__device__ __forceinline__ float largest_of(float value, unsigned lanes) {
  unsigned lane = threadIdx.x % 32;
  for (unsigned step = lanes / 2; step > 0; step /= 2) value = fmaxf(value, C2_SHUFFLE(value, lane ^ step));
  return value;
}

/* How a block's values are put together. */
enum { BLOCK_SUM, BLOCK_LEAST };

/* The sum or the least of a block's values, in all of its threads. */
__device__ inline double block_reduce(shared<double> part, double value, int how) {
  part[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = ROW_THREADS / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      double one = part[threadIdx.x];
      double other = part[threadIdx.x + half];
      part[threadIdx.x] = how == BLOCK_SUM ? one + other : fmin(one, other);
    }
    __syncthreads();
  }
  double result = part[0];
  __syncthreads(); /* before the next one writes */
  return result;
}

/* ---- Series ------------------------------------------------------------------------------------- */

/* As round_scaler in series/normalize.c. */
__device__ inline void round_scaler(double *loc, double *scale) {
  double narrow_loc = (double)(float)*loc;
  double narrow_scale = (double)(float)*scale;
  if (fabs(narrow_loc - *loc) > 1e-4 * *scale || isinf(narrow_scale) || narrow_scale < 1e-30) return;
  *loc = narrow_loc;
  *scale = narrow_scale;
}

/* Mean and deviation of the observed values, taken as c2_scaler_fit takes them, but for the order of the sums. */
__device__ inline void fit_values(shared<double> part, global<const double> x, size_t length, double *loc,
                                  double *scale) {
  double count = 0;
  double low = C2_INFINITY;
  double high = -C2_INFINITY;
  for (size_t i = threadIdx.x; i < length; i += ROW_THREADS) {
    double value = x[i];
    if (isnan(value)) continue;
    count += 1;
    low = fmin(low, value);
    high = fmax(high, value);
  }
  count = block_reduce(part, count, BLOCK_SUM);
  low = block_reduce(part, low, BLOCK_LEAST);
  high = -block_reduce(part, -high, BLOCK_LEAST);
  *loc = count > 0 ? low : 0;
  *scale = count > 0 ? 1e-5 : 1;
  if (count == 0 || low == high) return;
  double middle = low / 2 + high / 2;
  double span = high / 2 - low / 2;
  if (span == 0) span = high - low;
  double sum = 0;
  for (size_t i = threadIdx.x; i < length; i += ROW_THREADS) {
    double value = x[i];
    if (!isnan(value)) sum += (value - middle) / count;
  }
  *loc = middle + block_reduce(part, sum, BLOCK_SUM);
  double squares = 0;
  for (size_t i = threadIdx.x; i < length; i += ROW_THREADS) {
    double value = x[i];
    if (isnan(value)) continue;
    double d = (value - *loc) / span;
    if (isinf(d)) d = (value / 2 - *loc / 2) / (span / 2);
    squares += d * d;
  }
  squares = block_reduce(part, squares, BLOCK_SUM);
  *scale = span * sqrt(squares / count);
  if (*scale == 0) *scale = 1e-5;
  round_scaler(loc, scale);
}

/* A block a row. */
__global__ void __launch_bounds__(ROW_THREADS) fit_kernel(c2_gpu_fit a) {
  C2_SHARED(double, part, ROW_THREADS);
  c2_gpu_series_span row = global<const c2_gpu_series_span>(a.row)[blockIdx.x];
  fit_values(part, global<const double>(a.contexts) + row.context, row.context_length, &row.loc, &row.scale);
  if (threadIdx.x == 0) global<c2_gpu_series_span>(a.row)[blockIdx.x] = row;
}

/* (value - loc) / scale, and asinh of it; see series/normalize.c. A difference that overflows is taken in halves. */
__device__ inline double normalised(double value, double loc, double scale, bool arcsinh) {
  double x = (value - loc) / scale;
  double half = value / 2 - loc / 2;
  if (isinf(x)) x = half / (scale / 2);
  if (!arcsinh) return x;
  if (!isinf(x)) return asinh(x);
  return copysign(log(fabs(half)) - log(scale) + 2 * log(2.0), half);
}

/* A thread a step of a patch. */
__global__ void __launch_bounds__(ROW_THREADS) features_kernel(c2_gpu_features a) {
  size_t i = thread_number();
  if (i >= a.tokens * a.patch) return;
  size_t token = i / a.patch;
  size_t j = i % a.patch;
  int64_t position = global<const int32_t>(a.position)[token];
  uint32_t number = global<const uint32_t>(a.row_of)[token];
  c2_gpu_series_span row = global<const c2_gpu_series_span>(a.row)[number];
  global<float> out = global<float>(a.out) + token * a.stride;
  bool future = position > 0;
  int64_t step = (future ? position - 1 : position) * (int64_t)a.patch + (int64_t)j;
  int64_t at = future ? step : step + (int64_t)row.context_length;
  bool inside = position != 0 && at >= 0 && at < (int64_t)(future ? row.future_length : row.context_length);
  double value = 0;
  if (inside && future) value = global<const double>(a.futures)[row.future + (uint64_t)at];
  if (inside && !future) value = global<const double>(a.contexts)[row.context + (uint64_t)at];
  bool observed = inside && !isnan(value);
  out[j] = position == 0 ? 0.0f : (float)((double)step / a.time_scale);
  out[a.patch + j] = observed ? (float)normalised(value, row.loc, row.scale, a.arcsinh) : 0.0f;
  out[2 * a.patch + j] = observed ? 1.0f : 0.0f;
  if (j == 0) {
    for (size_t n = 3 * a.patch; n < a.stride; n++) out[n] = 0.0f;
  }
}

/* A thread a value. */
__global__ void __launch_bounds__(ROW_THREADS) invert_kernel(c2_gpu_invert a) {
  size_t i = thread_number();
  size_t width = a.quantiles * a.patch;
  if (i >= a.rows * a.patches * width) return;
  size_t token = i / width;
  size_t column = i % width;
  size_t number = token / a.patches;
  size_t horizon = a.patches * a.patch;
  size_t step = token % a.patches * a.patch + column % a.patch;
  c2_gpu_series_span row = global<const c2_gpu_series_span>(a.row)[number];
  float value = global<const float>(a.z)[token * a.stride + column];
  double z = (double)value;
  size_t place = number;
  if (a.place) place = global<const uint32_t>(a.place)[number];
  global<double>(a.out)[(place * a.quantiles + column / a.patch) * horizon + step] =
      (a.arcsinh ? sinh(z) : z) * row.scale + row.loc;
}

/* ---- Hidden states ------------------------------------------------------------------------------ */

/* A warp a row. */
template <class T> __global__ void __launch_bounds__(ROW_THREADS) norm_kernel(c2_gpu_norm a) {
  size_t row = thread_number() / 32;
  unsigned lane = threadIdx.x % 32;
  if (row >= a.rows) return;
  global<const float> x = global<const float>(a.x) + row * a.x_stride;
  global<const float> weight = a.weight;
  global<T> out = global<T>((T *)a.out) + row * a.out_stride;
  float sum = 0;
  for (size_t i = lane; i < a.columns; i += 32) {
    float value = x[i];
    sum += value * value;
  }
  sum = sum_over(sum, 32);
  float scale = 1.0f / sqrtf(sum / (float)a.columns + a.epsilon);
  if (isinf(sum)) scale = sum - sum; /* NaN: with 0 the row would be finite */
  for (size_t i = lane; i < a.padded; i += 32) {
    float value = x[i];
    float w = weight[i];
    out[i] = from_float<T>(w * (value * scale));
  }
}

/* A thread a pair of a head. */
template <class T> __global__ void __launch_bounds__(ROW_THREADS) rotate_kernel(c2_gpu_rotate a) {
  size_t i = thread_number();
  size_t pairs = a.heads * a.half;
  if (i >= a.rows * pairs) return;
  size_t row = i / pairs;
  size_t j = i % a.half;
  int32_t position = global<const int32_t>(a.position)[row];
  size_t angle = (size_t)position * a.half + j;
  float cosine = global<const float>(a.cosine)[angle];
  float sine = global<const float>(a.sine)[angle];
  global<T> x = global<T>((T *)a.x) + row * a.stride + i % pairs / a.half * a.head;
  float low = to_float((T)x[j]);
  float high = to_float((T)x[j + a.half]);
  x[j] = from_float<T>(low * cosine - high * sine);
  x[j + a.half] = from_float<T>(high * cosine + low * sine);
}

/* A thread sixteen bytes. */
__global__ void __launch_bounds__(ROW_THREADS) copy_kernel(c2_gpu_copy a) {
  size_t i = thread_number();
  size_t chunks = a.bytes / 16;
  if (i >= a.rows * chunks) return;
  size_t row = i / chunks;
  size_t from_row = row;
  size_t to_row = row;
  if (a.from_row) from_row = global<const uint32_t>(a.from_row)[row];
  if (a.to_row) to_row = global<const uint32_t>(a.to_row)[row];
  size_t from = from_row * a.from_stride / 16 + i % chunks;
  size_t to = to_row * a.to_stride / 16 + i % chunks;
  uint4 value = global<const uint4>((const uint4 *)a.from)[from];
  global<uint4>((uint4 *)a.to)[to] = value;
}

__global__ void __launch_bounds__(ROW_THREADS) round_kernel(c2_gpu_round a) {
  size_t i = thread_number();
  if (i >= a.count) return;
  float value = global<const float>(a.from)[i];
  global<bf16>((bf16 *)a.to)[i] = from_float<bf16>(value);
}

#endif
