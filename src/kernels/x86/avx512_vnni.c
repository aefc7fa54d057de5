/* AVX-512 with VNNI: sums of four int8 products in one instruction. */
#define NATIVE_INT8
#include "kernels/x86/avx512.h"
#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_avx512_vnni, "avx512", TILE, TILE, TILE);
