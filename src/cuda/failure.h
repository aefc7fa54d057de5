/* How the device's libraries, which are C++, record an error: with code and text, as C2_FAIL does in C. */
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
    vsnprintf(err->text, sizeof err->text, format, args);
  }
  va_end(args);
  return code;
}

#endif
