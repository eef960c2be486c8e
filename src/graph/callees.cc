// SPDX-License-Identifier: Apache-2.0
#include "graph/callees.h"

#include <algorithm>

#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

std::span<const int32_t> view(const flatbuffers::Vector<int32_t>* v) {
  return v == nullptr ? std::span<const int32_t>() : std::span<const int32_t>(v->data(), v->size());
}

template <class Table>
const Table& options_of(const Node& node) {
  return *static_cast<const Table*>(node.options);
}

}  // namespace

Callees callees(const Node& node) {
  Callees out;
  if (node.options == nullptr) return out;
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::WHILE:
      out.add(options_of<schema::WhileOptions>(node).cond_subgraph_index());
      out.add(options_of<schema::WhileOptions>(node).body_subgraph_index());
      break;
    case Builtin::STABLEHLO_WHILE:
      out.add(options_of<schema::StablehloWhileOptions>(node).cond_subgraph_index());
      out.add(options_of<schema::StablehloWhileOptions>(node).body_subgraph_index());
      break;
    case Builtin::IF:
      out.add(options_of<schema::IfOptions>(node).then_subgraph_index());
      out.add(options_of<schema::IfOptions>(node).else_subgraph_index());
      break;
    case Builtin::CALL_ONCE:
      out.add(options_of<schema::CallOnceOptions>(node).init_subgraph_index());
      break;
    case Builtin::CALL:
      out.add(static_cast<int32_t>(
          std::min<uint32_t>(options_of<schema::CallOptions>(node).subgraph(), INT32_MAX)));
      break;
    case Builtin::STABLEHLO_COMPOSITE:
      out.add(options_of<schema::StableHLOCompositeOptions>(node).decomposition_subgraph_index());
      break;
    case Builtin::STABLEHLO_REDUCE:
      out.add(options_of<schema::StablehloReduceOptions>(node).body_subgraph_index());
      break;
    case Builtin::STABLEHLO_REDUCE_WINDOW:
      out.add(options_of<schema::StablehloReduceWindowOptions>(node).body_subgraph_index());
      break;
    case Builtin::STABLEHLO_SORT:
      out.add(options_of<schema::StablehloSortOptions>(node).comparator_subgraph_index());
      break;
    case Builtin::STABLEHLO_SCATTER:
      out.add(
          options_of<schema::StablehloScatterOptions>(node).update_computation_subgraph_index());
      break;
    case Builtin::STABLEHLO_CASE:
      out.list = view(options_of<schema::StablehloCaseOptions>(node).branch_subgraph_indices());
      break;
    case Builtin::STABLEHLO_CUSTOM_CALL:
      out.list = view(options_of<schema::StablehloCustomCallOptions>(node).called_computations());
      break;
    default:
      break;
  }
  return out;
}

}  // namespace cygnet
