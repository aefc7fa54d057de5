/* What the calls of a session have in common: one at a time, which reports its progress. */
#include "forecast/session.h"

static c2_status in_a_call(c2_error *err) {
  C2_FAIL(err, C2_ERR_ARGUMENT, "the session is in a call: expected this one after it, not in its callback");
}

c2_status c2_session_check(const chronos2_session *s, c2_error *err) {
  return s->busy ? in_a_call(err) : C2_OK;
}

c2_status c2_session_enter(chronos2_session *s, c2_error *err) {
  if (atomic_exchange(&s->busy, true)) return in_a_call(err);
  s->engine.pattern = s->pattern;
  s->engine.blind = s->blind;
  s->engine.observing = s->engine.observer != NULL;
  return C2_OK;
}

void c2_session_leave(chronos2_session *s) {
  s->portion = NULL;
  s->engine.first_series = 0;
  atomic_store(&s->busy, false);
}

c2_status c2_session_progress(chronos2_session *s, size_t done, size_t total, c2_error *err) {
  if (s->portion) {
    done = s->portion->first + done - c2_min_size(done, s->portion->strangers);
    total = s->portion->items;
  }
  if (s->progress && s->progress(s->progress_user, done, total) != 0) {
    C2_FAIL(err, C2_ERR_CANCELLED, "stopped on request after %zu of %zu %s", done, total,
            s->portion ? "items" : "series");
  }
  return C2_OK;
}
