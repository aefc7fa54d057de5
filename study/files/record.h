/* PREFIX__run.json is a run's record. It holds all that is needed to run it again. */
#ifndef C2_STUDY_RECORD_H
#define C2_STUDY_RECORD_H

#include <stddef.h>

#include "base/json_writer.h"
#include "base/status.h"
#include "study/files/field.h"
#include "study/results/journal.h"
#include "study/measure/plan.h"
#include "study/results/results.h"

/* A lock file, so that a prefix has one writer. The system releases the lock when the process ends, however it ends. A
 * zeroed lock is not held. */
typedef struct c2_lock {
  char path[C2_PATH_ROOM]; /* empty: not held */
  int file;
} c2_lock;

/* Removes the lock's file and releases the lock. It does nothing if the lock is not held. */
void c2_lock_close(c2_lock *lock);

/* Locks the prefix. Call it before the first result: it fails if the record cannot be written, or if a file of the
 * prefix is one that the study reads. Close the lock also after a failure. */
c2_status c2_record_begin(const c2_plan *plan, const c2_results *results, c2_journal *journal, c2_lock *lock,
                          c2_error *err);

/* Writes the record as a file of its own, or as member `key` of an object of another file. */
c2_status c2_record_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                          const c2_journal *journal, c2_error *err);
void c2_record_put(c2_json_writer *w, const char *key, const c2_plan *plan, const c2_results *results,
                   const c2_summary *summary, const c2_journal *journal);

/* Write members of the object that is open: an option, and what describes this machine. */
void c2_option_put(c2_json_writer *w, const char *key, const c2_study_field *column, const c2_study_row *row);
void c2_machine_put(c2_json_writer *w);

#endif
