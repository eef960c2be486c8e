// SPDX-License-Identifier: Apache-2.0
// AudioSpectrogram, a custom operator: samples x [N, C] of C channels → y [C, F, n/2 + 1], the
// magnitude of the Fourier transform of F = 1 + (N − window)/stride windows (0 if N < window), each
// times a periodic Hann window and filled with zeros to n, the next power of two:
//   y[c, f, v] = |Σ_j x[f·stride + j, c]·(1 − cos(2πj/window))/2·e^(−2πi·v·j/n)|,
// or its square with magnitude_squared. Types: f32, computed in double. Options, a FlexBuffers map:
// window_size, stride, magnitude_squared. Sources: tensorflow/lite/kernels/audio_spectrogram.cc,
// internal/spectrogram.cc.
#include <bit>

#include "ops/check.h"
#include "ops/fft.h"
#include "ops/flex_integer.h"

namespace cygnet::ops {
namespace {

struct Options {
  int64_t window = 0, stride = 0;
  bool squared = false;
  int64_t length() const {
    return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(window)));
  }
};

struct SpectrogramState {
  Options options;
  double* window = nullptr;     // [window]
  Complex128* roots = nullptr;  // of length n
  int line = -1;                // scratch: Complex128 [n]
};

Status read_options(const OpContext& op, Options* out) {
  constexpr int64_t kMost = 1 << 24;
  FlexMap map;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &map));
  CYGNET_TRY(flex_integer(map, "window_size", 2, kMost, &out->window));
  CYGNET_TRY(flex_integer(map, "stride", 1, INT32_MAX, &out->stride));
  int64_t squared = 0;
  CYGNET_TRY(flex_integer(map, "magnitude_squared", 0, 1, &squared));
  out->squared = squared != 0;
  return {};
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", x, 2));
  Options options;
  CYGNET_TRY(read_options(op, &options));
  const int64_t samples = x.shape[0];
  const int64_t windows =
      samples < options.window ? 0 : 1 + (samples - options.window) / options.stride;
  return op.set_output(0, {x.shape[1], static_cast<int32_t>(windows),
                           static_cast<int32_t>(options.length() / 2 + 1)});
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<SpectrogramState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(SpectrogramState));
  CYGNET_TRY(read_options(op, &s->options));
  const int64_t window = s->options.window, n = s->options.length();
  const auto window_bytes = static_cast<size_t>(window) * sizeof(double),
             line_bytes = static_cast<size_t>(n) * sizeof(Complex128);
  s->window = static_cast<double*>(op.allocate(window_bytes));
  s->roots = static_cast<Complex128*>(op.allocate(line_bytes / 2));
  if (s->window == nullptr || s->roots == nullptr) return out_of_memory("window", line_bytes);
  constexpr double kTurn = 6.283185307179586476925;
  for (int64_t j = 0; j < window; ++j)
    s->window[j] =
        0.5 - 0.5 * std::cos(kTurn * static_cast<double>(j) / static_cast<double>(window));
  fill_roots(n, s->roots);
  return op.request_scratch(line_bytes, &s->line);
}

Status invoke(OpContext& op) {
  const SpectrogramState& s = op.state<SpectrogramState>();
  const Tensor& x = op.input(0);
  const int64_t n = s.options.length(), channels = x.shape[1], windows = op.output(0).shape[1];
  auto* line = op.scratch<Complex128>(s.line);
  float* y = op.output(0).as<float>();
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t f = 0; f < windows && !op.stopped(); ++f) {
      const float* from = x.as<float>() + f * s.options.stride * channels + c;
      for (int64_t j = 0; j < n; ++j)
        line[j] = {
            j < s.options.window ? static_cast<double>(from[j * channels]) * s.window[j] : 0.0,
            0.0};
      transform(line, n, s.roots, n);
      for (int64_t v = 0; v <= n / 2; ++v) {
        const auto power = static_cast<float>(line[v].re * line[v].re + line[v].im * line[v].im);
        *y++ = s.options.squared ? power : std::sqrt(power);
      }
    }
  return {};
}

}  // namespace

extern const OpDef kAudioSpectrogram;
extern const OpDef kAudioSpectrogram = {
    .name = "AudioSpectrogram", .infer = infer, .prepare = prepare, .invoke = invoke};

}  // namespace cygnet::ops
