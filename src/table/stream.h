/* Forecasts of a stream of record batches, as another one: what chronos2_predict_stream does. */
#ifndef C2_TABLE_STREAM_H
#define C2_TABLE_STREAM_H

#include <chronos2.h>

#include "base/status.h"

/* Takes both inputs over, whatever becomes of the call; future_df may be NULL. `predict` is what options->predict
 * says. */
c2_status c2_stream_open(chronos2_session *session, struct ArrowArrayStream *df, struct ArrowArrayStream *future_df,
                         const chronos2_stream_options *options, const chronos2_predict_options *predict,
                         struct ArrowArrayStream *out, c2_error *err);

#endif
