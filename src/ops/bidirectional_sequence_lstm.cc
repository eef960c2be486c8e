// SPDX-License-Identifier: Apache-2.0
// BIDIRECTIONAL_SEQUENCE_LSTM: x [B, T, I] → y [B, T, O] of an LSTM that reads the sequence from
// its first step, and z [B, T, P] of one that reads it from its last; z[t] is that one's state
// after step t. With merge_outputs there is one result [B, T, O + P]. [T, B, …] with time_major.
// The cell is that of UNIDIRECTIONAL_SEQUENCE_LSTM without layer normalization. An auxiliary input
// [B, T, A] has weights of its own in both; without such weights it is what the second reads, in
// place of x. Types: f32; hybrid weights (recurrent.h). Source:
// tensorflow/lite/kernels/bidirectional_sequence_lstm.cc.
#include "ops/check.h"
#include "ops/lstm_common.h"

namespace cygnet::ops {
namespace {

using Options = schema::BidirectionalSequenceLSTMOptions;

constexpr int kAuxiliary = 39, kForwardAuxiliaryWeights = 40, kBackwardAuxiliaryWeights = 44;
constexpr LstmIndices kForward{1, 35, 36}, kBackward{18, 37, 38};

struct Indices {
  LstmIndices list[kMostLstmLayers] = {kForward, kBackward};

  explicit Indices(const OpContext& op) {
    bool weights = false;
    for (int i = kForwardAuxiliaryWeights; i < op.inputs(); ++i)
      weights = weights || op.input_or_null(i) != nullptr;
    if (weights) {
      list[0].aux = list[1].aux = kAuxiliary;
      list[0].aux_weights = kForwardAuxiliaryWeights;
      list[1].aux_weights = kBackwardAuxiliaryWeights;
    } else if (op.input_or_null(kAuxiliary) != nullptr) {
      list[1].x = kAuxiliary;
    }
  }
};

struct Layers {
  LstmLayer list[kMostLstmLayers];

  Layers(const OpContext& op, const Indices& indices)
      : list{layer_of(op, indices.list[0]), layer_of(op, indices.list[1])} {
    const int64_t forward = list[0].size.output, backward = list[1].size.output;
    list[1].backwards = true;
    if (op.options<Options>().merge_outputs()) {
      list[0].row = list[1].row = forward + backward;
      list[1].column = forward;
    } else {
      list[1].output = 1;
    }
  }
  explicit Layers(const OpContext& op) : Layers(op, Indices(op)) {}

 private:
  static LstmLayer layer_of(const OpContext& op, const LstmIndices& indices) {
    const auto& options = op.options<Options>();
    return lstm_layer(op, options, indices, options.time_major());
  }
};

Status infer(OpContext& op) {
  const auto& options = op.options<Options>();
  const bool merge = options.merge_outputs();
  const Indices indices(op);
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::float32}));
  if (indices.list[1].x != 0) {
    CYGNET_TRY(expect_type("input 39 (auxiliary input)", op.input(kAuxiliary), {Type::float32}));
    CYGNET_TRY(expect_shape("input 39 (auxiliary input)", op.input(kAuxiliary), op.input(0).shape));
  }
  if (op.outputs() != (merge ? 1 : 2))
    return bad_model("expected %d outputs, got %d", merge ? 1 : 2, op.outputs());
  for (const LstmIndices& at : indices.list)
    CYGNET_TRY(check_lstm(op, LstmOperands(op, at), 3, options.time_major(), /*diagonals=*/false));
  const Layers layers(op);
  CYGNET_TRY(expect_same_type("input 2", *layers.list[0].in.input_weights[kForgetGate], "input 19",
                              *layers.list[1].in.input_weights[kForgetGate]));
  CYGNET_TRY(check_lstm_options(layers.list[0]));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  Shape y = op.input(0).shape, z = y;
  const int64_t forward = layers.list[0].row, backward = layers.list[1].row;
  if (forward > INT32_MAX)
    return bad_model("T3: rows of %lld elements", static_cast<long long>(forward));
  y[2] = static_cast<int32_t>(forward);
  CYGNET_TRY(op.set_output(0, y));
  if (merge) return {};
  CYGNET_TRY(expect_type("output 1", op.output(1), {Type::float32}));
  z[2] = static_cast<int32_t>(backward);
  return op.set_output(1, z);
}

Status prepare(OpContext& op) {
  const Layers layers(op);
  return prepare_lstm_float(op, layers.list);
}

Status invoke(OpContext& op) {
  const Layers layers(op);
  return invoke_lstm_float(op, layers.list);
}

int64_t macs(const OpContext& op) {
  const Layers layers(op);
  int64_t sum = 0;
  for (const LstmLayer& layer : layers.list)
    if (__builtin_add_overflow(sum, lstm_macs(layer), &sum)) return INT64_MAX;
  return sum;
}

// Of one direction: all but the weights of the forget, cell and output gates and their biases.
constexpr uint64_t kOptional = 0x18F11;

}  // namespace

extern const OpDef kBidirectionalSequenceLstm;
extern const OpDef kBidirectionalSequenceLstm = {
    .name = "BIDIRECTIONAL_SEQUENCE_LSTM",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::BIDIRECTIONAL_SEQUENCE_LSTM),
    .max_version = 3,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::BidirectionalSequenceLSTMOptions),
    .pure = false,
    .min_inputs = kAuxiliary,
    .max_inputs = 48,
    .min_outputs = 1,
    .max_outputs = 2,
    .optional_inputs =
        kOptional << kForward.first | kOptional << kBackward.first | uint64_t{0x1FF} << kAuxiliary,
    .variable_inputs = uint64_t{0xF} << kForward.output_state,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs};

}  // namespace cygnet::ops
