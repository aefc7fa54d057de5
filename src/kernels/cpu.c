/* Which level this machine has, and the table of each. */
#include "kernels/kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Registers that the system saves and restores (Intel SDM vol. 1, 13.3). */
static uint64_t saved_state(void) {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

c2_isa c2_isa_detect(void) {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return C2_ISA_SCALAR;
  bool fma = (c >> 12) & 1;
  bool osxsave = (c >> 27) & 1;
  if (!fma || !osxsave || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return C2_ISA_SCALAR;
  uint64_t state = saved_state();
  bool avx2 = ((b >> 5) & 1) && (state & 0x6) == 0x6;
  if (!avx2) return C2_ISA_SCALAR;
  unsigned need = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F, DQ, BW, VL */
  if ((b & need) != need || (state & 0xe6) != 0xe6) return C2_ISA_AVX2;
  bool vnni = (c >> 11) & 1;
  if (!vnni) return C2_ISA_AVX512;
  bool bf16 = __get_cpuid_count(7, 1, &a, &b, &c, &d) && ((a >> 5) & 1);
  return bf16 ? C2_ISA_AVX512_BF16 : C2_ISA_AVX512_VNNI;
}

bool c2_isa_request_amx(void) {
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 }; /* asm/prctl.h; component of the extended state */
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (c2_isa_detect() < C2_ISA_AVX512_BF16 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  bool tiles = ((d >> 22) & 1) && ((d >> 24) & 1); /* AMX-BF16, AMX-TILE */
  if (!tiles || (saved_state() >> 17 & 3) != 3) return false;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
}

const c2_kernels *c2_kernels_of(c2_isa isa) {
  switch (isa) {
    case C2_ISA_SCALAR: return &c2_kernels_scalar;
    case C2_ISA_AVX2: return &c2_kernels_avx2;
    case C2_ISA_AVX512: return &c2_kernels_avx512;
    case C2_ISA_AVX512_VNNI: return &c2_kernels_avx512_vnni;
    case C2_ISA_AVX512_BF16: return &c2_kernels_avx512_bf16;
    case C2_ISA_AMX: return &c2_kernels_amx;
  }
  return &c2_kernels_scalar;
}

#else

c2_isa c2_isa_detect(void) {
  return C2_ISA_SCALAR;
}

bool c2_isa_request_amx(void) {
  return false;
}

const c2_kernels *c2_kernels_of(c2_isa isa) {
  (void)isa;
  return &c2_kernels_scalar;
}

#endif
