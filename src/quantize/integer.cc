// SPDX-License-Identifier: Apache-2.0
#include "quantize/integer.h"

#include <algorithm>
#include <cmath>

#include "edit/grid.h"
#include "quantize/bias.h"
#include "quantize/lstm.h"

namespace cygnet {
namespace {

// A bias beyond this many steps leaves no room in 32 bits for the sum of products.
constexpr double kMostBiasSteps = 1 << 30;
// A bias of a channel of zeros has this many steps.
constexpr double kZeroChannelSteps = 1 << 20;
// A result's step of less than this part of the sums' step holds nothing more, and what scales sums
// to it would leave its range.
constexpr double kLeastStep = 0x1p-16;

class Maker {
 public:
  Maker(Draft& draft, const OpRegistry& registry, TensorFindings findings,
        const IntegerOptions& options)
      : patch_(draft, registry, 0), findings_(std::move(findings)), options_(options) {}

  IntegerReport make() {
    chosen_ = choose_types(patch_, findings_, options_);
    for (int round = 0; round < 8 && widen_fine_steps(); ++round)
      chosen_ = choose_types(patch_, findings_, options_);
    report_.left = chosen_.left;
    report_.integer = static_cast<int>(chosen_.nodes.size());
    const int32_t count = patch_.node_count();
    for (int32_t n = 0; n < count; ++n)
      if (!patch_.erased(n)) collect(n);
    make_tensors_integer();
    for (int32_t n : chosen_.nodes) rewrite(n);
    for (int32_t n : float_readers_) read_floats(n);
    convert_outputs();
    patch_.remove_dead();
    patch_.finish();
    return std::move(report_);
  }

 private:
  const Scheme& scheme(int32_t n) const {
    return *find_scheme(static_cast<Builtin>(patch_.node(n).builtin));
  }
  const QuantizedType& type_of_tensor(int32_t i) const { return chosen_.types.at(i); }

  // ---- Which tensors hold integers

  bool graph_input(int32_t i) const {
    const auto inputs = patch_.subgraph().inputs;
    return std::find(inputs.begin(), inputs.end(), i) != inputs.end();
  }

  void collect(int32_t n) {
    const bool integer = chosen_.nodes.contains(n);
    for (int32_t i : real_results(patch_, n))
      if (integer) integers_.insert(i);
    if (!integer && !reads_shapes(patch_, n)) float_readers_.push_back(n);
  }

  void make_tensors_integer() {
    for (int32_t i :
         std::vector<int32_t>(patch_.subgraph().inputs.begin(), patch_.subgraph().inputs.end())) {
      if (!is_real(patch_, i) || options_.inputs == Type::float32) continue;
      if (!chosen_.types.contains(i)) {
        const auto seen = findings_.seen.find(i);
        if (seen == findings_.seen.end()) continue;
        chosen_.types[i] = activation_type(options_.activations, seen->second);
      }
      convert_input(i);
    }
    for (int32_t i : integers_)
      if (!graph_input(i)) set_type(patch_, i, made_type(i));
  }

  // The type in which its operator writes tensor i: a mover's own, which may not be the tensor's.
  const QuantizedType& made_type(int32_t i) const {
    const auto shared = chosen_.shared.find(patch_.producer(i));
    return shared != chosen_.shared.end() ? shared->second : type_of_tensor(i);
  }

  void convert_input(int32_t i) {
    const QuantizedType type = type_of_tensor(i);
    if (options_.inputs == type.type) {
      set_type(patch_, i, type);
      integers_.insert(i);
      return;
    }
    // uint8 outside: the same numbers, 128 higher. Everybody reads the int8 ones.
    const int32_t inside = patch_.tensor_like(i, type.type, name(i, "_int8"));
    for (int32_t n : std::vector<int32_t>(patch_.consumers(i))) replace_operand(n, i, inside);
    set_type(patch_, inside, type);
    set_type(patch_, i, {options_.inputs, type.scales, {type.zero_point() + 128}, 0});
    patch_.add_into(Builtin::QUANTIZE, {i}, {inside});
    chosen_.types[inside] = type;
    integers_.insert(inside);
  }

  std::string name(int32_t i, const char* suffix) const {
    return text(patch_.tensor(i).name, suffix);
  }

  void replace_operand(int32_t n, int32_t from, int32_t to) {
    std::vector<int32_t> inputs(patch_.node(n).inputs.begin(), patch_.node(n).inputs.end());
    std::replace(inputs.begin(), inputs.end(), from, to);
    patch_.set_inputs_of(n, inputs);
  }

  // ---- Conversions between tensors, each made once

  int32_t as_integer(int32_t i, const QuantizedType& type) {
    if (patch_.constant(i)) return constant(i, type);
    const bool integer = integers_.contains(i);
    if (integer && current_type(i) == type) return i;
    for (const auto& [to, existing] : converted_[i])
      if (existing == type) return to;
    const char* suffix = integer ? "_requantized" : "_quantized";
    const int32_t result = patch_.tensor_like(i, type.type, name(i, suffix));
    set_type(patch_, result, type);
    patch_.add_into(Builtin::QUANTIZE, {i}, {result});
    converted_[i].push_back({result, type});
    report_.requantized += integer ? 1 : 0;
    return result;
  }

  QuantizedType current_type(int32_t i) const {
    const Quantization& q = patch_.tensor(i).quantization;
    return {patch_.type(i), {q.scale()}, {q.zero_point()}, 0};
  }

  int32_t constant(int32_t i, const QuantizedType& type) {
    for (const auto& [to, existing] : converted_[i])
      if (existing == type) return to;
    const int32_t result = quantized_constant(patch_, i, type, false);
    converted_[i].push_back({result, type});
    return result;
  }

  int32_t as_float(int32_t i) {
    if (!integers_.contains(i)) return i;
    const auto [entry, fresh] = floats_.try_emplace(i, kAbsent);
    if (fresh) {
      entry->second = patch_.tensor_like(i, Type::float32, name(i, "_float"));
      patch_.tensor(entry->second).quantization = {};
      patch_.add_into(Builtin::DEQUANTIZE, {i}, {entry->second});
    }
    return entry->second;
  }

  // ---- Operators

  void rewrite(int32_t n) {
    const Scheme& s = scheme(n);
    std::vector<int32_t> inputs(patch_.node(n).inputs.begin(), patch_.node(n).inputs.end());
    if (is_lstm(patch_, n))
      return make_lstm_integer(patch_, n, as_integer(inputs[0], wanted(n, inputs[0])),
                               findings_.seen);
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (is_weight(s, k) || inputs[k] == kAbsent) continue;
      if (!is_real(patch_, inputs[k]) && !integers_.contains(inputs[k])) continue;
      inputs[k] = as_integer(inputs[k], wanted(n, inputs[k]));
    }
    if (s.weights >= 0) quantize_weights(n, s, inputs);
    if (s.op == Builtin::FAKE_QUANT) return requantize(n, inputs);
    patch_.set_inputs_of(n, inputs);
    if (options_.activations == Type::int16) set_wide_options(n);
  }

  void requantize(int32_t n, const std::vector<int32_t>& inputs) {
    const std::vector<int32_t> outputs(patch_.node(n).outputs.begin(),
                                       patch_.node(n).outputs.end());
    patch_.erase(n);
    patch_.add_into(Builtin::QUANTIZE, inputs, outputs);
    ++report_.requantized;
  }

  static bool is_weight(const Scheme& s, size_t k) {
    return s.weights >= 0 &&
           (k == static_cast<size_t>(s.weights) || k == static_cast<size_t>(s.bias));
  }

  QuantizedType wanted(int32_t n, int32_t i) const {
    const auto shared = chosen_.shared.find(n);
    if (shared != chosen_.shared.end()) return shared->second;
    if (patch_.constant(i)) {
      const auto trained = findings_.trained.find(i);
      if (trained != findings_.trained.end() && trained->second.scales.size() == 1)
        return trained->second;
      // The slopes of 16-bit activations have 8 bits.
      const Type type = patch_.is(n, Builtin::PRELU) ? Type::int8 : options_.activations;
      return activation_type(type, interval_of(patch_, i));
    }
    return type_of_tensor(i);
  }

  QuantizedType weights_type(int32_t n, const Scheme& s) const {
    const int32_t w = patch_.node(n).inputs[static_cast<size_t>(s.weights)];
    const auto trained = findings_.trained.find(w);
    if (trained != findings_.trained.end() && trained->second.type != Type::int16)
      return trained->second;
    const bool four_bits = options_.weights == Type::int4 && s.op != Builtin::TRANSPOSE_CONV;
    return weight_type(four_bits ? Type::int4 : Type::int8, patch_.values<float>(w),
                       patch_.shape(w), options_.per_channel ? s.channel_axis : -1);
  }

  void quantize_weights(int32_t n, const Scheme& s, std::vector<int32_t>& inputs) {
    const auto k = static_cast<size_t>(s.weights), b = static_cast<size_t>(s.bias);
    const int32_t w = inputs[k], x = real_operand(inputs, s);
    const int32_t bias = inputs.size() > b ? inputs[b] : kAbsent;
    const double sx = static_cast<double>(patch_.tensor(x).quantization.scale());
    QuantizedType type = weights_type(n, s);
    const bool one_each = type.scales.size() > 1 || patch_.shape(w)[s.channel_axis] == 1;
    const std::span<const float> offsets =
        bias == kAbsent ? std::span<const float>() : patch_.values<float>(bias);
    if (one_each && !findings_.trained.contains(w)) fit_zero_channels(w, s, offsets, sx, type);
    make_room_for_bias(offsets, sx, type);
    inputs[k] = quantized_constant(patch_, w, type, true);
    // LiteRT's integer convolutions have a bias.
    const auto channels = static_cast<size_t>(patch_.shape(w)[s.channel_axis]);
    std::vector<double> shift =
        rounding_shift(patch_, n, inputs[k], w, findings_.means, s.channel_axis);
    if (s.op == Builtin::CONV_2D) shift.resize(channels, 0.0);
    if (bias == kAbsent && shift.empty()) return;
    if (inputs.size() <= b) inputs.resize(b + 1, kAbsent);
    std::vector<double> steps;
    for (float scale : type.scales) steps.push_back(sx * static_cast<double>(scale));
    inputs[b] = quantized_bias(n, bias, shift, steps);
  }

  static int32_t real_operand(const std::vector<int32_t>& inputs, const Scheme& s) {
    return s.op == Builtin::TRANSPOSE_CONV ? inputs[2] : inputs[0];
  }

  // The scale of a channel of zeros is what its bias needs.
  void fit_zero_channels(int32_t w, const Scheme& s, std::span<const float> bias, double sx,
                         QuantizedType& type) const {
    const Shape& shape = patch_.shape(w);
    const auto inner = static_cast<size_t>(shape.elements(s.channel_axis + 1, shape.rank));
    const auto values = patch_.values<float>(w);
    std::vector<bool> zero(type.scales.size(), true);
    size_t left = zero.size();
    for (size_t begin = 0, c = 0; begin < values.size() && left > 0; begin += inner, ++c) {
      if (c == zero.size()) c = 0;
      const auto some = values.subspan(begin, inner);
      if (!zero[c] || std::all_of(some.begin(), some.end(), [](float v) { return v == 0; }))
        continue;
      zero[c] = false;
      --left;
    }
    float largest = 0;
    for (size_t c = 0; c < zero.size(); ++c)
      if (!zero[c]) largest = std::max(largest, type.scales[c]);
    for (size_t c = 0; c < zero.size(); ++c) {
      if (!zero[c]) continue;
      const double b = c < bias.size() ? std::fabs(static_cast<double>(bias[c])) : 0.0;
      const auto needed = static_cast<float>(b / (kZeroChannelSteps * sx));
      type.scales[c] = needed > 0 ? needed : largest > 0 ? largest : 1.0f;
    }
  }

  // Scales of channels whose bias would leave 32 bits become larger.
  void make_room_for_bias(std::span<const float> bias, double sx, QuantizedType& type) const {
    if (options_.activations == Type::int16) return;
    for (size_t c = 0; c < bias.size(); ++c) {
      float& scale = type.scales[type.scales.size() == 1 ? 0 : c];
      const double b = std::fabs(static_cast<double>(bias[c]));
      if (b > kMostBiasSteps * sx * static_cast<double>(scale))
        scale = static_cast<float>(b / (kMostBiasSteps * sx));
    }
  }

  // int32, or int64 beside 16-bit activations, in steps of the products of the two scales.
  int32_t quantized_bias(int32_t n, int32_t bias, const std::vector<double>& shift,
                         const std::vector<double>& steps) {
    const bool wide = options_.activations == Type::int16;
    std::vector<double> values(shift);
    if (bias != kAbsent) {
      const auto given = patch_.values<float>(bias);
      values.resize(given.size(), 0.0);
      for (size_t c = 0; c < given.size(); ++c) values[c] += static_cast<double>(given[c]);
    }
    std::vector<int64_t> integers;
    const double most = wide ? 0x1p62 : 0x1p31 - 1;
    for (size_t c = 0; c < values.size(); ++c) {
      const double step = steps[steps.size() == 1 ? 0 : c];
      integers.push_back(
          static_cast<int64_t>(std::clamp(std::round(values[c] / step), -most, most)));
    }
    QuantizedType type{wide ? Type::int64 : Type::int32, {}, {}, 0};
    for (double step : steps) {
      type.scales.push_back(static_cast<float>(step));
      type.zero_points.push_back(0);
    }
    const Shape shape{static_cast<int32_t>(values.size())};
    const std::string label = bias != kAbsent
                                  ? std::string(patch_.tensor(bias).name)
                                  : text(patch_.tensor(patch_.node(n).outputs[0]).name, "_bias");
    const int32_t result =
        wide ? patch_.constant<int64_t>(shape, integers, label)
             : patch_.constant<int32_t>(
                   shape, std::vector<int32_t>(integers.begin(), integers.end()), label);
    set_type(patch_, result, type);
    return result;
  }

  void set_wide_options(int32_t n) {
    if (patch_.is(n, Builtin::ADD)) {
      auto o = patch_.options<schema::AddOptions>(patch_.node(n));
      o.pot_scale_int16 = false;
      patch_.set_options(n, o);
    } else if (patch_.is(n, Builtin::SUB)) {
      auto o = patch_.options<schema::SubOptions>(patch_.node(n));
      o.pot_scale_int16 = false;
      patch_.set_options(n, o);
    }
  }

  void read_floats(int32_t n) {
    std::vector<int32_t> inputs(patch_.node(n).inputs.begin(), patch_.node(n).inputs.end());
    for (int32_t& i : inputs)
      if (i != kAbsent) i = as_float(i);
    patch_.set_inputs_of(n, inputs);
  }

  // ---- The graph's outputs

  void convert_outputs() {
    for (const int32_t i :
         std::vector<int32_t>(patch_.subgraph().outputs.begin(), patch_.subgraph().outputs.end())) {
      const bool integer = integers_.contains(i);
      if (!integer && !is_real(patch_, i)) continue;
      if (!integer && options_.outputs == Type::float32) continue;
      if (patch_.constant(i)) continue;
      convert_output(i, integer);
    }
  }

  void convert_output(int32_t i, bool integer) {
    QuantizedType type;
    if (integer)
      type = current_type(i);
    else if (const auto seen = findings_.seen.find(i); seen != findings_.seen.end())
      type = activation_type(options_.activations, seen->second);
    else
      return;
    if (options_.outputs == type.type && integer) return;
    const int32_t outside = patch_.tensor_like(i, options_.outputs, patch_.tensor(i).name);
    const bool to_float = options_.outputs == Type::float32;
    if (to_float)
      patch_.tensor(outside).quantization = {};
    else if (options_.outputs == Type::uint8)
      set_type(patch_, outside, {Type::uint8, type.scales, {type.zero_point() + 128}, 0});
    else
      set_type(patch_, outside, type);
    const std::vector<int32_t> readers = patch_.consumers(i);
    const std::string inside(name(i, integer ? "_quantized" : "_float"));
    patch_.replace(i, outside);
    for (int32_t n : readers) replace_operand(n, outside, i);
    if (!graph_input(i)) patch_.tensor(i).name = patch_.draft().keep(inside);
    if (!integer && options_.outputs == Type::uint8) {
      const int32_t middle = as_integer(i, type);
      patch_.add_into(Builtin::QUANTIZE, {middle}, {outside});
      return;
    }
    patch_.add_into(to_float ? Builtin::DEQUANTIZE : Builtin::QUANTIZE, {i}, {outside});
  }

  // ---- Steps too fine for their layer

  // Widens what was seen of layers' results where it is next to nothing beside the step of the sums
  // that they are made of; whether there were such.
  bool widen_fine_steps() {
    bool any = false;
    for (int32_t n : chosen_.nodes) {
      const Scheme& s = scheme(n);
      const std::vector<int32_t> results = real_results(patch_, n);
      if (s.weights < 0 || results.empty()) continue;
      const auto seen = findings_.seen.find(results[0]);
      const std::vector<int32_t> operands = real_operands(patch_, n);
      if (seen == findings_.seen.end() || operands.size() != 1) continue;
      const QuantizedType weights = weights_type(n, s);
      const double sx = patch_.constant(operands[0])
                            ? 1.0
                            : static_cast<double>(type_of_tensor(operands[0]).scale());
      double step = 0;
      for (size_t c = 0; c < weights.scales.size(); ++c)
        step = std::max(step, sx * static_cast<double>(weights.scales[c]));
      const double least = step * kLeastStep;
      if (static_cast<double>(type_of_tensor(results[0]).scale()) >= least) continue;
      const IntegerRange range = integer_range(options_.activations);
      const double extent = 1.01 * least * static_cast<double>(range.largest - range.least);
      seen->second.max = std::max(seen->second.max, seen->second.min + extent);
      any = true;
    }
    return any;
  }

  Patch patch_;
  TensorFindings findings_;
  const IntegerOptions& options_;
  IntegerTypes chosen_;
  IntegerReport report_;
  std::set<int32_t> integers_;          // tensors that hold integers
  std::vector<int32_t> float_readers_;  // nodes that stay
  std::map<int32_t, std::vector<std::pair<int32_t, QuantizedType>>> converted_;
  std::map<int32_t, int32_t> floats_;  // integer tensor → its float copy
};

}  // namespace

void set_type(Editor& editor, int32_t i, const QuantizedType& type) {
  editor.tensor(i).type = type.type;
  set_quantization(editor, i, type);
}

int32_t quantized_constant(Editor& editor, int32_t i, const QuantizedType& type, bool narrow) {
  const Shape shape = editor.shape(i);
  const std::vector<uint8_t> bytes = quantized_bytes(editor.values<float>(i), shape, type, narrow);
  const int32_t result =
      editor.copied_constant(type.type, shape, bytes, std::string(editor.tensor(i).name));
  set_type(editor, result, type);
  return result;
}

IntegerReport make_integer(Draft& draft, const OpRegistry& registry, const TensorFindings& findings,
                           const IntegerOptions& options) {
  return Maker(draft, registry, findings, options).make();
}

}  // namespace cygnet
