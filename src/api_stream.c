/* The public interface: tables as Arrow streams, their frequencies and numbers. */
#include "api.h"
#include "base/memory.h"
#include "base/number.h"
#include "forecast/session.h"
#include "table/stream.h"
#include "time/calendar.h"

DEFINE_OPTIONS_INIT(chronos2_stream_options, known_count)

static c2_status read_options(const chronos2_stream_options *given, chronos2_stream_options *own,
                              chronos2_predict_options *predict, c2_error *err) {
  C2_TRY(c2_options_read(own, sizeof *own, given, "CHRONOS2_STREAM_OPTIONS_INIT", err));
  C2_TRY(c2_reserved_check(own->reserved, sizeof own->reserved, "options", err));
  return c2_options_read(predict, sizeof *predict, own->predict, "CHRONOS2_PREDICT_OPTIONS_INIT", err);
}

static void release(struct ArrowArrayStream *stream) {
  if (stream && stream->release) stream->release(stream);
  if (stream) stream->release = NULL;
}

chronos2_status chronos2_predict_stream(chronos2_session *session, struct ArrowArrayStream *df,
                                        struct ArrowArrayStream *future_df, const chronos2_stream_options *options,
                                        struct ArrowArrayStream *out) {
  c2_error *err = c2_api_begin();
  chronos2_stream_options own;
  chronos2_predict_options predict;
  c2_status status = C2_OK;
  if (out) *out = (struct ArrowArrayStream){.release = NULL};
  if (!session || !df || !out) {
    C2_GOTO(c2_fail(err, C2_ERR_ARGUMENT, "session, df and out: expected not NULL"));
  }
  C2_GOTO(c2_session_check(session, err));
  C2_GOTO(read_options(options, &own, &predict, err));
  return status_of(c2_stream_open(session, df, future_df, &own, &predict, out, err));
fail:
  release(df);
  release(future_df);
  return status_of(status);
}

chronos2_status chronos2_frequency_season(const char *freq, size_t *season) {
  c2_error *err = c2_api_begin();
  c2_error why;
  c2_freq parsed;
  REQUIRE(freq && season, "freq and season: expected not NULL");
  REQUIRE(c2_freq_parse(freq, &parsed, &why) == C2_OK, "freq: %s", why.text);
  *season = c2_freq_season(&parsed);
  return CHRONOS2_OK;
}

bool chronos2_text_is_number(const char *text) {
  return text && c2_number_shape_of(text) != C2_SHAPE_NONE;
}
