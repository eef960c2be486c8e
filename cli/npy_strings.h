// SPDX-License-Identifier: Apache-2.0
// Arrays of strings in .npy files: 'S' holds bytes, 'U' code points of 32 bits; each string has the
// length of the longest one, with zeros behind it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cygnet::cli {

/// Bytes of each element of an array of strings; 0 when `descr` means something else.
size_t npy_string_bytes(const std::string& descr);
/// The strings of an array, Unicode as UTF-8. Throws Failure, which names `where`, for numbers that
/// are no code points.
std::vector<std::string> read_npy_strings(const std::string& descr, size_t element_bytes,
                                          std::span<const uint8_t> data, const std::string& where);
/// The data of an array of byte strings from a STRING tensor's bytes, and its descr.
std::vector<uint8_t> write_npy_strings(std::span<const uint8_t> tensor, std::string* descr);

}  // namespace cygnet::cli
