/* Which keys a query sees, as ranges of key indices. Positions count tokens along the padded row from
 * REG: context ... -2 -1, REG 0, future 1 2 ...; so they don't depend on what else is in the batch. */
#ifndef C2_ENGINE_WINDOW_H
#define C2_ENGINE_WINDOW_H

#include "engine/engine.h"

/* Keys [first, last) and [first2, last2) of the row's live tokens; either may be empty. */
typedef struct c2_range {
  uint32_t first, last, first2, last2;
} c2_range;

/* Ranges of all queries of one row: position [tokens] of its live tokens in ascending order. */
void c2_window_ranges(const c2_pattern *pattern, const int32_t *position, size_t tokens, c2_range *range);

/* The pattern with the future hidden from the context: what a blind head runs. */
c2_pattern c2_pattern_blinded(const c2_pattern *pattern);

/* The rule itself, for a pair of positions: what the reference masks by. */
bool c2_window_allows(const c2_pattern *pattern, int64_t query, int64_t key);

#endif
