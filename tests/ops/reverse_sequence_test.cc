// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

std::function<void(ModelBuilder&)> model(int sequence, int batch, int lengths = 2,
                                         Type type = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 3}), n = b.input({lengths}, type);
    b.op(schema::BuiltinOperator::REVERSE_SEQUENCE, {x, n}, {b.output({2, 3})},
         schema::CreateReverseSequenceOptions(b.fbb(), sequence, batch));
  };
}

TEST(ReverseSequence, Rows) {
  run_op_cases({{.name = "rows",
                 .model = model(1, 0),
                 .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({2, 3})},
                 .outputs = {values<float>({2, 1, 3, 6, 5, 4})}},
                {.name = "columns",
                 .model = model(0, 1, 3),
                 .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({2, 1, 0})},
                 .outputs = {values<float>({4, 2, 3, 1, 5, 6})}}});
}

TEST(ReverseSequence, Refuses) {
  const auto run = [](int32_t length, const std::string& message) {
    return BadOpCase{.name = message,
                     .model = model(1, 0),
                     .message = message,
                     .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({1, length})}};
  };
  refuse_op_cases({
      run(4, "input 1: length: expected 0 to 3, got 4"),
      run(-1, "input 1: length: expected 0 to 3, got -1"),
      {.name = "sequence", .model = model(2, 0), .message = "seq_dim: expected 0 to 1, got 2"},
      {.name = "batch", .model = model(1, -1), .message = "batch_dim: expected 0 to 1, got -1"},
      {.name = "same", .model = model(1, 1, 3), .message = "seq_dim and batch_dim are both 1"},
      {.name = "count", .model = model(1, 0, 3), .message = "input 1: expected shape [2], got [3]"},
      {.name = "type", .model = model(1, 0, 2, Type::float32), .message = "input 1: type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
