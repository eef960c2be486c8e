// SPDX-License-Identifier: Apache-2.0
// Operations that are layers elsewhere: activations, products of matrices, pooling, resizing.
#include <algorithm>

#include "importers/keras/operations.h"

namespace cygnet::keras {
namespace {

// An activation by the operation's class, "LogSigmoid" → log_sigmoid, or the function, "nn.relu".
Tensors activation_class(Layer& l) {
  std::string name = l.config.text("function", "");
  name = name.substr(name.find('.') == std::string::npos ? 0 : name.find('.') + 1);
  for (char c : name.empty() ? l.kind : std::string())
    name += text(c >= 'A' && c <= 'Z' && !name.empty() ? "_" : "",
                 static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
  if (name == "gelu" && flag_setting(l, {"approximate"}, 1)) name = "gelu_tanh";
  return {activate(l, l.to_float(l.input()), Config::text_value(name, l.name))};
}

// A setting of an activation; `otherwise` where there is none.
float real_setting(const Layer& l, std::initializer_list<const char*> keys, size_t position,
                   double otherwise) {
  const Config value = setting(l, keys, position);
  return static_cast<float>(value.null() ? otherwise : value.number());
}

Tensors elu(Layer& l) {
  return {elu(l, l.input(), real_setting(l, {"alpha"}, 1, 1))};
}

// α·elu(x / α) below 0, x above.
Tensors celu(Layer& l) {
  const int32_t x = l.input();
  const float alpha = real_setting(l, {"alpha"}, 1, 1);
  l.refuse_if(alpha == 0, "alpha is 0");
  const int32_t below =
      l.add(Builtin::MINIMUM, {x, l.e.scalar(0.0f)}, schema::MaximumMinimumOptionsT());
  const int32_t curve = l.add(Builtin::ELU, {l.times(below, 1.0f / alpha)});
  return {l.plus(l.add(Builtin::RELU, {x}), l.times(curve, alpha))};
}

Tensors leaky_relu(Layer& l) {
  schema::LeakyReluOptionsT options;
  options.alpha = real_setting(l, {"negative_slope", "alpha"}, 1, 0.2);
  return {l.add(Builtin::LEAKY_RELU, {l.input()}, options)};
}

Tensors threshold(Layer& l) {
  const int32_t x = l.input();
  const float bound = real_setting(l, {"threshold"}, 1, 0);
  const int32_t above = l.add_typed(Builtin::GREATER, {x, l.e.scalar(bound)}, Type::boolean,
                                    schema::GreaterOptionsT());
  return {l.select(above, x, l.e.scalar(real_setting(l, {"default_value"}, 2, 0)))};
}

// What is left of x beyond ±threshold.
Tensors soft_shrink(Layer& l) {
  const int32_t x = l.input();
  const float bound = real_setting(l, {"threshold"}, 1, 0.5);
  const schema::MaximumMinimumOptionsT none;
  const int32_t low = l.add(Builtin::MINIMUM, {x, l.e.scalar(bound)}, none);
  return {l.minus(x, l.add(Builtin::MAXIMUM, {low, l.e.scalar(-bound)}, none))};
}

Tensors hard_shrink(Layer& l) {
  const int32_t x = l.input();
  const float bound = real_setting(l, {"threshold"}, 1, 0.5);
  const int32_t size = l.add(Builtin::ABS, {x}, schema::AbsOptionsT());
  const int32_t far = l.add_typed(Builtin::GREATER, {size, l.e.scalar(bound)}, Type::boolean,
                                  schema::GreaterOptionsT());
  return {l.times(x, l.to_float(far))};
}

// (x + √(x² + b)) / 2
Tensors squareplus(Layer& l) {
  const int32_t x = l.input();
  const int32_t inside = l.plus(l.times(x, x), real_setting(l, {"b"}, 1, 4));
  return {l.times(l.plus(x, l.add(Builtin::SQRT, {inside})), 0.5f)};
}

Tensors softmax(Layer& l) {
  const int32_t x = l.input();
  return {l.softmax(x, axis_setting(l, 1, -1, l.rank(x)))};
}

// One operation along its last axis, brought there and back.
Tensors along_axis(Layer& l, const char* activation) {
  int32_t x = l.input();
  const int at = axis_setting(l, 1, -1, l.rank(x)), last = l.rank(x) - 1;
  std::vector<int32_t> order;
  for (int d = 0; d <= last; ++d) order.push_back(d);
  std::swap(order[static_cast<size_t>(at)], order.back());
  if (at != last) x = l.transpose(x, order);
  const int32_t y = activate(l, x, Config::text_value(activation, l.name));
  return {at != last ? l.transpose(y, order) : y};
}

Tensors log_softmax(Layer& l) {
  return along_axis(l, "log_softmax");
}
Tensors glu(Layer& l) {
  return along_axis(l, "glu");
}

// x / max(|x|, epsilon), lengths along the axes.
Tensors normalize(Layer& l) {
  const int32_t x = l.input();
  const Config order = setting(l, {"order"}, 2), axis = setting(l, {"axis"}, 1);
  l.refuse_if(!order.null() && order.number() != 2, "only the order 2 is supported");
  std::vector<int32_t> axes;
  for (int32_t a : axis.null() ? std::vector<int32_t>{-1} : axis.integers())
    axes.push_back(l.axis(a, l.rank(x)));
  const int32_t sum = l.reduce(Builtin::SUM, l.times(x, x), axes, true);
  const int32_t bounded =
      l.add(Builtin::MAXIMUM, {sum, l.e.scalar(1e-24f)}, schema::MaximumMinimumOptionsT());
  return {l.times(x, l.add(Builtin::RSQRT, {bounded}))};
}

Tensors matmul(Layer& l) {
  const int32_t a = operand(l, argument(l, 0, {"x1", "a"}), Type::float32);
  const int32_t b = operand(l, argument(l, 1, {"x2", "b"}), Type::float32);
  l.refuse_if(l.rank(a) < 2 || l.rank(b) < 2, "products of vectors are not supported");
  const bool adj_a = flag_setting(l, {"transpose_a", "adjoint_a"}, 9);
  const bool adj_b = flag_setting(l, {"transpose_b", "adjoint_b"}, 9);
  if (l.e.constant(b) && l.rank(b) == 2 && !adj_a)
    return {l.dense(a, adj_b ? b : l.transpose(b, {1, 0}), kAbsent)};
  return {l.matmul(a, b, adj_a, adj_b)};
}

template <Emit flat, Emit plane, Emit volume>
Tensors by_rank(Layer& l) {
  const int rank = l.rank(l.input());
  l.refuse_if(rank < 3 || rank > 5, "expected an input of rank 3 to 5");
  return rank == 3 ? flat(l) : rank == 4 ? plane(l) : volume(l);
}

Tensors one_hot(Layer& l) {
  const int32_t x = l.cast(l.input(), Type::int32);
  const int32_t n = setting(l, {"num_classes", "depth"}, 1).integer();
  l.refuse_if(n < 1 || n > (1 << 24), "num_classes is out of range");
  schema::OneHotOptionsT options;
  options.axis = axis_setting(l, 2, -1, l.rank(x) + 1);
  return {l.add_typed(Builtin::ONE_HOT,
                      {x, l.e.scalar<int32_t>(n), l.e.scalar(1.0f), l.e.scalar(0.0f)},
                      Type::float32, options)};
}

Tensors top_k(Layer& l) {
  const int32_t x = l.input();
  const int32_t k = setting(l, {"k"}, 1).integer();
  l.refuse_if(k < 1 || k > l.dim(x, -1), "k is out of range");
  const int32_t first =
      l.e.add(Builtin::TOPK_V2, {x, l.e.scalar<int32_t>(k)}, schema::TopKV2OptionsT(),
              Results(l.name + "/topk", {l.e.type(x), Type::int32}));
  return {first, first + 1};
}

}  // namespace

const Operations& network_operations() {
  static const Operations table = {
      {"AveragePool",
       by_rank<emit_average_pooling_1d, emit_average_pooling_2d, emit_average_pooling_3d>},
      {"Celu", celu},
      {"Einsum", emit_einsum},
      {"Elu", elu},
      {"Gelu", activation_class},
      {"Glu", glu},
      {"HardShrink", hard_shrink},
      {"HardSigmoid", activation_class},
      {"HardSilu", activation_class},
      {"HardTanh", activation_class},
      {"LeakyRelu", leaky_relu},
      {"LogSigmoid", activation_class},
      {"LogSoftmax", log_softmax},
      {"Matmul", matmul},
      {"MaxPool", by_rank<emit_max_pooling_1d, emit_max_pooling_2d, emit_max_pooling_3d>},
      {"Mish", activation_class},
      {"Normalize", normalize},
      {"OneHot", one_hot},
      {"Relu", activation_class},
      {"Relu6", activation_class},
      {"Resize", emit_resize},
      {"Selu", activation_class},
      {"Sigmoid", activation_class},
      {"Silu", activation_class},
      {"SoftShrink", soft_shrink},
      {"Softmax", softmax},
      {"Softplus", activation_class},
      {"Softsign", activation_class},
      {"SparsePlus", activation_class},
      {"SparseSigmoid", activation_class},
      {"Squareplus", squareplus},
      {"Swish", activation_class},
      {"Tanh", activation_class},
      {"TanhShrink", activation_class},
      {"Threshold", threshold},
      {"TopK", top_k},
  };
  return table;
}

}  // namespace cygnet::keras
