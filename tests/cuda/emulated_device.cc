/* The table of src/cuda/device.h on the emulator: the kernels are those of the CUDA library, products are plain loops.
 * CHRONOS2_EMULATOR_SEED chooses the order in which blocks and threads run. */
#define C2_EMULATED
#include "emulator.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "cuda/device.h"

static c2_status fail(c2_error *err, c2_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (err) {
    err->code = code;
    vsnprintf(err->text, sizeof err->text, format, args);
  }
  va_end(args);
  return code;
}

static c2_status launch(const char *name, c2_error *err, dim3 grid, unsigned threads,
                        const std::function<void()> &kernel) {
  const char *fault = emulator::run(grid, threads, kernel);
  return fault ? fail(err, C2_ERR_IO, "emulated kernel %s: %s", name, fault) : C2_OK;
}

#define C2_LAUNCH(device, err, kernel, grid, threads, arguments) \
  ((void)(device), launch(#kernel, err, grid, threads, [&] { kernel(arguments); }))

#include "cuda/operations.cuh"

struct c2_device {
  size_t allocations;
};

static c2_status open_device(size_t index, c2_device **device, c2_error *err) {
  if (index != 0) return fail(err, C2_ERR_ARGUMENT, "device cuda:%zu: only one device is emulated", index);
  const char *seed = getenv("CHRONOS2_EMULATOR_SEED");
  emulator::seed(seed ? strtoull(seed, nullptr, 10) : 1);
  *device = new c2_device{0};
  return C2_OK;
}

static void close_device(c2_device *device) {
  if (device && device->allocations > 0) {
    fprintf(stderr, "emulated device: %zu allocations were not released\n", device->allocations);
    abort();
  }
  delete device;
}

static const char *name_of(const c2_device *) { return "emulated device"; }

static c2_status allocate(c2_device *device, size_t bytes, void **memory, c2_error *err) {
  *memory = emulator::allocate(bytes);
  if (!*memory) return fail(err, C2_ERR_MEMORY, "no memory for %zu bytes", bytes);
  device->allocations++;
  return C2_OK;
}

static void release(c2_device *device, void *memory) {
  if (memory) device->allocations--;
  if (memory) emulator::release(memory);
}

static c2_status check(const void *memory, size_t bytes, const char *what, c2_error *err) {
  if (emulator::holds(memory, bytes)) return C2_OK;
  return fail(err, C2_ERR_IO, "emulated %s: %zu bytes lie in no allocation", what, bytes);
}

static c2_status upload(c2_device *, void *to, const void *from, size_t bytes, c2_error *err) {
  C2_TRY(check(to, bytes, "upload", err));
  memcpy(to, from, bytes);
  emulator::mark_written(to, bytes);
  return C2_OK;
}

static c2_status download(c2_device *, void *to, const void *from, size_t bytes, c2_error *err) {
  C2_TRY(check(from, bytes, "download", err));
  memcpy(to, from, bytes);
  return C2_OK;
}

/* A row of an operand as float32. */
static void read_row(std::vector<float> &to, const void *from, c2_gpu_element type, size_t first) {
  for (size_t i = 0; i < to.size(); i++) {
    to[i] = type == C2_GPU_BF16 ? to_float(static_cast<const bf16 *>(from)[first + i])
                            : static_cast<const float *>(from)[first + i];
  }
}

static c2_status product(c2_device *, const c2_gpu_product *p, c2_error *err) {
  size_t size = p->type == C2_GPU_BF16 ? 2 : 4;
  size_t c_size = p->c_type == C2_GPU_BF16 ? 2 : 4;
  if (p->rows == 0) return C2_OK;
  if (p->columns % 8 != 0 || p->depth % 8 != 0 || p->a_stride % 8 != 0 || p->c_stride % 8 != 0) {
    return fail(err, C2_ERR_ARGUMENT, "emulated product: sizes %zu, %zu, strides %zu, %zu: expected multiples of 8",
                p->columns, p->depth, p->a_stride, p->c_stride);
  }
  if (p->accumulate && (p->bias || p->c_type != C2_GPU_FLOAT)) {
    return fail(err, C2_ERR_ARGUMENT, "emulated product: sums are added up in float32, without bias");
  }
  C2_TRY(check(p->a, ((p->rows - 1) * p->a_stride + p->depth) * size, "product's A", err));
  C2_TRY(check(p->w, p->columns * p->depth * size, "product's W", err));
  C2_TRY(check(p->c, ((p->rows - 1) * p->c_stride + p->columns) * c_size, "product's C", err));
  std::vector<float> w(p->columns * p->depth);
  std::vector<float> a(p->depth);
  read_row(w, p->w, p->type, 0);
  for (size_t i = 0; i < p->rows; i++) {
    read_row(a, p->a, p->type, i * p->a_stride);
    for (size_t j = 0; j < p->columns; j++) {
      size_t at = i * p->c_stride + j;
      float sum = 0;
      for (size_t d = 0; d < p->depth; d++) sum += a[d] * w[j * p->depth + d];
      if (p->bias) sum += p->bias[j];
      if (p->accumulate) sum += static_cast<float *>(p->c)[at];
      if (p->relu && !(sum > 0)) sum = 0;
      if (p->c_type == C2_GPU_BF16) static_cast<bf16 *>(p->c)[at] = from_float<bf16>(sum);
      else static_cast<float *>(p->c)[at] = sum;
    }
    emulator::mark_written(static_cast<char *>(p->c) + i * p->c_stride * c_size, p->columns * c_size);
  }
  return C2_OK;
}

static const c2_device_table table = {C2_DEVICE_VERSION, open_device, close_device, name_of,   allocate,
                                      release,           upload,      download,     product,   run_features,
                                      run_norm,          run_rotate,  run_copy,     run_round, run_attend,
                                      run_attend_seats,  run_invert};

extern "C" const c2_device_table *c2_cuda_device_table(void);
extern "C" __attribute__((visibility("default"))) const c2_device_table *c2_cuda_device_table(void) { return &table; }
