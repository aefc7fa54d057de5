/* The table of src/cuda/device.h on the emulator: the kernels are those of the CUDA library, products are plain loops.
 * CHRONOS2_EMULATOR_SEED chooses the order in which blocks and threads run. */
#define C2_EMULATED
#include "emulator.h"

#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "cuda/device.h"
#include "cuda/failure.h"

/* Started operations that wait in a graph for being run. */
struct c2_gpu_graph {
  std::vector<std::function<c2_status(c2_error *)>> operations;
};

struct c2_device {
  c2_gpu_graph *captured = nullptr; /* while operations are recorded */
};

/* The emulator runs one kernel at a time; sessions may be used by several threads. */
static std::recursive_mutex one_at_a_time;
typedef std::lock_guard<std::recursive_mutex> turn;

enum { DEVICES = 2 }; /* they share a memory */

static size_t opened, allocations, replays;

/* Runs an operation, or records it. CHRONOS2_EMULATOR_RECORDED: so many are recorded, and the next one fails. */
static c2_status start(c2_device *device, c2_error *err, std::function<c2_status(c2_error *)> operation) {
  turn mine(one_at_a_time);
  if (!device->captured) return operation(err);
  const char *most = getenv("CHRONOS2_EMULATOR_RECORDED");
  if (most && device->captured->operations.size() >= strtoull(most, nullptr, 10)) {
    return c2_gpu_fail(err, C2_ERR_MEMORY, "device cuda: emulated device records %s operations", most);
  }
  device->captured->operations.push_back(std::move(operation));
  return C2_OK;
}

static c2_status launch(const char *name, c2_error *err, dim3 grid, unsigned threads,
                        const std::function<void()> &kernel) {
  const char *fault = emulator::run(grid, threads, kernel);
  return fault ? c2_gpu_fail(err, C2_ERR_IO, "emulated kernel %s: %s", name, fault) : C2_OK;
}

/* As on a GPU a launch has its arguments from the moment it was recorded, and its data from when it runs. */
#define C2_LAUNCH(device, err, kernel, grid, threads, arguments)                           \
  start(device, err, [given = (arguments), blocks = (grid)](c2_error *error) {             \
    return launch(#kernel, error, blocks, threads, [&] { kernel(given); });                \
  })

#include "cuda/operations.cuh"

static c2_status open_device(size_t index, c2_device **device, c2_error *err) {
  turn mine(one_at_a_time);
  if (index >= DEVICES) {
    return c2_gpu_fail(err, C2_ERR_UNSUPPORTED, "device cuda:%zu: expected a number below %d", index, DEVICES);
  }
  const char *seed = getenv("CHRONOS2_EMULATOR_SEED");
  const char *capability = getenv("CHRONOS2_EMULATOR_CAPABILITY"); /* as "7.5" */
  if (capability && strlen(capability) == 3) {
    C2_TRY(c2_gpu_check_capability(index, "emulated device", capability[0] - '0', capability[2] - '0', err));
  }
  if (opened++ == 0) emulator::seed(seed ? strtoull(seed, nullptr, 10) : 1);
  *device = new c2_device;
  return C2_OK;
}

/* CHRONOS2_EMULATOR_TELLS: how many graphs ran, once no device is open. */
static void close_device(c2_device *device) {
  turn mine(one_at_a_time);
  if (!device) return;
  if (--opened == 0 && allocations > 0) {
    fprintf(stderr, "emulated device: %zu allocations were not released\n", allocations);
    abort();
  }
  if (opened == 0 && getenv("CHRONOS2_EMULATOR_TELLS")) fprintf(stderr, "emulated device: %zu graphs ran\n", replays);
  delete device;
}

/* What a GPU refuses between `capture` and `captured`. */
static c2_status check_free(const c2_device *device, const char *what, c2_error *err) {
  return device->captured ? c2_gpu_fail(err, C2_ERR_IO, "emulated device: %s while operations are recorded", what) : C2_OK;
}

/* CHRONOS2_EMULATOR_MEMORY: no more than so many bytes at once. */
static c2_status allocate(c2_device *device, size_t bytes, void **memory, c2_error *err) {
  turn mine(one_at_a_time);
  const char *limit = getenv("CHRONOS2_EMULATOR_MEMORY");
  *memory = nullptr;
  C2_TRY(check_free(device, "an allocation", err));
  if (!limit || emulator::allocated() + bytes <= strtoull(limit, nullptr, 10)) *memory = emulator::allocate(bytes);
  if (!*memory) return c2_gpu_fail(err, C2_ERR_MEMORY, "device cuda: emulated device has no %zu bytes left", bytes);
  allocations++;
  return C2_OK;
}

static void release(c2_device *, void *memory) {
  turn mine(one_at_a_time);
  if (memory) allocations--;
  if (memory) emulator::release(memory);
}

static c2_status check(const void *memory, size_t bytes, const char *what, c2_error *err) {
  if (emulator::holds(memory, bytes)) return C2_OK;
  return c2_gpu_fail(err, C2_ERR_IO, "emulated %s: %zu bytes lie in no allocation", what, bytes);
}

static c2_status upload(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err) {
  turn mine(one_at_a_time);
  C2_TRY(check_free(device, "a copy", err));
  C2_TRY(check(to, bytes, "upload", err));
  memcpy(to, from, bytes);
  emulator::mark_written(to, bytes);
  return C2_OK;
}

static c2_status download(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err) {
  turn mine(one_at_a_time);
  C2_TRY(check_free(device, "a copy", err));
  C2_TRY(check(from, bytes, "download", err));
  memcpy(to, from, bytes);
  return C2_OK;
}

static c2_status wait_for(c2_device *device, c2_error *err) {
  turn mine(one_at_a_time);
  return check_free(device, "a wait", err);
}

static size_t overhead(const c2_device *) { return 0; }

/* ---- Graphs ------------------------------------------------------------------------------------- */

static c2_status capture(c2_device *device, c2_error *err) {
  turn mine(one_at_a_time);
  C2_TRY(check_free(device, "a capture", err));
  device->captured = new c2_gpu_graph;
  return C2_OK;
}

static c2_status captured(c2_device *device, c2_gpu_graph **graph, c2_error *err) {
  turn mine(one_at_a_time);
  *graph = device->captured;
  device->captured = nullptr;
  return *graph ? C2_OK : c2_gpu_fail(err, C2_ERR_IO, "emulated device: nothing is recorded");
}

static c2_status replay(c2_device *device, c2_gpu_graph *graph, c2_error *err) {
  turn mine(one_at_a_time);
  C2_TRY(check_free(device, "a graph", err));
  replays++;
  for (auto &operation : graph->operations) C2_TRY(operation(err));
  return C2_OK;
}

static void forget(c2_device *, c2_gpu_graph *graph) { delete graph; }

/* For tests: graphs that ran since the program began, and bytes that are allocated. */
extern "C" size_t c2_emulated_replays(void);
extern "C" size_t c2_emulated_replays(void) { return replays; }

extern "C" size_t c2_emulated_bytes(void);
extern "C" size_t c2_emulated_bytes(void) { return emulator::allocated(); }

/* ---- Products ----------------------------------------------------------------------------------- */

/* Ten bits of the fraction, rounded to nearest. */
static float to_tf32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x1000u) & ~0x1fffu;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

/* A row of an operand as float32. */
static void read_row(std::vector<float> &to, const void *from, c2_gpu_element type, size_t first) {
  for (size_t i = 0; i < to.size(); i++) {
    to[i] = type == C2_GPU_BF16 ? to_float(static_cast<const bf16 *>(from)[first + i])
                                : static_cast<const float *>(from)[first + i];
    if (type == C2_GPU_TF32) to[i] = to_tf32(to[i]);
  }
}

/* What a product reads has been written before, row by row. */
static c2_status check_read(const void *memory, size_t rows, size_t stride, size_t bytes, const char *what,
                            c2_error *err) {
  C2_TRY(check(memory, (rows - 1) * stride + bytes, what, err));
  for (size_t i = 0; i < rows; i++) {
    if (emulator::written(static_cast<const char *>(memory) + i * stride, bytes)) continue;
    return c2_gpu_fail(err, C2_ERR_IO, "emulated %s: a read of global memory that was never written", what);
  }
  return C2_OK;
}

/* CHRONOS2_EMULATOR_ALGORITHMS: products add up in another order for another number of rows, as cuBLAS may. */
static size_t first_addend(const c2_gpu_product *p) {
  return getenv("CHRONOS2_EMULATOR_ALGORITHMS") ? p->rows % p->depth : 0;
}

static c2_status multiply(const c2_gpu_product *p, c2_error *err) {
  size_t size = p->type == C2_GPU_BF16 ? 2 : 4;
  size_t c_size = p->c_type == C2_GPU_BF16 ? 2 : 4;
  if (p->rows == 0) return C2_OK;
  if (p->columns % 8 != 0 || p->depth % 8 != 0 || p->a_stride % 8 != 0 || p->c_stride % 8 != 0) {
    return c2_gpu_fail(err, C2_ERR_ARGUMENT, "emulated product: sizes %zu, %zu, strides %zu, %zu: expected multiples of 8",
                p->columns, p->depth, p->a_stride, p->c_stride);
  }
  if (p->accumulate && (p->bias || p->c_type != C2_GPU_FLOAT)) {
    return c2_gpu_fail(err, C2_ERR_ARGUMENT, "emulated product: sums are added up in float32, without bias");
  }
  C2_TRY(check_read(p->a, p->rows, p->a_stride * size, p->depth * size, "product's A", err));
  C2_TRY(check_read(p->w, p->columns, p->depth * size, p->depth * size, "product's W", err));
  if (p->bias) C2_TRY(check_read(p->bias, 1, 0, p->columns * sizeof(float), "product's bias", err));
  C2_TRY(check(p->c, ((p->rows - 1) * p->c_stride + p->columns) * c_size, "product's C", err));
  if (p->accumulate) C2_TRY(check_read(p->c, p->rows, p->c_stride * c_size, p->columns * c_size, "product's C", err));
  std::vector<float> w(p->columns * p->depth);
  std::vector<float> a(p->depth);
  size_t first = first_addend(p);
  read_row(w, p->w, p->type, 0);
  for (size_t i = 0; i < p->rows; i++) {
    read_row(a, p->a, p->type, i * p->a_stride);
    for (size_t j = 0; j < p->columns; j++) {
      size_t at = i * p->c_stride + j;
      float sum = 0;
      for (size_t d = first; d < p->depth; d++) sum += a[d] * w[j * p->depth + d];
      for (size_t d = 0; d < first; d++) sum += a[d] * w[j * p->depth + d];
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

static c2_status run_product(c2_device *device, const c2_gpu_product *p, c2_error *err) {
  return start(device, err, [given = *p](c2_error *error) { return multiply(&given, error); });
}

#define C2_ENTRY(name) , run_##name
static const c2_device_table table = {C2_DEVICE_VERSION, open_device, close_device, allocate, release, upload,
                                      download, wait_for, overhead, capture, captured, replay,
                                      forget C2_GPU_OPERATIONS(C2_ENTRY)};

extern "C" const c2_device_table *c2_cuda_device_table(void);
extern "C" __attribute__((visibility("default"))) const c2_device_table *c2_cuda_device_table(void) { return &table; }
