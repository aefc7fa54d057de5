/* What a task asks beyond what the model or its data give, in a line each. A line that has nothing to say is empty. */
#ifndef C2_STUDY_CAVEATS_H
#define C2_STUDY_CAVEATS_H

#include <chronos2.h>
#include <stddef.h>

#include "study/measure/accuracy.h"

enum { C2_CAVEAT_ROOM = 320 };

/* A horizon beyond one pass; `effect` says what becomes of the rest. */
void c2_caveat_horizon(const chronos2_config *config, size_t horizon, const char *effect, char out[C2_CAVEAT_ROOM]);

/* A context beyond what the model was trained for. */
void c2_caveat_context(const chronos2_config *config, size_t context_length, char out[C2_CAVEAT_ROOM]);

/* Quantile levels outside the trained ones. */
void c2_caveat_levels(const chronos2_config *config, const double *levels, size_t count, char out[C2_CAVEAT_ROOM]);

/* Series that are too short for some windows. */
void c2_caveat_short(const c2_evaluation *e, char out[C2_CAVEAT_ROOM]);

/* Missing truths; `naive` are the scores of seasonal naive, which has one wherever there is a truth. */
void c2_caveat_missing(const c2_evaluation *e, const double *naive, char out[C2_CAVEAT_ROOM]);

#endif
