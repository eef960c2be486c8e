// SPDX-License-Identifier: Apache-2.0
// PRELU: x, alpha, which broadcasts to x → x where x ≥ 0, alpha · x elsewhere. Types f32, int8,
// uint8; x of int16 has an alpha of int8. Sources: tensorflow/lite/kernels/activations.cc,
// internal/reference/prelu.h.
#include "ops/binary.h"
#include "ops/fixed_point.h"

namespace cygnet::ops {
namespace {

struct PreluState : BinaryState {
  Multiplier positive, negative;
  float positive_scale = 1, negative_scale = 1;  // the same for kernels
};

// An alpha of int8 for x of int16.
Status infer_int16(OpContext& op) {
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int8}));
  CYGNET_TRY(expect_same_type("input 0", op.input(0), "output 0", op.output(0)));
  CYGNET_TRY(expect_per_tensor("input 0", op.input(0)));
  CYGNET_TRY(expect_per_tensor("input 1", op.input(1)));
  CYGNET_TRY(expect_per_tensor("output 0", op.output(0)));
  Shape shape;
  CYGNET_TRY(broadcast_shape(op.input(0).shape, op.input(1).shape, &shape));
  return op.set_output(0, shape);
}

Status infer(OpContext& op) {
  if (op.input(0).type == Type::int16)
    CYGNET_TRY(infer_int16(op));
  else
    CYGNET_TRY(infer_binary(op, {Type::float32, Type::int8, Type::uint8}));
  if (op.output(0).shape == op.input(0).shape) return {};
  return bad_model("input 1: alpha %s does not broadcast to %s", shape_text(op.input(1).shape).text,
                   shape_text(op.input(0).shape).text);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<PreluState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(PreluState));
  s->broadcast = make_broadcast(op.input(0).shape, op.input(1).shape, op.output(0).shape);
  CYGNET_TRY(prepare_tiling(op, s->broadcast, &s->tiling));
  if (op.input(0).type == Type::float32) return {};
  const float x = op.input(0).quantization.scale(), alpha = op.input(1).quantization.scale(),
              y = op.output(0).quantization.scale();
  CYGNET_TRY(quantize_multiplier(static_cast<double>(x / y), &s->positive));
  CYGNET_TRY(quantize_multiplier(static_cast<double>(x * alpha / y), &s->negative));
  s->positive_scale = x / y;
  s->negative_scale = x * alpha / y;
  return {};
}

// |x| < 2^16, |alpha| < 2^9.
template <class T, class Alpha = T>
void quantized(OpContext& op, const PreluState& s) {
  const T* x = op.input(0).as<T>();
  const Alpha* alpha = op.input(1).as<Alpha>();
  T* y = op.output(0).as<T>();
  const int32_t x_zero = op.input(0).quantization.zero_point(),
                a_zero = op.input(1).quantization.zero_point();
  const int32_t y_zero = op.output(0).quantization.zero_point();
  const auto one = [&](T element, Alpha slope) {
    const int32_t value = element - x_zero;
    const int64_t scaled =
        value >= 0 ? apply(s.positive, value) : apply(s.negative, value * (slope - a_zero));
    return static_cast<T>(std::clamp<int64_t>(scaled + y_zero, std::numeric_limits<T>::lowest(),
                                              std::numeric_limits<T>::max()));
  };
  each_row(op, s.broadcast, [&](int64_t i, int64_t j, int64_t k, int64_t n, ZipShape shape) {
    const int64_t step = shape == ZipShape::vector_scalar ? 0 : 1;
    for (int64_t e = 0; e < n; ++e) y[k + e] = one(x[i + e], alpha[j + e * step]);
  });
}

void quantized_fast(OpContext& op, const PreluState& s) {
  const int32_t low = op.output(0).type == Type::int8 ? -128 : 0;
  invoke_q8(op, s,
            {.op = ZipQ8Op::prelu,
             .flip = static_cast<uint8_t>(-low),
             .a_zero = op.input(0).quantization.zero_point(),
             .b_zero = op.input(1).quantization.zero_point(),
             .a_scale = s.positive_scale,
             .b_scale = s.negative_scale,
             .zero_point = op.output(0).quantization.zero_point(),
             .lo = low,
             .hi = low + 255});
}

void real(OpContext& op, const PreluState& s) {
  const float *x = op.input(0).as<float>(), *alpha = op.input(1).as<float>();
  float* y = op.output(0).as<float>();
  each_run(op, s, x, alpha, y,
           [&](ZipShape shape, const float* in, const float* slope, int64_t n, float* out) {
             if (shape == ZipShape::vector_vector && !op.reference())
               return kernels().prelu_f32(in, slope, n, out);
             if (shape == ZipShape::vector_scalar && !op.reference())
               return kernels().map_f32(MapOp::leaky_relu, in, n, out, {.alpha = slope[0]});
             const int64_t step = shape == ZipShape::vector_scalar ? 0 : 1;
             for (int64_t e = 0; e < n; ++e)
               out[e] = in[e] >= 0.0f ? in[e] : in[e] * slope[e * step];
           });
}

Status invoke(OpContext& op) {
  const auto& s = op.state<PreluState>();
  switch (op.input(0).type) {
    case Type::float32:
      real(op, s);
      break;
    case Type::int16:
      quantized<int16_t, int8_t>(op, s);
      break;
    case Type::int8:
      if (op.reference())
        quantized<int8_t>(op, s);
      else
        quantized_fast(op, s);
      break;
    default:
      if (op.reference())
        quantized<uint8_t>(op, s);
      else
        quantized_fast(op, s);
  }
  return {};
}

}  // namespace

extern const OpDef kPrelu;
extern const OpDef kPrelu = {.name = "PRELU",
                             .builtin = static_cast<int32_t>(schema::BuiltinOperator::PRELU),
                             .max_version = 1,
                             .sharing = Sharing::elementwise,
                             .min_inputs = 2,
                             .max_inputs = 2,
                             .infer = infer,
                             .prepare = prepare,
                             .invoke = invoke,
                             .by_parts = any_part};

}  // namespace cygnet::ops
