// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL: a matrix product for each index of the leading dimensions.
//   input 0: x [b…, M, K], or [b…, K, M] with adj_x; input 1: y [b…, K, N], or [b…, N, K] with
//   adj_y; ranks ≥ 2; the leading dimensions broadcast. output 0: [b…, M, N] = x · y
// Types: f32; int8 (zero points at will) → int8; int8 → int32, the sums of products of the elements
// as they are; int16 with int16 or int8; hybrid: f32 with int8, each row of x quantized for itself.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/batch_matmul.h"

#include <limits>

#include "ops/check.h"
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Shape leading(const Shape& shape) {
  Shape out = shape;
  out.rank -= 2;
  return out;
}

Status check_types(const OpContext& op) {
  const Tensor &x = op.input(0), &y = op.input(1), &out = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::int8, Type::int16}));
  if (x.type == Type::int8) {
    CYGNET_TRY(expect_type("input 1", y, {Type::int8}));
    return expect_type("output 0", out, {Type::int8, Type::int32});
  }
  if (y.type != Type::int8) CYGNET_TRY(expect_same_type("input 0", x, "input 1", y));
  return expect_same_type("input 0", x, "output 0", out);
}

// `columns`: how many y has, along dimension `axis`.
Status check_quantization(const OpContext& op, int32_t columns, int axis) {
  const Tensor &x = op.input(0), &y = op.input(1), &out = op.output(0);
  if (y.type == Type::float32 || out.type == Type::int32) return {};
  const Quantization& q = y.quantization;
  if (is_hybrid_matmul(op)) {
    if (q.count == 0) return bad_model("input 1: expected quantization parameters, got none");
    if (q.count > 1 && (q.axis != axis || q.count != columns))
      return bad_model("input 1: expected one scale or %d along dimension %d, got %d along %d",
                       columns, axis, q.count, q.axis);
    for (int i = 0; i < q.zero_point_count; ++i)
      if (q.zero_points[i] != 0)
        return bad_model("input 1: expected zero point 0, got %d", q.zero_point(i));
    return {};
  }
  CYGNET_TRY(expect_per_tensor("input 0", x));
  CYGNET_TRY(expect_per_tensor("input 1", y));
  CYGNET_TRY(expect_per_tensor("output 0", out));
  if (x.type == Type::int16 &&
      (x.quantization.zero_point() | q.zero_point() | out.quantization.zero_point()) != 0)
    return bad_model("INT16: expected zero points 0, got %d, %d and %d",
                     x.quantization.zero_point(), q.zero_point(), out.quantization.zero_point());
  return {};
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.input(1);
  CYGNET_TRY(check_types(op));
  CYGNET_TRY(expect_rank_between("input 0", x, 2, kMaxRank));
  CYGNET_TRY(expect_rank_between("input 1", y, 2, kMaxRank));
  const int xr = x.shape.rank, yr = y.shape.rank;
  const bool adj_x = matmul_options(op).adj_x(), adj_y = matmul_options(op).adj_y();
  if (x.shape[xr - (adj_x ? 2 : 1)] != y.shape[yr - (adj_y ? 1 : 2)])
    return bad_model("inputs: matrices of %s and %s do not multiply (adj_x %d, adj_y %d)",
                     shape_text(x.shape).text, shape_text(y.shape).text, adj_x, adj_y);
  const int columns = yr - (adj_y ? 2 : 1);
  CYGNET_TRY(check_quantization(op, y.shape[columns], columns));
  Shape shape;
  CYGNET_TRY(broadcast_shape(leading(x.shape), leading(y.shape), &shape));
  shape.push(x.shape[xr - (adj_x ? 1 : 2)]);
  shape.push(y.shape[columns]);
  return op.set_output(0, shape);
}

int64_t depth(const OpContext& op) {
  const Shape& x = op.input(0).shape;
  return x[x.rank - (matmul_options(op).adj_x() ? 2 : 1)];
}

int64_t macs(const OpContext& op) {
  int64_t n = 0;
  const bool over = __builtin_mul_overflow(op.output(0).shape.elements(), depth(op), &n);
  return over ? std::numeric_limits<int64_t>::max() : n;
}

// Matrices of `shape` between neighbours along dimension d of the output; 0 where it is repeated.
int64_t matrix_step(const Shape& shape, int d, int rank) {
  const int from = d - (rank - (shape.rank - 2));
  return from < 0 || shape[from] == 1 ? 0 : shape.elements(from + 1, shape.rank - 2);
}

// Scales of the results.
Status prepare_scales(OpContext& op, MatmulState* s) {
  const Quantization &x = op.input(0).quantization, &y = op.input(1).quantization;
  if (is_hybrid_matmul(op)) {
    const auto bytes = static_cast<size_t>(s->n) * sizeof(float);
    s->scales = static_cast<float*>(op.allocate(bytes));
    if (s->scales == nullptr) return out_of_memory("scales", bytes);
    for (int j = 0; j < static_cast<int>(s->n); ++j) s->scales[j] = y.scale(j);
    return {};
  }
  const Type type = op.output(0).type;
  if (type != Type::int8 && type != Type::int16) return {};
  const double real = static_cast<double>(x.scale() * y.scale()) /
                      static_cast<double>(op.output(0).quantization.scale());
  s->scale = static_cast<float>(real);
  return quantize_multiplier(real, &s->multiplier);
}

// x with rows of k elements.
const void* rows_of_x(OpContext& op, const MatmulState& s) {
  if (s.turned < 0) return op.input(0).data;
  const Shape& x = op.input(0).shape;
  const int64_t k = x[x.rank - 2], m = x[x.rank - 1];
  StridedCopy copy;
  copy.element_bytes = type_bits(op.input(0).type) / 8;
  copy.push(x.elements(0, x.rank - 2), k * m, 0);
  copy.push(m, 1, 0);
  copy.push(k, m, 0);
  copy.make_dense_output();
  void* turned = op.scratch<void>(s.turned);
  run_copy(op, copy, op.input(0).data, turned);
  return turned;
}

// Quantizes the rows of a hybrid operator's x, as the plain loops read them.
const int16_t* quantize_rows(OpContext& op, const MatmulState& s, const float* x) {
  auto* out = op.scratch<int16_t>(s.values);
  auto* quants = op.scratch<DynamicQuant>(s.quants);
  const bool asymmetric = matmul_options(op).asymmetric_quantize_inputs();
  op.parallel_for(s.x_rows, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      quants[row] = choose_quant(x + row * s.k, s.k, asymmetric);
      quantize_floats(x + row * s.k, s.k, quants[row], -quants[row].zero, out + row * s.k);
    }
  });
  return out;
}

// ---- Plain loops

// Stores the sum of output element `at`, of x's row `row`.
void store(OpContext& op, const MatmulState& s, int64_t at, int64_t row, int64_t sum) {
  Tensor& out = op.output(0);
  const int64_t zero = out.type == Type::int8 ? out.quantization.zero_point() : 0;
  switch (out.type) {
    case Type::float32:
      out.as<float>()[at] = static_cast<float>(sum) *
                            (op.scratch<DynamicQuant>(s.quants)[row].scale * s.scales[at % s.n]);
      return;
    case Type::int8:
      out.as<int8_t>()[at] = static_cast<int8_t>(
          std::clamp<int64_t>(zero + apply(s.multiplier, static_cast<int32_t>(sum)), -128, 127));
      return;
    case Type::int16:
      out.as<int16_t>()[at] =
          static_cast<int16_t>(std::clamp<int64_t>(apply(s.multiplier, sum), -32768, 32767));
      return;
    default:
      out.as<int32_t>()[at] = static_cast<int32_t>(sum);
  }
}

template <class X, class Y>
void plain(OpContext& op, const MatmulState& s, const void* x_data) {
  constexpr bool kReal = std::is_same_v<X, float>;
  const X* x = static_cast<const X*>(x_data);
  const Y* y = op.input(1).as<Y>();
  [[maybe_unused]] const int32_t x_zero = matmul_zero(op, 0), y_zero = matmul_zero(op, 1);
  op.parallel_for(s.batches * s.m, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const MatrixProduct p = matrix_product(op, s, row / s.m);
      const int64_t i = p.x_row + row % s.m;
      for (int64_t j = 0; j < s.n; ++j) {
        const Y* column = y + p.y_first + j * p.n_step;
        std::conditional_t<kReal, float, int64_t> sum = 0;
        for (int64_t k = 0; k < s.k; ++k) {
          if constexpr (kReal)
            sum += x[i * s.k + k] * column[k * p.k_step];
          else
            sum += int64_t{x[i * s.k + k] - x_zero} * (column[k * p.k_step] - y_zero);
        }
        if constexpr (kReal)
          op.output(0).as<float>()[row * s.n + j] = sum;
        else
          store(op, s, row * s.n + j, i, sum);
      }
    }
  });
}

void invoke_plain(OpContext& op, const MatmulState& s, const void* x) {
  const Type type = op.input(0).type, y_type = op.input(1).type;
  if (is_hybrid_matmul(op))
    return plain<int16_t, int8_t>(op, s, quantize_rows(op, s, static_cast<const float*>(x)));
  if (type == Type::float32) return plain<float, float>(op, s, x);
  if (type == Type::int8) return plain<int8_t, int8_t>(op, s, x);
  return y_type == Type::int8 ? plain<int16_t, int8_t>(op, s, x)
                              : plain<int16_t, int16_t>(op, s, x);
}

// ---- Prepare

Status prepare_memory(OpContext& op, MatmulState* s) {
  const Tensor& x = op.input(0);
  const bool real = op.input(1).type == Type::float32;
  const int64_t most = matmul_zero(op, 1) == 0 ? 65'793 : 33'025;  // products that GemmQ8 adds up
  s->kernels = !op.reference() && x.type != Type::int16 && s->k > 0 && (real || s->k <= most);
  if (matmul_options(op).adj_x()) CYGNET_TRY(op.request_scratch(x.bytes, &s->turned));
  if (s->kernels) return prepare_matmul_kernels(op, s);
  if (!is_hybrid_matmul(op)) return {};
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(s->x_rows) * sizeof(DynamicQuant), &s->quants));
  return op.request_scratch(static_cast<size_t>(x.shape.elements()) * sizeof(int16_t), &s->values);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<MatmulState>();
  if (s == nullptr) return {};
  const Shape &x = op.input(0).shape, &y = op.input(1).shape, &out = op.output(0).shape;
  s->rank = out.rank - 2;
  s->batches = out.elements(0, s->rank);
  s->m = out[s->rank];
  s->n = out[s->rank + 1];
  s->k = depth(op);
  s->x_rows = x.elements(0, x.rank - 2) * s->m;
  for (int d = 0; d < s->rank; ++d) {
    s->dims[d] = out[d];
    s->x_step[d] = matrix_step(x, d, s->rank);
    s->y_step[d] = matrix_step(y, d, s->rank);
  }
  if (y.elements(0, y.rank - 2) == 1) {
    // One y for all: the rows of all x are those of one matrix.
    s->m *= s->batches;
    s->batches = 1;
    s->rank = 0;
  }
  CYGNET_TRY(prepare_scales(op, s));
  return op.output(0).bytes == 0 ? Status() : prepare_memory(op, s);
}

Status invoke(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  const auto& s = op.state<MatmulState>();
  const void* x = rows_of_x(op, s);
  if (s.kernels)
    invoke_matmul_kernels(op, s, x);
  else
    invoke_plain(op, s, x);
  return {};
}

}  // namespace

extern const OpDef kBatchMatmul;
const OpDef kBatchMatmul = {
    .name = "BATCH_MATMUL",
    .builtin = 126,
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::BatchMatMulOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs,
};

}  // namespace cygnet::ops
