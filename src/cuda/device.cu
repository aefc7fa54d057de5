/* The table of device.h on a GPU: memory, launches and products. One stream a device object; what it starts runs in
 * order. cuBLASLt is loaded at run time, and the CUDA runtime is linked in: the library needs nothing but a driver. */
#include "cuda/dialect.cuh"

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>

#include <new>

#include "cuda/device.h"

enum { WORKSPACE = 32 << 20 }; /* bytes that a product may use */

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

/* ---- cuBLASLt ----------------------------------------------------------------------------------- */

/* The functions in use, by their declarations. */
#define C2_CUBLASLT(X)          \
  X(cublasLtCreate)             \
  X(cublasLtDestroy)            \
  X(cublasLtMatmul)             \
  X(cublasLtMatmulDescCreate)   \
  X(cublasLtMatmulDescDestroy)  \
  X(cublasLtMatmulDescSetAttribute) \
  X(cublasLtMatrixLayoutCreate) \
  X(cublasLtMatrixLayoutDestroy) \
  X(cublasLtMatmulPreferenceCreate) \
  X(cublasLtMatmulPreferenceDestroy) \
  X(cublasLtMatmulPreferenceSetAttribute) \
  X(cublasLtMatmulAlgoGetHeuristic)

#define C2_MEMBER(name) decltype(&name) name##_;
struct cublaslt {
  C2_CUBLASLT(C2_MEMBER)
};

static c2_status load_cublaslt(cublaslt *lt, c2_error *err) {
  char name[64];
  snprintf(name, sizeof name, "libcublasLt.so.%d", CUBLAS_VER_MAJOR);
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return fail(err, C2_ERR_UNSUPPORTED, "device cuda: %s; expected cuBLAS %d where libraries are found", dlerror(),
                CUBLAS_VER_MAJOR);
  }
#define C2_FIND(name)                                                                          \
  lt->name##_ = reinterpret_cast<decltype(&name)>(dlsym(library, #name));                      \
  if (!lt->name##_) return fail(err, C2_ERR_UNSUPPORTED, "device cuda: cuBLAS has no " #name);
  C2_CUBLASLT(C2_FIND)
  return C2_OK;
}

/* A product that has been prepared: what it depends on, and how cuBLASLt does it. */
struct prepared {
  size_t rows, columns, depth, a_stride, c_stride;
  uint32_t alignment; /* of all three matrices, in bytes */
  c2_gpu_element type, c_type;
  bool bias, relu, accumulate;
  cublasLtMatmulDesc_t description;
  cublasLtMatrixLayout_t w, a, c;
  cublasLtMatmulAlgo_t algorithm;
};

static const size_t MOST_PREPARED = 64; /* a pass has about ten; then the oldest go */

struct c2_device {
  int index;
  cudaStream_t stream;
  char name[256];
  cublaslt lt;
  cublasLtHandle_t handle;
  void *workspace;
  prepared products[MOST_PREPARED];
  size_t product_count;
};

static c2_status check(cudaError_t code, const char *what, c2_error *err) {
  if (code == cudaSuccess) return C2_OK;
  c2_status status = code == cudaErrorMemoryAllocation ? C2_ERR_MEMORY : C2_ERR_IO;
  return fail(err, status, "device cuda: %s: %s", what, cudaGetErrorString(code));
}

static c2_status check_lt(cublasStatus_t code, const char *what, const c2_gpu_product *p, c2_error *err) {
  if (code == CUBLAS_STATUS_SUCCESS) return C2_OK;
  return fail(err, C2_ERR_IO, "device cuda: %s of %zu x %zu x %zu: cuBLAS status %d", what, p->rows, p->columns,
              p->depth, (int)code);
}

/* Every thread has a current device of its own. */
static c2_status use(const c2_device *device, c2_error *err) {
  return check(cudaSetDevice(device->index), "choosing the device", err);
}

#define C2_LAUNCH(device, err, kernel, grid, threads, arguments) \
  (use(device, err) != C2_OK ? C2_ERR_IO                         \
                             : (kernel<<<(grid), (threads), 0, (device)->stream>>>(arguments), \
                                check(cudaGetLastError(), #kernel, err)))

#include "cuda/operations.cuh"

/* ---- Products ----------------------------------------------------------------------------------- */

static cudaDataType_t data_type(c2_gpu_element type) {
  return type == C2_GPU_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

/* What the addresses are multiples of: cuBLAS takes 256 for granted where it isn't told. */
static uint32_t alignment_of(const c2_gpu_product *p) {
  uintptr_t bits = (uintptr_t)p->a | (uintptr_t)p->w | (uintptr_t)p->c | 256;
  return (uint32_t)(bits & (~bits + 1));
}

static bool fits(const prepared *q, const c2_gpu_product *p) {
  return q->rows == p->rows && q->columns == p->columns && q->depth == p->depth && q->a_stride == p->a_stride &&
         q->c_stride == p->c_stride && q->type == p->type && q->c_type == p->c_type && q->bias == (p->bias != NULL) &&
         q->relu == p->relu && q->accumulate == p->accumulate && q->alignment == alignment_of(p);
}

static void forget(const c2_device *device, const prepared *q) {
  if (q->c) device->lt.cublasLtMatrixLayoutDestroy_(q->c);
  if (q->a) device->lt.cublasLtMatrixLayoutDestroy_(q->a);
  if (q->w) device->lt.cublasLtMatrixLayoutDestroy_(q->w);
  if (q->description) device->lt.cublasLtMatmulDescDestroy_(q->description);
}

/* cuBLAS counts columns first: C^T = W A^T, where W, row by row, is a transposed matrix. */
static c2_status describe(c2_device *device, const c2_gpu_product *p, prepared *q, c2_error *err) {
  const cublaslt *lt = &device->lt;
  cublasOperation_t transposed = CUBLAS_OP_T;
  cublasLtEpilogue_t epilogue = p->bias ? (p->relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS)
                                        : (p->relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT);
  C2_TRY(check_lt(lt->cublasLtMatmulDescCreate_(&q->description, CUBLAS_COMPUTE_32F, CUDA_R_32F), "a product", p, err));
  C2_TRY(check_lt(lt->cublasLtMatmulDescSetAttribute_(q->description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                                      sizeof transposed), "a product", p, err));
  C2_TRY(check_lt(lt->cublasLtMatmulDescSetAttribute_(q->description, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                                      sizeof epilogue), "a product", p, err));
  C2_TRY(check_lt(lt->cublasLtMatrixLayoutCreate_(&q->w, data_type(p->type), p->depth, p->columns, (int64_t)p->depth),
                  "a matrix", p, err));
  C2_TRY(check_lt(lt->cublasLtMatrixLayoutCreate_(&q->a, data_type(p->type), p->depth, p->rows, (int64_t)p->a_stride),
                  "a matrix", p, err));
  return check_lt(lt->cublasLtMatrixLayoutCreate_(&q->c, data_type(p->c_type), p->columns, p->rows,
                                                  (int64_t)p->c_stride), "a matrix", p, err);
}

static c2_status choose(c2_device *device, const c2_gpu_product *p, prepared *q, c2_error *err) {
  const cublaslt *lt = &device->lt;
  cublasLtMatmulPreference_t preference = NULL;
  cublasLtMatmulHeuristicResult_t found = {};
  uint64_t room = WORKSPACE;
  uint32_t alignment = alignment_of(p);
  const cublasLtMatmulPreferenceAttributes_t aligned[] = {
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
  int count = 0;
  C2_TRY(check_lt(lt->cublasLtMatmulPreferenceCreate_(&preference), "a preference", p, err));
  cublasStatus_t code = lt->cublasLtMatmulPreferenceSetAttribute_(
      preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room, sizeof room);
  for (size_t i = 0; i < 4 && code == CUBLAS_STATUS_SUCCESS; i++) {
    code = lt->cublasLtMatmulPreferenceSetAttribute_(preference, aligned[i], &alignment, sizeof alignment);
  }
  if (code == CUBLAS_STATUS_SUCCESS) {
    code = lt->cublasLtMatmulAlgoGetHeuristic_(device->handle, q->description, q->w, q->a, q->c, q->c, preference, 1,
                                               &found, &count);
  }
  lt->cublasLtMatmulPreferenceDestroy_(preference);
  C2_TRY(check_lt(code, "the algorithm", p, err));
  if (count == 0) return check_lt(CUBLAS_STATUS_NOT_SUPPORTED, "the algorithm", p, err);
  q->algorithm = found.algo;
  return C2_OK;
}

static c2_status prepare(c2_device *device, const c2_gpu_product *p, prepared **out, c2_error *err) {
  size_t known = device->product_count < MOST_PREPARED ? device->product_count : MOST_PREPARED;
  for (size_t i = 0; i < known; i++) {
    *out = &device->products[i];
    if (fits(*out, p)) return C2_OK;
  }
  prepared *q = &device->products[device->product_count % MOST_PREPARED];
  if (device->product_count >= MOST_PREPARED) forget(device, q);
  *q = prepared{};
  c2_status status = describe(device, p, q, err);
  if (status == C2_OK) status = choose(device, p, q, err);
  if (status != C2_OK) {
    forget(device, q);
    *q = prepared{};
    return status;
  }
  q->rows = p->rows;
  q->columns = p->columns;
  q->depth = p->depth;
  q->a_stride = p->a_stride;
  q->c_stride = p->c_stride;
  q->type = p->type;
  q->c_type = p->c_type;
  q->bias = p->bias != NULL;
  q->relu = p->relu;
  q->alignment = alignment_of(p);
  q->accumulate = p->accumulate;
  device->product_count++;
  *out = q;
  return C2_OK;
}

static c2_status product(c2_device *device, const c2_gpu_product *p, c2_error *err) {
  prepared *q = NULL;
  float one = 1;
  float beta = p->accumulate ? 1 : 0;
  if (p->rows == 0) return C2_OK;
  C2_TRY(use(device, err));
  C2_TRY(prepare(device, p, &q, err));
  if (p->bias) {
    C2_TRY(check_lt(device->lt.cublasLtMatmulDescSetAttribute_(q->description, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                                               &p->bias, sizeof p->bias), "the bias", p, err));
  }
  return check_lt(device->lt.cublasLtMatmul_(device->handle, q->description, &one, p->w, q->w, p->a, q->a, &beta, p->c,
                                             q->c, p->c, q->c, &q->algorithm, device->workspace, WORKSPACE,
                                             device->stream), "a product", p, err);
}

/* ---- The device --------------------------------------------------------------------------------- */

static void close_device(c2_device *device) {
  if (!device) return;
  cudaSetDevice(device->index);
  size_t known = device->product_count < MOST_PREPARED ? device->product_count : MOST_PREPARED;
  for (size_t i = 0; i < known; i++) forget(device, &device->products[i]);
  if (device->handle) device->lt.cublasLtDestroy_(device->handle);
  if (device->workspace) cudaFree(device->workspace);
  if (device->stream) cudaStreamDestroy(device->stream);
  delete device;
}

static c2_status find_device(size_t index, cudaDeviceProp *properties, c2_error *err) {
  int count = 0;
  cudaError_t code = cudaGetDeviceCount(&count);
  if (code == cudaErrorInsufficientDriver) {
    return fail(err, C2_ERR_UNSUPPORTED, "device cuda: no NVIDIA driver, or one older than CUDA %d.%d needs",
                CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
  }
  if (code == cudaErrorNoDevice || (code == cudaSuccess && count == 0)) {
    return fail(err, C2_ERR_UNSUPPORTED, "device cuda: the driver sees no GPU");
  }
  C2_TRY(check(code, "counting devices", err));
  if (index >= (size_t)count) {
    return fail(err, C2_ERR_ARGUMENT, "device cuda:%zu: expected a number below %d", index, count);
  }
  C2_TRY(check(cudaGetDeviceProperties(properties, (int)index), "reading the device's properties", err));
  if (properties->major < 8) {
    return fail(err, C2_ERR_UNSUPPORTED, "device cuda:%zu: %s has compute capability %d.%d; expected at least 8.0",
                index, properties->name, properties->major, properties->minor);
  }
  return C2_OK;
}

static c2_status begin(c2_device *device, c2_error *err) {
  C2_TRY(load_cublaslt(&device->lt, err));
  C2_TRY(use(device, err));
  C2_TRY(check(cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking), "making a stream", err));
  C2_TRY(check(cudaMalloc(&device->workspace, WORKSPACE), "allocating memory", err));
  if (device->lt.cublasLtCreate_(&device->handle) != CUBLAS_STATUS_SUCCESS) {
    return fail(err, C2_ERR_IO, "device cuda: cuBLAS doesn't start");
  }
  return C2_OK;
}

static c2_status open_device(size_t index, c2_device **out, c2_error *err) {
  cudaDeviceProp properties;
  C2_TRY(find_device(index, &properties, err));
  c2_device *device = new (std::nothrow) c2_device{};
  if (!device) return fail(err, C2_ERR_MEMORY, "device cuda: no memory");
  device->index = (int)index;
  snprintf(device->name, sizeof device->name, "%s", properties.name);
  c2_status status = begin(device, err);
  if (status != C2_OK) {
    close_device(device);
    return status;
  }
  *out = device;
  return C2_OK;
}

static const char *name_of(const c2_device *device) { return device->name; }

static c2_status allocate(c2_device *device, size_t bytes, void **memory, c2_error *err) {
  C2_TRY(use(device, err));
  if (cudaMalloc(memory, bytes ? bytes : 1) == cudaSuccess) return C2_OK;
  cudaGetLastError();
  *memory = NULL;
  return fail(err, C2_ERR_MEMORY, "device cuda: %s has no %zu bytes left", device->name, bytes);
}

static void release(c2_device *device, void *memory) {
  cudaSetDevice(device->index);
  cudaFree(memory); /* waits for what still uses it */
}

/* Pageable memory: the call returns once the bytes have been read, and runs in the stream's order. */
static c2_status upload(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err) {
  C2_TRY(use(device, err));
  C2_TRY(check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream), "copying to it", err));
  return check(cudaStreamSynchronize(device->stream), "copying to it", err);
}

static c2_status download(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err) {
  C2_TRY(use(device, err));
  C2_TRY(check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream), "copying from it", err));
  return check(cudaStreamSynchronize(device->stream), "a pass", err);
}

static const c2_device_table table = {C2_DEVICE_VERSION, open_device, close_device,     name_of,     allocate,
                                      release,           upload,      download,         product,     run_features,
                                      run_norm,          run_rotate,  run_copy,         run_round,   run_attend,
                                      run_attend_seats,  run_invert};

extern "C" __attribute__((visibility("default"))) const c2_device_table *c2_cuda_device_table(void) { return &table; }
