// SPDX-License-Identifier: Apache-2.0
// Copies of elements that are packed several to a byte: INT4, UINT4, INT2.
#pragma once

#include <cstdint>

namespace cygnet::ops {

/// Copies n elements of `bits` bits (a divisor of 8), from element `first` of `from` to element
/// `place` of `to`, whose bits there are 0. Runs that begin at whole bytes go byte by byte.
inline void copy_small(int bits, const uint8_t* from, int64_t first, int64_t n, uint8_t* to,
                       int64_t place) {
  const int per_byte = 8 / bits, mask = (1 << bits) - 1;
  if (first % per_byte == 0 && place % per_byte == 0)
    for (; n >= per_byte; n -= per_byte, first += per_byte, place += per_byte)
      to[place / per_byte] = from[first / per_byte];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t a = first + i, b = place + i;
    const int value = from[a / per_byte] >> (a % per_byte * bits) & mask;
    to[b / per_byte] = static_cast<uint8_t>(to[b / per_byte] | value << (b % per_byte * bits));
  }
}

}  // namespace cygnet::ops
