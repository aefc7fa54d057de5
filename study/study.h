/* A study tells, over tasks and radii, how much attention a sparse pattern keeps, what it costs in accuracy, and what
 * it gains in time and memory. Its results are measured (run.c) or read from CSV files (from_csv.c). What follows from
 * them is the same in both cases, and so are the files and the printed text. */
#ifndef C2_STUDY_STUDY_H
#define C2_STUDY_STUDY_H

#include <chronos2.h>
#include <stdio.h>

#include "base/status.h"
#include "study/files/record.h"
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
  char reproduced[512]; /* a line that c2_reproduce wrote; empty if the study was measured */
} c2_study;

/* Runs a study and writes its files. The caller zeroes the study, sets its plan, progress and the functions of its
 * journal, and frees it, also after a failure. `sparse_model` is the model of plan.sparse_model_folder, or NULL. If
 * plan.resume is set, tasks that an earlier run has finished aren't run again. That run must have had the same options,
 * models and data; if they differ in something that results depend on, this is an error. */
c2_status c2_study_run(c2_study *study, const chronos2_model *model, const chronos2_model *sparse_model, c2_error *err);

/* Makes a study of the files in the folder plan.from_csv: P__perf_full.csv and P__perf_sparse_r*.csv (or
 * P__perf_compare_r*.csv), P__mass_per_window.csv and P__baselines.csv, for one P. The last two may be missing. It
 * writes all files that follow from them under plan.prefix, compares those that the folder has too, and warns of
 * conclusions that the numbers can't carry. The caller sets prefix, margin, draws, split, seed, chunk_size,
 * verdict_radius and command of the plan. */
c2_status c2_study_from_csv(c2_study *study, c2_error *err);

void c2_study_free(c2_study *study);

/* Sums up the results and writes the files. The two functions above call it. `from` is the FOLDER/P whose files were
 * read, or NULL if the results were measured. */
c2_status c2_study_finish(c2_study *study, const char *from, c2_error *err);

/* Prints a table with a line for each radius, the places of the results, and the verdict. */
void c2_study_print(const c2_study *study, FILE *out);

/* Prints a table for each compared metric: the scores of each task over those of the seasonal-naive forecast, and their
 * geometric means. */
void c2_print_baselines(const c2_results *results, FILE *out);

#endif
