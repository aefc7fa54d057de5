/* Finds libchronos2_cuda.so at run time: the program and the library need no CUDA. */
#include <stdlib.h>

#include "cuda/link.h"

#define LIBRARY "libchronos2_cuda.so"

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>

/* CHRONOS2_CUDA_LIBRARY, a path, else where this program or library looks for others (cmake/cuda.cmake), and the
 * system. */
static c2_status find_table(const c2_device_table **table, c2_error *err) {
  const char *path = getenv("CHRONOS2_CUDA_LIBRARY");
  if (!path || !*path) path = LIBRARY;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never unloaded: a driver leaves threads behind */
  if (!library) {
    const char *why = dlerror();
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "device cuda: %s; expected the library that `make cuda` builds, whose path CHRONOS2_CUDA_LIBRARY may be",
            why ? why : path);
  }
  union { /* C has no cast from an object's pointer to a function's */
    void *object;
    c2_device_table_fn function;
  } symbol = {.object = dlsym(library, C2_DEVICE_SYMBOL)};
  if (!symbol.object) C2_FAIL(err, C2_ERR_UNSUPPORTED, "device cuda: %s has no %s", path, C2_DEVICE_SYMBOL);
  *table = symbol.function();
  if ((*table)->version != C2_DEVICE_VERSION) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "device cuda: %s is made of other sources than this program; expected the library that `make cuda` builds "
            "beside it", path);
  }
  return C2_OK;
}
#else
static c2_status find_table(const c2_device_table **table, c2_error *err) {
  (void)table;
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "device cuda: this system can't load " LIBRARY);
}
#endif

c2_status c2_cuda_link_open(size_t index, c2_cuda_link **link, c2_error *err) {
  const c2_device_table *table = NULL;
  c2_device *device = NULL;
  C2_TRY(find_table(&table, err));
  C2_TRY(table->open(index, &device, err));
  c2_status status = c2_alloc_array(1, sizeof **link, link, err);
  if (status != C2_OK) {
    table->close(device);
    return status;
  }
  (*link)->table = table;
  (*link)->device = device;
  (*link)->index = index;
  atomic_init(&(*link)->users, 1);
  atomic_init(&(*link)->kept, 0);
  return C2_OK;
}

void c2_cuda_link_close(c2_cuda_link *link) {
  if (!link || atomic_fetch_sub(&link->users, 1) > 1) return;
  link->table->close(link->device);
  free(link);
}
