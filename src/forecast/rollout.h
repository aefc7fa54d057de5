/* Forecasts of any horizon: one pass for up to max_output_patches, and beyond that the quantile rollout:
 * some quantiles of what was forecast (nine by default) continue the context as paths, each forecasts on, and the
 * paths' quantiles are reduced to one set by weighted quantiles. Known covariates slide along. */
#ifndef C2_FORECAST_ROLLOUT_H
#define C2_FORECAST_ROLLOUT_H

#include "forecast/session.h"

/* The levels of paths, and those of a table, where nobody names any: 0.1, 0.2 ... 0.9. */
enum { C2_USUAL_LEVELS = 9 };
extern const double c2_usual_levels[C2_USUAL_LEVELS];

/* How far a forecast goes, and how. */
typedef struct c2_rollout {
  size_t horizon;
  size_t max_output_patches; /* future tokens of a pass */
  const double *levels;      /* [paths] quantile levels that the paths continue, rising; NULL: the usual ones */
  size_t paths;
  size_t done, total; /* series of the call, for c2_session_progress between the passes */
} c2_rollout;

/* Fails unless the levels are some of the model's, in rising order. The default ones need not be for a forecast of one
 * pass. */
c2_status c2_rollout_check(const c2_rollout *rollout, const chronos2_config *config, c2_error *err);

/* Forecasts the rows of a batch to the horizon, each into its `quantiles` [Q][horizon]. Slots are 0..rows-1. `cache`
 * holds the rows' contexts for the first pass; it may be NULL. The batch is sorted. After every pass but the last one,
 * progress is reported. */
c2_status c2_rollout_run(const c2_rollout *rollout, chronos2_session *session, const c2_kv_cache *cache,
                         c2_batch *batch, c2_error *err);

/* Sets *need to what c2_rollout_run takes at most beside the batch. Of the rows only lengths, groups, slots and whether
 * `quantiles` is NULL are read. Sorts the batch. */
c2_status c2_rollout_plan(const c2_rollout *rollout, chronos2_session *session, c2_batch *batch, c2_need *need,
                          c2_error *err);

/* Output patches of the pass that forecasts the next `steps` steps, or their beginning. */
size_t c2_rollout_patches(const c2_rollout *rollout, const chronos2_config *config, size_t steps);

#endif
