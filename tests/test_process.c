/* A session in its host's process: forked children, the host's signals, and a library that is closed too early. */
#define _GNU_SOURCE /* RTLD_NOLOAD */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <chronos2.h>
#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/threads.h"

enum { LENGTH = 200, HORIZON = 4 };

static const char weights[] = SOURCE_DIR "/tests/golden/model-smooth/weights";

static chronos2_series series_of(double *values) {
  for (size_t i = 0; i < LENGTH; i++) values[i] = sin((double)i) + (double)(i % 12);
  return (chronos2_series){.length = LENGTH, .targets = 1, .target = values};
}

static chronos2_session *open_session(const chronos2_model *model) {
  chronos2_session *session = NULL;
  assert_int_equal(chronos2_session_open(model, &(chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT,
                                                                            .threads = 3}, &session), CHRONOS2_OK);
  return session;
}

static double forecast(chronos2_session *session) {
  double values[LENGTH];
  chronos2_series series = series_of(values);
  chronos2_forecast *f = NULL;
  if (chronos2_predict(session, &series, 1, &(chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                                                        .horizon = HORIZON}, &f) != CHRONOS2_OK) {
    return (double)NAN;
  }
  double last = chronos2_forecast_median(f, 0, 0)[HORIZON - 1];
  chronos2_forecast_free(&f);
  return last;
}

/* True if every thread but the caller's sleeps. */
static bool others_sleep(void) {
  bool sleep = true;
  DIR *tasks = opendir("/proc/self/task");
  for (const struct dirent *entry; tasks && (entry = readdir(tasks));) {
    char path[64];
    char line[256] = "";
    if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == (long)getpid()) continue;
    (void)snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", entry->d_name);
    FILE *stat = fopen(path, "r");
    if (!stat) continue;
    const char *name_end = fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
    if (name_end && strncmp(name_end, ") S", 3) != 0) sleep = false;
    (void)fclose(stat);
  }
  if (tasks) (void)closedir(tasks);
  return sleep;
}

/* Waits until the workers have started. A sanitizer's allocator is not prepared for a fork: a lock that a starting
 * thread holds would stay locked in the child. Two looks, because a thread may wake behind the first one. */
static void let_workers_start(void) {
  for (int i = 0, quiet = 0; i < 10000 && quiet < 2; i++) {
    quiet = others_sleep() ? quiet + 1 : 0;
    (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
}

/* Exit status of a child: 0 if all is as it should be. SIGALRM ends one that hangs. */
static int in_child(chronos2_session **session, const chronos2_model *model, double expected) {
  (void)alarm(60);
  if (!(forecast(*session) == expected)) return 1;
  chronos2_session_close(session);
  if (*session) return 2;
#ifndef __SANITIZE_THREAD__ /* which can't follow threads that a forked child starts: it ends the process */
  chronos2_session *own = open_session(model);
  if (!(forecast(own) == expected)) return 3;
  chronos2_session_close(&own);
#else
  (void)model;
#endif
  return 0;
}

/* A child forecasts with the session that it inherited, closes it, and opens one of its own; the parent goes on. */
static void test_fork(void **state) {
  (void)state;
  chronos2_model *model = NULL;
  assert_int_equal(chronos2_model_open(weights, NULL, &model), CHRONOS2_OK);
  chronos2_session *session = open_session(model);
  double expected = forecast(session);
  assert_true(isfinite(expected));
#ifdef __SANITIZE_THREAD__
  print_message("NOT RUN: a child's own session, which the thread sanitizer can't follow\n");
#endif
  let_workers_start();
  for (int round = 0; round < 5; round++) {
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(in_child(&session, model, expected));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) fail_msg("the child was ended by signal %d", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(forecast(session) == expected);
  }
  chronos2_session_close(&session);
  chronos2_model_close(&model);
}

enum { THREADS = 3 };

typedef struct meeting {
  atomic_size_t here;
  bool blocks[THREADS][3]; /* a worker: SIGUSR1, SIGALRM, SIGSEGV */
} meeting;

/* Every task waits for all others to have begun: each has a thread of its own. */
static void meet(void *context, size_t task, size_t worker) {
  static const int signals[3] = {SIGUSR1, SIGALRM, SIGSEGV};
  meeting *m = context;
  sigset_t mask;
  (void)task;
  atomic_fetch_add(&m->here, 1);
  while (atomic_load(&m->here) < THREADS) (void)sched_yield();
  (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
  for (size_t i = 0; i < 3; i++) m->blocks[worker][i] = sigismember(&mask, signals[i]) == 1;
}

/* Workers block what the host may handle, but no faults; the host's own mask is as it was. */
static void test_signals(void **state) {
  (void)state;
  c2_pool *pool = NULL;
  meeting m = {0};
  assert_int_equal(c2_pool_open(&pool, THREADS, false, NULL), C2_OK);
  if (c2_pool_threads(pool) == 1) {
    print_message("NOT RUN: the signals of workers, which a library without threads has none of\n");
    c2_pool_close(&pool);
    return;
  }
  c2_pool_run(pool, THREADS, meet, &m);
  for (size_t worker = 0; worker < THREADS; worker++) {
    assert_int_equal(m.blocks[worker][0], worker > 0);
    assert_int_equal(m.blocks[worker][1], worker > 0);
    assert_false(m.blocks[worker][2]);
  }
  c2_pool_close(&pool);
}

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  assert_non_null(found);
  return found;
}

/* Workers of a session that was left open keep running when the library is closed: it stays mapped. */
static void test_closed_library(void **state) {
  (void)state;
  static const char path[] = BINARY_DIR "/libchronos2.so";
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail_msg("%s", dlerror());
  chronos2_status (*model_open)(const char *, const chronos2_model_options *, chronos2_model **);
  chronos2_status (*session_open)(const chronos2_model *, const chronos2_session_options *, chronos2_session **);
  void (*session_close)(chronos2_session **);
  void (*model_close)(chronos2_model **);
  *(void **)&model_open = symbol(library, "chronos2_model_open");
  *(void **)&session_open = symbol(library, "chronos2_session_open");
  *(void **)&session_close = symbol(library, "chronos2_session_close");
  *(void **)&model_close = symbol(library, "chronos2_model_close");
  assert_int_equal(model_open(weights, NULL, &model), CHRONOS2_OK);
  assert_int_equal(session_open(model, &(chronos2_session_options){CHRONOS2_SESSION_OPTIONS_INIT, .threads = 4},
                                &session), CHRONOS2_OK);
  assert_int_equal(dlclose(library), 0);
  void *again = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
  assert_non_null(again);
  session_close(&session);
  model_close(&model);
  assert_int_equal(dlclose(again), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fork), cmocka_unit_test(test_signals),
                                     cmocka_unit_test(test_closed_library)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
