/* The level of architectures without kernels of their own. */
#include "kernels/kernels.h"

static bool detect_scalar(void) {
  return true;
}

const c2_level c2_levels[] = {{&c2_kernels_scalar, detect_scalar, NULL, {"plain C", "plain C", "plain C"}},
                              {NULL, NULL, NULL, {NULL, NULL, NULL}}};
