// SPDX-License-Identifier: Apache-2.0
#include "edit/subgraphs.h"

#include <algorithm>
#include <cstring>

#include "flatbuffers/flatbuffers.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

template <class Table>
typename Table::NativeTableType unpacked(const Node& node) {
  typename Table::NativeTableType options;
  if (node.options != nullptr) static_cast<const Table*>(node.options)->UnPackTo(&options);
  return options;
}

template <class Native>
void repack(Draft& draft, Node& node, const Native& options) {
  flatbuffers::FlatBufferBuilder builder(64);
  builder.Finish(Native::TableType::Pack(builder, &options));
  const std::span<uint8_t> copy = draft.allocate(builder.GetSize());
  std::memcpy(copy.data(), builder.GetBufferPointer(), builder.GetSize());
  node.options = flatbuffers::GetRoot<flatbuffers::Table>(copy.data());
}

void renumber_calls(Draft& draft, Node& node, const std::vector<int32_t>& moved) {
  const auto to = [&](auto index) { return moved[static_cast<size_t>(index)]; };
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::WHILE: {
      auto o = unpacked<schema::WhileOptions>(node);
      o.cond_subgraph_index = to(o.cond_subgraph_index);
      o.body_subgraph_index = to(o.body_subgraph_index);
      return repack(draft, node, o);
    }
    case Builtin::IF: {
      auto o = unpacked<schema::IfOptions>(node);
      o.then_subgraph_index = to(o.then_subgraph_index);
      o.else_subgraph_index = to(o.else_subgraph_index);
      return repack(draft, node, o);
    }
    case Builtin::CALL_ONCE: {
      auto o = unpacked<schema::CallOnceOptions>(node);
      o.init_subgraph_index = to(o.init_subgraph_index);
      return repack(draft, node, o);
    }
    case Builtin::CALL: {
      auto o = unpacked<schema::CallOptions>(node);
      o.subgraph = static_cast<uint32_t>(to(o.subgraph));
      return repack(draft, node, o);
    }
    default:
      return;
  }
}

}  // namespace

std::optional<std::vector<int32_t>> called_subgraphs(const Node& node) {
  const auto op = static_cast<Builtin>(node.builtin);
  switch (op) {
    case Builtin::WHILE: {
      const auto o = unpacked<schema::WhileOptions>(node);
      return std::vector<int32_t>{o.cond_subgraph_index, o.body_subgraph_index};
    }
    case Builtin::IF: {
      const auto o = unpacked<schema::IfOptions>(node);
      return std::vector<int32_t>{o.then_subgraph_index, o.else_subgraph_index};
    }
    case Builtin::CALL_ONCE:
      return std::vector<int32_t>{unpacked<schema::CallOnceOptions>(node).init_subgraph_index};
    case Builtin::CALL:
      return std::vector<int32_t>{
          static_cast<int32_t>(unpacked<schema::CallOptions>(node).subgraph)};
    default:
      break;
  }
  if (node.name.starts_with("STABLEHLO_")) return std::nullopt;
  return std::vector<int32_t>();
}

std::optional<std::vector<int>> count_callers(const Draft& draft) {
  std::vector<int> callers(draft.graph.subgraphs.size(), 0);
  for (const Subgraph& s : draft.graph.subgraphs)
    for (const Node& n : s.nodes) {
      const auto called = called_subgraphs(n);
      if (!called) return std::nullopt;
      for (int32_t i : *called) ++callers[static_cast<size_t>(i)];
    }
  return callers;
}

int drop_unused_subgraphs(Draft& draft) {
  Vector<Subgraph>& subgraphs = draft.graph.subgraphs;
  if (subgraphs.size() < 2 || !count_callers(draft)) return 0;
  std::vector<int32_t> moved(subgraphs.size(), -1), todo{0};
  for (const Signature& s : draft.graph.signatures) todo.push_back(s.subgraph);
  while (!todo.empty()) {
    const int32_t i = todo.back();
    todo.pop_back();
    if (moved[static_cast<size_t>(i)] == 0) continue;
    moved[static_cast<size_t>(i)] = 0;
    for (const Node& n : subgraphs[i].nodes) {
      const auto called = called_subgraphs(n);
      todo.insert(todo.end(), called->begin(), called->end());
    }
  }
  Vector<Subgraph> kept;
  std::vector<std::vector<TensorFacts>> facts;
  for (size_t i = 0; i < moved.size(); ++i) {
    if (moved[i] < 0) continue;
    moved[i] = static_cast<int32_t>(kept.size());
    kept.push_back(std::move(subgraphs[i]));
    facts.push_back(std::move(draft.facts[i]));
  }
  const int dropped = static_cast<int>(moved.size()) - static_cast<int>(kept.size());
  subgraphs = std::move(kept);
  draft.facts = std::move(facts);
  if (dropped == 0) return 0;
  for (Subgraph& s : subgraphs)
    for (Node& n : s.nodes) renumber_calls(draft, n, moved);
  for (Signature& s : draft.graph.signatures) s.subgraph = moved[static_cast<size_t>(s.subgraph)];
  return dropped;
}

}  // namespace cygnet
