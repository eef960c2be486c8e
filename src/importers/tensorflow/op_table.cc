// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_map>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

std::unordered_map<std::string_view, const OpRow*> make_table() {
  std::unordered_map<std::string_view, const OpRow*> table;
  for (std::span<const OpRow> part :
       {array_ops(), math_ops(), nn_ops(), control_ops(), decomposed_ops(), elementwise_ops(),
        indexing_ops(), matrix_ops(), image_ops(), volume_ops(), quantize_ops(), spectral_ops()})
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
    case Builtin::ADD:
      return add_with<schema::AddOptionsT>(e, op, a, b, name);
    case Builtin::SUB:
      return add_with<schema::SubOptionsT>(e, op, a, b, name);
    case Builtin::MUL:
      return add_with<schema::MulOptionsT>(e, op, a, b, name);
    case Builtin::DIV:
      return add_with<schema::DivOptionsT>(e, op, a, b, name);
    case Builtin::EQUAL:
    case Builtin::NOT_EQUAL:
    case Builtin::LESS:
    case Builtin::LESS_EQUAL:
    case Builtin::GREATER:
    case Builtin::GREATER_EQUAL:
      return e.add(op, {a, b}, NoOptions(), {name, Type::boolean});
    default:
      return e.add(op, {a, b}, NoOptions(), name);
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

int32_t scalar_of(Editor& e, double value, Type type) {
  return cast(e, scalar(e, value), type, "");
}

int32_t select(Editor& e, int32_t condition, int32_t a, int32_t b, std::string_view name) {
  return e.add(Builtin::SELECT_V2, {condition, a, b}, NoOptions(), {name, e.type(a)});
}

int32_t mask(Editor& e, const Shape& shape, const std::vector<uint8_t>& bits) {
  return e.copied_constant(Type::boolean, shape, bits);
}

int32_t shape_of(Editor& e, int32_t x, std::string_view name) {
  schema::ShapeOptionsT options;
  options.out_type = schema::TensorType::INT32;
  return e.add(Builtin::SHAPE, {x}, options, {name, Type::int32});
}

int32_t slice_dim(Editor& e, int32_t x, int d, int32_t begin, int32_t size, std::string_view name) {
  std::vector<int32_t> from(static_cast<size_t>(e.shape(x).rank), 0), count(from.size(), -1);
  from[static_cast<size_t>(d)] = begin;
  count[static_cast<size_t>(d)] = size;
  return e.add(Builtin::SLICE, {x, e.list(from), e.list(count)}, NoOptions(), name);
}

int32_t concat(Editor& e, const std::vector<int32_t>& parts, int axis, std::string_view name) {
  schema::ConcatenationOptionsT options;
  options.axis = axis;
  return e.add(Builtin::CONCATENATION, parts, options, name);
}

int32_t times_matrix(Editor& e, int32_t x, int32_t n, const std::vector<float>& matrix,
                     std::string_view name) {
  const auto inner = static_cast<int32_t>(matrix.size() / static_cast<size_t>(n));
  std::vector<float> transposed(matrix.size());
  for (size_t i = 0; i < matrix.size(); ++i)
    transposed[i % static_cast<size_t>(n) * static_cast<size_t>(inner) +
               i / static_cast<size_t>(n)] = matrix[i];
  schema::FullyConnectedOptionsT options;
  options.keep_num_dims = e.shape(x).rank > 2;
  return e.add(Builtin::FULLY_CONNECTED, {x, e.constant<float>({n, inner}, transposed), kAbsent},
               options, name);
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
