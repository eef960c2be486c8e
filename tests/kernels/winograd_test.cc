// SPDX-License-Identifier: Apache-2.0
#include "kernel_fixture.h"

namespace cygnet {
namespace {

using Matrix = std::vector<std::vector<double>>;

/// The finite points of lines of t positions.
std::vector<double> points(int t) {
  if (t == 1) return {};
  std::vector<double> all = {0};
  for (int i = 0; i < t / 2 - 1; ++i) {
    all.push_back(double{kWinogradPoints[t / 2 - 2][i]});
    all.push_back(-all.back());
  }
  return all;
}

/// Row i has the coefficients of the product of (x − p) over all finite points but point i; the
/// last row those of the product over all of them.
Matrix input_matrix(int t) {
  const std::vector<double> p = points(t);
  Matrix rows;
  for (int i = 0; i < t; ++i) {
    std::vector<double> c = {1};
    for (int l = 0; l < t - 1; ++l) {
      if (l == i) continue;
      c.insert(c.begin(), 0.0);
      for (size_t k = 0; k + 1 < c.size(); ++k) c[k] -= p[static_cast<size_t>(l)] * c[k + 1];
    }
    c.resize(static_cast<size_t>(t));
    rows.push_back(c);
  }
  return rows;
}

/// Row k has the k-th powers of the finite points, the last one a 1 at the end.
Matrix output_matrix(int t, int m) {
  Matrix rows;
  for (int k = 0; k < m; ++k) {
    std::vector<double> row;
    for (double p : points(t)) row.push_back(std::pow(p, k));
    row.push_back(k == m - 1 ? 1 : 0);
    rows.push_back(row);
  }
  return rows;
}

/// a · b · cᵀ
Matrix both_sides(const Matrix& a, const Matrix& b, const Matrix& c) {
  Matrix out(a.size(), std::vector<double>(c.size()));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < c.size(); ++j)
      for (size_t y = 0; y < b.size(); ++y)
        for (size_t x = 0; x < b[y].size(); ++x) out[i][j] += a[i][y] * b[y][x] * c[j][x];
  return out;
}

/// The elements (y, x) of channel `ch` of planes or an image, rows × columns.
template <class At>
Matrix matrix_of(int rows, int columns, At at) {
  Matrix m(static_cast<size_t>(rows), std::vector<double>(static_cast<size_t>(columns)));
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < columns; ++x)
      m[static_cast<size_t>(y)][static_cast<size_t>(x)] = double{at(y, x)};
  return m;
}

class WinogradKernels : public Kernels {
 protected:
  /// Channels in whole vectors.
  int64_t whole(int64_t c) const {
    const int64_t lanes = std::min(table().gemm_f32_nr / 2, 16);
    return (c + lanes - 1) / lanes * lanes;
  }
};

TEST_P(WinogradKernels, Input) {
  for (int kind = 0; kind < kWinogradKinds; ++kind)
    for (int64_t c : {1, 2, 4, 7, 8, 15, 16, 17, 33, 48})
      for (int round = 0; round < 4; ++round) {
        const int th = kWinogradSizes[kind].h.t, tw = kWinogradSizes[kind].w.t;
        const int64_t pixel = c + round, row = pixel * (tw + 1), plane = whole(c) + 4;
        WinogradIn g{.kind = static_cast<WinogradKind>(kind),
                     .row_stride = row,
                     .pixel_stride = pixel,
                     .c = c};
        // The tile begins outside the image, and may lie outside altogether.
        g.top = static_cast<int32_t>(round == 0 ? 0 : integer(0, th));
        g.left = static_cast<int32_t>(round == 0 ? 0 : integer(0, tw));
        g.bottom = static_cast<int32_t>(round == 0 ? th : integer(g.top, th));
        g.right = static_cast<int32_t>(round == 0 ? tw : integer(g.left, tw));
        const int64_t height = g.bottom - g.top, width = g.right - g.left;
        Guarded<float> image(static_cast<size_t>(
            height == 0 || width == 0 ? 0 : (height - 1) * row + (width - 1) * pixel + c));
        Guarded<float> zero(static_cast<size_t>(c));
        Guarded<float> planes(static_cast<size_t>((th * tw - 1) * plane + whole(c)));
        fill_real(image, -1, 1);
        fill_real(zero, 0, 0);
        g.image = image.data();
        g.origin = -g.top * row - g.left * pixel;
        g.zero = zero.data();
        g.planes = planes.data();
        g.plane_stride = plane;
        table().winograd_in(g);
        EXPECT_TRUE(planes.intact());
        for (int64_t ch = 0; ch < c; ++ch) {
          const Matrix d = matrix_of(th, tw, [&](int y, int x) {
            const bool inside = y >= g.top && y < g.bottom && x >= g.left && x < g.right;
            return inside ? image[g.origin + y * row + x * pixel + ch] : 0.0f;
          });
          const Matrix want = both_sides(input_matrix(th), d, input_matrix(tw));
          for (int i = 0; i < th * tw; ++i)
            ASSERT_NEAR(planes[i * plane + ch],
                        want[static_cast<size_t>(i / tw)][static_cast<size_t>(i % tw)], 6e-5)
                << "kind " << kind << " position " << i << " channel " << ch << " of " << c;
        }
        for (int i = 0; i + 1 < th * tw; ++i)
          for (int64_t ch = whole(c); ch < plane; ++ch)
            ASSERT_TRUE(planes.untouched(i * plane + ch));
      }
}

TEST_P(WinogradKernels, Output) {
  for (int kind = 0; kind < kWinogradKinds; ++kind) {
    const WinogradLine h = kWinogradSizes[kind].h, w = kWinogradSizes[kind].w;
    for (int64_t c : {1, 3, 4, 8, 15, 16, 17, 32})
      for (int rows = 0; rows <= h.m; ++rows)
        for (int columns = 1; columns <= w.m; ++columns) {
          const int64_t plane = whole(c) + 8, pixel = c + 1, row = pixel * columns + 3;
          Guarded<float> planes(static_cast<size_t>((h.t * w.t - 1) * plane + whole(c)));
          Guarded<float> bias(static_cast<size_t>(whole(c)));
          Guarded<float> out(
              static_cast<size_t>(rows == 0 ? 0 : (rows - 1) * row + (columns - 1) * pixel + c));
          fill_real(planes, -1, 1);
          fill_real(bias, -1, 1);
          table().winograd_out({.kind = static_cast<WinogradKind>(kind),
                                .planes = planes.data(),
                                .plane_stride = plane,
                                .c = c,
                                .bias = bias.data(),
                                .out = out.data(),
                                .row_stride = row,
                                .pixel_stride = pixel,
                                .rows = rows,
                                .columns = columns,
                                .lo = -2.5f,
                                .hi = 4});
          EXPECT_TRUE(out.intact());
          for (int64_t ch = 0; ch < c; ++ch) {
            const Matrix m = matrix_of(
                h.t, w.t, [&](int y, int x) { return planes[(y * w.t + x) * plane + ch]; });
            const Matrix want = both_sides(output_matrix(h.t, h.m), m, output_matrix(w.t, w.m));
            for (int y = 0; y < rows; ++y)
              for (int x = 0; x < columns; ++x)
                ASSERT_NEAR(out[y * row + x * pixel + ch],
                            std::clamp(want[static_cast<size_t>(y)][static_cast<size_t>(x)] +
                                           double{bias[ch]},
                                       -2.5, 4.0),
                            2e-4)
                    << "kind " << kind << " output " << y << ", " << x << " channel " << ch
                    << " of " << c;
          }
          for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i)
            if (i % row >= columns * pixel || i % row % pixel >= c) {
              ASSERT_TRUE(out.untouched(i)) << i;
            }
        }
  }
}

INSTANTIATE_TEST_SUITE_P(Tiers, WinogradKernels, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
