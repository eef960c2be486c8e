// SPDX-License-Identifier: Apache-2.0
// Compare: two networks side by side on the same samples, layer by layer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "format/model.h"
#include "quantize/accuracy.h"
#include "quantize/align.h"
#include "quantize/difference.h"
#include "quantize/layer_times.h"
#include "quantize/samples.h"

namespace cygnet {

/// How far B's values of one tensor lie from A's, over all samples. Elements of which one is NaN or
/// infinite are counted and left out of the rest.
struct LayerDifference {
  AlignedLayer layer;  ///< kinds "input" and "output", nodes −1: of the networks
  Shape shape;         ///< of B's tensor in the last sample
  Type type_a = Type::float32, type_b = Type::float32;
  /// B's values are meant to be so many times A's, for all or by channel (rescaled.h); A's are
  /// multiplied before they are compared. Empty: none.
  std::vector<float> factors;
  int64_t elements = 0;
  int64_t not_finite_a = 0, not_finite_b = 0;
  bool other_shape =
      false;           ///< in some sample the tensors had different shapes: not compared there
  double sqnr_db = 0;  ///< 10·log10(Σa² / Σ(a−b)²); infinite: equal
  /// As sqnr_db, of B's layer when it reads A's values, rounded to its own types: what goes wrong
  /// here and not before. Over the first samples; NaN: not measured.
  double own_sqnr_db = 0;
  double own_largest = 0, own_saturated = 0;  ///< as below, of this layer alone
  /// As sqnr_db, of A's values rounded to the type of B's tensor: the best that type can do.
  double rounding_sqnr_db = 0;
  double largest = 0;    ///< |b − a|
  double mean = 0;       ///< |b − a|
  double bias = 0;       ///< b − a, mean
  double saturated = 0;  ///< share of B's values at an end of their type's range, A's beyond it
  double overlap = 0;    ///< of the two histograms, 1: the same
  double min_a = 0, max_a = 0, min_b = 0, max_b = 0;
  Representable range_a, range_b;  ///< of the tensors' types
  PairHistogram::Bins histogram;
  std::string wrong;  ///< what B's layer does wrong; empty: nothing
  /// Index of the layer with which this one is measured, as they run fused; −1: its own times.
  int timed_with = -1;
  double time_a_us = 0, time_b_us = 0;  ///< least over the runs; 0: not measured
};

struct NetworkComparison {
  std::vector<LayerDifference> layers;   ///< inputs, then in the execution order of A
  std::vector<LayerDifference> outputs;  ///< in the order of A's outputs
  int first_wrong = -1;  ///< index in layers of the first that goes wrong; −1: none
  std::string verdict;   ///< a sentence about it
  size_t samples = 0;
  int only_a = 0, only_b = 0;  ///< layers without a partner
  /// Share of samples (pixels) to which both give the same class; nothing where the first output
  /// names none.
  std::optional<double> agreement;
  Accuracy accuracy_a, accuracy_b;
  double time_a_us = 0, time_b_us = 0;  ///< of a whole run; 0: not measured
  std::vector<SlowLayer> slower;        ///< layers that take longer in B
  double least_db = 0;                  ///< own SQNR that layers of this network must reach
};

struct CompareOptions {
  int threads = 1;    ///< samples run at the same time; threads of a run that is measured
  bool times = true;  ///< measure each layer, both sides in turn
  std::function<void(size_t done)> progress;
};

/// Runs both on all samples, which are inputs of A. Throws Failure: inputs that differ in number,
/// kind or shape, no layer in common, a model that can't run, no sample that can be read.
NetworkComparison compare(const Model& a, const Model& b, const SampleSource& samples,
                          const CompareOptions& options);

}  // namespace cygnet
