// SPDX-License-Identifier: Apache-2.0
// REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ANY, REDUCE_ALL: x, axes (int32, 0-D or 1-D) → x
// reduced over the axes, which are dropped or, with keep_dims, kept at 1. Types f32, int8, uint8,
// int16, int32, int64; REDUCE_ANY and REDUCE_ALL bool. Plain integers wrap in products; REDUCE_PROD
// of quantized int8 and int16 rescales after each factor by input scale / ⁿ√(output scale), n the
// number of factors. REDUCE_MAX and REDUCE_MIN work on codes: x and y have the same scale and zero
// point, or none. Nothing multiplies to 1; the largest of nothing is the type's least value (f32:
// −∞), and the other way round. A NaN is no largest and no smallest.
// Source: tensorflow/lite/kernels/reduce.cc.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/number.h"
#include "kernels/kernels.h"
#include "ops/binary.h"
#include "ops/fixed_point.h"
#include "ops/reduce.h"

namespace cygnet::ops {
namespace {

struct Product {
  template <class T>
  static constexpr T kStart{1};
  template <class T>
  static T fold(T a, T b) {
    if constexpr (std::is_same_v<T, float>)
      return a * b;
    else
      return wrapping_mul(a, b);
  }
};

template <bool kMax>
struct Most {
  template <class T>
  static constexpr T kStart = [] {
    using Limits = std::numeric_limits<T>;
    if constexpr (std::is_same_v<T, float>)
      return kMax ? -Limits::infinity() : Limits::infinity();
    else
      return kMax ? Limits::lowest() : Limits::max();
  }();
  template <class T>
  static T fold(T a, T b) {
    return (kMax ? b > a : b < a) ? b : a;
  }
};
template <bool kAll>
struct Truth {
  template <class T>
  static constexpr T kStart = kAll ? 1 : 0;
  template <class T>
  static T fold(T a, T b) {
    const bool x = a != 0, y = b != 0;
    return (kAll ? x && y : x || y) ? 1 : 0;
  }
};

constexpr std::initializer_list<Type> kNumbers = {Type::float32, Type::int8,  Type::uint8,
                                                  Type::int16,   Type::int32, Type::int64};

Status infer_extreme(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, kNumbers));
  if (is_quantized_type(x.type) && (x.quantization.count > 0 || y.quantization.count > 0)) {
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", y));
    CYGNET_TRY(expect_same_quantization("input 0", x, "output 0", y));
  }
  return infer_reduction(op, kNumbers);
}

bool is_quantized(const Tensor& x) {
  return is_quantized_type(x.type) && x.quantization.count > 0;
}

Status infer_product(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, kNumbers));
  if (is_quantized_type(x.type) && (is_quantized(x) || is_quantized(y))) {
    if (x.type == Type::uint8)
      return Status::error(Code::unsupported, "input 0: quantized UINT8 is not supported");
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", y));
    if (x.type == Type::int16 &&
        (x.quantization.zero_point() != 0 || y.quantization.zero_point() != 0))
      return bad_model("INT16: expected zero points 0, got %d and %d", x.quantization.zero_point(),
                       y.quantization.zero_point());
  }
  return infer_reduction(op, kNumbers);
}

Status infer_booleans(OpContext& op) {
  return infer_reduction(op, {Type::boolean});
}

struct ReduceState : Reduction {
  Multiplier factor;  // quantized products: scale of each factor
  int products = -1;  // scratch: int64 of each result
};

Status prepare(OpContext& op) {
  auto* s = op.make_state<ReduceState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(ReduceState));
  return make_reduction(op, s);
}

Status prepare_product(OpContext& op) {
  CYGNET_TRY(prepare(op));
  auto& s = op.state<ReduceState>();
  const Tensor &x = op.input(0), &y = op.output(0);
  if (!is_quantized(x) || s.count == 0) return {};
  CYGNET_TRY(quantize_multiplier(
      static_cast<double>(x.quantization.scale()) /
          std::pow(static_cast<double>(y.quantization.scale()), 1.0 / static_cast<double>(s.count)),
      &s.factor));
  return op.request_scratch(static_cast<size_t>(y.shape.elements()) * sizeof(int64_t), &s.products);
}

template <class F, class T>
void reduce(OpContext& op) {
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  const int64_t results = op.output(0).shape.elements();
  if (results == 0) return;
  std::fill(y, y + results, F::template kStart<T>);
  each_reduced_row(
      op.state<ReduceState>(), op.input(0).shape.elements(),
      [&](int64_t from, int64_t n, int64_t at) {
        T folded = y[at];
        for (int64_t i = from; i < from + n; ++i) folded = F::fold(folded, x[i]);
        y[at] = folded;
      },
      [&](int64_t from, int64_t n, int64_t at) {
        for (int64_t i = 0; i < n; ++i) y[at + i] = F::fold(y[at + i], x[from + i]);
      });
}

// The largest elements of f32 and 8 bits by kernels: of rows, or over dimensions that lie together
// before the last.
bool reduce_by_kernels(OpContext& op) {
  const auto& r = op.state<ReduceState>();
  const Tensor& x = op.input(0);
  if (op.reference() || r.count == 0 || r.rank == 0 || op.output(0).shape.elements() == 0)
    return false;
  const bool f32 = x.type == Type::float32, by_row = r.reduced[r.rank - 1];
  if (!f32 && x.type != Type::int8 && x.type != Type::uint8) return false;
  // Kept and reduced dimensions come by turns: [outer,] reduced [, channels].
  if (r.rank < (r.reduced[0] ? 1 : 2) || r.rank > (r.reduced[0] ? 1 : 2) + (by_row ? 0 : 1))
    return false;
  const int64_t c = by_row ? 1 : r.dims[r.rank - 1];
  const int64_t outer = r.reduced[0] ? 1 : r.dims[0];
  const uint8_t flip = x.type == Type::int8 ? 0x80 : 0;
  const Window rows{.h = 1, .w = r.count, .h_stride = 0, .w_stride = c};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < outer; ++i) {
    const int64_t from = i * r.count * c, to = i * c;
    if (f32 && by_row)
      op.output(0).as<float>()[to] = kernels().max_f32(x.as<float>() + from, r.count);
    else if (f32)
      kernels().window_max_f32(x.as<float>() + from, rows, c, -kInfinity, kInfinity,
                               op.output(0).as<float>() + to);
    else if (by_row)
      op.output(0).as<uint8_t>()[to] =
          static_cast<uint8_t>(kernels().max_q8(x.as<uint8_t>() + from, r.count, flip));
    else
      kernels().window_max_q8(x.as<uint8_t>() + from, rows, c, flip, -flip, 255 - flip,
                              op.output(0).as<uint8_t>() + to);
  }
  return true;
}

template <class F>
Status invoke(OpContext& op) {
  if (std::is_same_v<F, Most<true>> && reduce_by_kernels(op)) return {};
  with_type<float, int8_t, uint8_t, int16_t, int32_t, int64_t>(
      op.input(0).type, [&](auto t) { reduce<F, decltype(t)>(op); });
  return {};
}

// The product of quantized numbers, in the reference's arithmetic and order.
template <class T>
void multiply_quantized(OpContext& op) {
  const auto& s = op.state<ReduceState>();
  const Quantization &from = op.input(0).quantization, &to = op.output(0).quantization;
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  const int64_t results = op.output(0).shape.elements();
  const auto store = [&](int64_t i, int64_t q) {
    y[i] = static_cast<T>(std::clamp<int64_t>(q + to.zero_point(), std::numeric_limits<T>::min(),
                                              std::numeric_limits<T>::max()));
  };
  if (s.count == 0) {
    for (int64_t i = 0; i < results; ++i) store(i, round_to_int32(1.0f / to.scale()));
    return;
  }
  constexpr int64_t kNone = std::numeric_limits<int64_t>::min();
  auto* products = op.scratch<int64_t>(s.products);
  std::fill(products, products + results, kNone);
  const auto multiply = [&](int64_t at, T q) {
    const int64_t factor = q - from.zero_point();
    products[at] = products[at] == kNone ? factor : apply(s.factor, products[at] * factor);
  };
  each_reduced_row(
      s, op.input(0).shape.elements(),
      [&](int64_t first, int64_t n, int64_t at) {
        for (int64_t i = first; i < first + n; ++i) multiply(at, x[i]);
      },
      [&](int64_t first, int64_t n, int64_t at) {
        for (int64_t i = 0; i < n; ++i) multiply(at + i, x[first + i]);
      });
  for (int64_t i = 0; i < results; ++i) store(i, apply(s.factor, products[i]));
}

Status invoke_product(OpContext& op) {
  const Tensor& x = op.input(0);
  if (!is_quantized(x)) return invoke<Product>(op);
  if (op.output(0).shape.elements() == 0) return {};
  if (x.type == Type::int8)
    multiply_quantized<int8_t>(op);
  else
    multiply_quantized<int16_t>(op);
  return {};
}

template <bool kAll>
Status invoke_booleans(OpContext& op) {
  reduce<Truth<kAll>, uint8_t>(op);
  return {};
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*invoke)(OpContext&),
                           Status (*prepare_it)(OpContext&) = prepare) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ReducerOptions),
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare_it,
          .invoke = invoke};
}

using Op = schema::BuiltinOperator;

}  // namespace

extern const OpDef kReduceProd;
extern const OpDef kReduceProd =
    definition("REDUCE_PROD", Op::REDUCE_PROD, 2, infer_product, invoke_product, prepare_product);
extern const OpDef kReduceMax;
extern const OpDef kReduceMax =
    definition("REDUCE_MAX", Op::REDUCE_MAX, 3, infer_extreme, invoke<Most<true>>);
extern const OpDef kReduceMin;
extern const OpDef kReduceMin =
    definition("REDUCE_MIN", Op::REDUCE_MIN, 3, infer_extreme, invoke<Most<false>>);
extern const OpDef kReduceAny;
extern const OpDef kReduceAny =
    definition("REDUCE_ANY", Op::REDUCE_ANY, 1, infer_booleans, invoke_booleans<false>);
extern const OpDef kReduceAll;
extern const OpDef kReduceAll =
    definition("REDUCE_ALL", Op::REDUCE_ALL, 1, infer_booleans, invoke_booleans<true>);

}  // namespace cygnet::ops
