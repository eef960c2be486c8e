// SPDX-License-Identifier: Apache-2.0
// The readers of single messages, for the readers of the messages around them.
#pragma once

#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/wire.h"

namespace cygnet::tensorflow {

TensorShape read_shape(Message message);
TensorProto read_tensor(Message message);
/// A graph, not yet checked by check_graph.
GraphDef read_graph(Message message);

/// The entry of a map<string, X>: calls value(message) at the value's field and returns the key.
template <class F>
std::string_view read_map_entry(Message entry, F&& value) {
  std::string_view key;
  while (entry.next()) {
    switch (entry.field()) {
      case 1:
        key = entry.bytes();
        break;
      case 2:
        value(entry);
        break;
      default:
        entry.skip();
    }
  }
  return key;
}

}  // namespace cygnet::tensorflow
