// SPDX-License-Identifier: Apache-2.0
// Fourier transforms, as products with constant matrices, and the complex numbers between them,
// which are pairs of float tensors here: no runtime needs complex types then, and every length
// works.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

constexpr int64_t kMostMatrix = int64_t{1} << 24;

struct Complex {
  int32_t re, im;  // im: kAbsent for real numbers
};

Complex complex_in(Call& c, int k) {
  const Value& v = c.value(k);
  if (v.kind == Value::Kind::complex) return {v.tensor, v.imaginary};
  return {c.in(k), kAbsent};
}

void out(Call& c, Complex x) {
  if (x.im == kAbsent) x.im = unary(c.e, Builtin::ZEROS_LIKE, x.re, c.part("imaginary"));
  c.out(Value::of(x.re, x.im));
}

// The last dimension cut, or padded with zeros, to n elements.
int32_t fitted(Call& c, int32_t x, int32_t n) {
  if (x == kAbsent) return x;
  Editor& e = c.e;
  const int last = e.shape(x).rank - 1;
  const int32_t have = c.fixed_dim(x, last);
  if (have > n) return slice_dim(e, x, last, 0, n, c.part("cut"));
  if (have == n) return x;
  std::vector<int32_t> pads(2 * static_cast<size_t>(last + 1), 0);
  pads.back() = n - have;
  return e.add(Builtin::PAD, {x, e.constant<int32_t>({last + 1, 2}, pads)}, NoOptions(),
               c.part("pad"));
}

// [rows, columns] of factor(column)·f(2π·row·column / n).
template <class F, class Factor>
std::vector<float> waves(Call& c, int32_t rows, int32_t columns, int32_t n, F&& f,
                         Factor&& factor) {
  if (n < 1 || int64_t{rows} * columns > kMostMatrix) c.fail("length ", n, " is not supported");
  std::vector<float> m;
  for (int64_t t = 0; t < rows; ++t)
    for (int64_t k = 0; k < columns; ++k) {
      const double wave = f(2 * std::numbers::pi * static_cast<double>(t * k % n) / n);
      // What is 0 but for rounding is 0: angles of real numbers depend on its sign.
      m.push_back(std::abs(wave) < 1e-12 ? 0.0f : static_cast<float>(factor(t, k) * wave));
    }
  return m;
}

constexpr auto kCos = [](double x) { return std::cos(x); };
constexpr auto kSin = [](double x) { return std::sin(x); };

int32_t times(Call& c, int32_t x, int32_t n, const std::vector<float>& m, const char* name) {
  return times_matrix(c.e, x, n, m, c.part(name));
}

// Σₜ x[t]·e^∓2πikt/n for k < kept, over the last dimension, which has n elements.
Complex transform(Call& c, Complex x, int32_t n, int32_t kept, bool inverse) {
  Editor& e = c.e;
  const auto factor = [&](int64_t, int64_t) { return inverse ? 1.0 / n : 1.0; };
  const auto turned = [&](int64_t, int64_t) { return inverse ? 1.0 / n : -1.0; };
  const std::vector<float> cosine = waves(c, n, kept, n, kCos, factor);
  const std::vector<float> sine = waves(c, n, kept, n, kSin, turned);
  Complex y{times(c, x.re, kept, cosine, "cos"), times(c, x.re, kept, sine, "sin")};
  if (x.im == kAbsent) return y;
  y.re = binary(e, Builtin::SUB, y.re, times(c, x.im, kept, sine, "im_sin"), c.part("re"));
  y.im = binary(e, Builtin::ADD, y.im, times(c, x.im, kept, cosine, "im_cos"), c.part("im"));
  return y;
}

// The real numbers whose transform begins with the n/2 + 1 given ones.
int32_t real_inverse(Call& c, Complex x, int32_t n) {
  const int32_t half = n / 2 + 1;
  const auto twice = [&](int64_t k, int64_t) {
    return (k == 0 || (n % 2 == 0 && k == n / 2) ? 1.0 : 2.0) / n;
  };
  const int32_t re = times(c, x.re, n, waves(c, half, n, n, kCos, twice), "cos");
  if (x.im == kAbsent) return re;
  const int32_t im = times(c, x.im, n, waves(c, half, n, n, kSin, twice), "sin");
  return binary(c.e, Builtin::SUB, re, im, c.name());
}

// The last two dimensions exchanged.
Complex swapped(Call& c, Complex x) {
  std::vector<int32_t> perm;
  for (int d = 0; d < c.e.shape(x.re).rank; ++d) perm.push_back(d);
  if (perm.size() < 2) c.fail("expected rank 2 or more");
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  const auto turn = [&](int32_t t) {
    return t == kAbsent ? t : transpose(c.e, t, perm, c.part("swap"));
  };
  return {turn(x.re), turn(x.im)};
}

std::vector<int32_t> lengths(Call& c, size_t count) {
  const std::vector<int64_t> list = c.integers(1);
  if (list.size() != count) c.fail("fft_length: expected ", count, " elements");
  std::vector<int32_t> result;
  for (int64_t n : list) {
    if (n < 1 || n > 1 << 24) c.fail("fft_length: ", n, " is not supported");
    result.push_back(static_cast<int32_t>(n));
  }
  return result;
}

int32_t last_dim(Call& c, int32_t x) {
  return c.fixed_dim(x, c.e.shape(x).rank - 1);
}

template <bool inverse>
void fft(Call& c) {
  const Complex x = complex_in(c, 0);
  const int32_t n = last_dim(c, x.re);
  out(c, transform(c, x, n, n, inverse));
}

template <bool inverse>
void fft_2d(Call& c) {
  Complex x = complex_in(c, 0);
  for (int k = 0; k < 2; ++k) {
    const int32_t n = last_dim(c, x.re);
    x = swapped(c, transform(c, x, n, n, inverse));
  }
  out(c, x);
}

void rfft(Call& c) {
  const int32_t n = lengths(c, 1)[0];
  out(c, transform(c, {fitted(c, c.in(0), n), kAbsent}, n, n / 2 + 1, false));
}

void rfft_2d(Call& c) {
  const std::vector<int32_t> n = lengths(c, 2);
  Complex x{fitted(c, c.in(0), n[1]), kAbsent};
  x = swapped(c, transform(c, x, n[1], n[1] / 2 + 1, false));
  x = {fitted(c, x.re, n[0]), fitted(c, x.im, n[0])};
  out(c, swapped(c, transform(c, x, n[0], n[0], false)));
}

void irfft(Call& c) {
  const int32_t n = lengths(c, 1)[0];
  const Complex x = complex_in(c, 0);
  c.out(real_inverse(c, {fitted(c, x.re, n / 2 + 1), fitted(c, x.im, n / 2 + 1)}, n));
}

void irfft_2d(Call& c) {
  const std::vector<int32_t> n = lengths(c, 2);
  Complex x = swapped(c, complex_in(c, 0));
  x = {fitted(c, x.re, n[0]), fitted(c, x.im, n[0])};
  x = swapped(c, transform(c, x, n[0], n[0], true));
  c.out(real_inverse(c, {fitted(c, x.re, n[1] / 2 + 1), fitted(c, x.im, n[1] / 2 + 1)}, n[1]));
}

// ---- Complex numbers

void make_complex(Call& c) {
  c.out(Value::of(c.in(0), c.in(1)));
}

void real(Call& c) {
  c.out(complex_in(c, 0).re);
}

void imag(Call& c) {
  const Complex x = complex_in(c, 0);
  c.out(x.im == kAbsent ? unary(c.e, Builtin::ZEROS_LIKE, x.re, c.name()) : x.im);
}

void conj(Call& c) {
  const Complex x = complex_in(c, 0);
  if (x.im == kAbsent) return c.out(x.re);
  c.out(Value::of(x.re, unary(c.e, Builtin::NEG, x.im, c.part("neg"))));
}

void complex_abs(Call& c) {
  const Complex x = complex_in(c, 0);
  if (x.im == kAbsent) return c.out(unary(c.e, Builtin::ABS, x.re, c.name()));
  const int32_t re = binary(c.e, Builtin::MUL, x.re, x.re, c.part("re2"));
  const int32_t im = binary(c.e, Builtin::MUL, x.im, x.im, c.part("im2"));
  c.out(unary(c.e, Builtin::SQRT, binary(c.e, Builtin::ADD, re, im, c.part("sum")), c.name()));
}

void angle(Call& c) {
  const Complex x = complex_in(c, 0);
  if (x.im == kAbsent) c.fail("expected complex numbers");
  c.out(binary(c.e, Builtin::ATAN2, x.im, x.re, c.name()));
}

constexpr OpRow kRows[] = {
    {"Angle", angle},
    {"Complex", make_complex},
    {"ComplexAbs", complex_abs},
    {"Conj", conj},
    {"FFT", fft<false>},
    {"FFT2D", fft_2d<false>},
    {"IFFT", fft<true>},
    {"IFFT2D", fft_2d<true>},
    {"IRFFT", irfft},
    {"IRFFT2D", irfft_2d},
    {"Imag", imag},
    {"RFFT", rfft},
    {"RFFT2D", rfft_2d},
    {"Real", real},
};

}  // namespace

void complex_product(Call& c) {
  Editor& e = c.e;
  const Complex a = complex_in(c, 0), b = complex_in(c, 1);
  const auto times_parts = [&](int32_t p, int32_t q) {
    return p == kAbsent || q == kAbsent ? kAbsent
                                        : binary(e, Builtin::MUL, p, q, c.part("product"));
  };
  const auto joined = [&](Builtin op, int32_t p, int32_t q) {
    return p == kAbsent ? q : q == kAbsent ? p : binary(e, op, p, q, c.part("sum"));
  };
  c.out(Value::of(joined(Builtin::SUB, times_parts(a.re, b.re), times_parts(a.im, b.im)),
                  joined(Builtin::ADD, times_parts(a.re, b.im), times_parts(a.im, b.re))));
}

bool acts_on_parts(std::string_view op) {
  static constexpr std::string_view kNames[] = {
      "Add",      "AddN",     "AddV2",     "Concat", "ConcatV2", "ExpandDims",   "Gather",
      "GatherNd", "GatherV2", "Neg",       "Pack",   "Pad",      "Reshape",      "ReverseV2",
      "Roll",     "Slice",    "Split",     "SplitV", "Squeeze",  "StridedSlice", "Sub",
      "Sum",      "Tile",     "Transpose", "Unpack", "ZerosLike"};
  return std::find(std::begin(kNames), std::end(kNames), op) != std::end(kNames);
}

std::span<const OpRow> spectral_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
