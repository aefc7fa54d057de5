/* Finds what series lack though a forecast goes on without it, so that the user is told: observations of targets and
 * of covariates, values of known futures.
 *
 *     c2_missing missing = {.hint = NULL};
 *     C2_GOTO(c2_missing_count(&missing, &set, &set, err));          once for all pasts
 *     C2_GOTO(c2_missing_count_futures(&missing, &set, &set, err));  for each scenario whose futures the set holds
 *     C2_GOTO(c2_missing_note(&missing, &set, err));
 *
 * What was counted of several sets adds up. What is kept of them lies in `keeper`. */
#ifndef C2_DATA_MISSING_H
#define C2_DATA_MISSING_H

#include "data/dataset.h"

typedef struct c2_missing {
  const char *hint; /* what stands behind the note of series with covariates that end in missing targets; or NULL */
  size_t empty; /* series without an observed target, and the first of them */
  const char *first_empty;
  size_t blank; /* series with a covariate whose past has no observed value; the first of them, and its covariate */
  const char *first_blank, *blank_covariate;
  size_t open, longest; /* series that end in missing targets, and the most steps that one does */
  const char *first_open;
  bool is_open_beside; /* such a series has a covariate of the past alone */
  size_t foreign;      /* series whose known future has offsets from UTC that the past hasn't */
  const char *first_foreign;
  size_t unknown; /* missing values of known futures, and where the first of them is; but no categories whose past has a
                     missing one, too */
  const char *unknown_item, *unknown_covariate;
} c2_missing;

c2_status c2_missing_count(c2_missing *missing, const c2_dataset *set, c2_dataset *keeper, c2_error *err);
c2_status c2_missing_count_futures(c2_missing *missing, const c2_dataset *set, c2_dataset *keeper, c2_error *err);

/* Adds notes to the set: of what the pasts never observe, for those who forecast nothing behind them; or of all. */
c2_status c2_missing_note_pasts(const c2_missing *missing, c2_dataset *set, c2_error *err);
c2_status c2_missing_note(const c2_missing *missing, c2_dataset *set, c2_error *err);

/* Does all of that for one set, after its categories that the past never had (unseen.h). `hint` may be NULL. */
c2_status c2_dataset_note_lacks(c2_dataset *set, const char *hint, c2_error *err);

#endif
