// SPDX-License-Identifier: Apache-2.0
// ARG_MAX, ARG_MIN: x, axis (one int32 or int64) → index of the first largest (smallest) element
// along the axis, which is dropped. Types f32, int8, uint8, int32, bool → int32, int64.
// Source: tensorflow/lite/kernels/arg_min_max.cc.
#include "kernels/kernels.h"
#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct ArgState {
  int64_t outer = 1, n = 1, inner = 1;
};

Status resolve(OpContext& op, int* axis) {
  const Tensor& t = op.input(1);
  const int64_t value = t.type == Type::int64 ? *t.as<int64_t>() : *t.as<int32_t>();
  return resolve_axis("input 1: axis", value, op.input(0).shape.rank, axis);
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x,
                         {Type::float32, Type::int8, Type::uint8, Type::int32, Type::boolean}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_elements("input 1", op.input(1), 1));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int32, Type::int64}));
  if (!op.known(1)) return op.defer();
  int axis = 0;
  CYGNET_TRY(resolve(op, &axis));
  if (x.shape[axis] == 0)
    return bad_model("input 0: no largest of 0 elements, shape %s", shape_text(x.shape).text);
  Shape shape;
  for (int i = 0; i < x.shape.rank; ++i)
    if (i != axis) shape.push(x.shape[i]);
  return op.set_output(0, shape);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<ArgState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(ArgState));
  const Shape& shape = op.input(0).shape;
  int axis = 0;
  CYGNET_TRY(resolve(op, &axis));
  s->outer = shape.elements(0, axis);
  s->n = shape[axis];
  s->inner = shape.elements(axis + 1, shape.rank);
  return {};
}

template <bool kMax, class T>
int64_t plain_index(const T* x, int64_t n, int64_t stride) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; ++i)
    if (kMax ? x[i * stride] > x[best * stride] : x[i * stride] < x[best * stride]) best = i;
  return best;
}

// Short rows go side by side, so that one row's chain of comparisons does not hold up the next.
constexpr int64_t kShortRow = 64;
constexpr int kSideBySide = 4;

template <bool kMax, class T>
void short_rows(const T* x, int64_t n, int64_t (&index)[kSideBySide]) {
  T best[kSideBySide];
  for (int r = 0; r < kSideBySide; ++r) best[r] = x[r * n], index[r] = 0;
  for (int64_t i = 1; i < n; ++i)
    for (int r = 0; r < kSideBySide; ++r) {
      const T value = x[r * n + i];
      const bool better = kMax ? value > best[r] : value < best[r];
      best[r] = better ? value : best[r];
      index[r] = better ? i : index[r];
    }
}

template <bool kMax, class T>
int64_t index_of(const OpContext& op, const ArgState& s, const T* x) {
  if (kMax && !op.reference() && s.inner == 1 && s.n > kShortRow) {
    if constexpr (std::is_same_v<T, float>)
      return kernels().argmax_f32(x, s.n);
    else if constexpr (sizeof(T) == 1)
      return kernels().argmax_q8(reinterpret_cast<const uint8_t*>(x), s.n,
                                 std::is_signed_v<T> ? 0x80 : 0);
  }
  return plain_index<kMax>(x, s.n, s.inner);
}

template <bool kMax, class T>
void reduce(OpContext& op) {
  const auto& s = op.state<ArgState>();
  const T* x = op.input(0).as<T>();
  Tensor& y = op.output(0);
  const auto put = [&](int64_t i, int64_t index) {
    if (y.type == Type::int64)
      y.as<int64_t>()[i] = index;
    else
      y.as<int32_t>()[i] = static_cast<int32_t>(index);
  };
  op.parallel_for(s.outer, [&](int64_t begin, int64_t end, int) {
    if (!op.reference() && s.inner == 1 && s.n <= kShortRow) {
      int64_t index[kSideBySide];
      for (; begin + kSideBySide <= end; begin += kSideBySide) {
        short_rows<kMax>(x + begin * s.n, s.n, index);
        for (int r = 0; r < kSideBySide; ++r) put(begin + r, index[r]);
      }
    }
    for (int64_t i = begin * s.inner; i < end * s.inner; ++i)
      put(i, index_of<kMax>(op, s, x + i / s.inner * s.n * s.inner + i % s.inner));
  });
}

template <bool kMax>
Status invoke(OpContext& op) {
  switch (op.input(0).type) {
    case Type::float32:
      reduce<kMax, float>(op);
      break;
    case Type::int8:
      reduce<kMax, int8_t>(op);
      break;
    case Type::int32:
      reduce<kMax, int32_t>(op);
      break;
    default:
      reduce<kMax, uint8_t>(op);
  }
  return {};
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options, Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = 3,
          .options_type = static_cast<uint8_t>(options),
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kArgMax;
extern const OpDef kArgMax = definition("ARG_MAX", schema::BuiltinOperator::ARG_MAX,
                                        schema::BuiltinOptions::ArgMaxOptions, invoke<true>);
extern const OpDef kArgMin;
extern const OpDef kArgMin = definition("ARG_MIN", schema::BuiltinOperator::ARG_MIN,
                                        schema::BuiltinOptions::ArgMinOptions, invoke<false>);

}  // namespace cygnet::ops
