// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/network.h"

#include <algorithm>
#include <queue>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

// Result `tensor` of call `node` of a layer.
struct Reference {
  std::string layer;
  int32_t node = 0;
  int32_t tensor = 0;
};
using Resolve = std::function<int32_t(const Reference&)>;

// ["layer", node, tensor, ...]
bool is_reference(const Config& value) {
  return value.is_list() && value.size() >= 3 && value.at(size_t{0}).is_text() &&
         value.at(size_t{1}).is_number();
}

Reference reference(const Config& value) {
  return {value.at(size_t{0}).text(), value.at(size_t{1}).integer(), value.at(size_t{2}).integer()};
}

Argument tensor_argument(int32_t tensor) {
  Argument result;
  result.tensor = tensor;
  return result;
}

Argument literal_argument(const Config& value) {
  Argument result;
  result.literal = value;
  return result;
}

// An argument as Keras 3 stores it.
Argument argument_v3(const Config& value, const Resolve& resolve) {
  Argument result;
  const std::string kind = value.at("class_name").is_text() ? value.at("class_name").text() : "";
  if (kind == "__keras_tensor__")
    return tensor_argument(resolve(reference(value.at("config").at("keras_history"))));
  const Config items = kind == "__tuple__" ? value.at("items") : value;
  if (!items.is_list()) return literal_argument(value);
  result.is_list = true;
  result.literal = value;
  for (size_t i = 0; i < items.size(); ++i)
    result.list.push_back(argument_v3(items.at(i), resolve));
  return result;
}

// As argument_v3, for Keras 2: ["layer", node, tensor, {keywords}], lists of these, or
// ["_CONSTANT_VALUE", -1, value].
Argument argument_v2(const Config& value, const Resolve& resolve,
                     std::map<std::string, Argument>* keywords) {
  if (is_reference(value)) {
    if (keywords != nullptr && value.size() > 3)
      for (const std::string& key : value.at(size_t{3}).keys())
        (*keywords)[key] = argument_v2(value.at(size_t{3}).at(key.c_str()), resolve, nullptr);
    if (value.at(size_t{0}).text() == "_CONSTANT_VALUE")
      return literal_argument(value.at(size_t{2}));
    return tensor_argument(resolve(reference(value)));
  }
  if (!value.is_list()) return literal_argument(value);
  Argument result;
  result.is_list = true;
  result.literal = value;
  for (size_t i = 0; i < value.size(); ++i)
    result.list.push_back(argument_v2(value.at(i), resolve, keywords));
  return result;
}

// One entry of inbound_nodes.
Call call_of(const Config& node, const Resolve& resolve) {
  Call call;
  if (node.is_object()) {
    const Config args = node.at("args"), kwargs = node.at("kwargs");
    for (size_t i = 0; i < args.size(); ++i)
      call.positional.push_back(argument_v3(args.at(i), resolve));
    for (const std::string& key : kwargs.keys())
      call.keywords[key] = argument_v3(kwargs.at(key.c_str()), resolve);
    return call;
  }
  call.positional.push_back(argument_v2(node, resolve, &call.keywords));
  return call;
}

// The references of input_layers and output_layers: one, a list, or an object of them.
void list_references(const Config& value, const std::string& key,
                     std::vector<std::pair<std::string, Reference>>& result) {
  if (is_reference(value)) {
    const Reference r = reference(value);
    result.emplace_back(key.empty() ? r.layer : key, r);
  } else if (value.is_list()) {
    for (size_t i = 0; i < value.size(); ++i) list_references(value.at(i), "", result);
  } else {
    for (const std::string& k : value.keys()) list_references(value.at(k.c_str()), k, result);
  }
}

// Whether this is an operation of keras.ops and no layer. A .h5 file does not name the module, but
// only layers say whether they are trainable.
bool is_operation(const Config& layer) {
  if (layer.has("module")) return layer.at("module").text().rfind("keras.src.ops", 0) == 0;
  const Config nodes = layer.at("inbound_nodes"), config = layer.at("config");
  return nodes.size() > 0 && nodes.at(size_t{0}).is_object() && config.is_object() &&
         config.at("trainable").null() && find_operation(class_of(layer)) != nullptr;
}

struct NamedTensor {
  std::string name;
  int32_t tensor;
};

Type type_named(const Config& input, const std::string& dtype) {
  static const std::map<std::string, Type> types = {
      {"float32", Type::float32}, {"float16", Type::float32}, {"bfloat16", Type::float32},
      {"float64", Type::float32}, {"int32", Type::int32},     {"int64", Type::int64},
      {"uint8", Type::uint8},     {"int8", Type::int8},       {"int16", Type::int16},
      {"bool", Type::boolean}};
  const auto found = types.find(dtype);
  if (found == types.end())
    throw Failure(text(input.where(), ": inputs of type ", dtype, " are not supported"));
  return found->second;
}

// The batch shape that a layer's config gives; null where it gives none.
Config shape_of(const Config& config) {
  return config.has("batch_shape") ? config.at("batch_shape") : config.at("batch_input_shape");
}

// Appends an input of the whole graph.
int32_t graph_input(Import& import, const std::string& name, const Config& config,
                    const Config& batch_shape) {
  const auto given = import.options.input_shapes.find(name);
  const std::string where = text(import.e.draft().source, ": input \"", name, "\"");
  std::vector<int32_t> dims;
  if (given != import.options.input_shapes.end()) {
    dims = given->second;
  } else if (batch_shape.is_list()) {
    dims = batch_shape.integers();
  } else {
    throw Failure(text(where, ": the file gives no shape; name one"));
  }
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] >= 1 || (i == 0 && dims[i] == -1)) continue;
    throw Failure(text(where, ": dimension ", i, " is open; give the input a shape"));
  }
  for (const char* key : {"sparse", "ragged"})
    if (config.flag(key, false)) throw Failure(text(where, ": ", key, " inputs are not supported"));
  const Config dtype = config.at("dtype");
  const Type type = type_named(config, dtype.is_text() ? dtype.text() : "float32");
  return import.e.input(name, type, dims);
}

// Evaluates a Functional model: calls in the order of the file as far as their operands allow.
class Functional {
 public:
  Functional(Import& import, const Config& config, FindWeights find, std::string prefix)
      : import_(import), config_(config), find_(std::move(find)), prefix_(std::move(prefix)) {
    read_layers();
  }

  /// `inputs`: null for the outermost model, which makes inputs of its own.
  std::vector<NamedTensor> run(const Tensors* inputs);

 private:
  struct Step {
    size_t layer;
    int32_t node;
    size_t waiting = 0;            // operands that are not there yet
    std::vector<size_t> readers{};  // steps that wait for this one
  };
  void read_layers();
  void connect();
  void bind_inputs(const Tensors* inputs);
  void emit(const Step& step);
  size_t step_of(const Reference& r) const;
  int32_t result(const Reference& r) const;
  [[noreturn]] void fail(const std::string& what) const {
    throw Failure(text(config_.where(), prefix_.empty() ? "" : ": " + prefix_, ": ", what));
  }

  Import& import_;
  Config config_;
  FindWeights find_;
  std::string prefix_;
  std::vector<Config> layers_;
  std::vector<std::string> names_;
  std::vector<Weights> weights_;
  std::map<std::string, size_t> index_;
  std::vector<Step> steps_;
  std::map<std::pair<size_t, int32_t>, size_t> step_index_;
  std::vector<Tensors> results_;  // by step; empty: not yet
};

void Functional::read_layers() {
  const Config list = config_.at("layers");
  ContainerNames places;
  for (size_t i = 0; i < list.size(); ++i) {
    const Config layer = list.at(i);
    const std::string name = layer.has("name") ? layer.at("name").text() : name_of(layer);
    if (!index_.emplace(name, i).second) fail(text("two layers are called \"", name, "\""));
    layers_.push_back(layer);
    names_.push_back(name);
    // Operations are no layers: they have no place among them.
    weights_.push_back(is_operation(layer)
                           ? Weights()
                           : find_(name, "layers/" + places.next(class_of(layer))));
    const Config nodes = layer.at("inbound_nodes");
    for (size_t n = 0; n < std::max<size_t>(nodes.size(), 1); ++n) {
      step_index_[{i, static_cast<int32_t>(n)}] = steps_.size();
      steps_.push_back({i, static_cast<int32_t>(n)});
    }
  }
  results_.resize(steps_.size());
}

size_t Functional::step_of(const Reference& r) const {
  const auto layer = index_.find(r.layer);
  if (layer == index_.end()) fail(text("there is no layer \"", r.layer, "\""));
  const auto step = step_index_.find({layer->second, r.node});
  if (step == step_index_.end()) fail(text("layer \"", r.layer, "\" has no call ", r.node));
  return step->second;
}

int32_t Functional::result(const Reference& r) const {
  const Tensors& list = results_[step_of(r)];
  if (r.tensor < 0 || static_cast<size_t>(r.tensor) >= list.size())
    fail(text("layer \"", r.layer, "\" has no result ", r.tensor));
  return list[static_cast<size_t>(r.tensor)];
}

void Functional::connect() {
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Config nodes = layers_[steps_[s].layer].at("inbound_nodes");
    if (nodes.size() == 0 || !results_[s].empty()) continue;
    call_of(nodes.at(static_cast<size_t>(steps_[s].node)), [&](const Reference& r) {
      const size_t source = step_of(r);
      if (results_[source].empty()) {
        steps_[source].readers.push_back(s);
        ++steps_[s].waiting;
      }
      return 0;
    });
  }
}

void Functional::bind_inputs(const Tensors* inputs) {
  std::vector<std::pair<std::string, Reference>> list;
  list_references(config_.at("input_layers"), "", list);
  if (inputs != nullptr && inputs->size() != list.size())
    fail(text("expected ", list.size(), " inputs, got ", inputs->size()));
  for (size_t i = 0; i < list.size(); ++i) {
    const Reference& r = list[i].second;
    const size_t step = step_of(r);
    const Config settings = layers_[steps_[step].layer].at("config");
    results_[step] = {inputs != nullptr
                          ? (*inputs)[i]
                          : graph_input(import_, r.layer, settings, shape_of(settings))};
  }
}

void Functional::emit(const Step& step) {
  const Config& layer = layers_[step.layer];
  const std::string& name = names_[step.layer];
  const Config nodes = layer.at("inbound_nodes");
  Call call;
  if (nodes.size() > 0)
    call = call_of(nodes.at(static_cast<size_t>(step.node)),
                   [&](const Reference& r) { return result(r); });
  std::string full = prefix_ + name;
  if (step.node > 0) full += text("_", step.node);
  results_[step_index_[{step.layer, step.node}]] =
      emit_layer(import_, layer, full, weights_[step.layer], call);
}

std::vector<NamedTensor> Functional::run(const Tensors* inputs) {
  bind_inputs(inputs);
  connect();
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  size_t left = 0;
  for (size_t s = 0; s < steps_.size(); ++s) {
    if (!results_[s].empty()) continue;
    ++left;
    if (steps_[s].waiting == 0) ready.push(s);
  }
  for (; !ready.empty(); --left) {
    const size_t s = ready.top();
    ready.pop();
    emit(steps_[s]);
    for (size_t reader : steps_[s].readers)
      if (--steps_[reader].waiting == 0) ready.push(reader);
  }
  if (left != 0) fail("the calls of its layers go in a circle");
  std::vector<std::pair<std::string, Reference>> list;
  std::vector<NamedTensor> outputs;
  if (inputs == nullptr && !import_.options.outputs.empty())
    for (const std::string& name : import_.options.outputs) list.push_back({name, {name, 0, 0}});
  else
    list_references(config_.at("output_layers"), "", list);
  for (const auto& [name, r] : list) outputs.push_back({name, result(r)});
  return outputs;
}

Config layers_of_sequential(const Config& config) {
  return config.is_list() ? config : config.at("layers");
}

// The shape with which a Sequential model was built.
Config sequential_shape(const Config& model, const Config& config, const Config& first) {
  for (const Config& shape :
       {shape_of(first.at("config")), config.at("build_input_shape"),
        model.at("build_config").at("input_shape"), first.at("build_config").at("input_shape"),
        shape_of(first.at("config").at("layers").size() == 0
                     ? Config()
                     : first.at("config").at("layers").at(size_t{0}).at("config"))})
    if (shape.is_list()) return shape;
  return Config();
}

std::vector<NamedTensor> run_sequential(Import& import, const Config& model,
                                        const FindWeights& find, const std::string& prefix,
                                        const Tensors* inputs) {
  const Config config = model.at("config");
  const Config layers = layers_of_sequential(config);
  if (layers.size() == 0) throw Failure(text(config.where(), ": a model without layers"));
  size_t first = 0;
  const bool has_input = class_of(layers.at(first)) == "InputLayer";
  const Config front = layers.at(first);
  std::string name = name_of(front);
  Tensors tensors;
  if (inputs != nullptr)
    tensors = *inputs;
  else
    tensors = {graph_input(import, has_input ? name : name + "_input", front.at("config"),
                           sequential_shape(model, config, front))};
  ContainerNames places;
  for (size_t i = has_input ? 1 : 0; i < layers.size(); ++i) {
    const Config layer = layers.at(i);
    name = name_of(layer);
    Call call;
    for (int32_t t : tensors) call.positional.push_back(tensor_argument(t));
    tensors = emit_layer(import, layer, prefix + name,
                         find(name, "layers/" + places.next(class_of(layer))), call);
  }
  std::vector<NamedTensor> outputs;
  for (int32_t t : tensors) outputs.push_back({name, t});
  return outputs;
}

std::vector<NamedTensor> run_model(Import& import, const Config& model, const FindWeights& find,
                                   const std::string& prefix, const Tensors* inputs) {
  if (class_of(model) == "Sequential") return run_sequential(import, model, find, prefix, inputs);
  return Functional(import, model.at("config"), find, prefix).run(inputs);
}

// Layers that would compute something else if their input carried a mask.
bool heeds_masks(const std::string& kind) {
  static const std::set<std::string> kinds = {
      "LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "GlobalAveragePooling1D",
      "MultiHeadAttention", "Attention", "AdditiveAttention", "Softmax"};
  return kinds.count(kind) != 0;
}

void carry_masks(Layer& layer, const Tensors& results) {
  bool masked = false;
  for (int32_t x : layer.inputs) masked = masked || layer.import.masked.count(x) != 0;
  if (!masked) return;
  layer.refuse_if(heeds_masks(layer.kind),
                  "masks of time steps (mask_zero of an Embedding) are not supported");
  layer.import.masked.insert(results.begin(), results.end());
}

void name_results(Layer& layer, const Tensors& results) {
  for (size_t i = 0; i < results.size(); ++i) {
    const auto is_input = std::find(layer.inputs.begin(), layer.inputs.end(), results[i]);
    if (is_input != layer.inputs.end() || layer.e.constant(results[i])) continue;
    layer.e.tensor(results[i]).name =
        layer.e.draft().keep(i == 0 ? layer.name : text(layer.name, ":", i));
  }
}

}  // namespace

std::string class_of(const Config& layer) {
  const std::string name = layer.text("class_name", "");
  return name.substr(name.find('>') == std::string::npos ? 0 : name.find('>') + 1);
}

std::string name_of(const Config& layer) {
  const std::string name = layer.at("config").text("name", "");
  return name.empty() ? layer.text("name", "") : name;
}

bool is_model(const std::string& class_name) {
  return class_name == "Functional" || class_name == "Model" || class_name == "Sequential";
}

Emit find_emitter(const Config& layer) {
  const std::string kind = class_of(layer);
  if (is_operation(layer)) return find_operation(kind);
  if (kind == "TFOpLambda") return find_function(layer.at("config").text("function", ""));
  return find_layer(kind);
}

void list_unsupported(const Config& layer, const std::string& prefix,
                      std::vector<std::string>& result) {
  const std::string kind = class_of(layer), name = prefix + name_of(layer);
  const Config config = layer.at("config");
  if (is_model(kind)) {
    const Config layers = layers_of_sequential(config);
    if (!layers.is_list())
      throw Failure(text(layer.where(), ": ", name, " (", kind,
                         "): a model without a list of layers; only Sequential and Functional "
                         "models can be read"));
    for (size_t i = 0; i < layers.size(); ++i)
      list_unsupported(layers.at(i), name + "/", result);
    return;
  }
  if (kind != "InputLayer" && find_emitter(layer) == nullptr) {
    const std::string function = config.text("function", "");
    result.push_back(text(name, " (", kind, function.empty() ? "" : " ", function, ")"));
  }
  for (const char* key : {"layer", "backward_layer"})
    if (config.at(key).has("class_name"))
      list_unsupported(config.at(key), name + "/", result);
}

Tensors emit_layer(Import& import, const Config& layer, const std::string& name,
                   const Weights& weights, const Call& call) {
  const std::string kind = class_of(layer);
  if (is_model(kind)) {
    Tensors inputs, outputs;
    for (const Argument& a : call.positional)
      for (int32_t t : tensors_of(a)) inputs.push_back(t);
    const FindWeights find = [&](const std::string& n, const std::string& attribute) {
      return weights.child(n, attribute);
    };
    for (const NamedTensor& t : run_model(import, layer, find, name + "/", &inputs))
      outputs.push_back(t.tensor);
    return outputs;
  }
  Layer one(import, name, kind, layer.at("config"), weights, call);
  const Emit emitter = find_emitter(layer);
  one.refuse_if(emitter == nullptr, "this layer is not supported");
  const Config policy = one.config.at("dtype").at("config");
  one.refuse_if(policy.has("mode") || policy.has("source_name"),
                "quantized layers of Keras are not supported");
  const Tensors results = emitter(one);
  carry_masks(one, results);
  name_results(one, results);
  return results;
}

Tensors emit_inner(Layer& outer, const Config& layer, const std::string& weight_name,
                   const std::string& attribute, const Call& call) {
  const std::string name = weight_name.empty() ? name_of(layer) : weight_name;
  return emit_layer(outer.import, layer, outer.name + "/" + attribute,
                    outer.weights.child(name, attribute), call);
}

void emit_network(Import& import) {
  const Config& model = import.file.config();
  Draft& draft = import.e.draft();
  if (!is_model(class_of(model)))
    throw Failure(text(draft.source, ": the model is a ", class_of(model),
                       "; only Sequential and Functional models can be read"));
  std::vector<std::string> unsupported;
  const Config layers = layers_of_sequential(model.at("config"));
  if (!layers.is_list()) list_unsupported(model, "", unsupported);
  for (size_t i = 0; i < layers.size(); ++i) list_unsupported(layers.at(i), "", unsupported);
  if (!unsupported.empty()) {
    std::string list;
    for (const std::string& u : unsupported) list += "\n  " + u;
    throw Failure(text(draft.source, ": I5: layers that can't be converted:", list));
  }
  const FindWeights find = [&](const std::string& name, const std::string& attribute) {
    return import.file.layer_weights(name, attribute);
  };
  const std::vector<NamedTensor> outputs = run_model(import, model, find, "", nullptr);
  if (outputs.empty()) throw Failure(text(draft.source, ": the model has no output"));
  Signature& signature = draft.graph.signatures.emplace_back();
  signature.key = "serving_default";
  for (int32_t i : import.e.subgraph().inputs)
    signature.inputs.push_back({import.e.tensor(i).name, i});
  std::set<std::string> used;
  Tensors tensors;
  for (const NamedTensor& o : outputs) {
    std::string name = o.name;
    for (int n = 1; !used.insert(name).second; ++n) name = text(o.name, "_", n);
    signature.outputs.push_back({draft.keep(name), o.tensor});
    tensors.push_back(o.tensor);
  }
  import.e.set_outputs(tensors);
}

}  // namespace cygnet::keras
