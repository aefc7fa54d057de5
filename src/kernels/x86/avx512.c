/* AVX-512 without narrow products: bf16 and int8 are widened as they are loaded. */
#include "kernels/x86/avx512.h"
#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_avx512, "avx512", TILE, TILE, TILE);
