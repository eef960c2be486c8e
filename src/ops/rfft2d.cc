// SPDX-License-Identifier: Apache-2.0
// RFFT2D: the two-dimensional discrete Fourier transform of real x […, H, W], cut or filled with
// zeros to fft_length (h, w), powers of two:
//   y[…, u, v] = Σ_j Σ_k x[…, j, k]·e^(−2πi(u·j/h + v·k/w)), v ≤ w/2: y […, h, w/2 + 1].
// Types: f32 → complex64, computed in double. Source: tensorflow/lite/kernels/rfft2d.cc.
#include <algorithm>

#include "ops/check.h"
#include "ops/fft.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct Rfft2dState {
  Complex128* roots = nullptr;  // of the longer side
  int line = -1;                // scratch: Complex128 [longer side]
  int half = -1;                // scratch: Complex128 [h][w/2 + 1]
};

int64_t length(const OpContext& op, int side) {
  return op.input(1).as<int32_t>()[side];
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &lengths = op.input(1);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("input 1 (FFT length)", lengths, {Type::int32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::complex64}));
  CYGNET_TRY(expect_rank_between("input 0", x, 2, kMaxRank));
  CYGNET_TRY(expect_shape("input 1 (FFT length)", lengths, {2}));
  if (!op.known(1)) return op.defer();
  for (int i = 0; i < 2; ++i)
    if (!is_power_of_two(length(op, i)))
      return bad_model("input 1 (FFT length): expected powers of two, got %d",
                       static_cast<int>(length(op, i)));
  Shape y = x.shape;
  y[y.rank - 2] = static_cast<int32_t>(length(op, 0));
  y[y.rank - 1] = static_cast<int32_t>(length(op, 1) / 2 + 1);
  return op.set_output(0, y);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<Rfft2dState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(Rfft2dState));
  const int64_t h = length(op, 0), w = length(op, 1), longer = std::max(h, w);
  const auto bytes = static_cast<size_t>(longer) * sizeof(Complex128);
  s->roots = static_cast<Complex128*>(op.allocate(bytes / 2));
  if (s->roots == nullptr) return out_of_memory("roots of unity", bytes / 2);
  fill_roots(longer, s->roots);
  CYGNET_TRY(op.request_scratch(bytes, &s->line));
  return op.request_scratch(static_cast<size_t>(h * (w / 2 + 1)) * sizeof(Complex128), &s->half);
}

// One matrix x [rows][columns] to y [h][w/2 + 1].
void transform_matrix(const OpContext& op, const float* x, int64_t rows, int64_t columns,
                      Complex64* y) {
  const Rfft2dState& s = op.state<Rfft2dState>();
  const int64_t h = length(op, 0), w = length(op, 1), longer = std::max(h, w), width = w / 2 + 1;
  auto *line = op.scratch<Complex128>(s.line), *half = op.scratch<Complex128>(s.half);
  for (int64_t j = 0; j < h; ++j) {
    const bool given = j < rows;
    for (int64_t k = 0; k < w; ++k)
      line[k] = {given && k < columns ? static_cast<double>(x[j * columns + k]) : 0.0, 0.0};
    if (given) transform(line, w, s.roots, longer);
    std::copy(line, line + width, half + j * width);
  }
  for (int64_t v = 0; v < width; ++v) {
    for (int64_t j = 0; j < h; ++j) line[j] = half[j * width + v];
    transform(line, h, s.roots, longer);
    for (int64_t u = 0; u < h; ++u)
      y[u * width + v] = {static_cast<float>(line[u].re), static_cast<float>(line[u].im)};
  }
}

Status invoke(OpContext& op) {
  const Shape &x = op.input(0).shape, &y = op.output(0).shape;
  const int64_t rows = x[x.rank - 2], columns = x[x.rank - 1];
  const int64_t results = y.elements(y.rank - 2, y.rank);
  const int64_t matrices = x.elements(0, x.rank - 2);
  for (int64_t i = 0; i < matrices && !op.stopped(); ++i)
    transform_matrix(op, op.input(0).as<float>() + i * rows * columns, rows, columns,
                     op.output(0).as<Complex64>() + i * results);
  return {};
}

}  // namespace

extern const OpDef kRfft2d;
extern const OpDef kRfft2d = {
    .name = "RFFT2D",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::RFFT2D),
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::Rfft2dOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke};

}  // namespace cygnet::ops
