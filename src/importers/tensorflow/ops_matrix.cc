// SPDX-License-Identifier: Apache-2.0
// Diagonals and bands of matrices, by constant masks. One diagonal k: elements [i, i + k].
#include <algorithm>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

constexpr int64_t kMostMaskBytes = int64_t{1} << 26;

// true at [i, j] where low ≤ j − i ≤ high.
int32_t band(Call& c, int32_t rows, int32_t cols, int64_t low, int64_t high) {
  if (int64_t{rows} * cols > kMostMaskBytes) c.fail("a matrix of ", rows, "x", cols, " is too big");
  std::vector<uint8_t> bits;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) bits.push_back(j - i >= low && j - i <= high ? 1 : 0);
  return mask(c.e, {rows, cols}, bits);
}

// true at the first n elements of diagonal k.
int32_t diagonal_mask(Call& c, int32_t rows, int32_t cols, int32_t k, int32_t n) {
  if (int64_t{rows} * cols > kMostMaskBytes) c.fail("a matrix of ", rows, "x", cols, " is too big");
  std::vector<uint8_t> bits(static_cast<size_t>(rows) * static_cast<size_t>(cols));
  for (int64_t d = 0; d < n; ++d)
    bits[static_cast<size_t>((d + std::max(-k, 0)) * cols + d + std::max(k, 0))] = 1;
  return mask(c.e, {rows, cols}, bits);
}

// Which diagonal operand k chooses; 0 without the operand. Several at once are not supported.
int32_t diagonal(Call& c, int k) {
  if (c.inputs() <= k) return 0;
  const std::vector<int64_t> list = c.integers(k);
  if (list.empty() || list.front() != list.back() || list.size() > 2 ||
      std::abs(list.front()) > 1 << 20)
    c.fail("k: expected one diagonal, several are not supported");
  return static_cast<int32_t>(list.front());
}

// A vector per matrix so that it broadcasts to the diagonal's place: down the rows for k ≥ 0, along
// the columns below the main diagonal.
int32_t spread(Call& c, int32_t x, int32_t k, int32_t rows, int32_t cols) {
  Editor& e = c.e;
  const int rank = e.shape(x).rank;
  const int32_t missing = (k >= 0 ? rows : cols) - c.fixed_dim(x, rank - 1);
  if (missing > 0) {
    std::vector<int32_t> pads(2 * static_cast<size_t>(rank), 0);
    pads.back() = missing;
    x = e.add(Builtin::PAD, {x, e.constant<int32_t>({rank, 2}, pads)}, NoOptions(), c.part("pad"));
  }
  return e.add(Builtin::EXPAND_DIMS, {x, e.scalar<int32_t>(k >= 0 ? rank : rank - 1)}, NoOptions(),
               c.part("spread"));
}

void matrix_diag(Call& c) {
  const int rank = c.shape(0).rank;
  if (rank < 1) c.fail("expected rank 1 or more");
  const int32_t n = c.fixed_dim(c.in(0), rank - 1), k = diagonal(c, 1);
  int64_t rows = c.inputs() > 2 ? c.integer(2) : -1, cols = c.inputs() > 3 ? c.integer(3) : -1;
  const int32_t least_rows = n + std::max(-k, 0), least_cols = n + std::max(k, 0);
  const bool square = rows == -1 && cols == -1;
  if (rows == -1) rows = square ? std::max(least_rows, least_cols) : least_rows;
  if (cols == -1) cols = square ? std::max(least_rows, least_cols) : least_cols;
  if (rows < least_rows || cols < least_cols || rows > 1 << 24 || cols > 1 << 24)
    c.fail("a diagonal of ", n, " elements does not fit a matrix of ", rows, "x", cols);
  const auto h = static_cast<int32_t>(rows), w = static_cast<int32_t>(cols);
  const int32_t filler = c.inputs() > 4 ? c.in(4) : scalar_of(c.e, 0, c.type(0));
  const int32_t values = spread(c, c.in(0), k, h, w);
  c.out(select(c.e, diagonal_mask(c, h, w, k, n), values, filler, c.name()));
}

void matrix_set_diag(Call& c) {
  const int rank = c.shape(0).rank;
  const int32_t k = diagonal(c, 2);
  const int32_t rows = c.fixed_dim(c.in(0), rank - 2), cols = c.fixed_dim(c.in(0), rank - 1);
  const int32_t n = c.fixed_dim(c.in(1), c.shape(1).rank - 1);
  if (n + std::max(-k, 0) > rows || n + std::max(k, 0) > cols)
    c.fail("a diagonal of ", n, " elements does not fit a matrix of ", rows, "x", cols);
  const int32_t values = spread(c, c.in(1), k, rows, cols);
  c.out(select(c.e, diagonal_mask(c, rows, cols, k, n), values, c.in(0), c.name()));
}

// The elements off the diagonal become 0 and are added up.
void matrix_diag_part(Call& c) {
  Editor& e = c.e;
  const int rank = c.shape(0).rank;
  const int32_t k = diagonal(c, 1);
  const int32_t rows = c.fixed_dim(c.in(0), rank - 2), cols = c.fixed_dim(c.in(0), rank - 1);
  const int32_t n = std::min(rows + std::min(k, 0), cols - std::max(k, 0));
  if (n < 1) c.fail("k: there is no diagonal ", k, " in a matrix of ", rows, "x", cols);
  const int32_t kept =
      select(e, band(c, rows, cols, k, k), c.in(0), scalar_of(e, 0, c.type(0)), c.part("kept"));
  const bool whole = n == (k >= 0 ? rows : cols);
  const int32_t sums = reduce(e, Builtin::SUM, kept, {k >= 0 ? rank - 1 : rank - 2}, false,
                              whole ? std::string(c.name()) : c.part("sums"));
  c.out(whole ? sums : slice_dim(e, sums, rank - 2, 0, n, c.name()));
}

void matrix_band_part(Call& c) {
  const int rank = c.shape(0).rank;
  const int32_t rows = c.fixed_dim(c.in(0), rank - 2), cols = c.fixed_dim(c.in(0), rank - 1);
  const int64_t lower = c.integer(1), upper = c.integer(2);
  const int32_t inside =
      band(c, rows, cols, lower < 0 ? -int64_t{rows} : -lower, upper < 0 ? int64_t{cols} : upper);
  c.out(select(c.e, inside, c.in(0), scalar_of(c.e, 0, c.type(0)), c.name()));
}

void only_rank(Call& c, int rank) {
  if (c.shape(0).rank != rank) c.fail("expected rank ", rank, ", got ", c.shape(0).rank);
}

void diag(Call& c) {
  only_rank(c, 1);
  matrix_diag(c);
}

void diag_part(Call& c) {
  only_rank(c, 2);
  matrix_diag_part(c);
}

constexpr OpRow kRows[] = {
    {"BatchMatrixBandPart", matrix_band_part},
    {"Diag", diag},
    {"DiagPart", diag_part},
    {"MatrixBandPart", matrix_band_part},
    {"MatrixDiag", matrix_diag},
    {"MatrixDiagPart", matrix_diag_part},
    {"MatrixDiagPartV2", matrix_diag_part},
    {"MatrixDiagPartV3", matrix_diag_part},
    {"MatrixDiagV2", matrix_diag},
    {"MatrixDiagV3", matrix_diag},
    {"MatrixSetDiag", matrix_set_diag},
    {"MatrixSetDiagV2", matrix_set_diag},
    {"MatrixSetDiagV3", matrix_set_diag},
};

}  // namespace

std::span<const OpRow> matrix_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
