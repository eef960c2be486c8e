// SPDX-License-Identifier: Apache-2.0
#include "passes/match.h"

#include <algorithm>

namespace cygnet::passes {

const std::array<Shape, kBatches.size()>& shapes(Patch& patch, int32_t tensor) {
  return patch.draft()
      .facts[static_cast<size_t>(patch.subgraph_index())][static_cast<size_t>(tensor)]
      .shapes;
}

bool same_shape(Patch& patch, int32_t a, int32_t b) {
  return !patch.shape_unknown(a) && !patch.shape_unknown(b) && shapes(patch, a) == shapes(patch, b);
}

std::optional<std::vector<int32_t>> target_shape(Patch& patch, int32_t tensor) {
  if (patch.shape_unknown(tensor)) return std::nullopt;
  std::vector<int32_t> target;
  int free = 0;
  for (int d = 0; d < patch.shape(tensor).rank; ++d) {
    const bool is_free = patch.dim_free(tensor, d);
    free += is_free ? 1 : 0;
    target.push_back(is_free ? -1 : patch.shape(tensor)[d]);
  }
  if (free > 1 || (free == 1 && patch.shape(tensor).elements() == 0)) return std::nullopt;
  return target;
}

int32_t add_reshape(Patch& patch, int32_t x, int32_t like) {
  const auto target = target_shape(patch, like);
  if (!target) return kAbsent;
  schema::ReshapeOptionsT options;
  options.new_shape = *target;
  const int32_t list = patch.list(*target);
  const std::string name(patch.tensor(like).name);
  const int32_t y = patch.add(Builtin::RESHAPE, {x, list}, options, Results(name));
  patch.tensor(y).quantization = patch.tensor(like).quantization;
  return y;
}

int32_t add_transpose(Patch& patch, int32_t x, const std::vector<int32_t>& perm,
                      std::string_view name) {
  const int32_t list = patch.list(perm);
  const int32_t y =
      patch.add(Builtin::TRANSPOSE, {x, list}, schema::TransposeOptionsT(), Results(name));
  patch.tensor(y).quantization = patch.tensor(x).quantization;
  return y;
}

std::optional<std::vector<int32_t>> permutation(const Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  const auto list = patch.integers(node.inputs[1]);
  if (!list || static_cast<int32_t>(list->size()) != patch.shape(node.inputs[0]).rank)
    return std::nullopt;
  return axes(patch, node.inputs[1], static_cast<int>(list->size()));
}

std::optional<std::vector<int32_t>> axes(const Patch& patch, int32_t tensor, int rank) {
  const auto list = patch.integers(tensor);
  if (!list) return std::nullopt;
  std::vector<int32_t> result;
  for (int64_t a : *list) {
    if (a < -rank || a >= rank) return std::nullopt;
    result.push_back(static_cast<int32_t>(a < 0 ? a + rank : a));
  }
  return result;
}

bool same_kind(const Patch& patch, int32_t a, int32_t b) {
  const Quantization &p = patch.tensor(a).quantization, &q = patch.tensor(b).quantization;
  if (patch.type(a) != patch.type(b) || p.count != q.count) return false;
  for (int32_t i = 0; i < p.count; ++i)
    if (p.scale(i) != q.scale(i) || p.zero_point(i) != q.zero_point(i)) return false;
  return p.count <= 1 || p.axis == q.axis;
}

bool may_replace(const Patch& patch, int32_t from, int32_t to) {
  if (patch.tensor(from).variable || patch.tensor(to).variable) return false;
  return !patch.is_output(from) || (patch.producer(to) >= 0 && !patch.is_output(to));
}

bool try_replace(Patch& patch, int32_t from, int32_t to) {
  if (!may_replace(patch, from, to)) return false;
  patch.replace(from, to);
  return true;
}

bool has(const Patch& patch, Builtin op) {
  return patch.registry().find(static_cast<int32_t>(op)) != nullptr;
}

bool is_unary(const Patch& patch, int32_t n) {
  if (n < 0 || patch.erased(n)) return false;
  const Node& node = patch.node(n);
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::ABS:
    case Builtin::CAST:
    case Builtin::CEIL:
    case Builtin::COS:
    case Builtin::DEQUANTIZE:
    case Builtin::ELU:
    case Builtin::EXP:
    case Builtin::FAKE_QUANT:
    case Builtin::FLOOR:
    case Builtin::GELU:
    case Builtin::HARD_SWISH:
    case Builtin::LEAKY_RELU:
    case Builtin::LOG:
    case Builtin::LOGISTIC:
    case Builtin::NEG:
    case Builtin::QUANTIZE:
    case Builtin::RELU:
    case Builtin::RELU6:
    case Builtin::RELU_0_TO_1:
    case Builtin::RELU_N1_TO_1:
    case Builtin::ROUND:
    case Builtin::RSQRT:
    case Builtin::SIGN:
    case Builtin::SIN:
    case Builtin::SQRT:
    case Builtin::SQUARE:
    case Builtin::TANH:
      return patch.tensor(node.inputs[0]).quantization.count <= 1 &&
             patch.tensor(node.outputs[0]).quantization.count <= 1;
    case Builtin::ADD:
    case Builtin::SUB:
    case Builtin::MUL:
    case Builtin::DIV:
    case Builtin::MAXIMUM:
    case Builtin::MINIMUM:
    case Builtin::POW: {
      const int32_t c = node.inputs[1];
      return patch.constant(c) && patch.shape(c).elements() == 1 &&
             patch.shape(c).rank <= patch.shape(node.inputs[0]).rank &&
             patch.shape(node.inputs[0]).elements() > 0;
    }
    default:
      return false;
  }
}

Activation fused_activation(const Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  const auto of = [&]<class Table>(const Table*) {
    return patch.options<Table>(node).fused_activation_function;
  };
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::ADD:
      return of(static_cast<schema::AddOptions*>(nullptr));
    case Builtin::SUB:
      return of(static_cast<schema::SubOptions*>(nullptr));
    case Builtin::MUL:
      return of(static_cast<schema::MulOptions*>(nullptr));
    case Builtin::DIV:
      return of(static_cast<schema::DivOptions*>(nullptr));
    case Builtin::CONV_2D:
      return of(static_cast<schema::Conv2DOptions*>(nullptr));
    case Builtin::DEPTHWISE_CONV_2D:
      return of(static_cast<schema::DepthwiseConv2DOptions*>(nullptr));
    case Builtin::FULLY_CONNECTED:
      return of(static_cast<schema::FullyConnectedOptions*>(nullptr));
    case Builtin::TRANSPOSE_CONV:
      return of(static_cast<schema::TransposeConvOptions*>(nullptr));
    case Builtin::CONCATENATION:
      return of(static_cast<schema::ConcatenationOptions*>(nullptr));
    case Builtin::AVERAGE_POOL_2D:
    case Builtin::MAX_POOL_2D:
    case Builtin::L2_POOL_2D:
      return of(static_cast<schema::Pool2DOptions*>(nullptr));
    case Builtin::L2_NORMALIZATION:
      return of(static_cast<schema::L2NormOptions*>(nullptr));
    default:
      return Activation::NONE;
  }
}

bool set_activation(Patch& patch, int32_t n, Activation activation) {
  if (activation == fused_activation(patch, n)) return true;
  const auto set = [&]<class Table>(const Table*) {
    auto options = patch.options<Table>(patch.node(n));
    options.fused_activation_function = activation;
    patch.set_options(n, options);
    return true;
  };
  switch (static_cast<Builtin>(patch.node(n).builtin)) {
    case Builtin::ADD:
      return set(static_cast<schema::AddOptions*>(nullptr));
    case Builtin::SUB:
      return set(static_cast<schema::SubOptions*>(nullptr));
    case Builtin::MUL:
      return set(static_cast<schema::MulOptions*>(nullptr));
    case Builtin::DIV:
      return set(static_cast<schema::DivOptions*>(nullptr));
    case Builtin::CONV_2D:
      return set(static_cast<schema::Conv2DOptions*>(nullptr));
    case Builtin::DEPTHWISE_CONV_2D:
      return set(static_cast<schema::DepthwiseConv2DOptions*>(nullptr));
    case Builtin::FULLY_CONNECTED:
      return set(static_cast<schema::FullyConnectedOptions*>(nullptr));
    case Builtin::TRANSPOSE_CONV:
      return set(static_cast<schema::TransposeConvOptions*>(nullptr));
    case Builtin::AVERAGE_POOL_2D:
    case Builtin::MAX_POOL_2D:
      return set(static_cast<schema::Pool2DOptions*>(nullptr));
    default:
      return false;
  }
}

int32_t plain(const Patch& patch, int32_t tensor, Builtin op) {
  const int32_t n = patch.producer(tensor, op);
  if (n < 0 || patch.type(tensor) != Type::float32 ||
      fused_activation(patch, n) != Activation::NONE)
    return -1;
  return n;
}

int32_t operand_beside(const Patch& patch, int32_t n, int32_t known) {
  const auto inputs = patch.node(n).inputs;
  if (inputs[0] == known) return inputs[1];
  return inputs[1] == known ? inputs[0] : kAbsent;
}

int32_t beside_uniform(const Patch& patch, int32_t tensor, Builtin op, double value) {
  const int32_t n = plain(patch, tensor, op);
  if (n < 0) return kAbsent;
  for (size_t k = 0; k < 2; ++k) {
    const auto c = patch.uniform(patch.node(n).inputs[k]);
    if (c && near(*c, value)) return patch.node(n).inputs[1 - k];
  }
  return kAbsent;
}

namespace {

// Takes apart at most `depth` products within one another.
void take_apart(const Patch& patch, int32_t tensor, int32_t stop, int depth, Product& product) {
  const auto descend = [&](int32_t t) {
    const auto c = patch.uniform(t);
    if (c)
      product.factor *= static_cast<double>(*c);
    else
      take_apart(patch, t, stop, depth - 1, product);
  };
  const int32_t mul = plain(patch, tensor, Builtin::MUL), div = plain(patch, tensor, Builtin::DIV);
  if (tensor != stop && depth > 0 && mul >= 0) {
    descend(patch.node(mul).inputs[0]);
    descend(patch.node(mul).inputs[1]);
    return;
  }
  if (tensor != stop && depth > 0 && div >= 0) {
    const auto c = patch.uniform(patch.node(div).inputs[1]);
    if (c && *c != 0) {
      product.factor /= static_cast<double>(*c);
      descend(patch.node(div).inputs[0]);
      return;
    }
  }
  product.factors.push_back(tensor);
}

}  // namespace

Product product_of(const Patch& patch, int32_t tensor, int32_t stop) {
  Product product;
  take_apart(patch, tensor, stop, 5, product);
  std::sort(product.factors.begin(), product.factors.end());
  return product;
}

}  // namespace cygnet::passes
