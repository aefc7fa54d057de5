/* Items as the library takes them. */
#ifndef C2_DATA_SERIES_H
#define C2_DATA_SERIES_H

#include <chronos2.h>
#include <stdbool.h>

#include "base/passes.h"
#include "data/dataset.h"

/* Records the failure of a call of the library, with its status and the text that the library gives for it. */
c2_status c2_api(chronos2_status status, c2_error *err);

/* Makes the series that the library is given for a data set: *series [set->count], and *covariate with all of theirs.
 * They point into the set. Free both with free(), also after a failure. */
c2_status c2_series_make(const c2_dataset *set, chronos2_series **series, chronos2_covariate **covariate,
                         c2_error *err);

/* The first covariate with a known future that isn't `horizon` steps long, and its item's index; NULL if there is none.
 */
const c2_covariate *c2_series_odd_future(const c2_dataset *set, size_t horizon, size_t *item);

/* Whether an item's forecast depends on what else is in the library's call: a category of several targets has its rank
 * among those of all series. */
bool c2_series_is_ranked(const c2_item *item);

/* Whether two of the values that are there differ. */
bool c2_varies(const double *values, size_t count);

/* The passes of all series under cross_learning, of `rows` rows each, or 0: as many as usual. */
c2_passes c2_series_passes(const c2_dataset *set, size_t rows);

/* Whether float32 rounds the bands of a target: in series `at` of a forecast, of `quantiles` levels, from at most
 * `context` steps. A target that doesn't vary in them has bands without a width, which are not rounded. */
bool c2_series_is_coarse(const chronos2_series *series, size_t context, const chronos2_forecast *forecast, size_t at,
                         size_t quantiles);

#endif
