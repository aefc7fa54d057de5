#include "data/series.h"

#include <math.h>

c2_status c2_api(chronos2_status status, c2_error *err) {
  return status == CHRONOS2_OK ? C2_OK : c2_fail(err, (c2_status)status, "%s", chronos2_last_error());
}

chronos2_series c2_series_of(const c2_item *item, chronos2_covariate **next) {
  chronos2_series series = {.length = item->length,
                            .targets = item->targets,
                            .target = item->target,
                            .covariates = item->covariates,
                            .covariate = *next};
  for (size_t c = 0; c < item->covariates; c++) {
    const c2_covariate *from = &item->covariate[c];
    *(*next)++ = (chronos2_covariate){.name = from->name,
                                      .past = from->past,
                                      .future = from->future,
                                      .past_text = from->past_text,
                                      .future_text = from->future_text};
  }
  return series;
}

bool c2_series_is_ranked(const c2_item *item) {
  bool any = false;
  for (size_t c = 0; c < item->covariates; c++) any = any || item->covariate[c].is_text;
  return any && item->targets > 1;
}

bool c2_varies(const double *values, size_t count) {
  double first = (double)NAN;
  for (size_t i = 0; i < count; i++) {
    if (isnan(first)) first = values[i];
    if (!isnan(values[i]) && values[i] != first) return true;
  }
  return false;
}
