// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <gtest/gtest.h>

#include <string>

#include "base/memory.h"
#include "graph/located.h"

namespace cygnet {
namespace {

TEST(Status, CarriesACodeAndAMessage) {
  const Status ok;
  EXPECT_TRUE(ok.ok());
  EXPECT_STREQ(ok.message(), "");
  const Status error = Status::error(Code::limit, "limit %s (%d)", "tensors", 7);
  EXPECT_FALSE(error.ok());
  EXPECT_EQ(error.code(), Code::limit);
  EXPECT_STREQ(error.message(), "limit tensors (7)");
  EXPECT_EQ(bad_model("T%d", 4).code(), Code::invalid_model);
}

TEST(Status, MessagesMayBeLong) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(bad_model("%s!", text.c_str()).message(), text + "!");
}

TEST(Status, Moves) {
  Status first = bad_model("one");
  Status second(std::move(first));
  EXPECT_STREQ(second.message(), "one");
  EXPECT_TRUE(first.ok());  // NOLINT(bugprone-use-after-move)
  first = std::move(second);
  EXPECT_STREQ(first.message(), "one");
}

TEST(Status, SurvivesWithoutMemoryForItsMessage) {
  base::set_allocation_hook([](size_t) { return false; });
  const Status error = Status::error(Code::io, "lost");
  const Status model = bad_model("lost too");
  const Status memory = out_of_memory("arena", 10);
  base::set_allocation_hook(nullptr);
  EXPECT_EQ(error.code(), Code::io);
  EXPECT_STRNE(error.message(), "");
  EXPECT_EQ(model.code(), Code::invalid_model);
  EXPECT_EQ(memory.code(), Code::out_of_memory);
  EXPECT_NE(std::string(memory.message()).find("P4: out of memory"), std::string::npos);
}

TEST(Result, IsAValueOrAnError) {
  Result<int> value(3);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value.value(), 3);
  Result<int> error(bad_model("no"));
  EXPECT_FALSE(error.ok());
  EXPECT_STREQ(error.take_status().message(), "no");
}

TEST(Located, GoesBehindTheRule) {
  const auto at = [](Status status) {
    return std::string(located(std::move(status), "subgraph %d", 3).message());
  };
  EXPECT_EQ(at(bad_model("T4: expected 1")), "T4: subgraph 3: expected 1");
  EXPECT_EQ(at(bad_model("C12: expected 1")), "C12: subgraph 3: expected 1");
  EXPECT_EQ(at(bad_model("expected 1")), "subgraph 3: expected 1");
  EXPECT_EQ(at(bad_model("T: x")), "subgraph 3: T: x");
  EXPECT_EQ(at(bad_model("T4:x")), "subgraph 3: T4:x");
  EXPECT_EQ(at(bad_model("%s", "")), "subgraph 3: ");
  EXPECT_TRUE(located({}, "nowhere").ok());
  const std::string name(5000, 'n');
  EXPECT_EQ(located(bad_model("T1: x"), "%.*s", text_length(name), name.c_str()).message(),
            "T1: " + std::string(200, 'n') + ": x");
}

TEST(Types, HaveNamesAndSizes) {
  EXPECT_STREQ(type_name(Type::int8), "INT8");
  EXPECT_STREQ(type_name(static_cast<Type>(200)), "unknown");
  EXPECT_EQ(type_bits(Type::int4), 4);
  EXPECT_EQ(type_bits(Type::complex128), 128);
  EXPECT_EQ(type_bits(Type::string), 0);
  EXPECT_EQ(type_bits(static_cast<Type>(200)), 0);
  for (int i = 0; i < kTypeCount; ++i) EXPECT_STRNE(type_name(static_cast<Type>(i)), "unknown");
}

TEST(Shapes, AreWrittenWithTheirDimensions) {
  EXPECT_STREQ(shape_text({}).text, "[]");
  EXPECT_STREQ(shape_text({1, 224, 3}).text, "[1,224,3]");
  Shape longest;
  for (int i = 0; i < kMaxRank; ++i) longest.push(INT32_MIN);
  EXPECT_EQ(std::string(shape_text(longest).text).size(), 12u * kMaxRank + 1);
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ((Shape{2, 3, 4}).elements(1, 3), 12);
  EXPECT_EQ(Shape{}.elements(), 1);
}

}  // namespace
}  // namespace cygnet
