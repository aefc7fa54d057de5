/* Forward passes on raw rows: chronos2_batch in, float32 out. */
#ifndef C2_FORECAST_RAW_H
#define C2_FORECAST_RAW_H

#include "forecast/session.h"

/* Checks that a batch's arrays and their values are what any pass needs. */
c2_status c2_raw_check(const chronos2_model *model, const chronos2_batch *batch, c2_error *err);

/* Computes the tokens of a padded row. It returns false if their number overflows. */
bool c2_raw_tokens(const chronos2_model *model, const chronos2_batch *batch, size_t *tokens);

/* Fills token_mask [B][S] of a checked batch. */
void c2_raw_mask(const chronos2_model *model, const chronos2_batch *batch, float *token_mask);

/* Runs a pass of a checked batch. loc and scale may be NULL. */
c2_status c2_raw_forward(chronos2_session *session, const chronos2_batch *batch, float *quantiles, float *loc,
                         float *scale, c2_error *err);

#endif
