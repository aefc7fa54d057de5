/* Scenarios of kept contexts as JSON:
 *
 *   POST /v1/contexts               as /invocations; its futures are what a scenario has that says nothing else
 *   {"id", "bytes", "series", "prediction_length", "attention", "radius"}
 *   POST /v1/contexts/ID/forecast   {"scenarios": [{"name", "future_covariates": [{NAME: [...]}, ...]}],
 * "quantile_levels"}
 *   {"scenarios": [{"name", "predictions": [as of /invocations]}]} */
#ifndef C2_SERVE_SCENARIOS_H
#define C2_SERVE_SCENARIOS_H

#include "serve/answer.h"
#include "serve/call.h"
#include "serve/contexts.h"

/* Readies a call for encoding: the pattern must be one under which no past sees the future. Where that is left to the
 * weights and they were trained to see it, the past sees the null future. */
bool c2_scenarios_encode(c2_call *call, const chronos2_model *model, c2_answer *answer);

/* The answer that a context is kept. */
void c2_scenarios_put_kept(const c2_kept *kept, c2_answer *answer);

/* Reads the scenarios of a kept context, as c2_protocol_read does: series [scenarios][items]. They refer to the kept
 * call. */
bool c2_scenarios_read(const c2_kept *kept, char *text, size_t size, const c2_call_limits *limits,
                       const chronos2_config *config, c2_call *call, c2_answer *answer);

void c2_scenarios_write(const c2_kept *kept, const c2_call *call, c2_answer *answer);

#endif
