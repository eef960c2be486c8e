// SPDX-License-Identifier: Apache-2.0
// Reads the entries of a .keras file (a zip archive).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cygnet::keras {

/// The entries with the given names, those that exist. Rules I5: every entry of the archive is
/// relative without "..", unique, stored or deflated, and unfolds to at most 200 times its size;
/// data must agree with size and checksum. Nothing is written anywhere. Throws Failure.
std::map<std::string, std::vector<uint8_t>> read_archive(const std::string& path,
                                                         const std::vector<std::string>& names);

}  // namespace cygnet::keras
