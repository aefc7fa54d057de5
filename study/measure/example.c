/* A series to show. */
#include "study/measure/example.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/series.h"

enum { LEVELS = 3, LEAST_PAST = 48 };

size_t c2_example_values(size_t past, size_t horizon) {
  return past + horizon * (1 + C2_EXAMPLE_FORECASTS * LEVELS);
}

c2_status c2_example_open(c2_example *example, const c2_evaluation *evaluation, c2_error *err) {
  const c2_window *w = &evaluation->window[evaluation->windows - 1];
  size_t length = w->length[0];
  memset(example, 0, sizeof *example);
  example->horizon = w->horizon;
  example->past = c2_min_size(length, c2_min_size(c2_max_size(3 * w->horizon, LEAST_PAST), C2_EXAMPLE_MOST_PAST));
  size_t count = c2_example_values(example->past, example->horizon);
  C2_TRY(c2_alloc_array(count, sizeof *example->values, &example->values, err));
  example->series = c2_strdup(w->first_id);
  if (!example->series) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate the id of a series");
  memcpy(example->values, w->past[0] + length - example->past, example->past * sizeof *example->values);
  memcpy(example->values + example->past, w->truth[0], w->horizon * sizeof *example->values);
  return C2_OK;
}

c2_status c2_example_take(c2_example *example, const c2_evaluation *evaluation, size_t forecast, c2_error *err) {
  static const double levels[LEVELS] = {0.1, 0.5, 0.9};
  double *out = example->values + example->past + example->horizon * (1 + forecast * LEVELS);
  const chronos2_forecast *last = evaluation->forecast[evaluation->windows - 1];
  return c2_api(chronos2_forecast_at_levels(last, 0, 0, levels, LEVELS, out), err);
}

void c2_example_free(c2_example *example) {
  free(example->series);
  free(example->values);
  memset(example, 0, sizeof *example);
}

const double *c2_example_forecast(const c2_example *example, size_t forecast) {
  return example->values + example->past + example->horizon * (1 + forecast * LEVELS);
}
