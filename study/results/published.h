/* The accuracy of other models on the same tasks, as others have published it. */
#ifndef C2_STUDY_PUBLISHED_H
#define C2_STUDY_PUBLISHED_H

#include <stddef.h>

#include "study/statistics/metrics.h"
#include "study/tasks/tasks.h"

enum { C2_PUBLISHED_MODELS = 6, C2_PUBLISHED_METRICS = 2 }; /* the first model is seasonal naive */
extern const char *const c2_published_model[C2_PUBLISHED_MODELS];

/* The scores of all models on one task. */
typedef struct c2_published {
  const char *task;
  size_t horizon;
  double score[C2_PUBLISHED_MODELS * C2_PUBLISHED_METRICS];
} c2_published;

/* A model's score; NaN if the metric was not published. */
double c2_published_score(const c2_published *p, size_t model, c2_metric metric);

/* The scores that were published for a task of that name and horizon, or NULL. */
const c2_published *c2_published_find(const c2_task *task);

/* The same, but only if the published scores were computed from the same data as ours, which shows where the
 * seasonal-naive forecast has the same scores; ours are naive[C2_METRICS]. Else it returns NULL. */
const c2_published *c2_published_for(const c2_task *task, const double *naive);

#endif
