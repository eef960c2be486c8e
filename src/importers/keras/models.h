// SPDX-License-Identifier: Apache-2.0
// Models: Sequential and Functional ones, run call by call.
#pragma once

#include <string>
#include <vector>

#include "importers/keras/network.h"

namespace cygnet::keras {

struct NamedTensor {
  std::string name;
  int32_t tensor;
};

/// The list of a Sequential model's layers: Keras before 2.2.3 has no object around it.
Config layers_of(const Config& config);

/// Appends the calls of a model; its outputs. `prefix`: of its layers' names. `inputs`: null for
/// the outermost model, which makes inputs of its own.
std::vector<NamedTensor> run_model(Import& import, const Config& model, const FindWeights& find,
                                   const std::string& prefix, const Tensors* inputs);

}  // namespace cygnet::keras
