/* The input of `chronos2 forecast`: series, and what is known of their future. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/forecast.h"
#include "data/compressed.h"
#include "data/missing.h"
#include "data/unseen.h"

/* Makes each scenario's values the items' futures in turn, and series of them. */
static c2_status read_scenarios(forecast_request *r, c2_unseen *unseen, c2_missing *missing, c2_error *err) {
  scenarios *s = &r->plans;
  size_t items = r->in.set.count;
  size_t series_count = 0;
  s->count = c2_futures_count(r->futures);
  if (!c2_mul(s->count, items, &series_count)) C2_FAIL(err, C2_ERR_MEMORY, "%s: too many scenarios", r->scenarios);
  C2_TRY(c2_alloc_array(s->count, sizeof *s->covariate, &s->covariate, err));
  C2_TRY(c2_alloc_array(s->count, sizeof(chronos2_forecast *), &s->forecast, err));
  C2_TRY(c2_alloc_array(series_count, sizeof *s->series, &s->series, err));
  for (size_t k = 0; k < s->count; k++) {
    chronos2_series *series = NULL;
    C2_TRY(c2_futures_fill(r->futures, k, err));
    C2_TRY(c2_unseen_count(unseen, &r->in.set, err));
    C2_TRY(c2_missing_count_futures(missing, &r->in.set, &r->in.set, err));
    c2_status status = cli_input_series(&r->in.set, r->horizon, &series, &s->covariate[k], err);
    if (status == C2_OK && items > 0) memcpy(s->series + k * items, series, items * sizeof *series);
    free(series);
    C2_TRY(status);
  }
  return C2_OK;
}

static c2_status read_futures(forecast_request *r, const c2_read_options *options, c2_missing *missing,
                              c2_error *err) {
  c2_unseen unseen = {0};
  c2_status status = C2_OK;
  const char *path = r->scenarios ? r->scenarios : r->future;
  if (path) C2_GOTO(c2_futures_open(&r->futures, &r->in.set, path, options, r->horizon, r->scenarios != NULL, err));
  if (r->scenarios) {
    C2_GOTO(read_scenarios(r, &unseen, missing, err));
  } else {
    if (path) C2_GOTO(c2_futures_fill(r->futures, 0, err));
    C2_GOTO(c2_unseen_count(&unseen, &r->in.set, err));
    C2_GOTO(c2_missing_count_futures(missing, &r->in.set, &r->in.set, err));
    if (!r->embed) C2_GOTO(c2_dataset_note_truths(&r->in.set, err));
  }
  if (path) C2_GOTO(c2_futures_note(r->futures, err));
  status = c2_unseen_note(&unseen, &r->in.set, err);
fail:
  c2_unseen_free(&unseen);
  return status;
}

c2_status forecast_status(const forecast_request *r, chronos2_status status, c2_error *err) {
  if (status == CHRONOS2_OK) return C2_OK;
  size_t items = r->in.set.count;
  size_t series = c2_series_number(chronos2_last_error()); /* scenarios have the items in turn */
  bool is_named = series != SIZE_MAX && items > 0;
  return c2_series_fail(err, (c2_status)status, chronos2_last_error(),
                        is_named ? r->in.set.item[series % items].id : NULL);
}

chronos2_predict_options forecast_predict_options(const forecast_request *r) {
  return (chronos2_predict_options){CHRONOS2_PREDICT_OPTIONS_INIT,
                                    .horizon = r->horizon,
                                    .context_length = r->engine.context_length,
                                    .batch_size = r->engine.batch_size,
                                    .cross_learning = r->cross_learning,
                                    .extend_context = true, /* a length beyond the model's was asked for by name */
                                    .monotone = r->monotone};
}

bool forecast_is_in_parts(forecast_request *r, char **paths, size_t count) {
  bool is_asked = r->in.sql || r->scenarios || r->in.wide || r->cross_learning || r->embed; /* for the whole table */
  if (count != 1 || is_asked || !c2_flow_is_large(paths[0])) return false;
  if (c2_is_compressed(paths[0])) {
    (void)snprintf(r->reason, sizeof r->reason, "it is compressed");
  } else if (c2_input_has_parts(paths[0]) && r->future && !c2_input_has_parts(r->future)) {
    (void)snprintf(r->reason, sizeof r->reason, "%.400s is not read in parts", r->future);
  }
  return !r->reason[0] && c2_input_has_parts(paths[0]);
}

c2_status forecast_read_inputs(forecast_request *r, char **paths, size_t count, c2_error *err) {
  c2_read_options options = cli_input_reading(&r->in);
  C2_TRY(cli_input_read(&r->in, paths, count, err));
  c2_missing missing = {.hint = forecast_future_hint(r)};
  if (r->reason[0] && r->in.set.has_past_table) cli_note("%s: all rows are kept in memory: %s", paths[0], r->reason);
  if (r->embed) cli_drop_futures(&r->in.set, "--embed describes the past alone");
  C2_TRY(cli_input_check_steps(&r->in.set, r->horizon, err));
  C2_TRY(read_futures(r, &options, &missing, err));
  C2_TRY(cli_input_check_use(&r->in, &r->in.set, true, !r->embed, err));
  C2_TRY(c2_missing_count(&missing, &r->in.set, &r->in.set, err));
  C2_TRY(r->embed ? c2_missing_note_pasts(&missing, &r->in.set, err) : c2_missing_note(&missing, &r->in.set, err));
  return cli_input_series(&r->in.set, r->horizon, &r->series, &r->covariate, err);
}
