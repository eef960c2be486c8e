// SPDX-License-Identifier: Apache-2.0
// Accuracy: what a network's classes are worth where the right ones are known.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "quantize/samples.h"

namespace cygnet {

struct Accuracy {
  int64_t samples = 0;             ///< with a known class
  double top1 = 0, top5 = 0;       ///< shares of these samples
  int64_t pictures = 0;            ///< with known classes of pixels
  std::optional<double> mean_iou;  ///< mean over the classes that occur of intersection over union
};

/// The classes that a network's first output names: [.., classes] scores, the largest of which
/// counts, of equal ones the first; [.., 1] shares, class 1 above one half; integers as they are.
struct NamedClasses {
  std::vector<int32_t> classes;  ///< one, or one for each pixel
  std::vector<int32_t> best;     ///< with one class: the five best, best first
};
/// Nothing where the output has no such meaning.
std::optional<NamedClasses> named_classes(const Tensor& output);

/// Counts what one network says of samples. Counts can be added in any order.
class AccuracyCounts {
 public:
  /// Throws Failure when the sample knows the classes of another number of pixels.
  void add(const Sample& sample, const NamedClasses& named);
  void add(const AccuracyCounts& other);
  Accuracy result() const;

 private:
  static constexpr size_t kClasses = 256;
  int64_t samples_ = 0, top1_ = 0, top5_ = 0, pictures_ = 0;
  std::vector<int64_t> both_, right_, named_;  ///< pixels, by class; empty: no picture yet
};

}  // namespace cygnet
