/* The levels of x86-64, and how a process finds that it may use them. */
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels/kernels.h"

extern const c2_kernels c2_kernels_avx2;
extern const c2_kernels c2_kernels_avx512;
extern const c2_kernels c2_kernels_avx512_vnni;
extern const c2_kernels c2_kernels_avx512_bf16;
extern const c2_kernels c2_kernels_amx;

/* Registers of CPUID. */
typedef struct leaf {
  unsigned a, b, c, d;
} leaf;

static leaf cpuid(unsigned number, unsigned part) {
  leaf l = {0, 0, 0, 0};
  if (!__get_cpuid_count(number, part, &l.a, &l.b, &l.c, &l.d)) return (leaf){0, 0, 0, 0};
  return l;
}

static bool has(unsigned word, unsigned bits) {
  return (word & bits) == bits;
}

/* True if the system saves and restores these registers (Intel SDM vol. 1, 13.3). */
static bool saved(unsigned registers) {
  enum { FMA_OSXSAVE = 1 << 12 | 1 << 27 };
  if (!has(cpuid(1, 0).c, FMA_OSXSAVE)) return false; /* every level here wants FMA as well */
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return has(low, registers);
}

/* Used or not by the levels that the compiler could build. */
#define DETECT __attribute__((unused)) static bool

DETECT detect_avx2(void) {
  return saved(0x6) && has(cpuid(7, 0).b, 1u << 5);
}

/* F, DQ, BW, VL */
DETECT detect_avx512(void) {
  return detect_avx2() && saved(0xe6) && has(cpuid(7, 0).b, 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31);
}

DETECT detect_avx512_vnni(void) {
  return detect_avx512() && has(cpuid(7, 0).c, 1u << 11);
}

DETECT detect_avx512_bf16(void) {
  return detect_avx512_vnni() && has(cpuid(7, 1).a, 1u << 5);
}

/* AMX-BF16, AMX-TILE and AMX-INT8. Linux lets a process use the tiles once it has asked for them. */
DETECT detect_amx(void) {
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 }; /* asm/prctl.h; component of the extended state */
  if (!detect_avx512_bf16() || !has(cpuid(7, 0).d, 1u << 22 | 1u << 24 | 1u << 25) || !saved(3u << 17)) return false;
#ifdef SYS_arch_prctl
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
#else
  return false;
#endif
}

/* On AMD (Zen 4) VDPBF16PS is 1.7 times as fast as float32's FMA; on Intel (Emerald Rapids) it is slower, and there the
 * level below takes its place. bench/RESULTS.md has the figures. */
DETECT taken_avx512_bf16(c2_type type) {
  leaf l = cpuid(0, 0);
  bool amd = l.b == 0x68747541 && l.d == 0x69746e65 && l.c == 0x444d4163; /* AuthenticAMD */
  return type != C2_TYPE_BF16 || amd;
}

/* int8 by tiles has run on emulated ones alone. */
DETECT taken_amx(c2_type type) {
  return type == C2_TYPE_BF16;
}

/* C2_HAVE_...: the compiler could build it. */
const c2_level c2_levels[] = {
    {&c2_kernels_scalar, NULL, NULL, {"plain C", "plain C", "plain C"}},
#ifdef C2_HAVE_AVX2
    {&c2_kernels_avx2, detect_avx2, NULL, {"FMA", "FMA on widened terms", "VPMADDWD on widened terms"}},
#endif
#ifdef C2_HAVE_AVX512
    {&c2_kernels_avx512, detect_avx512, NULL, {"FMA", "FMA on widened terms", "VPMADDWD on widened terms"}},
#endif
#ifdef C2_HAVE_AVX512_VNNI
    {&c2_kernels_avx512_vnni, detect_avx512_vnni, NULL, {"FMA", "FMA on widened terms", "VPDPBUSD"}},
#endif
#ifdef C2_HAVE_AVX512_BF16
    {&c2_kernels_avx512_bf16, detect_avx512_bf16, taken_avx512_bf16, {"FMA", "VDPBF16PS", "VPDPBUSD"}},
#endif
#ifdef C2_HAVE_AMX
    {&c2_kernels_amx, detect_amx, taken_amx, {"FMA", "TDPBF16PS on tiles", "TDPBUSD on tiles"}},
#endif
    {.kernels = NULL}};
