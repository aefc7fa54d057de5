/* What `chronos2 forecast` says of its input, on standard error. */
#include "cli/forecast.h"

void forecast_summarise(forecast_request *r) {
  const c2_flow_total *total = &r->total;
  if (r->parts) {
    c2_dataset_summary(&total->words, total->items, total->rows, total->filled, 1, &total->freq, r->summary);
  } else {
    c2_dataset_summarise(&r->in.set, r->summary);
  }
  cli_note("%s", r->summary);
}

const char *forecast_future_hint(const forecast_request *r) {
  if (r->future || r->scenarios) return NULL;
  return "; covariates of later steps belong in a file of their own, which --future names";
}

void forecast_warn(forecast_request *r, const chronos2_config *config) {
  if (!r->was_warned) cli_warn_lengths(config, r->horizon, r->engine.context_length);
  if (!r->was_warned && !r->embed) cli_warn_levels(config, r->levels, r->level_count);
  r->was_warned = true;
  cli_input_warn(r->parts ? &r->total.words : &r->in.set);
}
