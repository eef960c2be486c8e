// SPDX-License-Identifier: Apache-2.0
// Operators that look at the sign of single elements, x and y of one type and shape:
//   ABS         f32, int32, int8 and int16 (quantized: rescaled from x's scale to y's; int16 also
//               without quantization)
//   SIGN        −1, 0 or 1                                           f32, f64, int32
//   NEG         −x                   f32, f16, bf16, int8, int16, int32, int64; int8 and int16
//               are plain numbers: a quantized pair must share one scale and have zero points 0
//   ZEROS_LIKE  0                                                    f32, int32, int64
// ABS and NEG of the smallest plain integer wrap.
// Sources: tensorflow/lite/kernels/elementwise.cc, neg.cc, sign.cc, zeros_like.cc.
#include <cmath>

#include "ops/arithmetic.h"
#include "ops/fixed_point.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using Code = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;
using enum Type;

Status infer_plain(OpContext& op, std::initializer_list<Type> types) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, types));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  return op.set_output(0, x.shape);
}

template <class T>
T negated(T x) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    x.bits ^= 0x8000;
    return x;
  } else {
    return wrapping_sub(T{0}, x);
  }
}

// ---- ABS

struct AbsState {
  Table8 table;           // of int8
  Multiplier multiplier;  // input scale / output scale
  bool rescales = false;
};

bool is_plain_abs(const Tensor& x) {
  return !is_quantized_type(x.type) || (x.type == int16 && x.quantization.count == 0);
}

Status infer_abs(OpContext& op) {
  CYGNET_TRY(infer_plain(op, {float32, int8, int16, int32}));
  const Tensor &x = op.input(0), &y = op.output(0);
  return is_plain_abs(x) ? Status() : expect_quantized_pair(x, y);
}

// The code that stands in y for the absolute value of a quantized element.
template <class T>
T absolute(const OpContext& op, const AbsState& s, int32_t x, const Tensor& y) {
  const int32_t size = std::abs(x - op.input(0).quantization.zero_point());
  const int64_t q =
      int64_t{s.rescales ? apply(s.multiplier, size) : size} + y.quantization.zero_point();
  return static_cast<T>(
      std::clamp<int64_t>(q, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

// x / (1 + |x|), as DIV, ADD and ABS make it. runtime/fuse/ makes such nodes; input 1 is the tensor
// of ABS's results, input 3 of ADD's, both without values, input 2 is what is added, one element.
bool is_softsign(const OpContext& op) {
  return op.inputs() == 4;
}

// From the table of ABS to that of all three. No divisor is 0.
void make_softsign(OpContext& op, Table8* table) {
  const Tensor &x = op.input(0), &size = op.input(1), &one = op.input(2), &sum = op.input(3);
  Table8 codes, sums;
  fill_table(
      int8, [](int q) { return q; }, &codes);
  ZipQ8 add = zip_of_sum(size, one, sum, false, -128, 127);
  add.shape = ZipShape::vector_scalar;
  kernels().zip_q8(add, table->values, one.as<uint8_t>(), 256, sums.values);
  const ZipQ8 divide = zip_of_quotient(x, sum, op.output(0), -128, 127);
  kernels().zip_q8(divide, codes.values, sums.values, 256, table->values);
}

Status prepare_abs(OpContext& op) {
  const Tensor &x = op.input(0), &y = is_softsign(op) ? op.input(1) : op.output(0);
  if (is_plain_abs(x)) return {};
  auto* s = op.make_state<AbsState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(AbsState));
  s->rescales = x.quantization.scale() != y.quantization.scale();
  CYGNET_TRY(quantize_multiplier(
      static_cast<double>(x.quantization.scale() / y.quantization.scale()), &s->multiplier));
  if (x.type == int8)
    fill_table(
        int8, [&](int q) { return absolute<int8_t>(op, *s, q, y); }, &s->table);
  if (is_softsign(op)) make_softsign(op, &s->table);
  return {};
}

Status invoke_abs(OpContext& op) {
  const Tensor& x = op.input(0);
  const auto plain = []<class T>(T value) { return value < 0 ? negated(value) : value; };
  if (x.type == float32 && is_softsign(op))
    map_f32(op, MapOp::softsign, {}, [](float value) { return value / (1 + std::fabs(value)); });
  else if (x.type == float32)
    map_f32(op, MapOp::abs, {}, [](float value) { return std::fabs(value); });
  else if (x.type == int32)
    map_elements<int32_t>(op, plain);
  else if (is_plain_abs(x))
    map_elements<int16_t>(op, plain);
  else if (x.type == int16)
    map_elements<int16_t>(op, [&](int16_t q) {
      return absolute<int16_t>(op, op.state<AbsState>(), q, op.output(0));
    });
  else
    apply_table(op, op.state<AbsState>().table);
  return {};
}

// ---- SIGN

Status infer_sign(OpContext& op) {
  return infer_plain(op, {float32, float64, int32});
}

Status invoke_sign(OpContext& op) {
  with_type<float, double, int32_t>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    map_elements<T>(op,
                    [](T x) { return static_cast<T>((x > T{0} ? 1 : 0) - (x < T{0} ? 1 : 0)); });
  });
  return {};
}

// ---- NEG

Status infer_neg(OpContext& op) {
  CYGNET_TRY(infer_plain(op, {float32, float16, bfloat16, int8, int16, int32, int64}));
  const Tensor &x = op.input(0), &y = op.output(0);
  if (!is_quantized_type(x.type) || x.quantization.count == 0) return {};
  CYGNET_TRY(expect_quantized_pair(x, y));
  CYGNET_TRY(expect_same_quantization("input 0", x, "output 0", y));
  if (x.quantization.zero_point() != 0)
    return bad_model("input 0: expected zero point 0, got %d", x.quantization.zero_point());
  return {};
}

Status invoke_neg(OpContext& op) {
  if (op.output(0).type == float32)
    map_f32(op, MapOp::neg, {}, [](float x) { return -x; });
  else
    with_type<Half, BFloat16, int8_t, int16_t, int32_t, int64_t>(
        op.output(0).type, [&](auto t) { map_elements<decltype(t)>(op, negated<decltype(t)>); });
  return {};
}

// ---- ZEROS_LIKE

Status infer_zeros_like(OpContext& op) {
  return infer_plain(op, {float32, int32, int64});
}

// Zero has only zero bits in every type.
Status invoke_zeros_like(OpContext& op) {
  Tensor& y = op.output(0);
  if (y.bytes > 0) std::memset(y.data, 0, y.bytes);
  return {};
}

constexpr OpDef definition(const char* name, Code builtin, Options options, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*prepare)(OpContext&),
                           Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke,
          .by_parts = builtin == Code::ZEROS_LIKE ? nullptr : any_part};
}

}  // namespace

extern const OpDef kAbs;
extern const OpDef kAbs =
    definition("ABS", Code::ABS, Options::AbsOptions, 5, infer_abs, prepare_abs, invoke_abs);
extern const OpDef kSign;
extern const OpDef kSign =
    definition("SIGN", Code::SIGN, Options::SignOptions, 2, infer_sign, nullptr, invoke_sign);
extern const OpDef kNeg;
extern const OpDef kNeg =
    definition("NEG", Code::NEG, Options::NegOptions, 1, infer_neg, nullptr, invoke_neg);
extern const OpDef kZerosLike;
extern const OpDef kZerosLike =
    definition("ZEROS_LIKE", Code::ZEROS_LIKE, Options::ZerosLikeOptions, 1, infer_zeros_like,
               nullptr, invoke_zeros_like);

}  // namespace cygnet::ops
