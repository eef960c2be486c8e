// SPDX-License-Identifier: Apache-2.0
// Isolate: a network cut behind some of its tensors, so that each piece runs on given values.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/interpreter.h"

namespace cygnet {

/// A model in which all that reads one of some tensors reads an input of its own instead, while
/// the tensor is computed as before. What a layer does wrong then shows in its own tensor and in no
/// other.
class IsolatedModel {
 public:
  /// `model` must outlive this. The new inputs follow the model's, in the order of `tensors`, with
  /// the tensors' types and quantization, in any shape of their rank. The scales of tensor `scaled`
  /// are `factor` times the model's. Throws Failure.
  IsolatedModel(const Model& model, const std::vector<int32_t>& tensors, int32_t scaled = kAbsent,
                double factor = 1);

  const Model& model() const { return model_; }
  int first_input() const { return first_input_; }

 private:
  std::span<const int32_t> keep(std::vector<int32_t> list);

  Model model_;
  int first_input_ = 0;
  std::deque<std::vector<int32_t>> lists_;
  std::vector<float> scales_;
};

/// Writes real numbers to a tensor's memory: floats as they are, integers through scale and zero
/// point, nearest (halves away from zero) and clamped; what is not finite becomes the real 0 there.
/// As many as the tensor has elements. Types of is_real only.
void write_real(std::span<const float> values, Tensor* tensor);

}  // namespace cygnet
