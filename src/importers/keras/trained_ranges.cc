// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/trained_ranges.h"

#include <algorithm>
#include <set>
#include <utility>

#include "importers/keras/network.h"

namespace cygnet::keras {
namespace {

using Names = std::set<std::string>;

// A function by its name, however it is written.
std::string function_name(const Config& function) {
  if (function.is_text()) return function.text();
  const Config inner = function.at("config");
  if (inner.is_text()) return inner.text();
  if (inner.has("activation")) return function_name(inner.at("activation"));
  return function.text("class_name", "");
}

bool rounds_output(const std::string& kind, const Config& settings, const std::string& activation) {
  if (kind.find("OutputQuantizeConfig") != std::string::npos) return true;
  const bool wanted =
      settings.at("quantize_output").is_flag() && settings.flag("quantize_output", false);
  if (kind.find("ActivationQuantizeConfig") == std::string::npos) return wanted;
  return wanted && Names{"relu", "swish", "gelu", "relu6"}.count(activation) != 0;
}

}  // namespace

TrainedRanges::TrainedRanges(const Layer& wrapper) : wrapper_(wrapper) {
  const Config quantize = wrapper.config.at("quantize_config"), settings = quantize.at("config");
  const std::string kind = quantize.text("class_name", "");
  known_ = kind.rfind("Default", 0) == 0 || kind == "NoOpQuantizeConfig";
  const std::string activation =
      function_name(wrapper.config.at("layer").at("config").at("activation"));
  const Config weights = settings.at("weight_attrs"), functions = settings.at("activation_attrs");
  for (size_t i = 0; i < weights.size(); ++i) weights_.push_back(weights.at(i).text());
  order_ = weights_;
  for (size_t i = 0; i < functions.size(); ++i) {
    if (Names{"softmax", "sigmoid", "tanh", "gelu"}.count(activation) != 0)
      order_.emplace_back("pre_activation");
    if (Names{"linear", "relu", "swish", "gelu"}.count(activation) != 0)
      order_.emplace_back("post_activation");
  }
  if (rounds_output(kind, settings, activation)) order_.emplace_back("output");
}

std::optional<FakeQuant> TrainedRanges::limits(const std::string& low,
                                               const std::string& high) const {
  const Weights& file = wrapper_.weights;
  const Array min = file.array(low), max = file.array(high);
  if (min.dims.size() > 1 || min.dims != max.dims)
    wrapper_.fail(
        text("I5: the range ", low, ": expected one minimum and maximum for each channel"));
  FakeQuant quant{min.values, max.values};
  return quant;
}

std::optional<FakeQuant> TrainedRanges::find(const std::string& name, bool weight) const {
  Weights file = wrapper_.weights;
  std::optional<FakeQuant> quant;
  if (!file.numbered()) {
    if (!file.has_next(name + "_min")) return std::nullopt;
    quant = limits(file.next(name + "_min"), file.next(name + "_max"));
  } else {
    // The last variables of the wrapper are its ranges.
    const auto at = std::find(order_.begin(), order_.end(), name);
    if (at == order_.end()) return std::nullopt;
    const auto behind = static_cast<int>(2 * (order_.end() - at));
    const int first = file.count() - behind;
    if (first < 0) wrapper_.fail(text("I5: the file has no range for ", name));
    quant = limits(file.numbered(first), file.numbered(first + 1));
  }
  quant->bits = wrapper_.config.at("quantize_config")
                    .at("config")
                    .integer(weight ? "num_bits_weight" : "num_bits_activation", 8);
  const bool symmetric =
      std::equal(quant->min.begin(), quant->min.end(), quant->max.begin(), quant->max.end(),
                 [](float low, float high) { return low == -high; });
  quant->narrow = weight && (known_ || symmetric);
  return quant;
}

Grid TrainedRanges::round(const std::string& variable, Array& array) const {
  // Without names, filters of depthwise convolutions are kernels too.
  const bool filter =
      std::find(weights_.begin(), weights_.end(), "depthwise_kernel") != weights_.end();
  const bool renamed = wrapper_.weights.numbered() && variable == "kernel" && filter;
  auto quant = find(renamed ? "depthwise_kernel" : variable, true);
  if (!quant) return nullptr;
  Shape shape;
  for (int32_t d : array.dims)
    if (shape.rank < kMaxRank) shape.push(d);
  quant->axis = std::max(0, shape.rank - 1);
  ++wrapper_.import.fake_quants;
  return round_values(array.values, shape, *quant, wrapper_.import.options.keep_ranges,
                      text(wrapper_.e.draft().source, ": layer ", wrapper_.name));
}

int32_t add_rounding(Layer& l, int32_t x, const std::optional<FakeQuant>& range) {
  if (!range) return x;
  ++l.import.fake_quants;
  return add_fake_quant(l.e, x, *range, l.import.options.keep_ranges, l.name + "/fake_quant");
}

int32_t activate_rounded(Layer& l, int32_t x, const Config& settings) {
  const Config function = settings.at("activation");
  if (function_name(function) == "NoOpActivation") return x;
  const TrainedRanges* ranges = l.import.ranges;
  l.refuse_if(ranges == nullptr, "QuantizeAwareActivation outside of a QuantizeWrapper");
  x = add_rounding(l, x, ranges->find("pre_activation"));
  return add_rounding(l, activate(l, x, function), ranges->find("post_activation"));
}

Tensors emit_quantize_layer(Layer& l) {
  const Config quantizer = l.config.at("quantizer"), settings = quantizer.at("config");
  if (quantizer.null()) return {l.input()};
  FakeQuant quant;
  if (settings.has("init_min")) {
    quant.min = {static_cast<float>(settings.number("init_min", 0))};
    quant.max = {static_cast<float>(settings.number("init_max", 0))};
  } else {
    const auto scalar = [&](const char* end) {
      return l.values(l.config.text("name", "") + end, {});
    };
    quant.min = scalar("_min");
    quant.max = scalar("_max");
  }
  quant.bits = settings.integer("num_bits", 8);
  quant.narrow = settings.at("narrow_range").is_flag() && settings.flag("narrow_range", false);
  return {add_rounding(l, l.input(), quant)};
}

Tensors emit_quantize_wrapper(Layer& l) {
  const TrainedRanges ranges(l);
  const TrainedRanges* around = std::exchange(l.import.ranges, &ranges);
  const Config layer = l.config.at("layer");
  // A .keras file has the weights that are rounded with the wrapper.
  Tensors results = l.weights.numbered() && ranges.holds_weights()
                        ? emit_layer(l.import, layer, l.name + "/layer", l.weights, l.call)
                        : emit_inner(l, layer, "", "layer", l.call);
  l.import.ranges = around;
  if (!results.empty()) results[0] = add_rounding(l, results[0], ranges.find("output"));
  return results;
}

}  // namespace cygnet::keras
