// SPDX-License-Identifier: Apache-2.0
// LSTM's basic kernel: x [B, I], h [B, C], c [B, C], one matrix W [4C, I + C] and bias b [4C] for
// the gates input, update, forget, output:
//   i, g, f, o = σ, tanh, σ, σ of W·(x, h) + b,  c ← f∘c + i∘g,  h ← o∘tanh(c).
// Outputs: h, c, (x, h) [B, I + C] and W·(x, h) + b [B, 4C]. The inputs h and c take the results if
// they are variables. Types: f32; uint8 with activations q/128 − 1, whatever their quantization
// says, the sums int16 with 3 integer bits and c int16 with 4. Source:
// tensorflow/lite/kernels/internal/reference/lstm_cell.h.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/check.h"
#include "ops/fixed_point_math.h"
#include "ops/lstm_common.h"
#include "ops/recurrent.h"

namespace cygnet::ops {
namespace {

enum Operand : int { kX, kActivation, kWeights, kBias, kState, kOperands };
enum Result : int { kActivationOut, kStateOut, kJoined, kSums, kResults };

struct BasicState {
  WeightMatrix weights;  // f32
  Multiplier scale;      // uint8: sums to 2^−12
  int gates = -1;        // scratch: f32 [4C]
};

struct Sizes {
  int64_t batch, input, cells;
  explicit Sizes(const OpContext& op)
      : batch(op.input(kX).shape[0]),
        input(op.input(kX).shape[1]),
        cells(op.input(kActivation).shape[1]) {}
  int64_t joined() const { return input + cells; }
};

Status check_types(const OpContext& op) {
  CYGNET_TRY(expect_type("input 0", op.input(kX), {Type::float32, Type::uint8}));
  const bool quantized = op.input(kX).type == Type::uint8;
  const Type type = op.input(kX).type, bias = quantized ? Type::int32 : type,
             state = quantized ? Type::int16 : type;
  CYGNET_TRY(expect_type("input 1 (activations)", op.input(kActivation), {type}));
  CYGNET_TRY(expect_type("input 2 (weights)", op.input(kWeights), {type}));
  CYGNET_TRY(expect_type("input 3 (bias)", op.input(kBias), {bias}));
  CYGNET_TRY(expect_type("input 4 (state)", op.input(kState), {state}));
  CYGNET_TRY(expect_type("output 0", op.output(kActivationOut), {type}));
  CYGNET_TRY(expect_type("output 1", op.output(kStateOut), {state}));
  CYGNET_TRY(expect_type("output 2", op.output(kJoined), {type}));
  CYGNET_TRY(expect_type("output 3", op.output(kSums), {state}));
  if (!quantized) return {};
  CYGNET_TRY(expect_per_tensor("input 2 (weights)", op.input(kWeights)));
  CYGNET_TRY(expect_per_tensor("input 3 (bias)", op.input(kBias)));
  CYGNET_TRY(expect_per_tensor("output 1", op.output(kStateOut)));
  const float scale = op.output(kStateOut).quantization.scale();
  if (std::abs(std::log2(scale) + 11.0f) < 1e-3f) return {};
  return bad_model("output 1: expected a scale of 2^-11, got %g", static_cast<double>(scale));
}

// c and h of one row from its sums [4][cells].
void step_float(const OpContext& op, const float* sums, int64_t cells, const float* old_c, float* c,
                float* h, float* gates) {
  std::copy(sums, sums + 4 * cells, gates);
  float *input = gates, *update = gates + cells, *forget = update + cells, *out = forget + cells;
  const auto tanh = schema::ActivationFunctionType::TANH;
  sigmoid(op, input, cells);
  activate(op, tanh, update, cells);
  sigmoid(op, forget, cells);
  sigmoid(op, out, cells);
  for (int64_t i = 0; i < cells; ++i) h[i] = c[i] = input[i] * update[i] + forget[i] * old_c[i];
  activate(op, tanh, h, cells);
  for (int64_t i = 0; i < cells; ++i) h[i] *= out[i];
}

void step_q8(const int16_t* sums, int64_t cells, const int16_t* old_c, int16_t* c, uint8_t* h) {
  using F3 = Fixed<int16_t, 3>;
  using State = Fixed<int16_t, 4>;
  for (int64_t i = 0; i < cells; ++i) {
    const auto input = logistic(F3{sums[i]}), forget = logistic(F3{sums[2 * cells + i]}),
               out = logistic(F3{sums[3 * cells + i]});
    const State added = rescale<4>(input * tanh(F3{sums[cells + i]}));
    const State kept = forget * State{old_c[i]};
    const State next{saturate<int16_t>(int64_t{added.raw} + kept.raw)};
    c[i] = next.raw;
    const int32_t activation = (out * tanh(rescale<3>(next))).raw;
    h[i] =
        static_cast<uint8_t>(128 + std::clamp(rounding_divide_by_power(activation, 8), -128, 127));
  }
}

// x · m, rounded as TFLite's matrix products do: to 32 bits, then halves up.
int64_t scaled(Multiplier m, int32_t x) {
  const int left = std::max(m.shift, 0), right = std::max(-m.shift, 0);
  const int64_t shifted = std::clamp<int64_t>(int64_t{x} << left, INT32_MIN, INT32_MAX);
  const int64_t product = rounding_doubling_high_mul(static_cast<int32_t>(shifted), m.multiplier);
  return right == 0 ? product : (product + (int64_t{1} << (right - 1))) >> right;
}

void sums_q8(const OpContext& op, const Sizes& size, const uint8_t* joined, int16_t* sums) {
  const auto* weights = op.input(kWeights).as<uint8_t>();
  const int32_t zero = op.input(kWeights).quantization.zero_point();
  const int64_t depth = size.joined();
  for (int64_t j = 0; j < 4 * size.cells; ++j) {
    int64_t sum = op.input(kBias).as<int32_t>()[j];
    for (int64_t k = 0; k < depth; ++k)
      sum += (int32_t{joined[k]} - 128) * (int32_t{weights[j * depth + k]} - zero);
    const auto limited = static_cast<int32_t>(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX));
    sums[j] = saturate<int16_t>(scaled(op.state<BasicState>().scale, limited));
  }
}

template <class T>
void join(const OpContext& op, const Sizes& size, int64_t batch, T* joined) {
  const T *x = op.input(kX).as<T>() + batch * size.input,
          *h = op.input(kActivation).as<T>() + batch * size.cells;
  std::copy(x, x + size.input, joined);
  std::copy(h, h + size.cells, joined + size.input);
}

void row_float(OpContext& op, const Sizes& size, int64_t b) {
  const int64_t cells = size.cells, width = 4 * cells;
  float* joined = op.output(kJoined).as<float>() + b * size.joined();
  float* sums = op.output(kSums).as<float>() + b * width;
  join(op, size, b, joined);
  multiply(op.state<BasicState>().weights, {.values = joined, .count = 1}, sums, width);
  const float* bias = op.input(kBias).as<float>();
  for (int64_t j = 0; j < width; ++j) sums[j] += bias[j];
  step_float(op, sums, cells, op.input(kState).as<float>() + b * cells,
             op.output(kStateOut).as<float>() + b * cells,
             op.output(kActivationOut).as<float>() + b * cells,
             op.scratch<float>(op.state<BasicState>().gates));
}

void row_q8(OpContext& op, const Sizes& size, int64_t b) {
  auto* joined = op.output(kJoined).as<uint8_t>() + b * size.joined();
  auto* sums = op.output(kSums).as<int16_t>() + b * 4 * size.cells;
  join(op, size, b, joined);
  sums_q8(op, size, joined, sums);
  step_q8(sums, size.cells, op.input(kState).as<int16_t>() + b * size.cells,
          op.output(kStateOut).as<int16_t>() + b * size.cells,
          op.output(kActivationOut).as<uint8_t>() + b * size.cells);
}

}  // namespace

Status infer_lstm_basic(OpContext& op) {
  if (op.inputs() != kOperands) return bad_model("expected 5 inputs, got %d", op.inputs());
  if (op.outputs() != kResults) return bad_model("expected 4 outputs, got %d", op.outputs());
  if (op.input_or_null(kActivation) == nullptr)
    return bad_model("input 1 (activations): expected to be given");
  CYGNET_TRY(check_types(op));
  CYGNET_TRY(expect_rank("input 0", op.input(kX), 2));
  CYGNET_TRY(expect_rank("input 1 (activations)", op.input(kActivation), 2));
  const int64_t cells = op.input(kActivation).shape[1], gates = 4 * cells,
                joined = op.input(kX).shape[1] + cells;
  if (gates > INT32_MAX || joined > INT32_MAX)
    return bad_model("T3: %lld gates of %lld elements", static_cast<long long>(gates),
                     static_cast<long long>(joined));
  const int32_t batch = op.input(kX).shape[0];
  const Shape h{batch, static_cast<int32_t>(cells)};
  CYGNET_TRY(expect_shape("input 1 (activations)", op.input(kActivation), h));
  CYGNET_TRY(expect_shape("input 2 (weights)", op.input(kWeights),
                          {static_cast<int32_t>(gates), static_cast<int32_t>(joined)}));
  CYGNET_TRY(expect_shape("input 3 (bias)", op.input(kBias), {static_cast<int32_t>(gates)}));
  CYGNET_TRY(expect_shape("input 4 (state)", op.input(kState), h));
  CYGNET_TRY(op.set_output(kActivationOut, h));
  CYGNET_TRY(op.set_output(kStateOut, h));
  CYGNET_TRY(op.set_output(kJoined, {batch, static_cast<int32_t>(joined)}));
  return op.set_output(kSums, {batch, static_cast<int32_t>(gates)});
}

Status prepare_lstm_basic(OpContext& op) {
  auto* s = op.make_state<BasicState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(BasicState));
  if (op.input(kX).type == Type::uint8)
    return quantize_multiplier(4096.0 * static_cast<double>(op.input(kBias).quantization.scale()),
                               &s->scale);
  CYGNET_TRY(prepare_matrix(op, &op.input(kWeights), RowCodes::none, &s->weights));
  return op.request_scratch(static_cast<size_t>(4 * Sizes(op).cells) * sizeof(float), &s->gates);
}

Status invoke_lstm_basic(OpContext& op) {
  const Sizes size(op);
  for (int64_t b = 0; b < size.batch && !op.stopped(); ++b)
    op.input(kX).type == Type::uint8 ? row_q8(op, size, b) : row_float(op, size, b);
  const auto keep = [&](int input, int output) {
    Tensor& state = op.variable(input);
    if (state.variable && state.bytes != 0)
      std::memcpy(state.data, op.output(output).data, state.bytes);
  };
  keep(kActivation, kActivationOut);
  keep(kState, kStateOut);
  return {};
}

}  // namespace cygnet::ops
