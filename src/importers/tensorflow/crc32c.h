// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace cygnet::tensorflow {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of what `crc` is the checksum of, followed by data.
uint32_t crc32c(uint32_t crc, std::string_view data);

/// The form in which tables and checkpoints store a checksum: rotated and offset, so that the
/// checksum of data that hold checksums stays good.
inline uint32_t masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace cygnet::tensorflow
