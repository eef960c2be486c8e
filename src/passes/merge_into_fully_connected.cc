// SPDX-License-Identifier: Apache-2.0
#include "edit/grid.h"
#include "passes/match.h"

namespace cygnet::passes {
namespace {

using Options = schema::FullyConnectedOptions;

std::vector<int32_t> inputs_of(const Patch& patch, int32_t n) {
  return {patch.node(n).inputs.begin(), patch.node(n).inputs.end()};
}

// A FULLY_CONNECTED without keep_num_dims sees any shape as rows of K elements: a RESHAPE in front
// of it is idle.
bool drop_reshape_in_front(Patch& patch, int32_t n) {
  if (patch.options<Options>(patch.node(n)).keep_num_dims) return false;
  std::vector<int32_t> inputs = inputs_of(patch, n);
  const int32_t r = patch.producer(inputs[0], Builtin::RESHAPE);
  if (r < 0) return false;
  const int32_t x = patch.node(r).inputs[0];
  if (patch.shape_unknown(x) || patch.shape_unknown(inputs[0]) || patch.shape(x).rank < 2 ||
      !same_kind(patch, x, inputs[0]))
    return false;
  inputs[0] = x;
  patch.set_inputs_of(n, inputs);
  return true;
}

// Whether y has the shape of x but for a last dimension of `n` in place of `k`.
bool only_last_differs(Patch& patch, int32_t x, int32_t y, int32_t k, int32_t n) {
  if (patch.shape_unknown(x) || patch.shape_unknown(y)) return false;
  for (size_t b = 0; b < kBatches.size(); ++b) {
    Shape s = shapes(patch, x)[b];
    if (s.rank < 2 || s[s.rank - 1] != k) return false;
    s[s.rank - 1] = n;
    if (!(s == shapes(patch, y)[b])) return false;
  }
  return true;
}

// A RESHAPE behind it that gives the leading dimensions back, or flattens them.
bool take_reshape_behind(Patch& patch, int32_t n) {
  const int32_t flat = patch.node(n).outputs[0];
  const int32_t r = patch.single_consumer(flat);
  if (!patch.is(r, Builtin::RESHAPE) || patch.node(r).inputs[0] != flat) return false;
  const std::vector<int32_t> inputs = inputs_of(patch, n);
  auto options = patch.options<Options>(patch.node(n));
  const int32_t y = patch.node(r).outputs[0];
  const Shape weights = patch.shape(inputs[1]);
  if (patch.shape_unknown(y) || !same_kind(patch, flat, y)) return false;
  if (options.keep_num_dims) {
    const Shape& s = patch.shape(y);
    if (s.rank != 2 || s[1] != weights[0] || patch.dim_free(y, 1)) return false;
  } else if (!only_last_differs(patch, inputs[0], y, weights[1], weights[0])) {
    return false;
  }
  options.keep_num_dims = !options.keep_num_dims;
  const std::string name(patch.tensor(y).name);
  const int32_t z = patch.add(Builtin::FULLY_CONNECTED, inputs, options, Results(name));
  patch.tensor(z).quantization = patch.tensor(y).quantization;
  patch.replace(y, z);
  patch.erase(r);
  return true;
}

// BATCH_MATMUL by one constant matrix.
bool from_batch_matmul(Patch& patch, int32_t n) {
  const std::vector<int32_t> inputs = inputs_of(patch, n);
  const auto options = patch.options<schema::BatchMatMulOptions>(patch.node(n));
  const int32_t y = patch.node(n).outputs[0];
  const Shape right = patch.shape(inputs[1]);
  if (!patch.constant(inputs[1]) || patch.type(inputs[0]) != Type::float32 ||
      patch.type(inputs[1]) != Type::float32 || options.adj_x || right.elements() == 0 ||
      right.rank < 2 || right.elements(0, right.rank - 2) != 1 || patch.shape_unknown(inputs[0]) ||
      right.rank > patch.shape(inputs[0]).rank)
    return false;
  const int32_t rows = right[right.rank - 2], columns = right[right.rank - 1];
  const std::string name(patch.tensor(y).name), weights_name(patch.tensor(inputs[1]).name);
  const GraphTensor matrix = patch.tensor(inputs[1]);
  int32_t weights = patch.borrowed_constant(Type::float32, {rows, columns},
                                            {matrix.as<uint8_t>(), matrix.bytes}, weights_name);
  patch.set_grid(weights, reshaped_grid(patch.grid(inputs[1]), right, {rows, columns}));
  if (!options.adj_y) weights = add_transpose(patch, weights, {1, 0}, weights_name);
  schema::FullyConnectedOptionsT dense;
  dense.keep_num_dims = patch.shape(inputs[0]).rank > 2;
  patch.replace(
      y, patch.add(Builtin::FULLY_CONNECTED, {inputs[0], weights, kAbsent}, dense, Results(name)));
  patch.erase(n);
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    bool changed = false;
    if (patch.is(n, Builtin::FULLY_CONNECTED))
      changed = take_reshape_behind(patch, n) || drop_reshape_in_front(patch, n);
    else if (patch.is(n, Builtin::BATCH_MATMUL))
      changed = from_batch_matmul(patch, n);
    rewrites += changed ? 1 : 0;
  }
  return rewrites;
}

}  // namespace

/// RESHAPEs around FULLY_CONNECTED become its own way of seeing its operand; BATCH_MATMUL by one
/// constant matrix becomes FULLY_CONNECTED.
extern const Pass kMergeIntoFullyConnected;
const Pass kMergeIntoFullyConnected = {
    .name = "merge-into-fully-connected",
    .summary = "RESHAPE around FULLY_CONNECTED, BATCH_MATMUL by a constant",
    .level = PassLevel::fuse,
    .run = run};

}  // namespace cygnet::passes
