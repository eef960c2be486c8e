// SPDX-License-Identifier: Apache-2.0
// Operators on single elements: f32 through a kernel or a formula, f16 and bf16 through the same
// formula in float, 8 bits through a table of all 256 results and 16 bits through one that is
// interpolated, both built once.
#pragma once

#include <cmath>

#include "base/number.h"
#include "kernels/kernels.h"
#include "ops/check.h"
#include "ops/table16.h"

namespace cygnet::ops {

/// table[byte of q] for every q of an 8-bit type.
struct Table8 {
  uint8_t values[256];
};

/// x and y are quantized, with one scale each; int16 with zero points 0.
inline Status expect_quantized_pair(const Tensor& x, const Tensor& y) {
  CYGNET_TRY(expect_per_tensor("input 0", x));
  CYGNET_TRY(expect_per_tensor("output 0", y));
  if (x.type == Type::int16 &&
      (x.quantization.zero_point() != 0 || y.quantization.zero_point() != 0))
    return bad_model("INT16: expected zero points 0, got %d and %d", x.quantization.zero_point(),
                     y.quantization.zero_point());
  return {};
}

/// One input and one output of the same type (one of `types`) and shape; quantized types have one
/// scale each, int16 zero points 0.
inline Status infer_unary(OpContext& op, std::initializer_list<Type> types) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, types));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", y));
  if (is_quantized_type(x.type)) CYGNET_TRY(expect_quantized_pair(x, y));
  return op.set_output(0, x.shape);
}

/// f(q) for q in the range of int8 or uint8, into a table.
template <class F>
void fill_table(Type type, F f, Table8* table) {
  const int low = type == Type::int8 ? -128 : 0;
  for (int q = low; q < low + 256; ++q) table->values[q & 255] = static_cast<uint8_t>(f(q));
}

/// Table of a real function, as TFLite fills its look-up tables: round(f(x)/scale) + zero point in
/// float, halves away from zero, clamped.
template <class F>
void fill_real_table(const Tensor& x, const Tensor& y, F f, Table8* table) {
  const float inverse = 1.0f / y.quantization.scale();
  const int low = y.type == Type::int8 ? -128 : 0;
  fill_table(
      x.type,
      [&](int q) {
        const float real =
            f(x.quantization.scale() * static_cast<float>(q - x.quantization.zero_point()));
        const float scaled =
            std::round(real * inverse) + static_cast<float>(y.quantization.zero_point());
        // 0 · ∞, from scales at the ends of float's range, is not a number.
        return scaled >= static_cast<float>(low)
                   ? static_cast<int>(std::min(scaled, static_cast<float>(low + 255)))
                   : low;
      },
      table);
}

/// In prepare: the table of a real function for quantized types (Table8 or Table16); nothing for
/// others.
template <class F>
Status prepare_real_table(OpContext& op, F f) {
  const Tensor &x = op.input(0), &y = op.output(0);
  if (!is_quantized_type(x.type)) return {};
  if (x.type == Type::int16) {
    auto* table = op.make_state<Table16>();
    if (table == nullptr) return out_of_memory("table", sizeof(Table16));
    table->fill(x.quantization.scale(), 0, y.quantization.scale(), f);
    return {};
  }
  auto* table = op.make_state<Table8>();
  if (table == nullptr) return out_of_memory("table", sizeof(Table8));
  fill_real_table(x, y, f, table);
  return {};
}

/// Calls f(first element, count) on pieces of the elements op.part() of output 0.
template <class F>
void each_piece(OpContext& op, F f) {
  constexpr int64_t kPiece = 2 * OpContext::kPartElements;
  const Range part = op.part();
  const int64_t n = part.end - part.begin;
  op.parallel_for((n + kPiece - 1) / kPiece, [&](int64_t begin, int64_t end, int thread) {
    const int64_t last = part.begin + std::min(end * kPiece, n);
    int64_t at = part.begin + begin * kPiece;
    if (!op.followed()) return f(at, last - at);
    for (; at < last; at += OpContext::kPartElements) {
      const int64_t count = std::min(OpContext::kPartElements, last - at);
      f(at, count);
      op.produced(at, at + count, thread);
    }
  });
}

/// Applies a table to input 0.
inline void apply_table(OpContext& op, const Table8& table) {
  const uint8_t* x = op.input(0).as<uint8_t>();
  uint8_t* y = op.output(0).as<uint8_t>();
  each_piece(op, [&](int64_t at, int64_t n) {
    if (op.reference())
      for (int64_t i = at; i < at + n; ++i) y[i] = table.values[x[i]];
    else
      kernels().lut_q8(x + at, n, table.values, y + at);
  });
}

/// y = f(x) for each element of type T.
template <class T, class F>
void map_elements(OpContext& op, F f) {
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  each_piece(op, [&](int64_t at, int64_t n) {
    for (int64_t i = at; i < at + n; ++i) y[i] = f(x[i]);
  });
}

/// y = f(x) of f16 or bf16, computed in float and rounded once.
inline void map_short_floats(OpContext& op, float (*f)(float)) {
  with_type<Half, BFloat16>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    map_elements<T>(op, [&](T x) { return T(f(x)); });
  });
}

/// Applies the table of prepare_real_table to a quantized input 0.
inline void apply_real_table(OpContext& op) {
  if (op.input(0).type == Type::int16) {
    const auto& table = op.state<Table16>();
    map_elements<int16_t>(op, [&](int16_t x) { return table(x); });
  } else {
    apply_table(op, op.state<Table8>());
  }
}

/// The f32 case: a kernel, or f element by element.
template <class F>
void map_f32(OpContext& op, MapOp kernel, const MapParams& params, F f) {
  const float* x = op.input(0).as<float>();
  float* y = op.output(0).as<float>();
  each_piece(op, [&](int64_t at, int64_t n) {
    if (op.reference())
      for (int64_t i = at; i < at + n; ++i) y[i] = f(x[i]);
    else
      kernels().map_f32(kernel, x + at, n, y + at, params);
  });
}

}  // namespace cygnet::ops
