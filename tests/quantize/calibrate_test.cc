// SPDX-License-Identifier: Apache-2.0
// Calibration of small networks against what their formulas give.
#include "quantize/calibrate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "edit/failure.h"
#include "passes/builders.h"
#include "quantize/runner.h"
#include "support/draft_runner.h"

namespace cygnet::test {
namespace {

Sample sample_of(const std::vector<float>& values, const Shape& shape, const std::string& name) {
  Sample sample;
  sample.name = name;
  SampleArray array{Type::float32, shape, {}};
  array.bytes.resize(values.size() * sizeof(float));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  sample.inputs.push_back(std::move(array));
  return sample;
}

/// Samples [batch, 4] with values that grow with the number; some can't be read.
class Numbers final : public SampleSource {
 public:
  Numbers(size_t count, size_t bad_step = 0) : count_(count), bad_step_(bad_step) {}
  size_t size() const override { return count_; }
  std::optional<Sample> read(size_t i) const override {
    if (bad_step_ != 0 && i % bad_step_ == 0) return std::nullopt;
    const int32_t batch = 1 + static_cast<int32_t>(i % 3);
    const float size = 0.1f * static_cast<float>(1 + i * 37 % 29);
    return sample_of(random_floats(batch * 4, static_cast<uint32_t>(i), -size, size), {batch, 4},
                     "sample" + std::to_string(i));
  }

 private:
  size_t count_, bad_step_;
};

/// y = x + [1, 2, 3, 4]; z = y / x.
Draft simple_draft(bool divide = false) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4});
  int32_t y = add(e, x, e.constant<float>({4}, {1, 2, 3, 4}), "y");
  if (divide) {
    y = div(e, y, x, "quotient");
    y = add(e, y, number(e, 1), "behind");
  }
  e.set_outputs({y});
  draft.source = "net.tflite";
  return draft;
}

std::string failure_of(const Draft& draft, const SampleSource& samples, int threads = 1) {
  try {
    calibrate(draft, samples, {.threads = threads, .histograms = true, .progress = {}});
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "no failure";
}

TEST(Calibrate, SumsAndExtentsOfAnAddition) {
  const Numbers numbers(10);
  const Statistics statistics = calibrate(simple_draft(), numbers, {});
  EXPECT_EQ(statistics.samples, 10);
  ASSERT_EQ(statistics.tensors.size(), 2u);
  const TensorStatistics& x = statistics.tensors.at("x");
  const TensorStatistics& y = statistics.tensors.at("y");
  double sums[4] = {}, min = 1e9, max = -1e9;
  int64_t rows = 0;
  for (size_t i = 0; i < 10; ++i) {
    const Sample s = *numbers.read(i);
    const auto* v = reinterpret_cast<const float*>(s.inputs[0].bytes.data());
    for (int32_t k = 0; k < s.inputs[0].shape.elements(); ++k) {
      sums[k % 4] += double{v[k]};
      min = std::min(min, double{v[k] + static_cast<float>(k % 4 + 1)});
      max = std::max(max, double{v[k] + static_cast<float>(k % 4 + 1)});
    }
    rows += s.inputs[0].shape[0];
  }
  EXPECT_EQ(x.runs, 10);
  EXPECT_EQ(x.channel_count, rows);
  EXPECT_EQ(x.elements, 4 * rows);
  for (size_t c = 0; c < 4; ++c) {
    EXPECT_NEAR(x.channel_sums[c], sums[c], 1e-5);
    EXPECT_NEAR(y.channel_sums[c], sums[c] + static_cast<double>(rows) * (double(c) + 1), 1e-4);
  }
  EXPECT_EQ(double{y.min}, min);
  EXPECT_EQ(double{y.max}, max);
}

TEST(Calibrate, TheSameBitsForEveryNumberOfThreads) {
  const Numbers numbers(31, 5);
  const Statistics one = calibrate(simple_draft(), numbers, {});
  EXPECT_EQ(one.samples, 24);
  for (int threads : {2, 3, 8, 40}) {
    std::vector<size_t> done;
    const Statistics many =
        calibrate(simple_draft(), numbers,
                  {.threads = threads, .progress = [&](size_t n) { done.push_back(n); }});
    EXPECT_EQ(many.samples, one.samples);
    ASSERT_EQ(many.tensors.size(), one.tensors.size());
    for (const auto& [name, a] : one.tensors) {
      const TensorStatistics& b = many.tensors.at(name);
      EXPECT_EQ(a.min, b.min);
      EXPECT_EQ(a.max, b.max);
      EXPECT_EQ(a.average_min, b.average_min);
      EXPECT_EQ(a.average_max, b.average_max);
      EXPECT_EQ(a.channel_sums, b.channel_sums);
      EXPECT_EQ(a.bins, b.bins);
      EXPECT_EQ(a.runs, b.runs);
    }
    ASSERT_EQ(done.size(), 31u);
    for (size_t i = 0; i < done.size(); ++i) EXPECT_EQ(done[i], i + 1);
  }
}

TEST(Calibrate, TheFirstLayerThatIsNotFiniteIsNamed) {
  const std::vector<float> good = {1, 2, 3, 4}, zero = {1, 0, 3, 4}, minus = {1, -2, -3, 0};
  const auto source = [&](const std::vector<float>& bad) {
    return SampleList({sample_of(good, {1, 4}, "good"), sample_of(bad, {1, 4}, "bad.jpg"),
                       sample_of(bad, {1, 4}, "later.jpg")});
  };
  for (int threads : {1, 2, 3}) {
    EXPECT_EQ(failure_of(simple_draft(true), source(zero), threads),
              "bad.jpg: operator 1 (DIV, 'quotient') gives infinite values, which no integers "
              "stand for");
    std::vector<float> nan = good;
    nan[2] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(failure_of(simple_draft(true), source(nan), threads), "bad.jpg: input 'x' has NaN");
  }
  EXPECT_EQ(failure_of(simple_draft(false), source(zero)), "no failure");
}

TEST(Calibrate, TensorsWithTheSameNameOrNone) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("t", Type::float32, {1, 4});
  const int32_t y = add(e, x, number(e, 10), "u");
  const int32_t z = add(e, y, number(e, 10), "v");
  // The editor makes names distinct; files do not.
  e.tensor(y).name = "t";
  e.tensor(z).name = "";
  e.set_outputs({z});
  const Statistics statistics =
      calibrate(draft, SampleList({sample_of({1, 2, 3, 4}, {1, 4}, "s")}), {});
  const std::vector<std::string> names = statistics_names(draft.graph.subgraphs[0]);
  EXPECT_EQ(names[static_cast<size_t>(x)], "t");
  ASSERT_EQ(statistics.tensors.size(), 3u);
  EXPECT_EQ(statistics.tensors.at(names[static_cast<size_t>(x)]).max, 4);
  EXPECT_EQ(statistics.tensors.at(names[static_cast<size_t>(y)]).max, 14);
  EXPECT_EQ(statistics.tensors.at(names[static_cast<size_t>(z)]).max, 24);
}

TEST(Calibrate, PartsMergeToTheWhole) {
  std::vector<Sample> all, parts[3];
  for (size_t i = 0; i < 12; ++i) {
    all.push_back(*Numbers(12).read(i));
    parts[i / 4].push_back(all.back());
  }
  const Statistics whole = calibrate(simple_draft(), SampleList(all), {});
  Statistics merged, backward;
  for (int i = 0; i < 3; ++i) {
    merged.merge(calibrate(simple_draft(), SampleList(parts[i]), {}));
    backward.merge(calibrate(simple_draft(), SampleList(parts[2 - i]), {}));
  }
  for (const Statistics& s : {merged, backward}) {
    EXPECT_EQ(s.samples, 12);
    ASSERT_EQ(s.tensors.size(), whole.tensors.size());
    for (const auto& [name, a] : whole.tensors) {
      const TensorStatistics& b = s.tensors.at(name);
      EXPECT_EQ(a.runs, b.runs);
      EXPECT_EQ(a.elements, b.elements);
      EXPECT_EQ(a.min, b.min);
      EXPECT_EQ(a.max, b.max);
      EXPECT_EQ(a.limit, b.limit);
      EXPECT_EQ(a.bins, b.bins);
      EXPECT_EQ(a.channel_count, b.channel_count);
      for (size_t c = 0; c < 4; ++c) EXPECT_NEAR(a.channel_sums[c], b.channel_sums[c], 1e-9);
    }
  }
}

TEST(Runner, ThreadsShareTheMemoryThatOneMayTake) {
  Draft draft;
  Editor e(draft, builtin_ops());
  // Three tensors of 1 GiB: more than a thousandth of what any interpreter may take.
  const int32_t x = e.input("x", Type::float32, {1 << 28});
  e.set_outputs({add(e, add(e, x, number(e, 1)), number(e, 1))});
  try {
    Runner(draft.graph, "net", {.threads = 1000, .keep_tensors = true});
    ADD_FAILURE() << "no failure";
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("; fewer threads take less memory"),
              std::string::npos)
        << failure.what();
  }
}

TEST(Calibrate, SamplesThatDoNotFit) {
  EXPECT_EQ(failure_of(simple_draft(), SampleList({})), "there are no samples to calibrate with");
  EXPECT_EQ(failure_of(simple_draft(), Numbers(3, 1)), "none of the samples could be read");
  EXPECT_EQ(failure_of(simple_draft(), SampleList({sample_of({1, 2, 3}, {1, 3}, "a.npy")})),
            "a.npy: input 'x': expected FLOAT32 [-1,4], got FLOAT32 [1,3]");
  EXPECT_EQ(failure_of(simple_draft(), SampleList({sample_of({1, 2, 3}, {1, 4}, "a.npy")})),
            "a.npy: input 'x': expected 16 bytes, got 12");
  Sample none;
  none.name = "none";
  EXPECT_EQ(failure_of(simple_draft(), SampleList({none})), "none: 0 inputs; the model has 1");
  Sample integers = sample_of({1, 2, 3, 4}, {1, 4}, "tokens");
  integers.inputs[0].type = Type::int32;
  EXPECT_EQ(failure_of(simple_draft(), SampleList({integers})),
            "tokens: input 'x': expected FLOAT32 [-1,4], got INT32 [1,4]");
}

TEST(Runner, AFailureInAnyThreadReachesTheCaller) {
  const Draft draft = simple_draft();
  const Numbers numbers(50);
  for (int threads : {1, 2, 7}) {
    Runner runner(draft.graph, "net", {.threads = threads});
    std::atomic<int> runs = 0;
    const auto body = [&](size_t i, const Sample&, int, Interpreter&) {
      ++runs;
      if (i >= 13) throw Failure("sample " + std::to_string(i) + " is bad");
    };
    for (bool ordered : {false, true}) {
      try {
        runner.run(numbers, body, {}, ordered ? [](size_t, int) {} : Runner::InOrder());
        ADD_FAILURE() << "no failure";
      } catch (const Failure& failure) {
        EXPECT_STREQ(failure.what(), "sample 13 is bad");
      }
    }
    EXPECT_LT(runs, 2 * (14 + threads));
  }
}

TEST(Runner, IntegerInputsGetRealNumbers) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::int8, {1, 4});
  const float scale = 0.5f;
  const int64_t zero = -3;
  e.tensor(x).quantization = {
      .scales = &scale, .zero_points = &zero, .count = 1, .zero_point_count = 1};
  e.set_outputs(
      {e.add(Builtin::DEQUANTIZE, {x}, schema::DequantizeOptionsT(), {"y", Type::float32})});
  Runner runner(draft.graph, "net", {});
  std::vector<float> got, input;
  runner.run(SampleList({sample_of({1.0f, -0.75f, 1000.0f, -1000.0f}, {1, 4}, "s")}),
             [&](size_t, const Sample&, int, Interpreter& interpreter) {
               read_real(interpreter.input(0), input);
               read_real(interpreter.output(0), got);
             });
  // −0.75 / 0.5 = −1.5, a half, goes away from zero.
  EXPECT_EQ(input, (std::vector<float>{1.0f, -1.0f, 65.0f, -62.5f}));
  EXPECT_EQ(got, input);
}

}  // namespace
}  // namespace cygnet::test
