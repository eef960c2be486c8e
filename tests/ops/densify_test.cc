// SPDX-License-Identifier: Apache-2.0
// Sparse constants, as DENSIFY's operand and as weights.
#include <gtest/gtest.h>

#include "ops/conv_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Dims = std::vector<int32_t>;

// One level of a sparse tensor: its size where it has no segments, else segments and indices.
struct Level {
  int size = 0;
  Dims segments = {}, indices = {};
};

struct Layout {
  Dims order, block_map;
  std::vector<Level> levels;
};

// Lists in the narrowest form that level `width` (4, 2, 1 bytes) allows.
void add_layout(ModelBuilder& b, int tensor, const Layout& layout, int width) {
  auto& f = b.fbb();
  using Kind = schema::SparseIndexVector;
  const Kind kind = width == 4   ? Kind::Int32Vector
                    : width == 2 ? Kind::Uint16Vector
                                 : Kind::Uint8Vector;
  const auto list = [&](const Dims& v) {
    if (width == 4) return schema::CreateInt32Vector(f, f.CreateVector(v)).Union();
    if (width == 2)
      return schema::CreateUint16Vector(f,
                                        f.CreateVector(std::vector<uint16_t>(v.begin(), v.end())))
          .Union();
    return schema::CreateUint8Vector(f, f.CreateVector(std::vector<uint8_t>(v.begin(), v.end())))
        .Union();
  };
  std::vector<flatbuffers::Offset<schema::DimensionMetadata>> dims;
  for (const Level& level : layout.levels) {
    if (level.segments.empty()) {
      dims.push_back(schema::CreateDimensionMetadata(f, schema::DimensionType::DENSE, level.size));
      continue;
    }
    const auto segments = list(level.segments), indices = list(level.indices);
    dims.push_back(schema::CreateDimensionMetadata(f, schema::DimensionType::SPARSE_CSR, level.size,
                                                   kind, segments, kind, indices));
  }
  const auto order = f.CreateVector(layout.order), map = f.CreateVector(layout.block_map);
  b.tensor(tensor).sparsity = schema::CreateSparsityParameters(f, order, map, f.CreateVector(dims));
}

template <class T>
OpCase dense_case(const std::string& name, const Dims& shape, const std::vector<T>& stored,
                  const Layout& layout, const std::vector<T>& expected, int width = 4) {
  return {.name = name,
          .model =
              [=](ModelBuilder& b) {
                const int x = b.constant<T>({static_cast<int32_t>(stored.size())}, stored);
                b.tensor(x).shape = shape;
                add_layout(b, x, layout, width);
                b.op(Op::DENSIFY, {x}, {b.output(shape, type_of<T>())});
              },
          .inputs = {},
          .outputs = {values(expected)},
          .shapes = {shape},
          .kernel_steps = 0};
}

// [[0, 5, 0], [6, 0, 7]] by rows.
const Layout kRows = {{0, 1}, {}, {{.size = 2}, {.segments = {0, 1, 3}, .indices = {1, 0, 2}}}};

TEST(Densify, Cases) {
  std::vector<OpCase> cases;
  for (int width : {4, 2, 1})
    cases.push_back(dense_case<float>("rows", {2, 3}, {5, 6, 7}, kRows, {0, 5, 0, 6, 0, 7}, width));
  cases.push_back(dense_case<int8_t>("int8", {2, 3}, {5, 6, 7}, kRows, {0, 5, 0, 6, 0, 7}));
  cases.push_back(dense_case<float>(
      "columns first", {2, 3}, {6, 5, 7},
      {{1, 0}, {}, {{.size = 3}, {.segments = {0, 1, 2, 3}, .indices = {1, 0, 1}}}},
      {0, 5, 0, 6, 0, 7}));
  cases.push_back(dense_case<float>(
      "both sparse", {3, 3}, {5, 6},
      {{0, 1}, {}, {{.segments = {0, 1}, .indices = {2}}, {.segments = {0, 2}, .indices = {0, 2}}}},
      {0, 0, 0, 0, 0, 0, 5, 0, 6}));
  cases.push_back(dense_case<float>("dense", {2, 2}, {1, 2, 3, 4},
                                    {{0, 1}, {}, {{.size = 2}, {.size = 2}}}, {1, 2, 3, 4}));
  cases.push_back(dense_case<float>(
      "blocks of 2 x 2", {2, 4}, {1, 2, 3, 4},
      {{0, 1, 2, 3},
       {0, 1},
       {{.size = 1}, {.segments = {0, 1}, .indices = {1}}, {.size = 2}, {.size = 2}}},
      {0, 0, 1, 2, 0, 0, 3, 4}));
  // Within the block columns come first, and they are three.
  cases.push_back(dense_case<float>(
      "blocks in another order", {2, 6}, {1, 2, 3, 4, 5, 6},
      {{0, 1, 3, 2},
       {0, 1},
       {{.size = 1}, {.segments = {0, 1}, .indices = {1}}, {.size = 3}, {.size = 2}}},
      {0, 0, 0, 1, 3, 5, 0, 0, 0, 2, 4, 6}));
  cases.push_back(
      dense_case<float>("nothing", {0, 3}, {}, {{0, 1}, {}, {{.size = 0}, {.size = 3}}}, {}));
  run_op_cases(cases);
}

TEST(Densify, SparseWeights) {
  run_op_cases({{.name = "fully connected",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.input({1, 3}), w = b.constant<float>({3}, {5, 6, 7});
                       b.tensor(w).shape = {2, 3};
                       add_layout(b, w, kRows, 4);
                       b.op(Op::FULLY_CONNECTED, {x, w}, {b.output({1, 2})},
                            schema::CreateFullyConnectedOptions(b.fbb()));
                     },
                 .inputs = {values<float>({1, 2, 3})},
                 .outputs = {values<float>({10, 27})}}});
}

TEST(Densify, Refuses) {
  refuse_op_cases({
      {.name = "type",
       .model =
           [](ModelBuilder& b) {
             const int x = b.constant<int32_t>({2}, {1, 2});
             b.op(Op::DENSIFY, {x}, {b.output({2}, Type::int32)});
           },
       .message = "input 0: type INT32 is not supported"},
      {.name = "not constant",
       .model = [](ModelBuilder& b) { b.op(Op::DENSIFY, {b.input({2})}, {b.output({2})}); },
       .message = "input 0: expected a constant"},
      {.name = "sparse INT4",
       .model =
           [](ModelBuilder& b) {
             const int x = b.constant_bytes({3}, Type::int4, {1, 2}, per_tensor(1));
             b.tensor(x).shape = {2, 3};
             add_layout(b, x, kRows, 4);
             b.op(Op::DENSIFY, {x}, {b.output({2, 3}, Type::int4)});
           },
       .message = "T7: a sparse constant of type INT4"},
  });
}

}  // namespace
}  // namespace cygnet::test
