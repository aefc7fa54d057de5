/* Radii: what can be one, and how it is spelled. */
#include "base/radius.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool c2_radius_is(double radius) {
  return radius >= 0 && (isinf(radius) || (radius <= 1e9 && radius == floor(radius)));
}

void c2_radius_text(double radius, char out[C2_RADIUS_ROOM]) {
  if (isfinite(radius)) {
    (void)snprintf(out, C2_RADIUS_ROOM, "%.0f", radius);
  } else {
    (void)snprintf(out, C2_RADIUS_ROOM, "inf");
  }
}

bool c2_radius_read(const char *text, double *radius, const char **end) {
  size_t digits = strspn(text, "0123456789");
  bool infinite = strncmp(text, "inf", 3) == 0;
  *radius = infinite ? (double)INFINITY : strtod(text, NULL);
  *end = text + (infinite ? 3 : digits);
  return infinite || (digits > 0 && *radius <= 1e9);
}

bool c2_radius_of_json(const c2_json *value, double *radius) {
  const char *text = c2_json_string(value);
  if (!text) return c2_json_number(value, radius) && c2_radius_is(*radius);
  *radius = (double)INFINITY;
  return strcmp(text, "inf") == 0;
}
