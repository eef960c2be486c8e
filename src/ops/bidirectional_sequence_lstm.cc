// SPDX-License-Identifier: Apache-2.0
// BIDIRECTIONAL_SEQUENCE_LSTM: x [B, T, I] → y [B, T, O] of an LSTM that reads the sequence from
// its first step, and z [B, T, P] of one that reads it from its last; z[t] is that one's state
// after step t. With merge_outputs there is one result [B, T, O + P]. [T, B, …] with time_major.
// The cell is that of UNIDIRECTIONAL_SEQUENCE_LSTM without layer normalization. Types: f32. An
// auxiliary input is not supported. Source: tensorflow/lite/kernels/bidirectional_sequence_lstm.cc.
#include "ops/check.h"
#include "ops/lstm.h"

namespace cygnet::ops {
namespace {

using Options = schema::BidirectionalSequenceLSTMOptions;

constexpr int kAuxiliary = 39;
constexpr LstmIndices kForward{1, 35, 36}, kBackward{18, 37, 38};

struct Layers {
  LstmLayer list[kMostLstmLayers];

  explicit Layers(const OpContext& op) : list{layer_of(op, kForward), layer_of(op, kBackward)} {
    const int64_t forward = list[0].size.output, backward = list[1].size.output;
    list[1].backwards = true;
    if (op.options<Options>().merge_outputs()) {
      list[0].row = list[1].row = forward + backward;
      list[1].column = forward;
    } else {
      list[1].output = 1;
    }
  }

 private:
  static LstmLayer layer_of(const OpContext& op, const LstmIndices& indices) {
    const auto& options = op.options<Options>();
    const LstmOperands in(op, indices);
    const LstmSizes size = lstm_sizes(in, options.time_major());
    return {.in = in,
            .size = size,
            .activation = options.fused_activation_function(),
            .cell_clip = options.cell_clip(),
            .proj_clip = options.proj_clip(),
            .row = size.output};
  }
};

Status infer(OpContext& op) {
  const auto& options = op.options<Options>();
  const bool merge = options.merge_outputs();
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::float32}));
  for (int i = kAuxiliary; i < op.inputs(); ++i)
    if (op.input_or_null(i) != nullptr)
      return Status::error(Code::unsupported, "input %d: an auxiliary input is not supported", i);
  if (op.outputs() != (merge ? 1 : 2))
    return bad_model("expected %d outputs, got %d", merge ? 1 : 2, op.outputs());
  for (const LstmIndices& indices : {kForward, kBackward})
    CYGNET_TRY(check_lstm(op, LstmOperands(op, indices), options.time_major()));
  CYGNET_TRY(check_lstm_clips(options.cell_clip(), options.proj_clip()));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  const Layers layers(op);
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
    if (__builtin_add_overflow(sum, lstm_macs(layer.in, layer.size), &sum)) return INT64_MAX;
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
