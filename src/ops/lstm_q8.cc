// SPDX-License-Identifier: Apache-2.0
// Gates are int16 with 3 integer bits before and none after their non-linearity; the cell state is
// int16 with a power-of-two scale. Sums of products are scaled to the gate's 2^−12 in fixed point;
// with layer normalization to the scale of an intermediate tensor, and the bias is added behind it.
// Source: tensorflow/lite/kernels/lstm_eval.cc, LstmStepInteger8x8_16.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/fixed_point_math.h"
#include "ops/lstm_common.h"
#include "ops/recurrent.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct QuantizedLstmState {
  IntegerMatrix input[kGates], recurrent[kGates], projection;
  Multiplier peephole[kGates], norm[kGates];
  int32_t least_variance[kGates] = {};
  // Tables of functions of gates and of the cell; null: plain loops.
  uint16_t *logistic = nullptr, *tanh = nullptr, *cell_tanh = nullptr;
  Multiplier hidden;  // σ · tanh to the output, or to what is projected
  int32_t hidden_zero = 0, output_zero = 0;
  int cell_bits = 0;                     // integer bits of the cell state
  int16_t cell_clip = 0, proj_clip = 0;  // 0: none
  int sums = -1;                         // scratch: int32 [steps][gates][cells] of one sequence
  int step = -1;                         // scratch: int32 [cells]
  int gates = -1;                        // scratch: int16 [gates][cells]
  int rows = -1;                         // scratch: x of one sequence and h, biased to unsigned
  int projected = -1;                    // scratch: int8 [cells], then the same biased
};

int16_t saturate16(int64_t x) {
  return saturate<int16_t>(x);
}

// tanh of int16 with `integer_bits` integer bits, which may be negative, to 15 fraction bits.
template <int kBits = 0>
int16_t tanh16(int16_t x, int integer_bits) {
  if (integer_bits < 0)
    return tanh16(static_cast<int16_t>(rounding_divide_by_power(x, -integer_bits)), 0);
  if constexpr (kBits < 6)
    if (integer_bits > kBits) return tanh16<kBits + 1>(x, integer_bits);
  return tanh(Fixed<int16_t, kBits>{x}).raw;
}

// Mean 0 and variance 1, with 10 more fraction bits; then times the coefficients, plus the bias,
// and to 2^−12. `tiny` stands for a variance below 1.
void normalize(int16_t* v, int64_t n, const int16_t* coefficients, const int32_t* bias,
               Multiplier scale, int32_t tiny) {
  int64_t sum = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    sum += v[i];
    squares += int32_t{v[i]} * v[i];
  }
  constexpr int64_t kOne = 1 << 20;
  const int64_t mean = sum * 1024 / n;
  const auto variance = static_cast<int32_t>((squares * (kOne / n) - mean * mean) / kOne);
  const Multiplier inverse = inverse_square_root(variance < 1 ? tiny : variance);
  for (int64_t i = 0; i < n; ++i) {
    const auto centered = static_cast<int32_t>(1024 * v[i] - mean);
    const int64_t product = int64_t{apply(inverse, centered)} * coefficients[i] + bias[i];
    const int64_t rounded = (product > 0 ? product + 512 : product - 512) / 1024;
    v[i] = saturate16(
        apply(scale, static_cast<int32_t>(std::clamp<int64_t>(rounded, INT32_MIN, INT32_MAX))));
  }
}

// v[i] ← f(v[i]), which is never the least number: a table holds what was computed before, with the
// sign bit turned, so that 0 means nothing yet.
template <class F>
void map(uint16_t* table, int16_t* v, int64_t n, F f) {
  for (int64_t i = 0; i < n; ++i) {
    if (table == nullptr) {
      v[i] = f(v[i]);
      continue;
    }
    uint16_t& known = table[static_cast<uint16_t>(v[i])];
    if (known == 0) known = static_cast<uint16_t>(static_cast<uint16_t>(f(v[i])) ^ 0x8000u);
    v[i] = static_cast<int16_t>(static_cast<uint16_t>(known ^ 0x8000u));
  }
}

class Sequence {
 public:
  Sequence(OpContext& op, const LstmLayer& layer, int64_t batch)
      : op_(op),
        in_(layer.in),
        size_(layer.size),
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
      bias_codes(x_ + t * x_stride, size_.input, rows_ + t * size_.input);
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
    if (function == MapOp::logistic)
      return map(state_.logistic, v, n,
                 [](int16_t x) { return logistic(Fixed<int16_t, 3>{x}).raw; });
    map(integer_bits == 3 ? state_.tanh : state_.cell_tanh, v, n,
        [&](int16_t x) { return tanh16(x, integer_bits); });
  }

  void compute_gate(int g, const int32_t* from_x, MapOp function) {
    int16_t* v = gate(g);
    multiply(state_.recurrent[g], h_, rows_ + size_.steps * size_.input, size_.output, 1, step_,
             size_.cells);
    const Multiplier of_x = state_.input[g].scale, of_h = state_.recurrent[g].scale;
    for (int64_t i = 0; i < size_.cells; ++i) {
      const int16_t partial = saturate16(apply(of_x, from_x[g * size_.cells + i]));
      v[i] = saturate16(int64_t{apply(of_h, step_[i])} + partial);
    }
    if (in_.peephole[g] != nullptr) {
      const auto* w = in_.peephole[g]->as<int16_t>();
      for (int64_t i = 0; i < size_.cells; ++i)
        v[i] = saturate16(int64_t{apply(state_.peephole[g], int32_t{w[i]} * c_[i])} + v[i]);
    }
    if (in_.normalized())
      normalize(v, size_.cells, in_.layer_norm[g]->as<int16_t>(), in_.bias[g]->as<int32_t>(),
                state_.norm[g], state_.least_variance[g]);
    apply_function(function, 3, v);
  }

  void step(const int32_t* from_x) {
    const int64_t n = size_.cells;
    const int cell_shift =
        15 + state_.cell_bits;  // of products of two 15-bit fractions, to the cell's scale
    bias_codes(h_, size_.output, rows_ + size_.steps * size_.input);
    compute_gate(kForgetGate, from_x, MapOp::logistic);
    compute_gate(kCellGate, from_x, MapOp::tanh);
    if (!in_.coupled()) compute_gate(kInputGate, from_x, MapOp::logistic);
    const int16_t *forget = gate(kForgetGate), *update = gate(kCellGate);
    for (int64_t i = 0; i < n; ++i) {
      const int32_t input = in_.coupled() ? 32767 - forget[i] : gate(kInputGate)[i];
      const auto kept = static_cast<int16_t>(rounding_divide_by_power(forget[i] * c_[i], 15));
      const int16_t added = saturate16(rounding_divide_by_power(input * update[i], cell_shift));
      c_[i] = saturate16(int64_t{kept} + added);
      if (state_.cell_clip > 0)
        c_[i] = std::clamp(c_[i], static_cast<int16_t>(-state_.cell_clip), state_.cell_clip);
    }
    compute_gate(kOutputGate, from_x, MapOp::logistic);  // its peephole looks at the new cell
    int16_t* squashed = gate(kCellGate);
    std::copy(c_, c_ + n, squashed);
    apply_function(MapOp::tanh, state_.cell_bits, squashed);
    const int16_t* out = gate(kOutputGate);
    const bool project = in_.projection_weights != nullptr;
    int8_t* hidden = project ? op_.scratch<int8_t>(state_.projected) : h_;
    const Multiplier of_hidden = state_.hidden;
    for (int64_t i = 0; i < n; ++i)
      hidden[i] =
          saturate<int8_t>(int64_t{apply(of_hidden, out[i] * squashed[i])} + state_.hidden_zero);
    if (project) project_hidden(hidden);
  }

  void project_hidden(const int8_t* hidden) {
    auto* biased = reinterpret_cast<uint8_t*>(op_.scratch<int8_t>(state_.projected) + size_.cells);
    bias_codes(hidden, size_.cells, biased);
    multiply(state_.projection, hidden, biased, size_.cells, 1, step_, size_.output);
    for (int64_t i = 0; i < size_.output; ++i) {
      h_[i] =
          saturate<int8_t>(int64_t{apply(state_.projection.scale, step_[i])} + state_.output_zero);
      if (state_.proj_clip > 0)
        h_[i] = std::clamp(h_[i], static_cast<int8_t>(-state_.proj_clip),
                           static_cast<int8_t>(state_.proj_clip));
    }
  }

  OpContext& op_;
  const LstmOperands& in_;
  const LstmSizes& size_;
  const QuantizedLstmState& state_;
  const int8_t* x_;
  int8_t* y_;
  int8_t* h_;
  int16_t* c_;
  int32_t *sums_, *step_;
  int16_t* gates_;
  uint8_t* rows_;
};

// `scale` and `zero`: of the activations; out_scale: of the scaled sums.
Status prepare_matrix(OpContext& op, const Tensor& weights, const Tensor* bias, float scale,
                      int32_t zero, float out_scale, IntegerMatrix* m) {
  const float ratio = weights.quantization.scale() * scale / out_scale;
  return prepare_integer_matrix(op, weights, bias, zero, static_cast<double>(ratio), m);
}

// The scale of the gates before their non-linearity, or before their normalization.
float gate_scale(const OpContext& op, const LstmOperands& in, int g) {
  return in.normalized() ? op.intermediate_or_null(g)->quantization.scale() : std::ldexp(1.0f, -12);
}

Status expect_intermediate(const OpContext& op, int index) {
  char name[32];
  std::snprintf(name, sizeof(name), "intermediate %d", index);
  const Tensor* t = op.intermediate_or_null(index);
  return t == nullptr ? bad_model("%s: expected to be given", name) : expect_per_tensor(name, *t);
}

// One scale, zero point 0, known values.
Status expect_symmetric_constant(const char* name, const Tensor& t) {
  CYGNET_TRY(expect_per_tensor(name, t));
  if (t.quantization.zero_point() != 0)
    return bad_model("%s: expected zero point 0, got %d", name, t.quantization.zero_point());
  if (t.constant) return {};
  return Status::error(Code::unsupported,
                       "weights and biases that are not constant are not supported");
}

Status check_gate(const OpContext& op, const LstmOperands& in, int g) {
  CYGNET_TRY(expect_symmetric_constant("weights", *in.input_weights[g]));
  CYGNET_TRY(expect_symmetric_constant("weights", *in.recurrent_weights[g]));
  if (!in.bias[g]->constant)
    return Status::error(Code::unsupported,
                         "weights and biases that are not constant are not supported");
  if (in.peephole[g] != nullptr)
    CYGNET_TRY(expect_symmetric_constant("peephole weights", *in.peephole[g]));
  if (!in.normalized()) return {};
  CYGNET_TRY(expect_symmetric_constant("normalization coefficients", *in.layer_norm[g]));
  return expect_intermediate(op, g);
}

Status prepare_gate(OpContext& op, const LstmLayer& layer, int g, QuantizedLstmState* s) {
  const LstmOperands& in = layer.in;
  const Quantization &x = in.x->quantization, &h = op.input(kOutputState).quantization;
  const float out = gate_scale(op, in, g);
  CYGNET_TRY(prepare_matrix(op, *in.input_weights[g], in.normalized() ? nullptr : in.bias[g],
                            x.scale(), x.zero_point(), out, &s->input[g]));
  CYGNET_TRY(prepare_matrix(op, *in.recurrent_weights[g], nullptr, h.scale(), h.zero_point(), out,
                            &s->recurrent[g]));
  if (in.peephole[g] != nullptr) {
    const float ratio =
        op.input(kCellState).quantization.scale() * in.peephole[g]->quantization.scale() / out;
    CYGNET_TRY(quantize_multiplier(static_cast<double>(ratio), &s->peephole[g]));
  }
  if (!in.normalized()) return {};
  const float norm = in.layer_norm[g]->quantization.scale();
  s->least_variance[g] =
      static_cast<int32_t>(std::clamp(10000.0 * static_cast<double>(norm), 1.0, 2147483647.0));
  return quantize_multiplier(std::ldexp(static_cast<double>(norm), 12), &s->norm[g]);
}

Status prepare_tables(OpContext& op, QuantizedLstmState* s) {
  if (op.reference()) return {};
  constexpr size_t kBytes = 65536 * sizeof(uint16_t);
  for (uint16_t** table : {&s->logistic, &s->tanh, &s->cell_tanh}) {
    if (table == &s->cell_tanh && s->cell_bits == 3) continue;
    *table = static_cast<uint16_t*>(op.allocate(kBytes));
    if (*table == nullptr) return out_of_memory("tables", kBytes);
  }
  return {};
}

}  // namespace

Status check_lstm_q8(const OpContext& op, const LstmLayer& layer) {
  const LstmOperands& in = layer.in;
  if (op.intermediates() == 12)
    return Status::error(Code::unsupported,
                         "INT8 with 8-bit gates (12 intermediate tensors) is not supported");
  if (op.intermediates() != 5)
    return bad_model("expected 5 intermediate tensors, got %d", op.intermediates());
  CYGNET_TRY(expect_per_tensor("input 0", *in.x));
  CYGNET_TRY(expect_per_tensor("input 18 (output state)", op.input(kOutputState)));
  CYGNET_TRY(expect_per_tensor("input 19 (cell state)", op.input(kCellState)));
  CYGNET_TRY(expect_intermediate(op, 4));
  CYGNET_TRY(expect_per_tensor("output 0", op.output(0)));
  for (int g = 0; g < kGates; ++g)
    if (in.has_gate(g)) CYGNET_TRY(check_gate(op, in, g));
  if (in.projection_weights != nullptr) {
    CYGNET_TRY(expect_symmetric_constant("projection weights", *in.projection_weights));
    if (in.projection_bias != nullptr && !in.projection_bias->constant)
      return Status::error(Code::unsupported,
                           "weights and biases that are not constant are not supported");
  }
  const float scale = op.input(kCellState).quantization.scale();
  const auto log2 = static_cast<int>(std::lround(std::log2(scale)));
  if (std::ldexp(1.0f, log2) != scale || log2 < -30 || log2 > -9)
    return bad_model("input 19 (cell state): expected a scale of 2^-30 to 2^-9, got %g",
                     static_cast<double>(scale));
  return {};
}

Status prepare_lstm_q8(OpContext& op, const LstmLayer& layer) {
  auto* s = op.make_state<QuantizedLstmState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(QuantizedLstmState));
  const LstmOperands& in = layer.in;
  const LstmSizes& size = layer.size;
  for (int g = 0; g < kGates; ++g)
    if (in.has_gate(g)) CYGNET_TRY(prepare_gate(op, layer, g, s));
  const auto clip = [](float limit, float scale, float most) {
    return limit > 0 ? static_cast<int16_t>(std::clamp(limit / scale, 0.0f, most)) : int16_t{0};
  };
  const float cell_scale = op.input(kCellState).quantization.scale();
  s->cell_bits = 15 + static_cast<int>(std::lround(std::log2(cell_scale)));
  s->cell_clip = clip(layer.cell_clip, cell_scale, 32767);
  s->proj_clip = clip(layer.proj_clip, op.output(0).quantization.scale(), 127);
  CYGNET_TRY(prepare_tables(op, s));
  const Quantization &hidden = op.intermediate_or_null(4)->quantization,
                     &h = op.input(kOutputState).quantization;
  const float ratio = std::ldexp(1.0f, -30) / hidden.scale();
  CYGNET_TRY(quantize_multiplier(static_cast<double>(ratio), &s->hidden));
  s->hidden_zero = hidden.zero_point();
  if (in.projection_weights != nullptr) {
    // What is projected has its zero point negated.
    s->hidden_zero = -s->hidden_zero;
    s->output_zero = h.zero_point();
    CYGNET_TRY(prepare_matrix(op, *in.projection_weights, in.projection_bias, hidden.scale(),
                              s->hidden_zero, h.scale(), &s->projection));
    CYGNET_TRY(op.request_scratch(static_cast<size_t>(2 * size.cells), &s->projected));
  }
  const auto cells = static_cast<size_t>(size.cells),
             widest = static_cast<size_t>(std::max(size.cells, size.output));
  int64_t sums = 0;
  if (__builtin_mul_overflow(int64_t{kGates} * 4 * size.cells, size.steps, &sums))
    return bad_model("P1: scratch memory overflows");
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(sums), &s->sums));
  CYGNET_TRY(op.request_scratch(widest * sizeof(int32_t), &s->step));
  CYGNET_TRY(op.request_scratch(cells * kGates * sizeof(int16_t), &s->gates));
  return op.request_scratch(static_cast<size_t>(size.steps * size.input + size.output), &s->rows);
}

Status invoke_lstm_q8(OpContext& op, const LstmLayer& layer) {
  for (int64_t b = 0; b < layer.size.batch && !op.stopped(); ++b) Sequence(op, layer, b).run();
  return {};
}

}  // namespace cygnet::ops
