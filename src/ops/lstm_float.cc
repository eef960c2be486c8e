// SPDX-License-Identifier: Apache-2.0
// Cells of float activations, with float weights or hybrid ones (recurrent.h). Sums are made in the
// order of tensorflow/lite/kernels/lstm_eval.cc: bias, x, auxiliary input, state.
#include <algorithm>
#include <cmath>

#include "ops/check.h"
#include "ops/lstm_common.h"
#include "ops/lstm_stacked.h"
#include "ops/recurrent.h"

namespace cygnet::ops {
namespace {

struct LayerWeights {
  WeightMatrix input[kGates], aux[kGates], recurrent[kGates], projection;
};

struct FloatLstmState {
  bool stacked = false;  // every layer is
  StackedLstm stacks[kMostLstmLayers];
  LayerWeights layers[kMostLstmLayers];
  RowScratch rows, row;  // of a sequence; of one step
  int sums = -1;         // scratch: [steps][gates][cells] W·x of one sequence
  int aux_sums = -1;     // scratch: the same of the auxiliary input
  int gates = -1;        // scratch: [gates][cells] of one step
  int hidden = -1;       // scratch: [cells]
};

// Mean 0, variance 1; the constant keeps a row of equal values from dividing by 0.
void normalize(float* v, int64_t n) {
  constexpr float kTiny = 1e-8f;
  float sum = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) sum += v[i];
  const float mean = sum / static_cast<float>(n);
  for (int64_t i = 0; i < n; ++i) squares += (v[i] - mean) * (v[i] - mean);
  const float inverse = 1.0f / std::sqrt(squares / static_cast<float>(n) + kTiny);
  for (int64_t i = 0; i < n; ++i) v[i] = (v[i] - mean) * inverse;
}

void clip(float* v, int64_t n, float limit) {
  if (limit <= 0) return;
  for (int64_t i = 0; i < n; ++i) v[i] = std::clamp(v[i], -limit, limit);
}

// v[i] += w[i]·c[i] with float or quantized w.
void add_peephole(const Tensor& w, const float* c, float* v, int64_t n) {
  if (w.type == Type::float32) {
    for (int64_t i = 0; i < n; ++i) v[i] += w.as<float>()[i] * c[i];
    return;
  }
  const float scale = w.quantization.scale();
  for (int64_t i = 0; i < n; ++i) v[i] += scale * static_cast<float>(w.as<int8_t>()[i]) * c[i];
}

// One sequence: the rows of x and y, and its state.
class Sequence {
 public:
  Sequence(OpContext& op, const LstmLayer& layer, const LayerWeights& weights, int64_t batch)
      : op_(op),
        layer_(layer),
        in_(layer.in),
        size_(layer.size),
        weights_(weights),
        state_(op.state<FloatLstmState>()),
        codes_(weights.input[kForgetGate].codes),
        batch_(batch),
        y_(op.output(layer.output).as<float>() + batch * size_.batch_stride(layer.row) +
           layer.column),
        h_(op.variable(in_.at.output_state).as<float>() + batch * size_.output),
        c_(op.variable(in_.at.cell_state).as<float>() + batch * size_.cells),
        sums_(op.scratch<float>(state_.sums)),
        gates_(op.scratch<float>(state_.gates)),
        hidden_(op.scratch<float>(state_.hidden)) {}

  void run() {
    project(*in_.x, size_.input, weights_.input, sums_);
    if (in_.aux != nullptr) {
      aux_sums_ = op_.scratch<float>(state_.aux_sums);
      project(*in_.aux, size_.aux, weights_.aux, aux_sums_);
    }
    for (int64_t k = 0; k < size_.steps; ++k) {
      const int64_t t = layer_.backwards ? size_.steps - 1 - k : k;
      step(t * kGates * size_.cells);
      std::copy(h_, h_ + size_.output, y_ + t * size_.step_stride(layer_.row));
    }
  }

 private:
  float* gate(int g) const { return gates_ + g * size_.cells; }

  // Products of all steps' rows of `x`, which have `width` elements, with the gates' matrices.
  void project(const Tensor& x, int64_t width, const WeightMatrix* matrices, float* sums) {
    const ActivationRows rows =
        make_rows(op_, state_.rows, codes_, x.as<float>() + batch_ * size_.batch_stride(width),
                  size_.step_stride(width), size_.steps, width);
    for (int g = 0; g < kGates; ++g)
      if (in_.has_gate(g))
        multiply(matrices[g], rows, sums + g * size_.cells, kGates * size_.cells);
  }

  // Everything of a gate but its non-linearity. `at`: of the step in the sums.
  void linear(int g, const ActivationRows& h, int64_t at) {
    const int64_t n = size_.cells;
    const bool norm = in_.normalized();
    float* v = gate(g);
    const float *bias = in_.bias[g]->as<float>(), *from_x = sums_ + at + g * n;
    multiply(weights_.recurrent[g], h, v, n);
    if (aux_sums_ != nullptr) {
      const float* from_aux = aux_sums_ + at + g * n;
      for (int64_t i = 0; i < n; ++i)
        v[i] = ((norm ? 0.0f : bias[i]) + from_x[i] + from_aux[i]) + v[i];
    } else if (norm) {
      for (int64_t i = 0; i < n; ++i) v[i] = from_x[i] + v[i];
    } else {
      for (int64_t i = 0; i < n; ++i) v[i] = (bias[i] + from_x[i]) + v[i];
    }
    if (in_.peephole[g] != nullptr) add_peephole(*in_.peephole[g], c_, v, n);
    if (!norm) return;
    normalize(v, n);
    const float* coefficients = in_.layer_norm[g]->as<float>();
    for (int64_t i = 0; i < n; ++i) v[i] = v[i] * coefficients[i] + bias[i];
  }

  void step(int64_t at) {
    const int64_t n = size_.cells;
    const auto activation = layer_.activation;
    float *input = gate(kInputGate), *forget = gate(kForgetGate), *update = gate(kCellGate),
          *out = gate(kOutputGate);
    const ActivationRows h = make_rows(op_, state_.row, codes_, h_, size_.output, 1, size_.output);
    linear(kForgetGate, h, at);
    sigmoid(op_, forget, n);
    if (in_.coupled()) {
      for (int64_t i = 0; i < n; ++i) input[i] = 1.0f - forget[i];
    } else {
      linear(kInputGate, h, at);
      sigmoid(op_, input, n);
    }
    linear(kCellGate, h, at);
    activate(op_, activation, update, n);
    // The output gate reads the old h, but its peephole looks at the new cell.
    for (int64_t i = 0; i < n; ++i) c_[i] = forget[i] * c_[i] + input[i] * update[i];
    clip(c_, n, layer_.cell_clip);
    linear(kOutputGate, h, at);
    sigmoid(op_, out, n);
    std::copy(c_, c_ + n, hidden_);
    activate(op_, activation, hidden_, n);
    for (int64_t i = 0; i < n; ++i) hidden_[i] *= out[i];
    if (in_.projection_weights == nullptr) {
      std::copy(hidden_, hidden_ + n, h_);
      return;
    }
    multiply(weights_.projection, make_rows(op_, state_.row, codes_, hidden_, n, 1, n), h_,
             size_.output);
    if (in_.projection_bias != nullptr)
      for (int64_t i = 0; i < size_.output; ++i) h_[i] += in_.projection_bias->as<float>()[i];
    clip(h_, size_.output, layer_.proj_clip);
  }

  OpContext& op_;
  const LstmLayer& layer_;
  const LstmOperands& in_;
  const LstmSizes& size_;
  const LayerWeights& weights_;
  const FloatLstmState& state_;
  const RowCodes codes_;
  const int64_t batch_;
  float* y_;
  float *h_, *c_;
  float *sums_, *aux_sums_ = nullptr, *gates_, *hidden_;
};

Status prepare_weights(OpContext& op, const LstmLayer& layer, RowCodes codes,
                       LayerWeights* weights) {
  for (int g = 0; g < kGates; ++g) {
    CYGNET_TRY(prepare_matrix(op, layer.in.input_weights[g], codes, &weights->input[g]));
    CYGNET_TRY(prepare_matrix(op, layer.in.aux_weights[g], codes, &weights->aux[g]));
    CYGNET_TRY(prepare_matrix(op, layer.in.recurrent_weights[g], codes, &weights->recurrent[g]));
  }
  return prepare_matrix(op, layer.in.projection_weights, codes, &weights->projection);
}

}  // namespace

Status prepare_lstm_float(OpContext& op, std::span<const LstmLayer> layers) {
  auto* s = op.make_state<FloatLstmState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(FloatLstmState));
  s->stacked = std::all_of(layers.begin(), layers.end(),
                           [&](const LstmLayer& layer) { return can_stack(op, layer); });
  if (s->stacked) {
    for (size_t k = 0; k < layers.size(); ++k)
      CYGNET_TRY(prepare_stacked(op, layers[k], &s->stacks[k]));
    return {};
  }
  const RowCodes codes =
      row_codes(layers[0].in.input_weights[kForgetGate]->type, layers[0].asymmetric);
  int64_t cells = 0, depth = 0, widest = 0;
  bool aux = false;
  for (size_t k = 0; k < layers.size(); ++k) {
    const LstmSizes& size = layers[k].size;
    CYGNET_TRY(prepare_weights(op, layers[k], codes, &s->layers[k]));
    cells = std::max(cells, size.cells);
    depth = std::max({depth, size.input, size.aux});
    widest = std::max({widest, size.cells, size.output});
    aux = aux || layers[k].in.aux != nullptr;
  }
  if (codes != RowCodes::none) {
    CYGNET_TRY(request_rows(op, layers[0].size.steps, depth, &s->rows));
    CYGNET_TRY(request_rows(op, 1, widest, &s->row));
  }
  const auto step = static_cast<size_t>(kGates * cells) * sizeof(float);
  int64_t sums = 0;
  if (__builtin_mul_overflow(static_cast<int64_t>(step), layers[0].size.steps, &sums))
    return bad_model("P1: scratch memory overflows");
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(sums), &s->sums));
  if (aux) CYGNET_TRY(op.request_scratch(static_cast<size_t>(sums), &s->aux_sums));
  CYGNET_TRY(op.request_scratch(step, &s->gates));
  return op.request_scratch(static_cast<size_t>(cells) * sizeof(float), &s->hidden);
}

Status invoke_lstm_float(OpContext& op, std::span<const LstmLayer> layers) {
  const FloatLstmState& state = op.state<FloatLstmState>();
  for (size_t k = 0; k < layers.size(); ++k) {
    if (state.stacked) {
      invoke_stacked(op, layers[k], state.stacks[k]);
      continue;
    }
    for (int64_t b = 0; b < layers[k].size.batch && !op.stopped(); ++b)
      Sequence(op, layers[k], state.layers[k], b).run();
  }
  return {};
}

}  // namespace cygnet::ops
