/* Preloaded into the program: makes one allocation fail, the n-th, or all from there on. Counted are malloc, calloc,
 * realloc, aligned_alloc, posix_memalign, mmap and pthread_create of the program and its libraries, from the beginning
 * of main on.
 *
 *   CHRONOS2_FAIL_AT      n, from 1; without it nothing fails
 *   CHRONOS2_FAIL_STICKY  set: so do all later ones
 *   CHRONOS2_FAIL_COUNT   file that gets the number of allocations */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own names for what is replaced here. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define PUBLIC __attribute__((visibility("default")))

typedef void *(*map_fn)(void *, size_t, int, int, int, off_t);
typedef int (*create_fn)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static atomic_long counted;
static long fail_at;
static bool sticky, armed;
static map_fn real_mmap;
static create_fn real_create;

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("CHRONOS2_FAIL_AT");
  void *found = dlsym(RTLD_NEXT, "mmap");
  memcpy(&real_mmap, &found, sizeof found);
  found = dlsym(RTLD_NEXT, "pthread_create");
  memcpy(&real_create, &found, sizeof found);
  fail_at = at ? strtol(at, NULL, 10) : 0;
  sticky = getenv("CHRONOS2_FAIL_STICKY") != NULL;
  armed = true;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("CHRONOS2_FAIL_COUNT");
  armed = false;
  if (!path) return;
  char text[32];
  int n = snprintf(text, sizeof text, "%ld\n", atomic_load(&counted));
  int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0 || write(file, text, (size_t)n) != n) _exit(125);
  (void)close(file);
}

static bool fails(void) {
  if (!armed) return false;
  long n = atomic_fetch_add(&counted, 1) + 1;
  if (fail_at == 0 || n < fail_at || (n > fail_at && !sticky)) return false;
  errno = ENOMEM;
  return true;
}

PUBLIC void *malloc(size_t size) {
  return fails() ? NULL : __libc_malloc(size);
}

PUBLIC void *calloc(size_t count, size_t size) {
  return fails() ? NULL : __libc_calloc(count, size);
}

PUBLIC void *realloc(void *block, size_t size) {
  return fails() ? NULL : __libc_realloc(block, size);
}

PUBLIC void *aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

PUBLIC int posix_memalign(void **out, size_t alignment, size_t size) {
  if (fails()) return ENOMEM;
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}

PUBLIC void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
  return fails() ? MAP_FAILED : real_mmap(address, size, protection, flags, file, offset);
}

PUBLIC int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  return fails() ? EAGAIN : real_create(thread, attributes, run, argument);
}
