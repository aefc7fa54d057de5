/* Contexts that are encoded once, and then serve any number of futures. */
#ifndef C2_FORECAST_CONTEXT_H
#define C2_FORECAST_CONTEXT_H

#include "forecast/request.h"
#include "forecast/session.h"

/* One encoded pass. */
typedef struct c2_encoded_pass {
  size_t end; /* the series behind it */
  c2_kv_cache *cache;
} c2_encoded_pass;

struct chronos2_context {
  const chronos2_model *model;
  const char *isa;
  c2_pattern pattern;
  chronos2_predict_options options; /* those that the futures must share */
  size_t horizon; /* the longest that may be asked for; under windowed_future_null the null future's */
  c2_encoding encoding;
  bool *blind;    /* [layers][heads] the session's blind heads; NULL: none */
  size_t count;   /* series that are encoded */
  uint64_t *past; /* [count] digests of what was encoded */
  size_t passes, room;
  c2_encoded_pass *pass;
};

/* Encodes the pasts of `count` series. Free the context also after a failure. */
c2_status c2_context_encode(chronos2_context *context, chronos2_session *session, const chronos2_series *series,
                            size_t count, const chronos2_predict_options *options, c2_error *err);
void c2_context_free(chronos2_context *context);

/* Sets *out to the pattern under which a session encodes contexts whose own is `asked`. Weights whose contexts look at
 * the future get the null future, unless the pattern was asked for (not `automatic`): then it returns false. */
bool c2_context_pattern(c2_pattern asked, bool automatic, c2_pattern *out);

size_t c2_context_bytes(const chronos2_context *context);

/* The options of a forecast from this context: `asked`, and what the encoding has fixed. An error if the session,
 * `count` or the horizon doesn't fit the encoding. */
c2_status c2_context_options(const chronos2_context *context, const chronos2_session *session, size_t count,
                             const chronos2_predict_options *asked, chronos2_predict_options *options, c2_error *err);

/* Fails unless the series of a request that continues this context have the pasts that were encoded: as many targets,
 * covariates and steps, and the same values. */
c2_status c2_context_check(const chronos2_context *context, const c2_request *request, c2_error *err);

#endif
