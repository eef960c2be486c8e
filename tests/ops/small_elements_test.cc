// SPDX-License-Identifier: Apache-2.0
// Elements that are no whole bytes, INT4 and STRING, in the operators that move them. The same move
// of int32 numbers says where each element goes.
#include <gtest/gtest.h>

#include "base/number.h"
#include "graph/strings.h"
#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

std::vector<int8_t> nibbles(size_t n) {
  std::vector<int8_t> out(n);
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<int8_t>(static_cast<int>(i * 7 % 16) - 8);
  return out;
}

Values packed(const std::vector<int8_t>& elements) {
  Values v{Type::int4, std::vector<uint8_t>((elements.size() + 1) / 2)};
  pack_small(Type::int4, elements.data(), static_cast<int64_t>(elements.size()), v.bytes.data());
  return v;
}

Values packed(const std::vector<std::string>& texts) {
  const auto n = static_cast<int64_t>(texts.size());
  const auto at = [&](int64_t i) -> std::string_view { return texts[static_cast<size_t>(i)]; };
  Values v{Type::string, std::vector<uint8_t>(static_cast<size_t>(strings_bytes(n, at)))};
  put_strings(v.bytes.data(), n, at);
  return v;
}

std::vector<std::string> texts(size_t n) {
  std::vector<std::string> out;
  for (size_t i = 0; i < n; ++i) out.push_back(std::string(i % 4, 'x') + std::to_string(i));
  return out;
}

// The case for elements of a list, which `packed` brings into a tensor's form.
template <class List>
OpCase listed_case(const Move& m, Type type, const List& in) {
  List out;
  for (const Index& from : tabulate<Index>(m.out, m.source)) out.push_back(in[flat(m.in, from)]);
  OpCase c{.name = m.name + " of " + type_name(type),
           .model =
               [=](ModelBuilder& b) {
                 const int x = b.input(m.in, type);
                 m.add(b, x, b.output(m.out, type));
               },
           .inputs = {packed(in)},
           .outputs = {packed(out)},
           .shapes = {m.out},
           .tolerance = 0,
           .kernel_steps = 0};
  c.inputs.insert(c.inputs.end(), m.more_inputs.begin(), m.more_inputs.end());
  return c;
}

OpCase int4_case(const Move& m) {
  return listed_case(m, Type::int4, nibbles(count(m.in)));
}

OpCase string_case(const Move& m) {
  return listed_case(m, Type::string, texts(count(m.in)));
}

// An operator whose other inputs are int32 vectors, constants or inputs.
Move with_vectors(Op op, const Index& in, const Index& out, const std::vector<Index>& vectors,
                  std::function<Index(const Index&)> source, bool known = true) {
  Move m{.name = schema::EnumNameBuiltinOperator(op),
         .in = in,
         .out = out,
         .add =
             [=](ModelBuilder& b, int x, int y) {
               std::vector<int32_t> inputs = {x};
               for (const Index& v : vectors) {
                 const auto n = static_cast<int32_t>(v.size());
                 inputs.push_back(known ? b.constant<int32_t>({n}, v) : b.input({n}, Type::int32));
               }
               b.op(op, inputs, {y});
             },
         .source = std::move(source)};
  if (!known)
    for (const Index& v : vectors) m.more_inputs.push_back(values<int32_t>(v));
  return m;
}

Move transpose(const Index& in, const Index& order, bool known = true) {
  Index out;
  for (int32_t d : order) out.push_back(in[static_cast<size_t>(d)]);
  return with_vectors(
      Op::TRANSPOSE, in, out, {order},
      [=](const Index& index) {
        Index from(index.size());
        for (size_t i = 0; i < index.size(); ++i) from[static_cast<size_t>(order[i])] = index[i];
        return from;
      },
      known);
}

Move slice(const Index& in, const Index& begin, const Index& size, bool known = true) {
  return with_vectors(
      Op::SLICE, in, size, {begin, size},
      [=](Index index) {
        for (size_t d = 0; d < index.size(); ++d) index[d] += begin[d];
        return index;
      },
      known);
}

Move repeated(Op op, const Index& in, const Index& out, const Index& vector, bool known = true) {
  return with_vectors(
      op, in, out, {vector},
      [=](const Index& index) {
        Index from;
        const size_t skipped = index.size() - in.size();
        for (size_t d = 0; d < in.size(); ++d) from.push_back(index[d + skipped] % in[d]);
        return from;
      },
      known);
}

TEST(Int4, TransposeSliceAndBroadcast) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(int4_case(transpose({3, 5}, {1, 0}, known)));
    cases.push_back(int4_case(transpose({2, 3, 7}, {2, 0, 1}, known)));
    cases.push_back(int4_case(slice({3, 5}, {1, 1}, {2, 3}, known)));
    cases.push_back(int4_case(slice({7}, {3}, {1}, known)));
    cases.push_back(int4_case(slice({7}, {3}, {0}, known)));
    cases.push_back(int4_case(repeated(Op::BROADCAST_TO, {3, 1}, {2, 3, 5}, {2, 3, 5}, known)));
  }
  cases.push_back(int4_case(transpose({200, 301}, {1, 0})));
  run_op_cases(cases);
}

TEST(Int4, ReshapeKeepsTheBytes) {
  run_op_cases({int4_case(with_vectors(Op::RESHAPE, {3, 5}, {15}, {{15}}, [](const Index& i) {
    return Index{i[0] / 5, i[0] % 5};
  }))});
}

TEST(Int4, ConcatenationOfOddRows) {
  const std::vector<int8_t> a = nibbles(6), b = nibbles(10);
  std::vector<int8_t> y;
  for (size_t row = 0; row < 2; ++row) {
    for (size_t i = 0; i < 3; ++i) y.push_back(a[row * 3 + i]);
    for (size_t i = 0; i < 5; ++i) y.push_back(b[row * 5 + i]);
  }
  run_op_cases({{.name = "odd rows",
                 .model =
                     [](ModelBuilder& m) {
                       const int x0 = m.input({2, 3}, Type::int4), x1 = m.input({2, 5}, Type::int4);
                       m.op(Op::CONCATENATION, {x0, x1}, {m.output({2, 8}, Type::int4)},
                            schema::CreateConcatenationOptions(m.fbb(), 1));
                     },
                 .inputs = {packed(a), packed(b)},
                 .outputs = {packed(y)},
                 .shapes = {{2, 8}}}});
}

TEST(Int4, DynamicUpdateSlice) {
  const std::vector<int8_t> x = nibbles(15), part = {7, -8, 5, -3};
  std::vector<int8_t> y = x;
  for (size_t i = 0; i < 4; ++i) y[(1 + i / 2) * 5 + 3 + i % 2] = part[i];
  run_op_cases(
      {{.name = "moved into the tensor",
        .model =
            [](ModelBuilder& m) {
              const int whole = m.input({3, 5}, Type::int4);
              const int p = m.input({2, 2}, Type::int4);
              const int begin = m.constant<int32_t>({2}, {1, 9});
              m.op(Op::DYNAMIC_UPDATE_SLICE, {whole, p, begin}, {m.output({3, 5}, Type::int4)});
            },
        .inputs = {packed(x), packed(part)},
        .outputs = {packed(y)}}});
}

// The part has as many bytes as the whole, whose place it may get.
TEST(Int4, DynamicUpdateSliceOfOneInTwo) {
  run_op_cases({{.name = "in place of the part",
                 .model =
                     [](ModelBuilder& m) {
                       const int x = m.constant_bytes({2}, Type::int4, {0x21});
                       const int y = m.input({2}, Type::int4);
                       const int part = m.add_tensor({1}, Type::int4);
                       const int one = m.constant<int32_t>({1}, {1});
                       const int zero = m.constant<int32_t>({1}, {0});
                       m.op(Op::SLICE, {y, one, one}, {part});
                       m.op(Op::DYNAMIC_UPDATE_SLICE, {x, part, zero}, {m.output({2}, Type::int4)});
                     },
                 .inputs = {packed(std::vector<int8_t>{3, 5})},
                 .outputs = {packed(std::vector<int8_t>{5, 2})}}});
}

TEST(Strings, SliceTileAndReshape) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(string_case(slice({3, 4}, {1, 1}, {2, 2}, known)));
    cases.push_back(string_case(slice({3, 4}, {1, 4}, {2, 0}, known)));
    cases.push_back(string_case(repeated(Op::TILE, {2, 3}, {4, 9}, {2, 3}, known)));
    cases.push_back(string_case(repeated(Op::TILE, {2, 3}, {0, 3}, {0, 1}, known)));
  }
  cases.push_back(string_case(with_vectors(Op::RESHAPE, {2, 3}, {6}, {{6}}, [](const Index& i) {
    return Index{i[0] / 3, i[0] % 3};
  })));
  run_op_cases(cases);
}

TEST(Strings, StridedSlice) {
  const auto strided = [](const Index& in, const Index& begin, const Index& end,
                          const Index& strides, const Index& out) {
    return string_case(
        with_vectors(Op::STRIDED_SLICE, in, out, {begin, end, strides}, [=](Index index) {
          for (size_t d = 0; d < index.size(); ++d) index[d] = begin[d] + index[d] * strides[d];
          return index;
        }));
  };
  run_op_cases({strided({5, 4}, {1, 3}, {5, 0}, {2, -1}, {2, 3}),
                strided({5, 4}, {1, 3}, {1, 0}, {1, -1}, {0, 3})});
}

TEST(Strings, Fill) {
  for (const Index& shape : {Index{2, 2}, Index{0, 2}, Index{}}) {
    run_op_cases({{.name = "fill",
                   .model =
                       [=](ModelBuilder& m) {
                         const int n = static_cast<int>(shape.size());
                         const int dims = m.constant<int32_t>({n}, shape);
                         m.op(Op::FILL, {dims, m.constant_strings({}, {"swan"})},
                              {m.output(shape, Type::string)});
                       },
                   .inputs = {},
                   .outputs = {packed(std::vector<std::string>(count(shape), "swan"))},
                   .shapes = {shape}}});
  }
}

TEST(SmallElements, OthersRefuseThem) {
  const auto model = [](Op op, Type type) {
    return [=](ModelBuilder& b) {
      const int x = b.input({2, 2}, type);
      const int v = b.constant<int32_t>({2, 2}, {0, 0, 0, 0});
      b.op(op, {x, v}, {b.output({2, 2}, type)});
    };
  };
  refuse_op_cases({
      {.name = "pad", .model = model(Op::PAD, Type::int4), .message = "type INT4 is not supported"},
      {.name = "strings",
       .model = model(Op::MIRROR_PAD, Type::string),
       .message = "type STRING is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
