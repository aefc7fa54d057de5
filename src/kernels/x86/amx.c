/* AMX: bf16 products by tiles; all else as AVX-512 with VNNI and BF16. Where a machine lacks tiles, the tests run its
 * body on tiles in plain C. */
#define NATIVE_INT8
#define NATIVE_BF16
#include "kernels/x86/avx512.h"
#include "kernels/x86/amx_body.h"
#define GEMM_BF16 amx_gemm_bf16
#include "kernels/simd_body.h"

C2_KERNELS(c2_kernels_amx, "amx", TILE, 2 * AMX_ROWS, TILE);
