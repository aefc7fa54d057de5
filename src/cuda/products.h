/* Products by cuBLASLt, which is loaded when a device is opened. */
#ifndef C2_CUDA_PRODUCTS_H
#define C2_CUDA_PRODUCTS_H

#include <cuda_runtime.h>

#include "cuda/device.h"

enum { C2_PRODUCTS_WORKSPACE = 32 << 20 }; /* bytes of the device's memory that a product may use */

struct c2_products;

/* Opens cuBLASLt on the current device, for one stream. Close it also after a failure, unless it is NULL. */
c2_status c2_products_open(c2_products **products, cudaStream_t stream, c2_error *err);
void c2_products_close(c2_products *products);

/* Starts a product on the stream. */
c2_status c2_products_run(c2_products *products, const c2_gpu_product *product, c2_error *err);

#endif
