/* Values as JSON has them. */
#include "study/json.h"

#include <math.h>
#include <string.h>

json_t *c2_json_number(double value) {
  if (isnan(value)) return json_null();
  if (isinf(value)) return json_string(value > 0 ? "inf" : "-inf");
  return json_real(value);
}

double c2_json_number_of(const json_t *value) {
  if (json_is_string(value)) return strcmp(json_string_value(value), "inf") == 0 ? (double)INFINITY : -(double)INFINITY;
  return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

json_t *c2_json_whole(size_t value) {
  return json_integer((json_int_t)value);
}

json_t *c2_json_numbers(const double *x, size_t n) {
  json_t *array = json_array();
  for (size_t i = 0; i < n; i++) json_array_append_new(array, c2_json_number(x[i]));
  return array;
}

json_t *c2_json_text(const char *value) {
  json_t *string = value ? json_string(value) : json_null();
  return string ? string : json_string("(not UTF-8)");
}
