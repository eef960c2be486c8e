// SPDX-License-Identifier: Apache-2.0
#include "cli/quantize_run.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "cli/failure.h"
#include "cli/files.h"
#include "cli/layer_tables.h"

namespace cygnet::cli {
namespace {

Type type_named(const std::string& name, const char* flag) {
  if (name.empty() || name == "float" || name == "float32") return Type::float32;
  if (name == "int8") return Type::int8;
  if (name == "uint8") return Type::uint8;
  if (name == "int16") return Type::int16;
  throw Failure(text(flag, ": expected float, int8, uint8 or int16, got '", name, "'"));
}

Extra extra_named(const std::string& name) {
  return name == "off" ? Extra::off : name == "on" ? Extra::on : Extra::measured;
}

/// "1%" or "0.01".
double share(const std::string& word) {
  char* end = nullptr;
  double value = std::strtod(word.c_str(), &end);
  const bool percent = end != word.c_str() && *end == '%';
  if (percent) value /= 100;
  if (end == word.c_str() || *(end + (percent ? 1 : 0)) != '\0' || !(value >= 0 && value <= 1))
    throw Failure(text("--max-drop: expected a share such as 1% or 0.01, got '", word, "'"));
  return value;
}

void check_types(QuantizeMode mode, const IntegerOptions& o) {
  const auto fits = [&](Type type) {
    if (type == Type::float32) return true;
    if (mode == QuantizeMode::int16x8) return type == Type::int16;
    return mode == QuantizeMode::int8 && type != Type::int16;
  };
  for (Type type : {o.inputs, o.outputs})
    if (!fits(type))
      throw Failure(
          text("--io: ", name_of(mode), " has no inputs or outputs of ", type_name(type)));
}

std::string decibels(double db) {
  return std::isinf(db) ? "equal" : text(number(db, 4), " dB");
}

std::string percent(double share) {
  return text(number(100 * share, 4), " %");
}

/// The most sensitive layers: those that stay float, and some after them.
void print_layers(const std::vector<Sensitivity>& layers) {
  if (layers.empty()) return;
  constexpr size_t kMore = 5;
  const auto stay = static_cast<size_t>(std::count_if(
      layers.begin(), layers.end(), [](const Sensitivity& s) { return s.stays_float; }));
  std::cout << '\n'
            << stay << " of " << layers.size()
            << " layers stay float; outputs when a layer alone is quantized:\n";
  Table table({"operator", "result", ">outputs", ""});
  size_t others = 0, shown = 0;
  for (const Sensitivity& s : layers) {
    if (!s.stays_float && ++others > kMore) continue;
    table.add({s.kind, short_name(s.name), decibels(s.sqnr_db), s.stays_float ? "float" : ""});
    ++shown;
  }
  table.print(2);
  if (shown < layers.size()) std::cout << "  ... and " << layers.size() - shown << " more\n";
}

Json to_json(const OutputError& e) {
  Json::Object object = {{"sqnr_db", e.sqnr_db},
                         {"largest_error", e.largest},
                         {"same_class", e.agreement},
                         {"rows", e.rows}};
  if (e.accuracy >= 0) object.emplace_back("accuracy", e.accuracy);
  return object;
}

}  // namespace

QuantizeRun::QuantizeRun(const QuantizeFlags& flags, const std::string& output)
    : flags_(flags), statistics_only_(output.empty()) {
  const auto mode = quantize_mode(flags.mode);
  if (!mode) throw Failure(text("no way to quantize is called '", flags.mode, "'"));
  options_.mode = *mode;
  const auto method = range_method(flags.ranges);
  if (!method) throw Failure(text("--ranges: no method is called '", flags.ranges, "'"));
  options_.ranges.method = *method;
  options_.ranges.percentile = flags.percentile;
  options_.integer.inputs =
      type_named(flags.input_type.empty() ? flags.io : flags.input_type, "--input-type");
  options_.integer.outputs =
      type_named(flags.output_type.empty() ? flags.io : flags.output_type, "--output-type");
  check_types(*mode, options_.integer);
  if (flags.weights == "int4") options_.integer.weights = Type::int4;
  options_.integer.per_channel = options_.hybrid.per_channel = !flags.per_tensor;
  options_.hybrid.least_elements = flags.least_elements;
  options_.excluded = flags.keep_float;
  options_.excluded_kinds.insert(flags.keep_float_kinds.begin(), flags.keep_float_kinds.end());
  options_.bias_correction = extra_named(flags.bias_correction);
  options_.equalization = extra_named(flags.equalization);
  if (!flags.max_drop.empty()) options_.max_drop = share(flags.max_drop);
  if (options_.max_drop && !flags.samples.given())
    throw Failure("--max-drop: measuring takes samples (--data)");
  options_.threads = flags.threads;
  options_.times = flags.times;
  options_.keep_histograms = !flags.save_statistics.empty();
  options_.measured_samples = static_cast<size_t>(flags.measured_samples);
  if (statistics_only_ && flags.save_statistics.empty())
    throw Failure("quantize: say what to write, -o OUT.tflite or --save-statistics FILE");
  if (!flags.save_statistics.empty()) check_writable(flags.save_statistics);
  for (const std::string& path : flags.statistics) {
    const Statistics more = load_statistics(path);
    if (!statistics_) statistics_.emplace();
    statistics_->merge(more);
  }
}

std::unique_ptr<SampleSource> QuantizeRun::open(const Draft& draft) {
  if (!flags_.samples.given()) return nullptr;
  graph_ = draft.graph;
  return open_samples(flags_.samples, graph_, draft.source);
}

void QuantizeRun::put_into(ConvertOptions* options) {
  if (statistics_) options_.statistics = &*statistics_;
  options_.progress = [this, options](const char* what, size_t done, size_t all) {
    if (shown_ != what || all == 0) progress_.reset();
    if (all == 0 && options->notify) options->notify(what);
    if (all == 0) return;
    if (progress_ == nullptr) progress_ = std::make_unique<Progress>(what, all);
    shown_ = what;
    progress_->update(static_cast<int64_t>(done));
  };
  options->quantize = options_;
  options->statistics_only = statistics_only_;
  options->open_samples = [this](const Draft& draft) { return open(draft); };
}

void QuantizeRun::finish(const Conversion& conversion) const {
  if (!flags_.save_statistics.empty())
    save_statistics(conversion.quantized->statistics, flags_.save_statistics);
}

void QuantizeRun::print(const Conversion& c) const {
  const QuantizeReport& r = *c.quantized;
  if (statistics_only_) {
    std::cout << "statistics of " << r.statistics.tensors.size() << " tensors over "
              << r.statistics.samples << " samples: " << flags_.save_statistics << '\n';
    return;
  }
  Table trials({"tried", r.before_functions ? ">before the last function" : ">outputs",
                ">largest error", ">same class", ""});
  for (const Trial& t : r.trials)
    trials.add({t.name, decibels(t.error.sqnr_db), number(t.error.largest, 3),
                percent(t.error.agreement), t.kept ? "kept" : ""});
  if (!trials.empty()) {
    std::cout << '\n';
    trials.print();
  }
  print_layers(r.layers);
  std::cout << '\n';
  if (r.error) {
    std::cout << flags_.mode << ": outputs " << decibels(r.error->sqnr_db)
              << " beside the float network's, same class in " << percent(r.error->agreement)
              << " of " << r.error->rows << " rows\n";
    if (r.error->accuracy >= 0)
      std::cout << "right: " << percent(r.error->accuracy) << ", the float network "
                << percent(r.float_accuracy) << '\n';
  }
  if (!r.integer.left.empty()) {
    const size_t count = r.integer.left.size();
    std::cout << count << (count == 1 ? " operator stays float:\n" : " operators stay float:\n");
    Table left({"operator", "result", "why"});
    for (const FloatOperator& f : r.integer.left) left.add({f.kind, short_name(f.name), f.reason});
    left.print(2);
  }
  print_slower("float", flags_.mode, r.float_us, r.quantized_us, r.slower);
}

Json QuantizeRun::to_json(const Conversion& c) const {
  const QuantizeReport& r = *c.quantized;
  Json::List trials, left;
  for (const Trial& t : r.trials) {
    Json entry = cli::to_json(t.error);
    auto& object = std::get<Json::Object>(entry.value);
    object.emplace(object.begin(), "name", t.name);
    object.emplace_back("kept", t.kept);
    trials.push_back(std::move(entry));
  }
  Json::List layers;
  for (const Sensitivity& l : r.layers)
    layers.emplace_back(Json::Object{{"operator", l.kind},
                                     {"result", l.name},
                                     {"sqnr_db_alone", l.sqnr_db},
                                     {"stays_float", l.stays_float}});
  for (const FloatOperator& f : r.integer.left)
    left.emplace_back(Json::Object{{"operator", f.kind}, {"result", f.name}, {"reason", f.reason}});
  Json::Object object = {{"mode", flags_.mode},
                         {"samples", r.calibrated},
                         {"trained_ranges", r.trained},
                         {"float_bytes", c.float_bytes},
                         {"integer_operators", r.integer.integer},
                         {"requantized", r.integer.requantized},
                         {"smaller_constants", r.hybrid.quantized},
                         {"float_constants", r.hybrid.kept},
                         {"stay_float", std::move(left)},
                         {"tried", std::move(trials)},
                         {"layers", std::move(layers)},
                         {"quantize_ms", c.quantize_ms}};
  if (r.float_us > 0) {
    Json::List slower;
    for (const SlowLayer& slow : r.slower)
      slower.emplace_back(Json::Object{{"result", slow.layer.name},
                                       {"operator", slow.layer.kind_a},
                                       {"float_us", slow.a_us},
                                       {"quantized_us", slow.b_us}});
    object.emplace_back("float_us", r.float_us);
    object.emplace_back("quantized_us", r.quantized_us);
    object.emplace_back("slower", std::move(slower));
  }
  if (r.error) object.emplace_back("error", cli::to_json(*r.error));
  if (r.float_accuracy >= 0) object.emplace_back("float_accuracy", r.float_accuracy);
  return object;
}

}  // namespace cygnet::cli
