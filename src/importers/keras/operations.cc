// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/operations.h"

#include <algorithm>

namespace cygnet::keras {
namespace {

// The numbers of a nested list, row by row; a Failure where its rows are not of one length.
void read_array(const Layer& l, const Config& value, size_t depth, std::vector<int32_t>& dims,
                std::vector<double>& numbers) {
  if (!value.is_list()) {
    l.refuse_if(!value.is_number() && !value.is_flag(),
                text("operand ", value.brief(), " is not supported"));
    l.refuse_if(depth != dims.size(), "an array whose rows differ in length");
    numbers.push_back(value.is_flag() ? (value.flag() ? 1 : 0) : value.number());
    return;
  }
  const int32_t n = static_cast<int32_t>(value.size());
  if (depth == dims.size() && numbers.empty())
    dims.resize(depth + 1, n);
  else
    l.refuse_if(depth >= dims.size() || dims[depth] != n, "an array whose rows differ in length");
  for (size_t i = 0; i < value.size(); ++i) read_array(l, value.at(i), depth + 1, dims, numbers);
}

// {"class_name": "__numpy__" or "__tensor__", "config": {"value": ...}}, or the value itself.
Config array_value(const Config& literal) {
  const std::string kind = literal.text("class_name", "");
  return kind == "__numpy__" || kind == "__tensor__" ? literal.at("config").at("value") : literal;
}

template <class T>
int32_t make_constant(Layer& l, const std::vector<int32_t>& dims,
                      const std::vector<double>& numbers) {
  Shape shape;
  for (int32_t d : dims) shape.push(d);
  const double low = static_cast<double>(std::numeric_limits<T>::lowest());
  std::vector<T> values;
  for (double v : numbers) {
    l.refuse_if(!(v >= low && v <= -low) && std::is_integral_v<T>, "a number is out of range");
    values.push_back(static_cast<T>(v));
  }
  return l.e.constant<T>(shape, values);
}

int rank_of(Type type) {
  switch (type) {
    case Type::boolean:
      return 0;
    case Type::int8:
    case Type::uint8:
    case Type::int16:
      return 1;
    case Type::int32:
      return 2;
    case Type::int64:
      return 3;
    default:
      return 4;
  }
}

}  // namespace

const Argument& argument(const Layer& l, size_t i, std::initializer_list<const char*> names) {
  if (i < l.call.positional.size()) return l.call.positional[i];
  for (const char* key : names) {
    const auto found = l.call.keywords.find(key);
    if (found != l.call.keywords.end()) return found->second;
  }
  l.fail(text("argument \"", *names.begin(), "\" is missing"));
}

Config setting(const Layer& l, std::initializer_list<const char*> keys, size_t position) {
  for (const char* key : keys) {
    if (l.config.has(key)) return l.config.at(key);
    const auto found = l.call.keywords.find(key);
    if (found != l.call.keywords.end()) return found->second.literal;
  }
  return position < l.call.positional.size() ? l.call.positional[position].literal : Config();
}

int axis_setting(const Layer& l, size_t position, int otherwise, int rank) {
  const Config axis = setting(l, {"axis", "dim"}, position);
  return l.axis(axis.null()      ? otherwise
                : axis.is_list() ? axis.at(size_t{0}).integer()
                                 : axis.integer(),
                rank);
}

bool flag_setting(const Layer& l, std::initializer_list<const char*> keys, size_t position) {
  const Config value = setting(l, keys, position);
  return !value.null() && value.flag();
}

bool is_real(const Argument& a) {
  if (a.is_tensor()) return false;
  const std::string type = a.literal.at("config").text("dtype", "");
  if (!type.empty()) return type.find("float") != std::string::npos;
  for (const Argument& part : a.list)
    if (is_real(part)) return true;
  return a.literal.is_fraction();
}

int32_t operand(Layer& l, const Argument& a, Type type) {
  if (a.is_tensor()) return l.cast(a.tensor, type);
  // Files of Keras 2 have the one tensor of a call in a list of its own.
  if (a.list.size() == 1 && a.list[0].is_tensor()) return l.cast(a.list[0].tensor, type);
  std::vector<int32_t> dims;
  std::vector<double> numbers;
  read_array(l, array_value(a.literal), 0, dims, numbers);
  l.refuse_if(numbers.empty() || dims.size() > static_cast<size_t>(kMaxRank),
              text("operand ", a.literal.brief(), " is not supported"));
  if (type == Type::int32) return make_constant<int32_t>(l, dims, numbers);
  if (type == Type::int64) return make_constant<int64_t>(l, dims, numbers);
  const int32_t reals = make_constant<float>(l, dims, numbers);
  return l.cast(reals, type);
}

Type common_type(const Layer& l, std::initializer_list<const Argument*> operands) {
  Type result = Type::boolean;
  bool real = false;
  for (const Argument* a : operands) {
    real = real || is_real(*a);
    const std::vector<int32_t> tensors = tensors_of(*a);
    const Type type = tensors.empty() ? Type::boolean : l.e.type(tensors[0]);
    if (rank_of(type) > rank_of(result)) result = type;
    if (tensors.empty() && a->literal.is_number() && result == Type::boolean) result = Type::int32;
  }
  if (real || rank_of(result) > 3) return Type::float32;
  return rank_of(result) == 1 ? Type::int32 : result;
}

int32_t gather(Layer& l, int32_t x, int32_t indices, int at) {
  schema::GatherOptionsT options;
  options.axis = at;
  return l.add(Builtin::GATHER, {x, indices}, options);
}

Emit find_operation(const std::string& class_name) {
  for (const Operations* table :
       {&arithmetic_operations(), &shape_operations(), &network_operations()}) {
    const auto found = table->find(class_name);
    if (found != table->end()) return found->second;
  }
  return nullptr;
}

// Functions of TensorFlow as Keras 2 stores them, by the operation that they equal.
Emit find_function(const std::string& function) {
  static const std::map<std::string, const char*> names = {
      {"__operators__.add", "Add"},
      {"__operators__.getitem", "GetItem"},
      {"abs", "Abs"},
      {"cast", "Cast"},
      {"clip_by_value", "Clip"},
      {"compat.v1.floor_div", "FloorDivide"},
      {"compat.v1.gather", "Take"},
      {"compat.v1.pad", "Pad"},
      {"compat.v1.shape", "Shape"},
      {"compat.v1.squeeze", "Squeeze"},
      {"compat.v1.transpose", "Transpose"},
      {"concat", "Concatenate"},
      {"expand_dims", "ExpandDims"},
      {"gather", "Take"},
      {"identity", "Identity"},
      {"image.resize", "Resize"},
      {"linalg.matmul", "Matmul"},
      {"math.abs", "Abs"},
      {"math.add", "Add"},
      {"math.argmax", "Argmax"},
      {"math.argmin", "Argmin"},
      {"math.ceil", "Ceil"},
      {"math.cos", "Cos"},
      {"math.cumsum", "Cumsum"},
      {"math.divide", "TrueDivide"},
      {"math.divide_no_nan", "DivideNoNan"},
      {"math.equal", "Equal"},
      {"math.exp", "Exp"},
      {"math.expm1", "Expm1"},
      {"math.floor", "Floor"},
      {"math.floordiv", "FloorDivide"},
      {"math.floormod", "Mod"},
      {"math.greater", "Greater"},
      {"math.greater_equal", "GreaterEqual"},
      {"math.l2_normalize", "Normalize"},
      {"math.less", "Less"},
      {"math.less_equal", "LessEqual"},
      {"math.log", "Log"},
      {"math.log1p", "Log1p"},
      {"math.logical_and", "LogicalAnd"},
      {"math.logical_not", "LogicalNot"},
      {"math.logical_or", "LogicalOr"},
      {"math.maximum", "Maximum"},
      {"math.minimum", "Minimum"},
      {"math.multiply", "Multiply"},
      {"math.negative", "Negative"},
      {"math.not_equal", "NotEqual"},
      {"math.pow", "Power"},
      {"math.reciprocal", "Reciprocal"},
      {"math.reduce_all", "All"},
      {"math.reduce_any", "Any"},
      {"math.reduce_logsumexp", "Logsumexp"},
      {"math.reduce_max", "Max"},
      {"math.reduce_mean", "Mean"},
      {"math.reduce_min", "Min"},
      {"math.reduce_prod", "Prod"},
      {"math.reduce_std", "Std"},
      {"math.reduce_sum", "Sum"},
      {"math.reduce_variance", "Var"},
      {"math.rsqrt", "Rsqrt"},
      {"math.sigmoid", "Sigmoid"},
      {"math.sign", "Sign"},
      {"math.sin", "Sin"},
      {"math.softplus", "Softplus"},
      {"math.sqrt", "Sqrt"},
      {"math.square", "Square"},
      {"math.subtract", "Subtract"},
      {"math.tanh", "Tanh"},
      {"math.truediv", "TrueDivide"},
      {"nn.elu", "Elu"},
      {"nn.gelu", "Gelu"},
      {"nn.l2_normalize", "Normalize"},
      {"nn.leaky_relu", "LeakyRelu"},
      {"nn.log_softmax", "LogSoftmax"},
      {"nn.relu", "Relu"},
      {"nn.relu6", "Relu6"},
      {"nn.selu", "Selu"},
      {"nn.sigmoid", "Sigmoid"},
      {"nn.silu", "Silu"},
      {"nn.softmax", "Softmax"},
      {"nn.softplus", "Softplus"},
      {"nn.softsign", "Softsign"},
      {"nn.swish", "Silu"},
      {"nn.tanh", "Tanh"},
      {"ones_like", "OnesLike"},
      {"pad", "Pad"},
      {"repeat", "Repeat"},
      {"reshape", "Reshape"},
      {"reverse", "Flip"},
      {"roll", "Roll"},
      {"split", "Split"},
      {"squeeze", "Squeeze"},
      {"stack", "Stack"},
      {"stop_gradient", "StopGradient"},
      {"tile", "Tile"},
      {"transpose", "Transpose"},
      {"unstack", "Unstack"},
      {"where", "Where"},
      {"zeros_like", "ZerosLike"},
  };
  const auto found = names.find(function);
  return found == names.end() ? nullptr : find_operation(found->second);
}

}  // namespace cygnet::keras
