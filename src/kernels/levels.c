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
