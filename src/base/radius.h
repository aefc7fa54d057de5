/* The radius of a pattern of attention, as texts and files have it: a whole number of tokens up to 1e9, or "inf". */
#ifndef C2_BASE_RADIUS_H
#define C2_BASE_RADIUS_H

#include <stdbool.h>

#include "base/json.h"

enum { C2_RADIUS_ROOM = 32 };

/* Whether a number can be one. */
bool c2_radius_is(double radius);

void c2_radius_text(double radius, char out[C2_RADIUS_ROOM]);

/* Reads one, and sets *end behind it. False for anything else. */
bool c2_radius_read(const char *text, double *radius, const char **end);

/* Reads a number, or the text "inf". False for anything else, and where there is no value (NULL). */
bool c2_radius_of_json(const c2_json *value, double *radius);

#endif
