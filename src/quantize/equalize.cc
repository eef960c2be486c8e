// SPDX-License-Identifier: Apache-2.0
#include "quantize/equalize.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "passes/layers.h"
#include "quantize/measure.h"
#include "quantize/runner.h"

namespace cygnet {
namespace {

constexpr size_t kMostSamples = 16;
// Channels are not scaled by more than this: a channel that is all but dead needs no more.
constexpr double kMostFactor = 64;

struct Pair {
  int32_t first, second;  // nodes
  int32_t between;        // tensor
};

bool takes_factors(Patch& patch, int32_t n) {
  return passes::is_layer(patch, n) && !patch.is(n, Builtin::TRANSPOSE_CONV);
}

// The number of channels of the layer's result, and of its input as its weights have it.
int32_t outputs_of(Patch& patch, int32_t n) {
  return patch.shape(patch.node(n).inputs[1])[passes::channel_axis(patch, n)];
}
int32_t inputs_of(Patch& patch, int32_t n) {
  const Shape& w = patch.shape(patch.node(n).inputs[1]);
  return w[w.rank - 1];
}

std::vector<Pair> find_pairs(Patch& patch) {
  std::vector<Pair> pairs;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (!takes_factors(patch, n)) continue;
    const auto activation = passes::fused_activation(patch, n);
    if (activation != passes::Activation::NONE && activation != passes::Activation::RELU) continue;
    const int32_t y = patch.node(n).outputs[0], reader = patch.single_consumer(y);
    if (reader < 0 || !takes_factors(patch, reader) || patch.node(reader).inputs[0] != y) continue;
    // Depthwise layers with several results for each channel, convolutions in groups, and layers
    // that see several pixels as one row are left alone.
    if (outputs_of(patch, n) != inputs_of(patch, reader)) continue;
    if (patch.single_use(patch.node(n).inputs[1]) && patch.single_use(patch.node(reader).inputs[1]))
      pairs.push_back({n, reader, y});
  }
  return pairs;
}

// The largest magnitude of each channel of the pairs' tensors.
std::map<int32_t, std::vector<float>> channel_peaks(const Draft& draft,
                                                    const std::vector<Pair>& pairs,
                                                    const SampleSource& samples, int threads) {
  Runner runner(draft.graph, draft.source, {.threads = threads, .keep_tensors = true});
  std::vector<std::map<int32_t, std::vector<float>>> seen(static_cast<size_t>(runner.threads()));
  const SpreadSamples some(samples, kMostSamples);
  runner.run(some, [&](size_t, const Sample&, int thread, Interpreter& interpreter) {
    for (const Pair& pair : pairs) {
      const Tensor& t = interpreter.plan().tensors[pair.between];
      const auto channels = static_cast<size_t>(t.shape[t.shape.rank - 1]);
      std::vector<float>& peaks = seen[static_cast<size_t>(thread)][pair.between];
      peaks.resize(channels, 0.0f);
      const auto elements = static_cast<size_t>(t.shape.elements());
      for (size_t i = 0; i < elements; i += channels)
        for (size_t c = 0; c < channels; ++c)
          peaks[c] = std::max(peaks[c], std::fabs(t.as<float>()[i + c]));
    }
  });
  for (size_t t = 1; t < seen.size(); ++t)
    for (const auto& [tensor, peaks] : seen[t]) {
      std::vector<float>& all = seen[0][tensor];
      all.resize(peaks.size(), 0.0f);
      for (size_t c = 0; c < peaks.size(); ++c) all[c] = std::max(all[c], peaks[c]);
    }
  return std::move(seen[0]);
}

// The largest magnitude of the weights that read each channel.
std::vector<float> weight_peaks(Patch& patch, int32_t n) {
  std::vector<float> peaks(static_cast<size_t>(inputs_of(patch, n)), 0.0f);
  const auto values = patch.values<float>(patch.node(n).inputs[1]);
  for (size_t i = 0; i < values.size(); ++i) {
    float& peak = peaks[i % peaks.size()];
    peak = std::max(peak, std::fabs(values[i]));
  }
  return peaks;
}

// By what each channel is divided. A depthwise layer has a scale for each channel of its weights,
// so all of the difference may move there; else weights and activations share it.
std::vector<double> factors(Patch& patch, const Pair& pair, const std::vector<float>& peaks) {
  const std::vector<float> weights = weight_peaks(patch, pair.second);
  const bool depthwise = patch.is(pair.second, Builtin::DEPTHWISE_CONV_2D);
  std::vector<double> result(peaks.size(), 1.0);
  double logs = 0;
  size_t count = 0;
  for (size_t c = 0; c < peaks.size(); ++c) {
    if (!(peaks[c] > 0) || !(weights[c] > 0)) continue;
    const double a = static_cast<double>(peaks[c]), w = static_cast<double>(weights[c]);
    result[c] = depthwise ? a : std::sqrt(a / w);
    logs += std::log(result[c]);
    ++count;
  }
  const double mean = count == 0 ? 1 : std::exp(logs / static_cast<double>(count));
  for (size_t c = 0; c < peaks.size(); ++c)
    result[c] = peaks[c] > 0 && weights[c] > 0
                    ? std::clamp(result[c] / mean, 1 / kMostFactor, kMostFactor)
                    : 1.0;
  return result;
}

void scale(Patch& patch, int32_t n, size_t operand, const std::vector<double>& factors, int axis) {
  std::vector<int32_t> inputs(patch.node(n).inputs.begin(), patch.node(n).inputs.end());
  const int32_t constant = inputs[operand];
  const Shape shape = patch.shape(constant);
  const auto inner = static_cast<size_t>(shape.elements(axis + 1, shape.rank));
  const auto values = patch.values<float>(constant);
  std::vector<float> scaled(values.begin(), values.end());
  for (size_t i = 0; i < scaled.size(); ++i)
    scaled[i] =
        static_cast<float>(static_cast<double>(scaled[i]) * factors[i / inner % factors.size()]);
  inputs[operand] = patch.constant<float>(shape, scaled, std::string(patch.tensor(constant).name));
  patch.set_inputs_of(n, inputs);
}

void apply(Patch& patch, const Pair& pair, const std::vector<double>& by) {
  std::vector<double> inverse;
  for (double f : by) inverse.push_back(1 / f);
  scale(patch, pair.first, 1, inverse, passes::channel_axis(patch, pair.first));
  const auto inputs = patch.node(pair.first).inputs;
  const size_t bias = passes::bias_operand(patch, pair.first);
  if (inputs.size() > bias && inputs[bias] != kAbsent) scale(patch, pair.first, bias, inverse, 0);
  const Shape& w = patch.shape(patch.node(pair.second).inputs[1]);
  scale(patch, pair.second, 1, by, w.rank - 1);
}

}  // namespace

std::vector<int32_t> equalize(Draft& draft, const OpRegistry& registry, const SampleSource& samples,
                              int threads) {
  Patch patch(draft, registry, 0);
  const std::vector<Pair> pairs = find_pairs(patch);
  if (pairs.empty()) return {};
  std::map<int32_t, std::vector<float>> peaks = channel_peaks(draft, pairs, samples, threads);
  for (const Pair& pair : pairs) {
    // Earlier pairs have changed what this one's input holds, not its result.
    const std::vector<float>& seen = peaks[pair.between];
    if (static_cast<int32_t>(seen.size()) == outputs_of(patch, pair.first))
      apply(patch, pair, factors(patch, pair, seen));
  }
  patch.finish();
  std::vector<int32_t> between;  // tensors have new numbers
  for (const Pair& pair : find_pairs(patch)) between.push_back(pair.between);
  return between;
}

}  // namespace cygnet
