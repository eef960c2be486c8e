// SPDX-License-Identifier: Apache-2.0
// Layer: one call of one Keras layer, with all that its emitter needs.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "edit/editor.h"
#include "importers/importer.h"
#include "importers/keras/config.h"
#include "importers/keras/model_file.h"

namespace cygnet::keras {

class TrainedRanges;

/// What all layers of one import share.
struct Import {
  Editor& e;
  const ImportOptions& options;
  const ModelFile& file;
  std::map<std::string, int32_t> constants;  ///< weights that are in the draft, by place and order
  std::set<int32_t> masked;                  ///< tensors that carry a mask of time steps
  const TrainedRanges* ranges = nullptr;     ///< of the QuantizeWrapper around the layer
  int64_t fake_quants = 0;                   ///< roundings of quantization-aware training
};

/// An argument of a call: a tensor, a list of arguments, or a value from the file.
struct Argument {
  int32_t tensor = kAbsent;
  bool is_list = false;
  std::vector<Argument> list;
  Config literal;

  bool is_tensor() const { return tensor != kAbsent; }
  bool none() const { return !is_tensor() && !is_list && literal.null(); }
};

struct Call {
  std::vector<Argument> positional;
  std::map<std::string, Argument> keywords;
};

/// The tensors of an argument, depth first.
std::vector<int32_t> tensors_of(const Argument& argument);

using Tensors = std::vector<int32_t>;

/// Dimension of a reshape that is the batch, or follows from the others.
inline constexpr int32_t kRest = -1;

class Layer {
 public:
  Import& import;
  Editor& e;
  std::string name;  ///< with the names of the models around it: "encoder/conv1"
  std::string kind;  ///< class name
  Config config;     ///< the layer's own settings
  Weights weights;   ///< its variables
  Tensors inputs;    ///< tensors among the positional arguments
  Call call;

  Layer(Import& shared, std::string layer_name, std::string class_name, Config settings,
        Weights variables, Call arguments);

  /// Input i; a Failure where the call has fewer.
  int32_t input(size_t i = 0) const;
  /// A tensor given by keyword; kAbsent where there is none.
  int32_t keyword(const std::string& key) const;
  /// "source: layer (Class): what".
  [[noreturn]] void fail(const std::string& what) const;
  void refuse_if(bool condition, const std::string& what) const {
    if (condition) fail(what);
  }

  // ---- Shapes

  int rank(int32_t x) const { return e.shape(x).rank; }
  int32_t dim(int32_t x, int d) const { return e.shape(x)[d < 0 ? d + rank(x) : d]; }
  /// An axis, negative from the end, as an index; a Failure outside of the rank.
  int axis(int32_t a, int of_rank) const;
  void expect_rank(int32_t x, int wanted) const;

  // ---- Operators

  template <class Options = NoOptions>
  int32_t add(Builtin op, const Tensors& operands, const Options& options = {}) {
    return e.add(op, operands, options, Results(part_name(op)));
  }
  template <class Options = NoOptions>
  int32_t add_typed(Builtin op, const Tensors& operands, Type type, const Options& options = {}) {
    return e.add(op, operands, options, Results(part_name(op), type));
  }
  /// One dimension may be kRest.
  int32_t reshape(int32_t x, const std::vector<int32_t>& dims);
  /// The dims of x with one that depends on the batch as kRest.
  std::vector<int32_t> dims_of(int32_t x) const;
  int32_t transpose(int32_t x, const std::vector<int32_t>& order);
  int32_t cast(int32_t x, Type type);
  int32_t to_float(int32_t x) { return cast(x, Type::float32); }
  int32_t plus(int32_t a, int32_t b);
  int32_t minus(int32_t a, int32_t b);
  int32_t times(int32_t a, int32_t b);
  int32_t over(int32_t a, int32_t b);
  int32_t plus(int32_t a, float b) { return plus(a, e.scalar<float>(b)); }
  int32_t times(int32_t a, float b) { return times(a, e.scalar<float>(b)); }
  int32_t reduce(Builtin op, int32_t x, const std::vector<int32_t>& axes, bool keep_dims);
  /// x[..., k] · weights[n, k] (+ bias [n]), keeping the leading dimensions.
  int32_t dense(int32_t x, int32_t weight, int32_t bias);
  /// a · b over the last two dimensions, either one transposed first.
  int32_t matmul(int32_t a, int32_t b, bool adj_a, bool adj_b);
  int32_t concatenate(const Tensors& parts, int at);
  /// Steps [begin, end) of dimension d.
  int32_t slice(int32_t x, int d, int32_t begin, int32_t end);
  int32_t softmax(int32_t x, int at);
  /// a where the condition holds, else b.
  int32_t select(int32_t condition, int32_t a, int32_t b);
  /// paddings: before and after, for each dimension.
  int32_t pad(int32_t x, const std::vector<int32_t>& paddings);

  // ---- Weights

  /// The next variable as a constant whose dimension i is the variable's dimension order[i] (none:
  /// as it is). A Failure where dims (−1: any) disagree.
  int32_t weight(const std::string& variable, const std::vector<int32_t>& dims,
                 const std::vector<int32_t>& order = {});
  /// As weight, seen as a constant of other dimensions with as many elements.
  int32_t weight_as(const std::string& variable, const std::vector<int32_t>& dims,
                    const Shape& shape, const std::vector<int32_t>& order = {});
  /// A variable is there that this call may ask for next.
  bool has_weight(const std::string& variable) const { return weights.has_next(variable); }
  /// The next variable with its elements, to compute with.
  Array array(const std::string& variable, const std::vector<int32_t>& dims);
  /// The next variable's elements, to compute with.
  std::vector<float> values(const std::string& variable, const std::vector<int32_t>& dims);
  int32_t constant(const std::vector<int32_t>& dims, const std::vector<float>& elements);

 private:
  std::string part_name(Builtin op) const;
  int32_t load(const std::string& variable, const std::vector<int32_t>& dims, const Shape* shape,
               const std::vector<int32_t>& order);
  Array checked(const std::string& place, const std::string& variable,
                const std::vector<int32_t>& dims) const;
};

/// Appends the operators of one call; returns the layer's results.
using Emit = Tensors (*)(Layer&);

/// A function of Keras by its name as it stands in configs: a text, a serialized function or an
/// activation layer; null is the identity.
int32_t activate(Layer& layer, int32_t x, const Config& function);
/// Whether activate knows a function of this name.
bool known_activation(const std::string& name);

/// Emits another layer, given as {"class_name": ..., "config": ...}, that belongs to this one.
Tensors emit_inner(Layer& outer, const Config& layer, const std::string& weight_name,
                   const std::string& attribute, const Call& call);

}  // namespace cygnet::keras
