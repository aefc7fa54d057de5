/* The device of tests that run on the CPU and, with CHRONOS2_TEST_DEVICE=cuda in the environment, on the emulated GPU
 * too (cmake/cuda.cmake), or with CHRONOS2_ON_GPU on a GPU (tools/gpu/check.sh). */
#ifndef C2_TESTS_DEVICE_H
#define C2_TESTS_DEVICE_H

#include <stdlib.h>

#include <chronos2.h>

/* Of a session of this backend; the reference backend has the CPU alone. */
static inline const char *test_device(chronos2_backend backend) {
  return backend == CHRONOS2_FUSED ? getenv("CHRONOS2_TEST_DEVICE") : NULL;
}

/* How far numbers may lie apart: on a GPU further, because it adds up in another order, and cuBLAS may choose another
 * algorithm for another number of rows. */
static inline double test_tolerance(double elsewhere, double on_gpu) {
  return getenv("CHRONOS2_ON_GPU") ? on_gpu : elsewhere;
}

#endif
