/* Accuracy of others on the same tasks, as they published it. */
#ifndef C2_STUDY_PUBLISHED_H
#define C2_STUDY_PUBLISHED_H

#include <stddef.h>

#include "study/statistics/metrics.h"
#include "study/tasks/tasks.h"

enum { C2_PUBLISHED_MODELS = 6, C2_PUBLISHED_METRICS = 2 }; /* the first model is seasonal naive */
extern const char *const c2_published_model[C2_PUBLISHED_MODELS];

/* On one task. */
typedef struct c2_published {
  const char *task;
  size_t horizon;
  double score[C2_PUBLISHED_MODELS * C2_PUBLISHED_METRICS];
} c2_published;

/* NaN where the metric was not published. */
double c2_published_score(const c2_published *p, size_t model, c2_metric metric);

/* NULL if there is none for a task of that name and horizon. */
const c2_published *c2_published_find(const c2_task *task);

/* The published results that a task may be set beside: those of its name and horizon, if the seasonal-naive forecast,
 * whose scores are naive[C2_METRICS], scores on our data what it scored on theirs; else NULL. */
const c2_published *c2_published_for(const c2_task *task, const double *naive);

#endif
