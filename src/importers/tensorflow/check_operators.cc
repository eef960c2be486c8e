// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/check_operators.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "importers/tensorflow/call.h"
#include "importers/tensorflow/constant.h"

namespace cygnet::tensorflow {
namespace {

bool is_placeholder(std::string_view op) {
  return op == "Placeholder" || op == "PlaceholderWithDefault" || op == "PlaceholderV2";
}

// Where an operator stands: layer (the name's path) and function, empty in the graph itself.
struct Site {
  std::string_view layer, function;
  auto operator<=>(const Site&) const = default;
};
using Sites = std::map<std::string_view, std::map<Site, std::vector<std::string_view>>>;

struct Found {
  Sites unsupported;
  bool half = false;
};

class Search {
 public:
  explicit Search(const Source& source) : source_(source) {
    for (const NodeDef& n : source.graph.nodes) nodes_[n.name] = &n;
    for (const FunctionDef& f : source.graph.functions) functions_[f.name] = &f;
  }

  Found run() {
    for (const Port& o : source_.outputs) todo_.push_back(parse_input(o.tensor).node);
    while (!todo_.empty()) {
      const std::string_view name = todo_.back();
      todo_.pop_back();
      if (!seen_.insert(name).second) continue;
      const auto at = nodes_.find(name);
      if (at == nodes_.end()) continue;
      look(*at->second, {});
      if (is_placeholder(at->second->op)) continue;
      for (std::string_view input : at->second->inputs)
        if (const InputName in = parse_input(input); !in.control) todo_.push_back(in.node);
    }
    while (!called_.empty()) {
      const FunctionDef* f = called_.back();
      called_.pop_back();
      for (const NodeDef& n : f->nodes) look(n, f->name);
    }
    return std::move(found_);
  }

 private:
  void look(const NodeDef& n, std::string_view function) {
    if (find_op(n.op) == nullptr && !is_placeholder(n.op)) {
      const size_t slash = n.name.rfind('/');
      const std::string_view layer = n.name.substr(0, slash == std::string_view::npos ? 0 : slash);
      found_.unsupported[n.op][{layer, function}].push_back(n.name);
    }
    for (const Attr& a : n.attrs) {
      if (const auto* type = std::get_if<DataType>(&a.value)) found_.half |= is_half(*type);
      if (const auto* f = std::get_if<std::shared_ptr<const FunctionName>>(&a.value))
        if (const auto at = functions_.find((*f)->name);
            at != functions_.end() && seen_functions_.insert((*f)->name).second)
          called_.push_back(at->second);
    }
  }

  const Source& source_;
  std::unordered_map<std::string_view, const NodeDef*> nodes_;
  std::unordered_map<std::string_view, const FunctionDef*> functions_;
  std::vector<std::string_view> todo_;
  std::set<std::string_view> seen_, seen_functions_;
  std::vector<const FunctionDef*> called_;
  Found found_;
};

// What to do about operators that often stand where they need not.
struct Remedy {
  std::string_view begins;
  std::string_view text;
};
constexpr Remedy kRemedies[] = {
    {"HashTable", "look words up before the network and give it their numbers"},
    {"LookupTable", "look words up before the network and give it their numbers"},
    {"MutableHashTable", "look words up before the network and give it their numbers"},
    {"String", "work on text before the network"},
    {"Decode", "decode files before the network and give it their elements"},
    {"ParseExample", "give the network tensors, not serialized examples"},
    {"Enter", "loops of TensorFlow 1: export with control flow v2"},
    {"Random", "random numbers belong to training: export the network for inference"},
    {"StatelessRandom", "random numbers belong to training: export the network for inference"},
    {"Sparse", "give the network dense tensors"},
};

std::string describe(const Source& source, const Sites& sites) {
  std::string message =
      text(source.path, ": ", sites.size(), sites.size() == 1 ? " operator is" : " operators are",
           " not supported:");
  for (const auto& [op, places] : sites) {
    size_t count = 0;
    for (const auto& [site, names] : places) count += names.size();
    message += text("\n  ", op, ", ", count, count == 1 ? " node" : " nodes");
    for (const Remedy& r : kRemedies)
      if (op.starts_with(r.begins)) {
        message += text(" (", r.text, ")");
        break;
      }
    for (const auto& [site, names] : places) {
      message += "\n    ";
      for (size_t k = 0; k < names.size(); ++k) message += text(k == 0 ? "" : ", ", names[k]);
      if (!site.layer.empty()) message += text(" in layer ", site.layer);
      if (!site.function.empty()) message += text(", function ", site.function);
    }
  }
  return message +
         "\nReplace them in the network, choose outputs before these nodes (--outputs), or keep "
         "them as custom operators that you supply (--allow-custom).";
}

}  // namespace

void check_operators(const Source& source, const ImportOptions& options, Draft& draft) {
  const Found found = Search(source).run();
  if (!found.unsupported.empty() && !options.allow_custom)
    throw Failure(describe(source, found.unsupported));
  for (const auto& [op, places] : found.unsupported)
    draft.warnings.push_back(text(source.path, ": ", op,
                                  " is kept as a custom operator: whoever "
                                  "runs the model must supply it"));
  if (found.half)
    draft.warnings.push_back(text(
        source.path, ": float16 and bfloat16 are computed in float32, inputs and outputs too"));
}

}  // namespace cygnet::tensorflow
