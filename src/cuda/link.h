/* The link to a device: its library, the device itself, and pieces of its memory. */
#ifndef C2_CUDA_LINK_H
#define C2_CUDA_LINK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/memory.h"
#include "cuda/device.h"

/* A session opens a link, and its KV caches share it. */
typedef struct c2_cuda_link {
  const c2_device_table *table;
  c2_device *device;
  size_t index;
  atomic_size_t users; /* closed with the last one */
  atomic_size_t kept;  /* bytes of KV caches */
} c2_cuda_link;

/* Opens device `index` by the library that loader.c finds. */
c2_status c2_cuda_link_open(size_t index, c2_cuda_link **link, c2_error *err);
/* Counts one user down and closes the device with the last one. */
void c2_cuda_link_close(c2_cuda_link *link);

static inline size_t c2_gpu_size(c2_gpu_element type) {
  return type == C2_GPU_BF16 ? 2 : 4;
}

/* Device memory is handed out in pieces at multiples of 256 bytes. With base NULL they are only counted, which is
 * how a pass is planned. */
typedef struct c2_cuda_arena {
  unsigned char *base;
  size_t used;
  bool failed;
} c2_cuda_arena;

/* Takes `count` elements of `size` bytes from the arena. It returns NULL where base is NULL; an overflow sets
 * `failed`. */
void *c2_cuda_carve(c2_cuda_arena *arena, size_t count, size_t size);

#endif
