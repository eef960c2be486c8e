// SPDX-License-Identifier: Apache-2.0
// The only unit that includes nlohmann's header, which takes seconds to compile.
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/files.h"
#include "cli/output.h"

namespace cygnet::cli {
namespace {

using Tree = nlohmann::ordered_json;

Tree to_tree(const Json& json) {
  if (const auto* list = std::get_if<Json::List>(&json.value)) {
    Tree tree = Tree::array();
    for (const Json& item : *list) tree.push_back(to_tree(item));
    return tree;
  }
  if (const auto* object = std::get_if<Json::Object>(&json.value)) {
    Tree tree = Tree::object();
    for (const auto& [key, item] : *object) tree[key] = to_tree(item);
    return tree;
  }
  if (const auto* b = std::get_if<bool>(&json.value)) return *b;
  if (const auto* i = std::get_if<int64_t>(&json.value)) return *i;
  if (const auto* d = std::get_if<double>(&json.value)) return *d;
  if (const auto* s = std::get_if<std::string>(&json.value)) return *s;
  return nullptr;
}

}  // namespace

void print_json(const Json& value) {
  std::cout << to_tree(value).dump(2, ' ', false, Tree::error_handler_t::replace) << '\n';
}

void write_json(const std::string& path, const Json& value) {
  const std::string text =
      to_tree(value).dump(2, ' ', false, Tree::error_handler_t::replace) + "\n";
  write_file(path, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

}  // namespace cygnet::cli
