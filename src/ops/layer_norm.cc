// SPDX-License-Identifier: Apache-2.0
#include "ops/layer_norm.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "ops/check.h"

namespace cygnet::ops {

Status infer_layer_norm(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  if (x.shape.rank < 1 || x.shape[x.shape.rank - 1] < 1)
    return bad_model("input 0: no mean of 0 elements, shape %s", shape_text(x.shape).text);
  const int32_t n = x.shape[x.shape.rank - 1];
  for (int i : {2, 3}) {
    const Tensor* t = op.input_or_null(i);
    if (t != nullptr && t->shape.elements() != n)
      return bad_model("input %d: expected %d elements, got %s", i, n, shape_text(t->shape).text);
  }
  return op.set_output(0, x.shape);
}

void invoke_layer_norm(OpContext& op) {
  constexpr int64_t kPiece = 1 << 13;  // elements of a task
  const Tensor& x = op.input(0);
  const int64_t n = x.shape[x.shape.rank - 1], rows = x.shape.elements() / n,
                together = std::max<int64_t>(kPiece / n, 1);
  const Tensor *gamma = op.input_or_null(2), *beta = op.input_or_null(3);
  op.parallel_for((rows + together - 1) / together, [&](int64_t begin, int64_t end, int) {
    const int64_t first = begin * together, last = std::min(end * together, rows);
    kernels().layer_norm_f32({.in = x.as<float>() + first * n,
                              .rows = last - first,
                              .n = n,
                              .gamma = gamma == nullptr ? nullptr : gamma->as<float>(),
                              .beta = beta == nullptr ? nullptr : beta->as<float>(),
                              .epsilon = *op.input(4).as<float>(),
                              .out = op.output(0).as<float>() + first * n});
  });
}

}  // namespace cygnet::ops
