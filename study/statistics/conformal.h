/* Thresholds by conformal prediction: scores that were seen say how large the next one will be.
 *
 * Among n scores and a next one that is exchangeable with them, each rank of the next one is as likely. So it exceeds
 * the k-th smallest of the n with a probability of at most 1 - k / (n + 1), and with exactly that where none are equal
 * (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World). */
#ifndef C2_STUDY_CONFORMAL_H
#define C2_STUDY_CONFORMAL_H

#include <stddef.h>

#include "base/status.h"

typedef struct c2_conformal {
  double *score; /* [count], the first `ordered` of them ascending */
  size_t count, capacity, ordered;
} c2_conformal;

/* Keeps a score, which may be INFINITY but not NaN. */
c2_status c2_conformal_add(c2_conformal *c, double score, c2_error *err);

/* Orders what was added, as a threshold needs it. */
c2_status c2_conformal_order(c2_conformal *c, c2_error *err);

/* Number of scores from which on there is a threshold of a coverage, which lies between 0 and 1. */
size_t c2_conformal_least(double coverage);

/* What the next score exceeds with a probability of at most 1 - coverage; NaN where there are too few. */
double c2_conformal_threshold(const c2_conformal *c, double coverage);

/* The threshold of all scores but one, which was added like the others: a score that counted would raise its own. */
double c2_conformal_threshold_of_others(const c2_conformal *c, double score, double coverage);

void c2_conformal_free(c2_conformal *c);

#endif
