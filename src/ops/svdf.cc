// SPDX-License-Identifier: Apache-2.0
// SVDF: x [B, I] → y [B, U], a layer of U units whose weights over time are of low rank. Each of
// U·rank filters keeps its last M features in the state s [B, U·rank·M], which outlives a run:
//   s[f] ← (s[f] shifted by one, W_feature[f]·x),
//   y[u] = act(b[u] + Σ over the rank filters f of u: W_time[f]·s[f]).
// Types: f32; hybrid feature weights with INT8 time weights (recurrent.h); int8 with an int16
// state, int16 time weights and an int32 bias, without activation. Sources:
// tensorflow/lite/kernels/svdf.cc, internal/reference/svdf.h; Nakkiran et al., "Compressing deep
// neural networks using a rank-constrained topology", 2015.
#include <algorithm>
#include <cstring>

#include "ops/check.h"
#include "ops/fixed_point.h"
#include "ops/recurrent.h"

namespace cygnet::ops {
namespace {

using Options = schema::SVDFOptions;

enum Operand : int { kX, kFeature, kTime, kBias, kState };

struct Sizes {
  int64_t batch, input, filters, rank, units, memory;

  explicit Sizes(const OpContext& op)
      : batch(op.input(kX).shape[0]),
        input(op.input(kX).shape[1]),
        filters(op.input(kFeature).shape[0]),
        rank(op.options<Options>().rank()),
        units(filters / rank),
        memory(op.input(kTime).shape[1]) {}
};

struct SvdfState {
  WeightMatrix feature;
  RowScratch rows;
  int features = -1;              // scratch: float or int32 [filters] of one row
  IntegerMatrix integer_feature;  // where the weights are constant
  int codes = -1;                 // scratch: uint8 [input]
  Multiplier to_state, to_output;
};

bool is_integer(const OpContext& op) {
  return op.input(kX).type == Type::int8;
}

Status check_types(const OpContext& op) {
  const Tensor &feature = op.input(kFeature), &time = op.input(kTime),
               *bias = op.input_or_null(kBias);
  CYGNET_TRY(expect_type("input 0", op.input(kX), {Type::float32, Type::int8}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {op.input(kX).type}));
  if (!is_integer(op)) {
    CYGNET_TRY(check_weights_type("input 1 (feature weights)", feature, feature.type));
    CYGNET_TRY(check_weights_type("input 2 (time weights)", time, feature.type));
    if (bias != nullptr) CYGNET_TRY(expect_type("input 3 (bias)", *bias, {Type::float32}));
    return expect_type("input 4 (state)", op.input(kState), {Type::float32});
  }
  CYGNET_TRY(expect_type("input 1 (feature weights)", feature, {Type::int8}));
  CYGNET_TRY(expect_type("input 2 (time weights)", time, {Type::int16}));
  if (bias != nullptr) CYGNET_TRY(expect_type("input 3 (bias)", *bias, {Type::int32}));
  CYGNET_TRY(expect_type("input 4 (state)", op.input(kState), {Type::int16}));
  CYGNET_TRY(expect_per_tensor("input 0", op.input(kX)));
  CYGNET_TRY(expect_per_tensor("output 0", op.output(0)));
  for (int i : {int{kFeature}, int{kTime}, int{kState}}) {
    const char* name = i == kFeature ? "input 1 (feature weights)"
                       : i == kTime  ? "input 2 (time weights)"
                                     : "input 4 (state)";
    CYGNET_TRY(expect_per_tensor(name, op.input(i)));
    if (op.input(i).quantization.zero_point() != 0)
      return bad_model("%s: expected zero point 0, got %d", name,
                       op.input(i).quantization.zero_point());
  }
  return {};
}

Status infer(OpContext& op) {
  CYGNET_TRY(check_types(op));
  CYGNET_TRY(expect_rank("input 0", op.input(kX), 2));
  CYGNET_TRY(expect_rank("input 1 (feature weights)", op.input(kFeature), 2));
  CYGNET_TRY(expect_rank("input 2 (time weights)", op.input(kTime), 2));
  const int32_t rank = op.options<Options>().rank(), filters = op.input(kFeature).shape[0];
  if (rank < 1 || filters % rank != 0)
    return bad_model("rank: expected a divisor of the %d filters, got %d", filters, rank);
  // The range of an int8 output is what RELU cuts off.
  CYGNET_TRY(expect_range(
      "fused activation", static_cast<int>(op.options<Options>().fused_activation_function()), 0,
      static_cast<int>(is_integer(op) ? schema::ActivationFunctionType::RELU
                                      : schema::ActivationFunctionType::SIGN_BIT)));
  const Sizes s(op);
  const auto batch = static_cast<int32_t>(s.batch), units = static_cast<int32_t>(s.units);
  if (s.memory < 1) return bad_model("input 2 (time weights): expected at least one step");
  CYGNET_TRY(expect_shape("input 1 (feature weights)", op.input(kFeature),
                          {filters, static_cast<int32_t>(s.input)}));
  CYGNET_TRY(expect_shape("input 2 (time weights)", op.input(kTime),
                          {filters, static_cast<int32_t>(s.memory)}));
  if (op.input_or_null(kBias) != nullptr)
    CYGNET_TRY(expect_shape("input 3 (bias)", op.input(kBias), {units}));
  const int64_t kept = s.memory * s.filters;
  if (kept > INT32_MAX)
    return bad_model("T3: %lld elements of state", static_cast<long long>(kept));
  CYGNET_TRY(
      expect_shape("input 4 (state)", op.input(kState), {batch, static_cast<int32_t>(kept)}));
  return op.set_output(0, {batch, units});
}

Status prepare(OpContext& op) {
  const Sizes size(op);
  auto* s = op.make_state<SvdfState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(SvdfState));
  const auto scale = [&](const Tensor& t) { return static_cast<double>(t.quantization.scale()); };
  if (is_integer(op)) {
    const double state = scale(op.input(kState));
    const double ratio = scale(op.input(kX)) * scale(op.input(kFeature)) / state;
    CYGNET_TRY(quantize_multiplier(ratio, &s->to_state));
    if (op.input(kFeature).constant && !op.reference()) {
      CYGNET_TRY(prepare_integer_matrix(op, op.input(kFeature), nullptr,
                                        op.input(kX).quantization.zero_point(), ratio,
                                        &s->integer_feature));
      CYGNET_TRY(op.request_scratch(static_cast<size_t>(size.input), &s->codes));
      CYGNET_TRY(
          op.request_scratch(static_cast<size_t>(size.filters) * sizeof(int32_t), &s->features));
    }
    return quantize_multiplier(state * scale(op.input(kTime)) / scale(op.output(0)), &s->to_output);
  }
  const RowCodes codes =
      row_codes(op.input(kFeature).type, op.options<Options>().asymmetric_quantize_inputs());
  CYGNET_TRY(prepare_matrix(op, &op.input(kFeature), codes, &s->feature));
  if (codes != RowCodes::none) CYGNET_TRY(request_rows(op, 1, size.input, &s->rows));
  return op.request_scratch(static_cast<size_t>(size.filters) * sizeof(float), &s->features);
}

// Moves the filters' memories [filters][memory] on by one step and appends feature(f) to each.
template <class T, class F>
void remember(T* state, const Sizes& size, F feature) {
  for (int64_t f = 0; f < size.filters; ++f, state += size.memory) {
    std::memmove(state, state + 1, static_cast<size_t>(size.memory - 1) * sizeof(T));
    state[size.memory - 1] = feature(f);
  }
}

void invoke_float(OpContext& op, const Sizes& size, int64_t batch) {
  const SvdfState& s = op.state<SvdfState>();
  float* state = op.variable(kState).as<float>() + batch * size.filters * size.memory;
  float* features = op.scratch<float>(s.features);
  multiply(s.feature,
           make_rows(op, s.rows, s.feature.codes, op.input(kX).as<float>() + batch * size.input,
                     size.input, 1, size.input),
           features, size.filters);
  remember(state, size, [&](int64_t f) { return features[f]; });
  const Tensor &time = op.input(kTime), *bias = op.input_or_null(kBias);
  const bool hybrid = time.type != Type::float32;
  const float time_scale = hybrid ? time.quantization.scale() : 1.0f;
  const auto weight = [&](int64_t i) {
    return hybrid ? static_cast<float>(time.as<int8_t>()[i]) * time_scale : time.as<float>()[i];
  };
  float* y = op.output(0).as<float>() + batch * size.units;
  for (int64_t u = 0; u < size.units; ++u) {
    float total = 0;
    for (int64_t f = u * size.rank; f < (u + 1) * size.rank; ++f) {
      float sum = 0;
      for (int64_t i = f * size.memory; i < (f + 1) * size.memory; ++i) sum += weight(i) * state[i];
      total += sum;
    }
    y[u] = total + (bias == nullptr ? 0.0f : bias->as<float>()[u]);
  }
  activate(op, op.options<Options>().fused_activation_function(), y, size.units);
}

void invoke_integer(OpContext& op, const Sizes& size, int64_t batch) {
  const SvdfState& s = op.state<SvdfState>();
  auto* state = op.variable(kState).as<int16_t>() + batch * size.filters * size.memory;
  const auto* x = op.input(kX).as<int8_t>() + batch * size.input;
  const auto* weights = op.input(kFeature).as<int8_t>();
  const auto* time = op.input(kTime).as<int16_t>();
  const int32_t zero = op.input(kX).quantization.zero_point();
  const auto limited = [](int64_t sum) {
    return static_cast<int32_t>(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX));
  };
  const int32_t* sums = nullptr;
  if (s.codes >= 0) {
    auto* codes = op.scratch<uint8_t>(s.codes);
    auto* features = op.scratch<int32_t>(s.features);
    bias_codes(x, size.input, codes);
    multiply(s.integer_feature, x, codes, size.input, 1, features, size.filters);
    sums = features;
  }
  remember(state, size, [&](int64_t f) {
    int64_t sum = 0;
    if (sums != nullptr)
      sum = sums[f];
    else
      for (int64_t k = 0; k < size.input; ++k) sum += weights[f * size.input + k] * (x[k] - zero);
    return static_cast<int16_t>(std::clamp(apply(s.to_state, limited(sum)), -32768, 32767));
  });
  const Tensor* bias = op.input_or_null(kBias);
  const int32_t output_zero = op.output(0).quantization.zero_point();
  auto* y = op.output(0).as<int8_t>() + batch * size.units;
  for (int64_t u = 0; u < size.units; ++u) {
    int64_t sum = bias == nullptr ? 0 : bias->as<int32_t>()[u];
    for (int64_t i = u * size.rank * size.memory; i < (u + 1) * size.rank * size.memory; ++i)
      sum += int32_t{time[i]} * state[i];
    const int64_t value = int64_t{apply(s.to_output, limited(sum))} + output_zero;
    y[u] = static_cast<int8_t>(std::clamp<int64_t>(value, -128, 127));
  }
}

Status invoke(OpContext& op) {
  const Sizes size(op);
  for (int64_t b = 0; b < size.batch && !op.stopped(); ++b)
    is_integer(op) ? invoke_integer(op, size, b) : invoke_float(op, size, b);
  return {};
}

int64_t macs(const OpContext& op) {
  const Sizes size(op);
  int64_t total = 0;
  return __builtin_mul_overflow(size.batch, size.filters * (size.input + size.memory), &total)
             ? INT64_MAX
             : total;
}

}  // namespace

extern const OpDef kSvdf;
extern const OpDef kSvdf = {
    .name = "SVDF",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::SVDF),
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SVDFOptions),
    .pure = false,
    .min_inputs = 5,
    .max_inputs = 5,
    .optional_inputs = uint64_t{1} << kBias,
    .variable_inputs = uint64_t{1} << kState,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs};

}  // namespace cygnet::ops
