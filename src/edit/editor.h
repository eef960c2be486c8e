// SPDX-License-Identifier: Apache-2.0
// Editor: builds and rewrites one subgraph of a Draft. Importers append operators with it, passes
// replace them.
//
//   Editor e(draft, builtin_ops());
//   int32_t x = e.input("image", Type::float32, {-1, 8, 8, 3});
//   int32_t w = e.constant<float>({4, 3, 3, 3}, weights);
//   int32_t b = e.constant<float>({4}, bias);
//   schema::Conv2DOptionsT options;
//   options.stride_h = options.stride_w = 1;
//   int32_t y = e.add(Builtin::CONV_2D, {x, w, b}, options, "conv");
//   e.set_outputs({y});
//
// Shapes are inferred as operators are added, by the operators' own infer. Small results that
// follow from constants and shapes alone are computed at once, by the operators' own invoke, and
// become constants.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "edit/draft.h"
#include "edit/failure.h"
#include "flatbuffers/flatbuffers.h"
#include "graph/registry.h"
#include "schema/tflite_generated.h"

namespace cygnet {

using Builtin = schema::BuiltinOperator;

/// For operators that take no option table.
struct NoOptions {};

/// What an operator's results are called and hold. Without types each result has the type of
/// operand 0.
struct Results {
  std::string_view name = {};  ///< of result 0; results after it get ":1", ":2", ...
  std::vector<Type> types = {};
  int count = 1;

  Results() = default;
  Results(std::string_view n) : name(n) {}    // NOLINT: a name alone is the common case
  Results(const char* n) : name(n) {}         // NOLINT
  Results(const std::string& n) : name(n) {}  // NOLINT
  Results(std::string_view n, Type type) : name(n), types{type} {}
  Results(std::string_view n, std::vector<Type> list)
      : name(n), types(std::move(list)), count(static_cast<int>(types.size())) {}
};

class Editor {
 public:
  /// The registry's tables and the draft must outlive the editor.
  Editor(Draft& draft, const OpRegistry& registry, int subgraph = 0);
  virtual ~Editor() = default;

  Draft& draft() { return draft_; }
  const OpRegistry& registry() const { return registry_; }
  Subgraph& subgraph() { return draft_.graph.subgraphs[index_]; }
  const Subgraph& subgraph() const { return draft_.graph.subgraphs[index_]; }
  int subgraph_index() const { return index_; }

  // ---- Tensors

  const GraphTensor& tensor(int32_t i) const { return subgraph().tensors[i]; }
  GraphTensor& tensor(int32_t i) { return subgraph().tensors[i]; }
  /// A copy: tensors move when others are added.
  Shape shape(int32_t i) const { return tensor(i).shape; }
  Type type(int32_t i) const { return tensor(i).type; }
  bool constant(int32_t i) const { return i != kAbsent && tensor(i).constant; }
  /// Whether the shape depends on data that is known only while running.
  bool shape_unknown(int32_t i) const { return facts(i).shape_unknown; }
  /// Whether dimension d depends on the free batch size.
  bool dim_free(int32_t i, int d) const;
  /// The elements of a constant of type T.
  template <class T>
  std::span<const T> values(int32_t i) const {
    const GraphTensor& t = tensor(i);
    return {t.as<T>(), static_cast<size_t>(t.shape.elements())};
  }
  /// The integers of an int32, int64 or bool tensor that are the same for every batch size (a
  /// constant always is); nothing otherwise.
  std::optional<std::vector<int64_t>> integers(int32_t i) const;
  /// As integers, for the shape operand of a RESHAPE: −1 where one element depends on the batch.
  std::optional<std::vector<int32_t>> reshape_target(int32_t i) const;
  /// The single value of a float32 constant whose elements are all equal.
  std::optional<float> uniform(int32_t i) const;

  /// The integers that a float constant stands for, or null (edit/grid.h).
  const Grid& grid(int32_t i) const { return facts(i).grid; }
  void set_grid(int32_t i, Grid grid) { facts(i).grid = std::move(grid); }

  /// Appends a graph input; −1 for the free batch dimension.
  int32_t input(std::string_view name, Type type, std::span<const int32_t> dims);
  int32_t input(std::string_view name, Type type, std::initializer_list<int32_t> dims) {
    return input(name, type, std::span(dims.begin(), dims.size()));
  }
  /// Appends a graph input with the type, shape and freedom of a tensor of another subgraph.
  int32_t input_like(const Editor& other, int32_t tensor, std::string_view name);
  /// A constant whose bytes are borrowed: they live as long as the draft and are aligned to their
  /// elements.
  int32_t borrowed_constant(Type type, const Shape& shape, std::span<const uint8_t> bytes,
                            std::string_view name = {});
  /// A constant with a copy of the elements.
  template <class T>
  int32_t constant(const Shape& shape, std::span<const T> values, std::string_view name = {}) {
    return copied_constant(type_of<T>(), shape,
                           {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()},
                           name);
  }
  template <class T>
  int32_t constant(const Shape& shape, const std::vector<T>& values, std::string_view name = {}) {
    return constant<T>(shape, std::span<const T>(values), name);
  }
  /// [values.size()] integers: axes, shapes, paddings.
  int32_t list(const std::vector<int32_t>& values, std::string_view name = {}) {
    return constant<int32_t>({static_cast<int32_t>(values.size())}, values, name);
  }
  /// A scalar of rank 0.
  template <class T>
  int32_t scalar(T value, std::string_view name = {}) {
    return constant<T>(Shape(), std::span<const T>(&value, 1), name);
  }
  int32_t copied_constant(Type type, const Shape& shape, std::span<const uint8_t> bytes,
                          std::string_view name = {});
  /// A zero-initialized state tensor.
  int32_t variable(Type type, const Shape& shape, std::string_view name);
  /// A tensor without a producer yet, with the type and shape of one of another subgraph.
  int32_t result_like(const Editor& other, int32_t tensor, std::string_view name);
  /// A tensor without a producer yet, whose shape is known only while running.
  int32_t unknown_tensor(Type type, std::string_view name);
  /// A tensor without a producer yet, with the shape (and freedom) of another.
  int32_t tensor_like(int32_t other, Type type, std::string_view name);

  void set_inputs(const std::vector<int32_t>& tensors);
  void set_outputs(const std::vector<int32_t>& tensors);

  // ---- Operators

  /// Appends an operator; returns its result (the first of several: the others follow it).
  template <class Options = NoOptions>
  int32_t add(Builtin op, const std::vector<int32_t>& inputs, const Options& options = {},
              const Results& results = {}) {
    return append(op, inputs, pack(options), results);
  }
  /// Appends an operator that writes tensors which exist already (state, or results whose shapes
  /// are given by their maker: WHILE, IF).
  template <class Options = NoOptions>
  void add_into(Builtin op, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs,
                const Options& options = {}) {
    append_node(op, inputs, outputs, pack(options));
  }
  /// A custom operator; its results have the given shapes.
  int32_t add_custom(std::string_view code, const std::vector<int32_t>& inputs,
                     std::span<const uint8_t> options, const std::vector<int32_t>& outputs);
  /// Shapes of an operator's results anew, after its operands or options changed.
  void infer(int32_t node);

  /// A packed option table that lives as long as the draft; null for NoOptions.
  template <class Options>
  const void* pack(const Options& options) {
    if constexpr (std::is_same_v<Options, NoOptions>) {
      return nullptr;
    } else {
      flatbuffers::FlatBufferBuilder builder(64);
      builder.Finish(Options::TableType::Pack(builder, &options));
      return keep_table({builder.GetBufferPointer(), builder.GetSize()});
    }
  }
  /// The options of a node as a struct, defaults where the node has none: `options<Conv2DOptions>`.
  template <class Table>
  typename Table::NativeTableType options(const Node& node) const {
    typename Table::NativeTableType result;
    if (node.options != nullptr) static_cast<const Table*>(node.options)->UnPackTo(&result);
    return result;
  }

  /// "conv (CONV_2D)" for messages.
  std::string node_text(const Node& node) const;

  /// Gives `result`, the constant that a node on constants makes, the grid that follows from
  /// theirs.
  void keep_grid(const Node& node, int32_t result);

 protected:
  TensorFacts& facts(int32_t i) { return draft_.facts[index_][i]; }
  const TensorFacts& facts(int32_t i) const { return draft_.facts[index_][i]; }
  int32_t new_tensor(Type type, std::string_view name);
  int32_t append(Builtin op, const std::vector<int32_t>& inputs, const void* options,
                 const Results& results);
  virtual int32_t append_node(Builtin op, const std::vector<int32_t>& inputs,
                              const std::vector<int32_t>& outputs, const void* options);

 private:
  const void* keep_table(std::span<const uint8_t> bytes);
  Node make_node(Builtin op, const std::vector<int32_t>& inputs,
                 const std::vector<int32_t>& outputs, const void* options);
  void infer_node(const Node& node);
  bool compute_small(const Node& node);
  bool shape_values(const Node& node);
  void set_values(int32_t i, const std::array<std::vector<uint8_t>, kBatches.size()>& values);
  std::vector<uint8_t> bytes_of(int32_t i, size_t batch) const;
  bool value_known(int32_t i) const;
  GraphTensor operand(int32_t i, size_t batch, std::vector<uint8_t>& storage) const;

  Draft& draft_;
  const OpRegistry& registry_;
  int index_;
};

}  // namespace cygnet
