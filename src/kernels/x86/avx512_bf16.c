/* AVX-512 with VNNI and BF16: sums of four int8 or two bf16 products in one instruction. */
#define NATIVE_INT8
#define NATIVE_BF16
#include "kernels/x86/avx512.h"
#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_avx512_bf16, "avx512", TILE, TILE, TILE);
