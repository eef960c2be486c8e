// SPDX-License-Identifier: Apache-2.0
// MUL: a, b broadcast to one shape → act(a · b). Types f32, int32, int64 (which wrap), int8, uint8,
// int16. Source: tensorflow/lite/kernels/mul.cc.
#include "ops/binary.h"
#include "ops/fixed_point.h"

namespace cygnet::ops {
namespace {

struct MulState : BinaryState {
  Multiplier multiplier;
  ZipQ8 zip;
};

Status infer(OpContext& op) {
  return infer_binary(
      op, {Type::float32, Type::int8, Type::uint8, Type::int16, Type::int32, Type::int64});
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<MulState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(MulState));
  CYGNET_TRY(prepare_binary(op, op.options<schema::MulOptions>().fused_activation_function(), s));
  if (!is_quantized_type(op.output(0).type)) return {};
  const Quantization &a = op.input(0).quantization, &b = op.input(1).quantization,
                     &out = op.output(0).quantization;
  const double real = static_cast<double>(a.scale() * b.scale() / out.scale());
  CYGNET_TRY(quantize_multiplier(real, &s->multiplier));
  s->zip = {.op = ZipQ8Op::mul,
            .flip = static_cast<uint8_t>(op.input(0).type == Type::int8 ? 0x80 : 0),
            .a_zero = a.zero_point(),
            .b_zero = b.zero_point(),
            .a_scale = static_cast<float>(real),
            .zero_point = out.zero_point(),
            .lo = s->quantized.low,
            .hi = s->quantized.high};
  return {};
}

template <class T>
void plain_quantized(OpContext& op, const MulState& s) {
  const T *a = op.input(0).as<T>(), *b = op.input(1).as<T>();
  T* out = op.output(0).as<T>();
  const int32_t a_zero = op.input(0).quantization.zero_point(),
                b_zero = op.input(1).quantization.zero_point();
  const int32_t out_zero = op.output(0).quantization.zero_point();
  each_pair(op, s.broadcast, [&](int64_t i, int64_t j, int64_t k) {
    const int64_t product =
        apply(s.multiplier, wrapping_mul<int32_t>(a[i] - a_zero, b[j] - b_zero));
    out[k] =
        static_cast<T>(std::clamp<int64_t>(product + out_zero, s.quantized.low, s.quantized.high));
  });
}

template <class T>
void integers(OpContext& op, const MulState& s) {
  const T *a = op.input(0).as<T>(), *b = op.input(1).as<T>();
  T* out = op.output(0).as<T>();
  each_pair(op, s.broadcast, [&](int64_t i, int64_t j, int64_t k) {
    out[k] = static_cast<T>(s.integer(wrapping_mul(a[i], b[j])));
  });
}

void kernel_q8(OpContext& op, const MulState& s) {
  const uint8_t *a = op.input(0).as<uint8_t>(), *b = op.input(1).as<uint8_t>();
  uint8_t* out = op.output(0).as<uint8_t>();
  each_run(op, s, a, b, out,
           [&](ZipShape shape, const uint8_t* x, const uint8_t* y, int64_t n, uint8_t* z) {
             ZipQ8 zip = s.zip;
             zip.shape = shape;
             kernels().zip_q8(zip, x, y, n, z);
           });
}

Status invoke(OpContext& op) {
  const auto& s = op.state<MulState>();
  switch (op.output(0).type) {
    case Type::float32:
      invoke_f32<ZipOp::mul>(op, s);
      break;
    case Type::int32:
      integers<int32_t>(op, s);
      break;
    case Type::int64:
      integers<int64_t>(op, s);
      break;
    case Type::int16:
      plain_quantized<int16_t>(op, s);
      break;
    case Type::int8:
      if (op.reference())
        plain_quantized<int8_t>(op, s);
      else
        kernel_q8(op, s);
      break;
    default:
      if (op.reference())
        plain_quantized<uint8_t>(op, s);
      else
        kernel_q8(op, s);
  }
  return {};
}

}  // namespace

extern const OpDef kMul;
extern const OpDef kMul = {.name = "MUL",
                           .builtin = static_cast<int32_t>(schema::BuiltinOperator::MUL),
                           .max_version = 8,
                           .options_type = static_cast<uint8_t>(schema::BuiltinOptions::MulOptions),
                           .sharing = Sharing::elementwise,
                           .min_inputs = 2,
                           .max_inputs = 2,
                           .infer = infer,
                           .prepare = prepare,
                           .invoke = invoke};

}  // namespace cygnet::ops
