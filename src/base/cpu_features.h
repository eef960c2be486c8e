// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cygnet {

/// What the CPU and the operating system allow, as far as kernels ask. A bit is set only if the
/// system saves the registers it needs.
struct CpuFeatures {
  bool sse41 = false;
  bool avx2 = false;    ///< AVX2, FMA and F16C
  bool avx512 = false;  ///< AVX-512 F, BW, DQ, VL, with avx2
  bool avx512vnni = false;
  bool avx512vbmi = false;
  bool amx = false;  ///< AMX tiles of bytes and of bfloat16, which the system let this process use
  bool neon = false;
  bool dotprod = false;  ///< SDOT and UDOT, with neon
  bool i8mm = false;     ///< USDOT and the matrix products of bytes, with dotprod
};

/// Asks the CPU, and on Linux the system for the use of AMX tiles, which then holds for the whole
/// process; cheap enough not to be kept, any thread may call it.
CpuFeatures detect_cpu_features();

}  // namespace cygnet
