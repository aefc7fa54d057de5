/* What `chronos2 forecast` says of its input and output, on standard error. */
#include <math.h>

#include "base/caveats.h"
#include "base/text.h"
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
  if (!r->parts && !r->in.set.has_past_table) return "; covariates of later steps belong in \"future_covariates\"";
  return "; covariates of later steps belong in a file of their own, which --future names";
}

void forecast_warn(forecast_request *r, const chronos2_config *config) {
  if (!r->was_warned && r->cross_learning) cli_warn_passes(&r->in.set, r->engine.batch_size, "--batch-size");
  if (!r->was_warned) cli_warn_lengths(config, r->horizon, r->engine.context_length);
  if (!r->was_warned && !r->embed) cli_warn_levels(config, r->levels, r->level_count);
  r->was_warned = true;
  r->context = c2_context_limit(r->engine.context_length, config->context_length, true);
  r->rolls = r->horizon > config->max_output_patches * config->patch;
  cli_input_warn(r->parts ? &r->total.words : &r->in.set);
}

void forecast_tell_changes(const forecast_request *r) {
  char line[C2_CAVEAT_ROOM];
  if (!isnan(r->least)) {
    char least[C2_FLOAT_ROOM];
    c2_double_text(least, r->least, C2_USUAL_DIGITS);
    cli_note("--min %s: %zu number%s lay below and %s written as that", least, r->raised, r->raised == 1 ? "" : "s",
             r->raised == 1 ? "is" : "are");
  }
  char by[40] = "float32";
  const char *remedy = r->rolls ? C2_RESCALE : "; --digits 17 writes float64";
  if (r->coarse_by_digits) {
    (void)snprintf(by, sizeof by, "--digits %zu", r->digits);
    remedy = "; more digits keep them";
  }
  c2_caveat_coarse((c2_caveat_of){"series", r->coarse, r->coarse_id}, by, remedy, line);
  if (line[0]) cli_warn("%s", line);
  if (r->unclear[0]) cli_warn("%s", r->unclear);
  if (r->round) cli_note("--round: all numbers are rounded to whole ones");
}
