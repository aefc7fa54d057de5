/* The queue of calls and the workers that forecast them. What waits is forecast together, up to a budget of tokens: a
 * series' forecast is the same, bit for bit, whatever else is in the batch. Calls take turns: each gets a share of a
 * batch, and one that is not finished by it goes to the end of the queue. A series that is larger than the budget is
 * forecast alone. Scenarios of a context take turns, too, but share no batch with others. Calls whose series depend on
 * each other (c2_call's is_whole) or make a context are a batch of their own, whatever the budget. */
#ifndef C2_SERVE_BATCHER_H
#define C2_SERVE_BATCHER_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "serve/call.h"
#include "serve/metrics.h"

typedef struct c2_batcher c2_batcher;

/* What is done with a call's series: they are forecast; their pasts are encoded; they are forecast from encoded pasts.
 */
typedef enum c2_work { C2_WORK_PREDICT, C2_WORK_ENCODE, C2_WORK_DECODE } c2_work;

/* A call in the queue. It belongs to its owner, who keeps it in place until `done`. */
typedef struct c2_job c2_job;
struct c2_job {
  c2_call *call;
  c2_work work;              /* C2_WORK_PREDICT at first */
  chronos2_context *context; /* C2_WORK_ENCODE: the result, the owner's; C2_WORK_DECODE: what is forecast from */
  double deadline;           /* by c2_clock_seconds */
  void (*done)(c2_job *job); /* from any thread; afterwards the batcher knows nothing of the job any more */
  void *owner;

  /* The result: the call's values, unless status is bad. */
  c2_status status;
  bool is_late;  /* the deadline came first */
  size_t failed; /* the series that the error is about; SIZE_MAX: all */
  c2_error err;

  /* The batcher's. */
  c2_job *next, *before, *finished;
  size_t taken, flying; /* series that batches have taken; batches that are being forecast with some of them */
  bool is_queued, is_over;
};

typedef struct c2_batcher_options {
  size_t workers;    /* sessions, each with a thread of its own beside its pool */
  size_t budget;     /* tokens of a batch */
  size_t batch_size; /* rows of a pass */
  size_t queue;      /* calls that may wait */
  chronos2_session_options session;
  bool extend_context; /* the context may be longer than the model's */
} c2_batcher_options;

/* The model and the metrics must outlive the batcher. Sessions are opened, and their workspaces grow, on the way. */
c2_status c2_batcher_open(c2_batcher **batcher, const chronos2_model *model, const c2_batcher_options *options,
                          c2_metrics *metrics, c2_error *err);

/* Queues a job, of which call, deadline, done and owner are set. False if the queue is full. */
bool c2_batcher_add(c2_batcher *batcher, c2_job *job);

/* Ends the jobs that wait beyond their deadline. */
void c2_batcher_expire(c2_batcher *batcher, double now);

/* Ends the jobs that wait, which are late, and what is being forecast after its pass. No job is taken any more. */
void c2_batcher_cancel(c2_batcher *batcher);

/* The same, and waits for the workers. */
void c2_batcher_stop(c2_batcher *batcher);

size_t c2_batcher_waiting(c2_batcher *batcher);

/* Stops it and frees everything. */
void c2_batcher_close(c2_batcher **batcher);

#endif
