/* Finds categories in known futures that the past never had. The model can't know their effect, so the user is told.
 *
 *     c2_unseen unseen = {0};
 *     C2_GOTO(c2_unseen_count(&unseen, &set, err));   for each scenario whose futures the set holds
 *     C2_GOTO(c2_unseen_note(&unseen, &set, err));
 *   fail:
 *     c2_unseen_free(&unseen);
 *
 * The past is that of the item, as the encoding of categories has it; for items with several targets it is the past of
 * all such items. Missing values don't count. */
#ifndef C2_DATA_UNSEEN_H
#define C2_DATA_UNSEEN_H

#include "data/dataset.h"

typedef struct c2_unseen_column {
  c2_lookup past;          /* categories of all items with several targets */
  size_t values;           /* of futures that were never had */
  const char *item, *text; /* of the first one */
} c2_unseen_column;

typedef struct c2_unseen {
  size_t *first;     /* of an item's covariates in `past`: [items]; NULL before the first count */
  c2_lookup *past;   /* categories of a covariate's past: [covariates] */
  bool *collected;   /* whether they are there already */
  size_t covariates; /* of all items */
  c2_lookup columns; /* categorical covariates by name */
  c2_unseen_column *column;
  size_t capacity; /* of `column`; zeroed beyond columns.count */
} c2_unseen;

/* Counts those of the futures that the items hold now. The set's items and pasts stay as they are between counts. */
c2_status c2_unseen_count(c2_unseen *unseen, const c2_dataset *set, c2_error *err);

/* Adds what was counted of one set to what was counted of those before. What is kept lies in `keeper`. */
c2_status c2_unseen_add(c2_unseen *sum, const c2_unseen *unseen, c2_dataset *keeper, c2_error *err);

/* Adds a note to the set for each covariate that has any. */
c2_status c2_unseen_note(const c2_unseen *unseen, c2_dataset *set, c2_error *err);

void c2_unseen_free(c2_unseen *unseen);

#endif
