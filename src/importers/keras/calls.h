// SPDX-License-Identifier: Apache-2.0
// How a Functional model's calls and their arguments stand in the file, for Keras 2 and 3.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "importers/keras/layer.h"

namespace cygnet::keras {

/// Result `tensor` of call `node` of a layer.
struct Reference {
  std::string layer;
  int32_t node = 0;
  int32_t tensor = 0;
};
/// The tensor that a reference means.
using Resolve = std::function<int32_t(const Reference&)>;

/// The arguments of one entry of inbound_nodes. Throws Failure where they can't be read.
Call call_of(const Config& node, const Resolve& resolve);

/// The references of input_layers and output_layers (one, a list, or an object of them) with their
/// names, appended to `result`.
void list_references(const Config& value, const std::string& key,
                     std::vector<std::pair<std::string, Reference>>& result);

}  // namespace cygnet::keras
