/* Tells what the cells of text files spell. */
#ifndef C2_DATA_CELL_H
#define C2_DATA_CELL_H

#include <stdbool.h>

/* True for the spellings of a missing value: an empty text, NA, NaN, null, None and others, blanks around it
 * aside. */
bool c2_is_missing_text(const char *text);

/* "True" or "False" for pandas' spellings of a boolean, else NULL. */
const char *c2_boolean_text(const char *text);

/* 1 for "True" and 0 for "False", as c2_boolean_text gives them; NaN for NULL. */
double c2_boolean_number(const char *boolean);

/* Reads a finite number, with or without blanks around it, or NaN for a missing one. It returns false for anything
 * else. */
bool c2_parse_number(const char *text, double *out);

#endif
