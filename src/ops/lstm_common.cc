// SPDX-License-Identifier: Apache-2.0
#include "ops/lstm_common.h"

#include <cmath>
#include <cstdio>

#include "ops/check.h"
#include "ops/recurrent.h"

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

// Types of the operands of one arithmetic.
struct Types {
  Type matrix, peephole, norm, bias, output_state, cell_state;

  Types(Type x, Type weights)
      : matrix(weights),
        peephole(x == Type::int8 ? Type::int16 : weights),
        norm(x == Type::int8 ? Type::int16 : Type::float32),
        bias(x == Type::int8 ? Type::int32 : Type::float32),
        output_state(x),
        cell_state(x == Type::int8 ? Type::int16 : Type::float32) {}
};

Status expect_operand(const char* name, const Tensor* t, Type type, const Shape& shape) {
  if (t == nullptr) return {};
  CYGNET_TRY(expect_type(name, *t, {type}));
  return expect_shape(name, *t, shape);
}

// Weights of float activations, which may be quantized.
Status expect_weights(const char* name, const Tensor* t, const Tensor& x, Type type,
                      const Shape& shape) {
  if (t != nullptr && x.type == Type::float32) CYGNET_TRY(check_weights_type(name, *t, type));
  return expect_operand(name, t, type, shape);
}

Status check_aux_presence(const LstmOperands& in) {
  const int first = in.at.aux_weights;
  if (first < 0) return {};
  constexpr const char* kRoles[] = {"auxiliary to input gate", "auxiliary to forget gate",
                                    "auxiliary to cell gate", "auxiliary to output gate"};
  for (int g = 0; g < kGates; ++g)
    CYGNET_TRY(expect_presence(first + g, kRoles[g], in.aux_weights[g], in.has_gate(g)));
  return expect_presence(in.at.aux, "auxiliary input", in.aux, true);
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
  CYGNET_TRY(check_aux_presence(in));
  if (in.projection_weights == nullptr)
    return expect_presence(first + 16, "projection bias", in.projection_bias, false);
  return {};
}

// A matrix [C, O] or, where the operator has them, a float diagonal [C].
Status check_recurrent(const Tensor* t, const Tensor& x, Type type, const LstmSizes& s,
                       bool diagonals) {
  const auto cells = static_cast<int32_t>(s.cells), output = static_cast<int32_t>(s.output);
  if (t != nullptr && diagonals && t->shape.rank == 1 && s.cells == s.output)
    return expect_operand("recurrent weights", t, Type::float32, {cells});
  return expect_weights("recurrent weights", t, x, type, {cells, output});
}

Status check_aux(const LstmOperands& in, const LstmSizes& s, Type weights) {
  if (in.aux == nullptr) return {};
  const OperandName name(in.at.aux, "auxiliary input");
  CYGNET_TRY(expect_type(name.text, *in.aux, {Type::float32}));
  Shape wanted = in.x->shape;
  const auto width = static_cast<int32_t>(s.aux);
  wanted[wanted.rank - 1] = width;
  CYGNET_TRY(expect_shape(name.text, *in.aux, wanted));
  for (const Tensor* t : in.aux_weights)
    CYGNET_TRY(expect_weights("auxiliary weights", t, *in.x, weights,
                              {static_cast<int32_t>(s.cells), width}));
  return {};
}

Status check_shapes(OpContext& op, const LstmOperands& in, const LstmSizes& s, bool diagonals) {
  const Tensor& x = *in.x;
  const Types types(x.type, in.input_weights[kForgetGate]->type);
  const auto i = static_cast<int32_t>(s.input), c = static_cast<int32_t>(s.cells),
             o = static_cast<int32_t>(s.output);
  for (int g = 0; g < kGates; ++g) {
    CYGNET_TRY(expect_weights("input weights", in.input_weights[g], x, types.matrix, {c, i}));
    CYGNET_TRY(check_recurrent(in.recurrent_weights[g], x, types.matrix, s, diagonals));
    CYGNET_TRY(expect_weights("peephole weights", in.peephole[g], x, types.peephole, {c}));
    CYGNET_TRY(expect_operand("gate bias", in.bias[g], types.bias, {c}));
    CYGNET_TRY(expect_operand("normalization coefficients", in.layer_norm[g], types.norm, {c}));
  }
  CYGNET_TRY(check_aux(in, s, types.matrix));
  CYGNET_TRY(expect_weights("projection weights", in.projection_weights, x, types.matrix, {o, c}));
  CYGNET_TRY(expect_operand("projection bias", in.projection_bias, types.bias, {o}));
  if (in.projection_weights == nullptr && o != c)
    return bad_model("recurrent weights: expected %d columns without a projection, got %d", c, o);
  const OperandName h_name(in.at.output_state, "output state"),
      c_name(in.at.cell_state, "cell state");
  const Tensor &h = op.input(in.at.output_state), &cell = op.input(in.at.cell_state);
  CYGNET_TRY(expect_type(h_name.text, h, {types.output_state}));
  CYGNET_TRY(expect_type(c_name.text, cell, {types.cell_state}));
  CYGNET_TRY(expect_elements(h_name.text, h, s.batch * s.output));
  return expect_elements(c_name.text, cell, s.batch * s.cells);
}

}  // namespace

LstmOperands::LstmOperands(const OpContext& op, const LstmIndices& indices)
    : x(&op.input(indices.x)),
      aux(indices.aux < 0 ? nullptr : op.input_or_null(indices.aux)),
      at(indices) {
  const auto gates = [&](const Tensor*(&list)[kGates], int first) {
    for (int g = 0; g < kGates; ++g) list[g] = first < 0 ? nullptr : op.input_or_null(first + g);
  };
  gates(input_weights, at.first);
  gates(aux_weights, at.aux_weights);
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
  const Shape& recurrent = in.recurrent_weights[kForgetGate]->shape;
  const bool sequence = x.rank == 3;
  return {.batch = x[sequence && time_major ? 1 : 0],
          .steps = !sequence ? 1 : x[time_major ? 0 : 1],
          .input = x[x.rank - 1],
          .aux = in.aux == nullptr ? 0 : in.aux->shape[in.aux->shape.rank - 1],
          .cells = in.input_weights[kForgetGate]->shape[0],
          .output = recurrent[recurrent.rank - 1],
          .time_major = time_major};
}

Status check_lstm(OpContext& op, const LstmOperands& in, int x_rank, bool time_major,
                  bool diagonals) {
  const Tensor& forget = *in.input_weights[kForgetGate];
  const Tensor& recurrent = *in.recurrent_weights[kForgetGate];
  const OperandName x_name(in.at.x, "x"), name(in.at.first + 1, "input to forget gate"),
      recurrent_name(in.at.first + 5, "recurrent to forget gate");
  const char* x_text = in.at.x == 0 ? "input 0" : x_name.text;
  CYGNET_TRY(expect_type(x_text, *in.x, {Type::float32, Type::int8}));
  CYGNET_TRY(in.x->type == Type::float32 ? check_weights_type(name.text, forget, forget.type)
                                         : expect_type(name.text, forget, {Type::int8}));
  CYGNET_TRY(expect_rank(x_text, *in.x, x_rank));
  CYGNET_TRY(expect_rank(name.text, forget, 2));
  CYGNET_TRY(expect_rank_between(recurrent_name.text, recurrent, diagonals ? 1 : 2, 2));
  if (in.aux != nullptr)
    CYGNET_TRY(expect_rank(OperandName(in.at.aux, "auxiliary input").text, *in.aux, x_rank));
  const LstmSizes s = lstm_sizes(in, time_major);
  if (s.input < 1 || s.cells < 1 || s.output < 1)
    return bad_model("weights: expected at least one input, cell and output");
  CYGNET_TRY(check_presence(in));
  return check_shapes(op, in, s, diagonals && in.x->type == Type::float32);
}

Status check_lstm_options(const LstmLayer& layer) {
  for (float clip : {layer.cell_clip, layer.proj_clip})
    if (!std::isfinite(clip) || clip < 0)
      return bad_model("clip: expected a finite number >= 0, got %g", static_cast<double>(clip));
  return expect_range("fused activation", static_cast<int>(layer.activation), 0,
                      static_cast<int>(schema::ActivationFunctionType::SIGN_BIT));
}

int64_t lstm_macs(const LstmLayer& layer) {
  const LstmSizes& s = layer.size;
  const int64_t gates = layer.in.coupled() ? 3 : 4;
  const int64_t a_step = gates * s.cells * (s.input + s.aux + s.output) +
                         (layer.in.projection_weights != nullptr ? s.cells * s.output : 0);
  int64_t total = 0;
  return __builtin_mul_overflow(s.batch * s.steps, a_step, &total) ? INT64_MAX : total;
}

}  // namespace cygnet::ops
