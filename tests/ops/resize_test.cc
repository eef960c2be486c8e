// SPDX-License-Identifier: Apache-2.0
// RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

enum class Mode { plain, align_corners, half_pixel };
constexpr Mode kModes[] = {Mode::plain, Mode::align_corners, Mode::half_pixel};

void add(ModelBuilder& b, Op code, Mode mode, const Index& size, bool known, int x, int y) {
  const int s = known ? b.constant<int32_t>({2}, size) : b.input({2}, Type::int32);
  const bool align = mode == Mode::align_corners, half = mode == Mode::half_pixel;
  if (code == Op::RESIZE_BILINEAR)
    b.op(code, {x, s}, {y}, schema::CreateResizeBilinearOptions(b.fbb(), align, half), 3);
  else
    b.op(code, {x, s}, {y}, schema::CreateResizeNearestNeighborOptions(b.fbb(), align, half), 3);
}

// Coordinate in the input of row (or column) i of the output.
double coordinate(Mode mode, int i, int in, int out) {
  if (mode == Mode::half_pixel) return (i + 0.5) * in / out - 0.5;
  if (mode == Mode::align_corners && out > 1) return i * (in - 1.0) / (out - 1.0);
  return static_cast<double>(i) * in / out;
}

template <class T>
struct Image {
  Index shape;
  std::vector<T> elements;
  double at(int n, int y, int x, int c) const {
    y = std::clamp(y, 0, shape[1] - 1);
    x = std::clamp(x, 0, shape[2] - 1);
    return static_cast<double>(elements[flat(shape, {n, y, x, c})]);
  }
};

template <class T>
double bilinear_at(const Image<T>& in, int n, double y, double x, int c) {
  const int y0 = static_cast<int>(std::floor(y)), x0 = static_cast<int>(std::floor(x));
  const double wy = y - y0, wx = x - x0;
  return (in.at(n, y0, x0, c) * (1 - wx) + in.at(n, y0, x0 + 1, c) * wx) * (1 - wy) +
         (in.at(n, y0 + 1, x0, c) * (1 - wx) + in.at(n, y0 + 1, x0 + 1, c) * wx) * wy;
}

// `steps`: what the formula with exact coordinates may differ by from the fixed-point one.
template <class T>
OpCase bilinear(Mode mode, const Index& in, int h, int w, int steps = 1, bool known = true) {
  double low = -10, high = 10;
  if (std::is_integral_v<T>)
    low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  const Image<T> image{in, random_elements<T>(count(in), 7, low, high)};
  const Index out = {in[0], h, w, in[3]};
  OpCase c{.name = "bilinear " + std::string(type_name(type_of<T>())) + " mode " +
                   std::to_string(static_cast<int>(mode)),
           .model =
               [=](ModelBuilder& b) {
                 const int x = b.input(in, type_of<T>());
                 add(b, Op::RESIZE_BILINEAR, mode, {h, w}, known, x, b.output(out, type_of<T>()));
               },
           .inputs = {values(image.elements)},
           .outputs = {values(tabulate<T>(
               out,
               [&](const Index& i) {
                 const double v = bilinear_at(image, i[0], coordinate(mode, i[1], in[1], h),
                                              coordinate(mode, i[2], in[2], w), i[3]);
                 return static_cast<T>(std::is_integral_v<T> ? std::round(v) : v);
               }))},
           .shapes = {out},
           .tolerance = 4e-5,  // coordinates up to 32 in float32, neighbours up to 20 apart
           .plain_steps = steps,
           .kernel_steps = steps};
  if (!known) c.inputs.push_back(values<int32_t>({h, w}));
  return c;
}

TEST(ResizeBilinear, Floats) {
  std::vector<OpCase> cases;
  for (Mode mode : kModes) {
    cases.push_back(bilinear<float>(mode, {1, 4, 4, 3}, 8, 8));
    cases.push_back(bilinear<float>(mode, {2, 5, 3, 17}, 7, 10));
    cases.push_back(bilinear<float>(mode, {1, 9, 8, 2}, 3, 5));
    cases.push_back(bilinear<float>(mode, {1, 1, 1, 5}, 4, 3));
    cases.push_back(bilinear<float>(mode, {1, 6, 7, 1}, 1, 1));
    cases.push_back(bilinear<float>(mode, {1, 4, 5, 2}, 4, 5));
    cases.push_back(bilinear<float>(mode, {0, 4, 4, 3}, 8, 8));
    cases.push_back(bilinear<float>(mode, {1, 4, 4, 0}, 8, 8));
    cases.push_back(bilinear<float>(mode, {1, 3, 4, 2}, 5, 6, 0, false));
    cases.push_back(bilinear<float>(mode, {1, 16, 16, 32}, 32, 32));
  }
  run_op_cases(cases);
}

TEST(ResizeBilinear, Integers) {
  std::vector<OpCase> cases;
  for (Mode mode : kModes) {
    cases.push_back(bilinear<uint8_t>(mode, {1, 4, 4, 3}, 8, 8));
    cases.push_back(bilinear<uint8_t>(mode, {2, 5, 3, 17}, 7, 10));
    cases.push_back(bilinear<uint8_t>(mode, {1, 33, 33, 21}, 65, 65));
    // A step of 1/1024 in each coordinate of an image of noise is up to 255/512.
    cases.push_back(
        bilinear<int8_t>(mode, {1, 6, 6, 20}, 12, 12, mode == Mode::align_corners ? 3 : 1));
    cases.push_back(bilinear<int8_t>(mode, {2, 5, 3, 17}, 7, 10, 3));
    cases.push_back(bilinear<int8_t>(mode, {1, 9, 8, 2}, 3, 5, 3));
    cases.push_back(
        bilinear<int16_t>(mode, {2, 4, 4, 3}, 8, 8, mode == Mode::align_corners ? 500 : 1));
    cases.push_back(bilinear<int8_t>(mode, {1, 1, 1, 5}, 4, 3));
    cases.push_back(bilinear<int8_t>(mode, {1, 3, 4, 2}, 6, 8, 3, false));
  }
  run_op_cases(cases);
}

// The coordinates of int8 tensors are in 1/1024: an enlargement to 2000 rows of 3 reaches row
// 3998/1024, which is past the last one, and keeps to the image.
TEST(ResizeBilinear, RoundedScaleStaysInTheImage) {
  const std::vector<int8_t> x = {10, 20, -30};
  std::vector<int8_t> want;
  for (int i = 0; i < 2000; ++i) {
    const int place = i * 2, low = std::min(place / 1024, 2),
              high = std::min((place + 1023) / 1024, 2);
    const double w = low == high ? 0.0 : (place - low * 1024) / 1024.0;
    want.push_back(static_cast<int8_t>(
        std::round(x[static_cast<size_t>(low)] * (1 - w) + x[static_cast<size_t>(high)] * w)));
  }
  run_op_cases({{.name = "rows",
                 .model =
                     [](ModelBuilder& b) {
                       const int t = b.input({1, 3, 1, 1}, Type::int8);
                       add(b, Op::RESIZE_BILINEAR, Mode::plain, {2000, 1}, true, t,
                           b.output({1, 2000, 1, 1}, Type::int8));
                     },
                 .inputs = {values(x)},
                 .outputs = {values(want)}}});
}

Move nearest(Mode mode, const Index& in, int h, int w, bool known = true) {
  const auto place = [mode](int i, int size, int out) {
    double at = coordinate(mode, i, size, out);
    if (mode == Mode::half_pixel) at += 0.5;
    // As in float32 arithmetic, halves that are exact go away from zero.
    return std::min(
        static_cast<int32_t>(mode == Mode::align_corners ? std::round(at) : std::floor(at)),
        size - 1);
  };
  Move m{.name = "nearest",
         .in = in,
         .out = {in[0], h, w, in[3]},
         .add =
             [=](ModelBuilder& b, int x, int y) {
               add(b, Op::RESIZE_NEAREST_NEIGHBOR, mode, {h, w}, known, x, y);
             },
         .source =
             [=](const Index& i) {
               return Index{i[0], place(i[1], in[1], h), place(i[2], in[2], w), i[3]};
             }};
  if (!known) m.more_inputs = {values<int32_t>({h, w})};
  return m;
}

TEST(ResizeNearestNeighbor, Cases) {
  std::vector<Move> moves;
  for (Mode mode : kModes) {
    moves.push_back(nearest(mode, {1, 4, 4, 3}, 8, 8));
    moves.push_back(nearest(mode, {2, 5, 3, 1}, 7, 11));
    moves.push_back(nearest(mode, {1, 9, 8, 2}, 3, 5));
    moves.push_back(nearest(mode, {1, 1, 1, 5}, 4, 3));
    moves.push_back(nearest(mode, {1, 6, 7, 1}, 1, 1));
    moves.push_back(nearest(mode, {0, 4, 4, 3}, 8, 8));
    moves.push_back(nearest(mode, {1, 3, 4, 2}, 5, 6, false));
    moves.push_back(nearest(mode, {2, 40, 40, 4}, 80, 80));
  }
  run_moves(moves);
}

TEST(Resize, Refuses) {
  std::vector<BadOpCase> cases;
  for (Op code : {Op::RESIZE_BILINEAR, Op::RESIZE_NEAREST_NEIGHBOR}) {
    const auto model = [code](const Index& in, const Index& size, Type type = Type::float32) {
      return [=](ModelBuilder& b) {
        const int x = b.input(in, type);
        const int s = b.constant<int32_t>({static_cast<int32_t>(size.size())}, size);
        b.op(code, {x, s}, {b.output({1, 1, 1, 1}, type)});
      };
    };
    cases.push_back({.name = "rank",
                     .model = model({4, 4, 1}, {2, 2}),
                     .message = "input 0: expected rank 4, got 3"});
    cases.push_back({.name = "size",
                     .model = model({1, 4, 4, 1}, {2}),
                     .message = "input 1: expected shape [2], got [1]"});
    cases.push_back({.name = "zero",
                     .model = model({1, 4, 4, 1}, {0, 2}),
                     .message = "new height: expected 1 to"});
    cases.push_back({.name = "negative",
                     .model = model({1, 4, 4, 1}, {2, -2}),
                     .message = "new width: expected 1 to"});
    cases.push_back({.name = "empty",
                     .model = model({1, 0, 4, 1}, {2, 2}),
                     .message = "height and width of at least 1"});
    cases.push_back({.name = "too large",
                     .model = model({1, 4, 4, 1}, {2147483647, 2147483647}),
                     .message = "more than 2147483647 elements"});
  }
  cases.push_back({.name = "both flags",
                   .model =
                       [](ModelBuilder& b) {
                         const int x = b.input({1, 4, 4, 1});
                         b.op(Op::RESIZE_BILINEAR, {x, b.constant<int32_t>({2}, {8, 8})},
                              {b.output({1, 8, 8, 1})},
                              schema::CreateResizeBilinearOptions(b.fbb(), true, true));
                       },
                   .message = "align_corners and half_pixel_centers are both set"});
  cases.push_back({.name = "type",
                   .model =
                       [](ModelBuilder& b) {
                         const int x = b.input({1, 4, 4, 1}, Type::int32);
                         b.op(Op::RESIZE_BILINEAR, {x, b.constant<int32_t>({2}, {8, 8})},
                              {b.output({1, 8, 8, 1}, Type::int32)});
                       },
                   .message = "input 0: type INT32 is not supported"});
  refuse_op_cases(cases);
}

}  // namespace
}  // namespace cygnet::test
