// SPDX-License-Identifier: Apache-2.0
#include "edit/draft.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "edit/failure.h"

namespace cygnet {

namespace {

// Of a list or text that is kept, beside its elements.
constexpr size_t kHeadBytes = 64;

}  // namespace

Draft Draft::borrow() const {
  Draft draft;
  draft.graph = graph;
  draft.source = source;
  draft.facts = facts;
  draft.limit_like(*this);
  return draft;
}

void Draft::limit(int64_t bytes, int64_t operators) {
  most_bytes_ = bytes;
  most_operators_ = operators;
}

void Draft::count_operator() {
  if (++operators_ > most_operators_)
    throw Failure(
        text(source, ": the network has more operators than the limit of ", most_operators_));
}

void Draft::count_bytes(size_t bytes) {
  if (bytes > static_cast<size_t>(bytes_left()))
    throw Failure(
        text(source, ": the network takes more memory than the limit of ", most_bytes_, " bytes"));
  bytes_ += static_cast<int64_t>(bytes);
}

std::string_view Draft::keep(std::string_view text) {
  count_bytes(text.size() + kHeadBytes);
  return texts_.emplace_back(text);
}

std::span<const int32_t> Draft::keep(std::span<const int32_t> operands) {
  count_bytes(operands.size_bytes() + kHeadBytes);
  return operands_.emplace_back(operands.begin(), operands.end());
}

std::span<uint8_t> Draft::allocate(size_t bytes) {
  count_bytes(bytes + kHeadBytes);
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
    for (const GraphTensor& t : s.tensors) {
      use(t.data);
      use(t.quantization.scales);
      use(t.quantization.zero_points);
    }
    for (const Node& n : s.nodes) {
      use(n.options);
      use(n.custom_options.data());
    }
  }
  std::erase_if(blocks_, [&](const base::Buffer& block) {
    const auto at = used.lower_bound(block.data());
    if (at != used.end() && *at < block.data() + std::max<size_t>(block.bytes(), 1)) return false;
    bytes_ -= static_cast<int64_t>(block.bytes() + kHeadBytes);
    return true;
  });
  operators_ = 0;
  for (const Subgraph& s : graph.subgraphs) operators_ += static_cast<int64_t>(s.nodes.size());
}

int Draft::add_subgraph(std::string_view name) {
  graph.subgraphs.emplace_back().name = keep(name);
  facts.emplace_back();
  return static_cast<int>(graph.subgraphs.size()) - 1;
}

}  // namespace cygnet
