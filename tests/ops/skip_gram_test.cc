// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/string_values.h"

namespace cygnet::test {
namespace {

std::function<void(ModelBuilder&)> model(const std::vector<std::string>& text, int size, int skip,
                                         bool all, Type out = Type::string) {
  return [=](ModelBuilder& b) {
    const int x = b.constant_strings({static_cast<int32_t>(text.size())}, text);
    b.op(schema::BuiltinOperator::SKIP_GRAM, {x}, {b.output({1}, out)},
         schema::CreateSkipGramOptions(b.fbb(), size, skip, all));
  };
}

TEST(SkipGram, Cases) {
  const auto expect = [](const std::string& text, int size, int skip, bool all,
                         const std::vector<std::string>& grams) {
    return OpCase{.name = text + " " + std::to_string(size) + " " + std::to_string(skip),
                  .model = model({text}, size, skip, all),
                  .inputs = {},
                  .outputs = {string_values(grams)},
                  .shapes = {{static_cast<int32_t>(grams.size())}}};
  };
  run_op_cases({
      expect("the quick  brown\tfox", 2, 0, false, {"the quick", "quick brown", "brown fox"}),
      expect("a b c", 2, 1, false, {"a b", "a c", "b c"}),
      expect("a b c", 2, 0, true, {"a b", "a", "b c", "b", "c"}),
      expect("a b", 3, 5, true, {}),
      expect("", 1, 0, false, {}),
      expect("one", 1, 0, false, {"one"}),
  });
}

TEST(SkipGram, Refuses) {
  refuse_op_cases({
      {.name = "size",
       .model = model({"a"}, 0, 0, false),
       .message = "ngram_size: expected 1 to 64, got 0"},
      {.name = "large", .model = model({"a"}, 65, 0, false), .message = "ngram_size"},
      {.name = "skip",
       .model = model({"a"}, 1, -1, false),
       .message = "max_skip_size: expected 0 to"},
      {.name = "none", .model = model({}, 1, 0, false), .message = "input 0: expected a text"},
      {.name = "type",
       .model = model({"a"}, 1, 0, false, Type::int32),
       .message = "output 0: expected type STRING"},
  });
}

}  // namespace
}  // namespace cygnet::test
