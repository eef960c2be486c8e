// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "graph/located.h"
#include "graph/verify_calls.h"

namespace cygnet {
namespace {

// The first of the names that occurs twice, or null. Sorts them.
const std::string_view* find_duplicate(Vector<std::string_view>* names) {
  std::sort(names->begin(), names->end());
  const auto found = std::adjacent_find(names->begin(), names->end());
  return found == names->end() ? nullptr : &*found;
}

class SignatureVerifier {
 public:
  SignatureVerifier(const Graph& graph, Budget* budget) : graph_(graph), budget_(*budget) {}

  Status run() {
    CYGNET_TRY(keys());
    for (const Signature& signature : graph_.signatures) {
      const Subgraph& subgraph = graph_.subgraphs[signature.subgraph];
      Status status = entries("input", signature.inputs, subgraph.inputs);
      if (status.ok()) status = entries("output", signature.outputs, subgraph.outputs);
      if (!status.ok())
        return located(std::move(status), "signature \"%.*s\"", text_length(signature.key),
                       signature.key.data());
    }
    return {};
  }

 private:
  Status keys();
  Status entries(const char* what, const Vector<SignatureTensor>& list,
                 std::span<const int32_t> allowed);

  // Comparing names costs their length; a file may repeat a long one.
  Status take_name(std::string_view name) {
    names_.push_back(name);
    return budget_.spend(static_cast<int64_t>(name.size()) + 1);
  }

  const Graph& graph_;
  Budget& budget_;
  Vector<std::string_view> names_;
  Vector<int32_t> tensors_;
};

Status SignatureVerifier::keys() {
  if (!reserve_or_fail(names_, graph_.signatures.size())) return out_of_memory("signatures", 0);
  for (size_t i = 0; i < graph_.signatures.size(); ++i) {
    const std::string_view key = graph_.signatures[i].key;
    if (key.empty()) return bad_model("C12: signature %zu: expected a key, got none", i);
    CYGNET_TRY(take_name(key));
  }
  const std::string_view* twice = find_duplicate(&names_);
  if (twice == nullptr) return {};
  return bad_model("C12: expected each signature key once, got \"%.*s\" twice", text_length(*twice),
                   twice->data());
}

Status SignatureVerifier::entries(const char* what, const Vector<SignatureTensor>& list,
                                  std::span<const int32_t> allowed) {
  names_.clear();
  tensors_.clear();
  CYGNET_TRY(budget_.spend(static_cast<int64_t>(allowed.size())));
  if (!reserve_or_fail(names_, list.size()) || !reserve_or_fail(tensors_, allowed.size()))
    return out_of_memory("signatures", list.size());
  tensors_.assign(allowed.begin(), allowed.end());
  std::sort(tensors_.begin(), tensors_.end());
  for (size_t i = 0; i < list.size(); ++i) {
    const SignatureTensor& entry = list[i];
    if (entry.name.empty()) return bad_model("C12: %s %zu: expected a name, got none", what, i);
    CYGNET_TRY(take_name(entry.name));
    if (!std::binary_search(tensors_.begin(), tensors_.end(), entry.tensor))
      return bad_model(
          "C12: %s \"%.*s\": expected a tensor that is an %s of the subgraph, got tensor %d", what,
          text_length(entry.name), entry.name.data(), what, entry.tensor);
  }
  const std::string_view* twice = find_duplicate(&names_);
  if (twice == nullptr) return {};
  return bad_model("C12: expected each %s name once, got \"%.*s\" twice", what, text_length(*twice),
                   twice->data());
}

}  // namespace

Status verify_signatures(const Graph& graph, Budget* budget) {
  return SignatureVerifier(graph, budget).run();
}

}  // namespace cygnet
