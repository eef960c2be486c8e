// SPDX-License-Identifier: Apache-2.0
#include "quantize/mixed.h"

#include <algorithm>
#include <cmath>

namespace cygnet {
namespace {

class Search {
 public:
  Search(const Draft& draft, const OpRegistry& registry, const TensorFindings& findings,
         const IntegerOptions& options, const OutputReference& reference, const MixedOptions& mixed)
      : draft_(draft),
        registry_(registry),
        findings_(findings),
        options_(options),
        reference_(reference),
        mixed_(mixed) {}

  std::vector<Sensitivity> run() {
    if (good({})) return {};
    find_layers();
    measure_layers();
    const size_t enough = fewest_of_order();
    for (size_t i = 0; i < enough; ++i) layers_[i].stays_float = true;
    for (size_t i = enough; i-- > 0;) {
      layers_[i].stays_float = false;
      if (!good(kept())) layers_[i].stays_float = true;
    }
    return std::move(layers_);
  }

 private:
  OutputError error_without(const std::set<std::string>& names) const {
    IntegerOptions options = options_;
    options.excluded.insert(names.begin(), names.end());
    Draft trial = draft_.borrow();
    make_integer(trial, registry_, findings_, options);
    return reference_.error_of(trial.graph);
  }
  bool good(const std::set<std::string>& names) const {
    return drop(error_without(names), reference_.accuracy()) <= mixed_.max_drop;
  }

  std::set<std::string> kept() const {
    std::set<std::string> names;
    for (const Sensitivity& s : layers_)
      if (s.stays_float) names.insert(s.name);
    return names;
  }

  // Layers that compute: what only moves values follows its neighbours.
  void find_layers() {
    Draft copy = draft_.borrow();
    const Patch patch(copy, registry_, 0);
    const IntegerTypes types = choose_types(patch, findings_, options_);
    for (int32_t n : types.nodes) {
      const Node& node = patch.node(n);
      if (find_scheme(static_cast<Builtin>(node.builtin))->rule == ScaleRule::same) continue;
      layers_.push_back(
          {std::string(node.name), std::string(patch.tensor(node.outputs[0]).name), 0, false});
    }
  }

  void measure_layers() {
    std::set<std::string> all;
    for (const Sensitivity& s : layers_) all.insert(s.name);
    for (size_t i = 0; i < layers_.size(); ++i) {
      std::set<std::string> others = all;
      others.erase(layers_[i].name);
      layers_[i].sqnr_db = error_without(others).sqnr_db;
      if (mixed_.progress) mixed_.progress(i + 1, layers_.size());
    }
    std::stable_sort(
        layers_.begin(), layers_.end(),
        [](const Sensitivity& a, const Sensitivity& b) { return a.sqnr_db < b.sqnr_db; });
  }

  // How many of the most sensitive layers are enough, by bisection.
  size_t fewest_of_order() const {
    size_t bad = 0, enough = layers_.size();
    while (enough - bad > 1) {
      const size_t middle = (bad + enough) / 2;
      std::set<std::string> names;
      for (size_t i = 0; i < middle; ++i) names.insert(layers_[i].name);
      (good(names) ? enough : bad) = middle;
    }
    return enough;
  }

  const Draft& draft_;
  const OpRegistry& registry_;
  const TensorFindings& findings_;
  const IntegerOptions& options_;
  const OutputReference& reference_;
  const MixedOptions& mixed_;
  std::vector<Sensitivity> layers_;
};

}  // namespace

double drop(const OutputError& error, double float_accuracy) {
  if (float_accuracy >= 0 && error.accuracy >= 0) return float_accuracy - error.accuracy;
  if (error.classes > 1) return 1 - error.agreement;
  return std::isinf(error.sqnr_db) ? 0.0 : std::pow(10.0, -error.sqnr_db / 20);
}

std::vector<Sensitivity> keep_accuracy(const Draft& draft, const OpRegistry& registry,
                                       const TensorFindings& findings,
                                       const IntegerOptions& options,
                                       const OutputReference& reference,
                                       const MixedOptions& mixed) {
  return Search(draft, registry, findings, options, reference, mixed).run();
}

}  // namespace cygnet
