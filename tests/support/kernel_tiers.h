// SPDX-License-Identifier: Apache-2.0
// The kernel tiers that this CPU has, and choosing one of them.
#pragma once

#include <vector>

#include "kernels/kernels.h"

namespace cygnet::test {

/// Tiers that this build and this CPU have.
inline std::vector<Isa> available_tiers() {
  std::vector<Isa> tiers;
  for (Isa isa : kIsas)
    if (kernels_for(isa) != nullptr) tiers.push_back(isa);
  return tiers;
}

/// Makes kernels() answer one tier while it lives.
class ForcedTier {
 public:
  explicit ForcedTier(Isa isa) : before_(kernels().isa) { select_kernels(isa); }
  ~ForcedTier() { select_kernels(before_); }
  ForcedTier(const ForcedTier&) = delete;
  ForcedTier& operator=(const ForcedTier&) = delete;

 private:
  Isa before_;
};

}  // namespace cygnet::test
