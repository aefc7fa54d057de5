/* AMX: bf16 products by tiles; all else as AVX-512 with VNNI and BF16. It has never run on a machine: the tests run its
 * body on tiles in plain C. So it is taken on request only, never by itself. */
#define NATIVE_INT8
#define NATIVE_BF16
#define OTHER_GEMM_BF16
#include "kernels/x86/avx512.h"
#include "kernels/simd_body.h"
#include "kernels/x86/amx_body.h"

const c2_kernels c2_kernels_amx = {.name = "amx",
                                   .tile = TILE,
                                   .gemm = gemm,
                                   .gemm_bf16 = amx_gemm_bf16,
                                   .gemm_int8 = gemm_int8,
                                   .round_bf16 = round_bf16,
                                   .quantize = quantize,
                                   .softmax = softmax,
                                   .rms_norm = rms_norm};
