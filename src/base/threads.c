/* The thread pool: workers spin briefly for the next run (a layer follows a layer within microseconds),
 * then sleep on a condition. */
#include "base/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"

enum { SPINS = 4000 };

typedef struct worker {
  c2_pool *pool;
  size_t index;
  pthread_t thread;
} worker;

/* A run is published in `next`: its number above, the task to be taken below. A task is taken by compare-and-swap, so a
 * worker that comes late to a run can't take a task of it after it has ended, and the caller waits for tasks, not for
 * workers: one that the system does not schedule holds nobody up. */
struct c2_pool {
  pid_t owner; /* the process that the workers belong to: a forked child has none of them */
  size_t threads;
  worker *workers; /* [threads - 1] */
  size_t started;
  bool pin;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_cond_t idle;
  atomic_size_t generation;  /* number of the run; workers wait for it to change */
  atomic_uint_fast64_t next; /* run << 32 | task */
  atomic_size_t pending;     /* tasks that are not done */
  bool closing;              /* under lock */
  atomic_size_t tasks;       /* these three belong to the run in `next` unless that is CLOSED */
  _Atomic(c2_task_fn) fn;
  _Atomic(void *) context;
};

static const uint64_t CLOSED = UINT32_MAX; /* no such task */

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void finish_task(c2_pool *pool, size_t index) {
  if (atomic_fetch_sub(&pool->pending, 1) != 1 || index == 0) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_signal(&pool->idle);
  pthread_mutex_unlock(&pool->lock);
}

static void take_tasks(c2_pool *pool, size_t index) {
  uint_fast64_t next = atomic_load(&pool->next);
  while ((next & UINT32_MAX) < atomic_load(&pool->tasks) && (next & UINT32_MAX) != CLOSED) {
    if (!atomic_compare_exchange_weak(&pool->next, &next, next + 1)) continue;
    atomic_load (&pool->fn)(atomic_load(&pool->context), next & UINT32_MAX, index);
    finish_task(pool, index);
    next = atomic_load(&pool->next);
  }
}

static void *work(void *argument) {
  worker *self = argument;
  c2_pool *pool = self->pool;
  size_t seen = 0;
  if (pool->pin) c2_pin_thread(self->index, NULL);
  for (;;) {
    for (int i = 0; i < SPINS && atomic_load(&pool->generation) == seen; i++) relax();
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->generation) == seen && !pool->closing) pthread_cond_wait(&pool->wake, &pool->lock);
    bool closing = pool->closing;
    seen = atomic_load(&pool->generation);
    pthread_mutex_unlock(&pool->lock);
    if (closing) return NULL;
    take_tasks(pool, self->index);
  }
}

/* True in a forked child of the pool's process. Its lock may have been held by a thread that the child hasn't got. */
static bool inherited(const c2_pool *pool) {
  return getpid() != pool->owner;
}

/* A thread blocks the signals that the host may handle, so that no handler of its runs there. Faults stay open. */
static int start_thread(pthread_t *thread, void *(*fn)(void *), void *argument) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) sigdelset(&blocked, faults[i]);
  int failed = pthread_sigmask(SIG_SETMASK, &blocked, &before);
  if (failed) return failed;
  failed = pthread_create(thread, NULL, fn, argument);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

c2_status c2_pool_open(c2_pool **out, size_t threads, bool pin, c2_error *err) {
  c2_pool *pool = NULL;
  *out = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *pool, &pool, err));
  pool->owner = getpid();
  pool->threads = threads < 1 ? 1 : threads;
  pool->pin = pin;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->idle, NULL);
  c2_status status = c2_alloc_array(pool->threads - 1, sizeof *pool->workers, &pool->workers, err);
  for (size_t i = 0; status == C2_OK && i + 1 < pool->threads; i++) {
    pool->workers[i].pool = pool;
    pool->workers[i].index = i + 1;
    if (start_thread(&pool->workers[i].thread, work, &pool->workers[i]) != 0) {
      status = c2_fail(err, C2_ERR_MEMORY, "cannot start thread %zu of %zu", i + 2, pool->threads);
      break;
    }
    pool->started++;
  }
  if (status != C2_OK) {
    c2_pool_close(&pool);
    return status;
  }
  *out = pool;
  return C2_OK;
}

/* A thread that is cancelled while it waits would leave a lock taken, or workers that nobody ends. */
static int hold_cancellation(void) {
  int before = PTHREAD_CANCEL_ENABLE;
  (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  return before;
}

static void release_cancellation(int before) {
  (void)pthread_setcancelstate(before, NULL);
}

static void stop_workers(c2_pool *pool) {
  int cancellation = hold_cancellation();
  pthread_mutex_lock(&pool->lock);
  pool->closing = true;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (size_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->idle);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  release_cancellation(cancellation);
}

void c2_pool_close(c2_pool **out) {
  c2_pool *pool = *out;
  *out = NULL;
  if (!pool) return;
  if (!inherited(pool)) stop_workers(pool);
  free(pool->workers);
  free(pool);
}

bool c2_has_threads(void) {
  return true;
}

size_t c2_pool_threads(const c2_pool *pool) {
  return pool->threads;
}

static void run_tasks(c2_pool *pool, size_t tasks, c2_task_fn fn, void *context) {
  uint_fast64_t run = (uint_fast64_t)(atomic_load(&pool->generation) + 1) << 32;
  atomic_store(&pool->next, run | CLOSED);
  atomic_store(&pool->tasks, tasks);
  atomic_store(&pool->fn, fn);
  atomic_store(&pool->context, context);
  atomic_store(&pool->pending, tasks);
  atomic_store(&pool->next, run);
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->generation, 1);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  take_tasks(pool, 0);
  for (int i = 0; i < SPINS && atomic_load(&pool->pending) > 0; i++) relax();
  if (atomic_load(&pool->pending) > 0) {
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->pending) > 0) pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
  }
}

void c2_pool_run(c2_pool *pool, size_t tasks, c2_task_fn fn, void *context) {
  c2_affinity before;
  int cancellation = hold_cancellation();
  if (pool->threads == 1 || tasks <= 1 || tasks >= CLOSED || inherited(pool)) {
    for (size_t i = 0; i < tasks; i++) fn(context, i, 0);
  } else {
    if (pool->pin) c2_pin_thread(0, &before);
    run_tasks(pool, tasks, fn, context);
    if (pool->pin) c2_unpin_thread(&before);
  }
  release_cancellation(cancellation);
}

/* ---- Beside the caller ------------------------------------------------------------------------- */

struct c2_aside {
  pthread_t thread;
  bool is_running;
  void (*fn)(void *context);
  void *context;
};

static void *run_aside(void *argument) {
  const c2_aside *a = argument;
  a->fn(a->context);
  return NULL;
}

c2_status c2_aside_start(c2_aside **aside, void (*fn)(void *context), void *context, c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof **aside, aside, err));
  (*aside)->fn = fn;
  (*aside)->context = context;
  (*aside)->is_running = start_thread(&(*aside)->thread, run_aside, *aside) == 0;
  return C2_OK;
}

void c2_aside_join(c2_aside **aside) {
  c2_aside *a = *aside;
  if (!a) return;
  if (a->is_running) {
    int cancellation = hold_cancellation();
    pthread_join(a->thread, NULL);
    release_cancellation(cancellation);
  } else {
    a->fn(a->context);
  }
  free(a);
  *aside = NULL;
}

/* ---- Locks -------------------------------------------------------------------------------------- */

struct c2_mutex {
  pthread_mutex_t lock;
};

c2_status c2_mutex_open(c2_mutex **mutex, c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof **mutex, mutex, err));
  pthread_mutex_init(&(*mutex)->lock, NULL);
  return C2_OK;
}

void c2_mutex_close(c2_mutex **mutex) {
  if (*mutex) pthread_mutex_destroy(&(*mutex)->lock);
  free(*mutex);
  *mutex = NULL;
}

void c2_mutex_take(c2_mutex *mutex) {
  pthread_mutex_lock(&mutex->lock);
}

void c2_mutex_give(c2_mutex *mutex) {
  pthread_mutex_unlock(&mutex->lock);
}
