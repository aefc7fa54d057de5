/* The queue and its workers. */
#include "serve/batcher.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "data/series.h"

enum { MOST_SERIES = 4096 }; /* of a batch */

/* Series of one job in a batch. */
typedef struct part {
  c2_job *job;
  size_t first, count;
} part;

typedef struct worker {
  c2_batcher *batcher;
  chronos2_session *session;
  chronos2_pattern pattern; /* that the session runs */
  pthread_t thread;
  bool is_running;
  part *part; /* [parts], room for MOST_SERIES */
  size_t parts, count, tokens;
  chronos2_series *series; /* [count], room for MOST_SERIES */
  double deadline;         /* the latest one of the batch's jobs */
} worker;

struct c2_batcher {
  const chronos2_model *model;
  const chronos2_config *config;
  c2_batcher_options options;
  c2_metrics *metrics;
  pthread_mutex_t lock;
  pthread_cond_t work;
  c2_job *head, *tail; /* jobs of which series wait, in turn */
  size_t waiting;
  bool is_closing;
  atomic_bool is_cancelled; /* what is being forecast is given up after its pass */
  worker *worker;           /* [options.workers] */
};

/* ---- The queue, under its lock --------------------------------------------------------------- */

static void append(c2_batcher *b, c2_job *job) {
  job->next = NULL;
  job->before = b->tail;
  *(b->tail ? &b->tail->next : &b->head) = job;
  b->tail = job;
  job->is_queued = true;
  b->waiting++;
}

static void take_out(c2_batcher *b, c2_job *job) {
  if (!job->is_queued) return;
  *(job->before ? &job->before->next : &b->head) = job->next;
  *(job->next ? &job->next->before : &b->tail) = job->before;
  job->is_queued = false;
  b->waiting--;
}

/* A job that ends goes to the list of those whose `done` is called without the lock. */
static void finish(c2_batcher *b, c2_job *job, c2_job **finished) {
  take_out(b, job);
  if (job->flying > 0) return; /* its last batch will */
  job->finished = *finished;
  *finished = job;
}

static void tell(c2_job *finished) {
  while (finished) {
    c2_job *job = finished;
    finished = job->finished;
    job->done(job);
  }
}

/* Ends a job early. */
static void stop_job(c2_batcher *b, c2_job *job, c2_job **finished) {
  job->is_late = true;
  job->is_over = true;
  finish(b, job, finished);
}

void c2_batcher_expire(c2_batcher *b, double now) {
  c2_job *finished = NULL;
  pthread_mutex_lock(&b->lock);
  for (c2_job *job = b->head, *next = NULL; job; job = next) {
    next = job->next;
    if (job->deadline <= now) stop_job(b, job, &finished);
  }
  pthread_mutex_unlock(&b->lock);
  tell(finished);
}

bool c2_batcher_add(c2_batcher *b, c2_job *job) {
  job->status = C2_OK;
  job->is_late = false;
  job->failed = SIZE_MAX;
  job->taken = 0;
  job->flying = 0;
  job->is_over = false;
  pthread_mutex_lock(&b->lock);
  bool has_room = b->waiting < b->options.queue && !b->is_closing;
  if (has_room) {
    append(b, job);
    pthread_cond_signal(&b->work);
  }
  pthread_mutex_unlock(&b->lock);
  return has_room;
}

size_t c2_batcher_waiting(c2_batcher *b) {
  pthread_mutex_lock(&b->lock);
  size_t waiting = b->waiting;
  pthread_mutex_unlock(&b->lock);
  return waiting;
}

/* ---- A batch, under the lock ----------------------------------------------------------------- */

static bool same_pattern(chronos2_pattern a, chronos2_pattern b) {
  return a.attention == b.attention && a.radius == b.radius && a.reg_global == b.reg_global;
}

/* Whether a job's batches are its own: its series depend on each other, or a context is encoded or forecast from. */
static bool is_alone(const c2_job *job) {
  return job->call->is_whole || job->work != C2_WORK_PREDICT;
}

static bool may_share(const c2_job *a, const c2_job *b) {
  const c2_call_pass *x = &a->call->pass;
  const c2_call_pass *y = &b->call->pass;
  return !is_alone(b) && x->horizon == y->horizon && x->context_length == y->context_length &&
         same_pattern(x->pattern, y->pattern);
}

/* Takes series of a job into the batch, up to `most` tokens; at least one where the batch is empty or, with `any`,
 * where it has room. */
static void take(worker *w, c2_job *job, size_t most, bool any) {
  c2_batcher *b = w->batcher;
  if (w->count == MOST_SERIES) return; /* and as many parts at most */
  part *p = &w->part[w->parts];
  size_t used = 0;
  *p = (part){.job = job, .first = job->taken};
  while (job->taken < job->call->count && w->count < MOST_SERIES) {
    size_t tokens = c2_call_tokens(job->call, job->taken, b->config);
    bool fits = used + tokens <= most || (any && used == 0 && w->tokens + tokens <= b->options.budget);
    if (!fits && w->count > 0) break;
    w->series[w->count++] = job->call->series[job->taken++];
    w->tokens += tokens;
    used += tokens;
    p->count++;
  }
  if (p->count == 0) return;
  if (job->deadline > w->deadline) w->deadline = job->deadline;
  job->flying++;
  w->parts++;
}

/* Series of a job that is alone, which are read in place: all of them, or as many scenarios as the budget has room for
 * and one at least, since scenarios don't depend on each other. */
static void take_alone(worker *w, c2_job *job) {
  const c2_call *call = job->call;
  size_t step = job->work == C2_WORK_DECODE ? call->count / call->scenarios : call->count;
  size_t tokens = 0; /* of a step */
  part *p = &w->part[w->parts++];
  *p = (part){.job = job, .first = job->taken};
  for (size_t i = 0; i < step; i++) tokens += c2_call_tokens(call, job->taken + i, w->batcher->config);
  do {
    job->taken += step;
    w->tokens += tokens;
  } while (job->taken < call->count && w->tokens + tokens <= w->batcher->options.budget);
  p->count = job->taken - p->first;
  w->deadline = job->deadline;
  job->flying++;
}

/* The oldest job says what the batch is; all that may share it get the same share, and what is left goes in turn. */
static void choose(worker *w) {
  c2_batcher *b = w->batcher;
  c2_job *head = b->head;
  size_t sharers = 0;
  w->parts = 0;
  w->count = 0;
  w->tokens = 0;
  w->deadline = 0;
  if (is_alone(head)) {
    take_alone(w, head);
    take_out(b, head);
    if (head->taken < head->call->count) append(b, head);
    return;
  }
  for (c2_job *job = head; job; job = job->next) sharers += may_share(head, job);
  size_t share = b->options.budget / sharers;
  for (c2_job *job = head; job && w->tokens < b->options.budget; job = job->next) {
    if (may_share(head, job)) take(w, job, share, true);
  }
  size_t parts = w->parts;
  for (size_t i = 0; i < parts && w->tokens < b->options.budget; i++) { /* the rest of the budget */
    if (w->part[i].job->taken < w->part[i].job->call->count)
      take(w, w->part[i].job, b->options.budget - w->tokens, false);
  }
  for (size_t i = 0; i < w->parts; i++) {
    c2_job *job = w->part[i].job;
    if (!job->is_queued) continue;
    take_out(b, job);
    if (job->taken < job->call->count) append(b, job);
  }
}

/* ---- A batch, without the lock --------------------------------------------------------------- */

static int check_time(void *user, size_t done, size_t total) {
  const worker *w = user;
  return done < total && (atomic_load(&w->batcher->is_cancelled) || c2_clock_seconds() > w->deadline);
}

static c2_status forecast(worker *w, chronos2_forecast **out, c2_error *err) {
  c2_job *job = w->part[0].job;
  const c2_call_pass *pass = &job->call->pass;
  bool alone = is_alone(job);
  const chronos2_series *series = alone ? job->call->series + w->part[0].first : w->series;
  size_t count = alone ? w->part[0].count : w->count;
  bool predicts = job->work == C2_WORK_PREDICT; /* contexts know no skip */
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT,
                                      .horizon = pass->horizon,
                                      .context_length = pass->context_length,
                                      .batch_size = alone ? pass->batch_size : w->batcher->options.batch_size,
                                      .on_error = predicts ? CHRONOS2_ON_ERROR_SKIP : CHRONOS2_ON_ERROR_FAIL,
                                      .cross_learning = pass->cross_learning,
                                      .extend_context = w->batcher->options.extend_context};
  if (!same_pattern(w->pattern, pass->pattern)) {
    C2_TRY(c2_api(chronos2_session_set_attention(w->session, pass->pattern.attention, pass->pattern.radius,
                                                    pass->pattern.reg_global),
                     err));
    w->pattern = pass->pattern;
  }
  if (job->work == C2_WORK_ENCODE) {
    return c2_api(chronos2_context_open(w->session, series, count, &options, &job->context), err);
  }
  if (job->work == C2_WORK_DECODE) {
    return c2_api(chronos2_context_predict(w->session, job->context, series, count, &options, out), err);
  }
  return c2_api(chronos2_predict(w->session, series, count, &options, out), err);
}

/* What one part of the batch has become. */
static c2_status take_result(const part *p, const chronos2_forecast *f, size_t at, const chronos2_config *config,
                             size_t *failed, c2_error *err) {
  for (size_t i = 0; f && i < p->count; i++) {
    c2_status status = C2_OK;
    if (chronos2_forecast_status(f, at + i) != CHRONOS2_OK) {
      status = c2_fail(err, (c2_status)chronos2_forecast_status(f, at + i), "%s", chronos2_forecast_error(f, at + i));
    } else {
      status = c2_call_take(p->job->call, p->first + i, f, at + i, config, err);
    }
    if (status == C2_OK) continue;
    *failed = p->first + i;
    return status;
  }
  return C2_OK;
}

static void settle(worker *w, const part *p, c2_status status, size_t failed, const c2_error *err, c2_job **finished) {
  c2_job *job = p->job;
  job->flying--;
  if (status != C2_OK && !job->is_over) {
    job->is_over = true;
    job->status = status;
    job->failed = failed;
    job->err = *err;
    job->is_late = status == C2_ERR_CANCELLED;
  }
  if (job->is_over || job->taken == job->call->count) finish(w->batcher, job, finished);
}

static void run(worker *w) {
  c2_metrics *m = w->batcher->metrics;
  chronos2_forecast *f = NULL;
  c2_error err = {.code = C2_OK};
  c2_job *finished = NULL;
  size_t at = 0;
  double began = c2_clock_seconds();
  size_t series = w->count ? w->count : w->part[0].count;
  atomic_fetch_add(&m->busy, 1);
  c2_status all = forecast(w, &f, &err);
  atomic_fetch_sub(&m->busy, 1);
  for (size_t i = 0; i < w->parts; i++) {
    const part *p = &w->part[i];
    size_t failed = SIZE_MAX;
    c2_status status = all;
    if (all == C2_OK) status = take_result(p, f, at, w->batcher->config, &failed, &err);
    at += p->count;
    pthread_mutex_lock(&w->batcher->lock);
    settle(w, p, status, failed, &err, &finished);
    pthread_mutex_unlock(&w->batcher->lock);
  }
  chronos2_forecast_free(&f);
  atomic_fetch_add(&m->batches, 1);
  atomic_fetch_add(&m->series, series);
  atomic_fetch_add(&m->tokens, w->tokens);
  atomic_fetch_add(&m->busy_microseconds, (uint_fast64_t)(1e6 * (c2_clock_seconds() - began)));
  tell(finished);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void *work(void *argument) {
  worker *w = argument;
  c2_batcher *b = w->batcher;
  pthread_mutex_lock(&b->lock);
  for (;;) {
    while (!b->head && !b->is_closing) pthread_cond_wait(&b->work, &b->lock);
    if (b->is_closing) break;
    choose(w);
    if (b->head) pthread_cond_signal(&b->work);
    pthread_mutex_unlock(&b->lock);
    run(w);
    pthread_mutex_lock(&b->lock);
  }
  pthread_mutex_unlock(&b->lock);
  return NULL;
}

static c2_status open_worker(c2_batcher *b, worker *w, c2_error *err) {
  w->batcher = b;
  C2_TRY(c2_alloc_array(MOST_SERIES, sizeof *w->part, &w->part, err));
  C2_TRY(c2_alloc_array(MOST_SERIES, sizeof *w->series, &w->series, err));
  C2_TRY(c2_api(chronos2_session_open(b->model, &b->options.session, &w->session), err));
  chronos2_session_on_progress(w->session, check_time, w);
  w->pattern =
      (chronos2_pattern){b->options.session.attention, b->options.session.radius, b->options.session.reg_global};
  int failed = pthread_create(&w->thread, NULL, work, w);
  if (failed) C2_FAIL(err, C2_ERR_MEMORY, "a worker can't be started: %s", strerror(failed));
  w->is_running = true;
  return C2_OK;
}

c2_status c2_batcher_open(c2_batcher **out, const chronos2_model *model, const c2_batcher_options *options,
                          c2_metrics *metrics, c2_error *err) {
  c2_batcher *b = NULL;
  c2_status status = c2_alloc_array(1, sizeof *b, &b, err);
  *out = NULL;
  if (status != C2_OK) return status;
  b->model = model;
  b->config = chronos2_model_config(model);
  b->options = *options;
  b->metrics = metrics;
  (void)pthread_mutex_init(&b->lock, NULL);
  (void)pthread_cond_init(&b->work, NULL);
  *out = b;
  C2_GOTO(c2_alloc_array(options->workers, sizeof *b->worker, &b->worker, err));
  for (size_t i = 0; i < options->workers; i++) C2_GOTO(open_worker(b, &b->worker[i], err));
  return C2_OK;
fail:
  c2_batcher_close(out);
  return status;
}

void c2_batcher_cancel(c2_batcher *b) {
  c2_job *finished = NULL;
  pthread_mutex_lock(&b->lock);
  b->is_closing = true;
  atomic_store(&b->is_cancelled, true);
  while (b->head) stop_job(b, b->head, &finished);
  pthread_cond_broadcast(&b->work);
  pthread_mutex_unlock(&b->lock);
  tell(finished);
}

void c2_batcher_stop(c2_batcher *b) {
  c2_batcher_cancel(b);
  for (size_t i = 0; b->worker && i < b->options.workers; i++) {
    if (b->worker[i].is_running) (void)pthread_join(b->worker[i].thread, NULL);
    b->worker[i].is_running = false;
  }
}

void c2_batcher_close(c2_batcher **batcher) {
  c2_batcher *b = *batcher;
  if (!b) return;
  c2_batcher_stop(b);
  for (size_t i = 0; b->worker && i < b->options.workers; i++) {
    chronos2_session_close(&b->worker[i].session);
    free(b->worker[i].part);
    free(b->worker[i].series);
  }
  (void)pthread_cond_destroy(&b->work);
  (void)pthread_mutex_destroy(&b->lock);
  free(b->worker);
  free(b);
  *batcher = NULL;
}
