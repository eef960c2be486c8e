// SPDX-License-Identifier: Apache-2.0
#include "edit/draft.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "edit/failure.h"

namespace cygnet {

std::string_view Draft::keep(std::string_view text) {
  return texts_.emplace_back(text);
}

std::span<const int32_t> Draft::keep(std::span<const int32_t> operands) {
  return operands_.emplace_back(operands.begin(), operands.end());
}

std::span<uint8_t> Draft::allocate(size_t bytes) {
  base::Buffer& block = blocks_.emplace_back();
  if (!block.resize(bytes)) throw Failure(text(source, ": no memory for ", bytes, " bytes"));
  std::memset(block.data(), 0, bytes);
  return {block.data(), bytes};
}

void Draft::release_unused() {
  std::set<const void*> used;
  const auto use = [&](const void* data) {
    if (data != nullptr) used.insert(data);
  };
  for (const Subgraph& s : graph.subgraphs) {
    for (const GraphTensor& t : s.tensors) use(t.data);
    for (const Node& n : s.nodes) {
      use(n.options);
      use(n.custom_options.data());
    }
  }
  std::erase_if(blocks_, [&](const base::Buffer& block) {
    const auto at = used.lower_bound(block.data());
    return at == used.end() || *at >= block.data() + std::max<size_t>(block.bytes(), 1);
  });
}

int Draft::add_subgraph(std::string_view name) {
  graph.subgraphs.emplace_back().name = keep(name);
  facts.emplace_back();
  return static_cast<int>(graph.subgraphs.size()) - 1;
}

}  // namespace cygnet
