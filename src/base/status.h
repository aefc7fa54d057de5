/* Status codes and error text: how every fallible function of this project reports.
 *
 * A fallible function takes a `c2_error *` last and returns `c2_status`. The one that detects a
 * failure records it with C2_FAIL; every caller on the way up forwards it with C2_TRY. Text is one
 * line of UTF-8, without a final full stop, and names the file, line or field and what was expected.
 * Nothing here prints, exits or keeps global state. */
#ifndef C2_BASE_STATUS_H
#define C2_BASE_STATUS_H

#include <stdarg.h>
#include <stdio.h>

/* The values are those of chronos2_status. */
typedef enum c2_status {
  C2_OK = 0,
  C2_ERR_ARGUMENT = 1,    /* the caller asked for something impossible */
  C2_ERR_MEMORY = 2,      /* an allocation failed */
  C2_ERR_IO = 3,          /* the system refused to open, read or write */
  C2_ERR_FORMAT = 4,      /* a file is not what it should be */
  C2_ERR_MODEL = 5,       /* a model folder is incomplete or inconsistent */
  C2_ERR_UNSUPPORTED = 6, /* valid, but not implemented here or not on this machine */
  C2_ERR_CANCELLED = 7    /* stopped on request */
} c2_status;

typedef struct c2_error {
  c2_status code;
  char text[1024];
  const char *remedy; /* a setting that helps, as "freq", static; those who offer it by that name say so. Or NULL */
} c2_error;

#if defined(__GNUC__)
#define C2_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define C2_PRINTF(format_at, args_at)
#endif

/* Records a failure in *err, where one is given, and returns its code. A text that is too long loses its middle. */
C2_PRINTF(3, 4)
c2_status c2_fail(c2_error *err, c2_status code, const char *format, ...);

/* Adds to a failure just recorded the setting that helps, and returns the failure:
 *
 *     return c2_remedy(err, "freq", c2_fail(err, C2_ERR_FORMAT, ...)); */
static inline c2_status c2_remedy(c2_error *err, const char *setting, c2_status failure) {
  if (err) err->remedy = setting;
  return failure;
}

/* Records a failure and leaves the function. */
#define C2_FAIL(err, code, ...) return c2_fail((err), (code), __VA_ARGS__)

/* Forwards a failure. */
#define C2_TRY(call)                                    \
  do {                                                  \
    c2_status c2_try_status_ = (call);                  \
    if (c2_try_status_ != C2_OK) return c2_try_status_; \
  } while (0)

/* Forwards a failure by way of the label `fail`, with the local `status` set. */
#define C2_GOTO(call)               \
  do {                              \
    status = (call);                \
    if (status != C2_OK) goto fail; \
  } while (0)

#endif
