// SPDX-License-Identifier: Apache-2.0
#include "ops/binary.h"

#include <numeric>

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

void each_pair_row(OpContext& op, const Broadcast& broadcast, size_t size, size_t out_size,
                   void (*loop)(const void* context, const PairRow& row), const void* context) {
  const char *a = op.input(0).as<char>(), *b = op.input(1).as<char>();
  char* out = op.output(0).as<char>();
  const auto in_bytes = static_cast<int64_t>(size), out_bytes = static_cast<int64_t>(out_size);
  each_row(op, broadcast, [=](int64_t i, int64_t j, int64_t k, int64_t n, ZipShape shape) {
    loop(context, {.a = a + i * in_bytes,
                   .b = b + j * in_bytes,
                   .out = out + k * out_bytes,
                   .n = n,
                   .a_step = shape == ZipShape::scalar_vector ? 0 : 1,
                   .b_step = shape == ZipShape::vector_scalar ? 0 : 1});
  });
}

bool has_quantization(const OpContext& op) {
  const Tensor &a = op.input(0), &out = op.output(0);
  return a.quantization.count != 0 || op.input(1).quantization.count != 0 ||
         (out.type == a.type && out.quantization.count != 0);
}

Status infer_operands(OpContext& op, std::initializer_list<Type> types, Codes codes, Shape* shape) {
  const Tensor &a = op.input(0), &b = op.input(1), &out = op.output(0);
  CYGNET_TRY(expect_type("input 0", a, types));
  CYGNET_TRY(expect_same_type("input 0", a, "input 1", b));
  CYGNET_TRY(broadcast_shape(a.shape, b.shape, shape));
  if (!is_quantized_type(a.type) || codes == Codes::plain) return {};
  if (codes != Codes::real && !has_quantization(op)) return {};
  CYGNET_TRY(expect_per_tensor("input 0", a));
  CYGNET_TRY(expect_per_tensor("input 1", b));
  if (codes == Codes::same) CYGNET_TRY(expect_same_quantization("input 0", a, "input 1", b));
  if (out.type != a.type) return {};
  CYGNET_TRY(expect_per_tensor("output 0", out));
  return codes == Codes::same ? expect_same_quantization("input 0", a, "output 0", out) : Status();
}

Status infer_binary(OpContext& op, std::initializer_list<Type> types, Codes codes) {
  Shape shape;
  CYGNET_TRY(infer_operands(op, types, codes, &shape));
  CYGNET_TRY(expect_same_type("input 0", op.input(0), "output 0", op.output(0)));
  return op.set_output(0, shape);
}

Status prepare_broadcast(OpContext& op) {
  auto* s = op.make_state<Broadcast>();
  if (s == nullptr) return out_of_memory("operator", sizeof(Broadcast));
  *s = make_broadcast(op.input(0).shape, op.input(1).shape, op.output(0).shape);
  return {};
}

Status prepare_tiling(OpContext& op, const Broadcast& bc, Tiling* tiling) {
  constexpr int64_t kLongRow = 512, kRun = 2048;  // elements
  constexpr int64_t kLine = 64;                   // bytes
  constexpr int64_t kOwnRun = 64;                 // f32 elements
  const int last = bc.rank - 1;
  if (op.reference() || bc.rank < 2 || bc.row() > kLongRow || bc.row() < 1 || bc.dims[last - 1] < 2)
    return {};
  // One operand is dense, for all of the dimensions: then the result's elements lie as its own do.
  const auto dense = [&](const int64_t* strides) {
    for (int i = 0, n = last; i <= n; ++i)
      if (strides[i] == 0) return false;
    return true;
  };
  const bool a_dense = dense(bc.a_strides), b_dense = dense(bc.b_strides);
  if (a_dense == b_dense) return {};
  const int64_t* other = a_dense ? bc.b_strides : bc.a_strides;
  tiling->of_a = b_dense;
  tiling->column = other[last] == 0;
  if (tiling->column ? other[last - 1] != 1 : other[last - 1] != 0) return {};
  tiling->used = true;
  tiling->rows = std::min(bc.dims[last - 1], std::max<int64_t>(1, kRun / bc.row()));
  tiling->by_rows = tiling->column && op.output(0).type == Type::float32 && bc.row() >= kOwnRun;
  if (tiling->by_rows) return {};
  // Runs begin at cache lines where the operands do.
  const int64_t row_bytes = bc.row() * type_bits(op.output(0).type) / 8;
  const int64_t lines = kLine / std::gcd(kLine, row_bytes);
  if (tiling->rows > lines) tiling->rows -= tiling->rows % lines;
  const int64_t elements = tiling->rows * bc.row() * op.threads();
  return op.request_scratch(static_cast<size_t>(elements * type_bits(op.output(0).type) / 8),
                            &tiling->scratch);
}

Status prepare_binary(OpContext& op, schema::ActivationFunctionType activation, BinaryState* s) {
  const Tensor& out = op.output(0);
  s->broadcast = make_broadcast(op.input(0).shape, op.input(1).shape, out.shape);
  CYGNET_TRY(prepare_tiling(op, s->broadcast, &s->tiling));
  if (out.type == Type::complex64 && activation != schema::ActivationFunctionType::NONE)
    return bad_model("fused activation %d of complex numbers", static_cast<int>(activation));
  s->on_codes = is_quantized_type(out.type) && out.quantization.count != 0;
  if (s->on_codes) return quantized_activation_clamp(activation, out, &s->quantized);
  CYGNET_TRY(activation_clamp(activation, &s->real));
  return activation_clamp(activation, &s->integer);
}

}  // namespace cygnet::ops
