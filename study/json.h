/* Values as JSON has them: no infinity, no NaN, UTF-8 alone. New references, as jansson's own. */
#ifndef C2_STUDY_JSON_H
#define C2_STUDY_JSON_H

#include <jansson.h>
#include <stddef.h>

json_t *c2_json_number(double value);          /* "inf", "-inf"; NaN is null */
double c2_json_number_of(const json_t *value); /* the way back; NaN for what is no number */
json_t *c2_json_whole(size_t value);
json_t *c2_json_numbers(const double *x, size_t n);
json_t *c2_json_text(const char *value); /* NULL is null */

#endif
