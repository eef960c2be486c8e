// SPDX-License-Identifier: Apache-2.0
// Activation functions by name and as layers. Formulas: Keras 2.15 and 3.
#include <cmath>
#include <map>

#include "importers/keras/layers.h"
#include "importers/keras/trained_ranges.h"

namespace cygnet::keras {

int32_t elu(Layer& l, int32_t x, float alpha) {
  if (alpha == 1.0f) return l.add(Builtin::ELU, {x});
  const int32_t negative =
      l.add(Builtin::MINIMUM, {x, l.e.scalar(0.0f)}, schema::MaximumMinimumOptionsT());
  const int32_t below = l.add(Builtin::ELU, {negative});
  return l.plus(l.add(Builtin::RELU, {x}), l.times(below, alpha));
}

namespace {

using Function = int32_t (*)(Layer&, int32_t);

int32_t identity(Layer&, int32_t x) {
  return x;
}
int32_t relu(Layer& l, int32_t x) {
  return l.add(Builtin::RELU, {x});
}
int32_t relu6(Layer& l, int32_t x) {
  return l.add(Builtin::RELU6, {x});
}
int32_t sigmoid(Layer& l, int32_t x) {
  return l.add(Builtin::LOGISTIC, {x});
}
int32_t tanh(Layer& l, int32_t x) {
  return l.add(Builtin::TANH, {x});
}
int32_t exponential(Layer& l, int32_t x) {
  return l.add(Builtin::EXP, {x}, schema::ExpOptionsT());
}
int32_t swish(Layer& l, int32_t x) {
  return l.times(x, sigmoid(l, x));
}
int32_t absolute(Layer& l, int32_t x) {
  return l.add(Builtin::ABS, {x}, schema::AbsOptionsT());
}
int32_t at_most(Layer& l, int32_t x, float bound) {
  return l.add(Builtin::MINIMUM, {x, l.e.scalar(bound)}, schema::MaximumMinimumOptionsT());
}
int32_t at_least(Layer& l, int32_t x, float bound) {
  return l.add(Builtin::MAXIMUM, {x, l.e.scalar(bound)}, schema::MaximumMinimumOptionsT());
}

// log(1 + e^x) = max(x, 0) + log(1 + e^−|x|), which never overflows.
int32_t softplus(Layer& l, int32_t x) {
  const int32_t power = exponential(l, l.times(absolute(l, x), -1.0f));
  return l.plus(relu(l, x), l.add(Builtin::LOG, {l.plus(power, 1.0f)}));
}

int32_t mish(Layer& l, int32_t x) {
  return l.times(x, tanh(l, softplus(l, x)));
}

int32_t softsign(Layer& l, int32_t x) {
  return l.over(x, l.plus(absolute(l, x), 1.0f));
}

int32_t elu(Layer& l, int32_t x) {
  return elu(l, x, 1);
}

// Klambauer et al., Self-Normalizing Neural Networks, 2017.
int32_t selu(Layer& l, int32_t x) {
  return l.times(elu(l, x, 1.6732632423543772f), 1.0507009873554805f);
}

// Keras 3: relu6(x + 3) / 6. Keras 2: clip(0.2·x + 0.5, 0, 1).
int32_t hard_sigmoid(Layer& l, int32_t x) {
  if (l.import.file.keras_before(3, 0)) {
    const int32_t line = l.plus(l.times(x, 0.2f), 0.5f);
    return at_most(l, relu(l, line), 1);
  }
  return l.times(relu6(l, l.plus(x, 3.0f)), 1.0f / 6.0f);
}

int32_t hard_swish(Layer& l, int32_t x) {
  return l.add(Builtin::HARD_SWISH, {x});
}
int32_t hard_tanh(Layer& l, int32_t x) {
  return at_least(l, at_most(l, x, 1), -1);
}

int32_t gelu(Layer& l, int32_t x, bool approximate) {
  schema::GeluOptionsT options;
  options.approximate = approximate;
  return l.add(Builtin::GELU, {x}, options);
}
int32_t gelu(Layer& l, int32_t x) {
  return gelu(l, x, false);
}
int32_t gelu_tanh(Layer& l, int32_t x) {
  return gelu(l, x, true);
}

int32_t leaky_relu(Layer& l, int32_t x, float slope) {
  schema::LeakyReluOptionsT options;
  options.alpha = slope;
  return l.add(Builtin::LEAKY_RELU, {x}, options);
}
int32_t leaky_relu(Layer& l, int32_t x) {
  return leaky_relu(l, x, 0.2f);
}

int32_t softmax(Layer& l, int32_t x) {
  return l.softmax(x, l.rank(x) - 1);
}
// x − max − log Σ e^(x − max)
int32_t log_softmax(Layer& l, int32_t x) {
  if (l.e.registry().find(static_cast<int32_t>(Builtin::LOG_SOFTMAX)) != nullptr)
    return l.add(Builtin::LOG_SOFTMAX, {x}, schema::LogSoftmaxOptionsT());
  const std::vector<int32_t> last = {l.rank(x) - 1};
  const int32_t shifted = l.minus(x, l.reduce(Builtin::REDUCE_MAX, x, last, true));
  const int32_t sum = l.reduce(Builtin::SUM, exponential(l, shifted), last, true);
  return l.minus(shifted, l.add(Builtin::LOG, {sum}));
}
int32_t log_sigmoid(Layer& l, int32_t x) {
  return l.times(softplus(l, l.times(x, -1.0f)), -1.0f);
}
int32_t celu(Layer& l, int32_t x) {
  return elu(l, x, 1);
}
int32_t tanh_shrink(Layer& l, int32_t x) {
  return l.minus(x, tanh(l, x));
}
// (x + √(x² + 4)) / 2
int32_t squareplus(Layer& l, int32_t x) {
  const int32_t root = l.add(Builtin::SQRT, {l.plus(l.times(x, x), 4.0f)});
  return l.times(l.plus(x, root), 0.5f);
}

// x less its clipping to [−1/2, 1/2].
int32_t soft_shrink(Layer& l, int32_t x) {
  return l.minus(x, at_least(l, at_most(l, x, 0.5f), -0.5f));
}
// x where |x| > 1/2, else 0.
int32_t hard_shrink(Layer& l, int32_t x) {
  const int32_t far = l.add_typed(Builtin::GREATER, {absolute(l, x), l.e.scalar(0.5f)},
                                  Type::boolean, schema::GreaterOptionsT());
  return l.times(x, l.cast(far, Type::float32));
}
// x above 0, else 0: Keras's threshold with its defaults.
int32_t threshold(Layer& l, int32_t x) {
  return relu(l, x);
}
// 0 up to −1, x from 1 on, (x + 1)²/4 between.
int32_t sparse_plus(Layer& l, int32_t x) {
  const int32_t middle = l.plus(at_least(l, at_most(l, x, 1), -1), 1.0f);
  const int32_t above = relu(l, l.plus(x, -1.0f));
  return l.plus(l.times(l.times(middle, middle), 0.25f), above);
}
// (x + 1)/2 clipped to [0, 1].
int32_t sparse_sigmoid(Layer& l, int32_t x) {
  return l.times(l.plus(at_least(l, at_most(l, x, 1), -1), 1.0f), 0.5f);
}
// The first half of the last dimension times the logistic of the second.
int32_t glu(Layer& l, int32_t x) {
  const int d = l.rank(x) - 1;
  const int32_t half = l.dim(x, d) / 2;
  l.refuse_if(half * 2 != l.dim(x, d), "expected an even number of channels");
  return l.times(l.slice(x, d, 0, half), sigmoid(l, l.slice(x, d, half, 2 * half)));
}

const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> table = {
      {"linear", identity},
      {"relu", relu},
      {"relu6", relu6},
      {"sigmoid", sigmoid},
      {"tanh", tanh},
      {"exponential", exponential},
      {"swish", swish},
      {"silu", swish},
      {"softplus", softplus},
      {"mish", mish},
      {"softsign", softsign},
      {"elu", elu},
      {"selu", selu},
      {"hard_sigmoid", hard_sigmoid},
      {"hard_swish", hard_swish},
      {"hard_silu", hard_swish},
      {"hard_tanh", hard_tanh},
      {"gelu", gelu},
      {"leaky_relu", leaky_relu},
      {"softmax", softmax},
      {"log_softmax", log_softmax},
      {"log_sigmoid", log_sigmoid},
      {"celu", celu},
      {"tanh_shrink", tanh_shrink},
      {"squareplus", squareplus},
      {"gelu_tanh", gelu_tanh},
      {"gelu_new", gelu_tanh},
      {"soft_shrink", soft_shrink},
      {"hard_shrink", hard_shrink},
      {"threshold", threshold},
      {"sparse_plus", sparse_plus},
      {"sparse_sigmoid", sparse_sigmoid},
      {"glu", glu},
  };
  return table;
}

}  // namespace

bool known_activation(const std::string& name) {
  return functions().count(name) != 0;
}

int32_t activate(Layer& l, int32_t x, const Config& function) {
  if (function.null()) return x;
  if (function.is_text()) {
    const auto found = functions().find(function.text());
    l.refuse_if(found == functions().end(),
                text("activation \"", function.text(), "\" is not supported"));
    return found->second(l, x);
  }
  const Config inner = function.at("config");
  if (inner.is_text()) return activate(l, x, inner);
  if (function.text("class_name", "") == "QuantizeAwareActivation")
    return activate_rounded(l, x, inner);
  Call call;
  call.positional.emplace_back().tensor = x;
  return emit_inner(l, function, "", "activation", call).at(0);
}

Tensors emit_activation(Layer& l) {
  return {activate(l, l.input(), l.config.at("activation"))};
}

// max_value above, negative_slope·(x − threshold) below the threshold.
Tensors emit_relu(Layer& l) {
  const int32_t x = l.input();
  const Config& c = l.config;
  const float slope = static_cast<float>(c.number("negative_slope", 0));
  const float threshold = static_cast<float>(c.number("threshold", 0));
  const bool bounded = c.has("max_value");
  const float bound = static_cast<float>(c.number("max_value", 0));
  if (threshold == 0 && slope == 0 && bounded && bound == 6) return {relu6(l, x)};
  int32_t y = x;
  if (threshold == 0) {
    y = slope == 0 ? relu(l, x) : leaky_relu(l, x, slope);
  } else {
    const int32_t above = l.add_typed(Builtin::GREATER, {x, l.e.scalar(threshold)}, Type::boolean,
                                      schema::GreaterOptionsT());
    y = l.select(above, x, l.times(l.plus(x, -threshold), slope));
  }
  return {bounded ? at_most(l, y, bound) : y};
}

Tensors emit_leaky_relu(Layer& l) {
  const double slope = l.config.number("negative_slope", l.config.number("alpha", 0.3));
  return {leaky_relu(l, l.input(), static_cast<float>(slope))};
}

Tensors emit_prelu(Layer& l) {
  const int32_t x = l.input();
  std::vector<int32_t> dims;
  for (int d = 1; d < l.rank(x); ++d) dims.push_back(l.dim(x, d));
  if (l.config.at("shared_axes").is_list())
    for (int32_t a : l.config.at("shared_axes").integers())
      dims[static_cast<size_t>(l.axis(a, l.rank(x)) - 1)] = 1;
  return {l.add(Builtin::PRELU, {x, l.weight("alpha", dims)})};
}

Tensors emit_elu(Layer& l) {
  return {elu(l, l.input(), static_cast<float>(l.config.number("alpha", 1)))};
}

// The mask says which elements count; those that don't become 0.
Tensors emit_softmax(Layer& l) {
  int32_t x = l.input();
  const int32_t mask = l.inputs.size() > 1 ? l.inputs[1] : l.keyword("mask");
  std::vector<int32_t> axes =
      l.config.has("axis") ? l.config.at("axis").integers() : std::vector<int32_t>{-1};
  for (int32_t& a : axes) a = l.axis(a, l.rank(x));
  if (mask != kAbsent) x = l.select(l.cast(mask, Type::boolean), x, l.e.scalar(-1e9f));
  int32_t y = x;
  if (axes.size() == 1) {
    y = l.softmax(x, axes[0]);
  } else {
    const int32_t power = exponential(l, l.minus(x, l.reduce(Builtin::REDUCE_MAX, x, axes, true)));
    y = l.over(power, l.reduce(Builtin::SUM, power, axes, true));
  }
  return {mask == kAbsent ? y : l.select(l.cast(mask, Type::boolean), y, l.e.scalar(0.0f))};
}

Tensors emit_thresholded_relu(Layer& l) {
  const int32_t x = l.input();
  const float theta = static_cast<float>(l.config.number("theta", 1));
  const int32_t above = l.add_typed(Builtin::GREATER, {x, l.e.scalar(theta)}, Type::boolean,
                                    schema::GreaterOptionsT());
  return {l.times(x, l.cast(above, Type::float32))};
}

}  // namespace cygnet::keras
