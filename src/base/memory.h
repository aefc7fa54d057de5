/* Checked sizes, aligned blocks and the arena.
 *
 * One function lays a workspace out by carving it from an arena. It runs twice: first over an arena without a block,
 * which only counts the size (planning), then over an arena with a block of that size. So the plan and the layout can't
 * disagree. */
#ifndef C2_BASE_MEMORY_H
#define C2_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { C2_ALIGN = 64 };

/* Sets *out = a * b. It returns false on overflow. */
static inline bool c2_mul(size_t a, size_t b, size_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}

/* Sets *out = a + b. It returns false on overflow. */
static inline bool c2_add(size_t a, size_t b, size_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

/* Adds a * b to *sum. On overflow *sum becomes SIZE_MAX and stays so. */
static inline void c2_sum_up(size_t *sum, size_t a, size_t b) {
  size_t product = 0;
  if (!c2_mul(a, b, &product) || !c2_add(*sum, product, sum)) *sum = SIZE_MAX;
}

static inline size_t c2_round_up(size_t n, size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

static inline size_t c2_min_size(size_t a, size_t b) {
  return a < b ? a : b;
}
static inline size_t c2_max_size(size_t a, size_t b) {
  return a > b ? a : b;
}

/* True if all of these bytes are 0. */
bool c2_all_zero(const void *bytes, size_t count);

/* Checks the reserved fields of a struct that a caller has filled: C2_ERR_UNSUPPORTED unless all bytes are 0. `what`
 * begins the message. */
c2_status c2_reserved_check(const void *bytes, size_t count, const char *what, c2_error *err);

/* Allocates a zeroed array of count elements. *out is not NULL even when count is 0. Free it with free(). */
c2_status c2_alloc_array(size_t count, size_t size, void *out, c2_error *err);

/* Grows *array, whose elements have `size` bytes, to hold at least `need` elements, and sets *capacity. */
c2_status c2_grow_array(void *array, size_t *capacity, size_t need, size_t size, c2_error *err);

/* Copies a string, or its first n bytes; NULL if memory is out. Free the copy with free(). */
char *c2_strdup(const char *text);
char *c2_strndup(const char *text, size_t n);

/* An uninitialised block aligned to C2_ALIGN; a large one asks for huge pages. Free it with c2_block_free. */
typedef struct c2_block {
  unsigned char *base;
  size_t size;
} c2_block;

/* What a block of `size` bytes takes: large ones take whole huge pages. SIZE_MAX if it is too large. */
size_t c2_block_size(size_t size);

c2_status c2_block_open(c2_block *block, size_t size, c2_error *err);
void c2_block_free(c2_block *block);

typedef struct c2_arena {
  unsigned char *base; /* NULL while planning */
  size_t size;         /* bytes of the block; ignored while planning */
  size_t used;         /* bytes carved so far */
  bool failed;         /* a size overflowed or the block was too small */
} c2_arena;

/* Carves count elements of size bytes, aligned to C2_ALIGN. While planning, and after a failure, the
 * result is NULL and must not be used. */
void *c2_arena_carve(c2_arena *arena, size_t count, size_t size);

/* Makes the gaps between carved arrays readable again. Under the address sanitizer c2_arena_carve poisons them, so that
 * an overrun is found. Call this before the bytes of a block are written to a file as a whole, or before its memory is
 * freed by other means than c2_block_free. Without the sanitizer it does nothing. */
void c2_arena_open_gaps(void *base, size_t size);

#define C2_CARVE(arena, type, count) ((type *)c2_arena_carve((arena), (count), sizeof(type)))

#endif
