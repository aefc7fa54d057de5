/* `chronos2 forecast` of a table in parts: while one is forecast and written, the next one is read. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cli/forecast.h"
#include "data/series.h"

/* A part that is read beside the forecast of the one before. */
typedef struct reading {
  c2_flow *flow;
  c2_dataset set;
  c2_status status;
  c2_error err;
} reading;

static void read_next(void *context) {
  reading *next = context;
  next->status = c2_flow_next(next->flow, &next->set, &next->err);
}

static c2_status forecast_part(forecast_request *r, chronos2_session *session, FILE *out, c2_error *err) {
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options options = forecast_predict_options(r);
  C2_TRY(cli_input_check_steps(&r->in.set, r->horizon, err));
  C2_TRY(cli_input_series(&r->in.set, r->horizon, &r->series, &r->covariate, err));
  C2_TRY(forecast_status(r, chronos2_predict(session, r->series, r->in.set.count, &options, &forecast), err));
  c2_status status = forecast_write_items(r, forecast, 0, NULL, out, err);
  if (status == C2_OK) status = forecast_draw_items(r, &forecast, true, err);
  chronos2_forecast_free(&forecast);
  return status;
}

static void drop_part(forecast_request *r) {
  c2_dataset_free(&r->in.set);
  free(r->series);
  free(r->covariate);
  r->series = NULL;
  r->covariate = NULL;
}

static void tell_progress(const c2_flow *flow, const char *what, size_t done, size_t items, bool has_ended) {
  char estimated[64];
  double part = c2_flow_progress(flow);
  if (has_ended || items > 0) {
    cli_progress(what, done, has_ended ? done : items);
  } else {
    (void)snprintf(estimated, sizeof estimated, "%s (the total is estimated)", what);
    cli_progress(estimated, done, part > 0 ? (size_t)((double)done / part) : 0);
  }
}

/* The set's part, while the next one is read. */
static c2_status step(forecast_request *r, chronos2_session *session, FILE *out, reading *next, c2_error *err) {
  c2_aside *aside = NULL;
  bool is_more = !c2_flow_ended(next->flow);
  bool alone = chronos2_session_threads(session) == 1;
  next->status = C2_OK;
  if (is_more && out && !alone) C2_TRY(c2_aside_start(&aside, read_next, next, err));
  c2_status status = out ? forecast_part(r, session, out, err) : C2_OK;
  c2_aside_join(&aside);
  if (is_more && (!out || alone) && status == C2_OK) read_next(next);
  drop_part(r);
  r->in.set = next->set;
  next->set = (c2_dataset){.count = 0};
  if (status != C2_OK || next->status == C2_OK) return status;
  return c2_remedy(err, next->err.remedy, c2_fail(err, next->status, "%s", next->err.text));
}

c2_status forecast_parts(forecast_request *r, chronos2_session *session, FILE *out, c2_error *err) {
  c2_flow flow;
  c2_read_options options = cli_input_reading(&r->in);
  reading next = {.flow = &flow};
  size_t done = 0;
  size_t items = r->total.items;
  c2_status status = c2_flow_open(&flow, r->parts, &options, r->sorted, err);
  if (r->future) c2_flow_set_future(&flow, r->future, r->horizon);
  if (out) forecast_write_header(r, out);
  r->reason[0] = '\0';
  if (status == C2_OK && !c2_flow_ended(&flow)) status = c2_flow_next(&flow, &r->in.set, err);
  while (status == C2_OK && !flow.reason[0] && r->in.set.count > 0 && !(out && ferror(out))) {
    done += r->in.set.count;
    status = step(r, session, out, &next, err);
    if (status == C2_OK) tell_progress(&flow, out ? "forecasting" : "reading", done, items, r->in.set.count == 0);
  }
  memcpy(r->reason, flow.reason, sizeof r->reason);
  r->may_sort = flow.may_sort && !r->sorted;
  c2_dataset_free(&r->total.words);
  r->total = flow.total;
  flow.total = (c2_flow_total){.items = 0};
  r->total.missing.hint = forecast_future_hint(r);
  bool is_whole = !r->reason[0] && !(out && ferror(out));
  if (status == C2_OK && is_whole) status = cli_input_check_use(&r->in, &r->total.words, true, true, err);
  if (status == C2_OK && is_whole) status = c2_missing_note(&r->total.missing, &r->total.words, err);
  drop_part(r);
  c2_flow_close(&flow);
  return status;
}
