// SPDX-License-Identifier: Apache-2.0
#include "quantize/compare.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <numeric>

#include "cli/commands.h"
#include "cli/compare_page.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/layer_tables.h"
#include "cli/output.h"
#include "quantize/random_samples.h"

namespace cygnet::cli {
namespace {

constexpr size_t kRandomSamples = 8;
/// Columns of a layer's name in the table.

// ---- Order

/// The indices of layers in the order that --sort asks for, the worst first.
std::vector<size_t> sorted(const std::vector<LayerDifference>& layers, const std::string& by) {
  std::vector<size_t> order(layers.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](size_t i) {
    const LayerDifference& d = layers[i];
    if (by == "sqnr") return d.sqnr_db;
    if (by == "own") return std::isnan(d.own_sqnr_db) ? HUGE_VAL : d.own_sqnr_db;
    if (by == "error") return -d.largest;
    return -d.time_b_us;
  };
  if (by != "order")
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t x, size_t y) { return key(x) < key(y); });
  return order;
}

// ---- Text

std::string decibels(double db) {
  if (std::isnan(db)) return "";
  if (std::isinf(db)) return db > 0 ? "equal" : "-inf";
  return number(std::round(db * 10) / 10, 4);
}

/// " (6 x)" where B's values are meant to be 6 times A's.
std::string factor(const LayerDifference& d) {
  if (d.factors.empty()) return "";
  return d.factors.size() == 1 ? text(" (", number(d.factors[0], 3), " x)") : " (by channel)";
}

std::string types(const LayerDifference& d) {
  return d.type_a == d.type_b ? type_name(d.type_a)
                              : text(type_name(d.type_a), " > ", type_name(d.type_b));
}

std::string mark(const NetworkComparison& c, const std::vector<LayerDifference>& list, size_t i) {
  if (&list == &c.layers && static_cast<int>(i) == c.first_wrong) return "FIRST";
  return list[i].wrong.empty() ? "" : "wrong";
}

std::string percent(double share) {
  return share == 0 ? "" : number(share * 100, 3);
}
std::string micros(double us) {
  return us == 0 ? "" : number(us, 4);
}

void print_layers(const NetworkComparison& c, const std::vector<LayerDifference>& list,
                  const std::string& sort, bool times) {
  std::vector<std::string> titles = {"",      ">#",         "layer",     "operator",
                                     "type",  ">SQNR dB",   ">own dB",   ">max error",
                                     ">mean", ">cut off %", ">overlap %"};
  if (times) titles.insert(titles.end(), {">us A", ">us B", "with"});
  Table table(titles);
  for (const size_t i : sorted(list, sort)) {
    const LayerDifference& d = list[i];
    std::vector<std::string> row = {mark(c, list, i),
                                    text(i),
                                    short_name(d.layer.name),
                                    text(kinds(d.layer), factor(d)),
                                    types(d),
                                    d.elements == 0 ? "" : decibels(d.sqnr_db),
                                    decibels(d.own_sqnr_db),
                                    number(d.largest, 3),
                                    number(d.mean, 3),
                                    percent(d.saturated),
                                    number(d.overlap * 100, 3)};
    if (times) {
      row.push_back(micros(d.time_a_us));
      row.push_back(micros(d.time_b_us));
      row.push_back(d.timed_with < 0 ? "" : text("with ", d.timed_with));
    }
    table.add(std::move(row));
  }
  table.print();
}

void print_accuracy(const NetworkComparison& c) {
  if (c.agreement) std::cout << "Same class: " << number(*c.agreement * 100, 4) << " %\n";
  const Accuracy &a = c.accuracy_a, &b = c.accuracy_b;
  Table table({"", ">A", ">B"});
  const auto add = [&](const char* what, double x, double y) {
    table.add({what, number(x * 100, 4) + " %", number(y * 100, 4) + " %"});
  };
  if (a.samples > 0) {
    add("top-1", a.top1, b.top1);
    add("top-5", a.top5, b.top5);
  }
  if (a.mean_iou && b.mean_iou) add("mean IoU", *a.mean_iou, *b.mean_iou);
  if (!table.empty()) table.print();
}

void print(const NetworkComparison& c, const CompareFlags& flags) {
  std::cout << printable(c.verdict) << "\n";
  std::cout << c.samples << (c.samples == 1 ? " sample, " : " samples, ") << c.layers.size()
            << " tensors in common";
  if (c.only_a + c.only_b > 0)
    std::cout << "; without a partner: " << c.only_a << " of A, " << c.only_b << " of B";
  std::cout << "\n";
  print_accuracy(c);
  std::cout << "\n";
  print_layers(c, c.layers, flags.sort, c.time_a_us > 0);
  std::cout << "\nOutputs\n";
  print_layers(c, c.outputs, "order", false);
  bool titled = false;
  for (size_t i = 0; i < c.layers.size(); ++i) {
    if (c.layers[i].wrong.empty()) continue;
    if (!titled) std::cout << "\nWhat goes wrong\n";
    titled = true;
    std::cout << "  " << i << " " << printable(c.layers[i].layer.name) << ": "
              << printable(c.layers[i].wrong) << "\n";
  }
  print_slower("A", "B", c.time_a_us, c.time_b_us, c.slower);
}

// ---- JSON

/// A number, or null where there is none; "equal" and "-inf" have no number.
Json json_db(double db) {
  return std::isfinite(db) ? Json(db) : Json();
}

Json to_json(const LayerDifference& d) {
  Json::List shape, bins_a, bins_b, factors;
  for (const float factor : d.factors) factors.emplace_back(double{factor});
  for (const int32_t n : d.shape) shape.emplace_back(n);
  for (const int64_t n : d.histogram.a) bins_a.emplace_back(n);
  for (const int64_t n : d.histogram.b) bins_b.emplace_back(n);
  Json::Object json = {{"name", d.layer.name},
                       {"operator_a", d.layer.kind_a},
                       {"operator_b", d.layer.kind_b},
                       {"node_a", int64_t{d.layer.node_a}},
                       {"node_b", int64_t{d.layer.node_b}},
                       {"by_name", d.layer.by_name},
                       {"type_a", type_name(d.type_a)},
                       {"type_b", type_name(d.type_b)},
                       {"shape", std::move(shape)},
                       {"factors", std::move(factors)},
                       {"elements", d.elements},
                       {"equal", d.elements > 0 && d.sqnr_db > 0 && std::isinf(d.sqnr_db)},
                       {"sqnr_db", json_db(d.sqnr_db)},
                       {"own_sqnr_db", json_db(d.own_sqnr_db)},
                       {"rounding_sqnr_db", json_db(d.rounding_sqnr_db)},
                       {"max_error", d.largest},
                       {"mean_error", d.mean},
                       {"bias", d.bias},
                       {"saturated", d.saturated},
                       {"overlap", d.overlap},
                       {"min_a", d.min_a},
                       {"max_a", d.max_a},
                       {"min_b", d.min_b},
                       {"max_b", d.max_b},
                       {"scale_b", d.range_b.scale > 0 ? Json(d.range_b.scale) : Json()},
                       {"not_finite_a", d.not_finite_a},
                       {"not_finite_b", d.not_finite_b},
                       {"other_shape", d.other_shape},
                       {"wrong", d.wrong.empty() ? Json() : Json(d.wrong)},
                       {"histogram", Json::Object{{"from", d.histogram.from},
                                                  {"width", d.histogram.width},
                                                  {"a", std::move(bins_a)},
                                                  {"b", std::move(bins_b)}}}};
  if (d.time_a_us > 0 || d.time_b_us > 0 || d.timed_with >= 0) {
    json.emplace_back("time_a_us", d.time_a_us);
    json.emplace_back("time_b_us", d.time_b_us);
    json.emplace_back("timed_with", d.timed_with < 0 ? Json() : Json(d.timed_with));
  }
  return json;
}

Json to_json(const ComparedModel& model, double time_us, const Accuracy& accuracy) {
  Json::Object json = {{"model", model.path},
                       {"bytes", model.bytes},
                       {"operators", model.operators},
                       {"time_us", time_us > 0 ? Json(time_us) : Json()}};
  if (accuracy.samples > 0) {
    json.emplace_back("labelled", accuracy.samples);
    json.emplace_back("top1", accuracy.top1);
    json.emplace_back("top5", accuracy.top5);
  }
  if (accuracy.mean_iou) json.emplace_back("mean_iou", *accuracy.mean_iou);
  return json;
}

Json to_json(const ComparedModel& a, const ComparedModel& b, const NetworkComparison& c) {
  Json::List layers, outputs, slower;
  for (const LayerDifference& d : c.layers) layers.push_back(to_json(d));
  for (const LayerDifference& d : c.outputs) outputs.push_back(to_json(d));
  for (const SlowLayer& slow : c.slower)
    slower.push_back(Json::Object{{"name", slow.layer.name},
                                  {"operator_a", slow.layer.kind_a},
                                  {"operator_b", slow.layer.kind_b},
                                  {"more_layers", slow.more},
                                  {"time_a_us", slow.a_us},
                                  {"time_b_us", slow.b_us}});
  return Json::Object{{"verdict", c.verdict},
                      {"first_wrong", c.first_wrong < 0 ? Json() : Json(c.first_wrong)},
                      {"samples", static_cast<int64_t>(c.samples)},
                      {"agreement", c.agreement ? Json(*c.agreement) : Json()},
                      {"a", to_json(a, c.time_a_us, c.accuracy_a)},
                      {"b", to_json(b, c.time_b_us, c.accuracy_b)},
                      {"only_a", c.only_a},
                      {"only_b", c.only_b},
                      {"least_own_sqnr_db", c.least_db},
                      {"layers", std::move(layers)},
                      {"outputs", std::move(outputs)},
                      {"slower", std::move(slower)}};
}

// ---- Models and samples

ComparedModel facts(const Model& model) {
  return {model.path(), static_cast<int64_t>(model.bytes()),
          static_cast<int>(model.graph().subgraphs[0].nodes.size())};
}

std::unique_ptr<Model> load(const std::string& path, const CompareFlags& flags) {
  ModelFlags model;
  model.model = path;
  model.limits = flags.limits;
  return load_model(model);
}

}  // namespace

void compare(const CompareFlags& flags) {
  const std::unique_ptr<Model> a = load(flags.model_a, flags), b = load(flags.model_b, flags);
  if (!flags.html.empty()) check_writable(flags.html);
  std::unique_ptr<FileSamples> files;
  std::unique_ptr<SampleList> random;
  if (flags.samples.given())
    files = open_samples(flags.samples, a->graph(), flags.model_a);
  else
    random = std::make_unique<SampleList>(
        random_samples(a->graph(), &b->graph(), kRandomSamples, flags.seed));
  const SampleSource& samples = files ? static_cast<const SampleSource&>(*files) : *random;
  NetworkComparison comparison;
  {
    Progress progress("compare", static_cast<int64_t>(samples.size()));
    CompareOptions options;
    options.threads = flags.threads;
    options.times = !flags.no_times;
    options.progress = [&](size_t done) { progress.update(static_cast<int64_t>(done)); };
    comparison = cygnet::compare(*a, *b, samples, options);
  }
  if (files) files->report_unreadable();
  const ComparedModel of_a = facts(*a), of_b = facts(*b);
  if (!flags.html.empty()) {
    const std::string page = compare_page(of_a, of_b, comparison);
    write_file(flags.html, {reinterpret_cast<const uint8_t*>(page.data()), page.size()});
  }
  if (flags.json)
    print_json(to_json(of_a, of_b, comparison));
  else
    print(comparison, flags);
}

}  // namespace cygnet::cli
