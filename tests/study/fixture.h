/* Numbers from the fixtures that make_fixtures.py wrote, and their comparison. */
#ifndef C2_TESTS_STUDY_FIXTURE_H
#define C2_TESTS_STUDY_FIXTURE_H

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline double fixture_number(const json_t *value) {
  const char *text = json_string_value(value);
  if (text) return strtod(text, NULL);
  return json_number_value(value);
}

static inline double fixture_get(const json_t *object, const char *name) {
  return fixture_number(json_object_get(object, name));
}

/* Array of numbers as doubles; free with free(). */
static inline double *fixture_array(const json_t *array, size_t *count) {
  *count = json_array_size(array);
  double *out = calloc(*count + 1, sizeof *out);
  for (size_t i = 0; out && i < *count; i++) out[i] = fixture_number(json_array_get(array, i));
  return out;
}

/* Equal up to a relative error, or both not numbers, or the same infinity. */
static inline bool fixture_near(double found, double expected, double relative) {
  if (isnan(found) || isnan(expected)) return isnan(found) && isnan(expected);
  if (isinf(found) || isinf(expected)) return found == expected;
  return fabs(found - expected) <= relative * fabs(expected);
}

#endif
