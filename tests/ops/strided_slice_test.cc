// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

struct Flags {
  int begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0, shrink_axis_mask = 0;
  bool offset = false;
  bool known = true;
  bool wide = false;  // int64 operands
};

struct Slice {
  Index begin, end, strides;
  Flags flags = {};
};

void add_slice(ModelBuilder& b, const Slice& s, int x, int y) {
  const auto list = [&](const Index& v) {
    const auto n = static_cast<int32_t>(v.size());
    if (!s.flags.known) return b.input({n}, Type::int32);
    if (s.flags.wide) return b.constant<int64_t>({n}, {v.begin(), v.end()});
    return b.constant<int32_t>({n}, v);
  };
  const int begin = list(s.begin), end = list(s.end), strides = list(s.strides);
  b.op(Op::STRIDED_SLICE, {x, begin, end, strides}, {y},
       schema::CreateStridedSliceOptions(b.fbb(), s.flags.begin_mask, s.flags.end_mask,
                                         s.flags.ellipsis_mask, s.flags.new_axis_mask,
                                         s.flags.shrink_axis_mask, s.flags.offset),
       8);
}

// `taken`: for each dimension of the input, the indices that are taken, written out; `out` is the
// output's shape, which has the same elements in the same order.
Move slice(const Index& in, const Slice& s, const std::vector<Index>& taken, const Index& out) {
  Index dense;
  for (const Index& t : taken) dense.push_back(static_cast<int32_t>(t.size()));
  const auto places = tabulate<int64_t>(dense, [&](const Index& index) {
    Index from;
    for (size_t i = 0; i < index.size(); ++i)
      from.push_back(taken[i][static_cast<size_t>(index[i])]);
    return static_cast<int64_t>(flat(in, from));
  });
  Move m{.name = "strided_slice",
         .in = in,
         .out = out,
         .add = [=](ModelBuilder& b, int x, int y) { add_slice(b, s, x, y); },
         .source =
             [=](const Index& index) {
               int64_t place = places[flat(out, index)];
               Index from(in.size());
               for (size_t i = in.size(); i-- > 0;) {
                 from[i] = static_cast<int32_t>(place % in[i]);
                 place /= in[i];
               }
               return from;
             }};
  if (!s.flags.known)
    m.more_inputs = {values<int32_t>(s.begin), values<int32_t>(s.end), values<int32_t>(s.strides)};
  return m;
}

TEST(StridedSlice, Ranges) {
  run_moves({
      slice({6}, {{1}, {4}, {1}}, {{1, 2, 3}}, {3}),
      slice({6}, {{1}, {6}, {2}}, {{1, 3, 5}}, {3}),
      slice({6}, {{-2}, {6}, {1}}, {{4, 5}}, {2}),
      slice({6}, {{0}, {-4}, {1}}, {{0, 1}}, {2}),
      slice({6}, {{-100}, {100}, {4}}, {{0, 4}}, {2}),
      slice({6}, {{4}, {1}, {-1}}, {{4, 3, 2}}, {3}),
      slice({6}, {{100}, {-100}, {-2}}, {{5, 3, 1}}, {3}),
      slice({6}, {{-1}, {0}, {-5}}, {{5}}, {1}),
      slice({6}, {{3}, {3}, {1}}, {{}}, {0}),
      slice({6}, {{4}, {1}, {1}}, {{}}, {0}),
      slice({6}, {{1}, {4}, {-1}}, {{}}, {0}),
      slice({6}, {{0}, {6}, {2147483647}}, {{0}}, {1}),
      slice({6}, {{5}, {-7}, {-2147483647 - 1}}, {{5}}, {1}),
      slice({0}, {{0}, {3}, {1}}, {{}}, {0}),
      slice({4, 5}, {{1, 4}, {3, 0}, {1, -2}, {.wide = true}}, {{1, 2}, {4, 2}}, {2, 2}),
      slice({4, 5}, {{1, 4}, {3, 0}, {1, -2}, {.known = false}}, {{1, 2}, {4, 2}}, {2, 2}),
      slice({4, 5}, {{1}, {3}, {1}}, {{1, 2}, {0, 1, 2, 3, 4}}, {2, 5}),
      slice({4, 2}, {{}, {}, {}}, {{0, 1, 2, 3}, {0, 1}}, {4, 2}),
      slice({2, 3, 2, 3, 2}, {{0, 2, 1, 0, 0}, {2, 0, 2, 3, 1}, {1, -1, 1, 2, 1}},
            {{0, 1}, {2, 1}, {1}, {0, 2}, {0}}, {2, 2, 1, 2, 1}),
  });
}

TEST(StridedSlice, Masks) {
  run_moves({
      slice({6}, {{3}, {5}, {2}, {.begin_mask = 1}}, {{0, 2, 4}}, {3}),
      slice({6}, {{3}, {1}, {-2}, {.begin_mask = 1}}, {{5, 3}}, {2}),
      slice({6}, {{3}, {4}, {1}, {.end_mask = 1}}, {{3, 4, 5}}, {3}),
      slice({6}, {{3}, {2}, {-1}, {.end_mask = 1}}, {{3, 2, 1, 0}}, {4}),
      slice({6}, {{3}, {4}, {-1}, {.begin_mask = 1, .end_mask = 1}}, {{5, 4, 3, 2, 1, 0}}, {6}),
      slice({2, 3}, {{1, 2}, {0, 0}, {1, 1}, {.shrink_axis_mask = 3}}, {{1}, {2}}, {}),
      slice({2, 3}, {{-2, 0}, {0, 3}, {1, 1}, {.shrink_axis_mask = 1}}, {{0}, {0, 1, 2}}, {3}),
      slice({2, 3}, {{1, -1}, {2, 0}, {1, 1}, {.begin_mask = 1, .shrink_axis_mask = 3}}, {{0}, {2}},
            {}),
      slice({2, 3}, {{0, 1}, {0, 3}, {1, 1}, {.new_axis_mask = 1}}, {{1}, {0, 1, 2}}, {1, 1, 3}),
      slice({2, 3}, {{1, 0, 1}, {2, 0, 3}, {1, 1, 1}, {.new_axis_mask = 2}}, {{1}, {1, 2}},
            {1, 1, 2}),
      slice({2, 3, 4}, {{0, 1}, {0, 3}, {1, 1}, {.ellipsis_mask = 1}}, {{0, 1}, {0, 1, 2}, {1, 2}},
            {2, 3, 2}),
      slice({2, 3, 4},
            {{1, 0, 3}, {2, 0, 0}, {1, 1, -1}, {.ellipsis_mask = 2, .shrink_axis_mask = 1}},
            {{1}, {0, 1, 2}, {3, 2, 1}}, {3, 3}),
      slice({2, 3}, {{0, 0, 1}, {0, 0, 2}, {1, 1, 1}, {.ellipsis_mask = 2, .new_axis_mask = 1}},
            {{0, 1}, {1}}, {1, 2, 1}),
      slice({2, 3}, {{0, 0, 1}, {1, 0, 3}, {1, 1, 1}, {.ellipsis_mask = 2}}, {{0}, {1, 2}}, {1, 2}),
      slice({2}, {{0, 0}, {0, 0}, {1, 1}, {.ellipsis_mask = 1, .new_axis_mask = 3}}, {{0, 1}},
            {2, 1}),
  });
}

TEST(StridedSlice, OffsetCountsFromBegin) {
  run_moves({
      slice({8}, {{2}, {3}, {1}, {.offset = true}}, {{2, 3, 4}}, {3}),
      slice({8}, {{-3}, {2}, {1}, {.offset = true}}, {{5, 6}}, {2}),
      slice({8}, {{5}, {-3}, {-1}, {.offset = true}}, {{5, 4, 3}}, {3}),
      slice({8}, {{3}, {4}, {1}, {.begin_mask = 1, .end_mask = 1, .offset = true}}, {{0, 1, 2, 3}},
            {4}),
      slice({8}, {{6}, {2147483647}, {1}, {.offset = true}}, {{6, 7}}, {2}),
      slice({8}, {{1}, {-2147483647}, {1}, {.offset = true}}, {{}}, {0}),
  });
}

TEST(StridedSlice, LargeOnSeveralThreads) {
  Index all(300), odd;
  std::iota(all.begin(), all.end(), 0);
  for (int i = 1; i < 300; i += 2) odd.push_back(i);
  run_moves({slice({300, 300}, {{0, 1}, {300, 300}, {1, 2}}, {all, odd}, {300, 150})});
}

BadOpCase bad(const Index& in, const Slice& s, const std::string& message) {
  return {.name = message,
          .model =
              [=](ModelBuilder& b) {
                const int x = b.input(in);
                add_slice(b, s, x, b.output({1}));
              },
          .message = message};
}

TEST(StridedSlice, Refuses) {
  const Index nine(9, 0), ones(9, 1);
  refuse_op_cases({
      bad({6}, {{0}, {1}, {0}}, "strides: entry 0 is 0"),
      bad({6}, {{0, 0}, {1, 1}, {1, 1}}, "the index names 2 dimensions, input 0 has shape [6]"),
      bad({6}, {{0}, {1, 1}, {1}}, "input 2: expected shape [1], got [2]"),
      bad({6}, {{0}, {1}, {1, 1}}, "input 3: expected shape [1], got [2]"),
      bad({6}, {{6}, {7}, {1}, {.shrink_axis_mask = 1}},
          "begin: index 6 is not in a dimension of 6"),
      bad({6}, {{-7}, {7}, {1}, {.shrink_axis_mask = 1}},
          "begin: index -7 is not in a dimension of 6"),
      bad({6}, {{1}, {0}, {-1}, {.shrink_axis_mask = 1}},
          "strides: entry 0 is negative where one element is taken"),
      bad({0}, {{0}, {0}, {1}, {.begin_mask = 1, .shrink_axis_mask = 1}}, "of an empty dimension"),
      bad({6, 6}, {{0, 0}, {1, 1}, {1, 1}, {.ellipsis_mask = 3}},
          "ellipsis_mask: more than one bit is set"),
      bad({6}, {{0}, {1}, {1}, {.begin_mask = 2}}, "begin_mask: expected 0 to 1, got 2"),
      bad({6}, {{0}, {1}, {1}, {.end_mask = -1}}, "end_mask: expected 0 to 1, got -1"),
      bad({6}, {{0}, {1}, {1}, {.shrink_axis_mask = 2}}, "shrink_axis_mask: expected 0 to 1"),
      bad({6}, {{0}, {1}, {1}, {.ellipsis_mask = 2}}, "ellipsis_mask: expected 0 to 1, got 2"),
      bad({6}, {{0}, {1}, {1}, {.new_axis_mask = 4}}, "new_axis_mask: expected 0 to 1, got 4"),
      bad({6}, {nine, nine, ones, {.new_axis_mask = 255}}, "more than 8 dimensions"),
      bad({6}, {Index(17, 0), Index(17, 0), Index(17, 1)},
          "length of input 1: expected 0 to 16, got 17"),
  });
}

}  // namespace
}  // namespace cygnet::test
