// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernels.h"

namespace cygnet {

// Declared where it is called, in graph/packed_weights.cc.
extern const char* kernel_tier();
const char* kernel_tier() {
  return kernels().name;
}

}  // namespace cygnet
