// SPDX-License-Identifier: Apache-2.0
// The plain arithmetic that ADD, SUB, MUL, MAXIMUM, MINIMUM and the StableHLO operators of the same
// names share: one loop for each type.
#pragma once

#include "ops/binary.h"

namespace cygnet::ops {

enum class Arithmetic : uint8_t { add, sub, mul, max, min };

/// out = clamp(a ∘ b). Elements are numbers of their own type: INT8, UINT8 and INT16 are codes,
/// quantization parameters play no role. Integers wrap and are clamped afterwards; FLOAT16 and
/// BFLOAT16 compute as float and round. f32 runs on kernels unless the reference is wanted.
/// Sums and products: f32, f16, f64 and integers (of unsigned ones only products of uint32 are
/// clamped); products also complex64. Differences: f32, int32, int64. Largest and smallest: f32,
/// f16, bf16, f64, integers.
void arithmetic(OpContext& op, const BinaryState& state, Arithmetic what);

/// a · b of 8 bits as kernels do it, results limited to [low, high].
inline ZipQ8 zip_of_product(const Tensor& a, const Tensor& b, const Tensor& out, int32_t low,
                            int32_t high) {
  const Quantization &p = a.quantization, &q = b.quantization, &r = out.quantization;
  return {.op = ZipQ8Op::mul,
          .flip = static_cast<uint8_t>(a.type == Type::int8 ? 0x80 : 0),
          .a_zero = p.zero_point(),
          .b_zero = q.zero_point(),
          .a_scale = p.scale() * q.scale() / r.scale(),
          .zero_point = r.zero_point(),
          .lo = low,
          .hi = high};
}

/// a + b of 8 bits as kernels do it, or a − b, results limited to [low, high].
inline ZipQ8 zip_of_sum(const Tensor& a, const Tensor& b, const Tensor& out, bool subtract,
                        int32_t low, int32_t high) {
  const Quantization &p = a.quantization, &q = b.quantization, &r = out.quantization;
  ZipQ8 zip = {.op = ZipQ8Op::add,
               .flip = static_cast<uint8_t>(a.type == Type::int8 ? 0x80 : 0),
               .a_zero = p.zero_point(),
               .b_zero = q.zero_point(),
               .zero_point = r.zero_point(),
               .lo = low,
               .hi = high};
  const auto scale = static_cast<double>(r.scale());
  const double b_scale = static_cast<double>(q.scale()) / scale;
  set_sum_scales(static_cast<double>(p.scale()) / scale, subtract ? -b_scale : b_scale, &zip);
  return zip;
}

/// a / b of 8 bits as kernels do it, results limited to [low, high].
inline ZipQ8 zip_of_quotient(const Tensor& a, const Tensor& b, const Tensor& out, int32_t low,
                             int32_t high) {
  const Quantization &p = a.quantization, &q = b.quantization, &r = out.quantization;
  return {.op = ZipQ8Op::div,
          .flip = static_cast<uint8_t>(a.type == Type::int8 ? 0x80 : 0),
          .a_zero = p.zero_point(),
          .b_zero = q.zero_point(),
          .a_scale = p.scale() / (q.scale() * r.scale()),
          .zero_point = r.zero_point(),
          .lo = low,
          .hi = high};
}

/// out = a ∧ b or a ∨ b of bool elements; a byte other than 0 is true, results are 0 and 1.
void logic(OpContext& op, const Broadcast& broadcast, bool conjunction);

}  // namespace cygnet::ops
