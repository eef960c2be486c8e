// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/tensor_value.h"

#include <gtest/gtest.h>

#include "importers/tensorflow/wire_bytes.h"

namespace cygnet::tensorflow {
namespace {

using namespace cygnet::test;

/// Reads a TensorProto through a graph that holds it, and decodes it.
struct Decoded {
  Decoded(DataType type, std::initializer_list<int64_t> dims, std::string_view values,
          int64_t cap = kMaxSplatBytes)
      : file(bytes(1,
                   node("c", "Const", {},
                        attr("value", bytes(8, number(1, static_cast<int64_t>(type)) +
                                                   bytes(2, shape(dims)) + std::string(values)))))),
        graph(read_graph_def(file)),
        value(decode_tensor(graph.nodes[0].tensor("value"), cap)) {}

  std::string file;
  GraphDef graph;
  TensorValue value;
};

std::string failure(DataType type, std::initializer_list<int64_t> dims, std::string_view values,
                    int64_t cap = kMaxSplatBytes) {
  return failure_of([&] { Decoded(type, dims, values, cap); });
}

TEST(TensorValue, ContentIsTakenAsItIs) {
  const Decoded d(DataType::int16, {2, 1}, bytes(4, "abcd"));
  EXPECT_EQ(d.value.bytes, "abcd");
  EXPECT_EQ(d.value.owned, nullptr);
  EXPECT_EQ(d.value.elements(), 2);
  EXPECT_PRED2(contains, failure(DataType::int16, {3}, bytes(4, "abcd")),
               "has 4 bytes, expected 6");
}

TEST(TensorValue, ListsOfEachType) {
  const std::string minus = varint(static_cast<uint64_t>(-2));
  EXPECT_EQ(Decoded(DataType::float32, {2}, bytes(5, raw(1.f) + raw(2.f))).value.bytes,
            raw(1.f) + raw(2.f));
  EXPECT_EQ(Decoded(DataType::float32, {2}, fixed(5, 1.f) + fixed(5, 2.f)).value.bytes,
            raw(1.f) + raw(2.f));
  EXPECT_EQ(Decoded(DataType::float64, {1}, bytes(6, raw(3.0))).value.bytes, raw(3.0));
  EXPECT_EQ(Decoded(DataType::int32, {2}, bytes(7, minus + varint(7))).value.bytes,
            raw(int32_t{-2}) + raw(int32_t{7}));
  EXPECT_EQ(Decoded(DataType::int8, {1}, bytes(7, minus)).value.bytes, "\xfe");
  EXPECT_EQ(Decoded(DataType::uint16, {1}, bytes(7, varint(65535))).value.bytes, "\xff\xff");
  EXPECT_EQ(Decoded(DataType::int64, {1}, bytes(10, minus)).value.bytes, raw(int64_t{-2}));
  EXPECT_EQ(Decoded(DataType::uint32, {1}, bytes(16, varint(4000000000))).value.bytes,
            raw(uint32_t{4000000000}));
  EXPECT_EQ(Decoded(DataType::uint64, {1}, bytes(17, varint(~uint64_t{0}))).value.bytes,
            raw(~uint64_t{0}));
  EXPECT_EQ(Decoded(DataType::boolean, {2}, bytes(11, varint(256) + varint(0))).value.bytes,
            std::string("\1\0", 2));
  EXPECT_EQ(Decoded(DataType::float16, {1}, bytes(13, varint(0x3c00))).value.bytes,
            raw(uint16_t{0x3c00}));
  EXPECT_EQ(Decoded(DataType::bfloat16, {1}, number(13, 0x3f80)).value.bytes,
            raw(uint16_t{0x3f80}));
  EXPECT_EQ(Decoded(DataType::complex64, {1}, bytes(9, raw(1.f) + raw(2.f))).value.bytes,
            raw(1.f) + raw(2.f));
  const Decoded strings(DataType::string, {3}, bytes(8, "a") + bytes(8, "bc"));
  EXPECT_EQ(strings.value.strings, (std::vector<std::string_view>{"a", "bc", "bc"}));
}

TEST(TensorValue, LastValueIsRepeated) {
  EXPECT_EQ(Decoded(DataType::int32, {2, 2}, bytes(7, varint(1) + varint(2))).value.bytes,
            raw(int32_t{1}) + raw(int32_t{2}) + raw(int32_t{2}) + raw(int32_t{2}));
  EXPECT_EQ(Decoded(DataType::int8, {3}, number(7, 5)).value.bytes, "\5\5\5");
  EXPECT_EQ(Decoded(DataType::float32, {2}, "").value.bytes, std::string(8, '\0'));
  EXPECT_EQ(Decoded(DataType::float32, {}, fixed(5, 1.f)).value.bytes, raw(1.f));
  EXPECT_EQ(Decoded(DataType::float32, {0, 5}, "").value.bytes, "");
}

TEST(TensorValue, Refusals) {
  EXPECT_PRED2(contains, failure(DataType::int32, {1}, bytes(7, varint(1) + varint(2))),
               "lists more values than that");
  EXPECT_PRED2(contains, failure(DataType::string, {1}, bytes(8, "a") + bytes(8, "b")),
               "lists more values");
  EXPECT_PRED2(contains, failure(DataType::float32, {1000, 1000}, fixed(5, 1.f), 1000),
               "has 4 of its 4000000 bytes");
  EXPECT_PRED2(contains, failure(DataType::string, {1 << 30}, bytes(8, "a")), "from a list of 1");
  EXPECT_PRED2(contains, failure(DataType::float32, {1 << 30, 1 << 30, 1 << 30}, ""),
               "more than 2^48");
  EXPECT_PRED2(contains, failure(DataType::float32, {0, 1 << 30, 1 << 30, 1 << 30}, ""),
               "more than 2^48");
  EXPECT_PRED2(contains, failure(DataType::float32, {-1}, ""), "a shape is open");
  EXPECT_PRED2(contains, failure(DataType::float32, {1}, bytes(5, "abc")), "packed");
  EXPECT_PRED2(contains, failure(DataType::resource, {1}, ""), "resource can't be read");
  EXPECT_PRED2(contains, failure(DataType::complex64, {1}, fixed(9, 1.f)), "half a complex");
}

}  // namespace
}  // namespace cygnet::tensorflow
