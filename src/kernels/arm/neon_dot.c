/* NEON with SDOT: sums of four int8 products in one instruction. */
#define NATIVE_INT8
#include "kernels/arm/neon.h"
#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_neon_dot, "neon", TILE, TILE, TILE);
