/* The table of device.h on a GPU: memory, launches and graphs. One stream a device object; what it starts runs in order.
 * The CUDA runtime is linked in and cuBLAS is loaded at run time: the library needs nothing but a driver. */
#include "cuda/dialect.cuh"

#include <cuda_runtime.h>
#include <dlfcn.h>

#include <new>

#include "cuda/device.h"
#include "cuda/failure.h"
#include "cuda/products.h"

struct c2_device {
  int index;
  cudaStream_t stream;
  char name[256];
  c2_products *products;
};

static c2_status check(cudaError_t code, const char *what, c2_error *err) {
  if (code == cudaSuccess) return C2_OK;
  cudaGetLastError(); /* or the next launch would fail with it */
  c2_status status = code == cudaErrorMemoryAllocation ? C2_ERR_MEMORY : C2_ERR_IO;
  return c2_gpu_fail(err, status, "device cuda: %s: %s", what, cudaGetErrorString(code));
}

/* Whether the process computes on a device. To choose another one takes memory there, for a context that nobody wants. */
static bool in_use(int index) {
  void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (!driver) return false;
  auto state = reinterpret_cast<int (*)(int, unsigned *, int *)>(dlsym(driver, "cuDevicePrimaryCtxGetState"));
  unsigned flags = 0;
  int active = 0;
  if (state && state(index, &flags, &active) != 0) active = 0;
  dlclose(driver);
  return active != 0;
}

/* Every thread has a current device of its own. In this object's life that is ours; then it is the caller's again, who
 * may compute on another. Where the caller's isn't in use yet, ours stays. */
class visit {
  int before = 0, index;
  cudaError_t code;

 public:
  explicit visit(const c2_device *device) : index(device->index) {
    code = cudaGetDevice(&before);
    if (code == cudaSuccess) code = cudaSetDevice(index);
  }
  visit(const visit &) = delete;
  visit &operator=(const visit &) = delete;
  ~visit() {
    if (before != index && in_use(before)) cudaSetDevice(before);
  }
  c2_status arrive(c2_error *err) const { return check(code, "choosing the device", err); }
};

template <class A>
static c2_status launch(c2_device *device, const char *name, void (*kernel)(A), dim3 grid, unsigned threads, const A &a,
                        c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  kernel<<<grid, threads, 0, device->stream>>>(a);
  return check(cudaGetLastError(), name, err);
}

#define C2_LAUNCH(device, err, kernel, grid, threads, arguments) \
  launch((device), #kernel, kernel, (grid), (threads), (arguments), (err))

#include "cuda/operations.cuh"

/* ---- The device --------------------------------------------------------------------------------- */

static void close_device(c2_device *device) {
  if (!device) return;
  visit here(device);
  c2_products_close(device->products);
  if (device->stream) cudaStreamDestroy(device->stream);
  delete device;
}

static c2_status find_device(size_t index, cudaDeviceProp *properties, c2_error *err) {
  int count = 0;
  cudaError_t code = cudaGetDeviceCount(&count);
  if (code == cudaErrorInsufficientDriver) {
    return c2_gpu_fail(err, C2_ERR_UNSUPPORTED, "device cuda: no NVIDIA driver, or one older than CUDA %d.%d needs",
                CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
  }
  if (code == cudaErrorNoDevice || (code == cudaSuccess && count == 0)) {
    return c2_gpu_fail(err, C2_ERR_UNSUPPORTED, "device cuda: the driver sees no GPU");
  }
  C2_TRY(check(code, "counting devices", err));
  if (index >= (size_t)count) {
    return c2_gpu_fail(err, C2_ERR_UNSUPPORTED, "device cuda:%zu: expected a number below %d", index, count);
  }
  C2_TRY(check(cudaGetDeviceProperties(properties, (int)index), "reading the device's properties", err));
  return c2_gpu_check_capability(index, properties->name, properties->major, properties->minor, err);
}

static c2_status begin(c2_device *device, c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  C2_TRY(check(cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking), "making a stream", err));
  return c2_products_open(&device->products, device->stream, err);
}

static c2_status open_device(size_t index, c2_device **out, c2_error *err) {
  cudaDeviceProp properties;
  C2_TRY(find_device(index, &properties, err));
  c2_device *device = new (std::nothrow) c2_device{};
  if (!device) return c2_gpu_fail(err, C2_ERR_MEMORY, "device cuda: no memory");
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

static c2_status allocate(c2_device *device, size_t bytes, void **memory, c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  if (cudaMalloc(memory, bytes ? bytes : 1) == cudaSuccess) return C2_OK;
  cudaGetLastError();
  *memory = NULL;
  return c2_gpu_fail(err, C2_ERR_MEMORY, "device cuda: %s has no %zu bytes left", device->name, bytes);
}

static void release(c2_device *device, void *memory) {
  visit here(device);
  cudaFree(memory); /* waits for what still uses it */
}

/* Pageable memory: the call returns once the bytes have been read, and runs in the stream's order. */
static c2_status upload(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  C2_TRY(check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device->stream), "copying to it", err));
  return check(cudaStreamSynchronize(device->stream), "copying to it", err);
}

static c2_status download(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  C2_TRY(check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device->stream), "copying from it", err));
  return check(cudaStreamSynchronize(device->stream), "a pass", err);
}

static c2_status wait_for(c2_device *device, c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  return check(cudaStreamSynchronize(device->stream), "waiting for it", err);
}

static size_t overhead(const c2_device *) { return C2_PRODUCTS_WORKSPACE; }

/* ---- Graphs ------------------------------------------------------------------------------------- */

struct c2_gpu_graph {
  cudaGraphExec_t exec;
};

static c2_status capture(c2_device *device, c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  return check(cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeThreadLocal), "recording a graph", err);
}

static c2_status captured(c2_device *device, c2_gpu_graph **out, c2_error *err) {
  cudaGraph_t recorded = NULL;
  cudaGraphExec_t exec = NULL;
  visit here(device);
  *out = NULL;
  cudaError_t code = cudaStreamEndCapture(device->stream, &recorded);
  if (code == cudaSuccess) code = cudaGraphInstantiate(&exec, recorded, 0);
  if (recorded) cudaGraphDestroy(recorded);
  C2_TRY(check(code, "recording a graph", err));
  *out = new (std::nothrow) c2_gpu_graph{exec};
  if (*out) return C2_OK;
  cudaGraphExecDestroy(exec);
  return c2_gpu_fail(err, C2_ERR_MEMORY, "device cuda: no memory");
}

static c2_status replay(c2_device *device, c2_gpu_graph *graph, c2_error *err) {
  visit here(device);
  C2_TRY(here.arrive(err));
  return check(cudaGraphLaunch(graph->exec, device->stream), "starting a graph", err);
}

static void forget(c2_device *device, c2_gpu_graph *graph) {
  visit here(device);
  cudaGraphExecDestroy(graph->exec);
  delete graph;
}

/* ---- The table ---------------------------------------------------------------------------------- */

static c2_status run_product(c2_device *device, const c2_gpu_product *p, c2_error *err) {
  if (p->rows == 0) return C2_OK;
  visit here(device);
  C2_TRY(here.arrive(err));
  return c2_products_run(device->products, p, err);
}

#define C2_ENTRY(name) , run_##name
static const c2_device_table table = {C2_DEVICE_VERSION, open_device, close_device, allocate, release, upload,
                                      download, wait_for, overhead, capture, captured, replay,
                                      forget C2_GPU_OPERATIONS(C2_ENTRY)};

extern "C" __attribute__((visibility("default"))) const c2_device_table *c2_cuda_device_table(void) { return &table; }
