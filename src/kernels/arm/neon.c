/* NEON without narrow products: bf16 and int8 are widened as they are loaded. */
#include "kernels/arm/neon.h"
#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_neon, "neon", TILE, TILE, TILE);
