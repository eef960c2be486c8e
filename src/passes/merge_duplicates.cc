// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "passes/match.h"

namespace cygnet::passes {
namespace {

template <class T>
void append(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_shape(std::string& key, const Shape& shape) {
  append(key, shape.rank);
  for (int32_t d : shape) append(key, d);
}

// ---- Constants

// Bytes of a constant that are hashed: equal beginnings are compared in full.
constexpr size_t kHashedBytes = 1024;

// 64-bit FNV-1a of the beginning.
uint64_t hash(const GraphTensor& t) {
  uint64_t h = 0xcbf29ce484222325 ^ t.bytes;
  const uint8_t* data = t.as<uint8_t>();
  for (size_t i = 0; i < std::min(t.bytes, kHashedBytes); ++i) h = (h ^ data[i]) * 0x100000001b3;
  return h;
}

bool equal_constants(const GraphTensor& a, const GraphTensor& b) {
  return a.type == b.type && a.shape == b.shape && a.bytes == b.bytes &&
         (a.bytes == 0 || a.data == b.data || std::memcmp(a.data, b.data, a.bytes) == 0);
}

bool equal_grids(const Grid& a, const Grid& b) {
  return a == b || (a && b && *a == *b);
}

int merge_constants(Patch& patch) {
  int merged = 0;
  std::multimap<uint64_t, int32_t> seen;
  const auto count = static_cast<int32_t>(patch.subgraph().tensors.size());
  for (int32_t i = 0; i < count; ++i) {
    const GraphTensor& t = patch.tensor(i);
    if (!t.constant || t.quantization.count != 0 || t.sparsity != nullptr || patch.is_output(i) ||
        patch.consumers(i).empty())
      continue;
    const uint64_t h = hash(t);
    const auto [begin, end] = seen.equal_range(h);
    const auto twin = std::find_if(begin, end, [&](const auto& entry) {
      return equal_constants(patch.tensor(entry.second), t) &&
             equal_grids(patch.grid(entry.second), patch.grid(i));
    });
    if (twin == end) {
      seen.emplace(h, i);
      continue;
    }
    patch.replace(i, twin->second);
    ++merged;
  }
  return merged;
}

// ---- Operators

// The option table in one form, whichever way the file has packed it.
std::string packed_options(const Node& node) {
  if (node.options == nullptr) return {};
  flatbuffers::FlatBufferBuilder builder(64);
  if (node.op->options_type != 0) {
    schema::BuiltinOptionsUnion u;
    u.type = static_cast<schema::BuiltinOptions>(node.op->options_type);
    u.value = schema::BuiltinOptionsUnion::UnPack(node.options, u.type, nullptr);
    builder.Finish(u.Pack(builder));
  } else {
    schema::BuiltinOptions2Union u;
    u.type = static_cast<schema::BuiltinOptions2>(node.op->options_type_2);
    u.value = schema::BuiltinOptions2Union::UnPack(node.options, u.type, nullptr);
    builder.Finish(u.Pack(builder));
  }
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

bool mergeable(const Patch& patch, const Node& node) {
  if (node.op == nullptr || !node.op->pure || !node.custom_options.empty() || node.outputs.empty())
    return false;
  const auto state = [&](int32_t i) { return i != kAbsent && patch.tensor(i).variable; };
  return std::none_of(node.inputs.begin(), node.inputs.end(), state) &&
         std::none_of(node.outputs.begin(), node.outputs.end(), state);
}

// Equal for nodes that compute the same.
std::string key_of(const Patch& patch, const Node& node) {
  std::string key(node.name);
  key += '\0';
  append(key, node.inputs.size());
  for (int32_t i : node.inputs) append(key, i);
  for (int32_t i : node.outputs) {
    const GraphTensor& t = patch.tensor(i);
    append(key, t.type);
    append_shape(key, t.shape);
    for (int32_t q = 0; q < t.quantization.count; ++q) {
      append(key, t.quantization.scale(q));
      append(key, t.quantization.zero_point(q));
    }
  }
  return key + packed_options(node);
}

bool has_outputs(const Patch& patch, int32_t n) {
  const auto outputs = patch.node(n).outputs;
  return std::any_of(outputs.begin(), outputs.end(), [&](int32_t i) { return patch.is_output(i); });
}

int merge_nodes(Patch& patch) {
  int merged = 0;
  std::map<std::string, int32_t> seen;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (patch.erased(n) || !mergeable(patch, patch.node(n))) continue;
    const auto [twin, fresh] = seen.emplace(key_of(patch, patch.node(n)), n);
    if (fresh) continue;
    // Two outputs of the graph stay two tensors: each has a name of its own.
    int32_t kept = twin->second, gone = n;
    if (has_outputs(patch, gone)) std::swap(kept, gone);
    if (has_outputs(patch, gone)) continue;
    twin->second = kept;
    for (size_t k = 0; k < patch.node(kept).outputs.size(); ++k)
      patch.replace(patch.node(gone).outputs[k], patch.node(kept).outputs[k]);
    patch.erase(gone);
    ++merged;
  }
  return merged;
}

}  // namespace

/// Constants with the same contents become one, and so do operators that compute the same.
extern const Pass kMergeDuplicates;
const Pass kMergeDuplicates = {.name = "merge-duplicates",
                               .summary = "equal constants, operators that compute the same",
                               .level = PassLevel::safe,
                               .run = [](Patch& patch, const PassOptions&) {
                                 const int constants = merge_constants(patch);
                                 return constants + merge_nodes(patch);
                               }};

}  // namespace cygnet::passes
