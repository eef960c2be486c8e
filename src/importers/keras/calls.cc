// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/calls.h"

namespace cygnet::keras {
namespace {

// ["layer", node, tensor, ...]
bool is_reference(const Config& value) {
  return value.is_list() && value.size() >= 3 && value.at(size_t{0}).is_text() &&
         value.at(size_t{1}).is_number();
}

Reference reference(const Config& value) {
  return {value.at(size_t{0}).text(), value.at(size_t{1}).integer(), value.at(size_t{2}).integer()};
}

Argument tensor_argument(int32_t tensor) {
  Argument result;
  result.tensor = tensor;
  return result;
}

Argument literal_argument(const Config& value) {
  Argument result;
  result.literal = value;
  return result;
}

// An argument as Keras 3 stores it.
Argument argument_v3(const Config& value, const Resolve& resolve) {
  Argument result;
  const std::string kind = value.at("class_name").is_text() ? value.at("class_name").text() : "";
  if (kind == "__keras_tensor__")
    return tensor_argument(resolve(reference(value.at("config").at("keras_history"))));
  const Config items = kind == "__tuple__" ? value.at("items") : value;
  if (!items.is_list()) return literal_argument(value);
  result.is_list = true;
  result.literal = value;
  for (size_t i = 0; i < items.size(); ++i)
    result.list.push_back(argument_v3(items.at(i), resolve));
  return result;
}

// As argument_v3, for Keras 2: ["layer", node, tensor, {keywords}], lists of these, or
// ["_CONSTANT_VALUE", -1, value].
Argument argument_v2(const Config& value, const Resolve& resolve,
                     std::map<std::string, Argument>* keywords) {
  if (is_reference(value)) {
    if (keywords != nullptr && value.size() > 3)
      for (const std::string& key : value.at(size_t{3}).keys())
        (*keywords)[key] = argument_v2(value.at(size_t{3}).at(key.c_str()), resolve, nullptr);
    if (value.at(size_t{0}).text() == "_CONSTANT_VALUE")
      return literal_argument(value.at(size_t{2}));
    return tensor_argument(resolve(reference(value)));
  }
  if (!value.is_list()) return literal_argument(value);
  Argument result;
  result.is_list = true;
  result.literal = value;
  for (size_t i = 0; i < value.size(); ++i)
    result.list.push_back(argument_v2(value.at(i), resolve, keywords));
  return result;
}

}  // namespace

Call call_of(const Config& node, const Resolve& resolve) {
  Call call;
  if (node.is_object()) {
    const Config args = node.at("args"), kwargs = node.at("kwargs");
    for (size_t i = 0; i < args.size(); ++i)
      call.positional.push_back(argument_v3(args.at(i), resolve));
    for (const std::string& key : kwargs.keys())
      call.keywords[key] = argument_v3(kwargs.at(key.c_str()), resolve);
    return call;
  }
  call.positional.push_back(argument_v2(node, resolve, &call.keywords));
  return call;
}

void list_references(const Config& value, const std::string& key,
                     std::vector<std::pair<std::string, Reference>>& result) {
  if (is_reference(value)) {
    const Reference r = reference(value);
    result.emplace_back(key.empty() ? r.layer : key, r);
  } else if (value.is_list()) {
    for (size_t i = 0; i < value.size(); ++i) list_references(value.at(i), "", result);
  } else {
    for (const std::string& k : value.keys()) list_references(value.at(k.c_str()), k, result);
  }
}

}  // namespace cygnet::keras
