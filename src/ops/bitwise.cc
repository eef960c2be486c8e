// SPDX-License-Identifier: Apache-2.0
// BITWISE_XOR: a, b broadcast to one shape → a ⊕ b. RIGHT_SHIFT: a / 2^b, rounded down; b below 0
// counts as 0, b of the type's bits and more as one bit less. Types int8, uint8, int16, uint16,
// int32, uint32; quantization parameters play no role.
// Sources: tensorflow/lite/kernels/bitwise_xor.cc, right_shift.cc.
#include "base/number.h"
#include "ops/binary.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  return infer_binary(
      op, {Type::int8, Type::uint8, Type::int16, Type::uint16, Type::int32, Type::uint32},
      Codes::plain);
}

template <class T>
void exclusive_or(OpContext& op) {
  map_pairs<T>(op, op.state<Broadcast>(), [](T a, T b) { return a ^ b; });
}

Status invoke_xor(OpContext& op) {
  switch (type_bits(op.output(0).type)) {
    case 8:
      exclusive_or<uint8_t>(op);
      break;
    case 16:
      exclusive_or<uint16_t>(op);
      break;
    default:
      exclusive_or<uint32_t>(op);
  }
  return {};
}

Status invoke_shift(OpContext& op) {
  with_type<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    map_pairs<T>(op, op.state<Broadcast>(), [](T a, T b) {
      const int64_t bits = std::clamp<int64_t>(b, 0, 8 * static_cast<int>(sizeof(T)) - 1);
      return int64_t{a} >> bits;
    });
  });
  return {};
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options, Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .options_type = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare_broadcast,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kBitwiseXor;
extern const OpDef kBitwiseXor = definition("BITWISE_XOR", schema::BuiltinOperator::BITWISE_XOR,
                                            schema::BuiltinOptions::BitwiseXorOptions, invoke_xor);
extern const OpDef kRightShift;
extern const OpDef kRightShift =
    definition("RIGHT_SHIFT", schema::BuiltinOperator::RIGHT_SHIFT,
               schema::BuiltinOptions::RightShiftOptions, invoke_shift);

}  // namespace cygnet::ops
