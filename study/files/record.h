/* A run's record: PREFIX__run.json, with all that is needed to run it again. */
#ifndef C2_STUDY_RECORD_H
#define C2_STUDY_RECORD_H

#include <stddef.h>

#include "base/json_writer.h"
#include "base/status.h"
#include "study/files/field.h"
#include "study/files/lock.h"
#include "study/results/journal.h"
#include "study/results/plan.h"
#include "study/results/results.h"

/* Before the first result: locks the prefix, and fails now if the record can't be written or if a file of the prefix is
 * one that the study reads. */
c2_status c2_record_begin(const c2_plan *plan, const c2_results *results, c2_journal *journal, c2_lock *lock,
                          c2_error *err);

/* The record as an object of its own, or of another file. */
c2_status c2_record_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                          const c2_journal *journal, c2_error *err);
void c2_record_put(c2_json_writer *w, const char *key, const c2_plan *plan, const c2_results *results,
                   const c2_summary *summary, const c2_journal *journal);

/* Members of the object under way: an option, and the machine that runs this. */
void c2_option_put(c2_json_writer *w, const char *key, const c2_field *column, const c2_row *row);
void c2_machine_put(c2_json_writer *w);

#endif
