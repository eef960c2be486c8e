// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"
#include "kernels/pieces.h"

/// What each ISA's translation unit gives to the table: fill() overwrites the entries that the tier
/// does better than the tiers below it.
namespace cygnet {

namespace isa_scalar {
void fill(KernelTable& t);
}
#if defined(__x86_64__)
namespace isa_sse41 {
void fill(KernelTable& t);
}
namespace isa_avx2 {
void fill(KernelTable& t);
}
namespace isa_avx512 {
void fill(KernelTable& t);
}
namespace isa_avx512vnni {
void fill(KernelTable& t);
}
namespace isa_avx512vbmi {
void fill(KernelTable& t);
}
namespace isa_amx {
void fill(KernelTable& t);
}
#elif defined(__aarch64__)
namespace isa_neon {
void fill(KernelTable& t);
}
namespace isa_dotprod {
void fill(KernelTable& t);
}
namespace isa_i8mm {
void fill(KernelTable& t);
}
#elif defined(__wasm__)
namespace isa_wasm_simd128 {
void fill(KernelTable& t);
}
#endif

}  // namespace cygnet
