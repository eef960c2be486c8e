// SPDX-License-Identifier: Apache-2.0
// STABLEHLO_ADD, STABLEHLO_MULTIPLY, STABLEHLO_MAXIMUM, STABLEHLO_MINIMUM: a, b of one shape →
// a + b, a · b, max(a, b), min(a, b). Types f32, f16, f64, integers of 8 to 64 bits (which wrap)
// and bool, of which sum and maximum are a ∨ b, product and minimum a ∧ b.
// STABLEHLO_AND: a ∧ b bit by bit; integers and bool.
// STABLEHLO_SHIFT_LEFT: a · 2^b, which wraps; 0 where b is negative or at least the type's bits.
// Types int8, int16, int32.
// INT8, UINT8 and INT16 are integers: quantization parameters are refused.
// Sources: StableHLO specification; tensorflow/lite/kernels/stablehlo_elementwise.h,
// stablehlo_shift_left.cc.
#include "base/number.h"
#include "ops/arithmetic.h"

namespace cygnet::ops {
namespace {

Status infer_types(OpContext& op, std::initializer_list<Type> types) {
  CYGNET_TRY(expect_shape("input 1", op.input(1), op.input(0).shape));
  if (is_quantized_type(op.input(0).type) && has_quantization(op))
    return Status::error(Code::unsupported, "quantized operands are not supported");
  return infer_binary(op, types, Codes::plain);
}

Status infer(OpContext& op) {
  return infer_types(
      op, {Type::float32, Type::float16, Type::float64, Type::int8, Type::uint8, Type::int16,
           Type::uint16, Type::int32, Type::uint32, Type::int64, Type::uint64, Type::boolean});
}

Status infer_and(OpContext& op) {
  return infer_types(op, {Type::int8, Type::uint8, Type::int16, Type::uint16, Type::int32,
                          Type::uint32, Type::int64, Type::uint64, Type::boolean});
}

Status infer_shift(OpContext& op) {
  return infer_types(op, {Type::int8, Type::int16, Type::int32});
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<BinaryState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(BinaryState));
  return prepare_binary(op, schema::ActivationFunctionType::NONE, s);
}

template <Arithmetic kWhat>
Status invoke(OpContext& op) {
  const auto& s = op.state<BinaryState>();
  if (op.output(0).type == Type::boolean)
    logic(op, s.broadcast, kWhat == Arithmetic::mul || kWhat == Arithmetic::min);
  else
    arithmetic(op, s, kWhat);
  return {};
}

template <class T>
void bits_and(OpContext& op) {
  map_pairs<T>(op, op.state<Broadcast>(), [](T a, T b) { return a & b; });
}

Status invoke_and(OpContext& op) {
  if (op.output(0).type == Type::boolean) {
    logic(op, op.state<Broadcast>(), true);
    return {};
  }
  switch (type_bits(op.output(0).type)) {
    case 8:
      bits_and<uint8_t>(op);
      break;
    case 16:
      bits_and<uint16_t>(op);
      break;
    case 32:
      bits_and<uint32_t>(op);
      break;
    default:
      bits_and<uint64_t>(op);
  }
  return {};
}

Status invoke_shift(OpContext& op) {
  with_type<int8_t, int16_t, int32_t>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    map_pairs<T>(op, op.state<Broadcast>(), [](T a, T b) {
      const bool outside = b < 0 || b >= 8 * static_cast<int>(sizeof(T));
      return outside ? 0 : int64_t{a} * (int64_t{1} << b);
    });
  });
  return {};
}

using Builtin = schema::BuiltinOperator;

constexpr OpDef definition(const char* name, Builtin builtin, Status (*infer)(OpContext&),
                           Status (*prepare)(OpContext&), Status (*invoke)(OpContext&),
                           schema::BuiltinOptions2 options = schema::BuiltinOptions2::NONE) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .options_type_2 = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kStablehloAdd;
extern const OpDef kStablehloAdd =
    definition("STABLEHLO_ADD", Builtin::STABLEHLO_ADD, infer, prepare, invoke<Arithmetic::add>);
extern const OpDef kStablehloMultiply;
extern const OpDef kStablehloMultiply = definition(
    "STABLEHLO_MULTIPLY", Builtin::STABLEHLO_MULTIPLY, infer, prepare, invoke<Arithmetic::mul>);
extern const OpDef kStablehloMaximum;
extern const OpDef kStablehloMaximum = definition("STABLEHLO_MAXIMUM", Builtin::STABLEHLO_MAXIMUM,
                                                  infer, prepare, invoke<Arithmetic::max>);
extern const OpDef kStablehloMinimum;
extern const OpDef kStablehloMinimum = definition("STABLEHLO_MINIMUM", Builtin::STABLEHLO_MINIMUM,
                                                  infer, prepare, invoke<Arithmetic::min>);
extern const OpDef kStablehloAnd;
extern const OpDef kStablehloAnd =
    definition("STABLEHLO_AND", Builtin::STABLEHLO_AND, infer_and, prepare_broadcast, invoke_and);
extern const OpDef kStablehloShiftLeft;
extern const OpDef kStablehloShiftLeft =
    definition("STABLEHLO_SHIFT_LEFT", Builtin::STABLEHLO_SHIFT_LEFT, infer_shift,
               prepare_broadcast, invoke_shift, schema::BuiltinOptions2::StablehloShiftLeftOptions);

}  // namespace cygnet::ops
