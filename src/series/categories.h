/* Categorical covariates as numbers, as chronos-forecasting 2.3.2 encodes them.
 *
 * A series with one target uses target encoding with smoothing 1. A label becomes
 *     (m + sum of the target at its steps) / (1 + number of those steps),
 * where m is the mean of the series' target and missing targets are left out. So a label that the past doesn't hold
 * becomes m.
 * A series with several targets uses ordinal encoding. A label becomes its rank among the labels of this covariate in
 * the pasts of all series with several targets, ordered by their bytes. A label that no past holds is missing.
 * A missing label is a category of its own, the last one. */
#ifndef C2_SERIES_CATEGORIES_H
#define C2_SERIES_CATEGORIES_H

#include <chronos2.h>

#include "base/status.h"

typedef struct c2_encoded {
  chronos2_series *series; /* [count]; as given where nothing is categorical */
  chronos2_covariate *covariate;
  double *values;
  size_t bytes; /* of these three */
} c2_encoded;

/* What c2_encode_categories allocates; no value is read. SIZE_MAX if the size overflows. */
size_t c2_encoded_bytes(const chronos2_series *series, size_t count, size_t horizon);

/* Encodes the categories of `count` series. Pointers into the given series stay in use. It takes O(n log n) steps for n
 * labels, and meanwhile about 100 bytes for each distinct one. Free the result also after a failure. */
c2_status c2_encode_categories(const chronos2_series *series, size_t count, size_t horizon, c2_encoded *out,
                               c2_error *err);
void c2_encoded_free(c2_encoded *encoded);

#endif
