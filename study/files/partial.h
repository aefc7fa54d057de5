/* PREFIX__partial.json, with the tasks that a run has finished, from which an interrupted run goes on. */
#ifndef C2_STUDY_PARTIAL_H
#define C2_STUDY_PARTIAL_H

#include <stddef.h>

#include "base/status.h"
#include "study/results/journal.h"
#include "study/results/plan.h"
#include "study/results/results.h"

/* Does as `resume` and `restart` of the plan want, and fills the results that are there. */
c2_status c2_partial_begin(const c2_plan *plan, c2_results *results, c2_journal *journal, c2_error *err);
c2_status c2_partial_write(const c2_plan *plan, const c2_results *results, c2_error *err);

/* Drops what an interrupted run would go on from. */
void c2_partial_forget(const c2_plan *plan);

/* Guards a finished task's numbers [n], in their order in the file, and texts against damage. */
void c2_partial_seal(const double *numbers, size_t n, const char *id_column, const char *series,
                     char out[C2_CHECKSUM_ROOM]);

#endif
