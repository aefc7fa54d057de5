/* Kernels between the passes of a rollout: what forecast/rollout.c does where the paths are on the CPU. Sums and
 * products are rounded one by one (__dadd_rn, __dmul_rn), as they are there. */
#ifndef C2_CUDA_ROLLOUT_CUH
#define C2_CUDA_ROLLOUT_CUH

#include "cuda/rows.cuh"

/* As c2_round_to_float: a value beyond float32's range stays as it is. */
__device__ inline double rounded_to_float(double value) {
  double size = fabs(value);
  return size >= 1.17549435082228750797e-38 && size <= 3.40282346638528859812e+38 ? (double)(float)value : value;
}

/* The last index with levels[index] <= level; levels[0] is. */
template <class Levels>
__device__ size_t last_at_most(Levels levels, size_t count, double level) {
  size_t low = 0;
  size_t high = count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    double here = levels[middle];
    if (here <= level) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/* As in series/quantiles.c. */
__device__ inline double between(double low, double high, double weight) {
  double difference = high - low;
  if (isinf(difference)) return __dadd_rn(__dmul_rn(1 - weight, low), __dmul_rn(weight, high));
  return __dadd_rn(low, __dmul_rn(weight, difference));
}

/* As c2_quantile_at. */
template <class Levels, class Values>
__device__ double quantile_at(Levels levels, Values values, size_t stride, size_t count, double level) {
  double lowest = levels[0];
  if (level < lowest) return values[0];
  size_t low = last_at_most(levels, count, level);
  double value = values[low * stride];
  if (low + 1 == count) return value;
  double before = levels[low];
  double after = levels[low + 1];
  double next = values[(low + 1) * stride];
  double weight = (level - before) / (after - before);
  return between(value, next, weight);
}

/* As in c2_weighted_quantiles, each operation rounded to float32. */
template <class Levels, class Values>
__device__ double quantile_in_float(Levels levels, Values values, size_t count, double level) {
  double lowest = levels[0];
  if (level < lowest) return values[0];
  size_t low = last_at_most(levels, count, level);
  double value = values[low];
  if (low + 1 == count) return value;
  double before = levels[low];
  double after = levels[low + 1];
  double next = values[low + 1];
  double weight = (double)(float)((double)(float)(level - before) / (double)(float)(after - before));
  if (isinf(next - value)) return between(value, next, weight);
  double step = rounded_to_float(__dmul_rn(weight, rounded_to_float(next - value)));
  return rounded_to_float(__dadd_rn(value, step));
}

/* A thread a step of a path. */
__global__ void __launch_bounds__(ROW_THREADS) extend_kernel(c2_gpu_extend a) {
  size_t i = thread_number();
  if (i >= a.rows * a.paths * a.steps) return;
  size_t slot = i / a.steps;
  size_t row = slot / a.paths;
  size_t at = a.first + i % a.steps;
  if (at >= a.horizon) return;
  uint64_t length = global<const uint64_t>(a.length)[row];
  double value = global<const double>(a.known)[row * a.horizon + at];
  if (isnan(value)) {
    double level = global<const double>(a.path)[slot % a.paths];
    global<const double> quantiles = global<const double>(a.quantiles) + (row * a.levels * a.horizon + at);
    value = rounded_to_float(quantile_at(global<const double>(a.level), quantiles, a.horizon, a.levels, level));
  }
  global<double>(a.context)[slot * a.room + length + at] = value;
}

/* Whether sample i comes before sample j: NaN comes last, equal ones keep their order. */
__device__ inline bool comes_before(double x, size_t i, double y, size_t j) {
  if (isnan(x) || isnan(y)) return isnan(x) == isnan(y) ? i < j : isnan(y);
  return x < y || (x == y && i < j);
}

/* A block a step of a row. */
__global__ void __launch_bounds__(ROW_THREADS) reduce_kernel(c2_gpu_reduce a) {
  C2_SHARED(double, sample, C2_MOST_SAMPLES);
  C2_SHARED(double, sorted, C2_MOST_SAMPLES);
  C2_SHARED(double, mass, C2_MOST_SAMPLES);
  size_t row = blockIdx.x / a.steps;
  size_t step = blockIdx.x % a.steps;
  size_t count = a.paths * a.levels;
  if (a.first + step >= a.horizon) return;
  for (size_t i = threadIdx.x; i < count; i += ROW_THREADS) {
    double value = global<const double>(a.from)[(row * count + i) * a.steps + step];
    sample[i] = rounded_to_float(value);
  }
  __syncthreads();
  for (size_t i = threadIdx.x; i < count; i += ROW_THREADS) {
    double value = sample[i];
    size_t rank = 0;
    for (size_t j = 0; j < count; j++) rank += comes_before(sample[j], j, value, i);
    double weight = global<const double>(a.weight)[i];
    sorted[rank] = value;
    mass[rank] = weight;
  }
  __syncthreads();
  if (threadIdx.x == 0) { /* in the order of the CPU's sums */
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
      sum += mass[i];
      mass[i] = sum < 1 ? (double)(float)sum : 1.0;
    }
  }
  __syncthreads();
  for (size_t i = threadIdx.x; i < a.levels; i += ROW_THREADS) {
    double level = global<const double>(a.level)[i];
    global<double>(a.quantiles)[(row * a.levels + i) * a.horizon + a.first + step] =
        quantile_in_float(mass, sorted, count, (double)(float)level);
  }
}

#endif
