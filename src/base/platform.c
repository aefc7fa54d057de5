/* The operating system, POSIX side. The only file of the library that opens files. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "base/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

static c2_status map(const char *path, int protection, c2_mapping *out, c2_error *err) {
  out->data = NULL;
  out->size = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
  struct stat info;
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    C2_FAIL(err, C2_ERR_IO, "%s: not a regular file", path);
  }
  if (info.st_size > 0) {
    void *data = mmap(NULL, (size_t)info.st_size, protection, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) {
      int reason = errno;
      close(file);
      C2_FAIL(err, reason == ENOMEM ? C2_ERR_MEMORY : C2_ERR_IO, "%s: cannot map: %s", path, strerror(reason));
    }
    out->data = data;
    out->size = (size_t)info.st_size;
  }
  close(file);
  return C2_OK;
}

c2_status c2_map_file(const char *path, c2_mapping *out, c2_error *err) {
  return map(path, PROT_READ, out, err);
}

c2_status c2_map_private(const char *path, c2_mapping *out, c2_error *err) {
  return map(path, PROT_READ | PROT_WRITE, out, err);
}

c2_status c2_file_stamp(const char *path, char out[C2_STAMP_ROOM], c2_error *err) {
  struct stat info;
  char *whole = realpath(path, NULL);
  if (!whole || stat(whole, &info) != 0) {
    int reason = errno;
    free(whole);
    C2_FAIL(err, C2_ERR_IO, "%s: cannot open: %s", path, strerror(reason));
  }
  int n = snprintf(out, C2_STAMP_ROOM, "%s %lld %lld %lld.%09ld", whole, (long long)info.st_size,
                   (long long)info.st_ino, (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  free(whole);
  if (n < 0 || n >= C2_STAMP_ROOM) C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: its path is too long to be cached", path);
  return C2_OK;
}

void c2_unmap_file(c2_mapping *mapping) {
  if (mapping->data) munmap((void *)(size_t)mapping->data, mapping->size);
  mapping->data = NULL;
  mapping->size = 0;
}

void c2_mapping_forget(const void *data, size_t size) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = ((uintptr_t)data + page - 1) / page * page;
  uintptr_t end = ((uintptr_t)data + size) / page * page;
  if (first < end) (void)madvise((void *)first, end - first, MADV_DONTNEED);
}

static bool is_standard(const char *path) {
  return !path || strcmp(path, "-") == 0;
}

c2_status c2_read_file(const char *path, char **text, size_t *size, c2_error *err) {
  bool standard = is_standard(path);
  const char *name = standard ? "standard input" : path;
  c2_status status = C2_OK;
  char *buffer = NULL;
  size_t capacity = 0;
  size_t used = 0;
  *text = NULL;
  *size = 0;
  if (!standard && c2_is_directory(path)) C2_FAIL(err, C2_ERR_IO, "%s: cannot read: it is a directory", path);
  FILE *stream = standard ? stdin : fopen(path, "rb");
  if (!stream) C2_FAIL(err, C2_ERR_IO, "%s: cannot open: %s", name, strerror(errno));
  for (;;) {
    C2_GOTO(c2_grow_array(&buffer, &capacity, used + 65536, 1, err));
    size_t got = fread(buffer + used, 1, capacity - used - 1, stream);
    used += got;
    if (got == 0) break;
  }
  if (ferror(stream)) {
    status = c2_fail(err, C2_ERR_IO, "%s: cannot read: %s", name, strerror(errno));
    goto fail;
  }
  buffer[used] = '\0';
  *text = buffer;
  *size = used;
  buffer = NULL;
fail:
  free(buffer);
  if (!standard) fclose(stream);
  return status;
}

double c2_strtod(const char *text) {
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant of the C library: nothing is allocated */
  if (!plain) return (double)NAN;
  double value = strtod_l(text, NULL, plain);
  freelocale(plain);
  return value;
}

double c2_clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

size_t c2_peak_resident_bytes(void) {
  FILE *status = fopen("/proc/self/status", "re"); /* VmHWM can be reset; ru_maxrss can't */
  if (status) {
    char line[256];
    unsigned long kib = 0;
    while (fgets(line, sizeof line, status)) {
      if (sscanf(line, "VmHWM: %lu kB", &kib) == 1) break;
    }
    fclose(status);
    if (kib > 0) return (size_t)kib * 1024;
  }
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (size_t)usage.ru_maxrss * 1024 : 0;
}

void c2_reset_peak_resident(void) {
  FILE *clear = fopen("/proc/self/clear_refs", "we");
  if (!clear) return;
  (void)fputs("5", clear);
  fclose(clear);
}

int c2_processor_count(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    int count = CPU_COUNT(&set);
    if (count > 0) return count;
  }
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}

void c2_pin_thread(size_t index, c2_affinity *before) {
  cpu_set_t all;
  cpu_set_t one;
  c2_affinity now = {.known = false};
  CPU_ZERO(&all);
  if (sched_getaffinity(0, sizeof all, &all) == 0 && sizeof all <= sizeof now.set) {
    memcpy(now.set, &all, sizeof all);
    now.known = true;
  }
  if (before) *before = now;
  int count = CPU_COUNT(&all);
  if (!now.known || count < 1) return;
  size_t skip = index % (size_t)count;
  for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all) || skip-- > 0) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

void c2_unpin_thread(const c2_affinity *before) {
  cpu_set_t all;
  if (!before->known) return;
  memcpy(&all, before->set, sizeof all);
  (void)sched_setaffinity(0, sizeof all, &all);
}

bool c2_is_directory(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool c2_file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0;
}

c2_status c2_path_join(char **out, const char *folder, const char *name, c2_error *err) {
  size_t room = strlen(folder) + strlen(name) + 2;
  *out = malloc(room);
  if (!*out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", room);
  (void)snprintf(*out, room, "%s/%s", folder, name);
  return C2_OK;
}
