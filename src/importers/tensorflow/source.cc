// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/source.h"

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "base/mapped_file.h"
#include "edit/failure.h"
#include "importers/tensorflow/text_format.h"
#include "importers/tensorflow/variables.h"

namespace cygnet::tensorflow {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxMessageBytes = (int64_t{1} << 31) - 1;
constexpr char kDefaultTag[] = "serve";
constexpr char kDefaultSignature[] = "serving_default";
constexpr char kInitSignature[] = "__saved_model_init_op";

bool ends_with(std::string_view name, std::string_view end) {
  return name.size() >= end.size() && name.substr(name.size() - end.size()) == end;
}

bool is_file(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// saved_model.pb or saved_model.pbtxt of the folder; empty when it has neither.
std::string saved_model_file(const std::string& folder) {
  for (const char* name : {"saved_model.pb", "saved_model.pbtxt"}) {
    const std::string path = (fs::path(folder) / name).string();
    if (is_file(path)) return path;
  }
  return {};
}

/// "'a', 'b'".
template <class List, class Name>
std::string listed(const List& list, Name name) {
  std::string result;
  for (const auto& item : list) {
    if (!result.empty()) result += ", ";
    result += text("'", name(item), "'");
  }
  return result.empty() ? "none" : result;
}

/// Maps the file; its bytes stay as long as the source.
std::string_view map_file(const std::string& path, Source& source) {
  auto file = std::make_shared<base::MappedFile>();
  check(base::MappedFile::open(path.c_str(), kMaxMessageBytes, file.get()));
  const auto bytes = file->bytes();
  source.storage.push_back(file);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The message that a text file holds, by its first field.
TextMessage text_message(std::string_view contents) {
  const auto has_early = [&](std::string_view word) {
    return contents.substr(0, 4096).find(word) != std::string_view::npos;
  };
  if (has_early("saved_model_schema_version") || has_early("meta_graphs")) {
    return TextMessage::saved_model;
  }
  return has_early("meta_info_def") ? TextMessage::meta_graph : TextMessage::graph;
}

Source::Kind kind_of(TextMessage message) {
  switch (message) {
    case TextMessage::saved_model:
      return Source::Kind::saved_model;
    case TextMessage::meta_graph:
      return Source::Kind::meta_graph;
    default:
      return Source::Kind::graph;
  }
}

std::string tags_text(const MetaGraphDef& meta) {
  std::string result;
  for (std::string_view tag : meta.tags) {
    if (!result.empty()) result += ',';
    result += tag;
  }
  return result;
}

MetaGraphDef choose_meta_graph(SavedModel model, const std::vector<std::string>& tags) {
  std::vector<std::string> wanted = tags;
  if (wanted.empty()) wanted = {kDefaultTag};
  std::sort(wanted.begin(), wanted.end());
  for (MetaGraphDef& meta : model.meta_graphs) {
    std::vector<std::string> has(meta.tags.begin(), meta.tags.end());
    std::sort(has.begin(), has.end());
    if (has == wanted) return std::move(meta);
  }
  if (tags.empty() && model.meta_graphs.size() == 1) return std::move(model.meta_graphs.front());
  throw Failure(text("no meta graph has the tags ", listed(wanted, [](const auto& t) { return t; }),
                     "; there are: ", listed(model.meta_graphs, tags_text)));
}

Port port_of(const TensorInfo& info) {
  return {std::string(info.key), std::string(info.name), info.dtype, info.shape};
}

void choose_signature(const MetaGraphDef& meta, const std::string& wanted, Source& source) {
  const SignatureDef* chosen = nullptr;
  std::vector<const SignatureDef*> usable;
  for (const SignatureDef& signature : meta.signatures) {
    if (signature.key == kInitSignature) continue;
    usable.push_back(&signature);
    if (signature.key == (wanted.empty() ? kDefaultSignature : wanted)) chosen = &signature;
  }
  if (chosen == nullptr && wanted.empty() && usable.size() == 1) chosen = usable.front();
  if (chosen == nullptr) {
    if (wanted.empty() && usable.empty()) return;
    throw Failure(text(wanted.empty() ? "a signature must be chosen" : "no such signature",
                       "; there are: ", listed(usable, [](const auto* s) { return s->key; })));
  }
  source.signature = chosen->key;
  for (const TensorInfo& info : chosen->inputs) source.inputs.push_back(port_of(info));
  for (const TensorInfo& info : chosen->outputs) source.outputs.push_back(port_of(info));
}

bool is_placeholder(std::string_view op) {
  return op == "Placeholder" || op == "PlaceholderV2" || op == "PlaceholderWithDefault";
}

/// What a node says of its output 0, for nodes that declare type and shape.
Port node_port(const NodeDef& node) {
  Port port;
  port.name = node.name;
  port.tensor = text(node.name, ":0");
  if (is_placeholder(node.op)) {
    port.dtype = node.type("dtype", DataType::invalid);
    if (node.find("shape") != nullptr) port.shape = node.shape("shape");
  }
  return port;
}

/// A tensor that the user names.
Port named_port(const GraphDef& graph, const std::string& name) {
  const InputName parsed = parse_input(name);
  for (const NodeDef& node : graph.nodes) {
    if (node.name != parsed.node || parsed.control) continue;
    Port port = node_port(node);
    port.name = name;
    port.tensor = text(parsed.node, ":", parsed.index);
    return port;
  }
  throw Failure(text("there is no node '", parsed.node, "'"));
}

/// Operators that compute nothing a user would ask for.
bool is_never_output(std::string_view op) {
  static const std::unordered_set<std::string_view> ops = {
      "Assert",    "Assign", "AssignVariableOp", "Const",       "MergeV2Checkpoints",
      "NoOp",      "SaveV2", "ShardedFilename",  "VarHandleOp", "VarIsInitializedOp",
      "VariableV2"};
  return ops.count(op) != 0 || is_placeholder(op);
}

/// A switch with a default (is_training, the learning phase) is no input of the network, nor is the
/// file name that a saver takes.
bool is_input(const NodeDef& node) {
  if (node.op != "PlaceholderWithDefault") return is_placeholder(node.op);
  const DataType type = node.type("dtype", DataType::invalid);
  return type != DataType::string && type != DataType::boolean;
}

/// Inputs and outputs of a graph without a signature: the placeholders, and what depends on them
/// and is taken by nobody.
void guess_ports(Source& source) {
  const std::vector<NodeDef>& nodes = source.graph.nodes;
  std::unordered_map<std::string_view, std::vector<size_t>> takers;
  std::vector<size_t> reached;
  std::vector<bool> depends(nodes.size(), false);
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (std::string_view input : nodes[i].inputs) {
      const InputName parsed = parse_input(input);
      if (!parsed.control) takers[parsed.node].push_back(i);
    }
    if (is_input(nodes[i])) {
      source.inputs.push_back(node_port(nodes[i]));
      depends[i] = true;
      reached.push_back(i);
    }
  }
  while (!reached.empty()) {
    const auto at = takers.find(nodes[reached.back()].name);
    reached.pop_back();
    if (at == takers.end()) continue;
    for (size_t taker : at->second) {
      if (!depends[taker]) reached.push_back(taker);
      depends[taker] = true;
    }
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if ((depends[i] || source.inputs.empty()) && !is_never_output(nodes[i].op) &&
        takers.count(nodes[i].name) == 0) {
      source.outputs.push_back(node_port(nodes[i]));
    }
  }
}

void apply_named_ports(const SourceOptions& options, Source& source) {
  const auto replace = [&](const std::vector<std::string>& names, std::vector<Port>& ports) {
    if (names.empty()) return;
    std::vector<Port> chosen;
    for (const std::string& name : names) {
      // A signature's own names are taken as well.
      const auto at = std::find_if(ports.begin(), ports.end(),
                                   [&](const Port& port) { return port.name == name; });
      chosen.push_back(at == ports.end() ? named_port(source.graph, name) : *at);
    }
    ports = std::move(chosen);
  };
  replace(options.inputs, source.inputs);
  replace(options.outputs, source.outputs);
}

/// Every tensor that a signature names exists.
void check_ports(const Source& source) {
  std::unordered_set<std::string_view> names;
  for (const NodeDef& node : source.graph.nodes) names.insert(node.name);
  for (const auto* ports : {&source.inputs, &source.outputs}) {
    for (const Port& port : *ports) {
      if (port.tensor.empty()) {
        throw Failure(text("'", port.name, "' of the signature is not a dense tensor"));
      }
      if (names.count(parse_input(port.tensor).node) == 0) {
        throw Failure(text("I2: '", port.name, "' of the signature is '", port.tensor,
                           "', which does not exist"));
      }
    }
  }
}

/// The checkpoint that belongs to the file; empty when there is none.
std::string checkpoint_beside(const std::string& file, Source::Kind kind) {
  std::string prefix;
  if (kind == Source::Kind::saved_model) {
    prefix = (fs::path(file).parent_path() / "variables" / "variables").string();
  } else if (ends_with(file, ".meta")) {
    prefix = file.substr(0, file.size() - 5);
  }
  return !prefix.empty() && is_file(prefix + ".index") ? prefix : std::string();
}

/// The message in the file, as source.kind says.
MetaGraphDef read_message(const std::string& file, const SourceOptions& options, Source& source) {
  std::string_view bytes = map_file(file, source);
  if (ends_with(file, "txt")) {
    const TextMessage message = text_message(bytes);
    source.kind = kind_of(message);
    auto wire = std::make_shared<const std::string>(text_to_wire(bytes, message));
    bytes = *wire;
    source.storage.back() = wire;
  }
  MetaGraphDef meta;
  switch (source.kind) {
    case Source::Kind::saved_model:
      return choose_meta_graph(read_saved_model(bytes), options.tags);
    case Source::Kind::meta_graph:
      return read_meta_graph(bytes);
    case Source::Kind::graph:
      meta.graph = read_graph_def(bytes);
  }
  return meta;
}

void load(const std::string& file, const SourceOptions& options, Source& source) {
  MetaGraphDef meta = read_message(file, options, source);
  choose_signature(meta, options.signature, source);
  source.graph = std::move(meta.graph);
  if (source.signature.empty()) guess_ports(source);
  apply_named_ports(options, source);
  check_ports(source);
  const std::string prefix =
      options.checkpoint.empty() ? checkpoint_beside(file, source.kind) : options.checkpoint;
  if (prefix.empty()) return;
  source.checkpoint = Checkpoint::open(prefix);
  source.variables = match_variables(source.graph, meta.saver, source.checkpoint);
}

}  // namespace

bool sniff_source(const std::string& path) {
  if (is_folder(path)) return !saved_model_file(path).empty();
  return is_file(path) &&
         (ends_with(path, ".pb") || ends_with(path, ".pbtxt") || ends_with(path, ".meta"));
}

Source load_source(const std::string& path, const SourceOptions& options) {
  Source source;
  source.path = path;
  std::string file = path;
  if (is_folder(path)) {
    file = saved_model_file(path);
    if (file.empty()) throw Failure(text(path, ": the folder holds no saved_model.pb"));
  }
  const std::string name = fs::path(file).filename().string();
  if (name == "saved_model.pb" || name == "saved_model.pbtxt") {
    source.kind = Source::Kind::saved_model;
  } else if (ends_with(name, ".meta")) {
    source.kind = Source::Kind::meta_graph;
  }
  try {
    load(file, options, source);
  } catch (const Failure& e) {
    const std::string_view message = e.what();
    if (message.substr(0, path.size()) == path) throw;
    throw Failure(text(file, ": ", message));
  }
  return source;
}

}  // namespace cygnet::tensorflow
