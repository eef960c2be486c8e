// SPDX-License-Identifier: Apache-2.0
// Operators without a counterpart, kept as custom operators.
#include "flatbuffers/flexbuffers.h"
#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

// Strings are copied first: the builder reads one byte behind a string, which must be 0.
template <class List, class Add>
void add_list(flexbuffers::Builder& b, const char* key, const List& list, Add&& add) {
  const size_t start = b.StartVector(key);
  for (const auto& item : list) add(item);
  b.EndVector(start, false, false);
}

void add_list(flexbuffers::Builder& b, const char* key, const AttrList& list) {
  if (!list.strings.empty())
    return add_list(b, key, list.strings, [&](std::string_view s) { b.String(std::string(s)); });
  if (!list.ints.empty()) return add_list(b, key, list.ints, [&](int64_t i) { b.Int(i); });
  if (!list.floats.empty()) return add_list(b, key, list.floats, [&](float f) { b.Float(f); });
  if (!list.bools.empty()) return add_list(b, key, list.bools, [&](bool t) { b.Bool(t); });
  if (!list.types.empty())
    return add_list(b, key, list.types, [&](DataType t) { b.Int(static_cast<int64_t>(t)); });
  if (!list.shapes.empty())
    return add_list(b, key, list.shapes, [&](const TensorShape& s) {
      const size_t start = b.StartVector();
      for (int64_t d : s.dims) b.Int(d);
      b.EndVector(start, false, false);
    });
  add_list(b, key, list.ints, [](int64_t) {});
}

// A map from the attributes' names to their values; types by their number in types.proto, shapes as
// lists with −1 for what is open. Constants and functions are left out.
std::vector<uint8_t> attributes(const NodeDef& node) {
  flexbuffers::Builder b;
  const size_t map = b.StartMap();
  for (const Attr& a : node.attrs) {
    if (a.name.starts_with("_")) continue;  // of TensorFlow's own
    const std::string key(a.name);
    if (const auto* i = std::get_if<int64_t>(&a.value))
      b.Int(key.c_str(), *i);
    else if (const auto* f = std::get_if<float>(&a.value))
      b.Float(key.c_str(), *f);
    else if (const auto* t = std::get_if<bool>(&a.value))
      b.Bool(key.c_str(), *t);
    else if (const auto* s = std::get_if<std::string_view>(&a.value)) {
      b.Key(key);
      b.String(std::string(*s));
    } else if (const auto* d = std::get_if<DataType>(&a.value))
      b.Int(key.c_str(), static_cast<int64_t>(*d));
    else if (const auto* shape = std::get_if<TensorShape>(&a.value))
      add_list(b, key.c_str(), shape->dims, [&](int64_t dim) { b.Int(dim); });
    else if (const auto* list = std::get_if<std::shared_ptr<const AttrList>>(&a.value))
      add_list(b, key.c_str(), **list);
  }
  b.EndMap(map);
  b.Finish();
  return b.GetBuffer();
}

// The type of the results where an attribute says it, else that of the first operand.
Type result_type(Call& c) {
  for (std::string_view name : {"Tout", "out_type", "output_type", "dtype", "T"})
    if (const AttrValue* value = c.node.find(name); value != nullptr)
      if (const auto* type = std::get_if<DataType>(value)) return to_type(*type, c.name());
  return c.inputs() > 0 && c.value(0).kind == Value::Kind::tensor ? c.type(0) : Type::float32;
}

}  // namespace

void to_custom(Call& c) {
  std::vector<int32_t> results;
  for (int k = 0; k < c.taken; ++k)
    results.push_back(c.e.unknown_tensor(result_type(c),
                                         k == 0 ? std::string(c.name()) : text(c.name(), ":", k)));
  c.e.add_custom(c.node.op, c.all(0, c.inputs()), attributes(c.node), results);
  for (int32_t r : results) c.out(r);
}

}  // namespace cygnet::tensorflow
