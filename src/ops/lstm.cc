// SPDX-License-Identifier: Apache-2.0
#include "ops/lstm.h"

#include <cmath>
#include <cstdio>

#include "ops/check.h"

namespace cygnet::ops {
namespace {

// "input 5 (recurrent to input gate)"
struct OperandName {
  char text[64];
  OperandName(int index, const char* role) {
    std::snprintf(text, sizeof(text), "input %d (%s)", index, role);
  }
};

// An optional operand that must be there exactly when `wanted`.
Status expect_presence(int index, const char* role, const Tensor* t, bool wanted) {
  if ((t != nullptr) == wanted) return {};
  return bad_model("%s: expected to be %s", OperandName(index, role).text,
                   wanted ? "given" : "absent");
}

Status expect_operand(const char* name, const Tensor* t, Type type, const Shape& shape) {
  if (t == nullptr) return {};
  CYGNET_TRY(expect_type(name, *t, {type}));
  return expect_shape(name, *t, shape);
}

Status check_presence(const LstmOperands& in) {
  const bool own_input_gate = !in.coupled();
  const int first = in.at.first, norm_first = in.at.layer_norm;
  CYGNET_TRY(expect_presence(first + 4, "recurrent to input gate", in.recurrent_weights[kInputGate],
                             own_input_gate));
  CYGNET_TRY(expect_presence(first + 11, "input gate bias", in.bias[kInputGate], own_input_gate));
  const bool peepholes = in.peephole[kOutputGate] != nullptr;
  CYGNET_TRY(expect_presence(first + 8, "cell to input gate", in.peephole[kInputGate],
                             peepholes && own_input_gate));
  CYGNET_TRY(
      expect_presence(first + 9, "cell to forget gate", in.peephole[kForgetGate], peepholes));
  const bool norm = in.layer_norm[kOutputGate] != nullptr;
  CYGNET_TRY(expect_presence(norm_first, "input gate normalization", in.layer_norm[kInputGate],
                             norm && own_input_gate));
  CYGNET_TRY(expect_presence(norm_first + 1, "forget gate normalization",
                             in.layer_norm[kForgetGate], norm));
  CYGNET_TRY(
      expect_presence(norm_first + 2, "cell gate normalization", in.layer_norm[kCellGate], norm));
  if (in.projection_weights == nullptr)
    return expect_presence(first + 16, "projection bias", in.projection_bias, false);
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
  const OperandName h_name(in.at.output_state, "output state"),
      c_name(in.at.cell_state, "cell state");
  const Tensor &h = op.input(in.at.output_state), &cell = op.input(in.at.cell_state);
  CYGNET_TRY(expect_type(h_name.text, h, {in.x->type}));
  CYGNET_TRY(expect_type(c_name.text, cell, {vector}));
  CYGNET_TRY(expect_elements(h_name.text, h, s.batch * s.output));
  return expect_elements(c_name.text, cell, s.batch * s.cells);
}

}  // namespace

LstmOperands::LstmOperands(const OpContext& op, const LstmIndices& indices)
    : x(&op.input(0)), at(indices) {
  const auto gates = [&](const Tensor*(&list)[kGates], int first) {
    for (int g = 0; g < kGates; ++g) list[g] = first < 0 ? nullptr : op.input_or_null(first + g);
  };
  gates(input_weights, at.first);
  gates(recurrent_weights, at.first + 4);
  peephole[kInputGate] = op.input_or_null(at.first + 8);
  peephole[kForgetGate] = op.input_or_null(at.first + 9);
  peephole[kCellGate] = nullptr;
  peephole[kOutputGate] = op.input_or_null(at.first + 10);
  gates(bias, at.first + 11);
  projection_weights = op.input_or_null(at.first + 15);
  projection_bias = op.input_or_null(at.first + 16);
  gates(layer_norm, at.layer_norm);
}

LstmSizes lstm_sizes(const LstmOperands& in, bool time_major) {
  const Shape& x = in.x->shape;
  return {.batch = x[time_major ? 1 : 0],
          .steps = x[time_major ? 0 : 1],
          .input = x[2],
          .cells = in.input_weights[kForgetGate]->shape[0],
          .output = in.recurrent_weights[kForgetGate]->shape[1],
          .time_major = time_major};
}

LstmSizes lstm_sizes(const OpContext& op) {
  return lstm_sizes(LstmOperands(op),
                    op.options<schema::UnidirectionalSequenceLSTMOptions>().time_major());
}

Status check_lstm(OpContext& op, const LstmOperands& in, bool time_major) {
  CYGNET_TRY(expect_type("input 0", *in.x, {Type::float32, Type::int8}));
  const Tensor& forget = *in.input_weights[kForgetGate];
  const Tensor& recurrent = *in.recurrent_weights[kForgetGate];
  const OperandName name(in.at.first + 1, "input to forget gate"),
      recurrent_name(in.at.first + 5, "recurrent to forget gate");
  if (in.x->type == Type::float32 && forget.type != Type::float32)
    return Status::error(Code::unsupported,
                         "%s: float activations with %s weights are not supported", name.text,
                         type_name(forget.type));
  CYGNET_TRY(expect_rank("input 0", *in.x, 3));
  CYGNET_TRY(expect_rank(name.text, forget, 2));
  CYGNET_TRY(expect_rank(recurrent_name.text, recurrent, 2));
  const LstmSizes s = lstm_sizes(in, time_major);
  if (s.input < 1 || s.cells < 1 || s.output < 1)
    return bad_model("weights: expected at least one input, cell and output");
  CYGNET_TRY(check_presence(in));
  return check_shapes(op, in, s);
}

Status check_lstm_clips(float cell_clip, float proj_clip) {
  for (float clip : {cell_clip, proj_clip})
    if (!std::isfinite(clip) || clip < 0)
      return bad_model("clip: expected a finite number >= 0, got %g", static_cast<double>(clip));
  return {};
}

int64_t lstm_macs(const LstmOperands& in, const LstmSizes& s) {
  const int64_t gates = in.coupled() ? 3 : 4;
  const int64_t a_step = gates * s.cells * (s.input + s.output) +
                         (in.projection_weights != nullptr ? s.cells * s.output : 0);
  int64_t total = 0;
  return __builtin_mul_overflow(s.batch * s.steps, a_step, &total) ? INT64_MAX : total;
}

}  // namespace cygnet::ops
