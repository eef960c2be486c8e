// SPDX-License-Identifier: Apache-2.0
#include "ops/binary.h"

namespace cygnet::ops {

Broadcast make_broadcast(const Shape& a, const Shape& b, const Shape& out) {
  const auto dim = [&](const Shape& s, int i) {  // dimension i of `out` in s, 1 where s has none
    const int k = i - (out.rank - s.rank);
    return k < 0 ? 1 : s[k];
  };
  Broadcast bc;
  bool a_kept = false, b_kept = false;  // whether the operands vary along the dimension merged last
  for (int i = 0; i < out.rank; ++i) {
    if (out[i] == 1) continue;
    const bool a_varies = dim(a, i) != 1, b_varies = dim(b, i) != 1;
    if (bc.rank > 0 && a_varies == a_kept && b_varies == b_kept) {
      bc.dims[bc.rank - 1] *= out[i];
    } else {
      bc.dims[bc.rank] = out[i];
      bc.a_strides[bc.rank] = a_varies ? 1 : 0;
      bc.b_strides[bc.rank] = b_varies ? 1 : 0;
      ++bc.rank;
    }
    a_kept = a_varies;
    b_kept = b_varies;
  }
  if (bc.rank == 0) {
    bc.dims[0] = 1;
    bc.a_strides[0] = bc.b_strides[0] = 1;
    bc.rank = 1;
  }
  int64_t a_stride = 1, b_stride = 1;
  bc.rows = 1;
  for (int i = bc.rank - 1; i >= 0; --i) {
    if (i < bc.rank - 1) bc.rows *= bc.dims[i];
    if (bc.a_strides[i] != 0) bc.a_strides[i] = a_stride, a_stride *= bc.dims[i];
    if (bc.b_strides[i] != 0) bc.b_strides[i] = b_stride, b_stride *= bc.dims[i];
  }
  return bc;
}

Status prepare_binary(OpContext& op, schema::ActivationFunctionType activation, BinaryState* s) {
  const Tensor& out = op.output(0);
  s->broadcast = make_broadcast(op.input(0).shape, op.input(1).shape, out.shape);
  if (out.type == Type::float32) return activation_clamp(activation, &s->real);
  if (is_quantized_type(out.type)) return quantized_activation_clamp(activation, out, &s->quantized);
  return activation_clamp(activation, &s->integer);
}

}  // namespace cygnet::ops
