// SPDX-License-Identifier: Apache-2.0
// Gates are int16 with 3 integer bits before and none after their non-linearity; the cell state is
// int16 with a power-of-two scale. Sums of products are scaled to the gate's 2^−12 in fixed point.
// Source: tensorflow/lite/kernels/lstm_eval.cc, LstmStepInteger8x8_16.
#include <algorithm>
#include <cmath>

#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "ops/check.h"
#include "ops/fixed_point_math.h"
#include "ops/lstm.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// One weight matrix [n, k], the zero point of what it multiplies folded into `bias`.
struct QuantizedMatrix {
  const int8_t* plain = nullptr;
  uint8_t* packed = nullptr;  // null: plain loops
  int32_t* bias = nullptr;    // [n], for the signed activations of the plain loops
  Multiplier scale;           // sums to 2^−12
  int64_t n = 0, k = 0;
};

struct QuantizedLstmState {
  QuantizedMatrix input[kGates], recurrent[kGates];
  Multiplier hidden;  // σ · tanh to the output
  int32_t hidden_zero = 0;
  int cell_bits = 0;      // integer bits of the cell state
  int16_t cell_clip = 0;  // 0: none
  int sums = -1;          // scratch: int32 [steps][gates][cells] of one sequence
  int step = -1;          // scratch: int32 [cells]
  int gates = -1;         // scratch: int16 [gates][cells]
  int floats = -1;        // scratch: float [cells]
  int rows = -1;          // scratch: x of one sequence and h, biased to unsigned
};

int16_t saturate16(int64_t x) {
  return saturate<int16_t>(x);
}

Status prepare_matrix(OpContext& op, const Tensor& weights, const Tensor* bias,
                      const Tensor& activations, QuantizedMatrix* m) {
  m->plain = weights.as<int8_t>();
  m->n = weights.shape[0];
  m->k = weights.shape[1];
  const float ratio =
      weights.quantization.scale() * activations.quantization.scale() / std::ldexp(1.0f, -12);
  CYGNET_TRY(quantize_multiplier(static_cast<double>(ratio), &m->scale));
  const auto bias_bytes = static_cast<size_t>(m->n) * sizeof(int32_t);
  m->bias = static_cast<int32_t*>(op.allocate(bias_bytes));
  if (m->bias == nullptr) return out_of_memory("bias", bias_bytes);
  const int32_t zero = activations.quantization.zero_point();
  for (int64_t j = 0; j < m->n; ++j) {
    int64_t sum = 0;
    for (int64_t k = 0; k < m->k; ++k) sum += m->plain[j * m->k + k];
    m->bias[j] = static_cast<int32_t>((bias == nullptr ? 0 : bias->as<int32_t>()[j]) - zero * sum);
  }
  constexpr int64_t kMostDepth = 33'025;  // the kernel's accumulator bound
  if (op.reference() || m->k > kMostDepth) return {};
  const int nr = kernels().gemm_q8_nr;
  const size_t bytes = gemm_q8_packed_bytes(m->n, 1, m->k, nr);
  m->packed = static_cast<uint8_t*>(op.allocate(bytes));
  if (m->packed == nullptr) return out_of_memory("packed weights", bytes);
  const PackQ8 params{.input_zero_point = zero + 128,
                      .bias = bias == nullptr ? nullptr : bias->as<int32_t>()};
  pack_gemm_q8(m->plain, {.n_stride = m->k, .tap_stride = m->k, .k_stride = 1}, params, m->n, 1,
               m->k, nr, m->packed);
  return {};
}

// out[i][j] = Σ (x[i][k] − zero point) · m[j][k] + bias[j]; x is biased to unsigned for the kernel.
void multiply(const QuantizedMatrix& m, const int8_t* x, const uint8_t* biased, int64_t x_stride,
              int64_t rows, int32_t* out, int64_t out_stride) {
  if (m.packed != nullptr) {
    const GemmQ8 args{.a = biased,
                      .a_stride = m.k,
                      .m = rows,
                      .n = m.n,
                      .k = m.k,
                      .weights = m.packed,
                      .store = StoreQ8::s32,
                      .out = out,
                      .out_stride = out_stride};
    return kernels().gemm_q8(args);
  }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < m.n; ++j) {
      int64_t sum = m.bias[j];
      for (int64_t k = 0; k < m.k; ++k) sum += int64_t{x[i * x_stride + k]} * m.plain[j * m.k + k];
      out[i * out_stride + j] = static_cast<int32_t>(sum);
    }
}

// tanh of int16 with `integer_bits` integer bits, to 15 fraction bits.
template <int kBits = 0>
int16_t tanh16(int16_t x, int integer_bits) {
  if constexpr (kBits < 6)
    if (integer_bits > kBits) return tanh16<kBits + 1>(x, integer_bits);
  return tanh(Fixed<int16_t, kBits>{x}).raw;
}

class Sequence {
 public:
  Sequence(OpContext& op, int64_t batch)
      : op_(op),
        in_(op),
        size_(lstm_sizes(op)),
        state_(op.state<QuantizedLstmState>()),
        x_(op.input(0).as<int8_t>() + batch * size_.batch_stride(size_.input)),
        y_(op.output(0).as<int8_t>() + batch * size_.batch_stride(size_.output)),
        h_(op.variable(kOutputState).as<int8_t>() + batch * size_.output),
        c_(op.variable(kCellState).as<int16_t>() + batch * size_.cells),
        sums_(op.scratch<int32_t>(state_.sums)),
        step_(op.scratch<int32_t>(state_.step)),
        gates_(op.scratch<int16_t>(state_.gates)),
        rows_(op.scratch<uint8_t>(state_.rows)) {}

  void run() {
    const int64_t width = kGates * size_.cells, x_stride = size_.step_stride(size_.input);
    for (int64_t t = 0; t < size_.steps; ++t)
      kernels().xor_copy(reinterpret_cast<const uint8_t*>(x_ + t * x_stride), size_.input, 0x80,
                         rows_ + t * size_.input);
    for (int g = 0; g < kGates; ++g)
      if (in_.has_gate(g))
        multiply(state_.input[g], x_, rows_, x_stride, size_.steps, sums_ + g * size_.cells, width);
    for (int64_t t = 0; t < size_.steps; ++t) {
      step(sums_ + t * width);
      std::copy(h_, h_ + size_.output, y_ + t * size_.step_stride(size_.output));
    }
  }

 private:
  int16_t* gate(int g) const { return gates_ + g * size_.cells; }

  // Function of int16 values with `integer_bits` integer bits, to 15 fraction bits, in place.
  void apply_function(MapOp function, int integer_bits, int16_t* v) {
    const int64_t n = size_.cells;
    if (!op_.reference()) {
      auto* floats = op_.scratch<float>(state_.floats);
      kernels().dequantize_s16(v, n, std::ldexp(1.0f, integer_bits - 15), 0, floats);
      kernels().map_f32(function, floats, n, floats, {});
      return kernels().quantize_s16(floats, n, 1.0f / 32768.0f, 0, -32768, 32767, v);
    }
    for (int64_t i = 0; i < n; ++i)
      v[i] = function == MapOp::tanh ? tanh16(v[i], integer_bits)
                                     : logistic(Fixed<int16_t, 3>{v[i]}).raw;
  }

  void compute_gate(int g, const int32_t* from_x, MapOp function) {
    int16_t* v = gate(g);
    multiply(state_.recurrent[g], h_, rows_ + size_.steps * size_.input, size_.output, 1, step_,
             size_.cells);
    for (int64_t i = 0; i < size_.cells; ++i) {
      const int16_t partial = saturate16(apply(state_.input[g].scale, from_x[g * size_.cells + i]));
      v[i] = saturate16(int64_t{apply(state_.recurrent[g].scale, step_[i])} + partial);
    }
    apply_function(function, 3, v);
  }

  void step(const int32_t* from_x) {
    const int64_t n = size_.cells;
    const int cell_shift =
        15 + state_.cell_bits;  // of products of two 15-bit fractions, to the cell's scale
    kernels().xor_copy(reinterpret_cast<const uint8_t*>(h_), size_.output, 0x80,
                       rows_ + size_.steps * size_.input);
    compute_gate(kForgetGate, from_x, MapOp::logistic);
    compute_gate(kCellGate, from_x, MapOp::tanh);
    if (!in_.coupled()) compute_gate(kInputGate, from_x, MapOp::logistic);
    compute_gate(kOutputGate, from_x, MapOp::logistic);
    const int16_t *forget = gate(kForgetGate), *update = gate(kCellGate), *out = gate(kOutputGate);
    for (int64_t i = 0; i < n; ++i) {
      const int32_t input = in_.coupled() ? 32767 - forget[i] : gate(kInputGate)[i];
      const auto kept = static_cast<int16_t>(rounding_divide_by_power(forget[i] * c_[i], 15));
      const auto added =
          static_cast<int16_t>(rounding_divide_by_power(input * update[i], cell_shift));
      c_[i] = saturate16(int64_t{kept} + added);
      if (state_.cell_clip > 0)
        c_[i] = std::clamp(c_[i], static_cast<int16_t>(-state_.cell_clip), state_.cell_clip);
    }
    int16_t* squashed = gate(kCellGate);
    std::copy(c_, c_ + n, squashed);
    apply_function(MapOp::tanh, state_.cell_bits, squashed);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t value =
          int64_t{apply(state_.hidden, out[i] * squashed[i])} + state_.hidden_zero;
      h_[i] = saturate<int8_t>(value);
    }
  }

  OpContext& op_;
  const LstmOperands in_;
  const LstmSizes size_;
  const QuantizedLstmState& state_;
  const int8_t* x_;
  int8_t* y_;
  int8_t* h_;
  int16_t* c_;
  int32_t *sums_, *step_;
  int16_t* gates_;
  uint8_t* rows_;
};

}  // namespace

Status check_lstm_q8(const OpContext& op) {
  const LstmOperands in(op);
  if (in.projection_weights != nullptr || in.peephole[kOutputGate] != nullptr ||
      in.layer_norm[kOutputGate] != nullptr)
    return Status::error(Code::unsupported,
                         "INT8 with projection, peepholes or layer normalization is not supported");
  if (op.intermediates() != 5)
    return bad_model("expected 5 intermediate tensors, got %d", op.intermediates());
  CYGNET_TRY(expect_per_tensor("input 0", *in.x));
  CYGNET_TRY(expect_per_tensor("input 18 (output state)", op.input(kOutputState)));
  CYGNET_TRY(expect_per_tensor("input 19 (cell state)", op.input(kCellState)));
  if (op.intermediate_or_null(4) == nullptr)
    return bad_model("intermediate 4 (hidden): expected to be given");
  CYGNET_TRY(expect_per_tensor("intermediate 4 (hidden)", *op.intermediate_or_null(4)));
  CYGNET_TRY(expect_per_tensor("output 0", op.output(0)));
  for (int g = 0; g < kGates; ++g) {
    if (!in.has_gate(g)) continue;
    for (const Tensor* weights : {in.input_weights[g], in.recurrent_weights[g]}) {
      CYGNET_TRY(expect_per_tensor("weights", *weights));
      if (weights->quantization.zero_point() != 0)
        return bad_model("weights: expected zero point 0, got %d",
                         weights->quantization.zero_point());
      if (!weights->constant || !in.bias[g]->constant)
        return Status::error(Code::unsupported,
                             "weights and biases that are not constant are not supported");
    }
  }
  const float scale = op.input(kCellState).quantization.scale();
  const auto log2 = static_cast<int>(std::lround(std::log2(scale)));
  if (std::ldexp(1.0f, log2) != scale || log2 < -15 || log2 > -9)
    return bad_model("input 19 (cell state): expected a scale of 2^-15 to 2^-9, got %g",
                     static_cast<double>(scale));
  return {};
}

Status prepare_lstm_q8(OpContext& op) {
  auto* s = op.make_state<QuantizedLstmState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(QuantizedLstmState));
  const LstmOperands in(op);
  const LstmSizes size = lstm_sizes(op);
  for (int g = 0; g < kGates; ++g) {
    if (!in.has_gate(g)) continue;
    CYGNET_TRY(prepare_matrix(op, *in.input_weights[g], in.bias[g], *in.x, &s->input[g]));
    CYGNET_TRY(prepare_matrix(op, *in.recurrent_weights[g], nullptr, op.input(kOutputState),
                              &s->recurrent[g]));
  }
  const float cell_scale = op.input(kCellState).quantization.scale();
  s->cell_bits = 15 + static_cast<int>(std::lround(std::log2(cell_scale)));
  const float clip = op.options<schema::UnidirectionalSequenceLSTMOptions>().cell_clip();
  if (clip > 0) s->cell_clip = static_cast<int16_t>(std::clamp(clip / cell_scale, 1.0f, 32767.0f));
  const float hidden = std::ldexp(1.0f, -30) / op.intermediate_or_null(4)->quantization.scale();
  CYGNET_TRY(quantize_multiplier(static_cast<double>(hidden), &s->hidden));
  s->hidden_zero = op.intermediate_or_null(4)->quantization.zero_point();
  const auto cells = static_cast<size_t>(size.cells);
  int64_t sums = 0;
  if (__builtin_mul_overflow(int64_t{kGates} * 4 * size.cells, size.steps, &sums))
    return bad_model("P1: scratch memory overflows");
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(sums), &s->sums));
  CYGNET_TRY(op.request_scratch(cells * sizeof(int32_t), &s->step));
  CYGNET_TRY(op.request_scratch(cells * kGates * sizeof(int16_t), &s->gates));
  CYGNET_TRY(op.request_scratch(cells * sizeof(float), &s->floats));
  return op.request_scratch(static_cast<size_t>(size.steps * size.input + size.output), &s->rows);
}

Status invoke_lstm_q8(OpContext& op) {
  const int64_t batch = lstm_sizes(op).batch;
  for (int64_t b = 0; b < batch && !op.stopped(); ++b) Sequence(op, b).run();
  return {};
}

}  // namespace cygnet::ops
