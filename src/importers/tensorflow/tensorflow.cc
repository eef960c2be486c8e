// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/tensorflow.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/mapped_file.h"
#include "importers/tensorflow/graph_importer.h"
#include "importers/tensorflow/text_format.h"

namespace cygnet::tensorflow {
namespace {

bool ends_with(std::string_view path, std::string_view suffix) {
  return path.size() >= suffix.size() && path.substr(path.size() - suffix.size()) == suffix;
}

bool sniff(const std::string& path) {
  return ends_with(path, ".pb") || ends_with(path, ".pbtxt");
}

DataType type_of_output(const NodeDef& node) {
  return node.type("dtype", DataType::float32);
}

// A frozen graph names no inputs and outputs: placeholders, and what nobody reads.
void find_ends(const GraphDef& graph, GraphSource* source) {
  std::set<std::string_view> read;
  for (const NodeDef& n : graph.nodes)
    for (std::string_view input : n.inputs) read.insert(parse_input(input).node);
  for (const NodeDef& n : graph.nodes) {
    if (n.op == "Placeholder") {
      const TensorShape unknown{.unknown_rank = true, .dims = {}};
      source->inputs.push_back({.key = {},
                                .name = n.name,
                                .dtype = type_of_output(n),
                                .shape = n.find("shape") != nullptr ? n.shape("shape") : unknown});
    } else if (!read.contains(n.name) && n.op != "NoOp" && n.op != "Const" && n.op != "Assert") {
      source->outputs.push_back({.key = {}, .name = n.name, .dtype = {}, .shape = {}});
    }
  }
}

// Inputs and outputs that the user names instead.
void choose_ends(const GraphDef& graph, const ImportOptions& options, GraphSource* source) {
  if (!options.outputs.empty()) {
    source->outputs.clear();
    for (const std::string& name : options.outputs)
      source->outputs.push_back({.key = {}, .name = name, .dtype = {}, .shape = {}});
  }
  if (options.inputs.empty()) return;
  const std::vector<TensorInfo> known = std::move(source->inputs);
  source->inputs.clear();
  for (const std::string& name : options.inputs) {
    const std::string_view node = parse_input(name).node;
    const auto at = std::find_if(known.begin(), known.end(), [&](const TensorInfo& t) {
      return t.key == name || parse_input(t.name).node == node;
    });
    if (at != known.end()) {
      source->inputs.push_back(*at);
      continue;
    }
    const auto def = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                  [&](const NodeDef& n) { return n.name == node; });
    if (def == graph.nodes.end()) throw Failure(text("no input or node is called \"", name, "\""));
    source->inputs.push_back({.key = {},
                              .name = name,
                              .dtype = def->type("T", type_of_output(*def)),
                              .shape = {.unknown_rank = true, .dims = {}}});
  }
}

void import(const std::string& path, const ImportOptions& options, Draft& draft) {
  auto file = std::make_shared<base::MappedFile>();
  check(base::MappedFile::open(path.c_str(), options.limits.file_bytes, file.get()));
  draft.hold(file);
  const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()),
                               file->bytes().size());
  const GraphDef graph = read_graph_def(bytes);
  GraphSource source;
  source.graph = &graph;
  find_ends(graph, &source);
  choose_ends(graph, options, &source);
  GraphImporter(source, options, draft).run();
}

}  // namespace

const Importer kImporter = {.name = "TensorFlow", .sniff = sniff, .import = import};

}  // namespace cygnet::tensorflow
