// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "ops/check.h"
#include "ops/lstm.h"

namespace cygnet::ops {
namespace {

using schema::ActivationFunctionType;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A weight matrix [n, k]: packed for the kernel, or as it is.
struct Matrix {
  const Tensor* plain = nullptr;
  float* packed = nullptr;
  int64_t n = 0, k = 0;
};

struct LayerWeights {
  Matrix input[kGates], recurrent[kGates], projection;
};

struct FloatLstmState {
  LayerWeights layers[kMostLstmLayers];
  int sums = -1;    // scratch: [steps][gates][cells] W·x of one sequence
  int gates = -1;   // scratch: [gates][cells] of one step
  int hidden = -1;  // scratch: [cells]
};

Status prepare_matrix(OpContext& op, const Tensor* weights, Matrix* m) {
  if (weights == nullptr) return {};
  *m = {.plain = weights, .n = weights->shape[0], .k = weights->shape[1]};
  if (op.reference() || !weights->constant) return {};
  const int nr = kernels().gemm_f32_nr;
  const size_t bytes = gemm_f32_packed_bytes(m->n, 1, m->k, nr);
  m->packed = static_cast<float*>(op.allocate(bytes));
  if (m->packed == nullptr) return out_of_memory("packed weights", bytes);
  pack_gemm_f32(weights->as<float>(), {.n_stride = m->k, .tap_stride = m->k, .k_stride = 1},
                nullptr, m->n, 1, m->k, nr, m->packed);
  return {};
}

// out[i][j] = Σ x[i][k] · m[j][k]
void multiply(const Matrix& m, const float* x, int64_t x_stride, int64_t rows, float* out,
              int64_t out_stride) {
  if (m.packed != nullptr) {
    const GemmF32 args{.a = x,
                       .a_stride = x_stride,
                       .m = rows,
                       .n = m.n,
                       .k = m.k,
                       .weights = m.packed,
                       .out = out,
                       .out_stride = out_stride,
                       .lo = -kInfinity,
                       .hi = kInfinity};
    return kernels().gemm_f32(args);
  }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < m.n; ++j) {
      const float* w = m.plain->as<float>() + j * m.k;
      float sum = 0;
      for (int64_t k = 0; k < m.k; ++k) sum += x[i * x_stride + k] * w[k];
      out[i * out_stride + j] = sum;
    }
}

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

void map(const OpContext& op, MapOp kernel, float* v, int64_t n) {
  if (!op.reference()) return kernels().map_f32(kernel, v, n, v, {});
  for (int64_t i = 0; i < n; ++i)
    v[i] = kernel == MapOp::tanh ? std::tanh(v[i]) : 1.0f / (1.0f + std::exp(-v[i]));
}

void activate(const OpContext& op, ActivationFunctionType activation, float* v, int64_t n) {
  switch (activation) {
    case ActivationFunctionType::TANH:
      return map(op, MapOp::tanh, v, n);
    case ActivationFunctionType::NONE:
      return;
    default: {
      const float high = activation == ActivationFunctionType::RELU6          ? 6.0f
                         : activation == ActivationFunctionType::RELU_N1_TO_1 ? 1.0f
                                                                              : kInfinity;
      const float low = activation == ActivationFunctionType::RELU_N1_TO_1 ? -1.0f : 0.0f;
      for (int64_t i = 0; i < n; ++i) v[i] = std::clamp(v[i], low, high);
    }
  }
}

void clip(float* v, int64_t n, float limit) {
  if (limit <= 0) return;
  for (int64_t i = 0; i < n; ++i) v[i] = std::clamp(v[i], -limit, limit);
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
        x_(op.input(0).as<float>() + batch * size_.batch_stride(size_.input)),
        y_(op.output(layer.output).as<float>() + batch * size_.batch_stride(layer.row) +
           layer.column),
        h_(op.variable(in_.at.output_state).as<float>() + batch * size_.output),
        c_(op.variable(in_.at.cell_state).as<float>() + batch * size_.cells),
        sums_(op.scratch<float>(op.state<FloatLstmState>().sums)),
        gates_(op.scratch<float>(op.state<FloatLstmState>().gates)),
        hidden_(op.scratch<float>(op.state<FloatLstmState>().hidden)) {}

  void run() {
    const int64_t width = kGates * size_.cells;
    for (int g = 0; g < kGates; ++g)
      if (in_.has_gate(g))
        multiply(weights_.input[g], x_, size_.step_stride(size_.input), size_.steps,
                 sums_ + g * size_.cells, width);
    for (int64_t k = 0; k < size_.steps; ++k) {
      const int64_t t = layer_.backwards ? size_.steps - 1 - k : k;
      step(sums_ + t * width);
      std::copy(h_, h_ + size_.output, y_ + t * size_.step_stride(layer_.row));
    }
  }

 private:
  float* gate(int g) const { return gates_ + g * size_.cells; }

  // Everything of a gate but its non-linearity.
  void linear(int g, const float* from_x) {
    const int64_t n = size_.cells;
    float* v = gate(g);
    multiply(weights_.recurrent[g], h_, size_.output, 1, v, n);
    for (int64_t i = 0; i < n; ++i) v[i] += from_x[g * n + i];
    if (in_.peephole[g] != nullptr)
      for (int64_t i = 0; i < n; ++i) v[i] += in_.peephole[g]->as<float>()[i] * c_[i];
    if (in_.layer_norm[g] != nullptr) {
      normalize(v, n);
      for (int64_t i = 0; i < n; ++i) v[i] *= in_.layer_norm[g]->as<float>()[i];
    }
    for (int64_t i = 0; i < n; ++i) v[i] += in_.bias[g]->as<float>()[i];
  }

  void step(const float* from_x) {
    const int64_t n = size_.cells;
    const auto activation = layer_.activation;
    float *input = gate(kInputGate), *forget = gate(kForgetGate), *update = gate(kCellGate),
          *out = gate(kOutputGate);
    linear(kForgetGate, from_x);
    map(op_, MapOp::logistic, forget, n);
    if (in_.coupled()) {
      for (int64_t i = 0; i < n; ++i) input[i] = 1.0f - forget[i];
    } else {
      linear(kInputGate, from_x);
      map(op_, MapOp::logistic, input, n);
    }
    linear(kCellGate, from_x);
    activate(op_, activation, update, n);
    for (int64_t i = 0; i < n; ++i) c_[i] = forget[i] * c_[i] + input[i] * update[i];
    clip(c_, n, layer_.cell_clip);
    linear(kOutputGate, from_x);  // its peephole looks at the new cell
    map(op_, MapOp::logistic, out, n);
    std::copy(c_, c_ + n, hidden_);
    activate(op_, activation, hidden_, n);
    for (int64_t i = 0; i < n; ++i) hidden_[i] *= out[i];
    if (in_.projection_weights == nullptr) {
      std::copy(hidden_, hidden_ + n, h_);
      return;
    }
    multiply(weights_.projection, hidden_, n, 1, h_, size_.output);
    if (in_.projection_bias != nullptr)
      for (int64_t i = 0; i < size_.output; ++i) h_[i] += in_.projection_bias->as<float>()[i];
    clip(h_, size_.output, layer_.proj_clip);
  }

  OpContext& op_;
  const LstmLayer& layer_;
  const LstmOperands& in_;
  const LstmSizes& size_;
  const LayerWeights& weights_;
  const float* x_;
  float* y_;
  float *h_, *c_;
  float *sums_, *gates_, *hidden_;
};

Status prepare_weights(OpContext& op, const LstmOperands& in, LayerWeights* weights) {
  for (int g = 0; g < kGates; ++g) {
    CYGNET_TRY(prepare_matrix(op, in.input_weights[g], &weights->input[g]));
    CYGNET_TRY(prepare_matrix(op, in.recurrent_weights[g], &weights->recurrent[g]));
  }
  return prepare_matrix(op, in.projection_weights, &weights->projection);
}

}  // namespace

Status prepare_lstm_float(OpContext& op, std::span<const LstmLayer> layers) {
  auto* s = op.make_state<FloatLstmState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(FloatLstmState));
  int64_t cells = 0;
  for (size_t k = 0; k < layers.size(); ++k) {
    CYGNET_TRY(expect_range("fused activation", static_cast<int>(layers[k].activation), 0,
                            static_cast<int>(ActivationFunctionType::TANH)));
    CYGNET_TRY(prepare_weights(op, layers[k].in, &s->layers[k]));
    cells = std::max(cells, layers[k].size.cells);
  }
  const auto step = static_cast<size_t>(kGates * cells) * sizeof(float);
  int64_t sums = 0;
  if (__builtin_mul_overflow(static_cast<int64_t>(step), layers[0].size.steps, &sums))
    return bad_model("P1: scratch memory overflows");
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(sums), &s->sums));
  CYGNET_TRY(op.request_scratch(step, &s->gates));
  return op.request_scratch(static_cast<size_t>(cells) * sizeof(float), &s->hidden);
}

Status invoke_lstm_float(OpContext& op, std::span<const LstmLayer> layers) {
  const FloatLstmState& state = op.state<FloatLstmState>();
  for (size_t k = 0; k < layers.size(); ++k)
    for (int64_t b = 0; b < layers[k].size.batch && !op.stopped(); ++b)
      Sequence(op, layers[k], state.layers[k], b).run();
  return {};
}

}  // namespace cygnet::ops
