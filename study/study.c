/* What becomes of results, whatever their source. */
#include "study/study.h"

#include <string.h>

#include "study/files/partial.h"
#include "study/files/record.h"
#include "study/files/report.h"
#include "study/files/reproduce.h"
#include "study/files/tables.h"

c2_status c2_study_finish(c2_study *s, const char *from, c2_error *err) {
  const c2_plan *plan = &s->plan;
  c2_results *r = &s->results;
  C2_TRY(c2_summarise(plan, r, &s->journal, &s->summary, err));
  if (from) {
    r->look[0].trained = 2 * s->summary.uniform < r->done; /* weights were not looked at */
    C2_TRY(c2_suspect(r, &s->summary, &s->journal, err));
  }
  C2_TRY(c2_tables_write(plan, r, &s->summary, &s->journal, err));
  if (from) C2_TRY(c2_reproduce(plan, r, from, &s->journal, s->reproduced, sizeof s->reproduced, err));
  if (r->arms) C2_TRY(c2_report_write(plan, r, &s->summary, &s->journal, err));
  return c2_record_write(plan, r, &s->summary, &s->journal, err);
}

void c2_study_free(c2_study *study) {
  c2_results_free(&study->results);
  c2_summary_free(&study->summary);
  c2_journal_free(&study->journal);
  c2_lock_close(&study->lock);
  memset(study, 0, sizeof *study);
}
