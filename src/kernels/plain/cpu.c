/* The level of architectures without kernels of their own. */
#include "kernels/kernels.h"

const c2_level c2_levels[] = {{&c2_kernels_scalar, NULL, NULL, {"plain C", "plain C", "plain C"}},
                              {.kernels = NULL}};
