#include "data/series.h"

#include <math.h>

#include "base/caveats.h"
#include "base/memory.h"

c2_status c2_api(chronos2_status status, c2_error *err) {
  return status == CHRONOS2_OK ? C2_OK : c2_fail(err, (c2_status)status, "%s", chronos2_last_error());
}

/* A view of an item, whose covariates take places from *next on, which moves behind them. */
static chronos2_series view_of(const c2_item *item, chronos2_covariate **next) {
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

c2_status c2_series_make(const c2_dataset *set, chronos2_series **series, chronos2_covariate **covariate,
                         c2_error *err) {
  size_t total = 0;
  for (size_t i = 0; i < set->count; i++) total += set->item[i].covariates;
  C2_TRY(c2_alloc_array(set->count, sizeof **series, series, err));
  C2_TRY(c2_alloc_array(total, sizeof **covariate, covariate, err));
  chronos2_covariate *next = *covariate;
  for (size_t i = 0; i < set->count; i++) (*series)[i] = view_of(&set->item[i], &next);
  return C2_OK;
}

const c2_covariate *c2_series_odd_future(const c2_dataset *set, size_t horizon, size_t *item) {
  for (size_t i = 0; i < set->count; i++) {
    for (size_t k = 0; k < set->item[i].covariates; k++) {
      const c2_covariate *c = &set->item[i].covariate[k];
      *item = i;
      if (c->future_length > 0 && c->future_length != horizon) return c;
    }
  }
  return NULL;
}

bool c2_series_is_ranked(const c2_item *item) {
  bool any = false;
  for (size_t c = 0; c < item->covariates; c++) any = any || item->covariate[c].is_text;
  return any && item->targets > 1;
}

c2_passes c2_series_passes(const c2_dataset *set, size_t rows) {
  c2_passes passes = {.most = rows > 0 ? rows : C2_USUAL_ROWS};
  for (size_t i = 0; i < set->count; i++) c2_passes_add(&passes, set->item[i].targets + set->item[i].covariates);
  return passes;
}

bool c2_varies(const double *values, size_t count) {
  double first = (double)NAN;
  for (size_t i = 0; i < count; i++) {
    if (isnan(first)) first = values[i];
    if (!isnan(values[i]) && values[i] != first) return true;
  }
  return false;
}

/* By all levels of the model: those that are asked for may be one alone, which says nothing of a band; and by the first
 * step. */
bool c2_series_is_coarse(const chronos2_series *s, size_t context, const chronos2_forecast *forecast, size_t at,
                         size_t quantiles) {
  size_t used = c2_min_size(s->length, context);
  for (size_t t = 0; t < s->targets; t++) {
    const double *first = chronos2_forecast_quantiles(forecast, at, t);
    if (c2_float_is_coarse(first, chronos2_forecast_horizon(forecast), quantiles) &&
        c2_varies(s->target + (t + 1) * s->length - used, used)) {
      return true;
    }
  }
  return false;
}
