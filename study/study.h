/* The study: over tasks and radii, how much attention a sparse pattern keeps, what it costs in accuracy and what it
 * gains in time and memory. Its results are measured (run.c) or read from CSV files (from_csv.c); what follows from
 * them, is written and is printed is the same. */
#ifndef C2_STUDY_STUDY_H
#define C2_STUDY_STUDY_H

#include <chronos2.h>
#include <stdio.h>

#include "base/status.h"
#include "study/files/lock.h"
#include "study/progress.h"
#include "study/results/journal.h"
#include "study/measure/plan.h"
#include "study/results/results.h"

typedef struct c2_study {
  c2_plan plan;
  c2_journal journal;
  void (*progress)(const c2_progress *progress); /* may be NULL */
  c2_results results;
  c2_summary summary;
  c2_lock lock;         /* on the prefix */
  char reproduced[512]; /* a line; from CSV files */
} c2_study;

/* Runs it and writes its files. The caller sets the plan, and say, warn and progress, of a zeroed study; free it also
 * after a failure. `sparse_model` goes with sparse_model_folder. With `resume` the tasks that an earlier run of the
 * same options, models and data finished aren't run again; a run that differs in what its results depend on is refused.
 */
c2_status c2_study_run(c2_study *study, const chronos2_model *model, const chronos2_model *sparse_model, c2_error *err);

/* Reads P__perf_full.csv and P__perf_sparse_r*.csv (or P__perf_compare_r*.csv), P__mass_per_window.csv and
 * P__baselines.csv of the folder plan.from_csv, whatever P is; the two last may be absent. Writes all files that follow
 * from them under plan.prefix, compares those that the folder has too, and warns of what the numbers can't carry. The
 * caller sets prefix, margin, draws, split, seed, chunk_size, verdict_radius and command of the plan. */
c2_status c2_study_from_csv(c2_study *study, c2_error *err);

void c2_study_free(c2_study *study);

/* Between the sources of results and what is made of them: sums them up and writes the files. `from` is the folder/P
 * whose files were read; NULL: measured. */
c2_status c2_study_finish(c2_study *study, const char *from, c2_error *err);

/* Prints a table by radius, where the results lie, and the verdict. */
void c2_study_print(const c2_study *study, FILE *out);

/* Two tables, MASE and WQL over seasonal naive's: by task, and their geometric means. */
void c2_print_baselines(const c2_results *results, FILE *out);

#endif
