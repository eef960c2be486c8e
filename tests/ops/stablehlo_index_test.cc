// SPDX-License-Identifier: Apache-2.0
// STABLEHLO_GATHER and STABLEHLO_SCATTER.
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Shape = std::vector<int32_t>;
using Numbers = std::vector<int64_t>;

// Rows of a [3, 4] operand by default.
struct Gather {
  Shape starts = {2, 1};
  Numbers offset = {1}, collapsed = {0}, map = {0}, sizes = {1, 4};
  int64_t vector_dim = 1;
};

std::function<void(ModelBuilder&)> gather(const Gather& g, Type starts = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({3, 4}, Type::int16), i = b.input(g.starts, starts);
    b.op(Op::STABLEHLO_GATHER, {x, i}, {b.output({1, 1}, Type::int16)},
         schema::CreateStablehloGatherOptionsDirect(b.fbb(), &g.offset, &g.collapsed, &g.map,
                                                    g.vector_dim, &g.sizes));
  };
}

// Rows of a [3, 2] operand by default.
struct Scatter {
  Shape indices = {2, 1}, updates = {2, 2};
  Numbers window = {1}, inserted = {0}, map = {0};
  int64_t vector_dim = 1;
};

std::function<void(ModelBuilder&)> scatter(const Scatter& s, std::vector<Op> body,
                                           Type type = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({3, 2}, type), i = b.input(s.indices, Type::int64),
              u = b.input(s.updates, type);
    b.op(Op::STABLEHLO_SCATTER, {x, i, u}, {b.output({3, 2}, type)},
         schema::CreateStablehloScatterOptionsDirect(b.fbb(), false, &s.window, &s.inserted, &s.map,
                                                     s.vector_dim, false, 1));
    b.add_subgraph("update");
    const int p = b.input({}, type), q = b.input({}, type);
    for (Op op : body) b.op(op, {p, q}, {b.output({}, type)});
    if (body.empty()) b.graph().outputs.push_back(q);
    b.use_subgraph(0);
  };
}

TEST(StablehloGather, Cases) {
  const Values x = values<int16_t>({0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23});
  run_op_cases({
      {.name = "rows, clamped",
       .model = gather({}),
       .inputs = {x, values<int32_t>({1, 7})},
       .outputs = {values<int16_t>({10, 11, 12, 13, 20, 21, 22, 23})},
       .shapes = {{2, 4}}},
      {.name = "windows, the batch behind",
       .model = gather({.starts = {2, 2},
                        .offset = {0, 1},
                        .collapsed = {},
                        .map = {1, 0},
                        .sizes = {2, 1},
                        .vector_dim = 0}),
       .inputs = {x, values<int32_t>({3, 1, 0, -5})},
       .outputs = {values<int16_t>({3, 1, 13, 11})},
       .shapes = {{2, 1, 2}}},
      {.name = "numbers as indices",
       .model = gather({.starts = {2}, .vector_dim = 1}),
       .inputs = {x, values<int32_t>({2, 0})},
       .outputs = {values<int16_t>({20, 21, 22, 23, 0, 1, 2, 3})}},
  });
}

TEST(StablehloGather, Refuses) {
  refuse_op_cases({
      {.name = "size",
       .model = gather({.sizes = {1, 5}}),
       .message = "slice_sizes: expected 0 to 4, got 5"},
      {.name = "sizes", .model = gather({.sizes = {1}}), .message = "slice_sizes: count"},
      {.name = "collapsed size",
       .model = gather({.sizes = {2, 4}}),
       .message = "slice_sizes of a collapsed dimension"},
      {.name = "offset",
       .model = gather({.offset = {2}}),
       .message = "offset_dims: expected 0 to 1"},
      {.name = "offsets", .model = gather({.offset = {0, 1}}), .message = "offset_dims: count"},
      {.name = "twice",
       .model = gather({.collapsed = {0, 0}}),
       .message = "collapsed_slice_dims: dimension 0 occurs twice"},
      {.name = "falling",
       .model = gather({.offset = {1, 0}, .collapsed = {}}),
       .message = "offset_dims: expected rising dimensions"},
      {.name = "map",
       .model = gather({.map = {-1}}),
       .message = "start_index_map: expected 0 to 1, got -1"},
      {.name = "vector",
       .model = gather({.vector_dim = 0}),
       .message = "index_vector_dim: expected a dimension of 1 numbers, got 2"},
      {.name = "vector dim",
       .model = gather({.vector_dim = 3}),
       .message = "index_vector_dim: expected 0 to 2, got 3"},
      {.name = "type",
       .model = gather({}, Type::int16),
       .message = "input 1: type INT16 is not supported"},
  });
}

TEST(StablehloScatter, Cases) {
  const Values x = values<int32_t>({1, 2, 3, 4, 5, 6}), u = values<int32_t>({10, 20, 30, 40});
  const auto expect = [&](const char* name, std::vector<Op> body, const std::vector<int32_t>& y) {
    return OpCase{.name = name,
                  .model = scatter({}, std::move(body)),
                  .inputs = {x, values<int64_t>({2, 2}), u},
                  .outputs = {values(y)}};
  };
  run_op_cases({
      expect("sets", {}, {1, 2, 3, 4, 30, 40}),
      expect("adds", {Op::STABLEHLO_ADD}, {1, 2, 3, 4, 45, 66}),
      expect("multiplies", {Op::STABLEHLO_MULTIPLY}, {1, 2, 3, 4, 1500, 4800}),
      expect("maximum", {Op::STABLEHLO_MAXIMUM}, {1, 2, 3, 4, 30, 40}),
      expect("minimum", {Op::STABLEHLO_MINIMUM}, {1, 2, 3, 4, 5, 6}),
      {.name = "outside is left out",
       .model = scatter({}, {Op::STABLEHLO_ADD}),
       .inputs = {x, values<int64_t>({-1, INT64_MAX}), u},
       .outputs = {x}},
      {.name = "halves",
       .model = scatter({}, {Op::STABLEHLO_ADD}, Type::float16),
       .inputs = {halves({0, 0, 0, 0, 0x3c00, 0x3c00}), values<int64_t>({2, 0}),
                  halves({0x3c00, 0x4000, 0x4200, 0})},
       .outputs = {halves({0x4200, 0, 0, 0, 0x4000, 0x4200})}},
  });
}

TEST(StablehloScatter, Refuses) {
  refuse_op_cases({
      {.name = "body", .model = scatter({}, {Op::SUB}), .message = "the update computation"},
      {.name = "two",
       .model = scatter({}, {Op::STABLEHLO_ADD, Op::STABLEHLO_ADD}),
       .message = "the update computation"},
      {.name = "rank",
       .model = scatter({.updates = {2, 2, 1}}, {}),
       .message = "input 2: expected rank 2, got 3"},
      {.name = "window",
       .model = scatter({.updates = {2, 3}}, {}),
       .message = "window of input 2: expected 0 to 2, got 3"},
      {.name = "batch",
       .model = scatter({.updates = {3, 2}}, {}),
       .message = "dimension of input 2: expected 2 to 2, got 3"},
      {.name = "inserted",
       .model = scatter({.inserted = {}}, {}),
       .message = "update_window_dims: count: expected 2 to 2, got 1"},
      {.name = "twice",
       .model = scatter({.inserted = {0, 0}}, {}),
       .message = "inserted_window_dims: dimension 0 occurs twice"},
      {.name = "falling",
       .model = scatter({.window = {1, 0}, .inserted = {}}, {}),
       .message = "update_window_dims: expected rising dimensions"},
      {.name = "map",
       .model = scatter({.map = {2}}, {}),
       .message = "scatter_dims_to_operand_dims: expected 0 to 1, got 2"},
      {.name = "type",
       .model = scatter({}, {}, Type::complex64),
       .message = "type COMPLEX64 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
