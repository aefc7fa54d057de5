/* A study's summaries beside those that the folder it was read from has. */
#ifndef C2_STUDY_REPRODUCE_H
#define C2_STUDY_REPRODUCE_H

#include <stddef.h>

#include "base/status.h"
#include "study/results/journal.h"
#include "study/results/plan.h"
#include "study/results/results.h"

/* Compares the files `prefix`__*.csv that this study wrote too, and warns of cells that differ. `out` gets a line that
 * counts the files; it stays as it is where there is none. */
c2_status c2_reproduce(const c2_plan *plan, const c2_results *results, const char *prefix, c2_journal *journal,
                       char *out, size_t room, c2_error *err);

#endif
