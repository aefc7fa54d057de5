/* PREFIX__report.html shows the study as one page, which needs no other file and no network. */
#ifndef C2_STUDY_REPORT_H
#define C2_STUDY_REPORT_H

#include "base/status.h"
#include "study/results/journal.h"
#include "study/measure/plan.h"
#include "study/results/results.h"

/* Writes the page. The file appears whole or not at all. */
c2_status c2_report_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                          const c2_journal *journal, c2_error *err);

#endif
