/* The levels of 64-bit ARM, and how a process finds that it may use them. */
#if defined(__linux__)
#include <sys/auxv.h>
#endif

#include "kernels/kernels.h"

extern const c2_kernels c2_kernels_neon;
extern const c2_kernels c2_kernels_neon_dot;
extern const c2_kernels c2_kernels_neon_bf16;

/* Bits of the auxiliary vector, by Linux's arch/arm64 uapi/asm/hwcap.h. */
enum { HAS_ASIMDDP = 1 << 20 };                  /* AT_HWCAP */
enum { HAS_I8MM = 1 << 13, HAS_BF16 = 1 << 14 }; /* AT_HWCAP2 */

static bool has(unsigned long bits, unsigned long bits2) {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & bits) == bits && (getauxval(AT_HWCAP2) & bits2) == bits2;
#else
  return bits == 0 && bits2 == 0;
#endif
}

/* Used or not by the levels that the compiler could build. */
#define DETECT __attribute__((unused)) static bool

DETECT detect_dot(void) {
  return has(HAS_ASIMDDP, 0);
}

DETECT detect_bf16(void) {
  return has(HAS_ASIMDDP, HAS_I8MM | HAS_BF16);
}

/* C2_HAVE_...: the compiler could build it. NEON is part of every 64-bit ARM processor that runs a general system. */
const c2_level c2_levels[] = {
    {&c2_kernels_scalar, NULL, NULL, {"plain C", "plain C", "plain C"}},
#ifdef C2_HAVE_NEON
    {&c2_kernels_neon, NULL, NULL, {"FMLA", "FMLA on widened terms", "SMULL on widened terms"}},
#endif
#ifdef C2_HAVE_NEON_DOT
    {&c2_kernels_neon_dot, detect_dot, NULL, {"FMLA", "FMLA on widened terms", "SDOT"}},
#endif
#ifdef C2_HAVE_NEON_BF16
    {&c2_kernels_neon_bf16, detect_bf16, NULL, {"FMLA", "BFMMLA", "SMMLA"}},
#endif
    {.kernels = NULL}};
