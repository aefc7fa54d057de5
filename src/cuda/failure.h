/* The device's libraries, which are C++, record an error here with its code and text, as C2_FAIL does in C. */
#ifndef C2_CUDA_FAILURE_H
#define C2_CUDA_FAILURE_H

#include <stdarg.h>
#include <stdio.h>

#include "base/status.h"

__attribute__((format(printf, 3, 4))) static inline c2_status c2_gpu_fail(c2_error *err, c2_status code,
                                                                          const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (err) {
    err->code = code;
    err->remedy = NULL;
    vsnprintf(err->text, sizeof err->text, format, args);
  }
  va_end(args);
  return code;
}

/* Refuses a device below compute capability 8.0, because the kernels need its tiles of bf16. */
static inline c2_status c2_gpu_check_capability(size_t index, const char *name, int major, int minor, c2_error *err) {
  if (major >= 8) return C2_OK;
  return c2_gpu_fail(err, C2_ERR_UNSUPPORTED, "device cuda:%zu: %s has compute capability %d.%d; expected at least 8.0",
                     index, name, major, minor);
}

#endif
