// SPDX-License-Identifier: Apache-2.0
// BUCKETIZE: x → int32, how many of the boundaries (an option, in ascending order) are at most x.
// Types f32, f64, int32, int64; integers are compared as float. A NaN is in the last bucket.
// Source: tensorflow/lite/kernels/bucketize.cc.
#include <cmath>

#include "base/number.h"
#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using Boundaries = flatbuffers::Vector<float>;

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::float64, Type::int32, Type::int64}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int32}));
  const Boundaries* boundaries = op.options<schema::BucketizeOptions>().boundaries();
  if (boundaries == nullptr) return bad_model("boundaries: expected a list, got none");
  for (uint32_t i = 0; i < boundaries->size(); ++i) {
    const float boundary = boundaries->Get(i);
    if (std::isnan(boundary) || (i > 0 && boundary < boundaries->Get(i - 1)))
      return bad_model("boundaries: expected ascending numbers, got %g at %u",
                       static_cast<double>(boundary), i);
  }
  return op.set_output(0, x.shape);
}

// The first boundary above x.
template <class T>
int32_t bucket(const Boundaries& boundaries, T x) {
  using Real = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const Real value = static_cast<Real>(x);
  uint32_t low = 0, high = boundaries.size();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (value < Real{boundaries.Get(middle)})
      high = middle;
    else
      low = middle + 1;
  }
  return static_cast<int32_t>(low);
}

Status invoke(OpContext& op) {
  const Boundaries& boundaries = *op.options<schema::BucketizeOptions>().boundaries();
  int32_t* out = op.output(0).as<int32_t>();
  with_type<float, double, int32_t, int64_t>(op.input(0).type, [&](auto t) {
    using T = decltype(t);
    const T* x = op.input(0).as<T>();
    op.parallel_for(op.input(0).shape.elements(), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) out[i] = bucket(boundaries, x[i]);
    });
  });
  return {};
}

}  // namespace

extern const OpDef kBucketize;
extern const OpDef kBucketize = {
    .name = "BUCKETIZE",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::BUCKETIZE),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::BucketizeOptions),
    .infer = infer,
    .invoke = invoke};

}  // namespace cygnet::ops
