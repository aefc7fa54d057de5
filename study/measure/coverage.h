/* How well forecasts know their own uncertainty: how often the truth lies at or below each quantile, and within the
 * bands between them. */
#ifndef C2_STUDY_COVERAGE_H
#define C2_STUDY_COVERAGE_H

#include <stddef.h>

#include "base/status.h"
#include "study/measure/accuracy.h"

typedef struct c2_band {
  size_t low, high; /* levels as far below and above a half */
  double share;     /* that should lie within */
} c2_band;

typedef struct c2_coverage {
  size_t levels, bands, horizon;
  c2_band *band;    /* [bands], the widest first */
  size_t *observed; /* [horizon] truths of each step, over series, targets and windows */
  size_t *at_most;  /* [levels][horizon] of them at or below the quantile */
  size_t *within;   /* [bands][horizon] of them within the band, ends included */
} c2_coverage;

/* Counts over all windows. Free also after a failure. */
c2_status c2_coverage_of(const c2_evaluation *e, c2_forecaster who, c2_coverage *out, c2_error *err);
void c2_coverage_free(c2_coverage *coverage);

/* A count over steps [from, to) by that of truths; NaN if there is none. `counts` [horizon] is a row of the above. */
double c2_coverage_share(const c2_coverage *coverage, const size_t *counts, size_t from, size_t to);

#endif
