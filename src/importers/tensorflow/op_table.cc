// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_map>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

std::unordered_map<std::string_view, const OpRow*> make_table() {
  std::unordered_map<std::string_view, const OpRow*> table;
  for (std::span<const OpRow> part :
       {array_ops(), math_ops(), nn_ops(), control_ops(), decomposed_ops()})
    for (const OpRow& row : part) table[row.op] = &row;
  return table;
}

template <class Options>
int32_t add_with(Editor& e, Builtin op, int32_t a, int32_t b, std::string_view name) {
  return e.add(op, {a, b}, Options(), name);
}

}  // namespace

const OpRow* find_op(std::string_view op) {
  static const auto table = make_table();
  const auto at = table.find(op);
  return at == table.end() ? nullptr : at->second;
}

int32_t binary(Editor& e, Builtin op, int32_t a, int32_t b, std::string_view name) {
  switch (op) {
    case Builtin::ADD: return add_with<schema::AddOptionsT>(e, op, a, b, name);
    case Builtin::SUB: return add_with<schema::SubOptionsT>(e, op, a, b, name);
    case Builtin::MUL: return add_with<schema::MulOptionsT>(e, op, a, b, name);
    case Builtin::DIV: return add_with<schema::DivOptionsT>(e, op, a, b, name);
    case Builtin::EQUAL:
    case Builtin::NOT_EQUAL:
    case Builtin::LESS:
    case Builtin::LESS_EQUAL:
    case Builtin::GREATER:
    case Builtin::GREATER_EQUAL: return e.add(op, {a, b}, NoOptions(), {name, Type::boolean});
    default: return e.add(op, {a, b}, NoOptions(), name);
  }
}

int32_t unary(Editor& e, Builtin op, int32_t x, std::string_view name) {
  return e.add(op, {x}, NoOptions(), name);
}

int32_t reshape(Editor& e, int32_t x, const std::vector<int32_t>& shape, std::string_view name) {
  schema::ReshapeOptionsT options;
  options.new_shape = shape;
  return e.add(Builtin::RESHAPE, {x, e.list(shape)}, options, name);
}

int32_t transpose(Editor& e, int32_t x, const std::vector<int32_t>& perm, std::string_view name) {
  return e.add(Builtin::TRANSPOSE, {x, e.list(perm)}, NoOptions(), name);
}

int32_t reduce(Editor& e, Builtin op, int32_t x, const std::vector<int32_t>& axes, bool keep_dims,
               std::string_view name) {
  schema::ReducerOptionsT options;
  options.keep_dims = keep_dims;
  return e.add(op, {x, e.list(axes)}, options, name);
}

int32_t cast(Editor& e, int32_t x, Type type, std::string_view name) {
  if (e.type(x) == type) return x;
  schema::CastOptionsT options;
  options.in_data_type = static_cast<schema::TensorType>(e.type(x));
  options.out_data_type = static_cast<schema::TensorType>(type);
  return e.add(Builtin::CAST, {x}, options, {name, type});
}

int32_t scalar(Editor& e, double value) {
  return e.scalar(static_cast<float>(value));
}

int32_t matmul(Editor& e, int32_t a, int32_t b, bool adj_a, bool adj_b, std::string_view name) {
  if (e.constant(b) && e.shape(b).rank == 2 && !adj_a && e.shape(a).rank >= 2) {
    const int32_t weights = adj_b ? b : transpose(e, b, {1, 0}, e.tensor(b).name);
    schema::FullyConnectedOptionsT options;
    options.keep_num_dims = e.shape(a).rank > 2;
    return e.add(Builtin::FULLY_CONNECTED, {a, weights, kAbsent}, options, name);
  }
  schema::BatchMatMulOptionsT options;
  options.adj_x = adj_a;
  options.adj_y = adj_b;
  return e.add(Builtin::BATCH_MATMUL, {a, b}, options, name);
}

}  // namespace cygnet::tensorflow
