// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/graph_def.h"

#include <algorithm>
#include <charconv>

#include "edit/failure.h"

namespace cygnet::tensorflow {

namespace {

constexpr int32_t kReferenceOffset = 100;

struct TypeRow {
  DataType type;
  const char* name;
  int64_t bytes;
};

constexpr TypeRow kTypes[] = {
    {DataType::float32, "float32", 4}, {DataType::float64, "float64", 8},
    {DataType::int32, "int32", 4},     {DataType::uint8, "uint8", 1},
    {DataType::int16, "int16", 2},     {DataType::int8, "int8", 1},
    {DataType::string, "string", 0},   {DataType::complex64, "complex64", 8},
    {DataType::int64, "int64", 8},     {DataType::boolean, "bool", 1},
    {DataType::qint8, "qint8", 1},     {DataType::quint8, "quint8", 1},
    {DataType::qint32, "qint32", 4},   {DataType::bfloat16, "bfloat16", 2},
    {DataType::qint16, "qint16", 2},   {DataType::quint16, "quint16", 2},
    {DataType::uint16, "uint16", 2},   {DataType::complex128, "complex128", 16},
    {DataType::float16, "float16", 2}, {DataType::resource, "resource", 0},
    {DataType::variant, "variant", 0}, {DataType::uint32, "uint32", 4},
    {DataType::uint64, "uint64", 8},
};

const TypeRow* find_type(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

/// The attribute's value as T; null when it is absent. Throws when it is of another kind.
template <class T>
const T* value_of(const NodeDef& node, std::string_view attr, const char* kind) {
  const AttrValue* value = node.find(attr);
  if (value == nullptr) return nullptr;
  const T* typed = std::get_if<T>(value);
  if (typed == nullptr) {
    throw Failure(
        text("I2: node '", node.name, "' (", node.op, "): attribute '", attr, "' is not ", kind));
  }
  return typed;
}

template <class T>
const T& required(const NodeDef& node, std::string_view attr, const char* kind) {
  const T* value = value_of<T>(node, attr, kind);
  if (value == nullptr) {
    throw Failure(
        text("I2: node '", node.name, "' (", node.op, "): attribute '", attr, "' is missing"));
  }
  return *value;
}

template <class T>
T optional(const NodeDef& node, std::string_view attr, const char* kind, T fallback) {
  const T* value = value_of<T>(node, attr, kind);
  return value == nullptr ? fallback : *value;
}

constexpr char kString[] = "a string";
constexpr char kInteger[] = "an integer";
constexpr char kReal[] = "a float";
constexpr char kBool[] = "a bool";
constexpr char kType[] = "a type";
constexpr char kShape[] = "a shape";
constexpr char kTensor[] = "a tensor";
constexpr char kFunction[] = "a function";
constexpr char kList[] = "a list";

}  // namespace

DataType base_type(DataType type) {
  const auto number = static_cast<int32_t>(type);
  return number > kReferenceOffset ? static_cast<DataType>(number - kReferenceOffset) : type;
}

int64_t type_bytes(DataType type) {
  const TypeRow* row = find_type(type);
  return row == nullptr ? 0 : row->bytes;
}

std::string type_name(DataType type) {
  const TypeRow* row = find_type(type);
  return row == nullptr ? text("type ", static_cast<int32_t>(type)) : row->name;
}

bool TensorShape::fully_known() const {
  return !unknown_rank && std::all_of(dims.begin(), dims.end(), [](int64_t d) { return d >= 0; });
}

std::string TensorShape::text() const {
  if (unknown_rank) return "?";
  std::string result = "[";
  for (int64_t d : dims) {
    if (result.size() > 1) result += ',';
    result += d < 0 ? "?" : std::to_string(d);
  }
  return result + "]";
}

const AttrValue* NodeDef::find(std::string_view attr) const {
  const auto at = std::lower_bound(attrs.begin(), attrs.end(), attr,
                                   [](const Attr& a, std::string_view n) { return a.name < n; });
  return at != attrs.end() && at->name == attr ? &at->value : nullptr;
}

std::string_view NodeDef::string(std::string_view attr) const {
  return required<std::string_view>(*this, attr, kString);
}
std::string_view NodeDef::string(std::string_view attr, std::string_view fallback) const {
  return optional(*this, attr, kString, fallback);
}
int64_t NodeDef::integer(std::string_view attr) const {
  return required<int64_t>(*this, attr, kInteger);
}
int64_t NodeDef::integer(std::string_view attr, int64_t fallback) const {
  return optional(*this, attr, kInteger, fallback);
}
float NodeDef::real(std::string_view attr) const {
  return required<float>(*this, attr, kReal);
}
float NodeDef::real(std::string_view attr, float fallback) const {
  return optional(*this, attr, kReal, fallback);
}
bool NodeDef::boolean(std::string_view attr) const {
  return required<bool>(*this, attr, kBool);
}
bool NodeDef::boolean(std::string_view attr, bool fallback) const {
  return optional(*this, attr, kBool, fallback);
}
DataType NodeDef::type(std::string_view attr) const {
  return required<DataType>(*this, attr, kType);
}
DataType NodeDef::type(std::string_view attr, DataType fallback) const {
  return optional(*this, attr, kType, fallback);
}
const TensorShape& NodeDef::shape(std::string_view attr) const {
  return required<TensorShape>(*this, attr, kShape);
}
const TensorProto& NodeDef::tensor(std::string_view attr) const {
  return required<TensorProto>(*this, attr, kTensor);
}
const FunctionName& NodeDef::function(std::string_view attr) const {
  return *required<std::shared_ptr<const FunctionName>>(*this, attr, kFunction);
}
const AttrList& NodeDef::list(std::string_view attr) const {
  return *required<std::shared_ptr<const AttrList>>(*this, attr, kList);
}
const AttrList& NodeDef::list_or_empty(std::string_view attr) const {
  static const AttrList empty;
  const auto* value = value_of<std::shared_ptr<const AttrList>>(*this, attr, kList);
  return value == nullptr ? empty : **value;
}

InputName parse_input(std::string_view input) {
  const std::string_view whole = input;
  InputName result;
  if (!input.empty() && input.front() == '^') {
    result.control = true;
    result.node = input.substr(1);
    if (result.node.empty() || result.node.find(':') != std::string_view::npos) {
      throw Failure(text("I2: '", whole, "' is no name of a control input"));
    }
    return result;
  }
  result.node = input.substr(0, input.find(':'));
  input.remove_prefix(result.node.size());
  bool good = !result.node.empty();
  while (good && !input.empty()) {
    input.remove_prefix(1);
    const std::string_view part = input.substr(0, input.find(':'));
    input.remove_prefix(part.size());
    const char* end = part.data() + part.size();
    if (input.empty()) {
      const auto [stop, error] = std::from_chars(part.data(), end, result.index);
      good = error == std::errc() && stop == end && result.index >= 0 && result.index <= INT32_MAX;
    } else {
      good = result.output.empty() && !part.empty();
      result.output = part;
    }
  }
  if (!good) throw Failure(text("I2: '", whole, "' is no name of an input"));
  return result;
}

std::string_view FunctionDef::returned(std::string_view output) const {
  const auto at =
      std::lower_bound(ret.begin(), ret.end(), output,
                       [](const auto& pair, std::string_view n) { return pair.first < n; });
  return at != ret.end() && at->first == output ? at->second : std::string_view();
}

}  // namespace cygnet::tensorflow
