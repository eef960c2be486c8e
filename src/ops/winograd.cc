// SPDX-License-Identifier: Apache-2.0
#include "ops/winograd.h"

#include <cstdlib>

namespace cygnet::ops {
namespace {

WinogradSizes sizes_of(WinogradKind kind) {
  return kWinogradSizes[static_cast<int>(kind)];
}

constexpr int kMostLine = 8;
constexpr int kMostTaps = 25, kMostPositions = 36;

bool allowed() {
  const char* value = std::getenv("CYGNET_WINOGRAD");
  return value == nullptr || std::strcmp(value, "0") != 0;
}

// ---- Filter

/// Factors of a filter line: position i is Σ_k factor[i][k] · tap k, p_i^k / Π_{l ≠ i} (p_i − p_l),
/// and the last tap at ∞.
struct FilterFactors {
  double factor[kMostLine][kMostLine] = {};

  explicit FilterFactors(const WinogradLine& line) {
    double point[kMostLine] = {};
    const int finite = line.t - 1;
    for (int i = 1; i < finite; ++i)
      point[i] =
          static_cast<double>(kWinogradPoints[line.t / 2 - 2][(i - 1) / 2]) * (i % 2 == 1 ? 1 : -1);
    for (int i = 0; i < finite; ++i) {
      double f = 1;
      for (int l = 0; l < finite; ++l)
        if (l != i) f /= point[i] - point[l];
      for (int k = 0; k < line.r; ++k, f *= point[i]) factor[i][k] = f;
    }
    factor[finite][line.r - 1] = 1;
  }
};

constexpr int kStep = 16;  // input channels that are transformed together

/// Positions [h.t·w.t][kStep] of the taps [h.r·w.r][kStep].
void transform_filter(const WinogradSizes& z, const FilterFactors& h, const FilterFactors& w,
                      const double (*taps)[kStep], float (*positions)[kStep]) {
  double rows[kMostLine][kMostLine][kStep] = {};  // [position][tap]
  for (int i = 0; i < z.h.t; ++i)
    for (int x = 0; x < z.w.r; ++x)
      for (int y = 0; y < z.h.r; ++y)
        for (int c = 0; c < kStep; ++c) rows[i][x][c] += h.factor[i][y] * taps[y * z.w.r + x][c];
  for (int i = 0; i < z.h.t; ++i)
    for (int j = 0; j < z.w.t; ++j) {
      double sum[kStep] = {};
      for (int x = 0; x < z.w.r; ++x)
        for (int c = 0; c < kStep; ++c) sum[c] += w.factor[j][x] * rows[i][x][c];
      for (int c = 0; c < kStep; ++c) positions[i * z.w.t + j][c] = static_cast<float>(sum[c]);
    }
}

/// `columns` filters [h.r, w.r, C] as a block of nr columns for each position.
void pack_columns(const WinogradSizes& z, const float* filter, int64_t c, int64_t columns, int nr,
                  float* out) {
  const FilterFactors h(z.h), w(z.w);
  const int taps = z.h.r * z.w.r;
  const int64_t block = (1 + c) * nr;
  double from[kMostTaps][kStep];
  float to[kMostPositions][kStep];
  for (int64_t c0 = 0; c0 < c; c0 += kStep) {
    const int64_t count = std::min<int64_t>(kStep, c - c0);
    for (int64_t j = 0; j < columns; ++j) {
      for (int t = 0; t < taps; ++t)
        for (int64_t i = 0; i < kStep; ++i)
          from[t][i] = i < count ? static_cast<double>(filter[(j * taps + t) * c + c0 + i]) : 0;
      transform_filter(z, h, w, from, to);
      for (int p = 0; p < z.positions(); ++p)
        for (int64_t i = 0; i < count; ++i) out[p * block + (1 + c0 + i) * nr + j] = to[p][i];
    }
  }
}

/// Channels in whole vectors of the widest tier.
int64_t padded_channels(int64_t c) {
  return (c + 15) / 16 * 16;
}

/// Output channels of a block: at most as many as one of the kernel's, about as many in each.
int64_t block_channels(int64_t m) {
  const int64_t nr = kernels().gemm_f32_nr, blocks = std::max<int64_t>(1, (m + nr - 1) / nr);
  return std::min(nr, padded_channels((m + blocks - 1) / blocks));
}

Status transform_weights(OpContext& op, const Tensor& source, const Tensor& filter,
                         const Tensor* bias, Winograd* s) {
  const WinogradSizes z = sizes_of(s->kind);
  const int nr = kernels().gemm_f32_nr;
  const int64_t m = filter.shape[0], c = filter.shape[3], width = block_channels(m),
                blocks = (m + width - 1) / width, block = z.positions() * (1 + c) * nr;
  const auto bytes = static_cast<size_t>(blocks * block) * sizeof(float),
             bias_bytes = static_cast<size_t>(blocks * nr) * sizeof(float),
             zero_bytes = static_cast<size_t>(c) * sizeof(float);
  const int64_t column = int64_t{z.h.r} * z.w.r * c;
  PackKey key("winograd", source);
  key.number(static_cast<int>(s->kind)).number(m).number(c);
  const uint8_t* weights = op.packed(key, bytes, [&](uint8_t* packed) {
    op.parallel_for(blocks, [&](int64_t begin, int64_t end, int) {
      for (int64_t b = begin; b < end; ++b)
        pack_columns(z, filter.as<float>() + b * width * column, c, std::min(width, m - b * width),
                     nr, reinterpret_cast<float*>(packed) + b * block);
    });
  });
  auto* padded = static_cast<float*>(op.allocate(bias_bytes));
  s->zero = static_cast<float*>(op.allocate(zero_bytes));
  if (weights == nullptr || padded == nullptr || s->zero == nullptr)
    return out_of_memory("packed weights", bytes + bias_bytes + zero_bytes);
  if (bias != nullptr) std::memcpy(padded, bias->data, static_cast<size_t>(m) * sizeof(float));
  s->weights = reinterpret_cast<const float*>(weights);
  s->bias = padded;
  return {};
}

// ---- Choice

/// Sub-grids of one dimension that have outputs, and the tiles of the first of them.
int64_t grids_of(const WindowDim& d) {
  return std::min(d.dilation, d.out);
}
int64_t tiles_of(const WindowDim& d, int32_t m) {
  const int64_t positions = (int64_t{d.out} + d.dilation - 1) / d.dilation;
  return (positions + m - 1) / m;
}
int64_t all_tiles(const ConvGeometry& g, int64_t batch, const WinogradSizes& z) {
  return batch * grids_of(g.h) * grids_of(g.w) * tiles_of(g.h, z.h.m) * tiles_of(g.w, z.w.m);
}

/// What a run costs, in cycles of a core with two multiply-adds a cycle whose memory gives kBytes
/// bytes in one; products and the reading of weights overlap for the most part.
double cost(double products, double other, double weight_bytes) {
  constexpr double kBytes = 5, kAlone = 0.3;
  const double busy = products / 2 + other, wait = weight_bytes / kBytes;
  return std::max(busy, wait) + kAlone * std::min(busy, wait);
}

double direct_cost(const ConvGeometry& g, int64_t batch, const Tensor& filter, int lanes) {
  const auto columns = static_cast<double>((filter.shape[0] + lanes - 1) / lanes);
  const double depth = static_cast<double>(g.taps() * filter.shape[3]);
  return cost(static_cast<double>(batch * g.pixels()) * depth * columns, 0,
              4 * depth * filter.shape[0]);
}

double winograd_cost(const ConvGeometry& g, int64_t batch, const Tensor& filter, int lanes,
                     WinogradKind kind) {
  // Cycles of the transforms of one vector of one position.
  constexpr double kInput = 4, kOutput = 4;
  const WinogradSizes z = sizes_of(kind);
  const auto tiles = static_cast<double>(all_tiles(g, batch, z)),
             columns = static_cast<double>((filter.shape[0] + lanes - 1) / lanes),
             inputs = static_cast<double>((filter.shape[3] + lanes - 1) / lanes);
  const double positions = z.positions(), c = filter.shape[3];
  return cost(tiles * positions * c * columns,
              tiles * positions * (kInput * inputs + kOutput * columns),
              4 * positions * c * filter.shape[0]);
}

/// Whether minimal filtering is faster, and which kind.
bool choose(const ConvGeometry& g, int64_t batch, const Tensor& filter, Winograd* s) {
  constexpr double kGain = 1.15;  // wanted, for it rounds more and takes more memory
  constexpr int kChannels = 16;   // at least: with fewer the transforms cost too much
  if (g.h.stride != 1 || g.w.stride != 1 || filter.shape[0] < kChannels ||
      filter.shape[3] < kChannels)
    return false;
  const int lanes = std::min(kernels().gemm_f32_nr / 2, 16);
  double best = direct_cost(g, batch, filter, lanes) / kGain;
  bool faster = false;
  for (int i = 0; i < kWinogradKinds; ++i) {
    const WinogradSizes& z = kWinogradSizes[i];
    if (z.h.r != g.h.filter || z.w.r != g.w.filter) continue;
    const auto kind = static_cast<WinogradKind>(i);
    const double time = winograd_cost(g, batch, filter, lanes, kind);
    if (time >= best) continue;
    best = time;
    s->kind = kind;
    faster = true;
  }
  return faster;
}

/// Cuts the work into blocks whose positions stay in the second-level cache; each reads all weights
/// once.
void set_tiles(const OpContext& op, const ConvGeometry& g, int64_t batch, int64_t c, Winograd* s) {
  constexpr int64_t kLeast = 24;  // tiles of a block, for the weights' sake
  const WinogradSizes z = sizes_of(s->kind);
  const int nr = kernels().gemm_f32_nr;
  const int64_t positions = z.positions(), threads = op.threads();
  s->rows = tiles_of(g.h, z.h.m);
  s->columns = tiles_of(g.w, z.w.m);
  s->grid_rows = grids_of(g.h);
  s->grid_columns = grids_of(g.w);
  s->tiles = all_tiles(g, batch, z);
  s->plane_stride = padded_channels(c);
  s->tile_stride = positions * s->plane_stride + 16;  // + a line, lest tiles meet in the cache
  const int64_t cache_bytes = (nr >= 32 ? 768 : 256) * 1024,
                room = cache_bytes / (4 * positions * (s->plane_stride + nr)),
                most = std::max(room, kLeast), blocks = (s->tiles + most - 1) / most;
  s->split_columns = blocks < threads;
  const int64_t even = s->split_columns ? blocks : (blocks + threads - 1) / threads * threads;
  s->block = even == 0 ? 0 : (s->tiles + even - 1) / even;
}

}  // namespace

Status prepare_winograd(OpContext& op, const ConvGeometry& g, const Tensor& x, const Tensor& filter,
                        const Tensor* bias, Winograd* s) {
  if (!allowed() || x.shape[3] != filter.shape[3] || !choose(g, x.shape[0], filter, s)) return {};
  set_tiles(op, g, x.shape[0], x.shape[3], s);
  CYGNET_TRY(transform_weights(op, op.input(1), filter, bias, s));
  const int64_t positions = sizes_of(s->kind).positions(), threads = op.threads();
  const int64_t inputs = (s->split_columns ? 1 : threads) * s->block * s->tile_stride,
                products = threads * s->block * positions * kernels().gemm_f32_nr;
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(inputs) * sizeof(float), &s->inputs));
  CYGNET_TRY(op.request_scratch(static_cast<size_t>(products) * sizeof(float), &s->products));
  s->used = true;
  return {};
}

namespace {

// ---- Running

/// One run of the operator.
struct Run {
  const ConvGeometry& g;
  const Winograd& s;
  const Tensor& x;
  const Clamp<float>& clamp;
  Tensor& y;
  WinogradSizes z;
};

/// Where a tile lies: image, first position of the sub-grid, first output of the tile in it.
struct Place {
  int64_t image, start_y, start_x, y, x;
};
Place place_of(const Run& r, int64_t tile) {
  Place p;
  p.x = tile % r.s.columns * r.z.w.m;
  tile /= r.s.columns;
  p.y = tile % r.s.rows * r.z.h.m;
  tile /= r.s.rows;
  p.start_x = tile % r.s.grid_columns;
  tile /= r.s.grid_columns;
  p.start_y = tile % r.s.grid_rows;
  p.image = tile / r.s.grid_rows;
  return p;
}

/// Positions of a tile, the first at `first` of the input, that lie inside: [*begin, *end).
void inside(const WindowDim& d, int64_t first, int32_t t, int32_t* begin, int32_t* end) {
  WindowDim line = d;
  line.filter = t;
  line.pad = 0;
  line.stride = 1;
  line.inside(first, begin, end);
}

void transform_input(const Run& r, int64_t tile, float* planes) {
  const Place p = place_of(r, tile);
  const int64_t c = r.x.shape[3], w = r.x.shape[2], h = r.x.shape[1];
  const int64_t y = p.start_y - r.g.h.pad + p.y * r.g.h.dilation,
                x = p.start_x - r.g.w.pad + p.x * r.g.w.dilation;
  WinogradIn in{.kind = r.s.kind,
                .image = r.x.as<float>() + p.image * h * w * c,
                .origin = (y * w + x) * c,
                .row_stride = r.g.h.dilation * w * c,
                .pixel_stride = r.g.w.dilation * c,
                .c = c,
                .zero = r.s.zero,
                .planes = planes,
                .plane_stride = r.s.plane_stride};
  inside(r.g.h, y, r.z.h.t, &in.top, &in.bottom);
  inside(r.g.w, x, r.z.w.t, &in.left, &in.right);
  kernels().winograd_in(in);
}

/// Outputs of a tile in one dimension that exist.
int32_t outputs(const WindowDim& d, int64_t start, int64_t first, int32_t m) {
  const int64_t left = d.out - start - first * d.dilation;
  return static_cast<int32_t>(
      left <= 0 ? 0 : std::min<int64_t>(m, (left + d.dilation - 1) / d.dilation));
}

void transform_output(const Run& r, int64_t tile, const float* planes, int64_t j, int64_t columns) {
  const Place p = place_of(r, tile);
  const int64_t m = r.y.shape[3], w = r.y.shape[2];
  const int64_t y = p.start_y + p.y * r.g.h.dilation, x = p.start_x + p.x * r.g.w.dilation;
  kernels().winograd_out({.kind = r.s.kind,
                          .planes = planes,
                          .plane_stride = kernels().gemm_f32_nr,
                          .c = columns,
                          .bias = r.s.bias + j,
                          .out = r.y.as<float>() + ((p.image * r.y.shape[1] + y) * w + x) * m + j,
                          .row_stride = r.g.h.dilation * w * m,
                          .pixel_stride = r.g.w.dilation * m,
                          .rows = outputs(r.g.h, p.start_y, p.y, r.z.h.m),
                          .columns = outputs(r.g.w, p.start_x, p.x, r.z.w.m),
                          .lo = r.clamp.low,
                          .hi = r.clamp.high});
}

/// Block `b` of the output channels of `count` tiles from `first`, whose input positions are there.
void multiply(const Run& r, int64_t b, int64_t first, int64_t count, const float* inputs,
              float* products) {
  const int nr = kernels().gemm_f32_nr;
  const int64_t c = r.x.shape[3], width = block_channels(r.y.shape[3]), j = b * width,
                columns = std::min(width, r.y.shape[3] - j);
  const int positions = r.z.positions();
  const float* weights = r.s.weights + b * positions * (1 + c) * nr;
  const int64_t whole = (columns + 15) / 16 * 16;  // as WinogradOut reads them
  for (int p = 0; p < positions; ++p)
    kernels().gemm_f32({.a = inputs + p * r.s.plane_stride,
                        .a_stride = r.s.tile_stride,
                        .m = count,
                        .n = std::min<int64_t>(whole, nr),
                        .k = c,
                        .weights = weights + p * (1 + c) * nr,
                        .out = products + p * nr,
                        .out_stride = int64_t{positions} * nr,
                        .lo = -std::numeric_limits<float>::infinity(),
                        .hi = std::numeric_limits<float>::infinity()});
  for (int64_t i = 0; i < count; ++i)
    transform_output(r, first + i, products + i * positions * nr, j, columns);
}

}  // namespace

void invoke_winograd(OpContext& op, const ConvGeometry& g, const Winograd& s, const Tensor& x,
                     const Clamp<float>& clamp, Tensor* y) {
  const Run r{g, s, x, clamp, *y, sizes_of(s.kind)};
  const int nr = kernels().gemm_f32_nr;
  const int64_t width = block_channels(y->shape[3]),
                channel_blocks = (y->shape[3] + width - 1) / width,
                blocks = s.tiles == 0 ? 0 : (s.tiles + s.block - 1) / s.block,
                product_size = s.block * r.z.positions() * nr;
  auto* inputs = op.scratch<float>(s.inputs);
  auto* products = op.scratch<float>(s.products);
  if (!s.split_columns) {
    op.parallel_for(blocks, [&](int64_t begin, int64_t end, int thread) {
      float* own = inputs + thread * s.block * s.tile_stride;
      for (int64_t block = begin; block < end; ++block) {
        const int64_t first = block * s.block, count = std::min(s.block, s.tiles - first);
        for (int64_t i = 0; i < count; ++i) transform_input(r, first + i, own + i * s.tile_stride);
        for (int64_t b = 0; b < channel_blocks; ++b)
          multiply(r, b, first, count, own, products + thread * product_size);
      }
    });
    return;
  }
  for (int64_t first = 0; first < s.tiles; first += s.block) {
    const int64_t count = std::min(s.block, s.tiles - first);
    op.parallel_for(count, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        transform_input(r, first + i, inputs + i * s.tile_stride);
    });
    op.parallel_for(channel_blocks, [&](int64_t begin, int64_t end, int thread) {
      for (int64_t b = begin; b < end; ++b)
        multiply(r, b, first, count, inputs, products + thread * product_size);
    });
  }
}

}  // namespace cygnet::ops
