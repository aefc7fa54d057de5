/* A series that shows how forecasts look under full and under sparse attention. */
#ifndef C2_STUDY_EXAMPLE_H
#define C2_STUDY_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "study/measure/accuracy.h"

enum { C2_EXAMPLE_FORECASTS = 2 }; /* full, sparse */

/* It is the first target of the first series in a task's last window. */
typedef struct c2_example {
  char *series; /* its id */
  size_t past, horizon;
  double *values; /* tail of the past [past], truth [horizon], then for each forecast [horizon][0.1, 0.5, 0.9] */
} c2_example;

/* The first function takes past and truth, the second one a forecast (0: full, 1: sparse) of the last
 * c2_evaluation_forecast. Free the example also after a failure. */
c2_status c2_example_open(c2_example *example, const c2_evaluation *evaluation, c2_error *err);
c2_status c2_example_take(c2_example *example, const c2_evaluation *evaluation, size_t forecast, c2_error *err);
void c2_example_free(c2_example *example);

/* The values of a forecast: [horizon][0.1, 0.5, 0.9]. */
const double *c2_example_forecast(const c2_example *example, size_t forecast);

enum { C2_EXAMPLE_MOST_PAST = 512 };
size_t c2_example_values(size_t past, size_t horizon); /* length of `values` */

#endif
