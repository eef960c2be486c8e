// SPDX-License-Identifier: Apache-2.0
// BATCH_MATMUL: a matrix product for each index of the leading dimensions, float32.
//   input 0: x [b…, M, K], or [b…, K, M] with adj_x; input 1: y [b…, K, N], or [b…, N, K] with
//   adj_y; ranks ≥ 2; the leading dimensions broadcast output 0: [b…, M, N] = x · y
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <limits>

#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct State {
  int64_t batches = 0, m = 0, n = 0, k = 0;
  int rank = 0;                                          // of the leading dimensions
  int64_t dims[kMaxRank] = {};                           // the output's leading dimensions
  int64_t x_step[kMaxRank] = {}, y_step[kMaxRank] = {};  // matrices from one index to the next
  int turned = -1;  // scratch: x with its last two dimensions exchanged
  int packed = -1;  // scratch: a block of y's columns for each thread
};

const schema::BatchMatMulOptions& options(const OpContext& op) {
  return op.options<schema::BatchMatMulOptions>();
}

Shape leading(const Shape& shape) {
  Shape out = shape;
  out.rank -= 2;
  return out;
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.input(1);
  for (const Tensor* t : {&x, &y})
    if (t->type != Type::float32)
      return Status::error(Code::unsupported, "%s: type %s is not supported",
                           t == &x ? "input 0" : "input 1", type_name(t->type));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank_between("input 0", x, 2, kMaxRank));
  CYGNET_TRY(expect_rank_between("input 1", y, 2, kMaxRank));
  const int xr = x.shape.rank, yr = y.shape.rank;
  const bool adj_x = options(op).adj_x(), adj_y = options(op).adj_y();
  if (x.shape[xr - (adj_x ? 2 : 1)] != y.shape[yr - (adj_y ? 1 : 2)])
    return bad_model("inputs: matrices of %s and %s do not multiply (adj_x %d, adj_y %d)",
                     shape_text(x.shape).text, shape_text(y.shape).text, adj_x, adj_y);
  Shape shape;
  CYGNET_TRY(broadcast_shape(leading(x.shape), leading(y.shape), &shape));
  shape.push(x.shape[xr - (adj_x ? 1 : 2)]);
  shape.push(y.shape[yr - (adj_y ? 2 : 1)]);
  return op.set_output(0, shape);
}

int64_t depth(const OpContext& op) {
  const Shape& x = op.input(0).shape;
  return x[x.rank - (options(op).adj_x() ? 2 : 1)];
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

Status prepare(OpContext& op) {
  auto* s = op.make_state<State>();
  if (s == nullptr) return {};
  const Shape &x = op.input(0).shape, &y = op.input(1).shape, &out = op.output(0).shape;
  s->rank = out.rank - 2;
  s->batches = out.elements(0, s->rank);
  s->m = out[s->rank];
  s->n = out[s->rank + 1];
  s->k = depth(op);
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
  if (options(op).adj_x()) CYGNET_TRY(op.request_scratch(op.input(0).bytes, &s->turned));
  if (op.reference() || op.output(0).bytes == 0) return {};
  const size_t block = gemm_f32_block_bytes(1, s->k, kernels().gemm_f32_nr);
  return op.request_scratch(block * static_cast<size_t>(op.threads()), &s->packed);
}

// x with rows of k elements.
const float* rows_of_x(OpContext& op, const State& s) {
  if (s.turned < 0) return op.input(0).as<float>();
  const Shape& x = op.input(0).shape;
  const int64_t k = x[x.rank - 2], m = x[x.rank - 1];
  StridedCopy copy;
  copy.element_bytes = sizeof(float);
  copy.push(x.elements(0, x.rank - 2), k * m, 0);
  copy.push(m, 1, 0);
  copy.push(k, m, 0);
  copy.make_dense_output();
  auto* turned = op.scratch<float>(s.turned);
  run_copy(op, copy, op.input(0).data, turned);
  return turned;
}

// Numbers of the matrices that batch `batch` multiplies.
void matrices(const State& s, int64_t batch, int64_t* x, int64_t* y) {
  *x = *y = 0;
  for (int d = s.rank - 1; d >= 0; --d) {
    *x += batch % s.dims[d] * s.x_step[d];
    *y += batch % s.dims[d] * s.y_step[d];
    batch /= s.dims[d];
  }
}

struct Product {
  const float* x;  // [m][k]
  const float* y;  // element (k, n) at k·k_step + n·n_step
  float* out;      // [m][n]
  int64_t k_step, n_step;
};

Product product_of(OpContext& op, const State& s, const float* x, int64_t batch) {
  int64_t xi = 0, yi = 0;
  matrices(s, batch, &xi, &yi);
  const bool adj_y = options(op).adj_y();
  return {.x = x + xi * s.m * s.k,
          .y = op.input(1).as<float>() + yi * s.k * s.n,
          .out = op.output(0).as<float>() + batch * s.m * s.n,
          .k_step = adj_y ? 1 : s.n,
          .n_step = adj_y ? s.k : 1};
}

void invoke_plain(OpContext& op, const State& s, const float* x) {
  op.parallel_for(s.batches * s.m, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const Product p = product_of(op, s, x, row / s.m);
      const int64_t i = row % s.m;
      for (int64_t j = 0; j < s.n; ++j) {
        float sum = 0;
        for (int64_t k = 0; k < s.k; ++k)
          sum += p.x[i * s.k + k] * p.y[k * p.k_step + j * p.n_step];
        p.out[i * s.n + j] = sum;
      }
    }
  });
}

// A task is a block of columns of one product.
void invoke_kernels(OpContext& op, const State& s, const float* x) {
  const int nr = kernels().gemm_f32_nr;
  const int64_t blocks = (s.n + nr - 1) / nr;
  const size_t block_floats = gemm_f32_block_bytes(1, s.k, nr) / sizeof(float);
  op.parallel_for(s.batches * blocks, [&](int64_t begin, int64_t end, int thread) {
    float* packed = op.scratch<float>(s.packed) + block_floats * static_cast<size_t>(thread);
    for (int64_t task = begin; task < end; ++task) {
      const Product p = product_of(op, s, x, task / blocks);
      const int64_t first = task % blocks * nr;
      const int64_t columns = s.n - first < nr ? s.n - first : nr;
      pack_gemm_f32(p.y + first * p.n_step,
                    {.n_stride = p.n_step, .tap_stride = 0, .k_stride = p.k_step}, nullptr, columns,
                    1, s.k, nr, packed);
      kernels().gemm_f32({.a = p.x,
                          .a_stride = s.k,
                          .m = s.m,
                          .n = columns,
                          .k = s.k,
                          .weights = packed,
                          .out = p.out + first,
                          .out_stride = s.n,
                          .lo = -std::numeric_limits<float>::infinity(),
                          .hi = std::numeric_limits<float>::infinity()});
    }
  });
}

Status invoke(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  const auto& s = op.state<State>();
  const float* x = rows_of_x(op, s);
  if (s.packed >= 0)
    invoke_kernels(op, s, x);
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
