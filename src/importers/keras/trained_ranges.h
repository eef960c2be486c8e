// SPDX-License-Identifier: Apache-2.0
// Layers wrapped for quantization-aware training (tensorflow-model-optimization 0.8):
// QuantizeLayer, QuantizeWrapper, QuantizeWrapperV2, QuantizeAnnotate.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "edit/fake_quant.h"
#include "importers/keras/layer.h"

namespace cygnet::keras {

/// The ranges that a wrapper has for its layer's weights ("kernel"), activation ("pre_activation",
/// "post_activation") and result ("output").
class TrainedRanges {
 public:
  /// wrapper: a QuantizeWrapper's layer, which must outlive this.
  explicit TrainedRanges(const Layer& wrapper);

  /// What rounds `name`, a weight or not; nothing where it is not rounded.
  std::optional<FakeQuant> find(const std::string& name, bool weight = false) const;
  /// Rounds a weight of the wrapped layer where it is among the rounded ones; its grid, or null.
  Grid round(const std::string& variable, Array& array) const;
  /// Whether the wrapper's own variables begin with those of the layer.
  bool holds_weights() const { return !weights_.empty(); }

 private:
  std::optional<FakeQuant> limits(const std::string& low, const std::string& high) const;

  const Layer& wrapper_;
  std::vector<std::string> weights_;  ///< names of the rounded ones
  std::vector<std::string> order_;    ///< all ranges, in the order of their variables
  bool known_ = true;                 ///< the settings are those of tensorflow-model-optimization
};

/// x rounded to a range; as it is where there is none.
int32_t add_rounding(Layer& layer, int32_t x, const std::optional<FakeQuant>& range);
/// A QuantizeAwareActivation {"activation": ...} on x, with the ranges of the wrapper around.
int32_t activate_rounded(Layer& layer, int32_t x, const Config& settings);

Tensors emit_quantize_layer(Layer&);
Tensors emit_quantize_wrapper(Layer&);

}  // namespace cygnet::keras
