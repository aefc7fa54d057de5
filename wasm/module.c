/* What the JavaScript wrapper calls beside the library itself: functions of plain numbers and pointers. The wrapper
 * writes arrays of chronos2_series and chronos2_covariate into the memory, at the places that are asserted here. */
#include <stddef.h>
#include <stdlib.h>

#include "chronos2.h"

#define EXPORT(name) __attribute__((export_name(name)))

#define AT(type, field, place) _Static_assert(offsetof(type, field) == (place), "chronos2.mjs writes " #field " there")
_Static_assert(sizeof(chronos2_series) == 32 && sizeof(chronos2_covariate) == 36, "chronos2.mjs knows these sizes");
AT(chronos2_series, length, 0);
AT(chronos2_series, targets, 4);
AT(chronos2_series, target, 8);
AT(chronos2_series, covariates, 16);
AT(chronos2_series, covariate, 20);
AT(chronos2_covariate, name, 0);
AT(chronos2_covariate, past, 4);
AT(chronos2_covariate, future, 8);
AT(chronos2_covariate, past_text, 12);
AT(chronos2_covariate, future_text, 16);

typedef struct module {
  chronos2_model *model;
  chronos2_session *session;
} module;

EXPORT("module_close") void module_close(module *m);
void module_close(module *m) {
  if (!m) return;
  chronos2_session_close(&m->session);
  chronos2_model_close(&m->model);
  free(m);
}

/* dtype and isa by name; NULL after a failure. */
EXPORT("module_open") module *module_open(const char *folder, const char *dtype, const char *isa);
module *module_open(const char *folder, const char *dtype, const char *isa) {
  chronos2_model_options how = {CHRONOS2_MODEL_OPTIONS_INIT, .isa = isa};
  chronos2_session_options options = {CHRONOS2_SESSION_OPTIONS_INIT, .isa = isa};
  module *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  if (chronos2_dtype_named(dtype, &how.dtype) == CHRONOS2_OK &&
      chronos2_model_open(folder, &how, &m->model) == CHRONOS2_OK &&
      chronos2_session_open(m->model, &options, &m->session) == CHRONOS2_OK) {
    return m;
  }
  module_close(m);
  return NULL;
}

EXPORT("module_isa") const char *module_isa(const module *m);
const char *module_isa(const module *m) {
  return chronos2_session_isa(m->session);
}

EXPORT("module_quantiles") size_t module_quantiles(const module *m);
size_t module_quantiles(const module *m) {
  return chronos2_model_config(m->model)->quantiles;
}

EXPORT("module_quantile_levels") const double *module_quantile_levels(const module *m);
const double *module_quantile_levels(const module *m) {
  return chronos2_model_config(m->model)->quantile_levels;
}

/* NULL after a failure. */
EXPORT("module_predict")
chronos2_forecast *module_predict(module *m, const chronos2_series *series, size_t count, size_t horizon,
                                  size_t context_length, size_t batch_size, int cross_learning);
chronos2_forecast *module_predict(module *m, const chronos2_series *series, size_t count, size_t horizon,
                                  size_t context_length, size_t batch_size, int cross_learning) {
  chronos2_forecast *forecast = NULL;
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT,
                                      .horizon = horizon,
                                      .context_length = context_length,
                                      .batch_size = batch_size,
                                      .cross_learning = cross_learning != 0};
  if (chronos2_predict(m->session, series, count, &options, &forecast) != CHRONOS2_OK) return NULL;
  return forecast;
}

EXPORT("module_free") void module_free(chronos2_forecast *forecast);
void module_free(chronos2_forecast *forecast) {
  chronos2_forecast_free(&forecast);
}
