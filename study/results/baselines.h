/* A study's accuracy beside the seasonal-naive forecast and beside published results for the same tasks. */
#ifndef C2_STUDY_BASELINES_H
#define C2_STUDY_BASELINES_H

#include <stddef.h>
#include <stdio.h>

#include "study/run.h"

enum { C2_PUBLISHED_MODELS = 6 }; /* the first is seasonal naive */
extern const char *const c2_published_model[C2_PUBLISHED_MODELS];

/* Published accuracy on one task. */
typedef struct c2_published {
  const char *task;
  size_t horizon;
  double score[C2_PUBLISHED_MODELS][2]; /* MASE, WQL */
} c2_published;

/* NULL if there is none for a task of that name and horizon. */
const c2_published *c2_published_find(const char *task, size_t horizon);

/* The published results that a task may be set beside: those of its name and horizon, if the seasonal-naive forecast
 * scores on our data what it scored on theirs; else NULL. */
const c2_published *c2_published_for(const c2_baseline_row *naive);

/* Two tables, MASE and WQL over seasonal naive's: by task, and their geometric means. The study must be done. */
void c2_baselines_print(const c2_study *study, FILE *out);

#endif
