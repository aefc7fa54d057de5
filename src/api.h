/* What the files of the public interface share. */
#ifndef C2_API_H
#define C2_API_H

#include <chronos2.h>
#include <stddef.h>
#include <string.h>

#include "base/status.h"

/* Clears this thread's last error and returns it. */
c2_error *c2_api_begin(void);

static inline chronos2_status status_of(c2_status status) {
  return (chronos2_status)status;
}

/* Copies a caller's options, whose first field is their size, into a struct of this library's `size` bytes: fields that
 * the caller's lacks become 0, and so must be what this library doesn't know. `given` may be NULL: all fields are 0.
 * `name` is that of the initialiser. */
c2_status c2_options_read(void *own, size_t size, const void *given, const char *name, c2_error *err);

/* Defines what chronos2.h had before it started options itself: programs of that age know the struct up to `last`. */
#define DEFINE_OPTIONS_INIT(type, last)                                        \
  void type##_init(type *options) {                                            \
    enum { SIZE = offsetof(type, last) + sizeof(((const type *)NULL)->last) }; \
    if (!options) return;                                                      \
    memset(options, 0, SIZE);                                                  \
    options->size = SIZE;                                                      \
  }

/* Leaves a function of the interface with an argument error; `err` is what c2_api_begin returned. */
#define REQUIRE(condition, ...)                                                     \
  do {                                                                              \
    if (!(condition)) return status_of(c2_fail(err, C2_ERR_ARGUMENT, __VA_ARGS__)); \
  } while (0)

#endif
