// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/network.h"

#include <algorithm>

#include "importers/keras/layers.h"
#include "importers/keras/models.h"

namespace cygnet::keras {
namespace {

// Layers that would compute something else if their input carried a mask.
bool heeds_masks(const std::string& kind) {
  static const std::set<std::string> kinds = {"LSTM",
                                              "GRU",
                                              "SimpleRNN",
                                              "RNN",
                                              "Bidirectional",
                                              "GlobalAveragePooling1D",
                                              "MultiHeadAttention",
                                              "Attention",
                                              "AdditiveAttention",
                                              "Softmax"};
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

// Whether the layer's data is [N, C, ...]. Layers that are left out don't care.
bool first_channels(const Layer& layer) {
  const Config format = layer.config.at("data_format");
  return format.is_text() && format.text() == "channels_first" && !layer.inputs.empty() &&
         layer.rank(layer.input()) > 2;
}

// The layer between two transpositions, in the order of the graph: [N, ..., C].
Tensors emit_channels_first(Layer& layer, Emit emitter) {
  if (emitter == emit_nothing) return emitter(layer);
  const Config function = layer.config.at("activation");
  for (const char* name : {"softmax", "log_softmax", "glu"})
    layer.refuse_if(function.is_text() && function.text() == name,
                    text("activation \"", name, "\" with channels_first is not supported"));
  for (int32_t& x : layer.inputs) {
    std::vector<int32_t> order = {0};
    for (int d = 2; d < layer.rank(x); ++d) order.push_back(d);
    order.push_back(1);
    x = layer.transpose(x, order);
  }
  Tensors results = emitter(layer);
  for (int32_t& y : results) {
    if (layer.rank(y) < 3) continue;
    std::vector<int32_t> order = {0, layer.rank(y) - 1};
    for (int d = 1; d + 1 < layer.rank(y); ++d) order.push_back(d);
    y = layer.transpose(y, order);
  }
  return results;
}

void name_results(Layer& layer, const Tensors& results) {
  for (size_t i = 0; i < results.size(); ++i) {
    const auto is_input = std::find(layer.inputs.begin(), layer.inputs.end(), results[i]);
    if (is_input != layer.inputs.end() || layer.e.constant(results[i])) continue;
    layer.e.tensor(results[i]).name =
        layer.e.draft().keep(i == 0 ? layer.name : text(layer.name, ":", i));
  }
}

// Whether a module or a package is Keras itself, or what wraps its layers for quantization.
bool of_keras(const std::string& module) {
  const std::string root = module.substr(0, module.find('.'));
  return root == "keras" || root == "Keras" || root == "tf_keras" || root == "builtins" ||
         root == "tensorflow_model_optimization";
}

}  // namespace

std::string class_of(const Config& layer) {
  const std::string name = layer.text("class_name", ""), own = name.substr(name.find('>') + 1);
  for (const char* key : {"class_name", "registered_name"}) {
    const std::string registered = layer.text(key, "");
    const size_t end = registered.find('>');
    if (end != std::string::npos && !of_keras(registered.substr(0, end))) return registered;
  }
  const std::string module = layer.text("module", "");
  return module.empty() || of_keras(module) ? own : text(module, ".", own);
}

std::string name_of(const Config& layer) {
  const std::string name = layer.at("config").text("name", "");
  return name.empty() ? layer.text("name", "") : name;
}

// A .h5 file does not name the module, but
// only layers say whether they are trainable.
bool is_operation(const Config& layer) {
  if (layer.has("module")) {
    const std::string module = layer.at("module").text();
    return module.rfind("keras.src.ops", 0) == 0 || module.rfind("keras.src.activations", 0) == 0;
  }
  const Config nodes = layer.at("inbound_nodes"), config = layer.at("config");
  return nodes.size() > 0 && nodes.at(size_t{0}).is_object() && config.is_object() &&
         config.at("trainable").null() && find_operation(class_of(layer)) != nullptr;
}

bool is_model(const std::string& class_name) {
  return class_name == "Functional" || class_name == "Model" || class_name == "Sequential";
}

Emit find_emitter(const Config& layer) {
  const std::string kind = class_of(layer);
  if (is_operation(layer)) {
    const Emit found = find_operation(kind);
    return found != nullptr ? found : find_layer(kind);
  }
  if (kind == "TFOpLambda" || kind == "SlicingOpLambda")
    return find_function(layer.at("config").text("function", ""));
  return find_layer(kind);
}

void list_unsupported(const Config& layer, const std::string& prefix,
                      std::vector<std::string>& result) {
  const std::string kind = class_of(layer), name = prefix + name_of(layer);
  const Config config = layer.at("config");
  if (is_model(kind)) {
    const Config layers = layers_of(config);
    if (!layers.is_list())
      throw Failure(text(layer.where(), ": ", name, " (", kind,
                         "): a model without a list of layers; only Sequential and Functional "
                         "models can be read"));
    for (size_t i = 0; i < layers.size(); ++i) list_unsupported(layers.at(i), name + "/", result);
    return;
  }
  if (kind != "InputLayer" && find_emitter(layer) == nullptr) {
    // Of a Lambda this is code, which nobody reads.
    const Config function = config.at("function");
    const std::string detail = function.is_text() ? text(" ", function.text()) : std::string();
    result.push_back(text(name, " (", kind, detail, ")"));
  }
  for (const char* key : {"activation", "recurrent_activation"}) {
    const Config function =
        config.at(key).has("config") ? config.at(key).at("config") : config.at(key);
    if (function.is_text() && !known_activation(function.text()))
      result.push_back(text(name, " (", kind, " with ", key, " \"", function.text(), "\")"));
  }
  for (const char* key : {"layer", "backward_layer"})
    if (config.at(key).has("class_name")) list_unsupported(config.at(key), name + "/", result);
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
  const Tensors results = first_channels(one) ? emit_channels_first(one, emitter) : emitter(one);
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
  const Config layers = layers_of(model.at("config"));
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
