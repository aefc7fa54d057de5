/* What makes a forecast worth less than it might be, said in the same words by every part that forecasts: a line each.
 * A line that would have nothing to say is empty. */
#ifndef C2_BASE_CAVEATS_H
#define C2_BASE_CAVEATS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/passes.h"

enum { C2_CAVEAT_ROOM = 500 };

/* ---- Of the model: what is asked beyond what it was trained for ---------------------------------------------- */

/* Weights that nobody trained, as they look. */
#define C2_UNTRAINED "the weights look untrained, so the forecasts mean nothing"

/* A horizon beyond the steps of one pass; `effect` says what becomes of the rest. */
void c2_caveat_horizon(size_t horizon, size_t once, const char *effect, char out[C2_CAVEAT_ROOM]);

/* A context beyond the steps that it was trained for; `is_cut`: to those. */
void c2_caveat_context(size_t context_length, size_t trained, bool is_cut, char out[C2_CAVEAT_ROOM]);

/* Quantile levels outside the trained ones, which ascend. */
void c2_caveat_levels(const double *levels, size_t count, const double *trained, size_t trained_count,
                      char out[C2_CAVEAT_ROOM]);

/* ---- Of the request ------------------------------------------------------------------------------------------ */

/* More than one pass under cross_learning; `option` is what says how many rows a pass has. */
void c2_caveat_passes(const c2_passes *passes, const char *option, char out[C2_CAVEAT_ROOM]);

/* ---- Of the series: what they lack --------------------------------------------------------------------------- */

/* Those that a line speaks of. */
typedef struct c2_caveat_of {
  const char *noun; /* "item", "series" */
  size_t count;
  const char *first; /* the id of the first of them */
} c2_caveat_of;

/* No observed value; a covariate (the first one's name) without one; missing targets at the end, for `longest` steps at
 * most, and `hint` behind that ("" for none). */
void c2_caveat_empty(c2_caveat_of of, char out[C2_CAVEAT_ROOM]);
void c2_caveat_blank(c2_caveat_of of, const char *covariate, char out[C2_CAVEAT_ROOM]);
void c2_caveat_open(c2_caveat_of of, size_t longest, const char *hint, char out[C2_CAVEAT_ROOM]);

/* A covariate of numbers with booleans in its known future; `column`: its name. */
void c2_caveat_truths(const char *column, char out[C2_CAVEAT_ROOM]);

/* A covariate of numbers and other texts, of which `text` is the first; `place`: where it stands, as " at line 9", or
 * "". */
void c2_caveat_mixed(const char *column, const char *text, const char *place, char out[C2_CAVEAT_ROOM]);

/* Rows between the points of a frequency, of which each counts for the next point (`is_next`) or for the last one. */
void c2_caveat_between(size_t rows, const char *freq, bool is_next, char out[C2_CAVEAT_ROOM]);

/* A step of an item at a time that the clock of its zone leaves out or shows twice, and the time stamp that it gets. */
void c2_caveat_unclear(const char *id, const char *zone, const char *stamp, char out[C2_CAVEAT_ROOM]);

/* Missing values of known futures, and where the first of them is. */
void c2_caveat_unknown(size_t values, const char *covariate, const char *id, char out[C2_CAVEAT_ROOM]);

/* Bands that `by` ("float32") rounds; `remedy` stands behind that, C2_RESCALE where there is no better one. */
#define C2_RESCALE ": subtract the mean and divide by the standard deviation before"
void c2_caveat_coarse(c2_caveat_of of, const char *by, const char *remedy, char out[C2_CAVEAT_ROOM]);

/* Whether float32 hardly tells numbers apart: at most a hundred of its values lie between the lowest and the highest of
 * values[i * stride], which differ. */
bool c2_float_is_coarse(const double *values, size_t stride, size_t count);

#endif
