// SPDX-License-Identifier: Apache-2.0
#include "quantize/lstm.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "quantize/integer.h"
#include "quantize/parameters.h"

namespace cygnet {
namespace {

using Options = schema::UnidirectionalSequenceLSTMOptions;

// The four gates in the order of the operands.
enum Gate : size_t { kInput, kForget, kCell, kOutput, kGates };
// The first operand of each kind.
constexpr size_t kInputWeights = 1, kRecurrentWeights = 5, kPeepholes = 9, kBiases = 12,
                 kProjection = 16, kProjectionBias = 17, kNormalizations = 20, kOperands = 24;
// LiteRT computes tanh of a cell state with so many bits before the point, and nothing with others.
constexpr int kLeastCellBits = 0, kMostCellBits = 6;

// A bias beyond this many steps leaves no room in 32 bits for the sum of products.
constexpr double kMostBiasSteps = 1 << 30;

bool is_lstm(const Node& node) {
  return node.builtin == static_cast<int32_t>(Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM);
}

int32_t operand(const Node& node, size_t k) {
  return k < node.inputs.size() ? node.inputs[k] : kAbsent;
}

// The peephole weights of a gate; the cell gate has none.
int32_t peephole(const Node& node, size_t gate) {
  if (gate == kCell) return kAbsent;
  return operand(node, kPeepholes + (gate == kOutput ? 2 : gate));
}

// Operands that are to be constants: all but x and the states.
bool is_parameter(size_t k) {
  return k != 0 && k != kLstmOutputState && k != kLstmCellState;
}

// ---- The layer in floating point

float dot(const float* a, const float* b, int64_t n) {
  std::array<float, 8> lanes{};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t l = 0; l < 8; ++l)
      lanes[l] += a[i + static_cast<int64_t>(l)] * b[i + static_cast<int64_t>(l)];
  for (; i < n; ++i) lanes[0] += a[i] * b[i];
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}

double sigmoid(double v) {
  return 1 / (1 + std::exp(-v));
}

// Mean 0 and variance 1, times the coefficients.
void normalize(std::vector<float>& v, const float* coefficients) {
  double sum = 0, squares = 0;
  for (float a : v) sum += static_cast<double>(a);
  const double mean = sum / static_cast<double>(v.size());
  for (float a : v) squares += (static_cast<double>(a) - mean) * (static_cast<double>(a) - mean);
  const double inverse = 1 / std::sqrt(squares / static_cast<double>(v.size()) + 1e-8);
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = static_cast<float>((static_cast<double>(v[i]) - mean) * inverse) * coefficients[i];
}

// One layer's parameters, and the step from one state to the next.
class FloatCell {
 public:
  FloatCell(const Node& node, std::span<const Tensor> tensors)
      : node_(node), tensors_(tensors), channels_(tensor(0).shape[2]) {
    const Shape& recurrent = tensor(kRecurrentWeights + kForget).shape;
    cells_ = recurrent[0];
    outputs_ = recurrent[1];
    if (node.options != nullptr) {
      const auto* o = static_cast<const Options*>(node.options);
      cell_clip_ = o->cell_clip();
      projection_clip_ = o->proj_clip();
      time_major_ = o->time_major();
    }
    for (auto& gate : gates_) gate.resize(static_cast<size_t>(cells_));
  }

  int64_t cells() const { return cells_; }
  int64_t outputs() const { return outputs_; }
  int64_t steps() const { return tensor(0).shape[time_major_ ? 0 : 1]; }
  int64_t batch() const { return tensor(0).shape[time_major_ ? 1 : 0]; }
  const float* row(int64_t t, int64_t b) const {
    return tensor(0).as<float>() + (time_major_ ? t * batch() + b : b * steps() + t) * channels_;
  }

  // h [O], c [C] ← their values after x.
  void step(const float* x, float* h, float* c) {
    const bool coupled = values(kInputWeights + kInput) == nullptr;
    if (!coupled) sum(kInput, x, h, c);
    sum(kForget, x, h, c);
    sum(kCell, x, h, c);
    for (size_t i = 0; i < static_cast<size_t>(cells_); ++i) {
      const double forget = sigmoid(gates_[kForget][i]),
                   input = coupled ? 1 - forget : sigmoid(gates_[kInput][i]);
      c[i] = static_cast<float>(forget * static_cast<double>(c[i]) +
                                input * std::tanh(static_cast<double>(gates_[kCell][i])));
      if (cell_clip_ > 0) c[i] = std::clamp(c[i], -cell_clip_, cell_clip_);
    }
    sum(kOutput, x, h, c);
    std::vector<float>& hidden = gates_[kCell];
    for (size_t i = 0; i < static_cast<size_t>(cells_); ++i)
      hidden[i] =
          static_cast<float>(sigmoid(gates_[kOutput][i]) * std::tanh(static_cast<double>(c[i])));
    project(hidden.data(), h);
  }

 private:
  const Tensor& tensor(size_t k) const { return tensors_[static_cast<size_t>(operand(node_, k))]; }
  const float* values(size_t k) const {
    return operand(node_, k) == kAbsent ? nullptr : tensor(k).as<float>();
  }

  void sum(size_t gate, const float* x, const float* h, const float* c) {
    const float *w = values(kInputWeights + gate), *r = values(kRecurrentWeights + gate),
                *bias = values(kBiases + gate), *norm = values(kNormalizations + gate);
    const int32_t p = peephole(node_, gate);
    std::vector<float>& v = gates_[gate];
    for (int64_t i = 0; i < cells_; ++i) {
      float& a = v[static_cast<size_t>(i)];
      a = dot(w + i * channels_, x, channels_) + dot(r + i * outputs_, h, outputs_);
      if (p != kAbsent) a += tensors_[static_cast<size_t>(p)].as<float>()[i] * c[i];
    }
    if (norm != nullptr) normalize(v, norm);
    for (size_t i = 0; i < v.size(); ++i) v[i] += bias[i];
  }

  void project(const float* hidden, float* h) const {
    const float *w = values(kProjection), *bias = values(kProjectionBias);
    if (w == nullptr) {
      std::copy(hidden, hidden + cells_, h);
      return;
    }
    for (int64_t i = 0; i < outputs_; ++i) {
      h[i] = dot(w + i * cells_, hidden, cells_) + (bias == nullptr ? 0 : bias[i]);
      if (projection_clip_ > 0) h[i] = std::clamp(h[i], -projection_clip_, projection_clip_);
    }
  }

  const Node& node_;
  std::span<const Tensor> tensors_;
  int64_t channels_, cells_ = 0, outputs_ = 0;
  float cell_clip_ = 0, projection_clip_ = 0;
  bool time_major_ = false;
  std::array<std::vector<float>, kGates> gates_;
};

// The node that makes a tensor; −1: none.
int32_t producer(const Subgraph& graph, int32_t tensor) {
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    for (int32_t i : graph.nodes[n].outputs)
      if (i == tensor) return static_cast<int32_t>(n);
  return -1;
}

// Whether the state begins with 0, or is set by a SELECT_V2 that takes its last operand.
bool beginning_known(const Subgraph& graph, int32_t state) {
  const int32_t n = producer(graph, state);
  if (n < 0) return graph.tensors[static_cast<size_t>(state)].variable;
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  if (node.builtin != static_cast<int32_t>(Builtin::SELECT_V2)) return false;
  const GraphTensor& condition = graph.tensors[static_cast<size_t>(node.inputs[0])];
  if (!condition.constant) return false;
  const auto* bytes = condition.as<uint8_t>();
  return std::all_of(bytes, bytes + condition.shape.elements(), [](uint8_t b) { return b == 0; });
}

// ---- The operator's integer tensors

// Bits before the point of a 16-bit number that holds the interval.
int cell_bits(const Interval& interval) {
  const double largest = std::max(-interval.min, interval.max);
  return largest > 0 ? std::max(static_cast<int>(std::ceil(std::log2(largest))), kLeastCellBits)
                     : 0;
}

class Maker {
 public:
  Maker(Patch& patch, int32_t n, int32_t x, const std::map<int32_t, Interval>& seen)
      : patch_(patch), n_(n) {
    const Node& node = patch.node(n);
    inputs_.assign(node.inputs.begin(), node.inputs.end());
    inputs_.resize(kOperands, kAbsent);
    inputs_[0] = x;
    const GraphTensor& y = patch.tensor(node.outputs[0]);
    output_ = {y.type, {y.quantization.scale()}, {y.quantization.zero_point()}, 0};
    cell_ = seen.at(inputs_[kLstmCellState]);
    normalized_ = inputs_[kNormalizations + kForget] != kAbsent;
  }

  void make() {
    const std::string name(patch_.tensor(patch_.node(n_).outputs[0]).name);
    std::vector<int32_t> intermediates;
    for (size_t gate = 0; gate < kGates; ++gate) {
      const int32_t made = empty_tensor(text(name, "/intermediate_", gate), Type::float32);
      if (normalized_ && inputs_[kInputWeights + gate] != kAbsent)
        set_type(patch_, made, sums_type(gate));
      intermediates.push_back(made);
    }
    for (size_t gate = 0; gate < kGates; ++gate)
      if (inputs_[kInputWeights + gate] != kAbsent) make_gate(gate);
    const QuantizedType hidden = make_projection();
    intermediates.push_back(empty_tensor(text(name, "/hidden"), hidden.type));
    set_type(patch_, intermediates.back(), hidden);
    const auto scale = static_cast<float>(std::ldexp(1.0, cell_bits(cell_) - 15));
    inputs_[kLstmOutputState] = make_state(inputs_[kLstmOutputState], output_);
    inputs_[kLstmCellState] = make_state(inputs_[kLstmCellState], {Type::int16, {scale}, {0}, 0});
    patch_.set_inputs_of(n_, inputs_);
    patch_.subgraph().nodes[n_].intermediates =
        patch_.draft().keep(std::span<const int32_t>(intermediates));
  }

 private:
  double scale_of(int32_t i) const {
    return static_cast<double>(patch_.tensor(i).quantization.scale());
  }

  int32_t empty_tensor(const std::string& name, Type type) {
    const int32_t i = patch_.variable(type, {0}, name);
    patch_.tensor(i).variable = false;
    return i;
  }

  // The constant in operand k, symmetric with one scale. With `bias`, `step` wide beside it: scaled
  // so that this fits into 32 bits.
  void make_weights(size_t k, Type type, int32_t bias = kAbsent, double step = 1) {
    const int32_t w = inputs_[k];
    QuantizedType q = weight_type(type, patch_.values<float>(w), patch_.shape(w), -1);
    if (bias != kAbsent)
      for (float b : patch_.values<float>(bias))
        q.scales[0] = std::max(q.scales[0], static_cast<float>(std::fabs(static_cast<double>(b)) /
                                                               (kMostBiasSteps * step)));
    inputs_[k] = quantized_constant(patch_, w, q, true);
  }

  void make_bias(size_t k, double scale) {
    const int32_t bias = inputs_[k];
    const auto step = static_cast<float>(scale);
    std::vector<int32_t> integers;
    for (float b : patch_.values<float>(bias)) {
      const double v = std::round(static_cast<double>(b) / static_cast<double>(step));
      integers.push_back(static_cast<int32_t>(std::clamp(v, -0x1p31 + 1, 0x1p31 - 1)));
    }
    const Shape shape = patch_.shape(bias);
    inputs_[k] = patch_.constant<int32_t>(shape, integers, std::string(patch_.tensor(bias).name));
    set_type(patch_, inputs_[k], {Type::int32, {step}, {0}, 0});
  }

  void make_gate(size_t gate) {
    const size_t w = kInputWeights + gate, bias = kBiases + gate, norm = kNormalizations + gate;
    const double sx = scale_of(inputs_[0]);
    // Coefficients times what has 10 bits behind the point.
    constexpr double kNormalized = 0x1p-10;
    make_weights(w, Type::int8, normalized_ ? kAbsent : inputs_[bias], sx);
    make_weights(kRecurrentWeights + gate, Type::int8);
    if (normalized_) make_weights(norm, Type::int16, inputs_[bias], kNormalized);
    make_bias(bias,
              normalized_ ? kNormalized * scale_of(inputs_[norm]) : sx * scale_of(inputs_[w]));
    if (peephole(patch_.node(n_), gate) != kAbsent)
      make_weights(kPeepholes + (gate == kOutput ? 2 : gate), Type::int16);
  }

  // What is multiplied by the projection's weights, or, without one, the results. LiteRT takes the
  // zero point of the first with the other sign: it is 0.
  QuantizedType make_projection() {
    if (inputs_[kProjection] == kAbsent) return output_;
    const double largest = std::tanh(std::max(-cell_.min, cell_.max));
    const QuantizedType hidden{
        Type::int8, {static_cast<float>(largest > 0 ? largest / 127 : 1)}, {0}, 0};
    const auto step = static_cast<double>(hidden.scale());
    make_weights(kProjection, Type::int8, inputs_[kProjectionBias], step);
    if (inputs_[kProjectionBias] != kAbsent)
      make_bias(kProjectionBias, step * scale_of(inputs_[kProjection]));
    return hidden;
  }

  static double magnitude(const Interval& interval) {
    return std::max(-interval.min, interval.max);
  }

  // The largest sum that a gate can have before it is normalized.
  QuantizedType sums_type(size_t gate) const {
    const Node& node = patch_.node(n_);
    const auto largest_of = [&](int32_t i) {
      const QuantizedType q{patch_.type(i),
                            {patch_.tensor(i).quantization.scale()},
                            {patch_.tensor(i).quantization.zero_point()},
                            0};
      const double scale = static_cast<double>(q.scale()),
                   zero = static_cast<double>(q.zero_point());
      return scale * std::max(128 + zero, 127 - zero);
    };
    const double x = largest_of(inputs_[0]), h = largest_of(node.outputs[0]);
    const auto w = patch_.values<float>(inputs_[kInputWeights + gate]),
               r = patch_.values<float>(inputs_[kRecurrentWeights + gate]);
    const auto cells = static_cast<size_t>(patch_.shape(inputs_[kBiases + gate])[0]);
    const int32_t p = peephole(node, gate);
    double most = 0;
    for (size_t i = 0; i < cells; ++i) {
      double sum = 0;
      for (size_t k = i * w.size() / cells; k < (i + 1) * w.size() / cells; ++k)
        sum += std::fabs(static_cast<double>(w[k])) * x;
      for (size_t k = i * r.size() / cells; k < (i + 1) * r.size() / cells; ++k)
        sum += std::fabs(static_cast<double>(r[k])) * h;
      if (p != kAbsent)
        sum += std::fabs(static_cast<double>(patch_.values<float>(p)[i])) * magnitude(cell_);
      most = std::max(most, sum);
    }
    return activation_type(Type::int16, {-most, most});
  }

  // A state of another type. One that an operator sets is set by a QUANTIZE behind it.
  int32_t make_state(int32_t from, const QuantizedType& type) {
    const std::string name = text(patch_.tensor(from).name, "_quantized");
    if (patch_.producer(from) < 0) {
      const int32_t state = patch_.variable(type.type, patch_.shape(from), name);
      set_type(patch_, state, type);
      return state;
    }
    const int32_t state = patch_.tensor_like(from, type.type, name);
    set_type(patch_, state, type);
    patch_.tensor(from).variable = false;
    patch_.tensor(state).variable = true;
    patch_.add_into(Builtin::QUANTIZE, {from}, {state});
    return state;
  }

  Patch& patch_;
  const int32_t n_;
  std::vector<int32_t> inputs_;
  QuantizedType output_;
  Interval cell_;
  bool normalized_ = false;
};

}  // namespace

std::optional<LstmStates> LstmStates::of(const Subgraph& graph, int32_t n) {
  const Node& node = graph.nodes[static_cast<size_t>(n)];
  if (!is_lstm(node)) return std::nullopt;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    if (node.inputs[k] == kAbsent) continue;
    const GraphTensor& t = graph.tensors[static_cast<size_t>(node.inputs[k])];
    if (t.type != Type::float32 || (is_parameter(k) && !t.constant)) return std::nullopt;
  }
  const GraphTensor& recurrent =
      graph.tensors[static_cast<size_t>(operand(node, kRecurrentWeights + kForget))];
  if (recurrent.shape.rank != 2) return std::nullopt;
  const auto* o = static_cast<const Options*>(node.options);
  if (o != nullptr && o->fused_activation_function() != schema::ActivationFunctionType::TANH)
    return std::nullopt;
  for (size_t k : {kLstmOutputState, kLstmCellState})
    if (!beginning_known(graph, operand(node, k))) return std::nullopt;
  return LstmStates(graph, n);
}

std::vector<float> LstmStates::initial(size_t k, std::span<const Tensor> tensors) const {
  const int32_t state = operand(graph_->nodes[static_cast<size_t>(n_)], k);
  std::vector<float> values(
      static_cast<size_t>(tensors[static_cast<size_t>(state)].shape.elements()));
  const int32_t n = producer(*graph_, state);
  if (n < 0) return values;
  const Tensor& from =
      tensors[static_cast<size_t>(graph_->nodes[static_cast<size_t>(n)].inputs[2])];
  const auto count = static_cast<size_t>(from.shape.elements());
  for (size_t i = 0; i < values.size(); ++i) values[i] = from.as<float>()[i % count];
  return values;
}

void LstmStates::compute(std::span<const Tensor> tensors) {
  FloatCell cell(graph_->nodes[static_cast<size_t>(n_)], tensors);
  std::vector<float> h = initial(kLstmOutputState, tensors), c = initial(kLstmCellState, tensors);
  first_ = h;
  cells_.clear();
  for (int64_t t = 0; t < cell.steps(); ++t) {
    for (int64_t b = 0; b < cell.batch(); ++b)
      cell.step(cell.row(t, b), h.data() + b * cell.outputs(), c.data() + b * cell.cells());
    cells_.insert(cells_.end(), c.begin(), c.end());
  }
}

const std::vector<float>& LstmStates::values_of(int32_t state) const {
  return state == operand(graph_->nodes[static_cast<size_t>(n_)], kLstmCellState) ? cells_ : first_;
}

std::string lstm_obstacle(const Patch& patch, int32_t n, const std::map<int32_t, Interval>& seen) {
  const Node& node = patch.node(n);
  for (size_t k = 1; k < node.inputs.size(); ++k)
    if (is_parameter(k) && node.inputs[k] != kAbsent &&
        (!patch.constant(node.inputs[k]) || !is_real(patch, node.inputs[k])))
      return "its weights are no float constants";
  const auto o = patch.options<Options>(node);
  if (o.fused_activation_function != schema::ActivationFunctionType::TANH)
    return "its activation is not TANH";
  if (patch.shape(node.inputs[kRecurrentWeights + kForget]).rank != 2)
    return "its recurrent weights are a diagonal";
  // What LiteRT's kernel computes otherwise than its float one.
  const bool coupled = node.inputs[kInputWeights + kInput] == kAbsent;
  if (coupled && operand(node, kNormalizations + kForget) != kAbsent)
    return "normalizes coupled gates";
  if (peephole(node, kOutput) != kAbsent && operand(node, kProjection) != kAbsent)
    return "has peepholes and a projection";
  for (size_t k : {kLstmOutputState, kLstmCellState})
    if (patch.consumers(node.inputs[k]).size() != 1) return "shares its state with others";
  const auto cell = seen.find(node.inputs[kLstmCellState]);
  if (cell == seen.end() || cell->second.min > cell->second.max)
    return "nothing is known of its cell state";
  if (cell_bits(cell->second) > kMostCellBits) return "its cell state leaves [-64, 64]";
  return "";
}

void make_lstm_integer(Patch& patch, int32_t n, int32_t x,
                       const std::map<int32_t, Interval>& seen) {
  Maker(patch, n, x, seen).make();
}

}  // namespace cygnet
