// SPDX-License-Identifier: Apache-2.0
// LSTM: one step of a cell, x [B, I] → y [B, O], as UNIDIRECTIONAL_SEQUENCE_LSTM has it with one
// step (the full kernel); or, with kernel_type BASIC, the cell of lstm_basic.cc. Types: f32; hybrid
// weights (recurrent.h); int8 with int16 cell state; BASIC: f32, uint8. Sources:
// tensorflow/lite/kernels/lstm.cc, lstm_eval.cc.
#include "ops/check.h"
#include "ops/lstm_common.h"

namespace cygnet::ops {
namespace {

using Options = schema::LSTMOptions;

bool is_basic(const OpContext& op) {
  return op.options<Options>().kernel_type() == schema::LSTMKernelType::BASIC;
}

LstmLayer layer_of(const OpContext& op) {
  return lstm_layer(op, op.options<Options>(), kOneDirection, /*time_major=*/false);
}

Status infer(OpContext& op) {
  if (is_basic(op)) return infer_lstm_basic(op);
  if (op.inputs() != 20 && op.inputs() != 24)
    return bad_model("expected 20 or 24 inputs, got %d", op.inputs());
  if (op.outputs() != 1) return bad_model("expected 1 output, got %d", op.outputs());
  const LstmOperands in(op);
  CYGNET_TRY(check_lstm(op, in, 2, /*time_major=*/false, /*diagonals=*/false));
  const LstmLayer layer = layer_of(op);
  CYGNET_TRY(check_lstm_options(layer));
  CYGNET_TRY(expect_type("output 0", op.output(0), {in.x->type}));
  if (in.x->type == Type::int8) CYGNET_TRY(check_lstm_q8(op, layer));
  return op.set_output(0, {in.x->shape[0], static_cast<int32_t>(layer.size.output)});
}

Status prepare(OpContext& op) {
  if (is_basic(op)) return prepare_lstm_basic(op);
  const LstmLayer layer = layer_of(op);
  return layer.in.x->type == Type::int8 ? prepare_lstm_q8(op, layer)
                                        : prepare_lstm_float(op, {&layer, 1});
}

Status invoke(OpContext& op) {
  if (is_basic(op)) return invoke_lstm_basic(op);
  const LstmLayer layer = layer_of(op);
  return layer.in.x->type == Type::int8 ? invoke_lstm_q8(op, layer)
                                        : invoke_lstm_float(op, {&layer, 1});
}

int64_t macs(const OpContext& op) {
  return is_basic(op) ? op.input(0).shape[0] * op.input(2).shape.elements()
                      : lstm_macs(layer_of(op));
}

}  // namespace

extern const OpDef kLstm;
extern const OpDef kLstm = {
    .name = "LSTM",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::LSTM),
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::LSTMOptions),
    .pure = false,
    .min_inputs = 5,
    .max_inputs = 24,
    .max_outputs = 4,
    // All but the input, the weights of the forget, cell and output gates, their biases, the
    // states.
    .optional_inputs = 0xF31E22,
    .variable_inputs = uint64_t{1} << kOutputState | uint64_t{1} << kCellState,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs};

}  // namespace cygnet::ops
