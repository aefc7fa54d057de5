/* Items as the library takes them. */
#ifndef C2_DATA_SERIES_H
#define C2_DATA_SERIES_H

#include <chronos2.h>
#include <stdbool.h>

#include "data/dataset.h"

/* Records the failure of a call of the library, with its status and the text that the library gives for it. */
c2_status c2_api(chronos2_status status, c2_error *err);

/* A view of an item, whose covariates take places from *next on, which moves behind them. */
chronos2_series c2_series_of(const c2_item *item, chronos2_covariate **next);

/* Whether an item's forecast depends on what else is in the library's call: a category of several targets has its rank
 * among those of all series. */
bool c2_series_is_ranked(const c2_item *item);

/* Whether two of the values that are there differ. */
bool c2_varies(const double *values, size_t count);

#endif
