// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"
#include "ops/string_values.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class I>
Move gather(const Index& in, const Index& shape, const std::vector<I>& indices, int axis,
            int batch_dims, bool known) {
  const int at = axis < 0 ? axis + static_cast<int>(in.size()) : axis;
  const int batch = batch_dims < 0 ? batch_dims + static_cast<int>(shape.size()) : batch_dims;
  Index out(in.begin(), in.begin() + at);
  out.insert(out.end(), shape.begin() + batch, shape.end());
  out.insert(out.end(), in.begin() + at + 1, in.end());
  const auto row = static_cast<int>(shape.size()) - batch;
  Move m{.name = "gather",
         .in = in,
         .out = out,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               const int i = known ? b.constant<I>(shape, indices) : b.input(shape, type_of<I>());
               b.op(Op::GATHER, {x, i}, {y}, schema::CreateGatherOptions(b.fbb(), axis, batch_dims),
                    7);
             },
         .source =
             [=](const Index& index) {
               Index place(index.begin(), index.begin() + batch);
               place.insert(place.end(), index.begin() + at, index.begin() + at + row);
               Index from(index.begin(), index.begin() + at);
               from.push_back(static_cast<int32_t>(indices[flat(shape, place)]));
               from.insert(from.end(), index.begin() + at + row, index.end());
               return from;
             }};
  if (!known) m.more_inputs = {values<I>(indices)};
  return m;
}

TEST(Gather, Cases) {
  std::vector<Move> moves;
  for (bool known : {true, false}) {
    moves.push_back(gather<int32_t>({4}, {3}, {3, 0, 3}, 0, 0, known));
    moves.push_back(gather<int32_t>({4}, {}, {2}, 0, 0, known));
    moves.push_back(gather<int64_t>({4, 5}, {2, 2}, {3, 1, 0, 2}, 0, 0, known));
    moves.push_back(gather<int32_t>({4, 5}, {2, 3}, {3, 1, 0, 2, 4, 4}, 1, 0, known));
    moves.push_back(gather<int16_t>({2, 3, 4}, {3}, {3, 1, 2}, -1, 0, known));
    moves.push_back(gather<int32_t>({2, 3, 4}, {}, {1}, 1, 0, known));
    moves.push_back(gather<int32_t>({2, 3, 4}, {2, 2}, {2, 0, 1, 1}, 1, 1, known));
    moves.push_back(gather<int32_t>({2, 3, 4}, {2, 2}, {3, 0, 1, 2}, 2, 1, known));
    moves.push_back(gather<int32_t>({2, 3, 4}, {2, 2}, {3, 0, 1, 2}, 2, -1, known));
    moves.push_back(gather<int32_t>({2, 3, 4}, {2, 3}, {3, 0, 1, 2, 2, 0}, 2, 2, known));
    moves.push_back(gather<int32_t>({3, 0}, {2}, {2, 0}, 0, 0, known));
    moves.push_back(gather<int32_t>({3, 2}, {0}, {}, 0, 0, known));
    moves.push_back(gather<int32_t>({0, 2}, {0, 3}, {}, 1, 1, known));
    moves.push_back(gather<int32_t>({5, 90, 70}, {4}, {88, 0, 7, 7}, 1, 0, known));
  }
  run_moves(moves);
}

std::function<void(ModelBuilder&)> model(const Index& in, const Index& shape, int axis,
                                         int batch_dims, Type type = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in), i = b.input(shape, type);
    b.op(Op::GATHER, {x, i}, {b.output({1})},
         schema::CreateGatherOptions(b.fbb(), axis, batch_dims));
  };
}

TEST(Gather, ChecksIndicesInEveryRun) {
  const auto run = [](int32_t index, const std::string& message) {
    return BadOpCase{.name = message,
                     .model = model({2, 3}, {2}, 1, 0),
                     .message = message,
                     .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({0, index})}};
  };
  refuse_op_cases({
      run(3, "index 3 at position 1 is not in [0, 3)"),
      run(-1, "index -1 at position 1 is not in [0, 3)"),
      run(INT32_MIN, "index -2147483648 at position 1"),
  });
}

TEST(Gather, StringsAndSmallElements) {
  const Values index = values<int32_t>({2, 0, 2});
  run_op_cases({
      {.name = "strings",
       .model =
           [](ModelBuilder& b) {
             const int x = b.constant_strings({3, 2}, {"a", "", "bb", "c", "dd", "e"}),
                       i = b.input({3}, Type::int32);
             b.op(Op::GATHER, {x, i}, {b.output({3, 2}, Type::string)},
                  schema::CreateGatherOptions(b.fbb(), 0, 0));
           },
       .inputs = {index},
       .outputs = {string_values({"dd", "e", "a", "", "dd", "e"})},
       .shapes = {{3, 2}}},
      {.name = "odd rows of int4",
       .model =
           [](ModelBuilder& b) {
             const int x = b.constant_bytes({3, 3}, Type::int4, {0x21, 0x43, 0x65, 0x87, 0x09}),
                       i = b.input({3}, Type::int32);
             b.op(Op::GATHER, {x, i}, {b.output({3, 3}, Type::int4)},
                  schema::CreateGatherOptions(b.fbb(), 0, 0));
           },
       .inputs = {index},
       .outputs = {{Type::int4, {0x87, 0x19, 0x32, 0x87, 0x09}}}},
  });
}

TEST(Gather, Refuses) {
  refuse_op_cases({
      {.name = "axis",
       .model = model({2, 3}, {2}, 2, 0),
       .message = "axis: expected -2 to 1, got 2"},
      {.name = "batch beyond axis",
       .model = model({2, 3}, {2, 3}, 0, 1),
       .message = "batch_dims: expected 0 to 0, got 1"},
      {.name = "batch beyond indices",
       .model = model({2, 3}, {2}, 1, 2),
       .message = "batch_dims: expected -1 to 1, got 2"},
      {.name = "batch shapes",
       .model = model({2, 3}, {3, 1}, 1, 1),
       .message = "the first 1 dimensions of [3,1] are not those of input 0 [2,3]"},
      {.name = "scalar",
       .model = model({}, {1}, 0, 0),
       .message = "input 0: expected rank 1 to 8, got 0"},
      {.name = "float index",
       .model = model({2}, {1}, 0, 0, Type::float32),
       .message = "input 1: type FLOAT32 is not supported"},
      {.name = "rank",
       .model = model(Index(6, 1), Index(4, 1), 0, 0),
       .message = "T2: rank of output 0: expected 0 to 8, got 9"},
  });
}

}  // namespace
}  // namespace cygnet::test
