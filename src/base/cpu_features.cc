// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_features.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cygnet {

#if defined(__x86_64__) || defined(__i386__)

namespace {

/// Extended control register 0: which register states the system saves.
unsigned read_xcr0() {
  unsigned low = 0;
  unsigned high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool bit(unsigned word, int index) {
  return ((word >> index) & 1u) != 0;
}

/// Whether this process may use AMX tiles: Linux saves their registers only for those that asked
/// (arch_prctl(2), ARCH_REQ_XCOMP_PERM).
bool tiles_permitted() {
#if defined(__x86_64__) && defined(__linux__) && defined(SYS_arch_prctl)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

// Bit positions: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID.
CpuFeatures detect_cpu_features() {
  CpuFeatures features;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return features;
  features.sse41 = bit(c, 19) && bit(c, 9);  // SSSE3 comes with every SSE4.1; both are asked for.
  const bool os_saves = bit(c, 27);
  const bool avx_parts = bit(c, 28) && bit(c, 12) && bit(c, 29);  // AVX, FMA, F16C
  if (!os_saves) return features;
  const unsigned xcr0 = read_xcr0();
  const bool ymm = (xcr0 & 0x06u) == 0x06u;
  const bool zmm = (xcr0 & 0xe6u) == 0xe6u;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
  features.avx2 = features.sse41 && ymm && avx_parts && bit(b, 5);
  features.avx512 = features.avx2 && zmm && bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);
  features.avx512vnni = features.avx512 && bit(c, 11);
  features.avx512vbmi = features.avx512vnni && bit(c, 1);
  const bool tiles = (xcr0 & 0x60000u) == 0x60000u && bit(d, 22) && bit(d, 24) &&
                     bit(d, 25);  // AMX-BF16, -TILE, -INT8
  features.amx = features.avx512vbmi && tiles && tiles_permitted();
  return features;
}

#else

// Bits of the auxiliary vector: Linux, arch/arm64/include/uapi/asm/hwcap.h. Elsewhere what the
// compiler may use anyway.
CpuFeatures detect_cpu_features() {
  CpuFeatures features;
#if defined(__aarch64__)
  features.neon = true;
#if defined(__linux__)
  features.dotprod = (getauxval(AT_HWCAP) & (1ul << 20)) != 0;
  features.i8mm = features.dotprod && (getauxval(AT_HWCAP2) & (1ul << 13)) != 0;
#else
#if defined(__ARM_FEATURE_DOTPROD)
  features.dotprod = true;
#endif
#if defined(__ARM_FEATURE_DOTPROD) && defined(__ARM_FEATURE_MATMUL_INT8)
  features.i8mm = true;
#endif
#endif
#endif
  return features;
}

#endif

}  // namespace cygnet
