/* Forecasts as Arrow arrays, which belong to whoever receives them. */
#ifndef C2_TABLE_OUTPUT_H
#define C2_TABLE_OUTPUT_H

#include "table/batch.h"

/* That the columns of ids and time stamps have other names than the forecasts' own. */
c2_status c2_output_check_names(const c2_table_plan *plan, c2_error *err);

/* The schema of the forecasts. */
c2_status c2_output_schema(const c2_table_plan *plan, struct ArrowSchema *out, c2_error *err);

/* Forecasts of a batch's series [from, *to) as a record batch: as many as go into 65,536 rows, at least one. */
c2_status c2_output_rows(const c2_table_plan *plan, const c2_table_batch *batch, size_t from, size_t *to,
                         struct ArrowArray *out, c2_error *err);

#endif
