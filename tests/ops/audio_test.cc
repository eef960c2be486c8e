// SPDX-License-Identifier: Apache-2.0
// AudioSpectrogram and Mfcc.
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "flatbuffers/flexbuffers.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Options = std::vector<std::pair<std::string, double>>;

// A map of whole numbers; others are written as numbers with a fraction.
std::vector<uint8_t> flex(const Options& options) {
  flexbuffers::Builder builder;
  builder.Map([&] {
    for (const auto& [key, value] : options)
      if (value == std::floor(value))
        builder.Int(key.c_str(), static_cast<int64_t>(value));
      else
        builder.Double(key.c_str(), value);
  });
  builder.Finish();
  return builder.GetBuffer();
}

// ---- AudioSpectrogram

struct Spectrogram {
  std::string name = {};
  int samples = 20, channels = 1, window = 6, stride = 4;
  bool squared = false;
  int length() const {
    int n = 1;
    while (n < window) n *= 2;
    return n;
  }
  int frames() const { return samples < window ? 0 : 1 + (samples - window) / stride; }
};

void add_spectrogram(ModelBuilder& b, const Spectrogram& s, const Options& options) {
  const int x = b.input({s.samples, s.channels});
  b.custom_op("AudioSpectrogram", {x}, {b.output({s.channels, s.frames(), s.length() / 2 + 1})},
              flex(options));
}

Options options_of(const Spectrogram& s) {
  return {
      {"window_size", s.window}, {"stride", s.stride}, {"magnitude_squared", s.squared ? 1 : 0}};
}

OpCase spectrogram_case(const Spectrogram& s) {
  const auto x = random_elements<float>(static_cast<size_t>(s.samples * s.channels), 5, -1, 1);
  std::vector<float> y;
  for (int c = 0; c < s.channels; ++c)
    for (int f = 0; f < s.frames(); ++f)
      for (int v = 0; v <= s.length() / 2; ++v) {
        double re = 0, im = 0;
        for (int j = 0; j < s.window; ++j) {
          const double hann = 0.5 - 0.5 * std::cos(2 * M_PI * j / s.window);
          const double sample =
              hann *
              static_cast<double>(x[static_cast<size_t>((f * s.stride + j) * s.channels + c)]);
          re += sample * std::cos(2 * M_PI * v * j / s.length());
          im -= sample * std::sin(2 * M_PI * v * j / s.length());
        }
        const double power = re * re + im * im;
        y.push_back(static_cast<float>(s.squared ? power : std::sqrt(power)));
      }
  return {.name = s.name,
          .model = [=](ModelBuilder& b) { add_spectrogram(b, s, options_of(s)); },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {{s.channels, s.frames(), s.length() / 2 + 1}},
          .tolerance = 1e-5};
}

TEST(AudioSpectrogram, Cases) {
  run_op_cases({
      spectrogram_case({.name = "magnitude"}),
      spectrogram_case({.name = "squared", .squared = true}),
      spectrogram_case({.name = "channels", .channels = 3}),
      spectrogram_case({.name = "power of two", .window = 8}),
      spectrogram_case({.name = "gaps", .samples = 40, .window = 5, .stride = 9}),
      spectrogram_case({.name = "too few samples", .samples = 5}),
  });
}

TEST(AudioSpectrogram, Refuses) {
  const auto with = [](Options options) {
    return [=](ModelBuilder& b) { add_spectrogram(b, {}, options); };
  };
  const auto bytes = [](std::vector<uint8_t> options) {
    return [=](ModelBuilder& b) {
      add_spectrogram(b, {}, {});
      b.last_op().custom_options = options;
    };
  };
  refuse_op_cases({
      {.name = "no options", .model = bytes({}), .message = "C10"},
      {.name = "no map", .model = bytes({1, 2, 3, 4, 5, 6, 7}), .message = "C10"},
      {.name = "no stride",
       .model = with({{"window_size", 6}, {"magnitude_squared", 0}}),
       .message = "C10: option \"stride\": expected a number"},
      {.name = "window of 1",
       .model = with({{"window_size", 1}, {"stride", 4}, {"magnitude_squared", 0}}),
       .message = "C10: option \"window_size\": expected 2 to"},
      {.name = "huge window",
       .model = with({{"window_size", 1e18}, {"stride", 4}, {"magnitude_squared", 0}}),
       .message = "C10: option \"window_size\""},
      {.name = "stride 0",
       .model = with({{"window_size", 6}, {"stride", 0}, {"magnitude_squared", 0}}),
       .message = "C10: option \"stride\": expected 1 to"},
      {.name = "rank",
       .model =
           [](ModelBuilder& b) {
             add_spectrogram(b, {}, options_of({}));
             b.tensor(b.last_op().inputs[0]).shape = {20};
           },
       .message = "input 0: expected rank 2"},
  });
}

// ---- Mfcc

struct Mfcc {
  std::string name = {};
  int channels = 1, frames = 2, bins = 33, rate = 8000, bands = 10, coefficients = 4;
  double lower = 20, upper = 4000;
};

Options options_of(const Mfcc& s) {
  return {{"upper_frequency_limit", s.upper},
          {"lower_frequency_limit", s.lower},
          {"filterbank_channel_count", s.bands},
          {"dct_coefficient_count", s.coefficients}};
}

void add_mfcc(ModelBuilder& b, const Mfcc& s, const Options& options, bool fed = false) {
  const int x = b.input({s.channels, s.frames, s.bins});
  const int rate = fed ? b.input({1}, Type::int32) : b.constant<int32_t>({1}, {s.rate});
  b.custom_op("Mfcc", {x, rate}, {b.output({s.channels, s.frames, s.coefficients})}, flex(options));
}

double mel(double hertz) {
  return 1127 * std::log1p(hertz / 700);
}

// Each bin times the height of the triangles at it, one band after another.
OpCase mfcc_case(const Mfcc& s) {
  const auto x =
      random_elements<float>(static_cast<size_t>(s.channels * s.frames * s.bins), 5, 0, 9);
  std::vector<float> y;
  const double low = mel(s.lower), step = (mel(s.upper) - low) / (s.bands + 1);
  for (int f = 0; f < s.channels * s.frames; ++f) {
    std::vector<double> logs;
    for (int band = 0; band < s.bands; ++band) {
      double sum = 0;
      for (int i = 1; i < s.bins; ++i) {
        const double hertz = s.rate / 2.0 * i / (s.bins - 1);
        // The first bin is the nearest to the lower frequency.
        if (i < static_cast<int>(1.5 + s.lower / (s.rate / 2.0 / (s.bins - 1))) || hertz > s.upper)
          continue;
        const double place = (mel(hertz) - low) / step - band;  // 0 to 2 in the triangle
        const double height = place <= 1 ? place : 2 - place;
        if (place > 0 && place < 2)
          sum += height * std::sqrt(static_cast<double>(x[static_cast<size_t>(f * s.bins + i)]));
      }
      logs.push_back(std::log(std::max(sum, 1e-12)));
    }
    for (int d = 0; d < s.coefficients; ++d) {
      double sum = 0;
      for (int j = 0; j < s.bands; ++j)
        sum += logs[static_cast<size_t>(j)] * std::cos(M_PI * d * (j + 0.5) / s.bands);
      y.push_back(static_cast<float>(sum * std::sqrt(2.0 / s.bands)));
    }
  }
  return {.name = s.name,
          .model = [=](ModelBuilder& b) { add_mfcc(b, s, options_of(s)); },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {{s.channels, s.frames, s.coefficients}},
          .tolerance = 1e-5};
}

TEST(Mfcc, Cases) {
  const Mfcc low{.name = "spectrum that is too short", .upper = 4200};
  OpCase zeros = mfcc_case(low);
  zeros.outputs = {values(std::vector<float>(8))};
  run_op_cases({
      mfcc_case({.name = "plain"}),
      mfcc_case({.name = "channels", .channels = 2, .frames = 3}),
      mfcc_case({.name = "all coefficients", .coefficients = 10}),
      mfcc_case({.name = "part of the spectrum",
                 .bins = 129,
                 .rate = 16000,
                 .lower = 125,
                 .upper = 3800}),
      mfcc_case({.name = "empty bands", .bins = 9, .bands = 30}),
      zeros,
  });
}

TEST(Mfcc, Refuses) {
  const auto with = [](Mfcc s) { return [=](ModelBuilder& b) { add_mfcc(b, s, options_of(s)); }; };
  refuse_op_cases({
      {.name = "no coefficient",
       .model = with({.coefficients = 0}),
       .message = "C10: option \"dct_coefficient_count\": expected 1 to 10, got 0"},
      {.name = "more coefficients than bands",
       .model = with({.coefficients = 11}),
       .message = "C10: option \"dct_coefficient_count\": expected 1 to 10, got 11"},
      {.name = "no band",
       .model = with({.bands = 0}),
       .message = "C10: option \"filterbank_channel_count\": expected 1 to"},
      {.name = "limits",
       .model = with({.upper = 20}),
       .message = "C10: option \"upper_frequency_limit\": expected 21 to"},
      {.name = "negative limit",
       .model = with({.lower = -1}),
       .message = "C10: option \"lower_frequency_limit\": expected 0 to"},
      {.name = "one bin",
       .model = with({.bins = 1}),
       .message = "input 0: expected at least 2 bins"},
      {.name = "rate 0",
       .model = [](ModelBuilder& b) { add_mfcc(b, {}, options_of(Mfcc{}), true); },
       .message = "input 1 (sample rate): expected a positive number, got 0",
       .inputs = {values(std::vector<float>(66)), values<int32_t>({0})}},
      {.name = "no options",
       .model = [](ModelBuilder& b) { add_mfcc(b, {}, {}); },
       .message = "C10: option \"lower_frequency_limit\": expected a number"},
  });
}

}  // namespace
}  // namespace cygnet::test
