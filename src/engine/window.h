/* Which keys a query sees, as ranges of key indices. Positions are counted from REG along the padded row: the context
 * ends with ..., -2, -1, REG is 0, the future is 1, 2, ... So they don't depend on the rest of the batch. */
#ifndef C2_ENGINE_WINDOW_H
#define C2_ENGINE_WINDOW_H

#include "engine/engine.h"

/* Keys [first, last) and [first2, last2) of the row's live tokens; either may be empty. */
typedef struct c2_range {
  uint32_t first, last, first2, last2;
} c2_range;

/* Writes the ranges [queries] of queries of one row over its live tokens, the keys. The positions of both are in
 * ascending order. */
void c2_window_ranges(const c2_pattern *pattern, const int32_t *key, size_t keys, const int32_t *query, size_t queries,
                      c2_range *range);

/* The same pattern with the future hidden from the context, which is what a blind head runs. */
c2_pattern c2_pattern_blinded(const c2_pattern *pattern);

/* The rule itself for a pair of positions. The reference backend masks by it. */
bool c2_window_allows(const c2_pattern *pattern, int64_t query, int64_t key);

#endif
