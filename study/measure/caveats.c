/* Lines on what a task asks beyond what its data give. */
#include "study/measure/caveats.h"

#include <math.h>
#include <stdio.h>

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
