// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

std::function<void(ModelBuilder&)> model(float min, float max, int bits, bool narrow,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({5}, type);
    b.op(schema::BuiltinOperator::FAKE_QUANT, {x}, {b.output({5}, type)},
         schema::CreateFakeQuantOptions(b.fbb(), min, max, bits, narrow));
  };
}

TEST(FakeQuant, RoundsToSteps) {
  // 2 bits over 0..3: 0, 1, 2, 3. Limits move to whole steps: −0.4..2.6 becomes 0..3. With a narrow
  // range one code less: −1..1 in 3 codes.
  const std::vector<Values> x = {values<float>({-9, -0.4f, 0.6f, 1.4f, 9})};
  run_op_cases({
      {.name = "plain",
       .model = model(0, 3, 2, false),
       .inputs = x,
       .outputs = {values<float>({0, 0, 1, 1, 3})}},
      {.name = "nudged",
       .model = model(-0.4f, 2.6f, 2, false),
       .inputs = x,
       .outputs = {values<float>({0, 0, 1, 1, 3})}},
      {.name = "narrow",
       .model = model(-1, 1, 2, true),
       .inputs = x,
       .outputs = {values<float>({-1, 0, 1, 1, 1})}},
  });
}

TEST(FakeQuant, Refuses) {
  refuse_op_cases({
      {.name = "bits",
       .model = model(0, 1, 17, false),
       .message = "num_bits: expected 2 to 16, got 17"},
      {.name = "no bits",
       .model = model(0, 1, 0, false),
       .message = "num_bits: expected 2 to 16, got 0"},
      {.name = "empty",
       .model = model(1, 1, 8, false),
       .message = "expected min < max, got 1 and 1"},
      {.name = "nan", .model = model(NAN, 1, 8, false), .message = "expected min < max"},
      {.name = "infinite",
       .model = model(-3e38f, 3e38f, 8, false),
       .message = "expected min < max"},
      {.name = "type",
       .model = model(0, 1, 8, false, Type::int32),
       .message = "input 0: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
