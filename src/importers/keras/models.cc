// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/models.h"

#include <algorithm>
#include <queue>

#include "importers/keras/calls.h"
#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

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
    size_t waiting = 0;             // operands that are not there yet
    std::vector<size_t> readers{};  // steps that wait for this one
  };
  void read_layers();
  void find_first_calls();
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
  std::vector<int32_t> first_call_;  // index that the file gives to the first of a layer's calls
  std::map<std::string, size_t> index_;
  std::vector<Step> steps_;
  std::map<std::pair<size_t, int64_t>, size_t> step_index_;
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
    weights_.push_back(is_operation(layer) ? Weights()
                                           : find_(name, "layers/" + places.next(class_of(layer))));
    const Config nodes = layer.at("inbound_nodes");
    for (size_t n = 0; n < std::max<size_t>(nodes.size(), 1); ++n) {
      step_index_[{i, static_cast<int32_t>(n)}] = steps_.size();
      steps_.push_back({i, static_cast<int32_t>(n)});
    }
  }
  results_.resize(steps_.size());
  find_first_calls();
}

// Keras 2 counts the making of a nested model as its call 0, which it leaves out of the file: the
// last call then has an index that is one too large.
void Functional::find_first_calls() {
  first_call_.assign(layers_.size(), 0);
  const auto note = [&](const Reference& r) {
    const auto layer = index_.find(r.layer);
    if (layer == index_.end() || !is_model(class_of(layers_[layer->second]))) return 0;
    const size_t calls = layers_[layer->second].at("inbound_nodes").size();
    if (calls > 0 && int64_t{r.node} == static_cast<int64_t>(calls)) first_call_[layer->second] = 1;
    return 0;
  };
  for (const Config& layer : layers_) {
    const Config nodes = layer.at("inbound_nodes");
    for (size_t n = 0; n < nodes.size(); ++n) call_of(nodes.at(n), note);
  }
  std::vector<std::pair<std::string, Reference>> outputs;
  list_references(config_.at("output_layers"), "", outputs);
  for (const auto& output : outputs) note(output.second);
}

size_t Functional::step_of(const Reference& r) const {
  const auto layer = index_.find(r.layer);
  if (layer == index_.end()) fail(text("there is no layer \"", r.layer, "\""));
  const auto step = step_index_.find({layer->second, int64_t{r.node} - first_call_[layer->second]});
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
  const Config layers = layers_of(config);
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
    for (int32_t t : tensors) call.positional.emplace_back().tensor = t;
    tensors = emit_layer(import, layer, prefix + name,
                         find(name, "layers/" + places.next(class_of(layer))), call);
  }
  std::vector<NamedTensor> outputs;
  for (int32_t t : tensors) outputs.push_back({name, t});
  return outputs;
}
}  // namespace

Config layers_of(const Config& config) {
  return config.is_list() ? config : config.at("layers");
}

std::vector<NamedTensor> run_model(Import& import, const Config& model, const FindWeights& find,
                                   const std::string& prefix, const Tensors* inputs) {
  if (class_of(model) == "Sequential") return run_sequential(import, model, find, prefix, inputs);
  return Functional(import, model.at("config"), find, prefix).run(inputs);
}

}  // namespace cygnet::keras
