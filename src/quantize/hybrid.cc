// SPDX-License-Identifier: Apache-2.0
#include "quantize/hybrid.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "base/number.h"
#include "passes/layers.h"
#include "quantize/bias.h"
#include "quantize/integer.h"

namespace cygnet {
namespace {

// An operator that takes integer weights beside float activations.
struct HybridForm {
  Builtin op;
  std::vector<size_t> weights;  // operands; all are integers or none is
  int channel_axis = -1;        // −1: one scale for all
  bool four_bits = false;       // takes int4 too

  bool recurrent() const { return weights.size() > 1; }
};

const std::vector<HybridForm>& forms() {
  static const std::vector<HybridForm> table = {
      {Builtin::CONV_2D, {1}, 0, true},
      {Builtin::FULLY_CONNECTED, {1}, 0, true},
      {Builtin::DEPTHWISE_CONV_2D, {1}, 3},
      {Builtin::TRANSPOSE_CONV, {1}, 0},
      {Builtin::BATCH_MATMUL, {1}},
      {Builtin::EMBEDDING_LOOKUP, {1}},
      {Builtin::RNN, {1, 2}},
      {Builtin::UNIDIRECTIONAL_SEQUENCE_RNN, {1, 2}},
      {Builtin::BIDIRECTIONAL_SEQUENCE_RNN, {1, 2, 5, 6, 10, 11}},
      {Builtin::SVDF, {1, 2}},
      {Builtin::LSTM, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16}},
      {Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16}},
      {Builtin::BIDIRECTIONAL_SEQUENCE_LSTM,
       {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 16, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 33, 40, 41, 42, 43, 44, 45, 46, 47}},
  };
  return table;
}

class Hybrid {
 public:
  Hybrid(Patch& patch, const HybridOptions& options, HybridReport& report)
      : patch_(patch), options_(options), report_(report) {}

  void make_integers() {
    const int32_t count = patch_.node_count();
    for (int32_t n = 0; n < count; ++n) {
      if (patch_.is(n, Builtin::GATHER) && !options_.recurrent_alone) {
        make_gather(n);
        continue;
      }
      for (const HybridForm& form : forms())
        if (patch_.is(n, form.op) && (form.recurrent() || !options_.recurrent_alone)) make(n, form);
    }
    finish();
  }

  void make_halves() {
    const auto count = static_cast<int32_t>(patch_.subgraph().tensors.size());
    for (int32_t i = 0; i < count; ++i) {
      if (!patch_.constant(i) || patch_.type(i) != Type::float32 || patch_.is_output(i)) continue;
      if (patch_.consumers(i).empty()) continue;
      if (excluded_reader(i) || !make_half(i)) ++report_.kept;
    }
    finish();
  }

 private:
  void finish() {
    patch_.remove_dead();
    patch_.finish();
  }

  bool excluded(int32_t n) const {
    const Node& node = patch_.node(n);
    return options_.excluded_kinds.contains(std::string(node.name)) ||
           (!node.outputs.empty() &&
            options_.excluded.contains(std::string(patch_.tensor(node.outputs[0]).name)));
  }
  bool excluded_reader(int32_t i) const {
    const auto& readers = patch_.consumers(i);
    return std::any_of(readers.begin(), readers.end(), [&](int32_t n) { return excluded(n); });
  }

  static bool finite(std::span<const float> values, float most) {
    return std::all_of(values.begin(), values.end(), [&](float v) { return std::fabs(v) <= most; });
  }

  // The operands of the node that are weights and given.
  std::vector<size_t> weights_of(const Node& node, const HybridForm& form) const {
    std::vector<size_t> list;
    for (size_t k : form.weights)
      if (k < node.inputs.size() && node.inputs[k] != kAbsent) list.push_back(k);
    return list;
  }

  void make(int32_t n, const HybridForm& form) {
    const Node& node = patch_.node(n);
    const std::vector<size_t> weights = weights_of(node, form);
    int64_t elements = 0;
    bool fit = !weights.empty() && patch_.type(node.outputs[0]) == Type::float32;
    for (size_t k : weights) {
      const int32_t w = node.inputs[k];
      fit = fit && patch_.constant(w) && patch_.type(w) == Type::float32 &&
            finite(patch_.values<float>(w), 1e30f);
      elements += patch_.shape(w).elements();
    }
    if (!fit) return;
    if (elements < options_.least_elements || excluded(n)) {
      report_.kept += static_cast<int>(weights.size());
      return;
    }
    std::vector<int32_t> inputs(node.inputs.begin(), node.inputs.end());
    const Type type = form.four_bits ? options_.weights : Type::int8;
    const int axis = options_.per_channel || type == Type::int4 ? form.channel_axis : -1;
    for (size_t k : weights) inputs[k] = smaller(inputs[k], type, axis);
    if (patch_.subgraph_index() == 0 && form.channel_axis >= 0)
      correct_bias(n, form.channel_axis, inputs);
    patch_.set_inputs_of(n, inputs);
    set_asymmetric(n);
    report_.layers.emplace(patch_.node(n).name, patch_.tensor(patch_.node(n).outputs[0]).name);
  }

  // `inputs` are the node's with quantized weights; its own are still those that were given.
  void correct_bias(int32_t n, int axis, std::vector<int32_t>& inputs) {
    const std::vector<double> shift =
        rounding_shift(patch_, n, inputs[1], patch_.node(n).inputs[1], options_.means, axis);
    const size_t b = passes::bias_operand(patch_, n);
    const int32_t bias = inputs.size() > b ? inputs[b] : kAbsent;
    if (shift.empty() || (bias != kAbsent && !patch_.constant(bias))) return;
    std::vector<float> values;
    for (size_t c = 0; c < shift.size(); ++c) {
      const double given =
          bias == kAbsent ? 0.0 : static_cast<double>(patch_.values<float>(bias)[c]);
      values.push_back(static_cast<float>(given + shift[c]));
    }
    const std::string name = bias != kAbsent
                                 ? std::string(patch_.tensor(bias).name)
                                 : text(patch_.tensor(patch_.node(n).outputs[0]).name, "_bias");
    inputs.resize(std::max(inputs.size(), b + 1), kAbsent);
    inputs[b] = patch_.constant<float>({static_cast<int32_t>(values.size())}, values, name);
  }

  // The constant in fewer bits, made once.
  int32_t smaller(int32_t w, Type type, int axis) {
    for (const auto& [from, to, its_type] : made_)
      if (from == w && its_type == type) return to;
    const QuantizedType q = weight_type(type, patch_.values<float>(w), patch_.shape(w), axis);
    const int32_t result = quantized_constant(patch_, w, q, true);
    made_.push_back({w, result, type});
    ++report_.quantized;
    return result;
  }

  // A table of floats (an embedding): its rows are made floats after they were chosen.
  void make_gather(int32_t n) {
    const std::vector<int32_t> inputs(patch_.node(n).inputs.begin(), patch_.node(n).inputs.end());
    const int32_t table = inputs[0], y = patch_.node(n).outputs[0];
    if (!patch_.constant(table) || patch_.type(table) != Type::float32) return;
    if (patch_.shape(table).elements() < options_.least_elements || excluded(n) ||
        !finite(patch_.values<float>(table), 1e30f)) {
      ++report_.kept;
      return;
    }
    const int32_t integers = smaller(table, Type::int8, -1);
    const int32_t rows =
        patch_.tensor_like(y, Type::int8, text(patch_.tensor(y).name, "_quantized"));
    patch_.tensor(rows).quantization = patch_.tensor(integers).quantization;
    std::vector<int32_t> changed = inputs;
    changed[0] = integers;
    patch_.set_inputs_of(n, changed);
    patch_.set_outputs_of(n, {rows});
    patch_.add_into(Builtin::DEQUANTIZE, {rows}, {y});
  }

  bool make_half(int32_t i) {
    const auto values = patch_.values<float>(i);
    constexpr float kLargestHalf = 65504;
    if (!finite(values, kLargestHalf)) return false;
    std::vector<Half> halves;
    halves.reserve(values.size());
    for (float v : values) halves.push_back(Half(v));
    const Shape shape = patch_.shape(i);
    const std::string name(patch_.tensor(i).name);
    const int32_t half = patch_.copied_constant(
        Type::float16, shape,
        {reinterpret_cast<const uint8_t*>(halves.data()), halves.size() * sizeof(Half)},
        text(name, "_float16"));
    const int32_t back = patch_.tensor_like(i, Type::float32, name);
    patch_.tensor(back).constant = false;
    patch_.tensor(back).data = nullptr;
    patch_.tensor(back).bytes = 0;
    patch_.replace(i, back);
    patch_.add_into(Builtin::DEQUANTIZE, {half}, {back});
    ++report_.quantized;
    return true;
  }

  template <class Table>
  bool set_flag(int32_t n, std::initializer_list<Builtin> ops) {
    for (Builtin op : ops) {
      if (!patch_.is(n, op)) continue;
      auto o = patch_.options<Table>(patch_.node(n));
      o.asymmetric_quantize_inputs = true;
      patch_.set_options(n, o);
      return true;
    }
    return false;
  }

  // Rows of activations are quantized between their least and largest value, not about 0.
  void set_asymmetric(int32_t n) {
    set_flag<schema::FullyConnectedOptions>(n, {Builtin::FULLY_CONNECTED}) ||
        set_flag<schema::BatchMatMulOptions>(n, {Builtin::BATCH_MATMUL}) ||
        set_flag<schema::RNNOptions>(n, {Builtin::RNN}) ||
        set_flag<schema::SequenceRNNOptions>(n, {Builtin::UNIDIRECTIONAL_SEQUENCE_RNN}) ||
        set_flag<schema::BidirectionalSequenceRNNOptions>(n,
                                                          {Builtin::BIDIRECTIONAL_SEQUENCE_RNN}) ||
        set_flag<schema::SVDFOptions>(n, {Builtin::SVDF}) ||
        set_flag<schema::LSTMOptions>(n, {Builtin::LSTM}) ||
        set_flag<schema::UnidirectionalSequenceLSTMOptions>(
            n, {Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM}) ||
        set_flag<schema::BidirectionalSequenceLSTMOptions>(n,
                                                           {Builtin::BIDIRECTIONAL_SEQUENCE_LSTM});
  }

  struct Made {
    int32_t from, to;
    Type type;
  };
  Patch& patch_;
  const HybridOptions& options_;
  HybridReport& report_;
  std::vector<Made> made_;
};

}  // namespace

HybridReport make_hybrid(Draft& draft, const OpRegistry& registry, const HybridOptions& options) {
  HybridReport report;
  for (size_t s = 0; s < draft.graph.subgraphs.size(); ++s) {
    Patch patch(draft, registry, static_cast<int>(s));
    Hybrid hybrid(patch, options, report);
    if (options.weights == Type::float16)
      hybrid.make_halves();
    else
      hybrid.make_integers();
  }
  return report;
}

}  // namespace cygnet
