// SPDX-License-Identifier: Apache-2.0
// UNIDIRECTIONAL_SEQUENCE_LSTM: x [B, T, I] → y [B, T, O]; for each step, with the state h, c:
//   i, f, o = σ(W·x + R·h (+ P∘c) + b), g = act(W·x + R·h + b),
//   c ← f∘c + i∘g, h ← o∘act(c), or its projection; y[t] = h.
// Without input-gate operands i = 1 − f. With layer normalization W·x + R·h is normalized and
// scaled before the bias is added. R may be a diagonal. Types: f32; hybrid weights (recurrent.h);
// int8 with int16 cell state. Sources: tensorflow/lite/kernels/unidirectional_sequence_lstm.cc,
// lstm_eval.cc; Sak et al., "Long short-term memory recurrent neural network architectures", 2014.
#include "ops/check.h"
#include "ops/lstm_common.h"

namespace cygnet::ops {
namespace {

using Options = schema::UnidirectionalSequenceLSTMOptions;

LstmLayer layer_of(const OpContext& op) {
  const auto& options = op.options<Options>();
  return lstm_layer(op, options, kOneDirection, options.time_major());
}

Status infer(OpContext& op) {
  const LstmOperands in(op);
  CYGNET_TRY(check_lstm(op, in, 3, op.options<Options>().time_major(), /*diagonals=*/true));
  const LstmLayer layer = layer_of(op);
  CYGNET_TRY(check_lstm_options(layer));
  CYGNET_TRY(expect_type("output 0", op.output(0), {in.x->type}));
  if (in.x->type == Type::int8) CYGNET_TRY(check_lstm_q8(op, layer));
  Shape y = in.x->shape;
  y[2] = static_cast<int32_t>(layer.size.output);
  return op.set_output(0, y);
}

Status prepare(OpContext& op) {
  const LstmLayer layer = layer_of(op);
  return layer.in.x->type == Type::int8 ? prepare_lstm_q8(op, layer)
                                        : prepare_lstm_float(op, {&layer, 1});
}

Status invoke(OpContext& op) {
  const LstmLayer layer = layer_of(op);
  return layer.in.x->type == Type::int8 ? invoke_lstm_q8(op, layer)
                                        : invoke_lstm_float(op, {&layer, 1});
}

int64_t macs(const OpContext& op) {
  return lstm_macs(layer_of(op));
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
