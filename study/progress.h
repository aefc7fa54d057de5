/* Tells how far a study is and how long it will go on, judging by the time that this run's work has taken so far. */
#ifndef C2_STUDY_PROGRESS_H
#define C2_STUDY_PROGRESS_H

#include <stddef.h>

#include "study/measure/plan.h"
#include "study/results/results.h"

typedef struct c2_progress {
  size_t task, tasks; /* the first is 1 */
  const char *name;
  double share; /* of this run's work that is done, 0 to 1 */
  double left;  /* seconds; NAN while it can't be told */
} c2_progress;

/* ---- For the study's own files ---------------------------------------------------------------- */

/* Work is counted in passes over a window. A pass weighs as much as the data files of its task have bytes. */
typedef struct c2_pace {
  const c2_plan *plan;
  const c2_results *results;
  void (*report)(const c2_progress *progress); /* may be NULL */
  double start;     /* seconds of the clock when the first task began */
  double all, done; /* weight of the tasks that this run has to do, and of those that it has done */
  double weight;    /* of a pass of the task under way */
  double passes;    /* that are done of this task */
  size_t task;      /* its index */
} c2_pace;

/* Begins with a pace of which the first three fields are set. */
void c2_pace_open(c2_pace *pace);

/* Around each task that is run. */
void c2_pace_task(c2_pace *pace, size_t task);
void c2_pace_end_task(c2_pace *pace);

/* `passes` more passes are done. */
void c2_pace_pass(c2_pace *pace, double passes);

/* Reports the progress, with `share` (0 to 1) of the pass under way done. */
void c2_pace_within(c2_pace *pace, double share);

/* The seconds that are left, or NaN while they can't be told. */
double c2_pace_left(const c2_pace *pace);

#endif
