/* The pool of a build without threads: the caller's thread runs every task. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"

struct c2_pool {
  size_t threads; /* 1 */
};

c2_status c2_pool_open(c2_pool **out, size_t threads, bool pin, c2_error *err) {
  (void)threads;
  (void)pin;
  *out = NULL;
  C2_TRY(c2_alloc_array(1, sizeof **out, out, err));
  (*out)->threads = 1;
  return C2_OK;
}

void c2_pool_close(c2_pool **pool) {
  free(*pool);
  *pool = NULL;
}

bool c2_has_threads(void) {
  return false;
}

size_t c2_pool_threads(const c2_pool *pool) {
  return pool->threads;
}

void c2_pool_run(c2_pool *pool, size_t tasks, c2_task_fn fn, void *context) {
  (void)pool;
  for (size_t i = 0; i < tasks; i++) fn(context, i, 0);
}

struct c2_aside {
  void (*fn)(void *context);
  void *context;
};

c2_status c2_aside_start(c2_aside **aside, void (*fn)(void *context), void *context, c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof **aside, aside, err));
  **aside = (c2_aside){fn, context};
  return C2_OK;
}

void c2_aside_join(c2_aside **aside) {
  if (*aside) (*aside)->fn((*aside)->context);
  free(*aside);
  *aside = NULL;
}

struct c2_mutex {
  char none;
};

c2_status c2_mutex_open(c2_mutex **mutex, c2_error *err) {
  return c2_alloc_array(1, sizeof **mutex, mutex, err);
}

void c2_mutex_close(c2_mutex **mutex) {
  free(*mutex);
  *mutex = NULL;
}

void c2_mutex_take(c2_mutex *mutex) {
  (void)mutex;
}

void c2_mutex_give(c2_mutex *mutex) {
  (void)mutex;
}
