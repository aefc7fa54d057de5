/* Items of a table as the series of one forecast. */
#ifndef C2_TABLE_BATCH_H
#define C2_TABLE_BATCH_H

#include "base/pool.h"
#include "forecast/forecast.h"
#include "table/roles.h"

typedef struct c2_batch_entry {
  size_t past, future; /* number of the item in df and in future_df; SIZE_MAX: it isn't there */
  size_t key;          /* of its id */
} c2_batch_entry;

typedef struct c2_table_batch {
  c2_pool pool;
  size_t count;
  c2_batch_entry *entry;       /* [count] */
  chronos2_series *series;     /* [count] */
  int64_t *stamps;             /* of the forecasts, as df has them: [count][horizon] */
  const char (**label)[9];     /* of categories by their codes: [covariates] */
  const char **fault;          /* why an item has no forecast, NULL where it has: [count] */
  chronos2_forecast forecast;
} c2_table_batch;

/* Makes series of `count` items, whose futures are there, and forecasts them. What the caller hears of the progress and
 * of attention counts all of the table, of which they are a portion. Close it also after a failure. */
c2_status c2_table_batch_run(c2_table_batch *batch, c2_table_plan *plan, chronos2_session *session,
                             const c2_portion *portion, const c2_batch_entry *entry, size_t count, c2_error *err);
void c2_table_batch_close(c2_table_batch *batch);

#endif
