/* The CSV files of a study, written through the schema. Files appear whole or not at all. */
#ifndef C2_STUDY_TABLES_H
#define C2_STUDY_TABLES_H

#include "base/status.h"
#include "study/results/plan.h"
#include "study/results/results.h"

/* All files that the results have rows for; of results that were read from CSV files, those that aren't read again. */
c2_status c2_tables_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary, c2_error *err);

#endif
