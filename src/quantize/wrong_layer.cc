// SPDX-License-Identifier: Apache-2.0
#include "quantize/wrong_layer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "edit/failure.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using schema::BuiltinOperator;

constexpr double kDeviations = 6, kLeastDeviationDb = 1.5;
/// An operator may lose this much of what the rounding of its operands and of its result leave.
constexpr double kOperandsDb = 10, kResultDb = 6;
/// Where values are cut off, samples may differ from those of calibration.
constexpr double kSaturatedDb = 18;
/// Values that fill less of the range than this are rounded too coarsely.
constexpr double kFilledShare = 1.0 / 6;
/// Where the range is too large as well, a layer may be worse than usual by this much.
constexpr double kCoarseDb = 12;
constexpr double kSteps = 1.6;
/// Scales that differ by a larger share do not fit, and so many misfits are looked into.
constexpr double kMisfit = 0.01;
constexpr size_t kMostMisfits = 4;
constexpr size_t kFewLayers = 5;
constexpr double kUsualDb = 20;  ///< where layers are too few to tell

std::string decibels(double db) {
  if (std::isinf(db)) return db > 0 ? "infinite" : "minus infinite";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f dB", db);
  return buffer;
}

std::string significant(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3g", value);
  return buffer;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The first of joined names.
std::string first_name(const std::string& name) {
  const size_t end = name.find(';');
  return end == std::string::npos ? name : name.substr(0, end) + ";…";
}

/// The scale that the format prescribes for the operator's result; 0: none.
double prescribed_scale(const std::string& kind, Type type) {
  if (type != Type::int8 && type != Type::uint8 && type != Type::int16) return 0;
  const bool wide = type == Type::int16;
  if (kind == "SOFTMAX" || kind == "LOGISTIC") return wide ? 1.0 / 32768 : 1.0 / 256;
  if (kind == "TANH" || kind == "L2_NORMALIZATION") return wide ? 1.0 / 32768 : 1.0 / 128;
  if (kind == "LOG_SOFTMAX") return 16.0 / 256;
  return 0;
}

/// Whether all operands of a layer's nodes are floats, or integers that stand for themselves.
std::vector<char> float_layers(const Subgraph& graph, const std::vector<int>& layer_of_node,
                               size_t layers) {
  std::vector<char> floats(layers, 1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (layer_of_node[n] < 0) continue;
    for (const std::span<const int32_t> list : {graph.nodes[n].inputs, graph.nodes[n].outputs})
      for (const int32_t i : list) {
        if (i == kAbsent) continue;
        const GraphTensor& t = graph.tensors[static_cast<size_t>(i)];
        if (t.quantization.count > 0 || t.type == Type::float16 || t.type == Type::int8)
          floats[static_cast<size_t>(layer_of_node[n])] = 0;
      }
  }
  return floats;
}

/// A layer whose bias has another scale than its operand and weights have together.
struct BiasMisfit {
  size_t node = 0;
  int32_t operand = 0, weights = 0;
  double factor = 0;  ///< of the bias's scale to theirs; 0: differs by channel
};

int bias_place(const Node& node) {
  switch (static_cast<BuiltinOperator>(node.builtin)) {
    case BuiltinOperator::CONV_2D:
    case BuiltinOperator::DEPTHWISE_CONV_2D:
    case BuiltinOperator::FULLY_CONNECTED:
      return 2;
    default:
      return -1;
  }
}

std::vector<BiasMisfit> bias_misfits(const Subgraph& graph) {
  std::vector<BiasMisfit> misfits;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const int place = bias_place(node);
    if (place < 0 || std::ssize(node.inputs) <= place || node.inputs[size_t(place)] == kAbsent)
      continue;
    const auto quantization = [&](int i) -> const Quantization& {
      return graph.tensors[static_cast<size_t>(node.inputs[static_cast<size_t>(i)])].quantization;
    };
    const Quantization &x = quantization(0), &w = quantization(1), &bias = quantization(place);
    if (x.count != 1 || w.count == 0 || bias.count == 0) continue;
    double least = std::numeric_limits<double>::infinity(), most = 0;
    for (int c = 0; c < std::max(w.count, bias.count); ++c) {
      const double factor = bias.scale(c) / (double{x.scale()} * w.scale(c));
      least = std::min(least, factor);
      most = std::max(most, factor);
    }
    if (least > 1 - kMisfit && most < 1 + kMisfit) continue;
    misfits.push_back({n, node.inputs[0], node.inputs[1], most < least * (1 + kMisfit) ? most : 0});
  }
  return misfits;
}

class Judge {
 public:
  Judge(const Graph& a, const Graph& b, const Retry& retry, NetworkComparison& comparison)
      : b_(b.subgraphs[0]), retry_(retry), comparison_(comparison), layers_(comparison.layers) {
    std::vector<int32_t> of_a, of_b;
    layer_of_tensor_.resize(b_.tensors.size(), -1);
    for (size_t i = 0; i < layers_.size(); ++i) {
      of_a.push_back(layers_[i].layer.tensor_a);
      of_b.push_back(layers_[i].layer.tensor_b);
      layer_of_tensor_[static_cast<size_t>(of_b.back())] = static_cast<int>(i);
    }
    const std::vector<int> in_a = layers_of_nodes(a.subgraphs[0], of_a);
    layer_of_node_ = layers_of_nodes(b_, of_b);
    floats_ = float_layers(a.subgraphs[0], in_a, layers_.size());
    const std::vector<char> more = float_layers(b_, layer_of_node_, layers_.size());
    for (size_t i = 0; i < floats_.size(); ++i) floats_[i] &= more[i];
    find_operands();
    find_scales();
    find_usual();
  }

  void run() {
    for (size_t i = 0; i < layers_.size(); ++i) layers_[i].wrong = fault(i);
    std::vector<BiasMisfit> misfits = bias_misfits(b_);
    misfits.resize(std::min(misfits.size(), kMostMisfits));
    for (const BiasMisfit& misfit : misfits) judge_misfit(misfit);
    for (size_t i = 0; i < layers_.size() && comparison_.first_wrong < 0; ++i)
      if (!layers_[i].wrong.empty()) comparison_.first_wrong = static_cast<int>(i);
    comparison_.verdict = verdict();
    comparison_.least_db = least_db_;
  }

 private:
  /// The best SQNR that the rounding of a layer's operands leaves.
  void find_operands() {
    operand_db_.resize(layers_.size(), std::numeric_limits<double>::infinity());
    for (size_t n = 0; n < b_.nodes.size(); ++n) {
      if (layer_of_node_[n] < 0) continue;
      double& db = operand_db_[static_cast<size_t>(layer_of_node_[n])];
      for (const int32_t i : b_.nodes[n].inputs) {
        const int from = i == kAbsent ? -1 : layer_of_tensor_[static_cast<size_t>(i)];
        if (from < 0) continue;
        // Factors are measured, not known.
        if (!layers_[static_cast<size_t>(from)].factors.empty())
          floats_[static_cast<size_t>(from)] = floats_[static_cast<size_t>(layer_of_node_[n])] = 0;
        const double rounded = layers_[static_cast<size_t>(from)].rounding_sqnr_db;
        if (!std::isnan(rounded)) db = std::min(db, rounded);
      }
    }
  }

  /// Marks tensors whose scale is theirs only because a neighbour has it, or by prescription.
  void find_scales() {
    const size_t count = b_.tensors.size();
    std::vector<size_t> group(count);
    for (size_t i = 0; i < count; ++i) group[i] = i;
    const auto find = [&](size_t i) {
      while (group[i] != i) i = group[i] = group[group[i]];
      return i;
    };
    for (const Node& node : b_.nodes)
      for (const int32_t x : node.inputs)
        for (const int32_t y : node.outputs)
          if (x != kAbsent && y != kAbsent && same_scale(x, y))
            group[find(static_cast<size_t>(x))] = find(static_cast<size_t>(y));
    std::vector<char> used(count, 0);
    for (const LayerDifference& d : layers_) {
      const double prescribed = prescribed_scale(d.layer.kind_b, d.type_b);
      const bool given = prescribed > 0 && std::fabs(d.range_b.scale / prescribed - 1) < 1e-3;
      if (given || filled(d) >= kFilledShare) used[find(static_cast<size_t>(d.layer.tensor_b))] = 1;
    }
    given_scale_.resize(layers_.size());
    for (size_t i = 0; i < layers_.size(); ++i) {
      const int32_t t = layers_[i].layer.tensor_b;
      given_scale_[i] = used[find(static_cast<size_t>(t))];
    }
  }

  /// Whether all that reads the tensor puts it into results that are as coarse.
  bool joins_coarser(int32_t tensor) const {
    const auto reads = [&](const Node& node) {
      return std::find(node.inputs.begin(), node.inputs.end(), tensor) != node.inputs.end();
    };
    const Quantization& q = b_.tensors[static_cast<size_t>(tensor)].quantization;
    bool read = false;
    for (const Node& node : b_.nodes) {
      if (!reads(node)) continue;
      read = true;
      const GraphTensor& result = b_.tensors[static_cast<size_t>(node.outputs[0])];
      if (!joins(node) || q.count != 1 || result.quantization.count != 1 ||
          result.quantization.scale() < q.scale() / 2)
        return false;
    }
    return read;
  }

  static bool joins(const Node& node) {
    constexpr std::array kJoining = {BuiltinOperator::ADD,     BuiltinOperator::SUB,
                                     BuiltinOperator::ADD_N,   BuiltinOperator::CONCATENATION,
                                     BuiltinOperator::MAXIMUM, BuiltinOperator::MINIMUM};
    return !node.outputs.empty() &&
           std::find(kJoining.begin(), kJoining.end(),
                     static_cast<BuiltinOperator>(node.builtin)) != kJoining.end();
  }

  bool same_scale(int32_t x, int32_t y) const {
    const GraphTensor &s = b_.tensors[static_cast<size_t>(x)],
                      &t = b_.tensors[static_cast<size_t>(y)];
    return s.type == t.type && s.quantization.count == 1 && t.quantization.count == 1 &&
           s.quantization.scale() == t.quantization.scale() &&
           s.quantization.zero_point() == t.quantization.zero_point();
  }

  /// The share of B's range that A's values take.
  static double filled(const LayerDifference& d) {
    const double range = d.range_b.largest - d.range_b.least;
    if (range <= 0) return 1;
    const double low = std::max(std::min(d.min_a, 0.0), d.range_b.least);
    const double high = std::min(std::max(d.max_a, 0.0), d.range_b.largest);
    return (high - low) / range;
  }

  /// Whether the type's range is much too large for A's values without excuse.
  bool is_coarse(size_t i) const {
    const LayerDifference& d = layers_[i];
    return filled(d) < kFilledShare && given_scale_[i] == 0 && !joins_coarser(d.layer.tensor_b);
  }

  bool judged(const LayerDifference& d) const { return !std::isnan(d.own_sqnr_db); }

  void find_usual() {
    std::vector<double> all;
    for (size_t i = 0; i < layers_.size(); ++i)
      if (judged(layers_[i]) && floats_[i] == 0 && std::isfinite(layers_[i].own_sqnr_db) &&
          prescribed_scale(layers_[i].layer.kind_b, layers_[i].type_b) == 0)
        all.push_back(layers_[i].own_sqnr_db);
    least_db_ = coarse_db_ = kUsualDb;
    if (all.size() < kFewLayers) return;
    const double usual = median(all);
    for (double& db : all) db = std::fabs(db - usual);
    const double deviation = std::max(median(all), kLeastDeviationDb);
    least_db_ = std::clamp(usual - kDeviations * deviation, kLeastDb, kMostDb);
    coarse_db_ = std::max(least_db_, usual - kCoarseDb);
  }

  std::string fault(size_t i) const {
    const LayerDifference& d = layers_[i];
    if (d.not_finite_b > 0 && d.not_finite_a == 0)
      return text(d.not_finite_b, " of its values are NaN or infinite");
    if (d.not_finite_a > d.not_finite_b)
      return text(d.not_finite_a, " of A's values are NaN or infinite");
    if (!judged(d)) return {};
    const double least = floats_[i] != 0 ? kFloatDb : is_coarse(i) ? coarse_db_ : least_db_;
    if (d.own_sqnr_db >= least) return {};
    const std::string measured = text("on A's values its SQNR is ", decibels(d.own_sqnr_db),
                                      ", usual here ", decibels(least), " or more");
    if (d.rounding_sqnr_db < least) return range_fault(i, measured);
    if (d.own_largest <= kSteps * std::max(d.range_a.scale, d.range_b.scale)) return {};
    if (d.own_sqnr_db >= operand_db_[i] - kOperandsDb) return {};
    if (d.own_sqnr_db >= d.rounding_sqnr_db - kResultDb) return {};
    return text("it computes something else: ", measured,
                "; look at its weights' scales, its bias and its operands' scales");
  }

  /// Names the layer whose scale is wrong where a bias does not fit.
  void judge_misfit(const BiasMisfit& misfit) {
    const int reader = layer_of_node_[misfit.node];
    if (reader < 0) return;
    const int maker = layer_of_tensor_[static_cast<size_t>(misfit.operand)];
    std::string& wrong = layers_[static_cast<size_t>(reader)].wrong;
    if (maker < 0 || misfit.factor == 0 ||
        retry_(reader, misfit.operand, misfit.factor) <=
            retry_(reader, misfit.weights, misfit.factor)) {
      if (wrong.empty()) wrong = "the scales of its bias and of its weights do not fit";
      return;
    }
    LayerDifference& made = layers_[static_cast<size_t>(maker)];
    wrong =
        text("its bias does not fit the scale of its operand '", first_name(made.layer.name), "'");
    made.wrong =
        text("its scale is ", significant(made.range_b.scale), ", the bias of '",
             first_name(layers_[static_cast<size_t>(reader)].layer.name),
             "', which reads it, expects ", significant(made.range_b.scale * misfit.factor));
  }

  /// The tensor's type can't hold A's values.
  std::string range_fault(size_t i, const std::string& measured) const {
    const LayerDifference& d = layers_[i];
    const std::string ranges =
        text("values from ", significant(d.min_a), " to ", significant(d.max_a), ", range ",
             significant(d.range_b.least), " to ", significant(d.range_b.largest), ", scale ",
             significant(d.range_b.scale));
    if (d.own_saturated > 0) {
      if (d.own_sqnr_db >= std::min(kSaturatedDb, least_db_)) return {};
      return text(significant(d.own_saturated * 100),
                  " % of its values are cut off, its range is too small (", ranges,
                  "): ", measured);
    }
    if (!is_coarse(i)) return {};
    return text("its scale is too large (", ranges, "): ", measured);
  }

  std::string verdict() const {
    if (comparison_.first_wrong >= 0) {
      const LayerDifference& d = layers_[static_cast<size_t>(comparison_.first_wrong)];
      return text("Layer ", comparison_.first_wrong, " '", first_name(d.layer.name), "' (",
                  d.layer.kind_b, ") is the first that goes wrong: ", d.wrong, ".");
    }
    const LayerDifference* worst = nullptr;
    for (const LayerDifference& d : layers_)
      if (d.elements > 0 && (worst == nullptr || d.sqnr_db < worst->sqnr_db)) worst = &d;
    std::string sentence = "No layer goes wrong by itself";
    if (worst == nullptr) return sentence + ".";
    if (std::isinf(worst->sqnr_db) && worst->sqnr_db > 0) return "All layers have equal values.";
    return text(sentence, "; the least SQNR is ", decibels(worst->sqnr_db), ", of '",
                first_name(worst->layer.name), "' (", worst->layer.kind_b, ").");
  }

  const Subgraph& b_;
  const Retry& retry_;
  NetworkComparison& comparison_;
  std::vector<LayerDifference>& layers_;
  std::vector<int> layer_of_node_, layer_of_tensor_;
  std::vector<char> floats_, given_scale_;  ///< by layer
  std::vector<double> operand_db_;          ///< by layer
  double least_db_ = 0, coarse_db_ = 0;
};

}  // namespace

void find_wrong_layer(const Graph& a, const Graph& b, const Retry& retry,
                      NetworkComparison* comparison) {
  Judge(a, b, retry, *comparison).run();
}

}  // namespace cygnet
