/* Tells an observer of attention: one query's weights over live keys become a row over all tokens of its series. */
#ifndef C2_ENGINE_OBSERVE_H
#define C2_ENGINE_OBSERVE_H

#include "engine/layout.h"

/* Queries of one row and one head of a layer. */
typedef struct c2_observed {
  const c2_engine *engine;
  const c2_batch *batch;
  const c2_layout *layout;
  const c2_range *range; /* [queries] of the row's tokens */
  size_t row, layer, head;
  bool prefill; /* the row's own future is the null future, of which nothing is told */
  bool decode;  /* the context's keys come first, and are not in the layout */
  float *weights; /* scratch: [context patches + 1 + output patches], as is `live` */
  bool *live;
} c2_observed;

/* `weights` [keys] of query number `query` of the row's tokens: over the keys that a decode continues, then over all
 * live tokens of the row, 0 where the query doesn't see one. */
void c2_observe(const c2_observed *observed, size_t query, const float *weights, size_t keys);

#endif
