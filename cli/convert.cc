// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/output.h"
#include "cli/quantize_run.h"
#include "cli/verify.h"
#include "convert/convert.h"
#include "ops/builtin_ops.h"

namespace cygnet::cli {
namespace {

/// A size of at least 1, or −1 for one that stays open.
int32_t dimension(const std::string& word, const std::string& where) {
  int32_t d = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, d);
  if (error != std::errc() || stop != end || d < -1 || d == 0)
    throw Failure(text(where, ": '", word, "' is no dimension"));
  return d;
}

/// "name:1x224x224x3" or "name"; "?" and "-1" leave a dimension open.
void parse_input(const std::string& argument, ImportOptions* options) {
  const size_t colon = argument.rfind(':');
  const bool has_shape = colon != std::string::npos && colon + 1 < argument.size() &&
                         argument.find('x', colon) != std::string::npos;
  // "name:0" is a tensor; a shape of one dimension is written "name:[5]".
  const bool bracketed = colon != std::string::npos && argument.compare(colon + 1, 1, "[") == 0;
  const std::string name = argument.substr(0, has_shape || bracketed ? colon : std::string::npos);
  options->inputs.push_back(name);
  if (!has_shape && !bracketed) return;
  std::vector<int32_t>& dims = options->input_shapes[name];
  std::string list = argument.substr(colon + 1);
  for (char& c : list)
    if (c == 'x' || c == '[' || c == ']') c = ' ';
  std::istringstream words(list);
  for (std::string word; words >> word;)
    dims.push_back(word == "?" ? -1 : dimension(word, text("--inputs ", argument)));
}

/// "1,224,224,3:1,10": the shapes of the inputs, in order.
void parse_shapes(const std::string& shapes, ImportOptions* options) {
  std::istringstream lists(shapes);
  size_t k = 0;
  for (std::string list; std::getline(lists, list, ':'); ++k) {
    if (k >= options->inputs.size())
      throw Failure("--input_shapes: more shapes than --input_arrays has names");
    std::vector<int32_t>& dims = options->input_shapes[options->inputs[k]];
    std::istringstream words(list);
    for (std::string word; std::getline(words, word, ',');)
      dims.push_back(dimension(word, "--input_shapes"));
  }
}

ConvertOptions options_of(const ConvertFlags& flags) {
  ConvertOptions options;
  options.import.registry = &builtin_ops();
  if (!Limits::from_name(flags.limits, &options.import.limits))
    throw Failure(text("no limits are called '", flags.limits, "'"));
  options.import.signature = flags.signature;
  options.import.tags = flags.tags;
  options.import.checkpoint = flags.checkpoint;
  options.import.outputs = flags.outputs;
  for (const std::string& input : flags.inputs) parse_input(input, &options.import);
  if (!flags.shapes.empty()) parse_shapes(flags.shapes, &options.import);
  options.import.atrous = flags.atrous == "true" ? Atrous::as_written : Atrous::as_tensorflow;
  options.import.allow_custom = flags.allow_custom;
  options.import.unroll = flags.unroll;
  options.optimize = !flags.no_optimize;
  for (const std::string& name : flags.passes) {
    const auto known = std::any_of(all_passes().begin(), all_passes().end(),
                                   [&](const Pass& p) { return name == text("-", p.name); });
    if (!known)
      throw Failure(text("--passes ", name, ": there is no pass of this name to leave out"));
    options.passes.disabled.insert(name.substr(1));
  }
  return options;
}

void print_sizes(const Conversion& c, const std::string& output) {
  Table sizes({"", ">operators", ">multiply-adds", ">weights", ">file"});
  sizes.add({c.importer->name, text(c.imported.operators), human_count(c.imported.macs),
             human_bytes(c.imported.constant_bytes), human_bytes(c.source_bytes)});
  if (c.quantized)
    sizes.add({"optimized", text(c.optimized.operators), human_count(c.optimized.macs),
               human_bytes(c.optimized.constant_bytes), human_bytes(c.float_bytes)});
  sizes.add({output, text(c.final.operators), human_count(c.final.macs),
             human_bytes(c.final.constant_bytes),
             human_bytes(static_cast<int64_t>(c.file.bytes()))});
  sizes.print();
}

void print_report(const Conversion& c) {
  Table passes({"pass", ">rewrites", ">operators", "what"});
  for (const PassReport& p : c.passes)
    if (p.rewrites > 0)
      passes.add({p.pass->name, text(p.rewrites),
                  text(p.removed_nodes > 0 ? "-" : "+", std::abs(p.removed_nodes)),
                  p.pass->summary});
  if (!passes.empty()) {
    std::cout << '\n';
    passes.print();
  }
  std::cout << "\ntime: "
            << human_time((c.import_ms + c.passes_ms + c.quantize_ms + c.write_ms) / 1000)
            << " (reading " << human_time(c.import_ms / 1000) << ", passes "
            << human_time(c.passes_ms / 1000) << ", ";
  if (c.quantized) std::cout << "quantizing " << human_time(c.quantize_ms / 1000) << ", ";
  std::cout << "writing " << human_time(c.write_ms / 1000) << ")\n";
}

Json to_json(const Conversion& c, const std::vector<Comparison>& comparisons) {
  const auto size = [](const GraphSize& s) {
    Json::Object kinds;
    for (const auto& [name, count] : s.kinds) kinds.emplace_back(name, count);
    return Json::Object{{"operators", s.operators},
                        {"multiply_adds", s.macs},
                        {"constant_bytes", s.constant_bytes},
                        {"kinds", std::move(kinds)}};
  };
  Json::List passes, warnings;
  for (const PassReport& p : c.passes)
    passes.emplace_back(Json::Object{{"name", p.pass->name},
                                     {"rewrites", p.rewrites},
                                     {"operators_removed", p.removed_nodes},
                                     {"ms", p.ms}});
  for (const std::string& w : c.draft.warnings) warnings.emplace_back(w);
  Json::List verified;
  for (const Comparison& v : comparisons)
    verified.emplace_back(
        Json::Object{{"tensor", v.tensor}, {"largest_difference", v.largest}, {"range", v.range}});
  return Json::Object{
      {"source", c.draft.source},        {"format", c.importer->name},
      {"source_bytes", c.source_bytes},  {"imported", size(c.imported)},
      {"optimized", size(c.optimized)},  {"file_bytes", static_cast<int64_t>(c.file.bytes())},
      {"passes", std::move(passes)},     {"warnings", std::move(warnings)},
      {"verified", std::move(verified)}, {"import_ms", c.import_ms},
      {"passes_ms", c.passes_ms},        {"write_ms", c.write_ms}};
}

/// What --verify asks for; empty without it. Throws Failure that names the first tensor that
/// differs.
std::vector<Comparison> compared(const Conversion& c, const ConvertFlags& flags) {
  if (flags.verify.empty()) return {};
  std::vector<Comparison> comparisons = verify(c.file, flags.output, flags.verify, flags.tolerance);
  const auto first = std::find_if(comparisons.begin(), comparisons.end(),
                                  [](const Comparison& v) { return !v.agrees; });
  if (!flags.json || first != comparisons.end()) {
    print(comparisons);
    std::cout << '\n';
  }
  if (first != comparisons.end())
    throw Failure(text("the converted model differs from ", flags.verify, "; the first tensor is '",
                       first->tensor, "' (nothing was written)"));
  return comparisons;
}

/// Refuses outputs that can't be written, and those that would take the place of what is read.
void check_outputs(const ConvertFlags& flags) {
  if (flags.output.empty() && !flags.quantize.save_statistics.empty()) return;
  const auto same = [](const std::string& a, const std::string& b) {
    std::error_code error;
    return a == b || std::filesystem::equivalent(a, b, error);
  };
  check_writable(flags.output);
  for (const std::string& read : {flags.source, flags.verify})
    for (const std::string& written : {flags.output, flags.report})
      if (!read.empty() && !written.empty() && same(read, written))
        throw Failure(text(written, ": would replace what is read"));
  if (flags.report.empty()) return;
  check_writable(flags.report);
  if (same(flags.output, flags.report))
    throw Failure(text(flags.report, ": is to be both the model and the report"));
}

}  // namespace

void convert(const ConvertFlags& flags) {
  if (flags.source.empty()) throw Failure("convert: say what to convert, a file or a folder");
  std::optional<QuantizeRun> quantization;
  if (!flags.quantize.mode.empty()) quantization.emplace(flags.quantize, flags.output);
  check_outputs(flags);
  ConvertOptions options = options_of(flags);
  if (quantization) quantization->put_into(&options);
  StatusLine line("convert");
  options.notify = [&](const char* what) { line.show(what); };
  const Conversion c = cygnet::convert(flags.source, options);
  line.clear();
  if (quantization) quantization->finish(c);
  if (flags.output.empty()) return quantization->print(c);
  for (const std::string& w : c.draft.warnings)
    std::cerr << "cygnet: warning: " << printable(w) << '\n';
  const std::vector<Comparison> comparisons = compared(c, flags);
  write_parts(flags.output, c.file.parts);
  Json report = to_json(c, comparisons);
  if (quantization)
    std::get<Json::Object>(report.value).emplace_back("quantized", quantization->to_json(c));
  if (!flags.report.empty()) write_json(flags.report, report);
  if (flags.json) {
    print_json(report);
    return;
  }
  print_sizes(c, flags.output);
  if (quantization) quantization->print(c);
  print_report(c);
}

}  // namespace cygnet::cli
