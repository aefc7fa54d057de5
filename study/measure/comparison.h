/* Compares several arms on one task. A first pass gives scores, work and memory; then timed passes take turns. */
#ifndef C2_STUDY_COMPARISON_H
#define C2_STUDY_COMPARISON_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "study/measure/accuracy.h"
#include "study/measure/arm.h"
#include "study/measure/example.h"
#include "study/measure/plan.h"
#include "study/statistics/metrics.h"

/* What was measured on a task under one arm. */
typedef struct c2_perf {
  size_t num_forecasts, context_used;
  double score[C2_METRICS];
  double pass_s;                                 /* of the pass that gave the scores */
  double median_s, mean_s, deviation_s, least_s; /* of the timed ones */
  double speedup, speedup_low, speedup_high; /* time of full over this one's: geometric mean of repeats, 95% interval */
  chronos2_work work;                        /* floating-point operations; 0 where the backend doesn't count */
  size_t repeats;
  double alloc_median_mb, alloc_max_mb, reserved_median_mb, reserved_max_mb;
} c2_perf;

/* The floating-point operations of all parts of the model. */
double c2_total_work(const c2_perf *perf);

enum { C2_REDRAWS = 256 }; /* of a task's series */

typedef struct c2_comparison {
  const c2_plan *plan;
  const c2_arm *arm; /* [arms] the first is full attention, of the model; the timed ones come first */
  size_t arms, timed;
  const c2_metric_list *metrics; /* whose redraws are wanted */
  chronos2_session *session[2]; /* [1]: of the sparse model, if an arm wants it */
  size_t most_context[2];       /* that a forecast uses: context_length, or that of the session's model */
  size_t example_arm;                /* whose forecast is shown beside that of full attention */
  uint64_t seed;                     /* of the order of turns and the redraws */
  void (*passed)(void *user);        /* after each pass over the task's windows; may be NULL */
  void *user;
  double *left_out; /* receives the most steps at which an arm has no error: [metrics->count] */
  double *beyond;   /* and at which it has an infinite one */
} c2_comparison;

/* Measures every arm. The caller has perf [arms] and redrawn [arms][metrics][C2_REDRAWS], which c2_evaluation_redraw
 * fills, and frees `example`, also after a failure. */
c2_status c2_compare_task(const c2_comparison *c, c2_evaluation *e, c2_perf *perf, double *redrawn, c2_example *example,
                          c2_error *err);

#endif
