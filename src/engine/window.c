/* The sparse patterns, once as a rule on pairs and once as ranges. */
#include "engine/window.h"

/* Under the null future the passes that this file sees hold the null future in the future's place. */
static bool sees_future(const c2_pattern *p) {
  return p->attention == CHRONOS2_WINDOWED_FUTURE_VISIBLE || p->attention == CHRONOS2_WINDOWED_FUTURE_NULL;
}

c2_pattern c2_pattern_blinded(const c2_pattern *p) {
  size_t radius = p->attention == CHRONOS2_FULL ? SIZE_MAX : p->radius;
  return (c2_pattern){CHRONOS2_WINDOWED_FUTURE_GLOBAL, radius, p->reg_global};
}

bool c2_window_allows(const c2_pattern *p, int64_t query, int64_t key) {
  if (p->attention == CHRONOS2_FULL || query > 0) return true;
  if (key > 0) return sees_future(p);
  if (query == 0 && p->reg_global) return true;
  uint64_t distance = (uint64_t)(query > key ? query - key : key - query);
  return distance <= p->radius;
}

void c2_window_ranges(const c2_pattern *p, const int32_t *position, size_t tokens, c2_range *range) {
  uint32_t all = (uint32_t)tokens;
  uint32_t future = 0; /* first future token */
  while (future < all && position[future] <= 0) future++;
  uint32_t first = 0;
  uint32_t last = 0;
  for (uint32_t q = 0; q < all; q++) {
    c2_range *r = &range[q];
    bool unbounded = p->radius == SIZE_MAX || (position[q] == 0 && p->reg_global);
    if (p->attention == CHRONOS2_FULL || q >= future || (unbounded && sees_future(p))) {
      *r = (c2_range){0, all, 0, 0};
      continue;
    }
    if (unbounded) {
      *r = (c2_range){0, future, 0, 0};
    } else { /* both ends move right only, as positions rise */
      while ((uint64_t)(position[q] - position[first]) > p->radius) first++;
      if (last < q + 1) last = q + 1;
      while (last < future && (uint64_t)(position[last] - position[q]) <= p->radius) last++;
      *r = (c2_range){first, last, 0, 0};
    }
    if (sees_future(p)) {
      r->first2 = future;
      r->last2 = all;
    }
  }
}
