// SPDX-License-Identifier: Apache-2.0
#include "quantize/layer_times.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/clock.h"
#include "edit/failure.h"
#include "runtime/interpreter.h"
#include "runtime/profiler.h"

namespace cygnet {
namespace {

constexpr int kWarmUps = 2;
constexpr int kFewestRuns = 7, kMostRuns = 300;
constexpr double kSlowerShare = 1.05, kSlowerUs = 1;

/// One side while it is measured.
class Measured {
 public:
  Measured(const Model& model, std::vector<int32_t> tensors, const Sample& sample, int threads)
      : layer_of_node_(layers_of_nodes(model.graph().subgraphs[0], tensors)) {
    check(interpreter_.create(model, {.threads = threads}));
    write_sample(sample, interpreter_);
    const int runs = kWarmUps + (threads > 1 ? ThreadChoice::kMeasuredRuns : 0);
    for (int i = 0; i < runs; ++i) check(interpreter_.invoke());
  }

  /// One run of each kind: whole, and step by step.
  void run() {
    interpreter_.set_profiler(nullptr);
    const int64_t start = base::now_ns();
    check(interpreter_.invoke());
    whole_ns_ = std::min(whole_ns_, base::now_ns() - start);
    interpreter_.set_profiler(&profiler_);
    check(interpreter_.invoke());
  }

  double whole_us() const { return static_cast<double>(whole_ns_) * 1e-3; }

  /// Calls f(layers of a step, its time in microseconds, the layer of its main operator).
  template <class F>
  void each_step(F f) const {
    for (size_t i = 0; i < profiler_.steps().size(); ++i) {
      const Step& step = interpreter_.plan().steps[i];
      std::vector<int> layers;
      each_member(step, [&](const Step& member) {
        const int layer = layer_of_node_[static_cast<size_t>(member.node)];
        if (layer >= 0) layers.push_back(layer);
      });
      if (layers.empty()) continue;
      const int main = layer_of_node_[static_cast<size_t>(step.node)];
      f(layers, static_cast<double>(profiler_.steps()[i].least_ns) * 1e-3,
        main >= 0 ? main : layers[0]);
    }
  }

  /// Marks the layers that have a step of their own or a part of one.
  void mark_stepped(std::vector<char>* stepped) const {
    each_step([&](const std::vector<int>& layers, double, int) {
      for (const int layer : layers) (*stepped)[static_cast<size_t>(layer)] = 1;
    });
  }

 private:
  Interpreter interpreter_;
  Profiler profiler_;
  std::vector<int> layer_of_node_;
  int64_t whole_ns_ = std::numeric_limits<int64_t>::max();
};

/// Layers that can't be told apart, as a forest.
class Groups {
 public:
  explicit Groups(size_t layers) : parent_(layers) { std::iota(parent_.begin(), parent_.end(), 0); }
  int find(int i) {
    while (parent_[static_cast<size_t>(i)] != i) i = parent_[static_cast<size_t>(i)];
    return i;
  }
  /// `leader` leads both.
  void join(int leader, int other) {
    leader = find(leader);
    other = find(other);
    if (leader != other) parent_[static_cast<size_t>(other)] = leader;
  }

 private:
  std::vector<int> parent_;
};

}  // namespace

NetworkTimes measure_layers(const Model& a, const Model& b, const std::vector<AlignedLayer>& layers,
                            const Sample& sample_a, const Sample& sample_b, int threads,
                            double seconds) {
  std::vector<int32_t> of_a, of_b;
  for (const AlignedLayer& layer : layers) {
    of_a.push_back(layer.tensor_a);
    of_b.push_back(layer.tensor_b);
  }
  Measured side_a(a, of_a, sample_a, threads), side_b(b, of_b, sample_b, threads);
  const int64_t start = base::now_ns();
  const auto enough = static_cast<int64_t>(seconds * 1e9);
  for (int i = 0; i < kMostRuns; ++i) {
    if (i >= kFewestRuns && base::now_ns() - start > enough) break;
    side_a.run();
    side_b.run();
  }
  NetworkTimes times;
  times.whole_a_us = side_a.whole_us();
  times.whole_b_us = side_b.whole_us();
  times.layers.resize(layers.size());
  Groups groups(layers.size());
  for (const Measured* side : {&side_a, &side_b}) {
    side->each_step([&](const std::vector<int>& joined, double, int main) {
      for (const int layer : joined) groups.join(main, layer);
    });
    // A layer that became part of another's operator while fusing is measured with the one behind.
    std::vector<char> stepped(layers.size(), 0);
    side->mark_stepped(&stepped);
    for (int i = static_cast<int>(layers.size()) - 2; i >= 0; --i)
      if (!stepped[static_cast<size_t>(i)]) groups.join(groups.find(i + 1), i);
  }
  const auto add = [&](const Measured& side, double LayerTimes::*time) {
    side.each_step([&](const std::vector<int>&, double us, int main) {
      times.layers[static_cast<size_t>(groups.find(main))].*time += us;
    });
  };
  add(side_a, &LayerTimes::a_us);
  add(side_b, &LayerTimes::b_us);
  for (size_t i = 0; i < layers.size(); ++i) {
    const int leader = groups.find(static_cast<int>(i));
    if (leader != static_cast<int>(i)) times.layers[i].leader = leader;
  }
  return times;
}

std::vector<SlowLayer> slower_layers(const std::vector<AlignedLayer>& layers,
                                     const NetworkTimes& times) {
  std::vector<int> led(layers.size(), 0);
  for (const LayerTimes& t : times.layers)
    if (t.leader >= 0) ++led[static_cast<size_t>(t.leader)];
  std::vector<SlowLayer> slow;
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerTimes& t = times.layers[i];
    if (t.leader < 0 && t.b_us > t.a_us * kSlowerShare && t.b_us > t.a_us + kSlowerUs)
      slow.push_back({layers[i], led[i], t.a_us, t.b_us});
  }
  std::stable_sort(slow.begin(), slow.end(), [](const SlowLayer& x, const SlowLayer& y) {
    return x.b_us - x.a_us > y.b_us - y.a_us;
  });
  return slow;
}

std::vector<SlowLayer> slower_layers(const Model& a, const Model& b, const Sample& sample,
                                     int threads) {
  const std::vector<AlignedLayer> layers = align(a.graph(), b.graph()).layers;
  return slower_layers(layers, measure_layers(a, b, layers, sample, sample, threads));
}

}  // namespace cygnet
