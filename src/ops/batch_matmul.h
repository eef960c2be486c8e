// SPDX-License-Identifier: Apache-2.0
// What the two halves of BATCH_MATMUL share: batch_matmul.cc, checks and plain loops, and
// batch_matmul_kernels.cc.
#pragma once

#include "kernels/kernels.h"
#include "ops/fixed_point.h"
#include "ops/hybrid.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// What prepare works out.
struct MatmulState {
  int64_t batches = 0, m = 0, n = 0, k = 0;
  int64_t x_rows = 0;                                    // of all of x's matrices
  int rank = 0;                                          // of the leading dimensions
  int64_t dims[kMaxRank] = {};                           // the output's leading dimensions
  int64_t x_step[kMaxRank] = {}, y_step[kMaxRank] = {};  // matrices from one index to the next
  Multiplier multiplier;                                 // int8, int16
  float scale = 0;                                       // the same for the kernels
  float* scales = nullptr;                               // hybrid: [n], of y's columns
  bool kernels = false;
  int turned = -1;  // scratch: x with its last two dimensions exchanged
  int values = -1;  // scratch: rows of x as the 8-bit kernels read them, for each thread; or all of
                    // x as a hybrid operator's plain loop reads it
  int quants = -1;  // scratch: of those rows of a hybrid operator
  int packed = -1;  // scratch: packed matrices of y
  int sums = -1;    // scratch: hybrid, asymmetric: [n] of each thread
  const uint8_t* weights = nullptr;                  // packed matrices of a constant y
  size_t matrix_bytes = 0;                           // of one
  int64_t parts = 1, part_rows = 0, part_bytes = 0;  // of a product; of `values` a thread
  bool shared = false;  // all matrices are packed before the first product, not each by its thread
};

inline const schema::BatchMatMulOptions& matmul_options(const OpContext& op) {
  return op.options<schema::BatchMatMulOptions>();
}

/// Whether rows of x are quantized while running.
inline bool is_hybrid_matmul(const OpContext& op) {
  return op.input(0).type == Type::float32 && op.input(1).type == Type::int8;
}

/// Zero point of an input as the products have it: those of int8 → int32 do not count.
inline int32_t matmul_zero(const OpContext& op, int input) {
  return op.output(0).type == Type::int8 ? op.input(input).quantization.zero_point() : 0;
}

/// One product. y's element (k, n) lies at y_first + k·k_step + n·n_step.
struct MatrixProduct {
  int64_t x_row;  ///< number of its first row among all of x's
  int64_t y_first, out_first;
  int64_t k_step, n_step;
};

/// The product of the output's matrix number `batch`.
MatrixProduct matrix_product(const OpContext& op, const MatmulState& s, int64_t batch);

/// In prepare: packs a constant y and asks for scratch.
Status prepare_matmul_kernels(OpContext& op, MatmulState* s);

/// In invoke; x: rows of k elements.
void invoke_matmul_kernels(OpContext& op, const MatmulState& s, const void* x);

}  // namespace cygnet::ops
