// SPDX-License-Identifier: Apache-2.0
// ADD_N: two or more x of one shape → their sum, added in order. Types f32, int32 (which wraps).
// Source: tensorflow/lite/kernels/add_n.cc.
#include "ops/binary.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& first = op.input(0);
  CYGNET_TRY(expect_type("input 0", first, {Type::float32, Type::int32}));
  for (int i = 1; i < op.inputs(); ++i) {
    char name[24];
    std::snprintf(name, sizeof name, "input %d", i);
    CYGNET_TRY(expect_same_type("input 0", first, name, op.input(i)));
    CYGNET_TRY(expect_shape(name, op.input(i), first.shape));
  }
  CYGNET_TRY(expect_same_type("input 0", first, "output 0", op.output(0)));
  return op.set_output(0, first.shape);
}

// Pieces of the result stay in the cache while the operands pass by.
template <class T>
void sum(OpContext& op) {
  constexpr int64_t kPiece = 1 << 12;
  const int64_t elements = op.output(0).shape.elements();
  T* out = op.output(0).as<T>();
  op.parallel_for((elements + kPiece - 1) / kPiece, [&](int64_t begin, int64_t end, int) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t first = piece * kPiece, last = std::min(elements, first + kPiece);
      const T* x = op.input(0).as<T>();
      std::copy(x + first, x + last, out + first);
      for (int i = 1; i < op.inputs(); ++i) {
        x = op.input(i).as<T>();
        for (int64_t k = first; k < last; ++k) {
          if constexpr (std::is_integral_v<T>)
            out[k] = wrapping_add(out[k], x[k]);
          else
            out[k] += x[k];
        }
      }
    }
  });
}

Status invoke(OpContext& op) {
  if (op.output(0).type == Type::float32)
    sum<float>(op);
  else
    sum<int32_t>(op);
  return {};
}

}  // namespace

extern const OpDef kAddN;
extern const OpDef kAddN = {
    .name = "ADD_N",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::ADD_N),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::AddNOptions),
    .min_inputs = 2,
    .max_inputs = kAnyCount,
    .infer = infer,
    .invoke = invoke};

}  // namespace cygnet::ops
