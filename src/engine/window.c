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

void c2_window_ranges(const c2_pattern *p, const int32_t *key, size_t keys, const int32_t *query, size_t queries,
                      c2_range *range) {
  uint32_t all = (uint32_t)keys;
  uint32_t future = 0; /* first future token */
  while (future < all && key[future] <= 0) future++;
  uint32_t first = 0;
  uint32_t last = 0;
  for (size_t i = 0; i < queries; i++) {
    int64_t q = query[i];
    c2_range *r = &range[i];
    bool unbounded = p->radius == SIZE_MAX || (q == 0 && p->reg_global);
    if (p->attention == CHRONOS2_FULL || q > 0 || (unbounded && sees_future(p))) {
      *r = (c2_range){0, all, 0, 0};
      continue;
    }
    if (unbounded) {
      *r = (c2_range){0, future, 0, 0};
    } else { /* both ends move right only, as positions rise */
      while (first < future && key[first] < q && (uint64_t)(q - key[first]) > p->radius) first++;
      while (last < future && (key[last] <= q || (uint64_t)(key[last] - q) <= p->radius)) last++;
      *r = (c2_range){first, last, 0, 0};
    }
    if (sees_future(p)) {
      r->first2 = future;
      r->last2 = all;
    }
  }
}
