/* The operating system: WebAssembly with WASI, which has one thread, no streams of one's own and little else. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform.h"

/* ---- Memory ----------------------------------------------------------------------------------- */

size_t c2_peak_resident_bytes(void) {
  return 0;
}

void c2_reset_peak_resident(void) {}

void c2_advise_huge_pages(void *base, size_t size) {
  (void)base;
  (void)size;
}

/* ---- Processors ------------------------------------------------------------------------------- */

int c2_processor_count(void) {
  return 1;
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
  time[0] = info->st_mtim.tv_sec;
  time[1] = info->st_mtim.tv_nsec;
}

bool c2_random_bytes(void *out, size_t size) {
  return getentropy(out, size) == 0;
}

bool c2_executable_path(char *out, size_t room) {
  (void)out;
  (void)room;
  return false;
}

const char *c2_descriptor_folder(void) {
  return "/dev/fd";
}

FILE *c2_sink_open(c2_sink *sink) {
  (void)sink;
  errno = ENOTSUP;
  return NULL;
}
