// SPDX-License-Identifier: Apache-2.0
// aeq.hadamard_rotation, the AI Edge Quantizer's custom operator: x [..., C] → y of x's shape, f32.
// Each run of `hadamard_size` elements of the last dimension is multiplied by the Hadamard matrix
// of that size (Sylvester's), divided by √hadamard_size. Options: a FlexBuffers map with
// hadamard_size, a power of two that divides C. Source: tflite/kernels/hadamard_rotation.cc,
// LiteRT 2.3.
#include <cmath>
#include <cstring>

#include "ops/check.h"
#include "ops/flex_map.h"

namespace cygnet::ops {
namespace {

Status size_of(const OpContext& op, int64_t* size) {
  FlexMap map;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &map));
  if (!map.find("hadamard_size").integer(size))
    return bad_model("C10: hadamard_size: expected a whole number");
  CYGNET_TRY(expect_range("hadamard_size", *size, 1, int64_t{1} << 30));
  if ((*size & (*size - 1)) == 0) return {};
  return bad_model("hadamard_size: expected a power of two, got %lld",
                   static_cast<long long>(*size));
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  int64_t size = 0;
  CYGNET_TRY(size_of(op, &size));
  if (x.shape[x.shape.rank - 1] % size != 0)
    return bad_model("input 0: expected a multiple of %lld as last dimension, got %s",
                     static_cast<long long>(size), shape_text(x.shape).text);
  return op.set_output(0, x.shape);
}

// The transform of one run, in place.
void rotate(float* y, int64_t n) {
  for (int64_t half = 1; half < n; half *= 2)
    for (int64_t i = 0; i < n; i += 2 * half)
      for (int64_t j = i; j < i + half; ++j) {
        const float a = y[j], b = y[j + half];
        y[j] = a + b;
        y[j + half] = a - b;
      }
  const float scale = 1.0f / std::sqrt(static_cast<float>(n));
  for (int64_t i = 0; i < n; ++i) y[i] *= scale;
}

Status invoke(OpContext& op) {
  int64_t size = 0;
  CYGNET_TRY(size_of(op, &size));
  float* y = op.output(0).as<float>();
  const float* x = op.input(0).as<float>();
  op.parallel_for(op.input(0).shape.elements() / size, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      if (y != x)
        std::memcpy(y + i * size, x + i * size, static_cast<size_t>(size) * sizeof(float));
      rotate(y + i * size, size);
    }
  });
  return {};
}

}  // namespace

extern const OpDef kHadamardRotation;
extern const OpDef kHadamardRotation = {.name = "aeq.hadamard_rotation",
                                        .sharing = Sharing::elementwise,
                                        .infer = infer,
                                        .invoke = invoke};

}  // namespace cygnet::ops
