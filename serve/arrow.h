/* Bodies in Arrow's IPC format: a table to a call, and a call's result to a table. */
#ifndef C2_SERVE_ARROW_H
#define C2_SERVE_ARROW_H

#include "serve/answer.h"
#include "serve/call.h"

#define C2_ARROW_TYPE "application/vnd.apache.arrow.stream"

/* Reads a table in long format, bytes [size] aligned to 8, which are changed. `parameters` is the JSON object that
 * SageMaker's body has under that name, which is changed, or NULL. A refusal is the answer: false. */
bool c2_arrow_read(char *bytes, size_t size, char *parameters, const c2_call_limits *limits,
                   const chronos2_config *config, c2_call *call, c2_answer *answer);

/* What writing the answer takes beside the call's values. */
size_t c2_arrow_bytes(const c2_call *call);

/* The answer that holds the result: the columns of `chronos2 forecast -o x.arrows`, and as warnings the set's notes.
 * Those that a header has no room for are logged under the request's `id`. */
void c2_arrow_write(const c2_call *call, const char *id, c2_answer *answer);

#endif
