/* A session as the forecasting layer sees it. */
#ifndef C2_FORECAST_SESSION_H
#define C2_FORECAST_SESSION_H

#include <chronos2.h>

#include "base/status.h"
#include "engine/backend.h"

/* Series of a table that one call forecasts, for those who are told of the whole table. */
typedef struct c2_portion {
  size_t first;     /* item of the table that is its first series */
  size_t strangers; /* series that are no items; they can't be forecast, and so are done first */
  size_t items;     /* of the table, as far as it was read */
} c2_portion;

struct chronos2_session {
  const chronos2_model *model;
  c2_engine engine;   /* its pattern and blind heads are those of the running call */
  c2_pattern pattern; /* of calls that bring none of their own, as those from an encoded context do */
  bool automatic;     /* the pattern is the one that the weights were trained for, not one that was asked for */
  bool *blind;        /* [layers][heads]; NULL: no head is blind */
  atomic_bool busy;   /* a call is running, perhaps in a callback */
  chronos2_progress_fn progress;
  void *progress_user;
  const c2_portion *portion; /* that the running call forecasts; NULL: its series are no items of a table */
};

/* Fails in a callback of a call of this session, which computes with what others would change. */
c2_status c2_session_check(const chronos2_session *session, c2_error *err);

/* Begins a call under the session's pattern and with its blind heads, unless one is running. c2_session_leave ends it,
 * whatever became of it. */
c2_status c2_session_enter(chronos2_session *session, c2_error *err);
void c2_session_leave(chronos2_session *session);

/* Reports `done` of `total` series. C2_ERR_CANCELLED if the caller's function asks to stop. */
c2_status c2_session_progress(chronos2_session *session, size_t done, size_t total, c2_error *err);

#endif
