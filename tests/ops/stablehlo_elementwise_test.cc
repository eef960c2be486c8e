// SPDX-License-Identifier: Apache-2.0
// STABLEHLO_ADD, _MULTIPLY, _MAXIMUM, _MINIMUM, _AND, _SHIFT_LEFT.
#include <gtest/gtest.h>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T>
OpCase two(Op code, const std::vector<T>& a, const std::vector<T>& b, const std::vector<T>& y) {
  const Bare x = {{static_cast<int32_t>(a.size())}, element_type<T>()};
  return {.name = std::string(schema::EnumNameBuiltinOperator(code)) + " of " +
                  type_name(element_type<T>()),
          .model = bare_model(code, {x, x}, x),
          .inputs = {elements(a), elements(b)},
          .outputs = {elements(y)},
          .kernel_steps = 0};
}

TEST(StablehloElementwise, Cases) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const std::vector<Bool> x = {false, false, true, true}, y = {false, true, false, true};
  const std::vector<Bool> both = {false, false, false, true}, any = {false, true, true, true};
  run_op_cases(
      {two<float>(Op::STABLEHLO_ADD, {1, 2}, {0.5f, -3}, {1.5f, -1}),
       two<double>(Op::STABLEHLO_ADD, {1e300, 2}, {1e300, -3}, {2e300, -1}),
       two<uint8_t>(Op::STABLEHLO_ADD, {250, 2}, {10, 3}, {4, 5}),
       two<uint64_t>(Op::STABLEHLO_ADD, {kMost, 2}, {2, 3}, {1, 5}),
       two<int16_t>(Op::STABLEHLO_MULTIPLY, {300, -7}, {300, 9}, {24464, -63}),
       two<uint32_t>(Op::STABLEHLO_MULTIPLY, {4000000000u}, {3}, {3410065408u}),
       two<uint64_t>(Op::STABLEHLO_MAXIMUM, {kMost, 1}, {2, 3}, {kMost, 3}),
       two<int64_t>(Op::STABLEHLO_MINIMUM, {-1, 1}, {2, -3}, {-1, -3}),
       two<uint16_t>(Op::STABLEHLO_MINIMUM, {65535, 1}, {2, 3}, {2, 1}),
       two<uint8_t>(Op::STABLEHLO_AND, {0xf0, 0xff}, {0x3c, 0x81}, {0x30, 0x81}),
       two<int64_t>(Op::STABLEHLO_AND, {-1, 6}, {1ll << 40, 3}, {1ll << 40, 2}),
       two<int8_t>(Op::STABLEHLO_SHIFT_LEFT, {1, 1, -3, 5, 7}, {7, 8, 2, 0, -1},
                   {-128, 0, -12, 5, 0}),
       two<int32_t>(Op::STABLEHLO_SHIFT_LEFT, {1, 3}, {31, 100}, {-2147483647 - 1, 0}),
       two<Bool>(Op::STABLEHLO_ADD, x, y, any), two<Bool>(Op::STABLEHLO_MULTIPLY, x, y, both),
       two<Bool>(Op::STABLEHLO_MAXIMUM, x, y, any), two<Bool>(Op::STABLEHLO_MINIMUM, x, y, both),
       two<Bool>(Op::STABLEHLO_AND, x, y, both)});
}

TEST(StablehloElementwise, Refuses) {
  const Bare f = {{2}}, i = {{2}, Type::int32}, u = {{2}, Type::uint8};
  const Bare q = {{2}, Type::int8, per_tensor(0.5f)};
  refuse_op_cases({{.name = "broadcast",
                    .model = bare_model(Op::STABLEHLO_ADD, {f, {{1}}}, f),
                    .message = "input 1: expected shape [2], got [1]"},
                   {.name = "types",
                    .model = bare_model(Op::STABLEHLO_MAXIMUM, {f, i}, f),
                    .message = "input 1: expected type FLOAT32"},
                   {.name = "quantized",
                    .model = bare_model(Op::STABLEHLO_MULTIPLY, {q, q}, q),
                    .message = "quantized operands are not supported"},
                   {.name = "and of real numbers",
                    .model = bare_model(Op::STABLEHLO_AND, {f, f}, f),
                    .message = "type FLOAT32 is not supported"},
                   {.name = "shift of uint8",
                    .model = bare_model(Op::STABLEHLO_SHIFT_LEFT, {u, u}, u),
                    .message = "type UINT8 is not supported"},
                   {.name = "shifts of another shape",
                    .model = bare_model(Op::STABLEHLO_SHIFT_LEFT, {i, {{1}, Type::int32}}, i),
                    .message = "input 1: expected shape [2], got [1]"}});
}

}  // namespace
}  // namespace cygnet::test
