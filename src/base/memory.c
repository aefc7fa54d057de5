/* Checked allocation and the arena. Knows nothing of what is stored. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/platform.h"

#if defined(__SANITIZE_ADDRESS__)
#define C2_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define C2_ASAN 1
#endif
#endif

#ifdef C2_ASAN
#include <sanitizer/asan_interface.h>
enum { REDZONE = C2_ALIGN }; /* so that an overrun inside the block is found */
#else
enum { REDZONE = 0 };
#endif

enum { HUGE_PAGE = 2 << 20 };

bool c2_all_zero(const void *bytes, size_t count) {
  const unsigned char *byte = bytes;
  for (size_t i = 0; i < count; i++) {
    if (byte[i]) return false;
  }
  return true;
}

c2_status c2_reserved_check(const void *bytes, size_t count, const char *what, c2_error *err) {
  if (!c2_all_zero(bytes, count)) C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: expected reserved fields to be 0", what);
  return C2_OK;
}

c2_status c2_alloc_array(size_t count, size_t size, void *out, c2_error *err) {
  void *block = NULL;
  size_t bytes = 0;
  if (!c2_mul(count, size, &bytes) || bytes > PTRDIFF_MAX) {
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu elements of %zu bytes: the size overflows", count, size);
  }
  block = calloc(c2_max_size(bytes, 1), 1);
  if (!block) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", bytes);
  memcpy(out, &block, sizeof block);
  return C2_OK;
}

c2_status c2_grow_array(void *array, size_t *capacity, size_t need, size_t size, c2_error *err) {
  if (need <= *capacity) return C2_OK;
  size_t grown = *capacity < 8 ? 8 : *capacity;
  while (grown < need) {
    if (!c2_mul(grown, 2, &grown))
      C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu elements: the size overflows", need);
  }
  size_t bytes = 0;
  if (!c2_mul(grown, size, &bytes) || bytes > PTRDIFF_MAX) {
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu elements of %zu bytes: the size overflows", grown, size);
  }
  void *old = NULL;
  memcpy(&old, array, sizeof old);
  void *block = realloc(old, bytes);
  if (!block) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", bytes);
  memcpy(array, &block, sizeof block);
  *capacity = grown;
  return C2_OK;
}

char *c2_strndup(const char *text, size_t n) {
  char *copy = malloc(n + 1);
  if (!copy) return NULL;
  memcpy(copy, text, n);
  copy[n] = '\0';
  return copy;
}

char *c2_strdup(const char *text) {
  return c2_strndup(text, strlen(text));
}

static size_t alignment_of(size_t size) {
  return size >= HUGE_PAGE ? (size_t)HUGE_PAGE : (size_t)C2_ALIGN;
}

size_t c2_block_size(size_t size) {
  return size > PTRDIFF_MAX - alignment_of(size) ? SIZE_MAX : c2_round_up(size, alignment_of(size));
}

c2_status c2_block_open(c2_block *block, size_t size, c2_error *err) {
  block->base = NULL;
  block->size = 0;
  if (size == 0) return C2_OK;
  size_t rounded = c2_block_size(size);
  if (rounded == SIZE_MAX) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", size);
  block->base = aligned_alloc(alignment_of(size), rounded);
  if (!block->base) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", rounded);
  block->size = rounded;
  if (rounded >= HUGE_PAGE) c2_advise_huge_pages(block->base, rounded);
  return C2_OK;
}

void c2_arena_open_gaps(void *base, size_t size) {
#ifdef C2_ASAN
  if (base) ASAN_UNPOISON_MEMORY_REGION(base, size);
#else
  (void)base;
  (void)size;
#endif
}

void c2_block_free(c2_block *block) {
  c2_arena_open_gaps(block->base, block->size);
  free(block->base);
  block->base = NULL;
  block->size = 0;
}

void *c2_arena_carve(c2_arena *arena, size_t count, size_t size) {
  size_t bytes = 0;
  size_t end = 0;
  if (arena->failed) return NULL;
  if (!c2_mul(count, size, &bytes) || bytes > PTRDIFF_MAX / 2 ||
      !c2_add(arena->used, c2_round_up(bytes, C2_ALIGN) + REDZONE, &end) || (arena->base && end > arena->size)) {
    arena->failed = true;
    return NULL;
  }
  unsigned char *piece = arena->base ? arena->base + arena->used : NULL;
#ifdef C2_ASAN
  if (piece) {
    ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    ASAN_POISON_MEMORY_REGION(piece + bytes, end - arena->used - bytes);
  }
#endif
  arena->used = end;
  return piece;
}
