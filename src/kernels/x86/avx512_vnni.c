/* AVX-512 with VNNI: sums of four int8 products in one instruction. */
#define NATIVE_INT8
#include "kernels/x86/avx512.h"
#include "kernels/simd_body.h"

const c2_kernels c2_kernels_avx512_vnni = {.name = "avx512",
                                           .tile = TILE,
                                           .gemm = gemm,
                                           .gemm_bf16 = gemm_bf16,
                                           .gemm_int8 = gemm_int8,
                                           .round_bf16 = round_bf16,
                                           .quantize = quantize,
                                           .softmax = softmax,
                                           .rms_norm = rms_norm};
