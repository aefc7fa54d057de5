/* The level of architectures without kernels of their own. */
#include "kernels/kernels.h"

const c2_level c2_levels[] = {{&c2_kernels_scalar, c2_detect_always, NULL, {"plain C", "plain C", "plain C"}},
                              {.kernels = NULL}};
