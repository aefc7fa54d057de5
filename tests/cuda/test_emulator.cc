/* The emulator itself: right programs give right results under every order, and each fault that it promises to find is
 * found. */
#include "emulator.h"

#include <csetjmp>
#include <cstdarg>
#include <cstdio>

extern "C" {
#include <cmocka.h>
}

enum { SEEDS = 20 };

#define CALL(...) [&] { __VA_ARGS__; }

static void expect_fault(dim3 grid, dim3 block, const std::function<void()> &kernel, const char *what) {
  size_t found = 0;
  for (uint64_t s = 0; s < SEEDS; s++) {
    emulator::seed(s);
    const char *fault = emulator::run(grid, block, kernel);
    if (fault && strstr(fault, what)) found++;
    else if (fault) print_message("another fault: %s\n", fault);
  }
  if (found != SEEDS) fail_msg("\"%s\" is found under %zu of %d orders", what, found, SEEDS);
}

static float *device_floats(size_t n, bool written) {
  float *values = static_cast<float *>(emulator::allocate(n * sizeof(float)));
  assert_non_null(values);
  for (size_t i = 0; written && i < n; i++) values[i] = static_cast<float>(i);
  if (written) emulator::mark_written(values, n * sizeof(float));
  return values;
}

/* ---- What is right ------------------------------------------------------------------------------ */

/* out[block] = the sum of the block's 64 values. */
static void sum_kernel(global<float> out, global<const float> in) {
  C2_SHARED(float, part, 64);
  unsigned t = threadIdx.x;
  part[t] = in[blockIdx.x * 64 + t];
  __syncthreads();
  for (unsigned half = 32; half > 0; half /= 2) {
    if (t < half) part[t] = part[t] + part[t + half];
    __syncthreads();
  }
  if (t == 0) out[blockIdx.x] = part[0];
}

static void test_reduction(void **) {
  float *in = device_floats(64 * 7, true);
  float *out = device_floats(7, false);
  for (uint64_t s = 0; s < SEEDS; s++) {
    emulator::seed(s);
    const char *fault = emulator::run(7, 64, CALL(sum_kernel(out, in)));
    if (fault) fail_msg("%s", fault);
    for (int b = 0; b < 7; b++) assert_true(out[b] == static_cast<float>(64 * 64 * b + 63 * 32));
  }
  emulator::release(in);
  emulator::release(out);
}

/* A 16 by 16 matrix times one of 16 by 8, by ldmatrix and mma, as attention does. */
static void product_kernel(global<float> out, global<const float> left, global<const float> right) {
  C2_SHARED(bf16, a, 16 * 24);
  C2_SHARED(bf16, b, 16 * 24);
  unsigned lane = threadIdx.x;
  for (unsigned i = lane; i < 256; i += 32) a[i / 16 * 24 + i % 16] = from_float<bf16>(left[i]);
  for (unsigned i = lane; i < 256; i += 32) b[i / 16 * 24 + i % 16] = from_float<bf16>(right[i]);
  __syncwarp();
  uint32_t fragment[4];
  uint32_t columns[4];
  float c[4] = {0, 0, 0, 0};
  load_matrices(fragment, a, (lane % 8 + lane / 8 % 2 * 8) * 24 + lane / 16 * 8);
  load_matrices_transposed(columns, b, (lane % 8 + lane / 8 % 2 * 8) * 24 + lane / 16 * 8);
  mma_bf16(c, fragment, columns);
  for (unsigned i = 0; i < 4; i++) out[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = c[i];
}

/* out = a block's 256 values backwards, the last 56 of them zeros. */
static void copies_kernel(global<float> out, global<const float> in) {
  C2_SHARED(float, x, 256);
  unsigned t = threadIdx.x;
  copy16_async(x, 4 * t, in, t < 50 ? 256 * blockIdx.x + 4 * t : 0, t < 50);
  wait_for_copies();
  __syncthreads();
  for (unsigned i = t; i < 256; i += 64) out[256 * blockIdx.x + i] = x[255 - i];
}

static void test_copies(void **) {
  float *in = device_floats(512, true);
  float *out = device_floats(512, false);
  for (uint64_t s = 0; s < SEEDS; s++) {
    emulator::seed(s);
    const char *fault = emulator::run(2, 64, CALL(copies_kernel(out, in)));
    if (fault) fail_msg("%s", fault);
    for (int i = 0; i < 512; i++) {
      int from = 255 - i % 256;
      assert_true(out[i] == (from < 200 ? in[i / 256 * 256 + from] : 0.0f));
    }
  }
  emulator::release(in);
  emulator::release(out);
}

static void test_tiles(void **) {
  float *left = device_floats(256, true);
  float *right = device_floats(256, true);
  float *out = device_floats(128, false);
  for (int i = 0; i < 256; i++) left[i] = static_cast<float>(i * 7 % 31) - 15;
  for (int i = 0; i < 256; i++) right[i] = static_cast<float>(i * 5 % 23) - 11;
  const char *fault = emulator::run(1, 32, CALL(product_kernel(out, left, right)));
  if (fault) fail_msg("%s", fault);
  for (int i = 0; i < 16; i++) {
    for (int j = 0; j < 8; j++) {
      float sum = 0;
      for (int k = 0; k < 16; k++) sum += left[i * 16 + k] * right[k * 16 + j];
      assert_true(out[i * 8 + j] == sum);
    }
  }
  emulator::release(left);
  emulator::release(right);
  emulator::release(out);
}

static void shuffle_kernel(global<float> out) {
  float mine = static_cast<float>(threadIdx.x);
  out[threadIdx.x] = C2_SHUFFLE(mine, threadIdx.x % 32 ^ 5u) + (C2_ANY(threadIdx.x == 40) ? 1000 : 0);
}

static void test_shuffles(void **) {
  float *out = device_floats(64, false);
  for (uint64_t s = 0; s < SEEDS; s++) {
    emulator::seed(s);
    assert_null(emulator::run(1, 64, CALL(shuffle_kernel(out))));
    for (unsigned t = 0; t < 64; t++) {
      assert_true(out[t] == static_cast<float>(t / 32 * 32 + (t % 32 ^ 5u)) + (t / 32 == 1 ? 1000 : 0));
    }
  }
  emulator::release(out);
}

/* ---- What is wrong ------------------------------------------------------------------------------ */

static void race_kernel() {
  C2_SHARED(float, sum, 1);
  sum[0] = static_cast<float>(threadIdx.x);
}

static void no_barrier_kernel(global<float> out, bool within_a_warp) {
  C2_SHARED(float, x, 64);
  unsigned other = within_a_warp ? threadIdx.x ^ 1u : 63 - threadIdx.x;
  x[threadIdx.x] = 1;
  x[other + 0] = 2; /* written twice, so that no order reads what was never written */
  out[threadIdx.x] = x[other];
}

static void one_warp_barrier_kernel(global<float> out) { /* enough for one warp only */
  C2_SHARED(float, x, 64);
  x[threadIdx.x] = 1;
  __syncwarp();
  out[threadIdx.x] = x[threadIdx.x ^ 33u];
}

static void late_barrier_kernel(global<float> out) { /* the next round's write meets this round's read */
  C2_SHARED(float, x, 64);
  for (int round = 0; round < 2; round++) {
    x[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = x[63 - threadIdx.x];
  }
}

static void shared_bounds_kernel() {
  C2_SHARED(float, x, 64);
  x[threadIdx.x + 1] = 1;
}

static void global_bounds_kernel(global<float> out) { out[threadIdx.x + 1] = 1; }

static void unwritten_kernel(global<float> out, bool in_shared) {
  C2_SHARED(float, x, 64);
  out[threadIdx.x] = in_shared ? static_cast<float>(x[threadIdx.x]) : static_cast<float>(out[threadIdx.x]);
}

static void divergence_kernel(bool leave) {
  if (threadIdx.x == 7 && leave) return;
  if (threadIdx.x % 2 == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

static void warp_divergence_kernel(global<float> out) {
  if (threadIdx.x < 5) out[threadIdx.x] = C2_SHUFFLE(1.0f, 0);
}

static void misaligned_kernel(global<const float> in) {
  C2_SHARED(float, x, 64);
  copy16_async(x, 1, in, 0, true);
}

/* A copy that is read before it has come, or before it has come for others; or whose place is still read. */
enum lapse { NOT_WAITED, NO_BARRIER, TOO_EARLY };

static void early_kernel(global<float> out, global<const float> in, lapse which) {
  C2_SHARED(float, x, 256);
  if (which == TOO_EARLY) {
    copy16_async(x, 4 * threadIdx.x, in, 0, true);
    wait_for_copies();
    __syncthreads();
    out[threadIdx.x] = x[255 - threadIdx.x];
  }
  copy16_async(x, 4 * threadIdx.x, in, 0, true);
  if (which != NOT_WAITED) wait_for_copies();
  if (which != NO_BARRIER) __syncthreads();
  out[threadIdx.x] = x[255 - threadIdx.x];
}

static void two_blocks_kernel(global<float> out) { out[threadIdx.x] = 1; }

static void block_reads_kernel(global<float> out) {
  if (blockIdx.x == 0) out[threadIdx.x] = 1;
  else out[threadIdx.x + 64] = out[threadIdx.x];
}

static void greedy_kernel() {
  C2_SHARED(float, x, 13000);
  x[threadIdx.x] = 1;
}

static void test_faults(void **) {
  float *out = device_floats(64, false);
  float *in = device_floats(128, true);
  expect_fault(1, 32, CALL(race_kernel()), "a race: two threads write element 0");
  expect_fault(1, 64, CALL(no_barrier_kernel(out, false)), "a race");
  expect_fault(1, 64, CALL(no_barrier_kernel(out, true)), "a race");
  expect_fault(1, 64, CALL(one_warp_barrier_kernel(out)), "shared array");
  expect_fault(1, 64, CALL(late_barrier_kernel(out)), "a race");
  expect_fault(1, 64, CALL(shared_bounds_kernel()), "element 64 of the 64");
  expect_fault(1, 64, CALL(global_bounds_kernel(out)), "256 bytes into an allocation of 256");
  expect_fault(1, 64, CALL(unwritten_kernel(out, true)), "never written");
  emulator::release(out);
  out = device_floats(64, false);
  expect_fault(1, 64, CALL(unwritten_kernel(out, false)), "never written");
  expect_fault(1, 64, CALL(divergence_kernel(false)), "threads diverge");
  expect_fault(1, 64, CALL(divergence_kernel(true)), "threads diverge");
  expect_fault(1, 32, CALL(warp_divergence_kernel(out)), "threads diverge");
  expect_fault(1, 32, CALL(misaligned_kernel(in)), "misaligned");
  expect_fault(1, 64, CALL(early_kernel(out, in, NOT_WAITED)), "never written");
  expect_fault(1, 64, CALL(early_kernel(out, in, NO_BARRIER)), "shared array");
  expect_fault(1, 64, CALL(early_kernel(out, in, TOO_EARLY)), "a race");
  expect_fault(2, 64, CALL(two_blocks_kernel(out)), "another block");
  expect_fault(2, 64, CALL(block_reads_kernel(in)), "another block");
  expect_fault(1, 32, CALL(greedy_kernel()), "a block has 48 KiB");
  expect_fault(1, 33, CALL(greedy_kernel()), "whole warps");
  emulator::release(out);
  emulator::release(in);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reduction), cmocka_unit_test(test_tiles), cmocka_unit_test(test_copies),
                                     cmocka_unit_test(test_shuffles), cmocka_unit_test(test_faults)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
