// SPDX-License-Identifier: Apache-2.0
// BUCKETIZE.
#include <gtest/gtest.h>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

std::function<void(ModelBuilder&)> bucketize(Type type, const std::vector<float>& boundaries,
                                             Type out = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({5}, type), y = b.output({5}, out);
    b.op(Op::BUCKETIZE, {x}, {y},
         schema::CreateBucketizeOptions(b.fbb(), b.fbb().CreateVector(boundaries)));
  };
}

TEST(Bucketize, Cases) {
  const std::vector<float> edges = {-1, 0, 0, 2.5f};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  run_op_cases({{.name = "f32",
                 .model = bucketize(Type::float32, edges),
                 .inputs = {values<float>({-2, -1, 0, 2.4f, nan})},
                 .outputs = {values<int32_t>({0, 1, 3, 3, 4})},
                 .kernel_steps = 0},
                {.name = "f64",
                 .model = bucketize(Type::float64, edges),
                 .inputs = {values<double>({-1e-300, 1e-300, 2.5, 2.4999999999999, 9})},
                 .outputs = {values<int32_t>({1, 3, 4, 3, 4})},
                 .kernel_steps = 0},
                {.name = "int64",
                 .model = bucketize(Type::int64, edges),
                 .inputs = {values<int64_t>({-5, -1, 0, 2, 3})},
                 .outputs = {values<int32_t>({0, 1, 3, 3, 4})},
                 .kernel_steps = 0},
                {.name = "no boundary",
                 .model = bucketize(Type::int32, {}),
                 .inputs = {values<int32_t>({-5, -1, 0, 2, 3})},
                 .outputs = {values<int32_t>({0, 0, 0, 0, 0})},
                 .kernel_steps = 0}});
}

TEST(Bucketize, Refuses) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  refuse_op_cases({{.name = "order",
                    .model = bucketize(Type::float32, {1, 0}),
                    .message = "boundaries: expected ascending numbers, got 0 at 1"},
                   {.name = "NaN",
                    .model = bucketize(Type::float32, {0, nan}),
                    .message = "boundaries: expected ascending numbers"},
                   {.name = "absent",
                    .model = bare_model(Op::BUCKETIZE, {{{2}}}, {{2}, Type::int32}),
                    .message = "boundaries: expected a list, got none"},
                   {.name = "bool",
                    .model = bucketize(Type::boolean, {0}),
                    .message = "type BOOL is not supported"},
                   {.name = "result",
                    .model = bucketize(Type::float32, {0}, Type::int64),
                    .message = "output 0: expected type INT32"}});
}

}  // namespace
}  // namespace cygnet::test
