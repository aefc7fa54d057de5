/* Caveats of a task, as base/caveats.h has those of models and series: what it asks beyond what its data give. */
#ifndef C2_STUDY_CAVEATS_H
#define C2_STUDY_CAVEATS_H

#include "base/caveats.h"
#include "study/measure/accuracy.h"

/* Series that are too short for some windows. */
void c2_caveat_short(const c2_evaluation *e, char out[C2_CAVEAT_ROOM]);

/* Missing truths; `naive` are the scores of seasonal naive, which has one wherever there is a truth. */
void c2_caveat_missing(const c2_evaluation *e, const double *naive, char out[C2_CAVEAT_ROOM]);

#endif
