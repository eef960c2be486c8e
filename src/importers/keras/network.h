// SPDX-License-Identifier: Apache-2.0
// Networks of layers: Sequential and Functional models, nested to any depth of the file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "importers/keras/layer.h"

namespace cygnet::keras {

/// Finds the variables of a layer by its name, and by the place it has in a .keras file.
using FindWeights =
    std::function<Weights(const std::string& layer_name, const std::string& attribute)>;

/// Appends one call of a layer {"class_name": ..., "config": ...}, be it a model of its own.
Tensors emit_layer(Import& import, const Config& layer, const std::string& name,
                   const Weights& weights, const Call& call);

/// Reads the outermost model into the draft: inputs, operators, outputs and the signature
/// "serving_default". Throws Failure; unsupported layers are all named in it.
void emit_network(Import& import);

/// The class of a layer of Keras, "Dense"; of any other with its package, "mine>Dense", so that no
/// layer of Keras is called like it.
std::string class_of(const Config& layer);
/// The name in a layer's config.
std::string name_of(const Config& layer);
/// The emitter of a layer or operation; null where it is not supported.
Emit find_emitter(const Config& layer);
/// Whether this is an operation of keras.ops and no layer.
bool is_operation(const Config& layer);
bool is_model(const std::string& class_name);
/// Appends "name (Class)" of every layer in or below this one that is not supported.
void list_unsupported(const Config& layer, const std::string& prefix,
                      std::vector<std::string>& result);

}  // namespace cygnet::keras
