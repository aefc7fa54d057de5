/* The order in which the server's queue is taken: by a worker that is held until the queue is as the test wants it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/platform.h"
#include "serve/batcher.h"

enum { CALLS = 8, LENGTH = 8, SERIES_TOKENS = 3 }; /* of a series: its past, the register and its future */

/* The gate that holds the worker within the first call's `done`, and what came behind it. */
typedef struct desk {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool is_open;
  size_t over;
  c2_metrics metrics;
  c2_batcher *batcher;
  chronos2_model *model;
} desk;

typedef struct caller {
  desk *desk;
  c2_call call;
  c2_job job;
  size_t place;         /* among the calls that are over */
  uint_fast64_t batch;  /* in which it was over */
} caller;

static const double values[LENGTH] = {1, 2, 3, 2, 1, 2, 3, 2};

static void note_done(c2_job *job) {
  caller *c = job->owner;
  desk *d = c->desk;
  pthread_mutex_lock(&d->lock);
  c->place = d->over++;
  c->batch = atomic_load(&d->metrics.batches);
  pthread_cond_broadcast(&d->changed);
  while (!d->is_open) pthread_cond_wait(&d->changed, &d->lock);
  pthread_mutex_unlock(&d->lock);
}

static void open_desk(desk *d, size_t workers, size_t budget) {
  const c2_batcher_options options = {.workers = workers,
                                      .budget = budget,
                                      .batch_size = 64,
                                      .queue = 2 * CALLS,
                                      .session = {CHRONOS2_SESSION_OPTIONS_INIT, .threads = 1}};
  c2_error err;
  memset(d, 0, sizeof *d);
  (void)pthread_mutex_init(&d->lock, NULL);
  (void)pthread_cond_init(&d->changed, NULL);
  assert_int_equal(chronos2_model_open(SOURCE_DIR "/models/chronos2-micro", NULL, &d->model), CHRONOS2_OK);
  assert_int_equal(c2_batcher_open(&d->batcher, d->model, &options, &d->metrics, &err), C2_OK);
}

static void submit(desk *d, caller *c, size_t series, size_t horizon, double deadline) {
  c2_error err;
  *c = (caller){.desk = d,
                .call = {.count = series,
                         .series = calloc(series, sizeof(chronos2_series)),
                         .pass = {.horizon = horizon, .context_length = 64, .batch_size = 64},
                         .levels = {0.5},
                         .level_count = 1}};
  assert_non_null(c->call.series);
  for (size_t i = 0; i < series; i++) {
    c->call.series[i] = (chronos2_series){.length = LENGTH, .targets = 1, .target = values};
  }
  assert_int_equal(c2_call_lay_out(&c->call, &err), C2_OK);
  assert_int_equal(c2_call_make_room(&c->call, &err), C2_OK);
  c->job = (c2_job){.call = &c->call, .deadline = deadline, .done = note_done, .owner = c};
  assert_true(c2_batcher_add(d->batcher, &c->job));
}

static void add(desk *d, caller *c, size_t series, size_t horizon) {
  submit(d, c, series, horizon, c2_clock_seconds() + 600);
  assert_int_equal(c2_call_tokens(&c->call, 0, chronos2_model_config(d->model)), SERIES_TOKENS);
}

/* Waits until so many calls are over, for some minutes at most. */
static void wait_for(desk *d, size_t calls) {
  const struct timespec end = {.tv_sec = time(NULL) + 300};
  int failed = 0;
  pthread_mutex_lock(&d->lock);
  while (d->over < calls && !failed) failed = pthread_cond_timedwait(&d->changed, &d->lock, &end);
  pthread_mutex_unlock(&d->lock);
  assert_int_equal(failed, 0);
}

/* Lets the worker go on to the calls that wait, and ends when all are over, with this status. */
static void open_gate_to(desk *d, caller *c, size_t calls, c2_status status) {
  pthread_mutex_lock(&d->lock);
  d->is_open = true;
  pthread_cond_broadcast(&d->changed);
  pthread_mutex_unlock(&d->lock);
  wait_for(d, calls);
  c2_batcher_close(&d->batcher);
  chronos2_model_close(&d->model);
  (void)pthread_cond_destroy(&d->changed);
  (void)pthread_mutex_destroy(&d->lock);
  for (size_t i = 0; i < calls; i++) {
    assert_int_equal(c[i].job.status, status);
    c2_call_free(&c[i].call);
  }
}

static void open_gate(desk *d, caller *c, size_t calls) {
  open_gate_to(d, c, calls, C2_OK);
}

/* Calls that can share no batch, because they differ in their horizons, are forecast as they came. */
static void test_first_come(void **state) {
  caller c[CALLS];
  desk d;
  (void)state;
  open_desk(&d, 1, 1000);
  add(&d, &c[0], 1, 1);
  wait_for(&d, 1);
  for (size_t i = 1; i < CALLS; i++) add(&d, &c[i], 1, 1 + i);
  assert_int_equal(c2_batcher_waiting(d.batcher), CALLS - 1);
  open_gate(&d, c, CALLS);
  for (size_t i = 0; i < CALLS; i++) {
    assert_int_equal(c[i].place, i);
    assert_int_equal(c[i].batch, i + 1);
  }
}

/* Of calls that share batches of two series, the first ones in the queue have their turn, and then go to its end. Three
 * calls of two series are taken so: 1 2, 3 1, 2 3. */
static void test_turns(void **state) {
  static const size_t series[] = {1, 2, 2, 2};
  static const uint_fast64_t batches[] = {1, 3, 4, 4};
  caller c[4];
  desk d;
  (void)state;
  open_desk(&d, 1, 2 * SERIES_TOKENS);
  add(&d, &c[0], series[0], 1);
  wait_for(&d, 1);
  for (size_t i = 1; i < 4; i++) add(&d, &c[i], series[i], 1);
  open_gate(&d, c, 4);
  for (size_t i = 0; i < 4; i++) assert_int_equal(c[i].batch, batches[i]);
}

/* While one worker is held, another one takes the call that waits. */
static void test_workers(void **state) {
  caller c[2];
  desk d;
  (void)state;
  open_desk(&d, 2, 1000);
  add(&d, &c[0], 1, 1);
  wait_for(&d, 1);
  add(&d, &c[1], 1, 2);
  wait_for(&d, 2);
  open_gate(&d, c, 2);
  assert_int_equal(c[1].place, 1);
}

/* A call whose time is over isn't forecast to its end, be it one series alone whose horizon takes several passes. */
static void test_late_between_passes(void **state) {
  caller c;
  desk d;
  (void)state;
  open_desk(&d, 1, 1000);
  const chronos2_config *config = chronos2_model_config(d.model);
  submit(&d, &c, 1, config->max_output_patches * config->patch + 1, 0);
  open_gate_to(&d, &c, 1, C2_ERR_CANCELLED);
  assert_true(c.job.is_late);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_first_come), cmocka_unit_test(test_turns),
                                     cmocka_unit_test(test_workers), cmocka_unit_test(test_late_between_passes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
