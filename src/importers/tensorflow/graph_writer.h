// SPDX-License-Identifier: Apache-2.0
// GraphWriter: nodes and functions → the bytes of a GraphDef. Field numbers as graph_def.h has
// them.
#pragma once

#include <string>

#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/tensor_value.h"

namespace cygnet::tensorflow {

class GraphWriter {
 public:
  void add(const NodeDef& node);
  /// A Const of this name.
  void add_constant(std::string_view name, const TensorValue& value);
  void add(const FunctionDef& function);
  void set_producer(int64_t version);

  /// The message. Throws Failure when it is 2 GiB or more, which protobuf can't say.
  std::string take();

 private:
  std::string graph_, library_;
};

}  // namespace cygnet::tensorflow
