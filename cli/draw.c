/* Members of pages' data. */
#include "cli/draw.h"

#include <math.h>

#include "base/text.h"
#include "cli/cli.h"

c2_status cli_draw_stamp(const c2_item *item, size_t step, char text[C2_TIME_ROOM], c2_error *err) {
  return c2_item_stamp_step(item, (int64_t)step, text, NULL, err);
}

c2_status cli_draw_stamps(c2_json_writer *w, const c2_item *item, size_t first, size_t count, c2_error *err) {
  char text[C2_TIME_ROOM];
  c2_json_begin_array(w, "stamps");
  for (size_t s = 0; s < count; s++) {
    C2_TRY(cli_draw_stamp(item, first + s, text, err));
    c2_json_put_text(w, NULL, text);
  }
  c2_json_end_array(w);
  return C2_OK;
}

int cli_draw_digits(const double *values, size_t count, int least) {
  double low = (double)INFINITY;
  double high = -(double)INFINITY;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) continue;
    low = fmin(low, values[i]);
    high = fmax(high, values[i]);
  }
  return c2_digits_apart(low, high, least);
}

int cli_draw_fan_digits(const double *at_levels, size_t steps, size_t levels, int least) {
  for (size_t s = 0; s < steps; s++) least = cli_draw_digits(at_levels + s * levels, levels, least);
  return least;
}

void cli_draw_fan(c2_json_writer *w, const double *median, const double *at_levels, size_t steps, size_t levels) {
  c2_json_put_numbers(w, "median", median, steps);
  c2_json_begin_array(w, "quantiles");
  for (size_t q = 0; q < levels; q++) {
    c2_json_begin_array(w, NULL);
    for (size_t s = 0; s < steps; s++) c2_json_put_number(w, NULL, at_levels[s * levels + q]);
    c2_json_end_array(w);
  }
  c2_json_end_array(w);
}

const char *cli_draw_name(size_t count, size_t series) {
  return count > series ? "targets of series" : "series";
}

c2_status cli_draw_warnings(c2_json_writer *w, c2_error *err) {
  size_t count = 0;
  const char *const *warning = NULL;
  C2_TRY(cli_warnings(&warning, &count, err));
  c2_json_begin_array(w, "warnings");
  for (size_t i = 0; i < count; i++) c2_json_put_text(w, NULL, warning[i]);
  c2_json_end_array(w);
  return C2_OK;
}
