// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "base/cpu_features.h"
#include "kernels/kernels.h"
#include "kernels/tiers.h"

namespace cygnet {
namespace {

using Fill = void (*)(KernelTable&);

/// A tier: what it is called, the CPU bit it needs (null: none), what it adds.
struct Tier {
  Isa isa;
  const char* name;
  bool CpuFeatures::*needs;
  Fill fill;
};

constexpr Tier kTiers[] = {
    {Isa::scalar, "scalar", nullptr, isa_scalar::fill},
#if defined(__x86_64__)
    {Isa::sse41, "sse41", &CpuFeatures::sse41, isa_sse41::fill},
    {Isa::avx2, "avx2", &CpuFeatures::avx2, isa_avx2::fill},
    {Isa::avx512, "avx512", &CpuFeatures::avx512, isa_avx512::fill},
    {Isa::avx512vnni, "avx512vnni", &CpuFeatures::avx512vnni, isa_avx512vnni::fill},
    {Isa::avx512vbmi, "avx512vbmi", &CpuFeatures::avx512vbmi, isa_avx512vbmi::fill},
    {Isa::amx, "amx", &CpuFeatures::amx, isa_amx::fill},
#elif defined(__aarch64__)
    {Isa::neon, "neon", &CpuFeatures::neon, isa_neon::fill},
    {Isa::dotprod, "dotprod", &CpuFeatures::dotprod, isa_dotprod::fill},
    {Isa::i8mm, "i8mm", &CpuFeatures::i8mm, isa_i8mm::fill},
#elif defined(__wasm__)
    {Isa::wasm_simd128, "wasm_simd128", nullptr, isa_wasm_simd128::fill},
#endif
};
constexpr int kTierCount = sizeof kTiers / sizeof kTiers[0];

/// All tables and the choice, written once by the thread that takes `state` from 0 to 1.
KernelTable tables[kTierCount];
const KernelTable* chosen = nullptr;
int available = 0;
std::atomic<int> state{0};

/// Index of the tier that CYGNET_ISA names, or the last one.
int wanted_tier() {
  const char* name = std::getenv("CYGNET_ISA");
  if (name != nullptr) {
    for (int i = 0; i < kTierCount; ++i) {
      if (std::strcmp(name, kTiers[i].name) == 0) return i;
    }
  }
  return kTierCount - 1;
}

/// Lays the tiers over each other as far as the CPU goes.
void fill_tables() {
  const CpuFeatures features = detect_cpu_features();
  int count = 0;
  for (; count < kTierCount; ++count) {
    const Tier& tier = kTiers[count];
    if (tier.needs != nullptr && !(features.*tier.needs)) break;
    if (count > 0) tables[count] = tables[count - 1];
    tables[count].isa = tier.isa;
    tables[count].name = tier.name;
    tier.fill(tables[count]);
  }
  available = count;
  const int wanted = wanted_tier();
  chosen = &tables[wanted < count ? wanted : count - 1];
}

/// Makes the tables on the first call; others wait the microsecond that takes.
void ensure_tables() {
  if (state.load(std::memory_order_acquire) == 2) return;
  int expected = 0;
  if (state.compare_exchange_strong(expected, 1, std::memory_order_acq_rel)) {
    fill_tables();
    state.store(2, std::memory_order_release);
    return;
  }
  while (state.load(std::memory_order_acquire) != 2) {
  }
}

}  // namespace

const KernelTable& kernels() {
  ensure_tables();
  return *chosen;
}

const KernelTable* kernels_for(Isa isa) {
  ensure_tables();
  for (int i = 0; i < available; ++i) {
    if (tables[i].isa == isa) return &tables[i];
  }
  return nullptr;
}

bool select_kernels(Isa isa) {
  const KernelTable* table = kernels_for(isa);
  if (table != nullptr) chosen = table;
  return table != nullptr;
}

}  // namespace cygnet
