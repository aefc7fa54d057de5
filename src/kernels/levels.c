/* Which level to take, on every architecture. */
#include <string.h>

#include "kernels/kernels.h"

const c2_kernels *c2_kernels_find(const char *name) {
  const c2_kernels *found = NULL;
  for (const c2_level *l = c2_levels; l->kernels; l++) {
    bool asked = name ? strcmp(l->kernels->name, name) == 0 : !l->on_request;
    if (asked && l->detect()) found = l->kernels;
  }
  return found;
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
  for (int on_request = 0; on_request < 2; on_request++) {
    const char *last = "";
    for (size_t i = count; i-- > 0;) {
      const c2_level *l = &c2_levels[i];
      if (l->on_request != (on_request == 1) || strcmp(l->kernels->name, last) == 0 || !l->detect()) continue;
      last = l->kernels->name; /* levels of one name stand side by side */
      if (index-- == 0) return last;
    }
  }
  return NULL;
}
