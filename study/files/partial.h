/* PREFIX__partial.json holds the tasks that a run has finished. An interrupted run goes on from it. */
#ifndef C2_STUDY_PARTIAL_H
#define C2_STUDY_PARTIAL_H

#include <stddef.h>

#include "base/status.h"
#include "study/results/journal.h"
#include "study/measure/plan.h"
#include "study/results/results.h"

/* Obeys `resume` and `restart` of the plan: fills in the results that the file has, or removes it. A file that is there
 * without either is an error, and so is one of a run with other options, models or data. */
c2_status c2_partial_begin(const c2_plan *plan, c2_results *results, c2_journal *journal, c2_error *err);

/* Writes all tasks that are finished. The file is replaced whole. */
c2_status c2_partial_write(const c2_plan *plan, const c2_results *results, c2_error *err);

/* Removes the file, if it is there. */
void c2_partial_forget(const c2_plan *plan);

/* The digest by which damage to a finished task is seen. It covers its numbers [n], in the file's order, texts
 * and warnings. */
void c2_partial_seal(const double *numbers, size_t n, const char *id_column, const char *series,
                     const char *const *warning, size_t warnings, char out[C2_SHA_ROOM]);

#endif
