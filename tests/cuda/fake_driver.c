/* A driver library (libcuda.so.1) for the CUDA runtime: CHRONOS2_FAKE_DRIVER is "none", it sees no GPU, or "old", it is
 * older than the runtime. All that matters to no test succeeds and does nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, NO_DEVICE = 100, NOT_FOUND = 500 }; /* of CUresult */

typedef int (*function)(void);

static int is(const char *what) {
  const char *asked = getenv("CHRONOS2_FAKE_DRIVER");
  return asked && strcmp(asked, what) == 0;
}

static int succeed(void) {
  return SUCCESS;
}

/* The runtime's private tables. */
static int have_none(void) {
  return NOT_FOUND;
}

static int start(void) {
  return is("none") ? NO_DEVICE : SUCCESS;
}

static int version(int *out) {
  *out = is("old") ? 10020 : 99000;
  return SUCCESS;
}

/* The runtime finds every other function by this one. */
int cuGetProcAddress_v2(const char *symbol, void **out, int cuda, uint64_t flags, int *status);
int cuGetProcAddress_v2(const char *symbol, void **out, int cuda, uint64_t flags, int *status) {
  function found = succeed;
  (void)cuda;
  (void)flags;
  if (strcmp(symbol, "cuInit") == 0) found = start;
  if (strcmp(symbol, "cuGetExportTable") == 0) found = have_none;
  if (strcmp(symbol, "cuDriverGetVersion") == 0) found = (function)(void *)version;
  if (strcmp(symbol, "cuGetProcAddress") == 0) found = (function)(void *)cuGetProcAddress_v2;
  memcpy(out, &found, sizeof found);
  if (status) *status = 0;
  return SUCCESS;
}

int cuDriverGetVersion(int *out);
int cuDriverGetVersion(int *out) {
  return version(out);
}

int cuInit(unsigned flags);
int cuInit(unsigned flags) {
  (void)flags;
  return start();
}
