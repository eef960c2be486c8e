// SPDX-License-Identifier: Apache-2.0
#include "edit/transposed_convolution.h"

#include "support/draft_runner.h"

namespace cygnet::test {
namespace {

using schema::Padding;

struct Case {
  int32_t kh, kw, sh, sw, out_h, out_w;
  Padding padding;
};

constexpr int32_t kHeight = 4, kWidth = 5, kIn = 2, kOut = 3;

int32_t before(int32_t out, int32_t kernel, int32_t stride, Padding padding) {
  if (padding != Padding::SAME) return 0;
  return std::max(0, ((out + stride - 1) / stride - 1) * stride + kernel - out) / 2;
}

// The definition, as TensorFlow has it: the gradient of a convolution by its input.
std::vector<double> expected(const Case& c, int32_t batch, const std::vector<float>& x,
                             const std::vector<float>& filter) {
  std::vector<double> y(static_cast<size_t>(batch * c.out_h * c.out_w * kOut));
  const int32_t top = before(c.out_h, c.kh, c.sh, c.padding);
  const int32_t left = before(c.out_w, c.kw, c.sw, c.padding);
  for (int32_t n = 0; n < batch; ++n)
    for (int32_t i = 0; i < kHeight * kWidth; ++i)
      for (int32_t kh = 0; kh < c.kh; ++kh)
        for (int32_t kw = 0; kw < c.kw; ++kw) {
          const int32_t oh = i / kWidth * c.sh + kh - top, ow = i % kWidth * c.sw + kw - left;
          if (oh < 0 || ow < 0 || oh >= c.out_h || ow >= c.out_w) continue;
          for (int32_t o = 0; o < kOut; ++o)
            for (int32_t k = 0; k < kIn; ++k)
              y[static_cast<size_t>(((n * c.out_h + oh) * c.out_w + ow) * kOut + o)] +=
                  static_cast<double>(
                      x[static_cast<size_t>((n * kHeight * kWidth + i) * kIn + k)]) *
                  static_cast<double>(
                      filter[static_cast<size_t>(((kh * c.kw + kw) * kOut + o) * kIn + k)]);
        }
  return y;
}

void check(const Case& c, bool free) {
  SCOPED_TRACE(::testing::Message()
               << "kernel " << c.kh << "x" << c.kw << " stride " << c.sh << "x" << c.sw << " out "
               << c.out_h << "x" << c.out_w << (c.padding == Padding::SAME ? " SAME" : " VALID")
               << (free ? ", batch free" : ""));
  const int32_t batch = 3;
  Draft draft;
  Editor e(draft, builtin_ops());
  TransposedConvolution t;
  t.x = e.input("x", Type::float32, {free ? -1 : batch, kHeight, kWidth, kIn});
  const std::vector<float> filter = random_floats(c.kh * c.kw * kOut * kIn, 7);
  t.filter = e.constant<float>({c.kh, c.kw, kOut, kIn}, filter, "filter");
  t.out_h = c.out_h;
  t.out_w = c.out_w;
  t.stride_h = c.sh;
  t.stride_w = c.sw;
  t.padding = c.padding;
  t.name = "y";
  e.set_outputs({add_transposed_convolution(e, t)});
  const Names names = operators(draft);
  EXPECT_EQ(std::count(names.begin(), names.end(), "TRANSPOSE_CONV"), free ? 0 : 1);
  const std::vector<DraftOutput> outputs = run_draft(draft, batch, 1);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].shape, (Shape{batch, c.out_h, c.out_w, kOut}));
  const std::vector<double> wanted =
      expected(c, batch, random_floats(batch * kHeight * kWidth * kIn, 1, -2, 2), filter);
  ASSERT_EQ(outputs[0].values.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i)
    ASSERT_NEAR(outputs[0].values[i], wanted[i], 1e-4) << "element " << i;
}

TEST(TransposedConvolution, IsItsDefinitionForEveryGeometry) {
  for (int32_t k : {1, 2, 3, 4, 5, 7})
    for (int32_t s : {1, 2, 3}) {
      for (bool free : {false, true}) {
        check({k, k, s, s, kHeight * s, kWidth * s, Padding::SAME}, free);
        check({k, k, s, s, (kHeight - 1) * s + std::max(k, s), (kWidth - 1) * s + std::max(k, s),
               Padding::VALID},
              free);
        // Of the sizes that a stride divides to the same, the odd ones.
        if (s > 1) check({k, k, s, s, kHeight * s - 1, kWidth * s - s + 1, Padding::SAME}, free);
      }
    }
}

TEST(TransposedConvolution, StridesOfTheirOwn) {
  check({3, 2, 2, 1, kHeight * 2, kWidth, Padding::SAME}, true);
  check({3, 4, 2, 3, kHeight * 2, kWidth * 3, Padding::SAME}, true);
  check({1, 4, 1, 2, kHeight, kWidth * 2, Padding::SAME}, true);
}

TEST(TransposedConvolution, NeedsFewOperators) {
  Draft draft;
  Editor e(draft, builtin_ops());
  TransposedConvolution t;
  t.x = e.input("x", Type::float32, {-1, 4, 4, 8});
  t.filter = random_constant(e, {2, 2, 3, 8}, 1);
  t.out_h = t.out_w = 8;
  t.stride_h = t.stride_w = 2;
  t.name = "y";
  const int32_t y = add_transposed_convolution(e, t);
  e.set_outputs({e.add(Builtin::ADD, {y, random_constant(e, {3}, 2)}, schema::AddOptionsT(), "z")});
  EXPECT_EQ(operators(draft), (Names{"CONV_2D", "DEPTH_TO_SPACE", "ADD"}));
  EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 1);
  EXPECT_EQ(operators(draft), (Names{"CONV_2D", "DEPTH_TO_SPACE"}));
}

TEST(TransposedConvolution, RefusesToGrowBeyondMeasure) {
  Draft draft;
  draft.source = "net.pb";
  Editor e(draft, builtin_ops());
  TransposedConvolution t;
  t.x = e.input("x", Type::float32, {-1, 1, 1, 1});
  t.filter = random_constant(e, {1, 1, 1, 1}, 1);
  t.out_h = t.out_w = t.stride_h = t.stride_w = 30000;
  t.name = "up";
  try {
    add_transposed_convolution(e, t);
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("net.pb: transposed convolution \"up\": the stride"),
              std::string::npos)
        << failure.what();
  }
}

}  // namespace
}  // namespace cygnet::test
