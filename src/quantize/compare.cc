// SPDX-License-Identifier: Apache-2.0
#include "quantize/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "edit/failure.h"
#include "quantize/isolate.h"
#include "quantize/layer_times.h"
#include "quantize/rescaled.h"
#include "quantize/runner.h"
#include "quantize/wrong_layer.h"

namespace cygnet {
namespace {

/// Samples on which B's layers also run alone.
constexpr size_t kSamplesAlone = 16;
/// Bins of a layer's histograms.
constexpr int kShownBins = 96;

const Subgraph& main_of(const Model& model) {
  return model.graph().subgraphs[0];
}

/// Two tensors whose values are compared.
struct Pair {
  int32_t a = -1, b = -1;
};

/// What one thread has besides A's interpreter.
struct Lane {
  Interpreter b, alone;
  std::vector<float> values_a, values_b;
  std::vector<PairSums> sums, own, rounding;  ///< of the last sample, by pair
  std::vector<PairHistogram> histograms;      ///< by pair
  std::vector<char> other_shape;              ///< by pair
  std::vector<Shape> shapes;                  ///< by pair
  AccuracyCounts accuracy_a, accuracy_b;
  int64_t classes = 0, same_classes = 0;
  bool ran_alone = false;  ///< in the last sample
};

class Comparer {
 public:
  Comparer(const Model& a, const Model& b, const CompareOptions& options)
      : a_(a), b_(b), options_(options), runner_(a.graph(), a.path(), run_options()) {
    match_inputs();
    alignment_ = align(a.graph(), b.graph());
    if (alignment_.layers.empty())
      throw Failure(text(a.path(), " and ", b.path(), " have no layer in common"));
    list_pairs();
    for (size_t i = inputs_; i < layers_; ++i) cuts_.push_back(pairs_[i].b);
    isolated_ = std::make_unique<IsolatedModel>(b, cuts_);
    for (int t = 0; t < runner_.threads(); ++t) lanes_.push_back(make_lane());
    sums_.resize(pairs_.size());
    own_.resize(pairs_.size());
    rounding_.resize(pairs_.size());
  }

  NetworkComparison run(const SampleSource& samples) {
    fit_channels(samples);
    comparison_.samples = runner_.run(
        samples,
        [this](size_t i, const Sample& sample, int thread, Interpreter& interpreter) {
          run_sample(i, sample, interpreter, *lanes_[static_cast<size_t>(thread)]);
        },
        options_.progress, [this](size_t, int thread) { commit(*lanes_[size_t(thread)]); });
    if (comparison_.samples == 0) throw Failure("no sample could be read");
    finish();
    lanes_.clear();  // their memory
    const Retry retry = [&](int layer, int32_t tensor, double factor) {
      try {
        return own_sqnr_with(samples, static_cast<size_t>(layer), tensor, factor);
      } catch (const Failure&) {  // an operator does not take that scale
        return -std::numeric_limits<double>::infinity();
      }
    };
    find_wrong_layer(a_.graph(), b_.graph(), retry, &comparison_);
    if (options_.times) measure(samples);
    return std::move(comparison_);
  }

 private:
  RunnerOptions run_options() const { return {.threads = options_.threads, .keep_tensors = true}; }

  std::unique_ptr<Lane> make_lane() const {
    auto lane = std::make_unique<Lane>();
    check(lane->b.create(b_, {.keep_tensors = true, .fuse = false}));
    check(lane->alone.create(isolated_->model(), {.keep_tensors = true, .fuse = false}));
    lane->sums.resize(pairs_.size());
    lane->own.resize(pairs_.size());
    lane->rounding.resize(pairs_.size());
    lane->other_shape.resize(pairs_.size());
    lane->shapes.resize(pairs_.size());
    for (const Pair& pair : pairs_) {
      const Representable b(tensor_b(pair)), a(tensor_a(pair));
      lane->histograms.emplace_back(b.scale > 0 ? b.scale : a.scale);
    }
    return lane;
  }

  const GraphTensor& tensor_a(const Pair& pair) const {
    return main_of(a_).tensors[static_cast<size_t>(pair.a)];
  }
  const GraphTensor& tensor_b(const Pair& pair) const {
    return main_of(b_).tensors[static_cast<size_t>(pair.b)];
  }

  // ---- What is compared

  static Shape free_shape(const GraphTensor& t) { return t.has_signature ? t.signature : t.shape; }

  static bool same_input(const GraphTensor& a, const GraphTensor& b) {
    if (is_real(a) ? !is_real(b) : a.type != b.type) return false;
    const Shape s = free_shape(a), t = free_shape(b);
    if (s.rank != t.rank) return false;
    for (int d = 0; d < s.rank; ++d)
      if (s[d] != t[d] && s[d] >= 0 && t[d] >= 0) return false;
    return true;
  }

  /// By name where all names are the same, else by order. Throws Failure.
  void match_inputs() {
    const Subgraph &a = main_of(a_), &b = main_of(b_);
    const auto list = [](const Subgraph& graph) {
      std::string all;
      for (const int32_t i : graph.inputs) {
        const GraphTensor& t = graph.tensors[static_cast<size_t>(i)];
        all += text(all.empty() ? "" : ", ", "'", t.name, "' ", type_name(t.type), " ",
                    shape_text(free_shape(t)).text);
      }
      return all;
    };
    const auto refuse = [&] {
      throw Failure(text("the two models take different inputs: ", a_.path(), " takes ", list(a),
                         "; ", b_.path(), " takes ", list(b)));
    };
    if (a.inputs.size() != b.inputs.size()) refuse();
    const size_t n = a.inputs.size();
    input_of_b_.resize(n);
    std::iota(input_of_b_.begin(), input_of_b_.end(), 0);
    std::vector<size_t> named;
    for (const int32_t i : b.inputs)
      for (size_t k = 0; k < n; ++k)
        if (a.tensors[static_cast<size_t>(a.inputs[k])].name ==
            b.tensors[static_cast<size_t>(i)].name)
          named.push_back(k);
    std::vector<size_t> sorted = named;
    std::sort(sorted.begin(), sorted.end());
    if (sorted == input_of_b_) input_of_b_ = named;
    for (size_t i = 0; i < n; ++i)
      if (!same_input(a.tensors[static_cast<size_t>(a.inputs[input_of_b_[i]])],
                      b.tensors[static_cast<size_t>(b.inputs[i])]))
        refuse();
  }

  void list_pairs() {
    const Subgraph &a = main_of(a_), &b = main_of(b_);
    for (size_t i = 0; i < input_of_b_.size(); ++i) {
      const Pair pair = {a.inputs[input_of_b_[i]], b.inputs[i]};
      if (!is_real(tensor_b(pair))) continue;
      add_pair(pair, {-1, -1, pair.a, pair.b, std::string(tensor_a(pair).name), "input", "input"});
    }
    inputs_ = pairs_.size();
    for (const AlignedLayer& layer : alignment_.layers)
      add_pair({layer.tensor_a, layer.tensor_b}, layer);
    layers_ = pairs_.size();
    const size_t outputs = std::min(a.outputs.size(), b.outputs.size());
    for (size_t i = 0; i < outputs; ++i) {
      const Pair pair = {a.outputs[i], b.outputs[i]};
      add_pair(pair,
               {-1, -1, pair.a, pair.b, std::string(tensor_a(pair).name), "output", "output"});
    }
  }

  void add_pair(const Pair& pair, const AlignedLayer& layer) {
    pairs_.push_back(pair);
    LayerDifference difference;
    difference.layer = layer;
    difference.type_a = tensor_a(pair).type;
    difference.type_b = tensor_b(pair).type;
    differences_.push_back(std::move(difference));
  }

  /// Finds the tensors of which B holds multiples, on as many samples as that takes.
  void fit_channels(const SampleSource& samples) {
    factors_.resize(pairs_.size());
    std::vector<ChannelFit> fits(cuts_.size());
    std::vector<PairSums> own(cuts_.size());
    for (size_t i = 0; i < std::min(samples.size(), kSamplesAlone); ++i) {
      std::optional<Sample> sample = samples.read(i);
      if (!sample) continue;
      runner_.run(SampleList({*std::move(sample)}),
                  [&](size_t, const Sample& read, int, Interpreter& interpreter) {
                    add_fits(read, interpreter, *lanes_[0], fits, own);
                  });
      if (std::none_of(fits.begin(), fits.end(),
                       [](const ChannelFit& fit) { return fit.wants_more(); }))
        break;
    }
    std::vector<double> own_db;
    for (const PairSums& sums : own) own_db.push_back(sums.sqnr_db());
    std::vector<std::vector<float>> factors = find_rescaled(main_of(b_), cuts_, fits, own_db);
    for (size_t k = inputs_; k < layers_; ++k) factors_[k] = std::move(factors[k - inputs_]);
  }

  void add_fits(const Sample& sample, const Interpreter& a, Lane& lane,
                std::vector<ChannelFit>& fits, std::vector<PairSums>& own) const {
    run_b(sample, lane);
    for (size_t k = inputs_; k < layers_; ++k)
      if (read_pair(k, a, lane))
        fits[k - inputs_].add(lane.values_a, lane.values_b,
                              channels_of(value(lane.b, pairs_[k].b)));
    if (std::none_of(fits.begin(), fits.end(), [](const ChannelFit& fit) { return fit.differs(); }))
      return;
    run_alone(sample, a, lane);
    for (size_t k = inputs_; k < layers_; ++k) own[k - inputs_].add(lane.own[k]);
  }

  static int64_t channels_of(const Tensor& tensor) {
    return tensor.shape.rank == 0 ? 1 : tensor.shape[tensor.shape.rank - 1];
  }

  // ---- One sample

  void run_b(const Sample& sample, Lane& lane) const {
    Sample of_b;
    of_b.name = sample.name;
    for (const size_t k : input_of_b_) of_b.inputs.push_back(sample.inputs[k]);
    write_sample(of_b, lane.b);
    check(lane.b.reset_variables(), sample.name);
    check(lane.b.invoke(), sample.name);
  }

  void run_sample(size_t i, const Sample& sample, Interpreter& a, Lane& lane) const {
    run_b(sample, lane);
    for (size_t k = 0; k < pairs_.size(); ++k) compare_pair(k, a, lane);
    lane.ran_alone = i < kSamplesAlone;
    if (lane.ran_alone) run_alone(sample, a, lane);
    add_accuracy(sample, a, lane);
  }

  static const Tensor& value(const Interpreter& interpreter, int32_t tensor) {
    return interpreter.plan().tensors[static_cast<size_t>(tensor)];
  }

  /// Equal shapes, but for the rank of what is one number.
  static bool same_shape(const Tensor& a, const Tensor& b) {
    return a.shape == b.shape || (a.shape.elements() == 1 && b.shape.elements() == 1);
  }

  /// Reads the values of A, times the factors, and of B; false where they can't be compared.
  bool read_pair(size_t k, const Interpreter& a, Lane& lane) const {
    const Tensor &x = value(a, pairs_[k].a), &y = value(lane.b, pairs_[k].b);
    if (!same_shape(x, y)) return false;
    read_a(k, x, lane);
    read_real(y, lane.values_b);
    return lane.values_a.size() == lane.values_b.size();  // else one has no real values
  }

  void read_a(size_t k, const Tensor& x, Lane& lane) const {
    read_real(x, lane.values_a);
    rescale(factors_[k], lane.values_a);
  }

  void compare_pair(size_t k, const Interpreter& a, Lane& lane) const {
    const Tensor& y = value(lane.b, pairs_[k].b);
    lane.sums[k] = {};
    lane.shapes[k] = y.shape;
    if (!read_pair(k, a, lane)) {
      lane.other_shape[k] = 1;
      return;
    }
    lane.sums[k].add(lane.values_a, lane.values_b, Representable(y));
    lane.histograms[k].add(lane.values_a, lane.values_b);
  }

  /// B's layers on A's values.
  void run_alone(const Sample& sample, const Interpreter& a, Lane& lane) const {
    Interpreter& alone = lane.alone;
    const int first = isolated_->first_input();
    const auto resize = [&](int input, const Shape& shape) {
      if (!(alone.input(input).shape == shape)) check(alone.resize_input(input, shape));
    };
    for (int i = 0; i < first; ++i) resize(i, lane.b.input(i).shape);
    for (size_t k = inputs_; k < layers_; ++k)
      resize(first + static_cast<int>(k - inputs_), value(lane.b, pairs_[k].b).shape);
    if (!alone.allocated()) check(alone.allocate());
    for (int i = 0; i < first; ++i) {
      const Tensor& input = lane.b.input(i);
      check(alone.write_input(i, input.data, input.bytes));
    }
    for (size_t k = 0; k < layers_; ++k) round_to_b(k, a, lane);
    check(alone.reset_variables(), sample.name);
    check(alone.invoke(), sample.name);
    for (size_t k = 0; k < layers_; ++k) {
      const Tensor &x = value(a, pairs_[k].a), &y = value(alone, pairs_[k].b);
      lane.own[k] = {};
      if (!same_shape(x, y)) continue;
      read_a(k, x, lane);
      read_real(y, lane.values_b);
      lane.own[k].add(lane.values_a, lane.values_b, Representable(y));
    }
  }

  /// Gives what reads layer k's tensor A's values; B's own where the shapes differ.
  void round_to_b(size_t k, const Interpreter& a, Lane& lane) const {
    const Tensor &x = value(a, pairs_[k].a), &y = value(lane.b, pairs_[k].b);
    lane.rounding[k] = {};
    const int input = k < inputs_ ? -1 : isolated_->first_input() + static_cast<int>(k - inputs_);
    if (!same_shape(x, y)) {
      if (input >= 0) check(lane.alone.write_input(input, y.data, y.bytes));
      return;
    }
    read_a(k, x, lane);
    if (input < 0) {
      read_real(y, lane.values_b);  // the sample itself, rounded
    } else {
      Tensor to = lane.alone.input(input);
      to.data = lane.alone.input_data(input);
      write_real(lane.values_a, &to);
      read_real(to, lane.values_b);
    }
    lane.rounding[k].add(lane.values_a, lane.values_b, Representable(y));
  }

  void add_accuracy(const Sample& sample, const Interpreter& a, Lane& lane) const {
    if (a.outputs() == 0 || lane.b.outputs() == 0) return;
    const std::optional<NamedClasses> of_a = named_classes(a.output(0));
    const std::optional<NamedClasses> of_b = named_classes(lane.b.output(0));
    if (!of_a || !of_b || of_a->classes.size() != of_b->classes.size()) return;
    lane.accuracy_a.add(sample, *of_a);
    lane.accuracy_b.add(sample, *of_b);
    lane.classes += std::ssize(of_a->classes);
    for (size_t i = 0; i < of_a->classes.size(); ++i)
      lane.same_classes += of_a->classes[i] == of_b->classes[i] ? 1 : 0;
  }

  // ---- All samples

  /// Adds what the last sample gave; in the order of samples, so that sums have the same bits for
  /// every number of threads.
  void commit(Lane& lane) {
    for (size_t k = 0; k < pairs_.size(); ++k) sums_[k].add(lane.sums[k]);
    if (!lane.ran_alone) return;
    ran_alone_ = true;
    for (size_t k = 0; k < layers_; ++k) {
      own_[k].add(lane.own[k]);
      rounding_[k].add(lane.rounding[k]);
    }
  }

  void finish() {
    AccuracyCounts accuracy_a, accuracy_b;
    int64_t classes = 0, same = 0;
    for (const std::unique_ptr<Lane>& lane : lanes_) {
      accuracy_a.add(lane->accuracy_a);
      accuracy_b.add(lane->accuracy_b);
      classes += lane->classes;
      same += lane->same_classes;
    }
    comparison_.accuracy_a = accuracy_a.result();
    comparison_.accuracy_b = accuracy_b.result();
    if (classes > 0)
      comparison_.agreement = static_cast<double>(same) / static_cast<double>(classes);
    comparison_.only_a = alignment_.only_a;
    comparison_.only_b = alignment_.only_b;
    for (size_t k = 0; k < pairs_.size(); ++k) {
      finish_pair(k);
      (k < layers_ ? comparison_.layers : comparison_.outputs).push_back(differences_[k]);
    }
  }

  void finish_pair(size_t k) {
    LayerDifference& d = differences_[k];
    const PairSums& sums = sums_[k];
    d.factors = factors_[k];
    d.elements = sums.elements;
    d.not_finite_a = sums.not_finite_a;
    d.not_finite_b = sums.not_finite_b;
    d.sqnr_db = sums.sqnr_db();
    d.own_sqnr_db = d.rounding_sqnr_db = std::numeric_limits<double>::quiet_NaN();
    if (ran_alone_ && k < layers_ && own_[k].elements > 0) {
      d.own_sqnr_db = own_[k].sqnr_db();
      d.rounding_sqnr_db = rounding_[k].sqnr_db();
      d.own_largest = own_[k].largest;
      d.own_saturated =
          static_cast<double>(own_[k].saturated) / static_cast<double>(own_[k].elements);
    }
    const auto count = static_cast<double>(std::max<int64_t>(sums.elements, 1));
    d.largest = sums.largest;
    d.mean = sums.absolute_error / count;
    d.bias = sums.error / count;
    d.saturated = static_cast<double>(sums.saturated) / count;
    d.min_a = sums.min_a, d.max_a = sums.max_a;
    d.min_b = sums.min_b, d.max_b = sums.max_b;
    d.range_a = Representable(tensor_a(pairs_[k]));
    d.range_b = Representable(tensor_b(pairs_[k]));
    PairHistogram histogram = lanes_[0]->histograms[k];
    for (size_t t = 1; t < lanes_.size(); ++t) histogram.add(lanes_[t]->histograms[k]);
    d.overlap = histogram.overlap();
    d.histogram = histogram.bins(kShownBins);
    for (const std::unique_ptr<Lane>& lane : lanes_) {
      d.other_shape |= lane->other_shape[k] != 0;
      if (lane->shapes[k].rank > 0) d.shape = lane->shapes[k];
    }
  }

  static std::optional<Sample> first_of(const SampleSource& samples) {
    std::optional<Sample> sample;
    for (size_t i = 0; i < samples.size() && !sample; ++i) sample = samples.read(i);
    return sample;
  }

  /// The own SQNR of layer k on the first sample when the scales of a tensor of B are `factor`
  /// times what they are.
  double own_sqnr_with(const SampleSource& samples, size_t k, int32_t tensor, double factor) {
    const std::optional<Sample> sample = first_of(samples);
    if (!sample) return 0;
    isolated_ = std::make_unique<IsolatedModel>(b_, cuts_, tensor, factor);
    const std::unique_ptr<Lane> lane = make_lane();
    runner_.run(SampleList({*sample}),
                [&](size_t i, const Sample& read, int, Interpreter& interpreter) {
                  run_sample(i, read, interpreter, *lane);
                });
    return lane->own[k].sqnr_db();
  }

  void measure(const SampleSource& samples) {
    const std::optional<Sample> sample = first_of(samples);
    if (!sample) return;
    Sample of_b = *sample;
    for (size_t i = 0; i < input_of_b_.size(); ++i) of_b.inputs[i] = sample->inputs[input_of_b_[i]];
    const NetworkTimes times =
        measure_layers(a_, b_, alignment_.layers, *sample, of_b, options_.threads);
    comparison_.time_a_us = times.whole_a_us;
    comparison_.time_b_us = times.whole_b_us;
    comparison_.slower = slower_layers(alignment_.layers, times);
    for (size_t i = 0; i < times.layers.size(); ++i) {
      LayerDifference& d = comparison_.layers[inputs_ + i];
      d.time_a_us = times.layers[i].a_us;
      d.time_b_us = times.layers[i].b_us;
      if (times.layers[i].leader >= 0)
        d.timed_with = times.layers[i].leader + static_cast<int>(inputs_);
    }
  }

  const Model &a_, &b_;
  const CompareOptions& options_;
  Runner runner_;
  Alignment alignment_;
  std::vector<size_t> input_of_b_;  ///< A's input for each of B's
  std::vector<Pair> pairs_;         ///< inputs, layers, outputs
  size_t inputs_ = 0, layers_ = 0;  ///< where layers and outputs begin
  std::vector<LayerDifference> differences_;
  std::vector<std::vector<float>> factors_;  ///< by pair: B's values are so many times A's
  std::vector<int32_t> cuts_;                ///< B's tensors behind which `isolated_` is cut
  std::unique_ptr<IsolatedModel> isolated_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<PairSums> sums_, own_, rounding_;
  bool ran_alone_ = false;
  NetworkComparison comparison_;
};

}  // namespace

NetworkComparison compare(const Model& a, const Model& b, const SampleSource& samples,
                          const CompareOptions& options) {
  if (samples.size() == 0) throw Failure("there are no samples to compare on");
  return Comparer(a, b, options).run(samples);
}

}  // namespace cygnet
