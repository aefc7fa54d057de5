/* How far a study is, and how long it will go on: from the time that the work of this run took so far. */
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

enum { C2_DURATION_ROOM = 32 };
void c2_duration(double seconds, char out[C2_DURATION_ROOM]); /* "1:02:03", "2:03"; NAN is "?" */

/* ---- Between the study's own files ------------------------------------------------------------ */

/* Work is counted in passes over a window, each weighing as much as the task's data file is large. */
typedef struct c2_pace {
  const c2_plan *plan;
  const c2_results *results;
  void (*report)(const c2_progress *progress); /* may be NULL */
  double start;                                /* by the clock, of the first task */
  double all, done; /* weight of the tasks that aren't finished before; of those finished since */
  double weight;    /* of a pass of the task under way */
  double passes;    /* of it, done */
  size_t task;      /* its index */
} c2_pace;

/* Sets all but the first three. */
void c2_pace_open(c2_pace *pace);
void c2_pace_task(c2_pace *pace, size_t task);
void c2_pace_pass(c2_pace *pace, double passes);  /* so many passes are done since the last call */
void c2_pace_within(c2_pace *pace, double share); /* of the pass under way; reports it */
double c2_pace_left(const c2_pace *pace);
void c2_pace_end_task(c2_pace *pace);

#endif
