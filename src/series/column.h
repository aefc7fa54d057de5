/* Where the values of one variable lie, and how they are read. */
#ifndef C2_SERIES_COLUMN_H
#define C2_SERIES_COLUMN_H

#include <chronos2.h>

#include "base/status.h"

/* Target t of a series, a covariate's past or its future, whichever way they are given. Where they aren't, `values` is
 * NULL. */
chronos2_column c2_target_column(const chronos2_series *series, size_t target);
chronos2_column c2_past_column(const chronos2_covariate *covariate);
chronos2_column c2_future_column(const chronos2_covariate *covariate);

/* The values as an array of doubles in place; NULL if they have another form. */
const double *c2_column_doubles(const chronos2_column *column);

/* Value i as a double, NaN if it is missing. */
double c2_column_value(const chronos2_column *column, size_t i);

/* Values [first, first + count) as doubles, NaN where one is missing. */
void c2_column_read(const chronos2_column *column, size_t first, size_t count, double *out);

/* An error if the column's struct cannot be; no value is read. `series` and `what` are named. */
c2_status c2_column_check_form(const chronos2_column *column, size_t series, const char *what, c2_error *err);

/* Whether the values are doubles one after the other, all of which count. */
bool c2_column_is_plain(const chronos2_column *column);

/* An error if the column cannot be, or one of its first `count` values is infinite: `series` and `what` are named. */
c2_status c2_column_check(const chronos2_column *column, size_t count, size_t series, const char *what, c2_error *err);

#endif
