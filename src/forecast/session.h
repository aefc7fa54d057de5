/* A session as the forecasting layer sees it. */
#ifndef C2_FORECAST_SESSION_H
#define C2_FORECAST_SESSION_H

#include <chronos2.h>

#include "base/status.h"
#include "engine/backend.h"

enum { C2_MOST_OUTPUT_PATCHES = 1 << 20 }; /* future tokens of a pass */

struct chronos2_session {
  const chronos2_model *model;
  c2_engine engine;
  bool automatic; /* the pattern is the one that the weights were trained for, not one that was asked for */
  bool *blind; /* [layers][heads]; NULL: no head is blind */
  chronos2_progress_fn progress;
  void *progress_user;
};

/* Reports `done` of `total` series. C2_ERR_CANCELLED if the caller's function asks to stop. */
c2_status c2_session_progress(chronos2_session *session, size_t done, size_t total, c2_error *err);

#endif
