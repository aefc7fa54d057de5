/* Forecasts of any horizon: one pass for up to max_output_patches, and beyond that the quantile rollout:
 * nine quantiles of what was forecast continue the context as nine paths, each forecasts on, and the
 * paths' quantiles are reduced to one set by weighted quantiles. Known covariates slide along. */
#ifndef C2_FORECAST_ROLLOUT_H
#define C2_FORECAST_ROLLOUT_H

#include "forecast/session.h"

/* Forecasts the rows of a batch to the horizon, each into its `quantiles` [Q][horizon]. Slots are 0..rows-1. `cache`:
 * of the rows' contexts, for the first pass; NULL: none. Sorts the batch. */
c2_status c2_rollout(chronos2_session *session, const c2_kv_cache *cache, c2_batch *batch, size_t horizon,
                     c2_error *err);

/* Output patches of the pass that forecasts the next `steps` steps, or their beginning. */
size_t c2_rollout_patches(const chronos2_config *config, size_t steps);

#endif
