// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

int32_t join(Editor& e, const std::vector<int32_t>& parts, int axis, std::string_view name = {}) {
  schema::ConcatenationOptionsT options;
  options.axis = axis;
  return e.add(Builtin::CONCATENATION, parts, options, name);
}

TEST(MergeConcatenations, SameAxis) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 2, 3});
  const int32_t a = e.add(Builtin::TANH, {x});
  e.set_outputs({join(e, {join(e, {x, a}, -1), x, join(e, {a, join(e, {a, x}, 2)}, 2)}, 2, "y")});
  EXPECT_EQ(optimize(draft, {"merge-concatenations"}), 2);
  EXPECT_EQ(operators(draft), (Names{"TANH", "CONCATENATION"}));
}

TEST(MergeConcatenations, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 2, 2});
  const int32_t shared = join(e, {x, x}, 1, "shared");
  e.set_outputs(
      {shared, join(e, {shared, x}, 1, "a"), join(e, {join(e, {x, x}, 1), shared}, 2, "b")});
  EXPECT_EQ(optimize(draft, {"merge-concatenations"}), 0);
}

}  // namespace
}  // namespace cygnet::test
