// SPDX-License-Identifier: Apache-2.0
// Reading and writing whole files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace cygnet::cli {

/// The content of a regular file. Throws Failure when it is missing, unreadable, not a regular file
/// or longer than `max_bytes`.
std::vector<uint8_t> read_file(const std::string& path, uint64_t max_bytes);

/// Writes a file so that other processes see the old content or the whole new one: the bytes go to
/// a temporary file in the same folder, which is then renamed. Symbolic links are followed; a
/// destination that is no regular file (/dev/null, a pipe) is written directly. Throws Failure.
void write_file(const std::string& path, std::span<const uint8_t> bytes);
/// As above, of parts one after the other.
void write_parts(const std::string& path, const std::vector<std::span<const uint8_t>>& parts);

/// Throws Failure when write_file(path) can't work: no such folder, no permission, a folder. For
/// telling the user before long work, not after it.
void check_writable(const std::string& path);

/// The lines of a text file, without trailing carriage returns, up to the first empty line.
std::vector<std::string> read_lines(const std::string& path);

}  // namespace cygnet::cli
