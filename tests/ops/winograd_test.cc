// SPDX-License-Identifier: Apache-2.0
// CONV_2D by Winograd's minimal filtering: results against the definition in double, and how far
// they are from it beside those of direct convolution.
#include <gtest/gtest.h>

#include <cstdlib>

#include "format/model.h"
#include "ops/builtin_ops.h"
#include "ops/conv_cases.h"
#include "runtime/interpreter.h"
#include "support/kernel_tiers.h"

namespace cygnet::test {
namespace {

/// Sets the switch of minimal filtering while it lives.
class Switch {
 public:
  explicit Switch(const char* value) { setenv("CYGNET_WINOGRAD", value, 1); }
  ~Switch() { unsetenv("CYGNET_WINOGRAD"); }
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;
};

std::vector<float> run(const OpCase& c, const char* winograd, int threads = 1) {
  const Switch off(winograd);
  ModelBuilder b;
  c.model(b);
  const TestImage image = b.finish();
  Model model;
  Interpreter interpreter;
  const auto ok = [](const Status& status) { EXPECT_TRUE(status.ok()) << status.message(); };
  ok(Model::from_memory({image.data(), image.size()}, "case", builtin_ops(), {}, &model));
  ok(interpreter.create(model, {.threads = threads, .poison = true}));
  ok(interpreter.allocate());
  ok(interpreter.write_input(0, c.inputs[0].bytes.data(), c.inputs[0].bytes.size()));
  ok(interpreter.invoke());
  const Tensor& y = interpreter.output(0);
  return {y.as<float>(), y.as<float>() + y.shape.elements()};
}

ConvSpec spec(int h, int w, int in, int out, Padding padding = Padding::SAME, int dilation = 1,
              int batch = 1, int kh = 3, int kw = 3) {
  return {.name = std::to_string(kh) + "x" + std::to_string(kw) + " " + std::to_string(h) + "x" +
                  std::to_string(w) + " " + std::to_string(in) + " to " + std::to_string(out),
          .batch = batch,
          .h = h,
          .w = w,
          .in = in,
          .out = out,
          .kh = kh,
          .kw = kw,
          .dilation_h = dilation,
          .dilation_w = dilation,
          .padding = padding};
}

/// Convolutions that are filtered so on every tier.
std::vector<ConvSpec> filtered() {
  return {spec(12, 16, 32, 32),
          spec(10, 14, 64, 40, Padding::VALID),
          spec(13, 11, 35, 33),
          spec(13, 15, 128, 96),
          spec(30, 31, 24, 17),
          spec(17, 15, 48, 64, Padding::SAME, 2),
          spec(30, 18, 33, 64, Padding::VALID, 3),
          spec(5, 6, 48, 48, Padding::SAME, 1, 3),
          spec(14, 16, 48, 64, Padding::SAME, 1, 1, 5, 5),
          spec(9, 16, 48, 64, Padding::SAME, 1, 1, 1, 3),
          spec(24, 9, 48, 33, Padding::VALID, 1, 1, 3, 1),
          spec(9, 16, 48, 64, Padding::SAME, 1, 1, 1, 7),
          spec(18, 16, 49, 64, Padding::SAME, 1, 1, 7, 1)};
}

/// A case whose results may be off by a hundred-thousandth of the largest there is before the
/// activation.
OpCase case_of(const ConvSpec& s) {
  ConvSpec open = s;
  open.activation = Activation::NONE;
  const OpCase sums = conv_case<float>(open, false);
  const auto* want = reinterpret_cast<const float*>(sums.outputs[0].bytes.data());
  OpCase c = conv_case<float>(s, false);
  for (size_t i = 0; i < sums.outputs[0].bytes.size() / sizeof(float); ++i)
    c.tolerance = std::max(c.tolerance, 1e-5 * std::abs(double{want[i]}));
  return c;
}

TEST(Winograd, Cases) {
  std::vector<OpCase> cases;
  for (ConvSpec s : filtered()) {
    cases.push_back(case_of(s));
    s.activation = Activation::RELU6;
    s.bias = false;
    cases.push_back(case_of(s));
  }
  run_op_cases(cases);
}

// The error of either way, relative to the largest output, stays below a bound; that of minimal
// filtering must show, or it was not used. The switch turns it off.
TEST(Winograd, ErrorAgainstDirectConvolution) {
  std::vector<ConvSpec> specs = filtered();
  specs.push_back(spec(14, 14, 256, 64));
  specs.push_back(spec(28, 28, 128, 64));
  for (Isa isa : available_tiers()) {
    const ForcedTier tier(isa);
    for (const ConvSpec& s : specs) {
      SCOPED_TRACE(s.name + " " + kernels().name);
      const OpCase c = conv_case<float>(s, false, 7);
      const std::vector<float> direct = run(c, "0"), filtered = run(c, "1");
      const auto* want = reinterpret_cast<const float*>(c.outputs[0].bytes.data());
      double largest = 0, direct_error = 0, filtered_error = 0;
      ASSERT_EQ(direct.size(), c.outputs[0].bytes.size() / sizeof(float));
      for (size_t i = 0; i < direct.size(); ++i) {
        largest = std::max(largest, std::abs(double{want[i]}));
        direct_error = std::max(direct_error, std::abs(double{direct[i]} - double{want[i]}));
        filtered_error = std::max(filtered_error, std::abs(double{filtered[i]} - double{want[i]}));
      }
      std::printf("%-12s %-18s error of the largest output: direct %.1e, minimal filtering %.1e\n",
                  kernels().name, s.name.c_str(), direct_error / largest, filtered_error / largest);
      EXPECT_LE(direct_error, 1e-5 * largest);
      EXPECT_LE(filtered_error, 1e-5 * largest);
      EXPECT_NE(direct, filtered) << "not filtered";
      EXPECT_EQ(filtered, run(c, "1", 3)) << "three threads";
    }
  }
}

// Too little work for the transforms, other strides, groups: as the definition has it.
TEST(Winograd, LeftToDirectConvolution) {
  ConvSpec strided = spec(12, 12, 32, 32), grouped = spec(12, 12, 32, 32);
  strided.stride_w = 2;
  grouped.groups = 2;
  for (const ConvSpec& s : {spec(16, 16, 8, 64), spec(1, 1, 64, 64), strided, grouped}) {
    SCOPED_TRACE(s.name);
    const OpCase c = conv_case<float>(s, false);
    EXPECT_EQ(run(c, "0"), run(c, "1"));
  }
}

}  // namespace
}  // namespace cygnet::test
