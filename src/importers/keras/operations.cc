// SPDX-License-Identifier: Apache-2.0
// Operations that a Functional graph holds between its layers: arithmetic on its tensors.
#include <algorithm>
#include <numeric>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

// Argument i, by position or by one of its names.
const Argument& argument(const Layer& l, size_t i, const char* name, const char* other = "") {
  if (i < l.call.positional.size()) return l.call.positional[i];
  for (const char* key : {name, other}) {
    const auto found = l.call.keywords.find(key);
    if (found != l.call.keywords.end()) return found->second;
  }
  l.fail(text("argument \"", name, "\" is missing"));
}

// A setting: of the operation, by keyword or by position.
Config setting(const Layer& l, const char* key, size_t position) {
  if (l.config.has(key)) return l.config.at(key);
  const auto found = l.call.keywords.find(key);
  if (found != l.call.keywords.end()) return found->second.literal;
  return position < l.call.positional.size() ? l.call.positional[position].literal : Config();
}

void numbers(const Config& value, std::vector<float>& result) {
  if (value.is_number()) result.push_back(static_cast<float>(value.number()));
  for (size_t i = 0; value.is_list() && i < value.size(); ++i) numbers(value.at(i), result);
}

// A tensor, or a number as a constant of the given type.
int32_t operand(Layer& l, const Argument& a, Type type) {
  if (a.is_tensor()) return a.tensor;
  std::vector<float> list;
  numbers(a.literal, list);
  l.refuse_if(list.empty(), text("operand ", a.literal.brief(), " is not supported"));
  for (size_t i = 0; a.is_list && i < a.literal.size(); ++i)
    l.refuse_if(!a.literal.at(i).is_number(), "constants of several dimensions are not supported");
  Shape shape;
  if (a.is_list) shape.push(static_cast<int32_t>(list.size()));
  if (type != Type::int32) return l.e.constant<float>(shape, list);
  return l.e.constant<int32_t>(shape, std::vector<int32_t>(list.begin(), list.end()));
}

template <Builtin op, class Options>
Tensors binary(Layer& l) {
  const Argument& a = argument(l, 0, "x1", "x");
  const Argument& b = argument(l, 1, "x2", "y");
  const Type type = l.e.type(l.input());
  return {l.add(op, {operand(l, a, type), operand(l, b, type)}, Options())};
}

template <Builtin op, class Options>
Tensors comparison(Layer& l) {
  const Type type = l.e.type(l.input());
  const int32_t a = operand(l, argument(l, 0, "x1", "x"), type);
  const int32_t b = operand(l, argument(l, 1, "x2", "y"), type);
  return {l.add_typed(op, {a, b}, Type::boolean, Options())};
}

template <Builtin op, class Options = NoOptions>
Tensors unary(Layer& l) {
  return {l.add(op, {l.input()}, Options())};
}

Tensors square(Layer& l) { return {l.times(l.input(), l.input())}; }
Tensors negative(Layer& l) { return {l.times(l.input(), -1.0f)}; }
Tensors reciprocal(Layer& l) { return {l.over(l.e.scalar(1.0f), l.input())}; }

template <Builtin op>
Tensors reduction(Layer& l) {
  const int32_t x = l.input();
  const Config axis = setting(l, "axis", 1);
  std::vector<int32_t> axes;
  if (axis.null()) {
    axes.resize(static_cast<size_t>(l.rank(x)));
    std::iota(axes.begin(), axes.end(), 0);
  } else {
    for (int32_t a : axis.integers()) axes.push_back(l.axis(a, l.rank(x)));
  }
  const Config keep = setting(l, "keepdims", 2);
  return {l.reduce(op, x, axes, keep.null() ? false : keep.flag())};
}

Tensors concatenate(Layer& l) {
  const Config axis = setting(l, "axis", 1);
  return {l.concatenate(l.inputs, l.axis(axis.null() ? 0 : axis.integer(), l.rank(l.input())))};
}

Tensors stack(Layer& l) {
  const Config axis = setting(l, "axis", 1);
  schema::PackOptionsT options;
  options.values_count = static_cast<int32_t>(l.inputs.size());
  options.axis = l.axis(axis.null() ? 0 : axis.integer(), l.rank(l.input()) + 1);
  return {l.add(Builtin::PACK, l.inputs, options)};
}

Tensors reshape(Layer& l) {
  std::vector<int32_t> dims = setting(l, l.config.has("newshape") ? "newshape" : "shape", 1).integers();
  const auto open = std::count(dims.begin(), dims.end(), -1);
  l.refuse_if(open > 1 || dims.size() > static_cast<size_t>(kMaxRank), "the shape is not supported");
  return {l.reshape(l.input(), dims)};
}

Tensors transpose(Layer& l) {
  const int32_t x = l.input();
  const Config axes = setting(l, l.config.has("axes") ? "axes" : "perm", 1);
  std::vector<int32_t> order;
  if (axes.null())
    for (int d = l.rank(x); d-- > 0;) order.push_back(d);
  else
    for (int32_t a : axes.integers()) order.push_back(l.axis(a, l.rank(x)));
  return {l.transpose(x, order)};
}

Tensors expand_dims(Layer& l) {
  std::vector<int32_t> dims = l.dims_of(l.input());
  l.refuse_if(dims.size() >= static_cast<size_t>(kMaxRank), "too many dimensions");
  const Config at = setting(l, "axis", 1);
  const int axis = l.axis(at.is_list() ? at.at(size_t{0}).integer() : at.integer(), l.rank(l.input()) + 1);
  dims.insert(dims.begin() + axis, 1);
  return {l.reshape(l.input(), dims)};
}

Tensors squeeze(Layer& l) {
  std::vector<int32_t> dims = l.dims_of(l.input());
  const Config at = setting(l, "axis", 1);
  std::vector<bool> gone(dims.size(), false);
  if (at.null())
    for (size_t d = 0; d < dims.size(); ++d) gone[d] = dims[d] == 1;
  else
    for (int32_t a : at.integers()) gone[static_cast<size_t>(l.axis(a, l.rank(l.input())))] = true;
  std::vector<int32_t> left;
  for (size_t d = 0; d < dims.size(); ++d) {
    l.refuse_if(gone[d] && dims[d] != 1, "a dimension that is not 1 can't be removed");
    if (!gone[d]) left.push_back(dims[d]);
  }
  return {l.reshape(l.input(), left)};
}

Tensors matmul(Layer& l) {
  return {l.matmul(l.input(0), l.input(1), false, false)};
}

Tensors softmax_of(Layer& l) {
  const Config axis = setting(l, "axis", 1);
  return {l.softmax(l.input(), l.axis(axis.null() ? -1 : axis.integer(), l.rank(l.input())))};
}

Tensors clip(Layer& l) {
  const bool old = l.call.keywords.count("clip_value_min") != 0;
  const Config low = setting(l, old ? "clip_value_min" : "x_min", 1);
  const Config high = setting(l, old ? "clip_value_max" : "x_max", 2);
  const int32_t up = l.add(Builtin::MAXIMUM, {l.input(), l.e.scalar(static_cast<float>(low.number()))},
                           schema::MaximumMinimumOptionsT());
  return {l.add(Builtin::MINIMUM, {up, l.e.scalar(static_cast<float>(high.number()))},
                schema::MaximumMinimumOptionsT())};
}

Tensors power(Layer& l) {
  const Argument& exponent = argument(l, 1, "x2", "y");
  if (!exponent.is_tensor() && exponent.literal.is_number() && exponent.literal.number() == 2)
    return square(l);
  return binary<Builtin::POW, schema::PowOptionsT>(l);
}

Tensors cast(Layer& l) {
  const std::string type = setting(l, "dtype", 1).text();
  if (type.rfind("float", 0) == 0 || type == "bfloat16") return {l.to_float(l.input())};
  if (type == "int32") return {l.cast(l.input(), Type::int32)};
  if (type == "int64") return {l.cast(l.input(), Type::int64)};
  if (type == "bool") return {l.cast(l.input(), Type::boolean)};
  l.fail(text("type ", type, " is not supported"));
}

Tensors where(Layer& l) {
  const int32_t a = operand(l, argument(l, 1, "x1"), Type::float32);
  const int32_t b = operand(l, argument(l, 2, "x2"), Type::float32);
  const std::string name = l.name + "/select";
  return {l.e.add(Builtin::SELECT_V2, {l.input(), a, b}, schema::SelectV2OptionsT(),
                  Results(name, l.e.type(a)))};
}

Tensors flip(Layer& l) {
  const int32_t axis = l.axis(setting(l, "axis", 1).integer(), l.rank(l.input()));
  return {l.add(Builtin::REVERSE_V2, {l.input(), l.e.list({axis})}, schema::ReverseV2OptionsT())};
}

Tensors pad(Layer& l) {
  const Config widths = setting(l, "pad_width", 1), mode = setting(l, "mode", 2);
  l.refuse_if(!mode.null() && mode.text() != "constant", "only padding with zeros is supported");
  l.refuse_if(!setting(l, "constant_values", 3).null() &&
                  setting(l, "constant_values", 3).number() != 0,
              "only padding with zeros is supported");
  std::vector<int32_t> table;
  for (size_t i = 0; i < widths.size(); ++i)
    for (int32_t v : widths.at(i).integers()) {
      l.refuse_if(v < 0 || v > (1 << 20), "a width is out of range");
      table.push_back(v);
    }
  l.refuse_if(table.size() != 2 * static_cast<size_t>(l.rank(l.input())),
              "expected a pair for each dimension");
  return {l.pad(l.input(), table)};
}

// x[...]: ranges, indices, new dimensions and one ellipsis, for each dimension in turn.
Tensors get_item(Layer& l) {
  const int32_t x = l.input();
  Config key = argument(l, 1, "key", "slice_spec").literal;
  if (key.text("class_name", "") == "__tuple__") key = key.at("items");
  std::vector<Config> parts;
  if (key.is_list())
    for (size_t i = 0; i < key.size(); ++i) parts.push_back(key.at(i));
  else
    parts.push_back(key);
  const auto is = [](const Config& c, const char* kind) {
    return c.is_object() && c.text("class_name", "") == kind;
  };
  size_t used = 0;
  for (const Config& p : parts) used += is(p, "__slice__") || p.is_number() ? 1 : 0;
  const std::vector<int32_t> own = l.dims_of(x);
  l.refuse_if(used > own.size(), "more indices than dimensions");
  std::vector<int32_t> from, to, step, dims;
  int32_t begin_mask = 0, end_mask = 0, taken = 0;
  std::vector<int32_t> shape;  // of the result, −2: the size of the slice
  const auto all = [&] {
    begin_mask |= 1 << from.size();
    end_mask |= 1 << from.size();
    shape.push_back(own[from.size()]);
    from.push_back(0), to.push_back(0), step.push_back(1);
  };
  const auto bound = [&](const Config& c, int32_t& mask) {
    if (c.null()) mask |= 1 << from.size();
    return c.null() ? 0 : c.integer();
  };
  std::vector<std::pair<size_t, size_t>> measured;  // of the result, of the slice
  for (const Config& p : parts) {
    if (p.null()) {
      shape.push_back(1);
    } else if (is(p, "__ellipsis__")) {
      for (size_t n = own.size() - used; n > 0; --n) all();
      used = own.size();
    } else if (p.is_number()) {
      const int32_t i = l.axis(p.integer(), own[from.size()] < 0 ? 1 : own[from.size()]);
      l.refuse_if(own[from.size()] < 0, "one example of the batch can't be picked");
      from.push_back(i), to.push_back(i + 1), step.push_back(1);
      ++taken;
    } else {
      l.refuse_if(!is(p, "__slice__"), text("index ", p.brief(), " is not supported"));
      const Config c = p.at("config");
      const int32_t stride = c.integer("step", 1);
      l.refuse_if(stride < 1, "steps must be positive");
      const bool whole = c.at("start").null() && c.at("stop").null() && stride == 1;
      if (whole) {
        all();
        continue;
      }
      l.refuse_if(own[from.size()] < 0, "a part of the batch can't be picked");
      measured.emplace_back(shape.size(), from.size());
      shape.push_back(0);
      const int32_t begin = bound(c.at("start"), begin_mask);
      const int32_t end = bound(c.at("stop"), end_mask);
      from.push_back(begin), to.push_back(end), step.push_back(stride);
    }
  }
  while (from.size() < own.size()) all();
  l.refuse_if(shape.size() > static_cast<size_t>(kMaxRank), "too many dimensions");
  schema::StridedSliceOptionsT options;
  options.begin_mask = begin_mask;
  options.end_mask = end_mask;
  const int32_t y = l.add(Builtin::STRIDED_SLICE, {x, l.e.list(from), l.e.list(to), l.e.list(step)},
                          options);
  if (taken == 0 && shape.size() == own.size()) return {y};
  for (const auto& [at, d] : measured) shape[at] = l.dim(y, static_cast<int>(d));
  return {l.reshape(y, shape)};
}

// An activation by the operation's class, "Relu" → relu, or the function, "nn.relu".
Tensors activation_class(Layer& l) {
  std::string name = l.config.text("function", "");
  name = name.substr(name.find('.') == std::string::npos ? 0 : name.find('.') + 1);
  for (char c : name.empty() ? l.kind : std::string())
    name += text(c >= 'A' && c <= 'Z' && !name.empty() ? "_" : "",
                 static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
  if (name == "gelu" && setting(l, "approximate", 1).is_flag() && setting(l, "approximate", 1).flag())
    name = "gelu_tanh";
  return {activate(l, l.input(), Config::text_value(name, l.name))};
}

const std::map<std::string, Emit>& operations() {
  using namespace schema;
  static const std::map<std::string, Emit> table = {
      {"Abs", unary<Builtin::ABS, AbsOptionsT>},
      {"Absolute", unary<Builtin::ABS, AbsOptionsT>},
      {"Add", binary<Builtin::ADD, AddOptionsT>},
      {"Cast", cast},
      {"Clip", clip},
      {"Concatenate", concatenate},
      {"Cos", unary<Builtin::COS, CosOptionsT>},
      {"Divide", binary<Builtin::DIV, DivOptionsT>},
      {"Elu", activation_class},
      {"Equal", comparison<Builtin::EQUAL, EqualOptionsT>},
      {"Exp", unary<Builtin::EXP, ExpOptionsT>},
      {"ExpandDims", expand_dims},
      {"Flip", flip},
      {"Floor", unary<Builtin::FLOOR>},
      {"Gelu", activation_class},
      {"GetItem", get_item},
      {"Greater", comparison<Builtin::GREATER, GreaterOptionsT>},
      {"GreaterEqual", comparison<Builtin::GREATER_EQUAL, GreaterEqualOptionsT>},
      {"HardSigmoid", activation_class},
      {"Less", comparison<Builtin::LESS, LessOptionsT>},
      {"LessEqual", comparison<Builtin::LESS_EQUAL, LessEqualOptionsT>},
      {"Log", unary<Builtin::LOG>},
      {"LogSoftmax", activation_class},
      {"Matmul", matmul},
      {"Max", reduction<Builtin::REDUCE_MAX>},
      {"Maximum", binary<Builtin::MAXIMUM, MaximumMinimumOptionsT>},
      {"Mean", reduction<Builtin::MEAN>},
      {"Min", reduction<Builtin::REDUCE_MIN>},
      {"Minimum", binary<Builtin::MINIMUM, MaximumMinimumOptionsT>},
      {"Multiply", binary<Builtin::MUL, MulOptionsT>},
      {"Negative", negative},
      {"NotEqual", comparison<Builtin::NOT_EQUAL, NotEqualOptionsT>},
      {"Pad", pad},
      {"Power", power},
      {"Prod", reduction<Builtin::REDUCE_PROD>},
      {"Reciprocal", reciprocal},
      {"Relu", activation_class},
      {"Relu6", activation_class},
      {"Reshape", reshape},
      {"Rsqrt", unary<Builtin::RSQRT>},
      {"Selu", activation_class},
      {"Sigmoid", activation_class},
      {"Silu", activation_class},
      {"Sin", unary<Builtin::SIN>},
      {"Softmax", softmax_of},
      {"Softplus", activation_class},
      {"Softsign", activation_class},
      {"Sqrt", unary<Builtin::SQRT>},
      {"Square", square},
      {"Squeeze", squeeze},
      {"Stack", stack},
      {"Subtract", binary<Builtin::SUB, SubOptionsT>},
      {"Sum", reduction<Builtin::SUM>},
      {"Swish", activation_class},
      {"Tanh", activation_class},
      {"Transpose", transpose},
      {"TrueDivide", binary<Builtin::DIV, DivOptionsT>},
      {"Where", where},
  };
  return table;
}

}  // namespace

Emit find_operation(const std::string& class_name) {
  const auto found = operations().find(class_name);
  return found == operations().end() ? nullptr : found->second;
}

// Functions of TensorFlow as Keras 2 stores them, by the operation that they equal.
Emit find_function(const std::string& function) {
  static const std::map<std::string, const char*> names = {
      {"__operators__.add", "Add"},    {"abs", "Abs"},
      {"cast", "Cast"},                {"clip_by_value", "Clip"},
      {"concat", "Concatenate"},       {"expand_dims", "ExpandDims"},
      {"linalg.matmul", "Matmul"},     {"math.abs", "Abs"},
      {"math.add", "Add"},             {"math.divide", "Divide"},
      {"math.exp", "Exp"},             {"math.log", "Log"},
      {"math.maximum", "Maximum"},     {"math.minimum", "Minimum"},
      {"math.multiply", "Multiply"},   {"math.negative", "Negative"},
      {"math.pow", "Power"},           {"math.reduce_max", "Max"},
      {"math.reduce_mean", "Mean"},    {"math.reduce_min", "Min"},
      {"math.reduce_sum", "Sum"},      {"math.rsqrt", "Rsqrt"},
      {"math.sigmoid", "Sigmoid"},     {"math.softplus", "Softplus"},
      {"math.sqrt", "Sqrt"},           {"math.square", "Square"},
      {"math.subtract", "Subtract"},   {"math.tanh", "Tanh"},
      {"math.truediv", "TrueDivide"},  {"nn.elu", "Elu"},
      {"nn.gelu", "Gelu"},             {"nn.relu", "Relu"},
      {"nn.relu6", "Relu6"},           {"nn.selu", "Selu"},
      {"nn.sigmoid", "Sigmoid"},       {"nn.silu", "Silu"},
      {"nn.softmax", "Softmax"},       {"nn.tanh", "Tanh"},
      {"reshape", "Reshape"},          {"squeeze", "Squeeze"},
      {"stack", "Stack"},              {"transpose", "Transpose"},
  };
  const auto found = names.find(function);
  return found == names.end() ? nullptr : find_operation(found->second);
}

}  // namespace cygnet::keras
