// SPDX-License-Identifier: Apache-2.0
// UNIDIRECTIONAL_SEQUENCE_LSTM: x [B, T, I] → y [B, T, O]; for each step, with the state h, c:
//   i, f, o = σ(W·x + R·h (+ P∘c) + b), g = act(W·x + R·h + b),
//   c ← f∘c + i∘g, h ← o∘act(c), or its projection; y[t] = h.
// Without input-gate operands i = 1 − f. With layer normalization W·x + R·h is normalized and
// scaled before the bias is added. Types: f32; int8 with int16 cell state. Sources:
// tensorflow/lite/kernels/unidirectional_sequence_lstm.cc, lstm_eval.cc; Sak et al., "Long
// short-term memory recurrent neural network architectures", 2014.
#include <cmath>

#include "ops/check.h"
#include "ops/lstm.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

LstmOperands::LstmOperands(const OpContext& op) : x(&op.input(0)) {
  const auto gates = [&](const Tensor*(&list)[kGates], int first) {
    for (int g = 0; g < kGates; ++g) list[g] = op.input_or_null(first + g);
  };
  gates(input_weights, 1);
  gates(recurrent_weights, 5);
  peephole[kInputGate] = op.input_or_null(9);
  peephole[kForgetGate] = op.input_or_null(10);
  peephole[kCellGate] = nullptr;
  peephole[kOutputGate] = op.input_or_null(11);
  gates(bias, 12);
  projection_weights = op.input_or_null(16);
  projection_bias = op.input_or_null(17);
  gates(layer_norm, 20);
}

LstmSizes lstm_sizes(const OpContext& op) {
  LstmSizes s;
  s.time_major = op.options<schema::UnidirectionalSequenceLSTMOptions>().time_major();
  const Shape& x = op.input(0).shape;
  s.batch = x[s.time_major ? 1 : 0];
  s.steps = x[s.time_major ? 0 : 1];
  s.input = x[2];
  s.cells = op.input(2).shape[0];
  s.output = op.input(6).shape[1];
  return s;
}

namespace {

// An optional operand that must be there exactly when `wanted`.
Status expect_presence(const char* name, const Tensor* t, bool wanted) {
  if ((t != nullptr) == wanted) return {};
  return bad_model("%s: expected to be %s", name, wanted ? "given" : "absent");
}

Status expect_operand(const char* name, const Tensor* t, Type type, const Shape& shape) {
  if (t == nullptr) return {};
  CYGNET_TRY(expect_type(name, *t, {type}));
  return expect_shape(name, *t, shape);
}

// Which optional operands belong together.
Status check_presence(const LstmOperands& in) {
  const bool own_input_gate = !in.coupled();
  CYGNET_TRY(expect_presence("input 5 (recurrent to input gate)", in.recurrent_weights[kInputGate],
                             own_input_gate));
  CYGNET_TRY(expect_presence("input 12 (input gate bias)", in.bias[kInputGate], own_input_gate));
  const bool peepholes = in.peephole[kOutputGate] != nullptr;
  CYGNET_TRY(expect_presence("input 9 (cell to input gate)", in.peephole[kInputGate],
                             peepholes && own_input_gate));
  CYGNET_TRY(
      expect_presence("input 10 (cell to forget gate)", in.peephole[kForgetGate], peepholes));
  const bool norm = in.layer_norm[kOutputGate] != nullptr;
  CYGNET_TRY(expect_presence("input 20 (input gate normalization)", in.layer_norm[kInputGate],
                             norm && own_input_gate));
  CYGNET_TRY(
      expect_presence("input 21 (forget gate normalization)", in.layer_norm[kForgetGate], norm));
  CYGNET_TRY(expect_presence("input 22 (cell gate normalization)", in.layer_norm[kCellGate], norm));
  if (in.projection_weights == nullptr)
    return expect_presence("input 17 (projection bias)", in.projection_bias, false);
  return {};
}

Status check_shapes(OpContext& op, const LstmOperands& in, const LstmSizes& s) {
  const Type weight = in.x->type, bias = in.x->type == Type::float32 ? Type::float32 : Type::int32;
  const Type vector = in.x->type == Type::float32 ? Type::float32 : Type::int16;
  const auto i = static_cast<int32_t>(s.input), c = static_cast<int32_t>(s.cells),
             o = static_cast<int32_t>(s.output);
  for (int g = 0; g < kGates; ++g) {
    CYGNET_TRY(expect_operand("input weights", in.input_weights[g], weight, {c, i}));
    CYGNET_TRY(expect_operand("recurrent weights", in.recurrent_weights[g], weight, {c, o}));
    CYGNET_TRY(expect_operand("peephole weights", in.peephole[g], vector, {c}));
    CYGNET_TRY(expect_operand("gate bias", in.bias[g], bias, {c}));
    CYGNET_TRY(expect_operand("normalization coefficients", in.layer_norm[g], vector, {c}));
  }
  CYGNET_TRY(expect_operand("projection weights", in.projection_weights, weight, {o, c}));
  CYGNET_TRY(expect_operand("projection bias", in.projection_bias, bias, {o}));
  if (in.projection_weights == nullptr && o != c)
    return bad_model("recurrent weights: expected %d columns without a projection, got %d", c, o);
  const Tensor &h = op.input(kOutputState), &cell = op.input(kCellState);
  CYGNET_TRY(expect_type("input 18 (output state)", h, {in.x->type}));
  CYGNET_TRY(expect_type("input 19 (cell state)", cell, {vector}));
  CYGNET_TRY(expect_elements("input 18 (output state)", h, s.batch * s.output));
  return expect_elements("input 19 (cell state)", cell, s.batch * s.cells);
}

Status infer(OpContext& op) {
  const LstmOperands in(op);
  const auto& options = op.options<schema::UnidirectionalSequenceLSTMOptions>();
  CYGNET_TRY(expect_type("input 0", *in.x, {Type::float32, Type::int8}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {in.x->type}));
  if (in.x->type == Type::float32 && in.input_weights[kForgetGate]->type != Type::float32)
    return Status::error(Code::unsupported,
                         "input 2: float activations with %s weights are not supported",
                         type_name(in.input_weights[kForgetGate]->type));
  CYGNET_TRY(expect_rank("input 0", *in.x, 3));
  CYGNET_TRY(expect_rank("input 2", op.input(2), 2));
  CYGNET_TRY(expect_rank("input 6", op.input(6), 2));
  for (float clip : {options.cell_clip(), options.proj_clip()})
    if (!std::isfinite(clip) || clip < 0)
      return bad_model("clip: expected a finite number >= 0, got %g", static_cast<double>(clip));
  const LstmSizes s = lstm_sizes(op);
  if (s.input < 1 || s.cells < 1 || s.output < 1)
    return bad_model("weights: expected at least one input, cell and output");
  CYGNET_TRY(check_presence(in));
  CYGNET_TRY(check_shapes(op, in, s));
  if (in.x->type == Type::int8) CYGNET_TRY(check_lstm_q8(op));
  Shape y = in.x->shape;
  y[2] = static_cast<int32_t>(s.output);
  return op.set_output(0, y);
}

Status prepare(OpContext& op) {
  return op.input(0).type == Type::float32 ? prepare_lstm_float(op) : prepare_lstm_q8(op);
}
Status invoke(OpContext& op) {
  return op.input(0).type == Type::float32 ? invoke_lstm_float(op) : invoke_lstm_q8(op);
}

int64_t macs(const OpContext& op) {
  const LstmOperands in(op);
  const LstmSizes s = lstm_sizes(op);
  const int64_t gates = in.coupled() ? 3 : 4;
  const int64_t a_step = gates * s.cells * (s.input + s.output) +
                         (in.projection_weights != nullptr ? s.cells * s.output : 0);
  int64_t total = 0;
  return __builtin_mul_overflow(s.batch * s.steps, a_step, &total) ? INT64_MAX : total;
}

}  // namespace

extern const OpDef kUnidirectionalSequenceLstm;
extern const OpDef kUnidirectionalSequenceLstm = {
    .name = "UNIDIRECTIONAL_SEQUENCE_LSTM",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM),
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::UnidirectionalSequenceLSTMOptions),
    .pure = false,
    .min_inputs = 20,
    .max_inputs = 24,
    // All but the input, the weights of the forget, cell and output gates, their biases, the
    // states.
    .optional_inputs = 0xF31E22,
    .variable_inputs = uint64_t{1} << kOutputState | uint64_t{1} << kCellState,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs};

}  // namespace cygnet::ops
