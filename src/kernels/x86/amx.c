/* AMX: bf16 and int8 products by tiles; all else as AVX-512 with VNNI and BF16. Where a machine lacks tiles, the tests
 * run its body on tiles in plain C. */
#define NATIVE_INT8
#define NATIVE_BF16
#include "kernels/x86/avx512.h"
#include "kernels/x86/amx_body.h"
#define GEMM_BF16 amx_gemm
#define GEMM_INT8 amx_gemm
#include "kernels/simd_body.h"

_Static_assert(AMX_INT8_ZERO == INT8_ZERO, "what round_int8 writes is what the tiles take");

C2_KERNELS(c2_kernels_amx, "amx", TILE, 2 * AMX_ROWS, 2 * AMX_ROWS);
