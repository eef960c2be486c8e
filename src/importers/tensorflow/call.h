// SPDX-License-Identifier: Apache-2.0
// Call: one TensorFlow node on its way into the graph. The functions in ops_*.cc take one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edit/editor.h"
#include "importers/importer.h"
#include "importers/tensorflow/graph_def.h"

namespace cygnet::tensorflow {

class GraphImporter;

/// What a TensorFlow edge carries.
struct Value {
  enum class Kind : uint8_t {
    none,      ///< nothing: a result that inference has no use for
    dead,      ///< what the branch of a Switch that is not taken would make
    tensor,    ///< a tensor of the graph
    variable,  ///< a resource handle: the name of the variable's node
    list,      ///< a TensorList as one tensor [length, ...element]
    complex    ///< complex numbers as two float32 tensors, real and imaginary parts
  };
  Kind kind = Kind::none;
  int32_t tensor = kAbsent;     ///< complex: the real parts
  int32_t imaginary = kAbsent;  ///< complex: the imaginary parts
  std::string variable = {};
  /// A list without a tensor, reserved and not read yet: an entry for each element, kAbsent where
  /// it was not written.
  std::vector<int32_t> items = {};
  Type type = Type::float32;  ///< of a list's elements

  static Value of(int32_t tensor) { return {.kind = Kind::tensor, .tensor = tensor}; }
  static Value none_taken() { return {.kind = Kind::dead}; }
  static Value of(int32_t real, int32_t imaginary) {
    return {.kind = Kind::complex, .tensor = real, .imaginary = imaginary};
  }
};

/// The counterpart of a TensorFlow type: float16 and bfloat16 are computed in float32. Throws
/// Failure for types that the format does not have.
Type to_type(DataType type, std::string_view node);

class Call {
 public:
  /// results: how many of them others take, where the operator is not known.
  Call(GraphImporter& importer, Editor& editor, const NodeDef& def, std::vector<Value> inputs,
       int results = 1)
      : e(editor), node(def), taken(results), importer_(importer), inputs_(std::move(inputs)) {}

  Editor& e;
  const NodeDef& node;
  const int taken;

  GraphImporter& importer() { return importer_; }
  std::string_view name() const { return node.name; }
  /// The node's name with a suffix, for tensors on the way to its result.
  std::string part(std::string_view suffix) const { return text(node.name, "/", suffix); }

  int inputs() const { return static_cast<int>(inputs_.size()); }
  const Value& value(int k) const;
  bool has_complex() const {
    for (const Value& v : inputs_)
      if (v.kind == Value::Kind::complex) return true;
    return false;
  }
  /// Input k, a tensor.
  int32_t in(int k) const;
  std::vector<int32_t> all(int from, int to) const;
  Shape shape(int k) const { return e.shape(in(k)); }
  Type type(int k) const { return e.type(in(k)); }
  /// The integers of input k, which inference must know: axes, permutations, sizes.
  std::vector<int64_t> integers(int k) const;
  int64_t integer(int k) const;
  /// integers(k) as axes of input `of`, made non-negative.
  std::vector<int32_t> axes(int k, int of) const;
  int32_t axis(int64_t value, int rank) const;
  /// An axis of a tensor, or of one with `more` dimensions; as it is where the rank is known only
  /// while running.
  int32_t axis_of(int64_t value, int32_t tensor, int more = 0) const;
  /// Dimension d of a tensor, which does not depend on the batch or on data.
  int32_t fixed_dim(int32_t tensor, int d) const;

  void out(int32_t tensor) { results_.push_back(Value::of(tensor)); }
  void out(Value value) { results_.push_back(std::move(value)); }
  std::vector<Value>& results() { return results_; }

  /// Throws Failure with the file and the node's name and operator before the parts.
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw Failure(where() + text(parts...));
  }
  void warn(const std::string& message) { e.draft().warnings.push_back(where() + message); }

 private:
  std::string where() const {
    return text(e.draft().source, ": node \"", node.name, "\" (", node.op, "): ");
  }

  GraphImporter& importer_;
  std::vector<Value> inputs_;
  std::vector<Value> results_;
};

/// One TensorFlow operator.
struct OpRow {
  std::string_view op;
  void (*convert)(Call&);
};

/// The row of an operator; null when it is not supported.
const OpRow* find_op(std::string_view op);

/// Keeps an operator that is not in the table as a custom operator of its name, its attributes as a
/// flexbuffer map.
void to_custom(Call& c);

/// At a BatchToSpaceND: warns of a stride within a dilated grid, and converts it as the mathematics
/// says where that is wanted; true then.
bool strided_in_grid(Call& c);

/// The parts of the table.
std::span<const OpRow> array_ops();
std::span<const OpRow> math_ops();
std::span<const OpRow> nn_ops();
std::span<const OpRow> control_ops();
std::span<const OpRow> decomposed_ops();
std::span<const OpRow> elementwise_ops();
std::span<const OpRow> indexing_ops();
std::span<const OpRow> matrix_ops();
std::span<const OpRow> image_ops();
std::span<const OpRow> volume_ops();
std::span<const OpRow> quantize_ops();
std::span<const OpRow> spectral_ops();

/// Whether an operator treats real and imaginary parts alike and apart: one that moves or adds.
bool acts_on_parts(std::string_view op);

// ---- What several files use

/// a OP b for ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, ...
int32_t binary(Editor& e, Builtin op, int32_t a, int32_t b, std::string_view name);
int32_t unary(Editor& e, Builtin op, int32_t x, std::string_view name);
int32_t reshape(Editor& e, int32_t x, const std::vector<int32_t>& shape, std::string_view name);
int32_t transpose(Editor& e, int32_t x, const std::vector<int32_t>& perm, std::string_view name);
int32_t reduce(Editor& e, Builtin op, int32_t x, const std::vector<int32_t>& axes, bool keep_dims,
               std::string_view name);
int32_t cast(Editor& e, int32_t x, Type type, std::string_view name);
/// Mul where an operand is complex.
void complex_product(Call& c);
/// A float32 scalar.
int32_t scalar(Editor& e, double value);
/// A scalar of a type.
int32_t scalar_of(Editor& e, double value, Type type);
/// Elements of a where the condition holds, of b elsewhere.
int32_t select(Editor& e, int32_t condition, int32_t a, int32_t b, std::string_view name);
/// A constant of booleans.
int32_t mask(Editor& e, const Shape& shape, const std::vector<uint8_t>& bits);
/// The shape as int32 [rank].
int32_t shape_of(Editor& e, int32_t x, std::string_view name);
/// `size` elements from `begin` on of dimension d, all of the others.
int32_t slice_dim(Editor& e, int32_t x, int d, int32_t begin, int32_t size, std::string_view name);
int32_t concat(Editor& e, const std::vector<int32_t>& parts, int axis, std::string_view name);
/// x[..., inner]·matrix[inner, n] for a constant matrix, row-major.
int32_t times_matrix(Editor& e, int32_t x, int32_t n, const std::vector<float>& matrix,
                     std::string_view name);
/// x·w with w constant or not; the last two dimensions are the matrices'.
int32_t matmul(Editor& e, int32_t a, int32_t b, bool adj_a, bool adj_b, std::string_view name);

}  // namespace cygnet::tensorflow
