/* Compares a study's summaries with those in the folder that it was read from. */
#ifndef C2_STUDY_REPRODUCE_H
#define C2_STUDY_REPRODUCE_H

#include <stddef.h>

#include "base/status.h"
#include "study/results/journal.h"
#include "study/measure/plan.h"
#include "study/results/results.h"

/* Compares the files `prefix`__*.csv that this study wrote too, and warns of cells that differ. `out` [room] gets a
 * line that counts the files. It is left unchanged where there are none. */
c2_status c2_reproduce(const c2_plan *plan, const c2_results *results, const char *prefix, c2_journal *journal,
                       char *out, size_t room, c2_error *err);

#endif
