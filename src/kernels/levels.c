/* Which level to take, on every architecture. */
#include <string.h>

#include "kernels/kernels.h"

static bool is_taken(const c2_level *l, c2_type type) {
  return !l->taken || l->taken(type);
}

const c2_level *c2_level_choose(const c2_level *levels, const char *name, c2_type type) {
  const c2_level *found = NULL;
  for (int taken = 1; taken >= 0 && !found; taken--) {
    for (const c2_level *l = levels; l->kernels; l++) {
      if (name && strcmp(l->kernels->name, name) != 0) continue;
      if ((is_taken(l, type) || (name && !taken)) && c2_level_runs(l)) found = l;
    }
  }
  return found;
}

const c2_level *c2_level_find(const char *name, c2_type type) {
  return c2_level_choose(c2_levels, name, type);
}

const c2_kernels *c2_kernels_find(const char *name, c2_type type) {
  const c2_level *l = c2_level_find(name, type);
  return l ? l->kernels : NULL;
}

bool c2_kernels_known(const char *name) {
  for (const c2_level *l = c2_levels; l->kernels; l++) {
    if (strcmp(l->kernels->name, name) == 0) return true;
  }
  return false;
}

const char *c2_kernels_name(size_t index) {
  size_t count = 0;
  while (c2_levels[count].kernels) count++;
  for (int taken = 1; taken >= 0; taken--) {
    const char *last = "";
    for (size_t i = count; i-- > 0;) {
      const c2_level *l = &c2_levels[i];
      if (is_taken(l, C2_TYPE_FP32) != (taken == 1) || strcmp(l->kernels->name, last) == 0) continue;
      if (!c2_level_runs(l)) continue;
      last = l->kernels->name; /* levels of one name stand side by side */
      if (index-- == 0) return last;
    }
  }
  return NULL;
}
