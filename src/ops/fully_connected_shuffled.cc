// SPDX-License-Identifier: Apache-2.0
#include "ops/fully_connected_shuffled.h"

#include "ops/conv_common.h"

namespace cygnet::ops {
namespace {

struct ShuffledState {
  int64_t m = 0, n = 0, k = 0;
  Multiplier multiplier;
  Clamp<int32_t> clamp;
};

Status expect_zero_point(const char* name, const Tensor& t, int32_t zero_point) {
  CYGNET_TRY(expect_per_tensor(name, t));
  if (t.quantization.zero_point() == zero_point) return {};
  return bad_model("%s: expected zero point %d, got %d", name, zero_point,
                   t.quantization.zero_point());
}

}  // namespace

Status infer_shuffled(OpContext& op) {
  const Tensor &x = op.input(0), &weights = op.input(1);
  const auto& options = op.options<schema::FullyConnectedOptions>();
  if (op.outputs() != 2)
    return bad_model("outputs: expected a result and a workspace, got %d", op.outputs());
  CYGNET_TRY(expect_type("input 0", x, {Type::uint8}));
  CYGNET_TRY(expect_type("input 1", weights, {Type::uint8}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int16}));
  CYGNET_TRY(expect_type("output 1", op.output(1), {Type::uint8}));
  CYGNET_TRY(expect_rank("input 1", weights, 2));
  const int32_t n = weights.shape[0], k = weights.shape[1];
  if (n < 1 || k < 1 || n % 4 != 0 || k % 16 != 0)
    return bad_model("input 1: expected a matrix of tiles of 4 x 16, got %s",
                     shape_text(weights.shape).text);
  const int64_t elements = x.shape.elements();
  if (elements != k && elements != 4 * int64_t{k})
    return bad_model("input 0: expected 1 or 4 rows of %d elements, got %s", k,
                     shape_text(x.shape).text);
  CYGNET_TRY(expect_zero_point("input 0", x, 128));
  CYGNET_TRY(expect_zero_point("input 1", weights, 128));
  CYGNET_TRY(expect_zero_point("output 0", op.output(0), 0));
  if (const Tensor* bias = op.input_or_null(2); bias != nullptr) {
    CYGNET_TRY(expect_type("input 2", *bias, {Type::int32}));
    CYGNET_TRY(expect_elements("input 2", *bias, n));
  }
  CYGNET_TRY(op.set_output(1, op.output(1).shape));
  Shape y = {static_cast<int32_t>(elements / k), n};
  if (options.keep_num_dims()) {
    if (x.shape.rank < 1 || x.shape[x.shape.rank - 1] != k)
      return bad_model("input 0: expected a last dimension of %d, got %s", k,
                       shape_text(x.shape).text);
    y = x.shape;
    y[y.rank - 1] = n;
  }
  return op.set_output(0, y);
}

Status prepare_shuffled(OpContext& op) {
  auto* s = op.make_state<ShuffledState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(ShuffledState));
  const Tensor &x = op.input(0), &weights = op.input(1), &y = op.output(0);
  s->n = weights.shape[0];
  s->k = weights.shape[1];
  s->m = x.shape.elements() / s->k;
  CYGNET_TRY(quantized_activation_clamp(
      op.options<schema::FullyConnectedOptions>().fused_activation_function(), y, &s->clamp));
  const float product = x.quantization.scale() * weights.quantization.scale();
  return quantize_multiplier(
      static_cast<double>(product) / static_cast<double>(y.quantization.scale()), &s->multiplier);
}

Status invoke_shuffled(OpContext& op) {
  const auto& s = op.state<ShuffledState>();
  const uint8_t* x = op.input(0).as<uint8_t>();
  const int8_t* weights = op.input(1).as<int8_t>();
  const int32_t* bias = bias_of<int32_t>(op.input_or_null(2));
  auto* y = op.output(0).as<int16_t>();
  if (op.output(1).bytes > 0) std::memset(op.output(1).data, 0, op.output(1).bytes);
  op.parallel_for(s.n, [&](int64_t begin, int64_t end, int) {
    for (int64_t j = begin; j < end; ++j)
      for (int64_t i = 0; i < s.m; ++i) {
        // Row j's elements in its tiles, which lie row of tiles by row of tiles.
        const int8_t* tile = weights + j / 4 * 4 * s.k + j % 4 * 16;
        int64_t sum = bias == nullptr ? 0 : bias[j];
        for (int64_t k = 0; k < s.k; ++k)
          sum += (x[i * s.k + k] - 128) * int64_t{tile[k / 16 * 64 + k % 16]};
        const int32_t scaled = apply(s.multiplier, static_cast<int32_t>(sum));
        y[i * s.n + j] = static_cast<int16_t>(std::clamp(scaled, s.clamp.low, s.clamp.high));
      }
  });
  return {};
}

}  // namespace cygnet::ops
