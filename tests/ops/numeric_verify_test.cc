// SPDX-License-Identifier: Apache-2.0
// NumericVerify.
#include <gtest/gtest.h>

#include "flatbuffers/flexbuffers.h"
#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

std::vector<uint8_t> options(float tolerance, bool checks) {
  flexbuffers::Builder b;
  b.Map([&] {
    b.Float("tolerance", tolerance);
    b.Bool("log_if_failed", checks);
  });
  b.Finish();
  return b.GetBuffer();
}

std::function<void(ModelBuilder&)> model(Bare x, Bare reference, std::vector<uint8_t> bytes) {
  return [=](ModelBuilder& b) {
    const int in = b.input(x.shape, x.type, x.quant),
              want = b.input(reference.shape, reference.type);
    b.custom_op("NumericVerify", {in, want}, {b.output(x.shape)}, bytes);
  };
}

TEST(NumericVerify, Differences) {
  const Values want = values<float>({1, -1, 7});
  run_op_cases({
      {.name = "int8",
       .model = model({{3}, Type::int8, per_tensor(0.5f, 3)}, {{3}}, options(5, false)),
       .inputs = {values<int8_t>({5, -128, 4}), want},
       .outputs = {values<float>({0, -64.5f, -6.5f})}},
      {.name = "uint8",
       .model = model({{3}, Type::uint8, per_tensor(0.5f, 3)}, {{3}}, options(20, true)),
       .inputs = {values<uint8_t>({5, 3, 17}), want},
       .outputs = {values<float>({0, 1, 0})}},
      {.name = "int16, no tolerance",
       .model = model({{3}, Type::int16, per_tensor(0.5f)}, {{3}}, options(0.05f, true)),
       .inputs = {values<int16_t>({2, 0, -14}), want},
       .outputs = {values<float>({0, 1, -14})}},
      {.name = "channels",
       .model = model({{3}, Type::int8, per_channel({1, 2, 3}, 0)}, {{3}}, options(5, false)),
       .inputs = {values<int8_t>({1, 1, 1}), want},
       .outputs = {values<float>({0, 3, -4})}},
  });
}

TEST(NumericVerify, Refuses) {
  const Bare x = {{2}, Type::int8, per_tensor(0.5f)}, want = {{2}};
  refuse_op_cases({
      {.name = "too far",
       .model = model(x, want, options(4, true)),
       .message = "element 1 is 2.5 off, more than 2",
       .inputs = {values<int8_t>({4, 5}), values<float>({0, 0})}},
      {.name = "type",
       .model = model({{2}, Type::int32, per_tensor(1)}, want, options(4, true)),
       .message = "input 0: type INT32 is not supported"},
      {.name = "reference",
       .model = model(x, {{2}, Type::int32}, options(4, true)),
       .message = "input 1: expected type FLOAT32"},
      {.name = "shapes",
       .model = model(x, {{3}}, options(4, true)),
       .message = "input 1: expected shape [2], got [3]"},
      {.name = "no scale",
       .model = model({{2}, Type::int8}, want, options(4, true)),
       .message = "input 0: expected quantization"},
      {.name = "no options", .model = model(x, want, {}), .message = "C10"},
      {.name = "no map", .model = model(x, want, {1, 2, 3, 4, 5}), .message = "C10"},
      {.name = "infinite tolerance",
       .model = model(x, want, options(std::numeric_limits<float>::infinity(), true)),
       .message = "C10: tolerance: expected a finite number"},
      {.name = "missing key",
       .model = model(x, want,
                      [] {
                        flexbuffers::Builder b;
                        b.Map([&] { b.Float("tolerance", 1.0f); });
                        b.Finish();
                        return b.GetBuffer();
                      }()),
       .message = "C10: log_if_failed: expected a truth value"},
  });
}

}  // namespace
}  // namespace cygnet::test
