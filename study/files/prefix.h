/* The files under a prefix: PREFIX__*. */
#ifndef C2_STUDY_PREFIX_H
#define C2_STUDY_PREFIX_H

#include <stdbool.h>

#include "base/status.h"
#include "data/lookup.h"
#include "study/results/journal.h"

/* Is called with the path of a file under the prefix, and what follows the prefix in it: "__arms.csv". */
typedef c2_status (*c2_prefix_fn)(void *user, const char *path, const char *ending, c2_error *err);

/* Calls `each` for every file under the prefix. It stops at a failure. */
c2_status c2_prefix_walk(const char *prefix, c2_prefix_fn each, void *user, c2_error *err);

/* Finds the regular files under the prefix that a study writes (tables and the page) and this one has not written: they
 * are of an earlier one, and would be read together with the new ones. Removes them and says so, or else warns of them.
 * `written` holds what follows the prefix. */
c2_status c2_prefix_settle(const char *prefix, const c2_lookup *written, bool remove, c2_journal *journal,
                           c2_error *err);

#endif
