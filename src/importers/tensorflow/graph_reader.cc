// SPDX-License-Identifier: Apache-2.0
// Field numbers: graph.proto, node_def.proto, attr_value.proto, tensor.proto, tensor_shape.proto,
// function.proto, op_def.proto of TensorFlow 2.21.
#include "importers/tensorflow/graph_reader.h"

#include <algorithm>

namespace cygnet::tensorflow {

namespace {

/// Appends what read() returns, charged to the message's budget.
template <class T, class F>
void append(std::vector<T>& list, Message& message, F&& read) {
  message.budget().charge(2 * sizeof(T));
  list.push_back(read());
}

DataType read_type(int64_t number) {
  return number >= 0 && number <= INT16_MAX ? static_cast<DataType>(number) : DataType::invalid;
}

/// Sorts by name; a name that occurs twice is an error.
void sort_attrs(std::vector<Attr>& attrs, std::string_view owner) {
  std::sort(attrs.begin(), attrs.end(),
            [](const Attr& a, const Attr& b) { return a.name < b.name; });
  for (size_t i = 1; i < attrs.size(); ++i) {
    if (attrs[i].name == attrs[i - 1].name) {
      throw Failure(text("I2: '", owner, "' has attribute '", attrs[i].name, "' twice"));
    }
  }
}

Attr read_attr(Message entry);

FunctionName read_function_name(Message message) {
  FunctionName result;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        result.name = message.bytes();
        break;
      case 2:
        append(result.attrs, message, [&] { return read_attr(message.message()); });
        break;
      default:
        message.skip();
    }
  }
  sort_attrs(result.attrs, result.name);
  return result;
}

AttrList read_list(Message message) {
  AttrList list;
  while (message.next()) {
    switch (message.field()) {
      case 2:
        append(list.strings, message, [&] { return message.bytes(); });
        break;
      case 3:
        message.integers([&](int64_t v) { append(list.ints, message, [&] { return v; }); });
        break;
      case 4:
        message.fixed<4>([&](const char* bytes) {
          float v;
          std::memcpy(&v, bytes, 4);
          append(list.floats, message, [&] { return v; });
        });
        break;
      case 5:
        message.integers([&](int64_t v) { append(list.bools, message, [&] { return v != 0; }); });
        break;
      case 6:
        message.integers(
            [&](int64_t v) { append(list.types, message, [&] { return read_type(v); }); });
        break;
      case 7:
        append(list.shapes, message, [&] { return read_shape(message.message()); });
        break;
      case 8:
        append(list.tensors, message, [&] { return read_tensor(message.message()); });
        break;
      case 9:
        append(list.functions, message, [&] { return read_function_name(message.message()); });
        break;
      default:
        message.skip();
    }
  }
  return list;
}

AttrValue read_attr_value(Message message) {
  AttrValue result;
  while (message.next()) {
    if (message.field() >= 1 && message.field() <= 10 && result.index() != 0) {
      throw Failure("I1: an attribute has two values");
    }
    switch (message.field()) {
      case 1:
        message.budget().charge(sizeof(AttrList));
        result = std::make_shared<const AttrList>(read_list(message.message()));
        break;
      case 2:
        result = message.bytes();
        break;
      case 3:
        result = message.integer();
        break;
      case 4:
        result = message.real();
        break;
      case 5:
        result = message.boolean();
        break;
      case 6:
        result = read_type(message.integer());
        break;
      case 7:
        result = read_shape(message.message());
        break;
      case 8:
        result = read_tensor(message.message());
        break;
      case 9:
        result = Placeholder{message.bytes()};
        break;
      case 10:
        message.budget().charge(sizeof(FunctionName));
        result = std::make_shared<const FunctionName>(read_function_name(message.message()));
        break;
      default:
        message.skip();
    }
  }
  return result;
}

Attr read_attr(Message entry) {
  Attr attr;
  attr.name =
      read_map_entry(entry, [&](Message& at) { attr.value = read_attr_value(at.message()); });
  return attr;
}

NodeDef read_node(Message message) {
  NodeDef node;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        node.name = message.bytes();
        break;
      case 2:
        node.op = message.bytes();
        break;
      case 3:
        append(node.inputs, message, [&] { return message.bytes(); });
        break;
      case 5:
        append(node.attrs, message, [&] { return read_attr(message.message()); });
        break;
      default:
        message.skip();
    }
  }
  sort_attrs(node.attrs, node.name);
  return node;
}

ArgDef read_argument(Message message) {
  ArgDef argument;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        argument.name = message.bytes();
        break;
      case 3:
        argument.type = read_type(message.integer());
        break;
      case 4:
        argument.type_attr = message.bytes();
        break;
      case 5:
        argument.number_attr = message.bytes();
        break;
      case 6:
        argument.type_list_attr = message.bytes();
        break;
      default:
        message.skip();
    }
  }
  return argument;
}

void read_function_signature(Message message, FunctionDef& function) {
  while (message.next()) {
    switch (message.field()) {
      case 1:
        function.name = message.bytes();
        break;
      case 2:
        append(function.inputs, message, [&] { return read_argument(message.message()); });
        break;
      case 3:
        append(function.outputs, message, [&] { return read_argument(message.message()); });
        break;
      default:
        message.skip();
    }
  }
}

using NamePairs = std::vector<std::pair<std::string_view, std::string_view>>;

void read_name_pair(Message& message, NamePairs& pairs) {
  append(pairs, message, [&] {
    std::string_view value;
    const std::string_view key =
        read_map_entry(message.message(), [&](Message& at) { value = at.bytes(); });
    return std::pair(key, value);
  });
}

void sort_pairs(NamePairs& pairs, std::string_view function) {
  std::sort(pairs.begin(), pairs.end());
  for (size_t i = 1; i < pairs.size(); ++i) {
    if (pairs[i].first == pairs[i - 1].first) {
      throw Failure(text("I2: function '", function, "' returns '", pairs[i].first, "' twice"));
    }
  }
}

FunctionDef read_function(Message message) {
  FunctionDef function;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        read_function_signature(message.message(), function);
        break;
      case 3:
        append(function.nodes, message, [&] { return read_node(message.message()); });
        break;
      case 4:
        read_name_pair(message, function.ret);
        break;
      case 5:
        append(function.attrs, message, [&] { return read_attr(message.message()); });
        break;
      case 6:
        read_name_pair(message, function.control_ret);
        break;
      default:
        message.skip();
    }
  }
  sort_attrs(function.attrs, function.name);
  sort_pairs(function.ret, function.name);
  sort_pairs(function.control_ret, function.name);
  return function;
}

void read_library(Message message, GraphDef& graph) {
  while (message.next()) {
    if (message.field() == 1) {
      append(graph.functions, message, [&] { return read_function(message.message()); });
    } else {
      message.skip();
    }
  }
}

}  // namespace

TensorShape read_shape(Message message) {
  TensorShape shape;
  while (message.next()) {
    switch (message.field()) {
      case 2: {
        int64_t size = 0;
        Message dim = message.message();
        while (dim.next()) {
          if (dim.field() == 1) {
            size = dim.integer();
          } else {
            dim.skip();
          }
        }
        if (size < -1) throw Failure(text("I2: a shape has a dimension of ", size));
        append(shape.dims, message, [&] { return size; });
        break;
      }
      case 3:
        shape.unknown_rank = message.boolean();
        break;
      default:
        message.skip();
    }
  }
  if (shape.unknown_rank) shape.dims.clear();
  return shape;
}

TensorProto read_tensor(Message message) {
  TensorProto tensor;
  tensor.message = message.rest();
  while (message.next()) {
    switch (message.field()) {
      case 1:
        tensor.dtype = read_type(message.integer());
        break;
      case 2:
        tensor.shape = read_shape(message.message());
        break;
      case 4:
        tensor.content = message.bytes();
        break;
      default:
        message.skip();
    }
  }
  return tensor;
}

GraphDef read_graph(Message message) {
  GraphDef graph;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        append(graph.nodes, message, [&] { return read_node(message.message()); });
        break;
      case 2:
        read_library(message.message(), graph);
        break;
      case 4: {
        Message versions = message.message();
        while (versions.next()) {
          if (versions.field() == 1)
            graph.producer = versions.integer();
          else
            versions.skip();
        }
        break;
      }
      default:
        message.skip();
    }
  }
  return graph;
}

GraphDef read_graph_def(std::string_view bytes) {
  Budget budget(bytes.size());
  GraphDef graph = read_graph(Message(bytes, budget));
  check_graph(graph);
  return graph;
}

}  // namespace cygnet::tensorflow
