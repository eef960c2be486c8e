// SPDX-License-Identifier: Apache-2.0
// STABLEHLO_CASE and STABLEHLO_COMPOSITE.
#include <gtest/gtest.h>

#include <vector>

#include "runtime/net.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Floats = std::vector<float>;

// index, x → x · 2, x · 3 or [x, x] by index.
TestImage case_model(int branches) {
  ModelBuilder b;
  std::vector<int32_t> graphs;
  for (int k = 0; k < branches; ++k) {
    graphs.push_back(b.add_subgraph("branch"));
    const int x = b.input({2});
    if (k == 2)
      b.op(Op::CONCATENATION, {x, x}, {b.output({4})},
           schema::CreateConcatenationOptions(b.fbb(), 0));
    else
      b.op(Op::MUL, {x, b.constant<float>({}, {static_cast<float>(k + 2)})}, {b.output({2})},
           schema::CreateMulOptions(b.fbb()));
  }
  b.use_subgraph(0);
  const int index = b.input({}, Type::int32), x = b.input({2}),
            y = b.add_tensor({2}, Type::float32);
  b.op(Op::STABLEHLO_CASE, {index, x}, {y},
       schema::CreateStablehloCaseOptionsDirect(b.fbb(), &graphs));
  b.op(Op::NEG, {y}, {b.output({2})}, schema::CreateNegOptions(b.fbb()));
  return b.finish();
}

TEST(Case, AnIndexOutsideTakesTheLastBranch) {
  for (int branches : {1, 2, 3}) {
    Net net(case_model(branches));
    ASSERT_TRUE(net.status.ok()) << net.status.message();
    for (int32_t index : {1, 0, 2, -1, 3, INT32_MIN}) {
      write<int32_t>(net.interpreter, 0, {index});
      write<float>(net.interpreter, 1, {1, -2});
      EXPECT_OK(net.run());
      const int taken = index >= 0 && index < branches ? index : branches - 1;
      const Floats expected[] = {{-2, 4}, {-3, 6}, {-1, 2, -1, 2}};
      EXPECT_EQ(read<float>(net.interpreter), expected[taken]) << branches << " " << index;
    }
  }
}

TEST(RuleO, ACaseWhoseIndexIsNoNumber) {
  for (int what : {0, 1}) {
    ModelBuilder b;
    const std::vector<int32_t> graphs{b.add_subgraph("branch")};
    b.graph().outputs = {b.input({2})};
    b.use_subgraph(0);
    const int index = what == 0 ? b.input({2}, Type::int32) : b.input({}, Type::int64);
    const int x = b.input({2});
    b.op(Op::STABLEHLO_CASE, {index, x}, {b.output({2})},
         schema::CreateStablehloCaseOptionsDirect(b.fbb(), &graphs));
    Net net(b.finish());
    const Status status = net.run();
    EXPECT_TRUE(says(status, what == 0 ? "index: expected 1 element, got shape [2]"
                                       : "index: expected type INT32, got INT64"))
        << status.message();
  }
}

TEST(Composite, RunsItsDecomposition) {
  ModelBuilder b;
  const int body = b.add_subgraph("body");
  {
    const int x = b.input({2}), y = b.input({2});
    b.op(Op::SUB, {x, y}, {b.output({2})}, schema::CreateSubOptions(b.fbb()));
  }
  b.use_subgraph(0);
  const int x = b.input({2}), y = b.input({2}), z = b.add_tensor({2}, Type::float32);
  b.op(Op::STABLEHLO_COMPOSITE, {x, y}, {z},
       schema::CreateStableHLOCompositeOptionsDirect(b.fbb(), "difference", body));
  b.op(Op::NEG, {z}, {b.output({2})}, schema::CreateNegOptions(b.fbb()));
  Net net(b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  write<float>(net.interpreter, 0, {5, 1});
  write<float>(net.interpreter, 1, {2, 4});
  EXPECT_OK(net.run());
  EXPECT_EQ(read<float>(net.interpreter), (Floats{-3, 3}));
  for (const Step& step : net.interpreter.plan().steps) EXPECT_FALSE(step.dynamic);
}

}  // namespace
}  // namespace cygnet::test
