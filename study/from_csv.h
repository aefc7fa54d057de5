/* A study from the per-task CSV files of another one, ours or the published one: no model is run. */
#ifndef C2_STUDY_FROM_CSV_H
#define C2_STUDY_FROM_CSV_H

#include "study/run.h"

/* Reads P__perf_full.csv and P__perf_sparse_r*.csv (or P__perf_compare_r*.csv), P__mass_per_window.csv and
 * P__baselines.csv of the folder, whatever P is; the two last may be absent. Writes all files that follow from them
 * under options.prefix, compares those that the folder has too, and warns of what the numbers can't carry. The
 * caller sets the options prefix, margin, draws, split, seed, verdict_radius and command, say and warn of a zeroed
 * study; free it also after a failure. */
c2_status c2_study_from_csv(c2_study *study, const char *folder, c2_error *err);

/* ---- Between the files ------------------------------------------------------------------------ */

/* reproduce.c: files P__*.csv that `prefix` names and this study wrote too. */
c2_status c2_reproduce(c2_study *study, const char *prefix, c2_error *err);

/* suspect.c: what a t-test, memory counters and a probe can't show. */
c2_status c2_suspect(c2_study *study, c2_error *err);

#endif
