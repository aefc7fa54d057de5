/* Numbers as text files spell them. */
#ifndef C2_BASE_NUMBER_H
#define C2_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the number that fills text[size]: digits with or without a sign, a decimal point and an exponent. The nearest
 * double, as strtod gives it; false for anything else, and beyond the range of a double. */
bool c2_number_read(const char *text, size_t size, double *out);

/* The same of a whole text, which may begin with blanks: what an option or a name holds. */
bool c2_number_read_text(const char *text, double *out);

/* Reads a cell with this decimal sign, '.' or ','. In front of it digits may stand in groups of three, between points
 * or commas (the other sign), blanks (also those that don't break a line) or apostrophes;
 * *grouped is set where they do. */
bool c2_number_read_grouped(const char *cell, char decimal, double *out, bool *grouped);

/* What a cell says of the signs in a file's numbers, by whether it can be read with either of them. */
typedef enum c2_number_shape {
  C2_SHAPE_NONE,         /* no number: 1.2.3, 10.0.0.1 */
  C2_SHAPE_PLAIN,        /* 12 */
  C2_SHAPE_POINT,        /* 1.5; 1,234.5; 1,234,567: the point is decimal */
  C2_SHAPE_COMMA,        /* 1,5; 1.234,5; 1.234.567: the comma is */
  C2_SHAPE_EITHER_POINT, /* 1.234 */
  C2_SHAPE_EITHER_COMMA  /* 1,234 */
} c2_number_shape;

c2_number_shape c2_number_shape_of(const char *cell);

/* Writes a double with the fewest digits that read back to it, as Python's repr of a float: "0.1", "1e-05", "3.0",
 * "inf"; NaN is "". */
enum { C2_NUMBER_ROOM = 32 };
void c2_number_put(double value, char out[C2_NUMBER_ROOM]);

#endif
