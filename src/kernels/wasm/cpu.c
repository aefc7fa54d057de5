/* The levels of WebAssembly. A module that holds SIMD128 doesn't load where it is missing, so nothing is left to
 * detect. */
#include "kernels/kernels.h"

extern const c2_kernels c2_kernels_simd128;

/* C2_HAVE_...: the compiler could build it. */
const c2_level c2_levels[] = {
    {&c2_kernels_scalar, NULL, NULL, {"plain C", "plain C", "plain C"}},
#ifdef C2_HAVE_SIMD128
    {&c2_kernels_simd128, NULL, NULL, {"multiply and add", "multiply and add on widened terms", "dot_i16x8"}},
#endif
    {.kernels = NULL}};
