/* The CSV files of a study, written through the schema. Files appear whole or not at all. */
#ifndef C2_STUDY_TABLES_H
#define C2_STUDY_TABLES_H

#include "base/json_writer.h"
#include "base/status.h"
#include "study/measure/plan.h"
#include "study/results/journal.h"
#include "study/results/results.h"

/* Writes every file that the results have rows for. Results that were read from CSV files leave out the files that
 * were read. A measured study removes the files that an earlier one has left under the prefix; others warn of them. */
c2_status c2_tables_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                          c2_journal *journal, c2_error *err);

/* Writes the tables that a report draws as members of an object that is open: each is an array with one object a row,
 * whose members have the names of the columns. Missing numbers are null. */
c2_status c2_tables_put(c2_json_writer *json, const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                        c2_error *err);

#endif
