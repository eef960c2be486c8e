// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/layer.h"

#include <algorithm>
#include <numeric>

#include "edit/grid.h"
#include "importers/keras/trained_ranges.h"

namespace cygnet::keras {
namespace {

std::string list_text(const std::vector<int32_t>& list) {
  std::string result;
  for (int32_t v : list) result += text(result.empty() ? "" : ",", v);
  return "[" + result + "]";
}

// dst[i0, i1, ...] = src at the same index with its dimensions in `order`.
std::vector<float> permuted(const Array& a, const std::vector<int32_t>& order) {
  const size_t rank = a.dims.size();
  std::vector<size_t> stride(rank, 1);
  for (size_t i = rank; i-- > 1;) stride[i - 1] = stride[i] * static_cast<size_t>(a.dims[i]);
  std::vector<float> result(a.values.size());
  std::vector<int32_t> index(rank, 0);
  size_t from = 0;
  for (float& value : result) {
    value = a.values[from];
    for (size_t i = rank; i-- > 0;) {
      const size_t d = static_cast<size_t>(order[i]);
      from += stride[d];
      if (++index[i] < a.dims[d]) break;
      from -= stride[d] * static_cast<size_t>(a.dims[d]);
      index[i] = 0;
    }
  }
  return result;
}

Grid permuted(const Grid& grid, const std::vector<int32_t>& order) {
  if (order.empty()) return grid;
  QuantizedType q = *grid;
  q.axis = static_cast<int32_t>(std::find(order.begin(), order.end(), grid->axis) - order.begin());
  return std::make_shared<const QuantizedType>(std::move(q));
}

Shape to_shape(const std::vector<int32_t>& dims) {
  Shape shape;
  for (int32_t d : dims)
    if (shape.rank < kMaxRank) shape.push(d);
  return shape;
}

}  // namespace

std::vector<int32_t> tensors_of(const Argument& argument) {
  if (argument.is_tensor()) return {argument.tensor};
  std::vector<int32_t> result;
  for (const Argument& a : argument.list)
    for (int32_t t : tensors_of(a)) result.push_back(t);
  return result;
}

Layer::Layer(Import& shared, std::string layer_name, std::string class_name, Config settings,
             Weights variables, Call arguments)
    : import(shared),
      e(shared.e),
      name(std::move(layer_name)),
      kind(std::move(class_name)),
      config(std::move(settings)),
      weights(std::move(variables)),
      call(std::move(arguments)) {
  for (const Argument& a : call.positional)
    for (int32_t t : tensors_of(a)) inputs.push_back(t);
}

int32_t Layer::input(size_t i) const {
  if (i >= inputs.size()) fail(text("expected more than ", i, " inputs"));
  return inputs[i];
}

int32_t Layer::keyword(const std::string& key) const {
  const auto found = call.keywords.find(key);
  return found == call.keywords.end() ? kAbsent : found->second.tensor;
}

void Layer::fail(const std::string& what) const {
  throw Failure(text(e.draft().source, ": layer ", name, " (", kind, "): ", what));
}

int Layer::axis(int32_t a, int of_rank) const {
  if (a < -of_rank || a >= of_rank) fail(text("axis ", a, " is outside of rank ", of_rank));
  return a < 0 ? a + of_rank : a;
}

void Layer::expect_rank(int32_t x, int wanted) const {
  if (rank(x) != wanted) fail(text("expected an input of rank ", wanted, ", got ", rank(x)));
}

std::string Layer::part_name(Builtin op) const {
  std::string result = name + "/";
  for (const char* c = schema::EnumNameBuiltinOperator(op); *c != 0; ++c)
    result += static_cast<char>(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
  return result;
}

int32_t Layer::reshape(int32_t x, const std::vector<int32_t>& dims) {
  schema::ReshapeOptionsT options;
  options.new_shape = dims;
  return add(Builtin::RESHAPE, {x, e.list(dims)}, options);
}

std::vector<int32_t> Layer::dims_of(int32_t x) const {
  const Shape shape = e.shape(x);
  std::vector<int32_t> dims(shape.begin(), shape.end());
  int free = 0;
  for (int d = 0; d < rank(x); ++d)
    if (e.dim_free(x, d)) {
      dims[static_cast<size_t>(d)] = kRest;
      ++free;
    }
  if (free > 1) fail("more than one dimension depends on the batch");
  return dims;
}

int32_t Layer::transpose(int32_t x, const std::vector<int32_t>& order) {
  return add(Builtin::TRANSPOSE, {x, e.list(order)}, schema::TransposeOptionsT());
}

int32_t Layer::cast(int32_t x, Type type) {
  if (e.type(x) == type) return x;
  schema::CastOptionsT options;
  options.in_data_type = static_cast<schema::TensorType>(e.type(x));
  options.out_data_type = static_cast<schema::TensorType>(type);
  return add_typed(Builtin::CAST, {x}, type, options);
}

int32_t Layer::plus(int32_t a, int32_t b) {
  return add(Builtin::ADD, {a, b}, schema::AddOptionsT());
}
int32_t Layer::minus(int32_t a, int32_t b) {
  return add(Builtin::SUB, {a, b}, schema::SubOptionsT());
}
int32_t Layer::times(int32_t a, int32_t b) {
  return add(Builtin::MUL, {a, b}, schema::MulOptionsT());
}
int32_t Layer::over(int32_t a, int32_t b) {
  return add(Builtin::DIV, {a, b}, schema::DivOptionsT());
}

int32_t Layer::reduce(Builtin op, int32_t x, const std::vector<int32_t>& axes, bool keep_dims) {
  schema::ReducerOptionsT options;
  options.keep_dims = keep_dims;
  return add(op, {x, e.list(axes)}, options);
}

int32_t Layer::dense(int32_t x, int32_t weight, int32_t bias) {
  schema::FullyConnectedOptionsT options;
  options.keep_num_dims = rank(x) != 2;
  Tensors operands = {x, weight};
  if (bias != kAbsent) operands.push_back(bias);
  return add(Builtin::FULLY_CONNECTED, operands, options);
}

int32_t Layer::matmul(int32_t a, int32_t b, bool adj_a, bool adj_b) {
  schema::BatchMatMulOptionsT options;
  options.adj_x = adj_a;
  options.adj_y = adj_b;
  return add(Builtin::BATCH_MATMUL, {a, b}, options);
}

int32_t Layer::concatenate(const Tensors& parts, int at) {
  if (parts.size() == 1) return parts[0];
  schema::ConcatenationOptionsT options;
  options.axis = at;
  return add(Builtin::CONCATENATION, parts, options);
}

int32_t Layer::slice(int32_t x, int d, int32_t begin, int32_t end) {
  const size_t n = static_cast<size_t>(rank(x));
  std::vector<int32_t> from(n, 0), to(n, 0), step(n, 1);
  from[static_cast<size_t>(d)] = begin;
  to[static_cast<size_t>(d)] = end;
  schema::StridedSliceOptionsT options;
  const int32_t others = (1 << n) - 1 - (1 << d);
  options.begin_mask = options.end_mask = others;
  return add(Builtin::STRIDED_SLICE, {x, e.list(from), e.list(to), e.list(step)}, options);
}

int32_t Layer::softmax(int32_t x, int at) {
  const int last = rank(x) - 1;
  schema::SoftmaxOptionsT options;
  options.beta = 1;
  if (at == last) return add(Builtin::SOFTMAX, {x}, options);
  std::vector<int32_t> order(static_cast<size_t>(rank(x)));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<size_t>(at)], order[static_cast<size_t>(last)]);
  return transpose(add(Builtin::SOFTMAX, {transpose(x, order)}, options), order);
}

int32_t Layer::select(int32_t condition, int32_t a, int32_t b) {
  return e.add(Builtin::SELECT_V2, {condition, a, b}, schema::SelectV2OptionsT(),
               Results(part_name(Builtin::SELECT_V2), e.type(a)));
}

int32_t Layer::pad(int32_t x, const std::vector<int32_t>& paddings) {
  const int32_t table = e.constant<int32_t>({rank(x), 2}, paddings);
  return add(Builtin::PAD, {x, table}, schema::PadOptionsT());
}

Array Layer::checked(const std::string& place, const std::string& variable,
                     const std::vector<int32_t>& dims) const {
  Array array = weights.array(place);
  bool agree = array.dims.size() == dims.size();
  for (size_t i = 0; agree && i < dims.size(); ++i) agree = dims[i] < 0 || dims[i] == array.dims[i];
  if (!agree)
    fail(text("I5: weight \"", variable, "\": expected ", list_text(dims), ", the file has ",
              list_text(array.dims)));
  return array;
}

int32_t Layer::load(const std::string& variable, const std::vector<int32_t>& dims,
                    const Shape* shape, const std::vector<int32_t>& order) {
  const std::string place = weights.next(variable);
  const std::string key =
      text(place, list_text(order), shape == nullptr ? "" : shape_text(*shape).text);
  const auto found = import.constants.find(key);
  if (found != import.constants.end()) return found->second;
  Array array = checked(place, variable, dims);
  Grid grid = import.ranges == nullptr ? nullptr : import.ranges->round(variable, array);
  std::vector<int32_t> result = array.dims;
  for (size_t i = 0; i < order.size(); ++i) result[i] = array.dims[static_cast<size_t>(order[i])];
  const Shape as = shape == nullptr ? to_shape(result) : *shape;
  const std::string label = name + "/" + variable;
  const int32_t t = order.empty() ? e.constant<float>(as, array.values, label)
                                  : e.constant<float>(as, permuted(array, order), label);
  if (grid) e.set_grid(t, reshaped_grid(permuted(grid, order), to_shape(result), as));
  return import.constants[key] = t;
}

int32_t Layer::weight(const std::string& variable, const std::vector<int32_t>& dims,
                      const std::vector<int32_t>& order) {
  return load(variable, dims, nullptr, order);
}

int32_t Layer::weight_as(const std::string& variable, const std::vector<int32_t>& dims,
                         const Shape& shape, const std::vector<int32_t>& order) {
  return load(variable, dims, &shape, order);
}

Array Layer::array(const std::string& variable, const std::vector<int32_t>& dims) {
  return checked(weights.next(variable), variable, dims);
}

std::vector<float> Layer::values(const std::string& variable, const std::vector<int32_t>& dims) {
  return array(variable, dims).values;
}

int32_t Layer::constant(const std::vector<int32_t>& dims, const std::vector<float>& elements) {
  return e.constant<float>(to_shape(dims), elements);
}

}  // namespace cygnet::keras
