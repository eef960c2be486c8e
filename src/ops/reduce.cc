// SPDX-License-Identifier: Apache-2.0
// SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ANY, REDUCE_ALL: x, axes (int32, 0-D or 1-D) → x
// reduced over the axes, which are dropped or, with keep_dims, kept at 1. Types f32, int32, int64
// (sums and products wrap); REDUCE_ANY and REDUCE_ALL bool. Nothing sums to 0, multiplies to 1; the
// largest of nothing is the type's least value (f32: −∞), and the other way round. A NaN is no
// largest and no smallest. Source: tensorflow/lite/kernels/reduce.cc.
#include <algorithm>
#include <limits>

#include "kernels/kernels.h"
#include "ops/binary.h"
#include "ops/reduce.h"

namespace cygnet::ops {
namespace {

struct Sum {
  template <class T>
  static constexpr T kStart{0};
  template <class T>
  static T fold(T a, T b) {
    if constexpr (std::is_same_v<T, float>)
      return a + b;
    else
      return wrapping_add(a, b);
  }
  static float row(const float* x, int64_t n) { return kernels().sum_f32(x, n); }
};

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

Status infer_numbers(OpContext& op) {
  return infer_reduction(op, {Type::float32, Type::int32, Type::int64});
}

Status infer_booleans(OpContext& op) {
  return infer_reduction(op, {Type::boolean});
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<Reduction>();
  if (s == nullptr) return out_of_memory("operator", sizeof(Reduction));
  return make_reduction(op, s);
}

template <class F, class T>
void reduce(OpContext& op) {
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  const int64_t results = op.output(0).shape.elements();
  if (results == 0) return;
  std::fill(y, y + results, F::template kStart<T>);
  each_reduced_row(
      op.state<Reduction>(), op.input(0).shape.elements(),
      [&](int64_t from, int64_t n, int64_t at) {
        if constexpr (std::is_same_v<F, Sum> && std::is_same_v<T, float>) {
          if (!op.reference()) {
            y[at] += F::row(x + from, n);
            return;
          }
        }
        T folded = y[at];
        for (int64_t i = from; i < from + n; ++i) folded = F::fold(folded, x[i]);
        y[at] = folded;
      },
      [&](int64_t from, int64_t n, int64_t at) {
        for (int64_t i = 0; i < n; ++i) y[at + i] = F::fold(y[at + i], x[from + i]);
      });
}

template <class F>
Status invoke(OpContext& op) {
  switch (op.input(0).type) {
    case Type::float32:
      reduce<F, float>(op);
      break;
    case Type::int32:
      reduce<F, int32_t>(op);
      break;
    default:
      reduce<F, int64_t>(op);
  }
  return {};
}

template <bool kAll>
Status invoke_booleans(OpContext& op) {
  reduce<Truth<kAll>, uint8_t>(op);
  return {};
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ReducerOptions),
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke};
}

using Code = schema::BuiltinOperator;

}  // namespace

extern const OpDef kSum;
extern const OpDef kSum = definition("SUM", Code::SUM, 2, infer_numbers, invoke<Sum>);
extern const OpDef kReduceProd;
extern const OpDef kReduceProd =
    definition("REDUCE_PROD", Code::REDUCE_PROD, 2, infer_numbers, invoke<Product>);
extern const OpDef kReduceMax;
extern const OpDef kReduceMax =
    definition("REDUCE_MAX", Code::REDUCE_MAX, 3, infer_numbers, invoke<Most<true>>);
extern const OpDef kReduceMin;
extern const OpDef kReduceMin =
    definition("REDUCE_MIN", Code::REDUCE_MIN, 3, infer_numbers, invoke<Most<false>>);
extern const OpDef kReduceAny;
extern const OpDef kReduceAny =
    definition("REDUCE_ANY", Code::REDUCE_ANY, 1, infer_booleans, invoke_booleans<false>);
extern const OpDef kReduceAll;
extern const OpDef kReduceAll =
    definition("REDUCE_ALL", Code::REDUCE_ALL, 1, infer_booleans, invoke_booleans<true>);

}  // namespace cygnet::ops
