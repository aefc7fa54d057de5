/* How long contexts are, and how series come into passes under cross_learning: in their order, each with all its rows,
 * until a pass is full. */
#ifndef C2_BASE_PASSES_H
#define C2_BASE_PASSES_H

#include <stdbool.h>
#include <stddef.h>

enum { C2_USUAL_ROWS = 256 }; /* of a pass, where nobody says how many */

/* Steps that a context has at most, where `asked` are asked for (0: the model's own). Beyond those that the model was
 * trained for only where that is wanted. */
static inline size_t c2_context_limit(size_t asked, size_t own, bool extends) {
  return asked == 0 || (asked > own && !extends) ? own : asked;
}

static inline bool c2_pass_is_full(size_t rows, size_t most) {
  return rows >= most;
}

/* Passes that are counted without being run. Zeroed at first, but for `most`. */
typedef struct c2_passes {
  size_t most;                /* rows that make a pass full */
  size_t passes, series, all; /* so far; `all`: rows */
  size_t rows;                /* of the last pass */
} c2_passes;

static inline void c2_passes_add(c2_passes *p, size_t rows) {
  if (p->passes == 0 || c2_pass_is_full(p->rows, p->most)) {
    p->passes++;
    p->rows = 0;
  }
  p->rows += rows;
  p->all += rows;
  p->series++;
}

#endif
