// SPDX-License-Identifier: Apache-2.0
#include "ops/batch_matmul.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ops/conv_common.h"

namespace cygnet::ops {
namespace {

// Numbers of the matrices that batch `batch` multiplies.
void matrices(const MatmulState& s, int64_t batch, int64_t* x, int64_t* y) {
  *x = *y = 0;
  for (int d = s.rank - 1; d >= 0; --d) {
    *x += batch % s.dims[d] * s.x_step[d];
    *y += batch % s.dims[d] * s.y_step[d];
    batch /= s.dims[d];
  }
}

int block_width(bool real) {
  return real ? kernels().gemm_f32_nr : kernels().gemm_q8_nr;
}

// Bytes of n packed columns.
size_t packed_bytes(bool real, int64_t n, int64_t k) {
  return real ? gemm_f32_packed_bytes(n, 1, k, block_width(true))
              : gemm_q8_packed_bytes(n, 1, k, block_width(false));
}

// ---- Kernels

// Columns of y's matrix that lie at `first`, from column `begin`, a multiple of nr, to `end`,
// packed to `out`, the start of the packed matrix.
void pack(const OpContext& op, const MatmulState& s, const MatrixProduct& p, int64_t begin,
          int64_t end, uint8_t* out) {
  const KernelTable& table = kernels();
  const WeightStrides strides = {.n_stride = p.n_step, .tap_stride = 0, .k_stride = p.k_step};
  const int64_t at = p.y_first + begin * p.n_step;
  const bool real = op.input(1).type == Type::float32;
  out += packed_bytes(real, begin, s.k);
  if (real)
    return table.pack_columns_f32(op.input(1).as<float>() + at, strides, nullptr, end - begin, s.k,
                                  reinterpret_cast<float*>(out));
  const bool hybrid = s.scales != nullptr, sums = op.output(0).type == Type::int32;
  table.pack_columns_q8(op.input(1).as<int8_t>() + at, strides,
                        {.weight_zero_point = matmul_zero(op, 1),
                         .input_zero_point = matmul_zero(op, 0) + 128,
                         .scale = hybrid ? s.scales + begin : (sums ? nullptr : &s.scale),
                         .scale_stride = hybrid ? 1 : 0},
                        end - begin, s.k, out);
}

Status pack_constants(OpContext& op, MatmulState* s) {
  const int64_t matrices = op.input(1).shape.elements() / (s->k * s->n);
  const size_t bytes = static_cast<size_t>(matrices) * s->matrix_bytes;
  MatrixProduct p = matrix_product(op, *s, 0);
  PackKey key("matrices", op.input(1));
  key.number(s->n).number(s->k).number(p.n_step).number(p.k_step).number(p.y_first);
  key.number(static_cast<int>(op.input(0).type)).number(static_cast<int>(op.output(0).type));
  if (op.input(1).type != Type::float32)
    key.number(matmul_zero(op, 0)).number(matmul_zero(op, 1)).data(&s->scale, sizeof(s->scale));
  key.data(s->scales, static_cast<size_t>(s->n) * sizeof(float));
  s->weights = op.packed(key, bytes, [&](uint8_t* packed) {
    for (int64_t i = 0; i < matrices; ++i, p.y_first += s->k * s->n)
      pack(op, *s, p, 0, s->n, packed + static_cast<size_t>(i) * s->matrix_bytes);
  });
  return s->weights == nullptr ? out_of_memory("packed weights", bytes) : Status();
}

// Some rows of a product.
struct Part {
  MatrixProduct p;
  int64_t first, rows;
  const uint8_t* packed;
  int thread;
};

void multiply_f32(OpContext& op, const MatmulState& s, const float* x, const Part& part) {
  kernels().gemm_f32({.a = x + (part.p.x_row + part.first) * s.k,
                      .a_stride = s.k,
                      .m = part.rows,
                      .n = s.n,
                      .k = s.k,
                      .weights = reinterpret_cast<const float*>(part.packed),
                      .out = op.output(0).as<float>() + part.p.out_first + part.first * s.n,
                      .out_stride = s.n,
                      .lo = -std::numeric_limits<float>::infinity(),
                      .hi = std::numeric_limits<float>::infinity()});
}

// Σ of the weights of each column: what the zero of the activations, 128, made of them.
const int32_t* column_sums(OpContext& op, const MatmulState& s, const Part& part) {
  if (s.sums < 0) return nullptr;
  const int64_t nr = kernels().gemm_q8_nr;
  const auto block = static_cast<int64_t>(gemm_q8_block_bytes(1, s.k, kernels().gemm_q8_nr));
  int32_t* sums = op.scratch<int32_t>(s.sums) + part.thread * s.n;
  for (int64_t j = 0; j < s.n; ++j)
    sums[j] = reinterpret_cast<const int32_t*>(part.packed + j / nr * block)[j % nr] / -128;
  return sums;
}

void multiply_q8(OpContext& op, const MatmulState& s, const void* x, const Part& part) {
  Tensor& out = op.output(0);
  const KernelTable& table = kernels();
  uint8_t* rows = op.scratch<uint8_t>(s.values) + part.thread * s.part_bytes;
  const int64_t from = (part.p.x_row + part.first) * s.k, to = part.p.out_first + part.first * s.n;
  GemmQ8 gemm = {.a = rows,
                 .a_stride = s.k,
                 .m = part.rows,
                 .n = s.n,
                 .k = s.k,
                 .weights = part.packed,
                 .weight_zero_point = matmul_zero(op, 1),
                 .out_stride = s.n};
  if (s.scales != nullptr) {
    auto* quants = op.scratch<DynamicQuant>(s.quants) + part.thread * s.part_rows;
    const bool asymmetric = matmul_options(op).asymmetric_quantize_inputs();
    for (int64_t i = 0; i < part.rows; ++i) {
      const float* row = static_cast<const float*>(x) + from + i * s.k;
      quants[i] = choose_quant(row, s.k, asymmetric);
      table.quantize_dynamic(row, s.k, quants[i], rows + i * s.k);
    }
    gemm.store = StoreQ8::f32;
    gemm.out = out.as<float>() + to;
    gemm.hybrid = {.quants = quants,
                   .quant_step = 1,
                   .sums = column_sums(op, s, part),
                   .lo = -std::numeric_limits<float>::infinity(),
                   .hi = std::numeric_limits<float>::infinity()};
  } else {
    gemm.flip = 0x80;
    if (ends_with_file(op.input(0)))
      std::memcpy(rows, static_cast<const uint8_t*>(x) + from,
                  static_cast<size_t>(part.rows * s.k));
    else
      gemm.a = static_cast<const uint8_t*>(x) + from;
    if (out.type == Type::int8) {
      gemm.out = out.as<int8_t>() + to;
      gemm.zero_point = out.quantization.zero_point();
      gemm.lo = -128;
      gemm.hi = 127;
    } else {
      gemm.store = StoreQ8::s32;
      gemm.out = out.as<int32_t>() + to;
    }
  }
  table.gemm_q8(gemm);
}

void multiply(OpContext& op, const MatmulState& s, const void* x, const Part& part) {
  if (op.input(1).type == Type::float32)
    multiply_f32(op, s, static_cast<const float*>(x), part);
  else
    multiply_q8(op, s, x, part);
}

// All matrices, by blocks of columns, to the scratch that all threads share.
void pack_shared(OpContext& op, const MatmulState& s) {
  const int64_t nr = block_width(op.input(1).type == Type::float32), blocks = (s.n + nr - 1) / nr;
  auto* packed = op.scratch<uint8_t>(s.packed);
  op.parallel_for(s.batches * blocks, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t batch = task / blocks, first = task % blocks * nr;
      pack(op, s, matrix_product(op, s, batch), first, std::min(first + nr, s.n),
           packed + static_cast<size_t>(batch) * s.matrix_bytes);
    }
  });
}

// One y for all makes one product of the rows of all x. A product is split into parts of rows where
// there are fewer than the threads share well.
void split(const OpContext& op, MatmulState* s) {
  const int64_t threads = op.threads(), mr = op.input(1).type == Type::float32
                                                 ? kernels().gemm_f32_mr
                                                 : kernels().gemm_q8_mr;
  const int64_t tiles = (s->m + mr - 1) / mr;
  s->parts = 1;
  if (threads > 1 && s->batches < 2 * threads)
    s->parts = std::clamp<int64_t>((4 * threads - 1) / s->batches, 1, tiles);
  s->shared = s->parts > 1 && !op.input(1).constant;
  s->part_rows = (tiles + s->parts - 1) / s->parts * mr;
}

}  // namespace

MatrixProduct matrix_product(const OpContext& op, const MatmulState& s, int64_t batch) {
  int64_t xi = 0, yi = 0;
  matrices(s, batch, &xi, &yi);
  const bool adj_y = matmul_options(op).adj_y();
  return {.x_row = xi * s.m,
          .y_first = yi * s.k * s.n,
          .out_first = batch * s.m * s.n,
          .k_step = adj_y ? 1 : s.n,
          .n_step = adj_y ? s.k : 1};
}

void invoke_matmul_kernels(OpContext& op, const MatmulState& s, const void* x) {
  if (s.shared) pack_shared(op, s);
  op.parallel_for(s.batches * s.parts, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t batch = task / s.parts;
      Part part = {.p = matrix_product(op, s, batch),
                   .first = task % s.parts * s.part_rows,
                   .rows = 0,
                   .packed = s.weights,
                   .thread = thread};
      part.rows = std::min(s.part_rows, s.m - part.first);
      if (s.weights != nullptr) {
        part.packed += static_cast<size_t>(part.p.y_first / (s.k * s.n)) * s.matrix_bytes;
      } else {
        uint8_t* packed = op.scratch<uint8_t>(s.packed) +
                          static_cast<size_t>(s.shared ? batch : thread) * s.matrix_bytes;
        if (!s.shared) pack(op, s, part.p, 0, s.n, packed);
        part.packed = packed;
      }
      if (part.rows > 0) multiply(op, s, x, part);
    }
  });
}

Status prepare_matmul_kernels(OpContext& op, MatmulState* s) {
  const bool real = op.input(1).type == Type::float32;
  const auto threads = static_cast<size_t>(op.threads());
  split(op, s);
  s->matrix_bytes = packed_bytes(real, s->n, s->k);
  if (op.input(1).constant)
    CYGNET_TRY(pack_constants(op, s));
  else
    CYGNET_TRY(op.request_scratch(
        s->matrix_bytes * (s->shared ? static_cast<size_t>(s->batches) : threads), &s->packed));
  if (real) return {};
  const int64_t rows = std::min(s->part_rows, s->m);
  s->part_bytes = (rows * s->k + kRowSlackBytes + 63) / 64 * 64;
  CYGNET_TRY(op.request_scratch(threads * static_cast<size_t>(s->part_bytes), &s->values));
  if (!is_hybrid_matmul(op)) return {};
  if (matmul_options(op).asymmetric_quantize_inputs())
    CYGNET_TRY(op.request_scratch(threads * static_cast<size_t>(s->n) * sizeof(int32_t), &s->sums));
  return op.request_scratch(threads * static_cast<size_t>(s->part_rows) * sizeof(DynamicQuant),
                            &s->quants);
}

}  // namespace cygnet::ops
