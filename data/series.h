/* Items as the library takes them. */
#ifndef C2_DATA_SERIES_H
#define C2_DATA_SERIES_H

#include <chronos2.h>
#include <stdbool.h>

#include "data/dataset.h"

/* A view of an item, whose covariates take places from *next on, which moves behind them. */
chronos2_series c2_series_of(const c2_item *item, chronos2_covariate **next);

/* Whether an item's forecast depends on what else is in the library's call: a category of several targets has its rank
 * among those of all series. */
bool c2_series_is_ranked(const c2_item *item);

/* The number of the series that a message of the library names, as "the forecast of series 3 is not finite" does;
 * SIZE_MAX: it names none. */
size_t c2_series_number(const char *message);

/* Records a failure, with an item's id in place of that number; without an item (NULL) as the message has it. */
c2_status c2_series_fail(chronos2_status status, const char *message, const c2_item *item, c2_error *err);

/* Whether two of the values that are there differ. */
bool c2_varies(const double *values, size_t count);

#endif
