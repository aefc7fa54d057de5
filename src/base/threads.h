/* A pool of worker threads. One owner uses it at a time.
 *
 * c2_pool_run hands out the task numbers 0 to tasks-1. Any thread may take any of them, so tasks must write to places
 * of their own, and results can't depend on the number of threads.
 *
 * A library that is built without threads has threads_none.c instead of threads.c: every pool has one worker, the
 * caller's thread, whatever number is asked for.
 *
 * In a forked child the pool has lost its workers: the caller's thread does all tasks, and closing frees the memory. */
#ifndef C2_BASE_THREADS_H
#define C2_BASE_THREADS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct c2_pool c2_pool;

/* `worker` is an index for scratch memory, from 0 (the calling thread) to threads-1. */
typedef void (*c2_task_fn)(void *context, size_t task, size_t worker);

/* Opens a pool of `threads` workers (1 or more), the caller's own thread included. `pin` binds each worker to one of
 * the processors that the process may use; the caller's thread is bound only during a run. */
c2_status c2_pool_open(c2_pool **pool, size_t threads, bool pin, c2_error *err);
void c2_pool_close(c2_pool **pool);
size_t c2_pool_threads(const c2_pool *pool);

/* False in a library that is built without threads. */
bool c2_has_threads(void);

/* Runs every task and returns when all are done. Not reentrant. */
void c2_pool_run(c2_pool *pool, size_t tasks, c2_task_fn fn, void *context);

/* A function that runs in a thread of its own, beside the caller's. In a build without threads, and where the system
 * has no thread to give, it runs when it is joined. */
typedef struct c2_aside c2_aside;
c2_status c2_aside_start(c2_aside **aside, void (*fn)(void *context), void *context, c2_error *err);
void c2_aside_join(c2_aside **aside);

/* A lock that one thread holds at a time. In a build without threads it does nothing. */
typedef struct c2_mutex c2_mutex;
c2_status c2_mutex_open(c2_mutex **mutex, c2_error *err);
void c2_mutex_close(c2_mutex **mutex);
void c2_mutex_take(c2_mutex *mutex);
void c2_mutex_give(c2_mutex *mutex);

#endif
