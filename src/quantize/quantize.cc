// SPDX-License-Identifier: Apache-2.0
#include "quantize/quantize.h"

#include <fnmatch.h>

#include <algorithm>
#include <sstream>

#include "quantize/affine.h"
#include "quantize/calibrate.h"
#include "quantize/equalize.h"
#include "quantize/random_samples.h"

namespace cygnet {
namespace {

struct ModeName {
  QuantizeMode mode;
  const char* name;
};
constexpr ModeName kModes[] = {{QuantizeMode::dynamic, "dynamic"},
                               {QuantizeMode::float16, "float16"},
                               {QuantizeMode::int8, "int8"},
                               {QuantizeMode::int16x8, "int16x8"},
                               {QuantizeMode::int4, "int4"}};

bool holds_quantized(const GraphTensor& t) {
  const bool integer = t.type == Type::int8 || t.type == Type::uint8 || t.type == Type::int16 ||
                       t.type == Type::int4 || t.type == Type::int2;
  return integer && t.quantization.count > 0;
}

void refuse_quantized(const Draft& draft) {
  for (const GraphTensor& t : draft.graph.subgraphs[0].tensors)
    if (holds_quantized(t))
      throw Failure(text(draft.source, ": the network is quantized already (tensor '",
                         t.name.substr(0, t.name.find(';')), "' is ", type_name(t.type),
                         " with scale ", t.quantization.scale(),
                         "); quantize the float network that it was made of"));
}

// Whether a name, or one of those that fusing has joined with ';', is what the pattern describes.
bool matches(const std::string& name, const std::string& pattern) {
  if (name == pattern || fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return true;
  std::istringstream parts(name);
  for (std::string part; std::getline(parts, part, ';');)
    if (!part.empty() && fnmatch(pattern.c_str(), part.c_str(), 0) == 0) return true;
  return false;
}

// Results of layers that the patterns name.
std::set<std::string> matching(const Draft& draft, const std::vector<std::string>& patterns) {
  std::set<std::string> names;
  for (const std::string& pattern : patterns) {
    bool any = false;
    for (const Node& n : draft.graph.subgraphs[0].nodes) {
      if (n.outputs.empty()) continue;
      const std::string name(draft.graph.subgraphs[0].tensors[n.outputs[0]].name);
      if (!matches(name, pattern)) continue;
      names.insert(name);
      any = true;
    }
    if (!any)
      throw Failure(text(draft.source, ": no layer's result is called '", pattern,
                         "'; cygnet inspect shows their names"));
  }
  return names;
}

void check_kinds(const Draft& draft, const std::set<std::string>& kinds) {
  for (const std::string& kind : kinds) {
    const auto& nodes = draft.graph.subgraphs[0].nodes;
    if (std::none_of(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == kind; }))
      throw Failure(text(draft.source, ": has no operator ", kind));
  }
}

class Quantizer {
 public:
  Quantizer(Draft& draft, const OpRegistry& registry, const QuantizeOptions& options)
      : draft_(draft), registry_(registry), options_(options) {}

  QuantizeReport run() {
    // What is to be met is what training computed, its roundings included.
    if (is_integer(options_.mode) && has_trained_ranges(draft_)) measure_float();
    prepare();
    const OutputReference* reference = measure_float();
    if (is_integer(options_.mode))
      make_integers(reference);
    else
      make_fewer_bits(reference);
    if (reference != nullptr && !report_.error) {
      tell("measuring", 0, 0);
      report_.error = reference->error_of(draft_.graph);
    }
    if (options_.times) measure_times();
    return std::move(report_);
  }

  Statistics statistics_alone() {
    prepare();
    calibrate_all();
    return std::move(report_.statistics);
  }

 private:
  void tell(const char* what, size_t done, size_t all) const {
    if (options_.progress) options_.progress(what, done, all);
  }

  void prepare() {
    if (draft_.graph.subgraphs.empty() || draft_.graph.subgraphs[0].nodes.empty())
      throw Failure(text(draft_.source, ": has no operators to quantize"));
    if (is_integer(options_.mode) && has_trained_ranges(draft_)) {
      findings_.trained = take_trained_ranges(draft_, registry_);
      report_.trained = true;
    }
    refuse_quantized(draft_);
    check_kinds(draft_, options_.excluded_kinds);
    if (is_integer(options_.mode) && !report_.trained) affine_to_depthwise(draft_, registry_);
    excluded_ = matching(draft_, options_.excluded);
  }

  const OutputReference* measure_float() {
    if (reference_) return &*reference_;
    if (options_.samples == nullptr || options_.samples->size() == 0) return nullptr;
    tell("running the float network", 0, 0);
    reference_.emplace(draft_.graph, draft_.source, *options_.samples, options_.measured_samples,
                       options_.threads);
    report_.float_accuracy = reference_->accuracy();
    return &*reference_;
  }

  CalibrateOptions calibration() const {
    CalibrateOptions o;
    o.threads = options_.threads;
    o.histograms = options_.keep_histograms ||
                   (is_integer(options_.mode) && options_.ranges.method != RangeMethod::min_max &&
                    options_.ranges.method != RangeMethod::moving_average);
    o.progress = [this](size_t done) { tell("calibrating", done, options_.samples->size()); };
    return o;
  }

  void calibrate_all() {
    Statistics& all = report_.statistics;
    if (options_.statistics != nullptr) all = *options_.statistics;
    if (options_.samples != nullptr && options_.samples->size() > 0) {
      all.merge(calibrate(draft_, *options_.samples, calibration()));
    }
    report_.calibrated = all.samples;
    if (all.samples == 0 && !report_.trained)
      throw Failure(text(draft_.source, ": ", name_of(options_.mode),
                         " needs samples of what the network will see (--data), or statistics of "
                         "them (--statistics)"));
  }

  std::map<int32_t, Interval> intervals(RangeMethod method) {
    RangeOptions ranges = options_.ranges;
    ranges.method = method;
    if (options_.mode == QuantizeMode::int16x8) {
      ranges.bits = 16;
      ranges.symmetric = true;
    }
    std::map<int32_t, Interval> result;
    const auto& tensors = draft_.graph.subgraphs[0].tensors;
    const std::vector<std::string> names = statistics_names(draft_.graph.subgraphs[0]);
    size_t unknown = 0;
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (tensors[i].constant || tensors[i].type != Type::float32) continue;
      const auto seen = report_.statistics.tensors.find(names[i]);
      if (seen == report_.statistics.tensors.end()) {
        unknown += tensors[i].variable ? 0 : 1;
        continue;
      }
      RangeOptions own = ranges;
      if (tensors[i].variable) own.method = RangeMethod::min_max;  // a state is never clipped
      const auto [known, fresh] = intervals_.try_emplace({own.method, names[i]});
      if (fresh) known->second = choose_range(seen->second, own);
      result[static_cast<int32_t>(i)] = known->second;
    }
    if (unknown > result.size() && !report_.trained)
      throw Failure(text(draft_.source, ": the statistics are of another network: of ",
                         result.size() + unknown, " tensors they know ", result.size()));
    // Trained for integers of another width: the range holds nevertheless.
    const Type wanted = integer_options().activations;
    for (const auto& [i, type] : findings_.trained)
      if (!tensors[static_cast<size_t>(i)].constant && type.type != wanted)
        result[i] = interval_of(type);
    return result;
  }

  std::map<int32_t, std::vector<double>> channel_means() const {
    std::map<int32_t, std::vector<double>> means;
    const std::vector<std::string> names = statistics_names(draft_.graph.subgraphs[0]);
    for (size_t i = 0; i < names.size(); ++i) {
      const auto seen = report_.statistics.tensors.find(names[i]);
      if (seen == report_.statistics.tensors.end() || seen->second.channel_count == 0) continue;
      std::vector<double>& list = means[static_cast<int32_t>(i)];
      for (double sum : seen->second.channel_sums)
        list.push_back(sum / static_cast<double>(seen->second.channel_count));
    }
    return means;
  }

  IntegerOptions integer_options() const {
    IntegerOptions o = options_.integer;
    o.activations = options_.mode == QuantizeMode::int16x8 ? Type::int16 : Type::int8;
    o.excluded = excluded_;
    o.excluded_kinds = options_.excluded_kinds;
    return o;
  }

  // ---- The integer modes

  void make_integers(const OutputReference* reference) {
    if (!report_.trained || options_.samples != nullptr || options_.statistics != nullptr)
      calibrate_all();
    IntegerOptions integer = integer_options();
    if (report_.trained || reference == nullptr) {  // nothing to choose between, or by
      findings_.seen = intervals(options_.ranges.method);
      if (options_.bias_correction == Extra::on) findings_.means = channel_means();
    } else {
      report_.before_functions = ends_in_functions(draft_.graph);
      choose(*reference, integer);
    }
    if (report_.before_functions) report_.error.reset();  // that of the outputs is still to come
    if (options_.max_drop && reference != nullptr) keep_float(*reference, integer);
    tell("writing integers", 0, 0);
    floats_ = draft_.borrow();
    report_.integer = make_integer(draft_, registry_, findings_, integer);
    for (FloatOperator& f : report_.integer.left)
      if (!excluded_.contains(f.name) && integer.excluded.contains(f.name))
        f.reason = "keeps the accuracy";
    if (!options_.max_drop) shrink_recurrent(integer);
  }

  // Recurrent layers that stay float have 8-bit weights at least, as in mode dynamic.
  void shrink_recurrent(const IntegerOptions& integer) {
    HybridOptions hybrid = options_.hybrid;
    hybrid.weights = Type::int8;
    hybrid.recurrent_alone = true;
    hybrid.excluded_kinds = integer.excluded_kinds;
    const auto inside = [](const std::string& name) { return name + "_float"; };  // of outputs
    for (const std::string& name : integer.excluded) {
      hybrid.excluded.insert(name);
      hybrid.excluded.insert(inside(name));
    }
    report_.hybrid = make_hybrid(draft_, registry_, hybrid);
    if (report_.hybrid.layers.empty()) return;
    report_.error.reset();  // measured once it is made
    for (FloatOperator& f : report_.integer.left)
      if (report_.hybrid.layers.contains({f.kind, f.name}) ||
          report_.hybrid.layers.contains({f.kind, inside(f.name)}))
        f.reason += "; its weights are int8";
  }

  // Tries ranges, then what may be done besides; keeps what brings the outputs closest.
  void choose(const OutputReference& reference, const IntegerOptions& integer) {
    std::vector<RangeMethod> methods = {options_.ranges.method};
    if (options_.ranges.method == RangeMethod::automatic)
      methods = {RangeMethod::min_max, RangeMethod::automatic};
    if (options_.mode == QuantizeMode::int16x8) methods = {RangeMethod::min_max};
    for (RangeMethod method : methods) {
      TensorFindings findings;
      findings.seen = intervals(method);
      attempt(text("ranges by ", name_of(method)), std::move(findings), reference, integer);
      if (report_.trials.back().kept) method_ = method;
    }
    if (options_.bias_correction != Extra::off) {
      TensorFindings findings = findings_;
      findings.means = channel_means();
      attempt("bias correction", std::move(findings), reference, integer,
              options_.bias_correction == Extra::on);
    }
    if (options_.equalization != Extra::off) try_equalization(reference, integer);
  }

  // Channels evened out between layers, with ranges found anew.
  void try_equalization(const OutputReference& reference, const IntegerOptions& integer) {
    if (options_.samples == nullptr) return;
    auto before = std::make_shared<Draft>(std::move(draft_));
    draft_ = before->borrow();
    draft_.hold(before);
    tell("evening out channels", 0, 0);
    const std::vector<int32_t> changed =
        equalize(draft_, registry_, *options_.samples, options_.threads);
    // What is saved is of the network as it was given.
    const Statistics statistics = report_.statistics;
    bool kept = false;
    if (!changed.empty()) {
      calibrate_again(changed);
      TensorFindings findings;
      findings.seen = intervals(method_);
      if (!findings_.means.empty()) findings.means = channel_means();
      attempt(text("equalization of ", changed.size(), " pairs"), std::move(findings), reference,
              integer, options_.equalization == Extra::on);
      kept = report_.trials.back().kept;
    }
    report_.statistics = statistics;
    intervals_.clear();
    if (!kept) draft_ = std::move(*before);
  }

  // Statistics of some tensors, which hold other values now.
  void calibrate_again(const std::vector<int32_t>& changed) {
    const std::vector<std::string> names = statistics_names(draft_.graph.subgraphs[0]);
    CalibrateOptions some = calibration();
    for (int32_t i : changed) some.only.insert(names[static_cast<size_t>(i)]);
    for (auto& [name, found] : calibrate(draft_, *options_.samples, some).tensors) {
      report_.statistics.tensors[name] = std::move(found);
      intervals_.erase({method_, name});
    }
  }

  void keep_float(const OutputReference& reference, IntegerOptions& integer) {
    MixedOptions mixed;
    mixed.max_drop = *options_.max_drop;
    mixed.progress = [&](size_t done, size_t all) { tell("measuring layers", done, all); };
    report_.layers = keep_accuracy(draft_, registry_, findings_, integer, reference, mixed);
    for (const Sensitivity& s : report_.layers)
      if (s.stays_float) integer.excluded.insert(s.name);
    if (!report_.layers.empty()) report_.error.reset();  // measured once it is made
  }

  void attempt(const std::string& name, TensorFindings findings, const OutputReference& reference,
               const IntegerOptions& integer, bool always = false) {
    tell(name.c_str(), 0, 0);
    Draft trial = draft_.borrow();
    make_integer(trial, registry_, findings, integer);
    if (judge(name, reference.error_of(trial.graph, report_.before_functions), always))
      findings_ = std::move(findings);
  }

  // Whether a trial is the best so far, or kept whatever it brings.
  bool judge(const std::string& name, const OutputError& error, bool always) {
    const bool better = always || !report_.error || error.sqnr_db > report_.error->sqnr_db;
    report_.trials.push_back({name, error, better});
    if (better) report_.error = error;
    return better;
  }

  // ---- What it gains

  void measure_times() {
    tell("measuring times", 0, 0);
    Model before, after;
    load(floats_.graph, before);
    load(draft_.graph, after);
    std::optional<Sample> sample;
    if (options_.samples != nullptr)
      for (size_t i = 0; !sample && i < options_.samples->size(); ++i)
        sample = options_.samples->read(i);
    if (!sample) sample = random_samples(floats_.graph, nullptr, 1, 1)[0];
    const std::vector<AlignedLayer> layers = align(before.graph(), after.graph()).layers;
    constexpr double kSeconds = 0.25;
    const NetworkTimes times = measure_layers(before, after, layers, *sample, *sample, 1, kSeconds);
    report_.float_us = times.whole_a_us;
    report_.quantized_us = times.whole_b_us;
    report_.slower = slower_layers(layers, times);
  }

  void load(const Graph& graph, Model& model) const {
    Graph copy = graph;
    check(Model::from_graph(std::move(copy), draft_.source.c_str(), Limits::standard(), &model));
  }

  // ---- The others

  void make_fewer_bits(const OutputReference* reference) {
    HybridOptions hybrid = options_.hybrid;
    hybrid.weights = options_.mode == QuantizeMode::float16 ? Type::float16
                     : options_.mode == QuantizeMode::int4  ? Type::int4
                                                            : Type::int8;
    hybrid.excluded = excluded_;
    hybrid.excluded_kinds = options_.excluded_kinds;
    if (reference != nullptr && hybrid.weights != Type::float16 &&
        options_.bias_correction != Extra::off)
      choose_bias(*reference, hybrid);
    floats_ = draft_.borrow();
    report_.hybrid = make_hybrid(draft_, registry_, hybrid);
  }

  // Whether what rounding the weights adds on average is taken off.
  void choose_bias(const OutputReference& reference, HybridOptions& hybrid) {
    report_.before_functions = ends_in_functions(draft_.graph);
    calibrate_all();
    HybridOptions corrected = hybrid;
    corrected.means = channel_means();
    attempt("weights rounded", hybrid, reference);
    attempt("bias correction", corrected, reference, options_.bias_correction == Extra::on);
    if (report_.trials.back().kept) hybrid = std::move(corrected);
    if (report_.before_functions) report_.error.reset();
  }

  void attempt(const std::string& name, const HybridOptions& hybrid,
               const OutputReference& reference, bool always = false) {
    tell(name.c_str(), 0, 0);
    Draft trial = draft_.borrow();
    make_hybrid(trial, registry_, hybrid);
    judge(name, reference.error_of(trial.graph, report_.before_functions), always);
  }

  Draft& draft_;
  const OpRegistry& registry_;
  const QuantizeOptions& options_;
  QuantizeReport report_;
  std::map<std::pair<RangeMethod, std::string>, Interval> intervals_;  // chosen so far
  TensorFindings findings_;
  RangeMethod method_ = RangeMethod::min_max;  // that findings_ come from
  std::set<std::string> excluded_;
  std::optional<OutputReference> reference_;
  Draft floats_;  // as it was before it was quantized; views draft_'s memory
};

}  // namespace

std::optional<QuantizeMode> quantize_mode(std::string_view name) {
  for (const ModeName& m : kModes)
    if (name == m.name) return m.mode;
  return std::nullopt;
}

const char* name_of(QuantizeMode mode) {
  for (const ModeName& m : kModes)
    if (mode == m.mode) return m.name;
  return "";
}

bool is_integer(QuantizeMode mode) {
  return mode == QuantizeMode::int8 || mode == QuantizeMode::int16x8;
}

QuantizeReport quantize(Draft& draft, const OpRegistry& registry, const QuantizeOptions& options) {
  return Quantizer(draft, registry, options).run();
}

Statistics calibrate_for(Draft& draft, const OpRegistry& registry, const QuantizeOptions& options) {
  return Quantizer(draft, registry, options).statistics_alone();
}

}  // namespace cygnet
