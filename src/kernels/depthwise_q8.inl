// SPDX-License-Identifier: Apache-2.0
// 8-bit depthwise convolution of rows; see DepthwiseQ8. The bytes of up to four rows of a column
// of the image are interleaved once and multiplied with the filter's column of each output that
// they belong to. Needs depthwise_f32.inl, depthwise_blocks.inl and simd/wide_*.inl.

/// The rows of the image under the filter, a multiple of four of them, and where the results begin.
struct DwRows {
  const uint8_t* const* first;
  const int64_t* masks;  ///< 0 for rows of padding, which have one pixel only
  int64_t out;           ///< elements
  const uint8_t* at(int64_t r, int64_t offset) const { return first[r] + (offset & masks[r]); }
};

/// What the kernels of a block read: sums to start with, scales, offsets and limits, weights.
template <class W>
struct DwBlock {
  using V = typename W::V;
  static constexpr int64_t kVectorBytes = W::kBytes * (kWideWords ? 2 : 1);  ///< of weights
  int64_t start, count;
  const uint8_t* weights;
  int64_t sets, set_bytes;
  V first[4];
  alignas(64) float scale[W::kBytes];
  const float* offset;
  WideLimits<W> limits;
};

/// The bytes at p[0] … p[R − 1], interleaved.
template <class W, int R, bool Whole>
[[gnu::always_inline]] inline void dw_interleave(const uint8_t* const* p, int64_t count,
                                                 typename W::V flip,
                                                 typename WideOperands<W>::A* out) {
  using V = typename W::V;
  const auto read = [&](int r) { return (Whole ? W::load(p[r]) : W::load_n(p[r], count)) ^ flip; };
  const V r0 = read(0), r1 = R > 1 ? read(1) : r0, r2 = R > 2 ? read(2) : r0,
          r3 = R > 3 ? read(3) : r2;
  const V lo01 = W::lo8(r0, r1), hi01 = W::hi8(r0, r1);
  const V lo23 = R > 2 ? W::lo8(r2, r3) : lo01, hi23 = R > 2 ? W::hi8(r2, r3) : hi01;
  out[0] = WideOperands<W>::activations(W::lo16(lo01, lo23));
  out[1] = WideOperands<W>::activations(W::hi16(lo01, lo23));
  out[2] = WideOperands<W>::activations(W::lo16(hi01, hi23));
  out[3] = WideOperands<W>::activations(W::hi16(hi01, hi23));
}

/// Sums of a pixel, scaled and with the offset, to float results.
template <class W>
[[gnu::noinline]] void dw_finish_real(const DepthwiseQ8& g, const DwBlock<W>& b,
                                      const typename W::V* acc, int64_t at) {
  using FV = typename W::Floats;
  float reals[W::kBytes];
  for (int i = 0; i < 4; ++i) {
    FV scale, offset;
    __builtin_memcpy(&scale, b.scale + i * W::kBytes / 4, sizeof scale);
    __builtin_memcpy(&offset, b.offset + i * W::kBytes / 4, sizeof offset);
    FV v = __builtin_convertvector(reinterpret_cast<typename W::Ints>(acc[i]), FV) * scale + offset;
    const FV lo = g.real_lo - FV{}, hi = g.real_hi - FV{};
    v = v < lo ? lo : v;
    v = hi < v ? hi : v;
    for (int lane = 0; lane < W::kBytes / 16; ++lane)
      __builtin_memcpy(reals + 16 * lane + 4 * i, reinterpret_cast<const char*>(&v) + 16 * lane,
                       16);
  }
  __builtin_memcpy(static_cast<float*>(g.out) + at, reals, static_cast<size_t>(b.count) * 4);
}

/// Sums of a pixel to 8-bit results; limited only by int8 and of that type where not kLimited.
template <class W, bool kLimited = true>
[[gnu::always_inline]] inline typename W::V dw_bytes(const DwBlock<W>& b,
                                                     const typename W::V* acc) {
  typename W::V v[4];
  for (int i = 0; i < 4; ++i) {
    typename W::Floats scale;
    __builtin_memcpy(&scale, b.scale + i * W::kBytes / 4, sizeof scale);
    v[i] = W::to_int(
        __builtin_convertvector(reinterpret_cast<typename W::Ints>(acc[i]), typename W::Floats) *
        scale);
  }
  return W::template narrow<kLimited>(v[0], v[1], v[2], v[3], b.limits);
}

/// Sums of a pixel to results. Usual: those are 8-bit.
template <class W, bool Whole, bool Usual>
[[gnu::always_inline]] inline void dw_finish(const DepthwiseQ8& g, const DwBlock<W>& b,
                                             const typename W::V* acc, int64_t at) {
  using V = typename W::V;
  if (!Usual && g.real) {
    const V sums[4] = {acc[0], acc[1], acc[2], acc[3]};
    return dw_finish_real<W>(g, b, sums, at);
  }
  const V bytes = dw_bytes<W>(b, acc);
  uint8_t* out = static_cast<uint8_t*>(g.out) + at;
  if (Whole || b.count == W::kBytes) {
    W::store(out, bytes);
  } else {
    W::store_n(out, bytes, b.count);
  }
}

/// Filters of K×K, S columns from an output to the next of the run: each column is interleaved once
/// for all outputs. acc[a] belongs to the output a before the newest one. Usual: 8-bit results, one
/// set of weights.
template <class W, int K, int S, bool Whole, bool Usual>
[[gnu::noinline]] void dw_q8_square(const DepthwiseQ8& g, const DwRows& rows, const DwRun& run,
                                    const DwBlock<W>& b) {
  using V = typename W::V;
  using Ops = WideOperands<W>;
  constexpr int kOlder = (K - 1) / S, kLastPhase = (K - 1) % S;
  const V flip = W::set8(g.flip);
  const typename Ops::A outside = Ops::activations(W::set8(g.zero ^ g.flip));
  constexpr bool kHold = kWideVnni && K == 3;  // weights in registers
  typename Ops::B held[kHold ? 4 * K : 1];
  for (int i = 0; kHold && i < 4 * K; ++i) held[i] = Ops::weights(b.weights + i * b.kVectorBytes);
  V acc[kOlder + 1][4] = {};
  int64_t x = run.x, at = rows.out + run.out + b.start;
  for (int64_t m = 0; m < run.pixels + kOlder; ++m) {
    for (int i = 0; i < 4; ++i) acc[0][i] = b.first[i];
    for (int phase = 0; phase < S; ++phase, x += run.step) {
      const bool inside = x >= 0 && x < g.w;
      const int64_t pixel = x * g.c + b.start;
      for (int r = 0; r < K; r += 4) {
        typename Ops::A v[4] = {outside, outside, outside, outside};
        if (inside) {
          constexpr int kRest = K % 4;
          const uint8_t* p[4];
          for (int i = 0; i < 4 && r + i < K; ++i) p[i] = rows.at(r + i, pixel);
          if (r + 4 <= K) {
            dw_interleave<W, 4, Whole>(p, b.count, flip, v);
          } else {
            dw_interleave<W, kRest, Whole>(p, b.count, flip, v);
          }
        }
        const int64_t at_column = (r / 4 * K + phase) * 4;
        for (int a = 0; phase + S * a < K; ++a) {
          for (int i = 0; i < 4; ++i) {
            const int64_t n = at_column + S * a * 4 + i;
            acc[a][i] = Ops::dot(acc[a][i], v[i],
                                 kHold ? held[n] : Ops::weights(b.weights + n * b.kVectorBytes));
          }
        }
        if (Usual || kWideWords || b.sets == 1) continue;
        for (int a = 0; phase + S * a < K; ++a) {
          const uint8_t* w = b.weights + b.set_bytes + (at_column + S * a * 4) * b.kVectorBytes;
          for (int i = 0; i < 4; ++i)
            acc[a][i] = Ops::dot(acc[a][i], v[i], Ops::weights(w + i * b.kVectorBytes));
        }
      }
      if (phase == kLastPhase && m >= kOlder) {
        dw_finish<W, Whole, Usual>(g, b, acc[kOlder], at);
        at += run.out_step;
      }
    }
    for (int a = kOlder; a > 0; --a) {
      for (int i = 0; i < 4; ++i) acc[a][i] = acc[a - 1][i];
    }
  }
}

/// Any filter; `stride` columns from an output to the next.
template <class W, bool Whole>
[[gnu::noinline]] void dw_q8_any(const DepthwiseQ8& g, const DwRows& rows, const DwBlock<W>& b) {
  using V = typename W::V;
  using Ops = WideOperands<W>;
  const V flip = W::set8(g.flip);
  const typename Ops::A outside = Ops::activations(W::set8(g.zero ^ g.flip));
  for (int64_t m = 0; m < g.pixels; ++m) {
    V acc[4];
    for (int i = 0; i < 4; ++i) acc[i] = b.first[i];
    const uint8_t* w = b.weights;
    for (int64_t r = 0; r < g.kh; r += 4) {
      int64_t x = m * g.stride - g.pad;
      for (int64_t kx = 0; kx < g.kw; ++kx, x += g.dilation) {
        typename Ops::A v[4] = {outside, outside, outside, outside};
        if (x >= 0 && x < g.w) {
          const int64_t pixel = x * g.c + b.start;
          const uint8_t* p[4];
          for (int i = 0; i < 4; ++i) p[i] = rows.at(r + i, pixel);
          dw_interleave<W, 4, Whole>(p, b.count, flip, v);
        }
        for (int i = 0; i < 4; ++i, w += b.kVectorBytes) {
          acc[i] = Ops::dot(acc[i], v[i], Ops::weights(w));
          if (!kWideWords && b.sets > 1)
            acc[i] = Ops::dot(acc[i], v[i], Ops::weights(w + b.set_bytes));
        }
      }
    }
    dw_finish<W, Whole, false>(g, b, acc, rows.out + m * g.out_stride + b.start);
  }
}

template <class W, int K, bool Whole>
void dw_q8_runs(const DepthwiseQ8& g, const DwRows& rows, const DwBlock<W>& b) {
  const DwClasses of = dw_classes(g);
  if (of.columns > 2) return dw_q8_any<W, Whole>(g, rows, b);
  auto* square =
      of.columns == 1 ? dw_q8_square<W, K, 1, Whole, false> : dw_q8_square<W, K, 2, Whole, false>;
  if constexpr (kWideVnni) {
    const bool usual = !g.real && b.sets == 1;
    if (usual && of.columns == 2) square = dw_q8_square<W, K, 2, Whole, true>;
    if (K == 3 && usual && of.columns == 1) square = dw_q8_square<W, K, 1, Whole, K == 3>;
  }
  for (int64_t first = 0; first < of.classes; ++first) square(g, rows, dw_run(g, of, first), b);
}

#if defined(__AVX512VNNI__)
#include "kernels/depthwise_pairs.inl"
#endif

template <class W, bool Whole>
void dw_q8_block(const DepthwiseQ8& g, const DwRows& rows, const DepthwiseBlock& block,
                 const uint8_t* packed) {
  using FV = typename W::Floats;
  DwBlock<W> b;
  b.start = block.start;
  b.count = block.count;
  b.sets = 1 + packed[0];
  packed += 64;
  for (int i = 0; i < 4; ++i)
    b.first[i] = W::mul32(W::load(packed + i * W::kBytes), W::set32(g.first_factor));
  packed += 4 * W::kBytes;
  for (int i = 0; i < 4; ++i) {
    FV scale;
    __builtin_memcpy(&scale, packed + i * W::kBytes, sizeof scale);
    scale *= g.scale;
    __builtin_memcpy(b.scale + i * W::kBytes / 4, &scale, sizeof scale);
  }
  b.offset = reinterpret_cast<const float*>(packed + 4 * W::kBytes);
  b.weights = packed + 8 * W::kBytes;
  const int shift = g.flip == 0 ? 128 : 0;  // results are narrowed to int8
  b.limits = {W::set16(g.zero_point - shift), W::set8(g.lo - shift), W::set8(g.hi - shift),
              W::set8(shift)};
  b.set_bytes = (g.kh + 3) / 4 * g.kw * 4 * b.kVectorBytes;
#if defined(__AVX512VNNI__)
  if constexpr (W::kBytes == 32) {
    if (dw_q8_by_pixels(g, b.sets)) return dw_q8_pixel_rows(g, rows, b);
  }
#endif
  int64_t r = 0;
#if defined(__AVX512VNNI__)
  if constexpr (W::kBytes == 64 && Whole) {
    if (dw_q8_by_pairs(g, b.sets)) r = dw_q8_row_pairs(g, rows, b);
  }
#endif
  for (; r < g.out_rows; ++r) {
    const DwRows row{rows.first + r * g.row_step, rows.masks + r * g.row_step, r * g.out_row};
    if constexpr (kWideUnrolled && (Whole || W::kBytes > 16)) {
      if (g.kh == 3 && g.kw == 3) {
        dw_q8_runs<W, 3, Whole>(g, row, b);
        continue;
      }
      if (g.kh == 5 && g.kw == 5) {
        dw_q8_runs<W, 5, Whole>(g, row, b);
        continue;
      }
    }
    dw_q8_any<W, Whole>(g, row, b);
  }
}

constexpr int64_t kDwQ8Rows = 4, kDwQ8Step = 2;

/// At most kDwQ8Rows rows of outputs, those of the image at most kDwQ8Step from one to the next.
void dw_q8_rows(const DepthwiseQ8& g, const uint8_t* padding) {
  constexpr int kFull = WideFull::kBytes;
  const uint8_t* first[kMaxDepthwiseTaps + kDwQ8Rows * kDwQ8Step + 3];
  int64_t masks[kMaxDepthwiseTaps + kDwQ8Rows * kDwQ8Step + 3];
  const int64_t lines = (g.out_rows - 1) * g.row_step + g.kh;
  // Beyond the filter's rows weights are 0: whatever can be read does.
  for (int64_t r = 0; r < lines + 3; ++r) {
    const uint8_t* from = r < lines ? g.rows[r] : nullptr;
    first[r] = from != nullptr ? from : padding;
    masks[r] = from != nullptr ? -1 : 0;
  }
  const DwRows rows{first, masks, 0};
  const auto* packed = static_cast<const uint8_t*>(g.weights);
  for (int64_t c = 0; c < g.c;) {
    const DepthwiseBlock block = depthwise_block(g.c, c, kFull);
    if (block.width == kFull && block.count == kFull) {
      dw_q8_block<WideFull, true>(g, rows, block, packed);
    } else if (kFull == 32 && block.count == block.width) {
      dw_q8_block<WideHalf, kFull == 32>(g, rows, block, packed);
    } else {
      dw_q8_block<WideHalf, false>(g, rows, block, packed);
    }
    packed += depthwise_block_bytes(block.width, g.kh, g.kw, kWideWords, g.two_sets);
    c = block.start + block.count;
  }
}

[[maybe_unused]] void depthwise_q8(const DepthwiseQ8& g) {
  uint8_t padding[WideFull::kBytes];
  for (uint8_t& byte : padding) byte = g.zero;
  DepthwiseQ8 part = g;
  for (int64_t done = 0; done < g.out_rows; done += part.out_rows) {
    const int64_t most = g.row_step <= kDwQ8Step ? kDwQ8Rows : 1;
    part.out_rows = g.out_rows - done < most ? g.out_rows - done : most;
    part.rows = g.rows + done * g.row_step;
    part.out = static_cast<uint8_t*>(g.out) + done * g.out_row * (g.real ? 4 : 1);
    dw_q8_rows(part, padding);
  }
}
