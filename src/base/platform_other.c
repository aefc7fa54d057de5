/* The operating system: systems other than Linux. macOS and the BSDs have what is marked; others go without, and
 * WebAssembly with WASI without most of it. */
#define _GNU_SOURCE /* fopencookie */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform.h"

#if !defined(__wasi__)
#include <sys/resource.h>
#endif
#if defined(__APPLE__)
#include <mach-o/dyld.h>
#include <sys/random.h>
#endif
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
#define BSD_STREAMS 1
#else
#define BSD_STREAMS 0
#endif

/* ---- Memory ----------------------------------------------------------------------------------- */

size_t c2_peak_resident_bytes(void) {
#if defined(__wasi__)
  return 0;
#else
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0 || usage.ru_maxrss < 0) return 0;
#if defined(__APPLE__)
  return (size_t)usage.ru_maxrss;
#else
  return (size_t)usage.ru_maxrss * 1024;
#endif
#endif
}

void c2_reset_peak_resident(void) {}

void c2_advise_huge_pages(void *base, size_t size) {
  (void)base;
  (void)size;
}

/* ---- Processors ------------------------------------------------------------------------------- */

int c2_processor_count(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > INT_MAX ? INT_MAX : (int)count;
}

void c2_processor_name(char *out, size_t room) {
  (void)snprintf(out, room, "unknown");
}

int c2_processor_quota(const char *root) {
  (void)root;
  return 0;
}

void c2_pin_thread(size_t index, c2_affinity *before) {
  (void)index;
  if (before) before->known = false;
}

void c2_unpin_thread(const c2_affinity *before) {
  (void)before;
}

/* ---- Files ------------------------------------------------------------------------------------ */

void c2_modified_time(const struct stat *info, int64_t time[2]) {
#if defined(__APPLE__)
  time[0] = info->st_mtimespec.tv_sec;
  time[1] = info->st_mtimespec.tv_nsec;
#else
  time[0] = info->st_mtim.tv_sec;
  time[1] = info->st_mtim.tv_nsec;
#endif
}

bool c2_random_bytes(void *out, size_t size) {
  return getentropy(out, size) == 0;
}

bool c2_executable_path(char *out, size_t room) {
#if defined(__APPLE__)
  uint32_t size = room > UINT32_MAX ? UINT32_MAX : (uint32_t)room;
  return _NSGetExecutablePath(out, &size) == 0;
#else
  (void)out;
  (void)room;
  return false;
#endif
}

const char *c2_descriptor_folder(void) {
  return "/dev/fd";
}

#if BSD_STREAMS
static int write_sink(void *cookie, const char *bytes, int size) {
  c2_sink *sink = cookie;
  size_t done = sink->write(sink, bytes, (size_t)size);
  return done < (size_t)size ? -1 : size;
}

FILE *c2_sink_open(c2_sink *sink) {
  return funopen(sink, NULL, write_sink, NULL, NULL);
}
#elif defined(__wasi__)
FILE *c2_sink_open(c2_sink *sink) {
  (void)sink;
  errno = ENOTSUP;
  return NULL;
}
#else
static ssize_t write_sink(void *cookie, const char *bytes, size_t size) {
  c2_sink *sink = cookie;
  return (ssize_t)sink->write(sink, bytes, size);
}

FILE *c2_sink_open(c2_sink *sink) {
  return fopencookie(sink, "w", (cookie_io_functions_t){.write = write_sink});
}
#endif
