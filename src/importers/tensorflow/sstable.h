// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cygnet::tensorflow {

/// Whether the bytes end as a sorted string table does.
bool is_sstable(std::string_view file);

/// All keys and values of a sorted string table (leveldb's format, snappy blocks too), in order.
/// The table is read by leveldb; what it takes on trust (block handles, sizes before decompression)
/// is checked here before. Throws Failure (rule I3).
std::vector<std::pair<std::string, std::string>> read_sstable(std::string_view file);

}  // namespace cygnet::tensorflow
