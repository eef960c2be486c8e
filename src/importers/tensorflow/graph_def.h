// SPDX-License-Identifier: Apache-2.0
// TensorFlow's graph messages as plain structs. The protobuf definitions they follow are those of
// TensorFlow 2.21 (graph.proto, node_def.proto, attr_value.proto, tensor.proto, function.proto,
// op_def.proto, meta_graph.proto, saved_model.proto). Every string_view points into the bytes the
// message was read from; whoever holds a struct keeps those bytes alive (Source does).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cygnet::tensorflow {

/// Element types by their number in types.proto. A reference type (a TF1 variable's output) is its
/// value type + 100 there; base_type() takes that off.
enum class DataType : int32_t {
  invalid = 0,
  float32 = 1,
  float64 = 2,
  int32 = 3,
  uint8 = 4,
  int16 = 5,
  int8 = 6,
  string = 7,
  complex64 = 8,
  int64 = 9,
  boolean = 10,
  qint8 = 11,
  quint8 = 12,
  qint32 = 13,
  bfloat16 = 14,
  qint16 = 15,
  quint16 = 16,
  uint16 = 17,
  complex128 = 18,
  float16 = 19,
  resource = 20,
  variant = 21,
  uint32 = 22,
  uint64 = 23,
};

/// The value type of a reference type; other types unchanged.
DataType base_type(DataType type);
/// Bytes of one element; 0 for string, resource, variant and unknown numbers.
int64_t type_bytes(DataType type);
/// "float32", "resource", "type 77".
std::string type_name(DataType type);

/// A shape: unknown rank, or dims of which -1 is unknown.
struct TensorShape {
  bool unknown_rank = false;
  std::vector<int64_t> dims;

  bool operator==(const TensorShape&) const = default;
  /// Whether rank and every dimension are known.
  bool fully_known() const;
  /// "?", "[?,224,224,3]".
  std::string text() const;
};

/// A constant as the file holds it. The elements are read by decode_tensor (tensor_value.h).
struct TensorProto {
  DataType dtype = DataType::invalid;
  TensorShape shape;
  std::string_view content;  ///< tensor_content: dense little-endian elements, or empty
  std::string_view message;  ///< the whole message, whose *_val fields decode_tensor reads
};

struct Attr;

/// A function by name with the values of its attributes (NameAttrList).
struct FunctionName {
  std::string_view name;
  std::vector<Attr> attrs;
};

/// The name of a function's attribute that stands for the value (only inside function bodies).
struct Placeholder {
  std::string_view name;
};

/// A list: at most one of the vectors has elements.
struct AttrList {
  std::vector<std::string_view> strings;
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<bool> bools;
  std::vector<DataType> types;
  std::vector<TensorShape> shapes;
  std::vector<TensorProto> tensors;
  std::vector<FunctionName> functions;
};

/// The value of an attribute. monostate: the file sets no value.
using AttrValue =
    std::variant<std::monostate, std::string_view, int64_t, float, bool, DataType, TensorShape,
                 TensorProto, Placeholder, std::shared_ptr<const FunctionName>,
                 std::shared_ptr<const AttrList>>;

struct Attr {
  std::string_view name;
  AttrValue value;
};

/// A node of a graph or of a function's body.
///
/// Inputs: "node" (its output 0), "node:k", "^node" (control); in a function's body also
/// "argument" and "node:output_name:k". See parse_input. The typed accessors throw Failure (rule
/// I2) with the node's name when the attribute is missing or of another kind; those with a fallback
/// return it when the attribute is absent, because writers may leave out default values.
struct NodeDef {
  std::string_view name;
  std::string_view op;
  std::vector<std::string_view> inputs;
  std::vector<Attr> attrs;  ///< sorted by name, names unique

  /// Null when there is no such attribute.
  const AttrValue* find(std::string_view attr) const;

  std::string_view string(std::string_view attr) const;
  std::string_view string(std::string_view attr, std::string_view fallback) const;
  int64_t integer(std::string_view attr) const;
  int64_t integer(std::string_view attr, int64_t fallback) const;
  float real(std::string_view attr) const;
  float real(std::string_view attr, float fallback) const;
  bool boolean(std::string_view attr) const;
  bool boolean(std::string_view attr, bool fallback) const;
  DataType type(std::string_view attr) const;
  DataType type(std::string_view attr, DataType fallback) const;
  const TensorShape& shape(std::string_view attr) const;
  const TensorProto& tensor(std::string_view attr) const;
  const FunctionName& function(std::string_view attr) const;
  const AttrList& list(std::string_view attr) const;
  /// An empty list when absent.
  const AttrList& list_or_empty(std::string_view attr) const;
};

/// An input string taken apart.
struct InputName {
  std::string_view node;    ///< node or function argument
  std::string_view output;  ///< name of the output argument; empty outside function bodies
  int64_t index = 0;        ///< among the node's outputs, or within that output argument
  bool control = false;     ///< "^node"
};

/// Takes "node", "node:2", "^node", "node:output:2" apart. Throws Failure (rule I2).
InputName parse_input(std::string_view input);

/// An argument of a function's signature (OpDef.ArgDef).
struct ArgDef {
  std::string_view name;
  DataType type = DataType::invalid;
  std::string_view type_attr;       ///< attribute that gives the type
  std::string_view number_attr;     ///< attribute that gives how many tensors of that type
  std::string_view type_list_attr;  ///< attribute that lists the types
};

/// A function of the graph's library.
struct FunctionDef {
  std::string_view name;
  std::vector<ArgDef> inputs;
  std::vector<ArgDef> outputs;
  std::vector<Attr> attrs;  ///< sorted by name
  std::vector<NodeDef> nodes;
  /// Output argument → "node:output_name:k" or the name of an input; sorted by output argument.
  std::vector<std::pair<std::string_view, std::string_view>> ret;
  /// Control output → node; sorted.
  std::vector<std::pair<std::string_view, std::string_view>> control_ret;

  /// What ret says of an output argument; empty when it says nothing.
  std::string_view returned(std::string_view output) const;
};

/// A graph and its function library. Names are unique and every input resolves (rule I2), also
/// within each function.
struct GraphDef {
  std::vector<NodeDef> nodes;
  std::vector<FunctionDef> functions;
  int64_t producer = 0;  ///< version of the graph format that the writer followed; 0: not said
};

/// An input or output of a signature.
struct TensorInfo {
  std::string_view key;   ///< its name in the signature
  std::string_view name;  ///< the tensor, "node:k"; empty for sparse and composite tensors
  DataType dtype = DataType::invalid;
  TensorShape shape;
};

struct SignatureDef {
  std::string_view key;
  std::string_view method_name;
  std::vector<TensorInfo> inputs;   ///< sorted by key
  std::vector<TensorInfo> outputs;  ///< sorted by key
};

/// The names by which the graph saves and restores its variables.
struct SaverDef {
  std::string_view filename_tensor_name;
  std::string_view save_tensor_name;
  std::string_view restore_op_name;
};

struct MetaGraphDef {
  std::vector<std::string_view> tags;
  GraphDef graph;
  SaverDef saver;
  std::vector<SignatureDef> signatures;  ///< sorted by key
};

struct SavedModel {
  std::vector<MetaGraphDef> meta_graphs;
};

/// Readers of whole messages in protobuf's wire format. bytes must outlive the result. Malformed
/// messages throw Failure (rules I1 and I2); memory is bounded by 8 × the size of bytes + 1 GiB.
GraphDef read_graph_def(std::string_view bytes);
MetaGraphDef read_meta_graph(std::string_view bytes);
SavedModel read_saved_model(std::string_view bytes);

/// Throws Failure (rule I2) unless names are unique and every input resolves, in the graph and in
/// each function. The readers call it.
void check_graph(const GraphDef& graph);

}  // namespace cygnet::tensorflow
