// SPDX-License-Identifier: Apache-2.0
// Mfcc, a custom operator: mel-frequency cepstral coefficients y [C, F, D] of squared spectra
// x [C, F, N], whose N bins reach from 0 to half the sample rate (input 1, one int32).
// The magnitudes are summed under B triangles that are evenly spaced in mel, 1127·ln(1 + hz/700),
// between two frequencies; each bin counts for the two triangles that it lies in. Then the cosine
// transform of the logarithms: y[d] = √(2/B)·Σ_b ln(max(sum[b], 1e−12))·cos(π·d·(b + 1/2)/B).
// Where the upper frequency lies above the spectrum, y is 0. Types: f32, computed in double.
// Options, a FlexBuffers map: upper_frequency_limit, lower_frequency_limit (whole numbers of Hz),
// filterbank_channel_count (B), dct_coefficient_count (D ≤ B). Sources:
// tensorflow/lite/kernels/mfcc.cc, internal/mfcc.cc, mfcc_mel_filterbank.cc, mfcc_dct.cc.
#include <algorithm>
#include <cmath>

#include "ops/check.h"
#include "ops/flex_integer.h"

namespace cygnet::ops {
namespace {

struct Options {
  int64_t upper = 0, lower = 0, bands = 0, coefficients = 0;
};

struct MfccState {
  Options options;
  double* cosines = nullptr;  // [D][B]
  int centers = -1;           // scratch: double [B + 1] in mel
  int sums = -1;              // scratch: double [B]
  int bands = -1;             // scratch: int32 [N], the triangle that falls in the bin, −1: none
  int falling = -1;           // scratch: double [N], the bin's part of it
};

Status read_options(const OpContext& op, Options* out) {
  constexpr int64_t kMostHertz = 1'000'000'000, kMostBands = 1 << 20;
  FlexMap map;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &map));
  CYGNET_TRY(flex_integer(map, "lower_frequency_limit", 0, kMostHertz, &out->lower));
  CYGNET_TRY(
      flex_integer(map, "upper_frequency_limit", out->lower + 1, kMostHertz + 1, &out->upper));
  CYGNET_TRY(flex_integer(map, "filterbank_channel_count", 1, kMostBands, &out->bands));
  return flex_integer(map, "dct_coefficient_count", 1, out->bands, &out->coefficients);
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &rate = op.input(1);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("input 1 (sample rate)", rate, {Type::int32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", x, 3));
  CYGNET_TRY(expect_elements("input 1 (sample rate)", rate, 1));
  if (x.shape[2] < 2)
    return bad_model("input 0: expected at least 2 bins, got %s", shape_text(x.shape).text);
  Options options;
  CYGNET_TRY(read_options(op, &options));
  return op.set_output(0, {x.shape[0], x.shape[1], static_cast<int32_t>(options.coefficients)});
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<MfccState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(MfccState));
  CYGNET_TRY(read_options(op, &s->options));
  const int64_t b = s->options.bands, d = s->options.coefficients;
  const auto bins = static_cast<size_t>(op.input(0).shape[2]), bands = static_cast<size_t>(b);
  const size_t bytes = static_cast<size_t>(d * b) * sizeof(double);
  s->cosines = static_cast<double*>(op.allocate(bytes));
  if (s->cosines == nullptr) return out_of_memory("cosines", bytes);
  constexpr double kPi = 3.141592653589793238463;
  const double norm = std::sqrt(2.0 / static_cast<double>(b)), step = kPi / static_cast<double>(b);
  for (int64_t i = 0; i < d; ++i)
    for (int64_t j = 0; j < b; ++j)
      s->cosines[i * b + j] =
          norm * std::cos(static_cast<double>(i) * step * (static_cast<double>(j) + 0.5));
  CYGNET_TRY(op.request_scratch((bands + 1) * sizeof(double), &s->centers));
  CYGNET_TRY(op.request_scratch(bands * sizeof(double), &s->sums));
  CYGNET_TRY(op.request_scratch(bins * sizeof(int32_t), &s->bands));
  return op.request_scratch(bins * sizeof(double), &s->falling);
}

double to_mel(double hertz) {
  return 1127.0 * std::log1p(hertz / 700.0);
}

// The bins [first, last] that count, and what each counts for.
class Filterbank {
 public:
  Filterbank(OpContext& op, const MfccState& s, int32_t rate)
      : count_(s.options.bands),
        bins_(op.input(0).shape[2]),
        bands_(op.scratch<int32_t>(s.bands)),
        falling_(op.scratch<double>(s.falling)) {
    const double hertz = 0.5 * rate / static_cast<double>(bins_ - 1);
    const double low = to_mel(static_cast<double>(s.options.lower)),
                 high = to_mel(static_cast<double>(s.options.upper));
    auto* centers = op.scratch<double>(s.centers);
    const double spacing = (high - low) / static_cast<double>(count_ + 1);
    for (int64_t i = 0; i <= count_; ++i) centers[i] = low + spacing * static_cast<double>(i + 1);
    // The bin of frequency 0 never counts.
    const auto bin = [&](double x) {
      return static_cast<int64_t>(std::min(x, static_cast<double>(bins_)));
    };
    first_ = bin(1.5 + static_cast<double>(s.options.lower) / hertz);
    last_ = bin(static_cast<double>(s.options.upper) / hertz);
    int64_t next = 0;
    for (int64_t i = first_; i <= std::min(last_, bins_ - 1); ++i) {
      const double mel = to_mel(static_cast<double>(i) * hertz);
      while (next < count_ && centers[next] < mel) ++next;
      const double before = next == 0 ? low : centers[next - 1];
      bands_[i] = static_cast<int32_t>(next - 1);
      falling_[i] = (centers[next] - mel) / (centers[next] - before);
    }
  }

  // Whether the spectrum reaches up to the upper frequency.
  bool covered() const { return last_ < bins_; }

  void apply(const float* x, double* sums) const {
    std::fill(sums, sums + count_, 0.0);
    for (int64_t i = first_; i <= last_; ++i) {
      const double magnitude = std::sqrt(static_cast<double>(x[i]));
      const double part = magnitude * falling_[i];
      const int64_t band = bands_[i];
      if (band >= 0) sums[band] += part;
      if (band + 1 < count_) sums[band + 1] += magnitude - part;
    }
  }

 private:
  const int64_t count_, bins_;
  int64_t first_ = 0, last_ = 0;
  int32_t* bands_;
  double* falling_;
};

Status invoke(OpContext& op) {
  const MfccState& s = op.state<MfccState>();
  const int32_t rate = *op.input(1).as<int32_t>();
  if (rate <= 0)
    return bad_model("input 1 (sample rate): expected a positive number, got %d", rate);
  const Filterbank filterbank(op, s, rate);
  const int64_t bins = op.input(0).shape[2], bands = s.options.bands;
  auto* sums = op.scratch<double>(s.sums);
  const float* x = op.input(0).as<float>();
  float* y = op.output(0).as<float>();
  if (!filterbank.covered()) {
    std::fill(y, y + op.output(0).shape.elements(), 0.0f);
    return {};
  }
  const int64_t frames = op.input(0).shape.elements(0, 2);
  for (int64_t f = 0; f < frames && !op.stopped(); ++f, x += bins) {
    filterbank.apply(x, sums);
    for (int64_t b = 0; b < bands; ++b) sums[b] = std::log(sums[b] < 1e-12 ? 1e-12 : sums[b]);
    for (int64_t d = 0; d < s.options.coefficients; ++d) {
      double sum = 0;
      for (int64_t b = 0; b < bands; ++b) sum += s.cosines[d * bands + b] * sums[b];
      *y++ = static_cast<float>(sum);
    }
  }
  return {};
}

}  // namespace

extern const OpDef kMfcc;
extern const OpDef kMfcc = {.name = "Mfcc",
                            .min_inputs = 2,
                            .max_inputs = 2,
                            .infer = infer,
                            .prepare = prepare,
                            .invoke = invoke};

}  // namespace cygnet::ops
