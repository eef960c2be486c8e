// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace cygnet::cli {
namespace {

/// What f prints to standard output.
template <class F>
std::string printed(F&& f) {
  testing::internal::CaptureStdout();
  f();
  return testing::internal::GetCapturedStdout();
}

TEST(Output, HumanUnits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1 kB");
  EXPECT_EQ(human_bytes(525598), "526 kB");
  EXPECT_EQ(human_bytes(999999), "1 MB");
  EXPECT_EQ(human_bytes(3610798), "3.61 MB");
  EXPECT_EQ(human_count(7), "7");
  EXPECT_EQ(human_count(569000000), "569 M");
  EXPECT_EQ(human_time(0.00084), "0.84 ms");
  EXPECT_EQ(human_time(12.345), "12.3 s");
}

TEST(Output, Numbers) {
  EXPECT_EQ(number(0.00390625), "0.003906");
  EXPECT_EQ(number(12345678), "1.235e+07");
  EXPECT_EQ(number(123456.7), "123457");
  EXPECT_EQ(number(0), "0");
}

TEST(Output, TableAligns) {
  Table table({"name", ">count"});
  table.add({"\xc3\xa9t\xc3\xa9", "1"});
  table.add({"x\ny", "1000"});
  EXPECT_EQ(printed([&] { table.print(1); }),
            " name  count\n"
            " \xc3\xa9t\xc3\xa9       1\n"
            " x?y    1000\n");
}

TEST(Output, JsonEscapesAndReplaces) {
  Json json = Json::Object{{"text", "a\"\n\xff"},
                           {"list", Json::List{1, 2.5, true, Json()}},
                           {"infinite", std::numeric_limits<double>::infinity()}};
  EXPECT_EQ(printed([&] { print_json(json); }),
            "{\n  \"text\": \"a\\\"\\n\xef\xbf\xbd\",\n  \"list\": [\n    1,\n    2.5,\n    true,\n"
            "    null\n  ],\n  \"infinite\": null\n}\n");
}

TEST(Output, ProgressIsSilentInAPipe) {
  testing::internal::CaptureStderr();
  {
    Progress progress("work", 2);
    progress.update(1);
    progress.update(2);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace cygnet::cli
