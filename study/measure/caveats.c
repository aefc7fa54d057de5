/* Lines on what a task asks beyond what the model or its data give. */
#include "study/measure/caveats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void c2_caveat_horizon(const chronos2_config *config, size_t horizon, const char *effect, char out[C2_CAVEAT_ROOM]) {
  size_t once = config->max_output_patches * config->patch;
  out[0] = '\0';
  if (horizon <= once) return;
  (void)snprintf(out, C2_CAVEAT_ROOM, "horizon %zu is beyond the %zu steps that the model forecasts at once: %s",
                 horizon, once, effect);
}

void c2_caveat_context(const chronos2_config *config, size_t context_length, char out[C2_CAVEAT_ROOM]) {
  out[0] = '\0';
  if (context_length <= config->context_length) return;
  (void)snprintf(out, C2_CAVEAT_ROOM, "context length %zu is beyond the %zu steps that the model was trained for",
                 context_length, config->context_length);
}

void c2_caveat_levels(const chronos2_config *config, const double *levels, size_t count, char out[C2_CAVEAT_ROOM]) {
  double least = config->quantile_levels[0];
  double most = config->quantile_levels[config->quantiles - 1];
  char outside[160] = "";
  size_t used = 0;
  for (size_t i = 0; i < count; i++) {
    if (levels[i] >= least && levels[i] <= most) continue;
    if (used + 32 < sizeof outside) {
      used += (size_t)snprintf(outside + used, sizeof outside - used, "%s%g", used ? ", " : "", levels[i]);
    }
  }
  out[0] = '\0';
  if (!used) return;
  (void)snprintf(out, C2_CAVEAT_ROOM,
                 "quantile levels outside the trained ones, %g to %g, take the values of the nearest of those: %s",
                 least, most, outside);
}

void c2_caveat_short(const c2_evaluation *e, char out[C2_CAVEAT_ROOM]) {
  size_t whole = e->data.units * e->windows * e->data.targets;
  char context[64] = "";
  out[0] = '\0';
  if (e->num_forecasts >= whole) return;
  if (e->task->min_context > 1) {
    (void)snprintf(context, sizeof context, " with a past of %zu steps", e->task->min_context);
  }
  (void)snprintf(out, C2_CAVEAT_ROOM, "%zu of %zu forecasts are left out: those series are too short for all windows%s",
                 whole - e->num_forecasts, whole, context);
}

void c2_caveat_missing(const c2_evaluation *e, const double *naive, char out[C2_CAVEAT_ROOM]) {
  size_t values = e->num_forecasts * e->task->horizon;
  size_t missing = values - c2_evaluation_observed(e);
  out[0] = '\0';
  if (missing == 0) return;
  (void)snprintf(out, C2_CAVEAT_ROOM, "%zu of %zu values in the windows are missing: they are not scored%s", missing,
                 values, isnan(naive[C2_MAE]) ? "; there is no score of all series, as a window has none" : "");
}
