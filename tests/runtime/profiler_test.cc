// SPDX-License-Identifier: Apache-2.0
#include "runtime/profiler.h"

#include "runtime/net.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// Two operators in a row.
TestImage chain() {
  ModelBuilder b;
  const int x = b.input({1, 3});
  const int r = b.add_tensor({1, 3}, Type::float32);
  const int y = b.output({1, 3});
  b.op(Op::RELU, {x}, {r});
  b.op(Op::ADD, {r, x}, {y}, schema::CreateAddOptions(b.fbb()));
  return b.finish();
}

TEST(Profiler, CountsRunsOfEachStep) {
  Net net(chain());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  ASSERT_TRUE(net.run().ok());
  Profiler profiler;
  EXPECT_TRUE(profiler.steps().empty());
  net.interpreter.set_profiler(&profiler);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(net.run().ok());
  net.interpreter.set_profiler(nullptr);
  ASSERT_TRUE(net.run().ok());
  ASSERT_EQ(profiler.steps().size(), net.interpreter.plan().steps.size());
  for (const Profiler::Times& times : profiler.steps()) {
    EXPECT_EQ(times.runs, 3);
    EXPECT_GE(times.least_ns, 0);
    EXPECT_GE(times.total_ns, 3 * times.least_ns);
  }
  profiler.clear();
  EXPECT_TRUE(profiler.steps().empty());
}

TEST(Profiler, TimesWhatLiesBetweenTheEnds) {
  Profiler profiler;
  profiler.start_run(2);
  profiler.end_step(0);
  const auto before = profiler.steps()[0];
  volatile double sum = 0;
  for (int i = 0; i < 1000000; ++i) sum = sum + i;
  profiler.end_step(1);
  EXPECT_GT(profiler.steps()[1].total_ns, 100000);  // a tenth of a nanosecond a turn
  EXPECT_LT(before.total_ns, profiler.steps()[1].total_ns);
  profiler.end_step(2);  // without room: not kept
  EXPECT_EQ(profiler.steps().size(), 2u);
}

}  // namespace
}  // namespace cygnet::test
