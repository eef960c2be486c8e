// SPDX-License-Identifier: Apache-2.0
// Compare: two networks side by side on the same samples, layer by layer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "format/model.h"
#include "quantize/samples.h"

namespace cygnet {

/// A layer of A and the layer of B that computes the same tensor. Nodes and tensors are indices in
/// the main subgraphs.
struct AlignedLayer {
  int32_t node_a = -1, node_b = -1;
  int32_t tensor_a = -1, tensor_b = -1;
  std::string name;            ///< of A's tensor
  std::string kind_a, kind_b;  ///< operators
};

/// The tensors that both networks have, in the execution order of A: by name, by the names that
/// fusing joins ("a;b"), and between tensors found so by the same shape in the same order.
std::vector<AlignedLayer> align(const Graph& a, const Graph& b);

/// How far B's values of one tensor lie from A's.
struct LayerDifference {
  AlignedLayer layer;
  int64_t elements = 0;  ///< compared, over all samples
  double sqnr_db = 0;    ///< 10·log10(Σa² / Σ(a−b)²); infinite: equal
  double largest = 0;    ///< |a − b|
  double mean = 0;       ///< |a − b|
  double bias = 0;       ///< b − a, mean
  double saturated = 0;  ///< share of B's integers at an end of their range; 0 for floats
  double overlap = 0;    ///< of the two histograms, 1: the same
  double min_a = 0, max_a = 0, min_b = 0, max_b = 0;
  double scale_b = 0;  ///< of B's tensor; 0: not quantized or per channel
  std::vector<int64_t> histogram_a, histogram_b;  ///< over the common range
  double time_a_us = 0, time_b_us = 0;            ///< least over the runs; 0: not measured
};

/// Accuracy where samples have labels.
struct Accuracy {
  int64_t samples = 0;
  double top1 = 0, top5 = 0;  ///< shares
  double agreement = 0;       ///< share of samples (pixels) in which A and B name the same class
  std::optional<double> mean_iou;  ///< segmentation
};

struct NetworkComparison {
  std::vector<LayerDifference> layers;
  std::vector<LayerDifference> outputs;
  int first_wrong = -1;  ///< index into layers of the first that goes wrong; −1: none
  std::string verdict;   ///< one sentence about it
  size_t samples = 0;
  Accuracy accuracy_a, accuracy_b;      ///< samples 0: no labels
  double time_a_us = 0, time_b_us = 0;  ///< of a whole run
};

struct CompareOptions {
  int threads = 1;
  bool times = true;  ///< measure each layer, both sides in turn
  std::function<void(size_t done)> progress;
};

/// Runs both on all samples. Throws Failure.
NetworkComparison compare(const Model& a, const Model& b, const SampleSource& samples,
                          const CompareOptions& options);

}  // namespace cygnet
