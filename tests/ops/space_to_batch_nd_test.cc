// SPDX-License-Identifier: Apache-2.0
// SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND.
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

void add(ModelBuilder& b, Op code, const Index& block, const Index& edges, bool known, int x,
         int y) {
  const auto n = static_cast<int32_t>(block.size());
  const int k = known ? b.constant<int32_t>({n}, block) : b.input({n}, Type::int32);
  const int e = known ? b.constant<int64_t>({n, 2}, {edges.begin(), edges.end()})
                      : b.input({n, 2}, Type::int32);
  b.op(code, {x, k, e}, {y});
}

int32_t product_of(const Index& block) {
  return static_cast<int32_t>(count(block));
}

Move to_batch(const Index& in, const Index& block, const Index& paddings, bool known = true) {
  const size_t n = block.size();
  Index out = in;
  out[0] *= product_of(block);
  for (size_t i = 0; i < n; ++i)
    out[i + 1] = (in[i + 1] + paddings[2 * i] + paddings[2 * i + 1]) / block[i];
  Move m{.name = "space_to_batch_nd",
         .in = in,
         .out = out,
         .add = [=](ModelBuilder& b, int x,
                    int y) { add(b, Op::SPACE_TO_BATCH_ND, block, paddings, known, x, y); },
         .source =
             [=](Index index) {
               int32_t place = index[0] / in[0];
               index[0] %= in[0];
               for (size_t i = n; i-- > 0;) {
                 index[i + 1] = index[i + 1] * block[i] + place % block[i] - paddings[2 * i];
                 place /= block[i];
                 if (index[i + 1] < 0 || index[i + 1] >= in[i + 1]) return Index();
               }
               return index;
             }};
  if (!known) m.more_inputs = {values<int32_t>(block), values<int32_t>(paddings)};
  return m;
}

Move to_space(const Index& in, const Index& block, const Index& crops, bool known = true) {
  const size_t n = block.size();
  Index out = in;
  out[0] /= product_of(block);
  for (size_t i = 0; i < n; ++i)
    out[i + 1] = in[i + 1] * block[i] - crops[2 * i] - crops[2 * i + 1];
  Move m{.name = "batch_to_space_nd",
         .in = in,
         .out = out,
         .add = [=](ModelBuilder& b, int x,
                    int y) { add(b, Op::BATCH_TO_SPACE_ND, block, crops, known, x, y); },
         .source =
             [=](Index index) {
               int32_t place = 0;
               for (size_t i = 0; i < n; ++i) {
                 const int32_t at = index[i + 1] + crops[2 * i];
                 place = place * block[i] + at % block[i];
                 index[i + 1] = at / block[i];
               }
               index[0] += place * out[0];
               return index;
             }};
  if (!known) m.more_inputs = {values<int32_t>(block), values<int32_t>(crops)};
  return m;
}

TEST(SpaceToBatchNd, Cases) {
  run_moves({
      to_batch({1, 2, 2, 1}, {2, 2}, {0, 0, 0, 0}),
      to_batch({2, 4, 6, 3}, {2, 3}, {0, 0, 0, 0}),
      to_batch({2, 3, 5, 2}, {2, 3}, {1, 0, 0, 1}),
      to_batch({1, 3, 3, 2}, {4, 4}, {0, 1, 1, 0}),
      to_batch({1, 2, 2, 2}, {2, 2}, {4, 4, 0, 6}),
      to_batch({2, 4, 6, 3}, {1, 1}, {0, 0, 0, 0}),
      to_batch({2, 6, 3}, {2}, {1, 1}),
      to_batch({2, 6, 3}, {3}, {0, 0}, false),
      to_batch({1, 4, 5, 1}, {2, 2}, {0, 0, 1, 0}, false),
      to_batch({1, 4, 4, 0}, {2, 2}, {0, 0, 0, 0}),
      to_batch({2, 61, 63, 5}, {2, 2}, {2, 1, 1, 2}),
  });
}

TEST(SpaceToBatchNd, QuantizedPaddingIsTheZeroPoint) {
  Move m = to_batch({1, 3, 3, 2}, {2, 2}, {1, 0, 0, 1});
  m.quantization = per_tensor(0.5f, 9);
  run_op_cases({move_case<int8_t>(m, 9), move_case<uint8_t>(m, 9)});
}

TEST(BatchToSpaceNd, Cases) {
  run_moves({
      to_space({4, 1, 1, 1}, {2, 2}, {0, 0, 0, 0}),
      to_space({12, 2, 2, 3}, {2, 3}, {0, 0, 0, 0}),
      to_space({8, 3, 2, 2}, {2, 2}, {1, 2, 0, 1}),
      to_space({16, 2, 2, 1}, {4, 4}, {3, 3, 2, 5}),
      to_space({2, 4, 6, 3}, {1, 1}, {0, 0, 0, 0}),
      to_space({6, 3, 2}, {3}, {1, 1}),
      to_space({6, 3, 2}, {2}, {0, 0}, false),
      to_space({4, 2, 3, 1}, {2, 2}, {0, 0, 1, 0}, false),
      to_space({4, 2, 2, 1}, {2, 2}, {4, 0, 0, 0}),
      to_space({8, 31, 33, 5}, {2, 2}, {2, 1, 1, 2}),
  });
}

std::function<void(ModelBuilder&)> model(Op code, const Index& in, const Index& block,
                                         const Index& edges) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in);
    add(b, code, block, edges, true, x, b.output({1}));
  };
}

TEST(SpaceToBatchNd, Refuses) {
  const Op code = Op::SPACE_TO_BATCH_ND;
  refuse_op_cases({
      {.name = "rank",
       .model = model(code, {2, 2}, {1}, {0, 0}),
       .message = "input 0: expected rank 3 to 4, got 2"},
      {.name = "block",
       .model = model(code, {1, 2, 1}, {0}, {0, 0}),
       .message = "block: expected 1 to"},
      {.name = "block count",
       .model = model(code, {1, 2, 1}, {1, 1}, {0, 0, 0, 0}),
       .message = "input 1: expected shape [1]"},
      {.name = "padding",
       .model = model(code, {1, 2, 1}, {1}, {-1, 0}),
       .message = "padding or crop: expected 0 to"},
      {.name = "divides",
       .model = model(code, {1, 3, 1}, {2}, {0, 0}),
       .message = "block 2 does not divide dimension 1"},
      {.name = "batches",
       .model = model(code, {3, 0, 0, 1}, {2147483647, 2147483647}, {0, 0, 0, 0}),
       .message = "too many batches"},
  });
}

TEST(BatchToSpaceNd, Refuses) {
  const Op code = Op::BATCH_TO_SPACE_ND;
  refuse_op_cases({
      {.name = "rank",
       .model = model(code, {2, 2}, {1}, {0, 0}),
       .message = "input 0: expected rank 3 to 4, got 2"},
      {.name = "block",
       .model = model(code, {2, 2, 1}, {-2}, {0, 0}),
       .message = "block: expected 1 to"},
      {.name = "divides",
       .model = model(code, {3, 2, 1}, {2}, {0, 0}),
       .message = "do not divide the batches"},
      {.name = "crops",
       .model = model(code, {2, 2, 1}, {2}, {3, 2}),
       .message = "crops of 3 and 2 do not fit 4"},
      {.name = "negative",
       .model = model(code, {2, 2, 1}, {2}, {0, -1}),
       .message = "padding or crop: expected 0 to"},
  });
}

}  // namespace
}  // namespace cygnet::test
